"""Comparing two ARDs by key, as PROC COMPARE does for a data set."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nirls.ard.schema import KEY


def compare_ard(base: pd.DataFrame, other: pd.DataFrame, *, rtol: float = 0.0, atol: float = 0.0) -> pd.DataFrame:
    """Differences between two ARDs.

    Parameters
    ----------
    base, other : DataFrame
        ARD frames.
    rtol, atol : float
        Two numbers agree when |other − base| ≤ atol + rtol·|base|; the default asks for equality.

    Returns
    -------
    DataFrame
        The key columns, `base`, `other` and `difference` ('only in base', 'only in other', 'value'
        or 'text'), one row per difference; empty when the two agree.
    """
    merged = base.merge(other, on=list(KEY), how="outer", suffixes=("_base", "_other"), indicator=True)
    a, b = merged["stat_base"].to_numpy(float), merged["stat_other"].to_numpy(float)
    with np.errstate(invalid="ignore"):
        agree = (np.abs(b - a) <= atol + rtol * np.abs(a)) | (np.isnan(a) & np.isnan(b)) | (a == b)
    both = (merged["_merge"] == "both").to_numpy()
    text = both & (merged["stat_text_base"] != merged["stat_text_other"]).to_numpy()
    merged["difference"] = np.select(
        [(merged["_merge"] == "left_only").to_numpy(), (merged["_merge"] == "right_only").to_numpy(), both & ~agree, text],
        ["only in base", "only in other", "value", "text"],
        default="",
    )
    merged = merged.rename(columns={"stat_base": "base", "stat_other": "other"})
    return merged.loc[merged["difference"] != "", [*KEY, "base", "other", "difference"]].reset_index(drop=True)
