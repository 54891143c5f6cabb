"""Table of a comparison within groups of the early guess."""

from __future__ import annotations

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf import model_text
from nirls.tlf.context import TOTAL
from nirls.tlf.document import Cell, Column, Row, TableDocument
from nirls.tlf.errors import DisplayError
from nirls.tlf.formats import count, interval, with_spread
from nirls.tlf.layouts._common import cell, chosen_arms, chosen_param, digits, head
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.lookup import Ard
from nirls.tlf.notes import Notes

CAVEAT = (
    "Sensitivity analysis. A guess is made after randomization: groups formed by it are not randomized, and since the effect of a device "
    "as well as what betrays it can cause a guess, a comparison within them can be biased either way (collider). No model adjusts for a "
    "guess, and a guess at the end of the trial, which efficacy itself brings about, is not used. No p-values are given."
)


class GuessEffectOptions(PlanModel):
    """Options of `guess_effect`."""

    visit: str = Field(description="Visit of the comparison.")
    variable: str = Field(description="Variable of the count analysis `counts` that holds the guess.")
    arms: list[str] | None = Field(None, description="Arms to compare with the reference; none for all.")


@layout("guess_effect", options=GuessEffectOptions, roles=("main", "counts"), optional=("*",))
def guess_effect(request: Request) -> Laid:
    """The comparison with the reference arm at one visit: among all subjects, and among those of each early guess (sensitivity)."""
    options, notes, context, main = request.options, Notes(), request.context, request.ards["main"]
    groups = [ard for role, ard in request.ards.items() if role not in ("main", "counts")]
    if not groups:
        raise DisplayError(f"{request.id}: the layout 'guess_effect' needs an analysis for each group, under a role of its own")
    for ard in groups:
        if not ard.subjects:
            raise DisplayError(
                f"{request.id}: analysis {ard.analysis_id!r} has no `subjects`; the display needs one group of subjects each"
            )
    ci = model_text.level_text(main)
    reference = context.arm(context.reference)
    names = {"n": "n", "n_ref": f"n, {reference.short}", "diff": f"Difference from {reference.short} (SE)", "ci": ci}
    arms = [arm for arm in chosen_arms(main, context, options.arms) if arm.code != reference.code]

    def block(ard: Ard) -> list[Row]:
        base = {"variable": model_text.response(ard, None), "param": chosen_param(ard, None), "visit": options.visit}
        found = []
        for arm in arms:
            key = {**base, "group1_level": arm.code}
            n, n_ref = ard.get("n", **key), ard.get("n", **{**key, "group1_level": reference.code})
            key["comparison"] = model_text.contrast(ard, arm.code, reference.code)
            est, se, low, high = (ard.get(s, **key) for s in ("estimate", "std_error", "conf_low", "conf_high"))
            cells = (
                cell(count(n.value), notes, n),
                cell(count(n_ref.value), notes, n_ref),
                cell(with_spread(est.value, se.value, digits(context, "estimate"), digits(context, "std_error")), notes, est, se),
                cell(interval(low.value, high.value, digits(context, "conf_low")), notes, low, high),
            )
            found.append(Row(label=arm.short, indent=1, cells=cells))
        return found

    rows = [Row(label="All participants of the analysis", kind="section"), *block(main)]
    for ard in groups:
        rows += [Row(label=f"Sensitivity: participants {ard.subjects}", kind="section"), *block(ard)]
    rows.append(Row(label="Participants by guess, as counted", kind="section"))
    counts = request.ards["counts"]
    for level in counts.levels(options.variable):
        n = counts.get("n", variable=options.variable, variable_level=level, group1_level=TOTAL)
        rows.append(Row(label=context.level(options.variable, level), indent=1, cells=(cell(count(n.value), notes, n), *(Cell(),) * 3)))
    gap = counts.find("n_missing", variable=options.variable, group1_level=TOTAL)
    none = Cell(text="0") if gap is None else cell(count(gap.value), notes, gap)
    rows.append(Row(label="No guess (in no group)", indent=1, cells=(none, *(Cell(),) * 3)))
    notes.general(CAVEAT)
    notes.general("n: participants with an observation at the visit.")
    notes.general("; ".join(f"{a.short}: {a.label}" for a in arms if a.short != a.label) + ".")
    for text in model_text.footnotes(main, context)[:2]:
        notes.general(text)
    columns = tuple(Column(id=k, label=v) for k, v in names.items())
    shown = [reference.code, *(a.code for a in arms)]
    return Laid(document=TableDocument(stub=options.visit, columns=columns, rows=tuple(rows), **head(request, notes, "main", shown)))
