"""Parameters of the imputation model: at the estimate, without each subject in turn, of bootstrap samples.

The model is the MMRM fitted to what was observed, without the values after an event that has a reference-based strategy:
those would make the means of an arm a mixture of before and after. All refits of one model are one computation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nirls.errors import MethodError
from nirls.stats.imputation.layout import Layout
from nirls.stats.imputation.seeds import stream
from nirls.stats.mmrm import MMRMFit, fit_mmrm, leave_one_out, reweighted

Array = np.ndarray
REDRAWN = 0.01
"""Largest share of bootstrap samples that may be drawn again because their model could not be fitted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draws:
    """B sets of parameters.

    Attributes
    ----------
    beta : (B, p) array
    sigma : (B, G, T, T) array
        One covariance for each of the G covariance groups.
    weights : (B, n) array
        How often each subject counts in the analysis of the draw.
    redrawn : int
        Bootstrap samples that could not be fitted and were drawn again.
    """

    beta: Array
    sigma: Array
    weights: Array
    redrawn: int = 0

    def whole(self) -> Draws:
        """The same parameters, to impute and analyse all subjects once."""
        return Draws(beta=self.beta, sigma=self.sigma, weights=np.ones_like(self.weights), redrawn=self.redrawn)


def visible(layout: Layout, strategy: Array) -> Array:
    """Observed values that enter the model: not those after an event, unless its strategy is MAR. (n, T) bool."""
    return ~layout.missing & ~(layout.affected & (np.asarray(strategy) != "MAR")[:, None])


def fit_model(layout: Layout, seen: Array, *, covariance: str | Sequence[str] = "us", by_group: bool = False) -> MMRMFit:
    """The MMRM of the `seen` (n, T) values, by REML.

    Raises
    ------
    MethodError
        If a visit has no value, or the model cannot be fitted.
    """
    empty = np.flatnonzero(~seen.any(axis=0))
    if empty.size:
        raise MethodError(f"no value enters the imputation model at visit {', '.join(str(v + 1) for v in empty)}")
    subject, visit = np.nonzero(seen)
    return fit_mmrm(
        layout.y[subject, visit],
        layout.x[subject, visit],
        subject,
        visit,
        covariance=covariance,
        group=layout.group[subject] if by_group else None,
    )


def estimate(layout: Layout, fit: MMRMFit) -> Draws:
    """The estimate itself."""
    return Draws(beta=fit.beta[None], sigma=_grouped(fit.sigma[None], fit), weights=np.ones((1, layout.n)))


def jackknife(layout: Layout, seen: Array, fit: MMRMFit) -> Draws:
    """The estimate, then that without each of the n subjects in turn: B = 1 + n.

    Raises
    ------
    MethodError
        If one of the models cannot be fitted; the subjects' positions are named.
    """
    inside = np.flatnonzero(seen.any(axis=1))  # the subjects of the fit, in its order
    refits = leave_one_out(fit)
    failed = inside[~refits.converged]
    if failed.size:
        reasons = {r.message for r in refits.records if not r.converged}
        raise MethodError(
            f"the jackknife model without subject {', '.join(map(str, failed[:10]))} cannot be fitted: {'; '.join(sorted(reasons))}"
        )
    place = np.zeros(1 + layout.n, dtype=int)  # who has no value in the model leaves the estimate as it is
    place[1 + inside] = 1 + np.arange(inside.size)
    sigma = np.concatenate([_grouped(fit.sigma[None], fit), _grouped(refits.sigma, fit)])
    weights = np.ones((1 + layout.n, layout.n))
    weights[1 + np.arange(layout.n), np.arange(layout.n)] = 0.0
    return Draws(beta=np.concatenate([fit.beta[None], refits.beta])[place], sigma=sigma[place], weights=weights)


def bootstrap(layout: Layout, seen: Array, fit: MMRMFit, numbers: range, name: str, seed: int = 0) -> Draws:
    """Refits to samples of subjects drawn with replacement within each arm.

    Parameters
    ----------
    numbers : range
        Numbers of the draws; a draw is the same whatever others are asked for.
    name, seed : str, int
        See :func:`nirls.stats.imputation.seeds.stream`.

    Raises
    ------
    MethodError
        If more than 1 % of the samples (but one at least) have to be drawn again.
    """
    inside = np.flatnonzero(seen.any(axis=1))
    streams = [stream(name, k, seed) for k in numbers]
    weights = np.stack([_resampled(layout.arm, rng) for rng in streams])
    fits = reweighted(fit, weights[:, inside])
    beta, sigma, redrawn = fits.beta.copy(), _grouped(fits.sigma, fit).copy(), 0
    failed = np.flatnonzero(~fits.converged)
    while failed.size:
        redrawn += failed.size
        if redrawn > max(1.0, REDRAWN * len(numbers)):
            raise MethodError(f"{redrawn} bootstrap samples of {len(numbers)} could not be fitted ({fits.records[failed[0]].message})")
        weights[failed] = [_resampled(layout.arm, streams[k]) for k in failed]
        again = reweighted(fit, weights[np.ix_(failed, inside)])
        beta[failed], sigma[failed] = again.beta, _grouped(again.sigma, fit)
        failed = failed[~again.converged]
    return Draws(beta=beta, sigma=sigma, weights=weights, redrawn=redrawn)


def _resampled(arm: Array, rng: np.random.Generator) -> Array:
    """How often each subject is in a sample of the same size from each arm."""
    counts = np.zeros(arm.size)
    for a in np.unique(arm):
        members = np.flatnonzero(arm == a)
        counts[members] = np.bincount(rng.integers(members.size, size=members.size), minlength=members.size)
    return counts


def _grouped(sigma: Array | None, fit: MMRMFit) -> Array:
    if sigma is None:
        raise MethodError("imputation needs a covariance of visits, not one in continuous time")
    return sigma[:, None] if fit.groups is None else sigma
