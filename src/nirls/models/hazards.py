"""Hazard ratios: Cox's model by statsmodels, and the discrete-time model of events that are seen at visits only.

References
----------
.. [1] Cox DR. Regression models and life-tables. J R Stat Soc B 1972;34:187–220.
.. [2] Prentice RL, Gloeckler LA. Regression analysis of grouped survival data. Biometrics 1978;34:57–67.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from nirls.errors import NotEstimableError

Array = np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Hazards:
    """A log hazard ratio, group 1 against group 0.

    Attributes
    ----------
    log_ratio, std_error : float
    """

    log_ratio: float
    std_error: float

    def ci(self, level: float = 0.95) -> tuple[float, float]:
        """Wald limits of the hazard ratio."""
        from scipy.special import ndtri

        z = float(ndtri(0.5 + level / 2))
        return float(np.exp(self.log_ratio - z * self.std_error)), float(np.exp(self.log_ratio + z * self.std_error))

    @property
    def p_value(self) -> float:
        """Wald, two-sided."""
        from scipy.special import ndtr

        return float(2 * ndtr(-abs(self.log_ratio / self.std_error)))


def _both_have_events(event: Array, treated: Array) -> None:
    counts = event[treated == 0].sum(), event[treated == 1].sum()
    if not all(counts):
        raise NotEstimableError(
            "no event in either arm" if not any(counts) else "no event in one of the arms: the hazard ratio is 0 or infinite"
        )


def cox(time: Array, event: Array, treated: Array, strata: Array | None = None, *, ties: Literal["efron", "breslow"] = "efron") -> Hazards:
    """Cox's model [1]_ with one covariate, the group.

    Parameters
    ----------
    time, event, treated : (n,) array
        `treated` is 0 or 1.
    strata : (n,) array, optional
        Strata with a baseline hazard of their own.

    Raises
    ------
    NotEstimableError
        A group has no event, or no stratum has both groups at risk at an event.
    """
    from statsmodels.duration.hazard_regression import PHReg

    t, e, x = np.asarray(time, float), np.asarray(event, float), np.asarray(treated, float)
    _both_have_events(e, x)
    codes = None if strata is None else np.unique(np.asarray(strata), return_inverse=True)[1]
    model = PHReg(t, x[:, None], status=e, strata=codes, ties=ties)
    fit = model.fit(method="newton", maxiter=100, tol=1e-12, disp=False)
    beta = fit.params
    for _ in range(5):  # Newton steps on its own score and Hessian: the optimiser stops early
        score, hessian = model.score(beta), model.hessian(beta)
        beta = beta - np.linalg.solve(np.atleast_2d(hessian), np.atleast_1d(score))
    information = -float(np.atleast_2d(model.hessian(beta))[0, 0])
    if not np.isfinite(beta[0]) or not information > 0:
        raise NotEstimableError("no stratum has subjects of both arms at risk at an event")
    return Hazards(log_ratio=float(beta[0]), std_error=information**-0.5)


def discrete(period: Array, event: Array, treated: Array) -> Hazards:
    """Proportional hazards for events that lie between visits: binomial regression with complementary log-log link [2]_.

    Parameters
    ----------
    period : (n,) array of int
        Number of the visit at which the event was seen, or of the last visit without it; 0 contributes nothing.
    event, treated : (n,) array
        0 or 1.

    Raises
    ------
    NotEstimableError
        A group has no event.
    """
    import statsmodels.api as sm

    k, e, x = np.asarray(period, int), np.asarray(event, float), np.asarray(treated, float)
    _both_have_events(e * (k > 0), x)
    who = np.repeat(np.arange(k.size), k)
    visit = np.arange(who.size) - np.repeat(np.cumsum(k) - k, k) + 1
    y = ((visit == k[who]) & (e[who] == 1)).astype(float)
    seen = np.unique(visit[y == 1])  # a visit at which nobody has the event has hazard 0 and says nothing of the ratio
    kept = np.isin(visit, seen)
    design = np.column_stack([x[who[kept]], visit[kept][:, None] == seen[None, :]]).astype(float)
    fit = sm.GLM(y[kept], design, family=sm.families.Binomial(link=sm.families.links.CLogLog())).fit(tol=1e-12, maxiter=100)
    return Hazards(log_ratio=float(fit.params[0]), std_error=float(fit.bse[0]))
