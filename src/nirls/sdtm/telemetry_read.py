"""Samples of device telemetry, a piece of a file at a time: CSV, NDJSON and Parquet, of any size, nothing coerced in silence."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from nirls.sdtm.files import FileProblem, file_format, header, near

if TYPE_CHECKING:
    from pathlib import Path

    from nirls.plan.study import Samples

PIECE = 1 << 25
"""Bytes of text read at a time."""
ROWS = 1 << 19
"""Rows of a Parquet file read at a time."""
ISO = "%Y-%m-%dT%H:%M:%S%.fZ"
TO_MW = {"mW/cm2": 1.0, "W/cm2": 1000.0, "W/m2": 0.1}
MS = {"s": 1000.0, "ms": 1.0, "us": 0.001}


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Samples of one stretch of a file.

    Attributes
    ----------
    frame : polars.DataFrame
        Usable samples: device, session, subject (str), ms (float64, milliseconds of 1970), irradiance (mW/cm²), temperature (°C),
        contact (0–1) and row (int64, the line of a text file, the record number of a Parquet file).
    bad : polars.DataFrame
        row, column, value (str) and what is wrong, of samples that are set aside; a sample may stand there more than once.
    read : int
        Samples read.
    """

    frame: pl.DataFrame
    bad: pl.DataFrame
    read: int


def wanted(samples: Samples) -> dict[str, str]:
    """What is read → column of the file."""
    names = {
        name: getattr(samples, name) for name in ("device", "session", "subject", "time", "irradiance", "temperature", "contact", "unit")
    }
    return {name: column for name, column in names.items() if column is not None}


def check_samples(path: Path, samples: Samples, format: str | None, encoding: str = "utf-8", delimiter: str = ",") -> None:
    """Refuse a file that lacks a column, or whose irradiance has no unit."""
    have = header(path, format=file_format(path.name, format), encoding=encoding, delimiter=delimiter)
    for column in wanted(samples).values():
        if column not in have:
            what = f"the column {column!r} is missing{near(column, have)} Correct the file, or `samples:` of the source in study.yaml."
            raise FileProblem(path.name, what, row=1, column=column)
    if samples.irradiance_unit is None and samples.unit is None:
        what = f"the irradiance has no unit. Declare `irradiance_unit` ({', '.join(TO_MW)}), or the column `unit`, under `samples:`."
        raise FileProblem(path.name, what, row=1, column=samples.irradiance)


def pieces(path: Path, samples: Samples, format: str | None = None, delimiter: str = ",") -> Iterator[Piece]:
    """The samples of a file in its order.

    Raises
    ------
    FileProblem
        For a file that is damaged or cut short, a line that is not what the format demands, or a column that is not there.
    """
    kind = file_format(path.name, format)
    check_samples(path, samples, format, delimiter=delimiter)
    reader = {"csv": _csv, "ndjson": _ndjson, "parquet": _parquet}.get(kind)
    if reader is None:
        raise FileProblem(path.name, f"samples cannot be read from {kind} files. Export CSV, NDJSON or Parquet.")
    columns = wanted(samples)
    for first, frame in reader(path, columns, delimiter):
        yield _usable(frame.rename({column: name for name, column in columns.items()}), first, path.name, samples)


def _text_pieces(path: Path) -> Iterator[tuple[int, bytes]]:
    """(Number of the first line, whole lines), about PIECE bytes at a time."""
    number, rest = 1, b""
    try:
        with gzip.open(path, "rb") if path.name.lower().endswith(".gz") else path.open("rb") as file:
            while chunk := file.read(PIECE):
                chunk = rest + chunk
                end = chunk.rfind(b"\n") + 1
                whole, rest = chunk[:end], chunk[end:]
                if whole:
                    yield number, whole
                    number += whole.count(b"\n")
    except EOFError:
        raise FileProblem(
            path.name, "the gzip file ends too early (cut short in transfer?). Copy or export it again.", row=number
        ) from None
    except (gzip.BadGzipFile, zlib.error):
        raise FileProblem(path.name, "the file is not a readable gzip file. Copy or export it again.") from None
    if rest:
        yield number, rest + b"\n"


