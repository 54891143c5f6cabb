"""Results of the methods about the course of the benefit, of a small trial made up, for two arms."""

from functools import cache

import numpy as np
import pandas as pd

from nirls.methods.augmentation import AugmentationOptions, augmentation
from nirls.methods.early_response import EarlyResponseOptions, early_response
from nirls.methods.session_change import SessionChangeOptions, session_change
from nirls.methods.slopes import SlopesOptions, slopes
from nirls.methods.time_to_event import TimeToEventOptions, time_to_event
from tests.methods import test_time_to_event as relapse
from tests.methods.test_durability import data, onset, sessions_and_diary
from tests.methods.test_linear_methods import ard


@cache
def durability_results(arms):
    """Analyses of 40 subjects: a flat course to week 12, a loss after it."""
    rng, who = np.random.default_rng(2), [f"S{i:02d}" for i in range(40)]
    weeks = np.array([4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0, 18.0])
    arm = np.repeat([arms[i % 2] for i in range(40)], len(weeks))
    frame = pd.DataFrame({"USUBJID": np.repeat(who, len(weeks)), "TRT01P": arm, "AVISITN": np.tile(weeks, 40)}).assign(
        AVISIT=lambda d: "Week " + d["AVISITN"].astype(int).astype(str), ADY=lambda d: 7 * d["AVISITN"] + 1 + rng.integers(-2, 3, len(d)),
        BASE=np.repeat(rng.normal(25, 3, 40), len(weeks)),
        AVAL=lambda d: 18 + 0.5 * np.maximum(d["AVISITN"] - 12, 0) + np.repeat(rng.normal(0, 3, 40), len(weeks)) + rng.normal(0, 1, len(d)),
    )  # fmt: skip
    pools = {"Pooled": [arms[1]]}
    period = {"start": 4.0, "end": 12.0, "pools": pools, "random": ["intercept"]}
    course = slopes(data(frame, "slopes", list(arms)), SlopesOptions(**period, knot=12.0))
    alone = slopes(data(frame[frame["AVISITN"] <= 12], "slopes", list(arms)), SlopesOptions(**period, margin=0.375))
    sessions, diary = sessions_and_diary()
    sessions = sessions.assign(TRT01P=sessions["TRT01P"].map({"SHAM": arms[0], "NIR": arms[1]}))
    early = pd.DataFrame({"USUBJID": np.repeat(who, 2), "TRT01P": np.repeat([arms[i % 2] for i in range(40)], 2)}).assign(
        AVISIT=np.tile(["Week 2", "Week 4"], 40), CHG=rng.normal(-5, 4, 80), PCHG=rng.normal(-50, 20, 80), BASE=25.0, PARAMCD="IRLSTOT"
    )
    scale = frame.drop_duplicates("USUBJID").assign(AVAL=rng.integers(0, 7, 40).astype(float), ADY=28.0)
    diary_of_onset = onset({w: [0, 1, 5, 5] for w in who[:20]})
    signs = augmentation(data(scale, "augmentation", list(arms), addiary=diary_of_onset), AugmentationOptions(until_day=28))
    options = EarlyResponseOptions(early="Week 2", late="Week 4", folds=3, pools=pools)
    times = pd.DataFrame(
        {"USUBJID": who, "TRT01P": [arms[i % 2] for i in range(40)], "PARAMCD": "RELAPSE", "AVAL": rng.integers(1, 9, 40) * 1.0}
    )
    times = times.assign(CNSR=rng.choice([0.0, 0.0, 1.0, 2.0], 40), APERIOD=times["AVAL"])
    times = times.assign(
        EVNTDESC=times["CNSR"].map({0.0: "Relapse", 1.0: "", 2.0: "Rescue medication"}),
        CNSDTDSC=times["CNSR"].map({0.0: "", 1.0: "End", 2.0: ""}),
    )
    return {
        "relapse": ard(time_to_event(relapse.data(times, arms), TimeToEventOptions(**relapse.OPTIONS))),
        "course": ard(course),
        "tolerance": ard(alone),
        "sessions": ard(session_change(data(sessions, "session_change", list(arms), addiary=diary), SessionChangeOptions())),
        "augmentation": ard(signs),
        "early": ard(early_response(data(early, "early_response", list(arms)), options)),
    }  # fmt: skip


def given(codes):
    """Display number → layout, kind, results and options."""
    made = durability_results(tuple(codes[:2]))
    course = {"main": made["course"], "tolerance": made["tolerance"], "sessions": made["sessions"]}
    return {
        "T14.2.5.1": ("time_to_event", "table", {"main": made["relapse"]}, {}),
        "F14.2.5.1": ("survival_plot", "figure", {"main": made["relapse"]}, {}),
        "F14.2.5.2": ("survival_plot", "figure", {"main": made["relapse"]}, {"scale": "log-log"}),
        "T14.2.5.2": ("slopes", "table", course, {}),
        "F14.2.5.3": ("slopes_plot", "figure", {"main": made["course"]}, {}),
        "T14.2.5.3": ("augmentation", "table", {"main": made["augmentation"]}, {}),
        "T14.2.5.4": ("early_response", "table", {"main": made["early"]}, {}),
    }
