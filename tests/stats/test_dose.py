"""Contrast tests and fits of dose–response models against R DoseFinding, integrals in one dimension, and identities."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from nirls.stats.dose import SHAPES, MaximumT, average, contrast_test, fit_model, optimal_contrasts, redraw, refusal

IRLS = json.loads((Path(__file__).parents[1] / "reference" / "dose.json").read_text())
DOSES, MEANS, COV = np.array([0.0, 18, 36, 54, 90]), np.array(IRLS["estimates"]), np.array(IRLS["covariance"])
CANDIDATES = [  # reference_irls.R
    ("linear", {}), ("emax", {"ed50": 9}), ("emax", {"ed50": 30}), ("sigEmax", {"ed50": 30, "h": 4}), ("quadratic", {"delta": -0.0085}),
    ("betaMod", {"delta1": 1.2, "delta2": 0.9}), ("exponential", {"delta": 40}),
]  # fmt: skip

# R DoseFinding 1.4-1, data `biom`: means of 20 subjects each, residual variance 0.507461505 with 95 df
BIOM_DOSES = np.array([0, 0.05, 0.2, 0.6, 1])
BIOM = np.array([0.344905396, 0.456754285, 0.810315772, 0.934436926, 0.948711417])
BIOM_COV = np.eye(5) * 0.507461505 / 20
BIOM_CANDIDATES = [
    ("linear", {}), ("emax", {"ed50": 0.2}), ("linlog", {}), ("quadratic", {"delta": -0.854}), ("exponential", {"delta": 0.279}),
    ("logistic", {"ed50": 0.4, "delta": 0.09}),
]  # fmt: skip


def shapes(doses, candidates, constants=None):
    given = constants or {}
    return np.array([SHAPES[m].standardised(doses, g, SHAPES[m].settle(doses.max(), given.get(m))) for m, g in candidates])


@pytest.fixture(scope="module")
def irls():
    return contrast_test(MEANS, COV, optimal_contrasts(shapes(DOSES, CANDIDATES), COV), IRLS["df"])


@pytest.fixture(scope="module")
def biom():
    contrasts = optimal_contrasts(shapes(BIOM_DOSES, BIOM_CANDIDATES, {"linlog": {"off": 0.1}}), BIOM_COV)
    return contrasts, contrast_test(BIOM, BIOM_COV, contrasts, 95)


# --- contrasts -----------------------------------------------------------------------------------


def test_contrasts_and_statistics_are_those_of_dosefinding(irls):
    """R DoseFinding 1.4.1, tests/reference/dose.json: unequal variances, correlated means."""
    contrasts = optimal_contrasts(shapes(DOSES, CANDIDATES), COV)
    assert contrasts == pytest.approx(np.array(IRLS["contrast_matrix"]["contrasts"]), abs=2e-14)
    assert irls.statistic == pytest.approx(list(IRLS["t_statistics"].values()), rel=2e-13)


def test_contrasts_and_statistics_of_biom(biom):
    """R DoseFinding, MCTtest on `biom`, every printed digit."""
    contrasts, test = biom
    assert contrasts[1] == pytest.approx([-0.643115, -0.361459, 0.061025, 0.413095, 0.530452], abs=1e-6)
    assert contrasts[3] == pytest.approx([-0.574224, -0.363533, 0.155765, 0.713558, 0.068434], abs=1e-6)
    assert test.statistic == pytest.approx([2.971534, 3.464113, 3.364129, 3.100144, 2.217441, 2.915179], abs=1e-6)


def test_adjusted_p_are_those_of_mvtnorm(irls, biom):
    """dose.json: mvtnorm asked for 1e-5, twice which its own Monte-Carlo error may be; `biom`: R's default accuracy of 1e-3."""
    assert irls.p_adjusted == pytest.approx(IRLS["adjusted_p"], abs=2e-5 + 3 * irls.p_error.max())
    assert irls.p_error.max() < 5e-5
    test = biom[1]
    assert 0.0010 <= test.p_adjusted[1] <= 0.0013
    assert test.p_adjusted[0] == pytest.approx(0.0055, abs=3e-4)


