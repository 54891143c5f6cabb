"""Making a display: what is given and what comes out."""

import subprocess
import sys

import pytest

from nirls.tlf.errors import DisplayError
from nirls.tlf.layouts.registry import all_layouts
from nirls.tlf.make import make_display
from tests.tlf.display_trial import display, plans


def test_every_layout_has_a_display_here(two, nine):
    """Those of dose finding in the world that has several doses."""
    assert {entry.layout for world in (two, nine) for entry, _, _ in plans(world).values()} == set(all_layouts())


def test_formats_by_kind(made):
    assert set(made["T14.1.1"][1]) == {"json", "html", "rtf"}
    assert set(made["F14.1.1"][1]) == {"json", "html", "svg"}
    assert set(made["A1"][1]) == {"json", "html"}


def test_two_runs_give_the_same_bytes(made, world):
    for number, plan in plans(world).items():
        again = make_display(number, *plan, world.context)[1]
        for ending, content in made[number][1].items():
            assert again[ending] == content, f"{number}.{ending}"


def test_bytes_do_not_depend_on_the_process(two):
    """Another process with another hash seed draws the same figure."""
    here = make_display("F14.2.1.1", *plans(two)["F14.2.1.1"], two.context)[1]["svg"]
    code = (
        "import sys, hashlib; sys.path.insert(0, sys.argv[1])\n"
        "from tests.tlf.display_trial import TWO, World, plans\n"
        "from nirls.tlf.make import make_display\n"
        "w = World(TWO)\n"
        "print(hashlib.sha256(make_display('F14.2.1.1', *plans(w)['F14.2.1.1'], w.context)[1]['svg']).hexdigest())"
    )
    import hashlib
    import os
    from pathlib import Path

    env = os.environ | {"PYTHONHASHSEED": "12345"}
    out = subprocess.run([sys.executable, "-c", code, str(Path(__file__).parents[2])], capture_output=True, text=True, check=True, env=env)
    assert out.stdout.strip() == hashlib.sha256(here).hexdigest()


def test_empty_results_are_an_error(two):
    with pytest.raises(DisplayError, match=r"T14\.1\.1: the results of role 'main' hold no rows"):
        make_display("T14.1.1", display("disposition", {"main": "disposition"}), {"main": two.disposition().iloc[:0]}, {}, two.context)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (display("pie", {"main": "x"}), "there is no layout 'pie'"),
        (display("flow", {"main": "x"}, kind="table"), "makes a figure, but the display is of kind 'table'"),
        (display("observed", {"other": "x"}), "needs an analysis for the role main"),
        (display("observed", {"main": "x", "extra": "y"}), "has no role extra"),
        (display("observed", {"main": "irls-obs"}, formats=["svg"]), "a table has no format 'svg'"),
    ],
)
def test_wrong_plans(two, entry, message):
    with pytest.raises(DisplayError, match=message):
        make_display("T9", entry, {"main": two.observed(), "extra": two.observed()}, {}, two.context)


def test_mixed_or_repeated_rows_are_an_error(two):
    import pandas as pd

    frame = two.observed()
    twice = pd.concat([frame, frame.iloc[[5]]], ignore_index=True)
    with pytest.raises(DisplayError, match="two rows with the key"):
        make_display("T9", display("observed", {"main": "irls-obs"}), {"main": twice}, {}, two.context)
    mixed = pd.concat([frame, two.mmrm()], ignore_index=True)
    with pytest.raises(DisplayError, match="mix the analyses irls-mmrm, irls-obs"):
        make_display("T9", display("observed", {"main": "irls-obs"}), {"main": mixed}, {}, two.context)
