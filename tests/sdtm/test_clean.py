"""A clean trial passes through whole: types, units, lineage, accounts, files."""

import hashlib

import pandas as pd

from nirls.sdtm.ingest import write_ingested
from tests.sdtm.conftest import ITEMS, SUBJECTS


def test_clean_trial_has_no_findings_and_loses_nothing(trial):
    done = trial.run()
    assert done.ledger.findings.empty
    assert {k: len(v) for k, v in done.domains.items()} == {"DM": 4, "SV": 12, "AE": 4, "DX": 4, "QS": 12 * 11, "LB": 4}
    rows = done.ledger.accounts.query("level == 'rows' and file == 'qs.csv'").iloc[0]
    assert (rows["read"], rows["accepted"]) == (12, 12)
    records = done.ledger.accounts.query("level == 'records' and file == 'qs.csv'").iloc[0]
    assert (records["read"], records["accepted"]) == (132, 132)


def test_text_stays_text_and_numbers_are_numbers(trial):
    done = trial.run()
    dm = done.domains["DM"]
    assert set(dm["REGION"]) == {"NA"}, "the region North America must not become missing"
    assert set(dm["SUBJID"]) == {"001", "002", "003", "004"}
    assert dm["DTHDTC"].isna().all()
    assert dm["AGE"].dtype == "float64" and dm["HEIGHT"].iloc[0] == 170.5
    assert all(str(dm[c].dtype) == "str" for c in ("USUBJID", "RANDDTC", "RANDNO", "DTHDTC"))
    qs = done.domains["QS"]
    assert qs["QSSTRESN"].dtype == qs["VISITNUM"].dtype == "float64"
    assert set(qs.query("QSTESTCD == 'IRLSTOT'")["QSSTRESN"]) == {20.0} and set(qs["QSORRES"]) == {"2", "20"}
    lb = done.domains["LB"]
    assert lb["LBSTRESN"].tolist() == [48.5] * 4 and set(lb["LBORRESU"]) == set(lb["LBSTRESU"]) == {"ug/L"}


def test_every_record_knows_its_file_and_line(trial):
    qs = trial.run().domains["QS"]
    assert set(qs["SRC_FILE"]) == {"qs.csv"}
    third = qs[qs["SRC_ROW"] == 4]
    assert set(third["USUBJID"]) == {SUBJECTS[0]} and set(third["VISITNUM"]) == {3.0}
    assert third["QSTESTCD"].tolist() == [*ITEMS, "IRLSTOT"]


def test_written_files_are_byte_identical_and_complete(trial, tmp_path):
    done = trial.run()
    digests = []
    for name in ("a", "b"):
        write_ingested(done if name == "a" else trial.run(), tmp_path / name)
        files = sorted(p for p in (tmp_path / name).rglob("*") if p.is_file())
        digests.append({str(p.relative_to(tmp_path / name)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files})
    assert digests[0] == digests[1]
    assert {
        "dm.parquet",
        "qs.parquet",
        "_ledger/findings.csv",
        "_ledger/accounts.csv",
        "_ledger/rules.csv",
        "_ledger/quarantine/qs.csv",
    } <= set(digests[0])
    assert (
        tmp_path / "a/_ledger/findings.csv"
    ).read_text() == "domain,file,row,column,value,rule,severity,action,usubjid,visitnum,message\n"
    assert (tmp_path / "a/_ledger/quarantine/ae.csv").read_text().startswith("RULES,USUBJID,")
    back = pd.read_parquet(tmp_path / "a/dm.parquet")
    pd.testing.assert_frame_equal(back, done.domains["DM"])
    assert str(back["REGION"].dtype) == "str" and set(back["REGION"]) == {"NA"}


def test_expected_columns_are_there_even_if_no_file_has_them(trial):
    for row in trial.tables["ae"]:
        del row["AESER"]
    done = trial.run()
    assert done.domains["AE"]["AESER"].isna().all()
    assert [(f["rule"], f["severity"], f["column"]) for f in done.ledger.findings.to_dict("records")] == [("R01", "W", "AESER")]
