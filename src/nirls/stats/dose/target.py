"""Target doses of dose–response curves: where an effect is first reached, where it is lost again, and where it is largest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Array = np.ndarray
_GRID = 721
_HALVINGS = 60
_FLAT = 1e-6
"""Share of the largest effect that must be lost at the highest dose for the curve to have a peak before it."""
_GOLDEN = (np.sqrt(5.0) - 1.0) / 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Doses of N curves with an effect of at least Δ, from 0 to the highest dose looked at.

    Attributes
    ----------
    lower : (N,) array
        The smallest dose with the effect: the target dose. Infinite where no dose has it.
    upper : (N,) array
        The dose at which it is lost again; infinite where it still holds at the highest dose, NaN where `lower` is infinite.
    peak : (N,) array
        Dose of the largest effect; infinite where the curve still rises at the highest dose, so that the peak is not identified.
    largest : (N,) array
        The largest effect in the range.
    """

    lower: Array
    upper: Array
    peak: Array
    largest: Array


def window(mean: Callable[[Array], Array], n: int, delta: float, highest: float) -> Window:
    """Look for the doses with an effect of Δ.

    Parameters
    ----------
    mean : callable
        Doses (n, m) → means of n curves (n, m); larger is better.
    n : int
        Number of curves.
    delta : float
        Δ: an improvement over dose 0, positive.
    highest : float
        The range looked at is 0 to this dose; nothing is said beyond it.

    Raises
    ------
    ValueError
        If Δ or the highest dose is not positive.
    """
    if not delta > 0:
        raise ValueError(f"delta = {delta:g}: the effect asked for is an improvement over dose 0 and must be positive")
    if not highest > 0:
        raise ValueError(f"the highest dose is {highest:g}, which leaves no range to look at")
    zero = mean(np.zeros((n, 1)))

    def effect(at: Array) -> Array:
        return mean(at if at.ndim == 2 else at[:, None]) - zero

    grid = np.linspace(0.0, highest, _GRID)
    height = effect(np.broadcast_to(grid, (n, _GRID)))
    top = height.argmax(axis=1)
    peak = _maximum(effect, grid[np.maximum(top - 1, 0)], grid[np.minimum(top + 1, _GRID - 1)])
    largest = np.maximum(effect(peak)[:, 0], height.max(axis=1))
    # the peak stands among the points of the grid, so that no effect is missed between them
    points = np.sort(np.concatenate([np.broadcast_to(grid, (n, _GRID)), peak[:, None]], axis=1), axis=1)
    reached = effect(points) >= delta
    some = reached.any(axis=1)
    first = reached.argmax(axis=1)
    rows = np.arange(n)
    lower = _crossing(effect, points[rows, np.maximum(first - 1, 0)], points[rows, first], delta, rising=True)
    after = ~reached & (np.arange(points.shape[1]) > first[:, None])
    lost = after.any(axis=1) & some
    second = np.where(lost, after.argmax(axis=1), 1)
    upper = _crossing(effect, points[rows, second - 1], points[rows, second], delta, rising=False)
    return Window(
        lower=np.where(some, lower, np.inf),
        upper=np.where(lost, upper, np.where(some, np.inf, np.nan)),
        peak=np.where(largest - height[:, -1] > _FLAT * np.abs(largest), peak, np.inf),
        largest=largest,
    )


def _crossing(effect: Callable[[Array], Array], low: Array, high: Array, delta: float, *, rising: bool) -> Array:
    """Halve the interval in which the effect passes Δ."""
    low, high = low.copy(), high.copy()
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        there = (effect(middle)[:, 0] >= delta) == rising
        low, high = np.where(there, low, middle), np.where(there, middle, high)
    return high if rising else low


def _maximum(effect: Callable[[Array], Array], low: Array, high: Array) -> Array:
    """Golden-section search for the maximum between two doses."""
    low, high = low.copy(), high.copy()
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    f_left, f_right = effect(left)[:, 0], effect(right)[:, 0]
    for _ in range(_HALVINGS):
        keep = f_left >= f_right
        low, high = np.where(keep, low, left), np.where(keep, right, high)
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        f_left, f_right = effect(left)[:, 0], effect(right)[:, 0]
    return (low + high) / 2.0
