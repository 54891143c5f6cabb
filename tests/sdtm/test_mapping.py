"""Rename, constants, recode, keep, supplemental qualifiers, long files."""

import pandas as pd
import pytest

from nirls.sdtm.map import recode, to_number
from tests.sdtm.conftest import ITEMS, SUBJECTS


def test_recode_passes_unmapped_values_through(trial):
    trial.tables["dm"][0]["SEX"] = "1"
    trial.tables["dm"][1]["SEX"] = "."
    trial.source("dm.csv")["recode"] = {"SEX": {"1": "M", ".": ""}}
    sex = trial.run().domains["DM"]["SEX"]
    assert sex.iloc[0] == "M" and pd.isna(sex.iloc[1]) and sex.iloc[2] == "F"


def test_recode_reaches_unpivoted_results(trial):
    trial.tables["qs"][2]["IRLS05"] = "NOT AT ALL"
    trial.tables["qs"][2]["IRLSTOT"] = "18"
    trial.source("qs.csv")["recode"] = {"QSORRES": {"NOT AT ALL": "0"}}
    assert trial.findings() == []
    qs = trial.run().domains["QS"]
    assert qs.query("SRC_ROW == 4 and QSTESTCD == 'IRLS05'")["QSSTRESN"].tolist() == [0.0]


def test_recode_keeps_missing_missing():
    out = recode(pd.Series(["a", None, "b"], dtype="str"), {"a": "x"})
    assert out.iloc[0] == "x" and pd.isna(out.iloc[1]) and out.iloc[2] == "b" and str(out.dtype) == "str"


@pytest.mark.parametrize(
    ("text", "decimal", "number"),
    [("1", ".", 1), ("-0.5", ".", -0.5), ("1e3", ".", 1000), (" 7 ", ".", 7), (".5", ".", 0.5), ("3,5", ",", 3.5), ("3,5", ".", None),
     ("1.234,5", ",", None), ("NA", ".", None), ("inf", ".", None), ("nan", ".", None), ("1_000", ".", None),
     ("٣", ".", None), ("<5", ".", None)],
)  # fmt: skip
def test_to_number(text, decimal, number):
    value, wrong = to_number(pd.Series([text, None], dtype="str"), decimal)
    assert wrong.tolist() == [number is None, False]
    assert value.iloc[0] == number if number is not None else pd.isna(value.iloc[0])


def test_keep_counts_what_is_not_selected(trial):
    trial.source("sv.csv")["keep"] = "VISITNUM in [2, 3] and VISIT != 'V9'"
    done = trial.run()
    row = done.ledger.accounts.query("file == 'sv.csv' and level == 'rows'").iloc[0]
    assert (row["read"], row["accepted"], row["not_selected"]) == (12, 8, 4)
    assert set(done.domains["SV"]["VISITNUM"]) == {2.0, 3.0}


def test_drop_blank_counts_empty_cells_and_rows(trial):
    trial.tables["lb"][0]["FERRITIN"] = ""
    done = trial.run()
    rows = done.ledger.accounts.query("file == 'lb.csv'").set_index("level")
    assert (rows.loc["rows", "blank"], rows.loc["rows", "accepted"]) == (1, 3)
    assert (rows.loc["records", "blank"], rows.loc["records", "accepted"], rows.loc["records", "read"]) == (1, 3, 4)


def test_long_file_gives_the_same_records_as_the_wide_one(trial):
    wide = trial.run().domains["QS"]
    tests = [*ITEMS, "IRLSTOT"]
    trial.tables["qs"] = [
        {k: r[k] for k in ("USUBJID", "VISITNUM", "VISIT")} | {"QSCAT": "IRLS", "QSTESTCD": t, "QSORRES": r[t], "QSDTC": r["IRLSDTC"]}
        for r in trial.tables["qs"]
        for t in tests
    ]
    source = trial.source("qs.csv")
    for key in ("rename", "constants", "unpivot"):
        del source[key]
    assert trial.findings() == []
    columns = ["USUBJID", "VISITNUM", "VISIT", "QSCAT", "QSTESTCD", "QSORRES", "QSSTRESC", "QSSTRESN", "QSDTC"]
    pd.testing.assert_frame_equal(trial.run().domains["QS"][columns], wide[columns])
    trial.tables["qs"][3]["QSORRES"] = "7"
    assert trial.findings("R05") == [("qs.csv", 5, "QSORRES", "7", "Q")], "in a long file the column at fault is QSORRES"


