"""Predictions of a mixed model: against R nlme 3.1-162 and rbmi (tests/reference), and by identities."""

import json

import numpy as np
import pandas as pd
import pytest

import nirls
from nirls.errors import DataError, MethodError
from nirls.models.ancova import ancova
from tests.models.r_mmrm import HERE, MODEL, read_parallel

REFERENCE = json.loads((HERE / "diagnostics.json").read_text())["predict"]
IDS = {"subject": "USUBJID", "visit": "AVISIT"}
MEAN = ["estimate", "std_error", "df", "conf_low", "conf_high"]


@pytest.fixture(scope="module")
def data():
    return read_parallel()


@pytest.fixture(scope="module")
def fit(data):
    return nirls.mmrm(MODEL, data, **IDS)


def test_means_of_new_rows(fit, data):
    """nlme::gls, whose optimum is 2e-6 away in the coefficients."""
    new = data.iloc[:24].assign(BASE=lambda d: d["BASE"] + REFERENCE["base_shift"], TRT=lambda d: d["TRT"].astype(str))
    found = fit.predict(new)
    assert list(found.index) == REFERENCE["row"] and list(found.columns) == MEAN
    np.testing.assert_allclose(found["estimate"], REFERENCE["us"], rtol=0, atol=3e-6)


@pytest.mark.parametrize("options", [{}, {"ddf": "satterthwaite"}, {"vcov": "CR3"}])
def test_means_of_a_grid_are_ls_means(data, options):
    fit = nirls.mmrm("CHG ~ BASE * AVISIT + TRT * AVISIT", data, **IDS)
    mean = data.loc[data["CHG"].notna(), "BASE"].mean()
    grid = pd.MultiIndex.from_product([["W1", "W4"], ["SHAM", "NIR-H"]], names=["AVISIT", "TRT"]).to_frame(index=False)
    found = fit.predict(grid.assign(BASE=mean), **options)
    means = fit.lsmeans("TRT", by="AVISIT", **options)
    means = means[means["AVISIT"].isin(["W1", "W4"]) & means["TRT"].isin(["SHAM", "NIR-H"])]
    np.testing.assert_allclose(found[MEAN], means[["lsmean", *MEAN[1:]]], rtol=1e-9)


def test_the_analysed_rows(fit, data):
    found = fit.predict(level=0.9)
    pd.testing.assert_series_equal(found["estimate"], fit.fittedvalues, check_names=False)
    again = fit.predict(data, level=0.9).loc[data["CHG"].notna()]
    pd.testing.assert_frame_equal(found, again, rtol=1e-10)
    assert len(fit.predict(data.iloc[:0])) == 0 == len(fit.predict(data.iloc[:0], conditional=True))


def test_conditional_by_definition(data):
    """Subject by subject with the covariance of its arm and weights: E and variance of y_m given y_o."""
    weighted = data.assign(W=1 + (data.index % 5) / 3)
    fit = nirls.mmrm(MODEL, weighted, group="TRT", weights="W", **IDS)
    found = fit.predict(weighted.sample(frac=1, random_state=1), conditional=True).loc[data.index]
    seen = data["CHG"].notna()
    assert (found.loc[seen, "estimate"] == data.loc[seen, "CHG"]).all() and (found.loc[seen, "std_error_pred"] == 0).all()
    matrix = np.asarray(fit.design.spec.get_model_matrix(data.assign(AVISIT=pd.Categorical(data["AVISIT"]))), dtype=float)
    checked = 0
    for _, own in weighted[weighted["USUBJID"].isin(weighted.loc[~seen, "USUBJID"])].groupby("USUBJID"):
        o = own["CHG"].notna().to_numpy()
        x, w = matrix[own.index], own["W"].to_numpy()
        v = fit.varcor.loc[own["TRT"].iloc[0]].to_numpy() / np.sqrt(np.outer(w, w))
        b = v[np.ix_(~o, o)] @ np.linalg.inv(v[np.ix_(o, o)])
        expected = x[~o] @ fit.fit.beta + b @ (own["CHG"].to_numpy()[o] - x[o] @ fit.fit.beta)
        lines = x[~o] - b @ x[o]
        mean_variance = np.diag(lines @ fit.cov_params().to_numpy() @ lines.T)
        variance = mean_variance + np.diag(v[np.ix_(~o, ~o)] - b @ v[np.ix_(o, ~o)])
        rows = found.loc[own.index[~o]]
        np.testing.assert_allclose(rows["estimate"], expected, rtol=1e-9)
        np.testing.assert_allclose(rows["std_error"] ** 2, mean_variance, rtol=1e-8)
        np.testing.assert_allclose(rows["std_error_pred"] ** 2, variance, rtol=1e-8)
        assert (rows["conf_low"] < rows["estimate"]).all() and (rows["df"] > 10).all()
        checked += (~o).sum()
    assert checked == (~seen).sum() == 51


