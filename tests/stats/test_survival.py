"""Survival against R survival 3.5.3 (survival.json, hazards.json of tests/reference) and Freireich's leukaemia trial."""

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nirls.errors import NotEstimableError
from nirls.models.hazards import cox, discrete
from nirls.stats.survival import cumulative_incidence, kaplan_meier, logrank, permutation_p, proportional_hazards

HERE = Path(__file__).parents[1] / "reference"
R = json.loads((HERE / "survival.json").read_text(encoding="utf-8"))
H = json.loads((HERE / "hazards.json").read_text(encoding="utf-8"))

# Freireich EJ et al. Blood 1963;21:699–716: 6-MP, then control
T = np.array([6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35,
              1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23], dtype=float)  # fmt: skip
E = np.array([1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0] + [1] * 21)
X = np.repeat([1, 0], 21)


@pytest.fixture(scope="module")
def relapse():
    return pd.read_csv(HERE / "relapse.csv", keep_default_na=False)


def of(frame, arm):
    own = frame[frame["TRT"] == arm]
    return kaplan_meier(own["WEEK"], own["EVENT"])


@pytest.mark.parametrize(("transform", "key"), [("log", "km_log"), ("log-log", "km_loglog")])
def test_kaplan_meier_of_relapse(relapse, transform, key):
    r = R[key]
    for i, arm in enumerate(("SHAM", "NIR")):
        km = of(relapse, arm)
        assert km.quantile(0.5, 0.95, transform) == (r["median"][i], r["lower"][i], r["upper"][i])
        at = km.at([4, 8], 0.95, transform)
        rows = slice(2 * i, 2 * i + 2)
        np.testing.assert_array_equal(at["n_risk"], r["at"]["n_risk"][rows])
        for ours, theirs in {"survival": "surv", "std_error": "se", "conf_low": "lower", "conf_high": "upper"}.items():
            np.testing.assert_allclose(at[ours], r["at"][theirs][rows], rtol=1e-12)


def test_tests_of_relapse(relapse):
    arm = relapse["TRT"]
    assert logrank(relapse["WEEK"], relapse["EVENT"], arm).statistic == pytest.approx(R["logrank"], rel=1e-12)
    assert logrank(relapse["WEEK"], relapse["EVENT"], arm, relapse["SITE"]).statistic == pytest.approx(R["logrank_stratified"], rel=1e-12)
    x = (arm == "NIR").to_numpy().astype(float)
    data = relapse["WEEK"].to_numpy(), relapse["EVENT"].to_numpy(), x
    for ties in ("efron", "breslow"):
        plain, stratified = cox(*data, ties=ties), cox(*data, relapse["SITE"].to_numpy(), ties=ties)
        r = R[f"cox_{ties}"]
        assert (plain.log_ratio, plain.std_error) == (pytest.approx(r["coef"], rel=1e-8), pytest.approx(r["se"], rel=1e-8))
        assert stratified.log_ratio == pytest.approx(r["stratified"]["coef"], rel=1e-8)
        assert stratified.std_error == pytest.approx(r["stratified"]["se"], rel=1e-8)
    beta = cox(*data).log_ratio
    assert proportional_hazards(data[0], data[1], x, [beta]).statistic == pytest.approx(R["zph_km"]["chisq"], rel=1e-6)
    site = relapse["SITE"].to_numpy()
    beta = cox(*data, site).log_ratio
    for transform, key in (("km", "zph_stratified"), ("identity", "zph_identity")):
        found = proportional_hazards(data[0], data[1], x, [beta], site, transform=transform)
        assert found.statistic == pytest.approx(H[key]["chisq"], rel=1e-6)
    for i, name in enumerate(("SHAM", "NIR")):
        mean = of(relapse, name).restricted_mean(8)
        assert mean.estimate == pytest.approx(R["rmst_8"]["rmst"][i], rel=1e-12)
        assert mean.std_error == pytest.approx(R["rmst_8"]["se"][i], rel=1e-12)


