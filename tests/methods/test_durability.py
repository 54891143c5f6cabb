"""The methods `slopes`, `session_change`, `augmentation` and `early_response`: what they write into analysis results data."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from nirls.errors import ConfigError, DataError
from nirls.methods.augmentation import AugmentationOptions, augmentation
from nirls.methods.early_response import EarlyResponseOptions, early_response
from nirls.methods.registry import AnalysisData
from nirls.methods.session_change import SessionChangeOptions, session_change
from nirls.methods.slopes import ADJUSTED, SlopesOptions, slopes
from nirls.plan.analysis import Analysis
from tests.methods.test_linear_methods import HERE, ard, stat, text

R = json.loads((HERE / "slopes_bend.json").read_text(encoding="utf-8"))
ARMS = ["SHAM", "NIR", "DRUG"]


def data(frame, method, arms=ARMS, adsl=None, **beside):
    frame = frame.assign(TRT01P=pd.Categorical(frame["TRT01P"], arms, ordered=True))
    lit = {a: SimpleNamespace(regimen=SimpleNamespace(fluence_j_cm2=54.0 if "NIR" in a else 0.0)) for a in arms}
    score = SimpleNamespace(scores={"IRLSTOT": None}, direction="lower_better")
    plan = SimpleNamespace(
        study=SimpleNamespace(reference=arms[0], arms=lit), instruments={"irls": score}, config=SimpleNamespace(seed=1)
    )  # fmt: skip
    subjects = frame.drop_duplicates("USUBJID")[["USUBJID", "TRT01P"]] if adsl is None else adsl
    spec = Analysis(label="x", dataset="ADQS", method=method, group="TRT01P")
    others = {k.upper(): v for k, v in beside.items()}
    return AnalysisData(frame=frame, adsl=subjects, spec=spec, analysis_id="x", plan=plan, beside=others)


# --- slopes -----------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bend():
    frame = pd.read_csv(HERE / "irls_bend.csv", keep_default_na=False)
    visit = frame["WEEK"].round().astype(int)
    return frame.rename(columns={"TRT": "TRT01P", "IRLS": "AVAL"}).assign(
        ADY=7 * frame["WEEK"] + 1, AVISITN=visit.astype(float), AVISIT="Week " + visit.astype(str)
    )


@pytest.fixture(scope="module")
def log(bend):
    """Sessions three times a week; devices of the active arm lose a share of their output with every session."""
    who = bend.drop_duplicates("USUBJID")[["USUBJID", "TRT01P"]]
    sessions = who.merge(pd.DataFrame({"ADY": np.arange(1.0, 85.0, 2.5)}), how="cross")
    rate = sessions["USUBJID"].str[1:].astype(int) % 5 * 0.0005
    share = np.where(sessions["TRT01P"] == "NIR", 1 - rate * sessions["ADY"], np.nan)
    return sessions.assign(ONTRTFL="Y", OUTSHARE=share)[["USUBJID", "ADY", "ONTRTFL", "OUTSHARE"]]


OPTIONS = {"start": 4.0, "end": 12.0}


def test_slopes_are_the_reference(bend):
    """lme4 with pbkrtest (tests/reference/slopes_bend.json)."""
    given = data(bend, "slopes")
    found = ard(slopes(given, SlopesOptions(**OPTIONS, knot=12.0, margin=0.375, pools={"Active": ["NIR", "DRUG"]}, random=["knot"])))
    keys = {
        "sham_before": {"variable_level": "before", "group1_level": "SHAM"},
        "nir_after": {"variable_level": "after", "group1_level": "NIR"},
        "nir_change": {"variable_level": "change", "group1_level": "NIR"},
        "difference_before": {"variable_level": "before", "group1_level": "NIR", "comparison": "NIR - SHAM"},
        "difference_after": {"variable_level": "after", "group1_level": "NIR", "comparison": "NIR - SHAM"},
        "pooled_before": {"variable_level": "before", "group2": "POOL", "group2_level": "Active", "comparison": "Active - SHAM"},
    }
    for name, key in keys.items():
        where = {"variable": "AVAL", "comparison": ""} | key
        assert stat(found, "estimate", **where) == pytest.approx(R["rows"][name]["estimate"], rel=3e-6) if name != "pooled_before" else True
        if name != "pooled_before":
            assert stat(found, "std_error", **where) == pytest.approx(R["rows"][name]["se"], rel=3e-6)
            assert stat(found, "df", **where) == pytest.approx(R["rows"][name]["df"], rel=3e-5)
    # the pool against the reference: its slope (R) less that of sham (R)
    pooled = stat(
        found, "estimate", variable="AVAL", comparison="Active - SHAM", variable_level="before", group2="POOL", group2_level="Active"
    )
    assert pooled == pytest.approx(R["rows"]["pooled_before"]["estimate"], rel=3e-6)
    # the interval of equivalence is the 90 % interval of the same difference
    where = {"variable": "AVAL"} | keys["difference_before"]
    from scipy.stats import t

    r = R["rows"]["difference_before"]
    half = t.ppf(0.95, r["df"]) * r["se"]
    assert stat(found, "equivalence_low", **where) == pytest.approx(r["estimate"] - half, rel=1e-5)
    assert stat(found, "shown", **where) == float(abs(r["estimate"]) + half < 0.375)
    level = stat(found, "estimate", variable="curve", variable_level="16", group1_level="NIR")
    assert level == pytest.approx(R["rows"]["nir_level_16"]["estimate"], rel=1e-6)
    assert text(found, "covariance") == "random intercept, slope and change of slope at 12"


def test_one_slope_without_a_knot_and_the_loss_of_output(bend, log):
    on = bend[bend["WEEK"] <= 12.5]
    given = data(on, "slopes", adex=log)
    found = ard(slopes(given, SlopesOptions(**OPTIONS, margin=0.375, adjust_output=True, random=["slope", "intercept"])))
    levels = set(found.loc[found["variable"] == "AVAL", "variable_level"])
    assert {"before", ADJUSTED} <= levels and not {"after", "change"} & levels
    plain, adjusted = (
        stat(found, "estimate", variable="AVAL", variable_level=p, group1_level="NIR", comparison="NIR - SHAM")
        for p in ("before", ADJUSTED)
    )
    assert plain != adjusted
    # subjects whose devices lose nothing and arms without light have a loss of 0: the same fit, written out, by the model itself
    from nirls.models.slopes import slopes as fit_model

    rate = on["USUBJID"].str[1:].astype(int) % 5 * 0.0005
    last = np.floor((on["ADY"] - 1) / 2.5) * 2.5 + 1
    last = np.minimum(last, np.arange(1.0, 85.0, 2.5)[-1])
    frame = on.assign(L=np.where(on["TRT01P"] == "NIR", 100 * rate * last, 0.0), W=(on["ADY"] - 1) / 7)
    frame = frame.assign(TRT01P=pd.Categorical(frame["TRT01P"], ARMS))
    fit = fit_model(
        frame,
        response="AVAL",
        time="W",
        knot=None,
        subject="USUBJID",
        group="TRT01P",
        covariates=["BASE", "L"],
        random=["slope", "intercept"],
    )
    expected = fit.fit.t_tests(fit.slope_row({"NIR": 1.0, "SHAM": -1.0}, "before"))
    assert adjusted == pytest.approx(expected.estimate[0], rel=1e-9)


def test_output_hidden_by_blinding_is_not_estimated(bend, log):
    given = data(bend, "slopes", adex=log.assign(OUTSHARE=np.nan))
    found = ard(slopes(given, SlopesOptions(**OPTIONS, margin=0.375, adjust_output=True, random=["intercept"])))
    rows = found[(found["variable_level"] == ADJUSTED) & (found["stat_name"] == "estimate")]
    assert rows["stat"].isna().all() and rows["error"].str.contains("hidden while the study is blinded").all()


def test_an_arm_without_records_is_not_estimated(bend):
    found = ard(slopes(data(bend[bend["TRT01P"] != "DRUG"], "slopes"), SlopesOptions(**OPTIONS, knot=12.0, random=["intercept"])))
    rows = found[(found["comparison"] == "DRUG - SHAM") & (found["stat_name"] == "estimate")]
    assert rows["stat"].isna().all() and (rows["error"] == "no observation of DRUG in the model").all()


def test_records_on_one_side_of_the_knot(bend):
    found = ard(slopes(data(bend[bend["WEEK"] < 11], "slopes"), SlopesOptions(**OPTIONS, knot=12.0)))
    rows = found[(found["variable"] == "AVAL") & (found["stat_name"] == "estimate")]
    assert rows["stat"].isna().all() and rows["error"].str.contains("0 after").all()


def test_two_records_of_a_day_are_refused(bend):
    with pytest.raises(DataError, match="one record a day; 2 records share one, the first B01 at ADY"):
        slopes(data(pd.concat([bend, bend.iloc[[0]]]), "slopes"), SlopesOptions(**OPTIONS, knot=12.0))


@pytest.mark.parametrize(("options", "said"), [({"margin": -1.0}, "margin"), ({"random": []}, "random"), ({"knot": 0.0}, "knot")])
def test_slopes_refuses(options, said):
    with pytest.raises(ValidationError, match=said):
        SlopesOptions(**OPTIONS | options)


# --- change over sessions ---------------------------------------------------------------------------------------------------------


def sessions_and_diary():
    """Ten evening sessions of eight subjects; the entry after each is 3 − 0.1·n points lower under light and 1 lower under sham."""
    sessions, entries = [], []
    for i in range(8):
        arm = ["SHAM", "NIR"][i % 2]
        for n in range(1, 11):
            day = f"2026-03-{2 * n:02d}"
            sessions.append((f"S{i}", arm, day, 19.0))
            fall = 1.0 if arm == "SHAM" else 3.0 - 0.1 * n
            before = 6.0 + 0.01 * ((i * 7 + n * 3) % 5)
            entries += [(f"S{i}", day, 18.0, before), (f"S{i}", day, 22.0, before - fall + 0.1 * (i // 2) + 0.001 * ((i + n) % 3 - 1))]
    frame = pd.DataFrame(sessions, columns=["USUBJID", "TRT01P", "ADT", "AHOUR"])
    return frame, pd.DataFrame(entries, columns=["USUBJID", "ADT", "AHOUR", "AVAL"])


def test_a_session_does_less_the_more_there_were():
    frame, diary = sessions_and_diary()
    found = ard(session_change(data(frame, "session_change", ["SHAM", "NIR"], addiary=diary), SessionChangeOptions()))
    key = {"variable": "AVAL", "variable_level": "per 10 sessions", "group1_level": "NIR"}
    assert stat(found, "estimate", **key, comparison="NIR - SHAM") == pytest.approx(1.0, abs=0.01)
    assert stat(found, "n_obs", variable="AVAL", group1_level="NIR") == 40
    assert stat(found, "mean", variable="AVAL", variable_level="mean", group1_level="SHAM") == pytest.approx(
        -0.85, abs=1e-3
    )  # 0, 0.1, 0.2 and 0.3 points of their own


def test_sessions_without_entries_are_counted():
    frame, diary = sessions_and_diary()
    kept = diary[~((diary["USUBJID"] == "S1") & (diary["AHOUR"] == 22.0))]  # the next entry is 47 hours later
    result = session_change(data(frame, "session_change", ["SHAM", "NIR"], addiary=kept), SessionChangeOptions())
    found = ard(result)
    assert stat(found, "n_obs", variable="AVAL", group1_level="NIR") == 30
    assert "10 of 80 sessions have none on one of the sides" in result.footnotes[0]
    assert stat(found, "n_excluded", variable="model") == 1
    empty = ard(session_change(data(frame, "session_change", ["SHAM", "NIR"], addiary=kept.iloc[:0]), SessionChangeOptions()))
    rows = empty[(empty["stat_name"] == "estimate") & (empty["variable"] == "AVAL")]
    assert len(rows) == 3 and rows["error"].str.contains("no session has an entry before and after it").all()


def test_a_study_without_a_diary_says_so():
    with pytest.raises(DataError, match="no diary"):
        session_change(data(sessions_and_diary()[0], "session_change", ["SHAM", "NIR"]), SessionChangeOptions())


# --- augmentation -----------------------------------------------------------------------------------------------------------------


def onset(advances):
    """Four entries in the week before treatment at 20:00 (8 h after noon) and four in each week, so many hours earlier."""
    rows = [(who, day, 8.0) for who in advances for day in (-6.0, -4.0, -2.0, -1.0)]
    for who, weeks in advances.items():
        rows += [(who, 7.0 * w + d, 8.0 - hours) for w, hours in enumerate(weeks) for d in (1, 2, 3, 4) if hours is not None]
    return pd.DataFrame(rows, columns=["USUBJID", "ADY", "ONSETH"])


def test_signs_of_augmentation():
    diary = onset(
        {"A": [0, 4.5, 4.1, 0], "B": [0, 5, 0, 5], "C": [2.5, 2.5, 0, 0], "D": [2.5, 2.5, 0, 0], "E": [0, 0, 0, 0], "F": [5, None, 5, 0]}
    )
    scale = pd.DataFrame(
        {"USUBJID": list("ABCDEFG"), "TRT01P": ["NIR"] * 4 + ["SHAM"] * 3, "ADY": 28.0, "AVAL": [0, 0, 6, 4, 5, 0, 0.0]}
    )  # fmt: skip
    found = ard(augmentation(data(scale, "augmentation", ["SHAM", "NIR"], addiary=diary), AugmentationOptions(until_day=28)))

    def counts(level, arm):
        return tuple(stat(found, s, variable="augmentation", variable_level=level, group1_level=arm, comparison="") for s in ("n", "N"))

    assert counts("ASRS", "NIR") == (1, 4) and counts("ASRS", "SHAM") == (1, 3)
    assert counts("ONSET", "NIR") == (1, 4)  # A; B is early in single weeks only
    assert counts("ONSET AND ASRS", "NIR") == (1, 4)  # C; D has no scale of 5
    assert counts("ANY", "NIR") == (2, 4) and counts("ANY", "SHAM") == (0, 2)  # F: a week between is not known; G has no diary
    assert stat(found, "estimate", variable="augmentation", variable_level="ANY", group1_level="NIR", comparison="NIR - SHAM") == 50
    assert stat(found, "n", variable="exclusion", variable_level="Too few entries of the diary with an onset", group1_level="SHAM") == 1
    assert stat(found, "max", variable="augmentation", variable_level="HOURS", group1_level="NIR") == pytest.approx(4.1)


def test_augmentation_refuses():
    scale = pd.DataFrame({"USUBJID": ["A"], "TRT01P": ["NIR"], "ADY": 29.0, "AVAL": [0.0]})
    with pytest.raises(DataError, match="no onset of symptoms; name it under `diary: onset`"):
        given = data(scale, "augmentation", ["SHAM", "NIR"], addiary=onset({"A": [0]}).assign(ONSETH=np.nan))
        augmentation(given, AugmentationOptions(until_day=28))
    with pytest.raises(ValidationError, match="must be below hours"):
        AugmentationOptions(until_day=28, hours_with_sign=4.0)


# --- early response ---------------------------------------------------------------------------------------------------------------


def weeks_two_and_four(falls, arm="NIR"):
    """Falls in points at week 2 and in per cent at week 4 of each subject."""
    rows = []
    for i, (early, late) in enumerate(falls):
        rows += [(f"{arm}{i:02d}", arm, "Week 2", -early, np.nan), (f"{arm}{i:02d}", arm, "Week 4", np.nan, -late)]
    return pd.DataFrame(rows, columns=["USUBJID", "TRT01P", "AVISIT", "CHG", "PCHG"]).assign(BASE=25.0, PARAMCD="IRLSTOT")


EARLY = EarlyResponseOptions(early="Week 2", late="Week 4", folds=3)


def test_predictive_values():
    """Four cells written out: 6 respond of 8 with the fall, 1 of 4 without; Wilson of 6/8 from R prop.test(6, 8, correct = FALSE)."""
    falls = [(5, 60)] * 6 + [(5, 10)] * 2 + [(1, 60)] + [(1, 10)] * 3
    found = ard(early_response(data(weeks_two_and_four(falls), "early_response", ["SHAM", "NIR"]), EARLY))
    key = {"variable": "early response", "variable_level": "planned rule", "group1_level": "NIR"}
    expected = {"ppv": 6 / 8, "npv": 3 / 4, "sensitivity": 6 / 7, "specificity": 3 / 5}
    for part, value in expected.items():
        assert stat(found, "probability", **key, comparison=part) == pytest.approx(value)
    assert stat(found, "conf_low", **key, comparison="ppv") == pytest.approx(0.409275430, abs=1e-9)
    assert stat(found, "conf_high", **key, comparison="ppv") == pytest.approx(0.928520787, abs=1e-9)
    # area under the curve: pairs in which the responder fell more, ties half: (6·3 + 0.5·(6·2 + 1·3)) / (7·5)
    assert stat(found, "auc", variable="early response", group1_level="NIR") == pytest.approx((6 * 3 + 0.5 * (6 * 2 + 1 * 3)) / 35)
    sham = found[(found["group1_level"] == "SHAM") & (found["stat_name"] == "probability")]
    assert sham["stat"].isna().all() and (sham["error"] != "").all()


def test_cross_validation():
    """Where one cut separates, every subject left out is predicted; where the fall says nothing, left-out subjects are not."""
    clear = [(8 + i % 3, 60) for i in range(12)] + [(2 + i % 3, 10) for i in range(12)]
    found = ard(early_response(data(weeks_two_and_four(clear), "early_response", ["SHAM", "NIR"]), EARLY))
    key = {"variable": "early response", "variable_level": "chosen rule, cross-validated", "group1_level": "NIR"}
    assert [stat(found, "probability", **key, comparison=p) for p in ("ppv", "npv", "sensitivity", "specificity")] == [1, 1, 1, 1]
    assert stat(found, "cut_low", **key) == 8
    rng = np.random.default_rng(0)
    noise = [(float(rng.normal()), 60 if i % 2 else 10) for i in range(400)]
    found = ard(early_response(data(weeks_two_and_four(noise), "early_response", ["SHAM", "NIR"]), EARLY))
    youden = sum(stat(found, "probability", **key, comparison=p) for p in ("sensitivity", "specificity")) - 1
    assert abs(youden) < 0.15  # 3 standard errors of a difference of two proportions of 200
    same = ard(early_response(data(weeks_two_and_four(noise), "early_response", ["SHAM", "NIR"]), EARLY))
    pd.testing.assert_frame_equal(found, same)


def test_subjects_without_one_of_the_visits_are_counted():
    frame = weeks_two_and_four([(5, 60)] * 4)
    frame = frame[~((frame["USUBJID"] == "NIR00") & (frame["AVISIT"] == "Week 4"))]
    found = ard(early_response(data(frame, "early_response", ["SHAM", "NIR"]), EARLY))
    assert stat(found, "n", variable="exclusion", variable_level="No change at week 4", group1_level="NIR") == 1
    assert stat(found, "n_subjects", variable="model", group1_level="") == 3
    with pytest.raises(ConfigError, match="no selected record is of 'Week 2'"):
        early_response(data(frame[frame["AVISIT"] == "Week 4"], "early_response", ["SHAM", "NIR"]), EARLY)
