"""Type III tests of terms against R lmerTest 3.1-3, pbkrtest 0.5.2, car 3.1-1 and emmeans 1.8.4 (tests/reference/diagnostics.json),
statsmodels, and sum-to-zero coding."""

import json
import re
import warnings

import formulaic
import numpy as np
import pandas as pd
import pytest

import nirls
from nirls.errors import MethodError, NotEstimableError
from nirls.models import terms
from nirls.models.ancova import ancova
from nirls.models.design import build_design
from nirls.models.terms import anova_table
from nirls.stats.contrasts import FTest
from tests.models.r_mmrm import HERE, MODEL, read_parallel, same

REFERENCE = json.loads((HERE / "diagnostics.json").read_text())["terms"]
CROSSED = "CHG ~ REGION * TRT + BASE * AVISIT + TRT * AVISIT"
IDS = {"subject": "USUBJID", "visit": "AVISIT"}


@pytest.fixture(scope="module")
def data():
    return read_parallel()


@pytest.fixture(scope="module")
def slopes():
    return pd.read_csv(HERE / "irls_slopes.csv").assign(TRT=lambda d: pd.Categorical(d["TRT"], ["SHAM", "NIR"]))


def check(table, r, rel):
    assert len(table) == len(r["term"])
    rows = table.rename(index={"TRT:AVISIT": "AVISIT:TRT"} if "AVISIT:TRT" in r["term"] else {}).loc[r["term"]]
    assert list(rows["num_df"]) == r["num_df"]
    for column in ("den_df", "statistic", "p_value"):
        if column in r:
            same(rows[column], r[column], rel[column])


# the F of lmerTest carry the precision of the lme4 optimum, about 4e-7
R = {"den_df": 2e-7, "statistic": 1e-6, "p_value": 1e-6}


# a random intercept is compound symmetry of the visits; pbkrtest takes the expected information
@pytest.mark.parametrize(
    ("key", "options"),
    [
        ("kenward_roger", {"ddf": "kenward-roger", "information": "expected"}),
        ("car_kenward_roger", {"ddf": "kenward-roger-linear", "information": "expected"}),
        ("satterthwaite", {"ddf": "satterthwaite"}),
    ],
)
def test_unbalanced_factors_and_covariate_by_factor(data, slopes, key, options):
    fit = nirls.mmrm(CROSSED, data, covariance="cs", **IDS, **options)
    check(fit.anova(), REFERENCE["random_intercept"][key], R)
    assert list(fit.anova().index) == ["REGION", "TRT", "BASE", "AVISIT", "REGION:TRT", "BASE:AVISIT", "TRT:AVISIT"]
    random = nirls.mmrm("IRLS ~ WEEK * TRT", slopes, subject="USUBJID", visit="WEEK", covariance="random-slope", **options)
    check(random.anova(), REFERENCE["random_slope"][key], R)


def test_unstructured_covariance(data):
    """The hypotheses of emmeans::joint_tests, with nlme::gls, whose optimum is 3e-10 above ours in −2ℓ and so 1e-6 away in F."""
    check(nirls.mmrm(MODEL, data, ddf="satterthwaite", **IDS).anova(), REFERENCE["gls"], {"statistic": 3e-6})


def test_one_visit(data):
    """car::Anova(lm(…), type = 3) and statsmodels, both with sum-to-zero coding."""
    from statsmodels.formula.api import ols
    from statsmodels.stats.anova import anova_lm

    week = data[(data["AVISIT"] == "W4") & data["CHG"].notna()]
    found = ancova("CHG ~ REGION * TRT + BASE * TRT", week).anova()
    exact = dict.fromkeys(R, 1e-11)
    check(found.rename(index={"BASE:TRT": "TRT:BASE"}), REFERENCE["one_visit"], exact)
    other = anova_lm(ols("CHG ~ C(REGION, Sum) * C(TRT, Sum) + BASE * C(TRT, Sum)", week.astype({"TRT": str, "REGION": str})).fit(), typ=3)
    other.index = [re.sub(r"C\((\w+), Sum\)", r"\1", name) for name in other.index]
    same(found["statistic"], other.loc[found.index, "F"], 1e-11)
    same(found["p_value"], other.loc[found.index, "PR(>F)"], 1e-11)


