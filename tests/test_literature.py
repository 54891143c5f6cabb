"""Published results: the shipped file, and rows that are refused with file, row, column and value."""

import csv
import json
import math
from pathlib import Path

import pytest

from nirls.errors import ConfigError, DataError
from nirls.literature import NUMBERS, READ, TEXTS, chosen, read_literature, sort_out
from nirls.plan.load import load_plan
from nirls.stats.reported import error_from_p, least_difference
from nirls.workflow import Targets, literature_check
from tests.plan.test_load import copy, edit, problems  # noqa: F401 - a fixture

ROOT = Path(__file__).parents[1]
FILE = ROOT / "data/literature/irls.csv"


def test_the_shipped_file():
    rows = read_literature(FILE)
    assert all(r.texts["citation"] and r.texts["read"] in READ for r in rows.values())
    assert rows["DA-COCHRANE-2011"].std_error == pytest.approx(0.510213, abs=5e-7)
    assert rows["XP053-1200"].std_error == pytest.approx(((8.03**2 + 7.87**2) / (325 / 3)) ** 0.5, abs=1e-3)
    assert rows["PREGABALIN-2014"].std_error == pytest.approx(4.5 / 3.2905267, abs=5e-4)  # two-sided p = 0.001
    assert all(r.texts["derived"] for r in rows.values() if r.id in ("XP053-1200", "PREGABALIN-2014"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"N Engl J Med 2014;370:621-631"', "", r"row 4: column citation: '' is empty \(PREGABALIN-2014\); give the DOI"),
        ("-5.7,,-6.7,-4.7", "-5.7,,6.7,4.7", "row 6: column ci_low: the interval 6.7 to 4.7 does not hold the estimate -5.7"),
        ("-4.5,1.368", '"-4,5",1.368', "row 4: column estimate: '-4,5' is not a number; use a point"),
        ("GEN-JAPAN-2020,", "XP053-600,", "row 5: column id: 'XP053-600' stands in an earlier row"),
        (",review,", ",hearsay,", "row 6: column read: 'hearsay' is not one of abstract"),
        ("2011-SHAM; MITCHELL-2011-DEVICES", "2011-SHAM; MITCHELL-2012", "MITCHELL-2014: column patients_of: 'MITCHELL-2012' is no id"),
        (",DA-COCHRANE-2011,\"12", ",COCHRANE,\"12", "PRAMIPEXOLE-2015: column patients_of: 'COCHRANE' is no id"),
        ("-5.7,,-6.7,-4.7", ",0.5,-6.7,-4.7", "row 6: column estimate: '' is empty"),
        ("-5.7,,-6.7,-4.7", "nan,0.5,,", "row 6: column estimate: 'nan' is not a number"),
        ("-5.7,,-6.7,-4.7", "-5.7,inf,,", "row 6: column std_error: 'inf' is not a number"),
        ("-5.7,,-6.7,-4.7", "-5.7,,,-4.7", "row 6: column ci_low: '' is empty beside ci_high -4.7; give both limits or none"),
        ("-5.7,,-6.7,-4.7", "-5.7,3,-6.7,-4.7", "row 6: column std_error: 3 does not go with the interval -6.7 to -4.7"),
        ('"p = 0.00093"', '"p = 0.00093",more', r"row 8: the cells \['more'\] stand beyond the last column"),
        ("5.32,4.58,8.03", "5.32,,8.03", "row 2: column baseline_sd_control: '' beside baseline_sd_comparator, final_sd_comparator"),
        ("5.32,4.58,8.03", "5.32,4.58,-8.03", "row 2: column final_sd_comparator: -8.03 is not positive"),
        ("108.3,108.3,-3.5", "108.3,,-3.5", "row 2: column n_control: '' beside baseline_sd_comparator"),
        ("7.87,control", "7.87,placebo", "row 3: column shared: 'placebo' is neither empty"),
        (",XP053-1200,", ",,", "row 3: column patients_of: '' is empty beside shared control"),
        ("id,kind,citation", "id,kind,source", "row 1: there is no column citation"),
    ],
)  # fmt: skip
def test_rows_that_are_refused(tmp_path, old, new, message):
    text = FILE.read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "irls.csv").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_literature(tmp_path / "irls.csv", "data/literature/irls.csv")


def test_the_file_is_an_input_of_the_analyses_that_read_it(tmp_path, monkeypatch):
    plan = load_plan("nir-rls", root=ROOT)
    given = {key for key in plan.analyses if "literature" in Targets(plan=plan).analysis_inputs(key)}
    assert given == {"active_nir_fas", "active_nir_pp", "indirect_enacarbil", "meta_nir", "meta_devices", "meta_drugs"}
    assert Targets(plan=plan).analysis_inputs("active_nir_fas")["literature"] == str(FILE)


def test_rows_derived_from_what_the_sources_print():
    """Recomputed from the figures that `derived` names."""
    rows = read_literature(FILE)
    least, error = least_difference(0.001, 7.5, 17, 17)
    assert (rows["MITCHELL-2011-SHAM"].estimate, rows["MITCHELL-2011-SHAM"].std_error) == pytest.approx((-least, error), abs=5e-3)
    assert rows["NPNS-2021"].estimate == pytest.approx(-6.81 + 3.38) and rows["NPNS-2021"].std_error == pytest.approx(
        error_from_p(-3.43, 0.01, 36), abs=5e-4
    )
    assert rows["ROTIGOTINE-2008"].estimate == pytest.approx((-13.7 - 16.2 - 16.8) / 3 + 8.6, abs=5e-3)
    assert rows["ROTIGOTINE-2008"].std_error == pytest.approx((0.81 / 3 + 0.81) ** 0.5, abs=5e-4)
    for name in ("NPNS-2023", "COMPRESSION-2009", "MITCHELL-2010", "MITCHELL-2011-DEVICES", "MITCHELL-2014"):
        assert all(math.isnan(v) for v in (rows[name].estimate, rows[name].std_error, rows[name].low, rows[name].high))
    assert rows["MITCHELL-2014"].patients_of == ("MITCHELL-2011-SHAM", "MITCHELL-2011-DEVICES")


