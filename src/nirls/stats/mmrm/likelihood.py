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
class Value:
    """−2ℓ at one θ.

    Attributes
    ----------
    theta : (k,) array
    value : float
        −2ℓ without its N log 2π.
    sigma : (T, T) array
    gamma : (p,) array
        Generalised least-squares coefficients.
    phi, phi_root : (p, p) arrays
        Φ, their covariance, and F with FF' = Φ.
    roots : list of (G, t, t) arrays
        R_g with R_g'R_g = W_g, one array per block of patterns.
    """

    theta: Array
    value: float
    sigma: Array
    gamma: Array
    phi: Array
    phi_root: Array
    roots: list[Array]


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivatives:
    """Derivatives of −2ℓ at one θ.

    Attributes
    ----------
    gradient, hessian : (k,), (k, k) arrays
        The observed information of ℓ is ½ hessian.
    fisher : (k, k) array
        Σ tr(W D_h W D_j): positive semi-definite stand-in for the Hessian away from the optimum.
    slopes : (k, p, p) array
        P_h = ∂A/∂θ_h.
    """

    gradient: Array
    hessian: Array
    fisher: Array
    slopes: Array


def _whitening(sigma: Array, statistics: Statistics, *, whole: bool) -> tuple[list[Array], float] | None:
    """R_g with R_g'R_g = W_g for every pattern, and Σ log|V_i|; none when Σ is not positive definite."""
    roots, log_determinant = [], 0.0
    try:
        if whole:
            np.linalg.cholesky(sigma)  # also when no subject has every visit
        for block in statistics.blocks:
            factor = np.linalg.cholesky(sigma[block.visits[:, :, None], block.visits[:, None, :]])
            log_determinant += 2.0 * float(block.counts @ np.log(np.diagonal(factor, axis1=1, axis2=2)).sum(axis=1))
            roots.append(np.linalg.inv(factor))
    except np.linalg.LinAlgError:
        return None
    return roots, log_determinant


def evaluate(statistics: Statistics, structure: Structure, theta: Array, *, reml: bool) -> Value | None:
    """−2ℓ at θ; none when Σ(θ) is not positive definite."""
    sigma = structure.sigma(theta, statistics.n_visits)
    if not np.isfinite(sigma).all():
        return None
    found = _whitening(sigma, statistics, whole=not structure.timed)
    if found is None:
        return None
    roots, value = found
    forms = statistics.weigh([r.swapaxes(-1, -2) @ r for r in roots])
    p = statistics.width - 1
    try:
        factor = np.linalg.cholesky(forms[:p, :p])
    except np.linalg.LinAlgError:
        return None
    phi_root = linalg.solve_triangular(factor, np.eye(p), lower=True).T
    phi = phi_root @ phi_root.T
    gamma = phi @ forms[:p, p]
    value += float(forms[p, p] - gamma @ forms[:p, p])
    if reml:
        value += 2.0 * float(np.log(np.diagonal(factor)).sum())
    return Value(theta=theta, value=value, sigma=sigma, gamma=gamma, phi=phi, phi_root=phi_root, roots=roots)


def differentiate(statistics: Statistics, structure: Structure, point: Value, *, reml: bool) -> Derivatives:
    """Exact derivatives of −2ℓ at `point`.

    Traces are taken of whitened matrices, D̃ = RDR' and Ẽ = RER' with R'R = W: the same numbers, but a nearly singular Σ costs
    no digits in the gradient.
    """
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
    for block, r, e_g in zip(statistics.blocks, point.roots, statistics.trace(omega), strict=True):
        rows, columns = block.visits[:, :, None], block.visits[:, None, :]
        r_t = r.swapaxes(-1, -2)
        n = block.counts[:, None, None] * np.eye(r.shape[-1])
        d = r @ first[:, rows, columns] @ r_t  # (k, G, t, t)
        e = r @ e_g @ r_t
        changes.append(-r_t @ d @ r)
        flat = d.reshape(k, -1)
        gradient += flat @ (n - e).ravel()
        hessian += flat @ (d @ (2.0 * e - n)).reshape(k, -1).T
        fisher += flat @ (d @ n).reshape(k, -1).T
        if second is not None:
            hessian += (second[:, :, rows, columns].reshape(k * k, -1) @ (r_t @ (n - e) @ r).ravel()).reshape(k, k)
    forms = statistics.weigh(changes)
    slopes = forms[:, :p, :p]
    v = forms[:, :p, p] - slopes @ point.gamma
    hessian -= 2.0 * v @ point.phi @ v.T
    if reml:
        rotated = (point.phi_root.T @ slopes @ point.phi_root).reshape(k, -1)
        hessian -= rotated @ rotated.T
    return Derivatives(gradient=gradient, hessian=(hessian + hessian.T) / 2.0, fisher=(fisher + fisher.T) / 2.0, slopes=slopes)
