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


@dataclass(frozen=True, slots=True, kw_only=True)
class Slope:
    """What of the derivatives of −2ℓ needs no further sum over the data.

    Attributes
    ----------
    gradient : (B, k) array
    curvature : (B, k, k) array
        The terms of the Hessian that hold no P_h or v_h; what is missing is of the order p/n of it.
    fisher : (B, k, k) array
        See :class:`Derivatives`.
    """

    gradient: Array
    curvature: Array
    fisher: Array


def slope(statistics: Statistics, structure: Structure, point: Value, *, reml: bool) -> Slope:
    """Gradient and main part of the Hessian at `point`, from one Σ_ab tr(Ω S_g[a,b]) with Ω = r r' + XΦX'.

    Traces are taken of whitened matrices: the same numbers, but a nearly singular Σ costs no digits in the gradient. In continuous
    time a pattern is whitened by its own root, D̃ = RDR' and Ẽ = RER' with R'R = W. Visits are whitened by the root of the whole
    Σ = LL', D̃ = L⁻¹DL⁻ᵀ, where W of a pattern becomes the projector L'WL; the sums over patterns

        g_h  = Σ_ab D̃_h[a,b] (nL'WL − Ẽ)[b,a],      K[bc, da] = Σ_g (L'WL)[a,b] (2Ẽ − nL'WL)[c,d]

    then come before the parameters, and a fit takes no work in the number of patterns times that of parameters.
    """
    p = statistics.width - 1
    residual = np.concatenate([-point.gamma, np.ones((len(point.gamma), 1))], axis=1)
    omega = residual[:, :, None] * residual[:, None, :]  # r r' ...
    if reml:
        omega[:, :p, :p] += point.phi  # ... and XΦX', wherever both enter alike
    found = (_of_times if structure.timed else _of_visits)(statistics, structure, point, statistics.trace(omega))
    return Slope(gradient=found.gradient, curvature=_symmetric(found.curvature), fisher=_symmetric(found.fisher))


def _of_times(statistics: Statistics, structure: Structure, point: Value, traces: list[Array]) -> Slope:
    n_fits, k = point.theta.shape
    gradient, curvature, fisher = np.zeros((n_fits, k)), np.zeros((n_fits, k, k)), np.zeros((n_fits, k, k))
    for block, r, e_g in zip(statistics.blocks, point.roots, traces, strict=True):
        r_t = r.swapaxes(-1, -2)
        n = block.counts[:, :, None, None] * np.eye(r.shape[-1])
        d = r[:, None] @ structure.first(point.theta, block.visits) @ r_t[:, None]  # (B, k, G, t, t)
        e = r @ e_g @ r_t
        flat = d.reshape(n_fits, k, -1)
        gradient += (flat @ (n - e).reshape(n_fits, -1, 1))[..., 0]
        curvature += flat @ (d @ (2.0 * e - n)[:, None]).reshape(n_fits, k, -1).swapaxes(1, 2)
        fisher += flat @ (block.counts[:, None, :, None, None] * d).reshape(n_fits, k, -1).swapaxes(1, 2)
        if structure.second is not None:
            curvature += _bend(structure.second(point.theta, block.visits), r_t @ (n - e) @ r)
    return Slope(gradient=gradient, curvature=curvature, fisher=fisher)


def _of_visits(statistics: Statistics, structure: Structure, point: Value, traces: list[Array]) -> Slope:
    n_fits, k = point.theta.shape
    groups = structure.groups
    t = statistics.n_visits // groups
    visits = np.arange(statistics.n_visits).reshape(groups, t)
    lower, _ = cholesky(structure.sigma(point.theta, visits))  # (B, groups, T, T); of a θ that cannot be, unit matrices
    whiten = np.linalg.inv(lower)
    first = np.broadcast_to(structure.first(point.theta, visits), (n_fits, k, groups, t, t))
    d = whiten[:, None] @ first @ whiten[:, None].swapaxes(-1, -2)
    total = np.zeros((n_fits, groups, t, t))
    crossed, expected = np.zeros((2, n_fits, groups, t * t, t * t))
    for block, r, e_g in zip(statistics.blocks, point.roots, traces, strict=True):
        of = block.visits[:, 0] // t
        half = r @ lower[:, of[:, None], block.visits % t]  # orthonormal rows
        half_t = half.swapaxes(-1, -2)
        projector = half_t @ half
        n = block.counts[..., None, None] * projector
        e = half_t @ (r @ e_g @ r.swapaxes(-1, -2)) @ half
        for g in range(groups):
            own = of == g
            some = slice(None) if own.all() else own
            total[:, g] += (n[:, some] - e[:, some]).sum(axis=1)
            ab = projector[:, some].reshape(n_fits, -1, t * t).swapaxes(1, 2)
            crossed[:, g] += ab @ (2.0 * e - n)[:, some].reshape(n_fits, -1, t * t)
            expected[:, g] += ab @ n[:, some].reshape(n_fits, -1, t * t)
    flat = d.reshape(n_fits, k, groups, t * t).swapaxes(1, 2)  # (B, groups, k, T²)
    gradient = (flat @ total.reshape(n_fits, groups, t * t, 1))[..., 0].sum(axis=1)

    def quadratic(pairs: Array) -> Array:  # [ab, cd] → [bc, da]
        turned = pairs.reshape(n_fits, groups, t, t, t, t).transpose(0, 1, 3, 4, 5, 2).reshape(n_fits, groups, t * t, t * t)
        result: Array = (flat @ turned @ flat.swapaxes(-1, -2)).sum(axis=1)
        return result

    curvature = quadratic(crossed)
    if structure.second is not None:
        curvature += _bend(structure.second(point.theta, visits), whiten.swapaxes(-1, -2) @ total @ whiten)
    return Slope(gradient=gradient, curvature=curvature, fisher=quadratic(expected))


def _bend(second: Array, weight: Array) -> Array:
    """Σ_g tr(D_hj M_g) of second derivatives (B, k, k, G, t, t) and M (B, G, t, t): (B, k, k)."""
    n_fits, k = len(weight), second.shape[-5]
    flat = second.reshape(*second.shape[:-5], k * k, -1)
    return (flat @ weight.reshape(n_fits, -1, 1)).reshape(n_fits, k, k)


def differentiate(statistics: Statistics, structure: Structure, point: Value, *, reml: bool) -> Derivatives:
    """Exact derivatives of −2ℓ at `point`."""
    p = statistics.width - 1
    n_fits, k = point.theta.shape
    main = slope(statistics, structure, point, reml=reml)
    changes = []
    for block, r in zip(statistics.blocks, point.roots, strict=True):
        w = (r.swapaxes(-1, -2) @ r)[:, None]
        changes.append(-w @ structure.first(point.theta, block.visits) @ w)
    forms = statistics.weigh(changes)
    slopes = np.ascontiguousarray(forms[..., :p, :p])
    v = forms[..., :p, p] - (slopes @ point.gamma[:, None, :, None])[..., 0]
    hessian = main.curvature - 2.0 * v @ point.phi @ v.swapaxes(1, 2)
    if reml:
        rotated = (point.phi_root.swapaxes(1, 2)[:, None] @ slopes @ point.phi_root[:, None]).reshape(n_fits, k, -1)
        hessian -= rotated @ rotated.swapaxes(1, 2)
    return Derivatives(gradient=main.gradient, hessian=_symmetric(hessian), fisher=main.fisher, slopes=slopes)


def _symmetric(matrices: Array) -> Array:
    return (matrices + matrices.swapaxes(-1, -2)) / 2.0
