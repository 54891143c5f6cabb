"""−2ℓ against a subject-by-subject computation, its derivatives against differences, and further structures by declaration."""

import json
from pathlib import Path

import numpy as np
import pytest

from nirls.stats.mmrm import fit_mmrm, inference
from nirls.stats.mmrm.basis import orthonormal
from nirls.stats.mmrm.covariance import STRUCTURES, Structure, of_visits, structure
from nirls.stats.mmrm.grouped import by_group
from nirls.stats.mmrm.likelihood import differentiate, evaluate
from nirls.stats.mmrm.sufficient import collect


def lag(t):
    return np.abs(np.subtract.outer(np.arange(t), np.arange(t)))


# a linear and a non-linear structure of four visits, to show that one declaration is all a structure needs
LAG, OFF = lag(4), 1.0 - np.eye(4)
RHO_FIRST = lambda rho: LAG * rho ** np.maximum(LAG - 1, 0)  # noqa: E731
RHO_SECOND = lambda rho: LAG * (LAG - 1) * rho ** np.maximum(LAG - 2, 0)  # noqa: E731


def _split(theta):
    return theta[..., 0, None, None], theta[..., 1, None, None]


def _cs_sigma(theta):
    variance, covariance = _split(theta)
    return variance * np.eye(4) + covariance * OFF


def _ar1_sigma(theta):
    variance, rho = _split(theta)
    return variance * rho**LAG


def _ar1_first(theta):
    variance, rho = _split(theta)
    return np.stack([rho**LAG, variance * RHO_FIRST(rho)], axis=-3)


def _ar1_second(theta):
    variance, rho = _split(theta)
    mixed, bend = RHO_FIRST(rho), variance * RHO_SECOND(rho)
    return np.stack([np.stack([np.zeros_like(mixed), mixed], axis=-3), np.stack([mixed, bend], axis=-3)], axis=-4)


COMPOUND_SYMMETRY = Structure(
    name="declared-cs",
    label="compound symmetry",
    names=("variance", "covariance"),
    sigma=of_visits(_cs_sigma),
    first=of_visits(lambda theta: np.stack([np.eye(4), OFF])),
    second=None,
    start=lambda s: np.array([np.trace(s) / len(s), (s.sum() - np.trace(s)) / (len(s) * (len(s) - 1))]),
    powers=np.array([2.0, 2.0]),
)
AUTOREGRESSIVE = Structure(
    name="declared-ar1",
    label="first-order autoregressive",
    names=("variance", "correlation"),
    sigma=of_visits(_ar1_sigma),
    first=of_visits(_ar1_first),
    second=of_visits(_ar1_second),
    start=lambda s: np.array([np.trace(s) / len(s), 0.5]),
    powers=np.array([2.0, 0.0]),
)
BY_GROUP = [by_group(STRUCTURES[name](2), ("A", "B"), 2) for name in ("cs", "ar1h", "us-cholesky")]
ALL = [*(build(4) for build in STRUCTURES.values()), COMPOUND_SYMMETRY, AUTOREGRESSIVE, *BY_GROUP]
# two patterns of two visits; with two groups, of one group each
PATTERNS = np.array([[0, 1], [2, 3]])


def check_derivatives(s, theta, visits, h=1e-6, atol=1e-8):
    """∂Σ and ∂²Σ against differences, for one θ and for several side by side."""
    k, zero = theta.size, np.zeros((theta.size, *s.sigma(theta, visits).shape))
    first, second = zero + s.first(theta, visits), 0.0 if s.second is None else s.second(theta, visits)
    for j, step in enumerate(h * np.eye(k)):
        np.testing.assert_allclose(first[j], (s.sigma(theta + step, visits) - s.sigma(theta - step, visits)) / (2 * h), atol=atol)
        bend = (s.first(theta + step, visits) - s.first(theta - step, visits)) / (2 * h)
        np.testing.assert_allclose((np.zeros((k, *zero.shape)) + second)[j], zero + bend, atol=atol)
    both = np.stack([theta, 1.02 * theta])
    for function in (s.sigma, s.first, s.second):
        if function is not None:
            one = np.stack([function(theta, visits), function(1.02 * theta, visits)])
            np.testing.assert_allclose(np.broadcast_to(function(both, visits), one.shape), one, rtol=1e-14)


