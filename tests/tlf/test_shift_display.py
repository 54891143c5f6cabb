"""Display of shifts."""

import pytest

from nirls.plan.display import Display
from nirls.tlf.errors import DisplayError
from nirls.tlf.make import make_display
from tests.methods.shift_trial import found
from tests.tlf.mediation_results import given

CODES = ("SHAM", "NIR")


def made(world, ard, **more):
    entry = Display(title="Shift", kind="table", layout="shift", analyses={"main": "x"}, section="Safety", options=more)
    return make_display("T14.3.4", entry, {"main": ard}, {}, world.context, ["html", "rtf"])[0]


def lines(document):
    return [(r.label, tuple(c.text for c in r.cells)) for r in document.rows]


def test_table(two):
    document = made(two, found(CODES), params=["FER"])
    assert document.stub == "Baseline, and worst under treatment"
    assert lines(document) == [
        ("Baseline: low", ("1", "0")), ("→ normal", ("1 (25.0)", "0")),
        ("Baseline: normal", ("2", "2")), ("→ normal", ("0", "1 (25.0)")), ("→ low and high", ("1 (25.0)", "0")),
        ("→ no value", ("1 (25.0)", "1 (25.0)")),
        ("Baseline: high", ("0", "1")), ("→ high", ("0", "1 (25.0)")),
        ("Baseline: no value", ("1", "1")), ("→ high", ("1 (25.0)", "0")), ("→ no value", ("0", "1 (25.0)")),
    ]  # fmt: skip


def test_groups_and_parameters(two):
    document = made(two, found(CODES, by="GRP", total=True))
    sections = [r.label for r in document.rows if r.kind == "section"]
    assert sections == ["GRP X", "FER", "SKIN", "GRP Y", "FER", "SKIN", "GRP Z", "FER", "SKIN", "GRP Missing", "FER", "SKIN"]
    assert [c.label for c in document.columns][-1] == "Total"
    assert ("Subjects", ("2", "1", "3")) in lines(document)
    said = " ".join(f.text for f in document.footnotes)
    assert "No tests" in said and "not shown" in said


def test_refused(two):
    with pytest.raises(DisplayError, match="NONE not in analysis 'x', which has FER, SKIN"):
        made(two, found(CODES), params=["NONE"])
    with pytest.raises(DisplayError, match="holds no shifts"):
        made(two, given(CODES)["T14.2.7.1"][2]["main"])
