"""Figure of the paths through a mediator, and of the indirect effect over the correlation of the errors."""

from __future__ import annotations

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf import model_text
from nirls.tlf.document import FigureDocument, Ref, stem
from nirls.tlf.errors import DisplayError
from nirls.tlf.formats import interval, number
from nirls.tlf.layouts._common import digits, head
from nirls.tlf.layouts._common import number as display_number
from nirls.tlf.layouts.mediation import JOINT, mediators, named, sides, three, with_limits
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.lookup import Ard, Found
from nirls.tlf.notes import Notes
from nirls.tlf.palette import HAIR, INK, KNOWN, SOFT, looks
from nirls.tlf.svg import Drawing
from nirls.tlf.text import width, wrap

WIDTH, BOX, HIGH, SIZE, SMALL = 760.0, 170.0, 62.0, 13.0, 12.0
LEFT, RIGHT, TOP, BOTTOM = 92.0, 735.0, 350.0, 560.0


class MediationPathsDisplay(PlanModel):
    """Options of `mediation_paths`."""

    mediator: str | None = Field(None, description="Mediator, as 'STO2, Week 2'; default: the first of the results.")
    known: float | None = Field(None, description="True indirect effect, where it is known (simulated data).")


@layout("mediation_paths", options=MediationPathsDisplay, roles=("main",), kind="figure")
def mediation_paths(request: Request) -> Laid:
    """Treatment, mediator and outcome with the paths between them; below, the indirect effect over the correlation of the errors."""
    context, options, ard, notes = request.context, request.options, request.ards["main"], Notes()
    alone = [m for m in mediators(ard, request.id) if m != JOINT]
    chosen = options.mediator or alone[0]
    if chosen not in alone:
        raise DisplayError(f"{request.id}: options.mediator: {chosen!r} is not in analysis {ard.analysis_id!r}, only {'; '.join(alone)}")
    key = {"comparison": ard.facts["comparison"], "group2": "MEDIATOR", "group2_level": chosen}
    treated, reference = sides(ard, context)
    effect, ci = digits(context, "estimate"), model_text.level_text(ard)
    paths = {name: three(ard, "estimate", **key, variable="path", variable_level=name) for name in ("a", "b", "direct")}
    product = three(ard, "estimate", **key, variable="mediation", variable_level="a × b")
    total = three(ard, "estimate", **key, variable="mediation", variable_level="total")
    star = three(ard, "rho", **key, variable="mediation", variable_level="rho")
    said = {name: f"{mark} = {with_limits(paths[name], digits(context, 'coefficient'))}" for name, mark in MARKS.items()}
    outcome = named(ard.facts["outcome"], context)
    what = (
        f"{treated} against {reference}, {outcome}, through {named(chosen, context)}: {said['a']}; {said['b']}; {said['direct']}; "
        f"indirect effect a × b {with_limits(product, effect)}; total {with_limits(total, effect)}; a × b is 0 where the errors of the "
        f"models correlate by {with_limits(star, digits(context, 'rho'))}"
    )
    name = stem(request.id)
    drawing = Drawing(
        width=WIDTH, height=BOTTOM + 74, title=f"{display_number(request.id)} {request.display.title}", description=f"{what}.", name=name
    )
    _paths(drawing, treated, reference, named(chosen, context), outcome, said)
    middle = f"Indirect, a × b: {with_limits(product, effect)}  ·  Total: {with_limits(total, effect)}"
    drawing.text(WIDTH / 2, 290, middle, size=SIZE, bold=True, anchor="middle")
    color = next((looks(context.arms)[a].color for a in ard.facts["arms"].split(", ") if a in looks(context.arms)), INK)
    refs = [Ref(key=found[0].key, stats=tuple(f.stat_name for f in found)) for found in (*paths.values(), product, total, star)]
    refs += _curve(drawing, ard, key, star, options.known, color, digits(context, "rho"), effect, notes)
    drawing.sign(context.stamps, context.source)
    for text in [*ard.footnotes, *model_text.footnotes(ard, context)]:
        notes.general(text)
    notes.general(
        f"{ci} in brackets: of the paths by t, of effects and in the band below by the bootstrap. Model without interaction. Below: what "
        "the indirect effect is if an unmeasured cause of mediator and outcome makes the errors of the two models correlate by ρ; the "
        "estimate is that at ρ = 0."
    )
    document = FigureDocument(
        svg=f"{name}.svg", alt=f"{what}.", width=drawing.width, height=drawing.height, refs=tuple(refs), **head(request, notes, "main")
    )
    return Laid(document=document, svg=drawing.encode())


