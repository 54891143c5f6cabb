"""Relapse after the end of treatment: shares, hazard ratios and restricted means by the rules of the plan."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nirls.simulate.config import Trial
from nirls.simulate.course import NOT, Course, run
from nirls.simulate.latent import Subjects
from nirls.simulate.questionnaires import clinical_severity
from nirls.simulate.schedule import LAST_WEEK, TREATMENT_WEEKS, WEEK_INDEX
from nirls.simulate.streams import stream
from nirls.simulate.truths.means import PARTS, jackknife, row
from nirls.simulate.truths.relapse_rule import FollowUp, times
from nirls.simulate.truths.survival import log_hazard_ratio, restricted_mean, survival
from nirls.simulate.world import session_days, visit_days

AFTER = [WEEK_INDEX[week] for week in range(TREATMENT_WEEKS + 1, LAST_WEEK + 1)]
REFERENCE = WEEK_INDEX[TREATMENT_WEEKS]
DAYS = 7 * (LAST_WEEK + 2)

DEFINITION = {
    "relapse": (
        "Subjects who complete 12 weeks of treatment under the arm (others under another arm). Days from the last session, or dose,"
        " to the first of a run of visits in succession that all meet the rule and span at least 7 days: total 15 or more, and 6"
        " points or more above week 12 with a higher clinical global severity (RELAPSE), or half or more of the improvement from"
        " baseline to week 12 lost (LOSS50). Every visit of weeks 12 to 21 is made, each within two days of its date as in the trial."
        " No new medication begins after week 12 (hypothetical strategy); stopping and rescue before it happen. The weeks of the rows"
        " count from the end of treatment."
    ),
    "share without relapse": (
        "Kaplan–Meier estimate in that population, at the end of the week; a last run that meets the rule and cannot be confirmed any"
        " more is censored at its first visit, as in the trial."
    ),
    "hazard ratio of relapse": (
        "The value to which Cox's estimate converges: one covariate, the two arms alone, stratified by the total at baseline (below"
        " 25, 25 and more), Efron's rule for ties, the visits and the end of follow-up of the trial. Hazards are not proportional in"
        " truth, so another schedule would have another value."
    ),
    "restricted mean time without relapse": "Area under that share, in weeks, to the week of the row.",
    "mc_se of relapse": "Jackknife over 20 random parts of the subjects; arms share the subjects and their random numbers.",
}


def last_treatment(trial: Trial, course: Course, arm: int, sessions: NDArray) -> NDArray[np.int64]:
    """Days from study day 1 to the last session, or dose, of subjects who completed treatment; `sessions` as of `world.session_days`."""
    if trial.arms[arm].kind == "drug":
        return np.full(len(sessions), 7 * TREATMENT_WEEKS - 1)
    return np.where(course.delivered, sessions, 0).reshape(len(sessions), -1).max(axis=1)


def follow_up(trial: Trial, number: int, course: Course, arm: int, who: NDArray, *, medication: bool = False) -> FollowUp:
    """What the visits after treatment show of the subjects `who` (a mask), the same visits and rating errors under every arm.

    With `medication`, new medication after the end of treatment competes, on the first day of its week.
    """
    n = len(course.total)
    rng = stream(trial.seed, f"truth {number}: after treatment")
    day, sessions = visit_days(rng, n), session_days(rng, n)
    severity = clinical_severity(rng, course.total[:, [REFERENCE, *AFTER]]).astype(float)
    rescue = np.where((course.rescue_week < NOT) & medication, 7 * (course.rescue_week - 1), np.inf)
    total = course.total.astype(float)
    return FollowUp(
        start=last_treatment(trial, course, arm, sessions)[who].astype(float),
        base=total[who, 1],
        reference=total[who, REFERENCE],
        severity_reference=severity[who, 0],
        day=day[:, AFTER][who].astype(float),
        total=total[:, AFTER][who],
        severity=severity[who, 1:],
        competing=rescue[who],
    )


def _tabulated(part: NDArray, severe: NDArray, day: NDArray, why: NDArray) -> NDArray[np.int64]:
    """Subjects by part, stratum, day and what ends the time; shape (parts, 2, days, 2)."""
    shape = (PARTS, 2, DAYS, 2)
    return np.bincount(np.ravel_multi_index((part, severe, day, why), shape), minlength=int(np.prod(shape))).reshape(shape)


class Durability:
    """Counts of relapses and censorings by rule, part, arm, stratum and day."""

    def __init__(self, trial: Trial, reference: int) -> None:
        self.trial, self.reference = trial, reference
        self.counts = np.zeros((len(trial.relapse.rules), PARTS, len(trial.arms), 2, DAYS, 2), dtype=np.int64)

    def add(self, number: int, subjects: Subjects) -> None:
        """Add the eligible subjects of one chunk."""
        part = np.arange(len(subjects)) % PARTS
        for arm in range(len(self.trial.arms)):
            course = run(self.trial, subjects, np.full(len(subjects), arm), rescue_until=TREATMENT_WEEKS)
            done = course.stop_week == TREATMENT_WEEKS
            data = follow_up(self.trial, number, course, arm, done)
            severe = (data.base >= self.trial.severity.stratum_from).astype(int)
            for k, rule in enumerate(self.trial.relapse.rules):
                day, why = times(rule, data)
                self.counts[k, :, arm] += _tabulated(part[done], severe, day, why)

    def rows(self) -> list[dict[str, Any]]:
        """Rows of `truth.json`."""
        found, codes, asked = [], [arm.code for arm in self.trial.arms], self.trial.relapse
        others = [k for k in range(len(codes)) if k != self.reference]
        for rule, counts in zip(asked.rules, self.counts, strict=True):

            def shares(c: NDArray) -> NDArray[np.float64]:
                curve = survival(c.sum(axis=1))  # over the strata
                means = np.stack([restricted_mean(curve, 7 * week) / 7 for week in asked.horizons], axis=-1)
                return np.concatenate([curve[:, [7 * week for week in asked.landmarks]], means, means - means[self.reference]], axis=1)

            def ratios(c: NDArray) -> NDArray[np.float64]:
                return np.exp([log_hazard_ratio(c[k], c[self.reference]) for k in others])

            value, se = jackknife(counts, shares)
            of = f"relapse ({rule.code})"
            head = [(f"share without {of}", week, False) for week in asked.landmarks]
            head += [(f"restricted mean time without {of}, weeks", week, False) for week in asked.horizons]
            head += [(f"difference in restricted mean time without {of}, weeks", week, True) for week in asked.horizons]
            for column, (quantity, week, compared) in enumerate(head):
                for k in others if compared else range(len(codes)):
                    versus = f"{codes[k]} - {codes[self.reference]}" if compared else ""
                    found.append(row(quantity, codes[k], versus, week, value[k, column], se[k, column]))
            value, se = jackknife(counts, ratios)
            for place, k in enumerate(others):
                versus = f"{codes[k]} - {codes[self.reference]}"
                found.append(row(f"hazard ratio of {of}", codes[k], versus, None, value[place], se[place]))
        return found
