"""Monte-Carlo errors of means and of functions of sums, and the rows of `truth.json`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nirls.simulate.config import Trial

PARTS = 20
"""Parts of the subjects for the jackknife."""


class Mean:
    """Running mean and standard error over chunks; the first axis is the subject."""

    def __init__(self) -> None:
        self.n, self.sum, self.square = 0, 0.0, 0.0

    def add(self, values: ArrayLike) -> None:
        """Add the values of more subjects."""
        values = np.asarray(values, dtype=float)
        self.n += len(values)
        self.sum = self.sum + values.sum(axis=0)
        self.square = self.square + (values**2).sum(axis=0)

    def result(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean and its standard error."""
        mean = np.asarray(self.sum) / self.n
        return mean, np.sqrt(np.maximum(np.asarray(self.square) / self.n - mean**2, 0) / self.n)


class Means:
    """Means by (quantity, arm, comparison), in the order in which they first come."""

    def __init__(self) -> None:
        self.of: dict[tuple[str, str, str], Mean] = {}

    def add(self, quantity: str, arm: str, values: ArrayLike, comparison: str = "") -> None:
        """Add the values of more subjects; without any, nothing happens."""
        if len(np.asarray(values)):
            self.of.setdefault((quantity, arm, comparison), Mean()).add(values)

    def rows(self, weeks: tuple[int | None, ...] = (None,), decimals: int = 5) -> list[dict[str, Any]]:
        """Rows of `truth.json`; `weeks` belong to the second axis of the values."""
        found = []
        for (quantity, arm, comparison), mean in self.of.items():
            for week, value, se in zip(weeks, *(np.atleast_1d(x) for x in mean.result()), strict=True):
                found.append(row(quantity, arm, comparison, week, value, se, decimals))
        return found


def jackknife(parts: NDArray, value: Callable[[NDArray], NDArray[np.float64]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A function of sums over subjects, and its standard error by leaving out one of the parts (first axis) in turn.

    Efron B. The jackknife, the bootstrap and other resampling plans. SIAM 1982, section 3.2, for g groups: SE² = (g − 1)/g Σ (θ₍ᵢ₎ − θ̄)².
    """
    whole, g = parts.sum(axis=0), len(parts)
    left = np.array([value(whole - part) for part in parts])
    return value(whole), np.sqrt((g - 1) / g * ((left - left.mean(axis=0)) ** 2).sum(axis=0))


def by_quantity(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with those of one quantity together, in the order in which the quantities first come."""
    order = {quantity: k for k, quantity in enumerate(dict.fromkeys(r["quantity"] for r in rows))}
    return sorted(rows, key=lambda r: order[r["quantity"]])


def row(quantity: str, arm: str, comparison: str, week: int | None, value: float, mc_se: float, decimals: int = 5) -> dict[str, Any]:
    """A row of `truth.json`."""
    return {
        "quantity": quantity,
        "arm": arm,
        "comparison": comparison,
        "week": week,
        "value": round(float(value), decimals),
        "mc_se": round(float(mc_se), decimals),
    }


def versus(trial: Trial, reference: str) -> dict[str, tuple[int, ...]]:
    """What is compared with the reference: every other arm, and a pool of the near-infrared arms of each wavelength with several.

    Returns
    -------
    dict of str to tuple of int
        Name to the positions of its arms; a pool is their plain mean.
    """
    groups: dict[str, tuple[int, ...]] = {arm.code: (k,) for k, arm in enumerate(trial.arms) if arm.code != reference}
    for wavelength in dict.fromkeys(arm.wavelength for arm in trial.arms if arm.kind == "nir"):
        members = tuple(k for k, arm in enumerate(trial.arms) if arm.kind == "nir" and arm.wavelength == wavelength)
        if len(members) > 1:
            groups[f"All {wavelength} nm"] = members
    return groups
