"""Reference ranges: which a record is judged by, and whether its value lies below, within or above."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nirls.adam.visits import SERIES

if TYPE_CHECKING:
    from nirls.plan.study import Study


def add_ranges(placed: pd.DataFrame, adsl: pd.DataFrame, study: Study) -> pd.DataFrame:
    """ANRLO, ANRHI, ANRIND and BNRIND.

    Limits that a record brings itself go before those of the plan, which may depend on the sex of the subject. ANRIND is LOW below ANRLO,
    HIGH above ANRHI and NORMAL between them, a limit included; missing without a value or without both limits. BNRIND is ANRIND of the
    baseline record.

    Parameters
    ----------
    placed : DataFrame
        Records with AVAL, ABLFL and the limits of the data in ANRLO and ANRHI.
    adsl : DataFrame
        ADSL; SEX where DM has it.
    study : Study
    """
    out = placed.copy()
    sex = out["USUBJID"].map(adsl.set_index("USUBJID")["SEX"]) if "SEX" in adsl.columns else pd.Series(np.nan, index=out.index)
    low, high = out["ANRLO"].astype(float), out["ANRHI"].astype(float)
    own = low.isna() & high.isna()  # the range of a record is taken as a whole: never one limit of it and one of the plan
    for code, item in study.parameters.items():
        if item.range is None:
            continue
        here = own & (out["PARAMCD"] == code)
        chosen = [(here & ~sex.isin(list(item.range.by_sex)), item.range.all)]
        chosen += [(here & (sex == value), limits) for value, limits in item.range.by_sex.items()]
        for rows, limits in chosen:
            if limits is not None:
                low[rows] = np.nan if limits.low is None else limits.low
                high[rows] = np.nan if limits.high is None else limits.high
    out["ANRLO"], out["ANRHI"] = low, high
    value = out["AVAL"]
    side = np.where(value < low, "LOW", np.where(value > high, "HIGH", "NORMAL"))
    out["ANRIND"] = pd.Series(side, index=out.index, dtype="str").where(value.notna() & (low.notna() | high.notna()))
    baseline = out.loc[out["ABLFL"] == "Y"].set_index(SERIES)["ANRIND"]
    out["BNRIND"] = baseline.reindex(pd.MultiIndex.from_frame(out[SERIES])).astype("str").to_numpy()
    return out
