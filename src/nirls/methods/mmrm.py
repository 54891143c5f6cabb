"""Mixed model for repeated measures."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from nirls.methods._by_visit import visit_rows
from nirls.methods._groups import denominators
from nirls.methods._mixed import Mixed, fit_mixed, model_rows
from nirls.methods._terms import term_rows
from nirls.methods.registry import AnalysisData, MethodResult, method
from nirls.plan.base import Id, PlanModel

IN_TIME = ("sp-exp", "random-intercept", "random-slope")
"""Covariances over the times of the records; all others are over visits."""


class MMRMOptions(PlanModel):
    """Options of `mmrm`."""

    response: Id = Field("CHG", description="Outcome.")
    covariates: list[Id] = Field(["BASE"], description="Baseline covariates; text is a factor, numbers are linear.")
    by_visit: list[Id] = Field(["BASE"], description="Those covariates that also interact with visit.")
    visit: Id = Field("AVISIT", description="Visit factor; all visits of the selected records are in the model.")
    visit_order: Id = Field("AVISITN", description="Number that orders the visits.")
    subject: Id = Field("USUBJID", description="Subject.")
    reference: str | None = Field(None, description="Arm the others are compared with; default: the study's reference.")
    covariance: list[
        Literal[
            "us", "toeph", "ar1h", "csh", "adh", "toep", "ar1", "ad", "cs", "us-cholesky", "sp-exp", "random-intercept", "random-slope"
        ]
    ] = Field(
        ["us"],
        description="Covariance of a subject's visits; several are tried in this order and the first that converges is used. "
        "`sp-exp`, `random-intercept` and `random-slope` are over the times of the records and need `time`.",
        min_length=1,
    )  # fmt: skip
    time: Id | None = Field(
        None, description="Numeric time of each record, for example `ADY`, for a covariance over times; the means stay by visit."
    )
    ddf: Literal["kenward-roger-linear", "satterthwaite", "kenward-roger", "between-within", "residual"] = Field(
        "kenward-roger-linear", description="Denominator degrees of freedom, and with Kenward–Roger standard errors."
    )
    vcov: Literal["model", "CR0", "CR1", "CR2", "CR3"] = Field(
        "model", description="Covariance of the coefficients: model-based, or robust (not with Kenward–Roger)."
    )
    covariance_by_arm: bool = Field(False, description="Covariance parameters of their own in each arm.")
    margins: Literal["equal", "observed"] = Field(
        "equal", description="Weights of the levels of other factors in LS means: equal, or as in the analysed records."
    )
    level: float = Field(0.95, description="Confidence level.", gt=0.5, lt=1)
    rank_deficient: Literal["error", "drop"] = Field(
        "error", description="A design with dependent columns: nothing is estimated, or the columns are left out and named."
    )

    @model_validator(mode="after")
    def _by_visit_are_covariates(self) -> MMRMOptions:
        strange = [c for c in self.by_visit if c not in self.covariates]
        if strange:
            raise ValueError(f"by_visit: {', '.join(strange)} not among covariates ({', '.join(self.covariates) or 'none'})")
        return self

    @model_validator(mode="after")
    def _kenward_roger_has_its_own_variance(self) -> MMRMOptions:
        if self.vcov != "model" and self.ddf.startswith("kenward-roger"):
            raise ValueError(f"vcov: {self.vcov} does not go with ddf {self.ddf}; use satterthwaite")
        return self

    @model_validator(mode="after")
    def _time_goes_with_covariances_over_times(self) -> MMRMOptions:
        over_times = [c for c in self.covariance if c in IN_TIME]
        over_visits = [c for c in self.covariance if c not in IN_TIME]
        if over_times and over_visits:
            raise ValueError(
                f"covariance: {', '.join(over_times)} (over times) and {', '.join(over_visits)} (over visits) cannot be declared together"
            )
        if over_times and self.time is None:
            raise ValueError(f"covariance: {over_times[0]} needs `time`, the numeric time of each record, for example `time: ADY`")
        if over_visits and self.time is not None:
            raise ValueError(f"time: {self.time} goes with covariance {', '.join(IN_TIME)}, not with {', '.join(over_visits)}")
        return self


@method("mmrm", options=MMRMOptions, outcome="repeated mean")
def mmrm(data: AnalysisData, options: MMRMOptions) -> MethodResult:
    """LS means and differences from the reference by visit, and Type III tests of the terms, from a mixed model (REML)."""
    mixed = fit_mixed(data, options)
    found = denominators(data, total=False) + _estimates(mixed, options) + term_rows(mixed.fit, mixed.failure, mixed.terms)
    facts_of_model, footnotes = model_rows(data, options, mixed)
    return MethodResult(rows=found + facts_of_model, footnotes=footnotes)


def _estimates(mixed: Mixed, options: MMRMOptions) -> list[dict[str, Any]]:
    """LS means and differences, visit by visit in order of the arms."""
    fit, group, means, differences = mixed.fit, mixed.group, None, None
    if fit is not None:
        means = fit.lsmeans(group, by=options.visit, margins=options.margins, level=options.level)
        if mixed.reference in fit.design.factors[group]:
            differences = fit.contrasts(group, by=options.visit, reference=mixed.reference, margins=options.margins, level=options.level)
    return visit_rows(
        means, differences, mixed.frame[mixed.entered], response=options.response, subject=options.subject, visit=options.visit,
        group=group, visits=mixed.visits, arms=mixed.arms, reference=mixed.reference, failure=mixed.failure,
    )  # fmt: skip
