"""Displays of meta-analysis and of the single case."""

import xml.etree.ElementTree as ET

import pytest

from nirls.plan.display import Display
from nirls.tlf.errors import DisplayError
from nirls.tlf.make import make_display
from tests.methods.evidence_trial import benched, cases, course, pooled, shipped, shipped_benchmark, shipped_case, single, studies, written
from tests.tlf.drawn import SVG, assert_legible, words


def made(world, layout, ard, kind="table", benchmark=None, **options):
    number = "F14.2.8.2" if kind == "figure" else "T14.2.8.2"
    ards = {"main": ard} | ({} if benchmark is None else {"benchmark": benchmark})
    roles = {role: str(one["analysis_id"].iloc[0]) for role, one in ards.items()}
    entry = Display(title="Evidence", kind=kind, layout=layout, analyses=roles, section="x", options=options)
    document, files = make_display(number, entry, ards, {}, world.context, ["svg"] if kind == "figure" else ["html", "rtf"])
    return (document, files["svg"]) if kind == "figure" else document


def texts(document):
    return [(row.label, [c.text for c in row.cells]) for row in document.rows]


def notes(document):
    return " ".join(f.text for f in document.footnotes)


def test_table(nine):
    document = made(nine, "meta", shipped("devices"))
    rows = dict(texts(document)[::-1])
    assert (
        rows["This trial"][:3] == ["176", "−3.86", "0.810"] and rows["RESTFUL-2023: Tonic motor activation (NTX100)"][3] == "(−5.40, −1.40)"
    )
    first = next(r for r in document.rows if r.emphasis)
    assert first.label == "Random effects (REML), HKSJ" and first.cells[0].text == "k = 4"
    assert rows["Prediction interval"][-1] == "t, 2 df" and "Without NPNS-2021" in rows and "MASSAGER-2020: Foot massager" not in rows
    assert document.population == "Shows 4 studies; 5 more are left out, with the reason."
    said = notes(document)
    for part in (
        "same patients as MITCHELL-2011-SHAM",
        "no power with fewer than 10",
        "SLEEP 2023 zsad190",
        "never part of its own prior",
        "A bound",
    ):
        assert part in said
    assert all(c.refs for r in document.rows for c in r.cells if c.text)


def test_table_of_two_and_of_one(nine):
    two = made(nine, "meta", shipped("nir"))
    emphasised = [r.label for r in two.rows if r.emphasis]
    assert emphasised == ["Common effect"] and dict(texts(two))["Not pooled"][1] == "NE" and "one degree of freedom" in notes(two)
    assert dict(texts(two))["Prediction interval"][3] == "NE" and "there are two" in notes(two)
    one = made(nine, "meta", shipped("alone"))
    assert dict(texts(one)[::-1])["Not pooled"][1] == "NE" and "nothing to pool" in notes(one)


@pytest.mark.parametrize("name", ["devices", "nir", "alone"])
def test_forest(nine, name):
    document, svg = made(nine, "meta_forest", shipped(name), "figure")
    assert_legible(svg)
    said = [t.replace("\xa0", " ") for t in words(svg)]
    assert "← favours light" in said and "favours sham →" in said and "Left out" in said
    assert any(t.startswith("MITCHELL-2014: Near-infrared light: same patients") for t in said)
    ard = shipped(name)
    here = ard[(ard["variable"] == "pooled") & (ard["variable_level"] == "HKSJ") & (ard["group2_level"] == "all")]
    here = here.set_index("stat_name")["stat"]
    shown = "{:.2f} ({:.2f}, {:.2f})".format(*(here[s] for s in ("estimate", "conf_low", "conf_high"))).replace("-", "−")
    assert (shown in said) == (name != "alone") and ("Prediction interval, 2 df" in said) == (name == "devices")
    assert ("Not pooled" in document.alt) == (name == "alone")
    if name == "nir":
        assert any("one study" in t for t in said) and any(t.startswith("Common effect") for t in said)


def test_studies_that_agree_too_well(nine, tmp_path):
    text = studies(*((n, "device v sham", y, s, {}) for n, y, s in (("A", -3, 1), ("B", -3.2, 1.5), ("C", -2.8, 2))))
    ard = written(pooled(tmp_path, text))
    document = made(nine, "meta", ard)
    assert next(r.label for r in document.rows if r.emphasis) == "Random effects (REML), HKSJ, ratio ≥ 1" and "narrower" in notes(document)
    assert any(t.startswith("Random effects (REML), HKSJ, ratio ≥ 1") for t in words(made(nine, "meta_forest", ard, "figure")[1]))


