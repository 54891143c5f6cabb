"""What the strategies of an estimand do to the records of an analysis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from nirls.plan.binding import Outcome
    from nirls.plan.estimand import Estimand
    from nirls.plan.study import Study

VALUES = ("AVAL", "CHG", "PCHG")
FIRST = ("composite", "while_on_treatment", "hypothetical")
"""Which of two events on one day governs the visits after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """Records as the estimand wants them.

    Attributes
    ----------
    frame : DataFrame
        The records; values that count as something else carry its name in DTYPE.
    rows : list of dict
        ARD rows: values set aside or replaced, by event, arm and visit.
    footnotes : tuple of str
    """

    frame: pd.DataFrame
    rows: list[dict[str, Any]]
    footnotes: tuple[str, ...]


def governing(ice: pd.DataFrame, estimand: Estimand) -> pd.DataFrame:
    """The event that governs a subject's visits: the earliest one whose strategy is not treatment policy.

    Parameters
    ----------
    ice : DataFrame
        ADICE.
    estimand : Estimand

    Returns
    -------
    DataFrame
        Index USUBJID; columns ICECD, ICE, AVISITN (first affected visit), ADY and STRATEGY; events that affect no visit are left out.
    """
    strategy = {e.event: e.strategy for e in estimand.intercurrent_events if e.strategy != "treatment_policy"}
    own = ice[ice["ICECD"].isin(list(strategy)) & ice["AVISITN"].notna()]
    own = own.assign(STRATEGY=own["ICECD"].map(strategy).astype("str"))
    own = own.assign(_RANK=own["STRATEGY"].map({name: i for i, name in enumerate(FIRST)}))
    own = own.sort_values(["USUBJID", "AVISITN", "_RANK", "ADY"], kind="stable").drop_duplicates("USUBJID")
    return own.set_index("USUBJID")[["ICECD", "ICE", "AVISITN", "ADY", "STRATEGY"]]


def bind(
    records: pd.DataFrame, chosen: Callable[[pd.DataFrame], pd.DataFrame], ice: pd.DataFrame, estimand: Estimand, study: Study, *,
    group: str | None, outcome: Outcome | None,
) -> Bound:  # fmt: skip
    """Apply the strategies of an estimand.

    Parameters
    ----------
    records : DataFrame
        ADQS records of the subjects analysed, at all visits.
    chosen : callable
        Records → those the analysis means.
    ice : DataFrame
        ADICE.
    estimand : Estimand
    study : Study
    group : str or None
        Treatment variable, for the counts.
    outcome : {"repeated mean", "mean", "response"} or None
        What the method estimates; :func:`nirls.plan.binding.conflicts` is empty for it.
    """
    frame = chosen(records)
    events = {e.event: e for e in estimand.intercurrent_events}
    subjects = set(records["USUBJID"])
    mine = ice[ice["USUBJID"].isin(subjects) & (ice["AVISITN"] <= frame["AVISITN"].max())]
    found = governing(mine, estimand)
    handled: pd.DataFrame = frame
    rows: list[dict[str, Any]] = []
    if len(found):
        handled, rows = _handled(records, frame, chosen, found, {k: e.value for k, e in events.items()}, outcome, group)
    return Bound(frame=handled, rows=rows, footnotes=_footnotes(frame, mine, found, estimand, study, outcome))


def _handled(
    records: pd.DataFrame, frame: pd.DataFrame, chosen: Callable[[pd.DataFrame], pd.DataFrame], found: pd.DataFrame,
    value: dict[str, str | None], outcome: Outcome | None, group: str | None,
) -> tuple[pd.DataFrame, list[dict[str, Any]]]:  # fmt: skip
    import pandas as pd

    from nirls.ard.build import row

    completed = pd.concat([frame, _absent(records, frame, chosen, found)], ignore_index=True)
    start, strategy, code = (completed["USUBJID"].map(found[c]) for c in ("AVISITN", "STRATEGY", "ICECD"))
    affected = (completed["AVISITN"] >= start) & (completed["AVISITN"] > 0)
    observed = completed["AVAL"].notna() & affected
    values = [c for c in VALUES if c in completed.columns]
    out = completed.copy()
    aside = affected & ((strategy == "hypothetical") | ((strategy == "composite") & (outcome == "response")))
    out.loc[affected, values] = float("nan")
    no_change = affected & (strategy == "composite") & ~aside & (code.map(value) == "no_change")
    out.loc[no_change, "AVAL"] = out.loc[no_change, "BASE"]
    out.loc[no_change, [c for c in ("CHG", "PCHG") if c in values]] = 0.0
    last = affected & (strategy == "while_on_treatment")
    if last.any():
        out.loc[last, values] = _last_before(records, out[last], found)[values].to_numpy()
    name = strategy.where(affected & ~aside).map({"composite": "COMPOSITE", "while_on_treatment": "LAST ON TREATMENT"})
    out["DTYPE"] = name.where(name.notna() & out["AVAL"].notna(), completed["DTYPE"]).astype("str")
    # a record made for a subject without one is only needed if it got a value
    out = out[(out.index < len(frame)) | out["AVAL"].notna()].reset_index(drop=True)
    counted = completed[observed]
    rows = []
    if group is not None:
        label = counted["USUBJID"].map(found["ICE"])
        for (event, visit, arm), n in counted.groupby([label, "AVISIT", group], observed=True).size().items():
            key = {"variable": "intercurrent", "variable_level": str(event), "visit": str(visit), "group1": group, "group1_level": str(arm)}
            rows.append(row("n", int(n), **key))
    if group is not None and out[group].dtype != frame[group].dtype:
        out[group] = out[group].astype(frame[group].dtype)
    return out, rows


