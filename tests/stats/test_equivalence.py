"""Two one-sided tests against R's t distribution."""

import pytest

from nirls.stats.equivalence import tost


def test_against_r():
    """R 4.2.2: pt((0.1 + 0.375)/0.12, 40, lower = FALSE), pt((0.1 - 0.375)/0.12, 40), 0.1 ∓ qt(.95, 40) * 0.12."""
    found = tost(0.1, 0.12, 40.0, 0.375)
    assert found.p_low == pytest.approx(0.000150701593, rel=1e-8)
    assert found.p_high == pytest.approx(0.01363364568, rel=1e-9)
    assert (found.low, found.high) == pytest.approx((-0.1020621216, 0.3020621216), abs=1e-10)
    assert found.shown and found.p_value == found.p_high


def test_the_interval_and_the_tests_agree():
    for estimate in (-0.5, -0.2, 0.0, 0.17, 0.18, 0.3):
        found = tost(estimate, 0.12, 40.0, 0.375)
        assert found.shown == (found.low > -0.375 and found.high < 0.375)


def test_a_margin_is_positive():
    with pytest.raises(ValueError, match="must be positive"):
        tost(0.0, 1.0, 10.0, -3.0)
