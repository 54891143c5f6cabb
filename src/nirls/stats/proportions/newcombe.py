"""Wilson's interval of a proportion and Newcombe's of a difference.

References
----------
.. [1] Wilson EB. Probable inference, the law of succession, and statistical inference. J Am Stat Assoc 1927;22:209-212.
.. [2] Newcombe RG. Interval estimation for the difference between independent proportions: comparison of eleven methods.
   Stat Med 1998;17:873-890, method 10 (square-and-add, without continuity correction).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from nirls.stats.proportions.tables import Array, Tables


def wilson(events: ArrayLike, subjects: ArrayLike, level: float = 0.95) -> tuple[Array, Array]:
    """Wilson's score interval without continuity correction [1]_; arrays of any one shape."""
    if not 0.0 < level < 1.0:
        raise ValueError(f"confidence level {level} is not between 0 and 1")
    x, n = np.asarray(events, dtype=float), np.asarray(subjects, dtype=float)
    z = special.ndtri(0.5 + level / 2)
    centre = (x + z**2 / 2) / (n + z**2)
    half = z * np.sqrt(x * (n - x) / n + z**2 / 4) / (n + z**2)
    return np.where(x == 0, 0.0, centre - half), np.where(x == n, 1.0, centre + half)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewcombeDifference:
    """Risk difference of one table with Newcombe's interval [2]_; it has no test of its own.

    Raises
    ------
    ValueError
        For more than one stratum.
    """

    tables: Tables

    def __post_init__(self) -> None:
        if self.tables.n1.size != 1:
            raise ValueError(f"Newcombe's interval is for one table, not for {self.tables.n1.size} strata")

    @property
    def estimate(self) -> float:
        """Difference of the observed proportions."""
        return float(self.tables.difference[0])

    def ci(self, level: float = 0.95) -> tuple[float, float]:
        """Lower and upper limit."""
        t, d = self.tables, self.estimate
        (l1, u1), (l2, u2) = wilson(t.x1[0], t.n1[0], level), wilson(t.x2[0], t.n2[0], level)
        p1, p2 = t.x1[0] / t.n1[0], t.x2[0] / t.n2[0]
        return float(d - np.hypot(p1 - l1, u2 - p2)), float(d + np.hypot(u1 - p1, p2 - l2))
