"""Means over simulated subjects with their Monte-Carlo error, and the rows of `truth.json`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nirls.simulate.config import Trial


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


def row(
    quantity: str, arm: str, comparison: str, week: int | None, value: float, mc_se: float, decimals: int = 5
) -> dict[str, int | float | str | None]:
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
    groups = {arm.code: (k,) for k, arm in enumerate(trial.arms) if arm.code != reference}
    for wavelength in dict.fromkeys(arm.wavelength for arm in trial.arms if arm.kind == "nir"):
        members = tuple(k for k, arm in enumerate(trial.arms) if arm.kind == "nir" and arm.wavelength == wavelength)
        if len(members) > 1:
            groups[f"All {wavelength} nm"] = members
    return groups
