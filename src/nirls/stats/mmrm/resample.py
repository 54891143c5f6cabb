"""The statistics of a data set without one subject, or with subjects weighted: no pass over the data is repeated."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nirls.stats.mmrm.batch import chunks
from nirls.stats.mmrm.sufficient import Statistics, patterns, products
from nirls.stats.mmrm.working import Records

Array = np.ndarray


def without(statistics: Statistics, records: Records, left_out: Array) -> Statistics:
    """One data set for each of the subjects `left_out` (B,): all but that one."""
    packed = np.repeat(statistics.packed, left_out.size, axis=0)
    place = np.full(int(records.subject.max()) + 1, -1)
    place[left_out] = np.arange(left_out.size)
    blocks = []
    for p, block in zip(patterns(records.subject, records.visit), statistics.blocks, strict=True):
        counts = np.repeat(block.counts, left_out.size, axis=0)
        own = np.flatnonzero(place[p.subjects] >= 0)
        at = place[p.subjects[own]]
        counts[at, p.member[own]] -= 1.0
        first = block.rows.start + p.member[own] * block.pairs
        packed[at[:, None], first[:, None] + np.arange(block.pairs)] -= products(records.z[p.rows[own]])
        blocks.append(replace(block, counts=counts))
    return replace(statistics, blocks=tuple(blocks), packed=packed)


def weighted(statistics: Statistics, records: Records, weights: Array) -> Statistics:
    """One data set for each row of `weights` (B, N): subject i counts weights[b, i] times."""
    packed = np.empty((len(weights), *statistics.packed.shape[1:]))
    blocks = []
    for p, block in zip(patterns(records.subject, records.visit), statistics.blocks, strict=True):
        n_patterns, size = len(p.visits), np.bincount(p.member)
        own = weights[:, p.subjects]
        counts = np.empty((len(weights), n_patterns))
        view = packed[:, block.rows].reshape(len(weights), n_patterns, block.pairs, -1)
        single = size[p.member] == 1  # with actual times nearly every subject is a pattern
        counts[:, p.member[single]] = own[:, single]
        source = statistics.packed[0, block.rows].reshape(n_patterns, block.pairs, -1)
        view[:, p.member[single]] = own[:, single, None, None] * source[p.member[single]]
        for g in np.flatnonzero(size > 1):
            members = np.flatnonzero(p.member == g)
            counts[:, g] = own[:, members].sum(axis=1)
            view[:, g] = 0.0
            for part in chunks(members.size, block.pairs * packed.shape[2]):
                features = products(records.z[p.rows[members[part]]]).reshape(part.size, -1)
                view[:, g] += (own[:, members[part]] @ features).reshape(view[:, g].shape)
        blocks.append(replace(block, counts=counts))
    return replace(statistics, blocks=tuple(blocks), packed=packed)
