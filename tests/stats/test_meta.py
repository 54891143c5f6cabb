"""Meta-analysis: R metafor 3.8.1 (tests/reference/evidence.R), printed values of the 13 BCG trials, statsmodels, and identities."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from nirls.errors import MethodError
from nirls.stats.meta import funnel, pool

R = json.loads((Path(__file__).parents[1] / "reference/evidence.json").read_text())["meta"]
ALL = pytest.mark.parametrize("name", list(R))


def of(name, method="REML"):
    return pool(R[name]["y"], R[name]["se"], method), R[name]


def test_bcg_as_printed():
    """Log risk ratios of 13 trials of the BCG vaccine (Colditz 1994); R metafor, every printed digit."""
    p, _ = of("bcg")
    printed = lambda value, text: f"{value:.{len(text.split('.')[1])}f}" == text  # noqa: E731
    one, hk = p.normal(), p.hksj()
    assert printed(p.tau2, "0.313243") and printed(one.estimate, "-0.714532") and printed(one.std_error, "0.179782")
    assert [f"{v:.6f}" for v in one.ci()] == ["-1.066898", "-0.362167"]
    assert printed(hk.std_error, "0.180792") and [f"{v:.6f}" for v in hk.ci()] == ["-1.108444", "-0.320621"]
    assert [f"{v:.6f}" for v in p.prediction(df=math.inf)[:2]] == ["-1.866692", "0.437628"]
    assert [f"{v:.6f}" for v in p.prediction()[:2]] == ["-2.008376", "0.579311"] and p.prediction()[2] == 11
    assert [f"{v:.6f}" for v in p.prediction(error=hk.std_error, df=12)[:2]] == ["-1.996017", "0.566952"]
    for method, text in (("DL", "0.308760"), ("PM", "0.318069"), ("ML", "0.280028")):
        # 0.31806845 of metafor 3.8.1 rounds to 0.318068; 0.318069 is its EB, which stops there
        assert of("bcg", method)[0].tau2 == pytest.approx(float(text), abs=1e-6)
    assert printed(p.q_test()[0], "152.2330") and printed(p.i_squared(), "92.221") and printed(p.i_squared_q(), "92.117")
    assert [f"{v:.4f}" for v in p.tau2_ci()] == ["0.1197", "1.1115"]


@ALL
@pytest.mark.parametrize("method", ["REML", "DL", "PM", "ML"])
def test_random_effects(name, method):
    p, r = of(name, method)
    want, found = r["fits"][method], p.normal()
    assert p.tau2 == pytest.approx(want["tau2"], rel=1e-7, abs=1e-9)
    assert (found.estimate, found.std_error, *found.ci()) == pytest.approx((want["estimate"], want["se"], *want["ci"]), rel=1e-7)
    assert 100 * p.weights == pytest.approx(want["weights"], rel=1e-7) and p.i_squared() == pytest.approx(want["I2"], rel=1e-7, abs=1e-9)


@ALL
def test_intervals_and_heterogeneity(name):
    p, r = of(name)
    hk, changed, common = p.hksj(), p.hksj(modified=True), p.common()
    assert (hk.std_error, *hk.ci(), hk.p_value) == pytest.approx((r["hk"]["se"], *r["hk"]["ci"], r["hk"]["p"]), rel=1e-7)
    assert (changed.std_error, *changed.ci()) == pytest.approx((r["adhoc"]["se"], *r["adhoc"]["ci"]), rel=1e-7)
    assert (common.estimate, common.std_error, *common.ci()) == pytest.approx(
        (r["common"]["estimate"], r["common"]["se"], *r["common"]["ci"]), rel=1e-10
    )
    q, df, pv = p.q_test()
    assert (q, df, pv) == pytest.approx((r["Q"], p.k - 1, r["Qp"]), rel=1e-9) and p.i_squared_q() == pytest.approx(r["I2_Q"], abs=1e-9)
    if p.k > 2:
        assert p.tau2_ci() == pytest.approx(r["tau2_ci"], rel=1e-7, abs=1e-9)
        assert [p.i_squared(t) for t in p.tau2_ci()] == pytest.approx(r["I2_ci"], rel=1e-7, abs=1e-9)
        assert p.prediction()[:2] == pytest.approx(r["pi_hts"], rel=1e-7)
        assert p.prediction(df=math.inf)[:2] == pytest.approx(r["metafor_pi_z"], rel=1e-7)
        assert p.prediction(error=hk.std_error, df=p.k - 1)[:2] == pytest.approx(r["metafor_pi_hk"], rel=1e-7)


@pytest.mark.parametrize("name", ["bcg", "spread", "alike"])
def test_leave_one_out_and_funnel(name):
    r = R[name]
    y, s = np.array(r["y"]), np.array(r["se"])
    for i, want in enumerate(r["leave1out"]):
        p = pool(np.delete(y, i), np.delete(s, i))
        assert p.tau2 == pytest.approx(want["tau2"], rel=1e-6, abs=1e-9)
        assert (p.hksj().estimate, p.hksj().std_error) == pytest.approx((want["estimate"], want["se"]), rel=1e-6)
    f = funnel(y, s, least=3)
    assert (f.statistic, f.df, f.p_value) == pytest.approx((r["egger"]["t"], r["egger"]["df"], r["egger"]["p"]), rel=1e-9)


@pytest.mark.parametrize("name", ["bcg", "spread"])
def test_statsmodels(name):
    """combine_effects has DerSimonian-Laird and Paule-Mandel, the common effect, Q, and the error of HKSJ."""
    from statsmodels.stats.meta_analysis import combine_effects

    y, s = np.array(R[name]["y"]), np.array(R[name]["se"])
    for method, theirs in (("DL", "dl"), ("PM", "iterated")):
        p, found = (
            pool(y, s, method),
            combine_effects(y, s**2, method_re=theirs, use_t=True, **({"atol": 1e-12} if theirs == "iterated" else {})),
        )
        assert p.tau2 == pytest.approx(found.tau2, rel=1e-5)
        assert (p.hksj().estimate, p.hksj().std_error) == pytest.approx((found.mean_effect_re, found.sd_eff_w_re_hksj), rel=1e-6)
        assert (p.common().estimate, p.common().std_error) == pytest.approx((found.mean_effect_fe, found.sd_eff_w_fe), rel=1e-10)
        assert p.q_test()[0] == pytest.approx(found.q, rel=1e-10)


def test_the_estimate_maximises_the_restricted_likelihood():
    """Against a fine grid, also where the likelihood has its maximum at 0."""
    rng = np.random.default_rng(3)

    def value(t, y, v):
        w = 1 / (v + t)
        return -0.5 * (np.log(v + t).sum() + w @ (y - w @ y / w.sum()) ** 2 + math.log(w.sum()))

    for _ in range(60):
        k = int(rng.integers(2, 9))
        s = rng.uniform(0.4, 3, k)
        y = rng.normal(-3, np.sqrt(s**2 + rng.choice([0, 4])))
        best, grid = pool(y, s).tau2, np.concatenate([[0], np.logspace(-5, 2.5, 600)])
        assert value(best, y, s**2) >= max(value(t, y, s**2) for t in grid) - 1e-10


def test_scale_and_shift():
    p, moved = pool(R["spread"]["y"], R["spread"]["se"]), pool(10 - 3 * np.array(R["spread"]["y"]), 3 * np.array(R["spread"]["se"]))
    assert moved.tau2 == pytest.approx(9 * p.tau2, rel=1e-8) and moved.hksj().estimate == pytest.approx(
        10 - 3 * p.hksj().estimate, rel=1e-8
    )


def test_few_studies():
    one = pool([-3.4], [1.0])
    assert one.tau2 == 0 and one.normal().estimate == -3.4
    with pytest.raises(MethodError, match="nothing to pool"):
        one.hksj()
    with pytest.raises(MethodError, match="needs three studies; there are two"):
        of("two")[0].prediction()
    with pytest.raises(MethodError, match="no power with fewer than 10 studies; there are 3"):
        funnel(np.array(R["three"]["y"]), np.array(R["three"]["se"]))
    low, high = of("two")[0].hksj().ci()
    assert high - low > 60  # t of one degree of freedom: 12.7 standard errors either way


@pytest.mark.parametrize(("y", "s"), [([], []), ([1.0], [0.0]), ([1.0, math.nan], [1, 1]), ([1.0], [1.0, 2.0])])
def test_what_cannot_be_pooled(y, s):
    with pytest.raises(MethodError):
        pool(y, s)


def test_equal_estimates_have_no_hksj_error():
    pooled = pool([-3.4, -3.4], [0.8, 1.1])
    with pytest.raises(MethodError, match="do not differ"):
        pooled.hksj()
    assert pooled.hksj(modified=True).std_error == pytest.approx(pooled.normal().std_error)
