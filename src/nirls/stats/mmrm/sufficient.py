"""Sufficient statistics of a repeated-measures layout, one set per missingness pattern.

Subjects seen at the same visits share V. With z = (x, y) a row of design and outcome (q = p + 1),
pattern g contributes to every quadratic form of the likelihood only through

    S_g[a, b] = Σ_i z_ia z_ib'        (a, b visits of the pattern)

so that Σ_i Z_i' M_g Z_i = Σ_ab M_g[a, b] S_g[a, b] for any symmetric t×t matrix M_g. After this one
pass over the data nothing depends on the number of subjects. Both symmetries are used: only a ≤ b
and, of the q×q block, only its upper triangle is stored. Where the rows of each visit span few dimensions, as in designs with effects by
visit, the blocks are w×w in coordinates of the visits instead (:mod:`nirls.stats.mmrm.frame`). The first axis counts data sets (B) of
one layout of patterns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from nirls.stats.mmrm.batch import chunks
from nirls.stats.mmrm.frame import Frame, choose

Array = np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """The patterns with the same number t of visits.

    Attributes
    ----------
    visits : (G, t) int array
        Visits of each pattern, ascending.
    counts : (B, G) array
        Subjects of each pattern.
    rows : (G, t(t+1)/2) int array
        Where the pairs a ≤ b of each pattern are among the rows of :attr:`Statistics.packed`.
    """

    visits: Array
    counts: Array
    rows: Array

    @property
    def pairs(self) -> int:
        """t(t+1)/2, rows of a pattern."""
        t: int = self.visits.shape[1]
        return t * (t + 1) // 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """All S_g of B data sets, packed.

    Attributes
    ----------
    blocks : tuple of Block
    packed : (B, R, columns) float array, R = Σ G·t(t+1)/2
        Row (g, a ≤ b). Without a frame the q(q+1)/2 elements of the upper triangle of S_g[a,b] + S_g[b,a] (of S_g[a,a] when a = b);
        with one the w² elements of S_g[a,b] in the coordinates of the visits a and b, the rows sorted by pair of visits.
    width : int
        q.
    n_visits : int
    frame : Frame or None
    """

    blocks: tuple[Block, ...]
    packed: Array
    width: int
    n_visits: int
    frame: Frame | None = None

    def __len__(self) -> int:
        """B."""
        return len(self.packed)

    @property
    def n_obs(self) -> Array:
        """(B,) observations."""
        return np.sum([block.visits.shape[1] * block.counts.sum(axis=1) for block in self.blocks], axis=0)

    @property
    def local_width(self) -> int:
        """Numbers in a row of all coordinates of all visits; q without a frame."""
        return self.width if self.frame is None else self.frame.bases.shape[0] * self.frame.bases.shape[1]

    def take(self, index: Array) -> Statistics:
        """The data sets `index`."""
        if index.size == len(self):
            return self
        blocks = tuple(replace(b, counts=b.counts[index]) for b in self.blocks)
        return replace(self, blocks=blocks, packed=self.packed[index])

    def together(self) -> Array:
        """Subjects seen at both of two visits, (B, T, T)."""
        pairs = np.zeros((sum(len(b.visits) for b in self.blocks), self.n_visits, self.n_visits))
        first = 0
        for block in self.blocks:
            pattern = first + np.arange(len(block.visits))[:, None, None]
            pairs[pattern, block.visits[:, :, None], block.visits[:, None, :]] = 1.0
            first += len(block.visits)
        counts = np.concatenate([block.counts for block in self.blocks], axis=1)
        return np.tensordot(counts, pairs, axes=1)

    def weigh(self, weights: list[Array]) -> Array:
        """Σ_g Σ_ab M_g[a,b] S_g[a,b] for symmetric M.

        Parameters
        ----------
        weights : list of (B, k, G, t, t) arrays, one per block

        Returns
        -------
        (B, k, q, q) array
        """
        lead = np.broadcast_shapes((len(self), 1), *(w.shape[:2] for w in weights))
        flat = np.empty((*lead, self.packed.shape[1]))
        for block, own in zip(self.blocks, weights, strict=True):
            a, b = _triangle(block.visits.shape[1])
            flat[..., block.rows] = own[..., a, b]
        if self.frame is None:
            return (flat @ self.packed)[..., _places(self.width)]
        return self.frame.expand([flat[..., s] @ self.packed[:, s] for s in self.frame.spans])

    def trace(self, form: Array) -> list[Array]:
        """E_g[a,b] = tr(Ω S_g[a,b]) for one symmetric Ω (B, q, q): list of (B, G, t, t) symmetric arrays, one per block."""
        if self.frame is None:
            rows, columns = _triangle(self.width)
            both = np.where(rows == columns, 1.0, 2.0) * form[:, rows, columns]
            values = (self.packed @ both[:, :, None])[:, :, 0]
        else:
            values = np.empty(self.packed.shape[:2])
            for s, own in zip(self.frame.spans, self.frame.project(form), strict=True):
                values[:, s] = (self.packed[:, s] @ own[:, :, None])[..., 0]
        result = []
        for block in self.blocks:
            n_patterns, t = block.visits.shape
            a, b = _triangle(t)
            part = values[:, block.rows]
            if self.frame is None:  # whose rows hold both S[a,b] and S[b,a]
                part = part * np.where(a == b, 1.0, 0.5)
            full = np.empty((len(part), n_patterns, t, t))
            full[..., a, b] = full[..., b, a] = part
            result.append(full)
        return result


@cache
def _triangle(size: int) -> tuple[Array, Array]:
    """Rows and columns of the upper triangle."""
    return np.triu_indices(size)


@cache
def _places(size: int) -> Array:
    """Where each element of a symmetric matrix lies in its packed upper triangle."""
    rows, columns = _triangle(size)
    where = np.empty((size, size), dtype=np.intp)
    where[rows, columns] = where[columns, rows] = np.arange(rows.size)
    return where


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """Subjects with equally many records.

    Attributes
    ----------
    subjects : (m,) int array
    rows : (m, t) int array
        Their records, by visit.
    visits : (G, t) int array
        The patterns among them.
    member : (m,) int array
        Pattern of each.
    """

    subjects: Array
    rows: Array
    visits: Array
    member: Array


def distinct(values: Array) -> tuple[Array, Array]:
    """The distinct values, sorted, and the place of each value among them; codes are counted rather than sorted."""
    values = np.asarray(values)
    if values.size and np.issubdtype(values.dtype, np.integer):
        lowest = values.min()
        if values.max() - lowest <= 4 * values.size:
            place = values.astype(np.intp) - int(lowest)
            seen = np.bincount(place) > 0
            return np.flatnonzero(seen).astype(values.dtype) + lowest, (np.cumsum(seen) - 1)[place]
    found, inverse = np.unique(values, return_inverse=True)
    return found, inverse.ravel()


def patterns(subject: Array, visit: Array) -> Iterator[Pattern]:
    """Subjects (codes 0 … N−1) by number of records, each with the patterns of visits that occur."""
    n_visits = int(visit.max()) + 1
    key = subject * n_visits + visit
    order = np.arange(key.size) if (np.diff(key) > 0).all() else np.argsort(key)
    sizes = np.bincount(subject)
    first = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    for t in np.unique(sizes[sizes > 0]):
        subjects = np.flatnonzero(sizes == t)
        rows = order[first[subjects][:, None] + np.arange(t)]
        seen = visit[rows]
        if t * np.log2(n_visits) < 62.0:  # one number for each pattern sorts faster than its row
            code, member = distinct(seen @ n_visits ** np.arange(t)[::-1])
            found = code[:, None] // n_visits ** np.arange(t)[::-1] % n_visits
        else:
            found, member = np.unique(seen, axis=0, return_inverse=True)
        yield Pattern(subjects=subjects, rows=rows, visits=found, member=member.ravel())


def products(stacked: Array, frame: Frame | None) -> Array:
    """Rows (m, t, q) of m subjects, in the coordinates of `frame` when there is one, → what each adds to its rows of the packed statistics:
    (m, t(t+1)/2, columns)."""
    a, b = _triangle(stacked.shape[1])
    left, right = stacked[:, a], stacked[:, b]
    if frame is not None:
        return (left[..., :, None] * right[..., None, :]).reshape(*left.shape[:2], left.shape[2] ** 2)
    rows, columns = _triangle(stacked.shape[2])
    result = left[:, :, rows] * right[:, :, columns] + left[:, :, columns] * right[:, :, rows]
    result[:, a == b] *= 0.5
    return result


def fold(crossed: Array, frame: Frame | None) -> Array:
    """Σ_i z_i z_i' with z_i = (z_i1 … z_it) end to end, (B, t, q, t, q) → packed (B, t(t+1)/2, columns)."""
    t, width = crossed.shape[1:3]
    a, b = _triangle(t)
    if frame is not None:
        return np.moveaxis(crossed[:, a, :, b], 0, 1).reshape(len(crossed), a.size, width**2)
    rows, columns = _triangle(width)
    one, other = a[:, None], b[:, None]
    result = crossed[:, one, rows, other, columns] + crossed[:, one, columns, other, rows]
    result[:, a == b] *= 0.5
    return result


