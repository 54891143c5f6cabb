"""Constrained longitudinal data analysis: nlme::gls, the analysis of covariance, and what is refused.

Reference: R nlme 3.1-162, tests/reference/mixed.json (``clda``), made by reference_mixed.R.
"""

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

import nirls
from nirls.errors import DataError, NotEstimableError
from tests.models.r_mixed import DEVIANCE, DF, ERROR, ESTIMATE, MIXED, P, read_trial
from tests.models.r_mmrm import same

NAMES = {"response": "AVAL", "treatment": "TRT", "reference": "SHAM", "subject": "USUBJID", "visit": "AVISIT", "baseline": "W0"}


def with_baseline(trial):
    first = trial.drop_duplicates("USUBJID").assign(AVISIT="W0", AVAL=lambda d: d["BASE"])
    return pd.concat([first, trial], ignore_index=True).assign(AVAL=lambda d: d["AVAL"].astype(float))


@pytest.fixture(scope="module")
def trial():
    return with_baseline(read_trial())


@pytest.fixture(scope="module")
def fitted(trial):
    return nirls.clda(trial, covariates=["REGION"], **NAMES)


def test_gls(fitted):
    """Differences at each visit are the coefficients of gls; its criterion is that of another basis of the same design."""
    r = MIXED["clda"]
    assert fitted.fit.deviance == pytest.approx(r["deviance"], abs=DEVIANCE)
    assert fitted.fit.deviance <= r["stock_deviance"] + 1e-9
    order = [r["residual"]["term"].index(f"{arm}{visit}") for visit in "1234" for arm in "LH"]
    found = fitted.contrasts(ddf="residual")
    assert found["AVISIT"].astype(str).tolist() == [f"W{v}" for v in "11223344"]
    for name, key, rel in (("estimate", "estimate", ESTIMATE), ("std_error", "se", ERROR), ("df", "df", DF), ("p_value", "p", P)):
        same(found[name], np.array(r["residual"][key])[order], rel)


def test_complete_data_are_analysed_as_by_ancova(trial):
    """Lu 2010: the likelihood is that of the baseline times that of the later values given it; so the differences are those of OLS."""
    whole = trial[trial.groupby("USUBJID")["AVAL"].transform("count") == 5]
    found = nirls.clda(whole, **NAMES).contrasts()
    for visit, table in found.groupby("AVISIT", observed=True):
        ancova = smf.ols("AVAL ~ BASE + TRT", whole[whole["AVISIT"] == visit]).fit()
        same(table["estimate"], ancova.params[["TRT[T.NIR-L]", "TRT[T.NIR-H]"]], 1e-8)


def test_changes_are_differences_of_means_and_differ_by_the_contrasts(fitted):
    changes, contrasts = fitted.changes(), fitted.contrasts()
    wide = changes.pivot(index="AVISIT", columns="TRT", values="lsmean").loc[list(fitted.visits)]
    same(contrasts["estimate"], np.column_stack([wide["NIR-L"] - wide["SHAM"], wide["NIR-H"] - wide["SHAM"]]).ravel(), 1e-10)
    r = MIXED["clda"]["residual"]
    change_of_sham = [r["estimate"][r["term"].index(f"V{v}")] for v in "1234"]
    same(wide["SHAM"], change_of_sham, ESTIMATE)


def test_a_subject_with_only_a_baseline_counts(trial, fitted):
    extra = trial[trial["AVISIT"] == "W0"].head(8).assign(USUBJID=[f"X{i}" for i in range(8)], AVAL=30.0)
    more = nirls.clda(pd.concat([trial, extra], ignore_index=True), covariates=["REGION"], **NAMES)
    assert more.fit.fit.n_subjects == fitted.fit.fit.n_subjects + 8
    assert (more.changes()["lsmean"] < fitted.changes()["lsmean"]).all()  # the common start is higher
    np.testing.assert_array_equal(more.changes()["n"], fitted.changes()["n"])


def test_rows_and_the_order_of_arms_do_not_matter(trial, fitted):
    turned = trial.sample(frac=1.0, random_state=3)
    turned["TRT"] = pd.Categorical(turned["TRT"], ["NIR-H", "SHAM", "NIR-L"])
    found = nirls.clda(turned, covariates=["REGION"], **NAMES).contrasts().sort_values(["AVISIT", "contrast"])
    expected = fitted.contrasts().sort_values(["AVISIT", "contrast"])
    for column in ("estimate", "std_error", "df", "p_value"):
        same(found[column], expected[column], 1e-7)


def test_refused(trial):
    with pytest.raises(DataError, match="'W9' is not a level of AVISIT; levels: W0, W1"):
        nirls.clda(trial, **NAMES | {"baseline": "W9"})
    with pytest.raises(DataError, match="'NIR' is not a level of TRT"):
        nirls.clda(trial, **NAMES | {"reference": "NIR"})
    with pytest.raises(DataError, match="no observed AVAL after the baseline"):
        nirls.clda(trial[trial["AVISIT"] == "W0"], **NAMES)
    with pytest.raises(NotEstimableError, match="1 linearly dependent columns more than the common baseline makes"):
        nirls.clda(trial.assign(HALF=trial["AGE"] / 2), covariates=["AGE", "HALF"], **NAMES)
