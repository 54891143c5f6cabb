"""Table of an indirect comparison: the match before and after weighting, and the estimators."""

from __future__ import annotations

from nirls.plan.base import PlanModel
from nirls.tlf import model_text
from nirls.tlf.document import Cell, Column, Row, TableDocument
from nirls.tlf.errors import DisplayError
from nirls.tlf.formats import count, interval, number, p_value
from nirls.tlf.layouts._common import cell, digits, head
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.notes import Notes

ROWS = {
    "Bucher": "Bucher, not matched",
    "MAIC": "Matching-adjusted (MAIC), sandwich SE",
    "MAIC, bootstrap": "Matching-adjusted (MAIC), bootstrap SE",
    "STC": "Outcome regression at the target (STC)",
}


class IndirectDisplay(PlanModel):
    """Options of `indirect`: none."""


@layout("indirect", options=IndirectDisplay, roles=("main",))
def indirect(request: Request) -> Laid:
    """Means before and after weighting beside the target, effective size, and the indirect comparison by each estimator."""
    context, main, notes = request.context, request.ards["main"], Notes()
    facts = main.facts
    if "comparator" not in facts:
        raise DisplayError(
            f"{request.id}: analysis {main.analysis_id!r} holds no indirect comparison; use the method 'indirect_comparison'"
        )
    test, reference, visit = context.arm(facts["test"]), context.arm(facts["reference"]), facts["at"]
    d = digits(context, "estimate")

    def line(label: str, **key: str) -> Row:
        est, se, low, high, p = (main.get(s, **key) for s in ("estimate", "std_error", "conf_low", "conf_high", "p_value"))
        cells = (
            cell(number(est.value, d), notes, est), cell(number(se.value, digits(context, "std_error")), notes, se),
            cell(interval(low.value, high.value, d), notes, low, high), cell(p_value(p.value, context.p_style), notes, p),
        )  # fmt: skip
        return Row(label=label, indent=1, cells=cells)

    rows = [Row(label=f"{test.short} − {facts['comparator']}", kind="section")]
    compared, own = f"{test.code} - {facts['row']}", f"{test.code} - {reference.code}"
    key = {"variable": "indirect", "visit": visit}
    rows += [line(label, **key, variable_level=name, comparison=compared) for name, label in ROWS.items()]
    rows.append(Row(label=f"{test.short} − {reference.short}, this trial", kind="section"))
    rows += [line(label, **key, variable_level=name, comparison=own) for name, label in ROWS.items()]
    rows.append(Row(label=f"{facts['comparator'][:1].upper()}{facts['comparator'][1:]} − {facts['control']}, published", kind="section"))
    rows.append(line("As published", variable="indirect", variable_level="published"))
    rows.append(Row(label="Match", kind="section"))
    for name in main.values("variable_level", variable="balance"):
        for when, label in (("before", "before weighting"), ("after", "after weighting"), ("target", "published population")):
            mean = main.get("mean", variable="balance", variable_level=name, group2="POPULATION", group2_level=when)
            text = f"{context.labels.get(name, name)}, mean {label}"
            rows.append(Row(label=text, indent=1, cells=(cell(number(mean.value, 2), notes, mean), Cell(), Cell(), Cell())))
    size, n = main.get("effective_size", variable="weights"), main.get("n_obs", variable="model")
    cells = (cell(f"{number(size.value, 0)} of {count(n.value)}", notes, size, n), Cell(), Cell(), Cell())
    rows.append(Row(label="Effective sample size", indent=1, cells=cells))
    if main.find("median", variable="weights") is not None:
        quartiles = [main.get(s, variable="weights") for s in ("min", "q1", "median", "q3", "max")]
        text = ", ".join(number(q.value, 2) for q in quartiles)
        notes.general(f"Weights, divided by their mean (least, quartiles, largest): {text}.")
    derived = f" Derived: {facts['derived'].rstrip('.')}." if facts.get("derived") else ""
    notes.general(f"Published: {facts['source'].rstrip('.')}.{derived}")
    notes.general(
        "All go through the control arms: effect here minus published effect, variances added. It holds if, given the variables matched, "
        "nothing else changes the effects between the trials, and a sham device is to light what a placebo is to the drug."
    )
    notes.general("Bucher: analysis of covariance in this trial. STC: arm, matched variables and their interaction. Intervals are normal.")
    notes.general(f"Bootstrap: {facts['draws']} samples of subjects within arms; sandwich: weights taken as estimated.")
    for text in main.footnotes:
        notes.general(text)
    columns = (
        Column(id="estimate", label="Estimate"), Column(id="se", label="SE"), Column(id="ci", label=model_text.level_text(main)),
        Column(id="p", label="p"),
    )  # fmt: skip
    document = TableDocument(stub="", columns=columns, rows=tuple(rows), **head(request, notes, "main", [reference.code, test.code]))
    return Laid(document=document)
