"""The benchmark runs; nothing is said about times."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.cases import CASES
from benchmarks.cell import Limits, Record, run_cell
from benchmarks.data import trial, write
from benchmarks.python_models import ANSWERS, CALLS
from benchmarks.report import render
from benchmarks.run import given_up, save
from benchmarks.summary import summarise
from benchmarks.worker import Worker

CS = next(case for case in CASES if case.name == "cs")


def test_a_trial_is_determined_by_its_size_and_seed(tmp_path):
    one, two = (write(tmp_path / name, 60, 4).read_bytes() for name in ("a.csv", "b.csv"))
    assert one == two
    # the bytes, so that results of different machines and years are of the same data
    assert hashlib.sha256(one).hexdigest() == "7932493d49d83ff1aa99fc70292b118dcfb0454a13a13c98f5bf53eaeb098acd"
    assert trial(60, 4, seed=1)["CHG"].iloc[0] != trial(60, 4)["CHG"].iloc[0]


def test_trials_have_dropout_gaps_and_levels_in_order():
    data = trial(2000, 5, n_arms=3)
    seen = data.assign(one=1).pivot(index="USUBJID", columns="AVISIT", values="one").notna().to_numpy()
    last = seen.shape[1] - 1 - np.argmax(seen[:, ::-1], axis=1)
    assert seen[:, 0].all()
    assert 0.75 < seen[:, -1].mean() < 0.85
    assert 0 < (seen.sum(axis=1) < last + 1).mean() < 0.05
    assert sorted(set(data["TRT"])) == ["T0", "T1", "T2"]
    assert data.groupby("USUBJID")["TRT"].nunique().max() == 1
    assert not data.duplicated(["USUBJID", "AVISIT"]).any()


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_python_programs_find_the_same_optimum(case):
    data = trial(80, 3, n_arms=3)
    names = [f"{case.name}/{p.name}" for p in case.programs if not p.packages]
    first, *others = (ANSWERS[name](CALLS[name](data)) for name in names)
    for other in others:
        assert other["deviance"] == pytest.approx(first["deviance"], abs=1e-5)  # MixedLM stops by a tolerance of its own
        np.testing.assert_allclose(other["contrasts"], first["contrasts"], atol=1e-4)
        np.testing.assert_allclose(other["errors"], first["errors"], rtol=0.05)  # Kenward–Roger adds to them
    if others:
        assert len(first["contrasts"]) == 2 * 3


def test_programs_of_a_cell_in_turns(tmp_path):
    programs = [p for p in CS.programs if not p.packages]
    records = run_cell(CS, (80, 3), write(tmp_path / "trial.csv", 80, 3), programs, Limits(repetitions=1))
    assert [(r.program, r.status) for r in records] == [(p.name, s) for p in programs for s in ("warm-up", "timed")]
    assert all(line.agrees and not line.note for line in summarise(records))


def test_page_marks_what_does_not_agree_and_what_was_given_up(tmp_path):
    fast = Record(case="cs", n_subjects=80, n_visits=3, program="nirls-satterthwaite", cpu=0.1, deviance=900.0, deviance_difference=0.0)
    same = replace(fast, program="mixedlm", cpu=0.5, deviance_difference=1e-6, contrast_difference=2e-6)
    slow = Record(case="cs", n_subjects=1000, n_visits=6, program="mixedlm", status="limit", cpu=12.34)
    records = [fast, same, replace(fast, n_subjects=100), replace(same, n_subjects=100, deviance_difference=0.5)]
    records += [replace(fast, n_subjects=1000, n_visits=6), slow]
    assert given_up(CS.programs[1], CS, (2000, 6), records) is slow
    assert given_up(CS.programs[1], CS, (2000, 4), records) is None

    save(records, tmp_path / "results.csv")
    (tmp_path / "machine.json").write_text('{"machine": {"R": "none"}, "settings": "", "absent": ["mmrm"]}')
    written = render(tmp_path)
    page = written[0].read_text()
    assert [line.split("|")[4:7] for line in page.splitlines() if "MixedLM" in line] == [
        [" 0.500 ", " 5.0× ", " +1e−06 "],
        [" 0.500 ", " 5.0× † ", " +0.500 "],
        [" > 12.3 ", " > 120× ", "  "],
    ]
    assert "not installed: mmrm" in page
    before = [path.read_bytes() for path in written]
    assert [path.read_bytes() for path in render(tmp_path)] == before


def test_a_call_is_given_up(tmp_path):
    worker = Worker("cs/mixedlm", write(tmp_path / "trial.csv", 500, 6))
    assert worker.ask(0.0) == {"error": "limit"}
    used = worker.close()
    assert used["unfinished"] > 0.0
    assert used["peak_mb"] > 10.0


def test_what_went_wrong_is_told(tmp_path):
    worker = Worker("cs/no-such-program", write(tmp_path / "trial.csv", 20, 3))
    reply = worker.ask(60.0)
    worker.close()
    assert "no-such-program" in reply["error"]
