"""Figure of the rhythm on the face of a 24-hour clock."""

from __future__ import annotations

import math

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf import model_text
from nirls.tlf.document import FigureDocument, Ref, stem
from nirls.tlf.errors import DisplayError
from nirls.tlf.formats import number
from nirls.tlf.layouts._common import chosen_arms, digits, head
from nirls.tlf.layouts._common import number as display_number
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.layouts.rhythm import _hour
from nirls.tlf.notes import Notes
from nirls.tlf.palette import HAIR, SOFT, looks
from nirls.tlf.svg import Drawing

WIDTH, RADIUS, CENTRE = 760.0, 170.0, (230.0, 230.0)
SIZE, SMALL = 13.0, 12.0


class PolarOptions(PlanModel):
    """Options of `polar`."""

    arms: list[str] | None = Field(None, description="Arms to show; none for all.")


@layout("polar", options=PolarOptions, roles=("main",), kind="figure")
def polar(request: Request) -> Laid:
    """Amplitude and acrophase of each arm on a 24-hour clock, with intervals along the radius and around the face."""
    options, context, notes, main = request.options, request.context, Notes(), request.ards["main"]
    arms, variable = chosen_arms(main, context, options.arms), model_text.response(main, None)
    found = []
    for arm in arms:
        key = {"variable": variable, "group1_level": arm.code, "comparison": ""}
        size, phase = (
            [f for n in ("estimate", "conf_low", "conf_high") if (f := main.find(n, variable_level=level, **key)) and not f.error]
            for level in ("amplitude", "acrophase")
        )
        if len(size) < 3 or len(phase) < 3:
            notes.general(f"{arm.short}: no rhythm shown, or not estimated.")
            continue
        found.append((arm, size, phase))
    if not found:
        raise DisplayError(f"{request.id}: no arm of analysis {main.analysis_id!r} has an amplitude and an acrophase to draw")
    largest = max(size[2].value for _, size, _ in found)
    step = next(s for s in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0) if largest / s <= 5)
    rings = math.ceil(largest / step)
    name, d = stem(request.id), digits(context, "estimate")
    ci = model_text.level_text(main)
    alt = f"{request.display.title}: " + "; ".join(
        f"{arm.short} amplitude {number(size[0].value, d)}, highest at {_hour(phase[0].value)}" for arm, size, phase in found
    )
    height = max(2 * CENTRE[1] + 30, 90 + 56.0 * len(found))
    drawing = Drawing(
        width=WIDTH, height=height, title=f"{display_number(request.id)} {request.display.title}", description=f"{alt}.", name=name
    )

    def at(hour: float, amplitude: float) -> tuple[float, float]:
        angle, r = 2 * math.pi * hour / 24, RADIUS * amplitude / (rings * step)
        return CENTRE[0] + r * math.sin(angle), CENTRE[1] - r * math.cos(angle)

    for i in range(1, rings + 1):
        drawing.disc(*CENTRE, RADIUS * i / rings, fill="none", stroke=HAIR if i < rings else SOFT, line=1.0)
    for hour in range(0, 24, 3):
        drawing.path([CENTRE, at(hour, rings * step)], stroke=HAIR, line=1.0)
        x, y = at(hour, rings * step * (1 + 22 / RADIUS))
        drawing.text(x, y + SIZE * 0.36, f"{hour:02d}:00", size=SIZE, anchor="middle")
    for i in range(1, rings + 1):
        x, y = at(10.5, i * step)
        drawing.text(x, y + SMALL * 0.36, f"{i * step:g}", size=SMALL, anchor="middle", fill=SOFT, halo="#ffffff")
    palette = looks(context.arms)
    left = CENTRE[0] + RADIUS + 70
    for k, (arm, amplitude, acrophase) in enumerate(found):
        color = palette[arm.code].color
        (a, low, high), (p, early, late) = ([f.value for f in three] for three in (amplitude, acrophase))
        drawing.path([CENTRE, at(p, a)], stroke=color, line=1.2)
        drawing.path([at(p, low), at(p, high)], stroke=color, line=3.2)
        drawing.path([at(early + (late - early) * t / 24, a) for t in range(25)], stroke=color, line=3.2)
        drawing.disc(*at(p, a), 5.0, fill=color, stroke="#ffffff")
        y = 60 + 56.0 * k
        drawing.disc(left, y - 4, 6.0, fill=color, stroke="#ffffff")
        drawing.text(left + 14, y, arm.short, size=SIZE, bold=True)
        drawing.text(left + 14, y + 17, f"amplitude {number(a, d)} ({number(low, d)}, {number(high, d)})", size=SMALL)
        drawing.text(left + 14, y + 33, f"highest at {_hour(p)} ({_hour(early)}, {_hour(late)})", size=SMALL)
    drawing.sign(context.stamps, context.source, 11.0)
    notes.general(f"Distance from the centre: amplitude; direction: clock time of the highest value. Bars: {ci} of each alone.")
    refs = tuple(Ref(key=f[0].key, stats=("estimate", "conf_low", "conf_high")) for _, size, phase in found for f in (size, phase))
    ends = head(request, notes, "main", [a.code for a in arms])
    document = FigureDocument(svg=f"{name}.svg", alt=f"{alt}.", width=WIDTH, height=height, refs=refs, **ends)
    return Laid(document=document, svg=drawing.encode())
