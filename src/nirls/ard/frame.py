"""ARD rows as one checked frame."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from nirls.ard.schema import COLUMNS, KEY, STATS, TEXT


def to_frame(rows: Iterable[dict[str, Any]], **shared: Any) -> pd.DataFrame:
    """Rows of a method as an ARD frame.

    Parameters
    ----------
    rows : iterable of dict
        From :mod:`nirls.ard.build`; missing text columns become "".
    **shared
        Columns that every row of the file has (analysis_id, method, …).

    Returns
    -------
    DataFrame
        With the columns of :data:`nirls.ard.schema.COLUMNS`, in the order the method gave the rows.

    Raises
    ------
    ValueError
        If the key is not unique, a stat_name is unknown, or a statistic is missing without a reason.
    """
    frame = pd.DataFrame.from_records([{**r, **shared} for r in rows], columns=list(COLUMNS))
    for column in TEXT:
        frame[column] = frame[column].astype("str").where(frame[column].notna(), "")
    frame["stat"] = pd.to_numeric(frame["stat"]).astype("float64")
    frame["order"] = np.arange(1, len(frame) + 1, dtype="int64")
    check_frame(frame)
    return frame


def check_frame(frame: pd.DataFrame) -> None:
    """Raise ValueError unless `frame` obeys the ARD schema."""
    if list(frame.columns) != list(COLUMNS):
        raise ValueError(f"ARD columns are {list(frame.columns)}, not {list(COLUMNS)}")
    unknown = sorted(set(frame["stat_name"]) - set(STATS))
    if unknown:
        raise ValueError(f"unknown stat_name {unknown}")
    twice = frame[frame.duplicated(list(KEY), keep=False)]
    if len(twice):
        first = {k: v for k, v in twice.iloc[0][list(KEY)].items() if v != ""}
        raise ValueError(f"{len(twice)} ARD rows share a key, for example {first}")
    silent = frame["stat"].isna() & (frame["stat_text"] == "") & (frame["error"] == "")
    if silent.any():
        first = {k: v for k, v in frame[silent].iloc[0][list(KEY)].items() if v != ""}
        raise ValueError(f"a statistic is missing without a reason: {first}")