def test_analysis_of_imputed_data_is_the_mixed_model(data):
    """With every covariate by visit, generalised least squares is least squares per visit of the conditional means (a fixed point of the
    EM algorithm: Dempster, Laird & Rubin 1977), so both give the same estimates."""
    fit = nirls.mmrm("CHG ~ REGION * AVISIT + BASE * AVISIT + TRT * AVISIT", data, **IDS)
    imputed = data.assign(CHG=fit.predict(data, conditional=True)["estimate"])
    expected = fit.contrasts("TRT", by="AVISIT").set_index("AVISIT")["estimate"]
    for visit, rows in imputed.groupby("AVISIT"):
        found = ancova("CHG ~ TRT + BASE + REGION", rows).contrasts("TRT")["estimate"]
        np.testing.assert_allclose(found, expected[visit], rtol=1e-10)


def test_conditional_mean_imputation_of_rbmi(data):
    """R rbmi, method_condmean under MAR (imputation.json of tests/reference/reference_irls.R): trt_W1 … trt_W4. Its stock fit of mmrm
    stops 5e-6 above the minimum of −2ℓ, 1e-5 away in estimates."""
    expected = [-1.53434238166508, -3.09617421023493, -3.4354175248375, -1.16562787615842]
    two = data[data["TRT"] != "NIR-L"]
    fit = nirls.mmrm("CHG ~ REGION + BASE * AVISIT + TRT * AVISIT", two, **IDS)
    imputed = two.assign(CHG=fit.predict(two, conditional=True)["estimate"])
    found = [ancova("CHG ~ TRT + BASE + REGION", rows).contrasts("TRT")["estimate"].item() for _, rows in imputed.groupby("AVISIT")]
    np.testing.assert_allclose(found, expected, rtol=2e-5)


def test_conditional_in_continuous_time():
    """At a time nobody was seen: a random intercept and slope give the best linear unbiased prediction of the subject's line."""
    slopes = pd.read_csv(HERE / "irls_slopes.csv")
    fit = nirls.mmrm("IRLS ~ WEEK * TRT", slopes, subject="USUBJID", visit="WEEK", covariance="random-slope")
    new = pd.DataFrame({"USUBJID": ["L01", "NEW"], "TRT": "SHAM", "WEEK": 20.0, "IRLS": np.nan})
    found = fit.predict(pd.concat([slopes, new], ignore_index=True), conditional=True).tail(2)
    own = slopes[slopes["USUBJID"] == "L01"]
    g11, g21, g22, residual = fit.fit.theta
    g, z = np.array([[g11, g21], [g21, g22]]), np.column_stack([np.ones(len(own)), own["WEEK"]])
    effects = g @ z.T @ np.linalg.solve(z @ g @ z.T + residual * np.eye(len(own)), fit.resid.loc[own.index])
    mean = fit.predict(new)["estimate"].to_numpy()
    np.testing.assert_allclose(found["estimate"], mean + np.array([effects @ [1, 20.0], 0.0]), rtol=1e-9)
    alone = np.array([1, 20.0]) @ g @ [1, 20.0] + residual
    assert found["std_error_pred"].iloc[1] == pytest.approx(np.sqrt(fit.predict(new)["std_error"].iloc[1] ** 2 + alone), rel=1e-9)


def test_conditional_on_a_transformed_outcome(data):
    fit = nirls.mmrm("np.log(AVAL + 1) ~ BASE + AVISIT", data, covariance="cs", **IDS)
    found = fit.predict(data, conditional=True)
    seen = data["AVAL"].notna()
    np.testing.assert_allclose(found.loc[seen, "estimate"], np.log(data.loc[seen, "AVAL"] + 1), rtol=1e-12)


