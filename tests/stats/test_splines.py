"""The natural cubic spline: straight beyond its outer knots, smooth at all of them, and Harrell's columns."""

import numpy as np
import pytest

from nirls.stats.splines import natural_columns

KNOTS = [1.0, 3.0, 4.0, 7.0]


def test_straight_outside_and_smooth_inside():
    """Second differences vanish beyond the outer knots; first and second derivatives do not jump at a knot."""
    for outside in (np.linspace(-3, 1, 9), np.linspace(7, 12, 9)):
        assert np.abs(np.diff(natural_columns(outside, KNOTS), 2, axis=0)).max() < 1e-12
    h = 1e-3
    for knot in KNOTS:
        x = knot + h * np.array([-2, -1, 0, 1, 2])
        second = np.diff(natural_columns(x, KNOTS), 2, axis=0) / h**2
        assert np.abs(np.diff(second, axis=0)).max() < 5 * h, "a jump would be of the size of the third derivative"
    assert np.linalg.matrix_rank(np.column_stack([np.ones(50), x2 := np.linspace(0, 9, 50), natural_columns(x2, KNOTS)])) == 4


def test_columns_are_harrells():
    """Regression modeling strategies, eq. 2.25, for x = 5 and knots 1, 3, 4, 7, by hand: (64 − 1·6/3 + 0)/36 and (8 − 1·4/3 + 0)/36."""
    assert natural_columns([5.0], KNOTS)[0] == pytest.approx([62 / 36, (8 - 4 / 3) / 36], rel=1e-14)


def test_knots_ascend():
    with pytest.raises(ValueError, match="three or more ascending knots"):
        natural_columns([1.0], [1.0, 1.0, 2.0])
