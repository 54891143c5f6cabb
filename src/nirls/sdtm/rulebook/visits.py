"""Assessments and visits: windows, two records in one window, baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nirls.sdtm.offence import none, offences
from nirls.sdtm.rules import BASELINE, VISITS, rule

if TYPE_CHECKING:
    from nirls.sdtm.context import Context

INF = np.inf


def _windows(context: Context) -> pd.DataFrame:
    """First and last day of each visit's window, by VISITNUM."""
    rows = [
        (v.num, v.name, -INF if v.window[0] is None else v.window[0], INF if v.window[1] is None else v.window[1])
        for v in context.study.visits
    ]
    return pd.DataFrame(rows, columns=["num", "name", "first", "last"]).set_index("num")


def _assessments(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """One record for each source row and test group of the QS records analysed by visit, with `lo` and `hi` study day."""
    own = frame[frame["QSTESTCD"].isin(context.visit_tests)] if "QSDTC" in frame.columns else frame.iloc[:0]
    days = context.study_days("QS", "QSDTC").loc[own.index] if len(own) else pd.DataFrame({"lo": [], "hi": []})
    return own.assign(lo=days["lo"], hi=days["hi"])


@rule("R11", "an assessment is within its visit's window", severity="W", domains=("QS",), phase=VISITS)
def outside_window(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """By VISITNUM as collected; the window, not the visit number, decides the analysis visit."""
    own, windows = _assessments(frame, context), _windows(context)
    if "VISITNUM" not in own.columns or own.empty:
        return none()
    first, last = own["VISITNUM"].map(windows["first"]), own["VISITNUM"].map(windows["last"])
    wrong = (own["hi"] < first) | (own["lo"] > last)
    rows = own[wrong]
    names = rows["VISITNUM"].map(windows["name"])
    message = [
        f"is study day {day:g}, outside the window of {name} ({'…' if a == -INF else f'{a:g}'} to {'…' if b == INF else f'{b:g}'})."
        for day, name, a, b in zip(rows["lo"], names, first[wrong], last[wrong], strict=True)
    ]
    return offences(own, wrong, column="QSDTC", severity="W", message=message)


@rule("R12", "a window holds one assessment", severity="W", domains=("QS",), phase=VISITS)
def two_in_window(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """Which one is analysed is decided by `windows.choice`."""
    own, windows = _assessments(frame, context), _windows(context)
    own = own[own["QSORRES"].notna()]
    if own.empty:
        return none()
    if context.study.windows.by == "visitnum":
        visit = own["VISITNUM"].where(own["VISITNUM"].isin(windows.index))
    else:
        edges = windows[["first", "last"]].to_numpy()
        lo, hi = own["lo"].to_numpy()[:, None], own["hi"].to_numpy()[:, None]
        inside = (lo >= edges[:, 0]) & (hi <= edges[:, 1])
        visit = pd.Series(np.where(inside.any(axis=1), windows.index.to_numpy()[inside.argmax(axis=1)], np.nan), index=own.index)
    own = own.assign(visit=visit).dropna(subset="visit").sort_values(["lo", "SRC_ROW"], kind="stable")
    identity = ["USUBJID", "visit", "QSTESTCD", *(["QSEVAL"] if "QSEVAL" in own.columns else [])]
    later = own.duplicated(identity)
    if not later.any():
        return none()
    first = own.drop_duplicates(identity).set_index(identity)[["SRC_ROW", "QSDTC"]]
    before = own.loc[later, identity].merge(first, left_on=identity, right_index=True, how="left")
    names = own.loc[later, "visit"].map(windows["name"])
    message = [
        f"falls into the window of {name}, as row {row} ({day}) does; `windows.choice` decides which is analysed."
        for name, row, day in zip(names, before["SRC_ROW"], before["QSDTC"], strict=True)
    ]
    return offences(own, later, column="VISITNUM", severity="W", message=message)


@rule("R20", "a randomized subject has a baseline total", severity="W", domains=("DM",), phase=BASELINE)
def no_baseline(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """Total of the first instrument at baseline, from its items."""
    if "QS" not in context.domains or not context.instruments:
        return none()
    instrument = next(iter(context.instruments.values()))
    wrong = frame["USUBJID"].map(context.subjects["randomized"]).astype(bool) & ~frame["USUBJID"].isin(context.baseline.index)
    message = f"the subject has no baseline {instrument.abbreviation} total; analysis sets that need one leave the subject out."
    return offences(frame, wrong, column="USUBJID", severity="W", message=message)


@rule("R21", "the baseline total makes the subject eligible", severity="W", domains=("QS",), phase=BASELINE, instrument="irls", minimum=15)
def eligible(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """Baseline total at least `minimum`; a deviation otherwise."""
    key = str(context.limit("instrument"))
    if key != next(iter(context.instruments), None):
        return none()
    minimum = float(context.limit("minimum"))
    randomized = context.baseline.index.map(context.subjects["randomized"]).to_numpy(dtype=bool)
    low = context.baseline[randomized & (context.baseline["total"] < minimum).to_numpy()]
    rows = frame.loc[low["label"]]
    total = pd.Series([f"{t:g}" for t in low["total"]], index=rows.index, dtype="str")
    message = f"the baseline total is below {minimum:g}, the lowest for inclusion: a deviation."
    instrument = context.instruments[key]
    return offences(
        rows,
        np.ones(len(rows), dtype=bool),
        column=str(instrument.recorded_total or instrument.total),
        value=total,
        severity="W",
        message=message,
    )
