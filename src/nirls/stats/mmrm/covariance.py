"""Covariance structures of the visits: θ ↔ Σ(θ) and its exact first and second derivatives.

:data:`STRUCTURES` is the table every other module reads; a further structure is one
:class:`Structure` in it. Nothing else needs to know how many parameters a structure has or what
they mean.
"""

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
        the optimiser, so no transformation of θ is needed.
    first : callable
        (θ, T) → ∂Σ/∂θ (k, T, T).
    second : callable or None
        (θ, T) → ∂²Σ/∂θ² (k, k, T, T); none when Σ is linear in θ.
    start : callable
        Σ₀ (T, T), positive definite → θ₀ (k,).
    powers : callable
        T → (k,) power of the outcome's unit carried by each parameter (2 for a variance or
        covariance, 1 for an SD, 0 for a correlation): θ of c·y is c**power · θ of y.
    names : callable
        T → k labels, visits counted from 1.
    every_pair : bool
        True when each pair of visits has a parameter of its own, so that each pair must have been
        seen together in at least one subject.
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
    every_pair: bool = False


def _us_sigma(theta: Array, n_visits: int) -> Array:
    rows, columns = np.tril_indices(n_visits)
    sigma = np.empty((n_visits, n_visits))
    sigma[rows, columns] = theta
    sigma[columns, rows] = theta
    return sigma


def _us_first(theta: Array, n_visits: int) -> Array:
    rows, columns = np.tril_indices(n_visits)
    first = np.zeros((rows.size, n_visits, n_visits))
    parameter = np.arange(rows.size)
    first[parameter, rows, columns] = 1.0
    first[parameter, columns, rows] = 1.0
    return first


# θ holds the elements of Σ themselves, row by row of the lower triangle. Σ is then linear in θ, so the
# Kenward–Roger term in ∂²Σ/∂θ² vanishes and the linear and the full adjustment are the same (PROC MIXED's choice).
UNSTRUCTURED = Structure(
    name="us",
    label="unstructured",
    count=lambda n_visits: n_visits * (n_visits + 1) // 2,
    sigma=_us_sigma,
    first=_us_first,
    second=None,
    start=lambda sigma: sigma[np.tril_indices(sigma.shape[0])],
    powers=lambda n_visits: np.full(n_visits * (n_visits + 1) // 2, 2.0),
    names=lambda n_visits: tuple(f"UN({a + 1},{b + 1})" for a, b in zip(*np.tril_indices(n_visits), strict=True)),
    every_pair=True,
)

STRUCTURES: dict[str, Structure] = {s.name: s for s in (UNSTRUCTURED,)}


def structure(name: str | Structure) -> Structure:
    """The structure called `name` (a :class:`Structure` is returned as it is).

    Raises
    ------
    ValueError
        If there is no structure of that name; the message lists those there are.
    """
    if isinstance(name, Structure):
        return name
    if name not in STRUCTURES:
        raise ValueError(f"unknown covariance structure {name!r}; implemented: {', '.join(STRUCTURES)}")
    return STRUCTURES[name]
