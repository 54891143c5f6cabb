"""Target doses against closed forms and R DoseFinding; the bootstrap against the exact distribution of a linear fit."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from nirls.stats.dose import SHAPES, average, fit_model, quantile, redraw, window

IRLS = json.loads((Path(__file__).parents[1] / "reference" / "dose.json").read_text())
DOSES, MEANS, COV = np.array([0.0, 18, 36, 54, 90]), np.array(IRLS["estimates"]), np.array(IRLS["covariance"])
BIOM_DOSES = np.array([0, 0.05, 0.2, 0.6, 1])
BIOM = np.array([0.344905396, 0.456754285, 0.810315772, 0.934436926, 0.948711417])
INF = np.inf


@pytest.mark.parametrize("name", ["linear", "emax", "exponential"])
def test_td_is_that_of_dosefinding(name):
    """TD(Delta = 3), which lies beyond the doses: R extrapolates, so the range is widened here."""
    fit = fit_model(SHAPES[name], DOSES, MEANS, COV)
    assert window(fit.mean, 1, 3.0, 300.0).lower[0] == pytest.approx(IRLS["fits"][name]["TD_delta3"], rel=1e-7)
    assert window(fit.mean, 1, 3.0, 90.0).lower[0] == INF


@pytest.mark.parametrize("name", ["sigEmax", "quadratic", "betaMod"])
def test_td_that_does_not_exist(name):
    """R gives NA: no dose has the effect. It is an answer and not a missing value; there is then no upper edge."""
    assert IRLS["fits"][name]["TD_delta3"] is None
    found = window(fit_model(SHAPES[name], DOSES, MEANS, COV).mean, 1, 3.0, 90.0)
    assert found.lower[0] == INF and np.isnan(found.upper[0]) and found.largest[0] < 3


@pytest.mark.parametrize(
    ("name", "td", "accuracy"),
    [
        ("emax", 0.164236, 1e-6),
        ("sigEmax", 0.152437, 1e-6),
        ("quadratic", 0.281313, 1e-6),
        ("betaMod", 0.195264, 3e-6),
        ("linear", 0.716069, 1e-6),
    ],
)
def test_td_of_biom(name, td, accuracy):
    """R DoseFinding, TD(Delta = 0.4), every printed digit; R's optimiser stops early in the flat valley of betaMod."""
    fit = fit_model(SHAPES[name], BIOM_DOSES, BIOM, np.eye(5) * 0.507461505 / 20)
    assert window(fit.mean, 1, 0.4, 1.0).lower[0] == pytest.approx(td, abs=accuracy)


def curve(function):
    return lambda at: function(np.asarray(at, float))


def test_edges_and_peak_of_an_umbrella():
    """4·exp(−ln(d/50)²/(2·0.8²)) and Δ = 3: the edges are 50·exp(±0.8√(2 ln(4/3))), the peak is 50."""
    reach = 0.8 * np.sqrt(2 * np.log(4 / 3))
    with np.errstate(divide="ignore"):
        found = window(curve(lambda d: 7 + 4 * np.exp(-(np.log(d / 50) ** 2) / (2 * 0.8**2))), 1, 3.0, 120.0)
        cut = window(curve(lambda d: 7 + 4 * np.exp(-(np.log(d / 50) ** 2) / (2 * 0.8**2))), 1, 3.0, 70.0)
    assert found.lower[0] == pytest.approx(50 * np.exp(-reach), rel=1e-10)
    assert found.upper[0] == pytest.approx(50 * np.exp(reach), rel=1e-10)
    assert found.peak[0] == pytest.approx(50, rel=1e-6) and found.largest[0] == pytest.approx(4, rel=1e-12)
    assert cut.lower[0] == pytest.approx(found.lower[0], rel=1e-10) and cut.upper[0] == INF and cut.peak[0] == pytest.approx(50, rel=1e-6)


