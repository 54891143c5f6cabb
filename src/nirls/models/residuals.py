"""Residuals of a mixed model for repeated measures.

With r = y − Xβ̂ and V the fitted covariance of a subject's records (a record of weight w has its standard deviation divided by √w):

- raw: r;
- Pearson: r_a / √V_aa;
- normalized: L⁻¹r with V = LL', L lower triangular, records in the order of visits. They are uncorrelated with variance one when the
  model is right (but for the estimation of β). The first record of a subject is its Pearson residual; every further one is what
  the earlier records do not explain, in units of its conditional standard deviation. So ``type = "normalized"`` of R nlme::gls, and the
  scaled residuals (VCIRY) of PROC MIXED.

Reference: Pinheiro JC, Bates DM. Mixed-Effects Models in S and S-PLUS. Springer 2000, chapter 5.
"""

from __future__ import annotations

import numpy as np

from nirls.stats.mmrm import MMRMFit
from nirls.stats.mmrm.working import stacks

Array = np.ndarray


def pearson(fit: MMRMFit, residual: Array) -> Array:
    """r / √V_aa: (n,)."""
    weighted, result = _weighted(fit, residual), np.empty_like(residual)
    for stack in stacks(fit.records, fit.working.structure, fit.theta):
        result[stack.rows] = weighted[stack.rows] / np.sqrt(np.einsum("mtt->mt", stack.sigma))
    return result


def normalized(fit: MMRMFit, residual: Array) -> Array:
    """L⁻¹r subject by subject, by visit: (n,), in the order of the records."""
    weighted, result = _weighted(fit, residual), np.empty_like(residual)
    for stack in stacks(fit.records, fit.working.structure, fit.theta):
        result[stack.rows] = (stack.root @ weighted[stack.rows][..., None])[..., 0]
    return result


def _weighted(fit: MMRMFit, residual: Array) -> Array:
    """The residuals of records of unit weight."""
    return residual if fit.records.root_weight is None else residual * fit.records.root_weight
