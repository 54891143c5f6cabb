"""The method mediation: results against R, who is analysed, what the plan may say."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from nirls.errors import ConfigError, DataError
from nirls.methods.mediation import CAVEAT, NOT_ADDITIVE, mediation
from nirls.plan.load import load_plan
from tests.methods.mediation_trial import FLOW, OXYGEN, data, found, options, records, written
from tests.methods.test_linear_methods import stat

REFERENCE = json.loads((Path(__file__).parents[1] / "reference/mediation.json").read_text())
KEY = {"comparison": "NIR - SHAM", "group2_level": "STO2, Week 2"}


def test_results_are_those_of_lm():
    """The reference takes values where the method takes changes; with both baselines in both models and no interaction nothing changes."""
    plain = found(interaction=False)
    for name in ("a", "b", "direct"):
        want = REFERENCE["paths"][name]
        for ours, theirs in (("estimate", "estimate"), ("std_error", "se"), ("p_value", "p"), ("conf_low", "low"), ("conf_high", "high")):
            assert stat(plain, ours, variable="path", variable_level=name, **KEY) == pytest.approx(want[theirs], rel=1e-8)
    assert stat(plain, "estimate", variable="mediation", variable_level="ACME", **KEY) == pytest.approx(
        REFERENCE["effects"]["product"]["estimate"], rel=1e-8
    )
    assert stat(plain, "rho", variable="mediation", variable_level="rho", **KEY) == pytest.approx(REFERENCE["rho"]["zero"], abs=1e-9)
    joint = {"comparison": "NIR - SHAM", "group2_level": "joint", "variable": "mediation", "variable_level": "ACME"}
    assert stat(plain, "estimate", **joint) == pytest.approx(REFERENCE["joint_plain"], rel=1e-8)


def test_values_with_interaction():
    value = [m | {"value": "AVAL"} for m in (OXYGEN, FLOW)]
    crossed = written(mediation(data(), options(mediators=value)))
    for ours, theirs in (("ACME(0)", "acme0"), ("ACME(1)", "acme1"), ("ADE(0)", "ade0"), ("ADE(1)", "ade1"), ("total", "total")):
        want = REFERENCE["effects"][theirs]["estimate"]
        assert stat(crossed, "estimate", variable="mediation", variable_level=ours, **KEY) == pytest.approx(want, rel=1e-8)
        joint = KEY | {"group2_level": "joint"}
        want = REFERENCE["joint"][theirs]
        assert stat(crossed, "estimate", variable="mediation", variable_level=ours, **joint) == pytest.approx(want, rel=1e-8)


def test_the_simple_case_once_more_by_pingouin():
    """pingouin's estimates are those of R lm as well; the largest difference from those here is printed."""
    for result in (found(), found(interaction=False)):
        for name, want in (("a", REFERENCE["paths"]["a"]), ("b", REFERENCE["paths"]["b"]), ("direct", REFERENCE["paths"]["direct"])):
            assert stat(result, "estimate", variable="check", variable_level=name, **KEY) == pytest.approx(want["estimate"], rel=1e-8)
        product = REFERENCE["effects"]["product"]["estimate"]
        assert stat(result, "estimate", variable="check", variable_level="a × b", **KEY) == pytest.approx(product, rel=1e-8)
        assert stat(result, "max", variable="check", variable_level="difference", **KEY) == 0
        assert set(result.loc[result["variable"] == "check", "group2_level"]) == {"STO2, Week 2", "FLUX, Week 2"}
    assert not (found(check=False)["variable"] == "check").any() and not (found(missing="weighted")["variable"] == "check").any()
    failed = found(failed=True)
    assert (failed.loc[failed["variable"] == "check", "error"] != "").all()


def test_a_difference_from_pingouin_is_seen(monkeypatch):
    import nirls.adapters.pingouin as adapter

    true = adapter.simple_mediation
    monkeypatch.setattr(adapter, "simple_mediation", lambda *given: replace(true(*given), b=true(*given).b + 1e-5))
    wrong = written(mediation(data(), options()))
    assert stat(wrong, "max", variable="check", variable_level="difference", **KEY) == pytest.approx(1e-5, abs=1e-8)


def test_the_caveat_is_always_said():
    for result in (found(), found(failed=True), written(mediation(data(), options(mediators=[OXYGEN])))):
        notes = list(result.loc[result["variable"] == "footnote", "stat_text"])
        assert CAVEAT in notes and any("Measurement error" in n for n in notes)
        assert (NOT_ADDITIVE in notes) == ("joint" in set(result["group2_level"]))


