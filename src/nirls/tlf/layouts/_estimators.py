"""Estimators of one effect from several analyses: what names a row, the numbers behind it, and in what the rows differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf import model_text
from nirls.tlf.context import TOTAL, ParamView
from nirls.tlf.errors import DisplayError
from nirls.tlf.formats import count, interval, missing, number, p_value
from nirls.tlf.layouts._common import capital, digits
from nirls.tlf.layouts.registry import Request
from nirls.tlf.lookup import Ard, Found
from nirls.tlf.notes import Notes

NAMES = ("estimate", "conf_low", "conf_high", "std_error", "df", "p_value")
_STATED = ("formula", "covariance", "ddf", "variance", "weights", "estimator", "delta")
_WORDS = model_text.LABELS | {"delta": "δ"}


class Selection(PlanModel):
    """What is looked up in the results, for all rows or for one."""

    comparison: str | None = Field(None, description="Arm that is compared with the study's reference arm.")
    visit: str | None = Field(None, description="Visit of the effect.")
    variable: str | None = Field(None, description="Response; default: the only one of the results.")
    param: str | None = Field(None, description="PARAMCD; default: the only one of the results.")
    measure: str | None = Field(None, description="Measure, where the results hold several, such as 'risk difference' of responders.")


class EstimatorRow(Selection):
    """One estimator; what it leaves out of the selection is as for all rows."""

    analysis: str = Field(description="Role of the analysis in the display.")
    label: str = Field(description="The estimator in words.")
    group: str | None = Field(None, description="Heading above this row, such as the estimand; rows after it without one stay under it.")
    strategy: str | None = Field(
        None, description="Set of results of an `imputation` analysis: MAR, J2R, CR, CIR, LMCF, BY EVENT or RETRIEVED."
    )
    variance: Literal["repeated sampling", "information-anchored"] | None = Field(
        None, description="Variance of an `imputation` analysis; needed where it has both."
    )
    comparison_only: bool = Field(False, description="Drawn in grey and hollow: shown for comparison, not as an answer.")
    known: float | None = Field(None, description="True value of what this row estimates, where it is known (simulated data).")


class EstimatorsOptions(Selection):
    """Options of displays of several estimators of one effect."""

    rows: list[EstimatorRow] = Field(description="The estimators in order; the first is the primary one.", min_length=1)
    known: float | None = Field(None, description="True value of the primary effect, where it is known (simulated data).")
    known_label: str = Field("Truth of the generator", description="What the true values are called.")
    better: Literal["lower", "higher"] | None = Field(
        None, description="Which differences favour the arm; default: as the scale of the parameter says."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimator:
    """One row with its numbers.

    Attributes
    ----------
    key : dict of str to str
        Key of the rows of results behind it.
    found : dict of str to Found or None
        Statistic of `NAMES` → what the results hold; None for a statistic that the estimator does not have.
    sizes : tuple of Found
        Subjects analysed in the arm and in the reference arm, or in total where the results do not tell the arms apart.
    """

    spec: EstimatorRow
    ard: Ard
    arm: str
    key: dict[str, str]
    found: dict[str, Found | None]
    sizes: tuple[Found, ...]
    places: int

    def value(self, name: str) -> float:
        """The value of a statistic; NaN when there is none."""
        one = self.found[name]
        return float("nan") if one is None else one.value

    @property
    def estimated(self) -> bool:
        return not any(missing(self.value(n)) for n in ("estimate", "conf_low", "conf_high"))

    @property
    def reason(self) -> str:
        """Why there is no estimate or no interval."""
        said = [f.error for f in self.found.values() if f is not None and f.error]
        return said[0].rstrip(".") if said else "no reason was recorded"

    def effect(self) -> str:
        """ "−3.00 (−5.00, −1.00)"."""
        if missing(self.value("estimate")) and not self.estimated:
            return number(self.value("estimate"), self.places)
        return f"{number(self.value('estimate'), self.places)} {interval(self.value('conf_low'), self.value('conf_high'), self.places)}"

    def p(self, request: Request) -> str:
        """The p-value; empty where the estimator has none."""
        return "" if self.found["p_value"] is None else p_value(self.value("p_value"), request.context.p_style)

    def size(self) -> str:
        """ "89 / 87" for arm and reference arm, or the total."""
        return " / ".join(count(f.value) for f in self.sizes)


def estimators(request: Request) -> list[Estimator]:
    """The rows of the display with their numbers.

    Raises
    ------
    DisplayError
        If a row names a role, arm, visit, strategy or variance that there is not.
    """
    out = [_estimator(request, spec, i) for i, spec in enumerate(request.options.rows, 1)]
    unused = [role for role in request.ards if role not in {e.spec.analysis for e in out}]
    if unused:
        raise DisplayError(f"{request.id}: analyses: no row of options.rows shows {', '.join(unused)}; add a row or take the analysis out")
    return out


def outcomes(rows: list[Estimator]) -> list[str]:
    """The outcomes of the rows, as codes."""
    return [" ".join(t for t in o if t) for o in sorted({_outcome_key(e) for e in rows})]


def _outcome_key(one: Estimator) -> tuple[str, ...]:
    """What the difference is of: a measure, or the parameter and its variable."""
    key = one.key
    return (key["variable_level"],) if "variable_level" in key else (key.get("param", ""), key["variable"])


def _estimator(request: Request, spec: EstimatorRow, place: int) -> Estimator:
    options, context = request.options, request.context
    where = f"{request.id}: options.rows: row {place} ({spec.label!r})"
    if spec.analysis not in request.ards:
        raise DisplayError(f"{where}: the display gives no analysis for the role {spec.analysis!r}; it has {', '.join(request.ards)}")
    ard = request.ards[spec.analysis]

    def common(name: str) -> str | None:
        own = getattr(spec, name)
        return own if own is not None else getattr(options, name)

    arm, visit = common("comparison"), common("visit")
    if arm is None or arm not in {a.code for a in context.arms} or arm == context.reference:
        others = ", ".join(a.code for a in context.arms if a.code != context.reference)
        raise DisplayError(f"{where}: comparison: {arm!r} is not an arm to compare with {context.reference}; it may be {others}")
    if visit is None:
        if len(ard.visits) > 1:
            raise DisplayError(f"{where}: visit: name one of {', '.join(ard.visits)}")
        visit = ard.visits[0] if ard.visits else ""
    elif visit and visit not in ard.visits:
        have = ", ".join(ard.visits) or "none"
        raise DisplayError(f"{where}: visit: analysis {ard.analysis_id!r} has no {visit!r}, it has {have}; set the visit of this row")
    measure = common("measure")
    variable = model_text.response(ard, common("variable"))
    key = {"variable": variable, "visit": visit, "group1_level": arm}
    key |= {"comparison": model_text.contrast(ard, arm, context.reference)}
    param = common("param")
    if param is None and len(ard.params) > 1:
        of_variable = ard.values("param", variable=variable)
        if len(of_variable) != 1:
            raise DisplayError(f"{where}: param: name one of {', '.join(of_variable or ard.params)}")
        param = of_variable[0]
    key |= {"param": param} if param else {}
    key |= {"variable_level": measure} if measure else {}
    key |= _imputed(ard, spec, where)
    estimate = ard.get("estimate", **key)
    found: dict[str, Found | None] = {name: ard.find(name, **key) for name in NAMES} | {"estimate": estimate}
    for name in ("conf_low", "conf_high"):
        found[name] = ard.get(name, **key)
    arms = [ard.find("n_subjects", variable="model", group1_level=a) for a in (arm, context.reference)]
    known = [f for f in arms if f is not None]
    sizes = tuple(known) if len(known) == 2 else (_total(ard),)
    places = digits(context, "p" if measure and "difference" in measure else "estimate")
    return Estimator(spec=spec, ard=ard, arm=arm, key=estimate.key, found=found, sizes=sizes, places=places)


def _total(ard: Ard) -> Found:
    for key in ({"variable": "model"}, {"variable": "model", "group1_level": TOTAL}):
        if (found := ard.find("n_subjects", **key)) is not None:
            return found
    return ard.get("n_subjects", variable="model")


def _imputed(ard: Ard, spec: EstimatorRow, where: str) -> dict[str, str]:
    """Key of the set of results that an analysis by imputation holds under a strategy and a variance."""
    out: dict[str, str] = {}
    for option, group in (("strategy", "group2"), ("variance", "group3")):
        name, wanted = option.upper(), getattr(spec, option)
        have = ard.values(f"{group}_level", **{group: name})
        if not have:
            if wanted is not None:
                raise DisplayError(f"{where}: {option}: analysis {ard.analysis_id!r} has no {option} to choose; leave it out")
            continue
        if wanted is None and len(have) == 1:
            wanted = have[0]
        if wanted not in have:
            raise DisplayError(f"{where}: {option}: {wanted!r} is not in analysis {ard.analysis_id!r}, which has {', '.join(have)}")
        out |= {group: name, f"{group}_level": wanted}
    return out


def outcome(request: Request, rows: list[Estimator]) -> tuple[str, ParamView | None]:
    """What the difference is of, in running text, and the parameter."""
    context = request.context
    key = rows[0].key
    variable, view = key["variable"], context.params.get(key.get("param", ""))
    if level := key.get("variable_level"):
        return level, None
    label = context.labels.get(variable, variable)
    label = label[:1].lower() + label[1:] if label[1:2].islower() else label
    if view is None:
        return label, None
    return (f"{label} in {view.label}" if variable in ("CHG", "PCHG") else view.label), view


def better(request: Request, view: ParamView | None) -> str | None:
    """ "lower" or "higher": which differences favour the arm; none when nothing says so."""
    if request.options.better is not None:
        return request.options.better
    return None if view is None or view.direction is None else view.direction.removesuffix("_better")


def level(rows: list[Estimator]) -> str:
    """ "95% CI", or "CI" where the rows have different levels; the notes then say which."""
    texts = {model_text.level_text(e.ard) for e in rows}
    return texts.pop() if len(texts) == 1 else "CI"


def explain(rows: list[Estimator], notes: Notes) -> list[str]:
    """Writes what holds for all rows, or all rows of an estimand, as general notes; gives for each row what is its own: model,
    covariance, df, variance, data."""
    facts = [_facts(e) for e in rows]
    if len({model_text.level_text(e.ard) for e in rows}) > 1:
        facts = [f | {"Confidence level": model_text.level_text(e.ard)} for f, e in zip(facts, rows, strict=True)]
    shared = {k: v for k, v in facts[0].items() if all(f.get(k) == v for f in facts)}
    if shared:
        notes.general("All rows: " + " ".join(f"{k}: {v}." for k, v in shared.items()))
    said = [_footnotes(e) for e in rows]
    for estimand in dict.fromkeys(f.get("Estimand", "") for f in facts):
        own = [t for f, t in zip(facts, said, strict=True) if f.get("Estimand", "") == estimand]
        common = [t for t in own[0] if all(t in other for other in own)] if estimand and len(own) > 1 else []
        if common:
            notes.general(f"All rows of estimand {estimand}: {' '.join(common)}")
            for texts in own:
                texts[:] = [t for t in texts if t not in common]
    return [
        " ".join([f"{k}: {v}." for k, v in stated.items() if k not in shared] + texts) for stated, texts in zip(facts, said, strict=True)
    ]


def _facts(one: Estimator) -> dict[str, str]:
    """Name in words → fact of the model behind a row."""
    key = one.key
    stated = dict(model_text.facts(one.ard))
    variance = key.get("group3_level", "")
    if variance and "variance" in stated:  # the fact names each variance of the analysis; this row has one of them
        parts = stated["variance"].split("; ")
        stated["variance"] = next((p for p in parts if p.startswith(f"{variance}: ")), stated["variance"])
    if delta := one.ard.facts.get("delta"):
        stated["delta"] = delta
    # variance and degrees of freedom of an analysis by imputation belong to the analysis of the completed data, the covariance to the model
    out = {"Estimand": key["estimand_id"]} if key.get("estimand_id") else {}
    out |= {_WORDS[name]: stated[name].rstrip(".") for name in _STATED if name in stated}
    where = {"variable": "model"} | {c: key[c] for c in ("group2", "group2_level", "group3", "group3_level") if c in key}
    draws = one.ard.find("n_draws", **where)
    if draws is not None and draws.value:
        out["Imputations"] = count(draws.value)
    return out


def _footnotes(one: Estimator) -> list[str]:
    """Footnotes of the analysis that concern this row: not one that begins with the name of another strategy or variance.

    That a strategy could not be estimated, and why, is said where its numbers would stand.
    """
    key = one.key
    strategy, variance = key.get("group2_level", ""), key.get("group3_level", "")
    others = [s for s in one.ard.values("group2_level", group2="STRATEGY") if s != strategy]
    variances = [v for v in one.ard.values("group3_level", group3="VARIANCE") if v != variance]
    out = []
    for text in one.ard.footnotes:
        foreign = any(text.startswith((f"{s}:", f"{s},")) for s in others) or text.startswith(f"{strategy} could not be estimated")
        foreign = foreign or any(text.startswith(f"{s} could not be estimated") for s in others)
        foreign = foreign or any(text.startswith(f"{strategy}, {v}:") for v in variances)
        if not foreign:
            out.append(text)
    return out


def arms(request: Request, rows: list[Estimator]) -> list[str]:
    """Codes of the arms of the comparisons, in the order of the study."""
    shown = {request.context.reference, *(e.arm for e in rows)}
    return [a.code for a in request.context.arms if a.code in shown]


def whose(rows: list[Estimator], notes: Notes) -> None:
    """Note on who is counted above the display."""
    if len(rows) > 1:
        notes.general(f"The number of subjects above is that of the first row ({rows[0].spec.label}); each row has its own n.")


def pair(request: Request, rows: list[Estimator]) -> str:
    """ "NIR 54 J − Sham": what is subtracted from what; "active − Sham" where the rows compare different arms."""
    context = request.context
    compared = {e.arm for e in rows}
    one = context.arm(compared.pop()).short if len(compared) == 1 else "active"
    return f"{one} \N{MINUS SIGN} {context.arm(context.reference).short}"


def title(request: Request, rows: list[Estimator]) -> str:
    """ "Difference in change from baseline in IRLS total at week 4", for heads and axes."""
    what, _ = outcome(request, rows)
    visits = {e.key.get("visit", "") for e in rows} - {""}
    when = f" at {visits.pop().lower()}" if len(visits) == 1 else ""
    if "variable_level" in rows[0].key:
        return f"{capital(what)}{when}"
    return f"Difference in {what}{when}"
