"""The effect of treatment along a continuous marker of baseline, and where it differs from zero."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from nirls.methods._groups import denominators
from nirls.methods._linear import arms_and_reference, exclusions, facts, one_visit
from nirls.methods._subgroups import INTERACTION, baseline_problems, holm_rows, holm_words, label_of, pool_problems
from nirls.methods.describe import require
from nirls.methods.registry import AnalysisData, MethodResult, method
from nirls.plan.base import Id, PlanModel

if TYPE_CHECKING:
    import pandas as pd

    from nirls.plan.analysis import Analysis
    from nirls.plan.load import Plan

ROOTS, REGION, CURVE, RANGE = "root", "region", "curve", "range"
BANDS = ("pointwise", "simultaneous")
SIDE, MARKER, BENT = "SIDE_", "MARKER_", "BENT_"
BEND, BENT_CURVE = "non-linearity", "spline curve"
KNOTS = (0.1, 0.5, 0.9)
"""Quantiles of the knots: Harrell's for three (Regression modeling strategies, 2nd ed., table 2.3)."""


class Marker(PlanModel):
    """A continuous marker."""

    variable: Id = Field(description="Numeric covariate of study.yaml.")
    scale: Literal["linear", "log"] = Field("linear", description="Scale on which the effect is a straight line; log is base 2.")
    per: float = Field(1.0, description="The interaction is for so many units more (linear).", gt=0)
    without: list[Id] = Field([], description="Covariates left out of its model, since the marker is the same quantity.")
    shape: Literal["linear", "spline"] = Field(
        "linear",
        description="`spline` adds a model whose effect is a natural cubic spline (knots at the 10th, 50th and 90th percentile), and "
        "its test against the straight line.",
    )
    prespecified: bool = Field(False, description="True if it was planned before the data were seen; else exploratory.")


class JohnsonNeymanOptions(PlanModel):
    """Options of `johnson_neyman`."""

    response: Id = Field("CHG", description="Outcome.")
    covariates: list[Id] = Field(["BASE"], description="Baseline covariates; text is a factor, numbers are linear.")
    markers: list[Marker] = Field(description="Markers in order, one model each.", min_length=1)
    pool: dict[str, list[str]] = Field(description="The treated side: its name → its arms, as one group.", min_length=1, max_length=1)
    visit: Id = Field("AVISIT", description="Visit; the records are of one.")
    subject: Id = Field("USUBJID", description="Subject.")
    reference: str | None = Field(None, description="Arm they are compared with; default: the study's reference.")
    points: int = Field(41, description="Values of the marker at which the curve is given, from its 5th to its 95th percentile.", ge=11)
    level: float = Field(0.95, description="Confidence level.", gt=0.5, lt=1)

    def cross_check(self, spec: Analysis, plan: Plan) -> Iterator[str]:
        """The markers are numbers from baseline, the arms are of the study."""
        from nirls.plan.check import unknown

        for marker in self.markers:
            yield from baseline_problems(marker.variable, plan, "a marker")
            item = plan.study.covariates.get(marker.variable)
            if item is not None and (item.levels is not None or item.cut is not None):
                yield f"markers: {marker.variable} has levels; use the method subgroups"
        allowed = spec.arms or [a for a, arm in plan.study.arms.items() if not arm.not_an_arm]
        for arms in self.pool.values():
            for arm in arms:
                if arm not in allowed:
                    yield f"pool: {unknown('arm', arm, allowed)}"
        yield from pool_problems(self.pool, self.reference or plan.study.reference, "pool")
        names = [m.variable for m in self.markers]
        twice = [n for n in dict.fromkeys(names) if names.count(n) > 1]
        if twice:
            yield f"markers: {', '.join(twice)} is named twice; name it once"


