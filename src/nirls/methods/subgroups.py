"""Effects of treatment in subgroups of a baseline variable, from a mixed model, with tests of interaction."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pydantic import Field

from nirls.methods._arm_means import visit_problems
from nirls.methods._groups import denominators
from nirls.methods._linear import facts
from nirls.methods._mixed import fit_mixed, model_rows
from nirls.methods._subgroups import (
    EFFECT,
    INTERACTION,
    OVERALL,
    Subgroup,
    holm_rows,
    holm_words,
    label_of,
    levels_from,
    levels_of,
    no_value,
    pool_problems,
    subgroup_problems,
    too_small,
)
from nirls.methods.mmrm import MMRMOptions
from nirls.methods.registry import AnalysisData, MethodResult, method

if TYPE_CHECKING:
    import numpy as np

    from nirls.methods._mixed import Mixed
    from nirls.plan.analysis import Analysis
    from nirls.plan.load import Plan

SHRUNK, DIRECTION, PROGNOSIS, CELL, CREDIBILITY = "shrunken effect", "qualitative interaction", "prognostic", "cell", "credibility"
GAP = ("estimate", "std_error", "conf_low", "conf_high")
"""The difference of the effects of two levels."""


class SubgroupsOptions(MMRMOptions):
    """Options of `subgroups`: those of `mmrm`, the variables, and the comparison."""

    at_visit: str = Field(description="Visit of the effects.")
    subgroups: list[Subgroup] = Field(description="Variables in order.", min_length=1)
    pools: dict[str, list[str]] = Field(
        description="Comparison with the reference: name → arms, averaged with equal weights.", min_length=1
    )
    min_per_arm: int = Field(
        10,
        description="A level is not estimated if any arm, each arm of a pool, has fewer subjects with a value at the visit.",
        ge=2,
    )

    def cross_check(self, spec: Analysis, plan: Plan) -> Iterator[str]:
        """Visit and arms are those of the study; the variables are from baseline."""
        yield from visit_problems(self.at_visit, [a for arms in self.pools.values() for a in arms], spec.arms or plan.study.arms, plan)
        yield from pool_problems(self.pools, self.reference or plan.study.reference)
        yield from subgroup_problems(self.subgroups, plan)


@method("subgroups", options=SubgroupsOptions, outcome="repeated mean")
def subgroups(data: AnalysisData, options: SubgroupsOptions) -> MethodResult:
    """Effect in each level of baseline variables (treatment × level × visit), interaction tests, shrunken effects, Gail–Simon test."""
    from nirls.ard.build import row
    from nirls.errors import ConfigError

    whole = fit_mixed(data, options)
    if options.at_visit not in whole.visits:
        raise ConfigError(f"analyses.yaml: {data.analysis_id}: options: {options.at_visit!r} is not a visit of the selected records")
    found = denominators(data, total=False)
    sizes = _sizes(whole, options, None)
    for label, arms in options.pools.items():
        key = {"variable": OVERALL, "comparison": _name(label, whole.reference), "visit": options.at_visit}
        found += _counts(sizes, arms, whole.reference, key)
        found += _effect(whole, options, arms, None, None, key)[0]
    effects: dict[str, list[tuple[dict[str, str], float, float]]] = {label: [] for label in options.pools}
    tests: list[dict[str, Any]] = []
    for item in options.subgroups:
        rows, own, tested = _variable(data, options, item, whole.reference)
        found += rows + _credibility(item, data.plan)
        tests += tested
        for label, values in own.items():
            effects[label] += values
    found += holm_rows(tests, "groups")
    for values in effects.values():
        found += _shrunken(values, options)
    told, footnotes = model_rows(data, options, whole)
    words = {
        "at": options.at_visit,
        "least": f"not estimated where any arm, each arm of a pool included, has fewer than {options.min_per_arm} subjects with a value at "
        f"{options.at_visit.lower()} in the level: a pool is the mean of its arms with equal weights",
        "subgroup_model": f"{whole.formula} + the variable and its interactions with treatment, visit and both; a model for each",
        "shrinkage": "empirical Bayes: each level drawn to the common mean of the levels of its variable, by a variance between levels "
        "estimated by REML over all variables",
        "multiplicity": holm_words([label_of(i.variable, data.plan) for i in options.subgroups if i.prespecified], "groups"),
    }
    footnotes = (
        *footnotes,
        "No p-values within subgroups: whether effects differ is what the interaction tests.",
        f"Subgroup variables: {len(options.subgroups)}, of them pre-specified {sum(i.prespecified for i in options.subgroups)}.",
    )
    found += [row("n", len(options.subgroups), variable="model", variable_level="subgroup variables")]
    return MethodResult(rows=found + told + facts(words), footnotes=footnotes)


def _name(label: str, reference: str) -> str:
    return f"{label} - {reference}"


def _variable(
    data: AnalysisData, options: SubgroupsOptions, item: Subgroup, reference: str
) -> tuple[list[dict[str, Any]], dict[str, list[tuple[dict[str, str], float, float]]], list[dict[str, Any]]]:
    """Rows of one variable, its effects by comparison, and its tests of interaction (adjusted later)."""
    from dataclasses import replace

    import numpy as np
    import pandas as pd

    from nirls.ard.build import row
    from nirls.errors import MethodError
    from nirls.stats.contrasts import Contrasts
    from nirls.stats.subgroups import qualitative

    name = item.variable
    levels = levels_of(data, name)
    frame = data.frame[data.frame[name].notna()]
    frame = frame.assign(**{name: pd.Categorical(frame[name], categories=levels)})
    found = no_value(data, name)
    group = str(data.spec.group)
    own_effects: dict[str, list[tuple[dict[str, str], float, float]]] = {label: [] for label in options.pools}
    tests: list[dict[str, Any]] = []
    present = [level for level in levels if (frame[name] == level).any()]
    frame = frame.assign(**{name: frame[name].cat.set_categories(present)})
    visit = options.visit
    interactions = [f"{name}:{group}", f"{name}:{visit}", f"{name}:{group}:{visit}"]
    rest = [c for c in options.covariates if c != name]
    # the variable and its interactions enter as covariates; with `drop` an empty cell leaves the others estimable
    wider = options.model_copy(
        update={"covariates": [*rest, name], "by_visit": [c for c in options.by_visit if c != name], "rank_deficient": "drop"}
    )
    mixed: Mixed | None = None
    failure = "" if len(present) > 1 else f"all subjects have the same {name}"
    if not failure:
        mixed = fit_mixed(replace(data, frame=frame.reset_index(drop=True)), wider, extra=interactions)
        failure = mixed.failure
    cells = {level: _sizes(mixed, options, (name, level), options.at_visit) if mixed is not None else {} for level in levels}
    if mixed is not None:
        place = {"variable": CELL, "visit": options.at_visit, "group1": group, "group2": name}
        found += [row("n", n, group1_level=a, group2_level=level, **place) for level in levels for a, n in cells[level].items()]
    for label, arms in options.pools.items():
        comparison = _name(label, reference)
        rows, errors, names = [], [], []
        for level in levels:
            key = {"variable": EFFECT, "comparison": comparison, "visit": options.at_visit, "group2": name, "group2_level": level}
            counts = _sizes(mixed, options, (name, level)) if mixed is not None else {}
            found += _counts(counts, arms, reference, key)
            reason = failure or too_small(cells[level], [reference, *arms], options.min_per_arm)
            if reason:
                found.append(row("estimate", None, error=reason, **key))
                continue
            assert mixed is not None
            told, hypothesis, values = _effect(mixed, options, arms, name, level, key)
            found += told
            if hypothesis is not None and values is not None:
                rows.append(hypothesis)
                names.append(level)
                errors.append(values)
                own_effects[label].append((key, *values))
        key = {"comparison": comparison, "visit": options.at_visit, "group2": name}
        marks = {"n": float(len(rows)), "rejected": float(item.prespecified)}
        found += [row(s, v, variable=INTERACTION, **key) for s, v in marks.items()]
        if mixed is None or mixed.fit is None or len(rows) < 2:
            reason = failure or "fewer than two levels are estimated"
            found += [row(s, None, error=reason, variable=INTERACTION, **key) for s in ("p_value", *GAP)]
            tests.append({"key": key, "p": None, "prespecified": item.prespecified})
            continue
        try:
            test = mixed.fit.test(np.vstack([r - rows[0] for r in rows[1:]]))
            if isinstance(test, Contrasts):  # of two levels, t
                statistic, df, p = float(test.statistic[0]) ** 2, float(test.df[0]), float(test.p_value[0])
            else:
                statistic, df, p = test.statistic, test.den_df, test.p_value
        except MethodError as error:
            found += [row(s, None, error=str(error), variable=INTERACTION, **key) for s in ("p_value", *GAP)]
            tests.append({"key": key, "p": None, "prespecified": item.prespecified})
            continue
        joint = {"f_statistic": statistic, "num_df": float(len(rows) - 1), "den_df": df, "p_value": p}
        found += [row(s, v, variable=INTERACTION, **key) for s, v in joint.items()]
        if len(rows) == 2:
            one = mixed.fit.t_tests(rows[0] - rows[1])
            low, high = one.ci(options.level)
            numbers = dict(zip(GAP, (one.estimate[0], one.std_error[0], low[0], high[0]), strict=True))
            found += [row(s, float(v), variable=INTERACTION, **key) for s, v in numbers.items()]
            found.append(row("text", None, variable=INTERACTION, stat_text=f"{names[0]}|{names[1]}", **key))
        else:
            found += [row(s, None, error="more than two levels", variable=INTERACTION, **key) for s in GAP]
        tests.append({"key": key, "p": p, "prespecified": item.prespecified})
        turned = qualitative([e for e, _ in errors], [s for _, s in errors])
        found += [row("statistic", turned.statistic, variable=DIRECTION, **key), row("p_value", turned.p_value, variable=DIRECTION, **key)]
    if mixed is not None and mixed.fit is not None:
        found += _prognostic(mixed, options, name, present, reference)
    return found, own_effects, tests


def _credibility(item: Subgroup, plan: Plan) -> list[dict[str, Any]]:
    """What the plan says that makes a difference between levels more or less credible: one text each, none where it says nothing."""
    from nirls.ard.build import row

    told = {"larger": item.larger, "why": item.why, "evidence": item.evidence, "levels": levels_from(item.variable, plan), "cut": item.cut}
    place = {"variable": CREDIBILITY, "group2": item.variable}
    return [row("text", None, variable_level=name, stat_text=text, **place) for name, text in told.items() if text]


def _sizes(mixed: Mixed, options: SubgroupsOptions, level: tuple[str, str] | None, visit: str | None = None) -> dict[str, int]:
    """Subjects in the model by arm, of one level or all, with a value at a visit or at any."""
    seen = mixed.frame[mixed.entered]
    if visit is not None:
        seen = seen[seen[options.visit] == visit]
    if level is not None:
        seen = seen[seen[level[0]] == level[1]]
    return {str(arm): int(n) for arm, n in seen.groupby(mixed.group, observed=False)[options.subject].nunique().items()}


def _counts(sizes: dict[str, int], arms: list[str], reference: str, key: dict[str, str]) -> list[dict[str, Any]]:
    from nirls.ard.build import row

    return [row("n_subjects", sum(sizes.get(a, 0) for a in arms), **key), row("n_reference", sizes.get(reference, 0), **key)]


def _hypothesis(mixed: Mixed, options: SubgroupsOptions, arms: list[str], name: str | None, level: str | None) -> np.ndarray | None:
    """The average of the arms less the reference as a row over the coefficients; None where it is not estimable."""
    import numpy as np

    from nirls.models.reference_grid import marginal_rows

    fit = mixed.fit
    if fit is None:
        return None
    factors = [*([name] if name else []), options.visit, mixed.group]
    keys, rows = marginal_rows(fit.design, factors, options.margins)
    own = keys[options.visit].astype("str") == options.at_visit
    if name is not None:
        own &= keys[name].astype("str") == level
    place = {str(a): i for i, a in zip(np.flatnonzero(own), keys.loc[own, mixed.group], strict=True)}
    if any(a not in place for a in [*arms, mixed.reference]):
        return None
    row = np.mean([rows[place[a]] for a in arms], axis=0) - rows[place[mixed.reference]]
    return row[fit.design.kept] if bool(fit.design.estimable(row[None, :])[0]) else None


def _effect(
    mixed: Mixed, options: SubgroupsOptions, arms: list[str], name: str | None, level: str | None, key: dict[str, str]
) -> tuple[list[dict[str, Any]], np.ndarray | None, tuple[float, float] | None]:
    """Rows of the effect without a p-value (but overall), its hypothesis, and (estimate, standard error)."""
    from nirls.ard.build import row, rows

    hypothesis = _hypothesis(mixed, options, arms, name, level)
    if hypothesis is None or mixed.fit is None:
        reason = mixed.failure or "the effect is not estimable: an arm has no value at this visit in this level"
        return [row("estimate", None, error=reason, **key)], None, None
    one = mixed.fit.t_tests(hypothesis)
    low, high = one.ci(options.level)
    values = {"estimate": one.estimate[0], "std_error": one.std_error[0], "df": one.df[0], "conf_low": low[0], "conf_high": high[0]}
    if name is None:
        values["p_value"] = one.p_value[0]
    told = rows({s: float(v) for s, v in values.items()}, **key)
    return told, hypothesis, (float(one.estimate[0]), float(one.std_error[0]))


def _prognostic(mixed: Mixed, options: SubgroupsOptions, name: str, levels: list[str], reference: str) -> list[dict[str, Any]]:
    """Course under the reference: each level less the first, without treatment in it."""
    import numpy as np

    from nirls.ard.build import row, rows
    from nirls.models.reference_grid import marginal_rows

    fit = mixed.fit
    assert fit is not None
    keys, grid = marginal_rows(fit.design, [name, options.visit, mixed.group], options.margins)
    own = (keys[options.visit].astype("str") == options.at_visit) & (keys[mixed.group].astype("str") == reference)
    place = {str(v): i for i, v in zip(np.flatnonzero(own), keys.loc[own, name], strict=True)}
    found = []
    for level in levels[1:]:
        key = {
            "variable": PROGNOSIS,
            "group2": name,
            "group2_level": level,
            "visit": options.at_visit,
            "comparison": f"{level} - {levels[0]}",
        }
        if level not in place or levels[0] not in place:
            continue
        line = grid[place[level]] - grid[place[levels[0]]]
        if not bool(fit.design.estimable(line[None, :])[0]):
            found.append(row("estimate", None, error="not estimable", **key))
            continue
        one = fit.t_tests(line[fit.design.kept])
        low, high = one.ci(options.level)
        found += rows({"estimate": float(one.estimate[0]), "conf_low": float(low[0]), "conf_high": float(high[0])}, **key)
    return found


def _shrunken(values: list[tuple[dict[str, str], float, float]], options: SubgroupsOptions) -> list[dict[str, Any]]:
    """Every estimated level drawn to the common mean of the levels of its variable."""
    from scipy.special import ndtri

    from nirls.ard.build import row, rows
    from nirls.stats.subgroups import shrink

    sets = [[v for v in values if v[0]["group2"] == name] for name in dict.fromkeys(v[0]["group2"] for v in values)]
    sets = [own for own in sets if len(own) > 1]
    if not sets:
        return []
    shrunken = shrink([[e for _, e, _ in own] for own in sets], [[s for _, _, s in own] for own in sets])
    half = float(ndtri(0.5 + options.level / 2))
    found = []
    for own, estimates, errors in zip(sets, shrunken.estimate, shrunken.std_error, strict=True):
        for (key, _, _), e, s in zip(own, estimates, errors, strict=True):
            numbers = {"estimate": e, "std_error": s, "conf_low": e - half * s, "conf_high": e + half * s}
            found += rows({n: float(v) for n, v in numbers.items()}, **(key | {"variable": SHRUNK}))
    return [*found, row("tau", shrunken.tau, variable=SHRUNK, comparison=sets[0][0][0]["comparison"])]
