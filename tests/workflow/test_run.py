"""The workflow runs, resumes, and re-runs exactly what an edit concerns."""

import hashlib
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.workflow.conftest import planned, snakemake

pytestmark = pytest.mark.xdist_group("run")  # one worker makes the finished run that most of these tests share
OUT = "results/tiny"
PRODUCTS = {"ard": "*.parquet", "tlf": "*", "adam": "*.parquet", "sdtm": "*.parquet", "report": "*"}


def digests(root):
    files = [p for folder, pattern in PRODUCTS.items() for p in sorted((root / OUT / folder).glob(pattern)) if p.is_file()]
    return {str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


@pytest.fixture(scope="module")
def done(make_repo):
    """A repository whose run is finished."""
    root = make_repo("done")
    snakemake(root, cores=2)
    return root


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return lambda: path.write_text(text, encoding="utf-8")


def test_products(done):
    names = {p.split("/", 2)[2] for p in digests(done)}
    assert {
        "report/report.html",
        "report/manifest.json",
        "tlf/t14-2-1-1.html",
        "tlf/t14-2-1-1.rtf",
        "tlf/f14-2-1-1.svg",
        "tlf/a1.json",
        "ard/primary_mmrm.parquet",
    } <= names
    page = (done / OUT / "report/report.html").read_text(encoding="utf-8")
    assert "SYNTHETIC DATA" in page and "Does light beat sham?" in page


def test_finished_run_has_nothing_to_do(done):
    start = time.perf_counter()
    run = snakemake(done)
    assert "Nothing to be done" in run.stdout + run.stderr
    assert time.perf_counter() - start < 60


def test_editing_one_analysis_reruns_it_and_what_shows_it(done):
    undo = edit(done / "config/studies/tiny/analyses.yaml", "ddf: kenward-roger-linear", "ddf: satterthwaite")
    try:
        assert planned(done) == {"analyse:primary_mmrm", "table:t14-2-1-1", "figure:f14-2-1-1", "answer:a1", "render:t14-2-1-1", "report"}
    finally:
        undo()


def test_editing_a_title_redraws_one_display(done):
    undo = edit(done / "config/studies/tiny/displays.yaml", "title: Baseline", "title: Baseline characteristics")
    try:
        assert planned(done) == {"table:t14-1-3", "report"}
    finally:
        undo()


def test_editing_a_comment_reruns_nothing(done):
    undo = edit(done / "src/nirls/stats/mmrm/fit.py", "\nimport numpy", "\n# a comment, and a longer one\nimport numpy")
    also = edit(done / "config/studies/tiny/analyses.yaml", "disposition:", "# a comment\ndisposition:")
    try:
        assert planned(done) == set()
    finally:
        undo()
        also()


def test_editing_the_mixed_model_reruns_its_analyses(done):
    path = done / "src/nirls/stats/mmrm/fit.py"
    text = path.read_text(encoding="utf-8")
    path.write_text(text + "\nEDITED = True\n", encoding="utf-8")
    try:
        assert planned(done) == {"analyse:primary_mmrm", "table:t14-2-1-1", "figure:f14-2-1-1", "answer:a1", "render:t14-2-1-1", "report"}
    finally:
        path.write_text(text, encoding="utf-8")


def test_editing_a_data_rule_reruns_ingest(done):
    path = done / "src/nirls/sdtm/rulebook/scales.py"
    text = path.read_text(encoding="utf-8")
    path.write_text(text + "\nEDITED = True\n", encoding="utf-8")
    try:
        assert "ingest" in planned(done)
    finally:
        path.write_text(text, encoding="utf-8")


def test_editing_a_layout_redraws_its_displays(done):
    path = done / "src/nirls/tlf/layouts/summary.py"
    text = path.read_text(encoding="utf-8")
    path.write_text(text + "\nEDITED = True\n", encoding="utf-8")
    try:
        assert planned(done) == {"table:t14-1-3", "report"}
    finally:
        path.write_text(text, encoding="utf-8")


def test_changed_data_reruns_everything(done):
    undo = edit(done / "data/tiny/dm.csv", ",WHITE,", ",ASIAN,")
    try:
        assert {"ingest", "derive:adsl", "derive:adqs", "analyse:baseline", "analyse:primary_mmrm", "report"} <= planned(done)
    finally:
        undo()
        snakemake(done)  # the time stamp of the file has changed


def test_same_bytes_on_one_core(done, make_repo):
    other = make_repo("again")
    snakemake(other, cores=1)
    assert digests(other) == digests(done)


def test_a_killed_run_resumes(make_repo):
    root = make_repo("killed")
    command = [sys.executable, "-m", "snakemake", "--workflow-profile", "workflow/profiles/default", "--cores", "1"]
    process = subprocess.Popen(command, cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    adsl = root / OUT / "adam/adsl.parquet"
    for _ in range(1200):
        if adsl.exists() or process.poll() is not None:
            break
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    kept = (root / OUT / "sdtm/dm.parquet").stat().st_mtime_ns
    snakemake(root, "--unlock")
    todo = planned(root)
    assert "ingest" not in todo and "report" in todo
    snakemake(root)
    assert (root / OUT / "report/report.html").exists()
    assert (root / OUT / "sdtm/dm.parquet").stat().st_mtime_ns == kept


def test_snakemake_report(done):
    snakemake(done, "--report", f"{OUT}/report/snakemake.html")
    page = (done / OUT / "report/snakemake.html").read_text(encoding="utf-8")
    assert "T14.2.1.1" in page and "Efficacy" in page
