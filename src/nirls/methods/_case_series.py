"""Chance under sham of what a series of treated cases shows: their mean change, and how many of them changed so much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nirls.methods._responses import NOISE

if TYPE_CHECKING:
    import pandas as pd

    from nirls.methods.case_benchmark import CaseBenchmarkOptions, PublishedSeries

SERIES, SOURCE = "SERIES", "SOURCE"
MEAN, BEST, ALL = "mean", "best", "all"
OBSERVED, PREDICTED = "observed", "predicted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Cases that are judged together.

    Attributes
    ----------
    label, source : str
    n : int
        Number of cases.
    baseline, value : float
        Means before treatment and at the week compared.
    pairs : tuple of (float, float)
        Baseline and value of each case; empty where only means are published.
    """

    label: str
    source: str
    n: int
    baseline: float
    value: float
    pairs: tuple[tuple[float, float], ...] = ()


def of_cases(pairs: list[tuple[float, float]]) -> Series:
    """The cases of the file as a series."""
    m = len(pairs)
    mean = [sum(p[i] for p in pairs) / m for i in (0, 1)]
    return Series(label=f"The {m} cases", source="", n=m, baseline=mean[0], value=mean[1], pairs=tuple(pairs))


def of_means(published: PublishedSeries) -> Series:
    """A series of which only means are known."""
    return Series(
        label=published.label, source=published.source, n=published.n, baseline=published.baseline, value=published.value
    )  # fmt: skip


def series_rows(one: Series, sham: pd.DataFrame, options: CaseBenchmarkOptions, better: int, visit: str) -> list[dict[str, Any]]:
    """Rows of a series: its means, the chance of such a mean, and of as many such changes, if its cases were patients of the sham arm."""
    from nirls.ard.build import row

    key = {"variable": "case series", "visit": visit, "group3": SERIES, "group3_level": one.label}
    found = [row("n", one.n, **key)]
    for name, value in (("baseline", one.baseline), ("value", one.value), ("change", one.value - one.baseline)):
        found.append(row("value", value, group2="AT", group2_level=name, **key))
    if one.source:
        found.append(row("text", None, stat_text=one.source, **key))
    return found + _means(one, sham, options, better, key) + (_counts(one, sham, options, better, key) if one.pairs else [])


def _means(one: Series, sham: pd.DataFrame, options: CaseBenchmarkOptions, better: int, key: dict[str, str]) -> list[dict[str, Any]]:
    """Chance of a mean change at least as good in as many patients, predicted from the mean baseline and from published changes."""
    from scipy import stats

    from nirls.ard.build import row, rows
    from nirls.errors import MethodError
    from nirls.stats.benchmark import predict

    change = one.value - one.baseline
    # half a point for whole numbers is half a point divided by m for their mean
    half = better * options.continuity / one.n
    names = ("mean", "sd", "df", "conf_low", "conf_high", "probability")
    own = key | {"variable_level": MEAN, "group2": SOURCE, "group2_level": PREDICTED}
    found: list[dict[str, Any]] = []
    try:
        ahead = predict(sham["BASE"].to_numpy(float), sham["AVAL"].to_numpy(float), one.baseline, one.n)
        p = ahead.chance(one.value - half, better)
        found += rows(dict(zip(names, (ahead.mean, ahead.scale, ahead.df, *ahead.interval(options.level), p), strict=True)), **own)
    except MethodError as error:
        found += [row(s, None, error=str(error), **own) for s in names]
    for published in options.published:
        sd = published.sd / one.n**0.5
        p = float(stats.norm.sf(better * (change - half - published.mean) / sd))
        found += rows({"mean": published.mean, "sd": sd, "probability": p}, **own | {"group2_level": published.label})
    return found


def _counts(one: Series, sham: pd.DataFrame, options: CaseBenchmarkOptions, better: int, key: dict[str, str]) -> list[dict[str, Any]]:
    """Chance that as many of as many patients change so much: at least 1 as the best case, all as the least, k as many as reached it."""
    import pandas as pd
    from scipy import stats

    from nirls.ard.build import row

    m = one.n
    own = pd.DataFrame(list(one.pairs), columns=["BASE", "AVAL"])
    gains = better * (own["AVAL"] - own["BASE"])
    under = better * sham["CHANGE_"]
    # rule → cases of the series, bound of the change that counts, label, subjects of the sham arm who have it
    rules: dict[str, tuple[int, float | None, str, pd.Series]] = {
        BEST: (1, float(better * gains.max()), "", under - gains.max() >= -NOISE),
        ALL: (m, float(better * gains.min()), "", under - gains.min() >= -NOISE),
    }
    for name, what in options.reached.items():
        k = int(what.by(own["BASE"], own["AVAL"], better).sum())
        rules[f"reached: {name}"] = (k, None, what.label, what.by(sham["BASE"], sham["AVAL"], better))
    found = []
    for rule, (k, bound, label, yes) in rules.items():
        here = key | {"variable_level": rule}
        found.append(row("n_events", k, **here))
        found += [row("value", bound, **here)] if bound is not None else [row("text", None, stat_text=label, **here)]
        found += _observed(k, m, int(yes.sum()), len(yes), options, here)
        if bound is None:
            continue
        for published in options.published:
            p = float(stats.norm.sf(better * (bound - better * options.continuity - published.mean) / published.sd))
            found += _chance(k, m, p, "", options, here, published.label)
    return found


def _observed(k: int, m: int, events: int, n: int, options: CaseBenchmarkOptions, key: dict[str, str]) -> list[dict[str, Any]]:
    """The share of the sham arm, and the chance of k of m by it and by its exact limits, in which the chance is monotone."""
    from nirls.ard.build import row, rows
    from nirls.errors import MethodError
    from nirls.stats.benchmark import at_least, exact_limits

    own = key | {"group2": SOURCE, "group2_level": OBSERVED}
    try:
        low, high = exact_limits(events, n, options.level)
    except MethodError as error:
        why = str(error)
        names = ("n_events", "n", "conf_low", "conf_high")
        return [row(s, None, error=why, **own) for s in names] + _chance(k, m, None, why, options, key, OBSERVED)
    found = rows({"n_events": events, "n": n}, **own)
    if k == 0:
        why = "no case of the series has it"
        found += [row(s, None, error=why, **own) for s in ("conf_low", "conf_high")]
        return found + _chance(k, m, None, why, options, key, OBSERVED)
    found += rows({"conf_low": at_least(k, m, low), "conf_high": at_least(k, m, high)}, **own)
    # that none was seen does not make it impossible
    return found + _chance(k, m, events / n if events else None, "" if events else "no such case was seen", options, key, OBSERVED)


def _chance(
    k: int, m: int, p: float | None, why: str, options: CaseBenchmarkOptions, key: dict[str, str], source: str
) -> list[dict[str, Any]]:
    """Chance of at least k of m, and of at least k of the numbers of `best_of`, of whom the series may be a choice."""
    from nirls.ard.build import row
    from nirls.stats.benchmark import at_least

    found = [row("probability", None if p is None else at_least(k, m, p), error=why, group2=SOURCE, group2_level=source, **key)]
    for many in options.best_of:
        chance = None if p is None else at_least(k, many, p)
        found.append(row("probability", chance, error=why, group2=f"BEST OF, {source}", group2_level=str(many), **key))
    return found
