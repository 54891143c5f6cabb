"""Meta-analysis of published comparisons with this trial's own."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from nirls.methods._linear import facts
from nirls.methods.registry import AnalysisData, MethodResult, method
from nirls.plan.base import Id, PlanModel

if TYPE_CHECKING:
    from nirls.literature import Published, Sorted
    from nirls.plan.analysis import Analysis
    from nirls.plan.load import Plan
    from nirls.stats.meta import Mean, Pooled

OWN = "THIS TRIAL"
ALL, PRIOR, UNDERIVED = "all", "without this trial", "without derived figures"
SPLIT = "shared control split"
MEANS = ("common effect", "random effects", "HKSJ", "modified HKSJ")
DOUBT = 0.10
"""p of Q below which a common effect of two studies is in doubt."""
STATS = ("estimate", "std_error", "df", "conf_low", "conf_high", "p_value")


class OwnEstimate(PlanModel):
    """This trial's estimate: a row of one of the analyses named in `uses`."""

    analysis: str = Field(description="Analysis, one of `uses`.")
    comparison: str = Field(description="Comparison as the results name it, such as 'NIR - SHAM'.")
    visit: str = Field(description="Visit.")
    variable: Id = Field("CHG", description="Response.")
    label: str = Field("This trial", description="Name in displays.")


class MetaAnalysisOptions(PlanModel):
    """Options of `meta_analysis`."""

    literature: str = Field(description="File of published results, relative to the repository.")
    kinds: list[str] = Field(description="Kinds of comparison that are pooled (column `kind`).", min_length=1)
    listed: list[str] = Field(default_factory=list, description="Other kinds whose rows are named as left out.")
    outcomes: list[str] = Field(["IRLS total change", "IRLS total"], description="Outcomes that are pooled.", min_length=1)
    own: OwnEstimate | None = Field(None, description="This trial's estimate; none for published results alone.")
    param: Id = Field("IRLSTOT", description="Score whose instrument says which side is better.")
    favours: tuple[str, str] = Field(("treatment", "control"), description="What the two sides of 0 favour, the treatment first.")
    tau2: Literal["REML", "DL", "PM", "ML"] = Field("REML", description="Estimator of the variance between studies.")
    correlations: list[float] = Field(
        [0.3, 0.5, 0.7],
        description="Correlations of baseline and final value, imputed for sensitivity where a row gives both standard deviations.",
    )
    funnel_least: int = Field(10, description="Fewest studies for a test of small-study effects.", ge=3)
    level: float = Field(0.95, description="Confidence level.", gt=0.5, lt=1)

    def cross_check(self, spec: Analysis, plan: Plan) -> Iterator[str]:
        """The own analysis is used, and nothing else is."""
        from nirls.plan.check import unknown

        wanted = [self.own.analysis] if self.own else []
        for name in wanted:
            if name not in spec.uses:
                yield f"own: {unknown('analysis', name, spec.uses)} in `uses`"
        idle = [u for u in spec.uses if u not in wanted]
        if idle:
            yield f"own: no estimate is taken from {', '.join(idle)}, named in `uses`"
        strange = [r for r in self.correlations if not -1 < r < 1]
        if strange:
            yield f"correlations: {', '.join(f'{r:g}' for r in strange)} is no correlation between -1 and 1"
        visits = [v.name for v in plan.study.visits]
        if self.own and self.own.visit not in visits:
            yield f"own: {unknown('visit', self.own.visit, visits)}"


