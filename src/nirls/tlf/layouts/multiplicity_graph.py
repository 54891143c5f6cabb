"""Figure of the graph of a multiplicity procedure: hypotheses with their weights, and where a weight goes on rejection."""

from __future__ import annotations

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf.document import FigureDocument, Ref, stem
from nirls.tlf.errors import DisplayError
from nirls.tlf.formats import number
from nirls.tlf.layouts._common import head
from nirls.tlf.layouts._common import number as display_number
from nirls.tlf.layouts.multiplicity import hypotheses, method_notes, shown
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.lookup import Ard
from nirls.tlf.notes import Notes


class MultiplicityGraphOptions(PlanModel):
    """Options of `multiplicity_graph`."""

    step: int = Field(0, description="Step of the path after which the graph is drawn; 0 for the graph at the start.", ge=0)
    places: dict[str, tuple[float, float]] = Field(
        default_factory=dict,
        description="Hypothesis → column and row in the drawing, from 0; default: columns by the steps from a weight, or an ellipse where "
        "an arrow would run through a box.",
    )
    decisions: bool = Field(True, description="Say in each box whether the hypothesis was rejected, and at which step.")


def share(value: float) -> str:
    """A share with up to three decimals: "1", "0.5", "0.333"; a share that three decimals would hide is written in full."""
    text = number(value, 3).rstrip("0").rstrip(".")
    return text if float(text) > 0 or value == 0 else f"{value:.1g}"


def state(ard: Ard, names: list[str], step: int, refs: list[Ref]) -> tuple[dict[str, float], dict[tuple[str, str], float]]:
    """Weights of the hypotheses in the graph after a step, and its transitions."""
    weights, edges = {}, {}
    for name in names:
        key = {"variable": "hypothesis", "variable_level": name, "group1_level": str(step)}
        weight = ard.find("weight", **key)
        if weight is None:
            continue
        weights[name] = weight.value
        refs.append(weight.ref)
        for other in names:
            edge = ard.find("transition", group2="to", group2_level=other, **key)
            if edge is not None:
                edges[name, other] = edge.value
                refs.append(edge.ref)
    return weights, edges


def in_words(weights: dict[str, float], edges: dict[tuple[str, str], float]) -> str:
    """ "H1 weight 0.5 (to H2 0.5, H3 0.5); H2 weight 0.5"."""
    parts = []
    for name, weight in weights.items():
        to = ", ".join(f"{j} {share(g)}" for (i, j), g in edges.items() if i == name)
        parts.append(f"{name} weight {share(weight)}" + (f" (to {to})" if to else ""))
    return "; ".join(parts) or "no hypothesis is left"


@layout("multiplicity_graph", options=MultiplicityGraphOptions, roles=("main",), kind="figure")
def multiplicity_graph(request: Request) -> Laid:
    """Graph of a multiplicity procedure: weights, transitions and decisions; the whole path stands in the description."""
    from nirls.tlf.layouts._graph_drawing import Node, draw

    options, ard, notes = request.options, request.ards["main"], Notes()
    labels = dict(hypotheses(ard))
    names = list(labels)
    steps = len(ard.levels("step")) if ard.has("step") else 0
    refs: list[Ref] = []
    weights, edges = state(ard, names, options.step, refs)
    if ard.find("weight", variable="hypothesis", variable_level=names[0], group1_level="0") is None:
        raise DisplayError(
            f"{request.id}: analysis {ard.analysis_id!r} has no graph; its procedure is {ard.facts.get('procedure', 'unknown')}"
        )
    if options.step > steps:
        raise DisplayError(f"{request.id}: options.step: the path of analysis {ard.analysis_id!r} has {steps} steps, not {options.step}")
    if options.places and set(options.places) != set(names):
        wrong = sorted(set(options.places) ^ set(names))
        raise DisplayError(f"{request.id}: options.places: give a place to every hypothesis and to no other; look at {', '.join(wrong)}")
    method_notes(ard, notes)
    notes.general("A box holds the hypothesis and its share (weight) of α; an arrow, the part of the weight that goes there on rejection.")

    nodes = []
    for name in names:
        lines = [f"weight {share(weights[name])}"] if name in weights else ["no longer in the graph"]
        if options.decisions:
            lines.append(_decision(ard, name, refs))
        rejected = options.decisions and ard.get("rejected", variable="hypothesis", variable_level=name).value == 1
        nodes.append(Node(name=name, label=labels[name], lines=tuple(lines), marked=rejected))
    start = "at the start" if options.step == 0 else f"after step {options.step}"
    done = sum(ard.get("rejected", variable="hypothesis", variable_level=name).value == 1 for name in names)
    alt = f"Graph of {len(names)} hypotheses {start}: {in_words(weights, edges)}. {done} of {len(names)} hypotheses were rejected."
    svg_name = stem(request.id)
    heading = f"{display_number(request.id)} {request.display.title}"
    svg, size = draw(nodes, {k: share(g) for k, g in edges.items()}, options.places, weights, request.context, svg_name, heading, alt)
    for text in ard.footnotes:
        notes.general(text)
    words = (*(f"{name}: {label}." for name, label in labels.items()), *_path(ard, names, steps, refs))
    ends = head(request, notes, None) | shown(ard)
    document = FigureDocument(svg=f"{svg_name}.svg", alt=alt, description=words, width=size[0], height=size[1], refs=tuple(refs), **ends)
    return Laid(document=document, svg=svg)


def _decision(ard: Ard, name: str, refs: list[Ref]) -> str:
    """ "rejected, step 2"."""
    key = {"variable": "hypothesis", "variable_level": name}
    decision, step = ard.get("rejected", **key), ard.find("step", **key)
    refs.append(decision.ref)
    if decision.value == 1 and step is not None:
        refs.append(step.ref)
        return f"rejected, step {step.value:.0f}"
    return "not rejected"


def _path(ard: Ard, names: list[str], steps: int, refs: list[Ref]) -> list[str]:
    """The graph at the start and after every step, in words."""
    lines = [f"Start: {in_words(*state(ard, names, 0, refs))}."]
    for k in range(1, steps + 1):
        key = {"variable": "step", "variable_level": str(k)}
        name, decision = ard.get("text", **key).text, ard.get("rejected", **key)
        if decision.value == 1:
            lines.append(f"Step {k}: {name} rejected; then {in_words(*state(ard, names, k, refs))}.")
        else:
            lines.append(f"Step {k}: {name} not rejected; the path ends.")
    return lines
