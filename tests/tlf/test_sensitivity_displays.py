"""Table and forest of estimators: the right numbers in the right rows, what differs said, nothing clipped."""

import copy
import re

import pytest

from nirls.tlf.errors import DisplayError
from nirls.tlf.make import make_display
from tests.tlf import missing_trial
from tests.tlf.display_trial import display
from tests.tlf.drawn import assert_legible, boxes, words


def make(world, layout="sensitivity", number=None, rows=None, **more):
    kind = "table" if layout == "sensitivity" else "figure"
    options = missing_trial.estimators(world) | ({"rows": rows} if rows is not None else {}) | more
    ards = {"main": world.mmrm(), "imputed": missing_trial.imputation(world)}
    used = {r["analysis"] for r in options["rows"]}
    ards = {k: v for k, v in ards.items() if k in used}
    entry = display(layout, {k: k for k in ards}, kind, options=options)
    return make_display(number or ("T1" if kind == "table" else "F1"), entry, ards, {}, world.context)


def cells(document):
    return [(r.label, [c.text for c in r.cells]) for r in document.rows if r.kind == "data"]


def test_every_number_in_its_row(made, world):
    document = made["T14.2.2.2"][0]
    assert [c.label for c in document.columns] == ["n", "Difference (95% CI)", "SE", "df", "p"]
    assert [r.label for r in document.rows if r.kind == "section"] == ["Estimand: treatment policy", "For comparison only"]
    arm = world.codes[1]
    n = " / ".join(str(world.fas()[c] - world.no_value[c]) for c in (arm, "SHAM"))
    assert cells(document) == [
        ("Mixed model", [n, "−1.76 (−3.96, 0.44)", "1.130", "399.7", "0.0452"]),
        ("Missing at random", [n, "−3.00 (−5.10, −0.90)", "1.071", "88.3", "0.0123"]),
        ("Jump to reference", [n, "−2.60 (−4.80, −0.40)", "1.122", "88.3", "0.0123"]),
        ("Last mean carried forward", [n, "NE", "NE", "NE", "NE"]),
        ("Mixed model, week 4", [n, "−0.88 (−3.08, 1.32)", "1.130", "399.7", "0.4610"]),
        ("Jump to reference", [n, "−2.60 (−4.80, −0.40)", "1.122", "normal", "0.0123"]),
    ]
    assert document.rows[1].emphasis and not document.rows[2].emphasis
    assert document.rows[2].cells[1].refs[0].key["group2_level"] == "MAR"


def test_what_differs_is_said_by_row(made):
    document = made["T14.2.2.2"][0]
    notes = {f.mark: f.text for f in document.footnotes if f.mark}
    marked = [[notes[m] for m in r.marks] for r in document.rows if r.kind == "data"]
    mixed, mar, j2r, _, aside, sampled = marked
    assert "Degrees of freedom: Kenward–Roger" in mixed[0] and "Standard errors: model-based" in mixed[0]
    assert "Standard errors: information-anchored: Rubin's rules." in mar[0] and "jackknife" not in mar[0] and "Imputations: 100." in mar[0]
    assert "J2R, information-anchored: the error is still" in j2r[0] and "J2R" not in mar[0] + sampled[0]
    assert "repeated sampling: jackknife." in sampled[0] and "Imputations" not in sampled[0]
    assert aside[0] == "Shown for comparison only."
    assert "NE: not estimable. No earlier mean." in notes.values()
    general = [f.text for f in document.footnotes if not f.mark]
    assert any(t.startswith("All rows: ") and "unstructured" in t for t in general)


def test_the_truth_has_a_column_only_where_it_is_given(two):
    rows = copy.deepcopy(missing_trial.estimators(two)["rows"])
    document, _ = make(two, known=-2.5)
    assert "known" not in [c.id for c in document.columns]
    assert "Truth of the generator: −2.50 for the primary effect." in [f.text for f in document.footnotes]
    rows[1]["known"] = -3.25
    document, _ = make(two, rows=rows)
    assert document.columns[-1].label == "Truth of the generator"
    assert [c[-1] for _, c in cells(document)] == ["", "−3.25", "", "", "", ""]


