"""Missing values given what was observed, under a strategy: conditional means, random draws, and how a shift is carried on.

With μ̃, Σ̃ of the strategy (:mod:`nirls.stats.imputation.strategies`) and o, m the observed and missing visits of a subject,

    y_m | y_o ~ N(μ̃_m + Σ̃_mo Σ̃_oo⁻¹ (y_o − μ̃_o),  C = Σ̃_mm − Σ̃_mo Σ̃_oo⁻¹ Σ̃_om).

Everything observed is conditioned on, also what was observed after the event and was kept from the model of the draws.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nirls.stats.imputation.draws import Draws
from nirls.stats.imputation.layout import Alike, Layout, alike
from nirls.stats.imputation.strategies import covariance, mean

Array = np.ndarray


def complete(layout: Layout, draws: Draws, strategy: Array, *, noise: Array | None = None, anchor: Array | None = None) -> Array:
    """The data with missing values filled in, once for each draw.

    Parameters
    ----------
    layout : Layout
    draws : Draws
        B sets of parameters.
    strategy : (n,) array of str
        One for each subject; it matters from the subject's event on.
    noise : (B, n, T) array, optional
        Independent standard normal numbers: values are then drawn at random. Without, they are conditional means.
    anchor : (n,) array, optional
        See :func:`nirls.stats.imputation.strategies.mean`.

    Returns
    -------
    (B, n, T) array
    """
    result = np.repeat(layout.y[None], len(draws.beta), axis=0)
    for who, slope, left in _conditionals(layout, draws, strategy):
        # μ̃ needs the observed visits only for the residuals; both parts are linear in β
        own = _means(layout.x[who.subjects], draws.beta)
        other = own if who.strategy == "MAR" else _means(layout.x_reference[who.subjects], draws.beta)
        for_lmcf = None if anchor is None else anchor[who.subjects, None]
        centre = mean(who.strategy, own, other, who.event, for_lmcf)  # type: ignore[arg-type]
        residual = layout.y[np.ix_(who.subjects, who.observed)] - centre[..., who.observed]
        filled = centre[..., who.missing] + residual @ slope.swapaxes(1, 2)
        if noise is not None:
            root = np.linalg.cholesky(left)
            filled = filled + noise[:, who.subjects[:, None], who.missing] @ root.swapaxes(1, 2)
        result[:, who.subjects[:, None], who.missing] = filled
    return result


def carried(layout: Layout, draws: Draws, strategy: Array, delta: Array) -> Array:
    """What a sequential δ adds to each value: visit by visit, every imputed value is shifted before the later ones are imputed from it.

    With C = U D U' (U unit lower triangular) the imputed values are their conditional mean plus U e, e the successive innovations;
    adding δ to each innovation adds U δ.

    Parameters
    ----------
    delta : (n, T) array
        δ of each value that is missing; what stands at observed values is not used.

    Returns
    -------
    (B, n, T) array
    """
    result = np.zeros((len(draws.beta), *layout.y.shape))
    for who, _, left in _conditionals(layout, draws, strategy):
        root = np.linalg.cholesky(left)
        unit = root / np.diagonal(root, axis1=1, axis2=2)[:, None, :]
        result[:, who.subjects[:, None], who.missing] = delta[np.ix_(who.subjects, who.missing)] @ unit.swapaxes(1, 2)
    return result


def _conditionals(layout: Layout, draws: Draws, strategy: Array) -> Iterator[tuple[Alike, Array, Array]]:
    """For each group of like subjects Σ̃_mo Σ̃_oo⁻¹ (B, m, o) and C (B, m, m)."""
    for who in alike(layout, strategy, layout.missing):
        own, other = draws.sigma[:, who.group], draws.sigma[:, who.group_reference]
        sigma = covariance(who.strategy, own, other, who.event)  # type: ignore[arg-type]
        yield (who, *conditional(sigma, who.observed, who.missing))


def conditional(sigma: Array, observed: Array, missing: Array) -> tuple[Array, Array]:
    """Regression of the missing on the observed visits (B, m, o), and the covariance that is left (B, m, m)."""
    rows = sigma[:, missing]
    inside = sigma[:, observed][:, :, observed]
    slope = np.linalg.solve(inside, rows[:, :, observed].swapaxes(1, 2)).swapaxes(1, 2)
    left = rows[:, :, missing] - slope @ rows[:, :, observed].swapaxes(1, 2)
    return slope, (left + left.swapaxes(1, 2)) / 2.0


def _means(x: Array, beta: Array) -> Array:
    """(m, T, p), (B, p) → (B, m, T)."""
    return (beta @ x.reshape(-1, x.shape[-1]).T).reshape(len(beta), *x.shape[:2])