def _absent(
    records: pd.DataFrame, frame: pd.DataFrame, chosen: Callable[[pd.DataFrame], pd.DataFrame], found: pd.DataFrame
) -> pd.DataFrame:
    """Records of governed visits that were not made, without a value, as far as the analysis means them."""
    import pandas as pd

    place = [c for c in ("AVISIT", "AVISITN", "AWTARGET", "AWLO", "AWHI", "EPOCH") if c in frame.columns]
    visits = frame.loc[frame["AVISITN"] > 0, ["PARAMCD", *place]].drop_duplicates(["PARAMCD", "AVISITN"])
    own = records[records["USUBJID"].isin(found.index) & records["PARAMCD"].isin(visits["PARAMCD"])]
    if "BASE" in own.columns:
        own = own[own["BASE"].notna() | ~own["PARAMCD"].isin(own.loc[own["BASE"].notna(), "PARAMCD"])]
    pattern = own.drop_duplicates(["USUBJID", "PARAMCD"]).drop(columns=place)
    blank = [c for c in (*VALUES, "AVALREC", "ADY", "AWTDIFF", "SRC_ROW", "VISITNUM") if c in pattern.columns]
    words = [c for c in ("AVALC", "ADT", "VISIT", "ABLFL", "DTYPE", "SRC_FILE", "ONTRTFL") if c in pattern.columns]
    pattern = pattern.assign(**{c: float("nan") for c in blank}, **{c: pd.Series(None, index=pattern.index, dtype="str") for c in words})
    made = pattern.merge(visits, on="PARAMCD")
    made = made[made["AVISITN"] >= made["USUBJID"].map(found["AVISITN"])].assign(ANL01FL="Y")
    key = ["USUBJID", "PARAMCD", "AVISITN"]
    there = pd.MultiIndex.from_frame(frame[key])
    made = made[~pd.MultiIndex.from_frame(made[key]).isin(there)]
    return chosen(made[list(records.columns)].astype({c: records[c].dtype for c in records.columns if c not in ("SRC_ROW",)}))


def _last_before(records: pd.DataFrame, wanted: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """Values of the last analysed visit after baseline before the event, for each of the wanted records; missing where there is none."""
    import pandas as pd

    own = records[(records["ANL01FL"] == "Y") & (records["AVISITN"] > 0) & records["AVAL"].notna()]
    own = own[own["AVISITN"] < own["USUBJID"].map(found["AVISITN"])].sort_values("AVISITN", kind="stable")
    last = own.drop_duplicates(["USUBJID", "PARAMCD"], keep="last").set_index(["USUBJID", "PARAMCD"])
    return last.reindex(pd.MultiIndex.from_frame(wanted[["USUBJID", "PARAMCD"]]))


def _footnotes(
    frame: pd.DataFrame, ice: pd.DataFrame, found: pd.DataFrame, estimand: Estimand, study: Study, outcome: Outcome | None
) -> tuple[str, ...]:
    """A sentence on the events under treatment policy, one on each other event, one on those that did not occur."""
    rules = study.intercurrent_events
    happened = set(ice["ICECD"])
    used = [rules[e.event].label for e in estimand.intercurrent_events if e.strategy == "treatment_policy" and e.event in happened]
    notes = [f"Treatment policy: values after these events are used: {'; '.join(used)}."] if used else []
    for event in estimand.intercurrent_events:
        if event.strategy == "treatment_policy" or event.event not in happened:
            continue
        own = found[found["ICECD"] == event.event]
        start = frame["USUBJID"].map(own["AVISITN"])
        values = int((frame["AVAL"].notna() & (frame["AVISITN"] >= start)).sum())
        subjects = "1 subject" if len(own) == 1 else f"{len(own)} subjects"
        text = {
            "hypothetical": f"values after the event are set aside ({values} values of {subjects})",
            "composite": (
                f"{subjects} count as non-responders from the event on"
                if outcome == "response"
                else f"the outcome of {subjects} is no change from baseline from the event on"
            ),
            "while_on_treatment": f"the last value before the event stands for later visits of {subjects}",
        }[event.strategy]
        notes.append(f"{rules[event.event].label}: {text}.")
    never = [rules[e.event].label for e in estimand.intercurrent_events if e.event not in happened]
    if never:
        notes.append(f"Affected no visit analysed: {'; '.join(never)}.")
    return tuple(notes)
