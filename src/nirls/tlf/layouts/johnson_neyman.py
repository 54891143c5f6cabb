"""Table of effects along continuous markers."""

from __future__ import annotations

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf import model_text
from nirls.tlf.document import Cell, Column, Row, TableDocument
from nirls.tlf.formats import count, interval, number, p_value
from nirls.tlf.layouts._common import capital, cell, digits, head
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.lookup import Ard
from nirls.tlf.notes import Notes

INTERACTION, ROOTS, RANGE = "interaction", "root", "range"
BANDS = {"pointwise": "Pointwise", "simultaneous": "Simultaneous"}


class JohnsonNeymanDisplay(PlanModel):
    """Options of the displays of `johnson_neyman`."""

    markers: list[str] | None = Field(None, description="Markers to show; none for all.")


def markers_of(main: Ard, chosen: list[str] | None) -> list[str]:
    """Markers of the results, in their order."""
    have = main.values("group2_level", group2="marker")
    return [m for m in have if chosen is None or m in chosen]


def marker_notes(main: Ard, notes: Notes) -> None:
    """Model, bands, pool and what is exploratory."""
    notes.general(f"Model: {main.facts['formula']}. {capital(main.facts['pool'])}. {main.facts['at']}.")
    notes.general(f"Bands: {main.facts['bands']}. Values outside the range of the data are not given.")
    for text in main.footnotes:
        notes.general(text)


@layout("johnson_neyman", options=JohnsonNeymanDisplay, roles=("main",))
def johnson_neyman(request: Request) -> Laid:
    """Interaction of treatment with each marker, and the values of the marker between which the effect differs from zero."""
    options, context, main, notes = request.options, request.context, request.ards["main"], Notes()
    d, ci = digits(context, "estimate"), model_text.level_text(main)
    comparison = main.values("comparison", variable=INTERACTION)[0]
    columns = (
        Column(id="n", label="n"),
        Column(id="range", label="Range"),
        Column(id="per", label="For", align="left"),
        Column(id="interaction", label=f"Change of the effect ({ci})"),
        Column(id="p", label="p"),
        Column(id="pointwise", label="Differs from 0, pointwise", align="left"),
        Column(id="simultaneous", label="Differs from 0, simultaneous", align="left"),
    )
    rows = []
    for marker in markers_of(main, options.markers):
        key = {"group2": "marker", "group2_level": marker, "comparison": comparison}
        n, least, most, unit = (main.find(s, variable=RANGE, **key) for s in ("n_subjects", "min", "max", "text"))
        effect = [f for s in ("estimate", "conf_low", "conf_high") if (f := main.find(s, variable=INTERACTION, **key)) is not None]
        planned = main.get("rejected", variable=INTERACTION, **key)
        name = f"{context.labels.get(marker, marker)}{' (pre-specified)' if planned.value else ' (exploratory)'}"
        if len(effect) < 3 or n is None or least is None or most is None or unit is None:
            rows.append(Row(label=name, cells=(cell("NE", notes, *effect), *(Cell() for _ in columns[1:]))))
            continue
        p = main.get("p_value", variable=INTERACTION, **key)
        bands = []
        for band in BANDS:
            of = key | {"group3": "band", "group3_level": band}
            found = [main.get(s, variable=ROOTS, **of) for s in ("root_low", "root_high", "text")]
            bands.append(cell(found[2].text, notes, *(f for f in found if not f.error)))
        rows.append(
            Row(
                label=name,
                cells=(
                    cell(count(n.value), notes, n), cell(f"{number(least.value, 1)}–{number(most.value, 1)}", notes, least, most),
                    cell(unit.text.replace(marker, context.labels.get(marker, marker)), notes, unit),
                    cell(f"{number(effect[0].value, d)} {interval(effect[1].value, effect[2].value, d)}", notes, *effect),
                    cell(p_value(p.value, context.p_style), notes, p), *bands,
                ),
            )
        )  # fmt: skip
    notes.general("Change of the effect: difference of the effects of treatment at two values of the marker; p-values are not adjusted.")
    marker_notes(main, notes)
    return Laid(document=TableDocument(stub="Marker", columns=columns, rows=tuple(rows), **head(request, notes, "main")))