MARKS = {"a": "a", "b": "b", "direct": "c′"}


def _paths(drawing: Drawing, treated: str, reference: str, mediator: str, outcome: str, said: dict[str, str]) -> None:
    """Three boxes and three arrows with their estimates."""
    places = {"treatment": (20.0, 170.0), "mediator": ((WIDTH - BOX) / 2, 24.0), "outcome": (WIDTH - BOX - 20, 170.0)}
    words = {"treatment": f"{treated} against {reference[:1].lower()}{reference[1:]}", "mediator": mediator, "outcome": outcome}
    for which, (x, y) in places.items():
        drawing.rect(x, y, BOX, HIGH, radius=4, line=1.4)
        lines = wrap(words[which], SIZE, BOX - 16, True)[:3]
        for i, line in enumerate(lines):
            drawing.text(x + BOX / 2, y + HIGH / 2 + 4.5 + (i - (len(lines) - 1) / 2) * 17, line, size=SIZE, bold=True, anchor="middle")
    middle = (WIDTH - BOX) / 2
    drawing.path([(20 + BOX / 2, 168), (middle - 3, 24 + HIGH / 2)], arrow=True, line=1.8)
    drawing.path([(middle + BOX + 3, 24 + HIGH / 2), (WIDTH - 20 - BOX / 2, 167)], arrow=True, line=1.8)
    drawing.path([(20 + BOX + 2, 170 + HIGH / 2), (WIDTH - BOX - 23, 170 + HIGH / 2)], arrow=True, line=1.8)
    for which, at, anchor in (("a", 205.0, "end"), ("b", WIDTH - 205, "start")):
        value, _, limits = said[which].partition(" (")
        drawing.text(at, 84, value, size=SIZE, bold=True, anchor=anchor)
        if limits:
            drawing.text(at, 101, f"({limits}", size=SIZE, anchor=anchor)
    drawing.text(WIDTH / 2, 170 + HIGH / 2 - 10, said["direct"], size=SIZE, anchor="middle", halo="#fff")


