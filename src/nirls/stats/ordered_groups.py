"""Ordered categories of groups without a model: the row-mean-score test over strata and the win probability.

References
----------
.. [1] Landis JR, Heyman ER, Koch GG. Average partial association in three-way contingency tables. Int Stat Rev 1978;46:237-254.
.. [2] Brunner E, Munzel U. The nonparametric Behrens-Fisher problem: asymptotic theory and a small-sample approximation. Biom J
   2000;42:17-25: the variance from placements.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

Array = np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class RowMeanScore:
    """Cochran–Mantel–Haenszel test that mean scores do not differ between groups; made by :func:`row_mean_score`."""

    statistic: float
    df: int

    @property
    def p_value(self) -> float:
        """From the chi-square distribution; NaN where the statistic is."""
        return float(special.chdtrc(self.df, self.statistic)) if math.isfinite(self.statistic) else math.nan


def row_mean_score(counts: ArrayLike, scores: ArrayLike) -> RowMeanScore:
    """Row-mean-score statistic over strata [1]_; SAS ``/ CMH SCORES=TABLE``, "Row Mean Scores Differ".

    Parameters
    ----------
    counts : (k, r, c) array_like
        Strata × groups × ordered categories.
    scores : (c,) array_like

    Returns
    -------
    RowMeanScore
        With r − 1 df; NaN when no stratum lets the groups be compared.
    """
    n, a = np.asarray(counts, dtype=float), np.asarray(scores, dtype=float)
    r = n.shape[1]
    excess, cov = np.zeros(r - 1), np.zeros((r - 1, r - 1))
    for table in n:
        total = table.sum()
        if total < 2:
            continue
        size, column = table.sum(axis=1), table.sum(axis=0)
        mean = column @ a / total
        spread = column @ (a - mean) ** 2 / (total - 1)
        excess += (table @ a - size * mean)[:-1]
        cov += spread * (np.diag(size) - np.outer(size, size) / total)[:-1, :-1]
    if np.linalg.matrix_rank(cov) < r - 1:
        return RowMeanScore(statistic=math.nan, df=r - 1)
    return RowMeanScore(statistic=float(excess @ np.linalg.solve(cov, excess)), df=r - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class WinProbability:
    """P(first better than second) + ½P(equal); made by :func:`win_probability`.

    Attributes
    ----------
    estimate, std_error : float
    """

    estimate: float
    std_error: float

    def ci(self, level: float = 0.95) -> tuple[float, float]:
        """Limits on the logit scale; NaN when the estimate is 0 or 1, or nothing varies."""
        if not 0.0 < level < 1.0:
            raise ValueError(f"confidence level {level} is not between 0 and 1")
        margin = float(special.ndtri(0.5 + level / 2)) * self._logit_std_error()
        centre = float(special.logit(self.estimate))
        return float(special.expit(centre - margin)), float(special.expit(centre + margin))

    @property
    def p_value(self) -> float:
        """Two-sided test of ½ on the logit scale, the one that belongs to :meth:`ci`."""
        se = self._logit_std_error()
        return float(2 * special.ndtr(-abs(float(special.logit(self.estimate))) / se)) if se == se else math.nan

    def _logit_std_error(self) -> float:
        spread = self.estimate * (1 - self.estimate)
        return self.std_error / spread if spread > 0 and self.std_error > 0 else math.nan


def win_probability(first: ArrayLike, second: ArrayLike) -> WinProbability:
    """Win probability from counts in categories ordered from best to worst, variance from placements [2]_.

    Parameters
    ----------
    first, second : (c,) array_like
        Subjects of each group per category; at least two subjects each.
    """
    x, y = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    n, m = x.sum(), y.sum()
    if n < 2 or m < 2:
        raise ValueError("a win probability with its interval needs at least two subjects in each group")
    worse = m - np.cumsum(y) + y / 2  # subjects of the second group that a category beats, ties half
    better = np.cumsum(x) - x / 2
    win = float(x @ worse / (n * m))
    v = x @ (worse / m - win) ** 2 / (n - 1) / n + y @ (better / n - win) ** 2 / (m - 1) / m
    return WinProbability(estimate=win, std_error=math.sqrt(float(v)))
