"""Narratives of events: the facts of each, from which a person writes."""

from __future__ import annotations

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf.context import TOTAL
from nirls.tlf.document import Cell, Column, Row, TableDocument
from nirls.tlf.formats import count
from nirls.tlf.layouts._common import head
from nirls.tlf.layouts.listing import NO_ARM, ListingColumn, records_of, written
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.notes import Notes


class NarrativesOptions(PlanModel):
    """Options of `narratives`."""

    event: str = Field("AEDECOD", description="Variable that names the event.")
    facts: list[ListingColumn] = Field(description="Facts in order, one line each.", min_length=1)
    empty: str = Field("No event needs a narrative.", description="What it says without events.")


@layout("narratives", options=NarrativesOptions, roles=("main",))
def narratives(request: Request) -> Laid:
    """The facts of each event in a block of its own, by arm and subject."""
    options, context, main, notes = request.options, request.context, request.ards["main"], Notes()
    records = records_of(request, [options.event, *(v for f in options.facts for v in f.variables)])
    names = {a.code: a.label for a in context.arms}
    rows: list[Row] = []
    order = {code: i for i, code in enumerate(names)}
    by_arm = records.to_dict("records")
    if main.group:
        by_arm.sort(key=lambda r: order.get(r[main.group], len(order)))  # stable: the order of the records within an arm
    for record in by_arm:
        arm = str(record[main.group]) if main.group and record[main.group] in names else ""
        behind = main.get("n_obs", group1_level=arm or TOTAL)
        title = f"{record['USUBJID']}: {written(context, options.event, record[options.event], 0)}"
        rows.append(Row(label=title, kind="section"))
        if main.group:
            rows.append(Row(label="Treatment", indent=1, cells=(Cell(text=names.get(arm, NO_ARM), refs=(behind.ref,)),)))
        for fact in options.facts:
            text = " / ".join(written(context, v, record[v], fact.decimals) for v in fact.variables)
            rows.append(Row(label=fact.label, indent=1, cells=(Cell(text=text, refs=(behind.ref,)),)))
    if not rows:
        rows.append(Row(label=options.empty, cells=(Cell(),)))
    total, people = (main.get(s, group1_level=TOTAL) for s in ("n_obs", "n_subjects"))
    notes.general("Facts of the data sets alone; course, medical history and assessment are to be written by a physician.")
    fields = head(request, notes, None)
    fields["population"] = f"Shows {count(total.value)} events of {count(people.value)} subjects."
    return Laid(document=TableDocument(stub="Event", columns=(Column(id="fact", label="", align="left"),), rows=tuple(rows), **fields))
