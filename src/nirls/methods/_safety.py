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


FEW = 5
SPARSE = f"fewer than {FEW} subjects in the two columns together: the limits of Miettinen and Nurminen are narrower than exact ones"


class SafetyColumns(PlanModel):
    """Options that all methods of safety share: the columns."""

    pools: dict[str, list[str]] = Field(
        default_factory=dict, description="Column of several arms together, such as 'All near-infrared' → its arms."
    )
    columns: list[str] | None = Field(None, description="Arms and pools to give, in order; none for all arms, then the pools.")
    level: float = Field(0.95, description="Confidence level.", gt=0.5, lt=1)

    def cross_check(self, spec: Analysis, plan: Plan) -> Iterator[str]:
        """Pools are of arms of the study, columns are arms or pools, conditions can be answered by the data set."""
        from nirls.plan.check import unknown

        arms = _arms(plan)
        for label, members in self.pools.items():
            if label in arms:
                yield f"pools: {label!r} is the name of an arm"
            for arm in members:
                if arm not in arms:
                    yield f"pools: {label}: {unknown('arm', arm, arms)}"
        yield from _conditions(getattr(self, "categories", {}), spec.dataset, plan)
        for name in self.columns or []:
            if name not in arms and name not in self.pools:
                yield f"columns: {unknown('arm or pool', name, [*arms, *self.pools])}"


class ComparedColumns(SafetyColumns):
    """Options of a method that compares columns with a reference."""

    compare: list[str] = Field([], description="Arms and pools compared with the reference.")
    reference: str | None = Field(None, description="Arm or pool the others are compared with; default: the study's reference.")

    def cross_check(self, spec: Analysis, plan: Plan) -> Iterator[str]:
        """Besides the columns: what is compared is a column, and shares no arm with the reference."""
        from nirls.plan.check import unknown

        yield from super().cross_check(spec, plan)
        arms, reference = _arms(plan), self.reference or plan.study.reference
        known = [*arms, *self.pools]
        given = self.columns if self.columns is not None else known
        if reference not in known:
            yield f"reference: {unknown('arm or pool', reference, known)}"
        for name in self.compare:
            if name not in known:
                yield f"compare: {unknown('arm or pool', name, known)}"
            elif name not in given:
                yield f"compare: {name!r} is not among the columns {', '.join(given)}"
            elif both := sorted(set(self.pools.get(name, [name])) & set(self.pools.get(reference, [reference]))):
                yield f"compare: {name!r} and the reference {reference!r} share {', '.join(both)}"


class SafetyOptions(ComparedColumns):
    """Options of a method that counts adverse events."""

    not_applicable: dict[str, list[str]] = Field(
        default_factory=dict,
        description="Kind of event → arms to which it does not apply, such as the relationship to a device without one: NE, not 0.",
    )
    p_values: bool = Field(False, description="Give p-values of comparisons; a trial is not planned to test the safety of each term.")

    def cross_check(self, spec: Analysis, plan: Plan) -> Iterator[str]:
        """Besides the columns: what does not apply is a kind of event in an arm."""
        from nirls.plan.check import unknown

        yield from super().cross_check(spec, plan)
        arms, kinds = _arms(plan), list(getattr(self, "categories", {}))
        for label, members in self.not_applicable.items():
            if label not in kinds:
                yield f"not_applicable: {unknown('kind of event', label, kinds)}"
            for arm in members:
                if arm not in arms:
                    yield f"not_applicable: {label}: {unknown('arm', arm, arms)}"


def _arms(plan: Plan) -> list[str]:
    return [code for code, arm in plan.study.arms.items() if not arm.not_an_arm]


def _conditions(conditions: dict[str, str | None], dataset: str, plan: Plan) -> Iterator[str]:
    """What is wrong with the conditions of the kinds of events: they cannot be read, or name what the data set does not have."""
    from nirls.adam.spec import variables
    from nirls.plan.where import WhereError, parse_where, where_problems

    numeric = {v.name: v.type in ("float", "integer") for v in variables(dataset, plan)}
    for label, text in conditions.items():
        if text is None:
            continue
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


def parts(data: AnalysisData, options: SafetyColumns) -> tuple[str, list[Part]]:
    """Treatment variable, and the columns in order.

    Raises
    ------
    ConfigError
        Without `group`.
    """
    from nirls.errors import ConfigError

    group = data.spec.group
    if group is None:
        raise ConfigError(f"analyses.yaml: {data.analysis_id}: `group` is needed: TRT01A, the treatment received")
    named = _named(data, options, group)
    return group, [named[name] for name in (options.columns if options.columns is not None else named)]


def reference_part(data: AnalysisData, options: ComparedColumns, group: str) -> Part:
    """The column the others are compared with.

    Raises
    ------
    ConfigError
        It is not among the arms analysed.
    """
    from nirls.errors import ConfigError

    named, reference = _named(data, options, group), options.reference or data.plan.study.reference
    if reference not in named:
        raise ConfigError(f"analyses.yaml: {data.analysis_id}: the reference {reference!r} is not among {', '.join(named)}")
    return named[reference]


