"""Many fits at once: the first axis of every array counts the fits.

A single fit is a batch of one, so there is one engine. A fit that fails (Σ not positive definite, say) is marked and must not
stop the others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, TypeVar

import numpy as np

Array = np.ndarray
Item = TypeVar("Item")


def cholesky(matrices: Array) -> tuple[Array, Array]:
    """Lower factors of (B, ..., n, n) and which of the B could be factored; the factors of the others are unit matrices."""
    try:
        factors = np.linalg.cholesky(matrices)
    except np.linalg.LinAlgError:
        if len(matrices) == 1:
            return np.broadcast_to(np.eye(matrices.shape[-1]), matrices.shape), np.zeros(1, dtype=bool)
        half = len(matrices) // 2
        (a, first), (b, second) = cholesky(matrices[:half]), cholesky(matrices[half:])
        return np.concatenate([a, b]), np.concatenate([first, second])
    good = np.asarray(np.isfinite(factors).all(axis=tuple(range(1, factors.ndim))))
    if not good.all():
        factors[~good] = np.eye(matrices.shape[-1])
    return factors, good


def arrays(item: Any) -> list[Array]:
    """All arrays of a dataclass, those of lists one by one."""
    found: list[Array] = []
    for f in fields(item):
        value = getattr(item, f.name)
        found.extend(value if isinstance(value, list) else [value])
    return found


def _each(item: Item, function: Callable[[Array], Array]) -> Item:
    changed: dict[str, Any] = {}
    for f in fields(item):  # type: ignore[arg-type]
        value = getattr(item, f.name)
        changed[f.name] = [function(v) for v in value] if isinstance(value, list) else function(value)
    return replace(item, **changed)  # type: ignore[type-var]


def take(item: Item, index: Array) -> Item:
    """The fits `index` of a dataclass of batched arrays (and lists of them)."""
    return _each(item, lambda value: value[index])


def put(old: Item, index: Array, new: Item) -> Item:
    """`old` with the fits `index` replaced by those of `new`."""
    if len(arrays(old)[0]) == index.size:
        return new
    result = _each(old, np.copy)
    for target, source in zip(arrays(result), arrays(new), strict=True):
        target[index] = source
    return result


# numbers in the temporary arrays of one piece of work: 32 MB
LIMIT = 2**22


def chunks(count: int, numbers_each: int) -> list[Array]:
    """0 … count−1 in parts whose arrays, of `numbers_each` numbers a piece, stay below :data:`LIMIT` numbers."""
    size = max(1, LIMIT // max(numbers_each, 1))
    return [np.arange(i, min(i + size, count)) for i in range(0, count, size)]
