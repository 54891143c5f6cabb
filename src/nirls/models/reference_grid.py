"""LS means and their contrasts by a reference grid.

The grid holds every combination of the factor levels, numeric covariates at their mean over the
analysed rows. An LS mean is the average of the predictions over the factors that are not asked
for: with equal weights (LSMEANS of SAS, emmeans), or in proportion to the observed rows (OM of SAS,
``weights = "proportional"`` of emmeans). Interactions need no special care: the
rows are model-matrix rows of the formula itself.

Reference: Searle SR, Speed FM, Milliken GA. Population marginal means in the linear model: an alternative to least
squares means. Am Stat 1980;34:216–221.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from nirls.errors import MethodError
from nirls.models.design import Design
from nirls.stats.contrasts import Contrasts

Margins = Literal["equal", "observed"]
Infer = Callable[[np.ndarray], Contrasts]


def marginal_rows(design: Design, names: Sequence[str], margins: Margins) -> tuple[pd.DataFrame, np.ndarray]:
    """The rows l whose lβ are the LS means of the factors `names`.

    Returns
    -------
    keys : DataFrame
        One row per combination of levels; the last name varies fastest.
    rows : (m, all columns) array
    """
    if margins not in ("equal", "observed"):
        raise ValueError(f"margins must be 'equal' or 'observed', not {margins!r}")
    strangers = [n for n in names if n not in design.factors]
    if strangers:
        raise MethodError(f"{', '.join(map(repr, strangers))}: not a factor of {design.formula!r}; factors: {', '.join(design.factors)}")
    if len(set(names)) < len(names):
        raise MethodError(f"a factor is asked for twice: {', '.join(names)}")
    order = [list(design.factors).index(n) for n in names]
    rest = [i for i in range(len(design.factors)) if i not in order]
    rows = design.reference_grid().transpose(*order, *rest, -1)
    m, width = int(np.prod(rows.shape[: len(order)])), rows.shape[-1]
    rows = rows.reshape(m, -1, width)
    weights = np.full(rows.shape[1], 1.0 / rows.shape[1])
    if margins == "observed":
        weights = cells(design, [list(design.factors)[i] for i in rest]) / len(design.frame)
    return _keys(design, names), np.einsum("mkp,k->mp", rows, weights)


def cells(design: Design, names: Sequence[str], unit: np.ndarray | None = None) -> np.ndarray:
    """Analysed rows, or distinct codes of `unit`, in each combination of the levels of `names`."""
    sizes = [len(design.factors[n]) for n in names]
    n_cells, cell = int(np.prod(sizes)), np.zeros(len(design.frame), dtype=np.intp)
    for name, size in zip(names, sizes, strict=True):
        cell = cell * size + design.frame[name].cat.codes.to_numpy()
    if unit is None:
        return np.bincount(cell, minlength=n_cells)
    seen = np.zeros((n_cells, int(unit.max()) + 1), dtype=bool)
    seen[cell, unit] = True
    return seen.sum(axis=1)


def _keys(design: Design, names: Sequence[str]) -> pd.DataFrame:
    """The combinations of the levels of `names`, the last varying fastest."""
    sizes = [len(design.factors[n]) for n in names]
    codes = np.indices(sizes).reshape(len(names), int(np.prod(sizes)))
    return pd.DataFrame({n: pd.Categorical.from_codes(c, list(design.factors[n])) for n, c in zip(names, codes, strict=True)})


def lsmeans_table(
    design: Design,
    infer: Infer,
    factor: str,
    by: str | Sequence[str] | None,
    margins: Margins,
    level: float,
    unit: np.ndarray | None = None,
) -> pd.DataFrame:
    """LS means of `factor`, one row for each of its levels within each level of `by`.

    Columns: by …, factor, n (analysed rows, or distinct codes of `unit`), lsmean, std_error, df, statistic, p_value (of zero), conf_low,
    conf_high. What is not estimable has NaN.
    """
    names = [*_listed(by), factor]
    keys, rows = marginal_rows(design, names, margins)
    columns = {"n": cells(design, names, unit), **inferred(design, infer, rows, level, "lsmean")}
    return pd.concat([keys, pd.DataFrame(columns)], axis=1)


def contrasts_table(
    design: Design, infer: Infer, factor: str, by: str | Sequence[str] | None, reference: Any, margins: Margins, level: float
) -> pd.DataFrame:
    """Differences of LS means, each level of `factor` minus `reference` (its first level if none), within each level of `by`.

    Columns: by …, contrast ("A - B"), factor, estimate, std_error, df, statistic, p_value, conf_low, conf_high. What is not
    estimable has NaN.
    """
    names = [*_listed(by), factor]
    keys, rows = marginal_rows(design, names, margins)
    levels = design.factors[factor]
    reference = levels[0] if reference is None else reference
    if reference not in levels:
        raise MethodError(f"reference {reference!r} is not a level of {factor!r} with analysed rows; levels: {', '.join(map(str, levels))}")
    by_level = rows.reshape(-1, len(levels), rows.shape[1])
    differences = by_level - by_level[:, [levels.index(reference)]]
    others = [i for i, name in enumerate(levels) if name != reference]
    table = keys[keys[factor] != reference].reset_index(drop=True)
    labels = [f"{name} - {reference}" for name in table[factor]]
    table.insert(len(names) - 1, "contrast", labels)
    columns = inferred(design, infer, differences[:, others].reshape(-1, rows.shape[1]), level, "estimate")
    return pd.concat([table, pd.DataFrame(columns)], axis=1)


def _listed(by: str | Sequence[str] | None) -> list[str]:
    return [] if by is None else [by] if isinstance(by, str) else list(by)


def inference_columns(result: Contrasts, level: float, name: str = "estimate") -> dict[str, np.ndarray]:
    """Estimates, standard errors, tests and confidence limits under the column names of every table."""
    low, high = result.ci(level)
    return {
        name: result.estimate,
        "std_error": result.std_error,
        "df": result.df,
        "statistic": result.statistic,
        "p_value": result.p_value,
        "conf_low": low,
        "conf_high": high,
    }


def inferred(design: Design, infer: Infer, rows: np.ndarray, level: float, name: str) -> dict[str, np.ndarray]:
    """The columns of :func:`inference_columns` for rows l (m, all columns); NaN where lβ is not estimable."""
    possible = design.estimable(rows)
    columns = {}
    for key, values in inference_columns(infer(rows[possible][:, design.kept]), level, name).items():
        columns[key] = np.full(len(rows), np.nan)
        columns[key][possible] = values
    return columns
