"""The tool with which faults are planted: it changes the tables and writes the answer key, never one without the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from nirls.simulate.config import Trial
from nirls.simulate.streams import stream

KEY_COLUMNS = ("rule", "severity", "domain", "file", "row", "usubjid", "visitnum", "column", "value_planted", "value_true", "note")
SUFFIX = ".csv.gz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the answer key; `label` is the record's label in the table until line numbers are known."""

    rule: str
    severity: str
    table: str
    label: int
    column: str
    planted: str
    true: str
    note: str


class Planter:
    """Plants faults in copies of the tables, at most one in a record.

    Records keep their label (the index of the table) while others are added or removed; column `_pos` orders them.
    The session log also carries, hidden, who was treated (`_who`), with what fluence (`_dose`, J/cm²) and whether the
    session took place (`_took`), so that the dose really delivered stays known whatever the log says.
    """

    def __init__(self, trial: Trial, tables: dict[str, pd.DataFrame]) -> None:
        self.trial = trial
        self.tables = {name: frame.reset_index(drop=True).assign(_pos=np.arange(len(frame), dtype=float)) for name, frame in tables.items()}
        self.lost: list[pd.DataFrame] = []
        self.entries: list[Entry] = []
        self.used: dict[str, set[int]] = {name: set() for name in tables}
        self.subjects: set[str] = set()

    def stream(self, rule: str) -> np.random.Generator:
        """The random stream of one kind of fault."""
        return stream(self.trial.seed, f"fault {rule}")

    def count(self, key: str) -> int:
        """How many of a fault are asked for."""
        return self.trial.faults.counts.get(key, 0)

    def choose(self, rng: np.random.Generator, places: list, wanted: int, what: str) -> list:
        """Draw `wanted` of `places` without replacement; too few are an error unless the trial allows it."""
        if len(places) < wanted and self.trial.faults.complete:
            raise ValueError(f"{what}: {wanted} faults asked for, but the trial has only {len(places)} places for them")
        index = rng.permutation(len(places))[:wanted]
        return [places[int(k)] for k in index]

    def pick(self, table: str, mask: np.ndarray | pd.Series, key: str) -> list[int]:
        """Draw records of a table that carry no fault yet, and mark them as used."""
        frame = self.tables[table]
        free = [int(label) for label in frame.index[np.asarray(mask, dtype=bool)] if label not in self.used[table]]
        chosen = self.choose(self.stream(key), free, self.count(key), key)
        self.used[table].update(chosen)
        return chosen

    def note(self, rule: str, severity: str, table: str, label: int, column: str = "", true: str = "", note: str = "") -> None:
        """Write a line of the answer key for a record as it now is; `column` empty means the record as a whole."""
        planted = str(self.tables[table].at[label, column]) if column else ""
        self.used[table].add(label)
        self.entries.append(
            Entry(rule=rule, severity=severity, table=table, label=label, column=column, planted=planted, true=true, note=note)
        )

    def set(self, rule: str, severity: str, table: str, label: int, column: str, value: str, note: str = "") -> None:
        """Replace a value and write the answer key."""
        true = str(self.tables[table].at[label, column])
        self.tables[table].at[label, column] = value
        self.note(rule, severity, table, label, column, true, note)

    def change(self, table: str, label: int, **values: str | float) -> None:
        """Replace values that are part of a fault noted elsewhere, or of what really happened."""
        for column, value in values.items():
            self.tables[table].at[label, column] = value

    def add(self, table: str, like: int, after: float = 0.5, **values: str | float) -> int:
        """Add a record like another one, directly after it (or before it, with a negative `after`)."""
        frame = self.tables[table]
        label = int(frame.index.max()) + 1
        row = frame.loc[[like]].copy()
        row.index = [label]
        row["_pos"] = row["_pos"] + after
        for column, value in values.items():
            row[column] = value
        self.tables[table] = pd.concat([frame, row])
        return label

    def remove(self, table: str, labels: list[int]) -> None:
        """Take records out; sessions among them took place all the same."""
        self.lost.append(self.tables[table].loc[labels])
        self.tables[table] = self.tables[table].drop(index=labels)

    def delivered(self) -> pd.DataFrame:
        """Sessions that took place and fluence really delivered (J/cm²) over the trial, by subject."""
        log = pd.concat([self.tables["dx"], *(frame for frame in self.lost if "_dose" in frame)])
        log = log[log["_took"] > 0]
        return log.groupby("_who").agg(sessions=("_took", "size"), fluence=("_dose", "sum"))

    def finish(self) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
        """The tables in their final order, and the answer key with line numbers (the header is line 1)."""
        tables, line = {}, {}
        for name, frame in self.tables.items():
            ordered = frame.sort_values("_pos", kind="stable")
            line[name] = {int(label): k + 2 for k, label in enumerate(ordered.index)}
            tables[name] = ordered[[column for column in ordered.columns if not column.startswith("_")]]
        rows = []
        for e in self.entries:
            record = tables[e.table].loc[e.label]
            found = {"domain": e.table[:2].upper(), "file": e.table + SUFFIX, "row": str(line[e.table][e.label])}
            where = {"usubjid": record.get("USUBJID", ""), "visitnum": record.get("VISITNUM", ""), "column": e.column}
            values = {"value_planted": e.planted, "value_true": e.true, "note": e.note}
            rows.append({"rule": e.rule, "severity": e.severity} | found | where | values)
        key = pd.DataFrame(rows, columns=list(KEY_COLUMNS), dtype="str")
        order = key["row"].astype(int)
        key = key.assign(_row=order).sort_values(["rule", "file", "_row", "column"], kind="stable").drop(columns="_row")
        return {name: frame.reset_index(drop=True) for name, frame in tables.items()}, key.reset_index(drop=True)
