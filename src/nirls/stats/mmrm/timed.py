"""Covariances in continuous time: of the times at which a subject was seen, not of visits.

The T "visits" are the distinct times of all subjects. Σ is never formed as a whole, only the rows and columns of each subject, which
are stacked by number of records.

==================  =======================================  ===========================
name                Σ_ab                                      parameters
==================  =======================================  ===========================
sp-exp              σ² exp(−|t_a − t_b| / ρ)                  σ², ρ
random-intercept    g + σ²δ_ab                                g, σ²
random-slope        (1, t_a) G (1, t_b)' + σ²δ_ab             G₁₁, G₂₁, G₂₂, σ²
random-slope@K      the same with (1, t, (t − K)₊)            G₁₁, G₂₁, G₂₂, …, G₃₃, σ²
==================  =======================================  ===========================

Parameters are as PROC MIXED has them; G must be positive definite and σ² positive. K, the knot, is a number in the unit of the
times: ``random-slope@12`` lets a subject's slope change at time 12.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from nirls.stats.mmrm.declaration import Structure

Array = np.ndarray


def spatial_exponential(times: Array) -> Structure:
    """Correlation that decays exponentially with the distance in time."""

    def parts(theta: Array, visits: Array) -> tuple[Array, Array, Array, Array]:
        """σ², ρ (NaN outside the domain), R and |t_a − t_b|."""
        inside = np.where((theta > 0.0).all(axis=-1, keepdims=True), theta, np.nan)[..., None, None, None]
        variance, rho = inside[..., 0, :, :, :], inside[..., 1, :, :, :]
        distance = np.abs(times[visits][:, :, None] - times[visits][:, None, :])
        return variance, rho, np.exp(-distance / rho), distance

    def sigma(theta: Array, visits: Array) -> Array:
        variance, _, r, _ = parts(theta, visits)
        return variance * r

    def first(theta: Array, visits: Array) -> Array:
        variance, rho, r, distance = parts(theta, visits)
        return np.stack([r, variance * r * distance / rho**2], axis=-4)

    def second(theta: Array, visits: Array) -> Array:
        variance, rho, r, distance = parts(theta, visits)
        mixed = r * distance / rho**2
        bend = variance * r * (distance**2 / rho**4 - 2.0 * distance / rho**3)
        return np.stack([np.stack([np.zeros_like(r), mixed], axis=-4), np.stack([mixed, bend], axis=-4)], axis=-5)

    span = float(np.ptp(times))
    return Structure(
        name="sp-exp",
        label="spatial exponential in time",
        names=("variance", "range"),
        sigma=sigma,
        first=first,
        second=second,
        start=lambda sigma: np.array([1.0, span / 2.0 if span > 0.0 else 1.0]),
        powers=np.array([2.0, 0.0]),
        timed=True,
    )


def _random(times: Array, *, bends: tuple[Callable[[Array], Array], ...] = (), name: str, label: str) -> Structure:
    """ZGZ' + σ²I with rows (1, f(t) of each of `bends`) of Z; linear in θ = (lower triangle of G by rows, σ²)."""
    z = np.column_stack([np.ones_like(times), *(f(times) for f in bends)])
    q = z.shape[1]
    rows, columns = np.tril_indices(q)
    k = rows.size + 1

    def first(theta: Array, visits: Array) -> Array:
        own = z[visits]
        crossed = own[:, :, None, rows] * own[:, None, :, columns]
        crossed = crossed + np.where(rows == columns, 0.0, crossed.swapaxes(1, 2))
        unit = np.broadcast_to(np.eye(visits.shape[1]), (1, *crossed.shape[:-1]))
        return np.concatenate([np.moveaxis(crossed, -1, 0), unit])

    def covariance(theta: Array) -> Array:
        g = np.empty((*theta.shape[:-1], q, q))
        g[..., rows, columns] = g[..., columns, rows] = theta[..., :-1]
        return g

    def sigma(theta: Array, visits: Array) -> Array:
        g, inside = covariance(theta), theta[..., -1] > 0.0
        for size in range(1, q + 1):  # positive definite: all leading minors are
            inside &= np.linalg.det(g[..., :size, :size]) > 0.0
        return np.tensordot(np.where(inside[..., None], theta, np.nan), first(theta, visits), axes=1)

    # Half of the variance is the residual's; the rest lies on the intercept at the mean time and, uncorrelated with it, on the slopes.
    centre, spread = z.mean(axis=0), z.std(axis=0)
    own = np.append(0.5, 0.25 / np.where(spread[1:] > 0.0, spread[1:], 1.0) ** 2)
    shift = np.eye(q)
    shift[0, 1:] = -centre[1:]
    g = shift * own @ shift.T
    start = np.append(g[rows, columns], 0.5)
    return Structure(
        name=name,
        label=label,
        names=(*(f"G({a + 1},{b + 1})" for a, b in zip(rows, columns, strict=True)), "residual variance"),
        sigma=sigma,
        first=first,
        second=None,
        start=lambda sigma: start,
        powers=np.full(k, 2.0),
        timed=True,
    )


def _time(times: Array) -> Array:
    return times


def with_knot(times: Array, knot: float) -> Structure:
    """A random intercept, a slope, and a change of the slope at `knot`."""
    label = f"random intercept, slope and change of slope at {knot:g}"
    bends = (_time, lambda t: np.maximum(t - knot, 0.0))
    return _random(times, bends=bends, name=f"random-slope@{knot:g}", label=label)


TIMED: dict[str, Callable[[Array], Structure]] = {
    "sp-exp": spatial_exponential,
    "random-intercept": partial(_random, name="random-intercept", label="random intercept"),
    "random-slope": partial(_random, bends=(_time,), name="random-slope", label="random intercept and slope"),
}
