"""The table of responders: what stands in which cell, from results that the method made."""

import pytest

from nirls.ard.frame import to_frame
from nirls.methods.responder import ResponderOptions, responder
from nirls.tlf.errors import DisplayError
from nirls.tlf.make import make_display
from tests.methods.responder_trial import CGI, counts, make
from tests.tlf.display_trial import NINE, TWO, context_of, display


def table(values, given=None, arms=TWO, **options):
    data = make(values, arms=[a.code for a in arms])
    result = responder(data, ResponderOptions(**({"thresholds": ["half", "ten"]} | options)))
    ard = to_frame(result.rows, analysis_id="resp", method="responder", dataset="ADQS", analysis_set="FAS")
    entry = display("responders", {"main": "resp"}, options=given or {})
    return make_display("T14.2.1.3", entry, {"main": ard}, {}, context_of(arms), ["html", "rtf"])[0]


def cells(document, arm, section):
    at = None
    for row in document.rows:
        if row.kind == "section":
            at = row.label
        elif row.label == arm and at == section:
            return [c.text for c in row.cells]
    raise AssertionError(f"no row {arm!r} under {section!r}")


TRIAL = {"SHAM": counts(48, 80, missing=3), "NIR": counts(56, 70)}


def test_the_published_table():
    document = table(TRIAL, {"emphasis": ["half"]})
    assert [c.label for c in document.columns] == [
        "n/N (%)", "Not observed", "Risk difference, % points (95% CI)", "p", "Number needed to treat (95% CI)", "Odds ratio (95% CI)",
    ]  # fmt: skip
    assert cells(document, "Sham device", "At least 50 %") == ["48/80 (60.0)", "3", "Reference", "", "", ""]
    assert cells(document, "NIR 850 nm, 54 J/cm²", "At least 50 %") == [
        "56/70 (80.0)", "0", "20.0 (5.3, 33.8)", "0.0083", "NNTB 5.0 (3.0 to 19)", "2.67 (1.28, 5.57)",
    ]  # fmt: skip
    notes = " ".join(f.text for f in document.footnotes)
    assert "subjects of the set without a value are non-responders" in notes
    assert "Miettinen–Nurminen" in notes
    assert "At least 50 % (IRLSTOT at least 50% below baseline)" in notes
    assert [r.emphasis for r in document.rows] == [True] * 3 + [False] * 3


def test_an_interval_through_infinity_and_what_is_not_estimable():
    document = table({"SHAM": counts(0, 40), "NIR": counts(0, 40)}, thresholds=["half"])
    row = cells(document, "NIR 850 nm, 54 J/cm²", "At least 50 %")
    assert row == ["0/40", "0", "0.0 (−8.9, 8.9)", ">0.9999", "NNTB ∞ (NNTB 11 to ∞ to NNTH 11)", "NE"]
    assert any(f.mark == "a" and "nobody or everybody" in f.text.lower() for f in document.footnotes)


def test_harm_is_called_harm():
    document = table({"SHAM": counts(56, 70), "NIR": counts(48, 80)}, thresholds=["half"])
    assert cells(document, "NIR 850 nm, 54 J/cm²", "At least 50 %")[4] == "NNTH 5.0 (3.0 to 19)"


def test_nine_arms_have_short_names_and_an_empty_arm_has_a_reason():
    values = {a.code: counts(10 + i, 40) for i, a in enumerate(NINE)} | {"NIR660-18": [None] * 4}
    document = table(values, {"definitions": ["ten"], "measures": ["odds ratio", "CMH test"]}, arms=NINE, missing="observed")
    assert [r.label for r in document.rows] == ["At most 10", *(a.short for a in NINE)]
    assert [c.label for c in document.columns] == ["n/N (%)", "Not observed", "Odds ratio (95% CI)", "CMH p"]
    assert cells(document, "660 nm 18 J/cm²", "At most 10") == ["0/0 (NE)", "4", "NE", "NE"]
    notes = " ".join(f.text for f in document.footnotes)
    assert "Cochran–Mantel–Haenszel" in notes and "Miettinen" not in notes and "NNTB" not in notes, "what is shown is explained"
    assert document.rows[-1].marks, "the open-label arm is marked"
    assert document.population == "Shows 320 of 324 subjects of the full analysis set; 4 not shown: no value (4)."


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"definitions": ["third"]}, "options.definitions: third not among"),
        ({"emphasis": ["third"]}, "options.emphasis: third not among"),
        ({"measures": ["logistic odds ratio"]}, "has no logistic odds ratio"),
        ({"reference": "NIL"}, "options.reference"),
        ({"visits": ["Week 9"]}, "options.visits"),
    ],
)
def test_options_that_cannot_be(options, message):
    with pytest.raises(DisplayError, match=message):
        table(TRIAL, options)


def test_two_parameters_in_one_table():
    import dataclasses

    import pandas as pd

    one, two = make(TRIAL), make({"SHAM": [(0, 2.0)] * 10, "NIR": [(0, 3.0)] * 10}, param="CGII")
    data = dataclasses.replace(one, frame=pd.concat([one.frame, two.frame], ignore_index=True))
    rows = responder(data, ResponderOptions(thresholds=["half"], definitions={"cgi12": CGI})).rows
    ard = to_frame(rows, analysis_id="resp", method="responder", dataset="ADQS", analysis_set="FAS")
    document, _ = make_display("T1", display("responders", {"main": "resp"}), {"main": ard}, {}, context_of(TWO), ["html"])
    assert cells(document, "Sham device", "CGI-I 1 or 2")[0] == "10/80 (12.5)"
