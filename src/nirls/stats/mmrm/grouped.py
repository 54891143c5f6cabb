"""A structure with parameters of its own in each group of subjects.

Visits are numbered through all groups, group by group, and Σ is block diagonal. A subject has visits of one
block only, so that missingness patterns become patterns × groups and nothing else in the engine changes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy import linalg

from nirls.stats.mmrm.declaration import Structure

Array = np.ndarray


def by_group(base: Structure, groups: tuple[str, ...]) -> Structure:
    """`base` once for each of `groups`; T of the result counts the visits of all groups."""
    g = len(groups)

    def split(theta: Array, n_visits: int) -> tuple[Array, int]:
        return theta.reshape(g, -1), n_visits // g

    def sigma(theta: Array, n_visits: int) -> Array:
        parts, t = split(theta, n_visits)
        return linalg.block_diag(*(base.sigma(part, t) for part in parts))

    def first(theta: Array, n_visits: int) -> Array:
        parts, t = split(theta, n_visits)
        k = parts.shape[1]
        result = np.zeros((g * k, n_visits, n_visits))
        for i, part in enumerate(parts):
            result[i * k : (i + 1) * k, i * t : (i + 1) * t, i * t : (i + 1) * t] = base.first(part, t)
        return result

    def second(theta: Array, n_visits: int) -> Array:
        assert base.second is not None
        parts, t = split(theta, n_visits)
        k = parts.shape[1]
        result = np.zeros((g * k, g * k, n_visits, n_visits))
        for i, part in enumerate(parts):
            own, seen = slice(i * k, (i + 1) * k), slice(i * t, (i + 1) * t)
            result[own, own, seen, seen] = base.second(part, t)
        return result

    def start(whole: Array) -> Array:
        t = whole.shape[0] // g
        return np.concatenate([base.start(whole[i * t : (i + 1) * t, i * t : (i + 1) * t]) for i in range(g)])

    def repeated(one: Callable[[int], Array]) -> Callable[[int], Array]:
        return lambda n_visits: np.tile(one(n_visits // g), g)

    return replace(
        base,
        label=f"{base.label}, by group",
        count=lambda n_visits: g * base.count(n_visits // g),
        sigma=sigma,
        first=first,
        second=None if base.second is None else second,
        start=start,
        powers=repeated(base.powers),
        shifts=None if base.shifts is None else repeated(base.shifts),
        names=lambda n_visits: tuple(f"{name}, {group}" for group in groups for name in base.names(n_visits // g)),
        groups=g,
    )
