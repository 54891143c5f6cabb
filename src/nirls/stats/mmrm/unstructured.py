"""Unstructured Σ: by its elements, and by its Cholesky factor."""

from __future__ import annotations

import numpy as np

from nirls.stats.mmrm.declaration import Structure, of_visits

Array = np.ndarray


def unstructured(n_visits: int) -> Structure:
    """θ holds the elements of Σ themselves, row by row of the lower triangle.

    Σ is then linear in θ, so the Kenward–Roger term in ∂²Σ/∂θ² vanishes and the linear and the full adjustment are the same
    (PROC MIXED's choice).
    """
    rows, columns = np.tril_indices(n_visits)
    parameter = np.arange(rows.size)
    derivatives = np.zeros((rows.size, n_visits, n_visits))
    derivatives[parameter, rows, columns] = derivatives[parameter, columns, rows] = 1.0

    def sigma(theta: Array) -> Array:
        result = np.empty((*theta.shape[:-1], n_visits, n_visits))
        result[..., rows, columns] = result[..., columns, rows] = theta
        return result

    return Structure(
        name="us",
        label="unstructured",
        names=tuple(f"UN({a + 1},{b + 1})" for a, b in zip(rows, columns, strict=True)),
        sigma=of_visits(sigma),
        first=of_visits(lambda theta: derivatives),
        second=None,
        start=lambda sigma: sigma[rows, columns],
        powers=np.full(rows.size, 2.0),
        every_pair=True,
    )


def unstructured_cholesky(n_visits: int) -> Structure:
    """Σ = D L L' D with D = diag(exp θ₁ … exp θ_T) and L unit lower triangular, row by row.

    The same model and the same fit as "us"; only what is not invariant, the full Kenward–Roger adjustment, differs. This is the
    parametrisation of R mmrm (its vignette on covariance structures).
    """
    rows, columns = np.tril_indices(n_visits, -1)
    k, visits, below = n_visits + rows.size, np.arange(n_visits), n_visits + np.arange(rows.size)

    def factor(theta: Array) -> tuple[Array, Array]:
        unit = np.broadcast_to(np.eye(n_visits), (*theta.shape[:-1], n_visits, n_visits)).copy()
        unit[..., rows, columns] = theta[..., n_visits:]
        with np.errstate(over="ignore", invalid="ignore"):
            scale = np.exp(theta[..., :n_visits])
            return scale, scale[..., None] * unit

    def sigma(theta: Array) -> Array:
        with np.errstate(over="ignore", invalid="ignore"):
            root = factor(theta)[1]
            return root @ root.swapaxes(-1, -2)

    def root_derivatives(theta: Array) -> tuple[Array, Array, Array]:
        """F = DL, ∂F/∂θ and ∂²F/∂θ²."""
        scale, root = factor(theta)
        lead = theta.shape[:-1]
        first, second = np.zeros((*lead, k, n_visits, n_visits)), np.zeros((*lead, k, k, n_visits, n_visits))
        first[..., visits, visits, :] = root
        first[..., below, rows, columns] = scale[..., rows]
        second[..., visits, visits, visits, :] = root
        second[..., below, rows, rows, columns] = second[..., rows, below, rows, columns] = scale[..., rows]
        return root, first, second

    def first(theta: Array) -> Array:
        root, first, _ = root_derivatives(theta)
        half = first @ root[..., None, :, :].swapaxes(-1, -2)
        return half + half.swapaxes(-1, -2)

    def second(theta: Array) -> Array:
        root, first, second = root_derivatives(theta)
        half = second @ root[..., None, None, :, :].swapaxes(-1, -2)
        half += first[..., :, None, :, :] @ first[..., None, :, :, :].swapaxes(-1, -2)
        return half + half.swapaxes(-1, -2)

    def start(sigma: Array) -> Array:
        root = np.linalg.cholesky(sigma)
        scale = np.diagonal(root)
        return np.concatenate([np.log(scale), (root / scale[:, None])[rows, columns]])

    return Structure(
        name="us-cholesky",
        label="unstructured, by its Cholesky factor",
        names=(
            *(f"log SD factor {a + 1}" for a in range(n_visits)),
            *(f"L({a + 1},{b + 1})" for a, b in zip(rows, columns, strict=True)),
        ),
        sigma=of_visits(sigma),
        first=of_visits(first),
        second=of_visits(second),
        start=start,
        powers=np.zeros(k),
        shifts=(np.arange(k) < n_visits).astype(float),
        every_pair=True,
    )
