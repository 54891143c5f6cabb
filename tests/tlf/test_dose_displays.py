"""Displays of dose finding and of contrasts of arms."""

import json
import math
import xml.etree.ElementTree as ET

import pytest

from nirls.plan.display import Display
from nirls.tlf.errors import DisplayError
from nirls.tlf.layouts._dose import significant
from nirls.tlf.make import make_display
from tests.methods.dose_trial import HERE
from tests.tlf.dose_results import KNOWN, contrasts, dose
from tests.tlf.drawn import SVG, assert_legible, words

R = json.loads((HERE / "dose.json").read_text())


def made(world, layout, ard, kind="table", **options):
    number = "F14.2.3.1" if kind == "figure" else "T14.2.3.1"
    analysis = str(ard["analysis_id"].iloc[0])
    entry = Display(title="Dose", kind=kind, layout=layout, analyses={"main": analysis}, section="Dose", options=options)
    document, files = make_display(number, entry, {"main": ard}, {}, world.context, ["svg"] if kind == "figure" else ["html", "rtf"])
    return (document, files["svg"]) if kind == "figure" else document


def texts(document):
    return {row.label: [c.text for c in row.cells] for row in document.rows}


def notes(document):
    return " ".join(f.text for f in document.footnotes)


# --- contrast tests ----------------------------------------------------------------------------------


def test_contrast_table_prints_the_reference(nine):
    """dose.json, R lm and DoseFinding."""
    document = made(nine, "dose_contrasts", dose())
    rows = texts(document)
    assert [c.label for c in document.columns] == ["0", "18", "36", "54", "90", "t", "Adjusted p"]
    assert document.spanners[0].label == "Dose, J/cm²"
    assert rows["n"] == ["25"] * 5 + ["", ""]
    assert rows["LS mean (SE)"][0] == "−5.71 (1.227)" and R["estimates"][0] == pytest.approx(5.706, abs=5e-4)
    assert rows["quadratic (delta −0.0085)"] == [
        "−0.797",
        "−0.127",
        "0.302",
        "0.489",
        "0.134",
        "1.74",
        rows["quadratic (delta −0.0085)"][6],
    ]
    assert float(rows["quadratic (delta −0.0085)"][6]) == pytest.approx(R["adjusted_p"][4], abs=1e-4)
    assert float(rows["Critical value, one-sided 0.025"][5]) == pytest.approx(R["critical_value"], abs=1.1e-3)
    assert [r.label for r in document.rows if r.emphasis] == ["quadratic (delta −0.0085)"]
    assert "multivariate t with 119.0 df" in notes(document) and "Kenward–Roger (linear)" in notes(document)
    assert document.population.startswith("Shows all 125 subjects")


def test_contrasts_that_could_not_be_computed_are_ne(nine):
    document = made(nine, "dose_contrasts", dose(missing=True))
    assert texts(document)["linear"][5:] == ["NE", "NE"]
    assert "No observation of NIR850-90 in the model at Week 4" in notes(document)
    assert not any(r.emphasis for r in document.rows)


# --- models ------------------------------------------------------------------------------------------


def test_models_table(nine):
    document = made(nine, "dose_fits", dose(), known={"target": 24.8, "upper_edge": 100.7, "peak": 50.0})
    rows = texts(document)
    emax = R["fits"]["emax"]
    assert rows["Emax"][0] == "e0 −5.64, eMax −3.24, ed50 20.9"
    assert rows["Emax"][1] == f"{emax['gAIC']:.2f}"
    td = emax["coef"]["ed50"] * 1.5 / (emax["coef"]["eMax"] - 1.5)  # of Emax, in closed form
    assert rows["Emax"][3].startswith(f"{td:.1f} (") and rows["Emax"][3].endswith("> 90)")
    assert rows["Emax"][5].startswith("> 90 (") and rows["Emax"][6] == ""
    assert rows["Quadratic"][6].startswith("64.1 (")
    assert rows["Truth of the generator"] == ["", "", "", "24.8", "", "> 90", "50.0"]
    assert rows["Model average"][:3] == ["", "", ""] and document.rows[-2].emphasis
    marks = {f.text for f in document.footnotes if f.mark}
    assert "Exponential: delta lies at a bound of its range, 9 to 180." in marks
    assert "200 parametric-bootstrap draws" in notes(document)


def test_a_target_dose_that_is_not_reached_is_printed_and_not_ne(nine):
    rows = texts(made(nine, "dose_fits", dose(delta=6.0)))
    assert rows["Quadratic"][3].startswith("> 90") and rows["Quadratic"][5].startswith("not reached")
    assert not any("NE" in cell for cell in rows["Model average"])


def test_a_refused_model_is_a_row_with_the_reason(nine):
    document = made(nine, "dose_fits", dose(models=("emax", "doubleEmax")))
    assert texts(document)["Double Emax"] == ["", "NE", "", "", "", "", ""]
    assert "5 parameters cannot be estimated from 5 dose levels" in notes(document)


