"""One analysis of the plan (`analyses.yaml`)."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from nirls.plan.base import Id, PlanModel


class Subjects(PlanModel):
    """Some subjects of the analysis set, for an analysis within a group."""

    label: str = Field(description="Who they are, to follow 'subjects of the full analysis set': 'who guessed sham at week 1'.")
    where: str = Field(description="The condition over ADSL, in the `where` language.")


class Analysis(PlanModel):
    """One entry of `analyses.yaml`; its key is the analysis id."""

    label: str = Field(description="What the analysis is, in one line.")
    estimand: str | None = Field(None, description="Key of `estimands.yaml`.")
    reason: Literal["SPECIFIED IN PROTOCOL", "SPECIFIED IN SAP", "DATA DRIVEN", "REQUESTED BY REGULATORY AGENCY"] = "SPECIFIED IN SAP"
    purpose: Literal[
        "PRIMARY OUTCOME MEASURE", "SECONDARY OUTCOME MEASURE", "EXPLORATORY OUTCOME MEASURE", "DESCRIPTIVE", "SENSITIVITY"
    ] = "DESCRIPTIVE"
    comparison_only: str | None = Field(
        None,
        description="Why the analysis answers no estimand and is shown for comparison only; every display says so. "
        "Such as: 'completers are a group formed after randomization'.",
    )
    dataset: Literal[
        "ADSL", "ADQS", "ADDV", "ADICE", "ADEX", "ADEXSUM", "ADDIARY", "ADTTE", "ADLB", "ADVS", "ADRISK", "ADAE", "ADDE"
    ] = Field(description="ADaM data set.")  # fmt: skip
    set: str | None = Field(None, description="Analysis set (key of `populations`); none for all subjects.")
    subjects: Subjects | None = Field(None, description="Subjects of the set that are analysed; none for all.")
    where: str | None = Field(None, description="Records of the data set, in the `where` language.")
    carried_forward: bool = Field(
        False, description="Take LOCF records too (DTYPE = LOCF, where the study makes them); otherwise no analysis has a carried value."
    )
    group: Id | None = Field(None, description="Treatment variable (TRT01P as randomized, TRT01A as treated).")
    arms: list[str] | None = Field(None, description="Arms that enter, in display order; none for all.")
    method: str = Field(description="Name of a method.")
    options: dict[str, Any] = Field(default_factory=dict, description="Options of the method; see the method's table.")
    uses: list[str] = Field(default_factory=list, description="Other analyses whose results it builds on.")
