"""The table and the graph of a family of hypotheses."""

import math
import re
import xml.etree.ElementTree as ET

import pytest

from nirls.ard.frame import to_frame
from nirls.plan.display import Display
from nirls.stats.multiplicity import Graph, holm
from nirls.tlf.errors import DisplayError
from nirls.tlf.layouts import _graph_drawing as drawing
from nirls.tlf.layouts.multiplicity_graph import share
from nirls.tlf.make import make_display
from tests.methods.test_multiplicity_method import FAMILY, P, ard, options, run

SVG = "{http://www.w3.org/2000/svg}"


def frame(opts=None, p=P):
    """Results of the method as the workflow writes them, its footnotes among the rows."""
    found, notes = run(opts or options(), {"main": ard(p)})
    rows = found.drop(columns="order").to_dict("records")
    rows += [{"stat_name": "text", "variable": "footnote", "variable_level": str(i), "stat_text": t} for i, t in enumerate(notes, 1)]
    return to_frame(rows, analysis_id="family")


def table(world, **how):
    entry = Display(title="Hypotheses", kind="table", layout="multiplicity", analyses={"main": "family"}, section="Efficacy")
    return make_display("T14.2.1.5", entry, {"main": frame(**how)}, {}, world.context, ["html"])[0]


def graph(world, opts=None, p=P, **display_options):
    entry = Display(
        title="Graph", kind="figure", layout="multiplicity_graph", analyses={"main": "family"}, section="Efficacy", options=display_options
    )
    document, files = make_display("F14.2.1.4", entry, {"main": frame(opts, p)}, {}, world.context, ["svg"])
    return document, files["svg"]


def texts(document):
    return {row.label: [c.text for c in row.cells] for row in document.rows}


def test_table(two):
    document = table(two)
    assert [c.label for c in document.columns] == ["Difference (95% CI)", "p", "Adjusted p", "Level", "Step", "Decision"]
    assert document.population == "Shows 4 hypotheses; p-values and subjects are those of main."
    rows = texts(document)
    assert rows["H1: Low, week 4"] == ["−3.00 (−5.00, −1.00)", "0.0180", "0.0240", "0.01875", "2", "Rejected"]
    assert rows["H3: Low, week 12"] == ["−3.00 (−5.00, −1.00)", "0.1050", "0.1050", "0.02500", "4", "Not rejected"]
    notes = [f.text for f in document.footnotes]
    assert notes[0] == "Graphical procedure with weighted Bonferroni tests (Bretz et al. 2009); familywise α = 0.025, two-sided."
    assert "Differences and confidence intervals are not adjusted for multiplicity." in notes
    assert document.rows[0].cells[2].refs[0].key["variable_level"] == "H1"


def test_a_missing_p_is_ne_with_its_reason(two):
    document = table(two, p=P | {("NIR-L - SHAM", "Week 12"): math.nan})
    cells = texts(document)["H3: Low, week 12"]
    assert cells[1:] == ["NE", "NE", "0.02500", "", "Not rejected"]
    marked = [f.text for f in document.footnotes if f.mark]
    assert marked == ["NE: not estimable. No p-value in main (the model did not converge)."]
    assert any("not rejected, and its weight is not passed on" in f.text for f in document.footnotes)


def test_hochberg_has_neither_levels_nor_steps(two):
    document = table(two, opts=options(procedure="hochberg"))
    assert [c.label for c in document.columns] == ["Difference (95% CI)", "p", "Adjusted p", "Decision"]
    assert "positive dependence" in document.footnotes[0].text
    with pytest.raises(DisplayError, match=r"F14.2.1.4: analysis 'family' has no graph; its procedure is Hochberg"):
        graph(two, options(procedure="hochberg"))


def test_repeated_p_has_a_column(two):
    document = table(two, opts=options(look={"fractions": [0.5]}))
    assert [c.label for c in document.columns][1:4] == ["p", "Repeated p", "Adjusted p"]
    assert "information fractions 0.5" in document.footnotes[0].text


