"""Results of dose finding and of contrasts of arms, as the workflow writes them, for the nine-arm world."""

from __future__ import annotations

from functools import cache

import pandas as pd

from nirls.ard.frame import to_frame
from nirls.methods.arm_contrasts import ArmContrastsOptions, arm_contrasts
from nirls.methods.mcpmod import MCPModOptions, mcpmod
from tests.methods import dose_trial

KNOWN = {"SHAM": -6.0, "NIR850-18": -7.5, "NIR850-90": -8.0}
CONTRASTS = {
    "interaction": {"group": "Fluence", "label": "Interaction",
                    "weights": {"NIR850-54": 1, "NIR850-18": -1, "NIR850-90": -1, "NIR850-36": 1}},
    "fluence": {"label": "54 − 18 J/cm²", "group": "Fluence", "weights": {"NIR850-54": 1, "NIR850-18": -1}},
    "sham": {"label": "36 J/cm² − sham", "group": "Against sham", "weights": {"NIR850-36": 1, "SHAM": -1}},
}  # fmt: skip


def written(result, analysis_id, method):
    rows = [*result.rows]
    rows += [
        {"stat_name": "text", "variable": "footnote", "variable_level": str(i), "stat_text": t} for i, t in enumerate(result.footnotes, 1)
    ]
    shared = {"analysis_id": analysis_id, "method": method, "dataset": "ADQS", "analysis_set": "FAS"}
    return to_frame([{"param": "IRLSTOT", **r} for r in rows], **shared)


@cache
def dose(delta: float = 1.5, shift: float = 0.0, missing: bool = False, models: tuple[str, ...] = ()) -> pd.DataFrame:
    """`shift` points of further improvement from 18 J/cm² on; `missing`: nobody was observed at the highest dose."""
    frame = dose_trial.records()
    frame = frame.assign(CHG=frame["CHG"] - shift * (frame["DOSE"] > 0))
    if missing:
        frame = frame.assign(CHG=frame["CHG"].where(frame["DOSE"] != 90))
    more = {"models": list(models)} if models else {}
    options = MCPModOptions(**{**dose_trial.OPTIONS, "delta": delta, **more})
    return written(mcpmod(dose_trial.data(frame), options), "dose", "mcpmod")


@cache
def contrasts(missing: bool = False) -> pd.DataFrame:
    frame = dose_trial.records()
    if missing:
        frame = frame.assign(CHG=frame["CHG"].where(frame["DOSE"] != 90))
    joint = {"any": {"label": "Any of the two", "group": "Fluence", "contrasts": ["interaction", "fluence"]}}
    options = ArmContrastsOptions(covariates=["BASE"], by_visit=[], at_visit="Week 4", contrasts=CONTRASTS, joint=joint)
    return written(arm_contrasts(dose_trial.data(frame, "arm_contrasts"), options), "contrasts", "arm_contrasts")


def given(codes: list[str]) -> dict:
    """Displays of a world that has the doses."""
    if not set(dose_trial.ARMS) <= set(codes):
        return {}
    return {
        "T14.2.3.1": ("dose_contrasts", "table", {"main": dose()}, {}),
        "T14.2.3.2": ("dose_fits", "table", {"main": dose()}, {}),
        "T14.2.3.3": ("arm_contrasts", "table", {"main": contrasts()}, {}),
        "F14.2.3.1": ("dose_response", "figure", {"main": dose()}, {"known": KNOWN, "known_target": 24.8}),
    }
