"""Kenward–Roger: the adjusted covariance of β̂ and the scaled F.

With Φ = (ΣX'V⁻¹X)⁻¹, P_h = ΣX'(∂V⁻¹/∂θ_h)X, Q_hj = ΣX'(∂V⁻¹/∂θ_h)V(∂V⁻¹/∂θ_j)X, R_hj = ΣX'V⁻¹(∂²V/∂θ_h∂θ_j)V⁻¹X and C the
inverse information of θ, the covariance is

    Φ_A = Φ + 2Φ{Σ_hj C_hj (Q_hj − P_hΦP_j − ¼R_hj)}Φ.

ΣC_hj Q_hj needs no k² tensors: Σ_hj C_hj W D_h W D_j W is one t×t matrix for each missingness pattern; so is the term in
∂²V. Without that term ("linear") Φ_A does not depend on the parametrisation of Σ; with it, it does, and it vanishes
for an unstructured Σ by its elements: there "linear" is exactly DDFM=KR of SAS PROC MIXED.

References
----------
Kenward MG, Roger JH. Small sample inference for fixed effects from restricted maximum likelihood.
Biometrics 1997;53:983–997. Kenward MG, Roger JH. An improved approximation to the precision of fixed effects
from restricted maximum likelihood. Comput Stat Data Anal 2009;53:2583–2595.
"""

from __future__ import annotations

import numpy as np
from scipy import linalg

from nirls.stats.contrasts import FTest
from nirls.stats.mmrm.working import Working

Array = np.ndarray


def adjusted(working: Working, theta_cov: Array, *, full: bool) -> Array:
    """Φ_A on the working scale, (B, p, p), with the covariances `theta_cov` (B, k, k) of θ̂."""
    statistics, structure, point = working.statistics, working.structure, working.point
    n_fits, k = point.theta.shape
    weights = []
    for block, root in zip(statistics.blocks, point.roots, strict=True):
        w = root.swapaxes(-1, -2) @ root
        first = structure.first(point.theta, block.visits)
        mixed = (theta_cov @ first.reshape(*first.shape[:-4], k, -1)).reshape(n_fits, *first.shape[-4:])  # Σ_j C_hj D_j
        m = ((w[:, None] @ first) @ (w[:, None] @ mixed)).sum(axis=1) @ w
        if full and structure.second is not None:
            second = structure.second(point.theta, block.visits)
            bend = (theta_cov.reshape(n_fits, 1, k * k) @ second.reshape(n_fits, k * k, -1)).reshape(w.shape)  # Σ_hj C_hj D_hj
            m = m - 0.25 * w @ bend @ w
        weights.append((m + m.swapaxes(-1, -2))[:, None] / 2.0)
    root = np.linalg.cholesky(theta_cov)
    p = point.phi.shape[-1]
    turned = (root.swapaxes(1, 2) @ working.slopes.reshape(n_fits, k, -1)).reshape(n_fits, k, p, p)
    products = (turned @ point.phi[:, None] @ turned).sum(axis=1)  # Σ_hj C_hj P_hΦP_j = Σ_l R_lΦR_l, R_l = Σ_h root_hl P_h
    result = point.phi + 2.0 * point.phi @ (statistics.weigh(weights)[:, 0, :p, :p] - products) @ point.phi
    return (result + result.swapaxes(1, 2)) / 2.0


def scaled_f(rows: Array, estimate: Array, cov: Array, phi: Array, slopes: Array, theta_cov: Array) -> FTest:
    """Scaled F of one fit, Kenward & Roger (1997) section 3, for the c independent rows of L."""
    c = rows.shape[0]
    scores = rows @ phi
    half = linalg.solve_triangular(np.linalg.cholesky(scores @ rows.T), scores, lower=True)
    # with half'half = ΦMΦ: tr(MΦP_hΦ) = tr(K_h) and tr(MΦP_hΦMΦP_jΦ) = tr(K_hK_j), K_h = half P_h half'
    k = half @ slopes @ half.T
    traces = np.einsum("hcc->h", k)
    flat = k.reshape(k.shape[0], -1)
    a1 = float(traces @ theta_cov @ traces)
    a2 = float((theta_cov * (flat @ flat.T)).sum())
    b = (a1 + 6.0 * a2) / (2.0 * c)
    g = ((c + 1.0) * a1 - (c + 4.0) * a2) / ((c + 2.0) * a2)
    d = 3.0 * c + 2.0 * (1.0 - g)
    c1, c2, c3 = g / d, (c - g) / d, (c + 2.0 - g) / d
    expectation = 1.0 / (1.0 - a2 / c)
    variance = (2.0 / c) * (1.0 + c1 * b) / ((1.0 - c2 * b) ** 2 * (1.0 - c3 * b))
    rho = variance / (2.0 * expectation**2)
    den_df = 4.0 + (c + 2.0) / (c * rho - 1.0)
    scale = den_df / (expectation * (den_df - 2.0))
    wald = float(estimate @ linalg.solve(rows @ cov @ rows.T, estimate, assume_a="pos"))
    return FTest(statistic=scale * wald / c, num_df=c, den_df=float(den_df), scale=float(scale))


def expected_information(working: Working) -> Array:
    """E(H) of −2ℓ (REML): tr(PD_hPD_j) = Σtr(WD_hWD_j) − 2 tr(ΦQ_hj) + tr(ΦP_hΦP_j), (B, k, k)."""
    point = working.point
    n_fits, k = point.theta.shape
    p = point.phi.shape[-1]
    omega = np.zeros((n_fits, p + 1, p + 1))
    omega[:, :p, :p] = point.phi
    rotated = (point.phi_root.swapaxes(1, 2)[:, None] @ working.slopes @ point.phi_root[:, None]).reshape(n_fits, k, -1)
    result = rotated @ rotated.swapaxes(1, 2)
    for block, r, e_g in zip(working.statistics.blocks, point.roots, working.statistics.trace(omega), strict=True):
        r_t = r.swapaxes(-1, -2)
        n = block.counts[:, :, None, None] * np.eye(r.shape[-1])
        d = r[:, None] @ working.structure.first(point.theta, block.visits) @ r_t[:, None]
        result += d.reshape(n_fits, k, -1) @ (d @ (n - 2.0 * (r @ e_g @ r_t))[:, None]).reshape(n_fits, k, -1).swapaxes(1, 2)
    return (result + result.swapaxes(1, 2)) / 2.0
