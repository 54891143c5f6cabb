"""Random-effects meta-analysis of estimates with known standard errors.

y_i ~ N(μ, s_i² + τ²). τ² by restricted maximum likelihood (default), maximum likelihood, DerSimonian–Laird or Paule–Mandel; intervals of μ
by Hartung, Knapp, Sidik and Jonkman (HKSJ) with k − 1 degrees of freedom; a prediction interval with k − 2; τ² by the Q profile.

References: DerSimonian R, Laird N. Control Clin Trials 1986;7:177–188. Paule RC, Mandel J. J Res NBS 1982;87:377–385. Viechtbauer W. J Educ
Behav Stat 2005;30:261–293 (REML and ML by scoring); Stat Med 2007;26:37–52 (Q profile). Hartung J, Knapp G. Stat Med 2001;20:3875–3889.
Knapp G, Hartung J. Stat Med 2003;22:2693–2710 (the ratio not below 1). Higgins JPT, Thompson SG, Spiegelhalter DJ. J R Stat Soc A
2009;172:137–159 (prediction interval). Higgins JPT, Thompson SG. Stat Med 2002;21:1539–1558 (I², typical variance).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import optimize, special, stats

from nirls.errors import MethodError

Array = np.ndarray
Tau2 = Literal["REML", "DL", "PM", "ML"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """An estimate of μ.

    Attributes
    ----------
    estimate, std_error : float
    df : float
        Of the t distribution; infinite for the normal.
    """

    estimate: float
    std_error: float
    df: float

    def ci(self, level: float = 0.95) -> tuple[float, float]:
        """Limits of the interval."""
        half = _quantile(level, self.df) * self.std_error
        return self.estimate - half, self.estimate + half

    @property
    def p_value(self) -> float:
        """Two-sided p of μ = 0."""
        return float(2 * special.stdtr(self.df, -abs(self.estimate / self.std_error)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooled:
    """A pool of k studies.

    Attributes
    ----------
    y, s : (k,) arrays
        Estimates and standard errors.
    tau2 : float
        Variance between studies.
    method : str
        How it was estimated.
    """

    y: Array
    s: Array
    tau2: float
    method: Tau2

    @property
    def k(self) -> int:
        return len(self.y)

    @property
    def weights(self) -> Array:
        """Shares of the studies in μ, (k,), sum 1."""
        w = 1 / (self.s**2 + self.tau2)
        return w / w.sum()

    @property
    def common_weights(self) -> Array:
        """Shares in the common effect."""
        w = 1 / self.s**2
        return w / w.sum()

    def common(self) -> Mean:
        """One effect common to all studies (τ² = 0), normal."""
        w = 1 / self.s**2
        return Mean(estimate=float(w @ self.y / w.sum()), std_error=float(w.sum() ** -0.5), df=math.inf)

    def normal(self) -> Mean:
        """Random effects with the error of known variances, normal."""
        w = 1 / (self.s**2 + self.tau2)
        return Mean(estimate=float(w @ self.y / w.sum()), std_error=float(w.sum() ** -0.5), df=math.inf)

    @property
    def ratio(self) -> float:
        """q = Σw(y − μ)²/(k − 1), by which HKSJ multiplies the variance of μ."""
        w = 1 / (self.s**2 + self.tau2)
        return float(w @ (self.y - w @ self.y / w.sum()) ** 2 / (self.k - 1))

    def hksj(self, modified: bool = False) -> Mean:
        """Random effects with the error of Hartung, Knapp, Sidik and Jonkman, t of k − 1; `modified`: the ratio at least 1.

        Raises
        ------
        MethodError
            One study.
        """
        if self.k < 2:
            raise MethodError("one study: nothing to pool")
        if not modified and self.ratio <= 1e-24:
            raise MethodError("the estimates do not differ, so this error would be 0")
        plain, ratio = self.normal(), max(1.0, self.ratio) if modified else self.ratio
        return Mean(estimate=plain.estimate, std_error=plain.std_error * math.sqrt(ratio), df=self.k - 1)

    def prediction(self, level: float = 0.95, *, error: float | None = None, df: float | None = None) -> tuple[float, float, float]:
        """Limits of μ ± t √(τ² + SE²), the effect of another study, and the degrees of freedom.

        By default the error of known variances and k − 2 (Higgins, Thompson and Spiegelhalter); metafor with HKSJ: that error, k − 1.

        Raises
        ------
        MethodError
            Fewer than three studies.
        """
        if self.k < 3:
            raise MethodError(f"a prediction interval needs three studies; there {'is one' if self.k == 1 else 'are two'}")
        plain, df = self.normal(), self.k - 2 if df is None else df
        half = _quantile(level, df) * math.hypot(math.sqrt(self.tau2), plain.std_error if error is None else error)
        return plain.estimate - half, plain.estimate + half, float(df)

    def q_test(self) -> tuple[float, int, float]:
        """Cochran's Q, its degrees of freedom and p."""
        q = _q(self.y, self.s, 0.0)
        return q, self.k - 1, float(special.chdtrc(self.k - 1, q)) if self.k > 1 else math.nan

    def tau2_ci(self, level: float = 0.95) -> tuple[float, float]:
        """Q-profile limits of τ²; both 0 where even τ² = 0 leaves less spread than expected."""
        if self.k < 2:
            raise MethodError("one study: no variance between studies")
        low, high = (float(stats.chi2.ppf(p, self.k - 1)) for p in ((1 + level) / 2, (1 - level) / 2))
        return tuple(_tau2_at(self.y, self.s, q) for q in (low, high))  # type: ignore[return-value]

    def i_squared(self, tau2: float | None = None) -> float:
        """100 τ²/(τ² + typical variance within studies)."""
        w = 1 / self.s**2
        typical = (self.k - 1) * w.sum() / (w.sum() ** 2 - w @ w)
        tau2 = self.tau2 if tau2 is None else tau2
        return float(100 * tau2 / (tau2 + typical))

    def i_squared_q(self) -> float:
        """100 (Q − (k − 1))/Q, not below 0."""
        q = self.q_test()[0]
        return max(0.0, 100 * (q - (self.k - 1)) / q) if q > 0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Funnel:
    """Egger's regression: t of the slope of y on s, weights 1/s², with its degrees of freedom and p."""

    statistic: float
    df: int
    p_value: float


