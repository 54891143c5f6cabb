"""What the displays of subgroup effects share: the lines, read from the results."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf.context import DisplayContext
from nirls.tlf.errors import DisplayError
from nirls.tlf.formats import number, p_value
from nirls.tlf.layouts._common import capital
from nirls.tlf.lookup import Ard, Found
from nirls.tlf.notes import Notes

EFFECT, SHRUNK, INTERACTION, DIRECTION, OVERALL, FAMILY = (
    "subgroup effect", "shrunken effect", "interaction", "qualitative interaction", "overall effect", "family",
)  # fmt: skip
THREE = ("estimate", "conf_low", "conf_high")


class SubgroupsDisplay(PlanModel):
    """Options of the displays of `subgroups`."""

    comparison: str | None = Field(None, description="Comparison to show, as the results name it; default: their first.")
    known: dict[str, float] = Field(
        default_factory=dict, description="'VARIABLE' → true difference of the effects of its two levels, where known (simulated data)."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One level: sizes, effect (estimate and limits), shrunken effect; why it is not estimated (`reason`), and its small arms (`few`)."""

    name: str
    sizes: tuple[Found, Found] | None
    effect: tuple[Found, ...]
    shrunken: tuple[Found, ...]
    reason: str
    few: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One variable with its levels and its test of interaction."""

    variable: str
    levels: tuple[Level, ...]
    prespecified: bool
    family: str
    p: Found | None
    adjusted: Found | None
    difference: tuple[Found, ...]
    between: tuple[str, ...]
    direction: Found | None
    missing: int


def comparison_of(ard: Ard, options: SubgroupsDisplay) -> str:
    """The comparison asked for, else the first of the overall effects."""
    have = ard.values("comparison", variable=OVERALL)
    if options.comparison is not None and options.comparison not in have:
        known = ", ".join(have)
        raise DisplayError(f"{ard.display_id}: options.comparison: {options.comparison!r} is not in {ard.analysis_id!r}, which has {known}")
    return options.comparison or have[0]


def blocks(ard: Ard, context: DisplayContext, comparison: str) -> list[Block]:
    """The variables of the results in order."""
    at = {"comparison": comparison, "visit": ard.facts["at"]}
    out = []
    for variable in ard.values("group2", variable=EFFECT):
        of = at | {"group2": variable}
        levels = []
        for level in ard.values("group2_level", variable=EFFECT, group2=variable, comparison=comparison):
            key = of | {"group2_level": level}
            n, m = (ard.find(s, variable=EFFECT, **key) for s in ("n_subjects", "n_reference"))
            effect = tuple(f for s in THREE if (f := ard.find(s, variable=EFFECT, **key)) is not None)
            shrunken = tuple(f for s in THREE if (f := ard.find(s, variable=SHRUNK, **key)) is not None)
            known = len(effect) == 3
            reason, few = ("", ()) if known else shown_reason(effect[0].error if effect else "not estimated", context)
            if few:
                effect = (replace(effect[0], error=f"fewer subjects than needed in {', '.join(few)}"),)
            sizes = (n, m) if n is not None and m is not None else None
            levels.append(Level(name=level, sizes=sizes, effect=effect, shrunken=shrunken if known else (), reason=reason, few=few))
        planned = ard.get("rejected", variable=INTERACTION, **of)
        difference = tuple(f for s in THREE if (f := ard.find(s, variable=INTERACTION, **of)) is not None and not f.error)
        between = ard.find("text", variable=INTERACTION, **of)
        lost = [ard.find("n", variable="no value", group2=variable, group1_level=arm.code) for arm in context.arms]
        out.append(
            Block(
                variable=variable, levels=tuple(levels), prespecified=bool(planned.value), family=family_text(ard, **of),
                p=ard.find("p_value", variable=INTERACTION, **of),
                adjusted=ard.find("p_adjusted", variable=INTERACTION, **of), difference=difference,
                between=tuple(between.text.split("|")) if between is not None else (),
                missing=sum(int(f.value) for f in lost if f is not None),
                direction=ard.find("p_value", variable=DIRECTION, **of),
            )
        )  # fmt: skip
    return out


def told(ard: Ard, variable: str, what: str) -> str:
    """What the plan says of a variable's credibility: `larger`, `why`, `evidence`, `levels` or `cut`; empty where it says nothing."""
    found = ard.find("text", variable="credibility", group2=variable, variable_level=what)
    return found.text if found is not None else ""


def family_text(ard: Ard, **key: str) -> str:
    """ "pre-specified; Holm family: groups, 3 tests", or "exploratory"."""
    planned = ard.find("rejected", variable=INTERACTION, **key)
    if planned is None or not planned.value:
        return "exploratory"
    family, n = ard.get("text", variable=FAMILY, **key), ard.get("n", variable=FAMILY, **key)
    return f"pre-specified; Holm family: {family.text}, {int(n.value)} test{'s' if n.value > 1 else ''}"


def shown_reason(error: str, context: DisplayContext) -> tuple[str, tuple[str, ...]]:
    """Why a level is not estimated, arms by their short names and more than two of them counted; and the names of the small arms."""
    found = re.fullmatch(r"not estimated \(n<(\d+) in (.+)\)", error)
    if found is None:
        return error, ()
    shorts = {arm.code: arm.short for arm in context.arms}
    few = tuple(shorts.get(code, code) for code in found[2].split(", "))
    where = ", ".join(few) if len(few) < 3 else f"{len(few)} arms"
    return f"not estimated (n < {found[1]} in {where})", few


def p_text(context: DisplayContext, block: Block) -> str:
    """ "p 0.0833, Holm 0.2500"; what could not be tested says NE."""
    if block.p is None or block.p.error:
        return "NE"
    text = p_value(block.p.value, context.p_style)
    return f"{text}; Holm {p_value(block.adjusted.value, context.p_style)}" if block.adjusted is not None else text


def effect_text(found: tuple[Found, ...], digits: int) -> str:
    """ "−4.65 (−6.73, −2.57)"."""
    return f"{number(found[0].value, digits)} ({number(found[1].value, digits)}, {number(found[2].value, digits)})"


def subgroup_notes(ard: Ard, context: DisplayContext, found: list[Block], notes: Notes) -> None:
    """Who is in no group, model, shrinkage, multiplicity and what is not claimed."""
    for block in found:
        if block.missing:
            name = context.labels.get(block.variable, block.variable)
            notes.general(f"{name}: {block.missing} subjects without a value are in none of its groups and not in its model.")
    notes.general(f"{capital(ard.facts['least'])}.")
    notes.general(f"{capital(ard.facts['subgroup_model'])}. Degrees of freedom: {ard.facts['ddf']}; margins {ard.facts['weights']}.")
    if "covariance" in ard.facts:
        notes.general(f"Covariance of repeated measurements: {ard.facts['covariance']}. Effects at {ard.facts['at'].lower()}.")
    notes.general(f"Shrunken effects: {ard.facts['shrinkage']}.")
    notes.general(f"{capital(ard.facts['multiplicity'])}.")
    for text in ard.footnotes:
        notes.general(text)
