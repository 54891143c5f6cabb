"""Figure of the participant flow (CONSORT 2025)."""

from __future__ import annotations

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf.context import TOTAL
from nirls.tlf.document import FigureDocument, stem
from nirls.tlf.errors import DisplayError
from nirls.tlf.formats import NBSP, bind
from nirls.tlf.layouts._common import chosen_arms, head
from nirls.tlf.layouts._common import number as display_number
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.lookup import Ard
from nirls.tlf.notes import Notes
from nirls.tlf.population import set_name


class FlowOptions(PlanModel):
    """Options of `flow`."""

    arms: list[str] | None = Field(
        None, description="Arms to show; none for all. The total of the arms shown must be all randomized subjects."
    )
    primary: str = Field("FAS", description="Analysis set of the primary outcome; its flag is counted by the role `main`.")
    primary_reason: str | None = Field(
        None,
        description="Variable of the role `main`: why subjects are not in the set; default: its name followed by XR, if counted.",
    )
    received: str = Field("TRTFL", description="Flag of subjects who received treatment.")
    received_label: str = Field("Received at least one treatment", description="Text of that number.")
    treatment: str = Field("EOTSTT", description="Treatment status, counted among those who received treatment.")
    treatment_reason: str | None = Field("DCTREAS", description="Reason for discontinuing treatment.")
    study: str = Field("EOSSTT", description="Study status, counted among the randomized.")
    study_reason: str | None = Field("DCSREAS", description="Reason for leaving the study.")
    excluded_reason: str = Field("DCSREAS", description="Variable of the role `excluded`: why subjects were not randomized.")
    untreated_reason: str = Field("DCTREAS", description="Variable of the role `untreated`: why subjects did not receive treatment.")


class _Counts:
    """Counts by key, each remembered as a reference; every sum of the flow is checked."""

    def __init__(self, request: Request) -> None:
        self.request, self.refs = request, []

    def size(self, ard: Ard, group: str) -> int:
        found = ard.size(group)
        self.refs.append(found.ref)
        return int(found.value)

    def of(self, ard: Ard, variable: str, level: str, group: str) -> int:
        """Subjects with a level; a level nobody has in any column is not in the results and counts zero (the sums catch a wrong name)."""
        ard.levels(variable)
        if not ard.has_level(variable, level):
            return 0
        found = ard.get("n", variable=variable, variable_level=level, group1_level=group)
        self.refs.append(found.ref)
        return int(found.value)

    def reasons(self, ard: Ard, variable: str | None, group: str) -> list[tuple[str, int]]:
        """Reasons with their numbers, those nobody gave left out."""
        if variable is None or not ard.has(variable):
            return []
        out = [(self.request.context.level(variable, level), self.of(ard, variable, level, group)) for level in ard.levels(variable)]
        return [(text, n) for text, n in out if n]

    def check(self, node: str, total: int, parts: dict[str, int], hint: str = "") -> None:
        """Raise an error that names the node and its numbers unless the parts make the total."""
        if sum(parts.values()) != total:
            sums = " + ".join(f"{n} ({name})" for name, n in parts.items())
            raise DisplayError(f"{self.request.id}: the flow does not add up at {node}: {total} ≠ {sums}." + (f" {hint}" if hint else ""))


