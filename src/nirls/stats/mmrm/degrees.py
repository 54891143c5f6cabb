"""Small-sample inference: a covariance of β̂, and degrees of freedom for t and F tests of linear hypotheses.

Satterthwaite: df = 2v²/(g'Cg) with v = lΦl' and g_h = ∂v/∂θ_h; for several rows Fai & Cornelius (1996). Kenward–Roger:
:mod:`nirls.stats.mmrm.kenward_roger`. Between-within and residual: :mod:`nirls.stats.mmrm.between_within`. Robust covariances:
:mod:`nirls.stats.mmrm.robust`.

Reference: Fai AHT, Cornelius PL. Approximate F-tests of multiple degree of freedom hypotheses in generalized least
squares analyses of unbalanced split-plot experiments. J Stat Comput Simul 1996;54:363–378.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np

from nirls.stats.contrasts import Contrasts, FTest, independent_rows
from nirls.stats.mmrm.between_within import between_within, smallest
from nirls.stats.mmrm.fit import MMRMFit
from nirls.stats.mmrm.kenward_roger import adjusted, expected_information, scaled_f
from nirls.stats.mmrm.robust import Robust, Sandwich, sandwich
from nirls.stats.mmrm.working import Working

Array = np.ndarray
Ddf = Literal["kenward-roger-linear", "satterthwaite", "kenward-roger", "between-within", "residual"]
Vcov = Literal["model", "CR0", "CR1", "CR2", "CR3"]
Information = Literal["observed", "expected"]
DDF: tuple[str, ...] = get_args(Ddf)
VCOV: tuple[str, ...] = get_args(Vcov)
KENWARD_ROGER = ("kenward-roger-linear", "kenward-roger")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inference:
    """A fit together with the way its uncertainty is expressed.

    Attributes
    ----------
    fit : MMRMFit
    ddf, vcov : str
    beta_cov : (p, p) array
        Covariance of the coefficients: Φ_A under Kenward–Roger, a robust one when `vcov` is, Φ otherwise.
    """

    fit: MMRMFit
    ddf: Ddf
    beta_cov: Array
    working_cov: Array = field(repr=False)
    theta_cov: Array = field(repr=False)
    vcov: Vcov = "model"
    robust: Sandwich | None = field(default=None, repr=False)
    coefficient_df: Array | None = field(default=None, repr=False)

    def contrasts(self, hypotheses: Array) -> Contrasts:
        """t tests of the rows of L (m, p).

        For a single row the Kenward–Roger df are Satterthwaite's; the methods differ in the standard error.
        """
        hypotheses = self._checked(hypotheses)
        rows = self.fit.working.basis.rows(hypotheses)[0]
        std_error = self.fit.working.basis.scale[0] * np.sqrt(np.einsum("mp,pr,mr->m", rows, self.working_cov, rows))
        return Contrasts(estimate=hypotheses @ self.fit.beta, std_error=std_error, df=self._df(hypotheses, rows))

    def f_test(self, hypotheses: Array) -> FTest:
        """Joint test of the rows of L (c, p); redundant rows are left out.

        Under Kenward–Roger the result does not depend on how the hypothesis is written. The Satterthwaite
        denominator df do depend on it: write rows as differences from the reference level, as SAS does.
        """
        hypotheses = independent_rows(self._checked(hypotheses))
        if not hypotheses.shape[0]:
            raise ValueError("every row of the hypothesis is zero")
        working = self.fit.working
        rows, estimate = working.basis.rows(hypotheses)[0], hypotheses @ self.fit.beta / working.basis.scale[0]
        if self.ddf in KENWARD_ROGER:
            return scaled_f(rows, estimate, self.working_cov, working.point.phi[0], working.slopes[0], self.theta_cov)
        return self._independent_f(hypotheses, rows, estimate)

    def _checked(self, hypotheses: Array) -> Array:
        hypotheses = np.atleast_2d(np.asarray(hypotheses, dtype=float))
        if hypotheses.shape[1] != self.fit.beta.size:
            raise ValueError(f"hypotheses have {hypotheses.shape[1]} columns for {self.fit.beta.size} coefficients")
        return hypotheses

    def _df(self, hypotheses: Array, rows: Array) -> Array:
        """df of each row, given over the coefficients and over the working coefficients."""
        if self.coefficient_df is not None:
            return smallest(self.coefficient_df, hypotheses if self.ddf == "between-within" else np.ones_like(hypotheses))
        if self.robust is not None:
            return self.robust.df(rows)
        return satterthwaite(rows[None], self.fit.working, self.theta_cov[None])[0]

    def _independent_f(self, hypotheses: Array, rows: Array, estimate: Array) -> FTest:
        """F of Fai & Cornelius (1996): independent t² of the eigenvectors of the covariance of Lβ̂; where df belong to coefficients,
        the smallest of those in the hypothesis."""
        c = rows.shape[0]
        values, vectors = np.linalg.eigh(rows @ self.working_cov @ rows.T)
        statistic = float(((vectors.T @ estimate) ** 2 / values).sum() / c)
        turned = vectors.T @ rows
        df = self._df(hypotheses, turned) if self.coefficient_df is None else np.full(c, self._df(hypotheses, rows).min())
        if np.ptp(df) < 1e-8 * df.max():
            den_df = float(df.mean())
        elif df.min() <= 2.0:  # the mean of F does not exist
            den_df = 2.0
        else:
            expectation = float((df / (df - 2.0)).sum())
            den_df = 2.0 * expectation / (expectation - c)
        return FTest(statistic=statistic, num_df=c, den_df=den_df)


def satterthwaite(rows: Array, working: Working, theta_cov: Array) -> Array:
    """2v²/(g'Cg) of each row of L (1 or B, m, p) over the working coefficients, v = lΦl', g_h = ∂v/∂θ_h = −lΦP_hΦl': (B, m)."""
    n_fits, k, p, _ = working.slopes.shape
    scores = rows @ working.point.phi
    variance = (scores * rows).sum(axis=-1)
    half = (working.slopes.reshape(n_fits, k * p, p) @ scores.swapaxes(1, 2)).reshape(n_fits, k, p, -1)
    slopes = (half * scores.swapaxes(1, 2)[:, None]).sum(axis=2)  # (B, k, m)
    spread = (slopes * (theta_cov @ slopes)).sum(axis=1)
    return 2.0 * variance**2 / spread


def t_tests(working: Working, hypotheses: Array, ddf: Ddf) -> Contrasts:
    """t tests of the rows of L (m, p) in each of B fits: arrays (B, m).

    Raises
    ------
    ValueError
        For a method other than Kenward–Roger (linear or full) and Satterthwaite.
    """
    if ddf not in (*KENWARD_ROGER, "satterthwaite"):
        raise ValueError(f"many fits are tested by Kenward–Roger or Satterthwaite, not {ddf!r}")
    cov = working.point.phi
    if ddf in KENWARD_ROGER:
        cov = adjusted(working, working.theta_cov, full=ddf == "kenward-roger")
    rows = working.basis.rows(hypotheses)
    std_error = working.basis.scale[:, None] * np.sqrt(((rows @ cov) * rows).sum(axis=-1))
    estimate = working.basis.beta(working.point.gamma) @ hypotheses.T
    return Contrasts(estimate=estimate, std_error=std_error, df=satterthwaite(rows, working, working.theta_cov))


def inference(
    fit: MMRMFit, ddf: Ddf = "kenward-roger-linear", vcov: Vcov | None = None, *, information: Information = "observed"
) -> Inference:
    """Prepare t and F tests for `fit`.

    Parameters
    ----------
    fit : MMRMFit
    ddf : {"kenward-roger-linear", "satterthwaite", "kenward-roger", "between-within", "residual"}
    vcov : {"model", "CR0", "CR1", "CR2", "CR3"}, optional
        Covariance of the coefficients; a robust one goes with every `ddf` but Kenward–Roger, which is itself an adjustment of the
        model-based one. Satterthwaite df are then those of the robust variance.
    information : {"observed", "expected"}
        Information on θ (REML) that Kenward–Roger and Satterthwaite use: observed as PROC MIXED and R mmrm, expected as
        R pbkrtest and the original paper.

    Raises
    ------
    ValueError
        For an unknown method, Kenward–Roger after ML, or Kenward–Roger with a robust covariance.
    """
    if ddf not in DDF:
        raise ValueError(f"unknown method for degrees of freedom {ddf!r}; implemented: {', '.join(DDF)}")
    if vcov is not None and vcov not in VCOV:
        raise ValueError(f"unknown covariance of the coefficients {vcov!r}; implemented: {', '.join(VCOV)}")
    if information not in get_args(Information):
        raise ValueError(f"information must be 'observed' or 'expected', not {information!r}")
    if ddf in KENWARD_ROGER and not fit.reml:
        raise ValueError("Kenward–Roger is defined for REML; fit with reml=True or use ddf='satterthwaite'")
    if ddf in KENWARD_ROGER and vcov is not None:
        raise ValueError(f"Kenward–Roger has its own covariance of the coefficients; vcov={vcov!r} goes with ddf='satterthwaite'")
    if information == "expected" and not fit.reml:
        raise ValueError("the expected information is that of REML; fit with reml=True")
    working = fit.working
    theta_cov = working.theta_cov
    if information == "expected":
        theta_cov = 2.0 * np.linalg.inv(expected_information(working))
    cov, robust = working.point.phi[0], None
    if ddf in KENWARD_ROGER:
        cov = adjusted(working, theta_cov, full=ddf == "kenward-roger")[0]
    elif vcov is not None and vcov != "model":
        kind: Robust = vcov
        robust = sandwich(fit.records, working, kind)
        cov = robust.cov
    coefficient_df = None
    if ddf == "between-within":
        coefficient_df = between_within(fit.records)
    elif ddf == "residual":
        coefficient_df = np.full(fit.beta.size, float(fit.n_obs - fit.beta.size))
    return Inference(
        fit=fit,
        ddf=ddf,
        vcov=vcov or "model",
        beta_cov=working.basis.covariance(cov[None])[0],
        working_cov=cov,
        theta_cov=theta_cov[0],
        robust=robust,
        coefficient_df=coefficient_df,
    )
