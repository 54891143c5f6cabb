"""What all plan models share: strict, frozen pydantic models with documented fields."""

import json
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

Id = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]*$")]
IsoDate = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class PlanModel(BaseModel):
    """A piece of the plan: unknown keys are errors, values are not coerced, instances are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, validate_default=True)


def validate(model: Any, data: Any) -> Any:
    """Validate as JSON: strict about types, while lists may fill tuples."""
    return TypeAdapter(model).validate_json(json.dumps(data, allow_nan=False), strict=True)
