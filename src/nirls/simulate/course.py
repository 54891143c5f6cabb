"""The course of subjects under given arms, week by week: adherence, effect, answers, stopping, rescue, relapse.

One function serves the trial and the potential outcomes behind the truth, so both have the same
measurement process (integer items, bounded total) and the same consequences of stopping.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nirls.simulate.config import Trial
from nirls.simulate.irls import N_ITEMS, answer
from nirls.simulate.latent import BoolArray, FloatArray, Subjects, relative_effect
from nirls.simulate.schedule import LAST_WEEK, N_VISITS, TREATMENT_WEEKS, WEEK_INDEX

NOT = 99.0  # "in no week": later than any week of the trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What happened to n subjects. Visits are indexed as in `schedule.VISITS`, weeks from 0 to 21; week 99 means never.

    `attended` and `irls_present` say what is observed; `items` and `total` exist at every visit all the same.
    `stop_week` is the last week with treatment (12 for those who complete it, 0 for those who stop after the first session,
    −1 for those never treated). `latent` is the severity of each item at each visit, points, before its answer.
    """

    items: NDArray[np.int8]
    total: NDArray[np.int64]
    attended: BoolArray
    irls_present: BoolArray
    delivered: BoolArray
    stop_week: FloatArray
    stop_by_ae: BoolArray
    stop_change: FloatArray
    retrieved: BoolArray
    exit_week: FloatArray
    rescue_week: FloatArray
    relapse_week: FloatArray
    augmented: BoolArray
    state: FloatArray
    oxygenation: FloatArray
    theta: FloatArray
    latent: FloatArray


def expit(x: FloatArray) -> FloatArray:
    """Inverse logit."""
    return 1.0 / (1.0 + np.exp(-x))


def _per_arm(trial: Trial, arm: NDArray[np.int64]) -> dict[str, NDArray]:
    t, e = trial.treatment, trial.events
    drug = np.array([a.kind == "drug" for a in trial.arms])
    high = np.array([a.kind == "nir" and a.fluence >= t.relapse_high_from for a in trial.arms])
    odds = t.relapse_hazard / (1 - t.relapse_hazard) * np.where(high, t.relapse_factor_high, 1.0)
    values = {
        "relative": np.array([relative_effect(a, trial) for a in trial.arms]),
        "drug": drug,
        "sham": np.array([a.kind == "sham" for a in trial.arms]),
        "relapse": odds / (1 + odds),
        "stop_ae": np.where(drug, e.stop_ae_drug, e.stop_ae),
    }
    return {name: value[arm] for name, value in values.items()}


