"""The one-factor model by maximum likelihood, and McDonald's omega of a sum.

References
----------
.. [1] Lawley DN, Maxwell AE. Factor analysis as a statistical method, 2nd ed. Butterworths 1971, chapter 4.
.. [2] McDonald RP. Test theory. Erlbaum 1999, equation 6.20.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize

from nirls.errors import ConvergenceError, NotEstimableError

Array = np.ndarray
FLOOR = 0.005
"""Smallest uniqueness, as in R's factanal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OneFactor:
    """A fitted one-factor model of k items.

    Attributes
    ----------
    loadings, uniquenesses : (k,) arrays
        In the metric of correlations; the loadings add to a positive number.
    sd : (k,) array
        Standard deviations of the items.
    bound : bool
        True when a uniqueness lies at its floor (a Heywood case).
    """

    loadings: Array
    uniquenesses: Array
    sd: Array
    bound: bool

    @property
    def omega(self) -> float:
        """McDonald's omega of the sum of the items as scored: (Σλ)² / {(Σλ)² + Σψ} in the metric of the items [2]_."""
        common = float((self.sd * self.loadings).sum()) ** 2
        return common / (common + float((self.sd**2 * self.uniquenesses).sum()))


def one_factor(items: Array) -> OneFactor:
    """Fit one factor to k items by maximum likelihood.

    The likelihood is maximised over the uniquenesses, the loadings being given by the largest eigenvalue of Ψ^(−½)RΨ^(−½) ([1]_, 4.3).

    Parameters
    ----------
    items : (n, k) array
        Complete answers, k ≥ 3.

    Raises
    ------
    ValueError
        If the table is not complete, or holds fewer than three items.
    NotEstimableError
        If an item does not vary, there are not more subjects than items, or items are linearly dependent.
    ConvergenceError
        If the optimiser stops elsewhere than at a maximum.
    """
    x = np.asarray(items, dtype=float)
    if x.ndim != 2 or x.shape[1] < 3 or not np.isfinite(x).all():
        raise ValueError(f"items must be a complete table of subjects by at least three items, not of shape {x.shape}")
    n, k = x.shape
    if n <= k:
        raise NotEstimableError(f"{n} subjects for {k} items")
    sd = x.std(axis=0, ddof=1)
    if (sd == 0).any():
        raise NotEstimableError(f"item {int(np.argmin(sd)) + 1} is the same in all subjects")
    r = np.corrcoef(x, rowvar=False)
    if np.linalg.cond(r) > 1e12:
        raise NotEstimableError("the items are linearly dependent")

    def fit(psi: Array) -> tuple[float, Array]:
        """Discrepancy and its gradient; the k − 1 smaller eigenvalues carry the misfit."""
        scale = 1 / np.sqrt(psi)
        values, vectors = np.linalg.eigh(scale[:, None] * r * scale)
        small = values[:-1]
        loadings = np.sqrt(psi) * vectors[:, -1] * np.sqrt(max(values[-1] - 1.0, 0.0))
        gradient = (loadings**2 + psi - np.diag(r)) / psi**2
        return float((small - np.log(small) - 1).sum()), gradient

    start = (1 - 0.5 / k) / np.diag(np.linalg.inv(r))
    options = {"maxiter": 5000, "ftol": 1e-15, "gtol": 1e-10}
    found = optimize.minimize(fit, start, jac=True, method="L-BFGS-B", bounds=[(FLOOR, 1.0)] * k, options=options)
    inside = (found.x > FLOOR) & (found.x < 1.0)
    if np.abs(found.jac[inside]).max(initial=0.0) > 1e-4:
        raise ConvergenceError(f"the one-factor model did not converge: {found.message}")
    psi = found.x
    values, vectors = np.linalg.eigh(r / np.sqrt(np.outer(psi, psi)))
    loadings = np.sqrt(psi) * vectors[:, -1] * np.sqrt(max(values[-1] - 1.0, 0.0))
    sign = 1.0 if loadings.sum() >= 0 else -1.0
    return OneFactor(loadings=sign * loadings, uniquenesses=psi, sd=sd, bound=bool((psi <= FLOOR).any()))
