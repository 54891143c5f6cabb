"""Baseline characteristics of the plan (`covariates`), one value per subject."""

from __future__ import annotations

import difflib
import warnings
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nirls.adam.account import accounts
from nirls.adam.dates import complete_date, date_part, study_day, to_date
from nirls.errors import ConfigError, DataError
from nirls.plan.where import where_mask

if TYPE_CHECKING:
    from nirls.plan.load import Plan
    from nirls.plan.study import BaselineItem

TERMS = {"MH": ("MHDECOD", "MHTERM", "MHCAT"), "CM": ("CMDECOD", "CMTRT", "CMCLAS")}
"""Variables in which a history or medication term is looked for."""
DAYS = {"YEARS": 365.25, "MONTHS": 365.25 / 12}


def add_covariates(adsl: pd.DataFrame, domains: dict[str, pd.DataFrame], baseline: pd.Series, plan: Plan) -> pd.DataFrame:
    """Add every covariate of the plan, in order, so that a `cut` may use the ones before it.

    Parameters
    ----------
    adsl : DataFrame
        One row per subject with USUBJID and RFDT (study day 1).
    domains : dict of str to DataFrame
        SDTM domains by code.
    baseline : Series
        Baseline values of ADQS, indexed by (USUBJID, PARAMCD).
    plan : Plan
        The study's plan.
    """
    out = adsl.copy()
    for name, item in plan.study.covariates.items():
        value = _value(name, item, out, domains, baseline, plan.study.baseline.on_or_before_day)
        out[name] = value if item.cut is None else cut(out.assign(**{name: value}), item.cut, f"covariates.{name}.cut")
        if (
            item.levels is None
            and item.cut is None
            and ":" not in item.source
            and out[name].dtype.kind not in "iufb"
            and out[name].notna().any()
        ):
            found = ", ".join(map(repr, sorted(out[name].dropna().unique())[:6]))
            raise ConfigError(f"study.yaml: covariates.{name}: {item.source} is text ({found}); give its `levels`")
        if item.levels is not None:
            unknown = out.loc[out[name].notna() & ~out[name].isin(item.levels), name]
            if len(unknown):
                raise DataError(
                    f"{item.source} has {len(unknown)} value(s) that are not levels of the covariate {name!r}: "
                    f"{', '.join(map(repr, unknown.drop_duplicates().head(5)))} (levels: {', '.join(item.levels)})"
                )
    return out


def cut(frame: pd.DataFrame, levels: dict[str, str], place: str) -> pd.Series:
    """The level whose condition holds; missing where none does. Two that hold for one subject are a ConfigError."""
    out = pd.Series(np.nan, index=frame.index, dtype="str")
    for level, where in levels.items():
        inside = where_mask(where, frame)
        both = inside & out.notna()
        if both.any():
            raise ConfigError(
                f"study.yaml: {place}: {level!r} and {out[both].iloc[0]!r} both hold for {frame.loc[both, 'USUBJID'].iloc[0]}"
            )
        out = out.mask(inside, level)
    return out


def _value(
    name: str, item: BaselineItem, adsl: pd.DataFrame, domains: dict[str, pd.DataFrame], baseline: pd.Series, last_day: int
) -> pd.Series:
    place = f"study.yaml: covariates.{name}.source: {item.source!r}"
    domain, dot, test = item.source.partition(".")
    if not dot:
        domain, _, term = item.source.partition(":")
    if domain == "ADSL":
        return _derived(place, test, adsl)
    if domain not in domains:
        raise ConfigError(f"{place}: there is no domain {domain!r} in this study; domains: {', '.join(sorted(domains))}")
    frame = domains[domain]
    if item.where is not None:
        frame = frame[where_mask(item.where, frame)]
    if not dot:
        return _term(place, term, domain, frame, adsl, domains, any_of=item.levels == ["Y", "N"])
    if domain == "DM":
        if test not in frame.columns:
            raise ConfigError(f"{place}: DM has no variable {test!r}")
        return adsl["USUBJID"].map(frame.set_index("USUBJID")[test])
    if domain == "QS" and test in baseline.index.get_level_values("PARAMCD"):
        return adsl["USUBJID"].map(baseline.xs(test, level="PARAMCD"))
    return _finding(place, item, domain, test, frame, adsl, last_day)


