"""Table of a family of hypotheses: p, adjusted p, decision, and the path that led there."""

from __future__ import annotations

from nirls.plan.base import PlanModel
from nirls.tlf.document import Cell, Column, Row, TableDocument
from nirls.tlf.errors import DisplayError
from nirls.tlf.formats import count, interval, join, number, p_value
from nirls.tlf.layouts._common import cell, digits, head
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.lookup import Ard, Found
from nirls.tlf.notes import Notes

DECISIONS = {1.0: "Rejected", 0.0: "Not rejected"}
UNADJUSTED = "Differences and confidence intervals are not adjusted for multiplicity."
ADJUSTED = "Adjusted p: the smallest familywise level at which the hypothesis is rejected."
LEVEL = "Level: α times the weight of the hypothesis when it was rejected or, if it was not, at the end of the path."
STEP = "Step: place in the path, in order of p divided by weight; the path ends with the first hypothesis that is not rejected."
DIRECTION = "A two-sided rejection says that the arms differ; the sign of the difference says in which direction."


class MultiplicityTableOptions(PlanModel):
    """Options of `multiplicity`."""


def hypotheses(ard: Ard) -> list[tuple[str, str]]:
    """(name, label) of the hypotheses in the order of the plan."""
    names = ard.levels("hypothesis")
    return [(name, ard.get("text", variable="hypothesis", variable_level=name).text) for name in names]


def method_notes(ard: Ard, notes: Notes) -> None:
    """How the error rate was controlled."""
    parts = [ard.facts[name] for name in ("procedure", "level", "look") if ard.facts.get(name)]
    if parts:
        notes.general("; ".join([parts[0][:1].upper() + parts[0][1:], *parts[1:]]) + ".")


def shown(ard: Ard) -> dict[str, str]:
    """In place of a number of subjects, which differs between the analyses the p-values come from: those analyses."""
    n, sources = len(ard.levels("hypothesis")), join(ard.facts.get("sources", "").split(", "))
    what = f"{n} hypotheses" if n != 1 else "one hypothesis"
    return {"population": f"Shows {what}; p-values and subjects are those of {sources}."}


@layout("multiplicity", options=MultiplicityTableOptions, roles=("main",))
def multiplicity(request: Request) -> Laid:
    """Hypotheses of a family with difference, p, adjusted p, level, step of the path and decision."""
    context, ard, notes = request.context, request.ards["main"], Notes()
    style, names = context.p_style, hypotheses(ard)
    method_notes(ard, notes)

    def find(stat: str, name: str) -> Found | None:
        return ard.find(stat, variable="hypothesis", variable_level=name)

    estimates = {name: [find(stat, name) for stat in ("estimate", "conf_low", "conf_high")] for name, _ in names}
    have = {
        "diff": any(found[0] is not None for found in estimates.values()),
        "repeated": any(find("p_repeated", name) is not None for name, _ in names),
        "alpha": any(find("alpha", name) is not None for name, _ in names),
    }
    ci = _ci([find("conf_level", name) for name, _ in names])
    labels = {"diff": f"Difference ({ci})", "p": "p", "repeated": "Repeated p", "adjusted": "Adjusted p", "alpha": "Level", "step": "Step"}
    labels = {k: v for k, v in labels.items() if have.get(k, have["alpha"] if k == "step" else True)} | {"decision": "Decision"}
    rows = []
    for name, label in names:
        cells = {
            "diff": _difference(request, estimates[name], notes),
            **{k: _p(find(s, name), style, notes) for k, s in (("p", "p_value"), ("repeated", "p_repeated"), ("adjusted", "p_adjusted"))},
            "alpha": _cell(find("alpha", name), lambda v: number(v, digits(context, "alpha")), notes),
            "step": _cell(find("step", name), count, notes),
        }
        decision = ard.get("rejected", variable="hypothesis", variable_level=name)
        if decision.value not in DECISIONS:
            raise DisplayError(f"{request.id}: analysis {ard.analysis_id!r}: {name} has no decision (stat_name 'rejected')")
        cells["decision"] = cell(DECISIONS[decision.value], notes, decision)
        rows.append(Row(label=f"{name}: {label}", cells=tuple(cells[k] for k in labels)))
    for text in [ADJUSTED, *((LEVEL, STEP) if have["alpha"] else ()), *((DIRECTION, UNADJUSTED) if have["diff"] else ()), *ard.footnotes]:
        notes.general(text)
    columns = tuple(Column(id=k, label=v, align="left" if k == "decision" else "right") for k, v in labels.items())
    ends = head(request, notes, None) | shown(ard)
    return Laid(document=TableDocument(stub="Hypothesis", columns=columns, rows=tuple(rows), **ends))


def _ci(levels: list[Found | None]) -> str:
    known = {found.value for found in levels if found is not None}
    if len(known) != 1:
        return "CI"
    percent = known.pop() * 100
    return f"{number(percent, 0 if percent == int(percent) else 1)}% CI"


def _difference(request: Request, found: list[Found | None], notes: Notes) -> Cell:
    estimate, low, high = found
    if estimate is None:
        return Cell()
    d = digits(request.context, "estimate")
    if low is None or high is None:
        return cell(number(estimate.value, d), notes, estimate)
    limits = interval(low.value, high.value, digits(request.context, "conf_low"))
    text = number(estimate.value, d)
    return cell(text if estimate.value != estimate.value else f"{text} {limits}", notes, estimate, low, high)


def _p(found: Found | None, style, notes: Notes) -> Cell:
    return _cell(found, lambda v: p_value(v, style), notes)


def _cell(found: Found | None, form, notes: Notes) -> Cell:
    return Cell() if found is None else cell(form(found.value), notes, found)
