import numpy as np
import pandas as pd
import pytest

from nirls.adam.dates import complete_date, date_part, days_apart, study_day, to_date
from nirls.errors import DataError


def text(*values):
    return pd.Series(values, dtype="str")


def test_there_is_no_day_zero():
    dates = text("2025-03-04", "2025-03-05", "2025-03-06")
    assert study_day(dates, text(*["2025-03-05"] * 3)).to_list() == [-1, 1, 2]


def test_study_day_over_a_leap_day_and_new_year():
    assert study_day(text("2024-03-01", "2025-01-01"), text("2024-02-28", "2024-12-31")).to_list() == [3, 2]


def test_date_times_count_as_their_own_local_day():
    assert date_part(text("2025-03-05T23:50+02:00")).to_list() == ["2025-03-05"]
    assert study_day(text("2025-03-05T00:10"), text("2025-03-05T23:50")).to_list() == [1]


def test_partial_and_missing_dates_have_no_day():
    assert study_day(text("2025-03", "2025", np.nan), text(*["2025-03-05"] * 3)).isna().all()
    assert np.isnan(study_day(text("2025-03-05"), text(np.nan))[0])


def test_what_is_not_a_date_is_named():
    with pytest.raises(DataError, match=r"QSDTC: 2 value.*'05/03/2025' \(row 1\).*'2025-02-30' \(row 2\)"):
        to_date(text("2025-03-05", "05/03/2025", "2025-02-30").rename("QSDTC"))


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ("first", ["2024-02-01", "2024-01-01", "2024-02-10"]),
        ("middle", ["2024-02-15", "2024-07-01", "2024-02-10"]),
        ("last", ["2024-02-29", "2024-12-31", "2024-02-10"]),
    ],
)
def test_completing_partial_dates(to, expected):
    assert complete_date(text("2024-02", "2024", "2024-02-10"), to=to).to_list() == expected


def test_days_apart_leave_out_day_zero():
    assert days_apart(pd.Series([-1.0, 1.0, 5.0, np.nan]), pd.Series([1.0, 1.0, 8.0, 8.0])).to_list()[:3] == [1, 0, 3]
