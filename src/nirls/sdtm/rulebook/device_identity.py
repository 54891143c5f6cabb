"""Whose session, on which device: register, assignment, repeated uploads, lost logs, firmware."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nirls.sdtm.devices import by_device, holders, of_device, once
from nirls.sdtm.offence import none, offences
from nirls.sdtm.rules import CONFLICT, DATES, IDENTITY, VALUES, rule

if TYPE_CHECKING:
    from nirls.sdtm.context import Context


@rule("R27", "every device is in the register", severity="Q", domains=("DX", "DR", "DU"), phase=CONFLICT)
def unknown_device(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """SPDEVID of sessions, assignments and calibrations against DI."""
    register = context.domains.get("DI")
    if register is None:
        context.remark(f"{context.current}: the study has no device register (DI)")
        return none()
    unknown = ~frame["SPDEVID"].isin(register["SPDEVID"])
    message = "the device is not in the register (DI); the record is left out. Correct the number, or register the device."
    return offences(frame, unknown, column="SPDEVID", severity="Q", message=message)


@rule("R28", "a session is of the subject who has the device", severity="Q/W", domains=("DX",), phase=IDENTITY, reassign=False)
def not_assigned(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """The local day of the session lies in an assignment (DR) of its device to its subject.

    A session without a subject gets the one who had the device. With `reassign` so does a session of another subject, for the device
    writes its own number and people write USUBJID; where nobody or several had it, the session is set aside in any case. A session at the
    default date of a clock is left to rule R43.
    """
    register = context.domains.get("DI")
    if "USUBJID" not in frame.columns:
        return none()
    found = holders(frame, context)
    if found is None:
        context.remark("the study has no assignments of devices (DR with DRSTDTC and DRENDTC)")
        return none()
    known = frame["SPDEVID"].isin(register["SPDEVID"]) if register is not None else pd.Series(True, index=frame.index)
    default = frame["START_UTC"].str.slice(0, 4).isin(str(context.limits["R43"]["default_years"]).split())
    wrong, empty, holder = known & ~found["own"] & ~default, frame["USUBJID"].isna(), found["holder"]
    filled = wrong & empty & holder.notna()
    moved = wrong & ~empty & holder.notna() & bool(context.limit("reassign"))
    new = pd.DataFrame({"USUBJID": holder})
    message = [f"the session names no subject; {who} had the device on that day and is entered." for who in holder[filled]]
    parts = [offences(frame, filled, column="USUBJID", severity="W", effect="repair", message=message, repaired=new)]
    message = [f"{who} had the device on that day; the session is counted as theirs." for who in holder[moved]]
    parts.append(offences(frame, moved, column="USUBJID", severity="Q", effect="repair", message=message, repaired=new))
    rest = wrong & ~filled & ~moved
    message = [
        f"{f'{who} had the device' if who == who else 'the device was assigned to nobody, or to several,'} on that day; the session is "
        "left out. Correct the subject, the device or the assignment (DR)."
        for who in holder[rest]
    ]
    parts.append(offences(frame, rest, column="USUBJID", severity="Q", message=message))
    return pd.concat(parts)


@rule("R29", "a device is with one subject at a time", severity="E", domains=("DR",), phase=DATES)
def assigned_twice(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """Assignments of one device to different subjects do not share a day; the day of handing over may not be both's."""
    if not {"DRSTDTC", "DRENDTC"} <= set(frame.columns):
        return none()
    work = pd.DataFrame({"device": frame["SPDEVID"], "who": frame["USUBJID"], "lo": context.days("DR", "DRSTDTC")["hi"]})
    end = context.days("DR", "DRENDTC")["lo"]
    work["hi"] = end.fillna(np.datetime64("2262-01-01", "s"))
    work = work.dropna(subset="lo").sort_values(["device", "lo"], kind="stable").rename_axis("label").reset_index()
    pairs = work.merge(work, on="device")
    pairs = pairs[(pairs["label_x"] != pairs["label_y"]) & (pairs["who_x"] != pairs["who_y"])]
    pairs = pairs[(pairs["lo_x"] <= pairs["hi_y"]) & (pairs["lo_y"] <= pairs["hi_x"]) & (pairs["lo_x"] >= pairs["lo_y"])]
    first = pairs.drop_duplicates("label_x").set_index("label_x")["label_y"]
    wrong = pd.Series(frame.index.isin(first.index), index=frame.index)
    message = [
        f"from this day the device {device} is also with {frame.at[first[label], 'USUBJID']} (row {frame.at[first[label], 'SRC_ROW']}). "
        "Correct one of the dates."
        for label, device in frame.loc[wrong, "SPDEVID"].items()
    ]
    return offences(frame, wrong, column="DRSTDTC", severity="E", message=message)


