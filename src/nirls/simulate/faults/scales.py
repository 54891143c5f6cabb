"""Faults in the IRLS file: items, totals, missing items, dates and repeated interviews."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd

from nirls.simulate.faults.plant import Planter
from nirls.simulate.questionnaires import ITEM_NAMES
from nirls.simulate.schedule import INDEX, VISITS, windows

FILE = "qs_irls"


def _shift(text: str, days: int) -> str:
    return (date.fromisoformat(text) + timedelta(days=days)).isoformat()


def _post_baseline(p: Planter) -> pd.Series:
    frame = p.tables[FILE]
    return frame["VISITNUM"].astype(float) > 2


def items_and_totals(p: Planter) -> None:
    """R05, R06, R07, R08 and R09, all after baseline."""
    rng = p.stream("R05 values")
    for label in p.pick(FILE, _post_baseline(p), "R05"):
        item = ITEM_NAMES[int(rng.integers(0, 10))]
        # the site could not add up the items, so the total is blank and the item is the only fault
        p.change(FILE, label, IRLSTOT="")
        p.set("R05", "Q", FILE, label, item, str(rng.choice(["5", "7", "-1", "2.5", "44", "9"])), "typing error; the total was left blank")
    rng = p.stream("R06 values")
    for label in p.pick(FILE, _post_baseline(p) & p.tables[FILE]["IRLSTOT"].ne(""), "R06"):
        total = p.tables[FILE].at[label, "IRLSTOT"]
        swapped = total[::-1] if len(total) == 2 else ""
        wrong = str(int(swapped)) if swapped and swapped != total and int(swapped) <= 40 and rng.random() < 0.5 else ""
        step = int(rng.choice([-3, -2, -1, 1, 2, 3]))
        wrong = wrong or str(int(total) + step if 0 <= int(total) + step <= 40 else int(total) - step)
        p.set("R06", "Q", FILE, label, "IRLSTOT", wrong, "adding-up or typing error; the ten items are right")
    for label in p.pick(FILE, _post_baseline(p) & p.tables[FILE]["IRLSTOT"].str.len().eq(2), "R07"):
        wrong = p.tables[FILE].at[label, "IRLSTOT"] + "0"
        p.set("R07", "Q", FILE, label, "IRLSTOT", wrong, "typing error; the ten items are right")
        p.note("R06", "Q", FILE, label, "IRLSTOT", wrong[:-1], "follows from R07: a total outside 0–40 is not the sum of the items either")
    rng = p.stream("R08 values")
    for label in p.pick(FILE, _post_baseline(p) & p.tables[FILE]["IRLSTOT"].ne(""), "R08"):
        item = ITEM_NAMES[int(rng.integers(0, 10))]
        p.set("R08", "W", FILE, label, item, "", "item not entered although the total was")
        p.note("R09", "W", FILE, label, item, p.entries[-1].true, "follows from R08: fewer than ten items")
    rng = p.stream("R09 values")
    for label in p.pick(FILE, _post_baseline(p) & p.tables[FILE]["IRLSTOT"].ne(""), "R09"):
        p.change(FILE, label, IRLSTOT="")
        for item in sorted(rng.choice(10, size=int(rng.choice([1, 2, 4], p=[0.75, 0.17, 0.08])), replace=False)):
            p.set("R09", "W", FILE, label, ITEM_NAMES[item], "", "item not answered; the total was left blank")


def dates(p: Planter) -> None:
    """R11 interviews outside the window, R12 a second interview in a window, R13 before consent, R20 no baseline."""
    frame = p.tables[FILE]
    limits = windows()
    dm = p.tables["dm"].set_index("USUBJID")
    start = dm["RFSTDTC"].where(dm["RFSTDTC"].ne(""), dm["RANDDTC"])
    have = set(zip(frame["USUBJID"], frame["VISITNUM"], strict=True))
    seen = p.tables["sv"]
    in_study = set(zip(seen["USUBJID"], seen["VISITNUM"], strict=True))

    num = frame["VISITNUM"].astype(int)
    # a late interview is only late, not a second one in the next window, where the next interview was missed
    alone = [
        num[k] in range(3, 10) and (who, str(num[k] + 1)) not in have and (who, str(num[k] + 1)) in in_study
        for k, who in zip(frame.index, frame["USUBJID"], strict=True)
    ]
    for label in p.pick(FILE, np.array(alone), "R11"):
        who, visit = frame.at[label, "USUBJID"], INDEX[int(num[label])]
        first = date.fromisoformat(start[who])
        last = first + timedelta(days=limits[visit][1] - 1)
        late = (last + timedelta(days=2)).isoformat()
        p.set("R11", "W", FILE, label, "IRLSDTC", late, "true date: interview by telephone after the window of the visit")
        _deviation(
            p, who, "ASSESSMENT OUT OF WINDOW", f"IRLS of {VISITS[visit].name} obtained after the window", late, str(VISITS[visit].num)
        )
    frame = p.tables[FILE]

    rng = p.stream("R12 values")
    wide = frame["VISITNUM"].isin(["6", "7", "8", "9"]) & frame["IRLSTOT"].ne("")
    for label in p.pick(FILE, wide, "R12"):
        row = frame.loc[label]
        visit = INDEX[int(row["VISITNUM"])]
        last = date.fromisoformat(start[row["USUBJID"]]) + timedelta(days=limits[visit][1] - 1)
        day = min(date.fromisoformat(row["IRLSDTC"]) + timedelta(days=int(rng.integers(1, 4))), last).isoformat()
        name = f"{row['VISITNUM']}.1"
        values = {item: row[item] for item in ITEM_NAMES}
        for item in rng.choice(10, size=3, replace=False):
            old = int(values[ITEM_NAMES[item]])
            values[ITEM_NAMES[item]] = str(old + 1 if old < 4 and (old == 0 or rng.random() < 0.5) else old - 1)
        total = str(sum(int(v) for v in values.values()))
        new = p.add(FILE, label, VISITNUM=name, VISIT=f"Unscheduled {name}", IRLSDTC=day, IRLSTOT=total, **values)
        p.note("R12", "W", FILE, new, "VISITNUM", "", f"true unscheduled interview in the window of VISITNUM {row['VISITNUM']}")
        sv = p.tables["sv"]
        like = int(sv.index[(sv["USUBJID"] == row["USUBJID"]) & (sv["VISITNUM"] == row["VISITNUM"])][0])
        p.used["sv"].add(p.add("sv", like, VISITNUM=name, VISIT=f"Unscheduled {name}", SVSTDTC=day))

    frame = p.tables[FILE]
    randomized = frame["USUBJID"].map(dm["ARMCD"]).ne("SCRNFAIL")
    for label in p.pick(FILE, frame["VISITNUM"].eq("1") & randomized, "R13:qs_irls"):
        p.set("R13", "Q", FILE, label, "IRLSDTC", _shift(dm.at[frame.at[label, "USUBJID"], "RFICDTC"], -3), "typing error in the day")

    usual = frame["VISITNUM"].eq("2") & frame["USUBJID"].map(dm["RFSTDTC"]).ne("")
    low = set(p.tables["dv"].loc[p.tables["dv"]["DVCAT"].isin(["ELIGIBILITY CRITERIA NOT MET", "STRATIFICATION ERROR"]), "USUBJID"])
    usual &= ~frame["USUBJID"].isin(low)
    for label in p.pick(FILE, usual, "R20"):
        who, total = frame.at[label, "USUBJID"], frame.at[label, "IRLSTOT"]
        p.remove(FILE, [label])
        person = int(p.tables["dm"].index[p.tables["dm"]["USUBJID"] == who][0])
        p.note("R20", "W", "dm", person, "", total, "baseline IRLS form lost; the value is the true total")
        _deviation(p, who, "ASSESSMENT NOT DONE", "Baseline IRLS form not available", dm.at[who, "RANDDTC"], "2")


def _deviation(p: Planter, who: str, category: str, term: str, day: str, visit: str) -> None:
    """Let the site record a deviation as well."""
    dv = p.tables["dv"]
    mine = dv[dv["USUBJID"] == who]
    values = {"USUBJID": who, "DVSEQ": str(len(mine) + 1), "DVCAT": category, "DVTERM": term, "DVSTDTC": day, "VISITNUM": visit}
    like = (
        int(mine.index[-1])
        if len(mine)
        else int(dv.index[dv["USUBJID"].to_numpy() < who][-1])
        if (dv["USUBJID"] < who).any()
        else int(dv.index[0])
    )
    p.add("dv", like, 0.25, **values)
