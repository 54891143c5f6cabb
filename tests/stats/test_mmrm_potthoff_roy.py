"""The dental growth data of Potthoff & Roy (1964), complete and with missing values.

Values marked [R] were computed with mmrm 0.3.18 in R 4.2.2 (REML, unstructured, vcov = "Kenward-Roger-Linear"); its stock
optimiser stops about 1e-6 (relative) before ours, hence the tolerance of 1e-4.
"""

import numpy as np
import pytest
from scipy import stats

from nirls.stats.mmrm import fit_mmrm, inference


@pytest.fixture(scope="module")
def cells(dental, by_visit):
    distance, girl = dental
    subject, visit = np.divmod(np.arange(distance.size), 4)
    return distance.ravel(), by_visit(4, visit, np.ones(108), girl[subject]), subject, visit


def test_likelihoods(cells):
    assert fit_mmrm(*cells).deviance == pytest.approx(414.0348014, abs=1e-6)  # [R]
    assert fit_mmrm(*cells, reml=False).deviance == pytest.approx(416.5093018, abs=1e-6)  # [R]


def test_kenward_roger_is_the_two_sample_t_test(cells, dental):
    distance, girl = dental
    found = inference(fit_mmrm(*cells)).contrasts(np.eye(8)[4:])
    exact = stats.ttest_ind(distance[girl == 1], distance[girl == 0])
    np.testing.assert_allclose(found.statistic, exact.statistic, rtol=1e-10)
    np.testing.assert_allclose(found.p_value, exact.pvalue, rtol=1e-9)
    np.testing.assert_allclose(found.df, 25, rtol=1e-10)
    # the same closed form to six decimals
    np.testing.assert_allclose(found.estimate, [-1.693182, -1.585227, -2.627841, -3.377841], atol=5e-7)
    np.testing.assert_allclose(found.std_error, [0.911471, 0.801238, 0.995173, 0.874561], atol=5e-7)


def test_kenward_roger_is_hotellings_t2(cells, dental):
    """Kenward & Roger (1997) section 4: for complete multivariate data the scaled F is exact."""
    distance, girl = dental
    difference = distance[girl == 1].mean(axis=0) - distance[girl == 0].mean(axis=0)
    pooled = (15 * np.cov(distance[girl == 0].T) + 10 * np.cov(distance[girl == 1].T)) / 25
    t2 = 16 * 11 / 27 * difference @ np.linalg.solve(pooled, difference)
    found = inference(fit_mmrm(*cells)).f_test(np.eye(8)[4:])
    assert (found.num_df, found.den_df) == pytest.approx((4, 22), rel=1e-9)
    assert found.statistic == pytest.approx(t2 * 22 / (4 * 25), rel=1e-9)


def test_slopes(dental):
    distance, girl = dental
    subject, visit = np.divmod(np.arange(108), 4)
    age, girl = 8.0 + 2 * visit, girl[subject]
    fit = fit_mmrm(distance.ravel(), np.column_stack([np.ones(108), girl, age, girl * age]), subject, visit)
    found = inference(fit).contrasts(np.eye(4)[3:])
    assert fit.deviance == pytest.approx(424.5468, abs=5e-5)  # [R]
    np.testing.assert_allclose([found.estimate[0], found.std_error[0]], [-0.350448, 0.138548], rtol=1e-4)  # [R]
    # [R] 24.997 from its stock optimum, whose SE is 6.5e-5 (relative) from ours; df goes with the fourth power of the SE
    assert found.df[0] == pytest.approx(24.997, rel=4 * 6.5e-5)


@pytest.fixture(scope="module")
def dropouts(dental, by_visit):
    """Change from age 8; monotone dropout of seven children, one gap: 69 records."""
    distance, girl = dental
    change, base = distance[:, 1:] - distance[:, :1], distance[:, 0]
    seen = np.ones_like(change, dtype=bool)
    for child, first_missing in {2: 1, 6: 2, 10: 1, 14: 2, 16 + 1: 1, 16 + 4: 2, 16 + 7: 1}.items():
        seen[child, first_missing:] = False
    seen[9, 1] = False
    subject, visit = np.nonzero(seen)
    return change[seen], by_visit(3, visit, np.ones(69), base[subject], girl[subject]), subject, visit


def test_with_missing_values(dropouts):
    fit = fit_mmrm(*dropouts)
    assert fit.n_obs == 69
    assert fit.deviance == pytest.approx(259.483062, abs=1e-6)  # [R]
    found = inference(fit).contrasts(np.eye(9)[6:])
    np.testing.assert_allclose(found.estimate, [-0.735794, -1.656937, -2.376622], rtol=1e-4)  # [R]
    np.testing.assert_allclose(found.std_error, [0.716359, 0.908919, 0.904398], rtol=1e-4)  # [R]
    np.testing.assert_allclose(found.df, [24.0, 19.7611, 22.9203], rtol=1e-4)  # [R]
    assert found.p_value[2] == pytest.approx(0.015065, abs=2e-6)  # [R]


def test_complete_data_are_ordinary_least_squares(dental, by_visit):
    distance, girl = dental
    subject, visit = np.divmod(np.arange(81), 3)
    change = (distance[:, 1:] - distance[:, :1]).ravel()
    fit = fit_mmrm(change, by_visit(3, visit, np.ones(81), distance[subject, 0], girl[subject]), subject, visit)
    found = inference(fit).contrasts(np.eye(9)[8:])
    # analysis of covariance at age 14 by lm() in R: estimate, SE, residual df
    np.testing.assert_allclose([found.estimate[0], found.std_error[0], found.df[0]], [-2.530468, 0.812425, 24], rtol=1e-6)
