"""Time to an event by arm."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from nirls.methods._groups import denominators
from nirls.methods._linear import arms_and_reference, facts
from nirls.methods.describe import require
from nirls.methods.registry import AnalysisData, MethodResult, method
from nirls.plan.base import Id, PlanModel

if TYPE_CHECKING:
    import pandas as pd

    from nirls.plan.analysis import Analysis
    from nirls.plan.load import Plan

PERMUTED = "log-rank, permutation"
QUARTILES = {"first quarter": 0.25, "median": 0.5, "third quarter": 0.75}
SURVIVAL, QUANTILE, MEAN, RATIO, TEST, PROPORTIONAL, DISCRETE, INCIDENCE = (
    "event-free", "quantile", "restricted mean", "hazard ratio", "log-rank", "proportional hazards", "hazard ratio, visits", "incidence",
)  # fmt: skip


class TimeToEventOptions(PlanModel):
    """Options of `time_to_event`."""

    landmarks: list[float] = Field(description="Times at which the share without the event is given, in the unit of AVAL.", min_length=1)
    risk_times: list[float] = Field(description="Times at which the number at risk is given, under the curves.", min_length=1)
    tau: float | None = Field(
        None, description="Horizon of the restricted mean; default: the smallest of the arms' longest follow-up.", gt=0
    )
    strata: list[Id] = Field([], description="Strata of the log-rank test, Cox's model and the test of proportional hazards.")
    ties: Literal["efron", "breslow"] = Field("efron", description="Rule for ties of Cox's model.")
    interval: Literal["log-log", "log", "plain"] = Field(
        "log-log", description="Transformation of the pointwise limits: log-log as SAS, log as R."
    )
    transform: Literal["km", "identity"] = Field("km", description="Function of time in the test of proportional hazards.")
    draws: int = Field(
        20_000, description="Permutations of the log-rank test where an arm has no event, so that χ² is too rough.", ge=1000, le=1_000_000
    )
    seed: int = Field(1, description="Seed of the permutations.", ge=0)
    reference: str | None = Field(None, description="Arm the others are compared with; default: the study's reference.")
    level: float = Field(0.95, description="Confidence level.", gt=0.5, lt=1)

    def cross_check(self, spec: Analysis, plan: Plan) -> Iterator[str]:
        """The data set is ADTTE."""
        if spec.dataset != "ADTTE":
            yield f"the data set must be ADTTE, not {spec.dataset}"


@method("time_to_event", options=TimeToEventOptions, outcome="time")
def time_to_event(data: AnalysisData, options: TimeToEventOptions) -> MethodResult:
    """Kaplan–Meier, log-rank test, Cox and discrete-time hazard ratios, restricted means and cumulative incidence by arm."""
    import numpy as np

    from nirls.ard.build import row
    from nirls.errors import ConfigError, DataError

    frame = data.frame
    require(frame, ["AVAL", "CNSR", "APERIOD", "EVNTDESC", "CNSDTDSC", *options.strata], data.analysis_id)
    group, arms, reference = arms_and_reference(data, options.reference)
    if frame["PARAMCD"].nunique() > 1:
        raise ConfigError(f"analyses.yaml: {data.analysis_id}: the records have several PARAMCD; narrow `where` to one")
    early = frame[frame["AVAL"] < 0]
    if len(early):
        raise DataError(f"{data.analysis_id}: {len(early)} times are negative, the first of {early['USUBJID'].iloc[0]}: correct ADTTE")
    for name in options.strata:
        if frame[name].isna().any():
            who = frame.loc[frame[name].isna(), "USUBJID"].iloc[0]
            raise DataError(
                f"{data.analysis_id}: the stratum {name} is missing, the first of {who}: supply it, or leave it out of `strata`"
            )
    found = denominators(data, total=False)
    curves, longest = {}, []
    for arm in arms:
        own = frame[frame[group] == arm]
        if len(own):
            longest.append(float(own["AVAL"].max()))
        curves[arm] = own
    tau = options.tau if options.tau is not None else min(longest, default=float("nan"))
    for arm, own in curves.items():
        found += _arm(own, {"group1": group, "group1_level": arm}, tau, options)
    for arm in (a for a in arms if a != reference):
        key = {"group1": group, "group1_level": arm, "comparison": f"{arm} - {reference}"}
        found += _comparison(curves[arm], curves[reference], key, tau, options)

    left = data.adsl[~data.adsl["USUBJID"].isin(frame["USUBJID"])]
    for arm in arms:
        n = int((left[group] == arm).sum())
        found.append(
            row("n", n, variable="exclusion", variable_level="Not at risk by the rule of the time", group1=group, group1_level=arm)
        )
        found.append(row("n_subjects", int((frame[group] == arm).sum()), variable="model", group1=group, group1_level=arm))
    found += [row("n_subjects", len(frame), variable="model"), row("n_excluded", len(left), variable="model")]
    found.append(row("conf_level", options.level, variable="model"))
    labels = [str(data.plan.study.strata[s].label) if s in data.plan.study.strata else s for s in options.strata]
    stratified = f", stratified by {', '.join(labels)}" if labels else ""
    texts = {
        "interval": f"survival and quantiles: {options.interval} transformation with Greenwood's standard error",
        "ties": {"efron": "Efron", "breslow": "Breslow"}[options.ties],
        "cox": f"Cox's model of the two arms{stratified}; ties by {options.ties.capitalize()}; Wald",
        "logrank": f"log-rank test of the two arms{stratified}; where an arm has no event also over {options.draws:,} permutations",
        "ph": f"Grambsch–Therneau test, {'1 − Kaplan–Meier' if options.transform == 'km' else 'time'}",
        "discrete": "binomial regression with complementary log-log link over visits, not stratified",
        "mean": f"restricted mean to {tau:.1f} weeks" if np.isfinite(tau) else "",
        "incidence": "Aalen–Johansen, the competing event apart; log-log limits",
    }
    footnotes = (
        "A competing event ends the time: the curve and the hazard ratios take it as censored (a hazard of relapse while it has not "
        "happened), the cumulative incidence does not.",
    )
    return MethodResult(rows=found + facts(texts), footnotes=footnotes)


def _missing(name: str, reason: str, **key: str) -> list[dict[str, Any]]:
    from nirls.ard.build import row

    return [row(name, None, error=reason, **key)]


def _arm(own: pd.DataFrame, key: dict[str, str], tau: float, options: TimeToEventOptions) -> list[dict[str, Any]]:
    import numpy as np

    from nirls.ard.build import row
    from nirls.stats.survival import cumulative_incidence, kaplan_meier

    event, cause = (own["CNSR"] == 0).astype(int), own["CNSR"].map({0.0: 1, 1.0: 0, 2.0: 2}).astype(int)
    found = [row("n", len(own), variable="at risk", **key), row("n_events", int(event.sum()), variable="at risk", **key)]
    for which, column, variable in ((0, "EVNTDESC", "event type"), (2, "EVNTDESC", "competing event"), (1, "CNSDTDSC", "censored")):
        for level, n in own.loc[own["CNSR"] == which, column].value_counts().sort_index().items():
            found.append(row("n", int(n), variable=variable, variable_level=str(level), **key))
    if own.empty:
        reason = "no subject of this arm is at risk"
        found += [r for level in QUARTILES for r in _missing("estimate", reason, variable=QUANTILE, variable_level=level, **key)]
        found += [r for t in options.landmarks for r in _missing("probability", reason, variable=SURVIVAL, variable_level=f"{t:g}", **key)]
        return found + _missing("estimate", reason, variable=MEAN, **key)
    km = kaplan_meier(own["AVAL"], event)
    for level, p in QUARTILES.items():
        values = dict(zip(("estimate", "conf_low", "conf_high"), km.quantile(p, options.level, options.interval), strict=True))
        for name, value in values.items():
            known = value == value
            found.append(
                row(name, value if known else None, error="" if known else "not reached", variable=QUANTILE, variable_level=level, **key)
            )
    at = km.at(options.landmarks, options.level, options.interval)
    incidence = cumulative_incidence(own["AVAL"], cause).at(options.landmarks, options.level)
    names = {"probability": "survival", "std_error": "std_error", "conf_low": "conf_low", "conf_high": "conf_high"}
    for i, when in enumerate(options.landmarks):
        level = {"variable_level": f"{when:g}"}
        for name, source in names.items():
            value = float(at[source][i])
            error = "" if value == value else ("beyond the longest follow-up" if np.isnan(at["survival"][i]) else "nobody is left")
            found.append(row(name, value if not error else None, error=error, variable=SURVIVAL, **level, **key))
        for name, source in (names | {"probability": "estimate"}).items():
            value = float(incidence[source][i])
            error = "" if value == value else "beyond the longest follow-up"
            found.append(row(name, value if not error else None, error=error, variable=INCIDENCE, **level, **key))
    try:
        mean = km.restricted_mean(tau)
        half = _z(options.level) * mean.std_error
        values = {
            "estimate": mean.estimate,
            "std_error": mean.std_error,
            "conf_low": mean.estimate - half,
            "conf_high": mean.estimate + half,
        }
        found += [row(n, v, variable=MEAN, **key) for n, v in values.items()]
    except ValueError as error:
        found += _missing("estimate", str(error), variable=MEAN, **key)
    for t, n in zip(options.risk_times, km.at_risk(options.risk_times), strict=True):
        found.append(row("n", int(n), variable="risk", variable_level=f"{t:g}", **key))
    for t, s, d, c in zip(km.time, km.survival, km.n_event, km.n_censored, strict=True):
        level = {"variable": "curve", "variable_level": f"{t:.6g}"}
        found.append(row("probability", float(s), **level, **key))
        found += [row("n_events", int(d), **level, **key)] if d else []
        found += [row("n_censored", int(c), **level, **key)] if c else []
    return found


def _z(level: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(0.5 + level / 2))


def _comparison(
    own: pd.DataFrame, against: pd.DataFrame, key: dict[str, str], tau: float, options: TimeToEventOptions
) -> list[dict[str, Any]]:
    import zlib

    import numpy as np
    import pandas as pd

    from nirls.ard.build import row
    from nirls.errors import MethodError
    from nirls.models.hazards import cox, discrete
    from nirls.stats.survival import kaplan_meier, logrank, permutation_p, proportional_hazards

    if own.empty or against.empty:
        reason = "no subject of one of the arms is at risk"
        return [r for v in (RATIO, DISCRETE, MEAN) for r in _missing("estimate", reason, variable=v, **key)] + _missing(
            "p_value", reason, variable=TEST, **key
        )
    both = pd.concat([own, against])
    time, event = both["AVAL"].to_numpy(float), (both["CNSR"] == 0).to_numpy(int)
    treated = np.repeat([1, 0], [len(own), len(against)])
    strata = both[options.strata].astype("str").agg("|".join, axis=1).to_numpy() if options.strata else None
    found = []
    test = logrank(time, event, treated, strata)
    if test.statistic == test.statistic:
        found += [row("statistic", test.statistic, variable=TEST, **key), row("p_value", test.p_value, variable=TEST, **key)]
        if not all(event[treated == x].any() for x in (0, 1)):
            seed = [options.seed, zlib.crc32(key["comparison"].encode())]
            p = permutation_p(time, event, treated, strata, draws=options.draws, seed=seed)
            found.append(row("p_value", p, variable=PERMUTED, **key))
    else:
        found += _missing("p_value", "no event while both arms are at risk", variable=TEST, **key)
    try:
        ratio = cox(time, event, treated, strata, ties=options.ties)
        low, high = ratio.ci(options.level)
        values = {
            "coefficient": ratio.log_ratio, "std_error": ratio.std_error, "estimate": float(np.exp(ratio.log_ratio)), "conf_low": low,
            "conf_high": high, "p_value": ratio.p_value,
        }  # fmt: skip
        found += [row(n, v, variable=RATIO, **key) for n, v in values.items()]
        ph = proportional_hazards(time, event, treated, [ratio.log_ratio], strata, transform=options.transform, ties=options.ties)
        if ph.statistic == ph.statistic:
            found += [
                row("statistic", ph.statistic, variable=PROPORTIONAL, **key),
                row("p_value", ph.p_value, variable=PROPORTIONAL, **key),
            ]
        else:
            found += _missing("p_value", "events at one time only", variable=PROPORTIONAL, **key)
    except MethodError as error:
        found += _missing("estimate", str(error), variable=RATIO, **key) + _missing("p_value", str(error), variable=PROPORTIONAL, **key)
    try:
        ratio = discrete(both["APERIOD"].to_numpy(int), event, treated)
        low, high = ratio.ci(options.level)
        values = {"estimate": float(np.exp(ratio.log_ratio)), "conf_low": low, "conf_high": high, "p_value": ratio.p_value}
        found += [row(n, v, variable=DISCRETE, **key) for n, v in values.items()]
    except MethodError as error:
        found += _missing("estimate", str(error), variable=DISCRETE, **key)
    try:
        a, b = (kaplan_meier(d["AVAL"], (d["CNSR"] == 0).astype(int)).restricted_mean(tau) for d in (own, against))
    except ValueError as error:
        return found + _missing("estimate", str(error), variable=MEAN, **key)
    difference, se = a.estimate - b.estimate, float(np.hypot(a.std_error, b.std_error))
    if se == 0.0:
        return found + _missing("estimate", "no event in either arm", variable=MEAN, **key)
    from scipy.special import ndtr

    half, p = _z(options.level) * se, float(2 * ndtr(-abs(difference / se)))
    values = {"estimate": difference, "std_error": se, "conf_low": difference - half, "conf_high": difference + half, "p_value": p}
    return found + [row(n, v, variable=MEAN, **key) for n, v in values.items()]
