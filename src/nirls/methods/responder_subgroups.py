"""Responders in subgroups of a baseline variable: risk differences by level, and tests of interaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from nirls.methods import _responses
from nirls.methods._groups import denominators
from nirls.methods._linear import arms_and_reference, facts, one_visit
from nirls.methods._subgroups import (
    EFFECT,
    INTERACTION,
    OVERALL,
    Subgroup,
    holm_rows,
    holm_words,
    label_of,
    levels_of,
    no_value,
    pool_problems,
    subgroup_problems,
    too_small,
)
from nirls.methods.registry import AnalysisData, MethodResult, method
from nirls.methods.responder import MISSING
from nirls.plan.base import PlanModel

if TYPE_CHECKING:
    import pandas as pd

    from nirls.plan.analysis import Analysis
    from nirls.plan.load import Plan

SHARE = "responders"
SIDE, LEVEL, RESPONSE = "SIDE_", "LEVEL_", "RESPONSE_"
RATIO = ("estimate", "conf_low", "conf_high")


class ResponderSubgroupsOptions(PlanModel):
    """Options of `responder_subgroups`."""

    threshold: str = Field(description="Threshold of the instrument that a responder reaches.")
    instrument: str | None = Field(None, description="Instrument of the threshold; default: the study's first.")
    subgroups: list[Subgroup] = Field(description="Variables in order.", min_length=1)
    pools: dict[str, list[str]] = Field(description="Treated side: its name → its arms, whose subjects are taken together.", min_length=1)
    missing: Literal["non_responder", "observed"] = Field(
        "non_responder", description="Subjects of the set without a value at the visit: non-responders, or left out."
    )
    min_per_arm: int = Field(10, description="A level is not estimated if any arm, each arm of a pool, has fewer subjects analysed.", ge=2)
    reference: str | None = Field(None, description="Arm they are compared with; default: the study's reference.")
    level: float = Field(0.95, description="Confidence level.", gt=0.5, lt=1)

    def cross_check(self, spec: Analysis, plan: Plan) -> Iterator[str]:
        """The threshold is known, the arms are those of the entry, the variables are from baseline."""
        from nirls.plan.check import unknown

        yield from _responses.problems(plan, [self.threshold], {}, self.instrument)
        allowed = spec.arms or [a for a, arm in plan.study.arms.items() if not arm.not_an_arm]
        for arm in (a for arms in self.pools.values() for a in arms):
            if arm not in allowed:
                yield f"pools: {unknown('arm', arm, allowed)}"
        yield from pool_problems(self.pools, self.reference or plan.study.reference)
        yield from subgroup_problems(self.subgroups, plan)


@method("responder_subgroups", options=ResponderSubgroupsOptions, reads=("instruments",), outcome="response")
def responder_subgroups(data: AnalysisData, options: ResponderSubgroupsOptions) -> MethodResult:
    """Risk difference of responders in each level of baseline variables (Miettinen–Nurminen) and likelihood-ratio tests of interaction."""
    from nirls.ard.build import row

    group, _, reference = arms_and_reference(data, options.reference)
    (rule,) = _responses.rules(data.plan, [options.threshold], {}, options.instrument)
    _responses.check_records(data, [rule])
    at = one_visit(data, "AVISIT", "USUBJID")
    adsl = data.adsl.set_index("USUBJID")
    response = rule.responds(data.frame.set_index("USUBJID")).reindex(adsl.index)
    response = response.fillna(False) if options.missing == "non_responder" else response.dropna()
    frame = adsl.loc[response.index].assign(**{RESPONSE: response.astype(float)})
    found = denominators(data, total=False)
    tests: list[dict[str, Any]] = []
    for label, arms in options.pools.items():
        found += _level(frame, arms, reference, group, options, {"variable": OVERALL, "comparison": f"{label} - {reference}", "visit": at})
    for item in options.subgroups:
        found += no_value(data, item.variable)
        for label, arms in options.pools.items():
            key = {"comparison": f"{label} - {reference}", "visit": at, "group2": item.variable}
            known, p = _variable(frame, levels_of(data, item.variable), item, arms, reference, group, options, key)
            found += known
            tests.append({"key": key, "p": p, "prespecified": item.prespecified})
    found += holm_rows(tests, "responders in groups")
    found += [
        row("n", len(options.subgroups), variable="model", variable_level="subgroup variables"),
        row("conf_level", options.level, variable="model"),
    ]
    words = {
        "at": at,
        "definition": rule.definition.label,
        "rule": rule.text,
        "missing": MISSING[options.missing],
        "risk difference": "Miettinen–Nurminen score interval",
        "pool": "; ".join(f"{label}: {', '.join(arms)}" for label, arms in options.pools.items()),
        "interaction": "likelihood ratio of treatment × level in a logistic regression on both, of the levels estimated",
        "least": f"not estimated where any arm, each arm of a pool included, has fewer than {options.min_per_arm} subjects analysed in the "
        "level",
        "multiplicity": holm_words([label_of(i.variable, data.plan) for i in options.subgroups if i.prespecified], "responders in groups"),
    }
    footnotes = (
        "No p-values within subgroups: whether effects differ is what the interaction tests.",
        "The interaction is one of odds: where few respond under the reference, equal odds ratios are unequal risk differences.",
    )
    return MethodResult(rows=found + facts(words), footnotes=footnotes)


def _level(
    frame: pd.DataFrame, arms: list[str], reference: str, group: str, options: ResponderSubgroupsOptions, key: Mapping[str, str],
    sizes: Mapping[str, int] | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Responders of both sides and their risk difference in percentage points; with `sizes`, only if every arm has enough subjects."""
    from nirls.ard.build import row
    from nirls.stats.proportions import ScoreDifference, tables

    treated, other = frame.loc[frame[group].isin(arms), RESPONSE], frame.loc[frame[group] == reference, RESPONSE]
    found = [row("n_subjects", len(treated), **key), row("n_reference", len(other), **key)]
    for side, values in (("treated", treated), ("reference", other)):
        place = {**key, "variable": SHARE, "variable_level": side}
        found.append(row("n", int(values.sum()), **place))
        error = "" if len(values) else "no subject"
        found.append(row("p", 100 * float(values.mean()) if len(values) else None, unit="%", error=error, **place))
    reason = too_small(sizes, [reference, *arms], options.min_per_arm) if sizes is not None else ""
    if not reason and not (len(treated) and len(other)):
        reason = "no subject on one of the sides"
    if reason:
        return [*found, row("estimate", None, error=reason, **key)]
    score = ScoreDifference(tables=tables([treated.sum()], [len(treated)], [other.sum()], [len(other)]), correction=True)
    values = {"estimate": score.estimate, **dict(zip(("conf_low", "conf_high"), score.ci(options.level), strict=True))}
    found += [row(name, 100 * float(v), unit="percentage points", **key) for name, v in values.items()]
    if sizes is None:
        found.append(row("p_value", float(score.p_value()), **key))
    return found