def test_text_results_need_no_number(trial):
    source = trial.source("lb.csv")
    for row in trial.tables["lb"]:
        row["GUESS"] = "SHAM"
    source["unpivot"]["tests"] = {"FERRITIN": "FERRITIN", "GUESS": "GUESS"}
    assert trial.findings() == []
    trial.tables["lb"][0]["GUESS"] = "3"
    assert len(trial.findings("R01")) == 3, "some results are numbers, so all should be"
    source["unpivot"]["text"] = ["GUESS"]
    assert trial.findings() == []
    guess = trial.run().domains["LB"].query("LBTESTCD == 'GUESS'")
    assert guess["LBSTRESC"].tolist() == ["3", "SHAM", "SHAM", "SHAM"]


def _supp(trial, rows):
    trial.tables["suppdm"] = [{"RDOMAIN": "DM", "IDVAR": "", "IDVARVAL": "", **r} for r in rows]
    trial.source("dm.csv")["supp"] = {"file": "suppdm.csv"}


def test_supplemental_qualifiers_become_columns(trial):
    _supp(trial, [{"USUBJID": s, "QNAM": "EFFICACY", "QVAL": "Y"} for s in SUBJECTS[:3]])
    done = trial.run()
    assert done.domains["DM"]["EFFICACY"].tolist()[:3] == ["Y"] * 3 and pd.isna(done.domains["DM"]["EFFICACY"].iloc[3])
    row = done.ledger.accounts.query("file == 'suppdm.csv'").iloc[0]
    assert (row["read"], row["accepted"]) == (3, 3)


def test_supplemental_qualifiers_without_parent_twice_or_in_conflict(trial):
    _supp(
        trial,
        [
            {"USUBJID": "T-09-999", "QNAM": "A", "QVAL": "Y"},
            {"USUBJID": SUBJECTS[0], "QNAM": "A", "QVAL": "Y"},
            {"USUBJID": SUBJECTS[0], "QNAM": "A", "QVAL": "Y"},
            {"USUBJID": SUBJECTS[1], "QNAM": "A", "QVAL": "Y"},
            {"USUBJID": SUBJECTS[1], "QNAM": "A", "QVAL": "N"},
        ],
    )
    found = [f for f in trial.findings() if f[1] == "suppdm.csv"]
    assert [f[:3] for f in found] == [
        ("R03", "suppdm.csv", 5),
        ("R03", "suppdm.csv", 6),
        ("R04", "suppdm.csv", 2),
        ("R02", "suppdm.csv", 4),
    ]
    done = trial.run()
    row = done.ledger.accounts.query("file == 'suppdm.csv'").iloc[0]
    assert (row["read"], row["accepted"], row["quarantined"], row["duplicate"]) == (5, 1, 3, 1)
    assert done.domains["DM"]["A"].tolist()[0] == "Y" and pd.isna(done.domains["DM"]["A"].iloc[1])


def test_supplemental_qualifiers_by_sequence_number(trial):
    trial.tables["ae"].append({**trial.tables["ae"][0], "AESEQ": "2", "AETERM": "Rash", "AEDECOD": "Rash"})
    trial.tables["suppae"] = [{"USUBJID": SUBJECTS[0], "IDVAR": "AESEQ", "IDVARVAL": "2.0", "QNAM": "AETRTEM", "QVAL": "Y"}]
    trial.source("ae.csv")["supp"] = {"file": "suppae.csv"}
    ae = trial.run().domains["AE"]
    assert ae.loc[ae["AETRTEM"] == "Y", "AETERM"].tolist() == ["Rash"]
