"""One planted fault per rule: exactly that finding, with file, line, column and value, and nothing else."""

import pytest

from nirls.errors import ConfigError
from nirls.sdtm.rules import all_rules, check_settings
from tests.sdtm import test_device_rules, test_safety_rules
from tests.sdtm.conftest import ITEMS, SUBJECTS


def aside(done, domain):
    """(line, rules) of the quarantined source rows of a domain."""
    frame = done.ledger.quarantine[domain]
    return sorted(set(zip(frame["SRC_ROW"], frame["RULES"], strict=True)))


def account(done, file, level="rows"):
    row = done.ledger.accounts.query("file == @file and level == @level").iloc[0]
    return {k: int(row[k]) for k in ("read", "accepted", "quarantined", "duplicate", "blank", "not_selected") if row[k]}


def test_r01_excel_dates_name_the_guess_and_an_event_stays(trial):
    for i, text in enumerate(["03/05/2025", "45000", "5-Mar-25", "2025-02-30"]):
        trial.tables["ae"][i]["AESTDTC"] = text
    done = trial.run()
    found = done.ledger.findings
    assert found["rule"].tolist() == ["R01"] * 4 and found["severity"].tolist() == ["Q"] * 4
    assert found["value"].tolist() == ["03/05/2025", "45000", "5-Mar-25", "2025-02-30"]
    assert found["row"].tolist() == [2, 3, 4, 5] and set(found["column"]) == {"AESTDTC"}
    assert "day and month cannot be told apart" in found["message"][0] and "2023-03-15" in found["message"][1]
    assert "spreadsheet" in found["message"][2] and "not a date of the calendar" in found["message"][3]
    assert all("ISO 8601" in m for m in found["message"])
    assert done.domains["AE"]["AESTDTC"].isna().sum() == 4 and account(done, "ae.csv") == {"read": 4, "accepted": 4}


def test_r01_excel_dates_quarantine_a_record(trial):
    trial.tables["lb"][0]["LBDTC"] = "03/05/2025"
    done = trial.run()
    assert [f[:4] for f in trial.findings()] == [("R01", "lb.csv", 2, "LBDTC")]
    assert len(done.domains["LB"]) == 3 and account(done, "lb.csv") == {"read": 4, "accepted": 3, "quarantined": 1}


@pytest.mark.parametrize("column", ["RANDDTC", "RFICDTC"])
def test_r01_excel_date_of_randomization_or_consent_stops(trial, column):
    trial.tables["dm"][1][column] = "01.03.2025"
    text = str(trial.rejected())
    assert f"[R01] dm.csv, line 3, column {column}, value '01.03.2025' (T-01-002)" in text and "ISO 8601" in text


def test_r01_decimal_comma_is_a_finding_with_advice(trial):
    trial.tables["lb"][0]["FERRITIN"] = "48,5"
    trial.tables["dm"][2]["WEIGHT"] = "60,5"
    assert trial.findings() == [
        ("R01", "dm.csv", 4, "WEIGHT", "60,5", "Q"),
        ("R01", "lb.csv", 2, "FERRITIN", "48,5", "Q"),
    ]
    done = trial.run()
    assert all("decimal comma" in m and "decimal:" in m for m in done.ledger.findings["message"])
    lb, dm = done.domains["LB"], done.domains["DM"]
    assert lb["LBSTRESN"].isna().tolist() == [True, False, False, False] and lb["LBORRES"].iloc[0] == "48,5"
    assert dm["WEIGHT"].isna().tolist() == [False, False, True, False], "the subject stays, the value is removed"


def test_decimal_comma_declared(trial):
    for row in trial.tables["lb"]:
        row["FERRITIN"] = "48,5"
    trial.source("lb.csv")["decimal"] = ","
    assert trial.findings() == [] and set(trial.run().domains["LB"]["LBSTRESN"]) == {48.5}
    trial.tables["lb"][0]["FERRITIN"] = "48.5"
    assert trial.findings() == [("R01", "lb.csv", 2, "FERRITIN", "48.5", "Q")]


