"""The method `mmrm` with a covariance over the times of the records: means by visit, as before."""

import typing

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from nirls.errors import ConfigError, DataError
from nirls.methods.mmrm import IN_TIME, MMRMOptions, mmrm
from nirls.stats.mmrm.covariance import STRUCTURES, TIMED
from tests.methods.test_linear_methods import OPTIONS, adqs, ard, data, stat, text  # noqa: F401 (a fixture)
from tests.models.r_mixed import MIXED


@pytest.fixture
def dated(adqs):  # noqa: F811
    """Every visit within three days of its date, as reference_mixed.R has it."""
    visit, subject = adqs["AVISITN"].astype(int), adqs["USUBJID"].str[1:].astype(int)
    return adqs.assign(ADY=(7 * visit + subject * (visit + 2) % 7 - 3).astype(float))


def run(frame, **options):
    return mmrm(data(frame, "mmrm"), MMRMOptions(**OPTIONS | {"time": "ADY"} | options))


@pytest.mark.parametrize(
    ("key", "covariance", "ddf"), [("sp_exp", "sp-exp", "residual"), ("random_slope", "random-slope", "satterthwaite")]
)
def test_results_by_visit_are_the_reference(dated, key, covariance, ddf):
    """nlme::gls with corExp(~ ADY | USUBJID) and lmer with (ADY | USUBJID), LS means by emmeans (tests/reference/mixed.json)."""
    found, r = ard(run(dated, covariance=[covariance], ddf=ddf)), MIXED["days"][key]
    columns = {"df": "df", "conf_low": "lower_CL", "conf_high": "upper_CL"}
    for i, (arm, visit) in enumerate(zip(r["lsmeans"]["TRT"], r["lsmeans"]["AVISIT"], strict=True)):
        where = {"variable": "CHG", "group1_level": arm, "visit": f"Week {visit[1]}", "comparison": ""}
        for name, column in ({"lsmean": "emmean", "lsmean_se": "SE"} | columns).items():
            assert stat(found, name, **where) == pytest.approx(r["lsmeans"][column][i], rel=1e-7)
        assert stat(found, "n", **where) == dated[(dated["TRT01P"] == arm) & (dated["AVISIT"] == where["visit"])]["CHG"].count()
    for i, (contrast, visit) in enumerate(zip(r["contrasts"]["contrast"], r["contrasts"]["AVISIT"], strict=True)):
        arm = contrast[1:6]
        where = {"variable": "CHG", "group1_level": arm, "visit": f"Week {visit[1]}", "comparison": f"{arm} - SHAM"}
        of_test = {"estimate": "estimate", "std_error": "SE", "statistic": "t_ratio", "p_value": "p_value"}
        for name, column in (of_test | columns).items():
            assert stat(found, name, **where) == pytest.approx(r["contrasts"][column][i], rel=1e-7)
    assert stat(found, "deviance", variable="model") == pytest.approx(r["deviance"], abs=1e-9)


def test_the_results_say_over_which_time(dated):
    found = ard(run(dated, covariance=["sp-exp"]))
    assert text(found, "covariance") == "spatial exponential in time; time of each record: ADY"
    assert text(found, "formula") == "CHG ~ BASE + REGION + TRT01P + AVISIT + BASE:AVISIT + TRT01P:AVISIT"
    assert text(found, "path").startswith("sp-exp: converged in ")
    assert [stat(found, s, variable="model", group1_level="") for s in ("n_subjects", "n_obs", "n_parameters")] == [180, 669, 2]
    r = MIXED["days"]["sp_exp"]
    for name, expected in (("variance", r["sigma2"]), ("range", r["theta"][0])):
        assert stat(found, "covariance_parameter", variable="model", variable_level=name) == pytest.approx(expected, rel=1e-8)
    assert not found["stat_name"].isin(["covariance", "correlation"]).any()  # no matrix of all days


def test_parameters_of_each_arm(dated):
    found = ard(run(dated, covariance=["random-slope"], covariance_by_arm=True))
    parameters = found[found["stat_name"] == "covariance_parameter"]
    assert sorted(parameters["group1_level"].unique()) == ["NIR-H", "NIR-L", "SHAM"]
    names = ["G(1,1)", "G(2,1)", "G(2,2)", "residual variance"]
    assert all(list(part["variable_level"]) == names for _, part in parameters.groupby("group1_level"))
    assert stat(found, "n_parameters", variable="model") == 12
    assert text(found, "covariance") == "random intercept and slope, by group; time of each record: ADY"


