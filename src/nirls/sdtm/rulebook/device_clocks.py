"""When sessions took place: overlaps, sessions a day, clocks set back or drifting, offsets, travel, sessions after treatment."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from nirls.sdtm.devices import by_device, column, once, out_of_order, span, utc_text
from nirls.sdtm.offence import none, offences
from nirls.sdtm.rules import CONFLICT, DATES, SUBJECT, VALUES, rule

if TYPE_CHECKING:
    from nirls.sdtm.context import Context

LOCAL = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+"
OFFSET = LOCAL + r"(?:Z|[+-][0-9]{2}:?[0-9]{2})"


@rule("R32", "sessions of a device or a subject do not overlap", severity="Q", domains=("DX",), phase=CONFLICT)
def overlapping(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """Sessions that begin before another one of the same device, or of the same subject, has ended: all of them are set aside.

    The value of the finding is the stretch of time that the sessions share, the same for all of them.
    """
    rows = once(frame)
    rows = rows.assign(**span(rows)).dropna(subset=["start", "end"])
    shared = pd.Series(np.nan, index=rows.index, dtype="str")
    for name in ("SPDEVID", "USUBJID"):
        if name not in rows.columns:
            continue
        order = rows[rows[name].notna()].sort_values([name, "start"], kind="stable")
        latest = order.groupby(name)["end"].cummax().groupby(order[name]).shift()
        hit = order["start"] < latest
        run = (~hit).cumsum()
        together = run.isin(set(run[hit]))
        part = order[together]
        text = (
            utc_text(part.groupby(run[together])["start"].transform("min"))
            + "/"
            + utc_text(part.groupby(run[together])["end"].transform("max"))
        )
        shared = shared.fillna(text.reindex(shared.index))
    wrong = shared.notna()
    message = "sessions overlap in this time, which one device and one subject cannot; none of them is used. Keep the right one."
    return offences(rows, wrong, column="START_UTC", value=shared, severity="Q", message=message)


@rule("R38", "a device is not on for longer than its session", severity="Q", domains=("DX",), phase=VALUES, tolerance_s=2)
def longer_than_itself(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """ON_SEC against END_UTC − START_UTC."""
    times = span(frame)
    length = (times["end"] - times["start"]).dt.total_seconds()
    wrong = column(frame, "ON_SEC") > length + context.limit("tolerance_s")
    message = [
        f"the time on is longer than the session ({v:.0f} s); it is left out. Correct the end or the time on." for v in length[wrong]
    ]
    return offences(frame, wrong, column="END_UTC", severity="Q", message=message)


@rule("R40", "there are not too many sessions in a day", severity="W/Q", domains=("DX",), phase=CONFLICT, per_day=1, quarantine_times=3)
def many_a_day(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """Sessions of a subject on a local day: more than `per_day` (W), more than `quarantine_times` as many (Q)."""
    if "USUBJID" not in frame.columns:
        return none()
    rows = once(frame)
    rows = rows[rows["USUBJID"].notna()]
    day = context.days("DX", "START_UTC")["lo"].reindex(rows.index)
    n = rows.groupby([rows["USUBJID"], day])["SESSION_ID"].transform("size")
    most = context.limit("per_day")
    parts = []
    for wrong, severity, advice in (
        ((n > most) & (n <= most * context.limit("quarantine_times")), "W", "They count as they are."),
        (n > most * context.limit("quarantine_times"), "Q", "None of them is used."),
    ):
        message = [f"{k:.0f} sessions on this day (at most {most:g}). {advice} Ask what happened." for k in n[wrong]]
        parts.append(offences(rows, wrong, column="START_UTC", severity=severity, message=message))
    return pd.concat(parts)


@rule(
    "R43",
    "the clock of a device does not go back",
    severity="Q/W",
    domains=("DX",),
    phase=CONFLICT,
    default_years="1970 1980 2000",
    repair=True,
)
def clock_reset(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """END_UTC does not fall from one SEQ_NO of a device to the next, and is not in a year in which clocks begin to count.

    Of the sessions out of order the fewest that leave the others in order are set aside; where the log has the offset of the clock, and
    the time is in order with it, the session is kept (W) and rule R44 sets its time right.
    """
    rows = once(frame)
    rows = rows.assign(**span(rows)).dropna(subset="end")
    offset = pd.to_timedelta(column(rows, "CLOCK_SYNC_OFFSET"), unit="s")
    years = {int(year) for year in str(context.limit("default_years")).split()}
    default = rows["end"].dt.year.isin(years)
    back = default | _backward(rows, rows["end"])
    true = rows["end"] - offset.fillna(pd.Timedelta(0))
    fits = back & offset.notna() & (offset.dt.total_seconds().abs() > 60) & bool(context.limit("repair"))
    fits &= ~_backward(rows, true) & ~true.dt.year.isin(years)
    last = rows["END_UTC"].groupby(rows["SPDEVID"]).transform(lambda text: text.str.slice(0, 10).max())
    parts = [
        offences(
            rows, fits, column="END_UTC", severity="W",
            message="the clock was set back; with the offset measured at the synchronisation the time is in order (R44).",
        )
    ]  # fmt: skip
    message = [
        f"{'the clock stands at a default date' if d else 'the clock went back: the session follows, by SEQ_NO, a later one'} and there is "
        f"no offset that sets it right; the session is left out (the log of the device ends {day}). Supply CLOCK_SYNC_OFFSET."
        for d, day in zip(default[back & ~fits], last[back & ~fits], strict=True)
    ]
    parts.append(offences(rows, back & ~fits, column="END_UTC", severity="Q", message=message))
    return pd.concat(parts)


def _backward(rows: pd.DataFrame, end: pd.Series) -> pd.Series:
    """Sessions out of the order of their device's numbers."""
    out = pd.Series(False, index=rows.index)
    if "SEQ_NO" not in rows.columns:
        return out
    order = by_device(rows)
    end = end.loc[order.index]
    falls = end < end.groupby(order["SPDEVID"]).shift()
    for _, labels in order[order["SPDEVID"].isin(order.loc[falls, "SPDEVID"])].groupby("SPDEVID").groups.items():
        out.loc[labels] = out_of_order(end.loc[labels].astype("int64").to_numpy())
    return out


