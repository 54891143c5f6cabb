"""Faults in the session log and the device files. The unit of a count is a session, a pair, a device or a subject, as the note says."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import combinations
from zoneinfo import ZoneInfo

import pandas as pd

from nirls.simulate.faults.plant import Planter
from nirls.simulate.sessions import UTC, utc_text

FILE = "dx"


def moment(text: str) -> datetime:
    """Instant of a UTC text of the log."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def local(row: pd.Series) -> datetime:
    """Local start of a session."""
    return moment(row["START_UTC"]).astimezone(ZoneInfo(row["TZ"]))


class Log:
    """The session log with the facts the faults choose by; recomputed for each kind of fault."""

    def __init__(self, p: Planter) -> None:
        self.p = p
        self.frame = p.tables[FILE]
        dm = p.tables["dm"].set_index("USUBJID")
        swapped = set(dm.index[dm["ARMCD"] != dm["ACTARMCD"]])
        used = set(p.tables[FILE].loc[sorted(p.used[FILE] & set(p.tables[FILE].index)), "USUBJID"])
        several = self.frame.groupby("USUBJID")["SPDEVID"].nunique()
        barred = swapped | used | p.subjects | set(several.index[several > 1])
        sizes = self.frame.groupby("USUBJID").size()
        self.subjects = [who for who in sizes.index if who not in barred and sizes[who] >= 24]
        self.arm, self.site, self.dm = dm["ARMCD"], dm["SITEID"], dm

    def take(self, key: str, wanted: int | None = None, only: list[str] | None = None) -> list[str]:
        """Draw subjects whose log carries no fault yet, and keep them from all other faults."""
        places = [who for who in self.subjects if only is None or who in set(only)]
        chosen = self.p.choose(self.p.stream(key), places, self.p.count(key) if wanted is None else wanted, key)
        self.p.subjects.update(chosen)
        return chosen

    def of(self, who: str) -> pd.DataFrame:
        """The sessions of a subject in their order."""
        rows = self.p.tables[FILE]
        return rows[rows["USUBJID"] == who].sort_values("_pos")

    def light(self) -> list[str]:
        """Subjects with an emitting device."""
        return [who for who in self.subjects if self.arm[who].startswith("NIR")]


def renumber(p: Planter, device: str) -> None:
    """Number the sessions of a device anew, after one was added."""
    rows = p.tables[FILE]
    rows = rows[rows["SPDEVID"] == device].sort_values("_pos")
    for k, label in enumerate(rows.index):
        p.change(FILE, int(label), SEQ_NO=str(k + 1), SESSION_ID=f"{device[4:]}-{k + 1:04d}")


def ok_rows(log: Log, who: str) -> list[int]:
    """Ordinary sessions in the middle of a subject's log."""
    rows = log.of(who).iloc[3:-3]
    return [int(label) for label in rows.index[rows["STATUS"] == "ok"]]


