"""The minimal important change of a score, from a rating of change as the anchor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from nirls.methods._groups import denominators
from nirls.methods._linear import facts
from nirls.methods._scales import account, label_of, scale_of, wide
from nirls.methods.describe import require
from nirls.methods.registry import AnalysisData, MethodResult, method
from nirls.plan.base import Id, PlanModel

if TYPE_CHECKING:
    import pandas as pd

ANCHORED = ("mean_change", "difference", "roc", "predicted", "adjusted")


class McidOptions(PlanModel):
    """Options of `mcid`."""

    score: Id = Field(description="Score of an instrument of the study.")
    response: Id = Field("CHG", description="Change of the score.")
    anchor: Id = Field(description="PARAMCD of the rating of change.")
    improved: list[float] = Field(description="Values of the anchor that mean improved, minimally or more.", min_length=1)
    minimal: list[float] = Field(description="Values that mean minimally improved.", min_length=1)
    unchanged: list[float] = Field(description="Values that mean unchanged.", min_length=1)
    better: str = Field("low", description="End of the anchor that is better: low or high.", pattern="^(low|high)$")
    min_correlation: float = Field(
        0.3, description="Smallest correlation of anchor and change with which an estimate is given.", ge=0, lt=1
    )
    replicates: int = Field(2000, description="Bootstrap samples.", ge=200)
    level: float = Field(0.95, description="Confidence level.", gt=0.5, lt=1)


@method("mcid", options=McidOptions, reads=("instruments", "parameters", "seed"))
def mcid(data: AnalysisData, options: McidOptions) -> MethodResult:
    """Minimal important change: mean change of the minimally improved, ROC, predictive modelling, and half a standard deviation.

    All arms together, at one visit. Results are changes of the score: negative where lower is better. When anchor and change
    correlate less than `min_correlation`, the anchor says too little about the score and no anchor-based estimate is given.
    """
    from nirls.ard.build import row, rows
    from nirls.errors import ConfigError

    require(data.frame, ["PARAMCD", "AVISIT", "AVAL", "BASE", options.response], data.analysis_id)
    instrument, _ = scale_of(data, options.score)
    visits = list(data.frame["AVISIT"].dropna().unique())
    if len(visits) != 1:
        raise ConfigError(f"analyses.yaml: {data.analysis_id}: the method takes one visit, not {', '.join(visits)}; narrow `where`")
    lists = {"improved": options.improved, "minimal": options.minimal, "unchanged": options.unchanged}
    if not set(options.minimal) <= set(options.improved) or set(options.unchanged) & set(options.improved):
        raise ConfigError(
            f"analyses.yaml: {data.analysis_id}: options: `minimal` must be part of `improved` and `unchanged` outside it, not {lists}"
        )
    sign = -1.0 if instrument.direction == "lower_better" else 1.0
    score = wide(data, [options.score], value=options.response)[options.score].rename("change")
    anchor = wide(data, [options.anchor])[options.anchor].rename("anchor")
    pairs = score.to_frame().join(anchor, how="outer").dropna()
    key = {"param": options.score, "visit": str(visits[0])}
    found = denominators(data, total=True)
    found += rows({"n": len(pairs), "n_missing": data.adsl["USUBJID"].nunique() - len(pairs)}, variable="pairs", **key)
    found += account(data, len(pairs), {"Anchor or change missing": data.adsl["USUBJID"].nunique() - len(pairs)})
    for value in sorted(pairs["anchor"].unique()):
        found += _level(pairs.loc[pairs["anchor"] == value, "change"], options.level, variable="anchor", variable_level=f"{value:g}", **key)
    r = _correlation(pairs, sign, -1.0 if options.better == "low" else 1.0)
    found.append(
        row("correlation", r, error="" if r is not None else "anchor or change do not vary, or there are fewer than three subjects",
            variable="correlation", **key)
    )  # fmt: skip
    if r is None or r < options.min_correlation:
        reason = "the correlation of anchor and change is not estimable" if r is None else (
            f"anchor and change correlate {r:.2f}, less than {options.min_correlation:g}: the anchor says too little about the score"
        )  # fmt: skip
        found += [row(s, None, error=reason, variable=name, **key) for name in ANCHORED for s in ("change", "conf_low", "conf_high")]
    else:
        found += _means(pairs, options, key)
        found += _models(pairs, options, sign, data.plan.config.seed, key)
    base = data.frame.loc[data.frame["PARAMCD"] == options.score].drop_duplicates("USUBJID")["BASE"].dropna()
    half = sign * base.std(ddof=1) / 2 if len(base) > 1 else None
    found.append(row("n", len(base), variable="half_sd", **key))
    found.append(row("change", half, error="" if half is not None else "fewer than two baseline values", variable="half_sd", **key))
    found += rows({"conf_level": options.level}, variable="model")
    shown = {k: ", ".join(f"{x:g}" for x in v) for k, v in lists.items()}
    texts = {
        "anchor": f"{label_of(data, options.anchor)} at {visits[0]}: improved {shown['improved']}; minimally improved "
        f"{shown['minimal']}; unchanged {shown['unchanged']}",
        "correlation": "Spearman, of improvement in anchor and score",
        "intervals": f"means: t; ROC and predictive modelling: bootstrap percentiles, {options.replicates} samples of subjects, seed "
        f"{data.plan.config.seed}",
    }
    return MethodResult(rows=found + facts(texts))


def _correlation(pairs: pd.DataFrame, sign: float, anchor_sign: float) -> float | None:
    """Spearman's correlation of improvements."""
    from scipy.stats import spearmanr

    if len(pairs) < 3 or pairs["change"].nunique() < 2 or pairs["anchor"].nunique() < 2:
        return None
    return float(spearmanr(sign * pairs["change"], anchor_sign * pairs["anchor"]).statistic)


