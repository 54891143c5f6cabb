"""Small-sample inference: Satterthwaite and Kenward–Roger.

With Φ = (ΣX'V⁻¹X)⁻¹, P_h = ΣX'(∂V⁻¹/∂θ_h)X, Q_hj = ΣX'(∂V⁻¹/∂θ_h)V(∂V⁻¹/∂θ_j)X and C = 2H⁻¹ the inverse
observed information of θ, the linear Kenward–Roger covariance is

    Φ_A = Φ + 2Φ{Σ_hj C_hj (Q_hj − P_hΦP_j)}Φ.

ΣC_hj Q_hj needs no k² tensors: Σ_hj C_hj W D_h W D_j W is one t×t matrix for each missingness pattern.
The full Kenward–Roger adjustment subtracts a term in ∂²V/∂θ², zero when V is linear in θ, as for an
unstructured Σ by its elements: there "linear" is exactly DDFM=KR of SAS PROC MIXED.

References
----------
Kenward MG, Roger JH. Small sample inference for fixed effects from restricted maximum likelihood.
Biometrics 1997;53:983–997. Kenward MG, Roger JH. An improved approximation to the precision of fixed effects
from restricted maximum likelihood. Comput Stat Data Anal 2009;53:2583–2595.
Fai AHT, Cornelius PL. Approximate F-tests of multiple degree of freedom hypotheses in generalized least
squares analyses of unbalanced split-plot experiments. J Stat Comput Simul 1996;54:363–378.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
from scipy import linalg

from nirls.stats.contrasts import Contrasts, FTest, independent_rows
from nirls.stats.mmrm.fit import MMRMFit

Array = np.ndarray
Ddf = Literal["kenward-roger-linear", "satterthwaite"]
DDF: tuple[str, ...] = get_args(Ddf)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inference:
    """A fit together with the way its uncertainty is expressed.

    Attributes
    ----------
    fit : MMRMFit
    ddf : str
    beta_cov : (p, p) array
        Φ_A under Kenward–Roger, Φ under Satterthwaite.
    """

    fit: MMRMFit
    ddf: Ddf
    beta_cov: Array
    working_cov: Array = field(repr=False)

    def contrasts(self, hypotheses: Array) -> Contrasts:
        """t tests of the rows of L (m, p): df = 2v²/(g'Cg), v = lΦl', g_h = ∂v/∂θ_h = −lΦP_hΦl'.

        For a single row the Kenward–Roger df are Satterthwaite's; the methods differ in the standard error.
        """
        rows, working = self._rows(hypotheses), self.fit.working
        scores = rows @ working.point.phi
        variance = np.einsum("mp,mp->m", scores, rows)
        slopes = np.einsum("mhp,mp->mh", np.tensordot(scores, working.slopes, axes=(1, 1)), scores)
        spread = np.einsum("mh,hj,mj->m", slopes, working.theta_cov, slopes)
        std_error = working.basis.scale * np.sqrt(np.einsum("mp,pr,mr->m", rows, self.working_cov, rows))
        return Contrasts(estimate=np.atleast_2d(hypotheses) @ self.fit.beta, std_error=std_error, df=2.0 * variance**2 / spread)

    def f_test(self, hypotheses: Array) -> FTest:
        """Joint test of the rows of L (c, p); redundant rows are left out.

        Under Kenward–Roger the result does not depend on how the hypothesis is written. The Satterthwaite
        denominator df do depend on it: write rows as differences from the reference level, as SAS does.
        """
        hypotheses = independent_rows(np.atleast_2d(np.asarray(hypotheses, dtype=float)))
        if not hypotheses.shape[0]:
            raise ValueError("every row of the hypothesis is zero")
        rows, estimate = self._rows(hypotheses), hypotheses @ self.fit.beta / self.fit.working.basis.scale
        return self._kenward_roger(rows, estimate) if self.ddf == "kenward-roger-linear" else self._satterthwaite(rows, estimate)

    def _rows(self, hypotheses: Array) -> Array:
        hypotheses = np.atleast_2d(np.asarray(hypotheses, dtype=float))
        if hypotheses.shape[1] != self.fit.beta.size:
            raise ValueError(f"hypotheses have {hypotheses.shape[1]} columns for {self.fit.beta.size} coefficients")
        return self.fit.working.basis.rows(hypotheses)

    def _kenward_roger(self, rows: Array, estimate: Array) -> FTest:
        """Scaled F, Kenward & Roger (1997) section 3."""
        working, c = self.fit.working, rows.shape[0]
        scores = rows @ working.point.phi
        half = linalg.solve_triangular(np.linalg.cholesky(scores @ rows.T), scores, lower=True)
        # with half'half = ΦMΦ: tr(MΦP_hΦ) = tr(K_h) and tr(MΦP_hΦMΦP_jΦ) = tr(K_hK_j), K_h = half P_h half'
        k = half @ working.slopes @ half.T
        traces = np.einsum("hcc->h", k)
        flat = k.reshape(k.shape[0], -1)
        a1 = float(traces @ working.theta_cov @ traces)
        a2 = float((working.theta_cov * (flat @ flat.T)).sum())
        b = (a1 + 6.0 * a2) / (2.0 * c)
        g = ((c + 1.0) * a1 - (c + 4.0) * a2) / ((c + 2.0) * a2)
        d = 3.0 * c + 2.0 * (1.0 - g)
        c1, c2, c3 = g / d, (c - g) / d, (c + 2.0 - g) / d
        expectation = 1.0 / (1.0 - a2 / c)
        variance = (2.0 / c) * (1.0 + c1 * b) / ((1.0 - c2 * b) ** 2 * (1.0 - c3 * b))
        rho = variance / (2.0 * expectation**2)
        den_df = 4.0 + (c + 2.0) / (c * rho - 1.0)
        scale = den_df / (expectation * (den_df - 2.0))
        wald = float(estimate @ linalg.solve(rows @ self.working_cov @ rows.T, estimate, assume_a="pos"))
        return FTest(statistic=scale * wald / c, num_df=c, den_df=float(den_df), scale=float(scale))

    def _satterthwaite(self, rows: Array, estimate: Array) -> FTest:
        """F of Fai & Cornelius (1996): independent t² of the eigenvectors of LΦL'."""
        working, c = self.fit.working, rows.shape[0]
        phi, slopes = working.point.phi, working.slopes
        values, vectors = np.linalg.eigh(rows @ phi @ rows.T)
        turned = vectors.T @ rows
        scores = turned @ phi
        g = np.einsum("mhp,mp->mh", np.tensordot(scores, slopes, axes=(1, 1)), scores)
        df = 2.0 * values**2 / np.einsum("mh,hj,mj->m", g, working.theta_cov, g)
        statistic = float(((vectors.T @ estimate) ** 2 / values).sum() / c)
        if np.ptp(df) < 1e-8 * df.max():
            den_df = float(df.mean())
        elif df.min() <= 2.0:  # the mean of F does not exist
            den_df = 2.0
        else:
            expectation = float((df / (df - 2.0)).sum())
            den_df = 2.0 * expectation / (expectation - c)
        return FTest(statistic=statistic, num_df=c, den_df=den_df)


def inference(fit: MMRMFit, ddf: Ddf = "kenward-roger-linear") -> Inference:
    """Prepare t and F tests for `fit`.

    Parameters
    ----------
    fit : MMRMFit
    ddf : {"kenward-roger-linear", "satterthwaite"}
    """
    if ddf not in DDF:
        raise ValueError(f"unknown method for degrees of freedom {ddf!r}; implemented: {', '.join(DDF)}")
    if ddf == "kenward-roger-linear" and not fit.reml:
        raise ValueError("Kenward–Roger is defined for REML; fit with reml=True or use ddf='satterthwaite'")
    phi = fit.working.point.phi if ddf == "satterthwaite" else _adjusted(fit)
    return Inference(fit=fit, ddf=ddf, beta_cov=fit.working.basis.covariance(phi), working_cov=phi)


def _adjusted(fit: MMRMFit) -> Array:
    """Φ_A on the working scale."""
    working = fit.working
    statistics, point, c = working.statistics, working.point, working.theta_cov
    first = working.structure.first(point.theta, statistics.n_visits)
    mixed = np.tensordot(c, first, axes=1)  # Σ_j C_hj D_j
    weights = []
    for block in statistics.blocks:
        rows, columns = block.visits[:, :, None], block.visits[:, None, :]
        w = np.linalg.inv(point.sigma[rows, columns])
        m = ((w @ first[:, rows, columns]) @ (w @ mixed[:, rows, columns])).sum(axis=0) @ w
        weights.append((m + m.swapaxes(-1, -2)) / 2.0)
    root = np.linalg.cholesky(c)
    turned = np.tensordot(root.T, working.slopes, axes=1)  # Σ_hj C_hj P_hΦP_j = Σ_l R_lΦR_l, R_l = Σ_h root_hl P_h
    products = (turned @ point.phi @ turned).sum(axis=0)
    adjusted = point.phi + 2.0 * point.phi @ (statistics.weigh(weights)[:-1, :-1] - products) @ point.phi
    return (adjusted + adjusted.T) / 2.0
