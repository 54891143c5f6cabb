"""−2 log-likelihood of the mixed model for repeated measures, with exact gradient and Hessian.

For V_i = S_i'ΣS_i, W = V⁻¹, A = ΣX'WX, Φ = A⁻¹, r = y − Xβ̂(θ) and D_h = ∂V/∂θ_h

    −2ℓ_ML   = Σ log|V_i| + Σ r'Wr + N log 2π
    −2ℓ_REML = Σ log|V_i| + log|A| + Σ r'Wr + (N − p) log 2π

    W_h  = ∂W/∂θ_h      = −W D_h W
    W_hj = ∂²W/∂θ_h∂θ_j = W D_h W D_j W + W D_j W D_h W − W D_hj W

    g_h  = Σ tr(W D_h) + tr(Φ P_h) + Σ r'W_h r,                                     P_h = ΣX'W_hX
    H_hj = Σ tr(W_h D_j + W D_hj) + tr(Φ ΣX'W_hjX) − tr(Φ P_h Φ P_j) + Σ r'W_hj r − 2 v_h'Φ v_j,  v_h = ΣX'W_h r

(the Φ terms of g and H in tr(·) under REML only; β̂ is profiled out, whence the last term). All sums
over subjects are contractions of :class:`~nirls.stats.mmrm.sufficient.Statistics`. The constants in
N log 2π are left to the caller, who knows the scale the data were brought to. The first axis of every array counts B fits.

References
----------
Wolfinger R, Tobias R, Sall J. Computing Gaussian likelihoods and their derivatives for general linear
mixed models. SIAM J Sci Comput 1994;15:1294–1310.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nirls.stats.mmrm.batch import cholesky
from nirls.stats.mmrm.covariance import Structure
from nirls.stats.mmrm.sufficient import Statistics

Array = np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """−2ℓ of B fits, each at one θ.

    Attributes
    ----------
    theta : (B, k) array
    value : (B,) array
        −2ℓ without its N log 2π; infinite where Σ(θ) is not positive definite, and the other fields then mean nothing.
    gamma : (B, p) array
        Generalised least-squares coefficients.
    phi, phi_root : (B, p, p) arrays
        Φ, their covariance, and F with FF' = Φ.
    roots : list of (B, G, t, t) arrays
        R_g, lower triangular, with R_g'R_g = W_g, one array per block of patterns.
    """

    theta: Array
    value: Array
    gamma: Array
    phi: Array
    phi_root: Array
    roots: list[Array]


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivatives:
    """Derivatives of −2ℓ at one θ for each of B fits.

    Attributes
    ----------
    gradient, hessian : (B, k), (B, k, k) arrays
        The observed information of ℓ is ½ hessian.
    fisher : (B, k, k) array
        Σ tr(W D_h W D_j): positive semi-definite stand-in for the Hessian away from the optimum.
    slopes : (B, k, p, p) array
        P_h = ∂A/∂θ_h.
    """

    gradient: Array
    hessian: Array
    fisher: Array
    slopes: Array


def whole(structure: Structure, theta: Array, n_visits: int) -> Array:
    """Σ of all visits, one for each group: (B, groups, T/groups, T/groups)."""
    return structure.sigma(theta, np.arange(n_visits).reshape(structure.groups, -1))


def evaluate(statistics: Statistics, structure: Structure, theta: Array, *, reml: bool) -> Value:
    """−2ℓ at θ (B, k)."""
    good, log_determinant, roots = np.ones(len(theta), dtype=bool), np.zeros(len(theta)), []
    if not structure.timed:
        good &= cholesky(whole(structure, theta, statistics.n_visits))[1]  # also when no subject has every visit
    for block in statistics.blocks:
        factor, ok = cholesky(structure.sigma(theta, block.visits))
        good &= ok
        log_determinant += 2.0 * (block.counts * np.log(np.diagonal(factor, axis1=-2, axis2=-1)).sum(axis=-1)).sum(axis=-1)
        roots.append(np.linalg.inv(factor))
    forms = statistics.weigh([(r.swapaxes(-1, -2) @ r)[:, None] for r in roots])[:, 0]
    p = statistics.width - 1
    cross = forms[:, :p, p]
    factor, ok = cholesky(forms[:, :p, :p])
    good &= ok
    phi_root = np.linalg.inv(factor).swapaxes(-1, -2)
    phi = phi_root @ phi_root.swapaxes(-1, -2)
    gamma = (phi @ cross[..., None])[..., 0]
    value = log_determinant + forms[:, p, p] - (gamma * cross).sum(axis=-1)
    if reml:
        value += 2.0 * np.log(np.diagonal(factor, axis1=-2, axis2=-1)).sum(axis=-1)
    value = np.where(good & np.isfinite(value), value, np.inf)
    return Value(theta=theta, value=value, gamma=gamma, phi=phi, phi_root=phi_root, roots=roots)


def differentiate(statistics: Statistics, structure: Structure, point: Value, *, reml: bool) -> Derivatives:
    """Exact derivatives of −2ℓ at `point`.

    Traces are taken of whitened matrices, D̃ = RDR' and Ẽ = RER' with R'R = W: the same numbers, but a nearly singular Σ costs
    no digits in the gradient.
    """
    p = statistics.width - 1
    n_fits, k = point.theta.shape
    residual = np.concatenate([-point.gamma, np.ones((n_fits, 1))], axis=1)
    omega = residual[:, :, None] * residual[:, None, :]  # r r' ...
    if reml:
        omega[:, :p, :p] += point.phi  # ... and XΦX', wherever both enter alike
    gradient, hessian, fisher = np.zeros((n_fits, k)), np.zeros((n_fits, k, k)), np.zeros((n_fits, k, k))
    changes = []
    for block, r, e_g in zip(statistics.blocks, point.roots, statistics.trace(omega), strict=True):
        r_t = r.swapaxes(-1, -2)
        n = block.counts[:, :, None, None] * np.eye(r.shape[-1])
        d = r[:, None] @ structure.first(point.theta, block.visits) @ r_t[:, None]  # (B, k, G, t, t)
        e = r @ e_g @ r_t
        changes.append(-r_t[:, None] @ d @ r[:, None])
        flat = d.reshape(n_fits, k, -1)
        gradient += (flat @ (n - e).reshape(n_fits, -1, 1))[..., 0]
        hessian += flat @ (d @ (2.0 * e - n)[:, None]).reshape(n_fits, k, -1).swapaxes(1, 2)
        fisher += flat @ (block.counts[:, None, :, None, None] * d).reshape(n_fits, k, -1).swapaxes(1, 2)
        if structure.second is not None:
            bend = structure.second(point.theta, block.visits)
            flat = bend.reshape(*bend.shape[:-5], k * k, -1)
            hessian += (flat @ (r_t @ (n - e) @ r).reshape(n_fits, -1, 1)).reshape(n_fits, k, k)
    forms = statistics.weigh(changes)
    slopes = np.ascontiguousarray(forms[..., :p, :p])
    v = forms[..., :p, p] - (slopes @ point.gamma[:, None, :, None])[..., 0]
    hessian -= 2.0 * v @ point.phi @ v.swapaxes(1, 2)
    if reml:
        rotated = (point.phi_root.swapaxes(1, 2)[:, None] @ slopes @ point.phi_root[:, None]).reshape(n_fits, k, -1)
        hessian -= rotated @ rotated.swapaxes(1, 2)
    return Derivatives(
        gradient=gradient, hessian=(hessian + hessian.swapaxes(1, 2)) / 2.0, fisher=(fisher + fisher.swapaxes(1, 2)) / 2.0, slopes=slopes
    )
