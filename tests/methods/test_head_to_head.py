"""Non-inferiority, its claim, equivalence and indirect comparison as methods, and what they refuse."""

import numpy as np
import pytest
from pydantic import ValidationError

from nirls.errors import ConfigError, DataError, MethodError
from nirls.methods.arm_contrasts import ArmContrastsOptions, arm_contrasts
from nirls.methods.indirect_comparison import IndirectOptions, indirect_comparison
from nirls.methods.mmrm import MMRMOptions, mmrm
from nirls.methods.noninferiority import noninferiority
from nirls.stats.noninferiority import equivalence
from tests.methods.head_to_head_trial import LITERATURE, WHY, claim, data, decided, indirect, options, records, written
from tests.methods.test_linear_methods import stat

NI = {"variable": "noninferiority"}


def test_the_difference_is_that_of_the_mixed_model():
    """The differences are those of `mmrm`, which is tested against R mmrm; the decision is that of the interval."""
    found = decided(value=3.0)
    model = written(mmrm(data(method="mmrm"), MMRMOptions(covariates=["BASE"], reference="ACTIVE")))
    for name in ("estimate", "std_error", "df", "conf_low", "conf_high", "p_value"):
        key = {"variable": "CHG", "visit": "Week 4", "comparison": "NIR - ACTIVE"}
        assert stat(found, name, **key) == pytest.approx(stat(model, name, **key), rel=1e-10)
    high = stat(found, "conf_high", variable="CHG", comparison="NIR - ACTIVE")
    for margin in (high - 1e-6, high + 1e-6):
        rejected = stat(decided(value=float(margin)), "rejected", variable_level="non-inferior", **NI)
        assert rejected == float(high < margin)


def test_the_margin_of_the_literature():
    """Pregabalin −4.5 (1.368) and gabapentin enacarbil −3.5 (1.08) by hand: −3.884 (0.848), M1 = 2.223."""
    found = decided()
    assert stat(found, "margin", variable_level="M1", **NI) == pytest.approx(2.2226, abs=5e-4)
    assert stat(found, "margin", variable_level="", **NI) == pytest.approx(1.1113, abs=5e-4)
    assert "PMC" not in found.loc[found["variable_level"] == "margin", "stat_text"].item()
    assert stat(found, "rejected", variable_level="synthesis", **NI) in (0.0, 1.0)


def test_higher_is_better_is_the_mirror_image():
    down = decided(value=3.0)
    frame = records()
    up = written(noninferiority(
        data(frame.assign(CHG=-frame["CHG"]), direction="higher_better"), options(margin={"value": -3.0, "justification": WHY})
    ))  # fmt: skip
    for name in ("non-inferior", "superior", "assay sensitivity", "retention"):
        for s in ("p_value", "rejected"):
            key = {"variable_level": name} | NI
            assert stat(up, s, **key) == pytest.approx(stat(down, s, **key), rel=1e-8)
    assert stat(up, "retained", **NI) == pytest.approx(stat(down, "retained", **NI), rel=1e-8)


def test_superiority_needs_non_inferiority_and_both_are_recorded():
    frame = records()
    frame["CHG"] = frame["CHG"] - 9 * (frame["TRT01P"] == "NIR")
    found = written(noninferiority(data(frame), options()))
    for name in ("non-inferior", "superior", "assay sensitivity", "retention"):
        assert stat(found, "rejected", variable_level=name, **NI) == 1


@pytest.mark.parametrize(("value", "direction"), [(-2.0, "lower_better"), (2.0, "higher_better")])
def test_a_margin_of_the_wrong_sign(value, direction):
    with pytest.raises(MethodError, match=r"analyses\.yaml: x: options: margin: a margin of .* has the wrong sign"):
        noninferiority(data(direction=direction), options(margin={"value": value, "justification": WHY}))


def test_a_margin_from_a_trial_that_did_not_show_an_effect():
    chosen = {"rows": ["GEN-JAPAN-2020"], "justification": WHY}
    with pytest.raises(MethodError, match=r"-2\.6 to 0\.2, does not show that the active treatment works"):
        noninferiority(data(), options(margin=chosen, literature=LITERATURE))


def test_rows_that_cannot_be_used():
    for rows, message in (
        (["XP053-600"], "columns std_error, ci_low, ci_high are empty"),
        (["PRAMIPEXOLE-2015", "DA-COCHRANE-2011"], "shares patients"),
        (["NONE"], "there is no row NONE; its ids are XP053-1200"),
    ):
        with pytest.raises(DataError, match=message):
            noninferiority(data(), options(margin={"rows": rows, "justification": WHY}, literature=LITERATURE))


def test_options_that_cannot_be():
    for margin in ({"justification": WHY}, {"value": 2.0, "rows": ["A"], "justification": WHY}):
        with pytest.raises(ValidationError, match="give either `rows`"):
            options(margin=margin)
    with pytest.raises(ValidationError, match="need `literature`"):
        options(margin={"rows": ["A"], "justification": WHY})
    with pytest.raises(ValidationError, match="justification"):
        options(margin={"value": 2.0})


def test_the_comparator_arm_is_missing():
    with pytest.raises(ConfigError, match="options: arm ACTIVE is not among SHAM, NIR; add it to `arms`"):
        noninferiority(data(arms=["SHAM", "NIR"]), options())


