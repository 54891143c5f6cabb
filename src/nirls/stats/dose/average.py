"""Averages of several dose–response models, and what a parametric bootstrap says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nirls.stats.dose.fit import Fits, fit_model
from nirls.stats.dose.models import Shape
from nirls.stats.dose.target import Window, window

Array = np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Averaged:
    """Fits of M models to N data sets, and their average.

    Attributes
    ----------
    fits : tuple of Fits
    weights : (N, M) array
        ∝ exp(−gAIC/2), of sum 1 in each data set.
    """

    fits: tuple[Fits, ...]
    weights: Array

    def mean(self, doses: Array) -> Array:
        """The average curve at doses (m,) or (N, m): (N, m)."""
        return sum(w[:, None] * fit.mean(doses) for w, fit in zip(self.weights.T, self.fits, strict=True))  # type: ignore[return-value]

    def windows(self, delta: float, highest: float) -> tuple[Window, ...]:
        """Doses with an effect of Δ: of each model, then of the average."""
        n = len(self.weights)
        curves = [*(fit.mean for fit in self.fits), self.mean]
        return tuple(window(curve, n, delta, highest) for curve in curves)


def average(
    shapes: Sequence[Shape], doses: Array, estimates: Array, cov: Array, *, constants: Sequence[dict[str, float]] | None = None
) -> Averaged:
    """Fit every shape to every data set and weigh the fits by gAIC.

    Parameters
    ----------
    shapes : sequence of Shape
        Each identifiable from the doses.
    doses : (K,) array
    estimates : (K,) or (N, K) array
        Larger is better.
    cov : (K, K) array
    constants : sequence of dict, optional
        Constants of each shape.

    Raises
    ------
    ValueError
        If there is no shape, or the doses cannot identify one.
    """
    if not shapes:
        raise ValueError("there is no model to average")
    given = constants or [{}] * len(shapes)
    fits = tuple(fit_model(shape, doses, estimates, cov, constants=c) for shape, c in zip(shapes, given, strict=True))
    gaic = np.column_stack([fit.gaic for fit in fits])
    weights = np.exp(-(gaic - gaic.min(axis=1, keepdims=True)) / 2.0)
    return Averaged(fits=fits, weights=weights / weights.sum(axis=1, keepdims=True))


def redraw(estimates: Array, cov: Array, n: int, seed: int) -> Array:
    """Draws (n, K) of the estimated means: N(μ̂, S)."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, n]))
    root = np.linalg.cholesky(cov)
    return np.asarray(estimates, float) + rng.standard_normal((n, len(root))) @ root.T


def quantile(values: Array, share: float) -> float:
    """The smallest value that at least `share` of the draws do not exceed; infinite draws stand last and are kept. NaN of none."""
    kept = values[~np.isnan(values)]
    if not kept.size:
        return float("nan")
    place = int(np.ceil(share * kept.size - 1e-9)) - 1
    return float(np.sort(kept)[min(max(place, 0), kept.size - 1)])
