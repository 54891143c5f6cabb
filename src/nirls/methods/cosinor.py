"""The course of an outcome over the day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from nirls.methods._groups import denominators
from nirls.methods._linear import arms_and_reference, contrast_rows, exclusions, facts
from nirls.methods.describe import require
from nirls.methods.registry import AnalysisData, MethodResult, method
from nirls.plan.base import Id, PlanModel

if TYPE_CHECKING:
    from nirls.models.cosinor import CosinorResult

MESOR, AMPLITUDE, ACROPHASE = "mesor", "amplitude", "acrophase"


class CosinorOptions(PlanModel):
    """Options of `cosinor`."""

    response: Id = Field("AVAL", description="Outcome.")
    hour: Id = Field("AHOUR", description="Local clock time, hours.")
    covariates: list[Id] = Field([], description="Covariates; text is a factor, numbers are linear.")
    period: float = Field(24.0, description="Period of the rhythm, hours.", gt=0)
    subject: Id = Field("USUBJID", description="Subject.")
    reference: str | None = Field(None, description="Arm the others are compared with; default: the study's reference.")
    level: float = Field(0.95, description="Confidence level.", gt=0.5, lt=1)


@method("cosinor", options=CosinorOptions)
def cosinor(data: AnalysisData, options: CosinorOptions) -> MethodResult:
    """Mesor, amplitude and acrophase by arm from a mixed cosinor, with the test of a rhythm, and differences from the reference."""
    from nirls.ard.build import row
    from nirls.errors import MethodError
    from nirls.models.cosinor import cosinor as fit_model

    require(data.frame, [options.response, options.hour, *options.covariates, options.subject], data.analysis_id)
    group, arms, reference = arms_and_reference(data, options.reference)
    frame = data.frame
    frame = frame[frame[[options.response, options.hour, group, *options.covariates]].notna().all(axis=1)]
    fit, failure = None, ""
    try:
        fit = fit_model(
            frame, response=options.response, hour=options.hour, subject=options.subject, group=group, covariates=options.covariates,
            period=options.period,
        )  # fmt: skip
    except MethodError as error:
        failure = str(error)

    found = denominators(data, total=False)
    for arm in arms:
        own = frame[frame[group] == arm]
        key = {"variable": options.response, "group1": group, "group1_level": arm}
        found += [row("n", own[options.subject].nunique(), **key), row("n_obs", len(own), **key)]
        found += _of_arm(fit, failure, arm, options, key)
    for arm in (a for a in arms if a != reference):
        key = {"variable": options.response, "group1": group, "group1_level": arm, "comparison": f"{arm} - {reference}"}
        found += _difference(fit, failure, arm, reference, options, key)
    found += exclusions(
        data, subject=options.subject, response=options.response, group=group, baseline="BASE",
        covariates=[options.hour, *options.covariates], absent="No entry among the records chosen",
    )  # fmt: skip
    found += [row("n_obs", len(frame), variable="model"), row("conf_level", options.level, variable="model")]
    terms = " + ".join([*options.covariates, f"{group} × (cos + sin of the clock time)", "random intercept"])
    texts = {
        "formula": f"{options.response} ~ {terms}; period {options.period:g} h",
        "ddf": "Kenward–Roger (linear), expected information",
        "variance": "Kenward–Roger adjusted; amplitude and acrophase by the delta method",
        "estimator": "REML",
    }
    footnotes = [f"The model could not be fitted: {failure}."] if failure else []
    footnotes.append(
        "Acrophase: clock time of the highest value; not estimated where no rhythm is shown (p of the test of a rhythm ≥ 0.05)."
    )
    return MethodResult(rows=found + facts(texts), footnotes=tuple(footnotes))


def _of_arm(fit: CosinorResult | None, failure: str, arm: str, options: CosinorOptions, key: dict[str, str]) -> list[dict[str, Any]]:
    from nirls.ard.build import row

    if fit is None or arm not in fit.levels:
        said = failure or "no observation of this arm"
        names = (MESOR, AMPLITUDE, ACROPHASE)
        return [row("estimate", None, error=said, variable_level=name, **key) for name in names]
    found = fit.of(arm)
    rows = contrast_rows(found.mesor, options.level, key | {"variable_level": MESOR})
    tested = {"num_df": found.test.num_df, "den_df": found.test.den_df, "f_statistic": found.test.statistic, "p_value": found.test.p_value}
    rows += [row(k, float(v), variable_level="rhythm", **key) for k, v in tested.items()]
    (low, high), (early, late) = found.rhythm.ci(options.level)
    for k, v in {"estimate": found.rhythm.amplitude, "std_error": found.rhythm.amplitude_se, "conf_low": low, "conf_high": high}.items():
        rows.append(row(k, v, variable_level=AMPLITUDE, **key))
    shown = found.test.p_value < 0.05
    said = "" if shown else "no rhythm shown"
    phase = {"estimate": found.rhythm.acrophase, "std_error": found.rhythm.acrophase_se, "conf_low": early, "conf_high": late}
    return rows + [row(k, v if shown else None, error=said, variable_level=ACROPHASE, **key) for k, v in phase.items()]


def _difference(
    fit: CosinorResult | None, failure: str, arm: str, reference: str, options: CosinorOptions, key: dict[str, str]
) -> list[dict[str, Any]]:
    from nirls.ard.build import row

    if fit is None or arm not in fit.levels or reference not in fit.levels:
        return [row("estimate", None, error=failure or "no observation of one of the arms", variable_level=MESOR, **key)]
    difference, test = fit.difference(arm, reference)
    tested = {"num_df": test.num_df, "den_df": test.den_df, "f_statistic": test.statistic, "p_value": test.p_value}
    return contrast_rows(difference, options.level, key | {"variable_level": MESOR}) + [
        row(k, float(v), variable_level="rhythm", **key) for k, v in tested.items()
    ]
