"""The log-rank test of k groups, in one stratum or several.

Mantel N. Evaluation of survival data and two new rank order statistics arising in its consideration. Cancer Chemother Rep
1966;50:163–170; variance with ties: Klein and Moeschberger, Survival analysis, 2nd ed. 2003, equations 7.3.5 and 7.3.6. As a permutation
test: Heinze G, Gnant M, Schemper M. Exact log-rank tests for unequal follow-up. Biometrics 2003;59:1151–1157.
"""

from __future__ import annotations

from collections.abc import Sequence
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


def permutation_p(
    time: ArrayLike,
    event: ArrayLike,
    treated: ArrayLike,
    strata: ArrayLike | None = None,
    *,
    draws: int = 20_000,
    seed: int | Sequence[int] = 0,
) -> float:
    """Two-sided p of the log-rank statistic over permutations of the group within strata, for few events, where χ² is too rough.

    O − E of the treated is the sum of their scores e − Λ(t), Λ the Nelson–Aalen estimate of the stratum: a relabelling changes only who is
    summed. Follow-up has to be as long in both groups under the hypothesis.

    Parameters
    ----------
    time, event, treated : (n,) array
        `event` and `treated` 0 or 1.
    strata : (n,) array, optional
    draws : int
        Random permutations; p is (1 + those at least as far from 0) / (1 + draws).
    seed
        Of :func:`numpy.random.default_rng`.
    """
    t, e = checked(time, event)
    x = np.asarray(treated, dtype=float)
    s = np.zeros(t.size, dtype=int) if strata is None else np.unique(np.asarray(strata), return_inverse=True)[1]
    rng = np.random.default_rng(seed)
    observed, drawn = 0.0, np.zeros(draws)
    for stratum in range(s.max() + 1):
        own = s == stratum
        when, inverse = np.unique(t[own], return_inverse=True)
        d = np.bincount(inverse, weights=e[own], minlength=when.size)
        left = np.bincount(inverse, minlength=when.size)
        n = left.sum() - np.concatenate([[0], np.cumsum(left)[:-1]])
        score = e[own] - np.cumsum(d / n)[inverse]
        observed += float(score @ x[own])
        labels = rng.permuted(np.tile(x[own], (draws, 1)), axis=1)
        # centred: the expectation over permutations is that of a random share of the stratum
        drawn += labels @ score - x[own].mean() * score.sum()
        observed -= x[own].mean() * score.sum()
    return float((1 + np.count_nonzero(np.abs(drawn) >= abs(observed) - 1e-9)) / (1 + draws))
