"""The sentence that says who is shown and why others are not."""

import pytest

from nirls.ard.build import row
from nirls.ard.frame import to_frame
from nirls.tlf.errors import DisplayError
from nirls.tlf.lookup import Ard
from nirls.tlf.population import sentence


def ard(*rows, analysis_set="FAS"):
    return Ard(to_frame(rows, analysis_id="a", method="m", dataset="ADQS", analysis_set=analysis_set), "main", "T1")


def size(n, arm="Total"):
    return row("N", n, group1="TRT01P", group1_level=arm)


def excluded(n, reason, arm="Total"):
    return row("n", n, variable="exclusion", variable_level=reason, group1="TRT01P", group1_level=arm)


def test_reasons(two):
    results = ard(
        size(100),
        excluded(3, "No baseline value"),
        excluded(2, "IRLS total missing"),
        excluded(0, "Death"),
        row("n_subjects", 95, variable="model"),
    )
    assert sentence(results, two.context) == (
        "Shows 95 of 100 subjects of the full analysis set; 5 not shown: no baseline value (3) and IRLS total missing (2)."
    )


def test_all(two):
    assert sentence(ard(size(100)), two.context) == "Shows all 100 subjects of the full analysis set."
    assert sentence(ard(size(100), analysis_set=""), two.context) == "Shows all 100 subjects."


def test_sums_over_arms_where_there_is_no_total(two):
    results = ard(size(50, "SHAM"), size(48, "NIR"), excluded(1, "No value", "SHAM"), excluded(2, "No value", "NIR"))
    assert sentence(results, two.context).startswith("Shows 95 of 98 subjects of the full analysis set; 3 not shown: no value (3).")


def test_unexplained_subjects_are_an_error(two):
    with pytest.raises(DisplayError, match=r"94 subjects analysed \+ 5 excluded ≠ 100 in the set"):
        sentence(ard(size(100), excluded(5, "No value"), row("n_subjects", 94, variable="model")), two.context)


def test_some_arms(nine):
    results = Ard(nine.mmrm(), "main", "T1")
    n = {c: nine.fas()[c] - nine.no_value[c] for c in ("SHAM", "ACTIVE")}
    size = nine.fas()["SHAM"] + nine.fas()["ACTIVE"]
    assert sentence(results, nine.context, ["SHAM", "ACTIVE"]) == (
        f"Shows {sum(n.values())} of {size} subjects of the full analysis set in Sham device and Alpha-2-delta ligand (open label); "
        f"{size - sum(n.values())} not shown: no post-baseline value ({size - sum(n.values())})."
    )
    assert sentence(results, nine.context, nine.codes) == sentence(results, nine.context)


def test_arms_that_are_not_in_the_analysis_are_named(nine):
    frame = nine.mmrm()
    results = Ard(frame[~frame["group1_level"].isin(["ACTIVE", "Total"]) & (frame["variable"] != "model")], "main", "T1")
    assert "set in 8 of 9 arms (without Alpha-2-delta ligand (open label)); " in sentence(results, nine.context)


def test_no_numbers_at_all(two):
    with pytest.raises(DisplayError, match="holds no number of subjects"):
        sentence(ard(row("n", 5, variable="X", variable_level="Y")), two.context)
