"""ADICE: intercurrent events, one row per subject and event, with the first visit each affects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nirls.adam.account import accounts
from nirls.adam.dates import FULL, complete_date, date_part, study_day, to_date
from nirls.adam.spec import conform, core_columns, variables
from nirls.adam.visits import visit_table
from nirls.errors import ConfigError, DataError
from nirls.plan.where import where_mask

if TYPE_CHECKING:
    from nirls.plan.load import Plan
    from nirls.plan.study import IntercurrentEventRule

COLUMNS = ["USUBJID", "ICECD", "ICETERM", "ICEDTC", "ICESRC", "SRC_FILE", "SRC_ROW"]


def derive_adice(domains: dict[str, pd.DataFrame], adsl: pd.DataFrame, adqs: pd.DataFrame, plan: Plan) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Derive ADICE from the rules of the plan (`intercurrent_events`).

    The event of a subject is the first record that fulfils the rule on or after study day 1; later ones are counted, not kept. A date
    without a day or a month is the earliest day it can be, but not before day 1 (ADTF = D or M). An event affects every visit whose day
    is later than its date: the day of the analysed record of the main total, or the planned day where there is none.

    Parameters
    ----------
    domains : dict of str to DataFrame
        SDTM domains by code.
    adsl, adqs : DataFrame
        Of the same data.
    plan : Plan

    Returns
    -------
    adice : DataFrame
        See :func:`nirls.adam.spec.variables`.
    accounts : DataFrame
        Records that fulfil a rule and are not events, with the reason.

    Raises
    ------
    DataError
        If a record that fulfils a rule has no date.
    ConfigError
        If a rule names a domain or a variable that the study does not have.
    """
    rules = plan.study.intercurrent_events
    parts = [pd.DataFrame({c: pd.Series(dtype="str") for c in COLUMNS}).assign(SRC_ROW=pd.Series(dtype="float64"))]
    parts += [_found(code, rule, domains, adsl) for code, rule in rules.items()]
    out = pd.concat(parts, ignore_index=True)
    subjects = adsl.set_index("USUBJID")
    randomized = out["USUBJID"].isin(adsl.loc[adsl["RANDFL"] == "Y", "USUBJID"])
    counts = {"subject not randomized": int((~randomized).sum())}
    out = out[randomized].reset_index(drop=True)
    out = _dated(out, out["USUBJID"].map(subjects["RFDT"]))
    counts["record before study day 1"] = int((out["ADY"] < 1).sum())
    out = out[out["ADY"] >= 1]
    order = {code: i for i, code in enumerate(rules)}
    out = out.assign(_ORDER=out["ICECD"].map(order)).sort_values(["USUBJID", "ADY", "_ORDER", "SRC_ROW"], kind="stable")
    again = out.duplicated(["USUBJID", "ICECD"])
    counts["later record of the same event"] = int(again.sum())
    out = out[~again].reset_index(drop=True)
    out["ICE"] = out["ICECD"].map({code: rule.label for code, rule in rules.items()}).astype("str")
    out["ICESEQ"] = out.groupby("USUBJID").cumcount() + 1
    out["ENDTRTFL"] = out["ICECD"].map({code: "Y" if rule.ends_treatment else "N" for code, rule in rules.items()}).astype("str")
    out = pd.concat([out, _first_affected(out, adqs, plan)], axis=1)
    out = out.merge(adsl[core_columns(plan)], on="USUBJID", how="left", validate="many_to_one")
    return conform(out, variables("ADICE", plan)), accounts("ADICE", "ICE", counts)


def _found(code: str, rule: IntercurrentEventRule, domains: dict[str, pd.DataFrame], adsl: pd.DataFrame) -> pd.DataFrame:
    """Records that fulfil a rule."""
    place = f"study.yaml: intercurrent_events.{code}"
    if rule.domain != "ADSL" and rule.domain not in domains:
        raise ConfigError(f"{place}.domain: the study has no domain {rule.domain!r} (it has {', '.join(sorted(domains))})")
    frame = adsl if rule.domain == "ADSL" else domains[rule.domain]
    for field, name in (("date", rule.date), ("term", rule.term)):
        if name is not None and name not in frame.columns:
            raise ConfigError(f"{place}.{field}: {rule.domain} has no variable {name!r} (it has {', '.join(frame.columns)})")
    if rule.where is not None:
        frame = frame[where_mask(rule.where, frame)]
    if rule.gap_days is not None:
        return _gaps(code, rule, frame, adsl)
    undated = frame[frame[rule.date].isna() & frame["USUBJID"].isin(adsl.loc[adsl["RANDFL"] == "Y", "USUBJID"])]
    if len(undated):
        shown = ", ".join(f"{_place(r)}subject {r['USUBJID']}" for r in undated.head(10).to_dict("records"))
        more = f" and {len(undated) - 10} more" if len(undated) > 10 else ""
        raise DataError(
            f"{rule.domain}: {len(undated)} record(s) of the intercurrent event {code!r} ({rule.label}) lack {rule.date}: {shown}{more}. "
            "Which visits the event affects is then unknown; supply the date, at least its year, or narrow the rule in study.yaml"
        )
    return pd.DataFrame(
        {
            "USUBJID": frame["USUBJID"],
            "ICECD": code,
            "ICETERM": frame[rule.term].astype("str") if rule.term else pd.Series(np.nan, index=frame.index, dtype="str"),
            "ICEDTC": frame[rule.date].astype("str"),
            "ICESRC": rule.domain,
            "SRC_FILE": frame.get("SRC_FILE", pd.Series(np.nan, index=frame.index, dtype="str")),
            "SRC_ROW": frame.get("SRC_ROW", pd.Series(np.nan, index=frame.index)).astype("float64"),
        }
    )


