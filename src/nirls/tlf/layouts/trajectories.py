"""Figure of individual trajectories."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf.context import ArmView, DisplayContext
from nirls.tlf.document import FigureDocument, Ref, stem
from nirls.tlf.errors import DisplayError
from nirls.tlf.formats import count
from nirls.tlf.layouts._common import chosen_arms, chosen_param, head
from nirls.tlf.layouts._common import number as display_number
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.lookup import Ard
from nirls.tlf.notes import Notes

if TYPE_CHECKING:
    import pandas as pd

WIDTH = 10.0
"""Inches."""


class TrajectoriesOptions(PlanModel):
    """Options of `trajectories`."""

    x: str = Field("AVISITN", description="Variable of the records across.")
    y: str = Field("AVAL", description="Variable of the records upwards.")
    subject: str = Field("USUBJID", description="Variable of the records that names the subject.")
    arm: str = Field("TRT01P", description="Variable of the records that names the arm.")
    arms: list[str] | None = Field(None, description="Arms to show; none for all.")
    param: str | None = Field(None, description="PARAMCD; default: the only one of the results.")
    reference: bool = Field(True, description="Repeat the mean of the reference arm in every panel.")
    columns: int | None = Field(None, description="Panels side by side; default: up to 3.", ge=1, le=6)


@layout("trajectories", options=TrajectoriesOptions, roles=("main",), optional=("means",), kind="figure")
def trajectories(request: Request) -> Laid:
    """Individual values over time, one panel per arm, with the arm's mean where the role `means` gives it."""
    options, context, main, notes = request.options, request.context, request.ards["main"], Notes()
    arms = chosen_arms(main, context, options.arms)
    records = _records(request, arms)
    param = chosen_param(main, options.param)
    refs: list[Ref] = []
    means = _means(request, request.ards["means"], arms, param, refs) if "means" in request.ards else None
    sizes = {a.code: main.get("n_subjects", group1_level=a.code) for a in arms}
    refs += [found.ref for found in sizes.values()]
    shown = records.groupby(options.arm, observed=True)[options.subject].nunique()
    for arm in arms:
        if int(shown.get(arm.code, 0)) != sizes[arm.code].value:
            raise DisplayError(
                f"{request.id}: the records hold {int(shown.get(arm.code, 0))} subjects of {arm.code}, but the results of "
                f"{main.analysis_id!r} "
                f"say {count(sizes[arm.code].value)}; they are from different runs, run the analysis again"
            )
    view = context.params.get(param)
    label = view.label if view else param
    value = context.labels.get(options.y, options.y)
    y_title = label if options.y == "AVAL" else f"{label}, {value[:1].lower() + value[1:]}"
    if view and view.direction:
        y_title += f" ({'lower' if view.direction == 'lower_better' else 'higher'} is better)"
    alt = f"{label} of each subject over time, in {len(arms)} panels, one per arm" + (
        ", with the mean of the arm." if means is not None else "."
    )
    if means is not None:
        compared = options.reference and any(a.code == context.reference for a in arms)
        notes.general(
            "Thin lines: subjects; thick line: mean of observed values."
            + (f" Dashed: mean of the reference arm ({context.arm(context.reference).label})." if compared else "")
        )
    else:
        notes.general("Thin lines: subjects.")
    alone = records.groupby(options.subject, observed=True)[options.x].nunique()
    if (alone == 1).any():
        notes.general(f"{int((alone == 1).sum())} subjects with a single value are shown as a point.")
    name = stem(request.id)
    span = (view.low, view.high) if view and options.y == "AVAL" and view.low is not None else None
    svg, size = _draw(
        records, means, sizes, arms, context, options, span, y_title, name, f"{display_number(request.id)} {request.display.title}", alt
    )
    document = FigureDocument(
        svg=f"{name}.svg", alt=alt, width=size[0], height=size[1], refs=tuple(refs), **head(request, notes, "main", [a.code for a in arms])
    )
    return Laid(document=document, svg=svg)


def _records(request: Request, arms: list[ArmView]) -> pd.DataFrame:
    """Records of the arms shown, checked, in the order of arm, subject and time."""
    from nirls.tlf.figures import arm_factor

    options, frame = request.options, request.records.get("main")
    if frame is None:
        raise DisplayError(
            f"{request.id}: analysis {request.ards['main'].analysis_id!r} keeps no records of subjects; use an analysis "
            f"with the method 'records'"
        )
    lacking = [c for c in (options.x, options.y, options.subject, options.arm) if c not in frame.columns]
    if lacking:
        raise DisplayError(
            f"{request.id}: the records have no column {', '.join(lacking)}; add it to `columns` of the analysis "
            f"{request.ards['main'].analysis_id!r}"
        )
    frame = frame[frame[options.arm].isin([a.code for a in arms])]
    gaps = frame[[options.x, options.y]].isna().any(axis=1)
    if frame.empty or gaps.all():
        raise DisplayError(
            f"{request.id}: the records hold no value to draw; check the condition of the analysis {request.ards['main'].analysis_id!r}"
        )
    twice = frame.duplicated([options.subject, options.x])
    if twice.any():
        first = frame[twice].iloc[0]
        raise DisplayError(
            f"{request.id}: {first[options.subject]} has two records at {options.x} = {first[options.x]}; select one "
            f"parameter and one record per visit in the analysis"
        )
    frame = frame.assign(**{options.arm: arm_factor(frame[options.arm], arms)})
    return frame.sort_values([options.arm, options.subject, options.x], kind="stable")


