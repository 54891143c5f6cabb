"""Drawing estimates with intervals on one axis: labels on the left, numbers on the right."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from nirls.tlf.context import DisplayContext
from nirls.tlf.formats import bind, missing, number
from nirls.tlf.palette import HAIR, INK, KNOWN, SOFT, looks
from nirls.tlf.svg import Drawing
from nirls.tlf.text import width, wrap

WIDTH = 960.0
SIZE, SMALL = 12.0, 11.0
LEAD = 1.36
EDGE, GAP = 10.0, 18.0
"""Pixels from the edge of the drawing, and between labels, plot and numbers."""
WIDEST, SLIMMEST = 310.0, 240.0
"""Widest column of labels; least width of the plot."""
PAD, SPACE = 11.0, 10.0
"""Pixels added to the text of a row, and above a heading."""
GREY = "#737980"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row: `values` are estimate and limits; `reason` stands in their place when there are none."""

    label: str
    heading: str
    arm: str
    aside: bool
    values: tuple[float, float, float]
    effect: str
    p: str
    reason: str
    known: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What the drawing says besides its rows, and the lines down the plot."""

    axis: str
    favours: tuple[str, str]
    effect: str
    known: str
    known_at: float | None
    known_text: str
    primary: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """Places across: labels from EDGE, plot from `left` to `right` for values from `low` to `high`, numbers ending at two places."""

    left: float
    right: float
    low: float
    high: float
    effect: float
    p: float

    def x(self, value: float) -> float:
        return self.left + (value - self.low) / (self.high - self.low) * (self.right - self.left)


def draw(
    rows: Sequence[Line],
    words: Words,
    limits: tuple[float, float] | None,
    context: DisplayContext,
    name: str,
    title: str,
    alt: str,
) -> tuple[bytes, tuple[float, float]]:
    """The figure as SVG, and its size; the same rows always give the same bytes."""
    ticks, ends = _axis(rows, words, limits)
    frame = _frame(rows, words, ends)
    room = frame.left - GAP - EDGE
    top = 3 * SMALL * LEAD + 4
    at, placed = top + 8, []
    for i, row in enumerate(rows):
        heading = wrap(bind(row.heading), SIZE, room, True) if row.heading and row.heading != _before(rows, i) else []
        at += SPACE * bool(heading and i)
        lines = wrap(bind(row.label), SIZE, room - 12, i == 0)
        reason = wrap(f"NE: {row.reason}", SMALL, frame.p - frame.left) if row.reason else []
        placed.append((at, heading, lines, reason))
        at += len(heading) * SIZE * LEAD + max(len(lines) * SIZE, len(reason) * SMALL) * LEAD + PAD
    bottom = at + 4
    title_lines = wrap(words.axis, SIZE, frame.p - frame.left)
    foot = bottom + 24 + len(title_lines) * SIZE * LEAD + 14
    drawing = Drawing(width=WIDTH, height=foot + 24, title=title, description=alt, name=name)
    _grid(drawing, frame, words, ticks, top, bottom)
    for (y, heading, lines, reason), row, first in zip(placed, rows, [True] + [False] * (len(rows) - 1), strict=True):
        _row(drawing, frame, context, row, y, heading, lines, reason, first)
    for k, text in enumerate(title_lines):
        drawing.text((frame.left + frame.right) / 2 if len(title_lines) == 1 and _fits(text, frame) else frame.left,
                     bottom + 26 + SIZE * LEAD * (k + 1), text, size=SIZE,
                     anchor="middle" if len(title_lines) == 1 and _fits(text, frame) else "start")  # fmt: skip
    drawing.sign(context.stamps, context.source, SMALL)
    return drawing.encode(), (drawing.width, drawing.height)


def _fits(text: str, frame: _Frame) -> bool:
    return width(text, SIZE) <= frame.right - frame.left


def _before(rows: Sequence[Line], i: int) -> str:
    """The heading that is in force above row `i`."""
    return next((r.heading for r in reversed(rows[:i]) if r.heading), "")


def _axis(rows: Sequence[Line], words: Words, limits: tuple[float, float] | None) -> tuple[list[float], tuple[float, float]]:
    """Ticks and ends of the axis."""
    from mizani.breaks import breaks_extended

    wanted = [v for r in rows if not r.reason for v in r.values] + [r.known for r in rows if r.known is not None] + [0.0]
    wanted += [words.known_at] if words.known_at is not None else []
    low, high = limits or (min(wanted), max(wanted))
    if not low < high:
        low, high = low - 1, high + 1
    if limits is None:
        low, high = low - (high - low) * 0.04, high + (high - low) * 0.04
    return [float(b) for b in breaks_extended(n=6)((low, high)) if low <= b <= high], (low, high)


def _frame(rows: Sequence[Line], words: Words, ends: tuple[float, float]) -> _Frame:
    p = max([width(r.p, SMALL, True) for r in rows] + [width("p", SMALL, True)])
    effect = max([width(r.effect, SMALL, True) for r in rows if not r.reason] + [width(words.effect, SMALL, True)])
    numbers = effect + GAP + p
    labels = max([width(bind(r.label), SIZE, i == 0) + 14 for i, r in enumerate(rows)])
    left = EDGE + min(labels, WIDEST, WIDTH - 2 * EDGE - numbers - 2 * GAP - SLIMMEST) + GAP
    right = WIDTH - EDGE - numbers - GAP
    return _Frame(left=left, right=right, low=ends[0], high=ends[1], effect=WIDTH - EDGE - p - GAP, p=WIDTH - EDGE)


def _grid(drawing: Drawing, frame: _Frame, words: Words, ticks: list[float], top: float, bottom: float) -> None:
    """Axis, the lines down the plot, and what stands above it."""
    whole = all(t == int(t) for t in ticks)
    for tick in ticks:
        x = frame.x(tick)
        drawing.path([(x, top), (x, bottom)], stroke=HAIR, line=0.8)
        drawing.path([(x, bottom), (x, bottom + 4)], line=0.8)
        drawing.text(x, bottom + 17, number(tick, 0 if whole else 1), size=SMALL, anchor="middle")
    drawing.path([(frame.left, bottom), (frame.right, bottom)], line=0.8)
    if frame.low <= 0 <= frame.high:
        drawing.path([(frame.x(0), top), (frame.x(0), bottom)], line=1.2)
    if not missing(words.primary) and frame.low <= words.primary <= frame.high:
        drawing.path([(frame.x(words.primary), top), (frame.x(words.primary), bottom)], stroke=SOFT, line=1.3, dash="1.5 3")
    if words.known_at is not None and frame.low <= words.known_at <= frame.high:
        x = frame.x(words.known_at)
        text = f"{words.known} {words.known_text}"
        middle = min(max(x, frame.left + width(text, SMALL) / 2), frame.right - width(text, SMALL) / 2)
        drawing.path([(x, top - 5), (x, bottom)], stroke=KNOWN, line=1.3, dash="7 3")
        drawing.text(middle, top - 9, text, size=SMALL, anchor="middle", fill=KNOWN)
    _sides(drawing, frame, words.favours)
    drawing.text(frame.effect, top - 9, words.effect, size=SMALL, bold=True, anchor="end")
    drawing.text(frame.p, top - 9, "p", size=SMALL, bold=True, anchor="end")


def _sides(drawing: Drawing, frame: _Frame, favours: tuple[str, str]) -> None:
    """Which side of 0 favours which arm: an arrow on either side, its words in two lines where one has no room."""
    if not any(favours):
        return
    zero = min(max(frame.x(0), frame.left), frame.right)
    left, right = (f"\N{LEFTWARDS ARROW} {favours[0]}", f"{favours[1]} \N{RIGHTWARDS ARROW}")
    gap = 8.0
    start = max(zero - gap, EDGE + width(left, SMALL))
    drawing.text(start, SMALL * LEAD, left, size=SMALL, anchor="end", fill=SOFT)
    from_here = max(zero, start) + gap
    drawing.text(min(from_here, WIDTH - EDGE - width(right, SMALL)), SMALL * LEAD, right, size=SMALL, fill=SOFT)


def _row(
    drawing: Drawing, frame: _Frame, context: DisplayContext, row: Line, y: float, heading: list[str], lines: list[str],
    reason: list[str], first: bool,
) -> None:  # fmt: skip
    for text in heading:
        y += SIZE * LEAD
        drawing.text(EDGE, y - SIZE * 0.3, text, size=SIZE, bold=True)
    colour = GREY if row.aside else looks(context.arms)[row.arm].color
    ink = SOFT if row.aside else INK
    high = max(len(lines) * SIZE, len(reason) * SMALL) * LEAD
    centre = y + high / 2
    for k, text in enumerate(lines):
        base = centre + (k - (len(lines) - 1) / 2) * SIZE * LEAD + SIZE * 0.36
        drawing.text(EDGE + 12, base, text, size=SIZE, bold=first, fill=ink)
    if reason:
        drawing.rect(frame.left - 2, centre - high / 2, max(width(t, SMALL) for t in reason) + 6, high, stroke="none", line=0)
        for k, text in enumerate(reason):
            drawing.text(frame.left, centre + (k - (len(reason) - 1) / 2) * SMALL * LEAD + SMALL * 0.36, text, size=SMALL, fill=SOFT)
    else:
        _interval(drawing, frame, row, centre, colour, first)
        for x, text in ((frame.effect, row.effect), (frame.p, row.p)):
            drawing.text(x, centre + SMALL * 0.36, text, size=SMALL, bold=first, anchor="end", fill=ink)
    if row.known is not None and frame.low <= row.known <= frame.high:
        x, r = frame.x(row.known), 4.2
        below = centre + 9
        drawing.path([(x, below - r), (x + r, below), (x, below + r), (x - r, below)], stroke=KNOWN, fill="#fff", line=1.4, closed=True)


def _interval(drawing: Drawing, frame: _Frame, row: Line, y: float, colour: str, first: bool) -> None:
    """The interval, cut with an arrow at the end of the axis, and the estimate if it lies on it."""
    estimate, low, high = row.values
    thick = 2.4 if first else 1.7
    ends = []
    for value, outside in ((low, _beyond(low, frame.low)), (high, _beyond(-high, -frame.high))):
        ends.append((frame.x(min(max(value, frame.low), frame.high)), outside))
    drawing.path([(ends[0][0], y), (ends[1][0], y)], stroke=colour, line=thick)
    for (x, outside), sign in zip(ends, (-1, 1), strict=True):
        if outside:
            drawing.path([(x - sign * 7, y - 4), (x, y), (x - sign * 7, y + 4)], stroke=colour, line=thick)
        else:
            drawing.path([(x, y - 4), (x, y + 4)], stroke=colour, line=thick)
    if frame.low <= estimate <= frame.high:
        drawing.disc(frame.x(estimate), y, 5.4 if first else 4.4, fill="#fff" if row.aside else colour, stroke=colour, line=1.7)


def _beyond(value: float, limit: float) -> bool:
    """True when `value` lies below `limit`; infinite limits of an interval do."""
    return value < limit or (math.isinf(value) and value < 0)
