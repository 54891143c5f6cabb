"""Writing the raw files so that the same trial gives the same bytes."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pandas as pd

from nirls.simulate.faults.plant import SUFFIX


def csv_text(frame: pd.DataFrame) -> str:
    """A table as CSV: comma, LF, UTF-8, quotes only where needed, missing empty."""
    return frame.to_csv(index=False, lineterminator="\n")


def write_table(folder: Path, name: str, frame: pd.DataFrame) -> None:
    """Write `name`.csv.gz without a time stamp or file name in the header."""
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, compresslevel=9, mtime=0) as file:
        file.write(csv_text(frame).encode("utf-8"))
    (folder / f"{name}{SUFFIX}").write_bytes(buffer.getvalue())


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write JSON, keys in the order given."""
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
