"""Results of the methods of subgroups and markers, of a small trial made up, for two arms."""

from functools import cache
from types import SimpleNamespace

import numpy as np
import pandas as pd

from nirls.methods.johnson_neyman import JohnsonNeymanOptions, johnson_neyman
from nirls.methods.registry import AnalysisData
from nirls.methods.responder_subgroups import ResponderSubgroupsOptions, responder_subgroups
from nirls.methods.subgroups import SubgroupsOptions, subgroups
from nirls.plan.analysis import Analysis
from nirls.plan.study import BaselineItem
from tests.methods.responder_trial import SCALE
from tests.methods.test_linear_methods import ard


@cache
def subgroup_results(arms):
    """60 subjects, three visits; one level of a variable is too small to be estimated."""
    rng, n = np.random.default_rng(3), 60
    who = pd.DataFrame({"USUBJID": [f"S{i:02d}" for i in range(n)], "TRT01P": [arms[i % 2] for i in range(n)]})
    who = who.assign(
        SEX=np.where(np.arange(n) % 4 < 2, "F", "M"), GROUP=np.where(np.arange(n) < 50, "Common", "Rare"),
        BASE=rng.normal(25, 4, n).round(),
        FERRITIN=rng.lognormal(4, 0.6, n).round(),
    )  # fmt: skip
    frame = who.merge(pd.DataFrame({"AVISIT": ["Week 1", "Week 2", "Week 4"], "AVISITN": [1.0, 2.0, 4.0]}), how="cross")
    light = (frame["TRT01P"] == arms[1]).to_numpy(float)
    frame = frame.assign(CHG=-3 - 4 * light * (frame["SEX"] == "F") + rng.normal(0, 4, len(frame)), PARAMCD="IRLSTOT")
    who = who.assign(AGEGRP=np.where(np.arange(n) % 3 == 0, "old", "young"))
    frame = frame.merge(who[["USUBJID", "AGEGRP"]], on="USUBJID")
    covariates = {
        "AGEGRP": BaselineItem(label="Age", source="DM.AGE", levels=["young", "old"], cut={"young": "AGE < 65", "old": "AGE >= 65"}),
        "SEX": BaselineItem(label="Sex", source="DM.SEX", levels=["F", "M"]),
        "GROUP": BaselineItem(label="Group", source="DM.GROUP", levels=["Common", "Rare"]),
    }
    study = SimpleNamespace(
        reference=arms[0], strata={}, covariates=covariates, arms={a: None for a in arms}, dose_unit=None, instruments=["irls"]
    )
    factor = pd.CategoricalDtype(list(arms), ordered=True)

    def data(method, some):
        spec = Analysis(label="x", dataset="ADQS", method=method, group="TRT01P", set="FAS")
        some, adsl = (f.assign(TRT01P=f["TRT01P"].astype(factor)) for f in (some, who))
        return AnalysisData(
            frame=some, adsl=adsl, spec=spec, analysis_id="x", plan=SimpleNamespace(study=study, instruments={"irls": SCALE})
        )

    items = [
        {"variable": "SEX", "prespecified": True, "larger": "F", "why": "made up", "evidence": "none in fact"},
        {"variable": "GROUP"},
        {"variable": "AGEGRP"},
    ]
    options = SubgroupsOptions(covariates=["BASE"], by_visit=[], at_visit="Week 4", pools={"Light": [arms[1]]}, subgroups=items)
    markers = [{"variable": "FERRITIN", "scale": "log", "shape": "spline"}, {"variable": "BASE", "per": 5, "prespecified": True}]
    along = JohnsonNeymanOptions(covariates=["SEX"], markers=markers, pool={"Light": [arms[1]]})
    responding = ResponderSubgroupsOptions(threshold="three", pools={"Light": [arms[1]]}, subgroups=items)
    frame = frame.assign(AVAL=frame["BASE"] + frame["CHG"])
    week = frame[frame["AVISIT"] == "Week 4"].reset_index(drop=True)
    shared = {"param": "IRLSTOT", "analysis_set": "FAS"}
    return {
        "groups": ard(subgroups(data("subgroups", frame), options)).assign(**shared),
        "responders": ard(responder_subgroups(data("responder_subgroups", week), responding)).assign(**shared),
        "markers": ard(johnson_neyman(data("johnson_neyman", week), along)).assign(**shared),
    }


def given(codes):
    """Entries of the display trial: number → layout, kind, results, options."""
    made = subgroup_results(tuple(codes[:2]))
    return {
        "F14.2.6.1": ("subgroup_forest", "figure", {"main": made["groups"]}, {}),
        "T14.2.6.1": ("subgroups", "table", {"main": made["groups"]}, {}),
        "T14.2.6.3": ("subgroup_credibility", "table", {"main": made["groups"]}, {}),
        "T14.2.6.4": ("responder_subgroups", "table", {"main": made["responders"]}, {}),
        "F14.2.6.2": ("johnson_neyman_plot", "figure", {"main": made["markers"]}, {}),
        "T14.2.6.2": ("johnson_neyman", "table", {"main": made["markers"]}, {}),
    }
