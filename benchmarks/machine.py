"""What a run was made on, as rows of a table."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
LIBRARIES = ("numpy", "scipy", "pandas", "formulaic", "statsmodels")


def describe(r_versions: dict[str, str]) -> dict[str, str]:
    """Processor, load, versions.

    Parameters
    ----------
    r_versions : dict of str to str
        As :func:`benchmarks.worker.r_packages` gives it.
    """
    packages = ", ".join(f"{name} {version}" for name, version in r_versions.items() if name != "R")
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores; one thread used",
        "load when the run began": f"{os.getloadavg()[0]:.1f}",
        "system": f"{platform.system()} {platform.release()}",
        "nirls": f"{importlib.metadata.version('nirls')}{_commit()}",
        "Python": ", ".join([platform.python_version(), *(f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES)]),
        "BLAS of numpy": _blas(),
        "R": f"{r_versions['R']}: {packages or 'none of the packages compared'}" if r_versions else "not on the PATH",
        "date": time.strftime("%Y-%m-%d"),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    pairs = (line.split(":", 1) for line in lines if ":" in line)
    named = {key.strip(): value.strip() for key, value in pairs}
    return f"{named.get('model name', platform.machine())} (family {named.get('cpu family', '?')}, model {named.get('model', '?')})"


def _blas() -> str:
    """Library and, where it can be asked, the kernels it runs."""
    import numpy as np

    built = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    name = f"{built['name']} {built['version']}"
    try:
        import threadpoolctl
    except ImportError:
        return name
    kernels = sorted({str(library.get("architecture", "")) for library in threadpoolctl.threadpool_info()} - {""})
    return f"{name}, {', '.join(kernels)} kernels" if kernels else name


def _commit() -> str:
    try:
        command = ["git", "-C", str(HERE), "describe", "--always", "--dirty", "--exclude=*"]
        return f", commit {subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()}"
    except (FileNotFoundError, subprocess.CalledProcessError):
        return ""


if __name__ == "__main__":
    print(json.dumps(describe(json.loads(sys.argv[1]))))
