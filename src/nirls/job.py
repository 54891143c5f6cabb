"""What every workflow script does around its one call: log, warnings, timing and readable errors."""

from __future__ import annotations

import contextlib
import os
import sys
import time
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nirls.errors import NirlsError

if TYPE_CHECKING:
    from nirls.plan.load import Plan

_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "POLARS_MAX_THREADS",
    "ARROW_NUM_THREADS",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One running job: what Snakemake gave it, and a way to say how far it is."""

    input: Any
    output: Any
    params: Any
    wildcards: Any
    config: dict[str, Any]
    name: str

    @property
    def plan(self) -> Plan:
        """The plan the workflow was started with, command-line overrides included."""
        from nirls.plan.load import load_plan

        return load_plan(self.config.get("study"), config={k: v for k, v in self.config.items() if k != "study"})

    def say(self, text: str) -> None:
        """A progress line: into the log and onto the console."""
        print(text, flush=True)
        print(f"    {self.name}: {text}", file=sys.__stderr__, flush=True)


@contextlib.contextmanager
def job(snakemake: Any) -> Iterator[Task]:
    """Run a script's body as a job.

    Standard output, standard error and warnings go to the rule's log. A :class:`NirlsError` is
    printed as its message alone; any other exception keeps its traceback. Both also go to the
    console, with the name of the log.
    """
    for name in _THREADS:  # before numpy is imported: two BLAS threads make small matrices up to 100 times slower
        os.environ[name] = str(snakemake.threads)
    log = Path(str(snakemake.log[0]))
    log.parent.mkdir(parents=True, exist_ok=True)
    label = " ".join([snakemake.rule, *(str(v) for k, v in snakemake.wildcards.items() if k != "study")])
    start = time.perf_counter()
    with open(log, "w", encoding="utf-8") as stream, contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
        warnings.simplefilter("default")
        try:
            yield Task(
                input=snakemake.input,
                output=snakemake.output,
                params=snakemake.params,
                wildcards=snakemake.wildcards,
                config=dict(snakemake.config),
                name=label,
            )
        except NirlsError as error:
            print(f"ERROR: {error}", file=stream)
            print(f"\n{label} stopped: {error}\n(log: {log})\n", file=sys.__stderr__, flush=True)
            stream.flush()
            sys.exit(1)
        except Exception as error:
            traceback.print_exc(file=stream)
            print(
                f"\n{label} failed, a defect of the program: {type(error).__name__}: {error}\n(traceback: {log})\n",
                file=sys.__stderr__,
                flush=True,
            )
            stream.flush()
            sys.exit(1)
        print(f"done in {time.perf_counter() - start:.1f} s", file=stream)
