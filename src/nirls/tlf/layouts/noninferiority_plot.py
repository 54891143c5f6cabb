"""Figure of non-inferiority: differences of both analysis sets against the margin."""

from __future__ import annotations

from nirls.tlf import model_text
from nirls.tlf.document import FigureDocument, Ref, stem
from nirls.tlf.formats import interval, number
from nirls.tlf.layouts._common import capital, chosen_param, digits, head
from nirls.tlf.layouts._common import number as display_number
from nirls.tlf.layouts.noninferiority import NonInferiorityDisplay, decision, facts_of
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.notes import Notes
from nirls.tlf.palette import HAIR, INK, KNOWN, SOFT, looks
from nirls.tlf.svg import Drawing
from nirls.tlf.text import width

WIDTH, LEFT, RIGHT, TOP, STEP, SIZE = 760.0, 170.0, 730.0, 84.0, 74.0, 13.0


@layout("noninferiority_plot", options=NonInferiorityDisplay, roles=("full", "protocol"), kind="figure")
def noninferiority_plot(request: Request) -> Laid:
    """Difference test − active with its interval for both analysis sets, the margin, 0, and which side favours which arm."""
    from mizani.breaks import breaks_extended

    context, options, notes = request.context, request.options, Notes()
    facts = facts_of(request)
    ards = [request.ards[role] for role in ("full", "protocol")]
    test, active = context.arm(facts["test"]), context.arm(facts["active"])
    key = {"variable": model_text.response(ards[0], None), "visit": facts["at"], "comparison": f"{test.code} - {active.code}"}
    found = [[ard.get(s, **key) for s in ("estimate", "conf_low", "conf_high")] for ard in ards]
    margin = ards[0].get("margin", variable="noninferiority")
    d, ci = digits(context, "estimate"), model_text.level_text(ards[0])
    decided = [decision(ard.get("rejected", variable="noninferiority", variable_level="non-inferior")) for ard in ards]
    ends = [v.value for three in found for v in three if v.value == v.value] + [0.0, margin.value]
    ends += [options.known] if options.known is not None else []
    pad = 0.12 * (max(ends) - min(ends))
    low, high = min(ends) - pad, max(ends) + pad

    def x(value: float) -> float:
        return LEFT + (value - low) / (high - low) * (RIGHT - LEFT)

    name = stem(request.id)
    param = chosen_param(ards[0], None)
    view = context.params.get(param)
    outcome = f"{context.labels.get(key['variable'], key['variable'])} in {view.label if view else param}, {facts['at'].lower()}"
    texts = [
        f"{capital(context.set_label(ard.analysis_set))}: {number(e.value, d)} {interval(a.value, b.value, d)}, "
        + {"yes": "non-inferior", "no": "non-inferiority not shown"}.get(said, "NE")
        for ard, (e, a, b), said in zip(ards, found, decided, strict=True)
    ]
    alt = f"{test.short} minus {active.short}, {outcome}: {'; '.join(texts)}. Margin {number(margin.value, d)}."
    bottom = TOP + STEP * len(ards)
    drawing = Drawing(
        width=WIDTH, height=bottom + 96, title=f"{display_number(request.id)} {request.display.title}", description=alt, name=name
    )
    for tick in (float(b) for b in breaks_extended(n=6)((low, high)) if low <= b <= high):
        drawing.path([(x(tick), bottom), (x(tick), bottom + 5)], line=0.8)
        drawing.path([(x(tick), TOP), (x(tick), bottom)], stroke=HAIR, line=0.8)
        drawing.text(x(tick), bottom + 20, number(tick, 0 if tick == int(tick) else 1), size=SIZE - 1, anchor="middle")
    drawing.path([(LEFT, bottom), (RIGHT, bottom)], line=0.8)
    drawing.path([(x(0), TOP), (x(0), bottom)], line=1.2)
    drawing.path([(x(margin.value), TOP - 8), (x(margin.value), bottom)], line=1.8, dash="7 4")
    label = f"Margin {number(margin.value, d)}"
    half = width(label, SIZE, True) / 2
    drawing.text(min(max(x(margin.value), LEFT + half), RIGHT - half), TOP - 14, label, size=SIZE, bold=True, anchor="middle")
    better, other = (test, active) if facts["worse"] == "higher" else (active, test)
    sides = (f"← favours {better.short}", f"favours {other.short} →")
    start = max(x(0) - 8, width(sides[0], SIZE) + 10)
    drawing.text(start, 26, sides[0], size=SIZE, anchor="end", fill=SOFT)
    drawing.text(min(max(x(0), start) + 8, WIDTH - 10 - width(sides[1], SIZE)), 26, sides[1], size=SIZE, fill=SOFT)
    if options.known is not None:
        drawing.path([(x(options.known), TOP), (x(options.known), bottom)], stroke=KNOWN, line=1.3, dash="2 3")
        said = f"Truth {number(options.known, d)}"
        half = width(said, SIZE - 1) / 2
        drawing.text(min(max(x(options.known), LEFT + half), RIGHT - half), bottom + 40, said, size=SIZE - 1, anchor="middle", fill=KNOWN)
    colour = looks(context.arms)[test.code].color
    for i, (ard, (e, a, b)) in enumerate(zip(ards, found, strict=True)):
        y = TOP + STEP * (i + 0.58)
        drawing.text(10, y - 2, capital(context.set_label(ard.analysis_set)), size=SIZE, bold=True)
        what = {"yes": "not inferior", "no": "not shown"}.get(decided[i], "NE")
        drawing.text(10, y + 15, what, size=SIZE - 1, fill=SOFT)
        if e.value != e.value:
            drawing.text(LEFT, y, f"NE: {e.error}"[:80], size=SIZE - 1, fill=SOFT)
            notes.general(f"NE: {e.error}.")
            continue
        drawing.path([(x(a.value), y), (x(b.value), y)], stroke=colour, line=2.4)
        for end in (a, b):
            drawing.path([(x(end.value), y - 5), (x(end.value), y + 5)], stroke=colour, line=2.4)
        drawing.disc(x(e.value), y, 5, fill=colour, stroke=colour)
        shown = f"{number(e.value, d)} {interval(a.value, b.value, d)}"
        drawing.text(x(e.value), y - 14, shown, size=SIZE, anchor="middle", fill=INK, halo="#fff")
    drawing.text(WIDTH / 2, bottom + 62, f"{test.short} − {active.short} ({ci})", size=SIZE, anchor="middle")
    drawing.sign(context.stamps, context.source)
    notes.general(
        f"{capital(outcome)}; {ci}. Dashed: the margin. Non-inferiority needs the whole interval on the better side of it, in both sets."
    )
    for ard in ards:
        for text in ard.footnotes:
            if "open label" in text or "assay" in text.lower() or "was not shown" in text:
                notes.general(text)
    refs = tuple(Ref(key=three[0].key, stats=tuple(v.stat_name for v in three)) for three in found)
    refs += (Ref(key=margin.key, stats=("margin",)),)
    document = FigureDocument(
        svg=f"{name}.svg", alt=alt, width=drawing.width, height=drawing.height, refs=refs,
        **head(request, notes, "full", [a.code for a in context.arms if a.code in (test.code, active.code)]),
    )  # fmt: skip
    return Laid(document=document, svg=drawing.encode())
