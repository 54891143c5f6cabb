"""Counts of events in two groups, one pair per stratum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

Array = np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """k tables of two groups; made and checked by :func:`tables`.

    Attributes
    ----------
    x1, n1, x2, n2 : (k,) arrays
        Events and subjects of group 1 (the treatment) and of group 2 (the comparator). Every stratum has subjects in both groups.
    dropped : tuple of int
        Positions, among the strata given, of those that have no subject in one of the groups. They cannot compare the groups.
    """

    x1: Array
    n1: Array
    x2: Array
    n2: Array
    dropped: tuple[int, ...] = ()

    @property
    def total(self) -> Array:
        """(k,) subjects of both groups."""
        return self.n1 + self.n2

    @property
    def difference(self) -> Array:
        """(k,) differences of the observed proportions, group 1 minus group 2."""
        return self.x1 / self.n1 - self.x2 / self.n2

    @property
    def weights(self) -> Array:
        """(k,) Cochran–Mantel–Haenszel weights n1·n2/N, not normalised."""
        return self.n1 * self.n2 / self.total

    @property
    def pooled_difference(self) -> float:
        """Mantel–Haenszel risk difference Σw·d/Σw."""
        return float(self.weights @ self.difference / self.weights.sum())


def tables(x1: ArrayLike, n1: ArrayLike, x2: ArrayLike, n2: ArrayLike) -> Tables:
    """Check counts of events and put them into :class:`Tables`.

    Parameters
    ----------
    x1, n1, x2, n2 : int or (k,) array_like
        Events and subjects of the two groups, in each of k strata.

    Raises
    ------
    ValueError
        If a count is not a whole number of 0 or more, events exceed subjects, shapes differ, or no stratum has subjects in both groups.
    """
    given = [np.atleast_1d(np.asarray(v, dtype=float)) for v in (x1, n1, x2, n2)]
    if any(v.ndim != 1 or v.shape != given[0].shape for v in given):
        raise ValueError(f"the counts must be numbers or vectors of one length, not of shapes {[v.shape for v in given]}")
    for name, values in zip(("x1", "n1", "x2", "n2"), given, strict=True):
        bad = ~(np.isfinite(values) & (values >= 0) & (values == np.floor(values)))
        if bad.any():
            raise ValueError(f"{name} = {values[bad][0]:g} in stratum {int(np.flatnonzero(bad)[0])} is not a count")
    a, n, b, m = given
    for events, subjects, group in ((a, n, 1), (b, m, 2)):
        over = np.flatnonzero(events > subjects)
        if over.size:
            at = over[0]
            raise ValueError(f"{events[at]:g} events of {subjects[at]:g} subjects in group {group}, stratum {at}")
    empty = (n == 0) | (m == 0)
    if empty.all():
        raise ValueError("no stratum has subjects in both groups")
    keep = ~empty
    return Tables(x1=a[keep], n1=n[keep], x2=b[keep], n2=m[keep], dropped=tuple(int(i) for i in np.flatnonzero(empty)))
