"""Table of disposition and analysis sets."""

from __future__ import annotations

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf.context import TOTAL
from nirls.tlf.document import TableDocument
from nirls.tlf.layouts._blocks import CountBlock, CountRow, count_blocks
from nirls.tlf.layouts._common import arm_columns, arms_shown, head
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.notes import Notes


class DispositionOptions(PlanModel):
    """Options of `disposition`."""

    blocks: list[CountBlock] | None = Field(
        None, description="Headed groups of rows; default: enrolment, treatment, study and the analysis sets from ADSL."
    )
    arms: list[str] | None = Field(None, description="Arms to show; none for all.")
    total: bool | None = Field(None, description="Show the Total column; none where the results have one.")


def default_blocks(request: Request) -> list[CountBlock]:
    """Enrolment, treatment, study and analysis sets over the variables of ADSL that the results have."""
    has = {v for ard in request.ards.values() for v in ard.variables}

    def status(title: str, variable: str, reason: str) -> CountBlock:
        rows = [
            CountRow(variable=variable, level="COMPLETED", absent="zero"),
            CountRow(variable=variable, level="ONGOING", absent="zero", drop_zero=True) if _any(request, variable, "ONGOING") else None,
            CountRow(variable=variable, level="DISCONTINUED", absent="zero"),
            CountRow(variable=reason, indent=1, drop_zero=True) if reason in has else None,
        ]
        return CountBlock(title=title, rows=[r for r in rows if r is not None])

    enrolment = [
        CountRow(variable="SCRNFL", level="Y", label="Screened", percent=False, columns=[TOTAL]),
        CountRow(variable="RANDFL", level="Y", label="Randomized"),
        CountRow(variable="TRTFL", level="Y", label="Received at least one treatment"),
    ]
    blocks = (
        [CountBlock(title="Enrolment", rows=[r for r in enrolment if r.variable in has])]
        if any(r.variable in has for r in enrolment)
        else []
    )
    blocks += [status("Treatment", "EOTSTT", "DCTREAS")] if "EOTSTT" in has else []
    blocks += [status("Study", "EOSSTT", "DCSREAS")] if "EOSSTT" in has else []
    sets = [
        CountRow(variable=f"{s}FL", level="Y", label=label, absent="zero")
        for s, label in request.context.populations.items()
        if f"{s}FL" in has
    ]
    return blocks + ([CountBlock(title="Analysis sets", rows=sets)] if sets else [])


def _any(request: Request, variable: str, level: str) -> bool:
    return any(ard.has_level(variable, level) for ard in request.ards.values())


@layout("disposition", options=DispositionOptions, roles=("main",), optional=("*",))
def disposition(request: Request) -> Laid:
    """Disposition of subjects and analysis sets, n (%) by arm."""
    notes = Notes()
    main = request.ards["main"]
    columns = arm_columns(main, request.context, notes, request.options.arms, request.options.total)
    blocks = request.options.blocks or default_blocks(request)
    if not blocks:
        main.levels("RANDFL")
    rows = count_blocks(request, blocks, columns, notes)
    return Laid(document=TableDocument(stub="", columns=columns, rows=tuple(rows), **head(request, notes, "main", arms_shown(columns))))