def _place(record: dict) -> str:
    return (
        f"{record['SRC_FILE']} row {record['SRC_ROW']:.0f}, " if "SRC_FILE" in record and record["SRC_FILE"] == record["SRC_FILE"] else ""
    )


def _gaps(code: str, rule: IntercurrentEventRule, log: pd.DataFrame, adsl: pd.DataFrame) -> pd.DataFrame:
    """Gaps of `gap_days` in a log, from the first treatment to its end: dated by the day on which the gap reached that length."""
    assert rule.gap_days is not None
    treated = adsl[(adsl["TRTFL"] == "Y") & adsl["USUBJID"].isin(log["USUBJID"])]
    end = treated["EOTDT"].where(treated["EOTDT"].notna(), treated["TRTEDT"])
    sessions = pd.DataFrame({"USUBJID": log["USUBJID"], "DAY": to_date(log[rule.date])}).dropna()
    last = pd.DataFrame({"USUBJID": treated["USUBJID"], "DAY": to_date(end, name="EOTDT")}).dropna()
    ends = last.set_index("USUBJID")["DAY"].reindex(sessions["USUBJID"]).to_numpy()
    days = pd.concat([sessions[sessions["DAY"].to_numpy() <= ends], last], ignore_index=True).sort_values(["USUBJID", "DAY"], kind="stable")
    before = days.groupby("USUBJID")["DAY"].shift()
    length = (days["DAY"] - before).dt.days
    gap = length >= rule.gap_days
    reached = before[gap] + pd.Timedelta(days=rule.gap_days)
    return pd.DataFrame(
        {
            "USUBJID": days.loc[gap, "USUBJID"],
            "ICECD": code,
            "ICETERM": length[gap].map("{:.0f} days without a session".format).astype("str"),
            "ICEDTC": reached.dt.strftime("%Y-%m-%d").astype("str"),
            "ICESRC": rule.domain,
            "SRC_FILE": pd.Series(np.nan, index=days.index[gap], dtype="str"),
            "SRC_ROW": np.nan,
        }
    )


def _dated(out: pd.DataFrame, reference: pd.Series) -> pd.DataFrame:
    """ADT, ADTF and ADY; a partial date becomes the earliest day it can be, but not before study day 1 if that is possible."""
    text = date_part(out["ICEDTC"])
    full = text.str.fullmatch(FULL, na=False)
    first, latest = complete_date(text, to="first"), complete_date(text, to="last")
    inside = ~full & (first < reference) & (reference <= latest)
    day = first.mask(inside, reference)
    flag = pd.Series(np.where(full, None, np.where(text.str.len() == 4, "M", "D")), index=out.index).astype("str")
    return out.assign(ADT=day.astype("str"), ADTF=flag.where(~full), ADY=study_day(day, reference))


def _first_affected(events: pd.DataFrame, adqs: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """AVISIT and AVISITN of the first visit after baseline that is later than the event; missing when there is none."""
    table = visit_table(plan.study)
    table = table[table["AVISITN"] > 0].sort_values("AVISITN").reset_index(drop=True)
    total = adqs[(adqs["PARAMCD"] == plan.primary_instrument.total) & (adqs["ANL01FL"] == "Y") & adqs["DTYPE"].ne("LOCF").fillna(True)]
    seen = total.pivot(index="USUBJID", columns="AVISITN", values="ADY").reindex(columns=table["AVISITN"], index=events["USUBJID"])
    day = np.where(seen.isna(), table["AWTARGET"].to_numpy(), seen.to_numpy())
    later = day > events["ADY"].to_numpy()[:, None]
    some, first = later.any(axis=1), later.argmax(axis=1)
    return pd.DataFrame(
        {
            "AVISIT": table["AVISIT"].iloc[first].reset_index(drop=True).where(some),
            "AVISITN": table["AVISITN"].iloc[first].reset_index(drop=True).where(some),
        }
    )
