"""Table of responders."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf import model_text
from nirls.tlf.context import ArmView
from nirls.tlf.document import Cell, Column, Row, Spanner, TableDocument
from nirls.tlf.errors import DisplayError
from nirls.tlf.formats import count, interval, join, missing, number, p_value, percent
from nirls.tlf.layouts._common import OPEN_LABEL, capital, cell, chosen_arms, chosen_visits, digits, head
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.lookup import Ard, Found
from nirls.tlf.notes import Notes

Measure = Literal[
    "risk difference", "standardised risk difference", "number needed to treat", "odds ratio", "logistic odds ratio", "CMH test"
]
HEADS: dict[str, tuple[str, str | None]] = {
    "risk difference": ("Risk difference, % points ({})", "p"),
    "standardised risk difference": ("Adjusted risk difference, % points ({})", "p"),
    "number needed to treat": ("Number needed to treat ({})", None),
    "odds ratio": ("Odds ratio ({})", None),
    "logistic odds ratio": ("Adjusted odds ratio ({})", "p"),
    "CMH test": ("CMH p", None),
}
NAMES = {m: m for m in HEADS} | {"number needed to treat": "risk difference", "CMH test": "test of association"}
"""Measure → the fact of the results that says how it is computed."""
FACTS = {"standardised risk difference": "adjusted risk difference", "logistic odds ratio": "adjusted odds ratio"}
WIDE = 4
"""More arms than this are named by their short names."""


class RespondersOptions(PlanModel):
    """Options of `responders`."""

    definitions: list[str] | None = Field(None, description="Definitions of response to show, in this order; none for all.")
    visits: list[str] | None = Field(None, description="Visits to show; none for all.")
    measures: list[Measure] | None = Field(
        None, description="Comparisons to show, in this order; none for all that the results have, without the CMH test."
    )
    emphasis: list[str] = Field(default_factory=list, description="Definitions printed in bold.")
    arms: list[str] | None = Field(None, description="Arms to show; none for all.")
    reference: str | None = Field(None, description="Arm the others are compared with; default: the study's reference.")


@layout("responders", options=RespondersOptions, roles=("main",))
def responders(request: Request) -> Laid:
    """Responders by definition and arm: n/N (%), and risk difference, number needed to treat and odds ratio against the reference arm."""
    options, context, main, notes = request.options, request.context, request.ards["main"], Notes()
    arms = chosen_arms(main, context, options.arms)
    reference = options.reference or context.reference
    if reference not in {a.code for a in context.arms}:
        raise DisplayError(f"{request.id}: options.reference: {reference!r} is not an arm of the study")
    definitions = _named(request, "definitions", options.definitions, main.levels("definition"))
    _named(request, "emphasis", options.emphasis, definitions)
    visits = chosen_visits(main, context, options.visits)
    measures = options.measures or [m for m in HEADS if m != "CMH test" and _known(main, m)]
    absent = [m for m in measures if not _known(main, m)]
    if absent:
        raise DisplayError(f"{request.id}: options.measures: analysis {main.analysis_id!r} has no {join(absent)}")
    ci = model_text.level_text(main)
    columns = [Column(id="n", label="n/N (%)"), Column(id="gaps", label="Not observed")]
    for measure in measures:
        title, p = HEADS[measure]
        columns.append(Column(id=measure, label=title.format(ci)))
        if p:
            columns.append(Column(id=f"{measure} p", label=p))

    rows: list[Row] = []
    for definition in definitions:
        label = main.get("text", variable="definition", variable_level=definition).text
        shown = [v for v in visits if main.find("n", **_key(main, definition, v, arms[0].code)) is not None]
        for visit in shown:
            bold = definition in options.emphasis
            rows.append(Row(label=f"{label} — {visit}" if len(visits) > 1 else label, kind="section", emphasis=bold))
            for arm in arms:
                cells = _arm(request, main, notes, _key(main, definition, visit, arm.code))
                for measure in measures:
                    if arm.code == reference:
                        text = "Reference" if measure == measures[0] else ""
                        cells += [Cell(text=text), *([Cell()] if HEADS[measure][1] else [])]
                    else:
                        cells += _comparison(request, main, notes, measure, reference, _key(main, definition, visit, arm.code))
                marks = () if arm.blinded else (notes.mark(OPEN_LABEL),)
                name = arm.short if len(arms) > WIDE else arm.label
                rows.append(Row(label=name, indent=1, cells=tuple(cells), emphasis=bold, marks=marks))
    _explain(main, notes, arms, definitions, visits, measures)
    return Laid(
        document=TableDocument(
            stub="Definition",
            columns=tuple(columns),
            rows=tuple(rows),
            spanners=(Spanner(label=f"Comparison with {context.arm(reference).short}", first=2, last=len(columns) - 1),),
            **head(request, notes, "main", [a.code for a in arms]),
        )
    )


def _named(request: Request, option: str, wanted: list[str] | None, known: list[str]) -> list[str]:
    strange = [d for d in wanted or [] if d not in known]
    if strange:
        raise DisplayError(f"{request.id}: options.{option}: {', '.join(strange)} not among the definitions shown ({', '.join(known)})")
    return known if wanted is None else wanted


def _known(ard: Ard, measure: str) -> bool:
    return any(ard.has_level(d, measure, param) for d in ard.levels("definition") for param in (ard.params or [""]))


def _key(ard: Ard, definition: str, visit: str, arm: str) -> dict[str, str]:
    param = ard.get("text", variable="parameter", variable_level=definition).text
    return {"variable": definition, "visit": visit, "group1_level": arm, "param": param}


def _arm(request: Request, ard: Ard, notes: Notes, key: dict[str, str]) -> list[Cell]:
    n, size, p = (ard.get(s, **key) for s in ("n", "n_subjects", "p"))
    gaps = ard.find("n_imputed", **key) or ard.get("n_missing", **key)
    text = f"{count(n.value)}/{count(size.value)}"
    share = p if n.value or missing(p.value) else None  # "0/50" needs no percentage
    if share is not None:
        text += f" ({percent(p.value, digits(request.context, 'p'))})"
    return [cell(text, notes, n, size, *([share] if share else [])), cell(count(gaps.value), notes, gaps)]


def _comparison(request: Request, ard: Ard, notes: Notes, measure: str, reference: str, key: dict[str, str]) -> list[Cell]:
    """Estimate with interval and, where the measure has one, its p-value."""
    context, with_p = request.context, HEADS[measure][1] is not None
    key = key | {"variable_level": measure, "comparison": model_text.contrast(ard, key["group1_level"], reference)}
    p = ard.get("p_value", **key) if with_p or measure == "CMH test" else None
    p_cell = [] if p is None else [cell(p_value(p.value, context.p_style), notes, p)]
    if measure == "CMH test":
        return p_cell
    est, low, high = (ard.get(s, **key) for s in ("estimate", "conf_low", "conf_high"))
    if measure == "number needed to treat":
        text = _number_needed(est, low, high)
    else:
        places = digits(context, "p") if "difference" in measure else 2
        limits = interval(low.value, high.value, places)
        text = number(est.value, places) if missing(est.value) and missing(low.value) else f"{number(est.value, places)} {limits}"
    return [cell(text, notes, est, low, high), *p_cell]


def _number_needed(est: Found, low: Found, high: Found) -> str:
    """ "NNTB 5.0 (3.0 to 19)", or through infinity: "NNTB 10 (NNTB 5.0 to ∞ to NNTH 20)"; from 10 on without decimals."""
    if missing(est.value):
        return number(est.value, 1)

    def short(value: float) -> str:
        return number(value, 1 if value < 9.95 else 0)

    if low.text == high.text:
        return f"{est.text} {short(est.value)} ({short(low.value)} to {short(high.value)})"
    return f"{est.text} {short(est.value)} ({low.text} {short(low.value)} to ∞ to {high.text} {short(high.value)})"


def _explain(ard: Ard, notes: Notes, arms: list[ArmView], definitions: list[str], visits: list[str], measures: list[str]) -> None:
    """Footnotes: what a responder is, what happens to missing values, and which statistics these are."""
    if len(visits) == 1:
        notes.general(f"Values at {visits[0]}.")
    if len(arms) > WIDE:
        notes.general("; ".join(f"{a.short}: {a.label}" for a in arms if a.short != a.label) + ".")
    said = [" (".join(ard.get("text", variable=v, variable_level=d).text for v in ("definition", "rule")) + ")" for d in definitions]
    notes.general(f"Definitions, applied to unrounded values: {'; '.join(said)}.")
    notes.general(f"Not observed: {ard.facts['missing']}.")
    stratified = {"risk difference", "number needed to treat", "odds ratio", "CMH test"} & set(measures)
    names = [NAMES[m] for m in measures if m in NAMES] + (["strata"] if stratified else [])
    notes.general(" ".join(f"{capital(FACTS.get(name, name))}: {ard.facts[name]}." for name in dict.fromkeys(names)))
    if "number needed to treat" in measures:
        notes.general(
            "NNTB, NNTH: number needed to treat for one more subject to benefit or to be harmed, from the risk difference; where its "
            "interval contains 0, that of the number needed passes through infinity."
        )
    for text in ard.footnotes:
        notes.general(text)
