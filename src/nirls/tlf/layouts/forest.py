"""Figure of several estimators of one effect on one axis."""

from __future__ import annotations

from pydantic import Field

from nirls.tlf.document import FigureDocument, Ref, stem
from nirls.tlf.errors import DisplayError
from nirls.tlf.formats import bind, join, number
from nirls.tlf.layouts import _estimators
from nirls.tlf.layouts._common import capital, digits, head
from nirls.tlf.layouts._common import number as display_number
from nirls.tlf.layouts._estimators import NAMES, Estimator, EstimatorsOptions
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.notes import Notes


class ForestOptions(EstimatorsOptions):
    """Options of `forest`."""

    limits: tuple[float, float] | None = Field(
        None, description="Ends of the axis; an interval that goes on has an arrow. Default: all intervals, 0 and the true values."
    )


@layout("forest", options=ForestOptions, roles=(), optional=("*",), kind="figure")
def forest(request: Request) -> Laid:
    """All estimators of one effect with confidence intervals on one axis, the numbers beside them."""
    from nirls.tlf.layouts._forest_drawing import Line, Words, draw

    options, context, notes = request.options, request.context, Notes()
    found = _estimators.estimators(request)
    several = _estimators.outcomes(found)
    if len(several) > 1:
        named = "; ".join(several)
        raise DisplayError(f"{request.id}: options.rows: one axis holds one outcome, but the rows have {named}; make a figure for each")
    primary = found[0]
    what, view = _estimators.outcome(request, found)
    side = _estimators.better(request, view)
    own = _estimators.explain(found, notes)
    ci = _estimators.level(found)
    compared = {e.arm for e in found}
    active = context.arm(compared.pop()).short if len(compared) == 1 else "the active arm"
    reference = context.arm(context.reference).short
    lines = []
    for e in found:
        lines.append(
            Line(
                label=e.spec.label,
                heading=e.spec.group or "",
                arm=e.arm,
                aside=e.spec.comparison_only,
                values=(e.value("estimate"), e.value("conf_low"), e.value("conf_high")),
                effect=e.effect(),
                p=e.p(request) if e.estimated else "",
                reason="" if e.estimated else e.reason,
                known=e.spec.known,
            )
        )
    favours = ("", "") if side is None else (active, reference) if side == "lower" else (reference, active)
    unit = view.unit if view is not None else "percentage points" if "difference" in what else ""
    words = Words(
        axis=bind(_estimators.title(request, found) + (f" ({unit})" if unit else "")),
        favours=(f"favours {favours[0]}", f"favours {favours[1]}") if side else ("", ""),
        effect=f"Difference ({ci})",
        known=options.known_label,
        known_at=options.known,
        known_text="" if options.known is None else number(options.known, digits(context, "estimate")),
        primary=primary.value("estimate"),
    )
    alt = _alt(found, _estimators.title(request, found), ci)
    svg_name = stem(request.id)
    svg, size = draw(lines, words, options.limits, context, svg_name, f"{display_number(request.id)} {request.display.title}", alt)

    notes.general(f"Difference: {_estimators.pair(request, found)}. Points: estimates; lines: {ci}. Dotted: estimate of the first row.")
    if any(e.spec.comparison_only for e in found):
        notes.general(f"Grey and hollow, shown for comparison only: {join([e.spec.label for e in found if e.spec.comparison_only])}.")
    if any(e.spec.known is not None for e in found):
        notes.general(f"Diamond: {options.known_label.lower()} for what the row estimates.")
    for e in found:
        if not e.estimated:
            notes.general(f"NE: {e.spec.label} is not estimable. {capital(e.reason)}.")
    for text in dict.fromkeys(t for t in own if t):
        notes.general(f"{join([e.spec.label for e, t in zip(found, own, strict=True) if t == text])}: {text}")
    _estimators.whose(found, notes)
    refs = tuple(Ref(key=e.key, stats=tuple(n for n in NAMES if e.found[n] is not None)) for e in found)
    ends = head(request, notes, primary.spec.analysis, _estimators.arms(request, found))
    return Laid(document=FigureDocument(svg=f"{svg_name}.svg", alt=alt, width=size[0], height=size[1], refs=refs, **ends), svg=svg)


def _alt(found: list[Estimator], title: str, ci: str) -> str:
    """What the figure shows: the primary estimate and the range of the others."""
    shown = [e for e in found if e.estimated and not e.spec.comparison_only]
    first = f"{found[0].spec.label} {found[0].effect()}" if found[0].estimated else f"{found[0].spec.label} not estimable"
    text = f"{title}: {len(found)} estimators with {ci}. {first}"
    if len(shown) > 1:
        by_size = sorted(shown, key=lambda e: e.value("estimate"))
        low, high = (number(e.value("estimate"), e.places) for e in (by_size[0], by_size[-1]))
        text += f"; estimates from {low} ({by_size[0].spec.label}) to {high} ({by_size[-1].spec.label})"
    return text + "."
