"""Indices of blinding: James (both arms together) and Bang (one arm).

A table of guesses is (3, 2): rows are the guesses *active*, *control* and *do not know*, columns the arms *active* and *control*.

References
----------
.. [1] James KE, Bloch DA, Lee KK, Kraemer HC, Fuller RK. An index for assessing blindness in a multi-centre clinical trial. Stat Med
   1996;15:1421–1434, p. 1424–1426.
.. [2] Bang H, Ni L, Davis CE. Assessment of blinding in clinical trials. Control Clin Trials 2004;25:143–156, section 3 and Table 7.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

Array = np.ndarray
WEIGHTS = np.array([[0.0, 0.5], [0.5, 0.0]])
"""Weights of James et al.: 0 for a right guess, 0.5 for a wrong one; 1 for *do not know*, by the form of the index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlindingIndex:
    """An index with its standard error.

    Attributes
    ----------
    estimate, std_error : float
        NaN where the index is not defined.
    n : int
        Guesses it rests on.
    bounds : tuple of float
        Smallest and largest value the index can take.
    reason : str
        Why it is not defined; empty where it is.
    """

    estimate: float
    std_error: float
    n: int
    bounds: tuple[float, float]
    reason: str = ""

    def ci(self, level: float = 0.95) -> tuple[float, float]:
        """Two-sided Wald interval of confidence `level`, not cut at the bounds of the index."""
        if not 0.0 < level < 1.0:
            raise ValueError(f"confidence level {level} is not between 0 and 1")
        margin = float(special.ndtri(0.5 + level / 2.0)) * self.std_error
        return self.estimate - margin, self.estimate + margin


def _counts(table: Array, shape: tuple[int, ...], what: str) -> Array:
    counts = np.asarray(table, dtype=float)
    if counts.shape != shape:
        raise ValueError(f"{what} must have the shape {shape}, not {counts.shape}")
    if not np.isfinite(counts).all() or (counts < 0).any() or (counts != np.floor(counts)).any():
        raise ValueError(f"{what} must hold counts (whole numbers from 0), not {counts.tolist()}")
    return counts


def james(table: Array) -> BlindingIndex:
    """Index of James et al. (1996): 0 all guesses right, 0.5 guesses at random, 1 all *do not know* (or all wrong).

    With p the (3, 2) proportions of all guesses, q the share of guesses other than *do not know*, D = Σ w p over those cells and E
    the same sum over products of their margins, the index ½{1 + P_DK + (1 − P_DK)K_D} of [1]_ is 1 − q + q²D/(2E). Its variance is
    that of the delta method under multinomial sampling of the six cells; it equals the formula of [1]_, p. 1425.

    Parameters
    ----------
    table : (3, 2) array of int
        Guesses (active, control, do not know) by arm (active, control).

    Returns
    -------
    BlindingIndex
        Not defined without a guess in each arm, and where chance alone leaves no disagreement (E = 0). If all guesses are
        *do not know* the index is 1 with standard error 0.

    Raises
    ------
    ValueError
        If `table` is not a (3, 2) table of counts.
    """
    counts = _counts(table, (3, 2), "the table of guesses")
    n = int(counts.sum())

    def undefined(reason: str) -> BlindingIndex:
        return BlindingIndex(estimate=np.nan, std_error=np.nan, n=n, bounds=(0.0, 1.0), reason=reason)

    if (counts.sum(axis=0) == 0).any():
        return undefined("no guess in one of the arms")
    if not counts[:2].any():
        return BlindingIndex(estimate=1.0, std_error=0.0, n=n, bounds=(0.0, 1.0))
    p = counts / n
    told = p[:2]
    q, row, column = told.sum(), told.sum(axis=1), told.sum(axis=0)
    observed, expected = (WEIGHTS * told).sum(), row @ WEIGHTS @ column
    if expected == 0:
        return undefined("all guesses other than 'do not know' are right in one arm alone, so that agreement beyond chance is not defined")
    estimate = 1.0 - q + q**2 * observed / (2.0 * expected)
    margins = (WEIGHTS @ column)[:, None] + (WEIGHTS.T @ row)[None, :]
    gradient = np.zeros_like(p)
    gradient[:2] = -1.0 + (2.0 * q * observed + q**2 * WEIGHTS) / (2.0 * expected) - q**2 * observed * margins / (2.0 * expected**2)
    variance = ((p * gradient**2).sum() - (p * gradient).sum() ** 2) / n
    return BlindingIndex(estimate=float(estimate), std_error=float(np.sqrt(max(variance, 0.0))), n=n, bounds=(0.0, 1.0))


def bang(correct: int, wrong: int, unknown: int) -> BlindingIndex:
    """Index of Bang et al. (2004) of one arm: −1 all guesses wrong, 0 at random, 1 all right.

    (n_c − n_w)/n, with variance {p_c(1 − p_c) + p_w(1 − p_w) + 2 p_c p_w}/n, where n counts *do not know* as well ([2]_, equation 3).
    If all guesses are *do not know* the index is 0 with standard error 0.

    Parameters
    ----------
    correct, wrong, unknown : int
        Right guesses, wrong guesses and *do not know* in the arm.

    Returns
    -------
    BlindingIndex
        Not defined without a guess.

    Raises
    ------
    ValueError
        If one of them is not a count.
    """
    counts = _counts(np.array([correct, wrong, unknown]), (3,), "right guesses, wrong guesses and 'do not know'")
    n = int(counts.sum())
    if n == 0:
        return BlindingIndex(estimate=np.nan, std_error=np.nan, n=0, bounds=(-1.0, 1.0), reason="no guess in the arm")
    right, false = counts[:2] / n
    variance = (right * (1 - right) + false * (1 - false) + 2 * right * false) / n
    return BlindingIndex(estimate=float(right - false), std_error=float(np.sqrt(variance)), n=n, bounds=(-1.0, 1.0))
