"""Meta-analysis: who is pooled, who is left out and why, with and without this trial, and what few studies allow."""

import json
from pathlib import Path

import pytest

from nirls.errors import ConfigError, DataError
from nirls.plan.load import load_plan
from nirls.stats.meta import pool
from tests.methods.evidence_trial import ROOT, own, pooled, shipped, studies, written

R = json.loads((Path(__file__).parents[1] / "reference/evidence.json").read_text())["meta"]
ASKED = {"analysis": "primary", "comparison": "NIR - SHAM", "visit": "Week 4"}


def value(ard, stat, variable="pooled", level="HKSJ", of_set="all"):
    here = ard[(ard["stat_name"] == stat) & (ard["variable"] == variable) & (ard["variable_level"] == level)]
    here = here[here["group2_level"].isin([of_set, ""])]
    assert len(here) == 1, (stat, variable, level, of_set)
    return here.iloc[0]


def left_out(ard):
    here = ard[(ard["variable"] == "left out") & (ard["stat_name"] == "text") & (ard["group2"] == "")]
    return dict(zip(here["variable_level"], here["stat_text"], strict=True))


def from_r(name):
    return studies(*((f"S{i}", "device v sham", y, s, {}) for i, (y, s) in enumerate(zip(R[name]["y"], R[name]["se"], strict=True))))


@pytest.mark.parametrize("name", ["bcg", "spread", "alike", "three"])
def test_the_rows_are_those_of_metafor(tmp_path, name):
    ard, r = written(pooled(tmp_path, from_r(name))), R[name]
    fit = r["fits"]["REML"]
    assert [value(ard, s).stat for s in ("estimate", "std_error", "conf_low", "conf_high")] == pytest.approx(
        [fit["estimate"], r["hk"]["se"], *r["hk"]["ci"]], rel=1e-7
    )
    assert [value(ard, s, level="prediction").stat for s in ("conf_low", "conf_high", "df")] == pytest.approx(
        [*r["pi_hts"], len(r["y"]) - 2], rel=1e-7
    )
    spread = {"variable": "heterogeneity", "level": "tau2"}
    assert value(ard, "tau2", **spread).stat == pytest.approx(fit["tau2"], rel=1e-7, abs=1e-9)
    weights = ard[ard["stat_name"] == "weight_percent"]["stat"]
    assert weights.tolist() == pytest.approx(fit["weights"], rel=1e-7)
    for i, want in enumerate(r["leave1out"]):
        assert value(ard, "estimate", of_set=f"without S{i}").stat == pytest.approx(want["estimate"], rel=1e-6)
    funnel = value(ard, "statistic", "funnel", "")
    if name == "bcg":
        assert funnel.stat == pytest.approx(r["egger"]["t"], rel=1e-9)
    else:
        assert "no power with fewer than 10 studies" in funnel.error


def test_this_trial_is_not_in_its_own_prior(tmp_path):
    ard = shipped("devices")
    names = list(dict.fromkeys(ard[ard["variable"] == "study"]["variable_level"]))
    assert names == ["THIS TRIAL", "RESTFUL-2023", "NPNS-2021", "MITCHELL-2011-SHAM"]
    text = studies(*((n, "device v sham", y, s, {}) for n, y, s in (("A", -3.4, 1.02042703), ("B", -3.43, 1.261), ("C", -9.32, 2.572))))
    prior = written(pooled(tmp_path, text))
    for stat in ("estimate", "std_error", "conf_low"):
        assert value(ard, stat, of_set="without this trial").stat == pytest.approx(value(prior, stat).stat, rel=1e-6)
    assert value(ard, "n", level="", of_set="all").stat == 4 and value(ard, "n", level="", of_set="without this trial").stat == 3
    n = ard[(ard["variable"] == "study") & (ard["variable_level"] == "THIS TRIAL") & (ard["stat_name"] == "n")]
    assert n["stat"].tolist() == [176]


def test_who_is_left_out_and_why():
    assert left_out(shipped("nir")) == {
        "MITCHELL-2014": "same patients as MITCHELL-2011-SHAM and MITCHELL-2011-DEVICES: counted there",
        "MITCHELL-2010": "no comparison",
        "MITCHELL-2011-DEVICES": "other comparison (near-infrared device (Anodyne) against near-infrared device (HealthLight))",
    }
    assert left_out(shipped("devices"))["COMPRESSION-2009"] == "no usable estimate"
    drugs = left_out(written(pooled(kinds=["drug v placebo"], listed=["drug class v placebo"])))
    assert drugs["XP053-600"] == "same control patients as XP053-1200: counted there" and drugs["DA-COCHRANE-2011"].startswith(
        "other comparison"
    )


def test_a_row_without_precision_and_one_of_another_outcome(tmp_path):
    text = studies(
        ("A", "device v sham", -3, 1, {}), ("B", "device v sham", -4, 1, {}), ("C", "device v sham", -2, None, {}),
        ("D", "device v sham", -2, 1, {"outcome": "RLS-6"}), ("E", "device v sham", -5, 1, {"patients_of": "C"}),
    )  # fmt: skip
    ard = written(pooled(tmp_path, text))
    # C cannot be pooled, so its patients are not counted and E stays
    assert left_out(ard) == {"C": "no measure of precision", "D": "other outcome (RLS-6)"}
    assert value(ard, "n", level="").stat == 3


