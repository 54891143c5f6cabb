"""What R mmrm 0.3.18 says of the parallel trial (tests/reference/mmrm.json), and how closely it is compared."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

HERE = Path(__file__).parents[1] / "reference"
REFERENCE = json.loads((HERE / "mmrm.json").read_text())
MODEL = "CHG ~ REGION + BASE * AVISIT + TRT * AVISIT"
METHODS = {"us.kr_linear": "kenward-roger-linear", "us.satterthwaite": "satterthwaite"}
# what a double-precision optimum must reach against the polished R optimum
ESTIMATE, ERROR, DF, P = 1e-6, 1e-5, 1e-4, 1e-3


def read_parallel():
    frame = pd.read_csv(HERE / "irls_parallel.csv", keep_default_na=False, na_values=[""])
    frame["CHG"] = pd.to_numeric(frame["CHG"].replace("NA", np.nan))
    frame["TRT"] = pd.Categorical(frame["TRT"], ["SHAM", "NIR-L", "NIR-H"])
    frame["REGION"] = pd.Categorical(frame["REGION"], ["EU", "AM", "AP"])
    return frame


def parts(name):
    """'TRT[T.NIR-L]:AVISIT[T.W2]' and 'AVISITW2:TRTNIR-L' alike."""
    return frozenset(name.replace("(Intercept)", "Intercept").replace("[T.", "").replace("]", "").split(":"))


def in_order(names, table):
    place = {parts(term): i for i, term in enumerate(table["term"])}
    return [place[parts(name)] for name in names]


def same(found, expected, rel):
    np.testing.assert_allclose(np.asarray(found, dtype=float), np.asarray(expected, dtype=float), rtol=rel, atol=0)


def check_criteria(fit, expected):
    assert fit.deviance <= expected["deviance"] + 1e-6
    assert fit.deviance == pytest.approx(expected["deviance"], abs=1e-6)
    assert fit.loglike == pytest.approx(expected["logLik"], abs=1e-6)
    assert fit.aic == pytest.approx(expected["AIC"], abs=1e-6)
    assert fit.bic == pytest.approx(expected["BIC"], abs=1e-6)
    assert (fit.fit.n_obs, fit.fit.theta.size) == (expected["n_obs"], expected["n_theta"])
    same(fit.varcor, expected["varcor"], ERROR)


def check_coefficients(fit, expected, ddf):
    table, r = fit.coefficients(ddf=ddf), expected["coefficients"]
    order = in_order(table.index, r)
    for column, name, rel in (
        ("estimate", "estimate", ESTIMATE),
        ("std_error", "se", ERROR),
        ("df", "df", DF),
        ("statistic", "t", ERROR),
        ("p_value", "p", P),
    ):
        same(table[column], np.array(r[name])[order], rel)


def check_table(found, value, r, name):
    for column, source, rel in (
        (value, name, ESTIMATE),
        ("std_error", "SE", ERROR),
        ("df", "df", DF),
        ("conf_low", "lower_CL", ERROR),
        ("conf_high", "upper_CL", ERROR),
        ("statistic", "t_ratio", ERROR),
        ("p_value", "p_value", P),
    ):
        same(found[column], r[source], rel)
