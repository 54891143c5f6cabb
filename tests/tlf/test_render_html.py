"""HTML: semantics, completeness and a page that holds several displays."""

import re
from html.parser import HTMLParser

import pytest

from nirls.tlf.document import Cell, Column, Row, TableDocument
from nirls.tlf.render.html import fragment, page, style

VOID = {"meta", "br", "path", "rect", "use", "img", "link", "hr"}


class Tree(HTMLParser):
    """Checks that tags nest, and collects what a test asks for."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.ids, self.rows, self.text = [], [], [], [], ""

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append((tag, attrs))
        if "id" in attrs:
            self.ids.append(attrs["id"])
        if tag == "tr":
            self.rows.append(0)
        if tag in ("td", "th") and self.rows:
            self.rows[-1] += int(attrs.get("colspan", 1))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> closes <{self.open[-1:]}>"
        self.open.pop()

    def handle_startendtag(self, tag, attrs):
        if "id" in dict(attrs):
            self.ids.append(dict(attrs)["id"])

    def handle_data(self, data):
        self.text += data.replace("\u00a0", " ")


def parse(text):
    tree = Tree()
    tree.feed(text)
    tree.close()
    assert tree.open == []
    return tree


@pytest.fixture
def tables(made):
    return {number: (document, rendered) for number, (document, rendered) in made.items() if document.kind == "table"}


def test_tables_are_semantic(tables):
    for number, (document, rendered) in tables.items():
        tree = parse(rendered["html"].decode())
        tags = [tag for tag, _ in tree.tags]
        assert tags.count("caption") == 1 and tags.count("table") == 1, number
        columns = [a for tag, a in tree.tags if tag == "th" and a.get("scope") == "col"]
        assert len(columns) == len(document.columns) + 1, number
        heads = [a for tag, a in tree.tags if tag == "th" and a.get("scope") == "row"]
        assert len(heads) == sum(row.kind == "data" for row in document.rows), number
        assert set(tree.rows) == {len(document.columns) + 1}, f"{number}: every row spans all columns"
        scroll = [a for _, a in tree.tags if a.get("class") == "nd-scroll"]
        assert scroll[0]["tabindex"] == "0" and scroll[0]["role"] == "region" and scroll[0]["aria-labelledby"] in tree.ids
        assert len(tree.ids) == len(set(tree.ids))


def test_everything_a_document_says_is_on_the_page(tables):
    for document, rendered in tables.values():
        text = parse(rendered["html"].decode()).text
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
            assert words in text
        for column in document.columns:
            assert column.n is None or f"(N={column.n})" in text


def test_page_needs_nothing_from_elsewhere(made):
    for _, rendered in made.values():
        html = rendered["html"].decode()
        links = re.findall(r'(?:src|href)="([^"#][^"]*)"', html)
        assert links == []
        assert "@import" not in html and "url(http" not in html


def test_fragments_share_a_page_without_sharing_ids(made):
    parts = [fragment(document, rendered.get("svg")) for document, rendered in made.values()]
    ids = [i for part in parts for i in re.findall(r'\bid="([^"]+)"', part)]
    assert len(ids) == len(set(ids))
    used = {i for part in parts for i in re.findall(r'url\(#([^)]+)\)|(?:href|aria-labelledby)="#?([^"]+)"', part) for i in i if i}
    assert {one for i in used for one in i.split()} <= set(ids), "every reference has its target"


def test_text_is_escaped(tables):
    import dataclasses

    document = dataclasses.replace(tables["T14.1.2"][0], title="a < b & c <script>")
    html = page(document)
    assert "a &lt; b &amp; c &lt;script&gt;" in html and "<script>" not in html


def test_wide_tables_print_in_landscape(tables, world):
    html = tables["T14.1.1"][1]["html"].decode()
    assert ("A4 landscape" in html) == (len(world.codes) > 4)
    assert "sticky" in style() and "@media print" in style()


def test_a_figure_needs_its_drawing(made):
    with pytest.raises(ValueError, match="needs its drawing"):
        fragment(made["F14.1.1"][0])


def test_long_words_wrap_and_short_ones_do_not():
    columns = (Column(id="a", label="a", align="left"), Column(id="b", label="b"))
    rows = (Row(label="r", cells=(Cell(text="w " * 60), Cell(text="1 " * 60))), Row(label="s", cells=(Cell(text="short"), Cell(text="1"))))
    text = fragment(TableDocument(id="T1", number="Table 1", title="t", stub="s", columns=columns, rows=rows))
    assert re.findall(r'<td class="([^"]+)"', text) == ["nd-left nd-long", "nd-right", "nd-left", "nd-right"]
