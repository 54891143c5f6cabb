"""Table of intercurrent events."""

from __future__ import annotations

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf.document import Row, TableDocument
from nirls.tlf.errors import DisplayError
from nirls.tlf.formats import count
from nirls.tlf.layouts._common import arm_columns, arms_shown, cell, chosen_visits, counted, head
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.notes import Notes

ANY = "Any intercurrent event"


class IntercurrentOptions(PlanModel):
    """Options of `intercurrent`."""

    arms: list[str] | None = Field(None, description="Arms to show; none for all.")
    total: bool | None = Field(None, description="A column of all subjects; default: where the results have one and all arms are shown.")
    by_visit: bool = Field(False, description="Also each event by the first visit it affects.")
    values: bool = Field(False, description="Also the observed values at each visit that come after the event.")
    visits: list[str] | None = Field(None, description="Visits of `by_visit` and `values`; none for all.")


@layout("intercurrent", options=IntercurrentOptions, roles=("main",))
def intercurrent(request: Request) -> Laid:
    """Subjects with each intercurrent event by arm, on request by the first visit it affects and with the values observed after it."""
    options, context, main, notes = request.options, request.context, request.ards["main"], Notes()
    if not main.has("event") or main.find("n", variable="event", variable_level=ANY, group1_level=main.groups[0]) is None:
        raise DisplayError(
            f"{request.id}: analysis {main.analysis_id!r} counts no intercurrent events; use one with the method 'intercurrent_events'"
        )
    total = options.total if options.total is not None or options.arms is None else False
    columns = arm_columns(main, context, notes, options.arms, total=total)
    sizes = [main.size(c.id) for c in columns]
    events = [text for text in main.levels("event") if text != ANY]
    rows = [Row(label="Subjects with an event, n (%)", kind="section")]
    for text in [ANY, *events]:
        found = [main.get("n", variable="event", variable_level=text, group1_level=c.id) for c in columns]
        cells = tuple(counted(main, context, notes, f, s) for f, s in zip(found, sizes, strict=True))
        rows.append(Row(label=text, indent=1 + (text != ANY), cells=cells, emphasis=text == ANY))
    visits = chosen_visits(main, context, options.visits)
    blocks = ["event"] * options.by_visit + ["values"] * options.values
    for block in blocks:
        for text in events:
            lines = []
            for visit in visits:
                found = [main.get("n", variable=block, variable_level=text, visit=visit, group1_level=c.id) for c in columns]
                if not any(f.value for f in found):
                    continue
                if block == "event":
                    cells = tuple(counted(main, context, notes, f, s) for f, s in zip(found, sizes, strict=True))
                else:
                    cells = tuple(cell(count(f.value), notes, f) for f in found)
                lines.append(Row(label=visit, indent=1, cells=cells))
            if lines:
                what = "first affected visit, n (%)" if block == "event" else "values observed after it"
                rows += [Row(label=f"{text}: {what}", kind="section"), *lines]
    if blocks:
        notes.general("Visits at which no arm has a subject are left out; an event after the last visit affects none of them.")
    notes.general("A subject may have events of several kinds. Percentages are of the subjects in the column heads.")
    for text in main.footnotes:
        notes.general(text)
    if len(columns) > 4:
        shown = {c.id for c in columns}
        notes.general("; ".join(f"{a.short}: {a.label}" for a in context.arms if a.code in shown and a.short != a.label) + ".")
    ends = head(request, notes, "main", arms_shown(columns))
    return Laid(document=TableDocument(stub="Intercurrent event", columns=columns, rows=tuple(rows), **ends))
