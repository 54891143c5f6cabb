"""The Kaplan–Meier estimate, its intervals, quantiles and restricted mean.

References
----------
.. [1] Kaplan EL, Meier P. Nonparametric estimation from incomplete observations. J Am Stat Assoc 1958;53:457–481.
.. [2] Brookmeyer R, Crowley J. A confidence interval for the median survival time. Biometrics 1982;38:29–41.
.. [3] Klein JP, Moeschberger ML. Survival analysis, 2nd ed. Springer 2003, equations 4.2.2, 4.5.1 and 4.5.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

Array = np.ndarray
Transform = Literal["log-log", "log", "plain"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RestrictedMean:
    """Mean time without the event up to τ.

    Attributes
    ----------
    estimate, std_error, tau : float
    """

    estimate: float
    std_error: float
    tau: float


@dataclass(frozen=True, slots=True, kw_only=True)
class KaplanMeier:
    """The estimate at the distinct times (m,) of events and censorings.

    Attributes
    ----------
    time, n_risk, n_event, n_censored : (m,) array
    survival : (m,) array
        After the events at each time.
    greenwood : (m,) array
        Σ d / (n (n − d)) to each time; infinite once nobody is left without the event.
    n : int
    """

    time: Array
    n_risk: Array
    n_event: Array
    n_censored: Array
    survival: Array
    greenwood: Array
    n: int

    @property
    def std_error(self) -> Array:
        """Greenwood's standard error of the survival, (m,); 0 where the survival is 0."""
        with np.errstate(invalid="ignore"):
            return np.where(self.survival > 0, self.survival * np.sqrt(self.greenwood), 0.0)

    def ci(self, level: float = 0.95, transform: Transform = "log-log") -> tuple[Array, Array]:
        """Pointwise limits, (m,) each; NaN where the survival is 0, and 1 before the first event.

        "log-log" is the default of SAS, "log" that of R; see [3]_.
        """
        z = float(special.ndtri(0.5 + level / 2))
        s, g = self.survival, np.sqrt(self.greenwood)
        with np.errstate(divide="ignore", invalid="ignore"):
            if transform == "log-log":
                power = z * g / np.log(s)
                low, high = s ** np.exp(-power), s ** np.exp(power)
            elif transform == "log":
                low, high = s * np.exp(-z * g), np.minimum(s * np.exp(z * g), 1.0)
            elif transform == "plain":
                low, high = np.maximum(s - z * s * g, 0.0), np.minimum(s + z * s * g, 1.0)
            else:
                raise ValueError(f"transform must be 'log-log', 'log' or 'plain', not {transform!r}")
        none, gone = s == 1.0, s == 0.0
        return np.where(none, 1.0, np.where(gone, np.nan, low)), np.where(none, 1.0, np.where(gone, np.nan, high))

    def at(self, times: ArrayLike, level: float = 0.95, transform: Transform = "log-log") -> dict[str, Array]:
        """survival, std_error, conf_low, conf_high and n_risk at `times`; NaN beyond the longest follow-up unless nobody is left."""
        t = np.atleast_1d(np.asarray(times, dtype=float))
        place = np.searchsorted(self.time, t, side="right")
        low, high = self.ci(level, transform)
        known = (t <= self.time[-1]) | (self.survival[-1] == 0.0)

        def pick(values: Array, first: float) -> Array:
            return np.where(known, np.concatenate([[first], values])[place], np.nan)

        return {
            "survival": pick(self.survival, 1.0),
            "std_error": pick(self.std_error, 0.0),
            "conf_low": pick(low, 1.0),
            "conf_high": pick(high, 1.0),
            "n_risk": self.at_risk(t),
        }

    def at_risk(self, times: ArrayLike) -> Array:
        """Subjects without event or censoring before each of `times`."""
        t = np.atleast_1d(np.asarray(times, dtype=float))
        place = np.searchsorted(self.time, t, side="left")
        return np.append(self.n_risk, 0)[place]

    def quantile(self, p: float = 0.5, level: float = 0.95, transform: Transform = "log-log") -> tuple[float, float, float]:
        """Time by which the share p has the event, and its limits [2]_; NaN where the curve, or a limit, does not come so low.

        A curve that runs level at 1 − p gives the middle of that stretch, as SAS and R do.
        """
        low, high = self.ci(level, transform)
        # the limits of a curve at 0 are taken from the last time before, as R does
        return self._reach(self.survival, p), self._reach(_carried(low), p), self._reach(_carried(high), p)

    def _reach(self, curve: Array, p: float) -> float:
        target, eps = 1.0 - p, 1e-9
        below = np.flatnonzero(curve < target + eps)
        if not below.size:
            return float("nan")
        first = below[0]
        if abs(curve[first] - target) < eps:
            lower = np.flatnonzero(curve < target - eps)
            if lower.size:
                return float((self.time[first] + self.time[lower[0]]) / 2)
        return float(self.time[first])

    def restricted_mean(self, tau: float) -> RestrictedMean:
        """∫₀^τ S(t) dt and its standard error [3]_.

        Raises
        ------
        ValueError
            If τ is not positive, or beyond the longest follow-up while somebody is without the event.
        """
        if not tau > 0.0:
            raise ValueError(f"tau must be positive, not {tau:g}")
        if tau > self.time[-1] and self.survival[-1] > 0.0:
            raise ValueError(f"tau {tau:g} is beyond the longest follow-up {self.time[-1]:g}")
        inside = self.time <= tau
        ends = np.concatenate([self.time[inside], [tau]])
        steps = np.concatenate([[1.0], self.survival[inside]])
        pieces = steps * np.diff(np.concatenate([[0.0], ends]))
        after = np.cumsum(pieces[::-1])[::-1][1:]  # area from each time to tau
        d, n = self.n_event[inside].astype(float), self.n_risk[inside].astype(float)
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = np.where((d > 0) & (n > d), after**2 * d / (n * (n - d)), 0.0)
        return RestrictedMean(estimate=float(pieces.sum()), std_error=float(np.sqrt(terms.sum())), tau=tau)