def test_graph_says_what_it_draws(two):
    document, svg = graph(two)
    words = ["".join(t.itertext()) for t in ET.fromstring(svg).iter(f"{SVG}text")]
    assert [w for w in words if w in FAMILY] == ["H1", "H2", "H3", "H4"]
    assert words.count("0.5") == 4 and words.count("1") == 2 and words.count("weight 0.5") == 2
    assert "rejected, step 2" in words and "not rejected" in words
    assert document.alt.startswith("Graph of 4 hypotheses at the start: H1 weight 0.5 (to H2 0.5, H3 0.5); H2")
    assert document.alt.endswith("3 of 4 hypotheses were rejected.")
    assert document.description[-4:] == (
        "Step 1: H2 rejected; then H1 weight 0.75 (to H3 0.667, H4 0.333); H3 weight 0 (to H1 0.5, H4 0.5); H4 weight 0.25 (to H1 1).",
        "Step 2: H1 rejected; then H3 weight 0.5 (to H4 1); H4 weight 0.5 (to H3 1).",
        "Step 3: H4 rejected; then H3 weight 1.",
        "Step 4: H3 not rejected; the path ends.",
    )
    assert graph(two)[1] == svg


def test_graph_after_a_step(two):
    document, svg = graph(two, step=2, decisions=False)
    words = ["".join(t.itertext()) for t in ET.fromstring(svg).iter(f"{SVG}text")]
    assert words.count("no longer in the graph") == 2 and not any("rejected" in w for w in words)
    assert "after step 2: H3 weight 0.5 (to H4 1)" in document.alt
    with pytest.raises(DisplayError, match="the path of analysis 'family' has 4 steps, not 5"):
        graph(two, step=5)


def test_places_are_for_all(two):
    places = {"H1": [0, 0], "H2": [0, 1], "H3": [1, 0]}
    with pytest.raises(DisplayError, match=r"options.places: give a place to every hypothesis and to no other; look at H4"):
        graph(two, places=places)
    _, svg = graph(two, places=places | {"H4": [1, 1]})
    assert len(list(ET.fromstring(svg).iter(f"{SVG}rect"))) > 4


def test_a_share_is_never_drawn_as_nothing():
    assert [share(x) for x in (0, 1, 0.5, 1 / 3, 1e-4)] == ["0", "1", "0.5", "0.333", "0.0001"]


@pytest.mark.parametrize("start", [holm(7), holm(12), "sequence", "cycle"], ids=["holm 7", "holm 12", "sequence of 9", "cycle of 8"])
def test_no_arrow_runs_through_a_box_and_no_boxes_meet(start):
    if isinstance(start, str):
        m = 9 if start == "sequence" else 8
        to = [[float(j == (i + 1) % m and (start == "cycle" or j > 0)) for j in range(m)] for i in range(m)]
        start = Graph(weights=[1] + [0] * (m - 1), transitions=to)
    names = list(start.names)
    edges = {(a, b): "1" for i, a in enumerate(names) for j, b in enumerate(names) if start.transitions[i, j] > 0}
    nodes = [drawing.Node(name=n, label="IRLS total at week 4", lines=("weight 1",), marked=False) for n in names]
    tried = [drawing.places_of(names, edges, dict(zip(names, start.weights, strict=True))), drawing.ring(names)]
    drawn = [drawing._routed(nodes, edges, at) for at in tried]
    assert min(through for *_, through in drawn) == 0
    boxes = list(next(d for d in drawn if d[3] == 0)[0].values())
    assert not any(drawing._overlap(a, b) for i, a in enumerate(boxes) for b in boxes[:i])
    assert all(x >= 0 and x + w <= drawing.WIDTH for x, _, w, _ in boxes)


def test_the_drawing_is_complete_svg(two):
    _, svg = graph(two)
    assert re.search(rb'<title id="f14-2-1-4-svg-title">Figure 14.2.1.4 Graph</title>', svg)
    assert b"SYNTHETIC DATA" in svg and b"nan" not in svg
