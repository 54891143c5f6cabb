"""What the analyses of safety share: columns of arms and of arms together, subjects with an event, differences and rates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field

from nirls.methods._groups import TOTAL
from nirls.plan.base import PlanModel

if TYPE_CHECKING:
    import pandas as pd

    from nirls.methods.registry import AnalysisData
    from nirls.plan.analysis import Analysis
    from nirls.plan.load import Plan


class SafetyOptions(PlanModel):
    """Options that the methods of safety share."""

    pools: dict[str, list[str]] = Field(
        default_factory=dict, description="Column of several arms together, such as 'All near-infrared' → its arms."
    )
    columns: list[str] | None = Field(None, description="Arms and pools to give, in order; none for all arms, then the pools.")
    compare: list[str] = Field([], description="Arms and pools compared with the reference.")
    not_recorded: dict[str, list[str]] = Field(
        default_factory=dict,
        description="Kind of event → arms in which it is not recorded, such as the relationship to a device without one: NE, not 0.",
    )
    reference: str | None = Field(None, description="Arm the others are compared with; default: the study's reference.")
    level: float = Field(0.95, description="Confidence level.", gt=0.5, lt=1)
    p_values: bool = Field(False, description="Give p-values of comparisons; a trial is not planned to test the safety of each term.")

    def cross_check(self, spec: Analysis, plan: Plan) -> Iterator[str]:
        """Pools are of arms of the study, columns are arms or pools."""
        from nirls.plan.check import unknown

        arms = [a for a, arm in plan.study.arms.items() if not arm.not_an_arm]
        for label, members in self.pools.items():
            if label in arms:
                yield f"pools: {label!r} is the name of an arm"
            for arm in members:
                if arm not in arms:
                    yield f"pools: {label}: {unknown('arm', arm, arms)}"
        conditions: dict[str, str] = getattr(self, "categories", {})
        yield from _conditions(conditions, spec.dataset, plan)
        kinds = list(conditions)
        for label, members in self.not_recorded.items():
            if label not in kinds:
                yield f"not_recorded: {unknown('kind of event', label, kinds)}"
            for arm in members:
                if arm not in arms:
                    yield f"not_recorded: {label}: {unknown('arm', arm, arms)}"
        for name in [*(self.columns or []), *self.compare]:
            if name not in arms and name not in self.pools:
                yield f"columns, compare: {unknown('arm or pool', name, [*arms, *self.pools])}"


def _conditions(conditions: dict[str, str], dataset: str, plan: Plan) -> Iterator[str]:
    """What is wrong with the conditions of the kinds of events: they cannot be read, or name what the data set does not have."""
    from nirls.adam.spec import variables
    from nirls.plan.where import WhereError, parse_where, where_problems

    numeric = {v.name: v.type in ("float", "integer") for v in variables(dataset, plan)}
    for label, text in conditions.items():
        try:
            parse_where(text)
        except WhereError as error:
            yield f"categories: {label}: {error}"
            continue
        for problem in where_problems(text, numeric, dataset):
            yield f"categories: {label}: in the condition {text!r}: {problem}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A column: its name, and a mask over any frame with the treatment variable."""

    name: str
    arms: tuple[str, ...]

    def of(self, frame: pd.DataFrame, group: str) -> pd.DataFrame:
        """The records of its arms."""
        return frame[frame[group].isin(self.arms)]


def parts(data: AnalysisData, options: SafetyOptions) -> tuple[str, list[Part], Part]:
    """Treatment variable, columns in order, and the reference.

    Raises
    ------
    ConfigError
        Without `group`, or with a reference that is not among the arms analysed.
    """
    from nirls.errors import ConfigError

    group = data.spec.group
    if group is None:
        raise ConfigError(f"analyses.yaml: {data.analysis_id}: `group` is needed: TRT01A, the treatment received")
    arms = [str(a) for a in data.adsl[group].cat.categories]
    named = {a: Part(name=a, arms=(a,)) for a in arms}
    named |= {label: Part(name=label, arms=tuple(a for a in members if a in arms)) for label, members in options.pools.items()}
    reference = options.reference or data.plan.study.reference
    if reference not in named:
        raise ConfigError(f"analyses.yaml: {data.analysis_id}: the reference {reference!r} is not among the arms {', '.join(arms)}")
    chosen = options.columns if options.columns is not None else list(named)
    return group, [named[name] for name in chosen], named[reference]


def sizes(data: AnalysisData, group: str, columns: Iterable[Part], **key: str) -> list[dict[str, Any]]:
    """N of each column."""
    from nirls.ard.build import row

    found = [row("N", len(part.of(data.adsl, group)), group1=group, group1_level=part.name, **key) for part in columns]
    return [*found, row("N", len(data.adsl), group1=group, group1_level=TOTAL, **key)]


