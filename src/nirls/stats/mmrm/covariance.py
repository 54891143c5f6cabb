"""Covariance structures of the visits by name.

:data:`STRUCTURES` is the table every other module reads; a further structure is one
:class:`~nirls.stats.mmrm.declaration.Structure` in it. Nothing else needs to know how many parameters
a structure has or what they mean.
"""

from __future__ import annotations

from nirls.stats.mmrm.declaration import Structure
from nirls.stats.mmrm.structured import STRUCTURED
from nirls.stats.mmrm.unstructured import UNSTRUCTURED, UNSTRUCTURED_CHOLESKY

__all__ = ["LADDER", "STRUCTURES", "Structure", "structure"]

STRUCTURES: dict[str, Structure] = {s.name: s for s in (UNSTRUCTURED, *STRUCTURED, UNSTRUCTURED_CHOLESKY)}

# From the most general to the simplest: what to declare when a fit must not fail for want of data.
LADDER: tuple[str, ...] = ("us", "toeph", "ar1h", "csh", "adh", "toep", "ar1", "cs")


def structure(name: str | Structure) -> Structure:
    """The structure called `name` (a :class:`Structure` is returned as it is).

    Raises
    ------
    ValueError
        If there is no structure of that name; the message lists those there are.
    """
    if isinstance(name, Structure):
        return name
    if name not in STRUCTURES:
        raise ValueError(f"unknown covariance structure {name!r}; implemented: {', '.join(STRUCTURES)}")
    return STRUCTURES[name]
