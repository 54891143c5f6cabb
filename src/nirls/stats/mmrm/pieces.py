"""Fit many data sets of one layout, piece by piece, and put the results together.

A fit that cannot be made is marked and holds NaN; it never stops the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nirls.stats.contrasts import Contrasts
from nirls.stats.mmrm.basis import RANK_TOLERANCE, Basis
from nirls.stats.mmrm.batch import cholesky, take
from nirls.stats.mmrm.covariance import Structure
from nirls.stats.mmrm.degrees import Ddf, t_tests
from nirls.stats.mmrm.likelihood import whole
from nirls.stats.mmrm.optimise import Convergence, Optimum, not_tried
from nirls.stats.mmrm.refit import Refitted
from nirls.stats.mmrm.sufficient import Statistics
from nirls.stats.mmrm.working import Working, deviances, parameters

Array = np.ndarray

Solve = Callable[[Statistics, Array], Optimum | Refitted]

# of the smallest to the largest eigenvalue of X'X, on a scale where that of all data is one
GRAM_TOLERANCE = RANK_TOLERANCE


@dataclass(frozen=True, slots=True, kw_only=True)
class MMRMFits:
    """B fits of one MMRM with p coefficients, T visits and k covariance parameters. A fit that failed holds NaN.

    Attributes
    ----------
    beta : (B, p) array
    beta_cov : (B, p, p) array
        Model-based covariance.
    theta : (B, k) array
    sigma : (B, T, T) array, or (B, G, T, T) when there are G groups; none in continuous time
    deviance : (B,) array
        −2ℓ, constants included.
    n_obs : (B,) array
        Observations, weighted when subjects are.
    records : tuple of Convergence
        How each fit ended.
    contrasts : Contrasts or None
        Estimates, standard errors and df, each (B, m), of the m hypotheses asked for.
    """

    beta: Array
    beta_cov: Array
    theta: Array
    sigma: Array | None
    deviance: Array
    n_obs: Array
    records: tuple[Convergence, ...]
    contrasts: Contrasts | None

    @property
    def converged(self) -> Array:
        """(B,) bool."""
        return np.array([record.converged for record in self.records], dtype=bool)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Some of the data sets, with the θ (k,) to start at; `wrong` (B,) says what makes one impossible, or nothing."""

    statistics: Statistics
    basis: Basis
    start: Array
    wrong: Array


def fit_pieces(
    pieces: Iterator[Piece], candidate: Structure, reml: bool, solve: Solve, hypotheses: Array | None = None, ddf: Ddf = "satterthwaite"
) -> MMRMFits:
    """Fit piece by piece with `solve` (statistics, starts), and put the pieces together. Hypotheses need the derivatives of an optimum."""
    found = [_fit_one(piece, candidate, reml, solve, hypotheses, ddf) for piece in pieces]

    def joined(values: Sequence[Any]) -> Any:
        return None if values[0] is None else np.concatenate(values)

    tests = None
    if hypotheses is not None:
        names = ("estimate", "std_error", "df")
        tests = Contrasts(**{name: np.concatenate([getattr(f.contrasts, name) for f in found]) for name in names})
    return MMRMFits(
        beta=joined([f.beta for f in found]),
        beta_cov=joined([f.beta_cov for f in found]),
        theta=joined([f.theta for f in found]),
        sigma=joined([f.sigma for f in found]),
        deviance=joined([f.deviance for f in found]),
        n_obs=joined([f.n_obs for f in found]),
        records=tuple(record for f in found for record in f.records),
        contrasts=tests,
    )


