"""Table of effects along continuous markers."""

from __future__ import annotations

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf import model_text
from nirls.tlf.context import DisplayContext
from nirls.tlf.document import Cell, Column, Row, TableDocument
from nirls.tlf.formats import count, interval, number, p_value
from nirls.tlf.layouts._common import capital, cell, chosen_param, digits, head
from nirls.tlf.layouts._subgroups import family_text
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.lookup import Ard, Found
from nirls.tlf.notes import Notes

INTERACTION, RANGE, BEND = "interaction", "range", "non-linearity"
BANDS = {"pointwise": "Pointwise", "simultaneous": "Simultaneous"}


class JohnsonNeymanDisplay(PlanModel):
    """Options of the displays of `johnson_neyman`."""

    markers: list[str] | None = Field(None, description="Markers to show; none for all.")


def markers_of(main: Ard, chosen: list[str] | None) -> list[str]:
    """Markers of the results, in their order."""
    have = main.values("group2_level", group2="marker")
    return [m for m in have if chosen is None or m in chosen]


def regions(main: Ard, context: DisplayContext, marker: str, comparison: str, band: str) -> tuple[str, list[Found]]:
    """ "13 to 128 (favours light)" for each part in which the band excludes 0, and the rows behind it."""
    key = {"group2": "marker", "group2_level": marker, "comparison": comparison, "group3": "band", "group3_level": band}
    view = context.params.get(chosen_param(main, None))
    treated, reference = comparison.split(" - ")
    other = next((a.short for a in context.arms if a.code == reference), reference)
    texts, found = [], []
    for part in main.values("variable_level", variable="region", **key):
        low, high, side = (main.get(s, variable="region", variable_level=part, **key) for s in ("root_low", "root_high", "estimate"))
        places = 0 if high.value >= 100 else 1
        better = (side.value < 0) == (view is None or view.direction != "higher_better")
        texts.append(f"{number(low.value, places)} to {number(high.value, places)} (favours {treated if better else other})")
        found += [low, high, side]
    return " and ".join(texts) or "nowhere", found


def marker_notes(main: Ard, context: DisplayContext, markers: list[str], comparison: str, notes: Notes) -> None:
    """Models, who has no value, bands, pool and what is exploratory."""
    notes.general(f"Models: {main.facts['formula']}. {capital(main.facts['pool'])}. {main.facts['at']}.")
    for marker in markers:
        key = {"group2": "marker", "group2_level": marker, "comparison": comparison}
        name = context.labels.get(marker, marker)
        formula, lost = main.find("text", variable="formula", **key), main.find("n_missing", variable=RANGE, **key)
        missing = f"; {count(lost.value)} subjects without a value are not in it" if lost is not None and lost.value else ""
        if formula is not None:
            notes.general(f"{name}: {formula.text}{missing}.")
    if "spline" in main.facts:
        notes.general(f"Bend: whether the effect is no straight line; {main.facts['spline']}. Exploratory, not adjusted.")
    notes.general(f"Bands: {main.facts['bands']}. Values outside the range of the data are not given.")
    notes.general(f"{capital(main.facts['multiplicity'])}.")
    for text in main.footnotes:
        notes.general(text)


@layout("johnson_neyman", options=JohnsonNeymanDisplay, roles=("main",))
def johnson_neyman(request: Request) -> Laid:
    """Interaction of treatment with each marker, and the values of the marker between which the effect differs from zero."""
    options, context, main, notes = request.options, request.context, request.ards["main"], Notes()
    d, ci = digits(context, "estimate"), model_text.level_text(main)
    comparison = main.values("comparison", variable=INTERACTION)[0]
    bent = bool(main.values("group2_level", variable=BEND))
    columns = (
        Column(id="n", label="n"),
        Column(id="range", label="Range"),
        Column(id="per", label="For", align="left"),
        Column(id="interaction", label=f"Change of the effect ({ci})"),
        Column(id="p", label="p"),
        Column(id="holm", label="Holm p"),
        *((Column(id="bend", label="Bend p"),) if bent else ()),
        Column(id="pointwise", label="Differs from 0, pointwise", align="left"),
        Column(id="simultaneous", label="Differs from 0, simultaneous", align="left"),
    )
    rows = []
    for marker in markers_of(main, options.markers):
        key = {"group2": "marker", "group2_level": marker, "comparison": comparison}
        n, least, most, unit = (main.find(s, variable=RANGE, **key) for s in ("n_subjects", "min", "max", "text"))
        effect = [f for s in ("estimate", "conf_low", "conf_high") if (f := main.find(s, variable=INTERACTION, **key)) is not None]
        name = f"{context.labels.get(marker, marker)} ({family_text(main, **key)})"
        if len(effect) < 3 or n is None or least is None or most is None or unit is None:
            rows.append(Row(label=name, cells=(cell("NE", notes, *effect), *(Cell() for _ in columns[1:]))))
            continue
        p, adjusted = main.get("p_value", variable=INTERACTION, **key), main.find("p_adjusted", variable=INTERACTION, **key)
        bend = main.find("p_value", variable=BEND, **key)
        words = "" if bend is None else "NE" if bend.error else p_value(bend.value, context.p_style)
        bends = (cell(words, notes, *([bend] if bend is not None else [])),) if bent else ()
        bands = []
        for band in BANDS:
            text, found = regions(main, context, marker, comparison, band)
            bands.append(cell(text, notes, *(found or [p])))
        rows.append(
            Row(
                label=name,
                cells=(
                    cell(count(n.value), notes, n), cell(f"{number(least.value, 1)}–{number(most.value, 1)}", notes, least, most),
                    cell(unit.text.removesuffix(f" of {marker}"), notes, unit),
                    cell(f"{number(effect[0].value, d)} {interval(effect[1].value, effect[2].value, d)}", notes, *effect),
                    cell(p_value(p.value, context.p_style), notes, p),
                    cell(p_value(adjusted.value, context.p_style), notes, adjusted) if adjusted is not None else Cell(),
                    *bends, *bands,
                ),
            )
        )  # fmt: skip
    notes.general("Change of the effect: difference of the effects of treatment at two values of the marker.")
    marker_notes(main, context, markers_of(main, options.markers), comparison, notes)
    return Laid(document=TableDocument(stub="Marker", columns=columns, rows=tuple(rows), **head(request, notes, "main")))
