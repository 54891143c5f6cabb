"""The methods `imputation` and `tipping_point`: what they write into analysis results data."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from pydantic import ValidationError

import nirls
from nirls.errors import ConfigError
from nirls.methods._imputation import INTERMITTENT, TRAILING
from nirls.methods.imputation import ANCHORED, REPEATED, ImputationOptions, imputation
from nirls.methods.registry import AnalysisData
from nirls.methods.tipping_point import TippingPointOptions, tipping_point
from nirls.plan.analysis import Analysis
from nirls.plan.estimand import Estimand
from nirls.stats.imputation.events import first_trailing
from tests.methods.test_linear_methods import HERE, ard, stat, text

ARMS = ["SHAM", "NIR-H"]
RBMI = {"MAR": "MAR", "J2R": "JR", "CR": "CR", "CIR": "CIR", "LMCF": "LMCF"}
QUICK = {"covariates": ["BASE", "REGION"], "information_anchored": "none"}


@pytest.fixture(scope="module")
def trial():
    """SHAM and NIR-H of irls_parallel.csv; nobody has a recorded discontinuation, so that events are the missing visits at the end."""
    frame = pd.read_csv(HERE / "irls_parallel.csv").rename(columns={"TRT": "TRT01P"}).query("TRT01P != 'NIR-L'")
    week = frame["AVISIT"].str[1:].astype(float)
    frame = frame.assign(AVISITN=week, AVISIT="Week " + frame["AVISIT"].str[1:], PARAMCD="IRLSTOT")
    return frame, frame.drop_duplicates("USUBJID")[["USUBJID", "TRT01P"]]


def events(*rows):
    """ADICE of (subject, code, words, first affected week, whether it ends treatment)."""
    table = pd.DataFrame(rows, columns=["USUBJID", "ICECD", "ICE", "AVISITN", "ENDTRTFL"])
    return table.assign(ADY=7.0 * table["AVISITN"] - 2)


def estimand(**strategies):
    words = dict.fromkeys(["label", "question", "population", "treatment", "variable", "summary", "missing_data"], "x")
    return Estimand(**words, intercurrent_events=[{"event": e, "strategy": s} for e, s in strategies.items()])


def data(trial, direction="lower_better", ice=None, estimands=None):
    frame, subjects = (f.assign(TRT01P=pd.Categorical(f["TRT01P"], categories=ARMS, ordered=True)) for f in trial)
    study = SimpleNamespace(reference="SHAM", arms={a: SimpleNamespace() for a in ARMS})
    plan = SimpleNamespace(
        study=study, estimands=estimands or {}, instruments={"irls": SimpleNamespace(scores={"IRLSTOT": None}, direction=direction)}
    )
    spec = Analysis(label="x", dataset="ADQS", method="imputation", group="TRT01P", estimand="E" if estimands else None)
    return AnalysisData(frame=frame, adsl=subjects, spec=spec, analysis_id="x", plan=plan, ice=ice)


def where(strategy, variance, visit="Week 4", difference=True):
    key = {"variable": "CHG", "group1_level": "NIR-H", "group2_level": strategy, "group3_level": variance, "visit": visit}
    return key | {"comparison": "NIR-H - SHAM" if difference else ""}


@pytest.fixture(scope="module")
def reference():
    return json.loads((HERE / "imputation.json").read_text())["results"]


def test_five_strategies_are_those_of_rbmi(trial, reference):
    """R rbmi 1.6.0.9000, tests/reference/imputation.json; the imputation model there has BASE, but not REGION, by visit, as here."""
    found = ard(imputation(data(trial), ImputationOptions(**QUICK, margins="observed")))
    for strategy, name in RBMI.items():
        for i, parameter in enumerate(reference[name]["parameter"]):
            if parameter.startswith("lsm_ref"):
                continue
            difference = parameter.startswith("trt")
            key = where(strategy, REPEATED, f"Week {parameter[-1]}", difference)
            assert stat(found, "estimate" if difference else "lsmean", **key) == pytest.approx(reference[name]["est"][i], rel=2e-5)
            assert stat(found, "std_error" if difference else "lsmean_se", **key) == pytest.approx(reference[name]["se"][i], rel=1e-4)
    assert set(found.loc[(found["stat_name"] == "df"), "stat_text"]) == {"normal"}
    assert "jackknife" in text(found, "variance")
    assert [stat(found, s, variable="model", group1_level="") for s in ("n_subjects", "n_excluded")] == [120, 0]


def test_every_imputed_value_is_counted(trial):
    found = ard(imputation(data(trial), ImputationOptions(**QUICK, strategies=["MAR"])))
    counts = found[found["variable"] == "imputed"]
    total = counts[(counts["group1_level"] == "Total") & (counts["stat_name"] == "n_missing")]["stat"].sum()
    assert total == trial[0]["CHG"].isna().sum()
    by_reason = counts[(counts["group1_level"] == "Total") & (counts["stat_name"] == "n")].groupby("variable_level")["stat"].sum()
    assert by_reason.sum() == total and set(by_reason.index) == {INTERMITTENT, TRAILING}
    for level in ("n", "n_missing"):
        own = counts[counts["stat_name"] == level]
        assert own[own["group1_level"] != "Total"]["stat"].sum() == total
    patterns = found[found["variable"] == "pattern"]
    assert patterns[patterns["group1_level"] == "NIR-H"]["stat"].sum() == 60
    assert stat(found, "n", variable="pattern", variable_level="oooo", group1_level="SHAM") > 30
    events = found[(found["variable"] == "event") & (found["group1_level"] == "Total")]
    assert events["stat"].sum() == 10  # the ten of imputation.json


def test_delta_worsens_in_the_direction_of_the_scale(trial, reference):
    """δ of 3 on every missing value of NIR-H: rbmi; on a scale where higher is better it is subtracted."""
    options = ImputationOptions(**QUICK, strategies=["MAR"], delta=3.0, delta_intermittent=True, visits=["Week 4"])
    found = ard(imputation(data(trial), options))
    expected = reference["MAR_delta_on_missing_active_W4"]["3"]
    assert stat(found, "estimate", **where("MAR", REPEATED)) == pytest.approx(expected["est"][0], abs=2e-5)
    assert stat(found, "std_error", **where("MAR", REPEATED)) == pytest.approx(expected["se"][0], rel=1e-4)
    plain = reference["MAR"]["est"][9]
    other = ard(imputation(data(trial, "higher_better"), options))
    assert stat(other, "estimate", **where("MAR", REPEATED)) == pytest.approx(2 * plain - expected["est"][0], abs=5e-5)
    assert set(found.loc[found["variable"] == "CHG", "visit"]) == {"Week 4"}


def test_both_variances_stand_side_by_side(trial):
    """Under J2R the information-anchored standard error is the larger one; imputations are doubled until they are accurate."""
    options = ImputationOptions(covariates=["BASE", "REGION"], strategies=["J2R"], visits=["Week 4"], draws=5, max_draws=20)
    found = ard(imputation(data(trial), options))
    repeated, anchored = (stat(found, "std_error", **where("J2R", v)) for v in (REPEATED, ANCHORED))
    assert anchored > 0.95 * repeated
    draws = stat(found, "n_draws", variable="model", group3_level=ANCHORED)
    share = stat(found, "mc_error", **where("J2R", ANCHORED)) / anchored
    assert draws in (5, 10, 20) and (draws == 20 or share <= 0.05)
    again = ard(imputation(data(trial), options))
    pd.testing.assert_frame_equal(found, again)


def test_strategy_by_event(trial):
    """The recorded event decides; visits after it are affected though they were observed."""
    frame, _ = trial
    assert frame.loc[frame["USUBJID"] == "S003", "CHG"].notna().all()
    given = data(trial, ice=events(("S003", "STOPAE", "Stop, adverse event", 2.0, "Y"), ("S005", "RESCUE", "Rescue", 2.0, "N")))
    found = ard(imputation(given, ImputationOptions(**QUICK, strategies=["J2R"], by_event={"STOPAE": "J2R"})))
    assert stat(found, "n", variable="event", variable_level="Stop, adverse event", visit="Week 2", group1_level="Total") == 1
    assert "Rescue" not in set(found["variable_level"]), "it does not end treatment"
    assert {"J2R", "BY EVENT"} <= set(found["group2_level"])
    named, rest = (stat(found, "estimate", **where(s, REPEATED)) for s in ("BY EVENT", "J2R"))
    mar = stat(ard(imputation(given, ImputationOptions(**QUICK, strategies=["MAR"]))), "estimate", **where("MAR", REPEATED))
    assert len({named, rest, mar}) == 3, "the trailing visits of others are MAR, the visits of S003 are not"


def test_a_hypothetical_event_is_imputed_under_mar(trial):
    """Values set aside are missing; whatever strategy is asked for, they are imputed as if the event had not happened."""
    frame, adsl = trial
    ice = events(("S003", "RESCUE", "Rescue", 3.0, "N"), ("S003", "STOP", "Stop", 4.0, "Y"))
    aside = frame.assign(CHG=frame["CHG"].mask((frame["USUBJID"] == "S003") & (frame["AVISITN"] >= 3)))
    full = aside.dropna(subset="CHG")
    everyone = full.groupby("USUBJID")["AVISITN"].max().pipe(lambda last: last.index[last == 4])
    kept = [*everyone, "S003"]
    some = aside[aside["USUBJID"].isin(kept)], adsl[adsl["USUBJID"].isin(kept)]
    given = data(some, ice=ice, estimands={"E": estimand(RESCUE="hypothetical", STOP="treatment_policy")})
    found = ard(imputation(given, ImputationOptions(**QUICK, strategies=["MAR", "J2R"])))
    same = [stat(found, "estimate", **where(s, REPEATED)) for s in ("MAR", "J2R")]
    assert same[0] == same[1], "nobody else has an event"
    policy = data(some, ice=ice, estimands={"E": estimand(RESCUE="treatment_policy", STOP="treatment_policy")})
    other = ard(imputation(policy, ImputationOptions(**QUICK, strategies=["J2R"])))
    assert stat(other, "estimate", **where("J2R", REPEATED)) != same[0], "the stop alone has the strategy J2R"


def test_retrieved_dropouts_are_a_model_with_shifts(trial):
    """The mixed model with a shift of the mean after an event in each arm, its conditional means, and least squares at the visit."""
    frame, adsl = trial
    stopped = [s for s in adsl["USUBJID"]][:40]
    ice = events(*((s, "STOP", "Stop", 3.0, "Y") for s in stopped))
    gone = frame["USUBJID"].isin(stopped[:12]) & (frame["AVISITN"] >= 3)
    frame = frame.assign(CHG=frame["CHG"].mask(gone)).sort_values(["USUBJID", "AVISITN"]).reset_index(drop=True)
    given = data((frame, adsl), ice=ice)
    options = ImputationOptions(**QUICK, strategies=["MAR"], retrieved_dropout=True, retrieved_min=5)
    result = imputation(given, options)
    found = ard(result)
    assert any("SHAM (" in f and "NIR-H (" in f for f in result.footnotes)

    wide = frame.pivot(index="USUBJID", columns="AVISITN", values="CHG")
    start = pd.Series(1.0 + first_trailing(wide.isna().to_numpy()), index=wide.index)  # the first of the missing visits at the end
    start[stopped] = 3.0
    after = frame["AVISITN"] >= frame["USUBJID"].map(start)
    model = frame.assign(**{f"AFTER{i}": (after & (frame["TRT01P"] == arm)).astype(float) for i, arm in enumerate(ARMS)})
    model = model.assign(TRT01P=pd.Categorical(model["TRT01P"], ARMS))
    fit = nirls.mmrm(
        "CHG ~ REGION + BASE * AVISIT + TRT01P * AVISIT + AFTER0 + AFTER1", model, subject="USUBJID", visit="AVISIT", covariance="us"
    )
    completed = model.assign(CHG=fit.predict(model, conditional=True)["estimate"])
    for visit in ("Week 3", "Week 4"):
        ols = smf.ols("CHG ~ REGION + BASE + TRT01P", completed[completed["AVISIT"] == visit]).fit()
        ours = stat(found, "estimate", **where("RETRIEVED", REPEATED, visit))
        assert ours == pytest.approx(ols.params["TRT01P[T.NIR-H]"], rel=1e-8)
        assert abs(ours - stat(found, "estimate", **where("MAR", REPEATED, visit))) > 1e-3


def test_too_few_retrieved_dropouts(trial):
    frame, adsl = trial
    stopped = [s for s in adsl["USUBJID"]][:40]
    given = data((frame, adsl), ice=events(*((s, "STOP", "Stop", 3.0, "Y") for s in stopped)))
    few = imputation(given, ImputationOptions(**QUICK, strategies=["MAR"], retrieved_dropout=True, retrieved_min=1000))
    assert any("fewer than 1000" in f for f in few.footnotes)
    jumped = ard(imputation(given, ImputationOptions(**QUICK, strategies=["J2R"])))
    assert stat(ard(few), "estimate", **where("RETRIEVED", REPEATED)) == stat(jumped, "estimate", **where("J2R", REPEATED))


def test_first_of_the_missing_visits_at_the_end():
    missing = np.array([[0, 0, 0, 0], [0, 1, 0, 1], [0, 0, 1, 1], [1, 0, 0, 0], [1, 1, 1, 1]], dtype=bool)
    assert first_trailing(missing).tolist() == [4, 3, 2, 4, 0]


def test_what_cannot_be_estimated_says_so(trial):
    given = data(trial, ice=events(("S005", "STOP", "Stop", 1.0, "Y")))
    result = imputation(given, ImputationOptions(**QUICK, strategies=["LMCF", "J2R"], visits=["Week 4"]))
    found = ard(result)
    row = found[(found["stat_name"] == "estimate") & (found["group2_level"] == "LMCF")].iloc[0]
    assert np.isnan(row["stat"]) and "first visit" in row["error"] and any("LMCF could not be estimated" in f for f in result.footnotes)
    assert np.isfinite(stat(found, "estimate", **where("J2R", REPEATED)))
    allowed = ImputationOptions(**QUICK, strategies=["LMCF"], visits=["Week 4"], lmcf_at_first_visit="no_change")
    assert np.isfinite(stat(ard(imputation(given, allowed)), "estimate", **where("LMCF", REPEATED)))


def test_tipping_point_is_where_the_interval_touches_zero(trial, reference):
    """Grid nodes are rbmi's δ runs; at the tipping point p = 0.05."""
    options = TippingPointOptions(
        **QUICK, arm="NIR-H", at="Week 4", delta_intermittent=True, active=(0.0, 6.0), comparator=(-1.0, 1.0), reach=40.0
    )
    found = ard(tipping_point(data(trial), options))
    for d in range(1, 7):
        expected = reference["MAR_delta_on_missing_active_W4"][str(d)]
        key = {"variable": "CHG", "group2_level": str(d), "group3_level": "0", "variable_level": REPEATED}
        assert stat(found, "estimate", **key) == pytest.approx(expected["est"][0], abs=2e-5)
        assert stat(found, "p_value", **key) == pytest.approx(expected["pval"][0], abs=2e-5)
    assert len(found[(found["variable"] == "CHG") & (found["stat_name"] == "estimate")]) == 7 * 3
    # not significant under MAR, so that missing values would have to be better
    week = TippingPointOptions(
        **QUICK, arm="NIR-H", at="Week 2", delta_intermittent=True, active=(0.0, 0.0), comparator=(0.0, 0.0), reach=60.0
    )
    delta = stat(ard(tipping_point(data(trial), week)), "delta", variable="tipping")
    assert delta > 0
    there = ImputationOptions(**QUICK, strategies=["MAR"], delta=delta, delta_intermittent=True, visits=["Week 2"])
    at = ard(imputation(data(trial), there))
    assert stat(at, "p_value", **where("MAR", REPEATED, "Week 2")) == pytest.approx(0.05, abs=1e-6)
    near = ard(tipping_point(data(trial), week.model_copy(update={"reach": 0.5})))
    row = near[(near["variable"] == "tipping") & (near["stat_name"] == "delta")].iloc[0]
    assert np.isnan(row["stat"]) and row["stat_text"] == "not reached between 0 and 0.5"


