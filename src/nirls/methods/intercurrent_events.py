"""Intercurrent events: who had them, which visits they affect, and what each estimand does about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from nirls.methods._groups import TOTAL, denominators
from nirls.methods.registry import AnalysisData, MethodResult, method
from nirls.plan.base import Id, PlanModel

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from nirls.plan.analysis import Analysis
    from nirls.plan.load import Plan


class IntercurrentEventsOptions(PlanModel):
    """Options of `intercurrent_events`."""

    visit: Id = Field("AVISIT", description="Visit of the records.")
    visit_order: Id = Field("AVISITN", description="Number that orders the visits.")
    response: Id = Field("AVAL", description="Value that counts as observed.")

    def cross_check(self, entry: Analysis, plan: Plan) -> Iterator[str]:
        """The study has events, and the entry names no estimand whose strategies would change the records."""
        if not plan.study.intercurrent_events:
            yield "study.yaml defines no `intercurrent_events`, so there is nothing to count"
        if entry.estimand is not None:
            yield "counts events in the data as they were observed; leave out `estimand`"


@method("intercurrent_events", options=IntercurrentEventsOptions, reads=("intercurrent_events",))
def intercurrent_events(data: AnalysisData, options: IntercurrentEventsOptions) -> MethodResult:
    """Subjects with each intercurrent event, first affected visits, and observed values after it, by arm."""
    from nirls.ard.build import row
    from nirls.errors import ConfigError, DataError
    from nirls.methods._linear import ordered_visits
    from nirls.methods.describe import require

    require(data.frame, [options.visit, options.visit_order, options.response], data.analysis_id)
    if data.ice is None:
        raise DataError(f"{data.analysis_id}: the method needs the intercurrent events (adice.parquet), which were not given")
    group = data.spec.group
    if group is None:
        raise ConfigError(f"analyses.yaml: {data.analysis_id}: the method 'intercurrent_events' needs `group`, the treatment variable")
    visits = [str(v) for v in ordered_visits(data, options.visit, options.visit_order).cat.categories]
    arm = data.adsl.set_index("USUBJID")[group]
    events = data.ice.assign(_ARM=data.ice["USUBJID"].map(arm))
    records = data.frame[data.frame[options.response].notna()]
    found = denominators(data, total=True)
    for code, rule in data.plan.study.intercurrent_events.items():
        own = events[events["ICECD"] == code]
        start = records["USUBJID"].map(own.set_index("USUBJID")["AVISITN"])
        after = records[(records[options.visit_order] >= start) & (records[options.visit_order] > 0)]
        for level in [*arm.cat.categories, TOTAL]:
            mine = own if level == TOTAL else own[own["_ARM"] == level]
            values = after if level == TOTAL else after[after[group] == level]
            key = {"variable_level": rule.label, "group1": group, "group1_level": str(level)}
            found.append(row("n", len(mine), variable="event", **key))
            found += [row("n", int((mine["AVISIT"] == v).sum()), variable="event", visit=v, **key) for v in visits]
            found += [row("n", int((values[options.visit] == v).sum()), variable="values", visit=v, **key) for v in visits]
    _any(found, events, group, [str(a) for a in arm.cat.categories])
    notes = (
        "An event affects every visit whose day is later than its date; the first affected visit need not have been attended.",
        "The first event of a kind counts, on or after study day 1.",
    )
    return MethodResult(rows=found, footnotes=notes)


def _any(found: list[dict[str, Any]], events: pd.DataFrame, group: str, arms: list[str]) -> None:
    """Rows of subjects with any event."""
    from nirls.ard.build import row

    for level in [*arms, TOTAL]:
        mine = events if level == TOTAL else events[events["_ARM"] == level]
        n = mine["USUBJID"].nunique()
        found.append(row("n", n, variable="event", variable_level="Any intercurrent event", group1=group, group1_level=level, order=-1))
