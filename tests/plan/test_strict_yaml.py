"""YAML is read strictly: repeated keys are errors and text stays text."""

from nirls.plan.strict_yaml import read_yaml


def read(tmp_path, text):
    path = tmp_path / "x.yaml"
    path.write_text(text, encoding="utf-8")
    return read_yaml(path, "x.yaml")


def test_repeated_key_names_both_lines(tmp_path):
    _, _, problems = read(tmp_path, "a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n")
    assert problems == ["x.yaml: line 5: the key 'b.c' is repeated (first on line 3); remove one of the two"]


def test_text_stays_text(tmp_path):
    data, _, problems = read(tmp_path, "a: NA\nb: NO\nc: 001\nd: 2026-06-30\ne: yes\nf: 1:30\ng: true\nh: -4\ni: 0.5\nj: null\nk: <25\n")
    assert problems == []
    assert data == {
        "a": "NA",
        "b": "NO",
        "c": "001",
        "d": "2026-06-30",
        "e": "yes",
        "f": "1:30",
        "g": True,
        "h": -4,
        "i": 0.5,
        "j": None,
        "k": "<25",
    }


def test_lines(tmp_path):
    _, lines, _ = read(tmp_path, "a:\n  - x: 1\n  - x: 2\n")
    assert lines[("a", 1, "x")] == 3


def test_broken_yaml(tmp_path):
    data, _, problems = read(tmp_path, "a: [1, 2\nb: 3\n")
    assert data is None
    assert "not valid YAML" in problems[0] and "line 2" in problems[0]


def test_absent_and_empty(tmp_path):
    assert "does not exist" in read_yaml(tmp_path / "no.yaml", "no.yaml")[2][0]
    assert "is empty" in read(tmp_path, "# nothing\n")[2][0]


def test_encoding(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_bytes("title: Störung\n".encode("latin-1"))
    assert "not UTF-8 at byte 9" in read_yaml(path, "x.yaml")[2][0]
