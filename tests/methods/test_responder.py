"""The method `responder`: who counts, in which denominator, and the numbers of each comparison."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from nirls.ard.frame import to_frame
from nirls.errors import ConfigError, DataError
from nirls.methods.responder import ResponderOptions, responder
from nirls.models.logistic import logistic
from nirls.plan.load import load_plan
from nirls.stats.proportions import CommonOddsRatio, MantelHaenszelDifference, ScoreDifference, tables
from tests.methods.responder_trial import ARMS, CGI, counts, make


def run(data, **options):
    return to_frame(responder(data, ResponderOptions(**({"thresholds": ["half"]} | options))).rows, analysis_id="x")


def stat(frame, name, **key):
    key = {"variable": "half", "comparison": "", "variable_level": ""} | key
    found = frame[(frame["stat_name"] == name) & np.logical_and.reduce([frame[k] == v for k, v in key.items()])]
    assert len(found) == 1, found
    return found.iloc[0]


def pair(frame, measure, *names, **key):
    return [stat(frame, n, comparison="NIR - SHAM", variable_level=measure, **key)["stat"] for n in names]


def test_the_published_table():
    """56/70 v 48/80, Newcombe 1998: (0.0528, 0.3382); Pearson's chi-square × 149/150; odds ratio 56·32/(14·48)."""
    found = run(make({"SHAM": counts(48, 80), "NIR": counts(56, 70)}))
    assert pair(found, "risk difference", "estimate", "conf_low", "conf_high") == pytest.approx([20.0, 5.28297, 33.81729], abs=5e-6)
    assert pair(found, "number needed to treat", "estimate", "conf_low", "conf_high") == pytest.approx([5, 1 / 0.33817294, 1 / 0.05282971])
    assert {
        stat(found, n, comparison="NIR - SHAM", variable_level="number needed to treat")["stat_text"] for n in ("conf_low", "conf_high")
    } == {"NNTB"}
    assert pair(found, "odds ratio", "estimate") == pytest.approx([56 * 32 / (14 * 48)])
    p_score, p_cmh = pair(found, "risk difference", "p_value"), pair(found, "CMH test", "p_value")
    assert p_score == pytest.approx(p_cmh, rel=1e-12), "one table: the score test at 0 is the Mantel–Haenszel test"
    assert [stat(found, n, group1_level="NIR")["stat"] for n in ("n", "n_subjects", "n_imputed", "p")] == [56, 70, 0, 80]


def test_missing_is_no_response_and_counted():
    data = make({"SHAM": counts(10, 30, missing=4), "NIR": counts(20, 30, missing=6)})
    composite, observed = run(data), run(data, missing="observed")
    assert [stat(composite, n, group1_level="NIR")["stat"] for n in ("n", "n_subjects", "n_imputed")] == [20, 30, 6]
    assert [stat(observed, n, group1_level="NIR")["stat"] for n in ("n", "n_subjects", "n_missing")] == [20, 24, 6]
    assert pair(composite, "risk difference", "estimate") == pytest.approx([100 / 3])
    assert pair(observed, "risk difference", "estimate") == pytest.approx([100 * (20 / 24 - 10 / 26)])
    left = observed[(observed["variable"] == "exclusion") & (observed["group1_level"] == "Total")]
    assert left["stat"].item() == 10
    assert "exclusion" not in set(composite["variable"])
    assert stat(observed, "n_subjects", variable="model", group1_level="")["stat"] == 50


def test_thresholds_meet_unrounded_totals():
    """49.6 % is not 50 %, 10.4 is not 10; a value on the threshold has reached it, also when it is a sum of fractions."""
    values = [(25.0, 12.6), (25.0, 12.5), (10.0, 10.4), (13.0, 10.0), (13.0, 10.000001), (7 * 10 / 9, 7 * 10 / 9 - 3)]
    found = run(make({"SHAM": values, "NIR": values}), thresholds=["half", "three", "ten"])
    assert [stat(found, "n", variable=d, group1_level="SHAM")["stat"] for d in ("half", "three", "ten")] == [1, 4, 2]


def test_a_baseline_of_zero_has_no_percentage():
    found = run(make({"SHAM": [(0.0, 0.0), (20.0, 5.0)], "NIR": [(np.nan, 3.0), (20.0, 5.0)]}), thresholds=["half", "ten"])
    assert [stat(found, "n_imputed", group1_level=a)["stat"] for a in ARMS] == [1, 1]
    assert [stat(found, "n", variable="ten", group1_level=a)["stat"] for a in ARMS] == [2, 2]