def subjects_with(events: pd.DataFrame, adsl: pd.DataFrame, group: str, columns: Iterable[Part], key: dict[str, str]) -> list[dict]:
    """n, % and number of events of each column: each subject once."""
    from nirls.ard.build import row

    found = []
    for part in columns:
        own, size = part.of(events, group), len(part.of(adsl, group))
        n = own["USUBJID"].nunique()
        of = key | {"group1": group, "group1_level": part.name}
        found += [row("n", n, **of), row("n_events", len(own), **of)]
        found.append(row("p", 100 * n / size if size else None, error="" if size else "no subjects in the column", unit="%", **of))
    return found


def differences(
    events: pd.DataFrame, adsl: pd.DataFrame, group: str, compared: Iterable[Part], reference: Part, options: SafetyOptions, key: dict
) -> list[dict[str, Any]]:
    """Risk differences in percentage points, with the limits of Miettinen and Nurminen."""
    from nirls.ard.build import row
    from nirls.stats.proportions import ScoreDifference, tables

    def counted(part: Part) -> tuple[int, int]:
        return part.of(events, group)["USUBJID"].nunique(), len(part.of(adsl, group))

    against, found = counted(reference), []
    for part in compared:
        own = counted(part)
        of = key | {"group1": group, "group1_level": part.name, "comparison": f"{part.name} - {reference.name}"}
        if not own[1] or not against[1]:
            found.append(row("estimate", None, error="no subjects in one of the columns", unit="%", **of))
            continue
        score = ScoreDifference(tables=tables(own[0], own[1], against[0], against[1]))
        low, high = score.ci(options.level)
        values = {"estimate": score.estimate, "conf_low": low, "conf_high": high}
        found += [row(name, 100 * float(value), unit="%", **of) for name, value in values.items()]
        if options.p_values:
            found.append(row("p_value", score.p_value(), **of))
    return found


def counted_by(data: AnalysisData, group: str) -> dict[str, str]:
    """By which treatment subjects are counted, and in which arms, in words."""
    study, chosen = data.plan.study, data.spec.arms
    words = {"treatment": "by treatment received (as treated)" if group == "TRT01A" else "by treatment as randomized"}
    if chosen is not None:
        arms = {a: arm.label for a, arm in study.arms.items() if not arm.not_an_arm}
        without = [label for a, label in arms.items() if a not in chosen]
        words["arms"] = f" in {len(arms) - len(without)} of {len(arms)} arms (without {', '.join(without)})" if without else ""
    return words


def unrecorded(rows: list[dict[str, Any]], label: str, columns: Iterable[Part], options: SafetyOptions) -> list[dict[str, Any]]:
    """The rows of a kind of event, without numbers in the columns that hold an arm in which it is not recorded."""
    arms = set(options.not_recorded.get(label, []))
    blank = {part.name for part in columns if arms & set(part.arms)}
    reason = "not recorded in this arm"
    return [r | {"stat": None, "error": reason} if r.get("group1_level") in blank and r["stat_name"] != "N" else r for r in rows]


def all_treated(data: AnalysisData, group: str) -> list[dict[str, Any]]:
    """Facts of the model: every subject of the set is analysed, or the error that names who has no column."""
    from nirls.ard.build import row
    from nirls.errors import DataError

    lost = data.adsl[data.adsl[group].isna()]
    if len(lost):
        raise DataError(
            f"{data.analysis_id}: {len(lost)} subject(s) of the set have no {group}, the first {lost['USUBJID'].iloc[0]}: "
            "supply the treatment received (ACTARMCD of DM)"
        )
    return [row("n_subjects", len(data.adsl), variable="model"), row("n_excluded", 0, variable="model")]


def sponsor_words(plan: Plan) -> dict[str, str]:
    """How missing values and treatment-emergence were decided, for footnotes."""
    rules = plan.study.adverse_events
    if rules is None:
        return {}
    until = f"{rules.window_days} days after the last session or dose" if rules.window_days is not None else "the end of participation"
    judged = " or ".join(item.label for item in rules.relationship.values())
    worst = list(rules.severity.values())[-1].lower()
    return {
        "emergent": f"Treatment-emergent: onset from the first session or dose actually delivered to {until}; a partial date is the "
        "earliest "
        "day it can be from the first session or dose on, so that no such event is lost.",
        "worst": f"A missing severity counts as {worst}, missing seriousness as serious, a missing relationship as related (worst case).",
        "related": f"Related: to the {judged}, by the investigator.",
    }
