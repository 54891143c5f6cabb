"""The method `responder_subgroups`: against R's glm (subgroups.json), the 2 × 2 × 2 table by hand, and what is not estimated."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2

from nirls.methods.responder_subgroups import ResponderSubgroupsOptions, responder_subgroups
from nirls.plan.load import load_plan
from nirls.stats.proportions import ScoreDifference, tables
from tests.adam.conftest import ROOT
from tests.methods.responder_trial import SCALE
from tests.methods.test_linear_methods import HERE, ard, stat
from tests.methods.test_subgroups import given

R = json.loads((HERE / "subgroups.json").read_text(encoding="utf-8"))["responders"]
EFFECT, INTERACTION, COMPARISON = "subgroup effect", "interaction", "Light - SHAM"


@pytest.fixture
def week():
    frame = pd.read_csv(HERE / "irls_parallel.csv", keep_default_na=False, na_values=[""]).rename(columns={"TRT": "TRT01P"})
    return frame[frame["AVISIT"] == "W4"].assign(AVISIT="Week 4", AVISITN=4.0, PARAMCD="IRLSTOT").reset_index(drop=True)


def groups(frame, *items, **more):
    """`three`: an improvement of three points or more."""
    made = given(frame, "responder_subgroups")
    made.plan.study.instruments, made.plan.instruments = ["irls"], {"irls": SCALE}
    items = [i if isinstance(i, dict) else {"variable": i, "prespecified": True} for i in items]
    options = {"threshold": "three", "pools": {"Light": ["NIR-L", "NIR-H"]}, "missing": "observed"} | more
    return ard(responder_subgroups(made, ResponderSubgroupsOptions(subgroups=items, **options)))


@pytest.mark.parametrize("variable", ["SEX", "REGION"])
def test_the_interaction_is_the_likelihood_ratio_of_glm(week, variable):
    """R 4.2.2: anova(glm(RESP ~ SIDE + V), glm(RESP ~ SIDE * V), test = "LRT"), tests/reference/subgroups.R."""
    found, r = groups(week, variable), R[variable]
    key = {"variable": INTERACTION, "comparison": COMPARISON}
    assert stat(found, "statistic", **key) == pytest.approx(r["statistic"], rel=1e-8)
    assert stat(found, "num_df", **key) == r["df"]
    assert stat(found, "p_value", **key) == pytest.approx(r["p"], rel=1e-8)
    ratio = [stat(found, s, **key) for s in ("estimate", "conf_low", "conf_high")]
    if variable == "SEX":  # the odds ratio of F over that of M
        assert ratio == pytest.approx(r["ratio"], rel=1e-7)
        assert found.loc[(found["variable"] == INTERACTION) & (found["stat_name"] == "text"), "stat_text"].item() == "F|M"
    else:
        assert np.isnan(ratio).all()


@pytest.mark.parametrize("variable", ["SEX", "REGION"])
def test_counts_and_differences_of_each_level(week, variable):
    """Counts of R; the difference is that of the two proportions, its interval the one of the method `responder`."""
    found, r = groups(week, variable), R[variable]
    known = {(level, side): (x, n) for level, side, x, n in zip(*(r[k] for k in ("level", "side", "x", "n")), strict=True)}
    for level in set(r["level"]):
        (x1, n1), (x0, n0) = known[level, "light"], known[level, "ref"]
        key = {"comparison": COMPARISON, "group2_level": level}
        assert [stat(found, s, variable=EFFECT, **key) for s in ("n_subjects", "n_reference")] == [n1, n0]
        assert [stat(found, "n", variable="responders", variable_level=s, **key) for s in ("treated", "reference")] == [x1, x0]
        assert stat(found, "estimate", variable=EFFECT, **key) == pytest.approx(100 * (x1 / n1 - x0 / n0), rel=1e-12)
        low, high = ScoreDifference(tables=tables([x1], [n1], [x0], [n0]), correction=True).ci(0.95)
        assert stat(found, "conf_low", variable=EFFECT, **key) == pytest.approx(100 * low, rel=1e-12)
        assert stat(found, "conf_high", variable=EFFECT, **key) == pytest.approx(100 * high, rel=1e-12)
    assert not ((found["variable"] == EFFECT) & (found["stat_name"] == "p_value")).any()
    assert stat(found, "n_subjects", variable="overall effect") == sum(n for (_, side), (_, n) in known.items() if side == "light")


def test_the_ratio_of_two_levels_is_that_of_the_table(week):
    """A saturated model has the odds of the table, and its log ratio the variance Σ 1/n over the eight cells (Woolf 1955)."""
    r = R["SEX"]
    cells = [(x, n - x) for x, n in zip(r["x"], r["n"], strict=True)]  # M ref, M light, F ref, F light
    m0, m1, f0, f1 = (a / b for a, b in cells)
    half = 1.959963984540054 * np.sqrt(sum(1 / a + 1 / b for a, b in cells))
    ratio = np.log((f1 / f0) / (m1 / m0))
    found = groups(week, "SEX")
    values = [stat(found, s, variable=INTERACTION) for s in ("estimate", "conf_low", "conf_high")]
    assert values == pytest.approx(np.exp([ratio, ratio - half, ratio + half]), rel=1e-8)
    assert stat(found, "p_value", variable=INTERACTION) == pytest.approx(chi2.sf(r["statistic"], 1), rel=1e-8)


def test_every_arm_of_the_pool_must_be_large_enough(week):
    """AM has 34 of the pool, 14 of them of NIR-L."""
    found = groups(week, "REGION", min_per_arm=12)
    few = found[(found["variable"] == EFFECT) & (found["stat_name"] == "estimate")].set_index("group2_level")["error"]
    assert few["AM"] == few["EU"] == "" and few["AP"] == "not estimated (n<12 in SHAM, NIR-L)"
    assert stat(found, "num_df", variable=INTERACTION) == 1
    few = groups(week, "REGION", min_per_arm=15)
    few = few[(few["variable"] == EFFECT) & (few["stat_name"] == "estimate")].set_index("group2_level")["error"]
    assert few["AM"] == "not estimated (n<15 in NIR-L)"


def test_a_missing_value_is_a_non_response_or_left_out(week):
    lost = week["AVAL"].isna().sum()
    assert lost > 0
    left, all_of_them = groups(week, "SEX"), groups(week, "SEX", missing="non_responder")
    n = [sum(stat(f, s, variable="overall effect") for s in ("n_subjects", "n_reference")) for f in (left, all_of_them)]
    assert n == [len(week) - lost, len(week)]
    x = [
        sum(stat(f, "n", variable="responders", variable_level=s, group2="") for s in ("treated", "reference")) for f in (left, all_of_them)
    ]
    assert x[0] == x[1]


def test_no_test_where_nobody_responds_or_one_level_is_left(week):
    silent = (week["SEX"] == "F") & (week["TRT01P"] == "SHAM")
    found = groups(week.assign(AVAL=week["AVAL"].mask(silent & week["AVAL"].notna(), week["BASE"])), "SEX")
    row = found[(found["variable"] == INTERACTION) & (found["stat_name"] == "p_value")]
    assert row["stat"].isna().item() and row["error"].item().startswith("nobody or everybody responded on one side")
    assert stat(found, "estimate", variable=EFFECT, group2_level="F") > 0, "the score interval needs no odds"
    for gain, who in ((40.0, "everybody"), (0.0, "nobody")):
        same = groups(week.assign(AVAL=week["BASE"] - gain), "SEX")
        row = same[(same["variable"] == INTERACTION) & (same["stat_name"] == "p_value")]
        assert row["error"].item() == f"{who} responded in the levels estimated"
        assert stat(same, "estimate", variable=EFFECT, group2_level="F") == 0
    alone = groups(week.assign(SEX="F"), "SEX")
    row = alone[(alone["variable"] == INTERACTION) & (alone["stat_name"] == "p_value")]
    assert row["error"].item() == "fewer than two levels are estimated"


def test_its_tests_are_a_family_of_their_own(week):
    found = groups(week, "SEX", "REGION")
    p = {v: stat(found, "p_value", variable=INTERACTION, group2=v) for v in ("SEX", "REGION")}
    adjusted = {v: stat(found, "p_adjusted", variable=INTERACTION, group2=v) for v in ("SEX", "REGION")}
    assert p["REGION"] < p["SEX"] and adjusted["REGION"] == pytest.approx(2 * p["REGION"], rel=1e-12)
    assert adjusted["SEX"] == pytest.approx(max(2 * p["REGION"], p["SEX"]), rel=1e-12)
    family = found[(found["variable"] == "family") & (found["stat_name"] == "text")]
    assert family["stat_text"].tolist() == ["responders in groups"] * 2


def test_the_plan_is_checked():
    plan = load_plan("nir-rls", root=ROOT)
    spec = plan.analyses["responder_groups"]
    assert list(ResponderSubgroupsOptions(**spec.options).cross_check(spec, plan)) == []
    wrong = {"threshold": "half", "pools": {"x": ["NIR660-18"]}, "subgroups": [{"variable": "GUESSW1"}]}
    text = " ".join(ResponderSubgroupsOptions(**wrong).cross_check(spec, plan))
    assert "'half'" in text and "NIR660-18" in text and "measured after baseline" in text
