"""Patterns of observed and missing visits, as results of imputation hold them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf.errors import DisplayError
from nirls.tlf.layouts.registry import Request
from nirls.tlf.lookup import Ard, Found

OBSERVED, MISSING = "\N{BLACK CIRCLE}", "\N{WHITE CIRCLE}"


class PatternsOptions(PlanModel):
    """Options of displays of patterns of missing visits."""

    arms: list[str] | None = Field(None, description="Arms to show; none for all.")
    smallest: int = Field(
        1, description="Patterns with fewer subjects in the arms shown are put together as 'other patterns'; 1 shows each one.", ge=1
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """Subjects with one pattern, or with several rare ones: `text` has a letter per visit, o observed and x missing; empty for several."""

    text: str
    members: int
    counts: tuple[tuple[Found, ...], ...]

    def n(self, arm: int) -> int:
        """Subjects of the arm at this place."""
        return sum(int(f.value) for f in self.counts[arm])

    @property
    def total(self) -> int:
        return sum(self.n(i) for i in range(len(self.counts)))


def patterns(request: Request, ard: Ard, arms: Sequence[str]) -> tuple[list[str], list[Pattern]]:
    """Visits in order, and patterns from frequent to rare in the arms, the rare ones put together at the end.

    Raises
    ------
    DisplayError
        If the results hold no patterns, or patterns of other lengths than their visits.
    """
    if not ard.has("pattern"):
        raise DisplayError(
            f"{request.id}: analysis {ard.analysis_id!r} has no patterns of missing visits; use one with the method 'imputation'"
        )
    visits = ard.values("visit", variable="imputed")
    found = []
    for text in ard.levels("pattern"):
        if len(text) != len(visits) or set(text) - {"o", "x"}:
            raise DisplayError(
                f"{request.id}: analysis {ard.analysis_id!r}: the pattern {text!r} is not one letter o or x for each of {', '.join(visits)}"
            )
        counts = tuple((ard.get("n", variable="pattern", variable_level=text, group1_level=a),) for a in arms)
        found.append(Pattern(text=text, members=1, counts=counts))
    found = sorted((p for p in found if p.total), key=lambda p: -p.total)
    kept = [p for p in found if p.total >= request.options.smallest]
    rare = [p for p in found if p.total < request.options.smallest]
    if rare:
        together = tuple(tuple(f for p in rare for f in p.counts[i]) for i in range(len(arms)))
        kept.append(Pattern(text="", members=len(rare), counts=together))
    return visits, kept


def others(pattern: Pattern, smallest: int) -> str:
    """ "Other patterns (7, each of fewer than 3 subjects)"."""
    return f"Other patterns ({pattern.members}, each of fewer than {smallest} subjects)"
