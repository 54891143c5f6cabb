"""Two proportions: intervals, tests, odds ratios and numbers needed, against R, papers and identities."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from nirls.stats.proportions import (
    CMHTest,
    CommonOddsRatio,
    MantelHaenszelDifference,
    NewcombeDifference,
    ScoreDifference,
    number_needed,
    tables,
    wilson,
)
from nirls.stats.proportions.score import restricted_estimates

R = json.loads((Path(__file__).parents[1] / "reference" / "responders.json").read_text())
# UCBAdmissions of R (Bickel et al., Science 1975;187:398-404): admitted and applied, male and female, by department
UCB = ([512, 353, 120, 138, 53, 22], [825, 560, 325, 417, 191, 373], [89, 17, 202, 131, 94, 24], [108, 25, 593, 375, 393, 341])


def score(*counts, **options):
    return ScoreDifference(tables=tables(*counts), **options)


@pytest.mark.parametrize(
    ("counts", "mn", "mee", "printed"),
    [
        # Newcombe, Stat Med 1998;17:873-890, Table II (a), (d): method 5 is Mee, method 6 Miettinen–Nurminen
        ((56, 70, 48, 80), (0.0528, 0.3382), (0.0533, 0.3377), 4),
        ((5, 56, 0, 29), (-0.0326, 0.1933), (-0.0313, 0.1926), 4),
        # CAMIS comparison of SAS and R ratesci; and further values of two independent programs
        ((36, 154, 12, 77), (-0.036065, 0.177495), (-0.035798, 0.177288), 6),
        ((7, 34, 1, 34), (0.027042, 0.345291), (0.028371, 0.343940), 6),
        ((5, 40, 0, 40), (0.030918, 0.262155), None, 6),
        ((0, 40, 0, 40), (-0.088632, 0.088632), None, 6),
    ],
)
def test_published_score_intervals(counts, mn, mee, printed):
    within = 0.51 * 10.0**-printed
    assert score(*counts).ci() == pytest.approx(mn, abs=within)
    if mee:
        assert score(*counts, correction=False).ci() == pytest.approx(mee, abs=within)


@pytest.mark.parametrize("n", [1, 7, 40, 1000])
def test_limits_without_events_have_a_closed_form(n):
    """0/n v 0/n: the restricted estimates are (|δ|, 0), so δ² = z²·f·|δ|(1 − |δ|)/n and |δ| = z²f/(n + z²f), f = 2n/(2n − 1) or 1."""
    z2 = stats.norm.ppf(0.975) ** 2
    for correction, f in ((True, 2 * n / (2 * n - 1)), (False, 1)):
        limit = z2 * f / (n + z2 * f)
        assert score(0, n, 0, n, correction=correction).ci() == pytest.approx((-limit, limit), rel=1e-13)


@pytest.mark.parametrize("case", R["plain"], ids=lambda c: f"{c['x1']}/{c['n1']} v {c['x2']}/{c['n2']}")
def test_score_interval_is_that_of_numerical_maximisation(case):
    """R: restricted likelihood maximised numerically, tests/reference/responders.R."""
    counts = [case[k] for k in ("x1", "n1", "x2", "n2")]
    assert score(*counts).ci() == pytest.approx((case["low"], case["high"]), abs=1e-12)
    assert score(*counts, correction=False).ci() == pytest.approx((case["mee"]["low"], case["mee"]["high"]), abs=1e-12)
    assert score(*counts).statistic() == pytest.approx(case["statistic"], rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("case", R["strata"], ids=lambda c: f"{len(c['x1'])} strata")
def test_strata_are_those_of_r(case):
    """R 4.2.2 mantelhaen.test, epiR 2.0.57 (Sato's interval), and the score interval as above."""
    given_tables = tables(*(case[k] for k in ("x1", "n1", "x2", "n2")))
    assert ScoreDifference(tables=given_tables).ci() == pytest.approx((case["low"], case["high"]), abs=1e-12)
    assert CMHTest(tables=given_tables).statistic == pytest.approx(case["chisq"], rel=1e-12)
    assert CMHTest(tables=given_tables).p_value == pytest.approx(case["p"], rel=1e-12)
    assert CMHTest(tables=given_tables, continuity=True).statistic == pytest.approx(case["chisq_cc"], rel=1e-12)
    assert CommonOddsRatio(tables=given_tables).estimate == pytest.approx(case["or"], rel=1e-12)
    assert CommonOddsRatio(tables=given_tables).ci() == pytest.approx(case["or_ci"], rel=1e-12)
    sato = MantelHaenszelDifference(tables=given_tables)
    assert (sato.estimate, *sato.ci()) == pytest.approx(case["sato"], rel=1e-12, abs=1e-14)


def test_berkeley_admissions():
    """R 4.2.2 mantelhaen.test; risk differences by two independent programs. A bracketing tolerance of 1e-4, R's default, shifts the
    score interval to (−0.047446, 0.010884)."""
    ucb = tables(*UCB)
    assert ScoreDifference(tables=ucb).ci() == pytest.approx((-0.047456, 0.010890), abs=5.1e-7)
    sato, gr = MantelHaenszelDifference(tables=ucb), MantelHaenszelDifference(tables=ucb, variance="greenland_robins")
    assert (sato.estimate, sato.std_error, gr.std_error) == pytest.approx((-0.0184252, 0.0148254, 0.0146195), abs=5.1e-8)
    assert CMHTest(tables=ucb).statistic == pytest.approx(1.52461, abs=5.1e-6)
    assert CMHTest(tables=ucb, continuity=True).statistic == pytest.approx(1.42695, abs=5.1e-6)
    odds = CommonOddsRatio(tables=ucb)
    assert (odds.estimate, *odds.ci()) == pytest.approx((0.904697, 0.771907, 1.060330), abs=5.1e-7)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [  # Newcombe 1998, Table II, method 10
        ((56, 70, 48, 80), (0.0524, 0.3339)),
        ((9, 10, 3, 10), (0.1705, 0.8090)),
        ((6, 7, 2, 7), (0.0582, 0.8062)),
        ((5, 56, 0, 29), (-0.0381, 0.1926)),
        ((0, 10, 0, 20), (-0.1611, 0.2775)),
        ((0, 10, 0, 10), (-0.2775, 0.2775)),
        ((10, 10, 0, 20), (0.6791, 1.0)),
        ((10, 10, 0, 10), (0.6075, 1.0)),
    ],
)
def test_newcombe_is_his_table(counts, expected):
    assert NewcombeDifference(tables=tables(*counts)).ci() == pytest.approx(expected, abs=5.1e-5)