def test_wrong_options_are_refused(trial):
    with pytest.raises(ValidationError, match="there is no variance"):
        ImputationOptions(repeated_sampling="none", information_anchored="none")
    with pytest.raises(ValidationError, match="by_visit"):
        ImputationOptions(by_visit=["REGION"])
    with pytest.raises(ValidationError, match="is more than"):
        TippingPointOptions(arm="NIR-H", at="Week 4", active=(3.0, 0.0))
    with pytest.raises(ValidationError, match="only makes values better"):
        TippingPointOptions(arm="NIR-H", at="Week 4", active=(-5.0, -1.0))
    with pytest.raises(ValidationError, match="delta"):
        ImputationOptions(delta=-3.0)
    with pytest.raises(ValidationError, match="draws"):
        ImputationOptions(draws=1)
    with pytest.raises(ConfigError, match=r"options\.visits: Week 9"):
        imputation(data(trial), ImputationOptions(**QUICK, visits=["Week 9"]))
    with pytest.raises(ConfigError, match=r"options\.delta_arms: SHAN"):
        imputation(data(trial), ImputationOptions(**QUICK, delta=1.0, delta_arms=["SHAN"]))
    with pytest.raises(ConfigError, match=r"options\.arm: 'SHAM' is not one of NIR-H"):
        tipping_point(data(trial), TippingPointOptions(**QUICK, arm="SHAM", at="Week 4"))