def test_random_intercept_is_compound_symmetry(dated):
    """At whatever times; the deviance of R lme4 (tests/reference/mixed.json)."""
    found = ard(run(dated, covariance=["random-intercept"]))
    assert stat(found, "deviance", variable="model") == pytest.approx(MIXED["cs"]["deviance"], abs=1e-9)


def test_the_declared_order_is_followed(dated):
    """Subjects differ in level only: the variance of their slopes is estimated as zero, which is not accepted."""
    rng = np.random.default_rng(2)
    level = dict(zip(dated["USUBJID"].unique(), rng.normal(size=180), strict=True))
    frame = dated.assign(CHG=dated["USUBJID"].map(level) + rng.normal(size=len(dated)))
    found = ard(run(frame, covariance=["random-slope", "random-intercept", "sp-exp"]))
    told = text(found, "path").split("; ")
    assert len(told) == 2 and told[0].startswith("random-slope: ") and "converged in" not in told[0]
    assert told[1].startswith("random-intercept: converged in")
    assert text(found, "covariance") == "random intercept; time of each record: ADY"
    alone = ard(run(frame, covariance=["random-intercept"]))
    assert found[found["stat_name"] != "text"]["stat"].equals(alone[alone["stat_name"] != "text"]["stat"])


def test_records_without_outcome_need_no_time(dated):
    plain = ard(run(dated, covariance=["sp-exp"]))
    gone = dated.assign(ADY=dated["ADY"].where(dated["CHG"].notna()))
    pd.testing.assert_frame_equal(ard(run(gone, covariance=["sp-exp"])), plain)


def test_two_records_at_one_time_are_named(dated):
    a, b = dated[dated["USUBJID"] == "S002"].index[:2]
    frame = dated.assign(ADY=dated["ADY"].where(dated.index != b, dated.loc[a, "ADY"]))
    at = f"{dated.loc[a, 'ADY']:g}"
    with pytest.raises(
        DataError, match=rf"x: a subject may have one record at a time; more than one for: S002 at ADY {at} \(Week 1, Week 2\)$"
    ):
        run(frame, covariance=["sp-exp"])


def test_wrong_times_stop_the_analysis(dated):
    with pytest.raises(DataError, match=r"x: ADY is missing in 2 records with an observed CHG: S001 at Week 2, S001 at Week 3$"):
        run(dated.assign(ADY=dated["ADY"].mask(dated.index.isin([1, 2]))), covariance=["sp-exp"])
    with pytest.raises(DataError, match=r"one record per visit; more than one for: S001 at Week 1$"):
        run(pd.concat([dated, dated.iloc[[0]].assign(ADY=99.0)]), covariance=["random-slope"])
    with pytest.raises(ConfigError, match=r"analyses.yaml: x: time: ADY is not a number"):
        run(dated.assign(ADY=dated["ADY"].astype(str)), covariance=["sp-exp"])
    with pytest.raises(ConfigError, match=r"no variable 'ADYY'; did you mean 'ADY'"):
        run(dated, covariance=["sp-exp"], time="ADYY")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"covariance": ["sp-exp"]}, "sp-exp needs `time`, the numeric time of each record, for example `time: ADY`"),
        ({"covariance": ["random-slope", "us"], "time": "ADY"}, r"random-slope \(over times\) and us \(over visits\) cannot be declared"),
        (
            {"covariance": ["us", "cs"], "time": "ADY"},
            "time: ADY goes with covariance sp-exp, random-intercept, random-slope, not with us, cs",
        ),
        ({"time": "ADY"}, "not with us"),
    ],
)
def test_options_are_checked(options, message):
    with pytest.raises(ValidationError, match=message):
        MMRMOptions(**options)


def test_the_structures_offered_are_those_implemented():
    (name,) = typing.get_args(MMRMOptions.model_fields["covariance"].annotation)
    assert set(typing.get_args(name)) == set(STRUCTURES) | set(TIMED)
    assert set(IN_TIME) == set(TIMED)
