"""Figure of a published case among the changes of this trial: cumulative distributions by arm, the case marked."""

from __future__ import annotations

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf.context import ArmView, DisplayContext
from nirls.tlf.document import FigureDocument, stem
from nirls.tlf.errors import DisplayError
from nirls.tlf.formats import number
from nirls.tlf.layouts._case_series import as_given
from nirls.tlf.layouts._common import chosen_arms, head
from nirls.tlf.layouts._common import number as display_number
from nirls.tlf.layouts._subjects import WIDTH
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.lookup import Ard
from nirls.tlf.notes import Notes

HEIGHT = 4.8
STEP = 7.0
"""Height of a line of text, in per cent of the subjects."""


class CaseBenchmarkPlot(PlanModel):
    """Options of `case_benchmark_plot`."""

    arms: list[str] | None = Field(None, description="Arms to show; none for all.")
    limits: tuple[float, float] | None = Field(None, description="Ends of the axis of the change.")


@layout("case_benchmark_plot", options=CaseBenchmarkPlot, roles=("main",), kind="figure")
def case_benchmark_plot(request: Request) -> Laid:
    """Percentage of subjects with a change at least as good, by arm, and where the published case lies."""
    options, context, main, notes = request.options, request.context, request.ards["main"], Notes()
    if not main.has("benchmark curve"):
        raise DisplayError(f"{request.id}: analysis {main.analysis_id!r} holds no curve; use the method 'case_benchmark'")
    arms = chosen_arms(main, context, options.arms)
    facts = main.facts
    visit = facts["at"]
    cases = main.values("variable_level", variable="case")
    changes = {c: main.get("value", variable="case", variable_level=c, group2="AT", group2_level="change") for c in cases}
    curves = {a.code: _curve(main, a.code, visit) for a in arms}
    used = [c.ref for c in changes.values()]
    for arm in arms:
        used += [main.get("p", **_key(arm.code, f"{x:g}", visit)).ref for x, _ in curves[arm.code]]
    low = facts["direction"] == "lower_better"
    x_title = f"Change from baseline at {visit[:1].lower()}{visit[1:]} (points)"
    y_title = f"Subjects with a change of at {'most' if low else 'least'} x (%)"
    told = {}
    for case in cases:
        parts = []
        for arm in arms:
            key = {"group3": "CASE", "group3_level": case, "variable": "benchmark", "variable_level": "share: as the case", "visit": visit}
            events, size = (main.get(s, **key, group1_level=arm.code) for s in ("n_events", "n"))
            used += [events.ref, size.ref]
            parts.append(f"{arm.short} {number(events.value, 0)} of {number(size.value, 0)}")
        told[case] = "; ".join(parts)
    which = {case: "The published case" if len(cases) == 1 else case for case in cases}
    alt = f"Cumulative distribution of the {x_title[:1].lower()}{x_title[1:]} in {len(arms)} arms. "
    alt += " ".join(f"{which[c]} changed by {as_given(changes[c].value)}; as good or better: {told[c]}." for c in cases)
    name = stem(request.id)
    svg = _draw(
        curves,
        arms,
        context,
        request,
        {which[c].removeprefix("The ").capitalize() if len(cases) == 1 else c: changes[c].value for c in cases},
        (x_title, y_title),
        name,
        f"{display_number(request.id)} {request.display.title}",
        alt,
    )
    for case in cases:
        as_case = "the published case" if len(cases) == 1 else case
        notes.general(f"As good as {as_case} or better: {told[case]}. Subjects with a value at {visit[:1].lower()}{visit[1:]}.")
    for case in cases:
        source = main.get("text", variable="case", variable_level=case)
        notes.general(f"{case}: {source.text}. One case, published because of its course, is no sample of patients.")
    for text in main.footnotes:
        notes.general(text)
    document = FigureDocument(
        svg=f"{name}.svg", alt=alt, width=WIDTH * 96, height=HEIGHT * 96, refs=tuple(used),
        **head(request, notes, "main", [a.code for a in arms]),
    )  # fmt: skip
    return Laid(document=document, svg=svg)


