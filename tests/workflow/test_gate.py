"""What stops a run before, or at, its first job, and how it is told."""

import gzip

import pytest

from tests.workflow.conftest import snakemake


@pytest.fixture
def repo(make_repo):
    return make_repo("gate")


def refused(root, *arguments):
    done = snakemake(root, *arguments, check=False)
    text = done.stdout + done.stderr
    assert done.returncode != 0
    assert "Traceback" not in text, text
    assert not (root / "results/tiny/adam").exists()
    return text


def test_configuration_and_files_are_reported_together_before_any_job(repo):
    path = repo / "config/studies/tiny/analyses.yaml"
    path.write_text(path.read_text().replace("method: mmrm", "method: mrmm").replace("set: FAS", "set: FAX"))
    text = refused(repo)
    assert "did you mean 'mmrm'" in text and "did you mean 'FAS'" in text
    assert "rule ingest" not in text


def test_missing_file_and_renamed_column_before_any_job(repo):
    (repo / "data/tiny/ex.csv").unlink()
    path = repo / "data/tiny/dm.csv"
    path.write_text(path.read_text().replace("ARMCD,ACTARMCD", "ARMCODE,ACTARMCD", 1))
    text = refused(repo)
    assert "ex.csv" in text and "dm.csv" in text and "ARMCD" in text
    assert "rule ingest" not in text


def test_data_errors_stop_ingest_with_all_findings(repo):
    path = repo / "data/tiny/dm.csv"
    lines = path.read_text().splitlines()
    lines[1] = lines[1].replace("SHAM", "SHAN")
    lines[3] = lines[3].replace("TINY-003", "TINY-002")
    path.write_text("\n".join(lines) + "\n")
    text = refused(repo)
    assert "SHAN" in text and "TINY-002" in text and "dm.csv" in text


def test_truncated_gzip(repo):
    path = repo / "data/tiny/qs.csv"
    packed = gzip.compress(path.read_bytes())
    (repo / "data/tiny/qs.csv.gz").write_bytes(packed[: len(packed) // 2])
    study = repo / "config/studies/tiny/study.yaml"
    study.write_text(study.read_text().replace("qs.csv", "qs.csv.gz"))
    assert "qs.csv.gz" in refused(repo)
