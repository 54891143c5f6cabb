"""Table of observed values and change by visit."""

from __future__ import annotations

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf.document import Row, TableDocument
from nirls.tlf.layouts._blocks import Statistic, decimals_for, statistic_row
from nirls.tlf.layouts._common import arm_columns, arms_shown, chosen_arms, chosen_param, chosen_visits, head
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.notes import Notes


class ObservedOptions(PlanModel):
    """Options of `observed`."""

    param: str | None = Field(None, description="PARAMCD; default: the only one of the results.")
    variables: list[str] = Field(default=["AVAL", "CHG"], description="Variables shown at each visit, in order.")
    visits: list[str] | None = Field(None, description="Visits to show; none for all.")
    statistics: list[Statistic] = Field(default=["n", "mean_sd", "median", "min_max"], description="Rows at each visit.")
    decimals: int | None = Field(None, description="Decimals of the data; default: the context's, else 0.", ge=0, le=6)
    arms: list[str] | None = Field(None, description="Arms to show; none for all.")
    total: bool | None = Field(None, description="Show the Total column; none where the results have one.")


@layout("observed", options=ObservedOptions, roles=("main",))
def observed(request: Request) -> Laid:
    """Observed values and change from baseline by visit and arm."""
    options, notes, context, main = request.options, Notes(), request.context, request.ards["main"]
    columns = arm_columns(main, context, notes, options.arms, options.total)
    param = chosen_param(main, options.param)
    decimals = decimals_for(request, param, given=options.decimals)
    probe = chosen_arms(main, context, options.arms)[0].code
    rows: list[Row] = []
    for visit in chosen_visits(main, context, options.visits):
        for variable in options.variables:
            key = {"variable": variable, "visit": visit, "param": param}
            if variable in ("CHG", "PCHG") and any(v.name == visit and (v.baseline or v.week is None) for v in context.visits):
                continue  # there is no change up to baseline
            main.get("n", group1_level=probe, **key)
            label = context.labels.get(variable, variable)
            rows.append(Row(label=f"{visit} — {label[:1].lower() + label[1:]}", kind="section"))
            rows += [statistic_row(request, main, s, key, decimals, columns, notes, 1) for s in options.statistics]
    for text in main.footnotes:
        if not text.startswith("Quartiles") or "median_quartiles" in options.statistics:
            notes.general(text)
    return Laid(
        document=TableDocument(
            stub=context.params[param].label if param in context.params else param,
            columns=columns,
            rows=tuple(rows),
            **head(request, notes, "main", arms_shown(columns)),
        )
    )
