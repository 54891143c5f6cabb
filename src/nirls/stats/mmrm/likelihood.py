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
N log 2π are left to the caller, who knows the scale the data were brought to.

References
----------
Wolfinger R, Tobias R, Sall J. Computing Gaussian likelihoods and their derivatives for general linear
mixed models. SIAM J Sci Comput 1994;15:1294–1310.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from nirls.stats.mmrm.covariance import Structure
from nirls.stats.mmrm.sufficient import Statistics

Array = np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """The likelihood at one θ.

    Attributes
    ----------
    theta : (k,) array
    value : float
        −2ℓ without its N log 2π.
    sigma : (T, T) array
    gamma : (p,) array
        Generalised least-squares coefficients.
    phi : (p, p) array
        Φ, their covariance.
    gradient, hessian : (k,), (k, k) arrays or None
        Of −2ℓ. The observed information of ℓ is ½ Hessian.
    fisher : (k, k) array or None
        Σ tr(W D_h W D_j): positive semi-definite stand-in for the Hessian away from the optimum.
    slopes : (k, p, p) array or None
        P_h = ∂A/∂θ_h.
    """

    theta: Array
    value: float
    sigma: Array
    gamma: Array
    phi: Array
    gradient: Array | None = None
    hessian: Array | None = None
    fisher: Array | None = None
    slopes: Array | None = None


def _inverse(sigma: Array, statistics: Statistics) -> tuple[list[Array], float] | None:
    """W_g of every pattern and Σ log|V_i|; none when Σ is not positive definite."""
    try:
        np.linalg.cholesky(sigma)
    except np.linalg.LinAlgError:
        return None
    inverses, log_determinant = [], 0.0
    for block in statistics.blocks:
        v = sigma[block.visits[:, :, None], block.visits[:, None, :]]
        factor = np.linalg.cholesky(v)
        log_determinant += 2.0 * float(block.counts @ np.log(np.diagonal(factor, axis1=1, axis2=2)).sum(axis=1))
        half = np.linalg.inv(factor)
        inverses.append(half.transpose(0, 2, 1) @ half)
    return inverses, log_determinant


def evaluate(statistics: Statistics, structure: Structure, theta: Array, *, reml: bool, derivatives: bool) -> Point | None:
    """−2ℓ at θ and, on request, its exact gradient and Hessian; none when Σ(θ) is not positive definite."""
    sigma = structure.sigma(theta, statistics.n_visits)
    if not np.isfinite(sigma).all():
        return None
    found = _inverse(sigma, statistics)
    if found is None:
        return None
    w, value = found
    forms = statistics.weigh(w)
    p = statistics.width - 1
    try:
        factor = linalg.cho_factor(forms[:p, :p], lower=True)
    except linalg.LinAlgError:
        return None
    phi = linalg.cho_solve(factor, np.eye(p))
    gamma = linalg.cho_solve(factor, forms[:p, p])
    value += float(forms[p, p] - gamma @ forms[:p, p])
    if reml:
        value += 2.0 * float(np.log(np.diagonal(factor[0])).sum())
    point = Point(theta=theta, value=value, sigma=sigma, gamma=gamma, phi=phi)
    return _with_derivatives(point, statistics, structure, w, reml=reml) if derivatives else point


def _with_derivatives(point: Point, statistics: Statistics, structure: Structure, w: list[Array], *, reml: bool) -> Point:
    """`point` with gradient, Hessian, Fisher matrix and P_h."""
    p, n_visits = statistics.width - 1, statistics.n_visits
    first = structure.first(point.theta, n_visits)
    second = None if structure.second is None else structure.second(point.theta, n_visits)
    k = first.shape[0]
    residual = np.append(-point.gamma, 1.0)
    omega = np.outer(residual, residual)  # r r' ...
    if reml:
        omega[:p, :p] += point.phi  # ... and XΦX', wherever both enter alike
    gradient, hessian, fisher = np.zeros(k), np.zeros((k, k)), np.zeros((k, k))
    changes = []
    for block, w_g, e_g in zip(statistics.blocks, w, statistics.trace(omega), strict=True):
        rows, columns = block.visits[:, :, None], block.visits[:, None, :]
        n_g = block.counts[:, None, None]
        wd = w_g @ first[:, rows, columns]  # (k, G, t, t)
        changes.append(-wd @ w_g)
        we = w_g @ e_g
        flipped = wd.swapaxes(-1, -2).reshape(k, -1)
        gradient += np.einsum("hgaa,g->h", wd, block.counts) - flipped @ we.ravel()
        hessian += flipped @ (wd @ (2.0 * we - n_g * np.eye(w_g.shape[-1]))).reshape(k, -1).T
        fisher += flipped @ (n_g * wd).reshape(k, -1).T
        if second is not None:
            # tr{(n W − W E W) D_hj}
            hessian += (second[:, :, rows, columns].reshape(k * k, -1) @ (n_g * w_g - we @ w_g).ravel()).reshape(k, k)
    forms = statistics.weigh(changes)
    slopes = forms[:, :p, :p]
    v = forms[:, :p, p] - slopes @ point.gamma
    hessian -= 2.0 * v @ point.phi @ v.T
    if reml:
        root = np.linalg.cholesky(point.phi)
        rotated = (root.T @ slopes @ root).reshape(k, -1)
        hessian -= rotated @ rotated.T
    return Point(
        theta=point.theta,
        value=point.value,
        sigma=point.sigma,
        gamma=point.gamma,
        phi=point.phi,
        gradient=gradient,
        hessian=(hessian + hessian.T) / 2.0,
        fisher=(fisher + fisher.T) / 2.0,
        slopes=slopes,
    )
