"""Table of kinds of adverse events."""

from __future__ import annotations

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf import model_text
from nirls.tlf.document import Cell, Column, Row, TableDocument
from nirls.tlf.formats import count, interval
from nirls.tlf.layouts._common import cell, head
from nirls.tlf.layouts._safety import CATEGORY, difference, incidence, pairs_of, people, safety_columns, safety_notes, short
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.notes import Notes


class AdverseEventsDisplay(PlanModel):
    """Options of `adverse_events`."""

    columns: list[str] | None = Field(None, description="Arms and pools to show; none for all of the results.")
    events: bool = Field(True, description="Print the number of events in brackets.")
    limits: bool = Field(False, description="Print the exact limits of each percentage: how often it may be, also where nobody had it.")
    first: str = Field("All subjects", description="Heading of the rows of all subjects, where there are strata.")


@layout("adverse_events", options=AdverseEventsDisplay, roles=("main",))
def adverse_events(request: Request) -> Laid:
    """Kinds of adverse events: subjects, n (%) [events], by treatment received, with differences from the reference; also in strata."""
    options, context, main, notes = request.options, request.context, request.ards["main"], Notes()
    base = safety_columns(main, context, notes, options.columns)
    pairs = pairs_of(main, base)
    ci = model_text.level_text(main)
    more = tuple(Column(id=f"{own} - {other}", label=f"{short(context, own)} − {short(context, other)}, % ({ci})") for own, other in pairs)
    # organ classes stand in the same column as strata; only kinds of events are counted within strata
    strata = [
        (v, level) for v in main.values("group2", variable=CATEGORY) for level in main.values("group2_level", group2=v, variable=CATEGORY)
    ]
    rows: list[Row] = [Row(label=options.first, kind="section")] if strata else []

    def block(key: dict[str, str], indent: int) -> None:
        for label in main.levels(CATEGORY):
            of = {"variable": CATEGORY, "variable_level": label} | key
            cells = [incidence(main, context, notes, c.id, of, events=options.events) for c in base]
            cells += [difference(main, notes, own, of) for own, _ in pairs]
            rows.append(Row(label=label, cells=tuple(cells), indent=indent))
            if options.limits:
                rows.append(
                    Row(label=ci, cells=(*(_limits(main, notes, c.id, of) for c in base), *(Cell() for _ in more)), indent=indent + 1)
                )

    block({}, 1 if strata else 0)
    for variable, level in strata:
        key = {"group2": variable, "group2_level": level}
        sizes = [main.get("N", group1_level=c.id, **key) for c in base]
        rows.append(Row(label=f"{context.labels.get(variable, variable)}: {context.level(variable, level)}", kind="section"))
        here = (*(cell(count(s.value), notes, s) for s in sizes), *(Cell() for _ in more))
        rows.append(Row(label="Subjects", indent=1, cells=here))
        if any(s.value for s in sizes):
            block(key, 1)
    notes.general(f"Subjects, n (%){' [number of events]' if options.events else ''}; a subject counts once in each row.")
    safety_notes(main, context, notes, base, "treatment", "emergent", "effects", "related", "worst")
    return Laid(
        document=TableDocument(
            stub="", columns=(*base, *more), rows=tuple(rows), **(head(request, notes, None) | {"population": people(main, context)})
        )
    )


def _limits(main, notes: Notes, column: str, key: dict[str, str]) -> Cell:
    low, high = (main.find(s, group1_level=column, **key) for s in ("conf_low", "conf_high"))
    return cell(interval(low.value, high.value, 1), notes, low, high) if low is not None and high is not None else Cell()