def _derived(place: str, variable: str, adsl: pd.DataFrame) -> pd.Series:
    """A variable of ADSL derived before, or the body mass index (weight in kg over the square of height in m)."""
    if variable in adsl.columns:
        return adsl[variable]
    height, weight = (next((n for n in (f"{stem}BL", stem) if n in adsl.columns), None) for stem in ("HEIGHT", "WEIGHT"))
    if variable != "BMI" or height is None or weight is None:
        raise ConfigError(
            f"{place}: ADSL has no variable {variable!r} at this point" + ("; BMI needs HEIGHT and WEIGHT" if variable == "BMI" else "")
        )
    return adsl[weight] / (adsl[height] / 100) ** 2


def _finding(place: str, item: BaselineItem, domain: str, test: str, frame: pd.DataFrame, adsl: pd.DataFrame, last_day: int) -> pd.Series:
    """Last value on or before the baseline day; a test without dates must have one value per subject."""
    code = f"{domain}TESTCD"
    if code not in frame.columns:
        raise ConfigError(f"{place}: {domain} is not a findings domain; use DM.VARIABLE, a findings domain, MH:TERM or CM:TERM")
    frame = frame[frame[code] == test]
    if frame.empty:
        raise ConfigError(f"{place}: {domain} has no record with {code} {test!r}")
    column = f"{domain}STRESN" if item.levels is None or item.cut is not None else f"{domain}STRESC"
    frame = frame[frame[column].notna() & frame["USUBJID"].isin(adsl["USUBJID"])]
    day = study_day(frame[f"{domain}DTC"], frame["USUBJID"].map(adsl.set_index("USUBJID")["RFDT"]))
    frame = frame.assign(_DAY=day)[day <= last_day]
    latest = frame[frame["_DAY"] == frame.groupby("USUBJID")["_DAY"].transform("max")]
    if "VISITNUM" in latest.columns:
        number = latest["VISITNUM"].fillna(-np.inf)
        latest = latest[number == number.groupby(latest["USUBJID"]).transform("max")]
    values = latest[["USUBJID", column]].drop_duplicates()
    several = values.loc[values["USUBJID"].duplicated(), "USUBJID"]
    if len(several):
        raise DataError(
            f"{place}: {len(several)} subject(s) have several values at baseline, the first {several.iloc[0]}; "
            "choose among them with `where`"
        )
    return adsl["USUBJID"].map(values.set_index("USUBJID")[column])


def _term(
    place: str, term: str, domain: str, frame: pd.DataFrame, adsl: pd.DataFrame, domains: dict[str, pd.DataFrame], *, any_of: bool
) -> pd.Series:
    """Y/N for a term recorded as begun by study day 1 or for any of several, which of several, or time since; randomized subjects only."""
    if domain not in TERMS:
        raise ConfigError(f"{place}: only {' and '.join(TERMS)} are searched for a term")
    term, _, unit = term.partition(":")
    if unit not in ("", *DAYS):
        raise ConfigError(f"{place}: the unit must be {' or '.join(DAYS)}, not {unit!r}")
    terms = term.split("|")
    several = any_of and len(terms) > 1
    found = pd.concat([_with_term(place, t, domain, frame, warn=not several).assign(_TERM=t) for t in terms], ignore_index=True)
    if several and found.empty:
        warnings.warn(f"{place}: no record of {domain} has any of the terms, so no subject has one", stacklevel=2)
    found = found[~begun_later(found, domain, adsl)]  # what began after study day 1 says nothing about baseline
    who, randomized = adsl["USUBJID"], adsl["RANDFL"] == "Y"
    if unit:
        return (_days_since(found, domain, adsl, domains) / DAYS[unit]).round(1).where(randomized)
    if len(terms) == 1 or any_of:
        return pd.Series(np.where(who.isin(found["USUBJID"]), "Y", "N"), index=adsl.index, dtype="str").where(randomized)
    one = found[["USUBJID", "_TERM"]].drop_duplicates()
    both = one.loc[one["USUBJID"].duplicated(), "USUBJID"]
    if len(both):
        raise DataError(f"{place}: {len(both)} subject(s) have more than one of the terms, the first {both.iloc[0]}")
    return who.map(one.set_index("USUBJID")["_TERM"]).where(randomized)


