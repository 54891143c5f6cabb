"""Renderers: a document in, the bytes of one format out.

A further format is one module with one function and one entry in :func:`renderers`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nirls.tlf.document import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class Renderer:
    """One format.

    Attributes
    ----------
    suffix : str
        Of its files.
    kinds : frozenset of str
        Kinds of documents it takes.
    render : callable
        ``(document, svg) -> bytes``; `svg` is the drawing of a figure, else None.
    """

    suffix: str
    kinds: frozenset[str]
    render: Callable[[Document, bytes | None], bytes]


def renderers() -> dict[str, Renderer]:
    """Format → renderer."""
    return {
        "html": Renderer(suffix=".html", kinds=frozenset({"table", "figure", "answer"}), render=_html),
        "rtf": Renderer(suffix=".rtf", kinds=frozenset({"table"}), render=_rtf),
        "svg": Renderer(suffix=".svg", kinds=frozenset({"figure"}), render=_svg),
    }


def _html(document: Document, svg: bytes | None) -> bytes:
    from nirls.tlf.render.html import page

    return page(document, svg).encode()


def _rtf(document: Document, svg: bytes | None) -> bytes:
    from nirls.tlf.render.rtf import rtf

    return rtf(document)


def _svg(document: Document, svg: bytes | None) -> bytes:
    if svg is None:
        raise ValueError(f"{document.id} has no drawing")
    return svg
