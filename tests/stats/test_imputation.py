"""Imputation: strategies, conditional distributions, δ, draws, pooling and tipping points."""

import numpy as np
import pytest
from scipy import stats

from nirls.errors import DataError, MethodError, NotEstimableError
from nirls.stats.imputation import strategies
from nirls.stats.imputation.ancova import Rows, analyse
from nirls.stats.imputation.delta import added, layers
from nirls.stats.imputation.draws import Draws, bootstrap, estimate, fit_model, jackknife, visible
from nirls.stats.imputation.gibbs import _inverse_wishart, posterior
from nirls.stats.imputation.impute import complete
from nirls.stats.imputation.layout import Layout
from nirls.stats.imputation.pool import bootstrap as pool_bootstrap
from nirls.stats.imputation.pool import jackknife as pool_jackknife
from nirls.stats.imputation.pool import rubin
from nirls.stats.imputation.seeds import stream
from nirls.stats.imputation.strategies import STRATEGIES
from nirls.stats.imputation.tipping import tipping_point

OWN, REFERENCE = np.array([-2.0, -4.0, -6.0, -7.0]), np.array([-1.0, -1.5, -2.0, -2.5])
ONE = Rows(matrix=np.array([[0.0, 1.0, 0.0]]))


def covariance(rng, t):
    a = rng.normal(size=(t, t + 3))
    return a @ a.T


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("MAR", [-2, -4, -6, -7]),
        ("J2R", [-2, -4, -2, -2.5]),
        ("CR", [-1, -1.5, -2, -2.5]),
        ("CIR", [-2, -4, -4.5, -5]),  # −4 + (−2 − −1.5), −4 + (−2.5 − −1.5)
        ("LMCF", [-2, -4, -4, -4]),
    ],
)
def test_means_by_hand(strategy, expected):
    np.testing.assert_allclose(strategies.mean(strategy, OWN, REFERENCE, 2), expected)
    assert strategies.mean(strategy, OWN, REFERENCE, 4) is OWN  # no event


def test_event_at_the_first_visit():
    np.testing.assert_array_equal(strategies.mean("CIR", OWN, REFERENCE, 0), REFERENCE)
    with pytest.raises(NotEstimableError, match="first visit"):
        strategies.mean("LMCF", OWN, REFERENCE, 0)
    np.testing.assert_array_equal(strategies.mean("LMCF", OWN, REFERENCE, 0, anchor=0.0), np.zeros(4))


def test_joined_covariance():
    """Carpenter, Roger & Kenward (2013): Σ before the event, the reference's regression on the past and residual after it."""
    rng = np.random.default_rng(1)
    own, reference = covariance(rng, 5), covariance(rng, 5)
    for strategy in ("J2R", "CIR"):
        s = strategies.covariance(strategy, own, reference, 2)
        np.testing.assert_allclose(s[:2, :2], own[:2, :2])
        slope = reference[2:, :2] @ np.linalg.inv(reference[:2, :2])
        np.testing.assert_allclose(s[2:, :2] @ np.linalg.inv(s[:2, :2]), slope)
        left = reference[2:, 2:] - slope @ reference[:2, 2:]
        np.testing.assert_allclose(s[2:, 2:] - s[2:, :2] @ np.linalg.inv(s[:2, :2]) @ s[:2, 2:], left)
        np.testing.assert_allclose(strategies.covariance(strategy, own, own, 2), own)
        np.testing.assert_array_equal(strategies.covariance(strategy, own, reference, 0), reference)
    np.testing.assert_array_equal(strategies.covariance("CR", own, reference, 2), reference)
    for strategy in ("MAR", "LMCF"):
        np.testing.assert_array_equal(strategies.covariance(strategy, own, reference, 2), own)


@pytest.fixture(scope="module")
def trial():
    """60 subjects, 4 visits, two arms: dropout, retrieved values after the event, gaps. (layout, design of the analysis)."""
    rng = np.random.default_rng(5)
    n, t = 60, 4
    arm, base = np.arange(n) % 2, rng.normal(25, 4, n)
    sigma = 9 * 0.7 ** np.abs(np.subtract.outer(np.arange(t), np.arange(t)))
    y = rng.multivariate_normal(np.zeros(t), sigma, n) - 0.2 * (base - 25)[:, None] - 1.5 * arm[:, None] * np.arange(1, t + 1)
    event = np.where(rng.random(n) < 0.35, rng.integers(1, t, n), t)
    y[(np.arange(t) >= event[:, None]) & (rng.random((n, t)) < 0.7)] = np.nan
    y[[2, 7], 1] = np.nan

    def design(a):
        return np.concatenate([np.eye(t)[None] * c[:, None, None] for c in (np.ones(n), base, a * 1.0)], axis=2)

    zero = np.zeros(n, dtype=int)
    layout = Layout(y=y, x=design(arm), x_reference=design(zero), event=event, arm=arm, group=zero, group_reference=zero)
    return layout, np.column_stack([np.ones(n), arm, base])


