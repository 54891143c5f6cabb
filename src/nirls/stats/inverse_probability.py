"""Weights by the inverse of the probability of being observed, refitted in every bootstrap sample at once.

References
----------
.. [1] Seaman SR, White IR. Review of inverse probability weighting for dealing with missing data. Stat Methods Med Res 2013;22:278–295.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from nirls.errors import NotEstimableError

Array = np.ndarray
_STEPS, _CLOSE = 50, 1e-10


def inverse_probability(seen: Array, z: Array, counts: Array) -> Array:
    """Weights of the observed subjects: how often a subject is in a sample, over the fitted probability that it is observed [1]_.

    The probability is that of a logistic regression on `z`, fitted in each sample by Newton's method.

    Parameters
    ----------
    seen : (n,) bool array
        Who is observed.
    z : (n, q) array
        What the probability depends on, with a constant.
    counts : (B, n) array
        How often each subject is in each sample.

    Returns
    -------
    (B, n) array
        0 for who is not observed; a row of NaN where the regression does not converge (observed and others are separated). A sample in
        which everybody is observed has its counts.

    Raises
    ------
    ValueError
        If `z` is not complete.
    NotEstimableError
        If nobody is observed.
    """
    seen, z, counts = np.asarray(seen, dtype=bool), np.asarray(z, dtype=float), np.asarray(counts, dtype=float)
    if not np.isfinite(z).all() or z.shape[0] != seen.size or counts.shape[1] != seen.size:
        raise ValueError("what the probability depends on must be complete, a row for each subject")
    if not seen.any():
        raise NotEstimableError("no subject is observed")
    spread = z.std(axis=0)
    scaled = np.where(spread > 0, (z - z.mean(axis=0)) / np.where(spread > 0, spread, 1), 1.0)
    some = (counts * ~seen).sum(axis=1) > 0  # elsewhere everybody is observed
    out = counts * seen
    if not some.any():
        return out
    drawn, beta = counts[some], np.zeros((int(some.sum()), z.shape[1]))
    products = np.einsum("ni,nj->nij", scaled, scaled).reshape(seen.size, -1)
    moved = np.full(len(beta), np.inf)
    for _ in range(_STEPS):
        p = expit(beta @ scaled.T)
        score = (drawn * (seen - p)) @ scaled
        information = ((drawn * p * (1 - p)) @ products).reshape(len(beta), z.shape[1], z.shape[1])
        step = np.einsum("bij,bj->bi", np.linalg.pinv(information, rcond=1e-12, hermitian=True), score)
        beta += np.clip(step, -2, 2)
        moved = np.abs(step).max(axis=1)
        if moved.max() < _CLOSE:
            break
    weights = drawn * seen / expit(beta @ scaled.T)
    apart = (moved > 1e-6) | (np.abs(beta).max(axis=1) > 12)  # in units of standard deviations
    weights[apart] = np.nan
    out[some] = weights
    return out