def test_critical_values_are_those_of_mvtnorm(irls, biom):
    """2.3684, where mvtnorm's accuracy of 1e-5 is 2e-4 in the critical value; `biom` 2.380 with R's default accuracy of 1e-3."""
    assert irls.critical_value == pytest.approx(IRLS["critical_value"], abs=2e-4 + 3 * irls.critical_error)
    assert biom[1].critical_value == pytest.approx(2.380, abs=4e-3)
    assert max(irls.critical_error, biom[1].critical_error) < 1.5e-4


def test_critical_value_by_plain_simulation(irls):
    """The largest of the seven statistics under no effect exceeds it in 2.5% of 2,000,000 simulated trials, within 4 errors."""
    rng, n = np.random.default_rng(1), 2_000_000
    contrasts = optimal_contrasts(shapes(DOSES, CANDIDATES), COV)
    scaled = contrasts / np.sqrt(np.einsum("ik,kl,il->i", contrasts, COV, contrasts))[:, None]
    largest = (rng.standard_normal((n, 5)) @ (scaled @ np.linalg.cholesky(COV)).T).max(axis=1) / np.sqrt(rng.chisquare(119, n) / 119)
    assert (largest >= irls.critical_value).mean() == pytest.approx(0.025, abs=4 * np.sqrt(0.025 * 0.975 / n))


def test_optimal_contrasts_have_the_largest_noncentrality():
    """c'μ/√(c'Sc) over contrasts is largest at the optimum, where it is the length of μ cleared of its mean in the metric of S⁻¹."""
    rng = np.random.default_rng(3)
    root = rng.standard_normal((5, 5))
    cov, curves = root @ root.T + np.eye(5), shapes(DOSES, CANDIDATES)
    contrasts = optimal_contrasts(curves, cov)
    assert contrasts.sum(axis=1) == pytest.approx(0, abs=1e-14)
    assert np.linalg.norm(contrasts, axis=1) == pytest.approx(1, rel=1e-14)
    others = rng.standard_normal((4000, 5))
    others -= others.mean(axis=1, keepdims=True)
    spread = np.sqrt(np.einsum("ik,kl,il->i", others, cov, others))
    inverse = np.linalg.inv(cov)
    for c, mu in zip(contrasts, curves, strict=True):
        best = c @ mu / np.sqrt(c @ cov @ c)
        centred = mu - (inverse @ mu).sum() / inverse.sum()
        assert best == pytest.approx(np.sqrt(centred @ inverse @ centred), rel=1e-12)
        assert (others @ mu / spread).max() < best


def test_a_flat_candidate_is_refused():
    with pytest.raises(ValueError, match="flat over the doses"):
        optimal_contrasts([[1, 1, 1, 1, 1]], COV)


# --- the largest of several t ----------------------------------------------------------------------


def product(t, k, rho, df):
    """P(max ≥ t) of k equicorrelated statistics: quadrature over the common normal variable and the scale (Dunnett 1955)."""
    nodes, weights = np.polynomial.legendre.leggauss(400)
    z, scale = 9 * nodes, np.ones(1)
    over = np.ones(1)
    if np.isfinite(df):
        law = stats.chi(df, scale=1 / np.sqrt(df))
        low, high = law.ppf([1e-15, 1 - 1e-15])
        scale = low + (high - low) * (nodes + 1) / 2
        over = law.pdf(scale) * weights * (high - low) / 2
    below = stats.norm.cdf((t * scale[:, None] - np.sqrt(rho) * z) / np.sqrt(1 - rho)) ** k
    return 1 - over @ below @ (stats.norm.pdf(z) * weights * 9)


