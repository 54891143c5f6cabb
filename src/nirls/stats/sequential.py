"""Group-sequential boundaries by error spending.

The test statistics of looks at information fractions t_1 < … < t_K are those of a Brownian motion B: Z_k = B(t_k)/√t_k. Boundaries
and crossing probabilities come from the recursion of Armitage, McPherson and Rowe (J R Stat Soc A 1969;132:235–244) for the density
of B(t_k) among paths that have not crossed; spending functions are those of Lan and DeMets (Biometrika 1983;70:659–663).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import optimize, special

Array = np.ndarray
Spending = Literal["obrien-fleming", "pocock"]

_REACH = 9.0
"""Where the normal density is cut off, in standard deviations: 1e-19 lies beyond."""
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)
_PANEL = 1.0
"""Width of a panel of 16 nodes, in standard deviations of the narrower step."""
_BLOCK = 512
_FURTHEST = 38.0
"""Critical values are looked for up to here: beyond, the tail underflows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Boundaries:
    """Boundaries at K looks.

    Attributes
    ----------
    fractions : (K,) array
        Information fractions.
    critical : (K,) array
        Reject when Z ≥ critical (one-sided) or |Z| ≥ critical (two-sided); infinite where nothing is spent.
    nominal : (K,) array
        The same on the scale of the p-value of the look, one- or two-sided as `sides`.
    spent : (K,) array
        Cumulative α.
    exit : (K,) array
        Probability under the null hypothesis to cross first at this look.
    alpha : float
    sides : int
    spending : str
    """

    fractions: Array
    critical: Array
    nominal: Array
    spent: Array
    exit: Array
    alpha: float
    sides: Literal[1, 2]
    spending: Spending


def spend(fractions: Array, alpha: float, *, sides: Literal[1, 2], spending: Spending) -> Array:
    """Cumulative α spent at information fractions.

    Each side spends a = α/sides: 2{1 − Φ(z_{1−a/2}/√t)} (O'Brien–Fleming type) or a·log(1 + (e − 1)t) (Pocock type).
    Putting a two-sided α into the one-sided function would spend it twice.
    """
    t, a = np.asarray(fractions, float), alpha / sides
    if spending == "obrien-fleming":
        return sides * 2.0 * special.ndtr(special.ndtri(a / 2.0) / np.sqrt(t))
    if spending == "pocock":
        return sides * a * np.log1p((np.e - 1.0) * t)
    raise ValueError(f"there is no spending function {spending!r}; there are 'obrien-fleming' and 'pocock'")


def boundaries(fractions: Array, alpha: float, *, sides: Literal[1, 2], spending: Spending = "obrien-fleming") -> Boundaries:
    """Boundaries that spend α as the spending function says.

    Parameters
    ----------
    fractions : (K,) array
        Information fractions of the looks so far and planned, increasing, in (0, 1]. Information is 1/variance of the estimate.
    alpha : float
        Overall level: of the one-sided test if `sides` is 1, of the two-sided test if it is 2.
    sides : {1, 2}
        Two-sided boundaries are symmetric; both tails are taken into account exactly.
    spending : {"obrien-fleming", "pocock"}

    Raises
    ------
    ValueError
        If the fractions do not increase within (0, 1], or α is not between 0 and 1.
    """
    t = _looks(fractions)
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha = {alpha} is not between 0 and 1")
    if sides not in (1, 2):
        raise ValueError(f"sides = {sides!r}: a test has 1 or 2 sides")
    spent = spend(t, alpha, sides=sides, spending=spending)
    to_spend = np.diff(spent, prepend=0.0)
    critical, walk = np.empty(t.size), _Walk(t, sides)
    for k in range(t.size):
        critical[k] = walk.bound(to_spend[k])
        walk.step(critical[k])
    nominal = sides * special.ndtr(-critical)
    return Boundaries(
        fractions=t,
        critical=critical,
        nominal=nominal,
        spent=spent,
        exit=np.sum(walk.crossed, axis=1),
        alpha=alpha,
        sides=sides,
        spending=spending,
    )


def exit_probabilities(critical: Array, fractions: Array, *, sides: Literal[1, 2], drift: float = 0.0) -> tuple[Array, Array]:
    """Probabilities to cross first at each look, upwards and downwards.

    Parameters
    ----------
    critical : (K,) array
        Boundaries of Z; lower boundaries are −critical if `sides` is 2, and absent if it is 1.
    fractions : (K,) array
    drift : float
        E(Z) at information fraction 1: 0 under the null hypothesis; the sum of the probabilities is the power under any other.

    Returns
    -------
    upper, lower : (K,) arrays
    """
    t, b = _looks(fractions), np.asarray(critical, float)
    if b.shape != t.shape:
        raise ValueError(f"{t.size} looks need {t.size} critical values, not {b.size}")
    walk = _Walk(t, sides, drift)
    for k in range(t.size):
        walk.step(b[k])
    upper, lower = np.array(walk.crossed).T
    return upper, lower


