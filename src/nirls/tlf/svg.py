"""A small SVG writer for drawings that are not plots, and what all drawings share: names, stamps and stable ids."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

from nirls.tlf.palette import INK, SOFT, STAMP
from nirls.tlf.text import FAMILY


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if value % 1 else f"{value:.0f}"


@dataclass(slots=True)
class Drawing:
    """An SVG under construction; lengths are CSS pixels."""

    width: float
    height: float
    title: str
    description: str
    name: str
    parts: list[str] = field(default_factory=list)

    def rect(
        self, x: float, y: float, w: float, h: float, *, fill: str = "#fff", stroke: str = INK, line: float = 1.0, radius: float = 0
    ) -> None:
        self.parts.append(
            f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(w)}" height="{_n(h)}" rx="{_n(radius)}" fill="{fill}" '
            f'stroke="{stroke}" stroke-width="{_n(line)}"/>'
        )

    def path(
        self, points: list[tuple[float, float]], *, stroke: str = INK, line: float = 1.2, arrow: bool = False, dash: str = "",
        fill: str = "none", closed: bool = False,
    ) -> None:  # fmt: skip
        steps = " L".join(f"{_n(x)} {_n(y)}" for x, y in points) + (" Z" if closed else "")
        tip = f' marker-end="url(#{self.name}-tip)"' if arrow else ""
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(f'<path d="M{steps}" fill="{fill}" stroke="{stroke}" stroke-width="{_n(line)}"{dashes}{tip}/>')

    def disc(self, x: float, y: float, r: float, *, fill: str = INK, stroke: str = INK, line: float = 1.2) -> None:
        self.parts.append(f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(r)}" fill="{fill}" stroke="{stroke}" stroke-width="{_n(line)}"/>')

    def sign(self, stamps: tuple[str, ...], source: str, size: float = 11.0) -> None:
        """Stamps (left) and source line (right) along the lower edge, so that they stay with a drawing that is copied out."""
        if stamps:
            self.text(10, self.height - 8, " · ".join(stamps), size=size, bold=True, fill=STAMP)
        self.text(self.width - 10, self.height - 8, source, size=size, anchor="end", fill=SOFT)

    def text(
        self, x: float, y: float, text: str, *, size: float, bold: bool = False, anchor: str = "start", fill: str = INK, halo: str = "",
    ) -> None:  # fmt: skip
        weight = ' font-weight="700"' if bold else ""
        edge = f' stroke="{halo}" stroke-width="4" stroke-linejoin="round" paint-order="stroke"' if halo else ""
        self.parts.append(
            f'<text x="{_n(x)}" y="{_n(y)}" font-size="{_n(size)}"{weight} text-anchor="{anchor}" fill="{fill}"{edge}>{escape(text)}</text>'
        )

    def encode(self) -> bytes:
        """The finished SVG."""
        head = (
            f'<?xml version="1.0" encoding="utf-8"?>\n<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(self.width)} '
            f'{_n(self.height)}" '
            f'width="{_n(self.width)}" height="{_n(self.height)}" role="img" aria-labelledby="{self.name}-svg-title {self.name}-svg-desc" '
            f"font-family={quoteattr(FAMILY)}>\n"
            f'<title id="{self.name}-svg-title">{escape(self.title)}</title>\n<desc '
            f'id="{self.name}-svg-desc">{escape(self.description)}</desc>\n'
            f'<defs><marker id="{self.name}-tip" viewBox="0 0 8 8" refX="7.2" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
            f'<path d="M0 0.6 L7.4 4 L0 7.4 z" fill="{INK}"/></marker></defs>\n'
            f'<rect width="{_n(self.width)}" height="{_n(self.height)}" fill="#fff"/>\n'
        )
        return (head + "\n".join(self.parts) + "\n</svg>\n").encode()


def own(svg: str, name: str, title: str, description: str) -> bytes:
    """A matplotlib SVG with a title and a description, its size in pixels, and ids of its own, so that several can share a page.

    Raises
    ------
    ValueError
        If the text is not an SVG as matplotlib writes it.
    """
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r'(xlink:href|href)="#([^"]+)"', rf'\1="#{name}-\2"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", svg)
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.S)
    svg = re.sub(r"<!DOCTYPE.*?>\s*", "", svg, flags=re.S)
    svg = svg.replace("'DejaVu Sans'", FAMILY)
    opening = re.search(r"<svg\b[^>]*>", svg)
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    if opening is None or size is None:
        raise ValueError("not an SVG as matplotlib writes it")
    tag = re.sub(r'\b(width|height)="[^"]*"', lambda m: f'{m[1]}="{_n(float(size[1 if m[1] == "width" else 2]) * 4 / 3)}"', opening[0])
    tag = tag.replace("<svg", f'<svg role="img" aria-labelledby="{name}-svg-title {name}-svg-desc"', 1)
    words = f'<title id="{name}-svg-title">{escape(title)}</title><desc id="{name}-svg-desc">{escape(description)}</desc>'
    return (svg[: opening.start()] + tag + "\n" + words + svg[opening.end() :]).encode()