@pytest.mark.parametrize(("k", "df", "t"), [(3, 20, 2.2), (4, 60, 2.5), (4, np.inf, 3.5), (3, 12, -0.4), (5, 30, 0.0)])
def test_equicorrelated_statistics(k, df, t):
    """Against one-dimensional quadrature, which shares nothing with the mean over a sphere; within four of its standard errors."""
    corr = np.full((k, k), 0.5) + 0.5 * np.eye(k)
    p, error = MaximumT(correlation=corr, df=df).sf(t)
    assert p == pytest.approx(product(t, k, 0.5, df), abs=4 * error + 1e-9)
    assert error < 5e-4


@pytest.mark.parametrize(("k", "value"), [(2, 1.92), (3, 2.06), (4, 2.16), (5, 2.23)])
def test_dunnett_critical_values(k, value):
    """Dunnett CW. J Am Stat Assoc 1955;50:1096–1121, Table 1a, one-sided 95%, infinite df."""
    corr = np.full((k, k), 0.5) + 0.5 * np.eye(k)
    assert round(MaximumT(correlation=corr, df=np.inf).critical_value(0.05)[0], 2) == value


def test_more_contrasts_than_dimensions():
    """One statistic twice is one statistic; a statistic and its negative are a two-sided test; both exact, without random points."""
    t = 2.0
    for df in (7.0, np.inf):
        one = MaximumT(correlation=np.ones((3, 3)), df=df).sf(t)
        assert one == (pytest.approx(stats.t.sf(t, df), rel=1e-12), 0.0)
        both = MaximumT(correlation=np.array([[1.0, -1], [-1, 1]]), df=df)
        assert both.sf(t)[0] == pytest.approx(2 * stats.t.sf(t, df), rel=1e-12)
        assert both.critical_value(0.05)[0] == pytest.approx(stats.t.ppf(0.975, df), abs=1e-6)


def test_a_singular_correlation_in_two_dimensions():
    """Three statistics that add up to 0, normal: 1 − P(all < t) by integrating the plane between their lines."""
    corr = np.full((3, 3), -0.5) + 1.5 * np.eye(3)
    rows = np.array([[1, 0], [-0.5, np.sqrt(0.75)], [-0.5, -np.sqrt(0.75)]])

    def inside(x):  # along the second axis the region is an interval
        reach = (1.5 + 0.5 * x) / np.sqrt(0.75)
        return stats.norm.pdf(x) * (stats.norm.cdf(reach) - stats.norm.cdf(-reach)) if reach > 0 else 0.0

    expected = 1 - integrate.quad(inside, -3.0, 1.5, epsabs=1e-12)[0]
    assert rows @ rows.T == pytest.approx(corr)
    assert MaximumT(correlation=corr, df=np.inf).sf(1.5)[0] == pytest.approx(expected, abs=1e-8)


def test_far_in_the_tail_and_the_same_every_time():
    """P(max ≥ t) lies between the largest and the sum of the single tails, which agree far out to a relative 10⁻⁵."""
    corr = np.full((4, 4), 0.3) + 0.7 * np.eye(4)
    p = MaximumT(correlation=corr, df=np.inf).sf(8.0)[0]
    assert p == pytest.approx(4 * stats.norm.sf(8.0), rel=0.02)
    assert MaximumT(correlation=corr, df=np.inf).sf(8.0)[0] == p
    assert MaximumT(correlation=corr, df=20, seed=2).sf(2)[0] != MaximumT(correlation=corr, df=20, seed=1).sf(2)[0]


def test_bad_correlations_are_refused():
    with pytest.raises(ValueError, match="negative eigenvalue"):
        MaximumT(correlation=np.array([[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]]), df=10)
    with pytest.raises(ValueError, match="df = 0"):
        MaximumT(correlation=np.eye(2), df=0)
    with pytest.raises(ValueError, match="alpha"):
        MaximumT(correlation=np.eye(2), df=5).critical_value(1.5)


