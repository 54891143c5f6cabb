"""Dose finding: contrast tests, dose–response models and target doses (generalised MCP-Mod)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from nirls.methods._arm_means import ArmMeans, arm_means, mean_rows, visit_problems
from nirls.methods._dose_rows import Study, contrast_rows, curve_rows, fit_rows, target_rows, told
from nirls.methods._groups import denominators
from nirls.methods._linear import facts
from nirls.methods._mixed import Mixed, fit_mixed, model_rows
from nirls.methods.mmrm import MMRMOptions
from nirls.methods.registry import AnalysisData, MethodResult, method
from nirls.plan.base import PlanModel

if TYPE_CHECKING:
    import numpy as np

    from nirls.plan.analysis import Analysis
    from nirls.plan.load import Plan
    from nirls.stats.dose import ContrastTest

Model = Literal["linear", "linlog", "emax", "sigEmax", "exponential", "logistic", "quadratic", "betaMod", "logGauss", "doubleEmax"]
FEWEST = 3
"""Dose levels, with dose 0."""


class Candidate(PlanModel):
    """A dose–response shape that the contrast test looks for: a model and guessed values of its parameters."""

    model: Model = Field(description="Family of curves; formulas: docs/statistics/dose.md.")
    guess: dict[str, float] = Field(
        default_factory=dict,
        description="Parameter → guessed value, in the unit of dose where it is a dose: emax ed50; sigEmax ed50, h; exponential delta; "
        "logistic ed50, delta; quadratic delta (b2 / |b1|); betaMod delta1, delta2; logGauss peak, spread; doubleEmax ed1, ed2, ratio.",
    )
    label: str | None = Field(None, description="Name in displays; default: the model with its guess.")

    @property
    def name(self) -> str:
        """The label, or the model with its guess: "emax (ed50 9)"."""
        if self.label is not None:
            return self.label
        guess = ", ".join(f"{k} {v:g}" for k, v in self.guess.items())
        return f"{self.model} ({guess})" if guess else self.model


class MCPModOptions(MMRMOptions):
    """Options of `mcpmod`: those of `mmrm`, which gives the means, and those of dose finding."""

    at_visit: str = Field(description="Visit of the LS means.")
    dose_arms: list[str] = Field(
        description="Arms that differ in dose alone, one for each dose, with the arm of dose 0; doses are those of study.yaml.",
        min_length=FEWEST,
    )
    candidates: list[Candidate] = Field(description="Shapes of the contrast test.", min_length=1)
    models: list[Model] | None = Field(None, description="Models that are fitted; default: those of the candidates.", min_length=1)
    constants: dict[Model, dict[str, float]] = Field(
        default_factory=dict,
        description="Constants of models, in the unit of dose: `off` of linlog and logGauss (default 1% of the highest dose), `scal` of "
        "betaMod (default 1.2 times the highest dose).",
    )
    delta: float = Field(
        description="Improvement over dose 0, in points of the response and positive whatever the direction of the scale, that defines the "
        "target dose.",
        gt=0,
    )
    alpha: float = Field(0.025, description="One-sided familywise level of the contrast test.", gt=0, lt=0.5)
    direction: Literal["lower_better", "higher_better"] | None = Field(
        None, description="Which responses are better; default: as the instrument of the parameter says."
    )
    draws: int = Field(1000, description="Draws of the parametric bootstrap.", ge=100, le=100_000)
    steps: int = Field(90, description="Steps from dose 0 to the highest dose at which curves are reported.", ge=10, le=1000)
    seed: int = Field(0, description="Seed of the bootstrap and of the integration.", ge=0)

    @model_validator(mode="after")
    def _names_differ(self) -> MCPModOptions:
        named: dict[str, list[str]] = {
            "dose_arms": self.dose_arms,
            "candidates": [c.name for c in self.candidates],
            "models": [*(self.models or [])],
        }
        for what, values in named.items():
            twice = sorted({v for v in values if values.count(v) > 1})
            if twice:
                raise ValueError(f"{what}: {', '.join(twice)} is there twice")
        return self

    def fitted(self) -> list[str]:
        """Models that are fitted."""
        return list(self.models or dict.fromkeys(c.model for c in self.candidates))

    def problems(self, doses: dict[str, float | None]) -> Iterator[str]:
        """What is wrong with the doses of the arms, the guesses or the constants."""
        from nirls.stats.dose import SHAPES

        without = [a for a in self.dose_arms if doses.get(a) is None]
        if without:
            yield f"dose_arms: {', '.join(without)} without `dose` in study.yaml"
            return
        given = {a: float(doses[a] or 0.0) for a in self.dose_arms}
        levels = sorted(set(given.values()))
        if levels[0] < 0:
            yield f"dose_arms: the dose {levels[0]:g} is negative"
            return
        if levels[0] != 0:
            yield f"dose_arms: no arm has dose 0, which every effect is measured from; the smallest is {levels[0]:g}"
        if len(levels) < FEWEST:
            yield f"dose_arms: {len(levels)} different doses; a dose–response curve needs {FEWEST} or more with dose 0"
        for level in levels:
            same = [a for a, d in given.items() if d == level]
            if len(same) > 1:
                yield f"dose_arms: {', '.join(same)} have the same dose {level:g}; name the one that differs from the others in dose alone"
        if levels[-1] <= 0:
            return
        for i, c in enumerate(self.candidates, 1):
            try:
                shape = SHAPES[c.model]
                values = shape.standardised(levels, c.guess, shape.settle(levels[-1], self.constants.get(c.model)))
                if values.max() - values.min() <= 1e-9 * abs(values).max():
                    yield f"candidates: number {i} ({c.name}): flat over the doses, so that no contrast can show it"
            except ValueError as error:
                yield f"candidates: number {i} ({c.name}): {error}"
        used = {*self.fitted(), *(c.model for c in self.candidates)}
        for model, constants in self.constants.items():
            if model not in used:
                yield f"constants: {model} is neither a candidate nor fitted"
            else:
                try:
                    SHAPES[model].settle(levels[-1], constants)
                except ValueError as error:
                    yield f"constants: {error}"

    def cross_check(self, spec: Analysis, plan: Plan) -> Iterator[str]:
        """Arms, doses and visit are those of the study."""
        wrong = list(visit_problems(self.at_visit, self.dose_arms, spec.arms or plan.study.arms, plan))
        yield from wrong
        if not wrong:
            yield from self.problems({a: plan.study.arms[a].dose for a in self.dose_arms})


@method("mcpmod", options=MCPModOptions, reads=("instruments",), outcome="repeated mean")
def mcpmod(data: AnalysisData, options: MCPModOptions) -> MethodResult:
    """Dose–response contrast tests, model fits, model average and target doses from the LS means of a mixed model at one visit."""
    from nirls.errors import MethodError

    mixed = fit_mixed(data, options)
    study = _study(data, options, mixed)
    means, failure = None, ""
    try:
        means = arm_means(mixed, options, options.at_visit, study.arms)
    except MethodError as error:
        failure = str(error)
    found = denominators(data, total=False) + mean_rows(mixed, options, options.at_visit, study.arms, means, failure)
    found += study.dose_rows(mixed.group)
    texts = {"at": options.at_visit, "dose_unit": study.unit, "direction": "lower_better" if study.sign < 0 else "higher_better"}
    if means is not None and mixed.fit is not None:
        tested = _tested(study, options, mixed, means)
        fits = study.fits(options, means)
        found += contrast_rows(study, options, mixed.group, *tested)
        found += fit_rows(study, options, fits) + target_rows(study, options, fits) + curve_rows(study, options, fits)
        texts |= told(study, options, tested[1], fits)
    else:
        found += study.missing_rows(options, failure)
    rows, footnotes = model_rows(data, options, mixed)
    return MethodResult(rows=found + rows + facts(texts), footnotes=footnotes)


def _study(data: AnalysisData, options: MCPModOptions, mixed: Mixed) -> Study:
    """Doses in order, and the sign that turns the response into an improvement.

    Raises
    ------
    ConfigError
        For an arm, dose, guess, visit or direction that cannot be used; all of them are named.
    """
    from nirls.errors import ConfigError

    known = data.plan.study.arms
    strange = [a for a in options.dose_arms if a not in mixed.arms]
    wrong = [f"dose_arms: {', '.join(strange)} not among the arms {', '.join(mixed.arms)}"] if strange else []
    if not strange:
        wrong += options.problems({a: known[a].dose for a in options.dose_arms})
    if options.at_visit not in mixed.visits:
        wrong.append(f"at_visit: {options.at_visit!r} is not a visit of the selected records, which have {', '.join(mixed.visits)}")
    direction = options.direction or _direction(data)
    if direction is None:
        wrong.append("direction: no instrument of the study says which values are better; set it to lower_better or higher_better")
    if wrong:
        raise ConfigError(f"analyses.yaml: {data.analysis_id}: options: " + "; ".join(wrong))
    doses = sorted((float(known[a].dose or 0.0), a) for a in options.dose_arms)
    return Study(
        arms=tuple(a for _, a in doses),
        doses=tuple(d for d, _ in doses),
        sign=-1.0 if direction == "lower_better" else 1.0,
        unit=data.plan.study.dose_unit or "",
    )


def _direction(data: AnalysisData) -> str | None:
    """Direction of the instrument that has the parameter of the records."""
    params = set(data.frame["PARAMCD"].dropna().unique()) if "PARAMCD" in data.frame.columns else set()
    found = {i.direction for i in data.plan.instruments.values() if params and params <= set(i.scores)}
    return found.pop() if len(found) == 1 else None


def _tested(study: Study, options: MCPModOptions, mixed: Mixed, means: ArmMeans) -> tuple[np.ndarray, ContrastTest]:
    """Contrast coefficients and their test; the degrees of freedom are the smallest of the contrasts'."""
    import numpy as np

    from nirls.stats.dose import contrast_test, optimal_contrasts

    assert mixed.fit is not None
    coefficients = optimal_contrasts(np.array([study.standardised(c.model, c.guess, options) for c in options.candidates]), means.cov)
    df = float(mixed.fit.t_tests(coefficients @ means.rows).df.min())
    test = contrast_test(study.sign * means.estimate, means.cov, coefficients, df, alpha=options.alpha, seed=options.seed)
    return coefficients, test
