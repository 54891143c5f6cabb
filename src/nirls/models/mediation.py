"""Mediation by formula: the models of mediators and outcome of one frame, each mediator alone and all together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nirls.errors import DataError, NotEstimableError
from nirls.models.design import build_design
from nirls.stats.inverse_probability import inverse_probability
from nirls.stats.mediation import Mediation
from nirls.stats.mediation import mediation as estimate

CONSTANT = "ONE_"


@dataclass(frozen=True, slots=True, kw_only=True)
class MediationResult:
    """Mediation in one frame.

    Attributes
    ----------
    alone : dict of str to Mediation
        Mediator → what goes through it and past it when it is the only one in the model. These do not add up.
    joint : Mediation or None
        All mediators together; none with one mediator.
    effective_size : float or None
        (Σw)² / Σw² of the weights; none without weights.
    given : tuple of arrays
        Outcome (n,), mediators (n, k), treatment (n,) and covariates (n, p) of the subjects analysed.
    """

    alone: dict[str, Mediation]
    joint: Mediation | None
    effective_size: float | None
    given: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def mediation(
    frame: pd.DataFrame,
    *,
    outcome: str,
    mediators: Sequence[str],
    treatment: str,
    reference: str,
    covariates: Sequence[str],
    weighted_by: Sequence[str] | None = None,
    interaction: bool = True,
    draws: int = 5000,
    seed: int | Sequence[int] = 0,
    rho: Sequence[float] = (),
    level: float = 0.95,
) -> MediationResult:
    """Estimate what of the effect of a treatment goes through mediators; see :mod:`nirls.stats.mediation`.

    Parameters
    ----------
    frame : DataFrame
        One row per subject; the covariates are complete, and outcome and mediators too unless they are weighted.
    outcome, mediators, treatment : str, list of str, str
        Numbers, numbers, and the treatment, of which every value but `reference` counts as treated.
    covariates : list of str
        Of the time before treatment, for both models; text and Categoricals are factors.
    weighted_by : list of str, optional
        Weight complete subjects by the inverse of the probability of being complete, which depends on treatment and these variables.
    interaction : bool
        Treatment and mediators interact in the model of the outcome.
    draws : int
        Bootstrap samples of subjects; the same for every set of mediators.
    seed : int or list of int
        Seed of :func:`numpy.random.default_rng`.
    rho : list of float
        Correlations of the errors at which the indirect effect is given.
    level : float

    Raises
    ------
    DataError, MethodError, NotEstimableError
        The models cannot be fitted; the message says why.
    """
    values = frame[[outcome, *mediators]].to_numpy(dtype=float)
    seen = np.isfinite(values).all(axis=1)
    if weighted_by is None:
        frame, values, seen = frame[seen], values[seen], seen[seen]
    if not seen.any():
        raise NotEstimableError("no subject has the outcome and all mediators")
    n = len(frame)
    t = (frame[treatment].astype("str") != reference).to_numpy(dtype=float)
    x = _columns(frame[seen], covariates)
    counts = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=draws).astype(float)
    weights, more, size = counts, {}, None
    if weighted_by is not None:
        z = np.column_stack([np.ones(n), t, _columns(frame, weighted_by)])
        base = inverse_probability(seen, z, np.ones((1, n)))[0, seen]
        if np.isnan(base).any():
            raise NotEstimableError(
                f"the probability of being complete cannot be fitted on {', '.join([treatment, *weighted_by])}: 0 or 1 for some subjects"
            )
        weights = inverse_probability(seen, z, counts)[:, seen]
        more = {"base": base, "without_one": inverse_probability(seen, z, 1 - np.eye(n))[:, seen]}
        size = float(base.sum() ** 2 / (base**2).sum())
    y, m, grid = values[seen, 0], values[seen, 1:], np.asarray(rho, dtype=float)

    def of(columns: list[int]) -> Mediation:
        return estimate(y, m[:, columns], t[seen], x, weights, interaction=interaction, rho=grid, level=level, **more)

    alone = {name: of([j]) for j, name in enumerate(mediators)}
    joint = of(list(range(len(mediators)))) if len(mediators) > 1 else None
    return MediationResult(alone=alone, joint=joint, effective_size=size, given=(y, m, t[seen], x))


def _columns(frame: pd.DataFrame, variables: Sequence[str]) -> np.ndarray:
    """Columns of the design of variables without the constant."""
    if not variables:
        return np.empty((len(frame), 0))
    design = build_design(f"{CONSTANT} ~ {' + '.join(variables)}", frame.assign(**{CONSTANT: 1.0}))
    if len(design.rows) != len(frame):
        raise DataError(f"{len(frame) - len(design.rows)} subjects lack one of {', '.join(variables)}")
    return np.delete(design.matrix, design.columns.index("Intercept"), axis=1)
