"""Adverse events, deaths and results that no body can have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nirls.errors import ConfigError
from nirls.plan.safety import SERIOUSNESS
from nirls.plan.where import where_mask
from nirls.sdtm.devices import had
from nirls.sdtm.files import near
from nirls.sdtm.offence import none, offences
from nirls.sdtm.rules import DATES, SUBJECT, VALUES, rule

if TYPE_CHECKING:
    from nirls.plan.safety import AdverseEvents
    from nirls.sdtm.context import Context

POSSIBLE = {"FERRITIN": (1, 3000), "TSAT": (0, 100), "HGB": (40, 220), "EGFR": (2, 150), "STO2": (30, 100), "FLUX": (0, 1000)}
"""Test code → smallest and largest result that can be true: ferritin µg/L, transferrin saturation %, haemoglobin g/L, eGFR
mL/min/1.73 m², tissue oxygenation %, flux in perfusion units."""


def related_mask(frame: pd.DataFrame, events: AdverseEvents) -> pd.Series:
    """Events related to treatment, device or procedure by any of the relationships of the plan; one not stated counts as related.

    Raises
    ------
    ConfigError
        AE has no variable of that name: no event could be related.
    """
    out = pd.Series(False, index=frame.index)
    for key, item in events.relationship.items():
        if item.variable not in frame.columns:
            raise ConfigError(
                f"study.yaml: adverse_events.relationship.{key}.variable: AE has no column {item.variable!r}"
                f"{near(item.variable, list(frame.columns))} Correct the name, or supply the column"
            )
        out |= frame[item.variable].isin(item.related) | frame[item.variable].isna()
    return out


def strange_words(frame: pd.DataFrame, known: dict[str, tuple[list[str], str]]) -> Iterator[tuple[str, pd.Series, str]]:
    """Of each variable there is: its name, the records with a word that is not known, and what is wrong with it.

    Parameters
    ----------
    frame : DataFrame
    known : dict
        As :meth:`nirls.plan.safety.AdverseEvents.known` gives it.
    """
    for name, (levels, place) in known.items():
        if name in frame.columns:
            text = (
                f"not among {', '.join(levels)}{f' of study.yaml: {place}' if place else ''}. "
                f"Correct the data, or {f'add it to {place}' if place else 'leave it empty'}."
            )
            yield name, frame[name].notna() & ~frame[name].isin(levels), text


def criterion_mask(frame: pd.DataFrame) -> pd.Series:
    """Events with a criterion of seriousness: AESERCRIT, or one of the SDTM flags."""
    out = pd.Series(False, index=frame.index)
    for name in ("AESERCRIT", *SERIOUSNESS):
        if name in frame.columns:
            out |= frame[name].notna() if name == "AESERCRIT" else frame[name] == "Y"
    return out


def fatal_mask(frame: pd.DataFrame, events: AdverseEvents) -> pd.Series:
    """Events that are fatal by the plan's condition."""
    try:
        return where_mask(events.fatal, frame)
    except ConfigError as error:
        raise ConfigError(f"study.yaml: adverse_events.fatal: {error}") from None


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
    if "AESER" not in frame.columns or not any(c in frame.columns for c in ("AESERCRIT", *SERIOUSNESS)):
        return none()
    wrong = (frame["AESER"] == "Y") & ~criterion_mask(frame)
    message = (
        "the event is called serious without a criterion. Whether it is serious is taken as not known, and counts as serious "
        "(the worst case). Give the criterion, or correct AESER."
    )
    return offences(frame, wrong, column="AESER", severity="Q", effect="missing", message=message)


