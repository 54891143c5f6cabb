"""Table of a meta-analysis: the studies, their pool with and without this trial, heterogeneity, leave-one-out and what is left out."""

from __future__ import annotations

from nirls.plan.base import PlanModel
from nirls.tlf import model_text
from nirls.tlf.document import Cell, Column, Row, TableDocument
from nirls.tlf.formats import count, interval, number, p_value, percent
from nirls.tlf.layouts import _meta
from nirls.tlf.layouts._common import cell, digits, head
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.notes import Notes

BLANK = Cell()
ROBUST = "modified HKSJ"
"""Estimator of the sensitivity to studies: with few of them the plain one can be far too narrow."""
ESTIMATORS = ("HKSJ", "modified HKSJ", "random effects", "common effect")


class MetaDisplay(PlanModel):
    """Options of `meta`: none."""


@layout("meta", options=MetaDisplay, roles=("main",))
def meta(request: Request) -> Laid:
    """Studies with weights, the pool by each estimator with and without this trial, prediction, heterogeneity, leave-one-out, left out."""
    context, main, notes = request.context, request.ards["main"], Notes()
    _meta.check(main)
    d, ds = digits(context, "estimate"), digits(context, "std_error")

    def line(label: str, n: Cell, key: dict[str, str], last: Cell, emphasis: bool = False) -> Row:
        """Estimate, SE and interval, with number and last cell."""
        est, se, low, high = (main.get(s, **key) for s in ("estimate", "std_error", "conf_low", "conf_high"))
        cells = (
            n, cell(number(est.value, d), notes, est), cell(number(se.value, ds), notes, se),
            cell(interval(low.value, high.value, d), notes, low, high), last,
        )  # fmt: skip
        return Row(label=label, indent=1, cells=cells, emphasis=emphasis)

    def pooled(label: str, estimator: str, of_set: str, emphasis: bool = False) -> Row:
        k, p = _meta.size(main, of_set), _meta.in_set(main, "p_value", estimator, of_set)
        key = {"variable": "pooled", "variable_level": estimator, "group2": "SET", "group2_level": of_set}
        shown = "" if p.error else f"p {'' if p.value < 0.0001 else '= '}{p_value(p.value, context.p_style)}"
        return line(label, cell(f"k = {count(k.value)}", notes, k), key, cell(shown or "NE", notes, p), emphasis)

    rows = [Row(label="Studies", kind="section")]
    for study in _meta.studies(main):
        key = {"variable": "study", "variable_level": study}
        n, weight = main.get("n", **key), main.get("weight_percent", **key)
        share = "NE" if weight.error else f"{percent(weight.value, digits(context, 'weight_percent'))}%"
        rows.append(line(_meta.title(main, study), cell(count(n.value), notes, n), key, cell(share, notes, weight)))
    for of_set in _meta.sets(main):
        if of_set in ("all", "without this trial"):
            rows.append(Row(label=_meta.set_label(main, of_set), kind="section"))
            first = _meta.shown(main, of_set)
            if first == "none":
                rows.append(pooled("Not pooled", "HKSJ", of_set))
                continue
            own_order = sorted(ESTIMATORS, key=first.__ne__)
            rows += [pooled(_meta.estimator_label(main, e), e, of_set, e == first) for e in own_order]
            low, high, df = (_meta.in_set(main, s, "prediction", of_set) for s in ("conf_low", "conf_high", "df"))
            last = Cell() if df.error else cell(f"t, {count(df.value)} df", notes, df)
            rows.append(
                Row(
                    label="Prediction interval", indent=1,
                    cells=(Cell(), Cell(), Cell(), cell(interval(low.value, high.value, d), notes, low, high), last),
                )
            )  # fmt: skip
    _, (tau2, low, high, i2, i2_q, q, df, p) = _meta.heterogeneity(main, context)
    rows.append(Row(label="Heterogeneity, all studies", kind="section"))
    d2, di = digits(context, "tau2"), digits(context, "i_squared")
    i2_low, i2_high = (_meta.in_set(main, s, "I2, tau2", variable="heterogeneity") for s in ("conf_low", "conf_high"))

    def spread(label: str, value: Cell, limits: Cell = BLANK, last: Cell = BLANK) -> Row:
        return Row(label=label, indent=1, cells=(Cell(), value, Cell(), limits, last))

    limits = cell(interval(low.value, high.value, d2), notes, low, high)
    rows.append(spread("Variance between studies (τ²)", cell(number(tau2.value, d2), notes, tau2), limits))
    limits = cell(interval(i2_low.value, i2_high.value, di), notes, i2_low, i2_high)
    rows.append(spread("I² by τ² (%)", cell(number(i2.value, di), notes, i2), limits))
    rows.append(spread("I² by Q (%)", cell(number(i2_q.value, di), notes, i2_q)))
    shown_p = "NE" if p.error else f"p {'' if p.value < 0.0001 else '= '}{p_value(p.value, context.p_style)}"
    degrees = Cell() if df.error else cell(f"{count(df.value)} df", notes, df)
    rows.append(spread("Q", cell(number(q.value, 2), notes, q), degrees, cell(shown_p, notes, p)))
    others = [s for s in _meta.sets(main) if s not in ("all", "without this trial")]
    if others:
        label = _meta.estimator_label(main, ROBUST)
        rows.append(Row(label=f"Sensitivity: {label[:1].lower()}{label[1:]}", kind="section"))
        rows += [pooled(_meta.set_label(main, s), ROBUST, s) for s in others]
        _meta.reported_notes(main, notes)
        if any(_meta.size(main, s).value == 2 for s in others):
            notes.general("Sensitivity with k = 2: HKSJ has one degree of freedom, so that only the estimate can be read.")
    left = main.values("variable_level", variable="left out")
    if left:
        rows.append(Row(label="Left out", kind="section"))
        for study in left:
            why = main.get("text", variable="left out", variable_level=study)
            n, est = (main.find(s, variable="left out", variable_level=study) for s in ("n", "estimate"))
            cells = (
                Cell() if n is None else cell(count(n.value), notes, n), Cell() if est is None else cell(number(est.value, d), notes, est),
                Cell(), Cell(), Cell(),
            )  # fmt: skip
            mark = notes.mark(f"Left out: {why.text}. {_meta.said(main, study, 'citation', 'left out')}".rstrip(". ") + ".")
            rows.append(Row(label=_meta.title(main, study, "left out"), indent=1, cells=cells, marks=(mark,)))
    _meta.notes_of(main, notes)
    columns = (
        Column(id="n", label="n"), Column(id="estimate", label="Difference"), Column(id="se", label="SE"),
        Column(id="ci", label=model_text.level_text(main)), Column(id="weight", label="Weight or p"),
    )  # fmt: skip
    ends = head(request, notes, None) | {"population": _meta.population(main)}
    return Laid(document=TableDocument(stub="", columns=columns, rows=tuple(rows), **ends))
