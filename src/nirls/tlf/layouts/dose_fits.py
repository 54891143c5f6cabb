"""Table of the dose–response models and their target doses."""

from __future__ import annotations

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf import model_text
from nirls.tlf.document import Cell, Column, Row, Spanner, TableDocument
from nirls.tlf.formats import number
from nirls.tlf.layouts._common import capital, cell, digits, head
from nirls.tlf.layouts._dose import AVERAGE, PEAK, TARGET, UPPER, dose_arms, dose_cell, explain, significant, with_unit
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.lookup import Ard
from nirls.tlf.notes import Notes

EDGES = (TARGET, UPPER, PEAK)


class KnownDoses(PlanModel):
    """True doses of simulated data."""

    target: float | None = Field(None, description="Smallest dose with the effect.")
    upper_edge: float | None = Field(None, description="Dose at which the effect is lost again.")
    peak: float | None = Field(None, description="Dose of the largest effect.")


class DoseFitsOptions(PlanModel):
    """Options of `dose_fits`."""

    known: KnownDoses | None = Field(None, description="True doses, where they are known (simulated data).")
    known_label: str = Field("Truth of the generator", description="What the true values are called.")


@layout("dose_fits", options=DoseFitsOptions, roles=("main",))
def dose_fits(request: Request) -> Laid:
    """Parameters, gAIC and weight of each dose–response model, with target dose, upper edge and peak; and the model average."""
    options, context, main, notes = request.options, request.context, request.ards["main"], Notes()
    arms = dose_arms(request, main)
    rows = []
    for name in main.levels("fit"):
        key = {"variable": "fit", "variable_level": name}
        words = main.find("text", **key)
        gaic, weight = main.get("gaic", **key), main.find("weight", **key)
        cells = (
            _parameters(main, name, notes),
            cell(number(gaic.value, digits(context, "gaic")), notes, gaic),
            Cell() if weight is None else cell(number(weight.value, digits(context, "weight")), notes, weight),
            *_doses(request, main, name, notes),
        )
        rows.append(Row(label=capital(words.text) if words is not None else name, cells=cells))
    if main.values("group2_level", variable="target", variable_level=AVERAGE):
        rows.append(Row(label="Model average", cells=(Cell(), Cell(), Cell(), *_doses(request, main, AVERAGE, notes)), emphasis=True))
    if options.known is not None:
        highest = arms[-1].dose
        wanted = (options.known.target, options.known.upper_edge, options.known.peak)
        texts = ["" if v is None else f"> {highest:g}" if v > highest else number(v, digits(context, "dose")) for v in wanted]
        rows.append(
            Row(label=options.known_label, cells=(*(Cell() for _ in range(3)), *(Cell(text=t) for t in (texts[0], "", *texts[1:]))))
        )
    delta = main.find("delta", variable="model")
    effect = "" if delta is None else f" for an improvement of {delta.value:g}"
    explain(main, notes, "target_dose", "dose_intervals", "dose_models")
    notes.general("None: share of draws without a target dose. Umbrella models alone have a peak; a curve that only rises has none.")
    for text in [*model_text.footnotes(main, context), *main.footnotes]:
        notes.general(text)
    ci = model_text.level_text(main)
    columns = (
        Column(id="parameters", label="Parameters", align="left"),
        Column(id="gaic", label="gAIC"),
        Column(id="weight", label="Weight"),
        Column(id="target", label=f"Target ({ci})"),
        Column(id="none", label="None (%)"),
        Column(id="upper", label=f"Upper edge ({ci})"),
        Column(id="peak", label=f"Peak ({ci})"),
    )
    spanner = Spanner(label=with_unit(main, f"Dose{effect},") if main.facts.get("dose_unit") else f"Dose{effect}", first=3, last=6)
    ends = head(request, notes, "main", [a.arm.code for a in arms])
    return Laid(document=TableDocument(stub="Model", columns=columns, rows=tuple(rows), spanners=(spanner,), **ends))


def _parameters(main: Ard, name: str, notes: Notes) -> Cell:
    """ "e0 −6.70, eMax −4.45, ed50 15.1"."""
    found = [
        (parameter, main.get("coefficient", variable="fit", variable_level=name, group2="PARAMETER", group2_level=parameter))
        for parameter in main.values("group2_level", variable="fit", variable_level=name, group2="PARAMETER")
    ]
    return cell(", ".join(f"{p} {significant(f.value)}" for p, f in found), notes, *(f for _, f in found))


def _doses(request: Request, main: Ard, name: str, notes: Notes) -> tuple[Cell, ...]:
    """Target dose, share of draws without one, upper edge, peak."""
    cells = []
    for edge in EDGES:
        key = {"variable": "target", "variable_level": name, "group2": "DOSE", "group2_level": edge}
        one, low, high, share = (main.find(s, **key) for s in ("dose", "conf_low", "conf_high", "share"))
        cells.append(dose_cell(request, notes, one, low, high))
        if edge == TARGET:
            cells.append(Cell() if share is None else cell(number(100 * share.value, digits(request.context, "p")), notes, share))
    return tuple(cells)
