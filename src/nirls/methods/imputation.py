"""Sensitivity to missing data: imputation under MAR and reference-based strategies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from nirls.methods._groups import TOTAL, denominators
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
from nirls.methods._linear import DIFFERENCE, LSMEAN, MARGINS, estimates, exclusions, facts
from nirls.methods._retrieved import TOO_FEW, shifts_of, with_shifts
from nirls.methods.registry import AnalysisData, MethodResult, method
from nirls.plan.base import Id
from nirls.plan.check import unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from nirls.methods._retrieved import Shifts
    from nirls.plan.analysis import Analysis
    from nirls.plan.load import Plan
    from nirls.stats.imputation.pool import Pooled
    from nirls.stats.imputation.run import Answer, Question, Source

BY_EVENT = "BY EVENT"
RETRIEVED = "RETRIEVED"
REPEATED, ANCHORED = "repeated sampling", "information-anchored"
ACCURATE = 0.05
"""Largest Monte-Carlo error, as a share of the standard error."""


class ImputationOptions(ImputingOptions):
    """Options of `imputation`."""

    strategies: list[Strategy] = Field(
        ["MAR", "J2R", "CR", "CIR", "LMCF"], description="Strategies, each applied to every event and reported on its own.", min_length=1
    )
    by_event: dict[Id, Strategy] = Field(
        default_factory=dict,
        description="Intercurrent event that ends treatment → strategy, for one more set of results named BY EVENT; "
        "an event not named, or not recorded, has `otherwise`.",
    )
    otherwise: Strategy = Field("MAR", description="Strategy of events that `by_event` does not name.")
    retrieved_dropout: bool = Field(
        False,
        description="One more set of results named RETRIEVED: values missing after an event are imputed from values observed after one, "
        "by a shift of the mean after the event in each arm.",
    )
    retrieved_min: int = Field(
        10,
        description="Subjects with values after an event that an arm needs for a shift of its own; arms with fewer share one (the "
        "reference arm apart from the others, if it can), and with fewer in all the missing values have the strategy J2R.",
        ge=1,
    )
    visits: list[str] | None = Field(None, description="Visits to report; none for all.")
    delta: float = Field(
        0.0, description="Points by which imputed values of `delta_arms` are taken to be worse, whatever the direction of the scale.", ge=0
    )
    delta_arms: list[str] | None = Field(None, description="Arms that get δ; none for all but the reference.")
    margins: Literal["equal", "observed"] = Field("equal", description="Weights of the levels of other factors in LS means.")

    def reference_based(self) -> list[str]:
        """Strategies other than MAR that are asked for."""
        found = [*self.strategies, *self.by_event.values(), *([RETRIEVED] if self.retrieved_dropout else [])]
        return [s for s in dict.fromkeys(found) if s != "MAR"]

    def cross_check(self, entry: Analysis, plan: Plan) -> Iterator[str]:
        """The events of `by_event` are events of the study that end treatment."""
        yield from super().cross_check(entry, plan)
        rules = plan.study.intercurrent_events
        for code in self.by_event:
            if code not in rules:
                yield f"by_event: {unknown('intercurrent event', code, rules)}"
            elif not rules[code].ends_treatment:
                yield f"by_event: {code} does not end treatment, so that no strategy of imputation follows from it"


@method("imputation", options=ImputationOptions, reads=("instruments",), outcome="repeated mean")
def imputation(data: AnalysisData, options: ImputationOptions) -> MethodResult:
    """LS means and differences after imputation under each strategy, with repeated-sampling and information-anchored variance."""
    import numpy as np

    from nirls.ard.build import row
    from nirls.errors import MethodError
    from nirls.stats.imputation.delta import added

    trial = trial_of(data, options, options.margins)
    visits = _chosen(data, trial, options)
    shift = np.zeros(len(trial.subjects), dtype=bool)
    if options.delta:
        shift = trial.subjects[trial.group].isin(_delta_arms(data, trial, options.delta_arms)).to_numpy()
    units = [added(trial.layout, shift, intermittent=options.delta_intermittent)]
    amount = options.delta * worse(data)

    places = [(trial.visits.index(v), k) for v in visits for k in range(len(trial.arms), 2 * len(trial.arms) - 1)]
    found = denominators(data, total=False) + imputed_rows(trial)
    footnotes: list[str] = []
    sources: dict[bytes, Source] = {}  # strategies that keep the same values share their model and what is drawn from it
    plain = trial
    for name, strategy, shifts in _strategies(trial, options):
        failure, answers = "", {}
        trial = plain if shifts is None else with_shifts(plain, shifts)
        if name == RETRIEVED:
            footnotes.append(shifts.words if shifts is not None else TOO_FEW.format(options.retrieved_min))
        try:
            key = (strategy != "MAR").tobytes() + (b"" if shifts is None else b"shifts")
            if key not in sources:
                sources[key] = source_of(data, trial, options, strategy)
            answers = answers_of(options, question_of(trial, options, strategy, units), sources[key], places, amount)
        except MethodError as error:
            failure = str(error)
            footnotes.append(f"{name} could not be estimated: {failure}.")
        for variance in asked(options):
            answer = answers.get(variance)
            found += _rows(trial, options, name, variance, answer.at(amount) if answer else None, failure, visits)
            if answer is not None:
                where = {"variable": "model", "group2": "STRATEGY", "group2_level": name, "group3": "VARIANCE", "group3_level": variance}
                found += [row("n_draws", answer.draws, **where), row("n_redrawn", answer.redrawn, **where)]
                share = _inaccuracy(answer, places, amount)
                if share > ACCURATE:
                    footnotes.append(
                        f"{name}, {variance}: after {answer.draws} draws the Monte-Carlo error is still {100 * share:.1f}% "
                        "of a standard error."
                    )
    found += exclusions(
        data, subject=options.subject, response=options.response, group=trial.group, baseline="BASE", covariates=options.covariates,
        absent="No post-baseline value",
    )  # fmt: skip
    found.append(row("n_obs", int((~trial.layout.missing).sum()), variable="model"))
    found.append(row("conf_level", options.level, variable="model"))
    if options.delta:
        found.append(row("delta", amount, variable="model"))
    return MethodResult(rows=found + facts(_facts(options, plain, sources)), footnotes=tuple(footnotes))


def worse(data: AnalysisData) -> float:
    """+1 where higher values are worse, −1 where they are better.

    Raises
    ------
    ConfigError
        If the parameter is of no instrument, so that nothing says which direction is worse.
    """
    from nirls.errors import ConfigError

    codes = [str(c) for c in data.frame["PARAMCD"].unique()]
    for instrument in data.plan.instruments.values():
        if len(codes) == 1 and codes[0] in instrument.scores:
            return 1.0 if instrument.direction == "lower_better" else -1.0
    raise ConfigError(
        f"analyses.yaml: {data.analysis_id}: a delta needs one parameter of an instrument with a direction; "
        f"the records have {', '.join(codes)}"
    )


def imputed_rows(trial: Trial) -> list[dict[str, Any]]:
    """Imputed values by arm, visit and reason; events by arm, visit and reason; patterns of missing visits by arm."""
    import numpy as np

    from nirls.ard.build import row

    found, layout = [], trial.layout
    arm = trial.subjects[trial.group].astype(str).to_numpy()
    reasons = trial.imputed_reasons()
    texts = sorted(set(reasons.ravel()) - {""})
    for a in [*trial.arms, TOTAL]:
        members = np.ones(len(arm), dtype=bool) if a == TOTAL else arm == a
        key = {"group1": trial.group, "group1_level": a}
        for v, visit in enumerate(trial.visits):
            found.append(row("n_missing", int(layout.missing[members, v].sum()), variable="imputed", visit=visit, **key))
            for text in texts:
                n = int((reasons[members, v] == text).sum())
                found.append(row("n", n, variable="imputed", variable_level=text, visit=visit, **key))
            for text in sorted(set(trial.reason) - {""}):
                n = int((members & (layout.event == v) & (trial.reason == text)).sum())
                found.append(row("n", n, variable="event", variable_level=text, visit=visit, **key))
        patterns = np.array(["".join("x" if m else "o" for m in line) for line in layout.missing])
        for text in sorted(set(patterns), key=lambda p: (p.count("x"), p[::-1])):
            found.append(row("n", int((members & (patterns == text)).sum()), variable="pattern", variable_level=text, **key))
    return found


def _chosen(data: AnalysisData, trial: Trial, options: ImputationOptions) -> list[str]:
    from nirls.errors import ConfigError

    strange = [v for v in options.visits or [] if v not in trial.visits]
    if strange:
        raise ConfigError(
            f"analyses.yaml: {data.analysis_id}: options.visits: {', '.join(strange)} not among the visits ({', '.join(trial.visits)})"
        )
    return trial.visits if options.visits is None else [v for v in trial.visits if v in options.visits]


def _delta_arms(data: AnalysisData, trial: Trial, arms: list[str] | None) -> list[str]:
    from nirls.errors import ConfigError

    strange = [a for a in arms or [] if a not in trial.arms]
    if strange:
        raise ConfigError(
            f"analyses.yaml: {data.analysis_id}: options.delta_arms: {', '.join(strange)} not among the arms ({', '.join(trial.arms)})"
        )
    return [a for a in trial.arms if a != trial.reference] if arms is None else arms


def _strategies(trial: Trial, options: ImputationOptions) -> list[tuple[str, np.ndarray, Shifts | None]]:
    """Name, strategy of each subject, and shifts after the event that the model of the retrieved has."""
    import numpy as np

    n = len(trial.subjects)
    found: list[tuple[str, np.ndarray, Shifts | None]] = [
        (str(s), np.full(n, s, dtype="U4"), None) for s in dict.fromkeys(options.strategies)
    ]
    if options.by_event:
        found.append((BY_EVENT, np.array([options.by_event.get(e, options.otherwise) for e in trial.event], dtype="U4"), None))
    if options.retrieved_dropout:
        shifts = shifts_of(trial, options.retrieved_min)
        found.append((RETRIEVED, np.full(n, "J2R" if shifts is None else "MAR", dtype="U4"), shifts))
    return [(name, np.where(trial.as_if_not, "MAR", strategy), shifts) for name, strategy, shifts in found]


def asked(options: ImputingOptions) -> list[str]:
    asked = {REPEATED: options.repeated_sampling, ANCHORED: options.information_anchored}
    return [name for name, how in asked.items() if how != "none"]


def answers_of(
    options: ImputingOptions, question: Question, source: Source, places: list[tuple[int, int]], *delta: float
) -> dict[str, Answer]:
    """The analyses behind each variance; imputations are doubled until those at `places` (visit, row) are accurate at δ."""
    from nirls.stats.imputation.run import information_anchored, repeated_sampling

    delta = delta or (0.0,) * len(question.units)
    found = {}
    if options.repeated_sampling != "none":
        found[REPEATED] = repeated_sampling(question, source, options.repeated_sampling, options.draws)
    if options.information_anchored != "none":
        how = options.information_anchored
        answer = information_anchored(question, source, how, range(options.draws))
        while _inaccuracy(answer, places, *delta) > ACCURATE and answer.draws < options.max_draws:
            more = range(answer.draws, min(2 * answer.draws, options.max_draws))
            answer = information_anchored(question, source, how, more, before=answer)
        found[ANCHORED] = answer
    return found


def question_of(trial: Trial, options: ImputingOptions, strategy: np.ndarray, units: list[np.ndarray]) -> Question:
    """The question of the numerical core."""
    import numpy as np

    from nirls.stats.imputation.run import Question

    anchor = np.zeros(len(trial.subjects)) if options.lmcf_at_first_visit == "no_change" else None
    return Question(
        layout=trial.layout, strategy=strategy, design=trial.design, rows=trial.rows, units=units, kind=options.delta_kind, anchor=anchor
    )  # fmt: skip


def _inaccuracy(answer: Answer, places: list[tuple[int, int]], *delta: float) -> float:
    """The largest Monte-Carlo error at `places`, as a share of the standard errors."""
    pooled = answer.at(*delta)
    return float(max(pooled.mc_error[p] / pooled.std_error[p] for p in places))


def _rows(
    trial: Trial, options: ImputationOptions, name: str, variance: str, pooled: Pooled | None, failure: str, visits: list[str]
) -> list[dict[str, Any]]:
    """LS means, then differences, of one strategy and variance."""
    from nirls.ard.build import row

    found: list[dict[str, Any]] = []
    where = {"variable": options.response, "group1": trial.group, "group2": "STRATEGY", "group2_level": name}
    where |= {"group3": "VARIANCE", "group3_level": variance}
    others = [a for a in trial.arms if a != trial.reference]
    low, high = pooled.tests.ci(options.level) if pooled is not None else (None, None)
    for visit in visits:
        v = trial.visits.index(visit)
        for k, arm in enumerate([*trial.arms, *others]):
            mean = k < len(trial.arms)
            key = {**where, "visit": visit, "group1_level": arm} | ({} if mean else {"comparison": f"{arm} - {trial.reference}"})
            values = None
            if pooled is not None and low is not None and high is not None:
                tests = pooled.tests
                values = {"lsmean": pooled.estimate[v, k], "estimate": pooled.estimate[v, k], "std_error": pooled.std_error[v, k]}
                values |= {"conf_low": low[v, k], "conf_high": high[v, k], "df": pooled.df[v, k]}
                values |= {"statistic": tests.statistic[v, k], "p_value": tests.p_value[v, k]}
            found += estimates(LSMEAN if mean else DIFFERENCE, values, failure, **key)
            if pooled is not None and not mean and variance == ANCHORED:
                found.append(row("mc_error", pooled.mc_error[v, k], **key))
                found.append(row("missing_information", pooled.missing_information[v, k], **key))
    return normal_df(found)


def normal_df(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows in which infinite degrees of freedom are the word "normal"."""
    import math

    return [r | {"stat": None, "stat_text": "normal"} if r["stat"] is not None and math.isinf(r["stat"]) else r for r in found]


def _facts(options: ImputationOptions, trial: Trial, sources: dict[bytes, Source]) -> dict[str, str]:
    return {
        "formula": f"analysis at each visit: {trial.analysis}; imputation: {trial.formula}",
        "covariance": "; ".join(dict.fromkeys(source.fit.working.structure.label for source in sources.values())),
        "variance": "; ".join(
            t
            for t in (
                f"repeated sampling: {REPEATED_WORDS[options.repeated_sampling]}" if options.repeated_sampling != "none" else "",
                f"information-anchored: {ANCHORED_WORDS[options.information_anchored]}" if options.information_anchored != "none" else "",
            )
            if t
        ),
        "ddf": "normal reference for repeated sampling, Barnard–Rubin for information-anchored",
        "weights": MARGINS[options.margins],
        "reml": "REML",
        "event": event_words(),
        "delta": f"{options.delta:g} points worse, {options.delta_kind}, values missing before the event "
        f"{'included' if options.delta_intermittent else 'not included'}"
        if options.delta
        else "",
    }
