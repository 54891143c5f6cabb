"""Least squares with errors whose correlation falls exponentially with time, for one series.

corr(ε_i, ε_j) = φ^|t_i − t_j|, 0 ≤ φ < 1: first-order autoregression where times are one apart, and its continuous form otherwise. φ by
restricted maximum likelihood.

Reference: Pinheiro JC, Bates DM. Mixed-Effects Models in S and S-PLUS. Springer, 2000, section 5.3.1 (corAR1, corCAR1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import linalg, optimize, special

from nirls.errors import MethodError

Array = np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A fit to n values with p coefficients.

    Attributes
    ----------
    coefficients, std_errors : (p,) arrays
    phi, sigma : float
        Correlation at a distance of 1, and residual standard deviation.
    df : int
        n − p; that φ is estimated is not counted.
    loglik : float
        Restricted log likelihood.
    """

    coefficients: Array
    std_errors: Array
    phi: float
    sigma: float
    df: int
    loglik: float

    def p_values(self) -> Array:
        """Two-sided p of each coefficient, t with n − p degrees of freedom."""
        return 2 * special.stdtr(self.df, -np.abs(self.coefficients / self.std_errors))


def autoregression(y: Array, design: Array, times: Array, least_df: int = 3) -> Series:
    """Fit y (n,) on design (n, p) at `times` (n,).

    Raises
    ------
    MethodError
        Fewer than `least_df` values more than coefficients, a design without full rank, times out of order, or values without error.
    """
    y, x, t = np.asarray(y, float), np.asarray(design, float), np.asarray(times, float)
    n, p = x.shape
    if n - p < least_df:
        raise MethodError(f"{n} values are too few for {p} coefficients and a correlation over time; at least {p + least_df} are needed")
    if np.linalg.matrix_rank(x) < p:
        raise MethodError("the terms of the model cannot be told apart with these occasions")
    if (np.diff(t) <= 0).any():
        raise MethodError("the times of a series must increase")
    apart = np.abs(t[:, None] - t[None, :])

    def fit(phi: float) -> tuple[float, Array, Array, float]:
        root = linalg.cholesky(phi**apart if phi > 0 else np.eye(n), lower=True)
        xs, ys = (linalg.solve_triangular(root, v, lower=True) for v in (x, y))
        beta, *_ = np.linalg.lstsq(xs, ys, rcond=None)
        rest = ys - xs @ beta
        ss = float(rest @ rest)
        if ss <= 1e-20 * max(1.0, float(ys @ ys)):  # rounding, not error
            raise ValueError("no residual")
        info = xs.T @ xs
        logdet = 2 * float(np.log(np.diag(root)).sum())
        # as nlme: −2ℓ_R = (n − p)(1 + ln 2π + ln(ss/(n − p))) + ln|V| + ln|X'V⁻¹X|
        loglik = -0.5 * ((n - p) * (1 + math.log(2 * math.pi) + math.log(ss / (n - p))) + logdet + float(np.linalg.slogdet(info)[1]))
        return loglik, beta, info, ss

    try:
        grid = np.linspace(0, 0.98, 50)
        best = int(np.argmax([fit(float(g))[0] for g in grid]))
        low, high = grid[max(best - 1, 0)], min(grid[best] + 0.02, 0.9999)
        found = optimize.minimize_scalar(lambda g: -fit(g)[0], bounds=(low, high), method="bounded", options={"xatol": 1e-12})
        phi = max([0.0, float(found.x)], key=lambda g: fit(g)[0])
        loglik, beta, info, ss = fit(phi)
    except (ValueError, linalg.LinAlgError) as error:
        raise MethodError("the values leave no error to estimate") from error
    sigma = math.sqrt(ss / (n - p))
    errors = sigma * np.sqrt(np.diag(np.linalg.inv(info)))
    return Series(coefficients=beta, std_errors=errors, phi=phi, sigma=sigma, df=n - p, loglik=loglik)
