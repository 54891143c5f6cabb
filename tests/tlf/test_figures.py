"""Plots: colours by arm, deterministic SVG, legible text, nothing outside the drawing."""

import re
import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nirls.tlf.context import ArmView
from nirls.tlf.errors import DisplayError
from nirls.tlf.figures import apart
from nirls.tlf.make import make_display
from nirls.tlf.palette import MUTED, contrast, looks, scale
from nirls.tlf.text import width, wrap
from tests.tlf.display_trial import NINE, display, plans

ROOT = Path(__file__).parents[2]
SVG = "{http://www.w3.org/2000/svg}"


def texts(svg):
    """(text, size in CSS pixels) of every text of a plot; its unit is the point."""
    for t in ET.fromstring(svg).iter(f"{SVG}text"):
        size = re.search(r"font(?:-size)?: (?:bold )?([\d.]+)px", t.get("style"))
        yield t.text, float(size[1]) * 4 / 3


def test_text_is_text_and_legible(made):
    for number in ("F14.2.1.1", "F14.2.1.5"):
        found = list(texts(made[number][1]["svg"]))
        assert len(found) > 10
        assert min(size for _, size in found) >= 10.9, number
        assert "SYNTHETIC DATA — not evidence" in {text for text, _ in found}
        assert "data cut 2026-06-30 · input 01234567 · plan fedcba98" in {text for text, _ in found}


def test_the_plot_shows_every_arm_with_its_numbers(made, world):
    found = [text for text, _ in texts(made["F14.2.1.1"][1]["svg"])]
    for arm in world.arms:
        assert found.count(arm.short) == 2, "label at the line and name of the row of numbers"
    counts = world.mmrm().query("stat_name == 'n' and variable == 'CHG' and visit == 'Week 12'")["stat"]
    for n in counts:
        assert f"{n:.0f}" in found


def test_no_dates_paths_or_creators(made):
    for _, rendered in made.values():
        for ending, content in rendered.items():
            text = content.decode()
            assert "matplotlib.org" not in text and str(ROOT) not in text, ending
            assert not re.search(r"20\d\d-\d\d-\d\dT", text), ending


def test_svg_has_a_title_and_a_description(made):
    for number, (document, rendered) in made.items():
        if document.kind == "figure":
            root = ET.fromstring(rendered["svg"])
            assert root.get("role") == "img"
            assert root.find(f"{SVG}title").text == f"{document.number} {document.title}", number
            assert root.find(f"{SVG}desc").text == document.alt
            assert float(root.get("width")) == pytest.approx(document.width, abs=0.1)


def test_highlight_takes_colour_from_the_others(nine):
    entry, ards, _ = plans(nine)["F14.2.1.1"]
    entry = entry.model_copy(update={"options": {"highlight": ["SHAM", "NIR850-54"]}})
    document, rendered = make_display("F14.2.1.1", entry, ards, {}, nine.context, ["svg"])
    svg = rendered["svg"].decode()
    colors = scale(NINE)
    assert MUTED in svg and colors["NIR850-54"] in svg and colors["NIR660-54"] not in svg
    assert any("Highlighted: Sham device and NIR 850 nm, 54 J/cm²" in f.text for f in document.footnotes)
    with pytest.raises(DisplayError, match=r"options\.highlight: NIR"):
        make_display("F1", entry.model_copy(update={"options": {"highlight": ["NIR"]}}), ards, {}, nine.context, ["svg"])


def test_what_is_not_estimable_is_said(nine):
    frame = nine.mmrm()
    row = (frame["group1_level"] == "NIR850-36") & (frame["visit"] == "Week 1") & (frame["comparison"] == "")
    frame.loc[row & frame["stat_name"].isin(["lsmean", "conf_low", "conf_high"]), ["stat", "error"]] = [float("nan"), "no observation"]
    entry, _, _ = plans(nine)["F14.2.1.1"]
    document, _ = make_display("F14.2.1.1", entry, {"main": frame}, {}, nine.context, ["svg"])
    assert any(f.text == "Not drawn: 850 nm 36 J/cm² at week 1, not estimable (no observation)." for f in document.footnotes)


@pytest.mark.parametrize("world", ["two", "nine"])
@pytest.mark.parametrize("highlight", [None, ["SHAM"]])
def test_nothing_estimable_is_an_empty_panel_with_the_numbers(world, highlight, request):
    trial = request.getfixturevalue(world)
    frame = trial.mmrm()
    model = frame["stat_name"].isin(["lsmean", "lsmean_se", "df", "conf_low", "conf_high", "estimate", "std_error", "statistic", "p_value"])
    frame = frame.assign(stat=frame["stat"].mask(model), error=frame["error"].mask(model, "the outcome is constant"))
    entry = display("lsmeans_plot", {"main": "irls-mmrm"}, kind="figure", options={"highlight": highlight} if highlight else {})
    document, made = make_display("F1", entry, {"main": frame}, {}, trial.context, ["json", "svg"])
    assert any("not estimable" in note.text for note in document.footnotes)
    assert str(trial.fas()["SHAM"] - trial.no_value["SHAM"] - 1) in {text for text, _ in texts(made["svg"])}


