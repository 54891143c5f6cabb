"""Margins, retention, Fieller, synthesis and equivalence: R (tests/reference/headtohead.R), published figures, and both directions."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from nirls.errors import MethodError
from nirls.stats.noninferiority import (
    check_margin,
    equivalence,
    fieller,
    fixed_margin,
    pooled,
    retention,
    sample_size,
    synthesis,
    t_test,
)  # fmt: skip
from nirls.stats.proportions import ScoreDifference, tables

R = json.loads((Path(__file__).parents[1] / "reference/headtohead.json").read_text())


def test_margin_where_lower_is_better():
    """Dopamine agonists against placebo, Cochrane 2011: −5.7 (−6.7, −4.7) gives M1 = 4.7 and M2 = 2.35."""
    margin = fixed_margin(-6.7, -4.7, "lower_better")
    assert (margin.m1, margin.m2, margin.value) == (4.7, 2.35, 2.35)
    assert fixed_margin(-6.7, -4.7, "lower_better", retained=0.8).value == pytest.approx(0.94)


def test_margin_where_higher_is_better():
    margin = fixed_margin(4.7, 6.7, "higher_better")
    assert (margin.m1, margin.m2, margin.value) == (4.7, 2.35, -2.35)


def test_the_side_of_the_test_follows_the_direction():
    """1 point worse than the active arm (SE 0.5), margin 2: not inferior on either scale; 3 points worse: not shown."""
    for direction, sign in (("lower_better", 1), ("higher_better", -1)):
        near, far, better = (t_test(sign * d, 0.5, 1e9, sign * 2.0, direction)[1] for d in (1.0, 3.0, -3.0))
        assert near == pytest.approx(0.02275013, abs=1e-7)  # Φ(−2)
        assert far == pytest.approx(0.97724987, abs=1e-7) and better < 1e-20


def test_the_decision_is_that_of_the_interval():
    for estimate in np.linspace(-3, 3, 25):
        _, p = t_test(estimate, 0.8, 60, 1.5, "lower_better")
        assert (p < 0.025) == (estimate + 2.0002978220142604 * 0.8 < 1.5)  # t of 60 df at 0.975


@pytest.mark.parametrize(("value", "direction"), [(-2.0, "lower_better"), (2.0, "higher_better"), (0.0, "lower_better")])
def test_a_margin_of_the_wrong_sign(value, direction):
    with pytest.raises(MethodError, match="has the wrong sign"):
        check_margin(value, direction)
    assert check_margin(2.0, "lower_better") == 2.0 and check_margin(-2.0, "higher_better") == -2.0


@pytest.mark.parametrize(("low", "high", "direction"), [(-2.6, 0.2, "lower_better"), (-6.7, -4.7, "higher_better"), (1, 2, "lower_better")])
def test_no_margin_where_the_active_treatment_was_not_shown_to_work(low, high, direction):
    with pytest.raises(MethodError, match="does not show that the active treatment works"):
        fixed_margin(low, high, direction)


def test_retention_by_hand():
    """Means −10, −11, −6; s = 7, 80 in each arm, θ = 0.5: T = −1.5/(7√(1.5/80)) = −1.564922."""
    estimate, error = retention(np.array([-10.0, -11, -6]), np.eye(3) * 49 / 80, 0.5)
    assert estimate / error == pytest.approx(-1.564922, abs=5e-7)


def test_retention_and_fieller():
    mean, cov = np.array(R["mean"]), np.array(R["cov"])
    estimate, error = retention(mean, cov, 0.5)
    assert estimate / error == pytest.approx(R["retention"], rel=1e-10)
    assert t_test(estimate, error, R["df"], 0.0, "lower_better")[1] == pytest.approx(R["p_retention"], rel=1e-9)
    share, low, high = fieller(mean, cov, R["df"])
    assert (share, low, high) == pytest.approx((R["share"], *R["fieller"]), rel=1e-9)


def test_fieller_holds_what_the_retention_test_does_not_reject():
    mean, cov = np.array(R["mean"]), np.array(R["cov"])
    for edge in fieller(mean, cov, R["df"])[1:]:
        estimate, error = retention(mean, cov, edge)
        _, p = t_test(estimate, error, R["df"], 0.0, "lower_better")
        assert min(p, 1 - p) == pytest.approx(0.025, rel=1e-7)


def test_fieller_without_an_end():
    share, low, high = fieller(np.array([-7.0, -6.2, -6.0]), np.eye(3), 50)
    assert share == pytest.approx(5) and (low, high) == (-math.inf, math.inf)


def test_equivalence():
    """R t.test with mu = ∓3, equal variances."""
    r = R["tost"]
    below, above, p = equivalence(r["estimate"], r["se"], r["df"], -3, 3)
    assert (below, above) == pytest.approx((r["p_low"], r["p_high"]), rel=1e-9) and p == max(below, above)
    with pytest.raises(MethodError, match="either side of 0"):
        equivalence(0, 1, 9, 1, 3)


def test_synthesis():
    z, p = synthesis(-0.05, 0.91, -3.88, 0.85, "lower_better")
    assert (z, p) == pytest.approx((R["synthesis"]["z"], R["synthesis"]["p"]), rel=1e-12)
    assert synthesis(0.05, 0.91, 3.88, 0.85, "higher_better")[1] == pytest.approx(p, rel=1e-12)


def test_pooled():
    """One trial is itself; BCG, 13 trials, R metafor DL: τ² 0.308760, Q 152.2330."""
    assert pooled([-4.5], [1.2]) == (-4.5, pytest.approx(1.2), 0.0, 0.0)
    text = """4,119,11,128; 6,300,29,274; 3,228,11,209; 62,13536,248,12619; 33,5036,47,5761; 180,1361,372,1079; 8,2537,10,619;
        505,87886,499,87892; 29,7470,45,7232; 17,1699,65,1600; 186,50448,141,27197; 5,2493,3,2338; 27,16886,29,17825"""
    a, b, c, d = np.array([[float(v) for v in line.split(",")] for line in text.split(";")]).T
    y, se = np.log(a / (a + b) / (c / (c + d))), np.sqrt(1 / a - 1 / (a + b) + 1 / c - 1 / (c + d))
    _, _, q, tau2 = pooled(y, se)
    assert (q, tau2) == pytest.approx((152.2330, 0.308760), rel=1e-6)


def test_sample_size():
    """2·64·(1.96 + 1.2816)²/2.35² = 243.6."""
    assert sample_size(8, 2.35) == 244


def test_relapse_under_the_drug():
    """Gabapentin enacarbil XP060, 9/96 against 22/97: OR 0.353 (published: 0.2–0.8); difference by Miettinen and Nurminen."""
    odds = 9 / 87 / (22 / 75)
    half = 1.959963984540054 * math.sqrt(1 / 9 + 1 / 87 + 1 / 22 + 1 / 75)
    assert (odds, odds * math.exp(-half), odds * math.exp(half)) == pytest.approx((0.352665, 0.153050, 0.812627), abs=5e-7)
    low, high = ScoreDifference(tables=tables(9, 96, 22, 97)).ci()
    assert (9 / 96 - 22 / 97, low, high) == pytest.approx((-0.133054, -0.238239, -0.030386), abs=5e-7)
