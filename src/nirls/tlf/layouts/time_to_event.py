"""Table of a time to an event."""

from __future__ import annotations

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf import model_text
from nirls.tlf.document import Cell, Column, Row, TableDocument
from nirls.tlf.formats import count, number, p_value
from nirls.tlf.layouts._common import capital, cell, chosen_arms, head
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.lookup import Found
from nirls.tlf.notes import Notes


class TimeToEventDisplay(PlanModel):
    """Options of `time_to_event`."""

    arms: list[str] | None = Field(None, description="Arms to show; none for all.")
    event: str = Field("event", description="The event in one word, for labels.")
    known: dict[str, dict[str, float]] = Field(
        default_factory=dict, description="Landmark → arm → true per cent without the event, where it is known (simulated data)."
    )
    known_label: str = Field("Truth", description="Label of the rows of true values.")


@layout("time_to_event", options=TimeToEventDisplay, roles=("main",))
def time_to_event(request: Request) -> Laid:
    """Events and censoring, quantiles, shares without the event, hazard ratios, tests, restricted means and cumulative incidence."""
    options, context, main, notes = request.options, request.context, request.ards["main"], Notes()
    arms = chosen_arms(main, context, options.arms)
    columns = tuple(Column(id=a.code, label=a.short, n=int(main.size(a.code).value), arm=a.code) for a in arms)
    ci, word = model_text.level_text(main), options.event
    rows: list[Row] = []

    def section(label: str) -> None:
        rows.append(Row(label=label, kind="section"))

    def counted(label: str, stat: str, variable: str, level: str = "", indent: int = 1) -> None:
        found = [main.find(stat, variable=variable, variable_level=level, group1_level=a.code) for a in arms]
        rows.append(Row(label=label, indent=indent, cells=tuple(cell(count(f.value), notes, f) if f else Cell(text="0") for f in found)))

    def estimated(
        label: str, variable: str, level: str, stat: str, scale: float, digits: int, *, versus: bool = False, suffix: str = ""
    ) -> None:
        """A row of estimates and one of intervals."""
        values, limits = [], []
        for arm in arms:
            key = {"variable": variable, "variable_level": level, "group1_level": arm.code}
            if versus:
                if arm.code == context.reference:
                    values.append(Cell())
                    limits.append(Cell())
                    continue
                key |= {"comparison": model_text.contrast(main, arm.code, context.reference)}
            three = [main.find(s, **key) for s in (stat, "conf_low", "conf_high")]
            values.append(cell(_text(three[0], scale, digits, suffix), notes, *_some(three[:1])))
            if three[1] is None or three[2] is None:
                limits.append(Cell())
            else:
                low, high = (_text(f, scale, digits, "") for f in three[1:])
                limits.append(cell(f"({low}, {high})", notes, *_some(three[1:])))
        rows.append(Row(label=label, indent=1, cells=tuple(values)))
        rows.append(Row(label=ci, indent=2, cells=tuple(limits)))

    def tested(label: str, variable: str, *, blank: bool = False) -> None:
        cells = []
        for arm in arms:
            if arm.code == context.reference:
                cells.append(Cell())
                continue
            found = main.find(
                "p_value", variable=variable, group1_level=arm.code, comparison=model_text.contrast(main, arm.code, context.reference)
            )
            if blank and found is None:
                cells.append(Cell())
                continue
            text = "NE" if found is None or found.error else p_value(found.value, context.p_style)
            cells.append(cell(text, notes, *_some([found])))
        rows.append(Row(label=label, indent=1, cells=tuple(cells)))

    section("Subjects")
    counted("At risk", "n", "at risk")
    counted(f"With {word}", "n_events", "at risk")
    for level in main.values("variable_level", variable="event type"):
        counted(level, "n", "event type", level, 2)
    for level in main.values("variable_level", variable="competing event"):
        counted(f"Competing event: {level[:1].lower() + level[1:]}", "n", "competing event", level)
    for level in main.values("variable_level", variable="censored"):
        counted(f"Censored: {level[:1].lower() + level[1:]}", "n", "censored", level)
    section(f"Time to {word}, weeks (Kaplan–Meier)")
    for level in main.values("variable_level", variable="quantile"):
        estimated(capital(level), "quantile", level, "estimate", 1, 1)
    for level in main.values("variable_level", variable="event-free"):
        estimated(f"Without {word} at week {level}", "event-free", level, "probability", 100, 0, suffix="%")
        if level in options.known:
            true = tuple(Cell(text=f"{number(options.known[level][a.code], 0)}%" if a.code in options.known[level] else "") for a in arms)
            rows.append(Row(label=options.known_label, indent=2, cells=true))
    estimated(f"{capital(main.facts.get('mean', 'restricted mean'))}", "restricted mean", "", "estimate", 1, 2)
    section(f"Cumulative incidence of {word}, with the competing event apart")
    for level in main.values("variable_level", variable="incidence"):
        estimated(f"At week {level}", "incidence", level, "probability", 100, 0, suffix="%")
    section(f"Against {context.arm(context.reference).short}")
    estimated(f"Hazard ratio (ties: {main.facts['ties']})", "hazard ratio", "", "estimate", 1, 2, versus=True)
    tested("p, log-rank", "log-rank")
    if main.has("log-rank, permutation"):
        tested("p, log-rank by permutation, where an arm has no event", "log-rank, permutation", blank=True)
    tested("p, proportional hazards", "proportional hazards")
    estimated("Hazard ratio, discrete time", "hazard ratio, visits", "", "estimate", 1, 2, versus=True)
    estimated("Difference of restricted means, weeks", "restricted mean", "", "estimate", 1, 2, versus=True)
    for name in ("interval", "cox", "logrank", "ph", "discrete", "incidence"):
        notes.general(f"{capital(main.facts[name])}.")
    for text in main.footnotes:
        notes.general(text)
    notes.general("NE: not estimated or, for a quantile and its limits, not reached.")
    return Laid(document=TableDocument(stub="", columns=columns, rows=tuple(rows), **head(request, notes, "main", [a.code for a in arms])))


def _some(found: list[Found | None]) -> list[Found]:
    return [f for f in found if f is not None]


def _text(found: Found | None, scale: float, digits: int, suffix: str) -> str:
    return "NE" if found is None or found.error else f"{number(scale * found.value, digits)}{suffix}"
