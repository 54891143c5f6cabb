"""Table of the paths from treatment to outcome, through mediators and past them."""

from __future__ import annotations

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf import model_text, population
from nirls.tlf.context import DisplayContext
from nirls.tlf.document import Cell, Column, Row, TableDocument
from nirls.tlf.errors import DisplayError
from nirls.tlf.formats import interval, number, p_value
from nirls.tlf.layouts._common import cell, digits, head
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.lookup import Ard, Found
from nirls.tlf.notes import Notes

JOINT = "joint"
DIFFERENCE = 6
"""Decimals of the largest difference from the check."""
EFFECTS = {
    "ACME(0)": "Indirect, for people on {reference}: ACME(0)",
    "ACME(1)": "Indirect, for people treated: ACME(1)",
    "ACME": "Indirect effect, average: ACME",
    "ADE(0)": "Direct, mediator as on {reference}: ADE(0)",
    "ADE(1)": "Direct, mediator as if treated: ADE(1)",
    "ADE": "Direct effect, average: ADE",
    "total": "Total effect",
    "a × b": "Indirect, without interaction: a × b",
}


class MediationDisplay(PlanModel):
    """Options of `mediation`."""

    known: dict[str, dict[str, float]] = Field(
        default_factory=dict,
        description="Role → effect (ACME, ADE, total …) → its true value, where it is known (simulated data).",
    )
    known_label: str = Field("Truth", description="Head of the column of true values.")


def mediators(ard: Ard, display_id: str) -> list[str]:
    """The mediators of the results in order, those taken together last."""
    found = ard.values("group2_level", variable="mediation")
    if not found:
        raise DisplayError(f"{display_id}: analysis {ard.analysis_id!r} holds no mediation; use an analysis with the method 'mediation'")
    return found


def named(mediator: str, context: DisplayContext) -> str:
    """ "STO2, Week 2" gives "Tissue oxygenation (%), week 2"."""
    code, _, visit = mediator.partition(", ")
    view = context.params.get(code)
    return f"{view.label if view else code}, {visit[:1].lower()}{visit[1:]}"


def sides(ard: Ard, context: DisplayContext) -> tuple[str, str]:
    """Names of what is compared: the treated and the reference."""
    treated, _, reference = ard.facts["comparison"].rpartition(" - ")
    short = {a.code: a.short for a in context.arms}
    return short.get(treated, treated), short.get(reference, reference)


def with_limits(found: tuple[Found, Found, Found], d: int) -> str:
    """ "−1.31 (−2.10, −0.60)"; "NE" where it was not estimable."""
    value, low, high = found
    return "NE" if value.value != value.value else f"{number(value.value, d)} {interval(low.value, high.value, d)}"


def three(ard: Ard, first: str, **key: str) -> tuple[Found, Found, Found]:
    """Estimate and limits."""
    return ard.get(first, **key), ard.get("conf_low", **key), ard.get("conf_high", **key)


@layout("mediation", options=MediationDisplay, roles=("main",), optional=("*",))
def mediation(request: Request) -> Laid:
    """Paths, indirect, direct and total effects, proportion mediated and sensitivity, for mediators one by one and together."""
    context, options, notes = request.context, request.options, Notes()
    columns_of = mediators(request.ards["main"], request.id)
    rows: list[Row] = []
    if strange := [role for role in options.known if role not in request.ards]:
        raise DisplayError(f"{request.id}: options.known: {', '.join(strange)} is no role of the display")
    for role, ard in request.ards.items():
        if mediators(ard, request.id) != columns_of:
            raise DisplayError(f"{request.id}: the analyses of {role!r} and 'main' have other mediators; show them in two tables")
        rows += _block(ard, columns_of, context, options.known.get(role, {}), bool(options.known), notes)
    for role, ard in request.ards.items():
        if role != "main":
            notes.general(f"{sides(ard, context)[0]}: {population.sentence(ard, context)}")
        for text in [*ard.footnotes, *model_text.footnotes(ard, context)]:
            notes.general(text)
    ci = model_text.level_text(request.ards["main"])
    notes.general(
        f"Estimates with {ci}. a: effect of treatment on the mediator; b: change in the outcome for a unit of it, treatment held; "
        "ρ*: correlation of the errors of the two models at which a × b would be 0, as an unmeasured cause of both makes it; with it the "
        "product of the shares of their variances that such a cause must explain."
    )
    if options.known:
        notes.general(f"{options.known_label}: of the generator of the data.")
    labels = ["All together" if m == JOINT else named(m, context) for m in columns_of]
    columns = [Column(id=m, label=text) for m, text in zip(columns_of, labels, strict=True)]
    if options.known:
        columns.append(Column(id="known", label=options.known_label))
    document = TableDocument(stub="", columns=tuple(columns), rows=tuple(rows), **head(request, notes, "main"))
    return Laid(document=document)


