"""Figure of ordered categories as stacked bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf.context import ArmView, DisplayContext
from nirls.tlf.document import FigureDocument, Ref, stem
from nirls.tlf.formats import count, number
from nirls.tlf.layouts._common import chosen_arms, head
from nirls.tlf.layouts._common import number as display_number
from nirls.tlf.layouts._subjects import WIDTH
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.notes import Notes

if TYPE_CHECKING:
    import pandas as pd

ROOM = 4.5
KEY, LEGEND = 5, 105  # characters that the key of a legend entry takes, and that fit one line of the legend
"""Per cent a segment needs for its number."""


class CategoryBarsOptions(PlanModel):
    """Options of `category_bars`."""

    arms: list[str] | None = Field(None, description="Arms to show; none for all.")


@layout("category_bars", options=CategoryBarsOptions, roles=("main",), kind="figure")
def category_bars(request: Request) -> Laid:
    """Percentages of ordered categories as one bar per arm."""
    import pandas as pd

    options, context, main, notes = request.options, request.context, request.ards["main"], Notes()
    arms = chosen_arms(main, context, options.arms)
    visit, levels = main.visits[0], main.levels("category")
    variable = next(v for v in main.variables if v not in ("category", "model", "exclusion"))
    rows, refs, names = [], [], {}
    for arm in arms:
        n, gaps = (main.get(s, variable=variable, group1_level=arm.code, visit=visit) for s in ("n", "n_missing"))
        names[arm.code] = f"{arm.short} (n = {count(n.value)}" + (f", {count(gaps.value)} missing)" if gaps.value else ")")
        for level in levels:
            p = main.get("p", variable="category", variable_level=level, group1_level=arm.code, visit=visit)
            refs.append(Ref(key=p.key, stats=("n", "p")))
            if p.value == p.value:
                rows.append((arm.code, level, p.value))
    table = pd.DataFrame(rows, columns=["arm", "level", "percent"])
    param = main.params[0] if main.params else ""
    what = context.params[param].label if param in context.params else "Category"
    ends = f"from {levels[0].lower()} to {levels[-1].lower()}"
    alt = f"{what} at {visit}: percentages of {len(levels)} categories, {ends}, in {len(arms)} arms."
    notes.general(f"Values at {visit}; percentages of subjects with a value. Segments below {ROOM:g}% carry no number.")
    title, name = f"{display_number(request.id)} {request.display.title}", stem(request.id)
    svg, size = _draw(table, levels, names, arms, context, name, title, alt)
    document = FigureDocument(
        svg=f"{name}.svg", alt=alt, width=size[0], height=size[1], refs=tuple(refs), **head(request, notes, "main", [a.code for a in arms])
    )
    return Laid(document=document, svg=svg)


def _draw(
    table: pd.DataFrame,
    levels: list[str],
    names: dict[str, str],
    arms: list[ArmView],
    context: DisplayContext,
    name: str,
    title: str,
    alt: str,
) -> tuple[bytes, tuple[float, float]]:
    import pandas as pd
    import plotnine as p9

    from nirls.tlf import figures
    from nirls.tlf.palette import HAIR, INK, contrast, diverging

    colors = dict(zip(levels, diverging(len(levels)), strict=True))
    legend_rows = 1 if sum(len(level) + KEY for level in levels) < LEGEND else 2
    height = 0.36 * len(arms) + 1.3 + 0.2 * legend_rows
    data = table.assign(
        arm=pd.Categorical(table["arm"], [a.code for a in reversed(arms)], ordered=True),
        level=pd.Categorical(table["level"], levels[::-1], ordered=True),  # the first level is drawn at the axis
        text=[number(p, 0) if p >= ROOM else "" for p in table["percent"]],
        ink=[INK if contrast(colors[v], INK) >= contrast(colors[v]) else "#ffffff" for v in table["level"]],
    )
    plot = p9.ggplot(data, p9.aes("arm", "percent", fill="level")) + figures.theme()
    plot += p9.geom_col(width=0.74, color="white", size=0.4)
    # group: without it the ink would decide the order of the stack, and numbers would stand in the segments of others
    plot += p9.geom_text(
        p9.aes(label="text", color="ink", group="level"), position=p9.position_stack(vjust=0.5), size=figures.SMALL, show_legend=False
    )
    plot += p9.scale_color_identity()
    plot += p9.coord_flip()
    plot += p9.scale_fill_manual(values=colors, limits=levels, breaks=levels)
    plot += p9.scale_x_discrete(drop=False, labels=lambda codes: [names[c] for c in codes])
    plot += p9.scale_y_continuous(expand=(0, 0), limits=(0, 100.0001), breaks=[0, 25, 50, 75, 100])
    plot += p9.labs(x="", y="Subjects (%)", fill="")
    plot += p9.guides(fill=p9.guide_legend(nrow=legend_rows))
    plot += p9.theme(
        figure_size=(WIDTH, height),
        axis_title_y=p9.element_blank(),
        axis_line_x=p9.element_blank(),
        panel_grid_major_x=p9.element_line(color=HAIR, size=0.5),
        panel_grid_major_y=p9.element_blank(),
        legend_position="top",
        legend_title=p9.element_blank(),
        legend_text=p9.element_text(size=figures.SMALL),
        legend_key_size=10,
        plot_margin_bottom=0.26 / WIDTH,
    )
    figure = plot.draw()
    figures.sign(figure, context)
    return figures.svg_text(figure, name, title, alt), (WIDTH * 96, height * 96)
