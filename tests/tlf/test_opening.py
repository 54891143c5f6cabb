"""The questions and their answers: the verdict follows the interval, and every outcome has its words."""

import pandas as pd
import pytest
from pydantic import ValidationError

from nirls.tlf.errors import DisplayError
from nirls.tlf.layouts.answers import VERDICTS, Number, Question, verdict
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
        ({"numbers": [NUMBER], "described": "d", "observed": True}, "nothing is decided here"),
        ({"unanswered": "u", "observed": True}, "nothing is decided here"),
    ],
)
def test_a_question_is_complete(given, says):
    with pytest.raises(ValidationError, match=says):
        Question(question="q", chapter="c", sure="s", **given)


@pytest.mark.parametrize(
    ("low", "high", "said"), [(-3, -1, "consistent"), (1, 3, "against"), (-1, 1, "open"), (float("nan"), 1, "not estimable")]
)
def test_what_was_only_observed_is_never_a_plain_yes_or_no(low, high, said):
    assert verdict(question(null=0, observed=True, **WORDS), found(0.0), (found(low), found(high))) == said
    assert VERDICTS[said] not in ("Yes", "No")


def test_observed_within_limits():
    within = question(within=(-1, 1), observed=True, **WORDS)
    assert verdict(within, found(0.0), (found(-0.5), found(0.5))) == "consistent"
    assert verdict(within, found(3.0), (found(2.0), found(4.0))) == "against"


@pytest.mark.parametrize(
    ("number", "says"),
    [
        ({"key": {"varable": "CHG"}}, "there is no key column 'varable'; did you mean 'variable'"),
        ({"key": {"stat_name": "estimate"}}, "there is no key column 'stat_name'"),
        ({"estimate": "estimat"}, "there is no statistic 'estimat'; did you mean 'estimate'"),
        ({"limits": ("conf_low", "conf_hihg")}, "there is no statistic 'conf_hihg'; did you mean 'conf_high'"),
        ({"label": "a; b"}, "pattern"),
    ],
)
def test_a_typo_in_a_number(number, says):
    with pytest.raises(ValidationError, match=says):
        Number(**{**NUMBER, **number})


def opening(world, options, ards):
    document, _ = make_display("T0", display("answers", {"main": "main"}, options=options), ards, {}, world.context)
    return document


def test_the_rows(two):
    arm = two.codes[1]
    options = {"questions": questions(arm, two.codes[0])}
    ards = {"main": two.mmrm()}
    document = opening(two, options, ards)
    assert [(r.kind, r.label) for r in document.rows] == [
        ("section", "Does it work?"), ("data", "Does it help?"), ("data", "How much?"),
        ("section", "Why and how long?"), ("data", "By hope?"), ("data", "For ever?"),
    ]  # fmt: skip
    assert not document.rows[0].cells
    first, second, hope, last = (r for r in document.rows if r.kind == "data")
    assert first.cells[0].text in ("Yes", "No", "Open") and first.cells[1].refs
    assert first.cells[1].text.startswith("IRLS points at week 4: ") and second.cells[0].text == "Described"
    assert hope.cells[0].text == "Consistent with, not shown" and hope.cells[2].text == "It lowers the score."
    assert [c.text for c in last.cells] == ["Not answered", "", "Nobody was followed for ever.", "Not at all.", "", "none"]
    options["questions"][0]["numbers"][0]["role"] = "other"
    with pytest.raises(DisplayError, match="there is no role 'other'"):
        opening(two, options, ards)


def test_the_note_on_what_was_observed_stands_only_where_it_is_needed(two):
    given = questions(two.codes[1], two.codes[0])
    ards = {"main": two.mmrm()}
    told = [any("was not randomized" in n.text for n in opening(two, {"questions": q}, ards).footnotes) for q in (given, given[:2])]
    assert told == [True, False]


