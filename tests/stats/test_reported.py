"""Standard errors and differences from what papers report: closed forms, and raw data where there are any."""

import math

import numpy as np
import pytest
from scipy import stats

from nirls.errors import MethodError
from nirls.stats.reported import (
    Arm,
    Spread,
    combined,
    correlation_of,
    difference,
    error_from_interval,
    error_from_p,
    error_of_change,
    error_of_final,
    least_difference,
    sd_from_difference,
    sd_from_error,
    sd_of_change,
    split,
)  # fmt: skip

RNG = np.random.default_rng(11)
A, B, C = (RNG.normal(m, s, n) for m, s, n in ((-7, 6, 23), (-9, 5, 31), (-4, 7, 40)))


def arm(x):
    return Arm(n=len(x), mean=float(x.mean()), sd=float(x.std(ddof=1)))


def test_from_interval_p_and_error():
    """scipy's Welch and pooled tests of the raw data give back what went in."""
    test = stats.ttest_ind(A, C)
    low, high = test.confidence_interval(0.95)
    error = abs(A.mean() - C.mean()) / abs(test.statistic)
    assert error_from_interval(low, high, df=test.df) == pytest.approx(error, rel=1e-12)
    assert error_from_p(A.mean() - C.mean(), test.pvalue, df=test.df) == pytest.approx(error, rel=1e-9)
    pooled = math.sqrt((22 * A.var(ddof=1) + 39 * C.var(ddof=1)) / 61)
    assert sd_from_difference(error, 23, 40) == pytest.approx(pooled, rel=1e-12)
    assert sd_from_error(A.std(ddof=1) / math.sqrt(23), 23) == pytest.approx(A.std(ddof=1), rel=1e-12)


def test_difference_of_arms():
    got = difference(arm(A), arm(C))
    assert got[1] == pytest.approx(abs(got[0]) / abs(stats.ttest_ind(A, C, equal_var=False).statistic), rel=1e-12)


def test_change_and_its_correlation():
    after = 0.5 * C + RNG.normal(0, 4, 40)
    r, s = np.corrcoef(C, after)[0, 1], [x.std(ddof=1) for x in (C, after, after - C)]
    assert sd_of_change(s[0], s[1], r) == pytest.approx(s[2], rel=1e-12) and correlation_of(*s) == pytest.approx(r, rel=1e-12)
    assert sd_of_change(5, 5, 1) == 0 and sd_of_change(3, 4, 0) == 5
    with pytest.raises(MethodError, match="no correlation"):
        sd_of_change(3, 4, 1.2)


def test_several_arms():
    both = combined(arm(A), arm(B))
    want = arm(np.concatenate([A, B]))
    assert (both.n, both.mean, both.sd) == pytest.approx((want.n, want.mean, want.sd), rel=1e-12)
    # two comparisons with half of the control each are together no more precise than the arms combined against all of it
    part = split(Spread(n=40, final_sd=arm(C).sd, baseline_sd=4.0), 2)
    assert part == Spread(n=20, final_sd=arm(C).sd, baseline_sd=4.0)
    errors = [error_of_final(Spread(n=len(x), final_sd=arm(x).sd), part) for x in (A, B)]
    assert errors[0] == pytest.approx(difference(arm(A), Arm(n=20, mean=0, sd=arm(C).sd))[1], rel=1e-12)
    assert sum(e**-2 for e in errors) ** -0.5 > 0.97 * difference(both, arm(C))[1]


def test_a_bound_from_p():
    """p < 0.001 with 17 v 17 needs |t| of 3.62, a standardised difference of 1.24."""
    least, error = least_difference(0.001, 7.5, 17, 17)
    assert least / error == pytest.approx(3.6218, abs=5e-5) and least / 7.5 == pytest.approx(1.2423, abs=5e-5)
    test = stats.ttest_ind_from_stats(least, 7.5, 17, 0, 7.5, 17)
    assert test.pvalue == pytest.approx(0.001, rel=1e-9)
    for bad in ((0.0, 0.01), (1.0, 0.0)):
        with pytest.raises(MethodError, match="no standard error"):
            error_from_p(*bad)


def test_sensitivity_to_the_imputed_correlation():
    """At the correlations of the raw data it is the difference of the raw changes."""
    before, after = RNG.normal(25, 5, (2, 200)), None
    after = 8 + 0.5 * before + RNG.normal(0, 4, (2, 200)) - [[4], [0]]
    r = [float(np.corrcoef(b, a)[0, 1]) for b, a in zip(before, after, strict=True)]
    arms = [Spread(n=200, final_sd=float(a.std(ddof=1)), baseline_sd=float(b.std(ddof=1))) for b, a in zip(before, after, strict=True)]
    own, other = after - before
    # the same arm twice: at its own correlation it is Welch's error of the raw changes
    twice = error_of_change(arms[0], arms[0], r[0])
    assert twice == pytest.approx(math.sqrt(2) * stats.sem(own), rel=1e-9)
    test = stats.ttest_ind(own, other, equal_var=False)
    assert error_of_change(*arms, r[0]) == pytest.approx(abs((own.mean() - other.mean()) / test.statistic), rel=0.05)
    found = [error_of_change(*arms, c) for c in (0.0, 0.3, 0.5, 0.7, 1.0)]
    assert found == sorted(found, reverse=True)
    # equal deviations at both times: r = 0.5 gives the error of final values
    even = Spread(n=50, final_sd=6, baseline_sd=6)
    assert error_of_change(even, even, 0.5) == pytest.approx(error_of_final(even, even), rel=1e-12)