def _block(ard: Ard, columns: list[str], context: DisplayContext, known: dict[str, float], has_known: bool, notes: Notes) -> list[Row]:
    """The rows of one comparison."""
    comparison = ard.facts["comparison"]
    treated, reference = sides(ard, context)
    alone = [m for m in columns if m != JOINT]
    empty = (Cell(),) if has_known else ()

    def keyed(mediator: str, variable: str, level: str) -> dict[str, str]:
        return {"comparison": comparison, "group2": "MEDIATOR", "group2_level": mediator, "variable": variable, "variable_level": level}

    def path(level: str) -> tuple[Cell, ...]:
        cells = []
        for m in columns:
            key = keyed(m, "path", level)
            if ard.find("estimate", **key) is None:
                cells.append(Cell())
                continue
            found = three(ard, "estimate", **key)
            cells.append(cell(with_limits(found, digits(context, "coefficient")), notes, *found))
        return (*cells, *empty)

    def path_p(level: str) -> tuple[Cell, ...]:
        found = [ard.find("p_value", **keyed(m, "path", level)) for m in columns]
        return (*(Cell() if f is None else cell(p_value(f.value, context.p_style), notes, f) for f in found), *empty)

    def component(mediator: str) -> tuple[Cell, ...]:
        found = three(ard, "estimate", **keyed(JOINT, "path", "b"), group3="COMPONENT", group3_level=mediator)
        shown = cell(with_limits(found, digits(context, "coefficient")), notes, *found)
        return (*(shown if m == JOINT else Cell() for m in columns), *empty)

    def effect(level: str, first: str = "estimate", d: int | None = None) -> tuple[Cell, ...]:
        cells = []
        for m in columns:
            key = keyed(m, "mediation", level)
            if ard.find(first, **key) is None:
                cells.append(Cell())
                continue
            found = three(ard, first, **key)
            cells.append(cell(with_limits(found, digits(context, first) if d is None else d), notes, *found))
        if not has_known:
            return tuple(cells)
        return (*cells, Cell(text=number(known[level], digits(context, "estimate"))) if level in known else Cell())

    def check(stat: str, level: str, d: int) -> tuple[Cell, ...]:
        found = [ard.find(stat, **keyed(m, "check", level)) for m in columns]
        return (*(Cell() if f is None else cell("NE" if f.error else number(f.value, d), notes, f) for f in found), *empty)

    arms = ard.facts["arms"].split(", ")
    sizes = [[ard.get("n_subjects", variable="model", group1_level=a) for a in some] for some in (arms, [comparison.rpartition(" - ")[2]])]
    counts = " / ".join(f"{sum(f.value for f in some):.0f}" for some in sizes)
    size = cell(counts, notes, *(f for some in sizes for f in some))
    rows = [Row(label=f"{treated} − {reference[:1].lower()}{reference[1:]}", kind="section")]
    rows.append(Row(label="Subjects, treated / reference", indent=1, cells=(*(size for _ in columns), *empty)))
    rows.append(Row(label="Treatment → mediator: a", indent=1, cells=path("a")))
    rows.append(Row(label="Mediator → outcome: b", indent=1, cells=path("b")))
    if len(alone) > 1:
        rows += [Row(label=f"b of {m.partition(', ')[0]}, the others held", indent=2, cells=component(m)) for m in alone]
    rows.append(Row(label="Treatment → outcome, direct: c′", indent=1, cells=path("direct")))
    if ard.facts["interaction"] == "yes":
        rows.append(Row(label="Treatment × mediator", indent=1, cells=path("interaction")))
        rows.append(Row(label="p", indent=2, cells=path_p("interaction")))
    low = reference[:1].lower() + reference[1:]
    for level, text in EFFECTS.items():
        if ard.find("estimate", **keyed(columns[0], "mediation", level)) is not None:
            label = text.format(reference=low)
            rows.append(Row(label=label, indent=1, cells=effect(level), emphasis=level in ("ACME", "total")))
    rows.append(Row(label="Proportion mediated", indent=1, cells=effect("proportion", "mediated")))
    rows.append(Row(label="ρ*, at which a × b is 0", indent=1, cells=effect("rho", "rho")))
    products = [ard.find("r_squared_product", **keyed(m, "mediation", "rho")) for m in columns]
    cells = tuple(Cell() if f is None else cell(number(f.value, digits(context, f.stat_name)), notes, f) for f in products)
    rows.append(Row(label="product of shares of variance", indent=2, cells=(*cells, *empty)))
    if ard.find("max", **keyed(columns[0], "check", "difference")) is not None:
        rows += [
            Row(label="Check by pingouin: a × b", indent=1, cells=check("estimate", "a × b", digits(context, "estimate"))),
            Row(label="largest difference of a, b, c′, a × b, c′ + a × b", indent=2, cells=check("max", "difference", DIFFERENCE)),
        ]
        notes.general(
            "Check: each mediator by itself without interaction, once more by pingouin's mediation; it has no interaction, no several "
            "mediators and no missing values, so that it checks these estimates and no interval."
        )
    return rows
