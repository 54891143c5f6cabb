"""Residual and between-within degrees of freedom.

A coefficient is "within" when its column of X varies within some subject, else "between"; the intercept is counted
apart and tested as "within". With N subjects, n records and p_B, p_W coefficients of each kind

    df_B = N − p_B − (1 if there is an intercept),      df_W = n − N − p_W;

a hypothesis has the smallest df of the coefficients in it. R mmrm does the same (its vignette "Between-within"); PROC MIXED
differs for TYPE=UN, where within-subject effects get the between-subject df.

Reference: Schluchter MD, Elashoff JT. Small-sample adjustments to tests with unbalanced repeated measures assuming several
covariance structures. J Stat Comput Simul 1990;37:69–87.
"""

from __future__ import annotations

import numpy as np

from nirls.stats.mmrm.working import Records

Array = np.ndarray


def between_within(records: Records) -> Array:
    """df of each coefficient (p,)."""
    x, n = records.x, records.subject.size
    n_subjects = int(records.subject.max()) + 1
    example = np.zeros(n_subjects, dtype=np.intp)
    example[records.subject] = np.arange(n)
    within = (x != x[example[records.subject]]).any(axis=0)
    intercept = (x == x[0]).all(axis=0)
    between = ~within & ~intercept
    df_between = n_subjects - int(between.sum()) - int(intercept.any())
    df_within = n - n_subjects - int(within.sum())
    return np.where(between, df_between, df_within).astype(float)


def smallest(df: Array, rows: Array) -> Array:
    """For each row of L (m, p) the smallest df among its coefficients."""
    return np.where(rows != 0.0, df, np.inf).min(axis=1)
