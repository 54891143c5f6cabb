"""Records of subjects, for displays that show individuals."""

from __future__ import annotations

from pydantic import Field

from nirls.methods._groups import denominators
from nirls.methods.describe import require
from nirls.methods.registry import AnalysisData, MethodResult, method
from nirls.plan.base import PlanModel


class RecordsOptions(PlanModel):
    """Options of `records`."""

    columns: list[str] = Field(description="Variables to keep, besides subject and arm.", min_length=1)
    sort: list[str] = Field(default_factory=list, description="Variables to sort by, after arm and subject.")


@method("records", options=RecordsOptions, keeps_records=True)
def records(data: AnalysisData, options: RecordsOptions) -> MethodResult:
    """The selected records themselves, ordered by arm and subject; counts of subjects and records by arm."""
    from nirls.ard.build import row

    group = data.spec.group
    keep = ["USUBJID", *([group] if group else []), *options.columns]
    require(data.frame, [*keep, *options.sort], data.analysis_id)
    order = [*([group] if group else []), "USUBJID", *options.sort]
    shown = data.frame.sort_values(order, kind="stable")[keep].reset_index(drop=True)
    found = denominators(data, total=True)
    levels = list(shown[group].cat.categories) if group else []
    for level in [*levels, None]:
        part = shown if level is None else shown[shown[group] == level]
        key = {"group1": group or "", "group1_level": "Total" if level is None else str(level)}
        found += [row("n_subjects", part["USUBJID"].nunique(), **key), row("n_obs", len(part), **key)]
    if group:
        shown[group] = shown[group].astype("str")
    return MethodResult(rows=found, records=shown)