@method("johnson_neyman", options=JohnsonNeymanOptions, outcome="mean")
def johnson_neyman(data: AnalysisData, options: JohnsonNeymanOptions) -> MethodResult:
    """Effect along continuous baseline markers: interaction, Johnson–Neyman values with pointwise and simultaneous bands, curves."""
    import numpy as np

    from nirls.ard.build import row

    require(data.frame, [options.response, *options.covariates, *(m.variable for m in options.markers)], data.analysis_id)
    group, _, reference = arms_and_reference(data, options.reference)
    label, arms = next(iter(options.pool.items()))
    at = one_visit(data, options.visit, options.subject)
    sides = data.frame[data.frame[group].isin([*arms, reference])]
    found = denominators(data, total=False)
    tests: list[dict[str, Any]] = []
    for marker in options.markers:
        own = _marker(sides, marker, label, arms, group, reference, options)
        p = next((r["stat"] for r in own if r["variable"] == INTERACTION and r["stat_name"] == "p_value"), None)
        key = {"group2": "marker", "group2_level": marker.variable, "comparison": f"{label} - {reference}"}
        tests.append({"key": key, "p": p, "prespecified": marker.prespecified})
        found += own
    found += holm_rows(tests, "markers")
    found += exclusions(
        data, subject=options.subject, response=options.response, group=group, baseline="BASE", covariates=options.covariates,
        absent="No value at this visit",
    )  # fmt: skip
    found.append(row("conf_level", options.level, variable="model"))
    texts = {
        "formula": "least squares, a straight line in the marker, one model for each",
        "ddf": "residual",
        "at": at,
        "pool": f"{label}: {', '.join(arms)} as one group",
        **(
            {"spline": "natural cubic spline with knots at the 10th, 50th and 90th percentile of the marker; pointwise limits"}
            if any(m.shape == "spline" for m in options.markers)
            else {}
        ),
        "multiplicity": holm_words([label_of(m.variable, data.plan) for m in options.markers if m.prespecified], "markers"),
        "bands": "pointwise: t, for one value of the marker; simultaneous: √(2F(2, df)), for all values at once",
    }
    footnotes = (
        f"{int(np.isin(data.adsl[group].astype('str'), [*arms, reference]).sum())} of {len(data.adsl)} subjects of the set are on one of "
        "the sides.",
    )
    return MethodResult(rows=found + facts(texts), footnotes=footnotes)


def _marker(
    sides: pd.DataFrame, marker: Marker, label: str, arms: list[str], group: str, reference: str, options: JohnsonNeymanOptions
) -> list[dict[str, Any]]:
    import numpy as np
    import pandas as pd

    from nirls.ard.build import row, rows
    from nirls.errors import DataError, MethodError
    from nirls.models.ancova import ancova
    from nirls.stats.contrasts import Contrasts
    from nirls.stats.johnson_neyman import EffectLine

    comparison = f"{label} - {reference}"
    key = {"group2": "marker", "group2_level": marker.variable, "comparison": comparison}
    value = sides[marker.variable].astype(float)
    if marker.scale == "log" and (value <= 0).any():
        who = sides.loc[value <= 0].iloc[0]
        raise DataError(
            f"{marker.variable} of {who[options.subject]} is {who[marker.variable]:g}: a logarithm needs values above 0; "
            "correct it, or use scale: linear"
        )
    covariates = [c for c in options.covariates if c not in (*marker.without, marker.variable)]
    frame = sides.assign(
        **{SIDE: pd.Categorical(np.where(sides[group] == reference, reference, label), categories=[reference, label])},
        **{MARKER: np.log2(value) if marker.scale == "log" else value},
    )
    whole = frame[[options.response, *covariates]].notna().all(axis=1)
    used = frame[whole & frame[MARKER].notna()]
    found = [
        row("n_subjects", len(used), variable=RANGE, **key),
        row("n_missing", int((whole & frame[MARKER].isna()).sum()), variable=RANGE, **key),
        row("rejected", float(marker.prespecified), variable=INTERACTION, **key),
    ]
    formula = f"{options.response} ~ {' + '.join([*covariates, f'treatment * {marker.variable}'])}"
    found.append(row("text", None, stat_text=f"{formula} (log2)" if marker.scale == "log" else formula, variable="formula", **key))
    try:
        if (used[SIDE].value_counts() < 2).any():
            raise MethodError("the marker is not known on one of the sides")
        if used[MARKER].nunique() < 2:
            raise MethodError("the marker has one value")
        if (used.groupby(SIDE, observed=False)[MARKER].nunique() < 2).any():
            raise MethodError("the marker has one value on one of the sides")
        fit = ancova(f"{options.response} ~ {' + '.join([*covariates, f'{SIDE} * {MARKER}'])}", used)
    except MethodError as error:
        return [*found, *(row(s, None, error=str(error), variable=INTERACTION, **key) for s in ("estimate", "p_value"))]
    columns = list(fit.design.columns)
    slope = f"{SIDE}[T.{label}]:{MARKER}"
    places = [columns.index(f"{SIDE}[T.{label}]"), columns.index(slope)]
    cov = fit.cov_params().to_numpy()[np.ix_(places, places)]
    line = EffectLine(b0=float(fit.beta[places[0]]), b1=float(fit.beta[places[1]]), cov=cov, df=fit.df)
    test = fit.test((np.array(columns) == slope).astype(float)[None, :])
    assert isinstance(test, Contrasts)
    per = marker.per if marker.scale == "linear" else 1.0
    low, high = test.ci(options.level)
    values = {
        "estimate": per * test.estimate[0], "std_error": per * test.std_error[0], "df": test.df[0], "conf_low": per * low[0],
        "conf_high": per * high[0], "p_value": test.p_value[0],
    }  # fmt: skip
    found += rows({k: float(v) for k, v in values.items()}, variable=INTERACTION, **key)

    def back(x: float) -> float:
        return float(2**x) if marker.scale == "log" else float(x)

    seen = used[MARKER].to_numpy()
    least, most = float(seen.min()), float(seen.max())
    found += rows({"min": back(least), "max": back(most)}, variable=RANGE, **key)
    unit = f"doubling of {marker.variable}" if marker.scale == "log" else f"{per:g} more"
    found.append(row("text", None, stat_text=unit, variable=RANGE, **key))
    for band in BANDS:
        ends = line.roots(band, options.level)  # type: ignore[arg-type]
        own = key | {"variable": ROOTS, "group3": "band", "group3_level": band}
        for name, i in (("root_low", 0), ("root_high", 1)):
            known = i < len(ends) and least <= ends[i] <= most
            reason = "" if known else "outside the range of the data" if i < len(ends) else "the band touches 0 nowhere"
            found.append(row(name, back(ends[i]) if known else None, error=reason, **own))
        parts = line.regions(band, least, most, options.level)  # type: ignore[arg-type]
        for i, (a, b) in enumerate(parts, start=1):
            side = float(line.at((a + b) / 2)[0])
            values = {"root_low": back(a), "root_high": back(b), "estimate": side}
            found += rows(values, **(own | {"variable": REGION, "variable_level": str(i)}))
    first, last = np.quantile(seen, [0.05, 0.95])
    if first == last:
        return [*found, row("estimate", None, error="the 5th and the 95th percentile of the marker are the same", variable=CURVE, **key)]
    grid = np.linspace(float(first), float(last), options.points)
    effect, spread = line.at(grid)
    narrow, wide = (line.critical(band, options.level) for band in BANDS)  # type: ignore[arg-type]
    for x, e, s in zip(grid, effect, spread, strict=True):
        limits = {
            "estimate": e,
            "conf_low": e - narrow * s,
            "conf_high": e + narrow * s,
            "band_low": e - wide * s,
            "band_high": e + wide * s,
        }
        found += rows({k: float(v) for k, v in limits.items()}, variable=CURVE, variable_level=f"{back(x):.6g}", **key)
    if marker.shape == "spline":
        found += _bent(used, covariates, marker, label, grid, options, key)
    return found


