"""Table of slopes during maintenance and after treatment, of tolerance, and of the change over sessions."""

from __future__ import annotations

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf import model_text
from nirls.tlf.document import Cell, Column, Row, TableDocument
from nirls.tlf.formats import interval, number, p_value, with_spread
from nirls.tlf.layouts._common import cell, chosen_arms, head
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.lookup import Ard, Found
from nirls.tlf.notes import Notes

DIGITS = 3
"""Decimals of a slope: points per week are small."""


class SlopesDisplay(PlanModel):
    """Options of `slopes`."""

    arms: list[str] | None = Field(None, description="Arms to show; none for all.")
    known: dict[str, dict[str, float]] = Field(
        default_factory=dict,
        description="tolerance, before or after → arm or pool → true difference of slopes, where it is known (simulated data).",
    )
    known_label: str = Field("Truth", description="Head of the column of true values.")


@layout("slopes", options=SlopesDisplay, roles=("main",), optional=("tolerance", "sessions"))
def slopes(request: Request) -> Laid:
    """Slopes by arm and pool, differences from the reference, and the tests of equivalence that a claim of no tolerance needs."""
    options, context, main, notes = request.options, request.context, request.ards["main"], Notes()
    arms = chosen_arms(main, context, options.arms)
    reference = context.arm(context.reference).short
    variable, ci = model_text.response(main, None), model_text.level_text(main)
    knot, tolerance = main.get("week", variable="model"), request.ards.get("tolerance")
    labels = {"slope": "Slope (SE)", "diff": f"Difference from {reference} (SE)", "ci": ci, "p": "p"}
    blank = 0
    if tolerance is not None:
        margin, alpha = (tolerance.get(n, variable="model").value for n in ("margin", "alpha"))
        limits = f"{number(100 * (1 - 2 * alpha), 0)}% CI"
        labels |= {"eq": f"{limits} for equivalence", "peq": "p, equivalence", "claim": f"Within ±{number(margin, DIGITS)}"}
        blank = 3
    if options.known:
        labels["known"] = options.known_label
    rows: list[Row] = []

    def line(ard: Ard, label: str, code: str, own: dict[str, str], phase: str, known: str) -> None:
        key = own | {"variable": model_text.response(ard, None), "variable_level": phase}
        slope, se = ard.get("estimate", **key), ard.find("std_error", **key)
        cells = [_spread(slope, se, notes)]
        if code == context.reference:
            rows.append(Row(label=label, indent=1, cells=(*cells, *(Cell() for _ in range(len(labels) - 1)))))
            return
        key |= {"comparison": model_text.contrast(ard, code, context.reference)}
        estimate = ard.get("estimate", **key)
        if estimate.error:
            cells += [cell("NE", notes, estimate), *(Cell() for _ in range(2 + blank))]
        else:
            se, low, high, p = (ard.get(n, **key) for n in ("std_error", "conf_low", "conf_high", "p_value"))
            cells += [
                _spread(estimate, se, notes),
                cell(interval(low.value, high.value, DIGITS), notes, low, high),
                cell(p_value(p.value, context.p_style), notes, p),
            ]
            shown = ard.find("shown", **key)
            if shown is None:
                cells += [Cell() for _ in range(blank)]
            else:
                low, high, p = (ard.get(n, **key) for n in ("equivalence_low", "equivalence_high", "p_equivalence"))
                cells += [
                    cell(interval(low.value, high.value, DIGITS), notes, low, high),
                    cell(p_value(p.value, context.p_style), notes, p),
                    cell("Shown" if shown.value else "Not shown", notes, shown),
                ]
        if options.known:
            true = options.known.get(known, {}).get(code)
            cells.append(Cell(text="" if true is None else number(true, DIGITS)))
        rows.append(Row(label=label, indent=1, cells=tuple(cells)))

    def section(ard: Ard, phase: str, heading: str, known: str) -> None:
        if not ard.values("variable_level", variable=variable, variable_level=phase):
            return
        rows.append(Row(label=heading, kind="section"))
        for arm in arms:
            line(ard, arm.short, arm.code, {"group1_level": arm.code}, phase, known)
        for pool in ard.values("group2_level", group2="POOL"):
            line(ard, pool, pool, {"group2": "POOL", "group2_level": pool}, phase, known)

    week, period = number(knot.value, 0), main.facts.get("period", "")
    if tolerance is not None:
        section(tolerance, "before", f"Tolerance: weeks {tolerance.facts.get('period', '')} alone (points per week)", "tolerance")
        section(tolerance, "before, adjusted for output", "The same, adjusted for the loss of output of the devices", "tolerance")
    section(main, "before", f"Whole course: slope in weeks {period}, under treatment", "before")
    section(main, "after", f"Whole course: slope after week {week}", "after")
    section(main, "change", f"Whole course: change of slope at week {week}", "change")
    if (sessions := request.ards.get("sessions")) is not None:
        rows.append(Row(label="Change in the diary over a session (points per 10 sessions)", kind="section"))
        for arm in arms:
            if arm.code in sessions.groups:
                line(sessions, arm.short, arm.code, {"group1_level": arm.code}, "per 10 sessions", "sessions")
    if tolerance is not None:
        for text in [*model_text.footnotes(tolerance, context), *tolerance.footnotes]:
            notes.general(f"Tolerance: {text}")
    for text in [*model_text.footnotes(main, context), *main.footnotes]:
        notes.general(f"Whole course: {text}")
    if sessions is not None:
        for text in [*model_text.footnotes(sessions, context), *sessions.footnotes]:
            notes.general(f"Sessions: {text}")
    notes.general("NE: not estimated.")
    columns = tuple(Column(id=k, label=v) for k, v in labels.items())
    ends = head(request, notes, "main", [a.code for a in arms])
    return Laid(document=TableDocument(stub="", columns=columns, rows=tuple(rows), **ends))


def _spread(estimate: Found, se: Found | None, notes: Notes) -> Cell:
    if estimate.error or se is None:
        return cell("NE", notes, estimate)
    return cell(with_spread(estimate.value, se.value, DIGITS, DIGITS), notes, estimate, se)
