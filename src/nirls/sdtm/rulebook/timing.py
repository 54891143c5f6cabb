"""Dates: before consent or randomization, after death or the cut, ends before starts, partial dates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nirls.sdtm.dates import PARTIAL, instants
from nirls.sdtm.domains import domain_of
from nirls.sdtm.offence import none, offences
from nirls.sdtm.rules import DATES, rule

if TYPE_CHECKING:
    from nirls.sdtm.context import Context

ASSESSED = {"SV": "SVSTDTC", "EX": "EXSTDTC", "DX": "START_UTC", "DR": "DRSTDTC"}
"""The date on which something is done to a subject, where it is not <domain>DTC. Events and medication may begin before consent."""


def _iso(days: pd.Series) -> pd.Series:
    return days.dt.strftime("%Y-%m-%d")


@rule(
    "R13",
    "nothing is done to a subject before consent",
    severity="E/Q",
    domains=("SV", "QS", "EX", "DR", "DX", "LB", "VS", "MK"),
    phase=DATES,
)
def before_consent(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """Visits, assessments and treatment: latest possible day before the earliest possible day of consent."""
    code = context.current
    variable = ASSESSED.get(code, f"{code}DTC")
    if variable not in frame.columns or "USUBJID" not in frame.columns:
        return none()
    consent = context.of_subject(frame, "consent_lo")
    wrong = context.days(code, variable)["hi"] < consent
    severity = "E" if code == "DX" else "Q"
    advice = (
        "Correct the date of the session or of consent."
        if code == "DX"
        else "The record is left out. Correct the date, or that of consent."
    )
    message = [f"is before consent ({c}). {advice}" for c in _iso(consent[wrong])]
    return offences(frame, wrong, column=variable, severity=severity, message=message)


@rule("R14", "consent comes before randomization", severity="E/W", domains=("DM",), phase=DATES)
def randomized_before_consent(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """RANDDTC not before RFICDTC (E); a randomized subject has a date of consent (W)."""
    subjects = context.subjects
    parts = []
    consent = frame["USUBJID"].map(subjects["consent_lo"])
    if "RANDDTC" in frame.columns:
        wrong = frame["USUBJID"].map(subjects["random_hi"]) < consent
        message = [f"the subject was randomized before consent ({c}). Correct one of the dates." for c in _iso(consent[wrong])]
        parts.append(offences(frame, wrong, column="RANDDTC", severity="E", message=message))
    missing = consent.isna() & frame["USUBJID"].map(subjects["randomized"])
    if "RFICDTC" in frame.columns and missing.any():
        message = "there is no date of consent; that nothing was done before consent cannot be checked for this subject."
        parts.append(offences(frame, missing, column="RFICDTC", severity="W", message=message))
    return pd.concat(parts) if parts else none()


@rule("R15", "sessions begin after randomization", severity="Q", domains=("DX",), phase=DATES)
def session_before_randomization(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """Local day of the session not before RANDDTC; a session of a subject never randomized."""
    if "USUBJID" not in frame.columns or "RANDDTC" not in context.domains["DM"].columns:
        return none()
    randomized = context.of_subject(frame, "random_lo")
    early = context.days("DX", "START_UTC")["hi"] < randomized
    never = frame["USUBJID"].notna() & randomized.isna()
    wrong = early | never
    message = [
        "the subject was never randomized; the session is left out." if n else f"the session is before randomization ({r}); it is left out."
        for n, r in zip(never[wrong], _iso(randomized[wrong]), strict=True)
    ]
    return offences(frame, wrong, column="START_UTC", severity="Q", message=message)


@rule("R16", "no date is after death, the data cut or the database lock", severity="E", domains="*", phase=DATES, after_death_days=0)
def in_the_future(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """Earliest possible day after the last possible one; `after_death_days` allows for records made shortly after a death."""
    code, dates = context.current, context.study.dates
    last = min(day for day in (dates.cut, dates.database_lock) if day)
    named = f"the data cut ({last})" if last == dates.cut else f"the database lock ({last})"
    death = context.of_subject(frame, "death_hi") if "USUBJID" in frame.columns else None
    parts = []
    for variable in context.dates_of(code):
        earliest = context.days(code, variable)["lo"]
        future = (earliest > np.datetime64(last, "s")).to_numpy()
        late = (
            (earliest > death + np.timedelta64(int(context.limit("after_death_days")), "D")).to_numpy() & ~future
            if death is not None
            else np.zeros(len(frame), dtype=bool)
        )
        if future.any():
            parts.append(
                offences(
                    frame,
                    future,
                    column=variable,
                    severity="E",
                    message=f"is after {named}. Correct the date, or `dates.cut` in study.yaml.",
                )
            )
        if late.any():
            message = [f"is after the subject's death ({d}). Correct one of the dates." for d in _iso(death[late])]
            parts.append(offences(frame, late, column=variable, severity="E", message=message))
    return pd.concat(parts) if parts else none()


@rule("R17", "an end is not before its start", severity="E/Q", domains="*", phase=DATES)
def ends_before_start(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """Date-times with an offset by the instant, everything else by the possible days. An adverse event stays, without the end."""
    code = context.current
    kept = domain_of(code).kept
    parts = []
    for start, end in domain_of(code).intervals:
        if not {start, end} <= set(frame.columns):
            continue
        wrong = context.days(code, end)["hi"] < context.days(code, start)["lo"]
        first, last = instants(frame[start]), instants(frame[end])
        wrong = wrong.mask(first.notna() & last.notna(), last < first)
        advice = "" if code == "DM" else "The record stays, without its end. " if kept else "The record is left out. "
        message = [f"the end is before the start ({s}). {advice}Correct one of the dates." for s in frame.loc[wrong, start]]
        effect = "missing" if kept else None
        parts.append(offences(frame, wrong, column=end, severity="E" if code == "DM" else "Q", effect=effect, message=message))
    return pd.concat(parts) if parts else none()


@rule("R18", "dates are complete", severity="E/W", domains="*", phase=DATES)
def partial_date(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """Partial dates are noted; those of consent, randomization and study day 1 must be complete. A birth date may be a year.

    Absent dates are noted where results are lost by them.
    """
    code = context.current
    crucial = {"RFICDTC", "RANDDTC", context.study.reference_date.partition(".")[2]} if code == "DM" else set()
    parts = []
    for variable in context.dates_of(code):
        if variable == "BRTHDTC":
            continue
        wrong = context.days(code, variable)["kind"] == PARTIAL
        if wrong.any() and variable in crucial:
            parts.append(
                offences(
                    frame, wrong, column=variable, severity="E", message="the date is incomplete, and study days depend on it. Complete it."
                )
            )
        elif wrong.any():
            message = "the date is incomplete; derivations complete it by their rule, checks use the whole range it can mean."
            parts.append(offences(frame, wrong, column=variable, severity="W", message=message))
    parts += _absent(frame, context)
    return pd.concat(parts) if parts else none()


def _absent(frame: pd.DataFrame, context: Context) -> list[pd.DataFrame]:
    """Dates without which a randomized subject's results are not analysed: study day 1, and those of results analysed by study day."""
    study = context.study
    if context.current == "DM":
        variable = study.reference_date.partition(".")[2]
        column = variable if variable in frame.columns else "RANDDTC"
        absent = frame["USUBJID"].map(context.subjects["randomized"]).astype(bool)
        absent &= frame["USUBJID"].map(context.subjects["reference_lo"]).isna()
        message = (
            "the subject was randomized, and has neither a date of study day 1 nor of randomization: there are no study days, "
            "and results analysed by study day are not analysed. Fill one in."
        )
        return [offences(frame, absent, column=column, severity="W", message=message)]
    if context.current == "QS" and "QSDTC" in frame.columns and study.windows.by == "study_day":
        randomized = context.of_subject(frame, "randomized").fillna(False).astype(bool)
        absent = randomized & frame["QSORRES"].notna() & frame["QSDTC"].isna() & frame["QSTESTCD"].isin(context.visit_tests)
        message = "the result has no date, so it is in no visit's window and is not analysed. Fill in the date."
        return [offences(frame, absent, column="QSDTC", severity="W", message=message)]
    return []