@rule("R33", "a session is uploaded once", severity="W/Q", domains=("DX",), phase=CONFLICT)
def uploaded_again(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """Same device and SESSION_ID: with the same content one is kept, with different content none."""
    key = ["SPDEVID", "SESSION_ID"]
    twice = frame[frame.duplicated(key, keep=False)]
    if not len(twice):
        return none()
    content = (
        twice[[name for name in twice.columns if name not in ("SRC_ROW", "SRC_FILE")]].astype("str").fillna("\x00").agg("\x1f".join, axis=1)
    )
    group = twice.groupby(key, sort=False).ngroup()
    work = twice.assign(GROUP=group, CONTENT=content)
    extra = work.duplicated(["GROUP", "CONTENT"])
    first = work.groupby(["GROUP", "CONTENT"], sort=False)["SRC_ROW"].transform("first")
    message = [f"the record is identical to row {row} (uploaded again); one is kept." for row in first[extra]]
    parts = [offences(twice, extra, column="SESSION_ID", severity="W", effect="duplicate", message=message)]
    several = work.groupby("GROUP")["CONTENT"].transform("nunique") > 1
    clash = several & ~extra
    rows = work[clash].groupby("GROUP")["SRC_ROW"].agg(list)
    message = [
        f"the session has other contents in row {', '.join(str(r) for r in rows[g] if r != own) or own}. None is used; keep the right one."
        for g, own in zip(work.loc[clash, "GROUP"], work.loc[clash, "SRC_ROW"], strict=True)
    ]
    parts.append(offences(twice, clash, column="SESSION_ID", severity="Q", message=message))
    return pd.concat(parts)


@rule("R34", "the log of a device has no gap and no number twice", severity="W/Q", domains=("DX",), phase=CONFLICT)
def lost_logs(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """SEQ_NO rises by one from session to session of a device, re-uploads taken out, before records are set aside.

    Numbers left out are sessions whose log is lost (W; their dose is estimated in ADEX). A number used again by another session means
    that the counter went back (Q).
    """
    if "SEQ_NO" not in frame.columns:
        return none()
    rows = by_device(once(frame))
    before = rows.groupby("SPDEVID")["SEQ_NO"].shift()
    again, gap = rows["SEQ_NO"] == before, rows["SEQ_NO"] > before + 1
    message = [
        f"{b - a - 1:.0f} session{'s' if b - a > 2 else ''} of the device ({_numbers(a + 1, b - 1)}) left no log; the dose is estimated "
        "from the subject's other sessions. Ask for the log."
        for a, b in zip(before[gap], rows.loc[gap, "SEQ_NO"], strict=True)
    ]
    parts = [offences(rows, gap, column="SEQ_NO", severity="W", message=message)]
    message = "the device gave this number to another session before: its counter went back. The record is left out; ask for the log."
    parts.append(offences(rows, again, column="SEQ_NO", severity="Q", message=message))
    return pd.concat(parts)


def _numbers(first: float, last: float) -> str:
    return f"number {first:.0f}" if first == last else f"numbers {first:.0f} to {last:.0f}"


@rule("R51", "the firmware of a device stays the same", severity="W", domains=("DX",), phase=CONFLICT)
def firmware(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """The first session of a device with another firmware than the one before it."""
    if not {"FW", "SEQ_NO"} <= set(frame.columns):
        return none()
    rows = by_device(once(frame))
    rows = rows[rows["FW"].notna()]
    before = rows.groupby("SPDEVID")["FW"].shift()
    changed = before.notna() & (rows["FW"] != before)
    message = [f"the firmware was {old} until then; look whether the log measures alike before and after." for old in before[changed]]
    return offences(rows, changed, column="FW", severity="W", message=message)


@rule("R72", "a subject is as treated what its sessions say", severity="W", domains=("DM",), phase=VALUES, tells=True, share=0.5)
def another_device(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """Kind of device (DI), and wavelength where the arm's regimen has one, of more than `share` of the sessions against ACTARMCD."""
    log, register, study = context.domains.get("DX"), context.domains.get("DI"), context.study
    if log is None or register is None or "ACTARMCD" not in frame.columns or "DITYPE" not in register.columns:
        return none()
    arms = study.arms
    worn = log.loc[log["ON_SEC"] > 0, ["USUBJID", "SPDEVID"]].dropna()
    arm = worn["USUBJID"].map(frame.set_index("USUBJID")["ACTARMCD"])
    role = arm.map({code: "SHAM" if a.role == "sham" else "NIR" if a.role == "nir" else "none" for code, a in arms.items()})
    kind = of_device(worn, context, "DITYPE").astype("str").str.upper()
    other = role.notna() & kind.notna() & (role != kind)
    length = pd.to_numeric(of_device(worn, context, "WAVELENGTH"), errors="coerce")
    planned = arm.map({code: a.regimen.wavelength_nm for code, a in arms.items() if a.regimen is not None}).astype("float64")
    other |= (kind == "NIR") & length.notna() & planned.notna() & (length != planned)
    each = other.groupby(worn["USUBJID"]).agg(["sum", "size"])
    wrong_subjects = each[each["sum"] > context.limit("share") * each["size"]]
    wrong = frame["USUBJID"].isin(wrong_subjects.index)
    message = [
        f"{wrong_subjects.loc[who, 'sum']} of the {wrong_subjects.loc[who, 'size']} sessions were with another arm's device: the subject "
        "would be counted under a treatment it did not receive. Correct ACTARMCD, or the register (DI)."
        for who in frame.loc[wrong, "USUBJID"]
    ]
    return offences(frame, wrong, column="ACTARMCD", severity="W", message=message)