def test_strata_enter_every_measure():
    strata = {"SHAM": ["a"] * 40 + ["b"] * 40, "NIR": ["b"] * 50 + ["a"] * 20}
    data = make({"SHAM": counts(48, 80), "NIR": counts(56, 70)}, strata)
    found = run(data, strata=["STR"])
    t = tables([50, 6], [50, 20], [8, 40], [40, 40])  # strata b, a
    score, odds = ScoreDifference(tables=t), CommonOddsRatio(tables=t)
    assert pair(found, "risk difference", "estimate", "conf_low", "conf_high") == pytest.approx(
        [100 * v for v in (score.estimate, *score.ci())]
    )
    assert pair(found, "risk difference", "p_value") == pytest.approx([score.p_value()])
    assert pair(found, "odds ratio", "estimate", "conf_low") == pytest.approx([odds.estimate, odds.ci()[0]])
    sato = MantelHaenszelDifference(tables=t)
    assert pair(run(data, strata=["STR"], interval="sato"), "risk difference", "std_error", "p_value") == pytest.approx(
        [100 * sato.std_error, sato.p_value]
    )


def test_a_stratum_without_one_arm_is_left_out_with_a_note():
    strata = {"SHAM": ["a"] * 75 + ["b"] * 5, "NIR": ["a"] * 70}
    found = run(make({"SHAM": counts(48, 80), "NIR": counts(56, 70)}, strata), strata=["STR"])
    cell = stat(found, "estimate", comparison="NIR - SHAM", variable_level="risk difference")
    assert "stratum b (5 subjects)" in cell["warning"]
    assert cell["stat"] == pytest.approx(100 * (56 / 70 - 48 / 75))
    assert stat(found, "n_subjects", group1_level="SHAM")["stat"] == 80, "the arm keeps all its subjects"


def test_zero_events_and_empty_arms_have_reasons():
    nobody = run(make({"SHAM": counts(0, 40), "NIR": counts(0, 40)}))
    assert pair(nobody, "risk difference", "estimate", "conf_low", "conf_high", "p_value") == pytest.approx([0, -8.863243, 8.863243, 1])
    need = [
        stat(nobody, n, comparison="NIR - SHAM", variable_level="number needed to treat") for n in ("estimate", "conf_low", "conf_high")
    ]
    assert [(r["stat"], r["stat_text"]) for r in need] == [
        (np.inf, "NNTB"),
        (pytest.approx(11.28256), "NNTB"),
        (pytest.approx(11.28256), "NNTH"),
    ]
    assert "nobody or everybody" in stat(nobody, "estimate", comparison="NIR - SHAM", variable_level="odds ratio")["error"]
    some = run(make({"SHAM": counts(0, 40), "NIR": counts(5, 40)}))
    assert pair(some, "risk difference", "conf_low", "conf_high") == pytest.approx([3.0918, 26.21548], abs=1e-4)
    empty = run(make({"SHAM": counts(3, 40), "NIR": [None] * 3}), missing="observed")
    assert stat(empty, "p", group1_level="NIR")["error"] == "no subject of the arm has a value"
    assert stat(empty, "estimate", comparison="NIR - SHAM", variable_level="risk difference")["error"] == "no subject of NIR has a value"


def test_newcombe_has_an_interval_and_no_test():
    found = run(make({"SHAM": counts(48, 80), "NIR": counts(56, 70)}), interval="newcombe")
    assert pair(found, "risk difference", "conf_low", "conf_high") == pytest.approx([5.24, 33.39], abs=0.006)
    assert "no test" in stat(found, "p_value", comparison="NIR - SHAM", variable_level="risk difference")["error"]


