"""Table of ordered categories."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf import model_text
from nirls.tlf.document import Cell, Row, TableDocument
from nirls.tlf.errors import DisplayError
from nirls.tlf.formats import count, count_percent, interval, number, p_value
from nirls.tlf.layouts._common import arm_columns, capital, cell, digits, head
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.notes import Notes

EFFECT = (("{}", "interval", ("conf_low", "conf_high")), ("p", "p", ("p_value",)))
BLOCKS: dict[str, tuple[tuple[str, str, tuple[str, ...]], ...]] = {
    "proportional odds ratio": (("Odds ratio of a better category", "number", ("estimate",)), *EFFECT),
    "proportionality": (("Test of proportionality, p", "p", ("p_value",)),),
    "row mean score test": (("Row mean score test, p", "p", ("p_value",)),),
    "win probability": (("Win probability", "number", ("estimate",)), *EFFECT),
}
"""Measure → its rows: label, form and statistics."""


class CategoriesOptions(PlanModel):
    """Options of `categories`."""

    arms: list[str] | None = Field(None, description="Arms to show; none for all.")
    reference: str | None = Field(None, description="Arm the others are compared with; default: the study's reference.")


@layout("categories", options=CategoriesOptions, roles=("main",))
def categories(request: Request) -> Laid:
    """Ordered categories: n (%) by arm, then the comparisons of each arm with the reference arm."""
    options, context, main, notes = request.options, request.context, request.ards["main"], Notes()
    columns = arm_columns(main, context, notes, options.arms, total=False)
    arms = [c.id for c in columns]
    reference = options.reference or context.reference
    if reference not in {a.code for a in context.arms}:
        raise DisplayError(f"{request.id}: options.reference: {reference!r} is not an arm of the study")
    visit, variable = main.visits[0], next(v for v in main.variables if v not in ("category", "model", "exclusion"))

    def counted(stat: str) -> tuple[Cell, ...]:
        found = [main.get(stat, group1_level=a, visit=visit, variable=variable) for a in arms]
        return tuple(cell(count(f.value), notes, f) for f in found)

    rows = [Row(label=f"{visit}, n (%)", kind="section"), Row(label="n", indent=1, cells=counted("n"))]
    for level in main.levels("category"):
        cells = []
        for arm in arms:
            n, p = (main.get(s, variable="category", variable_level=level, group1_level=arm, visit=visit) for s in ("n", "p"))
            cells.append(cell(count_percent(n.value, p.value, digits(context, "p")), notes, *((n, p) if n.value else (n,))))
        rows.append(Row(label=level, indent=1, cells=tuple(cells)))
    rows.append(Row(label="Missing", indent=1, cells=counted("n_missing")))

    forms: dict[str, Callable[..., str]] = {
        "number": lambda v: number(v, 2),
        "interval": lambda a, b: interval(a, b, 2),
        "p": lambda v: p_value(v, context.p_style),
    }
    ci = model_text.level_text(main)
    rows.append(Row(label=f"Comparison with {context.arm(reference).short}", kind="section"))
    for measure, lines in BLOCKS.items():
        for label, form, names in lines:
            cells = []
            for arm in arms:
                if arm == reference:
                    cells.append(Cell())
                    continue
                key = {"variable": variable, "variable_level": measure, "group1_level": arm, "visit": visit}
                key["comparison"] = model_text.contrast(main, arm, reference)
                found = [main.get(name, **key) for name in names]
                cells.append(cell(forms[form](*(f.value for f in found)), notes, *found))
            rows.append(Row(label=label.format(ci), indent=1 if label[0].isupper() else 2, cells=tuple(cells)))
    if len(arms) > 3:
        notes.general("; ".join(f"{a.short}: {a.label}" for a in context.arms if a.code in arms and a.short != a.label) + ".")
    notes.general(f"{capital(main.facts['missing'])}; percentages are of subjects with a value.")
    for measure in BLOCKS:
        notes.general(f"{capital(measure)}: {main.facts[measure]}.")
    param = main.params[0] if main.params else ""
    return Laid(
        document=TableDocument(
            stub=context.params[param].label if param in context.params else "Category",
            columns=columns,
            rows=tuple(rows),
            **head(request, notes, "main", arms),
        )
    )
