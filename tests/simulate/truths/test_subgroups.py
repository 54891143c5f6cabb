"""True interactions between treatment and characteristics."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from nirls.simulate.config import Trial
from nirls.simulate.truth import chunk, outcomes

TRIAL = Trial()
CODES = [arm.code for arm in TRIAL.arms]
STEM = "difference in mean change, treatment policy"


@pytest.fixture(scope="module")
def value(folder):
    rows = json.loads((folder / "truth.json").read_text(encoding="utf-8"))["truth"]
    return {(row["quantity"], row["arm"], row["week"]): row for row in rows}


@pytest.mark.parametrize(
    ("name", "without"),
    [
        ("microvascular", "no microvascular"),
        ("refractory", "not refractory"),
        ("baseline total of 25 or more", "not baseline total of 25 or more"),
    ],
)
def test_an_interaction_is_the_difference_of_the_differences(value, name, without):
    for arm in CODES[1:]:
        for week in (1, 2, 3, 4, 6, 8, 10, 12):
            row = value[f"interaction, treatment policy, {name}", arm, week]
            yes, no = value[f"{STEM}, {name}", arm, week], value[f"{STEM}, {without}", arm, week]
            assert row["value"] == pytest.approx(yes["value"] - no["value"], abs=1.5e-5)
            assert row["mc_se"] == pytest.approx(np.hypot(yes["mc_se"], no["mc_se"]), abs=1.5e-5)
            assert row["comparison"] == f"{arm} - SHAM"


def test_only_microvascular_involvement_modifies_the_effect_of_light(value):
    for arm in CODES[1:8]:
        half = value[f"{STEM}, no microvascular", arm, 4]["value"] * (TRIAL.treatment.microvascular_factor - 1)
        assert value["interaction, treatment policy, microvascular", arm, 4]["value"] == pytest.approx(half, abs=0.12)
        assert abs(value["interaction, treatment policy, refractory", arm, 4]["value"]) < 0.08
    drug = value["interaction, treatment policy, microvascular", "ACTIVE", 4]
    assert abs(drug["value"]) < 4 * drug["mc_se"]


def test_secondary_type_modifies_nothing(value):
    """0 by construction: no outcome depends on it, and by Monte Carlo the difference of differences is 0 within its error."""
    assert {row["value"] for (quantity, _, _), row in value.items() if quantity == "interaction, treatment policy, secondary"} == {0.0}
    subjects = chunk(TRIAL, 0)
    other = dataclasses.replace(subjects, secondary=~subjects.secondary, kidney=~subjects.kidney, neuropathy=~subjects.neuropathy)
    sham = outcomes(TRIAL, subjects, 0, events=True)["IRLSTOT"]
    for arm in (3, 8):
        mine = outcomes(TRIAL, subjects, arm, events=True)["IRLSTOT"]
        assert np.array_equal(mine, outcomes(TRIAL, other, arm, events=True)["IRLSTOT"])
        difference = (mine - sham)[:, 3]
        yes, no = difference[subjects.secondary], difference[~subjects.secondary]
        se = np.sqrt(yes.var() / len(yes) + no.var() / len(no))
        assert abs(yes.mean() - no.mean()) < 4 * se
