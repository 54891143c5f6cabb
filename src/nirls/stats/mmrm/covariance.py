"""Covariance structures of the visits by name.

:data:`STRUCTURES` is the table every other module reads; a further structure is one
:class:`~nirls.stats.mmrm.declaration.Structure` in it. Nothing else needs to know how many parameters
a structure has or what they mean.
"""

from __future__ import annotations

import numpy as np

from nirls.stats.mmrm.declaration import Structure
from nirls.stats.mmrm.structured import STRUCTURED
from nirls.stats.mmrm.timed import TIMED
from nirls.stats.mmrm.unstructured import UNSTRUCTURED, UNSTRUCTURED_CHOLESKY

__all__ = ["LADDER", "STRUCTURES", "TIMED", "Structure", "is_timed", "structure"]

STRUCTURES: dict[str, Structure] = {s.name: s for s in (UNSTRUCTURED, *STRUCTURED, UNSTRUCTURED_CHOLESKY)}

# From the most general to the simplest: what to declare when a fit must not fail for want of data.
LADDER: tuple[str, ...] = ("us", "toeph", "ar1h", "csh", "adh", "toep", "ar1", "cs")


def is_timed(name: str | Structure) -> bool:
    """True for a structure in continuous time."""
    return name.timed if isinstance(name, Structure) else name in TIMED


def structure(name: str | Structure, times: np.ndarray | None = None) -> Structure:
    """The structure called `name` (a :class:`Structure` is returned as it is); those in continuous time need the `times`.

    Raises
    ------
    ValueError
        If there is no structure of that name; the message lists those there are.
    """
    if isinstance(name, Structure):
        return name
    if name in TIMED:
        if times is None or not np.issubdtype(times.dtype, np.number):
            raise ValueError(f"covariance {name!r} needs times as numbers")
        return TIMED[name](times.astype(float))
    if name not in STRUCTURES:
        raise ValueError(f"unknown covariance structure {name!r}; implemented: {', '.join([*STRUCTURES, *TIMED])}")
    return STRUCTURES[name]