def _named(data: AnalysisData, options: SafetyColumns, group: str) -> dict[str, Part]:
    arms = [str(a) for a in data.adsl[group].cat.categories]
    single = {a: Part(name=a, arms=(a,)) for a in arms}
    return single | {label: Part(name=label, arms=tuple(a for a in members if a in arms)) for label, members in options.pools.items()}


def kinds_of(frame: pd.DataFrame, categories: dict[str, str | None]) -> dict[str, pd.DataFrame]:
    """The records of each kind; without a condition all of them."""
    from nirls.plan.where import where_mask

    return {label: frame[where_mask(where, frame)] if where is not None else frame for label, where in categories.items()}


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
        few = SPARSE if 0 < own[0] + against[0] < FEW else ""
        found += [row(name, 100 * float(value), unit="%", warning=few, **of) for name, value in values.items()]
        if options.p_values:
            found.append(row("p_value", score.p_value(), **of))
    return found


def ratio_by_subject(
    people: pd.DataFrame, part: Part, reference: Part, group: str, key: dict[str, Any], level: float
) -> list[dict[str, Any]]:
    """Ratio of a column's rate per session to the reference's: negative binomial regression of the subjects' COUNT, offset log NSESS."""
    import numpy as np

    from nirls.ard.build import row
    from nirls.errors import MethodError
    from nirls.models.recurrent import negative_binomial

    of = {"variable": "column", "group1": group, "group1_level": part.name, "comparison": f"{part.name} / {reference.name}"} | key
    both = people[people[group].isin([*part.arms, *reference.arms]) & (people["NSESS"] > 0)]
    try:
        if not both[group].isin(part.arms).any():
            raise MethodError("no session was delivered in this column")
        treated = both[group].isin(part.arms).to_numpy(float)
        fit = negative_binomial(both["COUNT"], np.column_stack([np.ones(len(both)), treated]), both["NSESS"])
        values = dict(zip(("estimate", "conf_low", "conf_high"), fit.ratio(1, level), strict=True))
        return [row(n, v, **of) for n, v in {**values, "dispersion": fit.dispersion}.items()]
    except MethodError as error:
        return [row("estimate", None, error=str(error), **of)]


def counted_by(data: AnalysisData, group: str) -> dict[str, str]:
    """By which treatment subjects are counted, and in which arms, in words."""
    study, chosen = data.plan.study, data.spec.arms
    words = {"treatment": "by treatment received (as treated)" if group == "TRT01A" else "by treatment as randomized"}
    if chosen is not None:
        arms = {a: arm.label for a, arm in study.arms.items() if not arm.not_an_arm}
        without = [label for a, label in arms.items() if a not in chosen]
        words["arms"] = f" in {len(arms) - len(without)} of {len(arms)} arms (without {', '.join(without)})" if without else ""
    return words


def applicable(
    rows: list[dict[str, Any]], label: str, columns: Iterable[Part], reference: Part, options: SafetyOptions
) -> list[dict[str, Any]]:
    """The rows of a kind of event, without numbers where a column or its reference holds an arm to which it does not apply."""
    arms = set(options.not_applicable.get(label, []))
    blank = {part.name for part in columns if arms & set(part.arms)}
    against = bool(arms & set(reference.arms))
    reason = "does not apply to this arm"

    def hidden(r: dict[str, Any]) -> bool:
        return r["stat_name"] != "N" and (r.get("group1_level") in blank or (against and bool(r.get("comparison"))))

    return [r | {"stat": None, "error": reason} if hidden(r) else r for r in rows]


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


def sponsor_words(data: AnalysisData, conditions: Iterable[str | None]) -> dict[str, str]:
    """How missing values, treatment-emergence and device effects were decided, for footnotes of what these conditions count."""
    from nirls.plan.where import where_names

    rules = data.plan.study.adverse_events
    if rules is None:
        return {}
    used = {name for text in (data.spec.where, *conditions) if text is not None for name in where_names(text)}
    until = f"{rules.window_days} days after the last session or dose" if rules.window_days is not None else "the last record, without end"
    judged = " or ".join(item.label for item in rules.relationship.values())
    worst = list(rules.severity.values())[-1].lower()
    words = {
        "worst": f"A missing severity counts as {worst}, missing seriousness as serious, a missing relationship as related (worst case); "
        "an event that was fatal or has a criterion of seriousness counts as serious, whatever is ticked.",
        "related": f"Related: to the {judged}, by the investigator.",
    }
    if "TRTEMFL" in used:
        words["emergent"] = (
            f"Treatment-emergent: onset from the first session or dose actually delivered to {until}; a partial date is the earliest day "
            "it can be from the first session or dose on, so that no such event is lost."
        )
    if used & {"ADEFL", "SADEFL", "ASADEFL", "USADEFL"}:
        words["effects"] = (
            "Adverse device effect: related, with onset from the first session on, of a subject with a device; however long after the last "
            "session, so that late ones count which are not treatment-emergent."
        )
    return words