def _padded(rows: Array, own: Array, place: Array, part: Array, most: int) -> Array:
    """Rows (m, …) of the data sets `part`, sorted by data set, in an array (data sets, most, …) filled up with zeros."""
    first, last = np.searchsorted(own, [part[0], part[-1] + 1])
    if last - first == part.size * most:  # nothing to fill up
        return rows[first:last].reshape(part.size, most, -1)
    stacked = np.zeros((part.size, most, rows.shape[1]))
    stacked[own[first:last] - part[0], place[first:last]] = rows[first:last]
    return stacked


def collect(
    z: Array, subject: Array, visit: Array, n_visits: int, data_set: Array | None = None, n_sets: int = 1, *, single: bool = True
) -> Statistics:
    """Pass once over the data.

    Parameters
    ----------
    z : (n, q) float array
        Design columns and, last, the outcome.
    subject : (n,) int array
        Codes 0 … N−1; each occurs.
    visit : (n,) int array
        Codes 0 … n_visits−1; no subject has a visit twice.
    n_visits : int
    data_set : (N,) int array, optional
        Data set of each subject, 0 … n_sets−1; all in one when not given.
    n_sets : int
    single : bool
        What the frame is chosen for: fast sums for many weights at once, as the Hessian of one fit needs them, or (when False) small
        statistics, because there will be many of them.
    """
    found = list(patterns(subject, visit))
    pairs = np.concatenate([_pairs(p.visits, n_visits) for p in found])
    frame = choose(z, visit, n_visits, pairs, single=single)
    order = np.arange(len(pairs)) if frame is None else np.argsort(pairs, kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(order.size)
    rows = z if frame is None else frame.rows(z, visit)
    width = rows.shape[1]
    packed = np.zeros((n_sets, order.size, width * (width + 1) // 2 if frame is None else width**2))
    blocks, filled = [], 0
    for p in found:
        t, n_patterns = p.rows.shape[1], len(p.visits)
        n_pairs = t * (t + 1) // 2
        at = place[filled : filled + n_patterns * n_pairs].reshape(n_patterns, n_pairs)
        own = np.zeros(len(p.member), dtype=np.intp) if data_set is None else data_set[p.subjects]
        counts = np.bincount(own * n_patterns + p.member, minlength=n_sets * n_patterns).reshape(n_sets, n_patterns)
        most = counts.max(axis=0)
        lone = np.flatnonzero(most[p.member] == 1)  # patterns of one subject, as with actual times, all at once
        for part in chunks(lone.size, n_pairs * packed.shape[2]):
            some = lone[part]
            packed[own[some][:, None], at[p.member[some]]] = products(rows[p.rows[some]], frame)
        for g in np.flatnonzero(most > 1):
            members = np.flatnonzero(p.member == g)
            members = members[np.argsort(own[members], kind="stable")]
            nth = np.arange(members.size) - np.concatenate([[0], np.cumsum(counts[:, g])[:-1]])[own[members]]
            for part in chunks(n_sets, int(most[g]) * t * width):
                stacked = _padded(rows[p.rows[members]].reshape(members.size, t * width), own[members], nth, part, int(most[g]))
                crossed = (stacked.swapaxes(1, 2) @ stacked).reshape(part.size, t, width, t, width)
                packed[part[:, None], at[g]] = fold(crossed, frame)
        blocks.append(Block(visits=p.visits, counts=counts.astype(float), rows=at))
        filled += at.size
    return Statistics(blocks=tuple(blocks), packed=packed, width=z.shape[1], n_visits=n_visits, frame=frame)


def _pairs(visits: Array, n_visits: int) -> Array:
    """The pairs of visits a ≤ b of patterns (G, t), as numbers a·T + b, pattern by pattern."""
    a, b = _triangle(visits.shape[1])
    return (visits[:, a] * n_visits + visits[:, b]).ravel()
