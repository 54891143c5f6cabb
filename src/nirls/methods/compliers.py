"""The effect of the treatment delivered, with randomization as the instrument."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from nirls.methods._groups import denominators
from nirls.methods._linear import DIFFERENCE, arms_and_reference, complete, estimates, exclusions, facts, one_visit
from nirls.methods._observational import LABEL, ObservationalOptions
from nirls.methods.describe import require
from nirls.methods.registry import AnalysisData, MethodResult, method
from nirls.plan.base import Id

if TYPE_CHECKING:
    from nirls.stats.instrumental import InstrumentalEffect

ITT, UPTAKE, COMPLIERS, NAIVE = "intention to treat", "uptake", "compliers", "as delivered, not randomized"
WEAK = 10.0


class CompliersOptions(ObservationalOptions):
    """Options of `compliers`."""

    response: Id = Field("CHG", description="Outcome.")
    covariates: list[Id] = Field(["BASE"], description="Baseline covariates; text is a factor, numbers are linear.")
    exposure: Id = Field("CUMFLU", description="PARAMCD of ADEXSUM: what was delivered.")
    period: str = Field("Overall", description="Period of ADEXSUM (its AVISIT), for example 'Weeks 1–4'.")
    complier_from: float | None = Field(
        None, description="Exposure from which a subject is a complier; the effect is then that among compliers. Default: a dose, per unit."
    )
    per: float = Field(1.0, description="Units of exposure that the effect of a dose is expressed for.", gt=0)
    reference_exposure: Literal["recorded", "none"] = Field(
        "recorded",
        description="Exposure of the reference arm: as recorded, as of a sham subject who had an emitting device; or none, for an exposure "
        "that sham sessions count in too, such as SESSPCT.",
    )
    visit: Id = Field("AVISIT", description="Visit, for the label of the results; the records must be of one visit.")
    subject: Id = Field("USUBJID", description="Subject.")
    reference: str | None = Field(None, description="Arm the others are compared with; default: the study's reference.")
    level: float = Field(0.95, description="Confidence level.", gt=0.5, lt=1)


@method("compliers", options=CompliersOptions, beside=("ADEXSUM",), keeps_records=True)
def compliers(data: AnalysisData, options: CompliersOptions) -> MethodResult:
    """Effect of the dose delivered, or among compliers, by two-stage least squares with the arm as instrument (observational)."""
    import numpy as np

    from nirls.adam.adexsum import PARAMETERS
    from nirls.ard.build import row
    from nirls.errors import ConfigError, NotEstimableError
    from nirls.models.design import build_design
    from nirls.stats.instrumental import instrumental_effect

    require(data.frame, [options.response, *options.covariates, options.subject, options.visit], data.analysis_id)
    group, arms, reference = arms_and_reference(data, options.reference)
    visit = one_visit(data, options.visit, options.subject)
    records = data.beside["ADEXSUM"]
    of_period = records[records["AVISIT"] == options.period]
    chosen = of_period[of_period["PARAMCD"] == options.exposure]
    if options.exposure not in PARAMETERS or of_period.empty:
        raise ConfigError(
            f"analyses.yaml: {data.analysis_id}: ADEXSUM has no {options.exposure} of {options.period!r}; periods: "
            f"{', '.join(map(repr, records['AVISIT'].unique()))}; parameters: {', '.join(PARAMETERS)}"
        )
    # a parameter that shows the treatment is not in ADEXSUM while the study is blinded
    absent = f"nobody has a value of {options.exposure} in {options.period}, as in a blinded study" if chosen.empty else ""
    delivered = chosen.set_index("USUBJID")["AVAL"]
    frame = data.frame[complete(data.frame, options.response, group, options.covariates)]
    dose = frame[options.subject].map(delivered).astype("float64")
    if options.reference_exposure == "none":
        dose = dose.where(frame[group].astype("str") != reference, 0.0)
    unknown = frame.loc[dose.isna(), options.subject]
    frame = frame.assign(_DOSE=(dose >= options.complier_from).astype(float) if options.complier_from is not None else dose / options.per)
    frame = frame[dose.notna()]

    found = denominators(data, total=False)
    footnotes = [f"{LABEL}."]
    if len(unknown):
        footnotes.append(
            f"Not analysed, {options.exposure} unknown: {', '.join(unknown.astype('str').head(10))} ({len(unknown)} subjects)."
        )
    for arm in (a for a in arms if a != reference):
        pair = frame[frame[group].isin([arm, reference])]
        key = {"variable": options.response, "group1": group, "group1_level": arm, "visit": visit}
        effect, failure, naive = None, "", None
        try:
            if absent or pair[group].astype("str").nunique() < 2:
                raise NotEstimableError(absent or "no observation in one of the arms")
            design = build_design(f"{options.response} ~ {' + '.join(options.covariates) or '1'}", pair)
            instrument = (pair[group].astype("str") == arm).to_numpy(dtype=float)
            effect = instrumental_effect(design.y, pair["_DOSE"], instrument, design.matrix)
            naive = _least_squares(design.y, pair["_DOSE"].to_numpy(dtype=float), np.asarray(design.matrix), options.level)
        except NotEstimableError as error:
            failure = str(error)
        for name in (arm, reference):
            own = pair[pair[group].astype("str") == name]
            share = {"group2": "DELIVERED", "group2_level": name} | key
            found.append(row("n", len(own), **share))
            means = {"": "_DOSE", "outcome": options.response}
            for what, column in means.items():
                value, said = (own[column].mean(), "") if len(own) else (None, "no observation")
                found.append(row("mean", value, error=said, variable_level=what, **share))
        found += _rows(effect, naive, failure, options, key | {"comparison": f"{arm} - {reference}"})
        if effect is not None and effect.first_stage_f < WEAK:
            footnotes.append(
                f"{arm}: the arm hardly moves the exposure (F = {effect.first_stage_f:.1f}, below 10); the interval of Anderson and Rubin "
                "is right all the same, the other is too short."
            )
    found += exclusions(
        data, subject=options.subject, response=options.response, group=group, baseline="BASE", covariates=options.covariates,
        absent=f"No value at {visit}" if visit else f"No value of {options.response}",
    )  # fmt: skip
    found.append(row("n_obs", len(frame), variable="model"))
    found.append(row("conf_level", options.level, variable="model"))
    unit = f"{options.per:g} " if options.per != 1 else "one unit of "
    what = (
        f"effect among those who receive {options.exposure} of {options.complier_from:g} or more because they are randomized to it"
        if options.complier_from is not None
        else f"effect of {unit}{options.exposure}, taken to be linear"
    )
    shown = "none" if options.reference_exposure == "none" else "as recorded"
    texts = {
        "formula": f"{options.response} ~ exposure + {' + '.join(options.covariates)}, the arm as instrument",
        "estimator": f"two-stage least squares, each arm with {reference}, whose exposure is {shown}; {what}; {options.period}",
        "ddf": "residual",
        "variance": "model-based; interval of Anderson and Rubin beside it",
        "label": LABEL,
    }
    records = frame[[options.subject, group, "_DOSE", options.response]].rename(columns={"_DOSE": "EXPOSURE", options.response: "OUTCOME"})
    records = records.sort_values(options.subject, kind="stable").reset_index(drop=True).astype({group: "str"})
    return MethodResult(rows=found + facts(texts), footnotes=tuple(footnotes), records=records)


def _least_squares(y: Any, dose: Any, x: Any, level: float) -> dict[str, float]:
    """The outcome on the dose that was delivered, as if it had been randomized."""
    import numpy as np
    from scipy import stats
    from statsmodels.regression.linear_model import OLS

    fit = OLS(y, np.column_stack([dose, x])).fit()
    return _estimate(float(fit.params[0]), float(fit.bse[0]), float(fit.df_resid), level, stats.t)


def _estimate(value: float, error: float, df: float, level: float, t: Any) -> dict[str, float]:
    half = t.ppf((1 + level) / 2, df) * error
    return {
        "estimate": value, "std_error": error, "df": df, "statistic": value / error, "p_value": 2 * t.sf(abs(value / error), df),
        "conf_low": value - half, "conf_high": value + half,
    }  # fmt: skip


def _rows(
    effect: InstrumentalEffect | None, naive: dict[str, float] | None, failure: str, options: CompliersOptions, key: dict[str, str]
) -> list[dict[str, Any]]:
    """Intention to treat, uptake, the effect among compliers with both intervals, and least squares on what was delivered."""
    import math

    from scipy import stats

    from nirls.ard.build import row

    itt = compliers_effect = None
    if effect is not None:
        itt = _estimate(effect.reduced, effect.reduced_std_error, effect.df, options.level, stats.t)
        compliers_effect = _estimate(effect.estimate, effect.std_error, effect.df, options.level, stats.t)
    found = estimates(DIFFERENCE, itt, failure, variable_level=ITT, **key)
    uptake = {"variable_level": UPTAKE} | key
    found.append(row("estimate", None if effect is None else effect.first_stage, error=failure, **uptake))
    f = None if effect is None or not math.isfinite(effect.first_stage_f) else effect.first_stage_f
    found.append(row("f_statistic", f, error="" if f is not None else failure or "the exposure does not vary within the arms", **uptake))
    found += estimates(DIFFERENCE, compliers_effect, failure, variable_level=COMPLIERS, **key)
    limits: dict[str, float | None] = {"ar_low": None, "ar_high": None}
    said = failure
    if effect is not None:
        interval = effect.anderson_rubin(options.level)
        if interval.outside:
            said = f"not rejected is all outside {interval.low:.4g} to {interval.high:.4g}"
        else:
            limits = {k: v if math.isfinite(v) else None for k, v in (("ar_low", interval.low), ("ar_high", interval.high))}
            said = "no value is rejected"
        found.append(row("p_value", effect.anderson_rubin_p(), variable_level="Anderson–Rubin", **key))
    found += [row(k, v, error="" if v is not None else said, variable_level=COMPLIERS, **key) for k, v in limits.items()]
    return found + estimates(DIFFERENCE, naive, failure, variable_level=NAIVE, **key)
