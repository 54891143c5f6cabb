"""Slopes are least-squares lines through the true means."""

from __future__ import annotations

import json

import numpy as np
import pytest

from nirls.simulate.config import Trial

TRIAL = Trial()
CODES = [arm.code for arm in TRIAL.arms]
NEAR = [code for code in CODES if code.startswith("NIR850")]


@pytest.fixture(scope="module")
def value(folder):
    rows = json.loads((folder / "truth.json").read_text(encoding="utf-8"))["truth"]
    return {(row["quantity"], row["arm"], row["week"]): row["value"] for row in rows}


def course(value, arm, weeks):
    return np.array([value["mean change, treatment policy", arm, week] for week in weeks])


def test_lines_through_the_committed_means(value):
    for arm in CODES:
        for name, weeks in (("weeks 4–12", [4, 6, 8, 10, 12]), ("weeks 12–21", list(range(12, 22)))):
            line = np.polyfit(weeks, course(value, arm, weeks), 1)[0]
            assert value[f"slope, {name}", arm, None] == pytest.approx(line, abs=1e-5), (arm, name)


def test_joined_lines_through_the_committed_means(value):
    """The two lines by a fit of their values at weeks 4, 12 and 21, between which they are straight."""
    weeks = np.array([4, 6, 8, 10, *range(12, 22)])
    knots = np.column_stack([np.interp(weeks, [4, 12, 21], unit) for unit in np.eye(3)])
    for arm in CODES:
        at = np.linalg.lstsq(knots, course(value, arm, weeks), rcond=None)[0]
        assert value["slope, joined lines, before week 12", arm, None] == pytest.approx((at[1] - at[0]) / 8, abs=1e-5)
        assert value["slope, joined lines, after week 12", arm, None] == pytest.approx((at[2] - at[1]) / 9, abs=1e-5)


@pytest.mark.parametrize("name", ["weeks 4–12", "weeks 12–21", "joined lines, before week 12", "joined lines, after week 12"])
def test_differences_and_pools(value, name):
    for arm in CODES[1:]:
        between = value[f"slope, {name}", arm, None] - value[f"slope, {name}", "SHAM", None]
        assert value[f"difference in slope, {name}", arm, None] == pytest.approx(between, abs=2e-5)
    pool = np.mean([value[f"difference in slope, {name}", arm, None] for arm in NEAR])
    assert value[f"difference in slope, {name}", "All 850 nm", None] == pytest.approx(pool, abs=1e-5)


def test_no_tolerance_was_planted(value):
    """Build-up makes the benefit grow a little still; the bend of the joined lines is what the straight line cannot follow."""
    for arm in CODES[1:8]:
        assert -0.03 < value["difference in slope, weeks 4–12", arm, None] < 0
        assert value["difference in slope, joined lines, before week 12", arm, None] > 0
