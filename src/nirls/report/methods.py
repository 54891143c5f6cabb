"""How it was computed: the estimand, the data, the model and the versions behind the results of a section."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nirls.ard.schema import STATS
from nirls.plan.estimand import STRATEGIES, handling
from nirls.tlf.formats import count, missing, number
from nirls.tlf.lookup import Ard, Found
from nirls.tlf.model_text import facts

if TYPE_CHECKING:
    from nirls.plan.analysis import Analysis
    from nirls.plan.estimand import Estimand, IntercurrentEvent
    from nirls.plan.load import Plan
    from nirls.plan.study import IntercurrentEventRule
    from nirls.report.material import Material

TOTAL = "Total"
#: Facts a model states in words → how the report calls them, in this order; any other fact follows under its own name.
FACTS = {
    "formula": "Model",
    "covariance": "Covariance",
    "path": "How the covariance was chosen",
    "variance": "Variance of the estimates",
    "ddf": "Degrees of freedom",
    "weights": "Margins of the LS means",
    "estimator": "Estimation",
    "at": "Visit",
    "direction": "Direction of the scale",
    "dose_unit": "Unit of dose",
    "contrast_test": "Contrast tests",
    "dose_models": "Dose–response models",
    "target_dose": "Target dose",
    "dose_intervals": "Intervals of doses",
    "software": "Software",
}
NUMBERS = ("n_subjects", "n_obs", "n_excluded", "n_parameters", "deviance", "aic", "bic", "sigma", "r_squared", "iterations", "gradient")


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A name and what it stands for; `code` is set in a fixed-width face."""

    label: str
    text: str
    code: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EventView:
    """An intercurrent event, the name of its strategy and what it means for the data."""

    event: str
    strategy: str
    handling: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimandView:
    """The attributes of an estimand, in the order of ICH E9(R1), and the assumption about missing data."""

    key: str
    anchor: str
    label: str
    question: str
    population: str
    treatment: str
    variable: str
    events: tuple[EventView, ...]
    summary: str
    missing_data: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """From the analysis set to the subjects analysed: counts by arm, as texts; empty where the results state none."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisView:
    """One analysis as "How it was computed" shows it."""

    id: str
    label: str
    kind: str
    data: tuple[Term, ...]
    model: tuple[Term, ...]
    numbers: tuple[Term, ...]
    flow: Flow | None
    notes: tuple[str, ...]
    problems: tuple[str, ...]
    origin: tuple[Term, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """An estimand (none for a descriptive analysis) and the analyses that estimate it; `again` when it is explained further up."""

    estimand: EstimandView | None
    analyses: tuple[AnalysisView, ...]
    again: bool = False


def explain(plan: Plan, material: Material, analyses: list[str], told: set[str] | None = None) -> tuple[Explained, ...]:
    """The analyses of a section in order, those of one estimand together.

    Parameters
    ----------
    plan : Plan
    material : Material
    analyses : list of str
        Analysis ids.
    told : set of str, optional
        Estimands already explained further up; those explained here are added.
    """
    told = set() if told is None else told
    groups: dict[str | None, list[AnalysisView]] = {}
    for key in dict.fromkeys(analyses):
        groups.setdefault(plan.analyses[key].estimand, []).append(analysis_view(plan, material, key))
    found = []
    for name, views in groups.items():
        estimand = None if name is None else estimand_view(name, plan.estimands[name], plan.study.intercurrent_events)
        found.append(Explained(estimand=estimand, analyses=tuple(views), again=name in told))
        told |= {name} if name is not None else set()
    return tuple(found)


def _event_view(event: IntercurrentEvent, rules: dict[str, IntercurrentEventRule]) -> EventView:
    return EventView(event=rules[event.event].label, strategy=STRATEGIES[event.strategy], handling=handling(event))


def estimand_view(key: str, estimand: Estimand, rules: dict[str, IntercurrentEventRule]) -> EstimandView:
    """An estimand of the plan in words."""
    return EstimandView(
        key=key,
        anchor=f"estimand-{key.lower().replace('.', '-')}",
        label=estimand.label,
        question=estimand.question,
        population=estimand.population,
        treatment=estimand.treatment,
        variable=estimand.variable,
        events=tuple(_event_view(event, rules) for event in estimand.intercurrent_events),
        summary=estimand.summary,
        missing_data=estimand.missing_data,
    )


def analysis_view(plan: Plan, material: Material, key: str) -> AnalysisView:
    """One analysis: its plan entry and what its results say about how they were made."""
    spec = plan.analyses[key]
    ard = Ard(material.ards[key], "how it was computed", key)
    origin = material.origins[key]
    frame = material.ards[key]
    said = {name: text for name, text in ard.facts.items() if text and name != "reml"} | dict(facts(ard))
    names = [*(f for f in FACTS if f in said), *(f for f in said if f not in FACTS)]
    numbers = [(name, ard.find(name, variable="model")) for name in NUMBERS]
    messages = frame.loc[(frame["warning"] != "") | (frame["error"] != ""), ["warning", "error"]]
    return AnalysisView(
        id=key,
        label=spec.label,
        kind=f"{spec.purpose.capitalize()}, {spec.reason[:1].lower() + spec.reason[1:].lower().replace('sap', 'SAP')}",
        data=_data(plan, spec, origin),
        model=tuple(Term(label=FACTS.get(f, f[:1].upper() + f[1:].replace("_", " ")), text=said[f], code=f == "formula") for f in names),
        numbers=tuple(
            Term(
                label=STATS[name].label.replace("-", "\N{MINUS SIGN}", 1) if name == "deviance" else STATS[name].label,
                text=_number(name, found),
            )
            for name, found in numbers
            if found is not None
        ),
        flow=_flow(plan, spec, ard),
        notes=tuple(frame.loc[(frame["variable"] == "footnote") & (frame["stat_text"] != ""), "stat_text"]),
        problems=tuple(dict.fromkeys(text for pair in messages.itertuples(index=False) for text in pair if text)),
        origin=tuple(
            Term(label=label, text=str(origin[name]), code=True)
            for name, label in (("spec", "Plan entry"), ("code", "Code"))
            if name in origin
        ),
    )


def _data(plan: Plan, spec: Analysis, origin: dict) -> tuple[Term, ...]:
    terms = [Term(label="Method", text=spec.method, code=True)]
    if spec.set is None:
        terms.append(Term(label="Analysis set", text="All subjects"))
    else:
        chosen = plan.study.populations[spec.set]
        terms.append(Term(label="Analysis set", text=f"{chosen.label} ({spec.set}): {chosen.rule}"))
    if spec.subjects is not None:
        terms.append(
            Term(label="Subjects", text=f"{spec.subjects.label[:1].upper()}{spec.subjects.label[1:]}: {spec.subjects.where}", code=True)
        )
    if spec.where:
        terms.append(Term(label="Records", text=f"{spec.dataset} where {spec.where}", code=True))
    else:
        terms.append(Term(label="Records", text=f"All records of {spec.dataset} of these subjects"))
    if spec.arms:
        terms.append(Term(label="Arms", text=", ".join(plan.study.arms[a].short for a in spec.arms)))
    if "n_records" in origin and "n_subjects" in origin:
        terms.append(Term(label="Records read", text=f"{origin['n_records']} records of {origin['n_subjects']} subjects"))
    if spec.uses:
        terms.append(Term(label="Builds on", text=", ".join(spec.uses), code=True))
    return tuple(terms)


def _number(name: str, found: Found) -> str:
    if missing(found.value):
        return "NE"
    if STATS[name].kind == "count":
        return count(found.value)
    return f"{found.value:.1e}".replace("-", "\N{MINUS SIGN}") if name == "gradient" else number(found.value, STATS[name].digits)


def _flow(plan: Plan, spec: Analysis, ard: Ard) -> Flow | None:
    """The set, those left out by reason, and those analysed; every count is a row of the results."""
    arms = [a for a in (spec.arms or plan.study.arms) if a in ard.groups]
    columns = [*arms, *([TOTAL] if TOTAL in ard.groups or _overall(ard) else [])]
    labels = [plan.study.arms[a].short if a in plan.study.arms else a for a in columns]
    reasons = list(dict.fromkeys(reason for column in [*arms, ""] for reason, _ in ard.exclusions(column)))
    rows = [("In the analysis set", [_size(ard, c, arms) for c in columns])]
    for reason in reasons:
        found = [dict(ard.exclusions("" if c == TOTAL else c)).get(reason) for c in columns]
        rows.append((f"Not analysed: {reason}", ["" if f is None else count(f.value) for f in found]))
    analysed = [_analysed(ard, c) for c in columns]
    if any(analysed):
        rows.append(("Analysed", analysed))
    if not columns or not any(text for _, texts in rows for text in texts):
        return None
    return Flow(columns=tuple(labels), rows=tuple((label, tuple(texts)) for label, texts in rows))


def _overall(ard: Ard) -> bool:
    return ard.find("N") is not None or ard.find("n_subjects", variable="model") is not None or bool(ard.exclusions())


def _size(ard: Ard, column: str, arms: list[str]) -> str:
    """Subjects of the set in a column; the total of results that state none is that of its arms, as under the displays."""
    found = ard.find("N", group1_level=column) or (ard.find("N") if column == TOTAL else None)
    if found is None and column == TOTAL:
        sizes = [ard.find("N", group1_level=arm) for arm in arms]
        return count(sum(size.value for size in sizes if size is not None)) if arms and all(sizes) else ""
    return "" if found is None else count(found.value)


def _analysed(ard: Ard, column: str) -> str:
    found = ard.find("n_subjects", variable="model", group1_level="" if column == TOTAL else column)
    return "" if found is None else count(found.value)
