"""Table of published single cases: courses, indices, and what a case is set against."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf import model_text
from nirls.tlf.context import DisplayContext
from nirls.tlf.document import Cell, Column, Row, TableDocument
from nirls.tlf.errors import DisplayError
from nirls.tlf.formats import count, interval, number, p_value, percent
from nirls.tlf.layouts._case_series import as_given, movement, series_rows, share
from nirls.tlf.layouts._common import cell, chosen_arms, head
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.lookup import Ard, Found
from nirls.tlf.notes import Notes

BLANK = Cell()
PHASES = {"A": "before treatment", "B": "under treatment", "F": "after treatment"}
INDICES = {
    "NAP": "Non-overlap of all pairs (NAP)",
    "Tau": "Tau (2 NAP − 1)",
    "Tau-U": "Tau-U",
    "Tau-BC": "Tau, baseline corrected",
    "PND": "Share better than the best before (PND)",
    "log ratio": "Log ratio of means",
    "phase change": "Change of level, AR(1) errors (points)",
    "randomization": "Randomization test, difference of means",
}
TERMS = {
    "level": "Level before",
    "step": "Step at the start",
    "slope before": "Slope before, per week",
    "change of slope": "Change of slope",
}


class SingleCaseDisplay(PlanModel):
    """Options of `single_case`."""

    arms: list[str] | None = Field(None, description="Arms whose shares are shown; none for all of the benchmark.")


@layout("single_case", options=SingleCaseDisplay, roles=("main",), optional=("benchmark",))
def single_case(request: Request) -> Laid:
    """Values and indices of each case; its chance under sham, the best of many, shares by arm, and regression to the mean."""
    context, main, notes = request.context, request.ards["main"], Notes()
    cases = main.values("variable_level", variable="case")
    if not cases:
        raise DisplayError(f"{request.id}: analysis {main.analysis_id!r} holds no case; use the method 'single_case'")
    bench = request.ards.get("benchmark")
    best = bench.values("group2_level", variable="benchmark", group2="BEST OF") if bench is not None else []
    width = 4 + (len(best) + 1 if bench is not None else 0)

    def line(label: str, *cells: Cell, indent: int = 1, emphasis: bool = False) -> Row:
        return Row(label=label, indent=indent, cells=(*cells, *[BLANK] * (width - len(cells))), emphasis=emphasis)

    rows: list[Row] = []
    for case in cases:
        rows.append(Row(label=f"Case {case}", kind="section"))
        for week in main.values("group2_level", variable="case", variable_level=case, group2="WEEK"):
            phase = main.values("group3_level", variable="case", variable_level=case, group2="WEEK", group2_level=week)[0]
            key = {"group2": "WEEK", "group2_level": week, "group3": "PHASE", "group3_level": phase}
            value = main.get("value", variable="case", variable_level=case, **key)
            rows.append(line(f"Week {week}, {PHASES[phase]}", BLANK, cell(as_given(value.value), notes, value)))
        rows += [line(label, *_index(main, name, case, notes, context)) for name, label in INDICES.items()]
        source = main.find("text", variable="case", variable_level=case, group2="TEXT", group2_level="citation")
        said = main.find("text", variable="case", variable_level=case, group2="TEXT", group2_level="notes")
        notes.general(f"{case}: {source.text if source else ''}." + (f" {said.text.rstrip('.')}." if said else ""))
    n_cases = main.find("n", variable="single case", variable_level="mixed model")
    suffix = f", {count(n_cases.value)} cases" if n_cases is not None else ""
    rows.append(Row(label=f"All cases in a mixed model{suffix}", kind="section"))
    key = {"variable": "single case", "variable_level": "mixed model", "group2": "MODEL"}
    if n_cases is None:
        rows.append(line("Step, slopes", BLANK, cell("NE", notes, main.get("estimate", **key, group2_level="step"))))
    else:
        for term, label in TERMS.items():
            est, se, p = (main.get(s, **key, group2_level=term) for s in ("estimate", "std_error", "p_value"))
            shown = cell(f"p {_p(p.value, context)}", notes, p)
            rows.append(line(label, shown, cell(number(est.value, 2), notes, est), cell(number(se.value, 3), notes, se)))
    if bench is not None:
        rows += _benchmark(request, bench, notes, best, line)
    for text in main.footnotes:
        notes.general(text)
    notes.general(
        "Indices count a fall as improvement." if main.facts["direction"] == "lower_better" else "Indices count a rise as improvement."
    )
    notes.general("Log ratio: below 0 is a fall. Tau-U can exceed 1 and follows the trend of the baseline.")
    labels = {"n": "n/N or p", "value": "Estimate", "se": "SE", "ci": model_text.level_text(main)}
    if bench is not None:
        labels |= {f"best{m}": f"Best of {m}" for m in best} | {"patients": "Patients until one"}
    columns = tuple(Column(id=k, label=v) for k, v in labels.items())
    population = "benchmark" if bench is not None else None
    arms = [a.code for a in chosen_arms(bench, context, request.options.arms)] if bench is not None else None
    ends = head(request, notes, population, arms)
    if bench is None:
        ends |= {"population": f"Shows {len(cases)} published {'case' if len(cases) == 1 else 'cases'}."}
    return Laid(document=TableDocument(stub="", columns=columns, rows=tuple(rows), **ends))


def _p(value: float, context: DisplayContext) -> str:
    text = p_value(value, context.p_style)
    return text if text[:1] in "<>" else f"= {text}"


def _index(main: Ard, name: str, case: str, notes: Notes, context: DisplayContext) -> tuple[Cell, ...]:
    """p where there is one, estimate, error and interval of an index."""
    key = {"variable": "single case", "variable_level": name, "group2": "CASE", "group2_level": case}
    d = 2 if name in ("phase change", "randomization") else 3
    est, se, low, high, p = (main.find(s, **key) for s in ("estimate", "std_error", "conf_low", "conf_high", "p_value"))
    assert est is not None
    if est.error:
        return (BLANK, cell("NE", notes, est))
    return (
        BLANK if p is None else cell(f"p {_p(p.value, context)}", notes, p),
        cell(number(est.value, d), notes, est),
        BLANK if se is None else cell(number(se.value, 3), notes, se),
        BLANK if low is None or high is None else cell(interval(low.value, high.value, d), notes, low, high),
    )


def _benchmark(request: Request, bench: Ard, notes: Notes, best: list[str], line: Callable[..., Row]) -> list[Row]:
    """Chances, shares and regression to the mean."""
    context, facts = request.context, bench.facts
    visit = facts["at"]
    at = f"{visit[:1].lower()}{visit[1:]}"
    cases = bench.values("variable_level", variable="case")
    rows: list[Row] = []
    for case in cases:
        rows += _chances(request, bench, case, len(cases) > 1, notes, best, line)
    for series in bench.values("group3_level", variable="case series"):
        rows += series_rows(bench, series, context, notes, best, line)
    arms = chosen_arms(bench, context, request.options.arms)
    alone = [{"group3": "CASE", "group3_level": case, "variable_level": "share: as the case"} for case in cases]
    rest = [n for n in bench.values("variable_level", variable="benchmark") if n.startswith("share: ") and n != "share: as the case"]
    for which in [*alone, *({"variable_level": n} for n in rest)]:
        shared = {"variable": "benchmark", "visit": visit} | which
        label = bench.get("text", **shared)
        rows.append(Row(label=f"{label.text}, {at} (%)", kind="section"))
        for arm in arms:
            key = shared | {"group1_level": arm.code}
            events, n, p, low, high = (bench.get(s, **key) for s in ("n_events", "n", "p", "conf_low", "conf_high"))
            rows.append(
                line(
                    arm.short, cell(f"{count(events.value)}/{count(n.value)}", notes, events, n), cell(percent(p.value), notes, p), BLANK,
                    cell(interval(low.value, high.value, 1), notes, low, high),
                )
            )  # fmt: skip
    if bench.has("regression to the mean"):
        rows += _regression(bench, notes, line)
    notes.general(
        "Best of m: chance that at least one of m patients without light has such a course; patients until one: 1 over the chance."
    )
    return rows


def _chances(request: Request, bench: Ard, case: str, named: bool, notes: Notes, best: list[str], line: Callable[..., Row]) -> list[Row]:
    """Chances of the course of one case; `named` where there are several."""
    facts = bench.facts
    visit = facts["at"]
    sham = request.context.arm(facts["reference"]).short

    def of_case(name: str) -> Found:
        return bench.get("value", variable="case", variable_level=case, group2="AT", group2_level=name)

    base, value, change = of_case("baseline"), of_case("value"), of_case("change")
    at = f"{visit[:1].lower()}{visit[1:]}"
    moved = movement(change.value, as_given(abs(change.value)), facts["direction"])
    of = f" ({case})" if named else ""
    rows = [Row(label=f"Chance of {moved} by {at} without light{of}", kind="section")]
    for name in [n for n in bench.values("variable_level", variable="benchmark") if not n.startswith("share: ")]:
        key = {"variable": "benchmark", "variable_level": name, "visit": visit, "group3": "CASE", "group3_level": case}
        p, low, high, n, events = (bench.find(s, **key) for s in ("probability", "conf_low", "conf_high", "n", "n_events"))
        patients = bench.get("patients", **key)
        assert p is not None
        many = [bench.get("probability", **key, group2="BEST OF", group2_level=m) for m in best]
        label, counts, limits = f"{name}, normal", BLANK, BLANK
        if name.startswith("observed"):
            label = f"{sham} in this trial, observed"
            if name != "observed":
                label += f", baseline {as_given(base.value)} or {'more' if facts['direction'] == 'lower_better' else 'less'}"
            if n is not None and events is not None and low is not None and high is not None:
                counts = cell("NE" if n.error else f"{count(events.value)}/{count(n.value)}", notes, events, n)
                limits = cell("NE" if low.error else f"({share(low.value)}, {share(high.value)})", notes, low, high)
        elif name == "predicted":
            label = f"{sham} in this trial, predicted for a baseline of {as_given(base.value)}"
            mean, sd, df = (bench.get(s, **key) for s in ("mean", "sd", "df"))
            if not mean.error:
                notes.general(
                    f"Predicted{of}: {number(mean.value, 1)} (SD of another patient {number(sd.value, 2)}), t with {count(df.value)} df."
                )
        source = bench.find("text", **key, group2="TEXT", group2_level="source")
        if source is not None:
            mean, sd = bench.get("mean", **key), bench.get("sd", **key)
            notes.general(f"{name}: {number(mean.value, 2)} (SD {number(sd.value, 2)}). {source.text.rstrip('.')}.")
        rows.append(
            line(
                label, counts, cell(share(p.value), notes, p), BLANK, limits, *[cell(share(m.value), notes, m) for m in many],
                cell("NE" if patients.error else number(patients.value, 0), notes, patients),
            )
        )  # fmt: skip
    bound = bench.find(
        "patients",
        variable="benchmark",
        variable_level="observed",
        visit=visit,
        group2="LIMIT",
        group2_level="upper limit of the share",
        group3="CASE",
        group3_level=case,
    )
    if bound is not None:
        notes.general(
            f"{case}: at the upper limit of the observed share one such case is expected among {number(bound.value, 0)} patients."
        )
    notes.general(
        f"{case}: {as_given(base.value)} before treatment, {as_given(value.value)} at {at}. Observed and shares: subjects with a value "
        f"at {at}, exact limits (Clopper and Pearson). Predicted: line of the value on the baseline in the {sham.lower()} arm."
    )
    return rows


def _regression(bench: Ard, notes: Notes, line: Callable[..., Row]) -> list[Row]:
    """Expected and observed change between the two values before treatment."""
    facts, key = bench.facts, {"variable": "regression to the mean"}
    rows = [
        Row(label=f"Regression to the mean, {facts['screening'].lower()} to {facts['baseline_visit'].lower()} (points)", kind="section")
    ]
    n, mean, sd, r = (bench.get(s, **key) for s in ("n", "mean", "sd", "correlation"))
    rows.append(
        line(
            "Mean (SD) of the first value",
            cell(count(n.value), notes, n),
            cell(number(mean.value, 2), notes, mean),
            cell(number(sd.value, 2), notes, sd),
        )
    )
    rows.append(line("Correlation of both", BLANK, cell(number(r.value, 3), notes, r)))
    better_low = facts["direction"] == "lower_better"
    for level in bench.values("variable_level", **key):
        est = bench.get("estimate", **key, variable_level=level)
        size, seen = (bench.find(s, **key, variable_level=level) for s in ("n", "mean"))
        side = f"Selected for {level} or {'more' if better_low else 'less'}"
        rows.append(line(f"{side}, expected", BLANK, cell(number(est.value, 2), notes, est)))
        if size is not None and seen is not None:
            rows.append(line(f"{side}, observed", cell(count(size.value), notes, size), cell(number(seen.value, 2), notes, seen)))
    notes.general(
        "Regression to the mean: change expected when nothing is done, normal values with equal distribution; mean, SD and correlation of "
        "enrolled subjects, whom eligibility selected already, so that the true effect of selection is larger."
    )
    return rows
