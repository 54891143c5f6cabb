"""Listing of records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf.context import TOTAL, DisplayContext
from nirls.tlf.document import Cell, Column, Row, TableDocument
from nirls.tlf.errors import DisplayError
from nirls.tlf.formats import count, number
from nirls.tlf.layouts._common import head
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.notes import Notes

if TYPE_CHECKING:
    import pandas as pd

NO_ARM = "No treatment of the plan received"
TREATMENTS = ("TRT01P", "TRT01A")


class ListingColumn(PlanModel):
    """A column of a listing."""

    variables: list[str] = Field(description="Variables of the records, printed with ' / ' between them.", min_length=1)
    label: str = Field(description="Column head.")
    decimals: int = Field(0, description="Decimals of numbers.", ge=0, le=6)


class ListingOptions(PlanModel):
    """Options of `listing`."""

    columns: list[ListingColumn] = Field(description="Columns in order, after the subject.", min_length=1)
    empty: str = Field("No record fulfils the condition of this listing.", description="What it says without records.")


@layout("listing", options=ListingOptions, roles=("main",))
def listing(request: Request) -> Laid:
    """The records of an analysis by arm and subject, one row each."""
    options, context, main, notes = request.options, request.context, request.ards["main"], Notes()
    records = records_of(request, [v for c in options.columns for v in c.variables])
    columns = tuple(Column(id=" ".join(c.variables), label=c.label, align="left") for c in options.columns)
    rows: list[Row] = []
    for code, label, part in _blocks(main, context, records):
        if label:
            rows.append(Row(label=label, kind="section"))
        before, behind = None, main.get("n_obs", group1_level=code or TOTAL)
        for record in part.to_dict("records"):
            texts = [" / ".join(written(context, v, record[v], c.decimals) for v in c.variables) for c in options.columns]
            cells = tuple(Cell(text=text, refs=(behind.ref,)) for text in texts)
            rows.append(Row(label=str(record["USUBJID"]) if record["USUBJID"] != before else "", cells=cells, indent=1 if label else 0))
            before = record["USUBJID"]
    shown = sum(row.kind == "data" for row in rows)
    if shown != main.get("n_obs", group1_level=TOTAL).value:
        raise DisplayError(f"{request.id}: {shown} of the {len(records)} records of {main.analysis_id!r} would be shown")
    if not rows:
        rows.append(Row(label=options.empty, cells=tuple(Cell() for _ in columns)))
    total = main.get("n_obs", group1_level="Total")
    people = main.get("n_subjects", group1_level="Total")
    for text in main.footnotes:
        notes.general(text)
    fields = head(request, notes, None)
    fields["population"] = f"Shows {count(total.value)} records of {count(people.value)} subjects."
    return Laid(document=TableDocument(stub="Subject", columns=columns, rows=tuple(rows), **fields))


def records_of(request: Request, wanted: list[str]) -> pd.DataFrame:
    """The records an analysis kept, with the variables wanted."""
    records, analysis = request.records.get("main"), request.ards["main"].analysis_id
    if records is None:
        raise DisplayError(
            f"{request.id}: analysis {analysis!r} keeps no records; the layout {request.display.layout!r} needs the method `records`"
        )
    lacking = [v for v in dict.fromkeys(wanted) if v not in records.columns]
    if lacking:
        raise DisplayError(f"{request.id}: options: the records have no {', '.join(lacking)}; they have {', '.join(records.columns)}")
    return records


def _blocks(main, context, records) -> list[tuple[str, str, pd.DataFrame]]:
    """The records arm by arm; last those of subjects without one, such as who was never treated."""
    if not main.group or records.empty:
        return [("", "", records)]
    arms = [(a.code, a.label, records[records[main.group] == a.code]) for a in context.arms]
    none = records[~records[main.group].isin([a.code for a in context.arms])]
    return [block for block in [*arms, ("", NO_ARM, none)] if len(block[2])]


def written(context: DisplayContext, variable: str, value: Any, decimals: int) -> str:
    """A value of a record as a listing prints it."""
    if value is None or value != value:
        return "–"
    if isinstance(value, (int, float)):
        return number(float(value), decimals)
    if variable in TREATMENTS:
        return next((a.short for a in context.arms if a.code == value), str(value))
    text = context.level(variable, str(value))
    return text.capitalize() if text.isalpha() and text.isupper() and len(text) > 3 else text
