"""Many fits as one computation: simulated trials, the leave-one-out jackknife, the bootstrap.

Each is a leading axis of the engine of a single fit; all are iterated at once, leaving out those that have converged. Simulated trials
start anywhere and take full Newton steps; refits start at the optimum of all data and need no Hessian (:mod:`nirls.stats.mmrm.refit`).
A fit that cannot be made (a rank-deficient design in one bootstrap sample, say) is marked and holds NaN; it never stops the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from nirls.errors import DataError, NotEstimableError
from nirls.stats.mmrm.basis import RANK_TOLERANCE, Basis, dependent_columns, triangular
from nirls.stats.mmrm.batch import chunks
from nirls.stats.mmrm.covariance import Structure, structure
from nirls.stats.mmrm.degrees import Ddf
from nirls.stats.mmrm.fit import MMRMFit, cells, starting_sigma
from nirls.stats.mmrm.grouped import by_group
from nirls.stats.mmrm.optimise import minimise
from nirls.stats.mmrm.pieces import GRAM_TOLERANCE, MMRMFits, Piece, fit_pieces
from nirls.stats.mmrm.refit import Near, refit
from nirls.stats.mmrm.resample import weighted, without
from nirls.stats.mmrm.sufficient import Statistics, collect, distinct

Array = np.ndarray


def fit_many(
    y: Array,
    X: Array,
    subject: Array,
    visit: Array,
    *,
    covariance: str | Structure = "us",
    reml: bool = True,
    group: Array | None = None,
    hypotheses: Array | None = None,
    ddf: Ddf = "kenward-roger-linear",
) -> MMRMFits:
    """Fit the same model to B outcomes of one layout, as :func:`~nirls.stats.mmrm.fit.fit_mmrm` would to each.

    Parameters
    ----------
    y : (B, n) array
        Outcomes; NaN where not observed, which may differ from one to the other.
    X : (n, p) or (B, n, p) array
        Design matrix, the same for all or one for each; every row needs one, observed or not.
    subject, visit, group : (n,) arrays
        As for a single fit.
    covariance : str or Structure
        One structure; not of continuous time.
    reml : bool
    hypotheses : (m, p) array, optional
        Rows l for which lβ is to be estimated and tested.
    ddf : {"kenward-roger-linear", "satterthwaite", "kenward-roger"}
        Method for `hypotheses`. Satterthwaite has the model-based standard errors.

    Raises
    ------
    DataError
        For X with missing or infinite values, infinite outcomes, or two rows of a subject at one visit.
    NotEstimableError
        For a rank-deficient common X (a deficiency in single data sets marks those).
    """
    y, x = np.asarray(y, dtype=float), np.asarray(X, dtype=float)
    if y.ndim != 2 or x.shape[-2] != y.shape[1] or len(subject) != y.shape[1] or len(visit) != y.shape[1]:
        raise ValueError(f"y {y.shape}, X {x.shape}, subject {len(subject)} and visit {len(visit)} rows do not belong together")
    if x.ndim == 3 and len(x) != len(y):
        raise ValueError(f"{len(x)} designs for {len(y)} outcomes")
    if not np.isfinite(x).all() or np.isinf(y).any():
        raise DataError("X must be finite in every row, and y finite or NaN")
    subjects, subject_code = distinct(subject)
    visits, visit_code = distinct(visit)
    if np.unique(subject_code * visits.size + visit_code).size < y.shape[1]:
        raise DataError("a subject may have one row per visit")
    groups, cell_code = cells(group, np.ones(y.shape[1], dtype=bool), subjects, subject_code, visits.size, visit_code)
    base = structure(covariance, visits)
    if base.timed:
        raise ValueError("many fits at once are of structures of visits, not of continuous time")
    candidate = base if groups is None else by_group(base, tuple(map(str, groups)), visits.size)
    n_cells = visits.size * (1 if groups is None else groups.size)
    common = _factor(x[None]) if x.ndim == 2 else None
    if common is not None and (common[2] < RANK_TOLERANCE).any():
        raise NotEstimableError(f"the design matrix is rank deficient; linearly dependent on the others: columns {dependent_columns(x)}")

    def pieces() -> Iterator[Piece]:
        p = x.shape[-1]
        for part in chunks(len(y), y.shape[1] * (p + 2) + 8 * candidate.count * (p + 1) ** 2):
            q, basis, least = common if common is not None else _factor(x[part])
            z, basis, wrong = _standardised(y[part], q, basis, least)
            fits, rows = np.nonzero(~np.isnan(z[..., -1]))
            code, own = distinct(fits * subjects.size + subject_code[rows])
            flat = z[fits, rows]
            statistics = collect(flat, own, cell_code[rows], n_cells, code // subjects.size, part.size)
            start = candidate.start(starting_sigma(flat[:, -1], own, cell_code[rows], code.size, n_cells))
            yield Piece(statistics=statistics, basis=basis, start=start, wrong=wrong)

    return fit_pieces(pieces(), candidate, reml, lambda data, start: minimise(data, candidate, start, reml=reml), hypotheses, ddf)


def leave_one_out(fit: MMRMFit) -> MMRMFits:
    """`fit` again without each of its N subjects in turn (in the order of their codes), from its own optimum.

    Every refit goes to convergence, √(g'Ĥ⁻¹g) < 1e-8; :mod:`nirls.stats.mmrm.refit` says with which Ĥ.
    """
    return _refits(fit, np.arange(fit.n_subjects), lambda all_data, left_out: without(all_data, fit.records, left_out))


def reweighted(fit: MMRMFit, weights: Array) -> MMRMFits:
    """`fit` again with each subject counted `weights` (B, N) times, as in a bootstrap by subject; convergence as of `leave_one_out`.

    Raises
    ------
    ValueError
        For weights that are negative, not finite or not N to a row.
    """
    weights = np.asarray(weights, dtype=float)
    if weights.ndim != 2 or weights.shape[1] != fit.n_subjects or not np.isfinite(weights).all() or (weights < 0).any():
        raise ValueError(f"weights must be finite, not negative, and one for each of the {fit.n_subjects} subjects in each row")
    return _refits(fit, np.arange(len(weights)), lambda all_data, part: weighted(all_data, fit.records, weights[part]))


def _refits(fit: MMRMFit, index: Array, data_sets: Callable[[Statistics, Array], Statistics]) -> MMRMFits:
    working, records = fit.working, fit.records
    near = Near.of(working, reml=fit.reml)
    n_visits, p = working.statistics.n_visits, fit.beta.size
    all_data = collect(records.z, records.subject, records.visit, n_visits, single=False)
    forms = (n_visits // working.structure.groups) ** 4 * working.structure.groups if not working.structure.timed else 0

    def pieces() -> Iterator[Piece]:
        for part in chunks(index.size, all_data.packed[0].size + all_data.local_width**2 + 4 * p**2 + 3 * forms + 2 * fit.theta.size**2):
            basis = replace(working.basis, ols=np.repeat(working.basis.ols, part.size, 0), scale=np.repeat(working.basis.scale, part.size))
            wrong = np.full(part.size, "", dtype=object)
            yield Piece(statistics=data_sets(all_data, index[part]), basis=basis, start=near.theta, wrong=wrong)

    return fit_pieces(pieces(), working.structure, fit.reml, lambda data, start: refit(data, working.structure, near, reml=fit.reml))


def _factor(x: Array) -> tuple[Array, Basis, Array]:
    """Q of X/length (B, n, p), what leads back, and the smallest pivot (B,)."""
    if len(x) == 1:
        q, length, triangle = (m[None] for m in triangular(x[0]))
    else:
        length = np.sqrt((x**2).sum(axis=1))
        length[length == 0.0] = 1.0
        q, triangle = np.linalg.qr(x / length[:, None])
    least = np.abs(np.diagonal(triangle, axis1=1, axis2=2)).min(axis=1)
    basis = Basis(length=length, triangle=triangle, ols=np.zeros((len(x), x.shape[2])), scale=np.ones(len(x)))
    return q, basis, least


def _standardised(y: Array, q: Array, basis: Basis, least: Array) -> tuple[Array, Basis, Array]:
    """Rows (Q, e/scale) of each data set, (B, n, p + 1), NaN in the last column where nothing is observed."""
    seen = ~np.isnan(y)
    n_fits, p = len(y), q.shape[2]
    own = np.broadcast_to(q, (n_fits, *q.shape[1:])) * seen[..., None]
    residual, ols = np.where(seen, y, 0.0), np.zeros((n_fits, p))
    values = np.linalg.eigvalsh(own.swapaxes(1, 2) @ own)
    deficient = (least < RANK_TOLERANCE) | (values[:, 0] < GRAM_TOLERANCE * np.maximum(values[:, -1], 1e-300))
    gram = own.swapaxes(1, 2) @ own + np.where(deficient, 1.0, 0.0)[:, None, None] * np.eye(p)
    for _ in range(2):  # the second time for what rounding left
        more = np.linalg.solve(gram, own.swapaxes(1, 2) @ residual[..., None])[..., 0]
        ols += more
        residual = residual - (own @ more[..., None])[..., 0]
    freedom = seen.sum(axis=1) - p
    scale = np.sqrt((residual**2).sum(axis=1) / np.maximum(freedom, 1))
    exact = scale <= 1e-12 * np.abs(np.where(seen, y, 0.0)).max(axis=1)
    wrong = np.full(n_fits, "", dtype=object)
    wrong[exact] = "the outcome is constant or fitted exactly by the covariates"
    wrong[deficient] = "the design is not of full rank in these data"
    wrong[freedom <= 0] = "no residual degrees of freedom"
    scale = np.where(wrong == "", scale, 1.0)
    z = np.concatenate([own, np.where(seen, residual / scale[:, None], np.nan)[..., None]], axis=2)
    return z, replace(basis, ols=ols, scale=scale), wrong