def test_r01_number_of_the_key_quarantines(trial):
    trial.tables["sv"][1]["VISITNUM"] = "two"
    assert trial.findings() == [("R01", "sv.csv", 3, "VISITNUM", "two", "Q")]
    assert aside(trial.run(), "SV") == [(3, "R01")]


def test_r01_a_record_must_say_which_it_is(trial):
    trial.tables["sv"][0]["VISITNUM"] = trial.tables["dx"][1]["SESSION_ID"] = ""
    assert trial.findings() == [("R01", "dx.csv", 3, "SESSION_ID", None, "Q"), ("R01", "sv.csv", 2, "VISITNUM", None, "Q")]
    trial.tables["dm"][2]["USUBJID"] = ""
    assert "[R01] dm.csv, line 4, column USUBJID: the record does not say which it is" in str(trial.rejected())


def test_r02_identical_rows_are_dropped_to_one(trial):
    trial.tables["qs"].append(dict(trial.tables["qs"][0]))
    trial.tables["ae"].append(dict(trial.tables["ae"][3]))
    assert trial.findings() == [
        ("R02", "ae.csv", 6, "USUBJID", "T-02-004 1.0", "W"),
        ("R02", "qs.csv", 14, "USUBJID", "T-01-001 IRLS visit 1 2025-02-15", "W"),
    ]
    done = trial.run()
    assert len(done.domains["QS"]) == 132 and done.domains["QS"]["SRC_ROW"].max() == 13
    assert account(done, "qs.csv") == {"read": 13, "accepted": 12, "duplicate": 1}
    assert account(done, "qs.csv", "records") == {"read": 143, "accepted": 132, "duplicate": 11}


def test_r03_conflicting_rows_are_both_set_aside(trial):
    trial.tables["qs"].append({**trial.tables["qs"][2], "IRLS04": "3", "IRLSTOT": "21"})
    assert [f[1:3] for f in trial.findings("R03")] == [(4, "USUBJID"), (14, "USUBJID")]
    done = trial.run()
    assert set(done.ledger.findings["rule"]) == {"R03"}
    assert aside(done, "QS") == [(4, "R03"), (14, "R03")]
    assert "row 14" in done.ledger.findings["message"][0] and "row 4" in done.ledger.findings["message"][1]


def test_r03_in_dm_stops(trial):
    trial.tables["dm"].append({**trial.tables["dm"][0], "AGE": "55", "RANDNO": "R9"})
    error = trial.rejected()
    assert "[R03] dm.csv, line 2" in str(error) and "[R03] dm.csv, line 6" in str(error)


def test_r04_unknown_subject(trial):
    trial.tables["ae"][0]["USUBJID"] = "T-09-999"
    trial.tables["qs"][0]["USUBJID"] = "T-09-999"
    assert trial.findings() == [("R04", "ae.csv", 2, "USUBJID", "T-09-999", "Q"), ("R04", "qs.csv", 2, "USUBJID", "T-09-999", "Q")]
    done = trial.run()
    assert aside(done, "QS") == [(2, "R04")] and account(done, "qs.csv", "records") == {"read": 132, "accepted": 121, "quarantined": 11}


def test_r04_empty_subject_only_where_a_subject_is_required(trial):
    trial.tables["ae"][0]["USUBJID"] = trial.tables["dx"][0]["USUBJID"] = ""
    assert [f for f in trial.findings() if f[0] == "R04"] == [("R04", "ae.csv", 2, "USUBJID", None, "Q")]


