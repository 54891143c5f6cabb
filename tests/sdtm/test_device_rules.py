"""Rules for devices and their sessions: what is set aside, what is repaired and recorded, what only the unblinded role may read."""

import stat

import numpy as np
import pandas as pd
import pytest

from nirls.sdtm.devices import out_of_order
from nirls.sdtm.ingest import write_ingested
from nirls.sdtm.rulebook.device_output import skin_limit
from tests.sdtm.conftest import SUBJECTS


def _device(i, **values):
    return {"SPDEVID": f"D{i}", "DITYPE": "SHAM" if i % 2 else "NIR", "WAVELENGTH": "850", "IRRNOM": "0" if i % 2 else "30", **values}


@pytest.fixture
def log(trial):
    """Four devices (D1 and D3 sham), each with its subject from 1 to 20 March and five sessions on every other day."""
    trial.study["sources"] += [{"domain": d, "file": f"{d.lower()}.csv"} for d in ("DI", "DR", "DU")]
    trial.study["arms"]["NIR"]["regimen"] = trial.study["arms"]["SHAM"]["regimen"] = {"minutes": 30}
    trial.study["time_zones"] = {"01": "Europe/Berlin", "02": "Europe/Berlin"}
    trial.tables["di"] = [_device(i) for i in range(1, 5)]
    trial.tables["dr"] = [
        {"SPDEVID": f"D{i}", "USUBJID": s, "DRSTDTC": "2025-03-01", "DRENDTC": "2025-03-20"} for i, s in enumerate(SUBJECTS, 1)
    ]
    trial.tables["du"] = [
        {"SPDEVID": f"D{i}", "DUDTC": d, "DUIRR": "0" if i % 2 else "29.5"} for i in range(1, 5) for d in ("2025-02-25", "2025-03-22")
    ]
    for row in trial.tables["dm"]:
        row["RFENDTC"] = "2025-03-12"
    trial.tables["dx"] = [
        {
            "SPDEVID": f"D{i}", "SESSION_ID": f"{i}-{k}", "USUBJID": s, "START_UTC": f"2025-03-{2 + 2 * k:02d}T20:00:00Z",
            "END_UTC": f"2025-03-{2 + 2 * k:02d}T20:30:10Z", "TZ": "Europe/Berlin", "ON_SEC": "1800", "IRR_MEAN": "0" if i % 2 else "30",
            "IRR_MAX": "0.1" if i % 2 else "31", "FLUENCE": "0" if i % 2 else "54", "TEMP_SKIN": "33", "STATUS": "ok", "FW": "2.1",
            "SEQ_NO": str(k + 1), "CLOCK_SYNC_OFFSET": "3",
        }
        for i, s in enumerate(SUBJECTS, 1)
        for k in range(5)
    ]  # fmt: skip
    return trial


def session(log, device, k):
    """Session k (from 0) of a device, to be spoilt; its line in the file is 5 (device − 1) + k + 2."""
    return log.tables["dx"][5 * (device - 1) + k]


def test_a_clean_log_has_no_findings(log):
    assert log.findings() == []


def test_r27_a_device_that_is_not_registered(log):
    session(log, 2, 4)["SPDEVID"] = "D9"
    log.tables["du"][0]["SPDEVID"] = "D8"
    assert log.findings() == [("R27", "du.csv", 2, "SPDEVID", "D8", "Q"), ("R27", "dx.csv", 11, "SPDEVID", "D9", "Q")]


def test_r28_a_session_without_subject_gets_the_holder_of_the_device(log):
    session(log, 2, 1)["USUBJID"] = ""
    done = log.run()
    assert log.findings() == [("R28", "dx.csv", 8, "USUBJID", None, "W")]
    assert done.domains["DX"].query("SRC_ROW == 8")["USUBJID"].item() == SUBJECTS[1]
    assert done.ledger.repairs[["rule", "variable", "used"]].values.tolist() == [["R28", "USUBJID", SUBJECTS[1]]]


def test_r28_another_subject_is_set_aside_or_on_request_moved(log):
    session(log, 2, 1)["USUBJID"] = SUBJECTS[3]
    assert log.findings("R28") == [("dx.csv", 8, "USUBJID", SUBJECTS[3], "Q")]
    assert 8 not in set(log.run().domains["DX"]["SRC_ROW"])
    log.study["rules"] = {"R28": {"reassign": True}}
    assert log.findings() == [("R28", "dx.csv", 8, "USUBJID", SUBJECTS[3], "Q")], "it does not overlap with a session of the other one"
    assert log.run().domains["DX"].query("SRC_ROW == 8")["USUBJID"].item() == SUBJECTS[1]


