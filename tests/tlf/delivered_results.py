"""Results of the methods of what was delivered, of a small trial made up, for two arms."""

from functools import cache

import numpy as np
import pandas as pd

from nirls.methods.compliers import CompliersOptions, compliers
from nirls.methods.cosinor import CosinorOptions, cosinor
from nirls.methods.marginal_structural import MarginalStructuralOptions, marginal_structural
from nirls.methods.session_timing import SessionTimingOptions, session_timing
from tests.methods.test_delivered import OBSERVATIONAL, data
from tests.methods.test_linear_methods import ard


@cache
def delivered_results(arms):
    """Four analyses of 40 subjects made up: two arms, two visits, a diary of three entries a day."""
    rng, who = np.random.default_rng(1), [f"S{i:02d}" for i in range(40)]
    arm = np.array([arms[i % 2] for i in range(40)])
    visits = pd.DataFrame({"USUBJID": np.repeat(who, 2), "TRT01P": np.repeat(arm, 2), "AVISITN": np.tile([1.0, 4.0], 40)}).assign(
        AVISIT=lambda d: "Week " + d["AVISITN"].astype(int).astype(str), BASE=np.repeat(rng.normal(25, 3, 40), 2),
        CHG=rng.normal(-4, 2, 80), ADY=lambda d: 7 * d["AVISITN"] + 1, AWTARGET=lambda d: 7 * d["AVISITN"] + 1,
    )  # fmt: skip
    dose = pd.DataFrame({"USUBJID": who, "PARAMCD": "CUMFLU", "AVISIT": "Overall", "AVAL": rng.uniform(200, 600, 40) * (arm != arms[0])})
    log = pd.DataFrame({"USUBJID": np.repeat(who, 9), "ADY": np.tile(np.arange(9) * 3.0 + 1, 40)}).assign(ONTRTFL="Y")
    log = log[rng.random(len(log)) < 0.7]
    entry = pd.DataFrame({"USUBJID": np.repeat(who, 9), "TRT01P": np.repeat(arm, 9), "AHOUR": np.tile([9.0, 15.0, 21.0], 120)}).assign(
        ADY=np.tile(np.repeat([1.0, 2.0, 3.0], 3), 40), AWEEKDAY="Monday", SESSHOUR=rng.normal(19, 1, 360),
        AVAL=lambda d: 5 + 2 * np.cos(2 * np.pi * (d["AHOUR"] - 22) / 24) + rng.normal(0, 1, 360) + np.repeat(rng.normal(0, 1, 40), 9),
    )  # fmt: skip
    evening = entry[entry["AHOUR"] == 21.0].assign(AHOUR=lambda d: d["AHOUR"] + rng.normal(0, 0.3, len(d)))
    end, history = visits[visits["AVISITN"] == 4], data(visits, "marginal_structural", arms, adex=log)
    delivered = compliers(data(end, "compliers", arms, adexsum=dose), CompliersOptions(**OBSERVATIONAL, per=100.0))
    return {
        "main": ard(delivered),
        "records": delivered.records,
        "history": ard(marginal_structural(history, MarginalStructuralOptions(**OBSERVATIONAL))),
        "rhythm": ard(cosinor(data(entry, "cosinor", arms), CosinorOptions())),
        "timing": ard(session_timing(data(evening, "session_timing", arms), SessionTimingOptions(covariates=["AHOUR"]))),
    }


def given(codes):
    """Display number → layout, kind, results and options."""
    made = delivered_results(tuple(codes[:2]))
    return {
        "T14.2.3.4": ("exposure_response", "table", {k: made[k] for k in ("main", "history")}, {}),
        "F14.2.3.2": ("exposure_plot", "figure", {"main": made["main"]}, {}),
        "T14.2.7.2": ("rhythm", "table", {"main": made["rhythm"], "timing": made["timing"]}, {}),
        "F14.2.7.2": ("polar", "figure", {"main": made["rhythm"]}, {}),
    }
