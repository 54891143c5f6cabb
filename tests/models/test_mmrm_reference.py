"""`nirls.mmrm` against R mmrm 0.3.18 (tests/reference/mmrm.json, made by tests/reference/reference_irls.R)."""

import numpy as np
import pytest

import nirls
from tests.models.r_mmrm import (
    ERROR,
    ESTIMATE,
    METHODS,
    MODEL,
    REFERENCE,
    P,
    check_coefficients,
    check_criteria,
    check_table,
    in_order,
    read_parallel,
    same,
)


@pytest.fixture(scope="module")
def data():
    return read_parallel()


@pytest.fixture(scope="module")
def fit(data):
    return nirls.mmrm(MODEL, data, subject="USUBJID", visit="AVISIT")


@pytest.fixture(scope="module")
def ml(data):
    return nirls.mmrm(MODEL, data, subject="USUBJID", visit="AVISIT", reml=False)


def test_criteria(fit):
    check_criteria(fit, REFERENCE["fits"]["us.kr_linear"])
    assert fit.fit.n_subjects == 180  # README: BIC with 180 subjects
    assert fit.design.n_missing_outcome == 51 and fit.n_subjects_without_outcome == 0


@pytest.mark.parametrize(("key", "ddf"), METHODS.items())
def test_coefficients(fit, key, ddf):
    check_coefficients(fit, REFERENCE["fits"][key], ddf)


@pytest.mark.parametrize(("key", "ddf"), METHODS.items())
def test_lsmeans(fit, key, ddf):
    r = REFERENCE["fits"][key]["lsmeans"]
    found = fit.lsmeans("TRT", by="AVISIT", ddf=ddf)
    assert list(found["TRT"]) == r["TRT"] and list(found["AVISIT"]) == r["AVISIT"]
    check_table(found, "lsmean", r, "emmean")
    assert found["n"].sum() == 669


@pytest.mark.parametrize(("key", "ddf"), METHODS.items())
def test_contrasts(fit, key, ddf):
    r = REFERENCE["fits"][key]["contrasts"]
    found = fit.contrasts("TRT", by="AVISIT", reference="SHAM", ddf=ddf)
    assert list(found["AVISIT"]) == r["AVISIT"]
    assert list(found["contrast"]) == [text.replace("(", "").replace(")", "") for text in r["contrast"]]
    check_table(found, "estimate", r, "estimate")


def test_maximum_likelihood(ml):
    expected = REFERENCE["fits"]["us.ml_satterthwaite"]
    check_criteria(ml, expected)
    check_coefficients(ml, expected, None)
    check_table(ml.lsmeans("TRT", by="AVISIT"), "lsmean", expected["lsmeans"], "emmean")
    check_table(ml.contrasts("TRT", by="AVISIT"), "estimate", expected["contrasts"], "estimate")
    with pytest.raises(ValueError, match="defined for REML"):
        ml.lsmeans("TRT", ddf="kenward-roger-linear")


# The next three references come from a stock fit, not a polished one (tests/reference/README.md), so standard errors and df can
# only be as close as that fit is to the optimum. Estimates are also compared with the polished coefficients, tightly.
STOCK_ESTIMATE, STOCK_ERROR, STOCK_DF = 2e-5, 1e-4, 1e-4


def test_joint_test_of_treatment_by_visit(fit):
    r = REFERENCE["joint_trt_by_visit"]
    found = fit.test("TRT:AVISIT")
    assert found.num_df == r["num_df"]
    assert found.den_df == pytest.approx(r["den_df"], rel=STOCK_DF)
    assert found.statistic == pytest.approx(r["F"], rel=STOCK_ERROR)
    assert found.p_value == pytest.approx(r["p"], rel=P)
    # written as differences between neighbouring visits, as in the R script, it is the same hypothesis
    names = list(fit.design.columns)
    rows = []
    for arm in ("NIR-L", "NIR-H"):
        columns = [names.index(f"TRT[T.{arm}]:AVISIT[T.{visit}]") for visit in ("W2", "W3", "W4")]
        for earlier, later in zip([None, *columns], columns, strict=False):
            rows.append(np.eye(len(names))[later] - (0 if earlier is None else np.eye(len(names))[earlier]))
    again = fit.test(np.array(rows))
    assert (again.statistic, again.den_df) == pytest.approx((found.statistic, found.den_df), rel=1e-9)


def test_visit_averages(fit):
    r = REFERENCE["visit_average_contrasts"]
    found = fit.contrasts("TRT", reference="SHAM")
    same(found["estimate"], r["estimate"], STOCK_ESTIMATE)
    same(found["std_error"], r["SE"], STOCK_ERROR)
    same(found["df"], r["df"], STOCK_DF)
    polished = np.reshape(REFERENCE["fits"]["us.kr_linear"]["contrasts"]["estimate"], (4, 2)).mean(axis=0)
    same(found["estimate"], polished, ESTIMATE)


def test_observed_margins(fit, data):
    r = REFERENCE["lsmeans_observed_margins"]
    found = fit.lsmeans("TRT", by="AVISIT", margins="observed")
    same(found["lsmean"], r["emmean"], STOCK_ESTIMATE)
    same(found["std_error"], r["SE"], STOCK_ERROR)
    same(found["df"], r["df"], STOCK_DF)
    polished = REFERENCE["fits"]["us.kr_linear"]
    coefficient = dict(zip(polished["coefficients"]["term"], polished["coefficients"]["estimate"], strict=True))
    share = data[data["CHG"].notna()]["REGION"].value_counts(normalize=True)
    shift = sum(coefficient[f"REGION{region}"] * (share[region] - 1 / 3) for region in ("AM", "AP"))
    same(found["lsmean"], np.array(polished["lsmeans"]["emmean"]) + shift, ESTIMATE)


def test_standard_errors_follow_the_chosen_method(data, fit):
    satterthwaite = nirls.mmrm(MODEL, data, subject="USUBJID", visit="AVISIT", ddf="satterthwaite")
    for result, key in ((fit, "us.kr_linear"), (satterthwaite, "us.satterthwaite")):
        r = REFERENCE["fits"][key]["coefficients"]
        same(result.bse, np.array(r["se"])[in_order(result.bse.index, r)], ERROR)
    assert "unstructured" not in fit.summary() and "covariance us" in fit.summary()
