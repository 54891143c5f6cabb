"""The questions and their answers: the verdict follows the interval, and every outcome has its words."""

import pandas as pd
import pytest
from pydantic import ValidationError

from nirls.tlf.errors import DisplayError
from nirls.tlf.layouts.answers import Question, verdict
from nirls.tlf.lookup import Found
from nirls.tlf.make import make_display
from tests.tlf.display_trial import display
from tests.tlf.opening_results import questions

WORDS = {"yes": "y", "no": "n", "open": "o"}
NUMBER = {"role": "main", "key": {"variable": "CHG"}, "label": "x"}


def found(value, error=""):
    return Found(stat_name="estimate", value=value, text="", warning="", error=error, key={})


def question(**more):
    return Question(question="q", chapter="c", sure="s", numbers=[NUMBER], **more)


@pytest.mark.parametrize(
    ("rule", "low", "high", "said"),
    [
        ({"null": 0}, -3, -1, "yes"), ({"null": 0}, 1, 3, "no"), ({"null": 0}, -1, 1, "open"), ({"null": 0}, -1, 0, "open"),
        ({"null": 0, "good": "above"}, 1, 3, "yes"), ({"null": 1, "good": "below"}, 0.5, 0.9, "yes"),
        ({"within": (-0.4, 0.4)}, -0.2, 0.3, "yes"), ({"within": (-0.4, 0.4)}, -0.2, 0.5, "open"),
        ({"within": (-0.4, 0.4)}, 0.5, 0.9, "no"), ({"within": (-0.4, 0.4)}, -0.4, 0.1, "open"),
    ],
)  # fmt: skip
def test_the_interval_decides(rule, low, high, said):
    assert verdict(question(**rule, **WORDS), found((low + high) / 2), (found(low), found(high))) == said


def test_what_is_not_estimated_is_not_decided():
    nan = float("nan")
    assert verdict(question(null=0, **WORDS), found(nan, "no event"), (found(nan), found(nan))) == "not estimable"
    assert verdict(question(null=0, **WORDS), found(1.0), None) == "not estimable"
    assert verdict(question(described="d"), found(1.0), None) == "described"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"numbers": [NUMBER], "null": 0, "yes": "y", "no": "n"}, "before the result is known"),
        ({"numbers": [NUMBER]}, "how the numbers answer"),
        ({"numbers": [NUMBER], "null": 0, "described": "d", **WORDS}, "how the numbers answer"),
        ({}, "give `numbers`"),
        ({"numbers": [NUMBER], "described": "d", "unanswered": "u"}, "not both"),
    ],
)
def test_a_question_is_complete(given, says):
    with pytest.raises(ValidationError, match=says):
        Question(question="q", chapter="c", sure="s", **given)


def test_the_rows(two):
    arm = two.codes[1]
    options = {"questions": questions(arm, two.codes[0])}
    ards = {"main": two.mmrm()}
    document, _ = make_display("T0", display("answers", {"main": "main"}, options=options), ards, {}, two.context)
    first, second, third = document.rows
    assert first.label == "Does it help?" and first.cells[0].text in ("Yes", "No", "Open") and first.cells[1].refs
    assert first.cells[1].text.startswith("IRLS points at week 4: ") and second.cells[0].text == "Described"
    assert [c.text for c in third.cells] == ["Not answered", "", "Nobody was followed for ever.", "Not at all.", "", "none"]
    options["questions"][0]["numbers"][0]["role"] = "other"
    with pytest.raises(DisplayError, match="there is no role 'other'"):
        make_display("T0", display("answers", {"main": "main"}, options=options), ards, {}, two.context)


def test_a_number_in_words_and_a_planned_decision(two):
    """'> 90' is an answer, not a missing number; a claim that was not made turns yes into open."""
    base = two.mmrm()
    arm, reference = two.codes[1], two.codes[0]
    key = {"variable": "CHG", "visit": "Week 4", "group1_level": arm, "comparison": f"{arm} - {reference}"}
    number = {"role": "main", "key": key, "label": "x"}
    rows = base.assign(stat=base["stat"])
    mine = (rows["comparison"] == key["comparison"]) & (rows["visit"] == "Week 4") & rows["stat_name"].isin(["estimate", "conf_high"])
    worded = rows.assign(stat=rows["stat"].mask(mine), stat_text=rows["stat_text"].mask(mine, "> 90"))
    described = {"question": "q", "chapter": "c", "sure": "s", "numbers": [number], "described": "So."}
    document, _ = make_display(
        "T0", display("answers", {"main": "main"}, options={"questions": [described]}), {"main": worded}, {}, two.context
    )
    cells = [c.text for c in document.rows[0].cells]
    assert cells[0] == "Described" and cells[1].startswith("x: > 90 (") and cells[1].endswith(", > 90)") and cells[2] == "So."
    yes = {**described, "described": None, "null": 1000, **WORDS}
    for decision, said in ((1.0, "Yes"), (0.0, "Open")):
        claim = rows[mine & (rows["stat_name"] == "estimate")].assign(variable="claim", stat_name="rejected", stat=decision)
        ards = {"main": pd.concat([rows, claim], ignore_index=True)}
        decided = {"role": "main", "key": {**key, "variable": "claim"}, "label": "claim", "estimate": "rejected", "limits": None}
        options = {"questions": [{**yes, "decided_by": decided}]}
        document, _ = make_display("T0", display("answers", {"main": "main"}, options=options), ards, {}, two.context)
        assert document.rows[0].cells[0].text == said
