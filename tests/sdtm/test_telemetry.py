"""Samples of telemetry: the dose by hand, the same in every format and order, bad input named by its place, every row in one place."""

import gzip
import json

import numpy as np
import pandas as pd
import polars as pl
import pytest

from nirls.plan.study import Source
from nirls.sdtm import telemetry, telemetry_read
from nirls.sdtm.files import FileProblem
from nirls.sdtm.gate import check_files
from nirls.sdtm.ingest import RejectedError
from nirls.sdtm.ledger import PLACES
from nirls.sdtm.telemetry import sessions_of
from tests.sdtm.conftest import SUBJECTS

SAMPLES = {
    "device": "dev", "session": "ses", "time": "t", "irradiance": "irr", "irradiance_unit": "mW/cm2", "temperature": "temp",
    "contact": "touch", "subject": "who",
}  # fmt: skip


def table(sessions=4, n=60, seed=3):
    """One sample a second; irradiance, temperature and contact vary; session s of device D<s> and subject s."""
    rng = np.random.default_rng(seed)
    parts = []
    for s in range(sessions):
        t = pd.Timestamp("2025-03-02T20:00:00Z") + pd.Timedelta(days=s) + pd.to_timedelta(np.arange(n), unit="s")
        values = {
            "irr": np.round(rng.normal(30, 2, n), 2),
            "temp": np.round(rng.normal(33, 1, n), 1),
            "touch": np.round(rng.uniform(0.5, 1, n), 2),
        }
        who = {"dev": f"D{s + 1}", "ses": f"{s + 1}-1", "who": SUBJECTS[s % len(SUBJECTS)]}
        parts.append(pd.DataFrame({**who, "t": t.strftime("%Y-%m-%dT%H:%M:%S.000Z"), **values}))
    return pd.concat(parts, ignore_index=True)


def write(frame, path):
    name = path.name.removesuffix(".gz")
    if name.endswith(".parquet"):
        pl.from_pandas(frame).with_columns(pl.col("t").str.to_datetime(telemetry_read.ISO, time_zone="UTC")).write_parquet(path)
        return
    text = frame.to_csv(index=False) if name.endswith(".csv") else frame.to_json(orient="records", lines=True)
    path.write_bytes(gzip.compress(text.encode()) if path.name.endswith(".gz") else text.encode())


def source(file, **changes):
    return Source.model_validate({"domain": "DX", "file": file, "samples": {**SAMPLES, **changes}})


def log(folder, file, **changes):
    return sessions_of(folder, source(file, **changes))


def numbers(done):
    frame = done.sessions.drop(columns=["SRC_FILE", "SRC_ROW"]).sort_values("SESSION_ID").reset_index(drop=True)
    return frame.assign(**{c: frame[c].astype("float64") for c in ("ON_SEC", "IRR_MEAN", "IRR_MAX", "FLUENCE", "TEMP_SKIN", "CONTACT")})


def all_there(done):
    """Samples read = those in sessions + aside + repeats, by file."""
    used = done.rows.groupby("file")["n"].sum()
    for line in done.accounts.to_dict("records"):
        assert line["read"] == used.get(line["file"], 0) + line["quarantined"] + line["duplicate"], line


def findings(done):
    return [(rule, r["file"], r["row"], r["column"], r["severity"]) for rule, part in done.found for r in part.to_dict("records")]


def test_a_session_by_hand(tmp_path):
    """Four samples 10 s apart, then 100 s off, then two more: 10 (0+10)/2 + 10 (10+30)/2 + 10 (30+20)/2 + 10 (20+20)/2 = 700 mW·s/cm²."""
    t = [0, 10, 20, 30, 130, 140]
    frame = pd.DataFrame(
        {
            "dev": "D",
            "ses": "1",
            "who": "S",
            "t": t,
            "irr": [0, 10, 30, 20, 20, 20],
            "temp": [30, 31, 35, 33, 32, 30],
            "touch": [1, 1, 0, 0, 1, 1],
        }
    )
    write(frame, tmp_path / "a.csv")
    one = numbers(log(tmp_path, "a.csv", time_unit="s")).iloc[0]
    assert (one["FLUENCE"], one["ON_SEC"], one["IRR_MEAN"], one["IRR_MAX"], one["TEMP_SKIN"]) == (0.7, 40, 17.5, 30, 35)
    assert one["CONTACT"] == pytest.approx((10 + 5 + 0 + 10) / 40, rel=1e-15)
    assert (one["START_UTC"], one["END_UTC"]) == ("1970-01-01T00:00:00.000Z", "1970-01-01T00:02:20.000Z")
    assert numbers(log(tmp_path, "a.csv", time_unit="s", longest_gap_s=100))["ON_SEC"].item() == 140


