"""Rules about adverse events and results: one planted fault, one finding with file, line, column and value, and what to do."""

import pytest

from nirls.errors import ConfigError
from nirls.sdtm.ingest import RejectedError


def aside(done, domain):
    """(line, rules) of the quarantined source rows of a domain."""
    frame = done.ledger.quarantine[domain]
    return sorted(set(zip(frame["SRC_ROW"], frame["RULES"], strict=True)))


EVENTS = {
    "relationship": {"DEV": {"variable": "AEREL", "label": "device", "levels": {"NOT": "No", "CAUSAL": "Yes"}, "related": ["CAUSAL"]}},
    "severity": {"1": "Mild", "3": "Severe"}, "device": True, "anticipated": "ANTICIP", "fatal": "AEOUT == 'FATAL'",
}  # fmt: skip


@pytest.fixture
def events(trial):
    trial.study["adverse_events"] = EVENTS
    for row in trial.tables["ae"]:
        row |= {"AESERCRIT": "", "AEREL": "NOT", "ANTICIP": "", "AEOUT": "RECOVERED/RESOLVED", "MEDDRAV": "27.0"}
    assert trial.findings() == []
    return trial


def test_an_event_without_a_subject_is_set_aside(events):
    events.tables["ae"][1]["USUBJID"] = ""
    events.tables["ae"][2]["USUBJID"] = "T-09-009"
    done = events.run()
    found = done.ledger.findings
    assert found[["rule", "file", "row", "column", "severity"]].to_numpy().tolist() == [
        ["R04", "ae.csv", 3, "USUBJID", "Q"], ["R04", "ae.csv", 4, "USUBJID", "Q"],
    ]  # fmt: skip
    assert "names no subject" in found["message"][0] and "not in DM" in found["message"][1]
    assert aside(done, "AE") == [(3, "R04"), (4, "R04")]


def test_r52_onset_before_consent_is_noted_and_kept(events):
    events.tables["ae"][0]["AESTDTC"] = "2025-02-09"
    events.tables["ae"][1]["AESTDTC"] = "2025-02"  # may be after the consent of 10 February
    done = events.run()
    found = done.ledger.findings[done.ledger.findings["rule"] == "R52"]
    assert found[["row", "column", "value", "severity"]].to_numpy().tolist() == [[2, "AESTDTC", "2025-02-09", "W"]]
    assert "began before consent (2025-02-10)" in found["message"].item() and "MH" in found["message"].item()
    assert len(done.domains["AE"]) == 4


def test_r53_serious_without_a_criterion(events):
    events.tables["ae"][0]["AESER"] = "Y"
    events.tables["ae"][1] |= {"AESER": "Y", "AESERCRIT": "HOSPITALIZATION"}
    done = events.run()
    assert done.ledger.findings[["rule", "row", "column", "value", "severity"]].to_numpy().tolist() == [["R53", 2, "AESER", "Y", "Q"]]
    assert "counts as serious" in done.ledger.findings["message"][0]
    assert done.domains["AE"]["AESER"].isna().tolist() == [True, False, False, False], "the event stays, the value is not known"


def test_r53_reads_the_flags_of_sdtm(events):
    for row in events.tables["ae"]:
        row |= {"AESHOSP": "N"}
        del row["AESERCRIT"]
    events.tables["ae"][0] |= {"AESER": "Y", "AESHOSP": "Y"}
    assert events.findings() == []
    events.tables["ae"][0]["AESHOSP"] = "N"
    assert events.findings() == [("R53", "ae.csv", 2, "AESER", "Y", "Q")]


@pytest.mark.parametrize("relation", ["CAUSAL", ""])
def test_r54_an_undecidable_usade_stops(events, relation):
    """Of a serious event that is related, or of which that is not said, it must be known whether it was anticipated."""
    events.tables["ae"][0] |= {"AESER": "Y", "AESERCRIT": "DEATH", "AEREL": relation}
    text = str(events.rejected())
    assert "[R54] ae.csv, line 2, column ANTICIP (T-01-001)" in text and "USADE" in text and "Say Y if the risk analysis" in text
    events.tables["ae"][0]["ANTICIP"] = "N"
    assert [f for f in events.findings() if f[0] != "R71"] == []
    events.tables["ae"][0] |= {"ANTICIP": "", "AEREL": "NOT"}
    assert events.findings() == []


