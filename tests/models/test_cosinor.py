"""Rhythm over the day: R lme4 with pbkrtest, exact cosines, and the delta method by simulation."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nirls.errors import DataError, NotEstimableError
from nirls.models.cosinor import COS, SIN, cosinor
from nirls.stats.cosinor import rhythm

HERE = Path(__file__).parents[1] / "reference"
R = json.loads((HERE / "causal.json").read_text())["cosinor"]
NAMES = {"response": "Y", "hour": "HOUR", "subject": "ID", "group": "ARM"}


@pytest.fixture(scope="module")
def diary():
    frame = pd.read_csv(HERE / "cosinor.csv")
    return frame.assign(ARM=pd.Categorical(frame["ARM"], ["SHAM", "NIR"]))


@pytest.fixture(scope="module")
def fitted(diary):
    return cosinor(diary, **NAMES)


def test_lme4(fitted):
    """R lme4 lmer(Y ~ ARM * (C + S) + (1 | ID)) and pbkrtest KRmodcomp, tests/reference/causal.R."""
    r = R["coef"]
    assert fitted.fit.deviance == pytest.approx(R["deviance"], abs=1e-8)
    sham, nir = fitted.of("SHAM"), fitted.of("NIR")
    assert sham.mesor.estimate[0] == pytest.approx(r["(Intercept)"], rel=1e-7)
    assert nir.mesor.estimate[0] == pytest.approx(r["(Intercept)"] + r["ARMNIR"], rel=1e-7)
    difference, test = fitted.difference("NIR", "SHAM")
    assert difference.estimate[0] == pytest.approx(r["ARMNIR"], rel=1e-7)
    for found, expected in ((sham.test, R["sham"]), (nir.test, R["nir"]), (test, R["differ"])):
        assert found.num_df == expected["num_df"]
        assert (found.den_df, found.statistic, found.p_value) == pytest.approx((expected["den_df"], expected["F"], expected["p"]), rel=1e-6)
    for group, (c, s) in {"SHAM": (r["C"], r["S"]), "NIR": (r["C"] + r["ARMNIR:C"], r["S"] + r["ARMNIR:S"])}.items():
        found = fitted.of(group).rhythm
        assert found.amplitude == pytest.approx(np.hypot(c, s), rel=1e-7)
        assert found.acrophase == pytest.approx(np.arctan2(s, c) * 24 / (2 * np.pi) % 24, rel=1e-7)
    v = np.array(R["vcov"])[2:4, 2:4]  # of C and S under sham; model-based, as lmer gives it
    plain = rhythm([r["C"], r["S"]], v)
    assert sham.rhythm.amplitude_se == pytest.approx(plain.amplitude_se, rel=2e-2)  # Kenward–Roger's is a little larger
    assert sham.rhythm.amplitude_se >= plain.amplitude_se


def test_exact_cosine():
    """5 cos(2π(t − 22)/24): β 4.330127, γ −2.5, amplitude 5, acrophase 22 h."""
    found = rhythm([4.330127018922194, -2.5], np.eye(2) * 0.04)
    assert (found.amplitude, found.acrophase) == pytest.approx((5.0, 22.0), rel=1e-12)
    assert found.amplitude_se == pytest.approx(0.2, rel=1e-12)  # equal variances: the same in every direction
    assert found.acrophase_se == pytest.approx(0.2 / 5 * 24 / (2 * np.pi), rel=1e-12)
    (low, high), _ = rhythm([0.1, 0.0], np.eye(2)).ci()
    assert low == 0.0 and high > 2
    with pytest.raises(ValueError, match="no acrophase"):
        rhythm([0, 0], np.eye(2))


def test_a_cosine_is_fitted_back():
    """y = 20 + 5 cos(2π(t − 22)/24): β = 5 cos(2π 22/24) = 4.330127, γ = 5 sin(2π 22/24) = −2.5, by the addition theorem.

    Levels of subjects with mean 0 and noise that is orthogonal to the curve within every subject leave the estimates where they are.
    """
    rng, hours = np.random.default_rng(22), np.array([1.0, 4.5, 7.0, 10.25, 13.0, 17.0, 20.5, 23.5])
    waves = np.column_stack([np.ones(8), np.cos(2 * np.pi * hours / 24), np.sin(2 * np.pi * hours / 24)])
    level, noise = rng.normal(0, 2, 12), rng.normal(0, 0.5, (12, 8))
    noise -= noise @ waves @ np.linalg.inv(waves.T @ waves) @ waves.T
    y = 20 + 5 * np.cos(2 * np.pi * (hours - 22) / 24) + (level - level.mean())[:, None] + noise
    frame = pd.DataFrame({"ID": np.repeat([f"S{i}" for i in range(12)], 8), "HOUR": np.tile(hours, 12), "Y": y.ravel()})
    found = cosinor(frame, response="Y", hour="HOUR", subject="ID")
    one = found.of()
    assert [found.fit.params[w] for w in (COS, SIN)] == pytest.approx([4.330127, -2.5], abs=5e-7)
    assert one.mesor.estimate[0] == pytest.approx(20, abs=1e-9)
    assert (one.rhythm.amplitude, one.rhythm.acrophase) == pytest.approx((5, 22), abs=1e-9)


def test_delta_method_by_simulation():
    """200,000 draws of the coefficients: standard deviations of amplitude and phase within a percent."""
    mean, cov = np.array([3.0, -2.0]), np.array([[0.02, 0.008], [0.008, 0.03]])
    draws = np.random.default_rng(1).multivariate_normal(mean, cov, 200_000)
    found = rhythm(mean, cov)
    assert np.hypot(*draws.T).std() == pytest.approx(found.amplitude_se, rel=0.01)
    assert (np.arctan2(draws[:, 1], draws[:, 0]) * 24 / (2 * np.pi)).std() == pytest.approx(found.acrophase_se, rel=0.01)


def test_one_group_and_a_covariate(diary):
    fit = cosinor(diary.assign(D=(diary["DAY"] == 2).astype(float)), response="Y", hour="HOUR", subject="ID", covariates=["D"])
    found = fit.of()
    design = fit.fit.design
    expected = fit.fit.params["Intercept"] + fit.fit.params["D"] * design.covariates["D"]
    assert found.mesor.estimate[0] == pytest.approx(expected, rel=1e-12) and found.test.num_df == 2


def test_refused(diary):
    with pytest.raises(DataError, match="not from 0 to 24: C01 25"):
        cosinor(diary.assign(HOUR=diary["HOUR"].mask(diary.index == 0, 25.0)), **NAMES)
    with pytest.raises(NotEstimableError, match="a rhythm needs three"):
        cosinor(diary.assign(HOUR=np.where(diary["DAY"] == 1, 20.0, 22.0)), **NAMES)