def test_against_numpy(tmp_path):
    """numpy.trapezoid over each session."""
    frame = table(sessions=5, n=200)
    write(frame, tmp_path / "a.parquet")
    done = log(tmp_path, "a.parquet")
    for (_, part), value in zip(frame.groupby("ses"), numbers(done)["FLUENCE"], strict=True):
        assert value == pytest.approx(np.trapezoid(part["irr"], dx=1.0) / 1000, rel=1e-13)
    all_there(done)


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "ndjson", "ndjson.gz", "parquet"])
@pytest.mark.parametrize("piece", [700, 1 << 25])
def test_formats_and_pieces_agree(tmp_path, monkeypatch, ending, piece):
    """However the files are cut: within sessions, between them, over files."""
    frame = table()
    write(frame, tmp_path / "whole.csv")
    expected = numbers(log(tmp_path, "whole.csv"))
    monkeypatch.setattr(telemetry_read, "PIECE", piece)
    monkeypatch.setattr(telemetry_read, "ROWS", max(piece // 70, 1) if piece < 1000 else 1 << 19)
    for k, cut in enumerate((slice(0, 85), slice(85, 86), slice(86, None))):
        write(frame.iloc[cut].reset_index(drop=True), tmp_path / f"part-{k}.{ending}")
    done = log(tmp_path, f"part-*.{ending}")
    pd.testing.assert_frame_equal(numbers(done), expected, rtol=1e-12)
    all_there(done)
    assert done.sessions["SRC_ROW"].tolist() == [r + (ending[:3] == "csv") for r in (1, 61, 35, 95)]


@pytest.mark.parametrize("share", [100, 1 << 22])
def test_order_and_repeats_change_nothing(tmp_path, monkeypatch, share):
    """Samples shuffled, and the whole file uploaded twice: the same sessions, each repeat counted."""
    monkeypatch.setattr(telemetry, "SHARE", share)
    frame = table()
    write(frame, tmp_path / "whole.csv")
    expected = numbers(log(tmp_path, "whole.csv"))
    write(frame.sample(frac=1, random_state=1), tmp_path / "up-1.csv")
    write(frame, tmp_path / "up-2.csv")
    done = log(tmp_path, "up-*.csv")
    pd.testing.assert_frame_equal(numbers(done), expected, rtol=1e-12)
    all_there(done)
    assert done.accounts.set_index("file")["duplicate"].to_dict() == {"up-1.csv": 0, "up-2.csv": 240}
    assert {f[0] for f in findings(done)} == {"R33", "R43"} and all(f[4] == "W" for f in findings(done))


def test_contradicting_samples_set_the_session_aside(tmp_path):
    frame = table()
    other = frame.iloc[[70]].assign(irr=99.0)
    write(pd.concat([frame, other]), tmp_path / "a.csv")
    done = log(tmp_path, "a.csv")
    assert sorted(done.sessions["SESSION_ID"]) == ["1-1", "3-1", "4-1"]
    assert findings(done) == [("R33", "a.csv", 242, "ses", "Q")] and done.accounts["quarantined"].item() == 61
    all_there(done)


def test_units(tmp_path):
    frame = table()
    write(frame.assign(irr=frame["irr"] / 1000, temp=frame["temp"] * 1.8 + 32), tmp_path / "w.csv")
    write(frame, tmp_path / "mw.csv")
    expected = numbers(log(tmp_path, "mw.csv"))
    pd.testing.assert_frame_equal(numbers(log(tmp_path, "w.csv", irradiance_unit="W/cm2", temperature_unit="F")), expected, rtol=1e-12)
    mixed = frame.assign(unit="mW/cm2")
    mixed.loc[:59, ["irr", "unit"]] = pd.DataFrame({"irr": frame["irr"][:60] / 1000, "unit": "W/cm2"})
    mixed.loc[100, "unit"] = ""
    write(mixed, tmp_path / "own.csv")
    done = log(tmp_path, "own.csv", unit="unit", irradiance_unit=None)
    assert findings(done) == [("R01", "own.csv", 102, "unit", "Q")]
    assert numbers(done)["FLUENCE"][0] == pytest.approx(expected["FLUENCE"][0], rel=1e-12)
    with pytest.raises(FileProblem, match=r"mw.csv, line 1, column irr: the irradiance has no unit"):
        log(tmp_path, "mw.csv", irradiance_unit=None)


def test_samples_that_cannot_be_used_are_named_and_counted(tmp_path):
    frame = table().astype({"irr": "str"})
    frame.loc[3, "irr"], frame.loc[4, "irr"], frame.loc[5, "irr"] = "30,5", "", "-1"
    frame.loc[6, "ses"] = None
    frame.loc[7, "t"], frame.loc[8, "t"] = "2025-03-02T20:00:07", "yesterday"
    frame.loc[9, "temp"] = np.nan
    write(frame, tmp_path / "a.csv")
    done = log(tmp_path, "a.csv")
    assert sorted(findings(done)) == [
        ("R01", "a.csv", row, column, "Q") for row, column in ((5, "irr"), (6, "irr"), (7, "irr"), (8, "ses"), (9, "t"), (10, "t"))
    ]
    assert "local time" in " ".join(m for _, part in done.found for m in part["message"])
    assert done.accounts["quarantined"].item() == 6
    all_there(done)


def test_many_bad_samples_are_listed_shortly_and_counted_whole(tmp_path):
    frame = table().astype({"irr": "str"})
    frame.loc[:99, "irr"] = "?"
    write(frame, tmp_path / "a.csv")
    done = log(tmp_path, "a.csv")
    messages = [m for _, part in done.found for m in part["message"]]
    assert len(messages) == telemetry.SHOWN + 1 and messages[-1].startswith("80 more samples")
    assert done.accounts["quarantined"].item() == 100
    all_there(done)


def test_times_with_another_offset_and_local_timestamps(tmp_path):
    frame = table()
    write(frame, tmp_path / "utc.csv")
    berlin = pd.to_datetime(frame["t"]).dt.tz_convert("Europe/Berlin").dt.strftime("%Y-%m-%dT%H:%M:%S.000+01:00")
    write(frame.assign(t=berlin), tmp_path / "berlin.csv")
    pd.testing.assert_frame_equal(numbers(log(tmp_path, "berlin.csv")), numbers(log(tmp_path, "utc.csv")))
    pl.from_pandas(frame).with_columns(pl.col("t").str.to_datetime(telemetry_read.ISO)).write_parquet(tmp_path / "local.parquet")
    with pytest.raises(FileProblem, match=r"local.parquet, record 1, column t: the times are local|local.parquet.*column t.*local"):
        log(tmp_path, "local.parquet")


def _lines(path, change):
    lines = path.read_text().splitlines()
    path.write_text("\n".join(change(lines)) + "\n")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda lines: [*lines[:6], lines[6][:20], *lines[7:]], "line 7: the line is not a JSON object"),
        (lambda lines: [*lines[:6], lines[6].replace('"irr":', '"irr":"x'[:6] + '"a","y":'), *lines[7:]], "line 7"),
        (lambda lines: [*lines[:6], "[1, 2]", *lines[7:]], "line 7"),
    ],
)
def test_a_corrupt_line_of_ndjson_is_named(tmp_path, change, expected):
    write(table(), tmp_path / "a.ndjson")
    _lines(tmp_path / "a.ndjson", change)
    with pytest.raises(FileProblem, match=f"a.ndjson, {expected}"):
        log(tmp_path, "a.ndjson")


