"""Files that cannot be read: one clear sentence each, naming file, line, column and value, and all of them together."""

import gzip

import pandas as pd
import pyreadstat
import pytest

from nirls.sdtm.files import FileProblem
from nirls.sdtm.gate import check_files
from nirls.sdtm.read import read_table


def _gz(trial, file, data):
    """Replace a CSV by a gzip file with these bytes."""
    trial.write()
    (trial.folder / file).unlink()
    (trial.folder / f"{file}.gz").write_bytes(data)
    trial.source(file)["file"] = f"{file}.gz"


def test_missing_file(trial):
    trial.write()
    (trial.folder / "ae.csv").rename(trial.folder / "AE.csv")
    text = str(trial.rejected(write=False))
    assert "[R00] ae.csv: the file is missing" in text and "did you mean 'AE.csv'?" in text
    assert "ae.csv" in check_files(trial.plan, trial.root)[0]


def test_empty_file(trial):
    trial.write()
    (trial.folder / "ae.csv").write_bytes(b"")
    assert "[R00] ae.csv: the file is empty (0 bytes)" in str(trial.rejected(write=False))
    assert "empty" in check_files(trial.plan, trial.root)[0]


def test_no_rows_unless_declared(trial):
    trial.write()
    path = trial.folder / "ae.csv"
    path.write_text(path.read_text().splitlines()[0] + "\n")
    assert "[R00] ae.csv: the file has a header and no rows" in str(trial.rejected(write=False))
    trial.source("ae.csv")["may_be_empty"] = True
    done = trial.run(write=False)
    assert len(done.domains["AE"]) == 0 and str(done.domains["AE"]["AETERM"].dtype) == "str"


def test_wrong_encoding_names_line_and_byte(trial):
    trial.tables["ae"][2]["AETERM"] = "Müdigkeit"
    trial.write()
    path = trial.folder / "ae.csv"
    path.write_bytes(path.read_text(encoding="utf-8").encode("cp1252"))
    position = path.read_bytes().index(b"\xfc")
    text = str(trial.rejected(write=False))
    assert f"ae.csv, line 4: byte {position} (0xFC) is not utf-8" in text and "Müdigkeit" in text and "encoding" in text
    trial.source("ae.csv")["encoding"] = "cp1252"
    assert "Müdigkeit" in set(trial.run(write=False).domains["AE"]["AETERM"])


def test_utf16_and_excel_workbook(trial):
    trial.write()
    path = trial.folder / "ae.csv"
    text = path.read_text()
    path.write_bytes(text.encode("utf-16"))
    assert "UTF-16" in str(trial.rejected(write=False)) and "UTF-16" in check_files(trial.plan, trial.root)[0]
    path.write_bytes(b"PK\x03\x04" + b"\x00" * 50)
    assert "Excel workbook" in str(trial.rejected(write=False))
    path.write_bytes(text.encode("utf-8-sig"))
    assert trial.findings(write=False) == [], "a byte order mark is harmless"


def test_truncated_gzip(trial):
    whole = gzip.compress((trial.write().folder / "ae.csv").read_bytes())
    _gz(trial, "ae.csv", whole[:-12])
    assert "[R00] ae.csv.gz: the gzip file ends too early" in str(trial.rejected(write=False))


def test_not_gzip_at_all(trial):
    _gz(trial, "ae.csv", b"USUBJID,AETERM\n")
    assert "not a readable gzip file" in str(trial.rejected(write=False))
    assert "not a readable gzip file" in check_files(trial.plan, trial.root)[0]


def test_whole_gzip_is_read(trial):
    _gz(trial, "ae.csv", gzip.compress((trial.write().folder / "ae.csv").read_bytes()))
    assert trial.findings(write=False) == []


def test_duplicated_header(trial):
    trial.write()
    path = trial.folder / "ae.csv"
    path.write_text(path.read_text().replace("AEDECOD", "AETERM", 1))
    text = str(trial.rejected(write=False))
    assert "ae.csv, line 1, column AETERM: the header names 'AETERM' more than once (columns 3, 4)" in text
    assert "more than once" in check_files(trial.plan, trial.root)[0]


def test_truncated_last_line(trial):
    trial.write()
    path = trial.folder / "ae.csv"
    path.write_text(path.read_text()[:-25])
    assert "ae.csv, line 5: the last line is cut short" in str(trial.rejected(write=False))


def test_no_line_break_at_the_end_is_reported(trial):
    trial.write()
    path = trial.folder / "ae.csv"
    path.write_text(path.read_text().rstrip("\n"))
    assert trial.findings(write=False) == [("R00", "ae.csv", 5, None, None, "W")]
    assert len(trial.run(write=False).domains["AE"]) == 4


def test_wrong_number_of_fields(trial):
    trial.write()
    path = trial.folder / "ae.csv"
    lines = path.read_text().splitlines()
    lines[2] += ",extra"
    path.write_text("\n".join(lines) + "\n")
    text = str(trial.rejected(write=False))
    assert "ae.csv, line 3: the number of fields does not fit the header: 10 fields, 9 columns" in text


def test_nul_bytes(trial):
    trial.write()
    path = trial.folder / "ae.csv"
    path.write_bytes(path.read_bytes().replace(b"Headache", b"Head\x00che", 3))
    assert "ae.csv, line 2: the file holds NUL bytes" in str(trial.rejected(write=False))


