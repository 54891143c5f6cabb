"""Table and bars of ordered categories."""

import math
import re

import pytest

from nirls.tlf.errors import DisplayError
from nirls.tlf.make import make_display
from nirls.tlf.palette import diverging
from nirls.tlf.text import width
from tests.tlf.display_trial import display, plans
from tests.tlf.test_figures import texts


def test_the_table(made, world):
    document = made["T14.2.1.4"][0]
    labels = [r.label for r in document.rows]
    assert labels[:6] == ["Week 4, n (%)", "n", "Improved", "No change", "Worse", "Missing"]
    assert labels[6:8] == ["Comparison with Sham", "Odds ratio of a better category"]
    rows = {r.label: [c.text for c in r.cells] for r in document.rows}
    sizes = [world.fas()[c] - world.no_value[c] for c in world.codes]
    nine = len(world.codes) > 2
    assert rows["n"] == [str(n) for n in ([*sizes[:-1], 0] if nine else sizes)]
    assert rows["Odds ratio of a better category"][0] == "", "the reference arm is compared with nobody"
    assert (rows["Odds ratio of a better category"][-1] == "NE") == nine
    assert document.population.startswith("Shows ") and "not shown: no value" in document.population
    notes = " ".join(f.text for f in document.footnotes)
    assert "Subjects without a value are left out" in notes and "Brunner and Munzel" in notes


def test_the_bars(made, world):
    document, rendered = made["F14.2.1.3"]
    found = [text for text, _ in texts(rendered["svg"])]
    assert min(size for _, size in texts(rendered["svg"])) >= 10.9
    for arm in world.arms:
        assert any(text.startswith(f"{arm.short} (n = ") for text in found)
    assert {"Improved", "No change", "Worse"} <= set(found)
    if len(world.codes) > 2:
        assert any("(n = 0, " in text for text in found), "an arm without a value keeps its place"
    assert "from improved to worse" in document.alt


def test_each_number_stands_in_its_segment(made, world):
    """Along a bar: the numbers in the order of the categories, each at the middle of its share."""
    frame = world.categories()
    frame = frame[(frame["stat_name"] == "p") & frame["stat"].notna()]
    svg = made["F14.2.1.3"][1]["svg"].decode()
    places = sorted((float(y), float(x), t) for x, y, t in re.findall(r'x="([\d.]+)" y="([\d.]+)"[^>]*>(\d+)</text>', svg))
    ticks, inside = places[-5:], places[:-5]
    zero, full = ticks[0][1], ticks[-1][1]
    arms = [c for c in world.codes if c in set(frame["group1_level"])]
    assert len(inside) == 3 * len(arms), "every segment of this trial has room for its number"
    for i, arm in enumerate(arms):
        shares = list(frame[frame["group1_level"] == arm]["stat"])
        found = sorted((x, t) for _, x, t in inside[3 * i : 3 * i + 3])
        assert [t for _, t in found] == [str(math.floor(p + 0.5)) for p in shares]
        middles = [zero + (full - zero) * (sum(shares[:j]) + p / 2) / 100 for j, p in enumerate(shares)]
        assert [x for x, _ in found] == pytest.approx(middles, abs=8), "a text is placed by its left end"


def test_a_long_legend_stays_inside_the_figure(two):
    """Seven categories of a global impression, as the demonstration trial has them."""
    plan, ards, kept = plans(two)["F14.2.1.3"]
    longer = {
        "Improved": "Very much improved, or much improved",
        "No change": "Minimally improved, or no change",
        "Worse": "Worse than minimally",
    }
    long = ards["main"].assign(variable_level=ards["main"]["variable_level"].replace(longer))
    document, rendered = make_display("F14.2.1.3", plan, {"main": long}, kept, two.context)
    placed = re.findall(r'font-size: ([\d.]+)px[^>]*text-anchor: middle[^>]*x="([\d.]+)"[^>]*>([^<]+)</text>', rendered["svg"].decode())
    right = {text: float(x) + width(text, float(size)) / 2 for size, x, text in placed if text in longer.values()}
    assert set(right) == set(longer.values())
    assert max(right.values()) <= document.width * 0.75, "the picture is measured in points, the document in pixels"


def test_a_reference_that_is_no_arm(two):
    _, ards, _ = plans(two)["T14.2.1.4"]
    entry = display("categories", {"main": "cgi"}, options={"reference": "NIL"})
    with pytest.raises(DisplayError, match=r"options\.reference"):
        make_display("T1", entry, ards, {}, two.context)


def test_colours_run_from_good_over_light_to_bad():
    assert diverging(1) == [diverging(3)[1]]
    assert len(set(diverging(7))) == 7
    assert diverging(7)[0] == diverging(2)[0] and diverging(7)[-1] == diverging(2)[-1]
