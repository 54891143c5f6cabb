"""The log-rank test of k groups, in one stratum or several.

Mantel N. Evaluation of survival data and two new rank order statistics arising in its consideration. Cancer Chemother Rep
1966;50:163–170; variance with ties: Klein and Moeschberger, Survival analysis, 2nd ed. 2003, equations 7.3.5 and 7.3.6.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from nirls.stats.survival.kaplan_meier import Array, checked


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRank:
    """The test.

    Attributes
    ----------
    statistic : float
        χ² on `df` degrees of freedom; NaN when no stratum has an event with more than one group at risk.
    df : int
    observed, expected : (k,) array
        Events of each group, in the order of `groups`.
    groups : (k,) array
    """

    statistic: float
    df: int
    observed: Array
    expected: Array
    groups: Array

    @property
    def p_value(self) -> float:
        """Two-sided."""
        return float(stats.chi2.sf(self.statistic, self.df))


def logrank(time: ArrayLike, event: ArrayLike, group: ArrayLike, strata: ArrayLike | None = None) -> LogRank:
    """Log-rank test of times (n,), events (n,) and groups (n,), stratified by `strata` (n,) where given."""
    t, e = checked(time, event)
    names, g = np.unique(np.asarray(group), return_inverse=True)
    if names.size < 2:
        raise ValueError("the log-rank test needs two groups")
    s = np.zeros(t.size, dtype=int) if strata is None else np.unique(np.asarray(strata), return_inverse=True)[1]
    k = names.size
    observed, expected, variance = np.zeros(k), np.zeros(k), np.zeros((k, k))
    for stratum in range(s.max() + 1):
        own = s == stratum
        when = np.unique(t[own & (e == 1)])
        if not when.size:
            continue
        risk, deaths = np.zeros((when.size, k)), np.zeros((when.size, k))
        for j in range(k):
            mine = np.sort(t[own & (g == j)])
            risk[:, j] = mine.size - np.searchsorted(mine, when, side="left")
            at = np.searchsorted(when, t[own & (g == j) & (e == 1)])
            deaths[:, j] = np.bincount(at, minlength=when.size)
        n, d = risk.sum(axis=1), deaths.sum(axis=1)
        share = risk / n[:, None]
        observed, expected = observed + deaths.sum(axis=0), expected + (d[:, None] * share).sum(axis=0)
        factor = np.where(n > 1, d * (n - d) / np.maximum(n - 1, 1), 0.0)
        variance += np.diag((factor[:, None] * share).sum(axis=0)) - np.einsum("i,ij,ik->jk", factor, share, share)
    difference = (observed - expected)[:-1]
    v = variance[:-1, :-1]
    usable = np.linalg.matrix_rank(v) == k - 1
    statistic = float(difference @ np.linalg.solve(v, difference)) if usable else float("nan")
    return LogRank(statistic=statistic, df=k - 1, observed=observed, expected=expected, groups=names)
