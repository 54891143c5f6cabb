"""Displays of mediation."""

import pytest

from nirls.methods.mediation import CAVEAT
from nirls.plan.display import Display
from nirls.tlf.errors import DisplayError
from nirls.tlf.make import make_display
from tests.methods.head_to_head_trial import decided
from tests.methods.mediation_trial import OXYGEN, data, found, options, written
from tests.tlf.drawn import assert_legible, words

CODES = ("SHAM", "NIR")


def made(world, layout, ards, kind="table", **more):
    number = "F14.2.7.1" if kind == "figure" else "T14.2.7.1"
    ids = {role: str(ard["analysis_id"].iloc[0]) for role, ard in ards.items()}
    entry = Display(title="Mediation", kind=kind, layout=layout, analyses=ids, section="Mechanism", options=more)
    document, files = make_display(number, entry, ards, {}, world.context, ["svg"] if kind == "figure" else ["html", "rtf"])
    return (document, files["svg"]) if kind == "figure" else document


def texts(document):
    return {row.label: [c.text for c in row.cells] for row in document.rows}


def notes(document):
    return " ".join(f.text for f in document.footnotes)


def test_table(two):
    document = made(two, "mediation", {"main": found(CODES)}, known={"main": {"total": -4.0}})
    rows = texts(document)
    assert [c.label for c in document.columns] == ["STO2, week 2", "FLUX, week 2", "All together", "Truth"]
    assert document.rows[0].label == "NIR 54 J/cm² − sham"
    assert rows["Treatment → mediator: a"][0].startswith("3.332 (2.391, 4.273)") and rows["Treatment → mediator: a"][2] == ""
    assert rows["Mediator → outcome: b"][0] == "−0.943 (−1.300, −0.586)"
    assert rows["ρ*, at which a × b is 0"][0].startswith("−0.53 (") and rows["ρ*, at which a × b is 0"][2] == ""
    assert rows["b of FLUX, the others held"][2] and not rows["b of FLUX, the others held"][0]
    assert rows["Total effect"][3] == "−4.00" and rows["Subjects, treated / reference"][0] == "40 / 40"
    assert CAVEAT in notes(document) and "not additive" in notes(document) and "of the generator" in notes(document)
    assert all(c.refs for row in document.rows for c in row.cells[:3] if c.text)


def test_the_check_by_pingouin(two):
    rows = texts(made(two, "mediation", {"main": found(CODES)}))
    ours = rows["Indirect, without interaction: a × b"]
    assert rows["Check by pingouin: a × b"][2] == "" and all(
        o.startswith(t) for o, t in zip(ours[:2], rows["Check by pingouin: a × b"][:2], strict=True)
    )
    assert rows["largest difference of a, b, c′, a × b, c′ + a × b"] == ["0.000000", "0.000000", ""]
    without = made(two, "mediation", {"main": found(CODES, check=False)})
    assert not any("pingouin" in row.label for row in without.rows) and "pingouin" not in notes(without)
    failed = texts(made(two, "mediation", {"main": found(CODES, failed=True)}))
    assert failed["Check by pingouin: a × b"][:2] == ["NE", "NE"]


def test_table_of_two_comparisons(two):
    other = found(CODES).assign(analysis_id="y")
    document = made(two, "mediation", {"main": found(CODES), "other": other})
    assert sum(row.kind == "section" for row in document.rows) == 2
    alone = made(two, "mediation", {"main": found(CODES, interaction=False)})
    assert not any("ACME(0)" in row.label or "×" in row.label.replace("a × b", "") for row in alone.rows)


def test_what_was_not_estimable(two):
    rows = texts(made(two, "mediation", {"main": found(CODES, failed=True)}))
    assert rows["Total effect"] == ["NE"] * 3 and rows["Mediator → outcome: b"][:2] == ["NE", "NE"]
    document, svg = made(two, "mediation_paths", {"main": found(CODES, failed=True)}, "figure")
    assert_legible(svg)
    assert "same in all subjects" in notes(document) and "NE" in " ".join(words(svg))


@pytest.mark.parametrize("more", [{}, {"known": -2.0}, {"known": 30.0, "mediator": "FLUX, Week 2"}])
def test_figure(two, more):
    document, svg = made(two, "mediation_paths", {"main": found(CODES)}, "figure", **more)
    assert_legible(svg)
    said = " ".join(words(svg))
    assert "a = " in said and "b = " in said and "c′ = " in said and "ρ* = " in said and "Indirect, a × b" in said
    assert ("Truth" in said) == ("known" in more)
    assert "a × b is 0 where the errors" in document.alt and CAVEAT in notes(document)


def test_refused(two):
    with pytest.raises(DisplayError, match="holds no mediation"):
        made(two, "mediation", {"main": decided(("SHAM", "NIR", "ACTIVE"))})
    with pytest.raises(DisplayError, match="'FLOW' is not in analysis 'x', only STO2, Week 2; FLUX, Week 2"):
        made(two, "mediation_paths", {"main": found(CODES)}, "figure", mediator="FLOW")
    from nirls.methods.mediation import mediation

    single = written(mediation(data(codes=CODES), options(mediators=[OXYGEN])), "z")
    with pytest.raises(DisplayError, match="other mediators"):
        made(two, "mediation", {"main": found(CODES), "other": single})
    with pytest.raises(DisplayError, match="OTHER is no role"):
        made(two, "mediation", {"main": found(CODES)}, known={"OTHER": {"total": 1.0}})
