"""ADICE: which records are intercurrent events, their dates, and the first visit each affects."""

import numpy as np
import pandas as pd
import pytest

from nirls.adam.adice import derive_adice
from nirls.errors import ConfigError, DataError
from nirls.plan.base import validate
from nirls.plan.load import load_plan
from nirls.plan.study import IntercurrentEventRule
from tests.adam.conftest import ROOT

RULES = {
    "STOP": {"label": "Stop", "domain": "DS", "where": "DSDECOD == 'ADVERSE EVENT'", "date": "DSSTDTC", "ends_treatment": True},
    "RESCUE": {"label": "Rescue", "domain": "CM", "where": "CMRESCFL == 'Y'", "date": "CMSTDTC", "term": "CMTRT"},
    "GAP": {"label": "Gap", "domain": "DX", "date": "START_UTC", "gap_days": 14},
    "NEVER": {"label": "Never", "domain": "ADSL", "where": "TRTFL == 'N'", "date": "RFDT"},
}  # fmt: skip


@pytest.fixture(scope="module")
def plan():
    return load_plan("nir-rls", root=ROOT)


def made(plan, rules=RULES, **domains):
    """ADICE of subjects A, B and C (day 1 is 1 March), weeks 1 to 4 analysed on time but for B, who misses week 2 and comes late to 3."""
    import dataclasses

    study = plan.study.model_copy(update={"intercurrent_events": {k: validate(IntercurrentEventRule, v) for k, v in rules.items()}})
    plan = dataclasses.replace(plan, study=study)
    adsl = pd.DataFrame(
        {
            "USUBJID": list("ABCS"), "RFDT": ["2025-03-01"] * 3 + [None], "RANDFL": list("YYYN"), "TRTFL": list("YYNN"),
            "TRTSDT": ["2025-03-01", "2025-03-01", None, None], "TRTEDT": ["2025-05-24", None, None, None],
            "EOTDT": [None, "2025-04-20", None, None],
        }
    )  # fmt: skip
    from nirls.adam.spec import core_columns

    for column in core_columns(plan):
        if column not in adsl.columns:
            adsl[column] = pd.Series(["x"] * 4, dtype="str") if not column.endswith(("BL", "AGE", "DUR")) else np.nan
    days = {"A": {1: 8, 2: 15, 3: 22, 4: 29}, "B": {1: 8, 3: 25, 4: 29}, "C": {1: 9}}
    adqs = pd.DataFrame(
        [
            {"USUBJID": s, "PARAMCD": "IRLSTOT", "ANL01FL": "Y", "DTYPE": None, "AVISITN": float(w), "ADY": float(d)}
            for s, weeks in days.items()
            for w, d in weeks.items()
        ]
    ).astype({"DTYPE": "str"})
    empty = {
        "DS": pd.DataFrame({c: pd.Series(dtype="str") for c in ("USUBJID", "DSDECOD", "DSSTDTC")}),
        "CM": pd.DataFrame({c: pd.Series(dtype="str") for c in ("USUBJID", "CMTRT", "CMRESCFL", "CMSTDTC")}),
        "DX": pd.DataFrame({c: pd.Series(dtype="str") for c in ("USUBJID", "START_UTC")}),
    }
    return derive_adice(empty | domains, adsl, adqs, plan)


def cm(*rows):
    return pd.DataFrame(rows, columns=["USUBJID", "CMTRT", "CMRESCFL", "CMSTDTC"]).astype("str")


def events(adice):
    return {(r["USUBJID"], r["ICECD"]): r for r in adice.to_dict("records")}


def test_a_visit_is_affected_when_its_day_is_later(plan):
    """The day of the record decides, the planned day where there is none; a visit on the day of the event is before it."""
    rows = (("A", "x", "Y", "2025-03-15"), ("B", "y", "Y", "2025-03-16"), ("C", "z", "N", "2025-03-20"))
    found = events(made(plan, CM=cm(*rows))[0])
    assert found["A", "RESCUE"]["ADY"] == 15 and found["A", "RESCUE"]["AVISIT"] == "Week 3"
    # week 2 of B was planned for day 15 and not attended; week 3 took place on day 25
    assert found["B", "RESCUE"]["AVISITN"] == 3 and ("C", "RESCUE") not in found
    late = events(made(plan, CM=cm(("A", "x", "Y", "2026-03-15")))[0])["A", "RESCUE"]
    assert np.isnan(late["AVISITN"]) and late["ICESRC"] == "CM" and late["ICETERM"] == "x"


