"""Table of adverse events by organ class and preferred term."""

from __future__ import annotations

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf import model_text
from nirls.tlf.document import Cell, Column, Row, Spanner, TableDocument
from nirls.tlf.layouts._common import head
from nirls.tlf.layouts._safety import (
    CATEGORY,
    SOC,
    TERM,
    difference,
    incidence,
    pairs_of,
    people,
    safety_columns,
    safety_notes,
    short,
    term_text,
)
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.notes import Notes

BY = {"ASEV": "the worst severity", "AREL": "the strongest relationship"}


class AdverseEventTermsDisplay(PlanModel):
    """Options of `adverse_event_terms`."""

    columns: list[str] | None = Field(None, description="Arms and pools to show; none for all of the results.")
    events: bool = Field(False, description="Print the number of events in brackets.")
    least: float = Field(
        0.0, description="Leave out terms that no column has in at least this percentage of subjects; said in a footnote.", ge=0
    )


@layout("adverse_event_terms", options=AdverseEventTermsDisplay, roles=("main",))
def adverse_event_terms(request: Request) -> Laid:
    """Subjects with events by organ class and preferred term, most frequent first; by severity or relationship if the results are."""
    options, context, main, notes = request.options, request.context, request.ards["main"], Notes()
    base = safety_columns(main, context, notes, options.columns)
    by = next(iter(main.values("group3")), "")
    levels = main.values("group3_level", group3=by) if by else []
    pairs = [] if by else pairs_of(main, base)
    ci = model_text.level_text(main)
    if by:
        columns = tuple(Column(id=f"{c.id}|{level}", label=level) for c in base for level in levels)
        spanners = tuple(
            Spanner(label=f"{c.label} (N={c.n})", first=i * len(levels), last=(i + 1) * len(levels) - 1, marks=c.marks)
            for i, c in enumerate(base)
        )
    else:
        more = (Column(id=f"{a} - {b}", label=f"{short(context, a)} − {short(context, b)}, % ({ci})") for a, b in pairs)
        columns, spanners = (*base, *more), ()

    def cells(key: dict[str, str]) -> tuple[Cell, ...]:
        if by:
            return tuple(
                incidence(main, context, notes, c.id, key | {"group3": by, "group3_level": level}, events=options.events)
                for c in base
                for level in levels
            )
        return tuple(
            [incidence(main, context, notes, c.id, key, events=options.events) for c in base]
            + [difference(main, notes, own, key) for own, _ in pairs]
        )

    first = main.levels(CATEGORY)[0]
    rows = [Row(label=first, cells=cells({"variable": CATEGORY, "variable_level": first}), emphasis=True)]
    hidden = 0
    for soc in main.values("variable_level", variable=SOC):
        inner = []
        for term in main.values("variable_level", variable=TERM, group2_level=soc):
            key = {"variable": TERM, "variable_level": term, "group2": SOC, "group2_level": soc}
            if not any(_share(main, c.id, key) >= options.least for c in base):
                hidden += 1
                continue
            inner.append(Row(label=term_text(context, TERM, term), indent=1, cells=cells(key)))
        rows.append(Row(label=term_text(context, SOC, soc), cells=cells({"variable": SOC, "variable_level": soc}), emphasis=True))
        rows += inner
    if len(rows) == 1:
        rows.append(Row(label="No event", indent=1, cells=tuple(Cell() for _ in columns)))
    notes.general(
        f"Subjects, n (%){' [number of events]' if options.events else ''}; a subject counts once in each row, so that a class can have "
        "fewer subjects than its terms together." + (f" Each subject counts at {BY[by]} of its events in the row." if by else "")
    )
    if hidden:
        notes.general(f"{hidden} terms with less than {options.least:g}% in every column are left out; the classes count them.")
    safety_notes(main, context, notes, base, "treatment", "emergent", "related", "worst")
    table = TableDocument(
        stub="System organ class, preferred term",
        columns=tuple(columns),
        rows=tuple(rows),
        spanners=spanners,
        **(head(request, notes, None) | {"population": people(main, context)}),
    )
    return Laid(document=table)


def _share(main, column: str, key: dict[str, str]) -> float:
    found = main.find("p", group1_level=column, **key)
    return found.value if found is not None and found.value == found.value else 0.0
