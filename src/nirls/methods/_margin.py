"""Margins of non-inferiority, their justification, and the published results they come from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from nirls.plan.base import IsoDate, PlanModel

if TYPE_CHECKING:
    from nirls.literature import Published
    from nirls.plan.load import Plan


class Justification(PlanModel):
    """Why this margin, and when it was set."""

    text: str = Field(description="In words, as displays print it.")
    date: IsoDate = Field(description="When it was set; a margin set on or after the day of unblinding is refused.")


class MarginFrom(PlanModel):
    """A margin: from rows of the literature (95–95, with the part to retain), or a number with its sign."""

    rows: list[str] = Field(default_factory=list, description="Ids of rows of `literature`, active − placebo; several are pooled.")
    retained: float = Field(0.5, description="Part of the effect of the active treatment to retain.", ge=0, lt=1)
    value: float | None = Field(None, description="The margin of test − active itself: positive where lower is better.")
    justification: Justification

    @model_validator(mode="after")
    def _one_source(self) -> MarginFrom:
        if bool(self.rows) == (self.value is not None):
            raise ValueError("give either `rows` of the literature or a `value`")
        return self


def justified(margin: MarginFrom, plan: Plan) -> Iterator[str]:
    """What is wrong with when the margin was set."""
    end, set_on = plan.study.dates.unblinding, margin.justification.date
    if end is not None and set_on >= end:
        yield (
            f"margin.justification.date: {set_on} is not before the unblinding ({end}, study.yaml: dates.unblinding); "
            "a margin set with knowledge of the data decides nothing"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A margin as used; `effect` and `error` are active − placebo of the literature, none where the margin is given."""

    value: float
    m1: float | None
    effect: float | None
    error: float | None
    source: str


def known_margin(margin: MarginFrom, literature: str | None, direction: Any, root: Any, where: str) -> Known:
    """The margin on the side of the direction; raises MethodError or DataError."""
    import numpy as np

    from nirls.errors import MethodError
    from nirls.literature import Z, chosen, read_literature
    from nirls.stats.noninferiority import check_margin, fixed_margin, pooled

    try:
        if margin.value is not None:
            return Known(value=check_margin(margin.value, direction), m1=None, effect=None, error=None, source="given in the plan")
        assert literature is not None
        found = chosen(read_literature(root / literature, literature), margin.rows, literature)
        effect, error, q, tau2 = pooled(np.array([r.estimate for r in found]), np.array([r.std_error for r in found]))
        low, high = (found[0].low, found[0].high) if len(found) == 1 else (effect - Z * error, effect + Z * error)
        one = fixed_margin(low, high, direction, margin.retained)
    except MethodError as error_:
        raise MethodError(f"analyses.yaml: {where}: options: margin: {error_}") from None
    cited = "; ".join(_cited(r) for r in found)
    how = f", pooled by random effects (Q = {q:.2f}, τ² = {tau2:.2f})" if len(found) > 1 else ""
    text = f"active − placebo {_number(effect)} (95% CI {_number(low)} to {_number(high)}){how}: {cited}"
    return Known(value=one.value, m1=one.m1, effect=effect, error=error, source=text)


def _cited(row: Published) -> str:
    derived = ", derived" if row.texts["derived"] else ""
    return f"{row.texts['comparator']} {_number(row.estimate)} (SE {row.std_error:.2f}{derived}), {row.texts['citation']}"


def _number(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")
