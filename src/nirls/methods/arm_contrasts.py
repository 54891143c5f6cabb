"""Linear combinations of arms at one visit of a mixed model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, model_validator

from nirls.methods._arm_means import ArmMeans, arm_means, mean_rows, visit_problems
from nirls.methods._groups import denominators
from nirls.methods._linear import DIFFERENCE, estimates, facts
from nirls.methods._mixed import Mixed, fit_mixed, model_rows
from nirls.methods.mmrm import MMRMOptions
from nirls.methods.registry import AnalysisData, MethodResult, method
from nirls.plan.base import PlanModel

if TYPE_CHECKING:
    import numpy as np

    from nirls.plan.analysis import Analysis
    from nirls.plan.load import Plan

Weight = float | Annotated[str, Field(pattern=r"^-?\d+/[1-9]\d*$")]


class Combination(PlanModel):
    """Σ weight × LS mean of arm, the weights adding up to 0."""

    label: str = Field(description="What is compared, in words.")
    weights: dict[str, Weight] = Field(description="Arm → weight, a number or a fraction such as -1/2; they add up to 0.", min_length=2)
    group: str = Field("", description="Heading under which displays show it.")

    @model_validator(mode="after")
    def _adds_up_to_zero(self) -> Combination:
        values = {arm: number(w) for arm, w in self.weights.items()}
        if abs(sum(values.values())) > 1e-9:
            raise ValueError(f"weights: {', '.join(f'{a} {w:g}' for a, w in values.items())} add up to {sum(values.values()):g}, not to 0")
        if not any(values.values()):
            raise ValueError("weights: all are 0")
        return self


class Joint(PlanModel):
    """A joint test that several contrasts are all zero."""

    label: str = Field(description="What is tested, in words.")
    contrasts: list[str] = Field(description="Names of contrasts.", min_length=2)
    group: str = Field("", description="Heading under which displays show it.")


class Limits(PlanModel):
    """Limits within which a contrast counts as equivalence."""

    low: float = Field(description="Lower limit.", lt=0)
    high: float = Field(description="Upper limit.", gt=0)
    alpha: float = Field(0.05, description="Level of each of the two one-sided tests; the interval has level 1 − 2α.", gt=0, lt=0.5)


class ArmContrastsOptions(MMRMOptions):
    """Options of `arm_contrasts`: those of `mmrm`, and the contrasts."""

    at_visit: str = Field(description="Visit of the LS means.")
    contrasts: dict[str, Combination] = Field(description="Name → contrast, in display order.", min_length=1)
    joint: dict[str, Joint] = Field(default_factory=dict, description="Name → joint test of several contrasts (F).")
    equivalence: dict[str, Limits] = Field(default_factory=dict, description="Name of a contrast → limits of equivalence (TOST).")

    @model_validator(mode="after")
    def _joint_tests_name_contrasts(self) -> ArmContrastsOptions:
        if absent := [c for c in self.equivalence if c not in self.contrasts]:
            raise ValueError(f"equivalence: {', '.join(absent)} not among the contrasts {', '.join(self.contrasts)}")
        for name, test in self.joint.items():
            strange = [c for c in test.contrasts if c not in self.contrasts]
            if strange:
                raise ValueError(f"joint: {name}: {', '.join(strange)} not among the contrasts {', '.join(self.contrasts)}")
        return self

    def arms(self) -> list[str]:
        """Arms with a weight, in the order they are first named."""
        return list(dict.fromkeys(arm for c in self.contrasts.values() for arm in c.weights))

    def cross_check(self, spec: Analysis, plan: Plan) -> Iterator[str]:
        """Visit and arms are those of the study and of the analysis."""
        yield from visit_problems(self.at_visit, self.arms(), spec.arms or plan.study.arms, plan)


def number(weight: float | str) -> float:
    """A weight as a number: 0.5 or "-1/2"."""
    if isinstance(weight, str):
        above, below = weight.split("/")
        return int(above) / int(below)
    return float(weight)


@method("arm_contrasts", options=ArmContrastsOptions, outcome="repeated mean")
def arm_contrasts(data: AnalysisData, options: ArmContrastsOptions) -> MethodResult:
    """Named contrasts of the LS means of arms at one visit, such as a factorial and its interaction, and joint F tests."""
    from nirls.errors import ConfigError, MethodError

    mixed = fit_mixed(data, options)
    strange = [arm for arm in options.arms() if arm not in mixed.arms]
    if strange or options.at_visit not in mixed.visits:
        what = f"arms {', '.join(strange)} are not among {', '.join(mixed.arms)}" if strange else f"{options.at_visit!r} is not a visit of"
        tail = "" if strange else f" the selected records, which have {', '.join(mixed.visits)}"
        raise ConfigError(f"analyses.yaml: {data.analysis_id}: options: {what}{tail}")
    arms = [a for a in mixed.arms if a in options.arms()]
    means, failure = None, ""
    try:
        means = arm_means(mixed, options, options.at_visit, arms)
    except MethodError as error:
        failure = str(error)
    found = denominators(data, total=False) + mean_rows(mixed, options, options.at_visit, arms, means, failure)
    rows = {name: weights_row(c, arms, means) for name, c in options.contrasts.items()}
    for name, c in options.contrasts.items():
        found += _contrast(mixed, options, name, c, rows[name], failure)
    for name, test in options.joint.items():
        found += _joint(mixed, name, test, [rows[c] for c in test.contrasts], failure)
    for name, limits in options.equivalence.items():
        found += _equivalence(mixed, name, limits, rows[name], failure)
    told, footnotes = model_rows(data, options, mixed)
    return MethodResult(rows=found + told + facts({"at": options.at_visit}), footnotes=footnotes)


def weights_row(combination: Combination, arms: list[str], means: ArmMeans | None) -> np.ndarray | None:
    """The contrast as a row over the coefficients of the model."""
    import numpy as np

    if means is None:
        return None
    return np.array([number(combination.weights.get(a, 0.0)) for a in arms]) @ means.rows


def _contrast(
    mixed: Mixed, options: ArmContrastsOptions, name: str, c: Combination, hypothesis: np.ndarray | None, failure: str
) -> list[dict[str, Any]]:
    from nirls.ard.build import row

    values: dict[str, float] | None = None
    if hypothesis is not None and mixed.fit is not None:
        one = mixed.fit.t_tests(hypothesis)
        low, high = one.ci(options.level)
        values = {"estimate": one.estimate[0], "std_error": one.std_error[0], "df": one.df[0], "statistic": one.statistic[0]}
        values |= {"conf_low": low[0], "conf_high": high[0], "p_value": one.p_value[0]}
    found = estimates(DIFFERENCE, values, failure, variable=options.response, visit=options.at_visit, comparison=name)
    found.append(row("text", None, stat_text=c.label, variable="contrast", variable_level=name, group2="GROUP", group2_level=c.group))
    for arm, weight in c.weights.items():
        key = {"variable": "contrast", "variable_level": name, "group1": mixed.group, "group1_level": arm}
        found.append(row("coefficient", number(weight), **key))
    return found


def _equivalence(mixed: Mixed, name: str, limits: Limits, hypothesis: np.ndarray | None, failure: str) -> list[dict[str, Any]]:
    """Two one-sided tests of a contrast, the interval that goes with them, and whether it lies within the limits."""
    from nirls.ard.build import row, rows
    from nirls.stats.noninferiority import equivalence

    key = {"variable": "equivalence", "variable_level": name}
    found = rows({"alpha": limits.alpha}, **key)
    found += [row("margin", v, **key, group1="LIMIT", group1_level=k) for k, v in (("low", limits.low), ("high", limits.high))]
    names = {n: n for n in ("estimate", "conf_low", "conf_high", "p_value", "rejected")}
    values: dict[str, float] | None = None
    if hypothesis is not None and mixed.fit is not None:
        one = mixed.fit.t_tests(hypothesis)
        low, high = one.ci(1 - 2 * limits.alpha)
        p = equivalence(float(one.estimate[0]), float(one.std_error[0]), float(one.df[0]), limits.low, limits.high)[2]
        values = {"estimate": one.estimate[0], "conf_low": low[0], "conf_high": high[0], "p_value": p, "rejected": float(p < limits.alpha)}
    return found + estimates(names, values, failure, **key)


def _joint(mixed: Mixed, name: str, test: Joint, hypotheses: list[np.ndarray | None], failure: str) -> list[dict[str, Any]]:
    import numpy as np

    from nirls.ard.build import row

    values: dict[str, float] | None = None
    if mixed.fit is not None and not failure:
        found: Any = mixed.fit.test(np.array(hypotheses))  # of two rows or more: an F test
        values = {"num_df": found.num_df, "den_df": found.den_df, "f_statistic": found.statistic, "p_value": found.p_value}
    names = {n: n for n in ("num_df", "den_df", "f_statistic", "p_value")}
    key = {"variable": "joint", "variable_level": name}
    label = row("text", None, stat_text=test.label, group2="GROUP", group2_level=test.group, **key)
    return [label, *estimates(names, values, failure, **key)]