def _fit_one(piece: Piece, candidate: Structure, reml: bool, solve: Solve, hypotheses: Array | None, ddf: Ddf) -> MMRMFits:
    statistics, basis = piece.statistics, piece.basis
    n_fits, p, k = len(statistics), statistics.width - 1, candidate.count
    wrong = np.where(piece.wrong != "", piece.wrong, _not_estimable(statistics, candidate, statistics.n_visits))
    records = [not_tried(candidate, str(w)) for w in wrong]
    possible = np.flatnonzero(wrong == "")
    optimum = None
    if possible.size:
        optimum = solve(statistics.take(possible), np.tile(piece.start, (possible.size, 1)))
        for i, record in zip(possible, optimum.records, strict=True):
            records[i] = record
    kept = np.flatnonzero([records[i].converged for i in possible])
    sound = possible[kept]
    own = replace(basis, ols=basis.ols[sound], scale=basis.scale[sound])
    if len(basis.triangle) > 1:
        own = replace(own, length=basis.length[sound], triangle=basis.triangle[sound])

    def spread(values: Array | None, *shape: int) -> Array:
        result = np.full((n_fits, *shape), np.nan)
        if values is not None:
            result[sound] = values
        return result

    point = None if optimum is None or not sound.size else take(optimum.point, kept)
    t = statistics.n_visits // candidate.groups
    sigma = None
    if point is not None and not candidate.timed:
        sigma = own.scale[:, None, None, None] ** 2 * whole(candidate, point.theta, statistics.n_visits)
    sigmas = spread(sigma, candidate.groups, t, t) if not candidate.timed else None
    tests = None
    if hypotheses is not None:
        rows = np.atleast_2d(np.asarray(hypotheses, dtype=float))
        parts: tuple[Array | None, ...] = (None, None, None)
        if point is not None and isinstance(optimum, Optimum):
            at = take(optimum.derivatives, kept)
            working = Working(
                statistics=statistics.take(sound),
                basis=own,
                structure=candidate,
                point=point,
                slopes=at.slopes,
                theta_cov=2.0 * np.linalg.inv(at.hessian),
            )
            one = t_tests(working, rows, ddf)
            parts = (one.estimate, one.std_error, one.df)
        m = len(rows)
        tests = Contrasts(estimate=spread(parts[0], m), std_error=spread(parts[1], m), df=spread(parts[2], m))
    return MMRMFits(
        beta=spread(None if point is None else own.beta(point.gamma), p),
        beta_cov=spread(None if point is None else own.covariance(point.phi), p, p),
        theta=spread(None if point is None else parameters(point.theta, candidate, own.scale), k),
        sigma=sigmas[:, 0] if sigmas is not None and candidate.groups == 1 else sigmas,
        deviance=spread(None if point is None else deviances(point, statistics.take(sound), own, reml=reml)),
        n_obs=statistics.n_obs,
        records=tuple(records),
        contrasts=tests,
    )


def _not_estimable(statistics: Statistics, candidate: Structure, n_visits: int) -> Array:
    """What makes a data set impossible, or nothing: (B,) text."""
    wrong = np.full(len(statistics), "", dtype=object)
    p = statistics.width - 1
    units = [np.broadcast_to(np.eye(b.visits.shape[1]), (1, 1, *b.visits.shape, b.visits.shape[1])) for b in statistics.blocks]
    gram = statistics.weigh(units)[:, 0, :p, :p]
    bound = np.abs(gram).sum(axis=2).max(axis=1)  # no eigenvalue is above it
    clear = cholesky(gram - 2.0 * GRAM_TOLERANCE * bound[:, None, None] * np.eye(p))[1]  # no need of eigenvalues
    doubtful = np.flatnonzero(~clear | (bound == 0.0))
    values = np.linalg.eigvalsh(gram[doubtful])
    wrong[doubtful[values[:, 0] < GRAM_TOLERANCE * np.maximum(values[:, -1], 1e-300)]] = "the design is not of full rank in these data"
    if candidate.every_pair:
        t = n_visits // candidate.groups
        together = statistics.together()
        own = [together[:, g * t : (g + 1) * t, g * t : (g + 1) * t] for g in range(candidate.groups)]
        wrong[(np.stack(own, axis=1) <= 0.0).any(axis=(1, 2, 3))] = "no subject has an outcome at both of some pair of visits"
    return wrong
