"""Table of contrasts of arms at one visit."""

from __future__ import annotations

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf import model_text
from nirls.tlf.document import Cell, Column, Row, Spanner, TableDocument
from nirls.tlf.errors import DisplayError
from nirls.tlf.formats import count, interval, number, p_value, with_spread
from nirls.tlf.layouts._common import capital, cell, chosen_param, digits, head
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.lookup import Ard
from nirls.tlf.notes import Notes

COLUMNS = {"n": "n", "mean": "LS mean (SE)", "diff": "Difference (SE)", "ci": "", "df": "df", "p": "p"}


class ArmContrastsDisplay(PlanModel):
    """Options of `arm_contrasts`."""

    known: dict[str, float] = Field(default_factory=dict, description="Contrast → true value, where it is known (simulated data).")
    known_label: str = Field("Truth", description="Head of the column of true values.")


@layout("arm_contrasts", options=ArmContrastsDisplay, roles=("main",))
def arm_contrasts(request: Request) -> Laid:
    """LS means of the arms of each group of contrasts, the contrasts with their tests, and joint tests."""
    options, context, main, notes = request.options, request.context, request.ards["main"], Notes()
    names = main.values("variable_level", variable="contrast", group2="GROUP") or [
        n for n in main.values("variable_level", variable="contrast") if n in main.comparisons
    ]
    if not names:
        raise DisplayError(
            f"{request.id}: analysis {main.analysis_id!r} holds no contrasts of arms; use one with the method 'arm_contrasts'"
        )
    strange = [n for n in options.known if n not in names]
    if strange:
        raise DisplayError(f"{request.id}: options.known: {', '.join(strange)} not among the contrasts {', '.join(names)}")
    ci = model_text.level_text(main)
    truth = bool(options.known)
    rows: list[Row] = []
    shown: list[str] = []
    for heading in _headings(main):
        own = [n for n in names if main.find("text", variable="contrast", variable_level=n, **_group(heading)) is not None]
        rows.append(Row(label=heading or "Contrasts", kind="section"))
        arms = [a for a in context.arms if any(_weight(main, n, a.code) for n in own)]
        for arm in arms:
            rows.append(_mean(request, main, arm.code, arm.short, notes, truth))
            shown.append(arm.code)
        for name in own:
            rows.append(_contrast(request, main, name, heading, notes))
        for name in main.values("variable_level", variable="joint"):
            if main.find("text", variable="joint", variable_level=name, **_group(heading)) is not None:
                rows.append(_joint(request, main, name, heading, notes, truth))
    notes.general("Contrasts are not adjusted for multiplicity. A difference between differences is an interaction; it stands first.")
    notes.general("Joint tests: F in the column of the difference; numerator and denominator df.")
    for text in [*model_text.footnotes(main, context), *main.footnotes]:
        notes.general(text)
    labels = COLUMNS | {"ci": ci} | ({"known": options.known_label} if truth else {})
    columns = tuple(Column(id=k, label=v) for k, v in labels.items())
    param, variable = chosen_param(main, None), model_text.response(main, None)
    outcome, visit = context.labels.get(variable, variable), main.facts.get("at", "")
    spanners = (Spanner(label=f"{outcome}, {visit[:1].lower() + visit[1:]}", first=0, last=len(columns) - 1),)
    stub = context.params[param].label if param in context.params else param
    ends = head(request, notes, "main", [a.code for a in context.arms if a.code in shown])
    return Laid(document=TableDocument(stub=stub, columns=columns, rows=tuple(rows), spanners=spanners, **ends))


def _headings(main: Ard) -> list[str]:
    return main.values("group2_level", variable="contrast", group2="GROUP") or [""]


def _group(heading: str) -> dict[str, str]:
    return {"group2": "GROUP", "group2_level": heading}


def _weight(main: Ard, name: str, arm: str) -> float:
    found = main.find("coefficient", variable="contrast", variable_level=name, group1_level=arm)
    return 0.0 if found is None else found.value


def _mean(request: Request, main: Ard, arm: str, label: str, notes: Notes, truth: bool) -> Row:
    key = {"variable": model_text.response(main, None), "visit": main.facts.get("at", ""), "group1_level": arm}
    n, mean, se = (main.get(s, **key) for s in ("n", "lsmean", "lsmean_se"))
    d = digits(request.context, "lsmean"), digits(request.context, "lsmean_se")
    cells = [cell(count(n.value), notes, n), cell(with_spread(mean.value, se.value, *d), notes, mean, se)]
    return Row(label=label, indent=1, cells=(*cells, *(Cell() for _ in range(4 + truth))))


def _contrast(request: Request, main: Ard, name: str, heading: str, notes: Notes) -> Row:
    context, options = request.context, request.options
    key = {"variable": model_text.response(main, None), "visit": main.facts.get("at", ""), "comparison": name}
    est, se, low, high, df, p = (main.get(s, **key) for s in ("estimate", "std_error", "conf_low", "conf_high", "df", "p_value"))
    d = digits(context, "estimate")
    cells = [
        Cell(),
        Cell(),
        cell(with_spread(est.value, se.value, d, digits(context, "std_error")), notes, est, se),
        cell(interval(low.value, high.value, digits(context, "conf_low")), notes, low, high),
        cell(number(df.value, digits(context, "df")), notes, df),
        cell(p_value(p.value, context.p_style), notes, p),
    ]
    if options.known:
        cells.append(Cell(text=number(options.known[name], d) if name in options.known else ""))
    label = main.get("text", variable="contrast", variable_level=name, **_group(heading)).text
    return Row(label=capital(label), indent=1, cells=tuple(cells))


def _joint(request: Request, main: Ard, name: str, heading: str, notes: Notes, truth: bool) -> Row:
    context = request.context
    key = {"variable": "joint", "variable_level": name}
    f, num, den, p = (main.get(s, **key) for s in ("f_statistic", "num_df", "den_df", "p_value"))
    df = "NE" if num.value != num.value else f"{count(num.value)}, {number(den.value, digits(context, 'den_df'))}"
    value = "NE" if f.value != f.value else f"F = {number(f.value, digits(context, 'f_statistic'))}"
    cells = (Cell(), Cell(), cell(value, notes, f), Cell(), cell(df, notes, num, den), cell(p_value(p.value, context.p_style), notes, p))
    label = main.get("text", variable="joint", variable_level=name, **_group(heading)).text
    return Row(label=capital(label), indent=1, cells=(*cells, *([Cell()] if truth else [])))
