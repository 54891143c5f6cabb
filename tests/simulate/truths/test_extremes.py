"""Chances of extreme outcomes, and incidence of skin reactions."""

from __future__ import annotations

import json

import numpy as np
import pytest

from nirls.simulate.config import Items, Trial
from nirls.simulate.course import run
from nirls.simulate.irls import answer, thresholds, total_distribution
from nirls.simulate.safety import share
from nirls.simulate.schedule import WEEK_INDEX
from nirls.simulate.truth import chunk

TRIAL = Trial()
CODES = [arm.code for arm in TRIAL.arms]
ZERO, FALL = "chance of a total of 0 with a baseline of 25–29", "chance of a fall of 27 points or more"


@pytest.fixture(scope="module")
def value(folder):
    rows = json.loads((folder / "truth.json").read_text(encoding="utf-8"))["truth"]
    return {(row["quantity"], row["arm"], row["week"]): row for row in rows}


def test_distribution_of_the_total_against_answers():
    """Five subjects answer 200,000 times each, also so well that item 7 is put right; frequencies within 4.5 standard errors."""
    rng, items, n = np.random.default_rng(3), Items(), 200_000
    theta = np.array([-9.0, -4.0, 1.0, 8.0, 24.0])[:, None] + rng.normal(0, 2, (5, 10))
    trait = rng.normal(0, 0.45, (5, 10))
    chance = total_distribution(theta, trait, items)
    assert chance.sum(axis=1) == pytest.approx(np.ones(5), abs=1e-12)
    for k in range(5):
        answers = answer(np.broadcast_to(theta[k], (n, 10)), trait[k] + rng.logistic(size=(n, 10)), items)
        seen = np.bincount(answers.sum(axis=1, dtype=np.int64), minlength=41) / n
        se = np.sqrt(chance[k] * (1 - chance[k]) / n)
        assert (np.abs(seen - chance[k]) < 4.5 * se + 2 / n).all()


def test_chance_of_0_is_that_of_ten_answers_of_0():
    items, theta, trait = Items(), np.full((1, 10), 2.0), np.linspace(-0.5, 0.5, 10)[None, :]
    low = 1 / (1 + np.exp(np.asarray(items.discrimination) * (theta - thresholds(items)[:, 0]) + trait))
    assert total_distribution(theta, trait, items)[0, 0] == pytest.approx(low.prod(), rel=1e-12)


def test_expected_and_counted_low_totals_of_a_chunk():
    """Totals of at most 5 and falls of at least 15 points are frequent enough to count."""
    subjects = chunk(TRIAL, 1)
    course = run(TRIAL, subjects, np.full(len(subjects), 3), until=4)
    visit = WEEK_INDEX[4]
    chance = total_distribution(course.latent[:, visit], subjects.item_trait, TRIAL.items).cumsum(axis=1)
    base, total = course.total[:, 1], course.total[:, visit]
    for p, seen in ((chance[:, 5], total <= 5), (chance[np.arange(len(base)), np.maximum(base - 15, 0)], total <= base - 15)):
        assert seen.sum() > 100
        assert abs(seen.sum() - p.sum()) < 4 * np.sqrt((p * (1 - p)).sum())


def test_committed_chances(value):
    """Light makes both more likely, and neither is likely; the errors are small beside the values."""
    for quantity in (ZERO, FALL):
        sham, light = value[quantity, "SHAM", 4], value[quantity, "NIR850-54", 4]
        assert 0 < sham["value"] < 1e-4 < light["value"] < 1e-3
        assert sham["mc_se"] < 0.3 * sham["value"] and light["mc_se"] < 0.1 * light["value"]


def test_incidence_of_skin_reactions(value, raw):
    """By the formula: 0.06 × (0.6 + 0.4 × 54/54) = 0.06 with warmth of the skin; and near what the trial shows, over all arms."""
    arms = {arm.code: arm for arm in TRIAL.arms}
    assert share(arms["NIR850-54"], "Skin warm") == pytest.approx(0.06) == value["incidence of Skin warm", "NIR850-54", None]["value"]
    assert value["incidence of Skin warm", "NIR850-54H", None]["value"] == pytest.approx(0.06 * 1.3)
    assert value["incidence of Skin warm", "ACTIVE", None]["value"] == 0
    assert value["incidence of Erythema", "ACTIVE", None]["value"] == 0.003
    # 0.0015 a week over eleven weeks of those still treated, beside 0.012: an event that stops treatment is erythema under sham too
    assert 0.012 < value["incidence of Erythema", "SHAM", None]["value"] < 0.012 + 11 * 0.0015
    dm = raw["dm"].set_index("USUBJID")["ACTARMCD"]
    for term in ("Skin warm", "Erythema"):
        seen = raw["ae"][raw["ae"]["AEDECOD"] == term]["USUBJID"].nunique()
        chances = np.array([value[f"incidence of {term}", code, None]["value"] for code in dm[dm.isin(CODES)]])
        assert abs(seen - chances.sum()) < 3.5 * np.sqrt((chances * (1 - chances)).sum())
