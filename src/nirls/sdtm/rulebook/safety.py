"""Adverse events, deaths and results that no body can have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nirls.errors import ConfigError
from nirls.plan.where import where_mask
from nirls.sdtm.offence import none, offences
from nirls.sdtm.rules import DATES, SUBJECT, VALUES, rule

if TYPE_CHECKING:
    from nirls.plan.safety import AdverseEvents
    from nirls.sdtm.context import Context

SERIOUSNESS = ("AESCAN", "AESCONG", "AESDISAB", "AESDTH", "AESHOSP", "AESLIFE", "AESOD", "AESMIE")
"""The criteria of a serious event as the SDTM has them, one flag each; a study may have one variable, AESERCRIT, in their place."""
POSSIBLE = {"FERRITIN": (1, 3000), "TSAT": (0, 100), "HGB": (40, 220), "EGFR": (2, 150), "STO2": (30, 100), "FLUX": (0, 1000)}
"""Test code → smallest and largest result that can be true: ferritin µg/L, transferrin saturation %, haemoglobin g/L, eGFR
mL/min/1.73 m², tissue oxygenation %, flux in perfusion units."""


def related_mask(frame: pd.DataFrame, events: AdverseEvents) -> pd.Series:
    """Events related to treatment, device or procedure by any of the relationships of the plan; one not stated counts as related."""
    out = pd.Series(False, index=frame.index)
    for item in events.relationship.values():
        if item.variable in frame.columns:
            out |= frame[item.variable].isin(item.related) | frame[item.variable].isna()
    return out


@rule("R52", "an adverse event begins after consent", severity="W", domains=("AE",), phase=DATES)
def before_consent(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """Latest possible day of onset before the earliest possible day of consent: medical history, not an event of the trial."""
    if "AESTDTC" not in frame.columns:
        return none()
    consent = context.of_subject(frame, "consent_lo")
    wrong = context.days("AE", "AESTDTC")["hi"] < consent
    message = [
        f"the event began before consent ({c}); it is listed and is not treatment-emergent. "
        "Correct the date, or record it as medical history (MH)."
        for c in consent[wrong].dt.strftime("%Y-%m-%d")
    ]
    return offences(frame, wrong, column="AESTDTC", severity="W", message=message)


@rule("R53", "a serious event has a criterion of seriousness", severity="Q", domains=("AE",), phase=VALUES)
def no_criterion(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """AESER = Y with neither AESERCRIT nor one of the SDTM flags: whether it is serious is not known. The event stays."""
    there = [c for c in ("AESERCRIT", *SERIOUSNESS) if c in frame.columns]
    if "AESER" not in frame.columns or not there:
        return none()
    given = pd.Series(False, index=frame.index)
    for name in there:
        given |= frame[name].notna() if name == "AESERCRIT" else frame[name] == "Y"
    wrong = (frame["AESER"] == "Y") & ~given
    message = (
        "the event is called serious without a criterion. Whether it is serious is taken as not known, and counts as serious "
        "(the worst case). Give the criterion, or correct AESER."
    )
    return offences(frame, wrong, column="AESER", severity="Q", effect="missing", message=message)


@rule("R54", "of a serious event that is related it is known whether it was anticipated", severity="E", domains=("AE",), phase=VALUES)
def undecidable(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """A serious adverse device effect without the answer whether the risk analysis names it: USADE or ASADE cannot be told."""
    events = context.study.adverse_events
    if events is None or events.anticipated is None or "AESER" not in frame.columns:
        return none()
    serious = (frame["AESER"] == "Y") & related_mask(frame, events)
    absent = frame[events.anticipated].isna() if events.anticipated in frame.columns else pd.Series(True, index=frame.index)
    column = events.anticipated if events.anticipated in frame.columns else "AESER"
    message = (
        f"a serious event related to the device without {events.anticipated}: whether it is an unanticipated serious adverse device "
        "effect (USADE) cannot be decided. Say Y if the risk analysis names it in nature, severity and incidence, else N."
    )
    return offences(frame, serious & absent, column=column, severity="E", message=message)


@rule("R55", "events are coded, with one version of the dictionary", severity="E/W", domains=("AE",), phase=VALUES)
def coding(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """AEDECOD and AEBODSYS are there; MEDDRAV has one value. An error once the database is locked, before that a warning."""
    locked = context.study.dates.database_lock is not None
    severity = "E" if locked else "W"
    now = "Code it." if locked else "It is counted as 'Not coded' until it is."
    parts = []
    for name in ("AEDECOD", "AEBODSYS"):
        absent = frame[name].isna() if name in frame.columns else pd.Series(True, index=frame.index)
        message = [f"the event {term!r} has no {name}: it is not coded. {now}" for term in frame.loc[absent, "AETERM"]]
        column = name if name in frame.columns else "AETERM"
        parts.append(offences(frame, absent, column=column, severity=severity, message=message))
    if "MEDDRAV" in frame.columns:
        counts = frame["MEDDRAV"].value_counts()
        if len(counts) > 1:
            main = str(counts.index[0])
            other = frame["MEDDRAV"].notna() & (frame["MEDDRAV"] != main)
            message = f"most events are coded with MedDRA {main}: one event may be two terms. Code all events with one version."
            parts.append(offences(frame, other, column="MEDDRAV", severity=severity, message=message))
    return pd.concat(parts) if parts else none()


@rule("R56", "the device of an event is in the register", severity="W", domains=("AE",), phase=SUBJECT)
def unknown_device(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """SPDEVID of AE in DI."""
    register = context.domains.get("DI")
    if "SPDEVID" not in frame.columns or register is None:
        return none()
    wrong = frame["SPDEVID"].notna() & ~frame["SPDEVID"].isin(register["SPDEVID"])
    message = "the device is not in the register (DI); the event is kept. Correct the device, or add it to the register."
    return offences(frame, wrong, column="SPDEVID", severity="W", message=message)


@rule("R57", "a death is a fatal adverse event", severity="E", domains=("DM",), phase=VALUES)
def death_without_event(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """DTHDTC with no record of AE that the plan calls fatal."""
    events, ae = context.study.adverse_events, context.domains.get("AE")
    if events is None or ae is None or "DTHDTC" not in frame.columns:
        return none()
    try:
        fatal = ae.loc[where_mask(events.fatal, ae), "USUBJID"]
    except ConfigError as error:
        raise ConfigError(f"study.yaml: adverse_events.fatal: {error}") from None
    wrong = frame["DTHDTC"].notna() & ~frame["USUBJID"].isin(fatal)
    message = (
        "the subject died, and no adverse event is fatal: deaths and events would contradict each other. Add the event, or correct one."
    )
    return offences(frame, wrong, column="DTHDTC", severity="E", message=message)


@rule("R60", "results are possible in a living body", severity="Q", domains=("LB", "MK"), phase=VALUES)
def impossible_result(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """Result in the declared unit outside :data:`POSSIBLE`: a lost decimal point, or another unit."""
    code = context.current
    value, test = frame[f"{code}STRESN"], frame[f"{code}TESTCD"]
    low = test.map({k: v[0] for k, v in POSSIBLE.items()}).astype("float64")
    high = test.map({k: v[1] for k, v in POSSIBLE.items()}).astype("float64")
    wrong = (value < low) | (value > high)
    message = [
        f"is not possible ({a:g} to {b:g}): a decimal point lost, or another unit? The result is left out. Correct it."
        for a, b in zip(low[wrong], high[wrong], strict=True)
    ]
    shown = pd.Series(np.where(wrong, frame[f"{code}ORRES"], None), index=frame.index).astype("str")
    return offences(frame, wrong, column=test[wrong], value=shown, severity="Q", message=message)
