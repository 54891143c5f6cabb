"""ADRISK, ADAE and ADDE: dates at their worst, flags, and the pilot's own ADAE."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from nirls.adam.adae import derive_adae
from nirls.adam.adde import derive_adde
from nirls.adam.adrisk import derive_adrisk
from nirls.adam.spec import core_columns
from nirls.errors import ConfigError, DataError
from nirls.plan.load import load_plan
from tests.adam.conftest import ROOT


@pytest.fixture(scope="module")
def plan():
    return load_plan("nir-rls", root=ROOT)


def subjects(plan):
    """A and B wear devices, C takes the drug, D was randomized and never treated; day 1 is 10 March."""
    adsl = pd.DataFrame(
        {
            "USUBJID": list("ABCD"), "RANDFL": "Y", "TRTFL": list("YYYN"), "TRT01A": ["NIR850-54", "SHAM", "ACTIVE", "SHAM"],
            "TRT01P": ["NIR850-54", "SHAM", "ACTIVE", "SHAM"], "RFDT": "2025-03-10", "TRTSDT": ["2025-03-10"] * 3 + [None],
            "TRTEDT": ["2025-06-01"] * 3 + [None], "EOSDT": ["2025-04-15", "2025-08-01", "2025-08-01", "2025-08-01"], "DTHDT": None,
        }
    ).astype({"DTHDT": "str", "TRTSDT": "str", "TRTEDT": "str"})  # fmt: skip
    for column in core_columns(plan):
        if column not in adsl.columns:
            adsl[column] = np.nan if column.endswith(("BL", "AGE", "DUR")) else pd.Series(["x"] * 4, dtype="str")
    return adsl


def sessions():
    """A from 11 March to 20 April, B from 10 March to 1 June; one session of A did not take place."""
    rows = [("A", "2025-03-11", 54.0, "Y"), ("A", "2025-03-13", 50.0, "Y"), ("A", "2025-04-20", 54.0, "Y"), ("A", "2025-05-30", 54.0, "N"),
            ("B", "2025-03-10", 0.0, "Y"), ("B", "2025-06-01", 0.0, "Y")]  # fmt: skip
    return pd.DataFrame(rows, columns=["USUBJID", "ADT", "AFLU", "ANL01FL"])


def event(subject="A", start="2025-03-12", **more):
    given = {"USUBJID": subject, "AESEQ": 1.0, "AETERM": "Redness", "AEDECOD": "Erythema", "AEBODSYS": "Skin", "MEDDRAV": "27.0",
             "AESTDTC": start, "AEENDTC": None, "AESEV": "1", "AESER": "N", "AESERCRIT": None, "AEREL_DEV": "NOT", "AEREL_PROC": "NOT",
             "ANTICIP": "N", "AEACNDEV": "NONE", "AEOUT": "RECOVERED", "SPDEVID": None, "SRC_FILE": "ae.csv", "SRC_ROW": 2}  # fmt: skip
    return given | more


def made(plan, *events, blinding=None):
    if blinding is not None:
        plan = dataclasses.replace(plan, study=plan.study.model_copy(update={"blinding": blinding}))
    adsl, adex = subjects(plan), sessions()
    risk, _ = derive_adrisk(adsl, adex, plan)
    frame = pd.DataFrame(list(events)).astype({c: "str" for c in event() if c not in ("AESEQ", "SRC_ROW")})
    return derive_adae({"AE": frame.mask(frame == "None")}, adsl, risk, adex, plan)[0]


def test_time_at_risk(plan):
    risk, accounts = derive_adrisk(subjects(plan), sessions(), plan)
    risk = risk.set_index("USUBJID")
    assert risk.loc["A", ["EXSTDT", "EXENDT", "EMENDT", "RISKENDT"]].tolist() == ["2025-03-11", "2025-04-20", "2025-04-27", "2025-04-15"]
    assert risk.loc["A", ["RISKDAYS", "NSESS", "CUMFLU"]].tolist() == [36, 3, 158.0]  # 11 March to the end of participation, both counted
    assert risk.loc["B", ["RISKENDT", "RISKDAYS", "CUMFLU"]].tolist() == ["2025-06-08", 91, 0.0]
    assert risk.loc["C", ["EXSTDT", "EMENDT"]].tolist() == ["2025-03-10", "2025-06-08"] and np.isnan(risk.loc["C", "NSESS"])
    assert "D" not in risk.index and accounts["n"].tolist() == [1]
    without_log, _ = derive_adrisk(subjects(plan), None, plan)
    assert without_log.set_index("USUBJID").loc["A", "EXSTDT"] == "2025-03-10"


@pytest.mark.parametrize(
    ("start", "end", "date", "flag", "emergent"),
    [
        ("2025-03-10", None, "2025-03-10", None, "N"),  # day 1, the day before the first session
        ("2025-03-11", None, "2025-03-11", None, "Y"),
        ("2025-04-27", None, "2025-04-27", None, "Y"),  # 7 days after the last session that took place
        ("2025-04-28", None, "2025-04-28", None, "N"),
        ("2025-03", None, "2025-03-11", "D", "Y"),  # may be emergent, so it is
        ("2025-04", None, "2025-04-01", "D", "Y"),
        ("2025-02", None, "2025-02-01", "D", "N"),
        ("2025", None, "2025-03-11", "M", "Y"),
        ("2024", None, "2024-01-01", "M", "N"),
        ("2025-03", "2025-03-05", "2025-03-01", "D", "N"),  # ended before the first session
        (None, None, "2025-03-11", "Y", "Y"),
        (None, "2025-03-05", None, None, "N"),
    ],
)
def test_dates_are_taken_at_their_worst(plan, start, end, date, flag, emergent):
    record = made(plan, event(start=start, AEENDTC=end)).iloc[0]
    shown = [None if value != value else value for value in record[["ASTDT", "ASTDTF", "TRTEMFL"]]]
    assert shown == [date, flag, emergent]


def test_ends(plan):
    frame = made(plan, event(AEENDTC="2025-04"), event(AESEQ=2.0, AEENDTC="2025-03-12"), event(AESEQ=3.0, AEENDTC="2026"))
    assert frame["AENDT"].tolist() == ["2025-04-30", "2025-03-12", "2026-06-30"]  # the last not after the data cut
    assert frame["ADURN"].tolist()[:2] == [50, 1] and frame["AENDTF"].fillna("").tolist() == ["D", "", "M"]


def test_what_is_missing_is_the_worst(plan):
    frame = made(plan, event(AESEV=None, AESER=None, AEREL_DEV=None, AEDECOD=None, AEBODSYS=None, ANTICIP=None), event(AESEQ=2.0))
    worst, plain = frame.iloc[0], frame.iloc[1]
    assert worst[["ASEV", "ASER", "AREL", "RELFL", "IMPFL"]].tolist() == ["Severe", "Y", "Causal", "Y", "Y"]
    assert worst[["AEDECOD", "AEBODSYS"]].tolist() == ["Not coded", "Not coded"]
    assert worst[["ADEFL", "SADEFL", "ASADEFL", "USADEFL"]].tolist() == ["Y", "Y", "N", "Y"]
    assert plain[["ASEV", "ASER", "AREL", "RELFL", "IMPFL", "ADEFL"]].tolist() == ["Mild", "N", "Not related", "N", "N", "N"]


@pytest.mark.parametrize(
    ("changes", "flags"),
    [
        ({"AEREL_DEV": "POSSIBLE"}, "YNNN"),
        ({"AEREL_PROC": "CAUSAL"}, "YNNN"),  # procedure alone
        ({"AEREL_DEV": "CAUSAL", "AESER": "Y", "ANTICIP": "Y"}, "YYYN"),
        ({"AEREL_DEV": "CAUSAL", "AESER": "Y", "ANTICIP": "N"}, "YYNY"),
        ({"AESER": "Y"}, "NNNN"),
        ({"AEREL_DEV": "CAUSAL", "start": "2025-03-01"}, "NNNN"),  # before the first session
        ({"AEREL_DEV": "CAUSAL", "subject": "C"}, "NNNN"),  # no device
        ({"AEREL_DEV": "CAUSAL", "AESER": "Y", "start": "2025-07-20"}, "YYNY"),  # not emergent: the standard sets no end
        ({"AEREL_DEV": "CAUSAL", "subject": "D"}, "NNNN"),  # never treated
    ],
)
def test_iso_14155(plan, changes, flags):
    record = made(plan, event(**changes)).iloc[0]
    assert "".join(record[["ADEFL", "SADEFL", "ASADEFL", "USADEFL"]]) == flags


def test_device_effects_without_a_log_of_sessions(plan):
    """By the arm: A had a device, C the drug."""
    adsl = subjects(plan)
    risk, _ = derive_adrisk(adsl, None, plan)
    frame = pd.DataFrame([event("A", AEREL_DEV="CAUSAL"), event("C", AEREL_DEV="CAUSAL")]).astype({"AESTDTC": "str"})
    out, _ = derive_adae({"AE": frame}, adsl, risk, None, plan)
    assert out["ADEFL"].tolist() == ["Y", "N"]


@pytest.mark.parametrize(
    ("changes", "serious", "assumed"),
    [
        ({"AESER": "N", "AEOUT": "FATAL"}, "Y", "N"),
        ({"AESER": "N", "AESERCRIT": "HOSPITALIZATION"}, "Y", "N"),
        ({"AESER": None, "AESERCRIT": "DEATH"}, "Y", "N"),
        ({"AESER": None}, "Y", "Y"),
        ({"AESER": "N"}, "N", "N"),
    ],
)
def test_the_worse_of_seriousness_outcome_and_criterion(plan, changes, serious, assumed):
    assert made(plan, event(**changes)).iloc[0][["ASER", "IMPFL"]].tolist() == [serious, assumed]


def test_two_codes_of_one_severity(plan):
    rules = plan.study.adverse_events.model_copy(update={"severity": {"1": "Mild", "MILD": "Mild", "2": "Moderate", "3": "Severe"}})
    wide = dataclasses.replace(plan, study=plan.study.model_copy(update={"adverse_events": rules}))
    assert made(wide, event(AESEV="MILD"), event(AESEV="2"), event(AESEV=None))["ASEVN"].tolist() == [1, 2, 3]


def test_a_dose_that_is_not_known_has_no_sum(plan):
    ex = sessions().assign(AFLU=[54.0, np.nan, 54.0, 54.0, 0.0, 0.0])
    adsl = subjects(plan)
    risk, _ = derive_adrisk(adsl, ex, plan)
    assert np.isnan(risk.set_index("USUBJID").loc["A", "CUMFLU"]) and risk.set_index("USUBJID").loc["B", "CUMFLU"] == 0
    frame = pd.DataFrame([event(start="2025-03-11"), event(start="2025-03-13", SRC_ROW=3), event(start="2025-03-10", SRC_ROW=4)])
    out, _ = derive_adae({"AE": frame.astype({"AESTDTC": "str"})}, adsl, risk, ex, plan)
    assert out["ONFLU"].fillna(-1).tolist() == [0, 54, -1] and out["ONSESS"].tolist() == [0, 1, 2]


def test_first_occurrences_and_dose_before_onset(plan):
    frame = made(
        plan, event(start="2025-03-01"), event(AESEQ=2.0, start="2025-03-13"), event(AESEQ=3.0, start="2025-03-14"),
        event(AESEQ=4.0, start="2025-03-15", AEDECOD="Pruritus"), event(AESEQ=5.0, start="2025-03-16", AEBODSYS="Eye", AEDECOD="Glare"),
    )  # fmt: skip
    flags = ["".join(row) for row in frame[["AOCCFL", "AOCCSFL", "AOCCPFL"]].fillna("-").to_numpy()]
    assert flags == ["---", "YYY", "---", "--Y", "-YY"]
    assert frame["ONSESS"].tolist() == [0, 2, 2, 2, 2] and frame["ONFLU"].tolist() == [0, 104, 104, 104, 104]


def test_of_the_drug_no_session_is_known(plan):
    assert made(plan, event("C")).iloc[0][["ONSESS", "ONFLU"]].isna().all()


def test_a_blinded_study_tells_no_dose(plan):
    frame = made(plan, event(SPDEVID="D1"), blinding="blinded")
    assert frame[["ONFLU", "SPDEVID"]].isna().all(axis=None) and frame["ONSESS"].item() == 1


def test_unknown_words_are_refused(plan):
    with pytest.raises(
        DataError, match=r"ae.csv, line 2, column AESEV, value '4' \(A\): not among 1, 2, 3 of study.yaml: adverse_events.sev"
    ):
        made(plan, event(AESEV="4"))
    with pytest.raises(DataError, match="AEREL_DEV, value 'MAYBE'"):
        made(plan, event(AEREL_DEV="MAYBE"))
    with pytest.raises(DataError, match=r"AESER, value 'Yes' \(A\): not among Y, N"):
        made(plan, event(AESER="Yes"))
    lacking = {k: v for k, v in event().items() if k != "AEREL_DEV"}
    adsl, adex = subjects(plan), sessions()
    risk, _ = derive_adrisk(adsl, adex, plan)
    with pytest.raises(ConfigError, match=r"relationship\.DEV\.variable: AE has no column 'AEREL_DEV'; did you mean"):
        derive_adae({"AE": pd.DataFrame([lacking]).astype({"AESTDTC": "str"})}, adsl, risk, adex, plan)


def test_without_rules_there_is_none(plan):
    bare = dataclasses.replace(plan, study=plan.study.model_copy(update={"adverse_events": None}))
    with pytest.raises(ConfigError, match="adverse_events is absent"):
        derive_adrisk(subjects(bare), None, bare)


def test_deficiencies_go_to_who_had_the_device(plan):
    de = pd.DataFrame(
        {
            "SPDEVID": ["D1", "D1", "D2", "D3"], "USUBJID": ["A", None, None, None], "DECAT": "MALFUNCTION", "DETERM": "x",
            "DESADE": ["N", "Y", None, "N"], "DESTDTC": ["2025-03-12", "2025-03-20", "2025-04", "2025-03-12"], "SRC_FILE": "de.csv",
            "SRC_ROW": [2, 3, 4, 5],
        }
    )  # fmt: skip
    dr = pd.DataFrame(
        {"SPDEVID": ["D1", "D1", "D2"], "USUBJID": ["A", "B", "A"], "DRSTDTC": ["2025-03-10", "2025-03-20", "2025-03-10"],
         "DRENDTC": ["2025-03-20", None, None]}
    )  # fmt: skip
    frame, accounts = derive_adde({"DE": de, "DR": dr}, subjects(plan), plan)
    assert frame[["USUBJID", "SRC_ROW", "DESUBJ", "DESADE", "DESADEIM"]].to_numpy().tolist() == [
        ["A", 2, "DE", "N", "N"], ["A", 4, "DR", "Y", "Y"], ["B", 3, "DR", "Y", "N"],
    ]  # fmt: skip
    assert accounts[["reason", "n"]].to_numpy().tolist() == [["deficiency of a device that nobody had then", 1]]


def test_deficiencies_with_partial_dates(plan):
    """D1 was A's in March, B's from 1 April; D2 was A's only."""
    when = ["2025-03", "2025", None, "2025-04-01", "2025-04", "2025", None, "2024"]
    de = pd.DataFrame({"SPDEVID": ["D1"] * 5 + ["D2"] * 3, "DESTDTC": when, "DECAT": "x", "SRC_FILE": "de.csv", "SRC_ROW": range(2, 10)})
    de = de.assign(USUBJID=None, DETERM="x", DESADE="N")
    dr = pd.DataFrame({"SPDEVID": ["D1", "D1", "D2"], "USUBJID": ["A", "B", "A"], "DRSTDTC": ["2025-03-10", "2025-04-01", "2025-03-12"],
                       "DRENDTC": ["2025-03", None, "2025-05"]})  # fmt: skip
    frame, accounts = derive_adde({"DE": de.astype({"DESTDTC": "str", "USUBJID": "str"}), "DR": dr}, subjects(plan), plan)
    shown = frame[["SRC_ROW", "USUBJID", "ADT"]].assign(F=frame["ADTF"].fillna(""))
    assert shown.to_numpy().tolist() == [
        [2, "A", "2025-03-10", "D"], [7, "A", "2025-03-12", "M"], [8, "A", "2025-03-12", "Y"], [5, "B", "2025-04-01", ""],
        [6, "B", "2025-04-01", "D"],
    ]  # fmt: skip
    assert dict(zip(accounts["reason"], accounts["n"], strict=True)) == {
        "deficiency of a device that nobody had then": 1, "deficiency of a device that more than one subject can have had then": 2,
    }  # fmt: skip