def identity(p: Planter) -> None:
    """R15, R27, R28, R33, R34."""
    log = Log(p)
    for who in log.take("R15"):
        rows = log.of(who)
        first = rows.iloc[0]
        shift = datetime.fromisoformat(log.dm.at[who, "RANDDTC"]).date() - local(first).date() - timedelta(days=2)
        new = p.add(
            FILE, int(rows.index[0]), -0.5, _dose=0.0, _took=0, **{c: utc_text(moment(first[c]) + shift) for c in ("START_UTC", "END_UTC")}
        )
        renumber(p, first["SPDEVID"])
        dr = p.tables["dr"]
        early = local(p.tables[FILE].loc[new]).date().isoformat()
        p.change("dr", int(dr.index[dr["USUBJID"] == who][0]), DRSTDTC=early)
        du = p.tables["du"]
        p.change(
            "du",
            int(du.index[du["SPDEVID"] == first["SPDEVID"]][0]),
            DUDTC=(datetime.fromisoformat(early) - timedelta(days=3)).date().isoformat(),
        )
        p.note(
            "R15",
            "Q",
            FILE,
            new,
            "START_UTC",
            "",
            "true: demonstration at the site two days before randomization; the device was handed over early",
        )
    log = Log(p)
    for who in log.take("R27"):
        label = int(log.of(who).index[-1])
        p.set(
            "R27",
            "Q",
            FILE,
            label,
            "SPDEVID",
            f"DEV-9{p.tables[FILE].at[label, 'SPDEVID'][5:]}",
            "number of the device read wrongly on upload; last session of the device",
        )
    _exchanged(p)
    log = Log(p)
    for who in log.take("R33:same"):
        rows = ok_rows(log, who)[4:8]
        for label in rows:
            new = p.add(FILE, label, 0.5, _dose=0.0, _took=0)
            p.note("R33", "W", FILE, new, "", "", "the same upload received twice; identical")
    for who in log.take("R33:changed"):
        label = ok_rows(log, who)[5]
        row = p.tables[FILE].loc[label]
        on = int(int(row["ON_SEC"]) * 0.8)
        new = p.add(FILE, label, 0.5, _dose=0.0, _took=0, ON_SEC=str(on), FLUENCE=f"{float(row['IRR_MEAN']) * on / 1000:.2f}")
        p.note("R33", "Q", FILE, label, "", "", "the true one of two records with the same session identifier and different content")
        p.note(
            "R33",
            "Q",
            FILE,
            new,
            "",
            "",
            "the false one of two records with the same session identifier: uploaded before the session had ended",
        )
    log = Log(p)
    rng = p.stream("R34 size")
    for who in log.take("R34"):
        rows = log.of(who)
        at, lost = int(rng.integers(6, len(rows) - 8)), int(rng.integers(1, 4))
        gone, following = rows.iloc[at : at + lost], rows.index[at + lost]
        p.remove(FILE, [int(label) for label in gone.index])
        p.note(
            "R34",
            "W",
            FILE,
            int(following),
            "SEQ_NO",
            f"records {', '.join(gone['SEQ_NO'])} lost",
            "log records lost on upload; the sessions took place",
        )


def _exchanged(p: Planter) -> None:
    """R28: two subjects of a site and arm whose logs were uploaded under each other's number for a week."""
    log = Log(p)
    begun = {who: date.fromisoformat(text[:10]) for who, text in log.frame.groupby("USUBJID")["START_UTC"].first().items()}
    groups: dict[tuple[str, str], list[str]] = {}
    for who in log.subjects:
        groups.setdefault((log.site[who], log.arm[who]), []).append(who)
    pairs = [pair for group in groups.values() for pair in combinations(group, 2) if abs((begun[pair[0]] - begun[pair[1]]).days) <= 14]
    for pair in p.choose(p.stream("R28"), pairs, p.count("R28"), "R28"):
        p.subjects.update(pair)
        begin = date.fromisoformat(log.of(pair[0])["START_UTC"].iloc[15][:10])
        week = (begin.isoformat(), (begin + timedelta(days=6)).isoformat())
        mine = {
            who: [int(k) for k, text in log.of(who)["START_UTC"].str.slice(0, 10).items() if week[0] <= text <= week[1]] for who in pair
        }
        for who, other in (pair, pair[::-1]):
            for label in mine[who]:
                p.set(
                    "R28",
                    "Q",
                    FILE,
                    label,
                    "USUBJID",
                    other,
                    "uploaded under the number of another participant of the site; the device is right",
                )


