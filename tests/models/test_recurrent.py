"""Recurrent events against R 4.2.2 (`tests/reference/safety.R`): glm with a sandwich by subject, MASS::glm.nb."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nirls.errors import MethodError
from nirls.models.recurrent import negative_binomial, poisson_by_subject

R = json.loads((Path(__file__).parents[1] / "reference" / "safety.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def sessions():
    return pd.DataFrame(R["sessions"])


def design(frame):
    return np.column_stack([np.ones(len(frame)), frame["light"], frame["before"] / 500, (frame["number"] - 1) / 12])


def test_poisson_with_errors_by_subject(sessions):
    fit = poisson_by_subject(sessions["y"], design(sessions), sessions["id"])
    np.testing.assert_allclose(fit.coefficients, R["poisson"]["beta"], rtol=1e-10)
    np.testing.assert_allclose(fit.std_errors, R["poisson"]["se"], rtol=1e-10)
    ratio, low, high = fit.ratio(1)
    half = 1.959963984540054 * R["poisson"]["se"][1]
    np.testing.assert_allclose(np.log([ratio, low, high]), R["poisson"]["beta"][1] + half * np.array([0, -1, 1]), rtol=1e-9)


def test_order_of_the_records_does_not_matter(sessions):
    mixed = sessions.sample(frac=1, random_state=1)
    one, two = (poisson_by_subject(f["y"], design(f), f["id"]) for f in (sessions, mixed))
    np.testing.assert_allclose(one.std_errors, two.std_errors, rtol=1e-9)


def test_negative_binomial(sessions):
    people = sessions.groupby("id").agg(y=("y", "sum"), n=("y", "size"), light=("light", "max"))
    fit = negative_binomial(people["y"], np.column_stack([np.ones(len(people)), people["light"]]), people["n"])
    np.testing.assert_allclose(fit.coefficients, R["nb"]["beta"], rtol=1e-8)
    assert fit.dispersion == pytest.approx(R["nb"]["dispersion"], rel=1e-7)
    np.testing.assert_allclose(fit.std_errors, R["nb"]["se"], rtol=1e-6)  # the Hessian of R is numerical


def test_without_overdispersion_it_is_poisson_regression():
    """Σ((y−μ)² − y) ≤ 0: the likelihood falls with the dispersion; the ratio is that of the rates."""
    y, treated, n = [2, 2, 2, 2, 4, 4, 4, 4], np.repeat([0.0, 1.0], 4), np.full(8, 10.0)
    fit = negative_binomial(y, np.column_stack([np.ones(8), treated]), n)
    assert fit.dispersion == 0.0 and fit.ratio(1)[0] == pytest.approx(2.0, rel=1e-10)
    assert fit.std_errors[1] == pytest.approx(np.sqrt(1 / 8 + 1 / 16), rel=1e-8)


@pytest.mark.parametrize(
    ("y", "x", "reason"),
    [
        ([1, 0, 1, 0], [0, 1, 0, 1], "too few"),
        ([9, 9, 9, 9], [1, 1, 1, 1], "cannot be told apart"),
        ([9, 0, 9, 0], [0, 1, 0, 1], "no event on one side"),
    ],
)
def test_what_cannot_be_estimated_says_why(y, x, reason):
    design = np.column_stack([np.ones(4), x])
    with pytest.raises(MethodError, match=reason):
        poisson_by_subject(y, design, [1, 2, 3, 4])
    with pytest.raises(MethodError, match=reason):
        negative_binomial(y, design, [1, 1, 1, 1])
