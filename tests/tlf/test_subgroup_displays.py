"""Displays of subgroups and markers: what is planned, what is not estimated, and what a p-value is adjusted for."""

from tests.tlf.test_tables import cells


def notes(document):
    return [f.text for f in document.footnotes]


def test_planned_or_exploratory_stands_on_every_display(made):
    for number in ("T14.2.6.1", "T14.2.6.2"):
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
