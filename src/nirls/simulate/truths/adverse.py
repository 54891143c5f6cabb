"""Incidence of skin reactions by arm."""

from __future__ import annotations

from typing import Any

import numpy as np

from nirls.simulate.config import Trial
from nirls.simulate.course import run
from nirls.simulate.latent import Subjects
from nirls.simulate.safety import share, stopping_event
from nirls.simulate.schedule import TREATMENT_WEEKS
from nirls.simulate.truths.means import Mean, row

TERMS = ("Skin warm", "Erythema")

DEFINITION = {
    "incidence": (
        "Share of the subjects with at least one session, or dose, who have at least one event of the preferred term under treatment:"
        " the chance of the arm (with fluence and irradiance, exactly) and, for erythema under light and sham light, an event that"
        " stops treatment, by Monte Carlo. Faults planted in the files are not part of it."
    ),
}


class Adverse:
    """Share of treated subjects whom an adverse event stops, by arm."""

    def __init__(self, trial: Trial) -> None:
        self.trial, self.stopped = trial, [Mean() for _ in trial.arms]

    def add(self, number: int, subjects: Subjects) -> None:
        """Add the eligible subjects of one chunk."""
        for k, mean in enumerate(self.stopped):
            course = run(self.trial, subjects, np.full(len(subjects), k), until=TREATMENT_WEEKS)
            mean.add(course.stop_by_ae[course.stop_week >= 0])

    def rows(self) -> list[dict[str, Any]]:
        """Rows of `truth.json`."""
        found = []
        for term in TERMS:
            for arm, mean in zip(self.trial.arms, self.stopped, strict=True):
                chance = share(arm, term)
                stop, se = mean.result() if stopping_event(arm)[1] == term else (0.0, 0.0)
                value = 1 - (1 - chance) * (1 - float(stop))
                found.append(row(f"incidence of {term}", arm.code, "", None, value, (1 - chance) * float(se)))
        return found
