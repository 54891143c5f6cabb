"""Blocks of rows with arms in columns: counts of categories and statistics of numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf.document import Cell, Column, Row
from nirls.tlf.errors import DisplayError
from nirls.tlf.formats import count, count_percent, number, pair, with_spread
from nirls.tlf.layouts._common import cell, decimals_of, digits
from nirls.tlf.layouts.registry import Request
from nirls.tlf.lookup import Ard
from nirls.tlf.notes import Notes

Statistic = Literal["n", "mean_sd", "median_quartiles", "median", "quartiles", "min_max", "n_missing"]


class CountRow(PlanModel):
    """One level of a variable, or all of its levels, as n (%)."""

    variable: str = Field(description="Variable of a count analysis.")
    level: str | None = Field(None, description="One level; none for all levels in order.")
    label: str | None = Field(None, description="Row label; default: the level's text.")
    role: str | None = Field(None, description="Role of the analysis; default: the first that has the variable.")
    indent: int = Field(0, description="Steps of indentation.", ge=0, le=4)
    percent: bool = Field(True, description="False prints n without the percentage.")
    columns: list[str] | None = Field(None, description="Arm codes or Total where the row has a value; none for all.")
    absent: Literal["error", "zero"] = Field("error", description="What a level is that the results do not have: an error, or nobody.")
    drop_zero: bool = Field(False, description="Leave out levels that nobody has in any column.")


class CountBlock(PlanModel):
    """A headed group of count rows."""

    title: str | None = Field(None, description="Section heading.")
    rows: list[CountRow] = Field(min_length=1)


def holding(request: Request, variable: str, role: str | None) -> Ard:
    """The results that speak of `variable`."""
    if role is not None:
        if role not in request.ards:
            raise DisplayError(
                f"{request.id}: the options name the role {role!r}, but the display gives analyses for {', '.join(request.ards)}"
            )
        return request.ards[role]
    for ard in request.ards.values():
        if ard.has(variable):
            return ard
    known = ", ".join(dict.fromkeys(v for ard in request.ards.values() for v in ard.variables)) or "none"
    raise DisplayError(
        f"{request.id}: no analysis of the display has the variable {variable!r}; they have {known}; add it to an "
        f"analysis or change options"
    )


def same_denominator(ard: Ard, columns: tuple[Column, ...], notes: Notes, label: str) -> tuple[str, ...]:
    """A mark when the block counts other subjects than the column heads say."""
    differing = [(c, n) for c in columns if (n := ard.find("N", group1_level=c.id)) is not None and int(n.value) != c.n]
    if not differing:
        return ()
    sizes = ", ".join(f"{c.label} {int(n.value)}" for c, n in differing)
    return (notes.mark(f"{label}: of {sizes} subjects."),)


def count_rows(request: Request, spec: CountRow, columns: tuple[Column, ...], notes: Notes) -> Iterator[Row]:
    """Rows of n (%) for one level or all levels."""
    ard = holding(request, spec.variable, spec.role)
    context = request.context
    if spec.level is not None and not ard.has_level(spec.variable, spec.level):
        if spec.absent == "error":
            ard.levels(spec.variable)
            raise DisplayError(
                f"{request.id}: analysis {ard.analysis_id!r} has no level {spec.level!r} of {spec.variable}; it has "
                f"{', '.join(ard.levels(spec.variable))}; name the level in the analysis, or set `absent: zero`"
            )
        zero = tuple(Cell(text="0") if spec.columns is None or c.id in spec.columns else Cell() for c in columns)
        yield Row(label=spec.label or context.level(spec.variable, spec.level), cells=zero, indent=spec.indent)
        return
    for level in [spec.level] if spec.level is not None else ard.levels(spec.variable):
        cells, seen = [], False
        for column in columns:
            if spec.columns is not None and column.id not in spec.columns:
                cells.append(Cell())
                continue
            key = {"variable": spec.variable, "variable_level": level, "group1_level": column.id}
            n = ard.get("n", **key)
            seen = seen or n.value != 0
            if spec.percent:
                p = ard.get("p", **key)
                cells.append(cell(count_percent(n.value, p.value, digits(context, "p")), notes, *((n, p) if n.value else (n,))))
            else:
                cells.append(cell(count(n.value), notes, n))
        if seen or not spec.drop_zero:
            label = spec.label if spec.label and spec.level is not None else context.level(spec.variable, level)
            yield Row(label=label, cells=tuple(cells), indent=spec.indent)


def missing_row(
    request: Request, variable: str, role: str | None, columns: tuple[Column, ...], notes: Notes, indent: int, always: bool
) -> Iterator[Row]:
    """The row of subjects without a value, where there are any."""
    ard = holding(request, variable, role)
    found = [ard.find("n_missing", variable=variable, group1_level=c.id) for c in columns]
    if any(f is not None for f in found) and (always or any(f is not None and f.value for f in found)):
        cells = tuple(Cell(text="0") if f is None else cell(count(f.value), notes, f) for f in found)
        yield Row(label="Missing", cells=cells, indent=indent)


def count_blocks(request: Request, blocks: list[CountBlock], columns: tuple[Column, ...], notes: Notes) -> list[Row]:
    """All rows of headed count blocks."""
    rows: list[Row] = []
    for block in blocks:
        shift = 0
        if block.title is not None:
            ards = {ard.analysis_id: ard for r in block.rows if r.percent for ard in [holding(request, r.variable, r.role)]}
            marks = tuple(m for ard in ards.values() for m in same_denominator(ard, columns, notes, block.title))
            rows.append(Row(label=block.title, kind="section", marks=marks))
            shift = 1
        for spec in block.rows:
            rows += [
                Row(label=r.label, cells=r.cells, indent=r.indent + shift, kind=r.kind, emphasis=r.emphasis, marks=r.marks)
                for r in count_rows(request, spec, columns, notes)
            ]
    return rows


def statistic_row(
    request: Request,
    ard: Ard,
    statistic: Statistic,
    key: dict[str, str],
    decimals: int,
    columns: tuple[Column, ...],
    notes: Notes,
    indent: int,
) -> Row:
    """One row of a numeric variable, over the columns."""
    context = request.context

    def d(name: str) -> int:
        return digits(context, name, decimals)

    forms: dict[str, tuple[str, tuple[str, ...], Callable[..., str]]] = {
        "n": ("n", ("n",), count),
        "n_missing": ("Missing", ("n_missing",), count),
        "mean_sd": ("Mean (SD)", ("mean", "sd"), lambda m, s: with_spread(m, s, d("mean"), d("sd"))),
        "median": ("Median", ("median",), lambda m: number(m, d("median"))),
        "median_quartiles": (
            "Median (Q1, Q3)",
            ("median", "q1", "q3"),
            lambda m, a, b: number(m, d("median")) if m != m else f"{number(m, d('median'))} ({pair(a, b, d('q1'))})",
        ),
        "quartiles": ("Q1, Q3", ("q1", "q3"), lambda a, b: pair(a, b, d("q1"))),
        "min_max": ("Min, max", ("min", "max"), lambda a, b: pair(a, b, d("min"))),
    }
    label, names, form = forms[statistic]
    cells = []
    for column in columns:
        found = [ard.get(name, group1_level=column.id, **key) for name in names]
        cells.append(cell(form(*(f.value for f in found)), notes, *found))
    return Row(label=label, cells=tuple(cells), indent=indent)


def decimals_for(request: Request, *names: str, given: int | None) -> int:
    """Decimals of the data behind a block."""
    return decimals_of(request.context, *names, given=given)
