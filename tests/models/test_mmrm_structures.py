"""Structured covariances, covariance by arm, and the order of fallback, against R mmrm 0.3.18 (tests/reference/mmrm.json)."""

import numpy as np
import pandas as pd
import pytest

import nirls
from nirls.stats.mmrm import LADDER
from tests.models.r_mmrm import METHODS, MODEL, REFERENCE, check_coefficients, check_criteria, check_table, read_parallel

DDF = {key.split(".")[1]: ddf for key, ddf in METHODS.items()}
KEYS = [(s, m) for s in (*LADDER, "ad", "us-cholesky") for m in DDF]


@pytest.fixture(scope="module")
def data():
    return read_parallel()


@pytest.fixture(scope="module")
def fits(data):
    return {s: nirls.mmrm(MODEL, data, subject="USUBJID", visit="AVISIT", covariance=s) for s, _ in KEYS}


@pytest.mark.parametrize(("name", "method"), KEYS)
def test_structures(fits, name, method):
    expected = REFERENCE["fits"][f"{name.removesuffix('-cholesky')}.{method}"]
    check_criteria(fits[name], expected)
    check_coefficients(fits[name], expected, DDF[method])
    check_table(fits[name].lsmeans("TRT", by="AVISIT", ddf=DDF[method]), "lsmean", expected["lsmeans"], "emmean")
    check_table(fits[name].contrasts("TRT", by="AVISIT", ddf=DDF[method]), "estimate", expected["contrasts"], "estimate")


def test_general_structures_fit_no_worse(fits):
    """Each structure contains the ones it is a generalisation of."""
    for general, special in (
        ("us", "toeph"), ("us", "adh"), ("toeph", "ar1h"), ("toeph", "csh"), ("toeph", "toep"), ("adh", "ar1h"), ("adh", "ad"),
        ("toep", "ar1"), ("toep", "cs"), ("ad", "ar1"), ("ar1h", "ar1"), ("csh", "cs"),
    ):  # fmt: skip
        assert fits[general].deviance < fits[special].deviance


def test_covariance_by_arm(data):
    fit = nirls.mmrm(MODEL, data, subject="USUBJID", visit="AVISIT", group="TRT", ddf="satterthwaite")
    expected = REFERENCE["fits"]["us.by_arm_satterthwaite"]
    assert fit.deviance == pytest.approx(expected["deviance"], abs=1e-6) and fit.deviance <= expected["deviance"] + 1e-6
    assert (fit.aic, fit.bic) == pytest.approx((expected["AIC"], expected["BIC"]), abs=1e-6)
    assert fit.fit.theta.size == expected["n_theta"] == 30 and fit.fit.sigma.shape == (3, 4, 4)
    check_coefficients(fit, expected, None)
    check_table(fit.lsmeans("TRT", by="AVISIT"), "lsmean", expected["lsmeans"], "emmean")
    check_table(fit.contrasts("TRT", by="AVISIT"), "estimate", expected["contrasts"], "estimate")
    assert fit.varcor.loc[("NIR-H", "W2"), "W1"] == fit.fit.sigma[list(fit.fit.groups).index("NIR-H"), 1, 0]
    assert "covariance us by TRT" in fit.summary()


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("name", ["us", "toeph", "ar1", "cs", "ad"])
def test_by_arm_is_a_model_for_each_arm(data, name, reml):
    """When no coefficient is shared by arms either, the likelihood is the product of the arms' own."""
    whole = nirls.mmrm("CHG ~ 0 + TRT:AVISIT", data, subject="USUBJID", visit="AVISIT", covariance=name, group="TRT", reml=reml)
    alone = [
        nirls.mmrm("CHG ~ 0 + AVISIT", data[data["TRT"] == arm], subject="USUBJID", visit="AVISIT", covariance=name, reml=reml)
        for arm in whole.fit.groups
    ]
    assert whole.deviance == pytest.approx(sum(f.deviance for f in alone), rel=1e-12)
    np.testing.assert_allclose(whole.fit.sigma, [f.fit.sigma for f in alone], rtol=1e-7)
    np.testing.assert_allclose(whole.fit.theta, np.concatenate([f.fit.theta for f in alone]), rtol=1e-7)


def test_maximum_likelihood_of_compound_symmetry(data):
    """Complete data, own mean at each visit and arm: σ²(1 − ρ) and σ²(1 + 3ρ) are estimated by the mean squares within and
    between subjects over n(t − 1) and n (Searle, Casella & McCulloch 1992, Variance Components, section 4.7)."""
    complete = data[data["CHG"].notna().groupby(data["USUBJID"]).transform("all")]
    fit = nirls.mmrm("CHG ~ 0 + TRT:AVISIT", complete, subject="USUBJID", visit="AVISIT", covariance="cs", reml=False)
    cells = complete.groupby(["TRT", "AVISIT"], observed=True)["CHG"].transform("mean")
    residual = (complete["CHG"] - cells).to_numpy().reshape(-1, 4)
    n = len(residual)
    between = 4 * (residual.mean(axis=1) ** 2).sum() / n
    within = ((residual - residual.mean(axis=1, keepdims=True)) ** 2).sum() / (3 * n)
    np.testing.assert_allclose(fit.fit.theta, [(between + 3 * within) / 4, (between - within) / 4], rtol=1e-9)


def test_fallback_goes_on_until_a_structure_converges(data):
    """No subject is seen at both W1 and W4: unstructured and Toeplitz cannot be estimated, autoregression can."""
    odd = data["USUBJID"].str[1:].astype(int) % 2 == 1
    apart = data[~((data["AVISIT"] == "W4") & odd) & ~((data["AVISIT"] == "W1") & ~odd)]
    fit = nirls.mmrm("CHG ~ AVISIT", apart, subject="USUBJID", visit="AVISIT", covariance=LADDER)
    path = [(a.covariance, a.converged) for a in fit.fit.attempts]
    assert path == [("us", False), ("toeph", False), ("ar1h", True)]
    assert "both of the visits W1 and W4" in fit.fit.attempts[0].message and fit.fit.attempts[0].iterations == 0
    assert fit.fit.covariance == "ar1h" and "tried: us, toeph, ar1h" in fit.summary()
    alone = nirls.mmrm("CHG ~ AVISIT", apart, subject="USUBJID", visit="AVISIT", covariance="ar1h")
    pd.testing.assert_frame_equal(fit.coefficients(), alone.coefficients())
    with pytest.raises(nirls.errors.NotEstimableError, match="W1 and W4"):
        nirls.mmrm("CHG ~ AVISIT", apart, subject="USUBJID", visit="AVISIT")


def test_groups_are_of_subjects(data):
    torn = data.assign(PART=np.where(data["AVISIT"] == "W4", "late", "early"))
    with pytest.raises(nirls.errors.DataError, match=r"one covariance group only; in several: "):
        nirls.mmrm("CHG ~ AVISIT", torn, subject="USUBJID", visit="AVISIT", group="PART")
    gap = data[~((data["AVISIT"] == "W3") & (data["TRT"] == "SHAM"))]
    with pytest.raises(nirls.errors.NotEstimableError, match="W1 and W3 in group SHAM"):
        nirls.mmrm("CHG ~ AVISIT", gap, subject="USUBJID", visit="AVISIT", group="TRT")
