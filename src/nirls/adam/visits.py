"""Analysis visits: which window a record falls in, which record of a window is analysed, which one is baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nirls.adam.dates import days_apart, study_day
from nirls.errors import ConfigError

if TYPE_CHECKING:
    from nirls.plan.study import Study, Visit

SERIES = ["USUBJID", "PARAMCD"]
WINDOW = ["AVISIT", "AVISITN", "AWTARGET", "AWLO", "AWHI", "EPOCH"]


def baseline_visit(study: Study) -> Visit:
    """The visit marked `baseline: true`."""
    found = [v for v in study.visits if v.baseline]
    if len(found) != 1:
        raise ConfigError(f"study.yaml: visits: exactly one visit must have `baseline: true`, not {len(found)}")
    return found[0]


def visit_table(study: Study) -> pd.DataFrame:
    """One row per scheduled visit with the ADaM window variables; AWLO and AWHI are NaN where the window is open."""
    low = [np.nan if v.window[0] is None else float(v.window[0]) for v in study.visits]
    high = [np.nan if v.window[1] is None else float(v.window[1]) for v in study.visits]
    return pd.DataFrame(
        {
            "VISITNUM": [v.num for v in study.visits], "AVISIT": pd.array([v.name for v in study.visits], dtype="str"),
            "AVISITN": [np.nan if v.week is None else float(v.week) for v in study.visits],
            "AWTARGET": [float(v.target) for v in study.visits], "AWLO": low, "AWHI": high,
            "EPOCH": pd.array([v.epoch for v in study.visits], dtype="str"),
        }
    )  # fmt: skip


def place_records(records: pd.DataFrame, reference: pd.Series, study: Study) -> pd.DataFrame:
    """Add study day, analysis visit, analysis flag and baseline flag.

    Parameters
    ----------
    records : DataFrame
        See :data:`nirls.adam.records.COLUMNS`.
    reference : Series
        USUBJID → date of study day 1 (ISO text).
    study : Study
        Visits, windows and baseline rule.

    Returns
    -------
    DataFrame
        `records` with ADY, AVISIT, AVISITN, AWTARGET, AWTDIFF, AWLO, AWHI, EPOCH, ANL01FL and ABLFL.
        Every record is kept: one without a window has AVISIT missing, one that is not analysed ANL01FL missing.
    """
    out = records.reset_index(drop=True)
    out["ADY"] = study_day(out["ADT"], out["USUBJID"].map(reference))
    out = pd.concat([out, windows_of(out, study)], axis=1)
    out["AWTDIFF"] = days_apart(out["ADY"], out["AWTARGET"])
    chosen = _choose(out, study)
    out["ANL01FL"] = pd.Series("Y", index=out.index).where(chosen)
    out["ABLFL"] = pd.Series("Y", index=out.index).where(_baseline(out, chosen, study))
    return out


def windows_of(records: pd.DataFrame, study: Study, *, by_day: bool = False) -> pd.DataFrame:
    """The columns of :data:`WINDOW` for each record; missing outside every window.

    Parameters
    ----------
    records : DataFrame
        With ADY and VISITNUM.
    study : Study
    by_day : bool
        By study day even where the study's records are placed by visit number.
    """
    table = visit_table(study)
    row = np.full(len(records), -1)
    for i, visit in table.iterrows():  # over visits, never over subjects
        if study.windows.by == "visitnum" and not by_day:
            inside = (records["VISITNUM"] == visit["VISITNUM"]).to_numpy()
        else:
            day = records["ADY"].to_numpy()
            inside = (day >= (-np.inf if np.isnan(visit["AWLO"]) else visit["AWLO"])) & (
                day <= (np.inf if np.isnan(visit["AWHI"]) else visit["AWHI"])
            )
        if (inside & (row >= 0)).any():
            other = table["AVISIT"].iloc[row[inside & (row >= 0)][0]]
            raise ConfigError(f"study.yaml: visits: the windows of {visit['AVISIT']!r} and {other!r} overlap; change `window`")
        row[inside] = i
    found = table.iloc[np.maximum(row, 0)][WINDOW].reset_index(drop=True)
    return found.where(pd.Series(row >= 0))


def _choose(out: pd.DataFrame, study: Study) -> pd.Series:
    """True for the one record of each subject, parameter and window that is analysed; only records with a value compete."""
    windows = study.windows
    usable = out[out["AVAL"].notna() & out["AVISIT"].notna()]
    sign = -1 if windows.choice == "last" or windows.tie == "later" else 1
    unscheduled = ~usable["VISITNUM"].isin([v.num for v in study.visits])
    # order of preference within a window: distance to target, then the tie rule by day; on one day a scheduled visit
    # before an unscheduled one, and then again the tie rule by visit number
    keys = pd.DataFrame({"day": sign * usable["ADY"], "unscheduled": unscheduled, "visit": sign * usable["VISITNUM"]})
    if windows.choice == "closest":
        keys.insert(0, "distance", usable["AWTDIFF"])
    order = keys.sort_values(list(keys.columns), kind="stable").index
    best = usable.loc[order].drop_duplicates([*SERIES, "AVISIT"]).index
    return pd.Series(out.index.isin(best), index=out.index)


def _baseline(out: pd.DataFrame, chosen: pd.Series, study: Study) -> pd.Series:
    early = out["ADY"] <= study.baseline.on_or_before_day
    if study.baseline.choice == "baseline_visit":
        return chosen & early & (out["AVISIT"] == baseline_visit(study).name)
    candidates = out[early & out["AVAL"].notna()].sort_values(["ADY", "VISITNUM"], kind="stable")
    return pd.Series(out.index.isin(candidates.drop_duplicates(SERIES, keep="last").index), index=out.index)
