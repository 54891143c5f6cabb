"""A structure with parameters of its own in each group of subjects.

Visits are numbered through all groups, group by group. A subject has visits of one group only, so that missingness patterns become
patterns × groups and nothing else in the engine changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from nirls.stats.mmrm.declaration import Structure

Array = np.ndarray


def by_group(base: Structure, groups: tuple[str, ...], n_visits: int) -> Structure:
    """`base`, of T = `n_visits`, once for each of `groups`."""
    g, k = len(groups), base.count

    def each(theta: Array, visits: Array) -> Iterator[tuple[slice, Array, Array, Array]]:
        """Of every group: its parameters, their values, its patterns, their visits."""
        own = visits[:, 0] // n_visits
        for i in range(g):
            at = np.flatnonzero(own == i)
            if at.size:
                mine = slice(i * k, (i + 1) * k)
                yield mine, theta[..., mine], at, visits[at] - i * n_visits

    def sigma(theta: Array, visits: Array) -> Array:
        t = visits.shape[1]
        result = np.empty((*theta.shape[:-1], len(visits), t, t))
        for _, part, at, own in each(theta, visits):
            result[..., at, :, :] = base.sigma(part, own)
        return result

    def first(theta: Array, visits: Array) -> Array:
        t = visits.shape[1]
        result = np.zeros((*theta.shape[:-1], g * k, len(visits), t, t))
        for mine, part, at, own in each(theta, visits):
            result[..., mine, at, :, :] = base.first(part, own)
        return result

    def second(theta: Array, visits: Array) -> Array:
        assert base.second is not None
        t = visits.shape[1]
        result = np.zeros((*theta.shape[:-1], g * k, g * k, len(visits), t, t))
        for mine, part, at, own in each(theta, visits):
            result[..., mine, mine, at, :, :] = base.second(part, own)
        return result

    def start(whole: Array) -> Array:
        spans = [slice(i * n_visits, (i + 1) * n_visits) for i in range(g)]
        return np.concatenate([base.start(whole[span, span]) for span in spans])

    return replace(
        base,
        label=f"{base.label}, by group",
        names=tuple(f"{name}, {group}" for group in groups for name in base.names),
        sigma=sigma,
        first=first,
        second=None if base.second is None else second,
        start=start,
        powers=np.tile(base.powers, g),
        shifts=None if base.shifts is None else np.tile(base.shifts, g),
        groups=g,
    )
