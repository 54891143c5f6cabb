"""Forest plot of effects in subgroups."""

from __future__ import annotations

from nirls.tlf import model_text
from nirls.tlf.document import FigureDocument, Ref, stem
from nirls.tlf.formats import count, number
from nirls.tlf.layouts._common import capital, chosen_param, digits, head
from nirls.tlf.layouts._common import number as display_number
from nirls.tlf.layouts._subgroups import (
    OVERALL,
    THREE,
    SubgroupsDisplay,
    blocks,
    comparison_of,
    effect_text,
    p_text,
    subgroup_notes,
)
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.lookup import Found
from nirls.tlf.notes import Notes
from nirls.tlf.palette import HAIR, INK, KNOWN, SOFT
from nirls.tlf.svg import Drawing
from nirls.tlf.text import width

WIDTH, EDGE, GAP, TOP, ROW, HEAD, SIZE, SMALL = 980.0, 10.0, 20.0, 62.0, 21.0, 27.0, 13.0, 12.0
COLOUR = "#b3362b"


@layout("subgroup_forest", options=SubgroupsDisplay, roles=("main",), kind="figure")
def subgroup_forest(request: Request) -> Laid:
    """Effects in levels of baseline variables with intervals, shrunken effects, the overall effect, and interaction tests."""
    from mizani.breaks import breaks_extended

    options, context, main, notes = request.options, request.context, request.ards["main"], Notes()
    comparison, d, ci = comparison_of(main, options), digits(context, "estimate"), model_text.level_text(main)
    label, reference = comparison.split(" - ")
    other = context.arm(reference).short
    at = {"variable": OVERALL, "comparison": comparison, "visit": main.facts["at"]}
    sizes = [main.get(s, **at) for s in ("n_subjects", "n_reference")]
    overall = tuple(f for s in THREE if (f := main.find(s, **at)) is not None)
    found = blocks(main, context, comparison)
    estimated = [level for block in found for level in block.levels if not level.reason]
    values = [v.value for level in estimated for v in level.effect] + [v.value for v in overall if v.value == v.value] + [0.0]
    pad = 0.04 * (max(values) - min(values) or 1.0)
    ends = (min(values) - pad, max(values) + pad)
    names = [context.labels.get(b.variable, b.variable) + (" *" if b.prespecified else "") for b in found]
    texts = [context.level(b.variable, level.name) for b in found for level in b.levels]
    n_at = EDGE + max([width(t, SIZE, True) for t in [*names, "All"]] + [width(t, SIZE) + 14 for t in texts]) + 74
    left = n_at + 50
    numbers = max([width(effect_text(level.effect, d), SMALL) for level in estimated] + [width(f"Difference ({ci})", SMALL, True), 100])
    tests = max([width(p_text(context, b), SMALL) for b in found] + [width("Interaction p", SMALL, True)])
    right = WIDTH - EDGE - tests - GAP - numbers - GAP
    height = TOP + ROW + sum(HEAD + ROW * len(b.levels) for b in found) + 8
    alt = _alt(context, found, overall, comparison, d)
    name = stem(request.id)
    drawing = Drawing(
        width=WIDTH, height=height + 92, title=f"{display_number(request.id)} {request.display.title}", description=alt, name=name
    )

    def x(value: float) -> float:
        return left + (value - ends[0]) / (ends[1] - ends[0]) * (right - left)

    for tick in (float(b) for b in breaks_extended(n=6)(ends) if ends[0] <= b <= ends[1]):
        drawing.path([(x(tick), TOP - 4), (x(tick), height)], stroke=HAIR, line=0.8)
        drawing.path([(x(tick), height), (x(tick), height + 5)], line=0.8)
        drawing.text(x(tick), height + 20, number(tick, 0 if tick == int(tick) else 1), size=SMALL, anchor="middle")
    drawing.path([(left, height), (right, height)], line=0.8)
    drawing.path([(x(0), TOP - 4), (x(0), height)], line=1.2)
    if len(overall) == 3:
        drawing.path([(x(overall[0].value), TOP - 4), (x(overall[0].value), height)], stroke=SOFT, line=1.2, dash="2 3")
    param = chosen_param(main, None)
    view = context.params.get(param)
    sides = (label, other) if view is None or view.direction == "lower_better" else (other, label)
    drawing.text(x(0) - 8, 20, f"← favours {sides[0]}", size=SMALL, anchor="end", fill=SOFT)
    drawing.text(x(0) + 8, 20, f"favours {sides[1]} →", size=SMALL, fill=SOFT)
    drawing.text(n_at + 32, TOP - 12, "n / n", size=SMALL, bold=True, anchor="end")
    drawing.text(WIDTH - EDGE - tests - GAP, TOP - 12, f"Difference ({ci})", size=SMALL, bold=True, anchor="end")
    drawing.text(WIDTH - EDGE, TOP - 12, "Interaction p", size=SMALL, bold=True, anchor="end")

    def line(y: float, effect: tuple[Found, ...], shrunken: tuple[Found, ...], colour: str, bold: bool) -> None:
        e, a, b = (x(v.value) for v in effect)
        drawing.path([(a, y), (b, y)], stroke=colour, line=2.2 if bold else 1.6)
        if len(shrunken) == 3:
            s, low, high = (x(v.value) for v in shrunken)
            drawing.path([(low, y + 6), (high, y + 6)], stroke=KNOWN, line=1.1)
            drawing.path([(s, y + 2.4), (s + 3.6, y + 6), (s, y + 9.6), (s - 3.6, y + 6)], stroke=KNOWN, fill="#fff", line=1.3, closed=True)
        drawing.disc(e, y, 4.6 if bold else 4.0, fill=colour, stroke=colour)
        drawing.text(WIDTH - EDGE - tests - GAP, y + 4, effect_text(effect, d), size=SMALL, anchor="end", bold=bold)

    y = TOP + ROW / 2
    drawing.text(EDGE, y + 4, "All", size=SIZE, bold=True)
    drawing.text(n_at + 32, y + 4, f"{count(sizes[0].value)} / {count(sizes[1].value)}", size=SMALL, anchor="end")
    if len(overall) == 3:
        line(y, overall, (), INK, True)
    at_y = TOP + ROW
    for block, title in zip(found, names, strict=True):
        drawing.text(EDGE, at_y + HEAD - 8, title, size=SIZE, bold=True)
        drawing.text(WIDTH - EDGE, at_y + HEAD - 8, p_text(context, block), size=SMALL, anchor="end")
        at_y += HEAD
        for level in block.levels:
            y = at_y + ROW / 2 - 3
            drawing.text(EDGE + 14, y + 4, context.level(block.variable, level.name), size=SIZE)
            if level.sizes is not None:
                drawing.text(n_at + 32, y + 4, " / ".join(count(f.value) for f in level.sizes), size=SMALL, anchor="end")
            if level.reason:
                drawing.text(left + 4, y + 4, level.reason, size=SMALL, fill=SOFT, halo="#fff")
            else:
                line(y, level.effect, level.shrunken, COLOUR, False)
            at_y += ROW
    outcome = f"{view.label if view else param}, {label} − {other}, {main.facts['at'].lower()}"
    drawing.text((left + right) / 2, height + 44, outcome, size=SIZE, anchor="middle")
    drawing.sign(context.stamps, context.source)
    notes.general(
        f"{capital(outcome)}; {ci}. Dots: effect of the level; open diamonds below them: shrunken effects; dotted line: overall effect. "
        "n / n: subjects analysed on either side. * pre-specified; the others are exploratory."
    )
    for block in found:
        if block.p is not None and block.p.error:
            notes.general(f"NE, {context.labels.get(block.variable, block.variable)}: {block.p.error}.")
    for block in found:
        for level in block.levels:
            if len(level.few) > 2:
                whose = f"{context.labels.get(block.variable, block.variable)}, {context.level(block.variable, level.name)}"
                notes.general(f"{whose}: fewer subjects than needed in {', '.join(level.few)}.")
    subgroup_notes(main, context, found, notes)
    cells = [*sizes, *overall, *(f for level in estimated for f in (*level.effect, *level.shrunken))]
    refs = tuple(Ref(key=f.key, stats=(f.stat_name,)) for f in cells)
    document = FigureDocument(
        svg=f"{name}.svg", alt=alt, width=drawing.width, height=drawing.height, refs=refs, **head(request, notes, "main")
    )
    return Laid(document=document, svg=drawing.encode())


def _alt(context, found, overall: tuple[Found, ...], comparison: str, d: int) -> str:
    parts = [f"All: {effect_text(overall, d)}"] if len(overall) == 3 else []
    for block in found:
        own = [
            f"{context.level(block.variable, level.name)} {level.reason or effect_text(level.effect, d)}" for level in block.levels
        ]  # fmt: skip
        parts.append(f"{context.labels.get(block.variable, block.variable)}: {', '.join(own)}, interaction p {p_text(context, block)}")
    return f"{comparison}. " + "; ".join(parts) + "."
