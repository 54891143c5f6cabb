"""Table of patterns of missing visits, and of missing values by reason."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from nirls.tlf.document import Cell, Column, Row, TableDocument
from nirls.tlf.formats import count_percent
from nirls.tlf.layouts._common import arm_columns, cell, chosen_visits, counted, digits, head
from nirls.tlf.layouts._patterns import MISSING, OBSERVED, Pattern, PatternsOptions, others, patterns
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.lookup import Ard
from nirls.tlf.notes import Notes
from nirls.tlf.population import everyone


class MissingPatternsOptions(PatternsOptions):
    """Options of `missing_patterns`."""

    blocks: list[Literal["patterns", "reasons", "events"]] = Field(
        ["patterns", "reasons"],
        description="What to show: patterns of visits, missing values by visit and reason, events by first affected visit.",
        min_length=1,
    )
    visits: list[str] | None = Field(None, description="Visits of reasons and events; none for all.")


@layout("missing_patterns", options=MissingPatternsOptions, roles=("main",))
def missing_patterns(request: Request) -> Laid:
    """Patterns of observed and missing visits by arm, then missing values by visit and reason."""
    options, context, main, notes = request.options, request.context, request.ards["main"], Notes()
    columns = arm_columns(main, context, notes, options.arms, total=False)
    arms = [c.id for c in columns]
    visits, found = patterns(request, main, arms)
    rows: list[Row] = []
    for block in options.blocks:
        if block == "patterns":
            rows += _patterns(request, main, found, columns, notes)
            notes.general(f"Patterns: {', '.join(visits)}, in this order; {OBSERVED} observed, {MISSING} missing.")
        else:
            rows += _by_visit(request, main, block, columns, notes)
    notes.general("Percentages are of the subjects in the column heads.")
    if "event" in main.facts:
        notes.general(f"Event: {main.facts['event']}.")
    if len(arms) > 3:
        notes.general("; ".join(f"{a.short}: {a.label}" for a in context.arms if a.code in arms and a.short != a.label) + ".")
    ends = head(request, notes, None) | {"population": everyone(main, context, arms)}
    return Laid(document=TableDocument(stub="Missing values", columns=columns, rows=tuple(rows), **ends))


def _patterns(request: Request, ard: Ard, found: list[Pattern], columns: tuple[Column, ...], notes: Notes) -> list[Row]:
    """One row per pattern, then the subjects who have none because they have no value at all."""
    sizes = [ard.size(c.id) for c in columns]
    rows = [Row(label="Pattern of visits, n (%)", kind="section")]
    for p in found:
        if p.text:
            label = "".join(OBSERVED if letter == "o" else MISSING for letter in p.text)
            cells = [counted(ard, request.context, notes, p.counts[i][0], size) for i, size in enumerate(sizes)]
        else:
            label, cells = others(p, request.options.smallest), []
            for i, size in enumerate(sizes):
                n = p.n(i)
                text = count_percent(n, 100 * n / size.value if size.value else None, digits(request.context, "p"))
                cells.append(cell(text, notes, *p.counts[i], size))
        rows.append(Row(label=label, indent=1, cells=tuple(cells)))
    if not found:
        rows.append(Row(label="No subject has a value", indent=1, cells=(Cell(text="0"),) * len(columns)))
    for reason, _ in ard.exclusions():
        key = {"variable": "exclusion", "variable_level": reason}
        cells = [counted(ard, request.context, notes, ard.get("n", group1_level=c.id, **key), sizes[i]) for i, c in enumerate(columns)]
        if any(c.text != "0" for c in cells):
            rows.append(Row(label=f"No pattern: {reason[:1].lower()}{reason[1:]}", indent=1, cells=tuple(cells)))
    return rows


def _by_visit(request: Request, ard: Ard, block: str, columns: tuple[Column, ...], notes: Notes) -> list[Row]:
    """Missing values, or first events, at each visit by reason; reasons nobody has there are left out."""
    variable = "imputed" if block == "reasons" else "event"
    heading = "missing" if block == "reasons" else "first visit after an event"
    shown = chosen_visits(ard, request.context, request.options.visits)
    sizes = [ard.size(c.id) for c in columns]
    texts = ard.levels(variable) if any(ard.values("variable_level", variable=variable)) else []
    rows: list[Row] = []
    for visit in [v for v in ard.values("visit", variable="imputed") if v in shown]:
        rows.append(Row(label=f"{visit}, {heading}, n (%)", kind="section"))
        lines = []
        if block == "reasons":
            lines.append(("All missing values", "n_missing", {}))
        lines += [(text, "n", {"variable_level": text}) for text in texts]
        before = len(rows)
        for label, stat, level in lines:
            found = [ard.get(stat, variable=variable, visit=visit, group1_level=c.id, **level) for c in columns]
            if stat == "n_missing" or any(f.value for f in found):
                cells = tuple(counted(ard, request.context, notes, f, s) for f, s in zip(found, sizes, strict=True))
                rows.append(Row(label=label, indent=1 + (block == "reasons" and stat == "n"), cells=cells))
        if len(rows) == before:
            rows.append(Row(label="None", indent=1, cells=(Cell(text="0"),) * len(columns)))
    return rows