def test_wilson_is_scipy():
    for events, subjects in [(0, 10), (3, 10), (10, 10), (48, 80)]:
        found = stats.binomtest(events, subjects).proportion_ci(method="wilson")
        assert wilson(events, subjects) == pytest.approx((found.low, found.high), abs=1e-14)


def test_one_table_is_the_textbook():
    """Mantel–Haenszel χ² is (N−1)/N of Pearson's; the odds ratio is ad/bc with Woolf's SE; the score statistic at 0 is its root."""
    one = tables(56, 70, 48, 80)
    pearson = stats.chi2_contingency([[56, 14], [48, 32]], correction=False).statistic
    assert CMHTest(tables=one).statistic == pytest.approx(pearson * 149 / 150, rel=1e-13)
    assert ScoreDifference(tables=one).statistic() ** 2 == pytest.approx(pearson * 149 / 150, rel=1e-13)
    assert ScoreDifference(tables=one, correction=False).statistic() ** 2 == pytest.approx(pearson, rel=1e-13)
    assert CommonOddsRatio(tables=one).estimate == pytest.approx(56 * 32 / (14 * 48), rel=1e-13)
    assert CommonOddsRatio(tables=one).log_std_error == pytest.approx(math.sqrt(1 / 56 + 1 / 14 + 1 / 48 + 1 / 32), rel=1e-13)