def test_r29_a_device_with_two_subjects_stops_the_run(log):
    log.tables["dr"].append({"SPDEVID": "D2", "USUBJID": SUBJECTS[0], "DRSTDTC": "2025-03-18", "DRENDTC": "2025-03-25"})
    assert "[R29] dr.csv, line 6, column DRSTDTC, value '2025-03-18'" in str(log.rejected())


def test_r30_is_an_alert_only_the_owner_may_read(log, tmp_path):
    session(log, 1, 2).update(IRR_MAX="2.4", IRR_MEAN="1.8", FLUENCE="3.24")
    done = log.run()
    assert log.findings() == [("R30", "dx.csv", 4, "IRR_MAX", "2.4", "Q")]
    write_ingested(done, tmp_path / "out")
    file = tmp_path / "out/_ledger/restricted/alerts.csv"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert pd.read_csv(file)["rule"].tolist() == ["R30"]


def test_r30_and_r31_look_alike_while_the_study_is_blinded(log, tmp_path):
    """Which of the two it is says what the device is: neither findings, quarantine nor repairs may tell."""
    log.study["blinding"] = "blinded"
    session(log, 1, 2).update(IRR_MAX="2.4", IRR_MEAN="1.8", FLUENCE="3.24")
    session(log, 2, 2).update(IRR_MAX="0", IRR_MEAN="0", FLUENCE="0")
    session(log, 4, 2).update(IRR_MEAN="0.03", IRR_MAX="0.031")
    done = log.run()
    withheld = "withheld while the study is blinded"
    assert log.findings() == [("ALERT", "dx.csv", row, None, withheld, "Q") for row in (4, 9, 19)]
    assert set(done.ledger.quarantine["DX"]["RULES"]) == {"ALERT"}
    assert set(done.ledger.repairs["rule"]) == {"ALERT"} and set(done.ledger.repairs["used"]) == {withheld}
    assert done.ledger.alerts[["rule", "value"]].values.tolist() == [["R30", "2.4"], ["R31", "0"], ["R35", "0.03"]]
    write_ingested(done, tmp_path / "out")
    shown = [p.read_text() for p in (tmp_path / "out/_ledger").rglob("*.csv") if p.parent.name != "restricted" and p.name != "rules.csv"]
    assert not any(word in text for text in shown for word in ("R30", "R31", "R35", "sham device", "2.4"))


def test_r32_names_the_time_that_sessions_share(log):
    session(log, 2, 1).update(START_UTC="2025-03-02T20:10:00Z", END_UTC="2025-03-02T20:40:10Z")
    shared = "2025-03-02T20:00:00Z/2025-03-02T20:40:10Z"
    assert log.findings("R32") == [("dx.csv", row, "START_UTC", shared, "Q") for row in (7, 8)]


def test_r33_dedupes_and_refuses_to_choose(log):
    rows = log.tables["dx"]
    rows += [dict(rows[0]), {**rows[5], "ON_SEC": "900", "FLUENCE": "27"}]
    assert log.findings() == [
        ("R33", "dx.csv", 7, "SESSION_ID", "2-0", "Q"), ("R33", "dx.csv", 23, "SESSION_ID", "2-0", "Q"),
        ("R33", "dx.csv", 22, "SESSION_ID", "1-0", "W"),
    ]  # fmt: skip
    account = log.run().ledger.accounts.query("file == 'dx.csv' and level == 'rows'").iloc[0]
    assert (account["read"], account["accepted"], account["quarantined"], account["duplicate"]) == (22, 19, 2, 1)


def test_r34_gap_and_counter_set_back(log):
    del log.tables["dx"][7]
    session(log, 1, 3)["SEQ_NO"] = "3"
    assert log.findings("R34") == [("dx.csv", 5, "SEQ_NO", "3", "Q"), ("dx.csv", 6, "SEQ_NO", "5", "W"), ("dx.csv", 9, "SEQ_NO", "4", "W")]


def test_r35_repairs_units_only_where_the_fluence_proves_it(log):
    session(log, 2, 0).update(IRR_MEAN="0.03", IRR_MAX="0.031")
    session(log, 2, 1).update(IRR_MEAN="3")
    session(log, 2, 2).update(FLUENCE="59.4")
    done = log.run()
    assert log.findings() == [
        ("R35", "dx.csv", 7, "IRR_MEAN", "0.03", "Q"), ("R35", "dx.csv", 8, "FLUENCE", "54", "Q"),
        ("R35", "dx.csv", 9, "FLUENCE", "59.4", "W"),
    ]  # fmt: skip
    first = done.domains["DX"].query("SRC_ROW == 7").iloc[0]
    assert (first["IRR_MEAN"], first["IRR_MAX"]) == (30, 31)
    assert set(done.ledger.quarantine["DX"]["SRC_ROW"]) == {8}
    log.study["rules"] = {"R35": {"repair_units": False}}
    assert set(log.run().ledger.quarantine["DX"]["SRC_ROW"]) == {7, 8}


