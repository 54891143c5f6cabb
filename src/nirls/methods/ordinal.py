"""Ordered categories by arm, and their comparison with a reference arm."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from nirls.methods._groups import account, denominators
from nirls.methods._linear import arms_and_reference, facts
from nirls.methods.describe import require
from nirls.methods.registry import AnalysisData, MethodResult, method
from nirls.plan.base import Id, PlanModel

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

INTERVAL = ("estimate", "conf_low", "conf_high", "p_value")
TEST = ("statistic", "df", "p_value")
MEASURES = {
    "proportional odds ratio": INTERVAL,
    "proportionality": TEST,
    "row mean score test": TEST,
    "win probability": INTERVAL,
}

SPARSE = "An arm lacks an outer category that occurs in the other: the chi-square reference of this test of proportionality is rough"


class OrdinalOptions(PlanModel):
    """Options of `ordinal`."""

    variable: Id = Field("AVAL", description="Numeric variable that holds the category.")
    levels: dict[str, str] = Field(description="Every value in ascending order → its label.", min_length=2)
    direction: Literal["lower_better", "higher_better"] = Field(description="Whether the lowest or the highest value is the best.")
    strata: list[Id] = Field(
        default_factory=list,
        description="ADSL variables: factors of the proportional odds model, and strata (their combinations) of the row-mean-score test.",
    )
    reference: str | None = Field(None, description="Arm the others are compared with; default: the study's reference.")
    level: float = Field(0.95, description="Confidence level.", gt=0.5, lt=1)

    @model_validator(mode="after")
    def _ordered(self) -> OrdinalOptions:
        try:
            values = [float(v) for v in self.levels]
        except ValueError as error:
            raise ValueError("`levels` must be numbers, each with its label") from error
        if values != sorted(set(values)):
            raise ValueError("`levels` must be in ascending order")
        return self


@method("ordinal", options=OrdinalOptions)
def ordinal(data: AnalysisData, options: OrdinalOptions) -> MethodResult:
    """Categories by arm at one visit; proportional odds, row-mean-score test and win probability against a reference arm."""
    from nirls.ard.build import row, rows
    from nirls.errors import ConfigError, DataError

    group, arms, reference = arms_and_reference(data, options.reference)
    frame, name = data.frame, options.variable
    require(frame, ["USUBJID", "AVISIT", name], data.analysis_id)
    require(data.adsl, options.strata, data.analysis_id)
    visits = sorted(map(str, frame["AVISIT"].dropna().unique()))
    if len(visits) > 1:
        raise ConfigError(f"analyses.yaml: {data.analysis_id}: one AVISIT is analysed, not {', '.join(visits)}; narrow `where`")
    twice = frame.loc[frame["USUBJID"].duplicated(), "USUBJID"].unique()
    if len(twice):
        raise DataError(f"{data.analysis_id}: a subject may have one record; more than one for {', '.join(map(str, twice[:10]))}")
    code = {float(v): i for i, v in enumerate(options.levels)}
    strange = frame.loc[frame[name].notna() & ~frame[name].isin(code), ["USUBJID", name]]
    if len(strange):
        first = strange.iloc[0]
        raise DataError(
            f"{data.analysis_id}: {name} = {first[name]:g} of {first['USUBJID']} is not among the levels {', '.join(options.levels)}"
            f"{f', nor are {len(strange) - 1} more values' if len(strange) > 1 else ''}; correct the data or options.levels"
        )
    seen = frame.loc[frame[name].notna()].set_index("USUBJID")[name]
    subjects = data.adsl.set_index("USUBJID")
    gaps = subjects.loc[subjects.index.isin(seen.index), options.strata].isna().any(axis=1)
    if gaps.any():
        raise DataError(f"{data.analysis_id}: no value of {', '.join(options.strata)} for {', '.join(map(str, gaps.index[gaps][:10]))}")

    found = denominators(data, total=False)
    values = subjects.assign(category=seen.map(code).reindex(subjects.index))
    visit = visits[0] if visits else ""
    for arm in arms:
        mine = values.loc[values[group] == arm, "category"]
        key = {"group1": group, "group1_level": arm, "visit": visit}
        size = int(mine.notna().sum())
        found += rows({"n": size, "n_missing": len(mine) - size}, variable=name, **key)
        for i, label in enumerate(options.levels.values()):
            n = int((mine == i).sum())
            level = {"variable": "category", "variable_level": label}
            found.append(row("n", n, **level, **key))
            share = 100 * n / size if size else None
            found.append(row("p", share, error="" if size else "no subject of the arm has a value", unit="%", **level, **key))
    for arm in (a for a in arms if a != reference):
        pair = values[values[group].isin([arm, reference]) & values["category"].notna()]
        best = pair["category"].astype(int).to_numpy()
        best = best if options.direction == "lower_better" else len(code) - 1 - best  # 0 is the best from here on
        treated = (pair[group] == arm).to_numpy()
        factors = pair[options.strata].astype("str")
        key = {"variable": name, "group1": group, "group1_level": arm, "comparison": f"{arm} - {reference}", "visit": visit}
        for measure, (numbers, reason) in _compare(best, treated, factors, len(code), (arm, reference), options.level).items():
            rough = SPARSE if measure == "proportionality" and numbers and _sparse(best, treated) else ""
            for stat in MEASURES[measure]:
                value = numbers.get(stat, math.nan)
                lacks = math.isnan(value)
                key |= {"variable_level": measure, "error": reason if lacks else "", "warning": rough if stat == "p_value" else ""}
                found.append(row(stat, None if lacks else value, **key))
    found += account(subjects[group], [s for s in subjects.index if s not in set(seen.index)], arms, group)
    found += rows({"conf_level": options.level}, variable="model")
    by = [data.plan.study.strata[s].label if s in data.plan.study.strata else s for s in options.strata]
    texts = {
        "missing": "subjects without a value are left out",
        "proportional odds ratio": "of being in a better category, cumulative logit model of each pair of arms"
        + (f" with {', '.join(by)}" if by else "")
        + ", Wald interval; above 1 favours the active arm",
        "proportionality": "likelihood ratio test against a treatment effect that differs by threshold",
        "row mean score test": f"Cochran–Mantel–Haenszel, scores 1 to {len(code)}" + (f", strata {', '.join(by)}" if by else ""),
        "win probability": "probability of a better category than in the reference arm, ties half; logit interval with the variance from "
        "placements (Brunner and Munzel); not stratified; above 0.5 favours the active arm",
    }
    return MethodResult(rows=found + facts(texts))


def _compare(
    best: np.ndarray, treated: np.ndarray, factors: pd.DataFrame, categories: int, arms: tuple[str, str], level: float
) -> dict[str, tuple[dict[str, float], str]]:
    """Measure → its numbers and why any of them is missing; category 0 is the best."""
    import numpy as np

    from nirls.stats.ordered_groups import row_mean_score, win_probability

    sizes = (int(treated.sum()), int((~treated).sum()))
    if min(sizes) < 2:
        few = [arm for arm, n in zip(arms, sizes, strict=True) if n < 2]
        return dict.fromkeys(MEASURES, ({}, f"fewer than two subjects of {' and '.join(few)} have a value"))
    out = _model(best, treated, factors, level)
    stratum = factors.agg(", ".join, axis=1).to_numpy() if factors.shape[1] else np.full(best.size, "")
    counts = np.zeros((len(np.unique(stratum)), 2, categories))
    np.add.at(counts, (np.unique(stratum, return_inverse=True)[1], (~treated).astype(int), best), 1)
    scores = row_mean_score(counts, np.arange(1, categories + 1))
    out["row mean score test"] = (
        {"statistic": scores.statistic, "df": float(scores.df), "p_value": scores.p_value},
        "all subjects of a stratum are in one arm or in one category",
    )
    win = win_probability(*counts.sum(axis=0))
    low, high = win.ci(level)
    out["win probability"] = (
        {"estimate": win.estimate, "conf_low": low, "conf_high": high, "p_value": win.p_value},
        "the categories of the two arms do not overlap, or do not vary",
    )
    return out


def _sparse(best: np.ndarray, treated: np.ndarray) -> bool:
    """True when the best or the worst category that occurs is empty in one arm: an effect at its threshold is then infinite."""
    return best[treated].min() != best[~treated].min() or best[treated].max() != best[~treated].max()


def _model(best: np.ndarray, treated: np.ndarray, factors: pd.DataFrame, level: float) -> dict[str, tuple[dict[str, float], str]]:
    """Proportional odds ratio of a better category, and the test of proportionality."""
    import numpy as np

    from nirls.errors import ConvergenceError
    from nirls.stats.contrasts import Contrasts
    from nirls.stats.ordinal import cumulative_logit

    occurring, y = np.unique(best, return_inverse=True)
    names = ("proportional odds ratio", "proportionality")
    if occurring.size < 2:
        return dict.fromkeys(names, ({}, "all subjects of the two arms are in one category"))
    dummies = [(factors[c] == v).to_numpy(float) for c in factors for v in sorted(factors[c].unique())[1:]]
    others = np.column_stack(dummies) if dummies else np.zeros((y.size, 0))
    x = np.column_stack([treated.astype(float), others])
    try:
        fit = cumulative_logit(y, x)
    except ConvergenceError as error:
        return dict.fromkeys(names, ({}, str(error)))
    wald = Contrasts(estimate=-fit.beta[:1], std_error=fit.beta_std_error[:1], df=np.array([np.inf]))
    (low,), (high,) = wald.ci(level)
    odds = {"estimate": math.exp(-fit.beta[0]), "conf_low": math.exp(low), "conf_high": math.exp(high), "p_value": float(wald.p_value[0])}
    found: dict[str, tuple[dict[str, float], str]] = {names[0]: (odds, "")}
    if occurring.size == 2:
        return found | {names[1]: ({}, "two categories have one threshold: there is nothing to test")}
    try:
        free = cumulative_logit(y, others, x[:, :1], finite=False)
    except ConvergenceError as error:
        return found | {names[1]: ({}, str(error))}
    from scipy import special

    statistic, df = max(0.0, 2 * (free.loglike - fit.loglike)), occurring.size - 2
    return found | {names[1]: ({"statistic": statistic, "df": float(df), "p_value": float(special.chdtrc(df, statistic))}, "")}