def run(
    trial: Trial,
    subjects: Subjects,
    arm: NDArray[np.int64],
    *,
    events: bool = True,
    until: int = LAST_WEEK,
    rescue_until: int = LAST_WEEK,
) -> Course:
    """Run n subjects through the trial.

    Parameters
    ----------
    trial : Trial
        Parameters.
    subjects : Subjects
        n subjects with all their random numbers.
    arm : array of int, shape (n,)
        Index into `trial.arms` of the treatment each subject actually receives.
    events : bool
        False switches off stopping of treatment, rescue medication and never starting (the hypothetical world without
        intercurrent events).
    until : int
        Last week to run; later weeks stay empty.
    rescue_until : int
        Last week in which rescue medication can begin.
    """
    n, t, e, p = len(subjects), trial.treatment, trial.events, trial.placebo
    by = _per_arm(trial, arm)
    multiplier = (1 + (t.microvascular_factor - 1) * subjects.microvascular) * (1 + t.log_ferritin_slope * subjects.log_ferritin)
    light = by["relative"] * multiplier
    size = (t.direct + t.oxygenation_effect * t.oxygenation_gain) * light + t.drug * by["drug"]
    response = subjects.placebo * np.where(subjects.refractory, p.refractory_factor, 1.0)
    w_placebo, w_treatment = np.asarray(trial.items.placebo), np.asarray(trial.items.treatment)
    up_a, up_p = 1 - np.exp(-1 / t.tau), 1 - np.exp(-1 / p.tau)
    down_a, down_p = 0.5 ** (1 / t.half_life_off), 0.5 ** (1 / p.half_life_off)

    items = np.zeros((n, N_VISITS, N_ITEMS), dtype=np.int8)
    per_item = np.zeros((n, N_VISITS, N_ITEMS))
    total = np.zeros((n, N_VISITS), dtype=np.int64)
    attended = np.zeros((n, N_VISITS), dtype=bool)
    present = np.zeros((n, N_VISITS), dtype=bool)
    theta = np.zeros((n, LAST_WEEK + 1))
    state, oxygenation = np.zeros((n, LAST_WEEK + 1)), np.zeros((n, LAST_WEEK + 1))
    delivered = np.zeros((n, TREATMENT_WEEKS, 3), dtype=bool)

    def measure(visit: int, latent: FloatArray) -> None:
        per_item[:, visit] = latent
        items[:, visit] = answer(latent, subjects.item_noise[:, visit] + subjects.item_trait, trial.items)
        total[:, visit] = items[:, visit].sum(axis=1, dtype=np.int64)

    for visit, column in ((0, 0), (1, 1)):
        measure(visit, (subjects.base + subjects.residual[:, column])[:, None] + subjects.factor)
        attended[:, visit] = present[:, visit] = True
    theta[:, 0] = subjects.base + subjects.residual[:, 1]

    started = ~subjects.never_treated if events else np.ones(n, dtype=bool)
    at_once = started & (subjects.u_stop[:, 0] < e.stop_first) if events else np.zeros(n, dtype=bool)
    stop_week = np.where(started, np.where(at_once, 0.0, TREATMENT_WEEKS), -1.0)
    retrieved, stop_by_ae = at_once & (subjects.u_retrieved < e.retrieved), np.zeros(n, dtype=bool)
    exit_week = np.where(started & (~at_once | retrieved), float(LAST_WEEK), 0.0)
    rescue, relapse = np.full(n, NOT), np.full(n, NOT)
    stop_change = np.zeros(n)
    augmented = by["drug"] & started & (subjects.u_augmentation < t.augmentation)
    a, q, since = np.zeros(n), np.zeros(n), np.zeros(n)
    last = total[:, 1].astype(float)

    for week in range(1, until + 1):
        change = last - total[:, 1]
        on = stop_week >= week
        if week <= TREATMENT_WEEKS:
            logit = np.log(subjects.adherence / (1 - subjects.adherence)) - e.adherence_symptoms * (change + 6)
            done = subjects.u_sessions[:, week - 1] < expit(logit)[:, None]
            done &= on[:, None]
            if week == 1:
                done[:, 0] = started  # treatment starts with the first session
            delivered[:, week - 1] = done
            share = done.mean(axis=1)
        else:
            share = np.zeros(n)
        a = np.where(on, a + share * (1 - a) * up_a - (1 - share) * a * (1 - down_a), a * down_a)
        q = np.where(on, q + (1 - q) * up_p, q * down_p)
        if week > TREATMENT_WEEKS:
            event = (subjects.u_relapse[:, week] < by["relapse"]) & (stop_week == TREATMENT_WEEKS) & (relapse == NOT)
            relapse[event] = week
            keep = np.where(event, 1 - t.relapse_loss, 1.0)
            a, q = a * keep, q * keep
        if events and 2 <= week <= rescue_until:
            hazard = expit(e.rescue_intercept + e.rescue_total * (last - 20))
            event = (subjects.u_rescue[:, week] < hazard) & (rescue == NOT) & (exit_week >= week)
            rescue[event] = week
        since = np.where(on & augmented & (week > subjects.augmentation_week), since + 1, since)
        extra = np.minimum(t.augmentation_slope * since, t.augmentation_cap) - e.rescue_effect * (rescue <= week)
        worn = t.tolerance_per_week * max(week - 4, 0) * (by["relative"] > 0) * on
        own = subjects.oxygenation * (1 - np.exp(-week / t.tau))
        state[:, week], oxygenation[:, week] = a, t.oxygenation_gain * light * a + own
        lowered = np.outer(response * q, w_placebo) + np.outer(size * a - worn + t.oxygenation_effect * own, w_treatment)
        core = subjects.base + subjects.slope * week + subjects.residual[:, week + 1] + extra
        theta[:, week] = core - lowered.mean(axis=1)

        if week in WEEK_INDEX:
            visit = WEEK_INDEX[week]
            measure(visit, core[:, None] + subjects.factor - lowered)
            off = (stop_week < week) & (week <= TREATMENT_WEEKS)
            comes = subjects.u_missed[:, visit] >= np.where(off, e.missed_visit_off, e.missed_visit)
            if week == LAST_WEEK:
                comes[:] = True  # who completes the study comes to its last visit
            if week == TREATMENT_WEEKS:
                comes |= stop_week == TREATMENT_WEEKS
            attended[:, visit] = comes & (exit_week >= week)
            present[:, visit] = attended[:, visit] & (subjects.u_missed_irls[:, visit] >= e.missed_irls)
            last = np.where(present[:, visit], total[:, visit], last)

        here = exit_week > week
        if events and week < TREATMENT_WEEKS:
            change = last - total[:, 1]
            treated = here & (stop_week == TREATMENT_WEEKS)
            unseen = e.stop_unobserved * (theta[:, week] - theta[:, 0]) if e.stop_unobserved else 0.0
            hazard = expit(e.stop_intercept + e.stop_change * change + e.stop_sham * by["sham"] + unseen)
            ae = treated & (subjects.u_stop_ae[:, week] < by["stop_ae"])
            stops = ae | (treated & (subjects.u_stop[:, week] < hazard))
            stop_week[stops], stop_change[stops], stop_by_ae[ae] = week, change[stops], True
            stays = stops & (subjects.u_retrieved < e.retrieved)
            retrieved |= stays
            exit_week[stops & ~stays] = week
            here &= ~stops
        leaves = here & (subjects.u_leave[:, week] < e.leave_followup) & (stop_week < week + 1) & (week < LAST_WEEK)
        if events:
            exit_week[leaves] = week
    return Course(
        items=items,
        total=total,
        attended=attended,
        irls_present=present,
        delivered=delivered,
        stop_week=stop_week,
        stop_by_ae=stop_by_ae,
        stop_change=stop_change,
        retrieved=retrieved,
        exit_week=exit_week,
        rescue_week=rescue,
        relapse_week=relapse,
        augmented=augmented,
        state=state,
        oxygenation=oxygenation,
        theta=theta,
        latent=per_item,
    )