# --- the pilot ------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pilot(pilot_domains, pilot_adsl, pilot_plan, pilot_folder):
    """Ours and the sponsor's, record by record."""
    risk, _ = derive_adrisk(pilot_adsl, None, pilot_plan)
    ours, _ = derive_adae(pilot_domains, pilot_adsl, risk, None, pilot_plan)
    theirs = pd.read_parquet(pilot_folder / "cdiscpilotadam" / "adae.parquet")
    return ours, theirs, ours.merge(theirs, on=["USUBJID", "AESEQ"], suffixes=("", "_S"), validate="one_to_one")


def test_every_event_of_the_pilot_is_there(pilot):
    ours, theirs, both = pilot
    assert len(ours) == len(theirs) == len(both) == 1191


def test_emergence_and_first_occurrences_are_the_sponsors(pilot):
    _, _, both = pilot
    assert (both["TRTEMFL"] == both["TRTEMFL_S"].fillna("N")).all()
    assert (both["TRTEMFL"] == "Y").sum() == 1126
    for name in ("AOCCFL", "AOCCSFL", "AOCCPFL"):  # which of several events of one day is first is a matter of order: counts agree
        assert (both[name] == "Y").sum() == (both[f"{name}_S"] == "Y").sum(), name


def test_full_dates_are_the_sponsors(pilot):
    _, _, both = pilot
    full = both["ASTDTF"].isna()
    assert (both.loc[full, "ASTDT"] == both.loc[full, "ASTDT_S"].astype("str")).all()


def test_subjects_by_class_and_term_are_the_sponsors(pilot):
    """Every count of subjects and of events of the table of treatment-emergent events by class and term.

    TRTA of the sponsor's ADAE is the treatment planned (ARMCD); DM.ACTARMCD has another dose for 12 subjects.
    """
    ours, theirs, _ = pilot
    mine, own = ours[ours["TRTEMFL"] == "Y"], theirs[theirs["TRTEMFL"] == "Y"]
    arms = {"Placebo": "Pbo", "Xanomeline Low Dose": "Xan_Lo", "Xanomeline High Dose": "Xan_Hi"}
    own = own.assign(TRT01P=own["TRTA"].map(arms))
    for by in (["TRT01P"], ["TRT01P", "AEBODSYS"], ["TRT01P", "AEBODSYS", "AEDECOD"]):
        for count in ("nunique", "size"):
            a, b = (d.groupby(by)["USUBJID"].agg(count) for d in (mine, own))
            pd.testing.assert_series_equal(a, b, check_names=False, check_index_type=False)
    assert mine.groupby("TRT01P")["USUBJID"].nunique().to_dict() == {"Pbo": 65, "Xan_Hi": 76, "Xan_Lo": 77}
