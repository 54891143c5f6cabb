"""How much of the effect of light goes through tissue oxygenation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nirls.simulate.config import Trial
from nirls.simulate.course import Course, run
from nirls.simulate.irls import answer
from nirls.simulate.latent import Subjects
from nirls.simulate.schedule import WEEK_INDEX
from nirls.simulate.truths.means import Means, versus

WEEK = 4

DEFINITION = {
    "mediator": (
        "Latent change of tissue oxygenation since baseline at week 4, percentage points: what light adds (6 points at the largest"
        " effect, in proportion to the effect's build-up and half as much again with microvascular involvement) plus a subject's own"
        " drift, the same under every arm. Each point lowers latent severity by a quarter of a point. The measured StO2 is a level of"
        " the subject (mean 62, SD 4.5, 3 lower with microvascular involvement) plus that latent change plus an error of SD 1.5 at"
        " every measurement, to one decimal; the change from baseline has the error of both (SD 2.1)."
    ),
    "indirect effect": (
        "IRLS total at week 4, treatment policy: Y(arm, M(arm)) − Y(arm, M(sham)), the outcome under the arm less that under the arm"
        " with the mediator of week 4 at its value under sham. All else is as under the arm: sessions, stopping, rescue, noise."
    ),
    "direct effect": (
        "Y(arm, M(sham)) − Y(sham, M(sham)), also through sessions and stopping; indirect and direct effect add up to the difference in"
        " mean change."
    ),
    "pure indirect effect": "Y(sham, M(arm)) − Y(sham, M(sham)).",
    "indirect effect, whole course": (
        "The same as the indirect effect with the mediator at its value under sham in every week from the first on, so that also the"
        " sessions missed and the treatments stopped in weeks 1 to 3 answer to it; a mediator measured earlier than week 4 stands for"
        " this one."
    ),
}


def _with(trial: Trial, subjects: Subjects, course: Course, more: NDArray[np.float64]) -> NDArray[np.int64]:
    """Total at week 4 with `more` points of oxygenation at that week."""
    visit = WEEK_INDEX[WEEK]
    lowered = np.outer(trial.treatment.oxygenation_effect * more, trial.items.treatment)
    noise = subjects.item_noise[:, visit] + subjects.item_trait
    return answer(course.latent[:, visit] - lowered, noise, trial.items).sum(axis=1, dtype=np.int64)


class Mediation:
    """Direct and indirect effects of the near-infrared arms."""

    def __init__(self, trial: Trial, reference: int) -> None:
        self.trial, self.reference, self.means = trial, reference, Means()

    def add(self, number: int, subjects: Subjects) -> None:
        """Add the eligible subjects of one chunk."""
        trial, visit = self.trial, WEEK_INDEX[WEEK]
        light = [k for k, arm in enumerate(trial.arms) if arm.kind == "nir"]
        unmoved = replace(trial, treatment=replace(trial.treatment, oxygenation_gain=0.0))

        def under(arm: int, of: Trial) -> Course:
            return run(of, subjects, np.full(len(subjects), arm), until=WEEK)

        sham = under(self.reference, trial)
        values: dict[str, dict[int, NDArray]] = {}
        for k in light:
            arm = under(k, trial)
            more = arm.oxygenation[:, WEEK] - sham.oxygenation[:, WEEK]
            without = _with(trial, subjects, arm, -more)
            for name, value in {
                "difference in mean oxygenation, latent": more,
                "indirect effect through oxygenation": arm.total[:, visit] - without,
                "direct effect past oxygenation": without - sham.total[:, visit],
                "pure indirect effect through oxygenation": _with(trial, subjects, sham, more) - sham.total[:, visit],
                "indirect effect through oxygenation, whole course": arm.total[:, visit] - under(k, unmoved).total[:, visit],
            }.items():
                values.setdefault(name, {})[k] = value
        reference = trial.arms[self.reference].code
        for name, own in values.items():
            for group, members in versus(trial, reference).items():
                if set(members) <= set(light):
                    self.means.add(f"{name}, treatment policy", group, np.mean([own[k] for k in members], axis=0), f"{group} - {reference}")

    def rows(self) -> list[dict[str, Any]]:
        """Rows of `truth.json`."""
        return self.means.rows((WEEK,))
