"""Table of the minimal important change of a score."""

from __future__ import annotations

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf import model_text
from nirls.tlf.document import Cell, Column, Row, TableDocument
from nirls.tlf.formats import count, count_percent, interval, number, with_spread
from nirls.tlf.layouts._common import cell, digits, head
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.notes import Notes

ESTIMATES = {
    "mean_change": "Mean change, minimally improved",
    "difference": "Mean change, minimally improved minus unchanged",
    "roc": "ROC, largest sensitivity + specificity",
    "predicted": "Predictive modelling",
    "adjusted": "Predictive modelling, adjusted for the proportion improved",
    "half_sd": "Half a standard deviation at baseline (distribution)",
}


class MinimalChangeOptions(PlanModel):
    """Options of `minimal_change`."""

    anchor: dict[str, str] = Field(default_factory=dict, description="Value of the anchor → its text.")


@layout("minimal_change", options=MinimalChangeOptions, roles=("main",))
def minimal_change(request: Request) -> Laid:
    """Change of the score by value of the anchor, and the minimal important change by each approach."""
    notes, context, main = Notes(), request.context, request.ards["main"]
    param, visit = main.params[0], main.visits[0]
    key = {"param": param, "visit": visit}
    d = digits(context, "change")
    rows = [Row(label="Change by anchor, mean (SD)", kind="section")]
    for level in main.levels("anchor", param):
        n, mean, sd, low, high = (
            main.get(s, variable="anchor", variable_level=level, **key) for s in ("n", "mean", "sd", "conf_low", "conf_high")
        )
        spread = with_spread(mean.value, sd.value, d, d)
        cells = (cell(count(n.value), notes, n), cell(spread, notes, mean, sd), cell(interval(low.value, high.value, d), notes, low, high))
        rows.append(Row(label=request.options.anchor.get(level, level), indent=1, cells=cells))
    gaps = main.get("n_missing", variable="pairs", **key)
    rows.append(Row(label="Left out: anchor or change missing", indent=1, cells=(cell(count(gaps.value), notes, gaps), Cell(), Cell())))
    n, r = main.get("n", variable="pairs", **key), main.get("correlation", variable="correlation", **key)
    cells = (cell(count(n.value), notes, n), cell(number(r.value, 2), notes, r), Cell())
    rows.append(Row(label="Correlation of anchor and change", indent=1, cells=cells))
    if main.find("p", variable="improved", **key) is not None:
        k, p = main.get("n", variable="improved", **key), main.get("p", variable="improved", **key)
        text = count_percent(k.value, p.value, digits(context, "p"))
        rows.append(Row(label="Improved, n (%)", indent=1, cells=(cell(text, notes, k, p), Cell(), Cell())))
    rows.append(Row(label="Minimal important change", kind="section"))
    for name, label in ESTIMATES.items():
        estimate, size = main.get("change", variable=name, **key), main.find("n", variable=name, **key)
        limits = [main.find(s, variable=name, **key) for s in ("conf_low", "conf_high")]
        last = cell(interval(limits[0].value, limits[1].value, d), notes, *limits) if limits[0] and limits[1] else Cell()
        first = cell(count(size.value), notes, size) if size is not None else Cell()
        rows.append(Row(label=label, indent=1, cells=(first, cell(number(estimate.value, d), notes, estimate), last)))
        if name == "roc" and main.find("auc", variable="curve", **key) is not None:
            for stat, text in (("sensitivity", "Sensitivity"), ("specificity", "Specificity"), ("auc", "Area under the curve")):
                value = main.get(stat, variable="curve", **key)
                cells = (Cell(), cell(number(value.value, digits(context, stat)), notes, value), Cell())
                rows.append(Row(label=text, indent=2, cells=cells))
    notes.general(f"Anchor: {main.facts['anchor']}. Correlation: {main.facts['correlation']}. Intervals: {main.facts['intervals']}.")
    notes.general(
        "ROC and unadjusted predictive modelling depend on the proportion improved (Terluin 2017). Negative: improvement on a scale "
        "where lower is better. Participants of all arms of the analysis together."
    )
    columns = (Column(id="n", label="n"), Column(id="estimate", label="Estimate"), Column(id="ci", label=model_text.level_text(main)))
    stub = f"{context.params[param].label if param in context.params else param}, {visit[:1].lower() + visit[1:]}"
    return Laid(document=TableDocument(stub=stub, columns=columns, rows=tuple(rows), **head(request, notes, "main")))
