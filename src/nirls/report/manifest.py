"""The manifest: every file of the results with its SHA-256, and what they were made with."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nirls.provenance import file_hash, json_hash, versions
from nirls.report.origin import plan_hash, report_code

if TYPE_CHECKING:
    from nirls.plan.load import Plan
    from nirls.report.material import Material


def manifest(plan: Plan, material: Material, files: list[Path], root: Path) -> dict[str, Any]:
    """The manifest of one study.

    Parameters
    ----------
    plan : Plan
    material : Material
    files : list of Path
        Every file of the results that the report knows of.
    root : Path
        Folder of the results of the study; names in the manifest are relative to it.
    """
    return {
        "study": plan.study.id,
        "synthetic": plan.study.synthetic,
        "blinding": plan.study.blinding,
        "data_cut": plan.study.dates.cut,
        "plan": {
            "hash": plan_hash(plan),
            "study": json_hash(plan.study.model_dump(mode="json")),
            "analyses": {k: json_hash(v.model_dump(mode="json")) for k, v in plan.analyses.items()},
            "estimands": {k: json_hash(v.model_dump(mode="json")) for k, v in plan.estimands.items()},
            "displays": {k: json_hash(v.model_dump(mode="json")) for k, v in plan.displays.displays.items()},
            "instruments": {k: json_hash(v.model_dump(mode="json")) for k, v in plan.instruments.items()},
        },
        "seed": plan.config.seed,
        "versions": versions(),
        "code": {"report": report_code(), "analyses": {k: v.get("code", "") for k, v in material.origins.items()}},
        "raw": material.raw,
        "results": {name: file_hash(path) for name, path in sorted((_name(path, root), path) for path in files)},
    }


def to_text(found: dict[str, Any]) -> str:
    """The manifest as JSON; the same manifest always gives the same text."""
    return json.dumps(found, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _name(path: Path, root: Path) -> str:
    return Path(os.path.relpath(path, root)).as_posix()
