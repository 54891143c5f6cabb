"""Table of shifts from the category at baseline to the worst category under treatment."""

from __future__ import annotations

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf.context import DisplayContext
from nirls.tlf.document import Row, TableDocument
from nirls.tlf.errors import DisplayError
from nirls.tlf.formats import count, count_percent
from nirls.tlf.layouts._common import arm_columns, arms_shown, cell, digits, head
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.lookup import Ard
from nirls.tlf.notes import Notes

WORDS = {
    "LOW": "Low", "NORMAL": "Normal", "HIGH": "High", "LOW AND HIGH": "Low and high", "NO RANGE": "No reference range",
    "NO BASELINE VALUE": "No value", "NO VALUE": "no value",
}  # fmt: skip


class ShiftDisplay(PlanModel):
    """Options of `shift`."""

    params: list[str] | None = Field(None, description="PARAMCD to show, in order; none for all of the results.")
    arms: list[str] | None = Field(None, description="Arms to show; none for all.")
    total: bool | None = Field(None, description="Show the Total column; none where the results have one.")


@layout("shift", options=ShiftDisplay, roles=("main",))
def shift(request: Request) -> Laid:
    """Baseline category, and below it the worst category under treatment, n (%) by arm."""
    options, context, ard, notes = request.options, request.context, request.ards["main"], Notes()
    if not ard.has("shift"):
        raise DisplayError(f"{request.id}: analysis {ard.analysis_id!r} holds no shifts; use an analysis with the method 'shift'")
    columns = arm_columns(ard, context, notes, options.arms, options.total)
    if unknown := [p for p in options.params or [] if p not in ard.params]:
        raise DisplayError(
            f"{request.id}: options.params: {', '.join(unknown)} not in analysis {ard.analysis_id!r}, which has {', '.join(ard.params)}"
        )
    by = next(iter(ard.values("group3", variable="shift")), "")
    ids = [c.id for c in columns]
    rows: list[Row] = []
    chosen = options.params or ard.params
    for stratum in ard.values("group3_level", variable="shift") or [""]:
        extra = {"group3": by, "group3_level": stratum} if by else {}
        if by:
            rows.append(Row(label=f"{context.labels.get(by, by)} {context.level(by, stratum)}", kind="section"))
            sizes = [ard.get("N", variable="shift", group1_level=i, **extra) for i in ids]
            rows.append(Row(label="Subjects", indent=1, cells=tuple(cell(count(f.value), notes, f) for f in sizes)))
        for param in chosen:
            if len(chosen) > 1:
                label = context.params[param].label if param in context.params else param
                rows.append(Row(label=label, kind="section", indent=1 if by else 0))
            rows += _block(ard, context, notes, param, ids, extra)
    for text in ard.footnotes:
        notes.general(text)
    notes.general("Categories without a subject in any column are not shown.")
    stub = context.params[chosen[0]].label if len(chosen) == 1 and chosen[0] in context.params else "Baseline, and worst under treatment"
    document = TableDocument(stub=stub, columns=columns, rows=tuple(rows), **head(request, notes, "main", arms_shown(columns)))
    return Laid(document=document)


def _block(ard: Ard, context: DisplayContext, notes: Notes, param: str, ids: list[str], extra: dict[str, str]) -> list[Row]:
    """The rows of one parameter in one stratum."""
    rows = []
    key = {"param": param, "variable": "shift", "group2": "BASELINE"} | extra
    for first in ard.values("group2_level", **key):
        lines = []
        for last in ard.values("variable_level", group2_level=first, **key):
            found = [[ard.get(s, group2_level=first, variable_level=last, group1_level=i, **key) for s in ("n", "p")] for i in ids]
            if any(n.value for n, _ in found):
                cells = [
                    cell(count_percent(n.value, p.value, digits(context, "p")), notes, *((n, p) if n.value else (n,))) for n, p in found
                ]
                lines.append(Row(label=f"→ {_word(context, param, last).lower()}", indent=2, cells=tuple(cells)))
        if lines:
            sizes = [ard.get("N", group2_level=first, group1_level=i, **key) for i in ids]
            cells = [cell(count(f.value), notes, f) for f in sizes]
            rows += [Row(label=f"Baseline: {_word(context, param, first).lower()}", indent=1, cells=tuple(cells)), *lines]
    return rows


def _word(context: DisplayContext, param: str, code: str) -> str:
    return WORDS[code] if code in WORDS else context.level(param, code)
