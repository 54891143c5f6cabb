"""Time against the size of a trial, on logarithmic scales, every line named where it ends."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from benchmarks.summary import Line

LOOKS = {
    "nirls": ("#8f1020", "o"),
    "mmrm": ("#123f73", "D"),
    "nlme gls": ("#2f7fc1", "s"),
    "glmmTMB": ("#1b7a5a", "^"),
    "lme4": ("#8a6100", "v"),
    "statsmodels MixedLM": ("#6b4fa0", "P"),
}
SHORT = {
    "Kenward–Roger (linear)": "KR",
    "Kenward–Roger (expected information)": "KR",
    "Kenward–Roger (pbkrtest; expected information)": "KR",
    "Satterthwaite": "Satterthwaite",
    "Satterthwaite (lmerTest)": "Satterthwaite",
    "approximate Satterthwaite": "Satterthwaite",
    "residual df": "residual df",
}
ROOM = 0.5
"""Share of the axis added for names."""
DASHED = ("Satterthwaite", "approximate Satterthwaite")


def draw(lines: list[Line], folder: Path) -> list[Path]:
    """Write subjects.svg and visits.svg: whole calls, one panel for each covariance."""
    curves = [line for line in lines if line.case.curves and line.seconds is not None and line.status in ("timed", "limit")]
    drawn = []
    for name, axis, fixed, label in (
        ("subjects", 0, 6, "subjects (6 visits each)"),
        ("visits", 1, 1000, "visits (1,000 subjects)"),
    ):
        chosen = [line for line in curves if line.size[1 - axis] == fixed]
        if chosen:
            drawn.append(folder / f"{name}.svg")
            drawn[-1].write_bytes(_figure(chosen, axis, name, label))
    return drawn


def _figure(lines: list[Line], axis: int, name: str, label: str) -> bytes:
    import pandas as pd
    import plotnine as p9

    from nirls.tlf.figures import BASE, SMALL, svg_text, theme

    titles = list(dict.fromkeys(line.case.title for line in lines))
    frame = pd.DataFrame(
        {
            "panel": pd.Categorical([line.case.title for line in lines], titles),
            "series": [f"{line.case.name}/{line.program.name}" for line in lines],
            "program": [line.program.label for line in lines],
            "line": ["dashed" if line.program.inference in DASHED else "solid" for line in lines],
            "x": [line.size[axis] for line in lines],
            "y": [line.seconds for line in lines],
            "sure": [not line.censored and line.agrees for line in lines],
            "mark": [">" if line.censored else "" if line.agrees else "†" for line in lines],
        }
    )
    sizes = sorted(frame["x"].unique())
    ends = _ends(lines, frame)
    plot = (
        p9.ggplot(frame, p9.aes("x", "y", color="program", group="series"))
        + p9.geom_line(p9.aes(linetype="line"), size=0.7)
        + p9.geom_segment(p9.aes(x="x", xend="at", y="y", yend="place"), ends, size=0.25, alpha=0.6)
        + p9.geom_point(p9.aes(shape="program"), frame[frame["sure"]], size=1.6, fill="white")
        + p9.geom_label(p9.aes(label="mark"), frame[~frame["sure"]], size=BASE, label_size=0, label_padding=0.1)
        + p9.geom_text(p9.aes(x="at", y="place", label="label"), ends, ha="left", size=SMALL)
        + p9.facet_wrap("panel", ncol=1, scales="free_x")
        + p9.scale_x_log10(
            breaks=sizes, minor_breaks=[], labels=[f"{x:,}" for x in sizes], limits=(sizes[0], sizes[-1] * (sizes[-1] / sizes[0]) ** ROOM)
        )
        + p9.scale_y_log10(
            minor_breaks=[], breaks=[0.01, 0.1, 1, 10, 100, 1000], labels=["0.01 s", "0.1 s", "1 s", "10 s", "100 s", "1,000 s"]
        )
        + p9.scale_color_manual(values={k: v[0] for k, v in LOOKS.items()})
        + p9.scale_shape_manual(values={k: v[1] for k, v in LOOKS.items()})
        + p9.scale_linetype_identity()
        + p9.labs(x=label, y="CPU time of one call", caption="> given up after this time   † −2ℓ does not agree with nirls")
        + theme()
        + p9.theme(figure_size=(7.4, 1.1 + 2.6 * len(titles)))
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", p9.exceptions.PlotnineWarning)  # a line of one point
        figure = plot.draw()
    return svg_text(figure, f"benchmark-{name}", f"CPU time against {label}", _description(lines, axis))


def _ends(lines: list[Line], frame: Any) -> Any:
    """Where each line ends, and where its name can stand without touching another."""
    import numpy as np
    import pandas as pd

    from nirls.tlf.figures import apart

    span = np.log10(frame["y"].max()) - np.log10(frame["y"].min())
    names = {f"{line.case.name}/{line.program.name}": _name(line) for line in lines}
    far = frame["x"].max() * (frame["x"].max() / frame["x"].min()) ** 0.035
    parts = []
    for _, panel in frame.groupby("panel", observed=True):
        last = panel.sort_values("x").groupby("series", sort=False).tail(1)
        wanted = np.log10(last["y"])
        place = apart(list(wanted), 0.085 * span, np.log10(frame["y"].min()), np.log10(frame["y"].max()))
        parts.append(last.assign(place=10 ** np.array(place), at=far, label=[names[s] for s in last["series"]]))
    return pd.concat(parts)


def _name(line: Line) -> str:
    short = SHORT.get(line.program.inference)
    return f"{line.program.label}, {short}" if short else line.program.label


def _description(lines: list[Line], axis: int) -> str:
    """The largest size in words."""
    texts = []
    for case in dict.fromkeys(line.case.title for line in lines):
        own = [line for line in lines if line.case.title == case]
        largest = max(line.size[axis] for line in own)
        said = [f"{_name(x)} {'more than ' if x.censored else ''}{x.seconds:.2g} s" for x in own if x.size[axis] == largest and x.seconds]
        texts.append(f"{case}, {largest:,} {('subjects', 'visits')[axis]}: {', '.join(said)}.")
    return " ".join(texts)
