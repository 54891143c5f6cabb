"""Making a display: results in, document and rendered bytes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from nirls.tlf.document import Document, stem, to_json
from nirls.tlf.errors import DisplayError
from nirls.tlf.layouts.registry import Layout, Request, all_layouts
from nirls.tlf.lookup import Ard

if TYPE_CHECKING:
    import pandas as pd

    from nirls.plan.display import Display
    from nirls.tlf.context import DisplayContext


def make_display(
    display_id: str,
    display: Display,
    ards: Mapping[str, pd.DataFrame],
    records: Mapping[str, pd.DataFrame | None],
    context: DisplayContext,
    formats: Sequence[str] | None = None,
) -> tuple[Document, dict[str, bytes]]:
    """The document of a display and its renderings.

    Parameters
    ----------
    display_id : str
        Display number, such as T14.2.1.1.
    display : Display
        Its plan entry.
    ards : mapping of str to DataFrame
        Role → results data, as read from the analysis' file.
    records : mapping of str to DataFrame or None
        Role → records of subjects, for layouts that show individuals.
    context : DisplayContext
        See :func:`nirls.tlf.context.context_for`.
    formats : sequence of str, optional
        Formats wanted besides JSON; default: the display's own, else all that its kind has.

    Returns
    -------
    document : Document
    rendered : dict of str to bytes
        Format → file content; "json" is always among them.

    Raises
    ------
    DisplayError
        If a role, an option, a row of results or a format is missing or wrong.
    """
    from nirls.tlf.render import renderers

    entry = find_layout(display_id, display)
    options = _options(display_id, display, entry)
    tables = {role: Ard(ards[role], role, display_id) for role in _roles(display_id, display, entry, ards)}
    laid = entry.function(Request(id=display_id, display=display, options=options, ards=tables, records=dict(records), context=context))
    available = {name: r for name, r in renderers().items() if laid.document.kind in r.kinds}
    wanted = formats if formats is not None else display.formats or list(available)
    out = {"json": to_json(laid.document).encode()}
    for name in wanted:
        if name == "json":
            continue
        if name not in available:
            raise DisplayError(f"{display_id}: a {laid.document.kind} has no format {name!r}; it has {', '.join(['json', *available])}")
        out[name] = available[name].render(laid.document, laid.svg)
    return laid.document, out


def find_layout(display_id: str, display: Display) -> Layout:
    """The layout of a display; an error names those there are."""
    layouts = all_layouts()
    if display.layout not in layouts:
        raise DisplayError(f"{display_id}: there is no layout {display.layout!r}; layouts are {', '.join(layouts)}")
    entry = layouts[display.layout]
    if entry.kind != display.kind:
        raise DisplayError(f"{display_id}: the layout {entry.name!r} makes a {entry.kind}, but the display is of kind {display.kind!r}")
    return entry


def _options(display_id: str, display: Display, entry: Layout) -> object:
    from pydantic import ValidationError

    from nirls.plan.base import validate

    try:
        return validate(entry.options, display.options)
    except ValidationError as error:
        problems = "; ".join(f"options.{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise DisplayError(f"{display_id}: {problems}") from error


def _roles(display_id: str, display: Display, entry: Layout, ards: Mapping[str, pd.DataFrame]) -> list[str]:
    """Roles in the plan's order, required ones first; all must be known and given."""
    lacking = [role for role in entry.roles if role not in display.analyses]
    if lacking:
        raise DisplayError(f"{display_id}: the layout {entry.name!r} needs an analysis for the role {', '.join(lacking)}")
    allowed = {*entry.roles, *entry.optional}
    strange = [role for role in display.analyses if role not in allowed and "*" not in allowed]
    if strange:
        raise DisplayError(
            f"{display_id}: the layout {entry.name!r} has no role {', '.join(strange)}; its roles are {', '.join(sorted(allowed))}"
        )
    absent = [role for role in display.analyses if role not in ards]
    if absent:
        raise DisplayError(
            f"{display_id}: no results were given for the role {', '.join(absent)} (analysis "
            f"{', '.join(display.analyses[r] for r in absent)})"
        )
    return [*entry.roles, *(role for role in display.analyses if role not in entry.roles)]


__all__ = ["find_layout", "make_display", "stem"]
