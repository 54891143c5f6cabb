"""Figure of the effect along continuous markers."""

from __future__ import annotations

from itertools import pairwise

from nirls.tlf import model_text
from nirls.tlf.document import FigureDocument, Ref, stem
from nirls.tlf.errors import DisplayError
from nirls.tlf.formats import number, p_value
from nirls.tlf.layouts._common import capital, chosen_param, head
from nirls.tlf.layouts._common import number as display_number
from nirls.tlf.layouts._subgroups import FAMILY
from nirls.tlf.layouts.johnson_neyman import INTERACTION, JohnsonNeymanDisplay, marker_notes, markers_of, regions
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.notes import Notes
from nirls.tlf.palette import HAIR, INK, SOFT
from nirls.tlf.svg import Drawing

WIDTH, PANEL, LEFT, GAP, TOP, HIGH, SIZE, SMALL = 940.0, 400.0, 56.0, 70.0, 62.0, 210.0, 13.0, 12.0
HEAD = 46.0
BLOCK = HIGH + HEAD + 88.0
WIDE, NARROW, LINE = "#efd9d5", "#d99a92", "#8f1f16"


@layout("johnson_neyman_plot", options=JohnsonNeymanDisplay, roles=("main",), kind="figure")
def johnson_neyman_plot(request: Request) -> Laid:
    """The effect along each marker with pointwise and simultaneous bands; where the band excludes 0 the axis is marked."""
    import math

    options, context, main, notes = request.options, request.context, request.ards["main"], Notes()
    markers = [m for m in markers_of(main, options.markers) if main.values("variable_level", variable="curve", group2_level=m)]
    if not markers:
        raise DisplayError(f"{request.id}: analysis {main.analysis_id!r} has no curve of these markers; see its errors")
    comparison, ci = main.values("comparison", variable=INTERACTION)[0], model_text.level_text(main)
    label, reference = comparison.split(" - ")
    name, param = stem(request.id), chosen_param(main, None)
    view = context.params.get(param)
    curves = {}
    for marker in markers:
        key = {"variable": "curve", "group2": "marker", "group2_level": marker, "comparison": comparison}
        xs = main.values("variable_level", **key)
        curves[marker] = [
            (
                float(v),
                [main.get(s, **(key | {"variable_level": v})) for s in ("estimate", "conf_low", "conf_high", "band_low", "band_high")],
            )
            for v in xs
        ]
    ends = [f.value for points in curves.values() for _, five in points for f in five] + [0.0]
    low, high = min(ends), max(ends)
    rows = math.ceil(len(markers) / 2)
    texts, drawn = [], []
    for marker in markers:
        said, _ = regions(main, context, marker, comparison, "simultaneous")
        tested = _test(main, context, {"group2": "marker", "group2_level": marker, "comparison": comparison})
        texts.append(f"{context.labels.get(marker, marker)}: {tested}; differs from 0 at {said} (simultaneous)")
    alt = f"{comparison} along baseline markers. {'; '.join(texts)}."
    drawing = Drawing(
        width=WIDTH,
        height=TOP + BLOCK * rows + 16,
        title=f"{display_number(request.id)} {request.display.title}",
        description=alt,
        name=name,
    )
    outcome = f"{view.label if view else param}: {label} − {context.arm(reference).short}, {main.facts['at'].lower()}"
    drawing.text(LEFT, 22, outcome, size=SIZE, bold=True)
    worse = view is None or view.direction != "higher_better"
    drawing.text(LEFT, 41, f"below 0 favours {label if worse else context.arm(reference).short}", size=SMALL, fill=SOFT)
    for i, marker in enumerate(markers):
        drawn += _panel(
            drawing, request, marker, curves[marker], comparison, (low, high), LEFT + (i % 2) * (PANEL + GAP), TOP + BLOCK * (i // 2)
        )
    drawing.sign(context.stamps, context.source)
    notes.general(
        f"{capital(outcome)}. Line: effect; inner band pointwise, outer band simultaneous ({ci}); bar on the axis: where the simultaneous "
        "band excludes 0. Drawn from the 5th to the 95th percentile of the marker."
    )
    if "spline" in main.facts:
        notes.general("Dashed: the effect as a natural cubic spline of the marker; dotted: its pointwise limits, drawn within the panel.")
    marker_notes(main, context, markers, comparison, notes)
    refs = tuple(Ref(key=f.key, stats=(f.stat_name,)) for f in drawn)
    document = FigureDocument(
        svg=f"{name}.svg", alt=alt, width=drawing.width, height=drawing.height, refs=refs, **head(request, notes, "main")
    )
    return Laid(document=document, svg=drawing.encode())


def _test(main, context, key: dict[str, str]) -> str:
    """ "Interaction p 0.0312 (pre-specified; Holm of 2 markers 0.0624)"; the family in full is in the notes."""
    p, adjusted = main.get("p_value", variable=INTERACTION, **key), main.find("p_adjusted", variable=INTERACTION, **key)
    planned = main.get("rejected", variable=INTERACTION, **key).value
    mark = "pre-specified" if planned else "exploratory"
    if adjusted is not None:
        n = int(main.get("n", variable=FAMILY, **key).value)
        mark += f"; Holm of {n} marker{'s' if n > 1 else ''} {p_value(adjusted.value, context.p_style)}"
    return f"Interaction p {p_value(p.value, context.p_style)} ({mark})"


def _bent(main, key: dict[str, str]) -> list:
    """The spline where there is one: values of the marker with effect and limits."""
    of = key | {"variable": "spline curve"}
    three = ("estimate", "conf_low", "conf_high")
    return [(float(v), [main.get(s, **(of | {"variable_level": v})) for s in three]) for v in main.values("variable_level", **of)]


def within(line: list[tuple[float, float]], top: float, bottom: float) -> list[list[tuple[float, float]]]:
    """The parts of a line that lie between two heights; where it crosses one of them a part ends on it."""
    pieces: list[list[tuple[float, float]]] = [[]]
    for (x0, y0), (x1, y1) in pairwise(line):
        at = {0.0, 1.0} | {(edge - y0) / (y1 - y0) for edge in (top, bottom) if (y0 - edge) * (y1 - edge) < 0}
        for a, b in pairwise(sorted(at)):
            if not top <= y0 + (a + b) / 2 * (y1 - y0) <= bottom:
                pieces.append([])
                continue
            ends = [(x0 + t * (x1 - x0), min(max(y0 + t * (y1 - y0), top), bottom)) for t in (a, b)]
            pieces[-1] += ends[1:] if pieces[-1] else ends
    return [piece for piece in pieces if piece]


def _panel(drawing, request, marker: str, points, comparison: str, ends: tuple[float, float], left: float, top: float) -> list:
    from mizani.breaks import breaks_extended, breaks_log

    context, main = request.context, request.ards["main"]
    xs = [x for x, _ in points]
    log = main.get("text", variable="range", group2="marker", group2_level=marker, comparison=comparison).text.startswith("doubling")

    def scale(value: float) -> float:
        import math

        return math.log2(value) if log else value

    a, b = scale(xs[0]), scale(xs[-1])

    def x(value: float) -> float:
        return left + (scale(value) - a) / (b - a) * PANEL

    def y(value: float) -> float:
        return top + HEAD + (ends[1] - value) / (ends[1] - ends[0]) * HIGH

    key = {"group2": "marker", "group2_level": marker, "comparison": comparison}
    p = main.get("p_value", variable=INTERACTION, **key)
    drawing.text(left, top + 12, context.labels.get(marker, marker), size=SIZE, bold=True)
    drawing.text(left, top + 29, _test(main, context, key), size=SMALL)
    for tick in (float(t) for t in breaks_extended(n=5)(ends) if ends[0] <= t <= ends[1]):
        drawing.path([(left, y(tick)), (left + PANEL, y(tick))], stroke=HAIR, line=0.8)
        drawing.text(left - 8, y(tick) + 4, number(tick, 0 if tick == int(tick) else 1), size=SMALL, anchor="end")
    for outer, inner, colour in ((4, 3, WIDE), (2, 1, NARROW)):
        edge = [(x(v), y(five[outer].value)) for v, five in points] + [(x(v), y(five[inner].value)) for v, five in reversed(points)]
        drawing.path(edge, stroke="none", line=0, fill=colour, closed=True)
    drawing.path([(left, y(0)), (left + PANEL, y(0))], line=1.2)
    drawing.path([(x(v), y(five[0].value)) for v, five in points], stroke=LINE, line=2.2)
    bent = _bent(main, key)
    for place in (0, 1, 2):  # the spline and its pointwise limits, which may leave the panel
        line = [(x(v), y(three[place].value)) for v, three in bent]
        for piece in within(line, top + HEAD, top + HEAD + HIGH):
            drawing.path(piece, stroke=INK, line=1.6 if place == 0 else 0.8, dash="6 4" if place == 0 else "2 3")
    bottom = top + HEAD + HIGH
    drawing.path([(left, bottom), (left + PANEL, bottom)], line=0.8)
    breaks = breaks_log(n=5, base=2)((xs[0], xs[-1])) if log else breaks_extended(n=5)((xs[0], xs[-1]))
    for tick in (float(t) for t in breaks if xs[0] <= t <= xs[-1]):
        drawing.path([(x(tick), bottom), (x(tick), bottom + 5)], line=0.8)
        drawing.text(x(tick), bottom + 20, number(tick, 0 if tick == int(tick) else 1), size=SMALL, anchor="middle")
    said, found = regions(main, context, marker, comparison, "simultaneous")
    of = key | {"variable": "region", "group3": "band", "group3_level": "simultaneous"}
    for part in main.values("variable_level", **of):
        start, end = (main.get(s, **(of | {"variable_level": part})).value for s in ("root_low", "root_high"))
        start, end = max(start, xs[0]), min(end, xs[-1])
        if start < end:
            drawing.path([(x(start), bottom - 3), (x(end), bottom - 3)], stroke=LINE, line=5)
    drawing.text(left, bottom + 42, f"Simultaneous band excludes 0: {said}", size=SMALL, fill=INK)
    return [p, *found, *(f for _, some in (*points, *bent) for f in some)]
