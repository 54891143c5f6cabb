"""Reading and writing ARD files: parquet with its provenance in the file's metadata, byte-stable."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from nirls.ard.frame import check_frame

METADATA_KEY = b"nirls"


def write_table(frame: pd.DataFrame, path: Path | str, provenance: dict[str, Any] | None = None) -> None:
    """Write any frame as parquet with `provenance` (JSON) as metadata; the same frame gives the same bytes."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    metadata = {METADATA_KEY: json.dumps(provenance or {}, sort_keys=True, ensure_ascii=False).encode()}
    pandas_metadata = (table.schema.metadata or {}).get(b"pandas")
    if pandas_metadata:
        metadata[b"pandas"] = pandas_metadata
    pq.write_table(table.replace_schema_metadata(metadata), path, compression="zstd", version="2.6")


def read_provenance(path: Path | str) -> dict[str, Any]:
    """The provenance written into a file by :func:`write_table`."""
    return json.loads((pq.read_schema(path).metadata or {}).get(METADATA_KEY, b"{}"))


def write_ard(frame: pd.DataFrame, path: Path | str, provenance: dict[str, Any]) -> None:
    """Check and write an ARD."""
    check_frame(frame)
    write_table(frame, path, provenance)


def read_ard(path: Path | str) -> pd.DataFrame:
    """Read and check an ARD."""
    frame = pd.read_parquet(path)
    check_frame(frame)
    return frame
