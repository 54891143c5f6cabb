"""Risk difference standardised over covariates (g-computation) from a logistic regression.

References
----------
.. [1] Ge M, Durham LK, Meyer RD, Xie W, Thomas N. Covariate-adjusted difference in proportions from clinical trials using logistic
   regression and weighted risk differences. Drug Inf J 2011;45:481-493.
.. [2] Ye T, Bannick M, Yi Y, Shao J. Robust variance estimation for covariate-adjusted unconditional treatment effect in randomized
   clinical trials with binary outcomes. Stat Theory Relat Fields 2023;7:159-163, Theorem 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

Array = np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardisedDifference:
    """Mean predicted risk of all subjects under treatment minus that under comparator, with a normal interval and test.

    Attributes
    ----------
    risk1, risk2 : float
        Mean predicted risks under treatment and under comparator.
    std_error : float
    """

    risk1: float
    risk2: float
    std_error: float

    @property
    def estimate(self) -> float:
        """Difference of the two risks."""
        return self.risk1 - self.risk2

    @property
    def p_value(self) -> float:
        """Two-sided p-value of no difference."""
        return float(2 * special.ndtr(-abs(self.estimate) / self.std_error))

    def ci(self, level: float = 0.95) -> tuple[float, float]:
        """Lower and upper limit."""
        if not 0.0 < level < 1.0:
            raise ValueError(f"confidence level {level} is not between 0 and 1")
        margin = float(special.ndtri(0.5 + level / 2)) * self.std_error
        return self.estimate - margin, self.estimate + margin


def standardise_ge(beta: Array, cov: Array, x1: Array, x2: Array) -> StandardisedDifference:
    """Delta-method standard error over the coefficients, for covariates held fixed [1]_.

    Parameters
    ----------
    beta, cov : (p,), (p, p) arrays
        Coefficients with their covariance, model-based or robust.
    x1, x2 : (n, p) arrays
        Design of all subjects as if all had the treatment, and as if all had the comparator.
    """
    p1, p2 = special.expit(x1 @ beta), special.expit(x2 @ beta)
    gradient = (x1 * (p1 * (1 - p1))[:, None]).mean(axis=0) - (x2 * (p2 * (1 - p2))[:, None]).mean(axis=0)
    return StandardisedDifference(risk1=float(p1.mean()), risk2=float(p2.mean()), std_error=math.sqrt(float(gradient @ cov @ gradient)))


def standardise_ye(beta: Array, y: Array, treated: Array, x1: Array, x2: Array) -> StandardisedDifference:
    """Standard error that is valid when the model is wrong and covariates are random, under simple randomization [2]_.

    With stratified randomization and the strata in the model it is valid too.

    Parameters
    ----------
    beta : (p,) array
        Maximum likelihood coefficients of a model with intercept and treatment.
    y, treated : (n,) arrays
        Response (0 or 1) and treatment (bool).
    x1, x2 : (n, p) arrays
        As in :func:`standardise_ge`.
    """
    y, treated = np.asarray(y, dtype=float), np.asarray(treated, dtype=bool)
    p1, p2 = special.expit(x1 @ beta), special.expit(x2 @ beta)

    def cov(a: Array, b: Array) -> float:
        return float(np.cov(a, b)[0, 1])

    one, two = treated, ~treated
    v11 = cov(y[one] - p1[one], y[one] - p1[one]) / one.mean() + 2 * cov(y[one], p1[one]) - cov(p1, p1)
    v22 = cov(y[two] - p2[two], y[two] - p2[two]) / two.mean() + 2 * cov(y[two], p2[two]) - cov(p2, p2)
    v12 = cov(y[one], p2[one]) + cov(y[two], p1[two]) - cov(p1, p2)
    variance = (v11 + v22 - 2 * v12) / y.size
    return StandardisedDifference(risk1=float(p1.mean()), risk2=float(p2.mean()), std_error=math.sqrt(max(float(variance), 0.0)))
