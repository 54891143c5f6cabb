"""A design applied to other rows than those it was fitted to."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nirls.errors import DataError
from nirls.models.design import Design

Array = np.ndarray


def model_rows(design: Design, data: pd.DataFrame) -> tuple[Array, dict[str, int]]:
    """Rows of the model matrix for `data`.

    Returns
    -------
    rows : (n, all columns) array
        NaN where a covariate is missing.
    missing : dict of str to int
        Variable → rows of `data` where it is missing.

    Raises
    ------
    DataError
        For a column that `data` lacks, a factor level unknown to the fit (named), or text where the fit had numbers.
    """
    variables = [*design.factors, *design.covariates]
    need_columns(data, variables)
    complete = data[variables].notna().all(axis=1).to_numpy() if variables else np.ones(len(data), dtype=bool)
    points = data.loc[complete, variables].reset_index(drop=True)
    for factor, levels in design.factors.items():
        strangers = [v for v in points[factor].unique() if v not in levels]
        if strangers:
            unused = [v for v in strangers if v in design.unused_levels.get(factor, ())]
            seen = f" ({', '.join(map(str, unused))}: declared, but without an analysed row)" if unused else ""
            raise DataError(
                f"{factor} has levels unknown to the fit: {', '.join(map(str, strangers))}{seen}; levels: {', '.join(map(str, levels))}"
            )
        points[factor] = pd.Categorical(points[factor], categories=list(levels))
    text = [v for v in design.covariates if not pd.api.types.is_numeric_dtype(points[v])]
    if text:
        raise DataError(f"{', '.join(text)}: numbers in the fit, but {points[text[0]].dtype} in the data")
    rows = np.full((len(data), design.kept.size + len(design.dropped)), np.nan)
    if len(points):
        rows[complete] = np.asarray(design.spec.get_model_matrix(points, context={"np": np}), dtype=float)
    return rows, {v: int(n) for v in variables if (n := data[v].isna().sum())}


def need_columns(data: pd.DataFrame, columns: list[str]) -> None:
    """Raise DataError for columns that `data` lacks."""
    absent = [c for c in columns if c not in data.columns]
    if absent:
        raise DataError(f"the data have no column {', '.join(map(repr, absent))}; columns: {', '.join(map(str, data.columns))}")