def pool(estimates: Sequence[float] | Array, errors: Sequence[float] | Array, method: Tau2 = "REML") -> Pooled:
    """Pool k studies; one study is itself (τ² = 0).

    Parameters
    ----------
    estimates, errors : (k,) arrays
        Estimates and their standard errors, all finite and the errors positive.

    Raises
    ------
    MethodError
        No study, or an estimate or error that is no number.
    """
    y, s = np.asarray(estimates, float), np.asarray(errors, float)
    if len(y) == 0 or y.shape != s.shape:
        raise MethodError(f"{len(y)} estimates with {len(s)} standard errors cannot be pooled")
    if not (np.isfinite(y).all() and np.isfinite(s).all() and (s > 0).all()):
        raise MethodError("every study needs an estimate and a positive standard error")
    found = {"REML": _likelihood, "ML": _likelihood, "DL": _dersimonian_laird, "PM": _paule_mandel}[method] if len(y) > 1 else None
    tau2 = 0.0 if found is None else found(y, s, method)
    return Pooled(y=y, s=s, tau2=tau2, method=method)


def funnel(y: Array, s: Array, least: int = 10) -> Funnel:
    """Egger's test of small-study effects (Egger M, et al. BMJ 1997;315:629–634).

    Raises
    ------
    MethodError
        Fewer than `least` studies, for the test then has no power (Sterne JAC, et al. BMJ 2011;343:d4002).
    """
    if len(y) < least:
        number = f"there are {len(y)}" if len(y) != 1 else "there is one"
        raise MethodError(f"a test of small-study effects has no power with fewer than {least} studies; {number}")
    design, root = np.column_stack([np.ones(len(y)), s]), 1 / np.asarray(s, float)
    beta, *_ = np.linalg.lstsq(design * root[:, None], y * root, rcond=None)
    df = len(y) - 2
    left = (y - design @ beta) * root
    cov = left @ left / df * np.linalg.inv((design * root[:, None]).T @ (design * root[:, None]))
    t = float(beta[1] / math.sqrt(cov[1, 1]))
    return Funnel(statistic=t, df=df, p_value=float(2 * special.stdtr(df, -abs(t))))


def _quantile(level: float, df: float) -> float:
    p = (1 + level) / 2
    return float(stats.norm.ppf(p) if math.isinf(df) else stats.t.ppf(p, df))


def _q(y: Array, s: Array, tau2: float) -> float:
    w = 1 / (s**2 + tau2)
    return float(w @ (y - w @ y / w.sum()) ** 2)


def _tau2_at(y: Array, s: Array, wanted: float) -> float:
    """The τ² ≥ 0 at which the generalised Q is `wanted`; 0 where it is below already. Q falls in τ²."""
    if _q(y, s, 0.0) <= wanted:
        return 0.0
    top = float(np.var(y)) + 1e-12
    while _q(y, s, top) > wanted:
        top *= 4
    return float(optimize.brentq(lambda t: _q(y, s, t) - wanted, 0.0, top, xtol=1e-14, rtol=8.9e-16))


def _dersimonian_laird(y: Array, s: Array, method: Tau2) -> float:
    w = 1 / s**2
    return max(0.0, (_q(y, s, 0.0) - (len(y) - 1)) / float(w.sum() - w @ w / w.sum()))


def _paule_mandel(y: Array, s: Array, method: Tau2) -> float:
    return _tau2_at(y, s, len(y) - 1.0)


def _likelihood(y: Array, s: Array, method: Tau2) -> float:
    """τ² by Fisher scoring with steps halved until the likelihood does not fall, from the best of a grid: it may have two maxima."""
    restricted, v = method == "REML", s**2

    def value(tau2: float) -> float:
        w = 1 / (v + tau2)
        fit = -0.5 * (np.log(v + tau2).sum() + w @ (y - w @ y / w.sum()) ** 2)
        return float(fit - (0.5 * math.log(w.sum()) if restricted else 0.0))

    scale = float(np.var(y, ddof=1)) + float(v.mean())
    tau2 = max([0.0, *(scale * np.logspace(-4, 1, 26))], key=value)
    for _ in range(200):
        w = 1 / (v + tau2)
        total, left = w.sum(), y - w @ y / w.sum()
        squared = float((w * left) @ (w * left))  # y'PPy
        if restricted:
            trace, info = float(total - w @ w / total), float(w @ w - 2 * (w**3).sum() / total + (w @ w / total) ** 2)
        else:
            trace, info = float(total), float(w @ w)
        step, now = (squared - trace) / info, value(tau2)
        if abs(step) <= 1e-13 * (tau2 + scale):
            return tau2
        new = max(0.0, tau2 + step)
        for _ in range(60):
            if value(new) >= now:
                break
            new = (new + tau2) / 2
        else:
            return tau2
        if new == tau2:
            return tau2
        tau2 = new
    raise MethodError("the variance between studies did not converge")
