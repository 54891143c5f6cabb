"""What the displays of dose finding share: doses, their unit, and values that may lie outside the range studied."""

from __future__ import annotations

import math
from dataclasses import dataclass

from nirls.tlf.context import ArmView
from nirls.tlf.document import Cell
from nirls.tlf.errors import DisplayError
from nirls.tlf.formats import missing, number
from nirls.tlf.layouts._common import cell, digits
from nirls.tlf.layouts.registry import Request
from nirls.tlf.lookup import Ard, Found
from nirls.tlf.notes import Notes

AVERAGE = "average"
TARGET, UPPER, PEAK = "target", "upper edge", "peak"
_SENTENCES = {
    "contrast_test": "Contrast tests: {}.",
    "dose_models": "Models: {}.",
    "target_dose": "Target dose: {}.",
    "dose_intervals": "Intervals: {}.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseArm:
    """An arm and its dose."""

    arm: ArmView
    dose: float
    found: Found


def dose_arms(request: Request, ard: Ard) -> list[DoseArm]:
    """Arms of the dose–response analysis in order of dose.

    Raises
    ------
    DisplayError
        If the results are not those of dose finding.
    """
    codes = ard.values("group1_level", variable="model", stat_name="dose")
    if not codes:
        raise DisplayError(f"{request.id}: analysis {ard.analysis_id!r} holds no doses; use one with the method 'mcpmod'")
    known = {a.code: a for a in request.context.arms}
    found = [(known[code], ard.get("dose", variable="model", group1_level=code)) for code in codes]
    return sorted((DoseArm(arm=arm, dose=f.value, found=f) for arm, f in found), key=lambda a: a.dose)


def with_unit(ard: Ard, text: str) -> str:
    """ "54 J/cm²"."""
    unit = ard.facts.get("dose_unit", "")
    return f"{text} {unit}" if unit else text


def dose_text(found: Found | None, places: int) -> str:
    """A dose, or what the results say in its place, as "> 90"."""
    if found is None:
        return ""
    return found.text if missing(found.value) and found.text else number(found.value, places)


def dose_cell(request: Request, notes: Notes, one: Found | None, low: Found | None, high: Found | None) -> Cell:
    """ "27.2 (16.3, > 90)"; marks for warnings, and for what could not be computed."""
    if one is None:
        return Cell()
    places = digits(request.context, "dose")
    text = dose_text(one, places)
    if low is not None and high is not None:
        text += f" ({dose_text(low, places)}, {dose_text(high, places)})"
    told = [f for f in (one, low, high) if f is not None]
    plain = cell(text, Notes(), *told)
    return Cell(
        text=plain.text, marks=notes.marks(*(f for f in told if not f.text)) + _warned(notes, *(f for f in told if f.text)), refs=plain.refs
    )


def _warned(notes: Notes, *found: Found) -> tuple[str, ...]:
    texts = dict.fromkeys(f.warning for f in found if f.warning)
    return tuple(notes.mark(t[:1].upper() + t[1:] + ("" if t.endswith(".") else ".")) for t in texts)


def significant(value: float, n: int = 3) -> str:
    """A number with `n` significant digits, never in powers of ten: "−0.00121", "48.6", "180"."""
    if missing(value) or value == 0 or math.isinf(value):
        return number(value, 0)
    return number(value, max(0, n - 1 - math.floor(math.log10(abs(value)))))


def explain(ard: Ard, notes: Notes, *names: str) -> None:
    """Footnotes from the facts of the analysis."""
    for name in names:
        if text := ard.facts.get(name):
            notes.general(_SENTENCES[name].format(text.rstrip(".")))
