"""Analysis of covariance at one visit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from nirls.methods._groups import denominators
from nirls.methods._linear import (
    DIFFERENCE,
    LSMEAN,
    MARGINS,
    NO_RECORD,
    arms_and_reference,
    complete,
    estimates,
    exclusions,
    facts,
    one_visit,
)
from nirls.methods.describe import require
from nirls.methods.registry import AnalysisData, MethodResult, method
from nirls.plan.base import Id, PlanModel

if TYPE_CHECKING:
    from nirls.models.ancova import ANCOVAResult


class ANCOVAOptions(PlanModel):
    """Options of `ancova`."""

    response: Id = Field("CHG", description="Outcome.")
    covariates: list[Id] = Field(["BASE"], description="Baseline covariates; text is a factor, numbers are linear.")
    reference: str | None = Field(None, description="Arm the others are compared with; default: the study's reference.")
    subject: Id = Field("USUBJID", description="Subject; one record each.")
    visit: Id = Field("AVISIT", description="Variable whose one value in the selected records labels the results.")
    margins: Literal["equal", "observed"] = Field(
        "equal", description="Weights of the levels of other factors in LS means: equal, or as in the analysed records."
    )
    level: float = Field(0.95, description="Confidence level.", gt=0.5, lt=1)
    hc3: bool = Field(False, description="Heteroscedasticity-consistent standard errors (HC3).")
    dose_trend: bool = Field(
        False, description="Also test the slope of numeric dose (`dose` of the arms) in place of the treatment factor."
    )


@method("ancova", options=ANCOVAOptions, outcome="mean")
def ancova(data: AnalysisData, options: ANCOVAOptions) -> MethodResult:
    """LS means and differences from the reference at one visit, from an analysis of covariance."""
    import warnings

    from nirls.ard.build import row, rows
    from nirls.errors import MethodError
    from nirls.models.ancova import ancova as fit_model

    frame = data.frame
    require(frame, [options.response, *options.covariates, options.subject, options.visit], data.analysis_id)
    group, arms, reference = arms_and_reference(data, options.reference)
    visit = one_visit(data, options.visit, options.subject)
    formula = f"{options.response} ~ " + " + ".join([group, *options.covariates])
    doses = _doses(data, arms) if options.dose_trend else {}

    fit, failure = None, ""
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*are not analysed: missing")  # they are counted below
            fit = fit_model(formula, frame, hc3=options.hc3)
    except MethodError as error:
        failure = str(error)

    entered = complete(frame, options.response, group, options.covariates)
    found = denominators(data, total=False)
    found += _estimates(fit, failure, frame[entered][group].value_counts().to_dict(), options, group, arms, reference, visit)
    if options.dose_trend:
        found += _trend(fit, failure, options, group, doses, visit)
    found += exclusions(
        data,
        subject=options.subject,
        response=options.response,
        group=group,
        baseline="BASE",
        covariates=options.covariates,
        absent=f"No value at {visit}" if visit else f"No value of {options.response}",
    )
    found += rows({"n_obs": int(entered.sum()), "conf_level": options.level}, variable="model")
    if fit is not None:
        found += rows({"r_squared": fit.r_squared, "sigma": fit.sigma}, variable="model")
    found.append(row("df", None if fit is None else fit.df, variable="model", error=failure))
    texts = {
        "formula": formula,
        "ddf": "residual",
        "variance": "heteroscedasticity-consistent (HC3)" if options.hc3 else "model-based",
        "weights": MARGINS[options.margins],
    }
    if options.dose_trend:
        unit = data.plan.study.dose_unit
        texts["dose_trend"] = f"slope of dose{f' ({unit})' if unit else ''} in place of {group}"
    footnotes = (f"The model could not be fitted: {failure}.",) if failure else ()
    return MethodResult(rows=found + facts(texts), footnotes=footnotes)


def _doses(data: AnalysisData, arms: list[str]) -> dict[str, float]:
    from nirls.errors import ConfigError

    doses = {arm: dose for arm in arms if (dose := data.plan.study.arms[arm].dose) is not None}
    without = [arm for arm in arms if arm not in doses]
    if without:
        raise ConfigError(f"analyses.yaml: {data.analysis_id}: options.dose_trend needs a `dose` in study.yaml for {', '.join(without)}")
    return doses


def _estimates(
    fit: ANCOVAResult | None,
    failure: str,
    sizes: dict[Any, int],
    options: ANCOVAOptions,
    group: str,
    arms: list[str],
    reference: str,
    visit: str,
) -> list[dict[str, Any]]:
    """LS means, then differences, in order of the arms."""
    from nirls.ard.build import row

    means, differences = {}, {}
    if fit is not None:
        means = {str(r[group]): r for r in fit.lsmeans(group, margins=options.margins, level=options.level).to_dict("records")}
        if reference in fit.design.factors[group]:
            table = fit.contrasts(group, reference=reference, margins=options.margins, level=options.level)
            differences = {str(r[group]): r for r in table.to_dict("records")}
    found = []
    for arm in arms:
        key = {"variable": options.response, "group1": group, "group1_level": arm, "visit": visit}
        found.append(row("n", sizes.get(arm, 0), **key))
        found += estimates(LSMEAN, means.get(arm), failure or NO_RECORD, **key)
    for arm in (a for a in arms if a != reference):
        key = {"variable": options.response, "group1": group, "group1_level": arm, "visit": visit}
        missing = failure or NO_RECORD.replace("this arm", "one of the arms")
        found += estimates(DIFFERENCE, differences.get(arm), missing, comparison=f"{arm} - {reference}", **key)
    return found


def _trend(
    fit: ANCOVAResult | None, failure: str, options: ANCOVAOptions, group: str, doses: dict[str, float], visit: str
) -> list[dict[str, Any]]:
    """The dose slope under the comparison 'dose trend'."""
    from nirls.errors import MethodError

    values = None
    if fit is not None:
        try:
            slope = fit.dose_trend(group, doses)
            low, high = slope.ci(options.level)
            values = {"estimate": slope.estimate[0], "std_error": slope.std_error[0], "df": slope.df[0], "statistic": slope.statistic[0]}
            values |= {"conf_low": low[0], "conf_high": high[0], "p_value": slope.p_value[0]}
        except MethodError as error:
            failure = str(error)
    return estimates(DIFFERENCE, values, failure, variable=options.response, visit=visit, comparison="dose trend")
