"""ADAE: one row per adverse event, with what it counts as; where something is not known, the worst is taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nirls.adam.account import accounts
from nirls.adam.dates import FULL, complete_date, date_part, study_day, to_date
from nirls.adam.spec import conform, core_columns, variables
from nirls.errors import ConfigError, DataError
from nirls.plan.safety import SERIOUSNESS
from nirls.plan.where import where_mask
from nirls.sdtm.rulebook.safety import criterion_mask, fatal_mask, related_mask, strange_words

if TYPE_CHECKING:
    from nirls.plan.load import Plan
    from nirls.plan.safety import AdverseEvents


def derive_adae(
    domains: dict[str, pd.DataFrame], adsl: pd.DataFrame, adrisk: pd.DataFrame, adex: pd.DataFrame | None, plan: Plan
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Derive ADAE from AE.

    A partial date of onset is its earliest day on or after the first session or dose, if it can be one, so that no event that may be
    treatment-emergent is taken for another; an onset without a date is that first day, unless the event ended before. A severity,
    seriousness or relationship that is missing is the worst of the plan (IMPFL = Y); an event that was fatal, or has a criterion of
    seriousness, is serious. An adverse device effect is related and began at the first session or later: however long after the last.

    Parameters
    ----------
    domains : dict of str to DataFrame
        SDTM domains; AE is needed.
    adsl, adrisk : DataFrame
    adex : DataFrame or None
        For sessions and dose before onset.
    plan : Plan

    Returns
    -------
    adae : DataFrame
        See :func:`nirls.adam.spec.variables`; sorted by subject, onset and record.
    accounts : DataFrame
        Events of subjects who are not in the trial's arms, with the reason.

    Raises
    ------
    ConfigError
        Without `adverse_events` in study.yaml, or a condition that AE cannot answer.
    DataError
        A word by which an event is judged that the plan does not list, or a seriousness other than Y and N.
    """
    rules = plan.study.adverse_events
    if rules is None:
        raise ConfigError("study.yaml: adverse_events is absent, which ADRISK and ADAE need")
    if "AE" not in domains:
        raise DataError("ADAE needs the domain AE; name its file under `sources` of study.yaml")
    ae = domains["AE"]
    randomized = ae["USUBJID"].isin(adsl.loc[adsl["RANDFL"] == "Y", "USUBJID"])
    out = ae[randomized].reset_index(drop=True)
    risk = adrisk.set_index("USUBJID").reindex(out["USUBJID"])
    first, last = (pd.Series(risk[name].to_numpy(), index=out.index).astype("str") for name in ("EXSTDT", "EMENDT"))
    out = _dated(out, first, adsl, plan.study.dates.cut)
    emergent = first.notna() & out["ASTDT"].notna() & (out["ASTDT"] >= first) & ~(out["ASTDT"] > last).fillna(False)
    out = out.assign(TRTEMFL=_yes(emergent))
    out = _judged(out, rules)
    out = _texts(_conditions(out, rules))
    for name in ("AEDECOD", "AEBODSYS"):
        column = out[name] if name in out.columns else pd.Series(np.nan, index=out.index)
        out[name] = column.astype("str").fillna(rules.uncoded)
    if rules.device:
        worn = (risk["NSESS"] > 0 if adex is not None else risk["TRT01A"].isin(plan.study.device_arms)).to_numpy()
        out = _device(out, worn & (out["ASTDT"] >= first).fillna(False), rules)
    out = _before_onset(out, adex, blinded=plan.study.blinding == "blinded")
    out = out.sort_values(["USUBJID", "ASTDT", *(["AESEQ"] if "AESEQ" in out.columns else []), "SRC_ROW"], kind="stable")
    out = _first(out.reset_index(drop=True))
    keep = [v.name for v in variables("ADAE", plan) if v.name in out.columns]
    core = [name for name in core_columns(plan) if name != "USUBJID"]
    out = out[["USUBJID", *(name for name in keep if name not in core and name != "USUBJID")]]
    out = out.merge(adsl[core_columns(plan)], on="USUBJID", how="left", validate="many_to_one")
    counts = {"event of a subject who was not randomized": int((~randomized).sum())}
    return conform(out, variables("ADAE", plan)), accounts("ADAE", "AE", counts)


