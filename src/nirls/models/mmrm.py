"""``nirls.mmrm``: the mixed model for repeated measures by formula."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from nirls.errors import DataError
from nirls.models import predictions, residuals, terms
from nirls.models.design import Design, RankDeficient, build_design
from nirls.models.mmrm_summary import summary_text
from nirls.models.occasions import subject_codes, times, visits
from nirls.models.reference_grid import Infer, Margins, contrasts_table, inference_columns, lsmeans_table
from nirls.models.threads import one_thread
from nirls.stats.contrasts import Contrasts, FTest
from nirls.stats.mmrm import Inference, MMRMFit, fit_mmrm, inference
from nirls.stats.mmrm.covariance import is_timed
from nirls.stats.mmrm.degrees import Ddf, Information, Vcov


@dataclass(frozen=True, slots=True, kw_only=True)
class MMRMResult:
    """A fitted MMRM with names.

    Attributes
    ----------
    formula, subject, visit : str
    fit : MMRMFit
        The numbers: coefficients, Σ, criteria, convergence record.
    design : Design
        Analysed rows, columns, levels, and what was left out.
    ddf : str
        Small-sample method used unless another is asked for.
    n_subjects_without_outcome, n_subjects_without_covariates : int
        Subjects of the data who contribute nothing: no observed outcome at all; an outcome, but covariates missing wherever it
        is observed.
    group : str or None
        Column whose levels have covariance parameters of their own.
    vcov : str or None
        Covariance of the coefficients used unless another is asked for; none: that of `ddf`.
    information : str
        Information on the covariance parameters that Kenward–Roger and Satterthwaite use.
    weights : str or None
        Column of weights.
    """

    formula: str
    subject: str
    visit: str
    fit: MMRMFit
    design: Design
    ddf: Ddf
    n_subjects_without_outcome: int
    n_subjects_without_covariates: int
    group: str | None = None
    vcov: Vcov | None = None
    information: Information = "observed"
    weights: str | None = None
    _inferences: dict[tuple[str, str | None], Inference] = field(default_factory=dict, repr=False, compare=False)

    @property
    def params(self) -> pd.Series:
        """Coefficients."""
        return pd.Series(self.fit.beta, index=list(self.design.columns), name="estimate")

    @property
    def bse(self) -> pd.Series:
        """Standard errors of the coefficients, by the method of `ddf`."""
        return pd.Series(np.sqrt(np.diagonal(self.cov_params())), index=list(self.design.columns), name="std_error")

    def cov_params(self, ddf: Ddf | None = None, vcov: Vcov | None = None) -> pd.DataFrame:
        """Covariance of the coefficients: Kenward–Roger adjusted, robust, or model-based."""
        names = list(self.design.columns)
        return pd.DataFrame(self._inference(ddf, vcov).beta_cov, index=names, columns=names)

    @property
    def varcor(self) -> pd.DataFrame:
        """Σ, the covariance of a subject's visits; with covariance groups one below the other, (group, visit) as index."""
        visits = list(self.fit.visits)
        if self.fit.groups is None:
            return pd.DataFrame(self.fit.sigma, index=visits, columns=visits)
        rows = pd.MultiIndex.from_product([list(self.fit.groups), visits], names=[self.group, self.visit])
        return pd.DataFrame(self.fit.sigma.reshape(-1, len(visits)), index=rows, columns=visits)

    @property
    def deviance(self) -> float:
        """−2 (restricted) log-likelihood."""
        return self.fit.deviance

    @property
    def loglike(self) -> float:
        """(Restricted) log-likelihood."""
        return self.fit.loglike

    @property
    def aic(self) -> float:
        """AIC, covariance parameters only."""
        return self.fit.aic

    @property
    def bic(self) -> float:
        """BIC, covariance parameters only, with log(subjects)."""
        return self.fit.bic

    @property
    def fittedvalues(self) -> pd.Series:
        """Xβ̂ of the analysed rows, by their labels in the data."""
        return self._by_row(self.design.matrix @ self.fit.beta, "fittedvalues")

    @property
    def resid(self) -> pd.Series:
        """Raw residuals y − Xβ̂ of the analysed rows, by their labels in the data."""
        return self._by_row(self.design.y - self.fittedvalues.to_numpy(), "resid")

    @property
    def resid_pearson(self) -> pd.Series:
        """Residuals divided by their fitted standard deviation √V_aa."""
        return self._by_row(residuals.pearson(self.fit, self.resid.to_numpy()), "resid_pearson")

    @property
    def resid_normalized(self) -> pd.Series:
        """Residuals made independent with unit variance: L⁻¹r with V = LL', L lower triangular by visit; see :mod:`.residuals`."""
        return self._by_row(residuals.normalized(self.fit, self.resid.to_numpy()), "resid_normalized")

    def _by_row(self, values: np.ndarray, name: str) -> pd.Series:
        return pd.Series(values, index=self.design.index, name=name)

    @one_thread
    def _inference(self, ddf: Ddf | None, vcov: Vcov | None = None) -> Inference:
        asked = vcov is not None
        vcov = vcov or self.vcov
        if ddf is None:
            ddf = self.ddf
            if vcov not in (None, "model") and ddf.startswith("kenward-roger"):
                ddf = "satterthwaite"  # Kenward–Roger adjusts the model-based covariance only
        if not asked and ddf.startswith("kenward-roger"):
            vcov = None
        if (ddf, vcov) not in self._inferences:
            self._inferences[ddf, vcov] = inference(self.fit, ddf, vcov, information=self.information)
        return self._inferences[ddf, vcov]

    def contrast_rows(self, ddf: Ddf | None = None, vcov: Vcov | None = None) -> Infer:
        """Rows L (m, p) over :attr:`params` → estimates, standard errors and df of Lβ."""
        return self._inference(ddf, vcov).contrasts

    def lsmeans(
        self,
        factor: str,
        by: str | Sequence[str] | None = None,
        *,
        margins: Margins = "equal",
        ddf: Ddf | None = None,
        vcov: Vcov | None = None,
        level: float = 0.95,
    ) -> pd.DataFrame:
        """LS means of `factor` within each level of `by`, averaged over the other factors.

        Parameters
        ----------
        factor : str
        by : str or list of str, optional
        margins : {"equal", "observed"}
            Weights of the other factors.
        ddf : {"kenward-roger-linear", "satterthwaite", "kenward-roger", "between-within", "residual"}, optional
        vcov : {"model", "CR0", "CR1", "CR2", "CR3"}, optional
            Covariance of the coefficients; a robust one without `ddf` takes Satterthwaite df.
        level : float
            Confidence level.

        Returns
        -------
        DataFrame
            by …, factor, n (subjects), lsmean, std_error, df, statistic, p_value, conf_low, conf_high.
        """
        return lsmeans_table(self.design, self._inference(ddf, vcov).contrasts, factor, by, margins, level, unit=self.fit.records.subject)

    def contrasts(
        self,
        factor: str,
        by: str | Sequence[str] | None = None,
        *,
        reference: Any = None,
        margins: Margins = "equal",
        ddf: Ddf | None = None,
        vcov: Vcov | None = None,
        level: float = 0.95,
    ) -> pd.DataFrame:
        """Differences of LS means from `reference` (default: first level) within each level of `by`.

        Returns
        -------
        DataFrame
            by …, contrast, factor, estimate, std_error, df, statistic, p_value, conf_low, conf_high.
        """
        return contrasts_table(self.design, self._inference(ddf, vcov).contrasts, factor, by, reference, margins, level)

    def test(self, hypothesis: str | np.ndarray, *, ddf: Ddf | None = None, vcov: Vcov | None = None) -> FTest | Contrasts:
        """F test of the Type III hypothesis of a term ("TRT", "TRT:AVISIT"), as in :meth:`anova`, or of the rows of a matrix L over
        :attr:`params`; of a single row l the t test, with estimate, standard error and limits of lβ."""
        inferred = self._inference(ddf, vcov)
        if isinstance(hypothesis, str):
            return terms.test_term(self.design, one_thread(inferred.f_test), hypothesis)
        rows = np.atleast_2d(np.asarray(hypothesis, dtype=float))
        return one_thread(inferred.contrasts)(rows) if len(rows) == 1 else one_thread(inferred.f_test)(rows)

    def t_tests(self, rows: np.ndarray, *, ddf: Ddf | None = None, vcov: Vcov | None = None) -> Contrasts:
        """t test of each row l of a matrix over :attr:`params`, each with its own degrees of freedom: arrays (m,)."""
        return one_thread(self._inference(ddf, vcov).contrasts)(np.atleast_2d(np.asarray(rows, dtype=float)))

    @one_thread
    def anova(self, *, ddf: Ddf | None = None, vcov: Vcov | None = None) -> pd.DataFrame:
        """Type III F tests of all terms, in the order of the formula.

        A factor's effect is averaged over the other factors' levels with equal weights, a covariate's slope over the levels it
        interacts with, as PROC MIXED does; see :mod:`nirls.models.terms`.

        Returns
        -------
        DataFrame
            Index term; num_df, den_df, statistic (F), p_value, not_estimable (dimensions of the hypothesis that are not estimable and
            not tested; zero unless columns were dropped).
        """
        return terms.anova_table(self.design, self._inference(ddf, vcov).f_test)

    def predict(
        self,
        data: pd.DataFrame | None = None,
        *,
        conditional: bool = False,
        ddf: Ddf | None = None,
        vcov: Vcov | None = None,
        level: float = 0.95,
    ) -> pd.DataFrame:
        """Means for the covariates of `data`, or of its missing outcomes given the observed outcomes of the same subject.

        Parameters
        ----------
        data : DataFrame, optional
            Rows to predict; the analysed rows if none. Rows with a missing covariate get NaN and are counted by a warning.
        conditional : bool
            E(y | observed outcomes of the subject in `data`), by the fitted covariance: what conditional-mean imputation under missing
            at random needs. `data` then has a row for each visit, the response missing where it is to be predicted, and the subject,
            visit, weights and group of the fit; an observed outcome is its own expectation.
        ddf, vcov
            As in :meth:`lsmeans`.
        level : float
            Confidence level.

        Returns
        -------
        DataFrame
            Index of `data`; estimate, std_error, df, conf_low, conf_high of the mean. With `conditional` also std_error_pred, the
            standard error of the outcome about it, √(std_error² + conditional variance); the covariance parameters count as known.

        Raises
        ------
        DataError
            A column is lacking, a factor level or visit is unknown to the fit (named), or a subject has two rows at one visit.
        MethodError
            `conditional` without `data`: all analysed outcomes are observed.
        """
        infer = one_thread(self._inference(ddf, vcov).contrasts)
        if conditional:
            return predictions.conditional(self, infer, data, level)
        return predictions.marginal(self.design, infer, data, level)

    def coefficients(self, *, ddf: Ddf | None = None, vcov: Vcov | None = None, level: float = 0.95) -> pd.DataFrame:
        """Coefficient table: estimate, std_error, df, statistic, p_value, conf_low, conf_high."""
        result = self._inference(ddf, vcov).contrasts(np.eye(len(self.design.columns)))
        return pd.DataFrame(inference_columns(result, level), index=list(self.design.columns))

    @one_thread
    def influence(self) -> pd.DataFrame:
        """Influence of each subject: Cook's distance and others, from refits without it; see :func:`influence_table`."""
        from nirls.models.influence import influence_table

        return influence_table(self)

    def summary(self) -> str:
        """The model, its fit and its coefficients as text."""
        return summary_text(self)