def _level(values: pd.Series, level: float, **key: str) -> list[dict[str, Any]]:
    """n, mean, SD and t interval of the change at one value of the anchor."""
    import numpy as np
    from scipy.stats import t

    from nirls.ard.build import row

    n, mean = len(values), float(values.mean())
    sd = float(values.std(ddof=1)) if n > 1 else None
    margin = float(t.ppf((1 + level) / 2, n - 1)) * sd / np.sqrt(n) if sd is not None else None
    stats = {"n": n, "mean": mean, "sd": sd}
    stats |= {"conf_low": None if margin is None else mean - margin, "conf_high": None if margin is None else mean + margin}
    return [row(s, v, error="one subject" if v is None else "", **key) for s, v in stats.items()]


def _means(pairs: pd.DataFrame, options: McidOptions, key: dict[str, str]) -> list[dict[str, Any]]:
    """Mean change of the minimally improved, and its difference from the unchanged (Welch)."""
    import numpy as np
    from scipy.stats import t, ttest_ind

    from nirls.ard.build import row

    a = pairs.loc[pairs["anchor"].isin(options.minimal), "change"].to_numpy()
    b = pairs.loc[pairs["anchor"].isin(options.unchanged), "change"].to_numpy()
    names = ("change", "conf_low", "conf_high")
    found = [row("n", len(a), variable="mean_change", **key), row("n", len(a) + len(b), variable="difference", **key)]
    if len(a) < 2:
        found += [row(s, None, error="fewer than two subjects are minimally improved", variable="mean_change", **key) for s in names]
    else:
        margin = t.ppf((1 + options.level) / 2, len(a) - 1) * a.std(ddof=1) / np.sqrt(len(a))
        found += [
            row(s, v, variable="mean_change", **key) for s, v in zip(names, (a.mean(), a.mean() - margin, a.mean() + margin), strict=True)
        ]
    if min(len(a), len(b)) < 2:
        return found + [
            row(s, None, error="fewer than two subjects are minimally improved or unchanged", variable="difference", **key) for s in names
        ]
    low, high = ttest_ind(a, b, equal_var=False).confidence_interval(options.level)
    return found + [row(s, v, variable="difference", **key) for s, v in zip(names, (a.mean() - b.mean(), low, high), strict=True)]


def _models(pairs: pd.DataFrame, options: McidOptions, sign: float, seed: int, key: dict[str, str]) -> list[dict[str, Any]]:
    """ROC and predictive modelling, as changes of the score."""
    from contextlib import suppress

    from nirls.ard.build import row
    from nirls.errors import MethodError
    from nirls.stats.minimal_change import bootstrap, predicted, roc

    gain, improved = sign * pairs["change"].to_numpy(), pairs["anchor"].isin(options.improved).to_numpy()
    found = [row("n", len(gain), variable=name, **key) for name in ("roc", "predicted", "adjusted")]
    found.append(row("n", int(improved.sum()), variable="improved", **key))
    found.append(row("p", 100 * improved.mean(), unit="%", variable="improved", **key))
    limits: dict[str, tuple[float, float]] = {}
    with suppress(MethodError):  # the estimators below give the reason
        limits = bootstrap(gain, improved, replicates=options.replicates, seed=seed, level=options.level)

    def rows_of(name: str, source: str, value: float | None, reason: str) -> list[dict[str, Any]]:
        ends = sorted(sign * v for v in limits.get(source, (float("nan"), float("nan"))))
        texts = dict.fromkeys(("change", "conf_low", "conf_high"), reason)
        values = dict(zip(texts, (None if value is None else sign * value, *ends), strict=True))
        unsteady = reason or "more than 5 % of the bootstrap samples have no estimate"
        return [
            row(s, None if v is None or v != v else v, error=unsteady if v is None or v != v else "", variable=name, **key)
            for s, v in values.items()
        ]

    try:
        curve = roc(gain, improved)
        found += rows_of("roc", "threshold", curve.threshold, "")
        z = {"sensitivity": curve.sensitivity, "specificity": curve.specificity, "auc": curve.auc, "std_error": curve.auc_se}
        found += [row(s, v, variable="curve", **key) for s, v in z.items()]
    except MethodError as error:
        found += rows_of("roc", "threshold", None, str(error))
    try:
        fit = predicted(gain, improved)
        found += rows_of("predicted", "mic", fit.mic, "") + rows_of("adjusted", "adjusted", fit.adjusted, "")
    except MethodError as error:
        found += rows_of("predicted", "mic", None, str(error)) + rows_of("adjusted", "adjusted", None, str(error))
    return found