def test_nobody_of_the_active_arm_was_observed():
    found = decided(missing=True, value=2.0)
    lost = found[(found["variable"] == "noninferiority") & found["stat"].isna()]
    assert set(lost["error"]) == {"no observation of ACTIVE in the model at Week 4"}
    assert {"non-inferior", "superior", "assay sensitivity", "retention", "retained"} <= set(lost["variable_level"])
    assert stat(claim(a=found, b=decided(value=2.0, analysis_set="PP")), "rejected", variable_level="claim") == 0


def test_the_open_label_arm_and_failed_assay_sensitivity_are_told():
    frame = records(gain=0.0)
    frame["CHG"] += 5 * (frame["TRT01P"] == "ACTIVE")
    notes = " ".join(noninferiority(data(frame), options()).footnotes)
    assert "ACTIVE: open label" in notes and "was not shown to be better than sham" in notes


def test_every_subject_is_analysed_or_counted():
    found = decided(value=3.0)
    analysed, left = (stat(found, s, variable="model", group1_level="") for s in ("n_subjects", "n_excluded"))
    assert analysed + left == 180


# --- claim ---------------------------------------------------------------------------------------


def test_the_claim_needs_both_sets_and_says_which_failed():
    yes, no = decided(value=8.0), decided(value=8.0, analysis_set="PP").copy()
    found = claim(full=yes, protocol=no)
    assert stat(found, "rejected", variable_level="claim") == 1
    no.loc[(no["stat_name"] == "rejected") & (no["variable_level"] == "non-inferior"), "stat"] = 0.0
    found = claim(full=yes, protocol=no)
    assert stat(found, "rejected", variable_level="claim") == 0
    assert found.loc[found["stat_name"] == "text", "stat_text"].tolist() == ["PP: not shown to be non-inferior"]


def test_a_claim_on_one_set_or_two_margins():
    with pytest.raises(ConfigError, match="needs two analysis sets"):
        claim(full=decided(value=8.0))
    with pytest.raises(ConfigError, match="different sets with one margin"):
        claim(full=decided(value=8.0), protocol=decided(value=7.0, analysis_set="PP"))


# --- equivalence ---------------------------------------------------------------------------------


def test_equivalence_of_a_contrast():
    """Two one-sided tests are those of R's t.test (tests/stats); the interval lies within the limits exactly when both reject."""
    for limit in (0.5, 2.0, 3.5, 9.0):
        given = ArmContrastsOptions(
            covariates=["BASE"], at_visit="Week 4", contrasts={"pair": {"label": "Pair", "weights": {"NIR": 1, "ACTIVE": -1}}},
            equivalence={"pair": {"low": -limit, "high": limit}},
        )  # fmt: skip
        found = written(arm_contrasts(data(method="arm_contrasts"), given))
        key = {"variable": "equivalence", "variable_level": "pair"}
        est, se, df = (stat(found, s, variable="CHG", comparison="pair") for s in ("estimate", "std_error", "df"))
        assert stat(found, "p_value", **key) == pytest.approx(equivalence(est, se, df, -limit, limit)[2], rel=1e-12)
        inside = -limit < stat(found, "conf_low", **key) and stat(found, "conf_high", **key) < limit
        assert stat(found, "rejected", **key) == float(inside)


# --- indirect ------------------------------------------------------------------------------------


def test_indirect_comparison():
    found = indirect()
    for name in ("Bucher", "MAIC", "MAIC, bootstrap", "STC"):
        key = {"variable": "indirect", "variable_level": name}
        own, there = ([stat(found, s, comparison=c, **key) for s in ("estimate", "std_error")] for c in ("NIR - SHAM", "NIR - XP053-1200"))
        assert there[0] == pytest.approx(own[0] + 3.5) and there[1] == pytest.approx(np.hypot(own[1], 1.08))
    mean = {k: stat(found, "mean", variable="balance", group2_level=k) for k in ("before", "after", "target")}
    assert mean["after"] == pytest.approx(mean["target"], abs=1e-10) and mean["target"] == 23.5 != pytest.approx(mean["before"])
    assert not found.loc[found["stat_name"] == "effective_size", "warning"].item()


def test_a_small_effective_size_warns():
    found = indirect(base=8.0)
    assert "match rests on few" in found.loc[found["stat_name"] == "effective_size", "warning"].item()


def test_a_target_outside_the_trial_has_no_matched_estimate():
    found = indirect(base=30.0)
    rows = found[found["variable_level"].isin(["MAIC", "MAIC, bootstrap"])]
    assert rows["stat"].isna().all() and rows["error"].str.contains("outside the subjects of this trial in IRLSBL").all()
    assert stat(found, "estimate", variable_level="Bucher", comparison="NIR - SHAM") < 0


def test_published_rows_without_the_mean_of_a_modifier():
    frame = records()
    given = data(frame[frame["AVISITN"] == 4].assign(AGE=50.0), "indirect_comparison", arms=["SHAM", "NIR"])
    with pytest.raises(DataError, match=r"irls\.csv: XP053-1200: no baseline mean of AGE; match on IRLSBL"):
        indirect_comparison(given, IndirectOptions(literature=LITERATURE, row="XP053-1200", test="NIR", match=["AGE"]))