@rule("R44", "clocks are right", severity="W/Q", domains=("DX",), phase=SUBJECT, warn_s=60, quarantine_s=3600, repair=True)
def clock_drift(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """CLOCK_SYNC_OFFSET (recorded − true time, s) beyond `warn_s` (W) and `quarantine_s` (Q).

    With `repair` START_UTC and END_UTC are set right by the offset and the session stays; without it those beyond `quarantine_s` are
    set aside.
    """
    offset = column(frame, "CLOCK_SYNC_OFFSET")
    warn, limit, repair = context.limit("warn_s"), context.limit("quarantine_s"), bool(context.limit("repair"))
    shift = pd.to_timedelta(offset, unit="s")
    times = span(frame)
    new = pd.DataFrame({"START_UTC": utc_text(times["start"] - shift)}, index=frame.index)
    if "END_UTC" in frame.columns:
        new["END_UTC"] = utc_text(times["end"] - shift).where(times["end"].notna(), frame["END_UTC"])
    possible = repair & times["start"].notna()
    parts = []
    for wrong, severity in (((offset.abs() > warn) & (offset.abs() <= limit), "W"), (offset.abs() > limit, "Q")):
        mended = wrong & possible
        message = [f"the clock was {abs(o):.0f} s {'ahead' if o > 0 else 'behind'}; the times are set right by it." for o in offset[mended]]
        parts.append(offences(frame, mended, column="CLOCK_SYNC_OFFSET", severity=severity, effect="repair", message=message, repaired=new))
        rest = wrong & ~possible
        message = [f"the clock was {abs(o):.0f} s {'ahead' if o > 0 else 'behind'}; the times stay as recorded." for o in offset[rest]]
        parts.append(offences(frame, rest, column="CLOCK_SYNC_OFFSET", severity=severity, message=message))
    return pd.concat(parts)


def _times(frame: pd.DataFrame, context: Context) -> list[tuple[str, pd.Series, pd.Series]]:
    """Date-times of the domain with their zones: (variable, text, zone)."""
    zone = {"QS": "QSTZ", "DX": "TZ"}[context.current]
    names = {"QS": ("QSDTC",), "DX": ("START_UTC", "END_UTC")}[context.current]
    if zone not in frame.columns:
        return []
    return [(name, frame[name], frame[zone]) for name in names if name in frame.columns]


@rule("R45", "times say an offset that their zone has", severity="Q", domains=("QS", "DX"), phase=SUBJECT)
def invalid_offset(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """The offset of a local time is that of its zone at that instant; zones exist; the log of sessions names instants (Z or an offset)."""
    parts = []
    for name, text, zone in _times(frame, context):
        known = zone.map({key: _exists(key) for key in zone.dropna().unique()})
        strange = zone.notna() & ~known.fillna(False).astype(bool) & text.notna()
        message = [f"there is no time zone {key!r}; write a name of the IANA list (Europe/Berlin)." for key in zone[strange]]
        if name != "END_UTC":
            variable = "QSTZ" if context.current == "QS" else "TZ"
            parts.append(offences(frame, strange, column=variable, severity="Q", message=message))
        timed = text.str.fullmatch(OFFSET).fillna(False).astype(bool)
        if context.current == "DX":
            bare = text.notna() & ~timed & text.str.contains("T").fillna(False).astype(bool)
            message = (
                "a local time without offset names no instant; the session is left out. Export UTC (…Z) or local time with its offset."
            )
            parts.append(offences(frame, bare, column=name, severity="Q", message=message))
        check = timed & ~strange & zone.notna() & ~text.str.endswith("Z").fillna(False).astype(bool)
        moment = pd.to_datetime(text[check], utc=True, format="ISO8601", errors="coerce")
        wall = pd.to_datetime(text[check].str.replace(r"[+-][0-9]{2}:?[0-9]{2}$", "", regex=True), format="ISO8601", errors="coerce")
        should = pd.Series(pd.NaT, index=wall.index, dtype=wall.dtype)
        for key, labels in zone[check].groupby(zone[check]).groups.items():
            should.loc[labels] = moment.loc[labels].dt.tz_convert(str(key)).dt.tz_localize(None).astype(wall.dtype)
        wrong = pd.Series(False, index=frame.index)
        wrong.loc[wall.index] = wall != should
        message = [
            f"the zone {key} does not have this offset at that time; the record is left out. Correct the one or the other."
            for key in zone[wrong]
        ]
        parts.append(offences(frame, wrong, column=name, severity="Q", message=message))
    return pd.concat(parts) if parts else none()


def _exists(zone: str) -> bool:
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        return False
    return True


@rule("R46", "local times exist and are unique", severity="Q", domains=("QS",), phase=SUBJECT)
def impossible_time(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """A local time without offset lies neither in the hour skipped in spring nor in the one repeated in autumn."""
    parts = []
    for name, text, zone in _times(frame, context):
        bare = text.str.fullmatch(LOCAL).fillna(False).astype(bool) & zone.map({k: _exists(k) for k in zone.dropna().unique()}).fillna(
            False
        ).astype(bool)
        wall = pd.to_datetime(text[bare], format="ISO8601", errors="coerce")
        gap, fold = pd.Series(False, index=frame.index), pd.Series(False, index=frame.index)
        for key, labels in zone[bare].groupby(zone[bare]).groups.items():
            local = wall.loc[labels]
            gap.loc[labels] = (
                local.dt.tz_localize(str(key), nonexistent="NaT", ambiguous=np.zeros(len(local), dtype=bool)).isna() & local.notna()
            )
            fold.loc[labels] = local.dt.tz_localize(str(key), nonexistent="shift_forward", ambiguous="NaT").isna() & local.notna()
        for wrong, what in ((gap, "does not exist: the clocks go forward"), (fold & ~gap, "occurs twice: the clocks go back")):
            message = [f"this time {what} in {key}; the record is left out. Export times with their offset." for key in zone[wrong]]
            parts.append(offences(frame, wrong, column=name, severity="Q", message=message))
    return pd.concat(parts) if parts else none()


@rule("R47", "the time zone of a session is that of the centre", severity="W", domains=("DX",), phase=DATES)
def elsewhere(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """TZ against `time_zones` of study.yaml, by the SITEID of the subject."""
    zones = context.study.time_zones
    if not zones or not {"TZ", "USUBJID"} <= set(frame.columns):
        context.remark("study.yaml names no `time_zones`, or the log no TZ")
        return none()
    dm = context.domains["DM"].drop_duplicates("USUBJID").set_index("USUBJID")
    home = frame["USUBJID"].map(dm["SITEID"]).map(zones)
    wrong = home.notna() & frame["TZ"].notna() & (frame["TZ"] != home)
    message = [
        f"the centre is in {key}. The local day and hour of the session are those of TZ; confirm that the subject travelled."
        for key in home[wrong]
    ]
    return offences(frame, wrong, column="TZ", severity="W", message=message)


@rule("R48", "sessions end with the treatment", severity="W", domains=("DX",), phase=DATES)
def after_treatment(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """Local day of the session not after the end of treatment (DM.RFENDTC); after the return of the device see R28."""
    end = _end(frame, context)
    if end is None:
        return none()
    wrong = context.days("DX", "START_UTC")["lo"] > end
    message = [
        f"treatment ended {day}; the session counts as exposure after treatment, not as treatment."
        for day in end[wrong].dt.strftime("%Y-%m-%d")
    ]
    return offences(frame, wrong, column="START_UTC", severity="W", message=message)


@rule("R49", "nobody off treatment is treated", severity="Q", domains=("DX",), phase=DATES, arms="")
def off_treatment(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """Sessions after treatment ended of subjects in `arms`: codes, with a blank between them, of those who are followed to relapse."""
    arms = str(context.limit("arms")).split()
    end = _end(frame, context)
    if not arms or end is None:
        context.remark("no arm stops treatment by design (R49.arms)")
        return none()
    dm = context.domains["DM"].drop_duplicates("USUBJID").set_index("USUBJID")
    wrong = frame["USUBJID"].map(dm["ARMCD"]).isin(arms) & (context.days("DX", "START_UTC")["lo"] > end)
    message = [
        f"treatment ended {day} and the time to relapse runs; the session is left out, and the subject is to be looked at for durability."
        for day in end[wrong].dt.strftime("%Y-%m-%d")
    ]
    return offences(frame, wrong, column="START_UTC", severity="Q", message=message)


def _end(frame: pd.DataFrame, context: Context) -> pd.Series | None:
    """Last possible day of treatment of the subject of each session."""
    dm = context.domains["DM"]
    name = next((n for n in ("RFXENDTC", "RFENDTC") if n in dm.columns), None)
    if name is None or "USUBJID" not in frame.columns:
        return None
    last = pd.Series(context.days("DM", name)["hi"].to_numpy(), index=dm["USUBJID"])
    return frame["USUBJID"].map(last[~last.index.duplicated()])
