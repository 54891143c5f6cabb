"""From many analyses to one: Rubin's rules, the jackknife, the bootstrap.

Rubin's variance of a reference-based imputation is *information-anchored*: it grows with the share of missing values as under MAR. The
jackknife and the bootstrap of the whole procedure estimate its *repeated-sampling* variance, which is smaller, because values borrowed
from the reference arm carry no uncertainty of their own. They answer different questions and are never mixed.

References
----------
.. [1] Rubin DB. Multiple imputation for nonresponse in surveys. Wiley 1987, chapter 3.
.. [2] Barnard J, Rubin DB. Small-sample degrees of freedom with multiple imputation. Biometrika 1999;86:948–955, eq. 3.
.. [3] Cro S, Carpenter JR, Kenward MG. Information-anchored sensitivity analysis. J R Stat Soc A 2019;182:623–645.
.. [4] Wolbers M, et al. Standard and reference-based conditional mean imputation. Pharm Stat 2022;21:1246–1257, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nirls.stats.contrasts import Contrasts

Array = np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooled:
    """Pooled estimates, all of one shape.

    Attributes
    ----------
    estimate, std_error, df : arrays
        `df` is infinite where the reference distribution is normal.
    mc_error : array
        Standard error of `estimate` due to the number of draws; 0 for the jackknife and the bootstrap, whose estimate is not drawn. (The
        standard error of the bootstrap has itself a relative error of about 1/√(2(B−1)).)
    missing_information : array
        λ = (1 + 1/M)·B/V of Rubin; NaN otherwise.
    """

    estimate: Array
    std_error: Array
    df: Array
    mc_error: Array
    missing_information: Array

    @property
    def tests(self) -> Contrasts:
        """t (or normal) statistics, p-values and intervals."""
        return Contrasts(estimate=self.estimate, std_error=self.std_error, df=self.df)


def rubin(estimate: Array, variance: Array, df_complete: Array | float) -> Pooled:
    """Rubin's rules with the degrees of freedom of Barnard and Rubin.

    Parameters
    ----------
    estimate, variance : (M, ...) arrays
        Of each completed data set.
    df_complete : float or (...) array
        Degrees of freedom if nothing were missing.
    """
    m = len(estimate)
    if m < 2:
        raise ValueError("Rubin's rules need two imputations at least")
    between = estimate.var(axis=0, ddof=1)
    total = variance.mean(axis=0) + (1.0 + 1.0 / m) * between
    lost = (1.0 + 1.0 / m) * between / total
    complete = np.broadcast_to(np.asarray(df_complete, dtype=float), total.shape)
    observed = (complete + 1.0) / (complete + 3.0) * complete * (1.0 - lost)
    # 1/ν = 1/ν_old + 1/ν_obs with ν_old = (M − 1)/λ², which is infinite when the imputations agree
    df = 1.0 / (lost**2 / (m - 1.0) + 1.0 / observed)
    return Pooled(estimate=estimate.mean(axis=0), std_error=np.sqrt(total), df=df, mc_error=np.sqrt(between / m), missing_information=lost)


def jackknife(estimate: Array, replicates: Array) -> Pooled:
    """The estimate (...) and those without each of the n subjects (n, ...): se² = (n−1)/n Σ(θ₍₋ᵢ₎ − θ̄)², normal reference."""
    n = len(replicates)
    spread = np.sqrt((n - 1.0) / n * ((replicates - replicates.mean(axis=0)) ** 2).sum(axis=0))
    return _normal(estimate, spread)


def bootstrap(estimate: Array, replicates: Array) -> Pooled:
    """The estimate (...) and those of B bootstrap samples (B, ...): their SD is the standard error, normal reference."""
    spread = replicates.std(axis=0, ddof=1)
    return _normal(estimate, spread)


def _normal(estimate: Array, spread: Array) -> Pooled:
    nan, infinite = np.full_like(spread, np.nan), np.full_like(spread, np.inf)
    return Pooled(estimate=estimate, std_error=spread, df=infinite, mc_error=np.zeros_like(spread), missing_information=nan)
