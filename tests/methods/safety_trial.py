"""A small trial with adverse events, deficiencies and sessions, for the methods and displays of safety."""

from types import SimpleNamespace

import numpy as np
import pandas as pd

from nirls.methods.registry import AnalysisData
from nirls.plan.analysis import Analysis
from nirls.plan.safety import AdverseEvents
from nirls.plan.study import BaselineItem

RULES = AdverseEvents(
    relationship={
        "DEV": {"variable": "AEREL", "label": "device", "levels": {"NOT": "Not related", "CAUSAL": "Causal"}, "related": ["CAUSAL"]}
    },
    device=True,
    anticipated="ANTICIP",
)
COVARIATES = {
    "NEUROPFL": BaselineItem(label="Neuropathy", source="MH:NEUROPATHY", levels=["Y", "N"]),
    "CANCERFL": BaselineItem(label="History of cancer", source="MH:CANCER", levels=["Y", "N"]),
}
TERMS = (("Skin", "Erythema"), ("Skin", "Pruritus"), ("Nervous system", "Headache"))


def trial(arms=("SHAM", "NIR"), size=20):
    """ADSL, ADAE, ADDE, ADRISK and ADEX: subjects in turn of each arm; the second arm has more events of the skin."""
    n = size * len(arms)
    arm = np.array([arms[i % len(arms)] for i in range(n)])
    adsl = pd.DataFrame({"USUBJID": [f"S{i:03d}" for i in range(n)], "TRT01A": arm})
    adsl = adsl.assign(NEUROPFL=np.where(np.arange(n) % 5 == 0, "Y", "N"), CANCERFL="N")
    start = pd.Timestamp("2025-01-01")
    days = np.arange(0, 84, 3)
    ex = adsl.merge(pd.DataFrame({"DAY": days}), how="cross")
    ex = ex.assign(
        ADT=(start + pd.to_timedelta(ex["DAY"], unit="D")).dt.strftime("%Y-%m-%d"), ANL01FL="Y",
        AFLU=np.where(ex["TRT01A"] == arms[0], 0.0, 54.0), ASEQ=ex.groupby("USUBJID").cumcount() + 1.0,
    )  # fmt: skip
    risk = adsl.assign(EXSTDT="2025-01-01", RISKENDT="2025-03-31", RISKYRS=90 / 365.25, NSESS=float(len(days)))
    rng = np.random.default_rng(5)
    rows = []
    for i, (who, own) in enumerate(zip(adsl["USUBJID"], adsl["TRT01A"], strict=True)):
        share = (0.15, 0.1, 0.2) if own == arms[0] else (0.5, 0.3, 0.2)
        for k, (soc, term) in enumerate(TERMS):
            for _ in range(int(rng.random() < share[k]) + int(rng.random() < share[k] / 2)):
                day = int(rng.integers(0, 80))
                rows.append((who, own, soc, term, day, ("Mild", "Moderate", "Severe")[len(rows) % 3], k < 2 and i % 2 == 1))
    ae = pd.DataFrame(rows, columns=["USUBJID", "TRT01A", "AEBODSYS", "AEDECOD", "DAY", "ASEV", "REL"])
    ae = ae.sort_values(["USUBJID", "DAY"], kind="stable").reset_index(drop=True)
    date = (start + pd.to_timedelta(ae["DAY"], unit="D")).dt.strftime("%Y-%m-%d")
    ae = ae.assign(
        ASTDT=date, TRTEMFL="Y", ASEVN=ae["ASEV"].map({"Mild": 1.0, "Moderate": 2.0, "Severe": 3.0}),
        AREL=np.where(ae["REL"], "Causal", "Not related"), ARELN=np.where(ae["REL"], 2.0, 1.0), RELFL=np.where(ae["REL"], "Y", "N"),
        ASER="N", ONSESS=ae["DAY"] // 3 + 1.0,
    )  # fmt: skip
    de = adsl.iloc[[0, 1, 3, 3]].assign(DECAT=["MALFUNCTION", "USE ERROR", "MALFUNCTION", "MALFUNCTION"], DESADE=["N", "N", "Y", "N"])
    return {"ADSL": adsl, "ADAE": ae, "ADDE": de, "ADRISK": risk, "ADEX": ex}


def data(made, dataset, method, arms=("SHAM", "NIR"), group="TRT01A"):
    """What a method receives."""
    factor = pd.CategoricalDtype(list(arms), ordered=True)
    adsl, frame = (made[name].assign(TRT01A=made[name]["TRT01A"].astype(factor)) for name in ("ADSL", dataset))
    study = SimpleNamespace(reference=arms[0], adverse_events=RULES, covariates=COVARIATES, strata={})
    spec = Analysis(label="x", dataset=dataset, method=method, group=group, set="SAF")
    plan = SimpleNamespace(study=study)
    beside = {name: made[name] for name in ("ADEX", "ADRISK")}
    return AnalysisData(frame=frame, adsl=adsl, spec=spec, analysis_id="x", plan=plan, beside=beside)
