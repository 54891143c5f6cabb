"""Between-within degrees of freedom against the inner-outer rule of nlme::lme, tests/reference/mixed.json.

Pinheiro JC, Bates DM. Mixed-Effects Models in S and S-PLUS. Springer 2000, p. 91. The model is a random intercept, which `cs` and
`random-intercept` are, so that estimates, t and F are those of lme too.
"""

import pytest

import nirls
from tests.models.r_mixed import MIXED, SLEEP, SLOPES, TRIAL, check_deviance, check_f, check_table, read_sleep, read_slopes, read_trial
from tests.models.r_mmrm import MODEL


def read_complete():
    frame = read_trial()
    return frame[frame.groupby("USUBJID")["VN"].transform("size") == 4]


CASES = {  # factors and covariates, between subjects and within, on balanced and on unbalanced data
    "balanced": (MODEL, read_complete, TRIAL | {"covariance": "cs"}),
    "unbalanced": (MODEL, read_trial, TRIAL | {"covariance": "cs"}),
    # VN and LATE vary within subjects, LATE only in every second one
    "covariates": ("CHG ~ REGION + BASE * VN + TRT * VN + LATE", read_trial, TRIAL | {"covariance": "cs"}),
    "slopes": ("IRLS ~ WEEK * TRT", read_slopes, SLOPES | {"covariance": "random-intercept"}),
    "sleepstudy": ("Reaction ~ Days", read_sleep, SLEEP | {"covariance": "random-intercept"}),
}


@pytest.mark.parametrize("key", CASES)
def test_inner_and_outer(key):
    formula, read, options = CASES[key]
    fit, r = nirls.mmrm(formula, read(), ddf="between-within", **options), MIXED["between_within"][key]
    assert (fit.fit.n_obs, fit.fit.n_subjects) == (r["n_obs"], r["n_subjects"])
    check_deviance(fit, r["deviance"])
    check_table(fit.coefficients(), r["coefficients"], estimate=1e-11, error=1e-11, df=0, statistic=1e-11, p=1e-9)
    assert len(set(fit.coefficients()["df"])) == (1 if key == "sleepstudy" else 2)
    for term, expected in r["terms"].items():
        check_f(fit.test(term), expected)


def test_counts_by_hand():
    """The formula of the book, denDF_i = m_i − (m_{i−1} + p_i) with m_0 = 1, m_1 subjects and m_2 records."""
    data = read_trial()
    fit = nirls.mmrm(MODEL, data, covariance="cs", ddf="between-within", **TRIAL)
    found = fit.coefficients()["df"]
    between, within = 5, 12  # REGION 2, BASE, TRT 2; AVISIT 3, BASE by AVISIT 3, TRT by AVISIT 6
    assert found["BASE"] == 180 - (1 + between) and found["AVISIT[T.W2]"] == found["Intercept"] == 669 - (180 + within)
