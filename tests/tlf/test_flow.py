"""The participant flow: numbers, sums and the drawing."""

import re
import xml.etree.ElementTree as ET

import pytest

from nirls.tlf.errors import DisplayError
from nirls.tlf.formats import bind
from nirls.tlf.make import make_display
from nirls.tlf.text import width
from tests.tlf.display_trial import World, plans

SVG = "{http://www.w3.org/2000/svg}"


def draw(world: World, **changes):
    entry, ards, _ = plans(world)["F14.1.1"]
    return make_display("F14.1.1", entry, ards | changes, {}, world.context, ["svg"])


def shifted(frame, by=1, **key):
    """The results with one number changed."""
    frame = frame.copy()
    rows = frame["stat_name"] == key.pop("stat_name", "n")
    for column, value in key.items():
        rows &= frame[column] == value
    assert rows.sum() == 1, key
    frame.loc[rows, "stat"] += by
    return frame


def test_numbers(made, world):
    document = made["F14.1.1"][0]
    analysed = sum(world.fas().values()) - sum(world.no_value.values())
    assert document.alt == (
        f"Flow of participants: {world.assessed} assessed, 88 excluded, {sum(world.n.values())} randomized to {len(world.codes)} arms, "
        f"{analysed} analysed for the primary outcome."
    )
    assert document.description[0].startswith(f"Assessed for eligibility (n = {world.assessed}); excluded (n = 88): Not eligible (n = 61)")
    line = document.description[2]
    code = world.codes[1]
    assert f"Allocated (n = {world.n[code]}); Received at least one treatment (n = {world.n[code] - 1}); Did not receive it (n = 1)" in line
    assert f"Analysed for the primary outcome (n = {world.fas()[code] - world.no_value[code]})" in line


BREAKS = [
    ("main", {"variable": "RANDFL", "variable_level": "Y", "group1_level": "Total"}, "assessed for eligibility"),
    ("excluded", {"variable": "DCSREAS", "variable_level": "DECLINED"}, "excluded before randomization"),
    ("main", {"variable": "TRTFL", "variable_level": "Y", "group1_level": "NIR"}, "'allocated' of arm NIR"),
    ("untreated", {"variable": "DCTREAS", "group1_level": "NIR"}, "'did not receive treatment' of arm NIR"),
    ("main", {"variable": "EOTSTT", "variable_level": "COMPLETED", "group1_level": "NIR"}, "'received treatment' of arm NIR"),
    ("main", {"variable": "DCTREAS", "variable_level": "ADVERSE EVENT", "group1_level": "NIR"}, "'discontinued treatment' of arm NIR"),
    ("main", {"variable": "EOSSTT", "variable_level": "COMPLETED", "group1_level": "NIR"}, "'study status' of arm NIR"),
    ("main", {"variable": "DCSREAS", "variable_level": "LOST TO FOLLOW-UP", "group1_level": "NIR"}, "'left the study' of arm NIR"),
    ("main", {"variable": "FASFL", "variable_level": "Y", "group1_level": "NIR"}, "'full analysis set' of arm NIR"),
    ("analysed", {"stat_name": "N", "variable": "", "group1_level": "NIR"}, "'full analysis set' of arm NIR"),
    ("analysed", {"variable": "exclusion", "group1_level": "NIR"}, "'analysed' of arm NIR"),
    ("analysed", {"stat_name": "n_subjects", "variable": "model", "group1_level": "NIR"}, "'analysed' of arm NIR"),
    ("analysed", {"stat_name": "n_subjects", "variable": "model", "group1_level": ""}, "'analysed'"),
]


@pytest.mark.parametrize(("role", "key", "node"), BREAKS)
def test_a_sum_that_fails_stops_the_drawing(two, role, key, node):
    ards = plans(two)["F14.1.1"][1]
    with pytest.raises(DisplayError, match=rf"does not add up at .*{re.escape(node)}.*\d+ ≠ \d+"):
        draw(two, **{role: shifted(ards[role], **key)})


def test_an_arm_outside_the_primary_analysis(nine):
    model = nine.mmrm()
    overall = (model["variable"] == "model") & (model["group1_level"] == "")
    model = model[~model["group1_level"].isin(["ACTIVE", "Total"]) & ~overall]
    document, _ = draw(nine, analysed=model)
    assert "Not part of the primary analysis; In the full analysis set (n = 48)" in document.description[-1]


def test_reasons_for_not_being_in_the_set(two):
    import pandas as pd

    main = two.disposition()
    row = main[(main["variable"] == "FASFL") & (main["variable_level"] == "N")]
    reasons = row.assign(variable="FASXR", variable_level="NO BASELINE VALUE")
    document, _ = draw(two, main=pd.concat([main, reasons], ignore_index=True))
    assert "Excluded from the analysis (n = 3); No baseline value (n = 1); No post-baseline value (n = 2)" in document.description[-1]
    with pytest.raises(DisplayError, match=r"'not in the full analysis set' of arm NIR: 1 ≠ 2 .No baseline value"):
        draw(two, main=shifted(pd.concat([main, reasons], ignore_index=True), variable="FASXR", group1_level="NIR"))


def boxes(root):
    out = []
    for r in root.iter(f"{SVG}rect"):
        x, y, w, h = (float(r.get(k, 0)) for k in ("x", "y", "width", "height"))
        if r.get("stroke") and w > 20 and h > 15:
            out.append((x, y, x + w, y + h))
    return out


def test_no_text_leaves_its_box_and_none_is_small(made):
    root = ET.fromstring(made["F14.1.1"][1]["svg"])
    rects = boxes(root)
    w, h = (float(v) for v in root.get("viewBox").split()[2:])
    inside = 0
    for t in root.iter(f"{SVG}text"):
        size, x, y = float(t.get("font-size")), float(t.get("x")), float(t.get("y"))
        assert size >= 11
        wide = width(t.text, size, t.get("font-weight") == "700")
        left = x - wide if t.get("text-anchor") == "end" else x
        assert left >= 0 and left + wide <= w and 0 < y <= h, t.text
        home = [r for r in rects if r[0] <= left <= r[2] and r[1] <= y <= r[3]]
        if home:
            inside += 1
            assert all(left + wide <= r[2] and y - size * 0.76 >= r[1] and y + size * 0.24 <= r[3] for r in home), t.text
    assert inside > 10


def test_boxes_do_not_overlap(made):
    rects = boxes(ET.fromstring(made["F14.1.1"][1]["svg"]))
    for i, a in enumerate(rects):
        for b in rects[i + 1 :]:
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1], (a, b)


def test_few_arms_are_columns_and_many_are_rows(made, world):
    root = ET.fromstring(made["F14.1.1"][1]["svg"])
    at = {t.text: (float(t.get("x")), float(t.get("y"))) for t in root.iter(f"{SVG}text") if len(t.text) > 10}
    first, second = (next(place for text, place in at.items() if bind(arm.label).startswith(text)) for arm in world.arms[:2])
    assert (first[1] == second[1]) == (len(world.arms) <= 4)
    assert (first[0] == second[0]) == (len(world.arms) > 4)
