"""The trial as it really happened, before anyone wrote it down: visits and treatment in days."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nirls.simulate.config import Arm, Trial
from nirls.simulate.course import Course
from nirls.simulate.latent import Subjects
from nirls.simulate.population import Roster
from nirls.simulate.schedule import N_VISITS, TREATMENT_WEEKS, VISITS
from nirls.simulate.streams import stream

DayArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What the domains are written from. Days are proleptic ordinals; 0 means that it did not take place.

    Attributes
    ----------
    people : pandas.DataFrame
        All screened subjects, one row each.
    r : pandas.DataFrame
        The randomized subjects, in the order of the arrays below (n rows).
    day1 : array (n,)
        Study day 1: first treatment, or randomization where there was none.
    visit_day : array (n, visits)
        Day of each attended visit.
    session_day : array (n, 12, 3)
        Day of each delivered device session; empty for the drug.
    treatment_first, treatment_last : array (n,)
        First and last day of treatment.
    treatment_end, study_end : array (n,)
        Day of the decision to end treatment and of the end of participation.
    treatment_reason, study_reason : list of str
        COMPLETED or the reason for stopping; empty where treatment never began.
    """

    trial: Trial
    people: pd.DataFrame
    r: pd.DataFrame
    subjects: Subjects
    course: Course
    screening: Course
    day1: DayArray
    visit_day: DayArray
    session_day: DayArray
    treatment_first: DayArray
    treatment_last: DayArray
    treatment_end: DayArray
    study_end: DayArray
    treatment_reason: list[str]
    study_reason: list[str]

    @property
    def n(self) -> int:
        """Number of randomized subjects."""
        return len(self.r)

    @property
    def actual(self) -> list[Arm]:
        """Arm each randomized subject actually received."""
        return [self.trial.arms[k] for k in self.r["actual"]]

    @property
    def on_device(self) -> NDArray[np.bool_]:
        """Whether a subject's arm uses a device."""
        return np.array([self.trial.arms[k].kind != "drug" for k in self.r["arm"]])

    def stream(self, name: str) -> np.random.Generator:
        """The random stream of a domain."""
        return stream(self.trial.seed, name)


def ordinals(values: pd.Series) -> DayArray:
    """Dates as proleptic ordinals; 0 for none."""
    return np.array([max(value.toordinal(), 1) - (value.year == 1) for value in values], dtype=np.int64)


def visit_days(rng: np.random.Generator, n: int) -> DayArray:
    """Days from study day 1 to each visit of n subjects, within two days of its target; shape (n, visits)."""
    jitter = rng.choice([-2, -1, 0, 1, 2], size=(n, N_VISITS), p=[0.08, 0.20, 0.44, 0.20, 0.08])
    return np.array([visit.target for visit in VISITS]) - 1 + jitter


def session_days(rng: np.random.Generator, n: int) -> DayArray:
    """Days from study day 1 to each of three sessions a week of n subjects; shape (n, 12, 3)."""
    late = rng.integers(0, 2, (n, TREATMENT_WEEKS, 3))
    late[:, 0, 0] = 0
    return 7 * np.arange(TREATMENT_WEEKS)[None, :, None] + 2 * np.arange(3)[None, None, :] + late


def _visit_days(trial: Trial, r: pd.DataFrame, course: Course, day1: DayArray) -> DayArray:
    days = day1[:, None] + visit_days(stream(trial.seed, "SV"), len(r))
    days[:, 0], days[:, 1] = ordinals(r["screening"]), ordinals(r["baseline"])
    return np.where(course.attended, days, 0)


def _reasons(world_rng: np.random.Generator, subjects: Subjects, course: Course, on_device: NDArray) -> tuple[list[str], list[str]]:
    treatment, study = [], []
    u = world_rng.random(len(subjects))
    unhappy = (
        ["LACK OF EFFICACY", "WITHDRAWAL BY SUBJECT", "LOST TO FOLLOW-UP", "PHYSICIAN DECISION", "PROTOCOL DEVIATION", "DEVICE FAILURE"],
        [0.45, 0.70, 0.85, 0.93, 0.97],
    )
    other = (unhappy[0], [0.03, 0.45, 0.75, 0.86, 0.94])
    for i in range(len(subjects)):
        names, cuts = unhappy if course.stop_change[i] > -3 else other
        reason = names[int(np.searchsorted(cuts, subjects.u_reason[i]))]
        if course.stop_by_ae[i]:
            reason = "ADVERSE EVENT"
        elif (reason == "LOST TO FOLLOW-UP" and course.retrieved[i]) or (reason == "DEVICE FAILURE" and not on_device[i]):
            reason = "WITHDRAWAL BY SUBJECT"
        stopped = course.stop_week[i] < TREATMENT_WEEKS
        treatment.append("" if course.stop_week[i] < 0 else reason if stopped else "COMPLETED")
        if course.exit_week[i] >= VISITS[-1].week:
            study.append("COMPLETED")
        elif course.stop_week[i] < 0:
            study.append("WITHDRAWAL BY SUBJECT")
        elif stopped and not course.retrieved[i]:
            study.append(reason)
        else:
            study.append("LOST TO FOLLOW-UP" if u[i] < 0.55 else "WITHDRAWAL BY SUBJECT")
    return treatment, study


def happen(trial: Trial, roster: Roster) -> World:
    """Put the course of every randomized subject on the calendar."""
    r, course, subjects = roster.randomized, roster.course, roster.subjects
    n = len(r)
    day1 = ordinals(r["day1"])
    start = ordinals(r["start"])
    visit_day = _visit_days(trial, r, course, day1)
    on_device = np.array([trial.arms[k].kind != "drug" for k in r["arm"]])

    rng = stream(trial.seed, "sessions: days")
    plan = day1[:, None, None] + session_days(rng, n)
    session_day = np.where(course.delivered & on_device[:, None, None], plan, 0)
    few = rng.integers(2, 6, n)
    drug_last = np.where(course.stop_week > 0, day1 + 7 * course.stop_week.astype(int) - 1, day1 + few)
    last = np.where(start > 0, np.where(on_device, session_day.reshape(n, -1).max(axis=1), drug_last), 0)

    rng = stream(trial.seed, "DS")
    treatment_reason, study_reason = _reasons(rng, subjects, course, on_device)
    pause, farewell = rng.integers(0, 6, n), rng.integers(1, 15, n)
    finished = course.stop_week == TREATMENT_WEEKS
    week12 = visit_day[:, [v.week for v in VISITS].index(TREATMENT_WEEKS)]
    treatment_end = np.where(last > 0, np.where(finished, np.maximum(last, week12), last + pause), 0)
    last_seen = np.maximum(visit_day.max(axis=1), treatment_end)
    completed = np.array([reason == "COMPLETED" for reason in study_reason])
    study_end = np.where(completed, last_seen, last_seen + farewell)
    return World(
        trial=trial,
        people=roster.people,
        r=r,
        subjects=subjects,
        course=course,
        screening=roster.screening,
        day1=day1,
        visit_day=visit_day,
        session_day=session_day,
        treatment_first=start,
        treatment_last=last,
        treatment_end=treatment_end,
        study_end=study_end,
        treatment_reason=treatment_reason,
        study_reason=study_reason,
    )
