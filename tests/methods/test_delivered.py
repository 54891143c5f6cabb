"""The methods `compliers`, `marginal_structural`, `cosinor` and `session_timing`: what they write into analysis results data."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from pydantic import ValidationError

from nirls.errors import ConfigError
from nirls.methods.compliers import CompliersOptions, compliers
from nirls.methods.cosinor import CosinorOptions, cosinor
from nirls.methods.marginal_structural import MarginalStructuralOptions, marginal_structural
from nirls.methods.registry import AnalysisData, all_methods
from nirls.methods.session_timing import SessionTimingOptions, session_timing
from nirls.plan.analysis import Analysis
from tests.methods.test_linear_methods import HERE, ard, stat

R = json.loads((HERE / "causal.json").read_text())
OBSERVATIONAL = {"causal_label": "observational"}


def data(frame, method, arms, **beside):
    frame = frame.assign(TRT01P=pd.Categorical(frame["TRT01P"], arms, ordered=True))
    regimen = SimpleNamespace(sessions_per_week=3.0)
    study = SimpleNamespace(reference=arms[0], arms={a: SimpleNamespace(regimen=regimen) for a in arms})
    spec = Analysis(label="x", dataset="ADQS", method=method, group="TRT01P")
    subjects = frame.drop_duplicates("USUBJID")[["USUBJID", "TRT01P"]]
    return AnalysisData(
        frame=frame,
        adsl=subjects,
        spec=spec,
        analysis_id="x",
        plan=SimpleNamespace(study=study),
        beside={k.upper(): v for k, v in beside.items()},
    )


# --- compliers --------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def week4():
    """The trial of causal.R at week 4 with the doses that it makes, for both arms."""
    frame = pd.read_csv(HERE / "irls_parallel.csv").rename(columns={"TRT": "TRT01P"}).query("AVISIT == 'W4' and TRT01P != 'NIR-L'")
    number = frame["USUBJID"].str[1:].astype(int)
    dose = pd.DataFrame({"USUBJID": frame["USUBJID"], "PARAMCD": "CUMFLU", "AVISIT": "Overall", "AVAL": 300.0 + number * 37 % 350})
    return frame, dose


def effects(week4, frame=None, dose=None, **options):
    given = data(week4[0] if frame is None else frame, "compliers", ["SHAM", "NIR-H"], adexsum=week4[1] if dose is None else dose)
    result = compliers(
        given, CompliersOptions(**OBSERVATIONAL | {"covariates": ["BASE", "REGION"], "reference_exposure": "none"} | options)
    )
    return ard(result), result.footnotes


KEY = {"variable": "CHG", "group1_level": "NIR-H", "visit": "W4", "comparison": "NIR-H - SHAM"}


def test_compliers_are_the_reference(week4):
    """R AER ivreg and lm, tests/reference/causal.R; per 100 J/cm² everything is a hundredfold."""
    found, footnotes = effects(week4, per=100.0)
    r = R["iv"]
    for name, expected in (("estimate", 100 * r["estimate"]), ("std_error", 100 * r["se"]), ("df", r["df"]), ("p_value", r["p"])):
        assert stat(found, name, variable_level="compliers", **KEY) == pytest.approx(expected, rel=1e-8)
    for name, expected in zip(("ar_low", "ar_high"), r["ar"], strict=True):
        assert stat(found, name, variable_level="compliers", **KEY) == pytest.approx(100 * expected, rel=1e-8)
    assert stat(found, "f_statistic", variable_level="uptake", **KEY) == pytest.approx(r["first_f"], rel=1e-8)
    assert stat(found, "p_value", variable_level="Anderson–Rubin", **KEY) == pytest.approx(r["ar_p0"], rel=1e-8)
    assert stat(found, "mean", group2_level="SHAM", variable="CHG", variable_level="") == 0.0
    assert footnotes[0].startswith("Observational")


def test_as_delivered_is_least_squares(week4):
    found, _ = effects(week4, covariates=["BASE"])
    frame, dose = week4[0].dropna(subset=["CHG"]), week4[1].set_index("USUBJID")["AVAL"]
    d = frame["USUBJID"].map(dose).where(frame["TRT01P"] == "NIR-H", 0.0)
    ols = sm.OLS(frame["CHG"], np.column_stack([d, np.ones(len(frame)), frame["BASE"]])).fit()
    key = KEY | {"variable_level": "as delivered, not randomized"}
    assert [stat(found, n, **key) for n in ("estimate", "std_error", "p_value")] == pytest.approx(
        [ols.params["x1"], ols.bse["x1"], ols.pvalues["x1"]], rel=1e-9
    )


def test_compliers_by_a_threshold(week4):
    """One-sided: the effect is that of assignment divided by the share that reaches the threshold."""
    found, _ = effects(week4, complier_from=450.0)
    itt, uptake = (stat(found, "estimate", variable_level=k, **KEY) for k in ("intention to treat", "uptake"))
    assert 0.3 < uptake < 0.8
    assert stat(found, "estimate", variable_level="compliers", **KEY) == pytest.approx(itt / uptake, rel=1e-10)


def test_exposure_of_the_reference_arm_counts_as_recorded(week4):
    """Without covariates: the difference of means over the difference in dose, that of two sham subjects included."""
    frame, dose = week4
    dark = frame.loc[frame["TRT01P"] == "SHAM", "USUBJID"][2:]
    dose = dose.assign(AVAL=dose["AVAL"].mask(dose["USUBJID"].isin(dark), 0.0))
    found, _ = effects(week4, dose=dose, covariates=[], reference_exposure="recorded")
    seen = frame.dropna(subset=["CHG"]).merge(dose[["USUBJID", "AVAL"]].rename(columns={"AVAL": "D"}), on="USUBJID")
    mean = seen.groupby("TRT01P")[["CHG", "D"]].mean()
    assert mean.loc["SHAM", "D"] > 0
    wald = (mean.loc["NIR-H", "CHG"] - mean.loc["SHAM", "CHG"]) / (mean.loc["NIR-H", "D"] - mean.loc["SHAM", "D"])
    assert stat(found, "estimate", variable_level="compliers", **KEY) == pytest.approx(wald, rel=1e-10)


def test_a_dose_hidden_by_blinding_is_not_estimated(week4):
    """While the study is blinded ADEXSUM has adherence but no dose."""
    found, _ = effects(week4, dose=week4[1].assign(PARAMCD="SESSDEL"), reference_exposure="recorded")
    rows = found[(found["stat_name"] == "estimate") & (found["variable"] == "CHG")]
    assert len(rows) == 4 and rows["stat"].isna().all() and rows["error"].str.contains("as in a blinded study").all()


def test_what_cannot_be_estimated_says_so(week4):
    frame, dose = week4
    none = effects(week4, dose=dose.assign(AVAL=0.0))[0]
    row = none[(none["variable_level"] == "compliers") & (none["stat_name"] == "estimate")].iloc[0]
    assert np.isnan(row["stat"]) and "does not differ" in row["error"]
    _, footnotes = effects(week4, dose=dose.iloc[3:])
    assert any("CUMFLU unknown" in f for f in footnotes)
    with pytest.raises(ConfigError, match="no CUMFLU of 'Weeks 1–4'; periods: 'Overall'"):
        effects(week4, period="Weeks 1–4")
    two = pd.concat([frame, frame.assign(AVISIT="W5")])
    with pytest.raises(ConfigError, match="takes one visit"):
        effects(week4, frame=two)


@pytest.mark.parametrize("options", [CompliersOptions, MarginalStructuralOptions])
def test_the_label_is_demanded(options):
    with pytest.raises(ValidationError, match="causal_label: observational"):
        options()


def test_randomization_is_unbiased_where_adherence_is_confounded():
    """Who is worse adheres less: over 400 trials the effect among compliers is −5 within 3 standard errors, as delivered it is not."""
    rng = np.random.default_rng(12)
    truth, instrument, naive = -5.0, [], []
    from nirls.stats.instrumental import instrumental_effect

    for _ in range(400):
        z, severity = np.repeat([0.0, 1.0], 90), rng.normal(size=180)
        adheres = rng.random(180) < 1 / (1 + np.exp(-(1.0 - 1.5 * severity)))
        d = z * adheres
        y = truth * d + 4 * severity + rng.normal(size=180) * 3
        instrument.append(instrumental_effect(y, d, z, np.ones((180, 1))).estimate)
        naive.append(np.linalg.lstsq(np.column_stack([d, np.ones(180)]), y, rcond=None)[0][0])
    error = np.std(instrument) / np.sqrt(400)
    assert abs(np.mean(instrument) - truth) < 3 * error
    assert np.mean(naive) < truth - 1


# --- marginal structural model ------------------------------------------------------------------------------------------------------


@pytest.fixture
def adherence():
    """60 subjects, visits at weeks 1 and 2, three sessions a week; odd ones have no session in the second week."""
    rng = np.random.default_rng(4)
    who = [f"S{i:02d}" for i in range(60)]
    frame = pd.DataFrame({"USUBJID": np.repeat(who, 2), "AVISITN": np.tile([1.0, 2.0], 60), "BASE": np.repeat(rng.normal(25, 4, 60), 2)})
    frame = frame.assign(
        AVISIT="Week " + frame["AVISITN"].astype(int).astype(str), ADY=7 * frame["AVISITN"] + 1, AWTARGET=7 * frame["AVISITN"] + 1,
        TRT01P=np.where(frame["USUBJID"].isin(who[:30]), "A", "B"), CHG=rng.normal(-3, 3, 120),
    )  # fmt: skip
    days = [(s, d) for i, s in enumerate(who) for d in ((2, 4, 6) if i % 3 else (2,)) + (() if i % 2 else (9, 11, 13))]
    log = pd.DataFrame(days, columns=["USUBJID", "ADY"]).assign(ONTRTFL="Y")
    return frame, log


def test_history_and_weights(adherence):
    frame, log = adherence
    options = MarginalStructuralOptions(**OBSERVATIONAL, truncate=(0.0, 1.0))
    found = ard(marginal_structural(data(frame, "marginal_structural", ["A", "B"], adex=log), options))
    assert [stat(found, n, variable="model", group1_level="") for n in ("n_subjects", "n_obs")] == [60, 60]
    for visit, n in (("Week 1", 40), ("Week 2", 30)):  # two of three, and every second, subject
        assert stat(found, "n", variable="adherence", variable_level="yes", visit=visit) == n
    share = (np.arange(60) % 3 > 0).astype(float) / 2 + (np.arange(60) % 2 == 0) / 2
    end = frame[frame["AVISITN"] == 2].assign(S=share, B=lambda d: (d["TRT01P"] == "B").astype(float))
    ols = sm.OLS(end["CHG"], sm.add_constant(end[["S", "BASE", "B"]])).fit(cov_type="HC0")
    key = {"variable": "CHG", "visit": "Week 2"}
    plain = [stat(found, n, variable_level="full adherence, not weighted", **key) for n in ("estimate", "std_error")]
    assert plain == pytest.approx([ols.params["S"], ols.bse["S"]], rel=1e-9)
    assert stat(found, "mean", variable="weights") == pytest.approx(1.0, abs=0.1)
    assert stat(found, "effective_size", variable="weights") <= 60


def test_a_value_that_lacks_is_carried_forward_and_said(adherence):
    frame, log = adherence
    frame = frame.assign(CHG=frame["CHG"].mask((frame["USUBJID"] == "S05") & (frame["AVISITN"] == 1)))
    result = marginal_structural(data(frame, "marginal_structural", ["A", "B"], adex=log), MarginalStructuralOptions(**OBSERVATIONAL))
    assert any("carried forward from the last visit made for 1 intervals" in f for f in result.footnotes)


# --- rhythm and timing ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def diary():
    frame = pd.read_csv(HERE / "cosinor.csv").rename(columns={"ID": "USUBJID", "ARM": "TRT01P", "HOUR": "AHOUR", "Y": "AVAL"})
    return frame.assign(ADY=frame["DAY"].astype(float))


def test_cosinor_rows_are_the_reference(diary):
    """R lme4 and pbkrtest, tests/reference/causal.R."""
    found, r = ard(cosinor(data(diary, "cosinor", ["SHAM", "NIR"]), CosinorOptions())), R["cosinor"]
    key = {"variable": "AVAL", "group1_level": "NIR", "comparison": ""}
    c, s = r["coef"]["C"] + r["coef"]["ARMNIR:C"], r["coef"]["S"] + r["coef"]["ARMNIR:S"]
    assert stat(found, "estimate", variable_level="amplitude", **key) == pytest.approx(np.hypot(c, s), rel=1e-7)
    assert stat(found, "estimate", variable_level="acrophase", **key) == pytest.approx(np.arctan2(s, c) * 12 / np.pi % 24, rel=1e-7)
    assert stat(found, "f_statistic", variable_level="rhythm", **key) == pytest.approx(r["nir"]["F"], rel=1e-6)
    versus = key | {"comparison": "NIR - SHAM"}
    assert stat(found, "estimate", variable_level="mesor", **versus) == pytest.approx(r["coef"]["ARMNIR"], rel=1e-7)
    assert stat(found, "p_value", variable_level="rhythm", **versus) == pytest.approx(r["differ"]["p"], rel=1e-5)


def test_no_acrophase_without_a_rhythm(diary):
    flat = diary.assign(AVAL=np.random.default_rng(0).normal(5, 1, len(diary)))
    found = ard(cosinor(data(flat, "cosinor", ["SHAM", "NIR"]), CosinorOptions()))
    shown = {a: stat(found, "p_value", variable_level="rhythm", group1_level=a, comparison="") < 0.05 for a in ("SHAM", "NIR")}
    assert not shown["NIR"]
    for arm, rhythmic in shown.items():
        rows = found[(found["variable_level"] == "acrophase") & (found["group1_level"] == arm)]
        assert rows["stat"].notna().all() if rhythmic else rows["stat"].isna().all() and (rows["error"] == "no rhythm shown").all()


def test_timing_within_and_between_subjects():
    """Evenings made of a slope of 0.5 within subjects and −0.2 between them."""
    rng = np.random.default_rng(7)
    n, days = 80, 12
    subject, day = np.divmod(np.arange(n * days), days)
    mean = rng.normal(19, 1, n)
    shift = rng.normal(0, 0.8, n * days)
    shift -= pd.Series(shift).groupby(subject).transform("mean").to_numpy()
    y = 5 + 0.5 * shift - 0.2 * mean[subject] + rng.normal(0, 0.5, n)[subject] + rng.normal(0, 0.5, n * days)
    frame = pd.DataFrame(
        {
            "USUBJID": [f"S{i:03d}" for i in subject], "TRT01P": np.where(subject % 2, "NIR", "SHAM"), "ADY": day + 1.0, "AVAL": y,
            "SESSHOUR": mean[subject] + shift, "AHOUR": 21.5 + rng.normal(0, 0.5, n * days), "AWEEKDAY": np.array(list("MTWTFSS"))[day % 7],
        }
    )  # fmt: skip
    frame.loc[3, "SESSHOUR"] = np.nan
    result = session_timing(data(frame, "session_timing", ["SHAM", "NIR"]), SessionTimingOptions())
    found = ard(result)
    for level, truth in (("within subjects", 0.5), ("between subjects", -0.2)):
        key = {"variable": "AVAL", "variable_level": level}
        assert abs(stat(found, "estimate", **key) - truth) < 3 * stat(found, "std_error", **key)
    assert stat(found, "std_error", variable_level="within subjects", variable="AVAL") < 0.03
    assert 18 < stat(found, "circular_mean", variable="clock time", group1_level="NIR") < 20
    assert any(f.startswith("1 evenings without a session") for f in result.footnotes)


def test_what_they_read():
    methods = all_methods()
    assert (methods["compliers"].beside, methods["marginal_structural"].beside) == (("ADEXSUM",), ("ADEX",))
