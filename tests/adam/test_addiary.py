"""ADDIARY: clock times of entries, evenings, and the session before an entry."""

import numpy as np
import pandas as pd
import pytest

from nirls.adam.addiary import derive_addiary
from nirls.adam.spec import core_columns
from nirls.errors import DataError
from nirls.plan.load import load_plan
from tests.adam.conftest import ROOT


@pytest.fixture(scope="module")
def plan():
    return load_plan("nir-rls", root=ROOT)


def made(plan, entries, sessions=(), onsets=()):
    """Subject A, day 1 on 1 March."""
    adsl = pd.DataFrame({"USUBJID": ["A"], "RFDT": ["2025-03-01"]})
    for column in core_columns(plan):
        if column not in adsl.columns:
            adsl[column] = pd.Series(["x"], dtype="str") if not column.endswith(("BL", "AGE", "DUR")) else np.nan
    qs = pd.DataFrame(entries, columns=["USUBJID", "QSDTC", "QSSTRESN"]).assign(
        QSCAT="DIARY", QSTESTCD="NRS", SRC_FILE="d.csv", SRC_ROW=lambda d: np.arange(len(d)) + 2.0
    )
    began = pd.DataFrame(list(onsets), columns=["USUBJID", "QSDTC", "QSSTRESC"]).assign(QSCAT="DIARY", QSTESTCD="ONSETTM")
    qs = pd.concat([qs, began], ignore_index=True) if onsets else qs.assign(QSSTRESC=qs["QSSTRESN"].astype("str"))
    adex = pd.DataFrame(list(sessions), columns=["USUBJID", "ADT", "AHOUR", "EXSRC"]).assign(ANL01FL="Y")
    return derive_addiary({"QS": qs}, adsl, adex, plan)


def test_evening_and_session_of_the_same_day(plan):
    frame, accounts = made(
        plan,
        [
            ("A", "2025-03-03T08:15+01:00", 3.0), ("A", "2025-03-03T21:30+01:00", 7.0), ("A", "2025-03-04T16:59+01:00", 5.0),
            ("A", "2025-03-05T19:00+01:00", 6.0),
        ],
        [
            ("A", "2025-03-03", 7.5, "LOG"), ("A", "2025-03-03", 19.25, "LOG"), ("A", "2025-03-05", 19.5, "LOG"),
            ("A", "2025-03-04", 9.0, "LOST"),
        ],
    )  # fmt: skip
    assert frame["AHOUR"].tolist() == [8.25, 21.5, pytest.approx(16 + 59 / 60), 19.0]
    assert frame["ADY"].tolist() == [3, 3, 4, 5]
    assert frame["NPERDAY"].tolist() == [2, 2, 1, 1]
    assert frame["EVENFL"].tolist() == ["N", "Y", "N", "Y"]  # 16:59 is no evening
    np.testing.assert_allclose(frame["SESSHOUR"], [7.5, 19.25, np.nan, np.nan])  # the last before the entry; a later one does not count
    np.testing.assert_allclose(frame["SESSLAG"], [0.75, 2.25, np.nan, np.nan])
    assert frame["AWEEKDAY"].tolist() == ["Monday", "Monday", "Tuesday", "Wednesday"]
    assert frame["AVISIT"].tolist() == ["Week 1"] * 4 and accounts["n"].sum() == 0


def test_what_is_no_entry_is_counted(plan):
    frame, accounts = made(
        plan, [("A", "2025-03-03", 3.0), ("A", "2025-03-03T21:30", np.nan), ("B", "2025-03-03T21:30", 4.0), ("A", "2025-03-04T21:30", 4.0)]
    )
    assert len(frame) == 1
    counted = dict(zip(accounts["reason"], accounts["n"], strict=True))
    assert counted == {
        "entry of a subject who is not in ADSL": 1, "entry without a clock time": 1, "entry without a value": 1,
    }  # fmt: skip


def test_a_diary_that_is_not_there(plan):
    import dataclasses

    other = plan.study.diary.model_copy(update={"score": "PAIN"})
    changed = dataclasses.replace(plan, study=plan.study.model_copy(update={"diary": other}))
    with pytest.raises(DataError, match="QS has no records of DIARY PAIN"):
        made(changed, [("A", "2025-03-03T21:30", 4.0)])


def test_onset_is_counted_from_noon(plan):
    """An onset after midnight is later in the evening, not earlier in the day."""
    days = [f"2025-03-0{d}T21:30" for d in (3, 4, 5, 6, 7)]
    frame, accounts = made(
        plan,
        [("A", day, 4.0) for day in days],
        onsets=[("A", day, t) for day, t in zip(days, ["18:30", "23:00", "01:00", "25:00", ""], strict=True)],
    )
    np.testing.assert_allclose(frame["ONSETH"], [6.5, 11.0, 13.0, np.nan, np.nan])
    assert dict(zip(accounts["reason"], accounts["n"], strict=True)) == {"onset that is no clock time (HH:MM), entry kept": 1}
