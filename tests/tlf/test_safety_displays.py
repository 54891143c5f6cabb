"""Tables, figure and listing of safety: the numbers of the results in their places."""

import xml.etree.ElementTree as ET

import pytest

from nirls.tlf.errors import DisplayError
from nirls.tlf.formats import interval, number
from nirls.tlf.layouts.registry import all_layouts
from nirls.tlf.make import make_display
from tests.methods.test_linear_methods import stat
from tests.tlf.display_trial import display
from tests.tlf.drawn import SVG, words
from tests.tlf.safety_results import safety_results
from tests.tlf.test_durability_displays import row_of


def table(two, layout, main, options=None, records=None, kind="table"):
    document, _ = make_display(
        "T1", display(layout, {"main": "main"}, kind, options=options or {}), {"main": main}, {"main": records}, two.context
    )
    return document, _


@pytest.fixture
def arms(two):
    return tuple(a.code for a in two.context.arms)


def test_kinds_with_limits_differences_and_strata(two, arms):
    of = safety_results(arms)["kinds"]
    document, _ = table(two, "adverse_events", main=of, options={"limits": True})
    key = {"variable": "category", "variable_level": "Skin", "group2": ""}
    n, p, total = (stat(of, s, group1_level="Any light", comparison="", **key) for s in ("n", "p", "n_events"))
    cells = row_of(document, "Skin").cells
    assert cells[2].text == f"{n:.0f} ({number(p, 1)}) [{total:.0f}]"
    d = {"group1_level": "Any light", "comparison": f"Any light - {arms[0]}"} | key
    low, high = (stat(of, s, **d) for s in ("conf_low", "conf_high"))
    assert cells[3].text == f"{number(stat(of, 'estimate', **d), 1)} {interval(low, high, 1)}"
    assert row_of(document, "Serious").cells[0].text == "0"
    assert document.rows[document.rows.index(row_of(document, "Serious")) + 1].cells[0].text == interval(
        0, 100 * (1 - 0.025 ** (1 / 40)), 1
    )
    labels = [r.label for r in document.rows]
    assert labels[0] == "All subjects" and labels.count("Skin") == 4  # all, neuropathy yes and no, no cancer; nobody had cancer
    assert [c.text for c in row_of(document, "Subjects", "CANCERFL: Y").cells] == ["0", "0", "0", ""]


def test_an_overview_of_results_with_terms(two, arms):
    document, _ = table(two, "adverse_events", main=safety_results(arms)["terms"])
    assert [r.label for r in document.rows] == ["Any event"]


def test_classes_then_terms(two, arms):
    document, _ = table(two, "adverse_event_terms", main=safety_results(arms)["terms"])
    labels = [(r.label, r.indent) for r in document.rows]
    assert labels[0] == ("Any event", 0) and ("Erythema", 1) in labels
    assert labels.index(("Skin", 0)) < labels.index(("Erythema", 1)) < labels.index(("Nervous system", 0))
    short, _ = table(two, "adverse_event_terms", main=safety_results(arms)["terms"], options={"least": 100.0})
    assert all(r.indent == 0 for r in short.rows) and any("3 terms with less than 100%" in f.text for f in short.footnotes)


def test_severity_has_a_column_for_each_level(two, arms):
    document, _ = table(two, "adverse_event_terms", main=safety_results(arms)["severity"])
    assert [c.label for c in document.columns] == ["Mild", "Moderate", "Severe"] * 3
    assert [s.label.split(" (N=")[1] for s in document.spanners] == ["40)"] * 3


def test_rates_and_ratios(two, arms):
    of = safety_results(arms)["rates"]
    document, _ = table(two, "event_rates", main=of)
    key = {"variable": "events per 100 sessions", "variable_level": "Skin"}
    rate, low, high = (stat(of, s, group1_level=arms[1], comparison="", **key) for s in ("estimate", "conf_low", "conf_high"))
    assert row_of(document, "Skin", "Events per 100 sessions, rate (95% CI)").cells[1].text == f"{number(rate, 2)} {interval(low, high, 2)}"
    serious = row_of(document, "Serious", "Events per 100 sessions, rate (95% CI)").cells
    assert serious[0].text.startswith("0 (0.00, ") and serious[3].text.startswith("NE (")