def test_a_margin_is_rejected_exactly_when_it_is_outside_the_interval():
    """36/154 v 12/77, margin −0.036: inside the interval (−0.036065, …), so p > 0.05. SAS's Farrington–Manning test gives one-sided
    0.0248 there, beside a Miettinen–Nurminen interval that does not exclude the margin: they are two statistics."""
    found = score(36, 154, 12, 77)
    assert found.p_value(-0.036) / 2 > 0.025
    assert score(36, 154, 12, 77, correction=False).p_value(-0.036) / 2 == pytest.approx(0.0248, abs=5.1e-5)


COUNTS = st.tuples(st.integers(1, 80), st.integers(1, 80)).flatmap(
    lambda n: st.tuples(st.integers(0, n[0]), st.just(n[0]), st.integers(0, n[1]), st.just(n[1]))
)


@settings(max_examples=200, derandomize=True)
@given(st.lists(COUNTS, min_size=1, max_size=4))
def test_properties_of_the_score_interval(rows):
    x1, n1, x2, n2 = map(list, zip(*rows, strict=True))
    found = score(x1, n1, x2, n2)
    low, high = found.ci()
    assert -1 <= low <= found.estimate <= high <= 1
    # swapping the arms swaps the limits with their sign; so does counting non-events (limits near ±1 are ill-conditioned)
    assert score(x2, n2, x1, n1).ci() == pytest.approx((-high, -low), abs=1e-10)
    less1, less2 = [n - x for n, x in zip(n1, x1, strict=True)], [n - x for n, x in zip(n2, x2, strict=True)]
    assert score(less1, n1, less2, n2).ci() == pytest.approx((-high, -low), abs=1e-10)
    # the interval holds what the test does not reject, and a wider level holds a narrower one
    for limit in (low, high):
        if abs(limit) < 1 - 1e-9:
            assert found.p_value(limit) == pytest.approx(0.05, abs=1e-7)
    narrow = found.ci(0.8)
    assert low <= narrow[0] <= narrow[1] <= high
    # what is outside is rejected; in one table what is inside is not, and the statistic falls with the hypothesis
    grid = np.linspace(-0.999, 0.999, 101)
    values = np.array([found.statistic(d) for d in grid])
    outside = (grid < low - 1e-9) | (grid > high + 1e-9)
    assert (np.abs(values[outside]) > stats.norm.ppf(0.975)).all()
    if len(rows) == 1:
        assert (np.abs(values[~outside]) <= stats.norm.ppf(0.975) + 1e-6).all()
        assert (np.diff(values[np.isfinite(values)]) <= 1e-9).all()


def test_limits_enclose_all_that_is_not_rejected():
    """Strata 0/1 v 0/1 and 5/5 v 0/1: the statistic is not monotone there."""
    found = score([0, 5], [1, 5], [0, 0], [1, 1])
    grid = np.linspace(-0.9999, 0.9999, 2001)
    accepted = grid[[found.p_value(d) >= 0.05 for d in grid]]
    low, high = found.ci()
    assert low <= accepted.min() and accepted.max() <= high
    assert found.p_value(low) == pytest.approx(0.05, abs=1e-9)


@settings(max_examples=200, derandomize=True)
@given(COUNTS, st.floats(-0.98, 0.98))
def test_restricted_estimates_maximise_the_likelihood(counts, delta):
    x1, n1, x2, n2 = counts
    (p1,), (p2,) = restricted_estimates(tables(*counts), delta)
    low, high = max(0.0, -delta), min(1.0, 1 - delta)

    def loss(p):
        terms = [(x1, p + delta), (n1 - x1, 1 - p - delta), (x2, p), (n2 - x2, 1 - p)]
        return -sum(n * math.log(max(q, 1e-300)) for n, q in terms if n)

    best = optimize.minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-10})
    assert p1 - p2 == pytest.approx(delta, abs=1e-12)
    # where a root of the cubic is nearly double, half of the digits is all there is
    assert loss(p2) <= best.fun + (1e-9 if abs(delta) > 1e-4 else 1e-7)


