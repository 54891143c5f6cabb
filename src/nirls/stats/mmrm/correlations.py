"""Correlation matrices of T visits with their derivatives in the parameters φ.

Each returns (R, ∂R/∂φ (..., m, T, T), ∂²R/∂φ² (..., m, m, T, T)); leading axes of φ (many fits at once) are carried through, constants
leave them out. A start is found from an empirical correlation matrix.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Array = np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Correlation:
    """A family of correlation matrices.

    Attributes
    ----------
    count : callable
        T → number m of parameters.
    matrices : callable
        (φ (..., m), T) → (R, ∂R, ∂²R).
    guess : callable
        R₀ (T, T) → φ (m,), not necessarily inside the domain.
    names : callable
        T → m labels.
    """

    count: Callable[[int], int]
    matrices: Callable[[Array, int], tuple[Array, Array, Array]]
    guess: Callable[[Array], Array]
    names: Callable[[int], tuple[str, ...]]

    def start(self, correlation: Array) -> Array:
        """The guess, drawn towards independence until R is well inside the positive definite cone."""
        phi = self.guess(correlation)
        while phi.size and np.linalg.eigvalsh(self.matrices(phi, correlation.shape[0])[0])[0] < 1e-2:
            phi = 0.9 * phi
        return phi


def lags(n_visits: int) -> Array:
    """|a − b| for visits a, b."""
    return np.abs(np.subtract.outer(np.arange(n_visits), np.arange(n_visits)))


def lag_means(correlation: Array) -> Array:
    """Mean correlation at lags 1 … T − 1."""
    return np.array([np.diagonal(correlation, d).mean() for d in range(1, correlation.shape[0])])


def _independent(phi: Array, n_visits: int) -> tuple[Array, Array, Array]:
    """One visit: no parameter."""
    own = np.broadcast_to(np.eye(n_visits), (*phi.shape[:-1], n_visits, n_visits))
    return own, np.zeros((0, n_visits, n_visits)), np.zeros((0, 0, n_visits, n_visits))


def _exchangeable(phi: Array, n_visits: int) -> tuple[Array, Array, Array]:
    if n_visits == 1:
        return _independent(phi, n_visits)
    off = 1.0 - np.eye(n_visits)
    return np.eye(n_visits) + phi[..., None] * off, off[None], np.zeros((1, 1, n_visits, n_visits))


def _autoregressive(phi: Array, n_visits: int) -> tuple[Array, Array, Array]:
    if n_visits == 1:
        return _independent(phi, n_visits)
    lag, rho = lags(n_visits), phi[..., None]
    first = lag * rho ** np.maximum(lag - 1, 0)
    second = lag * (lag - 1) * rho ** np.maximum(lag - 2, 0)
    return rho**lag, first[..., None, :, :], second[..., None, None, :, :]


def _toeplitz(phi: Array, n_visits: int) -> tuple[Array, Array, Array]:
    m = n_visits - 1
    first = (lags(n_visits) == np.arange(1, n_visits)[:, None, None]).astype(float)
    return np.eye(n_visits) + np.tensordot(phi, first, axes=1), first, np.zeros((m, m, n_visits, n_visits))


def _antedependent(phi: Array, n_visits: int) -> tuple[Array, Array, Array]:
    """R_ab = φ_a φ_{a+1} … φ_{b−1}; derivatives are the products without one or two of the factors (which may be zero)."""
    m = n_visits - 1
    steps, visits = np.arange(m), np.arange(n_visits)
    low, high = np.minimum.outer(visits, visits), np.maximum.outer(visits, visits)
    between = (low <= steps[:, None, None]) & (steps[:, None, None] < high)  # (m, T, T)
    factors = np.where(between, phi[..., None, None], 1.0)
    alone = ~np.eye(m, dtype=bool)
    first = between * np.where(alone[:, :, None, None], factors[..., None, :, :, :], 1.0).prod(axis=-3)
    pair = alone[:, None, :] & alone[None, :, :]
    rest = np.where(pair[..., None, None], factors[..., None, None, :, :, :], 1.0).prod(axis=-3)
    return factors.prod(axis=-3), first, between[:, None] * between * alone[:, :, None, None] * rest


EXCHANGEABLE = Correlation(
    count=lambda n_visits: min(n_visits - 1, 1),
    matrices=_exchangeable,
    guess=lambda r: np.array([r[np.tril_indices(r.shape[0], -1)].mean()] if r.shape[0] > 1 else []),
    names=lambda n_visits: ("correlation",)[: n_visits - 1],
)
AUTOREGRESSIVE = Correlation(
    count=lambda n_visits: min(n_visits - 1, 1),
    matrices=_autoregressive,
    guess=lambda r: np.clip(lag_means(r)[:1], -0.95, 0.95),
    names=lambda n_visits: ("correlation of neighbours",)[: n_visits - 1],
)
TOEPLITZ = Correlation(
    count=lambda n_visits: n_visits - 1,
    matrices=_toeplitz,
    guess=lag_means,
    names=lambda n_visits: tuple(f"correlation at lag {d}" for d in range(1, n_visits)),
)
ANTEDEPENDENT = Correlation(
    count=lambda n_visits: n_visits - 1,
    matrices=_antedependent,
    guess=lambda r: np.clip(np.diagonal(r, 1), -0.95, 0.95),
    names=lambda n_visits: tuple(f"correlation {a},{a + 1}" for a in range(1, n_visits)),
)