# --- fits ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(IRLS["fits"]))
def test_fits_are_those_of_dosefinding(name):
    """R DoseFinding fitMod(type = "general"), whose optimiser ends early: 6e-9 above the minimum for the exponential, and in betaMod's flat
    valley, where the parameters differ by 6e-8 and gAIC by nothing."""
    expected = IRLS["fits"][name]
    fit = fit_model(SHAPES[name], DOSES, MEANS, COV)
    assert [v[0] for v in fit.coefficients.values()] == pytest.approx(list(expected["coef"].values()), rel=1e-7)
    assert fit.gaic[0] == pytest.approx(expected["gAIC"], abs=1e-8) and fit.gaic[0] <= expected["gAIC"] + 1e-12
    assert fit.mean(DOSES)[0] == pytest.approx(expected["pred"], rel=5e-9)
    bound = {"sigEmax": [False, True], "exponential": [True]}.get(name, [False] * len(SHAPES[name].nonlinear))
    assert fit.at_bound[0].tolist() == bound


def test_fits_of_biom():
    """R DoseFinding, every printed digit."""
    emax = fit_model(SHAPES["emax"], BIOM_DOSES, BIOM, BIOM_COV)
    assert [v[0] for v in emax.coefficients.values()] == pytest.approx([0.321611, 0.746298, 0.142187], abs=6e-7)
    assert emax.gaic[0] == pytest.approx(6.29814, abs=5e-6)
    quadratic = fit_model(SHAPES["quadratic"], BIOM_DOSES, BIOM, BIOM_COV)
    assert [v[0] for v in quadratic.coefficients.values()] == pytest.approx([0.390222, 1.768417, -1.231771], abs=6e-7)
    assert fit_model(SHAPES["linear"], BIOM_DOSES, BIOM, BIOM_COV).linear[0, 0] == pytest.approx(0.558605, abs=6e-7)


def test_a_linear_fit_is_the_closed_form():
    """(X'S⁻¹X)⁻¹X'S⁻¹μ̂ and its criterion, for the models without nonlinear parameters."""
    inverse = np.linalg.inv(COV)
    for name, x in (
        ("linear", DOSES[:, None]),
        ("quadratic", np.column_stack([DOSES, DOSES**2])),
        ("linlog", np.log(DOSES + 0.9)[:, None]),
    ):
        design = np.column_stack([np.ones(5), x])
        beta = np.linalg.solve(design.T @ inverse @ design, design.T @ inverse @ MEANS)
        rest = MEANS - design @ beta
        fit = fit_model(SHAPES[name], DOSES, MEANS, COV)
        assert [fit.e0[0], *fit.linear[0]] == pytest.approx(beta, rel=1e-9)
        assert fit.criterion[0] == pytest.approx(rest @ inverse @ rest, rel=1e-9)


NONLINEAR = [name for name, shape in SHAPES.items() if shape.nonlinear]


@pytest.mark.parametrize("name", NONLINEAR)
def test_slopes_are_derivatives(name):
    """∂g/∂log θ against central differences, also at dose 0."""
    shape, rng = SHAPES[name], np.random.default_rng(5)
    low, high = shape.limits(90.0).T
    theta = np.exp(rng.uniform(np.log(low), np.log(high), (50, len(low))))
    doses, constants, h = np.broadcast_to(DOSES, (50, 5)), shape.settle(90.0), 1e-6
    exact = shape.slopes(doses, theta, constants)
    for j in range(len(low)):
        step = np.ones(len(low))
        step[j] = np.exp(h)
        rough = (shape.basis(doses, theta * step, constants) - shape.basis(doses, theta / step, constants)) / (2 * h)
        assert exact[..., j] == pytest.approx(rough, abs=1e-8 * (1 + np.abs(rough).max()))


