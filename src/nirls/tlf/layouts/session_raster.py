"""Figure of all sessions: subjects by days, one panel per arm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf.context import ArmView, DisplayContext
from nirls.tlf.document import FigureDocument, stem
from nirls.tlf.errors import DisplayError
from nirls.tlf.formats import count
from nirls.tlf.layouts._common import chosen_arms, head
from nirls.tlf.layouts._common import number as display_number
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.notes import Notes
from nirls.tlf.palette import HAIR, INK, SOFT
from nirls.tlf.svg import Drawing
from nirls.tlf.text import width, wrap

if TYPE_CHECKING:
    import pandas as pd

WIDTH = 960.0
SIZE, SMALL = 12.0, 11.0
EDGE, GAP, TOP = 12.0, 20.0, 42.0
ROW = 3.4
"""Height of a subject."""
COLUMNS = ("ADY", "AFLU", "EXSRC", "SESSTAT", "WITHINFL")
SHADES = ("#c9dced", "#8fb8dc", "#4f8fc4", "#225f97", "#0b2f55")
"""Fluence from low to high."""
DARK, FAULT, UNKNOWN = "#a9afb7", "#d9480f", "#111111"


class SessionRasterOptions(PlanModel):
    """Options of `session_raster`."""

    arms: list[str] | None = Field(None, description="Arms to show; none for all.")
    limits: list[float] = Field(
        default=[10, 25, 45, 65],
        description="Limits of the classes of fluence, J/cm², ascending; one class more than limits.",
        max_length=4,
    )
    days: int | None = Field(None, description="Last day shown; default: that of the last session.", ge=7)
    columns: int | None = Field(None, description="Panels side by side; default: up to 4.", ge=1, le=6)


@layout("session_raster", options=SessionRasterOptions, roles=("main",), kind="figure")
def session_raster(request: Request) -> Laid:
    """Every session of every subject by study day: colour by fluence, with what was broken off, faulty or far from the dose marked."""
    options, context, main, notes = request.options, request.context, request.ards["main"], Notes()
    arms = chosen_arms(main, context, options.arms)
    frame = request.records.get("main")
    lacking = [c for c in (main.group, *COLUMNS) if frame is None or c not in frame.columns]
    if frame is None or lacking:
        raise DisplayError(
            f"{request.id}: analysis {main.analysis_id!r} keeps no records with {', '.join(lacking)}; use one with the method 'records' "
            "over ADEX, and name them in `columns`"
        )
    if list(options.limits) != sorted(set(options.limits)):
        raise DisplayError(f"{request.id}: options.limits: {options.limits} do not ascend; write each limit once, from low to high")
    frame = frame[frame[main.group].isin([a.code for a in arms])]
    sizes = {a.code: main.get("n_subjects", group1_level=a.code) for a in arms}
    held = frame.groupby(main.group)["USUBJID"].nunique()
    for a in arms:
        if int(held.get(a.code, 0)) != sizes[a.code].value:
            raise DisplayError(
                f"{request.id}: the records hold {int(held.get(a.code, 0))} subjects of {a.code}, but the results of {main.analysis_id!r} "
                f"say {count(sizes[a.code].value)}; they are from different runs, run the analysis again"
            )
    undated = int(frame["ADY"].isna().sum())
    frame = frame[frame["ADY"].notna()].assign(kind=kinds(frame[frame["ADY"].notna()], options.limits))
    if frame.empty:
        raise DisplayError(
            f"{request.id}: there is no session with a day to draw; check the condition of the analysis {main.analysis_id!r}"
        )
    last = options.days or int(frame["ADY"].max())
    late = int((frame["ADY"] > last).sum())
    alt = f"{len(frame)} device sessions of {int(held.sum())} subjects of {len(arms)} arms by study day, coloured by fluence."
    notes.general("A row is a subject, ordered by the day of the last session; a mark is a session.")
    notes.general(
        "Marked as faulty: broken off, ended by a fault of the device, or outside the limits of the prescribed dose. "
        "Without a usable record: lost, or set aside by the rules of the ledger; the dose is estimated."
    )
    if undated:
        notes.general(f"{undated} sessions without a known day are not shown.")
    if late:
        notes.general(f"{late} sessions after day {last} are not shown.")
    if any(a.short != a.label for a in arms):
        notes.general("; ".join(f"{a.short}: {a.label}" for a in arms if a.short != a.label) + ".")
    name = stem(request.id)
    svg, size = _draw(
        frame, main.group, arms, sizes, options, last, context, name, f"{display_number(request.id)} {request.display.title}", alt
    )
    document = FigureDocument(
        svg=f"{name}.svg", alt=alt, width=size[0], height=size[1], refs=tuple(f.ref for f in sizes.values()),
        **head(request, notes, "main", [a.code for a in arms]),
    )  # fmt: skip
    return Laid(document=document, svg=svg)


def kinds(frame: pd.DataFrame, limits: list[float]) -> pd.Series:
    """Class of each session: place of its fluence among the limits, "dark", "fault" or "unknown"."""
    import numpy as np

    place = np.searchsorted(limits, frame["AFLU"].fillna(0).to_numpy(), side="right").astype("str")
    faulty = frame["SESSTAT"].str.lower().isin(["aborted", "fault"]) | frame["WITHINFL"].eq("N").fillna(False)
    dark = frame["AFLU"].fillna(0).eq(0)
    kind = np.where(frame["EXSRC"] != "LOG", "unknown", np.where(faulty, "fault", np.where(dark, "dark", place)))
    return frame["EXSRC"].mask(frame["EXSRC"].notna(), kind)


def _draw(
    frame: pd.DataFrame, group: str, arms: list[ArmView], sizes: dict, options: SessionRasterOptions, last: int, context: DisplayContext,
    name: str, title: str, alt: str,
) -> tuple[bytes, tuple[float, float]]:  # fmt: skip
    across = options.columns or min(4, len(arms))
    panel = (WIDTH - 2 * EDGE - GAP * (across - 1)) / across
    day = panel / last
    drawing = Drawing(width=WIDTH, height=0, title=title, description=alt, name=name)
    bounds = ["", *[f"{v:g}" for v in options.limits], ""]
    shades = SHADES[-(len(options.limits) + 1) :]
    legend = [
        (
            shades[i],
            f"{bounds[i]} to {bounds[i + 1]}"
            if bounds[i] and bounds[i + 1]
            else f"below {bounds[1]}"
            if bounds[i + 1]
            else f"{bounds[i]} and more",
        )
        for i in range(len(options.limits) + 1)
    ]
    colors = {str(i): color for i, (color, _) in enumerate(legend)} | {"dark": DARK, "fault": FAULT, "unknown": UNKNOWN}
    y = 24.0
    x = EDGE
    legend = [*legend, (DARK, "no light"), (FAULT, "faulty"), (UNKNOWN, "without a usable record")]
    drawing.text(x, y, "Fluence (J/cm²)", size=SIZE, bold=True)
    x += width("Fluence (J/cm²)", SIZE, True) + 14
    for color, text in legend:
        if x + 18 + width(text, SIZE) > WIDTH - EDGE:
            x, y = EDGE, y + 20
        drawing.rect(x, y - 10, 10, 12, fill=color, stroke="none", line=0)
        drawing.text(x + 15, y, text, size=SIZE)
        x += 15 + width(text, SIZE) + 16
    y += 14
    for begin in range(0, len(arms), across):
        row = arms[begin : begin + across]
        heads = [wrap(f"{a.short} (n = {count(sizes[a.code].value)})", SIZE, panel, True) for a in row]
        top = y + max(len(h) for h in heads) * SIZE * 1.36 + 8
        tall = max(int(sizes[a.code].value) for a in row) * ROW
        for k, (a, lines) in enumerate(zip(row, heads, strict=True)):
            left = EDGE + k * (panel + GAP)
            for i, text in enumerate(lines):
                drawing.text(left, top - 6 - (len(lines) - 1 - i) * SIZE * 1.36, text, size=SIZE, bold=True)
            high = int(sizes[a.code].value) * ROW
            drawing.rect(left, top, panel, high, fill="#fafbfc", stroke=HAIR, line=0.6)
            _panel(drawing, frame[(frame[group] == a.code) & (frame["ADY"] <= last)], left, top, day, colors)
            for tick in range(0, last + 1, 28):
                at = left + tick * day
                drawing.path([(at, top), (at, top + high + 4)], stroke=SOFT if tick else HAIR, line=0.5, dash="2 2" if tick else "")
                anchor = "start" if tick == 0 else "middle"
                drawing.text(at, top + high + 16, f"{tick // 7}", size=SMALL, anchor=anchor, fill=INK)
        y = top + tall + 24
    drawing.text(EDGE, y + 10, "Week of treatment", size=SMALL, fill=SOFT)
    drawing.height = y + 46
    drawing.sign(context.stamps, context.source, SMALL)
    return drawing.encode(), (drawing.width, drawing.height)


def _panel(drawing: Drawing, own: pd.DataFrame, left: float, top: float, day: float, colors: dict[str, str]) -> None:
    """The sessions of one arm: one path per class, for tens of thousands of single marks would be too many."""
    order = own.groupby("USUBJID")["ADY"].max().rename("last").reset_index().sort_values(["last", "USUBJID"], ascending=[False, True])
    place = {who: i for i, who in enumerate(order["USUBJID"])}
    wide, high = max(day, 1.6), ROW - 0.6
    for kind, color in colors.items():
        part = own[own["kind"] == kind]
        marks = sorted((place[who], float(at)) for who, at in zip(part["USUBJID"], part["ADY"], strict=True))
        boxes = [f"M{left + (at - 1) * day:.1f} {top + i * ROW + 0.3:.1f}h{wide:.1f}v{high:.1f}h-{wide:.1f}z" for i, at in marks if at >= 1]
        if boxes:
            drawing.parts.append(f'<path d="{"".join(boxes)}" fill="{color}" stroke="none"/>')
