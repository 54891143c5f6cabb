"""Drawing means by dose with fitted curves, their average and its band, and the window of doses with the effect asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nirls.tlf.context import DisplayContext
from nirls.tlf.figures import apart
from nirls.tlf.formats import bind, missing, number
from nirls.tlf.palette import HAIR, INK, KNOWN, SOFT, looks
from nirls.tlf.svg import Drawing
from nirls.tlf.text import width, wrap

WIDTH = 960.0
SIZE, SMALL = 12.0, 11.0
LEAD = 1.36
EDGE, LEFT = 10.0, 58.0
PANEL = 400.0
"""Height of the plot, pixels."""
LEADER = 22.0
"""Pixels between the end of a curve and its label."""
BAND, LINE, WINDOW = "#f3d3cc", "#a3262a", "#eef3e6"
EDGE_OF_WINDOW = "#5f7a34"
DASHES = ("", "7 3", "2 3", "9 3 2 3", "4 2", "1 2", "12 4", "6 2 1 2 1 2")

Curve = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """An observed mean: arm, dose, mean and limits, subjects, and the true mean where it is known."""

    arm: str
    dose: float
    mean: float
    low: float
    high: float
    n: str
    known: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What is drawn.

    Attributes
    ----------
    curves : dict of str to Curve
        Label of a model → its curve.
    average, low, high : Curve
        Empty where there is none.
    window : (float, float) or None
        Target dose and upper edge, the latter at most the highest dose.
    interval : (float, float) or None
        Limits of the target dose, within the doses.
    window_text : str
    effect : float or None
        Mean at which the effect asked for is reached.
    effect_text : str
    known_target : float or None
    """

    points: Sequence[Point]
    curves: dict[str, Curve]
    average: Curve
    low: Curve
    high: Curve
    window: tuple[float, float] | None
    interval: tuple[float, float] | None
    window_text: str
    effect: float | None
    effect_text: str
    known_target: float | None
    y_title: str
    x_title: str
    ci: str
    band: str
    known_label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    left: float
    right: float
    top: float
    bottom: float
    highest: float
    low: float
    high: float

    def x(self, dose: float) -> float:
        return self.left + 14 + dose / self.highest * (self.right - self.left - 28)

    def y(self, value: float) -> float:
        return self.bottom - (value - self.low) / (self.high - self.low) * (self.bottom - self.top)


def draw(what: Picture, context: DisplayContext, name: str, title: str, alt: str) -> tuple[bytes, tuple[float, float]]:
    """The figure as SVG, and its size; the same picture always gives the same bytes."""
    from mizani.breaks import breaks_extended

    values = [v for p in what.points for v in (p.mean, p.low, p.high, p.known) if not missing(v)]
    values += [y for curve in (*what.curves.values(), what.average, what.low, what.high) for _, y in curve]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    low, high = low - (high - low) * 0.08 - 1e-9, high + (high - low) * 0.1 + 1e-9
    names = max([width(t, SMALL) for t in what.curves] + [width("Model average", SIZE, True) if what.average else 0.0])
    legend = _legend_lines(what)
    heading = wrap(bind(what.y_title), SIZE, WIDTH - 2 * EDGE)
    top = 8 + len(heading) * SIZE * LEAD + len(legend) * 20 + 12
    frame = _Frame(
        left=LEFT, right=WIDTH - EDGE - names - LEADER - 6, top=top, bottom=top + PANEL,
        highest=max((p.dose for p in what.points), default=1.0) or 1.0, low=low, high=high,
    )  # fmt: skip
    drawing = Drawing(width=WIDTH, height=frame.bottom + 96, title=title, description=alt, name=name)
    for k, text in enumerate(heading):
        drawing.text(EDGE, 4 + (k + 1) * SIZE * LEAD, text, size=SIZE)
    _legend(drawing, what, legend, 8 + len(heading) * SIZE * LEAD)
    _window(drawing, what, frame)
    _axes(drawing, what, frame, [float(b) for b in breaks_extended(n=6)((low, high)) if low <= b <= high])
    _curves(drawing, what, frame)
    _points(drawing, what, frame, context)
    drawing.sign(context.stamps, context.source, SMALL)
    return drawing.encode(), (drawing.width, drawing.height)