def by_arm(layout):
    return Layout(
        y=layout.y, x=layout.x, x_reference=layout.x_reference, event=layout.event, arm=layout.arm, group=layout.arm,
        group_reference=layout.group_reference,
    )  # fmt: skip


@pytest.mark.parametrize("own_covariance", [False, True])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_conditional_distribution_subject_by_subject(trial, strategy, own_covariance):
    """The same formulas for one subject at a time, with explicit inverses; random draws have the mean and covariance they should."""
    layout = by_arm(trial[0]) if own_covariance else trial[0]
    rng = np.random.default_rng(2)
    draws = Draws(
        beta=rng.normal(size=(2, 12)),
        sigma=np.stack([[covariance(rng, 4), covariance(rng, 4)] for _ in range(2)]),
        weights=np.ones((2, 60)),
    )
    who = np.full(layout.n, strategy)
    filled = complete(layout, draws, who)
    noise = rng.normal(size=(2, layout.n, 4))
    random = complete(layout, draws, who, noise=noise)
    np.testing.assert_array_equal(filled[:, ~layout.missing], np.broadcast_to(layout.y[~layout.missing], (2, (~layout.missing).sum())))
    for i in np.flatnonzero(layout.missing.any(axis=1)):
        m, o = np.flatnonzero(layout.missing[i]), np.flatnonzero(~layout.missing[i])
        for b in range(2):
            mu = strategies.mean(strategy, layout.x[i] @ draws.beta[b], layout.x_reference[i] @ draws.beta[b], layout.event[i])
            own, ref = draws.sigma[b, layout.group[i]], draws.sigma[b, layout.group_reference[i]]
            s = strategies.covariance(strategy, own, ref, layout.event[i])
            slope = s[np.ix_(m, o)] @ np.linalg.inv(s[np.ix_(o, o)])
            expected = mu[m] + slope @ (layout.y[i, o] - mu[o])
            np.testing.assert_allclose(filled[b, i, m], expected, rtol=1e-9)
            left = s[np.ix_(m, m)] - slope @ s[np.ix_(o, m)]
            np.testing.assert_allclose(random[b, i, m], expected + np.linalg.cholesky(left) @ noise[b, i, m], rtol=1e-8)


def test_without_event_all_strategies_agree(trial):
    layout, z = trial
    calm = Layout(
        y=layout.y, x=layout.x, x_reference=layout.x_reference, event=np.full(60, 4), arm=layout.arm, group=layout.group,
        group_reference=layout.group_reference,
    )  # fmt: skip
    found = []
    for strategy in STRATEGIES:
        who = np.full(60, strategy)
        draws = estimate(calm, fit_model(calm, visible(calm, who)))
        found.append(analyse(complete(calm, draws, who)[None], z, draws.weights, ONE).estimate(np.ones(1)))
    np.testing.assert_array_equal(found, np.broadcast_to(found[0], np.shape(found)))


