"""The method `time_to_event`: what it writes into analysis results data (R values: survival.json and hazards.json)."""

import json

import numpy as np
import pandas as pd
import pytest

from nirls.errors import ConfigError, DataError
from nirls.methods.registry import AnalysisData
from nirls.methods.time_to_event import TimeToEventOptions, time_to_event
from nirls.plan.analysis import Analysis
from tests.methods.test_durability import data as base_data
from tests.methods.test_linear_methods import HERE, ard, stat

R = json.loads((HERE / "survival.json").read_text(encoding="utf-8"))
H = json.loads((HERE / "hazards.json").read_text(encoding="utf-8"))
OPTIONS = {"landmarks": [4.0, 8.0], "risk_times": [0.0, 4.0, 8.0], "tau": 8.0}


def data(frame, arms=("SHAM", "NIR"), adsl=None) -> AnalysisData:
    given = base_data(frame, "time_to_event", list(arms), adsl=adsl)
    given.plan.study.strata = {}
    object.__setattr__(given, "spec", Analysis(label="x", dataset="ADTTE", method="time_to_event", group="TRT01P"))
    return given


@pytest.fixture(scope="module")
def relapse():
    frame = pd.read_csv(HERE / "relapse.csv", keep_default_na=False)
    return pd.DataFrame(
        {
            "USUBJID": frame["USUBJID"], "TRT01P": frame["TRT"], "SITE": frame["SITE"], "PARAMCD": "RELAPSE", "AVAL": frame["WEEK"],
            "CNSR": 1.0 - frame["EVENT"], "APERIOD": frame["WEEK"].round(), "EVNTDESC": np.where(frame["EVENT"] == 1, "Relapse", ""),
            "CNSDTDSC": np.where(frame["EVENT"] == 1, "", "End of study"),
        }
    )  # fmt: skip


def test_results_are_the_reference(relapse):
    found = ard(time_to_event(data(relapse), TimeToEventOptions(**OPTIONS)))
    for i, arm in enumerate(("SHAM", "NIR")):
        r = R["km_loglog"]
        for name, column in {"estimate": "median", "conf_low": "lower", "conf_high": "upper"}.items():
            assert stat(found, name, variable="quantile", variable_level="median", group1_level=arm) == r[column][i]
        for name, column in {"probability": "surv", "std_error": "se", "conf_low": "lower", "conf_high": "upper"}.items():
            value = stat(found, name, variable="event-free", variable_level="4", group1_level=arm)
            assert value == pytest.approx(r["at"][column][2 * i], rel=1e-12)
        assert stat(found, "n", variable="risk", variable_level="4", group1_level=arm) == r["at"]["n_risk"][2 * i]
        assert stat(found, "estimate", variable="restricted mean", group1_level=arm, comparison="") == pytest.approx(
            R["rmst_8"]["rmst"][i], rel=1e-12
        )
    key = {"group1_level": "NIR", "comparison": "NIR - SHAM"}
    assert stat(found, "coefficient", variable="hazard ratio", **key) == pytest.approx(R["cox_efron"]["coef"], rel=1e-8)
    assert stat(found, "estimate", variable="hazard ratio", **key) == pytest.approx(np.exp(R["cox_efron"]["coef"]), rel=1e-8)
    assert stat(found, "statistic", variable="log-rank", **key) == pytest.approx(R["logrank"], rel=1e-12)
    assert stat(found, "p_value", variable="proportional hazards", **key) == pytest.approx(R["zph_km"]["p"], rel=1e-6)
    assert stat(found, "estimate", variable="hazard ratio, visits", **key) == pytest.approx(np.exp(H["cloglog"][0]), rel=1e-6)
    difference = R["rmst_8"]["rmst"][1] - R["rmst_8"]["rmst"][0]
    assert stat(found, "estimate", variable="restricted mean", **key) == pytest.approx(difference, rel=1e-12)
    stratified = ard(time_to_event(data(relapse), TimeToEventOptions(**OPTIONS, strata=["SITE"])))
    assert stat(stratified, "statistic", variable="log-rank", **key) == pytest.approx(R["logrank_stratified"], rel=1e-12)
    assert stat(stratified, "coefficient", variable="hazard ratio", **key) == pytest.approx(R["cox_efron"]["stratified"]["coef"], rel=1e-8)


