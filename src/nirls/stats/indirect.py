"""Anchored indirect comparisons: Bucher, matching-adjusted (MAIC), and by outcome regression at the mean of the target (STC).

MAIC weights subjects by exp(x'α), x centred at the target's means, where α minimises the convex Σ exp(x'α); the weighted means are then the
target's. The sandwich error takes α as estimated. STC regresses the outcome on arm, x and arm × x: with x centred, the coefficient of
the arm is the effect at the target's means, which for a difference of means of a linear model is the effect in the target.

References: Bucher HC, et al. J Clin Epidemiol 1997;50:683–691. Signorovitch JE, et al. Pharmacoeconomics 2010;28:935–945. Phillippo DM, et
al. NICE DSU technical support document 18, 2016.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from nirls.errors import MethodError

Array = np.ndarray


def bucher(effect: float, error: float, other: float, other_error: float) -> tuple[float, float]:
    """Difference of two independent effects against the same control, and its standard error."""
    return effect - other, math.hypot(error, other_error)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Weights of subjects.

    Attributes
    ----------
    alpha : (q,) array
    weights : (n,) array
        exp(x'α), not scaled.
    """

    alpha: Array
    weights: Array

    @property
    def effective_size(self) -> float:
        """(Σw)² / Σw²."""
        return float(self.weights.sum() ** 2 / (self.weights @ self.weights))

    def few(self) -> bool:
        """Whether the effective size is below 20, or below 0.3 of the subjects."""
        return self.effective_size < 20 or self.effective_size < 0.3 * len(self.weights)


def outside(x: Array, names: Sequence[str]) -> list[str]:
    """What is outside the hull of the rows of the (n, q) array x, centred at the target: names of variables; none where 0 is inside it.

    A target at the edge of the hull has weights of 0 or infinite and counts as outside.
    """
    alone = [name for name, column in zip(names, x.T, strict=True) if not column.min() < 0 < column.max()]
    if alone:
        return alone
    n, q = x.shape
    # largest t with p ≥ t, Σp = 1, x'p = 0: 0 is inside when t can be positive
    equal = np.vstack([np.column_stack([x.T, np.zeros(q)]), np.append(np.ones(n), 0.0)])
    found = optimize.linprog(
        np.append(np.zeros(n), -1.0),
        A_ub=np.column_stack([-np.eye(n), np.ones(n)]),
        b_ub=np.zeros(n),
        A_eq=equal,
        b_eq=np.append(np.zeros(q), 1.0),
        bounds=[(0, None)] * n + [(None, None)],
        method="highs",
    )
    return [] if found.status == 0 and -found.fun > 1e-9 else list(names)


def maic_weights(x: Array, target: Array, names: Sequence[str]) -> Weights:
    """Weights with which the means of the (n, q) array x are those of the target, (q,).

    Raises
    ------
    MethodError
        The target lies outside what the subjects cover, the variable is named; or a variable follows from the others.
    """
    centred = np.asarray(x, float) - np.asarray(target, float)
    scale = centred.std(axis=0)
    beyond = [name for name, s in zip(names, scale, strict=True) if not s > 0] or outside(centred, names)
    if beyond:
        told = ", ".join(f"{n} (target {t:.4g})" for n, t in zip(names, np.asarray(target, float), strict=True) if n in beyond)
        raise MethodError(
            f"the target population lies outside the subjects of this trial in {told}: no weights exist; leave it out of the match"
        )
    z, alpha = centred / scale, np.zeros(len(scale))
    if np.linalg.matrix_rank(z) < len(scale):
        raise MethodError(f"of {', '.join(names)} one follows from the others, so the weights are not unique; leave it out of the match")
    for _ in range(100):
        w = np.exp(z @ alpha)
        gradient = z.T @ w
        if np.abs(gradient).max() < 1e-13 * w.sum():
            break
        step = np.linalg.solve((z * w[:, None]).T @ z, gradient)
        share = 1.0
        while np.exp(z @ (alpha - share * step)).sum() > w.sum() * (1 + 1e-14) and share > 1e-10:
            share /= 2
        alpha = alpha - share * step
    else:
        raise MethodError(f"the weights for {', '.join(names)} did not converge; the target is close to the edge of the subjects")
    return Weights(alpha=alpha / scale, weights=np.exp(z @ alpha))


def maic(y: Array, treated: Array, x: Array, target: Array, names: Sequence[str]) -> tuple[float, float, Weights]:
    """Weighted difference of means treated − control, its sandwich standard error (α estimated), and the weights.

    The estimating functions are w·xc, w·treated·(y − μ₁), w·(1 − treated)·(y − μ₀).
    """
    y, a = np.asarray(y, float), np.asarray(treated, float)
    found = maic_weights(x, target, names)
    w, xc = found.weights, np.asarray(x, float) - np.asarray(target, float)
    m1, m0 = w @ (a * y) / (w @ a), w @ ((1 - a) * y) / (w @ (1 - a))
    r1, r0 = w * a * (y - m1), w * (1 - a) * (y - m0)
    psi = np.column_stack([w[:, None] * xc, r1, r0])
    q = xc.shape[1]
    bread = np.zeros((q + 2, q + 2))
    bread[:q, :q] = (xc * w[:, None]).T @ xc
    bread[q, :q], bread[q + 1, :q] = r1 @ xc, r0 @ xc
    bread[q, q], bread[q + 1, q + 1] = -(w @ a), -(w @ (1 - a))
    row = np.linalg.solve(bread.T, np.append(np.zeros(q), [1.0, -1.0]))
    return float(m1 - m0), float(np.sqrt(((psi @ row) ** 2).sum())), found


def maic_bootstrap(
    y: Array, treated: Array, x: Array, target: Array, names: Sequence[str], streams: Sequence[np.random.Generator]
) -> Array:
    """Differences of bootstrap samples of subjects within each arm, one per generator; NaN where a sample cannot be matched."""
    arms = [np.flatnonzero(np.asarray(treated) == k) for k in (0, 1)]
    found = np.full(len(streams), np.nan)
    for i, rng in enumerate(streams):
        take = np.concatenate([rng.choice(rows, len(rows)) for rows in arms])
        try:
            found[i] = maic(y[take], treated[take], x[take], target, names)[0]
        except MethodError:
            continue
    return found


def stc(y: Array, treated: Array, x: Array, target: Array) -> tuple[float, float, int]:
    """Effect of the arm at the target's means from y ~ arm + xc + arm·xc, its standard error and degrees of freedom."""
    y, a, xc = np.asarray(y, float), np.asarray(treated, float), np.asarray(x, float) - np.asarray(target, float)
    design = np.column_stack([np.ones(len(y)), a, xc, a[:, None] * xc])
    beta, _, rank, _ = np.linalg.lstsq(design, y, rcond=None)
    if rank < design.shape[1]:
        raise MethodError("the outcome regression cannot tell the arm from the covariates")
    df = len(y) - rank
    rest = y - design @ beta
    return float(beta[1]), float(np.sqrt(rest @ rest / df * np.linalg.inv(design.T @ design)[1, 1])), df
