"""The methods `mmrm` and `ancova`: what they write into analysis results data."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

import nirls
from nirls.ard.frame import to_frame
from nirls.errors import ConfigError, DataError
from nirls.methods.ancova import ANCOVAOptions, ancova
from nirls.methods.mmrm import MMRMOptions, mmrm
from nirls.methods.registry import AnalysisData, all_methods
from nirls.plan.analysis import Analysis
from nirls.tlf.lookup import Ard
from nirls.tlf.model_text import response

HERE = Path(__file__).parents[1] / "reference"
ARMS = ["SHAM", "NIR-L", "NIR-H"]


@pytest.fixture
def adqs():
    frame = pd.read_csv(HERE / "irls_parallel.csv").rename(columns={"TRT": "TRT01P"})
    return frame.assign(AVISITN=frame["AVISIT"].str[1:].astype(float), AVISIT="Week " + frame["AVISIT"].str[1:], PARAMCD="IRLSTOT")


def data(frame, method, adsl=None, arms=ARMS, group="TRT01P"):
    adsl = frame.drop_duplicates("USUBJID")[["USUBJID", "TRT01P"]] if adsl is None else adsl
    frame, adsl = (f.assign(TRT01P=pd.Categorical(f["TRT01P"], categories=arms, ordered=True)) for f in (frame, adsl))
    doses = dict.fromkeys(arms) | {"SHAM": 0.0, "NIR-L": 18.0, "NIR-H": 54.0}
    study = SimpleNamespace(reference="SHAM", dose_unit="J/cm²", arms={a: SimpleNamespace(dose=doses[a]) for a in arms})
    spec = Analysis(label="x", dataset="ADQS", method=method, group=group)
    return AnalysisData(frame=frame, adsl=adsl, spec=spec, analysis_id="x", plan=SimpleNamespace(study=study))


def ard(result):
    """The rows as the checked frame that is written; raises when a key repeats or a number is missing without a reason."""
    return to_frame(result.rows, analysis_id="x")


def stat(frame, name, **key):
    found = frame[(frame["stat_name"] == name) & np.logical_and.reduce([frame[k] == v for k, v in key.items()])]
    assert len(found) == 1, found
    return found["stat"].item()


def text(frame, fact):
    return frame.loc[(frame["variable"] == "model") & (frame["variable_level"] == fact), "stat_text"].item()


OPTIONS = {"covariates": ["BASE", "REGION"]}


def test_mmrm_rows_are_the_reference(adqs):
    """R mmrm 0.3.18, tests/reference/mmrm.json."""
    found = ard(mmrm(data(adqs, "mmrm"), MMRMOptions(**OPTIONS)))
    r = json.loads((HERE / "mmrm.json").read_text())["fits"]["us.kr_linear"]
    for i, (arm, visit) in enumerate(zip(r["lsmeans"]["TRT"], r["lsmeans"]["AVISIT"], strict=True)):
        key = {"variable": "CHG", "group1": "TRT01P", "group1_level": arm, "visit": f"Week {visit[1]}", "comparison": ""}
        for name, column in (("lsmean", "emmean"), ("lsmean_se", "SE"), ("df", "df"), ("conf_low", "lower_CL"), ("conf_high", "upper_CL")):
            assert stat(found, name, **key) == pytest.approx(r["lsmeans"][column][i], rel=1e-5)
        seen = adqs[(adqs["TRT01P"] == arm) & (adqs["AVISIT"] == key["visit"])]["CHG"].count()
        assert stat(found, "n", **key) == seen
    for i, (label, visit) in enumerate(zip(r["contrasts"]["contrast"], r["contrasts"]["AVISIT"], strict=True)):
        arm = label[1:6]
        key = {"variable": "CHG", "group1_level": arm, "visit": f"Week {visit[1]}", "comparison": f"{arm} - SHAM"}
        for name, column in (("estimate", "estimate"), ("std_error", "SE"), ("df", "df"), ("statistic", "t_ratio"), ("p_value", "p_value")):
            assert stat(found, name, **key) == pytest.approx(r["contrasts"][column][i], rel=1e-5)
    assert stat(found, "deviance", variable="model") == pytest.approx(r["deviance"], abs=1e-6)
    assert stat(found, "bic", variable="model") == pytest.approx(r["BIC"], abs=1e-6)
    assert [stat(found, s, variable="model", group1_level="") for s in ("n_subjects", "n_obs", "n_excluded", "n_parameters")] == [
        180,
        669,
        0,
        10,
    ]
    assert stat(found, "covariance", variable="model", visit="Week 3", variable_level="Week 1") == pytest.approx(
        r["varcor"][2][0], rel=1e-5
    )
    assert stat(found, "N", group1_level="NIR-H") == 60
    assert text(found, "formula") == "CHG ~ BASE + REGION + TRT01P + AVISIT + BASE:AVISIT + TRT01P:AVISIT"
    assert (text(found, "ddf"), text(found, "variance")) == ("Kenward–Roger (linear)", "Kenward–Roger adjusted")
    assert (text(found, "covariance"), text(found, "path")) == ("unstructured", "us: converged in 5 iterations")


def test_mmrm_tests_its_terms(adqs):
    """Type III: rows of the table of the fit (its values: tests/models/test_terms.py), and no second response for the displays."""
    given = data(adqs, "mmrm")
    found = ard(mmrm(given, MMRMOptions(**OPTIONS)))
    model = "CHG ~ BASE + REGION + TRT01P + AVISIT + BASE:AVISIT + TRT01P:AVISIT"
    table = nirls.mmrm(model, given.frame, subject="USUBJID", visit="AVISIT").anova()
    rows = found[found["variable"] == "term"]
    assert list(rows["variable_level"].unique()) == list(table.index) == model[6:].split(" + ")
    assert set(rows["group1"]) == {""} and len(rows) == 4 * 6
    for term in table.index:
        stats = [stat(found, name, variable="term", variable_level=term) for name in ("num_df", "den_df", "f_statistic", "p_value")]
        assert stats == pytest.approx(list(table.loc[term])[:4], rel=1e-12)
    assert response(Ard(found.assign(analysis_id="x"), "main", "d"), None) == "CHG"
    robust = ard(mmrm(given, MMRMOptions(**OPTIONS, ddf="satterthwaite", vcov="CR3")))
    assert stat(robust, "f_statistic", variable="term", variable_level="TRT01P") != stat(
        found, "f_statistic", variable="term", variable_level="TRT01P"
    )


def test_mmrm_terms_that_cannot_be_tested_say_why(adqs):
    empty = adqs[~((adqs["TRT01P"] == "NIR-H") & (adqs["AVISITN"] == 4))]
    found = ard(mmrm(data(empty, "mmrm"), MMRMOptions(**OPTIONS, rank_deficient="drop")))
    rows = found[(found["variable"] == "term") & (found["variable_level"] == "TRT01P:AVISIT")]
    assert rows["stat"].notna().all() and stat(found, "num_df", variable="term", variable_level="TRT01P:AVISIT") == 5
    assert set(rows["warning"]) == {"TRT01P:AVISIT: 1 of the 6 dimensions of the hypothesis are not estimable and not tested"}
    found = ard(mmrm(data(empty[empty["TRT01P"] != "NIR-L"], "mmrm"), MMRMOptions(**OPTIONS, rank_deficient="drop")))
    rows = found[(found["variable"] == "term") & (found["variable_level"] == "TRT01P")].set_index("stat_name")
    assert rows.loc["num_df", "stat"] == 0 and set(rows["error"].drop("num_df")) == {"not estimable"}
    found = ard(mmrm(data(empty, "mmrm"), MMRMOptions(**OPTIONS)))
    rows = found[found["variable"] == "term"]
    assert len(rows) == 4 * 6 and rows["stat"].isna().all() and rows["error"].str.contains("rank deficient").all()


def test_mmrm_structure_and_variance_are_the_reference(adqs):
    """R mmrm 0.3.18, tests/reference/mmrm.json: another structure, a robust variance, a covariance for each arm."""
    fits = json.loads((HERE / "mmrm.json").read_text())["fits"]
    options = {"covariance": ["ar1h", "cs"], "ddf": "satterthwaite"}
    for key, more, label, variance in (
        ("ar1h.satterthwaite", options, "heterogeneous first-order autoregressive", "model-based"),
        ("us.empirical-jackknife", {"ddf": "satterthwaite", "vcov": "CR3"}, "unstructured", "robust, CR3 (jackknife)"),
        ("us.by_arm_satterthwaite", {"ddf": "satterthwaite", "covariance_by_arm": True}, "unstructured, by group", "model-based"),
    ):
        found = ard(mmrm(data(adqs, "mmrm"), MMRMOptions(**OPTIONS, **more)))
        r = fits[key]["contrasts"]
        for i, (contrast, visit) in enumerate(zip(r["contrast"], r["AVISIT"], strict=True)):
            arm = contrast[1:6]
            where = {"variable": "CHG", "group1_level": arm, "visit": f"Week {visit[1]}", "comparison": f"{arm} - SHAM"}
            for name, column in (("estimate", "estimate"), ("std_error", "SE"), ("df", "df")):
                assert stat(found, name, **where) == pytest.approx(r[column][i], rel=1e-6)
        assert (text(found, "covariance"), text(found, "variance")) == (label, variance)
    arms = found[(found["stat_name"] == "covariance") & (found["visit"] == "Week 1")]
    assert sorted(arms["group1_level"]) == ["NIR-H", "NIR-L", "SHAM"] and (arms["group1"] == "TRT01P").all()


def test_options_change_what_they_say(adqs):
    plain = ard(mmrm(data(adqs, "mmrm"), MMRMOptions(**OPTIONS)))
    other = ard(mmrm(data(adqs, "mmrm"), MMRMOptions(**OPTIONS, ddf="satterthwaite", margins="observed", level=0.9, reference="NIR-L")))
    key = {"variable": "CHG", "group1_level": "NIR-H", "visit": "Week 4"}
    r = json.loads((HERE / "mmrm.json").read_text())
    found = stat(other, "lsmean", comparison="", **key)
    assert found == pytest.approx(r["lsmeans_observed_margins"]["emmean"][11], rel=2e-5)  # a stock fit, see tests/reference/README.md
    assert stat(other, "df", comparison="NIR-H - NIR-L", **key) < stat(other, "n_obs", variable="model")
    width, wide = (stat(f, "conf_high", comparison="", **key) - stat(f, "conf_low", comparison="", **key) for f in (other, plain))
    assert width < wide and stat(other, "conf_level", variable="model") == 0.9
    assert set(other["comparison"]) == {"", "SHAM - NIR-L", "NIR-H - NIR-L"}
    assert text(other, "weights") == "in proportion to the analysed sample"


def test_everyone_not_analysed_is_explained(adqs):
    adqs = adqs.assign(STRSEV=np.where(adqs["BASE"] < 25, "<25", ">=25"))
    by_arm = adqs.drop_duplicates("USUBJID").set_index("USUBJID")["TRT01P"]
    a, b, c, d = by_arm.index[[0, 50, 100, 150]]
    adqs.loc[adqs["USUBJID"] == a, ["BASE", "CHG"]] = np.nan
    adqs.loc[adqs["USUBJID"] == b, "CHG"] = np.nan
    adqs.loc[adqs["USUBJID"] == c, "STRSEV"] = None
    adsl = adqs.drop_duplicates("USUBJID")[["USUBJID", "TRT01P"]].assign(BASEFL="Y")
    found = ard(mmrm(data(adqs[adqs["USUBJID"] != d], "mmrm", adsl), MMRMOptions(covariates=["BASE", "STRSEV"])))
    gone = found[(found["variable"] == "exclusion") & (found["group1_level"] == "Total")]
    assert dict(zip(gone["variable_level"], gone["stat"], strict=True)) == {
        "No baseline value": 1,
        "No post-baseline value": 2,
        "Missing covariate STRSEV": 1,
    }
    assert stat(found, "n_excluded", variable="model") == 4 and stat(found, "n_subjects", variable="model", group1_level="") == 176
    per_arm = found[(found["variable"] == "exclusion") & (found["group1_level"] != "Total")]
    assert per_arm["stat"].sum() == 4
    in_arms = found[(found["stat_name"] == "n_subjects") & (found["group1_level"] != "")]
    assert in_arms["stat"].sum() == 176 and len(in_arms) == 3
    assert stat(found, "n", variable="exclusion", variable_level="No baseline value", group1_level=by_arm[a]) == 1
    footnotes = mmrm(data(adqs, "mmrm"), MMRMOptions(covariates=["BASE", "STRSEV"])).footnotes
    lost = adqs[adqs["USUBJID"] == c]["CHG"].count()
    assert footnotes == (f"{lost} observed records are not analysed because a covariate is missing.",)


def test_an_arm_without_observations_is_not_zero(adqs):
    late = (adqs["TRT01P"] == "NIR-L") & (adqs["AVISITN"] > 2)
    refused = mmrm(data(adqs[~late], "mmrm"), MMRMOptions(**OPTIONS))
    frame = ard(refused)
    estimates = frame[frame["stat_name"].isin(["lsmean", "estimate"])]
    assert estimates["stat"].isna().all() and estimates["error"].str.contains("rank deficient").all()
    assert "could not be fitted" in refused.footnotes[0]

    result = mmrm(data(adqs[~late], "mmrm"), MMRMOptions(**OPTIONS, rank_deficient="drop"))
    frame = ard(result)
    empty = frame[(frame["group1_level"] == "NIR-L") & frame["visit"].isin(["Week 3", "Week 4"]) & (frame["stat_name"] != "n")]
    assert empty["stat"].isna().all() and empty["error"].str.contains("no observation").all()
    rest = frame[(frame["stat_name"] == "lsmean") & ~frame.index.isin(empty.index)]
    assert len(rest) == 10 and rest["stat"].notna().all()
    assert "Not estimable and left out of the model" in result.footnotes[0]
    four = ard(mmrm(data(adqs, "mmrm", arms=[*ARMS, "NIR-X"]), MMRMOptions(**OPTIONS)))
    assert stat(four, "n", group1_level="NIR-X", visit="Week 1", comparison="") == 0
    assert four.loc[(four["group1_level"] == "NIR-X") & (four["stat_name"] == "lsmean"), "error"].str.contains("no observation").all()


def test_wrong_data_stop_the_analysis(adqs):
    with pytest.raises(DataError, match=r"S001 at Week 1"):
        mmrm(data(pd.concat([adqs, adqs.iloc[[0]]]), "mmrm"), MMRMOptions(**OPTIONS))
    with pytest.raises(DataError, match=r"AVISIT and AVISITN must correspond one to one.*'Week 1' 1.0; 'Week 1' 7.0"):
        mmrm(data(adqs.assign(AVISITN=adqs["AVISITN"].where(adqs.index > 0, 7.0)), "mmrm"), MMRMOptions(**OPTIONS))
    with pytest.raises(ConfigError, match="no variable 'BSE'; did you mean 'BASE'"):
        mmrm(data(adqs, "mmrm"), MMRMOptions(covariates=["BSE"], by_visit=[]))
    with pytest.raises(ConfigError, match="needs `group`"):
        mmrm(data(adqs, "mmrm", group=None), MMRMOptions(**OPTIONS))
    with pytest.raises(ConfigError, match="reference arm 'PLACEBO' is not among the arms SHAM, NIR-L, NIR-H"):
        mmrm(data(adqs, "mmrm"), MMRMOptions(**OPTIONS, reference="PLACEBO"))
    with pytest.raises(ConfigError, match="takes one visit, but AVISIT of the selected records has Week 1, Week 2, Week 3, Week 4"):
        ancova(data(adqs, "ancova"), ANCOVAOptions(**OPTIONS))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"covariance": ["toeplitz"]}, "covariance"),
        ({"covariance": []}, "covariance"),
        ({"vcov": "CR2"}, "CR2 does not go with ddf kenward-roger-linear"),
        ({"by_visit": ["REGION"]}, "REGION not among covariates"),
        ({"level": 1.0}, "level"),
        ({"covarience": ["us"]}, "covarience"),
        ({"response": "CHG + 1"}, "response"),
    ],
)
def test_options_are_checked(options, message):
    with pytest.raises(ValidationError, match=message):
        MMRMOptions(**options)


def test_every_option_is_described():
    for name in ("mmrm", "ancova"):
        assert all(f.description for f in all_methods()[name].options.model_fields.values())


def test_ancova_rows(adqs):
    week = adqs[adqs["AVISITN"] == 4]
    found = ard(ancova(data(week, "ancova"), ANCOVAOptions(**OPTIONS, dose_trend=True)))
    seen = week[week["CHG"].notna()]
    x = np.column_stack(
        [
            np.ones(len(seen)),
            seen["TRT01P"] == "NIR-L",
            seen["TRT01P"] == "NIR-H",
            seen["REGION"] == "AP",
            seen["REGION"] == "EU",
            seen["BASE"],
        ]
    )
    beta = np.linalg.lstsq(x.astype(float), seen["CHG"], rcond=None)[0]
    key = {"variable": "CHG", "group1_level": "NIR-H", "visit": "Week 4"}
    assert stat(found, "estimate", comparison="NIR-H - SHAM", **key) == pytest.approx(beta[2], rel=1e-9)
    assert stat(found, "lsmean", comparison="", **key) == pytest.approx(beta @ [1, 0, 1, 1 / 3, 1 / 3, seen["BASE"].mean()], rel=1e-9)
    assert stat(found, "df", comparison="NIR-H - SHAM", **key) == len(seen) - 6
    dose = seen["TRT01P"].map({"SHAM": 0, "NIR-L": 18, "NIR-H": 54})
    slope = np.linalg.lstsq(np.column_stack([x[:, [0, 3, 4, 5]].astype(float), dose]), seen["CHG"], rcond=None)[0][-1]
    assert stat(found, "estimate", comparison="dose trend") == pytest.approx(slope, rel=1e-9)
    assert stat(found, "df", comparison="dose trend") == len(seen) - 5
    assert stat(found, "n_subjects", variable="model", group1_level="") == len(seen) and stat(
        found, "n_excluded", variable="model"
    ) == 180 - len(seen)
    assert stat(found, "n", variable="exclusion", variable_level="No value at Week 4", group1_level="Total") == 180 - len(seen)
    assert text(found, "dose_trend") == "slope of dose (J/cm²) in place of TRT01P"
    robust = ard(ancova(data(week, "ancova"), ANCOVAOptions(**OPTIONS, hc3=True)))
    assert text(robust, "variance") == "heteroscedasticity-consistent (HC3)"
    assert stat(robust, "std_error", comparison="NIR-H - SHAM", **key) != stat(found, "std_error", comparison="NIR-H - SHAM", **key)


def test_ancova_needs_doses_and_single_records(adqs):
    week = adqs[adqs["AVISITN"] == 4]
    with pytest.raises(ConfigError, match=r"needs a `dose` in study.yaml for NIR-X"):
        ancova(data(week, "ancova", arms=[*ARMS, "NIR-X"]), ANCOVAOptions(**OPTIONS, dose_trend=True))
    with pytest.raises(DataError, match=r"more than one for S002"):
        ancova(data(pd.concat([week, week.iloc[[1]]]), "ancova"), ANCOVAOptions(**OPTIONS))


def test_ancova_that_cannot_be_fitted(adqs):
    week = adqs[adqs["AVISITN"] == 4].assign(CHG=0.0)
    result = ancova(data(week, "ancova"), ANCOVAOptions(**OPTIONS, dose_trend=True))
    frame = ard(result)
    numbers = frame[frame["stat_name"].isin(["lsmean", "estimate"])]
    assert numbers["stat"].isna().all() and numbers["error"].str.contains("constant").all() and "constant" in result.footnotes[0]
