"""What all plan models share: strict, frozen pydantic models with documented fields."""

from pydantic import BaseModel, ConfigDict


class PlanModel(BaseModel):
    """A piece of the plan: unknown keys are errors, values are not coerced, instances are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, validate_default=True)
