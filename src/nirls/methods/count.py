"""Counts of subjects by category."""

from __future__ import annotations

from pydantic import Field

from nirls.methods._groups import columns, denominators
from nirls.methods.describe import require
from nirls.methods.registry import AnalysisData, MethodResult, method
from nirls.plan.base import PlanModel


class CountOptions(PlanModel):
    """Options of `count`."""

    variables: list[str] = Field(description="Categorical variables; a subject counts once per level.", min_length=1)
    levels: dict[str, list[str]] = Field(
        default_factory=dict,
        description="Variable → its levels in order; default: the plan's levels, else those found, sorted. A value outside is an error.",
    )
    total: bool = Field(True, description="Add a column for all subjects together, those without an arm included.")
    within: dict[str, str] = Field(
        default_factory=dict, description="Variable → `where`: count it only among these records (reasons among those who discontinued)."
    )
    missing: bool = Field(True, description="Count subjects without a value, where there are any.")


@method("count", options=CountOptions)
def count(data: AnalysisData, options: CountOptions) -> MethodResult:
    """Number and percentage of subjects, and number of records, in each category by arm."""
    from nirls.ard.build import row, rows
    from nirls.errors import DataError
    from nirls.plan.where import where_mask

    require(data.frame, options.variables, data.analysis_id)
    found = denominators(data, options.total)
    size = {r["group1_level"]: r["stat"] for r in found}
    for variable in options.variables:
        frame = data.frame[where_mask(options.within[variable], data.frame)] if variable in options.within else data.frame
        values = frame[variable]
        levels = options.levels.get(variable) or planned_levels(data, variable) or sorted(values.dropna().astype(str).unique())
        stray = sorted(set(values.dropna().astype(str)) - set(levels))
        if stray:
            raise DataError(
                f"{data.spec.dataset}.{variable} holds {stray}, not among the levels of the plan {levels}; "
                f"correct the data, or add the level to study.yaml or to the analysis {data.analysis_id!r}"
            )
        for level in levels:
            for group, part in columns(frame[values == level], data.spec.group, options.total):
                n, total = part["USUBJID"].nunique(), size[group["group1_level"]]
                key = {"variable": variable, "variable_level": level, **group}
                found += rows({"n": n, "n_events": len(part)}, **key)
                found.append(
                    row("p", 100 * n / total if total else None, error="" if total else "no subjects in the column", unit="%", **key)
                )
        if options.missing and variable not in options.within and values.isna().any():
            for group, part in columns(frame[values.isna()], data.spec.group, options.total):
                found.append(row("n_missing", part["USUBJID"].nunique(), variable=variable, **group))
    return MethodResult(rows=found)


def planned_levels(data: AnalysisData, variable: str) -> list[str] | None:
    """Levels the plan declares for a variable, in order."""
    study = data.plan.study
    if variable in study.covariates:
        item = study.covariates[variable]
        return list(item.cut) if item.cut else item.levels
    stratum = study.strata.get(variable) or study.strata.get(variable.removesuffix("D"))
    if stratum:
        return stratum.levels
    if variable in (data.spec.group, "TRT01P", "TRT01A"):
        return list(data.frame[variable].cat.categories) if data.frame[variable].dtype == "category" else None
    return None
