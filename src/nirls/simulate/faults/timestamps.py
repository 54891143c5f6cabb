"""Faults of clocks and calendars: overlaps, too many sessions in a day, clock resets and drift, offsets, travel, late sessions."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd

from nirls.simulate.faults.devicelog import FILE, Log, local, moment, ok_rows, renumber
from nirls.simulate.faults.plant import Planter
from nirls.simulate.sessions import UTC, utc_text


def _moved(row: pd.Series, shift: timedelta) -> dict[str, str]:
    return {column: utc_text(moment(row[column]) + shift) for column in ("START_UTC", "END_UTC")}


def too_many(p: Planter) -> None:
    """R32 overlapping sessions (over midnight, so that no day has two), R40 three sessions on a day."""
    log = Log(p)
    for who in log.take("R32"):
        rows = log.of(who)
        days = [local(rows.loc[label]).date() for label in rows.index]
        place = next(k for k in range(6, len(rows) - 3) if (days[k + 1] - days[k]).days >= 2 and rows["STATUS"].iloc[k] == "ok")
        label = int(rows.index[place])
        row = rows.loc[label]
        start = local(row).replace(hour=23, minute=55, second=0).astimezone(UTC)
        p.change(FILE, label, **_moved(row, start - moment(row["START_UTC"])))
        row = p.tables[FILE].loc[label]
        new = p.add(FILE, label, 0.5, _dose=0.0, _took=0, **_moved(row, timedelta(minutes=8)))
        renumber(p, row["SPDEVID"])
        p.note("R32", "Q", FILE, label, "", "", "the first of two sessions of one device that overlap, the true one")
        p.note(
            "R32",
            "Q",
            FILE,
            new,
            "",
            "",
            "the second of two sessions of one device that overlap: the timer was started again while the device was on",
        )
    log = Log(p)
    for who in log.take("R40", only=[who for who in log.subjects if not log.arm[who].endswith("-90")]):
        label = ok_rows(log, who)[10]
        row = p.tables[FILE].loc[label]
        extra = [p.add(FILE, label, -0.5 + 0.2 * k, **_moved(row, timedelta(hours=-7 + 3 * k))) for k in range(2)]
        renumber(p, row["SPDEVID"])
        for k in (*extra, label):
            p.note("R40", "W", FILE, k, "START_UTC", p.tables[FILE].at[k, "START_UTC"], "true: three sessions on one day")


def clocks(p: Planter) -> None:
    """R43 clock set back, R44 drift and a jump of the clock."""
    log = Log(p)
    places = []
    for who in log.subjects:
        rows = log.of(who)
        days = [local(rows.loc[label]).date() for label in rows.index]
        for k in range(8, len(rows) - 4):
            back = days[k - 1] - timedelta(days=1)
            if back not in days and rows["STATUS"].iloc[k] == "ok":
                places.append((who, int(rows.index[k]), back))
                break
    for who, label, back in p.choose(p.stream("R43"), places, p.count("R43"), "R43"):
        p.subjects.add(who)
        row = p.tables[FILE].loc[label]
        p.change(FILE, label, CLOCK_SYNC_OFFSET="", **_moved(row, back - local(row).date()))
        p.note(
            "R43",
            "Q",
            FILE,
            label,
            "END_UTC",
            row["END_UTC"],
            "clock set back after an empty battery and not yet synchronised; earlier than the session before",
        )
    log = Log(p)
    for who in log.take("R44:drift"):
        rows = log.of(who)
        begin = moment(rows["START_UTC"].iloc[0])
        for label in rows.index:
            row = rows.loc[label]
            drift = int(9 * (moment(row["START_UTC"]) - begin).days)
            true = row["CLOCK_SYNC_OFFSET"]
            p.change(FILE, int(label), CLOCK_SYNC_OFFSET=str(drift), **_moved(row, timedelta(seconds=drift)))
            if drift > 60:
                p.note(
                    "R44", "W", FILE, int(label), "CLOCK_SYNC_OFFSET", true, "clock gains 9 s a day; true time = recorded time − offset (s)"
                )
    log = Log(p)
    for who in log.take("R44:jump"):
        label = next(k for k in ok_rows(log, who)[5:] if local(p.tables[FILE].loc[k]).hour < 21)
        row = p.tables[FILE].loc[label]
        p.change(FILE, label, **_moved(row, timedelta(seconds=5400)))
        p.set("R44", "Q", FILE, label, "CLOCK_SYNC_OFFSET", "5400", "clock 90 min ahead; true time = recorded time − offset (s)")


def diary(p: Planter) -> None:
    """R45 an offset not valid in the zone at that time, R46 a local time that does not exist or is ambiguous without offset."""
    frame = p.tables["qs_diary"]
    summer = {
        "Europe/Berlin": "+02:00",
        "Europe/Madrid": "+02:00",
        "America/New_York": "-04:00",
        "America/Denver": "-06:00",
        "Australia/Sydney": "+11:00",
    }
    winter = {
        "Europe/Berlin": "+01:00",
        "Europe/Madrid": "+01:00",
        "America/New_York": "-05:00",
        "America/Denver": "-07:00",
        "Australia/Sydney": "+10:00",
    }
    offset = frame["DIARYDTM"].str.slice(16)
    mask = offset.eq(frame["TZ"].map(summer).fillna("none")) & frame["DIARYDTM"].str.slice(11, 13).between("18", "21")
    for label in p.pick("qs_diary", mask, "R45"):
        text = frame.at[label, "DIARYDTM"]
        p.set(
            "R45",
            "Q",
            "qs_diary",
            label,
            "DIARYDTM",
            text[:16] + winter[frame.at[label, "TZ"]],
            "standard-time offset during summer time; the local time is right",
        )
    changes = []
    for zone in summer:
        for day in pd.date_range("2024-01-01", "2026-06-30"):
            hours = [datetime(day.year, day.month, day.day, 1 if zone.startswith("America") else 2, 30, tzinfo=ZoneInfo(zone))]
            hours.append(hours[0].replace(hour=2))
            for hour in hours:
                gap = hour.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) != hour.replace(tzinfo=None)
                if gap or hour.utcoffset() != hour.replace(fold=1).utcoffset():
                    changes.append((zone, day.date().isoformat(), hour.strftime("%Y-%m-%dT%H:%M"), "gap" if gap else "fold"))
    places = {"gap": [], "fold": []}
    evening = frame[frame["DIARYDTM"].str.slice(11, 13).between("18", "22")]
    for zone, day, text, kind in dict.fromkeys(changes):
        same = evening.index[(evening["TZ"] == zone) & evening["DIARYDTM"].str.startswith(day)]
        places[kind] += [(int(label), text) for label in same if int(label) not in p.used["qs_diary"]]
    for k, (kind, note) in enumerate(
        (
            ("gap", "local time that does not exist (clocks go forward)"),
            ("fold", "local time that occurs twice (clocks go back), without offset"),
        )
    ):
        wanted = (p.count("R46") + 1 - k) // 2
        for label, text in p.choose(p.stream(f"R46 {kind}"), places[kind], wanted, "R46"):
            p.set("R46", "Q", "qs_diary", label, "DIARYDTM", text, note)


def places(p: Planter) -> None:
    """R47 sessions while travelling, R48 sessions after the end of treatment."""
    log = Log(p)
    for who in log.take("R47"):
        here = log.of(who)["TZ"].iloc[0]
        away = "Europe/Berlin" if here.startswith(("America", "Asia", "Australia")) else "America/New_York"
        for label in log.of(who).index[9:15]:
            row = p.tables[FILE].loc[label]
            wall = local(row).replace(tzinfo=ZoneInfo(away))
            p.change(FILE, int(label), **_moved(row, wall.astimezone(UTC) - moment(row["START_UTC"])))
            p.set("R47", "W", FILE, int(label), "TZ", away, "true: used at the same hour of the evening while travelling")
    log = Log(p)
    last = p.tables["dm"].set_index("USUBJID")["RFENDTC"]
    back = p.tables["dr"].drop_duplicates("USUBJID", keep="last").set_index("USUBJID")["DRENDTC"]
    slow = [who for who in log.subjects if (datetime.fromisoformat(back[who]) - datetime.fromisoformat(last[who])).days >= 7]
    for who in log.take("R48", only=slow):
        rows = log.of(who)
        final = rows.iloc[-1]
        for k, days in enumerate((3, 5)):
            new = p.add(FILE, int(rows.index[-1]), 0.2 * (k + 1), **_moved(final, timedelta(days=days)))
            p.note(
                "R48",
                "W",
                FILE,
                new,
                "START_UTC",
                p.tables[FILE].at[new, "START_UTC"],
                "true: used after the end of treatment, before the device was returned (post-treatment exposure, R49)",
            )
        renumber(p, final["SPDEVID"])


def plant_all(p: Planter) -> None:
    """All faults of clocks and calendars."""
    too_many(p)
    clocks(p)
    places(p)
    diary(p)
