"""Bias-corrected and accelerated bootstrap intervals of many statistics at once.

References
----------
.. [1] Efron B. Better bootstrap confidence intervals. J Am Stat Assoc 1987;82:171–185.
.. [2] Davison AC, Hinkley DV. Bootstrap methods and their application. Cambridge University Press 1997, section 5.3.2; the interpolation
   between ordered draws is equation 5.8.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, ndtri

Array = np.ndarray


def bca(estimate: Array, draws: Array, without_one: Array, level: float = 0.95) -> tuple[Array, Array]:
    """Limits of the bias-corrected and accelerated interval [1]_, with the acceleration of the jackknife.

    Parameters
    ----------
    estimate : (k,) array
        The statistics in the sample.
    draws : (B, k) array
        The statistics in the bootstrap samples; a draw in which one is NaN does not count for it.
    without_one : (n, k) array
        The statistics in the samples with one subject left out.
    level : float

    Returns
    -------
    low, high : (k,) arrays
        NaN where the statistic is NaN, where all draws lie on one side of it, or where the interval would reach beyond the draws.
    """
    estimate, draws, without_one = (np.asarray(v, dtype=float) for v in (estimate, draws, without_one))
    influence = without_one.mean(axis=0) - without_one
    with np.errstate(invalid="ignore", divide="ignore"):
        acceleration = (influence**3).sum(axis=0) / (6 * (influence**2).sum(axis=0) ** 1.5)
    limits = np.full((2, estimate.size), np.nan)
    tails = ndtri(np.array([(1 - level) / 2, (1 + level) / 2]))
    for k in range(estimate.size):  # over statistics; their draws may differ in number
        own = np.sort(draws[~np.isnan(draws[:, k]), k])
        below = (own < estimate[k]).mean() if own.size else np.nan
        a = acceleration[k] if np.isfinite(acceleration[k]) else np.nan
        if not 0 < below < 1 or a != a or estimate[k] != estimate[k]:
            continue
        z = ndtri(below)
        limits[:, k] = _quantiles(own, ndtr(z + (z + tails) / (1 - a * (z + tails))))
    return limits[0], limits[1]


def _quantiles(ordered: Array, probability: Array) -> Array:
    """Quantiles of ordered draws, interpolated on the scale of normal quantiles ([2]_, equation 5.8); NaN if one lies beyond the draws."""
    size = ordered.size
    rank = (size + 1) * probability
    k = np.floor(rank).astype(int)
    inside = (k >= 1) & (k < size)
    k = np.clip(k, 1, max(size - 1, 1))
    at, here, there = ndtri(probability), ndtri(k / (size + 1)), ndtri((k + 1) / (size + 1))
    found = ordered[k - 1] + (at - here) / (there - here) * (ordered[np.minimum(k, size - 1)] - ordered[k - 1])
    return found if inside.all() else np.full(probability.size, np.nan)
