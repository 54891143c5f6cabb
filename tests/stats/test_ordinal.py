"""Ordered categories: cumulative logit, row-mean-score test, win probability."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from nirls.errors import ConvergenceError
from nirls.stats.ordered_groups import row_mean_score, win_probability
from nirls.stats.ordinal import cumulative_logit

R = json.loads((Path(__file__).parents[1] / "reference" / "responders.json").read_text())
# ordinal::wine (Randall 1989): ratings 1 to 5 by temperature (cold, warm) and contact (no, yes)
WINE = {(0, 0): (4, 9, 5, 0, 0), (0, 1): (1, 7, 8, 2, 0), (1, 0): (0, 5, 8, 3, 2), (1, 1): (0, 1, 5, 7, 5)}
# coin::jobsatisfaction (Agresti 2002, Table 7.8): women and men, income from low to high × satisfaction 1 to 4
JOBS = [[[1, 3, 11, 2], [2, 3, 17, 3], [0, 1, 8, 5], [0, 2, 4, 2]], [[1, 1, 2, 1], [0, 3, 5, 1], [0, 0, 7, 3], [0, 1, 9, 6]]]


@pytest.fixture
def wine():
    rows = [(j, temp, contact) for (temp, contact), counts in WINE.items() for j, n in enumerate(counts) for _ in range(n)]
    table = np.array(rows, dtype=float)
    return table[:, 0].astype(int), table[:, 1], table[:, 2]


def test_wine(wine):
    """R ordinal 2022.11.16: clm(rating ~ temp + contact), gradient below 1e-11."""
    y, temp, contact = wine
    fit, r = cumulative_logit(y, np.column_stack([temp, contact])), R["wine"]
    assert fit.beta == pytest.approx(r["beta"], rel=1e-11)
    assert fit.beta_std_error == pytest.approx(r["se"], rel=1e-11)
    assert fit.thresholds == pytest.approx(r["theta"], rel=1e-11)
    assert fit.loglike == pytest.approx(r["loglik"], rel=1e-12)


def test_wine_without_proportional_odds(wine):
    """R ordinal: clm with nominal effects. No warm wine has rating 1, so the effect of temp at the first threshold is infinite and R stops
    on the way: its likelihood is 1e-6 lower, never higher."""
    y, temp, contact = wine
    base = cumulative_logit(y, np.column_stack([temp, contact])).loglike
    for z, x, lrt, within in ((temp, contact, R["wine"]["lrt_temp"], 2e-5), (contact, temp, R["wine"]["lrt_contact"], 1e-9)):
        found = 2 * (cumulative_logit(y, x[:, None], z[:, None], finite=False).loglike - base)
        assert lrt - 1e-9 <= found == pytest.approx(lrt, abs=within)
    with pytest.raises(ConvergenceError):
        cumulative_logit(y, contact[:, None], temp[:, None])


def test_two_categories_are_logistic_regression():
    """5/40 … the log odds ratio of a 2 × 2 table with Woolf's standard error."""
    y, x = np.repeat([0, 1, 0, 1], [56, 14, 48, 32]), np.repeat([1.0, 0.0], [70, 80])
    fit = cumulative_logit(y, x[:, None])
    assert -fit.beta[0] == pytest.approx(np.log(56 * 32 / (14 * 48)), rel=1e-12)
    assert fit.beta_std_error[0] == pytest.approx(np.sqrt(1 / 56 + 1 / 14 + 1 / 48 + 1 / 32), rel=1e-12)


def test_what_has_no_maximum():
    with pytest.raises(ConvergenceError, match="separated"):
        cumulative_logit(np.repeat([0, 1, 2], 10), np.repeat([0.0, 1.0, 1.0], 10)[:, None] * np.repeat([1.0, 1.0, 2.0], 10)[:, None])
    with pytest.raises(ValueError, match="all occur"):
        cumulative_logit(np.array([0, 2, 2, 0]), np.ones((4, 1)))


def test_row_mean_scores_of_job_satisfaction():
    """R coin 1.4-2: cmh_test(jobsatisfaction, scores = list(Job.Satisfaction = 1:4)), χ² 9.225859 with 3 df."""
    found = row_mean_score(JOBS, [1, 2, 3, 4])
    assert (found.statistic, found.df) == (pytest.approx(R["job"]["chisq"], rel=1e-12), 3)
    assert found.p_value == pytest.approx(R["job"]["p"], rel=1e-12)


def test_row_mean_score_of_one_table_is_the_permutation_variance():
    """Two groups, one stratum: (mean difference)² over its permutation variance, that is (N − 1) r² with Pearson's correlation."""
    counts = np.array([[4, 9, 5, 2], [1, 5, 8, 9]])
    group = np.repeat([0, 1], counts.sum(axis=1))
    value = np.concatenate([np.repeat(np.arange(4), c) for c in counts])
    r = np.corrcoef(group, value)[0, 1]
    assert row_mean_score(counts[None], range(4)).statistic == pytest.approx((group.size - 1) * r**2, rel=1e-12)
    assert np.isnan(row_mean_score([[[5, 0], [4, 0]]], [1, 2]).p_value)
    empty = np.concatenate([counts[None], [[[0, 0, 0, 0], [3, 1, 0, 0]]]])
    assert row_mean_score(empty, range(4)).statistic == pytest.approx((group.size - 1) * r**2, rel=1e-12)


def test_win_probability_is_brunner_and_munzel():
    """scipy.stats.brunnermunzel: its statistic is (win − ½)/SE; the estimate is the Mann–Whitney U over nm."""
    a, b = np.array([4, 9, 5, 2]), np.array([1, 5, 8, 9])
    x, y = (np.repeat(np.arange(4.0), c) for c in (a, b))
    found = win_probability(a, b)
    assert found.estimate == pytest.approx(stats.mannwhitneyu(y, x).statistic / (20 * 23), rel=1e-13)
    assert (found.estimate - 0.5) / found.std_error == pytest.approx(stats.brunnermunzel(x, y).statistic, rel=1e-11)
    other = win_probability(b, a)
    assert (other.estimate, other.std_error) == pytest.approx((1 - found.estimate, found.std_error), rel=1e-12)
    low, high = found.ci()
    assert other.ci() == pytest.approx((1 - high, 1 - low), rel=1e-12)
    assert (found.p_value < 0.05) == (not low <= 0.5 <= high)
    assert all(np.isnan(win_probability([5, 0], [0, 5]).ci()))
    with pytest.raises(ValueError, match="at least two"):
        win_probability([1, 0], [3, 4])