def test_trajectories_say_who_is_not_shown(two):
    kept, frame = two.records()
    gone = frame["USUBJID"] == frame["USUBJID"].iloc[0]
    kept.loc[(kept["stat_name"] == "n_subjects") & kept["group1_level"].isin(["SHAM", "Total"]), "stat"] -= 1
    entry = display("trajectories", {"main": "irls-records"}, "figure")
    document, _ = make_display("F1", entry, {"main": kept}, {"main": frame[~gone]}, two.context, ["svg"])
    size = sum(two.fas().values())
    assert document.population == (
        f"Shows {size - 1} of {size} subjects of the full analysis set; 1 not shown: no observation among the records shown (1)."
    )
    with pytest.raises(DisplayError, match="they are from different runs"):
        make_display("F1", entry, {"main": kept}, {"main": frame}, two.context, ["svg"])
    with pytest.raises(DisplayError, match="keeps no records"):
        make_display("F1", entry, {"main": kept}, {}, two.context, ["svg"])
    with pytest.raises(DisplayError, match="no column AVAL"):
        make_display("F1", entry, {"main": kept}, {"main": frame.drop(columns="AVAL")}, two.context, ["svg"])


def test_two_records_of_a_subject_at_a_visit_are_an_error(two):
    import pandas as pd

    kept, frame = two.records()
    entry = display("trajectories", {"main": "irls-records"}, "figure")
    with pytest.raises(DisplayError, match="has two records at AVISITN"):
        make_display("F1", entry, {"main": kept}, {"main": pd.concat([frame, frame.iloc[[0]]])}, two.context, ["svg"])


# --- palette ---------------------------------------------------------------------------------


def test_colours_are_distinct_and_seen_on_white():
    found = looks(NINE)
    assert len({look.color for look in found.values()}) == len(NINE)
    assert len({look.shape for look in found.values()}) == len(NINE)
    assert all(contrast(look.color) >= 3 for look in found.values())


def test_an_arm_keeps_its_colour_when_few_are_shown(nine):
    entry, ards, _ = plans(nine)["F14.2.1.1"]
    some = entry.model_copy(update={"options": {"arms": ["SHAM", "NIR660-54"]}})
    svg = make_display("F1", some, ards, {}, nine.context, ["svg"])[1]["svg"].decode()
    assert scale(NINE)["NIR660-54"] in svg and scale(NINE)["NIR850-18"] not in svg


def test_dose_runs_from_light_to_dark():
    colors = scale(NINE)
    by_dose = [contrast(colors[a]) for a in ("NIR850-18", "NIR850-36", "NIR850-54", "NIR850-90")]
    assert all(a < b for a, b in pairwise(by_dose))


def test_roles_decide_hues():
    arms = [ArmView(code=r, label=r, short=r, role=r, order=i) for i, r in enumerate(("sham", "placebo", "nir", "active"))]

    def channels(color):
        return [int(color[i : i + 2], 16) for i in (1, 3, 5)]

    colors = {code: channels(color) for code, color in scale(arms).items()}
    assert max(colors["sham"]) - min(colors["sham"]) < 20 and max(colors["placebo"]) - min(colors["placebo"]) < 20
    assert colors["nir"][0] > 1.5 * max(colors["nir"][1:])
    assert colors["active"][2] > 1.5 * colors["active"][0]


def test_contrast_of_black_and_white():
    """WCAG 2.2, definition of contrast ratio: 21 for black on white; 4.54 for #767676."""
    assert contrast("#000000") == pytest.approx(21)
    assert contrast("#767676") == pytest.approx(4.54, abs=0.005)


# --- text ------------------------------------------------------------------------------------


def test_width_agrees_with_the_renderer():
    """Advance widths against matplotlib's own layout of the same font."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    def inked(text):
        return TextPath((0, 0), text, size=100, prop=FontProperties(family="DejaVu Sans")).get_extents().width

    text = "Received at least one treatment (n = 54) µg/L −5"
    assert width(text, 100) == pytest.approx(inked(f"H{text}H") - inked("HH"), rel=0.005)  # kerning is not counted


@given(st.lists(st.text("abcdefgh ij", min_size=1, max_size=30), min_size=1, max_size=8).map(" ".join), st.floats(20, 300))
def test_wrapped_lines_fit_and_lose_nothing(text, limit):
    lines = wrap(text, 12, limit)
    assert all(width(line, 12) <= limit or len(line) == 1 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_no_break_spaces_hold():
    assert wrap("Analysed (n\u00a0=\u00a054)", 12, 75) == ["Analysed", "(n\u00a0=\u00a054)"]


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=12))
def test_labels_stand_apart_in_order(wanted):
    placed = apart(wanted, 1.0, -50, 50)
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    assert all(placed[b] - placed[a] >= 1 - 1e-9 for a, b in pairwise(order))


def test_labels_that_need_not_move_do_not():
    assert apart([0.0, 5.0, 2.0], 1.0, -10, 10) == [0.0, 5.0, 2.0]
    assert apart([9.8, 9.9], 1.0, 0, 10) == [9.0, 10.0]