@one_thread
def mmrm(
    formula: str,
    data: pd.DataFrame,
    *,
    subject: str,
    visit: str,
    covariance: str | Sequence[str] = "us",
    group: str | None = None,
    reml: bool = True,
    ddf: Ddf | None = None,
    vcov: Vcov | None = None,
    information: Information = "observed",
    weights: str | None = None,
    rank_deficient: RankDeficient = "error",
) -> MMRMResult:
    """Fit a mixed model for repeated measures.

    Parameters
    ----------
    formula : str
        For example ``"CHG ~ REGION + BASE * AVISIT + TRT * AVISIT"``.
    data : DataFrame
        One row per subject and visit. Text and categorical columns are factors: a Categorical keeps its declared order, others
        are sorted; the first level is the reference.
    subject, visit : str
        Columns that say which rows belong to one subject, and to which visit; the visit is a factor, except for a structure in
        continuous time, which needs times as numbers here.
    covariance : str or list of str
        Structure of the visits' covariance (``"us"``: unstructured; ``"toeph"``, ``"ar1h"``, ``"csh"``, ``"adh"``, ``"toep"``,
        ``"ar1"``, ``"ad"``, ``"cs"``; in continuous time ``"sp-exp"``,
        ``"random-intercept"``, ``"random-slope"``; see
        :data:`nirls.stats.mmrm.covariance.STRUCTURES`), or the order in
        which structures are tried; the first to converge is fitted.
    group : str, optional
        Column of groups of subjects, for example the arm; each group then has covariance parameters of its own.
    reml : bool
        Restricted (default) or full maximum likelihood.
    ddf : {"kenward-roger-linear", "satterthwaite", "kenward-roger", "between-within", "residual"}, optional
        Small-sample method; when not given, Kenward–Roger (linear) under REML, Satterthwaite under ML or with a robust `vcov`.
    vcov : {"model", "CR0", "CR1", "CR2", "CR3"}, optional
        Covariance of the coefficients; the CR are robust against a wrong covariance structure.
    information : {"observed", "expected"}
        Information on the covariance parameters used by Kenward–Roger and Satterthwaite: observed as PROC MIXED, R mmrm and
        lmerTest's Satterthwaite, expected as R pbkrtest (lmerTest's Kenward–Roger).
    weights : str, optional
        Column of positive weights.
    rank_deficient : {"error", "drop"}
        Refuse a design with linearly dependent columns (they are named), or leave them out; what then is not estimable is NaN.

    Returns
    -------
    MMRMResult

    Raises
    ------
    DataError
        Two rows of a subject at one visit (named); nothing to analyse.
    MethodError, NotEstimableError, ConvergenceError
        The model cannot be fitted as specified; the message says why.

    Warns
    -----
    UserWarning
        If rows with an observed outcome are left out for a missing covariate.

    Examples
    --------
    >>> fit = mmrm("CHG ~ BASE * AVISIT + TRT * AVISIT", adqs, subject="USUBJID", visit="AVISIT")  # doctest: +SKIP
    >>> fit.contrasts("TRT", by="AVISIT", reference="SHAM")  # doctest: +SKIP
    """
    codes = subject_codes(data, subject, visit)
    carry = list(dict.fromkeys(c for c in (subject, visit, weights, group) if c is not None))
    declared = [covariance] if isinstance(covariance, str) else list(covariance)
    timed = any(is_timed(name) for name in declared)
    design = build_design(formula, data, factors=[] if timed else [visit], carry=carry, rank_deficient=rank_deficient)
    when, visit_names = times(design.frame[visit]) if timed else visits(design.frame[visit])
    if design.n_missing_covariates:
        warnings.warn(
            f"{design.n_missing_covariates} rows with an observed {design.response} are not analysed: missing {design.missing_covariates}",
            stacklevel=2,
        )
    if group is not None and design.frame[group].isna().any():
        lacking = design.frame.loc[design.frame[group].isna(), subject].unique()
        raise DataError(f"{group} is missing for {len(lacking)} subjects: {', '.join(map(str, lacking[:10]))}")
    fit = fit_mmrm(
        design.y,
        design.matrix,
        codes[design.rows],
        when,
        covariance=covariance,
        reml=reml,
        weights=None if weights is None else design.frame[weights].to_numpy(dtype=float),
        group=None if group is None else design.frame[group].astype(str).to_numpy(dtype=str),
        visit_names=visit_names,
    )
    with_outcome = codes[data[design.response].notna().to_numpy()]
    n_given, n_with_outcome = (int(np.count_nonzero(np.bincount(some[some >= 0]))) for some in (codes, with_outcome))
    return MMRMResult(
        formula=formula,
        subject=subject,
        visit=visit,
        fit=fit,
        design=design,
        ddf=ddf or ("kenward-roger-linear" if reml and vcov is None else "satterthwaite"),
        vcov=vcov,
        information=information,
        n_subjects_without_outcome=n_given - n_with_outcome,
        n_subjects_without_covariates=n_with_outcome - fit.n_subjects,
        group=group,
        weights=weights,
    )
