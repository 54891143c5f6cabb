"""Whether the strategies of an estimand, the method that estimates it and its options can go together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from nirls.plan.estimand import STRATEGIES

if TYPE_CHECKING:
    from nirls.plan.analysis import Analysis
    from nirls.plan.estimand import Estimand, IntercurrentEvent
    from nirls.plan.study import Study

Outcome = Literal["repeated mean", "mean", "response", "time"]
"""What a method estimates from an outcome: means over visits in one model, a mean at one visit, a proportion of responders, a time."""


def estimand_problems(estimand: Estimand, study: Study) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """(Place in the entry, what is wrong) of an estimand by itself."""
    rules = study.intercurrent_events
    if estimand.set is not None and estimand.set not in study.populations:
        yield ("set",), f"there is no analysis set {estimand.set!r} (known: {', '.join(study.populations)})"
    named = Counter(event.event for event in estimand.intercurrent_events)
    for i, event in enumerate(estimand.intercurrent_events):
        place = ("intercurrent_events", i)
        if event.event not in rules:
            yield (
                (*place, "event"),
                f"there is no intercurrent event {event.event!r} in study.yaml (known: {', '.join(rules) or 'none'}); "
                "define under `intercurrent_events` which records show it",
            )
            continue
        if named[event.event] > 1:
            yield (*place, "event"), f"{event.event!r} has {named[event.event]} strategies; an event has one"
        if event.value is not None and event.strategy != "composite":
            yield (*place, "value"), f"what the outcome counts as belongs to the strategy composite, not to {event.strategy}"
        if rules[event.event].terminal and event.strategy in ("treatment_policy", "hypothetical"):
            yield (
                (*place, "strategy"),
                f"{event.strategy} needs an outcome after {event.event!r}, and study.yaml calls it terminal; "
                "composite or while_on_treatment say what the outcome is then",
            )
    absent = [code for code in rules if code not in named]
    if absent:
        yield ("intercurrent_events",), f"no strategy for {', '.join(absent)}; an estimand has one for every event of study.yaml"


def conflicts(estimand: Estimand, name: str, analysis: Analysis, outcome: Outcome | None, study: Study) -> Iterator[str]:
    """Why an analysis cannot estimate its estimand, a sentence for each reason."""
    if estimand.set is not None and analysis.set != estimand.set:
        yield (
            f"estimand {name} is about the set {estimand.set}, and this analysis takes {analysis.set or 'all subjects'}; "
            f"use {estimand.set}, or leave `estimand` out and say with `comparison_only` why the other set is shown"
        )
    active = [event for event in estimand.intercurrent_events if event.strategy != "treatment_policy"]
    if active and outcome is None:
        named = ", ".join(f"{e.event} ({e.strategy})" for e in active)
        yield f"the method {analysis.method!r} uses every value, and estimand {name} says otherwise for {named}"
        return
    if outcome == "time":
        # ADTTE ends a time at a competing event, which is then censored; whatever else happens does not end it
        rules = [set(rule.competing) for rule in study.times_to_event.values()]
        censored = set.intersection(*rules) if rules else set()
        followed = {event.event for event in estimand.intercurrent_events if event.strategy == "treatment_policy"}
        for code in sorted(followed & set().union(*rules)):
            yield f"estimand {name}, {code}, treatment policy: `competing` in `times_to_event` of study.yaml ends the time at {code}"
        for event in active:
            if event.strategy != "hypothetical" or event.event not in censored:
                yield (
                    f"estimand {name}, {event.event}, {STRATEGIES[event.strategy].lower()}: a time is followed through the event "
                    "(treatment policy) or censored at it (hypothetical, and `competing` in `times_to_event` of study.yaml); choose one"
                )
        return
    if active and analysis.dataset != "ADQS":
        yield f"strategies other than treatment policy act on records of ADQS, and this analysis takes {analysis.dataset}"
    for event in active:
        reason = _conflict(event, analysis, outcome)
        if reason:
            yield f"estimand {name}, {event.event}, {STRATEGIES[event.strategy].lower()}: {reason}"


def _conflict(event: IntercurrentEvent, analysis: Analysis, outcome: Outcome | None) -> str:
    if event.strategy == "principal_stratum":
        return "the plan has no method that estimates the effect in a principal stratum"
    if event.strategy == "while_on_treatment" and outcome == "repeated mean":
        return (
            "a model of all visits predicts the values after the event as if it had not happened, which is the hypothetical strategy; "
            "use the method ancova at one visit"
        )
    if event.strategy == "composite" and outcome != "response" and event.value is None:
        return "a mean needs a number for subjects with the event; add `value: no_change`, or use the method responder"
    counted = analysis.options.get("missing", "non_responder") if outcome == "response" else None
    if event.strategy == "composite" and counted == "observed":
        return "the event counts as no response, and `missing: observed` leaves these subjects out; use `missing: non_responder`"
    if event.strategy == "hypothetical" and counted == "non_responder":
        return (
            "values after the event are set aside, and `missing: non_responder` would count them as no response, which is the composite "
            "strategy; choose composite, or `missing: observed`"
        )
    return ""
