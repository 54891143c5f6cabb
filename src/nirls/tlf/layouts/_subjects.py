"""What figures of one value per subject share: options, records checked against the results, and the words around them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf.context import ArmView
from nirls.tlf.errors import DisplayError
from nirls.tlf.formats import count, number
from nirls.tlf.layouts.registry import Request
from nirls.tlf.lookup import Ard, Found

if TYPE_CHECKING:
    import pandas as pd

WIDTH = 10.0
"""Inches."""


class Line(PlanModel):
    """A value to mark."""

    value: float
    label: str = Field(description="Printed in the note under the figure.")


class SubjectsOptions(PlanModel):
    """Options of figures of one value per subject."""

    arms: list[str] | None = Field(None, description="Arms to show; none for all.")
    lines: list[Line] = Field(default_factory=list, description="Values to mark with a line, such as thresholds of response.")
    columns: int | None = Field(None, description="Panels side by side; default: up to 4, as it fits.", ge=1, le=6)


def variable(ard: Ard) -> str:
    """The variable shown."""
    return next(v for v in ard.variables if v not in ("model", "exclusion"))


def counts(ard: Ard, arms: list[ArmView]) -> dict[str, tuple[Found, Found]]:
    """Arm → subjects with a value and without."""
    key = {"variable": variable(ard), "visit": ard.visits[0] if ard.visits else ""}
    return {a.code: (ard.get("n", group1_level=a.code, **key), ard.get("n_missing", group1_level=a.code, **key)) for a in arms}


def records(request: Request, arms: list[ArmView], sizes: dict[str, tuple[Found, Found]]) -> pd.DataFrame:
    """Columns arm, x, percent and rank of the subjects of the arms shown.

    Raises
    ------
    DisplayError
        If there are no records, or they are not those of the results.
    """
    from nirls.tlf.figures import arm_factor

    ard, frame = request.ards["main"], request.records.get("main")
    lacking = [c for c in (ard.group, variable(ard), "PERCENT", "RANK") if frame is None or c not in frame.columns]
    if frame is None or lacking:
        raise DisplayError(
            f"{request.id}: analysis {ard.analysis_id!r} keeps no records with {', '.join(lacking)}; use an analysis with the method "
            "'distribution'"
        )
    frame = frame[frame[ard.group].isin([a.code for a in arms])]
    for arm in arms:
        held = int((frame[ard.group] == arm.code).sum())
        if held != sizes[arm.code][0].value:
            raise DisplayError(
                f"{request.id}: the records hold {held} subjects of {arm.code}, but the results of {ard.analysis_id!r} say "
                f"{count(sizes[arm.code][0].value)}; they are from different runs, run the analysis again"
            )
    if frame.empty:
        raise DisplayError(f"{request.id}: the records hold no value to draw; check the condition of the analysis {ard.analysis_id!r}")
    out = frame.rename(columns={ard.group: "arm", variable(ard): "x", "PERCENT": "percent", "RANK": "rank"})[
        ["arm", "x", "percent", "rank"]
    ]
    return out.assign(arm=arm_factor(out["arm"], arms))


def strip(arm: ArmView, sizes: dict[str, tuple[Found, Found]]) -> str:
    """Two lines: "850 nm 54 J" and "n = 83, 6 missing"."""
    n, gaps = sizes[arm.code]
    return f"{arm.short}\nn = {count(n.value)}" + (f", {count(gaps.value)} missing" if gaps.value else "")


def across(panels: int, wanted: int | None) -> int:
    """Panels side by side: those asked for, else 4 or 3, whichever leaves fewer places empty."""
    return wanted or (panels if panels < 4 else min((4, 3), key=lambda n: -panels % n))


def ticks(breaks: list[float]) -> list[str]:
    """Labels of an axis."""
    return [number(b, 0 if all(x == int(x) for x in breaks if x == x) else 1) if b == b else "" for b in breaks]


def outcome(request: Request) -> str:
    """ "Change from baseline in IRLS total score (points, lower is better)"."""
    ard, context = request.ards["main"], request.context
    name = variable(ard)
    view = context.params.get(ard.params[0]) if ard.params else None
    label = context.labels.get(name, name)
    what = f"{label} in {view.label}" if view and name in ("CHG", "PCHG") else view.label if view else label
    unit = "%" if name == "PCHG" else view.unit if view else ""
    hint = "lower is better" if ard.facts["direction"] == "lower_better" else "higher is better"
    return f"{what} ({', '.join(t for t in (unit, hint) if t)})"


def marked(lines: list[Line]) -> str:
    """A note on the lines."""
    return f"Dotted lines: {'; '.join(f'{line.label} ({line.value:g})' for line in lines)}.".replace("-", "\N{MINUS SIGN}") if lines else ""
