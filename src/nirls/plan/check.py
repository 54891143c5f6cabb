"""Checks across the files of a plan: every name that is referred to exists, and nothing goes in circles."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from nirls.plan.binding import conflicts, estimand_problems
from nirls.plan.where import WhereError, parse_where, where_mask, where_names, where_problems

if TYPE_CHECKING:
    from nirls.plan.load import Plan
    from nirls.plan.safety import AdverseEvents

GROUPS = ("TRT01P", "TRT01A")
"""Treatment variables of ADSL: as randomized and as treated."""
TELLING = ("DM.ARM", "DM.ARMCD", "DM.ACTARM", "DM.ACTARMCD", "DM.RANDNO")
"""What would bring the true treatment into ADSL."""
Problem = tuple[str, tuple[str | int, ...], str]
"""File, place in it, and what is wrong."""


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """'there is no <what> …; did you mean …?'"""
    known = list(known)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"there is no {what} {name!r}" + (f"; did you mean {near[0]!r}?" if near else f" (known: {', '.join(known) or 'none'})")


def file_stem(display_id: str) -> str:
    """File name of a display: T14.2.1.1 → t14-2-1-1."""
    return display_id.lower().replace(".", "-")


def cross_check(plan: Plan) -> Iterator[Problem]:
    """Every problem that needs more than one entry to be seen."""
    yield from _study(plan)
    yield from _estimands(plan)
    yield from _analyses(plan)
    yield from _displays(plan)


def _condition(
    file: str, loc: tuple[str | int, ...], text: str | None, numeric: dict[str, bool] | None = None, data: str = ""
) -> Iterator[Problem]:
    """Whether a condition can be read and, where the variables of the data are given, names and compares them rightly."""
    if text is not None:
        try:
            parse_where(text)
        except WhereError as error:
            yield file, loc, str(error)
            return
        if numeric is not None:
            for problem in where_problems(text, numeric, data):
                yield file, loc, f"in the condition {text!r}: {problem}"


def _variables(plan: Plan, dataset: str) -> dict[str, bool]:
    """Variables an ADaM data set of the study can have → whether they are numbers."""
    from nirls.adam.spec import variables

    return {v.name: v.type in ("float", "integer") for v in variables(dataset, plan)}


def _study(plan: Plan) -> Iterator[Problem]:
    study, file = plan.study, "study.yaml"
    if study.reference not in study.arms:
        yield file, ("reference",), unknown("arm", study.reference, study.arms)
    elif study.arms[study.reference].not_an_arm:
        yield file, ("reference",), f"{study.reference!r} is not an arm (`not_an_arm: true`); name the arm the others are compared with"
    for key in ("num", "name"):
        seen: dict[Any, int] = {}
        for i, visit in enumerate(study.visits):
            value = getattr(visit, key)
            if value in seen:
                yield file, ("visits", i, key), f"{value!r} is also the {key} of visit {seen[value] + 1} of the list"
            seen.setdefault(value, i)
    if sum(v.baseline for v in study.visits) != 1:
        yield file, ("visits",), "exactly one visit must have `baseline: true`"
    post = [v for v in study.visits if v.week is not None]
    for i, (a, b) in enumerate(itertools.pairwise(post)):
        if a.window[1] is None or b.window[0] is None or a.window[1] >= b.window[0]:
            yield file, ("visits", study.visits.index(b), "window"), f"overlaps the window of {post[i].name!r}"
    for visit in study.visits:
        low, high = visit.window
        if not (low is None or low <= visit.target) or not (high is None or visit.target <= high):
            yield file, ("visits", study.visits.index(visit), "target"), f"day {visit.target} is outside its own window"
    adsl = _variables(plan, "ADSL")
    for name, population in study.populations.items():
        yield from _condition(file, ("populations", name, "where"), population.where, adsl, "ADSL")
        for reason, text in population.excluded.items():
            yield from _condition(file, ("populations", name, "excluded", reason), text, adsl, "ADSL")
    for name, stratum in study.strata.items():
        for level, text in (stratum.derived or {}).items():
            if level not in stratum.levels:
                yield file, ("strata", name, "derived", level), unknown("level", level, stratum.levels)
            yield from _condition(file, ("strata", name, "derived", level), text)
    if study.blinding == "blinded":
        sources = {("strata", k, "variable"): f"DM.{s.variable}" for k, s in study.strata.items()}
        sources |= {("covariates", k, "source"): item.source for k, item in study.covariates.items()}
        for loc, variable in sources.items():
            if variable in TELLING:
                yield file, loc, f"{variable} tells the treatment, and the study is blinded; leave it out until it is unblinded"
    yield from _condition(file, ("disposition", "study"), study.disposition.study)
    given = {source.domain for source in study.sources} | {"ADSL"}
    for name, rule in study.intercurrent_events.items():
        if rule.domain not in given:
            yield file, ("intercurrent_events", name, "domain"), unknown("domain among `sources`", rule.domain, sorted(given))
        numeric, data = (adsl, "ADSL") if rule.domain == "ADSL" else (None, "")
        yield from _condition(file, ("intercurrent_events", name, "where"), rule.where, numeric, data)
        if rule.where is None and rule.gap_days is None:
            yield file, ("intercurrent_events", name), "say which records show the event with `where`, or how long a gap is with `gap_days`"
    yield from _condition(file, ("disposition", "treatment"), study.disposition.treatment)
    yield from _times(plan, adsl)
    if study.adverse_events is not None:
        yield from _judged(study.adverse_events)
        if "AE" not in given:
            yield file, ("adverse_events",), "the study has no domain AE among `sources`; give its file, or leave this out"
    for name, item in study.covariates.items():
        yield from _condition(file, ("covariates", name, "where"), item.where)
        for level, text in (item.cut or {}).items():
            yield from _condition(file, ("covariates", name, "cut", level), text)
    for i, source in enumerate(study.sources):
        yield from _condition(file, ("sources", i, "keep"), source.keep)
        if source.samples is not None and source.domain != "DX":
            yield file, ("sources", i, "samples"), f"samples of telemetry become the session log DX, not {source.domain}"
        for other in ("keep", "unpivot", "supp") if source.samples is not None else ():
            if getattr(source, other) is not None:
                yield file, ("sources", i, other), "cannot be combined with `samples`, which makes the records itself; leave one out"
    for name, parameter in study.parameters.items():
        yield from _condition(file, ("parameters", name, "where"), parameter.where)
        if parameter.domain != "QS" and parameter.domain not in given:
            yield file, ("parameters", name, "domain"), unknown("domain among `sources`", parameter.domain, sorted(given))
        if parameter.range is not None and (parameter.dataset == "ADQS" or parameter.values is not None):
            what = "a parameter of words" if parameter.values is not None else f"a parameter of {parameter.dataset}"
            yield file, ("parameters", name, "range"), f"{what} has no reference range; only numbers of the domains LB and VS have"
        for word in parameter.labels or {}:
            if word not in (parameter.values or {}):
                yield file, ("parameters", name, "labels", word), unknown("value", word, parameter.values or {})
    worded = [name for name, parameter in study.parameters.items() if parameter.values is not None and parameter.dataset == "ADQS"]
    for name, group in study.after_baseline.items():
        if group.param not in worded:
            yield file, ("after_baseline", name, "param"), unknown("parameter with `values`", group.param, worded)
        if group.visit not in [visit.name for visit in study.visits]:
            yield file, ("after_baseline", name, "visit"), unknown("visit", group.visit, [visit.name for visit in study.visits])


def _judged(events: AdverseEvents) -> Iterator[Problem]:
    """Conditions over AE look at variables whose words are known, and hold for some of these; else a misspelt word would count as no."""
    import pandas as pd

    known = events.known()
    for name in ("fatal", "withdrawn", "interrupted"):
        place, text = ("adverse_events", name), getattr(events, name)
        wrong = list(_condition("study.yaml", place, text))
        yield from wrong
        if text is None or wrong:
            continue
        names = where_names(text)
        open_ones = [variable for variable in names if variable not in known]
        for variable in open_ones:
            yield "study.yaml", place, f"{variable} may have any word; give those it may have under adverse_events.words.{variable}"
        if open_ones:
            continue
        words = itertools.product(*([*known[variable][0], None] for variable in names))
        try:
            holds = where_mask(text, pd.DataFrame(words, columns=list(names), dtype="str")).any()
        except WhereError as error:
            yield "study.yaml", place, str(error)
            continue
        if not holds:
            yield (
                "study.yaml",
                place,
                f"{text!r} holds for none of the words of {', '.join(names)} ({'; '.join(', '.join(known[n][0]) for n in names)})",
            )


def _times(plan: Plan, adsl: dict[str, bool]) -> Iterator[Problem]:
    study, file = plan.study, "study.yaml"
    weeks = [visit.week for visit in study.visits if visit.week is not None]
    for name, rule in study.times_to_event.items():
        place = ("times_to_event", name)
        yield from _condition(file, (*place, "at_risk"), rule.at_risk, adsl, "ADSL")
        yield from _condition(file, (*place, "or_withdrawal"), rule.or_withdrawal, adsl, "ADSL")
        if rule.reference_week not in weeks:
            yield (
                file,
                (*place, "reference_week"),
                f"no visit is in week {rule.reference_week:g} (weeks: {', '.join(f'{w:g}' for w in weeks)})",
            )
        if rule.start not in adsl:
            yield file, (*place, "start"), unknown("variable of ADSL", rule.start, list(adsl))
        for code in rule.competing:
            if code not in study.intercurrent_events:
                yield file, (*place, "competing"), unknown("intercurrent event", code, study.intercurrent_events)


def _estimands(plan: Plan) -> Iterator[Problem]:
    for name, estimand in plan.estimands.items():
        for place, text in estimand_problems(estimand, plan.study):
            yield "estimands.yaml", (name, *place), text


def _analyses(plan: Plan) -> Iterator[Problem]:
    from nirls.methods.registry import all_methods

    file, study, methods = "analyses.yaml", plan.study, all_methods()
    for name, analysis in plan.analyses.items():
        if analysis.estimand is not None and analysis.estimand not in plan.estimands:
            yield file, (name, "estimand"), unknown("estimand", analysis.estimand, plan.estimands)
        if analysis.set is not None and analysis.set not in study.populations:
            yield file, (name, "set"), unknown("analysis set", analysis.set, study.populations)
        for i, arm in enumerate(analysis.arms or []):
            if arm not in study.arms:
                yield file, (name, "arms", i), unknown("arm", arm, study.arms)
        if analysis.dataset in ("ADLB", "ADVS") and analysis.dataset not in {p.dataset for p in study.parameters.values()}:
            domain = analysis.dataset[2:]
            yield (
                file,
                (name, "dataset"),
                f"no parameter of study.yaml comes from the domain {domain}, so that there is no {analysis.dataset}",
            )
        data = _variables(plan, analysis.dataset)
        yield from _condition(file, (name, "where"), analysis.where, data, analysis.dataset)
        if analysis.subjects is not None:
            yield from _condition(file, (name, "subjects", "where"), analysis.subjects.where, _variables(plan, "ADSL"), "ADSL")
        adjusted = analysis.options.get("covariates")
        for variable in adjusted if isinstance(adjusted, list) else []:
            if variable in study.after_baseline:
                yield (
                    file,
                    (name, "options", "covariates"),
                    f"{variable} is known only after randomization and may be caused by the treatment; a model cannot adjust for it "
                    "(show the analysis within its groups instead: `subjects`)",
                )
        if analysis.group is not None and analysis.group not in GROUPS:
            yield file, (name, "group"), unknown("treatment variable", analysis.group, GROUPS)
        if analysis.method not in methods:
            yield file, (name, "method"), unknown("method", analysis.method, methods)
        else:
            yield from _options(file, (name, "options"), methods[analysis.method].options, analysis.options)
            yield from _across(plan, file, name, methods[analysis.method].options)
            if analysis.estimand in plan.estimands:
                estimand = plan.estimands[analysis.estimand]
                for text in conflicts(estimand, analysis.estimand, analysis, methods[analysis.method].outcome, study):
                    yield file, (name, "estimand"), text
        if analysis.estimand is not None and analysis.comparison_only is not None:
            yield (
                file,
                (name, "comparison_only"),
                f"an analysis for comparison only answers no estimand; leave out `estimand: {analysis.estimand}`",
            )
        for i, other in enumerate(analysis.uses):
            if other not in plan.analyses:
                yield file, (name, "uses", i), unknown("analysis", other, plan.analyses)
    yield from _cycles(plan)


def _options(file: str, loc: tuple[str | int, ...], model: Any, options: dict[str, Any]) -> Iterator[Problem]:
    from nirls.plan.base import validate
    from nirls.plan.load import explain

    try:
        validate(model, options)
    except ValidationError as error:
        for _, text in explain(error, model, {}):
            yield file, loc, text.removeprefix("the file: ")


def _across(plan: Plan, file: str, name: str, model: Any) -> Iterator[Problem]:
    """What the options of a method find wrong when they see the rest of the plan, where they look (`cross_check`)."""
    from nirls.plan.base import validate

    if hasattr(model, "cross_check"):
        try:
            options = validate(model, plan.analyses[name].options)
        except ValidationError:
            return  # reported as such
        for text in options.cross_check(plan.analyses[name], plan):
            yield file, (name, "options"), text


def _cycles(plan: Plan) -> Iterator[Problem]:
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> Iterator[Problem]:
        if name in path:
            yield "analyses.yaml", (name, "uses"), "goes in a circle: " + " → ".join((*path[path.index(name) :], name))
            return
        if name in done or name not in plan.analyses:
            return
        for other in plan.analyses[name].uses:
            yield from visit(other, (*path, name))
        done.add(name)

    for name in plan.analyses:
        yield from visit(name, ())


def _displays(plan: Plan) -> Iterator[Problem]:
    from nirls.tlf.layouts.registry import all_layouts

    file, layouts, displays = "displays.yaml", all_layouts(), plan.displays.displays
    stems: dict[str, str] = {}
    for name, display in displays.items():
        if file_stem(name) in stems:
            yield file, ("displays", name), f"would overwrite the files of {stems[file_stem(name)]!r}"
        stems[file_stem(name)] = name
        for role, analysis in display.analyses.items():
            if analysis not in plan.analyses:
                yield file, ("displays", name, "analyses", role), unknown("analysis", analysis, plan.analyses)
        if display.layout not in layouts:
            yield file, ("displays", name, "layout"), unknown("layout", display.layout, layouts)
            continue
        layout = layouts[display.layout]
        yield from _options(file, ("displays", name, "options"), layout.options, display.options)
        if display.kind != layout.kind:
            yield (
                file,
                ("displays", name, "kind"),
                f"the layout {display.layout!r} makes a display of kind {layout.kind!r}, not {display.kind!r}",
            )
        if display.separate and display.kind != "table":
            yield file, ("displays", name, "separate"), f"only a table has a page of its own, not a display of kind {display.kind!r}"
        for role in display.analyses:
            if "*" not in layout.optional and role not in (*layout.roles, *layout.optional):
                yield file, ("displays", name, "analyses", role), unknown("role", role, (*layout.roles, *layout.optional))
        for role in layout.roles:
            if role not in display.analyses:
                yield file, ("displays", name, "analyses"), f"the layout {display.layout!r} needs an analysis for the role {role!r}"
    yield from _answers(plan)
    for i, section in enumerate(plan.displays.report):
        for key in ("answer", "displays"):
            value = getattr(section, key)
            for shown in [value] if isinstance(value, str) else value or []:
                if shown not in displays:
                    yield file, ("report", i, key), unknown("display", shown, displays)
        for analysis in section.analyses:
            if analysis not in plan.analyses:
                yield file, ("report", i, "analyses"), unknown("analysis", analysis, plan.analyses)


def _answers(plan: Plan) -> Iterator[Problem]:
    """The opening of the report exists, and every question of it points to a chapter."""
    name, displays = plan.displays.answers, plan.displays.displays
    if name is None:
        return
    if name not in displays:
        yield "displays.yaml", ("answers",), unknown("display", name, displays)
    elif displays[name].layout != "answers":
        yield (
            "displays.yaml",
            ("answers",),
            f"{name!r} has the layout {displays[name].layout!r}; the report opens with one of layout 'answers'",
        )
    else:
        chapters = [section.title for section in plan.displays.report]
        questions = displays[name].options.get("questions")
        for i, question in enumerate(questions if isinstance(questions, list) else []):
            if isinstance(question, dict):
                for key, text in _question(plan, question, displays[name].analyses, chapters):
                    yield "displays.yaml", ("displays", name, "options", "questions", i, key), text


def _question(plan: Plan, question: dict[str, Any], roles: dict[str, str], chapters: list[str]) -> Iterator[tuple[str, str]]:
    """Key of one question of the opening, and what is wrong with it."""
    numbers = question.get("numbers")
    if not isinstance(numbers, list) or not numbers:
        return
    if question.get("chapter") not in chapters:
        yield "chapter", unknown("chapter", str(question.get("chapter")), chapters)
    given: list[tuple[str, list[Any]]] = [("numbers", numbers)]
    given += [(key, [question[key]]) for key in ("null_from", "decided_by") if key in question]
    for key, items in given:
        for item in items:
            if isinstance(item, dict) and "role" in item and item["role"] not in roles:
                yield key, unknown("role", str(item["role"]), roles)
    decided = question.get("described") is None and not question.get("observed")
    first = plan.analyses.get(roles.get(str(numbers[0].get("role")), "")) if isinstance(numbers[0], dict) else None
    if decided and first is not None and first.comparison_only is not None:
        yield (
            "numbers",
            f"a plain yes or no cannot come from an analysis for comparison only ({first.comparison_only}); say `observed: true`, or what "
            "it means in `described`",
        )
