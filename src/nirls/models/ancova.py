"""Analysis of covariance of one visit, by formula (ordinary least squares of statsmodels)."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from nirls.errors import MethodError
from nirls.models import terms
from nirls.models.design import Design, RankDeficient, build_design
from nirls.models.reference_grid import Margins, contrasts_table, inference_columns, lsmeans_table
from nirls.stats.contrasts import Contrasts, FTest, independent_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class ANCOVAResult:
    """A fitted analysis of covariance.

    Attributes
    ----------
    formula : str
    design : Design
        Analysed rows, columns, levels, and what was left out.
    beta, beta_cov : (p,), (p, p) arrays
        Coefficients and their covariance, model-based or HC3.
    df : float
        Residual degrees of freedom n − p, used for every test.
    sigma : float
        Residual SD.
    r_squared, loglike, aic, bic : float
        As statsmodels counts them (coefficients only).
    hc3 : bool
        Whether `beta_cov` is the heteroscedasticity-consistent HC3 estimator.
    """

    formula: str
    design: Design
    beta: np.ndarray
    beta_cov: np.ndarray
    df: float
    sigma: float
    r_squared: float
    loglike: float
    aic: float
    bic: float
    hc3: bool

    @property
    def params(self) -> pd.Series:
        """Coefficients."""
        return pd.Series(self.beta, index=list(self.design.columns), name="estimate")

    @property
    def bse(self) -> pd.Series:
        """Standard errors of the coefficients."""
        return pd.Series(np.sqrt(np.diagonal(self.beta_cov)), index=list(self.design.columns), name="std_error")

    def cov_params(self) -> pd.DataFrame:
        """Covariance of the coefficients."""
        names = list(self.design.columns)
        return pd.DataFrame(self.beta_cov, index=names, columns=names)

    def _infer(self, rows: np.ndarray) -> Contrasts:
        std_error = np.sqrt(np.einsum("mp,pq,mq->m", rows, self.beta_cov, rows))
        return Contrasts(estimate=rows @ self.beta, std_error=std_error, df=np.full(len(rows), float(self.df)))

    def lsmeans(
        self, factor: str, by: str | Sequence[str] | None = None, *, margins: Margins = "equal", level: float = 0.95
    ) -> pd.DataFrame:
        """LS means of `factor` (within each level of `by`), averaged over the other factors; see :func:`lsmeans_table`."""
        return lsmeans_table(self.design, self._infer, factor, by, margins, level)

    def contrasts(
        self, factor: str, by: str | Sequence[str] | None = None, *, reference: Any = None, margins: Margins = "equal", level: float = 0.95
    ) -> pd.DataFrame:
        """Differences of LS means from `reference` (default: first level); see :func:`contrasts_table`."""
        return contrasts_table(self.design, self._infer, factor, by, reference, margins, level)

    def test(self, hypothesis: str | np.ndarray) -> FTest | Contrasts:
        """F test of the Type III hypothesis of a term ("TRT"), as in :meth:`anova`, or of the rows of a matrix L over :attr:`params`; of
        a single row l the t test, with estimate, standard error and limits of lβ."""
        if isinstance(hypothesis, str):
            return terms.test_term(self.design, self._f_test, hypothesis)
        rows = np.atleast_2d(np.asarray(hypothesis, dtype=float))
        return self._infer(rows) if len(rows) == 1 else self._f_test(rows)

    def anova(self) -> pd.DataFrame:
        """Type III F tests of all terms, in the order of the formula; see :func:`nirls.models.terms.anova_table`."""
        return terms.anova_table(self.design, self._f_test)

    def _f_test(self, rows: np.ndarray) -> FTest:
        rows = independent_rows(rows)
        estimate = rows @ self.beta
        statistic = float(estimate @ np.linalg.solve(rows @ self.beta_cov @ rows.T, estimate)) / len(rows)
        return FTest(statistic=statistic, num_df=len(rows), den_df=float(self.df))

    def dose_trend(self, factor: str, doses: Mapping[Any, float]) -> Contrasts:
        """Slope per unit of dose when the numeric dose takes the place of `factor` in the model.

        Parameters
        ----------
        factor : str
            Treatment factor.
        doses : mapping
            Level of `factor` → dose; a level without a dose, or fewer than two doses, is an error.

        Returns
        -------
        Contrasts
            One row: the coefficient of dose, on the same analysed rows.
        """
        levels = self.design.factors.get(factor)
        if levels is None:
            raise MethodError(f"{factor!r} is not a factor of {self.formula!r}; factors: {', '.join(self.design.factors)}")
        without = [str(v) for v in levels if doses.get(v) is None]
        if without:
            raise MethodError(f"dose trend: no numeric dose for {', '.join(without)}")
        if len({float(doses[v]) for v in levels}) < 2:
            raise MethodError("dose trend: the arms analysed have only one dose")
        name = f"{factor}_dose"
        response, terms = self.formula.split("~", 1)
        pattern = rf"(?<!\w){re.escape(factor)}(?!\w)"
        formula = f"{response}~{re.sub(pattern, name, terms)}"
        frame = self.design.frame.assign(**{name: self.design.frame[factor].astype(object).map(doses).astype(float)})
        fit = ancova(formula, frame, hc3=self.hc3)
        return fit._infer((np.array(fit.design.columns) == name)[None, :].astype(float))

    def coefficients(self, *, level: float = 0.95) -> pd.DataFrame:
        """Coefficient table: estimate, std_error, df, statistic, p_value, conf_low, conf_high."""
        result = self._infer(np.eye(self.beta.size))
        return pd.DataFrame(inference_columns(result, level), index=list(self.design.columns))

    def summary(self) -> str:
        """The model, its fit and its coefficients as text."""
        lines = [
            f"Analysis of covariance: {self.formula}",
            f"{len(self.design.frame)} observations, residual df {self.df:g}, residual SD {self.sigma:.6g}, "
            f"R squared {self.r_squared:.4f}, variance {'HC3' if self.hc3 else 'model-based'}",
            f"Left out: {self.design.n_missing_outcome} rows without outcome, "
            f"{self.design.n_missing_covariates} rows with a missing covariate {self.design.missing_covariates or ''}".rstrip(),
        ]
        if self.design.dropped:
            lines.append(f"Not estimable, dropped: {', '.join(self.design.dropped)}")
        return "\n".join([*lines, "", self.coefficients().to_string(float_format=lambda v: f"{v:.6g}")])


def ancova(formula: str, data: pd.DataFrame, *, hc3: bool = False, rank_deficient: RankDeficient = "error") -> ANCOVAResult:
    """Fit an analysis of covariance.

    Parameters
    ----------
    formula : str
        For example ``"CHG ~ TRT + SITEGR1 + BASE"``.
    data : DataFrame
        One row per subject. Text and categorical columns are factors: a Categorical keeps its declared order, others are
        sorted; the first level is the reference.
    hc3 : bool
        Heteroscedasticity-consistent covariance HC3 (MacKinnon & White 1985) instead of the model-based one; t tests keep n − p df.
    rank_deficient : {"error", "drop"}
        Refuse a design with linearly dependent columns (they are named), or leave them out; what then is not estimable is NaN.

    Raises
    ------
    DataError, MethodError, NotEstimableError
        The model cannot be fitted as specified; the message says why.

    Warns
    -----
    UserWarning
        If rows with an observed outcome are left out for a missing covariate.
    """
    from statsmodels.regression.linear_model import OLS

    design = build_design(formula, data, rank_deficient=rank_deficient)
    if design.n_missing_covariates:
        warnings.warn(
            f"{design.n_missing_covariates} rows with an observed {design.response} are not analysed: missing {design.missing_covariates}",
            stacklevel=2,
        )
    n, p = design.matrix.shape
    if n <= p:
        raise MethodError(f"{n} observations for {p} coefficients leave no residual degrees of freedom")
    if float(np.ptp(design.y)) == 0.0:
        raise MethodError(f"the outcome {design.response!r} is constant: there is no variance to model")
    # columns of length one: the pseudo-inverse of statsmodels would otherwise lose a badly scaled covariate
    length = np.sqrt((design.matrix**2).sum(axis=0))
    fit = OLS(design.y, design.matrix / length).fit(cov_type="HC3" if hc3 else "nonrobust", use_t=True)
    return ANCOVAResult(
        formula=formula,
        design=design,
        beta=np.asarray(fit.params) / length,
        beta_cov=np.asarray(fit.cov_params()) / np.outer(length, length),
        df=float(fit.df_resid),
        sigma=float(np.sqrt(fit.mse_resid)),
        r_squared=float(fit.rsquared),
        loglike=float(fit.llf),
        aic=float(fit.aic),
        bic=float(fit.bic),
        hc3=hc3,
    )
