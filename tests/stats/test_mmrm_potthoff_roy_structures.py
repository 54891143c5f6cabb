"""Structured covariances on the dental growth data of Potthoff & Roy (1964), complete and with missing values.

Values were computed with mmrm 0.3.18 in R 4.2.2 (REML, vcov = "Kenward-Roger-Linear") and are given to the digits printed. Its stock
optimiser stops before the optimum: standard errors agree to about 1e-4, df, which go with their fourth power, to about 4e-4.
"""

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


def compare(fit, row, expected, digits):
    deviance, *numbers = expected
    found = inference(fit).contrasts(row)
    assert fit.deviance == pytest.approx(deviance, abs=digits) and fit.deviance < deviance + digits
    for value, reference, rel in zip((found.estimate[0], found.std_error[0], found.df[0]), numbers, (1e-4, 1e-4, 4e-4), strict=True):
        assert value == pytest.approx(reference, rel=rel)


@pytest.mark.parametrize("name", SLOPES)
def test_slopes(dental, name):
    distance, girl = dental
    subject, visit = np.divmod(np.arange(108), 4)
    age, girl = 8.0 + 2 * visit, girl[subject]
    fit = fit_mmrm(distance.ravel(), np.column_stack([np.ones(108), girl, age, girl * age]), subject, visit, covariance=name)
    compare(fit, np.eye(4)[3:], SLOPES[name], 5.1e-5)


@pytest.mark.parametrize("name", AGE_14)
def test_with_missing_values(dental, by_visit, name):
    distance, girl = dental
    change, base = distance[:, 1:] - distance[:, :1], distance[:, 0]
    seen = np.ones_like(change, dtype=bool)
    for child, first_missing in {2: 1, 6: 2, 10: 1, 14: 2, 16 + 1: 1, 16 + 4: 2, 16 + 7: 1}.items():
        seen[child, first_missing:] = False
    seen[9, 1] = False
    subject, visit = np.nonzero(seen)
    x = by_visit(3, visit, np.ones(69), base[subject], girl[subject])
    compare(fit_mmrm(change[seen], x, subject, visit, covariance=name), np.eye(9)[8:], AGE_14[name], 1e-6)
