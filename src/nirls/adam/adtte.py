"""ADTTE: times to relapse, one row per subject and rule, from the end of treatment on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from nirls.adam.account import accounts
from nirls.adam.dates import to_date
from nirls.adam.spec import conform, core_columns, variables
from nirls.errors import ConfigError, DataError
from nirls.plan.where import where_mask

if TYPE_CHECKING:
    from nirls.plan.course import TimeToEvent
    from nirls.plan.load import Plan

RELAPSE, WITHDRAWN = "Relapse, confirmed", "Withdrawal"
NO_REFERENCE = "No value at the reference visit"
NO_VISIT = "No assessment after the end of treatment"
UNCONFIRMED = "Assessment that met the rule, no later one to confirm it"
END = "Last assessment without relapse"


def derive_adtte(adsl: pd.DataFrame, adqs: pd.DataFrame, adice: pd.DataFrame, plan: Plan) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Derive ADTTE from `times_to_event` of study.yaml.

    The clock starts at the end of treatment. The event is the first of a run of visits in succession that all meet the rule and of which
    the last is at least `confirm_days` after the first; its date is that of the first. A withdrawal named by `or_withdrawal` is an event
    of its own date. A competing event (`competing`, from ADICE) ends the time if it comes first (CNSR = 2). Otherwise the time is
    censored (CNSR = 1) at the last assessment, at the first visit of a last run that meets the rule and cannot be confirmed any more, or
    at the start where there is none.

    Returns
    -------
    adtte : DataFrame
        See :func:`nirls.adam.spec.variables`.
    accounts : DataFrame

    Raises
    ------
    DataError
        An event dated before the start of the clock.
    """
    parts = [_one(code, rule, adsl, adqs, adice) for code, rule in plan.study.times_to_event.items()]
    out = pd.concat([part for part, _ in parts], ignore_index=True)
    counts: dict[str, int] = {}
    for code, (_, own) in zip(plan.study.times_to_event, parts, strict=True):
        counts |= {f"{code}: {reason}": n for reason, n in own.items()}
    out = out.merge(adsl[core_columns(plan)], on="USUBJID", how="left", validate="many_to_one")
    return conform(out, variables("ADTTE", plan)), accounts("ADTTE", "ADQS", counts)


