"""Influence of single subjects: what the fit would be without each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nirls.stats.mmrm import leave_one_out
from nirls.stats.mmrm.likelihood import evaluate

if TYPE_CHECKING:
    from nirls.models.mmrm import MMRMResult


def influence_table(result: MMRMResult) -> pd.DataFrame:
    """One row for each analysed subject, from exact refits (θ and β) without the subject.

    With δ = β̂ − β̂₍₋ᵢ₎ and Φ the model-based covariance of β̂

    * ``n_obs``: records of the subject;
    * ``cooks_distance``: δ'Φ⁻¹δ / p;
    * ``covratio``: |Φ₍₋ᵢ₎| / |Φ|, above one when the subject adds precision;
    * ``likelihood_distance``: 2{ℓ(θ̂) − ℓ(θ̂₍₋ᵢ₎)}, of all data (restricted under REML);
    * ``converged``: whether the refit converged; where it did not, the other columns are NaN.

    The definitions are those of the INFLUENCE option of PROC MIXED; every refit goes to convergence.

    References
    ----------
    Cook RD. Detection of influential observation in linear regression. Technometrics 1977;19:15–18. SAS/STAT User's Guide, The MIXED
    Procedure, Influence Diagnostics (Cook's D, COVRATIO, restricted likelihood distance).
    """
    fit, refits = result.fit, leave_one_out(result.fit)
    good = refits.converged
    working = fit.working
    change = fit.beta - refits.beta
    unit = 1.0 / working.basis.scale[0] ** working.structure.powers
    shift = 0.0 if working.structure.shifts is None else -np.log(working.basis.scale[0]) * working.structure.shifts
    at = evaluate(working.statistics, working.structure, unit * refits.theta[good] + shift, reml=fit.reml).value
    distance, ratio = np.full(good.size, np.nan), np.full(good.size, np.nan)
    distance[good] = at - working.point.value[0]
    ratio[good] = np.exp(np.linalg.slogdet(refits.beta_cov[good])[1] - np.linalg.slogdet(fit.beta_cov)[1])
    names = result.design.frame[result.subject].drop_duplicates()
    subject = fit.records.subject
    index = pd.Index(names.to_numpy(), name=result.subject)
    table = pd.DataFrame(
        {
            "n_obs": np.bincount(subject),
            "cooks_distance": (change * np.linalg.solve(fit.beta_cov, change.T).T).sum(axis=1) / fit.beta.size,
            "covratio": ratio,
            "likelihood_distance": distance,
            "converged": good,
        }
    )
    # codes follow the order of first appearance in all rows given; the table that of the analysed rows
    return table.iloc[subject[names.index]].set_index(index)
