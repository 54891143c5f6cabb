"""The line with a bend against lme4 with pbkrtest (tests/reference/reference_slopes.R)."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nirls.errors import NotEstimableError
from nirls.models.slopes import slopes

HERE = Path(__file__).parents[1] / "reference"
R = json.loads((HERE / "slopes_bend.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def data():
    frame = pd.read_csv(HERE / "irls_bend.csv", keep_default_na=False)
    return frame.assign(TRT=pd.Categorical(frame["TRT"], ["SHAM", "NIR", "DRUG"]))


@pytest.fixture(scope="module")
def fit(data):
    return slopes(data, response="IRLS", time="WEEK", knot=12, subject="USUBJID", group="TRT", covariates=["BASE"], random=["knot"])


def test_criterion_and_covariance_parameters(fit):
    # lme4 stops at a slightly higher criterion, never at a lower one
    assert fit.fit.deviance == pytest.approx(R["REMLcrit"], abs=1e-6)
    assert fit.fit.deviance <= R["REMLcrit"] + 1e-9
    theta = fit.fit.fit.theta
    expected = [R["G"][i][j] for i in range(3) for j in range(i + 1)] + [R["sigma"] ** 2]
    np.testing.assert_allclose(theta, expected, rtol=2e-5)


ROWS = {
    "sham_before": ({"SHAM": 1.0}, "before"),
    "nir_before": ({"NIR": 1.0}, "before"),
    "nir_after": ({"NIR": 1.0}, "after"),
    "nir_change": ({"NIR": 1.0}, "change"),
    "difference_before": ({"NIR": 1.0, "SHAM": -1.0}, "before"),
    "difference_after": ({"NIR": 1.0, "SHAM": -1.0}, "after"),
    "pooled_before": ({"NIR": 0.5, "DRUG": 0.5, "SHAM": -1.0}, "before"),
}


@pytest.mark.parametrize("name", ROWS)
def test_slopes(fit, name):
    """Estimate, Kenward–Roger SE and df of pbkrtest."""
    found, r = fit.fit.t_tests(fit.slope_row(*ROWS[name])), R["rows"][name]
    assert found.estimate[0] == pytest.approx(r["estimate"], rel=2e-6)
    assert found.std_error[0] == pytest.approx(r["se"], rel=2e-6)
    assert found.df[0] == pytest.approx(r["df"], rel=2e-5)


def test_a_mean_after_the_knot(fit):
    found, r = fit.fit.t_tests(fit.level_rows("NIR", np.array([16.0]))), R["rows"]["nir_level_16"]
    assert found.estimate[0] == pytest.approx(r["estimate"], rel=1e-6)
    assert found.std_error[0] == pytest.approx(r["se"], rel=2e-6)
    assert found.df[0] == pytest.approx(r["df"], rel=2e-5)


def test_a_knot_needs_records_on_both_sides(data):
    with pytest.raises(NotEstimableError, match="there are 0 before"):
        slopes(data, response="IRLS", time="WEEK", knot=1, subject="USUBJID", group="TRT")
    fit = slopes(data[data["TRT"] != "DRUG"], response="IRLS", time="WEEK", knot=12, subject="USUBJID", group="TRT")
    with pytest.raises(NotEstimableError, match="no observation of DRUG"):
        fit.slope_row({"DRUG": 1.0}, "before")
