"""What a rule says of the rows it objects to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence

Effect = Literal["stop", "quarantine", "duplicate", "missing", "none"]
COLUMNS = ("file", "row", "usubjid", "visitnum", "column", "value", "severity", "effect", "message")
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
        stop, quarantine, duplicate, missing (the value is removed) or none; default by severity.

    Returns
    -------
    DataFrame
        Columns :data:`COLUMNS`, index: labels of the offending records in `frame`.
    """
    rows = frame[np.asarray(mask, dtype=bool)] if len(frame) else frame
    if value is None:
        value = rows[column] if isinstance(column, str) and column in rows.columns else pd.Series(np.nan, index=rows.index, dtype="str")
    empty = pd.Series(np.nan, index=rows.index, dtype="str")
    return pd.DataFrame(
        {
            "file": rows["SRC_FILE"],
            "row": rows["SRC_ROW"].astype("Int64"),
            "usubjid": rows["USUBJID"] if "USUBJID" in rows.columns else empty,
            "visitnum": pd.to_numeric(rows["VISITNUM"], errors="coerce").astype("float64") if "VISITNUM" in rows.columns else np.nan,
            "column": _texts(column, rows.index),
            "value": as_text(value.loc[rows.index]),
            "severity": severity,
            "effect": effect if effect is not None else EFFECT.get(severity or ""),
            "message": _texts(message, rows.index),
        },
        index=rows.index,
    ).astype({"severity": "str", "effect": "str"})


def none(frame: pd.DataFrame) -> pd.DataFrame:
    """No offence."""
    return offences(frame, np.zeros(len(frame), dtype=bool), column="", message="")


def as_text(values: pd.Series) -> pd.Series:
    """Values as findings show them: 3.0 is "3"."""
    if values.dtype.kind not in "iuf":
        return values.astype("str")
    return pd.Series([None if v != v else f"{v:.15g}" for v in values.astype("float64")], index=values.index, dtype="str")


def _texts(text: str | Sequence[str] | pd.Series, index: pd.Index) -> pd.Series:
    return pd.Series(text if isinstance(text, str) else list(text), index=index, dtype="str")
