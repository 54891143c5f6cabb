"""Table of device deficiencies."""

from __future__ import annotations

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf import model_text
from nirls.tlf.document import Cell, Row, TableDocument
from nirls.tlf.formats import count, interval, number
from nirls.tlf.layouts._common import cell, head
from nirls.tlf.layouts._safety import CATEGORY, compared, people, safety_columns, safety_notes, short
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.notes import Notes


class DeviceDeficienciesDisplay(PlanModel):
    """Options of `device_deficiencies`."""

    columns: list[str] | None = Field(None, description="Arms and pools to show; none for all of the results.")


@layout("device_deficiencies", options=DeviceDeficienciesDisplay, roles=("main",))
def device_deficiencies(request: Request) -> Laid:
    """Device deficiencies by category: number, subjects with one, and rate per 100 sessions with both kinds of limits."""
    options, context, main, notes = request.options, request.context, request.ards["main"], Notes()
    base = safety_columns(main, context, notes, options.columns)
    ci = model_text.level_text(main)
    sessions = [main.get("exposure", variable="sessions", group1_level=c.id) for c in base]
    rows = [Row(label="Sessions delivered", cells=tuple(cell(count(s.value), notes, s) for s in sessions))]
    for label in main.levels(CATEGORY):
        counts, rates, exact, robust = [], [], [], []
        for column in base:
            key = {"variable": CATEGORY, "variable_level": label, "group1_level": column.id}
            n, total, rate = (main.get(s, **key) for s in ("n", "n_events", "estimate"))
            counts.append(cell(f"{count(total.value)} in {count(n.value)}", notes, total, n))
            if rate.error:
                rates.append(cell("NE", notes, rate))
                exact.append(Cell())
                robust.append(Cell())
                continue
            rates.append(cell(number(rate.value, 2) if total.value else "0", notes, rate))
            for cells, names in ((exact, ("conf_low", "conf_high")), (robust, ("robust_low", "robust_high"))):
                low, high = (main.get(s, **key) for s in names)
                cells.append(cell("NE" if low.error else interval(low.value, high.value, 2), notes, low, high))
        rows.append(Row(label=label, kind="section"))
        rows.append(Row(label="deficiencies in subjects", indent=1, cells=tuple(counts)))
        rows.append(Row(label="per 100 sessions", indent=1, cells=tuple(rates)))
        rows.append(Row(label=f"{ci}, exact", indent=2, cells=tuple(exact)))
        rows.append(Row(label=f"{ci}, by subject", indent=2, cells=tuple(robust)))
        for own, other in compared(main):
            if own not in [c.id for c in base]:
                continue
            key = {"variable": "column", "group2": CATEGORY, "group2_level": label, "group1_level": own, "comparison": f"{own} / {other}"}
            ratio = [main.find(s, **key) for s in ("estimate", "conf_low", "conf_high")]
            known = [r for r in ratio if r is not None]
            text = "NE" if len(known) < 3 else f"{number(known[0].value, 2)} {interval(known[1].value, known[2].value, 2)}"
            cells = tuple(cell(text, notes, *known) if c.id == own else Cell() for c in base)
            rows.append(Row(label=f"{short(context, own)} / {short(context, other)} ({ci})", indent=1, cells=cells))
    safety_notes(main, context, notes, base, "apart", "treatment")
    return Laid(
        document=TableDocument(
            stub="", columns=base, rows=tuple(rows), **(head(request, notes, None) | {"population": people(main, context)})
        )
    )
