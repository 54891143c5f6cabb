"""Fit the mixed model for repeated measures (MMRM)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations_with_replacement
from typing import Any

import numpy as np

from nirls.errors import ConvergenceError, DataError, MethodError, NotEstimableError
from nirls.stats.mmrm.basis import orthonormal
from nirls.stats.mmrm.covariance import Structure, is_timed, structure
from nirls.stats.mmrm.grouped import by_group
from nirls.stats.mmrm.likelihood import whole
from nirls.stats.mmrm.optimise import Convergence, minimise, not_tried
from nirls.stats.mmrm.sufficient import Statistics, collect, distinct
from nirls.stats.mmrm.working import Records, Working, deviances, parameters

Array = np.ndarray


class MMRMConvergenceError(ConvergenceError):
    """No declared covariance structure converged; `attempts` holds the record of each."""

    def __init__(self, attempts: tuple[Convergence, ...]) -> None:
        facts = "; ".join(
            f"{a.covariance}: {a.message} ({a.iterations} iterations, scaled gradient {a.gradient:.3g}, cond(Sigma) {a.condition:.3g})"
            for a in attempts
        )
        super().__init__(f"the mixed model did not converge: {facts}")
        self.attempts = attempts


@dataclass(frozen=True, slots=True, kw_only=True)
class MMRMFit:
    """A fitted MMRM with p coefficients, T visits and k covariance parameters.

    Attributes
    ----------
    beta : (p,) array
        Generalised least-squares coefficients.
    beta_cov : (p, p) array
        Model-based covariance (ΣX'V⁻¹X)⁻¹, without small-sample adjustment
        (see :mod:`nirls.stats.mmrm.degrees` for Kenward–Roger).
    theta, theta_names : (k,) array, tuple of str
        Covariance parameters.
    theta_cov : (k, k) array
        2·H⁻¹, H the Hessian of −2ℓ: inverse *observed* information.
    covariance : str
        Structure fitted: the first of those declared that converged.
    reml : bool
    deviance : float
        −2ℓ (restricted when `reml`), constants included.
    loglike, aic, bic : float
        Criteria count covariance parameters only, and `bic` takes log(subjects), as SAS PROC MIXED does
        under REML and R mmrm always does.
    n_obs, n_subjects : int
        Observations and subjects in the likelihood.
    n_missing : int
        Rows given whose outcome is missing.
    n_subjects_without_outcome : int
        Subjects given who have no observed outcome and so contribute nothing.
    visits : (T,) array
        Visit values in the order of `sigma`.
    groups : (G,) array or None
        Groups with a covariance of their own, in the order of `sigma`.
    attempts : tuple of Convergence
        One record for each structure tried, in order; the last converged.
    working : Working
        The optimum and its derivatives, for inference.
    records : Records
        The analysed records.
    """

    beta: Array
    beta_cov: Array
    theta: Array
    theta_names: tuple[str, ...]
    theta_cov: Array
    covariance: str
    reml: bool
    deviance: float
    loglike: float
    aic: float
    bic: float
    n_obs: int
    n_subjects: int
    n_missing: int
    n_subjects_without_outcome: int
    visits: Array
    groups: Array | None
    attempts: tuple[Convergence, ...]
    working: Working = field(repr=False)
    records: Records = field(repr=False)

    @property
    def sigma(self) -> Array:
        """Covariance of the visits of one subject (of unit weight): (T, T), or (G, T, T) when there are G groups; in continuous time of all
        distinct times, which may be many."""
        found = whole(self.working.structure, self.working.point.theta, self.working.statistics.n_visits)[0]
        result: Array = self.working.basis.scale[0] ** 2 * (found[0] if self.groups is None else found)
        return result

    @property
    def convergence(self) -> Convergence:
        """The record of the structure that was fitted."""
        return self.attempts[-1]


def fit_mmrm(
    y: Array,
    X: Array,
    subject: Array,
    visit: Array,
    *,
    covariance: str | Structure | Sequence[str | Structure] = "us",
    reml: bool = True,
    weights: Array | None = None,
    group: Array | None = None,
    visit_names: Sequence[Any] | None = None,
) -> MMRMFit:
    """Fit y_i = X_i β + ε_i, ε_i ~ N(0, S_i'ΣS_i), independent over subjects i.

    Parameters
    ----------
    y : (n,) array
        Outcome; NaN rows do not enter and are counted.
    X : (n, p) array
        Design matrix of full column rank.
    subject, visit : (n,) arrays
        Subject and visit of each row; visits are ordered as they sort. For a structure in continuous time, times as numbers.
    covariance : str, Structure or sequence of them
        Structure of Σ, or the declared order of structures of which the first that converges is fitted.
    reml : bool
        Restricted (default) or full maximum likelihood.
    weights : (n,) array, optional
        Positive weights; a row of weight w has its standard deviation divided by √w.
    group : (n,) array, optional
        Group of each row, the same for all rows of a subject; every group then has covariance parameters of its own.
    visit_names : sequence, optional
        Names of the distinct visits, in sorted order of `visit`, for messages and the result.

    Returns
    -------
    MMRMFit

    Raises
    ------
    DataError
        For a subject with two rows at one visit or in two groups (named), non-finite covariates or weights that are not positive.
    NotEstimableError
        For a rank-deficient X, or, when only an unstructured Σ is declared, a pair of visits no subject has both of.
    MethodError
        For a constant outcome or too few observations.
    MMRMConvergenceError
        If no structure converges; the message and `attempts` carry the facts.
    """
    y, x = np.asarray(y, dtype=float), np.asarray(X, dtype=float)
    if y.ndim != 1 or x.ndim != 2 or x.shape[0] != y.size or len(subject) != y.size or len(visit) != y.size:
        raise ValueError(f"y {y.shape}, X {x.shape}, subject {len(subject)} and visit {len(visit)} rows do not belong together")
    given = distinct(subject)[0].size
    observed = ~np.isnan(y)
    if not observed.any():
        raise MethodError("no row has an observed outcome")
    if not observed.all():
        y, x = y[observed], x[observed]
    subjects, subject_code = distinct(np.asarray(subject)[observed])
    visits, visit_code = distinct(np.asarray(visit)[observed])
    times = visits
    if visit_names is not None:
        if len(visit_names) != visits.size:
            raise ValueError(f"{len(visit_names)} visit names for {visits.size} visits with an observed outcome")
        visits = np.asarray(visit_names)
    _check_rows(y, x, subjects, subject_code, visits, visit_code)

    groups, cell_code = cells(group, observed, subjects, subject_code, visits.size, visit_code)
    n_groups = 1 if groups is None else groups.size
    n_cells = n_groups * visits.size

    root_weight = _root_weight(weights, observed)
    z, basis = orthonormal(x, y) if root_weight is None else orthonormal(x * root_weight[:, None], y * root_weight)
    records = Records(x=x, z=z, root_weight=root_weight, subject=subject_code, visit=cell_code)
    statistics = collect(z, subject_code, cell_code, n_cells)

    declared = [covariance] if isinstance(covariance, str | Structure) else list(covariance)
    timed = [is_timed(s) for s in declared]
    if any(timed) and not all(timed):
        raise ValueError("structures of visits and structures in continuous time cannot be declared together")
    # in continuous time hardly any two subjects share a time: there is nothing to start from but the scale, which is one
    start = np.eye(n_groups) if any(timed) else starting_sigma(z[:, -1], subject_code, cell_code, subjects.size, n_cells)
    attempts: list[Convergence] = []
    for base in (structure(s, times) for s in declared):
        candidate = base if groups is None else by_group(base, tuple(map(str, groups)), visits.size)
        unseen = _unseen_pairs(statistics, visits, groups) if candidate.every_pair else ""
        if unseen and len(declared) == 1:
            raise NotEstimableError(unseen)
        if unseen:
            attempts.append(not_tried(candidate, unseen))
            continue
        optimum = minimise(statistics, candidate, candidate.start(start)[None], reml=reml)
        attempts.append(optimum.records[0])
        if optimum.converged[0]:
            break
    else:
        raise MMRMConvergenceError(tuple(attempts))

    working = Working(
        statistics=statistics,
        basis=basis,
        structure=candidate,
        point=optimum.point,
        slopes=optimum.derivatives.slopes,
        theta_cov=2.0 * np.linalg.inv(optimum.derivatives.hessian),
    )
    deviance = float(deviances(optimum.point, statistics, basis, reml=reml)[0])
    if weights is not None:
        deviance -= float(np.log(np.asarray(weights, dtype=float)[observed]).sum())
    unit = basis.scale[0] ** candidate.powers
    k = candidate.count
    return MMRMFit(
        beta=basis.beta(optimum.point.gamma)[0],
        beta_cov=basis.covariance(optimum.point.phi)[0],
        theta=parameters(optimum.point.theta, candidate, basis.scale)[0],
        theta_names=candidate.names,
        theta_cov=unit[:, None] * working.theta_cov[0] * unit,
        covariance=candidate.name,
        reml=reml,
        deviance=deviance,
        loglike=-deviance / 2.0,
        aic=deviance + 2.0 * k,
        bic=float(deviance + np.log(subjects.size) * k),
        n_obs=int(y.size),
        n_subjects=int(subjects.size),
        n_missing=int((~observed).sum()),
        n_subjects_without_outcome=int(given - subjects.size),
        visits=visits,
        groups=groups,
        attempts=tuple(attempts),
        working=working,
        records=records,
    )


def _root_weight(weights: Array | None, observed: Array) -> Array | None:
    """√w: V_i/w folds into the rows, both sides times √w."""
    if weights is None:
        return None
    w = np.asarray(weights, dtype=float)
    if w.shape != observed.shape or not (np.isfinite(w[observed]) & (w[observed] > 0)).all():
        raise DataError("weights must be one positive finite number for each row")
    return np.sqrt(w[observed])


def _check_rows(y: Array, x: Array, subjects: Array, subject: Array, visits: Array, visit: Array) -> None:
    if not np.isfinite(y).all():
        raise DataError("the outcome holds infinite values")
    if not np.isfinite(x).all():
        rows, columns = (np.unique(index) for index in np.nonzero(~np.isfinite(x)))
        raise DataError(f"{rows.size} rows with an observed outcome have missing or infinite covariates (columns {columns.tolist()})")
    key = subject * visits.size + visit
    if not (np.diff(key) > 0).all():  # sorted and without ties, as data usually are, is quickly seen
        key = np.sort(key)
    repeated = np.unique(key[1:][key[1:] == key[:-1]])
    if repeated.size:
        named = ", ".join(f"{subjects[c // visits.size]} at {visits[c % visits.size]}" for c in repeated[:10])
        more = f" and {repeated.size - 10} more" if repeated.size > 10 else ""
        raise DataError(f"a subject may have one row per visit; more than one for: {named}{more}")


def cells(group: Array | None, observed: Array, subjects: Array, subject: Array, n_visits: int, visit: Array) -> tuple[Array | None, Array]:
    """The groups, and visit codes that run through all groups."""
    if group is None:
        return None, visit
    groups, code = distinct(np.asarray(group)[observed])
    own = np.zeros(subjects.size, dtype=code.dtype)
    own[subject] = code
    torn = np.unique(subject[own[subject] != code])
    if torn.size:
        raise DataError(f"a subject may be in one covariance group only; in several: {', '.join(map(str, subjects[torn[:10]]))}")
    return groups, code * n_visits + visit


def _unseen_pairs(statistics: Statistics, visits: Array, groups: Array | None) -> str:
    """An unstructured Σ needs every pair of visits seen together in some subject (of each group): what is wrong, or nothing."""
    together = statistics.together()[0] > 0.0
    apart = []
    for g in range(1 if groups is None else groups.size):
        where, first = "" if groups is None else f" in group {groups[g]}", g * visits.size
        for a, b in combinations_with_replacement(range(visits.size), 2):
            if not together[first + a, first + b]:
                apart.append(f"{visits[a]} and {visits[b]}{where}" if a != b else f"{visits[a]}{where}")
    if not apart:
        return ""
    return "the unstructured covariance is not estimable: no subject has an outcome at both of the visits " + "; ".join(apart)


def starting_sigma(residual: Array, subject: Array, visit: Array, n_subjects: int, n_visits: int) -> Array:
    """Pairwise residual covariances, drawn towards their diagonal until well inside the positive definite cone."""
    wide = np.zeros((n_subjects, n_visits))
    wide[subject, visit] = residual
    seen = np.zeros((n_subjects, n_visits))
    seen[subject, visit] = 1.0
    together = seen.T @ seen
    sigma = wide.T @ wide / np.maximum(together, 1.0)
    variance = np.maximum(np.diagonal(sigma), 1e-3 * np.diagonal(sigma).max())
    root = np.sqrt(variance)
    correlation = np.clip(sigma / np.outer(root, root), -0.95, 0.95)
    np.fill_diagonal(correlation, 1.0)
    while np.linalg.eigvalsh(correlation)[0] < 1e-2:
        correlation = 0.9 * correlation + 0.1 * np.eye(n_visits)
    return correlation * np.outer(root, root)