def test_a_control_arm_that_two_rows_share():
    """Two doses with half of the placebo patients each: SE² = 8.03²/108.3 + 7.87²/54.15."""
    rows = read_literature(FILE)
    sorted_rows = sort_out(rows, ["drug v placebo"], [], ["IRLS total change"], "x")
    reasons = {r.id: why for r, why in sorted_rows.left_out}
    assert reasons == {"XP053-600": "same control patients as XP053-1200: counted there"}
    want = (8.03**2 / 108.3 + 7.87**2 / 54.15) ** 0.5
    assert sorted_rows.split() == pytest.approx({"XP053-1200": want, "XP053-600": want}, rel=1e-12)
    assert sort_out(rows, ["device v sham"], [], ["IRLS total change"], "x").split() == {}


SPREAD = {"n_comparator": "20", "n_control": "20", "final_sd_comparator": "8", "final_sd_control": "8"}


def in_file(folder, *rows):
    """A file of rows (id, kind, outcome, estimate, patients_of, shared), all with standard deviations."""
    columns = (*TEXTS, *NUMBERS, "final_sd_comparator", "final_sd_control", "shared")
    with open(folder / "x.csv", "w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns, restval="")
        writer.writeheader()
        for name, kind, outcome, estimate, other, shared in rows:
            own = {"id": name, "kind": kind, "outcome": outcome, "estimate": estimate, "patients_of": other, "shared": shared}
            own |= {"citation": "J Test", "read": "abstract", "comparator": "device", "control": "sham", "std_error": estimate and "2.5"}
            writer.writerow(own | SPREAD)
    return read_literature(folder / "x.csv")


@pytest.mark.parametrize(
    ("kind", "outcome", "estimate", "split"),
    [("device", "IRLS", "-4", True), ("device", "PLMI", "-40", False), ("drug", "IRLS", "-7", False), ("device", "IRLS", "", False)],
)
def test_a_split_control_arm_brings_in_no_other_comparison_and_no_other_outcome(tmp_path, kind, outcome, estimate, split):
    rows = in_file(tmp_path, ("A", "device", "IRLS", "-3", "", ""), ("B", kind, outcome, estimate, "A", "control"))
    found = sort_out(rows, ["device"], ["drug"] if kind == "drug" else [], ["IRLS"], "x")
    assert [r.id for r in found.used] == ["A"] and [r.id for r, _ in found.left_out] == ["B"]
    assert sorted(found.split()) == (["A", "B"] if split else [])


def test_rows_that_leave_their_patients_to_each_other_are_an_error(tmp_path):
    rows = in_file(tmp_path, ("A", "device", "IRLS", "-3", "B", ""), ("B", "device", "IRLS", "-4", "A", ""))
    with pytest.raises(DataError, match="x: column patients_of: A and B name each other, so that neither would be pooled; name the one"):
        sort_out(rows, ["device"], [], ["IRLS"], "x")


def test_a_row_without_an_estimate_cannot_be_chosen():
    rows = read_literature(FILE)
    with pytest.raises(DataError, match="MITCHELL-2014: columns std_error, ci_low, ci_high are empty"):
        chosen(rows, ["MITCHELL-2014"], "irls.csv")


def test_a_missing_file_stops_the_start(copy):  # noqa: F811
    with pytest.raises(ConfigError, match=r"active_nir_fas: options: literature: there is no file data/literature/irls\.csv"):
        literature_check(load_plan("nir-rls", root=copy))
    with pytest.raises(ConfigError, match=r"single_case: options: cases: there is no file data/literature/cases\.csv"):
        literature_check(load_plan("nir-rls", root=copy))


def test_a_margin_set_after_unblinding_is_refused(copy):  # noqa: F811
    edit(copy, "analyses.yaml", ("date: 2025-03-31", "date: 2026-06-30"))
    text = problems(copy)
    assert "analyses.yaml: line " in text and "2026-06-30 is not before the unblinding (2026-06-30, study.yaml" in text


def test_a_comparator_that_does_not_enter_is_refused(copy):  # noqa: F811
    edit(copy, "analyses.yaml", ("arms: [SHAM, NIR850-54, ACTIVE]", "arms: [SHAM, NIR850-54]"))
    assert "active_nir_fas.options: there is no arm 'ACTIVE'" in problems(copy)


def test_the_true_differences_shown_are_those_of_the_generator():
    truth = json.loads((ROOT / "data/nir-rls/truth.json").read_text(encoding="utf-8"))["truth"]

    def effect(arm, week):
        return next(
            t["value"] for t in truth
            if t["quantity"] == "difference in mean change, treatment policy" and t["comparison"] == f"{arm} - SHAM" and t["week"] == week
        )  # fmt: skip

    shown = load_plan("nir-rls", root=ROOT).displays.displays
    for number in ("T14.2.4.1", "F14.2.4.1"):
        assert shown[number].options["known"] == pytest.approx(effect("NIR850-54", 12) - effect("ACTIVE", 12), abs=5.1e-3)
    known = shown["T14.2.4.3"].options["known"]["wavelength_54"]
    assert known == pytest.approx(effect("NIR850-54", 4) - effect("NIR660-54", 4), abs=5.1e-3)
