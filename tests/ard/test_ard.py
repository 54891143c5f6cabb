"""The ARD schema, its files and its comparison."""

import json

import pandas as pd
import pytest

from nirls.__main__ import main
from nirls.ard.build import row, rows
from nirls.ard.compare import compare_ard
from nirls.ard.frame import check_frame, to_frame
from nirls.ard.io import read_ard, read_provenance, write_ard
from nirls.provenance import write_input_manifest

SHARED = {"analysis_id": "a", "method": "describe"}


def small():
    return to_frame(rows({"n": 3, "mean": 1.25}, variable="AGE", group1="TRT01P", group1_level="NA"), **SHARED)


def test_key_is_unique():
    with pytest.raises(ValueError, match="share a key"):
        to_frame([row("n", 1, variable="AGE"), row("n", 2, variable="AGE")], **SHARED)


def test_vocabulary_is_closed():
    with pytest.raises(ValueError, match="vocabulary"):
        row("avg", 1)
    with pytest.raises(ValueError, match="not ARD columns"):
        row("n", 1, arm="SHAM")


def test_missing_needs_a_reason():
    with pytest.raises(ValueError, match="without a reason"):
        to_frame([row("sd", None, variable="AGE")], **SHARED)
    assert to_frame([row("sd", None, variable="AGE", error="one value")], **SHARED)["stat"].isna().all()


def test_file_round_trip_keeps_text_and_bytes(tmp_path):
    frame = small()
    write_ard(frame, tmp_path / "a.parquet", {"spec": "x", "n_records": 3})
    write_ard(frame, tmp_path / "b.parquet", {"n_records": 3, "spec": "x"})
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    again = read_ard(tmp_path / "a.parquet")
    pd.testing.assert_frame_equal(again, frame)
    assert again["group1_level"].tolist() == ["NA", "NA"]
    assert read_provenance(tmp_path / "a.parquet") == {"spec": "x", "n_records": 3}


def test_compare_finds_every_kind_of_difference():
    base = small()
    assert compare_ard(base, small()).empty
    other = to_frame([*rows({"mean": 1.25000001, "sd": 2.0}, variable="AGE", group1="TRT01P", group1_level="NA")], **SHARED)
    found = compare_ard(base, other).set_index("stat_name")["difference"].to_dict()
    assert found == {"n": "only in base", "sd": "only in other", "mean": "value"}
    assert "mean" not in set(compare_ard(base, other, rtol=1e-6)["stat_name"])


def test_check_refuses_other_columns():
    with pytest.raises(ValueError, match="ARD columns"):
        check_frame(small().drop(columns="unit"))


def test_compare_two_files_on_the_command_line(tmp_path, capsys):
    frame = small()
    write_ard(frame, tmp_path / "a.parquet", {})
    write_ard(frame.assign(stat=frame["stat"] + 1), tmp_path / "b.parquet", {})
    assert main(["compare", str(tmp_path / "a.parquet"), str(tmp_path / "a.parquet")]) == 0
    assert capsys.readouterr().out == "no differences\n"
    assert main(["compare", str(tmp_path / "a.parquet"), str(tmp_path / "b.parquet")]) == 1
    assert "value" in capsys.readouterr().out


def test_files_of_one_name_in_two_folders_keep_apart(tmp_path):
    for site in ("01", "02"):
        (tmp_path / site).mkdir()
        (tmp_path / site / "dm.csv").write_text(site)
    write_input_manifest([tmp_path / "01/dm.csv", tmp_path / "02/dm.csv"], tmp_path / "manifest.json")
    assert set(json.loads((tmp_path / "manifest.json").read_text())["files"]) == {"01/dm.csv", "02/dm.csv"}
