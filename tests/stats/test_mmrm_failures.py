"""Data that cannot be analysed are refused in words a statistician can act on; odd but valid data are analysed."""

import dataclasses

import numpy as np
import pytest

from nirls.errors import ConvergenceError, DataError, MethodError, NotEstimableError
from nirls.stats.mmrm import MMRMConvergenceError, fit_mmrm, inference
from nirls.stats.mmrm.covariance import Structure, of_visits


def test_result_is_frozen(incomplete):
    fit = fit_mmrm(*incomplete)
    with pytest.raises(dataclasses.FrozenInstanceError):
        fit.deviance = 0.0
    record = fit.convergence
    assert record.converged and record.gradient < 1e-8 and record.condition < 1e8 and record.hessian_positive_definite
    assert record.iterations == len(record.steps) < 15
    deviances = [s.deviance for s in record.steps]
    assert deviances == sorted(deviances, reverse=True)


def test_duplicate_is_named(incomplete):
    y, x, subject, visit = incomplete
    names, visits = np.array([f"NIR-{i:03d}" for i in subject]), np.array(["Week 1", "Week 2", "Week 3", "Week 4"])[visit]
    visits[visits == "Week 2"] = np.where(names[visits == "Week 2"] == "NIR-006", "Week 1", "Week 2")
    with pytest.raises(DataError, match=r"NIR-006 at Week 1$"):
        fit_mmrm(y, x, names, visits)


def test_subjects_without_outcome_are_counted(incomplete):
    y, x, subject, visit = incomplete
    more = np.append(y, [np.nan, np.nan, np.nan])
    fit = fit_mmrm(more, np.vstack([x, np.full((3, 12), np.nan)]), np.append(subject, [40, 40, 41]), np.append(visit, [0, 1, 0]))
    assert (fit.n_missing, fit.n_subjects_without_outcome, fit.n_subjects, fit.n_obs) == (3, 2, 40, y.size)
    assert fit.deviance == fit_mmrm(*incomplete).deviance


def test_constant_outcome(incomplete):
    _, x, subject, visit = incomplete
    for value in (0.0, 3.7):
        with pytest.raises(MethodError, match="outcome is constant"):
            fit_mmrm(np.full(subject.size, value), x, subject, visit)
    with pytest.raises(MethodError, match="fitted exactly"):
        fit_mmrm(x @ np.arange(12.0), x, subject, visit)
    with pytest.raises(MethodError, match="no row has an observed outcome"):
        fit_mmrm(np.full(subject.size, np.nan), x, subject, visit)


def test_dependent_columns_are_numbered(incomplete):
    y, x, subject, visit = incomplete
    with pytest.raises(NotEstimableError, match=r"rank 12 but 14 columns.*columns \[12, 13\]"):
        fit_mmrm(y, np.column_stack([x, np.zeros(y.size), x[:, 0] + 3 * x[:, 9]]), subject, visit)


def test_too_few_observations():
    with pytest.raises(MethodError, match="no residual degrees of freedom"):
        fit_mmrm([1.0, 2.0], np.eye(2), [0, 1], [0, 0])


def test_missing_covariate_is_refused(incomplete):
    y, x, subject, visit = incomplete
    x = x.copy()
    x[5, 4] = np.nan
    with pytest.raises(DataError, match=r"1 rows .* missing or infinite covariates \(columns \[4\]\)"):
        fit_mmrm(y, x, subject, visit)


def test_visits_never_seen_together(incomplete):
    y, x, subject, visit = incomplete
    visits = np.array(["W1", "W2", "W3", "W4"])[visit]
    keep = ~((visit == 0) & (subject % 2 == 0)) & ~((visit == 3) & (subject % 2 == 1))
    with pytest.raises(NotEstimableError, match="W1 and W4"):
        fit_mmrm(y[keep], x[keep, :8], subject[keep], visits[keep])


def test_no_convergence_tells_the_facts():
    """Two visits whose residuals are proportional: Σ̂ is singular."""
    rng = np.random.default_rng(3)
    first = rng.normal(size=12)
    subject, visit = np.divmod(np.arange(24), 2)
    y = np.column_stack([first, 2 * first]).ravel()
    with pytest.raises(
        MMRMConvergenceError, match=r"did not converge: us: .*condition number|did not converge: us: .*iterations"
    ) as caught:
        fit_mmrm(y, np.eye(2)[visit], subject, visit)
    assert isinstance(caught.value, ConvergenceError)
    assert len(caught.value.attempts) == 1 and not caught.value.attempts[0].converged


def test_fallback_order_is_recorded():
    """The first structure fails, the second is fitted, both are on record."""
    rng = np.random.default_rng(3)
    first = rng.normal(size=12)
    subject, visit = np.divmod(np.arange(24), 2)
    y = np.column_stack([first, 2 * first]).ravel()
    independent = Structure(
        name="diagonal",
        label="independent",
        names=("variance",),
        sigma=of_visits(lambda theta: theta[..., None] * np.eye(2)),
        first=of_visits(lambda theta: np.eye(2)[None]),
        second=None,
        start=lambda s: np.array([np.trace(s) / len(s)]),
        powers=np.array([2.0]),
    )
    fit = fit_mmrm(y, np.eye(2)[visit], subject, visit, covariance=["us", independent])
    assert fit.covariance == "diagonal" and [a.converged for a in fit.attempts] == [False, True]
    assert fit.sigma[0, 0] == pytest.approx(((y - np.eye(2)[visit] @ fit.beta) ** 2).sum() / 22, rel=1e-9)


def test_correlation_close_to_one_still_converges():
    rng = np.random.default_rng(4)
    level = rng.normal(size=30)
    y = (level[:, None] + rng.normal(scale=1e-3, size=(30, 3))).ravel()
    subject, visit = np.divmod(np.arange(90), 3)
    fit = fit_mmrm(y, np.eye(3)[visit], subject, visit)
    # complete data, own mean at each visit: the REML estimate is the sample covariance
    np.testing.assert_allclose(fit.sigma, np.cov(y.reshape(30, 3).T), rtol=1e-7)


def test_visits_of_very_different_variance():
    rng = np.random.default_rng(5)
    y = rng.multivariate_normal(np.zeros(3), np.eye(3) + 1, 40) * [1, 1e3, 1e-2]
    y[::3, 2] = np.nan
    subject, visit = np.divmod(np.arange(120), 3)
    with pytest.raises(ConvergenceError, match="nearly singular"):
        fit_mmrm(y.ravel(), np.eye(3)[visit], subject, visit)
    y[:, 1:] /= [10, 0.1]
    fit = fit_mmrm(y.ravel(), np.eye(3)[visit], subject, visit)
    np.testing.assert_allclose(fit.beta[:2], np.nanmean(y, axis=0)[:2], rtol=1e-9)
    assert inference(fit).contrasts(np.eye(3)[:1]).df == pytest.approx(39, rel=1e-6)


def test_unknown_method(incomplete):
    with pytest.raises(ValueError, match="unknown method for degrees of freedom 'kr'; implemented: kenward-roger-linear, satterthwaite"):
        inference(fit_mmrm(*incomplete), "kr")
