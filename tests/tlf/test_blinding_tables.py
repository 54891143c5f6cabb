"""Tables of guesses and of the comparison by guess."""

import pytest

from nirls.ard.frame import to_frame
from nirls.tlf.errors import DisplayError
from nirls.tlf.make import make_display
from tests.methods.test_blinding import CRISP, frame_of, run
from tests.tlf.display_trial import display
from tests.tlf.test_tables import cells


@pytest.fixture(scope="module")
def guesses():
    rows = run(frame_of(CRISP), silent=3)
    return to_frame(rows, analysis_id="g", method="blinding", dataset="ADQS", analysis_set="FAS")


def test_guesses_and_indices(two, guesses):
    plan = display("blinding", {"main": "g"}, options={"answers": {"active": "Light", "control": "Sham", "unknown": "Unsure"}})
    document, _ = make_display("T1", plan, {"main": guesses}, {}, two.context)
    at = "GUESSP — week 1"
    assert cells(document, "Light", at) == ["27 (19.4)", "82 (29.6)"] and cells(document, "Unsure", at) == ["83 (59.7)", "170 (61.4)"]
    assert cells(document, "Answered", at) == ["139", "277"] and cells(document, "No answer", at) == ["3", "0"]
    assert cells(document, "Bang index", at) == ["0.01", "0.21"] and cells(document, "James index, with Sham", at) == ["", "0.75"]
    limits = [[c.text for c in r.cells] for r in document.rows if r.label == "95% CI"]
    assert limits == [["(−0.09, 0.12)", "(0.14, 0.27)"], ["", "(0.71, 0.79)"]]
    assert "blinding is in doubt when its interval lies below 0.5" in document.footnotes[0].text


def test_an_index_that_is_not_defined_prints_ne(two):
    rows = run(frame_of({"NIR": CRISP["NIR"], "SHAM": {}}), silent=2)
    ard = to_frame(rows, analysis_id="g", method="blinding", dataset="ADQS", analysis_set="FAS")
    document, _ = make_display("T1", display("blinding", {"main": "g"}), {"main": ard}, {}, two.context)
    assert cells(document, "Bang index")[0] == "NE"
    assert any("no guess in the arm" in note.text.lower() for note in document.footnotes)


def test_names_in_the_options_are_checked(two, guesses):
    for options, word in (({"respondents": ["GUESSX"]}, "GUESSX not in analysis 'g', which has GUESSP"), ({"answers": {}}, "missing")):
        with pytest.raises(DisplayError, match=word):
            make_display("T1", display("blinding", {"main": "g"}, options=options), {"main": guesses}, {}, two.context)


def parts(world):
    return {"main": world.mmrm(), "counts": world.early_guess(), "sham": world.within()}


def test_effect_by_guess(two):
    ards = parts(two)
    plan = display("guess_effect", {r: r for r in ards}, options={"visit": "Week 4", "variable": "GUESSW1"})
    document, _ = make_display("T2", plan, ards, {}, two.context)
    labels = [r.label for r in document.rows if r.kind == "section"]
    assert labels[1] == "Sensitivity: participants who guessed sham at week 1"
    assert cells(document, "NIR 54 J/cm²", labels[1])[2:] == ["−0.88 (1.130)", "(−3.08, 1.32)"]
    assert cells(document, "No guess (in no group)")[0] == "7" and cells(document, "SHAM")[0] == "31"
    assert document.footnotes[0].text.startswith("Sensitivity analysis. A guess is made after randomization")
    assert "collider" in document.footnotes[0].text


def test_a_group_must_be_a_group(two):
    ards = parts(two)
    options = {"visit": "Week 4", "variable": "GUESSW1"}
    with pytest.raises(DisplayError, match="needs an analysis for each group"):
        some = {k: ards[k] for k in ("main", "counts")}
        make_display("T2", display("guess_effect", {r: r for r in some}, options=options), some, {}, two.context)
    with pytest.raises(DisplayError, match="'irls-mmrm' has no `subjects`"):
        make_display("T2", display("guess_effect", {r: r for r in ards}, options=options), ards | {"sham": two.mmrm()}, {}, two.context)
