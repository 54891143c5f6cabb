"""Figure of the outcome against what was delivered, with the comparison of arms laid over it."""

from __future__ import annotations

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf import model_text
from nirls.tlf.document import FigureDocument, stem
from nirls.tlf.errors import DisplayError
from nirls.tlf.formats import interval, number
from nirls.tlf.layouts import _subjects
from nirls.tlf.layouts._common import chosen_arms, digits, head
from nirls.tlf.layouts._common import number as display_number
from nirls.tlf.layouts._subjects import WIDTH
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.notes import Notes


class ExposurePlotOptions(PlanModel):
    """Options of `exposure_plot`."""

    exposure: str = Field("Exposure", description="What was delivered, with its unit, for the axis.")
    outcome: str = Field("Outcome", description="The outcome, for the axis.")
    arm: str | None = Field(None, description="Arm to show beside the reference; default: the only one.")


@layout("exposure_plot", options=ExposurePlotOptions, roles=("main",), kind="figure")
def exposure_plot(request: Request) -> Laid:
    """Outcome of each subject against its exposure, and the means of the two arms, whose line is the effect that assignment shows."""
    import pandas as pd
    import plotnine as p9

    from nirls.tlf import figures
    from nirls.tlf.palette import INK, looks

    options, context, main, notes = request.options, request.context, request.ards["main"], Notes()
    others = [a for a in chosen_arms(main, context, None) if a.code != context.reference]
    chosen = [a for a in others if options.arm in (None, a.code)]
    if len(chosen) != 1:
        raise DisplayError(f"{request.id}: options.arm: name one of {', '.join(a.code for a in others)}")
    arms, variable = [context.arm(context.reference), chosen[0]], model_text.response(main, None)
    records = request.records.get("main")
    if records is None:
        raise DisplayError(f"{request.id}: analysis {main.analysis_id!r} kept no records of subjects")
    group = main.group
    frame = records[records[group].isin([a.code for a in arms])]
    frame = frame.assign(arm=pd.Categorical(frame[group], [a.code for a in arms]))
    key = {"variable": variable, "group1_level": chosen[0].code, "visit": main.visits[0] if main.visits else "", "group2": "DELIVERED"}
    centres = []
    for arm in arms:
        own = key | {"group2_level": arm.code}
        centres.append((arm, main.get("mean", **own), main.get("mean", variable_level="outcome", **own)))
    means = pd.DataFrame(
        {"arm": [a.code for a, _, _ in centres], "x": [x.value for _, x, _ in centres], "y": [y.value for _, _, y in centres]}
    )
    style, name = looks(context.arms), stem(request.id)
    codes = [a.code for a in arms]
    plot = p9.ggplot(frame, p9.aes("EXPOSURE", "OUTCOME", color="arm", shape="arm")) + figures.theme()
    plot += p9.geom_point(size=2.0, alpha=0.55, stroke=0)
    plot += p9.geom_line(p9.aes("x", "y"), data=means, inherit_aes=False, color=INK, size=0.9)
    plot += p9.geom_point(p9.aes("x", "y", fill="arm"), data=means, inherit_aes=False, shape="D", size=4.2, color=INK, stroke=0.8)
    for scale in (p9.scale_color_manual, p9.scale_fill_manual):
        plot += scale(values={c: style[c].color for c in codes}, limits=codes, labels=[a.short for a in arms], name=" ")
    plot += p9.scale_shape_manual(values=["s", "o"], limits=codes, labels=[a.short for a in arms], name=" ")
    plot += p9.scale_y_continuous(labels=_subjects.ticks)
    plot += p9.labs(x=options.exposure, y="", subtitle=options.outcome)
    plot += p9.theme(
        figure_size=(WIDTH, 4.6), axis_title_y=p9.element_blank(), legend_position="top", legend_justification="left",
        plot_subtitle=p9.element_text(size=figures.BASE, ha="left", margin={"b": 6, "units": "pt"}), plot_margin_bottom=0.26 / WIDTH,
    )  # fmt: skip
    figure = plot.draw()
    figures.sign(figure, context)
    versus = {k: v for k, v in key.items() if k != "group2"} | {"comparison": model_text.contrast(main, chosen[0].code, context.reference)}
    effect, low, high = (main.get(n, variable_level="compliers", **versus) for n in ("estimate", "conf_low", "conf_high"))
    d = digits(context, "estimate")
    said = "not estimable" if effect.error else f"{number(effect.value, d)} {interval(low.value, high.value, d)}"
    alt = f"{options.outcome} of {len(frame)} subjects against {options.exposure}; effect of one unit, adjusted: {said}."
    notes.general(
        "Points: subjects. Diamonds: means of the arms; the slope of their line is the effect of one unit without adjustment, since the "
        f"arm was randomized. Adjusted: {said} ({model_text.level_text(main)}). The slope among the points of one arm is not an effect: "
        "what was delivered was not randomized."
    )
    for name_of in ("estimator", "label"):
        if text := main.facts.get(name_of):
            notes.general(f"{text[:1].upper()}{text[1:]}.")
    refs = tuple(f.ref for _, x, y in centres for f in (x, y))
    svg = figures.svg_text(figure, name, f"{display_number(request.id)} {request.display.title}", alt)
    document = FigureDocument(
        svg=f"{name}.svg", alt=alt, width=WIDTH * 96, height=4.6 * 96, refs=refs, **head(request, notes, "main", codes)
    )
    return Laid(document=document, svg=svg)
