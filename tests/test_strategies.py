"""What each strategy of an estimand does to the records of an analysis, worked out by hand."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from nirls.plan.estimand import Estimand
from nirls.strategies import bind, governing

WORDS = dict.fromkeys(["label", "question", "population", "treatment", "variable", "summary", "missing_data"], "x")
STUDY = SimpleNamespace(
    intercurrent_events={
        "STOP": SimpleNamespace(label="Stop of the device"),
        "RESCUE": SimpleNamespace(label="Rescue medication"),
        "DEATH": SimpleNamespace(label="Death"),
    }
)


def estimand(**strategies):
    found = []
    for event, strategy in {"STOP": "treatment_policy", "RESCUE": "treatment_policy", "DEATH": "treatment_policy", **strategies}.items():
        name, _, value = strategy.partition(":")
        found.append({"event": event, "strategy": name, **({"value": value} if value else {})})
    return Estimand(**WORDS, intercurrent_events=found)


def records():
    """Four visits of A to D at baseline 20, minus 1, 2, 3, 4 by week; B misses week 3, D has none after week 1."""
    rows = [
        {"USUBJID": s, "PARAMCD": "TOT", "ANL01FL": "Y", "AVISIT": f"Week {w}", "AVISITN": float(w), "BASE": 20.0, "AVAL": 20.0 - w,
         "CHG": -float(w), "PCHG": -5.0 * w, "DTYPE": None, "TRT01P": "NIR" if s in "AB" else "SHAM", "STR": s}
        for s in "ABCD" for w in (1, 2, 3, 4) if (s, w) not in {("B", 3), ("D", 2), ("D", 3), ("D", 4)}
    ]  # fmt: skip
    frame = pd.DataFrame(rows).astype({"DTYPE": "str"})
    return frame.assign(TRT01P=pd.Categorical(frame["TRT01P"], categories=["SHAM", "NIR"], ordered=True))


def ice(*rows):
    table = pd.DataFrame(rows, columns=["USUBJID", "ICECD", "AVISITN", "ADY"])
    return table.assign(ICE=table["ICECD"].map({k: r.label for k, r in STUDY.intercurrent_events.items()}))


EVENTS = ice(("A", "STOP", 3.0, 16.0), ("B", "STOP", 2.0, 9.0), ("C", "RESCUE", 4.0, 25.0), ("D", "STOP", 2.0, 9.0))


def bound(which, weeks=(1, 2, 3, 4), outcome="repeated mean", events=EVENTS):
    return bind(records(), lambda f: f[f["AVISITN"].isin(weeks)], events, which, STUDY, group="TRT01P", outcome=outcome)


def values(found, column="CHG"):
    return {(r["USUBJID"], int(r["AVISITN"])): r[column] for r in found.frame.to_dict("records")}


def counted(found):
    return {(r["variable_level"], r["visit"], r["group1_level"]): r["stat"] for r in found.rows}


def test_treatment_policy_changes_nothing():
    found = bound(estimand())
    pd.testing.assert_frame_equal(found.frame, records())
    assert found.rows == []
    assert found.footnotes == (
        "Treatment policy: values after these events are used: Stop of the device; Rescue medication.",
        "Affected no visit analysed: Death.",
    )


def test_hypothetical_sets_values_aside():
    found = bound(estimand(STOP="hypothetical"))
    after = values(found)
    gone = {key for key, value in after.items() if np.isnan(value)}
    assert gone == {("A", 3), ("A", 4), ("B", 2), ("B", 4)} and len(after) == len(records()), (
        "no record is made for a value that is not used"
    )
    assert after["C", 4] == -4.0
    assert counted(found) == {("Stop of the device", v, "NIR"): n for v, n in (("Week 2", 1), ("Week 3", 1), ("Week 4", 2))}
    assert "Stop of the device: values after the event are set aside (4 values of 3 subjects)." in found.footnotes


def test_composite_is_no_change_also_where_nothing_was_observed():
    found = bound(estimand(STOP="composite:no_change", RESCUE="composite:no_change"))
    after, total, kind = values(found), values(found, "AVAL"), values(found, "DTYPE")
    assert {k for k, v in after.items() if v == 0} == {
        ("A", 3), ("A", 4), ("B", 2), ("B", 3), ("B", 4), ("C", 4), ("D", 2), ("D", 3), ("D", 4),
    }  # fmt: skip
    assert total["D", 4] == 20.0 and kind["D", 4] == "COMPOSITE" and after["A", 2] == -2.0 and len(after) == 16
    made = found.frame[(found.frame["USUBJID"] == "D") & (found.frame["AVISITN"] == 4)]
    assert made[["AVISIT", "STR", "BASE", "TRT01P"]].to_numpy().tolist() == [["Week 4", "D", 20.0, "SHAM"]]
    assert found.frame["TRT01P"].cat.categories.tolist() == ["SHAM", "NIR"]


def test_composite_of_a_response_has_no_value():
    """The method counts a subject without a value as a non-responder."""
    found = bound(estimand(STOP="composite"), weeks=(4,), outcome="response")
    assert {k for k, v in values(found, "AVAL").items() if np.isnan(v)} == {("A", 4), ("B", 4)} and ("D", 4) not in values(found)
    assert "Stop of the device: 3 subjects count as non-responders from the event on." in found.footnotes


def test_while_on_treatment_takes_the_last_value_before():
    found = bound(estimand(STOP="while_on_treatment"), weeks=(4,), outcome="mean")
    assert values(found) == {("A", 4): -2.0, ("B", 4): -1.0, ("C", 4): -4.0, ("D", 4): -1.0}, "also for D, who has no record at week 4"
    assert values(found, "DTYPE")["A", 4] == "LAST ON TREATMENT"
    first = bound(estimand(STOP="while_on_treatment"), weeks=(4,), outcome="mean", events=ice(("A", "STOP", 1.0, 1.0)))
    assert np.isnan(values(first)["A", 4]), "no value on treatment"


def test_the_earliest_event_governs():
    """Rescue under treatment policy leaves the later stop in charge; of two on one visit composite goes before hypothetical."""
    events = ice(("A", "RESCUE", 2.0, 9.0), ("A", "STOP", 3.0, 16.0), ("B", "STOP", 2.0, 9.0), ("B", "RESCUE", 2.0, 8.0))
    one = governing(events, estimand(STOP="hypothetical"))
    assert one["AVISITN"].to_dict() == {"A": 3.0, "B": 2.0}
    two = governing(events, estimand(STOP="composite:no_change", RESCUE="hypothetical"))
    assert two["ICECD"].to_dict() == {"A": "RESCUE", "B": "STOP"}


def test_an_event_after_the_last_visit_analysed_is_none():
    found = bound(estimand(RESCUE="hypothetical"), weeks=(1, 2))
    assert not found.frame["CHG"].isna().any() and any(
        n.startswith("Affected no visit analysed: Rescue medication") for n in found.footnotes
    )


@pytest.mark.parametrize("strategy", ["hypothetical", "composite:no_change", "while_on_treatment"])
def test_order_of_records_does_not_matter(strategy):
    shuffled = records().sample(frac=1, random_state=3)
    outcome = "mean" if strategy == "while_on_treatment" else "repeated mean"
    one = bound(estimand(STOP=strategy), weeks=(4,), outcome=outcome)
    other = bind(shuffled, lambda f: f[f["AVISITN"] == 4], EVENTS, estimand(STOP=strategy), STUDY, group="TRT01P", outcome=outcome)
    assert values(one) == pytest.approx(values(other), nan_ok=True)