def test_discrete_time(relapse):
    """glm(…, binomial("cloglog")) over visits."""
    x = (relapse["TRT"] == "NIR").to_numpy().astype(float)
    found = discrete(relapse["WEEK"].round().astype(int).to_numpy(), relapse["EVENT"].to_numpy(), x)
    assert (found.log_ratio, found.std_error) == pytest.approx(tuple(H["cloglog"]), rel=1e-6)


def test_cumulative_incidence(relapse):
    """survfit(Surv(WEEK, factor(cause))); without a competing event it is 1 − Kaplan–Meier with Greenwood's standard error."""
    cause = np.where(relapse["EVENT"] == 1, 1 + (np.arange(1, 1 + len(relapse)) % 4 == 0), 0)
    r = H["incidence"]
    for i, arm in enumerate(("SHAM", "NIR")):
        own = (relapse["TRT"] == arm).to_numpy()
        for which in (1, 2):
            found = cumulative_incidence(relapse["WEEK"][own], cause[own], which)
            np.testing.assert_allclose(found.at([4, 8])["estimate"], r[f"cause{which}"][2 * i : 2 * i + 2], rtol=1e-12)
            np.testing.assert_allclose(found.at([4, 8])["std_error"], r[f"se{which}"][2 * i : 2 * i + 2], rtol=1e-9)
        alone, km = cumulative_incidence(relapse["WEEK"][own], relapse["EVENT"][own]), of(relapse, arm)
        np.testing.assert_allclose(alone.estimate, 1 - km.survival, rtol=1e-12)
        some = km.survival > 0
        np.testing.assert_allclose(alone.std_error[some], km.std_error[some], rtol=1e-10)


def test_leukaemia():
    """R survival: medians, log-rank, Cox by both rules for ties, limits at ten weeks by three transformations, restricted means."""
    treated, control = kaplan_meier(T[:21], E[:21]), kaplan_meier(T[21:], E[21:])
    assert treated.quantile(0.5, 0.95, "log")[:2] == (23, 16) and np.isnan(treated.quantile(0.5, 0.95, "log")[2])
    assert treated.quantile(0.5, 0.95, "log-log")[:2] == (23, 13) and np.isnan(treated.quantile(0.5, 0.95, "log-log")[2])
    assert control.quantile(0.5, 0.95, "log") == (8, 4, 12) and control.quantile(0.5, 0.95, "log-log") == (8, 4, 11)
    assert logrank(T, E, X).statistic == pytest.approx(16.7929, abs=5e-5)
    for ties, coef, se in (("efron", -1.572125, 0.412397), ("breslow", -1.509191, 0.409564)):
        found = cox(T, E, X, ties=ties)
        assert (found.log_ratio, found.std_error) == (pytest.approx(coef, abs=5e-7), pytest.approx(se, abs=5e-7))
    limits = {"log": (0.585919, 0.967575), "log-log": (0.503200, 0.889362), "plain": (0.564099, 0.941783)}
    for transform, (low, high) in limits.items():
        at = treated.at(10, 0.95, transform)
        assert (at["survival"][0], at["std_error"][0]) == (pytest.approx(0.752941, abs=5e-7), pytest.approx(0.096350, abs=5e-7))
        assert (at["conf_low"][0], at["conf_high"][0]) == (pytest.approx(low, abs=5e-7), pytest.approx(high, abs=5e-7))
    a, b = treated.restricted_mean(20), control.restricted_mean(20)
    assert (a.estimate, a.std_error) == (pytest.approx(16.116527, abs=5e-7), pytest.approx(1.251560, abs=5e-7))
    assert (b.estimate, b.std_error) == (pytest.approx(8.428571, abs=5e-7), pytest.approx(1.268083, abs=5e-7))
    assert np.hypot(a.std_error, b.std_error) == pytest.approx(1.781695, abs=5e-7)
    beta = cox(T, E, X).log_ratio
    for transform in ("km", "identity"):
        found = proportional_hazards(T, E, X, [beta], transform=transform)
        r = H[f"leukaemia_zph_{transform}"]
        assert (found.statistic, found.p_value) == (pytest.approx(r["chisq"], rel=1e-5), pytest.approx(r["p"], rel=1e-5))
    beta = cox(T, E, X, ties="breslow").log_ratio
    found = proportional_hazards(T, E, X, [beta], ties="breslow")
    assert found.statistic == pytest.approx(H["leukaemia_zph_breslow"]["chisq"], rel=1e-5)


