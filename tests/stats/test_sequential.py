"""Group-sequential boundaries against R: multivariate normal probabilities (mvtnorm) and rpact, and against published values."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from nirls.stats.multiplicity import Graph, graphical
from nirls.stats.sequential import boundaries, exit_probabilities, repeated_p_value, spend

CASES = json.loads((Path(__file__).parents[1] / "reference" / "sequential.json").read_text())["cases"]
EXACT = [c for c in CASES if "critical_mvtnorm" in c]
MORE = [c for c in CASES if "critical_mvtnorm" not in c]


def name(case):
    return f"{case['kind']}-{case['sides']}-{len(case['fractions'])}"


def of(case):
    return boundaries(case["fractions"], case["alpha"], sides=case["sides"], spending=case["kind"])


@pytest.mark.parametrize("case", EXACT, ids=name)
def test_two_and_three_looks(case):
    """mvtnorm 1.1-3, TVPACK (one-sided, 1e-14) and Miwa with 4097 steps (two-sided, three looks: 1e-11)."""
    found = of(case)
    grid = case["sides"] == 2 and len(case["fractions"]) == 3
    assert found.critical == pytest.approx(case["critical_mvtnorm"], rel=0, abs=1e-11 if grid else 5e-13)
    upper, lower = exit_probabilities(found.critical, case["fractions"], sides=case["sides"], drift=case["drift"])
    assert upper.sum() + lower.sum() == pytest.approx(case["power_mvtnorm"], rel=0, abs=1e-11 if grid else 5e-13)


@pytest.mark.parametrize("case", MORE, ids=name)
def test_four_to_six_looks(case):
    """rpact 3.3.4, whose last boundary is searched to 1e-8 in α."""
    found = of(case)
    assert found.critical == pytest.approx(case["critical"], rel=0, abs=2e-8)
    assert found.spent == pytest.approx(case["spent"], rel=0, abs=1.1e-8)
    assert found.nominal == pytest.approx(case["sides"] * np.array(case["stage_levels"]), rel=0, abs=1e-8)
    upper, lower = exit_probabilities(found.critical, case["fractions"], sides=case["sides"], drift=case["drift"])
    assert upper + lower == pytest.approx(case["reject_per_stage"], rel=0, abs=3e-9)


@pytest.mark.parametrize(
    ("fractions", "spending", "critical"),
    [
        ((0.5, 1), "obrien-fleming", (2.962588, 1.968596)),
        ((1 / 3, 2 / 3, 1), "obrien-fleming", (3.710303, 2.511427, 1.993047)),
        ((0.7, 1), "obrien-fleming", (2.437995, 1.999931)),
        ((0.5, 1), "pocock", (2.156999, 2.200977)),
    ],
)
def test_one_sided_025(fractions, spending, critical):
    """R gsDesign and ldbounds, one-sided .025, six decimals."""
    assert boundaries(fractions, 0.025, sides=1, spending=spending).critical == pytest.approx(critical, rel=0, abs=5.1e-7)


def test_the_two_sided_level_is_spent_once():
    """A two-sided .05 has the boundaries of a one-sided .025 but for paths that cross both; a one-sided .05 has lower ones."""
    two, one, trap = (boundaries([0.5, 1], a, sides=s).critical for a, s in ((0.05, 2), (0.025, 1), (0.05, 1)))
    assert two[0] == pytest.approx(one[0], rel=1e-14) and 0 < one[1] - two[1] < 1e-7
    assert (trap < one - 0.25).all()
    assert spend([1.0], 0.05, sides=2, spending="obrien-fleming") == pytest.approx([0.05], rel=1e-14)


@settings(max_examples=25)
@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=5, unique=True),
    st.floats(0.001, 0.2),
    st.sampled_from([1, 2]),
    st.sampled_from(["obrien-fleming", "pocock"]),
)
def test_what_crosses_is_what_is_spent(looks, alpha, sides, spending):
    found = boundaries(np.sort(looks) / 40, alpha, sides=sides, spending=spending)
    assert np.cumsum(found.exit) == pytest.approx(found.spent, rel=1e-11, abs=1e-15)
    upper, lower = exit_probabilities(found.critical, found.fractions, sides=sides)
    assert upper + lower == pytest.approx(found.exit, rel=1e-12) and (not lower.any() if sides == 1 else lower == pytest.approx(upper))
    assert found.nominal[0] == pytest.approx(found.spent[0], rel=1e-11)
    more = boundaries(found.fractions, alpha * 1.1, sides=sides, spending=spending)
    assert (more.critical < found.critical).all()


def test_looks_close_together():
    """mvtnorm, TVPACK: Pocock, one-sided .025 at .5, .5005 and 1. The density must be fine enough for the narrow step that follows."""
    found = boundaries([0.5, 0.5005, 1], 0.025, sides=1, spending="pocock")
    assert found.critical == pytest.approx([2.1569992183447, 2.2182391900511, 2.2013071767560], rel=0, abs=1e-12)


def test_a_single_look_and_one_that_spends_nothing():
    assert boundaries([1.0], 0.05, sides=2).critical == pytest.approx([special.ndtri(0.975)], rel=1e-13)
    early = boundaries([1e-3, 1.0], 0.05, sides=2)
    assert np.isinf(early.critical[0]) and early.critical[1] == pytest.approx(special.ndtri(0.975), rel=1e-13)
    upper, lower = exit_probabilities([np.inf, 1.0], [0.5, 1.0], sides=2, drift=1.5)
    assert (upper[1], lower[1]) == pytest.approx((special.ndtr(0.5), special.ndtr(-2.5)), rel=1e-13)


def test_repeated_p_values():
    """R graphicalMCP, vignette "group-sequential-testing"; its probabilities by simulation agree with themselves to 5e-7."""
    p = [repeated_p_value(*a, sides=1) for a in ((0.05, [1 / 3]), (0.02, [1 / 3, 2 / 3]), (0.01, [1 / 3, 2 / 3, 1]))]
    assert p == pytest.approx([0.2578087, 0.05819319, 0.01055442], rel=0, abs=5e-7)
    for k, raw in enumerate((0.004, 0.012, 0.03), 1):
        looks = np.arange(1, k + 1) / 3
        level = boundaries(looks, repeated_p_value(raw, looks, sides=2, spending="pocock"), sides=2, spending="pocock").nominal[-1]
        assert level == pytest.approx(raw, rel=1e-10)
    assert np.isnan(repeated_p_value(np.nan, [0.5], sides=1))
    assert (repeated_p_value(0.0, [0.5], sides=1), repeated_p_value(1.0, [0.5, 1], sides=2)) == (0.0, 1.0)


def test_graph_at_an_interim_look():
    """Maurer and Bretz (2013), section 4, second look; adjusted p from the same vignette: H1, H2 and H3 are rejected."""
    graph = Graph(weights=[0.5, 0.5, 0, 0], transitions=[[0, 0.5, 0.5, 0], [0.5, 0, 0, 0.5], [0, 1, 0, 0], [1, 0, 0, 0]])
    p = [repeated_p_value(raw, [1 / 3, 2 / 3], sides=1) for raw in (0.0002, 0.0035, 0.002, 0.06)]
    found = graphical(graph, p, 0.025)
    assert found.adjusted == pytest.approx([0.004787, 0.022881, 0.023297, 0.128460], rel=0, abs=5.1e-7)
    assert [s.hypothesis for s in found.path] == [0, 1, 2, 3] and found.rejected.tolist() == [True, True, True, False]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: boundaries([0.5, 0.5], 0.025, sides=1), r"must increase within \(0, 1\]"),
        (lambda: boundaries([0.5, 1.2], 0.025, sides=1), r"must increase within \(0, 1\]"),
        (lambda: boundaries([], 0.025, sides=1), r"must increase within \(0, 1\]"),
        (lambda: boundaries([1], 0, sides=1), "alpha = 0 is not between 0 and 1"),
        (lambda: boundaries([1], 0.05, sides=3), "sides = 3"),
        (lambda: boundaries([1], 0.05, sides=1, spending="of"), "no spending function 'of'"),
        (lambda: exit_probabilities([2.0], [0.5, 1], sides=1), "2 looks need 2 critical values, not 1"),
        (lambda: repeated_p_value(1.5, [1], sides=1), "1.5 is not a p-value"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