@pytest.mark.parametrize("layout", ["sensitivity", "forest"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"strategy": "CIR"}, r"row 2 \('Missing at random'\): strategy: 'CIR' is not in analysis 'irls-imp', which has MAR, J2R, LMCF"),
        ({"variance": None}, r"row 2 .*: variance: None is not in analysis 'irls-imp', which has repeated sampling, information-anchored"),
        ({"analysis": "main"}, r"row 2 .*: strategy: analysis 'irls-mmrm' has no strategy to choose; leave it out"),
        ({"analysis": "none"}, r"row 2 .*: the display gives no analysis for the role 'none'; it has main, imputed"),
        ({"visit": "Week 6"}, r"row 2 .*: visit: analysis 'irls-imp' has no 'Week 6'.*set the visit of this row"),
        ({"comparison": "SHAM"}, r"row 2 .*: comparison: 'SHAM' is not an arm to compare with SHAM; it may be NIR"),
    ],
)
def test_wrong_rows(two, layout, change, message):
    rows = copy.deepcopy(missing_trial.estimators(two)["rows"])
    rows[1] |= change
    with pytest.raises(DisplayError, match=message):
        make(two, layout, rows=rows)


def test_an_analysis_without_a_row_and_two_outcomes(two):
    ards = {"main": two.mmrm(), "other": two.mmrm()}
    options = {"comparison": "NIR", "visit": "Week 12", "rows": [{"analysis": "main", "label": "a"}]}
    with pytest.raises(DisplayError, match=r"no row of options\.rows shows other"):
        make_display("T1", display("sensitivity", {k: k for k in ards}, options=options), ards, {}, two.context)
    options["rows"] = [*options["rows"], {"analysis": "other", "label": "b"}]
    ards["other"] = ards["other"].assign(param="PSQI")
    with pytest.raises(DisplayError, match=r"one axis holds one outcome, but the rows have IRLSTOT CHG; PSQI CHG"):
        make_display("F1", display("forest", {k: k for k in ards}, kind="figure", options=options), ards, {}, two.context)
    table, _ = make_display("T1", display("sensitivity", {k: k for k in ards}, options=options), ards, {}, two.context)
    assert table.stub == "Outcome" and [r.label for r in table.rows] == ["a", "b"]


def test_responders_have_a_measure_and_no_df(two):
    options = {
        "comparison": "NIR", "visit": "Week 4", "measure": "risk difference", "better": "higher",
        "rows": [{"analysis": "main", "label": "Non-responder imputation", "variable": "half"}],
    }  # fmt: skip
    ards = {"main": two.responders()}
    document, _ = make_display("T1", display("sensitivity", {"main": "main"}, options=options), ards, {}, two.context)
    ((_, found),) = cells(document)
    frame = ards["main"].query("variable == 'half' and variable_level == 'risk difference'").set_index("stat_name")["stat"]
    assert found[1] == f"{frame['estimate']:.1f} ({frame['conf_low']:.1f}, {frame['conf_high']:.1f})".replace("-", "−")
    assert found[2:4] == ["", ""] and document.columns[1].label == "Risk difference (95% CI)"
    svg = make_display("F1", display("forest", {"main": "main"}, "figure", options=options), ards, {}, two.context)[1]["svg"]
    assert "← favours Sham" in words(svg) and "favours NIR 54 J/cm² →" in words(svg)