@layout("flow", options=FlowOptions, roles=("main",), optional=("screened", "excluded", "untreated", "analysed"), kind="figure")
def flow(request: Request) -> Laid:
    """Flow of participants from assessment to the primary analysis; every sum is checked."""
    from nirls.tlf.layouts._flow_drawing import ArmFlow, Flow, draw

    options, context, notes, counts = request.options, request.context, Notes(), _Counts(request)
    main = request.ards["main"]
    screened = request.ards.get("screened", main)
    arms = chosen_arms(main, context, options.arms)
    numbers = {arm.code: counts.size(main, arm.code) for arm in arms}

    assessed = counts.size(screened, TOTAL)
    randomized = sum(numbers.values())
    if screened.has("RANDFL"):
        randomized = counts.of(screened, "RANDFL", "Y", TOTAL)
        not_randomized = counts.of(screened, "RANDFL", "N", TOTAL)
    else:
        not_randomized = assessed - randomized
    counts.check("'assessed for eligibility'", assessed, {"excluded": not_randomized, "randomized": randomized})
    counts.check("'randomized'", randomized, numbers)
    why = counts.reasons(request.ards["excluded"], options.excluded_reason, TOTAL) if "excluded" in request.ards else []
    if why:
        counts.check("'excluded before randomization'", not_randomized, dict(why))
    elif not_randomized:
        notes.general("Reasons for exclusion before randomization are not given.")

    flows, words, analysed = [], [], 0
    for arm in arms:
        boxes, n = _arm(request, counts, arm.code, numbers[arm.code])
        analysed += n
        flows.append(ArmFlow(code=arm.code, boxes=boxes))
        words.append(
            f"{arm.label}: " + "; ".join(line.text.replace(NBSP, " ") for box in boxes for line in box if line.kind != "name") + "."
        )
    if "analysed" in request.ards:
        overall = request.ards["analysed"].find("n_subjects", variable="model")
        if overall is not None:
            counts.check("'analysed'", int(overall.value), {"analysed over all arms": analysed})
    alt = (
        f"Flow of participants: {assessed} assessed, {not_randomized} excluded, {randomized} randomized to {len(arms)} "
        f"arms, {analysed} analysed for the primary outcome."
    )
    name = stem(request.id)
    drawn = Flow(
        assessed=(_line("Assessed for eligibility", assessed, "name"),),
        excluded=(_line("Excluded before randomization", not_randomized, "name"), *_reasons(why)),
        randomized=(_line("Randomized", randomized, "name"),),
        arms=tuple(flows),
    )
    if any(not arm.blinded for arm in arms):
        notes.general("Open-label: " + ", ".join(arm.label for arm in arms if not arm.blinded) + ".")
    notes.general("Left the study: at any time after randomization, with or without having discontinued treatment.")
    svg, size = draw(drawn, context, name, f"{display_number(request.id)} {request.display.title}", alt)
    reasons = ": " + "; ".join(f"{text} (n = {n})" for text, n in why) if why else ""
    top = f"Assessed for eligibility (n = {assessed}); excluded (n = {not_randomized}){reasons}; randomized (n = {randomized})."
    ends = head(request, notes, None) | {"population": f"Shows all {assessed} subjects assessed for eligibility."}
    document = FigureDocument(
        svg=f"{name}.svg", alt=alt, description=(top, *words), width=size[0], height=size[1], refs=tuple(counts.refs), **ends
    )
    return Laid(document=document, svg=svg)