@method("meta_analysis", options=MetaAnalysisOptions, reads=("instruments",))
def meta_analysis(data: AnalysisData, options: MetaAnalysisOptions) -> MethodResult:
    """Pool of published comparisons, with and without this trial: random effects, HKSJ, prediction, heterogeneity, leave-one-out."""
    from nirls.ard.build import row, rows
    from nirls.errors import MethodError
    from nirls.literature import read_literature, sort_out
    from nirls.methods._scales import scale_of
    from nirls.stats.meta import funnel, pool

    direction = scale_of(data, options.param)[0].direction
    file = options.literature
    sorted_rows = sort_out(read_literature(data.plan.root / file, file), options.kinds, options.listed, options.outcomes, file)
    found: list[dict[str, Any]] = []
    studies = {r.id: (r.estimate, r.std_error) for r in sorted_rows.used}
    own, silent = _own(data, options.own)
    if own is not None:
        studies = {OWN: (own["estimate"], own["std_error"])} | studies
    names = list(studies)

    def pooled(members: list[str], why: str = "") -> Pooled | str:
        """The pool of these studies, or why there is none."""
        if len(members) < 2:
            return why or ("one study: nothing to pool" if members else "no study to pool")
        return pool([studies[m][0] for m in members], [studies[m][1] for m in members], options.tau2)

    whole = pooled(names)
    # with two studies the common effect is what is drawn, so the weights are its weights
    shares = [] if isinstance(whole, str) else list(whole.weights if whole.k > 2 else whole.common_weights)
    for i, name in enumerate(names):
        key = {"variable": "study", "variable_level": name}
        estimate, error = studies[name]
        published = next((r for r in sorted_rows.used if r.id == name), None)
        if published is None:
            assert own is not None
            n, low, high = own["n"], own["conf_low"], own["conf_high"]
        else:
            n, low, high = published.n, published.low, published.high
        found.append(row("n", None if n != n else n, error="" if n == n else "the source gives no number", **key))
        found += rows({"estimate": estimate, "std_error": error, "conf_low": low, "conf_high": high}, **key)
        alone = isinstance(whole, str)
        found.append(row("weight_percent", None if alone else 100 * shares[i], error=str(whole) if alone else "", **key))
        found += _texts(published, key) if published is not None else _own_texts(options.own, key)
    for published, why in sorted_rows.left_out:
        key = {"variable": "left out", "variable_level": published.id}
        found += [row("text", None, stat_text=why, **key), *_texts(published, key)]
        for stat, value in (("estimate", published.estimate), ("n", published.n)):
            found += [row(stat, value, **key)] if value == value else []
    if silent:
        found.append(row("text", None, stat_text=silent, variable="left out", variable_level=OWN))
        found += _own_texts(options.own, {"variable": "left out", "variable_level": OWN})

    sets: dict[str, Pooled | str] = {ALL: whole}
    if own is not None:
        sets[PRIOR] = pooled([n for n in names if n != OWN])
    derived = [r.id for r in sorted_rows.used if r.texts["derived"]]
    if derived:
        sets[UNDERIVED] = pooled([n for n in names if n not in derived])
    sizes = {ALL: len(names), PRIOR: len(names) - 1, UNDERIVED: len(names) - len(derived)}
    for of_set, given, touched in _reported(sorted_rows, studies, options.correlations):
        sets[of_set] = pool([e for e, _ in given.values()], [s for _, s in given.values()], options.tau2) if len(given) > 1 else str(whole)
        sizes[of_set] = len(given)
        key = {"variable": "pooled", "variable_level": "changed", "group2": "SET", "group2_level": of_set}
        found.append(row("text", None, stat_text=", ".join(touched), **key))
    if len(names) > 2:
        sets |= {f"without {n}": pooled([m for m in names if m != n]) for n in names if n != OWN}
    for of_set, one in sets.items():
        key = {"group2": "SET", "group2_level": of_set}
        found.append(row("n", sizes.get(of_set, len(names) - 1), variable="pooled", **key))
        found.append(row("text", None, stat_text=_shown(one), variable="pooled", variable_level="shown", **key))
        found += _means(one, options.level, key) + _spread(one, options.level, key)
    try:
        test = funnel(_array(studies[n][0] for n in names), _array(studies[n][1] for n in names), options.funnel_least)
        found += rows({"statistic": test.statistic, "df": test.df, "p_value": test.p_value}, variable="funnel")
    except MethodError as error_:
        found += [row(s, None, error=str(error_), variable="funnel") for s in ("statistic", "df", "p_value")]
    k = len(names)
    notes = []
    if not isinstance(whole, str) and whole.k > 2 and whole.ratio < 1:
        notes.append(
            f"The studies differ less than their errors let expect (ratio {whole.ratio:.2f}), which makes the interval of Hartung, Knapp, "
            "Sidik and Jonkman narrower than the normal one: the interval with a ratio of at least 1 comes first."
        )
    if k == 2:
        notes.append(
            "Two studies: the interval of Hartung, Knapp, Sidik and Jonkman has one degree of freedom (t = 12.7 at 95%) and says next to "
            "nothing. The common effect stands beside it; it holds only if both studies estimate the same effect."
        )
        if not isinstance(whole, str) and whole.q_test()[2] < DOUBT:
            notes.append(
                "The two studies differ by more than their errors explain (Q, p below 0.10): the common effect may describe neither."
            )
    texts = {
        "direction": direction, "tau2": options.tau2, "active": options.favours[0], "control": options.favours[1],
        "outcome": "; ".join(options.outcomes), "kinds": "; ".join(options.kinds), "literature": file,
        "own_arms": options.own.comparison if options.own else "", "own_visit": options.own.visit if options.own else "",
    }  # fmt: skip
    return MethodResult(rows=[*found, row("conf_level", options.level, variable="model"), *facts(texts)], footnotes=tuple(notes))


