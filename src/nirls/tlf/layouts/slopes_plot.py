"""Figure of the fitted course from maintenance to the end of follow-up, over the observed means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf import model_text
from nirls.tlf.document import FigureDocument, Ref, stem
from nirls.tlf.formats import join, number
from nirls.tlf.layouts._common import capital, chosen_arms, head
from nirls.tlf.layouts._common import number as display_number
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.notes import Notes

if TYPE_CHECKING:
    import pandas as pd

    from nirls.tlf.context import ArmView

WIDTH, HEIGHT = 10.0, 5.0
"""Inches."""


class SlopesPlotOptions(PlanModel):
    """Options of `slopes_plot`."""

    arms: list[str] | None = Field(None, description="Arms to show; none for all.")


@layout("slopes_plot", options=SlopesPlotOptions, roles=("main",), kind="figure")
def slopes_plot(request: Request) -> Laid:
    """Fitted lines with intervals and observed means by week, with the end of treatment marked."""
    import pandas as pd

    options, context, main, notes = request.options, request.context, request.ards["main"], Notes()
    arms = chosen_arms(main, context, options.arms)
    variable, ci = model_text.response(main, None), model_text.level_text(main)
    knot = main.get("week", variable="model").value
    lines, points, refs = [], [], []
    for arm in arms:
        weeks = main.values("variable_level", variable="curve", group1_level=arm.code)
        if not weeks:
            found = main.get("estimate", variable="curve", group1_level=arm.code)
            notes.general(f"Not drawn: {arm.short}, not estimable ({found.error}).")
        for week in weeks:
            key = {"variable": "curve", "variable_level": week, "group1_level": arm.code}
            three = [main.get(n, **key) for n in ("estimate", "conf_low", "conf_high")]
            lines.append((arm.code, float(week), *(f.value for f in three)))
            refs.append(Ref(key=three[0].key, stats=("estimate", "conf_low", "conf_high")))
        for visit in main.values("visit", variable=variable, variable_level="observed", group1_level=arm.code):
            key = {"variable": variable, "variable_level": "observed", "group1_level": arm.code, "visit": visit}
            mean, week_of = main.get("mean", **key), main.get("week", **key)
            points.append((arm.code, week_of.value, mean.value))
            refs.append(Ref(key=mean.key, stats=("mean", "week")))
    fitted = pd.DataFrame(lines, columns=["arm", "week", "y", "low", "high"])
    observed = pd.DataFrame(points, columns=["arm", "week", "y"])
    param = context.params.get(main.params[0]) if main.params else None
    what = param.label if param else variable
    hint = {"lower_better": "lower is better", "higher_better": "higher is better"}.get(getattr(param, "direction", None) or "", "")
    last = fitted.groupby("arm", sort=False).tail(1)
    reached = [f"{context.arm(r.arm).short} {number(r.y, 1)} at week {number(r.week, 0)}" for r in last.itertuples()]
    title = f"{display_number(request.id)} {request.display.title}"
    alt = f"Fitted mean {what} by week with {ci}, treatment ending at week {number(knot, 0)}. {capital(join(reached))}."
    notes.general(
        f"Lines: fitted means with {ci}; points: observed means at the mean day of the visit. Treatment ends at week {number(knot, 0)}."
    )
    for text in [*model_text.footnotes(main, context), *main.footnotes]:
        notes.general(text)
    name = stem(request.id)
    y_title = f"Mean {what}" + (f" ({hint})" if hint else "")
    svg = _draw(fitted, observed, arms, request, knot, y_title, name, title, alt)
    document = FigureDocument(
        svg=f"{name}.svg", alt=alt, width=WIDTH * 96, height=HEIGHT * 96, refs=tuple(refs),
        **head(request, notes, "main", [a.code for a in arms]),
    )  # fmt: skip
    return Laid(document=document, svg=svg)


def _draw(
    fitted: pd.DataFrame,
    observed: pd.DataFrame,
    arms: list[ArmView],
    request: Request,
    knot: float,
    y_title: str,
    name: str,
    title: str,
    alt: str,
) -> bytes:
    import plotnine as p9

    from nirls.tlf import figures
    from nirls.tlf.figures import arm_factor
    from nirls.tlf.palette import SOFT, looks
    from nirls.tlf.text import width

    style, names = looks(request.context.arms), {a.code: a.short for a in arms}
    drawn = fitted if len(fitted) else observed
    left, right = (float(drawn["week"].min()), float(drawn["week"].max())) if len(drawn) else (0.0, knot)
    label = max(width(t, figures.BASE, True) for t in names.values()) + 14
    reach = right + (right - left) * label / (WIDTH * 72 - 60 - label)
    heights = [*fitted["low"], *fitted["high"], *observed["y"]] or [0.0, 1.0]
    low, high = min(heights), max(heights)
    line = (high - low) / (HEIGHT * 72 - 80) * figures.BASE * 1.35
    ends = fitted.sort_values("week", kind="stable").groupby("arm", sort=False).tail(1)
    ends = ends.assign(at=figures.apart(list(ends["y"]), line, low, high), text=ends["arm"].map(names))
    fitted, observed = (d.assign(arm=arm_factor(d["arm"], arms)) for d in (fitted, observed))
    order = [a.code for a in arms]
    plot = p9.ggplot(fitted, p9.aes("week", "y", color="arm", fill="arm")) + figures.theme()
    plot += p9.geom_vline(xintercept=knot, color=SOFT, size=0.5, linetype="dashed")
    plot += p9.annotate("text", x=knot + 0.15, y=high, label="End of treatment", ha="left", va="top", size=figures.SMALL, color=SOFT)
    if len(fitted):
        plot += p9.geom_ribbon(p9.aes(ymin="low", ymax="high"), alpha=0.13, color="none")
        plot += p9.geom_line(p9.aes(linetype="arm"), size=0.9)
        plot += p9.geom_text(
            p9.aes("week", "at", label="text"), data=ends.assign(arm=arm_factor(ends["arm"], arms)), ha="left", size=figures.BASE,
            fontweight="bold", nudge_x=(reach - right) * 0.05,
        )  # fmt: skip
    plot += p9.geom_point(p9.aes("week", "y", shape="arm"), data=observed, size=1.8)
    for scale in (p9.scale_color_manual, p9.scale_fill_manual):
        plot += scale(values={a: style[a].color for a in order}, limits=order, guide=None)
    plot += p9.scale_shape_manual(values={a: style[a].shape for a in order}, limits=order, guide=None)
    plot += p9.scale_linetype_manual(values={a: style[a].line for a in order}, limits=order, guide=None)
    plot += p9.scale_x_continuous(breaks=[w for w in range(0, 200, 2) if left <= w <= right], limits=(left - 0.2, reach), expand=(0, 0))
    plot += p9.labs(x="Week", subtitle=y_title)
    plot += p9.theme(
        figure_size=(WIDTH, HEIGHT), axis_title_y=p9.element_blank(), legend_position="none",
        plot_subtitle=p9.element_text(size=figures.BASE, ha="left", x=0),
    )  # fmt: skip
    figure = plot.draw()
    figures.sign(figure, request.context)
    return figures.svg_text(figure, name, title, alt)
