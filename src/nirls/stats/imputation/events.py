"""Visits missing at the end of a subject's course."""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def first_trailing(missing: Array) -> Array:
    """The first of the missing visits at the end, 0-based; T for a subject whose last visit was observed.

    Parameters
    ----------
    missing : (n, T) bool array

    Returns
    -------
    (n,) int array
    """
    return np.asarray(missing.shape[1] - np.cumprod(missing[:, ::-1], axis=1).sum(axis=1))
