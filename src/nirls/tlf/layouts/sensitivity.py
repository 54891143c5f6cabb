"""Table of several estimators of one effect, or of the effects on several outcomes."""

from __future__ import annotations

from nirls.tlf.document import Cell, Column, Row, TableDocument
from nirls.tlf.formats import number
from nirls.tlf.layouts import _estimators
from nirls.tlf.layouts._common import cell, digits, head
from nirls.tlf.layouts._estimators import Estimator, EstimatorsOptions
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.lookup import Found
from nirls.tlf.notes import Notes

ASIDE = "Shown for comparison only."


@layout("sensitivity", options=EstimatorsOptions, roles=(), optional=("*",))
def sensitivity(request: Request) -> Laid:
    """Estimators of one effect, or effects on several outcomes, one per row: n, difference with interval, SE, df, p, known truth."""
    options, context, notes = request.options, request.context, Notes()
    found = _estimators.estimators(request)
    own = _estimators.explain(found, notes)
    known = any(e.spec.known is not None for e in found)
    measure = found[0].spec.measure or options.measure
    name = "Difference" if measure is None else measure[:1].upper() + measure[1:]
    columns = [
        Column(id="n", label="n"),
        Column(id="estimate", label=f"{name} ({_estimators.level(found)})"),
        Column(id="std_error", label="SE"),
        Column(id="df", label="df"),
        Column(id="p_value", label="p"),
        *([Column(id="known", label=options.known_label)] if known else []),
    ]
    rows: list[Row] = []
    heading = None
    for i, (one, text) in enumerate(zip(found, own, strict=True)):
        if one.spec.group is not None and one.spec.group != heading:
            heading = one.spec.group
            rows.append(Row(label=heading, kind="section"))
        marks = tuple(notes.mark(t) for t in ((ASIDE,) if one.spec.comparison_only else ()) + ((text,) if text else ()))
        cells = _cells(request, one, notes) + ([_truth(one)] if known else [])
        rows.append(Row(label=one.spec.label, indent=int(heading is not None), cells=tuple(cells), emphasis=i == 0, marks=marks))

    halves = {len(e.sizes) for e in found}
    n = {1: "subjects analysed in all arms", 2: "subjects analysed in the arm / in the reference arm"}
    notes.general(f"Difference: {_estimators.pair(request, found)}. n: {', or '.join(n[k] for k in sorted(halves, reverse=True))}.")
    if options.known is not None:
        notes.general(f"{options.known_label}: {number(options.known, digits(context, 'estimate'))} for the primary effect.")
    if any(f is not None and f.text == "normal" for f in (e.found["df"] for e in found)):
        notes.general("df normal: the reference distribution is the normal distribution.")
    _estimators.whose(found, notes)
    document = TableDocument(
        stub=_estimators.title(request, found) if len(_estimators.outcomes(found)) == 1 else "Outcome",
        columns=tuple(columns),
        rows=tuple(rows),
        **head(request, notes, found[0].spec.analysis, _estimators.arms(request, found)),
    )
    return Laid(document=document)


def _cells(request: Request, one: Estimator, notes: Notes) -> list[Cell]:
    estimate, low, high = (f for f in (one.found[n] for n in ("estimate", "conf_low", "conf_high")) if f is not None)
    out = [cell(one.size(), notes, *one.sizes), cell(one.effect(), notes, estimate, low, high)]
    for name in ("std_error", "df"):
        out.append(_number(request, one.found[name], notes))
    p = one.found["p_value"]
    return [*out, Cell() if p is None else cell(one.p(request), notes, p)]


def _number(request: Request, found: Found | None, notes: Notes) -> Cell:
    """SE or df; empty where the estimator has none, a word where its value is one ("normal")."""
    if found is None:
        return Cell()
    if found.text and not found.error:
        return Cell(text=found.text, refs=(found.ref,))
    return cell(number(found.value, digits(request.context, found.stat_name)), notes, found)


def _truth(one: Estimator) -> Cell:
    return Cell() if one.spec.known is None else Cell(text=number(one.spec.known, one.places))
