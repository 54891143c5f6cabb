"""Newton's method for −2ℓ(θ) in a trust region, for many fits at once.

The model of −2ℓ is quadratic with the exact Hessian where that is positive definite and Fisher's matrix F where it is not. The length of
a step is √(s'Fs) with s'Fs = Σ tr((V⁻¹ΔV)²), the relative change of V: it does not depend on units or parametrisation, and near the edge
of the positive definite cone, where some directions allow far longer steps than others, the region has the shape of the cone. A step
out of the domain of Σ, or one that lowers −2ℓ by less than a share of what the model promises, is not taken and the region shrinks.

Reference: Nocedal J, Wright SJ. Numerical Optimization. 2nd ed. New York: Springer; 2006, algorithm 4.1 and section 4.3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nirls.stats.mmrm.batch import cholesky, put, take
from nirls.stats.mmrm.covariance import Structure
from nirls.stats.mmrm.likelihood import Derivatives, Value, differentiate, evaluate, whole
from nirls.stats.mmrm.sufficient import Statistics

Array = np.ndarray

GRADIENT_TOLERANCE = 1e-8
CONDITION_LIMIT = 1e8
MAX_ITERATIONS = 100
SMALLEST_RADIUS = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One iteration: −2ℓ (working scale) and scaled gradient before it, kind of step, trials rejected before it was taken."""

    deviance: float
    gradient: float
    kind: str
    rejected: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Convergence:
    """How one attempt at a structure ended.

    Attributes
    ----------
    covariance : str
        Name of the structure.
    converged : bool
        Scaled gradient < 1e-8, Hessian positive definite and cond(Σ) < 1e8.
    iterations : int
        Steps taken.
    gradient : float
        Scaled gradient √(g'H⁻¹g): the distance to the optimum in standard errors of θ, times two
        at most; free of units and of the parametrisation. NaN when H is not positive definite.
    hessian_positive_definite : bool
    condition : float
        Condition number of Σ.
    message : str
    steps : tuple of Step
    """

    covariance: str
    converged: bool
    iterations: int
    gradient: float
    hessian_positive_definite: bool
    condition: float
    message: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimum:
    """Where B fits ended.

    Attributes
    ----------
    point, derivatives : Value, Derivatives
    records : tuple of Convergence
        One for each fit.
    """

    point: Value
    derivatives: Derivatives
    records: tuple[Convergence, ...]

    @property
    def converged(self) -> Array:
        """(B,) bool."""
        return np.array([record.converged for record in self.records])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Model:
    """The quadratic model of B fits: θ = point + axes·y, −2ℓ ≈ slope'y + ½ y'Λy, with y of Fisher length |y|."""

    axes: Array
    slope: Array
    curvature: Array
    newton: Array
    gradient: Array

    @classmethod
    def of(cls, at: Derivatives) -> _Model:
        k = at.gradient.shape[1]
        scale = np.sqrt(np.maximum(np.diagonal(at.fisher, axis1=1, axis2=2), np.finfo(float).tiny))
        unit = scale[:, :, None] * scale[:, None, :]
        # NaN belongs to fits that cannot start, which are never stepped; here it must only not stop the others
        factor, _ = cholesky(np.nan_to_num(at.fisher / unit) + 1e-12 * np.eye(k))
        metric = np.linalg.inv(factor)
        turned = metric @ np.nan_to_num(at.hessian / unit) @ metric.swapaxes(1, 2)
        curvature, vectors = np.linalg.eigh(turned)
        newton = curvature[:, 0] > k * np.finfo(float).eps * np.abs(curvature).max(axis=1)  # as far as rounding can tell
        curvature[~newton], vectors[~newton] = 1.0, np.eye(k)
        axes = metric.swapaxes(1, 2) @ vectors / scale[:, :, None]
        slope = (axes.swapaxes(1, 2) @ np.nan_to_num(at.gradient)[..., None])[..., 0]
        gradient = np.where(newton, np.sqrt((slope**2 / curvature).sum(axis=1)), np.nan)
        return cls(axes=axes, slope=slope, curvature=curvature, newton=newton, gradient=gradient)

    def step(self, radius: Array) -> tuple[Array, Array, Array]:
        """The minimum within the region: the change of θ (B, k), its length and the reduction it promises (B,)."""
        shift = np.zeros(len(radius))
        for _ in range(30):  # the secular equation 1/|y(μ)| = 1/radius by Newton's method, from the left where it is monotone
            shifted = self.curvature + shift[:, None]
            length2 = ((self.slope / shifted) ** 2).sum(axis=1)
            length = np.sqrt(length2)
            far = length > radius * (1.0 + 1e-9)
            if not far.any():
                break
            bend = (self.slope**2 / shifted**3).sum(axis=1)
            shift = np.where(far, shift + length2 / np.where(far, bend, 1.0) * (length / radius - 1.0), shift)
        y = -self.slope / (self.curvature + shift[:, None])
        promised = -(self.slope * y + 0.5 * self.curvature * y**2).sum(axis=1)
        return (self.axes @ y[..., None])[..., 0], np.sqrt((y**2).sum(axis=1)), promised


