"""The largest of several correlated t statistics.

The statistics are T = Au/s with A (M, r), rows of unit length, u ~ N(0, I_r) and s² ~ χ²_ν/ν independent. There may be more statistics
than dimensions, so that their correlation AA' is singular; and nothing is integrated over M dimensions. With u = ρω, ω uniform on the
sphere of r dimensions and ρ²/(r s²) ~ F(r, ν):

    P(max T ≥ t) = E_ω P(ρ/s ≥ t / m(ω)),   m(ω) = max_i a_i'ω,

where the inner probability is a tail of F: exact in ν, and accurate in relative terms far out in the tail. The mean over the sphere is
taken over scrambled Sobol points and their mirror images; independent scramblings give its standard error. Two dimensions or one
have no random part.

Reference: Genz A, Bretz F. Computation of multivariate normal and t probabilities. Springer, 2009 (section 4.1, spherical-radial
transformation).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import optimize, special
from scipy.stats import qmc

Array = np.ndarray
_REPLICATES, _POWER = 16, 13
_ANGLES = 2**17
"""Angles of the rule in two dimensions."""
_ROOM = 0.02
_SMALL = 1e-10
"""A dimension with a smaller share of the variance is rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MaximumT:
    """Distribution of the maximum of M statistics of a multivariate t distribution.

    Attributes
    ----------
    correlation : (M, M) array
        Positive semidefinite.
    df : float
        Degrees of freedom; infinite for the normal distribution.
    seed : int
        Of the scramblings.
    """

    correlation: Array
    df: float
    seed: int = 1
    _reach: Array = field(init=False, repr=False, compare=False)
    _rank: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        corr = np.asarray(self.correlation, float)
        if corr.ndim != 2 or corr.shape[0] != corr.shape[1] or not np.allclose(np.diagonal(corr), 1.0):
            raise ValueError("a correlation matrix is square with a unit diagonal")
        if not self.df > 0:
            raise ValueError(f"df = {self.df} must be positive")
        values, vectors = np.linalg.eigh(corr)
        if values[0] < -1e-8:
            raise ValueError(f"the correlation matrix has the negative eigenvalue {values[0]:.3g}")
        kept = values > _SMALL * values[-1]
        rows = vectors[:, kept] * np.sqrt(values[kept])
        rows /= np.linalg.norm(rows, axis=1)[:, None]
        rank = int(kept.sum())
        object.__setattr__(self, "_rank", rank)
        object.__setattr__(self, "_reach", np.stack([(points @ rows.T).max(axis=1) for points in _sphere(rank, self.seed)]))

    def sf(self, t: float) -> tuple[float, float]:
        """P(max T ≥ t) and the standard error of its integration (0 where there is no random part)."""
        reach, rank = self._reach, self._rank
        with np.errstate(divide="ignore", over="ignore"):
            square = (t / reach) ** 2 / rank
        beyond = special.fdtrc(rank, self.df, square) if np.isfinite(self.df) else special.chdtrc(rank, square * rank)
        # for t ≤ 0 every direction with a non-negative maximum is beyond; of the others, those near the centre
        chance = np.where(reach > 0, beyond, 0.0) if t > 0 else np.where(reach >= 0, 1.0, 1.0 - beyond)
        means = chance.mean(axis=1)
        error = means.std(ddof=1) / np.sqrt(means.size) if means.size > 1 else 0.0
        return float(means.mean()), float(error)

    def critical_value(self, alpha: float) -> tuple[float, float]:
        """The value that max T exceeds with probability α, and its standard error.

        Raises
        ------
        ValueError
            If α is not between 0 and 1.
        """
        if not 0.0 < alpha < 1.0:
            raise ValueError(f"alpha = {alpha} is not between 0 and 1")

        def excess(t: float) -> float:
            return self.sf(t)[0] - alpha

        # the quantile of one statistic lies below, that of Bonferroni above; a little room for the error of the integration
        single, all_apart = (-special.stdtrit(self.df, share) for share in (alpha, alpha / len(self.correlation)))
        value = float(optimize.brentq(excess, single - _ROOM, all_apart + _ROOM, xtol=1e-7))
        step = 1e-3
        slope = (excess(value + step) - excess(value - step)) / (2.0 * step)
        return value, abs(self.sf(value)[1] / slope)


def _sphere(rank: int, seed: int) -> list[Array]:
    """Replicates of equally weighted points on the unit sphere."""
    if rank == 1:
        return [np.array([[1.0], [-1.0]])]
    if rank == 2:
        angle = 2.0 * np.pi * (np.arange(_ANGLES) + 0.5) / _ANGLES
        return [np.column_stack([np.cos(angle), np.sin(angle)])]
    found = []
    for stream in np.random.SeedSequence(seed).spawn(_REPLICATES):
        uniform = qmc.Sobol(rank, scramble=True, rng=np.random.default_rng(stream)).random_base2(_POWER)
        normal = special.ndtri(np.clip(uniform, 1e-15, 1.0 - 1e-15))
        points = normal / np.linalg.norm(normal, axis=1)[:, None]
        found.append(np.concatenate([points, -points]))
    return found
