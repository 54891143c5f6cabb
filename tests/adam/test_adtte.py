"""ADTTE: the relapse rule, its confirmation, competing events and censoring."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from nirls.adam.adtte import END, NO_REFERENCE, NO_VISIT, RELAPSE, UNCONFIRMED, WITHDRAWN, derive_adtte
from nirls.adam.spec import core_columns
from nirls.errors import ConfigError, DataError
from nirls.plan.course import TimeToEvent
from nirls.plan.load import load_plan
from tests.adam.test_addiary import ROOT

START = pd.Timestamp("2025-06-01")
RULE = TimeToEvent(
    label="Relapse", at_risk="EOTSTT == 'COMPLETED'", param="IRLSTOT", reference_week=12, rise=6, at_least=15, worse="CGIS",
    or_withdrawal="DCSREAS == 'LACK OF EFFICACY'", competing=["RESCUE"],
)  # fmt: skip


@pytest.fixture(scope="module")
def plan():
    return load_plan("nir-rls", root=ROOT)


def made(plan, totals, *, cgi=None, days=None, subject=None, rescue=None, rule=RULE):
    """Subject A: totals at weeks 12, 13, …; severity 5 after week 12, or `cgi`; on the planned days, or `days` after the start."""
    people = {"USUBJID": "A", "TRTEDT": "2025-06-01", "EOTSTT": "COMPLETED", "DCSREAS": "COMPLETED", "EOSDT": "2025-08-03"} | (
        subject or {}
    )
    adsl = pd.DataFrame([people, people | {"USUBJID": "X", "EOTSTT": "DISCONTINUED"}])
    for column in core_columns(plan):
        if column not in adsl.columns:
            adsl[column] = np.nan if column.endswith(("BL", "AGE", "DUR")) else pd.Series(["x", "x"], dtype="str")
    rows = []
    for i, total in enumerate(totals):
        day = (days[i] if days else 7 * i) - 1
        date = f"{START + pd.Timedelta(days=day):%Y-%m-%d}"
        severity = cgi[i] if cgi else 5 if i else 3
        rows += [("A", "IRLSTOT", 12.0 + i, date, total, 30.0), ("A", "CGIS", 12.0 + i, date, severity, 6.0)]
    rows.append(("X", "IRLSTOT", 12.0, "2025-06-01", 10.0, 30.0))
    adqs = pd.DataFrame(rows, columns=["USUBJID", "PARAMCD", "AVISITN", "ADT", "AVAL", "BASE"]).assign(ANL01FL="Y", DTYPE=pd.NA)
    adice = pd.DataFrame({"USUBJID": ["A"], "ICECD": ["RESCUE"], "ICE": ["Rescue medication"], "ADT": [rescue]})
    adice = adice if rescue else adice.iloc[:0]
    changed = dataclasses.replace(plan, study=plan.study.model_copy(update={"times_to_event": {"RELAPSE": rule}}))
    frame, accounts = derive_adtte(adsl, adqs, adice, changed)
    assert frame["USUBJID"].tolist() == ["A"]  # X did not complete treatment
    return frame.iloc[0], accounts


def test_the_first_of_two_visits_is_the_event(plan):
    record, _ = made(plan, [10, 12, 16, 17, 11])
    assert (record["CNSR"], record["EVNTDESC"], record["ADT"]) == (0, RELAPSE, "2025-06-14")
    assert record["AVAL"] == pytest.approx(13 / 7) and record["APERIOD"] == 2
    assert (record["ALOWER"], record["AUPPER"]) == (pytest.approx(6 / 7), pytest.approx(13 / 7))


@pytest.mark.parametrize(
    ("totals", "cgi"),
    [
        ([10, 16, 11, 17, 11], None),  # never two in succession
        ([10, 15, 15, 15, 15], None),  # a rise of 5
        ([8, 14, 14, 14, 14], None),  # below 15
        ([10, 17, 17, 17, 17], [4, 4, 4, 4, 4]),  # severity no worse
    ],
)
def test_what_is_no_relapse(plan, totals, cgi):
    record, _ = made(plan, totals, cgi=cgi)
    assert (record["CNSR"], record["CNSDTDSC"], record["ADT"]) == (1, END, "2025-06-28")


def test_a_missing_severity_is_counted(plan):
    """What cannot be seen is no relapse, and the accounts say so."""
    record, accounts = made(plan, [10, 17, 17, 17, 12], cgi=[4, 5, np.nan, 4, 4])
    assert record["CNSR"] == 1
    counted = dict(zip(accounts["reason"], accounts["n"], strict=True))
    assert counted["RELAPSE: visit that meets the rule but for a missing CGIS, taken as not met"] == 1


def test_confirmation_takes_a_week(plan):
    """Two visits five days apart do not confirm; a third, eleven days after the first, does, and the event is at the first."""
    short, _ = made(plan, [10, 16, 17, 10], days=[0, 8, 13, 20])
    assert short["CNSR"] == 1
    longer, _ = made(plan, [10, 16, 17, 16], days=[0, 8, 13, 19])
    assert (longer["CNSR"], longer["ADT"]) == (0, f"{START + pd.Timedelta(days=7):%Y-%m-%d}")


def test_relapse_without_a_visit_to_confirm_it_is_censored_and_named(plan):
    record, _ = made(plan, [10, 11, 17, 18], days=[0, 7, 14, 19])
    assert (record["CNSR"], record["CNSDTDSC"], record["ADT"]) == (1, UNCONFIRMED, "2025-06-14")
    record, _ = made(plan, [10, 11, 17])
    assert (record["CNSR"], record["CNSDTDSC"], record["ADT"]) == (1, UNCONFIRMED, "2025-06-14")


def test_competing_event_and_withdrawal(plan):
    record, _ = made(plan, [10, 12, 16, 17], rescue="2025-06-10")
    assert (record["CNSR"], record["EVNTDESC"], record["ADT"]) == (2, "Rescue medication", "2025-06-10")
    record, _ = made(plan, [10, 12, 16, 17], rescue="2025-06-14")  # given at the visit of the relapse
    assert record["CNSR"] == 0
    record, _ = made(plan, [10, 12, 16, 17], rescue="2025-06-20")
    assert record["CNSR"] == 0
    record, accounts = made(plan, [10, 12, 11, 11], rescue="2025-05-20")
    assert record["CNSR"] == 1 and "began before the clock" in accounts["reason"].iloc[0]
    record, _ = made(plan, [10, 12, 11], subject={"DCSREAS": "LACK OF EFFICACY", "EOSDT": "2025-06-18"})
    assert (record["CNSR"], record["EVNTDESC"], record["ADT"], record["APERIOD"]) == (0, WITHDRAWN, "2025-06-18", 3)


def test_without_reference_or_visits(plan):
    record, _ = made(plan, [np.nan, 16, 17])
    assert (record["CNSR"], record["CNSDTDSC"], record["AVAL"]) == (1, NO_REFERENCE, 0)
    record, _ = made(plan, [np.nan, 12], subject={"DCSREAS": "LACK OF EFFICACY", "EOSDT": "2025-06-18"})
    assert (record["CNSR"], record["EVNTDESC"], record["SRCDOM"]) == (0, WITHDRAWN, "ADSL")
    record, _ = made(plan, [10])
    assert (record["CNSR"], record["CNSDTDSC"], record["AVAL"], record["APERIOD"]) == (1, NO_VISIT, 0, 0)


def test_loss_of_half_of_the_improvement(plan):
    rule = RULE.model_copy(update={"rise": None, "worse": None, "loss_percent": 50.0})
    assert made(plan, [10, 19, 19], rule=rule)[0]["CNSR"] == 1  # 9 of 20 lost
    assert made(plan, [10, 20, 20], rule=rule)[0]["CNSR"] == 0


def test_event_before_the_clock_starts(plan):
    with pytest.raises(
        DataError, match=r"1 event\(s\) of RELAPSE before the start of the clock \(TRTEDT\): A 2025-05-20 \(start 2025-06-01\)"
    ):
        made(plan, [10, 12], subject={"DCSREAS": "LACK OF EFFICACY", "EOSDT": "2025-05-20"})


def test_bad_rules(plan):
    with pytest.raises(ConfigError, match="ADSL has no variable 'LASTDT'"):
        made(plan, [10, 12], rule=RULE.model_copy(update={"start": "LASTDT"}))
    with pytest.raises(ConfigError, match="IRLSTOT has no value at week 11"):
        made(plan, [10, 12], rule=RULE.model_copy(update={"reference_week": 11.0}))
    with pytest.raises(ConfigError, match="ADQS has no parameter 'CGIX'"):
        made(plan, [10, 12], rule=RULE.model_copy(update={"worse": "CGIX"}))
    with pytest.raises(ValueError, match="needs `rise` or `loss_percent`"):
        TimeToEvent(label="x", at_risk="RANDFL == 'Y'", param="IRLSTOT", reference_week=12)