def _curve(
    drawing: Drawing, ard: Ard, key: dict[str, str], star: tuple[Found, Found, Found], known: float | None, color: str, d_rho: int, d: int,
    notes: Notes,
) -> list[Ref]:  # fmt: skip
    """The indirect effect over the correlation of the errors, with its band; the rows behind it."""
    from mizani.breaks import breaks_extended

    levels = ard.levels("error correlation")
    points = [(float(at), three(ard, "estimate", **key, variable="error correlation", variable_level=at)) for at in levels]
    shown = [(at, *(f.value for f in found)) for at, found in points]
    refs = [Ref(key=found[0].key, stats=tuple(f.stat_name for f in found)) for _, found in points]
    if any(v != v for _, v, _, _ in shown):
        error = points[0][1][0].error
        drawing.text(WIDTH / 2, (TOP + BOTTOM) / 2, f"NE: {error}"[:90], size=SMALL, anchor="middle", fill=SOFT)
        notes.general(f"NE: {error}.")
        return refs
    half = max(1e-12, max(abs(at) for at, *_ in shown))
    # the ends of the curve run away: the scale is that of the middle
    near = [v for at, *three_of in shown if abs(at) <= 0.6 for v in three_of if v == v] + [0.0] + ([known] if known is not None else [])
    low, high = min(near), max(near)
    pad = 0.06 * (high - low)
    low, high = low - pad, high + pad

    def x(at: float) -> float:
        return LEFT + (at + half) / (2 * half) * (RIGHT - LEFT)

    def y(value: float) -> float:
        return BOTTOM - (min(max(value, low), high) - low) / (high - low) * (BOTTOM - TOP)

    for tick in (b for b in (-0.8, -0.6, -0.4, -0.2, 0.0, 0.2, 0.4, 0.6, 0.8) if abs(b) <= half):
        drawing.path([(x(tick), TOP), (x(tick), BOTTOM + 5)], stroke=HAIR, line=0.8)
        drawing.text(x(tick), BOTTOM + 20, number(tick, 1), size=SMALL, anchor="middle")
    for tick in (float(b) for b in breaks_extended(n=5)((low, high)) if low <= b <= high):
        drawing.path([(LEFT - 5, y(tick)), (RIGHT, y(tick))], stroke=HAIR, line=0.8)
        drawing.text(LEFT - 9, y(tick) + 4, number(tick, 0 if tick == int(tick) else 1), size=SMALL, anchor="end")
    band = [s for s in shown if s[2] == s[2]]
    upper, lower = _clipped([(at, hi) for at, _, _, hi in band], low, high), _clipped([(at, lo) for at, _, lo, _ in band], low, high)
    drawing.path([(x(a), y(v)) for a, v in [*upper, *reversed(lower)]], fill="#e6e9ee", stroke="none", line=0, closed=True)
    drawing.path([(LEFT, y(0)), (RIGHT, y(0))], line=1.2)
    line = [(at, v) for at, v, _, _ in shown]
    inside = [p for p in _clipped(line, low, high) if low <= p[1] <= high]
    drawing.path([(x(a), y(v)) for a, v in inside], stroke=color, line=2.4)
    at_zero = next(v for at, v, _, _ in shown if abs(at) < 1e-9)
    drawing.disc(x(0), y(at_zero), 4.5, fill=color, stroke=color)
    drawing.path([(x(star[0].value), TOP), (x(star[0].value), BOTTOM)], line=1.3, dash="6 4")
    text = f"ρ* = {number(star[0].value, d_rho)} {interval(star[1].value, star[2].value, d_rho)}"
    room = width(text, SMALL, True) / 2
    drawing.text(min(max(x(star[0].value), LEFT + room), RIGHT - room), TOP - 9, text, size=SMALL, bold=True, anchor="middle")
    if known is not None:
        drawing.path([(LEFT, y(known)), (RIGHT, y(known))], stroke=KNOWN, line=1.3, dash="2 3")
        drawing.text(RIGHT - 4, y(known) - 6, f"Truth {number(known, d)}", size=SMALL, anchor="end", fill=KNOWN, halo="#fff")
    drawing.path([(LEFT, TOP), (LEFT, BOTTOM), (RIGHT, BOTTOM)], line=0.8)
    drawing.text((LEFT + RIGHT) / 2, BOTTOM + 42, "Correlation ρ of the errors of the two models", size=SIZE, anchor="middle")
    drawing.text(14, TOP - 26, "Indirect effect", size=SIZE)
    return refs


def _clipped(points: list[tuple[float, float]], low: float, high: float) -> list[tuple[float, float]]:
    """A line with points where it leaves the range of the scale, so that it ends at the frame."""
    out: list[tuple[float, float]] = []
    for i, (at, value) in enumerate(points):
        if i:
            before, old = points[i - 1]
            crossed = [edge for edge in (low, high) if (old - edge) * (value - edge) < 0]
            out += sorted(((before + (edge - old) / (value - old) * (at - before), edge) for edge in crossed), key=lambda p: p[0])
        out.append((at, value))
    return out
