"""Bad input from end to end: what is refused, what is set aside, what the report says, and that no number is wrong in silence.

One whole run holds many faults at once; what needs no workflow goes through the same functions without it.
"""

import os
import re
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from nirls.adam.derive import derive
from nirls.analyse import run_analysis
from nirls.errors import ConfigError, DataError, NirlsError
from nirls.plan.load import load_plan
from nirls.sdtm.ingest import RejectedError, ingest
from nirls.workflow import Targets
from tests.workflow.conftest import snakemake

pytestmark = pytest.mark.xdist_group("gate")
ITEMS = [f"IRLS{i:02d}" for i in range(1, 11)]
WITHHELD = "withheld while the study is blinded"


@pytest.fixture
def repo(make_repo):
    return make_repo("bad")


def edit(path, *changes):
    text = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    path.write_text(text, encoding="utf-8")


def study(root, *changes):
    edit(root / "config/studies/tiny/study.yaml", *changes)


class Table:
    """A raw file as text, written back on leaving the block."""

    def __init__(self, root, name):
        self.path = root / f"data/tiny/{name}.csv"

    def __enter__(self):
        self.frame = pd.read_csv(self.path, dtype="str", keep_default_na=False)
        return self

    def set(self, row, **values):
        """Change cells of a line of the file (the header is line 1)."""
        for column, value in values.items():
            self.frame.loc[row - 2, column] = value

    def __exit__(self, *_):
        self.frame.to_csv(self.path, index=False)


def findings(ledger):
    frame = ledger.findings
    return [(f["rule"], f["severity"], f["file"], f["row"], f["column"]) for f in frame.to_dict("records")]


