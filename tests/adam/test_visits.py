"""Windows, choice of record, baseline, change and LOCF on small tables of known outcome."""

import numpy as np
import pandas as pd
import pytest

from nirls.adam.adqs import add_change, locf_records
from nirls.adam.visits import place_records
from nirls.errors import ConfigError
from nirls.plan.study import Baseline, Visit, Windows

VISITS = [
    Visit(num=1, name="Screening", target=-14, window=(None, -7), epoch="SCREENING"),
    Visit(num=2, name="Baseline", week=0, target=1, window=(-6, 1), epoch="BASELINE", baseline=True),
    Visit(num=3, name="Week 1", week=1, target=8, window=(2, 11), epoch="TREATMENT"),
    Visit(num=4, name="Week 2", week=2, target=15, window=(12, 18), epoch="TREATMENT"),
    Visit(num=5, name="Week 3", week=3, target=22, window=(19, None), epoch="FOLLOW-UP"),
]


@pytest.fixture
def study(pilot_plan):
    rule = Baseline(rule="last before treatment", on_or_before_day=1, choice="baseline_visit")
    return pilot_plan.study.model_copy(update={"visits": VISITS, "windows": Windows(), "baseline": rule})


def with_windows(study, **changes):
    return study.model_copy(update={"windows": study.windows.model_copy(update=changes)})


def records(*rows, param="TOT"):
    """Rows of (day, value[, visitnum[, subject]]); day 1 is 2025-03-05."""
    full = [(*row, *(99.0, "S1")[len(row) - 2 :]) for row in rows]
    day, value, visitnum, subject = map(list, zip(*full, strict=True))
    shift = [np.nan if d is None else d - (d > 0) for d in day]
    date = pd.Series([pd.Timestamp("2025-03-05") + pd.Timedelta(days=s) if s == s else pd.NaT for s in shift]).dt.strftime("%Y-%m-%d")
    return pd.DataFrame(
        {
            "USUBJID": subject, "VISITNUM": np.array(visitnum, float), "VISIT": "x", "ADT": date.astype("str"), "PARAMCD": param,
            "KIND": "score", "CHANGE": True, "AVAL": np.array(value, float), "DTYPE": pd.Series(np.nan, index=range(len(day)), dtype="str"),
        }
    )  # fmt: skip


def placed(frame, study):
    reference = pd.Series("2025-03-05", index=frame["USUBJID"].unique())
    return place_records(frame, reference, study)


def test_edges_of_the_windows(study):
    out = placed(records(*((d, 1) for d in (-7, -6, -1, 1, 2, 11, 12, 18, 19, 400))), study)
    assert out["ADY"].to_list() == [-7, -6, -1, 1, 2, 11, 12, 18, 19, 400]
    assert out["AVISIT"].to_list() == [
        "Screening", "Baseline", "Baseline", "Baseline", "Week 1", "Week 1", "Week 2", "Week 2", "Week 3", "Week 3",
    ]  # fmt: skip
    week2 = out[out["AVISIT"] == "Week 2"]
    assert week2["AVISITN"].eq(2).all() and week2["AWTARGET"].eq(15).all() and week2["AWTDIFF"].to_list() == [3, 3]
    assert week2["AWLO"].eq(12).all() and week2["AWHI"].eq(18).all() and week2["EPOCH"].eq("TREATMENT").all()
    assert np.isnan(out.loc[0, "AWLO"]) and np.isnan(out.loc[9, "AWHI"]) and np.isnan(out.loc[0, "AVISITN"])


def test_a_record_in_a_gap_is_kept_without_visit(study):
    gap = study.model_copy(update={"visits": [*VISITS[:3], Visit(num=4, name="Week 2", week=2, target=15, window=(14, 18), epoch="T")]})
    out = placed(records((12, 5), (14, 6)), gap)
    assert out["AVISIT"].isna().to_list() == [True, False] and out["ANL01FL"].isna().to_list() == [True, False] and len(out) == 2


def test_overlapping_windows_are_refused(study):
    bad = study.model_copy(update={"visits": [*VISITS[:3], Visit(num=4, name="Week 2", week=2, target=15, window=(11, 18), epoch="T")]})
    with pytest.raises(ConfigError, match="'Week 2' and 'Week 1' overlap"):
        placed(records((11, 5)), bad)


@pytest.mark.parametrize(
    ("days", "choice", "tie", "chosen"),
    [
        ((14, 17), "closest", "later", 14),
        ((14, 16), "closest", "later", 16),
        ((14, 16), "closest", "earlier", 14),
        ((15, 18), "last", "later", 18),
        ((15, 18), "last", "earlier", 18),
        ((12, 15, 18), "closest", "earlier", 15),
    ],
)
def test_choice_among_records_of_one_window(study, days, choice, tie, chosen):
    out = placed(records(*((d, d) for d in days)), with_windows(study, choice=choice, tie=tie))
    assert out.loc[out["ANL01FL"] == "Y", "ADY"].to_list() == [chosen]
    assert len(out) == len(days)


def test_a_record_without_value_does_not_compete(study):
    out = placed(records((15, np.nan), (18, 7)), study)
    assert out.loc[out["ANL01FL"] == "Y", "AVAL"].to_list() == [7]


