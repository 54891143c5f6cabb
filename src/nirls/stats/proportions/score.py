"""Risk difference with the score interval of Miettinen and Nurminen, in one table or over strata.

References
----------
.. [1] Miettinen O, Nurminen M. Comparative analysis of two rates. Stat Med 1985;4:213-226: the statistic with the factor N/(N-1),
   eqs. 8-9 (difference), the strata in section 4, the closed form of the restricted estimate in Appendix I.
.. [2] Mee RW. Confidence bounds for the difference between two probabilities. Biometrics 1984;40:1175-1176: without the factor.
.. [3] Farrington CP, Manning G. Test statistics and sample size formulae for comparative binomial trials with null hypothesis of
   non-zero risk difference or non-unity relative risk. Stat Med 1990;9:1447-1454: the test that belongs to Mee's interval.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from nirls.stats.proportions.tables import Array, Tables

NEAR = 1e-9
"""Distance from the estimate at which a limit is looked for: at the estimate itself the equation of the limit can have a second root."""
STEPS = 256
"""Differences looked at on each side before a limit is bracketed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreDifference:
    """Risk difference, group 1 minus group 2, with interval and test from one statistic.

    Over strata the statistic is Σw(d − δ)/√(Σw²V(δ)) with the weights w = n1·n2/N, so the estimate is that of Mantel and Haenszel.

    Attributes
    ----------
    tables : Tables
    correction : bool
        With the factor N/(N−1) of the variance (Miettinen and Nurminen); without it, Mee's interval and Farrington and Manning's test.
    """

    tables: Tables
    correction: bool = True

    @property
    def estimate(self) -> float:
        """The risk difference; over strata weighted by n1·n2/N."""
        return self.tables.pooled_difference

    def _variance(self, delta: float | Array) -> Array:
        """Variance of the estimate when the difference is `delta` in every stratum; as many as there are `delta`."""
        t = self.tables
        p1, p2 = restricted_estimates(t, np.asarray(delta, dtype=float)[..., None])
        variance = p1 * (1 - p1) / t.n1 + p2 * (1 - p2) / t.n2
        if self.correction:
            variance = variance * t.total / (t.total - 1)
        share = t.weights / t.weights.sum()
        return variance @ share**2

    def statistic(self, delta: float = 0.0) -> float:
        """Standard normal score statistic of the hypothesis that the difference is `delta`.

        It is 0 when the estimate equals `delta`, also when the restricted variance is 0 there (no events, or nothing but events).
        """
        if not -1 <= delta <= 1:
            raise ValueError(f"a risk difference of {delta} is not between -1 and 1")
        distance, variance = self.estimate - delta, float(self._variance(delta))
        if distance == 0:
            return 0.0
        return distance / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, distance)

    def p_value(self, delta: float = 0.0) -> float:
        """Two-sided p-value; below 1 − level when `delta` is outside the interval of that level, and otherwise not (see :meth:`ci`)."""
        return float(2 * special.ndtr(-abs(self.statistic(delta))))

    def ci(self, level: float = 0.95) -> tuple[float, float]:
        """Lower and upper limit: the smallest and the largest difference that the test does not reject.

        Between them nothing is rejected, but for strata of a handful of subjects, where the differences not rejected may have a gap;
        the limits enclose it.
        """
        if not 0.0 < level < 1.0:
            raise ValueError(f"confidence level {level} is not between 0 and 1")
        z = float(special.ndtri(0.5 + level / 2))
        return self._limit(z, -1.0), self._limit(z, 1.0)

    def _limit(self, z: float, end: float) -> float:
        """Root of |estimate − δ| = z·√V(δ) nearest to `end`; in this form nothing is divided by 0."""
        centre = self.estimate
        start = centre + math.copysign(NEAR, end)
        if abs(start) >= 1:
            return end

        def excess(delta: float | Array) -> Array:
            return np.abs(centre - delta) - z * np.sqrt(self._variance(delta))

        path = np.linspace(end, start, STEPS)
        accepted = np.flatnonzero(excess(path) <= 0)
        if not accepted.size:  # the interval is narrower than NEAR
            return centre
        first = accepted[0]
        if first == 0:
            return end
        root = optimize.brentq(lambda d: float(excess(d)), path[first - 1], path[first], xtol=1e-15, rtol=4 * np.finfo(float).eps)
        return float(root)


def restricted_estimates(t: Tables, delta: float | Array) -> tuple[Array, Array]:
    """Maximum likelihood estimates of the two proportions under p1 − p2 = `delta`, in each stratum; (m, 1) differences give (m, k) pairs.

    The likelihood equation is a cubic in p2 with one root in the feasible range; the trigonometric solution [1]_ (Appendix I) is
    polished by two Newton steps, because the arc cosine loses half of the digits where two roots are close.

    Returns
    -------
    p1, p2 : (k,) or (m, k) arrays
    """
    total, events = t.total, t.x1 + t.x2
    l3 = total
    l2 = (t.n1 + 2 * t.n2) * delta - total - events
    l1 = (t.n2 * delta - total - 2 * t.x2) * delta + events
    l0 = t.x2 * delta * (1 - delta)
    q = l2**3 / (3 * l3) ** 3 - l1 * l2 / (6 * l3**2) + l0 / (2 * l3)
    p = np.where(q >= 0, 1.0, -1.0) * np.sqrt(np.maximum(l2**2 / (3 * l3) ** 2 - l1 / (3 * l3), 0.0))
    cubed = p**3
    ratio = np.divide(q, cubed, out=np.ones_like(q), where=cubed != 0)
    angle = (np.pi + np.arccos(np.clip(ratio, -1.0, 1.0))) / 3
    low, high = np.maximum(0.0, -delta), np.minimum(1.0, 1 - delta)
    p2 = np.clip(2 * p * np.cos(angle) - l2 / (3 * l3), low, high)
    for _ in range(2):
        slope = (3 * l3 * p2 + 2 * l2) * p2 + l1
        value = ((l3 * p2 + l2) * p2 + l1) * p2 + l0
        step = np.divide(value, slope, out=np.zeros_like(value), where=slope != 0)
        better = p2 - step
        p2 = np.where((np.abs(step) < 1e-6) & (better >= low) & (better <= high), better, p2)
    return np.clip(p2 + delta, 0.0, 1.0), p2
