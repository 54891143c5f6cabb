"""A display from files to files, as the workflow asks for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nirls.plan.load import Plan


def display_files(plan: Plan, display_id: str, ards: list[str], records: list[str], outputs: list[str], spec: str) -> str:
    """Make one display.

    Parameters
    ----------
    plan : Plan
    display_id : str
        Key of `displays.yaml`.
    ards, records : list of str
        Paths `<analysis>.parquet` and `<analysis>.records.parquet`.
    outputs : list of str
        Files to write; the format is the ending, `.json` is the document.
    spec : str
        Hash of the parts of the plan the display depends on; printed in its source line.

    Returns
    -------
    str
        One line for the log.
    """
    import pandas as pd

    from nirls.ard.io import read_ard, read_provenance
    from nirls.provenance import json_hash
    from nirls.tlf.context import context_for
    from nirls.tlf.make import make_display

    display = plan.displays.displays[display_id]
    results = {Path(path).stem: path for path in ards}
    kept = {Path(path).name.removesuffix(".records.parquet"): path for path in records}
    inputs = json_hash({name: read_provenance(path).get("inputs") for name, path in results.items()})
    context = context_for(plan.study, plan.instruments, input_hash=inputs, plan_hash=spec)
    formats = [Path(path).suffix[1:] for path in outputs]
    document, rendered = make_display(
        display_id,
        display,
        {role: read_ard(results[analysis]) for role, analysis in display.analyses.items()},
        {role: pd.read_parquet(kept[analysis]) for role, analysis in display.analyses.items() if analysis in kept},
        context,
        formats,
    )
    for path, ending in zip(outputs, formats, strict=True):
        Path(path).write_bytes(rendered[ending])
    return f"{document.number}: {', '.join(formats)}"


def render_file(document: Path | str, output: Path | str) -> None:
    """Render a display document in the format that the ending of `output` names."""
    from nirls.tlf.document import from_json
    from nirls.tlf.render import renderers

    renderer: Any = renderers()[Path(output).suffix[1:]]
    Path(output).write_bytes(renderer.render(from_json(Path(document).read_text(encoding="utf-8")), None))
