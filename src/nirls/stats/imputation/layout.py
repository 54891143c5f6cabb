"""A longitudinal trial as arrays, and the groups of subjects that share one conditional distribution."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from nirls.errors import DataError

Array = np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """n subjects at T visits, with a design of p columns.

    Attributes
    ----------
    y : (n, T) array
        Everything that was observed, also after an event; NaN where missing.
    x, x_reference : (n, T, p) arrays
        Design rows of every subject at every visit, observed or not, in its own arm and in its reference arm.
    event : (n,) int array
        First visit affected by the intercurrent event, 0-based; T for a subject without.
    arm : (n,) int array
        Arm: bootstrap samples are drawn within it.
    group, group_reference : (n,) int arrays
        Which covariance matrix belongs to the subject and to its reference arm; all 0 for one common Σ.

    Raises
    ------
    DataError
        If shapes disagree, designs are not finite, or a group has no number in 0 … G−1.
    """

    y: Array
    x: Array
    x_reference: Array
    event: Array
    arm: Array
    group: Array
    group_reference: Array

    def __post_init__(self) -> None:
        n, t = self.y.shape
        shapes = [self.x.shape[:2], self.x_reference.shape[:2]]
        if any(s != (n, t) for s in shapes) or self.x.shape != self.x_reference.shape:
            raise DataError(f"outcome {self.y.shape} and designs {self.x.shape}, {self.x_reference.shape} do not belong together")
        if any(v.shape != (n,) for v in (self.event, self.arm, self.group, self.group_reference)):
            raise DataError("event, arm and covariance groups must be one for each subject")
        if not (np.isfinite(self.x).all() and np.isfinite(self.x_reference).all()) or np.isinf(self.y).any():
            raise DataError("designs must be finite at every visit, observed or not, and outcomes finite or NaN")
        if ((self.event < 0) | (self.event > t)).any():
            raise DataError(f"the first affected visit must be 0 … {t}, {t} for no event")

    @property
    def n(self) -> int:
        """Subjects."""
        return len(self.y)

    @property
    def n_visits(self) -> int:
        """T."""
        return int(self.y.shape[1])

    @property
    def missing(self) -> Array:
        """(n, T) bool."""
        return np.isnan(self.y)

    @property
    def affected(self) -> Array:
        """Visits from the event on, (n, T) bool."""
        return np.arange(self.n_visits) >= self.event[:, None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """Subjects with the same visits missing, the same event, strategy and covariances."""

    subjects: Array
    observed: Array
    missing: Array
    event: int
    strategy: str
    group: int
    group_reference: int


def alike(layout: Layout, strategy: Array, absent: Array) -> Iterator[Alike]:
    """Groups of the subjects with something `absent` (n, T)."""
    _, code = np.unique(np.asarray(strategy, dtype=str), return_inverse=True)
    table = np.column_stack([absent, layout.event, code, layout.group, layout.group_reference])
    some = np.flatnonzero(absent.any(axis=1))
    if not some.size:
        return
    _, first, member = np.unique(table[some], axis=0, return_index=True, return_inverse=True)
    for g, i in enumerate(some[first]):
        yield Alike(
            subjects=some[member.ravel() == g],
            observed=np.flatnonzero(~absent[i]),
            missing=np.flatnonzero(absent[i]),
            event=int(layout.event[i]),
            strategy=str(strategy[i]),
            group=int(layout.group[i]),
            group_reference=int(layout.group_reference[i]),
        )
