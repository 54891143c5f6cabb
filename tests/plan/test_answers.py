"""The opening of the report is checked with the plan: chapters, roles, analyses, keys, and what may be a plain yes."""

import pytest

from nirls.plan.load import load_plan

from .test_load import ROOT, copy, edit, problems  # noqa: F401

FIRST = "        - heading: Does it work?\n          question: Does near-infrared light beat sham?\n          chapter: Primary result\n"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (FIRST, FIRST.replace("Primary result", "Primary reslt"), "there is no chapter 'Primary reslt'; did you mean 'Primary result'?"),
        ("      sham: primary_mmrm\n", "      sham: primary_mmmr\n", "there is no analysis 'primary_mmmr'; did you mean 'primary_mmrm'?"),
        ("            - role: sham\n", "            - role: sahm\n", "questions.0.numbers: there is no role 'sahm'; did you mean 'sham'?"),
        ("            role: claim\n", "            role: clam\n", "decided_by: there is no role 'clam'; did you mean 'claim'?"),
        ("          null_from:\n            role: active\n", "          null_from:\n            role: actve\n",
         "null_from: there is no role 'actve'; did you mean 'active'?"),
        ("              key: {variable: CHG, visit: Week 4, group1_level: NIR850-54, comparison: NIR850-54 - SHAM}\n",
         "              key: {varible: CHG, visit: Week 4, group1_level: NIR850-54, comparison: NIR850-54 - SHAM}\n",
         "there is no key column 'varible'; did you mean 'variable'?"),
        ("              estimate: probability\n", "              estimate: probabilty\n",
         "there is no statistic 'probabilty'; did you mean 'probability'?"),
        ("answers: T0\n", "answers: T00\n", "there is no display 'T00'; did you mean 'T0'?"),
        ("answers: T0\n", "answers: A1\n", "'A1' has the layout 'answer'; the report opens with one of layout 'answers'"),
    ],
)  # fmt: skip
def test_a_typo_is_a_clear_error(copy, old, new, says):  # noqa: F811
    edit(copy, "displays.yaml", (old, new))
    text = problems(copy)
    assert "displays.yaml: line " in text and says in text


def test_an_unanswered_question_needs_no_chapter(copy):  # noqa: F811
    edit(
        copy,
        "displays.yaml",
        ("          chapter: No chapter\n          unanswered:", "          chapter: None at all\n          unanswered:"),
    )
    assert load_plan("nir-rls", root=copy).displays.answers == "T0"


def test_no_plain_yes_from_what_was_not_randomized(copy):  # noqa: F811
    """The caveat of an analysis for comparison only cannot be left out of the verdict."""
    edit(copy, "displays.yaml", ("          observed: true\n", ""), ("          observed: true\n", ""))
    text = problems(copy)
    assert text.count("a plain yes or no cannot come from an analysis for comparison only") == 2
    assert "the mediators are not randomized" in text and "the clock time of sessions was not randomized" in text


def test_the_questions_of_the_demonstration_trial():
    """Every one has a chapter that exists or says why there is none, and stands under a heading."""
    plan = load_plan("nir-rls", root=ROOT)
    questions = plan.displays.displays["T0"].options["questions"]
    chapters = {section.title for section in plan.displays.report}
    assert "heading" in questions[0] and len({q["question"] for q in questions}) == len(questions)
    assert all((q["chapter"] in chapters) == ("numbers" in q) for q in questions)
    assert all(
        len(text) < 260 for q in questions for key in ("yes", "no", "open", "sure", "unanswered") if (text := q.get(key)) is not None
    )