def _yes(mask: pd.Series) -> pd.Series:
    return pd.Series(np.where(mask, "Y", "N"), index=mask.index).astype("str")


def _column(frame: pd.DataFrame, name: str) -> pd.Series:
    return frame[name].astype("str") if name in frame.columns else pd.Series(np.nan, index=frame.index, dtype="str")


def _dated(out: pd.DataFrame, first: pd.Series, adsl: pd.DataFrame, cut: str) -> pd.DataFrame:
    """Start and end as complete dates with their flags, study day and duration."""
    start, end = date_part(_column(out, "AESTDTC")), date_part(_column(out, "AEENDTC"))
    latest_end = complete_date(end, to="last")
    latest_end = latest_end.mask(latest_end > cut, cut)
    full = start.str.fullmatch(FULL, na=False)
    earliest, latest = complete_date(start, to="first"), complete_date(start, to="last")
    latest = latest.mask(latest > latest_end, latest_end)
    inside = ~full & first.notna() & ((earliest < first) | start.isna()) & ~(latest < first).fillna(False)
    inside &= ~(start.isna() & (latest_end < first).fillna(False))
    day = earliest.mask(inside, first)
    flag = pd.Series(np.select([full, start.isna(), start.str.len() == 4], ["", "Y", "M"], "D"), index=out.index).astype("str")
    end_flag = pd.Series(np.where(end.str.len() == 4, "M", "D"), index=out.index).astype("str")
    reference = out["USUBJID"].map(adsl.set_index("USUBJID")["RFDT"])
    day = day.astype("str")
    return out.assign(
        AESTDTC=_column(out, "AESTDTC"), ASTDT=day, ASTDTF=flag.where(~full & day.notna()), ASTDY=study_day(day, reference),
        AENDT=latest_end.astype("str"), AENDTF=end_flag.where(end.notna() & ~end.str.fullmatch(FULL, na=False)),
        ADURN=((to_date(latest_end) - to_date(day)).dt.days + 1).astype("float64"),
    )  # fmt: skip


def _judged(out: pd.DataFrame, rules: AdverseEvents) -> pd.DataFrame:
    """Severity, seriousness and relationships in the plan's words; what is missing is the worst."""
    severity, serious = _column(out, "AESEV"), _column(out, "AESER")
    for name, strange, text in strange_words(out, rules.known()):
        if strange.any():
            row = out[strange].iloc[0]
            raise DataError(
                f"{row['SRC_FILE']}, line {row['SRC_ROW']}, column {name}, value {row[name]!r} ({row['USUBJID']}): {text} "
                f"The same of {int(strange.sum())} value(s) in all."
            )
    words, surely = list(dict.fromkeys(rules.severity.values())), fatal_mask(out, rules) | criterion_mask(out)
    missing = severity.isna() | (serious.isna() & ~surely)
    out = out.assign(ASEV=severity.map(rules.severity).astype("str").fillna(words[-1]), ASER=serious.fillna("Y").mask(surely, "Y"))
    out = out.assign(ASEVN=_place(out["ASEV"], words))
    strongest = pd.Series(0.0, index=out.index)
    for key, item in rules.relationship.items():
        value = _column(out, item.variable)
        words = list(dict.fromkeys(item.levels.values()))
        out[f"AREL{key}"] = value.map(item.levels).astype("str").fillna(words[-1])
        number = _place(out[f"AREL{key}"], words)
        strongest, missing = strongest.where(strongest >= number, number), missing | value.isna()
    texts = {i + 1.0: text for i, text in enumerate(words)}
    return out.assign(ARELN=strongest, AREL=strongest.map(texts).astype("str"), RELFL=_yes(related_mask(out, rules)), IMPFL=_yes(missing))


