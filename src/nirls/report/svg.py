"""Drawings inside the page.

Several drawings share one HTML document, where an ``id`` must be unique and a style sheet holds for everything. Drawings
made by the same library use the same ids for clip paths and glyphs, and begin with a style such as ``*{stroke-linejoin:
round}``. Every id is therefore prefixed with the figure's name, wherever it is defined or referred to, and every style rule
is confined to its own drawing.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree

from markupsafe import Markup

from nirls.report.errors import ReportError

_SVG = "{http://www.w3.org/2000/svg}"
_XLINK = "{http://www.w3.org/1999/xlink}"
_XML = "{http://www.w3.org/XML/1998/namespace}"
_URL = re.compile(r"url\(\s*(['\"]?)(.*?)\1\s*\)")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_ID_SELECTOR = re.compile(r"#([A-Za-z_][\w-]*)")
_LEFT_OUT = ("metadata", "title", "desc")


def inline_svg(text: str, *, name: str, label: str) -> Markup:
    """A drawing as markup for an HTML page that holds several.

    Parameters
    ----------
    text : str
        The SVG file.
    name : str
        Prefix of its ids, unique in the page; the drawing itself gets the id ``<name>-drawing``.
    label : str
        Text in place of the drawing (``aria-label``).

    Raises
    ------
    ReportError
        If the file is not SVG, has no size, runs a script or needs another file.
    """
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ReportError(f"the drawing {name}.svg is not well-formed XML ({error}); draw it again") from error
    if root.tag != f"{_SVG}svg":
        raise ReportError(f"the drawing {name}.svg holds <{root.tag}>, not <svg> of the SVG namespace; draw it again")
    scope = f"{name}-drawing"
    own = root.attrib.pop("id", None)
    _clean(root, name, scope, own)
    if "viewBox" not in root.attrib:
        width, height = (_pixels(root.attrib.get(side, ""), name, side) for side in ("width", "height"))
        root.set("viewBox", f"0 0 {width:g} {height:g}")
    for attribute in ("width", "height", "version"):
        root.attrib.pop(attribute, None)
    root.attrib = {"id": scope, "role": "img", "aria-label": label, "focusable": "false", **root.attrib}
    root.tail = None
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def _pixels(text: str, name: str, side: str) -> float:
    found = re.fullmatch(r"([0-9.]+)(px|pt)?", text.strip())
    if not found:
        raise ReportError(f"the drawing {name}.svg has neither a viewBox nor a {side} in px or pt; draw it again")
    return float(found[1])


def _clean(element: ElementTree.Element, name: str, scope: str, own: str | None) -> None:
    """Take namespaces, metadata and comments out; prefix ids and confine styles, all the way down."""
    element.tag = element.tag.removeprefix(_SVG)
    if element.tag == "script":
        raise ReportError(f"the drawing {name}.svg runs a script; the report takes still drawings only")
    element.attrib = {_plain(k): _value(_plain(k), v, name, scope, own) for k, v in element.attrib.items() if _kept(k)}
    if element.tag == "style":
        element.text = _confine(element.text or "", name, scope, own)
        element.attrib = {}
    for child in list(element):
        if not isinstance(child.tag, str) or not child.tag.startswith(_SVG) or child.tag.removeprefix(_SVG) in _LEFT_OUT:
            element.remove(child)
        else:
            _clean(child, name, scope, own)


def _kept(name: str) -> bool:
    """Attributes that stay: the drawing has one label, given on its root, and is one picture to a screen reader."""
    if name == "role" or name.startswith("aria-"):
        return False
    return not name.startswith("{") or name.startswith((_XLINK + "href", _XML))


def _plain(name: str) -> str:
    return name.replace(_XLINK, "").replace(_XML, "xml:")


def _value(key: str, value: str, name: str, scope: str, own: str | None) -> str:
    if key.lower().startswith("on"):
        raise ReportError(f"the drawing {name}.svg runs a script ({key}); the report takes still drawings only")
    if key == "id":
        return _id(value, name, scope, own)
    if key == "href":
        if value.startswith("#"):
            return "#" + _id(value[1:], name, scope, own)
        if not value.startswith("data:"):
            raise ReportError(f"the drawing {name}.svg needs another file ({value[:80]}); embed it in the drawing")
    return _urls(value, name, scope, own)


def _id(value: str, name: str, scope: str, own: str | None) -> str:
    return scope if value == own else f"{name}-{value}"


def _urls(text: str, name: str, scope: str, own: str | None) -> str:
    def local(found: re.Match[str]) -> str:
        target = found[2]
        if target.startswith("#"):
            return f"url(#{_id(target[1:], name, scope, own)})"
        if target.startswith("data:"):
            return found[0]
        raise ReportError(f"the drawing {name}.svg needs another file ({target[:80]}); embed it in the drawing")

    return _URL.sub(local, text)


def _confine(css: str, name: str, scope: str, own: str | None) -> str:
    """Every rule of a style sheet, for this drawing only."""
    css = _COMMENT.sub("", css)
    if "@" in _RULE.sub("", css) or any(selectors.strip().startswith("@") for selectors, _ in _RULE.findall(css)):
        raise ReportError(f"the drawing {name}.svg has a style rule beginning with @, which would hold for the whole page; leave it out")
    rules = []
    for selectors, body in _RULE.findall(css):
        parts = []
        for selector in selectors.split(","):
            selector = _ID_SELECTOR.sub(lambda m: "#" + _id(m[1], name, scope, own), selector.strip())
            parts.append(f"#{scope}" if selector in ("svg", ":root") else f"#{scope} {selector}")
        rules.append(f"{', '.join(parts)} {{{_urls(body.strip(), name, scope, own)}}}")
    return "\n".join(rules)
