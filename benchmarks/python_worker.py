"""A process that has read the data and makes one call of a Python program each time it is told to.

``python -m benchmarks.python_worker us/nirls-kr trial.csv``: each line of standard input is a request, each line of standard output
an answer as JSON. ``r_models.R`` does the same for R.
"""

from __future__ import annotations

import gc
import json
import resource
import sys
import time
import warnings
from typing import Any


def peak_mb() -> float:
    """Peak memory of this process so far, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def answer(name: str, data: Any) -> dict[str, Any]:
    """One timed call and what it said."""
    from benchmarks.python_models import ANSWERS, CALLS

    gc.collect()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        wall, cpu = time.perf_counter(), time.process_time()
        result = CALLS[name](data)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    notes = dict.fromkeys(str(w.message) for w in warned if not issubclass(w.category, DeprecationWarning | FutureWarning))
    return {"cpu": cpu, "wall": wall, "note": "; ".join(notes), **ANSWERS[name](result)}


def main(name: str, path: str) -> None:
    import pandas as pd

    from benchmarks.data import trial

    replies, sys.stdout = sys.stdout, sys.stderr  # whatever a program prints is no answer
    answer(name, trial(100, 3))  # loads the libraries
    data = pd.read_csv(path)
    print(json.dumps({"start_mb": peak_mb()}), file=replies, flush=True)
    for _ in sys.stdin:
        try:
            reply = answer(name, data)
        except MemoryError:
            reply = {"error": "memory"}
        except Exception as error:  # the driver reports it beside the other programs
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), file=replies, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