def test_deficiencies_and_dose(two, arms):
    of = safety_results(arms)
    document, _ = table(two, "device_deficiencies", main=of["deficiencies"])
    assert document.rows[0].cells[0].text == "1120" and row_of(document, "deficiencies in subjects", "Any").cells[1].text == "3 in 2"
    document, _ = table(two, "events_by_dose", main=of["dose"])
    key = {"variable": "cumulative dose", "group2_level": "Any event"}
    values = [stat(of["dose"], s, **key) for s in ("estimate", "conf_low", "conf_high")]
    expected = f"{number(values[0], 2)} {interval(values[1], values[2], 2)}"
    assert row_of(document, "Per 500 J/cm² more before the session").cells[-1].text == expected
    assert row_of(document, f"Any light / {two.context.arms[0].short}, by subject").cells[-1].text.count("(") == 1
    labels = [r.label for r in document.rows]
    assert labels.index("0 J/cm²") < labels.index("0–250 J/cm²") < labels.index("All sessions")


def test_a_listing_has_every_record(two, arms):
    of = safety_results(arms)
    columns = [{"variables": ["AEDECOD"], "label": "Term"}, {"variables": ["ASTDT", "ONSESS"], "label": "Onset"}]
    document, _ = table(two, "listing", main=of["listed"], options={"columns": columns}, records=of["records"])
    rows = [r for r in document.rows if r.kind == "data"]
    assert len(rows) == len(of["records"]) and sum(bool(r.label) for r in rows) == of["records"]["USUBJID"].nunique()
    first = of["records"].iloc[0]
    assert rows[0].cells[1].text == f"{first['ASTDT']} / {first['ONSESS']:.0f}"
    none, _ = table(two, "listing", main=of["none_listed"], options={"columns": columns}, records=of["none_records"])
    assert [r.label for r in none.rows] == ["No record fulfils the condition of this listing."]
    with pytest.raises(DisplayError, match=r"0 of the 0 records of 'x' would be shown"):
        table(two, "listing", main=of["listed"], options={"columns": columns}, records=of["records"].iloc[:0])
    with pytest.raises(DisplayError, match="the records have no AETERM"):
        table(two, "listing", main=of["listed"], options={"columns": [{"variables": ["AETERM"], "label": "x"}]}, records=of["records"])


def test_treatments_in_a_listing_have_their_names(two, arms):
    of = safety_results(arms)
    given = of["records"].assign(TRT01A=arms[1])
    document, _ = table(two, "listing", main=of["listed"], options={"columns": [{"variables": ["TRT01A"], "label": "x"}]}, records=given)
    assert {r.cells[0].text for r in document.rows if r.kind == "data"} == {two.context.arms[1].short} != {arms[1]}


def test_narratives_hold_the_facts_of_each_event(two, arms):
    of = safety_results(arms)
    options = {"facts": [{"variables": ["ASTDT", "ONSESS"], "label": "Onset / sessions"}]}
    mixed = of["records"].iloc[::-1]
    document, _ = table(two, "narratives", main=of["listed"], options=options, records=mixed)
    titles = [r.label for r in document.rows if r.kind == "section"]
    assert len(titles) == len(mixed) and len(document.rows) == 3 * len(mixed)
    group = next(c for c in mixed if c.startswith("TRT"))
    expected = [r for a in arms for r in mixed.to_dict("records") if r[group] == a]
    assert titles == [f"{r['USUBJID']}: {r['AEDECOD']}" for r in expected]
    assert document.rows[1].cells[0].text == two.context.arms[0].label
    assert [r.cells[0].text for r in document.rows[2::3]] == [f"{r['ASTDT']} / {r['ONSESS']:.0f}" for r in expected]
    assert all(r.cells[0].refs for r in document.rows if r.kind == "data") and "written by a physician" in document.footnotes[0].text
    lost, _ = table(two, "narratives", main=of["listed"], options=options, records=mixed.assign(**{group: None}))
    assert {r.cells[0].text for r in lost.rows[1::3]} == {"No treatment of the plan received"} and len(lost.rows) == len(document.rows)
    none, _ = table(two, "narratives", main=of["listed"], options=options, records=mixed.iloc[:0])
    assert [r.label for r in none.rows] == ["No event needs a narrative."]
    with pytest.raises(DisplayError, match="the records have no AEOUT; they have"):
        table(two, "narratives", main=of["listed"], options={"facts": [{"variables": ["AEOUT"], "label": "x"}]}, records=mixed)
    with pytest.raises(DisplayError, match="the layout 'narratives' needs the method `records`"):
        table(two, "narratives", main=of["listed"], options=options)


