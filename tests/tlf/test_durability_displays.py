"""Tables of slopes, augmentation and early response, figure of the course: the numbers of the results in their places."""

import pytest

from nirls.tlf.formats import interval, number
from tests.methods.test_linear_methods import stat
from tests.tlf.durability_results import durability_results
from tests.tlf.test_delivered_displays import table


@pytest.fixture
def arms(two):
    return tuple(a.code for a in two.context.arms)


def row_of(document, label, after=""):
    labels = [r.label for r in document.rows]
    start = labels.index(after) if after else 0
    return document.rows[labels.index(label, start)]


def test_slopes(two, arms):
    made = durability_results(arms)
    document, _ = table(two, "slopes", main=made["course"], tolerance=made["tolerance"], sessions=made["sessions"])
    heading = next(r.label for r in document.rows if r.label.startswith("Tolerance: weeks 4–12 alone"))
    short = two.context.arm(arms[1]).short
    cells = [c.text for c in row_of(document, short, heading).cells]
    key = {"variable": "AVAL", "variable_level": "before", "group1_level": arms[1], "comparison": f"{arms[1]} - {arms[0]}"}
    of = made["tolerance"]
    assert cells[2] == interval(stat(of, "conf_low", **key), stat(of, "conf_high", **key), 3)
    assert cells[4] == interval(stat(of, "equivalence_low", **key), stat(of, "equivalence_high", **key), 3)
    assert cells[6] == ("Shown" if stat(of, "shown", **key) else "Not shown")
    assert any(r.label == "Pooled" for r in document.rows)


def test_augmentation_and_early_response(two, arms):
    made = durability_results(arms)
    document, _ = table(two, "augmentation", main=made["augmentation"])
    key = {"variable": "augmentation", "variable_level": "ASRS", "group1_level": arms[1], "comparison": ""}
    n, size, p = (stat(made["augmentation"], s, **key) for s in ("n", "N", "p"))
    assert document.rows[0].cells[1].text == f"{n:.0f}/{size:.0f} ({number(p, 1)})"
    document, _ = table(two, "early_response", main=made["early"])
    key = {"variable": "early response", "variable_level": "planned rule", "comparison": "npv", "group2": "POOL", "group2_level": "Pooled"}
    p = stat(made["early"], "probability", **key)
    assert (
        row_of(document, "Negative predictive value: do not respond later, of those without it").cells[0].text == f"{number(100 * p, 0)}%"
    )


def test_time_to_event(two, arms):
    of = durability_results(arms)["relapse"]
    document, _ = table(two, "time_to_event", main=of)
    key = {"variable": "hazard ratio", "group1_level": arms[1], "comparison": f"{arms[1]} - {arms[0]}"}
    label = "Hazard ratio (ties: Efron)"
    assert row_of(document, label).cells[1].text == number(stat(of, "estimate", **key), 2)
    free = stat(of, "probability", variable="event-free", variable_level="4", group1_level=arms[0])
    assert row_of(document, "Without event at week 4").cells[0].text == f"{number(100 * free, 0)}%"
    competing = [r for r in document.rows if r.label == "Competing event: rescue medication"]
    assert len(competing) == 1
