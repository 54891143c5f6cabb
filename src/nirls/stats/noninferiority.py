"""Non-inferiority: the fixed margin, the three-arm retention test, the synthesis test, equivalence and sample size.

Differences are test − active. With `direction` "lower_better" a positive difference is worse, so that the margin is positive and the upper
limit counts; with "higher_better" the margin is negative and the lower limit counts.

References: FDA. Non-inferiority clinical trials to establish effectiveness. 2016 (fixed margin and synthesis). Pigeot I, Schäfer J,
Röhmel J, Hauschke D. Assessing non-inferiority of a new treatment in a three-arm clinical trial including a placebo. Stat Med
2003;22:883–899 (retention, Fieller). Schuirmann DJ. J Pharmacokinet Biopharm 1987;15:657–680 (two one-sided tests). Fieller EC. J R Stat
Soc B 1954;16:175–185.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special, stats

from nirls.errors import MethodError
from nirls.stats.meta import pool

Direction = Literal["lower_better", "higher_better"]
Array = np.ndarray


def worse(direction: Direction) -> float:
    """Sign of a difference that is worse for the test arm."""
    return {"lower_better": 1.0, "higher_better": -1.0}[direction]


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """A fixed margin: `m1`, the effect of the active treatment that is sure, `m2` the part that may be lost, `value` with its sign."""

    m1: float
    m2: float
    value: float


def fixed_margin(low: float, high: float, direction: Direction, retained: float = 0.5) -> Margin:
    """95–95 margin from the limits of active − placebo: M1 is the limit nearest 0, M2 = (1 − retained) M1.

    Raises
    ------
    MethodError
        The interval does not show that the active treatment is better than placebo.
    """
    sign = worse(direction)
    m1 = -high if sign > 0 else low
    if not m1 > 0:
        raise MethodError(
            f"no margin: the interval of active − placebo, {low:.4g} to {high:.4g}, does not show that the active treatment works "
            f"({direction}); choose other rows, or give the margin"
        )
    return Margin(m1=m1, m2=(1 - retained) * m1, value=sign * (1 - retained) * m1)


def check_margin(value: float, direction: Direction) -> float:
    """The margin, if its sign fits the direction; a MethodError otherwise."""
    if value * worse(direction) <= 0:
        side = "positive" if worse(direction) > 0 else "negative"
        raise MethodError(f"a margin of {value:g} has the wrong sign: with {direction} a margin of test − active is {side}")
    return value


def pooled(estimates: Array, errors: Array) -> tuple[float, float, float, float]:
    """Estimate, SE, Q and τ² of random effects (DerSimonian and Laird 1986); one study is itself."""
    found = pool(estimates, errors, "DL")
    mean = found.normal()
    return mean.estimate, mean.std_error, found.q_test()[0], found.tau2


def t_test(estimate: float, error: float, df: float, margin: float, direction: Direction) -> tuple[float, float]:
    """t and one-sided p of H0: the difference is worse than the margin or equal to it."""
    t = (estimate - margin) / error
    return t, float(special.stdtr(df, worse(direction) * t))


def retention(mean: Array, cov: Array, theta: float) -> tuple[float, float]:
    """Estimate and SE of E − θR − (1 − θ)P, for means and covariance in the order test, active, placebo."""
    weights = np.array([1.0, -theta, -(1.0 - theta)])
    return float(weights @ mean), float(np.sqrt(weights @ cov @ weights))


def fieller(mean: Array, cov: Array, df: float, level: float = 0.95) -> tuple[float, float, float]:
    """(E − P)/(R − P) and its limits; infinite or NaN limits where the denominator is not told from 0.

    Parameters
    ----------
    mean, cov : (3,), (3, 3) arrays
        Test, active, placebo.
    """
    change = np.array([[1.0, 0, -1], [0, 1, -1]])
    (a, b), v = change @ mean, change @ cov @ change.T
    q = stats.t.ppf((1 + level) / 2, df) ** 2
    # (a − ρb)² ≤ q (v11 − 2ρ v12 + ρ² v22)
    second, first, constant = b * b - q * v[1, 1], a * b - q * v[0, 1], a * a - q * v[0, 0]
    if second <= 0:
        return float(a / b), -math.inf, math.inf
    root = math.sqrt(max(first * first - second * constant, 0.0))
    return float(a / b), float((first - root) / second), float((first + root) / second)


def synthesis(
    estimate: float, error: float, history: float, history_error: float, direction: Direction, retained: float = 0.5
) -> tuple[float, float]:
    """z and one-sided p of H0: test − active ≥ −(1 − retained)(active − placebo), the historical effect with its error."""
    z = (estimate + (1 - retained) * history) / math.hypot(error, (1 - retained) * history_error)
    return z, float(special.ndtr(worse(direction) * z))


def equivalence(estimate: float, error: float, df: float, low: float, high: float) -> tuple[float, float, float]:
    """Two one-sided tests: p of the lower and of the upper limit, and the larger one, which is the p of equivalence."""
    if not low < 0 < high:
        raise MethodError(f"limits of equivalence {low:g} and {high:g} must lie on either side of 0")
    below, above = float(special.stdtr(df, -(estimate - low) / error)), float(special.stdtr(df, (estimate - high) / error))
    return below, above, max(below, above)


def sample_size(sd: float, margin: float, alpha: float = 0.025, power: float = 0.9, difference: float = 0.0) -> int:
    """Subjects per arm, 2σ²(z_α + z_β)²/(|margin| − difference)², rounded up; `difference` is how much worse the test truly is."""
    z = stats.norm.isf(alpha) + stats.norm.ppf(power)
    return math.ceil(2 * (sd * z / (abs(margin) - difference)) ** 2)
