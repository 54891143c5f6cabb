"""The page as data: sections in the plan's order, questions with their answer first, then data quality and provenance."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from nirls.report.errors import ReportError
from nirls.report.methods import Explained, explain
from nirls.report.origin import OriginView, origin_view
from nirls.report.quality import QualityView, quality_view
from nirls.report.svg import inline_svg
from nirls.tlf.context import DUMMY, SYNTHETIC
from nirls.tlf.document import AnswerDocument, Document, FigureDocument, Footnote, Row, TableDocument, stem
from nirls.tlf.layouts.answers import VERDICTS as ANSWER_VERDICTS

if TYPE_CHECKING:
    from nirls.plan.display import Section
    from nirls.plan.load import Plan
    from nirls.report.material import Material

VERDICTS = {
    "favours": "Favours the treatment asked about",
    "against": "Speaks against the treatment asked about",
    "inconclusive": "Inconclusive",
    "not estimable": "Not estimable",
}
QUALITY, PROVENANCE = "data-quality", "provenance"
ANSWER_COLUMNS = ("answer", "estimate", "meaning", "sure", "estimand", "chapter")
"""Columns of the layout `answers`."""
KINDS = {text: kind.replace(" ", "-") for kind, text in ANSWER_VERDICTS.items()}
"""What the first column of the layout says → class of the row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DisplayView:
    """One table or figure, rendered; `seen` when it already stands further up and is only pointed to."""

    anchor: str
    number: str
    title: str
    kind: str
    markup: Markup
    seen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionView:
    """A chapter: a question with its answer, or a group of displays; `lead` when the first display is the answer's own figure."""

    anchor: str
    title: str
    question: str
    answer: AnswerDocument | None
    answer_anchor: str
    verdict: str
    displays: tuple[DisplayView, ...]
    lead: bool
    methods: tuple[Explained, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRow:
    """One research question on the first page; `numbers` are labels with what follows them, `chapter` is the anchor of its chapter."""

    question: str
    verdict: str
    kind: str
    numbers: tuple[tuple[str, str], ...]
    marks: tuple[str, ...]
    meaning: str
    sure: str
    estimand: str
    chapter: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerGroup:
    """Questions under one heading; the heading is empty where there is none."""

    heading: str
    rows: tuple[AnswerRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswersView:
    """The questions and their answers, with which the report opens."""

    anchor: str
    number: str
    title: str
    groups: tuple[AnswerGroup, ...]
    footnotes: tuple[Footnote, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageView:
    """Everything the template prints."""

    title: str
    study: str
    condition: str
    cut: str
    stamps: tuple[str, ...]
    answers: AnswersView | None
    sections: tuple[SectionView, ...]
    quality: QualityView
    origin: OriginView


def page_view(plan: Plan, material: Material) -> PageView:
    """Assemble the page; every display of the plan stands in it exactly once."""
    study = plan.study
    seen: set[str] = set()
    told: set[str] = set()
    taken = {QUALITY, PROVENANCE, *(stem(key) for key in material.documents)}
    if plan.displays.answers is not None:
        seen.add(plan.displays.answers)
    sections = [_section(plan, material, section, seen, told, taken) for section in plan.displays.report]
    rest = [key for key in material.documents if key not in seen]
    if rest:
        others = [_display(plan, material, key, seen) for key in rest]
        anchor = _anchor("Other displays", taken)
        sections.append(
            SectionView(
                anchor=anchor,
                title="Other displays",
                question="",
                answer=None,
                answer_anchor="",
                verdict="",
                displays=tuple(others),
                lead=False,
                methods=(),
            )
        )
    return PageView(
        title=study.title,
        study=study.id,
        condition=study.condition,
        cut=study.dates.cut,
        stamps=((SYNTHETIC,) if study.synthetic else ()) + ((DUMMY,) if study.blinding == "blinded" else ()),
        answers=_answers(plan, material, sections),
        sections=tuple(sections),
        quality=quality_view(plan, material),
        origin=origin_view(plan, material),
    )


def _answers(plan: Plan, material: Material, sections: list[SectionView]) -> AnswersView | None:
    """The rows of the display that opens the report, each with the anchor of its chapter and the name of its estimand."""
    if plan.displays.answers is None:
        return None
    document = material.documents[plan.displays.answers]
    if not isinstance(document, TableDocument) or [c.id for c in document.columns] != list(ANSWER_COLUMNS):
        raise ReportError(f"displays.yaml: answers: {document.id} is not a display of layout 'answers'")
    anchors = {section.title: section.anchor for section in sections}
    groups: list[tuple[str, list[AnswerRow]]] = []
    for row in document.rows:
        if row.kind == "section" or not groups:
            groups.append((row.label if row.kind == "section" else "", []))
        if row.kind != "section":
            groups[-1][1].append(_answer_row(plan, row, anchors))
    return AnswersView(
        anchor=stem(document.id),
        number=document.number,
        title=document.title,
        groups=tuple(AnswerGroup(heading=heading, rows=tuple(rows)) for heading, rows in groups),
        footnotes=document.footnotes,
    )


def _answer_row(plan: Plan, row: Row, anchors: dict[str, str]) -> AnswerRow:
    cells = dict(zip(ANSWER_COLUMNS, row.cells, strict=True))
    names = [name for name in cells["estimand"].text.split(", ") if name in plan.estimands]
    title = cells["chapter"].text
    return AnswerRow(
        question=row.label,
        verdict=cells["answer"].text,
        kind=KINDS[cells["answer"].text],
        numbers=tuple((label, value) for label, _, value in (t.rpartition(": ") for t in cells["estimate"].text.split("; ") if t)),
        marks=cells["estimate"].marks,
        meaning=cells["meaning"].text,
        sure=cells["sure"].text,
        estimand="; ".join(f"{name}: {plan.estimands[name].label}" for name in names),
        chapter=anchors.get(title, ""),
        title=title,
    )


def _section(plan: Plan, material: Material, section: Section, seen: set[str], told: set[str], taken: set[str]) -> SectionView:
    answer = material.documents[section.answer] if section.answer else None
    if answer is not None and not isinstance(answer, AnswerDocument):
        raise ReportError(f"displays.yaml: the section {section.title!r} names {answer.id} as its answer, but that is a {answer.kind}")
    if answer is not None:
        seen.add(answer.id)
    displays = [_display(plan, material, key, seen) for key in section.displays if key != section.answer]
    lead = None
    if answer is not None:  # the first figure of the same analysis stands beside the answer
        own = {stem(k) for k in section.displays if set(material.documents[k].analyses.values()) & set(answer.analyses.values())}
        lead = next((d for d in displays if d.kind == "figure" and not d.seen and d.anchor in own), None)
        displays = displays if lead is None else [lead, *(d for d in displays if d is not lead)]
    analyses = section.analyses or (list(answer.analyses.values()) if answer is not None else [])
    return SectionView(
        anchor=_anchor(section.title, taken),
        title=section.title,
        question=section.question or (answer.question if answer is not None else ""),
        answer=answer,
        answer_anchor=stem(answer.id) if answer is not None else "",
        verdict=VERDICTS[answer.verdict] if answer is not None else "",
        displays=tuple(displays),
        lead=lead is not None,
        methods=explain(plan, material, analyses, told),
    )


def _display(plan: Plan, material: Material, key: str, seen: set[str]) -> DisplayView:
    document = material.documents[key]
    again = key in seen
    entry = plan.displays.displays[key]
    seen.add(key)
    return DisplayView(
        anchor=stem(key),
        number=document.number,
        title=document.title,
        kind=document.kind,
        markup=Markup("") if again else _pointer(document) if entry.separate else _markup(material, document),
        seen=again,
    )


def _pointer(document: Document) -> Markup:
    """Where a display stands that is too long for this page."""
    file = f"{stem(document.id)}.html"
    return Markup('<p class="pointer" id="{}"><a href="../tlf/{}">{}: {}</a> has a page of its own (tlf/{}). {}</p>').format(
        stem(document.id), file, document.number, document.title, file, document.population
    )


def _markup(material: Material, document: Document) -> Markup:
    from nirls.tlf.render.html import fragment

    if isinstance(document, FigureDocument):
        svg = inline_svg(material.drawings[document.id], name=stem(document.id), label=document.alt)
        return Markup(fragment(document, svg.encode()))
    return Markup(fragment(document))


def _anchor(title: str, taken: set[str]) -> str:
    """An id from a title, unique in the page."""
    base = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "section"
    anchor, n = base, 1
    while anchor in taken:
        n += 1
        anchor = f"{base}-{n}"
    taken.add(anchor)
    return anchor