def _days_since(found: pd.DataFrame, domain: str, adsl: pd.DataFrame, domains: dict[str, pd.DataFrame]) -> pd.Series:
    """Days from the first start to the first visit, both counted; a partial start is not completed to a day after that visit."""
    who, recorded = adsl["USUBJID"], found[f"{domain}STDTC"]
    first = pd.Series(to_date(first_visit(adsl, domains)).to_numpy(), index=who)
    visit = found["USUBJID"].map(first)
    start = to_date(complete_date(recorded))
    may_be_before = to_date(recorded).isna() & (to_date(complete_date(recorded, to="first")) <= visit) & (start > visit)
    since = found.assign(_DATE=start.mask(may_be_before, visit)).groupby("USUBJID")["_DATE"].min()
    return (who.map(first) - who.map(since)).dt.days + 1


def begun_later(found: pd.DataFrame, domain: str, adsl: pd.DataFrame) -> pd.Series:
    """Records that began after study day 1 whatever a partial date may be completed to; a missing date may be of before."""
    earliest = to_date(complete_date(found[f"{domain}STDTC"], to="first"))
    return earliest > to_date(found["USUBJID"].map(adsl.set_index("USUBJID")["RFDT"]))


def later_terms(adsl: pd.DataFrame, domains: dict[str, pd.DataFrame], plan: Plan) -> pd.DataFrame:
    """Accounts of records with the term of a covariate that began after study day 1, of randomized subjects: the covariate leaves them out.

    Parameters
    ----------
    adsl : DataFrame
        With RFDT and RANDFL.
    domains : dict of str to DataFrame
        SDTM domains by code.
    plan : Plan

    Returns
    -------
    DataFrame
        See :func:`nirls.adam.account.accounts`.
    """
    counts: dict[str, dict[str, int]] = {domain: {} for domain in TERMS}
    randomized = adsl.loc[adsl["RANDFL"] == "Y", "USUBJID"]
    for name, item in plan.study.covariates.items():
        domain, _, term = item.source.partition(":")
        if domain not in TERMS or domain not in domains:
            continue
        frame = domains[domain]
        frame = frame[frame["USUBJID"].isin(randomized)]
        if item.where is not None:
            frame = frame[where_mask(item.where, frame)]
        columns = [c for c in TERMS[domain] if c in frame.columns]
        found = frame[frame[columns].isin(term.partition(":")[0].split("|")).any(axis=1)]
        counts[domain][f"began after study day 1, not counted for {name} ({item.label})"] = int(begun_later(found, domain, adsl).sum())
    return pd.concat([accounts("ADSL", domain, own) for domain, own in counts.items()], ignore_index=True)


def _with_term(place: str, term: str, domain: str, frame: pd.DataFrame, *, warn: bool) -> pd.DataFrame:
    columns = [c for c in TERMS[domain] if c in frame.columns]
    matches = (frame[columns] == term).any(axis=1)
    if warn and not matches.any():  # may be true of a small trial, or a slip of the pen
        near = difflib.get_close_matches(term, sorted(set(frame[columns].stack().dropna())), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        warnings.warn(f"{place}: no record of {domain} has the term {term!r}, so no subject has it{hint}", stacklevel=2)
    return frame[matches]


def first_visit(adsl: pd.DataFrame, domains: dict[str, pd.DataFrame]) -> pd.Series:
    """Date of each subject's first visit by VISITNUM in SV; without SV the consent date, else study day 1."""
    if "SV" in domains:
        sv = (
            domains["SV"].sort_values(["USUBJID", "VISITNUM", "SVSTDTC"], kind="stable").dropna(subset="SVSTDTC").drop_duplicates("USUBJID")
        )
        return adsl["USUBJID"].map(date_part(sv.set_index("USUBJID")["SVSTDTC"]))
    return adsl["RFICDT"].where(adsl["RFICDT"].notna(), adsl["RFDT"])
