"""HTML: a semantic table with caption, row and column heads that stay in place, and a page that prints.

The markup is our own template and not great_tables': that writes the title as a row of the table head instead of a caption, gives
fixed ids that collide when a page holds several tables, has no heads that stay in place and repeats 10 KB of style in every table.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from nirls.tlf.document import Document, TableDocument, stem

WIDE = 5
"""More columns than this print in landscape."""


@cache
def _template(name: str):
    import jinja2

    from nirls.tlf.formats import bind

    env = jinja2.Environment(autoescape=True, trim_blocks=False, undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    env.filters["bind"] = bind
    return env.from_string(files("nirls.tlf.render").joinpath("templates", name).read_text(encoding="utf-8"))


def style() -> str:
    """The style sheet of fragments; a page needs it once."""
    return files("nirls.tlf.render").joinpath("templates", "style.css").read_text(encoding="utf-8")


def fragment(document: Document, svg: bytes | None = None) -> str:
    """The document as one ``<section>``, to be put into a page that has :func:`style`.

    Parameters
    ----------
    document : Document
    svg : bytes, optional
        The drawing of a figure.

    Raises
    ------
    ValueError
        If a figure comes without its drawing.
    """
    from markupsafe import Markup

    drawing = ""
    if document.kind == "figure":
        if svg is None:
            raise ValueError(f"{document.id} is a figure and needs its drawing")
        drawing = _inline(svg.decode(), document.width)
    return _template("fragment.html.j2").render(doc=document, stem=stem(document.id), svg=Markup(drawing), spans=_spans(document))


def page(document: Document, svg: bytes | None = None) -> str:
    """The document as a page of its own."""
    from markupsafe import Markup

    landscape = document.kind == "figure" or (document.kind == "table" and len(document.columns) > WIDE)
    return _template("page.html.j2").render(
        doc=document, fragment=Markup(fragment(document, svg)), style=Markup(style()), landscape=landscape
    )


def _inline(svg: str, width: float) -> str:
    """The drawing without XML prologue, never narrower than its smallest text can bear (it scrolls instead)."""
    start = svg.index("<svg")
    return svg[start:].replace("<svg", f'<svg style="min-width:{width:.0f}px;max-width:{width * 1.25:.0f}px"', 1).strip()


def _spans(document: Document) -> list[dict]:
    """Spanning heads and the gaps between them, over all columns."""
    if not isinstance(document, TableDocument):
        return []
    out: list[dict] = []
    at = 0
    for spanner in sorted(document.spanners, key=lambda s: s.first):
        if spanner.first > at:
            out.append({"label": "", "width": spanner.first - at})
        out.append({"label": spanner.label, "width": spanner.last - spanner.first + 1, "marks": spanner.marks})
        at = spanner.last + 1
    if document.spanners and at < len(document.columns):
        out.append({"label": "", "width": len(document.columns) - at})
    return out