# --- one whole run of a blinded trial with many faults, from another folder, in a path with a blank and an umlaut ---------------------
@pytest.fixture(scope="module")
def spoilt(make_repo, tmp_path_factory):
    """(root, results, output of the run, output of a second run started meanwhile)."""
    root = make_repo("bad input é")
    label = "'Near-infrared <b>& ≥ 5 µm</b> device'"
    study(
        root,
        ("blinding: unblinded", "blinding: blinded"),
        ("label: Near-infrared device, short: NIR", f"label: {label}, short: 'N<&IR>'"),
        ("covariates:\n", "covariates:\n  REGION: {label: Region <R&D>, source: DM.REGION, levels: [EU, NA]}\n"),
    )
    folder = root / "config/studies/tiny"
    edit(folder / "analyses.yaml", ("variables: [SCRNFL, RANDFL, TRTFL, FASFL]", "variables: [REGION]"))
    (folder / "displays.yaml").write_text(
        "displays:\n"
        "  T14.1.2: {title: Region, kind: table, layout: summary, analyses: {main: disposition}, section: Participants}\n"
        "  T14.2.1.1: {title: Change, kind: table, layout: lsmeans, analyses: {main: primary_mmrm}, section: Efficacy}\n"
        "report:\n  - {title: All, displays: [T14.1.2, T14.2.1.1], analyses: [primary_mmrm]}\n"
    )
    with Table(root, "dm") as dm:
        dm.set(2, ACTARMCD="NIR", RACE='WHITE\nor "other"')  # treated otherwise; a quoted line break moves every later line
        dm.set(4, AGE="45,5")
        dm.set(5, AGE="-4")
    with Table(root, "ex") as ex:
        ex.set(3, EXDOSE="54,0")
        ex.set(4, EXSTDTC="3/9/2025")
    with Table(root, "qs") as qs:
        qs.set(2, IRLSDTC="2024-01-01")  # before consent
        qs.set(8, IRLS03="5")
        qs.set(9, IRLSTOT="1")
        qs.set(12, IRLSDTC="3/24/2025")
        qs.set(16, USUBJID="TINY-004 ")
        qs.set(17, IRLS01="<script>alert(1)</script>")
        qs.set(20, IRLSDTC="")
        again = qs.frame.iloc[[22]].assign(IRLS01="0")
        qs.frame = pd.concat([qs.frame, again])  # two records of one visit and day
    raw = root / "data/tiny/qs.csv"
    raw.write_bytes(b"\xef\xbb\xbf" + raw.read_bytes().replace(b"\n", b"\r\n"))
    command = [sys.executable, "-m", "snakemake", "-s", str(root / "Snakefile"), "-d", str(root), "--cores", "1"]
    command += ["--workflow-profile", str(root / "workflow/profiles/default"), "--config", "results=elsewhere"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")} | {"XDG_CACHE_HOME": str(root / ".cache")}
    away = tmp_path_factory.mktemp("away")
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    first = subprocess.Popen(command, cwd=away, env=environment, **pipes)
    locks = root / ".snakemake/locks"
    while first.poll() is None and not (locks.is_dir() and any(locks.iterdir())):
        time.sleep(0.1)
    second = subprocess.run(command, cwd=away, env=environment, check=False, timeout=100, **pipes)
    output, _ = first.communicate(timeout=300)
    assert first.returncode == 0, output[-4000:]
    return root, root / "elsewhere/tiny", output, second.stdout


def test_a_second_run_at_once_is_refused(spoilt):
    assert "cannot be locked" in spoilt[3] and "Traceback" not in spoilt[3]


def test_row_errors_are_set_aside_and_named(spoilt):
    root, results, output, _ = spoilt
    assert "Traceback" not in output and not (root / "results").exists()
    found = pd.read_csv(results / "sdtm/_ledger/findings.csv", dtype="str", keep_default_na=False)
    have = set(zip(found["rule"], found["severity"], found["file"], found["row"], found["column"], strict=True))
    assert {
        ("R01", "Q", "dm.csv", "5", "AGE"),
        ("R22", "Q", "dm.csv", "6", "AGE"),
        ("R25", "W", "dm.csv", "2", "ACTARMCD"),
        ("R01", "Q", "ex.csv", "3", "EXDOSE"),
        ("R01", "Q", "ex.csv", "4", "EXSTDTC"),
        ("R13", "Q", "qs.csv", "2", "IRLSDTC"),
        ("R05", "Q", "qs.csv", "8", "IRLS03"),
        ("R06", "Q", "qs.csv", "9", "IRLSTOT"),
        ("R01", "Q", "qs.csv", "12", "IRLSDTC"),
        ("R64", "W", "qs.csv", "16", "USUBJID"),
        ("R05", "Q", "qs.csv", "17", "IRLS01"),
        ("R18", "W", "qs.csv", "20", "IRLSDTC"),
        ("R03", "Q", "qs.csv", "24", "USUBJID"),
        ("R03", "Q", "qs.csv", "100", "USUBJID"),
    } == have
    assert (found["message"] != "").all()
    assert dict(zip(found["row"], found["value"], strict=True))["8"] == "5"


def test_every_row_is_accounted_for(spoilt):
    root, results, _, _ = spoilt
    accounts = pd.read_csv(results / "sdtm/_ledger/accounts.csv", dtype="str", keep_default_na=False)
    rows = accounts[(accounts["level"] == "rows") & (accounts["file"] != "")].set_index("file")
    numbers = rows.drop(columns=["level", "domain"]).astype(int)
    assert (numbers["read"] == numbers.drop(columns="read").sum(axis=1)).all()
    assert numbers.loc["qs.csv", ["read", "quarantined"]].tolist() == [99, 4]
    assert numbers.loc["ex.csv", ["read", "quarantined"]].tolist() == [24, 1]
    aside = pd.read_csv(results / "sdtm/_ledger/quarantine/qs.csv", dtype="str")
    assert set(aside["SRC_ROW"]) == {"2", "9", "12", "24", "100"}
    adqs = pd.read_parquet(results / "adam/adqs.parquet")
    total = adqs[adqs["PARAMCD"] == "IRLSTOT"]
    clean = pd.read_csv(root / "data/tiny/qs.csv", dtype="str", keep_default_na=False, encoding="utf-8-sig")
    number = clean[ITEMS].apply(pd.to_numeric, errors="coerce")
    valid = number.where(number.isin(range(5)))
    want = {row + 2: valid.iloc[row].sum(skipna=False) for row in range(len(clean))}
    for row, value in zip(total["SRC_ROW"], total["AVAL"], strict=True):  # the total is the sum of valid items, or missing
        assert (value == want[row]) or (np.isnan(value) and np.isnan(want[row])), row
    assert 8 in set(total["SRC_ROW"]) and not {12, 24, 100} & set(total["SRC_ROW"])
    assert total.loc[total["SRC_ROW"] == 20, "AVISIT"].isna().all(), "a result without a date is kept and in no visit"


def test_a_region_coded_na_reaches_the_table(spoilt):
    page = (spoilt[1] / "tlf/t14-1-2.html").read_text(encoding="utf-8")
    words = re.sub(r"<[^>]+>", " ", page)
    assert re.search(r"\bNA\s+12 \(100\)\s+12 \(100\)", words), words[-1500:]


def test_labels_and_values_are_escaped_everywhere(spoilt):
    results = spoilt[1]
    for path in [results / "report/report.html", *sorted((results / "tlf").glob("*.html"))]:
        page = path.read_text(encoding="utf-8")
        assert not any(text in page for text in ("<b>&", "N<&IR>", "<R&D>", "<script>alert")), path.name
    report = (results / "report/report.html").read_text(encoding="utf-8")
    assert "Region &lt;R&amp;D&gt;" in report and "&lt;script&gt;alert(1)" in report and "≥ 5\u00a0µm" in report


def test_a_blinded_run_tells_no_treatment(spoilt):
    """Neither by words nor by arithmetic: other true codes with equal numbers per arm would have given the same dummy codes."""
    root, results, output, _ = spoilt
    truth = pd.read_csv(root / "data/tiny/dm.csv", dtype="str", keep_default_na=False).set_index("USUBJID")["ARMCD"]
    adsl = pd.read_parquet(results / "adam/adsl.parquet").set_index("USUBJID")
    randomized = truth.index[truth != "SCRNFAIL"]
    assert adsl.loc[randomized, "ARMCD"].value_counts().to_dict() == {"SHAM": 12, "NIR": 12}
    agree = (adsl.loc[randomized, "ARMCD"] == truth[randomized]).mean()
    assert 0.1 < agree < 0.9
    for path in sorted(results.rglob("*")):
        if path.is_file() and path.suffix in (".html", ".json", ".svg") and path.parent.name == "tlf":
            assert "DUMMY TREATMENT CODES" in path.read_text(encoding="utf-8"), path.name
    assert "DUMMY TREATMENT CODES" in (results / "report/report.html").read_text(encoding="utf-8")
    told = [p for p in sorted(results.rglob("*")) if p.suffix in (".csv", ".log", ".html", ".json")]
    assert len(told) > 15
    for text in [output, *(p.read_text(encoding="utf-8") for p in told)]:
        assert "allocated to" not in text and "54,0" not in text
    for name in ("findings.csv", "quarantine/ex.csv"):
        text = (results / "sdtm/_ledger" / name).read_text(encoding="utf-8")
        assert WITHHELD in text and not re.search(r"\b(NIR|SHAM)\b", text), name


# --- what stops a run -----------------------------------------------------------------------------------------------------------------
def test_all_faults_of_the_plan_at_once_before_any_job(repo):
    folder = repo / "config/studies/tiny"
    study(repo, ("NPOST >= 1", "NPOSTS >= 1"))
    edit(
        folder / "analyses.yaml",
        ("AVISITN in [2, 4]", "AVISTIN in [2, 4]"),
        ("ddf: ", "dff: "),
        ("group: TRT01P", "group: TRT1P"),
    )
    edit(folder / "displays.yaml", ("analyses: {main: baseline}", "analyses: {main: baselin}"))
    done = snakemake(repo, cores=1, check=False)
    text = done.stdout + done.stderr
    assert done.returncode and "Traceback" not in text and "rule ingest" not in text and "5 problems" in text
    for hint in ("'NPOST'", "'AVISITN'", "'ddf'", "'TRT01P'", "'baseline'"):
        assert f"did you mean {hint}?" in text
    assert not (repo / "results/tiny/sdtm").exists()


def test_a_repeated_key_and_a_typo(repo):
    study(repo, ("reference: SHAM\n", "reference: SHAM\nreference: NIR\n"), ("synthetic:", "sinthetic:"))
    with pytest.raises(ConfigError, match=r"study.yaml: line \d+: the key 'reference' is repeated"):
        Targets.load({}, repo)


def test_all_faults_of_the_headers_at_once(repo):
    data = repo / "data/tiny"
    (data / "ex.csv").write_text("")
    edit(data / "qs.csv", ("IRLS02", "IRLS01"))
    edit(data / "dm.csv", ("RACE", "RÄCE"))
    (data / "dm.csv").write_bytes((data / "dm.csv").read_text(encoding="utf-8").encode("latin-1"))
    edit(data / "ds.csv", (",", ";"))
    (data / "ds.csv").write_text((data / "ds.csv").read_text().replace(",", ";"))
    with pytest.raises(ConfigError) as caught:
        Targets.load({}, repo)
    text = str(caught.value)
    assert "4 problems" in text
    assert "ex.csv: the file is empty" in text
    assert "qs.csv, line 1, column IRLS01: the header names 'IRLS01' more than once" in text
    assert "dm.csv, line 1: byte" in text and "'RÄCE" in text.replace("SEX,", "'")
    assert "ds.csv, line 1: the header has one column only; the separator seems to be ';'" in text


def test_all_unreadable_files_stop_the_first_job_at_once(repo):
    import pyreadstat

    data = repo / "data/tiny"
    edit(data / "dm.csv", ("WHITE", "Wähler"))
    (data / "dm.csv").write_bytes((data / "dm.csv").read_text(encoding="utf-8").encode("latin-1"))
    (data / "qs.csv").write_bytes((data / "qs.csv").read_bytes()[:-14])
    (data / "ds.csv").write_text((data / "ds.csv").read_text().split("\n")[0] + "\n")
    pyreadstat.write_xport(pd.read_csv(data / "ex.csv"), str(data / "ex.xpt"))
    (data / "ex.xpt").write_bytes((data / "ex.xpt").read_bytes()[:-333])
    study(repo, ("file: ex.csv", "file: ex.xpt"))
    done = snakemake(repo, cores=1, check=False)
    text = done.stdout + done.stderr
    assert done.returncode and "Traceback" not in text and "4 findings of severity E" in text
    assert "dm.csv, line 2: byte" in text and "declare `encoding:`" in text
    assert "qs.csv, line 99: the last line is cut short" in text
    assert "ds.csv: the file has a header and no rows" in text
    assert "ex.xpt, record 18: the file ends inside a record" in text
    assert (repo / "results/tiny/logs/rejected/findings.csv").exists() and not (repo / "results/tiny/adam").exists()


def test_subjects_that_cannot_be_told_apart_stop(repo):
    with Table(repo, "qs") as qs:
        qs.frame.loc[:3, "USUBJID"] = "TINY-1"
    with Table(repo, "dm") as dm:
        dm.frame = pd.concat([dm.frame, dm.frame.iloc[[3]].assign(ARMCD="SHAM", RANDNO="999")])
    with pytest.raises(RejectedError) as caught:
        ingest(load_plan(root=repo), repo)
    text = str(caught.value)
    assert "6 findings" in text
    assert "[R64] qs.csv, line 2, column USUBJID, value 'TINY-1': is 'TINY-001' in DM" in text
    assert "[R03] dm.csv, line 28, column USUBJID, value 'TINY-004'" in text and "different contents in row 5" in text


def test_results_that_cannot_be_written(repo):
    (repo / "results").write_text("not a folder")
    with pytest.raises(ConfigError, match=r"results is a file, not a folder"):
        Targets.load({}, repo)
    (repo / "results").unlink()
    (repo / "results").mkdir(mode=0o500)
    if os.access(repo / "results", os.W_OK):
        pytest.skip("the superuser may write anywhere")
    with pytest.raises(ConfigError, match="may not be written to"):
        Targets.load({}, repo)


# --- data that are right in form and poor in content ------------------------------------------------------------------------------------
def analysed(root):
    """ARD of every analysis of the plan, or the refusal in its place."""
    plan = load_plan(root=root)
    ingested = ingest(plan, root)
    inputs = {**ingested.domains, "FINDINGS": ingested.ledger.findings.astype("str")}
    adsl = derive("ADSL", inputs, plan).frame
    adqs = derive("ADQS", {**inputs, "ADSL": adsl}, plan).frame
    ice = derive("ADICE", {**inputs, "ADSL": adsl, "ADQS": adqs}, plan).frame
    found = {}
    for name, entry in plan.analyses.items():
        try:
            found[name] = run_analysis(plan, name, adsl if entry.dataset == "ADSL" else adqs, adsl, ice=ice)[0]
        except NirlsError as refusal:
            found[name] = refusal
    return ingested, adsl, found


def effect(ard, visit="Week 4"):
    row = ard[(ard["comparison"] != "") & (ard["visit"] == visit) & (ard["stat_name"] == "estimate")]
    assert len(row) == 1
    return row.iloc[0]


def arm(root, code):
    return set(pd.read_csv(root / "data/tiny/dm.csv", dtype="str").query("ARMCD == @code")["USUBJID"])


def keep(root, subjects):
    for name in ("dm", "ds", "ex", "qs"):
        with Table(root, name) as table:
            table.frame = table.frame[table.frame["USUBJID"].isin(subjects)]


def test_line_ends_order_and_quotes_change_no_number(repo):
    _, _, plain = analysed(repo)
    for name in ("dm", "ds", "ex", "qs"):
        with Table(repo, name) as table:
            table.frame = table.frame.sample(frac=1, random_state=1)[list(table.frame.columns[::-1])]
        path = repo / f"data/tiny/{name}.csv"
        table.frame.to_csv(path, index=False, quoting=1, lineterminator="\r\n", encoding="utf-8-sig")
    ingested, _, other = analysed(repo)
    assert findings(ingested.ledger) == []
    pd.testing.assert_frame_equal(plain["primary_mmrm"], other["primary_mmrm"])


def test_without_optional_columns(repo):
    with Table(repo, "dm") as dm:
        dm.frame = dm.frame.drop(columns=["ACTARMCD", "STUDYID", "SUBJID", "RANDNO", "RANDDTC"])
    ingested, adsl, found = analysed(repo)
    assert findings(ingested.ledger) == [("R01", "W", "dm.csv", 1, "ACTARMCD")]
    assert set(adsl["STUDYID"]) == {"TINY"} and adsl["SUBJID"].equals(adsl["USUBJID"])
    assert np.isfinite(effect(found["primary_mmrm"])["stat"])


def test_an_outcome_missing_in_one_arm_is_not_estimable(repo):
    light = arm(repo, "NIR")
    with Table(repo, "qs") as qs:
        late = qs.frame["USUBJID"].isin(light) & qs.frame["VISITNUM"].isin(["3", "4"])
        qs.frame.loc[late, [*ITEMS, "IRLSTOT"]] = ""
    ingested, _, found = analysed(repo)
    row = effect(found["primary_mmrm"])
    assert np.isnan(row["stat"]) and row["error"]
    assert len(ingested.ledger.findings) == 10 * 24, "each missing item is listed"


def test_a_visit_of_one_arm_is_not_estimable(repo):
    light = arm(repo, "NIR")
    with Table(repo, "qs") as qs:
        qs.frame = qs.frame[~(qs.frame["USUBJID"].isin(light) & (qs.frame["VISITNUM"] == "4"))]
    row = effect(analysed(repo)[2]["primary_mmrm"])
    assert np.isnan(row["stat"]) and "TRT01P" in row["error"]


def test_a_constant_outcome_is_not_estimable(repo):
    with Table(repo, "qs") as qs:
        qs.frame[ITEMS], qs.frame["IRLSTOT"] = "2", "20"
    row = effect(analysed(repo)[2]["primary_mmrm"])
    assert np.isnan(row["stat"]) and row["error"]


def test_an_arm_of_one_subject_is_analysed_and_counted(repo):
    light = sorted(arm(repo, "NIR"))
    keep(repo, {*arm(repo, "SHAM"), light[0]})
    ard = analysed(repo)[2]["primary_mmrm"]
    counts = ard[(ard["variable"] == "model") & (ard["stat_name"] == "n_subjects")].set_index("group1_level")["stat"]
    assert counts.to_dict() == {"": 13, "SHAM": 12, "NIR": 1} and np.isfinite(effect(ard)["stat"])


def test_nobody_randomized_yet(repo):
    keep(repo, arm(repo, "SCRNFAIL"))
    study(repo, ("file: ex.csv", "file: ex.csv, may_be_empty: true"))
    _, adsl, found = analysed(repo)
    assert len(adsl) == 2 and set(adsl["RANDFL"]) == {"N"}
    assert isinstance(found["baseline"], DataError) and "of 2 records of 2 subjects, 0 are in the set RAND" in str(found["baseline"])
    assert isinstance(found["primary_mmrm"], NirlsError)


def test_a_condition_that_selects_nothing_says_where_the_records_went(repo):
    edit(repo / "config/studies/tiny/analyses.yaml", ("AVISITN in [2, 4]", "AVISITN in [3]"))
    refusal = str(analysed(repo)[2]["primary_mmrm"])
    assert "of 24 subjects" in refusal and "are in the set FAS" in refusal and "0 of these fulfil the condition" in refusal


def test_statistics_of_text_are_refused(repo):
    edit(repo / "config/studies/tiny/analyses.yaml", ("variables: [AGE]", "variables: [REGION]"))
    assert "REGION is text ('NA'), not a number; use the method `count`" in str(analysed(repo)[2]["baseline"])
