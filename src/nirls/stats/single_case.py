"""Indices of one case with a baseline phase A and a treatment phase B.

All but the log response ratio count improvement: `better` is 1 where a higher value is better and −1 where a lower one is, so that an index
near 1 always speaks for the treatment. Observations are taken as independent, which those of one person are not; standard errors are then
too small.

References: Parker RI, Vannest KJ. Behav Ther 2009;40:357–367 (NAP). Parker RI, et al. Behav Ther 2011;42:284–299 (Tau, Tau-U). Tarlow KR.
Behav Modif 2017;41:427–467 (baseline-corrected Tau). Scruggs TE, et al. Remedial Spec Educ 1987;8:24–33 (PND). Pustejovsky JE. J Sch
Psychol 2018;68:99–112 (log ratio). Sen PK. Ann Math Stat 1967;38:95–102 (variance). Newcombe RG. Stat Med 2006;25:559–573, method 5.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from nirls.errors import MethodError

Array = np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """Non-overlap of all pairs: the share of pairs of an A and a B value in which B is better, ties half.

    Attributes
    ----------
    nap : float
    variance : float
        Sen's unbiased estimate; 0 or less where the phases do not overlap.
    m, n : int
        Values in A and B.
    """

    nap: float
    variance: float
    m: int
    n: int

    @property
    def tau(self) -> float:
        """2 NAP − 1."""
        return 2 * self.nap - 1

    @property
    def std_error(self) -> float:
        """Standard error of NAP; that of Tau is twice as large.

        Raises
        ------
        MethodError
            One value in a phase, or phases without overlap.
        """
        if self.variance != self.variance:
            raise MethodError("a phase with one value has no standard error")
        if self.variance <= 0:
            raise MethodError("the phases do not overlap, so that the variance cannot be estimated")
        return math.sqrt(self.variance)

    def ci(self, level: float = 0.95) -> tuple[float, float]:
        """Interval of NAP by inversion of a score test; that of Tau is 2 × limit − 1."""
        h, z, pairs = (self.m + self.n) / 2 - 1, float(stats.norm.ppf((1 + level) / 2)), self.m * self.n

        def score(x: float) -> float:
            spread = z * z * (2 + h + (1 + 2 * h) * x * (1 - x))
            if self.nap >= 1:  # the root at 1 divided out
                return pairs * (1 - x) * (2 - x) * (1 + x) - spread * x
            if self.nap <= 0:
                return pairs * x * (2 - x) * (1 + x) - spread * (1 - x)
            return pairs * (self.nap - x) ** 2 * (2 - x) * (1 + x) - spread * x * (1 - x)

        low = 0.0 if self.nap <= 0 else float(optimize.brentq(score, 0.0, self.nap, xtol=1e-14))
        high = 1.0 if self.nap >= 1 else float(optimize.brentq(score, self.nap, 1.0, xtol=1e-14))
        return low, high


def check(a: Array, b: Array, what: str = "a phase comparison") -> tuple[Array, Array]:
    """The phases as arrays.

    Raises
    ------
    MethodError
        A baseline of one value: nothing then says how much the case varies without treatment. No value under treatment.
    """
    a, b = np.asarray(a, float), np.asarray(b, float)
    if len(a) < 2:
        raise MethodError(f"not computable ({'one baseline point' if len(a) == 1 else 'no baseline point'})")
    if len(b) < 1:
        raise MethodError("not computable (no point under treatment)")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise MethodError(f"{what} needs finite values")
    return a, b


def overlap(a: Array, b: Array, better: int = 1) -> Overlap:
    """NAP of phases a (m,) and b (n,)."""
    a, b = check(a, b)
    a, b = better * a, better * b
    q = (b[None, :] > a[:, None]) + 0.5 * (b[None, :] == a[:, None])
    m, n, nap = len(a), len(b), float(q.mean())
    variance = math.nan
    if n > 1:
        rows, columns = n * float((q.mean(axis=1) ** 2).mean()), m * float((q.mean(axis=0) ** 2).mean())
        variance = (nap - (m + n - 1) * nap**2 + rows + columns - 2 * float((q**2).mean())) / ((m - 1) * (n - 1))
    return Overlap(nap=nap, variance=variance, m=m, n=n)


def tau_u(a: Array, b: Array, better: int = 1) -> float:
    """(S_AB − S_A)/(mn), the trend of phase A taken off; it may exceed 1 in size, and follows that trend closely.

    Values of a are in order of time.
    """
    a, b = check(a, b)
    a, b = better * a, better * b
    between = np.sign(b[None, :] - a[:, None]).sum()
    within = np.sign(a[None, :] - a[:, None])[np.triu_indices(len(a), 1)].sum()
    return float((between - within) / (len(a) * len(b)))


def corrected_tau(a: Array, b: Array, times_a: Array, times_b: Array, better: int = 1) -> tuple[float, float]:
    """Tau after the Theil–Sen line of phase A is taken off both phases, and the slope of that line per unit of time."""
    a, b = check(a, b)
    ta, tb = np.asarray(times_a, float), np.asarray(times_b, float)
    i, j = np.triu_indices(len(a), 1)
    slope = float(np.median((a[j] - a[i]) / (ta[j] - ta[i])))
    pairs = better * ((b - slope * tb)[None, :] - (a - slope * ta)[:, None])
    scale = max(float(np.abs(a).max()), float(np.abs(b).max()), 1.0)
    return float(np.sign(np.where(np.abs(pairs) < 1e-10 * scale, 0.0, pairs)).mean()), slope


def beyond_best(a: Array, b: Array, better: int = 1) -> float:
    """PND: share of B values better than the best of A."""
    a, b = check(a, b)
    return float((better * b > (better * a).max()).mean())


def log_ratio(a: Array, b: Array) -> tuple[float, float]:
    """ln(mean of B / mean of A) with the delta-method correction of bias, and its standard error; below 0 is a fall.

    A mean below 1/(2n) is taken as 1/(2n), so that values all 0 have a logarithm (whole-number scale that starts at 0).

    Raises
    ------
    MethodError
        A negative value, one value in a phase, or constant phases.
    """
    a, b = check(a, b)
    if len(b) < 2:
        raise MethodError("a phase with one value has no variance")
    if min(a.min(), b.min()) < 0:
        raise MethodError("a ratio of means needs a scale that starts at 0")
    parts, total = [], 0.0
    for x in (a, b):
        mean, of_mean = max(float(x.mean()), 1 / (2 * len(x))), float(x.var(ddof=1)) / len(x)
        parts.append(math.log(mean) + of_mean / (2 * mean**2))
        total += of_mean / mean**2
    if total == 0.0:
        raise MethodError("the values of both phases are constant: there is no error to estimate")
    return parts[1] - parts[0], math.sqrt(total)


def randomization(y: Array, starts: Sequence[int], start: int, better: int = 1) -> tuple[float, float]:
    """Difference of means B − A and one-sided p over all starts of phase B that could have been drawn.

    Parameters
    ----------
    y : (k,) array
        All values in order of time.
    starts : sequence of int
        Occasions (from 1) at which phase B could have begun, all equally likely; `start` is the one drawn.

    Raises
    ------
    MethodError
        The start is none of `starts`, or a start leaves a phase empty.
    """
    y = np.asarray(y, float)
    if start not in starts or min(starts) < 2 or max(starts) > len(y):
        raise MethodError(f"phase B began at occasion {start}; the starts {min(starts)} to {max(starts)} of {len(y)} do not allow it")
    found = np.array([y[k - 1 :].mean() - y[: k - 1].mean() for k in starts])
    own = found[list(starts).index(start)]
    return float(own), float((better * found >= better * own - 1e-12).mean())
