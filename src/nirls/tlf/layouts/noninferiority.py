"""Table of non-inferiority to an active arm, one column for each analysis set."""

from __future__ import annotations

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf import model_text
from nirls.tlf.document import Cell, Column, Row, TableDocument
from nirls.tlf.errors import DisplayError
from nirls.tlf.formats import interval, number, p_value, with_spread
from nirls.tlf.layouts._common import capital, cell, digits, head
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.lookup import Ard, Found
from nirls.tlf.notes import Notes

DECIDED = {1.0: "yes", 0.0: "no"}


class NonInferiorityDisplay(PlanModel):
    """Options of `noninferiority`."""

    known: float | None = Field(None, description="True difference test − active, where it is known (simulated data).")


def facts_of(request: Request) -> dict[str, str]:
    """What the results say of arms, visit and margin; those of both sets agree."""
    facts = [request.ards[role].facts for role in ("full", "protocol")]
    for name in ("test", "active", "placebo", "at", "margin"):
        if len({f.get(name, "") for f in facts}) > 1:
            raise DisplayError(f"{request.id}: the two analyses differ in {name}: {' / '.join(f.get(name, '') for f in facts)}")
    if "test" not in facts[0]:
        raise DisplayError(f"{request.id}: no decision on a margin in the results; use analyses with the method 'noninferiority'")
    return facts[0]


def decision(found: Found) -> str:
    """ "yes" or "no"; "NE" where nothing was decided."""
    return DECIDED.get(found.value, "NE")


