"""Random intercept and slope on actual times against R lme4 1.1-31, lmerTest 3.1-3 and pbkrtest 0.5.2 (tests/reference/slopes.json)."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import nirls
from nirls.stats.mmrm.covariance import TIMED
from tests.stats.test_mmrm_likelihood import check_derivatives

HERE = Path(__file__).parents[1] / "reference"
REFERENCE = json.loads((HERE / "slopes.json").read_text())


@pytest.fixture(scope="module")
def data():
    frame = pd.read_csv(HERE / "irls_slopes.csv")
    return frame.assign(TRT=pd.Categorical(frame["TRT"], ["SHAM", "NIR"]))


def slopes(data, **options):
    return nirls.mmrm("IRLS ~ WEEK * TRT", data, subject="USUBJID", visit="WEEK", covariance="random-slope", **options)


# lmerTest: Satterthwaite by the observed information; pbkrtest: Kenward–Roger by the expected one
@pytest.mark.parametrize(
    ("key", "ddf", "information"), [("satterthwaite", "satterthwaite", "observed"), ("kenward_roger", "kenward-roger", "expected")]
)
def test_random_slopes(data, key, ddf, information):
    fit, r = slopes(data, ddf=ddf, information=information), REFERENCE[key]
    assert fit.deviance <= REFERENCE["REMLcrit"] + 1e-6 and fit.deviance == pytest.approx(REFERENCE["REMLcrit"], abs=1e-6)
    expected = [REFERENCE["G"][0][0], REFERENCE["G"][1][0], REFERENCE["G"][1][1], REFERENCE["sigma"] ** 2]
    np.testing.assert_allclose(fit.fit.theta, expected, rtol=1e-5)
    table = fit.coefficients()
    for column, name, rel in (("estimate", "estimate", 1e-6), ("std_error", "se", 1e-5), ("df", "df", 1e-4), ("p_value", "p", 1e-3)):
        np.testing.assert_allclose(table[column], r[name], rtol=rel)
    assert "G(2,1)" in fit.summary()


@pytest.mark.parametrize("name", TIMED)
def test_derivatives_of_sigma(name):
    s = TIMED[name](np.array([0.0, 1.5, 2.0, 7.0]))
    theta = s.start(np.eye(1)) * 1.1
    assert theta.size == s.count == len(s.powers)
    for visits in (np.arange(4)[None], np.array([[0, 1], [1, 3], [0, 2]])):
        check_derivatives(s, theta, visits, atol=1e-7)
    assert np.isnan(s.sigma(-theta, np.arange(4)[None])).all()  # outside the domain


def test_equally_spaced_times_are_the_structures_of_visits(data):
    frame = data.assign(WEEK=data.groupby("USUBJID").cumcount().astype(float), V=data.groupby("USUBJID").cumcount().map("V{}".format))
    for timed, visits in (("sp-exp", "ar1"), ("random-intercept", "cs")):
        a = nirls.mmrm("IRLS ~ WEEK * TRT", frame, subject="USUBJID", visit="WEEK", covariance=timed)
        b = nirls.mmrm("IRLS ~ WEEK * TRT", frame, subject="USUBJID", visit="V", covariance=visits)
        assert a.deviance == pytest.approx(b.deviance, abs=1e-8)
        np.testing.assert_allclose(a.coefficients(), b.coefficients(), rtol=1e-6)


def test_times_must_be_numbers(data):
    with pytest.raises(nirls.errors.DataError, match="continuous time, but 'DAY' is not a column of numbers"):
        nirls.mmrm("IRLS ~ WEEK", data.assign(DAY=data["WEEK"].astype(str)), subject="USUBJID", visit="DAY", covariance="sp-exp")
    with pytest.raises(ValueError, match="cannot be declared together"):
        nirls.mmrm("IRLS ~ WEEK", data, subject="USUBJID", visit="WEEK", covariance=["us", "sp-exp"])