def _bent(
    used: pd.DataFrame, covariates: list[str], marker: Marker, label: str, grid: Any, options: JohnsonNeymanOptions, key: dict[str, str]
) -> list[dict[str, Any]]:
    """The effect as a natural cubic spline of the marker: the test that it is a straight line, and the curve with its pointwise limits."""
    import numpy as np
    from scipy import special

    from nirls.ard.build import row, rows
    from nirls.errors import MethodError
    from nirls.models.ancova import ancova
    from nirls.stats.contrasts import Contrasts

    knots = np.quantile(used[MARKER].to_numpy(), KNOTS)
    if not (np.diff(knots) > 0).all():
        return [row("p_value", None, error="two of the knots are the same value of the marker", variable=BEND, **key)]
    frame = used.assign(**{BENT: _beside_line(used[MARKER].to_numpy(), knots)})
    try:
        fit = ancova(f"{options.response} ~ {' + '.join([*covariates, f'{SIDE} * {MARKER}', f'{SIDE} * {BENT}'])}", frame)
    except MethodError as error:
        return [row("p_value", None, error=str(error), variable=BEND, **key)]
    columns = list(fit.design.columns)
    names = [f"{SIDE}[T.{label}]", f"{SIDE}[T.{label}]:{MARKER}", f"{SIDE}[T.{label}]:{BENT}"]
    places = [columns.index(name) for name in names]
    test = fit.test((np.array(columns) == names[-1]).astype(float)[None, :])
    assert isinstance(test, Contrasts)
    values = {
        "f_statistic": test.statistic[0] ** 2, "num_df": 1.0, "den_df": test.df[0], "p_value": test.p_value[0],
    }  # fmt: skip
    found = rows({k: float(v) for k, v in values.items()}, variable=BEND, **key)
    at = np.column_stack([np.ones(len(grid)), grid, _beside_line(grid, knots)])
    effect = at @ fit.beta[places]
    spread = np.sqrt(np.einsum("ij,jk,ik->i", at, fit.cov_params().to_numpy()[np.ix_(places, places)], at))
    half = float(special.stdtrit(fit.df, 0.5 + options.level / 2)) * spread
    for x, e, h in zip(grid, effect, half, strict=True):
        limits = {"estimate": float(e), "conf_low": float(e - h), "conf_high": float(e + h)}
        found += rows(limits, variable=BENT_CURVE, variable_level=f"{2**x if marker.scale == 'log' else x:.6g}", **key)
    return found


def _beside_line(x: Any, knots: Any) -> Any:
    """A column (n,) that with 1 and x spans the natural cubic splines of three knots, straight beyond the outer ones."""
    import formulaic
    import pandas as pd

    spline = "0 + cr(x, knots=k[1:-1], lower_bound=k[0], upper_bound=k[-1])"
    return formulaic.model_matrix(spline, pd.DataFrame({"x": x}), output="numpy", context={"k": knots})[:, 0]
