"""The data rules written down once more, independently of the package, to see what is in the raw files.

Each function returns (severity, file, row) of everything its rule finds; the files are taken as they are.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

ITEMS = [f"IRLS{k:02d}" for k in range(1, 11)]
WEEKS = [1, 2, 3, 4, 6, 8, 10, 12, *range(13, 22)]
# first and last study day of each visit, as the protocol of the trial has them
WINDOWS = {1: (-(10**6), -7), 2: (-6, 1), 3: (2, 11)} | {
    4: (12, 18), 5: (19, 25), 6: (26, 36), 7: (37, 50), 8: (51, 64), 9: (65, 78), 10: (79, 88),
    **{11 + k: (89 + 7 * k, 95 + 7 * k) for k in range(8)}, 19: (145, 10**6),
}  # fmt: skip
SCALES = {"qs_irls": "IRLSDTC", "qs_cgi": "QSDTC", "qs_asrs": "QSDTC", "qs_sleep": "QSDTC", "qs_qol": "QSDTC", "qs_blind": "QSDTC"}
ASSESSED = SCALES | {"sv": "SVSTDTC", "lb": "LBDTC", "vs": "VSDTC", "mk": "MKDTC", "ex": "EXSTDTC", "dr": "DRSTDTC"}
MINUTES = {
    "SHAM": 30,
    "NIR850-18": 10,
    "NIR850-36": 20,
    "NIR850-54": 30,
    "NIR850-90": 50,
    "NIR850-54H": 15,
    "NIR660-18": 10,
    "NIR660-54": 30,
}
ZONES = {
    "01": "Europe/Berlin",
    "02": "Europe/Madrid",
    "03": "America/New_York",
    "04": "America/Denver",
    "05": "Australia/Sydney",
    "06": "Asia/Tokyo",
}
Found = set[tuple[str, str, int]]


def of(severity: str, file: str, frame: pd.DataFrame) -> Found:
    return {(severity, file, int(row)) for row in frame["row"]}


class Study:
    """Raw files with what several rules need."""

    def __init__(self, raw: dict[str, pd.DataFrame]) -> None:
        self.raw = raw
        self.dm = raw["dm"].drop_duplicates("USUBJID").set_index("USUBJID")
        first = self.dm["RFSTDTC"].where(self.dm["RFSTDTC"] != "", self.dm["RANDDTC"])
        self.day1 = {who: date.fromisoformat(text) for who, text in first.items() if text}
        self.randomized = self.dm.index[self.dm["RANDDTC"] != ""]
        log = raw["dx"].copy()
        log["start"] = [datetime.fromisoformat(t) for t in log["START_UTC"]]
        log["end"] = [datetime.fromisoformat(t) for t in log["END_UTC"]]
        log["day"] = [s.astimezone(ZoneInfo(z)).date().isoformat() for s, z in zip(log["start"], log["TZ"], strict=True)]
        for column in ("ON_SEC", "IRR_MEAN", "IRR_MAX", "FLUENCE", "TEMP_SKIN", "SEQ_NO"):
            log[column] = log[column].astype(float)
        self.log = log
        content = [c for c in raw["dx"].columns if c != "row"]
        self.once = log[~raw["dx"].duplicated(content).to_numpy()]
        self.single = self.once[~self.once["SESSION_ID"].duplicated(keep="first")]
        self.di = raw["di"].set_index("SPDEVID")
        irls = raw["qs_irls"]
        values = irls[ITEMS].apply(pd.to_numeric, errors="coerce")
        values = values.where(values.isin([0, 1, 2, 3, 4]))
        self.irls = irls.assign(sum=values.sum(axis=1, skipna=False), blank=(irls[ITEMS] == "").any(axis=1))
        baseline = self.irls[(irls["VISITNUM"] == "2") & irls["USUBJID"].isin(self.randomized)]
        self.baseline = baseline.drop_duplicates("USUBJID").set_index("USUBJID")

    def study_day(self, who: str, text: str) -> float:
        if who not in self.day1:
            return np.nan
        days = (date.fromisoformat(text) - self.day1[who]).days
        return days + 1 if days >= 0 else days


def keys(file: str, frame: pd.DataFrame) -> list[str]:
    if file == "qs_blind":
        return ["USUBJID", "VISITNUM", "RESP"]
    if file == "qs_diary":
        return ["USUBJID", "DIARYDTM"]
    if file in ("di", "du"):
        return [c for c in ("SPDEVID", "DUDTC") if c in frame]
    if file == "dr":
        return ["SPDEVID", "USUBJID"]
    if file == "dm":
        return ["USUBJID"]
    sequence = f"{file.upper()}SEQ"
    return ["USUBJID", sequence] if sequence in frame else ["USUBJID", "VISITNUM"]


def r02_r03(s: Study) -> tuple[Found, Found]:
    same, different = set(), set()
    for file, frame in s.raw.items():
        if file in ("dx", "answer-key", "truth-subjects"):
            continue
        content = [c for c in frame.columns if c != "row"]
        again = frame.duplicated(content)
        same |= of("W", file, frame[again])
        rest = frame[~again]
        different |= of("Q", file, rest[rest.duplicated(keys(file, frame), keep=False)])
    return same, different


def r04(s: Study) -> Found:
    files = [f for f in s.raw if "USUBJID" in s.raw[f] and f not in ("dm", "truth-subjects")]
    return set().union(*(of("Q", f, s.raw[f][~s.raw[f]["USUBJID"].isin(s.dm.index)]) for f in files))


def scales(s: Study) -> dict[str, Found]:
    irls = s.irls
    bad = ~irls[ITEMS].isin(["", "0", "1", "2", "3", "4"])
    total = pd.to_numeric(irls["IRLSTOT"])
    return {
        "R05": of("Q", "qs_irls", irls[bad.any(axis=1)]),
        "R06": of("Q", "qs_irls", irls[irls["sum"].notna() & total.notna() & (irls["sum"] != total)]),
        "R07": of("Q", "qs_irls", irls[total.notna() & ~total.between(0, 40)]),
        "R08": of("W", "qs_irls", irls[total.notna() & irls["blank"]]),
        "R09": of("W", "qs_irls", irls[irls["blank"]]),
    }


def r10(s: Study) -> Found:
    flat = s.irls[(s.irls[ITEMS].nunique(axis=1) == 1) & ~s.irls["blank"]]
    counts = flat.groupby("USUBJID").size()
    return of("W", "qs_irls", flat[flat["USUBJID"].isin(counts.index[counts >= 3])])


def r11_r12(s: Study) -> tuple[Found, Found]:
    outside, second = set(), set()
    for file, column in SCALES.items():
        frame = s.raw[file]
        frame = frame[frame["USUBJID"].isin(s.day1)]
        content = [c for c in frame.columns if c != "row"]
        day = pd.Series([s.study_day(w, t) for w, t in zip(frame["USUBJID"], frame[column], strict=True)], index=frame.index)
        limits = [WINDOWS.get(float(v), (-(10**9), 10**9)) for v in frame["VISITNUM"]]
        wrong = [not low <= d <= high for d, (low, high) in zip(day, limits, strict=True)]
        outside |= of("W", file, frame[wrong])
        window = [next(v for v, (low, high) in WINDOWS.items() if low <= d <= high) for d in day]
        own = frame.assign(window=window, day=day)
        kept = own[~own.duplicated(content) & ~own.duplicated(keys(file, frame), keep=False)].sort_values("day", kind="stable")
        who = ["USUBJID", "window", *(["RESP"] if "RESP" in kept else [])]
        second |= of("W", file, kept[kept.duplicated(who)])
    return outside, second


def dates(s: Study) -> dict[str, Found]:
    consent = s.dm["RFICDTC"]
    early: Found = set()
    for file, column in ASSESSED.items():
        frame = s.raw[file]
        first = frame["USUBJID"].map(consent).fillna("0000")
        early |= of("Q", file, frame[(frame[column] != "") & (frame[column] < first)])
    diary = s.raw["qs_diary"]
    early |= of("Q", "qs_diary", diary[diary["DIARYDTM"].str.slice(0, 10) < diary["USUBJID"].map(consent)])
    early |= of("E", "dx", s.log[s.log["day"] < s.log["USUBJID"].map(consent)])
    backwards: Found = set()
    for file, start, end in (
        ("ae", "AESTDTC", "AEENDTC"), ("cm", "CMSTDTC", "CMENDTC"), ("ex", "EXSTDTC", "EXENDTC"), ("dr", "DRSTDTC", "DRENDTC"),
        ("dm", "RFSTDTC", "RFENDTC"), ("dx", "START_UTC", "END_UTC"),
    ):  # fmt: skip
        frame = s.raw[file]
        size = np.minimum(frame[start].str.len(), frame[end].str.len())
        wrong = [e != "" and b != "" and e[:n] < b[:n] for b, e, n in zip(frame[start], frame[end], size, strict=True)]
        backwards |= of("Q", file, frame[wrong])
    partial, future = set(), set()
    for file, frame in s.raw.items():
        if file in ("answer-key", "truth-subjects"):
            continue
        for column in (c for c in frame if c.endswith(("DTC", "DTM"))):
            partial |= of("W", file, frame[[bool(re.fullmatch(r"\d{4}(-\d{2})?", t)) for t in frame[column]]])
            future |= of("E", file, frame[frame[column] > "2026-06-30T99"])
    return {
        "R13": early,
        "R14": of("E", "dm", s.raw["dm"][(s.raw["dm"]["RANDDTC"] != "") & (s.raw["dm"]["RANDDTC"] < s.raw["dm"]["RFICDTC"])]),
        "R15": of("Q", "dx", s.log[s.log["day"] < s.log["USUBJID"].map(s.dm["RANDDTC"])]),
        "R16": future,
        "R17": backwards,
        "R18": partial,
        "R52": of(
            "W", "ae", s.raw["ae"][s.raw["ae"]["AESTDTC"].str.len().eq(10) & (s.raw["ae"]["AESTDTC"] < s.raw["ae"]["USUBJID"].map(consent))]
        ),
    }


def subjects(s: Study) -> dict[str, Found]:
    dm = s.raw["dm"]
    wrong_age = []
    for birth, age, consent, first in zip(dm["BRTHDTC"], dm["AGE"], dm["RFICDTC"], dm["RFSTDTC"], strict=True):
        b = date.fromisoformat(birth)
        on = [date.fromisoformat(t) for t in (consent, first) if t]
        wrong_age.append(int(age) not in {d.year - b.year - ((d.month, d.day) < (b.month, b.day)) for d in on})
    base = dm["USUBJID"].map(s.baseline["sum"])
    randomized = dm["USUBJID"].isin(s.randomized)
    derived = np.where(base < 25, "<25", ">=25")
    low = s.baseline[s.baseline["sum"] < 15]
    return {
        "R19": {("Q", "qs_irls", int(r)) for w, r, t in zip(s.baseline.index, s.baseline["row"], s.baseline["IRLSDTC"], strict=True)
                if s.dm.at[w, "RFSTDTC"] and t > s.dm.at[w, "RFSTDTC"]},
        "R20": of("W", "dm", dm[randomized & base.isna()]),
        "R21": of("W", "qs_irls", low),
        "R22": of("W", "dm", dm[wrong_age]),
        "R23": of("W", "dm", dm[randomized & base.notna() & (derived != dm["STRSEV"])]),
        "R25": of("W", "dm", dm[dm["ARMCD"] != dm["ACTARMCD"]]),
        "R26": of("E", "dm", dm[(dm["RANDNO"] != "") & dm["RANDNO"].duplicated(keep=False)]),
    }  # fmt: skip


def device_identity(s: Study) -> dict[str, Found]:
    log, once = s.log, s.once
    known = log["SPDEVID"].isin(s.di.index)
    dr = s.raw["dr"]
    held = {(d, w): (a, b) for d, w, a, b in zip(dr["SPDEVID"], dr["USUBJID"], dr["DRSTDTC"], dr["DRENDTC"], strict=True)}
    not_held = [
        k and not (held.get((d, w), ("9", "0"))[0] <= day <= held.get((d, w), ("9", "0"))[1])
        for k, d, w, day in zip(known, log["SPDEVID"], log["USUBJID"], log["day"], strict=True)
    ]
    by_device = dr.sort_values(["SPDEVID", "DRSTDTC"])
    overlap = by_device["SPDEVID"].eq(by_device["SPDEVID"].shift()) & (by_device["DRSTDTC"] <= by_device["DRENDTC"].shift())
    gap: Found = set()
    for _, rows in s.single.groupby("SPDEVID"):
        step = rows["SEQ_NO"].diff()
        gap |= of("W", "dx", rows[step > 1]) | of("Q", "dx", rows[step < 1])
    firmware: Found = set()
    for _, rows in s.single.groupby("SPDEVID"):
        firmware |= of("W", "dx", rows[rows["FW"].ne(rows["FW"].shift(fill_value=rows["FW"].iloc[0]))])
    return {
        "R27": of("Q", "dx", log[~known]) | of("Q", "du", s.raw["du"][~s.raw["du"]["SPDEVID"].isin(s.di.index)]),
        "R28": of("Q", "dx", log[not_held]),
        "R29": of("E", "dr", by_device[overlap]),
        "R33": of("W", "dx", log[~log.index.isin(once.index)]) | of("Q", "dx", once[once["SESSION_ID"].duplicated(keep=False)]),
        "R34": gap,
        "R51": firmware,
    }


def device_output(s: Study) -> dict[str, Found]:
    log = s.log
    kind = log["SPDEVID"].map(s.di["DITYPE"])
    calculated = log["IRR_MEAN"] * log["ON_SEC"] / 1000
    off = (log["FLUENCE"] - calculated).abs() / calculated.where(calculated > 0)
    length = (log["end"] - log["start"]).dt.total_seconds()
    share = log["ON_SEC"] / (60 * log["USUBJID"].map(s.dm["ACTARMCD"]).map(MINUTES))
    du = s.raw["du"].copy()
    nominal, measured = du["SPDEVID"].map(s.di["IRRNOM"]).astype(float), du["DUIRR"].astype(float)
    loss = 1 - measured / nominal.where(nominal > 0)
    days = pd.to_datetime(du["DUDTC"])
    wait = (days - days.groupby(du["SPDEVID"]).shift()).dt.days
    limit = log["SPDEVID"].map(s.di["WAVELENGTH"]).astype(float)
    skin = 200 * 10 ** (0.002 * (limit.clip(lower=700) - 700))
    return {
        "R30": of("Q", "dx", log[(kind == "SHAM") & (log["IRR_MAX"] > 0.5)]),
        "R31": of("Q", "dx", log[(kind == "NIR") & (log["IRR_MEAN"] == 0) & (log["STATUS"] == "ok")]),
        "R35": of("W", "dx", log[(off > 0.05) & (off <= 0.20)]) | of("Q", "dx", log[off > 0.20]),
        "R36": of("Q", "dx", log[(log["FLUENCE"] < 0) | (log["FLUENCE"] > 120)]),
        "R37": of("E", "dx", log[log["IRR_MAX"] > skin]),
        "R38": of("Q", "dx", log[log["ON_SEC"] > length + 2]),
        "R39": of("W", "dx", log[(share < 0.10) | (share > 1.50)]),
        "R41": of("E", "dx", log[log["TEMP_SKIN"] > 43]),
        "R50": of("W", "du", du[(loss > 0.20) & (loss <= 0.50)]) | of("Q", "du", du[loss > 0.50]) | of("W", "du", du[wait > 90]),
    }


def clocks(s: Study) -> dict[str, Found]:
    log, single = s.log, s.single
    overlap: Found = set()
    for _, rows in single.groupby("SPDEVID"):
        rows = rows.sort_values("start")
        hit = (rows["start"] < rows["end"].shift()).to_numpy()
        overlap |= of("Q", "dx", rows[hit | np.append(hit[1:], False)])
    backwards: Found = set()
    for _, rows in single.groupby("SPDEVID"):
        rows = rows.sort_values("SEQ_NO")
        backwards |= of("Q", "dx", rows[rows["end"] < rows["end"].shift()])
    offset = pd.to_numeric(log["CLOCK_SYNC_OFFSET"]).abs()
    diary = s.raw["qs_diary"]
    invalid, impossible = [], []
    for text, zone in zip(diary["DIARYDTM"], diary["TZ"], strict=True):
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            invalid.append(moment.astimezone(ZoneInfo(zone)).utcoffset() != moment.utcoffset())
            impossible.append(False)
        else:
            local = moment.replace(tzinfo=ZoneInfo(zone))
            invalid.append(False)
            impossible.append(local.utcoffset() != local.replace(fold=1).utcoffset())
    many = single.groupby(["USUBJID", "day"])["row"].transform("size") > 1
    end = log["USUBJID"].map(s.dm["RFENDTC"])
    return {
        "R32": overlap,
        "R40": of("W", "dx", single[many]),
        "R43": backwards,
        "R44": of("W", "dx", log[(offset > 60) & (offset <= 3600)]) | of("Q", "dx", log[offset > 3600]),
        "R45": of("Q", "qs_diary", diary[invalid]),
        "R46": of("Q", "qs_diary", diary[impossible]),
        "R47": of("W", "dx", log[log["TZ"] != log["USUBJID"].str.slice(4, 6).map(ZONES)]),
        "R48": of("W", "dx", log[log["day"] > end]),
    }


def clinical(s: Study) -> dict[str, Found]:
    ae, cm, lb, cgi, ds = (s.raw[name] for name in ("ae", "cm", "lb", "qs_cgi", "ds"))
    consent = cm["USUBJID"].map(s.dm["RFICDTC"]).fillna("9")
    outside = (
        ~lb["FERRITIN"].astype(float).between(1, 3000)
        | ~lb["TSAT"].astype(float).between(0, 100)
        | ~lb["EGFR"].astype(float).between(2, 150)
    )
    irls = s.irls[~s.irls.duplicated(["USUBJID", "VISITNUM"], keep=False)]
    total = irls.set_index(["USUBJID", "VISITNUM"])["sum"]
    change = np.array(
        [total.get((w, v), np.nan) - total.get((w, "2"), np.nan) for w, v in zip(cgi["USUBJID"], cgi["VISITNUM"], strict=True)]
    )
    rated = pd.to_numeric(cgi["CGII"])
    made = set(s.raw["sv"].loc[(s.raw["sv"]["VISITNUM"] == "19") & (s.raw["sv"]["SVSTDTC"] != ""), "USUBJID"])
    completed = ds[(ds["DSSCAT"] == "STUDY PARTICIPATION") & (ds["DSDECOD"] == "COMPLETED")]
    return {
        "R53": of("Q", "ae", ae[(ae["AESER"] == "Y") & (ae["AESERCRIT"] == "")]),
        "R54": of("E", "ae", ae[(ae["AESER"] == "Y") & (ae["AEREL_DEV"] != "NOT") & (ae["ANTICIP"] == "")]),
        "R55": of("E", "ae", ae[(ae["AEDECOD"] == "") | (ae["MEDDRAV"] != "27.0")]),
        "R56": of("W", "ae", ae[(ae["SPDEVID"] != "") & ~ae["SPDEVID"].isin(s.di.index)]),
        "R57": of("W", "ds", completed[~completed["USUBJID"].isin(made)]) | of("E", "ds", ds[ds["DSDECOD"] == "DEATH"]),
        "R58": of("E", "cm", cm[(cm["CMRESCFL"] == "Y") & (cm["CMSTDTC"] == "")]),
        "R59": of("W", "cm", cm[(cm["CMRLSFL"] == "Y") & (cm["CMSTDTC"] > consent)]),
        "R60": of("Q", "lb", lb[outside]),
        "R66": of("Q", "qs_cgi", cgi[(cgi["VISITNUM"] == "2") & rated.notna()])
        | of("W", "qs_cgi", cgi[((change <= -10) & (rated >= 6)) | ((change >= 10) & (rated <= 2))]),
    }


def findings(raw: dict[str, pd.DataFrame]) -> dict[str, Found]:
    """Everything every rule finds."""
    s = Study(raw)
    same, different = r02_r03(s)
    outside, second = r11_r12(s)
    out = {"R02": same, "R03": different, "R04": r04(s), "R10": r10(s), "R11": outside, "R12": second}
    for part in (scales, dates, subjects, device_identity, device_output, clocks, clinical):
        out |= part(s)
    return dict(sorted(out.items()))
