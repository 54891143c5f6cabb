"""Structured Σ: one variance or one per visit, times a family of correlation matrices.

θ holds variances, then correlations, as PROC MIXED has them (not their logarithms or Fisher's z): the fit, Satterthwaite
and the linear Kenward–Roger adjustment do not depend on the choice, the full Kenward–Roger adjustment does. Compound
symmetry and Toeplitz with one variance hold the covariances, so that Σ is linear in θ.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from nirls.stats.mmrm.correlations import ANTEDEPENDENT, AUTOREGRESSIVE, EXCHANGEABLE, TOEPLITZ, Correlation
from nirls.stats.mmrm.declaration import Structure, of_visits

Array = np.ndarray


def _scales(variances: Array, n_visits: int, heterogeneous: bool) -> tuple[Array, Array, Array]:
    """W with Σ = W ∘ R, ∂W and ∂²W in the variances: one (W constant) or one per visit (W = ss', s = √v)."""
    if not heterogeneous:
        ones = np.ones((n_visits, n_visits))
        return variances[..., None] * ones, ones[None], np.zeros((1, 1, n_visits, n_visits))
    with np.errstate(invalid="ignore", divide="ignore"):
        s = np.sqrt(variances)  # NaN outside the domain: rejected by the optimiser
        visits = np.arange(n_visits)
        one = np.zeros((*s.shape, n_visits))
        one[..., visits, visits] = 0.5 / s
        two = np.zeros((*s.shape, n_visits, n_visits))
        two[..., visits, visits, visits] = -0.25 / s**3
    first = one[..., None] * s[..., None, None, :]
    second = two[..., None] * s[..., None, None, None, :] + one[..., :, None, :, None] * one[..., None, :, None, :]
    return s[..., :, None] * s[..., None, :], first + first.swapaxes(-1, -2), second + second.swapaxes(-1, -2)


def _product(n_visits: int, *, correlation: Correlation, heterogeneous: bool, name: str, label: str) -> Structure:
    """Σ = W(variances) ∘ R(correlations)."""
    v, m = n_visits if heterogeneous else 1, correlation.count(n_visits)

    def parts(theta: Array) -> tuple[tuple[Array, Array, Array], tuple[Array, Array, Array]]:
        return _scales(theta[..., :v], n_visits, heterogeneous), correlation.matrices(theta[..., v:], n_visits)

    def sigma(theta: Array) -> Array:
        (w, _, _), (r, _, _) = parts(theta)
        return w * r

    def first(theta: Array) -> Array:
        (w, w1, _), (r, r1, _) = parts(theta)
        return np.concatenate([w1 * r[..., None, :, :], w[..., None, :, :] * r1], axis=-3)

    def second(theta: Array) -> Array:
        (w, w1, w2), (r, r1, r2) = parts(theta)
        lead = theta.shape[:-1]
        mixed = np.broadcast_to(w1[..., :, None, :, :] * r1[..., None, :, :, :], (*lead, v, m, n_visits, n_visits))
        upper, lower = w2 * r[..., None, None, :, :], w[..., None, None, :, :] * r2
        top, bottom = np.concatenate([upper, mixed], axis=-3), np.concatenate([mixed.swapaxes(-3, -4), lower], axis=-3)
        return np.concatenate([top, bottom], axis=-4)

    def start(sigma: Array) -> Array:
        variances = np.diagonal(sigma)
        root = np.sqrt(variances)
        own = variances if heterogeneous else [variances.mean()]
        return np.concatenate([own, correlation.start(sigma / np.outer(root, root))])

    variances = tuple(f"variance {a + 1}" for a in range(n_visits)) if heterogeneous else ("variance",)
    return Structure(
        name=name,
        label=label,
        names=variances + correlation.names(n_visits),
        sigma=of_visits(sigma),
        first=of_visits(first),
        second=of_visits(second),
        start=start,
        powers=np.repeat([2.0, 0.0], [v, m]),
    )


def _linear(n_visits: int, *, correlation: Correlation, name: str, label: str) -> Structure:
    """Σ = θ₁I + Σ_d θ_d ∂R/∂φ_d for a family R that is linear in φ: a variance and covariances."""
    m = correlation.count(n_visits)
    derivatives = np.concatenate([np.eye(n_visits)[None], correlation.matrices(np.zeros(m), n_visits)[1]])

    def start(sigma: Array) -> Array:
        root = np.sqrt(np.diagonal(sigma))
        return (root @ root / root.size) * np.append(1.0, correlation.start(sigma / np.outer(root, root)))

    return Structure(
        name=name,
        label=label,
        names=("variance", *(n.replace("correlation", "covariance") for n in correlation.names(n_visits))),
        sigma=of_visits(lambda theta: np.tensordot(theta, derivatives, axes=1)),
        first=of_visits(lambda theta: derivatives),
        second=None,
        start=start,
        powers=np.full(1 + m, 2.0),
    )


def _row(build: Callable[..., Structure], name: str, label: str, **options: object) -> tuple[str, Callable[[int], Structure]]:
    return name, partial(build, name=name, label=label, **options)


STRUCTURED: dict[str, Callable[[int], Structure]] = dict(
    [
        _row(_product, "toeph", "heterogeneous Toeplitz", correlation=TOEPLITZ, heterogeneous=True),
        _row(_product, "ar1h", "heterogeneous first-order autoregressive", correlation=AUTOREGRESSIVE, heterogeneous=True),
        _row(_product, "csh", "heterogeneous compound symmetry", correlation=EXCHANGEABLE, heterogeneous=True),
        _row(_product, "adh", "heterogeneous first-order ante-dependence", correlation=ANTEDEPENDENT, heterogeneous=True),
        _row(_linear, "toep", "Toeplitz", correlation=TOEPLITZ),
        _row(_product, "ar1", "first-order autoregressive", correlation=AUTOREGRESSIVE, heterogeneous=False),
        _row(_product, "ad", "first-order ante-dependence", correlation=ANTEDEPENDENT, heterogeneous=False),
        _row(_linear, "cs", "compound symmetry", correlation=EXCHANGEABLE),
    ]
)
