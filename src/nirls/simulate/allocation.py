"""Randomization list: permuted blocks within strata, with exact arm sizes over the whole trial.

Strata do not end on full blocks, so the blocks' compositions are made together: the table blocks × arms of
expected counts (block size × ratio) is rounded to whole numbers that keep every block size and every arm
size, each cell up or down by less than one (unbiased controlled rounding). Each block is then permuted.

References
----------
Cox LH. A constructive procedure for unbiased controlled rounding. J Am Stat Assoc 1987;82:520-524.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_EPS = 1e-9


def controlled_rounding(table: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Round a table with whole-number margins to whole numbers with the same margins.

    Parameters
    ----------
    table : array, shape (r, c)
        Not negative; row and column sums are whole numbers.
    rng : numpy.random.Generator
        Source of the random direction of each step.

    Returns
    -------
    array of int, shape (r, c)
        Every cell is the floor or the ceiling of the given one; its expectation is the given one.
    """
    for name, sums in (("row", table.sum(axis=1)), ("column", table.sum(axis=0))):
        if np.abs(sums - np.round(sums)).max() > 1e-6:
            raise ValueError(f"{name} sums must be whole numbers, got {sums}")
    work = np.where(np.abs(table - np.round(table)) < _EPS, np.round(table), table).astype(float)
    while True:
        fractional = np.abs(work - np.round(work)) > _EPS
        rows = np.flatnonzero(fractional.any(axis=1))
        if len(rows) == 0:
            return np.round(work).astype(np.int64)
        cycle = _cycle(fractional, int(rows[0]))
        plus, minus = cycle[0::2], cycle[1::2]
        parts = work - np.floor(work)
        first, second = np.array([parts[cell] for cell in plus]), np.array([parts[cell] for cell in minus])
        up, down = min((1 - first).min(), second.min()), min(first.min(), (1 - second).min())
        step = up if rng.random() < down / (up + down) else -down
        for cell in plus:
            work[cell] += step
        for cell in minus:
            work[cell] -= step
        work = np.where(np.abs(work - np.round(work)) < _EPS, np.round(work), work)


def _cycle(fractional: NDArray[np.bool_], row: int) -> list[tuple[int, int]]:
    """A closed path of fractional cells that turns at each cell, alternately along a row and along a column."""
    path: list[tuple[int, int]] = []
    seen: dict[int, int] = {}
    column = -1
    while row not in seen:
        seen[row] = len(path)
        first = next(int(j) for j in np.flatnonzero(fractional[row]) if j != column)
        path.append((row, first))
        following = next(int(i) for i in np.flatnonzero(fractional[:, first]) if i != row)
        path.append((following, first))
        row, column = following, first
    closed = path[seen[row] :]
    # coming back to a row by the very cell one left it from: that cell is no part of the cycle
    return closed[1:-1] if closed[0] == closed[-1] else closed


def allocate(
    strata: NDArray[np.int64], sizes: NDArray[np.int64], block: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Allocate subjects, in the order of their randomization, to arms.

    Parameters
    ----------
    strata : array of int, shape (n,)
        Stratum of each subject, in the order in which subjects are randomized.
    sizes : array of int, shape (arms,)
        Size of each arm; sums to n.
    block : int
        Block size; the last block of a stratum may be shorter.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    arm, position : arrays of int, shape (n,)
        Index of the arm, and the subject's place in the list of the stratum, from 1.
    """
    n = len(strata)
    if sizes.sum() != n:
        raise ValueError(f"arm sizes sum to {sizes.sum()}, but {n} subjects are to be randomized")
    lists = [np.flatnonzero(strata == s) for s in np.unique(strata)]
    blocks = [chunk for members in lists for chunk in np.array_split(members, range(block, len(members), block))]
    lengths = np.array([len(chunk) for chunk in blocks])
    counts = controlled_rounding(np.outer(lengths, sizes / n), rng)
    arm, position = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    for chunk, count in zip(blocks, counts, strict=True):
        arm[chunk] = rng.permutation(np.repeat(np.arange(len(sizes)), count))
    for members in lists:
        position[members] = np.arange(1, len(members) + 1)
    return arm, position
