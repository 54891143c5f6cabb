"""Waterfall figure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from nirls.tlf.context import ArmView, DisplayContext
from nirls.tlf.document import FigureDocument, stem
from nirls.tlf.layouts import _subjects
from nirls.tlf.layouts._common import chosen_arms, head
from nirls.tlf.layouts._common import number as display_number
from nirls.tlf.layouts._subjects import WIDTH, SubjectsOptions
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.notes import Notes

if TYPE_CHECKING:
    import pandas as pd


@layout("waterfall", options=SubjectsOptions, roles=("main",), kind="figure")
def waterfall(request: Request) -> Laid:
    """One bar per subject from worst to best, one panel per arm."""
    options, context, main, notes = request.options, request.context, request.ards["main"], Notes()
    arms = chosen_arms(main, context, options.arms)
    sizes = _subjects.counts(main, arms)
    frame = _subjects.records(request, arms, sizes)
    y_title = _subjects.outcome(request)
    visit = f" at {main.visits[0]}" if main.visits else ""
    alt = f"{y_title}{visit} of each subject as a bar, from worst to best, in {len(arms)} panels, one per arm."
    notes.general(f"Values{visit}. Each bar is a subject, from worst (left) to best (right); a value of 0 has no bar.")
    notes.general("The width of a panel is the size of the largest arm, so that bars have one width.")
    notes.general(_subjects.marked(options.lines))
    name = stem(request.id)
    svg, size = _draw(frame, sizes, arms, context, options, y_title, name, f"{display_number(request.id)} {request.display.title}", alt)
    refs = tuple(f.ref for pair in sizes.values() for f in pair)
    document = FigureDocument(
        svg=f"{name}.svg", alt=alt, width=size[0], height=size[1], refs=refs, **head(request, notes, "main", [a.code for a in arms])
    )
    return Laid(document=document, svg=svg)


def _draw(
    frame: pd.DataFrame, sizes: dict, arms: list[ArmView], context: DisplayContext, options: SubjectsOptions,
    y_title: str, name: str, title: str, alt: str,
) -> tuple[bytes, tuple[float, float]]:  # fmt: skip
    import plotnine as p9

    from nirls.tlf import figures
    from nirls.tlf.palette import INK, SOFT, looks

    style = looks(context.arms)
    across = _subjects.across(len(arms), options.columns)
    down = math.ceil(len(arms) / across)
    height = down * (2.05 if across > 2 else 3.0) + 0.8
    plot = p9.ggplot(frame, p9.aes("rank", "x", fill="arm")) + figures.theme()
    plot += p9.geom_col(width=0.82)
    plot += p9.geom_hline(yintercept=0, color=INK, size=0.5)
    for line in options.lines:
        plot += p9.geom_hline(yintercept=line.value, color=SOFT, linetype="dotted", size=0.7)
    strips = {a.code: _subjects.strip(a, sizes) for a in arms}
    plot += p9.facet_wrap("arm", ncol=across, drop=False, labeller=lambda code: strips[code])
    plot += p9.scale_fill_manual(values={a.code: style[a.code].color for a in arms}, limits=[a.code for a in arms])
    plot += p9.scale_y_continuous(labels=_subjects.ticks)
    plot += p9.scale_x_continuous(breaks=[], limits=(0, max(s[0].value for s in sizes.values()) + 1), expand=(0, 0))
    plot += p9.labs(x="Subjects, from worst to best", y="", subtitle=y_title)
    plot += p9.theme(
        figure_size=(WIDTH, height),
        axis_title_y=p9.element_blank(),
        axis_line_x=p9.element_blank(),
        panel_spacing=0.025,
        plot_subtitle=p9.element_text(size=figures.BASE, ha="left", margin={"b": 6, "units": "pt"}),
        strip_text=p9.element_text(size=figures.SMALL, ma="left"),
        plot_margin_bottom=0.26 / WIDTH,
        axis_title_x=p9.element_text(color=SOFT),
    )
    figure = plot.draw()
    figures.sign(figure, context)
    return figures.svg_text(figure, name, title, alt), (WIDTH * 96, height * 96)
