"""Where along a marker an effect differs from zero: the Johnson–Neyman technique.

References
----------
.. [1] Johnson PO, Neyman J. Tests of certain linear hypotheses and their application to some educational problems.
   Stat Res Mem 1936;1:57-93.
.. [2] Bauer DJ, Curran PJ. Probing interactions in fixed and multilevel regression. Multivar Behav Res 2005;40:373-400: the roots.
.. [3] Potthoff RF. On the Johnson-Neyman technique and some extensions thereof. Psychometrika 1964;29:241-256: the simultaneous region,
   with 2·F(2, df) in place of t².
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Band = Literal["pointwise", "simultaneous"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectLine:
    """An effect that is a straight line in a marker x: b0 + b1·x.

    Attributes
    ----------
    b0, b1 : float
    cov : (2, 2) array
        Their covariance.
    df : float
        Residual degrees of freedom.
    """

    b0: float
    b1: float
    cov: NDArray[np.float64]
    df: float

    def critical(self, band: Band, level: float = 0.95) -> float:
        """t for one value of the marker, √(2F(2, df)) for all values at once [3]_."""
        if band == "pointwise":
            return float(special.stdtrit(self.df, 0.5 + level / 2))
        return float(np.sqrt(2 * special.fdtri(2, self.df, level)))

    def at(self, x: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Effect and standard error at values of the marker."""
        x = np.asarray(x, dtype=float)
        variance = self.cov[0, 0] + 2 * x * self.cov[0, 1] + x**2 * self.cov[1, 1]
        return self.b0 + self.b1 * x, np.sqrt(variance)

    def roots(self, band: Band, level: float = 0.95) -> tuple[float, ...]:
        """Values at which the limits of the band touch 0, ascending: (b0 + b1·x)² = c²·Var [2]_; none, one or two."""
        c2 = self.critical(band, level) ** 2
        a = self.b1**2 - c2 * self.cov[1, 1]
        b = 2 * (self.b0 * self.b1 - c2 * self.cov[0, 1])
        c = self.b0**2 - c2 * self.cov[0, 0]
        if a == 0:
            return (-c / b,) if b else ()
        inside = b**2 - 4 * a * c
        if inside < 0:
            return ()
        # the root of larger size first, the other by their product: no cancellation
        q = -0.5 * (b + np.copysign(np.sqrt(inside), b))
        found = {float(q / a)} | ({float(c / q)} if q else {0.0})
        return tuple(sorted(found))

    def regions(self, band: Band, low: float, high: float, level: float = 0.95) -> tuple[tuple[float, float], ...]:
        """Parts of [low, high] in which the band excludes 0."""
        ends = [low, *(r for r in self.roots(band, level) if low < r < high), high]
        crit = self.critical(band, level)
        found = []
        for a, b in pairwise(ends):
            effect, error = self.at((a + b) / 2)
            if abs(float(effect)) > crit * float(error):
                found.append((a, b))
        return tuple(found)
