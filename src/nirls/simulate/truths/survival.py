"""Survival of a large population from counts by day: the values to which the estimates of a trial converge."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def at_risk(counts: NDArray) -> NDArray:
    """Subjects at risk on each day; counts (…, days, 2) hold events and censorings."""
    return counts.sum(axis=-1)[..., ::-1].cumsum(axis=-1)[..., ::-1]


def survival(counts: NDArray) -> Array:
    """Kaplan–Meier estimate after each day, shape (…, days)."""
    n = at_risk(counts)
    return np.cumprod(1 - counts[..., 0] / np.maximum(n, 1), axis=-1)


def restricted_mean(curve: Array, days: int) -> Array:
    """Mean days without the event up to `days`, of curves (…, days)."""
    return curve[..., :days].sum(axis=-1)


def log_hazard_ratio(arm: NDArray, reference: NDArray, start: float = 0.0) -> float:
    """Cox's estimate of the arm against the reference with Efron's rule for ties, stratified; counts (strata, days, 2)."""
    d1, d0, n1, n0 = arm[..., 0].ravel(), reference[..., 0].ravel(), at_risk(arm).ravel(), at_risk(reference).ravel()
    some = d1 + d0 > 0
    d1, d0, n1, n0 = (x[some] for x in (d1, d0, n1, n0))
    d = d1 + d0
    gone = (np.arange(d.sum()) - np.repeat(d.cumsum() - d, d)) / np.repeat(d, d)
    ours, theirs = np.repeat(n1, d) - gone * np.repeat(d1, d), np.repeat(n0, d) - gone * np.repeat(d0, d)
    beta = start
    for _ in range(50):
        weight = np.exp(beta) * ours
        p = weight / (weight + theirs)
        step = (d1.sum() - p.sum()) / (p * (1 - p)).sum()
        beta += step
        if abs(step) < 1e-10:
            return float(beta)
    raise ValueError("Cox's estimate does not converge: one of the arms has hardly an event; simulate more subjects")
