"""The registry of layouts.

A layout is one module of this package holding an options model and one function decorated with
:func:`layout`. It takes a :class:`Request` and gives a :class:`Laid` document. Importing the registry, or any layout module, loads neither
pandas nor plotnine: layouts import what they need inside functions.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from nirls.plan.base import PlanModel
from nirls.tlf.document import Document

if TYPE_CHECKING:
    import pandas as pd

    from nirls.plan.display import Display
    from nirls.tlf.context import DisplayContext
    from nirls.tlf.lookup import Ard


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a layout receives.

    Attributes
    ----------
    id : str
        Display number, such as T14.2.1.1.
    display : Display
        The plan entry.
    options : PlanModel
        Its options, checked against the layout's model.
    ards : dict of str to Ard
        Role → results, ready for look-up.
    records : dict of str to DataFrame or None
        Role → records of subjects, where the analysis keeps them.
    context : DisplayContext
    """

    id: str
    display: Display
    options: Any
    ards: Mapping[str, Ard]
    records: Mapping[str, pd.DataFrame | None] = field(default_factory=dict)
    context: DisplayContext


@dataclass(frozen=True, slots=True, kw_only=True)
class Laid:
    """What a layout returns: the document and, for a figure, the drawing as SVG."""

    document: Document
    svg: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A registered layout.

    Attributes
    ----------
    roles : tuple of str
        Roles a display must give an analysis for.
    optional : tuple of str
        Roles it may give an analysis for; "*" stands for any name.
    kind : str
        Kind of its displays.
    """

    name: str
    options: type[PlanModel]
    roles: tuple[str, ...]
    optional: tuple[str, ...]
    kind: Literal["table", "figure", "answer"]
    function: Callable[[Request], Laid]
    module: str
    summary: str


LAYOUTS: dict[str, Layout] = {}


def layout(
    name: str,
    *,
    options: type[PlanModel],
    roles: tuple[str, ...],
    optional: tuple[str, ...] = (),
    kind: Literal["table", "figure", "answer"] = "table",
) -> Callable[[Callable[[Request], Laid]], Callable[[Request], Laid]]:
    """Register a layout under `name`; its first docstring line is its one-line description."""

    def register(function: Callable[[Request], Laid]) -> Callable[[Request], Laid]:
        if name in LAYOUTS and LAYOUTS[name].module != function.__module__:
            raise ValueError(f"layout {name!r} is defined in both {LAYOUTS[name].module} and {function.__module__}")
        summary = (function.__doc__ or "").strip().splitlines()[0] if function.__doc__ else ""
        LAYOUTS[name] = Layout(
            name=name,
            options=options,
            roles=roles,
            optional=optional,
            kind=kind,
            function=function,
            module=function.__module__,
            summary=summary,
        )
        return function

    return register


@cache
def all_layouts() -> dict[str, Layout]:
    """Every layout of the package, by name; imports the layout modules once."""
    package = importlib.import_module("nirls.tlf.layouts")
    for info in pkgutil.iter_modules(package.__path__):
        if info.name != "registry" and not info.name.startswith("_"):
            importlib.import_module(f"nirls.tlf.layouts.{info.name}")
    return dict(sorted(LAYOUTS.items()))
