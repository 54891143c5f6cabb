"""Structured Σ: one variance or one per visit, times a family of correlation matrices.

θ holds variances, then correlations, as PROC MIXED has them (not their logarithms or Fisher's z): the fit, Satterthwaite
and the linear Kenward–Roger adjustment do not depend on the choice, the full Kenward–Roger adjustment does. Compound
symmetry and Toeplitz with one variance hold the covariances, so that Σ is linear in θ.
"""

from __future__ import annotations

import numpy as np

from nirls.stats.mmrm.correlations import ANTEDEPENDENT, AUTOREGRESSIVE, EXCHANGEABLE, TOEPLITZ, Correlation
from nirls.stats.mmrm.declaration import Structure

Array = np.ndarray


def _scales(variances: Array, n_visits: int) -> tuple[Array, Array, Array]:
    """W with Σ = W ∘ R, ∂W and ∂²W in the variances: one (W constant) or one per visit (W = ss', s = √v)."""
    if variances.size == 1:
        ones = np.ones((n_visits, n_visits))
        return variances[0] * ones, ones[None], np.zeros((1, 1, n_visits, n_visits))
    with np.errstate(invalid="ignore", divide="ignore"):
        s = np.sqrt(variances)  # NaN outside the domain: rejected by the optimiser
        one = np.diag(0.5 / s)
        two = np.zeros((n_visits, n_visits, n_visits))
        visits = np.arange(n_visits)
        two[visits, visits, visits] = -0.25 / s**3
        first = one[:, :, None] * s
        second = two[..., None] * s + one[:, None, :, None] * one[None, :, None, :]
        return np.outer(s, s), first + first.swapaxes(-1, -2), second + second.swapaxes(-1, -2)


def _product(correlation: Correlation, heterogeneous: bool, name: str, label: str) -> Structure:
    """Σ = W(variances) ∘ R(correlations)."""

    def n_variances(n_visits: int) -> int:
        return n_visits if heterogeneous else 1

    def parts(theta: Array, n_visits: int) -> tuple[tuple[Array, Array, Array], tuple[Array, Array, Array]]:
        v = n_variances(n_visits)
        return _scales(theta[:v], n_visits), correlation.matrices(theta[v:], n_visits)

    def sigma(theta: Array, n_visits: int) -> Array:
        (w, _, _), (r, _, _) = parts(theta, n_visits)
        return w * r

    def first(theta: Array, n_visits: int) -> Array:
        (w, w1, _), (r, r1, _) = parts(theta, n_visits)
        return np.concatenate([w1 * r, w * r1])

    def second(theta: Array, n_visits: int) -> Array:
        (w, w1, w2), (r, r1, r2) = parts(theta, n_visits)
        mixed = w1[:, None] * r1
        return _assemble(w2 * r, mixed, w * r2)

    def start(sigma: Array) -> Array:
        variances = np.diagonal(sigma)
        root = np.sqrt(variances)
        own = variances if heterogeneous else [variances.mean()]
        return np.concatenate([own, correlation.start(sigma / np.outer(root, root))])

    def names(n_visits: int) -> tuple[str, ...]:
        v = tuple(f"variance {a + 1}" for a in range(n_visits)) if heterogeneous else ("variance",)
        return v + correlation.names(n_visits)

    return Structure(
        name=name,
        label=label,
        count=lambda n_visits: n_variances(n_visits) + correlation.count(n_visits),
        sigma=sigma,
        first=first,
        second=second,
        start=start,
        powers=lambda n_visits: np.repeat([2.0, 0.0], [n_variances(n_visits), correlation.count(n_visits)]),
        names=names,
    )


def _assemble(upper: Array, mixed: Array, lower: Array) -> Array:
    """The blocks of ∂²Σ, variances before correlations."""
    return np.concatenate([np.concatenate([upper, mixed], axis=1), np.concatenate([mixed.swapaxes(0, 1), lower], axis=1)])


def _linear(correlation: Correlation, name: str, label: str) -> Structure:
    """Σ = θ₁I + Σ_d θ_d ∂R/∂φ_d for a family R that is linear in φ: a variance and covariances."""

    def first(theta: Array, n_visits: int) -> Array:
        own = correlation.matrices(np.zeros(correlation.count(n_visits)), n_visits)[1]
        return np.concatenate([np.eye(n_visits)[None], own])

    def start(sigma: Array) -> Array:
        root = np.sqrt(np.diagonal(sigma))
        return (root @ root / root.size) * np.append(1.0, correlation.start(sigma / np.outer(root, root)))

    return Structure(
        name=name,
        label=label,
        count=lambda n_visits: 1 + correlation.count(n_visits),
        sigma=lambda theta, n_visits: np.tensordot(theta, first(theta, n_visits), axes=1),
        first=first,
        second=None,
        start=start,
        powers=lambda n_visits: np.full(1 + correlation.count(n_visits), 2.0),
        names=lambda n_visits: ("variance", *(n.replace("correlation", "covariance") for n in correlation.names(n_visits))),
    )


STRUCTURED: tuple[Structure, ...] = (
    _product(TOEPLITZ, True, "toeph", "heterogeneous Toeplitz"),
    _product(AUTOREGRESSIVE, True, "ar1h", "heterogeneous first-order autoregressive"),
    _product(EXCHANGEABLE, True, "csh", "heterogeneous compound symmetry"),
    _product(ANTEDEPENDENT, True, "adh", "heterogeneous first-order ante-dependence"),
    _linear(TOEPLITZ, "toep", "Toeplitz"),
    _product(AUTOREGRESSIVE, False, "ar1", "first-order autoregressive"),
    _product(ANTEDEPENDENT, False, "ad", "first-order ante-dependence"),
    _linear(EXCHANGEABLE, "cs", "compound symmetry"),
)
