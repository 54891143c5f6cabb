"""Test of proportional hazards by the correlation of Schoenfeld residuals with time.

The score test of a coefficient β + θ g(t), as R survival has it since version 3.0.

Grambsch PM, Therneau TM. Proportional hazards tests and diagnostics based on weighted residuals. Biometrika 1994;81:515–526.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from nirls.stats.survival.kaplan_meier import checked, kaplan_meier


@dataclass(frozen=True, slots=True, kw_only=True)
class ProportionalHazards:
    """The test.

    Attributes
    ----------
    statistic : float
        χ² on `df` degrees of freedom.
    df : int
    """

    statistic: float
    df: int

    @property
    def p_value(self) -> float:
        """Of no trend of the log hazard ratio in time."""
        return float(stats.chi2.sf(self.statistic, self.df))


def proportional_hazards(
    time: ArrayLike,
    event: ArrayLike,
    covariates: ArrayLike,
    beta: ArrayLike,
    strata: ArrayLike | None = None,
    *,
    transform: Literal["km", "identity"] = "km",
    ties: Literal["efron", "breslow"] = "efron",
) -> ProportionalHazards:
    """Test a fitted Cox model.

    Parameters
    ----------
    time, event : (n,) array
    covariates : (n, p) array
    beta : (p,) array
        Coefficients at the maximum of the partial likelihood with the same `ties` and `strata`.
    strata : (n,) array, optional
    transform : {"km", "identity"}
        g(t): 1 less the Kaplan–Meier estimate of all just before t, or t.
    ties : {"efron", "breslow"}
    """
    t, e = checked(time, event)
    x, b = np.asarray(covariates, dtype=float).reshape(t.size, -1), np.atleast_1d(np.asarray(beta, dtype=float))
    s = np.zeros(t.size, dtype=int) if strata is None else np.unique(np.asarray(strata), return_inverse=True)[1]
    p, weight = x.shape[1], np.exp(x @ b)
    overall = kaplan_meier(t, e)

    def g(when: float) -> float:
        if transform == "identity":
            return when
        place = int(np.searchsorted(overall.time, when, side="left"))
        return 1.0 - (float(overall.survival[place - 1]) if place else 1.0)

    # centred, so that the information of θ is not lost in that of β
    centre = float(np.mean([g(v) for v in t[e == 1]]))
    score, information = np.zeros(2 * p), np.zeros((2 * p, 2 * p))
    for stratum in range(s.max() + 1):
        own = s == stratum
        for when in np.unique(t[own & (e == 1)]):
            risk, dead = own & (t >= when), own & (t == when) & (e == 1)
            d = int(dead.sum())
            at = g(float(when)) - centre
            for step in range(d):
                share = step / d if ties == "efron" else 0.0
                w = weight * (risk - share * dead)
                total = w.sum()
                mean = w @ x / total
                v = (x * w[:, None]).T @ x / total - np.outer(mean, mean)
                residual = x[dead].mean(axis=0) - mean
                score += np.concatenate([residual, at * residual])
                information += np.block([[v, at * v], [at * v, at * at * v]])
    lead, cross, own_part = information[:p, :p], information[:p, p:], information[p:, p:]
    u = score[p:] - cross.T @ np.linalg.solve(lead, score[:p])
    remaining = own_part - cross.T @ np.linalg.solve(lead, cross)
    if np.linalg.matrix_rank(remaining) < p:
        return ProportionalHazards(statistic=float("nan"), df=p)
    return ProportionalHazards(statistic=float(u @ np.linalg.solve(remaining, u)), df=p)
