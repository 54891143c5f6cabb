"""`config.yaml`: which study is run, where results go, seed and formats."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from nirls.plan.base import PlanModel


class Config(PlanModel):
    """`config/config.yaml`."""

    study: str = Field(description="Folder of `config/studies/` to run; `make report STUDY=…` overrides it.")
    results: str = Field("results", description="Folder that receives one folder of results per study.")
    seed: int = Field(20260630, description="Seed of everything random (dummy treatment codes of a blinded run).", ge=0)
    table_formats: list[Literal["html", "rtf"]] = Field(default=["html"], description="Formats of every table; a display can ask for more.")
    figure_formats: list[Literal["svg"]] = Field(default=["svg"], description="Formats of every figure.")
