"""Indices of one case, series with AR(1) errors and benchmarks: R (tests/reference/evidence.R), printed values, identities."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from nirls.errors import MethodError
from nirls.stats.autoregression import autoregression
from nirls.stats.benchmark import at_least, best_of, exact_limits, expected_patients, predict, regression_to_the_mean
from nirls.stats.single_case import beyond_best, corrected_tau, log_ratio, overlap, randomization, tau_u

R = json.loads((Path(__file__).parents[1] / "reference/evidence.json").read_text())
A, B = R["single"]["up"]["A"], R["single"]["up"]["B"]


def test_the_printed_example():
    """A = (20,20,26,25,22,23), B = (28,25,24,27,30,30,29), increase is improvement: the example of package SingleCaseES."""
    found = overlap(A, B)
    assert f"{found.nap:.6f}" == "0.916667" and f"{found.std_error:.6f}" == "0.069007" and f"{found.tau:.6f}" == "0.833333"
    # the package prints roots at a tolerance of 1e-4: .597341, .986018; R at 1e-14 has .597319, .985998
    assert found.ci() == pytest.approx((0.597341, 0.986018), abs=3e-5) and found.ci() == pytest.approx(
        R["single"]["up"]["nap_ci"], abs=1e-12
    )
    assert [f"{v:.6f}" for v in R["single"]["up"]["nap_ci_coarse"]] == ["0.597341", "0.986018"]
    assert f"{tau_u(A, B):.6f}" == "0.738095" and f"{corrected_tau(A, B, range(1, 7), range(7, 14))[0]:.6f}" == "0.285714"
    assert f"{beyond_best(A, B):.6f}" == "0.714286" and [f"{v:.6f}" for v in log_ratio(A, B)] == ["0.195396", "0.055577"]


@pytest.mark.parametrize("name", ["up", "other"])
@pytest.mark.parametrize("better", [1, -1])
def test_indices(name, better):
    """With lower better, the mirrored values have the same indices; the ratio of means has no side."""
    r = R["single"][name]
    a, b = better * np.array(r["A"], float), better * np.array(r["B"], float)
    m, n = len(a), len(b)
    found = overlap(a, b, better)
    assert (found.nap, found.std_error, *found.ci()) == pytest.approx((r["nap"], r["nap_se"], *r["nap_ci"]), abs=1e-12)
    assert tau_u(a, b, better) == pytest.approx(r["tau_u"], abs=1e-12) and beyond_best(a, b, better) == pytest.approx(r["pnd"], abs=1e-12)
    tau, slope = corrected_tau(a, b, np.arange(m), np.arange(m, m + n), better)
    assert (tau, better * slope) == pytest.approx((r["tau_bc"], r["slope"]), abs=1e-12)
    if better == 1:
        assert log_ratio(a, b) == pytest.approx((r["lrr"], r["lrr_se"]), abs=1e-12)
    assert found.nap == pytest.approx(stats.mannwhitneyu(better * b, better * a).statistic / (m * n), abs=1e-12)


def test_one_baseline_point():
    """The published case: 27, then 2 and 0."""
    for index in (overlap, tau_u, beyond_best, log_ratio):
        with pytest.raises(MethodError, match=r"not computable \(one baseline point\)"):
            index([27], [2, 0])
    with pytest.raises(MethodError, match=r"one baseline point"):
        corrected_tau([27], [2, 0], [0], [2, 4])
    with pytest.raises(MethodError, match="no point under treatment"):
        overlap([27, 26], [])


def test_phases_without_overlap_and_values_of_zero():
    found = overlap([27, 26, 28], [2, 0], -1)
    low, high = found.ci()
    assert found.nap == 1 and high == 1 and 0 < low < 1
    h, z = (3 + 2) / 2 - 1, 1.959963984540054  # the equation of the limits, in its published form
    assert (1 - low) ** 2 == pytest.approx(z**2 * h * low * (1 - low) / 6 * (1 / h + (1 - low) / (2 - low) + low / (1 + low)), rel=1e-9)
    assert overlap([2, 0], [27, 26, 28], -1).ci() == (0.0, pytest.approx(1 - low))
    with pytest.raises(MethodError, match="do not overlap"):
        _ = found.std_error
    ratio, error = log_ratio([20, 22], [0, 0])
    assert math.isfinite(ratio) and error > 0
    with pytest.raises(MethodError, match="starts at 0"):
        log_ratio([-1, 2], [3, 4])


def test_tau_u_beyond_one():
    """A worsening baseline: every pair improves, and the trend adds to it."""
    assert tau_u([20, 22, 24, 26], [10, 8], -1) == pytest.approx((8 + 6) / 8)


@pytest.mark.parametrize("name", ["short", "long"])
def test_phase_change_with_correlated_errors(name):
    """R nlme gls with corCAR1; times one apart, and with gaps."""
    r = R["ar"][name]
    fit = autoregression(r["y"], np.column_stack([np.ones(len(r["y"])), r["phase"]]), r["t"])
    assert fit.loglik == pytest.approx(r["loglik"], abs=1e-8) and fit.phi == pytest.approx(r["phi"], abs=2e-5)
    assert fit.loglik >= r["loglik"] - 1e-12
    assert fit.coefficients == pytest.approx(r["coef"], rel=1e-5) and fit.std_errors == pytest.approx(r["se"], rel=1e-4)
    assert fit.sigma == pytest.approx(r["sigma"], rel=1e-4)


def test_a_series_without_correlation_is_least_squares():
    y, x = np.array([5.0, 1, 6, 2, 9, 4, 10, 5]), np.column_stack([np.ones(8), np.repeat([0, 1], 4)])
    fit = autoregression(y, x, np.arange(8))
    test = stats.ttest_ind(y[4:], y[:4])
    assert fit.phi == 0 and fit.df == 6 and fit.p_values()[1] == pytest.approx(test.pvalue, rel=1e-10)


def test_series_that_are_refused():
    x = np.column_stack([np.ones(4), [0, 0, 1, 1]])
    with pytest.raises(MethodError, match="4 values are too few for 2 coefficients"):
        autoregression(np.arange(4.0), x, np.arange(4))
    with pytest.raises(MethodError, match="must increase"):
        autoregression(np.arange(6.0), np.column_stack([np.ones(6), [0, 0, 0, 1, 1, 1]]), [0, 1, 1, 2, 3, 4])
    with pytest.raises(MethodError, match="cannot be told apart"):
        autoregression(np.arange(6.0), np.ones((6, 2)), np.arange(6))
    with pytest.raises(MethodError, match="no error to estimate"):
        autoregression(np.zeros(6), np.column_stack([np.ones(6), [0, 0, 0, 1, 1, 1]]), np.arange(6))


def test_randomization():
    r = R["random"]
    found, p = randomization(r["y"], r["starts"], r["start"])
    assert found == pytest.approx(r["stats"][3], rel=1e-12) and p == pytest.approx(r["p"], rel=1e-12)
    assert randomization([-v for v in r["y"]], r["starts"], 7, -1)[1] == p
    with pytest.raises(MethodError, match="do not allow it"):
        randomization(r["y"], r["starts"], 3)


def test_the_published_benchmark():
    """Placebo response of −6.58 (SD 7.5): P(change ≤ −27) = 0.0032."""
    p = stats.norm.cdf(-27, -6.58, 7.5)
    assert f"{p:.4f}" == "0.0032" and p == pytest.approx(R["bench"]["published"], rel=1e-10)
    assert [best_of(p, m) for m in (10, 100, 1000)] == pytest.approx(R["bench"]["best"], rel=1e-10)
    assert expected_patients(p) == pytest.approx(1 / R["bench"]["published"]) and expected_patients(0) == math.inf
    assert best_of(1e-18, 1000) == pytest.approx(1e-15) and best_of(1, 3) == 1


def test_a_series_under_sham():
    """The mean of five by R's predict with weights; at least k of m by R's pbinom."""
    given, r = R["bench"]["regression"], R["bench"]["series"]
    five = predict(given["base"], given["week4"], 26, 5)
    assert five.interval() == pytest.approx(r["pi"], rel=1e-9) and five.chance(14) == pytest.approx(r["p"], rel=1e-9)
    assert five.scale < predict(given["base"], given["week4"], 26).scale and five.chance(14) + five.chance(14, 1) == pytest.approx(1)
    for k, m, p, want in r["least"]:
        assert at_least(int(k), int(m), p) == pytest.approx(want, rel=1e-8)
    assert at_least(1, 7, 0.03) == pytest.approx(best_of(0.03, 7), rel=1e-12) and at_least(7, 7, 0.03) == pytest.approx(0.03**7, rel=1e-9)
    with pytest.raises(MethodError, match=r"^3 pairs of baseline and outcome do not"):
        predict(np.array([20.0, 25, 30]), np.array([10.0, 15, 12]), 26)
    with pytest.raises(MethodError, match=r"^5 pairs of baseline and outcome with one baseline value do not"):
        predict(np.full(5, 20.0), np.arange(5.0), 26)
    with pytest.raises(MethodError, match="the mean of 0 patients"):
        predict(given["base"], given["week4"], 26, 0)


def test_regression_to_the_mean():
    found = regression_to_the_mean(20, 7, 0.8, 20)
    assert f"{found:.4f}" == "-1.1170" and found == pytest.approx(R["bench"]["rtm"], rel=1e-10)
    assert regression_to_the_mean(21, 5.5, 0.6, 24) == pytest.approx(R["bench"]["rtm_integral"], rel=1e-7)
    assert regression_to_the_mean(-20, 7, 0.8, -20, better=1) == pytest.approx(-found)  # low is bad: the second value is higher
    far = regression_to_the_mean(0, 1, 0.5, 40)
    assert far == pytest.approx(-0.5 * 40.02496, rel=1e-6)  # Mills' ratio: 40 + 1/40 − …
    with pytest.raises(MethodError, match="a correlation"):
        regression_to_the_mean(20, 7, 1.2, 20)


def test_prediction():
    r = R["bench"]["regression"]
    found = predict(r["base"], r["week4"], 27)
    assert (found.mean, found.scale, found.df) == pytest.approx((r["mean"], r["scale"], r["df"]), rel=1e-10)
    assert found.interval() == pytest.approx(r["pi"], rel=1e-10)
    assert found.chance(0) == pytest.approx(r["p_plain"], rel=1e-9) and found.chance(0.5) == pytest.approx(r["p"], rel=1e-9)
    assert found.chance(0, better=1) == pytest.approx(1 - r["p_plain"], rel=1e-9)
    with pytest.raises(MethodError, match="3 pairs"):
        predict([1, 2, 3], [1, 2, 4], 2)


def test_exact_limits():
    """R binom.test; none of n has the upper limit 1 − (α/2)^(1/n)."""
    for events, n, low, high in R["bench"]["exact"]:
        assert exact_limits(int(events), int(n)) == pytest.approx((low, high), abs=1e-10)
    assert exact_limits(0, 50)[1] == pytest.approx(1 - 0.025 ** (1 / 50), rel=1e-12)
    with pytest.raises(MethodError, match="no subject"):
        exact_limits(0, 0)


@pytest.mark.parametrize("values", [([27.0] * 3, [0.0] * 3), ([25.0] * 3, [25.0] * 3), ([28.0] * 3, [10.0] * 4)])
def test_constant_phases_leave_no_error(values):
    a, b = (np.array(v) for v in values)
    with pytest.raises(MethodError, match="constant"):
        log_ratio(a, b)
    y = np.concatenate([a, b])
    phase = np.repeat([0.0, 1.0], [len(a), len(b)])
    with pytest.raises(MethodError, match="no error to estimate"):
        autoregression(y, np.column_stack([np.ones(len(y)), phase]), np.arange(len(y), dtype=float), least_df=1)
