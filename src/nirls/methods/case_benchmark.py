"""Published cases, and series of them, against what sham and light did in this trial, what placebo did elsewhere, and chance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from nirls.methods._groups import denominators
from nirls.methods._linear import arms_and_reference, exclusions, facts, one_visit
from nirls.methods._responses import NOISE
from nirls.methods.describe import require
from nirls.methods.registry import AnalysisData, MethodResult, method
from nirls.plan.base import Id, PlanModel

if TYPE_CHECKING:
    import pandas as pd

    from nirls.cases import Case
    from nirls.plan.analysis import Analysis
    from nirls.plan.load import Plan

AS_CASE = "as the case"
CASE = "CASE"
OBSERVED, ALIKE = "observed", "observed, baseline as bad"


class PublishedChange(PlanModel):
    """A published change without the treatment."""

    label: str = Field(description="Name in displays.")
    mean: float = Field(description="Mean change.")
    sd: float = Field(description="Standard deviation of the change.", gt=0)
    source: str = Field(description="Citation, and where the standard deviation is from.")


class Reached(PlanModel):
    """What counts: a value at least this good, or an improvement by at least this share of the baseline."""

    label: str = Field(description="Name in displays.")
    value: float | None = Field(None, description="Value at the visit.")
    percent: float | None = Field(None, description="Improvement from baseline, per cent.", gt=0, le=100)

    @model_validator(mode="after")
    def _one(self) -> Reached:
        if (self.value is None) == (self.percent is None):
            raise ValueError("give either `value` or `percent`")
        return self

    def by(self, baseline: pd.Series, value: pd.Series, better: int) -> pd.Series:
        """Who reached it; a baseline of 0 cannot improve by a share."""
        if self.value is not None:
            return better * (value - self.value) >= -NOISE
        assert self.percent is not None
        return (baseline != 0) & (100 * better * (value - baseline) - self.percent * baseline.abs() >= -NOISE)


class PublishedSeries(PlanModel):
    """A series of treated cases of which a paper gives means alone."""

    label: str = Field(description="Name in displays.")
    n: int = Field(description="Number of cases.", ge=2)
    baseline: float = Field(description="Mean before treatment.")
    value: float = Field(description="Mean at the week that is compared.")
    source: str = Field(description="Citation.")


class CaseBenchmarkOptions(PlanModel):
    """Options of `case_benchmark`."""

    cases: str = Field(description="File of published cases, relative to the repository.")
    case: list[str] = Field(
        default_factory=list, description="Ids of the cases; none for all of the file. Two or more are a series as well, in this order."
    )
    series: list[PublishedSeries] = Field(default_factory=list, description="Series of which only means are published.")
    week: float = Field(description="Week of the cases' values that are compared.")
    visit: str = Field(description="Visit of this trial it is compared with.")
    screening: str | None = Field(None, description="Visit before the baseline, for regression to the mean; none leaves it out.")
    baseline_visit: str = Field("Baseline", description="Visit of the baseline, with `screening`.")
    param: Id = Field("IRLSTOT", description="Score of an instrument: its range and direction.")
    reference: str | None = Field(None, description="Sham arm; default: the study's reference.")
    published: list[PublishedChange] = Field(default_factory=list, description="Published changes without the treatment.")
    reached: dict[str, Reached] = Field(default_factory=dict, description="Name → what counts, for shares of each arm.")
    best_of: list[int] = Field([10, 100, 1000], description="Numbers of patients of whom the best is reported.")
    thresholds: list[float] = Field(
        default_factory=list,
        description="Values from which on patients are selected, for regression to the mean; the baselines of the cases are added.",
    )
    continuity: float = Field(
        0.0, description="Added to the observed value on its worse side in predicted chances (0.5 for whole numbers).", ge=0
    )
    level: float = Field(0.95, description="Confidence level.", gt=0.5, lt=1)

    def cross_check(self, spec: Analysis, plan: Plan) -> Iterator[str]:
        """The visits exist; no case and no series is named twice."""
        from nirls.plan.check import unknown

        visits = [v.name for v in plan.study.visits]
        for name in (self.visit, *([self.screening, self.baseline_visit] if self.screening else [])):
            if name not in visits:
                yield unknown("visit", name, visits)
        for place, names in (("case", self.case), ("series", [s.label for s in self.series])):
            twice = [n for n in dict.fromkeys(names) if names.count(n) > 1]
            if twice:
                yield f"{place}: {', '.join(twice)} is named twice; name it once"


@method("case_benchmark", options=CaseBenchmarkOptions, reads=("instruments",))
def case_benchmark(data: AnalysisData, options: CaseBenchmarkOptions) -> MethodResult:
    """Chance under sham of changes of cases and series (observed, predicted, published), best of many, shares, regression to the mean."""
    from nirls.ard.build import row
    from nirls.errors import ConfigError
    from nirls.methods._case_series import of_cases, of_means, series_rows
    from nirls.methods._cases import chosen_cases
    from nirls.methods._scales import scale_of

    require(data.frame, ["AVAL", "BASE", "AVISIT", "USUBJID", "PARAMCD"], data.analysis_id)
    scale, score = scale_of(data, options.param)
    better = -1 if scale.direction == "lower_better" else 1
    cases = chosen_cases(data, options.cases, options.case, score.range)
    pairs = {c.id: _pair(data, c, options.week) for c in cases}
    for published in options.series:
        for name, given in (("baseline", published.baseline), ("value", published.value)):
            if not score.range[0] <= given <= score.range[1]:
                raise ConfigError(
                    f"analyses.yaml: {data.analysis_id}: options: series: {published.label}: {name}: {given:g} is outside the scale of "
                    f"{options.param}, {score.range[0]:g} to {score.range[1]:g}; correct it"
                )
    group, arms, reference = arms_and_reference(data, options.reference)
    own = replace(data, frame=data.frame[data.frame["AVISIT"] == options.visit].reset_index(drop=True))
    if own.frame.empty:
        raise ConfigError(f"analyses.yaml: {data.analysis_id}: no selected record is of {options.visit!r}; correct `where` or `visit`")
    visit = one_visit(own, "AVISIT", "USUBJID")
    frame = own.frame[own.frame[["AVAL", "BASE"]].notna().all(axis=1)]
    frame = frame.assign(CHANGE_=frame["AVAL"] - frame["BASE"])
    sham = frame[frame[group] == reference]
    found = denominators(data, total=False)
    for case in cases:
        base, final = pairs[case.id]
        for name, value in (("baseline", base), ("value", final), ("change", final - base)):
            found.append(row("value", value, variable="case", variable_level=case.id, group2="AT", group2_level=name))
        found.append(row("week", options.week, variable="case", variable_level=case.id))
        found.append(row("text", None, stat_text=case.citation, variable="case", variable_level=case.id))
        found += _chances(sham, options, (base, final, final - base), better, visit, {"group3": CASE, "group3_level": case.id})
    found += _shares(frame, group, arms, options, {key: final - base for key, (base, final) in pairs.items()}, better, visit)
    gathered = [of_cases(list(pairs.values()))] if len(pairs) > 1 else []
    for one in [*gathered, *(of_means(s) for s in options.series)]:
        found += series_rows(one, sham, options, better, visit)
    for arm in arms:
        part = frame.loc[frame[group] == arm, "CHANGE_"]
        for level, value in {f"{value:.10g}": value for value in sorted(part)}.items():  # differences of decimals that are one value
            at = {"variable": "benchmark curve", "variable_level": level, "group1": group, "group1_level": arm, "visit": visit}
            found.append(row("p", 100 * float((better * (part - value) >= -NOISE).mean()), **at))
    if options.screening:
        found += _regression(data, options, [base for base, _ in pairs.values()], better)
    found += exclusions(
        own, subject="USUBJID", response="AVAL", group=group, baseline="BASE", covariates=["BASE"], absent=f"No value at {visit}"
    )
    found += [row("n_obs", len(frame), variable="model"), row("conf_level", options.level, variable="model")]
    texts = {
        "direction": scale.direction, "reference": reference, "at": visit,
        "best_of": ", ".join(str(m) for m in options.best_of), "continuity": f"{options.continuity:g}" if options.continuity else "",
        "screening": options.screening or "", "baseline_visit": options.baseline_visit,
    }  # fmt: skip
    return MethodResult(rows=found + facts(texts))


def _pair(data: AnalysisData, case: Case, week: float) -> tuple[float, float]:
    """The last value before treatment, and the one at `week`."""
    from nirls.errors import ConfigError

    before = case.phase("A")[1]
    if not before or week not in case.weeks:
        lacks = f"no value at week {week:g}" if before else "no value before treatment"
        raise ConfigError(
            f"analyses.yaml: {data.analysis_id}: options: {case.id} has {lacks}; its weeks are {', '.join(f'{w:g}' for w in case.weeks)}; "
            "correct `week`, or name the cases that have a value then under `case`"
        )
    return before[-1], case.values[case.weeks.index(week)]


def _chances(
    sham: pd.DataFrame, options: CaseBenchmarkOptions, case: tuple[float, float, float], better: int, visit: str, own: dict[str, str]
) -> list[dict[str, Any]]:
    """Chance of the case's change under sham: observed, predicted from the case's baseline, and from published changes."""
    from scipy import stats

    from nirls.ard.build import row, rows
    from nirls.errors import MethodError
    from nirls.stats.benchmark import best_of, exact_limits, expected_patients, predict

    base, final, change = case
    found: list[dict[str, Any]] = []

    def of_many(p: float | None, why: str, key: dict[str, str]) -> None:
        if p == 0:  # that none was seen does not make it impossible
            p, why = None, "no such case was seen"
        for m in options.best_of:
            best = None if p is None else best_of(p, m)
            found.append(row("probability", best, error=why, group2="BEST OF", group2_level=str(m), **key))
        found.append(row("patients", None if p is None else expected_patients(p), error=why, **key))

    # only those with a baseline as bad as the case's can change as much on a scale with an end
    alike = sham[better * (sham["BASE"] - base) <= NOISE]
    for name, part in ((OBSERVED, sham), (ALIKE, alike)):
        key = {"variable": "benchmark", "variable_level": name, "visit": visit, **own}
        events, n = int((better * (part["CHANGE_"] - change) >= -NOISE).sum()), len(part)
        try:
            low, high = exact_limits(events, n, options.level)
        except MethodError as error:
            found += [row(s, None, error=str(error), **key) for s in ("n_events", "n", "probability", "conf_low", "conf_high")]
            of_many(None, str(error), key)
            continue
        found += rows({"n_events": events, "n": n, "probability": events / n, "conf_low": low, "conf_high": high}, **key)
        of_many(events / n, "", key)
        found.append(row("patients", expected_patients(high), group2="LIMIT", group2_level="upper limit of the share", **key))
    key = {"variable": "benchmark", "variable_level": "predicted", "visit": visit, **own}
    names = ("mean", "sd", "df", "conf_low", "conf_high", "probability")
    try:
        ahead = predict(sham["BASE"].to_numpy(float), sham["AVAL"].to_numpy(float), base)
        p = ahead.chance(final - better * options.continuity, better)
        found += rows(dict(zip(names, (ahead.mean, ahead.scale, ahead.df, *ahead.interval(options.level), p), strict=True)), **key)
        of_many(p, "", key)
    except MethodError as error:
        found += [row(s, None, error=str(error), **key) for s in names]
        of_many(None, str(error), key)
    for one in options.published:
        key = {"variable": "benchmark", "variable_level": one.label, "visit": visit, **own}
        z = better * (change - better * options.continuity - one.mean) / one.sd
        p = float(stats.norm.sf(z))
        found += rows({"mean": one.mean, "sd": one.sd, "probability": p}, **key)
        found.append(row("text", None, stat_text=one.source, group2="TEXT", group2_level="source", **key))
        of_many(p, "", key)
    return found


def _shares(
    frame: pd.DataFrame, group: str, arms: list[str], options: CaseBenchmarkOptions, changes: dict[str, float], better: int, visit: str
) -> list[dict[str, Any]]:
    """Per arm, subjects who reached what counts, with exact limits; first a change at least as good as that of each case."""
    from nirls.ard.build import row, rows
    from nirls.errors import MethodError
    from nirls.stats.benchmark import exact_limits

    told = "Change at least as good as the case's" if len(changes) == 1 else "Change at least as good as that of {}"
    wanted = [
        (AS_CASE, told.format(key), better * (frame["CHANGE_"] - change) >= -NOISE, {"group3": CASE, "group3_level": key})
        for key, change in changes.items()
    ]
    wanted += [
        (name, what.label, what.by(frame["BASE"], frame["AVAL"], better), dict[str, str]()) for name, what in options.reached.items()
    ]
    found = []
    for name, label, yes, own in wanted:
        shared = {"variable": "benchmark", "variable_level": f"share: {name}", "visit": visit, **own}
        found.append(row("text", None, stat_text=label, **shared))
        for arm in arms:
            key = shared | {"group1": group, "group1_level": arm}
            here = frame[group] == arm
            events, n = int((yes & here).sum()), int(here.sum())
            try:
                low, high = exact_limits(events, n, options.level)
                found += rows({"n_events": events, "n": n, "p": 100 * events / n, "conf_low": 100 * low, "conf_high": 100 * high}, **key)
            except MethodError as error:
                found += rows({"n_events": 0, "n": 0}, **key)
                found += [row(s, None, error=str(error), **key) for s in ("p", "conf_low", "conf_high")]
    return found


def _regression(data: AnalysisData, options: CaseBenchmarkOptions, bases: list[float], better: int) -> list[dict[str, Any]]:
    """Expected change of patients selected for a bad value, from the two values before treatment, beside the one observed."""
    import numpy as np

    from nirls.ard.build import row, rows
    from nirls.errors import MethodError
    from nirls.stats.benchmark import regression_to_the_mean

    def at(visit: str | None) -> pd.Series:
        return data.frame[data.frame["AVISIT"] == visit].drop_duplicates("USUBJID").set_index("USUBJID")["AVAL"]

    both = at(options.screening).to_frame("FIRST").join(at(options.baseline_visit).rename("SECOND")).dropna()
    key = {"variable": "regression to the mean"}
    places = [(f"{c:g}", c) for c in dict.fromkeys([*options.thresholds, *bases])]
    if len(both) < 3 or both["FIRST"].nunique() < 2:
        why = f"{len(both)} subjects with a value at both {options.screening} and {options.baseline_visit} are too few"
        found = [row(s, None, error=why, **key) for s in ("mean", "sd", "correlation")] + [row("n", len(both), **key)]
        return found + [row("estimate", None, error=why, variable_level=name, **key) for name, _ in places]
    first, second = both["FIRST"].to_numpy(float), both["SECOND"].to_numpy(float)
    mean, sd, r = float(first.mean()), float(first.std(ddof=1)), float(np.corrcoef(first, second)[0, 1])
    found = rows({"n": len(both), "mean": mean, "sd": sd, "correlation": r}, **key)
    for name, c in places:
        chosen = better * (first - c) <= NOISE
        try:
            found.append(row("estimate", regression_to_the_mean(mean, sd, r, c, better), variable_level=name, **key))
        except MethodError as error:
            found.append(row("estimate", None, error=str(error), variable_level=name, **key))
        seen = float((second - first)[chosen].mean()) if chosen.any() else None
        found.append(row("n", int(chosen.sum()), variable_level=name, **key))
        found.append(row("mean", seen, error="" if chosen.any() else "no subject beyond this value", variable_level=name, **key))
    return found
