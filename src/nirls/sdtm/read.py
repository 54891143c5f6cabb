"""Raw files as text: CSV, SAS transport, Parquet, NDJSON and SAS7BDAT, nothing guessed, nothing coerced.

"NA" stays "NA", "001" stays "001", an empty cell is missing. Every row remembers its file and its
number in it. What cannot be read faithfully is a :class:`~nirls.sdtm.files.FileProblem`.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nirls.sdtm.files import FileProblem, check_header, decode, existing, file_format, read_bytes, xpt_layout

AGAIN = "Export it again."


def read_table(
    folder: Path, name: str, *, format: str | None = None, encoding: str = "utf-8", delimiter: str = ",", may_be_empty: bool = False
) -> pd.DataFrame:
    """Read one raw file.

    Parameters
    ----------
    folder : Path
    name : str
        File name in the folder.
    format : str, optional
        csv, xpt, parquet, ndjson or sas7bdat; default by the ending, looking through .gz.
    encoding, delimiter : str
        Of text files.
    may_be_empty : bool
        A header without rows is no problem.

    Returns
    -------
    DataFrame
        All columns `str` (missing = NaN), then SRC_FILE (`str`) and SRC_ROW (int64: the physical line
        of CSV and NDJSON files, header included; the record number of binary files).

        `attrs["open_end"]` is the number of the last line of a CSV file that does not end with a line break.

    Raises
    ------
    FileProblem
        If the file is missing, empty, damaged, does not decode, or has rows that do not fit its header.
    """
    path = existing(folder, name)
    kind = file_format(name, format)
    if kind == "csv":
        frame, rows = _csv(read_bytes(path), name, encoding, delimiter)
    elif kind == "ndjson":
        frame, rows = _ndjson(read_bytes(path), name, encoding)
    elif kind == "parquet":
        frame, rows = _parquet(path)
    else:
        frame, rows = _sas(path, kind, encoding)
    if not len(frame) and not may_be_empty:
        raise FileProblem(name, "the file has a header and no rows. Export it again, or declare `may_be_empty: true` if that is right.")
    frame["SRC_FILE"] = pd.Series(name, index=frame.index, dtype="str")
    frame["SRC_ROW"] = np.asarray(rows, dtype="int64")
    return frame


def text_frame(columns: dict[str, Iterable[Any]]) -> pd.DataFrame:
    """Columns of text; the empty text is missing."""
    frame = pd.DataFrame({name: pd.array(values, dtype="str") for name, values in columns.items()})
    return frame.mask(frame == "") if len(frame) else frame


def _csv(data: bytes, name: str, encoding: str, delimiter: str) -> tuple[pd.DataFrame, list[int]]:
    text = decode(data, name, encoding)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begin = 1
    records: list[list[str]] = []
    lines: list[int] = []
    try:
        if '"' in text:  # a quoted field may go over several lines
            for record in reader:
                records.append(record)
                lines.append(begin)
                begin = reader.line_num + 1
        else:
            records = list(reader)
            lines = list(range(1, len(records) + 1))
    except csv.Error as error:
        what = f"the line cannot be split into fields ({error}); often a quotation mark that is never closed. Correct it and export again."
        raise FileProblem(name, what, row=begin if '"' in text else reader.line_num) from None
    if not all(records):  # a blank line is no record
        lines = [line for line, record in zip(lines, records, strict=True) if record]
        records = [record for record in records if record]
    if not records:
        raise FileProblem(name, f"the file holds blank lines only. {AGAIN}")
    header = check_header(records[0], name, delimiter)
    wrong = [i for i in range(1, len(records)) if len(records[i]) != len(header)]
    if wrong:
        i = wrong[0]
        last = i == len(records) - 1 and not text.endswith(("\n", "\r")) and len(records[i]) < len(header)
        more = f" The same in {len(wrong) - 1} more line(s), the next is {lines[wrong[1]]}." if len(wrong) > 1 else ""
        reason = "the last line is cut short (the file ends inside it)" if last else "the number of fields does not fit the header"
        advice = "Copy or export the file again." if last else "Put texts that hold the separator between quotation marks."
        raise FileProblem(name, f"{reason}: {len(records[i])} fields, {len(header)} columns. {advice}{more}", row=lines[i])
    columns = list(zip(*records[1:], strict=True)) or [()] * len(header)
    frame = text_frame({column: list(values) for column, values in zip(header, columns, strict=True)})
    if not text.endswith(("\n", "\r")):
        frame.attrs["open_end"] = lines[-1]
    return frame, lines[1:]


def _ndjson(data: bytes, name: str, encoding: str) -> tuple[pd.DataFrame, list[int]]:
    lines = decode(data, name, encoding).split("\n")
    records: list[dict[str, str | None]] = []
    rows: list[int] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            # numbers stay as they are written: 1.50 is not 1.5 and 001 is no JSON number
            record = json.loads(line, parse_int=str, parse_float=str, parse_constant=str, object_pairs_hook=_unique)
        except ValueError as error:
            cut = " The last line is cut short." if number == len(lines) else ""
            raise FileProblem(name, f"the line is not a JSON object ({error}).{cut} {AGAIN}", row=number) from None
        if not isinstance(record, dict):
            raise FileProblem(name, "the line is not a JSON object. Write one object per line.", row=number)
        nested = next((key for key, value in record.items() if isinstance(value, list | dict)), None)
        if nested is not None:
            raise FileProblem(name, "the value is a list or an object. Write one plain value per key.", row=number, column=nested)
        records.append({key: _scalar(value) for key, value in record.items()})
        rows.append(number)
    keys = list(dict.fromkeys(key for record in records for key in record))
    return text_frame({key: [record.get(key) for record in records] for key in keys}), rows


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        raise ValueError("a key is given twice")
    return record


def _scalar(value: Any) -> str | None:
    return ("Y" if value else "N") if isinstance(value, bool) else value


def _parquet(path: Path) -> tuple[pd.DataFrame, range]:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise FileProblem(path.name, f"the file is not a readable Parquet file ({reason}). {AGAIN}") from None
    check_header(list(table.column_names), path.name)
    columns = {}
    for name in table.column_names:
        column = table[name]
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if pa.types.is_boolean(column.type):
            column = pc.if_else(column, "Y", "N")
        elif pa.types.is_timestamp(column.type):
            column = pc.strftime(pc.cast(column, pa.timestamp("s", column.type.tz)), "%Y-%m-%dT%H:%M:%S" + ("Z" if column.type.tz else ""))
        try:
            columns[name] = column.cast(pa.large_string()).to_pandas().to_numpy(dtype=object)  # 3.0 becomes "3"
        except (pa.ArrowException, NotImplementedError):
            what = f"values of type {column.type} cannot be shown as text. Write one plain value per cell."
            raise FileProblem(path.name, what, column=name) from None
    return text_frame(columns), range(1, table.num_rows + 1)


def _sas(path: Path, kind: str, encoding: str) -> tuple[pd.DataFrame, range]:
    import pyreadstat

    name = path.name
    if kind == "xpt":
        _check_xpt(path.read_bytes(), name)
    reader = pyreadstat.read_xport if kind == "xpt" else pyreadstat.read_sas7bdat
    try:
        frame, _ = reader(str(path), encoding=None if encoding.lower().replace("-", "") == "utf8" else encoding)
    except (pyreadstat.ReadstatError, UnicodeDecodeError, ValueError) as error:
        label = "SAS transport (XPT)" if kind == "xpt" else "SAS7BDAT"
        reason = str(error).splitlines()[0].rstrip(".")
        raise FileProblem(name, f"the file is not a readable {label} file ({reason}). Export it again, or declare `encoding:`.") from None
    check_header([str(column) for column in frame.columns], name)
    return text_frame({str(column): _as_text(frame[column]) for column in frame.columns}), range(1, len(frame) + 1)


def _as_text(column: pd.Series) -> np.ndarray:
    """Numbers by their shortest text (3.0 → "3"), dates in ISO 8601, text as it is."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.dtype.kind in "iuf":
        return pc.cast(pa.array(column, from_pandas=True), pa.string()).to_pandas().to_numpy(dtype=object)
    if column.dtype.kind == "M":
        midnight = (column.dropna() == column.dropna().dt.normalize()).all()
        return column.dt.strftime("%Y-%m-%d" if midnight else "%Y-%m-%dT%H:%M:%S").to_numpy(dtype=object)
    values = column.to_numpy(dtype=object)
    return np.array(
        [v if isinstance(v, str) else None if pd.isna(v) else v.isoformat() if hasattr(v, "isoformat") else str(v) for v in values],
        dtype=object,
    )


def _check_xpt(data: bytes, name: str) -> None:
    """A transport file that ends inside a record reads without complaint, one record short: refuse it."""
    variables, begin = xpt_layout(data, name)
    width = sum(size for _, size in variables)
    rest = (len(data) - begin) % width if width else 0
    if len(data) % 80 or (rest and data[len(data) - rest :].strip(b" ")):
        record = (len(data) - begin) // width + 1 if width else None
        raise FileProblem(name, "the file ends inside a record (cut short in transfer?). Copy or export it again.", row=record)
