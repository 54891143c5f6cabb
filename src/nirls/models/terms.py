"""Type III hypotheses of the terms of a formula.

The hypothesis of a term t says that its contrasts are zero when every factor that is not in t is averaged over its levels with
equal weights. Only terms with the same covariates take part: a term contains t when it has the covariates of t and more factors
(so SAS), therefore ``AVISIT`` beside ``BASE:AVISIT`` is tested where BASE is zero, and ``BASE`` is the slope averaged over visits.
For complete crossings it is the Type III test of PROC MIXED and the test of the term's coefficients when all factors are coded
sum-to-zero; unlike the coefficients in reference-level coding it does not depend on which level is the reference.

With a coding matrix C_f (levels × columns) for each factor, the columns of a term are the Kronecker product of those of its factors,
and the hypothesis, over the coefficients of a term u with the same covariates, that of

    D_f C_f  (differences from the reference level) for f in t and coded with one column less than levels,
    C_f      (every level) for f in t and coded in full, since a lower term is not in the model,
    1'C_f/n  (the average) for f in u but not in t,

which is zero when t has a factor that u has not. Rows are differences from the reference level wherever the term has a
reference level; the Satterthwaite denominator degrees of freedom depend on this.

References
----------
SAS/STAT User's Guide, "The Four Types of Estimable Functions", section Type III. Searle SR. Linear Models for Unbalanced Data. Wiley
1987, chapter 12.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import reduce
from math import prod
from typing import Any

import numpy as np
import pandas as pd
from scipy import linalg

from nirls.errors import MethodError, NotEstimableError
from nirls.models.design import Design
from nirls.stats.contrasts import FTest

Array = np.ndarray

# a combination of rows is estimable when it is orthogonal to the dependencies of the design to this share of their length
ESTIMABLE = 1e-8


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """Columns that are one Kronecker product: all of a term, or some of it when a lower term is not in the model.

    Attributes
    ----------
    order : tuple of str
        Factors and covariates as the formula writes them, the first varying fastest in the columns.
    reduced : dict of str to bool
        Factor → whether it is coded with one column less than levels.
    widths : dict of str to int
        Covariate → number of its columns.
    columns : slice
        Place among all columns.
    scale : float
        What the formula multiplies the columns with.
    """

    order: tuple[str, ...]
    reduced: dict[str, bool]
    widths: dict[str, int]
    columns: slice
    scale: float


def names(design: Design) -> list[str]:
    """The terms in the order of the formula, without the intercept."""
    return [str(term) for term, place in design.spec.term_slices.items() if str(term) != "1" and place.stop > place.start]


def hypothesis(design: Design, term: str) -> Array:
    """The Type III hypothesis of `term` ("TRT:AVISIT", its factors in any order): rows (c, all columns).

    Raises
    ------
    MethodError
        If the formula has no such term, or codes one variable in two ways.
    """
    wanted = frozenset(part.strip() for part in term.split(":"))
    for candidate in design.spec.term_slices:
        if frozenset(str(f) for f in candidate.factors) == wanted:
            break
    else:
        raise MethodError(f"{term!r} is not a term of {design.formula!r}; terms: {', '.join(names(design))}")
    parts = list(_parts(design))
    levels = {str(f): state for f, state in design.spec.factor_contrasts.items()}
    blocks = []
    for own in (part for name, part in parts if name == candidate):
        rows = np.zeros((_functional(own, own, levels).shape[0], design.kept.size + len(design.dropped)))
        for _, other in parts:
            if other.widths.keys() == own.widths.keys():
                rows[:, other.columns] = _functional(own, other, levels)
        blocks.append(rows)
    return np.concatenate(blocks)


def estimable_part(design: Design, rows: Array) -> tuple[Array, int]:
    """What of a hypothesis over all columns (c, all columns) can be tested.

    Returns
    -------
    rows : (r, p) array
        Over the estimated coefficients: rows that are estimable as they are, then combinations of the others that are.
    lost : int
        c − r.
    """
    possible = design.estimable(rows)
    found = rows[possible]
    if not possible.all():
        length = np.linalg.norm(design.null, axis=0)
        span = linalg.null_space((rows[~possible] @ (design.null / length)).T, rcond=ESTIMABLE)
        found = np.concatenate([found, span.T @ rows[~possible]])
    return found[:, design.kept], len(rows) - len(found)


def test_term(design: Design, f_test: Callable[[Array], FTest], term: str) -> FTest:
    """F test of the Type III hypothesis of `term`, or of its estimable part.

    Raises
    ------
    NotEstimableError
        If nothing of it is estimable.

    Warns
    -----
    UserWarning
        If only a part of it is.
    """
    rows, lost = estimable_part(design, hypothesis(design, term))
    if not len(rows):
        raise NotEstimableError(f"the hypothesis of {term!r} in {design.formula!r} is not estimable: {', '.join(design.dropped)} dropped")
    if lost:
        warnings.warn(
            f"{term}: {lost} of {len(rows) + lost} dimensions of the hypothesis are not estimable; tested is the rest", stacklevel=3
        )
    return replace(f_test(rows), not_estimable=lost)


def anova_table(design: Design, f_test: Callable[[Array], FTest]) -> pd.DataFrame:
    """Type III F tests of all terms in the order of the formula.

    Columns: num_df, den_df, statistic, p_value, and not_estimable: how many dimensions the hypothesis has beyond num_df that are not
    estimable and not tested. A term of which nothing is estimable has num_df 0 and NaN. NaN also where F has no approximate
    distribution: denominator df that are not positive, as Kenward–Roger can give in very small trials.
    """
    table = {}
    for term in names(design):
        rows, lost = estimable_part(design, hypothesis(design, term))
        found = f_test(rows) if len(rows) else FTest(statistic=np.nan, num_df=0, den_df=np.nan)
        numbers = (found.den_df, found.statistic, found.p_value)
        table[term] = (found.num_df, *(numbers if np.isfinite(numbers).all() else (np.nan,) * 3), lost)
    columns = ["num_df", "den_df", "statistic", "p_value", "not_estimable"]
    result = pd.DataFrame.from_dict(table, orient="index", columns=columns).rename_axis("term")
    return result.astype({"num_df": int, "den_df": float, "statistic": float, "p_value": float, "not_estimable": int})


def _parts(design: Design) -> Iterator[tuple[Any, _Part]]:
    """Each term with its Kronecker products."""
    import formulaic

    contrasts = design.spec.factor_contrasts
    levels = {str(f): len(state.levels) for f, state in contrasts.items()}
    for variable in design.factors:
        ways = [str(f) for f in contrasts if variable in map(str, design.spec.factor_variables[f])]
        if len(ways) > 1:
            raise MethodError(f"{design.formula!r} codes {variable!r} in more than one way: {', '.join(ways)}")
    first = 0
    for term, scoped_terms, _ in design.spec.structure:
        for scoped in scoped_terms:
            order = tuple(f.factor.expr for f in scoped.factors)
            reduced = {f.factor.expr: f.reduced for f in scoped.factors if f.factor.expr in levels}
            widths = {}
            for name in (n for n in order if n not in levels):
                plain = name in design.covariates
                widths[name] = 1 if plain else formulaic.model_matrix(f"0 + {{{name}}}", design.frame, context={"np": np}).shape[1]
            size = prod([*widths.values(), *(levels[n] - less for n, less in reduced.items())])
            yield term, _Part(order=order, reduced=reduced, widths=widths, columns=slice(first, first + size), scale=float(scoped.scale))
            first += size


def _functional(own: _Part, other: _Part, levels: dict[str, Any]) -> Array:
    """The hypothesis of `own` over the coefficients of `other`, which has the same covariates: (c, columns of other)."""
    names = list(dict.fromkeys([*own.order, *other.order]))
    matrices = [np.eye(own.widths[n]) if n in own.widths else _taken(n, own, other, levels[n]) for n in names]
    product = reduce(np.multiply.outer, matrices)  # (rows, columns) of the first, of the second, …
    across = [*other.order, *(n for n in names if n not in other.order)]
    axes = [2 * i for i in reversed(range(len(names)))] + [2 * names.index(n) + 1 for n in reversed(across)]
    return other.scale * product.transpose(axes).reshape(prod(m.shape[0] for m in matrices), -1)


def _taken(name: str, own: _Part, other: _Part, state: Any) -> Array:
    """What the hypothesis of `own` takes of the factor `name` as it is coded in `other`: (rows, columns)."""
    n = len(state.levels)
    coding = np.ones((n, 1))
    if name in other.reduced:
        coding = np.asarray(state.get_coding_matrix(reduced_rank=other.reduced[name]), dtype=float)
    if name not in own.reduced:
        return coding.mean(axis=0, keepdims=True)
    if not own.reduced[name]:
        return coding
    base = getattr(state.contrasts, "base", None)
    reference = list(state.levels).index(base) if base in state.levels else 0
    return np.delete(coding - coding[reference], reference, axis=0)
