"""Table of exposure-adjusted rates of adverse events."""

from __future__ import annotations

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf import model_text
from nirls.tlf.document import Cell, Column, Row, TableDocument
from nirls.tlf.formats import count, interval, number
from nirls.tlf.layouts._common import capital, cell, head
from nirls.tlf.layouts._safety import TERM, pairs_of, people, safety_columns, safety_notes, short, term_text
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.lookup import Ard
from nirls.tlf.notes import Notes

KINDS = {
    "subjects per 100 patient-years": ("n", "subjects", "years to the first event", 1),
    "events per 100 patient-years": ("n_events", "events", "years", 1),
    "events per 100 sessions": ("n_events", "events", "sessions", 0),
}
"""Rate of the results → statistic that counts, what it counts, exposure in words and its decimals."""


class EventRatesDisplay(PlanModel):
    """Options of `event_rates`."""

    columns: list[str] | None = Field(None, description="Arms and pools to show; none for all of the results.")


@layout("event_rates", options=EventRatesDisplay, roles=("main",))
def event_rates(request: Request) -> Laid:
    """Incidence and event rates per 100 patient-years and per 100 sessions with exact limits, and rate ratios."""
    options, context, main, notes = request.options, request.context, request.ards["main"], Notes()
    base = safety_columns(main, context, notes, options.columns)
    pairs = pairs_of(main, base)
    ci = model_text.level_text(main)
    more = tuple(Column(id=f"{a} / {b}", label=f"{short(context, a)} / {short(context, b)}, ratio ({ci})") for a, b in pairs)
    rows: list[Row] = []
    for kind, (counted, what, exposed, decimals) in KINDS.items():
        if not any(_known(main, kind, c.id) for c in base):  # of a study without a device
            continue
        rows.append(Row(label=f"{capital(kind)}, rate ({ci})", kind="section"))
        for label in main.values("variable_level", variable=kind):
            values, counts = [], []
            for column in base:
                key = {"variable": kind, "variable_level": label, "group1_level": column.id}
                rate, exposure, x = (main.find(s, **key) for s in ("estimate", "exposure", counted))
                if rate is None or x is None:
                    values.append(Cell())
                    counts.append(Cell())
                    continue
                if rate.error or exposure is None:
                    values.append(cell("NE", notes, rate))
                    counts.append(Cell())
                    continue
                low, high = (main.get(s, **key) for s in ("conf_low", "conf_high"))
                values.append(
                    cell(f"{number(rate.value, 2) if x.value else '0'} {interval(low.value, high.value, 2)}", notes, rate, low, high)
                )
                counts.append(cell(f"{count(x.value)} / {number(exposure.value, decimals)}", notes, x, exposure))
            ratios = [_ratio(main, notes, kind, label, pair) for pair in pairs]
            rows.append(Row(label=term_text(context, TERM, label), indent=1, cells=(*values, *ratios)))
            rows.append(Row(label=f"{what} / {exposed}", indent=2, cells=(*counts, *(Cell() for _ in pairs))))
    safety_notes(main, context, notes, base, "exposure", "emergent", "effects", "related", "worst")
    return Laid(
        document=TableDocument(
            stub="", columns=(*base, *more), rows=tuple(rows), **(head(request, notes, None) | {"population": people(main, context)})
        )
    )


def _known(main: Ard, kind: str, column: str) -> bool:
    found = [
        main.find("estimate", variable=kind, variable_level=v, group1_level=column) for v in main.values("variable_level", variable=kind)
    ]
    return any(f is not None and not f.error for f in found)


def _ratio(main: Ard, notes: Notes, kind: str, label: str, pair: tuple[str, str]) -> Cell:
    key = {"variable": kind, "variable_level": label, "group1_level": pair[0], "comparison": f"{pair[0]} / {pair[1]}"}
    ratio, low, high = (main.find(s, **key) for s in ("estimate", "conf_low", "conf_high"))
    if ratio is None:
        return Cell()
    if low is None or high is None:
        return cell("NE", notes, ratio)
    text = f"{'NE' if ratio.error else number(ratio.value, 2)} ({number(low.value, 2)}, {'∞' if high.error else number(high.value, 2)})"
    return cell(text, notes, ratio, low, high)
