"""The outcome model and the Monte-Carlo truth."""

from __future__ import annotations

import dataclasses
import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from nirls.plan.load import load_plan
from nirls.simulate import truth as truth_module
from nirls.simulate.config import Items, Treatment, Trial
from nirls.simulate.course import run
from nirls.simulate.irls import answer, thresholds
from nirls.simulate.latent import draw, relative_effect, site_effects
from nirls.simulate.schedule import TREATMENT_WEEKS
from nirls.simulate.truth import REFERENCE, chunk, compute, outcomes

TRIAL = Trial()
CODES = [arm.code for arm in TRIAL.arms]


@pytest.fixture(scope="module")
def committed(folder):
    return json.loads((folder / "truth.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def value(committed):
    return {(row["quantity"], row["arm"], row["week"]): row for row in committed["truth"]}


@pytest.fixture(scope="module")
def one():
    return compute(TRIAL, 1)


@pytest.fixture(scope="module")
def subjects():
    return chunk(TRIAL, 0)


def test_monte_carlo_error_of_the_primary_contrast(committed):
    primary = committed["primary"]
    assert (primary["arm"], primary["week"], primary["comparison"]) == ("NIR850-54", 4, "NIR850-54 - SHAM")
    assert committed["subjects"] >= 200_000
    assert 0 < primary["mc_se"] < 0.01
    assert -4.5 < primary["value"] < -3.5


def test_every_arm_and_visit_has_a_truth(value):
    for week in (1, 2, 3, 4, 6, 8, 10, 12):
        for world in ("treatment policy", "hypothetical"):
            assert all((f"mean change, {world}", arm, week) in value for arm in CODES)
            assert all((f"difference in mean change, {world}", arm, week) in value for arm in CODES if arm != REFERENCE)


def test_a_difference_is_the_difference_of_the_means(value):
    for arm in CODES[1:]:
        mean = {a: value["mean change, treatment policy", a, 4]["value"] for a in (arm, REFERENCE)}
        difference = value["difference in mean change, treatment policy", arm, 4]["value"]
        assert difference == pytest.approx(mean[arm] - mean[REFERENCE], abs=2e-5)


def test_the_committed_truth_agrees_with_an_independent_calculation(value):
    """Separate subjects for each arm, no common random numbers: two ways to the same value."""
    effects, means = site_effects(TRIAL), []
    for k, seed in ((0, 11), (3, 12)):
        s = draw(np.random.default_rng(seed), 40_000, TRIAL, effects)
        c = run(TRIAL, s, np.full(len(s), k), until=4)
        eligible = (c.total[:, :2] >= 15).all(axis=1)
        change = (c.total[:, 5] - c.total[:, 1])[eligible]
        means.append((change.mean(), change.std() / np.sqrt(len(change))))
    difference, se = means[1][0] - means[0][0], np.hypot(means[0][1], means[1][1])
    assert abs(difference - value["difference in mean change, treatment policy", "NIR850-54", 4]["value"]) < 4 * se


def test_order_of_the_arms_is_as_planted(value):
    effect = {arm: value["difference in mean change, treatment policy", arm, 4]["value"] for arm in CODES[1:]}
    assert effect["NIR850-54"] < effect["NIR850-36"] < effect["NIR850-90"] < effect["NIR850-18"] < effect["NIR660-18"] < 0
    assert effect["NIR850-54"] < effect["NIR850-54H"] < effect["NIR660-54"]
    assert effect["ACTIVE"] < -4.5


def test_hypothetical_effect_is_larger_than_treatment_policy(value):
    for week in (4, 12):
        policy, hypothetical = (
            value[f"difference in mean change, {w}", "NIR850-54", week]["value"] for w in ("treatment policy", "hypothetical")
        )
        assert hypothetical < policy


def test_strategies_after_an_event(subjects, value):
    """Visit by visit from the course: no change after the stop or from rescue on; the value of the last visit with treatment."""
    arm = CODES.index("NIR850-54")
    course, found = run(TRIAL, subjects, np.full(len(subjects), arm), until=TREATMENT_WEEKS), outcomes(TRIAL, subjects, arm, events=True)
    weeks = [1, 2, 3, 4, 6, 8, 10, 12]
    change = found["IRLSTOT"]
    some = np.flatnonzero((course.stop_week < 12) | (course.rescue_week <= 12))[:300]
    assert len(some) > 100
    for i in some:
        last = 0
        for k, week in enumerate(weeks):
            after = course.stop_week[i] < week
            last = last if after else change[i, k]
            assert found["composite"][i, k] == (0 if after or course.rescue_week[i] <= week else change[i, k])
            assert found["on treatment"][i, k] == last or course.stop_week[i] < 1
        assert found["treated"][i] == (course.stop_week[i] >= 1)
    effect = {
        w: value[f"difference in mean change, {w}", "NIR850-54", 4]["value"] for w in ("hypothetical", "composite", "while on treatment")
    }
    assert effect["hypothetical"] < effect["composite"] < 0 and effect["hypothetical"] < effect["while on treatment"] < 0


def test_displays_show_the_committed_truth(value):
    """`known` of a row of the demonstration plan is the true value of its estimand, to the two decimals it prints."""
    plan = load_plan("nir-rls", root=Path(__file__).parents[2])
    policy, of = "difference in mean change, treatment policy", "difference in mean change of {}, treatment policy".format
    truths = {
        "E1": policy, "E1H": "difference in mean change, hypothetical", "E1W": "difference in mean change, while on treatment",
        "E1C": "difference in mean change, composite", "symptoms_mmrm": of("IRLSSYM"), "impact_mmrm": of("IRLSIMP"),
    }  # fmt: skip
    shown = 0
    for display in plan.displays.displays.values():
        for row in display.options.get("rows", []):
            if row.get("known") is not None:
                analysis = display.analyses[row["analysis"]]
                quantity = truths.get(analysis) or truths[plan.analyses[analysis].estimand]
                assert row["known"] == round(value[quantity, display.options["comparison"], 4]["value"], 2)
                shown += 1
    assert shown > 20


def test_displays_of_dose_show_the_committed_truth(value):
    """Means by dose, and contrasts of arms from the differences with sham, to the two decimals the displays print."""
    plan = load_plan("nir-rls", root=Path(__file__).parents[2])
    shown = plan.displays.displays["F14.2.3.1"].options["known"]
    assert shown == {arm: round(value["mean change, treatment policy", arm, 4]["value"], 2) for arm in shown} and len(shown) == 5
    known = plan.displays.displays["T14.2.3.3"].options["known"]
    contrasts = plan.analyses["dose_factorial"].options["contrasts"]
    assert set(known) == set(contrasts)
    for name, contrast in contrasts.items():
        effect = {arm: value["difference in mean change, treatment policy", arm, 4]["value"] for arm in contrast["weights"]}
        truth = sum(float(Fraction(w)) * effect[arm] for arm, w in contrast["weights"].items())
        assert known[name] == round(truth, 2), name


def test_displays_of_durability_show_the_committed_truth(value, raw):
    """Shares without relapse in per cent, differences of slopes, and who truly augmented, to the decimals the displays print."""
    displays = load_plan("nir-rls", root=Path(__file__).parents[2]).displays.displays
    for name, code in (("T14.2.5.1", "RELAPSE"), ("T14.2.5.5", "LOSS50")):
        options = displays[name].options
        shown = {week: {arm: value[f"share without relapse ({code})", arm, int(week)]["value"] for arm in options["arms"]} for week in "59"}
        assert options["known"] == {week: {arm: round(100 * share) for arm, share in own.items()} for week, own in shown.items()}, name
    lines = {
        "tolerance": "difference in slope, weeks 4–12",
        "before": "difference in slope, joined lines, before week 12",
        "after": "difference in slope, joined lines, after week 12",
    }
    options = displays["T14.2.5.2"].options
    assert set(options["known"]) == set(lines)
    for phase, known in options["known"].items():
        assert set(known) == {*options["arms"], "All 850 nm"} - {REFERENCE}
        assert known == {arm: round(value[lines[phase], arm, None]["value"], 3) for arm in known}, phase
    truly = raw["truth-subjects"].assign(n=lambda d: d["AUGMENTED"].astype(int)).groupby("ACTARMCD")["n"].sum()
    known = displays["T14.2.5.3"].options["known"]
    assert known == {arm: int(truly[arm]) for arm in known}


def test_displays_of_mechanism_and_candidates_show_the_committed_truth(value):
    """Effects through oxygenation and past it of 54 J/cm²; interactions as the mean over the 850 nm regimens, as they are pooled."""
    plan = load_plan("nir-rls", root=Path(__file__).parents[2])
    displays = plan.displays.displays
    through, past, pure, total = (
        value[f"{name}, treatment policy", "NIR850-54", 4]["value"]
        for name in (
            "indirect effect through oxygenation", "direct effect past oxygenation", "pure indirect effect through oxygenation",
            "difference in mean change",
        )
    )  # fmt: skip
    truth = {"total": total, "ACME(1)": through, "ACME(0)": pure, "ADE(0)": past, "ADE(1)": total - pure}
    truth |= {"ACME": (through + pure) / 2, "ADE": (past + total - pure) / 2}
    known = displays["T14.2.7.1"].options["known"]["main"]
    assert set(known) == set(truth) and all(known[k] == pytest.approx(truth[k], abs=0.00501) for k in known)
    assert displays["F14.2.7.1"].options["known"] == known["ACME"]
    arms = plan.analyses["subgroup_effects"].options["pools"]["All 850 nm"]
    known = displays["T14.2.6.1"].options["known"]
    for variable, name in {"MICROVFL": "microvascular", "REFRACFL": "refractory"}.items():
        own = np.mean([value[f"interaction, treatment policy, {name}", arm, 4]["value"] for arm in arms])
        assert known[variable] == round(float(own), 2), variable
    assert known["SECONDFL"] == 0  # by construction: see docs/statistics/truths.md


def test_target_dose_of_the_displays_is_the_true_one(subjects):
    """At `known.target` and `known.upper_edge` the effect is Δ, and it is largest at `known.peak`, within 4 Monte-Carlo errors."""
    plan = load_plan("nir-rls", root=Path(__file__).parents[2])
    known = plan.displays.displays["T14.2.3.2"].options["known"]
    assert plan.displays.displays["F14.2.3.1"].options["known_target"] == known["target"]
    doses = [known["target"], known["upper_edge"], known["peak"], known["peak"] - 8, known["peak"] + 8]
    arms = tuple(dataclasses.replace(TRIAL.arms[1], code=f"{d:g} J", minutes=d / 1.8) for d in doses)  # 30 mW/cm²: 1.8 J/cm² a minute
    trial = dataclasses.replace(TRIAL, arms=(TRIAL.arms[0], *arms))
    sham = outcomes(trial, subjects, 0, events=True)["IRLSTOT"][:, 3]
    effect = [outcomes(trial, subjects, k + 1, events=True)["IRLSTOT"][:, 3] - sham for k in range(len(doses))]
    delta = plan.analyses["dose_response"].options["delta"]
    for values in effect[:2]:
        assert values.mean() == pytest.approx(-delta, abs=4 * values.std() / np.sqrt(len(values)))
    assert max(doses, key=lambda d: -effect[doses.index(d)].mean()) == known["peak"]


def test_microvascular_subjects_respond_half_as_strong_again(value):
    stem = "difference in mean change, treatment policy"
    ratio = value[f"{stem}, microvascular", "NIR850-54", 4]["value"] / value[f"{stem}, no microvascular", "NIR850-54", 4]["value"]
    assert ratio == pytest.approx(TRIAL.treatment.microvascular_factor, abs=0.06)


def test_no_effect_gives_no_difference(subjects):
    null = dataclasses.replace(
        TRIAL, treatment=dataclasses.replace(TRIAL.treatment, shape="zero"), events=dataclasses.replace(TRIAL.events, stop_sham=0.0)
    )
    sham, light = (outcomes(null, subjects, k, events=True)["IRLSTOT"] for k in (0, 3))
    assert np.array_equal(sham, light)


def test_the_cache_is_used_only_for_the_same_parameters(tmp_path, monkeypatch, committed):
    small = dataclasses.replace(TRIAL, truth_subjects=10_000)
    calls = []
    monkeypatch.setattr(truth_module, "compute", lambda trial: calls.append(trial) or committed["truth"])
    path = tmp_path / "truth.json"
    first = truth_module.truth(small, path)
    path.write_text(json.dumps(first), encoding="utf-8")
    assert truth_module.truth(small, path) == first
    assert len(calls) == 1
    sizes = dataclasses.replace(small, arms=tuple(dataclasses.replace(arm, n=5) for arm in small.arms))
    assert truth_module.truth(sizes, path)["truth"] == first["truth"]
    assert len(calls) == 1
    truth_module.truth(dataclasses.replace(small, treatment=Treatment(direct=1.0)), path)
    assert len(calls) == 2
    strict = dataclasses.replace(small.relapse, rules=(dataclasses.replace(small.relapse.rules[0], confirm_days=14),))
    truth_module.truth(dataclasses.replace(small, relapse=strict), path)
    assert len(calls) == 3


def test_one_chunk_gives_every_row_of_the_committed_truth(committed, one):
    """The same quantities, arms and weeks, and values within five Monte-Carlo errors of a chunk; the command makes the whole file."""
    assert [(r["quantity"], r["arm"], r["comparison"], r["week"]) for r in one] == [
        (r["quantity"], r["arm"], r["comparison"], r["week"]) for r in committed["truth"]
    ]
    for mine, whole in zip(one, committed["truth"], strict=True):
        # the chance of what hardly ever happens has an error that is itself uncertain
        assert abs(mine["value"] - whole["value"]) <= 5 * max(mine["mc_se"], 24**0.5 * whole["mc_se"]) + 1e-5, mine


def test_umbrella_and_the_lack_of_reciprocity():
    relative = {arm.code: relative_effect(arm, TRIAL) for arm in TRIAL.arms}
    # log-Gaussian: exp(−ln(18/50)² / (2·0.9²)) = 0.52490…
    assert relative["NIR850-18"] == pytest.approx(np.exp(-(np.log(18 / 50) ** 2) / 1.62), rel=1e-12)
    assert relative["NIR850-54H"] / relative["NIR850-54"] == pytest.approx(2**-0.25, rel=1e-12)
    assert relative["NIR660-54"] / relative["NIR850-54"] == pytest.approx(0.55, rel=1e-12)
    assert relative["SHAM"] == relative["ACTIVE"] == 0
    assert (
        next(a for a in TRIAL.arms if a.code == "NIR850-54H").fluence == next(a for a in TRIAL.arms if a.code == "NIR850-54").fluence == 54
    )


def test_thresholds_make_the_expected_total_the_latent_severity():
    assert sorted(np.round(thresholds(Items()).ravel(), 6)) == [0.5 + k for k in range(40)]
    rng = np.random.default_rng(1)
    for theta in (10.0, 20.0, 30.0):
        total = answer(np.full((20_000, 10), theta), rng.logistic(size=(20_000, 10)), Items()).sum(axis=1)
        assert total.mean() == pytest.approx(theta, abs=0.35)


def test_items_are_whole_numbers_from_0_to_4_and_not_contradictory(subjects):
    course = run(TRIAL, subjects, np.full(len(subjects), 3), until=TREATMENT_WEEKS)
    seen = course.items[:, :10]
    assert seen.min() == 0
    assert seen.max() == 4
    without_days = seen[..., 6] == 0
    assert without_days.any()
    assert (seen[without_days][:, [0, 1, 5, 7]] == 0).all()


def test_stopping_is_at_random_given_the_observed_past(subjects):
    """Had they gone on, those who stop after week 3 would have had the outcome of the others with the same observed change."""
    arm = np.zeros(len(subjects), dtype=int)
    real, without = run(TRIAL, subjects, arm, until=TREATMENT_WEEKS), run(TRIAL, subjects, arm, events=False, until=TREATMENT_WEEKS)
    at_risk = (real.stop_week >= 3) & real.irls_present[:, 4] & (real.rescue_week > 3)
    stops = (real.stop_week == 3)[at_risk]
    now, before = ((without.total[:, k] - without.total[:, 1])[at_risk] for k in (5, 4))
    assert np.array_equal(before, (real.total[:, 4] - real.total[:, 1])[at_risk])
    design = np.column_stack([np.ones_like(before), before, before**2, stops])
    coefficient, residual = np.linalg.lstsq(design, now, rcond=None)[:2]
    variance = residual[0] / (len(now) - 4) * np.linalg.inv(design.T @ design)[3, 3]
    assert stops.sum() > 80
    assert abs(coefficient[3]) < 4 * np.sqrt(variance)


def test_stopping_not_at_random_when_asked_for(subjects):
    """The switch for missing not at random does what the test above would notice."""
    trial = dataclasses.replace(TRIAL, events=dataclasses.replace(TRIAL.events, stop_unobserved=1.0, stop_change=0.0, stop_intercept=-1.0))
    arm = np.zeros(len(subjects), dtype=int)
    real = run(trial, subjects, arm, until=TREATMENT_WEEKS)
    at_risk = (real.stop_week >= 3) & real.irls_present[:, 4]
    stops = (real.stop_week == 3)[at_risk]
    latent = (real.theta[:, 3] - real.theta[:, 0])[at_risk]
    assert latent[stops].mean() > latent[~stops].mean() + 1
