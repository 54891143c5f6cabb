"""Firth's penalised logistic regression, whose estimates are finite for separated data.

References
----------
.. [1] Firth D. Bias reduction of maximum likelihood estimates. Biometrika 1993;80:27-38.
.. [2] Heinze G, Schemper M. A solution to the problem of separation in logistic regression. Stat Med 2002;21:2409-2419: tests and
   intervals from the profile of the penalised likelihood.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from nirls.errors import ConvergenceError

Array = np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Firth:
    """A fit that maximises log L(β) + ½ log|X'WX|; made by :func:`firth`.

    Attributes
    ----------
    y, x : (n,), (n, p) arrays
    beta : (p,) array
        Log odds ratios.
    cov : (p, p) array
        (X'WX)⁻¹ at the estimate.
    loglike : float
        Penalised log likelihood.
    """

    y: Array
    x: Array
    beta: Array
    cov: Array
    loglike: float

    @property
    def std_error(self) -> Array:
        """(p,) standard errors; an interval should come from :meth:`ci`, since the likelihood of separated data is skewed."""
        return np.sqrt(np.diagonal(self.cov))

    def p_value(self, j: int) -> float:
        """Penalised likelihood ratio test of βⱼ = 0, 1 df [2]_."""
        return float(special.chdtrc(1, max(0.0, self._fall(j, 0.0))))

    def ci(self, j: int, level: float = 0.95) -> tuple[float, float]:
        """Profile penalised likelihood limits of βⱼ [2]_: where the likelihood ratio test has p = 1 − level."""
        if not 0.0 < level < 1.0:
            raise ValueError(f"confidence level {level} is not between 0 and 1")
        target = float(special.chdtri(1, 1 - level))
        return self._limit(j, target, -1), self._limit(j, target, 1)

    def _fall(self, j: int, value: float) -> float:
        """Twice the fall of the penalised log likelihood when βⱼ is held at `value`."""
        start = self.beta.copy()
        start[j] = value
        return 2 * (self.loglike - _maximise(self.y, self.x, start, np.arange(self.beta.size) != j)[1])

    def _limit(self, j: int, target: float, side: int) -> float:
        centre, step = float(self.beta[j]), float(self.std_error[j])
        far = centre + side * step
        for _ in range(60):
            if self._fall(j, far) > target:
                return float(optimize.brentq(lambda b: self._fall(j, b) - target, centre, far, xtol=1e-10))
            step *= 1.6
            far = centre + side * step
        raise ConvergenceError(f"the profile of coefficient {j} has no limit on the {'upper' if side > 0 else 'lower'} side")


def firth(y: Array, x: Array) -> Firth:
    """Fit a logistic regression with Firth's penalty.

    Parameters
    ----------
    y : (n,) array of 0 and 1
    x : (n, p) array
        Design of full column rank, with its intercept.

    Raises
    ------
    ConvergenceError
        If the penalised score does not reach 0.
    """
    y, x = np.asarray(y, dtype=float), np.asarray(x, dtype=float)
    beta, loglike, cov = _maximise(y, x, np.zeros(x.shape[1]), np.ones(x.shape[1], dtype=bool))
    return Firth(y=y, x=x, beta=beta, cov=cov, loglike=loglike)


def _loglike(y: Array, x: Array, beta: Array) -> float:
    eta = x @ beta
    weight = special.expit(eta) * special.expit(-eta)
    sign, log_det = np.linalg.slogdet(x.T * weight @ x)
    return float(y @ eta - np.logaddexp(0, eta).sum() + log_det / 2) if sign > 0 else -math.inf


def _maximise(y: Array, x: Array, beta: Array, free: Array) -> tuple[Array, float, Array]:
    """Newton steps on the modified score X'(y − π + h(½ − π)) of the free coefficients, halved until the likelihood rises."""
    value = _loglike(y, x, beta)
    for _ in range(200):
        eta = x @ beta
        pi = special.expit(eta)
        root = np.sqrt(pi * special.expit(-eta))
        q, r = np.linalg.qr(root[:, None] * x)
        leverage = (q**2).sum(axis=1)
        score = x.T @ (y - pi + leverage * (0.5 - pi))
        information = r.T @ r
        if not free.any():
            return beta, value, np.linalg.inv(information)
        step = np.zeros_like(beta)
        step[free] = np.linalg.solve(information[np.ix_(free, free)], score[free])
        if np.abs(step).max() <= 1e-12 * (1 + np.abs(beta).max()):
            return beta, value, np.linalg.inv(information)
        step *= min(1.0, 5 / np.abs(step).max())
        if np.abs(score[free] @ step[free]) > 1e-8:  # nearer to the maximum the likelihood is flat to rounding and says nothing
            for _ in range(40):
                if _loglike(y, x, beta + step) >= value:
                    break
                step /= 2
        beta = beta + step
        value = _loglike(y, x, beta)
    raise ConvergenceError(f"Firth's penalised likelihood did not reach its maximum: largest score {np.abs(score[free]).max():.2g}")
