"""Descriptive statistics of numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from nirls.methods._groups import columns, denominators
from nirls.methods.registry import AnalysisData, MethodResult, method
from nirls.plan.base import PlanModel

if TYPE_CHECKING:
    import pandas as pd

QUANTILES = {"sas5": "averaged_inverted_cdf", "r7": "linear"}


class DescribeOptions(PlanModel):
    """Options of `describe`."""

    variables: list[str] = Field(description="Numeric variables.", min_length=1)
    by_visit: bool = Field(False, description="One set of statistics per PARAMCD and AVISIT (BDS data sets).")
    total: bool = Field(False, description="Add a column for all arms together.")
    quantile: Literal["sas5", "r7"] = Field(
        "sas5", description="Quartiles: 'sas5' is SAS QNTLDEF=5 (R type 2), 'r7' is R's and numpy's default."
    )


@method("describe", options=DescribeOptions)
def describe(data: AnalysisData, options: DescribeOptions) -> MethodResult:
    """Number, mean, SD, median, quartiles and range of numeric variables by arm, and by visit.

    By visit, missing are the subjects of the set without a value there: a visit that did not take place has no record.
    """
    from nirls.ard.build import rows
    from nirls.errors import ConfigError

    require(data.frame, options.variables, data.analysis_id)
    for name in options.variables:
        if data.frame[name].dtype.kind not in "iufb" and data.frame[name].notna().any():
            shown = ", ".join(map(repr, data.frame[name].dropna().drop_duplicates().head(3)))
            raise ConfigError(
                f"analyses.yaml: {data.analysis_id}: options.variables: {name} is text ({shown}), not a number; use the method `count`"
            )
    found = denominators(data, options.total)
    subjects = {row["group1_level"]: row["stat"] for row in found}
    if options.by_visit:
        order = data.frame[["PARAMCD", "AVISIT", "AVISITN"]].drop_duplicates().sort_values(["PARAMCD", "AVISITN"], kind="stable")
        parts = [
            ({"param": p, "visit": v}, data.frame[(data.frame["PARAMCD"] == p) & (data.frame["AVISIT"] == v)])
            for p, v in order[["PARAMCD", "AVISIT"]].itertuples(index=False)
        ]
    else:
        parts = [({}, data.frame)]
    for key, part in parts:
        for variable in options.variables:
            for group, records in columns(part, data.spec.group, options.total):
                summary, reasons = summarise(records[variable], QUANTILES[options.quantile])
                if options.by_visit:
                    seen = records.loc[records[variable].notna(), "USUBJID"].nunique()
                    summary["n_missing"] = int(subjects[group["group1_level"]] - seen)
                for name, value in summary.items():
                    found += rows({name: value}, variable=variable, error=reasons.get(name, ""), **key, **group)
    return MethodResult(
        rows=found, footnotes=(f"Quartiles: {'SAS definition 5 (R type 2)' if options.quantile == 'sas5' else 'R type 7'}.",)
    )


def summarise(values: pd.Series, quantile: Any) -> tuple[dict[str, float | None], dict[str, str]]:
    """The statistics of one cell, and why one cannot be computed."""
    import numpy as np

    x = values.dropna().to_numpy(float)
    stats: dict[str, float | None] = {"n": len(x), "n_missing": int(values.isna().sum())}
    names = ("mean", "sd", "median", "q1", "q3", "min", "max")
    if not len(x):
        return stats | dict.fromkeys(names), dict.fromkeys(names, "no observed values")
    q1, median, q3 = np.quantile(x, [0.25, 0.5, 0.75], method=quantile)
    stats |= {
        "mean": x.mean(),
        "sd": x.std(ddof=1) if len(x) > 1 else None,
        "median": median,
        "q1": q1,
        "q3": q3,
        "min": x.min(),
        "max": x.max(),
    }
    return stats, {} if len(x) > 1 else {"sd": "one observed value"}


def require(frame: pd.DataFrame, names: list[str], analysis_id: str) -> None:
    """Raise ConfigError naming the variables the data set does not have."""
    import difflib

    from nirls.errors import ConfigError

    for name in names:
        if name not in frame.columns:
            near = difflib.get_close_matches(name, list(frame.columns), n=1)
            raise ConfigError(
                f"analyses.yaml: {analysis_id}: the data set has no variable {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")
            )