def output(p: Planter) -> None:
    """R30, R31, R35, R36, R38, R39."""
    log = Log(p)
    sham = [who for who in log.subjects if log.arm[who] == "SHAM"]
    rng = p.stream("R30 values")
    for who in log.take("R30", only=sham):
        for label in ok_rows(log, who)[6:10]:
            mean = round(float(rng.uniform(1.4, 2.0)), 2)
            on = int(p.tables[FILE].at[label, "ON_SEC"])
            p.change(FILE, label, IRR_MEAN=f"{mean:.2f}", FLUENCE=f"{mean * on / 1000:.2f}", _dose=mean * on / 1000)
            p.set(
                "R30",
                "Q",
                FILE,
                label,
                "IRR_MAX",
                f"{mean * 1.4:.2f}",
                "true: sham device emitted light after a wrong repair; alert for the unblinded statistician",
            )
    log = Log(p)
    for who in log.take("R31", only=log.light()):
        for label in ok_rows(log, who)[8:13]:
            p.change(FILE, label, IRR_MAX="0.00", FLUENCE="0.00", _dose=0.0)
            p.set("R31", "Q", FILE, label, "IRR_MEAN", "0.00", "true: diodes dark while the device reported a normal session")
    log = Log(p)
    usual = [who for who in log.light() if not log.arm[who].endswith("-90")]
    for who in log.take("R35:scaling", only=usual):
        rows = log.of(who)
        di = p.tables["di"]
        p.change("di", int(di.index[di["SPDEVID"] == rows["SPDEVID"].iloc[0]][0]), DIFW="2.0.7")
        for label in rows.index:
            p.change(FILE, int(label), FW="2.0.7")
            value = f"{float(rows.at[label, 'FLUENCE']) * 1.10:.2f}"
            p.set("R35", "W", FILE, int(label), "FLUENCE", value, "firmware 2.0.7 reports ten per cent too much")
    log = Log(p)
    for who in log.take("R35:unit", only=log.light()):
        for label in ok_rows(log, who)[10:16]:
            row = p.tables[FILE].loc[label]
            p.change(FILE, label, IRR_MAX=f"{float(row['IRR_MAX']) / 1000:.4f}")
            p.set(
                "R35", "Q", FILE, label, "IRR_MEAN", f"{float(row['IRR_MEAN']) / 1000:.4f}", "W/cm2 written instead of mW/cm2 (factor 1000)"
            )
    log = Log(p)
    for who in log.take("R36", only=[who for who in log.light() if log.arm[who] == "NIR850-90"]):
        _duration(p, ok_rows(log, who)[7], 1.45, "R36", "Q", "FLUENCE", "true: timer did not stop; above the cap of 120 J/cm2")
    log = Log(p)
    for who in log.take("R38"):
        label = ok_rows(log, who)[9]
        row = p.tables[FILE].loc[label]
        end = moment(row["START_UTC"]) + timedelta(seconds=int(row["ON_SEC"]) // 2)
        p.set("R38", "Q", FILE, label, "END_UTC", utc_text(end), "end of the session written too early")
    log = Log(p)
    chosen = log.take("R39")
    short = [who for who in chosen if not log.arm[who].endswith("-18")]
    for who in chosen:
        label = ok_rows(log, who)[6]
        if who in short:
            p.change(FILE, label, STATUS="aborted")
            _duration(p, label, 0.06, "R39", "W", "ON_SEC", "true: broken off at once")
        else:
            _duration(p, label, 1.7, "R39", "W", "ON_SEC", "true: session much longer than prescribed")


def _duration(p: Planter, label: int, factor: float, rule: str, severity: str, column: str, note: str) -> None:
    """Make a session shorter or longer, all its values consistent."""
    row = p.tables[FILE].loc[label]
    on = int(int(row["ON_SEC"]) * factor)
    values = {
        "ON_SEC": str(on),
        "FLUENCE": f"{float(row['IRR_MEAN']) * on / 1000:.2f}",
        "END_UTC": utc_text(moment(row["START_UTC"]) + timedelta(seconds=on + 10)),
    }
    p.change(FILE, label, _dose=float(row["_dose"]) * on / int(row["ON_SEC"]), **values)
    p.note(rule, severity, FILE, label, column, values[column], note)


def plant_all(p: Planter) -> None:
    """All faults of the device files that do not concern the clock."""
    identity(p)
    output(p)
