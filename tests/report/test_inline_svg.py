"""Drawings that share a page."""

import re

import pytest

from nirls.report.errors import ReportError
from nirls.report.svg import inline_svg

from .conftest import SVG


def drawing(body, head=""):
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10" {head}>{body}</svg>'


def test_ids_and_references_are_prefixed_together():
    one = inline_svg(SVG, name="f1", label="A line")
    assert set(re.findall(r' id="([^"]+)"', one)) == {"f1-drawing", "f1-c1", "f1-m1", "f1-figure_1", "f1-p1"}
    assert 'href="#f1-m1"' in one and one.count("url(#f1-c1)") == 2 and "url(#f1-g1)" in one
    other = inline_svg(SVG, name="f2", label="A line")
    assert not set(re.findall(r' id="([^"]+)"', one)) & set(re.findall(r' id="([^"]+)"', other))


def test_styles_hold_for_one_drawing_only():
    text = inline_svg(SVG, name="f1", label="A line")
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1]
    assert (
        style
        == "#f1-drawing * {stroke-linejoin: round; stroke-linecap: butt}\n#f1-drawing .s, #f1-drawing #f1-p1:hover {fill: url(#f1-g1)}"
    )


def test_label_stands_for_the_drawing():
    text = inline_svg(SVG, name="f1", label='5 < 6 & "so"')
    assert text.startswith('<svg id="f1-drawing" role="img" aria-label="5 &lt; 6 &amp; &quot;so&quot;"')
    assert 'viewBox="0 0 460.8 288"' in text and " width=" not in text.split(">")[0]
    assert "metadata" not in text and "DOCTYPE" not in text and "http" not in text and "Week 4 &lt; NAME" in text


def test_references_to_the_drawing_itself():
    text = inline_svg(drawing('<use href="#top"/>', 'id="top"'), name="f1", label="x")
    assert text.count("f1-drawing") == 2 and "f1-top" not in text


def test_size_without_a_view_box():
    text = '<svg xmlns="http://www.w3.org/2000/svg" width="20pt" height="10pt"/>'
    assert 'viewBox="0 0 20 10"' in inline_svg(text, name="f1", label="x")
    with pytest.raises(ReportError, match="width"):
        inline_svg('<svg xmlns="http://www.w3.org/2000/svg" width="100%" height="10"/>', name="f1", label="x")


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("<script>alert(1)</script>", "script"),
        ('<rect onclick="alert(1)"/>', "script"),
        ('<image href="https://example.org/a.png"/>', "another file"),
        ('<rect style="fill: url(paint.svg#a)"/>', "another file"),
        ("<style>@import url(a.css);</style>", "style rule"),
        ("<style>@font-face{font-family: A; src: url(a.woff)}</style>", "style rule"),
        ("<style>@media print{rect{fill: red}}</style>", "style rule"),
        ("<g>", "well-formed"),
    ],
)
def test_drawings_that_are_refused(body, what):
    with pytest.raises(ReportError, match=what):
        inline_svg(drawing(body), name="f9", label="x")


def test_embedded_picture_stays():
    assert 'href="data:image/png;base64,AAAA"' in inline_svg(drawing('<image href="data:image/png;base64,AAAA"/>'), name="f1", label="x")
