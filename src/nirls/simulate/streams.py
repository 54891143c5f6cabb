"""Random streams: one generator for each (seed, name), independent of every other.

The name is hashed with SHA-256, not with Python's salted ``hash``, so that a stream is the same in every
process. A domain added later asks for a new name and therefore moves no number of an existing one.
"""

from __future__ import annotations

import hashlib

import numpy as np


def stream(seed: int, name: str) -> np.random.Generator:
    """Generator of the stream `name` under `seed`.

    Parameters
    ----------
    seed : int
        Seed of the trial, not negative.
    name : str
        Name of the stream, for example a domain.

    Returns
    -------
    numpy.random.Generator
        PCG64 seeded by ``SeedSequence([seed, first 128 bits of SHA-256(name)])``.
    """
    if seed < 0:
        raise ValueError(f"seed must not be negative, got {seed}")
    words = np.frombuffer(hashlib.sha256(name.encode()).digest()[:16], dtype="<u4")
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *(int(word) for word in words)])))
