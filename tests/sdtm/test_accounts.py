"""Whatever is wrong with the data: every row and every record is in exactly one place."""

import copy
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nirls.errors import DataError
from nirls.sdtm.ingest import RejectedError
from nirls.sdtm.ledger import ACCEPTED, DUPLICATE, PLACES, QUARANTINED, balance, row_places
from tests.sdtm.conftest import SUBJECTS, Trial, _tables

VALUES = ["", "2", "5", "x", "2,5", "20", "41", "2025-03-05", "2025-03", "03/05/2025", "2025-01-01", "T-01-001", "T-09-999", "NA"]
spoilt = st.tuples(st.sampled_from(["qs", "ae", "lb", "sv", "dx"]), st.integers(0, 11), st.integers(1, 14), st.sampled_from(VALUES))
repeats = st.tuples(st.sampled_from(["qs", "ae", "lb", "sv"]), st.integers(0, 11))


@given(st.lists(spoilt, max_size=8), st.lists(repeats, max_size=4))
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
def test_rows_and_records_add_up_whatever_is_wrong(faults, copies):
    with tempfile.TemporaryDirectory() as folder:
        tables = _tables()
        for name, row in copies:
            tables[name].append(copy.deepcopy(tables[name][row % len(tables[name])]))
        for name, row, column, value in faults:
            record = tables[name][row % len(tables[name])]
            record[list(record)[column % len(record)]] = value
        trial = Trial(Path(folder), tables=tables)
        try:
            done = trial.run()
        except RejectedError as error:  # the ledger adds up all the same
            assert len(error.ledger.errors)
            ledger, domains = error.ledger, None
        else:
            ledger, domains = done.ledger, done.domains
    accounts = ledger.accounts
    assert (accounts["read"] == accounts[list(PLACES)].sum(axis=1)).all()
    rows = accounts[(accounts["level"] == "rows") & (accounts["file"] != "")].set_index("file")["read"]
    assert {f: int(n) for f, n in rows.items()} == {f"{n}.csv": len(t) for n, t in tables.items()}
    records = accounts[(accounts["level"] == "records") & (accounts["file"] == "")].set_index("domain")
    assert {d: len(q) for d, q in ledger.quarantine.items()} == records["quarantined"].to_dict()
    if domains is not None:
        assert {d: len(f) for d, f in domains.items()} == records["accepted"].to_dict()
        for domain, frame in domains.items():  # no row is both accepted and, as a whole, set aside
            key = frame["SRC_ROW"].astype(str) + frame.get(f"{domain}TESTCD", "")
            away = ledger.quarantine[domain]
            assert not set(key) & set(away["SRC_ROW"].astype(str) + away.get(f"{domain}TESTCD", ""))
    listed = set(zip(ledger.findings["domain"], ledger.findings["row"], strict=True))
    for domain, away in ledger.quarantine.items():
        assert {(domain, row) for row in away["SRC_ROW"]} <= listed, "every quarantined record has a finding"


def test_an_account_that_does_not_add_up_is_refused():
    account = {
        "level": "rows",
        "domain": "AE",
        "file": "ae.csv",
        "read": 5,
        "accepted": 3,
        "quarantined": 1,
        "duplicate": 0,
        "not_selected": 0,
        "blank": 0,
    }
    with pytest.raises(DataError, match=r"do not add up.*ae\.csv"):
        balance([account])
    assert balance([{**account, "blank": 1}])["read"].tolist() == [5, 5]


def test_fate_of_a_row_is_that_of_its_best_record():
    rows = np.array([1, 1, 2, 2, 3, 3, 4])
    fate = np.array([ACCEPTED, QUARANTINED, QUARANTINED, DUPLICATE, DUPLICATE, DUPLICATE, ACCEPTED])
    assert row_places(rows, fate) == {"accepted": 2, "quarantined": 1, "duplicate": 1}


def test_row_order_changes_no_record(tmp_path):
    (tmp_path / "b").mkdir()
    forward, backward = Trial(tmp_path), Trial(tmp_path / "b")
    backward.tables = {name: rows[::-1] for name, rows in backward.tables.items()}
    for trial in (forward, backward):
        trial.tables["qs"][5]["IRLS02"] = "9"
    a, b = forward.run().domains["QS"], backward.run().domains["QS"]
    order = ["USUBJID", "VISITNUM", "QSTESTCD"]
    values = [f.drop(columns=["SRC_ROW"]).sort_values(order).reset_index(drop=True) for f in (a, b)]
    assert len(values[0]) == len(values[1]) and set(a["USUBJID"]) == set(SUBJECTS)
    assert values[0][order].equals(values[1][order])
