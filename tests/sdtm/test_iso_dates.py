"""Ranges of partial dates, study days, local days."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nirls.sdtm.dates import COMPLETE, MISSING, PARTIAL, UNUSABLE, bounds, instants, local_dates, study_day


def _one(text):
    row = bounds(pd.Series([text, None], dtype="str")).iloc[0]
    return row["kind"], None if pd.isna(row["lo"]) else str(row["lo"].date()), None if pd.isna(row["hi"]) else str(row["hi"].date())


@pytest.mark.parametrize(
    ("text", "kind", "lo", "hi"),
    [
        ("2024-02-29", COMPLETE, "2024-02-29", "2024-02-29"), ("2024-02", PARTIAL, "2024-02-01", "2024-02-29"),
        ("2025", PARTIAL, "2025-01-01", "2025-12-31"), ("2025-03-05T10:20", COMPLETE, "2025-03-05", "2025-03-05"),
        ("2025-03-05T23:59:59.5+02:00", COMPLETE, "2025-03-05", "2025-03-05"), ("2025-02-29", UNUSABLE, None, None),
        ("2025-13", UNUSABLE, None, None), ("2025-03-05T24:10", UNUSABLE, None, None), ("2025-03-05 10:20", UNUSABLE, None, None),
        ("20250305", UNUSABLE, None, None), ("0000-01-01", UNUSABLE, None, None), (None, MISSING, None, None),
    ],
)  # fmt: skip
def test_bounds(text, kind, lo, hi):
    assert _one(text) == (kind, lo, hi)


@given(st.dates(min_value=pd.Timestamp("1900-01-01").date(), max_value=pd.Timestamp("2100-12-31").date()))
def test_the_range_of_a_partial_date_holds_every_day_it_can_mean(day):
    text = pd.Series([day.isoformat(), day.isoformat()[:7], day.isoformat()[:4]], dtype="str")
    found = bounds(text)
    assert (found["lo"] <= np.datetime64(day)).all() and (found["hi"] >= np.datetime64(day)).all()
    assert found["lo"].is_monotonic_decreasing and found["hi"].is_monotonic_increasing


def test_study_day_has_no_zero():
    days = pd.Series(pd.to_datetime(["2025-02-28", "2025-03-01", "2025-03-02", None]))
    reference = pd.Series(pd.to_datetime(["2025-03-01"] * 4))
    assert study_day(days, reference).tolist()[:3] == [-1, 1, 2] and np.isnan(study_day(days, reference).iloc[3])


def test_local_day_of_a_session_across_midnight():
    utc = pd.Series(["2025-03-29T23:30:00Z", "2025-03-30T00:30:00Z", "2025-03-05T01:00:00Z", "2025-03-05"], dtype="str")
    zone = pd.Series(["Europe/Berlin", "Europe/Berlin", "America/New_York", "Nowhere/Land"], dtype="str")
    assert local_dates(utc, zone).tolist() == ["2025-03-30", "2025-03-30", "2025-03-04", "2025-03-05"]


def test_instants_need_an_offset():
    found = instants(pd.Series(["2025-03-05T10:00:00+02:00", "2025-03-05T08:00:00Z", "2025-03-05T08:00:00", None], dtype="str"))
    assert found.iloc[0] == found.iloc[1] and found.isna().tolist() == [False, False, True, True]
