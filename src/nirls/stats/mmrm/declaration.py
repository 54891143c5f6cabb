"""What a covariance structure has to say of itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Array = np.ndarray
Matrices = Callable[[Array, Array], Array]


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """One covariance structure with k parameters, of T visits.

    Visits are coded 0 … T−1; G patterns of t visits each are an int array (G, t). θ may have leading axes, one θ for each of many
    fits; what does not depend on θ may leave them out.

    Attributes
    ----------
    name, label : str
        Name in calls and configuration; name in text.
    names : tuple of str
        k labels, visits counted from 1.
    sigma : callable
        (θ (..., k), visits (G, t)) → Σ of those visits (..., G, t, t). Any θ is allowed; a Σ that is not positive definite is
        rejected by the optimiser, so no transformation of θ is needed. A θ outside the domain gives NaN.
    first : callable
        (θ, visits) → ∂Σ/∂θ (..., k, G, t, t).
    second : callable or None
        (θ, visits) → ∂²Σ/∂θ² (..., k, k, G, t, t); none when Σ is linear in θ.
    start : callable
        Σ₀ (T, T), positive definite → θ₀ (k,).
    powers : (k,) array
        Power of the outcome's unit carried by each parameter (2 for a variance or covariance, 1 for an SD, 0 for a correlation): θ
        of c·y is c**power · θ of y + shift · log c.
    shifts : (k,) array or None
        Multiples of log c, for parameters that are logarithms; none when there are none.
    every_pair : bool
        True when each pair of visits has a parameter of its own, so that each pair must have been seen together in at least one
        subject.
    groups : int
        Number of groups of subjects with a Σ of their own (:func:`nirls.stats.mmrm.grouped.by_group`); T then counts the visits of
        all groups, group by group.
    timed : bool
        True when the T "visits" are distinct times (:mod:`nirls.stats.mmrm.timed`): only the part of Σ that belongs to some subject has
        to be positive definite, and a start does not look at Σ₀.
    """

    name: str
    label: str
    names: tuple[str, ...]
    sigma: Matrices
    first: Matrices
    second: Matrices | None
    start: Callable[[Array], Array]
    powers: Array
    shifts: Array | None = None
    every_pair: bool = False
    groups: int = 1
    timed: bool = False

    @property
    def count(self) -> int:
        """k."""
        return len(self.names)


def of_visits(matrices: Callable[[Array], Array]) -> Matrices:
    """From a function of θ that gives all T visits, (..., T, T), to one that gives the visits of patterns, (..., G, t, t)."""
    return lambda theta, visits: matrices(theta)[..., visits[:, :, None], visits[:, None, :]]
