"""What several layouts share: arms, visits, columns and the head of a document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nirls.tlf.context import TOTAL, ArmView, DisplayContext
from nirls.tlf.document import Cell, Column, Ref
from nirls.tlf.errors import DisplayError
from nirls.tlf.formats import count_percent, digits_of
from nirls.tlf.layouts.registry import Request
from nirls.tlf.lookup import Ard, Found
from nirls.tlf.notes import Notes
from nirls.tlf.population import sentence

OPEN_LABEL = "Open-label arm: participants and staff knew the treatment."
FULL_NAMES = 3
"""Up to this many arms, column heads print the arm's name in full."""
_NUMBER = {"T": "Table", "F": "Figure", "L": "Listing", "A": "Answer"}


def number(display_id: str) -> str:
    """ "T14.2.1.1" gives "Table 14.2.1.1"."""
    return f"{_NUMBER[display_id[0]]} {display_id[1:]}" if display_id[:1] in _NUMBER and display_id[1:2].isdigit() else display_id


def head(request: Request, notes: Notes, population_role: str | None, arms: Sequence[str] | None = None) -> dict[str, Any]:
    """The fields every document has; call it last, when all notes are written.

    `arms` are the codes of the arms shown, for the population sentence; none when all subjects of the results are shown.
    """
    return {
        "id": request.id,
        "number": number(request.id),
        "title": request.display.title,
        "subtitle": request.display.subtitle,
        "population": sentence(request.ards[population_role], request.context, arms) if population_role else "",
        "footnotes": notes.footnotes(request.display.footnotes),
        "stamps": request.context.stamps,
        "source": request.context.source,
        "analyses": {role: request.display.analyses[role] for role in sorted(request.display.analyses)},
    }


def chosen_arms(ard: Ard, context: DisplayContext, arms: list[str] | None) -> list[ArmView]:
    """Arms of the display, in the plan's order: those asked for, else those the results have."""
    have = [arm for arm in context.arms if arm.code in ard.groups]
    if arms is None:
        if not have:
            raise DisplayError(
                f"{ard.display_id}: analysis {ard.analysis_id!r} has none of the arms of the study "
                f"({', '.join(a.code for a in context.arms)}); "
                f"its groups are {', '.join(ard.groups) or 'none'}"
            )
        return have
    unknown = [code for code in arms if code not in {arm.code for arm in have}]
    if unknown:
        raise DisplayError(
            f"{ard.display_id}: options.arms: {', '.join(unknown)} not in analysis {ard.analysis_id!r}, which has "
            f"{', '.join(a.code for a in have)}"
        )
    return [arm for arm in have if arm.code in arms]


def chosen_visits(ard: Ard, context: DisplayContext, visits: list[str] | None) -> list[str]:
    """Visits of the display in the order of the study: those asked for, else those the results have."""
    planned = [v.name for v in context.visits]
    have = [v for v in planned if v in ard.visits] + [v for v in ard.visits if v not in planned]
    if visits is None:
        return have
    unknown = [v for v in visits if v not in have]
    if unknown:
        raise DisplayError(
            f"{ard.display_id}: options.visits: {', '.join(unknown)} not in analysis {ard.analysis_id!r}, which has "
            f"{', '.join(have) or 'none'}"
        )
    return [v for v in have if v in visits]


def chosen_param(ard: Ard, param: str | None) -> str:
    """The parameter of the display: the one asked for, else the only one of the results."""
    if param is not None:
        if param not in ard.params:
            raise DisplayError(
                f"{ard.display_id}: options.param: {param!r} is not in analysis {ard.analysis_id!r}, which has "
                f"{', '.join(ard.params) or 'none'}"
            )
        return param
    if len(ard.params) > 1:
        raise DisplayError(
            f"{ard.display_id}: analysis {ard.analysis_id!r} has the parameters {', '.join(ard.params)}; set options.param to one of them"
        )
    return ard.params[0] if ard.params else ""


def arm_columns(ard: Ard, context: DisplayContext, notes: Notes, arms: list[str] | None, total: bool | None) -> tuple[Column, ...]:
    """One column per arm with its (N=xx), and the total where the results have one (or as `total` says)."""
    chosen = chosen_arms(ard, context, arms)
    long = len(chosen) <= FULL_NAMES
    columns = [
        Column(
            id=arm.code,
            label=arm.label if long else arm.short,
            n=int(ard.size(arm.code).value),
            arm=arm.code,
            marks=() if arm.blinded else (notes.mark(OPEN_LABEL),),
        )
        for arm in chosen
    ]
    has_total = ard.find("N", group1_level=TOTAL) is not None
    if total or (total is None and has_total):
        size, members = int(ard.size(TOTAL).value), sum(int(ard.size(a.code).value) for a in context.arms if a.code in ard.groups)
        beyond = (notes.mark(f"Includes {size - members} subjects who are in no arm."),) if size > members else ()
        columns.append(Column(id=TOTAL, label=TOTAL, n=size, marks=beyond))
    return tuple(columns)


def arms_shown(columns: Sequence[Column]) -> list[str] | None:
    """Codes of the arms among the columns; none when there is a total, which shows everybody."""
    return None if any(c.id == TOTAL for c in columns) else [c.arm for c in columns if c.arm]


def cell(text: str, notes: Notes, *found: Found) -> Cell:
    """A cell with its marks and the rows behind it; rows that differ only in ``stat_name`` share one reference."""
    refs: dict[tuple, list[str]] = {}
    for one in found:
        refs.setdefault(tuple(one.key.items()), []).append(one.stat_name)
    return Cell(text=text, marks=notes.marks(*found), refs=tuple(Ref(key=dict(k), stats=tuple(v)) for k, v in refs.items()))


def counted(ard: Ard, context: DisplayContext, notes: Notes, n: Found, size: Found) -> Cell:
    """The cell "12 (23.1)" of a count and the subjects it is a part of.

    The percentage is a row of the results where they hold one; results that only count, such as those of patterns of missing values, leave
    this one division to the display, and the cell then names both counts.
    """
    p = ard.find("p", **{k: v for k, v in n.key.items() if k in ard.cell_columns})
    whole = size.value if size.value else float("nan")
    share = p.value if p is not None else 100 * n.value / whole
    return cell(count_percent(n.value, share, digits(context, "p")), notes, n, *([p if p is not None else size] if n.value else []))


def digits(context: DisplayContext, stat_name: str, decimals: int = 0) -> int:
    """Decimals of a statistic in this study."""
    return digits_of(stat_name, decimals, context.digits)


def decimals_of(context: DisplayContext, *names: str, given: int | None = None) -> int:
    """Decimals of the data of a variable: given in the options, else the context's for the first name it knows, else 0."""
    if given is not None:
        return given
    return next((context.decimals[name] for name in names if name in context.decimals), 0)


def capital(text: str) -> str:
    """First letter in upper case."""
    return text[:1].upper() + text[1:]
