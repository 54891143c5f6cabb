"""The display document: what a display says, before it takes a format.

A document is plain data: it goes to JSON and back without loss, the same document always gives the same bytes,
and every renderer takes it. Every cell that shows a number names the rows of results data behind it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Annotated, Literal

Align = Literal["left", "center", "right"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref:
    """The rows of results data behind a number.

    Attributes
    ----------
    key : dict of str to str
        The non-empty key columns of the row, without ``stat_name``.
    stats : tuple of str
        The ``stat_name`` of every row used.
    """

    key: dict[str, str]
    stats: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell: its text, the marks of its footnotes and the rows behind it."""

    text: str = ""
    marks: tuple[str, ...] = ()
    refs: tuple[Ref, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    id : str
        An arm code, "Total" or the name of a statistic.
    label : str
        Column head, without the number of subjects.
    n : int or None
        Number of subjects, printed as "(N=52)" under the label.
    arm : str or None
        The arm code when the column is an arm.
    """

    id: str
    label: str
    n: int | None = None
    arm: str | None = None
    align: Align = "right"
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Spanner:
    """A head over columns `first` to `last` (0-based, inclusive)."""

    label: str
    first: int
    last: int
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row; a section row has a label and usually no cells."""

    label: str
    cells: tuple[Cell, ...] = ()
    indent: int = 0
    kind: Literal["data", "section"] = "data"
    emphasis: bool = False
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Footnote:
    """A note under a display; a note without a mark holds for the whole display."""

    text: str
    mark: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A named number or text of an answer."""

    label: str
    text: str
    marks: tuple[str, ...] = ()
    refs: tuple[Ref, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What every document begins and ends with.

    Attributes
    ----------
    id : str
        Display number of the plan, such as T14.2.1.1.
    number : str
        As printed: "Table 14.2.1.1".
    population : str
        How many subjects of which set are shown, and why others are not.
    stamps : tuple of str
        Warnings printed on every display, such as "SYNTHETIC DATA — not evidence".
    source : str
        Data cut and hashes of input and plan.
    analyses : dict of str to str
        Role in the layout → analysis id.
    """

    id: str
    number: str
    title: str
    subtitle: str | None = None
    population: str = ""
    footnotes: tuple[Footnote, ...] = ()
    stamps: tuple[str, ...] = ()
    source: str = ""
    analyses: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableDocument(Head):
    """A table."""

    stub: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    spanners: tuple[Spanner, ...] = ()
    kind: Literal["table"] = "table"


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureDocument(Head):
    """A figure.

    Attributes
    ----------
    svg : str
        File name of the drawing, beside the document.
    alt : str
        One or two sentences in place of the drawing.
    description : tuple of str
        The drawing in words, line by line, where it carries numbers that stand nowhere else.
    width, height : float
        Size of the drawing in CSS pixels at which its smallest text has its intended size.
    refs : tuple of Ref
        The rows of results data that are drawn.
    """

    svg: str
    alt: str
    description: tuple[str, ...] = ()
    width: float
    height: float
    refs: tuple[Ref, ...] = ()
    kind: Literal["figure"] = "figure"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerDocument(Head):
    """The answer to a research question.

    Attributes
    ----------
    answer : str
        One sentence with estimate, interval and p-value.
    verdict : str
        "favours", "against", "inconclusive" or "not estimable": the direction for the treatment asked about.
    facts : tuple of Fact
        The numbers of the answer.
    comparisons : tuple of Fact
        Other comparisons of the same model, one text each.
    methods : tuple of Fact
        How it was estimated.
    limits : tuple of str
        What the answer does not show.
    """

    question: str
    answer: str
    verdict: Literal["favours", "against", "inconclusive", "not estimable"]
    facts: tuple[Fact, ...] = ()
    comparisons: tuple[Fact, ...] = ()
    methods: tuple[Fact, ...] = ()
    limits: tuple[str, ...] = ()
    kind: Literal["answer"] = "answer"


Document = TableDocument | FigureDocument | AnswerDocument


def stem(display_id: str) -> str:
    """File stem of a display: "T14.2.1.1" gives "t14-2-1-1"."""
    return display_id.lower().replace(".", "-")


def to_json(document: Document) -> str:
    """The document as JSON; the same document always gives the same text."""
    return json.dumps(asdict(document), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


@cache
def _adapter():
    from pydantic import Field, TypeAdapter

    return TypeAdapter(Annotated[Document, Field(discriminator="kind")])


def from_json(text: str | bytes) -> Document:
    """The document a JSON text holds; unknown or missing fields are errors."""
    return _adapter().validate_json(text)
