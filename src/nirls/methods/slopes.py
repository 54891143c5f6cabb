"""The course during maintenance and after treatment, and tolerance as a claim of equivalence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from nirls.methods._groups import denominators
from nirls.methods._linear import DIFFERENCE, arms_and_reference, contrast_rows, estimates, exclusions, facts
from nirls.methods.describe import require
from nirls.methods.registry import AnalysisData, MethodResult, method
from nirls.plan.base import Id, PlanModel

if TYPE_CHECKING:
    import pandas as pd

    from nirls.models.slopes import SlopesResult
    from nirls.plan.analysis import Analysis
    from nirls.plan.load import Plan

PHASES = ("before", "after", "change")
ADJUSTED = "before, adjusted for output"
WEEKS, LOSS = "WEEKS_", "OUTPUT_LOSS_"


class SlopesOptions(PlanModel):
    """Options of `slopes`."""

    response: Id = Field("AVAL", description="Outcome.")
    covariates: list[Id] = Field(["BASE"], description="Baseline covariates; text is a factor, numbers are linear.")
    day: Id = Field("ADY", description="Study day of the record; the time of the model is (day − 1) / 7 weeks.")
    knot: float | None = Field(
        None,
        description="Week at which the slope may change: the end of treatment; with none there is one slope. A claim of no tolerance rests "
        "best on the weeks of treatment alone: the course after it is no straight line, which tilts the slope before the knot.",
        gt=0,
    )
    start: float = Field(description="First week of the records, for words and lines; `where` selects the records.", ge=0)
    end: float = Field(description="Last week of treatment, for words and lines.", gt=0)
    random: list[Literal["knot", "slope", "intercept"]] = Field(
        ["knot", "slope", "intercept"],
        description="Random effects in the order in which they are tried: "
        "intercept, slope and change of slope; intercept and slope; intercept.",
        min_length=1,
    )
    pools: dict[str, list[str]] = Field(default_factory=dict, description="Name → arms whose slopes are averaged with equal weights.")
    margin: float | None = Field(
        None,
        description="Margin of equivalence, points per week: a difference of slopes under treatment within ± this is no tolerance; with "
        "none no equivalence is tested.",
        gt=0,
    )
    alpha: float = Field(0.05, description="Level of each of the two one-sided tests.", gt=0, lt=0.5)
    adjust_output: bool = Field(
        False,
        description="Also fit the model with the device's loss of output at the last session before the record (ADEX.OUTSHARE): a device "
        "that ages looks like tolerance.",
    )
    every: float = Field(1.0, description="Weeks between the points of the fitted lines.", gt=0)
    subject: Id = Field("USUBJID", description="Subject.")
    reference: str | None = Field(None, description="Arm the others are compared with; default: the study's reference.")
    level: float = Field(0.95, description="Confidence level.", gt=0.5, lt=1)

    def cross_check(self, spec: Analysis, plan: Plan) -> Iterator[str]:
        """Pools hold arms of the analysis."""
        known = spec.arms or list(plan.study.arms)
        for name, arms in self.pools.items():
            strange = [a for a in arms if a not in known]
            if strange or name in known:
                what = f"{', '.join(strange)} not among the arms {', '.join(known)}" if strange else "is the name of an arm"
                yield f"pools: {name}: {what}"


@dataclass(frozen=True, slots=True)
class _Fitted:
    """A fit, or why there is none."""

    fit: SlopesResult | None
    failure: str


@method("slopes", options=SlopesOptions, beside=("ADEX",))
def slopes(data: AnalysisData, options: SlopesOptions) -> MethodResult:
    """Slopes before and after the end of treatment by arm, on actual days, and equivalence of the slope during maintenance (tolerance)."""
    import numpy as np

    from nirls.ard.build import row
    from nirls.errors import DataError

    require(data.frame, [options.response, options.day, *options.covariates, options.subject], data.analysis_id)
    group, arms, reference = arms_and_reference(data, options.reference)
    frame = data.frame.assign(**{WEEKS: (data.frame[options.day] - 1) / 7})
    needed = [options.response, WEEKS, group, *options.covariates]
    used = frame[frame[needed].notna().all(axis=1)]
    twice = used[used.duplicated([options.subject, options.day], keep=False)]
    if len(twice):
        first = twice.iloc[0]
        raise DataError(
            f"{data.analysis_id}: a subject may have one record a day; {len(twice)} records share one, the first "
            f"{first[options.subject]} at {options.day} {first[options.day]:g}; narrow `where`, for example to ANL01FL == 'Y'"
        )
    main = _fit(used, options, group, [])
    found = denominators(data, total=False)
    key = {"variable": options.response}
    groups = {arm: {arm: 1.0} for arm in arms} | {name: {a: 1 / len(own) for a in own} for name, own in options.pools.items()}
    for phase in PHASES if options.knot is not None else PHASES[:1]:
        found += _slopes(main, groups, arms, group, reference, phase, phase, options, key)
    for arm in arms:
        own = used[used[group] == arm]
        of_arm = key | {"group1": group, "group1_level": arm}
        found += [row("n", own[options.subject].nunique(), **of_arm), row("n_obs", len(own), **of_arm)]
    if len(used):
        top = max(float(np.floor(used[WEEKS].quantile(0.99))), options.end)
        found += _lines(main, arms, group, np.arange(options.start, top + 1e-9, options.every), options, key)
        found += _observed(used, arms, group, options, key)

    footnotes = []
    if options.adjust_output:
        adjusted, said = _adjusted(data, used, options, group)
        found += _slopes(adjusted, groups, arms, group, reference, "before", ADJUSTED, options, key)
        footnotes += said
    found += exclusions(
        data, subject=options.subject, response=options.response, group=group, baseline="BASE",
        covariates=[c for c in [options.day, *options.covariates] if c != "BASE"], absent="No value in the period",
    )  # fmt: skip
    found += [
        row("n_obs", len(used), variable="model"), row("conf_level", options.level, variable="model"),
        row("week", options.end, variable="model"),
    ]  # fmt: skip
    if options.margin is not None:
        found += [row("margin", options.margin, variable="model"), row("alpha", options.alpha, variable="model")]
    line = "week" if options.knot is None else f"(week + (week − {options.knot:g})₊)"
    texts = {
        "formula": f"{options.response} ~ {' + '.join([*options.covariates, f'{group} × {line}'])}",
        "ddf": "Kenward–Roger (linear), expected information",
        "variance": "Kenward–Roger adjusted",
        "weights": "equal over the levels of factors; arms of a pool equal",
        "reml": "REML",
        "period": f"{options.start:g}–{options.end:g}",
    }
    if main.fit is not None:
        texts["covariance"] = main.fit.fit.fit.working.structure.label
    else:
        footnotes.append(f"The model could not be fitted: {main.failure}.")
    footnotes.append("Weeks are those of the actual day of each record.")
    if options.knot is not None:
        footnotes.append(
            "Two straight lines joined at the end of treatment; where the course after it is curved, the slope before it is tilted, so "
            "that a claim about tolerance rests on the weeks of treatment alone."
        )
    if options.margin is not None:
        footnotes.append(
            f"No tolerance is claimed where both one-sided tests against ±{options.margin:g} points per week reject at {options.alpha:g}; "
            "a difference that is not significant is no such claim."
        )
    return MethodResult(rows=found + facts(texts), footnotes=tuple(footnotes))


def _fit(used: pd.DataFrame, options: SlopesOptions, group: str, more: list[str]) -> _Fitted:
    from nirls.errors import MethodError
    from nirls.models.slopes import slopes as fit_model

    try:
        fit = fit_model(
            used, response=options.response, time=WEEKS, knot=options.knot, subject=options.subject, group=group,
            covariates=[*options.covariates, *more], random=options.random,
        )  # fmt: skip
    except MethodError as error:
        return _Fitted(None, str(error))
    return _Fitted(fit, "")


def _slopes(
    made: _Fitted,
    groups: dict[str, dict[str, float]],
    arms: list[str],
    group: str,
    reference: str,
    phase: Any,
    name: str,
    options: SlopesOptions,
    key: dict[str, str],
) -> list[dict[str, Any]]:
    """Slopes of arms and pools, differences from the reference, and of the slope during maintenance the tests of equivalence."""
    from scipy.special import stdtrit

    from nirls.ard.build import row
    from nirls.errors import MethodError
    from nirls.stats.noninferiority import equivalence

    found = []
    for code, weights in groups.items():
        own = key | {"variable_level": name}
        own |= {"group1": group, "group1_level": code} if code in arms else {"group2": "POOL", "group2_level": code}
        try:
            if made.fit is None:
                raise MethodError(made.failure)
            found += contrast_rows(made.fit.fit.t_tests(made.fit.slope_row(weights, phase)), options.level, own)
        except MethodError as error:
            found += estimates(DIFFERENCE, None, str(error), **own)
        if code == reference:
            continue
        own |= {"comparison": f"{code} - {reference}"}
        try:
            if made.fit is None:
                raise MethodError(made.failure)
            tested = made.fit.fit.t_tests(made.fit.slope_row(weights, phase) - made.fit.slope_row({reference: 1.0}, phase))
        except MethodError as error:
            found += estimates(DIFFERENCE, None, str(error), **own)
            continue
        found += contrast_rows(tested, options.level, own)
        if phase == "before" and options.margin is not None:
            difference, se, df = (float(x[0]) for x in (tested.estimate, tested.std_error, tested.df))
            p = equivalence(difference, se, df, -options.margin, options.margin)[2]
            half = float(stdtrit(df, 1 - options.alpha)) * se  # within the margins exactly when both tests reject
            values = {"equivalence_low": difference - half, "equivalence_high": difference + half, "p_equivalence": p}
            values["shown"] = float(p < options.alpha)
            found += [row(stat, value, **own) for stat, value in values.items()]
    return found


def _lines(made: _Fitted, arms: list[str], group: str, weeks: Any, options: SlopesOptions, key: dict[str, str]) -> list[dict[str, Any]]:
    """The fitted mean of each arm week by week, with its interval."""
    from nirls.ard.build import row
    from nirls.errors import MethodError

    found = []
    for arm in arms:
        own = {"variable": "curve", "group1": group, "group1_level": arm}
        try:
            if made.fit is None:
                raise MethodError(made.failure)
            means = made.fit.fit.t_tests(made.fit.level_rows(arm, weeks))
        except MethodError as error:
            found.append(row("estimate", None, error=str(error), **own))
            continue
        low, high = means.ci(options.level)
        for week, estimate, lower, upper in zip(weeks, means.estimate, low, high, strict=True):
            at = own | {"variable_level": f"{week:g}"}
            found += [row("estimate", float(estimate), **at), row("conf_low", float(lower), **at), row("conf_high", float(upper), **at)]
    return found


def _observed(used: pd.DataFrame, arms: list[str], group: str, options: SlopesOptions, key: dict[str, str]) -> list[dict[str, Any]]:
    """Observed mean and mean week of each arm at each visit."""
    from nirls.ard.build import row

    means = used.groupby([group, "AVISITN", "AVISIT"], observed=True).agg(
        mean=(options.response, "mean"), week=(WEEKS, "mean"), n=(options.response, "size")
    )
    found = []
    for (arm, _, visit), values in means.iterrows():
        own = key | {"variable_level": "observed", "group1": group, "group1_level": str(arm), "visit": str(visit)}
        found += [row("mean", float(values["mean"]), **own), row("week", float(values["week"]), **own), row("n", int(values["n"]), **own)]
    return found


def _adjusted(data: AnalysisData, used: pd.DataFrame, options: SlopesOptions, group: str) -> tuple[_Fitted, list[str]]:
    """The fit with the loss of output as a covariate; in arms without light it is 0."""
    import pandas as pd

    log = data.beside.get("ADEX")
    if log is None or "OUTSHARE" not in log.columns:
        return _Fitted(None, "the study has no device log (ADEX)"), []
    light = [a for a, arm in data.plan.study.arms.items() if arm.regimen is not None and arm.regimen.fluence_j_cm2]
    lit = used[group].astype("str").isin(light)
    sessions = log[(log["ONTRTFL"] == "Y") & log["OUTSHARE"].notna() & log["ADY"].notna()]
    sessions = pd.DataFrame(
        {options.subject: sessions[options.subject], "_DAY": sessions["ADY"].astype(float), LOSS: 100 * (1 - sessions["OUTSHARE"])}
    ).sort_values("_DAY", kind="stable")
    order = pd.DataFrame({options.subject: used[options.subject], "_DAY": used[options.day].astype(float), "_PLACE": range(len(used))})
    order = order.sort_values("_DAY", kind="stable")
    loss = pd.merge_asof(order, sessions, on="_DAY", by=options.subject).sort_values("_PLACE", kind="stable")[LOSS].to_numpy(copy=True)
    unknown = lit.to_numpy() & (loss != loss)
    if unknown.sum() == lit.sum():
        return _Fitted(None, "no output of the devices is known, or it is hidden while the study is blinded"), []
    loss[~lit.to_numpy()], loss[unknown] = 0.0, 0.0
    words = "covariate loss of output (% of nominal) at the last session before the record, by the calibrations; 0 in arms without light"
    early = f" and in {int(unknown.sum())} records before any session" if unknown.any() else ""
    said = [f"{ADJUSTED.capitalize()}: {words}{early}."]
    return _fit(used.assign(**{LOSS: loss}), options, group, [LOSS]), said