def _array(values: Any) -> Any:
    import numpy as np

    return np.array(list(values), float)


def _shown(one: Pooled | str) -> str:
    """The estimator that comes first: none without a pool, the common effect of two studies, HKSJ, or HKSJ with the ratio at least 1."""
    if isinstance(one, str):
        return "none"
    return "common effect" if one.k == 2 else "modified HKSJ" if one.ratio < 1 else "HKSJ"


def _reported(
    rows: Sorted, studies: dict[str, tuple[float, float]], correlations: list[float]
) -> Iterator[tuple[str, dict[str, tuple[float, float]], list[str]]]:
    """Sets with other standard errors from what papers report: name, estimate and error by study, the studies that differ.

    With an imputed correlation of baseline and final value; with a control arm that several comparisons share split among them.
    """
    from nirls.stats.reported import error_of_change

    both = {r.id: r.spread for r in rows.used if r.spread is not None and not math.isnan(r.spread[0].baseline_sd)}
    for r in correlations if both else []:
        yield f"r = {r:g}", studies | {key: (studies[key][0], error_of_change(*s, r)) for key, s in both.items()}, list(both)
    errors = rows.split()
    if errors:
        estimates = {r.id: r.estimate for r in (*rows.used, *(r for r, _ in rows.left_out))}
        yield SPLIT, studies | {key: (estimates[key], error) for key, error in errors.items()}, list(errors)


def _own(data: AnalysisData, asked: OwnEstimate | None) -> tuple[dict[str, float] | None, str]:
    """This trial's estimate, or why there is none.

    Raises
    ------
    ConfigError
        If the results hold no such row.
    """
    from nirls.errors import ConfigError

    if asked is None:
        return None, ""
    ard = data.used.get(asked.analysis)
    if ard is None:
        raise ConfigError(f"analyses.yaml: {data.analysis_id}: options: own: the analysis {asked.analysis!r} is not named in `uses`")
    here = ard[(ard["comparison"] == asked.comparison) & (ard["visit"] == asked.visit) & (ard["variable"] == asked.variable)]
    here = here[here["variable_level"] == ""]
    by_name = here.set_index("stat_name")
    if "estimate" not in by_name.index or not by_name.index.is_unique:
        raise ConfigError(
            f"analyses.yaml: {data.analysis_id}: options: own: {asked.analysis} holds {'no' if here.empty else 'several'} estimates "
            f"of {asked.comparison!r} at {asked.visit!r} ({asked.variable}); its comparisons are "
            f"{', '.join(sorted(c for c in ard['comparison'].unique() if c)) or 'none'}"
        )
    value = by_name["stat"]
    if value["estimate"] != value["estimate"]:
        return None, f"no usable estimate: {by_name['error']['estimate']}"
    sizes = ard[(ard["variable"] == "model") & (ard["stat_name"] == "n_subjects")].set_index("group1_level")["stat"]
    n = float(sizes.reindex(asked.comparison.split(" - ")).sum(skipna=False))
    return {"n": n} | {s: float(value[s]) for s in ("estimate", "std_error", "conf_low", "conf_high")}, ""


