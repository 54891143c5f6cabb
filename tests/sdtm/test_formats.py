"""The same table through every format gives the same records."""

import gzip
import json

import pandas as pd
import pyreadstat
import pytest

from nirls.sdtm.files import FileProblem
from nirls.sdtm.read import read_table

ROWS = {"USUBJID": ["001", "NA", "x y"], "SEX": ["F", "", "M"], "VAL": ["1.5", "", "3"], "D": ["2025-03-05", "2025-03", ""]}


def _written(folder, format):
    frame = pd.DataFrame(ROWS)
    typed = frame.assign(VAL=pd.to_numeric(frame["VAL"]))
    if format == "csv":
        frame.to_csv(folder / "t.csv", index=False)
        return "t.csv"
    if format == "csv.gz":
        (folder / "t.csv.gz").write_bytes(gzip.compress(frame.to_csv(index=False).encode()))
        return "t.csv.gz"
    if format == "parquet":
        typed.to_parquet(folder / "t.parquet")
        return "t.parquet"
    if format == "ndjson.gz":
        lines = "\n".join(json.dumps(r) for r in [{**r, "VAL": float(r["VAL"]) if r["VAL"] else None} for r in frame.to_dict("records")])
        (folder / "t.ndjson.gz").write_bytes(gzip.compress(lines.encode()))
        return "t.ndjson.gz"
    pyreadstat.write_xport(typed, str(folder / "t.xpt"), table_name="T", file_format_version=int(format[-1]))
    return "t.xpt"


@pytest.mark.parametrize("format", ["csv", "csv.gz", "parquet", "ndjson.gz", "xpt5", "xpt8"])
def test_round_trip(tmp_path, format):
    frame = read_table(tmp_path, _written(tmp_path, format))
    expected = pd.DataFrame(ROWS, dtype="str").replace("", None)
    value = frame["VAL"].replace({"3.0": "3"})  # json.dumps writes 3.0
    pd.testing.assert_frame_equal(frame[["USUBJID", "SEX", "D"]].assign(VAL=value)[list(ROWS)], expected)
    assert all(str(frame[c].dtype) == "str" for c in [*ROWS, "SRC_FILE"])
    first = {"csv": 2, "csv.gz": 2}.get(format, 1)
    assert frame["SRC_ROW"].tolist() == [first, first + 1, first + 2]


def test_trailing_blanks_of_fixed_width_text_are_no_difference(trial):
    """Transport files pad text with blanks; only identifiers that carried blanks are reported."""
    frame = pd.DataFrame(trial.tables["ae"])
    trial.write()
    pyreadstat.write_xport(frame.assign(AETERM="Headache   "), str(trial.folder / "ae.xpt"), table_name="AE", file_format_version=5)
    trial.source("ae.csv")["file"] = "ae.xpt"
    done = trial.run(write=False)
    assert done.ledger.findings.empty and set(done.domains["AE"]["AETERM"]) == {"Headache"}


def test_sas_dates_and_numbers_become_text(tmp_path):
    frame = pd.DataFrame(
        {"D": pd.to_datetime(["2025-03-05", None]).date, "N": [1.0, 2.25], "T": pd.to_datetime(["2025-03-05T10:20:30", None])}
    )
    pyreadstat.write_xport(frame, str(tmp_path / "t.xpt"), table_name="T")
    back = read_table(tmp_path, "t.xpt")
    assert back["D"].iloc[0] == "2025-03-05" and back["T"].iloc[0] == "2025-03-05T10:20:30"
    assert back["N"].tolist() == ["1", "2.25"] and back["D"].isna().iloc[1]


def test_parquet_types(tmp_path):
    stamp = pd.to_datetime(["2025-03-05T10:20:30Z"])
    pd.DataFrame({"B": [True], "C": pd.Categorical(["x"]), "T": stamp, "I": [7]}).to_parquet(tmp_path / "t.parquet")
    row = read_table(tmp_path, "t.parquet").iloc[0]
    assert (row["B"], row["C"], row["T"], row["I"]) == ("Y", "x", "2025-03-05T10:20:30Z", "7")
    pd.DataFrame({"L": [[1, 2]]}).to_parquet(tmp_path / "l.parquet")
    with pytest.raises(FileProblem, match="column L: values of type list"):
        read_table(tmp_path, "l.parquet")


@pytest.mark.parametrize(
    ("line", "words"),
    [('{"A": [1]}', "list or an object"), ('{"A": 1, "A": 2}', "given twice"), ("[1]", "not a JSON object"), ('{"A": ', "cut short")],
)
def test_ndjson_lines(tmp_path, line, words):
    (tmp_path / "t.ndjson").write_text('{"A": 1.50}\n' + line)
    with pytest.raises(FileProblem, match=words) as caught:
        read_table(tmp_path, "t.ndjson")
    assert caught.value.row == 2


def test_ndjson_numbers_stay_as_written_and_keys_may_be_absent(tmp_path):
    (tmp_path / "t.ndjson").write_text('{"A": 1.50, "C": true}\n\n{"B": null, "A": 7}\n')
    frame = read_table(tmp_path, "t.ndjson")
    assert frame["A"].tolist() == ["1.50", "7"] and frame["C"].iloc[0] == "Y" and frame["C"].isna().iloc[1]
    assert frame["B"].isna().all() and frame["SRC_ROW"].tolist() == [1, 3]
