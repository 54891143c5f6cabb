"""RTF tables by rtflite, landscape where a table is wide, with titles, heads and footnotes on every page and "Page x of y".

rtflite breaks pages by measuring the RTF source of a cell, control words included, and may so leave a page half empty or split a
section after its first row. The pages are therefore filled here, sections kept together, each page is encoded by rtflite as a document,
and the documents are joined with page breaks as rtflite's own ``assemble_rtf`` joins files.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from nirls.tlf.document import Column, Row, TableDocument

_PAGE = r"Page \chpgn  of {\field{\*\fldinst {\fs16 NUMPAGES }}{\fldrslt {\fs16 %d}}}"
_ARIAL = 4
_STUB = 2.6
"""Width of the row labels, in widths of a column."""
_SIZES = ((5, 9), (8, 8), (99, 7))
"""Up to so many columns, this font size in points."""
_NONE = "-----"
"""Group for which rtflite prints no heading."""
_NOTE, _TITLE = 8, 10
_LINE = 1.28
"""Height of a line, in font sizes."""
_ALL = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sheet:
    """Measures of a page, inches and points."""

    landscape: bool
    size: int
    width: float
    height: float
    widths: tuple[float, ...]

    @property
    def stub(self) -> float:
        return self.width * self.widths[0] / sum(self.widths)


def rtf(document: TableDocument) -> bytes:
    """The table as an RTF document."""
    sheet = _sheet(document)
    pages = _pages(document, sheet)
    encoded = [_encode(document, sheet, page, len(pages)) for page in pages]
    first = encoded[0].rstrip().removesuffix("}")
    rest = [_body(text) for text in encoded[1:]]
    return ("\\page\n".join([first, *rest]) + "}\n").encode("ascii")


def _sheet(document: TableDocument) -> _Sheet:
    columns = document.columns
    landscape = len(columns) > 4
    widths = [_STUB, *(_width(c, [r.cells[i].text for r in document.rows if r.cells]) for i, c in enumerate(columns))]
    size = next(points for limit, points in _SIZES if len(columns) <= limit)
    return _Sheet(landscape=landscape, size=size, width=9.4 if landscape else 6.9, height=6.6 if landscape else 9.1, widths=tuple(widths))


def _pages(document: TableDocument, sheet: _Sheet) -> list[list[tuple[str, Row]]]:
    """(section heading, row) by page; a section that fits on a page is not broken, one that does not is continued under its heading."""
    room = _room(document, sheet)
    pages: list[list[tuple[str, Row]]] = [[]]
    used = 0
    for heading, rows in _sections(document.rows):
        need = [_lines(row, sheet) for row in rows]
        if used and used + 1 + sum(need) > room and (1 + sum(need) <= room or used + 3 > room):
            pages.append([])
            used = 0
        used += heading != _NONE
        title = heading
        for row, lines in zip(rows, need, strict=True):
            if used + lines > room and pages[-1]:
                pages.append([])
                title = heading if heading == _NONE else f"{heading} (continued)"
                used = int(heading != _NONE)
            pages[-1].append((title, row))
            used += lines
    return pages


def _sections(rows: tuple[Row, ...]) -> list[tuple[str, list[Row]]]:
    """The headings with the rows under them."""
    out: list[tuple[str, list[Row]]] = []
    for row in rows:
        if row.kind == "section":
            out.append((_text(row.label, row.marks), []))
        else:
            if not out:
                out.append((_NONE, []))
            out[-1][1].append(row)
    return [(heading, rows) for heading, rows in out if rows]


def _lines(row: Row, sheet: _Sheet) -> int:
    """Lines of the row label; cells do not break."""
    from nirls.tlf.text import width

    inches = width(row.label, sheet.size) * 0.9 / 72 + 0.12 * row.indent + 0.1  # Arial is about a tenth narrower than DejaVu Sans
    return max(1, math.ceil(inches / sheet.stub))


def _room(document: TableDocument, sheet: _Sheet) -> int:
    """Lines of the page that are left for the body of the table."""
    from nirls.tlf.text import width

    def block(texts: list[str], size: float) -> float:
        lines = sum(max(1, math.ceil(width(t, size) * 0.9 / 72 / sheet.width)) for t in texts)
        return lines * size * _LINE / 72

    notes = [document.population, *(f.text for f in document.footnotes), document.source]
    head = (1 + bool(document.spanners) + max(len(c.label.split()) > 1 for c in document.columns) + 1) * sheet.size * _LINE / 72
    used = block(_titles(document), _TITLE) + 0.1 + head + block([n for n in notes if n], _NOTE) + 0.1
    return max(8, int((sheet.height - used) / (sheet.size * _LINE / 72 + 0.021)))


def _titles(document: TableDocument) -> list[str]:
    return [document.number, document.title, *([document.subtitle] if document.subtitle else []), *document.stamps]


def _encode(document: TableDocument, sheet: _Sheet, page: list[tuple[str, Row]], pages: int) -> str:
    """One page as a document of its own."""
    import polars as pl
    import rtflite as rtf

    names = [f"c{i}" for i in range(len(document.columns) + 1)]
    grouped = any(heading != _NONE for heading, _ in page)
    table = {"section": [heading for heading, _ in page]} if grouped else {}
    table |= {
        name: [_stub(r) if i == 0 else _text(r.cells[i - 1].text, r.cells[i - 1].marks) for _, r in page] for i, name in enumerate(names)
    }
    just = ["l", *("r" if c.align == "right" else c.align[0] for c in document.columns)]
    grid = [["b" if row.emphasis else ""] * len(names) for _, row in page]
    text = {"text_font": [[_ARIAL]], "text_font_size": [[sheet.size]], "text_convert": [[False]]}
    bare = {f"border_{side}": [[""]] for side in ("left", "right", "top", "bottom", "first")}
    titles = _titles(document)
    note = {
        "as_table": False,
        "text_font": [[_ARIAL]],
        "text_font_size": [[_NOTE]],
        "text_convert": [[False]],
        "text_justification": [["l"]],
    }
    notes = [_escape(document.population)] if document.population else []
    notes += [(rf"{{\super {_escape(n.mark)}}} " if n.mark else "") + _escape(n.text) for n in document.footnotes]
    widths = list(sheet.widths)
    made = rtf.RTFDocument(
        df=pl.DataFrame(table, schema=dict.fromkeys(table, pl.String)),
        rtf_page=rtf.RTFPage(
            orientation="landscape" if sheet.landscape else "portrait",
            margin=[0.8, 0.8, 1.0, 0.8, 0.5, 0.5],
            col_width=sheet.width,
            nrow=_ALL,
            border_first="single",
            border_last="single",
        ),
        rtf_page_header=rtf.RTFPageHeader(text=_PAGE % pages, text_font=[_ARIAL], text_font_size=[_NOTE]),
        rtf_title=rtf.RTFTitle(
            text=[_escape(t) for t in titles],
            text_font=[_ARIAL],
            text_format=["b"] * 2 + [""] * (len(titles) - 2),
            text_font_size=[_TITLE] * len(titles),
            text_justification=["c"],
            text_convert=[False],
            text_space_before=[0.0],
            text_space_after=[0.0] * (len(titles) - 1) + [90.0],
        ),
        rtf_column_header=_heads(document, sheet, just),
        rtf_body=rtf.RTFBody(
            col_rel_width=[sum(widths), *widths] if grouped else widths,
            text_justification=[["l", *just] if grouped else just],
            text_format=[["b", *line] if grouped else line for line in grid],
            page_by=["section"] if grouped else None,
            **bare,
            **text,
        ),
        rtf_footnote=rtf.RTFFootnote(text=notes, **note) if notes else None,
        rtf_source=rtf.RTFSource(text=[_escape(document.source)], **note),
    )
    return made.rtf_encode()


def _heads(document: TableDocument, sheet: _Sheet, just: list[str]) -> list:
    """Column heads: the spanning ones, if any, then one per column."""
    import rtflite as rtf

    look = {
        "border_left": [""], "border_right": [""], "text_font": [_ARIAL], "text_font_size": [sheet.size], "text_format": ["b"],
        "text_convert": [False],
    }  # fmt: skip
    out = []
    if document.spanners:
        labels, spans = _spans(document)
        out.append(
            rtf.RTFColumnHeader(
                text=labels,
                col_rel_width=[sum(sheet.widths[a : b + 1]) for a, b in spans],
                text_justification=["c"] * len(labels),
                border_top=["single"],
                border_bottom=["single" if t else "" for t in labels],
                **look,
            )
        )
    out.append(
        rtf.RTFColumnHeader(
            text=[_escape(document.stub), *(_head(c) for c in document.columns)],
            col_rel_width=list(sheet.widths),
            text_justification=just,
            border_top=["" if document.spanners else "single"],
            border_bottom=["single"],
            **look,
        )
    )
    return out


def _body(text: str) -> str:
    """What follows the page set-up of an encoded document, without its closing brace."""
    lines = text.rstrip().removesuffix("}").split("\n")
    setup = max(i for i, line in enumerate(lines) if line.startswith((r"\paperw", r"\margl")))
    return "\n".join(lines[setup + 1 :])


def _escape(text: str) -> str:
    """Text in RTF: control characters escaped, everything outside ASCII as a Unicode code."""
    out = []
    for char in text:
        if char in "\\{}":
            out.append("\\" + char)
        elif char == "\n":
            out.append("\\line ")
        elif ord(char) < 128:
            out.append(char)
        else:
            units = char.encode("utf-16-le")
            out += [rf"\uc1\u{int.from_bytes(units[i : i + 2], 'little', signed=True)}*" for i in range(0, len(units), 2)]
    return "".join(out)


def _text(text: str, marks: tuple[str, ...]) -> str:
    return _escape(text) + (rf"{{\super {','.join(marks)}}}" if marks else "")


def _stub(row: Row) -> str:
    return r"\~" * (3 * row.indent) + _text(row.label, row.marks)


def _head(column: Column) -> str:
    return _text(column.label, column.marks) + (rf"\line (N={column.n})" if column.n is not None else "")


def _width(column: Column, texts: list[str]) -> float:
    """Relative width of a column by its longest text."""
    longest = max([len(t) for t in texts] + [max((len(w) for w in column.label.split()), default=0)], default=4)
    return max(0.55, min(1.7, longest / 11))


def _spans(document: TableDocument) -> tuple[list[str], list[tuple[int, int]]]:
    """Labels and (first, last) physical columns of the spanning heads, gaps included; physical column 0 is the stub."""
    labels, spans, at = [], [], 0
    for spanner in sorted(document.spanners, key=lambda s: s.first):
        if spanner.first + 1 > at:
            labels.append("")
            spans.append((at, spanner.first))
        labels.append(_text(spanner.label, spanner.marks))
        spans.append((spanner.first + 1, spanner.last + 1))
        at = spanner.last + 2
    if at <= len(document.columns):
        labels.append("")
        spans.append((at, len(document.columns)))
    return labels, spans