def test_r05_item_out_of_range_is_removed_and_the_assessment_stays(trial):
    for i, value in enumerate(["5", "-1", "2.5", "x", "2,0"]):
        trial.tables["qs"][i]["IRLS03"] = value
    assert trial.findings("R05") == [("qs.csv", i + 2, "IRLS03", v, "Q") for i, v in enumerate(["5", "-1", "2.5", "x", "2,0"])]
    done = trial.run()
    assert set(done.ledger.findings["rule"]) == {"R05", "R20"}, "no total can be derived at the baseline of two subjects (rows 3 and 6)"
    qs = done.domains["QS"]
    assert len(qs) == 132
    item = qs[(qs["QSTESTCD"] == "IRLS03") & (qs["SRC_ROW"] == 2)].iloc[0]
    assert item["QSSTRESN"] != item["QSSTRESN"] and item["QSORRES"] == "5"


def test_r06_total_other_than_the_sum(trial):
    trial.tables["qs"][4]["IRLSTOT"] = "23"
    assert trial.findings() == [("R06", "qs.csv", 6, "IRLSTOT", "23", "Q")]
    done = trial.run()
    assert done.ledger.quarantine["QS"][["QSTESTCD", "SRC_ROW"]].to_numpy().tolist() == [["IRLSTOT", 6]]
    kept = done.domains["QS"].query("SRC_ROW == 6")
    assert kept["QSTESTCD"].tolist() == ITEMS, "the items stay"
    assert account(done, "qs.csv") == {"read": 12, "accepted": 12}


def test_r06_is_silent_when_an_item_is_missing(trial):
    trial.tables["qs"][2] |= {"IRLS01": "", "IRLSTOT": "17"}
    assert {f[0] for f in trial.findings()} == {"R08", "R09"}


def test_r07_total_out_of_range(trial):
    trial.tables["qs"][2]["IRLSTOT"] = "41"
    assert trial.findings() == [("R06", "qs.csv", 4, "IRLSTOT", "41", "Q"), ("R07", "qs.csv", 4, "IRLSTOT", "41", "Q")]
    assert aside(trial.run(), "QS") == [(4, "R06 R07")]


def test_r08_and_r09_missing_items(trial):
    trial.tables["qs"][2] |= {"IRLS07": "", "IRLS09": ""}
    both = [("qs.csv", 4, item, None, "W") for item in ("IRLS07", "IRLS09")]
    assert trial.findings("R08") == trial.findings("R09") == both
    trial.tables["qs"][2]["IRLSTOT"] = ""
    assert trial.findings() == [("R09", *found) for found in both]


def test_r11_outside_the_window(trial):
    trial.tables["qs"][2]["IRLSDTC"] = "2025-03-14"  # day 14, week 1 ends at day 11
    assert trial.findings() == [("R11", "qs.csv", 4, "IRLSDTC", "2025-03-14", "W")]
    assert "study day 14, outside the window of Week 1 (2 to 11)" in trial.run().ledger.findings["message"][0]


def test_r11_a_partial_date_that_may_be_inside_is_not_outside(trial):
    trial.tables["qs"][2]["IRLSDTC"] = "2025-03"
    assert {f[0] for f in trial.findings()} == {"R18"}
    trial.tables["qs"][2]["IRLSDTC"] = "2025-04"
    assert {f[0] for f in trial.findings()} == {"R11", "R18"}


def test_r12_two_records_in_one_window(trial):
    trial.tables["qs"].append({**trial.tables["qs"][2], "IRLSDTC": "2025-03-10"})
    assert trial.findings() == [("R12", "qs.csv", 14, "VISITNUM", "3", "W")]
    done = trial.run()
    assert "as row 4 (2025-03-08) does" in done.ledger.findings["message"][0]
    assert len(done.domains["QS"]) == 143, "both stay; the derivation chooses"


def test_r12_a_blank_form_is_no_second_assessment(trial):
    blank = {**dict.fromkeys(ITEMS, ""), "IRLSTOT": ""}
    trial.tables["qs"].append({**trial.tables["qs"][2], "IRLSDTC": "2025-03-10", **blank})
    assert {f[0] for f in trial.findings()} == {"R09"}


