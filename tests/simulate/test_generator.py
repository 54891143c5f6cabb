"""The generator: the same trial gives the same bytes, and the streams do not touch each other."""

from __future__ import annotations

import dataclasses
import gzip
import json

import numpy as np
import pytest

from nirls.simulate import findings, questionnaires
from nirls.simulate.allocation import allocate, controlled_rounding
from nirls.simulate.config import Faults, Trial, outcome_hash
from nirls.simulate.dictionary import FILES
from nirls.simulate.export import export, make
from nirls.simulate.streams import stream
from nirls.simulate.trial import clean_tables
from nirls.simulate.write import csv_text


@pytest.fixture(scope="module")
def small() -> Trial:
    """A fifth of the trial, one fault of each kind where there is room, a truth of one chunk."""
    full = Trial()
    arms = tuple(dataclasses.replace(arm, n=arm.n // 5) for arm in full.arms)
    faults = Faults(r21_deviations=1, swaps=1, stratum_errors=1, counts=dict.fromkeys(full.faults.counts, 1), complete=False)
    return dataclasses.replace(full, arms=arms, faults=faults, truth_subjects=10_000)


@pytest.fixture(scope="module")
def clean(small):
    return clean_tables(small)[2]


def test_the_same_trial_gives_the_same_bytes(small, tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    export(small, first)
    second.mkdir()
    (second / "truth.json").write_bytes((first / "truth.json").read_bytes())  # the cached truth
    export(small, second)
    names = sorted(path.name for path in first.iterdir())
    assert names == sorted(path.name for path in second.iterdir())
    assert len(names) == 27
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name


def test_committed_files_are_what_the_generator_makes(raw, folder):
    tables = make(Trial())
    assert set(tables) == set(raw)
    for name, frame in tables.items():
        with gzip.open(folder / f"{name}.csv.gz", "rt", encoding="utf-8", newline="") as file:
            assert file.read() == csv_text(frame), f"{name}: run `python -m nirls.simulate --out data/nir-rls`"
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    assert truth["config_hash"] == outcome_hash(Trial()), "the outcome parameters changed; generate the trial again"


def test_another_seed_gives_another_trial(small, clean):
    other = clean_tables(dataclasses.replace(small, seed=small.seed + 1))[2]
    assert not other["qs_irls"]["IRLSTOT"].equals(clean["qs_irls"]["IRLSTOT"])


def test_streams_are_independent_and_stable():
    a, b = stream(1, "AE").random(5), stream(1, "CM").random(5)
    assert not np.array_equal(a, b)
    assert np.array_equal(a, stream(1, "AE").random(5))
    assert not np.array_equal(a, stream(2, "AE").random(5))
    # the first 128 bits of SHA-256("AE") as printed by `printf AE | sha256sum`, little-endian words
    digest = "bb1c202965ca241975a90c4d4db43001"
    words = [int.from_bytes(bytes.fromhex(digest[k : k + 8]), "little") for k in range(0, 32, 8)]
    expected = np.random.Generator(np.random.PCG64(np.random.SeedSequence([1, *words])))
    assert np.array_equal(a, expected.random(5))
    with pytest.raises(ValueError, match="negative"):
        stream(-1, "AE")


def test_a_domain_that_draws_more_moves_no_other(small, clean, monkeypatch):
    """And a domain that is added only asks for a stream of its own."""

    def more(world):
        world.stream("QS MOSSPI").random(1000)
        world.stream("a domain added later").random(1000)
        return questionnaires._scale(world, "MOSSPI", True, 0.5, 20.0, 3.0)

    monkeypatch.setattr(questionnaires, "sleep", more)
    monkeypatch.setattr(findings, "laboratory", lambda world: clean["lb"].iloc[::-1])
    other = clean_tables(small)[2]
    for name, frame in clean.items():
        assert frame.equals(other[name]) == (name not in ("qs_sleep", "lb")), name


def test_more_faults_of_one_kind_leave_the_others_where_they_are(small):
    counts = small.faults.counts | {"R60": 3}
    few = make(small)["answer-key"]
    more = make(dataclasses.replace(small, faults=dataclasses.replace(small.faults, counts=counts)))["answer-key"]
    assert (more["rule"] == "R60").sum() == 3
    for rule in ("R05", "R06", "R11", "R18", "R31", "R45"):
        assert few[few["rule"] == rule].reset_index(drop=True).equals(more[more["rule"] == rule].reset_index(drop=True)), rule


def test_too_many_faults_are_refused(small):
    counts = small.faults.counts | {"R66:conflict": 10_000}
    with pytest.raises(ValueError, match="R66:conflict: 10000 faults asked for, but the trial has only"):
        make(dataclasses.replace(small, faults=dataclasses.replace(small.faults, counts=counts, complete=True)))


def test_controlled_rounding_keeps_margins_and_is_unbiased():
    rng = np.random.default_rng(3)
    lengths, share = np.array([19, 19, 12, 7]), np.array([9, 5, 5, 9, 5, 5, 5, 5, 9]) / 57
    table = np.outer(lengths, share)
    tables = np.array([controlled_rounding(table, rng) for _ in range(3000)])
    assert (tables.sum(axis=2) == lengths).all()
    assert (tables.sum(axis=1) == np.round(table.sum(axis=0))).all()
    assert (np.abs(tables - table) < 1).all()
    se = np.sqrt(np.maximum(tables.var(axis=0), 1e-9) / len(tables))
    assert (np.abs(tables.mean(axis=0) - table) < 4.5 * se + 1e-9).all()
    with pytest.raises(ValueError, match="row sums"):
        controlled_rounding(np.array([[0.5, 0.2]]), rng)


def test_allocation_has_exact_sizes_and_balanced_blocks():
    rng = np.random.default_rng(5)
    strata, sizes = rng.integers(0, 12, 570), np.array([90, 50, 50, 90, 50, 50, 50, 50, 90])
    arm, position = allocate(strata, sizes, 19, rng)
    assert np.bincount(arm).tolist() == sizes.tolist()
    for s in range(12):
        mine = arm[strata == s]
        assert sorted(position[strata == s]) == list(range(1, len(mine) + 1))
        for start in range(0, len(mine) - 18, 19):
            counts = np.bincount(mine[start : start + 19], minlength=9)
            assert (np.abs(counts - 19 * sizes / 570) < 1).all()
    with pytest.raises(ValueError, match="sum to"):
        allocate(strata, sizes + 1, 19, rng)


def test_the_dictionary_describes_every_column(raw):
    assert set(FILES) == set(raw)
    for name, frame in raw.items():
        columns = [c for c in frame.columns if c != "row" or name == "answer-key"]
        assert list(FILES[name][1]) == columns, name
        assert all(FILES[name][1].values()), name
