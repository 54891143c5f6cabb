"""Build the report from files to files."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nirls.report.errors import ReportError
from nirls.report.manifest import manifest, to_text
from nirls.report.material import input_files, read_material
from nirls.report.page import PageView, page_view

if TYPE_CHECKING:
    from nirls.plan.load import Plan


def build_files(plan: Plan, inputs: Any, outputs: Any) -> None:
    """Write the report and its manifest; `inputs` and `outputs` are those of the rule `report`.

    Parameters
    ----------
    plan : Plan
    inputs : object
        See :func:`nirls.report.material.read_material`.
    outputs : object
        With `html` (in a folder of the study's results) and `manifest`.

    Raises
    ------
    ReportError
        If a file is absent or not what it should be.
    """
    material = read_material(plan, inputs)
    html = Path(outputs.html)
    html.write_text(render(page_view(plan, material)), encoding="utf-8", newline="\n")
    given = input_files(inputs)
    paths = [Path(p) for p in dict.fromkeys(map(str, given))]
    Path(outputs.manifest).write_text(to_text(manifest(plan, material, [*paths, html], html.parent.parent)), encoding="utf-8", newline="\n")


def render(view: PageView) -> str:
    """The page as one self-contained HTML text.

    Raises
    ------
    ReportError
        If two elements of the page have the same id.
    """
    from markupsafe import Markup

    from nirls.tlf.render.html import style

    folder = files("nirls.report").joinpath("templates")
    css = style() + folder.joinpath("report.css").read_text(encoding="utf-8")
    text = (
        _environment().get_template("page.html.j2").render(page=view, css=Markup(css), stamp=Markup(_css_string(" · ".join(view.stamps))))
    )
    _check_ids(text)
    return text


def _css_string(text: str) -> str:
    """A text as a string of a style sheet; anything but letters, digits and spaces is escaped."""
    return '"' + "".join(c if c.isalnum() or c == " " else f"\\{ord(c):06x} " for c in text) + '"'


def _check_ids(text: str) -> None:
    counts = Counter(re.findall(r'<[^<>]*?\sid="([^"]+)"', text))
    twice = [name for name, n in counts.items() if n > 1]
    if twice:
        names = ", ".join(twice[:10])
        raise ReportError(
            f"the ids {names} stand more than once in the page; a display has the number of another, or a drawing was not confined"
        )


@cache
def _environment() -> Any:
    import jinja2

    return jinja2.Environment(
        loader=jinja2.PackageLoader("nirls.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