def test_the_forest_is_drawn_to_scale(made, world):
    """Points lie on the axis where its ticks say; the dotted line is at the first."""
    svg = made["F14.2.2.2"][1]["svg"]
    text = svg.decode()
    assert_legible(svg)
    ticks = {t: (left + right) / 2 for t, left, _, right, _ in boxes(svg) if re.fullmatch(r"[−\d.]+", t)}
    at = {float(t.replace("−", "-")): x for t, x in ticks.items()}
    lowest, highest = min(at), max(at)

    def value(x):
        return lowest + (x - at[lowest]) / (at[highest] - at[lowest]) * (highest - lowest)

    points = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)" r="[\d.]+" fill="(#\w+)"', text)
    assert [value(float(x)) for x, _, _ in points] == pytest.approx([-1.76, -3.0, -2.6, -0.88, -2.6], abs=0.01)
    assert [fill == "#fff" for _, _, fill in points] == [False, False, False, True, False], "only what is for comparison is hollow"
    dotted = re.search(r'd="M([\d.]+) [^"]*"[^>]*stroke-dasharray="1.5 3"', text)
    assert value(float(dotted[1])) == pytest.approx(-1.76, abs=0.01)
    found = words(svg)
    assert "NE: no earlier mean" in found and "−3.00 (−5.10, −0.90)" in found
    active = world.context.arm(world.codes[1]).short.replace(" ", "")
    assert [w.replace(" ", "").replace("\N{NO-BREAK SPACE}", "") for w in found if "favours" in w] == [f"←favours{active}", "favoursSham→"]


def test_known_values_are_lines_and_diamonds(two):
    rows = copy.deepcopy(missing_trial.estimators(two)["rows"])
    plain = make(two, "forest")[1]["svg"].decode()
    rows[2]["known"] = -3.25
    document, files = make(two, "forest", rows=rows, known=-2.5, known_label="True difference")
    svg = files["svg"].decode()
    assert svg.count(" Z") == plain.count(" Z") + 1
    assert 'stroke-dasharray="7 3"' in svg and 'stroke-dasharray="7 3"' not in plain
    assert "True difference −2.50" in words(files["svg"])
    assert "Diamond: true difference for what the row estimates." in [f.text for f in document.footnotes]


def test_long_labels_and_reasons_do_not_clip(nine):
    rows = copy.deepcopy(missing_trial.estimators(nine)["rows"])
    long = "An estimator whose name goes on and on, with every assumption that it makes about values that are missing"
    for r in rows:
        r["label"] = f"{long} ({r['label']})"
    rows[0]["group"] = f"Estimand: {long}"
    ards = {"main": nine.mmrm(), "imputed": missing_trial.imputation(nine)}
    ards["imputed"]["error"] = ards["imputed"]["error"].where(ards["imputed"]["error"] == "", f"no earlier mean, because {long.lower()}")
    options = missing_trial.estimators(nine) | {"rows": rows, "known": 60.0, "known_label": "Truth of the generator of this trial"}
    entry = display("forest", {k: k for k in ards}, "figure", options=options)
    assert_legible(make_display("F1", entry, ards, {}, nine.context)[1]["svg"])


def test_limits_cut_intervals_with_arrows(two):
    svg = make(two, "forest", limits=[-3.5, 0.2])[1]["svg"]
    assert_legible(svg)
    root = svg.decode()
    left, right = re.search(r'<path d="M([\d.]+) ([\d.]+) L([\d.]+) \2" fill="none" stroke="#1c2430" stroke-width="0.80?"', root).group(
        1, 3
    )
    whiskers = re.findall(r'<path d="M([\d.]+) ([\d.]+) L([\d.]+) \2" fill="none" stroke="#(?!1c2430)', root)
    assert all(float(left) <= float(a) and float(b) <= float(right) for a, _, b in whiskers)


def test_nothing_estimable_is_a_figure_of_reasons(two):
    rows = [r for r in missing_trial.estimators(two)["rows"] if r.get("strategy") == "LMCF"]
    document, files = make(two, "forest", rows=rows)
    assert "NE: no earlier mean" in words(files["svg"]) and "<circle" not in files["svg"].decode()
    assert "Last mean carried forward not estimable." in document.alt
    assert_legible(files["svg"])