def test_r12_by_visit_number(trial):
    trial.study["windows"] = {"by": "visitnum"}
    trial.tables["qs"].append({**trial.tables["qs"][2], "IRLSDTC": "2025-05-20"})
    assert trial.findings("R12") == [("qs.csv", 14, "VISITNUM", "3", "W")]


def test_r13_visit_before_consent(trial):
    trial.tables["qs"][0]["IRLSDTC"] = "2025-02-09"
    trial.tables["sv"][0]["SVSTDTC"] = "2025-02-09"
    assert trial.findings() == [("R13", "qs.csv", 2, "IRLSDTC", "2025-02-09", "Q"), ("R13", "sv.csv", 2, "SVSTDTC", "2025-02-09", "Q")]
    assert aside(trial.run(), "QS") == [(2, "R13")]


def test_r13_partial_date_is_never_falsely_before_consent(trial):
    trial.tables["qs"][0]["IRLSDTC"] = "2025-02"
    assert {f[0] for f in trial.findings()} == {"R18"}
    trial.tables["qs"][0]["IRLSDTC"] = "2025-01"
    assert {f[0] for f in trial.findings()} == {"R13", "R18"}


def test_r13_session_before_consent_stops(trial):
    trial.tables["dx"][0] |= {"START_UTC": "2025-02-01T20:00:00Z", "END_UTC": "2025-02-01T20:30:00Z"}
    assert "[R13] dx.csv, line 2, column START_UTC" in str(trial.rejected())


def test_r14_randomized_before_consent_stops_and_missing_consent_warns(trial):
    trial.tables["dm"][0]["RANDDTC"] = "2025-02-09"
    assert (
        "[R14] dm.csv, line 2, column RANDDTC, value '2025-02-09' (T-01-001): the subject was randomized before consent (2025-02-10)"
        in str(trial.rejected())
    )
    trial.tables["dm"][0] |= {"RANDDTC": "2025-03-01", "RFICDTC": ""}
    assert trial.findings() == [("R14", "dm.csv", 2, "RFICDTC", None, "W")]


def test_r15_session_before_randomization(trial):
    trial.tables["dx"][1] |= {"START_UTC": "2025-02-27T20:00:00Z", "END_UTC": "2025-02-27T20:30:00Z"}
    assert trial.findings() == [("R15", "dx.csv", 3, "START_UTC", "2025-02-27T20:00:00Z", "Q")]
    assert aside(trial.run(), "DX") == [(3, "R15")]


def test_r15_compares_the_local_day(trial):
    """23:20 UTC on 28 February is 1 March, the day of randomization, in Berlin, and still February in New York."""
    trial.tables["dx"][1] |= {"START_UTC": "2025-02-28T23:20:00Z", "END_UTC": "2025-02-28T23:59:00Z"}
    assert trial.findings() == []
    trial.tables["dx"][1]["TZ"] = "America/New_York"
    assert [f[0] for f in trial.findings()] == ["R15"]


@pytest.mark.parametrize(
    ("date", "words"), [("2026-01-01", "the data cut (2025-12-31)"), ("2025-03-20", "the subject's death (2025-03-10)")]
)
def test_r16_future_and_death(trial, date, words):
    trial.tables["dm"][0]["DTHDTC"] = "2025-03-10"
    trial.tables["ae"][0]["AEENDTC"] = date
    error = trial.rejected()
    assert f"[R16] ae.csv, line 2, column AEENDTC, value '{date}' (T-01-001): is after {words}" in str(error)
    assert len(error.ledger.errors) == 1


def test_r16_days_after_death_can_be_allowed(trial):
    trial.tables["dm"][0]["DTHDTC"] = "2025-03-10"
    trial.tables["ae"][0]["AEENDTC"] = "2025-03-11"
    trial.study["rules"] = {"R16": {"after_death_days": 1}}
    assert trial.findings() == []
    trial.tables["ae"][0]["AEENDTC"] = "2025-03-12"
    assert [f[0] for f in trial.findings()] == ["R16"]


