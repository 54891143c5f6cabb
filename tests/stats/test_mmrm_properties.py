"""What must hold whatever the data: identities with simpler methods, and invariances."""

import numpy as np
import pytest
from statsmodels.regression.linear_model import OLS, WLS

from nirls.stats.mmrm import DDF, fit_mmrm, inference

EXACT = ("kenward-roger-linear", "satterthwaite", "kenward-roger")


def table(fit, rows=None, ddf="kenward-roger-linear"):
    found = inference(fit, ddf).contrasts(np.eye(fit.beta.size) if rows is None else rows)
    return np.array([found.estimate, found.std_error, found.df, found.p_value])


@pytest.mark.parametrize("ddf", EXACT)
def test_complete_data_are_least_squares_per_visit(by_visit, ddf):
    rng = np.random.default_rng(5)
    n, t = 24, 3
    arm, base = np.arange(n) % 3, rng.normal(20, 4, n)
    y = rng.multivariate_normal(np.zeros(t), [[4, 3, 2], [3, 6, 4], [2, 4, 9]], n) + base[:, None]
    subject, visit = np.divmod(np.arange(n * t), t)
    columns = [np.ones(n), base, 1.0 * (arm == 1), 1.0 * (arm == 2)]
    found = table(fit_mmrm(y.ravel(), by_visit(t, visit, *[c[subject] for c in columns]), subject, visit), ddf=ddf)
    for v in range(t):
        ols = OLS(y[:, v], np.column_stack(columns)).fit()
        expected = [ols.params, ols.bse, np.full(4, n - 4), ols.pvalues]
        np.testing.assert_allclose(found[:, v::t], expected, rtol=1e-9)


@pytest.mark.parametrize("ddf", EXACT)
def test_one_visit_is_least_squares(ddf):
    rng = np.random.default_rng(6)
    n = 15
    x = np.column_stack([np.ones(n), rng.normal(size=n), np.arange(n) % 2])
    y = x @ [1, 2, 3] + rng.normal(size=n)
    w = rng.uniform(0.5, 2, n)
    for weights, reference in ((None, OLS(y, x).fit()), (w, WLS(y, x, weights=w).fit())):
        fit = fit_mmrm(y, x, np.arange(n), np.zeros(n), weights=weights)
        np.testing.assert_allclose(table(fit, ddf=ddf), [reference.params, reference.bse, [n - 3] * 3, reference.pvalues], rtol=1e-9)
        assert fit.sigma[0, 0] == pytest.approx(reference.mse_resid, rel=1e-10)
        assert fit_mmrm(y, x, np.arange(n), np.zeros(n), weights=weights, reml=False).loglike == pytest.approx(reference.llf, abs=1e-9)
        joint = inference(fit, ddf).f_test(np.eye(3)[1:])
        assert (joint.statistic, joint.den_df) == pytest.approx((reference.fvalue, n - 3), rel=1e-9)


@pytest.mark.parametrize("ddf", DDF)
def test_single_row_f_is_t_squared(incomplete, ddf):
    inferred = inference(fit_mmrm(*incomplete), ddf)
    row = np.arange(12.0)[None, :]
    one, joint = inferred.contrasts(row), inferred.f_test(np.vstack([row, 2 * row, 0 * row]))  # redundant rows change nothing
    assert (joint.num_df, joint.scale) == (1, pytest.approx(1))
    assert (joint.statistic, joint.den_df) == pytest.approx((one.statistic[0] ** 2, one.df[0]), rel=1e-9)
    assert joint.p_value == pytest.approx(one.p_value[0], rel=1e-9)


def test_kenward_roger_does_not_depend_on_the_basis(incomplete):
    rows = np.eye(12)[8:]
    mixed = np.random.default_rng(7).normal(size=(4, 4)) @ rows
    first, second = (inference(fit_mmrm(*incomplete)).f_test(r) for r in (rows, mixed))
    assert (first.statistic, first.den_df) == pytest.approx((second.statistic, second.den_df), rel=1e-9)


@pytest.fixture
def plain(incomplete):
    return table(fit_mmrm(*incomplete))


