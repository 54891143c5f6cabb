"""Analyses of what was delivered after randomization: they must be labelled as observational, and the label is printed."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from nirls.plan.base import PlanModel

LABEL = "Observational: what was delivered was chosen after randomization, and the estimate rests on assumptions that the trial cannot test"


class ObservationalOptions(PlanModel):
    """Options of methods that relate the outcome to what happened after randomization."""

    causal_label: Literal["observational"] | None = Field(
        None, description="Must be `observational`: the plan says by it that the estimate is not protected by randomization."
    )

    @model_validator(mode="after")
    def _labelled(self) -> ObservationalOptions:
        if self.causal_label is None:
            raise ValueError(
                "an effect of what was delivered after randomization is not protected by it; if the plan means to estimate it, set "
                "`causal_label: observational`, and every result will say so"
            )
        return self
