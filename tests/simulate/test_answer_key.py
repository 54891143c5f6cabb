"""The answer key against the raw files: it points at what is there, and it lists all that the rules find and nothing else."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from nirls.simulate.config import Trial

_spec = importlib.util.spec_from_file_location("simulate_rules", Path(__file__).with_name("rules.py"))
rules = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(rules)

RULES = [
    *(f"R{k:02d}" for k in (*range(2, 24), *range(25, 49), 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 66) if k not in (24, 42)),
]  # fmt: skip


@pytest.fixture(scope="module")
def found(raw):
    return rules.findings({name: frame for name, frame in raw.items() if name not in ("answer-key", "truth-subjects")})


def test_lines_point_at_the_planted_values(raw):
    for entry in raw["answer-key"].itertuples():
        record = raw[entry.file.removesuffix(".csv.gz")].iloc[int(entry.row) - 2]
        if entry.column:
            assert record[entry.column] == entry.value_planted, entry
            assert entry.value_true != entry.value_planted or "true" in entry.note, entry
        else:
            assert entry.value_planted == "", entry
        assert record.get("USUBJID", "") == entry.usubjid, entry
        assert record.get("VISITNUM", "") == entry.visitnum, entry


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_finds_what_the_key_lists_and_nothing_else(raw, found, rule):
    key = raw["answer-key"]
    key = key[key["rule"] == rule]
    listed = {(e.severity, e.file.removesuffix(".csv.gz"), int(e.row)) for e in key.itertuples()}
    assert found[rule] == listed


def test_every_rule_of_the_key_is_tested(raw):
    assert set(raw["answer-key"]["rule"]) <= set(RULES)


def test_as_many_faults_as_configured(raw):
    key, counts = raw["answer-key"], Trial().faults.counts
    for name, wanted in counts.items():
        rule, _, file = name.partition(":")
        assert (key["rule"] == rule).any(), name
        if file in raw and rule not in ("R03", "R33"):
            assert ((key["rule"] == rule) & (key["file"] == f"{file}.csv.gz")).sum() == wanted, name


def test_no_record_carries_two_faults(raw):
    """Apart from the two rules that follow from another one."""
    key = raw["answer-key"]
    own = key[~key["note"].str.startswith("follows from")]
    rules_of_record = own.groupby(["file", "row"])["rule"].nunique()
    assert rules_of_record.max() == 1


def test_severities_are_warnings_and_quarantine_only(raw):
    assert set(raw["answer-key"]["severity"]) == {"Q", "W"}


def test_the_rules_notice_what_is_not_in_the_key(raw):
    """The comparison above can fail: one more impossible item, one more date before consent, one more unknown device."""
    changed = {name: frame.copy() for name, frame in raw.items() if name not in ("answer-key", "truth-subjects")}
    changed["qs_irls"].loc[100, "IRLS04"] = "6"
    changed["vs"].loc[0, "VSDTC"] = "2020-01-01"
    changed["dx"].loc[50, "SPDEVID"] = "DEV-0000"
    found, listed = rules.findings(changed), raw["answer-key"]
    for rule, row in (("R05", ("Q", "qs_irls", 102)), ("R13", ("Q", "vs", 2)), ("R27", ("Q", "dx", 52))):
        assert row in found[rule]
        assert len(found[rule]) == len(listed[listed["rule"] == rule]) + 1
