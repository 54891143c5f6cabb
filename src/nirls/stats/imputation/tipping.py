"""Tipping points: the δ at which a conclusion changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.optimize import brentq

Array = np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Tipping:
    """Where a conclusion changes.

    Attributes
    ----------
    delta : float
        NaN when it was not reached.
    reached : bool
    searched : float
        How far from zero was looked, with the sign of the direction.
    """

    delta: float
    reached: bool
    searched: float


def tipping_point(limit: Callable[[float], float], reach: float, steps: int = 40) -> Tipping:
    """The δ nearest to 0 at which `limit` changes sign.

    Parameters
    ----------
    limit : callable
        Of δ ≥ 0 in units of worsening of the treatment: the confidence limit towards no effect, turned so that it is positive while the
        effect is shown. The interval limit is zero exactly where p = α.
    reach : float
        Range of δ. When the effect is shown at 0 it is sought from 0 to `reach`; otherwise from 0 to −`reach`, the improvement of missing
        values at which the effect would be shown.
    steps : int
        Equal steps in which the first change of sign is bracketed before it is refined, so that a limit that is not monotone still
        gives the first.
    """
    if not reach > 0:
        raise ValueError(f"the range of δ must be positive, not {reach}")
    at_zero = limit(0.0)
    far = reach if at_zero > 0 else -reach
    if at_zero == 0.0:
        return Tipping(delta=0.0, reached=True, searched=far)
    grid = np.linspace(0.0, far, steps + 1)
    for low, high in pairwise(grid):
        value = limit(float(high))
        if (value > 0) != (at_zero > 0):
            if value == 0.0:
                return Tipping(delta=float(high), reached=True, searched=far)
            return Tipping(delta=float(brentq(limit, low, high, xtol=1e-10)), reached=True, searched=far)
    return Tipping(delta=float("nan"), reached=False, searched=far)
