"""Contrast tests for a dose–response signal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nirls.stats.dose.multivariate_t import MaximumT

Array = np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class ContrastTest:
    """One-sided tests of M contrasts against their maximum.

    Attributes
    ----------
    estimate, std_error, statistic : (M,) arrays
    p_adjusted, p_error : (M,) arrays
        P(max T ≥ t_m) if there is no effect, and the standard error of its integration.
    critical_value, critical_error : float
        Of the largest statistic at level `alpha`.
    correlation : (M, M) array
    df, alpha : float
    """

    estimate: Array
    std_error: Array
    statistic: Array
    p_adjusted: Array
    p_error: Array
    critical_value: float
    critical_error: float
    correlation: Array
    df: float
    alpha: float


def optimal_contrasts(shapes: Array, cov: Array) -> Array:
    """Coefficients that give the test of each shape its largest power.

    c ∝ S⁻¹(μ⁰ − 1·μ⁰'S⁻¹1 / 1'S⁻¹1), of unit length (Pinheiro et al. 2014, section 3.1).

    Parameters
    ----------
    shapes : (M, K) array
        Mean at each dose, up to place and scale.
    cov : (K, K) array
        S, the covariance of the estimated means.

    Returns
    -------
    (M, K) array

    Raises
    ------
    ValueError
        If a shape is flat over the doses.
    """
    shapes = np.atleast_2d(np.asarray(shapes, float))
    inverse = np.linalg.inv(cov)
    weights = inverse.sum(axis=0)
    centred = shapes - (shapes @ weights)[:, None] / weights.sum()
    if (np.abs(centred).max(axis=1) <= 1e-12 * np.maximum(np.abs(shapes).max(axis=1), 1e-300)).any():
        raise ValueError("a candidate is flat over the doses: no contrast can show it")
    rows = centred @ inverse
    rows -= rows.mean(axis=1)[:, None]  # they add up to zero but for rounding
    return rows / np.linalg.norm(rows, axis=1)[:, None]


def contrast_test(estimates: Array, cov: Array, contrasts: Array, df: float, *, alpha: float = 0.025, seed: int = 1) -> ContrastTest:
    """Test each contrast, adjusted for looking at all of them.

    Parameters
    ----------
    estimates : (K,) array
        Means at the doses; larger is better.
    cov : (K, K) array
    contrasts : (M, K) array
    df : float
        Degrees of freedom of all statistics; infinite for normal ones.
    alpha : float
        One-sided.
    seed : int
        Of the integration.
    """
    contrasts = np.atleast_2d(np.asarray(contrasts, float))
    spread = contrasts @ cov @ contrasts.T
    std_error = np.sqrt(np.diagonal(spread))
    correlation = spread / np.outer(std_error, std_error)
    np.fill_diagonal(correlation, 1.0)
    estimate = contrasts @ np.asarray(estimates, float)
    statistic = estimate / std_error
    maximum = MaximumT(correlation=correlation, df=df, seed=seed)
    p, error = np.array([maximum.sf(t) for t in statistic]).T
    critical, critical_error = maximum.critical_value(alpha)
    return ContrastTest(
        estimate=estimate,
        std_error=std_error,
        statistic=statistic,
        p_adjusted=p,
        p_error=error,
        critical_value=critical,
        critical_error=critical_error,
        correlation=correlation,
        df=float(df),
        alpha=alpha,
    )
