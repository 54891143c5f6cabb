"""Methods on single cases: the published one, made ones, and what they are set against."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from nirls.errors import ConfigError
from nirls.plan.load import load_plan
from nirls.stats.benchmark import predict, regression_to_the_mean
from tests.methods.evidence_trial import ROOT, benched, cases, course, shipped_benchmark, shipped_case, single, trial

R = json.loads((Path(__file__).parents[1] / "reference/evidence.json").read_text())
INDICES = ("NAP", "Tau", "Tau-U", "Tau-BC", "PND", "log ratio", "phase change", "randomization")


def cell(ard, stat, **key):
    case = "MITCHELL-2010" if key.get("variable") == "benchmark" and not key.get("variable_level", "").startswith("share: ") else ""
    key = {"variable_level": "", "group1_level": "", "group2_level": "", "group3_level": case} | key
    here = ard[(ard["stat_name"] == stat) & np.logical_and.reduce([ard[k] == v for k, v in key.items()])]
    assert len(here) == 1, (stat, key, len(here))
    return here.iloc[0]


def index(ard, name, stat="estimate", case="X"):
    return cell(ard, stat, variable="single case", variable_level=name, group2_level=case)


def test_the_published_case_has_one_baseline_point():
    ard = shipped_case()
    for name in INDICES:
        assert index(ard, name, case="MITCHELL-2010").error == "not computable (one baseline point)"
    assert ard[ard["stat_name"] == "value"]["stat"].tolist() == [27, 2, 0]
    assert "needs 3 cases" in cell(ard, "estimate", variable="single case", variable_level="mixed model", group2_level="step").error


def test_a_course_with_two_phases(tmp_path):
    """The example of package SingleCaseES on a scale where higher is better."""
    up, ar = R["single"]["up"], R["ar"]["short"]
    ard = single(cases(tmp_path, course("X", "A" * 6 + "B" * 7, up["A"] + up["B"], (4, 10))), "higher_better")
    for name, key in (("NAP", "nap"), ("Tau", "tau"), ("Tau-U", "tau_u"), ("Tau-BC", "tau_bc"), ("PND", "pnd"), ("log ratio", "lrr")):
        assert index(ard, name).stat == pytest.approx(up[key], abs=1e-12)
    assert index(ard, "NAP", "std_error").stat == pytest.approx(up["nap_se"]) and index(ard, "Tau", "std_error").stat == pytest.approx(
        2 * up["nap_se"]
    )
    assert index(ard, "Tau", "conf_low").stat == pytest.approx(2 * up["nap_ci"][0] - 1)
    assert index(ard, "phase change").stat == pytest.approx(ar["coef"][1], rel=1e-5)
    assert index(ard, "phase change", "correlation").stat == pytest.approx(ar["phi"], abs=2e-5)
    assert index(ard, "randomization", "p_value").stat == pytest.approx(R["random"]["p"])


def test_improvement_is_a_fall_where_lower_is_better(tmp_path):
    values = [30 - v for v in R["single"]["up"]["A"] + R["single"]["up"]["B"]]
    ard = single(cases(tmp_path, course("X", "A" * 6 + "B" * 7, values)))
    assert index(ard, "NAP").stat == pytest.approx(R["single"]["up"]["nap"]) and index(ard, "log ratio").stat < 0
    assert index(ard, "randomization").error == "the start of treatment was not drawn at random"


def test_phases_apart_and_a_trend(tmp_path):
    ard = single(cases(tmp_path, course("X", "AAAABB", [20, 22, 24, 26, 10, 8])))
    assert index(ard, "NAP").stat == 1 and "do not overlap" in index(ard, "NAP", "std_error").error
    assert index(ard, "Tau-U").stat > 1 and "beyond 1" in index(ard, "Tau-U").warning


def test_several_cases_in_one_model(tmp_path):
    rows, courses = R["mixed"]["cases"], []
    for name in sorted({r["case"] for r in rows}):
        own = [r for r in rows if r["case"] == name]
        weeks = [r["time"] if r["phase"] == 0 else 10 + r["time"] for r in own]  # time counts from the beginning of a phase
        courses.append(course(name, "".join("AB"[r["phase"]] for r in own), [r["y"] for r in own], weeks=weeks))
    ard = single(cases(tmp_path, *courses))
    for term, want, error in zip(("level", "step", "slope before", "change of slope"), R["mixed"]["coef"], R["mixed"]["se"], strict=True):
        key = {"variable": "single case", "variable_level": "mixed model", "group2_level": term}
        assert cell(ard, "estimate", **key).stat == pytest.approx(want, abs=1e-6) and cell(ard, "std_error", **key).stat == pytest.approx(
            error, rel=1e-4
        )
    assert cell(ard, "n", variable="single case", variable_level="mixed model").stat == 6


def test_chances_of_the_case():
    ard, frame = shipped_benchmark(), trial()
    sham = frame[(frame["TRT01P"] == "SHAM") & (frame["AVISIT"] == "Week 4")]
    line = stats.linregress(sham["BASE"], sham["AVAL"])
    rest = sham["AVAL"] - line.intercept - line.slope * sham["BASE"]
    n, centre = len(sham), sham["BASE"] - sham["BASE"].mean()
    scale = math.sqrt((rest**2).sum() / (n - 2) * (1 + 1 / n + (27 - sham["BASE"].mean()) ** 2 / (centre**2).sum()))
    want = stats.t.cdf((0 - line.intercept - 27 * line.slope) / scale, n - 2)
    key = {"variable": "benchmark", "variable_level": "predicted"}
    assert cell(ard, "probability", **key).stat == pytest.approx(want, rel=1e-9)
    assert cell(ard, "patients", **key).stat == pytest.approx(1 / want, rel=1e-9)
    key = {"variable": "benchmark", "variable_level": "Placebo"}
    assert f"{cell(ard, 'probability', **key).stat:.4f}" == "0.0032"
    assert [cell(ard, "probability", **key, group2_level=m).stat for m in ("10", "100", "1000")] == pytest.approx(
        R["bench"]["best"], rel=1e-9
    )
    key = {"variable": "benchmark", "variable_level": "observed"}
    assert cell(ard, "n", **key).stat == 38 and cell(ard, "n_events", **key).stat == 0
    assert cell(ard, "conf_high", **key).stat == pytest.approx(1 - 0.025 ** (1 / 38))
    # none seen: the best of many is not 0, and the upper limit bounds the patients
    assert cell(ard, "probability", **key, group2_level="100").error == cell(ard, "patients", **key).error == "no such case was seen"
    assert cell(ard, "patients", **key, group2_level="upper limit of the share").stat == pytest.approx(1 / (1 - 0.025 ** (1 / 38)))
    alike = {"variable": "benchmark", "variable_level": "observed, baseline as bad"}
    assert cell(ard, "n", **alike).stat == (sham["BASE"] >= 27).sum()


def test_half_a_point_for_whole_numbers():
    """A total of 0 is any latent value below 0.5; a fall of 27 any beyond 26.5."""
    ard, frame = benched(continuity=0.5), trial()
    sham = frame[(frame["TRT01P"] == "SHAM") & (frame["AVISIT"] == "Week 4")]
    want = predict(sham["BASE"].to_numpy(), sham["AVAL"].to_numpy(), 27).chance(0.5)
    assert cell(ard, "probability", variable="benchmark", variable_level="predicted").stat == pytest.approx(want, rel=1e-12)
    published = cell(ard, "probability", variable="benchmark", variable_level="Placebo").stat
    assert published == pytest.approx(stats.norm.cdf(-26.5, -6.58, 7.5), rel=1e-10)


def test_shares_and_curves_by_arm():
    ard, frame = shipped_benchmark(), trial()
    late = frame[frame["AVISIT"] == "Week 4"]
    for arm, own in late.groupby("TRT01P"):
        half, ten = (own["AVAL"] <= 0.5 * own["BASE"]).sum(), (own["AVAL"] <= 10).sum()
        assert 0 < ten < len(own) and cell(ard, "n_events", variable="benchmark", variable_level="share: ten", group1_level=arm).stat == ten
        key = {"variable": "benchmark", "variable_level": "share: half", "group1_level": arm}
        low, high = stats.binomtest(int(half), len(own)).proportion_ci(method="exact")
        assert [cell(ard, s, **key).stat for s in ("n_events", "n", "conf_low", "conf_high")] == pytest.approx(
            [half, len(own), 100 * low, 100 * high]
        )
        change = (own["AVAL"] - own["BASE"]).to_numpy()
        curve = ard[(ard["variable"] == "benchmark curve") & (ard["group1_level"] == arm)]
        assert [float(v) for v in curve["variable_level"]] == sorted(set(change))
        assert curve["stat"].tolist() == pytest.approx([100 * (change <= v).mean() for v in sorted(set(change))])
    lost = ard[(ard["variable"] == "exclusion") & (ard["group1_level"] == "Total")]
    assert lost["stat"].tolist() == [4] and lost["variable_level"].tolist() == ["No value at Week 4"]
    assert cell(ard, "n_subjects", variable="model").stat + 4 == 80


SERIES = (
    course("ONE", "AB", [27, 0], weeks=(0, 4)),
    course("TWO", "AB", [24, 15], weeks=(0, 4)),
    course("TRI", "AB", [30, 20], weeks=(0, 4)),
)


def test_each_case_has_its_row(tmp_path):
    """A case among others has the numbers it has alone."""
    ard = benched(root=cases(tmp_path, *SERIES), file="cases.csv", case=[])
    for name in ("ONE", "TWO", "TRI"):
        alone = benched(root=tmp_path, file="cases.csv", case=[name])
        for level in ("observed", "observed, baseline as bad", "predicted", "Placebo"):
            key = {"variable": "benchmark", "variable_level": level, "group3_level": name}
            assert cell(ard, "probability", **key).stat == cell(alone, "probability", **key).stat
        key = {"variable": "benchmark", "variable_level": "share: as the case", "group1_level": "NIR", "group3_level": name}
        assert cell(ard, "n_events", **key).stat == cell(alone, "n_events", **key).stat
        assert not (alone["variable"] == "case series").any()
    assert set(ard.loc[ard["variable"] == "regression to the mean", "variable_level"]) == {"", "15", "27", "24", "30"}


def test_a_series_of_cases(tmp_path):
    """Mean of three (27, 24, 30 to 0, 15, 20) from scipy's line; counts from scipy's binomial."""
    ard, frame = benched(root=cases(tmp_path, *SERIES), file="cases.csv", case=[]), trial()
    sham = frame[(frame["TRT01P"] == "SHAM") & (frame["AVISIT"] == "Week 4")]
    line, n, centre = stats.linregress(sham["BASE"], sham["AVAL"]), len(sham), sham["BASE"] - sham["BASE"].mean()
    s2 = ((sham["AVAL"] - line.intercept - line.slope * sham["BASE"]) ** 2).sum() / (n - 2)
    scale = math.sqrt(s2 * (1 / 3 + 1 / n + (27 - sham["BASE"].mean()) ** 2 / (centre**2).sum()))
    key = {"variable": "case series", "group3_level": "The 3 cases"}
    mean = key | {"variable_level": "mean", "group2_level": "predicted"}
    want = stats.t.cdf((35 / 3 - line.intercept - 27 * line.slope) / scale, n - 2)
    assert 1e-8 < want < 0.05 and cell(ard, "probability", **mean).stat == pytest.approx(want, rel=1e-9)
    want = stats.norm.cdf(-46 / 3, -6.58, 7.5 / math.sqrt(3))
    assert cell(ard, "probability", **mean | {"group2_level": "Placebo"}).stat == pytest.approx(want, rel=1e-9)
    # one of three as the best (-27, seen in none), three of three as the least (-9), one of three at least halved
    change = sham["AVAL"] - sham["BASE"]
    best, least, half = ({"variable_level": r, "group2_level": "observed"} | key for r in ("best", "all", "reached: half"))
    assert cell(ard, "probability", **best).error == "no such case was seen"
    assert cell(ard, "conf_high", **best).stat == pytest.approx(1 - 0.025 ** (3 / n), rel=1e-9)  # 1 − (1 − upper)³, upper 1 − 0.025^(1/n)
    p = (change <= -9).mean()
    assert 0.1 < p < 0.9 and cell(ard, "probability", **least).stat == pytest.approx(p**3, rel=1e-12)
    low, high = stats.binomtest(int((change <= -9).sum()), n).proportion_ci(0.95)
    assert (cell(ard, "conf_low", **least).stat, cell(ard, "conf_high", **least).stat) == pytest.approx((low**3, high**3), rel=1e-9)
    of_ten = {"variable_level": "all", "group2": "BEST OF, observed", "group2_level": "10"} | key
    assert cell(ard, "probability", **of_ten).stat == pytest.approx(1 - stats.binom.cdf(2, 10, p), rel=1e-9)
    q = (sham["AVAL"] <= sham["BASE"] / 2).mean()
    assert cell(ard, "n_events", **half | {"group2_level": ""}).stat == 1
    assert cell(ard, "probability", **half).stat == pytest.approx(1 - (1 - q) ** 3, rel=1e-9)
    placebo = stats.norm.cdf(-9, -6.58, 7.5) ** 3
    assert cell(ard, "probability", **least | {"group2_level": "Placebo"}).stat == pytest.approx(placebo, rel=1e-9)


def test_what_no_case_of_a_series_reached(tmp_path):
    ard = benched(root=cases(tmp_path, *SERIES[1:]), file="cases.csv", case=[])
    key = {"variable": "case series", "group3_level": "The 2 cases", "variable_level": "reached: zero", "group2_level": "observed"}
    assert cell(ard, "probability", **key).error == cell(ard, "conf_low", **key).error == "no case of the series has it"


def test_a_series_of_which_means_are_published():
    """It needs no cases of its own; half a point for whole numbers is half a point over n for the mean."""
    given = {"label": "Eight", "n": 8, "baseline": 25, "value": 13, "source": "J Test 2020"}
    ard, half = benched(series=[given]), benched(series=[given], continuity=0.5)
    key = {"variable": "case series", "group3_level": "Eight", "variable_level": "mean", "group2_level": "Placebo"}
    assert cell(ard, "probability", **key).stat == pytest.approx(stats.norm.cdf(-12, -6.58, 7.5 / math.sqrt(8)), rel=1e-9)
    assert cell(half, "probability", **key).stat == pytest.approx(stats.norm.cdf(-12 + 0.5 / 8, -6.58, 7.5 / math.sqrt(8)), rel=1e-9)
    assert set(ard.loc[ard["variable"] == "case series", "variable_level"]) == {"", "mean"}


def test_a_series_of_patients_under_sham_is_nothing_rare():
    """3,000 series of 6 drawn from one arm: the predicted chance is uniform, so that a tenth of them is below 0.1."""
    rng = np.random.default_rng(4)
    base, noise = rng.normal(25, 4, (3000, 46)), rng.normal(0, 5, (3000, 46))
    value = 5 + 0.6 * base + noise
    p = [predict(b[6:], v[6:], b[:6].mean(), 6).chance(v[:6].mean()) for b, v in zip(base, value, strict=True)]
    assert stats.kstest(p, "uniform").pvalue > 0.01 and np.mean(np.array(p) < 0.1) == pytest.approx(0.1, abs=0.02)


def test_names_given_twice():
    from nirls.methods.case_benchmark import CaseBenchmarkOptions

    plan = load_plan("nir-rls", root=ROOT)
    twice = {"label": "S", "n": 3, "baseline": 20, "value": 10, "source": "x"}
    options = CaseBenchmarkOptions(cases="x", case=["A", "A"], week=4, visit="Week 4", series=[twice, twice])
    assert list(options.cross_check(plan.analyses["case_benchmark"], plan)) == [
        "case: A is named twice; name it once", "series: S is named twice; name it once"
    ]  # fmt: skip


def test_regression_to_the_mean():
    ard, frame = shipped_benchmark(), trial()
    wide = frame.pivot(index="USUBJID", columns="AVISIT", values="AVAL")
    r = np.corrcoef(wide["Screening"], wide["Baseline"])[0, 1]
    key = {"variable": "regression to the mean"}
    assert cell(ard, "correlation", **key).stat == pytest.approx(r)
    want = regression_to_the_mean(wide["Screening"].mean(), wide["Screening"].std(), r, 27)
    assert cell(ard, "estimate", **key, variable_level="27").stat == pytest.approx(want) and want < 0
    bad = wide[wide["Screening"] >= 27]
    assert cell(ard, "mean", **key, variable_level="27").stat == pytest.approx((bad["Baseline"] - bad["Screening"]).mean())
    few = benched(frame=frame[frame["AVISIT"] != "Screening"])
    assert "too few" in cell(few, "estimate", **key, variable_level="27").error


def test_the_mirrored_scale_gives_the_mirrored_answer(tmp_path):
    """Higher is better, the case rises from 13 to 40: the same chances."""
    folder = cases(tmp_path, course("MITCHELL-2010", "ABB", [13, 38, 40], weeks=(0, 2, 4)), course("TWO", "AB", [16, 25], weeks=(0, 4)))
    (tmp_path / "low").mkdir()
    low = cases(tmp_path / "low", course("MITCHELL-2010", "ABB", [27, 2, 0], weeks=(0, 2, 4)), course("TWO", "AB", [24, 15], weeks=(0, 4)))
    up = [{"label": "Placebo", "mean": 6.58, "sd": 7.5, "source": "x"}]
    reached = {"zero": {"label": "40", "value": 40}}
    ard = benched(
        frame=trial(sign=-1), direction="higher_better", root=folder, file="cases.csv", published=up, reached=reached, thresholds=[25.0],
        case=[], continuity=0.5,
    )  # fmt: skip
    here = benched(root=low, file="cases.csv", case=[], continuity=0.5)
    for level in ("observed", "predicted", "Placebo"):
        key = {"variable": "benchmark", "variable_level": level}
        assert cell(ard, "probability", **key).stat == pytest.approx(cell(here, "probability", **key).stat, rel=1e-9)
    for rule, source in (("mean", "predicted"), ("mean", "Placebo"), ("all", "observed"), ("all", "Placebo")):
        key = {"variable": "case series", "group3_level": "The 2 cases", "variable_level": rule, "group2_level": source}
        assert cell(ard, "probability", **key).stat == pytest.approx(cell(here, "probability", **key).stat, rel=1e-9)
    for arm in ("SHAM", "NIR"):
        key = {"variable": "benchmark", "variable_level": "share: zero", "group1_level": arm}
        assert cell(ard, "n_events", **key).stat == cell(here, "n_events", **key).stat
    key = {"variable": "regression to the mean"}
    assert cell(ard, "estimate", **key, variable_level="13").stat == pytest.approx(-cell(here, "estimate", **key, variable_level="27").stat)


def test_a_change_of_tenths_ties_with_the_same_change(tmp_path):
    """3.1 − 2.2 and 2.4 − 1.5 differ in the sixteenth digit; counts are those of the scale in whole numbers."""
    (tmp_path / "ten").mkdir()
    ten = cases(tmp_path / "ten", course("ONE", "AB", [24, 15], weeks=(0, 4)), course("TWO", "AB", [30, 20], weeks=(0, 4)))
    one = cases(tmp_path, course("ONE", "AB", [2.4, 1.5], weeks=(0, 4)), course("TWO", "AB", [3.0, 2.0], weeks=(0, 4)))
    frame = trial()
    tenths = frame.assign(AVAL=frame["AVAL"] / 10, BASE=frame["BASE"] / 10)
    low = {"zero": {"label": "0", "value": 0}, "half": {"label": "Half", "percent": 50}, "ten": {"label": "1", "value": 1.0}}
    whole = benched(root=ten, file="cases.csv", case=[], thresholds=[15.0])
    parts = benched(root=one, file="cases.csv", case=[], thresholds=[1.5], frame=tenths, reached=low)
    counts = [
        ard[ard["stat_name"] == "n_events"].set_index(["variable", "group1_level", "group2_level", "group3_level"])
        for ard in (whole, parts)
    ]
    assert counts[0]["stat"].tolist() == counts[1]["stat"].tolist() and counts[0]["stat"].sum() > 0


def test_a_case_or_week_that_is_not_there():
    with pytest.raises(ConfigError, match="holds no case SMITH; its cases are MITCHELL-2010"):
        benched(case=["SMITH"])
    wrong = [{"label": "Eight", "n": 8, "baseline": 141, "value": 8.4, "source": "x"}]
    with pytest.raises(ConfigError, match="series: Eight: baseline: 141 is outside the scale of IRLSTOT, 0 to 40; correct it"):
        benched(series=wrong)
    with pytest.raises(ConfigError, match="has no value at week 3; its weeks are 0, 2, 4"):
        benched(week=3)
    with pytest.raises(ConfigError, match="no selected record is of 'Week 8'"):
        benched(visit="Week 8")


def test_the_plan_and_its_inputs():
    from nirls.workflow import Targets

    plan = load_plan("nir-rls", root=ROOT)
    for name in ("single_case", "case_benchmark"):
        assert plan.analyses[name].comparison_only
        assert Targets(plan=plan).analysis_inputs(name)["cases"] == str(ROOT / "data/literature/cases.csv")
