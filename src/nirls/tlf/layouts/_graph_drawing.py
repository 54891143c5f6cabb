"""Drawing a graph of hypotheses: boxes in columns, arrows bent around boxes and other arrows, shares on the arrows."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nirls.tlf.context import DisplayContext
from nirls.tlf.formats import NBSP, bind
from nirls.tlf.palette import INK, SOFT
from nirls.tlf.svg import Drawing
from nirls.tlf.text import width, wrap

WIDTH = 1240.0
SIZE, SMALL = 12.0, 11.0
LEAD = 1.36
PAD = 9.0
WIDEST, NARROWEST = 210.0, 110.0
GAP_X, GAP_Y = 90.0, 64.0
MARGIN, ABOVE = 70.0, 140.0
"""Room for arrows around the outermost boxes; what is not used above and below is cut off."""
RING = 12
"""Up to this many hypotheses are set around an ellipse when in columns an arrow would run through a box."""
COLUMNS = 6
"""Further columns begin a new band below."""
DONE = "#2b6a4d"
BENDS = (0.0, 0.14, -0.14, 0.24, -0.24, 0.36, -0.36, 0.5, -0.5, 0.7, -0.7)
"""How far an arrow may leave the straight line, in parts of its length; tried in this order."""
_SAMPLES = 60
Point = tuple[float, float]
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A hypothesis: bold name, label, further lines; `marked` draws the edge of a rejected one."""

    name: str
    label: str
    lines: tuple[str, ...]
    marked: bool