def _variable(
    frame: pd.DataFrame, levels: list[str], item: Subgroup, arms: list[str], reference: str, group: str,
    options: ResponderSubgroupsOptions, key: dict[str, str],
) -> tuple[list[dict[str, Any]], float | None]:  # fmt: skip
    """Rows of the levels of one variable and of its test; the p-value, None if there is no test."""
    from nirls.ard.build import row

    found, estimated = [], []
    for level in levels:
        inside = frame[frame[item.variable] == level]
        sizes = {str(arm): int(n) for arm, n in inside[group].value_counts().items()}
        own = _level(inside, arms, reference, group, options, key | {"variable": EFFECT, "group2_level": level}, sizes)
        found += own
        if not any(r.get("error") for r in own if r["stat_name"] == "estimate"):
            estimated.append(level)
    place = key | {"variable": INTERACTION}
    found += [row("n", len(estimated), **place), row("rejected", float(item.prespecified), **place)]
    sides = frame[frame[group].isin([*arms, reference]) & frame[item.variable].isin(estimated)]
    values, reason = _interaction(sides, item.variable, estimated, reference, group, options.level)
    if reason:
        return [*found, *(row(s, None, error=reason, **place) for s in ("p_value", *RATIO))], None
    found += [row(name, value, **place) for name, value in values.items()]
    if len(estimated) == 2:
        found.append(row("text", None, stat_text="|".join(estimated), **place))
    else:
        found += [row(s, None, error="more than two levels", **place) for s in RATIO]
    return found, values["p_value"]


def _interaction(
    sides: pd.DataFrame, variable: str, levels: list[str], reference: str, group: str, confidence: float
) -> tuple[dict[str, float], str]:
    """Likelihood-ratio test of treatment × level; of two levels also the ratio of the odds ratios (Wald). Or the reason for none."""
    import numpy as np
    import pandas as pd
    from scipy import special

    from nirls.errors import MethodError
    from nirls.models.logistic import logistic

    if len(levels) < 2:
        return {}, "fewer than two levels are estimated"
    # the last level is the base, so that the ratio is that of the first to the second
    frame = sides.assign(
        **{SIDE: pd.Categorical(np.where(sides[group] == reference, "0", "1"), categories=["0", "1"])},
        **{LEVEL: pd.Categorical(sides[variable], categories=levels[::-1])},
    )
    if sides[RESPONSE].nunique() < 2:
        return {}, f"{'everybody' if sides[RESPONSE].iloc[0] else 'nobody'} responded in the levels estimated"
    try:
        full, less = (logistic(f"{RESPONSE} ~ {terms}", frame) for terms in (f"{SIDE} * {LEVEL}", f"{SIDE} + {LEVEL}"))
    except MethodError as error:
        return {}, str(error)
    if full.penalised is not None or less.penalised is not None:
        return {}, "nobody or everybody responded on one side of a level, so that an odds is 0 or infinite"
    df = len(levels) - 1
    statistic = max(0.0, 2 * (full.loglike - less.loglike))
    out = {"statistic": statistic, "num_df": float(df), "p_value": float(special.chdtrc(df, statistic))}
    if df == 1:
        b, half = float(full.beta[-1]), float(special.ndtri(0.5 + confidence / 2)) * float(np.sqrt(full.cov[-1, -1]))
        out |= dict(zip(RATIO, (float(np.exp(v)) for v in (b, b - half, b + half)), strict=True))
    return out, ""
