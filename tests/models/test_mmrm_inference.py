"""Full Kenward–Roger and robust variances against R mmrm 0.3.18 (tests/reference/mmrm.json)."""

import numpy as np
import pytest

import nirls
from tests.models.r_mmrm import ERROR, MODEL, REFERENCE, check_coefficients, check_table, in_order, read_parallel, same


@pytest.fixture(scope="module")
def data():
    return read_parallel()


@pytest.fixture(scope="module")
def fit(data):
    return nirls.mmrm(MODEL, data, subject="USUBJID", visit="AVISIT")


@pytest.fixture(scope="module")
def cholesky(data):
    return nirls.mmrm(MODEL, data, subject="USUBJID", visit="AVISIT", covariance="us-cholesky", ddf="kenward-roger")


def test_full_kenward_roger_of_the_cholesky_factor(cholesky):
    expected = REFERENCE["fits"]["us.kr_full_cholesky"]
    check_coefficients(cholesky, expected, None)
    check_table(cholesky.lsmeans("TRT", by="AVISIT"), "lsmean", expected["lsmeans"], "emmean")
    check_table(cholesky.contrasts("TRT", by="AVISIT"), "estimate", expected["contrasts"], "estimate")


def test_full_kenward_roger_depends_on_the_parametrisation(fit, cholesky):
    """By the elements of Σ it is the linear adjustment (PROC MIXED), by the Cholesky factor it is not; the linear one is the same."""
    linear = fit.coefficients(ddf="kenward-roger-linear")["std_error"]
    same(fit.coefficients(ddf="kenward-roger")["std_error"], linear, 1e-12)
    same(cholesky.coefficients(ddf="kenward-roger-linear")["std_error"], linear, 1e-9)
    assert abs(cholesky.coefficients()["std_error"] / linear - 1).max() > 5e-3


@pytest.mark.parametrize(("vcov", "key"), [("CR0", "empirical"), ("CR2", "empirical-bias-reduced"), ("CR3", "empirical-jackknife")])
def test_robust_variances(fit, data, vcov, key):
    expected = REFERENCE["fits"][f"us.{key}"]
    again = nirls.mmrm(MODEL, data, subject="USUBJID", visit="AVISIT", vcov=vcov)
    assert again.ddf == "satterthwaite" and f"covariance of the coefficients {vcov}" in again.summary()
    check_coefficients(again, expected, None)
    for found, options in ((fit, {"ddf": "satterthwaite", "vcov": vcov}), (fit, {"vcov": vcov}), (again, {})):
        check_table(found.lsmeans("TRT", by="AVISIT", **options), "lsmean", expected["lsmeans"], "emmean")
        check_table(found.contrasts("TRT", by="AVISIT", **options), "estimate", expected["contrasts"], "estimate")
    same(again.bse, np.array(expected["coefficients"]["se"])[in_order(again.bse.index, expected["coefficients"])], ERROR)


def test_an_explicit_method_is_never_replaced(data, fit):
    with pytest.raises(ValueError, match="Kenward–Roger has its own covariance"):
        fit.lsmeans("TRT", ddf="kenward-roger-linear", vcov="CR0")
    robust = nirls.mmrm(MODEL, data, subject="USUBJID", visit="AVISIT", vcov="CR1")
    same(robust.lsmeans("TRT", ddf="kenward-roger-linear")["std_error"], fit.lsmeans("TRT")["std_error"], 1e-12)
    same(robust.lsmeans("TRT", ddf="residual")["std_error"], fit.lsmeans("TRT", vcov="CR1")["std_error"], 1e-12)
    same(robust.lsmeans("TRT", vcov="model")["std_error"], np.sqrt(np.diagonal(_lsmean_cov(fit))), 1e-12)
    assert set(robust.lsmeans("TRT", ddf="residual")["df"]) == {669 - 18}


def _lsmean_cov(fit):
    from nirls.models.reference_grid import marginal_rows

    rows = marginal_rows(fit.design, ["TRT"], "equal")[1]
    return rows @ fit.fit.beta_cov @ rows.T


def test_a_single_row_is_a_t_test_with_its_estimate():
    """A custom contrast equal to one of R's, by coefficients: the difference of NIR-H and SHAM at W1."""
    fit = nirls.mmrm(MODEL, read_parallel(), subject="USUBJID", visit="AVISIT")
    row = np.array([1.0 if name == "TRT[T.NIR-H]" else 0.0 for name in fit.design.columns])
    found, expected = fit.test(row), REFERENCE["fits"]["us.kr_linear"]["contrasts"]
    at = [i for i, (c, v) in enumerate(zip(expected["contrast"], expected["AVISIT"], strict=True)) if "NIR-H" in c and v == "W1"]
    same(found.estimate, [expected["estimate"][at[0]]], 1e-9)
    same(found.std_error, [expected["SE"][at[0]]], 1e-9)
    same(found.df, [expected["df"][at[0]]], 1e-9)
    same(np.ravel(found.ci()), [expected["lower_CL"][at[0]], expected["upper_CL"][at[0]]], 1e-9)
    assert fit.test(np.vstack([row, np.roll(row, 1)])).num_df == 2
