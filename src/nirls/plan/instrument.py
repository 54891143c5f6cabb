"""Rating-scale scoring: items, scores, range, direction and missing-item rule (`config/instruments/*.yaml`)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from nirls.plan.base import PlanModel


class Score(PlanModel):
    """A score made of items."""

    label: str = Field(description="PARAM.")
    items: list[str] = Field(description="Item codes that make the score.", min_length=1)
    range: tuple[float, float] = Field(description="Lowest and highest possible value.")
    missing: Literal["strict", "prorate", "prorate_maximum"] = Field(
        "strict",
        description="'strict': any missing item makes the score missing; 'prorate': the mean of the present items times "
        "the number of items; "
        "'prorate_maximum': the sum of the present items times the highest possible score "
        "over the highest possible score of the present items.",
    )
    max_missing: float = Field(0.0, description="Both 'prorate' rules: largest share of missing items allowed.", ge=0, lt=1)
    source: str = Field(description="Citation for the composition and rule.")


class Threshold(PlanModel):
    """A named responder, remitter or important-difference threshold."""

    label: str
    kind: Literal["percent_reduction", "change", "value"]
    value: float
    source: str


class Band(PlanModel):
    """A severity band of the total score, inclusive."""

    label: str
    lower: float
    upper: float


class Instrument(PlanModel):
    """A rating scale."""

    name: str
    abbreviation: str
    direction: Literal["lower_better", "higher_better"]
    unit: str = "points"
    items: dict[str, str] = Field(description="Item code (QSTESTCD) → short label.")
    item_range: tuple[float, float] | None = Field(None, description="Lowest and highest value of every item.")
    item_ranges: dict[str, tuple[float, float]] = Field(default_factory=dict, description="Where an item's range differs.")
    integer: bool = Field(True, description="True when items are whole numbers.")
    scores: dict[str, Score] = Field(description="Score code (PARAMCD) → score.")
    total: str = Field(description="The score that is the total.")
    recorded_total: str | None = Field(None, description="QSTESTCD of the total as the site recorded it, kept beside the derived total.")
    thresholds: dict[str, Threshold] = Field(default_factory=dict, description="Definitions that the method `responder` takes by name.")
    bands: list[Band] = Field(default_factory=list, description="For the record; no category is derived from them.")
    source: str
    copyright: str | None = None
