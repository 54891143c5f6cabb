"""Faults in the clinical files other than the IRLS: repeats, identifiers, dates, demography, safety, laboratory, CGI."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from nirls.simulate.faults.plant import Planter

_VALUES = {  # the measured columns of a file, all of which differ in a contradicting record
    "qs_irls": tuple(f"IRLS{k:02d}" for k in range(1, 11)),
    "qs_cgi": ("CGIS", "CGII", "PGII"),
    "lb": ("FERRITIN", "TSAT", "EGFR"),
    "vs": ("SYSBP", "DIABP", "PULSE", "TEMP", "SKINGR"),
    "mk": ("STO2", "FLUX", "PLMI"),
}


def _shift(text: str, days: int) -> str:
    return (date.fromisoformat(text) + timedelta(days=days)).isoformat()


def inherent(p: Planter) -> None:
    """Write down what happened in the trial and is a finding by itself: R21, R23, R25, R59."""
    dv, dm, irls, cm = (p.tables[name] for name in ("dv", "dm", "qs_irls", "cm"))
    person = {who: int(label) for label, who in zip(dm.index, dm["USUBJID"], strict=True)}
    for who, category in zip(dv["USUBJID"], dv["DVCAT"], strict=True):
        if category == "ELIGIBILITY CRITERIA NOT MET":
            label = int(irls.index[(irls["USUBJID"] == who) & (irls["VISITNUM"] == "2")][0])
            p.note(
                "R21", "W", "qs_irls", label, "IRLSTOT", irls.at[label, "IRLSTOT"], "true value: randomized although below 15 at baseline"
            )
        elif category == "STRATIFICATION ERROR":
            label = person[who]
            true = ">=25" if dm.at[label, "STRSEV"] == "<25" else "<25"
            p.note(
                "R23",
                "W",
                "dm",
                label,
                "STRSEV",
                true,
                "severity stratum entered wrongly at randomization; the subject was randomized in the wrong list",
            )
    for label in dm.index[dm["ARMCD"] != dm["ACTARMCD"]]:
        p.note(
            "R25",
            "W",
            "dm",
            int(label),
            "ACTARMCD",
            dm.at[label, "ACTARMCD"],
            f"true: received the other device of a swapped pair; randomized to {dm.at[label, 'ARMCD']}",
        )
    for label in cm.index[(cm["CMRLSFL"] == "Y") & (cm["CMRESCFL"] == "Y")]:
        p.note(
            "R59",
            "W",
            "cm",
            int(label),
            "CMSTDTC",
            cm.at[label, "CMSTDTC"],
            "true: rescue medication for restless legs syndrome, an intercurrent event",
        )


def repeats(p: Planter) -> None:
    """R02 identical records, R03 contradicting records, R04 unknown subjects."""
    for table in ("qs_irls", "qs_cgi", "ae", "cm", "lb", "vs", "mh"):
        frame = p.tables[table]
        for label in p.pick(table, np.ones(len(frame), dtype=bool), f"R02:{table}"):
            new = p.add(table, label)
            p.note("R02", "W", table, new, "", "", "entered twice; identical to the record before it")
    for table, columns in _VALUES.items():
        frame = p.tables[table]
        late = frame["VISITNUM"].astype(float) > 2
        full = (frame[list(columns)] != "").all(axis=1)
        for label in p.pick(table, late & full, f"R03:{table}"):
            values = {column: _other(column, frame.at[label, column]) for column in columns}
            if table == "qs_irls":
                values["IRLSTOT"] = str(sum(int(values[column]) for column in columns))
                if values["IRLSTOT"] == frame.at[label, "IRLSTOT"]:
                    raise AssertionError("a contradicting IRLS record must have another total")
            new = p.add(table, label, **values)
            p.note("R03", "Q", table, label, "", "", "the true one of two records with the same key and different values")
            p.note(
                "R03",
                "Q",
                table,
                new,
                "",
                "",
                "the false one of two records with the same key and different values: another subject's form",
            )
    for table in ("qs_irls", "qs_sleep", "ae", "cm", "lb", "vs"):
        frame = p.tables[table]
        mask = frame["VISITNUM"].astype(float) > 2 if "VISITNUM" in frame else np.ones(len(frame), dtype=bool)
        for label in p.pick(table, mask, f"R04:{table}"):
            who = frame.at[label, "USUBJID"]
            p.set(
                "R04", "Q", table, label, "USUBJID", who[:-3] + str(900 + int(who[-3:]) % 100), "typing error in the number of the subject"
            )


def _other(column: str, value: str) -> str:
    """A plausible value different from the given one."""
    if column.startswith("IRLS"):
        return str(int(value) + 1 if int(value) < 4 else 2)
    if column in ("CGIS", "CGII", "PGII"):
        return str(int(value) + 1 if int(value) < 4 else int(value) - 1)
    if column == "SKINGR":
        return "1" if value == "0" else "0"
    digits = len(value.split(".")[1]) if "." in value else 0
    return f"{float(value) * 1.01 + 0.6:.{digits}f}" if column == "TEMP" else f"{float(value) * 1.06 + 1:.{digits}f}"


def dates(p: Planter) -> None:
    """R13 before consent, R17 end before start, R18 partial dates."""
    consent = p.tables["dm"].set_index("USUBJID")["RFICDTC"]
    for table, column in (("lb", "LBDTC"), ("vs", "VSDTC")):
        for label in p.pick(table, p.tables[table]["VISITNUM"].eq("1"), f"R13:{table}"):
            p.set("R13", "Q", table, label, column, _shift(consent[p.tables[table].at[label, "USUBJID"]], -2), "typing error in the day")
    for table in ("ae", "cm", "ex"):
        start, end, frame = f"{table.upper()}STDTC", f"{table.upper()}ENDTC", p.tables[table]
        mask = frame[end].ne("") & frame[start].str.slice(0, 4).ge("2024") & (frame["USUBJID"].map(consent).fillna("9") < frame[start])
        for label in p.pick(table, mask, f"R17:{table}"):
            p.set("R17", "Q", table, label, end, _shift(frame.at[label, start], -4), "typing error in the end date")
    rng = p.stream("R18 values")
    for table in ("ae", "cm", "mh"):
        start, end, frame = f"{table.upper()}STDTC", f"{table.upper()}ENDTC", p.tables[table]
        first = frame["USUBJID"].map(consent).fillna("9999-99")
        stop = frame[end] if end in frame else frame[start].str.slice(0, 0)
        # no reading of the partial date may contradict consent or the end of the same record
        month = (first.str.slice(0, 7) < frame[start].str.slice(0, 7)) | (table != "ae")
        month &= stop.eq("") | (frame[start].str.slice(0, 7) < stop.str.slice(0, 7))
        year = month & ((first.str.slice(0, 4) < frame[start].str.slice(0, 4)) | (table != "ae"))
        year &= stop.eq("") | (frame[start].str.slice(0, 4) < stop.str.slice(0, 4))
        treated = p.tables["dm"].set_index("USUBJID")["RFSTDTC"]
        if table == "cm":  # clearly before the trial, so that no partial date hides an intercurrent event
            before = frame[start].str.slice(0, 4) < frame["USUBJID"].map(treated).fillna("").str.slice(0, 4)
            month, year = month & before, year & before
        for label in p.pick(table, month, f"R18:{table}"):
            value = frame.at[label, start]
            p.set(
                "R18", "W", table, label, start, value[:4] if year[label] and rng.random() < 0.4 else value[:7], "part of the date unknown"
            )


def values(p: Planter) -> None:
    """R22 age, R53 and R56 adverse events, R60 laboratory, R66 clinical global impression."""
    dm = p.tables["dm"]
    for label in p.pick("dm", dm["ARMCD"].ne("SCRNFAIL") & dm["AGE"].astype(int).between(31, 79), "R22"):
        age = dm.at[label, "AGE"]
        swapped = age[::-1]
        wrong = swapped if 18 <= int(swapped) <= 90 and abs(int(swapped) - int(age)) > 1 else str(int(age) - 10)
        p.set("R22", "W", "dm", label, "AGE", wrong, "typing error in the age; the date of birth is right")
    ae = p.tables["ae"]
    for label in p.pick("ae", ae["AESER"].eq("N") & ae["AEREL_DEV"].eq("NOT"), "R53"):
        p.set("R53", "Q", "ae", label, "AESER", "Y", "ticked by mistake; no criterion given")
    for label in p.pick("ae", p.tables["ae"]["SPDEVID"].ne(""), "R56"):
        p.set("R56", "W", "ae", label, "SPDEVID", f"DEV-9{p.tables['ae'].at[label, 'SPDEVID'][5:]}", "typing error in the device number")
    slips = (("FERRITIN", "00", "decimal point lost"), ("TSAT", "0", "decimal point lost"), ("EGFR", "0", "decimal point lost"))
    lb = p.tables["lb"]
    big = (lb["FERRITIN"].str.len() >= 2) & (lb["TSAT"].str.len() == 2) & lb["EGFR"].astype(float).gt(20) & lb["VISITNUM"].isin(["6", "10"])
    for k, label in enumerate(p.pick("lb", big & lb["FERRITIN"].astype(float).gt(31), "R60")):
        column, tail, note = slips[k % 3]
        p.set("R60", "Q", "lb", label, column, p.tables["lb"].at[label, column] + tail, note)
    cgi = p.tables["qs_cgi"]
    for label in p.pick("qs_cgi", cgi["VISITNUM"].eq("2"), "R66:baseline"):
        p.set("R66", "Q", "qs_cgi", label, "CGII", "4", "improvement rated at baseline, where it has no meaning")
    irls = p.tables["qs_irls"]
    irls = irls[~irls.index.isin(p.used["qs_irls"]) & irls["IRLSTOT"].ne("")].drop_duplicates(["USUBJID", "VISITNUM"])
    total = {(w, v): int(t) for w, v, t in zip(irls["USUBJID"], irls["VISITNUM"], irls["IRLSTOT"], strict=True)}
    change = [total.get((w, v), 99) - total.get((w, "2"), 0) for w, v in zip(cgi["USUBJID"], cgi["VISITNUM"], strict=True)]
    for label in p.pick("qs_cgi", (np.array(change) <= -12) & cgi["CGII"].isin(["1", "2"]).to_numpy(), "R66:conflict"):
        p.set("R66", "W", "qs_cgi", label, "CGII", str(8 - int(p.tables["qs_cgi"].at[label, "CGII"])), "scale read the wrong way round")
        who, visit = cgi.at[label, "USUBJID"], cgi.at[label, "VISITNUM"]
        same = irls.index[(irls["USUBJID"] == who) & irls["VISITNUM"].isin([visit, "2"])]
        p.used["qs_irls"].update(int(x) for x in same)  # the totals that contradict the rating stay as they are
