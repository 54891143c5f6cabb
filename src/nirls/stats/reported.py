"""Standard errors and differences from what papers report.

References: Higgins JPT, et al. (eds) Cochrane Handbook for Systematic Reviews of Interventions, chapter 6 (6.5.2 standard deviations from
standard errors, intervals and p; 6.5.2.8 changes with an imputed correlation; table 6.5.a combined arms) and 23.3.4 (several arms, one
control). A p given as "p < 0.001" bounds the standard error from above; what is derived from it is a bound, not an estimate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import stats

from nirls.errors import MethodError


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """Number, mean and standard deviation of an arm."""

    n: float
    mean: float
    sd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Number of an arm and standard deviations at the end and at baseline; the latter NaN where it is not known."""

    n: float
    final_sd: float
    baseline_sd: float = math.nan


def error_from_interval(low: float, high: float, level: float = 0.95, df: float = math.inf) -> float:
    """Standard error of a mean or difference from the limits of its interval."""
    if not low < high:
        raise MethodError(f"an interval from {low:g} to {high:g} has no width")
    return (high - low) / (2 * _quantile((1 + level) / 2, df))


def error_from_p(estimate: float, p: float, df: float = math.inf) -> float:
    """Standard error from a two-sided p; from a bound of p, the largest standard error it allows."""
    if not 0 < p < 1 or estimate == 0:
        raise MethodError(f"p = {p:g} of an estimate {estimate:g} gives no standard error")
    return abs(estimate) / _quantile(1 - p / 2, df)


def sd_from_error(error: float, n: float) -> float:
    """Standard deviation of a group from the standard error of its mean."""
    return error * math.sqrt(n)


def sd_from_difference(error: float, n1: float, n2: float) -> float:
    """Standard deviation common to two groups from the standard error of the difference of their means."""
    return error / math.sqrt(1 / n1 + 1 / n2)


def sd_of_change(baseline: float, final: float, correlation: float) -> float:
    """Standard deviation of final − baseline from both and their correlation."""
    if not -1 <= correlation <= 1:
        raise MethodError(f"{correlation:g} is no correlation")
    return math.sqrt(baseline**2 + final**2 - 2 * correlation * baseline * final)


def correlation_of(baseline: float, final: float, change: float) -> float:
    """Correlation of baseline and final value from the three standard deviations."""
    return (baseline**2 + final**2 - change**2) / (2 * baseline * final)


def difference(active: Arm, control: Arm) -> tuple[float, float]:
    """Active − control and its standard error, each arm with its own variance."""
    return active.mean - control.mean, math.sqrt(active.sd**2 / active.n + control.sd**2 / control.n)


def error_of_final(active: Spread, control: Spread) -> float:
    """Standard error of a difference of final values."""
    return math.sqrt(active.final_sd**2 / active.n + control.final_sd**2 / control.n)


def error_of_change(active: Spread, control: Spread, correlation: float) -> float:
    """Standard error of a difference of changes, the correlation of baseline and final value imputed.

    Where the result turns on the correlation, the study has no usable standard error.
    """
    return math.sqrt(sum(sd_of_change(a.baseline_sd, a.final_sd, correlation) ** 2 / a.n for a in (active, control)))


def combined(first: Arm, second: Arm) -> Arm:
    """Two arms as one; the spread between their means is part of the standard deviation."""
    n = first.n + second.n
    within = (first.n - 1) * first.sd**2 + (second.n - 1) * second.sd**2
    between = first.n * second.n / n * (first.mean - second.mean) ** 2
    return Arm(n=n, mean=(first.n * first.mean + second.n * second.mean) / n, sd=math.sqrt((within + between) / (n - 1)))


def split(control: Spread, parts: int) -> Spread:
    """The control arm that each of `parts` comparisons may count: its number divided, its standard deviations as they are."""
    if parts < 1:
        raise MethodError("a control arm is split among at least one comparison")
    return Spread(n=control.n / parts, final_sd=control.final_sd, baseline_sd=control.baseline_sd)


def least_difference(p: float, sd: float, n1: float, n2: float) -> tuple[float, float]:
    """Smallest absolute difference of two means that a two-sided p allows with a given standard deviation, and its standard error."""
    error = sd * math.sqrt(1 / n1 + 1 / n2)
    return _quantile(1 - p / 2, n1 + n2 - 2) * error, error


def _quantile(p: float, df: float) -> float:
    return float(stats.norm.ppf(p) if math.isinf(df) else stats.t.ppf(p, df))
