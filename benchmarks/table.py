"""The results as Markdown: agreement, ratios, memory."""

from __future__ import annotations

from benchmarks.cases import CASES
from benchmarks.summary import AGREES, Line

SCALING = ((1000, 20000), (100, 1000))
"""Numbers of subjects whose ratio is shown, the first pair that was run, at six visits."""


def page(machine: dict[str, str], lines: list[Line], absent: list[str]) -> str:
    """The whole of results.md."""
    parts = [
        "# Benchmark of the mixed models",
        "Written by `make benchmark`; how is in [`../README.md`](../README.md), every call in [`results.csv`](results.csv).",
        _grid(["", "value"], [[key, value] for key, value in machine.items()]),
    ]
    if absent:
        parts.append(f"Not compared, since not installed: {', '.join(absent)}.")
    parts += ["![Time against subjects](subjects.svg)", "![Time against visits](visits.svg)"]
    parts.append(
        "**Time** is the median CPU time of a call in seconds; **ratio** is that time over the time in the first line of the same size. "
        "**−2ℓ** and **contrast** are differences from that line: of −2 restricted log-likelihood (positive: it is the worse "
        "optimum), and the largest of a treatment contrast. "
        f"† does not agree (−2ℓ differs by more than {AGREES}), so the ratio compares different results. "
        "**Memory** is peak memory beyond libraries and data."
    )
    for case in CASES:
        own = [line for line in lines if line.case == case]
        if own:
            parts += [f"## {case.title}", case.text, _case(own), *_remarks(own)]
    parts += ["## More subjects, same visits", _scaling(lines)]
    return "\n\n".join(parts) + "\n"


def _case(own: list[Line]) -> str:
    rows = []
    for line in own:
        first = line.program == line.case.programs[0]
        rows.append(
            [
                f"{line.size[0]:,} × {line.size[1]}" if first else "",
                line.program.label,
                line.program.inference,
                _time(line),
                _ratio(line, own),
                "" if first else _signed(line.deviance_difference),
                "" if first else _signed(line.contrast_difference, ""),
                _megabytes(line.memory_mb),
                str(line.calls or ""),
            ]
        )
    return _grid(["subjects × visits", "program", "SE and df", "time", "ratio", "−2ℓ", "contrast", "memory", "calls"], rows)


def _time(line: Line) -> str:
    if line.censored:
        return f"> {_digits(line.seconds)}" + (f" ({line.note})" if line.status == "not run" else "")
    if line.status == "timed":
        return _digits(line.seconds)
    return {"memory": "out of memory", "failed": "failed"}.get(line.status, f"not run ({line.note})")


def _ratio(line: Line, lines: list[Line]) -> str:
    ratio = line.ratio(lines)
    if ratio is None:
        return ""
    bound = "> " if line.censored else ""
    mark = "" if line.censored or line.agrees else " †"
    return f"{bound}{_digits(ratio, 2)}×{mark}"


def _remarks(own: list[Line]) -> list[str]:
    """What the programs warned of, and why they failed."""
    found: dict[tuple[str, str], list[str]] = {}
    for line in own:
        if line.note and line.status in ("timed", "failed"):
            found.setdefault((f"{line.program.label} ({line.program.inference or 'fit'})", line.note), []).append(
                f"{line.size[0]:,} × {line.size[1]}"
            )
    return ["\n".join(f"- {who} at {', '.join(where)}: {what[:300]}" for (who, what), where in found.items())] if found else []


def _scaling(lines: list[Line]) -> str:
    """The largest number of subjects against a smaller one."""
    at = {(line.case.name, line.program.name, line.size): line for line in lines}
    small, large = next((pair for pair in SCALING if any(line.size == (pair[1], 6) for line in lines)), (0, 0))
    rows = []
    for (case, program, size), more in at.items():
        less = at.get((case, program, (small, 6)))
        if size != (large, 6) or less is None or less.status != "timed" or not more.seconds or not less.seconds:
            continue
        ratio = f"{'> ' if more.censored else ''}{_digits(more.seconds / less.seconds, 2)}×"
        memory = "" if more.memory_mb is None or less.memory_mb is None else f"{_megabytes(more.memory_mb)}, {_megabytes(less.memory_mb)}"
        rows.append([more.case.title, more.program.label, more.program.inference, ratio, memory])
    heads = ["", "program", "SE and df", f"time, {large:,} over {small:,} subjects at 6 visits", "memory of both"]
    return _grid(heads, rows) if rows else "Not run."


def _digits(value: float | None, digits: int = 3) -> str:
    """So many significant digits, never an exponent."""
    if value is None:
        return ""
    if value >= 10 ** (digits - 1):
        return f"{float(f'{value:.{digits}g}'):,.0f}"
    return f"{value:#.{digits}g}".rstrip(".")


def _signed(value: float | None, plus: str = "+") -> str:
    """A difference; one of the order of rounding errors is 0."""
    if value is None:
        return ""
    if abs(value) < 5e-8:
        return "0"
    text = f"{value:+.0e}" if abs(value) < 1e-3 else f"{value:+.3f}"
    return text.replace("+", plus, 1).replace("-", "−")


def _megabytes(value: float | None) -> str:
    return "" if value is None else "< 1 MB" if value < 1.0 else f"{value:,.0f} MB"


def _grid(heads: list[str], rows: list[list[str]]) -> str:
    table = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in table)