def test_r17_end_before_start(trial):
    trial.tables["ae"][0]["AEENDTC"] = "2025-03-04"
    trial.tables["dx"][0]["END_UTC"] = "2025-03-02T19:59:59Z"
    trial.tables["ae"][1] |= {"AESTDTC": "2025-03-05", "AEENDTC": "2025-03"}
    found = [f for f in trial.findings() if f[0] == "R17"]
    assert found == [("R17", "ae.csv", 2, "AEENDTC", "2025-03-04", "Q"), ("R17", "dx.csv", 2, "END_UTC", "2025-03-02T19:59:59Z", "Q")]
    done = trial.run()
    assert done.domains["AE"]["AEENDTC"].isna().tolist() == [True, False, False, False], "the event stays, without its end"
    assert aside(done, "AE") == [] and aside(done, "DX") == [(2, "R17")]


def test_r17_in_dm_stops(trial):
    trial.tables["dm"][0]["RFENDTC"] = "2025-02-20"
    assert "[R17] dm.csv, line 2, column RFENDTC" in str(trial.rejected())


def test_r18_partial_dates(trial):
    trial.tables["ae"][0]["AESTDTC"] = "2025-03"
    trial.tables["ae"][1] |= {"AESTDTC": "2025", "AEENDTC": ""}
    trial.tables["dm"][0]["BRTHDTC"] = "1970"
    assert trial.findings() == [("R18", "ae.csv", 2, "AESTDTC", "2025-03", "W"), ("R18", "ae.csv", 3, "AESTDTC", "2025", "W")]
    trial.tables["dm"][0]["RANDDTC"] = "2025-03"
    assert "[R18] dm.csv, line 2, column RANDDTC" in str(trial.rejected())


def test_r18_absent_dates_that_lose_results(trial):
    trial.tables["qs"][2]["IRLSDTC"] = ""
    assert trial.findings() == [("R18", "qs.csv", 4, "IRLSDTC", None, "W")]
    trial.tables["qs"][2] |= {**dict.fromkeys(ITEMS, ""), "IRLSTOT": ""}
    assert trial.findings("R18") == [], "a blank form needs no date"
    trial.tables["dm"][3] |= {"RFSTDTC": "", "RFENDTC": ""}
    assert trial.findings("R18") == [], "study day 1 is then the day of randomization"
    trial.tables["dm"][3]["RANDDTC"] = ""
    assert trial.findings("R18") == [("dm.csv", 5, "RFSTDTC", None, "W")]


def test_r20_no_baseline_total(trial):
    del trial.tables["qs"][1]
    assert trial.findings() == [("R20", "dm.csv", 2, "USUBJID", "T-01-001", "W")]


def test_r20_a_record_after_treatment_began_is_no_baseline(trial):
    trial.tables["qs"][1]["IRLSDTC"] = "2025-03-02"
    assert ("R20", "dm.csv", 2, "USUBJID", "T-01-001", "W") in trial.findings()


def test_r21_not_eligible(trial):
    trial.tables["qs"][1] |= {**dict.fromkeys(ITEMS, "1"), "IRLSTOT": "10"}
    assert trial.findings() == [("R21", "qs.csv", 3, "IRLSTOT", "10", "W")]
    trial.study["rules"] = {"R21": {"minimum": 10}}
    assert trial.findings() == []


@pytest.mark.parametrize(("birth", "age", "wrong"), [("1970-06-01", "55", True), ("1970-03-01", "54", False), ("1970-03-01", "55", False),
                                                     ("1970", "54", False), ("1970", "55", False), ("1970", "56", True)])  # fmt: skip
def test_r22_age_against_birth_date(trial, birth, age, wrong):
    """Consent 2025-02-10, day 1 2025-03-01: one born on 1 March turns 55 between them."""
    trial.tables["dm"][0] |= {"BRTHDTC": birth, "AGE": age}
    assert trial.findings() == ([("R22", "dm.csv", 2, "AGE", age, "W")] if wrong else [])


