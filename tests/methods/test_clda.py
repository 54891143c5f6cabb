"""The method `clda`: what it writes into analysis results data, and the plans and data it refuses."""

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from nirls.errors import DataError
from nirls.methods.clda import CLDAOptions, clda
from nirls.methods.registry import all_methods
from tests.methods.test_linear_methods import adqs, ard, data, stat, text  # noqa: F401 (a fixture)
from tests.models.r_mixed import DEVIANCE, MIXED

OPTIONS = {"covariates": ["REGION"], "ddf": "residual"}


@pytest.fixture
def long(adqs):  # noqa: F811
    """The parallel trial with the record of the baseline, made at the visit of the randomization."""
    first = adqs.drop_duplicates("USUBJID").assign(AVISIT="Day 1", AVISITN=0.0, AVAL=lambda d: d["BASE"], CHG=np.nan, ABLFL="Y")
    return pd.concat([first, adqs.assign(ABLFL=pd.Series(None, index=adqs.index, dtype="str"))], ignore_index=True)


def run(frame, **options):
    return ard(clda(data(frame, "clda"), CLDAOptions(**OPTIONS | options)))


def test_rows_are_the_reference(long):
    """nlme::gls, tests/reference/mixed.json: the differences are coefficients; the change under sham is the coefficient of the visit."""
    found, r = run(long), MIXED["clda"]
    table = {term: [r["residual"][k][i] for k in ("estimate", "se", "df", "p")] for i, term in enumerate(r["residual"]["term"])}
    for visit in "1234":
        for arm, letter in (("NIR-L", "L"), ("NIR-H", "H")):
            key = {"variable": "CHG", "group1_level": arm, "visit": f"Week {visit}", "comparison": f"{arm} - SHAM"}
            ours = [stat(found, name, **key) for name in ("estimate", "std_error", "df", "p_value")]
            np.testing.assert_allclose(ours, table[letter + visit], rtol=1e-6)
        key = {"variable": "CHG", "group1_level": "SHAM", "visit": f"Week {visit}", "comparison": ""}
        assert stat(found, "lsmean", **key) == pytest.approx(table[f"V{visit}"][0], rel=1e-7)
        at = (long["TRT01P"] == "SHAM") & (long["AVISIT"] == key["visit"])
        assert stat(found, "n", **key) == long[at]["AVAL"].count()
    assert stat(found, "deviance", variable="model") == pytest.approx(r["deviance"], abs=DEVIANCE)
    assert not (found["visit"] == "Baseline")[found["stat_name"].isin(["lsmean", "estimate", "n"])].any()
    assert "mean common to the arms" in text(found, "estimator").replace("whose mean is", "mean")


def test_subjects_without_a_later_value_are_analysed(long):
    gone = long["USUBJID"].isin(["S001", "S002"]) & long["ABLFL"].isna()
    found = run(long[~gone])
    assert stat(found, "n_subjects", variable="model", group1_level="") == 180
    assert stat(found, "n_excluded", variable="model") == 0


def test_what_cannot_be_fitted_is_said(long):
    lone = long[(long["TRT01P"] == "SHAM") | long["ABLFL"].eq("Y")]
    found = run(lone)
    estimate = found[(found["stat_name"] == "estimate")]
    assert estimate["stat"].isna().all() and (estimate["error"] != "").all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"covariates": ["BASE", "REGION"]}, "BASE, the baseline value, is an outcome of this model"),
        ({"response": "CHG"}, "CHG has no value at baseline; use AVAL"),
        ({"by_visit": ["SEX"]}, "by_visit: SEX not among covariates"),
        ({"covariance": ["random-slope"]}, "covariance"),
    ],
)
def test_options(change, message):
    with pytest.raises(ValidationError, match=message):
        CLDAOptions(**OPTIONS | change)


def test_bad_records(long):
    with pytest.raises(DataError, match="no baseline record"):
        run(long[long["ABLFL"].isna()])
    twice = pd.concat([long, long[long["USUBJID"].eq("S003") & long["ABLFL"].eq("Y")]], ignore_index=True)
    with pytest.raises(DataError, match="more than one baseline record for: S003"):
        run(twice)
    with pytest.raises(DataError, match="not the baseline record"):
        run(long.replace({"AVISIT": {"Week 1": "Baseline"}}))
    with pytest.raises(DataError, match="one to one"):
        run(long.assign(AVISITN=long["AVISITN"].mask(long["AVISIT"] == "Week 2", 1.0)))


def test_registered():
    assert all_methods()["clda"].outcome == "repeated mean"
