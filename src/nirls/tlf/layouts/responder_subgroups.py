"""Table of responders in subgroups."""

from __future__ import annotations

from nirls.tlf import model_text
from nirls.tlf.document import Cell, Column, Row, TableDocument
from nirls.tlf.formats import count, number, p_value
from nirls.tlf.layouts._common import capital, cell, digits, head
from nirls.tlf.layouts._subgroups import OVERALL, THREE, SubgroupsDisplay, blocks, comparison_of, effect_text
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.lookup import Ard
from nirls.tlf.notes import Notes

SIDES = {"treated": "n_subjects", "reference": "n_reference"}


@layout("responder_subgroups", options=SubgroupsDisplay, roles=("main",))
def responder_subgroups(request: Request) -> Laid:
    """Responders and their risk difference by level of each baseline variable, with the test of interaction (Holm where planned)."""
    options, context, main, notes = request.options, request.context, request.ards["main"], Notes()
    comparison, ci = comparison_of(main, options), model_text.level_text(main)
    d, places = digits(context, "p"), digits(context, "estimate")
    label, reference = comparison.split(" - ")
    columns = (
        Column(id="treated", label=f"{label}, n/N (%)"),
        Column(id="reference", label=f"{context.arm(reference).short}, n/N (%)"),
        Column(id="effect", label=f"Risk difference, % points ({ci})"),
        Column(id="ratio", label=f"Ratio of odds ratios ({ci})"),
        Column(id="p", label="Interaction p"),
        Column(id="holm", label="Holm p"),
    )
    at = {"comparison": comparison, "visit": main.facts["at"]}
    blank = tuple(Cell() for _ in columns)
    whole = tuple(f for s in THREE if (f := main.find(s, variable=OVERALL, **at)) is not None)
    rows = [
        Row(
            label="All",
            emphasis=True,
            cells=(
                *_shares(main, notes, OVERALL, d, **at),
                cell(effect_text(whole, d) if len(whole) == 3 else "NE", notes, *whole),
                *blank[3:],
            ),
        )
    ]
    for block in blocks(main, context, comparison):
        tests = []
        for found in (block.p, block.adjusted):
            text = "" if found is None else "NE" if found.error else p_value(found.value, context.p_style)
            tests.append(cell(text, notes, found) if found is not None else Cell())
        ratio = cell(effect_text(block.difference, places), notes, *block.difference) if len(block.difference) == 3 else Cell()
        rows.append(Row(label=f"{context.labels.get(block.variable, block.variable)} ({block.family})", kind="section"))
        what = " / ".join(context.level(block.variable, name) for name in block.between) or "Between the levels"
        rows.append(Row(label=what, indent=1, cells=(*blank[:3], ratio, *tests)))
        for level in block.levels:
            shares = _shares(main, notes, "subgroup effect", d, **at, group2=block.variable, group2_level=level.name)
            own = cell(effect_text(level.effect, d) if not level.reason else "NE", notes, *level.effect)
            rows.append(Row(label=context.level(block.variable, level.name), indent=1, cells=(*shares, own, *blank[3:])))
        if block.missing:
            notes.general(
                f"{context.labels.get(block.variable, block.variable)}: {block.missing} subjects without a value are in no group."
            )
    facts = main.facts
    notes.general(f"Responder: {facts['definition']} ({facts['rule']}), {facts['at'].lower()}; {facts['missing']}.")
    notes.general(f"Risk difference: {facts['risk difference']}. {capital(facts['pool'])}: subjects of the arms taken together.")
    notes.general(f"Interaction: {facts['interaction']}; ratio of odds ratios: of the first level named to the second, Wald interval.")
    notes.general(f"{capital(facts['least'])}.")
    notes.general(f"{capital(facts['multiplicity'])}.")
    for text in main.footnotes:
        notes.general(text)
    return Laid(document=TableDocument(stub="", columns=columns, rows=tuple(rows), **head(request, notes, "main")))


def _shares(main: Ard, notes: Notes, of: str, d: int, **key: str) -> list[Cell]:
    """ "37/99 (37.4)" of both sides."""
    out = []
    for side, size in SIDES.items():
        n, p = (main.get(s, variable="responders", variable_level=side, **key) for s in ("n", "p"))
        whole = main.get(size, variable=of, **key)
        share = f" ({number(p.value, d)})" if whole.value else ""
        out.append(cell(f"{count(n.value)}/{count(whole.value)}{share}", notes, n, whole, *([p] if whole.value else [])))
    return out
