"""Gail and Simon's test, shrinkage and the Johnson–Neyman technique against R 4.2.2 (`tests/reference/subgroups.R`)."""

import json
from pathlib import Path

import numpy as np
import pytest

from nirls.stats.johnson_neyman import EffectLine
from nirls.stats.subgroups import qualitative, shrink

R = json.loads((Path(__file__).parents[1] / "reference" / "subgroups.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("k", [2, 3, 4, 5, 8])
def test_critical_values(k):
    """Table 1 of Gail and Simon (1985) at 5 %: 2.71, 4.23, 5.43, 6.50 for 2 to 5 subgroups; R gives their digits."""
    q = R["critical"][f"k{k}"]
    z = np.full(k, np.sqrt(2 * q))
    z[0] = -np.sqrt(q)
    test = qualitative(z, np.ones(k))
    assert test.statistic == pytest.approx(q, rel=1e-12) and test.p_value == pytest.approx(0.05, abs=1e-12)
    if k < 6:
        assert round(q, 2) == {2: 2.71, 3: 4.23, 4: 5.43, 5: 6.50}[k]


def test_size_where_the_statistic_is_largest():
    """All true effects but one at 0 and that one far below: the sum above is largest; simulated 40,000 times."""
    rng = np.random.default_rng(1)
    z = rng.normal(size=(40_000, 4))
    z[:, 0] -= 50
    p = np.array([qualitative(row, np.ones(4)).p_value for row in z])
    assert abs((p < 0.05).mean() - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 40_000)


def test_one_direction_is_no_reversal():
    test = qualitative([-2.0, -0.1, -3.0], [1.0, 1.0, 1.0])
    assert test.statistic == 0 and test.p_value == 1.0 and test.below == pytest.approx(13.01)
    with pytest.raises(ValueError, match="two or more"):
        qualitative([1.0], [1.0])


def test_shrinkage_of_one_variable_is_metafors_blup():
    """metafor 3.8-1: rma(method = "REML"), blup()."""
    r = R["shrink"]
    found = shrink([r["y"]], [r["s"]])
    assert found.tau**2 == pytest.approx(r["tau2"], rel=1e-7)
    np.testing.assert_allclose(found.estimate[0], r["pred"], rtol=1e-7)
    np.testing.assert_allclose(found.std_error[0], r["se"], rtol=1e-7)


def test_variables_share_the_variance_and_not_the_mean():
    """τ from R's optimize over the sum of the restricted deviances; means and errors are those of each variable alone."""
    r = R["shrink"]
    found = shrink([r["y"], [-3.9, -1.2]], [r["s"], [0.8, 1.1]])
    assert found.tau == pytest.approx(r["tau_two"], rel=1e-6)
    w = 1 / (found.tau**2 + np.array([0.8, 1.1]) ** 2)
    mean = w @ np.array([-3.9, -1.2]) / w.sum()
    keep = found.tau**2 * w
    np.testing.assert_allclose(found.estimate[1], keep * np.array([-3.9, -1.2]) + (1 - keep) * mean, rtol=1e-12)


def test_equal_effects_are_drawn_together():
    found = shrink([[-3.0, -3.1]], [[1.0, 1.0]])
    assert found.tau == 0.0
    np.testing.assert_allclose(found.estimate[0], [-3.05, -3.05], rtol=1e-12)
    np.testing.assert_allclose(found.std_error[0], np.sqrt(0.5), rtol=1e-12)
    with pytest.raises(ValueError, match="two or more levels"):
        shrink([[1.0]], [[1.0]])


@pytest.fixture(scope="module")
def cars():
    r = R["mtcars"]
    x = np.column_stack([np.ones(32), r["hp"], r["wt"], np.array(r["hp"]) * r["wt"]])
    y = np.array(r["mpg"])
    inverse = np.linalg.inv(x.T @ x)
    beta = inverse @ x.T @ y
    cov = inverse * np.sum((y - x @ beta) ** 2) / 28
    return EffectLine(b0=beta[1], b1=beta[3], cov=cov[np.ix_([1, 3], [1, 3])], df=28.0)


def test_johnson_neyman_of_mtcars(cars):
    """mpg ~ hp*wt: the effect of hp differs from 0 outside 3.692492 to 5.900974 of wt; interaction 0.0278481 (0.0074196)."""
    r = R["mtcars"]
    assert (round(cars.b1, 7), round(float(np.sqrt(cars.cov[1, 1])), 7)) == (0.0278481, 0.0074196)
    np.testing.assert_allclose(cars.roots("pointwise"), r["pointwise"], rtol=1e-8)
    np.testing.assert_allclose(cars.roots("simultaneous"), r["simultaneous"], rtol=1e-8)
    assert tuple(np.round(cars.roots("pointwise"), 6)) == (3.692492, 5.900974)
    assert cars.regions("pointwise", 1.5, 5.4) == ((1.5, cars.roots("pointwise")[0]),)
    assert len(cars.regions("pointwise", 1.5, 7.0)) == 2


def test_at_a_root_the_limit_is_0(cars):
    for band in ("pointwise", "simultaneous"):
        for root in cars.roots(band):
            effect, error = cars.at(root)
            assert abs(effect) == pytest.approx(cars.critical(band) * error, rel=1e-9)
    narrow, wide = (cars.regions(band, 1.5, 7.0) for band in ("pointwise", "simultaneous"))
    assert sum(b - a for a, b in wide) < sum(b - a for a, b in narrow)


def test_no_roots():
    steady = EffectLine(b0=-3.0, b1=0.0, cov=np.diag([0.01, 1e-9]), df=100.0)
    assert steady.regions("pointwise", 0, 10) == ((0, 10),)
    nothing = EffectLine(b0=0.0, b1=0.0, cov=np.diag([1.0, 0.1]), df=100.0)
    assert nothing.roots("pointwise") == () and nothing.regions("pointwise", 0, 10) == ()