def _legend_lines(what: Picture) -> list[list[tuple[str, str]]]:
    """Symbols with their words, broken into lines that fit."""
    items = [("point", f"LS mean, {what.ci}")]
    if what.average:
        items += [("average", "Model average"), ("band", what.band)]
    if what.curves:
        items.append(("curve", "Candidate model"))
    if what.window is not None:
        items.append(("window", "Target window"))
    if any(p.known is not None for p in what.points) or what.known_target is not None:
        items.append(("known", what.known_label))
    lines: list[list[tuple[str, str]]] = [[]]
    used = EDGE
    for item in items:
        need = 40 + width(item[1], SMALL) + 18
        if used + need > WIDTH - EDGE and lines[-1]:
            lines.append([])
            used = EDGE
        lines[-1].append(item)
        used += need
    return lines


def _legend(drawing: Drawing, what: Picture, lines: list[list[tuple[str, str]]], top: float) -> None:
    for k, items in enumerate(lines):
        x, y = EDGE, top + 12 + k * 20
        for kind, text in items:
            middle = x + 16
            if kind == "point":
                drawing.path([(middle, y - 8), (middle, y + 8)], line=1.6)
                drawing.disc(middle, y, 4)
            elif kind == "average":
                drawing.path([(x, y), (x + 32, y)], stroke=LINE, line=3)
            elif kind == "band":
                drawing.rect(x, y - 7, 32, 14, fill=BAND, stroke="none", line=0)
            elif kind == "curve":
                drawing.path([(x, y), (x + 32, y)], stroke=SOFT, line=1.2, dash="7 3")
            elif kind == "window":
                drawing.rect(x, y - 7, 32, 14, fill=WINDOW, stroke=EDGE_OF_WINDOW, line=1)
            else:
                _diamond(drawing, middle, y)
            drawing.text(x + 40, y + SMALL * 0.36, text, size=SMALL)
            x += 40 + width(text, SMALL) + 18


def _diamond(drawing: Drawing, x: float, y: float, r: float = 5.0) -> None:
    drawing.path([(x, y - r), (x + r, y), (x, y + r), (x - r, y)], stroke=KNOWN, fill="#fff", line=1.6, closed=True)


def _window(drawing: Drawing, what: Picture, frame: _Frame) -> None:
    """The shaded window."""
    if what.window is not None:
        left, right = (frame.x(v) for v in what.window)
        drawing.rect(left, frame.top, max(right - left, 1.0), frame.bottom - frame.top, fill=WINDOW, stroke="none", line=0)
        drawing.path([(left, frame.top), (left, frame.bottom)], stroke=EDGE_OF_WINDOW, line=1.3)
        if what.window[1] < frame.highest:
            drawing.path([(right, frame.top), (right, frame.bottom)], stroke=EDGE_OF_WINDOW, line=1.3)


def _axes(drawing: Drawing, what: Picture, frame: _Frame, ticks: list[float]) -> None:
    whole = all(t == int(t) for t in ticks)
    for tick in ticks:
        drawing.path([(frame.left, frame.y(tick)), (frame.right, frame.y(tick))], stroke=HAIR, line=0.8)
        drawing.text(frame.left - 6, frame.y(tick) + SMALL * 0.36, number(tick, 0 if whole else 1), size=SMALL, anchor="end")
    drawing.path([(frame.left, frame.bottom), (frame.right, frame.bottom)], line=1)
    drawing.text(frame.left - 6, frame.bottom + 37, "n", size=SMALL, anchor="end", fill=SOFT)
    for p in what.points:
        x = frame.x(p.dose)
        drawing.path([(x, frame.bottom), (x, frame.bottom + 5)], line=1)
        drawing.text(x, frame.bottom + 19, f"{p.dose:g}", size=SMALL, anchor="middle")
        drawing.text(x, frame.bottom + 37, p.n, size=SMALL, anchor="middle", fill=SOFT)
    drawing.text((frame.left + frame.right) / 2, frame.bottom + 58, what.x_title, size=SIZE, anchor="middle")
    if what.known_target is not None and what.known_target <= frame.highest:
        _diamond(drawing, frame.x(what.known_target), frame.bottom)


