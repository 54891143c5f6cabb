"""Records of subjects, for displays that show individuals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import Field

from nirls.methods._groups import denominators
from nirls.methods.describe import require
from nirls.methods.registry import AnalysisData, MethodResult, method
from nirls.plan.base import PlanModel

if TYPE_CHECKING:
    import pandas as pd

    from nirls.plan.analysis import Analysis
    from nirls.plan.load import Plan


class Across(PlanModel):
    """Levels of a variable as columns: one record of each subject, or of each combination of `columns`."""

    variable: str = Field(description="Variable whose levels become columns, such as AVISIT or PARAMCD.")
    value: str = Field("AVAL", description="Variable that stands in them.")
    levels: list[str] = Field(description="Levels in order; others are left out.", min_length=1)


class RecordsOptions(PlanModel):
    """Options of `records`."""

    columns: list[str] = Field(default_factory=list, description="Variables to keep, besides subject and arm.")
    across: Across | None = Field(None, description="Levels of a variable side by side.")
    sort: list[str] = Field(default_factory=list, description="Variables to sort by, after arm and subject.")

    def cross_check(self, spec: Analysis, plan: Plan) -> Iterator[str]:
        """Something is kept, and sorted by what is kept; visits side by side are those of the study."""
        if not self.columns and self.across is None:
            yield "columns: no variable is kept; name variables, or levels of one under `across`"
        if self.across and _visits(self.across, spec):
            known = [v.name for v in plan.study.visits]
            strange = [v for v in self.across.levels if v not in known]
            if strange:
                yield f"across: levels: {', '.join(strange)} is no visit of the study; its visits are {', '.join(known)}"
        lost = [v for v in self.sort if v not in self.columns] if self.across else []
        if lost:
            yield f"sort: {', '.join(lost)} is no longer there with `across`; name it under `columns` too"


def _visits(across: Across, spec: Analysis) -> bool:
    """Whether the levels are visits of the study, of which some may be to come."""
    return across.variable == "AVISIT" and spec.dataset == "ADQS"


@method("records", options=RecordsOptions, keeps_records=True)
def records(data: AnalysisData, options: RecordsOptions) -> MethodResult:
    """The selected records themselves, ordered by arm and subject; counts of subjects and records by arm."""
    from nirls.ard.build import row

    group = data.spec.group
    keep = ["USUBJID", *([group] if group else []), *options.columns]
    across = options.across
    require(data.frame, [*keep, *options.sort, *([across.variable, across.value] if across else [])], data.analysis_id)
    order = [*([group] if group else []), "USUBJID", *options.sort]
    frame = _side_by_side(data, keep, across) if across else data.frame
    shown = frame.sort_values(order, kind="stable")[[*keep, *(across.levels if across else [])]].reset_index(drop=True)
    found = denominators(data, total=True)
    levels = list(shown[group].cat.categories) if group else []
    for level in [*levels, None]:
        part = shown if level is None else shown[shown[group] == level]
        key = {"group1": group or "", "group1_level": "Total" if level is None else str(level)}
        found += [row("n_subjects", part["USUBJID"].nunique(), **key), row("n_obs", len(part), **key)]
    if group:
        shown[group] = shown[group].astype("str")
    return MethodResult(rows=found, records=shown, footnotes=_not_listed(data.frame, across) if across else ())


def _not_listed(frame: pd.DataFrame, across: Across) -> tuple[str, ...]:
    """How many records and subjects stand in none of the columns; empty if all do."""
    inside = frame[across.variable].isin(across.levels)
    left, lost = frame[~inside], set(frame["USUBJID"]) - set(frame.loc[inside, "USUBJID"])
    if left.empty:
        return ()
    others = ", ".join(dict.fromkeys(left[across.variable].astype("str").fillna("missing")))
    whole = f"; subjects who have no other: {len(lost)}" if lost else ""
    return (f"Not listed: records with {across.variable} {others}: {len(left)}{whole}.",)


def _side_by_side(data: AnalysisData, keep: list[str], across: Across) -> pd.DataFrame:
    """One row for each combination of the variables kept, one column for each level; empty for a visit of the study to come.

    Raises
    ------
    ConfigError
        A level that no record has, unless it is a visit.
    DataError
        Two records of a subject with one level.
    """
    from nirls.errors import ConfigError, DataError

    frame, name = data.frame, data.analysis_id
    strange = [v for v in across.levels if not (frame[across.variable] == v).any()]
    if strange and len(frame) and not _visits(across, data.spec):
        have = ", ".join(map(str, frame[across.variable].dropna().unique()))
        raise ConfigError(f"analyses.yaml: {name}: options: across: no record has {across.variable} {', '.join(strange)}; there are {have}")
    chosen = frame[frame[across.variable].isin(across.levels)]
    twice = chosen[chosen.duplicated([*keep, across.variable])]
    if len(twice):
        raise DataError(
            f"analyses.yaml: {name}: options: across: {len(twice)} records are not the only ones of their subject with one "
            f"{across.variable}, the first {twice['USUBJID'].iloc[0]} {twice[across.variable].iloc[0]}; select one with `where`"
        )
    values = chosen.set_index([*keep, across.variable])[across.value].unstack(across.variable)
    # missing values of what is kept stay
    return values.reindex(columns=across.levels).reset_index().rename_axis(columns=None)
