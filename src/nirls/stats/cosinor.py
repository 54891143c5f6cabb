"""Amplitude and acrophase of a rhythm β cos ωt + γ sin ωt = A cos ω(t − φ).

A = √(β² + γ²), φ = atan2(γ, β)/ω; standard errors by the delta method,

    var A = (β²v_ββ + 2βγ v_βγ + γ²v_γγ)/A²,      var φ = (γ²v_ββ − 2βγ v_βγ + β²v_γγ)/(A⁴ω²).

Without a rhythm the estimate of A is biased upwards and φ says nothing, so that the joint test of β = γ = 0 comes first.

Reference: Cornelissen G. Cosinor-based rhythmometry. Theor Biol Med Model 2014;11:16.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

Array = np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """Amplitude in units of the outcome, acrophase in those of the period (from 0 to the period), with standard errors."""

    amplitude: float
    amplitude_se: float
    acrophase: float
    acrophase_se: float
    period: float

    def ci(self, level: float = 0.95) -> tuple[tuple[float, float], tuple[float, float]]:
        """Wald limits of amplitude (not below 0) and acrophase (which may lie outside the period, across its ends)."""
        z = stats.norm.ppf((1 + level) / 2)
        a, p = z * self.amplitude_se, z * self.acrophase_se
        return (max(self.amplitude - a, 0.0), self.amplitude + a), (self.acrophase - p, self.acrophase + p)


def rhythm(coefficients: Array, covariance: Array, period: float = 24.0) -> Rhythm:
    """From the coefficients (β, γ) of cos ωt and sin ωt, and their covariance (2, 2).

    Raises
    ------
    ValueError
        Both coefficients are 0: there is no acrophase.
    """
    beta, gamma = (float(c) for c in coefficients)
    amplitude = float(np.hypot(beta, gamma))
    if amplitude == 0.0:
        raise ValueError("the coefficients of cosine and sine are both 0, so that there is no acrophase")
    omega = 2 * np.pi / period
    along, across = np.array([beta, gamma]) / amplitude, np.array([-gamma, beta]) / amplitude**2
    v = np.asarray(covariance, dtype=float)
    return Rhythm(
        amplitude=amplitude,
        amplitude_se=float(np.sqrt(along @ v @ along)),
        acrophase=float(np.arctan2(gamma, beta) / omega % period),
        acrophase_se=float(np.sqrt(across @ v @ across) / omega),
        period=period,
    )
