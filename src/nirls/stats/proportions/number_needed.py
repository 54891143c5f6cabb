"""Number needed to treat, with its interval through infinity.

References
----------
.. [1] Altman DG. Confidence intervals for the number needed to treat. BMJ 1998;317:1309-1312.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberNeeded:
    """Number needed to treat for one more subject to benefit (NNTB) or to be harmed (NNTH).

    Attributes
    ----------
    estimate : float
        1/|risk difference|, infinite when the difference is 0.
    benefit : bool
        The estimate is an NNTB; False for an NNTH. A difference of 0 counts as benefit.
    benefit_range, harm_range : tuple of float or None
        Low and high end of the part of the interval that is a benefit or a harm. One of them is None when the interval of the risk
        difference lies on one side of 0; otherwise both end in infinity: "NNTB 5.1 to ∞ to NNTH 20".
    """

    estimate: float
    benefit: bool
    benefit_range: tuple[float, float] | None
    harm_range: tuple[float, float] | None


def number_needed(difference: float, low: float, high: float, *, event_is_good: bool = True) -> NumberNeeded:
    """The number needed to treat that belongs to a risk difference and its interval [1]_.

    Parameters
    ----------
    difference, low, high : float
        Risk difference, treatment minus comparator, and its limits.
    event_is_good : bool
        True when more events are a benefit (response), False when they are a harm (relapse).

    Raises
    ------
    ValueError
        If low ≤ difference ≤ high does not hold, or a value is outside [−1, 1].
    """
    if not -1 <= low <= difference <= high <= 1:
        raise ValueError(f"{difference} with limits {low} and {high} is not a risk difference with its interval")
    gain, bottom, top = (difference, low, high) if event_is_good else (-difference, -high, -low)
    return NumberNeeded(
        estimate=_inverse(gain),
        benefit=gain >= 0,
        benefit_range=(_inverse(top), _inverse(max(bottom, 0.0))) if top > 0 else None,
        harm_range=(_inverse(bottom), _inverse(min(top, 0.0))) if bottom < 0 else None,
    )


def _inverse(difference: float) -> float:
    return 1 / abs(difference) if difference else math.inf
