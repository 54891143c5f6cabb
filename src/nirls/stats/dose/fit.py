"""Fits of dose–response curves by generalised least squares, many data sets at once.

min over e₀, b, θ of (μ̂ − f)'S⁻¹(μ̂ − f). For given θ the linear parameters have a closed form, so that only θ (at most two numbers)
is searched: a grid over its bounds, from whose local minima a damped Newton method on log θ starts. Gradients of the profile are exact,
its second derivatives are differences of them. Draws of a bootstrap are further data sets with the same doses and covariance and are
fitted in one go.

Reference: Golub GH, Pereyra V. The differentiation of pseudo-inverses and nonlinear least squares problems whose variables separate.
SIAM J Numer Anal 1973;10:413–432.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nirls.stats.dose.models import Shape, refusal

Array = np.ndarray
_POINTS = {1: (401,), 2: (61, 41)}
"""Grid points of each θ."""
_STARTS = 3
_STEPS = 80
_DIFFERENCE = 1e-5
_TIGHT = 1e-7
"""A parameter this close to its bound, on the log scale, is at it."""
_BLOCK = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Fits:
    """N fits of one shape.

    Attributes
    ----------
    shape : Shape
    constants : dict of str to float
    e0 : (N,) array
    linear : (N, q) array
    theta : (N, r) array
    criterion : (N,) array
        The minimum: (μ̂ − f)'S⁻¹(μ̂ − f).
    at_bound : (N, r) array of bool
        Which θ lie at a bound of their range.
    """

    shape: Shape
    constants: dict[str, float]
    e0: Array
    linear: Array
    theta: Array
    criterion: Array
    at_bound: Array

    @property
    def gaic(self) -> Array:
        """Criterion + 2·(number of parameters): (N,)."""
        return self.criterion + 2.0 * self.shape.n_parameters

    @property
    def coefficients(self) -> dict[str, Array]:
        """Name → (N,) values."""
        named = {"e0": self.e0}
        named |= {name: self.linear[:, j] for j, name in enumerate(self.shape.linear)}
        return named | {name: self.theta[:, j] for j, name in enumerate(self.shape.nonlinear)}

    def mean(self, doses: Array) -> Array:
        """f at the doses (m,), the same for all fits, or (N, m): (N, m)."""
        doses = np.asarray(doses, float)
        columns = self.shape.basis(np.broadcast_to(doses, (self.e0.size, doses.shape[-1])), self.theta, self.constants)
        return self.e0[:, None] + (columns * self.linear[:, None, :]).sum(axis=-1)


def fit_model(shape: Shape, doses: Array, estimates: Array, cov: Array, *, constants: dict[str, float] | None = None) -> Fits:
    """Fit a shape to estimated means.

    Parameters
    ----------
    shape : Shape
    doses : (K,) array
    estimates : (K,) or (N, K) array
        Of one or of N data sets.
    cov : (K, K) array
        S of all of them.
    constants : dict, optional
        Constants of the shape in the unit of dose.

    Raises
    ------
    ValueError
        If the doses cannot identify the shape (with the reason), or the arrays do not match.
    """
    doses, estimates = np.asarray(doses, float), np.atleast_2d(np.asarray(estimates, float))
    if doses.ndim != 1 or estimates.shape[1] != doses.size or np.shape(cov) != (doses.size, doses.size):
        raise ValueError(f"{doses.size} doses need as many estimates and a covariance of that size")
    if reason := refusal(shape, doses):
        raise ValueError(f"{shape.name}: {reason}")
    settled = shape.settle(float(doses.max()), constants)
    problem = _Profile(shape, doses, cov, settled)
    y = estimates @ problem.turn.T
    limits = np.log(shape.limits(float(doses.max())))
    theta = np.empty((len(y), 0))
    if shape.nonlinear:
        theta = np.concatenate([_search(problem, y[k : k + _BLOCK], limits) for k in range(0, len(y), _BLOCK)])
    linear, rest = problem.solve(y, theta)
    columns = shape.basis(np.broadcast_to(doses, (len(y), doses.size)), np.exp(theta), settled)
    weights = np.linalg.solve(cov, np.ones(doses.size))
    e0 = (estimates - (columns * linear[:, None, :]).sum(axis=-1)) @ weights / weights.sum()
    near = (theta - limits[:, 0] < _TIGHT) | (limits[:, 1] - theta < _TIGHT)
    return Fits(
        shape=shape, constants=settled, e0=e0, linear=linear, theta=np.exp(theta), criterion=(rest**2).sum(axis=1), at_bound=near
    )  # fmt: skip


class _Profile:
    """The criterion as a function of η = log θ; data and columns are whitened and cleared of the intercept by one matrix."""

    def __init__(self, shape: Shape, doses: Array, cov: Array, constants: dict[str, float]) -> None:
        self.shape, self.doses, self.constants = shape, doses, constants
        white = np.linalg.inv(np.linalg.cholesky(cov))
        ones = white.sum(axis=1, keepdims=True)
        self.turn = np.linalg.qr(np.column_stack([ones, np.eye(doses.size)]))[0][:, 1:].T @ white  # (K − 1, K)

    def columns(self, eta: Array) -> Array:
        """(n, K − 1, q)."""
        spread = np.broadcast_to(self.doses, (*eta.shape[:-1], self.doses.size))
        return self.turn @ self.shape.basis(spread, np.exp(eta), self.constants)

    def solve(self, y: Array, eta: Array) -> tuple[Array, Array]:
        """b (n, q) and residuals (n, K − 1)."""
        q, r = np.linalg.qr(self.columns(eta))
        b = np.linalg.solve(r, q.swapaxes(-1, -2) @ y[..., None])
        if self.shape.rising:
            b = np.maximum(b, 0.0)
        return b[..., 0], y - (q @ (r @ b))[..., 0]

    def gradient(self, y: Array, eta: Array) -> tuple[Array, Array]:
        """Criterion (n,) and its derivatives (n, r) over η."""
        assert self.shape.slopes is not None
        b, rest = self.solve(y, eta)
        spread = np.broadcast_to(self.doses, (*eta.shape[:-1], self.doses.size))
        slopes = self.shape.slopes(spread, np.exp(eta), self.constants)  # (n, K, q, r)
        turned = np.einsum("nk,kd->nd", rest, self.turn)
        return (rest**2).sum(axis=1), -2.0 * np.einsum("nd,ndqr,nq->nr", turned, slopes, b)


def _search(problem: _Profile, y: Array, limits: Array) -> Array:
    """The best η (N, r) within the limits."""
    axes = [np.linspace(low, high, n) for (low, high), n in zip(limits, _POINTS[len(limits)], strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    q, triangle = np.linalg.qr(problem.columns(grid.reshape(-1, len(limits))))
    along = np.tensordot(y, q, axes=(1, 1))  # (N, points, q)
    if problem.shape.rising:
        along = np.maximum(along * np.sign(triangle[:, :, 0]), 0.0)
    explained = (along**2).sum(axis=-1)
    starts = grid.reshape(-1, len(limits))[_peaks(explained.reshape(-1, *grid.shape[:-1]))]  # (N, starts, r)
    n, s, r = starts.shape
    eta, value = _newton(problem, np.repeat(y, s, axis=0), starts.reshape(-1, r), limits)
    best = value.reshape(n, s).argmin(axis=1)
    return eta.reshape(n, s, r)[np.arange(n), best]


def _peaks(height: Array) -> Array:
    """Flat indices (N, starts) of the highest local maxima of each map (N, …)."""
    local = np.ones(height.shape, dtype=bool)
    for axis in range(1, height.ndim):
        pad = [(0, 0)] * height.ndim
        pad[axis] = (1, 1)
        wide = np.pad(height, pad, constant_values=-np.inf)
        size = height.shape[axis]
        local &= (height >= wide.take(range(size), axis)) & (height >= wide.take(range(2, size + 2), axis))
    flat = np.where(local, height, -np.inf).reshape(len(height), -1)
    order = np.argsort(-flat, axis=1, kind="stable")[:, :_STARTS]
    lone = ~np.isfinite(np.take_along_axis(flat, order, axis=1))
    return np.where(lone, order[:, :1], order)


def _newton(problem: _Profile, y: Array, eta: Array, limits: Array) -> tuple[Array, Array]:
    """Damped Newton steps from each start, held inside the box: η (n, r) and the criterion (n,)."""
    low, high = limits.T
    n, r = eta.shape
    value, slope = problem.gradient(y, eta)
    damping = np.full(n, 1e-3)
    active = np.arange(n)
    for _ in range(_STEPS):
        at, target, g = eta[active], y[active], slope[active]
        held = ((at <= low) & (g > 0)) | ((at >= high) & (g < 0))
        bend = np.empty((len(active), r, r))
        for j in range(r):
            step = np.zeros(r)
            step[j] = _DIFFERENCE
            bend[:, j] = (problem.gradient(target, at + step)[1] - problem.gradient(target, at - step)[1]) / (2.0 * _DIFFERENCE)
        bend = (bend + bend.swapaxes(1, 2)) / 2.0
        free = ~held
        bend = np.where(free[:, :, None] & free[:, None, :], bend, 0.0) + np.eye(r) * held[:, :, None]
        g = np.where(held, 0.0, g)
        values, vectors = np.linalg.eigh(bend)
        size = np.maximum(np.abs(values), 1e-12) + damping[active, None]
        move = -(vectors @ ((vectors.swapaxes(1, 2) @ g[..., None]) / size[..., None]))[..., 0]
        move *= np.minimum(1.0, 1.0 / np.maximum(np.abs(move).max(axis=1, keepdims=True), 1e-300))  # at most a factor of e
        trial = np.clip(at + move, low, high)
        trial_value, trial_slope = problem.gradient(target, trial)
        better = trial_value <= value[active]
        settled = np.abs(trial - at).max(axis=1) < 1e-11
        take = active[better]
        eta[take], value[take], slope[take] = trial[better], trial_value[better], trial_slope[better]
        damping[active] = np.where(better, damping[active] * 0.1, np.maximum(damping[active], 1e-8) * 10.0)
        active = active[~settled]
        if not active.size:
            break
    return eta, value
