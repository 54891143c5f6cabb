"""ICH E9(R1) estimands (`estimands.yaml`)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from nirls.plan.base import Id, PlanModel

StrategyName = Literal["treatment_policy", "hypothetical", "composite", "while_on_treatment", "principal_stratum"]
STRATEGIES: dict[str, str] = {
    "treatment_policy": "Treatment policy",
    "hypothetical": "Hypothetical",
    "composite": "Composite variable",
    "while_on_treatment": "While on treatment",
    "principal_stratum": "Principal stratum",
}
"""Strategy → its name."""


class IntercurrentEvent(PlanModel):
    """One intercurrent event and its strategy, which decides what the analyses of the estimand do with the data after it.

    * treatment_policy: values after the event are used.
    * hypothetical: values after it are set aside; the outcome is estimated as if it had not happened.
    * composite: from the event on the subject counts as a non-responder; for an outcome that is a mean, the plan says with `value`
      what it counts as.
    * while_on_treatment: the last value before the event stands for every later visit.
    * principal_stratum: refused, since no method of the plan estimates it.
    """

    event: Id = Field(description="Key of `intercurrent_events` in study.yaml.")
    strategy: StrategyName
    value: Literal["no_change"] | None = Field(
        None, description="composite, for a mean: no_change, the change from baseline is 0 from the event on."
    )


class Estimand(PlanModel):
    """The five attributes of an estimand."""

    label: str
    question: str = Field(description="The clinical question it answers.")
    population: str
    set: str | None = Field(None, description="Analysis set that stands for the population; analyses of the estimand use this one.")
    treatment: str
    variable: str
    intercurrent_events: list[IntercurrentEvent] = Field(
        description="A strategy for each intercurrent event that study.yaml defines, none left out."
    )
    summary: str = Field(description="Population-level summary measure.")
    missing_data: str = Field(description="Assumption about missing data; an assumption, not a strategy.")


def handling(event: IntercurrentEvent) -> str:
    """What a strategy means for the data, in a sentence."""
    if event.strategy == "composite" and event.value == "no_change":
        return "The outcome is no change from baseline from the event on."
    return {
        "treatment_policy": "Values observed after the event are used.",
        "hypothetical": "Values after the event are set aside; the outcome is estimated as if it had not happened.",
        "composite": "The subject counts as a non-responder from the event on.",
        "while_on_treatment": "The last value before the event stands for every later visit.",
        "principal_stratum": "The outcome of those in whom the event would not happen under either treatment.",
    }[event.strategy]
