"""Predictions of a fitted mixed model: means of given covariates, and of missing outcomes given the observed ones."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nirls.errors import DataError, MethodError
from nirls.models.conditional import given_observed
from nirls.models.design import Design
from nirls.models.new_data import model_rows, need_columns
from nirls.models.occasions import subject_codes, times
from nirls.models.reference_grid import Infer, inference_columns
from nirls.stats.mmrm.covariance import structure
from nirls.stats.mmrm.grouped import by_group

if TYPE_CHECKING:
    from nirls.models.mmrm import MMRMResult

Array = np.ndarray
CHUNK = 1024  # rows whose degrees of freedom are found at once, which bounds the memory


def marginal(design: Design, infer: Infer, data: pd.DataFrame | None, level: float) -> pd.DataFrame:
    """Xβ̂ for the rows of `data`, or the analysed rows.

    Columns: estimate, std_error, df, conf_low, conf_high; NaN where a covariate is missing or the mean is not estimable.
    """
    if data is None:
        return _table(infer, design.matrix, np.zeros(len(design.matrix)), level).set_index(design.index)
    rows = _known_rows(design, data)
    return _table(infer, rows, np.zeros(len(rows)), level).set_index(data.index)


def conditional(result: MMRMResult, infer: Infer, data: pd.DataFrame | None, level: float) -> pd.DataFrame:
    """E(y | observed outcomes of the subject) for the rows of `data`.

    Columns: estimate, std_error, df, conf_low, conf_high, std_error_pred: of the expectation those, and the standard error of the outcome
    itself about it. An observed outcome is its own expectation, with standard errors of zero.
    """
    if data is None:
        raise MethodError("conditional predictions need data with rows whose outcome is missing; in the analysed rows none is")
    design = result.design
    carried = [c for c in (result.subject, result.visit, result.weights, result.group) if c is not None]
    need_columns(data, [*dict.fromkeys(carried), design.response])
    for column in carried:
        if data[column].isna().any():
            raise DataError(f"{column!r} is missing in {int(data[column].isna().sum())} rows; conditional predictions need it in every row")
    who = subject_codes(data, result.subject, result.visit)
    weight = None if result.weights is None else data[result.weights].to_numpy(dtype=float)
    if weight is not None and not (np.isfinite(weight) & (weight > 0)).all():
        raise DataError(f"weights {result.weights!r} must be positive finite numbers")
    seen = data[design.response].notna().to_numpy()
    y = np.full(len(data), np.nan)
    if seen.any():
        outcomes = data.loc[seen, [design.response]].reset_index(drop=True)
        y[seen] = np.asarray(design.response_spec.get_model_matrix(outcomes, context={"np": np}), dtype=float).ravel()
    place, sigma = _covariance(result, data, who)
    given = given_observed(_known_rows(design, data, given=True), y, who, place, sigma, weight)
    table = _table(infer, given.lines, given.offset, level)
    return table.assign(std_error_pred=np.sqrt(table["std_error"] ** 2 + np.maximum(given.variance, 0.0))).set_index(data.index)


def _known_rows(design: Design, data: pd.DataFrame, *, given: bool = False) -> Array:
    """Rows over the estimated coefficients; NaN, and a warning, for what cannot be predicted."""
    everything, missing = model_rows(design, data)
    gone = np.isnan(everything).any(axis=1)
    lost = ~gone & ~design.estimable(np.where(gone[:, None], 0.0, everything))
    told = [f"{int(gone.sum())} of {len(data)} rows are without covariates (missing {missing})"] if gone.any() else []
    if lost.any():
        told.append(f"the mean of {int(lost.sum())} of {len(data)} rows is not estimable ({', '.join(design.dropped)} dropped)")
    if told:
        theirs = (
            "their prediction is NaN" if not given else "their missing outcomes are not predicted, their observed ones not conditioned on"
        )
        warnings.warn("; ".join([*told, theirs]), stacklevel=4)
    rows = everything[:, design.kept]
    rows[lost] = np.nan
    return rows


def _covariance(result: MMRMResult, data: pd.DataFrame, who: Array) -> tuple[Array, Callable[[Array], Array]]:
    """Codes of the visits of each row, and the covariance of visits so coded: those of the fit, or the times of `data`."""
    fit, base = result.fit, result.fit.working.structure
    if base.timed:
        moments, place = np.unique(times(data[result.visit])[0], return_inverse=True)
        base, n_visits = structure(fit.covariance, moments), moments.size
        if fit.groups is not None:
            base = by_group(base, tuple(map(str, fit.groups)), n_visits)
    else:
        place, n_visits = _codes(data[result.visit], fit.visits), len(fit.visits)
    if fit.groups is not None:
        own = _codes(data[result.group].astype(str), fit.groups)
        torn = data.loc[pd.Series(own).groupby(who).transform("nunique").to_numpy() > 1, result.subject].unique()
        if len(torn):
            raise DataError(f"a subject may be in one covariance group only; in several: {', '.join(map(str, torn[:10]))}")
        place = place + n_visits * own
    return place, lambda visits: base.sigma(fit.theta, visits)


def _codes(column: pd.Series, levels: Array) -> Array:
    codes = pd.Index(levels).get_indexer(column.astype(object))
    if (codes < 0).any():
        strangers = ", ".join(map(str, column[codes < 0].unique()))
        raise DataError(f"{column.name} has levels unknown to the fit: {strangers}; levels: {', '.join(map(str, levels))}")
    return codes


def _table(infer: Infer, lines: Array, offset: Array, level: float) -> pd.DataFrame:
    """offset + lines·β̂ with standard errors, df and limits; NaN where lines are, and without error where they are zero."""
    certain = (lines == 0.0).all(axis=1)
    columns = {name: np.full(len(lines), np.nan) for name in ("estimate", "std_error", "df", "conf_low", "conf_high")}
    for name in ("estimate", "std_error", "conf_low", "conf_high"):
        columns[name][certain] = 0.0
    uncertain = np.flatnonzero(~certain & ~np.isnan(lines).any(axis=1))
    for first in range(0, uncertain.size, CHUNK):
        some = uncertain[first : first + CHUNK]
        found = inference_columns(infer(lines[some]), level)
        for name, values in columns.items():
            values[some] = found[name]
    for name in ("estimate", "conf_low", "conf_high"):
        columns[name] += offset
    return pd.DataFrame(columns)
