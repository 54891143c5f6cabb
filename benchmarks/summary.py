"""From the calls of a run to one line for each case, size and program."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from benchmarks.cases import CASES, Case, Program
from benchmarks.cell import Record

AGREES = 0.01
"""Largest difference of −2ℓ of one fit found by two programs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A program in one cell.

    Attributes
    ----------
    case : Case
    program : Program
    size : tuple of int
        Subjects, visits.
    status : str
        As of the last :class:`~benchmarks.cell.Record`.
    seconds : float or None
        Median CPU seconds; of a call that was given up, or not tried again, those that were not enough.
    calls : int
        Calls the median is taken over.
    deviance_difference, contrast_difference : float or None
    memory_mb : float or None
        Peak memory beyond that of libraries and data.
    note : str
    """

    case: Case
    program: Program
    size: tuple[int, int]
    status: str
    seconds: float | None
    calls: int
    deviance_difference: float | None
    contrast_difference: float | None
    memory_mb: float | None
    note: str

    @property
    def censored(self) -> bool:
        """The time is a lower bound."""
        return self.status in ("limit", "not run") and self.seconds is not None

    @property
    def agrees(self) -> bool:
        """The optimum is that of the first program."""
        return self.deviance_difference is not None and abs(self.deviance_difference) <= AGREES

    def ratio(self, lines: list[Line]) -> float | None:
        """Its time over that of the first program of its case."""
        first = next((x for x in lines if x.case == self.case and x.size == self.size and x.program == self.case.programs[0]), None)
        if first is None or first.status != "timed" or not first.seconds or self.seconds is None:
            return None
        return self.seconds / first.seconds


def summarise(records: list[Record]) -> list[Line]:
    """One line for each case, size and program, in the order of the cases and by size."""
    lines = []
    for case in CASES:
        for size in sorted({(r.n_subjects, r.n_visits) for r in records if r.case == case.name}, key=lambda s: (s[0] * s[1], s)):
            for program in case.programs:
                own = [r for r in records if (r.case, r.n_subjects, r.n_visits, r.program) == (case.name, *size, program.name)]
                if own:
                    lines.append(_line(case, program, size, own))
    return lines


def _line(case: Case, program: Program, size: tuple[int, int], own: list[Record]) -> Line:
    timed = [r for r in own if r.status == "timed"]
    last = timed[-1] if timed else own[-1]
    memory = None if last.peak_mb is None or last.start_mb is None else last.peak_mb - last.start_mb
    return Line(
        case=case,
        program=program,
        size=size,
        status=last.status,
        seconds=median(r.cpu for r in timed if r.cpu is not None) if timed else last.cpu,
        calls=len(timed),
        deviance_difference=last.deviance_difference,
        contrast_difference=last.contrast_difference,
        memory_mb=memory if timed else None,
        note=last.note,
    )
