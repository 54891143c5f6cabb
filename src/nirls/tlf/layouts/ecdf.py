"""Figure of cumulative distributions."""

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


@layout("ecdf", options=SubjectsOptions, roles=("main",), kind="figure")
def ecdf(request: Request) -> Laid:
    """Cumulative distribution of one value per subject, one panel per arm, with the reference arm in each."""
    options, context, main, notes = request.options, request.context, request.ards["main"], Notes()
    arms = chosen_arms(main, context, options.arms)
    sizes = _subjects.counts(main, arms)
    frame = _subjects.records(request, arms, sizes)
    low = main.facts["direction"] == "lower_better"
    x_title, y_title = _subjects.outcome(request), f"Subjects with a value of at {'most' if low else 'least'} x (%)"
    visit = f" at {main.visits[0]}" if main.visits else ""
    alt = f"Cumulative distribution of {x_title[:1].lower() + x_title[1:]}{visit}, in panels of {len(arms)} arms."
    notes.general(f"Values{visit}; {main.facts['denominator']}.")
    if any(a.code == context.reference for a in arms) and len(arms) > 1:
        reference = _subjects.strip(context.arm(context.reference), sizes).replace("\n", ", ")
        notes.general(f"Dashed in every panel: reference arm ({reference}).")
    notes.general(_subjects.marked(options.lines))
    name = stem(request.id)
    svg, size = _draw(
        frame, sizes, arms, context, options, low, (x_title, y_title), name, f"{display_number(request.id)} {request.display.title}", alt
    )
    refs = tuple(f.ref for pair in sizes.values() for f in pair)
    document = FigureDocument(
        svg=f"{name}.svg", alt=alt, width=size[0], height=size[1], refs=refs, **head(request, notes, "main", [a.code for a in arms])
    )
    return Laid(document=document, svg=svg)


def _draw(
    frame: pd.DataFrame, sizes: dict, arms: list[ArmView], context: DisplayContext, options: SubjectsOptions, low: bool,
    titles: tuple[str, str], name: str, title: str, alt: str,
) -> tuple[bytes, tuple[float, float]]:  # fmt: skip
    import pandas as pd
    import plotnine as p9

    from nirls.tlf import figures
    from nirls.tlf.palette import SOFT, looks

    style = looks(context.arms)
    reference = next((a for a in arms if a.code == context.reference), None)
    panels = [a for a in arms if a is not reference] or arms
    across = _subjects.across(len(panels), options.columns)
    down = math.ceil(len(panels) / across)
    height = down * (2.3 if across > 2 else 3.4) + 0.9
    edge = (frame["x"].min(), frame["x"].max())

    def steps(arm: ArmView) -> pd.DataFrame:
        """The curve of an arm, from one edge of the figure to the other; an arm without a value has none."""
        part = frame[frame["arm"] == arm.code].drop_duplicates("x").sort_values("x")
        xs, ys = list(part["x"]), list(part["percent"])
        if not xs:
            return pd.DataFrame({"x": [], "percent": []})
        return pd.DataFrame({"x": [edge[0], *xs, edge[1]], "percent": [0.0 if low else ys[0], *ys, ys[-1]]})

    def in_panel(table: pd.DataFrame, arm: ArmView) -> pd.DataFrame:
        return table.assign(arm=figures.arm_factor(pd.Series([arm.code] * len(table), index=table.index), panels))

    own = pd.concat([in_panel(steps(a), a) for a in panels], ignore_index=True)
    direction = "hv" if low else "vh"
    plot = p9.ggplot(own, p9.aes("x", "percent", color="arm")) + figures.theme()
    for line in options.lines:
        plot += p9.geom_vline(xintercept=line.value, color=SOFT, linetype="dotted", size=0.6)
    if reference is not None and reference not in panels:
        copies = pd.concat([in_panel(steps(reference), a) for a in panels], ignore_index=True)
        plot += p9.geom_step(
            p9.aes(group="arm"), data=copies, direction=direction, color=style[reference.code].color, linetype="dashed", size=0.8
        )
    plot += p9.geom_step(p9.aes(group="arm"), direction=direction, size=1.1)
    strips = {a.code: _subjects.strip(a, sizes) for a in panels}
    plot += p9.facet_wrap("arm", ncol=across, drop=False, labeller=lambda code: strips[code])
    plot += p9.scale_color_manual(values={a.code: style[a.code].color for a in panels}, limits=[a.code for a in panels])
    plot += p9.scale_x_continuous(labels=_subjects.ticks)
    plot += p9.scale_y_continuous(limits=(0, 100), breaks=[0, 25, 50, 75, 100])
    plot += p9.labs(x=titles[0], y="", subtitle=titles[1])
    plot += p9.theme(
        figure_size=(WIDTH, height),
        axis_title_y=p9.element_blank(),
        panel_spacing=0.025,
        plot_subtitle=p9.element_text(size=figures.BASE, ha="left", margin={"b": 6, "units": "pt"}),
        strip_text=p9.element_text(size=figures.SMALL, ma="left"),
        plot_margin_bottom=0.26 / WIDTH,
        axis_title_x=p9.element_text(color=SOFT),
    )
    figure = plot.draw()
    figures.sign(figure, context)
    return figures.svg_text(figure, name, title, alt), (WIDTH * 96, height * 96)
