"""The method `ordinal`: categories by arm and their comparison."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from nirls.ard.frame import to_frame
from nirls.errors import ConfigError, DataError
from nirls.methods.ordinal import OrdinalOptions, ordinal
from nirls.stats.ordered_groups import row_mean_score, win_probability
from tests.methods.responder_trial import make
from tests.stats.test_ordinal import WINE, R

LEVELS = {str(i): f"Level {i}" for i in range(1, 6)}


def bottles(**more):
    """The wine data: temperature as the arm, contact as the stratum."""
    values, strata = {"SHAM": [], "NIR": []}, {"SHAM": [], "NIR": []}
    for (temp, contact), counts in WINE.items():
        arm = ("SHAM", "NIR")[temp]
        for j, n in enumerate(counts, 1):
            values[arm] += [(0.0, float(j))] * n
            strata[arm] += [f"contact {contact}"] * n
    return make(values, strata, param="CGII", **more)


def run(data, **options):
    given = {"levels": LEVELS, "direction": "higher_better"} | options
    return to_frame(ordinal(data, OrdinalOptions(**given)).rows, analysis_id="x")


def stat(frame, name, measure, **key):
    key = {"variable_level": measure, "comparison": "NIR - SHAM"} | key
    found = frame[(frame["stat_name"] == name) & np.logical_and.reduce([frame[k] == v for k, v in key.items()])]
    assert len(found) == 1, found
    return found.iloc[0]


def test_the_comparison_is_that_of_r():
    """R ordinal, clm(rating ~ temp + contact): warm bottles have higher ratings, odds ratio exp(2.503102) when higher is better."""
    found = run(bottles(), strata=["STR"])
    names = ("estimate", "conf_low", "conf_high")
    beta, se = R["wine"]["beta"][0], R["wine"]["se"][0]
    expected = np.exp(beta + np.array([0, -1, 1]) * 1.959963984540054 * se)
    assert [stat(found, n, "proportional odds ratio")["stat"] for n in names] == pytest.approx(list(expected), rel=1e-10)
    test = [stat(found, n, "proportionality") for n in ("statistic", "df", "p_value")]
    assert [r["stat"] for r in test] == pytest.approx([3.17498, 3, 0.36543], abs=2e-5)
    assert "lacks an outer category" in test[2]["warning"], "no warm wine has rating 1"
    lower = run(bottles(), strata=["STR"], direction="lower_better")
    assert [stat(lower, n, "proportional odds ratio")["stat"] for n in names] == pytest.approx(list(1 / expected[[0, 2, 1]]), rel=1e-10)


def test_tests_without_a_model():
    found = run(bottles(), strata=["STR"])
    counts = np.array([[WINE[(1, c)], WINE[(0, c)]] for c in (0, 1)])
    scores = row_mean_score(counts, range(1, 6))
    assert stat(found, "statistic", "row mean score test")["stat"] == pytest.approx(scores.statistic, rel=1e-12)
    win = win_probability(counts.sum(axis=0)[0][::-1], counts.sum(axis=0)[1][::-1])
    assert [stat(found, n, "win probability")["stat"] for n in ("estimate", "conf_low", "p_value")] == pytest.approx(
        [win.estimate, win.ci()[0], win.p_value], rel=1e-12
    )


def test_counts_and_percentages():
    found = run(make({"SHAM": [(0, 1.0), (0, 1.0), (0, 2.0), None], "NIR": [(0, 3.0)] * 3}, param="CGII"))
    n = [stat(found, "n", f"Level {i}", variable="category", group1_level="SHAM", comparison="")["stat"] for i in (1, 2, 5)]
    assert n == [2, 1, 0]
    assert stat(found, "p", "Level 1", variable="category", group1_level="SHAM", comparison="")["stat"] == pytest.approx(200 / 3)
    assert stat(found, "n_missing", "", variable="AVAL", group1_level="SHAM", comparison="")["stat"] == 1
    assert found[(found["variable"] == "exclusion") & (found["group1_level"] == "Total")]["stat"].item() == 1
    assert "separated" in stat(found, "estimate", "proportional odds ratio")["error"]
    assert "do not overlap" in stat(found, "conf_low", "win probability")["error"]


def test_what_is_not_estimable_has_a_reason():
    one = run(make({"SHAM": [(0, 1.0)] * 5, "NIR": [(0, 1.0)] * 5}, param="CGII"))
    assert "in one category" in stat(one, "estimate", "proportional odds ratio")["error"]
    few = run(make({"SHAM": [(0, 1.0), (0, 2.0)], "NIR": [(0, 1.0), None]}, param="CGII"))
    assert stat(few, "estimate", "win probability")["error"] == "fewer than two subjects of NIR have a value"
    two = run(make({"SHAM": [(0, 1.0), (0, 2.0)] * 5, "NIR": [(0, 1.0), (0, 2.0), (0, 2.0)] * 5}, param="CGII"))
    assert "one threshold" in stat(two, "statistic", "proportionality")["error"]


def test_what_is_refused():
    data = bottles()
    strange = dataclasses.replace(data, frame=data.frame.assign(AVAL=data.frame["AVAL"].where(data.frame.index > 1, 9.0)))
    with pytest.raises(DataError, match=r"AVAL = 9 of SHAM-000 is not among the levels 1, 2, 3, 4, 5, nor are 1 more values"):
        run(strange)
    with pytest.raises(ConfigError, match="one AVISIT is analysed"):
        run(dataclasses.replace(data, frame=pd.concat([data.frame, data.frame.assign(AVISIT="Week 2")])))
    with pytest.raises(DataError, match="more than one for SHAM-000"):
        run(dataclasses.replace(data, frame=pd.concat([data.frame, data.frame.head(1)])))
    for levels, message in (({"2": "b", "1": "a"}, "ascending"), ({"x": "a", "y": "b"}, "must be numbers")):
        with pytest.raises(ValidationError, match=message):
            OrdinalOptions(levels=levels, direction="lower_better")
