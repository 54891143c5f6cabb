"""Six sessions of a subject and none of another, as data sets and as results of the analyses of the treatment delivered."""

import dataclasses
from functools import cache

from nirls.adam.adex import derive_adex
from nirls.adam.adexsum import derive_adexsum
from nirls.analyse import run_analysis
from nirls.plan.load import load_plan
from tests.adam.conftest import ROOT
from tests.adam.test_adex import domains, subjects, with_sessions


@cache
def two_arm_plan():
    """The plan of the demonstration trial for two arms, the dose as the log says."""
    plan = with_sessions(load_plan("nir-rls", root=ROOT), calibration="none")
    names = ("device_parameters", "adherence", "sessions")
    entries = {k: e.model_copy(update={"arms": ["SHAM", "NIR850-54"]}) if k in names else e for k, e in plan.analyses.items()}
    return dataclasses.replace(plan, analyses=entries)


@cache
def data_sets():
    """Six sessions of A (54 J/cm² each, the third broken off after 10 min, the fifth lost); none of B."""
    plan, found = two_arm_plan(), domains()
    found["DX"] = found["DX"].drop(index=4)
    found["DX"].loc[2, ["ON_SEC", "FLUENCE", "STATUS"]] = [600.0, 18.0, "aborted"]
    adsl = subjects(plan).assign(SAFFL="Y", RANDFL=["Y", "Y", "N"])
    for name in ("RAND", "FAS", "PP"):
        adsl[f"{name}FL"] = ["Y", "Y", "N"]
    adex = derive_adex(found, adsl, plan)[0]
    return {"ADSL": adsl, "ADEX": adex, "ADEXSUM": derive_adexsum(found, adsl, adex, plan)[0]}


@cache
def results(analysis, active):
    """Analysis results and records, the arm NIR850-54 called `active`."""
    plan, data = two_arm_plan(), data_sets()
    ard, result = run_analysis(plan, analysis, data[plan.analyses[analysis].dataset], data["ADSL"])
    named = {"NIR850-54": active}
    records = None if result.records is None else result.records.replace({"TRT01P": named})
    return ard.replace({"group1_level": named}), records


def given(codes):
    """Display number → layout, kind, results and options."""
    options = two_arm_plan().displays.displays
    return {
        number: (layout, kind, {"main": results(analysis, codes[1])[0]}, options[number].options)
        for number, layout, kind, analysis in (
            ("T14.1.5", "device_parameters", "table", "device_parameters"), ("F14.1.2", "session_raster", "figure", "sessions"),
        )
    }  # fmt: skip
