"""Marginal structural model: the effect of a treatment history, subjects weighted by the inverse of its probability.

For subject i with treatment A at times 0 … t, baseline V and time-varying covariates L, the stabilized weight is

    sw_i = Π_s P(A_is | A history, V) / P(A_is | A history, V, L history),

both by pooled logistic regression. Weighted, the time-varying covariates no longer predict treatment, and a regression of the outcome
on the history estimates its effect, if no other cause of treatment and outcome exists, every history has a chance (positivity), and the
models are right. This is an observational analysis inside a trial.

Reference: Robins JM, Hernán MA, Brumback B. Marginal structural models and causal inference in epidemiology. Epidemiology 2000;11:550–560;
Cole SR, Hernán MA. Constructing inverse probability weights for marginal structural models. Am J Epidemiol 2008;168:656–664.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from nirls.errors import DataError
from nirls.models.design import build_design
from nirls.models.logistic import logistic

TRUNCATED = (0.01, 0.99)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Stabilized weights of n subjects.

    Attributes
    ----------
    weight : Series
        By subject, truncated.
    mean, largest : float
        Before truncation; a mean far from 1 says that the models are wrong or that some histories have hardly a chance.
    truncated : int
        Subjects whose weight was set to a quantile.
    effective_size : float
        (Σw)²/Σw².
    least_probability : float
        The smallest probability of a treatment that was taken, given everything.
    """

    weight: pd.Series
    mean: float
    largest: float
    truncated: int
    effective_size: float
    least_probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightedEffect:
    """A coefficient of the weighted regression, with the sandwich standard error that takes the weights for known (conservative)."""

    estimate: float
    std_error: float
    n: int

    def ci(self, level: float = 0.95) -> tuple[float, float]:
        """Normal limits."""
        half = stats.norm.ppf((1 + level) / 2) * self.std_error
        return self.estimate - half, self.estimate + half

    @property
    def p_value(self) -> float:
        """Two-sided, normal."""
        return float(2 * stats.norm.sf(abs(self.estimate / self.std_error)))


def stabilized_weights(
    frame: pd.DataFrame, *, treatment: str, subject: str, time: str, numerator: str, denominator: str,
    truncate: tuple[float, float] = TRUNCATED,
) -> Weights:  # fmt: skip
    """Weights from one row per subject and time.

    Parameters
    ----------
    frame : DataFrame
    treatment : str
        0 or 1.
    subject, time : str
    numerator, denominator : str
        Right-hand sides of the two logistic regressions.
    truncate : (float, float)
        Quantiles beyond which weights are set to the quantile.

    Raises
    ------
    DataError
        A covariate is missing, or two rows have the same subject and time.
    """
    again = frame[frame.duplicated([subject, time])]
    if len(again):
        shown = ", ".join(f"{s} at {t}" for s, t in again[[subject, time]].head(5).itertuples(index=False))
        raise DataError(f"a subject may have one row at a time; more than one for: {shown}")
    log_ratio, least = np.zeros(len(frame)), np.nan
    for side, sign in ((numerator, 1.0), (denominator, -1.0)):
        fit = logistic(f"{treatment} ~ {side}", frame)
        if len(fit.design.frame) < len(frame):
            raise DataError(f"{len(frame) - len(fit.design.frame)} rows lack {treatment} or a covariate of {side!r}")
        chance = 1.0 / (1.0 + np.exp(-(fit.design.matrix @ fit.beta)))
        taken = np.where(fit.design.y == 1, chance, 1 - chance)
        log_ratio += sign * np.log(taken)
        least = taken.min()
    raw = pd.Series(np.exp(pd.Series(log_ratio).groupby(frame[subject].to_numpy()).sum()))
    low, high = raw.quantile(list(truncate))
    weight = raw.clip(low, high)
    return Weights(
        weight=weight,
        mean=float(raw.mean()),
        largest=float(raw.max()),
        truncated=int((raw != weight).sum()),
        effective_size=float(weight.sum() ** 2 / (weight**2).sum()),
        least_probability=float(least),
    )


def weighted_effect(formula: str, frame: pd.DataFrame, *, weight: str, term: str) -> WeightedEffect:
    """Least squares with weights and the sandwich of White (HC0), as GEE with independence gives it for one row per subject.

    Parameters
    ----------
    formula : str
    frame : DataFrame
        One row per subject.
    weight, term : str
        Column of weights; name of the coefficient.
    """
    import statsmodels.api as sm

    design = build_design(formula, frame, carry=[weight])
    fit = sm.WLS(design.y, design.matrix, weights=design.frame[weight].to_numpy(dtype=float)).fit(cov_type="HC0")
    j = list(design.columns).index(term)
    return WeightedEffect(estimate=float(fit.params[j]), std_error=float(fit.bse[j]), n=len(design.frame))
