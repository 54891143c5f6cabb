"""Exact rates and proportions against R 4.2.2 (`tests/reference/safety.R`: poisson.test, binom.test) and the numbers of the design."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from nirls.stats.rates import RateRatio, binomial_interval, poisson_interval

R = json.loads((Path(__file__).parents[1] / "reference" / "safety.json").read_text(encoding="utf-8"))["rates"]


@pytest.mark.parametrize(
    ("count", "exposure", "level", "name"), [(0, 25.3, 0.95, "none_25_3"), (4, 52.3, 0.95, "four_52_3"), (137, 1234.5, 0.9, "many")]
)
def test_rate(count, exposure, level, name):
    assert poisson_interval(count, exposure, level) == pytest.approx((R[name]["low"], R[name]["high"]), rel=1e-12)


@pytest.mark.parametrize(
    ("x1", "t1", "x2", "t2", "name"), [(11, 800, 21, 3011, "ratio_11_800_21_3011"), (4, 52.3, 0, 49.8, "ratio_4_52_3_0_49_8")]
)
def test_ratio(x1, t1, x2, t2, name):
    ratio, r = RateRatio(x1=x1, t1=t1, x2=x2, t2=t2), R[name]
    assert ratio.ci()[0] == pytest.approx(r["low"], rel=1e-12) and ratio.p_value == pytest.approx(r["p"], rel=1e-10)
    if r["high"] == "Inf":
        assert ratio.estimate == math.inf and ratio.ci()[1] == math.inf
    else:
        assert (ratio.estimate, ratio.ci()[1]) == pytest.approx((r["estimate"], r["high"]), rel=1e-12)


def test_printed_values():
    """11/800 v 21/3011, 0 in 25.3, 4 in 52.3 (per 100), 4/52.3 v 0/49.8, 0 of 40."""
    ratio = RateRatio(x1=11, t1=800, x2=21, t2=3011)
    assert (round(ratio.estimate, 6), *np.round(ratio.ci(), 6), round(ratio.p_value, 6)) == (1.971488, 0.858426, 4.277266, 0.079669)
    assert round(100 * poisson_interval(0, 25.3)[1], 6) == 14.580551
    assert tuple(np.round(100 * np.array(poisson_interval(4, 52.3)), 6)) == (2.083873, 19.582388)
    none = RateRatio(x1=4, t1=52.3, x2=0, t2=49.8)
    assert round(none.ci()[0], 6) == 0.628569 and round(none.p_value, 5) == 0.12545
    assert round(binomial_interval(0, 40)[1], 6) == 0.088097


@pytest.mark.parametrize(("x", "n", "level", "name"), [(0, 40, 0.95, "none_of_40"), (7, 87, 0.95, "seven_of_87"), (9, 9, 0.9, "all_of_9")])
def test_proportion(x, n, level, name):
    assert binomial_interval(x, n, level) == pytest.approx((R[name]["low"], R[name]["high"]), rel=1e-12, abs=1e-15)


def test_limits_are_where_the_tails_are():
    """At the limits of Garwood the Poisson tails are α/2."""
    low, high = poisson_interval(7, 1.0, 0.95)
    assert stats.poisson.sf(6, low) == pytest.approx(0.025, rel=1e-10) and stats.poisson.cdf(7, high) == pytest.approx(0.025, rel=1e-10)


def test_without_events():
    ratio = RateRatio(x1=0, t1=10, x2=0, t2=20)
    assert math.isnan(ratio.estimate) and ratio.ci() == (0.0, math.inf) and ratio.p_value == 1.0
    assert poisson_interval(0, 5)[0] == 0.0
    one_sided = RateRatio(x1=0, t1=10, x2=5, t2=20)
    assert one_sided.estimate == 0 and one_sided.ci()[0] == 0 and one_sided.ci()[1] < math.inf


@pytest.mark.parametrize("call", [lambda: poisson_interval(1, 0), lambda: binomial_interval(3, 2), lambda: poisson_interval(1, 1, 1.0)])
def test_impossible_input(call):
    with pytest.raises(ValueError):
        call()