def error(found, name, **key):
    rows = found[found["stat_name"] == name]
    for column, value in key.items():
        rows = rows[rows[column] == value]
    assert len(rows) == 1 and rows["stat"].isna().all()
    return rows["error"].iloc[0]


def test_all_censored(relapse):
    """No number is made up: medians, ratios and tests are not estimated, numbers at risk are."""
    found = ard(time_to_event(data(relapse.assign(CNSR=1.0, EVNTDESC="", CNSDTDSC="End of study")), TimeToEventOptions(**OPTIONS)))
    key = {"group1_level": "NIR", "comparison": "NIR - SHAM"}
    assert error(found, "estimate", variable="quantile", variable_level="median", group1_level="NIR") == "not reached"
    assert error(found, "estimate", variable="hazard ratio", **key) == "no event in either arm"
    assert error(found, "p_value", variable="log-rank", **key) == "no event while both arms are at risk"
    assert error(found, "estimate", variable="restricted mean", **key) == "no event in either arm"
    assert stat(found, "n", variable="risk", variable_level="0", group1_level="NIR") == 48
    assert stat(found, "probability", variable="event-free", variable_level="4", group1_level="NIR") == 1.0


def test_no_event_in_one_arm(relapse):
    """The ratio is not estimated, the log-rank test and the restricted means are."""
    none = relapse.assign(CNSR=relapse["CNSR"].where(relapse["TRT01P"] == "SHAM", 1.0))
    found = ard(time_to_event(data(none), TimeToEventOptions(**OPTIONS)))
    key = {"group1_level": "NIR", "comparison": "NIR - SHAM"}
    assert error(found, "estimate", variable="hazard ratio", **key).startswith("no event in one of the arms")
    assert error(found, "p_value", variable="proportional hazards", **key).startswith("no event in one of the arms")
    assert stat(found, "p_value", variable="log-rank", **key) < 0.001
    assert stat(found, "p_value", variable="log-rank, permutation", **key) == pytest.approx(1 / 20_001)  # none as far as this
    assert stat(found, "estimate", variable="restricted mean", **key) > 0


def test_who_is_not_at_risk_is_counted(relapse):
    adsl = relapse[["USUBJID", "TRT01P"]].assign(TRT01P=pd.Categorical(relapse["TRT01P"], ["SHAM", "NIR"]))
    found = ard(time_to_event(data(relapse.iloc[3:], adsl=adsl), TimeToEventOptions(**OPTIONS)))
    assert stat(found, "n_excluded", variable="model") == 3
    assert stat(found, "n_subjects", variable="model", group1_level="") == 93
    empty = ard(time_to_event(data(relapse[relapse["TRT01P"] == "SHAM"], adsl=adsl), TimeToEventOptions(**OPTIONS)))
    assert error(empty, "estimate", variable="hazard ratio", group1_level="NIR") == "no subject of one of the arms is at risk"


def test_refuses(relapse):
    with pytest.raises(DataError, match="1 times are negative, the first of R01"):
        time_to_event(data(relapse.assign(AVAL=relapse["AVAL"].where(relapse["USUBJID"] != "R01", -1.0))), TimeToEventOptions(**OPTIONS))
    with pytest.raises(ConfigError, match="several PARAMCD"):
        time_to_event(data(pd.concat([relapse, relapse.assign(PARAMCD="OTHER")])), TimeToEventOptions(**OPTIONS))
    with pytest.raises(DataError, match="the stratum SITE is missing, the first of R01"):
        given = data(relapse.assign(SITE=relapse["SITE"].where(relapse["USUBJID"] != "R01")))
        time_to_event(given, TimeToEventOptions(**OPTIONS, strata=["SITE"]))
    beyond = ard(time_to_event(data(relapse), TimeToEventOptions(**OPTIONS | {"tau": 99.0})))
    assert "beyond the longest follow-up" in error(beyond, "estimate", variable="restricted mean", group1_level="SHAM", comparison="")
