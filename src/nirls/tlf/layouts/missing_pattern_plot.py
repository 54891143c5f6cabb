"""Figure of patterns of missing visits."""

from __future__ import annotations

from collections.abc import Sequence

from nirls.tlf.context import ArmView, DisplayContext
from nirls.tlf.document import FigureDocument, Ref, stem
from nirls.tlf.layouts._common import chosen_arms, head
from nirls.tlf.layouts._common import number as display_number
from nirls.tlf.layouts._patterns import Pattern, PatternsOptions, others, patterns
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.notes import Notes
from nirls.tlf.palette import HAIR, INK, KNOWN, SOFT
from nirls.tlf.svg import Drawing
from nirls.tlf.text import width, wrap

WIDTH = 960.0
SIZE, SMALL = 12.0, 11.0
LEAD = 1.36
EDGE, GAP = 10.0, 22.0
ROW = 21.0
WIDEST, SLIMMEST = 62.0, 24.0
"""Widest and slimmest column of a visit."""
ARM, BARS = 74.0, 100.0
"""Widest column of an arm, and the room of the bars."""
GAPS = "Missing values"


@layout("missing_pattern_plot", options=PatternsOptions, roles=("main",), kind="figure")
def missing_pattern_plot(request: Request) -> Laid:
    """One row per pattern of observed and missing visits, with the number of subjects by arm."""
    context, main, notes = request.context, request.ards["main"], Notes()
    arms = chosen_arms(main, context, request.options.arms)
    codes = [a.code for a in arms]
    visits, found = patterns(request, main, codes)
    gaps = {v: [main.get("n_missing", variable="imputed", visit=v, group1_level=a) for a in codes] for v in visits}
    sizes = [int(main.size(a).value) for a in codes]
    missing = [sum(int(f.value) for f in gaps[v]) for v in visits]
    complete = sum(p.total for p in found if p.text and "x" not in p.text)
    subjects = sum(p.total for p in found)
    kinds = sum(p.members for p in found)
    alt = (
        f"{kinds} patterns of observed and missing values at {len(visits)} visits in {subjects} subjects of {len(arms)} arms; "
        f"{complete} subjects have every value."
    )
    notes.general("Filled: observed; open: missing. From frequent to rare; bars: subjects with the pattern in all arms shown.")
    if rare := next((p for p in found if not p.text), None):
        notes.general(f"{others(rare, request.options.smallest)}.")
    excluded = sum(sizes) - subjects
    if excluded:
        notes.general(f"{excluded} subjects without any value at these visits have no pattern.")
    if any(a.short != a.label for a in arms):
        notes.general("; ".join(f"{a.short}: {a.label}" for a in arms if a.short != a.label) + ".")
    name = stem(request.id)
    title = f"{display_number(request.id)} {request.display.title}"
    svg, size = _draw(visits, found, arms, sizes, missing, context, name, title, alt)
    refs = [Ref(key=f.key, stats=(f.stat_name,)) for p in found for arm in p.counts for f in arm]
    refs += [f.ref for v in visits for f in gaps[v]]
    document = FigureDocument(
        svg=f"{name}.svg", alt=alt, description=_words(visits, found, arms, request.options.smallest), width=size[0], height=size[1],
        refs=tuple(refs), **head(request, notes, "main", codes),
    )  # fmt: skip
    return Laid(document=document, svg=svg)


def _words(visits: list[str], found: list[Pattern], arms: list[ArmView], smallest: int) -> tuple[str, ...]:
    """The patterns line by line."""
    lines = []
    for p in found:
        gone = [v for v, letter in zip(visits, p.text, strict=False) if letter == "x"]
        what = (f"Missing at {', '.join(gone)}" if gone else "Every value observed") if p.text else others(p, smallest)
        lines.append(f"{what}: {', '.join(f'{a.short} {p.n(i)}' for i, a in enumerate(arms))}.")
    return tuple(lines)


