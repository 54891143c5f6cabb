"""Survival of a large population from counts, and the committed truths of relapse."""

from __future__ import annotations

import json

import numpy as np
import pytest

from nirls.models.hazards import cox
from nirls.simulate.config import Trial
from nirls.simulate.course import NOT, run
from nirls.simulate.schedule import TREATMENT_WEEKS
from nirls.simulate.truth import chunk
from nirls.simulate.truths.durability import DAYS, REFERENCE, Durability, follow_up
from nirls.simulate.truths.means import jackknife
from nirls.simulate.truths.relapse_rule import times
from nirls.simulate.truths.survival import log_hazard_ratio, restricted_mean, survival
from nirls.stats.survival import kaplan_meier

TRIAL = Trial()
CODES = [arm.code for arm in TRIAL.arms]


@pytest.fixture(scope="module")
def one_chunk():
    durability = Durability(TRIAL, 0)
    durability.add(0, chunk(TRIAL, 0))
    return durability


@pytest.fixture(scope="module")
def value(folder):
    rows = json.loads((folder / "truth.json").read_text(encoding="utf-8"))["truth"]
    return {(row["quantity"], row["arm"], row["week"]): row for row in rows}


def subjects_of(counts):
    """Time, event and stratum of every subject that counts (strata, days, 2) stand for."""
    stratum, day, why = np.nonzero(counts)
    times = counts[stratum, day, why]
    return np.repeat(day, times), np.repeat(why == 0, times), np.repeat(stratum, times)


def test_counts_give_the_estimates_of_the_analyses(one_chunk):
    """Kaplan–Meier, restricted mean and stratified Cox (which are tested against R) of the same subjects one by one."""
    counts = one_chunk.counts[0].sum(axis=0)
    time, event, stratum = subjects_of(counts[3])
    km, curve = kaplan_meier(time, event), survival(counts[3].sum(axis=0))
    assert curve[[35, 63]] == pytest.approx(km.at([35, 63])["survival"], rel=1e-12)
    assert restricted_mean(curve, 56) == pytest.approx(km.restricted_mean(56).estimate, rel=1e-12)
    time0, event0, stratum0 = subjects_of(counts[0])
    fit = cox(
        np.concatenate([time, time0]), np.concatenate([event, event0]), np.repeat([1, 0], [len(time), len(time0)]),
        np.concatenate([stratum, stratum0]),
    )  # fmt: skip
    assert log_hazard_ratio(counts[3], counts[0]) == pytest.approx(fit.log_ratio, abs=1e-9)


def test_counts_are_those_of_the_subjects_without_new_medication(one_chunk):
    """Completers under the arm, in the world in which no medication begins after week 12; with it some totals are lower."""
    subjects = chunk(TRIAL, 0)
    arm = np.full(len(subjects), 3)
    course, medicated = run(TRIAL, subjects, arm, rescue_until=TREATMENT_WEEKS), run(TRIAL, subjects, arm)
    late = (medicated.rescue_week > TREATMENT_WEEKS) & (medicated.rescue_week < NOT)
    assert late.sum() > 50 and (course.rescue_week[late] == NOT).all()
    assert np.array_equal(course.total[:, :REFERENCE], medicated.total[:, :REFERENCE])
    done = course.stop_week == TREATMENT_WEEKS
    for rule, counts in zip(TRIAL.relapse.rules, one_chunk.counts, strict=True):
        days, why = times(rule, follow_up(TRIAL, 0, course, 3, done))
        severe = course.total[done, 1] >= 25
        for stratum in (0, 1):
            for end in (0, 1):
                own = np.bincount(days[(severe == stratum) & (why == end)], minlength=DAYS)
                assert np.array_equal(counts[:, 3, stratum, :, end].sum(axis=0), own)


def test_an_arm_without_events_is_refused():
    some = np.zeros((1, DAYS, 2), dtype=int)
    some[0, 30:60] = 10
    none = some.copy()
    none[..., 1] += none[..., 0]
    none[..., 0] = 0
    with pytest.raises(ValueError, match="hardly an event"):
        log_hazard_ratio(none, some)


def test_jackknife_of_a_mean():
    """One subject a part: the standard error of the mean itself."""
    x = np.random.default_rng(1).normal(size=(40, 1))
    value, se = jackknife(np.column_stack([x, np.ones(40)]), lambda s: np.array([s[0] / s[1]]))
    assert value[0] == pytest.approx(x.mean()) and se[0] == pytest.approx(x.std(ddof=1) / np.sqrt(40), rel=1e-12)


def test_committed_shares_are_those_of_a_chunk(one_chunk, value):
    """One chunk of 24; it is part of the whole, so its error is the larger one."""
    for row in one_chunk.rows():
        whole = value[row["quantity"], row["arm"], row["week"]]
        assert abs(row["value"] - whole["value"]) < 4.5 * row["mc_se"], row
        assert 3 < row["mc_se"] / whole["mc_se"] < 8


def test_committed_shares_are_near_an_earlier_calculation(value):
    """Shares of an earlier program on 46,000 and more subjects, event by the visits of weeks 16 and 20, new medication censored.

    The drug ends on the last day of week 12, one or two days later than the sessions do: part of its visits of week 17 lie within
    five weeks, so that less are without relapse than at the visit of week 16.
    """
    earlier = {
        "SHAM": (80.3, 63.6),
        "NIR850-18": (71.6, 49.7),
        "NIR850-54": (68.9, 43.2),
        "NIR850-90": (71.7, 47.6),
        "ACTIVE": (59.4, 32.5),
    }
    for arm, shares in earlier.items():
        for week, share in zip((5, 9), shares, strict=True):
            difference = 100 * value["share without relapse (RELAPSE)", arm, week]["value"] - share
            assert abs(difference) < 0.5 or ((arm, week) == ("ACTIVE", 5) and -3 < difference < -2)


def test_monte_carlo_errors_are_small(value):
    for (quantity, arm, week), row in value.items():
        if "relapse" in quantity:
            assert 0 < row["mc_se"] < 0.01, (quantity, arm, week)


def test_more_relapses_by_the_rule_although_the_mean_is_better(value):
    for arm in CODES[1:8]:
        assert value["hazard ratio of relapse (RELAPSE)", arm, None]["value"] > 1.2
        for week in range(13, 22):
            mean = "mean change, treatment policy"
            assert value[mean, arm, week]["value"] < value[mean, "SHAM", week]["value"]


def test_differences_of_restricted_means(value):
    for code in ("RELAPSE", "LOSS50"):
        for week in TRIAL.relapse.horizons:
            of = f"restricted mean time without relapse ({code}), weeks"
            for arm in CODES[1:]:
                between = value[of, arm, week]["value"] - value[of, "SHAM", week]["value"]
                assert value[f"difference in {of}", arm, week]["value"] == pytest.approx(between, abs=2e-5)
