"""Coordinates in which the rows of each visit are short.

In a design with effects by visit the rows of one visit span few of the p dimensions, however the columns have been turned: with U_a an
orthonormal basis (d×p) of the rows of visit a, a row is x = u U_a and the cross-products of visits a and b are U_a' (Σ u_a u_b') U_b.
Sums over patterns are then taken of d×d matrices, and U, the same for all, is multiplied in once at the end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Array = np.ndarray

# Share of a row that may be lost by leaving its visit's coordinates; rows themselves are known to eps times the condition of X.
LOST = 1e-12
FIRST_SKETCH = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Coordinates of the T visits, w of each, the outcome last.

    Attributes
    ----------
    bases : (T, w, q) array
        A row of visit a, as given, is its row of coordinates times ``bases[a]``; unused coordinates have zeros.
    first, second : (P,) int arrays
        The pairs a ≤ b of visits that some subject has.
    spans : tuple of slice
        Their rows of the packed statistics.
    """

    bases: Array
    first: Array
    second: Array
    spans: tuple[slice, ...]

    def rows(self, z: Array, visit: Array) -> Array:
        """Rows (n, q) in coordinates, (n, w)."""
        result = np.empty((len(z), self.bases.shape[1]))
        for a, basis in enumerate(self.bases):
            own = visit == a
            result[own] = z[own] @ basis.T  # the rows of a basis are orthonormal
        return result

    def expand(self, sums: list[Array]) -> Array:
        """Σ_ab U_a' C_ab U_b from C_ab (B, k, w²), a ≤ b, one for each pair: (B, k, q, q)."""
        n_visits, w, q = self.bases.shape
        whole = np.zeros((*sums[0].shape[:-1], n_visits, w, n_visits, w))
        for a, b, values in zip(self.first, self.second, sums, strict=True):
            square = values.reshape(*values.shape[:-1], w, w)
            whole[..., b, :, a, :] = square.swapaxes(-1, -2)
            whole[..., a, :, b, :] = square
        turn = self.bases.reshape(n_visits * w, q)
        half = whole.reshape(-1, n_visits * w) @ turn
        result = turn.T @ half.reshape(*sums[0].shape[:-1], n_visits * w, q)
        return (result + result.swapaxes(-1, -2)) / 2.0

    def project(self, form: Array) -> list[Array]:
        """U_a Ω U_b' of Ω (B, q, q), (B, w²), one for each pair."""
        n_visits, w, q = self.bases.shape
        turn = self.bases.reshape(n_visits * w, q)
        whole = (turn @ form @ turn.T).reshape(len(form), n_visits, w, n_visits, w)
        return [whole[:, a, :, b].reshape(len(form), w * w) for a, b in zip(self.first, self.second, strict=True)]


def choose(z: Array, visit: Array, n_visits: int, pairs: Array, *, single: bool) -> Frame | None:
    """The frame of rows (n, q), or none where it would not pay.

    Parameters
    ----------
    z, visit : (n, q), (n,) arrays
    n_visits : int
    pairs : (R,) int array
        a·T + b for each row of the packed statistics.
    single : bool
        See :func:`~nirls.stats.mmrm.sufficient.collect`.
    """
    q = z.shape[1]

    def pays(w: int) -> bool:
        turns = n_visits * w * q * (n_visits * w + q) if single else 0
        return pairs.size * w**2 + turns < pairs.size * q * (q + 1) // 2

    if n_visits > len(z) // 2 or not pays(2):
        return None
    found: list[Array] = []
    for a in range(n_visits):
        basis = _row_space(z[visit == a, :-1])
        if basis is None or not pays(len(basis) + 1):
            return None
        found.append(basis)
    w = 1 + max(len(basis) for basis in found)
    bases = np.zeros((n_visits, w, q))
    for a, basis in enumerate(found):
        bases[a, : len(basis), :-1] = basis
    bases[:, -1, -1] = 1.0
    seen, counts = np.unique(pairs, return_counts=True)
    ends = np.cumsum(counts)
    spans = tuple(slice(int(end - count), int(end)) for end, count in zip(ends, counts, strict=True))
    return Frame(bases=bases, first=seen // n_visits, second=seen % n_visits, spans=spans)


def _row_space(rows: Array) -> Array | None:
    """An orthonormal basis (d, p) of the rows (m, p), from random combinations of them; none when d is not below p."""
    m, p = rows.shape
    if m == 0:
        return np.zeros((0, p))
    largest = np.abs(rows).max()
    size = FIRST_SKETCH
    while size < p:
        mixture = np.random.default_rng(size).standard_normal((size, m))
        _, values, basis = np.linalg.svd(mixture @ rows, full_matrices=False)
        basis = basis[values > LOST * max(values[0], np.finfo(float).tiny)]
        if np.abs(rows - (rows @ basis.T) @ basis).max() <= LOST * largest:
            return np.asarray(basis)
        size *= 2
    return None