def test_a_listing_has_the_subjects_without_treatment(two, arms):
    """An event of a subject who was never treated is in the listing of events."""
    of = safety_results(arms)
    columns = [{"variables": ["AEDECOD"], "label": "Term"}]
    lost = of["records"].assign(TRT01A=of["records"]["TRT01A"].where(of["records"]["USUBJID"] != of["records"]["USUBJID"].iloc[-1]))
    document, _ = table(two, "listing", main=of["listed"], options={"columns": columns}, records=lost)
    rows = [r for r in document.rows if r.kind == "data"]
    assert len(rows) == len(lost)
    place = [r.label for r in document.rows].index("No treatment of the plan received")
    assert document.rows[place + 1].label == lost["USUBJID"].iloc[-1] and place == len(document.rows) - 1 - lost["TRT01A"].isna().sum()


def test_dots_are_drawn_at_their_values(two, arms):
    """Estimate and limits of a term against the positions of the axis' own tick marks."""
    of = safety_results(arms)["terms"]
    document, out = table(two, "adverse_event_dots", main=of, options={"least": 0}, kind="figure")
    root = ET.fromstring(out["svg"])
    discs = [float(c.get("cx")) for c in root.iter(f"{SVG}circle") if float(c.get("r")) == 4.2]
    versus = {"variable": "AEDECOD", "comparison": f"Any light - {arms[0]}"}
    terms = sorted((stat(of, "estimate", variable_level=t, **versus) for t in ("Erythema", "Pruritus", "Headache")), reverse=True)
    assert len(discs) == 3 and discs == sorted(discs, reverse=True)
    ticks = [(float(t.get("x")), float("".join(t.itertext()).replace("−", "-"))) for t in root.iter(f"{SVG}text")
             if t.get("text-anchor") == "middle" and "".join(t.itertext()).replace("−", "-").lstrip("-").replace(".", "").isdigit()
             and float(t.get("x")) > 480]  # fmt: skip
    (x0, v0), (x1, v1) = ticks[0], ticks[-1]
    assert discs == pytest.approx([x0 + (v - v0) / (v1 - v0) * (x1 - x0) for v in terms], abs=0.02)
    assert "Erythema" in document.alt


def test_a_figure_without_terms_says_so(two, arms):
    of = safety_results(arms)
    for main, options in ((of["terms"], {"least": 100.0}), (of["no_terms"], {})):
        document, out = table(two, "adverse_event_dots", main=main, options=options, kind="figure")
        assert any("No preferred term was had by" in text for text in words(out["svg"])) and b"nan" not in out["svg"]
        assert document.refs


def test_an_arm_that_nobody_received_is_not_drawn(two, arms):
    of = safety_results(arms)["terms"]
    nobody = of["group1_level"] == arms[1]
    empty = of.assign(
        stat=of["stat"].mask(nobody & of["stat_name"].isin(["N", "n", "n_events"]), 0.0).mask(nobody & (of["stat_name"] == "p"))
    )
    document, out = table(two, "adverse_event_dots", main=empty, options={"least": 0}, kind="figure")
    assert b"nan" not in out["svg"] and any("Not drawn, since nobody received it" in note.text for note in document.footnotes)


def test_unknown_columns_are_named(two, arms):
    with pytest.raises(DisplayError, match=r"options\.columns: All not in analysis 'x', which has"):
        table(two, "adverse_events", main=safety_results(arms)["kinds"], options={"columns": ["All"]})
    assert {"adverse_events", "adverse_event_terms", "event_rates", "listing"} <= set(all_layouts())
