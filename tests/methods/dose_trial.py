"""The five-dose trial of tests/reference/irls_dose.csv as ADaM records, for the method and the displays of dose finding."""

from pathlib import Path
from types import SimpleNamespace

import pandas as pd

from nirls.methods.registry import AnalysisData
from nirls.plan.analysis import Analysis

HERE = Path(__file__).parents[1] / "reference"
ARMS = {"SHAM": 0.0, "NIR850-18": 18.0, "NIR850-36": 36.0, "NIR850-54": 54.0, "NIR850-90": 90.0}
CANDIDATES = [  # those of reference_irls.R
    {"model": "linear"}, {"model": "emax", "guess": {"ed50": 9}}, {"model": "emax", "guess": {"ed50": 30}},
    {"model": "sigEmax", "guess": {"ed50": 30, "h": 4}}, {"model": "quadratic", "guess": {"delta": -0.0085}},
    {"model": "betaMod", "guess": {"delta1": 1.2, "delta2": 0.9}}, {"model": "exponential", "guess": {"delta": 40}},
]  # fmt: skip
OPTIONS = {
    "covariates": ["BASE"], "by_visit": [], "at_visit": "Week 4", "dose_arms": list(ARMS), "candidates": CANDIDATES, "delta": 3.0,
    "draws": 200, "steps": 30, "constants": {"betaMod": {"scal": 108}},
}  # fmt: skip


def records():
    """One record at week 4 for each of 125 subjects."""
    frame = pd.read_csv(HERE / "irls_dose.csv")
    codes = {dose: arm for arm, dose in ARMS.items()}
    return frame.assign(TRT01P=frame["DOSE"].map(codes), AVISIT="Week 4", AVISITN=4.0, PARAMCD="IRLSTOT")


def data(frame=None, method="mcpmod", direction="lower_better", doses=None):
    """What the method receives; `doses` replaces doses of arms."""
    frame = records() if frame is None else frame
    doses = {**ARMS, **(doses or {})}
    frame = frame.assign(TRT01P=pd.Categorical(frame["TRT01P"], categories=list(ARMS), ordered=True))
    study = SimpleNamespace(reference="SHAM", dose_unit="J/cm²", arms={a: SimpleNamespace(dose=d) for a, d in doses.items()}, visits=[])
    instruments = {"irls": SimpleNamespace(scores={"IRLSTOT": None}, direction=direction)} if direction else {}
    spec = Analysis(label="x", dataset="ADQS", method=method, group="TRT01P")
    adsl = frame.drop_duplicates("USUBJID")[["USUBJID", "TRT01P"]]
    return AnalysisData(frame=frame, adsl=adsl, spec=spec, analysis_id="x", plan=SimpleNamespace(study=study, instruments=instruments))
