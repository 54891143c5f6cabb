"""Mixed model for repeated measures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from nirls.methods._groups import denominators
from nirls.methods._linear import DIFFERENCE, LSMEAN, MARGINS, NO_RECORD, arms_and_reference, complete, estimates, exclusions, facts
from nirls.methods.describe import require
from nirls.methods.registry import AnalysisData, MethodResult, method
from nirls.plan.base import PlanModel
from nirls.plan.study import Id

if TYPE_CHECKING:
    import pandas as pd

    from nirls.models.mmrm import MMRMResult

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


class MMRMOptions(PlanModel):
    """Options of `mmrm`."""

    response: Id = Field("CHG", description="Outcome.")
    covariates: list[Id] = Field(["BASE"], description="Baseline covariates; text is a factor, numbers are linear.")
    by_visit: list[Id] = Field(["BASE"], description="Those covariates that also interact with visit.")
    visit: Id = Field("AVISIT", description="Visit factor; all visits of the selected records are in the model.")
    visit_order: Id = Field("AVISITN", description="Number that orders the visits.")
    subject: Id = Field("USUBJID", description="Subject.")
    reference: str | None = Field(None, description="Arm the others are compared with; default: the study's reference.")
    covariance: list[Literal["us", "toeph", "ar1h", "csh", "adh", "toep", "ar1", "ad", "cs", "us-cholesky"]] = Field(
        ["us"],
        description="Covariance of a subject's visits; several are tried in this order and the first that converges is used.",
        min_length=1,
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


@method("mmrm", options=MMRMOptions)
def mmrm(data: AnalysisData, options: MMRMOptions) -> MethodResult:
    """LS means and differences from the reference by visit, and Type III tests of the terms, from a mixed model (REML)."""
    import warnings

    from nirls.ard.build import row
    from nirls.errors import MethodError
    from nirls.models.mmrm import mmrm as fit_model

    needed = [options.response, *options.covariates, options.visit, options.visit_order, options.subject]
    require(data.frame, needed, data.analysis_id)
    group, arms, reference = arms_and_reference(data, options.reference)
    frame = data.frame.assign(**{options.visit: _ordered_visits(data, options)})
    visits = [str(v) for v in frame[options.visit].cat.categories]
    # with one visit the visit factor has no column of its own
    visit_terms = [f"{c}:{options.visit}" for c in options.by_visit] + [f"{group}:{options.visit}"]
    terms = [*options.covariates, group, options.visit, *visit_terms]
    formula = f"{options.response} ~ {' + '.join(terms)}"

    fit, failure = None, ""
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*are not analysed: missing")  # they are counted below
            fit = fit_model(
                formula,
                frame,
                subject=options.subject,
                visit=options.visit,
                covariance=options.covariance,
                group=group if options.covariance_by_arm else None,
                ddf=options.ddf,
                vcov=None if options.vcov == "model" else options.vcov,
                rank_deficient=options.rank_deficient,
            )
    except MethodError as error:
        failure = str(error)

    found = denominators(data, total=False)
    found += _estimates(fit, failure, frame, options, group, arms, reference, visits)
    found += _term_rows(fit, failure, terms)
    found += exclusions(
        data,
        subject=options.subject,
        response=options.response,
        group=group,
        baseline="BASE",
        covariates=options.covariates,
        absent="No post-baseline value",
    )
    entered = complete(frame, options.response, group, options.covariates)
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
        found += _model_rows(fit, visits)
        texts |= {"covariance": fit.fit.working.structure.label, "path": _path(fit)}
        if fit.design.dropped:
            footnotes.append(f"Not estimable and left out of the model: {', '.join(fit.design.dropped)}.")
    return MethodResult(rows=found + facts(texts), footnotes=tuple(footnotes))


def _ordered_visits(data: AnalysisData, options: MMRMOptions) -> pd.Series:
    """The visit as a Categorical in the order of its number."""
    import pandas as pd

    from nirls.errors import DataError

    pairs = data.frame[[options.visit, options.visit_order]].drop_duplicates().sort_values(options.visit_order, kind="stable")
    twice = pairs[pairs[options.visit].duplicated(keep=False) | pairs[options.visit_order].duplicated(keep=False)]
    if pairs.isna().any(axis=None) or len(twice):
        shown = "; ".join(f"{v!r} {n}" for v, n in (twice if len(twice) else pairs[pairs.isna().any(axis=1)]).itertuples(index=False))
        raise DataError(
            f"{data.analysis_id}: {options.visit} and {options.visit_order} must correspond one to one in the selected records, "
            f"but there are: {shown}"
        )
    return data.frame[options.visit].astype(pd.CategoricalDtype(list(pairs[options.visit])))


def _estimates(
    fit: MMRMResult | None,
    failure: str,
    frame: pd.DataFrame,
    options: MMRMOptions,
    group: str,
    arms: list[str],
    reference: str,
    visits: list[str],
) -> list[dict[str, Any]]:
    """LS means and differences, visit by visit in order of the arms."""
    from nirls.ard.build import row

    means, differences = {}, {}
    if fit is not None:
        means = _by_cell(fit.lsmeans(group, by=options.visit, margins=options.margins, level=options.level), options.visit, group)
        if reference in fit.design.factors[group]:
            table = fit.contrasts(group, by=options.visit, reference=reference, margins=options.margins, level=options.level)
            differences = _by_cell(table, options.visit, group)
    entered = frame[complete(frame, options.response, group, options.covariates)]
    sizes = entered.groupby([options.visit, group], observed=False)[options.subject].nunique()
    found = []
    for visit in visits:
        for arm in arms:
            key = {"variable": options.response, "group1": group, "group1_level": arm, "visit": visit}
            n = int(sizes.get((visit, arm), 0))
            found.append(row("n", n, **key))
            found += estimates(LSMEAN, means.get((visit, arm)), failure or (NO_RECORD if n == 0 else "not estimable"), **key)
        for arm in (a for a in arms if a != reference):
            key = {"variable": options.response, "group1": group, "group1_level": arm, "visit": visit}
            empty = not (sizes.get((visit, arm), 0) and sizes.get((visit, reference), 0))
            reason = failure or (NO_RECORD.replace("this arm", "one of the arms") if empty else "not estimable")
            found += estimates(DIFFERENCE, differences.get((visit, arm)), reason, comparison=f"{arm} - {reference}", **key)
    return found


def _by_cell(table: pd.DataFrame, visit: str, group: str) -> dict[tuple[str, str], dict[str, Any]]:
    return {(str(r[visit]), str(r[group])): r for r in table.to_dict("records")}


def _model_rows(fit: MMRMResult, visits: list[str]) -> list[dict[str, Any]]:
    """Numbers about the fit, and Σ as covariances (lower triangle) and correlations."""
    from nirls.ard.build import row, rows

    numbers, record = fit.fit, fit.fit.convergence
    found = rows(
        {
            "deviance": numbers.deviance,
            "aic": numbers.aic,
            "bic": numbers.bic,
            "n_parameters": numbers.theta.size,
            "iterations": record.iterations,
            "gradient": record.gradient,
        },
        variable="model",
    )
    arms = [None] if numbers.groups is None else list(numbers.groups)
    for arm, sigma in zip(arms, numbers.sigma.reshape(len(arms), len(numbers.visits), -1), strict=True):
        own = {} if arm is None else {"group1": fit.group, "group1_level": str(arm)}
        for i, later in enumerate(numbers.visits):
            for j, earlier in enumerate(numbers.visits[: i + 1]):
                key = {"variable": "model", "visit": str(later), "variable_level": str(earlier), **own}
                found.append(row("covariance", sigma[i, j], **key))
                if i != j:
                    found.append(row("correlation", sigma[i, j] / (sigma[i, i] * sigma[j, j]) ** 0.5, **key))
    return found


def _term_rows(fit: MMRMResult | None, failure: str, terms: list[str]) -> list[dict[str, Any]]:
    """Type III F tests of the terms."""
    from nirls.ard.build import row

    tests: dict[Any, dict[Any, Any]] = {term: {} for term in terms} if fit is None else fit.anova().to_dict("index")
    found = []
    for term, test in tests.items():
        key = {"variable": "term", "variable_level": str(term)}
        if lost := test.get("not_estimable", 0):
            key["warning"] = f"{term}: {lost} of the {lost + test['num_df']} dimensions of the hypothesis are not estimable and not tested"
        lacking = failure or ("F has no approximate distribution" if test["num_df"] else "not estimable")
        for name, source in {"num_df": "num_df", "den_df": "den_df", "f_statistic": "statistic", "p_value": "p_value"}.items():
            value = test.get(source, float("nan"))
            found.append(row(name, None if value != value else value, error=lacking if value != value else "", **key))
    return found


def _path(fit: MMRMResult) -> str:
    """What was tried, in order: 'us converged in 5 iterations'."""
    told = []
    for attempt in fit.fit.attempts:
        ended = f"converged in {attempt.iterations} iterations" if attempt.converged else attempt.message
        told.append(f"{attempt.covariance}: {ended}")
    return "; ".join(told)
