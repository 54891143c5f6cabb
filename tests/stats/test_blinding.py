"""Blinding indices against published values, the published variance formula and their limits."""

import numpy as np
import pytest

from nirls.stats.blinding import WEIGHTS, bang, james

# Guesses (treatment, placebo, do not know) by arm (treatment, placebo). CRISP: Bang, Ni and Davis (2004), Table 7.
CRISP = [[82, 27], [25, 29], [170, 83]]
# Houweling et al., Clin Trials 2014;11:547-552, Table 2.
PATIENTS = [[143, 104], [14, 57], [188, 175]]
COORDINATORS = [[94, 52], [11, 44], [289, 284]]
INVESTIGATORS = [[48, 22], [4, 30], [330, 319]]


def test_crisp():
    """Estimate, standard error and 95% limits of R BI, to six decimals."""
    found = james(CRISP)
    assert found.n == 416
    np.testing.assert_allclose([found.estimate, found.std_error, *found.ci()], [0.747928, 0.021737, 0.705323, 0.790532], atol=6e-7)
    treated, placebo = bang(82, 25, 170), bang(29, 27, 83)
    np.testing.assert_allclose([treated.estimate, treated.std_error, *treated.ci()], [0.205776, 0.035237, 0.136713, 0.274840], atol=6e-7)
    np.testing.assert_allclose([placebo.estimate, placebo.std_error, *placebo.ci()], [0.014388, 0.053823, -0.091103, 0.119880], atol=6e-7)


def test_investigators_of_houweling():
    """As printed by BlindingIndex.jl (README), a port of R BI: three decimals, standard errors and intervals included."""
    got = [[i.estimate, i.std_error, *i.ci()] for i in (james(INVESTIGATORS), bang(48, 4, 330), bang(30, 22, 319))]
    np.testing.assert_allclose(got, [[0.896, 0.011, 0.875, 0.918], [0.115, 0.018, 0.08, 0.15], [0.022, 0.019, -0.016, 0.06]], atol=5.1e-4)


@pytest.mark.parametrize(
    ("table", "whole", "treatment", "placebo"),
    [(PATIENTS, 0.705, 0.374, -0.140), (COORDINATORS, 0.823, 0.211, -0.021)],
)
def test_houweling_estimates(table, whole, treatment, placebo):
    """Estimates of the paper's tables, three decimals."""
    (a, b), (c, d), (e, f) = table
    got = [james(table).estimate, bang(a, c, e).estimate, bang(d, b, f).estimate]
    np.testing.assert_allclose(got, [whole, treatment, placebo], atol=5.1e-4)


def published_james(table):
    """Index and variance as James et al. write them (p. 1424-1425): kappa form and the two-part variance, by loops."""
    x = np.asarray(table, float)
    p = x / x.sum()
    dk, row, column = p[2].sum(), p.sum(axis=1), p[:2].sum(axis=0)
    cells = [(i, j) for i in range(2) for j in range(2)]
    observed = sum(WEIGHTS[i, j] * p[i, j] for i, j in cells) / (1 - dk)
    expected = sum(WEIGHTS[i, j] * row[i] * column[j] for i, j in cells) / (1 - dk) ** 2
    k = (observed - expected) / expected
    first = 0.0
    for i, j in cells:
        extra = sum(WEIGHTS[r, j] * row[r] + WEIGHTS[i, r] * column[r] for r in range(2))
        first += p[i, j] * (1 - dk) ** 2 * ((1 - dk) * WEIGHTS[i, j] - (1 + k) * extra) ** 2
    first /= 4 * (expected * (1 - dk) ** 2) ** 2
    second = dk * (1 - dk) - (1 - dk) * (1 + k) * (dk + (1 - dk) * (1 + k) / 4)
    return (1 + dk + (1 - dk) * k) / 2, np.sqrt((first + second) / x.sum())


def test_variance_is_the_published_one():
    rng = np.random.default_rng(7)
    for table in [CRISP, PATIENTS, COORDINATORS, INVESTIGATORS, *rng.integers(1, 90, (50, 3, 2))]:
        found = james(table)
        np.testing.assert_allclose([found.estimate, found.std_error], published_james(table), rtol=1e-12)


def test_ends_of_the_scales():
    assert (james([[30, 0], [0, 30], [0, 0]]).estimate, bang(30, 0, 0).estimate) == (0.0, 1.0)
    wrong = james([[0, 30], [30, 0], [0, 0]])
    assert wrong.estimate == pytest.approx(1.0, abs=1e-15) and bang(0, 30, 0).estimate == -1.0
    assert james([[15, 15], [15, 15], [0, 0]]).estimate == pytest.approx(0.5, abs=1e-15)
    assert bang(30, 0, 0).std_error == 0.0


def test_all_do_not_know():
    found = james([[0, 0], [0, 0], [40, 35]])
    assert (found.estimate, found.std_error, found.ci()) == (1.0, 0.0, (1.0, 1.0))  # James et al., p. 1425
    arm = bang(0, 0, 40)
    assert (arm.estimate, arm.std_error) == (0.0, 0.0)


def test_not_defined_says_why():
    for table, word in [([[4, 0], [3, 0], [9, 0]], "one of the arms"), ([[12, 0], [0, 0], [30, 28]], "one arm alone")]:
        found = james(table)
        assert np.isnan(found.estimate) and np.isnan(found.std_error) and word in found.reason
    assert "no guess" in bang(0, 0, 0).reason


def test_empty_cells_are_counts():
    found = james([[12, 0], [0, 5], [0, 0]])
    assert found.estimate == 0.0 and found.reason == ""


@pytest.mark.parametrize("table", [[[1, 2], [3, 4]], [[1, 2], [3, -4], [0, 0]], [[1, 2], [3, 0.5], [0, 0]], [[1, np.nan], [3, 1], [0, 0]]])
def test_a_bad_table_is_refused(table):
    with pytest.raises(ValueError, match="table of guesses"):
        james(table)


def test_bad_counts_and_levels_are_refused():
    with pytest.raises(ValueError, match="right guesses"):
        bang(3, -1, 2)
    with pytest.raises(ValueError, match="confidence level"):
        james(CRISP).ci(95)


def test_standard_error_is_the_sampling_error():
    """10,000 trials of 416 from the CRISP proportions: the mean standard error is the standard deviation of the index within 3 %."""
    rng = np.random.default_rng(11)
    p = np.array(CRISP).ravel() / 416
    found = [james(t) for t in rng.multinomial(416, p, 10_000).reshape(-1, 3, 2)]
    assert np.mean([f.std_error for f in found]) == pytest.approx(np.std([f.estimate for f in found]), rel=0.03)
