"""Cumulative logit regression of ordered categories, with proportional odds or with effects that differ by threshold.

References
----------
.. [1] McCullagh P. Regression models for ordinal data. J R Stat Soc B 1980;42:109-142.
.. [2] Peterson B, Harrell FE. Partial proportional odds models for ordinal response variables. Appl Stat 1990;39:205-217.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from nirls.errors import ConvergenceError

Array = np.ndarray
EXTREME = 18.0
"""A linear predictor this far out, a probability of 10⁻⁸, belongs to an estimate on its way to infinity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CumulativeLogit:
    """logit P(Y ≤ j) = θⱼ + zγⱼ − xβ for j = 1 … c − 1; made by :func:`cumulative_logit`.

    Attributes
    ----------
    thresholds : (c − 1,) array
        θ.
    beta : (p,) array
        A positive coefficient means higher categories; as in R ``ordinal::clm``.
    gamma : (q, c − 1) array
        Effects that differ by threshold.
    cov : array
        Inverse of the observed information, in the order θ, γ (by column of z), β.
    loglike : float
    """

    thresholds: Array
    beta: Array
    gamma: Array
    cov: Array
    loglike: float

    @property
    def beta_std_error(self) -> Array:
        """(p,) standard errors of β."""
        return np.sqrt(np.diagonal(self.cov))[self.cov.shape[0] - self.beta.size :]


def cumulative_logit(y: Array, x: Array, z: Array | None = None, *, finite: bool = True) -> CumulativeLogit:
    """Maximum likelihood fit by Newton's method.

    Parameters
    ----------
    y : (n,) int array
        Categories 0 … c − 1; every one of them occurs.
    x : (n, p) array
        Covariates with proportional odds, without intercept.
    z : (n, q) array, optional
        Covariates whose effect differs by threshold [2]_.
    finite : bool
        False also accepts a likelihood that rises to its limit while an estimate goes to infinity, as when a group lacks an outer
        category; `loglike` is then right to 1e-9 and serves a likelihood ratio test, while estimates and `cov` mean nothing.

    Raises
    ------
    ValueError
        If there are fewer than two categories, or one does not occur.
    ConvergenceError
        If there is no maximum: separated data, or fitted probabilities that reach 0.
    """
    y, x = np.asarray(y, dtype=int), np.asarray(x, dtype=float)
    z = np.zeros((y.size, 0)) if z is None else np.asarray(z, dtype=float)
    c = int(y.max()) + 1
    if c < 2 or np.unique(y).size < c or y.min() < 0:
        raise ValueError(f"the categories must be 0 … c − 1 and all occur, not {np.unique(y)}")
    q = z.shape[1]
    step = np.eye(c - 1)

    def rows(j: Array) -> Array:
        """Design of η at threshold j of each subject."""
        at = step[np.clip(j, 0, c - 2)]
        return np.hstack([at, *(at * z[:, [k]] for k in range(q)), -x])

    upper, lower = rows(y), rows(y - 1)
    top, bottom = y == c - 1, y == 0
    share = np.cumsum(np.bincount(y, minlength=c))[:-1] / y.size
    b = np.concatenate([special.logit(share), np.zeros(q * (c - 1) + x.shape[1])])

    def parts(b: Array) -> tuple[Array, ...]:
        u, v = special.expit(upper @ b), special.expit(lower @ b)
        u, v = np.where(top, 1.0, u), np.where(bottom, 0.0, v)
        # from whichever tail loses no digits
        p = np.where(top, special.expit(-(lower @ b)), u - v)
        return u, v, p

    u, v, p = parts(b)
    value = np.log(p).sum()
    for _ in range(100):
        fu, fv = u * (1 - u), v * (1 - v)
        rise = (fu[:, None] * upper - fv[:, None] * lower) / p[:, None]
        score = rise.sum(axis=0)
        curve_u, curve_v = fu * (1 - 2 * u) / p, fv * (1 - 2 * v) / p
        information = rise.T @ rise - (upper.T * curve_u) @ upper + (lower.T * curve_v) @ lower
        cov = np.linalg.pinv(information, hermitian=True)
        move = cov @ score
        if not np.isfinite(move).all():
            break
        extreme = max(np.abs(upper @ b)[~top].max(), np.abs(lower @ b)[~bottom].max()) > EXTREME
        done = np.abs(move).max() < 1e-11 * (1 + np.abs(b).max()) and not extreme
        if done or (not finite and abs(score @ move) < 1e-10):
            t = c - 1
            return CumulativeLogit(
                thresholds=b[:t], gamma=b[t : t + q * t].reshape(q, t), beta=b[t + q * t :], cov=cov, loglike=float(value)
            )
        if extreme and finite:
            break
        near = abs(score @ move) < 1e-9
        for _ in range(50):
            u, v, p = parts(b + move)
            if (p > 0).all() and (near or np.log(p).sum() >= value):
                break
            move = move / 2
        b, value = b + move, np.log(np.maximum(p, 1e-300)).sum()
    raise ConvergenceError("the cumulative logit model has no maximum: the data are separated, or a fitted probability reaches 0")
