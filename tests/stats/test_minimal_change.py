"""ROC cut-off and predictive modelling against R (pROC, glm), published properties, and known truth."""

import json
from pathlib import Path

import numpy as np
import pytest

from nirls.errors import NotEstimableError
from nirls.stats.minimal_change import bootstrap, predicted, roc

REFERENCE = json.loads((Path(__file__).parents[1] / "reference/measurement.json").read_text())
GAIN, IMPROVED = np.array(REFERENCE["gain"], float), np.array(REFERENCE["improved"])


def test_roc_as_proc():
    found, best = roc(GAIN, IMPROVED), REFERENCE["best"]
    assert [found.threshold, found.sensitivity, found.specificity] == pytest.approx([b[0] for b in best.values()], rel=1e-13)
    assert [found.auc, found.auc_se] == pytest.approx([REFERENCE["auc"], REFERENCE["auc_se"]], rel=1e-12)


def test_predictive_modelling_as_glm():
    found = predicted(GAIN, IMPROVED)
    got = [found.intercept, found.slope, found.mic, found.adjusted, found.correlation]
    expected = [*REFERENCE["coefficients"], REFERENCE["mic"], REFERENCE["adjusted"], REFERENCE["correlation"]]
    np.testing.assert_allclose(got, expected, rtol=1e-11)
    assert found.proportion == IMPROVED.mean()


def test_half_improved_needs_no_adjustment():
    gain = np.concatenate([GAIN, 12 - GAIN])
    improved = np.concatenate([IMPROVED, 1 - IMPROVED])
    found = predicted(gain, improved)
    assert found.mic == pytest.approx(6, abs=1e-9) and found.adjusted == pytest.approx(6, abs=1e-9)  # the centre of symmetry


@pytest.mark.parametrize("mean", [8.0, 0.0])
def test_the_adjustment_removes_the_bias_of_the_proportion(mean):
    """Individual thresholds around 4 (Terluin 2017): with 3 of 4 or 1 of 4 improved the plain estimate is off by a point and more."""
    rng = np.random.default_rng(1)
    true, threshold = rng.normal(mean, 6, 100_000), rng.normal(4, 1, 100_000)
    found = predicted(true + rng.normal(0, 2.5, 100_000), true > threshold)
    assert abs(found.mic - 4) > 0.9 and abs(found.adjusted - 4) < 0.25


def test_equal_cuts_give_the_smallest():
    gain, improved = np.array([1.0, 2, 3, 4]), np.array([0, 1, 0, 1])  # Youden 0.5 at 1.5 and at 3.5
    assert roc(gain, improved).threshold == 1.5


def test_units_and_shift():
    a, b = roc(GAIN, IMPROVED), roc(2 * GAIN + 3, IMPROVED)
    assert b.threshold == 2 * a.threshold + 3 and b.auc == a.auc
    c, d = predicted(GAIN, IMPROVED), predicted(2 * GAIN + 3, IMPROVED)
    np.testing.assert_allclose([d.mic, d.adjusted], [2 * c.mic + 3, 2 * c.adjusted + 3], rtol=1e-10)


def test_bootstrap_is_that_of_the_estimators():
    """Each sample of the vectorised bootstrap gives what the estimators give one by one."""
    from nirls.stats.minimal_change import _resampled

    rng = np.random.default_rng(5)
    chosen = rng.integers(0, 120, (40, 120))
    values, place = np.unique(GAIN, return_inverse=True)
    got = _resampled(GAIN[chosen], IMPROVED[chosen].astype(float), place[chosen], values)
    one = [(roc(GAIN[i], IMPROVED[i]).threshold, predicted(GAIN[i], IMPROVED[i])) for i in chosen]
    np.testing.assert_allclose(got, np.array([(t, p.mic, p.adjusted) for t, p in one]).T, rtol=1e-9)


def test_bootstrap_interval():
    first = bootstrap(GAIN, IMPROVED, replicates=400, seed=3)
    assert first == bootstrap(GAIN, IMPROVED, replicates=400, seed=3) and first != bootstrap(GAIN, IMPROVED, replicates=400, seed=4)
    for name, estimate in (("mic", REFERENCE["mic"]), ("adjusted", REFERENCE["adjusted"])):
        low, high = first[name]
        assert low < estimate < high and high - low < 4


def test_what_cannot_be_estimated_says_why():
    with pytest.raises(NotEstimableError, match="1 improved and 4 not improved"):
        roc(np.arange(5.0), [0, 0, 0, 0, 1])
    with pytest.raises(NotEstimableError, match="the same in all subjects"):
        predicted(np.ones(6), [0, 0, 0, 1, 1, 1])
    with pytest.raises(NotEstimableError, match="separates the improved"):
        predicted(np.arange(6.0), [0, 0, 0, 1, 1, 1])
    with pytest.raises(NotEstimableError, match="not more frequent"):
        predicted(-GAIN, IMPROVED)
    with pytest.raises(ValueError, match="complete numbers"):
        roc([1.0, np.nan, 2, 3], [0, 1, 0, 1])
