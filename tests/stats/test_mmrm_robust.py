"""Robust variances, between-within and residual df: identities with least squares, and counts."""

import numpy as np
import pytest
from statsmodels.regression.linear_model import OLS, WLS

from nirls.errors import NotEstimableError
from nirls.stats.mmrm import fit_mmrm, inference
from nirls.stats.mmrm.covariance import Structure, of_visits


@pytest.mark.parametrize(("vcov", "hc"), [("CR0", "HC0"), ("CR2", "HC2"), ("CR3", "HC3")])
def test_one_record_per_subject_is_heteroscedasticity_consistent(vcov, hc):
    """statsmodels; MacKinnon & White (1985)."""
    rng = np.random.default_rng(12)
    n = 20
    x = np.column_stack([np.ones(n), rng.normal(size=n), np.arange(n) % 2])
    y = x @ [1, 2, 3] + rng.normal(size=n) * (1 + np.abs(x[:, 1]))
    w = rng.uniform(0.5, 2, n)
    for weights, reference in ((None, OLS(y, x)), (w, WLS(y, x, weights=w))):
        fit = fit_mmrm(y, x, np.arange(n), np.zeros(n), weights=weights)
        np.testing.assert_allclose(inference(fit, "satterthwaite", vcov).beta_cov, reference.fit(cov_type=hc).cov_params(), rtol=1e-9)


def test_cluster_variance_of_independent_visits_is_that_of_statsmodels(incomplete):
    """Least squares by Σ = σ²I, clusters of subjects (no small-sample factor): CR0; CR1 is N/(N − 1) times it."""
    y, x, subject, _ = incomplete
    diagonal = Structure(
        name="diagonal",
        label="independent",
        names=("variance",),
        sigma=of_visits(lambda theta: theta[..., None] * np.eye(4)),
        first=of_visits(lambda theta: np.eye(4)[None]),
        second=None,
        start=lambda s: np.array([np.trace(s) / len(s)]),
        powers=np.array([2.0]),
    )
    fit = fit_mmrm(*incomplete, covariance=diagonal)
    options = {"groups": subject, "use_correction": False}
    expected = OLS(y, x).fit(cov_type="cluster", cov_kwds=options).cov_params()
    np.testing.assert_allclose(inference(fit, "satterthwaite", "CR0").beta_cov, expected, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(inference(fit, "satterthwaite", "CR1").beta_cov, expected * 40 / 39, rtol=1e-8, atol=1e-12)


def test_robust_df_by_the_whole_matrix(incomplete):
    """Pustejovsky & Tipton (2018), equations of section 3.2, with the n × n hat matrix written out."""
    y, x, subject, visit = incomplete
    fit = fit_mmrm(*incomplete)
    n = y.size
    v = np.zeros((n, n))
    for i in np.unique(subject):
        rows = np.flatnonzero(subject == i)
        v[np.ix_(rows, rows)] = fit.sigma[np.ix_(visit[rows], visit[rows])]
    w = np.linalg.inv(v)
    phi = np.linalg.inv(x.T @ w @ x)
    annihilator = np.eye(n) - x @ phi @ x.T @ w
    contrast = np.linspace(-1, 1, 12)
    for vcov, power in (("CR0", 0.0), ("CR2", -0.5), ("CR3", -1.0)):
        g = []
        for i in np.unique(subject):
            rows = np.flatnonzero(subject == i)
            half = np.linalg.cholesky(v[np.ix_(rows, rows)])
            whitened = np.linalg.solve(half, x[rows])
            values, vectors = np.linalg.eigh(np.eye(rows.size) - whitened @ phi @ whitened.T)
            a = (vectors * values**power) @ vectors.T
            weight = np.linalg.inv(half).T @ a @ whitened @ phi @ contrast
            g.append(annihilator[rows].T @ weight)
        g = np.array(g).T
        m = g.T @ v @ g
        found = inference(fit, "satterthwaite", vcov).contrasts(contrast[None])
        assert found.df[0] == pytest.approx(np.trace(m) ** 2 / (m**2).sum(), rel=1e-9)
        assert found.std_error[0] == pytest.approx(np.sqrt(((y @ g) ** 2).sum()), rel=1e-9)


def test_jackknife_variance_of_a_subject_with_a_coefficient_of_its_own(incomplete):
    y, x, subject, visit = incomplete
    own = (subject == 7).astype(float)
    fit = fit_mmrm(y, np.column_stack([x, own * (visit == 0)]), subject, visit)
    with pytest.raises(NotEstimableError, match="determined by one subject alone"):
        inference(fit, "satterthwaite", "CR3")
    assert np.isfinite(inference(fit, "satterthwaite", "CR2").beta_cov).all()


def test_between_within_and_residual_df(dental):
    """Growth curves, 27 children, 108 records, coefficients (1, girl | age, girl × age): 27 − 2 and 108 − 27 − 2, as PROC MIXED has
    them for TYPE=CS (SAS/STAT User's Guide, PROC MIXED, DDFM=BETWITHIN) and R mmrm's "Between-Within"."""
    distance, girl = dental
    subject, visit = np.divmod(np.arange(108), 4)
    age, girl = 8.0 + 2 * visit, girl[subject]
    fit = fit_mmrm(distance.ravel(), np.column_stack([np.ones(108), girl, age, girl * age]), subject, visit, covariance="cs")
    inferred = inference(fit, "between-within")
    np.testing.assert_array_equal(inferred.contrasts(np.eye(4)).df, [79, 25, 79, 79])
    assert inferred.contrasts([[0, 1, 14, 14]]).df[0] == 25  # the smallest of those in it
    assert inferred.f_test(np.eye(4)[2:]).den_df == 79 and inferred.f_test(np.eye(4)[1:]).den_df == 25
    np.testing.assert_array_equal(inference(fit, "residual").contrasts(np.eye(4)).df, 104)
    wald = fit.beta[2:] @ np.linalg.solve(fit.beta_cov[2:, 2:], fit.beta[2:]) / 2
    assert inferred.f_test(np.eye(4)[2:]).statistic == pytest.approx(wald, rel=1e-10)


def test_what_does_not_go_together(incomplete):
    fit, ml = fit_mmrm(*incomplete), fit_mmrm(*incomplete, reml=False)
    with pytest.raises(ValueError, match="own covariance of the coefficients"):
        inference(fit, "kenward-roger", "CR2")
    with pytest.raises(ValueError, match="implemented: model, CR0, CR1, CR2, CR3"):
        inference(fit, "satterthwaite", "HC3")
    with pytest.raises(ValueError, match="'observed' or 'expected'"):
        inference(fit, information="fisher")
    with pytest.raises(ValueError, match="that of REML"):
        inference(ml, "satterthwaite", information="expected")
    with pytest.raises(ValueError, match="defined for REML"):
        inference(ml, "kenward-roger")
