"""One variable of an ADaM data set, as a define.xml needs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Type = Literal["text", "float", "integer", "date"]
Origin = Literal["Collected", "Derived", "Assigned", "Predecessor"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One variable.

    Attributes
    ----------
    name, label : str
        SAS name and label.
    type : {"text", "float", "integer", "date"}
        A date is ISO 8601 text.
    origin : {"Collected", "Derived", "Assigned", "Predecessor"}
        Where the value comes from, in the words of Define-XML.
    derivation : str
        The predecessor or the rule, in words.
    core : {"Req", "Cond"}
        Required in every study, or present where the study has it.
    """

    name: str
    label: str
    type: Type
    origin: Origin
    derivation: str
    core: Literal["Req", "Cond"] = "Req"


def variable(name: str, label: str, type: Type, origin: Origin, derivation: str, core: Literal["Req", "Cond"] = "Req") -> Variable:
    return Variable(name=name, label=label, type=type, origin=origin, derivation=derivation, core=core)