def test_damaged_files_are_refused(tmp_path):
    write(table(), tmp_path / "a.csv")
    _lines(tmp_path / "a.csv", lambda lines: [*lines[:9], lines[9] + ",1", *lines[10:]])
    with pytest.raises(FileProblem, match=r"a.csv, line 10: the line has 8 fields where the header has 7"):
        log(tmp_path, "a.csv")
    write(table(), tmp_path / "b.ndjson.gz")
    (tmp_path / "b.ndjson.gz").write_bytes((tmp_path / "b.ndjson.gz").read_bytes()[:-200])
    with pytest.raises(FileProblem, match=r"b.ndjson.gz.*ends too early"):
        log(tmp_path, "b.ndjson.gz")
    write(table(), tmp_path / "c.parquet")
    (tmp_path / "c.parquet").write_bytes((tmp_path / "c.parquet").read_bytes()[:-200])
    with pytest.raises(FileProblem, match=r"c.parquet"):
        log(tmp_path, "c.parquet")
    write(table().rename(columns={"irr": "irradianz"}), tmp_path / "d.parquet")
    with pytest.raises(FileProblem, match=r"d.parquet.*column irr: the column 'irr' is missing"):
        log(tmp_path, "d.parquet")
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
        write(table(), tmp_path / name / "a.csv")
    with pytest.raises(FileProblem, match=r"a.csv: several folders have a file of this name"):
        log(tmp_path, "*/a.csv")
    with pytest.raises(FileProblem, match="there is no such file"):
        log(tmp_path, "no-*.parquet")


