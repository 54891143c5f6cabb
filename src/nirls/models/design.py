"""From a formula and a frame to a design matrix, with an account of every row and column left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from nirls.errors import DataError, MethodError, NotEstimableError
from nirls.stats.mmrm.basis import dependent_columns

RankDeficient = Literal["error", "drop"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """A formula applied to a frame.

    Attributes
    ----------
    formula : str
    response : str
    frame : DataFrame
        The analysed rows with the variables of the model (and those carried along), index 0 … n−1. Factors are
        Categoricals in declared order without unused levels.
    rows : (n,) int array
        Positions of the analysed rows in the data given.
    index : Index
        Labels of the analysed rows in the data given.
    y : (n,) array
    matrix : (n, p) array
        Columns that could be estimated.
    columns : tuple of str
        Their names.
    dropped : tuple of str
        Names of linearly dependent columns left out.
    kept : (p,) int array
        Positions of `columns` among all columns of the formula.
    null : (all columns, d) array
        Basis of the dependencies; a row l over all columns is estimable when l·null = 0.
    factors : dict of str to tuple
        Factor → levels that occur.
    unused_levels : dict of str to tuple
        Factor → declared levels without an analysed row.
    covariates : dict of str to float
        Numeric variable → mean of the analysed rows.
    n_missing_outcome : int
        Rows left out because the response is missing.
    missing_covariates : dict of str to int
        Variable → rows with an observed response left out because it is missing.
    n_missing_covariates : int
        Rows left out for any missing covariate.
    spec, response_spec : formulaic.ModelSpec
        Of the right and of the left side of the formula.
    """

    formula: str
    response: str
    frame: pd.DataFrame
    rows: np.ndarray
    index: pd.Index
    y: np.ndarray
    matrix: np.ndarray
    columns: tuple[str, ...]
    dropped: tuple[str, ...]
    kept: np.ndarray
    null: np.ndarray
    factors: dict[str, tuple[Any, ...]]
    unused_levels: dict[str, tuple[Any, ...]]
    covariates: dict[str, float]
    n_missing_outcome: int
    missing_covariates: dict[str, int]
    n_missing_covariates: int
    spec: Any = field(repr=False)
    response_spec: Any = field(repr=False)
    _made: dict[str, np.ndarray] = field(default_factory=dict, repr=False, compare=False)

    def reference_grid(self) -> np.ndarray:
        """Model-matrix rows at every combination of factor levels, covariates at their means.

        Returns
        -------
        (levels of first factor, …, levels of last factor, all columns) array
        """
        if "grid" not in self._made:
            sizes = [len(levels) for levels in self.factors.values()]
            codes = np.indices(sizes).reshape(len(sizes), int(np.prod(sizes)))
            points = {f: pd.Categorical.from_codes(c, list(self.factors[f])) for f, c in zip(self.factors, codes, strict=True)}
            grid = pd.DataFrame(points, index=range(int(np.prod(sizes)))).assign(**self.covariates)
            rows = np.asarray(self.spec.get_model_matrix(grid, context={"np": np}), dtype=float)
            self._made["grid"] = rows.reshape(*sizes, rows.shape[1])
        return self._made["grid"]

    def estimable(self, rows: np.ndarray) -> np.ndarray:
        """Which rows (m, all columns) are estimable: (m,) bool."""
        size = np.abs(rows) @ np.abs(self.null)
        return (np.abs(rows @ self.null) <= 1e-8 * np.maximum(size, 1.0)).all(axis=1)


def build_design(
    formula: str,
    data: pd.DataFrame,
    *,
    factors: Sequence[str] = (),
    carry: Sequence[str] = (),
    rank_deficient: RankDeficient = "error",
) -> Design:
    """Apply `formula` to `data`.

    Parameters
    ----------
    formula : str
        ``response ~ terms`` in Wilkinson notation; text, boolean and categorical variables are factors (a Categorical keeps
        its declared order, others are sorted) in reference-level coding.
    data : DataFrame
    factors : sequence of str
        Variables to treat as factors whatever their type.
    carry : sequence of str
        Further columns to keep with the analysed rows; they may not be missing.
    rank_deficient : {"error", "drop"}
        What to do with columns that are linear combinations of columns before them.

    Raises
    ------
    MethodError
        For a formula that cannot be read or names a column `data` lacks.
    DataError
        If no row is complete, or a carried column is missing.
    NotEstimableError
        For linearly dependent columns, which are named.
    """
    import formulaic

    parsed, response = _parse(formula)
    variables = sorted(str(v) for v in parsed.rhs.required_variables)
    needed = list(dict.fromkeys([response, *variables, *carry]))
    absent = [c for c in needed if c not in data.columns]
    if absent:
        raise MethodError(
            f"the data have no column {', '.join(map(repr, absent))} (formula {formula!r}); columns: {', '.join(map(str, data.columns))}"
        )
    frame = data[needed]
    if not pd.api.types.is_numeric_dtype(frame[response]):
        raise DataError(f"the response {response!r} is not numeric (type {frame[response].dtype})")

    observed = frame[response].notna().to_numpy()
    present = {v: frame[v].notna().to_numpy() for v in variables}
    gaps = {v: int(np.count_nonzero(observed & ~there)) for v, there in present.items()}
    complete = np.logical_and.reduce([observed, *present.values()])
    rows = np.flatnonzero(complete)
    index = frame.index[rows]
    frame = frame.iloc[rows].reset_index(drop=True)
    if frame.empty:
        raise DataError(f"no row has the response {response!r} and all covariates of {formula!r}")
    for column in carry:
        if frame[column].isna().any():
            raise DataError(f"{column!r} is missing in {int(frame[column].isna().sum())} analysed rows; every row needs it")

    levels, unused, changed = {}, {}, {}
    coded = _categorical_variables(parsed, variables)
    for v in variables:
        if v in factors or v in coded or not pd.api.types.is_numeric_dtype(frame[v]) or pd.api.types.is_bool_dtype(frame[v]):
            changed[v] = as_factor(frame[v])
            levels[v] = tuple(changed[v].cat.categories)
            declared = frame[v].cat.categories if isinstance(frame[v].dtype, pd.CategoricalDtype) else ()
            missing_levels = tuple(c for c in declared if c not in levels[v])
            if missing_levels:
                unused[v] = missing_levels
    frame = frame.assign(**changed)

    try:
        left, right = formulaic.model_matrix(parsed, frame, na_action="raise", output="numpy", context={"np": np})
    except formulaic.errors.FormulaicError as error:
        raise MethodError(f"formula {formula!r}: {error}") from error
    everything, names = np.asarray(right, dtype=float), list(map(str, right.model_spec.column_names))
    aliased = dependent_columns(everything)
    if aliased and rank_deficient == "error":
        shown = ", ".join(names[j] for j in aliased[:12]) + (f" and {len(aliased) - 12} more" if len(aliased) > 12 else "")
        raise NotEstimableError(
            f"the design of {formula!r} is rank deficient; these columns are linear combinations of the others: "
            f"{shown}. Pool or leave out levels, or choose rank_deficient='drop'"
        )
    kept = np.array([j for j in range(len(names)) if j not in set(aliased)], dtype=int)
    return Design(
        formula=formula,
        response=response,
        frame=frame,
        rows=rows,
        index=index,
        y=np.asarray(left, dtype=float).ravel(),
        matrix=everything[:, kept] if aliased else everything,
        columns=tuple(names[j] for j in kept),
        dropped=tuple(names[j] for j in aliased),
        kept=kept,
        null=_null(everything, kept, aliased),
        factors=levels,
        unused_levels=unused,
        covariates={v: float(frame[v].mean()) for v in variables if v not in levels},
        n_missing_outcome=int(np.count_nonzero(~observed)),
        missing_covariates={v: n for v, n in gaps.items() if n},
        n_missing_covariates=int(np.count_nonzero(observed & ~complete)),
        spec=right.model_spec,
        response_spec=left.model_spec,
    )


def _parse(formula: str) -> tuple[Any, str]:
    import formulaic

    try:
        parsed = formulaic.Formula(formula)
        outcome = [str(v) for v in parsed.lhs.required_variables]
    except (formulaic.errors.FormulaicError, AttributeError) as error:
        raise MethodError(f"formula {formula!r} cannot be read as 'response ~ terms': {error}") from error
    if len(outcome) != 1:
        raise MethodError(f"formula {formula!r} must have one response variable, not {outcome}")
    return parsed, outcome[0]


def _categorical_variables(parsed: Any, variables: list[str]) -> set[str]:
    """Variables inside C(…) of the formula."""
    return {
        v
        for term in parsed.rhs
        for factor in term.factors
        for v in variables
        if str(factor).startswith("C(") and v in str(factor).replace("(", " ").replace(")", " ").replace(",", " ").split()
    }


def as_factor(values: pd.Series) -> pd.Series:
    """A Categorical of the levels that occur: declared order if there is one, sorted otherwise."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return values.cat.remove_unused_categories()
    codes, levels = pd.factorize(values, sort=True)
    return pd.Series(pd.Categorical.from_codes(codes, levels), index=values.index, name=values.name)


def _null(matrix: np.ndarray, kept: np.ndarray, aliased: list[int]) -> np.ndarray:
    null = np.zeros((matrix.shape[1], len(aliased)))
    if aliased:
        null[kept] = np.linalg.lstsq(matrix[:, kept], matrix[:, aliased], rcond=None)[0]
        null[aliased, np.arange(len(aliased))] = -1.0
    return null
