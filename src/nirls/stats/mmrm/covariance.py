"""Covariance structures by name.

:data:`STRUCTURES` and :data:`TIMED` are the tables every other module reads; a further structure is one function that returns a
:class:`~nirls.stats.mmrm.declaration.Structure`. Nothing else needs to know how many parameters a structure has or what they mean.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nirls.stats.mmrm.declaration import Structure, of_visits
from nirls.stats.mmrm.structured import STRUCTURED
from nirls.stats.mmrm.timed import TIMED, with_knot
from nirls.stats.mmrm.unstructured import unstructured, unstructured_cholesky

__all__ = ["LADDER", "STRUCTURES", "TIMED", "Structure", "is_timed", "of_visits", "structure"]

STRUCTURES: dict[str, Callable[[int], Structure]] = {"us": unstructured, **STRUCTURED, "us-cholesky": unstructured_cholesky}

# From the most general to the simplest: what to declare when a fit must not fail for want of data.
LADDER: tuple[str, ...] = ("us", "toeph", "ar1h", "csh", "adh", "toep", "ar1", "cs")


def is_timed(name: str | Structure) -> bool:
    """True for a structure in continuous time."""
    return name.timed if isinstance(name, Structure) else name in TIMED or knot(name) is not None


def knot(name: str) -> float | None:
    """K of "random-slope@K"; none for another name.

    Raises
    ------
    ValueError
        If K is not a number.
    """
    head, at, tail = name.partition("@")
    if head != "random-slope" or not at:
        return None
    try:
        return float(tail)
    except ValueError:
        raise ValueError(f"covariance {name!r}: the knot {tail!r} is not a number; write for example random-slope@12") from None


def structure(name: str | Structure, times: np.ndarray) -> Structure:
    """The structure called `name` of as many visits as there are `times` (a :class:`Structure` is returned as it is).

    Raises
    ------
    ValueError
        If there is no structure of that name; the message lists those there are. If a structure in continuous time is asked for and
        `times` are not numbers.
    """
    if isinstance(name, Structure):
        return name
    if is_timed(name):
        if not np.issubdtype(times.dtype, np.number):
            raise ValueError(f"covariance {name!r} needs times as numbers")
        bend = knot(name)
        if bend is None:
            return TIMED[name](times.astype(float))
        if not times.min() < bend < times.max():
            raise ValueError(f"covariance {name!r}: the knot is not within the times {times.min():g} to {times.max():g}")
        return with_knot(times.astype(float), bend)
    if name not in STRUCTURES:
        raise ValueError(f"unknown covariance structure {name!r}; implemented: {', '.join([*STRUCTURES, *TIMED])}")
    return STRUCTURES[name](len(times))