def _csv(path: Path, columns: dict[str, str], delimiter: str) -> Iterator[tuple[int, pl.DataFrame]]:
    names: list[str] = []
    mark = delimiter.encode()
    for number, text in _text_pieces(path):
        if number == 1:
            line, _, text = text.partition(b"\n")
            names = line.decode("utf-8-sig").rstrip("\r").split(delimiter)
            names = [name.strip().strip('"') for name in names]
            number = 2
        if not text:
            continue
        lines = text.count(b"\n")
        if b'"' not in text and text.count(mark) != lines * (len(names) - 1):
            for k, line in enumerate(text.split(b"\n")[:-1]):
                if line.count(mark) != len(names) - 1:
                    what = f"the line has {line.count(mark) + 1} fields where the header has {len(names)}. Export it again."
                    raise FileProblem(path.name, what, row=number + k)
        try:
            frame = pl.read_csv(io.BytesIO(text), has_header=False, new_columns=names, infer_schema=False, separator=delimiter)
        except pl.exceptions.PolarsError as error:
            raise FileProblem(
                path.name, f"the lines from here on are not CSV ({str(error).splitlines()[0]}). Export it again.", row=number
            ) from None
        if len(frame) != lines:
            raise FileProblem(path.name, "a field has a line break, or a line is blank, after this line. Export it again.", row=number)
        yield number, frame.select(list(columns.values()))


def _ndjson(path: Path, columns: dict[str, str], delimiter: str) -> Iterator[tuple[int, pl.DataFrame]]:
    numbers = {columns[name] for name in ("irradiance", "temperature", "contact") if name in columns}
    schema = {column: pl.Float64 if column in numbers else pl.String for column in columns.values()}
    for number, text in _text_pieces(path):
        lines = text.count(b"\n")
        try:
            frame = pl.read_ndjson(io.BytesIO(text), schema=schema)
        except pl.exceptions.PolarsError as error:
            raise _bad_line(path.name, number, text, numbers, str(error)) from None
        if len(frame) != lines:
            raise _bad_line(path.name, number, text, numbers, "a blank line")
        yield number, frame


def _bad_line(name: str, number: int, text: bytes, numbers: set[str], reason: str) -> FileProblem:
    """The first line that is not one JSON object with numbers where they are expected."""
    for k, line in enumerate(text.split(b"\n")[:-1]):
        try:
            record = json.loads(line)
        except ValueError as error:
            return FileProblem(name, f"the line is not a JSON object ({error}). Export it again.", row=number + k)
        if not isinstance(record, dict):
            return FileProblem(name, "the line is not a JSON object. Write one object per line.", row=number + k)
        for column in numbers & set(record):
            if record[column] is not None and not isinstance(record[column], int | float):
                return FileProblem(name, "the value is not a number.", row=number + k, column=column, value=str(record[column]))
    return FileProblem(name, f"the lines from here on are not read as they should be ({reason.splitlines()[0]}).", row=number)


def _parquet(path: Path, columns: dict[str, str], delimiter: str) -> Iterator[tuple[int, pl.DataFrame]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 1
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=ROWS, columns=list(columns.values())):
                frame = pl.DataFrame(pl.from_arrow(batch))
                yield number, frame
                number += len(frame)
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise FileProblem(path.name, f"the file is not a readable Parquet file ({reason}). Export it again.", row=number) from None


