"""The methods `subgroups` and `johnson_neyman`: at one visit against R's lm and emmeans (subgroups.json); over visits by identities."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

from nirls.errors import DataError
from nirls.methods._subgroups import levels_from
from nirls.methods.johnson_neyman import JohnsonNeymanOptions, johnson_neyman
from nirls.methods.responder_subgroups import ResponderSubgroupsOptions
from nirls.methods.subgroups import SubgroupsOptions, subgroups
from nirls.models.mmrm import mmrm
from nirls.plan.load import load_plan
from nirls.plan.study import BaselineItem
from tests.adam.conftest import ROOT
from tests.methods.test_linear_methods import ARMS, HERE, ard, data, stat

R = json.loads((HERE / "subgroups.json").read_text(encoding="utf-8"))
POOLS = {"high": ["NIR-H"], "pooled": ["NIR-L", "NIR-H"]}
EFFECT, INTERACTION = "subgroup effect", "interaction"


@pytest.fixture
def adqs():
    frame = pd.read_csv(HERE / "irls_parallel.csv", keep_default_na=False, na_values=[""]).rename(columns={"TRT": "TRT01P"})
    return frame.assign(AVISITN=frame["AVISIT"].str[1:].astype(float), AVISIT="Week " + frame["AVISIT"].str[1:], PARAMCD="IRLSTOT")


def given(frame, method, arms=ARMS, reference="SHAM"):
    adsl = frame.drop_duplicates("USUBJID")
    made = data(frame, method, adsl=adsl, arms=arms)
    made.plan.study.reference = reference
    made.plan.study.strata = {}
    made.plan.study.covariates = {
        "REGION": BaselineItem(label="Region", source="DM.REGION", levels=["AM", "AP", "EU"]),
        "SEX": BaselineItem(label="Sex", source="DM.SEX", levels=["F", "M"]),
    }
    return made


def effects(frame, variable="REGION", *, prespecified=True, reference="SHAM", pools=POOLS, arms=ARMS, **more):
    options = {"covariates": ["BASE"], "by_visit": [], "at_visit": "Week 4", "pools": pools, "min_per_arm": 5} | more
    item = {"variable": variable, "prespecified": prespecified}
    return ard(subgroups(given(frame, "subgroups", arms=arms, reference=reference), SubgroupsOptions(subgroups=[item], **options)))


def test_at_one_visit_it_is_analysis_of_covariance(adqs):
    """R: lm(CHG ~ BASE + TRT * REGION), emmeans."""
    found, r = effects(adqs[adqs["AVISIT"] == "Week 4"]), R["lm"]
    for i, (region, pool) in enumerate(zip(r["region"], r["contrast"], strict=True)):
        key = {"variable": EFFECT, "comparison": f"{pool} - SHAM", "group2_level": region}
        values = [stat(found, s, **key) for s in ("estimate", "std_error", "df", "conf_low", "conf_high")]
        assert values == pytest.approx([r[s][i] for s in ("estimate", "se", "df", "low", "high")], rel=1e-9)
    key = {"variable": INTERACTION, "comparison": "pooled - SHAM"}
    assert stat(found, "p_value", **key) == pytest.approx(r["joint"]["p"], rel=1e-9)
    assert stat(found, "num_df", **key) == 2 and stat(found, "den_df", **key) == pytest.approx(148, rel=1e-12)
    assert round(stat(found, "f_statistic", **key), 3) == r["joint"]["F"]  # emmeans prints three decimals
    assert stat(found, "p_adjusted", **key) == stat(found, "p_value", **key), "Holm of one test"


def test_over_visits_two_levels_are_a_t_test(adqs):
    """The interaction is the squared t of the difference of the two effects, which are the contrasts of the model itself."""
    found = effects(adqs, "SEX", by_visit=["BASE"])
    fit = mmrm(
        "CHG ~ BASE + SEX + TRT01P + AVISIT + BASE:AVISIT + TRT01P:AVISIT + SEX:TRT01P + SEX:AVISIT + SEX:TRT01P:AVISIT",
        adqs.assign(TRT01P=pd.Categorical(adqs["TRT01P"], ARMS)), subject="USUBJID", visit="AVISIT", ddf="kenward-roger-linear",
    )  # fmt: skip
    table = fit.contrasts("TRT01P", by=["SEX", "AVISIT"], reference="SHAM").set_index(["SEX", "AVISIT", "TRT01P"])
    for sex in "FM":
        own = table.loc[(sex, "Week 4", "NIR-H")]
        key = {"variable": EFFECT, "comparison": "high - SHAM", "group2_level": sex}
        for name in ("estimate", "std_error", "df", "conf_low", "conf_high"):
            assert stat(found, name, **key) == pytest.approx(own[name], rel=1e-7)
    key = {"variable": INTERACTION, "comparison": "high - SHAM"}
    gap, error = stat(found, "estimate", **key), stat(found, "std_error", **key)
    assert stat(found, "f_statistic", **key) == pytest.approx((gap / error) ** 2, rel=1e-9)
    e = [stat(found, "estimate", variable=EFFECT, comparison="high - SHAM", group2_level=sex) for sex in "FM"]
    assert gap == pytest.approx(e[0] - e[1], rel=1e-9)
    shrunken = [stat(found, "estimate", variable="shrunken effect", comparison="high - SHAM", group2_level=sex) for sex in "FM"]
    assert min(e) - 1e-9 <= min(shrunken) and max(shrunken) <= max(e) + 1e-9


def weighted(found):
    """Effects of both sexes weighted by 1/SE², and the overall effect with its error."""
    key = {"variable": EFFECT, "comparison": "x - SHAM"}
    e, s = (np.array([stat(found, name, group2_level=sex, **key) for sex in "FM"]) for name in ("estimate", "std_error"))
    overall = [stat(found, name, variable="overall effect", comparison="x - SHAM") for name in ("estimate", "std_error")]
    return float(np.average(e, weights=s**-2.0)), *overall


def test_the_overall_effect_is_the_weighted_mean_of_the_effects_of_the_levels(adqs):
    """Of two arms and complete values it is that exactly; where values are missing, to a tenth of the standard error.

    In y = group + treatment the coefficient of treatment is Σ w d / Σ w of the differences d within groups, w = n₁n₀/(n₁ + n₀), which is
    1/SE² up to σ² (Frisch–Waugh: treatment less its mean in the group). Over visits that holds for each of them as long as nobody lacks
    one: with the same regressors at all visits, generalised least squares is least squares (Zellner 1962, J Am Stat Assoc 57:348, §3).
    """
    two = adqs[adqs["TRT01P"] != "NIR-L"]
    options = {"covariates": ["SEX"], "pools": {"x": ["NIR-H"]}, "arms": ["SHAM", "NIR-H"]}
    mean, overall, _ = weighted(effects(two[two["AVISIT"] == "Week 4"], "SEX", **options))
    assert mean == pytest.approx(overall, rel=1e-10)
    visits = two["AVISIT"].nunique()
    whole = two[two.groupby("USUBJID")["CHG"].transform("count") == visits]
    mean, overall, _ = weighted(effects(whole, "SEX", by_visit=["SEX"], **options))
    assert mean == pytest.approx(overall, rel=1e-6)
    mean, overall, error = weighted(effects(two, "SEX", by_visit=["SEX"], **options))
    assert mean != pytest.approx(overall, rel=1e-6) and abs(mean - overall) < 0.1 * error


def test_signs_turn_with_the_arms(adqs):
    one = effects(adqs, "SEX", pools={"x": ["NIR-H"]})
    other = effects(adqs, "SEX", pools={"x": ["SHAM"]}, reference="NIR-H")
    for sex in "FM":
        a = stat(one, "estimate", variable=EFFECT, comparison="x - SHAM", group2_level=sex)
        b = stat(other, "estimate", variable=EFFECT, comparison="x - NIR-H", group2_level=sex)
        assert a == pytest.approx(-b, rel=1e-6)


def test_no_p_values_within_subgroups_and_sizes_add_up(adqs):
    found = effects(adqs, "SEX")
    assert not ((found["variable"] == EFFECT) & (found["stat_name"] == "p_value")).any()
    for pool in POOLS:
        n = [stat(found, "n_subjects", variable=EFFECT, comparison=f"{pool} - SHAM", group2_level=sex) for sex in "FM"]
        assert sum(n) == stat(found, "n_subjects", variable="overall effect", comparison=f"{pool} - SHAM")


def small(found, **key):
    """The reason for which an effect is not estimated."""
    own = found[(found["variable"] == EFFECT) & (found["stat_name"] == "estimate")]
    for column, value in key.items():
        own = own[own[column] == value]
    assert own["stat"].isna().item() == bool(own["error"].item())
    return own["error"].item()


def test_a_level_is_estimated_if_every_arm_of_the_pool_is_large_enough(adqs):
    """AM has 14 of NIR-L and 20 of NIR-H: 34 together, yet half of their mean rests on 14."""
    at = adqs[(adqs["AVISIT"] == "Week 4") & adqs["CHG"].notna()]
    cells = at.groupby(["REGION", "TRT01P"]).size()
    found = effects(adqs, min_per_arm=17)
    reasons = {}
    for comparison, arms in (("high - SHAM", ["SHAM", "NIR-H"]), ("pooled - SHAM", ["SHAM", "NIR-L", "NIR-H"])):
        for region in ("AM", "AP", "EU"):
            few = [a for a in arms if cells[region, a] < 17]
            reasons[comparison, region] = f"not estimated (n<17 in {', '.join(few)})" if few else ""
            assert small(found, comparison=comparison, group2_level=region) == reasons[comparison, region]
        left = sum(not reasons[comparison, region] for region in ("AM", "AP", "EU"))
        assert stat(found, "n", variable=INTERACTION, comparison=comparison) == left
    only_the_pool = [
        r for r in ("AM", "AP", "EU")
        if reasons["pooled - SHAM", r] and cells[r, "SHAM"] >= 17 and cells[r, "NIR-L"] + cells[r, "NIR-H"] >= 17
    ]  # fmt: skip
    assert only_the_pool, "a level in which the pool is large enough and one of its arms is not"
    for (region, arm), n in cells.items():
        assert stat(found, "n", variable="cell", group2_level=region, group1_level=arm) == n


def test_subjects_count_who_have_a_value_at_the_visit(adqs):
    """Subjects with values of earlier visits alone are in the model, but their effect at week 4 is borrowed."""
    men = (adqs["SEX"] == "M") & (adqs["TRT01P"] == "NIR-H")
    stay = adqs.loc[men, "USUBJID"].unique()[:9]
    gone = men & (adqs["AVISIT"] == "Week 4") & ~adqs["USUBJID"].isin(stay)
    found = effects(adqs.assign(CHG=adqs["CHG"].mask(gone)), "SEX", min_per_arm=10)
    assert small(found, comparison="high - SHAM", group2_level="M") == "not estimated (n<10 in NIR-H)"
    assert stat(found, "n_subjects", variable=EFFECT, comparison="high - SHAM", group2_level="M") > 10, "of any visit"


def test_a_constant_variable_is_no_subgroup(adqs):
    found = effects(adqs.assign(SEX="F"), "SEX")
    row = found[(found["variable"] == INTERACTION) & found["stat_name"].isin(["p_value", "estimate", "conf_low", "conf_high"])]
    assert len(row) == 8 and row["stat"].isna().all() and row["error"].str.contains("the same SEX").all()


def test_missing_values_are_counted_by_arm(adqs):
    lost = adqs["USUBJID"].isin(adqs["USUBJID"].unique()[:3])
    found = effects(adqs.assign(SEX=adqs["SEX"].mask(lost)), "SEX")
    assert found.loc[(found["variable"] == "no value"), "stat"].sum() == 3


def test_holm_is_over_the_planned_interactions(adqs):
    items = [{"variable": "SEX", "prespecified": True}, {"variable": "REGION", "prespecified": True}]
    options = {"covariates": ["BASE"], "by_visit": [], "at_visit": "Week 4", "pools": {"high": ["NIR-H"]}, "min_per_arm": 5}
    found = ard(subgroups(given(adqs, "subgroups"), SubgroupsOptions(subgroups=items, **options)))
    p = sorted(stat(found, "p_value", variable=INTERACTION, group2=v) for v in ("SEX", "REGION"))
    adjusted = sorted(stat(found, "p_adjusted", variable=INTERACTION, group2=v) for v in ("SEX", "REGION"))
    assert adjusted == pytest.approx([min(1, 2 * p[0]), max(min(1, 2 * p[0]), p[1])], rel=1e-12)
    constant = adqs.assign(REGION="EU")
    same = ard(subgroups(given(constant, "subgroups"), SubgroupsOptions(subgroups=items, **options)))
    alone = stat(same, "p_value", variable=INTERACTION, group2="SEX")
    assert stat(same, "p_adjusted", variable=INTERACTION, group2="SEX") == pytest.approx(min(1, 2 * alone)), (
        "planned, not testable, counted"
    )
    items[1]["prespecified"] = False
    found = ard(subgroups(given(adqs, "subgroups"), SubgroupsOptions(subgroups=items, **options)))
    assert not ((found["stat_name"] == "p_adjusted") & (found["group2"] == "REGION")).any()


def test_groups_and_markers_are_families_of_their_own(adqs):
    """A p-value is adjusted for the planned interactions of its family; which it is stands beside it."""
    items = [{"variable": "SEX", "prespecified": True}, {"variable": "REGION"}]
    options = {"covariates": ["BASE"], "by_visit": [], "at_visit": "Week 4", "pools": {"high": ["NIR-H"]}, "min_per_arm": 5}
    found = ard(subgroups(given(adqs, "subgroups"), SubgroupsOptions(subgroups=items, **options)))
    family = found[found["variable"] == "family"]
    assert family["group2"].unique().tolist() == ["SEX"]
    assert family.loc[family["stat_name"] == "text", "stat_text"].item() == "groups" and stat(family, "n") == 1
    words = found.loc[found["variable_level"] == "multiplicity", "stat_text"].item()
    assert "1 pre-specified interaction of groups (Sex)" in words and "exploratory" in words
    markers = [{"variable": "AGE", "prespecified": True}, {"variable": "BASE", "prespecified": True}, {"variable": "AGE2"}]
    week = adqs[adqs["AVISIT"] == "Week 4"].assign(AGE2=lambda f: f["AGE"] ** 2.0)
    along = JohnsonNeymanOptions(covariates=["SEX"], markers=markers, pool={"Light": ["NIR-L", "NIR-H"]})
    found = ard(johnson_neyman(given(week, "johnson_neyman"), along))
    p = [stat(found, "p_value", variable=INTERACTION, group2_level=m) for m in ("AGE", "BASE")]
    adjusted = [stat(found, "p_adjusted", variable=INTERACTION, group2_level=m) for m in ("AGE", "BASE")]
    # Holm by hand: the smaller doubled, the larger not below it
    first = min(1.0, 2 * min(p))
    assert adjusted == pytest.approx([first if v == min(p) else max(first, v) for v in p], rel=1e-12)
    family = found[(found["variable"] == "family") & (found["stat_name"] == "text")]
    assert dict(zip(family["group2_level"], family["stat_text"], strict=True)) == {"AGE": "markers", "BASE": "markers"}


def test_what_levels_are_made_of():
    plan = load_plan("nir-rls", root=ROOT)
    made = {name: levels_from(name, plan) for name in ("SEX", "MICROVFL", "PHOTOGRP", "IRLSBAND", "STRSEV", "STRSEVD")}
    assert made == {
        "SEX": "categories", "MICROVFL": "categories", "PHOTOGRP": "other categories", "IRLSBAND": "a number", "STRSEV": "a number",
        "STRSEVD": "a number",
    }  # fmt: skip


# --- a marker -----------------------------------------------------------------------------------------------------------------


def along(frame, **more):
    marker = {"variable": "AGE", "per": 10.0} | more
    options = JohnsonNeymanOptions(covariates=["BASE", "SEX"], markers=[marker], pool={"Light": ["NIR-L", "NIR-H"]})
    return ard(johnson_neyman(given(frame[frame["AVISIT"] == "Week 4"], "johnson_neyman"), options))


def test_a_marker_is_ordinary_least_squares(adqs):
    """The normal equations by hand."""
    found = along(adqs)
    week = adqs[(adqs["AVISIT"] == "Week 4") & adqs["CHG"].notna()]
    light = (week["TRT01P"] != "SHAM").to_numpy(float)
    x = np.column_stack([np.ones(len(week)), week["BASE"], week["SEX"] == "M", light, week["AGE"], light * week["AGE"]]).astype(float)
    beta, rest, *_ = np.linalg.lstsq(x, week["CHG"].to_numpy(float), rcond=None)
    df = len(week) - 6
    cov = np.linalg.inv(x.T @ x) * rest[0] / df
    key = {"variable": INTERACTION, "group2_level": "AGE"}
    assert stat(found, "estimate", **key) == pytest.approx(10 * beta[5], rel=1e-9)
    assert stat(found, "std_error", **key) == pytest.approx(10 * np.sqrt(cov[5, 5]), rel=1e-9)
    assert stat(found, "df", **key) == df
    curve = found[(found["variable"] == "curve") & (found["stat_name"] == "estimate")]
    at = curve["variable_level"].astype(float).to_numpy()
    np.testing.assert_allclose(curve["stat"], beta[3] + beta[5] * at, rtol=1e-5)
    inner, outer = (found.loc[found["stat_name"] == s, "stat"].to_numpy() for s in ("conf_low", "band_low"))
    assert (outer < inner[-len(outer) :]).all(), "for all values at once the band is wider"


def test_a_logarithm_does_not_depend_on_the_unit(adqs):
    one, two = along(adqs, scale="log"), along(adqs.assign(AGE=adqs["AGE"] * 1000), scale="log")
    key = {"variable": INTERACTION, "group2_level": "AGE"}
    assert stat(one, "estimate", **key) == pytest.approx(stat(two, "estimate", **key), rel=1e-7)
    with pytest.raises(DataError, match="a logarithm needs values above 0"):
        along(adqs.assign(AGE=adqs["AGE"] - 60), scale="log")


def test_values_outside_the_data_are_not_given(adqs):
    rows = along(adqs)
    roots = rows[(rows["variable"] == "root") & rows["stat_name"].isin(["root_low", "root_high"])]
    known = roots["stat"].notna()
    age = adqs["AGE"]
    assert roots.loc[known, "stat"].between(age.min(), age.max()).all()
    assert roots.loc[~known, "error"].isin(["outside the range of the data", "the band touches 0 nowhere"]).all()


def test_a_marker_that_cannot_be_used_says_so(adqs):
    lost = along(adqs.assign(AGE=adqs["AGE"].where(adqs["TRT01P"] != "SHAM").astype(float)))
    row = lost[(lost["variable"] == INTERACTION) & (lost["stat_name"] == "estimate")]
    assert row["error"].item() == "the marker is not known on one of the sides"
    same = along(adqs.assign(AGE=adqs["AGE"].where(adqs["TRT01P"] != "SHAM", 50.0).astype(float)))
    row = same[(same["variable"] == INTERACTION) & (same["stat_name"] == "p_value")]
    assert row["error"].item() == "the marker has one value on one of the sides"
    steady = adqs["AGE"].where(adqs["USUBJID"].isin(adqs["USUBJID"].unique()[:6]), 50).astype(float)
    flat = along(adqs.assign(AGE=steady))
    assert flat.loc[flat["variable"] == "curve", "error"].tolist() == ["the 5th and the 95th percentile of the marker are the same"]


def test_each_marker_has_its_own_model(adqs):
    week = adqs[adqs["AVISIT"] == "Week 4"]
    markers = [{"variable": "AGE"}, {"variable": "BASE", "without": ["SEX"]}]
    options = JohnsonNeymanOptions(covariates=["BASE", "SEX"], markers=markers, pool={"Light": ["NIR-L", "NIR-H"]})
    found = ard(johnson_neyman(given(week, "johnson_neyman"), options))
    formulas = found.loc[found["variable"] == "formula", "stat_text"].tolist()
    assert formulas == ["CHG ~ BASE + SEX + treatment * AGE", "CHG ~ treatment * BASE"]


def test_a_spline_of_a_marker_is_that_of_r(adqs):
    """R: anova and predictions of lm with splines::ns of the same knots, tests/reference/subgroups.R."""
    r = R["spline"]
    week = adqs[adqs["AVISIT"] == "Week 4"]
    markers = [{"variable": "AGE", "shape": "spline"}, {"variable": "BASE", "shape": "spline", "scale": "log"}, {"variable": "AGE2"}]
    options = JohnsonNeymanOptions(covariates=["BASE", "SEX"], markers=markers, pool={"Light": ["NIR-L", "NIR-H"]}, points=11)
    found = ard(johnson_neyman(given(week.assign(AGE2=week["AGE"] + 0.0), "johnson_neyman"), options))
    key = {"variable": "non-linearity", "group2_level": "AGE"}
    for name, value in (("f_statistic", "F"), ("num_df", "df1"), ("den_df", "df2"), ("p_value", "p")):
        assert stat(found, name, **key) == pytest.approx(r[value], rel=1e-7)
    curve = found[(found["variable"] == "spline curve") & (found["group2_level"] == "AGE")]
    at = curve.loc[curve["stat_name"] == "estimate", "variable_level"].astype(float)
    assert at.to_numpy() == pytest.approx(r["age"], rel=1e-5)
    effect, low = (curve.loc[curve["stat_name"] == s, "stat"].to_numpy() for s in ("estimate", "conf_low"))
    assert effect == pytest.approx(r["effect"], rel=1e-6, abs=1e-8)
    assert (effect - low) / t.ppf(0.975, r["df2"]) == pytest.approx(r["se"], rel=1e-7)
    bent = found.loc[found["variable"] == "spline curve", "group2_level"].unique().tolist()
    assert bent == ["AGE", "BASE"], "the third is a line alone"
    level = found[(found["variable"] == "spline curve") & (found["group2_level"] == "BASE")]["variable_level"].astype(float)
    assert level.between(week["BASE"].min(), week["BASE"].max()).all(), "of a logarithm the values are in its unit"


def test_a_marker_of_few_values_has_no_spline(adqs):
    steady = adqs["AGE"].where(adqs["AGE"] > adqs["AGE"].median(), 50).astype(float)
    found = along(adqs.assign(AGE=steady), shape="spline")
    row = found[(found["variable"] == "non-linearity") & (found["stat_name"] == "p_value")]
    assert row["error"].item() == "two of the knots are the same value of the marker"


# --- the plan -----------------------------------------------------------------------------------------------------------------


def test_a_variable_from_after_baseline_is_refused():
    plan = load_plan("nir-rls", root=ROOT)
    spec = plan.analyses["subgroup_effects"]
    options = {k: v for k, v in spec.options.items() if k != "subgroups"}

    def problems(*items):
        return list(SubgroupsOptions(subgroups=list(items), **options).cross_check(spec, plan))

    assert problems({"variable": "MICROVFL"}) == []
    (text,) = problems({"variable": "GUESSW1"})
    assert "GUESSW1" in text and "measured after baseline" in text and "`covariates`" in text
    (text,) = problems({"variable": "DCTREAS"})
    assert "DCTREAS is not among `covariates` and `strata`" in text
    (text,) = problems({"variable": "FERRBL"})
    assert "FERRBL has no levels" in text and "johnson_neyman" in text
    (text,) = problems({"variable": "MICROVFL", "larger": "YES"})
    assert "'YES' is not among the levels Y, N" in text
    (text,) = problems({"variable": "STRSEV", "larger": "severe"})
    assert "'severe' is not among the levels" in text
    (text,) = problems({"variable": "SEX"}, {"variable": "SEX", "prespecified": True})
    assert text == "subgroups: SEX is named twice; name it once"
    marker = plan.analyses["marker_effects"]
    rest = {k: v for k, v in marker.options.items() if k != "markers"}
    made = JohnsonNeymanOptions(markers=[{"variable": "NPOST"}, {"variable": "SEX"}], **rest)
    text = " ".join(made.cross_check(marker, plan))
    assert "NPOST is not among" in text and "SEX has levels" in text


@pytest.mark.parametrize(
    ("arms", "said"),
    [
        (["SHAM", "NIR850-54"], "x: SHAM is the reference, with which the arms are compared; leave it out"),
        (["NIR850-54", "NIR850-36", "NIR850-54"], "x: NIR850-54 is named twice, so that its subjects would count twice; name it once"),
        ([], "x: no arm is named"),
    ],
)
def test_a_pool_holds_each_treated_arm_once(arms, said):
    plan = load_plan("nir-rls", root=ROOT)
    made = {"subgroup_effects": SubgroupsOptions, "responder_groups": ResponderSubgroupsOptions, "marker_effects": JohnsonNeymanOptions}
    for name, options in made.items():
        spec = plan.analyses[name]
        key = "pool" if name == "marker_effects" else "pools"
        (text,) = options(**{**spec.options, key: {"x": arms}}).cross_check(spec, plan)
        assert text.startswith(f"{key}: {said}")
    marker = plan.analyses["marker_effects"]
    twice = JohnsonNeymanOptions(**{**marker.options, "markers": [{"variable": "FERRBL"}, {"variable": "FERRBL", "scale": "log"}]})
    assert list(twice.cross_check(marker, plan)) == ["markers: FERRBL is named twice; name it once"]