def test_on_one_day_the_scheduled_visit_is_used(study):
    out = placed(records((15, 1, 4.1), (15, 2, 4.0), (15, 3, 4.2)), study)
    assert out.loc[out["ANL01FL"] == "Y", "AVAL"].to_list() == [2]


def test_visits_by_number(study):
    by_number = with_windows(study, by="visitnum")
    out = placed(records((30, 1, 3.0), (None, 2, 4.0), (15, 3, 4.1)), by_number)
    assert out["AVISIT"].to_list()[:2] == ["Week 1", "Week 2"] and pd.isna(out.loc[2, "AVISIT"])
    assert out["ANL01FL"].notna().to_list() == [True, True, False]


def test_subjects_and_parameters_are_chosen_separately(study):
    frame = pd.concat([records((14, 1), (15, 2), (14, 3, 99.0, "S2")), records((14, 9), param="OTHER")], ignore_index=True)
    out = placed(frame, study)
    assert out.loc[out["ANL01FL"] == "Y", "AVAL"].to_list() == [2, 3, 9]


def test_baseline_is_the_baseline_visit_not_screening_and_not_after_day_1(study):
    out = placed(records((-14, 30), (-3, 28), (1, 26), (2, 20)), study)
    assert out.loc[out["ABLFL"] == "Y", "AVAL"].to_list() == [26]
    only_screening = placed(records((-14, 30), (2, 20)), study)
    assert only_screening["ABLFL"].isna().all()


def test_a_baseline_visit_held_after_day_1_is_no_baseline(study):
    out = placed(records((-3, 28, 1.0), (3, 22, 2.0), (8, 20, 3.0)), with_windows(study, by="visitnum"))
    assert out["AVISIT"].to_list() == ["Screening", "Baseline", "Week 1"] and out["ABLFL"].isna().all()


def test_baseline_as_the_last_value_reaches_back(study):
    last = study.model_copy(update={"baseline": Baseline(rule="last", on_or_before_day=1, choice="last")})
    out = placed(records((-14, 30), (-13, np.nan), (2, 20)), last)
    assert out.loc[out["ABLFL"] == "Y", "AVAL"].to_list() == [30]


def test_change_from_baseline(study):
    out = add_change(placed(records((-14, 30), (1, 20), (8, 15), (15, 25)), study), study)
    assert out["BASE"].to_list() == [20] * 4
    assert out["CHG"].isna().to_list() == [True, True, False, False] and out["CHG"].to_list()[2:] == [-5, 5]
    assert out["PCHG"].to_list()[2:] == [-25, 25]


def test_percent_change_from_zero_is_missing(study):
    out = add_change(placed(records((1, 0), (8, 4)), study), study)
    assert out["CHG"].to_list()[1] == 4 and out["PCHG"].isna().all()


def test_no_baseline_no_change(study):
    out = add_change(placed(records((8, 4)), study), study)
    assert out[["BASE", "CHG", "PCHG"]].isna().all(axis=None)


def test_a_parameter_without_meaningful_change_has_none(study):
    frame = records((1, 4), (8, 2)).assign(CHANGE=False)
    assert add_change(placed(frame, study), study)[["BASE", "CHG", "PCHG"]].isna().all(axis=None)


def locf(frame, study, **changes):
    chosen = with_windows(study, locf=True, **changes)
    out = locf_records(add_change(placed(frame, chosen), chosen), chosen)
    return list(zip(out["USUBJID"], out["AVISIT"], out["AVAL"], strict=True)), out


def test_locf_fills_the_treatment_epoch_only(study):
    found, out = locf(records((1, 20), (8, 15)), study)
    assert found == [("S1", "Week 2", 15)]  # week 3 is follow-up
    row = out.iloc[0]
    assert (row["DTYPE"], row["ADY"], row["AWTARGET"], row["AWTDIFF"], row["CHG"], row["ANL01FL"]) == ("LOCF", 8, 15, 7, -5, "Y")


def test_locf_never_carries_baseline(study):
    assert locf(records((1, 20)), study)[0] == []
    assert locf(records((1, 20), (15, 15)), study)[0] == []  # week 1 has nothing before it but baseline


def test_locf_carries_the_analysed_value_of_the_window(study):
    assert locf(records((1, 20), (8, 15), (11, 9)), study)[0] == [("S1", "Week 2", 15)]
    assert locf(records((1, 20), (8, 15), (11, 9)), study, choice="last")[0] == [("S1", "Week 2", 9)]


def test_locf_keeps_to_the_subject(study):
    frame = records((1, 20, 2.0, "S1"), (8, 15, 3.0, "S1"), (1, 30, 2.0, "S2"), (15, 25, 4.0, "S2"))
    assert locf(frame, study)[0] == [("S1", "Week 2", 15)]


def test_locf_does_not_carry_items(study):
    assert locf(records((1, 3), (8, 2)).assign(KIND="item"), study)[0] == []


def test_without_locf_nothing_is_added(study):
    assert len(locf_records(add_change(placed(records((1, 20), (8, 15)), study), study), study)) == 0
