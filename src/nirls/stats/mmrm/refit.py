"""A fit again to data that differ little: without a subject, or with subjects weighted.

Newton's method with all of the Hessian but two small terms: at each point H is taken as

    Ĥ(θ) = C(θ) + {H(θ̂) − C(θ̂)}

with C the part that comes with the gradient (:func:`~nirls.stats.mmrm.likelihood.slope`) and the rest, −tr(ΦP_hΦP_j) − 2v_h'Φv_j of the
order p/n, as it was at the optimum θ̂ of the full data. No sum over the data is taken for each parameter, and convergence is linear at a
rate of the order p/n times the change of θ relative to θ: a few hundredths in a bootstrap, less without one subject. Further than a
standard error from the optimum the step is one of Fisher scoring, which with complete data arrives at once. A fit whose step does not
lower −2ℓ, whose Ĥ is not positive definite, or that is not there in :data:`MOST_STEPS` steps goes on by :func:`minimise`, from its last
point.

Converged means √(g'Ĥ⁻¹g) < 1e-8 with Ĥ at the point itself. That the exact Hessian is positive definite there is not computed: it is taken
from Ĥ, which differs from it by the change of a term of the order p/n, and from the gradient having vanished along steps each of which
lowered −2ℓ. A fit by `minimise` has the exact Hessian.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nirls.stats.mmrm.batch import cholesky, put, take
from nirls.stats.mmrm.covariance import Structure
from nirls.stats.mmrm.likelihood import Value, evaluate, slope
from nirls.stats.mmrm.optimise import GRADIENT_TOLERANCE, Convergence, Step, condition_number, minimise, noise_of, record_of
from nirls.stats.mmrm.sufficient import Statistics
from nirls.stats.mmrm.working import Working

Array = np.ndarray

MOST_STEPS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Refitted:
    """Where B refits ended."""

    point: Value
    records: tuple[Convergence, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """What refits take from the fit to all data: θ̂ (k,) and H(θ̂) − C(θ̂) (k, k), on the working scale."""

    theta: Array
    rest: Array

    @classmethod
    def of(cls, full: Working, *, reml: bool) -> Near:
        """From a single fit."""
        main = slope(full.statistics, full.structure, full.point, reml=reml).curvature[0]
        return cls(theta=full.point.theta[0], rest=2.0 * np.linalg.inv(full.theta_cov[0]) - main)


def refit(statistics: Statistics, structure: Structure, near: Near, *, reml: bool) -> Refitted:
    """The optima of B data sets, started at the fit they are `near`."""
    n_fits = len(statistics)
    point = evaluate(statistics, structure, np.tile(near.theta, (n_fits, 1)), reml=reml)
    noise = noise_of(point.value, statistics)
    gradient = np.full(n_fits, np.nan)
    rest = np.tile(near.rest, (n_fits, 1, 1))
    before, moved = np.zeros((2, n_fits, near.theta.size))  # gradient before the last step, and that step
    steps: list[list[Step]] = [[] for _ in range(n_fits)]
    arrived = np.zeros(n_fits, dtype=bool)
    active = np.flatnonzero(np.isfinite(point.value))
    for _ in range(MOST_STEPS + 1):
        if not active.size:
            break
        data, here = statistics.take(active), take(point, active)
        at = slope(data, structure, here, reml=reml)
        rest[active] += _secant(at.gradient - before[active], at.curvature + rest[active], moved[active])
        hessian = at.curvature + rest[active]
        definite = cholesky(hessian)[1] & np.isfinite(at.gradient).all(axis=1)
        hessian[~definite] = np.eye(len(near.theta))
        move = np.linalg.solve(hessian, at.gradient[..., None])[..., 0]
        length = np.where(definite, np.sqrt((at.gradient * move).sum(axis=1)), np.nan)
        gradient[active] = length
        last = length < GRADIENT_TOLERANCE  # the step still taken is the polish
        arrived[active] = last
        far = ~(length <= 1.0)
        scored = cholesky(at.fisher)[1] & far
        move[scored] = np.linalg.solve(at.fisher[scored], at.gradient[scored, :, None])[..., 0]
        go = np.flatnonzero(definite | scored)
        if not go.size:
            break
        active, far, last = active[go], far[go], last[go]
        before[active], moved[active] = at.gradient[go], -move[go] * ~far[:, None]
        candidate = evaluate(data.take(go), structure, point.theta[active] - move[go], reml=reml)
        lower = candidate.value <= point.value[active] + noise[active]
        for i, fisher in zip(active[lower], far[lower], strict=True):
            kind = "fisher" if fisher else "newton"
            steps[i].append(Step(deviance=float(point.value[i]), gradient=float(gradient[i]), kind=kind, rejected=0))
        point = put(point, active[lower], take(candidate, np.flatnonzero(lower)))
        active = active[lower & ~last]
    condition = condition_number(structure, point, statistics.n_visits)
    records = [record_of(structure, True, float(g), float(c), tuple(s), "") for g, c, s in zip(gradient, condition, steps, strict=True)]
    left = np.flatnonzero(~arrived)
    if left.size:
        slow = minimise(statistics.take(left), structure, point.theta[left], reml=reml)
        point = put(point, left, slow.point)
        for i, record in zip(left, slow.records, strict=True):
            records[i] = record
    return Refitted(point=point, records=tuple(records))


def _secant(change: Array, hessian: Array, step: Array) -> Array:
    """The symmetric matrices of rank one (B, k, k) to add to H for H·step to be the change of the gradient over the step (B, k)."""
    lacking = change - (hessian @ step[..., None])[..., 0]
    along = (lacking * step).sum(axis=1)
    size = np.sqrt((lacking**2).sum(axis=1) * (step**2).sum(axis=1))
    sound = np.abs(along) > 1e-8 * size
    weight = np.where(sound, 1.0 / np.where(sound, along, 1.0), 0.0)
    return weight[:, None, None] * lacking[:, :, None] * lacking[:, None, :]