def test_unclosed_quotation_mark(trial):
    trial.write()
    path = trial.folder / "ae.csv"
    path.write_text(path.read_text().replace("Headache", '"Headache', 1))
    assert "ae.csv, line 2" in str(trial.rejected(write=False))


def test_other_delimiter(trial):
    trial.write()
    path = trial.folder / "ae.csv"
    path.write_text(path.read_text().replace(",", ";"))
    assert "the separator seems to be ';'" in str(trial.rejected(write=False))
    trial.source("ae.csv")["delimiter"] = ";"
    assert trial.findings(write=False) == []


def test_corrupt_xpt(trial, tmp_path):
    frame = pd.DataFrame(trial.tables["ae"])
    trial.write()
    whole = tmp_path / "whole.xpt"
    pyreadstat.write_xport(frame, str(whole), table_name="AE", file_format_version=5)
    trial.source("ae.csv")["file"] = "ae.xpt"
    data = whole.read_bytes()
    for bad, words in [
        (b"no transport file at all", "does not begin with a library header"),
        (data[:900], "list of variables is damaged or cut short"),
        (data[:-40], "ends inside a record"),
        (data[: len(data) - 80], "ends inside a record"),
    ]:
        (trial.folder / "ae.xpt").write_bytes(bad)
        assert words in str(trial.rejected(write=False)), words
    (trial.folder / "ae.xpt").write_bytes(data)
    assert trial.findings(write=False) == []


@pytest.mark.parametrize(
    ("name", "content"), [("ae.parquet", b"PAR1 no"), ("ae.sas7bdat", b"no sas file"), ("ae.ndjson", b'{"USUBJID": "1"')]
)
def test_other_corrupt_formats(trial, name, content):
    trial.write()
    trial.source("ae.csv")["file"] = name
    (trial.folder / name).write_bytes(content)
    text = str(trial.rejected(write=False))
    assert f"[R00] {name}" in text and "not a" in text


def test_unknown_ending_and_format(trial):
    trial.write()
    trial.source("ae.csv")["file"] = "ae.dat"
    (trial.folder / "ae.csv").rename(trial.folder / "ae.dat")
    assert "tells no format" in str(trial.rejected(write=False))
    trial.source("ae.dat")["format"] = "csv"
    assert trial.findings(write=False) == []


def test_all_problems_of_all_files_in_one_error(trial):
    trial.write()
    (trial.folder / "sv.csv").unlink()
    (trial.folder / "lb.csv").write_bytes(b"")
    path = trial.folder / "dm.csv"
    path.write_text(path.read_text().replace("ARMCD,", "ARMCODE,", 1))
    text = str(trial.rejected(write=False))
    assert "3 findings of severity E" in text
    assert "sv.csv: the file is missing" in text and "lb.csv: the file is empty" in text
    assert "dm.csv, line 1, column ARMCD: the column 'ARMCD' is missing" in text and "did you mean 'ARMCODE'?" in text
    assert len(check_files(trial.plan, trial.root)) == 3


def test_renamed_column_of_the_plan_and_of_the_source(trial):
    trial.write()
    qs, dm = trial.folder / "qs.csv", trial.folder / "dm.csv"
    qs.write_text(qs.read_text().replace("IRLS03", "IRLS3", 1).replace("IRLSDTC", "IRLSDATE", 1))
    dm.write_text(dm.read_text().replace("STRSEV", "SEVSTRATUM", 1))
    text = str(trial.rejected(write=False))
    assert "column IRLS03: the column 'IRLS03' (to become a test) is missing; did you mean 'IRLS3'?" in text
    assert "renames a column 'IRLSDTC' that the file does not have; did you mean 'IRLSDATE'?" in text
    assert "'STRSEV' is missing; it is needed as the randomization stratum 'STRSEV'" in text
    assert [t for t in check_files(trial.plan, trial.root) if "[R01]" in t] and len(check_files(trial.plan, trial.root)) == 3


def test_unknown_column_is_kept_and_reported(trial):
    for row in trial.tables["ae"]:
        row["COLOUR"] = "red"
    assert trial.findings() == [("R01", "ae.csv", 1, "COLOUR", None, "W")]
    assert set(trial.run().domains["AE"]["COLOUR"]) == {"red"}


def test_package_data_that_is_not_installed(trial):
    trial.study["data"] = "package:no_such_package/data"
    assert "not installed" in check_files(trial.plan, trial.root)[0] and "pilot" in check_files(trial.plan, trial.root)[0]


def test_missing_folder(trial):
    assert check_files(trial.plan, trial.root) == [
        "data: there is no such folder. Correct `data` in study.yaml, or put the raw files there."
    ]


def test_physical_lines_with_quoted_line_breaks_and_blank_lines(tmp_path):
    (tmp_path / "a.csv").write_text('A,B\n1,"x\ny"\n\n2,z\n')
    frame = read_table(tmp_path, "a.csv")
    assert frame["SRC_ROW"].tolist() == [2, 5] and frame["B"].tolist() == ["x\ny", "z"]


def test_empty_header_cell(tmp_path):
    (tmp_path / "a.csv").write_text("A,,B\n1,2,3\n")
    with pytest.raises(FileProblem, match="column 2 of the header has no name"):
        read_table(tmp_path, "a.csv")
