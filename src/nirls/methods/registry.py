"""The registry of analysis methods.

A method is one module of :mod:`nirls.methods` holding an options model and one function decorated
with :func:`method`. Importing the registry, or any method module, loads no statistics library:
implementations import what they need inside the function.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from nirls.plan.base import PlanModel

if TYPE_CHECKING:
    import pandas as pd

    from nirls.plan.analysis import Analysis
    from nirls.plan.binding import Outcome
    from nirls.plan.load import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisData:
    """What a method receives.

    Attributes
    ----------
    frame : DataFrame
        Records of the data set that pass set, `where` and arms; the treatment variable is an
        ordered Categorical with the arms in display order.
    adsl : DataFrame
        One row per subject of the analysis set (the denominators), same treatment Categorical.
    spec : Analysis
        The plan entry.
    analysis_id : str
    plan : Plan
        The whole plan, for labels; a method must not read analyses or displays from it.
    used : dict of str to DataFrame
        ARDs of the analyses named in `uses`.
    ice : DataFrame or None
        Intercurrent events (ADICE) of the subjects of `adsl`.
    beside : dict of str to DataFrame
        The data sets that the method asks for beside its own (see :class:`Method`), records of the subjects of `adsl`.
    """

    frame: pd.DataFrame
    adsl: pd.DataFrame
    spec: Analysis
    analysis_id: str
    plan: Plan
    used: dict[str, pd.DataFrame] = field(default_factory=dict)
    ice: pd.DataFrame | None = None
    beside: dict[str, pd.DataFrame] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodResult:
    """What a method returns: ARD rows (see :mod:`nirls.ard.build`) and, for displays that show subjects, records."""

    rows: list[dict[str, Any]]
    records: pd.DataFrame | None = None
    footnotes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A registered method.

    Attributes
    ----------
    reads : tuple of str
        What it reads of the plan beyond the fields of the study all analyses may read: "instruments", "parameters", "seed",
        "intercurrent_events", "adverse_events".
        A change of these runs its analyses again.
    keeps_records : bool
        Whether its result has records of subjects.
    outcome : {"repeated mean", "mean", "response", "time"} or None
        What it estimates from an outcome, which decides the strategies for intercurrent events it can follow; with none it uses
        every value as it is.
    beside : tuple of str
        Data sets it reads beside the one of the plan entry: "ADEX", "ADEXSUM", "ADRISK".
    """

    name: str
    options: type[PlanModel]
    function: Callable[[AnalysisData, Any], MethodResult]
    module: str
    summary: str
    reads: tuple[str, ...] = ()
    keeps_records: bool = False
    outcome: Outcome | None = None
    beside: tuple[str, ...] = ()


METHODS: dict[str, Method] = {}


def method(
    name: str,
    *,
    options: type[PlanModel],
    reads: tuple[str, ...] = (),
    keeps_records: bool = False,
    outcome: Outcome | None = None,
    beside: tuple[str, ...] = (),
) -> Callable[[Callable], Callable]:
    """Register a method under `name`; its first docstring line is its one-line description. The rest: see :class:`Method`."""

    def register(function: Callable) -> Callable:
        if name in METHODS and METHODS[name].module != function.__module__:
            raise ValueError(f"method {name!r} is defined in both {METHODS[name].module} and {function.__module__}")
        summary = (function.__doc__ or "").strip().splitlines()[0] if function.__doc__ else ""
        METHODS[name] = Method(
            name=name,
            options=options,
            function=function,
            module=function.__module__,
            summary=summary,
            reads=reads,
            keeps_records=keeps_records,
            outcome=outcome,
            beside=beside,
        )
        return function

    return register


@cache
def all_methods() -> dict[str, Method]:
    """Every method of the package, by name; imports the method modules once."""
    package = importlib.import_module("nirls.methods")
    for info in pkgutil.iter_modules(package.__path__):
        if info.name != "registry" and not info.name.startswith("_"):
            importlib.import_module(f"nirls.methods.{info.name}")
    return dict(sorted(METHODS.items()))
