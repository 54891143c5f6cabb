"""Figure of a tipping-point analysis: the difference over a grid of δ in both arms."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf import model_text
from nirls.tlf.document import FigureDocument, Ref, stem
from nirls.tlf.errors import DisplayError
from nirls.tlf.formats import bind, fixed, missing, number, p_value
from nirls.tlf.layouts._common import capital, chosen_param, digits, head
from nirls.tlf.layouts._common import number as display_number
from nirls.tlf.layouts._tipping_drawing import Map, Node
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.lookup import Ard, Found
from nirls.tlf.notes import Notes

NAMES = ("estimate", "conf_low", "conf_high", "p_value")
SPOKEN = 200
"""Up to this many nodes, the description holds every number of the map."""


class TippingMapOptions(PlanModel):
    """Options of `tipping_map`."""

    variance: Literal["repeated sampling", "information-anchored"] | None = Field(
        None, description="Variance to show; needed where the analysis has both."
    )
    variable: str | None = Field(None, description="Response; default: the only one of the results.")
    param: str | None = Field(None, description="PARAMCD; default: the only one of the results.")


@layout("tipping_map", options=TippingMapOptions, roles=("main",), kind="figure")
def tipping_map(request: Request) -> Laid:
    """Difference over δ in the active and the reference arm, with the line where significance is lost and the tipping point in words."""
    from nirls.tlf.layouts._tipping_drawing import draw

    ard, context, options, notes = request.ards["main"], request.context, request.options, Notes()
    deltas = ard.values("group2_level", group2="DELTA")
    if not deltas:
        raise DisplayError(f"{request.id}: analysis {ard.analysis_id!r} has no grid of δ; use an analysis with the method 'tipping_point'")
    variance = _variance(request, ard)
    arm, reference = ard.values("group1_level", group2="DELTA")[0], ard.values("group3", group2="DELTA")[0].removeprefix("DELTA ")
    visit = ard.values("visit", group2="DELTA")[0]
    alpha = _alpha(ard)
    nodes, refs = _nodes(request, ard, variance, arm, reference, visit, alpha)
    active, other = context.arm(arm), context.arm(reference)
    view = context.params.get(chosen_param(ard, options.param))
    variable = model_text.response(ard, options.variable)
    label = context.labels.get(variable, variable)
    label = label[:1].lower() + label[1:] if label[1:2].islower() else label
    what = f"{label} in {view.label}" if view and variable in ("CHG", "PCHG") else view.label if view else label
    unit = view.unit if view and view.unit else "points"
    level = fixed(alpha, 2)

    tipping = ard.get(
        "delta", variable="tipping", variable_level=variance, group1_level=arm, visit=visit, comparison=f"{arm} - {reference}"
    )
    refs.append(tipping.ref)
    point = _tipping(tipping, active.short, digits(context, "delta"), unit)
    verdict = _verdict(nodes, level)
    better = {"lower_better": -1, "higher_better": 1}.get(view.direction or "", 0) if view else 0
    drawn = Map(
        nodes=nodes,
        x_title=bind(f"δ in {active.label}: imputed values worse by ({unit})"),
        y_title=bind(f"δ in {other.label}: imputed values worse by ({unit})"),
        legend=bind(f"Difference {active.short} \N{MINUS SIGN} {other.short} ({unit})"),
        line=f"p = {level}",
        bold=f"bold: p < {level}",
        words=(point, verdict),
        better=better,
        tipping=tipping.value,
        digits=digits(context, "estimate"),
    )
    zero = next((n for n in nodes if n.active == 0 and n.reference == 0), None)
    at_zero = f" Without δ: {_spoken(request, zero, drawn.digits)}." if zero else ""
    alt = f"Map of the difference in {what} at {visit.lower()}, {active.short} minus {other.short}, over δ. {point}. {verdict}{at_zero}"
    name = stem(request.id)
    svg, size = draw(drawn, context, name, f"{display_number(request.id)} {request.display.title}", alt)

    notes.general(f"Difference in {what} at {visit.lower()}; δ {ard.facts.get('delta', 'in points of worsening')}.")
    if "strategy" in ard.facts:
        notes.general(f"δ departs from imputation under {ard.facts['strategy']}; the framed cell is δ = 0 in both arms.")
    if len({n.significant for n in nodes if not n.reason}) > 1:
        notes.general(
            f"Line of p = {level}: where a confidence limit of the difference is 0, interpolated linearly between the nodes of the grid, "
            "for the drawing only."
        )
    notes.general(verdict)
    notes.general(f"{point}.")
    for reason in dict.fromkeys(n.reason for n in nodes if n.reason):
        notes.general(f"Hatched, not estimable: {capital(reason)}.")
    told = dict(model_text.facts(ard))
    if "variance" in told:
        told["variance"] = next((p for p in told["variance"].split("; ") if p.startswith(f"{variance}: ")), told["variance"])
    notes.general(" ".join(f"{model_text.LABELS[k]}: {t.rstrip('.')}." for k, t in told.items()))
    if "event" in ard.facts:
        notes.general(f"Event: {ard.facts['event']}.")
    for text in ard.footnotes:
        notes.general(text)
    ends = head(request, notes, "main", [a.code for a in context.arms if a.code in (arm, reference)])
    description = _description(request, nodes, drawn.digits, active.short, other.short)
    document = FigureDocument(svg=f"{name}.svg", alt=alt, description=description, width=size[0], height=size[1], refs=tuple(refs), **ends)
    return Laid(document=document, svg=svg)


def _variance(request: Request, ard: Ard) -> str:
    have, wanted = ard.values("variable_level", group2="DELTA"), request.options.variance
    if wanted is None and len(have) == 1:
        return have[0]
    if wanted not in have:
        raise DisplayError(
            f"{request.id}: options.variance: {wanted!r} is not in analysis {ard.analysis_id!r}, which has {', '.join(have)}; name one"
        )
    return wanted


def _alpha(ard: Ard) -> float:
    found = ard.find("conf_level", variable="model")
    return 0.05 if found is None else round(1 - found.value, 10)


def _nodes(
    request: Request, ard: Ard, variance: str, arm: str, reference: str, visit: str, alpha: float
) -> tuple[tuple[Node, ...], list[Ref]]:
    """Every node of the grid as the results hold it."""
    key = {
        "variable": model_text.response(ard, request.options.variable), "variable_level": variance, "group1_level": arm, "visit": visit,
        "comparison": f"{arm} - {reference}", "param": chosen_param(ard, request.options.param),
        "group2": "DELTA", "group3": f"DELTA {reference}",
    }  # fmt: skip
    nodes, refs = [], []
    for a in ard.values("group2_level", group2="DELTA"):
        for r in ard.values("group3_level", group2="DELTA"):
            found = {name: ard.get(name, **key, group2_level=a, group3_level=r) for name in NAMES}
            estimate, low, high, p = (found[n].value for n in NAMES)
            reason = ""
            if any(missing(v) for v in (estimate, low, high, p)):
                reason = (found["estimate"].error or found["p_value"].error or "no reason was recorded").rstrip(".")
            nodes.append(
                Node(
                    active=float(a), reference=float(r), estimate=estimate, low=low, high=high, p=p,
                    significant=p < alpha, reason=reason,
                )
            )  # fmt: skip
            refs.append(Ref(key=found["estimate"].key, stats=NAMES))
    return tuple(nodes), refs


def _tipping(found: Found, arm: str, places: int, unit: str) -> str:
    """The tipping point in words."""
    where = f"Tipping point, δ in {arm} alone"
    if found.text:
        return f"{where}: {found.text}"
    if missing(found.value):
        return f"{where}: not estimable ({(found.error or 'no reason was recorded').rstrip('.')})"
    return f"{where}: {number(found.value, places)} {unit} worse"


def _verdict(nodes: tuple[Node, ...], level: str) -> str:
    """How much of the map is significant."""
    estimated = [n for n in nodes if not n.reason]
    good = sum(n.significant for n in estimated)
    if not estimated:
        return "No node of the grid could be estimated."
    if good == len(estimated):
        return f"p < {level} at every node of the grid, so no line is drawn."
    if not good:
        return f"p ≥ {level} at every node of the grid, so no line is drawn."
    return f"p < {level} at {good} of {len(estimated)} nodes of the grid."


def _spoken(request: Request, node: Node, places: int) -> str:
    p = p_value(node.p, request.context.p_style)
    return "not estimable" if node.reason else f"{number(node.estimate, places)} (p {p})"


def _description(request: Request, nodes: tuple[Node, ...], places: int, active: str, other: str) -> tuple[str, ...]:
    """Row by row; a large grid at δ = 0 in the reference arm alone."""
    levels = sorted({n.reference for n in nodes}, reverse=True)
    lines = []
    if len(nodes) > SPOKEN:
        nearest = min(levels, key=lambda r: (abs(r), r))
        lines.append(f"The map has {len(nodes)} nodes; those at δ nearest to 0 in {other}:")
        levels = [nearest]
    for r in levels:
        row = "; ".join(f"{_delta(n.active)}: {_spoken(request, n, places)}" for n in nodes if n.reference == r)
        lines.append(f"δ {_delta(r)} in {other}; δ in {active} {row}.")
    return tuple(lines)


def _delta(value: float) -> str:
    return f"{value:g}".replace("-", "\N{MINUS SIGN}")
