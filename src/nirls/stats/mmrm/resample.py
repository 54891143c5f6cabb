"""The statistics of a data set without one subject, or with subjects weighted: no pass over the data is repeated."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nirls.stats.mmrm.batch import chunks
from nirls.stats.mmrm.sufficient import Statistics, fold, patterns, products
from nirls.stats.mmrm.working import Records

Array = np.ndarray


def without(statistics: Statistics, records: Records, left_out: Array) -> Statistics:
    """One data set for each of the subjects `left_out` (B,): all but that one."""
    rows, frame = _rows(statistics, records), statistics.frame
    packed = np.repeat(statistics.packed, left_out.size, axis=0)
    place = np.full(int(records.subject.max()) + 1, -1)
    place[left_out] = np.arange(left_out.size)
    blocks = []
    for p, block in zip(patterns(records.subject, records.visit), statistics.blocks, strict=True):
        counts = np.repeat(block.counts, left_out.size, axis=0)
        own = np.flatnonzero(place[p.subjects] >= 0)
        at = place[p.subjects[own]]
        counts[at, p.member[own]] -= 1.0
        packed[at[:, None], block.rows[p.member[own]]] -= products(rows[p.rows[own]], frame)
        blocks.append(replace(block, counts=counts))
    return replace(statistics, blocks=tuple(blocks), packed=packed)


def weighted(statistics: Statistics, records: Records, weights: Array) -> Statistics:
    """One data set for each row of `weights` (B, N): subject i counts weights[b, i] times."""
    rows, frame = _rows(statistics, records), statistics.frame
    packed = np.empty((len(weights), *statistics.packed.shape[1:]))
    blocks = []
    for p, block in zip(patterns(records.subject, records.visit), statistics.blocks, strict=True):
        t, n_patterns, size = p.rows.shape[1], len(p.visits), np.bincount(p.member)
        own = weights[:, p.subjects]
        counts = np.empty((len(weights), n_patterns))
        single = size[p.member] == 1  # with actual times nearly every subject is a pattern
        lone = p.member[single]
        counts[:, lone] = own[:, single]
        packed[:, block.rows[lone]] = own[:, single, None, None] * statistics.packed[0, block.rows[lone]]
        for g in np.flatnonzero(size > 1):
            members = np.flatnonzero(p.member == g)
            counts[:, g] = own[:, members].sum(axis=1)
            stacked = rows[p.rows[members]].reshape(members.size, -1)
            width = rows.shape[1]
            for part in chunks(len(weights), members.size * t * width + (t * width) ** 2):
                crossed = (stacked.T * own[part][:, None, members]) @ stacked
                packed[part[:, None], block.rows[g]] = fold(crossed.reshape(part.size, t, width, t, width), frame)
        blocks.append(replace(block, counts=counts))
    return replace(statistics, blocks=tuple(blocks), packed=packed)


def _rows(statistics: Statistics, records: Records) -> Array:
    """The working rows, in the coordinates of the statistics."""
    return records.z if statistics.frame is None else statistics.frame.rows(records.z, records.visit)
