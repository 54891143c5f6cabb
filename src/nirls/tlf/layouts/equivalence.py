"""Table of equivalence of contrasts: the interval of two one-sided tests within its limits."""

from __future__ import annotations

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf import model_text
from nirls.tlf.document import Cell, Column, Row, TableDocument
from nirls.tlf.errors import DisplayError
from nirls.tlf.formats import interval, number, p_value
from nirls.tlf.layouts._common import capital, cell, digits, head
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.notes import Notes


class EquivalenceDisplay(PlanModel):
    """Options of `equivalence`."""

    known: dict[str, float] = Field(default_factory=dict, description="Contrast → true value, where it is known (simulated data).")


@layout("equivalence", options=EquivalenceDisplay, roles=("main",))
def equivalence(request: Request) -> Laid:
    """Contrasts with the interval of two one-sided tests, their limits and the decision."""
    context, main, known, notes = request.context, request.ards["main"], request.options.known, Notes()
    names = main.values("variable_level", variable="equivalence")
    if not names:
        raise DisplayError(f"{request.id}: analysis {main.analysis_id!r} tests no equivalence; give `equivalence` to 'arm_contrasts'")
    d, rows, arms = digits(context, "estimate"), [], set()
    for name in names:
        key = {"variable": "equivalence", "variable_level": name}
        est, low, high, p, yes = (main.get(s, **key) for s in ("estimate", "conf_low", "conf_high", "p_value", "rejected"))
        first, last = (main.get("margin", **key, group1="LIMIT", group1_level=k) for k in ("low", "high"))
        alpha = main.get("alpha", **key)
        groups = main.values("group2_level", variable="contrast", variable_level=name) or [""]
        label = main.get("text", variable="contrast", variable_level=name, group2="GROUP" if groups[0] else "", group2_level=groups[0]).text
        cells = [
            cell(number(est.value, d), notes, est),
            cell(interval(low.value, high.value, d), notes, low, high, alpha),
            cell(interval(first.value, last.value, 1), notes, first, last),
            cell(p_value(p.value, context.p_style), notes, p),
            cell({1.0: "equivalent", 0.0: "not shown"}.get(yes.value, "NE"), notes, yes),
        ]
        if known:
            cells.append(Cell(text=number(known[name], d) if name in known else ""))
        rows.append(Row(label=capital(label), cells=tuple(cells)))
        arms |= {a.code for a in context.arms if main.find("coefficient", variable="contrast", variable_level=name, group1_level=a.code)}
    notes.general(
        "Two one-sided tests: equivalent when the interval of level 1 − 2α (90% for α = 0.05) lies within the limits; p is the larger "
        "of the two."
    )
    notes.general("Equivalence not shown does not mean different: the interval is too wide, or too far from 0, to tell.")
    for text in [*model_text.footnotes(main, context), *main.footnotes]:
        notes.general(text)
    heads = {"diff": "Difference", "ci": "CI of the tests", "limits": "Limits", "p": "p", "decision": "Equivalence"}
    heads |= {"known": "Truth"} if known else {}
    columns = tuple(Column(id=k, label=v) for k, v in heads.items())
    ends = head(request, notes, "main", [a.code for a in context.arms if a.code in arms])
    return Laid(document=TableDocument(stub=f"Contrast, {main.facts.get('at', '').lower()}", columns=columns, rows=tuple(rows), **ends))
