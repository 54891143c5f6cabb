"""Draws from the posterior of the imputation model by Gibbs sampling with data augmentation.

Prior: flat in β, |Σ_g|^−(T+1)/2 in each covariance (Jeffreys). One round draws the values missing from the model given β and Σ, then

    Σ_g | β, Y ~ inverse Wishart(n_g, Σ_i r_i r_i'),    β | Σ, Y ~ N(β̂_GLS, (Σ_i X_i'Σ⁻¹X_i)⁻¹).

Every draw is the end of a chain of its own, started at the REML estimate: draws are independent, and one more leaves the others
as they are.

References
----------
.. [1] Schafer JL. Analysis of incomplete multivariate data. Chapman & Hall 1997, sections 5.2–5.4.
.. [2] Smith WB, Hocking RR. Algorithm AS 53: Wishart variate generator. Appl Stat 1972;21:341–345.
"""

from __future__ import annotations

import numpy as np

from nirls.errors import MethodError
from nirls.stats.imputation.draws import Draws, estimate
from nirls.stats.imputation.impute import conditional
from nirls.stats.imputation.layout import Layout, alike
from nirls.stats.imputation.seeds import stream
from nirls.stats.mmrm import MMRMFit

Array = np.ndarray
ROUNDS = 100
"""Rounds before a draw is taken; the fraction of missing values is the rate at which a chain forgets its start."""


def posterior(layout: Layout, seen: Array, fit: MMRMFit, numbers: range, name: str, seed: int = 0, rounds: int = ROUNDS) -> Draws:
    """Draws of β and Σ given the `seen` (n, T) values.

    Parameters
    ----------
    fit : MMRMFit
        Unstructured, where the chains start.
    numbers : range
    name, seed : str, int
        See :func:`nirls.stats.imputation.seeds.stream`.
    rounds : int

    Raises
    ------
    MethodError
        If the covariance is structured, or a covariance group has fewer subjects than visits.
    """
    if fit.covariance != "us":
        raise MethodError(f"Bayesian draws are of an unstructured covariance; the model was fitted with {fit.covariance!r}")
    n, t = layout.y.shape
    start = estimate(layout, fit)
    groups = [np.flatnonzero(layout.group == g) for g in range(start.sigma.shape[1])]
    few = [g for g, members in enumerate(groups) if members.size < t]
    if few:
        raise MethodError(f"the posterior of an unstructured covariance needs {t} subjects in each group; fewer in group {few[0]}")
    streams = [stream(name, k, seed) for k in numbers]
    moments = [np.einsum("iap,ibq->abpq", layout.x[m], layout.x[m], optimize=True).reshape(t * t, -1) for m in groups]
    p = layout.x.shape[2]
    absent = list(alike(layout, np.full(n, "MAR"), ~seen))
    b = len(streams)
    beta, sigma = np.repeat(start.beta, b, axis=0), np.repeat(start.sigma, b, axis=0)
    y = np.repeat(np.where(seen, layout.y, 0.0)[None], b, axis=0)
    flat = layout.x.reshape(n * t, p)
    for _ in range(rounds):
        mean = (beta @ flat.T).reshape(b, n, t)
        noise = np.stack([rng.standard_normal((n, t)) for rng in streams])
        for who in absent:
            slope, left = conditional(sigma[:, who.group], who.observed, who.missing)
            residual = (y - mean)[:, who.subjects[:, None], who.observed]
            drawn = residual @ slope.swapaxes(1, 2) + noise[:, who.subjects[:, None], who.missing] @ np.linalg.cholesky(left).swapaxes(1, 2)
            y[:, who.subjects[:, None], who.missing] = mean[:, who.subjects[:, None], who.missing] + drawn
        gram, right = np.zeros((b, p, p)), np.zeros((b, p))
        residual = y - mean
        for g, members in enumerate(groups):
            scatter = residual[:, members].swapaxes(1, 2) @ residual[:, members]
            sigma[:, g] = _inverse_wishart(scatter, members.size, streams)
            weight = np.linalg.inv(sigma[:, g])
            gram += (weight.reshape(b, -1) @ moments[g]).reshape(b, p, p)
            right += (y[:, members] @ weight).reshape(b, -1) @ layout.x[members].reshape(-1, p)
        root = np.linalg.cholesky(gram)
        step = np.stack([rng.standard_normal(p) for rng in streams])
        beta = np.linalg.solve(gram, right[..., None])[..., 0] + np.linalg.solve(root.swapaxes(1, 2), step[..., None])[..., 0]
    return Draws(beta=beta, sigma=sigma, weights=np.ones((b, n)))


def _inverse_wishart(scatter: Array, df: int, streams: list[np.random.Generator]) -> Array:
    """One draw for each stream of an inverse Wishart with this scatter (B, T, T), by the Bartlett decomposition."""
    t = scatter.shape[-1]
    lower = np.tril_indices(t, -1)
    bartlett = np.zeros_like(scatter)
    for b, rng in enumerate(streams):
        bartlett[b][lower] = rng.standard_normal(len(lower[0]))
        bartlett[b][np.diag_indices(t)] = np.sqrt(rng.chisquare(df - np.arange(t)))
    # Σ = L (AA')⁻¹ L' with scatter = LL'
    half = np.linalg.solve(bartlett, np.linalg.cholesky(scatter).swapaxes(1, 2))
    return half.swapaxes(1, 2) @ half
