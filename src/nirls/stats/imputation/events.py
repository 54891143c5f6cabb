"""Which visit an intercurrent event affects first."""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def first_affected(missing: Array, day: Array, event_day: Array) -> tuple[Array, Array]:
    """The first visit after the event or, where no event is recorded, the first of the missing visits at the end.

    Parameters
    ----------
    missing : (n, T) bool array
    day : (n, T) array
        Day of each visit: the actual one, the planned one of a missing visit.
    event_day : (n,) array
        Last day before the event takes effect (the day treatment ended); NaN for a subject without.

    Returns
    -------
    event : (n,) int array
        0-based; T when no visit is affected.
    recorded : (n,) bool array
        True where the visit follows from a recorded event, not from missing visits alone.
    """
    t = missing.shape[1]
    later = day > np.asarray(event_day, dtype=float)[:, None]  # False for NaN
    recorded = np.asarray(later.any(axis=1))
    trailing = t - np.cumprod(missing[:, ::-1], axis=1).sum(axis=1)
    return np.where(recorded, later.argmax(axis=1), trailing), recorded