@pytest.mark.parametrize("name", NONLINEAR)
def test_no_lower_minimum_is_found_from_many_starts(name):
    """Draws of the bootstrap, fitted together, against scipy's bounded optimiser on all parameters from 12 starts each."""
    shape = SHAPES[name]
    doses = np.array([0.0, 18, 36, 54, 72, 90]) if name == "doubleEmax" else DOSES
    cov = COV if name != "doubleEmax" else np.eye(6) * 1.5
    centre = MEANS if name != "doubleEmax" else np.array([5.7, 6.6, 8.5, 8.4, 7.9, 7.2])
    draws, inverse, constants = redraw(centre, cov, 3, 11), np.linalg.inv(cov), shape.settle(90.0)
    fits = fit_model(shape, doses, draws, cov)
    limits, rng = np.log(shape.limits(90.0)), np.random.default_rng(2)

    def criterion(eta, mu):
        design = np.column_stack([np.ones(len(doses)), shape.basis(doses, np.exp(eta), constants)])
        root = np.linalg.cholesky(inverse).T
        beta = np.linalg.lstsq(root @ design, root @ mu, rcond=None)[0]
        if shape.rising and beta[1] < 0:
            design = design[:, :1]
            beta = np.linalg.lstsq(root @ design, root @ mu, rcond=None)[0]
        return float(((root @ (mu - design @ beta)) ** 2).sum())

    for i, mu in enumerate(draws):
        starts = rng.uniform(*limits.T, (12, len(limits)))
        best = min(optimize.minimize(criterion, s, args=(mu,), bounds=limits, method="L-BFGS-B").fun for s in starts)
        rest = mu - fits.mean(doses)[i]
        assert fits.criterion[i] == pytest.approx(rest @ inverse @ rest, rel=1e-8, abs=1e-10)
        assert fits.criterion[i] <= best + 1e-7


def test_fits_do_not_depend_on_their_company():
    """A draw fitted alone and among others."""
    draws = redraw(MEANS, COV, 20, 4)
    models = [SHAPES[n] for n in ("linear", "emax", "sigEmax", "logGauss")]
    together = average(models, DOSES, draws, COV)
    for i in (0, 7, 19):
        alone = average(models, DOSES, draws[i], COV)
        assert together.weights[i] == pytest.approx(alone.weights[0], rel=1e-9)
    assert together.weights.sum(axis=1) == pytest.approx(1, rel=1e-12)
    gaic = np.column_stack([f.gaic for f in together.fits])
    assert np.log(together.weights[:, 0] / together.weights[:, 1]) == pytest.approx((gaic[:, 1] - gaic[:, 0]) / 2, rel=1e-10)


def test_an_umbrella_is_never_a_dip():
    """Means that are lower at every dose than at 0: the rise is 0, the curve flat."""
    fit = fit_model(SHAPES["logGauss"], DOSES, np.array([8.0, 2, 2, 2, 2]), np.eye(5), constants={"off": 1e-3})
    assert fit.linear[0, 0] == 0.0
    assert fit.mean(DOSES)[0] == pytest.approx(3.2)


def test_models_that_the_design_cannot_identify_are_refused_with_the_reason():
    assert refusal(SHAPES["doubleEmax"], DOSES) == "5 parameters cannot be estimated from 5 dose levels: at least 6 are needed"
    assert refusal(SHAPES["sigEmax"], DOSES) == ""
    assert (
        refusal(SHAPES["emax"], np.array([0, 10, 20, 20])) == "3 parameters cannot be estimated from 3 dose levels: at least 4 are needed"
    )
    with pytest.raises(ValueError, match="doubleEmax: 5 parameters"):
        fit_model(SHAPES["doubleEmax"], DOSES, MEANS, COV)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: SHAPES["emax"].standardised(DOSES, {}, {}), "the guess of emax lacks ed50"),
        (lambda: SHAPES["emax"].standardised(DOSES, {"ed50": 3, "h": 2}, {}), "has h"),
        (lambda: SHAPES["emax"].standardised(DOSES, {"ed50": -3}, {}), "must be positive: ed50 = -3"),
        (lambda: SHAPES["betaMod"].settle(90, {"scal": 80}), "scal = 80 must be above the highest dose 90"),
        (lambda: SHAPES["linlog"].settle(90, {"off": 0}), "off = 0 must be positive"),
        (lambda: SHAPES["emax"].settle(90, {"off": 1}), "emax has no constant off"),
        (lambda: fit_model(SHAPES["emax"], DOSES, MEANS[:4], COV), "5 doses need as many estimates"),
        (lambda: average([], DOSES, MEANS, COV), "no model"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
