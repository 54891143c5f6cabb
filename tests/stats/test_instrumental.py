"""Effects of an exposure with the arm as instrument: R AER, the test that the interval inverts, and the delta method."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from nirls.errors import NotEstimableError
from nirls.stats.instrumental import Interval, instrumental_effect, ratio

HERE = Path(__file__).parents[1] / "reference"
R = json.loads((HERE / "causal.json").read_text())


@pytest.fixture(scope="module")
def week4():
    """Week 4 of two arms with the doses that causal.R makes."""
    frame = pd.read_csv(HERE / "irls_parallel.csv")
    frame = frame[(frame["AVISIT"] == "W4") & frame["TRT"].isin(["SHAM", "NIR-H"]) & frame["CHG"].notna()]
    number, z = frame["USUBJID"].str[1:].astype(int), (frame["TRT"] == "NIR-H").astype(float)
    return frame.assign(Z=z, DOSE=z * (300 + number * 37 % 350), WEAK=100 * np.sin(number) + 8 * z)


def fitted(frame, exposure, region):
    x = [np.ones(len(frame)), frame["BASE"]] + ([frame["REGION"] == "AP", frame["REGION"] == "EU"] if region else [])
    return instrumental_effect(frame["CHG"], frame[exposure], frame["Z"], np.column_stack(x))


def test_two_stage_least_squares(week4):
    """R AER 1.2-10 ivreg, tests/reference/causal.R; the limits of Anderson and Rubin by uniroot over lm."""
    for exposure, region, key in (("DOSE", True, "iv"), ("WEAK", False, "weak")):
        found, r = fitted(week4, exposure, region), R[key]
        assert (found.estimate, found.std_error, found.df) == pytest.approx((r["estimate"], r["se"], r["df"]), rel=1e-9)
        assert found.first_stage_f == pytest.approx(r["first_f"], rel=1e-9)
        assert found.p_value == pytest.approx(r["p"], rel=1e-9)
    interval = fitted(week4, "DOSE", True).anderson_rubin()
    assert (interval.low, interval.high) == pytest.approx(R["iv"]["ar"], rel=1e-9) and not interval.outside
    assert fitted(week4, "DOSE", True).anderson_rubin_p() == pytest.approx(R["iv"]["ar_p0"], rel=1e-10)
    weak = fitted(week4, "WEAK", False)
    assert [weak.anderson_rubin_p(b) for b in (-5, -1, 0, 1, 5, 50)] == pytest.approx(R["weak"]["ar_p"], rel=1e-9)
    assert weak.anderson_rubin() == Interval(low=-np.inf, high=np.inf)  # no effect is rejected at any of these


def test_the_reduced_form_is_least_squares(week4):
    """At β = 0 the test of Anderson and Rubin is that of the arm: intention to treat."""
    found = fitted(week4, "DOSE", False)
    ols = sm.OLS(week4["CHG"], sm.add_constant(week4[["BASE", "Z"]])).fit()
    assert (found.reduced, found.reduced_std_error) == pytest.approx((ols.params["Z"], ols.bse["Z"]), rel=1e-10)
    assert found.anderson_rubin_p() == pytest.approx(ols.pvalues["Z"], rel=1e-9)
    assert found.estimate * found.first_stage == pytest.approx(found.reduced, rel=1e-12)


@pytest.mark.parametrize("move", [0.05, 0.12, 0.2, 0.3, 1.0])
def test_the_interval_is_what_the_test_does_not_reject(move):
    """Strong and weak instruments, bounded sets and sets that lie outside an interval."""
    rng = np.random.default_rng(5)
    z, u = np.repeat([0.0, 1.0], 60), rng.normal(size=120)
    d = move * 4 * z + u + rng.normal(size=120)
    y = 2 * d + 3 * u + rng.normal(size=120)
    found = instrumental_effect(y, d, z, np.ones((120, 1)))
    interval = found.anderson_rubin()
    grid = np.linspace(-40, 40, 4001)
    accepted = np.array([found.anderson_rubin_p(b) >= 0.05 for b in grid])
    np.testing.assert_array_equal(accepted, [b in interval for b in grid])
    for edge in (interval.low, interval.high):
        if np.isfinite(edge):
            assert found.anderson_rubin_p(edge) == pytest.approx(0.05, rel=1e-8)
    assert found.estimate in interval


def test_one_sided_noncompliance_is_a_ratio():
    """Without covariates: the difference of means divided by the difference in uptake (Wald)."""
    rng = np.random.default_rng(2)
    z = np.repeat([0.0, 1.0], [50, 70])
    d, y = z * (rng.random(120) < 0.7), rng.normal(size=120) - 3 * z
    found = instrumental_effect(y, d, z, np.ones((120, 1)))
    assert found.estimate == pytest.approx((y[z == 1].mean() - y[z == 0].mean()) / d[z == 1].mean(), rel=1e-12)


def test_delta_method():
    """By hand: −3 (0.9) at an uptake of 0.75 (0.04) is −4 (1.2188)."""
    estimate, error = ratio(-3, 0.9, 0.75, 0.04)
    assert estimate == -4 and error == pytest.approx(1.2188, abs=5e-5)


def test_refused():
    z, ones = np.repeat([0.0, 1.0], 10), np.ones((20, 1))
    with pytest.raises(NotEstimableError, match="does not differ"):
        instrumental_effect(np.arange(20.0), np.full(20, 3.0), z, ones)
    with pytest.raises(NotEstimableError, match="told apart"):
        instrumental_effect(np.arange(20.0), np.arange(20.0), z, np.column_stack([ones, z]))
    with pytest.raises(NotEstimableError, match="too few"):
        instrumental_effect(np.arange(2.0), np.arange(2.0), np.arange(2.0), np.ones((2, 1)))
    with pytest.raises(NotEstimableError, match="uptake"):
        ratio(-3, 0.9, 0.0, 0.1)
