"""What a design says about rows, levels and columns, and how the models answer odd but valid data."""

import numpy as np
import pandas as pd
import pytest

import nirls
from nirls.errors import DataError, MethodError, NotEstimableError
from nirls.models.ancova import ancova
from nirls.models.design import build_design


@pytest.fixture
def trial():
    """36 subjects, three visits, two arms and a stratum whose first level is 'NA' (North America)."""
    rng = np.random.default_rng(12)
    n = 36
    frame = pd.DataFrame(
        {
            "USUBJID": np.repeat([f"S{i:02d}" for i in range(n)], 3),
            "AVISIT": np.tile(["Week 4", "Week 8", "Week 12"], n),
            "TRT": np.repeat(np.where(np.arange(n) % 2, "NIR", "SHAM"), 3),
            "REGION": np.repeat(np.array(["NA", "EU", "AP"])[np.arange(n) % 3], 3),
            "BASE": np.repeat(rng.normal(25, 5, n), 3),
        }
    )
    frame["CHG"] = -0.4 * frame["BASE"] + np.repeat(rng.normal(0, 2, n), 3) + rng.normal(0, 2, 3 * n) - 2 * (frame["TRT"] == "NIR")
    frame.loc[[4, 20, 56], "CHG"] = np.nan
    frame["AVISIT"] = pd.Categorical(frame["AVISIT"], ["Week 4", "Week 8", "Week 12", "Week 16"], ordered=True)
    return frame


MODEL = "CHG ~ REGION + BASE * AVISIT + TRT * AVISIT"
IDS = {"subject": "USUBJID", "visit": "AVISIT"}


def test_levels_keep_declared_order_else_sorted(trial):
    design = build_design(MODEL, trial)
    assert design.factors == {"AVISIT": ("Week 4", "Week 8", "Week 12"), "REGION": ("AP", "EU", "NA"), "TRT": ("NIR", "SHAM")}
    assert design.unused_levels == {"AVISIT": ("Week 16",)}
    assert "REGION[T.NA]" in design.columns and "AVISIT[T.Week 8]" in design.columns
    assert design.n_missing_outcome == 3 and design.missing_covariates == {}


def test_covariates_are_at_the_mean_of_the_analysed_rows(trial):
    assert build_design(MODEL, trial).covariates == {"BASE": pytest.approx(trial.loc[trial["CHG"].notna(), "BASE"].mean(), rel=1e-14)}


def test_missing_covariates_are_counted_and_said(trial):
    trial.loc[trial["USUBJID"] == "S05", "BASE"] = np.nan
    trial.loc[9, "REGION"] = np.nan
    with pytest.warns(UserWarning, match=r"4 rows with an observed CHG are not analysed: missing \{'BASE': 3, 'REGION': 1\}"):
        fit = nirls.mmrm(MODEL, trial, **IDS)
    assert fit.design.n_missing_covariates == 4
    assert (fit.n_subjects_without_outcome, fit.n_subjects_without_covariates, fit.fit.n_subjects) == (0, 1, 35)
    assert "4 rows with a missing covariate {'BASE': 3, 'REGION': 1}" in fit.summary()


def test_duplicates_are_named(trial):
    twice = pd.concat([trial, trial.iloc[[7]]])
    with pytest.raises(DataError, match="S02 at Week 8"):
        nirls.mmrm(MODEL, twice, **IDS)


def test_rank_deficiency_names_the_columns(trial):
    trial["SITE"] = "site " + trial["REGION"]
    with pytest.raises(NotEstimableError, match=r"rank deficient.*SITE\[T\.site EU\], SITE\[T\.site NA\].*rank_deficient='drop'"):
        nirls.mmrm("CHG ~ REGION + SITE + BASE * AVISIT + TRT * AVISIT", trial, **IDS)


def test_dropped_columns_leave_the_rest_as_it_is(trial):
    trial["COPY"] = 2 * trial["BASE"] + 1
    fit = nirls.mmrm(MODEL.replace("TRT *", "COPY + TRT *"), trial, rank_deficient="drop", **IDS)
    plain = nirls.mmrm(MODEL, trial, **IDS)
    assert fit.design.dropped == ("COPY",) and "Not estimable, dropped: COPY" in fit.summary()
    columns = ["estimate", "std_error", "df", "p_value"]
    np.testing.assert_allclose(fit.contrasts("TRT", by="AVISIT")[columns], plain.contrasts("TRT", by="AVISIT")[columns], rtol=1e-8)
    # at the mean of both covariates the LS means are estimable too: the mean of COPY is 2·mean + 1
    np.testing.assert_allclose(fit.lsmeans("TRT", by="AVISIT")["lsmean"], plain.lsmeans("TRT", by="AVISIT")["lsmean"], rtol=1e-8)


def test_one_visit_is_analysis_of_covariance(trial):
    week = trial[trial["AVISIT"] == "Week 8"]
    repeated, single = nirls.mmrm(MODEL, week, **IDS), ancova("CHG ~ REGION + BASE + TRT", week)
    columns = ["estimate", "std_error", "df", "statistic", "p_value", "conf_low", "conf_high"]
    np.testing.assert_allclose(
        repeated.contrasts("TRT", reference="SHAM")[columns], single.contrasts("TRT", reference="SHAM")[columns], rtol=1e-9
    )
    np.testing.assert_allclose(repeated.lsmeans("TRT", by="AVISIT")["lsmean"], single.lsmeans("TRT")["lsmean"], rtol=1e-10)


def test_constant_outcome(trial):
    with pytest.raises(MethodError, match="constant"):
        nirls.mmrm(MODEL, trial.assign(CHG=1.0), **IDS)
    with pytest.raises(MethodError, match="constant"):
        ancova("CHG ~ TRT", trial[trial["AVISIT"] == "Week 8"].assign(CHG=1.0))


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("CHG ~ BSAE + TRT", "no column 'BSAE'"),
        ("~ BASE", "response"),
        ("CHG + BASE ~ TRT", "one response"),
        ("CHG ~ BASE +* TRT", "cannot be read|formula"),
    ],
)
def test_unusable_formula(trial, formula, message):
    with pytest.raises(MethodError, match=message):
        build_design(formula, trial)


def test_unusable_requests(trial):
    fit = nirls.mmrm(MODEL, trial, **IDS)
    with pytest.raises(MethodError, match=r"'BASE': not a factor .*; factors: AVISIT, REGION, TRT"):
        fit.lsmeans("BASE")
    with pytest.raises(MethodError, match="'PLACEBO' is not a level of 'TRT'"):
        fit.contrasts("TRT", reference="PLACEBO")
    with pytest.raises(MethodError, match="not a term"):
        fit.test("TRT:REGION")
    with pytest.raises(ValueError, match="margins must be"):
        fit.lsmeans("TRT", margins="om")
    with pytest.raises(DataError, match="no column 'SUBJECT'"):
        nirls.mmrm(MODEL, trial, subject="SUBJECT", visit="AVISIT")


def test_text_response_is_refused(trial):
    with pytest.raises(DataError, match="not numeric"):
        build_design("REGION ~ TRT", trial)
