"""Random numbers that belong to one draw of one analysis."""

from __future__ import annotations

import hashlib

import numpy as np


def stream(analysis: str, draw: int, seed: int = 0) -> np.random.Generator:
    """The generator of one draw.

    It depends on nothing but its arguments, so that neither another analysis nor a larger number of draws changes a number.

    Parameters
    ----------
    analysis : str
        Name of the analysis.
    draw : int
    seed : int
        Of the study.
    """
    name = int.from_bytes(hashlib.sha256(analysis.encode()).digest()[:16], "big")
    return np.random.default_rng(np.random.SeedSequence([seed, name], spawn_key=(draw,)))
