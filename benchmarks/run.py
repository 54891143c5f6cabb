"""Run the benchmark: ``make benchmark``, or ``python -m benchmarks.run --help``."""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from benchmarks.cases import CASES, Case, Program, Size
from benchmarks.cell import Limits, Record, run_cell
from benchmarks.worker import HERE, environment, r_packages


def possible(case: Case, versions: dict[str, str]) -> list[Program]:
    """The programs of a case that this machine has."""
    return [p for p in case.programs if all(package in versions for package in p.packages)]


def given_up(program: Program, case: Case, size: Size, records: list[Record]) -> Record | None:
    """The call of the program that already took too long, or too much memory, on a data set that is no larger."""
    for r in records:
        same = (r.case, r.program) == (case.name, program.name) and r.status in ("limit", "memory")
        if same and r.n_subjects <= size[0] and r.n_visits <= size[1]:
            return r
    return None


def run_case(case: Case, size: Size, data: Path, versions: dict[str, str], limits: Limits, known: list[Record]) -> list[Record]:
    """The records of one cell; programs given up on a smaller one have a record that says so."""
    programs, skipped = [], []
    for program in possible(case, versions):
        smaller = given_up(program, case, size, known)
        if smaller is None:
            programs.append(program)
            continue
        where = f"{'memory' if smaller.status == 'memory' else 'given up'} at {smaller.n_subjects:,} × {smaller.n_visits}"
        skipped.append(
            Record(
                case=case.name,
                n_subjects=size[0],
                n_visits=size[1],
                program=program.name,
                status="not run",
                cpu=smaller.cpu,
                note=where,
            )
        )
    return run_cell(case, size, data, programs, limits) + skipped


def make_data(folder: Path, size: Size, arms: int) -> Path:
    """The trial as CSV, made by another process: this one stays small, since its children inherit its peak memory."""
    path = folder / f"trial-{size[0]}x{size[1]}-{arms}arms.csv"
    if not path.exists():
        command = [sys.executable, "-m", "benchmarks.data", str(path), *map(str, size), str(arms)]
        subprocess.run(command, env=environment(), check=True)
    return path


def say(records: list[Record], case: Case, size: Size) -> None:
    """One line for a finished cell."""
    said = []
    for program in dict.fromkeys(r.program for r in records):
        last = [r for r in records if r.program == program][-1]
        said.append(f"{program} {last.status if last.status != 'timed' else f'{last.cpu:.2f} s'}")
    print(f"{case.name} {size[0]} x {size[1]}: {', '.join(said)}", flush=True)


def main(arguments: list[str] | None = None) -> None:
    defaults = Limits()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description="Mixed models by nirls, statsmodels and R.")
    parser.add_argument("--quick", action="store_true", help="few and small sizes, limit 10 s: about a minute")
    parser.add_argument("--limit", type=float, help=f"CPU seconds of a call (default {defaults.seconds:.0f}; quick 10)")
    parser.add_argument("--memory", type=float, default=defaults.memory_gb, help="GB of address space of a process (default %(default)s)")
    parser.add_argument("--repetitions", type=int, default=defaults.repetitions, help="timed calls of a program (default %(default)s)")
    parser.add_argument("--budget", type=float, help=f"CPU seconds after which a call is not repeated (default {defaults.budget}; quick 1)")
    parser.add_argument("--arms", type=int, default=2, help="treatment arms (default %(default)s)")
    parser.add_argument("--cases", nargs="+", choices=[c.name for c in CASES], help="only these")
    parser.add_argument("--no-r", action="store_true", help="do not look for Rscript")
    parser.add_argument("--data", type=Path, help="keep the trials in this folder")
    parser.add_argument("--results", type=Path, default=HERE / "results", help="folder of the results (default benchmarks/results)")
    parser.add_argument("--render", action="store_true", help="only write tables and figures again from results.csv")
    asked = parser.parse_args(arguments)
    if not asked.render:
        limits = Limits(
            seconds=asked.limit or (10.0 if asked.quick else defaults.seconds),
            memory_gb=asked.memory,
            repetitions=asked.repetitions,
            budget=asked.budget or (1.0 if asked.quick else defaults.budget),
        )
        measure(asked, limits)
    from benchmarks.report import render

    print("\n".join(str(path) for path in render(asked.results)))


def measure(asked: argparse.Namespace, limits: Limits) -> None:
    """Run all cells and write results.csv and machine.json."""
    wanted = sorted({package for case in CASES for program in case.programs for package in program.packages})
    versions = {} if asked.no_r else r_packages(wanted)
    about = subprocess.run(
        [sys.executable, "-m", "benchmarks.machine", json.dumps(versions)], env=environment(), capture_output=True, text=True, check=True
    )
    asked.results.mkdir(parents=True, exist_ok=True)
    run = {
        "machine": json.loads(about.stdout),
        "settings": f"{limits.seconds:.0f} CPU seconds and {limits.memory_gb:g} GB for a call; {asked.arms} arms; "
        f"{limits.repetitions} calls after one that is not counted, fewer once they took {limits.budget:g} s together",
        "absent": [package for package in wanted if package not in versions],
    }
    (asked.results / "machine.json").write_text(json.dumps(run, indent=1, ensure_ascii=False) + "\n")
    records: list[Record] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.data or Path(scratch)
        for case in CASES:
            if asked.cases and case.name not in asked.cases:
                continue
            for size in case.sizes(asked.quick):
                data = make_data(folder, size, asked.arms)
                found = run_case(case, size, data, versions, limits, records)
                say(found, case, size)
                records += found
                save(records, asked.results / "results.csv")


def save(records: list[Record], path: Path) -> None:
    """After every cell, so that a run that is broken off has not been for nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        rows = csv.DictWriter(file, list(Record.__dataclass_fields__), lineterminator="\n")
        rows.writeheader()
        rows.writerows(asdict(r) for r in records)


if __name__ == "__main__":
    main()
