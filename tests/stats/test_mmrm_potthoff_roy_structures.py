"""Structured covariances on the dental growth data of Potthoff & Roy (1964), complete and with missing values.

Values typed here were computed with mmrm 0.3.18 in R 4.2.2 (REML, vcov = "Kenward-Roger-Linear") and are given to the digits
printed. Its stock optimiser stops before the optimum: standard errors agree to about 1e-4, df, which go with their fourth power,
to about 4e-4. Those of tests/reference/mixed.json are of nlme::gls at its polished optimum.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from nirls.stats.mmrm import fit_mmrm, inference

SLOPES = {  # interaction of sex with linear age, complete data: deviance, estimate, SE, df
    "us": (424.5468, -0.350448, 0.138548, 24.997),
    "toeph": (427.4122, -0.341039, 0.136662, 25.610),
    "csh": (431.9724, -0.315560, 0.122705, 62.377),
    "cs": (433.7572, -0.304830, 0.121421, 79.000),
    "ar1": (444.5874, -0.285443, 0.183260, 103.886),
    "ar1h": (442.7962, -0.300851, 0.183672, 66.341),
    "adh": (441.1375, -0.305938, 0.186389, 57.585),
    "toep": (429.3915, -0.321402, 0.135890, 28.054),
}
AGE_14 = {  # girls - boys at 14, change from 8, 69 records with dropout: deviance, estimate, SE, df
    "us": (259.483062, -2.376622, 0.904398, 22.9203),
    "toeph": (262.867973, -2.367317, 0.910415, 22.2638),
    "ar1h": (270.404909, -2.518993, 0.964953, 19.1346),
    "csh": (264.901509, -2.431401, 0.916550, 21.3966),
    "adh": (268.966393, -2.523112, 0.982982, 19.0894),
    "ar1": (270.845409, -2.520449, 0.922154, 55.3027),
    "cs": (265.612459, -2.442477, 0.895297, 53.4558),
}


GLS = json.loads((Path(__file__).parents[1] / "reference" / "mixed.json").read_text())["potthoff_roy"]


def compare(fit, row, expected, digits):
    deviance, *numbers = expected
    found = inference(fit).contrasts(row)
    assert fit.deviance == pytest.approx(deviance, abs=digits) and fit.deviance < deviance + digits
    for value, reference, rel in zip((found.estimate[0], found.std_error[0], found.df[0]), numbers, (1e-4, 1e-4, 4e-4), strict=True):
        assert value == pytest.approx(reference, rel=rel)


@pytest.fixture
def lines(dental):
    """Straight lines of age for each sex: y, X (1, girl, age, girl × age), subject, visit."""
    distance, girl = dental
    subject, visit = np.divmod(np.arange(108), 4)
    age, girl = 8.0 + 2 * visit, girl[subject]
    return distance.ravel(), np.column_stack([np.ones(108), girl, age, girl * age]), subject, visit


@pytest.fixture
def dropouts(dental, by_visit):
    """Change from age 8, 69 records: y, X (visit; baseline by visit; girl by visit), subject, visit."""
    distance, girl = dental
    change, base = distance[:, 1:] - distance[:, :1], distance[:, 0]
    seen = np.ones_like(change, dtype=bool)
    for child, first_missing in {2: 1, 6: 2, 10: 1, 14: 2, 16 + 1: 1, 16 + 4: 2, 16 + 7: 1}.items():
        seen[child, first_missing:] = False
    seen[9, 1] = False
    subject, visit = np.nonzero(seen)
    return change[seen], by_visit(3, visit, np.ones(69), base[subject], girl[subject]), subject, visit


@pytest.mark.parametrize("name", SLOPES)
def test_slopes(lines, name):
    compare(fit_mmrm(*lines, covariance=name), np.eye(4)[3:], SLOPES[name], 5.1e-5)


@pytest.mark.parametrize("name", AGE_14)
def test_with_missing_values(dropouts, name):
    compare(fit_mmrm(*dropouts, covariance=name), np.eye(9)[8:], AGE_14[name], 1e-6)


ORDER = {  # coefficients of R, and the rows that they are over ours: the first visit, and differences from it
    "slopes": (["(Intercept)", "SEXFemale", "age", "SEXFemale:age"], np.eye(4)),
    "missing": (
        ["(Intercept)", "V2", "V3", "BASE", "BASE:V2", "BASE:V3", "SEXFemale", "V2:SEXFemale", "V3:SEXFemale"],
        np.kron(np.eye(3), [[1, 0, 0], [-1, 1, 0], [-1, 0, 1]]),
    ),
}


@pytest.mark.parametrize(
    ("data", "name", "ddf"), [(d, s, ddf) for d in ORDER for s in GLS[d] for ddf in ("residual", "satterthwaite") if GLS[d][s][ddf]]
)
def test_polished_gls(lines, dropouts, data, name, ddf):
    r, (terms, rows) = GLS[data][name], ORDER[data]
    fit = fit_mmrm(*(lines if data == "slopes" else dropouts), covariance=name)
    assert fit.deviance == pytest.approx(r["deviance"], abs=1e-9)
    order = [r[ddf]["term"].index(term) for term in terms]
    found = inference(fit, ddf).contrasts(rows)
    for value, key, rel in (
        (found.estimate, "estimate", 1e-7), (found.std_error, "se", 2e-8), (found.df, "df", 1e-8), (found.p_value, "p", 1e-6)
    ):  # fmt: skip
        np.testing.assert_allclose(value, np.array(r[ddf][key])[order], rtol=rel)


def test_full_kenward_roger_of_the_cholesky_factor(dental, by_visit):
    """Girls - boys at 8 on complete data: mmrm's default, "Kenward-Roger", has SE 0.893061, two per cent below the exact 0.911471."""
    distance, girl = dental
    subject, visit = np.divmod(np.arange(108), 4)
    fit = fit_mmrm(distance.ravel(), by_visit(4, visit, np.ones(108), girl[subject]), subject, visit, covariance="us-cholesky")
    found = inference(fit, "kenward-roger").contrasts(np.eye(8)[4:5])
    assert found.std_error[0] == pytest.approx(0.893061, rel=1e-5)  # a stock fit
    assert inference(fit).contrasts(np.eye(8)[4:5]).std_error[0] == pytest.approx(0.911471, abs=5e-7)