def _draw(
    visits: list[str], found: list[Pattern], arms: Sequence[ArmView], sizes: list[int], missing: list[int],
    context: DisplayContext, name: str, title: str, alt: str,
) -> tuple[bytes, tuple[float, float]]:  # fmt: skip
    """Visits on the left, counts by arm in the middle, bars of all arms on the right."""
    common = visits[0].rsplit(" ", 1)[0] if visits else ""
    shared = len(visits) > 1 and all(v.rsplit(" ", 1)[0] == common and " " in v for v in visits)
    short = [v.rsplit(" ", 1)[1] for v in visits] if shared else visits
    heads = [[*wrap(a.short, SMALL, ARM - 12, True), f"(N={n})"] for a, n in zip(arms, sizes, strict=True)]
    arm = max([width(t, SMALL, True) for lines in heads for t in lines], default=0) + 12
    rare = next((p for p in found if not p.text), None)
    texts = [GAPS, common if shared else "", f"{rare.members} other patterns" if rare else ""]
    label = max(width(t, SMALL) for t in texts) + 12
    fixed = 2 * EDGE + label + 2 * GAP + BARS + arm * len(arms)
    cell = max(SLIMMEST, min(WIDEST, (WIDTH - fixed) / len(visits)))
    whole = max(WIDTH, fixed + cell * len(visits))
    left = EDGE + label
    middle = left + cell * len(visits) + GAP
    right = middle + arm * len(arms) + GAP
    names = [wrap(v, SMALL, cell - 4) for v in short]
    top = 8 + max([len(n) for n in names] + [len(h) for h in heads]) * SMALL * LEAD + 8
    drawing = Drawing(width=whole, height=top + ROW * (len(found) + 1) + 56, title=title, description=alt, name=name)

    if shared:
        drawing.text(EDGE, top - 8, common, size=SMALL)
    for j, lines in enumerate(names):
        for k, text in enumerate(lines):
            y = top - 8 - (len(lines) - 1 - k) * SMALL * LEAD
            drawing.text(left + cell * (j + 0.5), y, text, size=SMALL, anchor="middle")
    for j, lines in enumerate(heads):
        for k, text in enumerate(lines):
            y = top - 8 - (len(lines) - 1 - k) * SMALL * LEAD
            drawing.text(middle + arm * (j + 1) - 8, y, text, size=SMALL, bold=True, anchor="end")
    drawing.text(right, top - 8, "All", size=SMALL, bold=True)
    drawing.path([(EDGE, top), (whole - EDGE, top)], line=0.8)

    most = max([p.total for p in found], default=1)
    room = whole - EDGE - right - 8 - width(str(most), SMALL)
    r = min(6.5, cell * 0.32)
    for i, p in enumerate(found):
        y = top + ROW * (i + 0.5) + 3
        base = y + SMALL * 0.36
        if p.text:
            for j, letter in enumerate(p.text):
                full = letter == "o"
                drawing.disc(left + cell * (j + 0.5), y, r, fill=KNOWN if full else "#ffffff", stroke=KNOWN if full else INK, line=1.3)
        else:
            drawing.text(EDGE, base, f"{p.members} other patterns", size=SMALL)
        for j in range(len(arms)):
            drawing.text(middle + arm * (j + 1) - 8, base, str(p.n(j)), size=SMALL, anchor="end")
        long = max(room * p.total / most, 1.0)
        drawing.rect(right, y - 6, long, 12, fill="#9aa3ad", stroke="none", line=0)
        drawing.text(right + long + 5, base, str(p.total), size=SMALL)
    if not found:
        drawing.text(left, top + ROW * 0.7, "No subject has a value at these visits.", size=SMALL, fill=SOFT)
    end = top + ROW * max(len(found), 1) + 8
    drawing.path([(EDGE, end), (whole - EDGE, end)], stroke=HAIR, line=0.8)
    drawing.text(EDGE, end + 17, GAPS, size=SMALL)
    for j, n in enumerate(missing):
        drawing.text(left + cell * (j + 0.5), end + 17, str(n), size=SMALL, anchor="middle")
    drawing.height = end + 50
    drawing.sign(context.stamps, context.source, SMALL)
    return drawing.encode(), (drawing.width, drawing.height)