def test_models_that_could_not_be_fitted(nine):
    rows = texts(made(nine, "dose_fits", dose(missing=True)))
    assert rows["emax"][1] == "NE" and "Model average" not in rows


def test_significant_digits():
    assert [significant(v) for v in (-0.0012049, 48.617, 180.0, 0.0, -6.7, 1234.5)] == ["−0.00120", "48.6", "180", "0", "−6.70", "1235"]
    assert significant(math.nan) == "NE"


# --- contrasts of arms ---------------------------------------------------------------------------------


def test_contrasts_of_arms(nine):
    document = made(nine, "arm_contrasts", contrasts(), known={"interaction": -0.83})
    labels = [r.label for r in document.rows]
    assert labels[0] == "Fluence" and labels[5] == "Interaction"  # the four cells, then the interaction first
    rows = texts(document)
    assert rows["Interaction"][6] == "−0.83" and rows["Any of the two"][2].startswith("F = ") and rows["Any of the two"][4] == "2, 119.0"
    means = [float(rows[f"850 nm {d} J/cm²"][1].split(" ")[0].replace("−", "-")) for d in (18, 36, 54, 90)]
    assert means == pytest.approx([-v for v in R["estimates"][1:]], abs=5.1e-3)
    assert labels.index("Against sham") > labels.index("Any of the two")
    assert [c.label for c in made(nine, "arm_contrasts", contrasts()).columns][-1] == "p"


def test_contrasts_that_could_not_be_computed(nine):
    rows = texts(made(nine, "arm_contrasts", contrasts(missing=True)))
    assert rows["Interaction"][2:6] == ["NE", "NE", "NE", "NE"] and rows["Any of the two"][2] == "NE"


# --- figure --------------------------------------------------------------------------------------------


def test_figure_says_what_it_shows(nine):
    document, svg = made(nine, "dose_response", dose(), "figure", known=KNOWN, known_target=24.8)
    said = words(svg)
    assert_legible(svg)
    assert {"0", "18", "36", "54", "90", "25", "Model average", "Dose, J/cm²", "Truth of the generator"} <= set(said)
    assert sum(t.startswith("quadratic 0.") for t in said) == 1
    assert any(t.startswith("Target dose ") for t in said)
    diamonds = [p for p in ET.fromstring(svg).iter(f"{SVG}path") if p.get("stroke") == "#2f6fa8" and p.get("d").endswith("Z")]
    assert len(diamonds) == len(KNOWN) + 2  # one on the axis, one in the legend
    assert "Target dose" in document.alt and "−5.71 at 0" in document.alt
    assert "LS mean change from baseline in IRLS total score, week 4 (points, lower is better)" in said
    assert any(ref.stats == ("dose",) for ref in document.refs)


@pytest.mark.parametrize(("delta", "shift"), [(1.5, 4.0), (3.0, 0.0), (2.0, 2.0), (40.0, 0.0)])
def test_figure_is_legible_wherever_the_target_dose_lies(nine, delta, shift):
    svg = made(nine, "dose_response", dose(delta, shift), "figure")[1]
    assert_legible(svg)
    if delta == 40.0:
        assert any(t.startswith("Target dose > 90") for t in words(svg)) and "Truth" not in " ".join(words(svg))


def test_a_refused_model_is_named_under_the_figure(nine):
    document, svg = made(nine, "dose_response", dose(models=("emax", "doubleEmax")), "figure")
    assert "Not drawn: double Emax. 5 parameters cannot be estimated from 5 dose levels" in notes(document)
    assert not any("double" in t for t in words(svg))


def test_figure_of_means_alone(nine):
    """Nothing could be fitted: no curve, the means that there are, and the reason."""
    document, svg = made(nine, "dose_response", dose(missing=True), "figure")
    assert_legible(svg)
    assert "Model average" not in words(svg) and "no observation of NIR850-90" in notes(document)


# --- what is wrong ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layout", "kind", "ard", "options", "message"),
    [
        ("dose_contrasts", "table", contrasts, {}, "'contrasts' holds no doses; use one with the method 'mcpmod'"),
        ("dose_response", "figure", dose, {"known": {"NIR660-18": 1.0}}, "options.known: NIR660-18 not among the arms SHAM"),
        ("arm_contrasts", "table", dose, {}, "holds no contrasts of arms; use one with the method 'arm_contrasts'"),
        ("arm_contrasts", "table", contrasts, {"known": {"reciprocity": 1.0}}, "options.known: reciprocity not among the contrasts"),
    ],
)
def test_errors_name_the_display_and_what_to_do(nine, layout, kind, ard, options, message):
    with pytest.raises(DisplayError, match=rf"14\.2\.3\.1: .*{message}"):
        made(nine, layout, ard(), kind, **options)
