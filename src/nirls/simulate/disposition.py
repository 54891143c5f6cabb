"""DM, DS, SV and DV: who took part, what became of them, which visits were made, what deviated."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nirls.simulate.schedule import N_VISITS, TREATMENT_WEEKS, VISITS
from nirls.simulate.text import fixed, iso, numbered, table
from nirls.simulate.world import World, ordinals

_MISSED = (
    "PARTICIPANT UNABLE TO ATTEND",
    "PARTICIPANT TRAVELLING",
    "INTERCURRENT ILLNESS",
    "SCHEDULING ERROR AT SITE",
    "PARTICIPANT DID NOT APPEAR",
)


def demographics(world: World) -> pd.DataFrame:
    """DM: one row per screened subject."""
    p, trial = world.people, world.trial
    n = len(p)
    rand = (p["row"] >= 0).to_numpy()
    first, last = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    rows = p.loc[rand, "row"].to_numpy()
    first[rand], last[rand] = world.treatment_first[rows], world.treatment_last[rows]
    codes = np.array([arm.code for arm in trial.arms] + ["SCRNFAIL"])
    site = [trial.sites[k] for k in p["site"]]
    return table(
        {
            "STUDYID": trial.study,
            "USUBJID": p["usubjid"],
            "SUBJID": p["subjid"],
            "SITEID": [s.id for s in site],
            "REGION": [s.region for s in site],
            "BRTHDTC": iso(ordinals(p["birth"])),
            "AGE": [str(a) for a in p["age"]],
            "SEX": p["sex"],
            "RACE": p["race"],
            "HEIGHT": fixed(p["height"], 1),
            "WEIGHT": fixed(p["weight"], 1),
            "PHOTOTYPE": p["phototype"],
            "RFICDTC": iso(ordinals(p["consent"])),
            "RANDDTC": iso(np.where(rand, ordinals(p["baseline"]), 0)),
            "RANDNO": p["randno"],
            "RFSTDTC": iso(first),
            "RFENDTC": iso(last),
            "ARMCD": codes[p["arm"]],
            "ACTARMCD": codes[p["actual"]],
            "STRSEV": p["stratum"],
            "DTHDTC": "",
        },
        n,
    )


def disposition(world: World) -> pd.DataFrame:
    """DS: milestones, end of treatment and end of participation."""
    rng = world.stream("DS: screening")
    rows: list[tuple[str, str, str, str, str, str, int]] = []
    for i, person in enumerate(world.people.itertuples()):
        consent = person.consent.toordinal()
        rows.append(
            (person.usubjid, "PROTOCOL MILESTONE", "", "INFORMED CONSENT OBTAINED", "INFORMED CONSENT OBTAINED", "SCREENING", consent)
        )
        if person.row < 0:
            low = "IRLS total below 15 at screening" if person.fail_reason == "LOW" else "IRLS total below 15 at baseline"
            other = (
                "Prohibited concomitant medication",
                "Withdrew consent during screening",
                "Laboratory value outside the limits",
                "Other exclusion criterion met",
            )
            term = low if person.fail_reason.startswith("LOW") else other[i % 4]
            day = (
                person.baseline.toordinal()
                if person.fail_reason == "LOW AT BASELINE"
                else person.screening.toordinal() + int(rng.integers(0, 9))
            )
            rows.append((person.usubjid, "DISPOSITION EVENT", "STUDY PARTICIPATION", term, "SCREEN FAILURE", "SCREENING", day))
            continue
        k = person.row
        rows.append((person.usubjid, "PROTOCOL MILESTONE", "", "RANDOMIZED", "RANDOMIZED", "BASELINE", person.baseline.toordinal()))
        if world.treatment_reason[k]:
            term = world.treatment_reason[k]
            rows.append(
                (person.usubjid, "DISPOSITION EVENT", "STUDY TREATMENT", term.capitalize(), term, "TREATMENT", int(world.treatment_end[k]))
            )
        term = world.study_reason[k]
        epoch = "FOLLOW-UP" if world.course.exit_week[k] >= TREATMENT_WEEKS else "TREATMENT" if world.treatment_first[k] else "BASELINE"
        rows.append((person.usubjid, "DISPOSITION EVENT", "STUDY PARTICIPATION", term.capitalize(), term, epoch, int(world.study_end[k])))
    cells = list(zip(*rows, strict=True))
    frame = table(
        dict(zip(("USUBJID", "DSCAT", "DSSCAT", "DSTERM", "DSDECOD", "EPOCH"), cells[:6], strict=True)) | {"DSSTDTC": iso(cells[6])},
        len(rows),
    )
    frame = numbered(frame, "USUBJID", "DSSEQ")
    return frame[["USUBJID", "DSSEQ", "DSCAT", "DSSCAT", "DSTERM", "DSDECOD", "EPOCH", "DSSTDTC"]]


def visits(world: World) -> pd.DataFrame:
    """SV: every visit that took place, and the missed ones of subjects still in the study, with the reason."""
    rng = world.stream("SV: reasons")
    reasons = rng.integers(0, len(_MISSED), (world.n, N_VISITS))
    rows = []
    for person in world.people.itertuples():
        if person.row < 0:
            days = [person.screening.toordinal()] + ([person.baseline.toordinal()] if person.fail_reason == "LOW AT BASELINE" else [])
            rows += [(person.usubjid, visit, day, "") for visit, day in zip(VISITS, days, strict=False)]
            continue
        k = person.row
        for j, visit in enumerate(VISITS):
            if visit.week is None or visit.week <= world.course.exit_week[k]:
                day = int(world.visit_day[k, j])
                rows.append((person.usubjid, visit, day, "" if day else _MISSED[reasons[k, j]]))
    return table(
        {
            "USUBJID": [row[0] for row in rows],
            "VISITNUM": [str(row[1].num) for row in rows],
            "VISIT": [row[1].name for row in rows],
            "SVSTDTC": iso(row[2] for row in rows),
            "SVREASND": [row[3] for row in rows],
        },
        len(rows),
    )


def deviations(world: World) -> pd.DataFrame:
    """DV: what the sites and the monitor recorded as deviating from the protocol."""
    rows: list[tuple[int, str, str, int, str]] = []
    course, r = world.course, world.r
    sessions = (world.session_day > 0).sum(axis=(1, 2))
    prescribed = 3 * np.clip(course.stop_week, 0, TREATMENT_WEEKS)
    for k in range(world.n):
        day = int(r["baseline"][k].toordinal())
        if r["deviation"][k]:
            rows.append((k, "ELIGIBILITY CRITERIA NOT MET", "Randomized with an IRLS total below 15 at baseline", day, "2"))
        if r["stratum_error"][k]:
            rows.append((k, "STRATIFICATION ERROR", "Severity stratum entered wrongly at randomization", day, "2"))
        if r["swapped"][k]:
            rows.append((k, "WRONG DEVICE DISPENSED", "Device of another participant dispensed at baseline", int(world.day1[k]), "2"))
        if course.rescue_week[k] <= TREATMENT_WEEKS:
            day = int(world.day1[k] + 7 * (course.rescue_week[k] - 1))
            rows.append(
                (
                    k,
                    "PROHIBITED CONCOMITANT MEDICATION",
                    "Medication for restless legs syndrome started or increased during treatment",
                    day,
                    "",
                )
            )
        if world.on_device[k] and prescribed[k] >= 12 and sessions[k] < 0.6 * prescribed[k]:
            rows.append(
                (
                    k,
                    "TREATMENT NON-COMPLIANCE",
                    f"{sessions[k]} of {int(prescribed[k])} prescribed sessions delivered",
                    int(world.treatment_end[k]),
                    "",
                )
            )
        for j, visit in enumerate(VISITS):
            week = visit.week
            missed = week is not None and 0 < week <= course.exit_week[k] and world.visit_day[k, j] == 0
            if missed and week <= TREATMENT_WEEKS:
                rows.append((k, "VISIT NOT DONE", f"{visit.name} visit missed", int(world.day1[k] + visit.target - 1), str(visit.num)))
    frame = table(
        {
            "USUBJID": [r["usubjid"][row[0]] for row in rows],
            "DVCAT": [row[1] for row in rows],
            "DVTERM": [row[2] for row in rows],
            "DVSTDTC": iso(row[3] for row in rows),
            "VISITNUM": [row[4] for row in rows],
        },
        len(rows),
    )
    frame = numbered(frame.sort_values(["USUBJID", "DVSTDTC"], kind="stable").reset_index(drop=True), "USUBJID", "DVSEQ")
    return frame[["USUBJID", "DVSEQ", "DVCAT", "DVTERM", "DVSTDTC", "VISITNUM"]]