def test_an_opening_needs_no_headings(two):
    given = [{k: v for k, v in q.items() if k != "heading"} for q in questions(two.codes[1], two.codes[0])]
    assert {r.kind for r in opening(two, {"questions": given}, {"main": two.mmrm()}).rows} == {"data"}


@pytest.mark.parametrize(
    ("low", "high", "rejected", "said"),
    [(-2, 2, 1, "Yes"), (-2, 2, 0, "Open"), (-3.3, -0.2, 0, "Open"), (-9, -4, 0, "No"), (3.5, 9, 0, "No")],
)
def test_equivalence_is_shown_by_its_own_test(two, low, high, rejected, said):
    """An interval without 0 is no proof of a difference that matters, one with 0 no proof of equivalence."""
    key = {"variable": "equivalence", "variable_level": "x", "visit": "Week 4"}
    base = two.mmrm()
    one = base[base["stat_name"] == "estimate"].head(1).assign(group1="", group1_level="", comparison="", **key)
    values = {"estimate": (low + high) / 2, "conf_low": low, "conf_high": high, "rejected": rejected}
    added = [one.assign(stat_name=name, stat=float(value)) for name, value in values.items()]
    number = {"role": "main", "key": key, "label": "x"}
    decision = {**number, "estimate": "rejected", "limits": None, "label": "equivalence shown"}
    asked = {"question": "q", "chapter": "c", "sure": "s", "numbers": [number], "within": [-3, 3], "decided_by": decision, **WORDS}
    row = opening(two, {"questions": [asked]}, {"main": pd.concat([base, *added], ignore_index=True)}).rows[0]
    assert row.cells[0].text == said and row.cells[1].text.endswith(f"equivalence shown: {'yes' if rejected else 'no'}")


def test_a_number_that_is_not_reached_says_so(two):
    """A tipping point beyond its range is words without limits, and no missing number."""
    base = two.mmrm()
    key = {"variable": "tipping", "visit": "Week 4"}
    one = (
        base[base["stat_name"] == "estimate"].head(1).assign(group1="", group1_level="", comparison="", variable="tipping", visit="Week 4")
    )
    tipped = one.assign(stat_name="delta", stat=float("nan"), stat_text="not reached between 0 and 40")
    number = {"role": "main", "key": key, "label": "δ", "estimate": "delta", "limits": None}
    asked = {"question": "q", "chapter": "c", "sure": "s", "numbers": [number], "described": "So."}
    cells = opening(two, {"questions": [asked]}, {"main": pd.concat([base, tipped], ignore_index=True)}).rows[0].cells
    assert (cells[0].text, cells[1].text, cells[1].marks) == ("Described", "δ: not reached between 0 and 40", ())


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


@pytest.mark.parametrize("rule", [{"described": "So."}, {"null": 0, **WORDS}])
def test_results_that_only_say_why_they_could_not_estimate(two, rule):
    """An analysis that failed has a reason and no limits; the opening says so and does not stop."""
    base = two.mmrm()
    one = base[base["stat_name"] == "estimate"].head(1).assign(group1="", group1_level="", comparison="", variable="dose", visit="Week 4")
    failed = pd.concat([base, one.assign(stat=float("nan"), error="the fluence is not known")], ignore_index=True)
    asked = {"question": "q", "chapter": "c", "sure": "s", **rule}
    asked["numbers"] = [{"role": "main", "key": {"variable": "dose", "visit": "Week 4"}, "label": "x"}]
    cells = opening(two, {"questions": [asked]}, {"main": failed}).rows[0].cells
    assert [c.text for c in cells[:3]] == ["Not estimable", "x: NE", "It could not be estimated: the fluence is not known."]
    # without a reason, limits that are not there are a mistake of the plan
    known = pd.concat([base, one], ignore_index=True)
    with pytest.raises(DisplayError, match="holds no row 'conf_low'"):
        opening(two, {"questions": [asked]}, {"main": known})
