"""Reliability coefficients against R psych, and their intervals, which pingouin would round."""

import json
from pathlib import Path

import numpy as np
import pytest

from nirls.adapters.pingouin import clock_times, cronbach_alpha, intraclass, mean_squares, simple_mediation
from nirls.errors import NotEstimableError
from nirls.stats.mediation import EFFECTS, effects, mediation
from tests.stats.test_mediation import given

REFERENCE = json.loads((Path(__file__).parents[1] / "reference/measurement.json").read_text())
ATTITUDE = np.column_stack(list(REFERENCE["attitude"].values()))
# Shrout PE, Fleiss JL, Psychol Bull 1979;86:420-428, Table 2: six targets, four judges.
SHROUT = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]])
NAMES = ("ICC(1,1)", "ICC(A,1)", "ICC(C,1)", "ICC(1,k)", "ICC(A,k)", "ICC(C,k)")


def test_shrout_and_fleiss():
    found = intraclass(SHROUT)
    got = np.array([[found[n].estimate, found[n].low, found[n].high] for n in NAMES])
    icc = REFERENCE["icc"]
    np.testing.assert_allclose(got, np.column_stack([icc["estimate"], icc["low"], icc["high"]]), rtol=1e-12)
    np.testing.assert_allclose(got[:, 0], [0.17, 0.29, 0.71, 0.44, 0.62, 0.91], atol=5e-3)  # as printed in the paper, Table 4
    assert (found["ICC(A,1)"].n, found["ICC(A,1)"].k) == (6, 4)


def test_mean_squares_of_the_paper():
    """Table 3: between targets 11.24, between judges 32.49, residual 1.02, within targets 6.26."""
    np.testing.assert_allclose(mean_squares(SHROUT.astype(float)), [11.24, 32.49, 1.02, 6.26], atol=5e-3)


def test_alpha():
    found = cronbach_alpha(ATTITUDE)
    expected = REFERENCE["alpha"]
    np.testing.assert_allclose(
        [found.estimate, found.low, found.high], [expected["estimate"], expected["low"], expected["high"]], rtol=1e-12
    )
    assert cronbach_alpha(SHROUT).estimate == pytest.approx(intraclass(SHROUT)["ICC(C,k)"].estimate, rel=1e-12)  # an identity


def test_other_levels_are_nested():
    narrow, wide = intraclass(SHROUT, 0.8)["ICC(A,1)"], intraclass(SHROUT, 0.99)["ICC(A,1)"]
    assert wide.low < narrow.low < narrow.estimate < narrow.high < wide.high
    assert cronbach_alpha(ATTITUDE, 0.9).low > cronbach_alpha(ATTITUDE).low


@pytest.mark.parametrize("function", [cronbach_alpha, intraclass])
def test_what_cannot_be_computed_says_why(function):
    with pytest.raises(ValueError, match="must be complete"):
        function(np.array([[1.0, np.nan], [2, 3], [4, 5]]))
    with pytest.raises(ValueError, match="at least two columns"):
        function(np.arange(5.0))
    with pytest.raises(NotEstimableError, match="2 subjects; at least three"):
        function(SHROUT[:2])
    with pytest.raises(NotEstimableError, match=r"the same in all subjects|do not differ"):
        function(np.ones((5, 3)))


def test_perfect_agreement_is_not_an_estimate():
    with pytest.raises(NotEstimableError, match="agree perfectly"):
        intraclass(np.array([[1.0, 1], [2, 2], [5, 5]]))


def test_clock_times_across_midnight():
    """23:00 and 01:00 have the mean 0 h, not noon; times spread evenly have no mean direction."""
    mean, length = clock_times([23.0, 1.0])
    assert min(mean, 24 - mean) == pytest.approx(0.0, abs=1e-9)
    assert length == pytest.approx(np.cos(2 * np.pi / 24), rel=1e-12)
    assert clock_times([0.0, 6.0, 12.0, 18.0])[1] == pytest.approx(0.0, abs=1e-12)


def test_simple_mediation_is_that_of_pingouin():
    """Without interaction our estimates are pingouin's: a, b, total, direct and indirect effect."""
    y, m, t, x = given()
    theirs, ours = simple_mediation(y, m[:, 0], t, x), effects(y, m[:, :1], t, x, interaction=False)[0]
    paths = mediation(y, m[:, :1], t, x, np.ones((3, 80)), interaction=False)
    at = dict(zip(EFFECTS, ours, strict=False))
    assert (theirs.a, theirs.b) == pytest.approx((paths.a[0].estimate, paths.b[0].estimate), rel=1e-9)
    assert (theirs.total, theirs.direct, theirs.indirect) == pytest.approx((at["total"], at["ADE"], at["ACME"]), rel=1e-9)
    assert theirs.n == 80


def test_what_pingouin_would_do_without_a_word():
    y, m, t, x = given()
    with pytest.raises(ValueError, match="missing"):
        simple_mediation(np.where(np.arange(80) == 1, np.nan, y), m[:, 0], t, x)
    with pytest.raises(ValueError, match="two values"):
        simple_mediation(y, (m[:, 0] > 62).astype(float), t, x)
