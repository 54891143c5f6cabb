"""What a rule says of the rows it objects to."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence

Effect = Literal["stop", "quarantine", "duplicate", "missing", "repair", "none"]
COLUMNS = ("file", "row", "usubjid", "visitnum", "column", "value", "severity", "effect", "message", "repaired")
EFFECT = {"E": "stop", "Q": "quarantine", "W": "none"}
"""What a severity does to a record unless the rule says otherwise."""


def offences(
    frame: pd.DataFrame,
    mask: pd.Series | Iterable[bool],
    *,
    column: str | Sequence[str] | pd.Series,
    message: str | Sequence[str],
    value: pd.Series | None = None,
    severity: str | None = None,
    effect: Effect | None = None,
    repaired: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The rows of `frame` where `mask` holds, as offences.

    Parameters
    ----------
    frame : DataFrame
        Records with SRC_FILE and SRC_ROW.
    mask : Series of bool
        Offending records.
    column : str or sequence of str
        Variable at fault (one, or one per offending record); a test code stands for its result.
    message : str or sequence of str
        What is wrong and what to do (one, or one per offending record).
    value : Series, optional
        Values to show, aligned with `frame` or with the offending records; default is the variable.
    severity : {"E", "Q", "W"}, optional
        Where it differs from the rule's.
    effect : str, optional
        stop, quarantine, duplicate, missing (the value is removed), repair or none; default by severity.
    repaired : DataFrame, optional
        With the effect repair: the variables that get another value, aligned with `frame` or with the offending records.

    Returns
    -------
    DataFrame
        Columns :data:`COLUMNS`, index: labels of the offending records in `frame`.
    """
    mask = np.asarray(mask, dtype=bool)
    if not mask.any():
        return none()
    rows = frame[mask]
    missing = np.full(len(rows), np.nan)
    if value is None:
        value = rows[column] if isinstance(column, str) and column in rows.columns else pd.Series(missing, index=rows.index, dtype="str")
    elif not value.index.equals(rows.index):
        value = value.loc[rows.index]
    used = [None] * len(rows) if repaired is None else repaired.loc[rows.index].to_dict("records")
    number = pd.to_numeric(rows["VISITNUM"], errors="coerce").to_numpy(dtype="float64") if "VISITNUM" in rows.columns else missing
    return pd.DataFrame(
        {
            "file": rows["SRC_FILE"].array,
            "row": rows["SRC_ROW"].astype("Int64").array,
            "usubjid": rows["USUBJID"].array if "USUBJID" in rows.columns else pd.array(missing, dtype="str"),
            "visitnum": number,
            "column": _texts(column, len(rows)),
            "value": as_text(value).array,
            "severity": pd.array([severity] * len(rows), dtype="str"),
            "effect": pd.array([effect if effect is not None else EFFECT.get(severity or "")] * len(rows), dtype="str"),
            "message": _texts(message, len(rows)),
            "repaired": pd.array(used, dtype=object),
        },
        index=rows.index,
    )


@cache
def none() -> pd.DataFrame:
    """No offence."""
    types = {"row": "Int64", "visitnum": "float64", "repaired": "object"}
    return pd.DataFrame({name: pd.Series(dtype=types.get(name, "str"), index=pd.RangeIndex(0)) for name in COLUMNS})


def as_text(values: pd.Series) -> pd.Series:
    """Values as findings show them: 3.0 is "3"."""
    if values.dtype.kind not in "iuf":
        return values.astype("str")
    return pd.Series([None if v != v else f"{v:.15g}" for v in values.astype("float64")], index=values.index, dtype="str")


def _texts(text: str | Sequence[str] | pd.Series, n: int) -> pd.api.extensions.ExtensionArray:
    return pd.array([text] * n if isinstance(text, str) else list(text), dtype="str")
