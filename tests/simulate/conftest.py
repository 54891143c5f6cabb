"""The committed demonstration trial as text, with line numbers."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "data" / "nir-rls"


def read(name: str) -> pd.DataFrame:
    """A raw file: every value text, nothing taken for missing; `row` is the line in the file (the answer key has its own)."""
    frame = pd.read_csv(FOLDER / f"{name}.csv.gz", dtype="str", keep_default_na=False, na_filter=False)
    return frame if "row" in frame else frame.assign(row=range(2, len(frame) + 2))


@pytest.fixture(scope="session")
def raw() -> dict[str, pd.DataFrame]:
    return {path.name.removesuffix(".csv.gz"): read(path.name.removesuffix(".csv.gz")) for path in sorted(FOLDER.glob("*.csv.gz"))}


@pytest.fixture(scope="session")
def folder() -> Path:
    return FOLDER
