"""Where the results come from: versions, raw files, analyses, scales and terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nirls.provenance import code_fingerprint, json_hash, versions

if TYPE_CHECKING:
    from nirls.plan.base import PlanModel
    from nirls.plan.load import Plan
    from nirls.report.material import Material


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisOrigin:
    """What one analysis was made from."""

    id: str
    label: str
    method: str
    records: str
    subjects: str
    spec: str
    code: str
    differs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleNote:
    """A rating scale, its source and who owns it."""

    name: str
    source: str
    copyright: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginView:
    """The chapter "Provenance"."""

    plan: str
    code: str
    seed: int
    versions: tuple[tuple[str, str], ...]
    raw: tuple[tuple[str, str], ...]
    analyses: tuple[AnalysisOrigin, ...]
    scales: tuple[ScaleNote, ...]
    attribution: str


def plan_hash(plan: Plan) -> str:
    """Sixteen hex digits of the whole plan, whatever the folder its results go to."""
    models: list[PlanModel] = [plan.study, plan.displays]
    maps: list[Mapping[str, PlanModel]] = [plan.analyses, plan.estimands, plan.instruments]
    config = plan.config.model_dump(mode="json", exclude={"results"})
    parts = [m.model_dump(mode="json") for m in models]
    return json_hash([config, parts, [{k: v.model_dump(mode="json") for k, v in m.items()} for m in maps]])


def report_code() -> str:
    """Fingerprint of the code of the report."""
    return code_fingerprint("nirls.report.build")


def origin_view(plan: Plan, material: Material) -> OriginView:
    """Versions, hashes and terms; an analysis made with other versions than the report is marked."""
    now = versions()
    return OriginView(
        plan=plan_hash(plan),
        code=report_code(),
        seed=plan.config.seed,
        versions=tuple(now.items()),
        raw=tuple(material.raw.items()),
        analyses=tuple(
            AnalysisOrigin(
                id=key,
                label=plan.analyses[key].label,
                method=plan.analyses[key].method,
                records=str(given.get("n_records", "")),
                subjects=str(given.get("n_subjects", "")),
                spec=str(given.get("spec", "")),
                code=str(given.get("code", "")),
                differs=tuple(f"{n} {v}" for n, v in given.get("versions", {}).items() if now.get(n) != v),
            )
            for key, given in material.origins.items()
        ),
        scales=tuple(
            ScaleNote(name=f"{i.name} ({i.abbreviation})", source=i.source, copyright=i.copyright or "") for i in plan.instruments.values()
        ),
        attribution=plan.study.attribution or "",
    )