def minimise(statistics: Statistics, structure: Structure, start: Array, *, reml: bool) -> Optimum:
    """Minimise −2ℓ of B fits from `start` (B, k)."""
    n_fits = len(start)
    point = evaluate(statistics, structure, start, reml=reml)
    possible = np.isfinite(point.value)
    at = differentiate(statistics, structure, point, reml=reml)
    radius = np.sqrt(np.maximum(statistics.n_obs, 1.0))
    noise = noise_of(point.value, statistics)
    message = np.full(n_fits, f"no convergence within {MAX_ITERATIONS} iterations", dtype=object)
    message[~possible] = "the starting covariance is not positive definite, or the design is not of full rank in these data"
    steps: list[list[Step]] = [[] for _ in range(n_fits)]
    rejected = np.zeros(n_fits, dtype=int)
    model = _Model.of(at)
    active = np.flatnonzero(possible)
    for _ in range(2 * MAX_ITERATIONS):
        if not active.size:
            break
        here, data = take(model, active), statistics.take(active)
        change, length, promised = here.step(radius[active])
        candidate = evaluate(data, structure, point.theta[active] + change, reml=reml)
        gain = point.value[active] - candidate.value
        resolved = promised > noise[active]
        taken = np.where(resolved, gain >= 1e-4 * promised, np.isfinite(candidate.value))
        ratio = np.where(resolved, gain / np.where(resolved, promised, 1.0), 1.0)
        longer = taken & (ratio > 0.75) & (length > 0.99 * radius[active])
        radius[active] = np.where(~taken | (ratio < 0.25), 0.25 * length, np.where(longer, 2.0 * radius[active], radius[active]))
        rejected[active] += ~taken
        moved = active[taken]
        for i, old, gradient, newton in zip(moved, point.value[moved], here.gradient[taken], here.newton[taken], strict=True):
            kind = "newton" if newton else "fisher"
            steps[i].append(Step(deviance=float(old), gradient=float(gradient), kind=kind, rejected=int(rejected[i])))
        rejected[moved] = 0
        if moved.size:
            reached = take(candidate, np.flatnonzero(taken))
            new = differentiate(statistics.take(moved), structure, reached, reml=reml)
            point, at, model = put(point, moved, reached), put(at, moved, new), put(model, moved, _Model.of(new))
        polished = taken & (here.gradient < GRADIENT_TOLERANCE)  # the step just taken was the polish
        stuck = ~taken & (radius[active] < SMALLEST_RADIUS)
        message[active[stuck]] = "no step lowers -2 log likelihood"
        spent = np.array([len(steps[i]) >= MAX_ITERATIONS for i in active])
        active = active[~(polished | stuck | spent)]
    condition = condition_number(structure, point, statistics.n_visits)
    records = tuple(
        record_of(structure, bool(possible[i]), float(model.gradient[i]), float(condition[i]), tuple(steps[i]), str(message[i]))
        for i in range(n_fits)
    )
    return Optimum(point=point, derivatives=at, records=records)


def noise_of(value: Array, statistics: Statistics) -> Array:
    """What −2ℓ itself can resolve (B,): a step that promises less is taken, rather than judged by rounding errors."""
    return 1e-11 * (np.abs(np.where(np.isfinite(value), value, 0.0)) + statistics.n_obs)


def condition_number(structure: Structure, point: Value, n_visits: int) -> Array:
    """Condition number of Σ, the largest of the groups; in continuous time the largest of the subjects' V = (R'R)⁻¹: (B,)."""
    if structure.timed:
        return np.max([np.linalg.cond(roots).max(axis=1) ** 2 for roots in point.roots], axis=0)
    values = np.linalg.eigvalsh(np.nan_to_num(whole(structure, point.theta, n_visits)))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(values[..., 0] > 0.0, values[..., -1] / values[..., 0], np.inf).max(axis=1)


def not_tried(structure: Structure, message: str) -> Convergence:
    """The record of a structure the data cannot identify."""
    return record_of(structure, False, float("nan"), float("nan"), (), message)


def record_of(
    structure: Structure, possible: bool, gradient: float, condition: float, steps: tuple[Step, ...], message: str
) -> Convergence:
    """How a fit ended: from its scaled gradient (NaN when the Hessian is not positive definite) and cond(Σ) at the last point."""
    definite = bool(np.isfinite(gradient)) and possible
    converged = definite and gradient < GRADIENT_TOLERANCE and condition < CONDITION_LIMIT
    if converged:
        message = "converged"
    elif definite and gradient < GRADIENT_TOLERANCE:
        message = f"the covariance matrix is nearly singular (condition number {condition:.3g}, limit {CONDITION_LIMIT:.0e})"
    elif possible and not definite:
        message += "; the Hessian is not positive definite"
    return Convergence(
        covariance=structure.name,
        converged=converged,
        iterations=len(steps),
        gradient=gradient,
        hessian_positive_definite=definite,
        condition=condition,
        message=message,
        steps=steps,
    )