def test_missing_covariates_are_counted(fit, data):
    gaps = data.head(24).copy()
    gaps.loc[[0, 1, 17, 18], "BASE"] = np.nan
    gaps.loc[4, "TRT"] = np.nan
    with pytest.warns(
        UserWarning, match=r"5 of 24 rows are without covariates \(missing \{'TRT': 1, 'BASE': 4\}\); their prediction is NaN"
    ):
        found = fit.predict(gaps)
    assert list(found.index[found["estimate"].isna()]) == [0, 1, 4, 17, 18] and found.isna().sum().nunique() == 1
    with pytest.warns(
        UserWarning, match="5 of 24 rows .* their missing outcomes are not predicted, their observed ones not conditioned on"
    ):
        found = fit.predict(gaps, conditional=True)
    assert list(found.index[found["estimate"].isna()]) == [17, 18] and found.loc[0, "estimate"] == data.loc[0, "CHG"]
    known = [label for label in found.index if label not in (0, 1, 4, 17, 18)]
    pd.testing.assert_frame_equal(fit.predict(gaps.loc[known], conditional=True), found.loc[known])


def test_an_outcome_without_covariates_is_not_conditioned_on(fit, data):
    one = data.loc[16:19].assign(BASE=data["BASE"].where(data.index != 16))  # W1 observed, the later visits missing
    with pytest.warns(UserWarning, match="1 of 4 rows"):
        found = fit.predict(one, conditional=True)
    pd.testing.assert_frame_equal(found.loc[17:, MEAN], fit.predict(one.loc[17:]), rtol=1e-12)


def test_what_is_not_estimable_is_not_predicted(data):
    empty = data.assign(CHG=data["CHG"].where((data["TRT"] != "NIR-H") | (data["AVISIT"] != "W4")))
    fit = nirls.mmrm(MODEL, empty, rank_deficient="drop", **IDS)
    with pytest.warns(UserWarning, match=r"the mean of 60 of 720 rows is not estimable \(TRT\[T.NIR-H\]:AVISIT\[T.W4\] dropped\)"):
        found = fit.predict(empty)
    assert ((data["TRT"] == "NIR-H") & (data["AVISIT"] == "W4")).equals(found["estimate"].isna())


def test_unusable_data(fit, data):
    def refuse(match, new, error=DataError, **options):
        with pytest.raises(error, match=match):
            fit.predict(new, **options)

    refuse("TRT has levels unknown to the fit: SPARK; levels: SHAM, NIR-L, NIR-H", data.assign(TRT="SPARK"))
    refuse("no column 'BASE'; columns: USUBJID", data.drop(columns="BASE"))
    refuse("BASE: numbers in the fit, but (str|object) in the data", data.assign(BASE=data["BASE"].astype(str)))
    refuse("more than one for: S001 at W1", pd.concat([data, data.head(1)]), conditional=True)
    refuse("no column 'USUBJID'", data.drop(columns="USUBJID"), conditional=True)
    refuse("'USUBJID' is missing in 2 rows", data.assign(USUBJID=data["USUBJID"].where(data.index > 1)), conditional=True)
    refuse("in the analysed rows none is", None, MethodError, conditional=True)
    refuse("confidence level 95 is not between 0 and 1", data, ValueError, level=95)
    plain = nirls.mmrm("CHG ~ BASE", data, group="TRT", covariance="cs", **IDS)
    with pytest.raises(DataError, match="AVISIT has levels unknown to the fit: W9; levels: W1, W2, W3, W4"):
        plain.predict(data.assign(AVISIT=data["AVISIT"].replace("W4", "W9")), conditional=True)
    with pytest.raises(DataError, match="one covariance group only; in several: S001"):
        plain.predict(data.assign(TRT=data["TRT"].where(data.index > 0, "NIR-H")), conditional=True)
    unused = nirls.mmrm(MODEL, data.assign(CHG=data["CHG"].where(data["REGION"] != "AP")), **IDS)
    with pytest.raises(DataError, match=r"AP \(AP: declared, but without an analysed row\)"):
        unused.predict(data)