def test_against_statsmodels():
    from statsmodels.duration.survfunc import SurvfuncRight

    theirs, ours = SurvfuncRight(T[:21], E[:21]), kaplan_meier(T[:21], E[:21])
    at = ours.at(theirs.surv_times)
    np.testing.assert_allclose(at["survival"], theirs.surv_prob, rtol=1e-12)
    np.testing.assert_allclose(at["std_error"], theirs.surv_prob_se, rtol=1e-12)


def test_nobody_has_the_event():
    km = kaplan_meier([3, 5, 8], [0, 0, 0])
    assert np.isnan(km.quantile(0.5)).all()
    at = km.at([4, 9])
    np.testing.assert_array_equal(at["survival"], [1.0, np.nan])
    np.testing.assert_array_equal(at["n_risk"], [2, 0])
    assert km.restricted_mean(8).estimate == 8 and km.restricted_mean(8).std_error == 0
    assert np.isnan(logrank([3, 5, 8], [0, 0, 0], [0, 1, 1]).statistic)
    with pytest.raises(NotEstimableError, match="no event in either arm"):
        cox(np.array([3.0, 5, 8]), np.zeros(3), np.array([0, 1, 1]))


def test_no_event_in_one_arm():
    """The log-rank test stays; the hazard ratio would be 0."""
    time, event, arm = np.array([1.0, 2, 3, 4, 5, 6, 7, 8]), np.array([1, 1, 1, 0, 0, 0, 0, 0]), np.array([0, 0, 0, 0, 1, 1, 1, 1])
    assert logrank(time, event, arm).p_value < 0.1
    with pytest.raises(NotEstimableError, match="no event in one of the arms"):
        cox(time, event, arm)
    with pytest.raises(NotEstimableError, match="no event in one of the arms"):
        discrete(time.astype(int), event, arm)


def test_permutations_against_all_of_them():
    """Every way to choose three of eight, by the log-rank statistic itself; the draws come within their Monte-Carlo error."""
    time, event, arm = np.array([1.0, 2, 3, 4, 5, 6, 7, 8]), np.array([1, 1, 1, 0, 1, 0, 1, 0]), np.array([1, 0, 1, 0, 0, 1, 0, 0])

    def difference(label):
        found = logrank(time, event, label)
        return found.observed[1] - found.expected[1]

    every = []
    for chosen in combinations(range(8), 3):
        label = np.zeros(8, dtype=int)
        label[list(chosen)] = 1
        every.append(difference(label))
    centre = np.mean(every)
    exact = np.mean(np.abs(np.array(every) - centre) >= abs(difference(arm) - centre) - 1e-9)
    found = permutation_p(time, event, arm, draws=100_000, seed=3)
    assert found == pytest.approx(exact, abs=4 * (exact * (1 - exact) / 100_000) ** 0.5)
    assert found == permutation_p(time, event, arm, draws=100_000, seed=3)
    two = permutation_p(np.tile(time, 2), np.tile(event, 2), np.tile(arm, 2), np.repeat([0, 1], 8), draws=20_000)
    assert 0 < two < 1


@pytest.mark.parametrize(
    ("time", "event", "said"),
    [([1, -2], [1, 0], "negative"), ([1, np.nan], [1, 0], "not a number"), ([1, 2], [1, 2], "0 or 1"), ([], [], "empty")],
)
def test_refuses(time, event, said):
    with pytest.raises(ValueError, match=said):
        kaplan_meier(time, event)
    if said == "negative":
        with pytest.raises(ValueError, match="beyond the longest follow-up 2"):
            kaplan_meier([1, 2], [1, 0]).restricted_mean(3)