def _usable(frame: pl.DataFrame, first: int, file: str, samples: Samples) -> Piece:
    """Texts as numbers and instants; samples that lack one, or are impossible, are set aside with the reason."""
    read = len(frame)
    raw = frame.with_columns(row=pl.int_range(first, first + read, dtype=pl.Int64))
    names = wanted(samples)
    new: dict[str, pl.Series] = {"row": raw["row"]}
    bad: list[pl.DataFrame] = []

    def aside(mask: pl.Series, name: str, what: str) -> None:
        if mask.any():
            part = raw.filter(mask)
            value = part[name].cast(pl.String)
            bad.append(pl.DataFrame({"row": part["row"], "column": [names[name]] * len(part), "value": value, "what": [what] * len(part)}))

    for name in ("device", "session", "subject"):
        text = raw[name].cast(pl.String) if name in raw.columns else pl.Series([None] * read, dtype=pl.String)
        new[name] = text if text.dtype != pl.String else text.replace("", None)
        if name != "subject":
            aside(new[name].is_null(), name, "the sample does not say whose it is; it is left out. Fill it in.")
    for name in ("irradiance", "temperature", "contact"):
        column = raw[name] if name in raw.columns else pl.Series([None] * read, dtype=pl.Float64)
        new[name] = column.cast(pl.Float64, strict=False)
        if column.dtype == pl.String:
            aside(new[name].is_null() & column.is_not_null() & (column != ""), name, "is not a number; the sample is left out. Correct it.")
    aside(new["irradiance"].is_null() & _empty(raw["irradiance"]), "irradiance", "there is no irradiance; the sample is left out.")
    unit = samples.irradiance_unit
    if samples.unit is not None:
        factor = raw["unit"].cast(pl.String).replace_strict(TO_MW, default=None, return_dtype=pl.Float64)
        aside(factor.is_null(), "unit", f"is no unit of irradiance ({', '.join(TO_MW)}); the sample is left out. Correct it.")
        new["irradiance"] = new["irradiance"] * factor
    elif unit is not None:
        new["irradiance"] = new["irradiance"] * TO_MW[unit]
    aside((new["irradiance"] < 0).fill_null(False), "irradiance", "is below 0; the sample is left out.")
    if samples.temperature_unit == "F":
        new["temperature"] = (new["temperature"] - 32) / 1.8
    new["ms"], local = _instants(raw["time"], file, names["time"], samples)
    lost = new["ms"].is_null()
    aside(
        lost & local, "time", "is a local time without offset and names no instant; the sample is left out. Export UTC (…Z) or the offset."
    )
    aside(lost & ~local, "time", "is not a time; the sample is left out. Export ISO 8601 times with offset, or declare `time_unit`.")
    table = pl.concat(bad) if bad else pl.DataFrame(schema={"row": pl.Int64, "column": pl.String, "value": pl.String, "what": pl.String})
    good = pl.DataFrame(new)
    if len(table):
        good = good.filter(~good["row"].is_in(table["row"].unique().implode()))
    return Piece(frame=good, bad=table, read=read)


def _empty(column: pl.Series) -> pl.Series:
    return column.is_null() | (column == "") if column.dtype == pl.String else column.is_null()


def _instants(column: pl.Series, file: str, name: str, samples: Samples) -> tuple[pl.Series, pl.Series]:
    """Milliseconds since 1970 UTC (null where there is no instant), and which texts are local times without offset."""
    never = pl.Series(np.zeros(len(column), dtype=bool))
    if isinstance(column.dtype, pl.Datetime):
        if column.dtype.time_zone is None:
            raise FileProblem(file, "the times are local and name no zone. Write timestamps in UTC.", row=1, column=name)
        return column.dt.epoch("us").cast(pl.Float64) / 1000, never
    if samples.time_unit is not None:
        return column.cast(pl.Float64, strict=False) * MS[samples.time_unit], never
    if column.dtype != pl.String:
        what = "the times are numbers without a unit. Declare `time_unit` (s, ms, us since 1970 UTC) under `samples:` of the source."
        raise FileProblem(file, what, row=1, column=name)
    found = column.str.to_datetime(ISO, time_unit="us", strict=False)
    rest = found.is_null() & column.is_not_null()
    if rest.any():
        other = column.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%:z", time_unit="us", strict=False, time_zone="UTC")
        found = found.fill_null(other.dt.replace_time_zone(None))
    if not found.null_count():
        return found.dt.epoch("us").cast(pl.Float64) / 1000, never
    local = column.str.contains(r"^\d{4}-\d{2}-\d{2}[T ][\d:.]+$").fill_null(False)
    return found.dt.epoch("us").cast(pl.Float64) / 1000, local