def _texts(published: Published, key: dict[str, str]) -> list[dict[str, Any]]:
    from nirls.ard.build import row

    t = published.texts
    week = "" if published.week != published.week else f"{published.week:g}"
    said = {c: t[c] for c in ("comparator", "control", "citation", "read", "derived", "notes")} | {"week": week}
    return [row("text", None, stat_text=v, group2="TEXT", group2_level=c, **key) for c, v in said.items() if v]


def _own_texts(own: OwnEstimate | None, key: dict[str, str]) -> list[dict[str, Any]]:
    from nirls.ard.build import row

    assert own is not None
    week = own.visit.removeprefix("Week ")
    said = {"comparator": own.label} | ({"week": week} if week != own.visit else {})
    return [row("text", None, stat_text=v, group2="TEXT", group2_level=c, **key) for c, v in said.items()]


def _means(one: Pooled | str, level: float, key: dict[str, str]) -> list[dict[str, Any]]:
    """Rows of μ by each estimator, and of the prediction interval."""
    from nirls.ard.build import row
    from nirls.errors import MethodError

    key = {"variable": "pooled", **key}
    if isinstance(one, str):
        return [row(s, None, error=one, variable_level=m, **key) for m in MEANS for s in STATS] + [
            row(s, None, error=one, variable_level="prediction", **key) for s in ("conf_low", "conf_high", "df")
        ]
    found = []
    means: dict[str, Mean] = {MEANS[0]: one.common(), MEANS[1]: one.normal(), MEANS[3]: one.hksj(modified=True)}
    try:
        means[MEANS[2]] = one.hksj()
    except MethodError as error:
        found += [row(s, None, error=str(error), variable_level=MEANS[2], **key) for s in STATS]
    for name, mean in ((name, means[name]) for name in MEANS if name in means):
        low, high = mean.ci(level)
        values = dict(zip(STATS, (mean.estimate, mean.std_error, mean.df, low, high, mean.p_value), strict=True))
        for stat, value in values.items():
            if stat == "df" and value == float("inf"):
                continue  # normal
            found.append(row(stat, value, variable_level=name, **key))
    ends: tuple[float | None, ...] = (None, None, None)
    why = ""
    try:
        ends = one.prediction(level)
    except MethodError as error:
        why = str(error)
    names = ("conf_low", "conf_high", "df")
    return found + [row(s, v, error=why, variable_level="prediction", **key) for s, v in zip(names, ends, strict=True)]


def _spread(one: Pooled | str, level: float, key: dict[str, str]) -> list[dict[str, Any]]:
    """Rows of τ², I² by both definitions, and Q."""
    from nirls.ard.build import row, rows

    key = {"variable": "heterogeneity", **key}
    if isinstance(one, str):
        places = {"tau2": ("tau2", "conf_low", "conf_high"), "I2, tau2": ("i_squared", "conf_low", "conf_high"), "I2, Q": ("i_squared",)}
        places["Q"] = ("q_statistic", "df", "p_value")
        return [row(s, None, error=one, variable_level=place, **key) for place, names in places.items() for s in names]
    low, high = one.tau2_ci(level)
    q, df, p = one.q_test()
    return [
        *rows({"tau2": one.tau2, "conf_low": low, "conf_high": high}, variable_level="tau2", **key),
        *rows(
            {"i_squared": one.i_squared(), "conf_low": one.i_squared(low), "conf_high": one.i_squared(high)},
            variable_level="I2, tau2", **key,
        ),
        row("i_squared", one.i_squared_q(), variable_level="I2, Q", **key),
        *rows({"q_statistic": q, "df": df, "p_value": p}, variable_level="Q", **key),
    ]  # fmt: skip
