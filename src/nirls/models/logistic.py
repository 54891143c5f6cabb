"""Logistic regression by formula: the generalised linear model of statsmodels, and Firth's penalty where that has no estimates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from nirls.errors import ConvergenceError, MethodError
from nirls.models.design import Design, build_design
from nirls.models.terms import estimable_part, hypothesis
from nirls.stats.contrasts import Contrasts
from nirls.stats.logistic.firth import Firth, firth
from nirls.stats.logistic.separation import separated
from nirls.stats.logistic.standardised import StandardisedDifference, standardise_ge, standardise_ye

Variance = Literal["ge", "ge_hc0", "ye"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogisticResult:
    """A fitted logistic regression.

    Attributes
    ----------
    formula : str
    design : Design
    beta : (p,) array
        Log odds ratios: of maximum likelihood, or of Firth's penalised likelihood when the data are separated.
    cov, cov_hc0 : (p, p) arrays
        Model-based and heteroscedasticity-consistent (HC0) covariance; under separation both are that of the penalised fit.
    loglike : float
        Log likelihood, penalised under separation.
    penalised : Firth or None
        The penalised fit; none when the maximum likelihood estimates exist.
    """

    formula: str
    design: Design
    beta: np.ndarray
    cov: np.ndarray
    cov_hc0: np.ndarray
    loglike: float
    penalised: Firth | None

    @property
    def params(self) -> pd.Series:
        """Log odds ratios."""
        return pd.Series(self.beta, index=list(self.design.columns), name="estimate")

    @property
    def bse(self) -> pd.Series:
        """Model-based standard errors."""
        return pd.Series(np.sqrt(np.diagonal(self.cov)), index=list(self.design.columns), name="std_error")

    def odds_ratio(self, factor: str, level: float = 0.95) -> dict[str, float]:
        """Odds ratio of the second level of a two-level factor against the first.

        Returns
        -------
        dict
            estimate, conf_low, conf_high, p_value: Wald; under separation profile limits and test of the penalised likelihood.
        """
        self._levels(factor)
        (row,), _ = estimable_part(self.design, hypothesis(self.design, factor))
        j = int(np.flatnonzero(row)[0])
        if self.penalised is not None:
            low, high = self.penalised.ci(j, level)
            p = self.penalised.p_value(j)
        else:
            wald = Contrasts(estimate=self.beta[[j]], std_error=np.sqrt(self.cov[[j], [j]]), df=np.array([np.inf]))
            (low,), (high,) = wald.ci(level)
            p = float(wald.p_value[0])
        return {"estimate": float(np.exp(self.beta[j])), "conf_low": float(np.exp(low)), "conf_high": float(np.exp(high)), "p_value": p}

    def standardised_difference(self, factor: str, variance: Variance = "ge") -> StandardisedDifference:
        """Mean predicted risk at the second level of `factor` minus that at the first, over all analysed subjects.

        Raises
        ------
        MethodError
            Under separation, where the predicted risks rest on the penalty.
        """
        if self.penalised is not None:
            raise MethodError("the data are separated: no maximum likelihood estimates to standardise")
        first, second = self._levels(factor)
        x2, x1 = (self._at(factor, value) for value in (first, second))
        if variance == "ye":
            treated = (self.design.frame[factor] == second).to_numpy()
            return standardise_ye(self.beta, self.design.y, treated, x1, x2)
        return standardise_ge(self.beta, self.cov if variance == "ge" else self.cov_hc0, x1, x2)

    def _levels(self, factor: str) -> tuple[Any, ...]:
        levels = self.design.factors.get(factor, ())
        if len(levels) != 2:
            raise MethodError(f"{factor!r} must be a factor of two levels in {self.formula!r}, not {list(levels)}")
        return levels

    def _at(self, factor: str, value: Any) -> np.ndarray:
        frame = self.design.frame
        there = pd.Categorical([value] * len(frame), categories=list(self.design.factors[factor]))
        rows = self.design.spec.get_model_matrix(frame.assign(**{factor: there}), context={"np": np})
        return np.asarray(rows, dtype=float)[:, self.design.kept]


def logistic(formula: str, data: pd.DataFrame) -> LogisticResult:
    """Fit a logistic regression; when the data are separated (linear programming), with Firth's penalty.

    Parameters
    ----------
    formula : str
        For example ``"RESP ~ TRT + BASE + STRATUM"``; the response is 0 or 1.
    data : DataFrame
        One row per subject.

    Raises
    ------
    DataError, MethodError, NotEstimableError
        The model cannot be fitted as specified; the message says why.
    """
    from statsmodels.genmod.families import Binomial
    from statsmodels.genmod.generalized_linear_model import GLM

    design = build_design(formula, data)
    y, x = design.y, design.matrix
    if not np.isin(y, (0.0, 1.0)).all():
        raise MethodError(f"the response {design.response!r} must be 0 or 1")
    if y.min() == y.max():
        raise MethodError(f"the response {design.response!r} is {y[0]:g} for every subject")
    if separated(y, x):
        penalised = firth(y, x)
        return LogisticResult(
            formula=formula, design=design, beta=penalised.beta, cov=penalised.cov, cov_hc0=penalised.cov, loglike=penalised.loglike,
            penalised=penalised,
        )  # fmt: skip
    length = np.sqrt((x**2).sum(axis=0))  # columns of length one: a badly scaled covariate loses no digits
    # Newton steps converge quadratically: the one after a change of 1e-8 is exact to rounding
    fit = GLM(y, x / length, family=Binomial()).fit(tol=1e-8, tol_criterion="params", maxiter=200)
    if not fit.converged:
        raise ConvergenceError(f"the logistic regression {formula!r} did not converge")
    scale = np.outer(length, length)
    mu = np.asarray(fit.fittedvalues)
    bread = np.asarray(fit.normalized_cov_params)
    score = (x / length) * (y - mu)[:, None]
    return LogisticResult(
        formula=formula,
        design=design,
        beta=np.asarray(fit.params) / length,
        cov=bread / scale,
        cov_hc0=bread @ (score.T @ score) @ bread / scale,
        loglike=float(fit.llf),
        penalised=None,
    )
