"""The effect of an exposure that randomization moves: two-stage least squares with one instrument, and its Anderson–Rubin interval.

With X the covariates (intercept included), every variable is first replaced by its residual on X. The instrument is then z, the exposure d,
the outcome y, and

    β̂ = z'y / z'd,      s² = ‖y − βd‖² / (n − k),      SE = s √(z'z) / |z'd|,

k counting X and the exposure. The interval of Anderson and Rubin holds the β for which z has no effect on y − βd, by the F test with
1 and n − k degrees of freedom; it is right however weak the instrument is, and may be the line but for an interval, or all of it.

Reference: Anderson TW, Rubin H. Estimation of the parameters of a single equation in a complete system of stochastic equations. Ann Math
Stat 1949;20:46–63. Angrist JD, Imbens GW, Rubin DB. Identification of causal effects using instrumental variables. J Am Stat Assoc
1996;91:444–455.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from nirls.errors import NotEstimableError

Array = np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """The set of values that a test does not reject.

    Attributes
    ----------
    low, high : float
        Its limits; infinite where it is unbounded.
    outside : bool
        Whether the set is what lies *outside* (low, high): the line but for an interval.
    """

    low: float
    high: float
    outside: bool = False

    def __contains__(self, value: float) -> bool:
        inside = self.low <= value <= self.high
        return not self.low < value < self.high if self.outside else inside


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentalEffect:
    """Effect of one unit of exposure.

    Attributes
    ----------
    estimate, std_error : float
        Two-stage least squares.
    df : int
        n − k.
    first_stage, first_stage_f : float
        Effect of the instrument on the exposure, and its F statistic.
    reduced, reduced_std_error : float
        Effect of the instrument on the outcome (intention to treat).
    n : int
    products : (3, 3) array
        Cross-products of the residuals of z, d, y.
    """

    estimate: float
    std_error: float
    df: int
    first_stage: float
    first_stage_f: float
    reduced: float
    reduced_std_error: float
    n: int
    products: Array

    @property
    def p_value(self) -> float:
        """Two-sided, of the t test."""
        return float(2 * stats.t.sf(abs(self.estimate / self.std_error), self.df))

    def ci(self, level: float = 0.95) -> tuple[float, float]:
        """The t interval; too short where the instrument is weak (`first_stage_f` below 10)."""
        half = stats.t.ppf((1 + level) / 2, self.df) * self.std_error
        return float(self.estimate - half), float(self.estimate + half)

    def anderson_rubin(self, level: float = 0.95) -> Interval:
        """The interval that a weak instrument leaves right."""
        zz, (zd, zy), (dd, dy, yy) = self.products[0, 0], self.products[0, 1:], self.products[[1, 1, 2], [1, 2, 2]]
        # (zy − βzd)²/zz · (df + F) ≤ F · ‖y − βd‖², a quadratic aβ² + 2bβ + c ≤ 0
        f = stats.f.ppf(level, 1, self.df)
        share = (self.df + f) / zz
        a, b, c = share * zd**2 - f * dd, f * dy - share * zd * zy, share * zy**2 - f * yy
        inner = b * b - a * c
        if a > 0:  # the estimate itself fulfils it, so that there are roots
            root = np.sqrt(max(inner, 0.0))
            return Interval(low=float((-b - root) / a), high=float((-b + root) / a))
        if inner <= 0:
            return Interval(low=-np.inf, high=np.inf)
        root = np.sqrt(inner)
        return Interval(low=float((-b + root) / a), high=float((-b - root) / a), outside=True)

    def anderson_rubin_p(self, value: float = 0.0) -> float:
        """p-value of the hypothesis that the effect is `value`; of 0 it is that of the effect of the instrument on the outcome."""
        zz, (zd, zy), (dd, dy, yy) = self.products[0, 0], self.products[0, 1:], self.products[[1, 1, 2], [1, 2, 2]]
        explained = (zy - value * zd) ** 2 / zz
        left = yy - 2 * value * dy + value**2 * dd - explained
        return float(stats.f.sf(explained / (left / self.df), 1, self.df))


def instrumental_effect(y: Array, exposure: Array, instrument: Array, covariates: Array) -> InstrumentalEffect:
    """Two-stage least squares.

    Parameters
    ----------
    y, exposure, instrument : (n,) arrays
    covariates : (n, q) array
        With the intercept.

    Raises
    ------
    NotEstimableError
        The instrument is a combination of the covariates, or does not move the exposure at all.
    """
    x = np.asarray(covariates, dtype=float)
    z = np.column_stack([instrument, exposure, y]).astype(float)
    basis, _ = np.linalg.qr(x)
    residual = z - basis @ (basis.T @ z)
    products = residual.T @ residual
    n, k = len(z), x.shape[1] + 1
    if n <= k:
        raise NotEstimableError(f"{n} subjects are too few for {k} coefficients")
    total = ((z - z.mean(axis=0)) ** 2).sum(axis=0)
    if products[0, 0] <= 1e-12 * max(total[0], 1.0):
        raise NotEstimableError("the treatment cannot be told apart from the covariates")
    if products[1, 1] <= 1e-12 * max(total[1], 1.0) or abs(products[0, 1]) <= 1e-12 * np.sqrt(products[0, 0] * products[1, 1]):
        raise NotEstimableError("the exposure does not differ between the arms")
    df = n - k
    zz, zd, zy = products[0]
    estimate = zy / zd
    rest = products[2, 2] - 2 * estimate * products[1, 2] + estimate**2 * products[1, 1]
    first, reduced = zd / zz, zy / zz
    return InstrumentalEffect(
        estimate=float(estimate),
        std_error=float(np.sqrt(max(rest, 0.0) / df * zz) / abs(zd)),
        df=df,
        first_stage=float(first),
        first_stage_f=float(first**2 * zz / ((products[1, 1] - first**2 * zz) / df)) if products[1, 1] > first**2 * zz else np.inf,
        reduced=float(reduced),
        reduced_std_error=float(np.sqrt((products[2, 2] - reduced**2 * zz) / df / zz)),
        n=n,
        products=products,
    )


def ratio(effect: float, effect_se: float, uptake: float, uptake_se: float, covariance: float = 0.0) -> tuple[float, float]:
    """Effect among compliers from two effects of the arm, effect ÷ uptake, with its standard error by the delta method.

    SE² = s²_Y/D² + Y²s²_D/D⁴ − 2Y·cov/D³.
    """
    if uptake == 0:
        raise NotEstimableError("the arms do not differ in uptake")
    square = effect_se**2 / uptake**2 + effect**2 * uptake_se**2 / uptake**4 - 2 * effect * covariance / uptake**3
    return effect / uptake, float(np.sqrt(square))
