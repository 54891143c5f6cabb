"""All research questions with their answers, one row each."""

from __future__ import annotations

import difflib
from typing import Literal

from pydantic import Field, field_validator, model_validator

from nirls.ard.schema import STATS
from nirls.plan.base import PlanModel
from nirls.tlf.document import Cell, Column, Row, TableDocument
from nirls.tlf.errors import DisplayError
from nirls.tlf.formats import number
from nirls.tlf.layouts._common import cell, head
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.lookup import Ard, Found
from nirls.tlf.notes import Notes

Verdict = Literal["yes", "no", "open", "consistent", "against", "described", "not estimable", "not answered"]
VERDICTS: dict[str, str] = {
    "yes": "Yes",
    "no": "No",
    "open": "Open",
    "consistent": "Consistent with, not shown",
    "against": "Speaks against, not shown",
    "described": "Described",
    "not estimable": "Not estimable",
    "not answered": "Not answered",
}
"""Verdict → what the first column says."""
WEAKER: tuple[Verdict, Verdict] = ("consistent", "against")
"""What becomes of yes and no where what is compared was not randomized."""


class Number(PlanModel):
    """A number of the results that answers, with its interval."""

    role: str = Field(description="Role of the analysis.")
    key: dict[str, str] = Field(description="Key columns of its rows: variable, variable_level, group1_level, comparison, visit …")
    label: str = Field(description="What it is, with its unit: 'IRLS points, 850 nm 54 J − sham, week 4'.", pattern="^[^;]+$")
    estimate: str = Field("estimate", description="stat_name of the number.")
    limits: tuple[str, str] | None = Field(("conf_low", "conf_high"), description="stat_name of its limits; none where it has none.")
    decimals: int = Field(2, description="Decimals.", ge=0, le=6)

    @field_validator("key")
    @classmethod
    def _key_columns(cls, key: dict[str, str]) -> dict[str, str]:
        for column in key:
            _known("key column", column, Ard.cell_columns)
        return key

    @field_validator("estimate", "limits")
    @classmethod
    def _statistics(cls, names: str | tuple[str, str] | None) -> str | tuple[str, str] | None:
        for name in (names,) if isinstance(names, str) else names or ():
            _known("statistic", name, tuple(STATS))
        return names