def _arm(request: Request, counts: _Counts, code: str, allocated: int) -> tuple[tuple, int]:
    """The four boxes of an arm and the number analysed, after all sums are checked."""
    from nirls.tlf.layouts._flow_drawing import Line

    options, main, arm = request.options, request.ards["main"], request.context.arm(code)
    where = f"of arm {code}"
    received = counts.of(main, options.received, "Y", code)
    not_received = counts.of(main, options.received, "N", code)
    counts.check(f"'allocated' {where}", allocated, {"received treatment": received, "did not receive it": not_received})
    unmet = counts.reasons(request.ards["untreated"], options.untreated_reason, code) if "untreated" in request.ards else []
    if unmet:
        counts.check(f"'did not receive treatment' {where}", not_received, dict(unmet))

    ended = {level: counts.of(main, options.treatment, level, code) for level in ("COMPLETED", "DISCONTINUED", "ONGOING")}
    hint = f"Count {options.treatment} among subjects with {options.received} == 'Y' (`within` of the analysis {main.analysis_id!r})."
    counts.check(f"'received treatment' {where}", received, {k.lower(): v for k, v in ended.items()}, hint)
    stopped = counts.reasons(main, options.treatment_reason, code)
    if options.treatment_reason is not None:
        hint = f"Count {options.treatment_reason} among those who discontinued treatment after receiving it."
        counts.check(f"'discontinued treatment' {where}", ended["DISCONTINUED"], dict(stopped), hint)

    stayed = {level: counts.of(main, options.study, level, code) for level in ("COMPLETED", "DISCONTINUED", "ONGOING")}
    counts.check(f"'study status' {where}", allocated, {k.lower(): v for k, v in stayed.items()})
    left = counts.reasons(main, options.study_reason, code)
    if options.study_reason is not None:
        counts.check(f"'left the study' {where}", stayed["DISCONTINUED"], dict(left))

    analysis, analysed = _analysis(request, counts, code, allocated)
    boxes = (
        (Line(text=bind(arm.label), kind="name"), _line("Allocated", allocated)),
        (
            _line(options.received_label, received),
            *([_line("Did not receive it", not_received, "sub")] if not_received else []),
            *_reasons(unmet),
        ),
        (
            _line("Completed treatment", ended["COMPLETED"]),
            *([_line("Treatment ongoing", ended["ONGOING"])] if ended["ONGOING"] else []),
            _line("Discontinued treatment", ended["DISCONTINUED"]),
            *_reasons(stopped),
            _line("Left the study", stayed["DISCONTINUED"]),
            *_reasons(left),
        ),
        analysis,
    )
    return boxes, analysed


def _analysis(request: Request, counts: _Counts, code: str, allocated: int) -> tuple[tuple, int]:
    """The box of the primary analysis: who is in the set, who of them is analysed, and why others are not."""
    from nirls.tlf.layouts._flow_drawing import Line

    options, main, where = request.options, request.ards["main"], f"of arm {code}"
    flag, label = f"{options.primary}FL", set_name(request.context, options.primary)
    inside, outside = counts.of(main, flag, "Y", code), counts.of(main, flag, "N", code)
    counts.check(f"'{label}' {where}", allocated, {"in the set": inside, "not in the set": outside})
    reasons = [(f"Not in the {label}", outside)] if outside else []
    why = options.primary_reason or f"{options.primary}XR"
    if outside and main.has(why):
        reasons = counts.reasons(main, why, code)
        counts.check(f"'not in the {label}' {where}", outside, dict(reasons))
    model = request.ards.get("analysed")
    if model is not None and code not in model.groups:
        return (Line(text="Not part of the primary analysis"), _line(f"In the {label}", inside, "sub")), 0
    analysed = inside
    if model is not None:
        size = counts.size(model, code)
        counts.check(f"'{label}' {where}", inside, {f"subjects of analysis {model.analysis_id}": size})
        given = model.get("n_subjects", variable="model", group1_level=code)
        counts.refs.append(given.ref)
        analysed = int(given.value)
        for reason, found in model.exclusions(code):
            counts.refs.append(found.ref)
            if found.value:
                text = reason[:1].upper() + reason[1:]
                same = sum(n for known, n in reasons if known == text)
                reasons = [(known, n) for known, n in reasons if known != text] + [(text, same + int(found.value))]
    out = allocated - analysed
    counts.check(f"'analysed' {where}", allocated, {"analysed": analysed, **dict(reasons)})
    return (
        _line("Analysed for the primary outcome", analysed),
        *([_line("Excluded from the analysis", out, "sub")] if out else []),
        *_reasons(reasons),
    ), analysed


def _line(text: str, n: int, kind: str = "main"):
    from nirls.tlf.layouts._flow_drawing import Line

    return Line(text=f"{text} (n{NBSP}={NBSP}{n})", kind=kind)


def _reasons(reasons: list[tuple[str, int]]) -> list:
    return [_line(text, n, "reason") for text, n in reasons]
