"""How much worse missing values would have to be for the conclusion to change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from nirls.methods._groups import denominators
from nirls.methods._imputation import (
    ANCHORED_WORDS,
    REPEATED_WORDS,
    ImputingOptions,
    Strategy,
    Trial,
    event_words,
    source_of,
    trial_of,
)
from nirls.methods._linear import DIFFERENCE, estimates, exclusions, facts
from nirls.methods.imputation import ANCHORED, REPEATED, answers_of, asked, imputed_rows, normal_df, question_of, worse
from nirls.methods.registry import AnalysisData, MethodResult, method

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nirls.plan.analysis import Analysis
    from nirls.plan.load import Plan
    from nirls.stats.imputation.run import Answer
    from nirls.stats.imputation.tipping import Tipping


class TippingPointOptions(ImputingOptions):
    """Options of `tipping_point`; δ is in points of worsening, whatever the direction of the scale."""

    arm: str = Field(description="Active arm of the comparison with the reference.")
    at: str = Field(description="Visit of the comparison.")
    strategy: Strategy = Field("MAR", description="Strategy that δ departs from.")
    active: tuple[float, float] = Field((0.0, 10.0), description="Grid of δ in the active arm, from and to.")
    comparator: tuple[float, float] = Field((-5.0, 5.0), description="Grid of δ in the reference arm, from and to.")
    step: float = Field(1.0, description="Distance of the nodes of the grid.", gt=0)
    reach: float = Field(20.0, description="How far from 0 the tipping point is sought.", gt=0)
    information_anchored: Literal["approximate_bayes", "bayes", "none"] = Field(
        "none", description="How draws for Rubin's rules are made; none shows the repeated-sampling variance alone."
    )

    def reference_based(self) -> list[str]:
        """The strategy, if it is another than MAR."""
        return [] if self.strategy == "MAR" else [self.strategy]

    def cross_check(self, entry: Analysis, plan: Plan) -> Iterator[str]:
        """The active arm is another than the reference arm."""
        yield from super().cross_check(entry, plan)
        if self.arm == (self.reference or plan.study.reference):
            yield f"arm: {self.arm!r} is the reference arm; name the active arm whose missing values are made worse"

    @model_validator(mode="after")
    def _grids_rise(self) -> TippingPointOptions:
        for name in ("active", "comparator"):
            low, high = getattr(self, name)
            if not low <= high:
                raise ValueError(f"{name}: {low:g} is more than {high:g}")
            if name == "active" and high < 0:
                raise ValueError(f"active: δ is in points of worsening, and the grid from {low:g} to {high:g} only makes values better")
            if (high - low) / self.step > 100:
                raise ValueError(f"{name}: more than 100 steps of {self.step:g}")
        return self


@method("tipping_point", options=TippingPointOptions, reads=("instruments",), outcome="repeated mean")
def tipping_point(data: AnalysisData, options: TippingPointOptions) -> MethodResult:
    """Estimates over a grid of δ in the active and the reference arm, and the δ at which significance is lost or gained."""
    import numpy as np

    from nirls.ard.build import row
    from nirls.errors import ConfigError, MethodError
    from nirls.stats.imputation.delta import added

    trial = trial_of(data, options)
    others = [a for a in trial.arms if a != trial.reference]
    for name, value, known in (("arm", options.arm, others), ("at", options.at, trial.visits)):
        if value not in known:
            raise ConfigError(f"analyses.yaml: {data.analysis_id}: options.{name}: {value!r} is not one of {', '.join(known)}")
    arm = trial.subjects[trial.group].astype(str).to_numpy()
    units = [added(trial.layout, arm == a, intermittent=options.delta_intermittent) for a in (options.arm, trial.reference)]
    sign = worse(data)
    place = (trial.visits.index(options.at), len(trial.arms) + others.index(options.arm))

    answers, failure = {}, ""
    try:
        strategy = np.where(trial.as_if_not, "MAR", options.strategy)
        source = source_of(data, trial, options, strategy)
        answers = answers_of(options, question_of(trial, options, strategy, units), source, [place])
    except MethodError as error:
        failure = str(error)
    found = denominators(data, total=False) + imputed_rows(trial)
    where = {"group1": trial.group, "group1_level": options.arm, "visit": options.at, "comparison": f"{options.arm} - {trial.reference}"}
    for variance in asked(options):
        answer = answers.get(variance)
        for a in _nodes(options.active, options.step):
            for r in _nodes(options.comparator, options.step):
                key = {**where, "variable": options.response, "variable_level": variance}
                key |= {"group2": "DELTA", "group2_level": f"{a:g}", "group3": f"DELTA {trial.reference}", "group3_level": f"{r:g}"}
                values = None if answer is None else _values(answer, sign * a, sign * r, place, options.level)
                found += normal_df(estimates(DIFFERENCE, values, failure, **key))
        key = {**where, "variable": "tipping", "variable_level": variance}
        if answer is None:
            found.append(row("delta", None, error=failure, **key))
        else:
            tipped = _tipped(answer, sign, place, options)
            text = "" if tipped.reached else f"not reached between 0 and {tipped.searched:g}"
            found.append(row("delta", tipped.delta if tipped.reached else None, stat_text=text, **key))
            found.append(row("n_draws", answer.draws, **key))
    found += exclusions(
        data, subject=options.subject, response=options.response, group=trial.group, baseline="BASE", covariates=options.covariates,
        absent="No post-baseline value",
    )  # fmt: skip
    found.append(row("conf_level", options.level, variable="model"))
    texts = _facts(options, trial) | ({"covariance": source.fit.working.structure.label} if not failure else {})
    return MethodResult(rows=found + facts(texts), footnotes=(f"The model could not be fitted: {failure}.",) if failure else ())


def _nodes(ends: tuple[float, float], step: float) -> list[float]:
    count = round((ends[1] - ends[0]) / step) + 1
    return [round(ends[0] + step * i, 10) + 0.0 for i in range(count)]


def _values(answer: Answer, active: float, comparator: float, place: tuple[int, int], level: float) -> dict[str, Any]:
    pooled = answer.at(active, comparator)
    tests, (low, high) = pooled.tests, pooled.tests.ci(level)
    return {
        "estimate": tests.estimate[place], "std_error": tests.std_error[place], "df": tests.df[place], "statistic": tests.statistic[place],
        "conf_low": low[place], "conf_high": high[place], "p_value": tests.p_value[place],
    }  # fmt: skip


def _tipped(answer: Answer, sign: float, place: tuple[int, int], options: TippingPointOptions) -> Tipping:
    """δ in the active arm alone at which the confidence limit towards no effect is 0."""
    from nirls.stats.imputation.tipping import tipping_point as sought

    def limit(delta: float) -> float:
        low, high = answer.at(sign * delta, 0.0).tests.ci(options.level)
        return float(-high[place] if sign > 0 else low[place])

    return sought(limit, options.reach)


def _facts(options: TippingPointOptions, trial: Trial) -> dict[str, str]:
    words = {REPEATED: REPEATED_WORDS.get(options.repeated_sampling), ANCHORED: ANCHORED_WORDS.get(options.information_anchored)}
    values = "included" if options.delta_intermittent else "not included"
    return {
        "formula": f"analysis at {options.at}: {trial.analysis}; imputation: {trial.formula}",
        "variance": "; ".join(f"{name}: {text}" for name, text in words.items() if text),
        "strategy": options.strategy,
        "delta": f"in points of worsening, {options.delta_kind}, added to imputed values from the event on; "
        f"values missing before it {values}",
        "event": event_words(),
    }
