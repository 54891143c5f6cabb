"""Displays of subgroups and markers: what is planned, what is not estimated, and what a p-value is adjusted for."""

import pytest

from nirls.tlf.layouts.johnson_neyman_plot import within
from nirls.tlf.layouts.subgroup_credibility import chance
from tests.tlf.subgroup_results import subgroup_results
from tests.tlf.test_tables import cells, stat


def notes(document):
    return [f.text for f in document.footnotes]


def test_planned_or_exploratory_stands_on_every_display(made):
    for number in ("T14.2.6.1", "T14.2.6.2", "T14.2.6.4"):
        words = [row.label for row in made[number][0].rows]
        assert any("(exploratory)" in w for w in words), number
    assert any(row.label == "Sex (pre-specified; Holm family: groups, 1 test)" for row in made["T14.2.6.1"][0].rows)
    for row in made["T14.2.6.2"][0].rows:
        assert row.label.endswith(("(exploratory)", "(pre-specified; Holm family: markers, 1 test)"))
    figure = made["F14.2.6.2"][1]["svg"].decode()
    assert figure.count("(exploratory)") >= 1 and figure.count("(pre-specified; Holm of 1 marker") >= 1
    assert "exploratory" in made["F14.2.6.2"][0].alt and "pre-specified" in made["F14.2.6.2"][0].alt
    assert any("* pre-specified; the others are exploratory" in n for n in notes(made["F14.2.6.1"][0]))


def test_a_small_level_says_which_arm_is_small(made, world):
    """5 of 10 subjects of the rare level are on either arm."""
    table, figure = made["T14.2.6.1"][0], made["F14.2.6.1"][1]["svg"].decode()
    assert "NE" in cells(table, "Rare", "GROUP (exploratory)")
    first, second = (world.context.arm(code).short for code in world.codes[:2])
    assert any(f"Fewer subjects than needed in {first}, {second}" in n for n in notes(table))
    assert "not estimated (n &lt; 10 in" in figure
    assert any("each arm of a pool included, has fewer than 10 subjects" in n for n in notes(table))


@pytest.mark.parametrize(
    ("p", "words"),
    [
        (0.0008, "unlikely"),
        (0.005, "unlikely"),
        (0.008, "may not explain it"),
        (0.05, "likely"),
        (0.051, "very likely"),
        (1.0, "very likely"),
    ],
)
def test_chance_in_the_words_of_iceman(p, words):
    """Schandelmaier 2020 (CMAJ 192:E901), form for randomized trials, item 3: limits 0.005, 0.01 and 0.05."""
    assert chance(p) == words


def test_facts_on_credibility(made, world):
    """Sex was planned with a direction; the rare group cannot be estimated; age is cut from a number, nobody says where."""
    table = made["T14.2.6.3"][0]
    by = {c.id: i for i, c in enumerate(table.columns)}
    rows = {row.label: [c.text for c in row.cells] for row in table.rows}
    found = subgroup_results(tuple(world.codes[:2]))["groups"]
    inside = found[found["variable"] == "subgroup effect"]
    effect = {sex: stat(inside, "estimate", group2="SEX", group2_level=sex) for sex in "FM"}
    sex = next(cells for label, cells in rows.items() if label.lower().startswith("sex"))
    assert sex[by["planned"]] == "yes" and sex[by["evidence"]] == "given"
    assert effect["F"] < effect["M"], "lower is better: the larger benefit"
    assert sex[by["stated"]] == sex[by["found"]] == world.context.level("SEX", "F") and sex[by["agree"]] == "yes"
    assert sex[by["tested"]] == "3 (1)" and sex[by["cut"]] == "not a number"
    p = stat(found[found["variable"] == "interaction"], "p_value", group2="SEX")
    assert sex[by["chance"]] == chance(p)
    rare = rows["GROUP"]
    assert rare[by["planned"]] == "no, exploratory" and rare[by["stated"]] == "not stated" and rare[by["found"]] == "NE"
    assert rare[by["p"]] == rare[by["chance"]] == "NE" and rare[by["agree"]] == "" and rare[by["evidence"]] == "none given"
    assert rows["AGEGRP"][by["cut"]] == "origin not stated, may be arbitrary"
    assert {"Sex: made up.", "Sex: none in fact."} <= set(notes(table))
    assert any(n.startswith("Interactions examined: those of this analysis") for n in notes(table))


def test_responders_by_level(made, world):
    """Counts and shares of both sides, the difference in percentage points; the rare level says NE and why."""
    table = made["T14.2.6.4"][0]
    found = subgroup_results(tuple(world.codes[:2]))["responders"]
    section = "Sex (pre-specified; Holm family: responders in groups, 1 test)"
    at = found[(found["group2"] == "SEX") & (found["group2_level"] == "F")]
    treated, reference, difference, *_ = cells(table, world.context.level("SEX", "F"), section)
    for side, size, text in (("treated", "n_subjects", treated), ("reference", "n_reference", reference)):
        x = stat(at[at["variable"] == "responders"], "n", variable_level=side)
        n = stat(at[at["variable"] == "subgroup effect"], size)
        assert text == f"{x:.0f}/{n:.0f} ({100 * x / n:.1f})"
    effect = at[at["variable"] == "subgroup effect"]
    assert difference.startswith(f"{stat(effect, 'estimate'):.1f} (".replace("-", "−"))
    assert cells(table, "Rare", "GROUP (exploratory)")[2] == "NE"
    assert any("Fewer subjects than needed in" in n for n in notes(table))
    assert any("likelihood ratio of treatment × level" in n for n in notes(table))


def test_a_bend_is_tested_where_a_spline_was_asked_for(made, world):
    """Ferritin has a spline, the baseline score a line alone."""
    table, (figure, files) = made["T14.2.6.2"][0], made["F14.2.6.2"]
    place = [c.id for c in table.columns].index("bend")
    texts = [row.cells[place].text for row in table.rows]
    found = subgroup_results(tuple(world.codes[:2]))["markers"]
    p = stat(found[found["variable"] == "non-linearity"], "p_value")
    assert texts == [f"{p:.4f}", ""]
    assert any(n.startswith("Bend: whether the effect is no straight line") for n in notes(table))
    assert files["svg"].decode().count('stroke-dasharray="6 4"') == 1
    assert any(n.startswith("Dashed: the effect as a natural cubic spline") for n in notes(figure))


def test_a_limit_is_drawn_only_within_its_panel():
    """It ends where it crosses the edge, and does not run along it."""
    assert within([(0, -1), (2, 1), (4, 3)], 0, 10) == [[(1, 0), (2, 1), (4, 3)]]
    assert within([(0, 5), (1, 15), (2, 5)], 0, 10) == [[(0, 5), (0.5, 10)], [(1.5, 10), (2, 5)]]
    assert within([(0, -5), (1, 15)], 0, 10) == [[(0.25, 0), (0.75, 10)]]
    assert within([(0, 12), (1, 15)], 0, 10) == [] == within([], 0, 10)
    assert within([(0, 3), (1, 3), (2, 3)], 0, 10) == [[(0, 3), (1, 3), (2, 3)]]
