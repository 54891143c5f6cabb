"""Familywise error control: graphical procedures with weighted Bonferroni tests, Holm and Hochberg.

A graph gives every hypothesis a share of α (its weight) and says where that share goes when the hypothesis is rejected (its
transitions). Source of the algorithms: Bretz F, Maurer W, Brannath W, Posch M. A graphical approach to sequentially rejective
multiple test procedures. Stat Med 2009;28:586–604: Algorithm 1 (updates) and section 4.2 (adjusted p-values).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Array = np.ndarray

ROUNDING = 1e-9
"""Shares may exceed 1 by this much, so that 0.1 written ten times is one."""
EQUAL = 1.0 + 1e-12
"""p ≤ αw holds when it holds up to the rounding of sums and quotients of weights; p-values themselves are never rounded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Weights and transitions of m hypotheses.

    Attributes
    ----------
    weights : (m,) array
        Shares of α, each between 0 and 1, together at most 1.
    transitions : (m, m) array
        Row i: shares of the weight of hypothesis i that go to the others when it is rejected; together at most 1, none to itself.
    names : tuple of str
        Names of the hypotheses; default H1, H2, …

    Raises
    ------
    ValueError
        Naming the hypothesis that breaks one of these.
    """

    weights: Array
    transitions: Array
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        w, g = np.array(self.weights, float), np.array(self.transitions, float)
        m = w.size
        names = tuple(self.names) or tuple(f"H{i + 1}" for i in range(m))
        if len(names) != m or len(set(names)) != m:
            raise ValueError(f"{m} weights need {m} different names, not {', '.join(names)}")
        if w.ndim != 1 or m == 0 or g.shape != (m, m):
            raise ValueError(f"weights of shape {w.shape} need transitions of shape ({m}, {m}) and at least one hypothesis, not {g.shape}")
        for i in range(m):
            if not 0.0 <= w[i] <= 1.0 + ROUNDING:
                raise ValueError(f"{names[i]}: the weight {w[i]:g} is not between 0 and 1")
            for j in range(m):
                if not 0.0 <= g[i, j] <= 1.0 + ROUNDING:
                    raise ValueError(f"{names[i]}: the transition {g[i, j]:g} to {names[j]} is not between 0 and 1")
            if g[i, i] != 0.0:
                raise ValueError(f"{names[i]}: passes {g[i, i]:g} of its weight to itself")
            if g[i].sum() > 1.0 + ROUNDING:
                raise ValueError(f"{names[i]}: its transitions sum to {g[i].sum():.12g}, more than 1")
        if w.sum() > 1.0 + ROUNDING:
            raise ValueError(f"the weights sum to {w.sum():.12g}, more than 1")
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "weights", w / max(1.0, w.sum()))
        object.__setattr__(self, "transitions", g / np.maximum(1.0, g.sum(axis=1, keepdims=True)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One test of the path.

    Attributes
    ----------
    hypothesis : int
        The hypothesis tested: the one with the smallest p-value in proportion to its weight.
    weight : float
        Its share of α at that moment.
    rejected : bool
        False only for the last step, which ends the path.
    weights, transitions : arrays
        The graph after the step; rejected hypotheses have zeros.
    """

    hypothesis: int
    weight: float
    rejected: bool
    weights: Array
    transitions: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """Decisions on m hypotheses.

    Attributes
    ----------
    alpha : float
        Familywise level.
    p_value, adjusted : (m,) arrays
        As given, and adjusted: the smallest familywise level at which the hypothesis is rejected. NaN where no p-value was given.
    rejected : (m,) boolean array
    levels : (m,) array
        α times the weight each hypothesis had when it was rejected, or has in the final graph. NaN for Hochberg.
    path : tuple of Step
        In order; empty for Hochberg, which has no graph.
    """

    alpha: float
    p_value: Array
    adjusted: Array
    rejected: Array
    levels: Array
    path: tuple[Step, ...] = ()


def holm(m: int, names: tuple[str, ...] = ()) -> Graph:
    """The graph of the Holm procedure: equal weights, and equal shares to all others."""
    return Graph(weights=np.full(m, 1.0 / m), transitions=(1.0 - np.eye(m)) / max(m - 1, 1), names=names)


