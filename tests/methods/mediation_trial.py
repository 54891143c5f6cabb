"""The generated subjects of tests/reference/mediation.csv as records of ADQS, for the tests of mediation and of its displays."""

from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd

from nirls.ard.frame import to_frame
from nirls.methods.mediation import MediationOptions, mediation
from nirls.methods.registry import AnalysisData
from nirls.plan.analysis import Analysis

CODES = ("SHAM", "NIR")
FLOW = {"param": "FLUX", "visit": "Week 2"}
OXYGEN = {"param": "STO2", "visit": "Week 2"}
LABELS = {"IRLSTOT": "IRLS total score", "STO2": "Tissue oxygenation (%)", "FLUX": "Skin blood flow"}


def records(codes=CODES):
    """Outcome at week 4, mediators at week 2: a record of each for every subject."""
    d = pd.read_csv(Path(__file__).parents[1] / "reference/mediation.csv")
    common = {"USUBJID": d["ID"].map("S{:02d}".format), "TRT01P": np.asarray(codes)[d["TRT"]], "SITEID": d["SITE"]}
    parts = [
        pd.DataFrame(common | {"PARAMCD": code, "AVAL": d[value], "BASE": d[base], "AVISIT": visit, "ADT": day})
        for code, value, base, visit, day in (
            ("IRLSTOT", "Y", "Y0", "Week 4", "2025-02-01"), ("STO2", "M", "M0", "Week 2", "2025-01-18"),
            ("FLUX", "F", "F0", "Week 2", "2025-01-18"),
        )
    ]  # fmt: skip
    frame = pd.concat(parts, ignore_index=True)
    return frame.assign(CHG=frame["AVAL"] - frame["BASE"], PARAM=frame["PARAMCD"].map(LABELS))


def data(frame=None, codes=CODES, adsl=None, arms=None):
    frame = records(codes) if frame is None else frame
    kinds = pd.CategoricalDtype(list(arms or codes), ordered=True)
    adsl = records(codes).drop_duplicates("USUBJID")[["USUBJID", "TRT01P"]] if adsl is None else adsl
    study = SimpleNamespace(reference=codes[0], arms={c: SimpleNamespace(short=c, blinded=True) for c in codes})
    return AnalysisData(
        frame=frame.astype({"TRT01P": kinds}), adsl=adsl.astype({"TRT01P": kinds}),
        spec=Analysis(label="x", dataset="ADQS", method="mediation", group="TRT01P"), analysis_id="x",
        plan=SimpleNamespace(study=study, config=SimpleNamespace(seed=1)),
    )  # fmt: skip


def options(**more):
    given = {"outcome": {"param": "IRLSTOT", "visit": "Week 4"}, "mediators": [OXYGEN, FLOW], "covariates": ["SITEID"], "draws": 2000}
    return MediationOptions(**given | more)


def written(result, analysis_id="x"):
    note = {"stat_name": "text", "variable": "footnote"}
    rows = [*result.rows, *(note | {"variable_level": str(i), "stat_text": t} for i, t in enumerate(result.footnotes, 1))]
    return to_frame(rows, analysis_id=analysis_id, analysis_set="FAS", dataset="ADQS", method="mediation")


@cache
def found(codes=CODES, failed=False, **more):
    """Results; `failed`: the outcome is the same in everybody."""
    frame = records(codes)
    if failed:
        frame["CHG"] = frame["CHG"].where(frame["PARAMCD"] != "IRLSTOT", 1.0)
    return written(mediation(data(frame, codes), options(**more)))
