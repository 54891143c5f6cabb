"""ADDIARY: one row per entry of the diary, with its clock time and the device session before it on the same day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nirls.adam.account import accounts
from nirls.adam.dates import study_day
from nirls.adam.spec import conform, core_columns, variables
from nirls.adam.visits import windows_of
from nirls.errors import DataError

if TYPE_CHECKING:
    from nirls.plan.course import Diary
    from nirls.plan.load import Plan

MOMENT = r"^(?P<day>\d{4}-\d{2}-\d{2})T(?P<hour>[01]\d|2[0-3]):(?P<minute>[0-5]\d)"


def derive_addiary(
    domains: dict[str, pd.DataFrame], adsl: pd.DataFrame, adex: pd.DataFrame, plan: Plan
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Derive ADDIARY from the diary in QS, as `diary` of study.yaml names it.

    The clock time of an entry is the local one it was made with. Its session is the last one that began earlier on the same local day
    and has a usable record (ADEX.EXSRC = LOG).

    Returns
    -------
    addiary : DataFrame
        See :func:`nirls.adam.spec.variables`.
    accounts : DataFrame
        Entries left out, with the reason.
    """
    diary = plan.study.diary
    if diary is None or "QS" not in domains:
        raise DataError("ADDIARY needs `diary` in study.yaml, and questionnaires (domain QS) under `sources`")
    qs = domains["QS"]
    out = qs[(qs["QSCAT"] == diary.category) & (qs["QSTESTCD"] == diary.score)].reset_index(drop=True)
    if out.empty:
        raise DataError(f"study.yaml: diary: QS has no records of {diary.category} {diary.score}")
    moment = out["QSDTC"].astype("str").str.extract(MOMENT)
    timed, known, valued = moment["day"].notna(), out["USUBJID"].isin(adsl["USUBJID"]), out["QSSTRESN"].notna()
    counts = {
        "entry of a subject who is not in ADSL": int((~known).sum()),
        "entry without a clock time": int((known & ~timed).sum()),
        "entry without a value": int((known & timed & ~valued).sum()),
    }
    kept = known & timed & valued
    out, moment = out[kept].reset_index(drop=True), moment[kept].reset_index(drop=True)
    people = adsl.drop_duplicates("USUBJID").set_index("USUBJID")
    hour = moment["hour"].astype(float) + moment["minute"].astype(float) / 60
    made = pd.DataFrame(
        {
            "USUBJID": out["USUBJID"],
            "PARAMCD": pd.Series(diary.score, index=out.index, dtype="str"),
            "PARAM": pd.Series(diary.label, index=out.index, dtype="str"),
            "AVAL": out["QSSTRESN"].astype("float64"),
            "ADTM": out["QSDTC"].astype("str"),
            "ADT": moment["day"].astype("str"),
            "AHOUR": hour,
            "VISITNUM": np.nan,
            "SRC_FILE": out["SRC_FILE"].astype("str") if "SRC_FILE" in out else None,
            "SRC_ROW": out["SRC_ROW"].astype("float64") if "SRC_ROW" in out else np.nan,
        }
    )
    made["ONSETH"], unread = _onset(qs, diary, made)
    counts["onset that is no clock time (HH:MM), entry kept"] = unread
    made["ADY"] = study_day(made["ADT"], made["USUBJID"].map(people["RFDT"]))
    made["AWEEKDAY"] = pd.to_datetime(made["ADT"]).dt.day_name().astype("str")
    made = pd.concat([made, windows_of(made, plan.study, by_day=True)[["AVISIT", "AVISITN"]]], axis=1)
    made = made.sort_values(["USUBJID", "ADT", "AHOUR"], kind="stable").reset_index(drop=True)
    day = made.groupby(["USUBJID", "ADT"])
    made["NPERDAY"] = day["AVAL"].transform("size").astype("float64")
    evening = (made["AHOUR"] >= diary.evening_from) & ~made.duplicated(["USUBJID", "ADT"], keep="last")
    made["EVENFL"] = pd.Series(np.where(evening, "Y", "N"), dtype="str")
    made = _with_session(made, adex)
    made["ANL01FL"] = pd.Series("Y", index=made.index, dtype="str")
    made = made.merge(adsl[core_columns(plan)], on="USUBJID", how="left", validate="many_to_one")
    return conform(made, variables("ADDIARY", plan)), accounts("ADDIARY", "QS", counts)


def _onset(qs: pd.DataFrame, diary: Diary, entries: pd.DataFrame) -> tuple[pd.Series, int]:
    """Hours from noon to the onset of symptoms of each entry, so that an evening that passes midnight stays in order; and how many
    onsets are no clock times."""
    if diary.onset is None:
        return pd.Series(np.nan, index=entries.index), 0
    own = qs[(qs["QSCAT"] == diary.category) & (qs["QSTESTCD"] == diary.onset)].drop_duplicates(["USUBJID", "QSDTC"])
    text = own["QSSTRESC"].astype("str").str.strip()
    clock = text.str.extract(r"^(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)$")
    hours = (clock["hour"].astype(float) + clock["minute"].astype(float) / 60 - 12) % 24
    said = text.notna() & ~text.isin(["", "nan", "<NA>"])
    found = pd.DataFrame({"USUBJID": own["USUBJID"], "ADTM": own["QSDTC"].astype("str"), "ONSETH": hours})
    return entries[["USUBJID", "ADTM"]].merge(found, how="left", on=["USUBJID", "ADTM"])["ONSETH"], int((said & hours.isna()).sum())


def _with_session(entries: pd.DataFrame, adex: pd.DataFrame) -> pd.DataFrame:
    """SESSHOUR, the clock time at which the last session before the entry began on the same day, and SESSLAG, the hours between."""
    usable = adex[(adex["EXSRC"] == "LOG") & (adex["ANL01FL"] == "Y") & adex["AHOUR"].notna() & adex["ADT"].notna()]
    hour = usable["AHOUR"].astype("float64")
    sessions = pd.DataFrame(
        {"USUBJID": usable["USUBJID"].astype("str"), "ADT": usable["ADT"].astype("str"), "AHOUR": hour, "SESSHOUR": hour}
    ).sort_values("AHOUR", kind="stable")
    order = entries.reset_index(names="_PLACE").sort_values("AHOUR", kind="stable")
    joined = pd.merge_asof(order, sessions, on="AHOUR", by=["USUBJID", "ADT"], direction="backward").sort_values("_PLACE", kind="stable")
    hours = joined["SESSHOUR"].to_numpy()
    return entries.assign(SESSHOUR=hours, SESSLAG=entries["AHOUR"].to_numpy() - hours)
