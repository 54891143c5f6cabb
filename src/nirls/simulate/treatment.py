"""EX, MH and CM: the prescribed regimen, the medical history and the other medicines."""

from __future__ import annotations

import pandas as pd

from nirls.simulate.course import NOT
from nirls.simulate.text import iso, numbered, table
from nirls.simulate.world import World

_HISTORY = (  # term, share of the population
    ("HYPERTENSION", 0.34), ("TYPE 2 DIABETES MELLITUS", 0.11), ("HYPOTHYROIDISM", 0.09), ("OSTEOARTHRITIS", 0.16), ("DEPRESSION", 0.13),
    ("MIGRAINE", 0.09), ("INSOMNIA", 0.17), ("ASTHMA", 0.07), ("VARICOSE VEINS", 0.10), ("PHOTOSENSITIVITY REACTION", 0.015),
)  # fmt: skip
_BACKGROUND = (  # name as written, standard name, class, dose, unit, share
    ("ramipril", "RAMIPRIL", "ACE INHIBITORS", "5", "mg", 0.15),
    ("amlodipine", "AMLODIPINE", "CALCIUM CHANNEL BLOCKERS", "5", "mg", 0.10),
    ("levothyroxine", "LEVOTHYROXINE SODIUM", "THYROID HORMONES", "75", "ug", 0.09),
    ("metformin", "METFORMIN", "BIGUANIDES", "850", "mg", 0.09),
    ("hydrochlorothiazide", "HYDROCHLOROTHIAZIDE", "THIAZIDES", "12.5", "mg", 0.07),
    ("ibuprofen", "IBUPROFEN", "NSAIDS", "400", "mg", 0.12),
    ("naproxen", "NAPROXEN", "NSAIDS", "250", "mg", 0.03),
    ("doxycycline", "DOXYCYCLINE", "TETRACYCLINES", "100", "mg", 0.015),
    ("atorvastatin", "ATORVASTATIN", "STATINS", "20", "mg", 0.17),
    ("vitamin D", "COLECALCIFEROL", "VITAMINS", "1000", "IU", 0.14),
)
_RLS_STABLE = (
    ("ferrous sulphate", "FERROUS SULFATE", "IRON PREPARATIONS", "325", "mg"),
    ("pramipexole", "PRAMIPEXOLE", "DOPAMINE AGONISTS", "0.25", "mg"),
    ("ropinirole", "ROPINIROLE", "DOPAMINE AGONISTS", "1", "mg"),
    ("gabapentin", "GABAPENTIN", "ALPHA-2-DELTA LIGANDS", "300", "mg"),
)
_RESCUE = (
    ("levodopa/benserazide", "LEVODOPA/BENSERAZIDE", "DOPA DERIVATIVES", "100", "mg"),
    ("pramipexole", "PRAMIPEXOLE", "DOPAMINE AGONISTS", "0.125", "mg"),
    ("gabapentin", "GABAPENTIN", "ALPHA-2-DELTA LIGANDS", "300", "mg"),
    ("tramadol", "TRAMADOL", "OPIOIDS", "50", "mg"),
)


def exposure(world: World) -> pd.DataFrame:
    """EX: the regimen prescribed over the time of treatment, as the site recorded the actual device or drug."""
    rows: list[tuple[str, str, str, str, str, int, int]] = []
    for k, arm in enumerate(world.actual):
        first, last = int(world.treatment_first[k]), int(world.treatment_last[k])
        if first == 0:
            continue
        who = world.r["usubjid"][k]
        if arm.kind == "drug":
            if last - first >= 7:
                rows.append((who, "PREGABALIN", "150", "mg", "ONCE DAILY", first, first + 6))
                rows.append((who, "PREGABALIN", "300", "mg", "ONCE DAILY", first + 7, last))
            else:
                rows.append((who, "PREGABALIN", "150", "mg", "ONCE DAILY", first, last))
            continue
        name = "SHAM LIGHT" if arm.kind == "sham" else f"LIGHT {arm.wavelength} NM"
        rows.append((who, name, f"{arm.fluence:.0f}", "J/cm2", "3 TIMES PER WEEK", first, last))
    cells = list(zip(*rows, strict=True))
    frame = table(
        dict(zip(("USUBJID", "EXTRT", "EXDOSE", "EXDOSU", "EXFREQ"), cells[:5], strict=True))
        | {"EXSTDTC": iso(cells[5]), "EXENDTC": iso(cells[6])},
        len(rows),
    )
    frame = numbered(frame, "USUBJID", "EXSEQ")
    return frame[["USUBJID", "EXSEQ", "EXTRT", "EXDOSE", "EXDOSU", "EXFREQ", "EXSTDTC", "EXENDTC"]]


