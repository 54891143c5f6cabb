"""Mediation by formula: the models of mediators and outcome of one frame, each mediator alone and all together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nirls.models.design import build_design
from nirls.stats.mediation import Mediation
from nirls.stats.mediation import mediation as estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class MediationResult:
    """Mediation in one frame.

    Attributes
    ----------
    formulas : dict of str to str
        "mediator" and "outcome": the two models in words of the frame, for the mediators one by one.
    alone : dict of str to Mediation
        Mediator → what goes through it and past it when it is the only one in the model. These do not add up.
    joint : Mediation or None
        All mediators together; none with one mediator.
    """

    formulas: dict[str, str]
    alone: dict[str, Mediation]
    joint: Mediation | None


def mediation(
    frame: pd.DataFrame,
    *,
    outcome: str,
    mediators: Sequence[str],
    treatment: str,
    reference: str,
    covariates: Sequence[str],
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
        One complete row per subject.
    outcome, mediators, treatment : str, list of str, str
        Numbers, numbers, and the treatment, of which every value but `reference` counts as treated.
    covariates : list of str
        Of the time before treatment, for both models; text and Categoricals are factors.
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
    design = build_design(f"{outcome} ~ {' + '.join(covariates) or '1'}", frame, carry=[*mediators, treatment])
    used = design.frame
    constant = design.columns.index("Intercept")
    x = np.delete(design.matrix, constant, axis=1)
    t = (used[treatment].astype("str") != reference).to_numpy(dtype=float)
    m = used[list(mediators)].to_numpy(dtype=float)
    n = len(used)
    weights = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=draws).astype(float)

    def of(columns: list[int]) -> Mediation:
        return estimate(design.y, m[:, columns], t, x, weights, interaction=interaction, rho=np.asarray(rho, dtype=float), level=level)

    alone = {name: of([j]) for j, name in enumerate(mediators)}
    joint = of(list(range(len(mediators)))) if len(mediators) > 1 else None
    terms = " + ".join([treatment, *covariates])
    first = " + ".join([treatment, "M", *([f"{treatment} × M"] if interaction else []), *covariates])
    return MediationResult(formulas={"mediator": f"M ~ {terms}", "outcome": f"{outcome} ~ {first}"}, alone=alone, joint=joint)