def _carried(limit: Array) -> Array:
    out = limit.copy()
    for i in np.flatnonzero(np.isnan(out)):
        out[i] = out[i - 1] if i else 1.0
    return out


def checked(time: ArrayLike, event: ArrayLike) -> tuple[Array, Array]:
    """Times and events as arrays.

    Raises
    ------
    ValueError
        If there is none, a time is negative or not a number, or an event is neither 0 nor 1.
    """
    t, e = np.asarray(time, dtype=float), np.asarray(event, dtype=float)
    if t.ndim != 1 or t.shape != e.shape or not t.size:
        raise ValueError("times and events must be two vectors of one length, not empty")
    if not np.isfinite(t).all() or (t < 0).any():
        raise ValueError("a time is negative or not a number")
    if not np.isin(e, (0.0, 1.0)).all():
        raise ValueError("an event must be 0 or 1")
    return t, e


def kaplan_meier(time: ArrayLike, event: ArrayLike) -> KaplanMeier:
    """The Kaplan–Meier estimate [1]_ of times (n,) and events (n,), 1 for an event and 0 for a censored time.

    Who is censored at the time of an event is at risk of it.
    """
    t, e = checked(time, event)
    distinct, inverse = np.unique(t, return_inverse=True)
    d = np.bincount(inverse, weights=e, minlength=distinct.size)
    c = np.bincount(inverse, weights=1.0 - e, minlength=distinct.size)
    n = t.size - np.concatenate([[0.0], np.cumsum(d + c)[:-1]])
    with np.errstate(divide="ignore"):
        greenwood = np.cumsum(np.where(d > 0, d / (n * (n - d)), 0.0))
    return KaplanMeier(
        time=distinct, n_risk=n.astype(int), n_event=d.astype(int), n_censored=c.astype(int), survival=np.cumprod(1.0 - d / n),
        greenwood=greenwood, n=t.size,
    )  # fmt: skip
