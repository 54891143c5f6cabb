"""Mediation against R, identities, and recovery of planted effects; what is refused.

Reference: tests/reference/mediation.R (lm and predict, boot::boot.ci, iterated generalised least squares).
"""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nirls.errors import NotEstimableError
from nirls.stats.bootstrap import bca
from nirls.stats.inverse_probability import inverse_probability
from nirls.stats.mediation import EFFECTS, effects, mediation

REFERENCE = Path(__file__).parents[1] / "reference"
GRID = np.array([-0.5, -0.2, 0.0, 0.3, 0.6])
AT = {name: i for i, name in enumerate(EFFECTS)}
NAMES = {"acme0": "ACME(0)", "acme1": "ACME(1)", "ade0": "ADE(0)", "ade1": "ADE(1)", "total": "total", "product": "a × b", "rho": "rho"}


@cache
def expected():
    return json.loads((REFERENCE / "mediation.json").read_text())


@cache
def given():
    d = pd.read_csv(REFERENCE / "mediation.csv")
    x = np.column_stack([d["SITE"] == "B", d["SITE"] == "C", d["M0"], d["F0"], d["Y0"]]).astype(float)
    return d["Y"].to_numpy(float), d[["M", "F"]].to_numpy(float), d["TRT"].to_numpy(float), x


