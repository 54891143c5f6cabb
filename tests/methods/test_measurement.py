"""`reliability`, `retest` and `mcid` from records to results."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from nirls.adapters.pingouin import intraclass
from nirls.ard.frame import to_frame
from nirls.errors import ConfigError, DataError
from nirls.methods.mcid import McidOptions, mcid
from nirls.methods.registry import AnalysisData
from nirls.methods.reliability import ReliabilityOptions, reliability
from nirls.methods.retest import RetestOptions, retest
from nirls.plan.analysis import Analysis
from tests.adapters.test_pingouin import ATTITUDE, SHROUT
from tests.stats.test_minimal_change import GAIN, IMPROVED, REFERENCE

ITEMS = [f"I{i}" for i in range(1, 8)]


def plan(direction="lower_better"):
    score = SimpleNamespace(label="Total", items=ITEMS, range=(0.0, 700.0))
    scale = SimpleNamespace(scores={"TOT": score}, direction=direction)
    parameters = {"CGI": SimpleNamespace(label="Rating of change")}
    return SimpleNamespace(instruments={"s": scale}, config=SimpleNamespace(seed=3), study=SimpleNamespace(parameters=parameters))


def run(function, options, frame, silent=0, study=None):
    subjects = [*frame["USUBJID"].unique(), *(f"X{i}" for i in range(silent))]
    spec = Analysis(label="x", dataset="ADQS", method=function.__name__)
    data = AnalysisData(frame=frame, adsl=pd.DataFrame({"USUBJID": subjects}), spec=spec, analysis_id="m", plan=study or plan())
    return function(data, options).rows


def stat(rows, name, variable, **key):
    found = [r for r in rows if r["stat_name"] == name and r.get("variable") == variable and all(r.get(k) == v for k, v in key.items())]
    assert len(found) == 1, found
    return found[0]["stat"]


def items_frame():
    return pd.DataFrame(
        [(f"S{i:02d}", code, float(v), "Y") for i, row in enumerate(ATTITUDE) for code, v in zip(ITEMS, row, strict=True)],
        columns=["USUBJID", "PARAMCD", "AVAL", "ABLFL"],
    )


def visits_frame(scores, rating=None):
    """Scores of subjects at visits V0, V1 …, and their rating of change at V1."""
    rows = [(f"S{i:02d}", "TOT", f"V{j}", float(v)) for i, row in enumerate(scores) for j, v in enumerate(row)]
    rows += [(f"S{i:02d}", "CGI", "V1", float(v)) for i, v in enumerate(rating if rating is not None else [])]
    return pd.DataFrame(rows, columns=["USUBJID", "PARAMCD", "AVISIT", "AVAL"])


def change_frame(change, anchor):
    ids = [f"S{i:03d}" for i in range(len(change))]
    score = pd.DataFrame(
        {"USUBJID": ids, "PARAMCD": "TOT", "AVISIT": "W4", "AVAL": 10.0, "CHG": change, "BASE": 20.0 + np.arange(len(ids))}
    )
    rating = pd.DataFrame({"USUBJID": ids, "PARAMCD": "CGI", "AVISIT": "W4", "AVAL": anchor, "CHG": np.nan, "BASE": np.nan})
    return pd.concat([score, rating], ignore_index=True)


OPTIONS = {"score": "TOT", "anchor": "CGI", "improved": [1, 2, 3], "minimal": [3], "unchanged": [4], "replicates": 200}


def anchored(sign=-1.0):
    """The reference trial as changes on a scale, anchor 3 (improved) or 4."""
    return change_frame(sign * GAIN, np.where(IMPROVED == 1, 3.0, 4.0))


def ards():
    """Results of the three methods, for displays."""
    retested = run(retest, RetestOptions(score="TOT", visits=["V0", "V1"]), visits_frame(SHROUT[:, [0, 3]]))
    made = {
        "main": run(reliability, ReliabilityOptions(scores=["TOT"]), items_frame(), silent=2),
        "retest": retested,
        "mcid": run(mcid, McidOptions(**OPTIONS), anchored()),
    }
    return {name: to_frame(rows, analysis_id=name, method="m", dataset="ADQS") for name, rows in made.items()}


def test_alpha_and_omega_of_records():
    """R psych: alpha .8431427696; R factanal: omega .856327 (one factor)."""
    rows = run(reliability, ReliabilityOptions(scores=["TOT"]), items_frame(), silent=2)
    assert stat(rows, "cronbach_alpha", "alpha") == pytest.approx(REFERENCE["alpha"]["estimate"], rel=1e-12)
    assert stat(rows, "omega", "omega") == pytest.approx(REFERENCE["omega"], abs=1e-6)
    assert (stat(rows, "n", "complete"), stat(rows, "n_missing", "complete")) == (30, 2)


def test_a_missing_item_leaves_the_subject_out():
    frame = items_frame()
    frame.loc[3, "AVAL"] = np.nan
    rows = run(reliability, ReliabilityOptions(scores=["TOT"]), frame)
    assert (stat(rows, "n", "complete"), stat(rows, "n_missing", "complete")) == (29, 1)


def test_reliability_is_a_matter_of_baseline():
    with pytest.raises(ConfigError, match="1 of the selected records are not baseline records"):
        run(reliability, ReliabilityOptions(scores=["TOT"]), items_frame().assign(ABLFL=["N", *["Y"] * 209]))
    with pytest.raises(ConfigError, match=r"'TOTT' is not a score of an instrument of the study \(TOT\)"):
        run(reliability, ReliabilityOptions(scores=["TOTT"]), items_frame())
    with pytest.raises(ConfigError, match="the selected records hold no I7"):
        run(reliability, ReliabilityOptions(scores=["TOT"]), items_frame().query("PARAMCD != 'I7'"))
    with pytest.raises(DataError, match="2 records repeat a subject and parameter, the first S00 I1"):
        frame = items_frame()
        run(reliability, ReliabilityOptions(scores=["TOT"]), pd.concat([frame, frame.iloc[[0]]], ignore_index=True))


def test_retest_among_the_stable():
    scores = SHROUT[:, [0, 3]]
    rating = [4, 4, 4, 4, 4, 1]
    stable = {"param": "CGI", "visit": "V1", "values": [4]}
    rows = run(retest, RetestOptions(score="TOT", visits=["V0", "V1"], stable=stable), visits_frame(scores, rating))
    expected = intraclass(scores[:5])
    assert stat(rows, "icc", "ICC(A,1)") == expected["ICC(A,1)"].estimate and stat(rows, "n", "pairs") == 5
    # SD² of single assessments from the components of variance: SEM = SD·√(1 − ICC(A,1)), an identity
    sem = stat(rows, "sem", "sem")
    total = sem**2 / (1 - expected["ICC(A,1)"].estimate)
    between = expected["ICC(A,1)"].estimate * total
    assert total - between == pytest.approx(sem**2, rel=1e-12)
    assert stat(rows, "sdc", "sdc") == pytest.approx(1.959963984540054 * np.sqrt(2) * sem, rel=1e-12)
    assert stat(rows, "mean", "shift") == pytest.approx((scores[:5, 1] - scores[:5, 0]).mean())


def test_sem_of_two_assessments_by_hand():
    """Scores 1,2 / 3,6 / 5,4: visit variance 0, residual 2, hence SEM √2 and SDC 3.92 (mean squares worked out by hand)."""
    rows = run(retest, RetestOptions(score="TOT", visits=["V0", "V1"]), visits_frame([[1, 2], [3, 6], [5, 4]]))
    residual = ((np.array([1, 3, -1]) - 1) ** 2).sum() / 2 / 2  # half the variance of the differences
    between_visits = 3 * 2 * 0.5**2  # n Σ (visit mean − mean)²
    assert stat(rows, "sem", "sem") == pytest.approx(np.sqrt(max((between_visits - residual) / 3, 0) + residual), rel=1e-12)


def test_without_stable_subjects_nothing_is_estimable():
    stable = {"param": "CGI", "visit": "V1", "values": [4]}
    rows = run(retest, RetestOptions(score="TOT", visits=["V0", "V1"], stable=stable), visits_frame(SHROUT[:, :2], [1] * 6))
    silent = [r for r in rows if r["stat"] is None and r["stat_name"] != "text"]
    assert len(silent) == 10 and {r["error"] for r in silent} == {"the trial has no two assessments of stable subjects"}
    once = run(retest, RetestOptions(score="TOT", visits=["V0", "V9"]), visits_frame(SHROUT[:, :2]))
    assert next(r for r in once if r["stat_name"] == "sdc")["error"] == "the trial has no two assessments of stable subjects"


def test_minimal_change_as_r():
    """pROC and glm on the reference trial; the scale is one where lower is better, so that changes are minus the gains."""
    rows = run(mcid, McidOptions(**OPTIONS), anchored(), silent=4)
    assert stat(rows, "change", "roc") == -REFERENCE["best"]["threshold"][0]
    assert stat(rows, "change", "predicted") == pytest.approx(-REFERENCE["mic"], rel=1e-11)
    assert stat(rows, "change", "adjusted") == pytest.approx(-REFERENCE["adjusted"], rel=1e-11)
    assert stat(rows, "auc", "curve") == pytest.approx(REFERENCE["auc"], rel=1e-12)
    assert stat(rows, "change", "mean_change") == pytest.approx(-GAIN[IMPROVED == 1].mean())
    assert stat(rows, "change", "half_sd") == pytest.approx(-np.std(np.arange(120.0), ddof=1) / 2)
    assert stat(rows, "conf_low", "adjusted") < stat(rows, "change", "adjusted") < stat(rows, "conf_high", "adjusted")
    assert (stat(rows, "n", "pairs"), stat(rows, "n_missing", "pairs")) == (120, 4)


def test_direction_turns_the_sign():
    down = run(mcid, McidOptions(**OPTIONS), anchored())
    up = run(mcid, McidOptions(**OPTIONS), anchored(1.0), study=plan("higher_better"))
    for name in ("mean_change", "difference", "roc", "predicted", "adjusted", "half_sd"):
        assert stat(up, "change", name) == pytest.approx(-stat(down, "change", name), rel=1e-10)


def test_an_anchor_that_says_little_is_refused():
    rng = np.random.default_rng(2)
    frame = change_frame(rng.normal(-5, 4, 120), rng.choice([2.0, 3, 4, 5], 120))
    rows = run(mcid, McidOptions(**OPTIONS), frame)
    refused = [r for r in rows if r["stat_name"] == "change" and r["stat"] is None]
    assert [r["variable"] for r in refused] == ["mean_change", "difference", "roc", "predicted", "adjusted"]
    assert all("less than 0.3: the anchor says too little" in r["error"] for r in refused)
    wrong_way = run(mcid, McidOptions(**OPTIONS), anchored(1.0))  # improvement goes with a higher score: a strong, but opposite anchor
    assert sum(r["stat_name"] == "change" and r["stat"] is None for r in wrong_way) == 5
    assert stat(rows, "change", "half_sd") is not None, "the distribution-based value needs no anchor"


def test_options_that_contradict_each_other():
    with pytest.raises(ConfigError, match="`minimal` must be part of `improved`"):
        run(mcid, McidOptions(**OPTIONS | {"minimal": [4]}), anchored())
    with pytest.raises(ConfigError, match="the method takes one visit, not W4, W8"):
        frame = anchored()
        run(mcid, McidOptions(**OPTIONS), frame.assign(AVISIT=["W4", *["W8"] * (len(frame) - 1)]))
