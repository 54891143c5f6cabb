"""Drawing a map of differences over two δ: coloured cells, the line of significance, a scale of colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nirls.tlf.context import DisplayContext
from nirls.tlf.formats import missing, number
from nirls.tlf.palette import INK, SOFT, contrast, diverging
from nirls.tlf.svg import Drawing
from nirls.tlf.text import width, wrap

WIDTH = 960.0
SIZE, SMALL = 12.0, 11.0
LEAD = 1.36
LEFT, SIDE = 52.0, 250.0
"""Pixels for the ticks on the left, and for the legend on the right."""
WIDEST, HIGHEST, TALLEST = 76.0, 36.0, 430.0
"""Largest cell, and the height of the map that cells shrink to."""
SHADES = 201
Point = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One node of the grid; `reason` says why it is not estimable."""

    active: float
    reference: float
    estimate: float
    low: float
    high: float
    p: float
    significant: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Map:
    """Nodes and words of the map; `better` is −1 where low differences favour the active arm, 1 where high ones do, 0 unknown."""

    nodes: tuple[Node, ...]
    x_title: str
    y_title: str
    legend: str
    line: str
    bold: str
    words: tuple[str, ...]
    better: int
    tipping: float
    digits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grid:
    """Where nodes are drawn; the first row is the highest δ of the reference arm."""

    xs: tuple[float, ...]
    ys: tuple[float, ...]
    left: float
    top: float
    w: float
    h: float

    def x(self, delta: float) -> float:
        return self.left + self.w * (0.5 + _place(self.xs, delta))

    def y(self, delta: float) -> float:
        return self.top + self.h * (len(self.ys) - 0.5 - _place(self.ys, delta))

    @property
    def right(self) -> float:
        return self.left + self.w * len(self.xs)

    @property
    def bottom(self) -> float:
        return self.top + self.h * len(self.ys)


def _place(levels: Sequence[float], delta: float) -> float:
    """Place of a δ among equally spaced levels, in steps."""
    return 0.0 if len(levels) == 1 else (delta - levels[0]) / (levels[1] - levels[0])


def draw(what: Map, context: DisplayContext, name: str, title: str, alt: str) -> tuple[bytes, tuple[float, float]]:
    """The figure as SVG, and its size; the same map always gives the same bytes."""
    xs, ys = (tuple(sorted({getattr(n, side) for n in what.nodes})) for side in ("active", "reference"))
    room = WIDTH - LEFT - SIDE - 34
    y_title = wrap(what.y_title, SIZE, WIDTH - 20)
    grid = _Grid(
        xs=xs, ys=ys, left=LEFT, top=14 + len(y_title) * SIZE * LEAD, w=min(WIDEST, room / len(xs)), h=min(HIGHEST, TALLEST / len(ys))
    )
    x_title = wrap(what.x_title, SIZE, WIDTH - LEFT - 20)
    bottom = grid.bottom + 24 + len(x_title) * SIZE * LEAD
    drawing = Drawing(width=WIDTH, height=0, title=title, description=alt, name=name)
    for k, text in enumerate(y_title):
        drawing.text(10, (k + 1) * SIZE * LEAD, text, size=SIZE)
    colors = _colors(what)
    _cells(drawing, what, grid, colors)
    for limits in ([n.low for n in what.nodes], [n.high for n in what.nodes]):
        for curve in contours(what.nodes, limits, grid.xs, grid.ys):
            drawing.path([(grid.x(x), grid.y(y)) for x, y in curve], stroke="#ffffff", line=5)
            drawing.path([(grid.x(x), grid.y(y)) for x, y in curve], line=2.4)
    printed = _estimates(drawing, what, grid, colors)
    _marks(drawing, what, grid)
    _ticks(drawing, grid)
    for k, text in enumerate(x_title):
        drawing.text(LEFT, grid.bottom + 22 + (k + 1) * SIZE * LEAD, text, size=SIZE)
    end = _legend(drawing, what, grid, colors, printed)
    drawing.height = max(bottom, end) + 34
    drawing.sign(context.stamps, context.source, SMALL)
    return drawing.encode(), (drawing.width, drawing.height)


