"""Table of signs of augmentation by arm."""

from __future__ import annotations

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf import model_text
from nirls.tlf.document import Cell, Column, Row, TableDocument
from nirls.tlf.formats import count, interval, number
from nirls.tlf.layouts._common import cell, chosen_arms, head
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.notes import Notes

NAME = "augmentation"


class AugmentationDisplay(PlanModel):
    """Options of `augmentation`."""

    arms: list[str] | None = Field(None, description="Arms to show; none for all.")
    known: dict[str, int] = Field(default_factory=dict, description="Arm → subjects who truly augmented, where known (simulated data).")
    known_label: str = Field("Truly augmented", description="Label of the row of true numbers.")


@layout("augmentation", options=AugmentationDisplay, roles=("main",))
def augmentation(request: Request) -> Laid:
    """Subjects with each sign: n/N (%), its interval, and the difference from the reference; hours by which the onset came earlier."""
    options, context, main, notes = request.options, request.context, request.ards["main"], Notes()
    arms = chosen_arms(main, context, options.arms)
    columns = tuple(Column(id=a.code, label=a.short, n=int(main.size(a.code).value), arm=a.code) for a in arms)
    ci = model_text.level_text(main)
    rows: list[Row] = []
    for level in main.values("variable_level", variable=NAME):
        if level == "HOURS":
            continue
        shares, limits, differences = [], [], []
        for arm in arms:
            key = {"variable": NAME, "variable_level": level, "group1_level": arm.code}
            n, size, p = main.get("n", **key), main.get("N", **key), main.get("p", **key)
            text = "NE" if p.error else f"{count(n.value)}/{count(size.value)} ({number(p.value, 1)})"
            shares.append(cell(text, notes, n, size, p))
            low, high = main.find("conf_low", **key), main.find("conf_high", **key)
            limits.append(cell(interval(low.value, high.value, 1), notes, low, high) if low and high else Cell())
            if arm.code == context.reference:
                differences.append(Cell())
                continue
            key |= {"comparison": model_text.contrast(main, arm.code, context.reference)}
            found = [main.find(s, **key) for s in ("estimate", "conf_low", "conf_high")]
            known = [f for f in found if f is not None]
            if len(known) < 3:
                differences.append(cell("NE", notes, *known))
            else:
                text = f"{number(known[0].value, 1)} {interval(known[1].value, known[2].value, 1)}"
                differences.append(cell(text, notes, *known))
        rows.append(Row(label=f"{main.facts[level]}, n/N (%)", cells=tuple(shares)))
        rows.append(Row(label=ci, indent=1, cells=tuple(limits)))
        rows.append(Row(label=f"Difference from {context.arm(context.reference).short}, % ({ci})", indent=1, cells=tuple(differences)))
    cells = []
    for arm in arms:
        key = {"variable": NAME, "variable_level": "HOURS", "group1_level": arm.code}
        mean, sd, top = (main.get(s, **key) for s in ("mean", "sd", "max"))
        text = "NE" if mean.error else f"{number(mean.value, 2)} ({number(sd.value, 2)}); {number(top.value, 1)}"
        cells.append(cell(text, notes, mean, sd, top))
    rows.append(Row(label=f"{main.facts['HOURS']}: mean (SD); largest", cells=tuple(cells)))
    if options.known:
        known_cells = tuple(Cell(text=str(options.known[a.code]) if a.code in options.known else "") for a in arms)
        rows.append(Row(label=options.known_label, cells=known_cells))
    for text in [*model_text.footnotes(main, context), *main.footnotes]:
        notes.general(text)
    notes.general(f"Intervals: {main.facts['interval']}.")
    return Laid(document=TableDocument(stub="", columns=columns, rows=tuple(rows), **head(request, notes, "main", [a.code for a in arms])))
