"""Dot plot of adverse events: share of subjects by column, and the risk difference."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf import model_text
from nirls.tlf.context import DisplayContext
from nirls.tlf.document import FigureDocument, Ref, stem
from nirls.tlf.errors import DisplayError
from nirls.tlf.formats import interval, number
from nirls.tlf.layouts._common import head
from nirls.tlf.layouts._common import number as display_number
from nirls.tlf.layouts._safety import SOC, TERM, compared, people, safety_columns, safety_notes, short, term_text
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.lookup import Ard, Found
from nirls.tlf.notes import Notes
from nirls.tlf.palette import HAIR, INK, SOFT, looks
from nirls.tlf.svg import Drawing
from nirls.tlf.text import width, wrap

WIDTH, EDGE, GAP, TOP, STEP, SIZE, SMALL = 900.0, 10.0, 26.0, 66.0, 28.0, 13.0, 12.0
WIDEST = 330.0
"""Widest column of labels; a longer term has two lines."""
APART = 5.5
"""Pixels between the marks of two columns, one above the other, so that none hides another."""
POOL = "#b3362b"
"""Colour of a pool, which is no arm."""


class AdverseEventDotsDisplay(PlanModel):
    """Options of `adverse_event_dots`."""

    columns: list[str] | None = Field(None, description="Arms and pools to draw; none for all of the results.")
    compare: str | None = Field(None, description="Column whose difference from the reference is drawn; default: the first compared.")
    least: float = Field(2.0, description="Draw terms that some column has in at least this percentage of subjects.", ge=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    term: str
    shares: tuple[Found, ...]
    effect: tuple[Found, Found, Found]


@layout("adverse_event_dots", options=AdverseEventDotsDisplay, roles=("main",), kind="figure")
def adverse_event_dots(request: Request) -> Laid:
    """Preferred terms by risk difference: percentages of each column on the left, difference with its interval on the right."""
    options, context, main, notes = request.options, request.context, request.ards["main"], Notes()
    every = safety_columns(main, context, notes, options.columns)
    columns = tuple(c for c in every if c.n)
    if gone := [c.label for c in every if not c.n]:
        notes.general(f"Not drawn, since nobody received it: {', '.join(gone)}.")
    pairs = compared(main)
    pair = next((p for p in pairs if options.compare in (None, p[0])), None)
    if pair is None:
        raise DisplayError(f"{request.id}: options.compare: {options.compare!r} is not compared in analysis {main.analysis_id!r}")
    lines = sorted(_lines(main, [c.id for c in columns], pair, options.least), key=lambda li: (-li.effect[0].value, li.term))
    if not lines:
        return _empty(request, notes, pair, options.least)
    ci, name = model_text.level_text(main), stem(request.id)
    own, other = (short(context, p) for p in pair)
    alt = "; ".join(
        f"{term_text(context, TERM, li.term)}: {own} minus {other} {number(li.effect[0].value, 1)}% "
        f"{interval(li.effect[1].value, li.effect[2].value, 1)}" for li in lines
    )  # fmt: skip
    bottom = TOP + STEP * len(lines)
    labels = EDGE + min(max(width(term_text(context, TERM, li.term), SIZE) for li in lines), WIDEST) + 14
    drawing = Drawing(
        width=WIDTH, height=bottom + 92, title=f"{display_number(request.id)} {request.display.title}", description=alt, name=name
    )
    middle = labels + (WIDTH - labels) * 0.5
    top_share = max(f.value for li in lines for f in li.shares)
    x_share = _axis(drawing, (0.0, top_share * 1.06), labels, middle - GAP, bottom, "Subjects with the event (%)")
    ends = [v.value for li in lines for v in li.effect] + [0.0]
    pad = 0.05 * (max(ends) - min(ends))
    x_effect = _axis(
        drawing, (min(ends) - pad, max(ends) + pad), middle, WIDTH - EDGE - 4, bottom, f"{own} − {other}, percentage points ({ci})"
    )
    drawing.path([(x_effect(0), TOP - 6), (x_effect(0), bottom)], line=1.2)
    colours = [_colour(context, c.arm) for c in columns]
    _legend(drawing, [f"{c.label} (N={c.n})" for c in columns], colours)
    for i, line in enumerate(lines):
        y = TOP + STEP * (i + 0.5)
        drawing.path([(labels, y), (middle - GAP, y)], stroke=HAIR, line=0.8)
        words = wrap(term_text(context, TERM, line.term), SIZE, WIDEST)
        for k, text in enumerate(words):
            drawing.text(labels - 10, y + 4.5 + (k - (len(words) - 1) / 2) * 13, text, size=SIZE, anchor="end")
        for k, (share, colour) in enumerate(zip(line.shares, colours, strict=True)):
            _mark(drawing, x_share(share.value), y + (k - (len(colours) - 1) / 2) * APART, k, colour)
        estimate, low, high = (x_effect(v.value) for v in line.effect)
        drawing.path([(low, y), (high, y)], stroke=INK, line=1.8)
        drawing.disc(estimate, y, 4.2, fill=INK, stroke=INK)
    drawing.sign(context.stamps, context.source)
    notes.general(
        f"Preferred terms that {options.least:g}% or more of the subjects of a column had, by the difference; to the right of 0 more often "
        f"with {own}. Not adjusted for the number of terms."
    )
    if few := [term_text(context, TERM, li.term) for li in lines if li.effect[1].warning]:
        notes.general(f"{'; '.join(few)}: {next(li.effect[1].warning for li in lines if li.effect[1].warning)}.")
    safety_notes(main, context, notes, columns, "treatment", "emergent")
    refs = tuple(Ref(key=f.key, stats=(f.stat_name,)) for li in lines for f in (*li.shares, *li.effect))
    fields = head(request, notes, None) | {"population": people(main, context)}
    return Laid(
        document=FigureDocument(svg=f"{name}.svg", alt=alt, width=drawing.width, height=drawing.height, refs=refs, **fields),
        svg=drawing.encode(),
    )


def _empty(request: Request, notes: Notes, pair: tuple[str, str], least: float) -> Laid:
    """The figure in words, where there is nothing to draw."""
    main, context, name = request.ards["main"], request.context, stem(request.id)
    if any(main.size(arm).value == 0 for arm in pair):
        words = f"No difference can be drawn: nobody is in one of {short(context, pair[0])} and {short(context, pair[1])}."
    else:
        words = f"No preferred term was had by {least:g}% or more of the subjects of a column."
    drawing = Drawing(
        width=WIDTH, height=120, title=f"{display_number(request.id)} {request.display.title}", description=words, name=name
    )  # fmt: skip
    drawing.text(EDGE, 50, words, size=SIZE)
    drawing.sign(context.stamps, context.source)
    safety_notes(main, context, notes, (), "treatment", "emergent")
    refs = tuple(Ref(key=size.key, stats=(size.stat_name,)) for size in (main.size(arm) for arm in pair))
    fields = head(request, notes, None) | {"population": people(main, context)}
    document = FigureDocument(svg=f"{name}.svg", alt=words, width=drawing.width, height=drawing.height, refs=refs, **fields)
    return Laid(document=document, svg=drawing.encode())


def _lines(main: Ard, columns: list[str], pair: tuple[str, str], least: float) -> Iterator[_Line]:
    for soc in main.values("variable_level", variable=SOC):
        for term in main.values("variable_level", variable=TERM, group2_level=soc):
            key = {"variable": TERM, "variable_level": term, "group2": SOC, "group2_level": soc}
            shares = tuple(main.get("p", group1_level=c, **key) for c in columns)
            of = key | {"group1_level": pair[0], "comparison": f"{pair[0]} - {pair[1]}"}
            estimate = main.get("estimate", **of)
            if estimate.error or not any(s.value >= least and s.value > 0 for s in shares):
                continue
            yield _Line(term=term, shares=shares, effect=(estimate, main.get("conf_low", **of), main.get("conf_high", **of)))


def _axis(drawing: Drawing, ends: tuple[float, float], left: float, right: float, bottom: float, title: str) -> Callable[[float], float]:
    from mizani.breaks import breaks_extended

    low, high = ends

    def x(value: float) -> float:
        return left + (value - low) / (high - low) * (right - left)

    for tick in (float(b) for b in breaks_extended(n=5)(ends) if low - 1e-9 <= b <= high + 1e-9):
        drawing.path([(x(tick), TOP - 6), (x(tick), bottom)], stroke=HAIR, line=0.8)
        drawing.path([(x(tick), bottom), (x(tick), bottom + 5)], line=0.8)
        drawing.text(x(tick), bottom + 20, number(tick, 0 if tick == int(tick) else 1), size=SMALL, anchor="middle")
    drawing.path([(left, bottom), (right, bottom)], line=0.8)
    half = width(title, SIZE) / 2
    drawing.text(min((left + right) / 2, WIDTH - EDGE - half), bottom + 44, title, size=SIZE, anchor="middle")
    return x


def _colour(context: DisplayContext, arm: str | None) -> str:
    return looks(context.arms)[arm].color if arm is not None else POOL


def _mark(drawing: Drawing, x: float, y: float, place: int, colour: str) -> None:
    """Shapes tell the columns apart without colour."""
    if place % 3 == 0:
        drawing.disc(x, y, 4.6, fill=colour, stroke="#fff")
    elif place % 3 == 1:
        drawing.path([(x - 4.8, y + 4.2), (x + 4.8, y + 4.2), (x, y - 5)], fill=colour, stroke="#fff", closed=True)
    else:
        drawing.rect(x - 4.2, y - 4.2, 8.4, 8.4, fill=colour, stroke="#fff")


def _legend(drawing: Drawing, labels: list[str], colours: list[str]) -> None:
    at = EDGE + 8
    for place, (label, colour) in enumerate(zip(labels, colours, strict=True)):
        _mark(drawing, at, 22, place, colour)
        drawing.text(at + 11, 26.5, label, size=SIZE, fill=SOFT)
        at += 11 + width(label, SIZE) + 28
