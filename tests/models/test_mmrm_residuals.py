"""Residuals of a mixed model against R nlme 3.1-162 (tests/reference/diagnostics.json) and by their definition."""

import json

import numpy as np
import pandas as pd
import pytest

import nirls
from tests.models.r_mmrm import HERE, MODEL, read_parallel

REFERENCE = json.loads((HERE / "diagnostics.json").read_text())["residuals"]
IDS = {"subject": "USUBJID", "visit": "AVISIT"}


@pytest.fixture(scope="module")
def data():
    frame = read_parallel()
    return frame.assign(W=1 + ((pd.factorize(frame["USUBJID"], sort=True)[0] + 1) % 4) / 2 + frame["AVISIT"].str[1:].astype(int) / 10)


def check(fit, r, absolute):
    assert fit.deviance == pytest.approx(r["deviance"], abs=1e-8)
    for name, key in (("fittedvalues", "fitted"), *((k, k) for k in ("resid", "resid_pearson", "resid_normalized"))):
        np.testing.assert_allclose(getattr(fit, name).loc[r["row"]], r[key], rtol=0, atol=absolute)
    assert (fit.resid_normalized**2).sum() == pytest.approx(r["sum_of_squares"], rel=1e-9)


# how close depends on the optimum of gls: 2e-6 with the ten parameters of an unstructured covariance, 7e-8 with two
def test_unstructured(data):
    check(nirls.mmrm(MODEL, data, **IDS), REFERENCE["us"], 5e-6)


def test_weights(data):
    check(nirls.mmrm(MODEL, data, weights="W", **IDS), REFERENCE["us_weighted"], 5e-6)
    check(nirls.mmrm(MODEL, data, weights="W", covariance="ar1", **IDS), REFERENCE["ar1_weighted"], 2e-7)


def test_continuous_time():
    slopes = pd.read_csv(HERE / "irls_slopes.csv").assign(TRT=lambda d: pd.Categorical(d["TRT"], ["SHAM", "NIR"]))
    check(nirls.mmrm("IRLS ~ WEEK * TRT", slopes, subject="USUBJID", visit="WEEK", covariance="sp-exp"), REFERENCE["exponential"], 1e-8)


def test_by_definition(data):
    """Covariance by arm and weights; subject by subject, r / √V_aa and L⁻¹r with V = LL'."""
    fit = nirls.mmrm(MODEL, data.sample(frac=1, random_state=3), group="TRT", weights="W", **IDS)
    rows = data.loc[fit.resid.index].assign(r=fit.resid, p=fit.resid_pearson, z=fit.resid_normalized).sort_values(["USUBJID", "AVISIT"])
    np.testing.assert_allclose(rows["r"], rows["CHG"] - fit.fittedvalues.loc[rows.index], atol=1e-12)
    for _, own in rows.groupby("USUBJID"):
        visits = own["AVISIT"].str[1:].astype(int).to_numpy() - 1
        sigma = fit.varcor.loc[own["TRT"].iloc[0]].to_numpy()[np.ix_(visits, visits)] / np.sqrt(np.outer(own["W"], own["W"]))
        np.testing.assert_allclose(own["p"], own["r"] / np.sqrt(np.diag(sigma)), rtol=1e-10)
        np.testing.assert_allclose(own["z"], np.linalg.solve(np.linalg.cholesky(sigma), own["r"]), rtol=1e-8, atol=1e-10)


def test_they_carry_the_labels_of_the_data(data):
    labelled = data.set_axis([f"row {i}" for i in range(len(data))])
    labelled.loc["row 3", "BASE"] = np.nan
    with pytest.warns(UserWarning, match="1 rows with an observed CHG"):
        fit = nirls.mmrm(MODEL, labelled, **IDS)
    expected = [label for label in labelled.index[labelled["CHG"].notna()] if label != "row 3"]
    for name in ("fittedvalues", "resid", "resid_pearson", "resid_normalized"):
        series = getattr(fit, name)
        assert list(series.index) == expected and series.name == name and series.notna().all()


def test_normalized_residuals_are_independent():
    """Under the model their covariance is the unit matrix: 4,000 simulated subjects, four visits, some missing."""
    rng = np.random.default_rng(8)
    n, t = 4000, 4
    factor = np.array([[2.0, 0, 0, 0], [1, 2, 0, 0], [1, 1, 2, 0], [0.5, 1, 1, 3]])
    wide = rng.normal(size=(n, t)) @ factor.T
    wide[rng.random((n, t)) < 0.1] = np.nan
    frame = pd.DataFrame({"ID": np.repeat(np.arange(n), t), "V": np.tile(list("abcd"), n), "Y": wide.ravel()}).dropna()
    fit = nirls.mmrm("Y ~ V", frame, subject="ID", visit="V")
    scaled = frame.assign(Z=fit.resid_normalized).pivot(index="ID", columns="V", values="Z")
    np.testing.assert_allclose(scaled.cov(), np.eye(t), atol=0.06)  # standard error of a covariance of 3,240 pairs: 0.018