def test_squares_have_areas_in_proportion_to_weight(nine, tmp_path):
    text = studies(*((n, "device v sham", y, s, {}) for n, y, s in (("A", -3, 1), ("B", -3.2, 1.5), ("C", -2.8, 2))))
    _, svg = made(nine, "meta_forest", written(pooled(tmp_path, text)), "figure")
    sides = [float(r.get("width")) for r in ET.fromstring(svg).iter(f"{SVG}rect") if r.get("width") == r.get("height")]
    assert len(sides) == 3 and [(s / sides[0]) ** 2 for s in sides] == pytest.approx([1, 1 / 2.25, 1 / 4], rel=0.01)


def test_the_sides_follow_the_direction(nine, tmp_path):
    text = studies(*((n, "device v sham", y, s, {}) for n, y, s in (("A", 3, 1), ("B", 3.2, 1.5), ("C", 2.8, 2))))
    _, svg = made(nine, "meta_forest", written(pooled(tmp_path, text, direction="higher_better")), "figure")
    assert "← favours control" in words(svg) and "favours treatment →" in words(svg)


def test_table_of_other_errors(nine):
    document = made(nine, "meta", written(pooled(kinds=["drug v placebo"])))
    rows = dict(texts(document))
    assert rows["Standard errors of changes, correlation 0.5 imputed"][0] == "k = 4"
    assert rows["Every comparison with a shared control arm, which is split"][0] == "k = 5"
    said = notes(document)
    assert "of baseline and final value in XP053-1200" in said and "XP053-1200 and XP053-600 are in the pool" in said
    assert "XP053-600: SD under 600 mg assumed" in said and "Correlation imputed" not in notes(made(nine, "meta", shipped("devices")))


@pytest.mark.parametrize("layout", ["meta", "meta_forest"])
def test_other_results_are_refused(nine, layout):
    with pytest.raises(DisplayError, match="pools no studies; use the method 'meta_analysis'"):
        made(nine, layout, nine.mmrm(), "figure" if layout == "meta_forest" else "table")


PAIR = ("SHAM", "NIR850-54")


def test_the_published_case(nine):
    document = made(nine, "single_case", shipped_case(), benchmark=shipped_benchmark(PAIR))
    rows = dict(texts(document)[::-1])
    assert rows["Week 0, before treatment"][1] == "27" and rows["Week 4, under treatment"][1] == "0"
    assert rows["Non-overlap of all pairs (NAP)"][1] == rows["Step, slopes"][1] == "NE"
    assert rows["Sham in this trial, observed"][:4] == ["0/38", "0%", "", "(0%, 9.3%)"] and rows["Sham in this trial, observed"][4] == "NE"
    assert rows["Placebo, normal"][1] == "0.32%" and rows["Placebo, normal"][4:] == ["3.2%", "27.7%", "96.1%", "309"]
    assert [c.label for c in document.columns][4:] == ["Best of 10", "Best of 100", "Best of 1000", "Patients until one"]
    assert any(r.label.startswith("Chance of a fall of 27 points or more by week 4") for r in document.rows)
    said = notes(document)
    for part in (
        "Not computable (one baseline point)",
        "J Med Case Rep 2010;4:286",
        "No such case was seen",
        "expected among 11 patients",
        "4 not shown",
    ):
        assert part in said + document.population
    assert all(c.refs for r in document.rows for c in r.cells if c.text)


def test_a_case_that_can_be_computed(nine, tmp_path):
    values = [30 - v for v in (20, 20, 26, 25, 22, 23, 28, 25, 24, 27, 30, 30, 29)]
    document = made(nine, "single_case", single(cases(tmp_path, course("X", "A" * 6 + "B" * 7, values, (4, 10)))))
    rows = dict(texts(document))
    assert rows["Non-overlap of all pairs (NAP)"] == ["", "0.917", "0.069", "(0.597, 0.986)"]
    assert rows["Tau-U"][1] == "0.738" and rows["Randomization test, difference of means"][0] == "p = 0.2857"
    assert len(document.columns) == 4 and document.population == "Shows 1 published case."


@pytest.mark.parametrize("arms", [None, ["SHAM"]])
def test_the_case_among_the_patients(nine, arms):
    ard = shipped_benchmark(PAIR)
    document, svg = made(nine, "case_benchmark_plot", ard, "figure", arms=arms)
    assert "Published case −27" in [t.strip() for t in words_of_plot(svg)] and "changed by −27" in document.alt
    assert ("850 nm" in document.alt) == (arms is None) and "Sham 0 of 38" in document.alt
    again = made(nine, "case_benchmark_plot", ard, "figure", arms=arms)[1]
    assert svg == again


