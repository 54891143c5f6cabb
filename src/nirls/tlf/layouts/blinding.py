"""Table of guesses of the treatment with the indices of blinding."""

from __future__ import annotations

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf import model_text
from nirls.tlf.document import Cell, Column, Row, TableDocument
from nirls.tlf.errors import DisplayError
from nirls.tlf.formats import count, count_percent, interval, number
from nirls.tlf.layouts._common import arm_columns, arms_shown, cell, chosen_visits, digits, head
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.lookup import Ard
from nirls.tlf.notes import Notes

POOLED = "Active arms"
ANSWERS = ("active", "control", "unknown")


class BlindingOptions(PlanModel):
    """Options of `blinding`."""

    visits: list[str] | None = Field(None, description="Visits to show; none for all.")
    respondents: list[str] | None = Field(None, description="PARAMCD of the guesses to show; none for all.")
    answers: dict[str, str] = Field(
        default={"active": "Active", "control": "Sham", "unknown": "Do not know"},
        description="Text of the guesses `active`, `control` and `unknown`.",
    )
    arms: list[str] | None = Field(None, description="Arms to show; none for all.")


@layout("blinding", options=BlindingOptions, roles=("main",))
def blinding(request: Request) -> Laid:
    """Guesses by arm in number and percent, those without an answer, and the indices of Bang and James with intervals."""
    options, notes, context, main = request.options, Notes(), request.context, request.ards["main"]
    columns = arm_columns(main, context, notes, options.arms, total=False)
    if POOLED in main.groups:
        columns = (*columns, Column(id=POOLED, label=POOLED, n=int(main.size(POOLED).value)))
    lacking = [a for a in ANSWERS if a not in options.answers]
    if lacking:
        raise DisplayError(f"{request.id}: options.answers: a text for {', '.join(lacking)} is missing")
    unknown = [p for p in options.respondents or [] if p not in main.params]
    if unknown:
        raise DisplayError(
            f"{request.id}: options.respondents: {', '.join(unknown)} not in analysis {main.analysis_id!r}, "
            f"which has {', '.join(main.params)}"
        )
    rows: list[Row] = []
    for param in options.respondents or main.params:
        for visit in chosen_visits(main, context, options.visits):
            rows += _block(request, main, {"param": param, "visit": visit}, columns, notes)
    reference = context.arm(context.reference).short
    notes.general(
        f"Percentages are of those who answered. Bang index: −1 all guesses wrong, 0 as by chance, 1 all right. James index (each column "
        f"with {reference}): 0 all guesses right, 0.5 as by chance, 1 all 'do not know'; blinding is in doubt when its interval lies below "
        f"0.5. {model_text.level_text(main)}: Wald, not cut at the bounds of the index."
    )
    notes.general(f"{POOLED}: all arms but {reference} together." if POOLED in main.groups else "")
    notes.general(f"Confident: {main.facts['confident']}." if "confident" in main.facts else "")
    notes.general("An index late in the trial also reflects efficacy: who improves tends to guess the active device.")
    return Laid(document=TableDocument(stub="", columns=columns, rows=tuple(rows), **head(request, notes, "main", arms_shown(columns))))


def _block(request: Request, main: Ard, place: dict[str, str], columns: tuple[Column, ...], notes: Notes) -> list[Row]:
    """The guesses of one respondent at one visit; nothing where nobody was asked."""
    context, options = request.context, request.options
    if main.find("n", variable="answered", group1_level=columns[0].id, **place) is None:
        return []
    label = context.params[place["param"]].label if place["param"] in context.params else place["param"]
    rows = [Row(label=f"{label} — {place['visit'][:1].lower() + place['visit'][1:]}", kind="section")]

    def counted(text: str, indent: int, stat: str = "n", percent: bool = True, **key: str) -> None:
        cells = []
        for column in columns:
            n = main.get(stat, group1_level=column.id, **key, **place)
            if percent:
                p = main.get("p", group1_level=column.id, **key, **place)
                cells.append(cell(count_percent(n.value, p.value, digits(context, "p")) if n.value else count(n.value), notes, n))
            else:
                cells.append(cell(count(n.value), notes, n))
        rows.append(Row(label=text, indent=indent, cells=tuple(cells)))

    counted("Answered", 1, percent=False, variable="answered")
    for answer in ANSWERS:
        counted(options.answers[answer], 2, variable="guess", variable_level=answer)
        if main.find("n", variable="confident", variable_level=answer, group1_level=columns[0].id, **place) is not None:
            counted("of these, confident", 3, variable="confident", variable_level=answer)
    if main.has("answer"):
        for word in main.levels("answer", place["param"]):
            counted(context.level(place["param"], word), 3, variable="answer", variable_level=word)
    counted("No answer", 1, stat="n_missing", percent=False, variable="answered")
    ci = model_text.level_text(main)
    reference = context.reference
    for name, text in (("bang", "Bang index"), ("james", f"James index, with {context.arm(reference).short}")):
        values, limits = [], []
        for column in columns:
            if name == "james" and column.id == reference:
                values.append(Cell())
                limits.append(Cell())
                continue
            versus = {"comparison": model_text.contrast(main, column.id, reference)} if name == "james" else {}
            key = {"variable": name, "group1_level": column.id, **versus, **place}
            index, low, high = (main.get(s, **key) for s in (name, "conf_low", "conf_high"))
            d = digits(context, name)
            values.append(cell(number(index.value, d), notes, index))
            limits.append(cell(interval(low.value, high.value, d), notes, low, high))
        rows += [Row(label=text, indent=1, cells=tuple(values)), Row(label=ci, indent=2, cells=tuple(limits))]
    return rows