def history(world: World) -> pd.DataFrame:
    """MH: the type of restless legs syndrome, conditions that may modify the response, and other history."""
    rng, s = world.stream("MH"), world.subjects
    rows: list[tuple[str, str, str, str, int]] = []
    years = rng.gamma(2.2, 5.0, world.n) + 1
    chance, ago = rng.random((world.n, len(_HISTORY))), rng.uniform(0.5, 15, (world.n, len(_HISTORY) + 6))
    stage = rng.integers(0, 3, world.n)
    for k in range(world.n):
        who, today = world.r["usubjid"][k], int(world.r["consent"][k].toordinal())
        day = lambda x: int(today - 365.25 * x)  # noqa: E731, B023
        onset = min(float(years[k]), float(world.r["age"][k]) - 12)
        if s.secondary[k]:
            cause = "renal disease" if s.kidney[k] else "neuropathy" if s.neuropathy[k] else "iron deficiency"
            rows.append((who, f"Secondary restless legs syndrome, {cause}", "SECONDARY RLS", "RLS HISTORY", day(onset)))
        else:
            rows.append((who, "Idiopathic restless legs syndrome", "PRIMARY RLS", "RLS HISTORY", day(onset)))
        if s.refractory[k]:
            rows.append(
                (who, "Insufficient response to at least two medicines", "REFRACTORY RLS", "RLS HISTORY", day(min(onset, ago[k, -1] / 3)))
            )
        if s.dopamine[k]:
            rows.append(
                (
                    who,
                    "Previous treatment with a dopamine agonist",
                    "PRIOR DOPAMINE AGONIST",
                    "RLS HISTORY",
                    day(min(onset, ago[k, -2] / 2)),
                )
            )
        if s.microvascular[k]:
            rows.append((who, "Microvascular involvement of the lower legs", "MICROVASCULAR DISEASE", "GENERAL", day(ago[k, -3])))
        if s.neuropathy[k]:
            rows.append((who, "Peripheral sensory neuropathy", "NEUROPATHY", "GENERAL", day(ago[k, -4])))
        if s.kidney[k]:
            rows.append(
                (who, f"Chronic kidney disease stage {('3a', '3b', '4')[stage[k]]}", "CHRONIC KIDNEY DISEASE", "GENERAL", day(ago[k, -5]))
            )
        for j, (term, share) in enumerate(_HISTORY):
            if chance[k, j] < share:
                rows.append((who, term.capitalize(), term, "GENERAL", day(ago[k, j])))
    cells = list(zip(*rows, strict=True))
    frame = table(dict(zip(("USUBJID", "MHTERM", "MHDECOD", "MHCAT"), cells[:4], strict=True)) | {"MHSTDTC": iso(cells[4])}, len(rows))
    frame = numbered(frame, "USUBJID", "MHSEQ")
    return frame[["USUBJID", "MHSEQ", "MHTERM", "MHDECOD", "MHCAT", "MHSTDTC"]]


def medication(world: World) -> pd.DataFrame:
    """CM: background medicines, stable medicines for restless legs syndrome, and rescue medication."""
    rng, course = world.stream("CM"), world.course
    rows: list[tuple[str, ...]] = []
    n = world.n
    chance, ago = rng.random((n, len(_BACKGROUND))), rng.uniform(90, 3000, (n, len(_BACKGROUND) + 1)).astype(int)
    stable, kind = rng.random(n) < 0.24, rng.integers(0, len(_RLS_STABLE), n)
    acute, acute_at = rng.random(n) < 0.30, rng.uniform(0.05, 0.9, n)
    rescue_kind, rescue_days, rescue_delay = rng.integers(0, len(_RESCUE), n), rng.integers(7, 60, n), rng.integers(0, 5, n)
    open_end = rng.random(n) < 0.5
    for k in range(n):
        who, consent = world.r["usubjid"][k], int(world.r["consent"][k].toordinal())
        mine: list[tuple[tuple[str, ...], int, int, str, str]] = []
        for j, (*drug, share) in enumerate(_BACKGROUND):
            if chance[k, j] < share:
                mine.append((tuple(drug), consent - int(ago[k, j]), 0, "N", "N"))
        if stable[k]:
            mine.append((_RLS_STABLE[kind[k]], consent - int(ago[k, -1]), 0, "Y", "N"))
        length = int(world.study_end[k] - world.day1[k])
        if acute[k] and length > 20:
            start = int(world.day1[k] + acute_at[k] * (length - 10))
            mine.append((("paracetamol", "PARACETAMOL", "ANALGESICS", "500", "mg"), start, start + 1 + int(rescue_delay[k]), "N", "N"))
        if course.rescue_week[k] < NOT:
            start = int(world.day1[k] + 7 * (course.rescue_week[k] - 1) + rescue_delay[k] % 3)
            end = start + int(rescue_days[k])
            over = open_end[k] or end > world.study_end[k]
            mine.append((_RESCUE[rescue_kind[k]], start, 0 if over else end, "Y", "Y"))
        for drug, start, end, rls, rescue in mine:
            rows.append((who, *drug, *iso([start, end]), rls, rescue))
    names = ("USUBJID", "CMTRT", "CMDECOD", "CMCLAS", "CMDOSE", "CMDOSU", "CMSTDTC", "CMENDTC", "CMRLSFL", "CMRESCFL")
    frame = numbered(table(dict(zip(names, zip(*rows, strict=True), strict=True)), len(rows)), "USUBJID", "CMSEQ")
    return frame[["USUBJID", "CMSEQ", *names[1:]]]