def test_what_is_no_event_is_counted(plan):
    rows = (("A", "x", "Y", "2025-02-27"), ("A", "x", "Y", "2025-03-09"), ("A", "x", "Y", "2025-03-30"), ("S", "x", "Y", "2025-03-09"))
    adice, accounts = made(plan, CM=cm(*rows))
    assert events(adice)["A", "RESCUE"]["ADT"] == "2025-03-09"  # S has a record of RESCUE and was never treated
    assert dict(zip(accounts["reason"], accounts["n"], strict=True)) == {
        "subject not randomized": 2, "record before study day 1": 1, "later record of the same event": 1,
    }  # fmt: skip


def test_a_partial_date_is_the_earliest_day_it_can_be(plan):
    rows = (("A", "x", "Y", "2025-03"), ("B", "x", "Y", "2025-04"), ("C", "x", "Y", "2025"))
    found = events(made(plan, CM=cm(*rows))[0])
    assert [found[s, "RESCUE"]["ADT"] for s in "ABC"] == ["2025-03-01", "2025-04-01", "2025-03-01"], "never before day 1 if it can be later"
    assert [found[s, "RESCUE"]["ADTF"] for s in "ABC"] == ["D", "D", "M"] and found["A", "RESCUE"]["ICEDTC"] == "2025-03"


def test_an_event_without_a_date_is_refused_with_its_row(plan):
    given = cm(("A", "x", "Y", None)).assign(SRC_FILE="cm.csv.gz", SRC_ROW=12)
    with pytest.raises(
        DataError, match=r"CM: 1 record\(s\) of the intercurrent event 'RESCUE'.* lack CMSTDTC: cm\.csv\.gz row 12, subject A"
    ):
        made(plan, CM=given)


def test_gaps_in_the_log(plan):
    """A gap is dated by the day it reached its length; what is missing after the end of treatment is none."""

    def log(who, *days):
        return pd.DataFrame({"USUBJID": who, "START_UTC": [f"2025-{d}T20:00:00Z" for d in days]})

    short = log("A", "03-01", "03-14", "03-27", "04-09", "04-22", "05-05", "05-18", "05-24")
    long = log("B", "03-01", "03-15", "03-20", "04-19")
    found = events(made(plan, DX=pd.concat([short, long], ignore_index=True))[0])
    assert ("A", "GAP") not in found
    assert found["B", "GAP"]["ADT"] == "2025-03-15" and found["B", "GAP"]["ICETERM"] == "14 days without a session"


def test_subjects_who_were_never_treated(plan):
    found = events(made(plan)[0])
    assert set(found) == {("C", "NEVER")} and found["C", "NEVER"]["AVISITN"] == 1 and found["C", "NEVER"]["ENDTRTFL"] == "N"


def test_a_domain_or_variable_that_is_not_there(plan):
    with pytest.raises(ConfigError, match=r"intercurrent_events\.STOP\.domain: the study has no domain 'HO'"):
        made(plan, {"STOP": {**RULES["STOP"], "domain": "HO"}})
    with pytest.raises(ConfigError, match=r"intercurrent_events\.STOP\.date: DS has no variable 'DSDTC'"):
        made(plan, {"STOP": {**RULES["STOP"], "date": "DSDTC"}})


def test_events_of_the_pilot(pilot_adice, pilot_adsl):
    """Every subject who stopped the study drug has one event, dated as ADSL dates the end of treatment."""
    stopped = pilot_adsl[(pilot_adsl["RANDFL"] == "Y") & (pilot_adsl["EOTSTT"] == "DISCONTINUED")].set_index("USUBJID")
    assert set(pilot_adice["USUBJID"]) == set(stopped.index) and (pilot_adice["ICECD"] == "STOP").all()
    assert (pilot_adice.set_index("USUBJID")["ADT"] == stopped["EOTDT"]).all()