@layout("noninferiority", options=NonInferiorityDisplay, roles=("full", "protocol"), optional=("claim",))
def noninferiority(request: Request) -> Laid:
    """Margin, difference with interval, decision, superiority, assay sensitivity and part retained, for both analysis sets."""
    context, options, notes = request.context, request.options, Notes()
    facts = facts_of(request)
    ards = {role: request.ards[role] for role in ("full", "protocol")}
    test, active = context.arm(facts["test"]), context.arm(facts["active"])
    main = ards["full"]
    d, ci = digits(context, "estimate"), model_text.level_text(main)
    key = {"variable": model_text.response(main, None), "visit": facts["at"]}

    def over(make) -> tuple[Cell, ...]:
        return tuple(make(ard) for ard in ards.values())

    def plain(stat_name: str, level: str = "") -> tuple[Cell, ...]:
        def make(ard: Ard) -> Cell:
            found = ard.get(stat_name, variable="noninferiority", variable_level=level)
            return cell(number(found.value, 2), notes, found)

        return over(make)

    def decided(name: str) -> tuple[Cell, ...]:
        def make(ard: Ard) -> Cell:
            yes, p = (ard.get(s, variable="noninferiority", variable_level=name) for s in ("rejected", "p_value"))
            text = "NE" if yes.value != yes.value else f"{decision(yes)} (p {_with_sign(p_value(p.value, context.p_style))})"
            return cell(text, notes, yes, p)

        return over(make)

    def mean(arm: str) -> tuple[Cell, ...]:
        def make(ard: Ard) -> Cell:
            a, b = (ard.get(s, **key, group1_level=arm) for s in ("lsmean", "lsmean_se"))
            return cell(with_spread(a.value, b.value, digits(context, "lsmean"), digits(context, "lsmean_se")), notes, a, b)

        return over(make)

    def effect(first: str, second: str) -> tuple[Cell, ...]:
        def make(ard: Ard) -> Cell:
            a, low, high = (ard.get(s, **key, comparison=f"{first} - {second}") for s in ("estimate", "conf_low", "conf_high"))
            text = "NE" if a.value != a.value else f"{number(a.value, d)} {interval(low.value, high.value, d)}"
            return cell(text, notes, a, low, high)

        return over(make)

    placebo = facts.get("placebo", "")
    arms = [test.code, active.code, *([placebo] if placebo else [])]
    rows = [Row(label=f"LS mean (SE), {facts['at'][:1].lower()}{facts['at'][1:]}", kind="section")]
    rows += [Row(label=context.arm(a).short, indent=1, cells=mean(a)) for a in arms]
    rows.append(Row(label="Non-inferiority", kind="section"))
    rows.append(Row(label=f"{test.short} − {active.short} ({ci})", indent=1, cells=effect(test.code, active.code), emphasis=True))
    if main.find("margin", variable="noninferiority", variable_level="M1") is not None:
        rows.append(Row(label="Effect of the drug that is sure (M1)", indent=1, cells=plain("margin", "M1")))
    rows.append(Row(label="Margin (M2)", indent=1, cells=plain("margin")))
    rows.append(Row(label="Non-inferiority shown", indent=1, cells=decided("non-inferior"), emphasis=True))
    rows.append(Row(label="Superior, tested after non-inferiority", indent=1, cells=decided("superior")))
    if placebo:
        sham = context.arm(placebo).short
        rows.append(Row(label=f"Against {sham[:1].lower()}{sham[1:]}", kind="section"))
        rows.append(Row(label=f"{active.short} − {sham} ({ci})", indent=1, cells=effect(active.code, placebo)))
        rows.append(Row(label=f"{test.short} − {sham} ({ci})", indent=1, cells=effect(test.code, placebo)))
        rows.append(Row(label="Assay sensitivity: drug better than sham", indent=1, cells=decided("assay sensitivity")))

        def kept(ard: Ard) -> Cell:
            a, low, high = (ard.get(s, variable="noninferiority", variable_level="retained") for s in ("retained", "conf_low", "conf_high"))
            return cell(f"{number(a.value, 2)} {interval(low.value, high.value, 2)}", notes, a, low, high)

        rows.append(Row(label=f"Part of the effect of the drug retained (Fieller {ci})", indent=1, cells=over(kept)))
        share = number(100 * float(facts["retained"]), 0)  # of the plan, as a percentage
        rows.append(Row(label=f"Retains at least {share}% of it", indent=1, cells=decided("retention")))
    if main.find("rejected", variable="noninferiority", variable_level="synthesis") is not None:
        rows.append(Row(label="Sensitivity", kind="section"))
        rows.append(Row(label="Non-inferiority shown by the synthesis method", indent=1, cells=decided("synthesis")))
    if (claim := request.ards.get("claim")) is not None:
        yes = claim.get("rejected", variable="noninferiority", variable_level="claim")
        why = claim.get("text", variable="noninferiority", variable_level="claim")
        rows.append(Row(label="Claim, needs both sets", kind="section"))
        rows.append(Row(label="Non-inferiority claimed", indent=1, cells=(cell(decision(yes), notes, yes), Cell()), emphasis=True))
        notes.general(f"{'Claim' if yes.value == 1 else 'No claim'}: {why.text.rstrip('.')}.")
    notes.general(f"Margin: {facts['margin'].rstrip('.')}.")
    notes.general(f"Why this margin: {facts['justification'].rstrip('.')}.")
    side, limit = ("below", "upper") if facts["worse"] == "higher" else ("above", "lower")
    notes.general(
        f"Not inferior when the {limit} limit of the {ci} lies {side} the margin; p of these tests is one-sided. That it was not shown is "
        "not evidence of inferiority."
    )
    said = {role: [*model_text.footnotes(ard, context), *ard.footnotes] for role, ard in ards.items()}
    for text in said["full"]:
        notes.general(text)
    for text in (t for t in said["protocol"] if t not in said["full"]):
        notes.general(f"{capital(context.set_label(ards['protocol'].analysis_set))}: {text[:1].lower()}{text[1:]}")
    if options.known is not None:
        notes.general(f"Truth of the generator, {test.short} − {active.short}: {number(options.known, d)}.")
    columns = tuple(Column(id=role, label=capital(context.set_label(ard.analysis_set)), n=_size(ard, arms)) for role, ard in ards.items())
    document = TableDocument(stub="", columns=columns, rows=tuple(rows), **head(request, notes, "full", arms))
    return Laid(document=document)


def _size(ard: Ard, arms: list[str]) -> int:
    return sum(int(ard.size(a).value) for a in arms)


def _with_sign(text: str) -> str:
    return text if text[:1] in "<>" else f"= {text}"
