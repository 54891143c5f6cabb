"""Table of the rhythm over the day by arm, and of the timing of sessions."""

from __future__ import annotations

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf import model_text
from nirls.tlf.document import Cell, Column, Row, TableDocument
from nirls.tlf.formats import count, interval, number, p_value
from nirls.tlf.layouts._common import arms_shown, cell, chosen_arms, digits, head
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.lookup import Ard
from nirls.tlf.notes import Notes


class RhythmOptions(PlanModel):
    """Options of `rhythm`."""

    arms: list[str] | None = Field(None, description="Arms to show; none for all.")


@layout("rhythm", options=RhythmOptions, roles=("main",), optional=("timing",))
def rhythm(request: Request) -> Laid:
    """Mesor, amplitude and acrophase by arm with tests; clock time of sessions and its slope, within and between subjects."""
    options, context, notes = request.options, request.context, Notes()
    main = request.ards["main"]
    arms = chosen_arms(main, context, options.arms)
    columns = tuple(Column(id=a.code, label=a.short, n=int(main.size(a.code).value), arm=a.code) for a in arms)
    variable = model_text.response(main, None)
    ci, d = model_text.level_text(main), digits(context, "estimate")
    rows: list[Row] = []

    def line(label: str, indent: int, level: str, *names: str, ard: Ard = main, versus: bool = False, **more: str) -> None:
        cells = []
        for arm in arms:
            key = {"variable": variable, "variable_level": level, "group1_level": arm.code} | more
            if versus and arm.code == context.reference:
                cells.append(Cell())
                continue
            key |= {"comparison": model_text.contrast(ard, arm.code, context.reference)} if versus else {"comparison": ""}
            found = [ard.find(n, **key) for n in names]
            if any(f is None for f in found):
                missing = ard.get("estimate", **key)
                cells.append(cell("NE" if "p_value" not in names else "", notes, missing))
                continue
            known = [f for f in found if f is not None]
            if names == ("p_value",):
                text = p_value(known[0].value, context.p_style)
            elif len(known) == 2:
                text = _clock(known[0].value, known[1].value) if level == "acrophase" else interval(known[0].value, known[1].value, d)
            else:
                text = _hour(known[0].value) if level == "acrophase" else number(known[0].value, d)
            cells.append(cell("NE" if any(f.error for f in known) else text, notes, *known))
        rows.append(Row(label=label, indent=indent, cells=tuple(cells)))

    def counted(label: str, name: str, indent: int) -> None:
        found = [main.get(name, variable=variable, group1_level=a.code) for a in arms]
        rows.append(Row(label=label, indent=indent, cells=tuple(cell(count(f.value), notes, f) for f in found)))

    rows.append(Row(label="Course over the day", kind="section"))
    counted("Subjects", "n", 1)
    counted("Entries", "n_obs", 1)
    for label, level in (("Mean level (mesor)", "mesor"), ("Amplitude", "amplitude"), ("Highest at (acrophase)", "acrophase")):
        line(label, 1, level, "estimate")
        line(ci, 2, level, "conf_low", "conf_high")
    line("p, no rhythm", 1, "rhythm", "p_value")
    rows.append(Row(label=f"Difference from {context.arm(context.reference).short}", kind="section"))
    line("Mean level", 1, "mesor", "estimate", versus=True)
    line(ci, 2, "mesor", "conf_low", "conf_high", versus=True)
    line("p", 2, "mesor", "p_value", versus=True)
    line("p, same amplitude and acrophase", 1, "rhythm", "p_value", versus=True)
    if (timing := request.ards.get("timing")) is not None:
        _timing(request, timing, rows, notes, [a.code for a in arms])
    for text in model_text.footnotes(main, context):
        notes.general(text)
    for text in main.footnotes:
        notes.general(text)
    notes.general("NE: not estimated.")
    return Laid(document=TableDocument(stub="", columns=columns, rows=tuple(rows), **head(request, notes, "main", arms_shown(columns))))


def _timing(request: Request, ard: Ard, rows: list[Row], notes: Notes, arms: list[str]) -> None:
    """Clock times by arm; the slopes, which are over all arms, as notes."""
    context = request.context
    rows.append(Row(label="Clock time of sessions", kind="section"))
    for label, name in (
        ("Sessions with an entry that evening", "n_obs"),
        ("Circular mean", "circular_mean"),
        ("Mean resultant length", "resultant"),
    ):
        cells = []
        for arm in arms:
            found = ard.find(name, variable="clock time", group1_level=arm)
            if found is None:
                cells.append(Cell())
                continue
            text = count(found.value) if name == "n_obs" else _hour(found.value) if name == "circular_mean" else number(found.value, 2)
            cells.append(cell(text, notes, found))
        rows.append(Row(label=label, indent=1, cells=tuple(cells)))
    variable = model_text.response(ard, None)
    ci, said = model_text.level_text(ard), []
    for level in ("within subjects", "between subjects"):
        key = {"variable": variable, "variable_level": level}
        estimate = ard.get("estimate", **key)
        if estimate.error:
            said.append(f"{level} not estimated ({estimate.error})")
            continue
        low, high, p = (ard.get(n, **key) for n in ("conf_low", "conf_high", "p_value"))
        said.append(
            f"{level} {number(estimate.value, 3)} ({ci} {interval(low.value, high.value, 3)}, p = {p_value(p.value, context.p_style)})"
        )
    notes.general(f"Evening severity per hour that the session begins later, all arms: {'; '.join(said)}.")
    for text in [*model_text.footnotes(ard, context), *ard.footnotes]:
        notes.general(f"Timing of sessions: {text}")


def _hour(hours: float) -> str:
    """ "21:36" of 21.6."""
    minutes = round(hours * 60) % 1440
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _clock(low: float, high: float) -> str:
    return f"({_hour(low)}, {_hour(high)})"
