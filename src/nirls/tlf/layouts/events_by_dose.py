"""Table of adverse events over the cumulative dose of light."""

from __future__ import annotations

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf import model_text
from nirls.tlf.document import Cell, Row, TableDocument
from nirls.tlf.formats import count, interval, number
from nirls.tlf.layouts._common import capital, cell, head
from nirls.tlf.layouts._safety import compared, people, safety_columns, safety_notes, short
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.lookup import Ard, Found
from nirls.tlf.notes import Notes

BAND, OVERALL, UNKNOWN = "band", "all sessions", "not known"


class EventsByDoseDisplay(PlanModel):
    """Options of `events_by_dose`."""

    columns: list[str] | None = Field(None, description="Arms and pools to show; none for all of the results.")


@layout("events_by_dose", options=EventsByDoseDisplay, roles=("main",))
def events_by_dose(request: Request) -> Laid:
    """Events per 100 sessions by band of the fluence delivered before, and rate ratios of dose, session number and column."""
    options, context, main, notes = request.options, request.context, request.ards["main"], Notes()
    base = safety_columns(main, context, notes, options.columns)
    ci = model_text.level_text(main)
    rows: list[Row] = []
    for label in main.values("group2_level", group2="category"):
        of = {"group2": "category", "group2_level": label}
        rows.append(Row(label=f"{label}: events / sessions, per 100 sessions ({ci})", kind="section"))
        for band in main.values("variable_level", variable=BAND):
            cells = []
            for column in base:
                found = [
                    main.find(s, variable=BAND, variable_level=band, group1_level=column.id, **of)
                    for s in ("n_events", "exposure", "estimate", "conf_low", "conf_high")
                ]
                known = [f for f in found if f is not None]
                cells.append(cell(_rate(known), notes, *known) if len(known) == 5 else Cell())
            rows.append(Row(label=capital(band) if band in (OVERALL, UNKNOWN) else f"{band} J/cm²", indent=1, cells=tuple(cells)))
        rows.append(Row(label=f"{label}: rate ratio ({ci})", kind="section"))
        names = {
            "light": "Any light, at no dose yet",
            "cumulative dose": f"Per {main.facts['per_dose']} more before the session",
            "session number": f"Per {main.facts['per_sessions']} more",
        }
        for variable, words in names.items():
            rows.append(Row(label=words, indent=1, cells=(*(Cell() for _ in base[1:]), _ratio(main, notes, {"variable": variable, **of}))))
        for own, other in compared(main):
            key = {"variable": "column", "group1_level": own, "comparison": f"{own} / {other}", **of}
            place = [i for i, c in enumerate(base) if c.id == own]
            if place:
                ratio = _ratio(main, notes, key)
                cells = [ratio if i == place[0] else Cell() for i in range(len(base))]
                rows.append(Row(label=f"{short(context, own)} / {short(context, other)}, by subject", indent=1, cells=tuple(cells)))
        lost = main.find("n_excluded", variable="model", variable_level=label)
        if lost is not None and lost.value:
            notes.general(
                f"{label}: {count(lost.value)} events before the first session or of subjects without a device are not in the rates."
            )
    unknown = main.find("n_missing", variable="sessions")
    if unknown is not None and unknown.value:
        notes.general(
            f"Of {count(unknown.value)} sessions the fluence delivered before is not known (a session without it came before, or the study "
            "is blinded): they are not in the regression over sessions."
        )
    for name in ("sessions", "subjects"):
        notes.general(f"{capital(main.facts[name])}.")
    notes.general(main.facts["confounding"])
    notes.general(
        "The rate ratios of dose, session number and any light (last column) are of one regression over all device arms, with sham."
    )
    safety_notes(main, context, notes, base, "emergent", "effects")
    return Laid(
        document=TableDocument(
            stub="Fluence delivered before the session",
            columns=base,
            rows=tuple(rows),
            **(head(request, notes, None) | {"population": people(main, context)}),
        )
    )


def _rate(found: list[Found]) -> str:
    x, t, rate, low, high = (f.value for f in found)
    return f"{count(x)} / {count(t)}, {number(rate, 2)} {interval(low, high, 2)}"


def _ratio(main: Ard, notes: Notes, key: dict[str, str]) -> Cell:
    found = [main.find(s, **key) for s in ("estimate", "conf_low", "conf_high")]
    known = [f for f in found if f is not None]
    if len(known) < 3:
        return cell("NE", notes, *known) if known else Cell()
    return cell(f"{number(known[0].value, 2)} {interval(known[1].value, known[2].value, 2)}", notes, *known)
