"""What devices emitted: light, fluence, time on, temperature, wavelength, calibration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nirls.sdtm.devices import column, of_device
from nirls.sdtm.offence import none, offences
from nirls.sdtm.rules import DATES, VALUES, rule

if TYPE_CHECKING:
    from nirls.sdtm.context import Context


def _kind(frame: pd.DataFrame, context: Context) -> pd.Series:
    return of_device(frame, context, "DITYPE").astype("str").str.upper()


@rule("R30", "a sham device emits no light", severity="Q", domains=("DX",), phase=VALUES, tells=True, noise_floor=0.5)
def sham_emits(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """IRR_MAX (and IRR_MEAN) of a sham device not above `noise_floor`, mW/cm²; an alert for the unblinded role."""
    floor = context.limit("noise_floor")
    largest = pd.concat([column(frame, "IRR_MAX"), column(frame, "IRR_MEAN")], axis=1).max(axis=1)
    wrong = (_kind(frame, context) == "SHAM") & (largest > floor)
    name = "IRR_MAX" if "IRR_MAX" in frame.columns else "IRR_MEAN"
    message = f"a sham device emitted more than {floor:g} mW/cm²: the subject was treated with light. The session is left out of the dose; "
    message += "find out how many sessions it concerns, and whether the subject knows."
    return offences(frame, wrong, column=name, severity="Q", message=message)


@rule("R31", "an emitting device emits light", severity="Q", domains=("DX",), phase=VALUES, tells=True)
def dark(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """IRR_MEAN 0 in a session the device calls ok."""
    wrong = (_kind(frame, context) == "NIR") & (column(frame, "IRR_MEAN") == 0) & frame["STATUS"].str.lower().eq("ok").fillna(False)
    message = "the device reports a normal session without light: a deficiency of the device. No dose is counted; enter it in DE."
    return offences(frame, wrong, column="IRR_MEAN", severity="Q", message=message)


@rule(
    "R35", "fluence is irradiance × time on", severity="W/Q", domains=("DX",), phase=VALUES, tells=True,
    warn_share=0.05, quarantine_share=0.20, repair_units=True,
)  # fmt: skip
def fluence_differs(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """FLUENCE (J/cm²) against IRR_MEAN (mW/cm²) × ON_SEC (s) / 1000, times the duty cycle where the log gives the peak.

    An irradiance a thousand times too small for the fluence is in W/cm²: with `repair_units` it is taken times 1000.
    """
    irradiance, recorded, on = column(frame, "IRR_MEAN"), column(frame, "FLUENCE"), column(frame, "ON_SEC")
    duty = of_device(frame, context, "DUTY").astype("float64").fillna(1) if context.study.sessions.irradiance_basis == "peak" else 1.0
    calculated = irradiance * on * duty / 1000
    warn, limit = context.limit("warn_share"), context.limit("quarantine_share")
    off = (recorded - calculated).abs() / calculated.where(calculated > 0)
    off = off.mask((calculated == 0) & (recorded.abs() > 0), np.inf)
    slip = (off > limit) & ((recorded / (1000 * calculated.where(calculated > 0)) - 1).abs() <= warn) & bool(context.limit("repair_units"))
    parts = []
    if slip.any():
        new = pd.DataFrame({name: frame[name] * 1000 for name in ("IRR_MEAN", "IRR_MAX") if name in frame.columns})
        text = [f"{v:g}" for v in new.loc[slip, "IRR_MEAN"]]
        message = [f"the fluence fits only an irradiance in W/cm² where mW/cm² are expected; {v} mW/cm² is used." for v in text]
        parts.append(offences(frame, slip, column="IRR_MEAN", severity="Q", effect="repair", message=message, repaired=new))
    for wrong, severity, advice in (
        ((off > warn) & (off <= limit), "W", "The dose is calculated anew in ADEX."),
        ((off > limit) & ~slip, "Q", "The session is left out of the dose."),
    ):
        message = [f"irradiance × time on gives {c:.2f} J/cm². {advice} Look at the firmware of the device." for c in calculated[wrong]]
        parts.append(offences(frame, wrong, column="FLUENCE", severity=severity, message=message))
    return pd.concat(parts)


@rule("R36", "fluence is possible", severity="Q", domains=("DX",), phase=VALUES, tells=True, cap=120)
def fluence_range(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """FLUENCE from 0 to `cap` J/cm²."""
    cap, value = context.limit("cap"), column(frame, "FLUENCE")
    message = f"the fluence is not from 0 to {cap:g} J/cm²; the session is left out of the dose. Look at the device, or set R36.cap."
    return offences(frame, (value < 0) | (value > cap), column="FLUENCE", severity="Q", message=message)


def skin_limit(wavelength: pd.Series) -> pd.Series:
    """Largest irradiance for the skin, mW/cm²: 200 C_A, C_A = 10^(0.002 (λ − 700)) from 700 to 1050 nm, 1 below and 5 above.

    IEC 60825-1:2014, maximum permissible exposure of the skin for more than 10 s, taken as a bound of what is plausible.
    """
    return 200 * 10 ** (0.002 * (wavelength.astype("float64").clip(700, 1050) - 700))


@rule("R37", "irradiance is below the limit for the skin", severity="E", domains=("DX",), phase=VALUES, tells=True)
def too_bright(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """IRR_MAX against :func:`skin_limit` of the wavelength in the register; without one the strictest limit holds."""
    limit = skin_limit(of_device(frame, context, "WAVELENGTH").astype("float64").fillna(0))
    name = "IRR_MAX" if "IRR_MAX" in frame.columns else "IRR_MEAN"
    wrong = column(frame, name) > limit
    message = [
        f"is above the limit for the skin, {v:.0f} mW/cm². A matter of safety, or of units: look at the device." for v in limit[wrong]
    ]
    return offences(frame, wrong, column=name, severity="E", message=message)


@rule("R39", "a session lasts about as long as prescribed", severity="W", domains=("DX",), phase=VALUES, shortest=0.10, longest=1.50)
def unusual_length(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """ON_SEC as a share of the minutes of the arm treated (study.yaml, `regimen`)."""
    dm = context.domains["DM"].drop_duplicates("USUBJID").set_index("USUBJID")
    arm = dm["ACTARMCD"].fillna(dm["ARMCD"]) if "ACTARMCD" in dm.columns else dm["ARMCD"]
    minutes = {code: a.regimen.minutes for code, a in context.study.arms.items() if a.regimen is not None and a.regimen.minutes}
    planned = frame["USUBJID"].map(arm).map(minutes).astype("float64") * 60
    share = column(frame, "ON_SEC") / planned
    wrong = (share < context.limit("shortest")) | (share > context.limit("longest"))
    message = [f"is {100 * s:.0f} % of the time prescribed. It counts as it is; ask what happened." for s in share[wrong]]
    return offences(frame, wrong, column="ON_SEC", severity="W", message=message)


@rule("R41", "the skin stays below the limit of temperature", severity="E", domains=("DX",), phase=VALUES, limit=43)
def too_hot(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """TEMP_SKIN not above `limit` °C."""
    limit = context.limit("limit")
    wrong = column(frame, "TEMP_SKIN") > limit
    message = f"is above {limit:g} °C. A matter of safety: look at the subject and at the device; correct the value if it was not so."
    return offences(frame, wrong, column="TEMP_SKIN", severity="E", message=message)


@rule("R42", "the wavelength is that of the register", severity="Q", domains=("DX",), phase=VALUES, tells=True, tolerance_nm=10)
def other_wavelength(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """WAVELENGTH of a session, in a log that has it, against DI."""
    if "WAVELENGTH" not in frame.columns:
        context.remark("the log has no WAVELENGTH")
        return none()
    nominal = of_device(frame, context, "WAVELENGTH").astype("float64")
    wrong = (frame["WAVELENGTH"] - nominal).abs() > context.limit("tolerance_nm")
    message = [f"the register says {v:g} nm; the session is left out of the dose. Correct the one or the other." for v in nominal[wrong]]
    return offences(frame, wrong, column="WAVELENGTH", severity="Q", message=message)


@rule(
    "R50", "devices are calibrated and keep their output", severity="W/Q", domains=("DU", "DI"), phase=DATES, tells=True,
    warn_loss=0.20, quarantine_loss=0.50, days=90,
)  # fmt: skip
def calibration(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """Output on the bench (DUIRR) against the nominal one of DI; days between calibrations; devices in use that have none.

    Calibrations are kept whatever they say, for ADEX corrects the dose that the log reports by them (`sessions.calibration`).
    """
    if context.current == "DI":
        measured, used = context.domains.get("DU"), context.domains.get("DX")
        if measured is None or used is None:
            return none()
        never = frame["SPDEVID"].isin(used["SPDEVID"]) & ~frame["SPDEVID"].isin(measured["SPDEVID"])
        message = "the device was used and there is no calibration of it (DU); its dose is as the log says. Supply one."
        return offences(frame, never, column="SPDEVID", severity="W", message=message)
    day = context.days("DU", "DUDTC")["lo"]
    order = pd.DataFrame({"device": frame["SPDEVID"], "day": day}).sort_values(["device", "day"], kind="stable")
    wait = (order["day"] - order.groupby("device")["day"].shift()).dt.days.reindex(frame.index)
    late = wait > context.limit("days")
    message = [f"the calibration before was {w:.0f} days earlier (at most {context.limit('days'):g})." for w in wait[late]]
    parts = [offences(frame, late, column="DUDTC", severity="W", message=message)]
    nominal = of_device(frame, context, "IRRNOM").astype("float64")
    drift = column(frame, "DUIRR") / nominal.where(nominal > 0) - 1
    warn, limit = context.limit("warn_loss"), context.limit("quarantine_loss")
    for wrong, severity in (((drift.abs() > warn) & (drift.abs() <= limit), "W"), (drift.abs() > limit, "Q")):
        message = [
            f"differs by {100 * d:+.0f} % from the nominal {n:g} mW/cm²; the dose is corrected by `sessions.calibration`. "
            "Repair or replace the device."
            for d, n in zip(drift[wrong], nominal[wrong], strict=True)
        ]
        parts.append(offences(frame, wrong, column="DUIRR", severity=severity, effect="none", message=message))
    return pd.concat(parts)
