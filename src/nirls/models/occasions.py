"""Which rows belong to one subject, and to which visit or time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from nirls.errors import DataError
from nirls.models.design import as_factor


def visits(column: pd.Series) -> tuple[np.ndarray, list[Any]]:
    """Codes and names of the visits."""
    occasions = as_factor(column)
    return occasions.cat.codes.to_numpy(), list(occasions.cat.categories)


def times(column: pd.Series) -> tuple[np.ndarray, None]:
    """Times as numbers."""
    if not pd.api.types.is_numeric_dtype(column):
        raise DataError(f"the covariance is in continuous time, but {column.name!r} is not a column of numbers")
    values = column.to_numpy(dtype=float)
    if not np.isfinite(values).all():
        raise DataError(f"{column.name!r} is missing or infinite in {(~np.isfinite(values)).sum()} rows with an observed outcome")
    return values, None


def subject_codes(data: pd.DataFrame, subject: str, visit: str) -> np.ndarray:
    """Codes of the subjects, −1 where missing; two rows of a subject at one visit are refused."""
    absent = [c for c in (subject, visit) if c not in data.columns]
    if absent:
        raise DataError(f"the data have no column {', '.join(map(repr, absent))}")
    codes, _ = pd.factorize(data[subject])
    occasions, visits = pd.factorize(data[visit])
    cell = pd.Series((codes + 1) * (len(visits) + 1) + occasions)
    repeated = cell.duplicated()
    if repeated.any():
        pairs = data.loc[repeated.to_numpy(), [subject, visit]].drop_duplicates()
        named = ", ".join(f"{s} at {v}" for s, v in pairs.head(10).itertuples(index=False))
        more = f" and {len(pairs) - 10} more" if len(pairs) > 10 else ""
        raise DataError(f"a subject may have one row per visit; more than one for: {named}{more}")
    return np.asarray(codes)