def _key(arm: str, level: str, visit: str) -> dict[str, str]:
    return {"variable": "benchmark curve", "variable_level": level, "group1_level": arm, "visit": visit}


def _curve(main: Ard, arm: str, visit: str) -> list[tuple[float, float]]:
    """(change, cumulative percentage) of an arm, in order of the change."""
    levels = main.values("variable_level", variable="benchmark curve", group1_level=arm)
    return sorted((float(level), main.get("p", **_key(arm, level, visit)).value) for level in levels)


def _draw(
    curves: dict[str, list[tuple[float, float]]], arms: list[ArmView], context: DisplayContext, request: Request, marks: dict[str, float],
    titles: tuple[str, str], name: str, title: str, alt: str,
) -> bytes:  # fmt: skip
    import pandas as pd
    import plotnine as p9

    from nirls.tlf import figures
    from nirls.tlf.palette import INK, SOFT, looks

    style = looks(context.arms)
    low = request.ards["main"].facts["direction"] == "lower_better"
    xs = [x for c in curves.values() for x, _ in c] + list(marks.values())
    ends = request.options.limits or (min(xs) - 1, max(xs) + 1)
    parts = []
    for arm in arms:
        points = curves[arm.code]
        if points:
            first, last = (0.0, points[-1][1]) if low else (points[0][1], 0.0)
            parts.append(
                pd.DataFrame(
                    {"x": [ends[0], *[x for x, _ in points], ends[1]], "percent": [first, *[p for _, p in points], last], "arm": arm.code}
                )
            )
    table = pd.concat(parts, ignore_index=True)
    table["arm"] = figures.arm_factor(table["arm"], arms)
    plot = p9.ggplot(table, p9.aes("x", "percent", color="arm", linetype="arm")) + figures.theme()
    plot += p9.geom_vline(xintercept=list(marks.values()), color=INK, linetype="dashed", size=0.8)
    plot += p9.geom_step(p9.aes(group="arm"), direction="hv" if low else "vh", size=1.0)
    # above the curves, one line of text for each case, and on white where the line of another case would cross it
    for i, (label, change) in enumerate(sorted(marks.items(), key=lambda m: m[1], reverse=not low)):
        left = change < sum(ends) / 2
        plot += p9.annotate(
            "label", x=change + (0.3 if left else -0.3), y=100 + STEP * (len(marks) - i), label=f"{label} {as_given(change)}",
            ha="left" if left else "right", size=figures.BASE, color=INK, fill="white", label_size=0, label_padding=0.1,
        )  # fmt: skip
    codes = [a.code for a in arms]
    names = [a.short for a in arms]
    plot += p9.scale_color_manual(values={c: style[c].color for c in codes}, breaks=codes, labels=names, name="")
    plot += p9.scale_linetype_manual(values={c: style[c].line for c in codes}, breaks=codes, labels=names, name="")
    plot += p9.scale_x_continuous(limits=ends, labels=lambda values: [number(v, 0) for v in values], expand=(0, 0))
    plot += p9.scale_y_continuous(limits=(0, 100 + STEP * (len(marks) + 0.5)), breaks=[0, 25, 50, 75, 100])
    plot += p9.labs(x=titles[0], y="", subtitle=titles[1])
    plot += p9.theme(
        figure_size=(WIDTH, HEIGHT),
        legend_position="right",
        legend_title=p9.element_blank(),
        legend_text=p9.element_text(size=figures.SMALL),
        axis_title_y=p9.element_blank(),
        axis_title_x=p9.element_text(color=SOFT),
        plot_subtitle=p9.element_text(size=figures.BASE, ha="left", margin={"b": 6, "units": "pt"}),
        plot_margin_bottom=0.26 / WIDTH,
    )
    figure = plot.draw()
    figures.sign(figure, context)
    return figures.svg_text(figure, name, title, alt)
