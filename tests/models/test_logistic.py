"""Logistic regression: fit, standardised risk difference, separation and Firth's penalty."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nirls.errors import MethodError
from nirls.models.logistic import logistic
from nirls.stats.logistic.firth import firth
from nirls.stats.logistic.separation import separated
from nirls.stats.proportions import CommonOddsRatio, tables

HERE = Path(__file__).parents[1] / "reference"
R = json.loads((HERE / "responders.json").read_text())


@pytest.fixture(scope="module")
def week4():
    frame = pd.read_csv(HERE / "irls_parallel.csv")
    frame = frame[(frame["AVISIT"] == "W4") & frame["TRT"].isin(["SHAM", "NIR-H"]) & frame["CHG"].notna()]
    return frame.assign(TRT=pd.Categorical(frame["TRT"], ["SHAM", "NIR-H"]), Y=(frame["CHG"] <= -5).astype(float))


def two_arms(x1, n1, x2, n2):
    arm = pd.Categorical(["B"] * n2 + ["A"] * n1, ["B", "A"])
    return pd.DataFrame({"TRT": arm, "Y": [1.0] * x2 + [0.0] * (n2 - x2) + [1.0] * x1 + [0.0] * (n1 - x1)})


def test_fit_and_standardised_difference_are_those_of_r(week4):
    """R 4.2.2 glm, delta method by hand over vcov and sandwich::vcovHC(type = "HC0"), Ye et al. by hand: tests/reference/responders.R."""
    fit, r = logistic("Y ~ TRT + BASE + REGION", week4), R["logistic"]
    assert (len(fit.design.frame), fit.design.y.sum()) == (r["n"], r["events"])
    names = {"Intercept": "(Intercept)", "TRT[T.NIR-H]": "TRTNIR-H", "BASE": "BASE", "REGION[T.AP]": "REGIONAP", "REGION[T.EU]": "REGIONEU"}
    for ours, theirs in names.items():
        assert fit.params[ours] == pytest.approx(r["coef"][theirs], rel=1e-11)
        assert fit.bse[ours] == pytest.approx(r["se"][theirs], rel=1e-11)
    assert fit.loglike == pytest.approx(r["loglik"], rel=1e-13)
    for variance in ("ge", "ge_hc0", "ye"):
        found = fit.standardised_difference("TRT", variance)
        assert (found.risk1, found.risk2, found.estimate) == pytest.approx((r["p1"], r["p0"], r["rd"]), rel=1e-11)
        assert found.std_error == pytest.approx(r[variance], rel=1e-11)
    odds = fit.odds_ratio("TRT")
    assert np.log([odds["estimate"], odds["conf_low"], odds["conf_high"]]) == pytest.approx(
        r["coef"]["TRTNIR-H"] + np.array([0, -1, 1]) * 1.959963984540054 * r["se"]["TRTNIR-H"], rel=1e-10
    )


def test_without_covariates_it_is_the_table():
    """Risks are the proportions; Ge's variances are p(1−p)/n, Ye's p(1−p)/(n−1); the odds ratio has Woolf's interval."""
    fit = logistic("Y ~ TRT", two_arms(56, 70, 48, 80))
    for variance, less in (("ge", 0), ("ge_hc0", 0), ("ye", 1)):
        found = fit.standardised_difference("TRT", variance)
        assert found.estimate == pytest.approx(0.2, rel=1e-12)
        assert found.std_error == pytest.approx(np.sqrt(0.8 * 0.2 / (70 - less) + 0.6 * 0.4 / (80 - less)), rel=1e-12)
    table, odds = CommonOddsRatio(tables=tables(56, 70, 48, 80)), fit.odds_ratio("TRT")
    assert (odds["estimate"], odds["conf_low"], odds["conf_high"]) == pytest.approx((table.estimate, *table.ci()), rel=1e-12)


def test_a_saturated_model_standardises_over_strata():
    """With treatment × stratum in the model the standardised difference is Σ(N_h/N)·d_h."""
    frame = pd.concat([two_arms(20, 30, 10, 40).assign(S="a"), two_arms(5, 50, 4, 20).assign(S="b")], ignore_index=True)
    found = logistic("Y ~ TRT * S", frame).standardised_difference("TRT")
    assert found.estimate == pytest.approx((70 * (20 / 30 - 10 / 40) + 70 * (5 / 50 - 4 / 20)) / 140, rel=1e-11)


def test_firth_is_that_of_r():
    """R brglm2 0.9 (AS_mean, which is Firth's estimate for the logit); profile by direct maximisation with optim."""
    y, x = np.repeat([1.0, 0.0], [5, 75]), np.column_stack([np.ones(80), np.repeat([1.0, 0.0], 40)])
    for r, fit in (
        (R["firth_5_0"], firth(y, x)),
        (
            R["firth_adjusted"],
            firth(
                np.array(R["firth_adjusted"]["y"]),
                np.column_stack([np.ones(60), *(R["firth_adjusted"][c] for c in ("trt", "base", "ap"))]),
            ),
        ),
    ):
        assert fit.beta == pytest.approx(r["coef"], rel=1e-9)
        assert fit.std_error == pytest.approx(r["se"], rel=1e-9)
        assert fit.loglike == pytest.approx(r["loglik"], rel=1e-12)
        assert fit.ci(1) == pytest.approx((r["low"], r["high"]), abs=1e-6)  # optim's profile is the less exact of the two
        assert fit._fall(1, 0.0) == pytest.approx(r["lrt"], rel=1e-8)


def test_firth_of_one_table_adds_half_to_every_cell():
    """5/40 v 0/40 saturated: log odds ratio of the counts with ½ added (Firth 1993, section 4): 2.529665."""
    fit = logistic("Y ~ TRT", two_arms(5, 40, 0, 40))
    assert fit.penalised is not None
    assert fit.beta[1] == pytest.approx(np.log(5.5 * 40.5 / (35.5 * 0.5)), rel=1e-10)
    assert fit.beta[1] == pytest.approx(2.529665, abs=5.1e-7)
    odds = fit.odds_ratio("TRT")
    assert np.log([odds["conf_low"], odds["conf_high"]]) == pytest.approx([0.297175915, 7.420065153], abs=1e-6)
    with pytest.raises(MethodError, match="separated"):
        fit.standardised_difference("TRT")


def test_separation_is_found():
    one = np.ones(8)
    x = np.column_stack([one, np.arange(8.0)])
    assert separated((np.arange(8) > 3).astype(float), x), "complete"
    tied = np.column_stack([one, [0.0, 1, 2, 3, 3, 4, 5, 6]])
    assert separated((np.arange(8) > 3).astype(float), tied), "but for a tie"
    assert not separated(np.array([0.0, 1, 0, 1, 0, 1, 0, 1]), x)
    assert separated(one, x), "events only"
    million = np.column_stack([one, 1e6 + np.arange(8.0)])
    assert not separated(np.array([0.0, 0, 1, 0, 1, 0, 1, 1]), million)
    with pytest.raises(ValueError, match="0 or 1"):
        separated(one * 2, x)


def test_what_cannot_be_fitted(week4):
    with pytest.raises(MethodError, match="is 1 for every subject"):
        logistic("Y ~ TRT", week4.assign(Y=1.0))
    with pytest.raises(MethodError, match="must be 0 or 1"):
        logistic("CHG ~ TRT", week4)
    with pytest.raises(MethodError, match="factor of two levels"):
        logistic("Y ~ TRT + REGION", week4).odds_ratio("REGION")