def test_the_same_numbers_again_and_in_any_order():
    again = written(mediation(data(records().sample(frac=1, random_state=3)), options()))
    pd.testing.assert_series_equal(again["stat"], found()["stat"], rtol=1e-9)


def test_everybody_is_analysed_or_counted():
    frame = records()
    frame.loc[(frame["PARAMCD"] == "IRLSTOT") & (frame["USUBJID"] == "S01"), "CHG"] = np.nan
    frame = frame[~((frame["PARAMCD"] == "STO2") & (frame["USUBJID"] == "S02"))]
    frame.loc[(frame["PARAMCD"] == "FLUX") & (frame["USUBJID"] == "S03"), "BASE"] = np.nan
    frame.loc[(frame["PARAMCD"] == "STO2") & (frame["USUBJID"] == "S04"), "ADT"] = "2025-02-01"  # the day of the outcome
    frame.loc[(frame["PARAMCD"] == "FLUX") & (frame["USUBJID"] == "S05"), "ADT"] = np.nan
    frame.loc[frame["USUBJID"] == "S06", "SITEID"] = np.nan
    result = written(mediation(data(frame), options()))
    lost = result[(result["variable"] == "exclusion") & (result["group1_level"] == "Total")].set_index("variable_level")["stat"]
    assert lost.to_dict() == {
        "No value of IRLS total score at Week 4": 1, "No value of tissue oxygenation (%) at Week 2": 1,
        "No baseline value of skin blood flow": 1,
        "Tissue oxygenation (%) at Week 2 not measured before IRLS total score": 1,
        "Order of skin blood flow and IRLS total score not known, no date": 1, "Missing covariate SITEID": 1,
    }  # fmt: skip
    assert stat(result, "n_excluded", variable="model") == 6
    assert sum(stat(result, "n_subjects", variable="model", group1_level=a) for a in ("SHAM", "NIR")) == 74
    with pytest.raises(DataError, match=r"S04 has STO2 at Week 2 on 2025-02-01 and IRLSTOT at Week 4 on 2025-02-01 \(1 subjects in all\)"):
        mediation(data(frame), options(late="error"))


def test_weighted_by_the_probability_of_being_complete():
    """The subjects and weights of the reference; the missing mediator loses the subject as the missing outcome does."""
    frame = records()
    number = frame["USUBJID"].str[1:].astype(int)
    high = frame["USUBJID"].isin(frame.loc[(frame["PARAMCD"] == "IRLSTOT") & (frame["BASE"] > 22), "USUBJID"])
    gone = (number % 3 == 0) & high & (frame["PARAMCD"] != "FLUX")
    frame.loc[gone, ["AVAL", "CHG"]] = np.nan
    value = [m | {"value": "AVAL"} for m in (OXYGEN, FLOW)]
    result = written(mediation(data(frame), options(mediators=value, missing="weighted")))
    for ours, theirs in (("ACME(0)", "acme0"), ("ACME(1)", "acme1"), ("ADE(0)", "ade0"), ("total", "total")):
        want = REFERENCE["weighted"][theirs]["estimate"]
        assert stat(result, "estimate", variable="mediation", variable_level=ours, **KEY) == pytest.approx(want, rel=1e-8)
    want = REFERENCE["weighted"]["b"]["estimate"]
    assert stat(result, "estimate", variable="path", variable_level="b", **KEY) == pytest.approx(want, rel=1e-8)
    lost = result[(result["variable"] == "path") & (result["stat_name"] == "p_value")]
    assert lost["stat"].isna().all() and set(lost["error"]) == {
        "weighted by the inverse probability of being complete: limits by the bootstrap, no t"
    }
    assert stat(result, "n_obs", variable="model") == 60 and 50 < stat(result, "effective_size", variable="model") < 60
    notes = " ".join(result.loc[result["variable"] == "footnote", "stat_text"])
    assert "80 subjects inform it" in notes and "missing at random given these" in notes
    plain = written(mediation(data(frame), options(mediators=value)))
    assert stat(plain, "estimate", variable="path", variable_level="b", **KEY) != pytest.approx(want, rel=1e-3)


def test_nobody_is_complete():
    frame = records()
    frame.loc[frame["PARAMCD"] == "STO2", "CHG"] = np.nan
    result = written(mediation(data(frame), options()))
    assert set(result.loc[result["variable"] == "path", "error"]) == {"no subject has the outcome and all mediators"}
    apart = records()
    apart.loc[(apart["PARAMCD"] == "STO2") & (apart["TRT01P"] == "NIR") & (apart["BASE"] > 62), "CHG"] = np.nan
    apart.loc[(apart["PARAMCD"] == "STO2") & (apart["TRT01P"] == "SHAM") & (apart["BASE"] > 62), "CHG"] = np.nan
    result = written(mediation(data(apart), options(missing="weighted")))
    assert result.loc[result["variable"] == "path", "error"].str.contains("the probability of being complete cannot be fitted").all()


