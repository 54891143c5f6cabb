"""Groups of a baseline variable: which may be formed, which are large enough, their levels, and Holm's p of their interactions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field

from nirls.plan.base import Id, PlanModel

if TYPE_CHECKING:
    from nirls.methods.registry import AnalysisData
    from nirls.plan.load import Plan
    from nirls.plan.study import Stratum

EFFECT, OVERALL, INTERACTION, FAMILY = "subgroup effect", "overall effect", "interaction", "family"


class Subgroup(PlanModel):
    """A baseline variable whose levels are compared."""

    variable: Id = Field(description="Variable of ADSL known at baseline: a covariate or a stratum of study.yaml.")
    prespecified: bool = Field(False, description="True if the interaction was planned before the data were seen; else exploratory.")
    larger: str | None = Field(None, description="Level in which a larger benefit was expected beforehand, if any.")
    why: str | None = Field(None, description="Why, in a few words.")
    evidence: str | None = Field(None, description="Evidence from other studies that effects differ so, with its source, if any.")
    cut: str | None = Field(None, description="Where the values that cut a number into levels come from, such as the protocol, if known.")


def baseline_problems(variable: str, plan: Plan, what: str) -> Iterator[str]:
    """What is wrong with a variable that shall divide subjects: it must be a covariate or a stratum of study.yaml."""
    from nirls.plan.check import unknown

    study = plan.study
    if variable in study.after_baseline:
        yield (
            f"{variable} ({study.after_baseline[variable].label}) is measured after baseline and may be caused by the treatment: {what} "
            "of it is no comparison of randomized groups; use a variable of `covariates` or `strata`, or `subjects` for a described group"
        )
        return
    known = [*study.covariates, *study.strata, *(f"{name}D" for name, s in study.strata.items() if s.derived is not None)]
    if variable not in known:
        yield (
            f"{variable} is not among `covariates` and `strata` of study.yaml, so it is not known to be from baseline: "
            f"{unknown('baseline variable', variable, known)}"
        )


def pool_problems(pools: Mapping[str, Sequence[str]], reference: str, place: str = "pools") -> Iterator[str]:
    """What is wrong with the treated sides: each holds arms, none twice and not the reference, with which they are compared."""
    for label, arms in pools.items():
        if not arms:
            yield f"{place}: {label}: no arm is named; name one or more, or leave it out"
        twice = [a for a in dict.fromkeys(arms) if list(arms).count(a) > 1]
        if twice:
            yield f"{place}: {label}: {', '.join(twice)} is named twice, so that its subjects would count twice; name it once"
        if reference in arms:
            yield f"{place}: {label}: {reference} is the reference, with which the arms are compared; leave it out"


def subgroup_problems(items: Sequence[Subgroup], plan: Plan) -> Iterator[str]:
    """What is wrong with the variables: each is named once, is from baseline and has levels, among them the one named."""
    names = [item.variable for item in items]
    twice = [n for n in dict.fromkeys(names) if names.count(n) > 1]
    if twice:
        yield f"subgroups: {', '.join(twice)} is named twice; name it once"
    for item in items:
        yield from baseline_problems(item.variable, plan, "a subgroup")
        planned = plan.study.covariates.get(item.variable)
        if planned is not None and planned.levels is None and planned.cut is None:
            yield (
                f"subgroups: {item.variable} has no levels; give them as `levels` of study.yaml, for a number by `cut`, or use the method "
                "johnson_neyman for a number"
            )
        stratum = _stratum(item.variable, plan)
        levels = (planned.cut or planned.levels or []) if planned is not None else stratum.levels if stratum is not None else []
        if item.larger is not None and levels and item.larger not in levels:
            yield f"subgroups: {item.variable}: larger: {item.larger!r} is not among the levels {', '.join(levels)}"


def _stratum(name: str, plan: Plan) -> Stratum | None:
    """The stratum as randomized, or as the data say (its name and a D)."""
    return plan.study.strata.get(name) or plan.study.strata.get(name.removesuffix("D"))


def levels_of(data: AnalysisData, name: str) -> list[str]:
    """Levels of the plan, in order."""
    study = data.plan.study
    if name in study.covariates:
        item = study.covariates[name]
        return list(item.cut or item.levels or sorted(data.frame[name].dropna().astype(str).unique()))
    stratum = _stratum(name, data.plan)
    return list(stratum.levels) if stratum else sorted(data.frame[name].dropna().astype(str).unique())


def no_value(data: AnalysisData, name: str) -> list[dict[str, Any]]:
    """Subjects without a value of the variable, by arm."""
    from nirls.ard.build import row

    group = data.spec.group
    lost = data.adsl[data.adsl[name].isna()]
    key = {"variable": "no value", "group2": name, "group1": group}
    return [row("n", int((lost[group] == a).sum()), group1_level=str(a), **key) for a in data.adsl[group].cat.categories]


def too_small(sizes: Mapping[str, int], arms: Sequence[str], least: int) -> str:
    """Why a level is not estimated: the arms that have fewer than `least` subjects in it; empty if none.

    Each arm of a pool is looked at: their mean has equal weights, so five subjects of one arm count as much as fifty of another.
    """
    few = [arm for arm in arms if sizes.get(arm, 0) < least]
    return f"not estimated (n<{least} in {', '.join(few)})" if few else ""


def holm_rows(tests: Sequence[Mapping[str, Any]], family: str) -> list[dict[str, Any]]:
    """Holm's p of the pre-specified interactions of each comparison, and the family it belongs to.

    Parameters
    ----------
    tests : sequence of mappings
        `key` of the rows, `p` (None if not tested) and `prespecified`.
    family : str
        What the tests are of: the p-values of another family are adjusted apart.
    """
    from statsmodels.stats.multitest import multipletests

    from nirls.ard.build import row

    found = []
    for comparison in dict.fromkeys(t["key"]["comparison"] for t in tests):
        own = [t for t in tests if t["key"]["comparison"] == comparison and t["prespecified"]]
        if own:
            # what could not be tested stays in the number: the family was planned before it was known
            adjusted = multipletests([1.0 if t["p"] is None else t["p"] for t in own], method="holm")[1]
            known = [(t, p) for t, p in zip(own, adjusted, strict=True) if t["p"] is not None]
            found += [row("p_adjusted", float(p), variable=INTERACTION, **t["key"]) for t, p in known]
            found += [row("text", None, stat_text=family, variable=FAMILY, **t["key"]) for t in own]
            found += [row("n", len(own), variable=FAMILY, **t["key"]) for t in own]
    return found


def holm_words(prespecified: Sequence[str], family: str) -> str:
    """What is adjusted for what, in words; `prespecified` are the labels of the planned variables."""
    if not prespecified:
        return f"no interaction of {family} was pre-specified: all are exploratory, their p-values not adjusted"
    count = f"{len(prespecified)} pre-specified interaction{'s' if len(prespecified) > 1 else ''}"
    return (
        f"Holm p: over {count} of {family} ({'; '.join(prespecified)}), a family of its own for each comparison; the others are "
        "exploratory, their p-values not adjusted"
    )


def label_of(name: str, plan: Plan) -> str:
    """A baseline variable as the study calls it."""
    for known in (plan.study.covariates, plan.study.strata):
        if name in known:
            return str(known[name].label)
    return name


def levels_from(name: str, plan: Plan) -> str:
    """What the levels of a variable are made of: `a number`, `other categories`, or `categories` as collected."""
    study = plan.study
    if name in study.covariates:
        conditions = study.covariates[name].cut
    else:
        stratum = _stratum(name, plan)
        conditions = stratum.derived if stratum is not None else None
    if not conditions:
        return "categories"
    return "a number" if any("<" in c or ">" in c for c in conditions.values()) else "other categories"
