"""Effects in subgroups: a test of a reversal of direction, and shrinkage.

References
----------
.. [1] Gail M, Simon R. Testing for qualitative interactions between treatment effects and patient subsets. Biometrics 1985;41:361-372:
   statistic eq. 2, distribution eq. 4, critical values table 1.
.. [2] Raudenbush SW, Bryk AS. Empirical Bayes meta-analysis. J Educ Stat 1985;10:75-98: the conditional means, with the error of their
   common mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import optimize, special, stats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class QualitativeTest:
    """Gail and Simon's test that all effects have one direction.

    Attributes
    ----------
    below, above : float
        Σ(estimate/SE)² over the effects below and above 0.
    k : int
        Independent subgroups.
    """

    below: float
    above: float
    k: int

    @property
    def statistic(self) -> float:
        """The smaller of the two sums."""
        return min(self.below, self.above)

    @property
    def p_value(self) -> float:
        """Probability of a larger statistic where it is largest under one direction: Σ_h C(k−1, h) 2^−(k−1) P(χ²_h > Q); 1 if Q is 0."""
        if self.statistic <= 0:
            return 1.0
        h = np.arange(1, self.k)
        return float(np.sum(stats.binom.pmf(h, self.k - 1, 0.5) * special.chdtrc(h, self.statistic)))


def qualitative(estimate: ArrayLike, std_error: ArrayLike) -> QualitativeTest:
    """The test of independent effects [1]_; two or more."""
    y, s = np.asarray(estimate, dtype=float), np.asarray(std_error, dtype=float)
    if y.size < 2 or y.shape != s.shape or not (s > 0).all():
        raise ValueError(f"{y.size} effects with errors {s}: two or more with positive errors are needed")
    z2 = (y / s) ** 2
    return QualitativeTest(below=float(z2[y < 0].sum()), above=float(z2[y > 0].sum()), k=y.size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shrunken:
    """Effects of the levels of several variables, each drawn to the common mean of its variable.

    Attributes
    ----------
    estimate, std_error : tuple of (k,) arrays
        Conditional means and their standard errors, that of the common mean included; one array for each variable.
    tau : float
        Standard deviation between the true effects of the levels of one variable, the same for all variables.
    """

    estimate: tuple[NDArray[np.float64], ...]
    std_error: tuple[NDArray[np.float64], ...]
    tau: float


def shrink(estimates: Sequence[ArrayLike], std_errors: Sequence[ArrayLike]) -> Shrunken:
    """Empirical Bayes estimates [2]_: the variance between levels by REML over all variables, the means each variable's own.

    The levels of one variable are different subjects; those of two variables overlap. So the variables share the variance alone, whose
    restricted likelihoods are multiplied, and none makes the mean of another more precise.

    Parameters
    ----------
    estimates, std_errors : sequence of (k,) array_like
        One for each variable, of two or more levels.
    """
    y = [np.asarray(e, dtype=float) for e in estimates]
    v = [np.asarray(s, dtype=float) ** 2 for s in std_errors]
    if not y or any(a.size < 2 or a.shape != b.shape or not (b > 0).all() for a, b in zip(y, v, strict=True)):
        raise ValueError("every variable needs two or more levels with positive errors")

    def deviance(tau: float) -> float:
        total = 0.0
        for a, b in zip(y, v, strict=True):
            w = 1 / (tau**2 + b)
            total += float(np.log(w.sum()) - np.log(w).sum() + w @ (a - w @ a / w.sum()) ** 2)
        return total

    top = 3 * max(float(np.ptp(a)) for a in y) + 3 * max(float(np.sqrt(b.max())) for b in v)
    found = optimize.minimize_scalar(deviance, bounds=(0.0, top), method="bounded", options={"xatol": 1e-10 * top})
    tau = float(found.x) if deviance(float(found.x)) < deviance(0.0) else 0.0
    estimate, error = [], []
    for a, b in zip(y, v, strict=True):
        w = 1 / (tau**2 + b)
        keep, mean = tau**2 / (tau**2 + b), w @ a / w.sum()
        estimate.append(keep * a + (1 - keep) * mean)
        error.append(np.sqrt(keep * b + (1 - keep) ** 2 / w.sum()))
    return Shrunken(estimate=tuple(estimate), std_error=tuple(error), tau=tau)
