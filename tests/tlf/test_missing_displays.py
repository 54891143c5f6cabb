"""Map of the tipping point, patterns of missing visits, intercurrent events."""

import re
import xml.etree.ElementTree as ET

import pytest

from nirls.ard.frame import to_frame
from nirls.tlf.errors import DisplayError
from nirls.tlf.layouts._tipping_drawing import Node, contours
from nirls.tlf.make import make_display
from nirls.tlf.rounding import fixed
from tests.tlf import missing_trial
from tests.tlf.display_trial import display
from tests.tlf.drawn import SVG, assert_legible, words
from tests.tlf.missing_trial import EVENTS, REASONS


def tip(world, **how):
    entry = display("tipping_map", {"main": "irls-tip"}, "figure")
    document, files = make_display("F14.2.2.1", entry, {"main": missing_trial.tipping(world, **how)}, {}, world.context)
    return document, files["svg"]


def notes(document):
    return [f.text for f in document.footnotes]


def test_the_map_holds_every_estimate(made):
    document, files = made["F14.2.2.1"]
    assert_legible(files["svg"])
    inside = [t for t in ET.fromstring(files["svg"]).iter(f"{SVG}text") if t.get("paint-order")]
    assert len(inside) == 25 and len(document.refs) == 26
    xs = sorted({round(float(t.get("x"))) for t in inside})
    ys = sorted((round(float(t.get("y"))) for t in inside if round(float(t.get("x"))) == xs[0]), reverse=True)
    # beside the mark of the tipping point a number stands higher in its cell
    places = {(round(float(t.get("x"))), min(ys, key=lambda y: abs(y - float(t.get("y"))))): t for t in inside}
    assert len(places) == 25
    for i, a in enumerate(range(5)):
        for j, r in enumerate(range(-2, 3)):
            t = places[xs[i], ys[j]]
            estimate = -2 + 0.5 * a - 0.25 * r
            assert t.text == f"{estimate:.2f}".replace("-", "−")
            assert (t.get("font-weight") == "700") == (estimate + 1.7 < 0), "bold where p < 0.05"
    assert "Tipping point, δ in" in document.alt and "0.60 points worse" in document.alt
    assert any(n.startswith("Line of p = 0.05: where a confidence limit of the difference is 0") for n in notes(document))
    assert document.description[0].startswith("δ 2 in Sham; δ in") and "0: −2.50 (p " in document.description[0]


def test_the_line_runs_where_the_limit_is_zero():
    """Of a plane, linear interpolation finds the exact line."""
    nodes = [
        Node(active=a, reference=r, estimate=0, low=0, high=-0.3 + 0.5 * a - 0.25 * r, p=0, significant=True, reason="")
        for a in range(5)
        for r in range(-2, 3)
    ]
    (line,) = contours(nodes, [n.high for n in nodes], range(5), range(-2, 3))
    assert [-0.3 + 0.5 * a - 0.25 * r for a, r in line] == pytest.approx([0] * len(line), abs=1e-12)
    assert {min(r for _, r in line), max(r for _, r in line)} == {-1.2, 2.0}
    one = [n for n in nodes if n.reference == 0]
    (line,) = contours(one, [n.high for n in one], range(5), [0])
    assert [a for a, _ in line] == pytest.approx([0.6, 0.6])


@pytest.mark.parametrize("half", [0.05, 9.0])
def test_a_map_without_a_line_says_so(two, half):
    """All nodes significant: the grid is where the difference stays away from 0."""
    grid = {"active": range(0, 2), "reference": range(0, 3)} if half < 1 else {}
    document, svg = tip(two, half=half, **grid)
    sign = "≥" if half > 1 else "<"
    assert f"p {sign} 0.05 at every node of the grid, so no line is drawn." in notes(document)
    assert "p = 0.05" not in words(svg) and not any(n.startswith("Line of") for n in notes(document))
    assert any("not reached between 0 and 3" in n for n in notes(document)) == (half > 2 or half < 0.5)
    assert not [f for f in document.footnotes if f.mark], "a tipping point that was not reached is no missing number"
    assert_legible(svg)


def test_cells_that_are_not_estimable_are_hatched(two):
    document, svg = tip(two, failed=((4, -2), (3, -2)))
    inside = [t for t in ET.fromstring(svg).iter(f"{SVG}text") if t.get("paint-order")]
    assert len(inside) == 23
    assert "Hatched, not estimable: The model did not converge." in notes(document)
    assert "not estimable: the model did not converge" in " ".join(words(svg))
    assert "p < 0.05 at 6 of 23 nodes of the grid." in notes(document)
    every = tuple((a, r) for a in range(5) for r in range(-2, 3))
    document, svg = tip(two, failed=every)
    assert "No node of the grid could be estimated." in notes(document) and b"nan" not in svg


