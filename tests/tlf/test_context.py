"""The context of a study."""

from types import SimpleNamespace

import pytest

from nirls.plan.course import Regimen
from nirls.plan.study import AdqsParam, AfterBaseline, AnalysisSet, Arm, BaselineItem, Dates, Deviation, Stratum, Visit
from nirls.tlf.context import DUMMY, SYNTHETIC, context_for, sentence_case


def study(**changes):
    given = {
        "id": "S1", "title": "t", "condition": "c", "synthetic": True, "blinding": "unblinded", "reference": "SHAM",
        "dates": Dates(cut="2026-06-30"),
        "arms": {
            "SHAM": Arm(label="Sham", short="Sham", role="sham"),
            "NIR": Arm(label="NIR", short="NIR", role="nir", regimen=Regimen(wavelength_nm=850, fluence_j_cm2=54)),
            "SCRNFAIL": Arm(label="Screen failure", short="SF", role="sham", not_an_arm=True),
        },
        "visits": [Visit(num=1, name="Baseline", week=0, target=1, window=(None, 1), epoch="BASELINE", baseline=True)],
        "populations": {"FAS": AnalysisSet(label="Full analysis", rule="r", where="x == 1")},
        "strata": {"SEV": Stratum(variable="SEV", label="Severity", levels=["a", "b"])},
        "covariates": {"AGE": BaselineItem(label="Age (years)", source="DM.AGE"),
                       "SEX": BaselineItem(label="Sex", source="DM.SEX", labels={"M": "Men"})},
        "deviations": {"VISIT": Deviation(label="Visit window")},
        "parameters": {"CGIS": AdqsParam(label="CGI-S"), "GUESSP": AdqsParam(label="Guess", values={"DK": 1}, labels={"DK": "Unsure"})},
        "after_baseline": {"GUESSW1": AfterBaseline(label="Guess at week 1", param="GUESSP", visit="Week 1")},
    }  # fmt: skip
    return SimpleNamespace(**(given | changes))


def context(**changes):
    score = SimpleNamespace(label="IRLS total", range=(0.0, 40.0))
    scale = SimpleNamespace(scores={"IRLSTOT": score}, direction="lower_better", unit="points")
    return context_for(study(**changes), {"irls": scale}, input_hash="a" * 64, plan_hash="b" * 64)


def test_what_displays_need():
    made = context()
    assert [a.code for a in made.arms] == ["SHAM", "NIR"], "what is not an arm is not shown"
    assert made.arm("NIR").wavelength == 850 and made.arm("NIR").fluence == 54
    assert made.params["IRLSTOT"].direction == "lower_better" and made.params["IRLSTOT"].high == 40
    assert made.params["CGIS"].label == "CGI-S"
    assert made.labels["AGE"] == "Age (years)" and made.labels["SEV"] == "Severity"
    assert made.labels["GUESSW1"] == "Guess at week 1"
    assert made.level("GUESSP", "DK") == "Unsure" and made.level("GUESSW1", "DK") == "Unsure"
    assert made.level("SEX", "M") == "Men" and made.level("DVCAT", "VISIT") == "Visit window"
    assert made.source == "data cut 2026-06-30 · input aaaaaaaa · plan bbbbbbbb"
    with pytest.raises(KeyError, match="'X' is not an arm of S1"):
        made.arm("X")


def test_stamps():
    assert context().stamps == (SYNTHETIC,)
    assert context(blinding="blinded").stamps == (SYNTHETIC, DUMMY)
    assert context(synthetic=False).stamps == ()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("LOST TO FOLLOW-UP", "Lost to follow-up"),
        ("DEATH", "Death"),
        ("EU", "EU"),
        ("CKD", "CKD"),
        (">=25", ">=25"),
        ("Week 4", "Week 4"),
        ("III", "III"),
    ],
)
def test_sentence_case(text, shown):
    assert sentence_case(text) == shown
