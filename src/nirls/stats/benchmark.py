"""What one observed change is worth: its chance without the treatment, the best of many, and regression to the mean.

References: Johnson NL, Kotz S, Balakrishnan N. Continuous Univariate Distributions, vol. 1. Wiley, 1994, section 13.10 (truncated normal
mean). Davis CE. Am J Epidemiol 1976;104:493–498 (regression to the mean). Clopper CJ, Pearson ES. Biometrika 1934;26:404–413.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from nirls.errors import MethodError

Array = np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicted:
    """Predictive distribution of the outcome of another patient, or of the mean of several: mean + scale × t with df degrees of freedom."""

    mean: float
    scale: float
    df: float

    def chance(self, at: float, better: int = -1) -> float:
        """P(outcome at least as good as `at`); better −1: lower is better."""
        z = (at - self.mean) / self.scale
        return float(special.stdtr(self.df, -better * z))

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        half = float(stats.t.ppf((1 + level) / 2, self.df)) * self.scale
        return self.mean - half, self.mean + half


def predict(baseline: Array, outcome: Array, at: float, m: int = 1) -> Predicted:
    """From the least-squares line of the outcome on the baseline, for the mean of `m` other patients whose mean baseline is `at`.

    The m patients are independent of each other and of those of the line, and vary about it as they do: scale² = s²(1/m + 1/n +
    (at − x̄)²/Sxx).

    Raises
    ------
    MethodError
        Fewer than four pairs, or one baseline value; m below 1.
    """
    if m < 1:
        raise MethodError(f"the mean of {m} patients does not exist")
    x, y = np.asarray(baseline, float), np.asarray(outcome, float)
    n = len(x)
    if n < 4 or np.ptp(x) == 0:
        raise MethodError(
            f"{n} pairs of baseline and outcome{' with one baseline value' if n > 3 else ''} do not give a line with an error"
        )
    centre = x - x.mean()
    slope = float(centre @ y / (centre @ centre))
    rest = y - y.mean() - slope * centre
    s2 = float(rest @ rest) / (n - 2)
    if s2 <= 0:
        raise MethodError("the outcome follows the baseline without error")
    away = at - float(x.mean())
    scale = math.sqrt(s2 * (1 / m + 1 / n + away**2 / float(centre @ centre)))
    return Predicted(mean=float(y.mean()) + slope * away, scale=scale, df=n - 2)


def best_of(p: float, m: int) -> float:
    """Chance that at least one of m patients has what one has with chance p: 1 − (1 − p)^m."""
    return float(-np.expm1(m * np.log1p(-p))) if p < 1 else 1.0


def at_least(k: int, m: int, p: float) -> float:
    """Chance that at least k of m independent patients have what one has with chance p; `best_of` for k = 1."""
    return float(stats.binom.sf(k - 1, m, p))


def expected_patients(p: float) -> float:
    """Patients treated on average until the first such case, 1/p; infinite for p = 0."""
    return 1 / p if p > 0 else math.inf


def exact_limits(events: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Clopper–Pearson limits of a share; 0 events have the lower limit 0, n events the upper limit 1."""
    if n < 1:
        raise MethodError("no subject to take a share of")
    tail = (1 - level) / 2
    low = 0.0 if events == 0 else float(stats.beta.ppf(tail, events, n - events + 1))
    high = 1.0 if events == n else float(stats.beta.ppf(1 - tail, events + 1, n - events))
    return low, high


def regression_to_the_mean(mean: float, sd: float, correlation: float, threshold: float, better: int = -1) -> float:
    """E[Y2 − Y1 | Y1 at least as bad as the threshold] of two values with one normal distribution and nothing done between them.

    −(1 − ρ)σ φ(a)/(1 − Φ(a)), a = (c − μ)/σ, where a high value is bad; the mirror image where a low one is.
    """
    if not (sd > 0 and -1 <= correlation <= 1):
        raise MethodError(f"regression to the mean needs a positive SD and a correlation, not {sd:g} and {correlation:g}")
    a = -better * (threshold - mean) / sd
    # φ(a)/(1 − Φ(a)) without loss in the tail
    hazard = math.sqrt(2 / math.pi) / float(special.erfcx(a / math.sqrt(2)))
    return better * (1 - correlation) * sd * hazard