def test_nothing_happens_and_everything_happens():
    for counts in ((0, 40, 0, 40), (40, 40, 40, 40)):
        found = score(*counts)
        assert (found.estimate, found.statistic(), found.p_value()) == (0, 0, 1)
        assert math.isnan(CMHTest(tables=tables(*counts)).p_value)
        assert math.isnan(CommonOddsRatio(tables=tables(*counts)).estimate)
        assert all(map(math.isnan, MantelHaenszelDifference(tables=tables(*counts)).ci()))
    assert score(40, 40, 0, 40).ci()[1] == 1
    assert score(0, 40, 40, 40).ci()[0] == -1
    assert CommonOddsRatio(tables=tables(5, 40, 0, 40)).estimate == math.inf
    assert CommonOddsRatio(tables=tables(0, 40, 5, 40)).estimate == 0
    assert all(map(math.isnan, CommonOddsRatio(tables=tables(5, 40, 0, 40)).ci()))


def test_strata_without_a_group_are_dropped_and_named():
    full = score([3, 5], [10, 20], [1, 2], [10, 20])
    with_empty = score([3, 4, 5, 0], [10, 9, 20, 0], [1, 0, 2, 3], [10, 0, 20, 5])
    assert with_empty.tables.dropped == (1, 3)
    assert with_empty.ci() == full.ci()
    # a stratum without events stays: it says that the difference there is 0
    assert score([3, 0], [10, 50], [1, 0], [10, 50]).estimate == pytest.approx(0.2 * 5 / 30)
    assert CMHTest(tables=tables([3, 0], [10, 50], [1, 0], [10, 50])).informative == 1


def test_numbers_needed():
    """Altman, BMJ 1998;317:1309: a difference of 0.1 (−0.05 to 0.2) is NNTB 10 (NNTB 5 to ∞ to NNTH 20)."""
    found = number_needed(0.1, -0.05, 0.2)
    assert (found.estimate, found.benefit) == (10, True)
    assert (found.benefit_range, found.harm_range) == ((5, math.inf), (20, math.inf))
    clear = number_needed(0.1, 0.05, 0.2)
    assert (clear.benefit_range, clear.harm_range) == ((5, 20), None)
    harm = number_needed(-0.1, -0.2, -0.05)
    assert (harm.estimate, harm.benefit, harm.benefit_range, harm.harm_range) == (10, False, None, (5, 20))
    assert number_needed(0.1, 0.05, 0.2, event_is_good=False) == harm
    nothing = number_needed(0.0, -0.1, 0.1)
    assert (nothing.estimate, nothing.benefit_range, nothing.harm_range) == (math.inf, (10, math.inf), (10, math.inf))
    assert number_needed(0.1, 0.0, 0.2).benefit_range == (5, math.inf)
    with pytest.raises(ValueError, match="not a risk difference"):
        number_needed(0.1, 0.2, 0.3)


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ((5, 4, 1, 3), "5 events of 4 subjects in group 1, stratum 0"),
        ((-1, 4, 1, 3), "x1 = -1 in stratum 0 is not a count"),
        ((1, 4, 1, 3.5), "n2 = 3.5"),
        (([1, 2], [3, 4], [1], [2]), "vectors of one length"),
        ((0, 0, 1, 3), "no stratum has subjects in both groups"),
    ],
)
def test_bad_counts(counts, message):
    with pytest.raises(ValueError, match=message):
        tables(*counts)


def test_bad_requests():
    with pytest.raises(ValueError, match="2 strata"):
        NewcombeDifference(tables=tables([1, 2], [3, 4], [1, 1], [3, 3]))
    with pytest.raises(ValueError, match="confidence level"):
        score(1, 2, 1, 2).ci(95)
    with pytest.raises(ValueError, match="not between"):
        score(1, 2, 1, 2).statistic(2)