def test_r55_uncoded_events_warn_until_the_lock(events):
    events.tables["ae"][3]["AEDECOD"] = ""
    assert events.findings() == [("R55", "ae.csv", 5, "AEDECOD", None, "W")]
    assert "'Headache' has no AEDECOD" in events.run().ledger.findings["message"][0]
    events.study["dates"]["database_lock"] = "2025-12-01"
    assert "[R55] ae.csv, line 5, column AEDECOD (T-02-004)" in str(events.rejected())


def test_r55_two_versions_of_the_dictionary(events):
    events.tables["ae"][2]["MEDDRAV"] = "26.1"
    found = events.run().ledger.findings
    assert found[["rule", "row", "column", "value", "severity"]].to_numpy().tolist() == [["R55", 4, "MEDDRAV", "26.1", "W"]]
    assert "MedDRA 27.0" in found["message"][0] and "one version" in found["message"][0]
    events.study["dates"]["database_lock"] = "2025-12-01"
    with pytest.raises(RejectedError):
        events.run()


def test_r56_unknown_device(events):
    for row in events.tables["ae"]:
        row["SPDEVID"] = ""
    events.tables["ae"][0]["SPDEVID"] = "D9"
    events.tables["di"] = [{"SPDEVID": f"D{i}", "DITYPE": "NIR", "IRRNOM": "30", "WAVELENGTH": "850"} for i in range(1, 5)]
    events.study["sources"].append({"domain": "DI", "file": "di.csv"})
    assert events.findings("R56") == [("ae.csv", 2, "SPDEVID", "D9", "W")]


def test_r57_a_death_is_a_fatal_event(events):
    events.tables["dm"][0]["DTHDTC"] = "2025-03-20"
    assert "[R57] dm.csv, line 2, column DTHDTC, value '2025-03-20' (T-01-001)" in str(events.rejected())
    events.tables["ae"][0] |= {"AEOUT": "FATAL", "AESER": "Y", "AESERCRIT": "DEATH"}
    assert events.findings() == []


def test_r54_seriousness_not_said_is_a_warning(events):
    events.tables["ae"][0] |= {"AESER": "", "AEREL": "CAUSAL"}
    assert events.findings("R54") == [("ae.csv", 2, "AESER", None, "W")]
    assert "the worst case" in events.run().ledger.findings["message"][0]


def test_r55_one_term_in_two_classes(events):
    for row in events.tables["ae"]:
        row |= {"AEDECOD": "Headache", "AEBODSYS": "Nervous system disorders"}
    events.tables["ae"][1]["AEBODSYS"] = "General disorders"
    assert events.findings() == [("R55", "ae.csv", 3, "AEBODSYS", "General disorders", "W")]
    assert "'Nervous system disorders' elsewhere" in events.run().ledger.findings["message"][0]


def test_r68_a_fatal_event_called_not_serious(events):
    events.tables["ae"][0]["AEOUT"] = "FATAL"
    events.tables["ae"][1]["AESERCRIT"] = "HOSPITALIZATION"
    assert events.findings("R68") == [("ae.csv", 2, "AESER", "N", "W"), ("ae.csv", 3, "AESER", "N", "W")]
    found = events.run().ledger.findings
    first, second = found.loc[found["rule"] == "R68", "message"]
    assert "was fatal" in first and "has a criterion" in second and "counts as serious" in first


def test_r03_two_events_of_one_number_stay(events):
    events.tables["ae"][1] |= {"USUBJID": events.tables["ae"][0]["USUBJID"], "AEDECOD": "Nausea"}
    done = events.run()
    assert [f[:3] for f in events.findings()] == [("R03", "ae.csv", 2), ("R03", "ae.csv", 3)]
    assert "Both stay, since none may be lost" in done.ledger.findings["message"][0] and len(done.domains["AE"]) == 4


def test_r54_is_of_subjects_with_a_device(events):
    events.study["arms"]["DRUG"] = {"label": "Drug", "short": "Drug", "role": "active"}
    events.tables["dm"][0] |= {"ARMCD": "DRUG", "ACTARMCD": "DRUG"}
    events.tables["ae"][0] |= {"AESER": "Y", "AESERCRIT": "DEATH", "AEREL": "CAUSAL"}
    assert [f for f in events.findings() if f[0] == "R54"] == []