def test_what_is_not_estimable_is_left_out_and_said(data):
    """emmeans::joint_tests of lme4::lmer without the cell NIR-H at W4."""
    empty = data[~((data["TRT"] == "NIR-H") & (data["AVISIT"] == "W4"))]
    fit = nirls.mmrm(CROSSED, empty, covariance="cs", ddf="satterthwaite", rank_deficient="drop", **IDS)
    table = fit.anova()
    check(table, REFERENCE["empty_cell"], {"statistic": 3e-6})
    assert dict(table["not_estimable"]) == dict.fromkeys(table.index, 0) | {"TRT": 1, "AVISIT": 1, "TRT:AVISIT": 1}
    with pytest.warns(UserWarning, match="AVISIT:TRT: 1 of 6 dimensions of the hypothesis are not estimable"):
        found = fit.test("AVISIT:TRT")
    assert (found.num_df, found.not_estimable, found.statistic) == (5, 1, table.loc["TRT:AVISIT", "statistic"])
    two = nirls.mmrm(MODEL, empty[empty["TRT"] != "NIR-L"], rank_deficient="drop", **IDS)
    assert (two.anova().loc["TRT", ["num_df", "not_estimable"]] == [0, 1]).all() and np.isnan(two.anova().loc["TRT", "p_value"])
    with pytest.raises(NotEstimableError, match=r"hypothesis of 'TRT' .* is not estimable: .*NIR-H\]:AVISIT\[T.W4\] dropped"):
        two.test("TRT")


def test_a_covariate_twice_has_no_hypothesis_of_its_own(data):
    fit = nirls.mmrm("CHG ~ BASE + COPY + TRT * AVISIT", data.assign(COPY=2 * data["BASE"] + 1), rank_deficient="drop", **IDS)
    plain = nirls.mmrm("CHG ~ BASE + TRT * AVISIT", data, **IDS)
    assert list(fit.anova().loc[["BASE", "COPY"], "num_df"]) == [0, 0]
    pd.testing.assert_frame_equal(fit.anova().loc[["TRT", "AVISIT"]], plain.anova().loc[["TRT", "AVISIT"]], rtol=1e-8)


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ a * b * c + x * a + z",
        "y ~ a:b",
        "y ~ a + a:b",
        "y ~ a + b + a:b:c",
        "y ~ x:a + b:c + x:z",
        "y ~ 0 + a:b",
        "y ~ 0 + a * b",
        "y ~ 2:x + a:3 + b + b:a",
        "y ~ poly(x, 2) * a + np.log(x + 10):b",
        "y ~ a * b + x:z:a + x:z + poly(x, 2):poly(z, 3):b",
        "y ~ C(a, contr.treatment('z')) * b * c",
        "y ~ C(a, contr.poly) * b * C(c, contr.SAS) + x:b",
    ],
)
def test_hypotheses_are_those_of_sum_to_zero_coding(formula):
    """The columns of a term in sum-to-zero coding, and its hypothesis, span the same space."""
    rng = np.random.default_rng(0)
    n = 300
    frame = pd.DataFrame({name: pd.Categorical(rng.choice(list(levels), n)) for name, levels in (("a", "xyz"), ("b", "pq"), ("c", "klmn"))})
    frame = frame.assign(x=rng.normal(3, 1, n), z=rng.normal(size=n), y=rng.normal(size=n))
    design = build_design(formula, frame)
    plain = re.sub(r"C\((\w)[^()]*(\('z'\))?\)", r"\1", formula.split("~")[1])
    coded = formulaic.model_matrix(re.sub(r"\b([abc])\b", r"C(\1, contr.sum)", plain), frame, context={"np": np})
    turned = np.linalg.lstsq(np.asarray(coded, dtype=float), design.matrix, rcond=None)[
        0
    ]  # sum-to-zero coefficients of those of the design
    slices = [place for term, place in coded.model_spec.term_slices.items() if str(term) != "1"]
    assert len(slices) == len(terms.names(design))
    for term, place in zip(terms.names(design), slices, strict=True):
        rows, expected = terms.hypothesis(design, term), turned[place]
        assert np.linalg.matrix_rank(rows) == len(rows) == len(expected)
        np.testing.assert_allclose(np.linalg.pinv(rows) @ rows, np.linalg.pinv(expected) @ expected, atol=1e-10)


