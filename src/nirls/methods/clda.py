"""Constrained longitudinal data analysis."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from nirls.methods._by_visit import visit_rows
from nirls.methods._covariance import covariance_rows, path
from nirls.methods._groups import denominators
from nirls.methods._linear import MARGINS, arms_and_reference, complete, exclusions, facts
from nirls.methods._mixed import DDF_WORDS, VARIANCE_WORDS
from nirls.methods.describe import require
from nirls.methods.registry import AnalysisData, MethodResult, method
from nirls.plan.base import Id, PlanModel

BASELINE = "Baseline"
"""Name of the first visit in the model, whatever visit the baseline record was made at."""


class CLDAOptions(PlanModel):
    """Options of `clda`."""

    response: Id = Field("AVAL", description="Outcome, at baseline and after it; estimates are of its change from baseline.")
    change: Id = Field("CHG", description="Name that the estimates carry in the results: the change of the outcome from baseline.")
    baseline: Id = Field("ABLFL", description="Flag that is Y in a subject's baseline record; `where` must select these records too.")
    covariates: list[Id] = Field([], description="Further baseline covariates; text is a factor, numbers are linear.")
    by_visit: list[Id] = Field([], description="Those covariates that also interact with visit.")
    visit: Id = Field("AVISIT", description="Visit factor; all visits of the selected records are in the model.")
    visit_order: Id = Field("AVISITN", description="Number that orders the visits.")
    subject: Id = Field("USUBJID", description="Subject.")
    reference: str | None = Field(None, description="Arm the others are compared with; default: the study's reference.")
    covariance: list[Literal["us", "toeph", "ar1h", "csh", "adh", "toep", "ar1", "ad", "cs", "us-cholesky"]] = Field(
        ["us"],
        description="Covariance of a subject's visits, the baseline among them; several are tried in this order and the first that "
        "converges is used.",
        min_length=1,
    )
    ddf: Literal["kenward-roger-linear", "satterthwaite", "kenward-roger", "residual"] = Field(
        "kenward-roger-linear", description="Denominator degrees of freedom, and with Kenward–Roger standard errors."
    )
    margins: Literal["equal", "observed"] = Field(
        "equal", description="Weights of the levels of other factors in LS means: equal, or as in the analysed records."
    )
    level: float = Field(0.95, description="Confidence level.", gt=0.5, lt=1)

    @model_validator(mode="after")
    def _covariates(self) -> CLDAOptions:
        strange = [c for c in self.by_visit if c not in self.covariates]
        if strange:
            raise ValueError(f"by_visit: {', '.join(strange)} not among covariates ({', '.join(self.covariates) or 'none'})")
        if "BASE" in self.covariates:
            raise ValueError("covariates: BASE, the baseline value, is an outcome of this model and cannot be a covariate too")
        if self.response in ("CHG", "PCHG"):
            raise ValueError(f"response: {self.response} has no value at baseline; use AVAL, estimates are of its change from baseline")
        return self


@method("clda", options=CLDAOptions, outcome="repeated mean")
def clda(data: AnalysisData, options: CLDAOptions) -> MethodResult:
    """LS means of change and differences by visit, with the baseline among the outcomes and its mean common to the arms (REML)."""
    import pandas as pd

    from nirls.ard.build import row
    from nirls.errors import DataError, MethodError
    from nirls.models.clda import clda as fit_model

    needed = [options.response, options.baseline, *options.covariates, options.visit, options.visit_order, options.subject]
    require(data.frame, needed, data.analysis_id)
    group, arms, reference = arms_and_reference(data, options.reference)
    frame = data.frame
    first = frame[options.baseline].eq("Y").fillna(False).astype(bool)
    again = frame.loc[first & frame.duplicated([options.subject, options.baseline]), options.subject]
    if len(again) or not first.any():
        told = f"more than one baseline record for: {', '.join(again.astype(str).head(10))}" if len(again) else "no baseline record"
        raise DataError(
            f"{data.analysis_id}: {told} ({options.baseline} = Y). `where` of analyses.yaml must select each subject's baseline record, "
            f"for example (ABLFL == 'Y' or (ANL01FL == 'Y' and AVISITN in [1, 2, 4]))"
        )
    if (frame.loc[~first, options.visit] == BASELINE).any():
        raise DataError(
            f"{data.analysis_id}: {int((frame.loc[~first, options.visit] == BASELINE).sum())} selected records of the visit {BASELINE!r} "
            f"are not the baseline record ({options.baseline} is not Y); leave them out by `where`"
        )
    later = frame.loc[~first, [options.visit, options.visit_order]].drop_duplicates().sort_values(options.visit_order, kind="stable")
    if later[options.visit].duplicated().any() or later[options.visit_order].duplicated().any() or later.isna().any(axis=None):
        shown = "; ".join(f"{v!r} {n}" for v, n in later.itertuples(index=False))
        raise DataError(f"{data.analysis_id}: {options.visit} and {options.visit_order} must correspond one to one, but there are: {shown}")
    visits = [str(v) for v in later[options.visit]]
    labels = frame[options.visit].astype("str").mask(first, BASELINE)
    frame = frame.assign(**{options.visit: labels.astype(pd.CategoricalDtype([BASELINE, *visits]))})

    entered = complete(frame, options.response, group, options.covariates)
    fit, failure = None, ""
    try:
        fit = fit_model(
            frame[entered],
            response=options.response,
            treatment=group,
            reference=reference,
            subject=options.subject,
            visit=options.visit,
            baseline=BASELINE,
            covariates=options.covariates,
            by_visit=options.by_visit,
            covariance=options.covariance,
            ddf=options.ddf,
        )
    except MethodError as error:
        failure = str(error)

    found = denominators(data, total=False)
    found += visit_rows(
        None if fit is None else fit.changes(margins=options.margins, level=options.level),
        None if fit is None else fit.contrasts(margins=options.margins, level=options.level),
        frame[entered], response=options.change, subject=options.subject, visit=options.visit, group=group, visits=visits, arms=arms,
        reference=reference, failure=failure,
    )  # fmt: skip
    found += exclusions(
        data, subject=options.subject, response=options.response, group=group, baseline="BASE", covariates=options.covariates,
        absent="No value",
    )  # fmt: skip
    gaps = int((frame[options.response].notna() & ~entered).sum())
    found.append(row("n_obs", int(entered.sum()), variable="model"))
    found.append(row("conf_level", options.level, variable="model"))
    texts = {
        "ddf": DDF_WORDS[options.ddf],
        "variance": "Kenward–Roger adjusted" if options.ddf.startswith("kenward-roger") else VARIANCE_WORDS["model"],
        "weights": MARGINS[options.margins],
        "estimator": "REML; the baseline is an outcome whose mean is common to the arms, estimates are of the change from it",
    }
    footnotes = [f"{gaps} observed records are not analysed because a covariate is missing."] if gaps else []
    if fit is None:
        footnotes.append(f"The model could not be fitted: {failure}.")
    else:
        found += covariance_rows(fit.fit)
        texts |= {"formula": fit.fit.formula, "covariance": fit.fit.fit.working.structure.label, "path": path(fit.fit)}
    return MethodResult(rows=found + facts(texts), footnotes=tuple(footnotes))
