"""What all plots share: theme, fonts, scales and bytes that do not change from run to run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nirls.tlf.palette import HAIR, INK, SOFT, STAMP

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from nirls.tlf.context import ArmView, DisplayContext

"""CSS pixels of a point."""
BASE = 9.0
"""Size of running text in a plot, points; at the drawing's own width it is 12 CSS pixels."""
SMALL = 8.25
"""Smallest text, points: 11 CSS pixels."""


def theme() -> Any:
    """The theme of every plot."""
    import plotnine as p9

    return p9.theme_minimal(base_size=BASE, base_family="DejaVu Sans") + p9.theme(
        text=p9.element_text(color=INK),
        axis_text=p9.element_text(color=INK, size=SMALL),
        axis_title=p9.element_text(size=BASE),
        axis_line_x=p9.element_line(color=INK, size=0.5),
        axis_ticks_major_x=p9.element_line(color=INK, size=0.5),
        axis_ticks_length=3,
        panel_grid_major_x=p9.element_blank(),
        panel_grid_minor=p9.element_blank(),
        panel_grid_major_y=p9.element_line(color=HAIR, size=0.5),
        strip_text=p9.element_text(size=BASE, weight="bold", ha="left", x=0, margin={"t": 3, "b": 3, "units": "pt"}),
        legend_position="none",
        plot_caption=p9.element_text(color=SOFT, size=SMALL, ha="left"),
        plot_background=p9.element_rect(fill="white", color="white"),
    )


def arm_factor(codes: pd.Series, arms: Sequence[ArmView]) -> pd.Series:
    """The arm as an ordered Categorical in display order, so that colours and panels never follow the alphabet."""
    import pandas as pd

    return codes.astype(pd.CategoricalDtype([a.code for a in arms], ordered=True))


def svg_text(figure: Figure, name: str, title: str, description: str) -> bytes:
    """The figure as SVG: the same figure always gives the same bytes; text stays text.

    Text is kept as text, not drawn as paths: it can be selected, searched and read aloud. A viewer without DejaVu Sans falls back to
    Verdana, which has the same proportions, or to a narrower face.
    """
    import io

    import matplotlib as mpl
    import matplotlib.pyplot as plt

    from nirls.tlf.svg import own

    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": "none", "font.family": ["DejaVu Sans"]}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    plt.close(figure)
    return own(buffer.getvalue(), name, title, description)


def sign(figure: Figure, context: DisplayContext, margin: float = 0.008) -> None:
    """Print stamps (left) and source line (right) along the lower edge, so that they stay with a drawing that is copied out."""
    if context.stamps:
        figure.text(margin, 0.008, " · ".join(context.stamps), ha="left", va="bottom", fontsize=SMALL, color=STAMP, fontweight="bold")
    figure.text(1 - margin, 0.008, context.source, ha="right", va="bottom", fontsize=SMALL, color=SOFT)


def apart(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Positions near the wanted ones, at least `gap` apart and inside [low, high] where there is room; order is kept.

    Overlapping neighbours are merged into blocks, and a block is centred on the mean of what its members want.
    """
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    blocks: list[list[float]] = []  # [sum of (wanted − offset), members]
    for i in order:
        blocks.append([wanted[i], 1])
        while len(blocks) > 1:
            (sa, na), (sb, nb) = blocks[-2], blocks[-1]
            if sb / nb - (sa / na + na * gap) >= 0:
                break
            blocks[-2:] = [[sa + sb - nb * na * gap, na + nb]]
    placed, at = [0.0] * len(wanted), 0
    for total, members in blocks:
        for k in range(int(members)):
            placed[order[at]] = total / members + k * gap
            at += 1
    if placed:
        top, bottom = max(placed), min(placed)
        shift = min(0.0, high - top) if top > high else max(0.0, low - bottom)
        placed = [p + shift for p in placed]
    return placed
