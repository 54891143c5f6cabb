"""What dose finding writes into analysis results data.

The response keeps its own scale: means, coefficients and curves are those of the response, so that a negative effect favours the
treatment where lower is better. Statistics and contrasts are of the improvement. A dose that lies outside what was studied is not
missing: it is written as the text "> 90".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from nirls.methods._arm_means import ArmMeans
    from nirls.methods.mcpmod import MCPModOptions
    from nirls.stats.dose import Averaged, ContrastTest, Window

AVERAGE = "average"
TARGET, UPPER, PEAK = "target", "upper edge", "peak"


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseFits:
    """Models fitted to the estimates and to the draws of the bootstrap, and those that the doses cannot identify (name → reason)."""

    estimate: Averaged | None
    drawn: Averaged | None
    windows: tuple[Window, ...]
    drawn_windows: tuple[Window, ...]
    refused: dict[str, str]

    @property
    def names(self) -> list[str]:
        """Fitted models, then the average."""
        return [] if self.estimate is None else [*(f.shape.name for f in self.estimate.fits), AVERAGE]


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """Arms in order of their doses; `sign` turns the response into an improvement."""

    arms: tuple[str, ...]
    doses: tuple[float, ...]
    sign: float
    unit: str

    @property
    def highest(self) -> float:
        """The highest dose."""
        return self.doses[-1]

    def standardised(self, model: str, guess: dict[str, float], options: MCPModOptions) -> np.ndarray:
        """A candidate at the doses."""
        import numpy as np

        from nirls.stats.dose import SHAPES

        shape = SHAPES[model]
        return shape.standardised(np.array(self.doses), guess, shape.settle(self.highest, options.constants.get(model)))  # type: ignore[call-overload]

    def fits(self, options: MCPModOptions, means: ArmMeans) -> DoseFits:
        """Fit the models to the means and to draws from their distribution."""
        import numpy as np

        from nirls.stats.dose import SHAPES, average, redraw, refusal

        doses = np.array(self.doses)
        refused = {name: reason for name in options.fitted() if (reason := refusal(SHAPES[name], doses))}
        shapes = [SHAPES[name] for name in options.fitted() if name not in refused]
        if not shapes:
            return DoseFits(estimate=None, drawn=None, windows=(), drawn_windows=(), refused=refused)
        constants = [options.constants.get(s.name, {}) for s in shapes]  # type: ignore[call-overload]
        improvement = self.sign * means.estimate
        one = average(shapes, doses, improvement, means.cov, constants=constants)
        drawn = average(shapes, doses, redraw(improvement, means.cov, options.draws, options.seed), means.cov, constants=constants)
        delta, highest = options.delta, self.highest
        return DoseFits(
            estimate=one, drawn=drawn, windows=one.windows(delta, highest), drawn_windows=drawn.windows(delta, highest), refused=refused
        )  # fmt: skip

    def dose_rows(self, group: str) -> list[dict[str, Any]]:
        """The dose of each arm."""
        from nirls.ard.build import row

        pairs = zip(self.arms, self.doses, strict=True)
        return [row("dose", dose, variable="model", group1=group, group1_level=arm, unit=self.unit) for arm, dose in pairs]

    def missing_rows(self, options: MCPModOptions, failure: str) -> list[dict[str, Any]]:
        """Statistics that could not be computed, with the reason."""
        from nirls.ard.build import row

        found = []
        for c in options.candidates:
            key = {"variable": "contrast", "variable_level": c.name}
            found += [row(s, None, error=failure, **key) for s in ("statistic", "p_adjusted")]
        for name in options.fitted():
            found.append(row("gaic", None, error=failure, variable="fit", variable_level=name))
        found += [row(s, None, error=failure, variable="model") for s in ("critical_value", "df")]
        return [*found, row("delta", options.delta, variable="model"), row("alpha", options.alpha, variable="model")]


def contrast_rows(study: Study, options: MCPModOptions, group: str, coefficients: np.ndarray, test: ContrastTest) -> list[dict[str, Any]]:
    """One contrast per candidate, with its coefficients by arm; and what holds for all."""
    from nirls.ard.build import row

    found = []
    for i, c in enumerate(options.candidates):
        key = {"variable": "contrast", "variable_level": c.name}
        found.append(row("statistic", test.statistic[i], **key))
        found.append(row("p_adjusted", test.p_adjusted[i], **key))
        found.append(row("mc_error", test.p_error[i], **key))
        found.append(row("rejected", float(test.statistic[i] >= test.critical_value), **key))
        for arm, value in zip(study.arms, coefficients[i], strict=True):
            found.append(row("coefficient", value, group1=group, group1_level=arm, **key))
    numbers = {"critical_value": test.critical_value, "mc_error": test.critical_error, "df": test.df, "alpha": test.alpha}
    return found + [row(name, value, variable="model") for name, value in numbers.items()]


def fit_rows(study: Study, options: MCPModOptions, fits: DoseFits) -> list[dict[str, Any]]:
    """Parameters, gAIC and weight of each model; a model that was refused, with the reason."""
    from nirls.ard.build import row
    from nirls.stats.dose import SHAPES

    found = []
    for k, fit in enumerate(fits.estimate.fits if fits.estimate is not None else ()):
        key = {"variable": "fit", "variable_level": fit.shape.name}
        found.append(row("text", None, stat_text=fit.shape.words, **key))
        found.append(row("gaic", fit.gaic[0], **key))
        found.append(row("weight", fits.estimate.weights[0, k], **key))  # type: ignore[union-attr]
        limits = dict(zip(fit.shape.nonlinear, fit.shape.limits(study.highest), strict=True))
        for name, values in fit.coefficients.items():
            value, warning = float(values[0]), ""
            if name in limits and fit.at_bound[0, fit.shape.nonlinear.index(name)]:
                warning = f"{fit.shape.words}: {name} lies at a bound of its range, {limits[name][0]:g} to {limits[name][1]:g}"
            elif name in fit.shape.linear and fit.shape.rising and value == 0.0:
                warning = f"{fit.shape.words}: the estimates show no rise, so that its other parameters mean nothing"
            scaled = value if name in fit.shape.nonlinear else study.sign * value
            found.append(row("coefficient", scaled, group2="PARAMETER", group2_level=name, warning=warning, **key))
    for name, reason in fits.refused.items():
        found.append(row("text", None, stat_text=SHAPES[name].words, variable="fit", variable_level=name))
        found.append(row("gaic", None, error=reason, variable="fit", variable_level=name))
    return found


def target_rows(study: Study, options: MCPModOptions, fits: DoseFits) -> list[dict[str, Any]]:
    """Target dose, upper edge and peak of each model and of the average, with percentile intervals and shares of draws without one."""
    import numpy as np

    from nirls.ard.build import row

    found = [row("delta", options.delta, variable="model"), row("n_draws", options.draws, variable="model")]
    umbrellas = {f.shape.name for f in fits.estimate.fits if f.shape.umbrella} if fits.estimate is not None else set()
    for name, one, drawn in zip(fits.names, fits.windows, fits.drawn_windows, strict=True):
        for what, value, values in ((TARGET, one.lower, drawn.lower), (UPPER, one.upper, drawn.upper), (PEAK, one.peak, drawn.peak)):
            if what == PEAK and name != AVERAGE and name not in umbrellas:
                continue  # a curve that only rises has no peak to look for
            key = {"variable": "target", "variable_level": name, "group2": "DOSE", "group2_level": what}
            warning = ""
            if what == PEAK and np.isinf(value[0]) and name in umbrellas:
                warning = f"the peak of the {name} curve is not identified: it lies at the highest dose or beyond"
            found.append(_dose(study, "dose", float(value[0]), what, warning, key))
            found += _limits(study, options, values, what, key)
            defined = values[~np.isnan(values)]
            if defined.size:
                found.append(row("share", float(np.isinf(defined).mean()), **key))
            else:
                found.append(row("share", None, error="no draw reaches the effect", **key))
    return found


def _limits(study: Study, options: MCPModOptions, values: np.ndarray, what: str, key: dict[str, str]) -> list[dict[str, Any]]:
    from nirls.stats.dose import quantile

    tail = (1.0 - options.level) / 2.0
    pairs = (("conf_low", tail), ("conf_high", 1.0 - tail))
    return [_dose(study, stat, quantile(values, share), what, "", key) for stat, share in pairs]


def _dose(study: Study, stat: str, value: float, what: str, warning: str, key: dict[str, str]) -> dict[str, Any]:
    """A dose; one that is not reached in the range studied is a text, as "> 90"."""
    from nirls.ard.build import row

    if value == float("inf"):
        sign = "\N{GREATER-THAN OR EQUAL TO}" if what == PEAK else ">"
        return row(stat, None, stat_text=f"{sign} {study.highest:g}", warning=warning, unit=study.unit, **key)
    if value != value:
        return row(stat, None, stat_text="not reached", warning=warning, unit=study.unit, **key)
    return row(stat, value, warning=warning, unit=study.unit, **key)


def curve_rows(study: Study, options: MCPModOptions, fits: DoseFits) -> list[dict[str, Any]]:
    """Means of the fitted curves over the doses, and of the average with pointwise limits of the bootstrap."""
    import numpy as np

    from nirls.ard.build import row

    if fits.estimate is None or fits.drawn is None:
        return []
    at = np.linspace(0.0, study.highest, options.steps + 1)
    tail = (1.0 - options.level) / 2.0
    low, high = np.sort(study.sign * np.quantile(fits.drawn.mean(at), [tail, 1.0 - tail], axis=0), axis=0)
    curves = {fit.shape.name: fit.mean(at)[0] for fit in fits.estimate.fits} | {AVERAGE: fits.estimate.mean(at)[0]}
    found = []
    for name, mean in curves.items():
        for i, dose in enumerate(at):
            key = {"variable": "curve", "variable_level": f"{dose:.10g}", "group2": "MODEL", "group2_level": name}
            found.append(row("lsmean", study.sign * mean[i], **key))
            if name == AVERAGE:
                found += [row("conf_low", low[i], **key), row("conf_high", high[i], **key)]
    return found


def _plain(value: float) -> str:
    """One significant digit without a power of ten: "0.00007"."""
    from decimal import Decimal

    return f"{Decimal(f'{value:.1g}'):f}"


def told(study: Study, options: MCPModOptions, test: ContrastTest, fits: DoseFits) -> dict[str, str]:
    """Facts: the test with its reference distribution and error, the models, the target dose, the intervals."""
    what = f"\N{MINUS SIGN}{options.response}" if study.sign < 0 else options.response
    worst = float(test.p_error.max())
    unit = f" {study.unit}" if study.unit else ""
    found = {
        "contrast_test": f"one-sided on the improvement ({what}), so that positive t favours the treatment; multivariate t with "
        f"{test.df:.1f} df, the smallest of the contrasts; standard error of its integration {_plain(worst)} (adjusted p, at most) "
        f"and {_plain(test.critical_error)} (critical value)"
    }
    if fits.estimate is None:
        return found
    return found | {
        "dose_models": "generalised least squares on the LS means and their covariance S; gAIC = (m − f)′S⁻¹(m − f) + 2k for LS means m, "
        "curve f and k parameters; weights in proportion to exp(−gAIC/2); e0 is the mean at dose 0, or the level that an umbrella "
        "rises from",
        "target_dose": f"the smallest dose up to {study.highest:g}{unit} with an improvement of {options.delta:g} over dose 0; upper "
        f"edge: where the improvement falls below it again; nothing is extrapolated beyond {study.highest:g}{unit}",
        "dose_intervals": f"percentiles of {options.draws} parametric-bootstrap draws of the LS means, models refitted and weighted "
        "anew in each draw; draws in which a dose is not reached stand last and are not left out; the upper edge is that of the draws "
        "that reach the target",
    }
