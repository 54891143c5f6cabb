"""Subjects with adverse events: kinds of events, organ classes and terms, by severity or relationship, in strata."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pydantic import Field

from nirls.methods._linear import facts
from nirls.methods._safety import (
    Part,
    SafetyOptions,
    all_treated,
    applicable,
    counted_by,
    differences,
    kinds_of,
    parts,
    reference_part,
    sizes,
    sponsor_words,
    subjects_with,
)
from nirls.methods.describe import require
from nirls.methods.registry import AnalysisData, MethodResult, method

if TYPE_CHECKING:
    import pandas as pd

    from nirls.plan.analysis import Analysis
    from nirls.plan.load import Plan

CATEGORY, SOC, TERM = "category", "AEBODSYS", "AEDECOD"


class AdverseEventsOptions(SafetyOptions):
    """Options of `adverse_events`."""

    categories: dict[str, str | None] = Field(
        default={"Any event": "TRTEMFL == 'Y'"},
        description="Kind of event → condition over ADAE, none for all records of the analysis; a subject counts once in each.",
        min_length=1,
    )
    terms: bool = Field(False, description="Count organ classes and preferred terms of the first kind of event as well.")
    by: str | None = Field(
        None,
        description="Count each subject at the worst severity (ASEV) or the strongest relationship of its events: of all (AREL) or of one "
        "(AREL and its key in study.yaml, as ARELDEV).",
    )
    sort_by: str | None = Field(None, description="Arm or pool by whose subjects classes and terms are sorted; default: all subjects.")
    strata: list[str] = Field([], description="Variables of ADSL: every kind of event is counted within each of their levels, too.")
    limits: bool = Field(True, description="Exact limits of each percentage of the kinds of event.")

    def cross_check(self, spec: Analysis, plan: Plan) -> Iterator[str]:
        """Besides the columns: the strata are covariates, and the data set is ADAE."""
        from nirls.plan.check import unknown

        yield from super().cross_check(spec, plan)
        if spec.dataset != "ADAE":
            yield f"the data set must be ADAE, not {spec.dataset}"
        columns = [*(a for a, arm in plan.study.arms.items() if not arm.not_an_arm), *self.pools]
        if self.sort_by is not None and self.sort_by not in columns:
            yield f"sort_by: {unknown('arm or pool', self.sort_by, columns)}"
        rules = plan.study.adverse_events
        scales = ["ASEV", "AREL", *(f"AREL{key}" for key in (rules.relationship if rules is not None else ()))]
        if self.by is not None and self.by not in scales:
            yield f"by: {unknown('scale', self.by, scales)}"
        known = [*plan.study.covariates, *plan.study.strata]
        for name in self.strata:
            if name not in known:
                yield f"strata: {unknown('baseline variable', name, known)}"


@method("adverse_events", options=AdverseEventsOptions, reads=("adverse_events",))
def adverse_events(data: AnalysisData, options: AdverseEventsOptions) -> MethodResult:
    """Subjects with adverse events, and numbers of events, by treatment received: kinds of events, classes and terms, risk differences."""
    from nirls.ard.build import row
    from nirls.errors import ConfigError

    require(data.frame, [SOC, TERM, "TRTEMFL"], data.analysis_id)
    group, columns = parts(data, options)
    reference = reference_part(data, options, group)
    compared = [part for part in columns if part.name in options.compare]
    kinds = kinds_of(data.frame, options.categories)
    found = sizes(data, group, columns)
    for label, events in kinds.items():
        found += _kind(events, data.adsl, label, group, columns, compared, reference, options, {})
        if options.by is not None:
            mine = _worst(events, data, options.by, group, columns, {"variable": CATEGORY, "variable_level": label})
            found += applicable(mine, label, columns, reference, options)
    for name in options.strata:
        if name not in data.adsl.columns:
            raise ConfigError(f"analyses.yaml: {data.analysis_id}: strata: ADSL has no variable {name!r}")
        item = data.plan.study.covariates.get(name)
        levels = list((item.cut or item.levels or []) if item is not None else data.plan.study.strata[name].levels)
        lost = data.adsl.loc[~data.adsl[name].isin(levels), "USUBJID"]
        for level in [*levels, *(["Not known"] if len(lost) else [])]:
            inside = data.adsl[data.adsl[name] == level] if level in levels else data.adsl[data.adsl["USUBJID"].isin(lost)]
            of = {"group2": name, "group2_level": str(level)}
            found += [
                row("N", len(part.of(inside, group)), group1=group, group1_level=part.name, **of) for part in columns
            ]  # fmt: skip
            for label, events in kinds.items():
                own = events[events["USUBJID"].isin(inside["USUBJID"])]
                found += _kind(own, inside, label, group, columns, compared, reference, options, of)
    if options.terms:
        label, events = next(iter(kinds.items()))
        mine = _terms(events, data, group, columns, compared, reference, options)
        found += applicable(mine, label, columns, reference, options)
    found += all_treated(data, group)
    found.append(row("conf_level", options.level, variable="model"))
    intervals = ["percentages exact (Clopper–Pearson)"] * options.limits + ["differences Miettinen–Nurminen"] * bool(compared)
    texts = {**counted_by(data, group), **sponsor_words(data, options.categories.values())}
    if intervals:
        texts["interval"] = ", ".join(intervals)
    return MethodResult(rows=found + facts(texts))


def _kind(
    events: pd.DataFrame, adsl: pd.DataFrame, label: str, group: str, columns: list[Part], compared: list[Part], reference: Part,
    options: AdverseEventsOptions, of: dict[str, str],
) -> list[dict[str, Any]]:  # fmt: skip
    """Counts, exact limits and differences of one kind of event."""
    from nirls.ard.build import row
    from nirls.stats.rates import binomial_interval

    key = {"variable": CATEGORY, "variable_level": label} | of
    found = subjects_with(events, adsl, group, columns, key)
    if options.limits:
        for part in columns:
            size = len(part.of(adsl, group))
            if size:
                low, high = binomial_interval(part.of(events, group)["USUBJID"].nunique(), size, options.level)
                own = key | {"group1": group, "group1_level": part.name}
                found += [row("conf_low", 100 * low, unit="%", **own), row("conf_high", 100 * high, unit="%", **own)]
    found += differences(events, adsl, group, compared, reference, options, key)
    return applicable(found, label, columns, reference, options)


def _worst(events: pd.DataFrame, data: AnalysisData, by: str, group: str, columns: list[Part], key: dict[str, str]) -> list[dict[str, Any]]:
    """Each subject once, at the worst of its events; every level of the plan is there."""
    levels = levels_of(data, by)
    place = events[by].map({level: i for i, level in enumerate(levels)})
    top = events.assign(PLACE=place).sort_values("PLACE", kind="stable").drop_duplicates("USUBJID", keep="last")
    found = []
    for level in levels:
        found += subjects_with(top[top[by] == level], data.adsl, group, columns, key | {"group3": by, "group3_level": level})
    return found


def levels_of(data: AnalysisData, by: str) -> list[str]:
    """The texts of severity or relationship in the plan, in order."""
    from nirls.errors import ConfigError

    rules = data.plan.study.adverse_events
    if rules is None:
        raise ConfigError("study.yaml: adverse_events is absent")
    if by == "ASEV":
        return list(dict.fromkeys(rules.severity.values()))
    return list(dict.fromkeys(next(iter(rules.relationship.values())).levels.values()))


def _terms(
    events: pd.DataFrame, data: AnalysisData, group: str, columns: list[Part], compared: list[Part], reference: Part,
    options: AdverseEventsOptions,
) -> list[dict[str, Any]]:  # fmt: skip
    """Classes by descending number of subjects, in them terms alike; ties in the order of the alphabet."""
    if events.empty:
        return []
    arms = options.pools.get(options.sort_by or "", [options.sort_by] if options.sort_by else None)
    basis = events if arms is None else events[events[group].isin(arms)]
    in_class, of_term = basis.groupby(SOC)["USUBJID"].nunique(), basis.groupby([SOC, TERM])["USUBJID"].nunique()
    names = events[[SOC, TERM]].drop_duplicates()
    names = names.assign(
        CLASS=-names[SOC].map(in_class).fillna(0),
        OWN=[-float(of_term.get((soc, term), 0)) for soc, term in zip(names[SOC], names[TERM], strict=True)],
    ).sort_values(["CLASS", SOC, "OWN", TERM], kind="stable")
    found = []
    for soc in dict.fromkeys(names[SOC]):
        own = events[events[SOC] == soc]
        key = {"variable": SOC, "variable_level": soc}
        found += subjects_with(own, data.adsl, group, columns, key) + differences(own, data.adsl, group, compared, reference, options, key)
        if options.by is not None:
            found += _worst(own, data, options.by, group, columns, key)
        for term in names.loc[names[SOC] == soc, TERM]:
            of = own[own[TERM] == term]
            key = {"variable": TERM, "variable_level": term, "group2": SOC, "group2_level": soc}
            found += subjects_with(of, data.adsl, group, columns, key)
            found += differences(of, data.adsl, group, compared, reference, options, key)
            if options.by is not None:
                found += _worst(of, data, options.by, group, columns, key)
    return found