def test_a_fine_grid_has_colours_without_numbers(two):
    document, svg = tip(two, active=[i / 10 for i in range(0, 51)], reference=[i / 10 for i in range(-20, 21)])
    assert not [t for t in ET.fromstring(svg).iter(f"{SVG}text") if t.get("paint-order")]
    assert not any("bold" in w for w in words(svg))
    assert document.description[0] == "The map has 2091 nodes; those at δ nearest to 0 in Sham:" and len(document.description) == 2
    assert_legible(svg)


def test_a_map_needs_a_grid(two):
    entry = display("tipping_map", {"main": "irls-imp"}, "figure")
    with pytest.raises(DisplayError, match="analysis 'irls-imp' has no grid of δ; use an analysis with the method 'tipping_point'"):
        make_display("F1", entry, {"main": missing_trial.imputation(two)}, {}, two.context)


def patterns(world, layout="missing_patterns", frame=None, **options):
    kind = "table" if layout == "missing_patterns" else "figure"
    frame = missing_trial.imputation(world) if frame is None else frame
    return make_display("F1", display(layout, {"main": "irls-imp"}, kind, options=options), {"main": frame}, {}, world.context)


def test_patterns_by_arm_from_frequent_to_rare(world):
    document, _ = patterns(world)
    counts = missing_trial.pattern_counts(world)
    total = {p: sum(c[p] for c in counts.values()) for p in missing_trial.PATTERNS}
    first = [r for r in document.rows if set(r.label) <= set("●○")]
    found = {r.label.replace("●", "o").replace("○", "x"): r for r in first}
    assert [total[p] for p in found] == sorted((n for n in total.values() if n), reverse=True)
    for pattern, line in found.items():
        for column, c in zip(document.columns, line.cells, strict=True):
            n, size = counts[column.id][pattern], world.fas()[column.id]
            assert c.text == ("0" if n == 0 else f"{n} ({fixed(100 * n / size, 1)})")
            assert n == 0 or {r.stats for r in c.refs} == {("n",), ("N",)}
    none = next(r for r in document.rows if r.label == "No pattern: no post-baseline value")
    assert [c.text.split(" ")[0] for c in none.cells] == [str(world.no_value[c.id]) for c in document.columns]
    assert document.population.startswith(f"Shows all {sum(world.fas().values())} subjects of the full analysis set")
    assert "Patterns: Week 1, Week 4, Week 12, in this order; ● observed, ○ missing." in notes(document)


def test_missing_values_by_reason(made, world):
    document = made["T14.2.2.3"][0]
    labels = [r.label for r in document.rows]
    at = labels.index("Week 12, missing, n (%)")
    counts = missing_trial.pattern_counts(world)["SHAM"]
    assert labels[at + 1 : at + 3] == ["All missing values", REASONS[1]]
    assert document.rows[at + 1].cells[0].text.split(" ")[0] == str(counts["oox"] + counts["oxx"])
    at = labels.index("Week 1, missing, n (%)")
    assert labels[at + 1 : at + 3] == ["All missing values", REASONS[0]], "a reason nobody has at the visit is left out"
    at = labels.index("Week 1, first visit after an event, n (%)")
    assert labels[at + 1] == "None"


def test_rare_patterns_are_put_together_and_counted(nine):
    counts = missing_trial.pattern_counts(nine)
    total = {p: sum(c[p] for c in counts.values()) for p in missing_trial.PATTERNS}
    smallest = max(total[p] for p in ("oox", "oxx")) + 1
    rare = [p for p, n in total.items() if 0 < n < smallest]
    assert len(rare) > 1
    document, _ = patterns(nine, smallest=smallest)
    other = next(r for r in document.rows if r.label.startswith("Other"))
    assert other.label == f"Other patterns ({len(rare)}, each of fewer than {smallest} subjects)"
    assert [c.text.split(" ")[0] for c in other.cells] == [str(sum(counts[a.id][p] for p in rare)) for a in document.columns]
    figure, files = patterns(nine, "missing_pattern_plot", smallest=smallest)
    assert f"{len(rare)} other patterns" in words(files["svg"])
    assert any(n.startswith(f"Other patterns ({len(rare)}, each of fewer than") for n in notes(figure))
    assert_legible(files["svg"])


@pytest.mark.parametrize("layout", ["missing_patterns", "missing_pattern_plot"])
def test_one_arm_and_patterns_that_do_not_fit(nine, layout):
    document, _ = patterns(nine, layout, arms=["NIR850-54"])
    assert "in NIR 850 nm, 54 J/cm² (30 mW/cm²)" in document.population
    frame = missing_trial.imputation(nine)
    frame["variable_level"] = frame["variable_level"].replace("oxx", "ox")
    with pytest.raises(DisplayError, match="the pattern 'ox' is not one letter o or x for each of Week 1, Week 4, Week 12"):
        patterns(nine, layout, frame)
    with pytest.raises(DisplayError, match="has no patterns of missing visits; use one with the method 'imputation'"):
        patterns(nine, layout, frame[frame["variable"] != "pattern"])


