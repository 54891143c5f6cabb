"""Indirect comparisons: by hand, R (tests/reference/headtohead.R), and targets that cannot be reached."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nirls.errors import MethodError
from nirls.stats.indirect import Weights, bucher, maic, maic_bootstrap, maic_weights, outside, stc

HERE = Path(__file__).parents[1] / "reference"
R = json.loads((HERE / "headtohead.json").read_text())


@pytest.fixture(scope="module")
def trial():
    """Two arms at week 4 as headtohead.R makes them: outcome, arm, covariates."""
    d = pd.read_csv(HERE / "irls_parallel.csv")
    d = d[(d["AVISIT"] == "W4") & d["CHG"].notna() & (d["TRT"] != "NIR-L")]
    a = (d["TRT"] == "NIR-H").to_numpy(float)
    return d["CHG"].to_numpy(float) - 4 * a, a, np.column_stack([d["BASE"], d["REGION"] == "EU"]).astype(float)


def test_bucher():
    """−4.0 (1.1) and −5.7 (0.510213), the Cochrane estimate of dopamine agonists: 1.70 (1.212567), −0.6766 to 4.0766."""
    d, se = bucher(-4.0, 1.1, -5.7, 0.510213)
    assert (d, se) == pytest.approx((1.7, 1.212567), abs=1e-6)
    assert (d - 1.959964 * se, d + 1.959964 * se) == pytest.approx((-0.6766, 4.0766), abs=5e-5)


def test_maic_of_four_points():
    """40, 50, 60, 70 weighted to a mean of 50."""
    x = np.array([[40.0], [50], [60], [70]])
    found = maic_weights(x, np.array([50.0]), ["AGE"])
    w = found.weights / found.weights.mean()
    assert found.alpha[0] == pytest.approx(-0.0419617624991, abs=1e-12)
    assert w == pytest.approx([1.685404, 1.107813, 0.728163, 0.478620], abs=5e-7)
    assert found.effective_size == pytest.approx(3.314596, abs=5e-7)
    assert w @ x[:, 0] / w.sum() == pytest.approx(50, abs=1e-10)


def test_maic_of_two_variables(trial):
    """R optim, Newton steps, and the sandwich of the stacked estimating equations differentiated numerically."""
    effect, error, found = maic(*trial, np.array([23.5, 0.4]), ["BASE", "EU"])
    r = R["maic"]
    assert found.alpha == pytest.approx(r["alpha"], rel=1e-9)
    assert (effect, found.effective_size) == pytest.approx((r["effect"], r["ess"]), rel=1e-10)
    assert error == pytest.approx(r["se"], rel=1e-7)
    assert found.weights @ trial[2] / found.weights.sum() == pytest.approx([23.5, 0.4], abs=1e-10)


def test_maic_at_its_own_means_is_the_difference_of_means(trial):
    y, a, x = trial
    effect, _, found = maic(y, a, x, x.mean(axis=0), ["BASE", "EU"])
    assert effect == pytest.approx(y[a == 1].mean() - y[a == 0].mean(), rel=1e-12)
    assert found.effective_size == pytest.approx(len(y))


def test_bootstrap_is_seeded_and_close_to_the_sandwich(trial):
    def draws(n):
        return maic_bootstrap(*trial, np.array([23.5, 0.4]), ["BASE", "EU"], [np.random.default_rng(k) for k in range(n)])

    found = draws(400)
    np.testing.assert_array_equal(found[:20], draws(20))
    assert found.std(ddof=1) == pytest.approx(R["maic"]["se"], rel=0.1)


def test_stc(trial):
    """R lm(CHG ~ A * (x1 + x2)) with centred covariates."""
    assert stc(*trial, np.array([23.5, 0.4]))[:2] == pytest.approx(R["stc"], rel=1e-9)


def test_a_variable_that_follows_from_the_others(trial):
    y, a, x = trial
    twice = np.column_stack([x, x[:, 0] + x[:, 1]])
    with pytest.raises(MethodError, match="of BASE, EU, SUM one follows from the others"):
        maic(y, a, twice, np.array([23.5, 0.4, 23.9]), ["BASE", "EU", "SUM"])


def test_a_target_outside_the_subjects_is_named(trial):
    y, a, x = trial
    with pytest.raises(MethodError, match=r"outside the subjects of this trial in BASE \(target 50\): no weights exist"):
        maic(y, a, x, np.array([50.0, 0.4]), ["BASE", "EU"])
    corner = np.array([[0.0, 0], [1, 1], [2, 2], [3, 3.1]])  # each mean is reached alone, both together are not
    assert outside(corner - [1.0, 2.0], ["A", "B"]) == ["A", "B"] and outside(corner - [1.5, 1.51], ["A", "B"]) == []
    with pytest.raises(MethodError, match=r"A .*, B "):
        maic_weights(corner, np.array([1.0, 2.0]), ["A", "B"])
    with pytest.raises(MethodError, match="AGE"):
        maic_weights(np.full((5, 1), 40.0), np.array([40.0]), ["AGE"])


def test_few():
    assert Weights(alpha=np.zeros(1), weights=np.ones(19)).few()
    assert not Weights(alpha=np.zeros(1), weights=np.ones(21)).few()
    assert Weights(alpha=np.zeros(1), weights=np.r_[np.ones(25), np.full(175, 1e-9)]).few()  # 25 of 200
