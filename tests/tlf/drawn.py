"""Reading drawings back: texts with their boxes, and the shapes."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from nirls.tlf.text import width

SVG = "{http://www.w3.org/2000/svg}"


def words(svg: bytes) -> list[str]:
    """Every text of a drawing."""
    return ["".join(t.itertext()) for t in ET.fromstring(svg).iter(f"{SVG}text")]


def boxes(svg: bytes) -> list[tuple[str, float, float, float, float]]:
    """(text, left, top, right, bottom) of every text, measured in the font of the figures."""
    out = []
    for t in ET.fromstring(svg).iter(f"{SVG}text"):
        text, size = "".join(t.itertext()), float(t.get("font-size"))
        long = width(text, size, t.get("font-weight") == "700")
        left = float(t.get("x")) - {"start": 0, "middle": long / 2, "end": long}[t.get("text-anchor")]
        out.append((text, left, float(t.get("y")) - 0.75 * size, left + long, float(t.get("y")) + 0.2 * size))
    return out


def assert_legible(svg: bytes) -> None:
    """No text leaves the drawing, none is small, no two meet."""
    root = ET.fromstring(svg)
    found = boxes(svg)
    assert min(float(t.get("font-size")) for t in root.iter(f"{SVG}text")) >= 11
    for text, left, top, right, bottom in found:
        assert left >= 0 and top >= 0 and right <= float(root.get("width")) and bottom <= float(root.get("height")), text
    for i, (a, l1, t1, r1, b1) in enumerate(found):
        for b, l2, t2, r2, b2 in found[:i]:
            assert not (l1 < r2 - 0.5 and l2 < r1 - 0.5 and t1 < b2 - 0.5 and t2 < b1 - 0.5), f"{a!r} meets {b!r}"
