"""Exact inference on rates and proportions of rare events.

References
----------
.. [1] Garwood F. Fiducial limits for the Poisson distribution. Biometrika 1936;28:437-442: limits of a Poisson mean from χ².
.. [2] Lehmann EL, Romano JP. Testing Statistical Hypotheses, 3rd ed. Springer 2005, section 4.5: two Poisson counts given their sum.
.. [3] Clopper CJ, Pearson ES. The use of confidence or fiducial limits illustrated in the case of the binomial.
   Biometrika 1934;26:404-413.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special, stats


def _checked(level: float) -> float:
    if not 0 < level < 1:
        raise ValueError(f"confidence level {level} is not between 0 and 1")
    return (1 - level) / 2


def poisson_interval(count: float, exposure: float, level: float = 0.95) -> tuple[float, float]:
    """Exact limits of a rate: χ²(α/2; 2x)/2T and χ²(1−α/2; 2x+2)/2T [1]_; the lower limit of no event is 0.

    Parameters
    ----------
    count : float
        Events, a whole number.
    exposure : float
        Time or number at risk, above 0; the rate is per unit of it.

    Raises
    ------
    ValueError
        For an exposure that is not above 0, or a negative count.
    """
    tail = _checked(level)
    if not exposure > 0 or count < 0:
        raise ValueError(f"{count} events in an exposure of {exposure}: the exposure must be above 0, the count not negative")
    low = float(special.gammaincinv(count, tail)) if count > 0 else 0.0
    return low / exposure, float(special.gammaincinv(count + 1, 1 - tail)) / exposure


def binomial_interval(count: float, size: float, level: float = 0.95) -> tuple[float, float]:
    """Exact limits of a proportion [3]_."""
    tail = _checked(level)
    if not 0 <= count <= size or size <= 0:
        raise ValueError(f"{count} of {size} is no proportion")
    low = float(special.betaincinv(count, size - count + 1, tail)) if count > 0 else 0.0
    high = float(special.betaincinv(count + 1, size - count, 1 - tail)) if count < size else 1.0
    return low, high


@dataclass(frozen=True, slots=True, kw_only=True)
class RateRatio:
    """Ratio of two Poisson rates, group 1 over group 2, by the binomial distribution of x1 given x1 + x2 [2]_.

    Attributes
    ----------
    x1, x2 : float
        Events.
    t1, t2 : float
        Exposures, above 0.
    """

    x1: float
    t1: float
    x2: float
    t2: float

    @property
    def estimate(self) -> float:
        """(x1/t1)/(x2/t2); infinite without an event in group 2, NaN without any event."""
        if self.x1 + self.x2 == 0:
            return float("nan")
        return float(np.divide(self.x1 / self.t1, self.x2 / self.t2)) if self.x2 else float("inf")

    def ci(self, level: float = 0.95) -> tuple[float, float]:
        """Exact limits; (0, ∞) without any event."""
        if self.x1 + self.x2 == 0:
            return 0.0, float("inf")
        low, high = binomial_interval(self.x1, self.x1 + self.x2, level)
        scale = self.t2 / self.t1
        return low / (1 - low) * scale, high / (1 - high) * scale if high < 1 else float("inf")

    @property
    def p_value(self) -> float:
        """Two-sided exact p of equal rates: the probability of all counts that are not more likely than the one seen; 1 without events."""
        total = self.x1 + self.x2
        if total == 0:
            return 1.0
        return float(stats.binomtest(int(self.x1), int(total), self.t1 / (self.t1 + self.t2)).pvalue)
