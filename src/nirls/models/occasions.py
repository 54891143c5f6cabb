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


def refuse_duplicates(data: pd.DataFrame, subject: str, visit: str) -> None:
    """Raise DataError, with their names, for subjects with several rows at one visit."""
    absent = [c for c in (subject, visit) if c not in data.columns]
    if absent:
        raise DataError(f"the data have no column {', '.join(map(repr, absent))}")
    repeated = data[data.duplicated([subject, visit], keep="first")].drop_duplicates([subject, visit])
    if len(repeated):
        named = ", ".join(f"{s} at {v}" for s, v in repeated[[subject, visit]].head(10).itertuples(index=False))
        more = f" and {len(repeated) - 10} more" if len(repeated) > 10 else ""
        raise DataError(f"a subject may have one row per visit; more than one for: {named}{more}")
