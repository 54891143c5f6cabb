"""Eight subjects with a laboratory value and a grade, for the tests of shifts and of their display."""

from functools import cache
from types import SimpleNamespace

import numpy as np
import pandas as pd

from nirls.ard.frame import to_frame
from nirls.methods.registry import AnalysisData
from nirls.methods.shift import ShiftOptions, shift
from nirls.plan.analysis import Analysis
from nirls.plan.ranges import Limits, ReferenceRange
from nirls.plan.study import AdqsParam

NA = np.nan
# subject: arm, group, values of FER (range 15–150) as (day, value), grades as (day, grade); day 1 is baseline, treatment ends on day 29
PEOPLE = {
    "a": (0, "X", [(1, 20), (8, 14), (29, 160)], [(1, 0), (8, 2), (15, 1)]),
    "b": (0, "X", [(1, 10), (8, 30)], [(1, 0), (8, 0)]),
    "c": (0, "Y", [(8, 200)], [(1, 1), (36, 3)]),  # no baseline; a grade seven days after the end
    "d": (0, None, [(1, 20), (37, 200)], [(1, 0), (37, 4)]),  # eight days after the end
    "e": (1, "X", [(1, 20), (12, 15)], [(1, 0), (NA, 4)]),  # a value on the limit; a grade without a date
    "f": (1, "Y", [(1, 160), (8, 170), (15, 100)], [(8, 1)]),
    "g": (1, "Y", [(1, 20), (8, NA)], []),
    "h": (1, "Y", [(-10, 20)], [(1, 0), (8, 1)]),  # a screening value is no baseline
}


def records(codes):
    rows = []
    for who, (arm, _, values, grades) in PEOPLE.items():
        for code, given in (("FER", values), ("SKIN", grades)):
            for day, value in given:
                rows.append((who, codes[arm], code, day, value, "Y" if day == 1 else NA))
    frame = pd.DataFrame(rows, columns=["USUBJID", "TRT01A", "PARAMCD", "ADY", "AVAL", "ABLFL"]).astype({"ABLFL": "str"})
    date = pd.to_datetime("2025-01-01") + pd.to_timedelta(frame["ADY"] - (frame["ADY"] > 0), unit="D")
    lab = frame["PARAMCD"] == "FER"
    side = np.where(frame["AVAL"] < 15, "LOW", np.where(frame["AVAL"] > 150, "HIGH", "NORMAL"))
    return frame.assign(
        ADT=date.dt.strftime("%Y-%m-%d").astype("str"), ANRLO=np.where(lab, 15.0, NA), ANRHI=np.where(lab, 150.0, NA),
        ANRIND=pd.Series(side, dtype="str").where(lab & frame["AVAL"].notna()), AVALC=frame["AVAL"].map("{:.0f}".format).where(~lab),
    )  # fmt: skip


def study():
    limits = ReferenceRange(all=Limits(low=15, high=150), source="the laboratory")
    parameters = {
        "FER": AdqsParam(label="Ferritin", domain="LB", range=limits),
        "SKIN": AdqsParam(label="Skin", domain="LB", values={str(i): i for i in range(5)}),
    }
    return SimpleNamespace(
        parameters=parameters, covariates={"GRP": SimpleNamespace(cut=None, levels=["X", "Y", "Z"])}, strata={}
    )  # fmt: skip


def data(frame=None, codes=("SHAM", "NIR")):
    frame = records(codes) if frame is None else frame
    kind = pd.CategoricalDtype(list(codes), ordered=True)
    adsl = pd.DataFrame({"USUBJID": list(PEOPLE), "TRT01A": [codes[p[0]] for p in PEOPLE.values()], "GRP": [p[1] for p in PEOPLE.values()]})
    adsl = adsl.assign(TRTSDT="2025-01-01", TRTEDT="2025-01-29")
    return AnalysisData(
        frame=frame.astype({"TRT01A": kind}), adsl=adsl.astype({"TRT01A": kind}),
        spec=Analysis(label="x", dataset="ADLB", method="shift", group="TRT01A"), analysis_id="x", plan=SimpleNamespace(study=study()),
    )  # fmt: skip


@cache
def found(codes=("SHAM", "NIR"), **more):
    result = shift(
        data(codes=codes), ShiftOptions(**{"params": ["FER", "SKIN"]} | {k: list(v) if k == "params" else v for k, v in more.items()})
    )
    note = {"stat_name": "text", "variable": "footnote"}
    rows = [*result.rows, *(note | {"variable_level": str(i), "stat_text": t} for i, t in enumerate(result.footnotes, 1))]
    return to_frame(rows, analysis_id="x", analysis_set="SAF", dataset="ADLB", method="shift")
