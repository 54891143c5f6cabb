"""Drawing a participant flow: boxes sized by their measured text, arms as columns or as rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from nirls.tlf.context import DisplayContext
from nirls.tlf.palette import INK, SOFT, STAMP, looks
from nirls.tlf.svg import Drawing
from nirls.tlf.text import width, wrap

WIDTH = 1240.0
SIZE, SMALL = 12.0, 11.0
LEAD = 1.36
PAD = 9.0
GAP = 26.0
CLASSIC = 4
"""Up to this many arms stand side by side."""
STAGES = ("Allocation", "Treatment", "Follow-up", "Analysis")
WIDEST = (215.0, 215.0, 0.0, 250.0)
"""Widest box of each stage, where arms are rows; the stage with lists takes the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of a box: a bold name, a number, a number below it, or a reason."""

    text: str
    kind: Literal["name", "main", "sub", "reason"] = "main"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmFlow:
    """The boxes of one arm, one per stage."""

    code: str
    boxes: tuple[tuple[Line, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A whole flow, numbers already in words."""

    assessed: tuple[Line, ...]
    excluded: tuple[Line, ...]
    randomized: tuple[Line, ...]
    arms: tuple[ArmFlow, ...]


_INDENT = {"name": 0.0, "main": 0.0, "sub": 0.0, "reason": 12.0}


def _broken(lines: tuple[Line, ...], box: float) -> list[tuple[str, Line]]:
    """Lines as drawn in a box of this width; a margin of 3% allows for fonts that are slightly wider."""
    out = []
    for line in lines:
        bold = line.kind in ("name",)
        size = SMALL if line.kind == "reason" else SIZE
        room = (box - 2 * PAD - _INDENT[line.kind]) * 0.97
        out += [(text, line) for text in wrap(line.text, size, room, bold)]
    return out


def height_of(lines: tuple[Line, ...], box: float) -> float:
    """Height of a box of this width."""
    return 2 * PAD + sum((SMALL if line.kind == "reason" else SIZE) * LEAD for _, line in _broken(lines, box)) - 2


def natural(lines: tuple[Line, ...]) -> float:
    """Width at which no line of a box breaks."""
    widths = [width(x.text, SMALL if x.kind == "reason" else SIZE, x.kind == "name") / 0.97 + _INDENT[x.kind] for x in lines]
    return max(widths) + 2 * PAD + 1


