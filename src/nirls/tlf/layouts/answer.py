"""The answer to a research question, in one sentence with its numbers."""

from __future__ import annotations

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf import model_text
from nirls.tlf.context import ArmView, ParamView
from nirls.tlf.document import AnswerDocument, Fact, Ref
from nirls.tlf.errors import DisplayError
from nirls.tlf.formats import PStyle, number, p_value
from nirls.tlf.layouts._common import chosen_arms, chosen_param, chosen_visits, digits, head
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.lookup import Ard, Found
from nirls.tlf.notes import Notes


class AnswerOptions(PlanModel):
    """Options of `answer`."""

    question: str = Field(description="The question, as a reader asks it.")
    arm: str = Field(description="Arm the question is about.")
    visit: str = Field(description="Visit at which it is answered.")
    reference: str | None = Field(None, description="Arm it is compared with; default: the study's reference.")
    others: list[str] = Field(default_factory=list, description="Further arms whose differences are listed under the answer.")
    param: str | None = Field(None, description="PARAMCD; default: the only one of the results.")
    variable: str | None = Field(None, description="Response; default: the only one of the results.")
    outcome: str | None = Field(None, description="Outcome in running text; default: the parameter's label.")
    limits: list[str] = Field(default_factory=list, description="What the answer does not show, one sentence each.")


_NAMES = ("estimate", "conf_low", "conf_high", "p_value")


class _Comparison:
    """One arm against the reference at one visit."""

    def __init__(self, request: Request, ard: Ard, arm: str, reference: str) -> None:
        options, self.context = request.options, request.context
        self.arm, self.reference = self.context.arm(arm), self.context.arm(reference)
        key = {"variable": model_text.response(ard, options.variable), "param": chosen_param(ard, options.param), "visit": options.visit}
        key |= {"group1_level": arm, "comparison": model_text.contrast(ard, arm, reference)}
        self.found: dict[str, Found] = {name: ard.get(name, **key) for name in _NAMES}
        self.ref = Ref(key=self.found["estimate"].key, stats=_NAMES)

    def value(self, name: str) -> float:
        return self.found[name].value

    @property
    def estimated(self) -> bool:
        return all(self.found[name].value == self.found[name].value for name in ("estimate", "conf_low", "conf_high"))

    def text(self, name: str) -> str:
        return number(self.value(name), digits(self.context, name))

    def p(self) -> str:
        return _p(self.value("p_value"), self.context.p_style)

    def ci(self) -> str:
        """ "−7.48 to −3.08": in running text the limits stand without brackets."""
        return f"{self.text('conf_low')} to {self.text('conf_high')}"

    def verdict(self, direction: str | None) -> str:
        """Whether the interval lies on the side of the arm, of the reference, or on both."""
        if not self.estimated:
            return "not estimable"
        sign = -1 if direction == "lower_better" else 1
        low, high = sorted((sign * self.value("conf_low"), sign * self.value("conf_high")))
        return "favours" if low > 0 else "against" if high < 0 else "inconclusive"


def _sentence(c: _Comparison, param: ParamView, outcome: str, change: bool, ci: str, visit: str) -> str:
    """One sentence: direction in words, size, interval, p."""
    quantity = f"the mean change in {outcome}" if change else f"mean {outcome}"
    when = visit[:1].lower() + visit[1:]
    one, other = _running(c.arm), _running(c.reference)
    if not c.estimated:
        reason = c.found["estimate"].error or c.found["conf_low"].error or "no reason was recorded"
        return f"At {when}, the difference between {one} and {other} in {quantity} could not be estimated: {reason.rstrip('.')}."
    size = number(abs(c.value("estimate")), digits(c.context, "estimate"))
    unit = f" {param.unit}" if param.unit else ""
    evidence = f"difference {c.text('estimate')}, {ci} {c.ci()}; {c.p()}"
    verdict = c.verdict(param.direction)
    lower = c.value("estimate") < 0
    better = "" if param.direction is None else ", which is better" if lower == (param.direction == "lower_better") else ", which is worse"
    if verdict == "inconclusive":
        side = f" ({'lower' if param.direction == 'lower_better' else 'higher'} is better)" if param.direction else ""
        return f"At {when}, no difference between {one} and {other} in {quantity} was shown ({evidence}){side}."
    return f"At {when}, {quantity} was {size}{unit} {'lower' if lower else 'higher'} with {one} than with {other}{better} ({evidence})."


