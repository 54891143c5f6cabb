"""What a covariance structure has to say of itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Array = np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """One covariance structure for T visits and k = ``count(T)`` parameters.

    Attributes
    ----------
    name, label : str
        Name in calls and configuration; name in text.
    count : callable
        T → k.
    sigma : callable
        (θ (k,), T) → Σ (T, T). Any θ is allowed; a Σ that is not positive definite is rejected by
        the optimiser, so no transformation of θ is needed. A θ outside the domain gives NaN.
    first : callable
        (θ, T) → ∂Σ/∂θ (k, T, T).
    second : callable or None
        (θ, T) → ∂²Σ/∂θ² (k, k, T, T); none when Σ is linear in θ.
    start : callable
        Σ₀ (T, T), positive definite → θ₀ (k,).
    powers : callable
        T → (k,) power of the outcome's unit carried by each parameter (2 for a variance or
        covariance, 1 for an SD, 0 for a correlation): θ of c·y is c**power · θ of y + shift · log c.
    shifts : callable or None
        T → (k,) multiples of log c, for parameters that are logarithms; none when there are none.
    names : callable
        T → k labels, visits counted from 1.
    every_pair : bool
        True when each pair of visits has a parameter of its own, so that each pair must have been
        seen together in at least one subject.
    groups : int
        Number of groups of subjects with a Σ of their own (:func:`nirls.stats.mmrm.grouped.by_group`); T then counts the visits of
        all groups, group by group.
    timed : bool
        True when the T "visits" are distinct times (:mod:`nirls.stats.mmrm.timed`): only the part of Σ that belongs to some subject has
        to be positive definite, and a start does not need Σ₀.
    """

    name: str
    label: str
    count: Callable[[int], int]
    sigma: Callable[[Array, int], Array]
    first: Callable[[Array, int], Array]
    second: Callable[[Array, int], Array] | None
    start: Callable[[Array], Array]
    powers: Callable[[int], Array]
    names: Callable[[int], tuple[str, ...]]
    shifts: Callable[[int], Array] | None = None
    every_pair: bool = False
    groups: int = 1
    timed: bool = False
