"""A child process of one program, asked for one call at a time, with limits on CPU time and memory and its peak memory at the end."""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
RSS = 1e6 if sys.platform == "darwin" else 1e3  # units of ru_maxrss in a megabyte


def environment() -> dict[str, str]:
    """That of the children: one thread each, sorting and numbers as in C."""
    return {**os.environ, **dict.fromkeys(THREADS, "1"), "LC_ALL": "C.UTF-8", "PYTHONPATH": str(HERE.parent)}


def r_packages(names: list[str]) -> dict[str, str]:
    """Versions of R and of those of its packages that are installed; nothing when there is no Rscript."""
    try:
        command = ["Rscript", str(HERE / "r_models.R"), "packages", *names]
        lines = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True).stdout.splitlines()
    except (FileNotFoundError, subprocess.CalledProcessError):
        return {}
    return {"R": lines[0].strip(), **dict(line.split() for line in lines[1:])}


class Worker:
    """One program with the data of one cell in memory.

    Parameters
    ----------
    call : str
        "case/program".
    data : Path
    language : {"python", "R"}
    memory_gb : float
        Address space it may use.

    Attributes
    ----------
    start_mb : float or None
        Peak memory once libraries and data are loaded.
    """

    def __init__(self, call: str, data: Path, *, language: str = "python", memory_gb: float = 8.0) -> None:
        command = [sys.executable, "-m", "benchmarks.python_worker"] if language == "python" else ["Rscript", str(HERE / "r_models.R")]
        size = int(memory_gb * 1e9)
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 (what the program prints besides its answers)
        self._process = subprocess.Popen(
            [*command, call, str(data)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            bufsize=0,
            env=environment(),
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (size, size)),
        )
        self.start_mb = self._read(120.0).get("start_mb")
        self._spent = self._cpu() or 0.0

    def ask(self, limit: float) -> dict[str, Any]:
        """One call: its answer, or ``{"error": "limit", "cpu": at least this long}`` after `limit` CPU seconds.

        A call that uses no CPU time is given up after five times as long by the clock.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(b"go\n")
        except BrokenPipeError:
            return self._died()
        reply = self._read(limit)
        if reply.get("error") != "limit":
            self._spent = self._cpu() or 0.0
        return reply

    def close(self) -> dict[str, float]:
        """End the process: its peak memory (MB), and the CPU time of a call that was not finished."""
        os.kill(self._process.pid, signal.SIGKILL)
        _, status, used = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        for pipe in (self._process.stdin, self._process.stdout, self._said):
            if pipe is not None:
                pipe.close()
        return {"peak_mb": used.ru_maxrss / RSS, "unfinished": used.ru_utime + used.ru_stime - self._spent}

    def _read(self, limit: float) -> dict[str, Any]:
        assert self._process.stdout is not None
        started, spent = time.monotonic(), self._cpu() or 0.0
        while not select.select([self._process.stdout], [], [], 0.2)[0]:
            clock, cpu = time.monotonic() - started, self._cpu()
            if (clock if cpu is None else cpu - spent) > limit or clock > 5.0 * limit:
                return {"error": "limit"}
        line = self._process.stdout.readline()
        return json.loads(line) if line else self._died()

    def _died(self) -> dict[str, Any]:
        self._said.seek(0)
        said = self._said.read().decode(errors="replace").strip().splitlines()
        return {"error": f"the process died: {said[-1] if said else 'it said nothing'}"}

    def _cpu(self) -> float | None:
        """CPU seconds of the process so far, where the system says so of another process."""
        try:
            fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