def test_r36_r38_r39_impossible_and_unusual_sessions(log):
    session(log, 2, 0)["FLUENCE"] = "-54"
    session(log, 1, 0)["END_UTC"] = "2025-03-02T20:10:00Z"
    session(log, 1, 1).update(ON_SEC="120")
    assert log.findings("R36") == [("dx.csv", 7, "FLUENCE", "-54", "Q")]
    assert log.findings("R38") == [("dx.csv", 2, "END_UTC", "2025-03-02T20:10:00Z", "Q")]
    assert log.findings("R39") == [("dx.csv", 3, "ON_SEC", "120", "W")]


def test_skin_limit_of_two_wavelengths():
    """IEC 60825-1 with C_A = 10^(0.002 (λ − 700)): 850 nm → 399, 890 nm → 480, 660 nm → 200 mW/cm²."""
    assert np.round(skin_limit(pd.Series([850.0, 890.0, 660.0, 1200.0]))).tolist() == [399, 480, 200, 1002]


@pytest.mark.parametrize(("rule", "column", "value"), [("R37", "IRR_MAX", "400"), ("R41", "TEMP_SKIN", "43.5")])
def test_r37_r41_matters_of_safety_stop_the_run(log, rule, column, value):
    session(log, 2, 0)[column] = value
    assert f"[{rule}] dx.csv, line 7, column {column}, value '{value}'" in str(log.rejected())


def test_r42_wavelength_of_the_log(log):
    for row in log.tables["dx"]:
        row["WAVELENGTH"] = "850"
    session(log, 2, 0)["WAVELENGTH"] = "830"
    assert log.findings() == [("R42", "dx.csv", 7, "WAVELENGTH", "830", "Q")]


def test_r40_more_than_three_times_too_many(log):
    for k in range(1, 5):
        session(log, 2, k).update(
            START_UTC=f"2025-03-02T20:{30 + k}:20Z", END_UTC=f"2025-03-02T20:{30 + k}:50Z", ON_SEC="25", FLUENCE="0.75"
        )
    session(log, 2, 0).update(END_UTC="2025-03-02T20:30:30Z")
    assert log.findings("R40") == [("dx.csv", row, "START_UTC", session(log, 2, row - 7)["START_UTC"], "Q") for row in range(7, 12)]


def test_r43_default_date_is_set_aside_and_does_not_stop_the_run(log):
    session(log, 2, 2).update(START_UTC="1970-01-01T00:00:00Z", END_UTC="1970-01-01T00:30:10Z", CLOCK_SYNC_OFFSET="")
    assert log.findings() == [("R43", "dx.csv", 9, "END_UTC", "1970-01-01T00:30:10Z", "Q")]


def test_r43_an_offset_sets_the_clock_right(log):
    """The clock fell back by 5 days; the offset measured at the next synchronisation gives the true time."""
    session(log, 2, 3).update(START_UTC="2025-03-03T20:00:00Z", END_UTC="2025-03-03T20:30:10Z", CLOCK_SYNC_OFFSET=str(-5 * 86400))
    assert log.findings() == [
        ("R44", "dx.csv", 10, "CLOCK_SYNC_OFFSET", "-432000", "Q"), ("R43", "dx.csv", 10, "END_UTC", "2025-03-03T20:30:10Z", "W"),
    ]  # fmt: skip
    record = log.run().domains["DX"].query("SRC_ROW == 10").iloc[0]
    assert (record["START_UTC"], record["END_UTC"]) == ("2025-03-08T20:00:00Z", "2025-03-08T20:30:10Z")


def test_r44_without_repair_sets_aside(log):
    session(log, 2, 0).update(START_UTC="2025-03-02T21:30:00Z", END_UTC="2025-03-02T22:00:10Z", CLOCK_SYNC_OFFSET="5400")
    log.study["rules"] = {"R44": {"repair": False}}
    assert log.findings("R44") == [("dx.csv", 7, "CLOCK_SYNC_OFFSET", "5400", "Q")]
    assert set(log.run().ledger.quarantine["DX"]["SRC_ROW"]) == {7}


