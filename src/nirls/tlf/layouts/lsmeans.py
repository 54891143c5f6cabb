"""Table of LS means and differences by visit."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf import model_text
from nirls.tlf.context import ArmView
from nirls.tlf.document import Cell, Column, Row, Spanner, TableDocument
from nirls.tlf.errors import DisplayError
from nirls.tlf.formats import count, interval, number, p_value, with_spread
from nirls.tlf.layouts._common import OPEN_LABEL, arm_columns, cell, chosen_arms, chosen_param, chosen_visits, digits, head
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.lookup import Ard
from nirls.tlf.notes import Notes

WIDE = 4
"""More arms than this are put into rows, by their short names."""


class LsmeansOptions(PlanModel):
    """Options of `lsmeans`."""

    arrange: Literal["auto", "arms_in_columns", "arms_in_rows"] = Field(
        "auto", description="Where the arms go; auto: in rows when there are more than four."
    )
    visits: list[str] | None = Field(None, description="Visits to show; none for all.")
    emphasis: list[str] = Field(default_factory=list, description="Visits printed in bold, such as the primary one.")
    arms: list[str] | None = Field(None, description="Arms to show; none for all.")
    reference: str | None = Field(None, description="Arm the others are compared with; default: the study's reference.")
    param: str | None = Field(None, description="PARAMCD; default: the only one of the results.")
    variable: str | None = Field(None, description="Response; default: the only one of the results.")


class _Numbers:
    """Cells of one arm at one visit."""

    def __init__(self, request: Request, ard: Ard, notes: Notes) -> None:
        options = request.options
        self.request, self.ard, self.notes = request, ard, notes
        self.reference = options.reference or request.context.reference
        self.key = {"variable": model_text.response(ard, options.variable), "param": chosen_param(ard, options.param)}

    def _d(self, name: str) -> int:
        return digits(self.request.context, name)

    def lsmean(self, arm: str, visit: str) -> dict[str, Cell]:
        key = {**self.key, "group1_level": arm, "visit": visit}
        n, mean, se, low, high = (self.ard.get(s, **key) for s in ("n", "lsmean", "lsmean_se", "conf_low", "conf_high"))
        return {
            "n": cell(count(n.value), self.notes, n),
            "mean": cell(with_spread(mean.value, se.value, self._d("lsmean"), self._d("lsmean_se")), self.notes, mean, se),
            "ci": cell(interval(low.value, high.value, self._d("conf_low")), self.notes, low, high),
        }

    def difference(self, arm: str, visit: str) -> dict[str, Cell]:
        names = ("diff", "diff_ci", "df", "p")
        if arm == self.reference:
            return {name: Cell(text="Reference" if name == "diff" else "") for name in names}
        key = {**self.key, "group1_level": arm, "visit": visit, "comparison": model_text.contrast(self.ard, arm, self.reference)}
        est, se, low, high, df, p = (self.ard.get(s, **key) for s in ("estimate", "std_error", "conf_low", "conf_high", "df", "p_value"))
        return {
            "diff": cell(with_spread(est.value, se.value, self._d("estimate"), self._d("std_error")), self.notes, est, se),
            "diff_ci": cell(interval(low.value, high.value, self._d("conf_low")), self.notes, low, high),
            "df": cell(number(df.value, self._d("df")), self.notes, df),
            "p": cell(p_value(p.value, self.request.context.p_style), self.notes, p),
        }

    def trend(self, visit: str) -> dict[str, Cell] | None:
        """The slope over dose, where the analysis estimates one."""
        if model_text.TREND not in self.ard.comparisons:
            return None
        key = {**self.key, "visit": visit, "comparison": model_text.TREND}
        est, se, low, high, df, p = (self.ard.get(s, **key) for s in ("estimate", "std_error", "conf_low", "conf_high", "df", "p_value"))
        return {
            "diff": cell(with_spread(est.value, se.value, model_text.SLOPE, model_text.SLOPE), self.notes, est, se),
            "diff_ci": cell(interval(low.value, high.value, model_text.SLOPE), self.notes, low, high),
            "df": cell(number(df.value, self._d("df")), self.notes, df),
            "p": cell(p_value(p.value, self.request.context.p_style), self.notes, p),
        }


def _in_rows(request: Request, numbers: _Numbers, arms: list[ArmView], visits: list[str], ci: str, outcome: str) -> dict:
    """Arms in rows under each visit; statistics in columns."""
    context, notes, ard = request.context, numbers.notes, numbers.ard
    labels = {"N": "N", "n": "n", "mean": "LS mean (SE)", "ci": ci, "diff": "Difference (SE)", "diff_ci": ci, "df": "df", "p": "p"}
    rows: list[Row] = []
    for visit in visits:
        bold = visit in request.options.emphasis
        rows.append(Row(label=visit, kind="section", emphasis=bold))
        for arm in arms:
            size = ard.size(arm.code, numbers.key["param"])
            cells = {"N": cell(count(size.value), notes, size), **numbers.lsmean(arm.code, visit), **numbers.difference(arm.code, visit)}
            marks = () if arm.blinded else (notes.mark(OPEN_LABEL),)
            name = arm.short if len(arms) > WIDE else arm.label
            rows.append(Row(label=name, indent=1, cells=tuple(cells[k] for k in labels), emphasis=bold, marks=marks))
        if trend := numbers.trend(visit):
            rows.append(Row(label="Dose trend, slope", indent=1, cells=tuple(trend.get(k, Cell()) for k in labels), emphasis=bold))
    if len(arms) > WIDE:
        notes.general("; ".join(f"{a.short}: {a.label}" for a in arms if a.short != a.label) + ".")
    spanners = (
        Spanner(label=outcome, first=1, last=3),
        Spanner(label=f"Difference from {context.arm(numbers.reference).short}", first=4, last=7),
    )
    return {"columns": tuple(Column(id=k, label=v) for k, v in labels.items()), "rows": tuple(rows), "spanners": spanners}


def _in_columns(request: Request, numbers: _Numbers, arms: list[ArmView], visits: list[str], ci: str, outcome: str) -> dict:
    """Statistics in rows under each visit; arms in columns."""
    columns = arm_columns(numbers.ard, request.context, numbers.notes, [a.code for a in arms], total=False)
    reference = request.context.arm(numbers.reference).short
    own = {"n": ("n", 1), "mean": ("LS mean (SE)", 1), "ci": (ci, 1)}
    versus = {"diff": (f"Difference from {reference} (SE)", 1), "diff_ci": (ci, 2), "df": ("df", 2), "p": ("p", 2)}
    rows: list[Row] = []
    for visit in visits:
        bold = visit in request.options.emphasis
        rows.append(Row(label=f"{visit} — {outcome[:1].lower() + outcome[1:]}", kind="section", emphasis=bold))
        means = [numbers.lsmean(a.code, visit) for a in arms]
        differences = [{k: Cell() for k in versus} if a.code == numbers.reference else numbers.difference(a.code, visit) for a in arms]
        for source, labels in ((means, own), (differences, versus)):
            rows += [Row(label=text, indent=step, cells=tuple(c[k] for c in source), emphasis=bold) for k, (text, step) in labels.items()]
        if trend := numbers.trend(visit):  # one test over all arms: in the last column
            first = ("Dose trend, slope (SE)", 1)
            blank = (Cell(),) * (len(columns) - 1)
            rows += [
                Row(label=text, indent=step, cells=(*blank, trend[k]), emphasis=bold)
                for k, (text, step) in (versus | {"diff": first}).items()
            ]
    return {"columns": columns, "rows": tuple(rows), "spanners": ()}


@layout("lsmeans", options=LsmeansOptions, roles=("main",))
def lsmeans(request: Request) -> Laid:
    """LS means and differences from the reference arm by visit, with the model in footnotes."""
    options, context, main, notes = request.options, request.context, request.ards["main"], Notes()
    arms = chosen_arms(main, context, options.arms)
    numbers = _Numbers(request, main, notes)
    if numbers.reference not in {a.code for a in context.arms}:
        raise DisplayError(f"{request.id}: options.reference: {numbers.reference!r} is not an arm of the study")
    visits = chosen_visits(main, context, options.visits)
    strange = [v for v in options.emphasis if v not in visits]
    if strange:
        raise DisplayError(f"{request.id}: options.emphasis: {', '.join(strange)} not among the visits shown ({', '.join(visits)})")
    ci = model_text.level_text(main)
    outcome = context.labels.get(numbers.key["variable"], numbers.key["variable"])
    rows_first = options.arrange == "arms_in_rows" or (options.arrange == "auto" and len(arms) > WIDE)
    parts = (_in_rows if rows_first else _in_columns)(request, numbers, arms, visits, ci, outcome)
    if rows_first:
        notes.general("N: subjects of the set; n: subjects with an observation at the visit.")
    for text in [*model_text.footnotes(main, context), *main.footnotes]:
        notes.general(text)
    param = numbers.key["param"]
    stub = context.params[param].label if param in context.params else param
    return Laid(document=TableDocument(stub=stub, **parts, **head(request, notes, "main", [a.code for a in arms])))
