"""Signs of augmentation: symptoms that begin hours earlier in the day, and a high Augmentation Severity Rating Scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from nirls.methods._groups import denominators
from nirls.methods._linear import arms_and_reference, facts
from nirls.methods.describe import require
from nirls.methods.registry import AnalysisData, MethodResult, method
from nirls.plan.base import Id, PlanModel

if TYPE_CHECKING:
    import pandas as pd

NAME = "augmentation"
SCALE, EARLY, BOTH, ANY = "ASRS", "ONSET", "ONSET AND ASRS", "ANY"


class AugmentationOptions(PlanModel):
    """Options of `augmentation`."""

    asrs_from: float = Field(5.0, description="Total of the scale from which it suggests augmentation.", gt=0)
    hours: float = Field(4.0, description="Symptoms begin at least so many hours earlier than at baseline: augmentation by itself.", gt=0)
    hours_with_sign: float = Field(2.0, description="At least so many hours earlier count together with the scale.", gt=0)
    until_day: int = Field(description="Last study day looked at.", ge=1)
    weeks: int = Field(2, description="Weeks in succession in which symptoms begin so much earlier.", ge=1)
    entries: int = Field(3, description="Entries with an onset that a week, and the baseline, must have.", ge=1)
    subject: Id = Field("USUBJID", description="Subject.")
    reference: str | None = Field(None, description="Arm the others are compared with; default: the study's reference.")
    level: float = Field(0.95, description="Confidence level.", gt=0.5, lt=1)

    @model_validator(mode="after")
    def _fewer_hours_with_a_sign(self) -> AugmentationOptions:
        if self.hours_with_sign >= self.hours:
            raise ValueError(f"hours_with_sign ({self.hours_with_sign:g}) must be below hours ({self.hours:g})")
        return self


@method("augmentation", options=AugmentationOptions, beside=("ADDIARY",))
def augmentation(data: AnalysisData, options: AugmentationOptions) -> MethodResult:
    """Subjects with signs of augmentation by arm: the scale, an earlier onset in the diary, and both."""
    from nirls.ard.build import row
    from nirls.errors import DataError

    require(data.frame, ["AVAL", "ADY", options.subject], data.analysis_id)
    group, arms, reference = arms_and_reference(data, options.reference)
    diary = data.beside.get("ADDIARY")
    if diary is None or diary["ONSETH"].isna().all():
        raise DataError(f"{data.analysis_id}: the diary has no onset of symptoms; name it under `diary: onset` in study.yaml")
    period = data.frame[(data.frame["ADY"] > 1) & (data.frame["ADY"] <= options.until_day)]
    scale = period.groupby(options.subject, observed=True)["AVAL"].max()
    people = data.adsl.set_index(options.subject)[[group]].assign(SCALE=scale, ADVANCE=_advance(diary, options))
    known_scale, known_onset = people["SCALE"].notna(), people["ADVANCE"].notna()
    high = people["SCALE"] >= options.asrs_from
    flags = {
        SCALE: (high, known_scale),
        EARLY: (people["ADVANCE"] >= options.hours, known_onset),
        BOTH: ((people["ADVANCE"] >= options.hours_with_sign) & high, known_onset & known_scale),
    }
    sign = flags[EARLY][0] | flags[BOTH][0]
    flags[ANY] = (sign, known_onset & known_scale)

    found = denominators(data, total=False)
    for name, (flag, known) in flags.items():
        for arm in arms:
            own, against = known & (people[group] == arm), known & (people[group] == reference)
            key = {"variable": NAME, "variable_level": name, "group1": group, "group1_level": arm}
            found += _share(int(flag[own].sum()), int(own.sum()), key, options.level)
            if arm != reference:
                of_difference = key | {"comparison": f"{arm} - {reference}"}
                found += _difference((flag[own].sum(), own.sum()), (flag[against].sum(), against.sum()), of_difference, options.level)
    for arm in arms:
        own = people.loc[people[group] == arm, "ADVANCE"].dropna()
        key = {"variable": NAME, "variable_level": "HOURS", "group1": group, "group1_level": arm}
        found.append(row("n", len(own), **key))
        found += [row(s, float(v) if v == v else None, error="" if v == v else "no subject", **key) for s, v in
                  {"mean": own.mean(), "sd": own.std(), "max": own.max()}.items()]  # fmt: skip
    unknown = ~(known_scale & known_onset)
    reasons = {
        "No augmentation scale under treatment": ~known_scale,
        "Too few entries of the diary with an onset": known_scale & ~known_onset,
    }
    for reason, which in reasons.items():
        for arm in arms:
            n = int((which & (people[group] == arm)).sum())
            found.append(row("n", n, variable="exclusion", variable_level=reason, group1=group, group1_level=arm))
    found += [row("n_subjects", int((~unknown).sum()), variable="model"), row("n_excluded", int(unknown.sum()), variable="model")]
    for arm in arms:
        n = int((~unknown & (people[group] == arm)).sum())
        found.append(row("n_subjects", n, variable="model", group1=group, group1_level=arm))
    found.append(row("conf_level", options.level, variable="model"))
    texts = {
        SCALE: f"Augmentation Severity Rating Scale, total of {options.asrs_from:g} or more",
        EARLY: f"Onset {options.hours:g} hours or more earlier than at baseline",
        BOTH: f"Onset {options.hours_with_sign:g} hours or more earlier, and the scale {options.asrs_from:g} or more",
        ANY: "Signs of augmentation (onset alone, or onset and scale)",
        "HOURS": "Earlier onset, hours",
        "interval": "Wilson; differences Miettinen–Nurminen",
    }
    footnotes = (
        f"Onset: mean clock time at which symptoms began, by week of treatment to day {options.until_day}, earlier than the mean before "
        f"treatment by so many hours in {options.weeks} weeks in succession; weeks and baseline with fewer than {options.entries} entries "
        "are left out. A day without symptoms has no onset.",
        "A flag is counted among the subjects in whom it can be seen.",
    )
    return MethodResult(rows=found + facts(texts), footnotes=footnotes)


def _advance(diary: pd.DataFrame, options: AugmentationOptions) -> pd.Series:
    """Hours by which symptoms begin earlier than at baseline, sustained over the weeks asked for; the largest of the treatment period."""
    import numpy as np

    seen = diary[diary["ONSETH"].notna() & diary["ADY"].notna()]
    before = seen[seen["ADY"] < 1].groupby(options.subject, observed=True)["ONSETH"].agg(["mean", "size"])
    base = before.loc[before["size"] >= options.entries, "mean"]
    under = seen[(seen["ADY"] >= 1) & (seen["ADY"] <= options.until_day)]
    week = np.ceil(under["ADY"] / 7).astype(int).rename("WEEK")
    weekly = under.groupby([under[options.subject], week], observed=True)["ONSETH"].agg(["mean", "size"])
    weekly = weekly.loc[weekly["size"] >= options.entries, "mean"].unstack()
    weekly = weekly.reindex(columns=range(1, int(np.ceil(options.until_day / 7)) + 1))
    advance = weekly.rsub(base, axis=0).dropna(how="all")
    # a week that is not known breaks the succession: the minimum over the window is NaN there
    sustained = advance.T.rolling(options.weeks, min_periods=options.weeks).min().T
    return sustained.max(axis=1)


def _share(events: int, size: int, key: dict[str, str], level: float) -> list[dict[str, Any]]:
    from nirls.ard.build import row
    from nirls.stats.proportions import wilson

    found = [row("n", events, **key), row("N", size, **key)]
    if not size:
        return [*found, row("p", None, error="no subject in whom it can be seen", **key)]
    low, high = wilson(events, size, level)
    values = {"p": events / size, "conf_low": float(low), "conf_high": float(high)}
    return found + [row(name, 100 * value, **key) for name, value in values.items()]


def _difference(own: tuple[Any, Any], against: tuple[Any, Any], key: dict[str, str], level: float) -> list[dict[str, Any]]:
    from nirls.ard.build import row
    from nirls.stats.proportions import ScoreDifference, tables

    if not own[1] or not against[1]:
        return [row("estimate", None, error="no subject in whom it can be seen in one of the arms", **key)]
    found = ScoreDifference(tables=tables(int(own[0]), int(own[1]), int(against[0]), int(against[1])), correction=True)
    low, high = found.ci(level)
    return [row(n, 100 * float(v), **key) for n, v in {"estimate": found.estimate, "conf_low": low, "conf_high": high}.items()]
