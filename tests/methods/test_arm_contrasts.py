"""The method `arm_contrasts` against statsmodels (one visit), R mmrm (several visits) and what it refuses."""

import json
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from pydantic import ValidationError

from nirls.errors import ConfigError
from nirls.methods.arm_contrasts import ArmContrastsOptions, arm_contrasts
from tests.methods.dose_trial import HERE, data, records
from tests.methods.test_linear_methods import ard, stat
from tests.methods.test_linear_methods import data as parallel

CONTRASTS = {
    "interaction": {"label": "Interaction", "group": "A", "weights": {"NIR850-54": 1, "NIR850-18": -1, "NIR850-90": -1, "NIR850-36": 1}},
    "main": {"label": "Main", "group": "A", "weights": {"NIR850-54": "1/2", "NIR850-18": "1/2", "NIR850-90": "-1/2", "NIR850-36": "-1/2"}},
    "pair": {"label": "Pair", "group": "B", "weights": {"NIR850-90": 1, "SHAM": -1}},
}


def options(contrasts=CONTRASTS, **more):
    given = {"covariates": ["BASE"], "by_visit": [], "at_visit": "Week 4", **more}
    return ArmContrastsOptions(contrasts=contrasts, **given)


def test_one_visit_is_the_linear_model():
    """statsmodels OLS: estimate, standard error, t, p and limits of each contrast, and F of several."""
    joint = {"both": {"label": "Both", "contrasts": ["interaction", "main"], "group": "A"}}
    found = ard(arm_contrasts(data(method="arm_contrasts"), options(joint=joint)))
    fit = smf.ols("CHG ~ C(TRT01P) - 1 + BASE", records()).fit()
    names = {n: f"C(TRT01P)[{n}]" for n in records()["TRT01P"].unique()}
    rows = {}
    for name, c in CONTRASTS.items():
        row = pd.Series(0.0, index=fit.params.index)
        for arm, w in c["weights"].items():
            row[names[arm]] = float(Fraction(w))
        rows[name] = row.to_numpy()
        test = fit.t_test(rows[name])
        key = {"variable": "CHG", "comparison": name, "visit": "Week 4"}
        low, high = test.conf_int()[0]
        expected = {"estimate": test.effect, "std_error": test.sd, "df": fit.df_resid, "statistic": test.tvalue, "p_value": test.pvalue}
        for stat_name, value in (expected | {"conf_low": low, "conf_high": high}).items():
            assert stat(found, stat_name, **key) == pytest.approx(float(np.squeeze(value)), rel=1e-7), (name, stat_name)
    f = fit.f_test(np.array([rows["interaction"], rows["main"]]))
    key = {"variable": "joint", "variable_level": "both"}
    for stat_name, value in {"f_statistic": f.fvalue, "num_df": 2, "den_df": fit.df_resid, "p_value": f.pvalue}.items():
        assert stat(found, stat_name, **key) == pytest.approx(float(np.squeeze(value)), rel=1e-7)
    assert stat(found, "coefficient", variable="contrast", variable_level="main", group1_level="NIR850-90") == -0.5


def test_several_visits_are_those_of_mmrm():
    """R mmrm 0.3.18 (tests/reference/mmrm.json): a contrast of an arm with the reference arm is its difference at the visit."""
    frame = pd.read_csv(HERE / "irls_parallel.csv").rename(columns={"TRT": "TRT01P"})
    frame = frame.assign(AVISITN=frame["AVISIT"].str[1:].astype(float), AVISIT="Week " + frame["AVISIT"].str[1:], PARAMCD="IRLSTOT")
    contrasts = {
        "high": {"label": "High", "weights": {"NIR-H": 1, "SHAM": -1}},
        "low": {"label": "Low", "weights": {"NIR-L": 1, "SHAM": -1}},
    }
    given = ArmContrastsOptions(contrasts=contrasts, at_visit="Week 3", covariates=["BASE", "REGION"])
    found = ard(arm_contrasts(parallel(frame, "arm_contrasts"), given))
    r = json.loads((HERE / "mmrm.json").read_text())["fits"]["us.kr_linear"]["contrasts"]
    for i, (label, visit) in enumerate(zip(r["contrast"], r["AVISIT"], strict=True)):
        if visit == "W3":
            name = {"NIR-H": "high", "NIR-L": "low"}[label[1:6]]
            for stat_name, column in (("estimate", "estimate"), ("std_error", "SE"), ("df", "df"), ("p_value", "p_value")):
                key = {"variable": "CHG", "comparison": name, "visit": "Week 3"}
                assert stat(found, stat_name, **key) == pytest.approx(r[column][i], rel=1e-5)


def test_interaction_of_two_by_two_is_a_difference_of_differences():
    found = ard(arm_contrasts(data(method="arm_contrasts"), options()))
    means = {a: stat(found, "lsmean", variable="CHG", group1_level=a) for a in ("NIR850-18", "NIR850-36", "NIR850-54", "NIR850-90")}
    expected = (means["NIR850-54"] - means["NIR850-18"]) - (means["NIR850-90"] - means["NIR850-36"])
    assert stat(found, "estimate", comparison="interaction") == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(
    ("contrasts", "more", "message"),
    [
        ({"a": {"label": "A", "weights": {"SHAM": 1, "NIR850-18": 1}}}, {}, "add up to 2, not to 0"),
        ({"a": {"label": "A", "weights": {"SHAM": 0, "NIR850-18": 0}}}, {}, "all are 0"),
        ({"a": {"label": "A", "weights": {"SHAM": "half", "NIR850-18": -1}}}, {}, "weights"),
        (CONTRASTS, {"joint": {"j": {"label": "J", "contrasts": ["main", "other"]}}}, "joint: j: other not among the contrasts"),
    ],
)
def test_options_that_cannot_be(contrasts, more, message):
    with pytest.raises(ValidationError, match=message):
        options(contrasts, **more)


def test_unknown_arms_and_visits_are_named():
    strange = {"a": {"label": "A", "weights": {"SHAM": -1, "NIR940": 1}}}
    with pytest.raises(ConfigError, match=r"analyses\.yaml: x: options: arms NIR940 are not among SHAM, NIR850-18"):
        arm_contrasts(data(method="arm_contrasts"), options(strange))
    with pytest.raises(ConfigError, match="'Week 9' is not a visit of the selected records, which have Week 4"):
        arm_contrasts(data(method="arm_contrasts"), options(at_visit="Week 9"))


def test_an_arm_without_observations_gives_rows_with_the_reason():
    frame = records()
    frame.loc[frame["TRT01P"] == "NIR850-90", "CHG"] = np.nan
    found = ard(arm_contrasts(data(frame, "arm_contrasts"), options()))
    rows = found[(found["comparison"] == "pair") & (found["variable"] == "CHG")]
    assert rows["stat"].isna().all() and set(rows["error"]) == {"no observation of NIR850-90 in the model at Week 4"}
