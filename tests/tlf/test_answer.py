"""Answers in words: direction, evidence, limits."""

import pytest

from nirls.tlf.errors import DisplayError
from nirls.tlf.make import make_display
from tests.tlf.display_trial import display, plans


def answered(world, est, low, high, p, direction="lower_better", error="", **options):
    import dataclasses

    frame = world.mmrm()
    row = (frame["comparison"] == "NIR - SHAM") & (frame["visit"] == "Week 12")
    for name, value in {"estimate": est, "conf_low": low, "conf_high": high, "p_value": p}.items():
        frame.loc[row & (frame["stat_name"] == name), "stat"] = value
        if error:
            frame.loc[row & (frame["stat_name"] == name), "error"] = error
    entry = display("answer", {"main": "irls-mmrm"}, "answer", options={"question": "Q?", "arm": "NIR", "visit": "Week 12"} | options)
    param = dataclasses.replace(world.context.params["IRLSTOT"], direction=direction)
    context = dataclasses.replace(world.context, params={"IRLSTOT": param})
    return make_display("A1", entry, {"main": frame}, {}, context, ["html"])[0]


@pytest.mark.parametrize(
    ("est", "low", "high", "direction", "verdict", "words"),
    [
        (
            -4.3,
            -6.5,
            -2.1,
            "lower_better",
            "favours",
            "was 4.30 points lower with NIR 850 nm, 54 J/cm² than with sham device, which is better",
        ),
        (
            4.3,
            2.1,
            6.5,
            "lower_better",
            "against",
            "was 4.30 points higher with NIR 850 nm, 54 J/cm² than with sham device, which is worse",
        ),
        (4.3, 2.1, 6.5, "higher_better", "favours", "higher with NIR 850 nm, 54 J/cm² than with sham device, which is better"),
        (-4.3, -6.5, -2.1, "higher_better", "against", "which is worse"),
        (-1.2, -3.4, 1.0, "lower_better", "inconclusive", "no difference between NIR 850 nm, 54 J/cm² and sham device in the mean change"),
    ],
)
def test_direction(two, est, low, high, direction, verdict, words):
    document = answered(two, est, low, high, 0.03, direction)
    assert document.verdict == verdict
    assert words in document.answer
    assert document.answer.startswith("At week 12, ")


def test_the_sentence_holds_estimate_interval_and_p(two):
    document = answered(two, -4.305, -6.5, -2.1, 0.00003)
    assert document.answer == (
        "At week 12, the mean change in IRLS total score was 4.31 points lower with NIR 850 nm, 54 J/cm² than with sham device, "
        "which is better (difference −4.31, 95% CI −6.50 to −2.10; p < 0.0001)."
    )
    assert [(f.label, f.text) for f in document.facts] == [
        ("Difference from Sham", "−4.31"),
        ("95% CI", "−6.50 to −2.10"),
        ("p", "<0.0001"),
    ]


def test_not_estimable(two):
    nan = float("nan")
    document = answered(two, nan, nan, nan, nan, error="the model could not be fitted")
    assert document.verdict == "not estimable"
    assert document.answer.endswith("could not be estimated: the model could not be fitted.")
    assert document.facts[0].text == "NE" and document.facts[0].marks
    assert any("the model could not be fitted" in f.text.lower() for f in document.footnotes)


def test_others_limits_and_blinding(nine):
    entry, ards, _ = plans(nine)["A1"]
    options = entry.options | {"others": ["NIR850-18", "NIR660-54"], "arm": "ACTIVE"}
    document, rendered = make_display("A1", entry.model_copy(update={"options": options}), ards, {}, nine.context)
    assert [f.label for f in document.comparisons] == ["NIR 850 nm, 18 J/cm² (30 mW/cm²)", "NIR 660 nm, 54 J/cm² (30 mW/cm²)"]
    assert document.limits == ("It is one trial.",)
    assert any("the comparison is not blinded" in f.text for f in document.footnotes)
    html = rendered["html"].decode()
    assert "What this does not show" in html and "It is one trial." in html


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"arm": "X"}, "'X' is not an arm"),
        ({"visit": "Week 5"}, "options.visits: Week 5"),
        ({"arm": "SHAM"}, "no comparison 'SHAM - SHAM'"),
    ],
)
def test_wrong_questions(two, option, message):
    with pytest.raises(DisplayError, match=message):
        answered(two, -1, -2, 0, 0.5, **option)