def _one(code: str, rule: TimeToEvent, adsl: pd.DataFrame, adqs: pd.DataFrame, adice: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    place = f"study.yaml: times_to_event.{code}"
    if rule.start not in adsl.columns:
        raise ConfigError(f"{place}.start: ADSL has no variable {rule.start!r}")
    people = adsl[where_mask(rule.at_risk, adsl)]
    if people.empty:
        raise DataError(f"{place}.at_risk: no subject fulfils {rule.at_risk!r}")
    counts = {"subject without a date of the start of the clock": int(people[rule.start].isna().sum())}
    people = people[people[rule.start].notna()].set_index("USUBJID")
    start = to_date(people[rule.start], name=rule.start)

    visits = _visits(place, rule, adqs, people.index, start)
    counts[f"visit that meets the rule but for a missing {rule.worse}, taken as not met"] = int(visits["UNKNOWN"].sum())
    events = _relapses(rule, visits)
    withdrawn = _withdrawals(place, rule, people)
    ends = _competing(rule, adice, start, counts)
    last = visits.groupby("USUBJID")["DAY"].max().reindex(people.index)

    reference = _at_reference(place, rule, adqs).reindex(people.index)
    frame = pd.DataFrame({"START": start, "EVENT": events["DAY"].reindex(people.index)})
    frame = frame.assign(WITHDRAWN=withdrawn.reindex(people.index), COMPETING=ends["DAY"].reindex(people.index), LAST=last)
    early = frame[frame["WITHDRAWN"] < frame["START"]]
    if len(early):
        shown = ", ".join(f"{who} {e:%Y-%m-%d} (start {s:%Y-%m-%d})" for who, e, s in early[["WITHDRAWN", "START"]].head(10).itertuples())
        raise DataError(
            f"ADTTE: {len(early)} event(s) of {code} before the start of the clock ({rule.start}): {shown}; correct the dates in DS or let "
            f"`at_risk` of {place} leave these subjects out"
        )
    relapse = frame["EVENT"].notna() & ~(frame["WITHDRAWN"] < frame["EVENT"])
    gone = ~relapse & frame["WITHDRAWN"].notna()
    event_day = frame["EVENT"].where(relapse, frame["WITHDRAWN"])
    first = frame["COMPETING"].notna() & ~(event_day <= frame["COMPETING"])  # on the day of a relapse: given for it
    waiting = visits[visits["OPEN"]].groupby("USUBJID")["DAY"].min().reindex(people.index)
    values = [
        (reference.isna() & frame["WITHDRAWN"].isna(), 1, "", NO_REFERENCE, frame["START"], "ADQS"),
        (first, 2, ends["ICE"].reindex(people.index), "", frame["COMPETING"], "ADICE"),
        (relapse, 0, RELAPSE, "", event_day, "ADQS"),
        (gone, 0, WITHDRAWN, "", event_day, "ADSL"),
        (frame["LAST"].isna(), 1, "", NO_VISIT, frame["START"], "ADSL"),
        (waiting.notna(), 1, "", UNCONFIRMED, waiting, "ADQS"),
        (pd.Series(True, index=frame.index), 1, "", END, frame["LAST"], "ADQS"),
    ]
    cnsr, said, why = (
        pd.Series(-1, index=frame.index),
        pd.Series("", index=frame.index, dtype="str"),
        pd.Series("", index=frame.index, dtype="str"),
    )
    day = pd.Series(pd.NaT, index=frame.index, dtype="datetime64[ns]")
    source = pd.Series("", index=frame.index, dtype="str")
    for mask, code_of, event, reason, when, origin in values:
        todo = mask & (cnsr == -1)
        cnsr, day = cnsr.mask(todo, code_of), day.mask(todo, when)
        said, why, source = said.mask(todo, event), why.mask(todo, reason), source.mask(todo, origin)
    # bounds of the event: the last visit before it that did not meet the rule, and the visit that did; a period is a visit after the start
    before = visits[visits["DAY"] < visits["USUBJID"].map(day)]
    lower = before.groupby("USUBJID")["DAY"].max().reindex(frame.index).fillna(frame["START"])
    upto = visits[visits["DAY"] <= visits["USUBJID"].map(day)]
    period = (upto.groupby("USUBJID")["AVISITN"].max() - rule.reference_week).reindex(frame.index).fillna(0.0)
    period = period.mask(gone & (cnsr == 0), period + 1)
    weeks = (day - frame["START"]).dt.days / 7
    out = pd.DataFrame(
        {
            "USUBJID": frame.index, "PARAMCD": code, "PARAM": rule.label, "STARTDT": frame["START"].dt.strftime("%Y-%m-%d"),
            "ADT": day.dt.strftime("%Y-%m-%d"), "AVAL": weeks, "AVALU": "WEEKS", "CNSR": cnsr.astype(float),
            "EVNTDESC": said, "CNSDTDSC": why,
            "ALOWER": (lower - frame["START"]).dt.days / 7, "AUPPER": weeks.where(cnsr == 0),
            "APERIOD": period.astype(float), "SRCDOM": source, "ANL01FL": "Y",
        }
    )  # fmt: skip
    text = [c for c in out.columns if c not in ("AVAL", "CNSR", "ALOWER", "AUPPER", "APERIOD")]
    out[text] = out[text].astype("str")
    return out.reset_index(drop=True), counts


def _total(rule: TimeToEvent, adqs: pd.DataFrame, param: str) -> pd.DataFrame:
    own = adqs[(adqs["PARAMCD"] == param) & (adqs["ANL01FL"] == "Y") & adqs["DTYPE"].ne("LOCF").fillna(True) & adqs["AVAL"].notna()]
    return own[["USUBJID", "AVISITN", "ADT", "AVAL", "BASE"]]


def _at_reference(place: str, rule: TimeToEvent, adqs: pd.DataFrame) -> pd.Series:
    """The value at the reference visit."""
    own = _total(rule, adqs, rule.param)
    if not (own["AVISITN"] == rule.reference_week).any():
        raise ConfigError(f"{place}.reference_week: {rule.param} has no value at week {rule.reference_week:g}")
    return own[own["AVISITN"] == rule.reference_week].set_index("USUBJID")["AVAL"]


def _visits(place: str, rule: TimeToEvent, adqs: pd.DataFrame, people: pd.Index, start: pd.Series) -> pd.DataFrame:
    """Assessments after the start, in order, with whether each meets the rule (MET) and whether the last run is still open (OPEN)."""
    total = _total(rule, adqs, rule.param)
    total = total[(total["AVISITN"] > rule.reference_week) & total["USUBJID"].isin(people)]
    total = total.assign(DAY=to_date(total["ADT"], name="ADT"))
    total = (
        total[total["DAY"] > total["USUBJID"].map(start).astype("datetime64[ns]")]
        .sort_values(["USUBJID", "DAY"], kind="stable")
        .reset_index(drop=True)
    )
    value, then = total["AVAL"], total["USUBJID"].map(_at_reference(place, rule, adqs)).astype("float64")
    met = then.notna()
    if rule.rise is not None:
        met &= value - then >= rule.rise
    if rule.loss_percent is not None:
        gained = total["BASE"] - then
        met &= (gained > 0) & (value - then >= rule.loss_percent / 100 * gained)
    if rule.at_least is not None:
        met &= value >= rule.at_least
    unknown = pd.Series(False, index=total.index)
    if rule.worse is not None:
        other = _total(rule, adqs, rule.worse)
        if other.empty:
            raise ConfigError(f"{place}.worse: ADQS has no parameter {rule.worse!r}")
        at = other[other["AVISITN"] == rule.reference_week].set_index("USUBJID")["AVAL"]
        now = other.set_index(["USUBJID", "AVISITN"])["AVAL"].reindex(pd.MultiIndex.from_frame(total[["USUBJID", "AVISITN"]])).to_numpy()
        severity, before = pd.Series(now, index=total.index), total["USUBJID"].map(at).astype("float64")
        unknown = met & (severity.isna() | before.isna())
        met &= severity > before
    run = (met.ne(met.groupby(total["USUBJID"]).shift()) | total["USUBJID"].ne(total["USUBJID"].shift())).cumsum()
    total = total.assign(MET=met, RUN=run, UNKNOWN=unknown)
    final = ~total["USUBJID"].duplicated(keep="last")
    open_runs = total.loc[final & total["MET"], "RUN"]
    days = total.groupby("RUN")["DAY"]
    span = (days.max() - days.min()).dt.days
    return total.assign(SPAN=total["RUN"].map(span), OPEN=lambda d: d["RUN"].isin(open_runs) & (d["SPAN"] < rule.confirm_days))


def _relapses(rule: TimeToEvent, visits: pd.DataFrame) -> pd.DataFrame:
    """The first visit of the first run long enough, of each subject."""
    runs = visits[visits["MET"] & (visits["SPAN"] >= rule.confirm_days)]
    return runs.drop_duplicates("USUBJID").set_index("USUBJID")[["DAY"]]


def _withdrawals(place: str, rule: TimeToEvent, people: pd.DataFrame) -> pd.Series:
    if rule.or_withdrawal is None:
        return pd.Series(dtype="datetime64[ns]")
    own = people[where_mask(rule.or_withdrawal, people)]
    if own["EOSDT"].isna().any():
        raise DataError(
            f"{place}.or_withdrawal: {', '.join(own.index[own['EOSDT'].isna()][:10])} have no date of the end of the study (EOSDT)"
        )
    return to_date(own["EOSDT"], name="EOSDT")


def _competing(rule: TimeToEvent, adice: pd.DataFrame, start: pd.Series, counts: dict[str, int]) -> pd.DataFrame:
    """The first competing event after the start; earlier ones are counted."""
    own = adice[adice["ICECD"].isin(rule.competing) & adice["USUBJID"].isin(start.index)]
    own = own.assign(DAY=to_date(own["ADT"], name="ADT"))
    later = own["DAY"] > own["USUBJID"].map(start)
    counts["competing event that began before the clock, not counted as competing"] = int((~later).sum())
    own = own[later].sort_values(["USUBJID", "DAY"], kind="stable").drop_duplicates("USUBJID")
    return own.set_index("USUBJID")[["DAY", "ICE"]]
