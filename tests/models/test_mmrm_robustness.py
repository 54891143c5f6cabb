"""`nirls.mmrm` on awkward data: the answer does not depend on units, origins, labels and order; what has no answer is said."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.regression.linear_model import OLS

import nirls
from nirls.errors import ConvergenceError, DataError, MethodError, NotEstimableError
from nirls.stats.mmrm import LADDER
from tests.models.r_mixed import TRIAL, read_trial
from tests.models.r_mmrm import MODEL, same

DAYS = {"subject": "USUBJID", "visit": "ADY"}
CASES = {
    "kenward-roger-linear": TRIAL,
    "robust": TRIAL | {"vcov": "CR2"},
    "toeph": TRIAL | {"covariance": "toeph", "ddf": "satterthwaite"},
    "full cholesky": TRIAL | {"covariance": "us-cholesky", "ddf": "kenward-roger"},
    "by arm": TRIAL | {"covariance": "csh", "group": "TRT"},
    "weighted": TRIAL | {"covariance": "ar1", "weights": "W", "ddf": "between-within"},
    "ml": TRIAL | {"reml": False},
    "sp-exp": DAYS | {"covariance": "sp-exp"},
    "random-slope": DAYS | {"covariance": "random-slope", "ddf": "satterthwaite"},
}
COLUMNS = ["estimate", "std_error", "df", "statistic", "p_value", "conf_low", "conf_high"]
UNITED = [c in ("estimate", "std_error", "conf_low", "conf_high") for c in COLUMNS]  # carry the unit of the outcome


@pytest.fixture(scope="module")
def data():
    return read_trial()


@pytest.fixture(scope="module")
def plain(data):
    return {name: nirls.mmrm(MODEL, data, **options) for name, options in CASES.items()}


def differences(fit):
    return fit.contrasts("TRT", by="AVISIT", reference="SHAM")[COLUMNS].to_numpy()


@pytest.mark.parametrize("unit", [1e6, 1e-6])
@pytest.mark.parametrize("name", CASES)
def test_unit_of_the_outcome(data, plain, name, unit):
    fit = nirls.mmrm(MODEL, data.assign(CHG=data["CHG"] * unit), **CASES[name])
    same(differences(fit) / np.where(UNITED, unit, 1.0), differences(plain[name]), 1e-7)
    freedom = 669 if name == "ml" else 669 - 18
    assert fit.deviance == pytest.approx(plain[name].deviance + freedom * np.log(unit**2), rel=1e-11)


@pytest.mark.parametrize("name", CASES)
def test_origin_of_the_outcome(data, plain, name):
    fit = nirls.mmrm(MODEL, data.assign(CHG=data["CHG"] + 1e6), **CASES[name])
    same(differences(fit), differences(plain[name]), 1e-6)  # 1e6 + CHG holds CHG to 1e-10 only
    means, old = (f.lsmeans("TRT", by="AVISIT") for f in (fit, plain[name]))
    same(means["lsmean"] - 1e6, old["lsmean"], 1e-7)
    same(means["std_error"], old["std_error"], 1e-7)
    assert fit.deviance == pytest.approx(plain[name].deviance, abs=1e-6)


@pytest.mark.parametrize(("unit", "origin"), [(1e8, 0.0), (1e-8, 0.0), (1.0, 1e5), (1e-3, -7e4)])
@pytest.mark.parametrize("name", CASES)
def test_badly_scaled_covariate(data, plain, name, unit, origin):
    fit = nirls.mmrm(MODEL, data.assign(BASE=data["BASE"] * unit + origin), **CASES[name])
    lost = 1e-6 if origin else 1e-7  # a covariate far from zero has fewer digits for its differences
    same(differences(fit), differences(plain[name]), lost)
    same(fit.lsmeans("TRT", by="AVISIT")["lsmean"], plain[name].lsmeans("TRT", by="AVISIT")["lsmean"], lost)


@pytest.mark.parametrize(
    "label",
    [
        lambda s: -(s.str[1:].astype(int) ** 2),
        lambda s: s.str[1:].astype(float) / 7,
        lambda s: "Jürgen, Ø " + s.str[::-1],
        lambda s: pd.Categorical(s, ["S999", *sorted(set(s), reverse=True)]),
    ],
    ids=["negative numbers", "fractions", "text", "categorical with an unused label"],
)
@pytest.mark.parametrize("name", ["kenward-roger-linear", "robust", "sp-exp"])
def test_labels_of_subjects(data, plain, name, label):
    fit = nirls.mmrm(MODEL, data.assign(USUBJID=label(data["USUBJID"])), **CASES[name])
    same(differences(fit), differences(plain[name]), 1e-9)
    assert (fit.fit.n_subjects, fit.n_subjects_without_outcome) == (180, 0)


@pytest.mark.parametrize("name", CASES)
def test_order_of_rows_and_index(data, plain, name):
    shuffled = data.sample(frac=1, random_state=3)
    same(differences(nirls.mmrm(MODEL, shuffled.set_axis([0] * len(data)), **CASES[name])), differences(plain[name]), 1e-8)


@pytest.mark.parametrize("name", CASES)
def test_order_of_arms(data, plain, name):
    turned = data.assign(TRT=pd.Categorical(data["TRT"], ["NIR-H", "SHAM", "NIR-L"]), REGION=data["REGION"].astype(str))
    fit = nirls.mmrm(MODEL, turned, **CASES[name])
    found, old = (f.contrasts("TRT", by="AVISIT", reference="SHAM").set_index(["AVISIT", "TRT"]) for f in (fit, plain[name]))
    assert list(found.index.get_level_values("TRT")[:2]) == ["NIR-H", "NIR-L"]
    key = [(visit, arm) for visit, arm in old.index]
    same(found.loc[key, COLUMNS], old[COLUMNS], 1e-7)


def test_tables_keep_the_declared_order(data):
    """Arms, regions and visits neither sorted nor in order of appearance; an unused level has no row."""
    frame = data.assign(
        TRT=pd.Categorical(data["TRT"], ["NIR-H", "UNUSED", "SHAM", "NIR-L"], ordered=True),
        AVISIT=pd.Categorical(data["AVISIT"], ["W4", "W2", "W1", "W3"]),
    )
    fit = nirls.mmrm(MODEL, frame, covariance="ad", **TRIAL)
    means = fit.lsmeans("TRT", by="AVISIT")
    assert list(means["AVISIT"].astype(str).unique()) == ["W4", "W2", "W1", "W3"]
    assert list(means["TRT"][:3]) == ["NIR-H", "SHAM", "NIR-L"] and len(means) == 12
    assert list(fit.varcor.index) == ["W4", "W2", "W1", "W3"]
    assert fit.design.unused_levels == {"TRT": ("UNUSED",)}
    # the order of the visits is part of an ante-dependence structure: the model is another one
    assert abs(fit.deviance - nirls.mmrm(MODEL, data, covariance="ad", **TRIAL).deviance) > 1


@pytest.mark.parametrize("ddf", ["kenward-roger-linear", "kenward-roger", "satterthwaite"])
def test_one_pattern_is_least_squares_at_each_visit(data, ddf):
    """Every subject seen at W1, W2 and W4 and nowhere else; all covariates by visit: statsmodels, visit by visit."""
    seen = data[(data["AVISIT"] != "W3") & (data.groupby("USUBJID")["VN"].transform("size") == 4)]
    found = nirls.mmrm("CHG ~ AVISIT * (REGION + BASE + TRT)", seen, ddf=ddf, **TRIAL).contrasts("TRT", by="AVISIT")
    assert list(found["AVISIT"]) == ["W1", "W1", "W2", "W2", "W4", "W4"]
    for i, visit in enumerate(["W1", "W2", "W4"]):
        one = seen[seen["AVISIT"] == visit]
        x = [np.ones(len(one)), one["REGION"] == "AM", one["REGION"] == "AP", one["BASE"], one["TRT"] == "NIR-L", one["TRT"] == "NIR-H"]
        ols = OLS(one["CHG"].to_numpy(), np.column_stack(x).astype(float)).fit()
        rows = found.iloc[2 * i : 2 * i + 2]
        same(rows["estimate"], ols.params[4:], 1e-9)
        same(rows["std_error"], ols.bse[4:], 1e-9)
        same(rows["df"], [ols.df_resid] * 2, 1e-8)
        same(rows[["conf_low", "conf_high"]], ols.conf_int()[4:], 1e-8)


@pytest.mark.parametrize("covariance", [*LADDER, "ad", "us-cholesky"])
def test_one_visit_is_least_squares(data, covariance):
    week = data[data["AVISIT"] == "W4"]
    fit = nirls.mmrm("CHG ~ BASE + TRT", week, covariance=covariance, **TRIAL)
    x = np.column_stack([np.ones(len(week)), week["BASE"], week["TRT"] == "NIR-L", week["TRT"] == "NIR-H"]).astype(float)
    ols = OLS(week["CHG"].to_numpy(), x).fit()
    table = fit.coefficients()
    for column, expected in (("estimate", ols.params), ("std_error", ols.bse), ("df", [ols.df_resid] * 4), ("p_value", ols.pvalues)):
        same(table[column], expected, 1e-9)
    assert fit.varcor.to_numpy().item() == pytest.approx(ols.mse_resid, rel=1e-10)


@pytest.mark.parametrize(
    "options",
    [TRIAL, TRIAL | {"covariance": "cs", "group": "TRT"}, CASES["sp-exp"], CASES["random-slope"]],
    ids=["us", "cs by arm", "sp-exp", "random-slope"],
)
def test_a_visit_seen_in_one_arm_only(data, options):
    gap = data[~((data["AVISIT"] == "W4") & (data["TRT"] != "SHAM"))]
    named = r"rank deficient.*(AVISIT\[T\.W4\]:TRT\[T\.NIR-[LH]\]|TRT\[T\.NIR-[LH]\]:AVISIT\[T\.W4\]).*rank_deficient='drop'"
    with pytest.raises(NotEstimableError, match=named):
        nirls.mmrm(MODEL, gap, **options)
    fit = nirls.mmrm(MODEL, gap, rank_deficient="drop", **options)
    assert len(fit.design.dropped) == 2 and all("W4" in column for column in fit.design.dropped)
    assert all(column in fit.summary() for column in fit.design.dropped)
    means, found = fit.lsmeans("TRT", by="AVISIT"), fit.contrasts("TRT", by="AVISIT", reference="SHAM")
    empty = (means["AVISIT"] == "W4") & (means["TRT"] != "SHAM")
    assert means.loc[empty, ["lsmean", "std_error", "df", "p_value"]].isna().all(axis=None) and (means.loc[empty, "n"] == 0).all()
    assert means.loc[~empty].notna().all(axis=None)
    assert (found[COLUMNS].isna().all(axis=1) == (found["AVISIT"] == "W4")).all() and not found[COLUMNS].isna().any(axis=1)[:6].any()
    assert fit.contrasts("TRT")["estimate"].isna().all()  # an average over visits needs all of them
    with pytest.warns(UserWarning, match="2 of 6 dimensions of the hypothesis are not estimable"):
        assert fit.test("TRT:AVISIT").num_df == 4


def test_subjects_without_outcome_are_counted_and_reported(data):
    frame = read_trial()
    gone, partly = frame["USUBJID"].isin(["S001", "S002", "S170"]), (frame["USUBJID"] == "S003") & (frame["AVISIT"] == "W1")
    fit = nirls.mmrm(MODEL, frame.assign(CHG=frame["CHG"].mask(gone | partly)), **TRIAL)
    assert (fit.n_subjects_without_outcome, fit.fit.n_subjects) == (3, 177)
    assert fit.design.n_missing_outcome == gone.sum() + partly.sum() and fit.fit.n_obs == 669 - gone.sum() - partly.sum()
    assert f"left out: {gone.sum() + 1} rows without outcome" in fit.summary()
    assert "subjects without any outcome 3, without covariates 0" in fit.summary()
    without = nirls.mmrm(MODEL, frame[~gone & ~partly], **TRIAL)
    np.testing.assert_array_equal(differences(fit), differences(without))
    assert fit.lsmeans("TRT", by="AVISIT")["n"].sum() == fit.fit.n_obs


@pytest.mark.parametrize("name", CASES)
def test_constant_outcome(data, name):
    # a constant times √w is not one, but it is fitted exactly
    message = "fitted exactly by the covariates" if name == "weighted" else "the outcome is constant"
    for value in (0.0, -3.7, 1e6):
        with pytest.raises(MethodError, match=message if value else "constant"):
            nirls.mmrm(MODEL, data.assign(CHG=value), **CASES[name])


def test_outcome_without_variance_at_a_visit(data):
    """A change at the baseline visit is zero for everybody: Σ would be singular."""
    frame = data.assign(CHG=data["CHG"].mask(data["AVISIT"] == "W1", 0.0))
    with pytest.raises(ConvergenceError, match=r"did not converge: us: .*(Hessian is not positive definite|nearly singular)"):
        nirls.mmrm(MODEL, frame, **TRIAL)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"USUBJID": None}, "'USUBJID' is missing in 2 analysed rows"),
        ({"W": np.nan}, "'W' is missing in 2 analysed rows"),
        ({"W": 0.0}, "weights must be one positive finite number"),
        ({"CHG": np.inf}, "infinite"),
    ],
)
def test_rows_that_cannot_be_used_are_refused(data, change, message):
    frame = data.copy()
    for column, value in change.items():
        frame.loc[frame.index[[2, 40]], column] = value
    with pytest.raises(DataError, match=message):
        nirls.mmrm(MODEL, frame, weights="W", **TRIAL)
