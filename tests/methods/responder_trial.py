"""Small trials for the tests of responders: who responds is set by the counts."""

from types import SimpleNamespace

import pandas as pd

from nirls.methods.registry import AnalysisData
from nirls.plan.analysis import Analysis
from nirls.plan.instrument import Instrument

ARMS = ["SHAM", "NIR"]
SCALE = Instrument.model_validate(
    {
        "name": "Scale", "abbreviation": "IRLS", "direction": "lower_better", "items": {"I1": "Item"}, "total": "IRLSTOT", "source": "none",
        "scores": {"IRLSTOT": {"label": "Total", "items": ["I1"], "range": (0, 40), "source": "none"}},
        "thresholds": {
            "half": {"label": "At least 50 %", "kind": "percent_reduction", "value": 50, "source": "none"},
            "three": {"label": "At least 3 points", "kind": "change", "value": -3, "source": "none"},
            "ten": {"label": "At most 10", "kind": "value", "value": 10, "source": "none"},
        },
    }
)  # fmt: skip
CGI = {"label": "CGI-I 1 or 2", "param": "CGII", "kind": "value", "value": 2, "direction": "lower_better", "source": "none"}


def make(values, strata=None, arms=ARMS, param="IRLSTOT", visit="Week 4"):
    """Data of an analysis from arm → list of (BASE, AVAL) or None for a subject without a record."""
    subjects, records = [], []
    for arm, pairs in values.items():
        for i, pair in enumerate(pairs):
            who = f"{arm}-{i:03d}"
            subjects.append({"USUBJID": who, "TRT01P": arm, "STR": "all" if strata is None else strata[arm][i]})
            if pair is not None:
                records.append(
                    {"USUBJID": who, "TRT01P": arm, "PARAMCD": param, "AVISIT": visit, "AVISITN": 4.0, "BASE": pair[0], "AVAL": pair[1]}
                )
    frame, adsl = (
        pd.DataFrame(rows).assign(TRT01P=lambda d: pd.Categorical(d["TRT01P"], categories=arms, ordered=True))
        for rows in (records, subjects)
    )
    study = SimpleNamespace(reference="SHAM", instruments=["irls"], strata={}, covariates={}, arms={a: SimpleNamespace() for a in arms})
    spec = Analysis(label="x", dataset="ADQS", method="responder", group="TRT01P")
    return AnalysisData(frame=frame, adsl=adsl, spec=spec, analysis_id="x", plan=SimpleNamespace(study=study, instruments={"irls": SCALE}))


def counts(events, size, missing=0):
    """So many subjects with a reduction of 60 %, the others with one of 10 %, the last ones without a record."""
    return [(20.0, 8.0)] * events + [(20.0, 18.0)] * (size - events - missing) + [None] * missing
