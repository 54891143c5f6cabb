"""`blinding`: from records of guesses to counts and indices."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from nirls.errors import ConfigError, DataError
from nirls.methods.blinding import BlindingOptions, blinding
from nirls.methods.registry import AnalysisData
from nirls.plan.analysis import Analysis

# CRISP (Bang, Ni and Davis 2004, Table 7): guesses treatment, placebo, do not know of each arm.
CRISP = {"NIR": {"NIR": 82, "SHAM": 25, "DK": 170}, "SHAM": {"NIR": 27, "SHAM": 29, "DK": 83}}


def frame_of(tables, param="GUESSP", visit="Week 1", week=1.0):
    """One record for each guess."""
    parts = [(arm, word) for arm, counts in tables.items() for word, n in counts.items() for _ in range(n)]
    frame = pd.DataFrame(parts, columns=["TRT01P", "AVALC"])
    return frame.assign(
        USUBJID=[f"{arm}-{i:04d}" for i, arm in enumerate(frame["TRT01P"])], PARAMCD=param, AVISIT=visit, AVISITN=week, AVAL=1.0
    )


def run(frame, arms=("SHAM", "NIR"), silent=0, **options):
    """Run the method; `silent` subjects of the sham arm have no record."""
    adsl = frame[["USUBJID", "TRT01P"]].drop_duplicates()
    more = pd.DataFrame({"USUBJID": [f"X{i}" for i in range(silent)], "TRT01P": "SHAM"})
    adsl = pd.concat([adsl, more], ignore_index=True)
    frame, adsl = (f.assign(TRT01P=pd.Categorical(f["TRT01P"], categories=list(arms), ordered=True)) for f in (frame, adsl))
    spec = Analysis(label="x", dataset="ADQS", method="blinding", group="TRT01P")
    plan = SimpleNamespace(study=SimpleNamespace(reference="SHAM"))
    chosen = {"guesses": ["GUESSP"], "active": ["NIR"], "control": ["SHAM"], "unknown": ["DK"]} | options
    return blinding(AnalysisData(frame=frame, adsl=adsl, spec=spec, analysis_id="b", plan=plan), BlindingOptions(**chosen)).rows


def stat(rows, name, arm, **key):
    found = [r for r in rows if r["stat_name"] == name and r.get("group1_level") == arm and all(r.get(k, "") == v for k, v in key.items())]
    assert len(found) == 1, found
    return found[0]["stat"]


def test_crisp_from_records():
    """R BI: James .747928 (.021737), Bang .205776 (.035237) and .014388 (.053823)."""
    rows = run(frame_of(CRISP), silent=3)
    assert [stat(rows, "n", "NIR", variable="guess", variable_level=a) for a in ("active", "control", "unknown")] == [82, 25, 170]
    assert stat(rows, "p", "SHAM", variable="guess", variable_level="unknown") == pytest.approx(100 * 83 / 139)
    assert stat(rows, "n_missing", "SHAM", variable="answered") == 3 and stat(rows, "N", "SHAM") == 142
    got = [stat(rows, s, "NIR", variable="james") for s in ("james", "std_error", "conf_low", "conf_high")]
    np.testing.assert_allclose(got, [0.747928, 0.021737, 0.705323, 0.790532], atol=6e-7)
    for arm, expected in (("NIR", [0.205776, 0.035237]), ("SHAM", [0.014388, 0.053823])):
        np.testing.assert_allclose([stat(rows, s, arm, variable="bang") for s in ("bang", "std_error")], expected, atol=6e-7)


def test_several_active_arms_are_given_one_by_one_and_together():
    halves = {"LOW": {"NIR": 40, "SHAM": 20, "DK": 70}, "HIGH": {"NIR": 42, "SHAM": 5, "DK": 100}, "SHAM": CRISP["SHAM"]}
    rows = run(frame_of(halves), arms=("SHAM", "LOW", "HIGH"))
    assert stat(rows, "james", "Active arms", comparison="Active arms - SHAM") == pytest.approx(0.747928, abs=6e-7)
    assert stat(rows, "bang", "Active arms") == pytest.approx(0.205776, abs=6e-7)
    assert stat(rows, "N", "Active arms") == 277
    assert stat(rows, "bang", "HIGH") == pytest.approx((42 - 5) / 147)
    assert {r["comparison"] for r in rows if r["stat_name"] == "james"} == {"LOW - SHAM", "HIGH - SHAM", "Active arms - SHAM"}


def test_five_levels_become_three():
    five = {
        "NIR": {"SURE NIR": 20, "NIR": 62, "SHAM": 15, "SURE SHAM": 10, "DK": 170},
        "SHAM": {"SURE NIR": 5, "NIR": 22, "SHAM": 9, "SURE SHAM": 20, "DK": 83},
    }
    rows = run(frame_of(five), active=["SURE NIR", "NIR"], control=["SHAM", "SURE SHAM"])
    assert stat(rows, "james", "NIR") == pytest.approx(0.747928, abs=6e-7)
    assert stat(rows, "n", "NIR", variable="answer", variable_level="SURE SHAM") == 10


def test_confidence_is_counted_and_changes_no_index():
    guesses = frame_of(CRISP)
    sure = guesses.assign(PARAMCD="CONFP", AVALC=pd.NA, AVAL=np.where(guesses.index % 2, 5.0, 1.0))
    rows = run(pd.concat([guesses, sure], ignore_index=True), confidence={"GUESSP": "CONFP"}, confident=4)
    assert stat(rows, "n", "NIR", variable="confident", variable_level="active") == 41
    assert stat(rows, "james", "NIR") == pytest.approx(0.747928, abs=6e-7)


def test_nobody_answered_in_one_arm():
    rows = run(frame_of({"NIR": CRISP["NIR"], "SHAM": {}}), silent=4)
    empty = [r for r in rows if r["stat_name"] in ("james", "bang") and r["stat"] is None]
    assert {r["error"] for r in empty} == {"no guess in one of the arms", "no guess in the arm"}
    assert stat(rows, "n_missing", "SHAM", variable="answered") == 4


def test_bad_input_is_named():
    good = frame_of(CRISP)
    with pytest.raises(DataError, match=r"1 guess\(es\) are not among the answers .*'NIRX' of NIR-0000 at Week 1"):
        run(good.assign(AVALC=["NIRX", *good["AVALC"][1:]]))
    with pytest.raises(DataError, match="2 records repeat a subject, parameter and visit, the first NIR-0000"):
        run(pd.concat([good, good.iloc[[0]]], ignore_index=True))
    with pytest.raises(ConfigError, match="hold no GUESSI; they hold GUESSP"):
        run(good, guesses=["GUESSI"])
    with pytest.raises(ConfigError, match="the answer 'NIR' is both active and control"):
        run(good, control=["NIR"])
    with pytest.raises(ConfigError, match=r"options.confidence: GUESSX not among the guesses \(GUESSP\)"):
        run(good, confidence={"GUESSX": "CONFP"})
