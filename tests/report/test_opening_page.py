"""The opening of the page: every question with its verdict, numbers, estimand and a link to its chapter."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from nirls.plan.base import validate
from nirls.plan.display import Display
from nirls.report.errors import ReportError
from nirls.report.material import read_material
from nirls.report.page import ANSWER_COLUMNS, page_view
from nirls.tlf.document import Cell, Column, Footnote, Row, TableDocument, to_json

from .test_report_build import Outline

COLUMNS = tuple(Column(id=name, label=name, align="left") for name in ANSWER_COLUMNS)


def row(question, *texts, marks=()):
    cells = [Cell(text=t) for t in texts]
    cells[1] = Cell(text=texts[1], marks=marks)
    return Row(label=question, cells=tuple(cells))


ROWS = (
    Row(label="Does it work?", kind="section"),
    row("Does light beat sham?", "Yes", "IRLS points: −3.12 (−5.40, −0.84); margin: 1.11", "Milder.", "Planned.", "E1", "Primary result",
        marks=("a",)),
    row("How many took part?", "Described", "people: 102", "So many.", "Counted.", "none", "Participants"),
    Row(label="Why?", kind="section"),
    row("By oxygen?", "Consistent with, not shown", "points: −1.28 (−2.09, −0.61)", "As if.", "Observed.", "E1, E9", "Primary result"),
    row("For ever?", "Not answered", "", "Nobody was followed.", "Not at all.", "", "No chapter"),
)  # fmt: skip


def opened(make, rows=ROWS, columns=COLUMNS):
    """A trial whose report opens with these rows."""
    trial = make()
    document = TableDocument(
        id="T0", number="Table 0", title="Questions and answers", stub="Question", columns=columns, rows=rows,
        footnotes=(Footnote(text="A note.", mark="a"),),
    )  # fmt: skip
    path = Path(trial.inputs.displays[0]).with_name("t0.json")
    path.write_text(to_json(document), encoding="utf-8")
    trial.inputs.displays.insert(0, str(path))
    entry = {"title": "Questions", "kind": "table", "layout": "answers", "analyses": {"main": "primary"}, "section": "s"}
    displays = trial.plan.displays
    shown = {"T0": validate(Display, entry), **displays.displays}
    # plans are frozen: a copy with the opening takes the place of the one without
    trial.plan = replace(trial.plan, displays=displays.model_copy(update={"displays": shown, "answers": "T0"}))
    return trial


def view(trial):
    return page_view(trial.plan, read_material(trial.plan, trial.inputs))


def test_rows_stand_under_their_headings(make):
    answers = view(opened(make)).answers
    assert [(g.heading, [r.question for r in g.rows]) for g in answers.groups] == [
        ("Does it work?", ["Does light beat sham?", "How many took part?"]), ("Why?", ["By oxygen?", "For ever?"]),
    ]  # fmt: skip
    rows = [r for g in answers.groups for r in g.rows]
    assert [r.kind for r in rows] == ["yes", "described", "consistent", "not-answered"]
    assert rows[0].numbers == (("IRLS points", "−3.12 (−5.40, −0.84)"), ("margin", "1.11")) and rows[0].marks == ("a",)
    assert rows[3].numbers == ()


def test_rows_without_a_heading(make):
    answers = view(opened(make, rows=(ROWS[1], ROWS[2]))).answers
    assert [(g.heading, len(g.rows)) for g in answers.groups] == [("", 2)]


def test_anchors_are_those_of_the_chapters(make):
    page = view(opened(make))
    rows = [r for g in page.answers.groups for r in g.rows]
    anchors = {section.title: section.anchor for section in page.sections}
    assert [r.chapter for r in rows] == [anchors["Primary result"], anchors["Participants"], anchors["Primary result"], ""]
    assert rows[3].title == "No chapter"


def test_estimands_are_named_and_unknown_ones_are_not(make):
    rows = [r for g in view(opened(make)).answers.groups for r in g.rows]
    assert [r.estimand for r in rows] == ["E1: Treatment policy", "", "E1: Treatment policy", ""]


def test_the_page(make):
    text = opened(make).build()
    page = Outline(text)
    assert {link[1:] for link in page.links} <= set(page.ids) and len(page.ids) == len(set(page.ids))
    body = text[text.index("<main") :]
    assert body.index('id="t0"') < body.index('id="primary-result"') and body.count('id="t0"') == 1
    assert [(level, t) for level, t in page.headings if t in ("Why?", "By oxygen?")] == [(3, "Why?"), (4, "By oxygen?")]
    oxygen = re.search(r'<li class="consistent">(.*?)</li>', body, re.S)
    assert oxygen and "<strong>Consistent with, not shown</strong>" in oxygen[1] and ">Yes<" not in oxygen[1]
    assert "margin: <b>1.11</b><sup>a</sup>" in body and "No chapter" in body and "None" not in oxygen[1]


def test_another_display_cannot_open_the_page(make):
    trial = opened(make, columns=COLUMNS[1:], rows=())
    with pytest.raises(ReportError, match="T0 is not a display of layout 'answers'"):
        view(trial)