def with_age(data):
    rng = np.random.default_rng(1)
    return dataclasses.replace(
        data, adsl=data.adsl.assign(AGE=rng.normal(50, 10, len(data.adsl)).round(), SITE=list("AB") * (len(data.adsl) // 2))
    )


@pytest.mark.parametrize("variance", ["ge", "ge_hc0", "ye", None])
def test_adjusted_rows_are_those_of_the_model(variance):
    data = with_age(make({"SHAM": counts(48, 80, missing=2), "NIR": counts(56, 70)}))
    found = run(data, covariates=["AGE", "SITE"], **({"variance": variance} if variance else {}))
    responded = data.frame.assign(Y=data.frame["AVAL"] < 10).set_index("USUBJID")["Y"].reindex(data.adsl["USUBJID"]).fillna(False)
    fit = logistic("Y ~ TRT01P + AGE + SITE", data.adsl.assign(Y=responded.to_numpy(float)))
    r = fit.standardised_difference("TRT01P", variance or "ye")
    expected = [100 * r.estimate, 100 * r.std_error, *(100 * v for v in r.ci()), r.p_value]
    names = ("estimate", "std_error", "conf_low", "conf_high", "p_value")
    assert pair(found, "standardised risk difference", *names) == pytest.approx(expected)
    odds = fit.odds_ratio("TRT01P")
    assert pair(found, "logistic odds ratio", *odds) == pytest.approx(list(odds.values()))


def test_separation_gives_firth_and_no_standardised_difference():
    found = run(with_age(make({"SHAM": counts(0, 40), "NIR": counts(5, 40)})), covariates=["SITE"])
    cell = stat(found, "estimate", comparison="NIR - SHAM", variable_level="logistic odds ratio")
    assert 5 < cell["stat"] < 30 and "Firth" in cell["warning"]
    assert "separated" in stat(found, "estimate", comparison="NIR - SHAM", variable_level="standardised risk difference")["error"]
    nobody = run(with_age(make({"SHAM": counts(0, 40), "NIR": counts(0, 40)})), covariates=["SITE"])
    assert (
        "nobody responded in both arms" in stat(nobody, "estimate", comparison="NIR - SHAM", variable_level="logistic odds ratio")["error"]
    )


def test_a_missing_covariate_is_counted():
    data = with_age(make({"SHAM": counts(48, 80), "NIR": counts(56, 70)}))
    data = dataclasses.replace(data, adsl=data.adsl.assign(AGE=data.adsl["AGE"].where(data.adsl.index > 2)))
    found = run(data, covariates=["AGE"])
    assert "3 subjects without AGE" in stat(found, "estimate", comparison="NIR - SHAM", variable_level="logistic odds ratio")["warning"]


def test_a_second_parameter_is_a_definition_of_its_own():
    one, two = make({"SHAM": counts(4, 10), "NIR": counts(6, 10)}), make({"SHAM": [(0, 2.0)] * 10, "NIR": [(0, 3.0)] * 10}, param="CGII")
    data = dataclasses.replace(one, frame=pd.concat([one.frame, two.frame], ignore_index=True))
    found = run(data, definitions={"cgi12": CGI})
    assert [stat(found, "n", variable="cgi12", group1_level=a)["stat"] for a in ARMS] == [10, 0]
    assert stat(found, "text", variable="rule", variable_level="cgi12")["stat_text"] == "CGII at most 2"
    assert stat(found, "text", variable="rule", variable_level="half")["stat_text"] == "IRLSTOT at least 50% below baseline"
    with pytest.raises(ConfigError, match="no definition uses CGII"):
        run(data)
    with pytest.raises(ConfigError, match="selected records lack CGII"):
        run(one, definitions={"cgi12": CGI})


def test_each_visit_is_analysed():
    early, late = make({"SHAM": counts(4, 10), "NIR": counts(6, 10)}, visit="Week 2"), make({"SHAM": counts(1, 10), "NIR": counts(9, 10)})
    frame = pd.concat([late.frame, early.frame.assign(AVISITN=2.0)], ignore_index=True)
    found = run(dataclasses.replace(early, frame=frame))
    assert list(dict.fromkeys(v for v in found["visit"] if v)) == ["Week 2", "Week 4"]
    assert [stat(found, "n", group1_level="NIR", visit=v)["stat"] for v in ("Week 2", "Week 4")] == [6, 9]


def test_records_that_cannot_be_told_apart():
    data = make({"SHAM": counts(4, 10), "NIR": counts(6, 10)})
    twice = dataclasses.replace(data, frame=pd.concat([data.frame, data.frame.head(2)], ignore_index=True))
    with pytest.raises(DataError, match="SHAM-000 has more than one record of IRLSTOT at Week 4, and 1 more"):
        run(twice)
    gap = dataclasses.replace(data, adsl=data.adsl.assign(STR=data.adsl["STR"].where(data.adsl["USUBJID"] != "NIR-003")))
    with pytest.raises(DataError, match="no value of STR for NIR-003"):
        run(gap, strata=["STR"])
    with pytest.raises(ConfigError, match="no variable 'STRX'; did you mean 'STR'"):
        run(data, strata=["STRX"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "there is no definition of response"),
        ({"thresholds": ["half", "half"]}, "named twice"),
        ({"thresholds": ["half"], "strata": ["STR"], "interval": "newcombe"}, "Newcombe's interval is for one table"),
        ({"thresholds": ["half"], "variance": "ge"}, "needs `covariates`"),
        ({"thresholds": ["half"], "definitions": {"x": CGI | {"direction": "low"}}}, "lower_better"),
    ],
)
def test_options_that_do_not_go_together(options, message):
    with pytest.raises(ValidationError, match=message):
        ResponderOptions(**options)


def test_the_gate_knows_the_thresholds():
    plan = load_plan("nir-rls")
    assert ResponderOptions(thresholds=["responder", "mcid3"]).cross_check(None, plan) == []
    (text,) = ResponderOptions(thresholds=["respnder"]).cross_check(None, plan)
    assert "there is no threshold of irls 'respnder'; did you mean 'responder'?" in text
    assert "instrument of the study" in ResponderOptions(thresholds=["a"], instrument="cgi").cross_check(None, plan)[0]
    assert "another name" in ResponderOptions(thresholds=["mcid3"], definitions={"mcid3": CGI}).cross_check(None, plan)[0]
    rising = CGI | {"kind": "percent_reduction", "direction": "higher_better"}
    assert "only where lower is better" in ResponderOptions(definitions={"x": rising}).cross_check(None, plan)[0]
