"""Table of how well an early change foretells the later response."""

from __future__ import annotations

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf import model_text
from nirls.tlf.document import Cell, Column, Row, TableDocument
from nirls.tlf.formats import count, number
from nirls.tlf.layouts._common import capital, cell, chosen_arms, head
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.notes import Notes

NAME = "early response"
PARTS = {
    "ppv": "Positive predictive value: respond later, of those with the early fall",
    "npv": "Negative predictive value: do not respond later, of those without it",
    "sensitivity": "Sensitivity: had the early fall, of those who respond later",
    "specificity": "Specificity: had no early fall, of those who do not",
}


class EarlyResponseDisplay(PlanModel):
    """Options of `early_response`."""

    arms: list[str] | None = Field(None, description="Arms to show beside the pools; none for all.")


@layout("early_response", options=EarlyResponseDisplay, roles=("main",))
def early_response(request: Request) -> Laid:
    """Predictive values, sensitivity and specificity of the planned rule and of the cross-validated one, by pool and arm."""
    context, main, notes = request.context, request.ards["main"], Notes()
    arms = chosen_arms(main, context, request.options.arms)
    pools = main.values("group2_level", variable=NAME, group2="POOL")
    keys = {p: {"group2": "POOL", "group2_level": p} for p in pools} | {a.code: {"group1_level": a.code} for a in arms}
    columns = (
        *(Column(id=p, label=p) for p in pools),
        *(Column(id=a.code, label=a.short, n=int(main.size(a.code).value), arm=a.code) for a in arms),
    )
    ci = model_text.level_text(main)
    rows: list[Row] = []
    for level in main.values("variable_level", variable=NAME):
        planned = level == "planned rule"
        rows.append(Row(label=f"{capital(level)}: {main.facts['rule']}" if planned else capital(level), kind="section"))
        counts = [[main.find(s, variable=NAME, variable_level=level, **k) for s in ("n", "n_events", "n_positive")] for k in keys.values()]
        for i, label in enumerate(("Subjects", f"Respond: {main.facts['response']}", "Early fall")):
            rows.append(Row(label=label, indent=1, cells=tuple(cell(count(c[i].value), notes, c[i]) if c[i] else Cell() for c in counts)))
        for part, label in PARTS.items():
            shares, limits = [], []
            for key in keys.values():
                where = {"variable": NAME, "variable_level": level, "comparison": part} | key
                p, low, high = (main.find(s, **where) for s in ("probability", "conf_low", "conf_high"))
                if p is None or low is None or high is None:
                    shares.append(cell("NE", notes, p) if p else Cell(text="NE"))
                    limits.append(Cell())
                    continue
                shares.append(cell(f"{number(100 * p.value, 0)}%", notes, p))
                limits.append(cell(f"({number(100 * low.value, 0)}, {number(100 * high.value, 0)})", notes, low, high))
            rows.append(Row(label=label, indent=1, cells=tuple(shares)))
            rows.append(Row(label=f"{ci}, %", indent=2, cells=tuple(limits)))
        if not planned:
            cells = []
            for key in keys.values():
                low, high = (main.find(s, variable=NAME, variable_level=level, **key) for s in ("cut_low", "cut_high"))
                cells.append(cell(f"{number(low.value, 0)} to {number(high.value, 0)}", notes, low, high) if low and high else Cell())
            rows.append(Row(label="Smallest and largest fall chosen in the folds, points", indent=1, cells=tuple(cells)))
    found = [main.get("auc", variable=NAME, **k) for k in keys.values()]
    cells = tuple(cell("NE" if f.error else number(f.value, 2), notes, f) for f in found)
    rows.append(Row(label="Area under the ROC curve of the early fall", cells=cells))
    for text in [*model_text.footnotes(main, context), *main.footnotes]:
        notes.general(text)
    notes.general(f"Intervals: {main.facts['interval']}. NE: not estimated.")
    return Laid(document=TableDocument(stub="", columns=columns, rows=tuple(rows), **head(request, notes, "main", [a.code for a in arms])))
