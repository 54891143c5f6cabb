"""Table of what was delivered, table of the rhythm, clock face: the numbers of the results in their places."""

import numpy as np
import pandas as pd
import pytest

from nirls.methods.compliers import CompliersOptions, compliers
from nirls.methods.cosinor import CosinorOptions, cosinor
from nirls.methods.marginal_structural import MarginalStructuralOptions, marginal_structural
from nirls.methods.session_timing import SessionTimingOptions, session_timing
from nirls.tlf.errors import DisplayError
from nirls.tlf.formats import interval, number
from nirls.tlf.layouts.rhythm import _hour
from nirls.tlf.make import make_display
from tests.methods.test_delivered import OBSERVATIONAL, data
from tests.methods.test_linear_methods import ard, stat
from tests.tlf.display_trial import display
from tests.tlf.drawn import assert_legible, words


@pytest.fixture(scope="module")
def arms(two):
    return two.codes


@pytest.fixture(scope="module")
def results(arms):
    """Four analyses of 40 subjects made up: two arms, two visits, a diary of three entries a day."""
    rng, who = np.random.default_rng(1), [f"S{i:02d}" for i in range(40)]
    arm = np.array([arms[i % 2] for i in range(40)])
    visits = pd.DataFrame({"USUBJID": np.repeat(who, 2), "TRT01P": np.repeat(arm, 2), "AVISITN": np.tile([1.0, 4.0], 40)}).assign(
        AVISIT=lambda d: "Week " + d["AVISITN"].astype(int).astype(str), BASE=np.repeat(rng.normal(25, 3, 40), 2),
        CHG=rng.normal(-4, 2, 80), ADY=lambda d: 7 * d["AVISITN"] + 1, AWTARGET=lambda d: 7 * d["AVISITN"] + 1,
    )  # fmt: skip
    dose = pd.DataFrame({"USUBJID": who, "PARAMCD": "CUMFLU", "AVISIT": "Overall", "AVAL": rng.uniform(200, 600, 40)})
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


def table(two, layout, **tables):
    document, _ = make_display("T1", display(layout, {k: k for k in tables}), tables, {}, two.context)
    return document, {r.label: [c.text for c in r.cells] for r in document.rows if r.kind == "data"}


def test_exposure_response(two, results, arms):
    main, history = results["main"], results["history"]
    document, cells = table(two, "exposure_response", main=main, history=history)
    key = {"variable": "CHG", "group1_level": arms[1], "comparison": f"{arms[1]} - {arms[0]}", "variable_level": "compliers"}
    assert cells["Effect of the exposure"][0] == number(stat(main, "estimate", **key), 2)
    assert cells["Interval of Anderson and Rubin"][1] == interval(stat(main, "ar_low", **key), stat(main, "ar_high", **key), 2)
    weighted = stat(history, "estimate", variable_level="full adherence, weighted")
    assert cells["Marginal structural model"][0] == number(weighted, 2)
    text = " ".join(f.text for f in document.footnotes)
    assert "Observational" in text and "Two-stage least squares" in text and "Weights before truncation: mean" in text
    alone, _ = table(two, "exposure_response", main=main)
    assert len(alone.rows) < len(document.rows)


def test_rhythm(two, results, arms):
    main, timing = results["rhythm"], results["timing"]
    document, cells = table(two, "rhythm", main=main, timing=timing)
    for i, arm in enumerate(arms):
        key = {"variable": "AVAL", "group1_level": arm, "comparison": ""}
        assert cells["Amplitude"][i] == number(stat(main, "estimate", variable_level="amplitude", **key), 2)
        assert cells["Highest at (acrophase)"][i] == _hour(stat(main, "estimate", variable_level="acrophase", **key))
        assert cells["Circular mean"][i] == _hour(stat(timing, "circular_mean", group1_level=arm))
    assert cells["p, same amplitude and acrophase"][0] == ""
    assert any(f.text.startswith("Evening severity per hour") and "within subjects" in f.text for f in document.footnotes)


def test_clock_times():
    assert [_hour(h) for h in (21.6, 23.999, 0.0, 24.5, -0.25)] == ["21:36", "00:00", "00:00", "00:30", "23:45"]


def test_polar(two, results, arms):
    document, files = make_display("F1", display("polar", {"main": "rhythm"}, "figure"), {"main": results["rhythm"]}, {}, two.context)
    assert_legible(files["svg"])
    drawn = " ".join(words(files["svg"]))
    for arm in arms:
        key = {"variable": "AVAL", "group1_level": arm, "comparison": "", "variable_level": "amplitude"}
        assert f"amplitude {number(stat(results['rhythm'], 'estimate', **key), 2)}" in drawn
    assert len(document.refs) == 4 and "highest at" in document.alt
    flat = results["rhythm"].assign(error=lambda d: d["error"].where(d["variable_level"] != "acrophase", "no rhythm shown"))
    with pytest.raises(DisplayError, match="no arm"):
        make_display("F1", display("polar", {"main": "rhythm"}, "figure"), {"main": flat}, {}, two.context)


def test_exposure_plot(two, results, arms):
    main, kept = results["main"], results["records"]
    entry = display("exposure_plot", {"main": "main"}, "figure", options={"exposure": "Dose (100 J/cm²)", "outcome": "Change (points)"})
    document, files = make_display("F1", entry, {"main": main}, {"main": kept}, two.context)
    drawn = files["svg"].decode()
    assert "Dose (100 J/cm²)" in drawn and "Change (points)" in drawn
    key = {"variable": "CHG", "group1_level": arms[1], "comparison": f"{arms[1]} - {arms[0]}", "variable_level": "compliers"}
    assert number(stat(main, "estimate", **key), 2) in document.alt
    for arm, ref in zip(arms, (document.refs[0], document.refs[2]), strict=True):
        assert ref.key["group2_level"] == arm
        own = kept[kept["TRT01P"] == arm]
        assert stat(main, "mean", **{"variable_level": ""} | ref.key) == pytest.approx(own["EXPOSURE"].mean())
    with pytest.raises(DisplayError, match="kept no records"):
        make_display("F1", entry, {"main": main}, {}, two.context)