def repeated_p_value(p_value: float, fractions: Array, *, sides: Literal[1, 2], spending: Spending = "obrien-fleming") -> float:
    """The smallest overall α whose boundary at the last look is crossed by the p-value of that look.

    Used in place of p-values it turns a procedure for one look into one for several (Maurer W, Bretz F. Stat Biopharm Res
    2013;5:311–320, without looking back at earlier data): p ≤ nominal level at α·w exactly when the repeated p-value ≤ α·w.

    Parameters
    ----------
    p_value : float
        Of the test of all data up to the last look, one- or two-sided as `sides`. NaN gives NaN.
    fractions : (k,) array
        Information fractions up to and including this look.
    """
    if np.isnan(p_value):
        return float("nan")
    if not 0.0 <= p_value <= 1.0:
        raise ValueError(f"{p_value} is not a p-value")

    def excess(logit: float) -> float:
        level = boundaries(fractions, float(special.expit(logit)), sides=sides, spending=spending).nominal[-1]
        return float(special.logit(level) - special.logit(p_value))

    low, high = -690.0, 30.0  # α from 1e-300 to 1 − 1e-13
    if p_value == 0.0 or excess(low) >= 0.0:
        return 0.0
    if p_value == 1.0 or excess(high) <= 0.0:
        return 1.0
    return float(special.expit(optimize.brentq(excess, low, high, xtol=1e-12, rtol=1e-14)))


class _Walk:
    """Density of B(t) among paths that have not crossed, on quadrature nodes; a point mass at 0 to begin with."""

    def __init__(self, times: Array, sides: int, drift: float = 0.0) -> None:
        self.times, self.sides, self.drift = times, sides, drift
        self.gaps = np.diff(times, prepend=0.0)
        self.at, self.mass = np.zeros(1), np.ones(1)  # mass: density × quadrature weight
        self.crossed: list[tuple[float, float]] = []

    def _beyond(self, critical: float) -> tuple[float, float]:
        """Probability that Z of the next look is beyond ±critical, upwards and downwards."""
        k = len(self.crossed)
        centre, sd, bound = self.at + self.drift * self.gaps[k], np.sqrt(self.gaps[k]), critical * np.sqrt(self.times[k])
        up = self.mass @ special.ndtr((centre - bound) / sd)
        down = self.mass @ special.ndtr((-bound - centre) / sd) if self.sides == 2 else 0.0
        return float(up), float(down)

    def bound(self, probability: float) -> float:
        """The critical value of the next look that is crossed with this probability."""
        if probability <= 0.0:
            return np.inf

        def excess(z: float) -> float:
            return float(np.log(max(sum(self._beyond(z)), 1e-320) / probability))

        return float(optimize.brentq(excess, 0.0 if self.sides == 2 else -_FURTHEST, _FURTHEST, xtol=1e-13, rtol=1e-14))

    def step(self, critical: float) -> None:
        """Go on to the next look, counting what crosses and keeping what does not."""
        k = len(self.crossed)
        gap, root, mean = self.gaps[k], np.sqrt(self.times[k]), self.drift * self.times[k]
        self.crossed.append(self._beyond(critical))
        upper = min(critical * root, mean + _REACH * root)
        lower = max(-critical * root if self.sides == 2 else -np.inf, mean - _REACH * root)
        smooth = np.sqrt(self.gaps[k : k + 2].min())  # this density is as smooth as the last step, and must serve the next
        panels = max(1, int(np.ceil((upper - lower) / (_PANEL * smooth))))
        edges = np.linspace(lower, max(upper, lower), panels + 1)
        half = np.diff(edges) / 2.0
        nodes = ((edges[:-1] + half)[:, None] + half[:, None] * _NODES).ravel()
        weights = (half[:, None] * _WEIGHTS).ravel()
        centre, reach = self.at + self.drift * gap, _REACH * np.sqrt(gap)
        density = np.empty(nodes.size)
        for start in range(0, nodes.size, _BLOCK):
            block = nodes[start : start + _BLOCK]
            near = slice(*np.searchsorted(centre, [block[0] - reach, block[-1] + reach]))
            density[start : start + _BLOCK] = np.exp(-0.5 * (block[:, None] - centre[near]) ** 2 / gap) @ self.mass[near]
        self.at, self.mass = nodes, weights * density / np.sqrt(2.0 * np.pi * gap)


def _looks(fractions: Array) -> Array:
    t = np.atleast_1d(np.asarray(fractions, float))
    if t.ndim != 1 or t.size == 0 or not (np.diff(t, prepend=0.0) > 0.0).all() or t[-1] > 1.0:
        raise ValueError(f"information fractions must increase within (0, 1], not {np.array2string(t, separator=', ')}")
    return t
