"""From numbers to the text of a raw file. Missing is the empty string."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def iso(ordinals: Iterable[float]) -> list[str]:
    """ISO dates of proleptic ordinals; 0 or below is missing."""
    return [date.fromordinal(int(value)).isoformat() if value > 0 else "" for value in ordinals]


def fixed(values: NDArray, digits: int, present: NDArray | None = None) -> list[str]:
    """Numbers with a fixed number of decimals; NaN, or a place where `present` is false, is missing."""
    keep = ~np.isnan(np.asarray(values, dtype=float)) if present is None else present & ~np.isnan(np.asarray(values, dtype=float))
    return [f"{value:.{digits}f}" if ok else "" for value, ok in zip(values, keep, strict=True)]


def where(condition: NDArray[np.bool_], text: str | Sequence[str], otherwise: str | Sequence[str] = "") -> list[str]:
    """Text chosen element by element."""
    n = len(condition)
    yes = [text] * n if isinstance(text, str) else text
    no = [otherwise] * n if isinstance(otherwise, str) else otherwise
    return [a if flag else b for flag, a, b in zip(condition, yes, no, strict=True)]


def table(columns: dict[str, Sequence[str] | str], n: int) -> pd.DataFrame:
    """A raw table: every column text, scalars repeated."""
    return pd.DataFrame(
        {name: pd.Series([value] * n if isinstance(value, str) else list(value), dtype="str") for name, value in columns.items()}
    )


def numbered(frame: pd.DataFrame, by: str, name: str) -> pd.DataFrame:
    """Number the records within each value of `by` from 1, as text in column `name`."""
    return frame.assign(**{name: (frame.groupby(by, sort=False).cumcount() + 1).astype(str)})
