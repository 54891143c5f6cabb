"""A tiny trial in a repository of its own: two arms of twelve, four visits."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent


def write_data(folder: Path, per_arm: int = 12) -> None:
    """Raw files of the tiny trial; every value is drawn with a fixed seed."""
    rng = np.random.default_rng(20260101)
    folder.mkdir(parents=True)
    dm, ds, ex, qs = [], [], [], []
    start = pd.Timestamp("2025-03-03")
    for i in range(2 * per_arm + 2):
        subject, arm = f"TINY-{i + 1:03d}", ["SHAM", "NIR"][i % 2] if i < 2 * per_arm else "SCRNFAIL"
        randomized = arm != "SCRNFAIL"
        consent, first = start + pd.Timedelta(days=3 * i - 20), start + pd.Timedelta(days=3 * i)
        iso = {d: (first + pd.Timedelta(days=d)).date().isoformat() for d in (-14, 0, 14, 28)}
        dm.append({
            "STUDYID": "TINY", "USUBJID": subject, "SUBJID": f"{i + 1:03d}", "SITEID": "001", "REGION": "NA",
            "AGE": int(rng.integers(30, 75)), "SEX": "FM"[i % 2], "RACE": "WHITE", "RFICDTC": consent.date().isoformat(),
            "RANDDTC": iso[0] if randomized else "", "RANDNO": str(100 + i) if randomized else "",
            "RFSTDTC": iso[0] if randomized else "", "RFENDTC": iso[28] if randomized else "", "ARMCD": arm, "ACTARMCD": arm,
        })  # fmt: skip
        ds.append(
            {
                "USUBJID": subject,
                "DSSEQ": 1,
                "DSCAT": "DISPOSITION EVENT",
                "DSSCAT": "STUDY PARTICIPATION",
                "DSTERM": "",
                "DSDECOD": "COMPLETED" if randomized else "SCREEN FAILURE",
                "DSSTDTC": iso[28] if randomized else iso[-14],
            }
        )
        if randomized:
            ex.append(
                {"USUBJID": subject, "EXSEQ": 1, "EXTRT": arm, "EXDOSE": 54, "EXDOSU": "J/cm2", "EXSTDTC": iso[0], "EXENDTC": iso[28]}
            )
        level = rng.normal(0, 0.4)
        for num, day, drop in [(1, -14, 0.0), (2, 0, 0.0), (3, 14, 0.5), (4, 28, 0.8)]:
            if not randomized and num > 1:
                continue
            effect = drop + (0.5 * drop if arm == "NIR" else 0)
            items = np.clip(np.round(2.6 + level - effect + rng.normal(0, 0.6, 10)), 0, 4).astype(int)
            visit = ["Screening", "Baseline", "Week 2", "Week 4"][num - 1]
            qs.append(
                {
                    "USUBJID": subject,
                    "VISITNUM": num,
                    "VISIT": visit,
                    "IRLSDTC": iso[day],
                    **{f"IRLS{k + 1:02d}": v for k, v in enumerate(items)},
                    "IRLSTOT": items.sum(),
                }
            )
    for name, rows in {"dm": dm, "ds": ds, "ex": ex, "qs": qs}.items():
        pd.DataFrame(rows).to_csv(folder / f"{name}.csv", index=False)


@pytest.fixture(scope="session")
def make_repo(tmp_path_factory):
    """Make a fresh copy of the program, as it was when the tests began, with the tiny trial as its only study."""
    program = tmp_path_factory.mktemp("program")
    for part in ("src", "workflow", "config/instruments"):
        shutil.copytree(ROOT / part, program / part, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("Snakefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / file, program / file)

    def make(name: str) -> Path:
        root = tmp_path_factory.mktemp(name)
        shutil.copytree(program, root, dirs_exist_ok=True)
        shutil.copytree(HERE / "tiny/config", root / "config/studies/tiny")
        text = (ROOT / "config/config.yaml").read_text(encoding="utf-8")
        (root / "config/config.yaml").write_text(re.sub(r"(?m)^study: .*$", "study: tiny", text), encoding="utf-8")
        write_data(root / "data/tiny")
        return root

    return make


def snakemake(root: Path, *arguments: str, cores: int = 2, check: bool = True) -> subprocess.CompletedProcess:
    """Run the workflow of a repository as the Makefile does."""
    command = [sys.executable, "-m", "snakemake", "--workflow-profile", "workflow/profiles/default", "--cores", str(cores), *arguments]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")} | {
        "PYTHONPATH": str(root / "src"),
        "XDG_CACHE_HOME": str(root / ".cache"),
    }
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, env=environment, timeout=500)
    if check and done.returncode:
        raise AssertionError(done.stdout[-4000:] + done.stderr[-6000:])
    return done


def planned(root: Path) -> set[str]:
    """Jobs a run would do now, as 'rule' or 'rule:wildcard'."""
    done = snakemake(root, "--dry-run")
    text = done.stdout + done.stderr
    assert "Nothing to be done" in text or "Job stats" in text, text
    jobs = set()
    for block in re.split(r"\n(?=(?:local)?rule )", text):
        rule = re.match(r"(?:local)?rule (\w+):", block)
        if rule:
            wild = re.search(r"wildcards: \w+=([\w.-]+)", block)
            jobs.add(f"{rule[1]}:{wild[1]}" if wild else rule[1])
    return jobs - {"all"}
