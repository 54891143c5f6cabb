"""Table of the contrast tests of dose finding."""

from __future__ import annotations

import re

from nirls.plan.base import PlanModel
from nirls.tlf import model_text
from nirls.tlf.document import Cell, Column, Row, Spanner, TableDocument
from nirls.tlf.formats import MINUS, count, interval, number, p_value, with_spread
from nirls.tlf.layouts._common import cell, chosen_param, digits, head
from nirls.tlf.layouts._dose import dose_arms, explain, with_unit
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.notes import Notes


class DoseContrastsOptions(PlanModel):
    """Options of `dose_contrasts`."""


@layout("dose_contrasts", options=DoseContrastsOptions, roles=("main",))
def dose_contrasts(request: Request) -> Laid:
    """LS means by dose, and for each candidate shape its contrast coefficients, t statistic and adjusted p."""
    context, main, notes = request.context, request.ards["main"], Notes()
    arms = dose_arms(request, main)
    response = model_text.response(main, None)
    param = chosen_param(main, None)
    visit = main.facts.get("at", "")

    def d(name: str) -> int:
        return digits(context, name)

    tail = (Cell(), Cell())
    outcome = context.labels.get(response, response)
    rows = [Row(label=f"{outcome}, {visit[:1].lower() + visit[1:]}", kind="section")]
    found = [
        {
            s: main.get(s, variable=response, visit=visit, group1_level=a.arm.code)
            for s in ("n", "lsmean", "lsmean_se", "conf_low", "conf_high")
        }
        for a in arms
    ]
    rows.append(Row(label="n", indent=1, cells=(*(cell(count(f["n"].value), notes, f["n"]) for f in found), *tail)))
    means = (
        cell(with_spread(f["lsmean"].value, f["lsmean_se"].value, d("lsmean"), d("lsmean_se")), notes, f["lsmean"], f["lsmean_se"])
        for f in found
    )
    rows.append(Row(label="LS mean (SE)", indent=1, cells=(*means, *tail)))
    limits = (cell(interval(f["conf_low"].value, f["conf_high"].value, d("conf_low")), notes, f["conf_low"], f["conf_high"]) for f in found)
    rows.append(Row(label=model_text.level_text(main), indent=1, cells=(*limits, *tail)))

    rows.append(Row(label="Contrast of the improvement, coefficients", kind="section"))
    names = main.levels("contrast")
    tests = {name: main.get("statistic", variable="contrast", variable_level=name) for name in names}
    largest = max((t.value for t in tests.values() if t.value == t.value), default=float("nan"))
    for name in names:
        key = {"variable": "contrast", "variable_level": name}
        cells = []
        for a in arms:
            value = main.find("coefficient", group1_level=a.arm.code, **key)
            cells.append(Cell() if value is None else cell(number(value.value, d("coefficient")), notes, value))
        t, p = tests[name], main.get("p_adjusted", **key)
        cells += [cell(number(t.value, d("statistic")), notes, t), cell(p_value(p.value, context.p_style), notes, p)]
        rows.append(Row(label=re.sub(r"(?<=\s)-(?=\d)", MINUS, name), indent=1, cells=tuple(cells), emphasis=t.value == largest))
    critical, alpha = (main.get(s, variable="model") for s in ("critical_value", "alpha"))
    rows.append(
        Row(
            label=f"Critical value, one-sided {number(alpha.value, 3)}",
            indent=1,
            cells=(*(Cell() for _ in arms), cell(number(critical.value, d("critical_value")), notes, critical), Cell()),
        )
    )
    notes.general("Bold: the largest t. A t above the critical value shows that the response depends on dose.")
    notes.general("Coefficients: those that give the test of the candidate the largest power, from the covariance of the LS means.")
    explain(main, notes, "contrast_test")
    for text in [*model_text.footnotes(main, context), *main.footnotes]:
        notes.general(text)
    columns = tuple(Column(id=a.arm.code, label=f"{a.dose:g}", arm=a.arm.code) for a in arms)
    columns += (Column(id="t", label="t"), Column(id="p", label="Adjusted p"))
    spanners = (Spanner(label=with_unit(main, "Dose,") if main.facts.get("dose_unit") else "Dose", first=0, last=len(arms) - 1),)
    stub = context.params[param].label if param in context.params else param
    ends = head(request, notes, "main", [a.arm.code for a in arms])
    return Laid(document=TableDocument(stub=stub, columns=columns, rows=tuple(rows), spanners=spanners, **ends))