def test_two_studies():
    """The common effect, HKSJ beside it with a note, no prediction interval."""
    result = shipped("nir")
    assert value(result, "text", level="shown").stat_text == "common effect" and value(result, "df").stat == 1
    notes = " ".join(result[result["variable"] == "footnote"]["stat_text"])
    assert "one degree of freedom" in notes and "may describe neither" in notes
    assert "needs three studies; there are two" in value(result, "conf_low", level="prediction").error
    w = [1 / 0.81**2, 1 / 2.572**2]
    assert value(result, "estimate", level="common effect").stat == pytest.approx((w[0] * -3.86 + w[1] * -9.32) / sum(w), rel=1e-9)
    weights = result[result["stat_name"] == "weight_percent"]["stat"]
    assert weights.tolist() == pytest.approx([100 * v / sum(w) for v in w], rel=1e-9)
    assert value(result, "estimate", of_set="without this trial").error == "one study: nothing to pool"


def test_studies_that_agree_too_well(tmp_path):
    """With a ratio below 1 the plain interval is narrower than the normal one, and the modified one comes first."""
    ard = written(pooled(tmp_path, from_r("alike")))
    assert value(ard, "text", level="shown").stat_text == "modified HKSJ"
    assert (
        value(ard, "std_error").stat
        < value(ard, "std_error", level="random effects").stat
        == value(ard, "std_error", level="modified HKSJ").stat
    )
    assert "narrower than the normal one" in " ".join(ard[ard["variable"] == "footnote"]["stat_text"])
    assert value(shipped("devices"), "text", level="shown").stat_text == "HKSJ"


def test_one_study_and_none(tmp_path):
    alone = shipped("alone")
    assert value(alone, "estimate").error == "one study: nothing to pool" and value(alone, "estimate", level="common effect").stat != 0
    assert left_out(alone)["THIS TRIAL"] == "no usable estimate: the model did not converge"
    assert alone[alone["stat_name"] == "weight_percent"]["error"].tolist() == ["one study: nothing to pool"]
    none = written(pooled(tmp_path, studies(("A", "device v sham", None, None, {}))))
    assert value(none, "estimate").error == "no study to pool" and left_out(none) == {"A": "no usable estimate"}


def test_a_pool_without_derived_figures(tmp_path):
    rows = [("A", -3, 1, ""), ("B", -4, 1, ""), ("C", -9, 2, "from p"), ("D", -5, 1, "")]
    ard = written(pooled(tmp_path, studies(*((n, "device v sham", y, s, {"derived": d}) for n, y, s, d in rows))))
    assert value(ard, "estimate", of_set="without derived figures").stat == pytest.approx(-4, rel=1e-9)
    assert value(ard, "n", level="", of_set="without derived figures").stat == 3


def test_other_errors_from_what_is_reported():
    """The shipped drugs: XP053-1200 with imputed correlations, and both of its doses with half of the placebo patients each."""
    ard = written(pooled(kinds=["drug v placebo"]))
    own = {"XP053-1200": (-3.5, 1.08), "PREGABALIN-2014": (-4.5, 1.368), "ROTIGOTINE-2008": (-6.97, 1.039)}
    own["GEN-JAPAN-2020"] = (-1.2, 2.8 / (2 * 1.959963984540054))
    for r in (0.3, 0.5, 0.7):
        # variance of a change: s₀² + s₁² − 2 r s₀ s₁ in each arm
        error = sum((b**2 + f**2 - 2 * r * b * f) / 108.3 for b, f in ((5.32, 8.03), (4.58, 7.87))) ** 0.5
        want = pool(*zip(*(own | {"XP053-1200": (-3.5, error)}).values(), strict=True)).hksj(modified=True)
        found = value(ard, "estimate", level="modified HKSJ", of_set=f"r = {r:g}").stat
        assert found == pytest.approx(want.estimate, rel=1e-6) and found != value(ard, "estimate", level="modified HKSJ").stat
    half = (8.03**2 / 108.3 + 7.87**2 / 54.15) ** 0.5
    want = pool(*zip(*(own | {"XP053-1200": (-3.5, half), "XP053-600": (-4.3, half)}).values(), strict=True)).hksj(modified=True)
    assert value(ard, "estimate", level="modified HKSJ", of_set="shared control split").stat == pytest.approx(want.estimate, rel=1e-6)
    assert value(ard, "n", level="", of_set="shared control split").stat == 5 and value(ard, "n", level="", of_set="r = 0.3").stat == 4
    assert not any(s.startswith(("r = ", "shared")) for s in shipped("devices")["group2_level"])
    none = written(pooled(kinds=["drug v placebo"], correlations=[]))
    assert not any(s.startswith("r = ") for s in none["group2_level"])


def test_what_the_options_ask_for_must_be_there(tmp_path):
    with pytest.raises(DataError, match="no row is of kind device v sahm; the kinds are drug v placebo"):
        pooled(kinds=["device v sahm"])
    with pytest.raises(ConfigError, match="primary holds no estimates of 'NIRX - SHAM' at 'Week 4'"):
        pooled(own=ASKED | {"comparison": "NIRX - SHAM"}, used={"primary": own()})
    with pytest.raises(ConfigError, match="'primary' is not named in `uses`"):
        pooled(own=ASKED)
    with pytest.raises(ConfigError, match="'XYZ' is not a score of an instrument"):
        pooled(param="XYZ")


def test_the_plan():
    plan = load_plan("nir-rls", root=ROOT)
    for name in ("meta_nir", "meta_devices", "meta_drugs"):
        assert plan.analyses[name].comparison_only and plan.analyses[name].estimand is None
