"""How the mean and the covariance of a subject with an intercurrent event are built: five strategies as pure functions.

Notation: μ and Σ of the subject's own arm, μᵣ and Σᵣ of its reference arm, t the first visit the event affects (0-based).

========  =============================================  ==========================
strategy  mean from t on                                 covariance
========  =============================================  ==========================
MAR       μ                                              Σ
J2R       μᵣ                                             joined
CR        μᵣ, also before t                              Σᵣ
CIR       μ[t−1] + μᵣ − μᵣ[t−1]; at t = 0: J2R           joined
LMCF      μ[t−1]; at t = 0: undefined                    Σ
========  =============================================  ==========================

"joined" keeps Σ before t, and Σᵣ for what comes after given what came before; with one Σ for all arms every covariance is that Σ.

References
----------
.. [1] Carpenter JR, Roger JH, Kenward MG. Analysis of longitudinal trials with protocol deviation: a framework for relevant, accessible
   assumptions, and inference via multiple imputation. J Biopharm Stat 2013;23:1352–1371, section 3 and appendix.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from nirls.errors import NotEstimableError

Array = np.ndarray
Strategy = Literal["MAR", "J2R", "CR", "CIR", "LMCF"]
STRATEGIES: tuple[Strategy, ...] = ("MAR", "J2R", "CR", "CIR", "LMCF")


def mean(strategy: Strategy, own: Array, reference: Array, event: int, anchor: float | None = None) -> Array:
    """Mean of a subject whose event first affects visit `event`.

    Parameters
    ----------
    strategy : {"MAR", "J2R", "CR", "CIR", "LMCF"}
    own, reference : (..., T) arrays
        Means of the subject's arm and of its reference arm, at the subject's covariates.
    event : int
        0-based; T or more for a subject without event, whose mean is `own` under every strategy.
    anchor : float, optional
        For LMCF at the first visit: the mean that is carried on, for instance 0 for a change from baseline.

    Returns
    -------
    (..., T) array

    Raises
    ------
    NotEstimableError
        For LMCF at the first visit without an anchor: there is no mean to carry.
    """
    if strategy not in STRATEGIES:
        raise ValueError(f"strategy {strategy!r} is not one of {', '.join(STRATEGIES)}")
    if strategy == "MAR" or event >= own.shape[-1]:
        return own
    if strategy == "CR":
        return reference
    result = own.copy()
    if strategy == "J2R" or (strategy == "CIR" and event == 0):
        result[..., event:] = reference[..., event:]
    elif strategy == "CIR":
        result[..., event:] = reference[..., event:] + (own - reference)[..., event - 1, None]
    elif event > 0:
        result[..., event:] = own[..., event - 1, None]
    elif anchor is None:
        raise NotEstimableError("LMCF: the event affects the first visit, so there is no earlier mean to carry forward")
    else:
        result[...] = anchor
    return result


def covariance(strategy: Strategy, own: Array, reference: Array, event: int) -> Array:
    """Covariance of a subject whose event first affects visit `event`: (..., T, T), from those of its arm and of its reference arm."""
    if strategy not in STRATEGIES:
        raise ValueError(f"strategy {strategy!r} is not one of {', '.join(STRATEGIES)}")
    if strategy in ("MAR", "LMCF") or event >= own.shape[-1]:
        return own
    if strategy == "CR" or event == 0:
        return reference
    first, last = slice(None, event), slice(event, None)
    before, r11, r12 = own[..., first, first], reference[..., first, first], reference[..., first, last]
    slope = np.linalg.solve(r11, r12).swapaxes(-1, -2)  # Σr21 Σr11⁻¹
    result = np.empty_like(own)
    result[..., first, first] = before
    result[..., last, first] = slope @ before
    result[..., first, last] = result[..., last, first].swapaxes(-1, -2)
    result[..., last, last] = reference[..., last, last] - slope @ (r11 - before) @ slope.swapaxes(-1, -2)
    return result
