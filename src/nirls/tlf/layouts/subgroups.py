"""Table of effects in subgroups."""

from __future__ import annotations

from nirls.tlf import model_text
from nirls.tlf.document import Cell, Column, Row, TableDocument
from nirls.tlf.formats import count, number, p_value
from nirls.tlf.layouts._common import cell, digits, head
from nirls.tlf.layouts._subgroups import OVERALL, THREE, SubgroupsDisplay, blocks, comparison_of, effect_text, subgroup_notes, told
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.notes import Notes


@layout("subgroups", options=SubgroupsDisplay, roles=("main",))
def subgroups(request: Request) -> Laid:
    """Effect by level of each baseline variable, shrunken effect, interaction test (Holm where planned), and what was expected."""
    options, context, main, notes = request.options, request.context, request.ards["main"], Notes()
    comparison, d, ci = comparison_of(main, options), digits(context, "estimate"), model_text.level_text(main)
    label, reference = comparison.split(" - ")
    columns = (
        Column(id="n", label=f"n, {label}"),
        Column(id="m", label=f"n, {context.arm(reference).short}"),
        Column(id="effect", label=f"Difference ({ci})"),
        Column(id="shrunken", label=f"Shrunken ({ci})"),
        Column(id="interaction", label=f"Difference of effects ({ci})"),
        Column(id="p", label="Interaction p"),
        Column(id="holm", label="Holm p"),
        Column(id="turned", label="Reversal p"),
        *((Column(id="known", label="Truth"),) if options.known else ()),
    )
    at = {"variable": OVERALL, "comparison": comparison, "visit": main.facts["at"]}
    whole = [main.get(s, **at) for s in ("n_subjects", "n_reference")]
    three = [f for s in THREE if (f := main.find(s, **at)) is not None]
    blank = tuple(Cell() for _ in columns)
    rows = [Row(label="All", emphasis=True, cells=(
        *(cell(count(f.value), notes, f) for f in whole), cell(effect_text(tuple(three), d) if len(three) == 3 else "NE", notes, *three),
        *blank[3:],
    ))]  # fmt: skip
    found_blocks = blocks(main, context, comparison)
    for block in found_blocks:
        tests = []
        for found in (block.p, block.adjusted, block.direction):
            text = "" if found is None else "NE" if found.error else p_value(found.value, context.p_style)
            tests.append(cell(text, notes, found) if found is not None else Cell())
        gap = cell(effect_text(block.difference, d), notes, *block.difference) if len(block.difference) == 3 else Cell()
        known = (Cell(text=number(options.known[block.variable], d) if block.variable in options.known else ""),) if options.known else ()
        rows.append(Row(label=f"{context.labels.get(block.variable, block.variable)} ({block.family})", kind="section"))
        what = " − ".join(context.level(block.variable, name) for name in block.between) or "Between the levels"
        rows.append(Row(label=what, indent=1, cells=(*blank[:4], gap, *tests, *known)))
        for level in block.levels:
            sizes = [cell(count(f.value), notes, f) for f in level.sizes or ()] or [Cell(), Cell()]
            own = cell(effect_text(level.effect, d) if not level.reason else "NE", notes, *level.effect)
            drawn = cell(effect_text(level.shrunken, d), notes, *level.shrunken) if len(level.shrunken) == 3 else Cell()
            rows.append(Row(label=context.level(block.variable, level.name), indent=1, cells=(*sizes, own, drawn, *blank[4:])))
        larger, why = (told(main, block.variable, what) for what in ("larger", "why"))
        if larger:
            notes.general(
                f"{context.labels.get(block.variable, block.variable)}: a larger benefit was expected beforehand in "
                f"{context.level(block.variable, larger).lower()!r}{f' ({why})' if why else ''}."
            )
    notes.general(
        "Difference of effects: between the two levels named. Reversal: Gail and Simon's test that all effects have one direction."
    )
    subgroup_notes(main, context, found_blocks, notes)
    return Laid(document=TableDocument(stub="", columns=columns, rows=tuple(rows), **head(request, notes, "main")))