def test_r57_a_fatal_event_without_a_death(events):
    events.tables["ae"][1] |= {"AEOUT": "FATAL", "AESER": "Y", "AESERCRIT": "DEATH"}
    assert events.findings() == [("R57", "ae.csv", 3, "AEOUT", "FATAL", "W")]


@pytest.mark.parametrize(("column", "words"), [("AESEV", "severe"), ("AEREL", "related to the device"), ("AESTDTC", "treatment-emergent")])
def test_r71_what_is_not_said_is_noted(events, column, words):
    events.tables["ae"][1][column] = ""
    events.tables["ae"][1]["AEENDTC"] = ""
    assert [f for f in events.findings() if f[0] == "R71"] == [("R71", "ae.csv", 3, column, None, "W")]
    found = events.run().ledger.findings
    assert f"counts as {words}" in found.loc[found["rule"] == "R71", "message"].item()


def test_r69_unknown_words_are_all_named(events):
    events.tables["ae"][0]["AESEV"] = "9"
    events.tables["ae"][1]["AEREL"] = "UNLIKELY"
    text = str(events.rejected())
    assert "line 2, column AESEV, value '9'" in text and "not among 1, 3 of study.yaml: adverse_events.severity" in text
    assert "line 3, column AEREL, value 'UNLIKELY'" in text and "not among NOT, CAUSAL" in text


def test_r69_yes_is_y(events):
    events.tables["ae"][2]["AESER"] = "Yes"
    assert "[R69] ae.csv, line 4, column AESER, value 'Yes'" in str(events.rejected())


def test_r69_an_outcome_that_the_plan_does_not_know(events):
    """ "DEATH" would not be fatal where the plan says FATAL."""
    events.tables["ae"][0]["AEOUT"] = "DEATH"
    text = str(events.rejected())
    assert "[R69] ae.csv, line 2, column AEOUT, value 'DEATH'" in text
    assert "RECOVERING/RESOLVING, UNKNOWN of study.yaml: adverse_events.words.AEOUT. Correct the data, or add it to" in text


def test_a_relationship_that_ae_does_not_have(events):
    events.study["adverse_events"] = EVENTS | {"relationship": {"DEV": EVENTS["relationship"]["DEV"] | {"variable": "AEREAL"}}}
    with pytest.raises(ConfigError, match=r"relationship\.DEV\.variable: AE has no column 'AEREAL'; did you mean 'AEREL'\?"):
        events.run()


def test_r70_a_deficiency_of_nobody(events):
    columns = {"USUBJID": "", "DECAT": "MALFUNCTION", "DETERM": "x", "DESADE": "N"}
    events.tables["de"] = [
        {"SPDEVID": "D1", "DESTDTC": "2025-03-20", **columns}, {"SPDEVID": "D1", "DESTDTC": "2025", **columns},
        {"SPDEVID": "D2", "DESTDTC": "2025-03-20", **columns},
    ]  # fmt: skip
    events.tables["dr"] = [
        {"SPDEVID": "D1", "USUBJID": "T-01-001", "DRSTDTC": "2025-03-01", "DRENDTC": "2025-03-31"},
        {"SPDEVID": "D1", "USUBJID": "T-02-004", "DRSTDTC": "2025-04-02", "DRENDTC": ""},
    ]
    events.study["sources"] += [{"domain": "DE", "file": "de.csv"}, {"domain": "DR", "file": "dr.csv"}]
    found = [f for f in events.findings() if f[0] == "R70"]
    assert found == [("R70", "de.csv", 3, "DESTDTC", "2025", "W"), ("R70", "de.csv", 4, "DESTDTC", "2025-03-20", "W")]


def test_r60_a_lost_decimal_point(trial):
    trial.tables["lb"][1]["FERRITIN"] = "4850"
    done = trial.run()
    assert done.ledger.findings[["rule", "file", "row", "column", "value", "severity"]].to_numpy().tolist() == [
        ["R60", "lb.csv", 3, "FERRITIN", "4850", "Q"]
    ]
    assert "1 to 3000" in done.ledger.findings["message"][0] and len(done.domains["LB"]) == 3
