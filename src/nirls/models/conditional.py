"""Distribution of the missing outcomes of a subject given the observed ones.

With mean μ = Xβ and covariance V of a subject's records, split into observed (o) and missing (m),

    E(y_m | y_o) = μ_m + B(y_o − μ_o),    var(y_m | y_o) = V_mm − B V_om,    B = V_mo V_oo⁻¹.

This is what conditional-mean imputation under missing at random needs. The expectation is By_o + Lβ with L = X_m − BX_o, so its standard
error for a given V is that of the contrasts L.

Reference: Anderson TW. An Introduction to Multivariate Statistical Analysis. 3rd ed. Wiley 2003, theorem 2.5.1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nirls.stats.mmrm.sufficient import patterns

Array = np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditional:
    """n expectations offset + Lβ.

    Attributes
    ----------
    lines : (n, p) array
        L; zero for an observed outcome, which is its own expectation; NaN where it is not known.
    offset : (n,) array
        By_o, or the observed outcome.
    variance : (n,) array
        Conditional variance of the outcome for given β and V; zero for an observed outcome.
    """

    lines: Array
    offset: Array
    variance: Array


def given_observed(
    x: Array, y: Array, subject: Array, visit: Array, sigma: Callable[[Array], Array], weight: Array | None = None
) -> Conditional:
    """Condition every record on the observed outcomes of its subject.

    Parameters
    ----------
    x : (n, p) array
        Design rows; NaN where there is none: an outcome without is not conditioned on.
    y : (n,) array
        Outcomes; NaN where missing.
    subject, visit : (n,) int arrays
        Subject codes 0 … N−1; codes of the visits.
    sigma : callable
        Visits (G, t) → covariance of records of unit weight, (G, t, t).
    weight : (n,) array, optional
        A record of weight w has its standard deviation divided by √w.
    """
    known, seen = ~np.isnan(x).any(axis=1), ~np.isnan(y)
    filled = np.where(known[:, None], x, 0.0)
    root = np.ones(y.size) if weight is None else np.sqrt(weight)
    lines, offset, variance = np.full(x.shape, np.nan), np.full(y.size, np.nan), np.full(y.size, np.nan)
    for p in patterns(subject, visit) if y.size else ():
        rows, t = p.rows, p.rows.shape[1]
        v = sigma(p.visits)[p.member] / (root[rows][:, :, None] * root[rows][:, None, :])
        observed = (known & seen)[rows]
        both = observed[:, :, None] & observed[:, None, :]
        b = v @ np.where(both, np.linalg.inv(np.where(both, v, np.eye(t))), 0.0)  # V_oo⁻¹ in its place, zero elsewhere
        lines[rows] = filled[rows] - b @ filled[rows]
        offset[rows] = (b @ np.where(observed, y[rows], 0.0)[..., None])[..., 0]
        variance[rows] = np.einsum("mtt->mt", v) - np.einsum("mts,mst->mt", b, v)
    lines[~known] = np.nan
    lines[seen], offset[seen], variance[seen] = 0.0, y[seen], 0.0
    return Conditional(lines=lines, offset=offset, variance=variance)
