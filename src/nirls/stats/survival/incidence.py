"""Cumulative incidence of an event in the presence of a competing one.

Aalen OO, Johansen S. An empirical transition matrix for non-homogeneous Markov chains based on censored observations. Scand J Stat
1978;5:141–150; variance by the delta method: Marubini E, Valsecchi MG. Analysing survival data from clinical trials and observational
studies. Wiley 1995, equation 10.12.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from nirls.stats.survival.kaplan_meier import Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Incidence:
    """Cumulative incidence of one cause at the distinct times (m,).

    Attributes
    ----------
    time, estimate, std_error : (m,) array
    """

    time: Array
    estimate: Array
    std_error: Array

    def at(self, times: ArrayLike, level: float = 0.95) -> dict[str, Array]:
        """estimate, std_error, conf_low and conf_high (log-log) at `times`; NaN beyond the longest follow-up."""
        t = np.atleast_1d(np.asarray(times, dtype=float))
        place = np.searchsorted(self.time, t, side="right")
        f, se = np.concatenate([[0.0], self.estimate])[place], np.concatenate([[0.0], self.std_error])[place]
        known = t <= self.time[-1]
        z = float(special.ndtri(0.5 + level / 2))
        with np.errstate(divide="ignore", invalid="ignore"):
            power = z * se / ((1 - f) * np.log(1 - f))
            low, high = 1 - (1 - f) ** np.exp(power), 1 - (1 - f) ** np.exp(-power)
        low, high = np.where(f == 0.0, 0.0, low), np.where(f == 0.0, 0.0, high)
        values = {"estimate": f, "std_error": se, "conf_low": np.minimum(low, high), "conf_high": np.maximum(low, high)}
        return {name: np.where(known, value, np.nan) for name, value in values.items()}


def cumulative_incidence(time: ArrayLike, cause: ArrayLike, of: int = 1) -> Incidence:
    """Incidence of cause `of` from times (n,) and causes (n,): 0 censored, 1, 2, … the causes."""
    t, c = np.asarray(time, dtype=float), np.asarray(cause, dtype=int)
    if t.shape != c.shape or not t.size or (c < 0).any() or not np.isfinite(t).all() or (t < 0).any():
        raise ValueError("times must be finite and not negative, causes 0, 1, 2, …, both of one length and not empty")
    distinct, inverse = np.unique(t, return_inverse=True)
    m = distinct.size
    d1 = np.bincount(inverse, weights=c == of, minlength=m)
    d = np.bincount(inverse, weights=c > 0, minlength=m)
    gone = np.bincount(inverse, minlength=m)
    n = t.size - np.concatenate([[0.0], np.cumsum(gone)[:-1]])
    before = np.concatenate([[1.0], np.cumprod(1 - d / n)[:-1]])  # free of every event just before each time
    step = before * d1 / n
    f = np.cumsum(step)
    # Var F(t) = Σ (F(t) − F(s))² d/(n(n−d)) + Σ S(s−)² d₁(n−d₁)/n³ − 2 Σ (F(t) − F(s)) S(s−) d₁/n²
    with np.errstate(divide="ignore", invalid="ignore"):
        a = np.where((d > 0) & (n > d), d / (n * (n - d)), 0.0)
    b, e = before**2 * d1 * (n - d1) / n**3, before * d1 / n**2
    variance = (
        f**2 * np.cumsum(a) - 2 * f * np.cumsum(f * a) + np.cumsum(f**2 * a) + np.cumsum(b) - 2 * (f * np.cumsum(e) - np.cumsum(f * e))
    )
    return Incidence(time=distinct, estimate=f, std_error=np.sqrt(np.maximum(variance, 0.0)))