def _means(request: Request, ard: Ard, arms: list[ArmView], param: str, refs: list[Ref]) -> pd.DataFrame:
    """Mean per arm and visit, as the results give them."""
    import pandas as pd

    from nirls.tlf.figures import arm_factor

    weeks = {v.name: v.week for v in request.context.visits}
    rows = []
    for arm in arms:
        for visit in (v for v in ard.visits if weeks.get(v) is not None):
            found = ard.get("mean", group1_level=arm.code, visit=visit, variable=request.options.y, param=param)
            if found.value == found.value:
                rows.append((arm.code, weeks[visit], found.value))
                refs.append(found.ref)
    table = pd.DataFrame(rows, columns=["arm", "week", "mean"])
    return table.assign(arm=arm_factor(table["arm"], arms))


def _draw(
    records: pd.DataFrame, means: pd.DataFrame | None, sizes: dict, arms: list[ArmView], context: DisplayContext,
    options: TrajectoriesOptions,
    span: tuple[float, float] | None, y_title: str, name: str, title: str, alt: str,
) -> tuple[bytes, tuple[float, float]]:  # fmt: skip
    import pandas as pd
    import plotnine as p9

    from nirls.tlf import figures
    from nirls.tlf.palette import INK, SOFT, looks, scale

    style, order = looks(context.arms), [a.code for a in arms]
    across = options.columns or min(3, len(arms))
    down = math.ceil(len(arms) / across)
    height = down * (2.1 if across > 2 else 3.2) + 1.0
    data = records.rename(columns={options.x: "x", options.y: "y", options.subject: "who", options.arm: "arm"})[["x", "y", "who", "arm"]]
    single = data[data.groupby("who", observed=True)["x"].transform("size") == 1]
    strips = {a.code: f"{a.short} (n = {count(sizes[a.code].value)})" for a in arms}
    weeks = sorted(data["x"].unique())
    ticks = _ticks(weeks, (WIDTH * 72 - 60) / across)

    plot = p9.ggplot(data, p9.aes("x", "y", color="arm")) + figures.theme()
    plot += p9.geom_line(p9.aes(group="who"), size=0.3, alpha=0.4)
    if len(single):
        plot += p9.geom_point(data=single, size=0.9, alpha=0.6, stroke=0)
    if means is not None:
        if options.reference and context.reference in order:
            sham = means[means["arm"] == context.reference].drop(columns="arm")
            others = [a for a in order if a != context.reference]
            if others and len(sham):
                copies = pd.concat(
                    [sham.assign(arm=figures.arm_factor(pd.Series([a] * len(sham), index=sham.index), arms)) for a in others],
                    ignore_index=True,
                )
                plot += p9.geom_line(p9.aes("week", "mean"), data=copies, color=style[context.reference].color, linetype="dashed", size=0.9)
        plot += p9.geom_line(p9.aes("week", "mean", group="arm"), data=means, size=2.2, color="white")
        plot += p9.geom_line(p9.aes("week", "mean", group="arm"), data=means, size=1.4)
    plot += p9.facet_wrap("arm", ncol=across, labeller=lambda code: strips[code])
    plot += p9.scale_color_manual(values={a: scale(context.arms)[a] for a in order}, limits=order)
    plot += p9.scale_x_continuous(breaks=ticks, labels=[f"{t:g}" for t in ticks])
    plot += p9.scale_y_continuous(limits=span)
    plot += p9.labs(x="Week", y="", subtitle=y_title)
    plot += p9.theme(
        figure_size=(WIDTH, height),
        axis_title_y=p9.element_blank(),
        panel_spacing=0.025,
        plot_subtitle=p9.element_text(size=figures.BASE, ha="left", margin={"b": 6, "units": "pt"}),
        strip_text=p9.element_text(color=INK),
        plot_margin_bottom=0.26 / WIDTH,
        axis_title_x=p9.element_text(color=SOFT),
    )
    figure = plot.draw()
    figures.sign(figure, context)
    return figures.svg_text(figure, name, title, alt), (WIDTH * 96, height * 96)


def _ticks(weeks: list[float], room: float) -> list[float]:
    """Weeks to label: those that leave every label 18 points."""
    unit = room / (max(weeks) - min(weeks) or 1)
    out: list[float] = []
    for week in weeks:
        if not out or (week - out[-1]) * unit >= 18:
            out.append(week)
    return out
