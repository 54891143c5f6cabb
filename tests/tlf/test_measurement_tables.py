"""Tables of reliability and of the minimal important change."""

from nirls.tlf.make import make_display
from tests.methods.test_measurement import OPTIONS, anchored, ards, run
from tests.tlf.display_trial import display, plans
from tests.tlf.test_tables import cells


def made(world, number):
    entry, results, _ = plans(world)[number]
    return make_display(number, entry, results, {}, world.context)[0]


def test_reliability(two):
    document = made(two, "T14.1.9")
    at = "TOT — 7 items, baseline"
    assert cells(document, "Cronbach's alpha", at) == ["30", "0.843", "(0.739, 0.916)"]
    assert cells(document, "McDonald's omega", at) == ["30", "0.856", ""]
    assert cells(document, "Left out: no record or an item missing", at) == ["2", "", ""]
    section = "TOT — V0 and V1: all subjects with both assessments"
    assert cells(document, "Second minus first, mean (SD)", section)[1] == "−1.00 (1.67)"  # differences −1, −4, 0, −1, −1, 1
    assert document.population == "Shows 30 of 32 subjects; 2 not shown: no record, or an item missing in every score (2)."
    assert any("z·√2·SEM" in note.text for note in document.footnotes)


def test_minimal_change(two):
    document = made(two, "T14.1.10")
    assert cells(document, "Minimally improved")[0] == "75" and cells(document, "4")[0] == "45"
    assert cells(document, "ROC, largest sensitivity + specificity")[:2] == ["120", "−4.50"]
    assert cells(document, "Predictive modelling")[1] == "−4.54"
    assert cells(document, "Predictive modelling, adjusted for the proportion improved")[1] == "−4.12"
    assert cells(document, "Sensitivity")[1] == "0.81" and cells(document, "Area under the curve")[1] == "0.909"


def test_a_refused_anchor_prints_ne_and_why(two):
    from nirls.ard.frame import to_frame
    from nirls.methods.mcid import McidOptions, mcid

    ard = to_frame(run(mcid, McidOptions(**OPTIONS), anchored(1.0)), analysis_id="mcid", method="m", dataset="ADQS")
    document, _ = make_display("T1", display("minimal_change", {"main": "mcid"}), {"main": ard}, {}, two.context)
    assert cells(document, "Predictive modelling") == ["", "NE", "NE"]
    assert any("less than 0.3: the anchor says too little about the score" in note.text for note in document.footnotes)
    assert ards()["mcid"]["error"].eq("").all()
