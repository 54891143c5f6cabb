"""LB, VS and MK: laboratory, vital signs with skin grade, and mechanism markers."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nirls.simulate.schedule import TREATMENT_WEEKS, VISITS
from nirls.simulate.text import fixed, iso, table
from nirls.simulate.world import World

STO2_LEVEL, STO2_LEVEL_SD, STO2_MICROVASCULAR, STO2_ERROR = 62.0, 4.5, -3.0, 1.5
"""Measured tissue oxygenation, %: mean and SD between subjects, difference with microvascular involvement, SD of one measurement."""


def oxygenation(level: NDArray, gain: NDArray, error: NDArray) -> NDArray[np.float64]:
    """Tissue oxygenation as measured, %, before it is written with one decimal."""
    return (level + gain + error).clip(35, 95)


def _visits(world: World, keep: tuple[int | None, ...]) -> tuple[NDArray, NDArray, dict[str, list[str]]]:
    chosen = np.array([visit.week in keep for visit in VISITS])
    subject, visit = np.nonzero((world.visit_day > 0) & chosen)
    ids, names = world.r["usubjid"].to_numpy(), np.array([v.name for v in VISITS])
    head = {"USUBJID": list(ids[subject]), "VISITNUM": [str(VISITS[j].num) for j in visit], "VISIT": list(names[visit])}
    return subject, visit, head


def laboratory(world: World) -> pd.DataFrame:
    """LB: ferritin (µg/L), transferrin saturation (%) and eGFR (mL/min/1.73 m²) at screening, baseline, weeks 4 and 12."""
    rng, s = world.stream("LB"), world.subjects
    n = world.n
    low = np.where(s.kidney, 22.0, 64.0)
    high = np.where(s.kidney, 58.0, 118.0)
    egfr = low + (high - low) * rng.beta(2.2, 2.0, n)
    saturation = 25 + 6.5 * (0.5 * s.log_ferritin + np.sqrt(0.75) * rng.standard_normal(n))
    subject, visit, head = _visits(world, (None, 0, 4, TREATMENT_WEEKS))
    m = len(subject)
    ferritin = np.exp(np.log(62) + 0.62 * s.log_ferritin[subject] + 0.10 * rng.standard_normal(m)).clip(4, 600)
    columns = {
        "LBDTC": iso(world.visit_day[subject, visit]),
        "FERRITIN": fixed(ferritin, 0),
        "TSAT": fixed((saturation[subject] + rng.normal(0, 1.6, m)).clip(5, 60), 0),
        "EGFR": fixed((egfr[subject] + rng.normal(0, 3, m)).clip(12, 130), 0),
    }
    return table(head | columns, m)


def vital_signs(world: World) -> pd.DataFrame:
    """VS: blood pressure (mmHg), pulse (/min), temperature (°C) and skin reaction grade 0–4, screening to week 12 and week 21."""
    rng, s = world.stream("VS"), world.subjects
    n = world.n
    age = world.r["age"].to_numpy()
    systolic = rng.normal(116, 11, n) + 0.35 * (age - 40) + 6 * s.kidney
    diastolic, pulse = rng.normal(76, 8, n), rng.normal(71, 9, n)
    subject, visit, head = _visits(world, (None, 0, 1, 2, 3, 4, 6, 8, 10, TREATMENT_WEEKS, 21))
    m = len(subject)
    week = np.array([VISITS[j].week or 0 for j in visit])
    arms = world.actual
    irradiance = np.array([a.irradiance if a.kind == "nir" else 0.0 for a in arms])[subject]
    fluence = np.array([a.fluence if a.kind == "nir" else 0.0 for a in arms])[subject]
    dark = np.isin(world.r["phototype"].to_numpy(), ["V", "VI"])[subject]
    treated = (week > 0) & (week <= TREATMENT_WEEKS) & (world.course.stop_week[subject] >= week) & world.on_device[subject]
    chance = np.where(treated, 0.015 + 0.0006 * fluence + 0.0008 * irradiance * (irradiance > 0) + 0.01 * (dark & (irradiance > 0)), 0.004)
    grade = (rng.random(m) < chance).astype(int) * (1 + (rng.random(m) < 0.18))
    columns = {
        "VSDTC": iso(world.visit_day[subject, visit]),
        "SYSBP": fixed((systolic[subject] + rng.normal(0, 7, m)).clip(86, 192), 0),
        "DIABP": fixed((diastolic[subject] + rng.normal(0, 5, m)).clip(48, 112), 0),
        "PULSE": fixed((pulse[subject] + rng.normal(0, 5, m)).clip(46, 118), 0),
        "TEMP": fixed(rng.normal(36.6, 0.25, m).clip(35.6, 37.7), 1),
        "SKINGR": [str(g) for g in grade],
    }
    return table(head | columns, m)


def markers(world: World) -> pd.DataFrame:
    """MK: tissue oxygenation (%), skin flux (perfusion units) and periodic limb movements (/h) at baseline, weeks 2, 4 and 12.

    Oxygenation carries part of the effect of light; limb movements hardly respond to sham.
    """
    rng, s = world.stream("MK"), world.subjects
    n = world.n
    base_oxygen = rng.normal(STO2_LEVEL, STO2_LEVEL_SD, n) + STO2_MICROVASCULAR * s.microvascular
    base_flux = np.exp(rng.normal(np.log(38), 0.35, n) - 0.15 * s.microvascular)
    movements = np.exp(rng.normal(np.log(21), 0.75, n))
    subject, visit, head = _visits(world, (0, 2, 4, TREATMENT_WEEKS))
    m = len(subject)
    week = np.array([VISITS[j].week for j in visit])
    gain = world.course.oxygenation[subject, week] * (week > 0)
    state = world.course.state[subject, week]
    arms = world.actual
    light = np.array([a.kind == "nir" for a in arms])[subject]
    drug = np.array([a.kind == "drug" for a in arms])[subject]
    effect = np.where(light, gain / world.trial.treatment.oxygenation_gain, 0)
    factor = np.exp(-0.22 * effect - 0.28 * drug * state - 0.02 * (week > 0))
    columns = {
        "MKDTC": iso(world.visit_day[subject, visit]),
        "STO2": fixed(oxygenation(base_oxygen[subject], gain, rng.normal(0, STO2_ERROR, m)), 1),
        "FLUX": fixed((base_flux[subject] * np.exp(0.05 * gain + rng.normal(0, 0.12, m))).clip(4, 400), 1),
        "PLMI": fixed((movements[subject] * factor * np.exp(rng.normal(0, 0.22, m))).clip(0, 160), 1),
    }
    return table(head | columns, m)