def test_several_cases_and_their_series(nine, tmp_path):
    folder = cases(tmp_path, *(course(n, "AB", v, weeks=(0, 4)) for n, v in (("ONE", [27, 0]), ("TWO", [24, 15]), ("TRI", [30, 20]))))
    more = [{"label": "Eight more", "n": 8, "baseline": 25, "value": 13, "source": "J Test 2020"}]
    ard = benched(PAIR, root=folder, file="cases.csv", case=[], series=more)
    document = made(nine, "single_case", single(folder), benchmark=ard)
    labels = [r.label for r in document.rows]
    for part in (
        "Chance of a fall of 9 points or more by week 4 without light (TWO)",
        "Chance of a mean fall of 15.3 points or more by week 4 in 3 patients without light: The 3 cases",
        "Chance of a mean fall of 12.0 points or more by week 4 in 8 patients without light: Eight more",
        "At least 3 of 3, change of −9 or better: Sham observed",
        "At least 1 of 3, change of −27 or better: Placebo",
        "At least 1 of 3, total of 0: Sham observed",
        "Change at least as good as that of TRI, week 4 (%)",
    ):
        assert part in labels, part
    rows = dict(texts(document))
    assert rows["At least 1 of 3, change of −27 or better: Placebo"][1] == "0.97%"  # 1 − (1 − 0.0032)³
    assert rows["At least 1 of 3, change of −27 or better: Placebo"][4] == "3.2%"
    assert "taken as independent" in notes(document) and "Eight more: mean 25.0 before treatment, 13.0 at week 4. J Test 2020." in notes(
        document
    )
    assert all(c.refs for r in document.rows for c in r.cells if c.text)
    figure, svg = made(nine, "case_benchmark_plot", ard, "figure")
    drawn = [t.strip() for t in words_of_plot(svg)]
    assert all(t in drawn for t in ("ONE −27", "TWO −9", "TRI −10")) and "TRI changed by −10; as good or better: Sham" in figure.alt


def test_what_is_no_improvement_is_not_called_a_rise_or_more(nine, tmp_path):
    """Counted is a change of +5 or better, that is at most +5; half a point is not rounded away."""
    folder = cases(tmp_path, course("ONE", "AB", [20, 25], weeks=(0, 4)), course("TWO", "AB", [20, 20], weeks=(0, 4)))
    more = [{"label": "Six", "n": 6, "baseline": 20, "value": 21, "source": "J"}]
    ard = benched(PAIR, root=folder, file="cases.csv", case=[], series=more)
    labels = [r.label for r in made(nine, "single_case", single(folder), benchmark=ard).rows]
    for case, said in (("ONE", "+5"), ("TWO", "0")):
        assert f"Chance of a change of {said} points or better by week 4 without light ({case})" in labels
    assert "Chance of a mean change of +1.0 points or better by week 4 in 6 patients without light: Six" in labels
    (tmp_path / "half").mkdir()
    folder = cases(tmp_path / "half", course("ONE", "AB", [25, 2.5], weeks=(0, 4)))
    half = benched(PAIR, root=folder, file="cases.csv", case=[])
    assert any("a fall of 22.5 points or more" in r.label for r in made(nine, "single_case", single(folder), benchmark=half).rows)
    assert "changed by −22.5" in made(nine, "case_benchmark_plot", half, "figure")[0].alt


def words_of_plot(svg):
    return ["".join(t.itertext()) for t in ET.fromstring(svg).iter(f"{SVG}text")]


def test_the_curve_of_an_arm_without_values(nine):
    from tests.methods.evidence_trial import trial

    frame = trial(PAIR)
    frame = frame[~((frame["TRT01P"] == PAIR[1]) & (frame["AVISIT"] == "Week 4"))]
    ard = benched(PAIR, frame)
    document, _ = made(nine, "case_benchmark_plot", ard, "figure")
    assert "0 of 0" in document.alt
    rows = [r for r in made(nine, "single_case", shipped_case(), benchmark=ard).rows if r.label == "850 nm 54 J/cm²"]
    assert rows[0].cells[0].text == "0/0" and rows[0].cells[1].text == "NE"


@pytest.mark.parametrize(("layout", "kind", "message"), [
    ("single_case", "table", "holds no case; use the method 'single_case'"),
    ("case_benchmark_plot", "figure", "holds no curve; use the method 'case_benchmark'"),
])  # fmt: skip
def test_results_of_another_method(nine, layout, kind, message):
    with pytest.raises(DisplayError, match=message):
        made(nine, layout, nine.mmrm(), kind)
