"""Table of internal consistency and test–retest agreement of a rating scale."""

from __future__ import annotations

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf import model_text
from nirls.tlf.document import Cell, Column, Row, TableDocument
from nirls.tlf.formats import count, count_percent, interval, number, with_spread
from nirls.tlf.layouts._common import capital, cell, digits, head
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.lookup import Ard
from nirls.tlf.notes import Notes


class ReliabilityOptions(PlanModel):
    """Options of `reliability`."""

    scores: list[str] | None = Field(None, description="Scores to show; none for all.")


@layout("reliability", options=ReliabilityOptions, roles=("main",), optional=("*",))
def reliability(request: Request) -> Laid:
    """Alpha and omega of each score at baseline, then one block of test–retest agreement for each further analysis."""
    notes, context, main = Notes(), request.context, request.ards["main"]
    rows: list[Row] = []
    for code in request.options.scores or [p for p in main.params if main.find("n", variable="complete", param=p)]:
        label = context.params[code].label if code in context.params else code
        rows.append(Row(label=f"{label} — {count(main.get('n', variable='items', param=code).value)} items, baseline", kind="section"))
        n = main.get("n", variable="complete", param=code)
        for name, stat, text in (("alpha", "cronbach_alpha", "Cronbach's alpha"), ("omega", "omega", "McDonald's omega")):
            limits = [main.find(s, variable=name, param=code) for s in ("conf_low", "conf_high")]
            rows.append(_row(request, notes, text, main.get(stat, variable=name, param=code), n, limits))
        gaps = main.get("n_missing", variable="complete", param=code)
        rows.append(
            Row(label="Left out: no record or an item missing", indent=1, cells=(cell(count(gaps.value), notes, gaps), Cell(), Cell()))
        )
        for end in ("lowest", "highest"):
            key = {"variable": "range", "variable_level": end, "param": code}
            at, share = main.get("n", **key), main.get("p", **key)
            text = count_percent(at.value, share.value, digits(context, "p")) if at.value else count(at.value)
            rows.append(Row(label=f"At the {end} value, n (%)", indent=1, cells=(cell(text, notes, at), Cell(), Cell())))
    for ard in (a for role, a in request.ards.items() if role != "main"):
        rows += _retest(request, notes, ard)
    for ard in request.ards.values():
        for name in ("alpha", "omega", "missing", "interval"):
            if name in ard.facts:
                notes.general(f"{capital(ard.facts[name])}.")
    if len(request.ards) > 1:
        notes.general(
            "ICC(A,1): absolute agreement of single assessments, lowered by a shift between visits; ICC(C,1): consistency. SEM: standard "
            f"error of measurement, √(variance of visits + residual variance). Smallest detectable change at "
            f"{model_text.level_text(main).removesuffix(' CI')}: z·√2·SEM."
        )
    columns = (Column(id="n", label="n"), Column(id="estimate", label="Estimate"), Column(id="ci", label=model_text.level_text(main)))
    return Laid(document=TableDocument(stub="", columns=columns, rows=tuple(rows), **head(request, notes, "main")))


def _row(request: Request, notes: Notes, label: str, estimate, n, limits: list | None = None) -> Row:
    """One coefficient: n, estimate, interval where there is one."""
    d = digits(request.context, estimate.stat_name)
    last = Cell()
    if limits and all(limit is not None for limit in limits):
        last = cell(interval(limits[0].value, limits[1].value, d), notes, *limits)
    return Row(label=label, indent=1, cells=(cell(count(n.value), notes, n), cell(number(estimate.value, d), notes, estimate), last))


def _retest(request: Request, notes: Notes, ard: Ard) -> list[Row]:
    context = request.context
    visit = ard.visits[0]
    key = {"visit": visit, "param": ard.params[0]}
    label = context.params[key["param"]].label if key["param"] in context.params else key["param"]
    rows = [Row(label=f"{label} — {ard.facts['assessments']}: {ard.facts['stable']}", kind="section")]
    n = ard.get("n", variable="pairs", **key)
    for name in ("ICC(A,1)", "ICC(C,1)"):
        limits = [ard.get(s, variable=name, **key) for s in ("conf_low", "conf_high")]
        rows.append(_row(request, notes, name, ard.get("icc", variable=name, **key), n, limits))
    rows.append(_row(request, notes, "Standard error of measurement", ard.get("sem", variable="sem", **key), n))
    rows.append(_row(request, notes, "Smallest detectable change", ard.get("sdc", variable="sdc", **key), n))
    mean, sd = (ard.get(s, variable="shift", **key) for s in ("mean", "sd"))
    text = with_spread(mean.value, sd.value, digits(context, "mean", 1), digits(context, "sd"))
    rows.append(
        Row(label="Second minus first, mean (SD)", indent=1, cells=(cell(count(n.value), notes, n), cell(text, notes, mean, sd), Cell()))
    )
    gaps = ard.get("n_missing", variable="pairs", **key)
    rows.append(Row(label="Left out: an assessment missing", indent=1, cells=(cell(count(gaps.value), notes, gaps), Cell(), Cell())))
    return rows
