"""Table of what makes a difference between groups more or less credible."""

from __future__ import annotations

from nirls.tlf.context import DisplayContext
from nirls.tlf.document import Cell, Column, Row, TableDocument
from nirls.tlf.formats import count, p_value
from nirls.tlf.layouts._common import capital, cell, chosen_param, head
from nirls.tlf.layouts._subgroups import FAMILY, INTERACTION, Block, SubgroupsDisplay, blocks, comparison_of, told
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.lookup import Ard
from nirls.tlf.notes import Notes

CHANCE = ((0.005, "unlikely"), (0.01, "may not explain it"), (0.05, "likely"), (1.0, "very likely"))
"""Largest p of the interaction → chance as its explanation; ICEMAN, item 3 of trials."""
MADE_OF = {"categories": "not a number", "other categories": "grouped categories"}


def chance(p: float) -> str:
    """What ICEMAN says of chance as the explanation of an interaction with this p."""
    return next(words for most, words in CHANCE if p <= most)


@layout("subgroup_credibility", options=SubgroupsDisplay, roles=("main",))
def subgroup_credibility(request: Request) -> Laid:
    """The items of ICEMAN for each baseline variable, as facts: planned, direction stated and found, chance, number tested, cut-points."""
    options, context, main, notes = request.options, request.context, request.ards["main"], Notes()
    comparison = comparison_of(main, options)
    columns = (
        Column(id="planned", label="Pre-specified", align="left"),
        Column(id="stated", label="Larger effect stated beforehand in", align="left"),
        Column(id="found", label="Larger effect found in", align="left"),
        Column(id="agree", label="As stated", align="left"),
        Column(id="evidence", label="Prior evidence", align="left"),
        Column(id="p", label="Interaction p"),
        Column(id="chance", label="Chance as explanation", align="left"),
        Column(id="tested", label="Interactions examined (planned)"),
        Column(id="holm", label="Holm p"),
        Column(id="cut", label="Cut-point", align="left"),
    )
    total = main.get("n", variable="model", variable_level="subgroup variables")
    rows = []
    for block in blocks(main, context, comparison):
        name = context.labels.get(block.variable, block.variable)
        of = {"comparison": comparison, "visit": main.facts["at"], "group2": block.variable}
        planned, family = main.get("rejected", variable=INTERACTION, **of), main.find("n", variable=FAMILY, **of)
        larger, why, evidence = (told(main, block.variable, what) for what in ("larger", "why", "evidence"))
        best = larger_in(main, context, block)
        tested = "NE" if best is None else context.level(block.variable, best)
        agree = "" if not larger else "NE" if best is None else "yes" if best == larger else "no"
        known = block.p is not None and not block.p.error
        size = f" ({count(family.value)})" if family is not None else ""
        rows.append(
            Row(
                label=name,
                cells=(
                    cell("yes" if planned.value else "no, exploratory", notes, planned),
                    Cell(text=context.level(block.variable, larger) if larger else "not stated", marks=_mark(notes, name, why)),
                    cell(tested, notes, *(level.effect[0] for level in block.levels if not level.reason)),
                    Cell(text=agree),
                    Cell(text="given" if evidence else "none given", marks=_mark(notes, name, evidence)),
                    cell(p_value(block.p.value, context.p_style) if known else "NE", notes, *([block.p] if block.p else [])),
                    Cell(text=chance(block.p.value) if known else "NE"),
                    cell(f"{count(total.value)}{size}", notes, total),
                    cell(p_value(block.adjusted.value, context.p_style), notes, block.adjusted) if block.adjusted else Cell(),
                    _cut(main, notes, name, block),
                ),
            )
        )
    notes.general(
        "The items are those of ICEMAN for randomized trials (Schandelmaier 2020), as facts. Its overall rating, made for interactions "
        "with p < 0.1, is a judgement and not given."
    )
    words = [f"p ≤ {most:g} {text}" for most, text in CHANCE[:-1]]
    notes.general(f"Chance as explanation, by the unadjusted p: {', '.join(words)}, else {CHANCE[-1][1]}.")
    notes.general("Interactions examined: those of this analysis; markers and other outcomes are further ones, counted in their tables.")
    notes.general("Larger effect: of benefit; what is found in a level is no test of it.")
    notes.general(f"{capital(main.facts['multiplicity'])}.")
    notes.general(f"{capital(main.facts['least'])}.")
    return Laid(document=TableDocument(stub="Variable", columns=columns, rows=tuple(rows), **head(request, notes, "main")))


def larger_in(main: Ard, context: DisplayContext, block: Block) -> str | None:
    """The level with the largest benefit; None if fewer than two are estimated."""
    known = {level.name: level.effect[0].value for level in block.levels if not level.reason}
    if len(known) < 2:
        return None
    view = context.params.get(chosen_param(main, None))
    lower = view is None or view.direction != "higher_better"
    return (min if lower else max)(known, key=lambda name: known[name])


def _mark(notes: Notes, name: str, text: str) -> tuple[str, ...]:
    return (notes.mark(f"{name}: {text}."),) if text else ()


def _cut(main: Ard, notes: Notes, name: str, block: Block) -> Cell:
    made_of, cut = (told(main, block.variable, what) for what in ("levels", "cut"))
    if made_of != "a number":
        return Cell(text=MADE_OF[made_of], marks=_mark(notes, name, cut))
    return Cell(text="stated" if cut else "origin not stated, may be arbitrary", marks=_mark(notes, name, cut))