@pytest.mark.parametrize("age", ["-4", "999"])
def test_r22_an_age_that_is_none_is_removed(trial, age):
    trial.tables["dm"][0]["AGE"] = age
    assert trial.findings() == [("R22", "dm.csv", 2, "AGE", age, "Q")]
    done = trial.run()
    assert done.domains["DM"]["AGE"].isna().tolist() == [True, False, False, False]
    assert done.ledger.rules.set_index("rule").loc["R22", "values_removed"] == 1
    trial.study["rules"] = {"R22": {"lowest": -10, "highest": 1000}}
    assert trial.findings("R22")[0][-1] == "W", "possible, but not by the birth date"


def test_r23_unknown_arm_and_stratum_stop(trial):
    trial.tables["dm"][0]["ARMCD"] = "NR"
    trial.tables["dm"][1]["STRSEV"] = "<26"
    text = str(trial.rejected())
    assert "[R23] dm.csv, line 2, column ARMCD, value 'NR' (T-01-001): there is no such arm in study.yaml; did you mean 'NIR'?" in text
    assert "[R23] dm.csv, line 3, column STRSEV, value '<26'" in text


def test_r23_stratum_other_than_the_baseline_says(trial):
    trial.tables["dm"][3]["STRSEV"] = ">=25"
    assert trial.findings() == [("R23", "dm.csv", 5, "STRSEV", ">=25", "W")]
    assert trial.run().domains["DM"]["STRSEV"].iloc[3] == ">=25", "as randomized"


def test_r25_treated_otherwise(trial):
    trial.tables["dm"][0]["ACTARMCD"] = "NIR"
    assert trial.findings() == [("R25", "dm.csv", 2, "ACTARMCD", "NIR", "W")]


def test_r26_randomization_number_twice(trial):
    trial.tables["dm"][3]["RANDNO"] = "R0"
    error = trial.rejected()
    assert len(error.ledger.errors) == 2 and "is also that of T-02-004" in str(error)


@pytest.mark.parametrize("spelling", ["T-1-1", "t-01-001", "T-01-1", "T -01-001"])
def test_r64_identifier_spelt_differently_stops(trial, spelling):
    trial.tables["ae"][0]["USUBJID"] = spelling
    text = str(trial.rejected())
    assert (
        f"[R64] ae.csv, line 2, column USUBJID, value '{spelling}': is 'T-01-001' in DM, spelt differently" in text and "[R04]" not in text
    )


def test_r64_two_spellings_in_dm_stop(trial):
    trial.tables["dm"].append({**trial.tables["dm"][0], "USUBJID": "T-1-1", "RANDNO": "R9"})
    assert len(trial.rejected().ledger.errors.query("rule == 'R64'")) == 2


def test_r64_two_spellings_of_a_centre_are_noted(trial):
    trial.tables["dm"][1]["SITEID"] = "1"
    assert trial.findings() == [("R64", "dm.csv", 3, "SITEID", "1", "W")]
    assert trial.run().domains["DM"]["SITEID"].tolist() == ["01", "1", "02", "02"], "nothing is changed"


def test_r64_trailing_blanks_are_removed_with_a_warning(trial):
    trial.tables["ae"][1]["USUBJID"] = "T-01-002  "
    trial.tables["ae"][2]["AETERM"] = "Headache  "
    assert trial.findings() == [("R64", "ae.csv", 3, "USUBJID", "T-01-002  ", "W")]
    assert set(trial.run().domains["AE"]["USUBJID"]) == set(SUBJECTS) and set(trial.run().domains["AE"]["AETERM"]) == {"Headache"}


def test_waiver_is_honoured_and_reported(trial):
    trial.tables["qs"][4]["IRLSTOT"] = "23"
    trial.study["waived"] = {"R06": "totals are not used"}
    done = trial.run()
    assert done.ledger.findings.empty and len(done.domains["QS"]) == 132
    row = done.ledger.rules.set_index("rule").loc["R06"]
    assert (row["status"], row["reason"], row["findings"], row["records_quarantined"]) == ("waived", "totals are not used", 1, 0)
    assert "waived: totals are not used" in done.summary()
    trial.study["waived"] = {"R06:LB": "another domain"}
    assert [f[0] for f in trial.findings()] == ["R06"]


