"""From a layout to pooled estimates: one question, two kinds of variance, any δ without another fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from nirls.stats.imputation import draws as engines
from nirls.stats.imputation.ancova import Pieces, Rows, analyse
from nirls.stats.imputation.delta import Kind, layers
from nirls.stats.imputation.draws import Draws
from nirls.stats.imputation.gibbs import posterior
from nirls.stats.imputation.impute import complete
from nirls.stats.imputation.layout import Layout
from nirls.stats.imputation.pool import Pooled, bootstrap, jackknife, rubin
from nirls.stats.imputation.seeds import stream
from nirls.stats.mmrm import MMRMFit

Array = np.ndarray
Repeated = Literal["jackknife", "bootstrap"]
Anchored = Literal["approximate_bayes", "bayes"]
BLOCK = 2**23
"""Numbers in the completed data of one block of draws: 64 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is imputed, and what is estimated from it.

    Attributes
    ----------
    layout : Layout
    strategy : (n,) array of str
    design : (n, q) array
        Of the analysis of covariance.
    rows : Rows
    units : list of (n, T) arrays
        What one unit of each δ adds where (:func:`nirls.stats.imputation.delta.added`).
    kind : {"marginal", "sequential"}
    anchor : (n,) array or None
        Mean that LMCF carries on from before the first visit.
    """

    layout: Layout
    strategy: Array
    design: Array
    rows: Rows
    units: list[Array]
    kind: Kind = "marginal"
    anchor: Array | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Analyses that can be pooled at any δ.

    Attributes
    ----------
    pieces : Pieces
        Under repeated sampling the first is of the whole sample.
    pool : callable
        (estimates (B, T, m), variances (B, T, m), df (B,)) → Pooled.
    draws : int
        Random draws made; 0 for the jackknife.
    redrawn : int
    """

    pieces: Pieces
    pool: Callable[[Array, Array, Array], Pooled]
    draws: int
    redrawn: int

    def at(self, *delta: float) -> Pooled:
        """Pooled results (T, m) when each unit of δ is taken `delta` times."""
        c = np.array([1.0, *delta])
        return self.pool(self.pieces.estimate(c), self.pieces.variance(c), self.pieces.df)


class Source:
    """The parameters drawn from one fitted imputation model; what was drawn once serves every strategy that keeps the same values.

    Parameters
    ----------
    layout : Layout
    seen : (n, T) bool array
        Values that enter the model.
    fit : MMRMFit
    name, seed : str, int
        See :func:`nirls.stats.imputation.seeds.stream`.
    """

    def __init__(self, layout: Layout, seen: Array, fit: MMRMFit, name: str, seed: int = 0) -> None:
        self.layout, self.seen, self.fit, self.name, self.seed = layout, seen, fit, name, seed
        self._made: dict[tuple[str, range], Draws] = {}

    def draws(self, how: Literal["estimate"] | Repeated | Anchored, numbers: range = range(0)) -> Draws:
        """Draws of a kind; `numbers` of those that are random."""
        kind = "bootstrap" if how == "approximate_bayes" else how
        if (kind, numbers) not in self._made:
            model, random = (self.layout, self.seen, self.fit), (numbers, self.name, self.seed)
            self._made[kind, numbers] = (
                engines.estimate(self.layout, self.fit)
                if kind == "estimate"
                else engines.jackknife(*model)
                if kind == "jackknife"
                else engines.bootstrap(*model, *random)
                if kind == "bootstrap"
                else posterior(*model, *random)
            )
        return self._made[kind, numbers]


def repeated_sampling(question: Question, source: Source, how: Repeated, n_draws: int) -> Answer:
    """Conditional means, with the whole procedure repeated without each subject or on bootstrap samples."""
    if how == "jackknife":
        return Answer(pieces=_analysed(question, source.draws("jackknife")), pool=_jackknife, draws=0, redrawn=0)
    many = source.draws("bootstrap", range(n_draws))
    pieces = _joined([_analysed(question, source.draws("estimate")), _analysed(question, many)])
    return Answer(pieces=pieces, pool=_bootstrap, draws=n_draws, redrawn=many.redrawn)


def information_anchored(question: Question, source: Source, how: Anchored, numbers: range, before: Answer | None = None) -> Answer:
    """Multiple imputation with Rubin's rules; the parameters of each draw are those of a bootstrap sample or of the posterior.

    Parameters
    ----------
    numbers : range
        Numbers of the draws.
    before : Answer, optional
        The answer with the draws before these, to be added to.
    """
    drawn = source.draws(how, numbers).whole()
    # a stream of its own: the values drawn do not depend on how many numbers the engine took
    noise = np.stack([stream(f"{source.name}/values", k, source.seed).standard_normal(question.layout.y.shape) for k in numbers])
    pieces = _analysed(question, drawn, noise)
    if before is not None:
        pieces = _joined([before.pieces, pieces])
    redrawn = drawn.redrawn + (0 if before is None else before.redrawn)
    return Answer(pieces=pieces, pool=_rubin, draws=len(pieces.df), redrawn=redrawn)


def _analysed(question: Question, draws: Draws, noise: Array | None = None) -> Pieces:
    """Impute and analyse in blocks of draws, so that memory stays bounded."""
    layout = question.layout
    size = max(1, BLOCK // (layout.y.size * (1 + len(question.units))))
    found = []
    for first in range(0, len(draws.beta), size):
        part = slice(first, first + size)
        some = Draws(beta=draws.beta[part], sigma=draws.sigma[part], weights=draws.weights[part])
        own = None if noise is None else noise[part]
        filled = complete(layout, some, question.strategy, noise=own, anchor=question.anchor)
        outcome = layers(layout, some, question.strategy, filled, question.units, question.kind)
        found.append(analyse(outcome, question.design, some.weights, question.rows))
    return _joined(found)


def _joined(parts: list[Pieces]) -> Pieces:
    names = ("coefficients", "rows_cov", "rows", "squares", "df")
    return Pieces(**{name: np.concatenate([getattr(p, name) for p in parts]) for name in names})


def _jackknife(estimate: Array, variance: Array, df: Array) -> Pooled:
    return jackknife(estimate[0], estimate[1:])


def _bootstrap(estimate: Array, variance: Array, df: Array) -> Pooled:
    return bootstrap(estimate[0], estimate[1:])


def _rubin(estimate: Array, variance: Array, df: Array) -> Pooled:
    return rubin(estimate, variance, df[0])