def _trend(request: Request, ard: Ard, param: str, ci: str, notes: Notes) -> Fact:
    """The slope over dose, where the analysis estimates one."""
    options = request.options
    key = {"variable": model_text.response(ard, options.variable), "param": param, "visit": options.visit, "comparison": model_text.TREND}
    found = {name: ard.get(name, **key) for name in _NAMES}
    estimate, low, high = (number(found[name].value, model_text.SLOPE) for name in _NAMES[:3])
    estimated = found["estimate"].value == found["estimate"].value
    text = f"{estimate} ({ci} {low} to {high}; {_p(found['p_value'].value, request.context.p_style)})" if estimated else "NE"
    return Fact(
        label="Dose trend, slope", text=text, marks=notes.marks(*found.values()), refs=(Ref(key=found["estimate"].key, stats=_NAMES),)
    )


def _p(value: float, style: PStyle) -> str:
    text = p_value(value, style)
    return f"p {text[0]} {text[1:]}" if text[0] in "<>" else f"p = {text}"


def _running(arm: ArmView) -> str:
    """Arm name in running text: "Sham device" gives "sham device", "NIR 850 nm" stays."""
    first = arm.label.split(" ")[0]
    return arm.label if any(ch.isupper() or ch.isdigit() for ch in first[1:]) else arm.label[:1].lower() + arm.label[1:]


@layout("answer", options=AnswerOptions, roles=("main",), kind="answer")
def answer(request: Request) -> Laid:
    """The answer to a question: one sentence with estimate, confidence interval, p and direction; and its limits."""
    options, context, main, notes = request.options, request.context, request.ards["main"], Notes()
    codes = [a.code for a in chosen_arms(main, context, None)]
    reference = options.reference or context.reference
    for code in (options.arm, reference, *options.others):
        if code not in codes:
            raise DisplayError(f"{request.id}: {code!r} is not an arm of analysis {main.analysis_id!r}, which has {', '.join(codes)}")
    chosen_visits(main, context, [options.visit])
    code = chosen_param(main, options.param)
    param = context.params.get(code, ParamView(code=code, label=code))
    ci = model_text.level_text(main)
    asked = _Comparison(request, main, options.arm, reference)
    outcome = options.outcome or param.label
    change = model_text.response(main, options.variable) in ("CHG", "PCHG")
    estimate, p = asked.found["estimate"], asked.found["p_value"]
    facts = [
        Fact(label=f"Difference from {asked.reference.short}", text=asked.text("estimate"), marks=notes.marks(estimate), refs=(asked.ref,)),
        Fact(
            label=ci,
            text=asked.ci() if asked.estimated else "NE",
            marks=notes.marks(asked.found["conf_low"], asked.found["conf_high"]),
            refs=(asked.ref,),
        ),
        Fact(label="p", text=p_value(p.value, context.p_style), marks=notes.marks(p), refs=(asked.ref,)),
    ]
    comparisons = []
    for other in options.others:
        c = _Comparison(request, main, other, reference)
        text = f"{c.text('estimate')} ({ci} {c.ci()}; {c.p()})" if c.estimated else "NE"
        comparisons.append(Fact(label=c.arm.label, text=text, marks=notes.marks(*c.found.values()), refs=(c.ref,)))
    if model_text.TREND in main.comparisons:
        comparisons.append(_trend(request, main, code, ci, notes))
    if asked.arm.blinded != asked.reference.blinded:
        notes.general(
            f"{asked.arm.label if not asked.arm.blinded else asked.reference.label}: open-label arm; the comparison is not blinded."
        )
    methods = tuple(Fact(label=model_text.LABELS[name], text=text) for name, text in model_text.facts(main))
    document = AnswerDocument(
        question=options.question,
        answer=_sentence(asked, param, outcome, change, ci, options.visit),
        verdict=asked.verdict(param.direction),
        facts=tuple(facts),
        comparisons=tuple(comparisons),
        methods=methods,
        limits=tuple(options.limits),
        **head(request, notes, "main"),
    )
    return Laid(document=document)