@pytest.mark.parametrize("s", ALL, ids=lambda s: s.name)
def test_derivatives_of_sigma(s):
    theta = s.start(3.0 * 0.6 ** lag(4) + np.diag([0, 0.1, 0.2, 0.4])) + 0.01 * np.arange(1, s.count + 1)
    assert theta.size == s.count == len(s.powers)
    check_derivatives(s, theta, PATTERNS)
    if s.groups == 1:
        check_derivatives(s, theta, np.arange(4)[None])
    shift = 0.0 if s.shifts is None else np.log(2.5) * s.shifts
    moved = s.sigma(theta * 2.5**s.powers + shift, PATTERNS)
    np.testing.assert_allclose(moved, 2.5**2 * s.sigma(theta, PATTERNS), rtol=1e-13)


@pytest.mark.parametrize("name", STRUCTURES)
@pytest.mark.parametrize("t", [1, 2, 7])
def test_start_and_count(name, t):
    """A start is positive definite, close to Σ₀ on the diagonal, and reproduces a Σ₀ that has the structure."""
    rng = np.random.default_rng(t)
    root, s, visits = rng.normal(size=(t, t + 3)), STRUCTURES[name](t), np.arange(t)[None]
    theta = s.start(root @ root.T)
    assert theta.shape == (s.count,) and len(set(s.names)) == s.count
    sigma = s.sigma(theta, visits)[0]
    assert np.linalg.eigvalsh(sigma)[0] > 0
    np.testing.assert_allclose(np.trace(sigma), np.trace(root @ root.T), rtol=1e-12)
    np.testing.assert_allclose(s.sigma(s.start(sigma), visits)[0], sigma, rtol=1e-10)


def by_subject(y, x, subject, visit, sigma, reml):
    """−2ℓ with its constant, one subject after another."""
    p = x.shape[1]
    a, b, c, value = np.zeros((p, p)), np.zeros(p), 0.0, 0.0
    for i in np.unique(subject):
        rows = np.flatnonzero(subject == i)
        v = sigma[np.ix_(visit[rows], visit[rows])]
        w = np.linalg.inv(v)
        value += np.linalg.slogdet(v)[1]
        a, b, c = a + x[rows].T @ w @ x[rows], b + x[rows].T @ w @ y[rows], c + y[rows] @ w @ y[rows]
    value += c - b @ np.linalg.solve(a, b)
    return value + np.linalg.slogdet(a)[1] * reml + (len(y) - p * reml) * np.log(2 * np.pi)


@pytest.mark.parametrize("reml", [True, False])
def test_deviance_is_that_of_the_subjects(incomplete, reml):
    fit = fit_mmrm(*incomplete, reml=reml)
    y, x, subject, visit = incomplete
    assert fit.deviance == pytest.approx(by_subject(y, x, subject, visit, fit.sigma, reml), abs=1e-9)
    for step in 1e-2 * np.eye(4):  # and it is a minimum
        for moved in (fit.sigma + np.diag(step), fit.sigma - np.diag(step)):
            assert by_subject(y, x, subject, visit, moved, reml) > fit.deviance


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("s", ALL, ids=lambda s: s.name)
def test_gradient_and_hessian(incomplete, s, reml):
    y, x, subject, visit = incomplete
    if s.groups == 2:  # two visits in each group: a subject keeps the first or the last two
        keep = visit // 2 == subject % 2
        y, x, visit, subject = y[keep], x[keep, :8], visit[keep], np.unique(subject[keep], return_inverse=True)[1]
    z, _ = orthonormal(x, y)
    statistics = collect(z, subject, visit, 4)
    theta = s.start(1.3 * 0.6 ** lag(4) + np.diag([0, 0.1, 0.2, 0.4]))[None]
    at = differentiate(statistics, s, evaluate(statistics, s, theta, reml=reml), reml=reml)
    h = 1e-5
    for j, step in enumerate(h * np.eye(s.count)):
        up, down = (evaluate(statistics, s, theta + sign * step, reml=reml) for sign in (1, -1))
        assert at.gradient[0, j] == pytest.approx((up.value - down.value)[0] / (2 * h), rel=1e-7, abs=1e-6)
        above, below = (differentiate(statistics, s, point, reml=reml).gradient[0] for point in (up, down))
        np.testing.assert_allclose(at.hessian[0, j], (above - below) / (2 * h), rtol=1e-7, atol=1e-6)


