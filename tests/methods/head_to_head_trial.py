"""Results of the head-to-head methods on tests/reference/irls_parallel.csv, for their tests and those of displays."""

from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd

from nirls.ard.frame import to_frame
from nirls.methods.indirect_comparison import IndirectOptions, indirect_comparison
from nirls.methods.noninferiority import NonInferiorityOptions, noninferiority
from nirls.methods.noninferiority_claim import NonInferiorityClaimOptions, noninferiority_claim
from nirls.methods.registry import AnalysisData
from nirls.plan.analysis import Analysis

ROOT = Path(__file__).parents[2]
LITERATURE = "data/literature/irls.csv"
WHY = {"text": "Half of what is sure", "date": "2025-03-31"}
CODES = ("SHAM", "NIR", "ACTIVE")


def records(gain=4.0, codes=CODES):
    """Three arms, four visits; both treated arms gain `gain` points more than in the file."""
    frame = pd.read_csv(ROOT / "tests/reference/irls_parallel.csv")
    arm = frame["TRT"].map(dict(zip(("SHAM", "NIR-L", "NIR-H"), codes, strict=True)))
    return frame.assign(
        TRT01P=arm, AVISITN=frame["AVISIT"].str[1:].astype(float), AVISIT="Week " + frame["AVISIT"].str[1:], PARAMCD="IRLSTOT",
        CHG=frame["CHG"] - gain * (arm != codes[0]), IRLSBL=frame["BASE"], STRSEV=np.where(frame["BASE"] < 25, "<25", ">=25"),
    )  # fmt: skip


def data(frame=None, method="noninferiority", direction="lower_better", used=None, codes=CODES, arms=None, root=ROOT):
    frame = records(codes=codes) if frame is None else frame
    frame = frame.assign(TRT01P=pd.Categorical(frame["TRT01P"], categories=arms or codes, ordered=True)).dropna(subset=["TRT01P"])
    looks = {c: SimpleNamespace(blinded=c != codes[2], short=c) for c in codes}
    study = SimpleNamespace(reference=codes[0], arms=looks, dose_unit=None)
    scales = {"irls": SimpleNamespace(scores={"IRLSTOT": None}, direction=direction)}
    adsl = frame.drop_duplicates("USUBJID")[["USUBJID", "TRT01P"]]
    return AnalysisData(
        frame=frame, adsl=adsl, spec=Analysis(label="x", dataset="ADQS", method=method, group="TRT01P"), analysis_id="x", used=used or {},
        plan=SimpleNamespace(study=study, instruments=scales, root=root),
    )  # fmt: skip


def options(codes=CODES, **more):
    given = {"covariates": ["BASE"], "at_visit": "Week 4", "test": codes[1], "active": codes[2], "placebo": codes[0]}
    given |= {"margin": {"value": 3.0, "justification": WHY}}
    return NonInferiorityOptions(**given | more)


def written(result, analysis_id="x", analysis_set="FAS"):
    rows = [*result.rows]
    note = {"stat_name": "text", "variable": "footnote"}
    rows += [note | {"variable_level": str(i), "stat_text": t} for i, t in enumerate(result.footnotes, 1)]
    return to_frame([{"param": "IRLSTOT", **r} for r in rows], analysis_id=analysis_id, analysis_set=analysis_set, dataset="ADQS")


@cache
def decided(codes=CODES, gain=4.0, value=None, analysis_set="FAS", missing=False):
    """Results with the margin of the literature, or `value`; `missing`: nobody of the active arm was observed."""
    frame = records(gain, codes)
    if missing:
        frame = frame.assign(CHG=frame["CHG"].where(frame["TRT01P"] != codes[2]))
    margin = {"rows": ["PREGABALIN-2014", "XP053-1200"]} if value is None else {"value": value}
    margin["justification"] = WHY
    result = noninferiority(data(frame, codes=codes), options(codes, margin=margin, literature=LITERATURE))
    return written(result, f"ni-{analysis_set}", analysis_set)


def claim(**ards):
    return written(noninferiority_claim(data(used=ards), NonInferiorityClaimOptions()), "claim")


@cache
def indirect(codes=CODES, base=0.0, **more):
    frame = records(codes=codes)
    frame = frame[frame["AVISITN"] == 4]
    given = data(frame.assign(IRLSBL=frame["IRLSBL"] + base), "indirect_comparison", codes=codes, arms=codes[:2])
    chosen = {"literature": LITERATURE, "row": "XP053-1200", "test": codes[1], "draws": 60} | more
    return written(indirect_comparison(given, IndirectOptions(**chosen)), "indirect")