def places_of(names: Sequence[str], edges: Mapping[tuple[str, str], str], weights: Mapping[str, float]) -> dict[str, Point]:
    """Column and row of each hypothesis: column by the fewest transitions from a hypothesis with weight, rows in order."""
    column = {name: 0 for name in names if weights.get(name, 0) > 0}
    todo = list(column)
    while todo:
        at = todo.pop(0)
        for i, j in edges:
            if i == at and j not in column:
                column[j] = column[at] + 1
                todo.append(j)
    out: dict[str, Point] = {}
    filled: dict[int, int] = {}
    for name in names:
        c = column.get(name, 0)
        out[name] = (float(c), float(filled.get(c, 0)))
        filled[c] = filled.get(c, 0) + 1
    most = max(filled.values())
    shift = {c: (most - n) / 2 for c, n in filled.items()}
    return {name: (c % COLUMNS, r + shift[int(c)] + (c // COLUMNS) * most) for name, (c, r) in out.items()}


def ring(names: Sequence[str]) -> dict[str, Point]:
    """The hypotheses around an ellipse, clockwise from the left: no straight arrow runs through a third box."""
    n, high = len(names), max(1.0, len(names) / 4)
    angles = [2 * math.pi * k / n for k in range(n)]
    return {name: (round(1.5 * (1 - math.cos(a)), 6), round(high * (1 - math.sin(a)), 6)) for name, a in zip(names, angles, strict=True)}


def _broken(node: Node, room: float) -> list[tuple[str, float, bool, str]]:
    """Lines of a box as (text, size, bold, colour)."""
    lines = [(t, SIZE, True, INK) for t in wrap(node.name, SIZE, room, True)]
    lines += [(t, SIZE, False, INK) for t in wrap(_bound(node.label), SIZE, room)]
    for text in node.lines:
        colour = DONE if node.marked and text.startswith("rejected") else SOFT
        lines += [(t, SMALL, False, colour) for t in wrap(text, SMALL, room)]
    return lines


def _bound(text: str) -> str:
    """Numbers stay with the word they count: "850 nm", "week 4"."""
    return re.sub(r"(?i)\b(week|day|visit) (?=\d)", rf"\1{NBSP}", bind(text))


def _curve(a: Point, b: Point, bend: float) -> list[Point]:
    """Quadratic curve from a to b, bent to the right of its direction by `bend` of its length."""
    mx, my = (a[0] + b[0]) / 2 - 2 * bend * (b[1] - a[1]), (a[1] + b[1]) / 2 + 2 * bend * (b[0] - a[0])
    points = []
    for k in range(_SAMPLES + 1):
        t = k / _SAMPLES
        u, v, w = (1 - t) ** 2, 2 * t * (1 - t), t * t
        points.append((u * a[0] + v * mx + w * b[0], u * a[1] + v * my + w * b[1]))
    return points


def _inside(p: Point, box: Box, margin: float = 0.0) -> bool:
    return box[0] - margin < p[0] < box[0] + box[2] + margin and box[1] - margin < p[1] < box[1] + box[3] + margin


def _clip(points: list[Point], start: Box, end: Box) -> list[Point]:
    """The part of a curve between two boxes; its ends lie on their outlines."""
    first = next((k for k, p in enumerate(points) if not _inside(p, start)), 0)
    last = next((k for k in range(len(points) - 1, -1, -1) if not _inside(points[k], end)), len(points) - 1)
    if first > last:
        return []
    out = points[first : last + 1]
    if first:
        out = [_edge(points[first - 1], points[first], start), *out]
    if last < len(points) - 1:
        out = [*out, _edge(points[last + 1], points[last], end)]
    return out


def _edge(inner: Point, outer: Point, box: Box) -> Point:
    """Where the segment from inside to outside crosses the outline."""
    low, high = 0.0, 1.0
    for _ in range(30):
        mid = (low + high) / 2
        p = (inner[0] + mid * (outer[0] - inner[0]), inner[1] + mid * (outer[1] - inner[1]))
        low, high = (mid, high) if _inside(p, box) else (low, mid)
    return (inner[0] + high * (outer[0] - inner[0]), inner[1] + high * (outer[1] - inner[1]))


def _cost(points: list[Point], others: list[Box], drawn: list[list[Point]], bend: float, frame: Box) -> float:
    """What speaks against a curve: boxes it runs through, arrows it runs along, its bend, leaving the frame."""
    through = sum(_inside(p, box, 8) for p in points for box in others)
    outside = sum(not _inside(p, frame) for p in points)
    along = sum(min(math.dist(p, q) for q in curve) < 12 for curve in drawn for p in points[3:-3:3]) if drawn else 0
    return 40.0 * through + 40.0 * outside + 3.0 * along + 12.0 * abs(bend)


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]


def _label(text: str, curve: list[Point], taken: list[Box], curves: list[list[Point]]) -> Box:
    """A place for the share on its arrow, clear of boxes, other shares and other arrows where it can be."""
    w, h = width(text, SMALL, True) + 8, SMALL + 6
    best, least = (0.0, 0.0, w, h), math.inf
    for rank, t in enumerate((0.36, 0.44, 0.28, 0.52, 0.6, 0.2, 0.68, 0.76)):
        x, y = curve[round(t * (len(curve) - 1))]
        box = (x - w / 2, y - h / 2, w, h)
        cost = rank + 100 * sum(_overlap((x - w / 2 - 6, y - h / 2 - 4, w + 12, h + 8), other) for other in taken)
        cost += 20 * sum(any(_inside(p, box, 6) for p in other) for other in curves if other is not curve)
        if cost < least:
            best, least = box, cost
    return best


def _routed(
    nodes: Sequence[Node], edges: Mapping[tuple[str, str], str], at: Mapping[str, Point]
) -> tuple[dict[str, Box], dict[str, list[tuple[str, float, bool, str]]], dict[tuple[str, str], list[Point]], int]:
    """Boxes, their lines, arrows, and how many points of arrows lie in boxes they do not belong to."""
    columns, low = max(c for c, _ in at.values()) + 1, min(r for _, r in at.values())
    w = max(NARROWEST, min(WIDEST, (WIDTH - 2 * MARGIN - (columns - 1) * GAP_X) / columns))
    pitch = min((WIDTH - 2 * MARGIN - w) / max(columns - 1, 1), w + 2.2 * GAP_X)
    left = (WIDTH - w - pitch * (columns - 1)) / 2
    lines = {n.name: _broken(n, (w - 2 * PAD) * 0.97) for n in nodes}
    h = max(2 * PAD - 4 + sum(size * LEAD for _, size, _, _ in broken) for broken in lines.values())
    boxes: dict[str, Box] = {n: (left + c * pitch, ABOVE + (r - low) * (h + GAP_Y), w, h) for n, (c, r) in at.items()}
    frame = (8.0, 8.0, WIDTH - 16, max(y for _, y, _, _ in boxes.values()) + h + ABOVE - 16)
    middle = {n: (x + w / 2, y + h / 2) for n, (x, y, _, _) in boxes.items()}

    curves: dict[tuple[str, str], list[Point]] = {}
    through = 0
    for i, j in sorted(edges, key=lambda e: (math.dist(middle[e[0]], middle[e[1]]), e)):
        others = [box for n, box in boxes.items() if n not in (i, j)]
        choices = []
        for rank, bend in enumerate(BENDS):
            if bend == 0.0 and (j, i) in edges:
                continue
            curve = _clip(_curve(middle[i], middle[j], bend), boxes[i], boxes[j])
            if len(curve) > 1:
                choices.append((_cost(curve, others, list(curves.values()), bend, frame), rank, curve))
        curves[i, j] = min(choices, key=lambda c: c[:2])[2]
        through += sum(_inside(p, box) for p in curves[i, j] for box in others)
    return boxes, lines, curves, through


def draw(
    nodes: Sequence[Node],
    edges: Mapping[tuple[str, str], str],
    places: Mapping[str, Point],
    weights: Mapping[str, float],
    context: DisplayContext,
    name: str,
    title: str,
    alt: str,
) -> tuple[bytes, tuple[float, float]]:
    """The graph as SVG, and its size; the same graph always gives the same bytes."""
    names = [n.name for n in nodes]
    automatic = [places_of(names, edges, weights), *([ring(names)] if 2 < len(names) <= RING else [])]
    choices = [dict(places)] if places else automatic
    drawn = [_routed(nodes, edges, at) for at in choices]
    clean = [through == 0 for *_, through in drawn]
    boxes, lines, curves, _ = drawn[clean.index(True) if any(clean) else 0]
    _, _, w, h = boxes[names[0]]
    bottom = max(y + height for _, y, _, height in boxes.values())

    used_top = min([y for _, y, _, _ in boxes.values()] + [p[1] for c in curves.values() for p in c])
    used_bottom = max([bottom] + [p[1] for c in curves.values() for p in c])
    up = used_top - 14.0
    drawing = Drawing(width=WIDTH, height=used_bottom - up + 52, title=title, description=alt, name=name)
    for edge in sorted(curves):
        drawing.path([(x, y - up) for x, y in curves[edge]], arrow=True)
    taken = list(boxes.values())
    for edge in sorted(curves):
        text = edges[edge]
        box = _label(text, curves[edge], taken, list(curves.values()))
        taken.append(box)
        drawing.rect(box[0], box[1] - up, box[2], box[3], stroke="#fff", line=0, radius=3)
        drawing.text(box[0] + box[2] / 2, box[1] - up + SMALL + 1.5, text, size=SMALL, bold=True, anchor="middle")
    for node in nodes:
        x, y, _, _ = boxes[node.name]
        drawing.rect(x, y - up, w, h, radius=4)
        if node.marked:
            drawing.rect(x, y - up, 5, h, fill=DONE, stroke=DONE, line=0)
        line_y = y - up + PAD - 2
        for text, size, bold, colour in lines[node.name]:
            line_y += size * LEAD
            drawing.text(x + PAD + 3, line_y - size * 0.3, text, size=size, bold=bold, fill=colour)
    drawing.sign(context.stamps, context.source, SMALL)
    return drawing.encode(), (drawing.width, drawing.height)
