"""What nlme, lme4 and clubSandwich say (tests/reference/mixed.json), the data they say it of, and how closely it is compared."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.models.r_mmrm import in_order, read_parallel, same

HERE = Path(__file__).parents[1] / "reference"
MIXED = json.loads((HERE / "mixed.json").read_text())
# The precision of the R optima, tests/reference/README.md: -2 log likelihood (absolute), the rest relative
DEVIANCE, ESTIMATE, ERROR, DF, STATISTIC, P = 1e-9, 1e-7, 1e-8, 1e-7, 1e-7, 1e-6
TRIAL = {"subject": "USUBJID", "visit": "AVISIT"}
SLOPES = {"subject": "USUBJID", "visit": "WEEK"}
SLEEP = {"subject": "Subject", "visit": "Days"}


def read_trial():
    """The 669 analysed rows of the parallel trial, with the columns that reference_mixed.R adds."""
    frame = read_parallel().dropna(subset=["CHG"])
    visit, subject = frame["AVISIT"].str[1:].astype(int), frame["USUBJID"].str[1:].astype(int)
    return frame.assign(
        VN=visit,
        W=0.5 + (subject + 2 * visit) % 4 / 2,
        LATE=visit * (subject % 2),
        ADY=7 * visit + subject * (visit + 2) % 7 - 3,
    )


def read_slopes():
    frame = pd.read_csv(HERE / "irls_slopes.csv")
    occasion = frame.groupby("USUBJID").cumcount() + 1
    return frame.assign(TRT=pd.Categorical(frame["TRT"], ["SHAM", "NIR"]), W=0.5 + occasion % 3 / 2)


def read_sleep():
    return pd.read_csv(HERE / "sleepstudy.csv")


def check_deviance(fit, expected):
    assert fit.deviance == pytest.approx(expected, abs=DEVIANCE)


def check_table(table, r, *, estimate=ESTIMATE, error=ERROR, df=DF, statistic=STATISTIC, p=P):
    order = in_order(table.index, r)
    for column, name, rel in (
        ("estimate", "estimate", estimate),
        ("std_error", "se", error),
        ("df", "df", df),
        ("statistic", "t", statistic),
        ("p_value", "p", p),
    ):
        same(table[column], np.array(r[name])[order], rel)


def check_f(found, r):
    assert found.num_df == r["num_df"]
    assert found.den_df == pytest.approx(r["den_df"], rel=DF)
    assert found.statistic == pytest.approx(r["F"], rel=STATISTIC)
    assert found.p_value == pytest.approx(r["p"], rel=P)


def rows_of(fit, terms):
    """The rows L that pick these coefficients, named as R does."""
    columns = list(fit.design.columns)
    return np.eye(len(columns))[in_order(terms, {"term": columns})]
