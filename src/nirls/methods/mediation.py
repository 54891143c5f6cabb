"""What of the effect of a treatment goes through a mediator measured before the outcome."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from nirls.methods._groups import denominators
from nirls.methods._linear import arms_and_reference, estimates, facts
from nirls.methods.describe import require
from nirls.methods.registry import AnalysisData, MethodResult, method
from nirls.plan.base import Id, PlanModel

if TYPE_CHECKING:
    from nirls.models.mediation import MediationResult
    from nirls.plan.analysis import Analysis
    from nirls.plan.load import Plan
    from nirls.stats.mediation import Effect, Mediation, Path

CAVEAT = (
    "The mediator is not randomized: whatever moves mediator and outcome alike, measured or not, makes the division into an indirect and a "
    "direct effect wrong in a direction that is not known. The total effect alone rests on the randomization."
)
ERROR = "Measurement error of the mediator draws the indirect effect towards 0 and adds what it loses to the direct effect."
NOT_ADDITIVE = "The mediators one by one are not additive; the effect through all of them is that of the joint model."
JOINT = "joint"
PATH = {
    "estimate": "estimate", "std_error": "std_error", "df": "df", "statistic": "statistic", "conf_low": "low", "conf_high": "high",
    "p_value": "p_value",
}  # fmt: skip
EFFECT = {"estimate": "estimate", "std_error": "std_error", "conf_low": "low", "conf_high": "high"}
WEIGHTED = "weighted by the inverse probability of being complete: limits by the bootstrap, no t"
NO_LIMITS = "the bootstrap draws hold no such limit"


class MeasuredAt(PlanModel):
    """A parameter of ADQS at a visit."""

    param: Id = Field(description="PARAMCD.")
    visit: str = Field(description="AVISIT.")
    value: Literal["CHG", "AVAL"] = Field("CHG", description="Change from baseline, or the value; its baseline is a covariate either way.")


class MediationOptions(PlanModel):
    """Options of `mediation`."""

    outcome: MeasuredAt = Field(description="The outcome.")
    mediators: list[MeasuredAt] = Field(
        description="What is measured at an earlier visit; several are analysed one by one and together.", min_length=1
    )
    covariates: list[Id] = Field(
        default_factory=list,
        description="Baseline covariates of both models, beside the baselines of outcome and mediators; text is a factor, a number linear.",
    )
    interaction: bool = Field(True, description="Treatment and mediator interact in the model of the outcome.")
    pool: str | None = Field(
        None, description="Name of the arms other than the reference, which count as one; needed where there are several."
    )
    reference: str | None = Field(None, description="Arm the others are compared with; default: the study's reference.")
    late: Literal["exclude", "error"] = Field(
        "exclude",
        description="A subject whose mediator was measured on the day of the outcome or later: not analysed and counted, or an error.",
    )
    missing: Literal["complete", "weighted"] = Field(
        "complete",
        description="Complete cases as they are, or weighted by the inverse of the probability of being complete given treatment, "
        "baselines and `weighted_by`, by logistic regression, fitted again in every bootstrap sample.",
    )
    weighted_by: list[Id] = Field(default_factory=list, description="Further baseline variables on which that probability depends.")
    draws: int = Field(5000, description="Bootstrap samples of subjects.", ge=2000)
    rho_to: float = Field(
        0.9, description="The indirect effect is given at correlations of the errors between ± this, in steps of 0.05.", gt=0, lt=1
    )
    check: bool = Field(
        True, description="Each mediator by itself without interaction once more by pingouin, as a check; complete cases alone."
    )
    level: float = Field(0.95, description="Confidence level.", gt=0.5, lt=1)

    def cross_check(self, spec: Analysis, plan: Plan) -> Iterator[str]:
        """Mediators lie between baseline and outcome; parameters and visits are those of the study."""
        weeks = {v.name: v.week for v in plan.study.visits}
        scores = {code for i in plan.instruments.values() for code in (*i.items, *i.scores)}
        for place, at in (("outcome", self.outcome), *((f"mediators: {i}", m) for i, m in enumerate(self.mediators, 1))):
            if at.visit not in weeks:
                yield f"{place}: there is no visit {at.visit!r} (known: {', '.join(weeks)})"
            parameter = plan.study.parameters.get(at.param)
            if at.param not in scores and (parameter is None or parameter.dataset != "ADQS"):
                yield f"{place}: there is no parameter {at.param!r} of ADQS in study.yaml or an instrument"
            elif parameter is not None and not parameter.change:
                yield f"{place}: the parameter {at.param!r} has no baseline; set `change: true` in study.yaml if a change has a meaning"
        end = weeks.get(self.outcome.visit)
        for i, at in enumerate(self.mediators, 1):
            week = weeks.get(at.visit)
            if at.visit in weeks and self.outcome.visit in weeks and (week is None or end is None or not 0 < week < end):
                yield (
                    f"mediators: {i}: {at.param} at {at.visit} is not between baseline and the outcome at {self.outcome.visit}; a mediator "
                    "is measured after treatment began and before the outcome"
                )
        named = [(m.param, m.visit) for m in self.mediators]
        if len(set(named)) < len(named) or self.outcome.param in {m.param for m in self.mediators}:
            yield "mediators: a mediator is named twice, or is the outcome itself at another visit"
        arms = spec.arms or [a for a, arm in plan.study.arms.items() if not arm.not_an_arm]
        if len(arms) > 2 and self.pool is None:
            yield f"the arms {', '.join(arms)} other than the reference count as one; give it a name under `pool`, or keep one of them"


def label(at: MeasuredAt) -> str:
    """The name of a mediator in the results: STO2, Week 2."""
    return f"{at.param}, {at.visit}"


@method("mediation", options=MediationOptions, reads=("seed",))
def mediation(data: AnalysisData, options: MediationOptions) -> MethodResult:
    """Effect of a treatment through a mediator measured before the outcome and past it, by linear models; sensitivity to confounding."""
    from nirls.ard.build import row
    from nirls.errors import ConfigError, MethodError
    from nirls.methods._mediation_check import check_rows
    from nirls.methods._mediation_data import BASELINE, OUTCOME, account, column, reasons, wide
    from nirls.models.mediation import mediation as fit

    require(
        data.frame, ["PARAMCD", "AVISIT", "ADT", "BASE", options.outcome.value, *options.covariates, *options.weighted_by], data.analysis_id
    )
    group, arms, reference = arms_and_reference(data, options.reference)
    active = [a for a in arms if a != reference]
    if len(active) > 1 and options.pool is None:
        raise ConfigError(f"analyses.yaml: {data.analysis_id}: options: pool: give a name to {', '.join(active)}, which count as one arm")
    comparison = f"{options.pool or active[0]} - {reference}"
    table = wide(data, options)
    reason = reasons(table, data, options)
    weighted = options.missing == "weighted"
    names = [column(i) for i in range(1, len(options.mediators) + 1)]
    baselines = [f"{name}{BASELINE}" for name in (OUTCOME, *names)]
    # who has baselines and covariates, but no outcome or mediator, tells how probable it is to be complete
    known = table[[*baselines, *options.covariates, *options.weighted_by]].notna().all(axis=1)
    used = table[known].copy() if weighted else table[reason.isna()]
    used.loc[reason[used.index].notna(), OUTCOME] = float("nan")
    grid = [round(0.05 * k, 2) for k in range(-round(options.rho_to / 0.05), round(options.rho_to / 0.05) + 1)]
    made: MediationResult | None = None
    failure = ""
    try:
        made = fit(
            used, outcome=OUTCOME, mediators=names, treatment=group, reference=reference, covariates=[*baselines, *options.covariates],
            weighted_by=[*baselines, *options.weighted_by] if weighted else None, interaction=options.interaction, draws=options.draws,
            seed=_seed(data), rho=grid, level=options.level,
        )  # fmt: skip
    except MethodError as error:
        failure = str(error)

    found = denominators(data, total=False)
    labels = [label(at) for at in options.mediators]
    for i, (name, text) in enumerate(zip(names, labels, strict=True)):
        found += _one(made.alone[name] if made else None, failure, text, comparison, options, grid)
        if options.check and not weighted:
            found += check_rows(made, failure, i, name, comparison=comparison, group2="MEDIATOR", group2_level=text)
    if len(names) > 1:
        found += _joint(made.joint if made else None, failure, labels, comparison, options)
    found += account(reason, table[group], group)
    found += [row("n_obs", int(reason.isna().sum()), variable="model"), row("n_draws", options.draws, variable="model")]
    found.append(row("conf_level", options.level, variable="model"))
    if weighted:
        size = made.effective_size if made else None
        found.append(row("effective_size", size, variable="model", error="" if made else failure))
    lost = max((m.lost for m in [*made.alone.values(), made.joint] if m is not None), default=0) if made else 0
    texts = {
        "outcome": label(options.outcome),
        "comparison": comparison,
        "arms": ", ".join(active),
        "formula": _formula(group, labels, options),
        "variance": "the bootstrap" if weighted else "of paths ordinary least squares with t intervals; of effects the bootstrap",
        "interval": f"bias-corrected and accelerated bootstrap, {options.draws} samples of subjects, acceleration by the jackknife",
        "interaction": "yes" if options.interaction else "no",
    }
    notes = [CAVEAT, ERROR]
    notes.append(
        "Linear models: the effects are exact functions of the coefficients, no simulation is needed. Complete cases: the same subjects, "
        f"with outcome and {'all mediators' if len(names) > 1 else 'mediator'}, in all models; who is not analysed is counted."
    )
    if weighted:
        on = ", ".join(["treatment", "baselines of outcome and mediators", *options.weighted_by])
        notes.append(
            f"Subjects are weighted by the inverse of the probability of being complete, by logistic regression on {on}, fitted again in "
            f"every bootstrap sample; {int(known.sum())} subjects inform it. Right if values are missing at random given these."
        )
    if len(names) > 1:
        notes.append(NOT_ADDITIVE)
    if len(active) > 1:
        notes.append(f"{options.pool}: {', '.join(active)} as one arm, subjects counting alike.")
    if lost:
        notes.append(f"{lost} of {options.draws} bootstrap samples gave no estimate and do not count.")
    if failure:
        notes.append(f"The models could not be fitted: {failure}.")
    return MethodResult(rows=found + facts(texts), footnotes=tuple(notes))


def _seed(data: AnalysisData) -> list[int]:
    import zlib

    return [data.plan.config.seed, zlib.crc32(data.analysis_id.encode())]


def _formula(group: str, labels: list[str], options: MediationOptions) -> str:
    outcome = f"{'change in ' if options.outcome.value == 'CHG' else ''}{label(options.outcome)}"
    mediator = " and ".join(labels)
    if all(m.value == "CHG" for m in options.mediators):
        mediator = f"change in {mediator}"
    common = " + ".join(["baselines of outcome and mediators", *options.covariates])
    crossed = f" + {group} × M" if options.interaction else ""
    return f"M ({mediator}) ~ {group} + {common}; {outcome} ~ {group} + M{crossed} + {common}"


def _path(path: Path | None, name: str, failure: str, **key: str) -> list[dict[str, Any]]:
    values = None if path is None else {source: getattr(path, source) for source in PATH.values()}
    return estimates(PATH, values, failure or WEIGHTED, variable="path", variable_level=name, **key)


def _effect(effect: Effect | None, name: str, failure: str, first: str = "estimate", **key: str) -> list[dict[str, Any]]:
    values = None if effect is None else {source: getattr(effect, source) for source in EFFECT.values()}
    names = {first if stat == "estimate" else stat: source for stat, source in EFFECT.items()}
    return estimates(names, values, failure or NO_LIMITS, variable="mediation", variable_level=name, **key)


def _effects(made: Mediation | None, failure: str, key: dict[str, str], options: MediationOptions) -> list[dict[str, Any]]:
    """Indirect, direct and total effects, and the proportion mediated."""
    found = []
    for name in ("ACME(0)", "ACME(1)", "ACME", "ADE(0)", "ADE(1)", "ADE", "total", "a × b"):
        if options.interaction or name[-1] != ")":
            found += _effect(made.effects[name] if made else None, name, failure, **key)
    share = made.proportion if made else None
    why = failure or (f"the {100 * options.level:g}% interval of the total effect holds 0" if share is None else "")
    return found + _effect(share, "proportion", why, "mediated", **key)


def _one(
    made: Mediation | None, failure: str, name: str, comparison: str, options: MediationOptions, grid: list[float]
) -> list[dict[str, Any]]:
    """Rows of a mediator by itself."""
    from nirls.ard.build import row

    key = {"comparison": comparison, "group2": "MEDIATOR", "group2_level": name}
    found = _path(made.a[0] if made else None, "a", failure, **key)
    found += _path(made.b[0] if made else None, "b", failure, **key)
    found += _path(made.direct if made else None, "direct", failure, **key)
    if options.interaction:
        found += _path(made.interaction[0] if made else None, "interaction", failure, **key)
    found += _effects(made, failure, key, options)
    found += _effect(made.effects["rho"] if made else None, "rho", failure, "rho", **key)
    product = made.r_squared_product if made else None
    found.append(row("r_squared_product", product, variable="mediation", variable_level="rho", error=failure, **key))
    for i, at in enumerate(grid):
        values = {"estimate": made.curve[i], "low": made.curve_low[i], "high": made.curve_high[i]} if made else None
        names = {"estimate": "estimate", "conf_low": "low", "conf_high": "high"}
        found += estimates(names, values, failure or NO_LIMITS, variable="error correlation", variable_level=f"{at:g}", **key)
    return found


def _joint(made: Mediation | None, failure: str, labels: list[str], comparison: str, options: MediationOptions) -> list[dict[str, Any]]:
    """Rows of all mediators together; the paths of each with the others held."""
    key = {"comparison": comparison, "group2": "MEDIATOR", "group2_level": JOINT}
    found = []
    for i, text in enumerate(labels):
        own = key | {"group3": "COMPONENT", "group3_level": text}
        found += _path(made.a[i] if made else None, "a", failure, **own)
        found += _path(made.b[i] if made else None, "b", failure, **own)
        if options.interaction:
            found += _path(made.interaction[i] if made else None, "interaction", failure, **own)
    found += _path(made.direct if made else None, "direct", failure, **key)
    return found + _effects(made, failure, key, options)