def _place(texts: pd.Series, words: list[str]) -> pd.Series:
    return texts.map({text: i + 1.0 for i, text in enumerate(words)}).astype("float64")


def _conditions(out: pd.DataFrame, rules: AdverseEvents) -> pd.DataFrame:
    """Fatal, withdrawn, interrupted."""
    out = out.assign(FATALFL=_yes(fatal_mask(out, rules)))
    for name, field, where in (("WDRAWFL", "withdrawn", rules.withdrawn), ("INTRFL", "interrupted", rules.interrupted)):
        try:
            mask = where_mask(where, out) if where is not None else pd.Series(False, index=out.index)
        except ConfigError as error:
            raise ConfigError(f"study.yaml: adverse_events.{field}: {error}") from None
        out[name] = _yes(mask)
    return out


def _texts(out: pd.DataFrame) -> pd.DataFrame:
    """Action taken and criteria of seriousness."""
    action = next((c for c in ("AEACNDEV", "AEACN") if c in out.columns), None)
    if action is not None:
        out["AEACT"] = out[action].astype("str")
    if "AESERCRIT" in out.columns:
        out["AESERCRT"] = out["AESERCRIT"].astype("str")
    else:
        flags = [c for c in SERIOUSNESS if c in out.columns]
        if flags:
            words = pd.Series("", index=out.index)
            for name in flags:
                words = words.mask(out[name] == "Y", words + ", " + SERIOUSNESS[name])
            out["AESERCRT"] = words.str.removeprefix(", ").where(words != "")
    return out


def _device(out: pd.DataFrame, since_use: pd.Series, rules: AdverseEvents) -> pd.DataFrame:
    """ADE, SADE, ASADE and USADE as ISO 14155:2020 defines them (clause 3): related to the device or its use, without end after it."""
    assert rules.anticipated is not None
    effect = (out["RELFL"] == "Y") & since_use
    serious = effect & (out["ASER"] == "Y")
    anticipated = _column(out, rules.anticipated) == "Y"
    return out.assign(ADEFL=_yes(effect), SADEFL=_yes(serious), ASADEFL=_yes(serious & anticipated), USADEFL=_yes(serious & ~anticipated))


def _before_onset(out: pd.DataFrame, adex: pd.DataFrame | None, *, blinded: bool) -> pd.DataFrame:
    """Sessions, and their dose, until the day of onset."""
    out = out.assign(ONSESS=np.nan, ONFLU=np.nan)
    if adex is not None:
        took = adex.loc[adex["ANL01FL"] == "Y", ["USUBJID", "ADT", "AFLU"]].dropna(subset="ADT")
        pairs = out[["USUBJID", "ASTDT"]].reset_index().merge(took, on="USUBJID")
        each = pairs[pairs["ADT"] <= pairs["ASTDT"]].groupby("index")["AFLU"]
        # a session without a fluence: the sum is not known
        before = pd.DataFrame({"size": each.size(), "sum": each.sum().where(each.count() == each.size())})
        device = out["USUBJID"].isin(took["USUBJID"]) & out["ASTDT"].notna()
        out["ONSESS"] = before["size"].reindex(out.index).fillna(0.0).where(device)
        out["ONFLU"] = before["sum"].reindex(out.index).mask(out["ONSESS"] == 0, 0.0).where(device)
    if blinded:
        out = out.assign(ONFLU=np.nan, **({"SPDEVID": pd.Series(np.nan, index=out.index, dtype="str")} if "SPDEVID" in out.columns else {}))
    return out


def _first(out: pd.DataFrame) -> pd.DataFrame:
    """Flags of the first treatment-emergent event of a subject, in a class and of a term."""
    emergent = out[out["TRTEMFL"] == "Y"]
    for name, by in (("AOCCFL", []), ("AOCCSFL", ["AEBODSYS"]), ("AOCCPFL", ["AEBODSYS", "AEDECOD"])):
        first = emergent.index[~emergent.duplicated(["USUBJID", *by])]
        out[name] = pd.Series(np.where(out.index.isin(first), "Y", None), index=out.index).astype("str")
    return out
