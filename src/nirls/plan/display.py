"""Tables, figures and texts of the report (`displays.yaml`)."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from nirls.plan.base import PlanModel


class Display(PlanModel):
    """One display; its key is the display number, such as T14.2.1.1."""

    title: str
    subtitle: str | None = None
    kind: Literal["table", "figure", "answer"]
    layout: str = Field(description="Name of a layout.")
    analyses: dict[str, str] = Field(description="Role in the layout → analysis id.")
    options: dict[str, Any] = Field(default_factory=dict, description="Options of the layout; see the layout's table.")
    footnotes: list[str] = Field(default_factory=list)
    section: str = Field(description="Chapter of the report.")
    separate: bool = Field(False, description="The report links to the display's own page (long listings) instead of showing it.")
    formats: list[Literal["html", "rtf", "svg"]] | None = Field(None, description="Formats, where they differ from config.yaml.")


class Section(PlanModel):
    """A chapter of the report: a question with its answer, or a group of displays."""

    title: str
    question: str | None = Field(None, description="The research question it answers.")
    answer: str | None = Field(None, description="The display of kind 'answer'.")
    displays: list[str] = Field(default_factory=list, description="Displays in order; the first figure stands beside the answer.")
    analyses: list[str] = Field(default_factory=list, description="Analyses whose methods are explained under 'How it was computed'.")


class Displays(PlanModel):
    """`displays.yaml`."""

    displays: dict[str, Display]
    answers: str | None = Field(None, description="The display of layout `answers` with which the report opens.")
    report: list[Section]