def test_row_order_and_subject_names(incomplete, plain):
    y, x, subject, visit = incomplete
    order = np.random.default_rng(8).permutation(y.size)
    names = np.array([f"S{(17 * i) % 101:03d}" for i in range(40)])
    shuffled = fit_mmrm(y[order], x[order], names[subject[order]], visit[order])
    np.testing.assert_allclose(table(shuffled), plain, rtol=1e-9)


@pytest.mark.parametrize("unit", [1e6, 1e-6])
def test_unit_of_the_outcome(incomplete, plain, unit):
    y, x, subject, visit = incomplete
    fit, original = fit_mmrm(y * unit, x, subject, visit), fit_mmrm(y, x, subject, visit)
    np.testing.assert_allclose(table(fit) / np.array([[unit], [unit], [1], [1]]), plain, rtol=1e-9)
    np.testing.assert_allclose(fit.sigma, unit**2 * original.sigma, rtol=1e-9)
    np.testing.assert_allclose(fit.theta_cov, unit**4 * original.theta_cov, rtol=1e-8)
    assert fit.deviance == pytest.approx(original.deviance + (y.size - 12) * np.log(unit**2), rel=1e-10)


def test_origin_of_the_outcome(incomplete, plain):
    y, x, subject, visit = incomplete
    found = table(fit_mmrm(y + 1e6, x, subject, visit))
    np.testing.assert_allclose(found[:, 4:], plain[:, 4:], rtol=1e-7)  # 1e6 + y holds y to 1e-10 only
    np.testing.assert_allclose(found[1:3], plain[1:3], rtol=1e-7)


@pytest.mark.parametrize("unit", [1e8, 1e-8])
def test_unit_and_origin_of_a_covariate(incomplete, plain, unit):
    y, x, subject, visit = incomplete
    scaled, moved = x.copy(), x.copy()
    scaled[:, 4:8] *= unit
    np.testing.assert_allclose(
        table(fit_mmrm(y, scaled, subject, visit))[1:, :],
        plain[1:, :] / np.where(np.arange(12) // 4 == 1, [[unit], [1], [1]], 1),
        rtol=1e-8,
    )
    moved[:, 4:8] += 1e5 * x[:, :4]  # baseline + 100 000
    np.testing.assert_allclose(table(fit_mmrm(y, moved, subject, visit))[:, 4:], plain[:, 4:], rtol=1e-8)


def test_order_of_the_arms(incomplete, plain):
    y, x, subject, visit = incomplete
    swapped = x.copy()
    swapped[:, 8:] = x[:, :4] - x[:, 8:]
    found = table(fit_mmrm(y, swapped, subject, visit))
    np.testing.assert_allclose(found[0, 8:], -plain[0, 8:], rtol=1e-9)
    np.testing.assert_allclose(found[1:, 8:], plain[1:, 8:], rtol=1e-9)


def test_weights(incomplete, plain):
    y, x, subject, visit = incomplete
    fit = fit_mmrm(y, x, subject, visit, weights=np.full(y.size, 4.0))
    np.testing.assert_allclose(table(fit), plain, rtol=1e-9)
    np.testing.assert_allclose(fit.sigma, 4 * fit_mmrm(y, x, subject, visit).sigma, rtol=1e-9)
    assert fit.deviance == pytest.approx(fit_mmrm(y, x, subject, visit).deviance, rel=1e-12)


def test_result_is_the_same_twice(incomplete):
    first, second = fit_mmrm(*incomplete), fit_mmrm(*incomplete)
    assert first.beta.tobytes() == second.beta.tobytes() and first.sigma.tobytes() == second.sigma.tobytes()


def test_kenward_roger_protects_small_samples(incomplete):
    """Its standard errors are never below the model-based ones here, and above them where data are missing."""
    fit = fit_mmrm(*incomplete)
    ratio = np.sqrt(np.diagonal(inference(fit).beta_cov) / np.diagonal(fit.beta_cov))
    assert (ratio > 1 - 1e-10).all() and ratio.max() > 1.005
