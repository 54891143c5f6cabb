"""Who responded: definitions of response, and their application to the records of subjects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from nirls.plan.instrument import Threshold

if TYPE_CHECKING:
    import pandas as pd

    from nirls.methods.registry import AnalysisData
    from nirls.plan.load import Plan

NOISE = 1e-9
"""What a sum of decimal fractions may be off: a value this near to a threshold has reached it. Nothing is rounded."""


class Definition(Threshold):
    """A definition of response that is not among the thresholds of an instrument."""

    param: str = Field(description="PARAMCD of the records it looks at.")
    direction: Literal["lower_better", "higher_better"] = Field(description="Whether a low or a high value is good.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A definition with its name and, in words, what a responder is."""

    id: str
    definition: Definition

    @property
    def text(self) -> str:
        """For example "IRLSTOT at most 10"."""
        d = self.definition
        low = d.direction == "lower_better"
        value = f"{d.value:g}".replace("-", "\N{MINUS SIGN}")
        if d.kind == "percent_reduction":
            return f"{d.param} at least {value}% below baseline"
        name = f"change of {d.param}" if d.kind == "change" else d.param
        return f"{name} {'at most' if low else 'at least'} {value}"

    def responds(self, records: pd.DataFrame) -> pd.Series:
        """True or False per record; missing where the value, or the baseline it needs, is."""
        d, value = self.definition, records["AVAL"]
        if d.kind == "percent_reduction":
            base = records["BASE"].where(records["BASE"] != 0)
            reached = 100 * (base - value) - d.value * base.abs() >= -NOISE
            known = value.notna() & base.notna()
        else:
            amount = value - records["BASE"] if d.kind == "change" else value
            beyond = amount - d.value if d.direction == "higher_better" else d.value - amount
            reached, known = beyond >= -NOISE, amount.notna()
        return reached.astype("boolean").mask(~known)


def rules(plan: Plan, thresholds: list[str], definitions: dict[str, Definition], instrument: str | None) -> list[Rule]:
    """Thresholds of an instrument and own definitions, in order; see :func:`problems` for what must hold before."""
    scale = plan.instruments[instrument or plan.study.instruments[0]]
    found = [
        Rule(id=name, definition=Definition(**scale.thresholds[name].model_dump(), param=scale.total, direction=scale.direction))
        for name in thresholds
    ]
    return found + [Rule(id=name, definition=definition) for name, definition in definitions.items()]


def problems(plan: Plan, thresholds: list[str], definitions: dict[str, Definition], instrument: str | None) -> list[str]:
    """What is wrong with the definitions of an entry, given the instruments of the study."""
    from nirls.plan.check import unknown

    name = instrument or plan.study.instruments[0]
    if name not in plan.instruments:
        return [f"instrument: {unknown('instrument of the study', name, plan.instruments)}"]
    known = plan.instruments[name].thresholds
    found = [f"thresholds: {unknown(f'threshold of {name}', t, known)}" for t in thresholds if t not in known]
    found += [f"definitions.{d}: is also a threshold that the entry takes; give it another name" for d in definitions if d in thresholds]
    if found:
        return found
    return [
        f"{rule.id}: a percent reduction is an improvement only where lower is better; use the kind 'change' or 'value'"
        for rule in rules(plan, thresholds, definitions, instrument)
        if rule.definition.kind == "percent_reduction" and rule.definition.direction == "higher_better"
    ]


def check_records(data: AnalysisData, chosen: list[Rule]) -> None:
    """Refuse records that no definition uses, and more than one record of a subject at a visit.

    Raises
    ------
    ConfigError, DataError
    """
    from nirls.errors import ConfigError, DataError
    from nirls.methods.describe import require

    frame = data.frame
    needs = {"percent_reduction": ["BASE"], "change": ["BASE"], "value": []}
    require(
        frame, ["USUBJID", "PARAMCD", "AVISIT", "AVISITN", "AVAL", *(c for r in chosen for c in needs[r.definition.kind])], data.analysis_id
    )
    used = {rule.definition.param for rule in chosen}
    selected = set(frame["PARAMCD"].dropna())
    for what, names in (("no definition uses", selected - used), ("the selected records lack", used - selected)):
        if names:
            raise ConfigError(
                f"analyses.yaml: {data.analysis_id}: {what} {', '.join(sorted(names))}; make `where` and the definitions speak of the same "
                "PARAMCD"
            )
    if frame["AVISIT"].isna().any():
        raise ConfigError(
            f"analyses.yaml: {data.analysis_id}: {int(frame['AVISIT'].isna().sum())} selected records have no AVISIT; narrow `where`"
        )
    twice = frame[frame.duplicated(["USUBJID", "PARAMCD", "AVISIT"])]
    if len(twice):
        first = twice.iloc[0]
        raise DataError(
            f"{data.analysis_id}: {first['USUBJID']} has more than one record of {first['PARAMCD']} at {first['AVISIT']}"
            f"{f', and {len(twice) - 1} more such records' if len(twice) > 1 else ''}; select one (ANL01FL == 'Y')"
        )


def visits(frame: pd.DataFrame) -> list[str]:
    """Visits of the records in order of time."""
    return [str(v) for v in frame[["AVISIT", "AVISITN"]].drop_duplicates().sort_values("AVISITN", kind="stable")["AVISIT"].unique()]