def test_statistics_are_the_cross_products(incomplete):
    y, x, subject, visit = incomplete
    z = np.column_stack([x, y])
    statistics = collect(z, subject, visit, 4)
    assert sum(int(b.counts.sum()) for b in statistics.blocks) == 40 and statistics.n_obs == [y.size]
    rng, weights, expected = np.random.default_rng(1), [], np.zeros((z.shape[1],) * 2)
    for block in statistics.blocks:
        m = rng.normal(size=(*block.visits.shape, block.visits.shape[1]))
        weights.append(m + m.swapaxes(1, 2))
        for pattern, w in zip(block.visits, weights[-1], strict=True):
            for i in range(40):
                rows = np.flatnonzero(subject == i)
                if np.array_equal(visit[rows], pattern):
                    expected += z[rows].T @ w @ z[rows]
    np.testing.assert_allclose(statistics.weigh([w[None, None] for w in weights])[0, 0], expected, rtol=1e-10, atol=1e-8)


HERE = Path(__file__).parents[1] / "reference"


@pytest.mark.parametrize("s", [COMPOUND_SYMMETRY, AUTOREGRESSIVE], ids=lambda s: s.name)
def test_declared_structures_agree_with_r(s):
    """R mmrm 0.3.18, tests/reference/mmrm.json: a structure declared outside the package gives R's fit and Kenward–Roger."""
    rows = np.genfromtxt(HERE / "irls_parallel.csv", delimiter=",", names=True, dtype=None, encoding="utf-8")
    rows = rows[~np.isnan(rows["CHG"])]
    visit = np.searchsorted(["W1", "W2", "W3", "W4"], rows["AVISIT"])
    at = np.eye(4)[visit]
    columns = [np.ones(len(rows))] + [rows["REGION"] == r for r in ("AM", "AP")] + [rows["BASE"]] + list(at[:, 1:].T)
    arms = [1.0 * (rows["TRT"] == a) for a in ("NIR-L", "NIR-H")]
    columns += arms + [rows["BASE"] * v for v in at[:, 1:].T] + [a * v for a in arms for v in at[:, 1:].T]
    fit = fit_mmrm(rows["CHG"], np.column_stack(columns), rows["USUBJID"], visit, covariance=s)
    r = json.loads((HERE / "mmrm.json").read_text())["fits"][f"{s.name.removeprefix('declared-')}.kr_linear"]
    found = inference(fit).contrasts(np.eye(18))
    assert r["coefficients"]["term"][12] == "AVISITW2:TRTNIR-L"
    assert fit.deviance <= r["deviance"] + 1e-6 and fit.deviance == pytest.approx(r["deviance"], abs=1e-6)
    np.testing.assert_allclose(fit.sigma, r["varcor"], rtol=1e-5)
    np.testing.assert_allclose(found.estimate, r["coefficients"]["estimate"], rtol=1e-6)
    np.testing.assert_allclose(found.std_error, r["coefficients"]["se"], rtol=1e-5)
    np.testing.assert_allclose(found.df, r["coefficients"]["df"], rtol=1e-4)


def test_satterthwaite_f_of_a_split_plot(dental):
    """Complete data, compound symmetry: sex has 25 df between children, sex × linear age 75 df within; the joint F of the two
    orthogonal rows has 2E/(E − 2) df, E = Σν/(ν − 2), and F the mean of both t² (Fai & Cornelius 1996)."""
    distance, girl = dental
    subject, visit = np.divmod(np.arange(108), 4)
    design = np.column_stack([np.eye(4)[visit], np.eye(4)[visit] * girl[subject][:, None]])
    inferred = inference(fit_mmrm(distance.ravel(), design, subject, visit, covariance=COMPOUND_SYMMETRY), "satterthwaite")
    rows = np.zeros((2, 8))
    rows[:, 4:] = [[0.25] * 4, [-3, -1, 1, 3]]
    single, joint = inferred.contrasts(rows), inferred.f_test(rows)
    np.testing.assert_allclose(single.df, [25, 75], rtol=1e-9)
    e = 25 / 23 + 75 / 73
    assert (joint.statistic, joint.den_df) == pytest.approx(((single.statistic**2).mean(), 2 * e / (e - 2)), rel=1e-9)


def test_unknown_structure_is_named():
    with pytest.raises(ValueError, match=r"unknown covariance structure 'toeplitz'; implemented: us"):
        structure("toeplitz", np.arange(3))
