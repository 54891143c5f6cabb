"""Unstructured Σ: by its elements, and by its Cholesky factor."""

from __future__ import annotations

import numpy as np

from nirls.stats.mmrm.declaration import Structure

Array = np.ndarray


def _us_sigma(theta: Array, n_visits: int) -> Array:
    rows, columns = np.tril_indices(n_visits)
    sigma = np.empty((n_visits, n_visits))
    sigma[rows, columns] = theta
    sigma[columns, rows] = theta
    return sigma


def _us_first(theta: Array, n_visits: int) -> Array:
    rows, columns = np.tril_indices(n_visits)
    first = np.zeros((rows.size, n_visits, n_visits))
    parameter = np.arange(rows.size)
    first[parameter, rows, columns] = 1.0
    first[parameter, columns, rows] = 1.0
    return first


# θ holds the elements of Σ themselves, row by row of the lower triangle. Σ is then linear in θ, so the
# Kenward–Roger term in ∂²Σ/∂θ² vanishes and the linear and the full adjustment are the same (PROC MIXED's choice).
UNSTRUCTURED = Structure(
    name="us",
    label="unstructured",
    count=lambda n_visits: n_visits * (n_visits + 1) // 2,
    sigma=_us_sigma,
    first=_us_first,
    second=None,
    start=lambda sigma: sigma[np.tril_indices(sigma.shape[0])],
    powers=lambda n_visits: np.full(n_visits * (n_visits + 1) // 2, 2.0),
    names=lambda n_visits: tuple(f"UN({a + 1},{b + 1})" for a, b in zip(*np.tril_indices(n_visits), strict=True)),
    every_pair=True,
)


def _cholesky_factor(theta: Array, n_visits: int) -> tuple[Array, Array]:
    """Σ = D L L' D with D = diag(exp θ₁ … exp θ_T) and L unit lower triangular, row by row: (D, L)."""
    unit = np.eye(n_visits)
    unit[np.tril_indices(n_visits, -1)] = theta[n_visits:]
    with np.errstate(over="ignore"):
        return np.exp(theta[:n_visits]), unit


def _cholesky_sigma(theta: Array, n_visits: int) -> Array:
    scale, unit = _cholesky_factor(theta, n_visits)
    with np.errstate(over="ignore", invalid="ignore"):
        root = scale[:, None] * unit
        return root @ root.T


def _cholesky_root_derivatives(theta: Array, n_visits: int) -> tuple[Array, Array, Array]:
    """F = DL, ∂F/∂θ (k, T, T) and ∂²F/∂θ² (k, k, T, T)."""
    scale, unit = _cholesky_factor(theta, n_visits)
    rows, columns = np.tril_indices(n_visits, -1)
    k, visits, below = n_visits + rows.size, np.arange(n_visits), n_visits + np.arange(rows.size)
    root = scale[:, None] * unit
    first, second = np.zeros((k, n_visits, n_visits)), np.zeros((k, k, n_visits, n_visits))
    first[visits, visits] = root
    first[below, rows, columns] = scale[rows]
    second[visits, visits, visits] = root
    second[below, rows, rows, columns] = second[rows, below, rows, columns] = scale[rows]
    return root, first, second


def _cholesky_first(theta: Array, n_visits: int) -> Array:
    root, first, _ = _cholesky_root_derivatives(theta, n_visits)
    half = first @ root.T
    return half + half.swapaxes(-1, -2)


def _cholesky_second(theta: Array, n_visits: int) -> Array:
    root, first, second = _cholesky_root_derivatives(theta, n_visits)
    half = second @ root.T + first[:, None] @ first.swapaxes(-1, -2)[None]
    return half + half.swapaxes(-1, -2)


def _cholesky_start(sigma: Array) -> Array:
    root = np.linalg.cholesky(sigma)
    scale = np.diagonal(root)
    return np.concatenate([np.log(scale), (root / scale[:, None])[np.tril_indices(sigma.shape[0], -1)]])


# The same model and the same fit as "us"; only what is not invariant, the full Kenward–Roger adjustment, differs.
# This is the parametrisation of R mmrm (its vignette on covariance structures).
UNSTRUCTURED_CHOLESKY = Structure(
    name="us-cholesky",
    label="unstructured, by its Cholesky factor",
    count=lambda n_visits: n_visits * (n_visits + 1) // 2,
    sigma=_cholesky_sigma,
    first=_cholesky_first,
    second=_cholesky_second,
    start=_cholesky_start,
    powers=lambda n_visits: np.zeros(n_visits * (n_visits + 1) // 2),
    shifts=lambda n_visits: (np.arange(n_visits * (n_visits + 1) // 2) < n_visits).astype(float),
    names=lambda n_visits: (
        tuple(f"log SD factor {a + 1}" for a in range(n_visits))
        + tuple(f"L({a + 1},{b + 1})" for a, b in zip(*np.tril_indices(n_visits, -1), strict=True))
    ),
    every_pair=True,
)
