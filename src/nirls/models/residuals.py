"""Residuals of a mixed model for repeated measures.

With r = y − Xβ̂ and V the fitted covariance of a subject's records (a record of weight w has its standard deviation divided by √w):

- raw: r;
- Pearson: r_a / √V_aa;
- normalized: L⁻¹r with V = LL', L lower triangular, records in the order of visits. They are uncorrelated with variance one when the
  model is right (but for the estimation of β). The first record of a subject is its Pearson residual; every further one is what
  the earlier records do not explain, in units of its conditional standard deviation. So ``type = "normalized"`` of R nlme::gls, and the
  scaled residuals (VCIRY) of PROC MIXED.

Reference: Pinheiro JC, Bates DM. Mixed-Effects Models in S and S-PLUS. Springer 2000, section 5.1.2.
"""

from __future__ import annotations

import numpy as np
from scipy import linalg

from nirls.stats.mmrm import MMRMFit
from nirls.stats.mmrm.subjects import stacks

Array = np.ndarray


def whole_sigma(fit: MMRMFit) -> Array:
    """Σ over the visits of all covariance groups, block diagonal, as the visits of the records are numbered."""
    return fit.sigma if fit.groups is None else linalg.block_diag(*fit.sigma)


def pearson(fit: MMRMFit, residual: Array) -> Array:
    """r / √V_aa: (n,)."""
    records = fit.working.records
    return _weighted(fit, residual) / np.sqrt(np.diagonal(whole_sigma(fit))[records.visit])


def normalized(fit: MMRMFit, residual: Array) -> Array:
    """L⁻¹r subject by subject, by visit: (n,), in the order of the records."""
    weighted, result = _weighted(fit, residual), np.empty_like(residual)
    for stack in stacks(fit.working.records, whole_sigma(fit)):
        result[stack.rows] = (stack.root @ weighted[stack.rows][..., None])[..., 0]
    return result


def _weighted(fit: MMRMFit, residual: Array) -> Array:
    """The residuals of records of unit weight."""
    root_weight = fit.working.records.root_weight
    return residual if root_weight is None else residual * root_weight