def _known(what: str, name: str, known: tuple[str, ...]) -> None:
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        raise ValueError(f"there is no {what} {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))


class Question(PlanModel):
    """One research question; either numbers answer it, or it is said why none can."""

    heading: str | None = Field(None, description="Heading that begins with this question and holds until the next one.")
    question: str = Field(description="The question, as a reader asks it.")
    chapter: str = Field(description="Title of the chapter of the report that holds the answer, or what there is instead of one.")
    numbers: list[Number] = Field(default_factory=list, description="Numbers that answer; the first decides.")
    null: float | None = Field(None, description="Value of no effect; the answer is yes if the interval is on the good side of it.")
    null_from: Number | None = Field(None, description="The same as a number of the results, such as a margin.")
    decided_by: Number | None = Field(
        None,
        description="A decision of the results (1 or 0), such as that of a planned procedure: without 1, yes becomes open.",
    )
    good: Literal["below", "above"] = Field("below", description="The good side of `null`.")
    within: tuple[float, float] | None = Field(None, description="The answer is yes if the interval lies within these limits.")
    observed: bool = Field(
        False,
        description="What the first number compares was not randomized: yes then reads 'Consistent with, not shown', no 'Speaks against, "
        "not shown'. Must be true where a rule decides by an analysis that is for comparison only.",
    )
    yes: str | None = Field(None, description="What it means in plain words if the answer is yes.")
    no: str | None = Field(None, description="… if the interval is wholly on the other side.")
    open: str | None = Field(None, description="… if the interval has both.")
    described: str | None = Field(None, description="What it means where nothing is decided, in place of `null` or `within`.")
    sure: str = Field(description="How sure: planned test or exploration, what is known only by observation, what else could explain it.")
    unanswered: str | None = Field(None, description="Why the data cannot answer it, in place of numbers.")

    @model_validator(mode="after")
    def _can_be_answered(self) -> Question:
        if (self.unanswered is None) == (not self.numbers):
            raise ValueError("give `numbers`, or say in `unanswered` why there are none; not both")
        decided = sum(rule is not None for rule in (self.null, self.null_from, self.within, self.described))
        if self.numbers and decided != 1:
            raise ValueError("say how the numbers answer: one of `null`, `null_from`, `within` and `described`")
        if self.numbers and self.described is None and None in (self.yes, self.no, self.open):
            raise ValueError("say what it means before the result is known: `yes`, `no` and `open`")
        if self.observed and (not self.numbers or self.described is not None):
            raise ValueError("`observed` weakens a yes or a no, and nothing is decided here; leave it out")
        return self


class AnswersOptions(PlanModel):
    """Options of `answers`."""

    questions: list[Question] = Field(description="The questions in order.", min_length=1)


def verdict(question: Question, estimate: Found, limits: tuple[Found, Found] | None, null: float | None = None) -> Verdict:
    """What the interval says; the rule was written before the result. `null` is the number of the results that `null_from` names.

    What was observed and not randomized is neither a yes nor a no: something else may stand behind it.
    """
    if question.described is not None and (estimate.value == estimate.value or estimate.text):
        return "described"
    if estimate.value != estimate.value:
        return "not estimable"
    if limits is None or any(v.value != v.value for v in limits):
        return "not estimable"
    low, high = sorted(v.value for v in limits)
    if question.within is not None:
        a, b = question.within
        return _weighed(question, a < low and high < b, high < a or low > b)
    null = question.null if question.null is not None else null
    if null is None or null != null:
        return "not estimable"
    below, above = high < null, low > null
    good, bad = (below, above) if question.good == "below" else (above, below)
    return _weighed(question, good, bad)


def _weighed(question: Question, good: bool, bad: bool) -> Verdict:
    yes, no = WEAKER if question.observed else ("yes", "no")
    return yes if good else no if bad else "open"


@layout("answers", options=AnswersOptions, roles=(), optional=("*",))
def answers(request: Request) -> Laid:
    """One row for each research question: answer, estimate with interval, what it means, how sure, estimand, chapter."""
    notes = Notes()
    rows = []
    for question in request.options.questions:
        if question.heading is not None:
            rows.append(Row(label=question.heading, kind="section"))
        rows.append(_row(request, question, notes))
    columns = (
        Column(id="answer", label="Answer", align="left"),
        Column(id="estimate", label="Estimate (interval)", align="left"),
        Column(id="meaning", label="What it means", align="left"),
        Column(id="sure", label="How sure", align="left"),
        Column(id="estimand", label="Estimand", align="left"),
        Column(id="chapter", label="Chapter", align="left"),
    )
    notes.general(
        "Yes and no: the whole interval lies on one side of no effect, or within the limits given; open: it does not. What each result "
        "would mean was written into the plan for every outcome."
    )
    if any(question.observed for question in request.options.questions):
        notes.general(
            "Consistent with, speaks against, not shown: the interval is as for yes or no, but what is compared was not randomized, so "
            "that something else may explain it."
        )
    fields = head(request, notes, None) | {"population": "Shows every research question of the plan; the chapters name the subjects."}
    return Laid(document=TableDocument(stub="Question", columns=columns, rows=tuple(rows), **fields))


def _row(request: Request, question: Question, notes: Notes) -> Row:
    if question.unanswered is not None:
        texts = (VERDICTS["not answered"], "", question.unanswered, question.sure, "", question.chapter)
        return Row(label=question.question, cells=tuple(Cell(text=text) for text in texts))
    shown, marks, refs, first = [], [], [], None
    for item in question.numbers:
        if item.role not in request.ards:
            raise DisplayError(
                f"{request.id}: options.questions: there is no role {item.role!r}; the display has {', '.join(request.ards)}"
            )
        ard = request.ards[item.role]
        estimate = ard.get(item.estimate, **item.key)
        limits = _limits(ard, item, estimate)
        text = _limit(estimate, item.decimals)
        if limits is not None and (estimate.value == estimate.value or estimate.text):
            text += f" ({_limit(limits[0], item.decimals)}, {_limit(limits[1], item.decimals)})"
        # a limit that the results give in words, such as '> 90', is no missing one
        told = [f for f in (estimate, *(limits or ())) if f.value == f.value or not f.text]
        one = cell(f"{item.label}: {text}", notes, *told)
        shown.append(one.text)
        marks += one.marks
        refs += one.refs
        first = first or (estimate, limits, ard)
    assert first is not None
    null = None
    if question.null_from is not None:
        margin = request.ards[question.null_from.role].get(question.null_from.estimate, **question.null_from.key)
        shown.append(f"{question.null_from.label}: {number(margin.value, question.null_from.decimals)}")
        refs.append(margin.ref)
        null = margin.value
    said = verdict(question, first[0], first[1], null)
    if question.decided_by is not None:
        decision = request.ards[question.decided_by.role].get(question.decided_by.estimate, **question.decided_by.key)
        shown.append(f"{question.decided_by.label}: {'yes' if decision.value == 1 else 'no'}")
        refs.append(decision.ref)
        said = "open" if said in ("yes", "consistent") and decision.value != 1 else said
    words = {
        "yes": question.yes,
        "consistent": question.yes,
        "no": question.no,
        "against": question.no,
        "open": question.open,
        "described": question.described,
    }.get(said)
    reasons = [f.error for f in (first[0], *(first[1] or ())) if f.error]
    meaning = words if words is not None else f"It could not be estimated: {reasons[0] if reasons else 'no reason was recorded'}."
    estimands = dict.fromkeys(request.ards[i.role].estimand for i in question.numbers)
    named = ", ".join(name for name in estimands if name) or "none"
    # labels hold no semicolon, so that the report can set each number on a line of its own
    answer = Cell(text="; ".join(shown), marks=tuple(dict.fromkeys(marks)), refs=tuple(refs))
    rest = (meaning, question.sure, named, question.chapter)
    return Row(label=question.question, cells=(Cell(text=VERDICTS[said]), answer, *(Cell(text=t, refs=tuple(refs)) for t in rest)))


def _limit(found: Found, decimals: int) -> str:
    """A limit, or what the results say in place of one: '> 90'."""
    return found.text if found.value != found.value and found.text else number(found.value, decimals)


def _limits(ard: Ard, item: Number, estimate: Found) -> tuple[Found, Found] | None:
    """The limits of a number; results that say why they could not estimate it may hold none."""
    if item.limits is None:
        return None
    if estimate.value != estimate.value and estimate.error:
        low, high = (ard.find(name, **item.key) for name in item.limits)
        return None if low is None or high is None else (low, high)
    return ard.get(item.limits[0], **item.key), ard.get(item.limits[1], **item.key)
