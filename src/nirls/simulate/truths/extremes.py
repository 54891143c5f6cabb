"""Chance of an outcome as extreme as a published case, under every arm."""

from __future__ import annotations

from typing import Any

import numpy as np

from nirls.simulate.config import Trial
from nirls.simulate.course import run
from nirls.simulate.irls import total_distribution
from nirls.simulate.latent import Subjects
from nirls.simulate.schedule import WEEK_INDEX
from nirls.simulate.truths.means import Means

WEEK = 4
BASE = (25, 29)
FALL = 27

DEFINITION = {
    "chance of a total of 0": (
        "Treatment policy: the share with a total of 0 at week 4 of the subjects whose total at baseline is 25 to 29."
    ),
    "chance of a fall of 27": (
        "Treatment policy: the share of all subjects whose total at week 4 is 27 points or more below that at baseline."
    ),
    "mc_se of chances": (
        "Each subject counts with the probability of the outcome given all but the noise of the answers at week 4, which is"
        " integrated out; the standard error is that of the mean of these probabilities."
    ),
}


class Extremes:
    """Mean probabilities of the two outcomes."""

    def __init__(self, trial: Trial) -> None:
        self.trial, self.means = trial, Means()

    def add(self, number: int, subjects: Subjects) -> None:
        """Add the eligible subjects of one chunk."""
        visit = WEEK_INDEX[WEEK]
        for k, arm in enumerate(self.trial.arms):
            course = run(self.trial, subjects, np.full(len(subjects), k), until=WEEK)
            base = course.total[:, 1]
            chance = total_distribution(course.latent[:, visit], subjects.item_trait, self.trial.items)
            low = np.where(base >= FALL, np.take_along_axis(chance.cumsum(axis=1), np.maximum(base - FALL, 0)[:, None], axis=1)[:, 0], 0.0)
            like = (base >= BASE[0]) & (base <= BASE[1])
            self.means.add(f"chance of a total of 0 with a baseline of {BASE[0]}–{BASE[1]}", arm.code, chance[like, 0])
            self.means.add(f"chance of a fall of {FALL} points or more", arm.code, low)

    def rows(self) -> list[dict[str, Any]]:
        """Rows of `truth.json`."""
        return self.means.rows((WEEK,), decimals=9)
