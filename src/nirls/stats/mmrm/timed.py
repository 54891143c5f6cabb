"""Covariances in continuous time: of the times at which a subject was seen, not of visits.

The T "visits" are the distinct times of all subjects. Σ is never needed as a whole, only the rows and columns of each subject, which
are stacked by number of records.

==================  =======================================  ===========================
name                Σ_ab                                      parameters
==================  =======================================  ===========================
sp-exp              σ² exp(−|t_a − t_b| / ρ)                  σ², ρ
random-intercept    g + σ²δ_ab                                g, σ²
random-slope        (1, t_a) G (1, t_b)' + σ²δ_ab             G₁₁, G₂₁, G₂₂, σ²
==================  =======================================  ===========================

Parameters are as PROC MIXED has them; G must be positive definite and σ² positive.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nirls.stats.mmrm.declaration import Structure

Array = np.ndarray


def spatial_exponential(times: Array) -> Structure:
    """Correlation that decays exponentially with the distance in time."""
    distance = np.abs(np.subtract.outer(times, times))

    def correlation(theta: Array) -> Array:
        if theta[0] <= 0.0 or theta[1] <= 0.0:
            return np.full_like(distance, np.nan)
        return np.exp(-distance / theta[1])

    def first(theta: Array, n_visits: int) -> Array:
        r = correlation(theta)
        return np.stack([r, theta[0] * r * distance / theta[1] ** 2])

    def second(theta: Array, n_visits: int) -> Array:
        variance, rho = theta
        r = correlation(theta)
        mixed = r * distance / rho**2
        return np.stack([[np.zeros_like(r), mixed], [mixed, variance * r * (distance**2 / rho**4 - 2.0 * distance / rho**3)]])

    span = float(np.ptp(times))
    return Structure(
        name="sp-exp",
        label="spatial exponential in time",
        count=lambda n_visits: 2,
        sigma=lambda theta, n_visits: theta[0] * correlation(theta),
        first=first,
        second=second,
        start=lambda sigma: np.array([1.0, span / 2.0 if span > 0.0 else 1.0]),
        powers=lambda n_visits: np.array([2.0, 0.0]),
        names=lambda n_visits: ("variance", "range"),
        timed=True,
    )


def _random(times: Array, slope: bool, name: str, label: str) -> Structure:
    """ZGZ' + σ²I with rows (1) or (1, t) of Z; linear in θ = (lower triangle of G, σ²)."""
    z = np.column_stack([np.ones_like(times), times]) if slope else np.ones((times.size, 1))
    rows, columns = np.tril_indices(z.shape[1])
    first = [z[:, [a]] * z[:, b] + (z[:, [b]] * z[:, a] if a != b else 0.0) for a, b in zip(rows, columns, strict=True)]
    derivatives = np.stack([*first, np.eye(times.size)])
    k = derivatives.shape[0]

    def sigma(theta: Array, n_visits: int) -> Array:
        inside = theta[0] > 0.0 and theta[-1] > 0.0 and (not slope or theta[0] * theta[2] > theta[1] ** 2)
        return np.tensordot(theta, derivatives, axes=1) if inside else np.full_like(derivatives[0], np.nan)

    centre, spread = float(times.mean()), float(times.std())
    own = 0.25 / spread**2 if spread > 0.0 else 0.25
    start = np.array([0.5 + centre**2 * own, -centre * own, own, 0.5]) if slope else np.array([0.5, 0.5])
    return Structure(
        name=name,
        label=label,
        count=lambda n_visits: k,
        sigma=sigma,
        first=lambda theta, n_visits: derivatives,
        second=None,
        start=lambda sigma: start,
        powers=lambda n_visits: np.full(k, 2.0),
        names=lambda n_visits: (*(f"G({a + 1},{b + 1})" for a, b in zip(rows, columns, strict=True)), "residual variance"),
        timed=True,
    )


TIMED: dict[str, Callable[[Array], Structure]] = {
    "sp-exp": spatial_exponential,
    "random-intercept": lambda times: _random(times, False, "random-intercept", "random intercept"),
    "random-slope": lambda times: _random(times, True, "random-slope", "random intercept and slope"),
}