def _colors(what: Map) -> tuple[float, list[str]]:
    """Largest absolute difference, and shades from the lowest to the highest value of the scale."""
    most = max([abs(n.estimate) for n in what.nodes if not missing(n.estimate)] or [1.0]) or 1.0
    ramp = diverging(SHADES)  # from good to bad
    return most, ramp[::-1] if what.better > 0 else ramp


def _color(value: float, scale: tuple[float, list[str]]) -> str:
    most, ramp = scale
    return ramp[round((value / most + 1) / 2 * (SHADES - 1))]


def _cells(drawing: Drawing, what: Map, grid: _Grid, colors: tuple[float, list[str]]) -> None:
    for n in what.nodes:
        x, y = grid.x(n.active) - grid.w / 2, grid.y(n.reference) - grid.h / 2
        if n.reason:
            _hatched(drawing, x, y, grid.w, grid.h)
        else:
            fill = _color(n.estimate, colors)
            drawing.rect(x, y, grid.w, grid.h, fill=fill, stroke="#ffffff" if grid.w > 8 else fill, line=0.6)


def _estimates(drawing: Drawing, what: Map, grid: _Grid, colors: tuple[float, list[str]]) -> bool:
    """The estimates over cells and line, in the study's decimals or one where there is less room; False where there is none."""
    shown = [n for n in what.nodes if not n.reason]
    choices = dict.fromkeys((what.digits, min(what.digits, 1))) if grid.h >= SMALL * 1.25 else {}
    fits = [d for d in choices if max([width(number(n.estimate, d), SMALL, True) for n in shown] or [0]) + 4 <= grid.w]
    for n in shown if fits else ():
        fill = _color(n.estimate, colors)
        ink = INK if contrast(fill, INK) >= contrast(fill) else "#ffffff"
        beside = n.reference == 0 and abs(n.active - what.tipping) < 0.6 * (grid.xs[1] - grid.xs[0] if len(grid.xs) > 1 else 0)
        up = max(grid.h / 2 - SMALL * 0.7, 0.0) if beside else 0.0  # above the mark of the tipping point
        drawing.text(
            grid.x(n.active), grid.y(n.reference) + SMALL * 0.36 - up, number(n.estimate, fits[0]), size=SMALL, bold=n.significant,
            anchor="middle", fill=ink, halo=fill,
        )  # fmt: skip
    return bool(fits)


def _hatched(drawing: Drawing, x: float, y: float, w: float, h: float) -> None:
    """A cell with stripes from lower left to upper right."""
    drawing.rect(x, y, w, h, fill="#ffffff", stroke=SOFT, line=0.6)
    step = 6.0
    k = step
    while k < w + h:
        a, b = (min(k, w), max(k - w, 0.0)), (max(k - h, 0.0), min(k, h))
        drawing.path([(x + a[0], y + a[1]), (x + b[0], y + b[1])], stroke=SOFT, line=0.7)
        k += step


def contours(nodes: Sequence[Node], values: Sequence[float], xs: Sequence[float], ys: Sequence[float]) -> list[list[Point]]:
    """Lines in δ along which a quantity given at the nodes is 0, interpolated linearly; a single row or column is drawn across itself."""
    import numpy as np
    from contourpy import contour_generator

    at = {(n.active, n.reference): v for n, v in zip(nodes, values, strict=True)}
    z = np.array([[at[x, y] for x in xs] for y in ys], dtype=float)
    x, y = np.array(xs), np.array(ys)
    if len(ys) == 1:
        z, y = np.vstack([z, z]), np.array([ys[0] - 0.5, ys[0] + 0.5])
    if len(xs) == 1:
        z, x = np.hstack([z, z]), np.array([xs[0] - 0.5, xs[0] + 0.5])
    lines = contour_generator(x, y, np.ma.masked_invalid(z)).lines(0.0)
    return [[(float(a), float(b)) for a, b in line] for line in lines]