def test_a_term_by_name_does_not_depend_on_the_reference_level(data):
    fit = nirls.mmrm(CROSSED, data, **IDS)
    turned = data.assign(
        TRT=data["TRT"].cat.reorder_categories(["NIR-H", "NIR-L", "SHAM"]), REGION=data["REGION"].cat.reorder_categories(["AP", "AM", "EU"])
    )
    again = nirls.mmrm(CROSSED, turned, **IDS)
    pd.testing.assert_frame_equal(again.anova(), fit.anova(), rtol=1e-8)
    for term in ("TRT", "REGION", "AVISIT:TRT"):
        name = "TRT:AVISIT" if term == "AVISIT:TRT" else term
        found = fit.test(term)
        assert tuple(fit.anova().loc[name]) == (found.num_df, found.den_df, found.statistic, found.p_value, 0)


def test_rows_are_differences_from_the_reference_level(data):
    """The effect of treatment averaged over visits and regions, as the differences of LS means have it."""
    fit = nirls.mmrm(CROSSED, data, **IDS)
    rows = terms.hypothesis(fit.design, "TRT")
    for row, arm in zip(rows, ("NIR-L", "NIR-H"), strict=True):
        weights = dict.fromkeys(fit.design.columns, 0.0) | {f"TRT[T.{arm}]": 1.0}
        weights |= {f"TRT[T.{arm}]:AVISIT[T.W{v}]": 1 / 4 for v in (2, 3, 4)} | {f"REGION[T.{r}]:TRT[T.{arm}]": 1 / 3 for r in ("AM", "AP")}
        np.testing.assert_allclose(row, list(weights.values()), atol=1e-15)
    np.testing.assert_allclose(rows @ fit.fit.beta, fit.contrasts("TRT")["estimate"], rtol=1e-10)
    two = nirls.mmrm(CROSSED, data[data["TRT"] != "NIR-L"], **IDS)
    assert two.test("TRT").p_value == pytest.approx(two.contrasts("TRT")["p_value"].item(), rel=1e-9)


def test_covariates_are_tested_apart_from_factors(data):
    """AVISIT beside BASE:AVISIT is tested where BASE is zero, BASE as the slope averaged over visits (so PROC MIXED)."""
    fit = nirls.mmrm(MODEL, data, **IDS)
    shifted = nirls.mmrm(MODEL, data.assign(BASE=data["BASE"] - 25), **IDS)
    assert fit.anova().loc["AVISIT", "statistic"] != pytest.approx(shifted.anova().loc["AVISIT", "statistic"], rel=0.01)
    others = ["REGION", "TRT", "BASE", "BASE:AVISIT", "TRT:AVISIT"]
    pd.testing.assert_frame_equal(fit.anova().loc[others], shifted.anova().loc[others], rtol=1e-7)
    columns = list(fit.design.columns)
    slope = np.zeros(len(columns))
    slope[[columns.index(c) for c in ("BASE", "BASE:AVISIT[T.W2]", "BASE:AVISIT[T.W3]", "BASE:AVISIT[T.W4]")]] = [1, 0.25, 0.25, 0.25]
    assert fit.test("BASE").statistic == pytest.approx(fit.test(slope).statistic.item() ** 2, rel=1e-9)


def test_unusable_terms(data):
    fit = nirls.mmrm(MODEL, data, **IDS)
    with pytest.raises(MethodError, match=r"'SEX' is not a term of .*; terms: REGION, BASE, AVISIT, TRT, BASE:AVISIT, TRT:AVISIT"):
        fit.test("SEX")
    design = build_design("CHG ~ TRT + C(TRT, contr.sum):AVISIT", data, rank_deficient="drop")
    with pytest.raises(MethodError, match=r"codes 'TRT' in more than one way: "):
        terms.hypothesis(design, "TRT")


def test_an_f_without_distribution_is_missing(data):
    design = build_design("CHG ~ TRT", data)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = anova_table(design, lambda rows: FTest(statistic=-3.0, num_df=2, den_df=-1.5))
    assert list(table.loc["TRT"].isna()) == [False, True, True, True, False]
