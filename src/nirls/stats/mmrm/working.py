"""What inference and refits need of a fit, on its working scale."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from nirls.stats.mmrm.basis import Basis
from nirls.stats.mmrm.declaration import Structure
from nirls.stats.mmrm.likelihood import Value
from nirls.stats.mmrm.sufficient import Statistics, patterns

Array = np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Working:
    """B fits of one structure; B is one for a single fit.

    Attributes
    ----------
    statistics : Statistics
    basis : Basis
    structure : Structure
    point : Value
        The optimum.
    slopes : (B, k, p, p) array
        P_h.
    theta_cov : (B, k, k) array
        2·H⁻¹ of the working parameters.
    """

    statistics: Statistics
    basis: Basis
    structure: Structure
    point: Value
    slopes: Array
    theta_cov: Array


def deviances(point: Value, statistics: Statistics, basis: Basis, *, reml: bool) -> Array:
    """−2ℓ of the data as given, constants included (but for observation weights), (B,)."""
    p = point.gamma.shape[1]
    freedom = statistics.n_obs - (p if reml else 0)
    result: Array = point.value + freedom * np.log(2.0 * np.pi * basis.scale**2)
    return result + basis.log_determinant if reml else result


def parameters(theta: Array, structure: Structure, scale: Array) -> Array:
    """θ in the unit of the outcome, (B, k), from that of the outcome divided by `scale` (B,)."""
    shift = 0.0 if structure.shifts is None else np.log(scale)[:, None] * structure.shifts
    result: Array = scale[:, None] ** structure.powers * theta + shift
    return result


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """The n analysed records, in the order they were given.

    Attributes
    ----------
    x : (n, p) array
        Design matrix as given.
    z : (n, p + 1) array
        Working design and outcome (orthonormal, scaled, weighted).
    root_weight : (n,) array or None
        √w.
    subject, visit : (n,) int arrays
        Subject codes 0 … N−1; visit codes 0 … T−1 (through all covariance groups).
    """

    x: Array
    z: Array
    root_weight: Array | None
    subject: Array
    visit: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """The m subjects with t records each.

    Attributes
    ----------
    subjects : (m,) int array
    rows : (m, t) int array
        Their records, by visit.
    sigma : (m, t, t) array
        Σ of their visits, on the working scale.
    root : (m, t, t) array
        R with R'R = Σ⁻¹, lower triangular.
    """

    subjects: Array
    rows: Array
    sigma: Array
    root: Array


def stacks(records: Records, structure: Structure, theta: Array) -> Iterator[Stack]:
    """Subjects by number of records, with Σ(θ) of their visits (one Cholesky factor per missingness pattern)."""
    for p in patterns(records.subject, records.visit):
        sigma = structure.sigma(theta, p.visits)
        root = np.linalg.inv(np.linalg.cholesky(sigma))
        yield Stack(subjects=p.subjects, rows=p.rows, sigma=sigma[p.member], root=root[p.member])
