"""Table of protocol deviations."""

from __future__ import annotations

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf.document import TableDocument
from nirls.tlf.layouts._blocks import CountBlock, CountRow, count_blocks
from nirls.tlf.layouts._common import arm_columns, arms_shown, head
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.notes import Notes


class DeviationsOptions(PlanModel):
    """Options of `deviations`."""

    variable: str = Field("DVCAT", description="Variable of the categories.")
    importance: str | None = Field("DVIMPFL", description="Flag of important deviations; its level Y makes the first row.")
    categories_title: str = Field("Subjects by category", description="Heading over the categories.")
    important: list[str] = Field(default_factory=list, description="Categories that are important; marked with a footnote.")
    arms: list[str] | None = Field(None, description="Arms to show; none for all.")
    total: bool | None = Field(None, description="Show the Total column; none where the results have one.")


@layout("deviations", options=DeviationsOptions, roles=("main",), optional=("*",))
def deviations(request: Request) -> Laid:
    """Subjects with protocol deviations by category, n (%) by arm; a subject counts once per category."""
    options, notes, main = request.options, Notes(), request.ards["main"]
    columns = arm_columns(main, request.context, notes, options.arms, options.total)
    blocks = []
    if options.importance is not None:
        rows = [CountRow(variable=options.importance, level="Y", label="Any important deviation", absent="zero")]
        rows.append(CountRow(variable=options.importance, level="N", label="Any other deviation", absent="zero"))
        blocks.append(CountBlock(title="Subjects with deviations", rows=rows))
    blocks.append(CountBlock(title=options.categories_title, rows=[CountRow(variable=options.variable)]))
    rows = count_blocks(request, blocks, columns, notes)
    if options.important:
        texts = {request.context.level(options.variable, code) for code in options.important}
        mark = notes.mark("Important deviation.")
        rows = [r if r.label not in texts else type(r)(label=r.label, cells=r.cells, indent=r.indent, marks=(mark,)) for r in rows]
    notes.general("A subject counts once in each row.")
    return Laid(document=TableDocument(stub="", columns=columns, rows=tuple(rows), **head(request, notes, "main", arms_shown(columns))))
