"""The one-factor model against R's factanal, the likelihood equations, and exact factor structures."""

import json
from pathlib import Path

import numpy as np
import pytest

from nirls.errors import NotEstimableError
from nirls.stats.one_factor import one_factor

REFERENCE = json.loads((Path(__file__).parents[1] / "reference/measurement.json").read_text())
ATTITUDE = np.column_stack(list(REFERENCE["attitude"].values()))


def test_attitude_as_factanal():
    """R factanal stops about 1e-6 from the optimum (its own values move that much with its tolerance)."""
    fit = one_factor(ATTITUDE)
    np.testing.assert_allclose(fit.loadings, REFERENCE["loadings"], atol=2e-6)
    np.testing.assert_allclose(fit.uniquenesses, REFERENCE["uniquenesses"], atol=3e-6)
    assert fit.omega == pytest.approx(REFERENCE["omega"], abs=1e-6)
    assert not fit.bound


def test_the_likelihood_equations_hold():
    """Lawley and Maxwell (1971), 4.11 and 4.12: diag(R) = diag(Σ), and R Σ⁻¹ λ = λ."""
    fit, r = one_factor(ATTITUDE), np.corrcoef(ATTITUDE, rowvar=False)
    sigma = np.outer(fit.loadings, fit.loadings) + np.diag(fit.uniquenesses)
    np.testing.assert_allclose(np.diag(sigma), 1, atol=1e-6)
    np.testing.assert_allclose(r @ np.linalg.solve(sigma, fit.loadings), fit.loadings, atol=1e-6)


def with_covariance(sigma, n=50):
    """Data whose sample covariance is exactly `sigma`."""
    z = np.random.default_rng(3).normal(size=(n, len(sigma)))
    z -= z.mean(axis=0)
    z = z @ np.linalg.inv(np.linalg.cholesky(np.cov(z, rowvar=False))).T
    return z @ np.linalg.cholesky(sigma).T


def test_an_exact_factor_is_found_and_omega_is_its_reliability():
    loadings, unique = np.array([0.9, 1.4, 0.6, 2.0]), np.array([0.5, 1.1, 0.8, 1.5])
    fit = one_factor(with_covariance(np.outer(loadings, loadings) + np.diag(unique)))
    np.testing.assert_allclose(fit.sd * fit.loadings, loadings, atol=1e-5)
    assert fit.omega == pytest.approx(loadings.sum() ** 2 / (loadings.sum() ** 2 + unique.sum()), abs=1e-6)


def test_omega_is_alpha_when_items_are_parallel():
    k, a = 5, 0.45
    x = with_covariance(np.full((k, k), a) + np.diag(np.full(k, 1 - a)))
    alpha = k / (k - 1) * (1 - x.var(axis=0).sum() / x.sum(axis=1).var())
    assert one_factor(x).omega == pytest.approx(alpha, abs=1e-6)


def test_what_cannot_be_fitted_says_why():
    x = ATTITUDE.astype(float)
    with pytest.raises(ValueError, match="at least three items"):
        one_factor(x[:, :2])
    with pytest.raises(ValueError, match="complete"):
        one_factor(np.where(x == x[0, 0], np.nan, x))
    with pytest.raises(NotEstimableError, match="7 subjects for 7 items"):
        one_factor(x[:7])
    with pytest.raises(NotEstimableError, match="item 2 is the same"):
        one_factor(np.column_stack([x[:, 0], np.ones(len(x)), x[:, 1:]]))
    with pytest.raises(NotEstimableError, match="linearly dependent"):
        one_factor(np.column_stack([x, x.sum(axis=1)]))
