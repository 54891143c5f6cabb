"""Analysis of covariance of completed data at all visits and draws at once, linear in what is added to the outcome.

The outcome may be a sum c₀Y₀ + c₁Y₁ + … of layers (the imputed data, and what each δ adds). Coefficients are linear and the residual sum of
squares quadratic in c, so that any δ is evaluated without another fit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nirls.errors import NotEstimableError

Array = np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What is estimated from q coefficients: m rows l of lβ; a NaN stands for the mean of that column in the sample."""

    matrix: Array

    def of(self, means: Array) -> Array:
        """(B, m, q), at the column means (B, q) of each sample."""
        return np.where(np.isnan(self.matrix), means[:, None, :], self.matrix)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pieces:
    """B analyses at T visits of K layers, with q coefficients.

    Attributes
    ----------
    coefficients : (B, T, K, q) array
    rows_cov : (B, m) array
        l (Z'WZ)⁻¹ l' of each row l.
    rows : (B, m, q) array
    squares : (B, T, K, K) array
        Residual cross-products of the layers.
    df : (B,) array
        Residual degrees of freedom.
    """

    coefficients: Array
    rows_cov: Array
    rows: Array
    squares: Array
    df: Array

    def estimate(self, layers: Array) -> Array:
        """lβ̂ (B, T, m) of the outcome Σ layers[k] Y_k."""
        return np.einsum("btkq,k,bmq->btm", self.coefficients, layers, self.rows, optimize=True)

    def variance(self, layers: Array) -> Array:
        """Model-based variance of lβ̂, (B, T, m)."""
        mean_square = np.einsum("btkl,k,l->bt", self.squares, layers, layers) / self.df[:, None]
        return mean_square[:, :, None] * self.rows_cov[:, None, :]


def analyse(outcome: Array, design: Array, weights: Array, rows: Rows) -> Pieces:
    """Ordinary least squares of every layer at every visit.

    Parameters
    ----------
    outcome : (K, B, n, T) array
        Complete data; the second axis may be of length 1 in all.
    design : (n, q) array
        The same at all visits.
    weights : (B, n) array
        How often a subject counts.
    rows : Rows

    Raises
    ------
    NotEstimableError
        If the design of a sample is rank deficient.
    """
    triangle: Array = np.linalg.qr(design)[1]
    if np.abs(np.diagonal(triangle)).min() < 1e-9 * np.abs(triangle).max():
        raise NotEstimableError("the design of the analysis of covariance is rank deficient")
    q = design.shape[1]
    z = np.linalg.solve(triangle.T, design.T).T  # orthonormal in the whole sample: well conditioned in the others
    gram = (weights @ (z[:, :, None] * z[:, None, :]).reshape(len(z), -1)).reshape(-1, q, q)
    values = np.linalg.eigvalsh(gram)
    bad = np.flatnonzero(values[:, 0] < 1e-9 * values[:, -1])
    if bad.size:
        raise NotEstimableError(f"the design of the analysis of covariance is rank deficient in {bad.size} of {len(gram)} samples")
    layers, n_draws, _, n_visits = outcome.shape
    wide = outcome.transpose(1, 2, 3, 0).reshape(n_draws, len(z), n_visits * layers)
    weighted = z.T[None] * weights[:, None, :]
    inner = np.linalg.solve(gram, weighted @ wide)
    residual = (wide - z @ inner).reshape(n_draws, len(z), n_visits, layers)
    squares = np.einsum("bntk,bn,bntl->btkl", residual, np.broadcast_to(weights, (n_draws, len(z))), residual, optimize=True)
    total = weights.sum(axis=1)
    at = rows.of((weights @ design) / total[:, None])
    inside = np.linalg.solve(triangle.T, at.swapaxes(1, 2))  # l R⁻¹
    return Pieces(
        coefficients=np.linalg.solve(triangle, inner).reshape(n_draws, q, n_visits, layers).transpose(0, 2, 3, 1),
        rows_cov=np.einsum("bqm,bqm->bm", inside, np.linalg.solve(gram, inside)),
        rows=at,
        squares=squares,
        df=total - q,
    )
