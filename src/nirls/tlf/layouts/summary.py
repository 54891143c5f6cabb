"""Table of demographics and baseline characteristics."""

from __future__ import annotations

from pydantic import Field

from nirls.ard.schema import NOT_ANALYSED
from nirls.plan.base import PlanModel
from nirls.tlf.document import Row, TableDocument
from nirls.tlf.layouts._blocks import CountRow, Statistic, count_rows, decimals_for, holding, missing_row, same_denominator, statistic_row
from nirls.tlf.layouts._common import arm_columns, arms_shown, head
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.notes import Notes

WIDE = 6
"""More columns than this, and the quartiles have a row of their own."""


class SummaryBlock(PlanModel):
    """One variable: a number with its statistics, or a category with n (%)."""

    variable: str = Field(description="Variable of a describe or count analysis.")
    label: str | None = Field(None, description="Heading; default: the plan's label.")
    role: str | None = Field(None, description="Role of the analysis; default: the first that has the variable.")
    param: str | None = Field(None, description="PARAMCD, for results by parameter.")
    visit: str | None = Field(None, description="AVISIT, for results by visit.")
    decimals: int | None = Field(None, description="Decimals of the data; default: the context's, else 0.", ge=0, le=6)
    levels: list[str] | None = Field(None, description="Levels to show, for a category; none for all.")


class SummaryOptions(PlanModel):
    """Options of `summary`."""

    blocks: list[SummaryBlock] | None = Field(None, description="Variables in order; default: all variables of the results in their order.")
    statistics: list[Statistic] | None = Field(
        None,
        description="Rows of a numeric variable; default: n, mean (SD), median (Q1, Q3) and min, max; quartiles apart if wide.",
    )
    missing: bool = Field(True, description="Add a row for subjects without a value, where there are any.")
    arms: list[str] | None = Field(None, description="Arms to show; none for all.")
    total: bool | None = Field(None, description="Show the Total column; none where the results have one.")


@layout("summary", options=SummaryOptions, roles=("main",), optional=("*",))
def summary(request: Request) -> Laid:
    """Baseline characteristics by arm: statistics of numbers, n (%) of categories; no tests."""
    options, notes, context, main = request.options, Notes(), request.context, request.ards["main"]
    columns = arm_columns(main, context, notes, options.arms, options.total)
    blocks = options.blocks or [
        SummaryBlock(variable=v, role=role) for role, ard in request.ards.items() for v in ard.variables if v not in NOT_ANALYSED
    ]
    apart = ("median", "quartiles") if len(columns) > WIDE else ("median_quartiles",)
    statistics = options.statistics or ["n", "mean_sd", *apart, "min_max"]
    rows: list[Row] = []
    for block in blocks:
        ard = holding(request, block.variable, block.role)
        place = {"param": block.param or "", "visit": block.visit or ""}
        key = {"variable": block.variable, **{k: v for k, v in place.items() if v}}
        label = block.label or context.labels.get(block.variable, block.variable)
        rows.append(Row(label=label, kind="section", marks=same_denominator(ard, columns, notes, label)))
        if ard.find("mean", group1_level=columns[0].id, **key) is not None:
            decimals = decimals_for(request, block.variable, block.param or "", given=block.decimals)
            rows += [statistic_row(request, ard, s, key, decimals, columns, notes, 1) for s in statistics]
            gaps = [ard.find("n_missing", group1_level=c.id, **key) for c in columns]
            if options.missing and "n_missing" not in statistics and any(g is not None and g.value for g in gaps):
                rows.append(statistic_row(request, ard, "n_missing", key, decimals, columns, notes, 1))
        else:
            for level in block.levels or [None]:
                rows += count_rows(request, CountRow(variable=block.variable, level=level, role=block.role, indent=1), columns, notes)
            if options.missing:
                rows += missing_row(request, block.variable, block.role, columns, notes, 1, always=False)
    for ard in request.ards.values():
        for text in ard.footnotes:
            notes.general(text)
    return Laid(document=TableDocument(stub="", columns=columns, rows=tuple(rows), **head(request, notes, "main", arms_shown(columns))))
