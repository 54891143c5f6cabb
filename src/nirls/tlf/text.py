"""Measuring and breaking text in the font of the figures, DejaVu Sans, which comes with matplotlib."""

from __future__ import annotations

from functools import cache

FAMILY = "'DejaVu Sans','Bitstream Vera Sans',Verdana,sans-serif"


@cache
def _advances(bold: bool) -> tuple[dict[int, int], int, int]:
    """Advance width per character, width of an unknown one, units per em."""
    from pathlib import Path

    import matplotlib
    from fontTools.ttLib import TTFont

    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / ("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf")
    with TTFont(path, lazy=True) as font:
        widths = font["hmtx"].metrics
        table = {code: widths[name][0] for code, name in font.getBestCmap().items()}
        return table, widths[".notdef"][0], font["head"].unitsPerEm


def width(text: str, size: float, bold: bool = False) -> float:
    """Width of a line of text, in the unit of `size`."""
    table, unknown, em = _advances(bold)
    return sum(table.get(ord(char), unknown) for char in text) * size / em


def wrap(text: str, size: float, limit: float, bold: bool = False) -> list[str]:
    """Break a text at spaces (not at no-break spaces) so that no line is wider than `limit`; a wider word is broken where it must be."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        while width(word, size, bold) > limit:
            fit = max(1, next((i for i in range(len(word), 0, -1) if width(word[:i], size, bold) <= limit), 1))
            if line:
                lines.append(line)
                line = ""
            lines.append(word[:fit])
            word = word[fit:]
        if not word:
            continue
        longer = f"{line} {word}" if line else word
        if line and width(longer, size, bold) > limit:
            lines.append(line)
            line = word
        else:
            line = longer
    return [*lines, line] if line or not lines else lines
