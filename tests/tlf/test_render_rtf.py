"""RTF: well formed, complete, page by page."""

import re

import pytest

from nirls.tlf.render.rtf import _escape, rtf


def plain(content: bytes) -> tuple[str, int]:
    """The text of an RTF document, and the deepest nesting; unbalanced groups and stray bytes fail.

    A reader of the subset of RTF 1.9 that matters here: groups, control words, \\uN with one substitute character, escapes.
    """
    text, depth, deepest, i, out = content.decode("ascii"), 0, 0, 0, []
    while i < len(text):
        char = text[i]
        if char == "{":
            depth += 1
            deepest = max(deepest, depth)
        elif char == "}":
            depth -= 1
            assert depth >= 0, "a group closes that was not opened"
            assert depth > 0 or not text[i + 1 :].strip(), "text after the last group"
        elif char == "\\":
            if text[i + 1] in "\\{}":
                out.append(text[i + 1])
                i += 1
            elif text[i + 1] == "~":
                out.append(" ")
                i += 1
            elif text[i + 1] == "*":
                i += 1
            else:
                word = re.match(r"\\([a-z]+)(-?\d+)? ?", text[i:])
                assert word, f"no control word at {text[i : i + 20]!r}"
                if word[1] == "u":
                    out.append(chr(int(word[2]) % 65536))
                    i += 1  # the substitute character
                elif word[1] in ("cell", "par", "line", "row"):
                    out.append("\n")
                i += len(word[0]) - 1
        elif char != "\n":
            out.append(char)
        i += 1
    assert depth == 0, "a group is not closed"
    return "".join(out), deepest


@pytest.fixture
def tables(made):
    return {number: (document, rendered["rtf"]) for number, (document, rendered) in made.items() if document.kind == "table"}


def test_everything_a_document_says_is_in_it(tables):
    for document, content in tables.values():
        assert content.startswith(b"{\\rtf1")
        text, _ = plain(content)
        said = [
            document.number,
            document.title,
            document.population,
            document.source,
            *document.stamps,
            *(f.text for f in document.footnotes),
        ]
        said += [row.label for row in document.rows] + [c.text for row in document.rows for c in row.cells]
        for words in said:
            assert words in text, words
        for column in document.columns:
            assert column.label in text and (column.n is None or f"(N={column.n})" in text)


def test_rows_stand_once_and_in_order(tables):
    document, content = tables["T14.2.1.2"]
    text, _ = plain(content)
    lines = [line.strip() for line in text.split("\n")]
    wanted = [tuple(c.text for c in row.cells) for row in document.rows if row.kind == "data"]
    width = len(document.columns)
    at = 0
    for cells in wanted:
        at = next(i for i in range(at, len(lines)) if tuple(lines[i : i + width]) == cells) + width


def test_every_page_has_title_head_and_number(tables, world):
    document, content = tables["T14.2.1.1"]
    pages = content.count(b"\\page\n") + 1
    assert pages > 1
    text, _ = plain(content)
    assert text.count(document.title) == pages
    assert text.count(document.columns[-1].label) >= pages
    assert text.count(document.population) == pages
    assert content.count(b"NUMPAGES") == 1 and b"\\chpgn" in content
    assert b"{\\fs16 %d}" % pages in content


def test_sections_stay_together(tables):
    content = tables["T14.2.1.1"][1]
    assert "(continued)" not in plain(content)[0]


def test_a_section_longer_than_a_page_continues_under_its_heading(tables):
    import dataclasses

    document = tables["T14.1.1"][0]
    section, row = document.rows[0], document.rows[2]
    long = dataclasses.replace(document, rows=(section, *(dataclasses.replace(row, label=f"Row {i}") for i in range(150))))
    text, _ = plain(rtf(long))
    assert f"{section.label} (continued)" in text
    assert all(text.count(f"Row {i}\n") == 1 for i in range(150))


def test_escapes():
    assert _escape("a{b}\\c") == "a\\{b\\}\\\\c"
    assert (
        plain(("{" + _escape("−5 µg/L α {x} \\ 🙂") + "}").encode())[0].encode("utf-16", "surrogatepass").decode("utf-16")
        == "−5 µg/L α {x} \\ 🙂"
    )
