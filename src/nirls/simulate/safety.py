"""AE and DE: adverse events and device deficiencies."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nirls.simulate.config import Arm
from nirls.simulate.devices import Fleet
from nirls.simulate.text import iso, numbered, table
from nirls.simulate.world import World

MEDDRA = "27.0"
# term as written, preferred term, system organ class, share of subjects with it by kind of arm (light, sham, drug), due to the device
_TERMS = (
    ("Warm feeling of the skin", "Skin warm", "Skin and subcutaneous tissue disorders", 0.060, 0.030, 0.0, True),
    ("Redness at treated skin", "Erythema", "Skin and subcutaneous tissue disorders", 0.040, 0.012, 0.003, True),
    ("Itching of the calves", "Pruritus", "Skin and subcutaneous tissue disorders", 0.025, 0.015, 0.010, True),
    ("Superficial burn of the calf", "Thermal burn", "Injury, poisoning and procedural complications", 0.004, 0.0, 0.0, True),
    ("Headache", "Headache", "Nervous system disorders", 0.080, 0.080, 0.090, False),
    ("Dizziness", "Dizziness", "Nervous system disorders", 0.018, 0.018, 0.210, False),
    ("Sleepiness", "Somnolence", "Nervous system disorders", 0.012, 0.012, 0.170, False),
    ("Tired eyes", "Asthenopia", "Eye disorders", 0.015, 0.010, 0.004, True),
    ("Blurred vision", "Vision blurred", "Eye disorders", 0.003, 0.003, 0.045, False),
    ("Weight gain", "Weight increased", "Investigations", 0.006, 0.006, 0.075, False),
    ("Swelling of the ankles", "Oedema peripheral", "General disorders and administration site conditions", 0.006, 0.006, 0.060, False),
    ("Common cold", "Nasopharyngitis", "Infections and infestations", 0.085, 0.085, 0.085, False),
    ("Urinary tract infection", "Urinary tract infection", "Infections and infestations", 0.022, 0.022, 0.022, False),
    ("Low back pain", "Back pain", "Musculoskeletal and connective tissue disorders", 0.030, 0.030, 0.030, False),
    ("Nausea", "Nausea", "Gastrointestinal disorders", 0.020, 0.020, 0.050, False),
    ("Worsening of restless legs", "Restless legs syndrome", "Nervous system disorders", 0.016, 0.026, 0.020, False),
)
_SERIOUS = (
    ("Hospitalisation for pneumonia", "Pneumonia", "Infections and infestations"),
    ("Hip fracture after a fall", "Hip fracture", "Injury, poisoning and procedural complications"),
    ("Acute appendicitis", "Appendicitis", "Infections and infestations"),
    ("Atrial fibrillation, admitted", "Atrial fibrillation", "Cardiac disorders"),
)
_COLUMNS = (
    "USUBJID", "AETERM", "AEDECOD", "AEBODSYS", "MEDDRAV", "AESTDTC", "AEENDTC", "AESEV", "AESER", "AESERCRIT", "AEREL_DEV", "AEREL_PROC",
    "ANTICIP", "AEACNDEV", "AEOUT", "SPDEVID",
)  # fmt: skip


def share(arm: Arm, preferred: str) -> float:
    """Chance that a treated subject of the arm has an event of the kind, apart from one that stops treatment."""
    term = next(t for t in _TERMS if t[1] == preferred)
    column = {"nir": 3, "sham": 4, "drug": 5}[arm.kind]
    grows = 0.6 + 0.4 * arm.fluence / 54 + 0.3 * (arm.irradiance > 45) if arm.kind == "nir" and term[6] else 1.0
    return float(term[column]) * grows


def stopping_event(arm: Arm) -> tuple[str, str, str]:
    """Term, preferred term and system organ class of an event that stops treatment."""
    if arm.kind == "drug":
        return ("Dizziness", "Dizziness", "Nervous system disorders")
    return ("Redness at treated skin", "Erythema", "Skin and subcutaneous tissue disorders")


def adverse_events(world: World, devices: Fleet) -> pd.DataFrame:
    """AE: events of randomized subjects from first treatment to the end of participation, some before treatment."""
    rng, course = world.stream("AE"), world.course
    rows: list[tuple[str, ...]] = []
    serious_first = np.where(world.on_device, 0.0022, 0.003) * 2.3
    for k, arm in enumerate(world.actual):
        u, when, u2 = rng.random(len(_TERMS) + 4), rng.random(len(_TERMS) + 4), rng.random((len(_TERMS) + 4, 6))
        first, last, end = int(world.treatment_first[k]), int(world.treatment_last[k]), int(world.study_end[k])
        if first == 0:
            continue
        mine: list[tuple[int, tuple[str, str, str], bool, int, bool]] = []  # index, names, device-related, day, stops treatment
        for j, term in enumerate(_TERMS):
            if u[j] < share(arm, term[1]):
                early = when[j] ** 1.7 if term[6] else when[j]
                span = (last if term[6] or arm.kind == "drug" else end) - first
                mine.append((j, term[:3], term[6], first + int(early * max(span, 0)), False))
        if course.augmented[k]:
            day = first + 7 * int(world.subjects.augmentation_week[k] + 1)
            if day <= end:
                names = (
                    "Earlier and stronger symptoms under treatment",
                    "Augmentation of restless legs syndrome",
                    "Nervous system disorders",
                )
                mine.append((len(_TERMS), names, False, day, False))
        if course.stop_by_ae[k]:
            mine.append((len(_TERMS) + 1, stopping_event(arm), arm.kind == "nir", max(last - int(3 * when[-1]), first), True))
        if u[-1] < serious_first[k]:
            mine.append((len(_TERMS) + 2, _SERIOUS[int(4 * u2[-1, 0])], False, first + int(when[-2] * (end - first)), False))
        for j, names, device, day, stops in sorted(mine, key=lambda x: (x[3], x[0])):
            serious = j == len(_TERMS) + 2
            v = u2[j]
            length = int(1 + 12 * v[0] ** 2) + (10 if serious else 0)
            ongoing = v[1] < 0.07 or day + length > end
            grade = 3 if serious or v[2] > 0.975 else 2 if v[2] > 0.72 or stops else 1
            relation = "NOT"
            if device:
                relation = "CAUSAL" if v[3] < 0.12 else "PROBABLE" if v[3] < 0.45 else "POSSIBLE"
            elif v[3] < 0.06 and world.on_device[k]:
                relation = "POSSIBLE"
            procedure = "POSSIBLE" if device and v[4] < 0.1 else "NOT"
            related = relation != "NOT" or procedure != "NOT"
            action = (
                "NOT APPLICABLE" if arm.kind == "drug" else "WITHDRAWN" if stops else "INTERRUPTED" if device and v[5] < 0.12 else "NONE"
            )
            dates = iso([day, 0 if ongoing else min(day + length, end)])
            used = devices.device(k, day) if related and world.on_device[k] else ""
            seriousness = ("Y", "HOSPITALIZATION") if serious else ("N", "")
            outcome = "NOT RECOVERED" if ongoing else "RECOVERED"
            relations = (relation, procedure, "Y" if device else "N", action, outcome, used)
            rows.append((world.r["usubjid"][k], *names, MEDDRA, *dates, str(grade), *seriousness, *relations))
    frame = numbered(table(dict(zip(_COLUMNS, zip(*rows, strict=True), strict=True)), len(rows)), "USUBJID", "AESEQ")
    return frame[["USUBJID", "AESEQ", *_COLUMNS[1:]]]


_DEFICIENCIES = (
    ("MALFUNCTION", "Pad does not switch on"),
    ("MALFUNCTION", "Display shows an error and stops"),
    ("MALFUNCTION", "One row of diodes dark"),
    ("MALFUNCTION", "Battery does not charge"),
    ("USE ERROR", "Pad worn inside out"),
    ("USE ERROR", "Charger of another appliance used"),
    ("LABELLING", "Instruction leaflet in the wrong language"),
)


def deficiencies(world: World, devices: Fleet, rate: float = 0.004) -> pd.DataFrame:
    """DE: about `rate` deficiencies per session, and one for each replaced device."""
    rng = world.stream("DE")
    rows = []
    for k in np.flatnonzero(world.on_device):
        days = np.sort(world.session_day[k][world.session_day[k] > 0])
        for day in days[rng.random(len(days)) < rate]:
            category, term = _DEFICIENCIES[int(rng.integers(0, len(_DEFICIENCIES)))]
            rows.append((devices.device(k, int(day)), world.r["usubjid"][k], category, term, "Y" if rng.random() < 0.06 else "N", int(day)))
        if devices.second[k]:
            rows.append(
                (
                    devices.first[k],
                    world.r["usubjid"][k],
                    "MALFUNCTION",
                    "Device failed and was replaced",
                    "N",
                    int(devices.replaced_day[k]) - 1,
                )
            )
    rows.sort(key=lambda row: (row[1], row[5], row[3]))
    cells = list(zip(*rows, strict=True))
    frame = table(
        {"SPDEVID": cells[0], "USUBJID": cells[1], "DECAT": cells[2], "DETERM": cells[3], "DESADE": cells[4], "DESTDTC": iso(cells[5])},
        len(rows),
    )
    frame = numbered(frame, "USUBJID", "DESEQ")
    return frame[["SPDEVID", "USUBJID", "DESEQ", "DECAT", "DETERM", "DESADE", "DESTDTC"]]
