"""Figures of one value per subject: cumulative distribution and waterfall."""

import pytest

from nirls.tlf.errors import DisplayError
from nirls.tlf.make import make_display
from tests.tlf.display_trial import plans
from tests.tlf.test_figures import texts

FIGURES = ("F14.2.1.2", "F14.2.1.6")


@pytest.mark.parametrize("number", FIGURES)
def test_every_arm_has_its_panel_and_its_numbers(made, world, number):
    document, rendered = made[number]
    found = [text for text, _ in texts(rendered["svg"])]
    for arm in world.arms:
        inside = number != "F14.2.1.2" or arm.code != "SHAM"
        assert (arm.short in found) == inside, "the reference arm is in every panel of the distribution and has none of its own"
    assert min(size for _, size in texts(rendered["svg"])) >= 10.9
    assert document.population.startswith("Shows ") and "not shown: no value" in document.population
    assert any("3 points (−3)" in f.text for f in document.footnotes)
    if len(world.codes) > 2:
        assert any(text and text.startswith("n = 0, ") for text in found), "an arm without a value keeps its panel"


@pytest.mark.parametrize("number", FIGURES)
def test_the_same_bytes_again(two, number):
    first, second = (make_display(number, *plans(two)[number], two.context)[1]["svg"] for _ in range(2))
    assert first == second


@pytest.mark.parametrize("number", FIGURES)
def test_records_of_another_run_are_refused(two, number):
    entry, ards, records = plans(two)[number]
    with pytest.raises(DisplayError, match="from different runs"):
        make_display(number, entry, ards, {"main": records["main"].iloc[1:]}, two.context)
    with pytest.raises(DisplayError, match="method 'distribution'"):
        make_display(number, entry, ards, {}, two.context)