def test_jump_to_reference_attenuates_by_the_share_of_dropouts():
    """Without covariates and without correlation of visits, the J2R effect is the MAR effect times the share that stayed."""
    rng = np.random.default_rng(3)
    n, gone = 40, 9
    arm = np.repeat([0, 1], n // 2)
    y = rng.normal(size=(n, 2)) - 3.0 * arm[:, None]
    event = np.full(n, 2)
    event[n // 2 : n // 2 + gone] = 1
    y[event == 1, 1] = np.nan
    x = np.concatenate([np.eye(2)[None] * c[:, None, None] for c in (np.ones(n), arm * 1.0)], axis=2)
    zero = np.zeros(n, dtype=int)
    layout = Layout(y=y, x=x, x_reference=x * np.array([1, 1, 0, 0]), event=event, arm=arm, group=zero, group_reference=zero)
    sham, stayed = y[arm == 0, 1].mean(), y[(arm == 1) & (event == 2), 1].mean()
    draws = Draws(beta=np.array([[0.0, sham, 0.0, stayed - sham]]), sigma=np.eye(2)[None, None], weights=np.ones((1, n)))
    z, rows = np.column_stack([np.ones(n), arm]), Rows(matrix=np.array([[0.0, 1.0]]))
    mar, jump = (
        analyse(complete(layout, draws, np.full(n, s))[None], z, draws.weights, rows).estimate(np.ones(1))[0, 1, 0] for s in ("MAR", "J2R")
    )
    assert mar == pytest.approx(stayed - sham, rel=1e-12)
    assert jump == pytest.approx(mar * (1 - gone / (n // 2)), rel=1e-12)


def test_values_after_the_event_leave_the_model_but_are_conditioned_on(trial):
    layout, _ = trial
    who = np.full(60, "J2R")
    seen = visible(layout, who)
    retrieved = ~layout.missing & layout.affected
    assert retrieved.any() and not (seen & retrieved).any()
    assert (visible(layout, np.full(60, "MAR")) == ~layout.missing).all()
    draws = estimate(layout, fit_model(layout, seen))
    moved = layout.y.copy()
    moved[retrieved] += 10.0
    other = Layout(
        y=moved, x=layout.x, x_reference=layout.x_reference, event=layout.event, arm=layout.arm, group=layout.group,
        group_reference=layout.group_reference,
    )  # fmt: skip
    np.testing.assert_array_equal(estimate(other, fit_model(other, seen)).beta, draws.beta)
    some = layout.missing & retrieved.any(axis=1)[:, None]
    assert some.any() and (complete(other, draws, who)[0][some] != complete(layout, draws, who)[0][some]).all()


def test_sequential_delta_is_imputation_visit_by_visit(trial):
    """Each value imputed from everything observed and from the earlier imputed values, already shifted, one at a time."""
    layout, _ = trial
    who = np.full(60, "MAR")
    draws = estimate(layout, fit_model(layout, visible(layout, who)))
    unit = added(layout, np.ones(60, dtype=bool), intermittent=True)
    filled = complete(layout, draws, who)
    shifted = layers(layout, draws, who, filled, [unit], "sequential")
    marginal = layers(layout, draws, who, filled, [unit], "marginal")
    np.testing.assert_array_equal(marginal[1, 0], unit)
    sigma, seen_late = draws.sigma[0, 0], 0
    for i in np.flatnonzero(layout.missing.any(axis=1)):
        mu, y = layout.x[i] @ draws.beta[0], layout.y[i].copy()
        for v in np.flatnonzero(layout.missing[i]):
            o = np.flatnonzero(~np.isnan(y))
            y[v] = mu[v] + sigma[v, o] @ np.linalg.solve(sigma[np.ix_(o, o)], y[o] - mu[o]) + 2.5
            seen_late += (o > v).any()
        np.testing.assert_allclose(shifted[0, 0, i] + 2.5 * shifted[1, 0, i], y, rtol=1e-10)
    assert seen_late
    once = layout.missing.sum(axis=1) == 1
    np.testing.assert_allclose(shifted[1, 0, once], unit[once], rtol=1e-14)


def test_delta_of_intermittent_values_is_declared(trial):
    layout, _ = trial
    active = layout.arm == 1
    every, later = (added(layout, active, intermittent=flag) for flag in (True, False))
    assert every.sum() > later.sum() > 0 and not every[~active].any()
    assert not later[~layout.affected].any() and (every >= later).all()


def test_ancova_is_least_squares(trial):
    """numpy.linalg.lstsq on repeated rows; δ by linearity is δ added to the outcome."""
    layout, z = trial
    who = np.full(60, "J2R")
    seen = visible(layout, who)
    draws = bootstrap(layout, seen, fit_model(layout, seen), range(3), "test")
    filled = complete(layout, draws, who)
    unit = added(layout, layout.arm == 1, intermittent=True)
    rows = Rows(matrix=np.array([[0.0, 1.0, 0.0], [1.0, 0.0, np.nan]]))
    pieces = analyse(layers(layout, draws, who, filled, [unit], "marginal"), z, draws.weights, rows)
    c = np.array([1.0, 4.0])
    for b in range(3):
        own = np.repeat(np.arange(60), draws.weights[b].astype(int))
        design, outcome = z[own], (filled[b] + 4.0 * unit)[own]
        coefficients, rss, _, _ = np.linalg.lstsq(design, outcome, rcond=None)
        at = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, design[:, 2].mean()]])
        np.testing.assert_allclose(pieces.estimate(c)[b], (at @ coefficients).T, rtol=1e-9)
        variance = np.einsum("mq,qr,mr->m", at, np.linalg.inv(design.T @ design), at)
        np.testing.assert_allclose(pieces.variance(c)[b], np.outer(rss / (len(own) - 3), variance), rtol=1e-9)
    with pytest.raises(NotEstimableError, match="rank deficient"):
        analyse(filled[None], np.column_stack([z, z[:, 1]]), draws.weights, ONE)


def test_rubin_with_barnard_and_rubin_df():
    """Worked example; R (mice::pool.scalar with n = 60, k = 1) and Python agree: Q̄ 1.1, T .075, λ .4, ν 14.452912."""
    pooled = rubin(np.array([1, 1.2, 0.9, 1.1, 1.3]), np.array([0.04, 0.05, 0.045, 0.05, 0.04]), 59)
    assert float(pooled.estimate) == pytest.approx(1.1, rel=1e-14)
    assert float(pooled.std_error) ** 2 == pytest.approx(0.075, rel=1e-12)
    assert float(pooled.missing_information) == pytest.approx(0.4, rel=1e-12)
    assert float(pooled.df) == pytest.approx(14.452912, abs=5e-7)
    assert float(pooled.mc_error) == pytest.approx(np.sqrt(0.025 / 5), rel=1e-12)
    same = rubin(np.ones((5, 1)), np.ones((5, 1)), 59)
    assert same.std_error[0] == 1.0 and same.df[0] == pytest.approx(60 / 62 * 59)


def test_jackknife_of_a_mean_is_its_standard_error():
    y = np.random.default_rng(1).normal(size=30)
    replicates = (y.sum() - y) / 29
    pooled = pool_jackknife(y.mean(), replicates)
    assert float(pooled.std_error) == pytest.approx(y.std(ddof=1) / np.sqrt(30), rel=1e-12)
    assert float(pooled.tests.p_value) == pytest.approx(2 * stats.norm.sf(abs(y.mean()) / pooled.std_error), rel=1e-12)


def test_bootstrap_is_stratified_and_agrees_with_the_jackknife(trial):
    layout, z = trial
    who = np.full(60, "J2R")
    seen = visible(layout, who)
    fit = fit_model(layout, seen)
    draws = bootstrap(layout, seen, fit, range(400), "boot")
    assert (draws.weights[:, layout.arm == 1].sum(axis=1) == 30).all() and (draws.weights[:, layout.arm == 0].sum(axis=1) == 30).all()
    one = estimate(layout, fit)
    full = analyse(complete(layout, one, who)[None], z, one.weights, ONE).estimate(np.ones(1))[0]
    boot = pool_bootstrap(full, analyse(complete(layout, draws, who)[None], z, draws.weights, ONE).estimate(np.ones(1)))
    left = jackknife(layout, seen, fit)
    found = analyse(complete(layout, left, who)[None], z, left.weights, ONE).estimate(np.ones(1))
    jack = pool_jackknife(found[0], found[1:])
    np.testing.assert_allclose(boot.std_error, jack.std_error, rtol=4 / np.sqrt(2 * 400) + 0.05)


def test_draws_do_not_depend_on_how_many(trial):
    layout, _ = trial
    seen = ~layout.missing
    fit = fit_model(layout, seen)
    for engine in (bootstrap, posterior):
        few, many = engine(layout, seen, fit, range(2), "a"), engine(layout, seen, fit, range(5), "a")
        np.testing.assert_allclose(many.beta[:2], few.beta, rtol=1e-9)
        assert not np.allclose(engine(layout, seen, fit, range(2), "b").beta, few.beta, rtol=1e-6)
    np.testing.assert_array_equal(stream("a", 3).random(4), stream("a", 3).random(4))
    assert stream("a", 3).random() != stream("a", 3, seed=1).random()


def test_inverse_wishart_has_its_mean():
    """E Σ = S / (ν − T − 1)."""
    rng = np.random.default_rng(4)
    scatter = covariance(rng, 3)
    drawn = _inverse_wishart(np.repeat(scatter[None], 6000, axis=0), 20, [np.random.default_rng(i) for i in range(6000)])
    np.testing.assert_allclose(drawn.mean(axis=0), scatter / 16, rtol=0.06, atol=0.03 * np.trace(scatter) / 16)


def test_posterior_of_complete_data_is_exact(dental):
    """Without missing values: β̂ is that of least squares, and with the Jeffreys prior E(Σ|y) = S/(n − p − T − 1) of the residual scatter S
    (flat β integrates to an inverse Wishart with n − p degrees of freedom)."""
    wide, girl = dental
    n, t = wide.shape
    x = np.concatenate([np.eye(t)[None] * c[:, None, None] for c in (np.ones(n), girl)], axis=2)
    zero = np.zeros(n, dtype=int)
    layout = Layout(y=wide, x=x, x_reference=x, event=np.full(n, t), arm=girl.astype(int), group=zero, group_reference=zero)
    draws = posterior(layout, ~layout.missing, fit_model(layout, ~layout.missing), range(1500), "exact", rounds=12)
    design = np.column_stack([np.ones(n), girl])
    b = np.linalg.lstsq(design, wide, rcond=None)[0]
    scatter = (wide - design @ b).T @ (wide - design @ b)
    expected = scatter / (n - 2 - t - 1)
    spread = np.sqrt(np.diagonal(draws.sigma[:, 0].var(axis=0, ddof=1)) / 1500)
    assert (np.abs(np.diagonal(draws.sigma[:, 0].mean(axis=0) - expected)) < 4 * spread).all()
    error = draws.beta.std(axis=0, ddof=1) / np.sqrt(1500)
    assert (np.abs(draws.beta.mean(axis=0) - b.ravel()) < 4 * error).all()
    sd = np.sqrt(np.diagonal(expected) * np.linalg.inv(design.T @ design)[1, 1])  # posterior SD of the differences
    np.testing.assert_allclose(draws.beta[:, t:].std(axis=0, ddof=1), sd, rtol=4 / np.sqrt(2 * 1500))


@pytest.mark.parametrize("engine", [bootstrap, posterior])
def test_multiple_imputation_under_mar_is_near_the_mixed_model(trial, engine):
    """Under MAR the pooled estimate is that of the mixed model but for Monte-Carlo error, and so about its standard error."""
    layout, z = trial
    who = np.full(60, "MAR")
    seen = ~layout.missing
    fit = fit_model(layout, seen)
    m = 200
    draws = engine(layout, seen, fit, range(m), "mi").whole()
    noise = np.stack([stream("noise", k).standard_normal(layout.y.shape) for k in range(m)])
    pieces = analyse(complete(layout, draws, who, noise=noise)[None], z, draws.weights, ONE)
    pooled = rubin(pieces.estimate(np.ones(1)), pieces.variance(np.ones(1)), 57)
    assert (np.abs(pooled.estimate[:, 0] - fit.beta[8:]) < 4 * pooled.mc_error[:, 0] + 0.02).all()
    np.testing.assert_allclose(pooled.std_error[:, 0], np.sqrt(np.diagonal(fit.beta_cov)[8:]), rtol=0.12)
    assert (pooled.df[:, 0] < 57).all() and (pooled.missing_information > 0).all()


def test_tipping_point_is_where_the_limit_is_zero():
    found = tipping_point(lambda d: 2.0 - 0.7 * d, 5.0)
    assert found.reached and found.delta == pytest.approx(2 / 0.7, abs=1e-9) and found.searched == 5.0
    first = tipping_point(lambda d: np.cos(d), 10.0)  # not monotone: the first
    assert first.delta == pytest.approx(np.pi / 2, abs=1e-9)
    beyond = tipping_point(lambda d: 2.0 - 0.1 * d, 5.0)
    assert not beyond.reached and np.isnan(beyond.delta) and beyond.searched == 5.0
    towards = tipping_point(lambda d: -1.0 - 0.5 * d, 5.0)  # not shown at 0: how much better the missing values would have to be
    assert towards.delta == pytest.approx(-2.0, abs=1e-9) and towards.searched == -5.0
    assert tipping_point(lambda d: -d, 5.0).delta == 0.0
    with pytest.raises(ValueError, match="positive"):
        tipping_point(lambda d: d, 0.0)


def test_bad_input_is_refused(trial):
    layout, _ = trial
    with pytest.raises(ValueError, match="strategy 'BOCF'"):
        strategies.mean("BOCF", OWN, REFERENCE, 1)
    parts = {f: getattr(layout, f) for f in Layout.__dataclass_fields__}
    with pytest.raises(DataError, match="first affected visit"):
        Layout(**parts | {"event": layout.event + 1})
    with pytest.raises(DataError, match="finite at every visit"):
        Layout(**parts | {"x": np.where(np.arange(12) == 4, np.nan, layout.x)})
    seen = ~layout.missing
    with pytest.raises(MethodError, match="at visit 2"):
        fit_model(layout, seen & (np.arange(4) != 1))
    with pytest.raises(MethodError, match="unstructured"):
        posterior(layout, seen, fit_model(layout, seen, covariance="cs"), range(2), "x")