def _curves(drawing: Drawing, what: Picture, frame: _Frame) -> None:
    def along(curve: Curve) -> list[tuple[float, float]]:
        return [(frame.x(d), frame.y(v)) for d, v in curve]

    if what.low and what.high:
        drawing.path([*along(what.low), *along(what.high)[::-1]], stroke="none", fill=BAND, line=0, closed=True)
    if what.window is not None:  # over the band, so that the edge is seen all the way
        drawing.path([(frame.x(what.window[0]), frame.top), (frame.x(what.window[0]), frame.bottom)], stroke=EDGE_OF_WINDOW, line=1.3)
    seen = what.effect is not None and frame.low <= what.effect <= frame.high
    if what.effect is not None and seen:
        y = frame.y(what.effect)
        drawing.path([(frame.left, y), (frame.right, y)], stroke=EDGE_OF_WINDOW, line=1.1, dash="2 3")
    labels = []
    for k, (name, curve) in enumerate(what.curves.items()):
        drawing.path(along(curve), stroke=SOFT, line=1.2, dash=DASHES[k % len(DASHES)])
        labels.append((name, curve[-1][1], False))
    if what.average:
        drawing.path(along(what.average), stroke=LINE, line=3)
        labels.append(("Model average", what.average[-1][1], True))
    end = frame.x(frame.highest)
    places = apart([-frame.y(v) for _, v, _ in labels], SIZE * 1.3, -frame.bottom + 8, -frame.top - 8)
    for (text, value, bold), place in zip(labels, places, strict=True):
        y, tip = -place, frame.right + LEADER - 4
        drawing.path([(end + 3, frame.y(value)), (tip, y)], stroke=LINE if bold else SOFT, line=0.7)
        drawing.text(tip + 4, y + SMALL * 0.36, text, size=SIZE if bold else SMALL, bold=bold, fill=LINE if bold else INK)
    # the words of the window and of its effect last, on a light edge, so that no curve runs through them
    if what.effect is not None and seen:
        drawing.text(frame.left + 6, frame.y(what.effect) - 5, what.effect_text, size=SMALL, fill=EDGE_OF_WINDOW, halo="#ffffff")
    start = frame.left if what.window is None else frame.x(what.window[0])
    lines = wrap(bind(what.window_text), SMALL, frame.right - frame.left - 12, True)
    x = max(frame.left + 6, min(start + 6, frame.right - max(width(t, SMALL, True) for t in lines) - 4))
    for k, text in enumerate(lines):
        drawing.text(x, frame.top + 14 + k * SMALL * LEAD, text, size=SMALL, bold=True, fill=EDGE_OF_WINDOW, halo="#ffffff")
    if what.interval is not None and what.window is not None:
        y, ends = frame.bottom - 14, [frame.x(v) for v in what.interval]
        drawing.path([(ends[0], y), (ends[1], y)], stroke=EDGE_OF_WINDOW, line=2.4)
        drawing.path([(ends[0], y - 4), (ends[0], y + 4)], stroke=EDGE_OF_WINDOW, line=2.4)
        drawing.disc(frame.x(what.window[0]), y, 4.5, fill=EDGE_OF_WINDOW, stroke=EDGE_OF_WINDOW)
        tip = [(ends[1] - 6, y - 4), (ends[1], y), (ends[1] - 6, y + 4)] if what.interval[1] >= frame.highest else [
            (ends[1], y - 4), (ends[1], y + 4)
        ]  # fmt: skip
        drawing.path(tip, stroke=EDGE_OF_WINDOW, line=2.4)


def _points(drawing: Drawing, what: Picture, frame: _Frame, context: DisplayContext) -> None:
    style = looks(context.arms)
    for p in what.points:
        x, colour = frame.x(p.dose), style[p.arm].color
        if not missing(p.mean):
            if not missing(p.low) and not missing(p.high):
                low, high = frame.y(p.low), frame.y(p.high)
                drawing.path([(x, low), (x, high)], stroke=colour, line=1.8)
                for y in (low, high):
                    drawing.path([(x - 4, y), (x + 4, y)], stroke=colour, line=1.8)
            drawing.disc(x, frame.y(p.mean), 5, fill=colour, stroke="#ffffff", line=1.2)
        if p.known is not None:
            _diamond(drawing, x + 11, frame.y(p.known))
            drawing.path([(x + 1, frame.y(p.known)), (x + 6, frame.y(p.known))], stroke=KNOWN, line=1)
