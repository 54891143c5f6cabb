"""Models that lme4 fits: random intercept and slope, compound symmetry, both by arm, weights.

Reference: R lme4 1.1-31 with lmerTest 3.1-3 (Satterthwaite, by the observed information) and pbkrtest 0.5.2 (Kenward–Roger, by the
expected one), tests/reference/mixed.json.
"""

import numpy as np
import pytest

import nirls
from tests.models.r_mixed import (
    MIXED,
    SLEEP,
    SLOPES,
    TRIAL,
    check_deviance,
    check_f,
    check_table,
    read_sleep,
    read_slopes,
    read_trial,
    rows_of,
)
from tests.models.r_mmrm import MODEL, same

LINES = "IRLS ~ WEEK * TRT"
CASES = {
    "random_intercept": (LINES, read_slopes, SLOPES | {"covariance": "random-intercept"}),
    "sleepstudy": ("Reaction ~ Days", read_sleep, SLEEP | {"covariance": "random-slope"}),
    "cs": (MODEL, read_trial, TRIAL | {"covariance": "cs"}),
    "cs_by_arm": (MODEL, read_trial, TRIAL | {"covariance": "cs", "group": "TRT"}),
    "random_slope_by_arm": (LINES, read_slopes, SLOPES | {"covariance": "random-slope", "group": "TRT"}),
    "cs_weighted": (MODEL, read_trial, TRIAL | {"covariance": "cs", "weights": "W"}),
    "cs_weighted_rows": (MODEL, read_trial, TRIAL | {"covariance": "cs", "weights": "W"}),
    "random_slope_weighted": (LINES, read_slopes, SLOPES | {"covariance": "random-slope", "weights": "W"}),
    "random_slope_weighted_rows": (LINES, read_slopes, SLOPES | {"covariance": "random-slope", "weights": "W"}),
}
METHODS = {"satterthwaite": ("satterthwaite", "observed"), "kenward_roger": ("kenward-roger", "expected")}
ARMS = {"SHAM": "S", "NIR": "N", "NIR-L": "L", "NIR-H": "H"}  # as reference_mixed.R names them


@pytest.fixture(scope="module")
def fitted():
    made = {}

    def fit(key, information):
        formula, read, options = CASES[key]
        if (key, information) not in made:
            made[key, information] = nirls.mmrm(formula, read(), information=information, **options)
        return made[key, information]

    return fit


@pytest.mark.parametrize("key", CASES)
def test_optimum(fitted, key):
    fit, r = fitted(key, "observed"), MIXED[key]
    check_deviance(fit, r["deviance"])
    own = r["parameters"]
    expected = own if fit.fit.groups is None else np.concatenate([own[ARMS[arm]] for arm in fit.fit.groups])
    same(fit.fit.theta, expected, 1e-7)


@pytest.mark.parametrize(("key", "method"), [(key, method) for key in CASES for method in METHODS if method in MIXED[key]])
def test_coefficients(fitted, key, method):
    ddf, information = METHODS[method]
    check_table(fitted(key, information).coefficients(ddf=ddf), MIXED[key][method])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("key", "name"), [(key, name) for key in CASES for name in MIXED[key].get("joint", ())])
def test_joint(fitted, key, name, method):
    """Several rows: lmerTest::contestMD and pbkrtest::KRmodcomp."""
    ddf, information = METHODS[method]
    fit, r = fitted(key, information), MIXED[key]["joint"][name]
    found = fit.test(rows_of(fit, r["terms"]), ddf=ddf)
    check_f(found, r[method])
    if method == "kenward_roger":
        assert found.scale == pytest.approx(r[method]["scale"], rel=1e-10)
    if name in ("TRT:AVISIT", "BASE:AVISIT", "REGION"):  # by the name of the term it is the same
        assert fit.test(name, ddf=ddf).statistic == pytest.approx(found.statistic, rel=1e-12)


def test_published_digits(fitted):
    """The printed values of the stock lmer fit of Reaction ~ Days + (Days | Subject) with lmerTest's Kenward–Roger."""
    fit = fitted("sleepstudy", "expected")
    assert fit.deviance == pytest.approx(1743.6283, abs=5e-5)
    assert (fit.fit.n_obs, fit.fit.n_subjects) == (180, 18)
    days = fit.coefficients(ddf="kenward-roger").loc["Days"]
    assert days["estimate"] == pytest.approx(10.467286, abs=5e-7)
    # its optimiser stops where the SE is 7e-7 (relative) from that of the optimum
    assert days["std_error"] == pytest.approx(1.545790, rel=1e-6) and days["statistic"] == pytest.approx(6.771482, rel=1e-6)
    assert days["df"] == pytest.approx(17, rel=1e-10)


def test_observed_and_expected_information_differ(fitted):
    """What tells the two references apart is far larger than the tolerance."""
    observed, expected = (
        fitted("random_intercept", information).coefficients(ddf="kenward-roger") for information in ("observed", "expected")
    )
    assert abs(observed["df"] / expected["df"] - 1).min() > 1e-4


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("name", ["sp-exp", "random-intercept", "random-slope"])
def test_by_arm_is_a_model_for_each_arm(name, reml):
    """When no coefficient is shared by arms either, the likelihood is the product of the arms' own."""
    data = read_slopes()
    options = SLOPES | {"covariance": name, "reml": reml}
    whole = nirls.mmrm(LINES, data, group="TRT", **options)
    alone = [nirls.mmrm("IRLS ~ WEEK", data[data["TRT"] == arm], **options) for arm in whole.fit.groups]
    assert whole.deviance == pytest.approx(sum(f.deviance for f in alone), rel=1e-12)
    same(whole.fit.theta, np.concatenate([f.fit.theta for f in alone]), 1e-7)
