"""Rounding half away from zero on the shortest decimal, as the ROUND function of SAS."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nirls.tlf.rounding import fixed, round_half_away

# Each value is a tie, or looks like one, in decimal notation; its binary value lies on either side of the tie.
TIES = [
    (0.125, 2, "0.13"), (2.5, 0, "3"), (-2.5, 0, "-3"), (0.5, 0, "1"), (1.5, 0, "2"), (1.005, 2, "1.01"),
    (2.675, 2, "2.68"), (0.285, 2, "0.29"),
    (1.45, 1, "1.5"), (8.345, 2, "8.35"), (-1.005, 2, "-1.01"), (0.15, 1, "0.2"), (0.25, 1, "0.3"), (99.95, 1, "100.0"),
]  # fmt: skip
PLAIN = [
    (-0.04, 1, "0.0"),
    (-0.0, 2, "0.00"),
    (-0.05, 1, "-0.1"),
    (0.0, 0, "0"),
    (1e22, 0, "1" + "0" * 22),
    (1.7e308, 0, "17" + "0" * 307),
    (3, 2, "3.00"),
    (1e-12, 4, "0.0000"),
]


@pytest.mark.parametrize(("value", "digits", "text"), TIES + PLAIN)
def test_table(value, digits, text):
    assert fixed(value, digits) == text


def test_numpy_numbers_round_as_python_numbers():
    assert fixed(np.float64(1.005), 2) == "1.01"
    assert fixed(np.int64(7), 1) == "7.0"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_only_finite_numbers(value):
    with pytest.raises(ValueError, match="finite"):
        fixed(value, 1)


@given(st.floats(min_value=-1e9, max_value=1e9), st.integers(0, 6))
def test_rounding_is_odd_and_near(value, digits):
    rounded = round_half_away(value, digits)
    assert abs(rounded - Decimal(repr(value))) <= Decimal(5).scaleb(-digits - 1)
    assert round_half_away(-value, digits) == -rounded
    assert not fixed(value, digits).startswith("-0.0") or rounded != 0
