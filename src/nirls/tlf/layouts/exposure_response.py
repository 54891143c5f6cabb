"""Table of the effect of the treatment as delivered: by randomization as instrument, as delivered, by weighting."""

from __future__ import annotations

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf import model_text
from nirls.tlf.document import Cell, Column, Row, TableDocument
from nirls.tlf.formats import count, interval, number
from nirls.tlf.layouts._common import cell, chosen_arms, digits, head
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.lookup import Ard, Found
from nirls.tlf.notes import Notes


class ExposureResponseOptions(PlanModel):
    """Options of `exposure_response`."""

    exposure: str = Field("Exposure", description="What was delivered, in the unit of the effects, for the rows of the table.")
    effect: str = Field("Effect of the exposure", description="Words for the effect that the analysis `main` estimates.")
    arms: list[str] | None = Field(None, description="Arms to show beside the reference; none for all.")
    known: float | None = Field(None, description="True effect of assignment, where it is known (simulated data).")


COLUMNS = (
    Column(id="estimate", label="Estimate"), Column(id="ci", label="95% CI"), Column(id="std_error", label="SE"), Column(id="p", label="p"),
)  # fmt: skip


_WEIGHTS = {"mean": 3, "max": 2, "effective_size": 0, "probability": 3}
"""Statistic of the weights → decimals."""


@layout("exposure_response", options=ExposureResponseOptions, roles=("main",), optional=("history",))
def exposure_response(request: Request) -> Laid:
    """Effects of assignment and of what was delivered, with both intervals, and of a history of adherence (observational)."""
    options, context, notes = request.options, request.context, Notes()
    main, rows = request.ards["main"], []
    arms = [a for a in chosen_arms(main, context, options.arms) if a.code != context.reference]
    variable = model_text.response(main, None)
    reference = context.arm(context.reference).short
    for arm in arms:
        key = {"variable": variable, "group1_level": arm.code, "visit": main.visits[0] if main.visits else ""}
        versus = {"comparison": model_text.contrast(main, arm.code, context.reference)} | key
        rows.append(Row(label=f"{arm.short} against {reference}", kind="section"))
        for name in (arm.code, context.reference):
            mean = main.get("mean", group2="DELIVERED", group2_level=name, **key)
            n = main.get("n", group2="DELIVERED", group2_level=name, **key)
            label = f"{options.exposure}, mean in {context.arm(name).short} (n = {count(n.value)})"
            rows.append(Row(label=label, indent=1, cells=(cell(number(mean.value, 2), notes, mean, n), Cell(), Cell(), Cell())))
        rows.append(_row(request, main, notes, "Assignment (intention to treat)", versus | {"variable_level": "intention to treat"}))
        uptake = {"variable_level": "uptake"} | versus
        moved, f = main.get("estimate", **uptake), main.get("f_statistic", **uptake)
        strength = f"F = {number(f.value, 1)}" if not f.error else ""
        rows.append(
            Row(
                label="Difference in exposure that assignment makes", indent=1,
                cells=(cell(number(moved.value, 2), notes, moved), cell(strength, notes, f), Cell(), Cell()),
            )
        )  # fmt: skip
        compliers = {"variable_level": "compliers"} | versus
        rows.append(_row(request, main, notes, options.effect, compliers))
        low, high = main.get("ar_low", **compliers), main.get("ar_high", **compliers)
        p = main.find("p_value", variable_level="Anderson–Rubin", **versus)
        d = digits(context, "estimate")
        limits = interval(low.value, high.value, d) if not (low.error or high.error) else low.error or high.error
        ends = [f for f in (low, high) if not f.error]
        rows.append(
            Row(
                label="Interval of Anderson and Rubin", indent=2,
                cells=(Cell(), cell(limits, notes, *ends), Cell(), Cell() if p is None else cell(_p(request, p), notes, p)),
            )
        )  # fmt: skip
        naive = {"variable_level": "as delivered, not randomized"} | versus
        rows.append(_row(request, main, notes, "The same as if exposure were randomized (biased)", naive))
    if (history := request.ards.get("history")) is not None:
        rows += _history(request, history, notes)
    for name in ("estimator", "variance", "label"):
        if text := main.facts.get(name):
            notes.general(f"{text[:1].upper()}{text[1:]}.")
    if options.known is not None:
        notes.general(f"Truth of the generator, effect of assignment: {number(options.known, digits(context, 'estimate'))}.")
    shown = [a.code for a in context.arms if a.code in {x.code for x in arms} | {context.reference}]
    document = TableDocument(stub="", columns=COLUMNS, rows=tuple(rows), **head(request, notes, "main", shown))
    return Laid(document=document)


def _row(request: Request, ard: Ard, notes: Notes, label: str, key: dict[str, str]) -> Row:
    estimate, low, high, error, p = (ard.get(n, **key) for n in ("estimate", "conf_low", "conf_high", "std_error", "p_value"))
    d = digits(request.context, "estimate")
    cells = (
        cell(number(estimate.value, d), notes, estimate), cell(interval(low.value, high.value, d), notes, low, high),
        cell(number(error.value, digits(request.context, "std_error")), notes, error), cell(_p(request, p), notes, p),
    )  # fmt: skip
    return Row(label=label, indent=1, cells=cells)


def _p(request: Request, found: Found) -> str:
    from nirls.tlf.formats import p_value

    return p_value(found.value, request.context.p_style)


def _history(request: Request, ard: Ard, notes: Notes) -> list[Row]:
    """Full against no adherence, weighted and not, and what the weights are like."""
    variable = model_text.response(ard, None)
    arms = [request.context.arm(g).short for g in ard.groups if g in {a.code for a in request.context.arms}]
    rows = [Row(label=f"Full against no adherence, {', '.join(arms)}", kind="section")]
    for label, level in (
        ("Marginal structural model", "full adherence, weighted"),
        ("Not weighted (biased)", "full adherence, not weighted"),
    ):
        rows.append(
            _row(
                request,
                ard,
                notes,
                label,
                {"variable": variable, "variable_level": level, "visit": ard.values("visit", variable=variable)[0]},
            )
        )
    weights = {n: ard.get(n, variable="weights") for n in ("mean", "max", "effective_size", "probability", "n")}
    n = ard.get("n_obs", variable="model")
    if not weights["mean"].error:
        mean, largest, size, least = (number(weights[k].value, d) for k, d in _WEIGHTS.items())
        notes.general(
            f"Weights before truncation: mean {mean}, largest {largest}; effective size {size} of {count(n.value)} subjects; "
            f"{count(weights['n'].value)} were set to a quantile. Smallest probability of what a subject did, given everything: {least}."
        )
    for text in (ard.facts.get("estimator"), *ard.footnotes):
        if text:
            notes.general(f"Adherence: {text.rstrip('.')}.")
    return rows
