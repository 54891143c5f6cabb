"""Displays of non-inferiority, equivalence and indirect comparison."""

import pytest

from nirls.plan.display import Display
from nirls.tlf.errors import DisplayError
from nirls.tlf.make import make_display
from tests.methods.head_to_head_trial import claim, decided, indirect
from tests.tlf.drawn import assert_legible, words
from tests.tlf.head_to_head_results import equivalent

CODES = ("SHAM", "NIR850-54", "ACTIVE")


def made(world, layout, ards, kind="table", **options):
    number = "F14.2.4.1" if kind == "figure" else "T14.2.4.1"
    ids = {role: str(ard["analysis_id"].iloc[0]) for role, ard in ards.items()}
    entry = Display(title="Head", kind=kind, layout=layout, analyses=ids, section="Head-to-head", options=options)
    document, files = make_display(number, entry, ards, {}, world.context, ["svg"] if kind == "figure" else ["html", "rtf"])
    return (document, files["svg"]) if kind == "figure" else document


def texts(document):
    return {row.label: [c.text for c in row.cells] for row in document.rows}


def notes(document):
    return " ".join(f.text for f in document.footnotes)


def both(**more):
    return {"full": decided(CODES, **more), "protocol": decided(CODES, analysis_set="PP", **more)}


def test_table(nine):
    ards = both()
    document = made(nine, "noninferiority", ards | {"claim": claim(**ards)}, known=0.3)
    rows = texts(document)
    assert rows["Margin (M2)"] == ["1.11", "1.11"] and rows["Effect of the drug that is sure (M1)"] == ["2.22", "2.22"]
    assert [c.label for c in document.columns] == ["Full analysis set", "Per-protocol set"]
    assert rows["Non-inferiority shown"][0].startswith("no (p ") and rows["Non-inferiority claimed"][0] == "no"
    said = notes(document)
    for part in ("Half of what is sure (set 2025-03-31)", "upper limit", "open label", "N Engl J Med 2014;370:621-631", "No claim: FAS"):
        assert part in said
    assert "Truth of the generator" in said


def test_a_margin_given_has_no_m1_and_no_synthesis(nine):
    rows = texts(made(nine, "noninferiority", both(value=8.0)))
    assert rows["Margin (M2)"] == ["8.00", "8.00"] and rows["Non-inferiority shown"][0].startswith("yes (p ")
    assert not any("M1" in label or "synthesis" in label for label in rows)


def test_what_was_not_estimable(nine):
    rows = texts(made(nine, "noninferiority", both(value=2.0, missing=True)))
    assert rows["Non-inferiority shown"] == ["NE", "NE"] and rows["Assay sensitivity: drug better than sham"] == ["NE", "NE"]
    document, svg = made(nine, "noninferiority_plot", both(value=2.0, missing=True), "figure")
    assert_legible(svg)
    assert "NE: no observation of ACTIVE" in notes(document)


@pytest.mark.parametrize("value", [None, 0.4, 3.0, 12.0])
def test_figure(nine, value):
    document, svg = made(nine, "noninferiority_plot", both(value=value), "figure", known=0.3)
    assert_legible(svg)
    said = words(svg)
    assert "← favours 850 nm 54 J/cm²" in said and "favours α2δ ligand →" in said
    assert any(t.startswith("Margin ") for t in said) and "Truth 0.30" in said
    assert "Margin" in document.alt and "non-inferior" in document.alt


def test_indirect(nine):
    rows = texts(made(nine, "indirect", {"main": indirect(CODES)}))
    assert rows["As published"][0] == "−3.50" and rows["IRLSBL, mean after weighting"][0] == "23.50"
    outside = made(nine, "indirect", {"main": indirect(CODES, base=30.0)})
    assert texts(outside)["IRLSBL, mean after weighting"][0] == "NE" and "outside the subjects of this trial" in notes(outside)


def test_other_results_are_refused(nine):
    with pytest.raises(DisplayError, match="holds no indirect comparison"):
        made(nine, "indirect", {"main": decided(CODES)})
    with pytest.raises(DisplayError, match="differ in margin"):
        made(nine, "noninferiority", {"full": decided(CODES), "protocol": decided(CODES, analysis_set="PP", value=8.0)})
    with pytest.raises(DisplayError, match="tests no equivalence"):
        made(nine, "equivalence", {"main": indirect(CODES)})


def test_equivalence(nine):
    ard = equivalent(CODES)
    document = made(nine, "equivalence", {"main": ard}, known={"pair": -0.5})
    cells = texts(document)["Pair"]
    assert cells[2] == "(−3.0, 3.0)" and cells[4] in ("equivalent", "not shown") and cells[5] == "−0.50"
    assert "does not mean different" in notes(document)
