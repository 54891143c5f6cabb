"""ISO 8601 dates as study days; there is no day 0.

Dates stay ISO text in every data set. A partial date (`2012`, `2012-05`) has no study day: it is
completed only where a derivation says so, by :func:`complete_date`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from nirls.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

FULL = r"^\d{4}-\d{2}-\d{2}$"
PARTIAL = r"^\d{4}(?:-\d{2})?$"


def date_part(dtc: pd.Series) -> pd.Series:
    """The calendar date of an ISO 8601 date or date-time, as recorded (local date, no conversion of time zones)."""
    return dtc.astype("str").str.slice(0, 10).str.rstrip("-")


def to_date(dtc: pd.Series, *, name: str | None = None) -> pd.Series:
    """Complete ISO dates as datetime64; partial and missing dates become NaT.

    Raises
    ------
    DataError
        For a text that is neither a complete nor a partial ISO 8601 date, naming the first rows.
    """
    text = date_part(dtc)
    full, partial = text.str.fullmatch(FULL, na=False), text.str.fullmatch(PARTIAL, na=False)
    parsed = pd.to_datetime(text.where(full), format="%Y-%m-%d", errors="coerce")
    wrong = text.notna() & ~partial & (~full | parsed.isna())
    if wrong.any():
        shown = ", ".join(f"{value!r} (row {index})" for index, value in dtc[wrong].head(5).items())
        raise DataError(f"{name or dtc.name}: {int(wrong.sum())} value(s) are not ISO 8601 dates: {shown}; write YYYY-MM-DD")
    return parsed


def study_day(dtc: pd.Series, reference: pd.Series) -> pd.Series:
    """Study day of each date: 1 on the reference date, −1 the day before; NaN where either date is missing or partial.

    Source: SDTM Implementation Guide 3.4, §4.4.4 (use of the study day variables).
    """
    difference = (to_date(dtc) - to_date(reference)).dt.days
    return (difference + (difference >= 0)).astype("float64")


def days_apart(day: pd.Series, target: pd.Series) -> pd.Series:
    """Calendar days between two study days; one less than their difference where day 0, which does not exist, lies between."""
    return (day - target).abs() - ((day < 0) != (target < 0))


def complete_date(dtc: pd.Series, *, to: Literal["first", "middle", "last"] = "middle") -> pd.Series:
    """Complete partial dates: a missing day by the 1st, 15th or last of the month, a missing month by 1 January, 1 July or 31 December."""
    text = date_part(dtc)
    month, year = text.str.fullmatch(r"\d{4}-\d{2}", na=False), text.str.fullmatch(r"\d{4}", na=False)
    day_of_month = {"first": "-01", "middle": "-15", "last": "-01"}[to]
    day_of_year = {"first": "-01-01", "middle": "-07-01", "last": "-12-31"}[to]
    out = text.mask(month, text + day_of_month).mask(year, text + day_of_year)
    if to == "last" and month.any():
        end = pd.to_datetime(out[month], format="%Y-%m-%d") + pd.offsets.MonthEnd(0)
        out = out.mask(month, end.dt.strftime("%Y-%m-%d").reindex(out.index))
    return out


def first_present(frame: pd.DataFrame, columns: Sequence[str]) -> pd.Series:
    """The first non-missing of several columns, row by row; columns the frame does not have are passed over."""
    present = [c for c in columns if c in frame.columns]
    if not present:
        return pd.Series(np.nan, index=frame.index, dtype="str")
    out = frame[present[0]]
    for column in present[1:]:
        out = out.where(out.notna(), frame[column])
    return out
