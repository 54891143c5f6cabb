"""Mixed model for repeated measures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from nirls.methods._by_visit import visit_rows
from nirls.methods._covariance import covariance_rows, path
from nirls.methods._groups import denominators
from nirls.methods._linear import (
    MARGINS,
    arms_and_reference,
    complete,
    exclusions,
    facts,
    ordered_visits,
)
from nirls.methods._terms import term_rows
from nirls.methods.describe import require
from nirls.methods.registry import AnalysisData, MethodResult, method
from nirls.plan.base import PlanModel
from nirls.plan.study import Id

if TYPE_CHECKING:
    import pandas as pd


DDF_WORDS = {
    "kenward-roger-linear": "Kenward–Roger (linear)",
    "kenward-roger": "Kenward–Roger",
    "satterthwaite": "Satterthwaite",
    "between-within": "between-within",
    "residual": "residual",
}
VARIANCE_WORDS = {
    "model": "model-based",
    "CR0": "robust, CR0",
    "CR1": "robust, CR1",
    "CR2": "robust, CR2 (bias-reduced)",
    "CR3": "robust, CR3 (jackknife)",
}
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
    import warnings

    from nirls.ard.build import row
    from nirls.errors import MethodError
    from nirls.models.mmrm import mmrm as fit_model

    needed = [options.response, *options.covariates, options.visit, options.visit_order, options.subject]
    require(data.frame, needed + ([options.time] if options.time else []), data.analysis_id)
    group, arms, reference = arms_and_reference(data, options.reference)
    frame = data.frame.assign(**{options.visit: ordered_visits(data, options.visit, options.visit_order)})
    visits = [str(v) for v in frame[options.visit].cat.categories]
    # with one visit the visit factor has no column of its own
    visit_terms = [f"{c}:{options.visit}" for c in options.by_visit] + [f"{group}:{options.visit}"]
    terms = [*options.covariates, group, options.visit, *visit_terms]
    formula = f"{options.response} ~ {' + '.join(terms)}"

    entered = complete(frame, options.response, group, options.covariates)
    if options.time is not None:
        _check_times(frame[entered], options, data.analysis_id)

    fit, failure = None, ""
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*are not analysed: missing")  # they are counted below
            fit = fit_model(
                formula,
                frame if options.time is None else frame[entered],
                subject=options.subject,
                visit=options.time or options.visit,
                covariance=options.covariance,
                group=group if options.covariance_by_arm else None,
                ddf=options.ddf,
                vcov=None if options.vcov == "model" else options.vcov,
                rank_deficient=options.rank_deficient,
            )
    except MethodError as error:
        failure = str(error)

    found = denominators(data, total=False)
    means = differences = None
    if fit is not None:
        means = fit.lsmeans(group, by=options.visit, margins=options.margins, level=options.level)
        if reference in fit.design.factors[group]:
            differences = fit.contrasts(group, by=options.visit, reference=reference, margins=options.margins, level=options.level)
    found += visit_rows(
        means, differences, frame[entered], response=options.response, subject=options.subject, visit=options.visit, group=group,
        visits=visits, arms=arms, reference=reference, failure=failure,
    )  # fmt: skip
    found += term_rows(fit, failure, terms)
    found += exclusions(
        data,
        subject=options.subject,
        response=options.response,
        group=group,
        baseline="BASE",
        covariates=options.covariates,
        absent="No post-baseline value",
    )
    gaps = int((frame[options.response].notna() & ~entered).sum())
    found.append(row("n_obs", int(entered.sum()), variable="model"))
    found.append(row("conf_level", options.level, variable="model"))
    texts = {
        "formula": formula,
        "ddf": DDF_WORDS[options.ddf],
        "variance": "Kenward–Roger adjusted" if options.ddf.startswith("kenward-roger") else VARIANCE_WORDS[options.vcov],
        "weights": MARGINS[options.margins],
        "reml": "REML",
    }
    footnotes = [f"{gaps} observed records are not analysed because a covariate is missing."] if gaps else []
    if fit is None:
        footnotes.append(f"The model could not be fitted: {failure}.")
    else:
        found += covariance_rows(fit)
        over = f"; time of each record: {options.time}" if options.time else ""
        texts |= {"covariance": fit.fit.working.structure.label + over, "path": path(fit)}
        if fit.design.dropped:
            footnotes.append(f"Not estimable and left out of the model: {', '.join(fit.design.dropped)}.")
    return MethodResult(rows=found + facts(texts), footnotes=tuple(footnotes))


def _check_times(records: pd.DataFrame, options: MMRMOptions, analysis_id: str) -> None:
    """Every analysed record has a time, and no subject two records at one time or visit."""
    import pandas as pd

    from nirls.errors import ConfigError, DataError

    time = options.time
    if not pd.api.types.is_numeric_dtype(records[time]):
        raise ConfigError(f"analyses.yaml: {analysis_id}: time: {time} is not a number; use a study day, for example ADY")

    def named(some: pd.DataFrame) -> str:
        shown = [f"{s} at {v}" for s, v in some[[options.subject, options.visit]].head(10).itertuples(index=False)]
        return ", ".join(shown) + (f" and {len(some) - 10} more" if len(some) > 10 else "")

    untimed = records[records[time].isna()]
    if len(untimed):
        raise DataError(f"{analysis_id}: {time} is missing in {len(untimed)} records with an observed {options.response}: {named(untimed)}")
    again = records[records.duplicated([options.subject, options.visit])]
    if len(again):
        raise DataError(f"{analysis_id}: a subject may have one record per visit; more than one for: {named(again)}")
    shared = records[records.duplicated([options.subject, time], keep=False)]
    if len(shared):
        told = [
            f"{subject} at {time} {at:g} ({', '.join(map(str, same[options.visit]))})"
            for (subject, at), same in shared.groupby([options.subject, time], observed=True)
        ]
        more = f" and {len(told) - 10} more" if len(told) > 10 else ""
        raise DataError(f"{analysis_id}: a subject may have one record at a time; more than one for: {', '.join(told[:10])}{more}")