def test_the_plot_fills_what_was_observed(made, world):
    document, files = made["F14.2.2.3"]
    svg = files["svg"]
    assert_legible(svg)
    counts = missing_trial.pattern_counts(world)
    total = {p: sum(c[p] for c in counts.values()) for p in missing_trial.PATTERNS}
    discs = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)" r="[\d.]+" fill="(#\w+)"', svg.decode())
    lines: dict[float, str] = {}
    for _, y, fill in sorted(discs, key=lambda d: (float(d[1]), float(d[0]))):
        lines[float(y)] = lines.get(float(y), "") + ("x" if fill == "#ffffff" else "o")
    assert [total[p] for p in lines.values()] == sorted((n for n in total.values() if n), reverse=True)
    for y, pattern in lines.items():
        row = [t for t in ET.fromstring(svg).iter(f"{SVG}text") if abs(float(t.get("y")) - y - 3.96) < 0.1]
        assert [int(t.text) for t in row] == [*(counts[c][pattern] for c in world.codes), total[pattern]]
    assert document.description[0].startswith("Every value observed: Sham ")
    gone = [sum(n for p, n in total.items() if p[v] == "x") for v in range(3)]
    assert all(str(n) in words(svg) for n in gone)
    assert f"{total['ooo']} subjects have every value." in document.alt


def test_no_patterns_at_all_is_said(two):
    """Nobody has a value: the set is there, its subjects are excluded."""
    frame = missing_trial.imputation(two)
    frame.loc[frame["variable"].isin(["pattern", "imputed", "event"]), "stat"] = 0.0
    document, _ = patterns(two, frame=frame)
    assert "No subject has a value" in [r.label for r in document.rows]
    for code in two.codes:
        frame.loc[(frame["variable"] == "exclusion") & (frame["group1_level"] == code), "stat"] = float(two.fas()[code])
    frame.loc[(frame["variable"] == "exclusion") & (frame["group1_level"] == "Total"), "stat"] = float(sum(two.fas().values()))
    frame.loc[(frame["variable"] == "model") & (frame["stat_name"] == "n_subjects"), "stat"] = 0.0
    _, files = patterns(two, "missing_pattern_plot", frame)
    assert "No subject has a value at these visits." in words(files["svg"])


def test_long_arm_names_and_many_visits_widen_the_plot(nine):
    frame = missing_trial.imputation(nine)
    rows = [r for r in frame.to_dict("records") if r["variable"] not in ("imputed", "pattern")]
    visits = [f"Week {i}" for i in range(1, 25)]
    keys = {"group1": "TRT01P"}
    for code in nine.codes:
        rows += [{"stat_name": "n_missing", "stat": 0.0, "variable": "imputed", "visit": v, "group1_level": code, **keys} for v in visits]
        n = float(nine.fas()[code] - nine.no_value[code])
        rows.append({"stat_name": "n", "stat": n, "variable": "pattern", "variable_level": "o" * 24, "group1_level": code, **keys})
    ours = ("order", "param", "analysis_id", "method", "dataset", "analysis_set")
    rows = [{k: v for k, v in r.items() if k not in ours} for r in rows]
    wide = to_frame(rows, analysis_id="irls-imp", analysis_set="FAS", param="IRLSTOT")
    document, files = patterns(nine, "missing_pattern_plot", wide)
    assert document.width > 960
    assert_legible(files["svg"])


def test_intercurrent_events(made, world):
    document = made["T14.2.2.1"][0]
    assert [c.id for c in document.columns] == [*world.codes, "Total"]
    rows = {r.label: [c.text for c in r.cells] for r in document.rows[:4]}
    n = [2 + i for i in range(len(world.codes))]
    sizes = [*world.fas().values(), sum(world.fas().values())]
    shown = [f"{k} ({fixed(100 * k / s, 1)})" for k, s in zip([*n, sum(n)], sizes, strict=True)]
    assert rows["Any intercurrent event"] == rows[EVENTS[0]] == shown
    assert rows[EVENTS[1]][0].startswith("1 (")
    sections = [r.label for r in document.rows if r.kind == "section"]
    assert f"{EVENTS[0]}: first affected visit, n (%)" in sections
    assert f"{EVENTS[1]}: first affected visit, n (%)" not in sections, "an event after the last visit affects none"
    at = [r.label for r in document.rows].index(f"{EVENTS[0]}: first affected visit, n (%)")
    assert document.rows[at + 1].label == "Week 4" and document.rows[at + 2].kind == "section"
    assert any(s.endswith("values observed after it") for s in sections)
    assert "The first event of a kind counts." in notes(document)


def test_events_of_one_arm_without_total(nine):
    entry = display("intercurrent", {"main": "ice"}, options={"arms": ["SHAM"]})
    document, _ = make_display("T1", entry, {"main": missing_trial.events(nine)}, {}, nine.context)
    assert [c.id for c in document.columns] == ["SHAM"] and len(document.rows) == 4
    with pytest.raises(DisplayError, match="counts no intercurrent events; use one with the method 'intercurrent_events'"):
        make_display("T1", entry, {"main": missing_trial.imputation(nine)}, {}, nine.context)