def reject(graph: Graph, hypothesis: int) -> Graph:
    """The graph without one hypothesis (Bretz et al. 2009, Algorithm 1, step 2).

    w_l ← w_l + w_j g_jl; g_lm ← (g_lm + g_lj g_jm) / (1 − g_lj g_jl), or 0 where the denominator is 0. The rejected
    hypothesis j keeps its place, with zeros.
    """
    j, w, g = hypothesis, graph.weights, graph.transitions
    open_ = 1.0 - g[:, j] * g[j]
    new_w = w + w[j] * g[j]
    new_g = np.zeros_like(g)
    np.divide(g + np.outer(g[:, j], g[j]), open_[:, None], out=new_g, where=open_[:, None] > 1e-12)
    np.fill_diagonal(new_g, 0.0)
    new_g[j, :] = new_g[:, j] = new_w[j] = 0.0
    new_g /= np.maximum(1.0, new_g.sum(axis=1, keepdims=True))  # a small denominator enlarges the rounding of the numerator
    return Graph(weights=new_w, transitions=new_g, names=graph.names)


def graphical(graph: Graph, p_value: Array, alpha: float) -> Decisions:
    """Sequentially rejective Bonferroni procedure of a graph.

    Parameters
    ----------
    graph : Graph
    p_value : (m,) array
        NaN where a hypothesis could not be tested: it is never rejected and never passes its weight on.
    alpha : float
        Familywise level; one- or two-sided as the p-values are.

    Notes
    -----
    The hypotheses are taken in order of p/w, the first in case of ties; the decisions do not depend on the order (Bretz et al. 2009,
    section 2). Adjusted p-values are the running maximum of p/w along that order, at most 1. A hypothesis without weight is not tested.

    Raises
    ------
    ValueError
        If the lengths differ, α is not between 0 and 1 or a p-value is not between 0 and 1.
    """
    p = _checked(p_value, alpha, graph.weights.size)
    left, order, ratios, graphs = list(range(p.size)), [], [], [graph]
    while left:
        ratio = np.full(len(left), np.inf)
        weights = graphs[-1].weights[left]
        np.divide(p[left], weights, out=ratio, where=(weights > 0.0) & ~np.isnan(p[left]))
        first = int(np.argmin(ratio))
        if np.isinf(ratio[first]):
            break
        order.append(left.pop(first))
        ratios.append(ratio[first])
        graphs.append(reject(graphs[-1], order[-1]))
    adjusted = np.where(np.isnan(p), np.nan, 1.0)
    adjusted[order] = np.minimum(np.maximum.accumulate(ratios), 1.0) if order else []
    rejected = adjusted <= alpha * EQUAL

    path: list[Step] = []
    for j, before, after in zip(order, graphs, graphs[1:], strict=False):
        end = after if rejected[j] else before
        share, done = float(before.weights[j]), bool(rejected[j])
        path.append(Step(hypothesis=j, weight=share, rejected=done, weights=end.weights, transitions=end.transitions))
        if not done:
            break
    levels = alpha * (path[-1].weights if path else graph.weights)
    for step in path:
        levels[step.hypothesis] = alpha * step.weight
    return Decisions(alpha=alpha, p_value=p, adjusted=adjusted, rejected=rejected, levels=levels, path=tuple(path))


def hochberg(p_value: Array, alpha: float) -> Decisions:
    """Hochberg's step-up procedure (Biometrika 1988;75:800–802).

    Adjusted p-values are min over k ≥ i of (m − k + 1) p_(k), at most 1, with p in ascending order. The familywise error rate is
    controlled when the test statistics are positively dependent (Sarkar, Ann Stat 1998;26:494–504), not in general. A missing
    p-value counts as 1.
    """
    p = _checked(p_value, alpha, np.size(p_value))
    m = p.size
    known = np.where(np.isnan(p), 1.0, p)
    order = np.argsort(-known, kind="stable")
    adjusted = np.empty(m)
    adjusted[order] = np.minimum.accumulate(np.minimum(known[order] * np.arange(1, m + 1), 1.0))
    adjusted[np.isnan(p)] = np.nan
    return Decisions(alpha=alpha, p_value=p, adjusted=adjusted, rejected=adjusted <= alpha * EQUAL, levels=np.full(m, np.nan))


def _checked(p_value: Array, alpha: float, m: int) -> Array:
    p = np.array(p_value, float)
    if p.shape != (m,):
        raise ValueError(f"{m} hypotheses need {m} p-values, not an array of shape {p.shape}")
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"the familywise level {alpha} is not between 0 and 1")
    for i in range(m):
        if not (np.isnan(p[i]) or 0.0 <= p[i] <= 1.0):
            raise ValueError(f"H{i + 1}: the p-value {p[i]} is not between 0 and 1")
    return p
