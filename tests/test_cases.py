"""Published cases: the shipped file, and rows that are refused with file, row, column and value."""

from pathlib import Path

import pytest

from nirls.cases import read_cases
from nirls.errors import DataError

FILE = Path(__file__).parents[1] / "data/literature/cases.csv"
ROW = '"J Med Case Rep 2010;4:286, PMID 20731851",abstract,2,B,2'


def test_the_shipped_file():
    case = read_cases(FILE, limits=(0, 40))["MITCHELL-2010"]
    assert case.weeks == (0, 2, 4) and case.values == (27, 2, 0) and case.phases == ("A", "B", "B") and case.starts == ()
    assert "J Med Case Rep 2010;4:286" in case.citation and case.phase("B") == ([2, 4], [2, 0])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (ROW, ",abstract,2,B,2", r"cases.csv: row 3: column citation: '' is empty \(MITCHELL-2010\); give the DOI"),
        (ROW, ROW.replace("abstract", "hearsay"), "row 3: column read: 'hearsay' is not one of abstract"),
        (ROW, ROW.replace(",B,2", ",X,2"), r"row 3: column phase: 'X' is not one of A \(before treatment\)"),
        (ROW, ROW.replace(",B,2", ",B,some"), "row 3: column value: 'some' is not a number"),
        (ROW, ROW.replace(",B,2", ",B,"), "row 3: column value: '' is not a number; a course without numbers is no row"),
        (ROW, ROW.replace(",B,2", ",B,nan"), "row 3: column value: 'nan' is not a number"),
        (ROW, ROW.replace(",B,2", ",B,41"), "row 3: column value: 41 is outside the scale, 0 to 40"),
        (ROW, ROW.replace(",2,B", ",0,B"), "row 3: column week: 0 of MITCHELL-2010 does not come after 0"),
        (ROW, ROW.replace(",2,B", ",2,F"), "row 4: column phase: B of MITCHELL-2010 follows F; the order is A, B, F"),
        (ROW, ROW.replace("4:286", "4:287"), "row 3: column citation: .*4:287.* of MITCHELL-2010 is not that of its row before"),
        (ROW + ",,,", ROW + ",,,,more", r"row 3: the cells \['more'\] stand beyond the last column"),
        ("0,A,27,,", "0,A,27,3,", "row 3: column start_from: nan of MITCHELL-2010 is not that of its row before, 3.0"),
        ("id,citation,read", "id,source,read", "row 1: there is no column citation"),
    ],
)  # fmt: skip
def test_rows_that_are_refused(tmp_path, old, new, message):
    text = FILE.read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "cases.csv").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_cases(tmp_path / "cases.csv", "cases.csv", (0, 40))


def test_no_such_file(tmp_path):
    with pytest.raises(DataError, match=r"cases\.csv: there is no such file; correct `cases` of the analysis"):
        read_cases(tmp_path / "cases.csv", "cases.csv")
