"""Shifts counted by hand."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from nirls.errors import DataError
from nirls.methods.shift import ShiftOptions, shift
from tests.methods.shift_trial import PEOPLE, data, found, records, study
from tests.methods.test_linear_methods import stat


def counts(ard, param, arm, **key):
    """(baseline, worst) → n, where somebody is."""
    own = ard[(ard["variable"] == "shift") & (ard["stat_name"] == "n") & (ard["param"] == param) & (ard["group1_level"] == arm)]
    for column, value in key.items():
        own = own[own[column] == value]
    own = own[own["stat"] > 0]
    return {(r.group2_level, r.variable_level): int(r.stat) for r in own.itertuples()}


def test_ranges():
    ard = found()
    assert counts(ard, "FER", "SHAM") == {
        ("NORMAL", "LOW AND HIGH"): 1, ("LOW", "NORMAL"): 1, ("NO BASELINE VALUE", "HIGH"): 1, ("NORMAL", "NO VALUE"): 1,
    }  # fmt: skip
    assert counts(ard, "FER", "NIR") == {
        ("NORMAL", "NORMAL"): 1, ("HIGH", "HIGH"): 1, ("NORMAL", "NO VALUE"): 1, ("NO BASELINE VALUE", "NO VALUE"): 1,
    }  # fmt: skip


def test_grades():
    ard = found()
    assert counts(ard, "SKIN", "SHAM") == {("0", "2"): 1, ("0", "0"): 1, ("1", "3"): 1, ("0", "NO VALUE"): 1}
    assert counts(ard, "SKIN", "NIR") == {
        ("0", "NO VALUE"): 1, ("NO BASELINE VALUE", "1"): 1, ("NO BASELINE VALUE", "NO VALUE"): 1, ("0", "1"): 1,
    }  # fmt: skip
    notes = " ".join(ard.loc[ard["variable"] == "footnote", "stat_text"])
    assert "1 values without a complete date" in notes and "Ferritin 15 to 150" in notes and "No tests" in notes


def test_everybody_is_somewhere():
    """Cells of a parameter and arm add to its subjects, those of a baseline category to its number; percentages to 100."""
    ard = found(by="GRP", total=True)
    assert "p_value" not in set(ard["stat_name"])
    cells = ard[(ard["variable"] == "shift") & (ard["param"] != "")]
    key = ["param", "group1_level", "group3_level"]
    whole = ard[(ard["variable"] == "shift") & (ard["param"] == "")].set_index(["group1_level", "group3_level"])["stat"]
    assert whole["Total"].sum() == len(PEOPLE) and whole["Total", "MISSING"] == 1 and whole["Total", "Z"] == 0
    for (_, arm, group), own in cells[cells["stat_name"] == "n"].groupby(key):
        assert own["stat"].sum() == whole[arm, group]
    sums = cells[cells["stat_name"] == "p"].groupby(key)["stat"].sum(min_count=1).dropna()
    assert sums.to_numpy() == pytest.approx(100)
    per = cells[cells["stat_name"] == "n"].groupby([*key, "group2_level"])["stat"].sum()
    sizes = cells[cells["stat_name"] == "N"].set_index([*key, "group2_level"])["stat"]
    pd.testing.assert_series_equal(per.sort_index(), sizes.sort_index(), check_names=False)
    empty = cells[(cells["group3_level"] == "Z") & (cells["stat_name"] == "p")]
    assert empty["stat"].isna().all() and set(empty["error"]) == {"no subjects in the column"}


@pytest.mark.parametrize(("way", "a", "b"), [("high", "HIGH", "NORMAL"), ("low", "LOW", "NORMAL")])
def test_one_side_is_the_worst(way, a, b):
    result = shift(data(), ShiftOptions(params=["FER"], worst={"FER": way}))
    kept = {
        (r["group2_level"], r["variable_level"]) for r in result.rows if r["stat_name"] == "n" and r["stat"] and r["group1_level"] == "SHAM"
    }
    assert ("NORMAL", a) in kept and ("LOW", b) in kept and "LOW AND HIGH" not in {r.get("variable_level") for r in result.rows}
    assert any(f"the {way}est value is the worst" in text for text in result.footnotes)


def test_the_end_of_treatment():
    late = shift(data(), ShiftOptions(params=["SKIN"], days_after=None))
    cells = {
        (r["group1_level"], r["group2_level"], r["variable_level"]): r["stat"] for r in late.rows if r["stat_name"] == "n" and r["stat"]
    }
    assert cells["SHAM", "0", "4"] == 1
    strict = shift(data(), ShiftOptions(params=["SKIN"], days_after=0))
    cells = {
        (r["group1_level"], r["group2_level"], r["variable_level"]): r["stat"] for r in strict.rows if r["stat_name"] == "n" and r["stat"]
    }
    assert cells["SHAM", "1", "NO VALUE"] == 1


def test_a_value_that_no_range_judges():
    frame = records(("SHAM", "NIR"))
    frame.loc[(frame["USUBJID"] == "b") & (frame["PARAMCD"] == "FER"), ["ANRIND", "ANRLO", "ANRHI"]] = [np.nan, np.nan, np.nan]
    result = shift(data(frame), ShiftOptions(params=["FER"]))
    kept = {
        (r["group2_level"], r["variable_level"]) for r in result.rows if r["stat_name"] == "n" and r["stat"] and r["group1_level"] == "SHAM"
    }
    assert ("NO RANGE", "NO RANGE") in kept
    none = frame.assign(ANRIND=frame["ANRIND"].where(frame["PARAMCD"] != "FER"))
    with pytest.raises(DataError, match="x: FER: no reference range: none of its 16 records has one"):
        shift(data(none), ShiftOptions(params=["FER"]))


def test_what_the_plan_may_not_say():
    plan, spec = SimpleNamespace(study=study()), SimpleNamespace(dataset="ADLB")
    assert not list(ShiftOptions(params=["FER", "SKIN"]).cross_check(spec, plan))
    plan.study.parameters["BARE"] = plan.study.parameters["FER"].model_copy(update={"range": None})
    for options, message in (
        ({"params": ["BARE"]}, "BARE: no reference range; give its `range` in study.yaml"),
        ({"params": ["NONE"]}, "'NONE' is no parameter of ADLB"),
        ({"params": ["SKIN"], "worst": {"SKIN": "low"}}, "of grades the highest is the worst"),
    ):
        assert any(message in text for text in ShiftOptions(**options).cross_check(spec, plan))
    assert any("no parameter of ADVS" in text for text in ShiftOptions(params=["FER"]).cross_check(SimpleNamespace(dataset="ADVS"), plan))


def test_numbers_do_not_depend_on_the_order_of_records():
    shuffled = shift(
        data(records(("SHAM", "NIR")).sample(frac=1, random_state=1).reset_index(drop=True)), ShiftOptions(params=["FER", "SKIN"])
    )
    assert [r["stat"] for r in shuffled.rows] == found()[found()["variable"] != "footnote"]["stat"].tolist()
    assert stat(found(), "n_subjects", variable="model") == 8
