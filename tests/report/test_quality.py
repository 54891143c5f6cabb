"""Data quality from the ledger."""

import re

import pytest

from nirls.report.errors import ReportError
from nirls.report.material import read_material
from nirls.report.quality import OTHER, WITHHELD, quality_view

from .conftest import ACCOUNTS, FINDINGS


def view_of(trial):
    return quality_view(trial.plan, read_material(trial.plan, trial.inputs))


def test_every_row_is_accounted_for(make):
    view = view_of(make())
    rows, records = view.accounts
    assert [(r.file, r.read, r.places) for r in rows.rows] == [("dm.csv", 104, (102, 1, 1, 0, 0)), ("qs.csv", 900, (890, 4, 1, 5, 0))]
    assert (rows.total.read, rows.total.places) == (1004, (992, 5, 2, 5, 0)) and len(records.rows) == 1
    assert view.sentence.startswith(
        "Of 1004 rows read from 2 files, every one is accounted for: 992 accepted, 5 quarantined, 2 duplicate and 5 not selected"
    )


def test_an_account_that_does_not_add_up_stops_the_report(make):
    with pytest.raises(ReportError, match=r"dm\.csv .* 104 read ≠ 103 accepted"):
        view_of(make(accounts=[("rows", "DM", "dm.csv", 104, 103, 1, 1, 0, 0), *ACCOUNTS[1:]]))


def test_findings_by_rule_and_arm(make):
    view = view_of(make())
    assert view.arms == ("Sham", "NIR 54 J/cm²", OTHER)
    found = {(r.severity, r.rule): (r.findings, r.subjects, r.arms) for r in view.rules}
    # odd subjects are on sham, even ones on light, T-009 was not randomized
    assert found == {("E", "R23"): (1, 1, (1, 0, 0)), ("Q", "R05"): (2, 2, (1, 1, 0)), ("W", "R18"): (9, 9, (4, 4, 1))}
    assert [r.severity for r in view.rules] == ["E", "Q", "W"] and view.rules[1].actions == "value set to missing (2)"
    assert all(sum(r.arms) == r.subjects for r in view.rules)


def test_nothing_by_arm_while_blinded(make):
    trial = make(blinding="blinded")
    view = view_of(trial)
    assert view.arms == () and view.blinded and all(r.arms == () for r in view.rules)
    assert (view.listed[0].rule, view.listed[0].value, view.listed[0].message) == ("R23", WITHHELD, WITHHELD)
    assert view.listed[1].value == "7"
    text = trial.build()
    quality = text[text.index('<h2 id="data-quality-title"') : text.index('<h2 id="provenance-title"')]
    assert "NIR54" not in quality and "by arm as randomized" not in quality and "withheld while the study is blinded" in quality
    assert "NIR54" in make().build()


def test_the_gravest_findings_are_listed_and_the_rest_counted(make):
    view = view_of(make())
    assert [f.rule for f in view.listed] == ["R23", "R05", "R05", "R18", "R18", "R18"]
    assert len(view.listed) + view.more == len(FINDINGS)
    first = view.listed[1]
    assert (first.file, first.row, first.column, first.value, first.subject) == ("qs.csv", "12", "IRLS03", "7", "T-001")


def test_waived_idle_and_quiet_rules(make):
    view = view_of(make())
    assert [(r.rule, r.reason, r.findings) for r in view.waived] == [("R24", "The allocation was changed by an amendment.", 1)]
    assert [r.rule for r in view.quiet] == ["R07"] and [r.rule for r in view.idle] == ["R60"]


def test_empty_ledger(make):
    trial = make(findings=[], accounts=[])
    view = view_of(trial)
    assert view.rules == () and view.listed == () and view.more == 0 and view.accounts == ()
    text = re.sub(r"\s+", " ", trial.build())
    assert "No rule found anything." in text and "There is nothing to list." in text and "The ledger holds no account of rows" in text


def test_ledger_without_a_column(make):
    trial = make()
    with open(trial.inputs.findings) as stream:
        text = stream.read().replace("severity", "gravity", 1)
    with open(trial.inputs.findings, "w") as stream:
        stream.write(text)
    with pytest.raises(ReportError, match=r"findings\.csv has no column severity"):
        view_of(trial)


def test_warnings_alone_are_worded_shortly(make):
    only = [f for f in FINDINGS if f[6] == "W"]
    assert view_of(make(findings=only)).sentence.endswith("; the rules gave 9 warnings.")
    assert view_of(make(findings=only[:1])).sentence.endswith("; the rules gave 1 warning.")
    assert view_of(make(findings=FINDINGS[1:2])).sentence.endswith("; the rules made 1 finding: 1 that sets a record or a value aside.")


def test_what_derivations_left_out_is_told(make):
    text = make().build()
    assert "What derivations left out or added" in text and "subject not randomized" in text and "1456" in text
