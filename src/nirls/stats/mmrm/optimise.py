"""Newton's method for −2ℓ(θ), guarded by step halving.

Full Newton steps on the exact Hessian where it is positive definite, Fisher-type steps where it is
not. A step is halved until Σ is positive definite and −2ℓ falls enough (Armijo).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from nirls.stats.mmrm.covariance import Structure
from nirls.stats.mmrm.likelihood import Derivatives, Value, differentiate, evaluate
from nirls.stats.mmrm.sufficient import Statistics

Array = np.ndarray

GRADIENT_TOLERANCE = 1e-8
CONDITION_LIMIT = 1e8
MAX_ITERATIONS = 100
MAX_HALVINGS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One iteration: −2ℓ (working scale) and scaled gradient before it, kind of step, halvings it took."""

    deviance: float
    gradient: float
    kind: str
    halvings: int


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


def _newton(at: Derivatives) -> tuple[Array | None, float]:
    """The Newton step and the scaled gradient; (None, NaN) when the Hessian is not positive definite."""
    scale = np.sqrt(np.abs(np.diagonal(at.hessian)))
    scale = np.where(scale > 0, scale, 1.0)
    try:
        factor = linalg.cho_factor(at.hessian / np.outer(scale, scale), lower=True)
    except linalg.LinAlgError:
        return None, float("nan")
    g = at.gradient / scale
    step = linalg.cho_solve(factor, g)
    return -step / scale, float(np.sqrt(max(g @ step, 0.0)))


def _fisher(at: Derivatives) -> Array:
    scale = np.sqrt(np.maximum(np.diagonal(at.fisher), np.finfo(float).tiny))
    information = at.fisher / np.outer(scale, scale) + 1e-10 * np.eye(scale.size)
    return -linalg.solve(information, at.gradient / scale, assume_a="sym") / scale


def minimise(
    statistics: Statistics, structure: Structure, start: Array, *, reml: bool
) -> tuple[tuple[Value, Derivatives] | None, Convergence]:
    """Minimise −2ℓ from `start`; returns the last point (none if `start` is impossible) and the record."""
    steps: list[Step] = []
    point = evaluate(statistics, structure, start, reml=reml)
    if point is None:
        return None, _record(structure, None, float("nan"), steps, "the starting covariance is not positive definite")
    at = differentiate(statistics, structure, point, reml=reml)
    message = f"no convergence within {MAX_ITERATIONS} iterations"
    for _ in range(MAX_ITERATIONS):
        direction, gradient = _newton(at)
        kind = "newton"
        if direction is None:
            direction, kind = _fisher(at), "fisher"
        candidate, halvings = _search(statistics, structure, point, direction, float(at.gradient @ direction), reml=reml)
        if candidate is None:
            message = "no step along the search direction lowers -2 log likelihood"
            break
        steps.append(Step(deviance=point.value, gradient=gradient, kind=kind, halvings=halvings))
        point = candidate
        at = differentiate(statistics, structure, point, reml=reml)
        if gradient < GRADIENT_TOLERANCE:  # the step just taken was the polish
            break
    _, gradient = _newton(at)
    return (point, at), _record(structure, point, gradient, steps, message)


def _search(
    statistics: Statistics, structure: Structure, point: Value, direction: Array, slope: float, *, reml: bool
) -> tuple[Value | None, int]:
    """The longest of 1, ½, ¼ … of `direction` that lowers −2ℓ enough, and the number of halvings; none if there is none."""
    # what −2ℓ itself can resolve: below this a full step inside the domain is better than a comparison of rounding errors
    noise = 1e-11 * (abs(point.value) + statistics.n_obs)
    for halvings in range(MAX_HALVINGS):
        length = 0.5**halvings
        candidate = evaluate(statistics, structure, point.theta + length * direction, reml=reml)
        if candidate is not None and candidate.value <= point.value + 1e-4 * length * slope + noise:
            return candidate, halvings
    return None, MAX_HALVINGS


def parts(sigma: Array, groups: int) -> Array:
    """The diagonal blocks of Σ, one per group: (groups, T, T)."""
    t = sigma.shape[0] // groups
    split = sigma.reshape(groups, t, groups, t)
    each = np.arange(groups)
    return split[each, :, each, :]


def _condition(structure: Structure, point: Value) -> float:
    """Condition number of Σ, the largest of the groups; in continuous time the largest of the subjects' V = (R'R)⁻¹."""
    if structure.timed:
        return max(float(np.linalg.cond(roots).max()) ** 2 for roots in point.roots)
    return max(float(np.linalg.cond(part)) for part in parts(point.sigma, structure.groups))


def not_tried(structure: Structure, message: str) -> Convergence:
    """The record of a structure the data cannot identify."""
    return _record(structure, None, float("nan"), [], message)


def _record(structure: Structure, point: Value | None, gradient: float, steps: list[Step], message: str) -> Convergence:
    definite = bool(np.isfinite(gradient))
    condition = float("nan") if point is None else _condition(structure, point)
    converged = definite and gradient < GRADIENT_TOLERANCE and condition < CONDITION_LIMIT
    if converged:
        message = "converged"
    elif definite and gradient < GRADIENT_TOLERANCE:
        message = f"the covariance matrix is nearly singular (condition number {condition:.3g}, limit {CONDITION_LIMIT:.0e})"
    elif point is not None and not definite:
        message += "; the Hessian is not positive definite"
    return Convergence(
        covariance=structure.name,
        converged=converged,
        iterations=len(steps),
        gradient=gradient,
        hessian_positive_definite=definite,
        condition=condition,
        message=message,
        steps=tuple(steps),
    )
