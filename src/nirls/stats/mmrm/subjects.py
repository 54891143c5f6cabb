"""The records behind a fit, subject by subject, in stacked arrays of subjects with equally many records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

Array = np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """The n analysed records, in the order they were given.

    Attributes
    ----------
    x : (n, p) array
        Design matrix as given.
    z : (n, p + 1) array
        Working design and outcome (orthonormal, scaled, weighted).
    root_weight : (n,) array or None
        √w.
    subject, visit : (n,) int arrays
        Subject codes 0 … N−1; visit codes 0 … T−1 (through all covariance groups).
    """

    x: Array
    z: Array
    root_weight: Array | None
    subject: Array
    visit: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """The m subjects with t records each.

    Attributes
    ----------
    subjects : (m,) int array
    rows : (m, t) int array
        Their records, by visit.
    root : (m, t, t) array
        R with R'R = V⁻¹, lower triangular.
    """

    subjects: Array
    rows: Array
    root: Array


def stacks(records: Records, sigma: Array) -> Iterator[Stack]:
    """Subjects by number of records, with the whitening matrix of each (one Cholesky factor per missingness pattern)."""
    order = np.lexsort((records.visit, records.subject))
    sizes = np.bincount(records.subject)
    first = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    for t in np.unique(sizes):
        subjects = np.flatnonzero(sizes == t)
        rows = order[first[subjects][:, None] + np.arange(t)]
        patterns, member = np.unique(records.visit[rows], axis=0, return_inverse=True)
        root = np.linalg.inv(np.linalg.cholesky(sigma[patterns[:, :, None], patterns[:, None, :]]))
        yield Stack(subjects=subjects, rows=rows, root=root[member.ravel()])
