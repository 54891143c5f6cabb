"""Mantel and Haenszel over strata: the Cochran–Mantel–Haenszel test, the common odds ratio and the common risk difference.

References
----------
.. [1] Mantel N, Haenszel W. Statistical aspects of the analysis of data from retrospective studies of disease. J Natl Cancer Inst
   1959;22:719-748.
.. [2] Robins J, Breslow N, Greenland S. Estimators of the Mantel-Haenszel variance consistent in both sparse data and large-strata
   limiting models. Biometrics 1986;42:311-323.
.. [3] Sato T. On the variance estimator for the Mantel-Haenszel risk difference (letter). Biometrics 1989;45:1323-1324.
.. [4] Greenland S, Robins JM. Estimation of a common effect parameter from sparse follow-up data. Biometrics 1985;41:55-68.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special

from nirls.stats.proportions.tables import Tables


@dataclass(frozen=True, slots=True, kw_only=True)
class CMHTest:
    """Cochran–Mantel–Haenszel test of general association, 1 df; equal to SAS ``/ CMH`` and R ``mantelhaen.test``.

    Attributes
    ----------
    tables : Tables
    continuity : bool
        Subtract ½ from |Σ(x1 − E)| where that is at least ½, as R does by default; SAS does not correct.
    """

    tables: Tables
    continuity: bool = False

    @property
    def informative(self) -> int:
        """Strata with both events and non-events: the others carry no information here."""
        events = self.tables.x1 + self.tables.x2
        return int(((events > 0) & (events < self.tables.total)).sum())

    @property
    def statistic(self) -> float:
        """Chi-square with 1 df; NaN when no stratum is informative."""
        t = self.tables
        big, events = t.total, t.x1 + t.x2
        # a stratum of one subject per group has N − 1 = 1: never 0
        variance = float((t.n1 * t.n2 * events * (big - events) / (big**2 * (big - 1))).sum())
        if variance == 0:
            return math.nan
        excess = abs(float((t.x1 - t.n1 * events / big).sum()))
        if self.continuity and excess >= 0.5:
            excess -= 0.5
        return excess**2 / variance

    @property
    def p_value(self) -> float:
        """Two-sided; NaN when no stratum is informative."""
        return float(special.chdtrc(1, self.statistic)) if self.informative else math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonOddsRatio:
    """Mantel–Haenszel odds ratio, group 1 against group 2; in one table the cross-product ratio with Woolf's interval."""

    tables: Tables

    def _sums(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        t = self.tables
        a, b, c, d = t.x1, t.n1 - t.x1, t.x2, t.n2 - t.x2
        return a * d / t.total, b * c / t.total, (a + d) / t.total, (b + c) / t.total

    @property
    def estimate(self) -> float:
        """The odds ratio: 0, infinity or NaN when a sum of cross products is 0."""
        r, s, _, _ = self._sums()
        above, below = float(r.sum()), float(s.sum())
        return above / below if below > 0 else math.inf if above > 0 else math.nan

    @property
    def log_std_error(self) -> float:
        """Standard error of the log odds ratio [2]_; NaN when the ratio is 0, infinite or undefined."""
        r, s, p, q = self._sums()
        above, below = float(r.sum()), float(s.sum())
        if above == 0 or below == 0:
            return math.nan
        return math.sqrt((p @ r) / (2 * above**2) + (p @ s + q @ r) / (2 * above * below) + (q @ s) / (2 * below**2))

    def ci(self, level: float = 0.95) -> tuple[float, float]:
        """Lower and upper limit, symmetric about the log odds ratio."""
        if not 0.0 < level < 1.0:
            raise ValueError(f"confidence level {level} is not between 0 and 1")
        se = self.log_std_error
        if math.isnan(se):
            return math.nan, math.nan
        factor = math.exp(float(special.ndtri(0.5 + level / 2)) * se)
        return self.estimate / factor, self.estimate * factor


@dataclass(frozen=True, slots=True, kw_only=True)
class MantelHaenszelDifference:
    """Mantel–Haenszel risk difference with a normal interval and test.

    Attributes
    ----------
    tables : Tables
    variance : {"sato", "greenland_robins"}
        Sato's variance [3]_, valid with few large strata and with many small ones; or that of Greenland and Robins [4]_ (eq. 3).
    """

    tables: Tables
    variance: Literal["sato", "greenland_robins"] = "sato"

    @property
    def estimate(self) -> float:
        """The risk difference, weighted by n1·n2/N."""
        return self.tables.pooled_difference

    @property
    def std_error(self) -> float:
        """Standard error; 0 when all proportions of a table without variation are 0 or 1."""
        t = self.tables
        w = t.weights.sum()
        if self.variance == "greenland_robins":
            top = (t.x1 * (t.n1 - t.x1) * t.n2**3 + t.x2 * (t.n2 - t.x2) * t.n1**3) / (t.n1 * t.n2 * t.total**2)
            return math.sqrt(float(top.sum())) / float(w)
        p = (t.n1**2 * t.x2 - t.n2**2 * t.x1 + t.n1 * t.n2 * (t.n2 - t.n1) / 2) / t.total**2
        q = (t.x1 * (t.n2 - t.x2) + t.x2 * (t.n1 - t.x1)) / (2 * t.total)
        return math.sqrt(max(0.0, self.estimate * float(p.sum()) + float(q.sum()))) / float(w)

    @property
    def p_value(self) -> float:
        """Two-sided p-value of no difference; NaN when the standard error is 0."""
        return float(2 * special.ndtr(-abs(self.estimate) / self.std_error)) if self.std_error > 0 else math.nan

    def ci(self, level: float = 0.95) -> tuple[float, float]:
        """Lower and upper limit; they can leave [−1, 1], as any normal interval; NaN when the standard error is 0."""
        if not 0.0 < level < 1.0:
            raise ValueError(f"confidence level {level} is not between 0 and 1")
        if self.std_error == 0:
            return math.nan, math.nan
        margin = float(special.ndtri(0.5 + level / 2)) * self.std_error
        return self.estimate - margin, self.estimate + margin