# --- through the ingest --------------------------------------------------------------------------


@pytest.fixture
def telemetric(trial):
    """The small trial with telemetry in place of the session log."""
    trial.study["sources"] = [s for s in trial.study["sources"] if s["domain"] != "DX"]
    trial.study["sources"].append(
        {"domain": "DX", "file": "tele-*.ndjson", "constants": {"TZ": "Europe/Berlin", "STATUS": "ok"}, "samples": SAMPLES}
    )
    del trial.tables["dx"]
    trial.write()
    frame = table(n=1801)
    write(frame[:3000], trial.folder / "tele-1.ndjson")
    write(frame[3000:].reset_index(drop=True), trial.folder / "tele-2.ndjson")
    return trial


def rows(done):
    accounts = done.ledger.accounts.query("level == 'rows' and domain == 'DX' and file != ''").set_index("file")
    assert (accounts["read"] == accounts[list(PLACES)].sum(axis=1)).all()
    return {file: {p: int(line[p]) for p in PLACES if line[p]} for file, line in accounts.iterrows()}


def test_sessions_come_out_of_the_ingest(telemetric):
    done = telemetric.run(write=False)
    assert telemetric.findings(write=False) == []
    dx = done.domains["DX"]
    assert dx["USUBJID"].tolist() == SUBJECTS and dx["ON_SEC"].tolist() == [1800.0] * 4 and set(dx["TZ"]) == {"Europe/Berlin"}
    assert rows(done) == {"tele-1.ndjson": {"accepted": 3000}, "tele-2.ndjson": {"accepted": 4204}}
    assert check_files(telemetric.plan, telemetric.root) == []


def test_a_subject_who_is_not_in_the_trial_takes_the_samples_along(telemetric):
    frame = pd.read_json(telemetric.folder / "tele-2.ndjson", lines=True, convert_dates=False)
    write(frame.assign(who=frame["who"].replace(SUBJECTS[3], "T-09-999")), telemetric.folder / "tele-2.ndjson")
    done = telemetric.run(write=False)
    assert telemetric.findings(write=False) == [("R04", "tele-2.ndjson", 2404, "USUBJID", "T-09-999", "Q")]
    assert rows(done)["tele-2.ndjson"] == {"accepted": 2403, "quarantined": 1801}


def test_rules_of_sessions_hold_for_telemetry(telemetric):
    """Three samples of 5000 mW/cm² are far above the limit for the skin."""
    lines = (telemetric.folder / "tele-1.ndjson").read_text().splitlines()
    for k in (10, 11, 12):
        lines[k] = json.dumps({**json.loads(lines[k]), "irr": 5000})
    (telemetric.folder / "tele-1.ndjson").write_text("\n".join(lines) + "\n")
    with pytest.raises(RejectedError, match=r"\[R37\] tele-1.ndjson, line 1, column IRR_MAX, value '5000'"):
        telemetric.run(write=False)


def test_the_gate_sees_a_lacking_column(telemetric):
    frame = pd.read_json(telemetric.folder / "tele-2.ndjson", lines=True, convert_dates=False)
    write(frame.rename(columns={"irr": "irad"}), telemetric.folder / "tele-2.ndjson")
    assert any("tele-2.ndjson, line 1, column irr" in text for text in check_files(telemetric.plan, telemetric.root))


def test_session_logs_in_many_files(trial):
    """A pattern in `file` of a session log: each file its own source, with its own account."""
    trial.source("dx.csv")["file"] = "log-*.csv"
    table = trial.tables.pop("dx")
    trial.tables["log-1"], trial.tables["log-2"] = table[:3], table[3:]
    done = trial.run()
    assert trial.findings() == [] and len(done.domains["DX"]) == 4
    assert rows(done) == {"log-1.csv": {"accepted": 3}, "log-2.csv": {"accepted": 1}}
