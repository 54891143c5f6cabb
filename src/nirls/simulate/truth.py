"""The true values of the estimands, by Monte Carlo over potential outcomes.

The truth is not an input parameter: whole-number items and the ends of the scale bend the means, adherence
and stopping dilute them. So the same subjects, with the same random numbers, are run through the trial under
every arm, and the true value is the mean of what the trial would have measured.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nirls.simulate.config import MODEL_VERSION, Trial, outcome_hash, parameters
from nirls.simulate.course import run
from nirls.simulate.irls import IMPACT_ITEMS, SYMPTOM_ITEMS
from nirls.simulate.latent import Subjects, draw, site_effects
from nirls.simulate.schedule import TREATMENT_WEEKS, VISITS
from nirls.simulate.streams import stream
from nirls.simulate.truths import adverse, durability, extremes, mediation, mediation_model, slopes, subgroups
from nirls.simulate.truths.means import Means, by_quantity

CHUNK = 10_000
REFERENCE = "SHAM"
PRIMARY = "NIR850-54"
COLUMNS = tuple(k for k, visit in enumerate(VISITS) if visit.week is not None and 0 < visit.week <= TREATMENT_WEEKS)

MODULES = (slopes, subgroups, mediation, mediation_model, durability, extremes, adverse)

DEFINITION = {
    "population": (
        "Subjects of the trial's population whose IRLS total is at least 15 at screening and at baseline, with the trial's mix of sites."
    ),
    "potential outcome": (
        "IRLS total (sum of ten whole-number items 0–4, the trial's own measurement process with its noise) at the visit minus the total at"
        " baseline, had the subject been randomized to the arm and received its device, every visit measured without missing values."
    ),
    "treatment policy": (
        "Stopping treatment, never starting it and rescue medication happen as they do in the trial and the outcome is what it then is:"
        " after stopping, the effect of light halves every 3 weeks; rescue medication lowers severity."
    ),
    "hypothetical": (
        "The same outcome in a world without stopping treatment, never starting it and rescue medication; missed sessions remain."
    ),
    "composite": (
        "The change from baseline is 0 at every visit after the last week with treatment, and from the first week of rescue medication on;"
        " otherwise as under treatment policy."
    ),
    "while on treatment": (
        "The change at the last visit with treatment, carried to every later visit; subjects with treatment at one visit at least (who"
        " stop at once or never start are the same subjects under every arm)."
    ),
    "responder": "Treatment policy: a reduction of the total by at least 50 % of its baseline value.",
    "remitter": "Treatment policy: a total of at most 10.",
    "pairs": "The same subjects with the same random numbers under every arm; a difference is a mean of differences within subjects.",
    "mc_se": (
        "Monte-Carlo standard error: standard deviation over subjects (of the differences within subjects, for a difference) divided by the"
        " square root of their number."
    ),
    **{key: text for module in MODULES for key, text in module.DEFINITION.items()},
}
WEEKS = tuple(week for k in COLUMNS if (week := VISITS[k].week) is not None)


def chunk(trial: Trial, number: int) -> Subjects:
    """Eligible subjects of one chunk of the Monte Carlo."""
    subjects = draw(stream(trial.seed, f"truth {number}"), CHUNK, trial, site_effects(trial))
    none = run(trial, subjects, np.zeros(CHUNK, dtype=np.int64), until=0)
    return subjects.take((none.total[:, :2] >= trial.severity.eligible_from).all(axis=1))


def outcomes(trial: Trial, subjects: Subjects, arm: int, *, events: bool) -> dict[str, NDArray]:
    """Potential outcomes of the subjects under one arm at the visits under treatment; shape (n, visits)."""
    course = run(trial, subjects, np.full(len(subjects), arm), events=events, until=TREATMENT_WEEKS)
    base = course.total[:, [1]]
    total = course.total[:, COLUMNS]
    parts = {}
    for name, items in (("IRLSSYM", SYMPTOM_ITEMS), ("IRLSIMP", IMPACT_ITEMS)):
        score = course.items[:, :, list(items)].sum(axis=2, dtype=np.int64)
        parts[name] = score[:, COLUMNS] - score[:, [1]]
    week = np.array([VISITS[k].week for k in COLUMNS])
    off = course.stop_week[:, None] < week
    failed = off | (course.rescue_week[:, None] <= week)
    last = np.maximum((~off).sum(axis=1) - 1, 0)  # position of the last visit with treatment
    kept = np.minimum(np.arange(len(week)), last[:, None])
    parts["composite"] = np.where(failed, 0, total - base)
    parts["on treatment"] = np.take_along_axis(total - base, kept, axis=1)
    parts["treated"], parts["base"] = ~off[:, 0], base[:, 0]
    return {"IRLSTOT": total - base, "responder": 2 * (base - total) >= base, "remitter": total <= 10, **parts}


def compute(trial: Trial, chunks: int | None = None) -> list[dict[str, Any]]:
    """True values of every estimand: one row per quantity, arm and visit.

    Parameters
    ----------
    trial : Trial
        Parameters; `truth_subjects` candidates are drawn.
    chunks : int, optional
        Fewer chunks of 10 000 candidates, for a test.
    """
    arms = [arm.code for arm in trial.arms]
    reference = arms.index(REFERENCE)
    means, groups_differ = Means(), subgroups.Subgroups(trial, reference, WEEKS)
    parts = (
        slopes.Slopes(trial, reference), mediation.Mediation(trial, reference), mediation_model.MediationModel(trial, reference),
        durability.Durability(trial, reference), extremes.Extremes(trial), adverse.Adverse(trial),
    )  # fmt: skip
    add = means.add
    for number in range(trial.truth_subjects // CHUNK if chunks is None else chunks):
        subjects = chunk(trial, number)
        groups = {"microvascular": subjects.microvascular, "no microvascular": ~subjects.microvascular}
        for world, events in (("treatment policy", True), ("hypothetical", False)):
            sham = outcomes(trial, subjects, reference, events=events)
            for k, arm in enumerate(arms):
                mine = sham if k == reference else outcomes(trial, subjects, k, events=events)
                add(f"mean change, {world}", arm, mine["IRLSTOT"])
                if k == reference:
                    continue
                comparison = f"{arm} - {REFERENCE}"
                add(f"difference in mean change, {world}", arm, mine["IRLSTOT"] - sham["IRLSTOT"], comparison)
                if world == "treatment policy":
                    for name in ("IRLSSYM", "IRLSIMP"):
                        add(f"difference in mean change of {name}, {world}", arm, mine[name] - sham[name], comparison)
                    add("difference in mean change, composite", arm, mine["composite"] - sham["composite"], comparison)
                    on = mine["treated"] & sham["treated"]
                    add("difference in mean change, while on treatment", arm, (mine["on treatment"] - sham["on treatment"])[on], comparison)
                    for name in ("responder", "remitter"):
                        add(f"risk difference, {name}, {world}", arm, mine[name].astype(int) - sham[name], comparison)
                    groups_differ.add(subjects, mine["base"], arm, mine["IRLSTOT"] - sham["IRLSTOT"])
                    for name, mask in groups.items():
                        add(f"difference in mean change, {world}, {name}", arm, (mine["IRLSTOT"] - sham["IRLSTOT"])[mask], comparison)
                if world == "treatment policy" and k != reference:
                    add(f"responder share, {world}", arm, mine["responder"])
            if world == "treatment policy":
                add(f"responder share, {world}", REFERENCE, sham["responder"])
        for part in parts:
            part.add(number, subjects)
    return means.rows(WEEKS) + by_quantity(groups_differ.rows()) + [row for part in parts for row in by_quantity(part.rows())]


def truth(trial: Trial, cached: Path | None = None) -> dict[str, Any]:
    """The content of `truth.json`; taken from `cached` when that was made with the same outcome parameters and model version."""
    key = outcome_hash(trial)
    old = json.loads(cached.read_text(encoding="utf-8")) if cached is not None and cached.exists() else {}
    if old.get("config_hash") == key:
        values, n = old["truth"], old["subjects"]
    else:
        values = compute(trial)
        n = sum(len(chunk(trial, number)) for number in range(trial.truth_subjects // CHUNK))
    quantity, words = "difference in mean change, treatment policy", "difference in mean change from baseline of the IRLS total"
    primary = next(r for r in values if r["quantity"] == quantity and r["arm"] == PRIMARY and r["week"] == 4)
    return {
        "synthetic": "SYNTHETIC DATA — not evidence",
        "config_hash": key,
        "model_version": MODEL_VERSION,
        "subjects": n,
        "definition": DEFINITION,
        "primary": {"estimand": f"{words} at week 4, {PRIMARY} − {REFERENCE}, treatment policy", **primary},
        "open_label": [arm.code for arm in trial.arms if arm.kind == "drug"],
        "truth": values,
        "parameters": parameters(trial),
    }
