"""ISO 8601 dates as text: which are complete, partial or unusable, and the range of days each can mean.

Comparisons are made on the possible range, so a partial date (2025, 2025-03) is never falsely before
or after another one.
"""

from __future__ import annotations

import calendar
import re
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

MISSING, COMPLETE, PARTIAL, UNUSABLE = 0, 1, 2, 3
_DAY = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
_TIME = r"T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?(Z|[+-][0-9]{2}:?[0-9]{2})?"
_SERIAL = re.compile(r"[0-9]{5}(\.[0-9]+)?")
_SLASHED = re.compile(r"([0-9]{1,2})[./-]([0-9]{1,2})[./-]([0-9]{2}|[0-9]{4})(\s.*)?")
_NAMED = re.compile(r"[0-9]{1,2}[- ]?[A-Za-z]{3}[- ]?[0-9]{2,4}(:.*)?")
ADVICE = "Export dates as ISO 8601 text (2025-03-05)."


def _day_range(text: str) -> tuple[date, date, int] | None:
    match = _DAY.fullmatch(text)
    if match is None:
        return None
    year, month, day = (int(part) if part else None for part in match.groups())
    try:
        first = date(year or 0, month or 1, day or 1)
        last = first if day else date(first.year, month or 12, calendar.monthrange(first.year, month or 12)[1])
    except ValueError:
        return None
    return first, last, COMPLETE if day else PARTIAL


def bounds(text: pd.Series) -> pd.DataFrame:
    """Earliest and latest day of each date.

    Parameters
    ----------
    text : Series of str, shape (n,)
        ISO 8601 dates or date-times; missing is allowed. A date-time counts as its own local day.

    Returns
    -------
    DataFrame, shape (n, 3), index of `text`
        ``lo`` and ``hi`` (datetime64[s], NaT where missing or unusable) and ``kind``
        (MISSING, COMPLETE, PARTIAL or UNUSABLE).
    """
    import pandas as pd

    codes, uniques = pd.factorize(text)
    uniques = pd.Series(uniques, dtype="str")
    day_codes, days = pd.factorize(uniques.str.slice(0, 10))
    ranges = [_day_range(day) for day in days]
    rest = uniques.str.slice(10)
    timed = (rest != "").to_numpy(dtype=bool)
    good_time = ~timed | rest.str.fullmatch(_TIME).to_numpy(dtype=bool)
    lo = np.array([r[0] if r else None for r in ranges] + [None], dtype="datetime64[s]")
    hi = np.array([r[1] if r else None for r in ranges] + [None], dtype="datetime64[s]")
    kind = np.array([r[2] if r else UNUSABLE for r in ranges] + [MISSING], dtype=np.int8)
    u_lo, u_hi, u_kind = lo[day_codes], hi[day_codes], kind[day_codes]
    bad = (u_kind == UNUSABLE) | ~good_time
    u_lo, u_hi = np.where(bad, np.datetime64("NaT", "s"), u_lo), np.where(bad, np.datetime64("NaT", "s"), u_hi)
    u_kind = np.where(bad, UNUSABLE, u_kind).astype(np.int8)
    nat = np.array([np.datetime64("NaT", "s")])
    u_lo, u_hi, u_kind = np.concatenate([u_lo, nat]), np.concatenate([u_hi, nat]), np.concatenate([u_kind, [np.int8(MISSING)]])
    return pd.DataFrame({"lo": u_lo[codes], "hi": u_hi[codes], "kind": u_kind[codes]}, index=text.index)


def instants(text: pd.Series) -> pd.Series:
    """Instants of date-times that carry an offset (UTC); NaT for everything else."""
    import pandas as pd

    offset = text.str.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}" + _TIME[:-1]).fillna(False).astype(bool)
    return pd.to_datetime(text.where(offset), utc=True, format="ISO8601", errors="coerce")


def local_dates(utc: pd.Series, zone: pd.Series) -> pd.Series:
    """Local calendar date (ISO text) of UTC date-times in their IANA zone; the text itself where the zone is unknown."""
    import pandas as pd

    result = utc.copy()
    moment = instants(utc)
    for name, rows in zone.groupby(zone, sort=False).groups.items():
        try:
            result.loc[rows] = (
                moment.loc[rows].dt.tz_convert(str(name)).dt.strftime("%Y-%m-%d").where(moment.loc[rows].notna(), utc.loc[rows])
            )
        except (KeyError, ValueError, OSError):  # an unknown zone: the UTC date is the best there is
            continue
    return pd.Series(result, dtype="str")


def study_day(day: pd.Series, reference: pd.Series) -> pd.Series:
    """Study day (float; no day 0: the reference date is day 1, the day before is -1)."""
    difference = (day - reference).dt.days.astype("float64")
    return difference + (difference >= 0)


def describe(text: str) -> str:
    """What is wrong with a date that is not ISO 8601, and what it probably was."""
    if _SERIAL.fullmatch(text):
        return f"is an Excel serial number (perhaps {date(1899, 12, 30) + timedelta(days=int(float(text)))}), not a date. {ADVICE}"
    slashed = _SLASHED.fullmatch(text)
    if slashed:
        first, second = int(slashed[1]), int(slashed[2])
        doubt = "day and month cannot be told apart" if first <= 12 and second <= 12 and first != second else "not ISO 8601"
        return f"looks like a date rewritten by a spreadsheet ({doubt}). {ADVICE}"
    if _NAMED.fullmatch(text):
        return f"looks like a date rewritten by a spreadsheet (not ISO 8601). {ADVICE}"
    if _DAY.fullmatch(text[:10]):
        return f"is not a date of the calendar, or its time is malformed. {ADVICE}"
    return f"is not a date. {ADVICE}"