def test_no_proportion_where_the_total_effect_may_be_nothing():
    frame = records()
    chance = np.random.default_rng(4).normal(size=len(frame))
    frame["CHG"] = np.where(frame["PARAMCD"] == "IRLSTOT", chance, frame["CHG"])
    lost = written(mediation(data(frame), options()))
    lost = lost[lost["variable_level"] == "proportion"]
    assert lost["stat"].isna().all() and set(lost["error"]) == {"the 95% interval of the total effect holds 0"}
    kept = found()
    assert kept.loc[kept["variable_level"] == "proportion", "stat"].notna().all()


def test_a_model_that_cannot_be_fitted_says_so_in_every_row():
    failed, kept = found(failed=True), found()
    effects = failed[failed["variable"].isin(["path", "mediation", "error correlation"])]
    assert effects["stat"].isna().all() and effects["error"].str.contains("same in all subjects").all()
    assert len(effects) == kept["variable"].isin(["path", "mediation", "error correlation"]).sum()


def test_arms_that_count_as_one():
    frame = records()
    half = frame["USUBJID"].str[-1].isin(list("13579")) & (frame["TRT01P"] == "NIR")
    frame["TRT01P"] = frame["TRT01P"].where(~half, "NIR2")
    adsl = frame.drop_duplicates("USUBJID")[["USUBJID", "TRT01P"]]
    with pytest.raises(ConfigError, match="give a name to NIR, NIR2"):
        mediation(data(frame, adsl=adsl, arms=("SHAM", "NIR", "NIR2")), options())
    pooled = written(mediation(data(frame, adsl=adsl, arms=("SHAM", "NIR", "NIR2")), options(pool="Light")))
    same = KEY | {"comparison": "Light - SHAM", "variable": "mediation", "variable_level": "ACME"}
    want = stat(found(), "estimate", **KEY, variable="mediation", variable_level="ACME")
    assert stat(pooled, "estimate", **same) == pytest.approx(want, rel=1e-9)


def test_records_that_are_not_there_or_twice():
    frame = records()
    with pytest.raises(DataError, match="no record of STO2 at Week 2 among those selected"):
        mediation(data(frame[frame["PARAMCD"] != "STO2"]), options())
    with pytest.raises(DataError, match="S01 has more than one record of IRLSTOT at Week 4"):
        mediation(data(pd.concat([frame, frame.head(1)])), options())


# --- the plan -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def plan():
    return load_plan("nir-rls", root=Path(__file__).parents[2])


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"mediators": [{"param": "STO2", "visit": "Week 12"}]}, "STO2 at Week 12 is not between baseline and the outcome at Week 4"),
        ({"mediators": [{"param": "STO2", "visit": "Week 4"}]}, "STO2 at Week 4 is not between baseline"),
        ({"mediators": [{"param": "STO2", "visit": "Baseline"}]}, "STO2 at Baseline is not between baseline"),
        ({"mediators": [{"param": "STO2", "visit": "Week 5"}]}, "no visit 'Week 5'"),
        ({"mediators": [{"param": "NITRIC", "visit": "Week 2"}]}, "no parameter 'NITRIC'"),
        ({"mediators": [{"param": "SYSBP", "visit": "Week 2"}]}, "no parameter 'SYSBP' of ADQS"),
        ({"mediators": [{"param": "CGII", "visit": "Week 2"}]}, "'CGII' has no baseline"),
        ({"mediators": [OXYGEN, OXYGEN]}, "named twice"),
        ({"mediators": [{"param": "IRLSTOT", "visit": "Week 2"}]}, "the outcome itself at another visit"),
    ],
)
def test_what_the_plan_may_not_say(plan, more, message):
    spec = SimpleNamespace(arms=["SHAM", "NIR850-54"])
    assert any(message in text for text in options(**more).cross_check(spec, plan))
    assert not list(options().cross_check(spec, plan))


def test_several_arms_need_a_name(plan):
    spec = SimpleNamespace(arms=["SHAM", "NIR850-54", "NIR850-90"])
    assert any("give it a name under `pool`" in text for text in options().cross_check(spec, plan))
    assert not list(options(pool="Both").cross_check(spec, plan))
