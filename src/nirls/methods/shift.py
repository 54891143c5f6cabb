"""Shifts from the category at baseline to the worst one under treatment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from nirls.methods._groups import columns, denominators
from nirls.methods.count import planned_levels
from nirls.methods.describe import require
from nirls.methods.registry import AnalysisData, MethodResult, method
from nirls.plan.base import Id, PlanModel

if TYPE_CHECKING:
    import pandas as pd

    from nirls.plan.analysis import Analysis
    from nirls.plan.load import Plan

LOW, NORMAL, HIGH, BOTH = "LOW", "NORMAL", "HIGH", "LOW AND HIGH"
NO_BASELINE, NO_VALUE, NO_RANGE = "NO BASELINE VALUE", "NO VALUE", "NO RANGE"
SIDES = {"high": "highest", "low": "lowest"}


class ShiftOptions(PlanModel):
    """Options of `shift`."""

    params: list[Id] = Field(description="PARAMCD of parameters with a reference range or with grades (`values`), in order.", min_length=1)
    days_after: int | None = Field(
        7,
        description="Values up to so many days after the last treatment count; none for every value after baseline.",
        ge=0,
    )
    worst: dict[Id, Literal["both", "low", "high"]] = Field(
        default_factory=dict,
        description="PARAMCD of a parameter with a range → its worst value: the lowest, the highest, or both (default): who had values "
        "below and above the range is in a category of its own.",
    )
    by: Id | None = Field(None, description="Categorical variable of ADSL; a table for each of its levels.")
    total: bool = Field(False, description="Add a column for all arms together.")

    def cross_check(self, spec: Analysis, plan: Plan) -> Iterator[str]:
        """Parameters are of the data set and have a range or grades."""
        for code in self.params:
            item = plan.study.parameters.get(code)
            if item is None or item.dataset != spec.dataset:
                known = [c for c, p in plan.study.parameters.items() if p.dataset == spec.dataset]
                yield f"params: {code!r} is no parameter of {spec.dataset} (known: {', '.join(known) or 'none'})"
            elif item.range is None and item.values is None:
                yield f"params: {code}: no reference range; give its `range` in study.yaml, or `values` if it has grades"
        for code in self.worst:
            item = plan.study.parameters.get(code)
            if code not in self.params or (item is not None and item.values is not None):
                yield f"worst: {code!r} is not among `params` with a reference range; of grades the highest is the worst"


@method("shift", options=ShiftOptions, reads=("parameters",))
def shift(data: AnalysisData, options: ShiftOptions) -> MethodResult:
    """Subjects by category at baseline and worst category under treatment, by arm; who has no value is counted as such."""
    from nirls.ard.build import row
    from nirls.errors import ConfigError

    require(data.frame, ["PARAMCD", "AVAL", "ADT", "ADY", "ABLFL", "ANRIND"], data.analysis_id)
    require(data.adsl, ["TRTSDT", "TRTEDT", *([options.by] if options.by else [])], data.analysis_id)
    adsl, after, undated = data.adsl, *_after_baseline(data, options)
    strata: list[str] = []
    if options.by is not None:
        levels = planned_levels(data, options.by)
        if levels is None:
            raise ConfigError(f"analyses.yaml: {data.analysis_id}: options.by: {options.by!r} has no levels in study.yaml")
        missing = adsl[options.by].isna()
        strata = [*levels, *(["MISSING"] if missing.any() else [])]
        adsl = adsl.assign(**{options.by: adsl[options.by].astype("str").where(~missing, "MISSING")})
    found = denominators(data, options.total)
    for stratum in strata or [""]:
        some = adsl if options.by is None else adsl[adsl[options.by] == stratum]
        key = {"group3": options.by, "group3_level": stratum} if options.by else {}
        if options.by is not None:
            for group, part in columns(some, data.spec.group, options.total):
                found.append(row("N", len(part), variable="shift", **key, **group))
        for code in options.params:
            table, first, last = _categories(data, code, after, options, some["USUBJID"])
            both = (
                some[["USUBJID"]].join(table, on="USUBJID").assign(**({data.spec.group: some[data.spec.group]} if data.spec.group else {}))
            )
            for group, part in columns(both, data.spec.group, options.total):
                cells = part.groupby(["FIRST", "WORST"]).size()
                for one in first:
                    own = key | group | {"param": code, "group2": "BASELINE", "group2_level": one, "variable": "shift"}
                    found.append(row("N", int((part["FIRST"] == one).sum()), **own))
                    for other in last:
                        n = int(cells.get((one, other), 0))
                        found.append(row("n", n, variable_level=other, **own))
                        share = 100 * n / len(part) if len(part) else None
                        lacking = "" if len(part) else "no subjects in the column"
                        found.append(row("p", share, variable_level=other, unit="%", error=lacking, **own))
    found.append(row("n_subjects", len(adsl), variable="model"))
    return MethodResult(rows=found, footnotes=_footnotes(data, options, undated))


def _after_baseline(data: AnalysisData, options: ShiftOptions) -> tuple[pd.DataFrame, int]:
    """Values after the day of the first treatment, to the given number of days after the last; and how many have no complete date."""
    import pandas as pd

    frame = data.frame[data.frame["PARAMCD"].isin(options.params) & data.frame["AVAL"].notna() & (data.frame["ABLFL"] != "Y")]
    undated = frame["ADY"].isna()
    day, subjects = pd.to_datetime(frame["ADT"].where(~undated)), data.adsl.set_index("USUBJID")
    later = day > pd.to_datetime(frame["USUBJID"].map(subjects["TRTSDT"]))
    if options.days_after is not None:
        last = pd.to_datetime(frame["USUBJID"].map(subjects["TRTEDT"]))
        later &= last.isna() | (day <= last + pd.Timedelta(days=options.days_after))  # with no end, treatment goes on
    return frame[later], int(undated.sum())


def _categories(
    data: AnalysisData, code: str, after: pd.DataFrame, options: ShiftOptions, subjects: pd.Series
) -> tuple[pd.DataFrame, list[str], list[str]]:
    """Subject → category at baseline (FIRST) and the worst after it (WORST), and the categories of both in order."""
    import pandas as pd

    from nirls.errors import DataError

    item = data.plan.study.parameters[code]
    own = data.frame[data.frame["PARAMCD"] == code]
    base = own[(own["ABLFL"] == "Y") & own["AVAL"].notna()].set_index("USUBJID")
    later = after[after["PARAMCD"] == code]
    out = pd.DataFrame(index=pd.Index(subjects, name="USUBJID"))
    if item.values is not None:
        grades = sorted(item.values, key=item.values.__getitem__)
        named = {float(number): word for word, number in item.values.items()}
        out["FIRST"] = base["AVALC"].reindex(out.index)
        out["WORST"] = later.groupby("USUBJID")["AVAL"].max().map(named).reindex(out.index)
        first = last = grades
    else:
        if own["AVAL"].notna().any() and own["ANRIND"].isna().all():
            raise DataError(
                f"{data.analysis_id}: {code}: no reference range: none of its {len(own)} records has one; give limits under `range` of the "
                "parameter in study.yaml, or map STNRLO and STNRHI of the data"
            )
        sides = [LOW] * bool(own["ANRLO"].notna().any()), [HIGH] * bool(own["ANRHI"].notna().any())
        way = options.worst.get(code, "both")
        out["FIRST"] = base["ANRIND"].fillna(NO_RANGE).reindex(out.index)
        out["WORST"] = _worst(later, way).reindex(out.index)
        first = [*sides[0], NORMAL, *sides[1]]
        last = [*first, *([BOTH] if way == "both" and len(first) == 3 else [])]
        if (own["AVAL"].notna() & own["ANRIND"].isna()).any():
            first, last = [*first, NO_RANGE], [*last, NO_RANGE]
    out["FIRST"], out["WORST"] = out["FIRST"].fillna(NO_BASELINE), out["WORST"].fillna(NO_VALUE)
    return out, [*first, NO_BASELINE], [*last, NO_VALUE]


def _worst(later: pd.DataFrame, way: str) -> pd.Series:
    """Subject → worst category of values judged by a range."""
    import numpy as np
    import pandas as pd

    seen = pd.crosstab(later["USUBJID"], later["ANRIND"].fillna(NO_RANGE)).reindex(columns=[LOW, NORMAL, HIGH, NO_RANGE], fill_value=0) > 0
    low, normal, high = (seen[name].to_numpy() for name in (LOW, NORMAL, HIGH))
    if way == "both":
        choice = np.select([low & high, low, high, normal], [BOTH, LOW, HIGH, NORMAL], NO_RANGE)
    else:
        order = [HIGH, NORMAL, LOW] if way == "high" else [LOW, NORMAL, HIGH]
        choice = np.select([seen[name].to_numpy() for name in order], order, NO_RANGE)
    return pd.Series(choice, index=seen.index, dtype="str")


def _footnotes(data: AnalysisData, options: ShiftOptions, undated: int) -> tuple[str, ...]:
    items = {code: data.plan.study.parameters[code] for code in options.params}
    until = "" if options.days_after is None else f" up to {options.days_after} days after the last treatment (TRTEDT of ADSL)"
    notes = [
        f"Worst of all values after the day of the first treatment{until}, unscheduled visits included. Percentages are of all subjects of "
        f"the column{' in the group' if options.by else ''}; who has no value at baseline or none after it is counted as such. No tests."
    ]
    ranged = {c: p for c, p in items.items() if p.values is None}
    graded = [c for c, p in items.items() if p.values is not None]
    if any(options.worst.get(c, "both") == "both" for c in ranged):
        notes.append("Who had values below and above the range is counted once, as low and high.")
    notes += [f"{items[c].label}: the {SIDES[way]} value is the worst." for c, way in options.worst.items() if way != "both"]
    if graded:
        notes.append("Of grades the highest is the worst.")
    sources: dict[str, list[str]] = {}
    for item in ranged.values():
        if item.range is not None:
            sources.setdefault(item.range.source, []).append(f"{item.label} {_limits(item.range)}".rstrip())
    notes += [f"Reference ranges, {source}: {'; '.join(texts)}." for source, texts in sources.items()]
    if undated:
        notes.append(f"{undated} values without a complete date are not among those after baseline.")
    return tuple(notes)


def _limits(given: Any) -> str:
    """A range in words: 90 to 140; F 15 to 150, M 30 to 300; at least 60."""

    def words(limits: Any) -> str:
        if limits.low is None:
            return f"at most {limits.high:g}"
        return f"at least {limits.low:g}" if limits.high is None else f"{limits.low:g} to {limits.high:g}"

    parts = [f"{sex} {words(limits)}" for sex, limits in given.by_sex.items()]
    if given.all is not None:
        parts.append(words(given.all) if not parts else f"others {words(given.all)}")
    return ", ".join(parts)