@rule("R54", "of a serious event that is related it is known whether it was anticipated", severity="E/W", domains=("AE",), phase=VALUES)
def undecidable(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """A serious adverse device effect without the answer whether the risk analysis names it: USADE or ASADE cannot be told.

    A warning where seriousness is not said: the event counts as serious and not anticipated, the worst case. Not of subjects whose
    arm has no device.
    """
    events = context.study.adverse_events
    if events is None or events.anticipated is None or "AESER" not in frame.columns:
        return none()
    dm, study = context.domains["DM"], context.study
    without = dm["ACTARMCD"].isin([code for code in study.arms if code not in study.device_arms]) if "ACTARMCD" in dm.columns else False
    related = related_mask(frame, events) & ~frame["USUBJID"].isin(dm.loc[without, "USUBJID"] if "ACTARMCD" in dm.columns else [])
    surely = frame["AESER"].eq("Y") | criterion_mask(frame) | fatal_mask(frame, events)
    absent = frame[events.anticipated].isna() if events.anticipated in frame.columns else pd.Series(True, index=frame.index)
    column = events.anticipated if events.anticipated in frame.columns else "AESER"
    message = (
        f"a serious event related to the device without {events.anticipated}: whether it is an unanticipated serious adverse device "
        "effect (USADE) cannot be decided. Say Y if the risk analysis names it in nature, severity and incidence, else N."
    )
    perhaps = (
        f"an event related to the device, of which neither seriousness nor {events.anticipated} is said: it counts as an unanticipated "
        "serious adverse device effect (USADE), the worst case. Supply both."
    )
    return pd.concat(
        [
            offences(frame, surely & related & absent, column=column, severity="E", message=message),
            offences(frame, ~surely & frame["AESER"].isna() & related & absent, column="AESER", severity="W", message=perhaps),
        ]
    )


@rule("R55", "events are coded, with one version of the dictionary", severity="E/W", domains=("AE",), phase=VALUES)
def coding(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """AEDECOD and AEBODSYS are there, a term is in one class, MEDDRAV has one value. A warning until the database is locked."""
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
    if {"AEDECOD", "AEBODSYS"} <= set(frame.columns):
        coded = frame.dropna(subset=["AEDECOD", "AEBODSYS"])
        pairs = coded.groupby(["AEDECOD", "AEBODSYS"], sort=True).size()
        main = pairs.groupby(level=0).idxmax().map(lambda pair: pair[1])
        other = frame["AEDECOD"].notna() & frame["AEBODSYS"].notna() & (frame["AEBODSYS"] != frame["AEDECOD"].map(main))
        message = [
            f"the term {term!r} is in the class {main[term]!r} elsewhere: it would be two terms. Give each term its primary class."
            for term in frame.loc[other, "AEDECOD"]
        ]
        parts.append(offences(frame, other, column="AEBODSYS", severity=severity, message=message))
    return pd.concat(parts) if parts else none()


@rule("R56", "the device of an event or a deficiency is in the register", severity="W", domains=("AE", "DE"), phase=SUBJECT)
def unknown_device(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """SPDEVID of AE and DE in DI."""
    register = context.domains.get("DI")
    if "SPDEVID" not in frame.columns or register is None:
        return none()
    wrong = frame["SPDEVID"].notna() & ~frame["SPDEVID"].isin(register["SPDEVID"])
    message = "the device is not in the register (DI); the record is kept. Correct the device, or add it to the register."
    return offences(frame, wrong, column="SPDEVID", severity="W", message=message)


@rule("R57", "a death is a fatal adverse event, and the other way round", severity="E/W", domains=("DM", "AE"), phase=VALUES)
def death_without_event(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """DTHDTC with no record of AE that the plan calls fatal (E); a fatal event of a subject without DTHDTC (W)."""
    events, ae, dm = context.study.adverse_events, context.domains.get("AE"), context.domains["DM"]
    if events is None or ae is None or "DTHDTC" not in dm.columns:
        return none()
    if context.current == "AE":
        alive = fatal_mask(frame, events) & frame["USUBJID"].isin(dm.loc[dm["DTHDTC"].isna(), "USUBJID"])
        message = (
            "the event was fatal, and DM has no date of death: time at risk does not end with it. Supply DTHDTC, or correct the outcome."
        )
        return offences(frame, alive, column="AEOUT" if "AEOUT" in frame.columns else "AETERM", severity="W", message=message)
    fatal = ae.loc[fatal_mask(ae, events), "USUBJID"]
    wrong = frame["DTHDTC"].notna() & ~frame["USUBJID"].isin(fatal)
    message = (
        "the subject died, and no adverse event is fatal: deaths and events would contradict each other. Add the event, or correct one."
    )
    return offences(frame, wrong, column="DTHDTC", severity="E", message=message)


@rule("R68", "a fatal event, or one with a criterion of seriousness, is serious", severity="W", domains=("AE",), phase=VALUES)
def serious_called_not_serious(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """AESER = N beside a fatal outcome or a criterion: the event counts as serious, the worse of the two."""
    if "AESER" not in frame.columns:
        return none()
    events = context.study.adverse_events
    fatal = fatal_mask(frame, events) if events is not None else pd.Series(False, index=frame.index)
    wrong = (frame["AESER"] == "N") & (fatal | criterion_mask(frame))
    message = [
        f"the event is called not serious and {'was fatal' if f else 'has a criterion of seriousness'}. It counts as serious. "
        "Correct AESER, or the outcome or criterion."
        for f in fatal[wrong]
    ]
    return offences(frame, wrong, column="AESER", severity="W", message=message)


@rule("R69", "the words of events and deficiencies are those of the plan", severity="E", domains=("AE", "DE"), phase=VALUES)
def unknown_words(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """Severity, relationships and `words` among those of the plan; AESER, criteria of seriousness, `anticipated` and DESADE are Y or N.

    Another word would count as no.
    """
    events = context.study.adverse_events
    known = {"DESADE": (["Y", "N"], "")} if context.current == "DE" else events.known() if events is not None else {}
    parts = [offences(frame, wrong, column=name, severity="E", message=f"is {text}") for name, wrong, text in strange_words(frame, known)]
    return pd.concat(parts) if parts else none()


@rule("R71", "severity, seriousness, relationship and onset of an event are said", severity="W", domains=("AE",), phase=VALUES)
def not_said(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """What is not said is taken at its worst; it is said of each event which that is."""
    events = context.study.adverse_events
    if events is None:
        return none()
    worst = {"AESEV": f"{list(events.severity.values())[-1].lower()}", "AESER": "serious"}
    worst |= {item.variable: f"related to the {item.label}" for item in events.relationship.values()}
    worst["AESTDTC"] = "treatment-emergent, unless it ended before the first session or dose"
    parts = []
    for name, words in worst.items():
        absent = frame[name].isna() if name in frame.columns else pd.Series(False, index=frame.index)
        message = f"is not said: the event counts as {words}, the worst case. Supply it."
        parts.append(offences(frame, absent, column=name, severity="W", message=message))
    return pd.concat(parts)


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


@rule("R70", "a device deficiency belongs to one subject", severity="W", domains=("DE",), phase=VALUES)
def deficiency_of_nobody(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """A report without a subject, of a device that by DR nobody had then, or more than one subject can have had."""
    if "DESTDTC" not in frame.columns:
        return none()
    held = had(frame["SPDEVID"], frame["DESTDTC"], context.domains.get("DR"))
    given = frame["USUBJID"].notna() if "USUBJID" in frame.columns else pd.Series(False, index=frame.index)
    wrong = ~given & (held["N"] != 1)
    message = [
        f"{'nobody' if n == 0 else f'more than one subject ({n}) can have'} had the device {frame.loc[label, 'SPDEVID']!r} then: the "
        "deficiency is in no table by arm. Supply USUBJID, a complete DESTDTC, or the assignment (DR)."
        for label, n in held.loc[wrong, "N"].items()
    ]
    return offences(frame, wrong, column="DESTDTC", severity="W", message=message)
