"""results.md and the figures, from results.csv and machine.json."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from benchmarks.cell import Record
from benchmarks.plots import draw
from benchmarks.summary import summarise
from benchmarks.table import page

TEXT = ("case", "program", "status", "note")
WHOLE = ("n_subjects", "n_visits", "repetition")


def read(path: Path) -> list[Record]:
    """The calls of a run."""
    with path.open(newline="") as file:
        return [Record(**{name: _value(name, text) for name, text in row.items()}) for row in csv.DictReader(file)]


def _value(name: str, text: str) -> str | float | int | None:
    if name in TEXT:
        return text
    return None if text == "" else int(text) if name in WHOLE else float(text)


def render(folder: Path) -> list[Path]:
    """Write what people read: results.md and the figures."""
    lines = summarise(read(folder / "results.csv"))
    run = json.loads((folder / "machine.json").read_text())
    figures = draw(lines, folder)
    (folder / "results.md").write_text(page(run["machine"] | {"limits": run["settings"]}, lines, run["absent"]))
    return [folder / "results.md", *figures]
