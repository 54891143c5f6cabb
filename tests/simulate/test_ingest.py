"""Ingesting the demonstration trial: the package's own rules find what the answer key lists, all of it and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from nirls.plan.load import load_plan
from nirls.sdtm.ingest import ingest
from nirls.sdtm.rules import all_rules

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def findings():
    return ingest(load_plan("nir-rls", root=ROOT), ROOT).ledger.findings


def test_recall_and_precision_are_one(raw, findings):
    key = raw["answer-key"]
    key = key[key["rule"].isin(all_rules())]
    listed = set(zip(key["rule"], key["severity"], key["file"], key["row"].astype(int), strict=True))
    found = set(zip(findings["rule"], findings["severity"], findings["file"], findings["row"].astype(int), strict=True))
    assert found - listed == set()
    assert listed - found == set()
    assert len(set(key["rule"])) >= 19


def test_nothing_stops_the_trial(findings):
    assert not (findings["severity"] == "E").any()
