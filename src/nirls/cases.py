"""Published single cases (`data/literature/cases.csv`): one row per value, each with its citation."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from nirls.errors import DataError
from nirls.literature import READ

COLUMNS = ("id", "citation", "read", "week", "phase", "value", "start_from", "start_to", "notes")
PHASES = {"A": "before treatment", "B": "under treatment", "F": "after treatment"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The course of one patient.

    Attributes
    ----------
    id, citation, read : str
    weeks, values : tuple of float
        In order of time; week 0 is the start of treatment.
    phases : tuple of str
        "A" before, "B" under, "F" after treatment.
    starts : tuple of int
        First and last occasion (from 1) at which the treatment could have begun, where its start was drawn at random; else empty.
    notes : tuple of str
    """

    id: str
    citation: str
    read: str
    weeks: tuple[float, ...]
    values: tuple[float, ...]
    phases: tuple[str, ...]
    starts: tuple[int, ...]
    notes: tuple[str, ...]

    def phase(self, name: str) -> tuple[list[float], list[float]]:
        """Weeks and values of a phase."""
        at = [i for i, p in enumerate(self.phases) if p == name]
        return [self.weeks[i] for i in at], [self.values[i] for i in at]


def read_cases(path: Path | str, name: str = "", limits: tuple[float, float] = (0, math.inf)) -> dict[str, Case]:
    """Case id → case; `limits` are the lowest and highest value of the scale.

    Raises
    ------
    DataError
        With file, row, column and value: no such file, a column that is missing, a row without citation, what is no number or outside the
        scale, a week twice, phases out of order.
    """
    name, problems = name or str(path), []
    lines: dict[str, list[dict]] = {}
    try:
        with open(path, encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            absent = [c for c in COLUMNS if c not in (reader.fieldnames or [])]
            if absent:
                raise DataError(f"{name}: row 1: there is no column {', '.join(absent)}; add it, cells may be empty")
            for at, line in enumerate(reader, 2):
                row, wrong = _row(line, limits)
                problems += [f"{name}: row {at}: {text}" for text in wrong]
                if row is not None:
                    lines.setdefault(row["id"], []).append(row | {"at": at})
    except FileNotFoundError:
        raise DataError(f"{name}: there is no such file; correct `cases` of the analysis") from None
    for own in lines.values():
        problems += [f"{name}: row {at}: {text}" for at, text in _together(own)]
    if problems:
        raise DataError("\n".join(problems))
    return {key: _case(own) for key, own in lines.items()}


def _row(line: dict, limits: tuple[float, float]) -> tuple[dict | None, list[str]]:
    cells = {c: (line[c] or "").strip() for c in COLUMNS}
    wrong = []
    for column in ("id", "citation"):
        if not cells[column]:
            what = "give the DOI, PubMed number or address where the value stands" if column == "citation" else "fill it in"
            wrong.append(f"column {column}: {line[column]!r} is empty ({cells['id'] or 'no id'}); {what}")
    if cells["read"] not in READ:
        wrong.append(f"column read: {cells['read']!r} is not one of {', '.join(READ)}; say what was read")
    if cells["phase"] not in PHASES:
        said = ", ".join(f"{k} ({v})" for k, v in PHASES.items())
        wrong.append(f"column phase: {cells['phase']!r} is not one of {said}")
    row: dict = dict(cells)
    for column in ("week", "value", "start_from", "start_to"):
        try:
            row[column] = float(cells[column]) if cells[column] or column in ("week", "value") else math.nan
            if cells[column] and not math.isfinite(row[column]):
                raise ValueError
        except ValueError:
            wrong.append(f"column {column}: {cells[column]!r} is not a number; a course without numbers is no row")
    if not wrong and not limits[0] <= row["value"] <= limits[1]:
        wrong.append(f"column value: {cells['value']} is outside the scale, {limits[0]:g} to {limits[1]:g}")
    if None in line:
        wrong.append(f"the cells {line[None]} stand beyond the last column; put a cell that holds commas in quotes")
    return (None, wrong) if wrong else (row, [])


def _together(own: list[dict]) -> list[tuple[int, str]]:
    """What is wrong with the rows of one case, by row."""
    found = []
    for before, row in pairwise(own):
        if row["week"] <= before["week"]:
            found.append(
                (row["at"], f"column week: {row['week']:g} of {row['id']} does not come after {before['week']:g}; order its rows by week")
            )
        if row["phase"] < before["phase"]:
            found.append((row["at"], f"column phase: {row['phase']} of {row['id']} follows {before['phase']}; the order is A, B, F"))
        for column in ("citation", "start_from", "start_to"):
            same = row[column] == before[column] or (row[column] != row[column] and before[column] != before[column])
            if not same:
                found.append(
                    (row["at"], f"column {column}: {row[column]!r} of {row['id']} is not that of its row before, {before[column]!r}")
                )
    first = own[0]
    if math.isnan(first["start_from"]) != math.isnan(first["start_to"]):
        found.append((first["at"], f"column start_to: give both start_from and start_to of {first['id']}, or none"))
    return found


def _case(own: list[dict]) -> Case:
    first = own[0]
    starts = () if math.isnan(first["start_from"]) else (int(first["start_from"]), int(first["start_to"]))
    return Case(
        id=first["id"], citation=first["citation"], read=first["read"],
        weeks=tuple(r["week"] for r in own), values=tuple(r["value"] for r in own),
        phases=tuple(r["phase"] for r in own), starts=starts, notes=tuple(r["notes"] for r in own if r["notes"]),
    )  # fmt: skip
