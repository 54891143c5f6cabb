"""Reference ranges of laboratory values and vital signs."""

from __future__ import annotations

from pydantic import Field, model_validator

from nirls.plan.base import PlanModel


class Limits(PlanModel):
    """Limits of a reference range; a value on a limit is within it."""

    low: float | None = Field(None, description="Lower limit; none where there is no low value.")
    high: float | None = Field(None, description="Upper limit; none where there is no high value.")

    @model_validator(mode="after")
    def _in_order(self) -> Limits:
        if self.low is None and self.high is None:
            raise ValueError("a range needs `low`, `high` or both")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError(f"`low` ({self.low:g}) must be below `high` ({self.high:g})")
        return self


class ReferenceRange(PlanModel):
    """The reference range of a parameter; a range that a record brings itself (LBSTNRLO, LBSTNRHI) goes before it.

    With neither `all` nor `by_sex` every record brings its range.
    """

    all: Limits | None = Field(None, description="Limits for everybody whose sex has no limits of its own.")
    by_sex: dict[str, Limits] = Field(default_factory=dict, description="DM.SEX → limits.")
    source: str = Field(description="Where the limits come from, as footnotes print it.")
