"""ICH E9(R1) estimands (`estimands.yaml`)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from nirls.plan.base import PlanModel


class IntercurrentEvent(PlanModel):
    """One intercurrent event and its strategy."""

    event: str
    strategy: Literal["treatment_policy", "hypothetical", "composite", "while_on_treatment", "principal_stratum"]
    handling: str = Field(description="What it means for the data of this analysis, in words.")


class Estimand(PlanModel):
    """The five attributes of an estimand."""

    label: str
    question: str = Field(description="The clinical question it answers.")
    population: str
    treatment: str
    variable: str
    intercurrent_events: list[IntercurrentEvent]
    summary: str = Field(description="Population-level summary measure.")
    missing_data: str = Field(description="Assumption about missing data; an assumption, not a strategy.")
