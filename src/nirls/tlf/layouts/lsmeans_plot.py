"""Figure of LS means over time."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf import model_text
from nirls.tlf.context import ArmView, DisplayContext
from nirls.tlf.document import FigureDocument, Ref, stem
from nirls.tlf.errors import DisplayError
from nirls.tlf.formats import join, number
from nirls.tlf.layouts._common import capital, chosen_arms, chosen_param, chosen_visits, digits, head
from nirls.tlf.layouts._common import number as display_number
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.notes import Notes

if TYPE_CHECKING:
    import pandas as pd

WIDTH = 10.0
"""Inches."""
DODGE = 0.085
"""Weeks between the points of neighbouring arms."""
LEADER = 18
"""Points between the end of a line and its label."""
AXIS, ROW = 40, 13
"""Points below the data: the time axis with the heading of the rows, and one row of numbers."""


class LsmeansPlotOptions(PlanModel):
    """Options of `lsmeans_plot`."""

    visits: list[str] | None = Field(None, description="Visits to show; none for all.")
    arms: list[str] | None = Field(None, description="Arms to show; none for all.")
    highlight: list[str] = Field(
        default_factory=list, description="Arms drawn in colour with intervals, the others in light grey; none for all in colour."
    )
    param: str | None = Field(None, description="PARAMCD; default: the only one of the results.")
    variable: str | None = Field(None, description="Response; default: the only one of the results.")
    height: float = Field(4.6, description="Height of the plot without the row of numbers, inches.", ge=2, le=12)
    zero: bool = Field(True, description="Draw a line at zero change.")


@layout("lsmeans_plot", options=LsmeansPlotOptions, roles=("main",), kind="figure")
def lsmeans_plot(request: Request) -> Laid:
    """LS means with confidence intervals over time by arm, with the number of subjects under the axis."""
    options, context, main, notes = request.options, request.context, request.ards["main"], Notes()
    arms = chosen_arms(main, context, options.arms)
    strange = [a for a in options.highlight if a not in {arm.code for arm in arms}]
    if strange:
        raise DisplayError(
            f"{request.id}: options.highlight: {', '.join(strange)} not among the arms shown ({', '.join(a.code for a in arms)})"
        )
    visits = chosen_visits(main, context, options.visits)
    key = {"variable": model_text.response(main, options.variable), "param": chosen_param(main, options.param)}
    table, refs = _table(request, arms, visits, key, notes)
    param = context.params.get(key["param"])
    outcome = context.labels.get(key["variable"], key["variable"])
    what = (
        f"{outcome[:1].lower() + outcome[1:]} in {param.label if param else key['param']}"
        if key["variable"] in ("CHG", "PCHG")
        else (param.label if param else key["param"])
    )
    hint = (
        "" if param is None or param.direction is None else "lower is better" if param.direction == "lower_better" else "higher is better"
    )
    unit = ", ".join(t for t in (param.unit if param else "", hint) if t)
    ci = model_text.level_text(main)
    title = f"{display_number(request.id)} {request.display.title}"
    last = table.dropna(subset=["y"]).groupby("arm", observed=True).tail(1)
    reached = [f"{context.arm(r.arm).short} {number(r.y, digits(context, 'lsmean'))} at {r.visit.lower()}" for r in last.itertuples()]
    alt = f"LS mean {what} with {ci} at {len(visits)} visits in {len(arms)} arms. {capital(join(reached))}."
    notes.general(
        f"Points: LS means; bars: {ci}; points of one visit are set side by side. Numbers under the axis: subjects with "
        f"an observation at the visit."
    )
    if options.highlight:
        notes.general(
            f"Highlighted: {join([context.arm(a).label for a in options.highlight])}; the other arms are in grey without intervals."
        )
    for text in [*model_text.footnotes(main, context), *main.footnotes]:
        notes.general(text)
    name = stem(request.id)
    y_title = f"LS mean {what}" + (f" ({unit})" if unit else "")
    svg, size = _draw(table, arms, context, options, y_title, name, title, alt)
    document = FigureDocument(
        svg=f"{name}.svg", alt=alt, width=size[0], height=size[1], refs=tuple(refs), **head(request, notes, "main", [a.code for a in arms])
    )
    return Laid(document=document, svg=svg)


def _table(request: Request, arms: list[ArmView], visits: list[str], key: dict[str, str], notes: Notes) -> tuple[pd.DataFrame, list[Ref]]:
    """One row per arm and visit: where it is drawn."""
    import pandas as pd

    from nirls.tlf.figures import arm_factor

    weeks = {v.name: v.week for v in request.context.visits}
    lacking = [v for v in visits if weeks.get(v) is None]
    if lacking:
        raise DisplayError(
            f"{request.id}: {', '.join(lacking)} has no week in study.yaml, so it has no place on the time axis; leave it "
            f"out with options.visits"
        )
    ard, rows, refs = request.ards["main"], [], []
    names = ("lsmean", "conf_low", "conf_high", "n")
    for arm in arms:
        for visit in visits:
            found = [ard.get(name, group1_level=arm.code, visit=visit, **key) for name in names]
            if found[0].value != found[0].value:
                notes.general(f"Not drawn: {arm.short} at {visit.lower()}, not estimable ({found[0].error or 'no reason was recorded'}).")
            refs.append(Ref(key=found[0].key, stats=names))
            rows.append((arm.code, visit, weeks[visit], *(f.value for f in found)))
    table = pd.DataFrame(rows, columns=["arm", "visit", "week", "y", "low", "high", "n"])
    table["arm"] = arm_factor(table["arm"], arms)
    return table, refs


def _draw(
    table: pd.DataFrame,
    arms: list[ArmView],
    context: DisplayContext,
    options: LsmeansPlotOptions,
    y_title: str,
    name: str,
    title: str,
    alt: str,
) -> tuple[bytes, tuple[float, float]]:
    """One panel: the plot above, its time axis, and a row of numbers per arm below, placed in the units of the y axis."""
    import plotnine as p9
    from mizani.breaks import breaks_extended

    from nirls.tlf import figures
    from nirls.tlf.palette import HAIR, INK, MUTED, SOFT, looks
    from nirls.tlf.text import width

    style = looks(context.arms)
    lit = [a.code for a in arms if not options.highlight or a.code in options.highlight]
    color = {a.code: style[a.code].color if a.code in lit else MUTED for a in arms}
    names = {a.code: a.short for a in arms}

    weeks = sorted(table["week"].unique())
    span = max(weeks) - min(weeks) or 1.0
    gap = min([b - a for a, b in pairwise(weeks)], default=1.0)
    step = min(DODGE * max(gap, span / 12), 0.7 * gap / max(len(arms) - 1, 1))
    place = {a.code: (i - (len(arms) - 1) / 2) * step for i, a in enumerate(arms)}
    table = table.assign(x=table["week"] + table["arm"].astype("str").map(place).astype(float))
    drawn = table.dropna(subset=["y"])
    bars = drawn[drawn["arm"].isin(lit)].dropna(subset=["low", "high"])

    # across, in points: names of the rows | panel | names at the ends of the lines
    panel = WIDTH * 72 - max(width(t, figures.SMALL) for t in names.values()) - 24
    label = max(width(t, figures.BASE, True) for t in names.values()) + LEADER + 8
    half = step * (len(arms) - 1) / 2
    left, right = min(weeks) - half - span * 0.02, max(weeks) + half
    reach = right + (right - left) * label / (panel - label)
    tick = right + (reach - right) * LEADER / label

    # down, in points: data | axis | one row per arm
    heights = [*bars["low"], *bars["high"], *drawn["y"]] or [0.0, 1.0]  # nothing estimable: an empty panel over the numbers
    low, high = float(min(heights)), float(max(heights))
    high = max(high, 0.0) if options.zero else high
    low, high = low - (high - low) * 0.04, high + (high - low) * 0.03
    data = options.height * 72 - 50
    unit = (high - low) / data
    rows = {a.code: low - unit * (AXIS + ROW * (i + 0.5)) for i, a in enumerate(arms)}
    floor = low - unit * (AXIS + ROW * len(arms))
    height = (data + AXIS + ROW * len(arms) + 44) / 72

    ends = drawn.sort_values("week", kind="stable").groupby("arm", observed=True).tail(1)
    line = unit * figures.BASE * 1.35
    ends = ends.assign(
        at=figures.apart(list(ends["y"]), line, low + line / 2, high - line / 2),
        text=ends["arm"].astype("str").map(names),
        bold=ends["arm"].isin(lit),
    )
    counts = table.assign(row=table["arm"].astype("str").map(rows).astype(float), text=[number(n, 0) for n in table["n"]])
    breaks = [b for b in breaks_extended(n=6)((low, high)) if low <= b <= high]
    strong, dim = drawn[drawn["arm"].isin(lit)], drawn[~drawn["arm"].isin(lit)]

    drop = unit * figures.SMALL * 0.36  # from the middle of a line of text to its baseline

    def text(x: float, y: float, label: str, **more: object) -> p9.annotate:
        return p9.annotate("text", x=x, y=y - drop, label=label, size=figures.SMALL, va="baseline", **more)

    shown = strong if len(strong) else drawn
    plot = (p9.ggplot(shown, p9.aes("x", "y", color="arm")) if len(shown) else p9.ggplot(counts)) + figures.theme()
    for at in breaks:
        plot += p9.annotate("segment", x=left, xend=right, y=at, yend=at, color=HAIR, size=0.5)
    plot += p9.annotate("segment", x=left, xend=reach, y=low, yend=low, color=INK, size=0.5)
    for week in weeks:
        plot += p9.annotate("segment", x=week, xend=week, y=low, yend=low - unit * 4, color=INK, size=0.5)
        plot += text(week, low - unit * 12, f"{week:g}", color=INK)
    plot += text(right + (reach - right) * 0.5, low - unit * 12, "Week", color=INK)
    plot += text(left, low - unit * (AXIS - 7), "Subjects with an observation", color=SOFT, ha="left")
    plot += p9.geom_text(
        p9.aes("week", "row", label="text"), data=counts, size=figures.SMALL, color=INK, va="baseline", nudge_y=-drop, inherit_aes=False
    )
    if options.zero:
        plot += p9.annotate("segment", x=left, xend=right, y=0, yend=0, color=SOFT, size=0.6)
    if len(dim):
        plot += p9.geom_line(p9.aes(group="arm"), data=dim, size=0.6)
        plot += p9.geom_point(p9.aes(shape="arm"), data=dim, size=1.3)
    if len(strong):
        plot += p9.geom_linerange(p9.aes(ymin="low", ymax="high"), data=bars, size=0.55, alpha=0.7)
        plot += p9.geom_line(p9.aes(group="arm", linetype="arm"), size=0.8)
        plot += p9.geom_point(p9.aes(shape="arm", fill="arm"), size=2.2)
    if len(ends):
        plot += p9.geom_segment(p9.aes(x="x", xend=tick, y="y", yend="at"), data=ends.assign(x=ends["x"] + span * 0.008), size=0.35)
    for bold, part in ends.groupby("bold"):
        look = {"size": figures.BASE, "fontweight": "bold"} if bold else {"size": figures.SMALL, "color": SOFT}
        plot += p9.geom_text(p9.aes(x=tick, y="at", label="text"), data=part, ha="left", nudge_x=(reach - right) * 3 / label, **look)
    order = list(color)
    if len(drawn):
        plot += p9.scale_color_manual(values=color, limits=order)
        plot += p9.scale_fill_manual(values=color, limits=order)
        plot += p9.scale_shape_manual(values={a: style[a].shape for a in order}, limits=order)
        plot += p9.scale_linetype_manual(values={a: style[a].line for a in order}, limits=order)
    plot += p9.scale_x_continuous(breaks=[], limits=(left, reach), expand=(0, 0))
    plot += p9.scale_y_continuous(
        breaks=[*breaks, *rows.values()],
        labels=[*(number(b, 0 if all(x == int(x) for x in breaks) else 1) for b in breaks), *names.values()],
        limits=(floor, high),
        expand=(0, 0),
    )
    plot += p9.labs(subtitle=y_title)
    plot += p9.theme(
        figure_size=(WIDTH, height),
        axis_title=p9.element_blank(),
        axis_line_x=p9.element_blank(),
        panel_grid_major_y=p9.element_blank(),
        plot_subtitle=p9.element_text(size=figures.BASE, ha="left", x=0),
        plot_margin_bottom=0.26 / WIDTH,
        plot_margin_left=0.005,
        plot_margin_right=0.005,
    )
    figure = plot.draw()
    figures.sign(figure, context)
    return figures.svg_text(figure, name, title, alt), (WIDTH * 96, height * 96)
