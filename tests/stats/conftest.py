"""Layouts shared by the tests of the mixed model."""

import numpy as np
import pytest

# Potthoff & Roy (1964) Biometrika 51:313–326, Table 1: distance in mm at 8, 10, 12, 14 years; 16 boys, then 11 girls.
DENTAL = np.fromstring(
    """26 25 29 31 21.5 22.5 23 26.5 23 22.5 24 27.5 25.5 27.5 26.5 27 20 23.5 22.5 26 24.5 25.5 27 28.5 22 22 24.5 26.5 24 21.5 24.5 25.5
    23 20.5 31 26 27.5 28 31 31.5 23 23 23.5 25 21.5 23.5 24 28 17 24.5 26 29.5 22.5 25.5 25.5 26 23 24.5 26 30 22 21.5 23.5 25
    21 20 21.5 23 21 21.5 24 25.5 20.5 24 24.5 26 23.5 24.5 25 26.5 21.5 23 22.5 23.5 20 21 21 22.5 21.5 22.5 23 25 23 23 23.5 24
    20 21 22 21.5 16.5 19 19 19.5 24.5 25 28 28""",
    sep=" ",
).reshape(27, 4)
GIRL = np.repeat([0.0, 1.0], [16, 11])


@pytest.fixture(scope="session")
def dental():
    """(distance (27, 4), girl (27,))."""
    return DENTAL, GIRL


@pytest.fixture(scope="session")
def by_visit():
    """Function: a design with an own coefficient of each of `columns` at each visit."""

    def build(n_visits, visit, *columns):
        return np.column_stack([np.eye(n_visits)[visit] * c[:, None] for c in columns])

    return build


@pytest.fixture
def incomplete(by_visit):
    """A trial of 40 subjects, 4 visits, dropout and gaps: y, X (visit; baseline by visit; arm by visit), subject, visit."""
    rng = np.random.default_rng(20240611)
    n, t = 40, 4
    arm, base = np.arange(n) % 2, rng.normal(25, 5, n)
    sigma = 9 * 0.7 ** np.abs(np.subtract.outer(np.arange(t), np.arange(t))) * np.outer([1, 1.2, 1.3, 1.6], [1, 1.2, 1.3, 1.6])
    wide = rng.multivariate_normal(np.zeros(t), sigma, n) - 0.3 * base[:, None] - arm[:, None] * np.arange(t)
    seen = np.arange(t) < rng.integers(2, t + 3, n)[:, None]
    seen[[3, 11], 1] = False
    subject, visit = np.nonzero(seen)
    ones = np.ones(subject.size)
    return wide[subject, visit], by_visit(t, visit, ones, base[subject], 1.0 * arm[subject]), subject, visit
