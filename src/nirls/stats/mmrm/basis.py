"""The working scale of a fit: orthonormal design columns and an outcome of residual SD one.

Columns of X are scaled to length one and orthogonalised (X = QR); y is replaced by its ordinary
least-squares residual divided by the residual SD. Adding a constant to y, changing its unit or that
of a covariate then leaves the iterations as they are, and nothing is lost to cancellation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from nirls.errors import MethodError, NotEstimableError

Array = np.ndarray

# A column whose distance from the span of those before it is below this share of its length is taken as dependent.
RANK_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """How working quantities of B fits become those of the user. Designs that are the same for all B have a first axis of one.

    Attributes
    ----------
    length : (1 or B, p) array
        Lengths of the columns of X.
    triangle : (1 or B, p, p) array
        Upper triangular, X/length = Q·triangle with Q orthonormal.
    ols : (B, p) array
        Ordinary least-squares coefficients of Q.
    scale : (B,) array
        Residual SD that y was divided by.
    """

    length: Array
    triangle: Array
    ols: Array
    scale: Array

    def beta(self, gamma: Array) -> Array:
        """Coefficients of X (B, p) from those of the working model (B, p)."""
        turned = np.linalg.solve(self.triangle, (self.ols + self.scale[:, None] * gamma)[..., None])
        result: Array = turned[..., 0] / self.length
        return result

    def covariance(self, phi: Array) -> Array:
        """Covariance of the coefficients of X (B, p, p) from that of the working model."""
        half = np.linalg.solve(self.triangle, phi)
        turned = np.linalg.solve(self.triangle, half.swapaxes(1, 2)) * (self.scale**2)[:, None, None]
        result: Array = turned / (self.length[:, :, None] * self.length[:, None, :])
        return (result + result.swapaxes(1, 2)) / 2.0

    def rows(self, hypotheses: Array) -> Array:
        """L (c, p) over the coefficients of X → the same hypotheses over the working coefficients, (1 or B, c, p)."""
        scaled = hypotheses / self.length[:, None, :]
        result: Array = np.linalg.solve(self.triangle.swapaxes(1, 2), scaled.swapaxes(1, 2)).swapaxes(1, 2)
        return result

    @property
    def log_determinant(self) -> Array:
        """log|r'r| of X = Qr, (1 or B,)."""
        diagonal = np.diagonal(self.triangle, axis1=1, axis2=2)
        result: Array = 2.0 * (np.log(np.abs(diagonal)) + np.log(self.length)).sum(axis=1)
        return result


def dependent_columns(x: Array) -> list[int]:
    """Columns of x that are linear combinations of columns before them, or zero; empty when x has full rank."""
    length = np.sqrt(np.einsum("ij,ij->j", x, x))
    if x.shape[0] > x.shape[1] and (length > 0).all() and np.diagonal(_cholesky(x.T @ x / np.outer(length, length))).min() > 1e-5:
        return []  # far from zero, the columns are certainly independent
    dropped: list[int] = np.flatnonzero(length == 0.0).tolist()
    kept = [j for j in range(x.shape[1]) if j not in dropped]
    while kept:
        triangle = np.asarray(np.linalg.qr(x[:, kept] / length[kept], mode="r"))
        diagonal = np.zeros(len(kept))
        diagonal[: min(triangle.shape)] = np.abs(np.diagonal(triangle))
        found = np.flatnonzero(diagonal < RANK_TOLERANCE)
        if not found.size:
            break
        dropped.append(kept.pop(int(found[0])))  # one at a time: what follows a dependent column is judged without it
    return sorted(dropped)


def triangular(x: Array) -> tuple[Array, Array, Array]:
    """x/length = Q·triangle of a tall x: Q (n, p), length (p,) and the upper triangle (p, p).

    By Cholesky of the cross-products, several times faster than Householder reflections, and again if Q is not orthonormal
    to ten digits (it need not be to more); by Householder when x is nearly singular. A column of zeros has length one.
    """
    length = np.sqrt(np.einsum("ij,ij->j", x, x))
    length[length == 0.0] = 1.0
    q, triangle, scale = x, np.eye(length.size), length
    for _ in range(2):
        factor = _cholesky(q.T @ q / np.outer(scale, scale)).T
        pivot = np.diagonal(factor).min()
        if pivot < 1e-5:
            q, triangle = np.linalg.qr(x / length)
            return q, length, triangle
        q = q @ (linalg.solve_triangular(factor, np.eye(length.size)) / scale[:, None])
        triangle = factor @ triangle
        if pivot > 1e-2:
            break
        scale = np.ones_like(length)
    return q, length, triangle


def _cholesky(gram: Array) -> Array:
    """The lower factor; zeros when there is none."""
    try:
        return np.linalg.cholesky(gram)
    except np.linalg.LinAlgError:
        return np.zeros_like(gram)


def orthonormal(x: Array, y: Array) -> tuple[Array, Basis]:
    """(Q, e/scale) side by side, and the :class:`Basis` (of one fit) that leads back.

    Raises
    ------
    NotEstimableError
        If the columns of x are linearly dependent.
    MethodError
        If there are no residual degrees of freedom, y is constant, or y is fitted exactly.
    """
    n, p = x.shape
    if n > p:
        q, length, triangle = triangular(x)
    if n <= p or np.abs(np.diagonal(triangle)).min() < RANK_TOLERANCE:
        dependent = dependent_columns(x)
        if dependent:
            raise NotEstimableError(
                f"the design matrix has rank {p - len(dependent)} but {p} columns; linearly dependent on the others: columns {dependent}"
            )
        raise MethodError(f"{n} observations for {p} coefficients leave no residual degrees of freedom")
    largest = float(np.abs(y).max())
    if (largest > 0 and float(np.ptp(y)) <= 1e-13 * largest) or largest == 0.0:
        raise MethodError(f"the outcome is constant ({y[0]:.12g} in all {n} observations): there is no variance to model")
    ols = q.T @ y
    residual = y - q @ ols  # what rounding leaves in the span of q, generalised least squares finds later
    scale = float(np.sqrt(residual @ residual / (n - p)))
    if scale <= 1e-12 * largest:
        raise MethodError("the outcome is fitted exactly by the covariates: there is no residual variance to model")
    basis = Basis(length=length[None], triangle=triangle[None], ols=ols[None], scale=np.array([scale]))
    z = np.empty((n, p + 1))
    z[:, :p], z[:, p] = q, residual / scale
    return z, basis