def _joined(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """Neighbouring reasons as one running text, to keep a row of the chain low."""
    out: list[Line] = []
    for line in lines:
        if line.kind == "reason" and out and out[-1].kind == "reason":
            out[-1] = Line(text=f"{out[-1].text}, {line.text[:1].lower() + line.text[1:]}", kind="reason")
        else:
            out.append(line)
    return tuple(out)


def _box(drawing: Drawing, lines: tuple[Line, ...], x: float, y: float, w: float, h: float, edge: str = INK) -> None:
    drawing.rect(x, y, w, h, stroke=edge if edge == INK else INK, line=1.0)
    if edge != INK:
        drawing.rect(x, y, 5, h, fill=edge, stroke=edge, line=0)
    at = y + PAD - 2
    for text, line in _broken(lines, w):
        size = SMALL if line.kind == "reason" else SIZE
        at += size * LEAD
        drawing.text(
            x + PAD + _INDENT[line.kind] + (3 if edge != INK else 0),
            at - size * 0.3,
            text,
            size=size,
            bold=line.kind == "name",
            fill=SOFT if line.kind == "reason" else INK,
        )


def _enrolment(drawing: Drawing, flow: Flow, x: float, y: float) -> tuple[float, float]:
    """Assessed, excluded to the side, randomized below; centre line at `x`. Gives the point below 'randomized' and its y."""
    w = max(230.0, natural(flow.assessed), natural(flow.randomized))
    side = min(max(230.0, natural(flow.excluded)), WIDTH - x - 60)
    h1, h2, h3 = height_of(flow.assessed, w), height_of(flow.excluded, side), height_of(flow.randomized, w)
    _box(drawing, flow.assessed, x - w / 2, y, w, h1)
    bend = y + h1 + max(20.0, h2 / 2 + 12)
    below = max(bend + h2 / 2, bend + 14) + 12
    drawing.path([(x, y + h1), (x, below)], arrow=True)
    drawing.path([(x, bend), (x + 40, bend)], arrow=True)
    _box(drawing, flow.excluded, x + 40, bend - h2 / 2, side, h2)
    _box(drawing, flow.randomized, x - w / 2, below, w, h3)
    return x, below + h3


def _classic(drawing: Drawing, flow: Flow, colors: dict[str, str], top: float) -> float:
    """Arms side by side, stages from top to bottom."""
    label, n = 96.0, len(flow.arms)
    room = WIDTH - label - 20
    w = min(400.0, (room - GAP * (n - 1)) / n)
    left = label + (room - n * w - GAP * (n - 1)) / 2
    xs = [left + i * (w + GAP) for i in range(n)]
    middle = (xs[0] + xs[-1] + w) / 2
    _stage(drawing, "Enrolment", 10, top, 78)
    _, y = _enrolment(drawing, flow, middle, top)
    fork = y + 16
    drawing.path([(middle, y), (middle, fork)])
    if n > 1:
        drawing.path([(xs[0] + w / 2, fork), (xs[-1] + w / 2, fork)])
    y, previous = fork + 18, fork
    for stage, title in enumerate(STAGES):
        h = max(height_of(arm.boxes[stage], w - 3) for arm in flow.arms)
        for x, arm in zip(xs, flow.arms, strict=True):
            drawing.path([(x + w / 2, previous), (x + w / 2, y)], arrow=True)
            _box(drawing, arm.boxes[stage], x, y, w, h, colors[arm.code])
        _stage(drawing, title, 10, y, min(h, 78))
        previous, y = y + h, y + h + 22
    return previous


def _stage(drawing: Drawing, text: str, x: float, y: float, h: float) -> None:
    drawing.text(x, y + SIZE + PAD - 3, text, size=SIZE, bold=True, fill=SOFT)


def _chains(drawing: Drawing, flow: Flow, colors: dict[str, str], top: float) -> float:
    """One row per arm, stages from left to right."""
    trunk, gap = 22.0, 24.0
    _, y = _enrolment(drawing, flow, 300, top)
    left = trunk + 24
    ws = [min(WIDEST[i], max(natural(tuple(x for x in arm.boxes[i] if x.kind != "reason")) + 4 for arm in flow.arms)) for i in range(4)]
    ws[2] = WIDTH - left - 10 - 3 * gap - (sum(ws) - ws[2])
    xs = [left + sum(ws[:i]) + i * gap for i in range(4)]
    flow = replace(flow, arms=tuple(replace(arm, boxes=tuple(_joined(box) for box in arm.boxes)) for arm in flow.arms))
    fork = y + 14
    drawing.path([(300, y), (300, fork), (trunk, fork)])
    y = fork + 14
    for x, title in zip(xs, STAGES, strict=True):
        drawing.text(x, y + SIZE, title, size=SIZE, bold=True, fill=SOFT)
    y += SIZE + 10
    last = fork
    for arm in flow.arms:
        h = max(height_of(box, w - 3) for box, w in zip(arm.boxes, ws, strict=True))
        last = y + h / 2
        drawing.path([(trunk, last), (xs[0], last)], arrow=True)
        for i, box in enumerate(arm.boxes):
            if i:
                drawing.path([(xs[i - 1] + ws[i - 1], last), (xs[i], last)], arrow=True)
            _box(drawing, box, xs[i], y, ws[i], h, colors[arm.code])
        y += h + 12
    drawing.path([(trunk, fork), (trunk, last)])
    return y - 12


def draw(flow: Flow, context: DisplayContext, name: str, title: str, alt: str) -> tuple[bytes, tuple[float, float]]:
    """The flow as SVG, and its size."""
    colors = {code: look.color for code, look in looks(context.arms).items()}
    drawing = Drawing(width=WIDTH, height=0, title=title, description=alt, name=name)
    bottom = (_classic if len(flow.arms) <= CLASSIC else _chains)(drawing, flow, colors, 10.0)
    drawing.height = bottom + 34
    if context.stamps:
        drawing.text(10, bottom + 26, " · ".join(context.stamps), size=SMALL, bold=True, fill=STAMP)
    drawing.text(WIDTH - 10, bottom + 26, context.source, size=SMALL, anchor="end", fill=SOFT)
    return drawing.encode(), (drawing.width, drawing.height)
