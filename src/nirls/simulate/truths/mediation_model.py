"""What a linear model of the measured mediator converges to; not a truth of the generator, but what an analysis can find at best."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nirls.simulate import findings
from nirls.simulate.config import Trial
from nirls.simulate.course import Course, run
from nirls.simulate.latent import Subjects
from nirls.simulate.schedule import WEEK_INDEX
from nirls.simulate.streams import stream
from nirls.simulate.truths.means import PARTS, jackknife, row

OUTCOME_WEEK = 4
MEDIATOR_WEEKS = (2, 4)

DEFINITION = {
    "indirect effect by a linear model": (
        "No true effect, but the value to which an analysis converges: coefficient of the arm in the model of measured StO2 at the"
        " week of the row (arm, StO2 at baseline, total at baseline) times the coefficient of StO2 in the model of the total at week 4"
        " with the same terms; the arm and sham alone, nothing missing. Two things part it from the indirect effect. Error of"
        " measurement draws it towards 0. Sessions delivered and microvascular involvement strengthen mediator and direct effect"
        " together: they confound the two, and draw it away from 0; with the error taken off it would be about half as large again as"
        " the true one for 54 J/cm². That it is near the true one for some arms is chance."
    ),
}


class MediationModel:
    """Cross-products of the two linear models, by part of the subjects, week of the mediator and arm."""

    def __init__(self, trial: Trial, reference: int) -> None:
        self.trial, self.reference = trial, reference
        self.arms = [k for k, arm in enumerate(trial.arms) if arm.kind == "nir"]
        self.products = np.zeros((PARTS, len(MEDIATOR_WEEKS), len(self.arms), 6, 6))

    def add(self, number: int, subjects: Subjects) -> None:
        """Add the eligible subjects of one chunk; each counts under the arm and under sham."""
        n = len(subjects)
        rng = stream(self.trial.seed, f"truth {number}: oxygenation")
        level = rng.normal(findings.STO2_LEVEL, findings.STO2_LEVEL_SD, n) + findings.STO2_MICROVASCULAR * subjects.microvascular
        error = rng.normal(0, findings.STO2_ERROR, (n, 1 + len(MEDIATOR_WEEKS)))
        before = np.round(findings.oxygenation(level, np.zeros(n), error[:, 0]), 1)

        def records(course: Course, treated: int, j: int) -> NDArray[np.float64]:
            """Columns: 1, arm, StO2 and total at baseline, StO2, total at week 4; centred near their means for accuracy."""
            now = np.round(findings.oxygenation(level, course.oxygenation[:, MEDIATOR_WEEKS[j]], error[:, 1 + j]), 1)
            total = course.total[:, [1, WEEK_INDEX[OUTCOME_WEEK]]] - 20.0
            return np.column_stack([np.ones(n), np.full(n, treated), before - 60, total[:, 0], now - 60, total[:, 1]])

        def products(x: NDArray) -> NDArray[np.float64]:
            return np.array([x[part::PARTS].T @ x[part::PARTS] for part in range(PARTS)])

        def under(k: int) -> Course:
            return run(self.trial, subjects, np.full(n, k), until=OUTCOME_WEEK)

        sham = under(self.reference)
        of_sham = [products(records(sham, 0, j)) for j in range(len(MEDIATOR_WEEKS))]
        for place, k in enumerate(self.arms):
            course = under(k)
            for j in range(len(MEDIATOR_WEEKS)):
                self.products[:, j, place] += of_sham[j] + products(records(course, 1, j))

    def rows(self) -> list[dict[str, Any]]:
        """Rows of `truth.json`."""

        def indirect(products: NDArray) -> NDArray[np.float64]:
            on_mediator = np.linalg.solve(products[..., :4, :4], products[..., :4, [4]])[..., 1, 0]
            on_outcome = np.linalg.solve(products[..., :5, :5], products[..., :5, [5]])[..., 4, 0]
            return on_mediator * on_outcome

        value, se = jackknife(self.products, indirect)
        codes = [arm.code for arm in self.trial.arms]
        return [
            row(
                "indirect effect by a linear model, measured StO2",
                codes[k],
                f"{codes[k]} - {codes[self.reference]}",
                week,
                value[j, place],
                se[j, place],
            )
            for place, k in enumerate(self.arms)
            for j, week in enumerate(MEDIATOR_WEEKS)
        ]
