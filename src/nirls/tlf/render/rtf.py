"""RTF tables by rtflite: repeated heads, page x of y, landscape where a table is wide."""

from __future__ import annotations

from nirls.tlf.document import Column, Row, TableDocument, stem

_PAGE = r"Page \chpgn  of {\field{\*\fldinst NUMPAGES }}"
_STUB = 2.6
"""Width of the row labels, in widths of a column."""
_SIZES = ((5, 9), (8, 8), (99, 7))
"""Up to so many columns, this font size in points."""


def rtf(document: TableDocument) -> bytes:
    """The table as an RTF document."""
    import polars as pl
    import rtflite as rtf

    columns = document.columns
    landscape = len(columns) > 4
    size = next(points for limit, points in _SIZES if len(columns) <= limit)
    sections, rows = _sections(document.rows)
    names = [f"c{i}" for i in range(len(columns) + 1)]
    table = [["\\line ".join([_stub(r)]), *(_text(c.text, c.marks) for c in r.cells)] for r in rows]
    frame = pl.DataFrame(
        {"section": sections, **{name: [line[i] for line in table] for i, name in enumerate(names)}},
        schema={"section": pl.String, **dict.fromkeys(names, pl.String)},
    )
    widths = [_STUB, *(_width(c, [r.cells[i].text for r in rows]) for i, c in enumerate(columns))]
    just = ["l", *("r" if c.align == "right" else c.align[0] for c in columns)]
    grid = [["b" if r.emphasis else ""] * len(names) for r in rows]
    text = {"text_font_size": [size], "text_convert": [False]}
    plain = {"border_left": [""], "border_right": [""]}
    heads = []
    if document.spanners:
        labels, spans = _spans(document)
        heads.append(
            rtf.RTFColumnHeader(
                text=[_escape(t) for t in labels],
                col_rel_width=[sum(widths[a : b + 1]) for a, b in spans],
                text_justification=["c"] * len(labels),
                border_top=["single"],
                border_bottom=["single" if t else "" for t in labels],
                text_format=["b"],
                **plain,
                **text,
            )
        )
    heads.append(
        rtf.RTFColumnHeader(
            text=[_escape(document.stub), *(_head(c) for c in columns)],
            col_rel_width=widths,
            text_justification=just,
            border_top=["" if document.spanners else "single"],
            border_bottom=["single"],
            text_format=["b"],
            **plain,
            **text,
        )
    )
    grouped = any(s != _NONE for s in sections)
    body = rtf.RTFBody(
        col_rel_width=[sum(widths), *widths] if grouped else widths,
        text_justification=[["l", *just] if grouped else just],
        text_format=[["b", *line] if grouped else line for line in grid],
        page_by=["section"] if grouped else None,
        border_left=[[""]],
        border_right=[[""]],
        border_top=[[""]],
        border_bottom=[[""]],
        text_font_size=[[size]],
        text_convert=[[False]],
        text_indent_left=[[0]],
    )
    titles = [f"{document.number}", document.title, *([document.subtitle] if document.subtitle else []), *document.stamps]
    notes = [_escape(document.population)] if document.population else []
    notes += [(rf"{{\super {_escape(n.mark)}}} " if n.mark else "") + _escape(n.text) for n in document.footnotes]
    made = rtf.RTFDocument(
        df=frame if grouped else frame.drop("section"),
        rtf_page=rtf.RTFPage(
            orientation="landscape" if landscape else "portrait",
            margin=[0.8, 0.8, 1.0, 0.8, 0.5, 0.5],
            col_width=9.4 if landscape else 6.9,
            nrow=_rows_per_page(size, landscape, len(titles), heads, notes),
            border_first="single",
            border_last="single",
            page_footnote="all",
            page_source="all",
        ),
        rtf_page_header=rtf.RTFPageHeader(text=_PAGE, text_font_size=[8]),
        rtf_title=rtf.RTFTitle(
            text=[_escape(t) for t in titles],
            text_format=["b"] * 2 + [""] * (len(titles) - 2),
            text_font_size=[10] * len(titles),
            text_justification=["c"],
            text_convert=[False],
            text_space_before=[0.0],
            text_space_after=[0.0] * (len(titles) - 1) + [90.0],
        ),
        rtf_column_header=heads,
        rtf_body=body,
        rtf_footnote=rtf.RTFFootnote(text=notes, as_table=False, text_font_size=[[8]], text_convert=[[False]]) if notes else None,
        rtf_source=rtf.RTFSource(text=[_escape(document.source)], text_font_size=[[8]], text_justification=[["l"]], text_convert=[[False]]),
    )
    return made.rtf_encode().encode("ascii")


_NONE = "-----"  # rtflite prints no heading for this group


def _sections(rows: tuple[Row, ...]) -> tuple[list[str], list[Row]]:
    """The heading each data row stands under, and the data rows."""
    at, sections, data = _NONE, [], []
    for row in rows:
        if row.kind == "section":
            at = _text(row.label, row.marks)
        else:
            sections.append(at)
            data.append(row)
    return sections, data


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
        labels.append(spanner.label)
        spans.append((spanner.first + 1, spanner.last + 1))
        at = spanner.last + 2
    if at <= len(document.columns):
        labels.append("")
        spans.append((at, len(document.columns)))
    return labels, spans


def _rows_per_page(size: float, landscape: bool, titles: int, heads: list, notes: list[str]) -> int:
    """Lines of the page that hold table rows, with room for what rtflite does not count."""
    height = (8.5 if landscape else 11.0) - 1.8
    per_line = size * 1.35 / 72
    wrap = 170 if landscape else 120
    used = titles * 0.19 + 0.1 + len(heads) * 2 * per_line + sum(1 + len(n) // wrap for n in notes) * 0.14 + 0.2
    return max(12, int((height - used) / per_line) + len(heads) + 1)


__all__ = ["rtf", "stem"]
