"""Forest plot of a meta-analysis: studies, pool, prediction interval, and beneath what is left out and why."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf import model_text
from nirls.tlf.document import FigureDocument, Ref, stem
from nirls.tlf.formats import NBSP, bind, count, interval, number, percent
from nirls.tlf.layouts import _meta
from nirls.tlf.layouts._common import digits, head
from nirls.tlf.layouts._common import number as display_number
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.lookup import Ard, Found
from nirls.tlf.notes import Notes
from nirls.tlf.palette import HAIR, INK, SOFT, looks
from nirls.tlf.svg import Drawing
from nirls.tlf.text import width, wrap

WIDTH, SIZE, SMALL, LEAD, EDGE, GAP = 960.0, 12.0, 11.0, 1.36, 10.0, 16.0
LABELS, SLIMMEST, PAD = 300.0, 260.0, 12.0
LARGEST = 9.0
"""Half the side of the square of a study that has all the weight."""
GREY = "#737980"


class MetaForestDisplay(PlanModel):
    """Options of `meta_forest`."""

    limits: tuple[float, float] | None = Field(None, description="Ends of the axis; default: those of the studies' intervals.")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """A row: estimate and limits, what is printed of them, and how it is drawn ("square", "open", "diamond" or "bar")."""

    label: str
    n: str
    effect: str
    weight: str
    values: tuple[float, float, float]
    mark: str
    share: float = 0.0
    own: bool = False
    bold: bool = False


@layout("meta_forest", options=MetaForestDisplay, roles=("main",), kind="figure")
def meta_forest(request: Request) -> Laid:
    """Squares sized by weight, diamonds of the pool, a bar for the prediction interval, heterogeneity, and what is left out and why."""
    context, main, notes = request.context, request.ards["main"], Notes()
    _meta.check(main)
    d, ci = digits(context, "estimate"), model_text.level_text(main)
    used: list[Found] = []
    lines: list[_Line] = []
    for study in _meta.studies(main):
        key = {"variable": "study", "variable_level": study}
        e, low, high, n, w = (main.get(s, **key) for s in ("estimate", "conf_low", "conf_high", "n", "weight_percent"))
        used += [e, low, high, n, w]
        share = "" if w.error else f"{percent(w.value, digits(context, 'weight_percent'))}%"
        lines.append(
            _Line(
                label=_meta.title(main, study), n="" if n.error else count(n.value), weight=share, values=(e.value, low.value, high.value),
                effect=f"{number(e.value, d)} {interval(low.value, high.value, d)}", own=study == _meta.OWN,
                mark="open" if _meta.said(main, study, "derived") else "square", share=0.3 if w.error else w.value / 100,
            )
        )  # fmt: skip
    first = _meta.shown(main)
    pool = [("HKSJ" if first == "none" else first, "all"), *([("HKSJ", "all")] if first == "common effect" else [])]
    if "without this trial" in _meta.sets(main):
        prior = _meta.shown(main, "without this trial")
        pool.append(("HKSJ" if prior == "none" else prior, "without this trial"))
    said: list[str] = []
    for i, (estimator, of_set) in enumerate(pool):
        e, low, high = (_meta.in_set(main, s, estimator, of_set) for s in ("estimate", "conf_low", "conf_high"))
        k = _meta.size(main, of_set)
        used += [e, low, high, k]
        name = _meta.estimator_label(main, estimator)
        label = name if of_set == "all" else f"{_meta.set_label(main, of_set)}: {name[:1].lower()}{name[1:]}"
        if e.error:
            said.append(f"{_meta.set_label(main, of_set)}: not pooled, {e.error.split(':')[0]}.")
            continue
        lines.append(
            _Line(
                label=f"{label}, k{NBSP}={NBSP}{count(k.value)}", n="", weight="", mark="diamond", bold=i == 0,
                values=(e.value, low.value, high.value),
                effect=f"{number(e.value, d)} {interval(low.value, high.value, d)}",
            )
        )  # fmt: skip
        if i == 0:
            p_low, p_high, df = (_meta.in_set(main, s, "prediction", of_set) for s in ("conf_low", "conf_high", "df"))
            used += [p_low, p_high, df]
            if not p_low.error:
                lines.append(
                    _Line(
                        label=f"Prediction interval, {count(df.value)} df", n="", weight="", mark="bar",
                        values=(e.value, p_low.value, p_high.value), effect=interval(p_low.value, p_high.value, d),
                    )
                )  # fmt: skip
    text, found = _meta.heterogeneity(main, context)
    used += found
    said.insert(0, text)
    left = []
    for study in main.values("variable_level", variable="left out"):
        why = main.get("text", variable="left out", variable_level=study)
        used.append(why)
        left.append((_meta.title(main, study, "left out"), why.text))
    _meta.notes_of(main, notes)
    notes.general(
        "Squares: studies, area in proportion to weight; hollow: derived from what the source prints. Diamonds: pools. "
        "Arrows: the interval goes on."
    )
    alt = _alt(main, lines, left, ci)
    name = stem(request.id)
    drawing = _draw(request, main, lines, said, left, ci, name, alt)
    refs: dict[tuple, list[str]] = {}
    for one in used:
        refs.setdefault(tuple(one.key.items()), []).append(one.stat_name)
    document = FigureDocument(
        svg=f"{name}.svg", alt=alt, width=drawing.width, height=drawing.height,
        refs=tuple(Ref(key=dict(k), stats=tuple(dict.fromkeys(v))) for k, v in refs.items()),
        **head(request, notes, None) | {"population": _meta.population(main)},
    )  # fmt: skip
    return Laid(document=document, svg=drawing.encode())


def _alt(main: Ard, lines: list[_Line], left: list[tuple[str, str]], ci: str) -> str:
    studies = [x for x in lines if x.mark in ("square", "open")]
    pooled = next((x for x in lines if x.mark == "diamond"), None)
    text = f"Forest plot, studies: {len(studies)}; difference {main.facts['active']} minus {main.facts['control']} with {ci}: "
    text += "; ".join(f"{x.label} {x.effect}" for x in studies)
    text += f". {pooled.label}: {pooled.effect}" if pooled is not None else ". Not pooled"
    return text + (f". Left out: {len(left)}." if left else ".")


def _draw(
    request: Request, main: Ard, lines: list[_Line], said: list[str], left: list[tuple[str, str]], ci: str, name: str, alt: str
) -> Drawing:
    from mizani.breaks import breaks_extended

    context, options = request.context, request.options
    ends = [v for x in lines if x.mark in ("square", "open") for v in x.values] + [0.0]
    low, high = options.limits or (min(ends), max(ends))
    if options.limits is None:
        low, high = low - 0.05 * (high - low), high + 0.05 * (high - low)
    heads = ("n", f"Difference ({ci})", "Weight")
    wide = [max([width(t, SMALL, True) for t in (h, *texts)]) for h, texts in zip(
        heads, ([x.n for x in lines], [x.effect for x in lines], [x.weight for x in lines]), strict=True)]  # fmt: skip
    labels = min(LABELS, max(width(bind(x.label), SIZE, x.bold) for x in lines) + 4)
    n_at = EDGE + labels + GAP + wide[0]
    w_at = WIDTH - EDGE
    e_at = w_at - wide[2] - GAP
    x0, x1 = n_at + GAP, e_at - wide[1] - GAP

    def x(value: float) -> float:
        return x0 + (min(max(value, low), high) - low) / (high - low) * (x1 - x0)

    top, at, placed = 4 * SMALL * LEAD, 4 * SMALL * LEAD + 6, []
    for i, line in enumerate(lines):
        if i and line.mark in ("diamond", "bar") and lines[i - 1].mark in ("square", "open"):
            at += 10
        texts = wrap(bind(line.label), SIZE, labels, line.bold)
        placed.append((at, texts))
        at += len(texts) * SIZE * LEAD + PAD
    bottom = at + 2
    under = [t for text in said for t in wrap(text, SMALL, WIDTH - 2 * EDGE)]
    grey = [wrap(f"{label}: {why}", SMALL, WIDTH - 2 * EDGE - 12) for label, why in left]
    height = bottom + 58 + (len(under) + 0.4) * SMALL * LEAD + (sum(map(len, grey)) + 1.4) * SMALL * LEAD * bool(grey) + 30
    drawing = Drawing(width=WIDTH, height=height, title=f"{display_number(request.id)} {request.display.title}", description=alt, name=name)
    for tick in (float(b) for b in breaks_extended(n=6)((low, high)) if low <= b <= high):
        drawing.path([(x(tick), top), (x(tick), bottom)], stroke=HAIR, line=0.8)
        drawing.path([(x(tick), bottom), (x(tick), bottom + 4)], line=0.8)
        drawing.text(x(tick), bottom + 17, number(tick, 0 if tick == int(tick) else 1), size=SMALL, anchor="middle")
    drawing.path([(x0, bottom), (x1, bottom)], line=0.8)
    drawing.path([(x(0), top), (x(0), bottom)], line=1.2)
    better, worse = f"favours {main.facts['active']}", f"favours {main.facts['control']}"
    sides = (better, worse) if main.facts["direction"] == "lower_better" else (worse, better)
    start = max(x(0) - 8, EDGE + width(f"← {sides[0]}", SMALL))
    drawing.text(start, SMALL * LEAD, f"← {sides[0]}", size=SMALL, anchor="end", fill=SOFT)
    drawing.text(
        min(max(x(0), start) + 8, WIDTH - EDGE - width(f"{sides[1]} →", SMALL)), SMALL * LEAD, f"{sides[1]} →", size=SMALL, fill=SOFT
    )
    for place, text in zip((n_at, e_at, w_at), heads, strict=True):
        drawing.text(place, top - 9, text, size=SMALL, bold=True, anchor="end")
    drawing.text(EDGE, top - 9, "Study", size=SMALL, bold=True)
    style = looks(context.arms)
    arm = main.facts.get("own_arms", "").split(" - ")[0]
    own = style[arm].color if arm in style else INK
    for line, (y, texts) in zip(lines, placed, strict=True):
        centre = y + len(texts) * SIZE * LEAD / 2
        for k, text in enumerate(texts):
            drawing.text(EDGE, centre + (k - (len(texts) - 1) / 2) * SIZE * LEAD + SIZE * 0.36, text, size=SIZE, bold=line.bold)
        for place, text in ((n_at, line.n), (e_at, line.effect), (w_at, line.weight)):
            if text:
                drawing.text(place, centre + SMALL * 0.36, text, size=SMALL, bold=line.bold, anchor="end")
        _mark(drawing, line, centre, (x, low, high), own if line.own else INK)
    axis = f"Difference {main.facts['active']} − {main.facts['control']}"
    drawing.text((x0 + x1) / 2, bottom + 36, axis, size=SIZE, anchor="middle")
    y = bottom + 58
    for text in under:
        drawing.text(EDGE, y, text, size=SMALL)
        y += SMALL * LEAD
    if grey:
        y += 0.4 * SMALL * LEAD
        drawing.text(EDGE, y, "Left out", size=SMALL, bold=True, fill=GREY)
        for texts in grey:
            for text in texts:
                y += SMALL * LEAD
                drawing.text(EDGE + 12, y, text, size=SMALL, fill=GREY)
    drawing.sign(context.stamps, context.source, SMALL)
    return drawing


def _mark(drawing: Drawing, line: _Line, y: float, axis: tuple, colour: str) -> None:
    """Interval and estimate of a row; what lies beyond the axis ends in an arrow."""
    x, low, high = axis
    estimate, a, b = line.values
    inside = low <= estimate <= high
    if line.mark == "diamond":
        half = 7.0
        drawing.path(
            [(x(a), y), (x(estimate), y - half), (x(b), y), (x(estimate), y + half)],
            stroke=INK,
            fill=INK if line.bold else "#fff",
            line=1.4,
            closed=True,
        )
    elif line.mark == "bar":
        drawing.rect(x(a), y - 3, x(b) - x(a), 6, fill=SOFT, stroke=SOFT)
    else:
        drawing.path([(x(a), y), (x(b), y)], stroke=colour, line=1.7)
    for value, beyond, sign in ((a, a < low, -1), (b, b > high, 1)):
        if beyond:
            drawing.path([(x(value) - sign * 8, y - 5), (x(value), y), (x(value) - sign * 8, y + 5)], stroke=colour, line=1.7)
        elif line.mark in ("square", "open"):
            drawing.path([(x(value), y - 4), (x(value), y + 4)], stroke=colour, line=1.7)
    if line.mark in ("square", "open") and inside:
        half = max(2.2, LARGEST * line.share**0.5)
        drawing.rect(
            x(estimate) - half, y - half, 2 * half, 2 * half, fill="#fff" if line.mark == "open" else colour, stroke=colour, line=1.7
        )