@cache
def samples(n=80, draws=2000):
    """The samples of the script: Park and Miller's generator from 1."""
    state, counts = 1, np.zeros((draws, n))
    for i in range(draws):
        for _ in range(n):
            state = 16807 * state % 2147483647
            counts[i, state * n // 2147483647] += 1
    return counts


@cache
def fitted():
    y, m, t, x = given()
    return mediation(y, m[:, :1], t, x, samples(), rho=GRID)


@pytest.mark.parametrize("name", ["a", "b", "direct", "interaction"])
def test_paths_are_those_of_lm(name):
    path, want = getattr(fitted(), name), expected()["paths"][name]
    path = path if name == "direct" else path[0]
    for ours, theirs in (
        ("estimate", "estimate"),
        ("std_error", "se"),
        ("statistic", "t"),
        ("p_value", "p"),
        ("low", "low"),
        ("high", "high"),
    ):
        assert getattr(path, ours) == pytest.approx(want[theirs], rel=1e-9)
    assert path.df == want["df"]


@pytest.mark.parametrize("name", NAMES)
def test_effects_and_their_intervals(name):
    """Potential outcomes predicted by lm; boot.ci on the same bootstrap samples."""
    ours, want = fitted().effects[NAMES[name]], expected()["effects"][name]
    for value, theirs in ((ours.estimate, "estimate"), (ours.std_error, "se"), (ours.low, "low"), (ours.high, "high")):
        assert value == pytest.approx(want[theirs], rel=1e-8)


def test_the_proportion_mediated():
    want = expected()["effects"]["proportion"]
    ours = fitted().proportion
    assert [ours.estimate, ours.low, ours.high] == pytest.approx([want["estimate"], want["low"], want["high"]], rel=1e-8)
    _, m, t, x = given()
    none = mediation(np.random.default_rng(4).normal(size=80), m[:, :1], t, x, samples())
    assert none.effects["total"].low < 0 < none.effects["total"].high and none.proportion is None


def test_sensitivity_to_correlated_errors():
    """The closed form is the fixed point of iterated generalised least squares with errors correlated by ρ."""
    want = expected()["rho"]
    assert fitted().curve == pytest.approx(want["acme"], rel=1e-8)
    assert fitted().effects["rho"].estimate == pytest.approx(want["zero"], abs=1e-10)
    assert fitted().r_squared_product == pytest.approx(want["r_squared_product"], rel=1e-8)
    assert (fitted().curve_low < fitted().curve).all() and (fitted().curve < fitted().curve_high).all()


def test_mediators_together():
    y, m, t, x = given()
    both = effects(y, m, t, x)[0]
    for name, value in expected()["joint"].items():
        assert both[AT[NAMES[name]]] == pytest.approx(value, rel=1e-9)
    assert both[AT["a × b"]] == pytest.approx(expected()["joint_plain"], rel=1e-9)
    alone = [effects(y, m[:, [j]], t, x)[0, AT["a × b"]] for j in (0, 1)]
    assert abs(sum(alone) - both[AT["a × b"]]) > 0.5
    together = mediation(y, m, t, x, samples()[:200])
    assert "rho" not in together.effects and together.curve.size == 0 and together.r_squared_product != together.r_squared_product
    assert sum(p.estimate * q.estimate for p, q in zip(together.a, together.b, strict=True)) == pytest.approx(both[AT["a × b"]], rel=1e-9)


@pytest.mark.parametrize("mediators", [[0], [0, 1]])
def test_identities_of_linear_models(mediators):
    y, m, t, x = given()
    plain = effects(y, m[:, mediators], t, x, interaction=False)[0]
    assert plain[AT["ACME(0)"]] == plain[AT["ACME(1)"]] == plain[AT["a × b"]]
    assert plain[AT["total"]] == pytest.approx(expected()["total_plain"], abs=1e-10)
    assert plain[AT["ACME"]] + plain[AT["ADE"]] == pytest.approx(plain[AT["total"]], abs=1e-10)
    crossed = effects(y, m[:, mediators], t, x)[0]
    for one, other in (("ACME(1)", "ADE(0)"), ("ACME(0)", "ADE(1)"), ("ACME", "ADE")):
        assert crossed[AT[one]] + crossed[AT[other]] == pytest.approx(crossed[AT["total"]], abs=1e-10)


def test_a_change_is_as_good_as_a_value_without_interaction():
    y, m, t, x = given()
    value, change = (effects(y, some[:, None], t, x, samples()[:50], interaction=False, rho=GRID) for some in (m[:, 0], m[:, 0] - x[:, 2]))
    assert change == pytest.approx(value, rel=1e-8)


def test_units_and_the_names_of_the_arms():
    y, m, t, x = given()
    here, there = effects(y, m[:, :1], t, x)[0], effects(10 * y + 3, -m[:, :1] / 7, t, x * 100)[0]
    assert there[:8] == pytest.approx(10 * here[:8], rel=1e-9)
    turned = effects(y, m[:, :1], 1 - t, x)[0]
    assert turned[AT["ACME(0)"]] == pytest.approx(-here[AT["ACME(1)"]], rel=1e-9)
    assert turned[AT["total"]] == pytest.approx(-here[AT["total"]], rel=1e-9)


def test_a_sample_that_lacks_a_level_or_an_arm():
    y, m, t, x = given()
    weights = np.ones((2, 80))
    weights[0, x[:, 0] == 1] = 0
    weights[1, t == 1] = 0
    found = effects(y, m[:, :1], t, x, weights)
    keep = x[:, 0] == 0
    assert found[0] == pytest.approx(effects(y[keep], m[keep, :1], t[keep], x[keep, 1:])[0], rel=1e-8)
    assert np.isnan(found[1, : AT["rho"]]).all()


def test_limits_there_are_not():
    rng = np.random.default_rng(1)
    draws, left = rng.normal(size=(200, 2)), rng.normal(size=(9, 2))
    low, high = bca(np.array([9.0, 0.0]), draws, left)
    assert np.isnan([low[0], high[0]]).all() and low[1] < 0 < high[1]  # all draws below the estimate
    few = bca(np.zeros(1), np.linspace(-1, 1, 12)[:, None], np.linspace(-1, 1, 9)[:, None])
    assert np.isnan(few).all()  # 12 draws hold no 2.5 %
    assert np.isnan(bca(np.array([np.nan]), draws[:, :1], left[:, :1])).all()


# --- weights by the inverse probability of being complete ------------------------------------------


@cache
def incomplete():
    """A third of the subjects with a baseline above 22 lack their values; as in the script."""
    d = pd.read_csv(REFERENCE / "mediation.csv")
    seen = ~((d["ID"] % 3 == 0) & (d["Y0"] > 22)).to_numpy()
    return seen, np.column_stack([np.ones(80), d["TRT"], d["Y0"], d["M0"], d["F0"]])


@cache
def weighted():
    y, m, t, x = given()
    seen, z = incomplete()
    base = inverse_probability(seen, z, np.ones((1, 80)))[0, seen]
    draws, left = (inverse_probability(seen, z, counts)[:, seen] for counts in (samples(), 1 - np.eye(80)))
    return mediation(y[seen], m[seen, :1], t[seen], x[seen], draws, base=base, without_one=left, rho=GRID)


def test_weights_are_those_of_glm():
    seen, z = incomplete()
    assert inverse_probability(seen, z, np.ones((1, 80)))[0] == pytest.approx(expected()["weights"], rel=1e-9)


@pytest.mark.parametrize("name", ["acme0", "acme1", "ade0", "ade1", "total", "a", "b", "direct", "interaction"])
def test_weighted_effects_and_paths(name):
    """glm, weighted lm, weighted means of predictions; boot.ci with the weights fitted again in every sample."""
    made, want = weighted(), expected()["weighted"][name]
    ours = made.effects[NAMES[name]] if name in NAMES else made.direct if name == "direct" else getattr(made, name)[0]
    assert [ours.estimate, ours.std_error, ours.low, ours.high] == pytest.approx(
        [want[k] for k in ("estimate", "se", "low", "high")], rel=1e-8
    )
    if name not in NAMES:
        assert all(v != v for v in (ours.df, ours.statistic, ours.p_value))


def test_weights_correct_what_selection_breaks():
    """People are lost by Z, with which the effect through the mediator grows; weights by Z give the effect in all of them back."""
    rng, n = np.random.default_rng(6), 60000
    t, z = (np.arange(n) % 2).astype(float), rng.normal(size=n)
    m = t * (1 + 0.8 * z) + rng.normal(size=n)
    y = -0.5 * m + rng.normal(size=n)
    seen = rng.random(n) < 1 / (1 + np.exp(-0.5 - 1.2 * z))
    by = np.column_stack([np.ones(n), z])
    weights = inverse_probability(seen, by, np.ones((1, n)))[:, seen]
    parts = (y[seen], m[seen, None], t[seen], z[seen, None])
    plain, corrected = (effects(*parts, w, interaction=False)[0, AT["ACME"]] for w in (None, weights))
    assert corrected == pytest.approx(-0.5, abs=0.03) and plain < -0.58


def test_weights_there_are_not():
    seen, z = incomplete()
    counts = np.ones((2, 80))
    counts[1, ~seen] = 0
    found = inverse_probability(seen, z, counts)
    assert found[1].tolist() == counts[1].tolist()  # everybody in the sample is observed
    y, m, t, x = given()
    weights = np.ones((2, 80))
    weights[0, 3] = np.nan
    lost, kept = effects(y, m[:, :1], t, x, weights)
    assert np.isnan(lost).all() and kept == pytest.approx(effects(y, m[:, :1], t, x)[0])
    apart = inverse_probability(z[:, 2] > 22, z, np.ones((1, 80)))
    assert np.isnan(apart).all()
    with pytest.raises(NotEstimableError, match="no subject is observed"):
        inverse_probability(np.zeros(80), z, counts)
    with pytest.raises(ValueError, match="complete"):
        inverse_probability(seen, np.where(z == z[0], np.nan, z), counts)


# --- a trial in which the truth is known ----------------------------------------------------------


def trial(rng, n, kappa, a=2.0, b=-0.5, c=-1.0):
    """A confounder U of mediator and outcome, of which the models know nothing; both errors have variance 1 + κ²."""
    t, u, z = (np.arange(n) % 2).astype(float), rng.normal(size=n), rng.normal(size=n)
    m = a * t + z + kappa * u + rng.normal(size=n)
    return c * t + b * m + z + kappa * u + rng.normal(size=n), m[:, None], t, z[:, None]


@pytest.mark.parametrize("kappa", [0.0, 0.7])
def test_recovery(kappa):
    """Unbiased without confounding, biased with it, and right again at the planted correlation κ² / (1 + κ²) of the errors."""
    rng, planted = np.random.default_rng(8), kappa**2 / (1 + kappa**2)
    found = np.array([effects(*trial(rng, 200, kappa), rho=np.array([planted]))[0] for _ in range(400)])
    error = found.std(axis=0, ddof=1) / 20
    bias = found[:, AT["a × b"]].mean() + 1.0
    assert abs(found[:, AT["total"]].mean() + 2.0) < 4 * error[AT["total"]]
    at_planted = len(EFFECTS)
    assert abs(found[:, at_planted].mean() + 1.0) < 4 * error[at_planted] + 0.01  # the square root is not linear
    if kappa:
        assert bias > 10 * error[AT["a × b"]]
    else:
        assert abs(bias) < 4 * error[AT["a × b"]]


def test_the_correlation_at_which_nothing_goes_through_the_mediator():
    """With b = 0 the whole observed association is confounding, so that ρ* is the planted correlation."""
    y, m, t, x = trial(np.random.default_rng(3), 40000, 0.7, b=0.0)
    assert effects(y, m, t, x)[0, AT["rho"]] == pytest.approx(0.49 / 1.49, abs=0.02)


def test_coverage_of_the_interval():
    rng, inside = np.random.default_rng(12), 0
    for _ in range(150):
        y, m, t, x = trial(rng, 60, 0.0)
        weights = rng.multinomial(60, np.full(60, 1 / 60), size=600).astype(float)
        found = mediation(y, m, t, x, weights, interaction=False).effects["ACME"]
        inside += found.low < -1.0 < found.high
    assert 0.89 < inside / 150 < 0.99


# --- what is refused ------------------------------------------------------------------------------


def test_refusals():
    y, m, t, x = given()
    w = samples()[:20]
    with pytest.raises(NotEstimableError, match="same treatment"):
        effects(y, m, np.ones(80), x)
    with pytest.raises(NotEstimableError, match="same in all subjects"):
        effects(y, np.ones((80, 1)), t, x)
    with pytest.raises(NotEstimableError, match="linearly dependent"):
        mediation(y, m[:, [0, 0]], t, x, w)
    with pytest.raises(NotEstimableError, match="too few"):
        effects(y[:9], m[:9], t[:9], x[:9])
    with pytest.raises(ValueError, match="complete"):
        effects(np.where(np.arange(80) == 3, np.nan, y), m, t, x)
    with pytest.raises(ValueError, match="0 or 1"):
        effects(y, m, t + 1, x)
    with pytest.raises(ValueError, match="between −1 and 1"):
        mediation(y, m[:, :1], t, x, w, rho=np.array([1.0]))
