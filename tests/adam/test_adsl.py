"""ADSL and ADDV of a small made-up device trial."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from nirls.adam.addv import derive_addv
from nirls.adam.adqs import derive_adqs
from nirls.adam.adsl import _why_not, derive_adsl, pool_sites
from nirls.adam.blind import blind_treatment
from nirls.adam.derive import derive, read_inputs
from nirls.adam.spec import conform, core_columns, variables
from nirls.errors import ConfigError, DataError
from nirls.plan.study import AnalysisSet, Arm, BaselineItem, Deviation, Disposition, Pooling, Stratum, Study, Visit, Windows

NA = np.nan


def table(columns, *rows):
    frame = pd.DataFrame([list(r) for r in rows], columns=columns.split())
    return frame.astype({c: "str" for c in frame.columns if frame[c].map(lambda v: isinstance(v, str)).any() or frame[c].isna().all()})


@pytest.fixture
def plan(irls):
    visits = [
        Visit(num=1, name="Screening", target=-14, window=(None, -7), epoch="SCREENING"),
        Visit(num=2, name="Baseline", week=0, target=1, window=(-6, 1), epoch="BASELINE", baseline=True),
        Visit(num=3, name="Week 1", week=1, target=8, window=(2, None), epoch="TREATMENT"),
    ]
    study = Study(
        id="T",
        title="t",
        condition="c",
        synthetic=True,
        blinding="unblinded",
        data="d",
        dates={"cut": "2026-01-01"},
        arms={
            "SHAM": Arm(label="Sham", short="Sham", role="sham"),
            "NIR": Arm(label="NIR", short="NIR", role="nir"),
            "DRUG": Arm(label="Drug", short="Drug", role="active", blinded=False),
            "SCRNFAIL": Arm(label="-", short="-", role="sham", not_an_arm=True),
        },
        reference="SHAM",
        visits=visits,
        windows=Windows(locf=False, on_treatment_days=2),
        instruments=["irls"],
        baseline={"rule": "last", "on_or_before_day": 1, "choice": "baseline_visit"},
        populations={
            "SAF": AnalysisSet(label="Safety", rule="r", where="TRTFL == 'Y'"),
            "FAS": AnalysisSet(label="Full analysis", rule="r", where="RANDFL == 'Y' and BASEFL == 'Y' and NPOST >= 1"),
            "PP": AnalysisSet(label="Per protocol", rule="r", where="FASFL == 'Y' and TRT01P == TRT01A and NIMPDEV == 0"),
        },
        strata={
            "SEV": Stratum(
                variable="STRSEV", label="Severity", levels=["<25", ">=25"], derived={"<25": "IRLSBL < 25", ">=25": "IRLSBL >= 25"}
            )
        },
        covariates={
            "AGE": BaselineItem(label="Age (years)", source="DM.AGE"),
            "IRLSBL": BaselineItem(label="IRLS", source="QS.IRLSTOT"),
            "SEVBL": BaselineItem(
                label="Band", source="QS.IRLSTOT", levels=["mild", "worse"], cut={"mild": "IRLSBL <= 10", "worse": "IRLSBL > 10"}
            ),
            "FERBL": BaselineItem(label="Ferritin", source="LB.FERRITIN"),
            "NEUROFL": BaselineItem(label="Neuropathy", source="MH:NEUROPATHY", levels=["Y", "N"]),
            "RLSDUR": BaselineItem(label="Duration of RLS (years)", source="MH:RLS HISTORY:YEARS"),
            "RLSTYPE": BaselineItem(label="Type", source="MH:PRIMARY RLS|SECONDARY RLS", levels=["PRIMARY RLS", "SECONDARY RLS"]),
            "DAFL": BaselineItem(label="On dopamine agonist", source="CM:DOPAMINE AGONIST", levels=["Y", "N"]),
        },
        deviations={"VISIT WINDOW": Deviation(label="Visit out of window"), "R21": Deviation(label="IRLS below 15", important=True)},
        sources=[{"domain": "DM", "file": "dm.csv"}],
    )
    return SimpleNamespace(study=study, instruments={"irls": irls}, primary_instrument=irls, config=SimpleNamespace(seed=7))


def change(plan, **parts):
    return SimpleNamespace(**{**vars(plan), "study": plan.study.model_copy(update=parts)})


def irls_rows(subject, visitnum, date, total):
    """Ten items that add to `total`, and the recorded total."""
    values = [total // 10 + (i < total % 10) for i in range(10)]
    codes = [*(f"IRLS{i:02d}" for i in range(1, 11)), "IRLSTOT"]
    return [(subject, visitnum, "v", date, c, float(v), str(v)) for c, v in zip(codes, [*values, total], strict=True)]


@pytest.fixture
def domains():
    dm = table(
        "STUDYID USUBJID SUBJID SITEID AGE SEX ARMCD ACTARMCD RFICDTC RANDDTC RFSTDTC RFENDTC STRSEV",
        ("T", "A", "A", "01", 40.0, "F", "SHAM", "SHAM", "2025-02-01", "2025-03-01", "2025-03-05", "2025-03-10", "<25"),
        ("T", "B", "B", "01", 50.0, "M", "NIR", "NIR", "2025-02-01", "2025-03-01", "2025-03-05", NA, "<25"),
        ("T", "C", "C", "02", 60.0, "F", "NIR", "NIR", "2025-02-01", "2025-03-01", NA, NA, ">=25"),
        ("T", "D", "D", "02", 70.0, "M", "DRUG", "DRUG", "2025-02-01", "2025-03-01", "2025-03-05", "2025-03-20", ">=25"),
        ("T", "E", "E", "02", 30.0, "M", "SCRNFAIL", "SCRNFAIL", "2025-02-01", NA, NA, NA, NA),
    )
    part, treat = "STUDY PARTICIPATION", "STUDY TREATMENT"
    ds = table(
        "USUBJID DSSEQ DSCAT DSSCAT DSTERM DSDECOD DSSTDTC",
        ("A", 1.0, "PROTOCOL MILESTONE", NA, "Randomized", "RANDOMIZED", "2025-03-01"),
        ("A", 2.0, "DISPOSITION EVENT", treat, "Rash", "ADVERSE EVENT", "2025-03-10"),
        ("A", 3.0, "DISPOSITION EVENT", part, "Completed", "COMPLETED", "2025-05-01"),
        ("C", 1.0, "DISPOSITION EVENT", part, "Moved", "WITHDRAWAL BY SUBJECT", "2025-03-09"),
        ("E", 1.0, "DISPOSITION EVENT", part, "IRLS 12", "SCREEN FAILURE", "2025-02-02"),
    )
    rows = [
        *irls_rows("A", 1.0, "2025-02-19", 30), *irls_rows("A", 2.0, "2025-03-05", 24), *irls_rows("A", 3.0, "2025-03-12", 12),
        *irls_rows("B", 2.0, "2025-03-04", 26), *irls_rows("C", 2.0, "2025-03-01", 28), *irls_rows("C", 3.0, "2025-03-09", 20),
        *irls_rows("D", 3.0, "2025-03-13", 10), *irls_rows("E", 1.0, "2025-02-02", 12),
        ("A", 3.0, "v", "2025-03-12", "OTHER", 1.0, "1"),
    ]  # fmt: skip
    qs = table("USUBJID VISITNUM VISIT QSDTC QSTESTCD QSSTRESN QSORRES", *rows)
    return {
        "DM": dm,
        "DS": ds,
        "QS": qs.assign(SRC_FILE="q.csv", SRC_ROW=range(2, len(qs) + 2)),
        "EX": table("USUBJID EXSTDTC EXENDTC", *((s, "2025-03-01", "2025-06-01") for s in "ABCD")),
        "DX": table("USUBJID ON_SEC", ("A", 600.0), ("B", 600.0), ("C", 0.0)),
        "LB": table(
            "USUBJID VISITNUM LBDTC LBTESTCD LBSTRESN LBSTRESC",
            ("A", 1.0, "2025-02-19", "FERRITIN", 40.0, "40"),
            ("A", 2.0, "2025-03-05", "FERRITIN", 55.0, "55"),
            ("A", 3.0, "2025-03-12", "FERRITIN", 70.0, "70"),
            ("B", 1.0, "2025-02-19", "FERRITIN", 80.0, "80"),
            ("B", 2.0, "2025-03-04", "FERRITIN", NA, NA),
        ),
        "MH": table(
            "USUBJID MHTERM MHDECOD MHCAT MHSTDTC",
            ("A", "Polyneuropathy", "NEUROPATHY", NA, "2020"),
            ("A", "RLS", "PRIMARY RLS", "RLS HISTORY", "2015"),
            ("B", "RLS", "SECONDARY RLS", "RLS HISTORY", NA),
        ),
        "CM": table(
            "USUBJID CMDECOD CMTRT CMCLAS CMSTDTC",
            ("A", "PRAMIPEXOLE", "x", "DOPAMINE AGONIST", "2024-01"),
            ("B", "ROPINIROLE", "y", "DOPAMINE AGONIST", "2025-04-01"),
        ),
        "SV": table("USUBJID VISITNUM SVSTDTC", *((s, 1.0, "2025-02-19") for s in "ABCDE"), ("A", 3.0, "2025-03-12")),
        "DV": table("USUBJID DVCAT DVTERM DVSTDTC", ("A", "VISIT WINDOW", "Week 1 late", "2025-03-12")),
    }


@pytest.fixture
def findings():
    return table(
        "rule usubjid visitnum message",
        ("R21", "A", "3", "IRLS 12 below 15"),
        ("R21", "A", "3", "again, in another file"),
        ("R09", "B", "2", "x"),
    )


@pytest.fixture
def adsl(domains, plan, findings):
    return derive_adsl(domains, plan, findings).set_index("USUBJID")


def values(adsl, variable):
    return [None if pd.isna(v) else v for v in adsl[variable]]


def test_columns_are_the_specification(adsl, plan):
    spec = variables("ADSL", plan)
    assert adsl.reset_index().columns.to_list()[:4] == ["USUBJID", "STUDYID", "SUBJID", "SITEID"]
    assert set(adsl.columns) | {"USUBJID"} == {v.name for v in spec if v.core == "Req" or v.name in adsl.columns}


def test_treatment(adsl):
    assert values(adsl, "TRT01P") == ["SHAM", "NIR", "NIR", "DRUG", None]
    assert values(adsl, "TRT01PN") == [1, 2, 2, 3, None]
    # C never switched the device on; D takes a drug and has no session; E was not randomized
    assert values(adsl, "TRTFL") == ["Y", "Y", "N", "Y", "N"]
    assert values(adsl, "TRTSDT") == ["2025-03-05", "2025-03-05", None, "2025-03-05", None]
    assert values(adsl, "RFDT") == ["2025-03-05", "2025-03-05", "2025-03-01", "2025-03-05", None]


def test_disposition_of_study_and_of_treatment(adsl):
    assert values(adsl, "EOSSTT") == ["COMPLETED", "ONGOING", "DISCONTINUED", "ONGOING", None]
    assert values(adsl, "DCSREAS") == [None, None, "WITHDRAWAL BY SUBJECT", None, "SCREEN FAILURE"]
    assert values(adsl, "EOTSTT") == ["DISCONTINUED", "ONGOING", None, "ONGOING", None]  # A is a retrieved dropout
    assert values(adsl, "DCTREAS") == ["ADVERSE EVENT", None, None, None, None]


def test_two_dispositions_of_one_kind_are_an_error(domains, plan):
    domains["DS"] = pd.concat([domains["DS"], domains["DS"].iloc[[2]]], ignore_index=True)
    with pytest.raises(DataError, match=r"1 subject\(s\) have more than one record with .*: A"):
        derive_adsl(domains, plan, None)


def test_baseline_and_visits_of_the_outcome(adsl):
    assert values(adsl, "BASEFL") == ["Y", "Y", "Y", "N", "N"]
    assert values(adsl, "NPOST") == [1, 0, 1, 1, 0]
    assert values(adsl, "IRLSBL") == [24, 26, 28, None, None]


def test_strata_as_randomized_and_as_the_data_say(adsl):
    assert values(adsl, "SEV") == ["<25", "<25", ">=25", ">=25", None]
    assert values(adsl, "SEVD") == ["<25", ">=25", ">=25", None, None]
    assert values(adsl, "SEVMIS") == ["N", "Y", "N", None, None]


def test_covariates(adsl):
    assert values(adsl, "SEVBL") == ["worse", "worse", "worse", None, None]
    assert values(adsl, "FERBL") == [55, 80, None, None, None]  # at baseline, or the last before; never after
    assert values(adsl, "NEUROFL") == ["Y", "N", "N", "N", None]
    assert values(adsl, "DAFL") == ["Y", "N", "N", "N", None]  # B began after study day 1
    assert values(adsl, "RLSTYPE") == ["PRIMARY RLS", "SECONDARY RLS", None, None, None]
    assert adsl.loc["A", "RLSDUR"] == 9.6  # 2015-07-01 to 2025-02-19
    assert adsl["RLSDUR"].isna().to_list() == [False, True, True, True, True]


@pytest.mark.parametrize(
    ("start", "at_baseline"),
    [
        ("2025-03-05", "Y"),  # study day 1
        ("2025-03-06", "N"),
        ("2025-03", "Y"),  # may be of 1 March
        ("2025-04", "N"),  # cannot be
        ("2025", "Y"),
        ("2026", "N"),
        (NA, "Y"),
    ],
)
def test_a_history_that_began_after_day_1_is_none_at_baseline(domains, plan, findings, start, at_baseline):
    later = table("USUBJID MHTERM MHDECOD MHCAT MHSTDTC", ("B", "Polyneuropathy", "NEUROPATHY", NA, start))
    given = {**domains, "MH": pd.concat([domains["MH"], later], ignore_index=True)}
    derived = derive("ADSL", {**given, "FINDINGS": findings}, plan)
    assert values(derived.frame.set_index("USUBJID"), "NEUROFL") == ["Y", at_baseline, "N", "N", None]
    counted = {(r.domain, r.reason): r.n for r in derived.accounts.itertuples()}
    expected = {("CM", "began after study day 1, not counted for DAFL (On dopamine agonist)"): 1}  # B, 1 April
    if at_baseline == "N":
        expected[("MH", "began after study day 1, not counted for NEUROFL (Neuropathy)")] = 1
    assert counted == expected and set(derived.accounts["dataset"]) == {"ADSL"}


@pytest.mark.parametrize(
    ("start", "years"),
    [
        ("2025", 0.0),  # 1 July is after the first visit of 19 February: 1 day
        ("2025-02", 0.0),  # the 15th: 5 days
        ("2024", 0.6),  # 1 July: 234 days
        ("2024-12", 0.2),  # the 15th: 67 days
        ("2023-02-20", 2.0),  # 731 days
    ],
)
def test_no_duration_is_negative_for_a_partial_start(domains, plan, findings, start, years):
    domains["MH"].loc[2, "MHSTDTC"] = start
    assert derive_adsl(domains, plan, findings).set_index("USUBJID").loc["B", "RLSDUR"] == years


def test_sets_are_evaluated_in_order(adsl):
    assert values(adsl, "SAFFL") == ["Y", "Y", "N", "Y", "N"]
    assert values(adsl, "FASFL") == ["Y", "N", "Y", "N", "N"]
    assert values(adsl, "PPFL") == ["N", "N", "Y", "N", "N"]  # A has an important deviation (R21)


def test_deviations_from_site_and_data(domains, plan, findings, adsl):
    addv, _ = derive_addv(domains, adsl.reset_index(), plan, findings)
    assert addv[["USUBJID", "DVCAT", "DVIMPFL", "ADT", "DVSRC"]].to_numpy().tolist() == [
        ["A", "R21", "Y", "2025-03-12", "R21"],
        ["A", "VISIT WINDOW", "N", "2025-03-12", "CRF"],
    ]
    assert addv["DVLABEL"].to_list() == ["IRLS below 15", "Visit out of window"] and "PPFL" in addv.columns


def test_a_deviation_of_an_unknown_subject_is_counted(domains, plan, findings, adsl):
    addv, account = derive_addv(domains, adsl.drop("A").reset_index(), plan, findings)
    assert "A" not in set(addv["USUBJID"])
    assert account[["dataset", "reason", "n"]].to_numpy().tolist() == [["ADDV", "subject not in ADSL", 2]]


def test_a_deviation_the_plan_does_not_know_is_an_error(domains, plan, findings):
    domains["DV"].loc[0, "DVCAT"] = "VISIT WINDOWS"
    with pytest.raises(DataError, match=r"'VISIT WINDOWS' \(1\)"):
        derive_adsl(domains, plan, findings)
    with pytest.raises(DataError, match="R21 are detected by ingest rules"):
        derive_adsl({**domains, "DV": domains["DV"].iloc[:0]}, plan, None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"covariates": {"X": BaselineItem(label="x", source="LB.HB")}}, "LB has no record with LBTESTCD 'HB'"),
        ({"covariates": {"X": BaselineItem(label="x", source="VS.PULSE")}}, "there is no domain 'VS'"),
        ({"covariates": {"X": BaselineItem(label="x", source="DM.WEIGHT")}}, "DM has no variable 'WEIGHT'"),
        ({"covariates": {"X": BaselineItem(label="x", source="MH:RLS HISTORY:DAYS")}}, "YEARS or MONTHS, not 'DAYS'"),
        ({"covariates": {"X": BaselineItem(label="x", source="AE:RASH")}}, "no domain 'AE'"),
        (
            {"covariates": {"X": BaselineItem(label="x", source="DM.AGE", cut={"a": "AGE > 1", "b": "AGE > 2"})}},
            "'b' and 'a' both hold for A",
        ),
        ({"covariates": {"X": BaselineItem(label="x", source="DM.SEX")}}, "covariates.X: DM.SEX is text \\('F', 'M'\\); give its `levels`"),
        ({"reference_date": "DM.FIRST"}, "reference_date: 'DM.FIRST'"),
    ],
)
def test_errors_of_the_plan_name_the_place(domains, plan, findings, changes, message):
    with pytest.raises(ConfigError, match=message):
        derive_adsl(domains, change(plan, **{"strata": {}, **changes}), findings)


def test_a_term_nobody_has_is_reported(domains, plan, findings):
    odd = change(plan, strata={}, covariates={"X": BaselineItem(label="x", source="MH:NEUROPATY", levels=["Y", "N"])})
    with pytest.warns(UserWarning, match=r"no record of MH has the term 'NEUROPATY'.*did you mean 'NEUROPATHY'"):
        assert derive_adsl(domains, odd, findings)["X"].dropna().eq("N").all()


def test_errors_of_the_data_name_the_value(domains, plan, findings):
    with pytest.raises(DataError, match="not levels of the covariate 'SEX': 'M'"):
        derive_adsl(domains, change(plan, strata={}, covariates={"SEX": BaselineItem(label="s", source="DM.SEX", levels=["F"])}), findings)
    wrong = domains["DM"].assign(ARMCD=domains["DM"]["ARMCD"].replace("NIR", "NIRX"))
    with pytest.raises(DataError, match=r"2 subject\(s\) have an ARMCD .*\['B', 'NIRX'\]"):
        derive_adsl({**domains, "DM": wrong}, plan, findings)
    ambiguous = pd.concat([domains["LB"], domains["LB"].iloc[[1]].assign(LBSTRESN=56.0)], ignore_index=True)
    with pytest.raises(DataError, match=r"1 subject\(s\) have several values at baseline, the first A"):
        derive_adsl({**domains, "LB": ambiguous}, plan, findings)


def test_adqs_leaves_out_screen_failures_and_says_so(domains, plan, adsl):
    adqs, accounts = derive_adqs(domains, adsl.reset_index(), plan)
    assert "E" not in set(adqs["USUBJID"])
    counted = dict(zip(accounts["reason"], accounts["n"], strict=True))
    assert counted == {"test OTHER is not a parameter of the plan": 1, "subject not randomized": 13}  # ten items, three scores
    total = adqs[adqs["PARAMCD"] == "IRLSTOT"].set_index(["USUBJID", "AVISIT"])
    assert total.loc[("A", "Week 1"), ["AVAL", "AVALREC", "BASE", "CHG", "PCHG"]].to_list() == [12, 12, 24, -12, -50]
    assert total.loc[("A", "Week 1"), "SRC_FILE"] == "q.csv" and total.loc[("A", "Week 1"), "SRC_ROW"] == 24
    assert list(adqs.columns[: len(core_columns(plan))]) == [v.name for v in variables("ADQS", plan)][: len(core_columns(plan))]


def test_a_test_recorded_twice_is_an_error(domains, plan, adsl):
    qs = pd.concat([domains["QS"], domains["QS"].iloc[[12]].assign(QSSTRESN=0.0, SRC_ROW=999)], ignore_index=True)
    with pytest.raises(DataError, match=r"QS: 2 records repeat a test .*: A IRLS02 visit 2 on 2025-03-05 \(q.csv row 14\)"):
        derive_adqs({**domains, "QS": qs}, adsl.reset_index(), plan)


def test_on_treatment(domains, plan, adsl):
    """Last treatment of A is 2025-03-10; two days of grace reach to the visit of 2025-03-12. C was never treated."""

    def flag(p):
        adqs = derive_adqs(domains, adsl.reset_index(), p)[0]
        return adqs[adqs["PARAMCD"] == "IRLSTOT"].set_index(["USUBJID", "AVISIT"])["ONTRTFL"]

    with_grace, without = flag(plan), flag(change(plan, windows=Windows()))
    assert with_grace["A", "Week 1"] == "Y" and without["A", "Week 1"] == "N"
    assert with_grace["C", "Week 1"] == "N" and with_grace["A", "Screening"] == "N" and pd.isna(with_grace["A", "Baseline"])


def test_pooling_needs_every_arm():
    site = ["01"] * 6 + ["02"] * 5
    frame = pd.DataFrame({"SITEID": [*site, "03"], "RANDFL": ["Y"] * 11 + ["N"], "TRT01P": [*"AAABBB", *"AAABB", NA]}).astype("str")
    frame["TRT01P"] = frame["TRT01P"].where(frame["RANDFL"] == "Y")
    pooled = pool_sites(frame, SimpleNamespace(pooling=Pooling()))["SITEGR1"]
    assert pooled[:6].eq("01").all() and pooled[6:11].eq("900").all() and pd.isna(pooled[11])


def test_dummy_codes_permute_the_blinded_arms(plan):
    subjects = pd.DataFrame({"USUBJID": [f"S{i:03d}" for i in range(90)], "ARMCD": ["SHAM", "NIR", "DRUG"] * 30}).assign(
        ACTARMCD=lambda d: d["ARMCD"]
    )
    subjects.loc[0, "ACTARMCD"] = "NIR"
    blind = blind_treatment(subjects, plan.study, 7)
    assert blind["ARMCD"].value_counts().to_dict() == {"SHAM": 30, "NIR": 30, "DRUG": 30}
    assert (blind["ARMCD"] == "DRUG").equals(subjects["ARMCD"] == "DRUG")
    blinded = subjects["ARMCD"] != "DRUG"
    agree = (blind["ARMCD"] == subjects["ARMCD"])[blinded].mean()
    assert 0.25 < agree < 0.75
    assert ((blind["ARMCD"] == "SHAM") & (blind["ACTARMCD"] == "NIR")).sum() == 1  # the pair of codes travels together
    again = blind_treatment(subjects.sample(frac=1, random_state=1), plan.study, 7).sort_index()
    pd.testing.assert_frame_equal(again, blind)
    assert not blind_treatment(subjects, plan.study, 8)["ARMCD"].equals(blind["ARMCD"])


def test_dummy_codes_hold_nothing_of_the_true_ones(plan):
    """Two true allocations with equal numbers per arm give the same dummy codes, so no knowledge of the seed tells them apart."""
    subjects = pd.DataFrame({"USUBJID": [f"S{i:02d}" for i in range(40)], "ARMCD": ["SHAM", "NIR"] * 20})
    subjects["ACTARMCD"] = subjects["ARMCD"]
    other = subjects.assign(ARMCD=subjects["ARMCD"].to_numpy()[::-1], ACTARMCD=subjects["ACTARMCD"].to_numpy()[::-1])
    assert not other["ARMCD"].equals(subjects["ARMCD"])
    pd.testing.assert_frame_equal(blind_treatment(subjects, plan.study, 7), blind_treatment(other, plan.study, 7))


def test_a_blinded_study_shows_no_true_code(domains, plan, findings):
    many = pd.concat([domains["DM"].iloc[[0, 1]].assign(USUBJID=[f"A{i}", f"B{i}"], SUBJID="x") for i in range(20)], ignore_index=True)
    hidden = derive_adsl({**domains, "DM": many}, change(plan, blinding="blinded"), findings).set_index("USUBJID")
    true = many.set_index("USUBJID")["ARMCD"]
    for variable in ("ARMCD", "ACTARMCD", "TRT01P", "TRT01A"):
        assert hidden[variable].value_counts().to_dict() == {"SHAM": 20, "NIR": 20}
        assert 0.2 < (hidden[variable] == true[hidden.index]).mean() < 0.8


def test_specification_names_are_sas_names(plan):
    for dataset in ("ADSL", "ADQS", "ADDV"):
        spec = variables(dataset, plan)
        names = [v.name for v in spec]
        assert len(set(names)) == len(names)
        assert all(v.label and v.derivation for v in spec)
        assert [n for n in names if len(n) > 8] == []


def test_conform_refuses_what_is_absent_or_of_another_kind(adsl, plan):
    spec = variables("ADSL", plan)
    with pytest.raises(DataError, match=r"lacks the variable.* NPOST"):
        conform(adsl.reset_index().drop(columns="NPOST"), spec)
    with pytest.raises(DataError, match="AGE is str"):
        conform(adsl.reset_index().assign(AGE="x"), spec)


def test_derive_by_name_and_files(domains, plan, findings, adsl, tmp_path):
    for code, frame in domains.items():
        frame.to_parquet(tmp_path / f"{code.lower()}.parquet")
    findings.to_csv(tmp_path / "findings.csv", index=False)
    inputs = read_inputs(sorted(tmp_path.iterdir()))
    made = derive("ADSL", inputs, plan).frame
    pd.testing.assert_frame_equal(made.set_index("USUBJID"), adsl)
    assert len(derive("ADDV", {**inputs, "ADSL": made}, plan).frame) == 2
    adqs = derive("ADQS", {**inputs, "ADSL": made}, plan)
    assert len(adqs.frame) == 91  # seven assessments of ten items and three scores
    assert adqs.accounts["n"].to_list() == [1, 13]
    with pytest.raises(DataError, match="ADQS needs ADSL"):
        derive("ADQS", inputs, plan)
    with pytest.raises(DataError, match="no derivation of 'ADXX'"):
        derive("ADXX", inputs, plan)


def test_the_default_disposition_is_the_documented_one(domains, plan):
    assert plan.study.disposition == Disposition()


def test_reason_for_exclusion_is_the_first_that_holds():
    flags = {"RANDFL": ["Y", "Y", "Y", "N"], "FASFL": ["Y", "N", "N", "N"], "BASEFL": ["Y", "N", "Y", "N"]}
    adsl = pd.DataFrame({"USUBJID": list("abcd"), **flags, "NPOST": [1, 0, 0, 0]})
    reasons = {"No baseline": "BASEFL == 'N'", "No value after baseline": "NPOST < 1"}
    assert _why_not(adsl, "FAS", reasons).tolist()[1:3] == ["No baseline", "No value after baseline"]
    assert _why_not(adsl, "FAS", reasons).isna().tolist() == [True, False, False, True]
    with pytest.raises(ConfigError, match=r"populations.FAS.excluded: no reason holds for 1 randomized subject"):
        _why_not(adsl, "FAS", {"No baseline": "BASEFL == 'N'"})
