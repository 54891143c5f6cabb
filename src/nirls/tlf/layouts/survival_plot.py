"""Figures of a time to an event: Kaplan–Meier with the numbers at risk, and log(−log) against log time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf.document import FigureDocument, Ref, stem
from nirls.tlf.formats import join, number
from nirls.tlf.layouts._common import capital, chosen_arms, head
from nirls.tlf.layouts._common import number as display_number
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.lookup import Ard
from nirls.tlf.notes import Notes

if TYPE_CHECKING:
    import pandas as pd

    from nirls.tlf.context import ArmView

WIDTH = 10.0
"""Inches."""
HEIGHT = 4.6
"""Of the panel with its axis, inches."""
ROW = 0.21
"""Of a row of numbers at risk, inches."""


class SurvivalPlotOptions(PlanModel):
    """Options of `survival_plot`."""

    arms: list[str] | None = Field(None, description="Arms to show; none for all.")
    scale: Literal["survival", "log-log"] = Field(
        "survival", description="Curves, or log(−log) of them, parallel where hazards are proportional."
    )
    event: str = Field("event", description="The event in one word, for the axis.")
    origin: str = Field("start", description="What the time counts from, for the axis.")


@layout("survival_plot", options=SurvivalPlotOptions, roles=("main",), kind="figure")
def survival_plot(request: Request) -> Laid:
    """Share without the event over time by arm, with censored times and the numbers at risk; or log(−log) of it."""
    options, context, main, notes = request.options, request.context, request.ards["main"], Notes()
    arms = chosen_arms(main, context, options.arms)
    curves, marks, refs = _curves(main, arms)
    title = f"{display_number(request.id)} {request.display.title}"
    log = options.scale == "log-log"
    times = main.values("variable_level", variable="risk")
    last = curves.groupby("arm", sort=False).tail(1)
    reached = [f"{context.arm(r.arm).short} {number(100 * r.y, 0)}% at week {number(r.time, 1)}" for r in last.itertuples()]
    alt = f"Share without {options.event} by weeks from the {options.origin}: {join(reached)}." if len(reached) else "No curve."
    if log:
        alt = f"log(−log) of the share without {options.event} against the logarithm of the weeks from the {options.origin}. {alt}"
        notes.general("Parallel lines speak for proportional hazards.")
    else:
        notes.general("Kaplan–Meier estimates; ticks: censored times, competing events among them. Below: subjects at risk.")
    notes.general(f"{capital(main.facts['cox'])}; {main.facts['logrank']}." if not log else f"{capital(main.facts['ph'])}.")
    name = stem(request.id)
    svg, height = (_loglog if log else _survival)(curves, marks, arms, times, main, request, name, title, alt)
    document = FigureDocument(
        svg=f"{name}.svg", alt=alt, width=WIDTH * 96, height=height * 96, refs=tuple(refs),
        **head(request, notes, "main", [a.code for a in arms]),
    )  # fmt: skip
    return Laid(document=document, svg=svg)


def _curves(main: Ard, arms: list[ArmView]) -> tuple[pd.DataFrame, pd.DataFrame, list[Ref]]:
    """Estimates at the times of events and censorings, the censored times, and where they come from."""
    import pandas as pd

    rows, marks, refs = [], [], []
    for arm in arms:
        for level in main.values("variable_level", variable="curve", group1_level=arm.code):
            key = {"variable": "curve", "variable_level": level, "group1_level": arm.code}
            s, c = main.get("probability", **key), main.find("n_censored", **key)
            rows.append((arm.code, float(level), s.value))
            if c is not None:
                marks.append((arm.code, float(level), s.value))
            refs.append(Ref(key=s.key, stats=("probability",) if c is None else ("probability", "n_censored")))
    columns = ["arm", "time", "y"]
    return pd.DataFrame(rows, columns=columns), pd.DataFrame(marks, columns=columns), refs


def _steps(curves: pd.DataFrame, arms: list[ArmView]) -> pd.DataFrame:
    """Corners of the steps, from (0, 1) on."""
    import pandas as pd

    parts = []
    for arm in arms:
        own = curves[curves["arm"] == arm.code]
        if own.empty:
            continue
        before = [1.0, *own["y"][:-1]]
        corners = pd.DataFrame(
            {"time": own["time"].repeat(2).to_numpy(), "y": [v for pair in zip(before, own["y"], strict=True) for v in pair]}
        )
        parts.append(pd.concat([pd.DataFrame({"time": [0.0], "y": [1.0]}), corners]).assign(arm=arm.code))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"time": [], "y": [], "arm": []})


def _survival(
    curves: pd.DataFrame,
    marks: pd.DataFrame,
    arms: list[ArmView],
    times: list[str],
    main: Ard,
    request: Request,
    name: str,
    title: str,
    alt: str,
) -> tuple[bytes, float]:
    import pandas as pd
    import plotnine as p9

    from nirls.tlf import figures
    from nirls.tlf.figures import arm_factor
    from nirls.tlf.palette import HAIR, INK, SOFT, looks
    from nirls.tlf.text import width

    style, names, order = looks(request.context.arms), {a.code: a.short for a in arms}, [a.code for a in arms]
    steps = _steps(curves, arms)
    end = max([*(float(t) for t in times), *steps["time"]], default=1.0)
    panel = HEIGHT - 0.95  # inches of the part from 0 to 1
    row, axis = ROW / panel, 0.62 / panel
    floor = -axis - row * len(arms)
    height = HEIGHT + ROW * len(arms)
    label = max(width(t, figures.BASE, True) for t in names.values()) + 14
    reach = end + end * label / (WIDTH * 72 - 130 - label)
    ends = steps.groupby("arm", sort=False).tail(1)
    line = figures.BASE * 1.35 / 72 / panel
    ends = ends.assign(at=figures.apart(list(ends["y"]), line, line / 2, 1.0), text=ends["arm"].map(names))
    at = {a: -axis - row * (i + 0.35) for i, a in enumerate(order)}
    risk = [
        (arm, float(t), at[arm], number(main.get("n", variable="risk", variable_level=t, group1_level=arm).value, 0))
        for arm in order
        for t in times
    ]
    numbers = pd.DataFrame(risk, columns=["arm", "time", "row", "text"])
    breaks = [0.0, 0.25, 0.5, 0.75, 1.0]
    steps, ends, marks = (d.assign(arm=arm_factor(d["arm"], arms)) for d in (steps, ends, marks))
    plot = p9.ggplot(steps, p9.aes("time", "y", color="arm")) + figures.theme()
    for b in breaks:
        plot += p9.annotate("segment", x=0, xend=end, y=b, yend=b, color=INK if b == 0 else HAIR, size=0.5)
    for t in times:
        plot += p9.annotate("segment", x=float(t), xend=float(t), y=0, yend=-0.015, color=INK, size=0.5)
        plot += p9.annotate("text", x=float(t), y=-0.05, label=f"{float(t):g}", size=figures.SMALL, color=INK)
    plot += p9.annotate("text", x=end / 2, y=-0.11, label=f"Weeks from the {request.options.origin}", size=figures.SMALL, color=INK)
    plot += p9.annotate("text", x=0, y=-axis + row * 0.6, label="At risk", size=figures.SMALL, color=SOFT, ha="left")
    if len(steps):
        plot += p9.geom_path(p9.aes(group="arm", linetype="arm"), size=0.9)
        plot += p9.geom_text(
            p9.aes("time", "at", label="text"), data=ends, ha="left", size=figures.BASE, fontweight="bold", nudge_x=end * 0.012
        )
    if len(marks):
        plot += p9.geom_point(data=marks, shape="|", size=2.6)
    plot += p9.geom_text(p9.aes("time", "row", label="text"), data=numbers, size=figures.SMALL, color=INK, inherit_aes=False)
    plot += p9.scale_color_manual(values={a: style[a].color for a in order}, limits=order, guide=None)
    plot += p9.scale_linetype_manual(values={a: style[a].line for a in order}, limits=order, guide=None)
    plot += p9.scale_x_continuous(breaks=[], limits=(-end * 0.02, reach), expand=(0, 0))
    plot += p9.scale_y_continuous(
        breaks=[*breaks, *at.values()],
        labels=[*(f"{number(100 * b, 0)}%" for b in breaks), *names.values()],
        limits=(floor, 1.02),
        expand=(0, 0),
    )
    plot += p9.labs(subtitle=f"Without {request.options.event}")
    plot += p9.theme(
        figure_size=(WIDTH, height), axis_title=p9.element_blank(), axis_line_x=p9.element_blank(), legend_position="none",
        panel_grid_major_y=p9.element_blank(), plot_subtitle=p9.element_text(size=figures.BASE, ha="left", x=0), plot_margin_bottom=0.026,
    )  # fmt: skip
    figure = plot.draw()
    figures.sign(figure, request.context)
    return figures.svg_text(figure, name, title, alt), height


def _loglog(
    curves: pd.DataFrame,
    marks: pd.DataFrame,
    arms: list[ArmView],
    times: list[str],
    main: Ard,
    request: Request,
    name: str,
    title: str,
    alt: str,
) -> tuple[bytes, float]:
    import numpy as np
    import plotnine as p9

    from nirls.tlf import figures
    from nirls.tlf.figures import arm_factor
    from nirls.tlf.palette import looks
    from nirls.tlf.text import width

    style, names, order = looks(request.context.arms), {a.code: a.short for a in arms}, [a.code for a in arms]
    drawn = curves[(curves["time"] > 0) & (curves["y"] > 0) & (curves["y"] < 1)]
    drawn = drawn.assign(x=np.log(drawn["time"]), z=np.log(-np.log(drawn["y"])))  # the axes are logarithmic
    ends = drawn.groupby("arm", sort=False).tail(1)
    low, high = (float(drawn["z"].min()), float(drawn["z"].max())) if len(drawn) else (-1.0, 1.0)
    left, right = (float(drawn["x"].min()), float(drawn["x"].max())) if len(drawn) else (0.0, 1.0)
    label = max(width(t, figures.BASE, True) for t in names.values()) + 14
    reach = right + (right - left) * label / (WIDTH * 72 - 80 - label)
    line = (high - low) / (HEIGHT * 72 - 90) * figures.BASE * 1.35
    ends = ends.assign(at=figures.apart(list(ends["z"]), line, low, high), text=ends["arm"].map(names))
    drawn, ends = (d.assign(arm=arm_factor(d["arm"], arms)) for d in (drawn, ends))
    plot = p9.ggplot(drawn, p9.aes("x", "z", color="arm")) + figures.theme()
    if len(drawn):
        plot += p9.geom_step(p9.aes(group="arm", linetype="arm"), size=0.9)
        plot += p9.geom_text(
            p9.aes("x", "at", label="text"), data=ends, ha="left", size=figures.BASE, fontweight="bold", nudge_x=(reach - right) * 0.05
        )
    plot += p9.scale_color_manual(values={a: style[a].color for a in order}, limits=order, guide=None)
    plot += p9.scale_linetype_manual(values={a: style[a].line for a in order}, limits=order, guide=None)
    ticks = [t for t in (0.25, 0.5, 1, 2, 3, 4, 6, 8, 12, 16, 26, 52) if left - 1e-9 <= np.log(t) <= right + 1e-9]
    plot += p9.scale_x_continuous(
        breaks=[float(np.log(t)) for t in ticks],
        labels=[f"{t:g}" for t in ticks],
        limits=(left - (right - left) * 0.02, reach),
        expand=(0, 0),
    )
    levels = [b for b in range(-12, 5) if low <= b <= high]
    plot += p9.scale_y_continuous(breaks=levels, labels=[number(b, 0) for b in levels])
    plot += p9.labs(
        x=f"Weeks from the {request.options.origin} (logarithmic)", subtitle=f"log(−log(share without {request.options.event}))"
    )
    plot += p9.theme(
        figure_size=(WIDTH, HEIGHT), axis_title_y=p9.element_blank(), legend_position="none",
        plot_subtitle=p9.element_text(size=figures.BASE, ha="left", x=0),
    )  # fmt: skip
    figure = plot.draw()
    figures.sign(figure, request.context)
    return figures.svg_text(figure, name, title, alt), HEIGHT
