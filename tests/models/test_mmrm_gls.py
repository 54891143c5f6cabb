"""Models that nlme::gls fits: spatial exponential on actual times, weights; robust variances of clubSandwich.

Reference: R nlme 3.1-162 and clubSandwich 0.5.8, tests/reference/mixed.json.
"""

import numpy as np
import pytest

import nirls
from tests.models.r_mixed import MIXED, SLOPES, TRIAL, check_deviance, check_table, read_slopes, read_trial
from tests.models.r_mmrm import MODEL, in_order, same

CASES = {
    "sp_exp": ("IRLS ~ WEEK * TRT", read_slopes, SLOPES | {"covariance": "sp-exp"}),
    "sp_exp_ml": ("IRLS ~ WEEK * TRT", read_slopes, SLOPES | {"covariance": "sp-exp", "reml": False}),
    "sp_exp_weighted": ("IRLS ~ WEEK * TRT", read_slopes, SLOPES | {"covariance": "sp-exp", "weights": "W"}),
    "cs_weighted_gls": (MODEL, read_trial, TRIAL | {"covariance": "cs", "weights": "W"}),
}


@pytest.mark.parametrize("key", CASES)
def test_gls(key):
    formula, read, options = CASES[key]
    fit, r = nirls.mmrm(formula, read(), **options), MIXED[key]
    check_deviance(fit, r["deviance"])
    assert fit.deviance <= r["stock_deviance"] + 1e-9
    (parameter,) = r["theta"]  # gls: range, or correlation
    same(fit.fit.theta, [r["sigma2"], parameter * (1.0 if key.startswith("sp_exp") else r["sigma2"])], 1e-8)
    for ddf in ("residual", "satterthwaite"):
        check_table(fit.coefficients(ddf=ddf), r[ddf])


@pytest.fixture(scope="module", params=["us", "cs"])
def robust(request):
    return nirls.mmrm(MODEL, read_trial(), covariance=request.param, **TRIAL), MIXED["robust"][request.param]


@pytest.mark.parametrize("vcov", ["CR0", "CR1", "CR2", "CR3"])
def test_clubsandwich(robust, vcov):
    """coef_test(test = "Satterthwaite"); CR2 with Bell and McCaffrey's square root, tests/reference/README.md."""
    fit, r = robust
    check_deviance(fit, r["deviance"])
    check_table(fit.coefficients(vcov=vcov, ddf="satterthwaite"), r["CR2_whitened" if vcov == "CR2" else vcov])


def test_the_other_square_root_of_cr2(robust):
    """clubSandwich for gls: an equally unbiased CR2 with another square root, close but not the same."""
    fit, r = robust
    found = fit.coefficients(vcov="CR2", ddf="satterthwaite")
    ratio = found["std_error"] / np.array(r["CR2"]["se"])[in_order(found.index, r["CR2"])]
    assert 1e-5 < abs(ratio - 1).max() < 3e-4


def test_weights_are_of_records_not_counted():
    """Twice the weights is half the variance and the same inference; what has no weight one changes the estimates."""
    data = read_trial()
    one, two = (nirls.mmrm(MODEL, data.assign(W=data["W"] * k), covariance="cs", weights="W", **TRIAL) for k in (1, 2))
    same(two.coefficients(), one.coefficients(), 1e-9)
    same(two.fit.theta, 2 * one.fit.theta, 1e-9)
    assert two.deviance == pytest.approx(one.deviance, rel=1e-12)
    plain = nirls.mmrm(MODEL, data, covariance="cs", **TRIAL)
    assert abs(one.params - plain.params).max() > 0.01
