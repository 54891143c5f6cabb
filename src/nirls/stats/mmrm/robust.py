"""Variances of β̂ that hold when Σ is wrong ("empirical", "sandwich"), with Satterthwaite degrees of freedom.

With whitened rows X̃_i = R_iX_i, r̃_i = R_ir_i (R_i'R_i = V_i⁻¹) and H_ii = X̃_iΦX̃_i',

    V_R = Φ {Σ X̃_i'A_i r̃_i r̃_i'A_i X̃_i} Φ,      A_i = I (CR0, CR1), (I − H_ii)^(−1/2) (CR2), (I − H_ii)⁻¹ (CR3),

CR1 times N/(N − 1). CR2 is unbiased when Σ is right; CR3 is close to the jackknife. The df of lβ̂ are those of its variance
estimate as a quadratic form under the fitted Σ: with a_i = A_iX̃_iΦl' and M_ij = a_i'(I − H)_ij a_j, df = (tr M)² / ΣM_ij².

References
----------
Liang KY, Zeger SL. Longitudinal data analysis using generalized linear models. Biometrika 1986;73:13–22 (CR0).
Mancl LA, DeRouen TA. A covariance estimator for GEE with improved small-sample properties. Biometrics 2001;57:126–134 (CR3).
Bell RM, McCaffrey DF. Bias reduction in standard errors for linear regression with multi-stage samples. Surv Methodol
2002;28:169–181 (CR2 and df). Pustejovsky JE, Tipton E. Small-sample methods for cluster-robust variance estimation and
hypothesis testing in fixed effects models. J Bus Econ Stat 2018;36:672–683, section 3.2 (df).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from nirls.errors import NotEstimableError
from nirls.stats.mmrm.working import Records, Working, stacks

Array = np.ndarray
Robust = Literal["CR0", "CR1", "CR2", "CR3"]

# eigenvalues of I − H_ii below this are zero: the subject alone determines a coefficient
LEVERAGE_TOLERANCE = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandwich:
    """A robust covariance on the working scale.

    Attributes
    ----------
    cov : (p, p) array
    phi : (p, p) array
        Model-based covariance.
    influence : list of (m, t, p) arrays
        A_iX̃_i.
    design : list of (m, t, p) arrays
        X̃_i.
    """

    cov: Array
    phi: Array
    influence: list[Array]
    design: list[Array]

    def df(self, rows: Array) -> Array:
        """Degrees of freedom of each row of L (m, p), over working coefficients."""
        result = np.empty(rows.shape[0])
        for index, score in enumerate(rows @ self.phi):
            d, b = [], []
            for a_x, x in zip(self.influence, self.design, strict=True):
                a = a_x @ score
                d.append(np.einsum("mt,mt->m", a, a))
                b.append(np.einsum("mtp,mt->mp", x, a))
            own, far = np.concatenate(d), np.concatenate(b)
            shared = np.einsum("mp,pr,mr->m", far, self.phi, far)
            cross = self.phi @ (far.T @ far)
            result[index] = (own - shared).sum() ** 2 / (own @ own - 2.0 * own @ shared + (cross * cross.T).sum())
        return result


def sandwich(records: Records, working: Working, kind: Robust) -> Sandwich:
    """The robust covariance `kind` of the working coefficients of a single fit.

    Raises
    ------
    NotEstimableError
        CR3 when one subject alone determines a coefficient (subjects by code).
    """
    theta, gamma, phi = working.point.theta[0], working.point.gamma[0], working.point.phi[0]
    p = gamma.size
    meat, influence, design = np.zeros((p, p)), [], []
    for stack in stacks(records, working.structure, theta):
        whitened = stack.root @ records.z[stack.rows]
        x, residual = whitened[..., :p], whitened[..., p] - whitened[..., :p] @ gamma
        a_x = x if kind in ("CR0", "CR1") else _corrected(x, phi, kind, stack.subjects)
        u = np.einsum("mtp,mt->mp", a_x, residual)
        meat += u.T @ u
        influence.append(a_x)
        design.append(x)
    if kind == "CR1":
        n = int(records.subject.max()) + 1
        meat *= n / (n - 1.0)
    return Sandwich(cov=phi @ meat @ phi, phi=phi, influence=influence, design=design)


def _corrected(x: Array, phi: Array, kind: Robust, subjects: Array) -> Array:
    """A_iX̃_i of CR2 or CR3 (A_i is symmetric)."""
    values, vectors = np.linalg.eigh(np.eye(x.shape[1]) - x @ phi @ x.swapaxes(-1, -2))
    lost = values < LEVERAGE_TOLERANCE
    if kind == "CR3" and lost.any():
        alone = ", ".join(map(str, subjects[lost.any(axis=1)][:10]))
        raise NotEstimableError(f"CR3 does not exist: a coefficient is determined by one subject alone (subjects numbered {alone})")
    with np.errstate(divide="ignore", invalid="ignore"):
        power = np.where(lost, 0.0, values ** (-1.0 if kind == "CR3" else -0.5))  # pseudo-inverse: that subject adds nothing
    return (vectors * power[:, None, :]) @ (vectors.swapaxes(-1, -2) @ x)
