"""Direct and indirect effects through tissue oxygenation."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from nirls.simulate import findings
from nirls.simulate.config import Trial
from nirls.simulate.course import run
from nirls.simulate.latent import draw, site_effects
from nirls.simulate.schedule import WEEK_INDEX
from nirls.simulate.streams import stream
from nirls.simulate.truth import chunk
from nirls.simulate.truths.mediation import Mediation
from nirls.simulate.truths.mediation_model import MediationModel

TRIAL = Trial()
LIGHT = [arm.code for arm in TRIAL.arms if arm.kind == "nir"]
POOLS = {f"All {nm} nm": [arm.code for arm in TRIAL.arms if arm.kind == "nir" and arm.wavelength == nm] for nm in (850, 660)}
INDIRECT, DIRECT = "indirect effect through oxygenation, treatment policy", "direct effect past oxygenation, treatment policy"


@pytest.fixture(scope="module")
def subjects():
    return chunk(TRIAL, 0)


@pytest.fixture(scope="module")
def value(folder):
    rows = json.loads((folder / "truth.json").read_text(encoding="utf-8"))["truth"]
    return {(row["quantity"], row["arm"], row["week"]): row for row in rows}


def found(part, subjects):
    part.add(0, subjects)
    return {(row["quantity"], row["arm"], row["week"]): row for row in part.rows()}


def with_treatment(**changes):
    return dataclasses.replace(TRIAL, treatment=dataclasses.replace(TRIAL.treatment, **changes))


def test_the_parts_add_up_to_the_total(value):
    for arm in LIGHT:
        total = value["difference in mean change, treatment policy", arm, 4]["value"]
        assert value[INDIRECT, arm, 4]["value"] + value[DIRECT, arm, 4]["value"] == pytest.approx(total, abs=1.5e-5)


def test_a_pool_is_the_mean_of_its_arms(value):
    for quantity in {key[0] for key in value if "oxygenation" in key[0]}:
        for pool, members in POOLS.items():
            mean = np.mean([value[quantity, arm, 4]["value"] for arm in members])
            assert value[quantity, pool, 4]["value"] == pytest.approx(mean, abs=1e-5)


def test_no_way_through_oxygenation_no_indirect_effect(subjects):
    rows = found(Mediation(with_treatment(oxygenation_effect=0.0), 0), subjects)
    for arm in LIGHT:
        assert rows[INDIRECT, arm, 4]["value"] == 0 == rows["pure indirect effect through oxygenation, treatment policy", arm, 4]["value"]
        assert rows[DIRECT, arm, 4]["value"] < -0.5


def test_no_other_way_no_direct_effect(subjects):
    """But for the sessions and stops of weeks 1 to 3, which are as under the arm; more stop under sham, which is switched off."""
    trial = dataclasses.replace(with_treatment(direct=0.0), events=dataclasses.replace(TRIAL.events, stop_sham=0.0))
    rows = found(Mediation(trial, 0), subjects)
    for arm in LIGHT:
        assert abs(rows[DIRECT, arm, 4]["value"]) < 0.02
        assert rows[INDIRECT, arm, 4]["value"] < -0.3


def test_the_whole_course_with_other_subjects_for_each_arm(value):
    """An independent calculation, without common random numbers: the arm, and the arm in which light adds no oxygenation."""
    effects, means = site_effects(TRIAL), []
    for seed, trial in ((21, TRIAL), (22, with_treatment(oxygenation_gain=0.0))):
        s = draw(np.random.default_rng(seed), 40_000, trial, effects)
        c = run(trial, s, np.full(len(s), 3), until=4)
        change = (c.total[:, 5] - c.total[:, 1])[(c.total[:, :2] >= 15).all(axis=1)]
        means.append((change.mean(), change.std() / np.sqrt(len(change))))
    difference, se = means[0][0] - means[1][0], np.hypot(means[0][1], means[1][1])
    row = value["indirect effect through oxygenation, whole course, treatment policy", "NIR850-54", 4]
    assert abs(difference - row["value"]) < 4 * se
    assert abs(row["value"] - value[INDIRECT, "NIR850-54", 4]["value"]) < 0.02


def test_share_of_the_effect_is_the_share_of_the_parameters(value):
    """A third of the effect on latent severity: 0.25 × 6 of 2.95 + 0.25 × 6 points."""
    t = TRIAL.treatment
    through = t.oxygenation_effect * t.oxygenation_gain
    for arm in LIGHT:
        indirect, direct = value[INDIRECT, arm, 4]["value"], value[DIRECT, arm, 4]["value"]
        assert indirect / (indirect + direct) == pytest.approx(through / (t.direct + through), abs=0.015)


def test_linear_model_by_regression_on_records(subjects):
    """The products of coefficients by least squares on the stacked records of a chunk."""
    rows = found(MediationModel(TRIAL, 0), subjects)
    n, rng = len(subjects), stream(TRIAL.seed, "truth 0: oxygenation")
    level = rng.normal(62, 4.5, n) - 3 * subjects.microvascular
    error = rng.normal(0, 1.5, (n, 3))
    for column, week in ((1, 2), (2, 4)):
        parts = []
        for k in (0, 3):
            c = run(TRIAL, subjects, np.full(n, k), until=4)
            stO2 = [np.round((level + e).clip(35, 95), 1) for e in (error[:, 0], error[:, column] + c.oxygenation[:, week])]
            parts.append(np.column_stack([np.ones(n), np.full(n, k > 0), stO2[0], c.total[:, 1], stO2[1], c.total[:, WEEK_INDEX[4]]]))
        x = np.concatenate(parts)
        a = np.linalg.lstsq(x[:, :4], x[:, 4], rcond=None)[0][1]
        b = np.linalg.lstsq(x[:, :5], x[:, 5], rcond=None)[0][4]
        row = rows["indirect effect by a linear model, measured StO2", "NIR850-54", week]
        assert row["value"] == pytest.approx(a * b, abs=1e-5)
    assert findings.STO2_ERROR == 1.5


def test_the_measured_mediator_is_that_of_the_trial(raw, value):
    """Mean difference in measured StO2 from baseline to week 4 between light and sham, within 4 standard errors of the latent one."""
    mk = raw["mk"][raw["mk"]["STO2"] != ""]
    wide = (
        mk.assign(value=mk["STO2"].astype(float)).drop_duplicates(["USUBJID", "VISIT"]).set_index(["USUBJID", "VISIT"])["value"].unstack()
    )
    change = (wide["Week 4"] - wide["Baseline"]).dropna()
    arm = raw["dm"].set_index("USUBJID")["ARMCD"].reindex(change.index)
    for code in LIGHT:
        ours, sham = change[arm == code], change[arm == "SHAM"]
        se = np.sqrt(ours.var() / len(ours) + sham.var() / len(sham))
        latent = value["difference in mean oxygenation, latent, treatment policy", code, 4]["value"]
        assert abs(ours.mean() - sham.mean() - latent) < 4 * se