def test_r45_a_log_names_instants_in_zones_that_exist(log):
    session(log, 1, 0)["START_UTC"] = "2025-03-02T20:00:00"
    session(log, 2, 0)["TZ"] = "Berlin"
    session(log, 3, 0).update(START_UTC="2025-03-02T22:00:00+02:00")
    assert log.findings("R45") == [
        ("dx.csv", 2, "START_UTC", "2025-03-02T20:00:00", "Q"), ("dx.csv", 7, "TZ", "Berlin", "Q"),
        ("dx.csv", 12, "START_UTC", "2025-03-02T22:00:00+02:00", "Q"),
    ]  # fmt: skip


def test_r46_local_times_around_the_change_of_clocks(trial):
    """Berlin 2025: 2.30 h does not exist on 30 March and occurs twice on 26 October; New York the hour after 1 h on 2 November."""
    trial.source("qs.csv")["rename"]["IRLSTZ"] = "QSTZ"
    texts = ["2025-03-30T02:30", "2025-10-26T02:30", "2025-11-02T01:30", "2025-10-26T02:30+02:00"]
    zones = ["Europe/Berlin", "Europe/Berlin", "America/New_York", "Europe/Berlin"]
    for k, row in enumerate(trial.tables["qs"]):
        row["IRLSTZ"] = zones[k] if k < 4 else "Europe/Berlin"
        row["IRLSDTC"] = texts[k] if k < 4 else row["IRLSDTC"]
    assert trial.findings("R46") == [("qs.csv", k + 2, "IRLSDTC", texts[k], "Q") for k in range(3)]


def test_r47_r48_r49_elsewhere_and_after_treatment(log):
    session(log, 2, 1)["TZ"] = "Asia/Tokyo"
    session(log, 2, 4).update(START_UTC="2025-03-14T20:00:00Z", END_UTC="2025-03-14T20:30:10Z")
    assert log.findings() == [
        ("R47", "dx.csv", 8, "TZ", "Asia/Tokyo", "W"),
        ("R48", "dx.csv", 11, "START_UTC", "2025-03-14T20:00:00Z", "W"),
    ]
    log.study["rules"] = {"R49": {"arms": "NIR"}}
    assert log.findings("R49") == [("dx.csv", 11, "START_UTC", "2025-03-14T20:00:00Z", "Q")]


def test_r50_output_interval_and_absence(log):
    log.tables["du"] = [row for row in log.tables["du"] if row["SPDEVID"] != "D4"]
    log.tables["du"][3]["DUIRR"] = "12"
    log.tables["du"][0]["DUDTC"] = "2024-11-01"
    done = log.run()
    assert log.findings() == [
        ("R50", "du.csv", 5, "DUIRR", "12", "Q"), ("R50", "di.csv", 5, "SPDEVID", "D4", "W"),
        ("R50", "du.csv", 3, "DUDTC", "2025-03-22", "W"),
    ]  # fmt: skip
    assert len(done.domains["DU"]) == 6, "calibrations are kept"


def test_r51_only_the_first_session_with_another_firmware(log):
    for k in (2, 3, 4):
        session(log, 2, k)["FW"] = "2.2"
    assert log.findings() == [("R51", "dx.csv", 9, "FW", "2.2", "W")]


def test_out_of_order_takes_out_as_few_as_possible():
    cases = {(1, 2, 3): [], (1, 5, 4, 6): [2], (5, 1, 2, 3): [0], (1, 2, 9, 3, 4, 5): [2], (1, 2, 8, 8, 3): [4], (): []}
    for values, expected in cases.items():
        assert np.flatnonzero(out_of_order(np.array(values, dtype=np.int64))).tolist() == expected, values


def test_r72_as_treated_is_what_was_worn(log):
    """The second subject, of the light arm, wore a sham device in three of five sessions; in two it would stay what it is."""
    log.tables["di"].append(_device(5))
    log.tables["dr"].append({"SPDEVID": "D5", "USUBJID": SUBJECTS[1], "DRSTDTC": "2025-03-01", "DRENDTC": "2025-03-20"})
    for k in range(3):
        session(log, 2, k).update(SPDEVID="D5", SESSION_ID=f"5-{k}", IRR_MEAN="0", IRR_MAX="0.1", FLUENCE="0", SEQ_NO=str(k + 1))
    assert log.findings("R72") == [("dm.csv", 3, "ACTARMCD", "NIR", "W")]
    found = log.run().ledger.findings
    assert "3 of the 5 sessions were with another arm's device" in found.loc[found["rule"] == "R72", "message"].item()
    log.tables["dm"][1]["ACTARMCD"] = "SHAM"
    assert log.findings("R72") == []
    log.tables["dm"][1]["ACTARMCD"] = "NIR"
    session(log, 2, 2).update(SPDEVID="D2", SESSION_ID="2-2", IRR_MEAN="30", IRR_MAX="31", FLUENCE="54", SEQ_NO="3")
    assert log.findings("R72") == []
