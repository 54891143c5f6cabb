"""One cell: every program of a case on one data set, in turns."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.cases import Case, Program
from benchmarks.worker import Worker


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long and how often.

    Attributes
    ----------
    seconds : float
        CPU seconds of a call, after which it is given up.
    memory_gb : float
        Address space of a process.
    repetitions : int
        Timed calls of a program; one more before them is not counted.
    budget : float
        CPU seconds after which a program is not called again. A single call is counted.
    """

    seconds: float = 120.0
    memory_gb: float = 8.0
    repetitions: int = 5
    budget: float = 5.0


@dataclass(slots=True, kw_only=True)
class Record:
    """One call of one program, a row of results.csv.

    Attributes
    ----------
    status : str
        "timed"; "warm-up", the first of several calls; "limit" or "memory", given up; "not run", since a smaller cell was given up;
        "failed".
    cpu, wall : float or None
        Seconds; for "limit" those spent until then.
    deviance : float or None
        −2ℓ.
    deviance_difference : float or None
        −2ℓ minus that of the first program of the case.
    contrast_difference, error_difference : float or None
        Largest difference from the first program of a contrast, and of its standard error.
    start_mb, peak_mb : float or None
        Peak memory of the process before the first call, and of all calls.
    note : str
        Warnings of the program, or why it failed.
    """

    case: str
    n_subjects: int
    n_visits: int
    program: str
    repetition: int = 0
    status: str = "timed"
    cpu: float | None = None
    wall: float | None = None
    deviance: float | None = None
    deviance_difference: float | None = None
    contrast_difference: float | None = None
    error_difference: float | None = None
    start_mb: float | None = None
    peak_mb: float | None = None
    note: str = ""


@dataclass(slots=True)
class _Turn:
    """A program while its cell runs."""

    program: Program
    worker: Worker
    records: list[Record] = field(default_factory=list)
    answer: dict[str, Any] = field(default_factory=dict)
    done: bool = False

    def take(self, base: dict[str, Any], limits: Limits) -> None:
        reply = self.worker.ask(limits.seconds)
        record = Record(**base, program=self.program.name, repetition=len(self.records), note=reply.get("note", ""))
        self.records.append(record)
        if "error" in reply:
            record.status = reply["error"] if reply["error"] in ("limit", "memory") else "failed"
            record.note = reply["error"] if record.status == "failed" else ""
            self.done = True
            return
        self.answer = reply
        record.cpu, record.wall, record.deviance = reply["cpu"], reply["wall"], reply["deviance"]
        self.done = len(self.records) > limits.repetitions or sum(r.cpu or 0.0 for r in self.records) > limits.budget


def run_cell(case: Case, size: tuple[int, int], data: Path, programs: list[Program], limits: Limits) -> list[Record]:
    """All programs in turns, call by call, so that a drift of the machine meets all of them alike."""
    base = {"case": case.name, "n_subjects": size[0], "n_visits": size[1]}
    turns: list[_Turn] = []
    try:
        for program in programs:
            language = "R" if program.packages else "python"
            worker = Worker(f"{case.name}/{program.name}", data, language=language, memory_gb=limits.memory_gb)
            turns.append(_Turn(program, worker))
        while waiting := [t for t in turns if not t.done]:
            for turn in waiting:
                turn.take(base, limits)
                if turn.done:
                    _finish(turn)
    finally:
        for turn in turns:
            if not turn.done:
                turn.worker.close()
    _compare(turns)
    return [record for turn in turns for record in turn.records]


def _finish(turn: _Turn) -> None:
    used = turn.worker.close()
    for record in turn.records:
        record.start_mb, record.peak_mb = turn.worker.start_mb, used["peak_mb"]
    last = turn.records[-1]
    if last.status == "limit":
        last.cpu = used["unfinished"]
    if sum(r.status == "timed" for r in turn.records) > 1:
        turn.records[0].status = "warm-up"


def _compare(turns: list[_Turn]) -> None:
    """Differences from the first program, which the others must agree with before their time means anything."""
    reference = turns[0].answer
    for turn in turns:
        for record in turn.records:
            if record.deviance is not None and reference:
                record.deviance_difference = record.deviance - reference["deviance"]
                record.contrast_difference = _largest(turn.answer, reference, "contrasts")
                record.error_difference = _largest(turn.answer, reference, "errors")


def _largest(answer: dict[str, Any], reference: dict[str, Any], name: str) -> float | None:
    ours, theirs = answer.get(name), reference.get(name)
    if not ours or not theirs:
        return None
    if len(ours) != len(theirs):
        raise ValueError(f"{len(ours)} {name} of one program, {len(theirs)} of another")
    return max(float("inf") if a is None or b is None else abs(a - b) for a, b in zip(ours, theirs, strict=True))
