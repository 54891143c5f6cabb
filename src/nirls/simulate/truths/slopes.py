"""Slopes of the mean under treatment and after it, and the means after treatment."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nirls.simulate.config import Trial
from nirls.simulate.course import run
from nirls.simulate.latent import Subjects
from nirls.simulate.schedule import TREATMENT_WEEKS, VISITS, WEEK_INDEX
from nirls.simulate.truths.means import Means, versus

FIRST = 4  # maintenance begins
LATE = tuple(week for visit in VISITS if (week := visit.week) is not None and week > TREATMENT_WEEKS)

DEFINITION = {
    "slope": (
        "Treatment policy, points of the total per week: the least-squares line through the true means at the visits, each visit with"
        " the same weight; weeks 4–12 (visits of weeks 4, 6, 8, 10, 12) and weeks 12–21 (ten weekly visits) each by itself. “Joined"
        " lines”: one line through the visits of weeks 4–21 that bends at week 12; as the loss after treatment is no straight line,"
        " its slope before week 12 is not that of weeks 4–12. A difference above 0 means that benefit is lost."
    ),
    "mean change after week 12": "As under treatment; new medication happens, leaving the study takes no value away.",
    "pool": "“All 850 nm” is the plain mean of the arms with that wavelength.",
}


def _weights() -> dict[str, tuple[list[int], NDArray[np.float64]]]:
    """Visits and weights with which each slope is a sum of means."""
    weeks = np.array(sorted(week for week in WEEK_INDEX if week >= FIRST), dtype=float)

    def slope(used: NDArray, design: NDArray) -> tuple[list[int], NDArray[np.float64]]:
        return [WEEK_INDEX[int(week)] for week in used], np.linalg.pinv(design)[1:]

    under, after = weeks[weeks <= TREATMENT_WEEKS], weeks[weeks >= TREATMENT_WEEKS]
    visits, joined = slope(weeks, np.column_stack([np.ones_like(weeks), weeks, np.maximum(weeks - TREATMENT_WEEKS, 0)]))
    lines = {}
    for name, used in ((f"weeks {FIRST}–{TREATMENT_WEEKS}", under), (f"weeks {TREATMENT_WEEKS}–{int(weeks[-1])}", after)):
        place, weight = slope(used, np.column_stack([np.ones_like(used), used]))
        lines[name] = (place, weight[0])
    lines[f"joined lines, before week {TREATMENT_WEEKS}"] = (visits, joined[0])
    lines[f"joined lines, after week {TREATMENT_WEEKS}"] = (visits, joined[0] + joined[1])
    return lines


WEIGHTS = _weights()


class Slopes:
    """Slopes by arm, their differences with the reference, and means after treatment."""

    def __init__(self, trial: Trial, reference: int) -> None:
        self.trial, self.reference, self.slopes, self.means = trial, reference, Means(), Means()

    def add(self, number: int, subjects: Subjects) -> None:
        """Add the eligible subjects of one chunk."""
        codes = [arm.code for arm in self.trial.arms]
        totals = [run(self.trial, subjects, np.full(len(subjects), k)).total for k in range(len(codes))]
        late = [WEEK_INDEX[week] for week in LATE]
        for code, total in zip(codes, totals, strict=True):
            self.means.add("mean change, treatment policy", code, total[:, late] - total[:, [1]])
        for name, (visits, weight) in WEIGHTS.items():
            slope = [total[:, visits] @ weight for total in totals]
            for k, code in enumerate(codes):
                self.slopes.add(f"slope, {name}", code, slope[k])
            for group, members in versus(self.trial, codes[self.reference]).items():
                difference = np.mean([slope[k] for k in members], axis=0) - slope[self.reference]
                self.slopes.add(f"difference in slope, {name}", group, difference, f"{group} - {codes[self.reference]}")

    def rows(self) -> list[dict[str, Any]]:
        """Rows of `truth.json`."""
        return self.means.rows(LATE) + self.slopes.rows()
