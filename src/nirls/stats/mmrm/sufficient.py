"""Sufficient statistics of a repeated-measures layout, one set per missingness pattern.

Subjects seen at the same visits share V. With z = (x, y) a row of design and outcome (q = p + 1),
pattern g contributes to every quadratic form of the likelihood only through

    S_g[a, b] = Σ_i z_ia z_ib'        (a, b visits of the pattern)

so that Σ_i Z_i' M_g Z_i = Σ_ab M_g[a, b] S_g[a, b] for any symmetric t×t matrix M_g. After this one
pass over the data nothing depends on the number of subjects. Both symmetries are used: only a ≤ b
and, of the q×q block, only its upper triangle is stored.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Array = np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """The patterns with the same number t of visits.

    Attributes
    ----------
    visits : (G, t) int array
        Visits of each pattern, ascending.
    counts : (G,) int array
        Subjects of each pattern.
    rows : slice
        The block's rows of :attr:`Statistics.packed`: G·t(t+1)/2 of them, pattern by pattern.
    """

    visits: Array
    counts: Array
    rows: slice


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """All S_g, packed.

    Attributes
    ----------
    blocks : tuple of Block
    packed : (Σ G·t(t+1)/2, q(q+1)/2) float array
        Row (g, a ≤ b): upper triangle of S_g[a,b] + S_g[b,a] (of S_g[a,a] when a = b).
    width : int
        q.
    n_visits, n_subjects, n_obs : int
    """

    blocks: tuple[Block, ...]
    packed: Array
    width: int
    n_visits: int
    n_subjects: int
    n_obs: int

    def weigh(self, weights: list[Array]) -> Array:
        """Σ_g Σ_ab M_g[a,b] S_g[a,b] for symmetric M.

        Parameters
        ----------
        weights : list of (..., G, t, t) arrays, one per block

        Returns
        -------
        (..., q, q) array
        """
        flat = np.concatenate([_upper(w) for w in weights], axis=-1)
        return _unpack(flat @ self.packed, self.width)

    def trace(self, form: Array) -> list[Array]:
        """E_g[a,b] = tr(Ω S_g[a,b]) for one symmetric Ω (q, q): list of (G, t, t) symmetric arrays, one per block."""
        rows, columns = np.triu_indices(self.width)
        values = self.packed @ np.where(rows == columns, form[rows, columns], 2.0 * form[rows, columns])
        result = []
        for block in self.blocks:
            n_patterns, t = block.visits.shape
            a, b = np.triu_indices(t)
            part = values[block.rows].reshape(n_patterns, a.size) * np.where(a == b, 1.0, 0.5)
            full = np.empty((n_patterns, t, t))
            full[:, a, b] = part
            full[:, b, a] = part
            result.append(full)
        return result


def _upper(matrices: Array) -> Array:
    """(..., G, t, t) → (..., G·t(t+1)/2), the upper triangles."""
    *lead, n_patterns, t, _ = matrices.shape
    a, b = np.triu_indices(t)
    return matrices[..., a, b].reshape(*lead, n_patterns * a.size)


def _unpack(packed: Array, width: int) -> Array:
    """(..., q(q+1)/2) upper triangles → (..., q, q) symmetric."""
    rows, columns = np.triu_indices(width)
    where = np.empty((width, width), dtype=np.intp)
    where[rows, columns] = where[columns, rows] = np.arange(rows.size)
    return packed[..., where]


def _chunks(indices: Array, numbers_each: int) -> list[Array]:
    """`indices` in parts whose temporary arrays stay below some ten megabytes."""
    size = max(1, 2**20 // numbers_each)
    return [indices[i : i + size] for i in range(0, indices.size, size)]


def collect(z: Array, subject: Array, visit: Array, n_visits: int) -> Statistics:
    """One pass over the data.

    Parameters
    ----------
    z : (n, q) float array
        Design columns and outcome, one row per observation, without missing values.
    subject : (n,) int array
        Subject codes 0 … N−1, each occurring.
    visit : (n,) int array
        Visit codes 0 … T−1; a subject has a visit at most once.
    n_visits : int
        T.
    """
    order = np.argsort(subject * n_visits + visit, kind="stable")
    z, subject, visit = z[order], subject[order], visit[order]
    n_subjects = int(subject[-1]) + 1
    seen = np.zeros((n_subjects, n_visits), dtype=bool)
    seen[subject, visit] = True
    first_row = np.concatenate([[0], np.cumsum(np.bincount(subject, minlength=n_subjects))[:-1]])
    # one sort key per pattern, by number of visits first, so that patterns of equal t lie together
    size_bytes = seen.sum(axis=1).astype(">u2").view(np.uint8).reshape(n_subjects, 2)
    keys = np.column_stack([size_bytes, np.packbits(seen, axis=1)])
    keys = keys.view(np.dtype((np.void, keys.shape[1]))).ravel()
    _, example, membership, counts = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
    members = np.split(np.argsort(membership, kind="stable"), np.cumsum(counts)[:-1])
    sizes = seen[example].sum(axis=1)

    width = z.shape[1]
    rows, columns = np.triu_indices(width)
    packed = np.empty((int((sizes * (sizes + 1) // 2).sum()), rows.size))
    filled, blocks = 0, []
    for t in np.unique(sizes):
        patterns = np.flatnonzero(sizes == t)
        a, b = np.triu_indices(t)
        block_start = filled
        starts = filled + a.size * np.arange(patterns.size)
        single = counts[patterns] == 1
        for some in _chunks(np.flatnonzero(single), a.size * width**2):  # patterns of one subject, as with actual times, all at once
            stacked = z[first_row[example[patterns[some]]][:, None] + np.arange(t)]
            products = stacked[:, a, :, None] * stacked[:, b, None, :]
            products = products + products.swapaxes(-1, -2)
            products[:, a == b] *= 0.5
            packed[starts[some][:, None] + np.arange(a.size)] = products[:, :, rows, columns]
        for g, at in zip(patterns[~single], starts[~single], strict=True):
            stacked = z[first_row[members[g]][:, None] + np.arange(t)].reshape(counts[g], t * width)
            products = (stacked.T @ stacked).reshape(t, width, t, width)[a, :, b, :]
            products = products + products.transpose(0, 2, 1)
            products[a == b] *= 0.5
            packed[at : at + a.size] = products[:, rows, columns]
        filled += patterns.size * a.size
        visits = np.nonzero(seen[example[patterns]])[1].reshape(patterns.size, t)
        blocks.append(Block(visits=visits, counts=counts[patterns], rows=slice(block_start, filled)))
    return Statistics(blocks=tuple(blocks), packed=packed, width=width, n_visits=n_visits, n_subjects=n_subjects, n_obs=z.shape[0])