def test_settings_of_unknown_rules_and_thresholds(trial):
    trial.study |= {"rules": {"R21": {"minimun": 3}, "R999": {}}, "waived": {"R00": "x", "R17:ZQ": "x", "R998": "x"}}
    problems = check_settings(trial.plan.study)
    assert len(problems) == 5 and any("'minimun'" in p for p in problems) and any("R00 cannot be waived" in p for p in problems)
    with pytest.raises(ConfigError, match="R999"):
        trial.run()


def test_a_blinded_study_tells_no_treatment_in_the_ledger(trial, tmp_path):
    """Findings and quarantine name file, row and column; codes, doses and devices are withheld, whatever the file calls the column."""
    from nirls.sdtm.ingest import write_ledger

    trial.study["blinding"] = "blinded"
    trial.tables["dm"][0]["ACTARMCD"] = "NIR"
    trial.tables["dx"][0]["IRR_MEAN"] = "29,9"
    trial.tables["dx"][1]["START_UTC"] = "3/2/2025"
    trial.tables["dx"][2]["USUBJID"] = "T-77-777"
    trial.tables["ae"][0] |= {"AETERM": "Rash under NIR", "AESTDTC": "3/2/2025"}
    for row in trial.tables["dm"]:
        row["GOT"] = row.pop("ACTARMCD")
    trial.source("dm.csv")["rename"] = {"GOT": "ACTARMCD"}
    write_ledger(trial.run().ledger, tmp_path / "ledger")
    text = "".join(path.read_text() for path in (tmp_path / "ledger").rglob("*.csv"))
    assert "withheld while the study is blinded" in text
    assert [word for word in ("NIR", "SHAM", "29,9", ",30.0,", ",54.0,", "D1") if word in text] == []
    assert trial.findings("R25") == [("dm.csv", 2, "GOT", "withheld while the study is blinded", "W")]
    assert [f[1:4] for f in trial.findings("R01")] == [
        (2, "AESTDTC", "3/2/2025"), (2, "IRR_MEAN", "withheld while the study is blinded"), (3, "START_UTC", "3/2/2025")]  # fmt: skip
    trial.tables["dm"][1]["ARMCD"] = "NIRR"
    message = str(trial.rejected())
    assert "[R23] dm.csv, line 3, column ARMCD" in message and "NIR" not in message and "arms and strata are those of the study" in message


def test_all_findings_of_severity_e_are_listed_and_the_ledger_is_kept(trial, tmp_path):
    from nirls.sdtm.ingest import RejectedError, ingest

    row = trial.tables["ae"][0]
    trial.tables["ae"] = [{**row, "AESEQ": str(i), "AESTDTC": "2026-02-01", "AEENDTC": ""} for i in range(25)]
    trial.tables["dm"][0]["ARMCD"] = "XX"
    trial.write()
    with pytest.raises(RejectedError) as caught:
        ingest(trial.plan, trial.root, rejected=tmp_path / "rejected")
    text = str(caught.value)
    assert "26 findings of severity E" in text and "… and 5 more" in text and "[R23]" in text and text.count("[R16]") == 21
    assert str(tmp_path / "rejected") in text
    assert len((tmp_path / "rejected/findings.csv").read_text().splitlines()) == 1 + len(caught.value.ledger.findings)


def test_every_rule_is_tested_here():
    """A rule added later needs its own test: its id must stand in the name of one."""
    here = " ".join([*globals(), *vars(test_device_rules), *vars(test_safety_rules)])
    assert [r for r in all_rules() if r != "R00" and f"_{r.lower()}_" not in here and r != "R08" and r != "R09"] == []
