"""Table of what was delivered, table of the rhythm, clock face: the numbers of the results in their places."""

import pytest

from nirls.tlf.errors import DisplayError
from nirls.tlf.formats import interval, number
from nirls.tlf.layouts.rhythm import _hour
from nirls.tlf.make import make_display
from tests.methods.test_linear_methods import stat
from tests.tlf.delivered_results import delivered_results
from tests.tlf.display_trial import display
from tests.tlf.drawn import assert_legible, words


@pytest.fixture(scope="module")
def arms(two):
    return two.codes


@pytest.fixture(scope="module")
def results(arms):
    return delivered_results(tuple(arms))


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