def _marks(drawing: Drawing, what: Map, grid: _Grid) -> None:
    """The frame of δ = 0 in both arms, and the tipping point."""
    inside = grid.ys[0] <= 0 <= grid.ys[-1]
    if inside and grid.xs[0] <= 0 <= grid.xs[-1]:
        x, y = grid.x(0), grid.y(0)
        if 0 in grid.xs and 0 in grid.ys and grid.w >= 8:
            drawing.rect(x - grid.w / 2, y - grid.h / 2, grid.w, grid.h, fill="none", stroke="#ffffff", line=6)
            drawing.rect(x - grid.w / 2, y - grid.h / 2, grid.w, grid.h, fill="none", line=2.4)
        else:
            drawing.disc(x, y, 4.5, fill="none", line=2.2)
    if inside and not missing(what.tipping) and grid.xs[0] <= what.tipping <= grid.xs[-1]:
        x, y = grid.x(what.tipping), grid.y(0)
        drawing.path([(x, y - 7), (x + 7, y), (x, y + 7), (x - 7, y)], fill="#ffffff", line=2, closed=True)


def _ticks(drawing: Drawing, grid: _Grid) -> None:
    def label(value: float) -> str:
        return f"{value:g}".replace("-", "\N{MINUS SIGN}")

    widest = max(width(label(v), SMALL) for v in grid.xs) + 6
    every = next(k for k in range(1, len(grid.xs) + 1) if k * grid.w >= widest)
    for i, v in enumerate(grid.xs):
        if i % every == 0:
            drawing.text(grid.x(v), grid.bottom + 16, label(v), size=SMALL, anchor="middle")
    every = next(k for k in range(1, len(grid.ys) + 1) if k * grid.h >= SMALL * 1.2 or k == len(grid.ys))
    for i, v in enumerate(grid.ys):
        if i % every == 0:
            drawing.text(LEFT - 8, grid.y(v) + SMALL * 0.36, label(v), size=SMALL, anchor="end")


def _legend(drawing: Drawing, what: Map, grid: _Grid, colors: tuple[float, list[str]], printed: bool) -> float:
    """Scale of colours, keys and what the map says in words; gives where it ends."""
    left = max(grid.right + 30, WIDTH - SIDE - 160) if grid.right < WIDTH - SIDE - 190 else WIDTH - SIDE
    room = WIDTH - left - 10
    y = grid.top

    def say(text: str, bold: bool = False, indent: float = 0.0) -> None:
        nonlocal y
        for line in wrap(text, SMALL, room - indent, bold):
            y += SMALL * LEAD
            drawing.text(left + indent, y, line, size=SMALL, bold=bold)

    say(what.legend, True)
    y += 7
    most, bar, parts = colors[0], min(room, 220.0), 44
    for k in range(parts):
        fill = _color(most * (2 * (k + 0.5) / parts - 1), colors)
        drawing.rect(left + bar * k / parts, y, bar / parts + 0.4, 12, fill=fill, stroke=fill, line=0)
    for share, anchor in ((0.0, "start"), (0.5, "middle"), (1.0, "end")):
        text = number(most * (2 * share - 1), 1)
        drawing.text(left + bar * share, y + 12 + SMALL * LEAD, text, size=SMALL, anchor=anchor)
    y += 12 + SMALL * LEAD + 12
    crossed = any(contours(what.nodes, [getattr(n, side) for n in what.nodes], grid.xs, grid.ys) for side in ("low", "high"))
    keys = [(what.line, "line")] if crossed else []
    keys += [("δ = 0 in both arms", "frame")] if grid.ys[0] <= 0 <= grid.ys[-1] and grid.xs[0] <= 0 <= grid.xs[-1] else []
    if not missing(what.tipping) and grid.xs[0] <= what.tipping <= grid.xs[-1] and grid.ys[0] <= 0 <= grid.ys[-1]:
        keys.append(("tipping point", "diamond"))
    for reason in dict.fromkeys(n.reason for n in what.nodes if n.reason):
        keys.append((f"not estimable: {reason}", "hatch"))
    for text, key in keys:
        middle = y + SMALL * LEAD - SMALL * 0.36
        if key == "line":
            drawing.path([(left, middle), (left + 22, middle)], line=2.4)
        elif key == "frame":
            drawing.rect(left + 4, middle - 6, 14, 12, fill="none", line=2.2)
        elif key == "diamond":
            x = left + 11
            drawing.path([(x, middle - 6), (x + 6, middle), (x, middle + 6), (x - 6, middle)], fill="#ffffff", line=2, closed=True)
        else:
            _hatched(drawing, left, middle - 7, 22, 14)
        say(text, indent=30)
        y += 6
    if printed:
        say(what.bold)
    for text in what.words:
        y += 9
        say(text)
    return y
