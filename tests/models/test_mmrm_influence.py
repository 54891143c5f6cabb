"""Influence of single subjects."""

import numpy as np
import pandas as pd
import pytest

import nirls
from tests.models.r_mmrm import MODEL, read_parallel

SMALL = "CHG ~ BASE + TRT * AVISIT"


@pytest.fixture(scope="module")
def data():
    frame = read_parallel()
    return frame[frame["USUBJID"].isin(frame["USUBJID"].unique()[::4])]


@pytest.mark.parametrize(("covariance", "reml"), [("us", True), ("us-cholesky", True), ("ar1h", False)])
def test_definitions_by_refitting(data, covariance, reml):
    options = {"subject": "USUBJID", "visit": "AVISIT", "covariance": covariance, "reml": reml}
    fit = nirls.mmrm(SMALL, data, **options)
    table = fit.influence()
    observed = data[data["CHG"].notna()]
    assert table.index.tolist() == observed["USUBJID"].drop_duplicates().tolist()
    assert table["n_obs"].tolist() == observed.groupby("USUBJID", sort=False).size().tolist() and table["converged"].all()
    phi = fit.fit.beta_cov
    for who in table.index[[0, 11, 30]]:
        less = nirls.mmrm(SMALL, data[data["USUBJID"] != who], **options)
        delta = fit.fit.beta - less.fit.beta
        assert table.loc[who, "cooks_distance"] == pytest.approx(delta @ np.linalg.solve(phi, delta) / delta.size, rel=1e-6)
        ratio = np.linalg.det(less.fit.beta_cov) / np.linalg.det(phi)
        assert table.loc[who, "covratio"] == pytest.approx(ratio, rel=1e-6)
        assert table.loc[who, "likelihood_distance"] > 0  # its value: see one visit, below


def test_one_visit_is_cooks_distance_of_least_squares():
    """statsmodels OLSInfluence (σ² of all data): one visit, one record a subject."""
    from statsmodels.regression.linear_model import OLS
    from statsmodels.stats.outliers_influence import OLSInfluence

    frame = read_parallel()
    frame = frame[(frame["AVISIT"] == "W4") & frame["CHG"].notna()]
    fit = nirls.mmrm("CHG ~ BASE + TRT", frame, subject="USUBJID", visit="AVISIT")
    exact = OLSInfluence(OLS(fit.design.y, fit.design.matrix).fit())
    found = fit.influence()
    np.testing.assert_allclose(found["cooks_distance"], exact.cooks_distance[0], rtol=1e-9)
    np.testing.assert_allclose(found["covratio"], exact.cov_ratio, rtol=1e-9)
    # REML of a single variance: 2{ℓ(σ̂²) − ℓ(s²)} = ν{log(s²/σ̂²) + σ̂²/s² − 1} with ν = n − p and s² without the subject
    ratio = fit.fit.sigma[0, 0] / exact.sigma2_not_obsi
    nu = len(frame) - 4
    np.testing.assert_allclose(found["likelihood_distance"], nu * (-np.log(ratio) + ratio - 1), rtol=1e-5, atol=1e-12)


def test_order_of_rows_and_missing_outcomes_do_not_matter(data):
    first = nirls.mmrm(SMALL, data, subject="USUBJID", visit="AVISIT").influence()
    mixed = nirls.mmrm(SMALL, data.sample(frac=1, random_state=1), subject="USUBJID", visit="AVISIT").influence()
    pd.testing.assert_frame_equal(first, mixed.loc[first.index], rtol=1e-6)


def test_a_subject_without_whom_nothing_is_estimable(data):
    alone = data.assign(SOLE=np.where(data["USUBJID"] == data["USUBJID"].iloc[0], 1.0, 0.0))
    found = nirls.mmrm("CHG ~ SOLE + TRT * AVISIT", alone, subject="USUBJID", visit="AVISIT").influence()
    assert found.index[~found["converged"]].tolist() == [data["USUBJID"].iloc[0]]
    assert found.loc[~found["converged"], "cooks_distance"].isna().all()


def test_model_of_the_reference_values_has_no_dominating_subject():
    found = nirls.mmrm(MODEL, read_parallel(), subject="USUBJID", visit="AVISIT").influence()
    assert len(found) == 180 and found["converged"].all() and 0 < found["cooks_distance"].max() < 0.5
