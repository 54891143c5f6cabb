"""`describe`, `count` and `records` against values worked out by hand or by R."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from nirls.errors import ConfigError, DataError
from nirls.methods.count import CountOptions, count
from nirls.methods.describe import QUANTILES, DescribeOptions, describe, summarise
from nirls.methods.records import RecordsOptions, records
from nirls.methods.registry import AnalysisData
from nirls.plan.analysis import Analysis


class Plan:
    """As much of a plan as the methods read."""

    study = SimpleNamespace(covariates={}, strata={})


def data(frame, method, adsl=None, group="TRT01P", dataset="ADSL"):
    arms = ["SHAM", "NIR"]
    adsl = frame if adsl is None else adsl
    frame, adsl = (f.assign(TRT01P=pd.Categorical(f["TRT01P"], categories=arms, ordered=True)) for f in (frame, adsl))
    spec = Analysis(label="x", dataset=dataset, method=method, group=group)
    return AnalysisData(frame=frame, adsl=adsl, spec=spec, analysis_id="x", plan=Plan)


def value(result, stat, arm, **key):
    found = [
        r for r in result.rows if r["stat_name"] == stat and r.get("group1_level") == arm and all(r.get(k, "") == v for k, v in key.items())
    ]
    assert len(found) == 1, found
    return found[0]


# R 4.2.2: quantile(c(2, 4, 4, 5, 7, 9, 11, 12), c(.25, .5, .75), type = 2) gives 4, 6, 10; type = 7 gives 4, 6, 9.5.
# SAS: PCTLDEF=5 is R's type 2 (SAS/STAT UNIVARIATE, "Calculating Percentiles", definition 5).
@pytest.mark.parametrize(("rule", "expected"), [("sas5", (4, 6, 10)), ("r7", (4, 6, 9.5))])
def test_quartiles(rule, expected):
    stats, _ = summarise(pd.Series([2, 4, 4, 5, 7, 9, 11, 12.0]), QUANTILES[rule])
    assert (stats["q1"], stats["median"], stats["q3"]) == expected


def test_describe():
    frame = pd.DataFrame({"USUBJID": list("abcde"), "TRT01P": ["SHAM", "SHAM", "SHAM", "NIR", None], "AGE": [30, 40, np.nan, 50, 60.0]})
    result = describe(data(frame, "describe"), DescribeOptions(variables=["AGE"], total=True))
    assert value(result, "N", "SHAM")["stat"] == 3
    assert value(result, "n", "SHAM", variable="AGE")["stat"] == 2
    assert value(result, "n_missing", "SHAM", variable="AGE")["stat"] == 1
    assert value(result, "mean", "SHAM", variable="AGE")["stat"] == 35
    assert value(result, "sd", "SHAM", variable="AGE")["stat"] == pytest.approx(50**0.5, rel=1e-15)  # ((−5)² + 5²)/1
    lone = value(result, "sd", "NIR", variable="AGE")
    assert lone["stat"] is None and lone["error"] == "one observed value"
    assert value(result, "N", "Total")["stat"] == 5 and value(result, "mean", "Total", variable="AGE")["stat"] == 45


def test_describe_no_values_is_not_zero():
    frame = pd.DataFrame({"USUBJID": ["a"], "TRT01P": ["NIR"], "AGE": [np.nan]})
    result = describe(data(frame, "describe"), DescribeOptions(variables=["AGE"]))
    assert value(result, "mean", "NIR", variable="AGE")["stat"] is None
    assert value(result, "mean", "SHAM", variable="AGE")["error"] == "no observed values"


def test_describe_by_visit_counts_missed_visits():
    """Of three subjects one has a value at week 1: one record is blank, one visit left no record."""
    adsl = pd.DataFrame({"USUBJID": list("abc"), "TRT01P": ["NIR"] * 3})
    frame = pd.DataFrame(
        {"USUBJID": ["a", "b", "a", "b", "c"], "TRT01P": "NIR", "PARAMCD": "IRLSTOT", "AVISIT": ["Week 1"] * 2 + ["Baseline"] * 3,
         "AVISITN": [1, 1, 0, 0, 0], "AVAL": [5, np.nan, 7, 8, 9.0]}
    )  # fmt: skip
    result = describe(data(frame, "describe", adsl), DescribeOptions(variables=["AVAL"], by_visit=True))
    found = {v: [value(result, s, "NIR", visit=v)["stat"] for s in ("n", "n_missing")] for v in ("Baseline", "Week 1")}
    assert found == {"Baseline": [3, 0], "Week 1": [1, 2]}
    assert value(result, "n_missing", "SHAM", visit="Week 1")["stat"] == 0


def test_count_denominators_and_levels():
    adsl = pd.DataFrame({"USUBJID": list("abcd"), "TRT01P": ["SHAM", "SHAM", "NIR", "NIR"], "SEX": ["F", "M", "F", None]})
    result = count(data(adsl, "count"), CountOptions(variables=["SEX"], levels={"SEX": ["M", "F", "U"]}))
    assert value(result, "p", "SHAM", variable_level="F")["stat"] == 50
    assert value(result, "n", "NIR", variable_level="F")["stat"] == 1
    assert value(result, "n", "NIR", variable_level="U")["stat"] == 0
    assert value(result, "n_missing", "NIR", variable="SEX")["stat"] == 1
    assert value(result, "p", "Total", variable_level="F")["stat"] == 50


def test_count_subjects_once():
    adsl = pd.DataFrame({"USUBJID": list("ab"), "TRT01P": ["SHAM", "NIR"]})
    events = pd.DataFrame({"USUBJID": ["a", "a"], "TRT01P": ["SHAM"] * 2, "DVCAT": ["VISIT", "VISIT"]})
    result = count(data(events, "count", adsl), CountOptions(variables=["DVCAT"]))
    assert value(result, "n", "SHAM", variable_level="VISIT")["stat"] == 1
    assert value(result, "n_events", "SHAM", variable_level="VISIT")["stat"] == 2
    assert value(result, "N", "NIR")["stat"] == 1


def test_count_refuses_unplanned_level():
    adsl = pd.DataFrame({"USUBJID": ["a"], "TRT01P": ["SHAM"], "SEX": ["X"]})
    with pytest.raises(DataError, match=r"ADSL.SEX holds \['X'\]"):
        count(data(adsl, "count"), CountOptions(variables=["SEX"], levels={"SEX": ["M", "F"]}))


def test_unknown_variable_has_advice():
    frame = pd.DataFrame({"USUBJID": ["a"], "TRT01P": ["SHAM"], "AGE": [1.0]})
    with pytest.raises(ConfigError, match="did you mean 'AGE'"):
        describe(data(frame, "describe"), DescribeOptions(variables=["AGEE"]))


def test_records_keep_order_and_count():
    frame = pd.DataFrame({"USUBJID": ["b", "a", "c"], "TRT01P": ["NIR", "NIR", "SHAM"], "AVAL": [1.0, 2.0, 3.0]})
    result = records(data(frame, "records"), RecordsOptions(columns=["AVAL"]))
    assert result.records["USUBJID"].tolist() == ["c", "a", "b"]
    assert value(result, "n_subjects", "NIR")["stat"] == 2 and value(result, "n_obs", "Total")["stat"] == 3


LONG = pd.DataFrame(
    [
        ("b", "NIR", 50.0, "Week 1", 7.0),
        ("a", "NIR", np.nan, "Week 1", 1.0),
        ("a", "NIR", np.nan, "Week 4", 2.0),
        ("c", "SHAM", 40.0, "Week 8", 3.0),
    ],
    columns=["USUBJID", "TRT01P", "AGE", "AVISIT", "AVAL"],
)


def test_levels_side_by_side():
    """A row for each subject, in the order of the levels asked for; who has none of them is not listed, who lacks one has a gap."""
    across = {"variable": "AVISIT", "levels": ["Week 4", "Week 1"]}
    result = records(data(LONG, "records"), RecordsOptions(columns=["AGE"], across=across))
    assert list(result.records.columns) == ["USUBJID", "TRT01P", "AGE", "Week 4", "Week 1"]
    assert result.records["USUBJID"].tolist() == ["a", "b"] and result.records["AGE"].isna().tolist() == [True, False]
    assert result.records[["Week 4", "Week 1"]].to_numpy() == pytest.approx(np.array([[2, 1], [np.nan, 7]]), nan_ok=True)
    assert value(result, "n_obs", "NIR")["stat"] == 2 and value(result, "n_obs", "SHAM")["stat"] == 0
    assert result.footnotes == ("Not listed: records with AVISIT Week 8: 1; subjects who have no other: 1.",)
    every = records(data(LONG, "records"), RecordsOptions(across=across | {"levels": ["Week 1", "Week 8"]}))
    assert every.records["USUBJID"].tolist() == ["c", "a", "b"]
    assert every.footnotes == ("Not listed: records with AVISIT Week 4: 1.",)


def test_a_visit_to_come_is_an_empty_column_and_no_record_is_none():
    levels = {"variable": "AVISIT", "levels": ["Week 1", "Week 4", "Week 8", "Week 12"]}
    early = records(data(LONG, "records", dataset="ADQS"), RecordsOptions(columns=["AGE"], across=levels))
    assert early.records["Week 12"].isna().all() and len(early.records) == 3 and early.footnotes == ()
    none = records(data(LONG.iloc[:0], "records"), RecordsOptions(columns=["AGE"], across=levels))
    assert none.records.empty and list(none.records.columns)[-4:] == levels["levels"] and value(none, "n_obs", "Total")["stat"] == 0
    unassigned = LONG.assign(TRT01P=["NIR", None, None, "SHAM"])
    lost = records(data(unassigned, "records", dataset="ADQS"), RecordsOptions(columns=["AGE"], across=levels))
    assert sorted(lost.records["USUBJID"]) == ["a", "b", "c"] and lost.records.set_index("USUBJID")["TRT01P"].isna().to_dict()["a"]


def test_what_cannot_stand_side_by_side():
    across = {"variable": "AVISIT", "levels": ["Week 1"]}
    with pytest.raises(DataError, match="1 records are not the only ones of their subject with one AVISIT, the first b Week 1; select one"):
        records(data(pd.concat([LONG, LONG.iloc[:1]], ignore_index=True), "records"), RecordsOptions(across=across))
    with pytest.raises(ConfigError, match="no record has AVISIT Week 3; there are Week 1, Week 4, Week 8"):
        records(data(LONG, "records"), RecordsOptions(across=across | {"levels": ["Week 1", "Week 3"]}))
    spec = SimpleNamespace(dataset="ADQS")
    plan = SimpleNamespace(study=SimpleNamespace(visits=[SimpleNamespace(name="Week 1")]))
    nothing, lost = RecordsOptions(), RecordsOptions(across=across, sort=["ADY"])
    assert next(nothing.cross_check(None, None)).startswith("columns: no variable is kept")
    (text,) = lost.cross_check(spec, plan)
    assert text.startswith("sort: ADY is no longer there")
    (text,) = RecordsOptions(across=across | {"levels": ["Week 1", "Week 2"]}).cross_check(spec, plan)
    assert text == "across: levels: Week 2 is no visit of the study; its visits are Week 1"
    assert not list(RecordsOptions(columns=["ADY"], sort=["AGE"]).cross_check(None, None))