def test_several_curves_at_once():
    """Slopes of a line: the edge is Δ/slope; what only rises has no identified peak, what falls has its peak at 0."""
    slopes = np.array([0.1, 0.04, 0.02, -0.1])
    found = window(lambda at: slopes[:, None] * np.asarray(at), 4, 3.0, 90.0)
    assert found.lower == pytest.approx([30, 75, INF, INF])
    assert found.upper[:2].tolist() == [INF, INF] and np.isnan(found.upper[2:]).all()
    assert found.peak[:3].tolist() == [INF, INF, INF] and found.peak[3] == pytest.approx(0, abs=1e-6)


def test_a_narrow_window_between_the_points_looked_at_is_found():
    """A tip that is above Δ over 0.02 of 90."""
    found = window(curve(lambda d: 4 - np.abs(d - 44.44) * 40), 1, 40 * 44.44 - 0.4, 90.0)
    assert (found.lower[0], found.upper[0]) == (pytest.approx(44.43, abs=1e-6), pytest.approx(44.45, abs=1e-6))


def test_a_plateau_has_no_peak():
    found = window(curve(lambda d: 5 * d**10 / (20.0**10 + d**10)), 1, 3.0, 90.0)
    assert found.peak[0] == INF


@pytest.mark.parametrize("delta", [0.0, -3.0, np.nan])
def test_delta_is_an_improvement(delta):
    with pytest.raises(ValueError, match="must be positive"):
        window(curve(lambda d: d), 1, delta, 90.0)


def test_no_range():
    with pytest.raises(ValueError, match="no range"):
        window(curve(lambda d: d), 1, 1.0, 0.0)


def test_bootstrap_of_a_line_has_its_exact_distribution():
    """The slope is normal with a known variance, and the target dose is Δ/slope: quantiles and the share without one within 4 errors."""
    n, delta = 20_000, 3.0
    means = np.array([5.7, 6.6, 7.5, 8.4, 10.2])
    inverse, design = np.linalg.inv(COV), np.column_stack([np.ones(5), DOSES])
    cov = np.linalg.inv(design.T @ inverse @ design)
    slope = (cov @ design.T @ inverse @ means)[1]
    exact = stats.norm(slope, np.sqrt(cov[1, 1]))
    drawn = average([SHAPES["linear"]], DOSES, redraw(means, COV, n, 8), COV).windows(delta, 90.0)[0]
    none = exact.cdf(delta / 90)
    assert np.isinf(drawn.lower).mean() == pytest.approx(none, abs=4 * np.sqrt(none * (1 - none) / n))
    for share in (0.025, 0.5, 0.7):
        value = quantile(drawn.lower, share)
        hit = 1 - exact.cdf(delta / value)
        assert hit == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / n))
    assert quantile(drawn.lower, 0.975) == INF


def test_quantiles_keep_infinite_draws_and_leave_out_undefined_ones():
    values = np.array([3.0, INF, 1.0, np.nan, 2.0])
    assert [quantile(values, s) for s in (0.0, 0.25, 0.5, 0.75, 0.76, 1.0)] == [1, 1, 2, 3, INF, INF]
    assert np.isnan(quantile(np.array([np.nan]), 0.5))


def test_the_same_seed_gives_the_same_draws():
    assert (redraw(MEANS, COV, 50, 3) == redraw(MEANS, COV, 50, 3)).all()
    assert (redraw(MEANS, COV, 50, 3) != redraw(MEANS, COV, 50, 4)).any()
    draws = redraw(MEANS, COV, 40_000, 1)
    assert np.cov(draws.T) == pytest.approx(COV, abs=0.06) and draws.mean(axis=0) == pytest.approx(MEANS, abs=0.03)


def test_the_average_lies_between_its_models():
    models = average([SHAPES[n] for n in ("emax", "quadratic", "logGauss")], DOSES, MEANS, COV)
    at = np.linspace(0, 90, 31)
    each = np.stack([f.mean(at)[0] for f in models.fits])
    assert models.mean(at)[0] == pytest.approx(models.weights[0] @ each, rel=1e-12)
