"""Subjects: age, arm, stratum, treatment received."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nirls.errors import ConfigError
from nirls.plan.where import where_mask, where_names
from nirls.sdtm.files import near
from nirls.sdtm.offence import none, offences
from nirls.sdtm.rules import BASELINE, DATES, rule

if TYPE_CHECKING:
    from nirls.sdtm.context import Context


def _full_years(birth: pd.Series, day: pd.Series) -> pd.Series:
    earlier = (day.dt.month < birth.dt.month) | ((day.dt.month == birth.dt.month) & (day.dt.day < birth.dt.day))
    return day.dt.year - birth.dt.year - earlier.astype("float64").where(day.notna() & birth.notna())


@rule(
    "R22", "age is possible and agrees with the birth date", severity="Q/W", domains=("DM",), phase=DATES,
    tolerance_years=0, lowest=0, highest=120,
)  # fmt: skip
def age(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """AGE from `lowest` to `highest` (else it is removed); in full years at some day between consent and study day 1.

    The latter is compared over all birth dates the text can mean.
    """
    if "AGE" not in frame.columns:
        return none()
    low, high = context.limit("lowest"), context.limit("highest")
    impossible = frame["AGE"].notna() & ~frame["AGE"].between(low, high)
    message = f"is no age (expected: {low:g} to {high:g} years); it is set to missing. Correct it."
    first = offences(frame, impossible, column="AGE", severity="Q", effect="missing", message=message)
    if "BRTHDTC" not in frame.columns:
        return first
    subjects, birth = context.subjects, context.days("DM", "BRTHDTC")
    consent, reference = (frame["USUBJID"].map(subjects[name]) for name in ("consent_lo", "reference_hi"))
    youngest = _full_years(birth["hi"], consent.fillna(reference))
    oldest = _full_years(birth["lo"], reference.fillna(consent))
    tolerance = context.limit("tolerance_years")
    wrong = ~impossible & ((frame["AGE"] < youngest - tolerance) | (frame["AGE"] > oldest + tolerance))
    spans = [f"{a:.0f}" if a == b else f"{a:.0f} to {b:.0f}" for a, b in zip(youngest[wrong], oldest[wrong], strict=True)]
    message = [
        f"the birth date ({b}) gives an age of {span} years. AGE is used as it is."
        for b, span in zip(frame.loc[wrong, "BRTHDTC"], spans, strict=True)
    ]
    return pd.concat([first, offences(frame, wrong, column="AGE", severity="W", message=message)])


@rule("R23", "arms and strata are those of the study", severity="E/W", domains=("DM",), phase=BASELINE)
def arms_and_strata(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """Unknown arm or stratum level (E); a stratum that differs from what the data say (W: analysed as randomized)."""
    study, parts = context.study, []
    arms = list(study.arms)
    for variable in ("ARMCD", "ACTARMCD"):
        if variable in frame.columns:
            wrong = ~frame[variable].isin(arms) & (frame[variable].notna() | (variable == "ARMCD"))
            message = [
                f"there is no such arm in study.yaml{near(str(a), arms)} Correct it, or add the arm." for a in frame.loc[wrong, variable]
            ]
            parts.append(offences(frame, wrong, column=variable, severity="E", message=message))
    randomized = frame["USUBJID"].map(context.subjects["randomized"]).astype(bool)
    for name, stratum in study.strata.items():
        value = frame[stratum.variable]
        wrong = randomized & ~value.isin(stratum.levels)
        message = f"is not a level of the stratum {name!r} (levels: {', '.join(stratum.levels)}). Correct it, or the levels in study.yaml."
        parts.append(offences(frame, wrong, column=stratum.variable, severity="E", message=message))
        derived = _derived(name, stratum.derived, frame, context) if stratum.derived else None
        if derived is not None:
            differs = randomized & ~wrong & derived.notna() & (derived != value)
            message = [
                f"the data give {d!r}; the subject is analysed as randomized ({v!r})."
                for d, v in zip(derived[differs], value[differs], strict=True)
            ]
            parts.append(offences(frame, differs, column=stratum.variable, severity="W", message=message))
    return pd.concat(parts) if parts else none()


def _derived(name: str, levels: dict[str, str], frame: pd.DataFrame, context: Context) -> pd.Series | None:
    """The stratum the data give; None, with a remark, where it needs more than DM and baseline totals."""
    columns = {}
    primary = next(iter(context.instruments.values()), None)
    for variable in {v for text in levels.values() for v in where_names(text)} - set(frame.columns):
        item = context.study.covariates.get(variable)
        if item is None:
            raise ConfigError(f"study.yaml: strata.{name}.derived uses {variable!r}, which is neither a covariate nor a variable of DM")
        domain, _, test = item.source.partition(".")
        plain = item.cut is None and item.where is None
        if plain and domain == "DM" and test in frame.columns:
            columns[variable] = frame[test]
        elif plain and domain == "QS" and primary is not None and test == primary.total:
            columns[variable] = frame["USUBJID"].map(context.baseline["total"])
        else:
            context.remark(f"the stratum {name!r} is compared with the data only in ADSL, for {variable!r} is derived there")
            return None
    view = frame.assign(**columns)
    out = pd.Series(np.nan, index=frame.index, dtype="str")
    for level, text in levels.items():
        out = out.mask(where_mask(text, view), level)
    return out


@rule("R25", "the arm treated is the arm allocated", severity="W", domains=("DM",), phase=DATES)
def treated_as_allocated(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """ARMCD and ACTARMCD, where both are given."""
    if "ACTARMCD" not in frame.columns:
        return none()
    differs = frame["ACTARMCD"].notna() & frame["ARMCD"].notna() & (frame["ACTARMCD"] != frame["ARMCD"])
    message = [
        f"the subject was allocated to {a}; efficacy is analysed as randomized, safety as treated." for a in frame.loc[differs, "ARMCD"]
    ]
    return offences(frame, differs, column="ACTARMCD", severity="W", message=message)
