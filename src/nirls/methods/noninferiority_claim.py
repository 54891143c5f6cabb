"""The claim of non-inferiority, which needs every analysis set."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from nirls.methods.registry import AnalysisData, MethodResult, method
from nirls.plan.base import PlanModel


class NonInferiorityClaimOptions(PlanModel):
    """Options of `noninferiority_claim`."""

    assay_sensitivity: bool = Field(True, description="The claim also needs the active arm better than sham in each set that tests it.")


@method("noninferiority_claim", options=NonInferiorityClaimOptions)
def noninferiority_claim(data: AnalysisData, options: NonInferiorityClaimOptions) -> MethodResult:
    """Whether non-inferiority holds in each of the analyses named in `uses`, and which of them fails."""
    from nirls.ard.build import row
    from nirls.errors import ConfigError

    where = f"analyses.yaml: {data.analysis_id}: uses"
    if len(data.used) < 2:
        raise ConfigError(f"{where}: a claim needs two analysis sets, as full analysis and per protocol; {len(data.used)} is named")
    rows: list[dict[str, Any]] = []
    failed: list[str] = []
    margins = {}
    for name, ard in data.used.items():
        own = ard[ard["variable"] == "noninferiority"]
        if own.empty:
            raise ConfigError(f"{where}: {name} holds no decision on a margin; use analyses with the method 'noninferiority'")
        of_set = str(ard["analysis_set"].iloc[0])
        margins[of_set] = float(own.loc[(own["stat_name"] == "margin") & (own["variable_level"] == ""), "stat"].iloc[0])
        decisions = own[own["stat_name"] == "rejected"].set_index("variable_level")["stat"]
        reasons = ["not shown to be non-inferior"] if decisions.get("non-inferior") != 1 else []
        if options.assay_sensitivity and "assay sensitivity" in decisions.index and decisions["assay sensitivity"] != 1:
            reasons.append("no assay sensitivity")
        rows.append(row("rejected", float(not reasons), variable="noninferiority", variable_level=of_set))
        failed += [f"{of_set}: {', '.join(reasons)}"] if reasons else []
    if len(margins) < len(data.used) or len(set(margins.values())) > 1:
        raise ConfigError(f"{where}: the analyses must be of different sets with one margin, not {margins}")
    rows.append(row("rejected", float(not failed), variable="noninferiority", variable_level="claim"))
    text = "; ".join(failed) if failed else f"non-inferior in {' and '.join(margins)}"
    rows.append(row("text", None, stat_text=text, variable="noninferiority", variable_level="claim"))
    return MethodResult(rows=rows)
