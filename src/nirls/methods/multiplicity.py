"""Familywise error control over p-values of other analyses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from nirls.methods._linear import facts
from nirls.methods.registry import AnalysisData, MethodResult, method
from nirls.plan.base import PlanModel

if TYPE_CHECKING:
    import pandas as pd

    from nirls.plan.analysis import Analysis
    from nirls.plan.load import Plan
    from nirls.stats.multiplicity import Decisions, Graph, Step

Share = Annotated[float, Field(ge=0, le=1)] | Annotated[str, Field(pattern=r"^\d+/[1-9]\d*$")]
PROCEDURES = {
    "graph": "graphical procedure with weighted Bonferroni tests (Bretz et al. 2009)",
    "holm": "Holm",
    "hochberg": "Hochberg (needs positive dependence of the test statistics)",
}
SPENDING = {"obrien-fleming": "O'Brien–Fleming type", "pocock": "Pocock type"}
SIDES = {1: "one-sided", 2: "two-sided"}
COPIED = ("estimate", "conf_low", "conf_high")


class Hypothesis(PlanModel):
    """One hypothesis of the family: where its p-value stands, and its share of α."""

    label: str = Field(description="The hypothesis in words, such as 'IRLS total at week 4, 54 J/cm² against sham'.")
    analysis: str = Field(description="Analysis with the p-value; one of `uses`.")
    comparison: str = Field("", description="Comparison as the results name it, such as 'NIR850-54 - SHAM'.")
    visit: str = Field("", description="Visit; may be left out where the results have one.")
    param: str | None = Field(None, description="PARAMCD, where the results have several.")
    variable: str | None = Field(None, description="Outcome, where the results have several.")
    sides: Literal[1, 2] = Field(2, description="Sides of the p-value in the results.")
    alternative: Literal["less", "greater"] | None = Field(
        None, description="For a one-sided family and a two-sided p-value: side of the estimate that rejects; the p-value is halved there."
    )
    weight: Share | None = Field(None, description="Share of α at the start, a number or a fraction such as 1/3; none for no share.")
    to: dict[str, Share] = Field(default_factory=dict, description="Hypothesis → share of the weight it receives when this is rejected.")


class Look(PlanModel):
    """A look of a group-sequential trial: p-values become repeated p-values, which account for all looks up to it."""

    fractions: list[float] = Field(description="Information fractions of the looks, up to and including this one.", min_length=1)
    spending: Literal["obrien-fleming", "pocock"] = Field("obrien-fleming", description="Lan–DeMets spending function.")

    @model_validator(mode="after")
    def _increasing(self) -> Look:
        steps = zip([0.0, *self.fractions], self.fractions, strict=False)
        if any(a >= b for a, b in steps) or self.fractions[-1] > 1:
            raise ValueError(f"information fractions must increase within (0, 1], not {', '.join(map(str, self.fractions))}")
        return self


class MultiplicityOptions(PlanModel):
    """Options of `multiplicity`."""

    procedure: Literal["graph", "holm", "hochberg"] = Field(
        "graph", description="'hochberg' controls the error rate for positively dependent statistics only."
    )
    alpha: float = Field(description="Familywise level; there is no default.", gt=0, lt=1)
    sides: Literal[1, 2] = Field(description="Whether `alpha` is one- or two-sided; there is no default.")
    hypotheses: dict[str, Hypothesis] = Field(description="Name → hypothesis, in display order.", min_length=1)
    look: Look | None = Field(None, description="Look of a group-sequential trial; none for one analysis at the end.")

    @model_validator(mode="after")
    def _consistent(self) -> MultiplicityOptions:
        for name, h in self.hypotheses.items():
            _sides(name, h, self.sides)
            if self.procedure != "graph" and (h.weight is not None or h.to):
                raise ValueError(f"{name}: `weight` and `to` belong to the procedure 'graph', not to {self.procedure!r}")
            strange = [other for other in h.to if other not in self.hypotheses]
            if strange:
                raise ValueError(f"{name}: `to` names {', '.join(strange)}, not among the hypotheses {', '.join(self.hypotheses)}")
        if self.procedure == "graph":
            graph = self.graph()
            reached = {name for name, w in zip(graph.names, graph.weights, strict=True) if w > 0}
            todo = list(reached)
            while todo:
                new = {other for other, g in self.hypotheses[todo.pop()].to.items() if share(g) > 0} - reached
                reached |= new
                todo += new
            never = [name for name in self.hypotheses if name not in reached]
            if never:
                raise ValueError(f"{', '.join(never)}: can never be tested, having neither a weight nor a way to receive one")
        return self

    def graph(self) -> Graph:
        """The graph at the start; a ValueError names the hypothesis that is wrong."""
        import numpy as np

        from nirls.stats.multiplicity import Graph, holm

        names = tuple(self.hypotheses)
        if self.procedure != "graph":
            return holm(len(names), names)
        weights = [share(h.weight or 0.0) for h in self.hypotheses.values()]
        rows = [[share(h.to.get(other, 0.0)) for other in names] for h in self.hypotheses.values()]
        return Graph(weights=np.array(weights), transitions=np.array(rows), names=names)

    def cross_check(self, spec: Analysis, plan: Plan) -> Iterator[str]:
        """Problems that need the rest of the plan to be seen."""
        from nirls.plan.check import unknown

        visits = [v.name for v in plan.study.visits]
        for name, h in self.hypotheses.items():
            if h.analysis not in spec.uses:
                yield f"hypotheses: {name}: {unknown('analysis', h.analysis, spec.uses)} in `uses`"
            if h.visit and h.visit not in visits:
                yield f"hypotheses: {name}: {unknown('visit', h.visit, visits)}"
        idle = [other for other in spec.uses if other not in {h.analysis for h in self.hypotheses.values()}]
        if idle:
            yield f"no hypothesis takes its p-value from {', '.join(idle)}, named in `uses`"


def share(value: float | str) -> float:
    """A share as a number: 0.5 or "1/3"."""
    if isinstance(value, str):
        above, below = value.split("/")
        return int(above) / int(below)
    return float(value)


def _sides(name: str, h: Hypothesis, family: int) -> None:
    """Refuse to compare a p-value with an α of the other kind."""
    if h.sides == family and h.alternative is not None:
        raise ValueError(f"{name}: `alternative` turns a two-sided p-value into a one-sided one; this one is used as it is")
    if h.sides == 1 and family == 2:
        raise ValueError(f"{name}: a one-sided p-value does not go with a two-sided α; test it in a one-sided family")
    if h.sides == 2 and family == 1 and h.alternative is None:
        raise ValueError(
            f"{name}: a two-sided p-value does not go with a one-sided α; say with `alternative` (less or greater) which side rejects"
        )


@method("multiplicity", options=MultiplicityOptions)
def multiplicity(data: AnalysisData, options: MultiplicityOptions) -> MethodResult:
    """Decisions on a family of hypotheses, from p-values of the analyses named in `uses`, with adjusted p-values and the path."""
    import numpy as np

    from nirls.ard.build import row
    from nirls.stats.multiplicity import graphical, hochberg

    names = list(options.hypotheses)
    sources = {name: _source(data, name, h) for name, h in options.hypotheses.items()}
    raw = {
        name: _p(f"{data.analysis_id}: options.hypotheses.{name}", h, sources[name], options.sides)
        for name, h in options.hypotheses.items()
    }
    tested = {name: _repeated(p, options) for name, (p, _) in raw.items()}
    graph, p = options.graph(), np.array([tested[name] for name in names])
    found = hochberg(p, options.alpha) if options.procedure == "hochberg" else graphical(graph, p, options.alpha)

    rows: list[dict[str, Any]] = [row("alpha", options.alpha, variable="model")]
    steps = {step.hypothesis: k for k, step in enumerate(found.path, 1)}
    for i, (name, h) in enumerate(options.hypotheses.items()):
        key = {"variable": "hypothesis", "variable_level": name}
        (value, missing), source = raw[name], sources[name]
        rows.append(row("text", None, stat_text=h.label, **key))
        rows += [row(s, _value(source, s), error=_error(source, s), **key) for s in COPIED if s in source.index]
        if "conf_level" in source.index:
            rows.append(row("conf_level", _value(source, "conf_level"), **key))
        rows.append(row("p_value", None if missing else value, error=missing, **key))
        if options.look is not None:
            rows.append(row("p_repeated", None if missing else tested[name], error=missing, **key))
        rows.append(row("p_adjusted", None if missing else found.adjusted[i], error=missing, **key))
        rows.append(row("rejected", float(found.rejected[i]), **key))
        if options.procedure != "hochberg":
            rows.append(row("alpha", found.levels[i], **key))
        if i in steps:
            rows.append(row("step", steps[i], **key))
        rows.append(row("text", None, variable="source", variable_level=name, stat_text=_where(h)))
    if options.procedure != "hochberg":
        rows += _path(graph, found)
    texts = {
        "procedure": PROCEDURES[options.procedure],
        "sources": ", ".join(data.used),
        "level": f"familywise α = {options.alpha:g}, {SIDES[options.sides]}",
    }
    if options.look is not None:
        fractions = ", ".join(f"{t:.4g}" for t in options.look.fractions)
        texts["look"] = f"repeated p-values at information fractions {fractions}; α spending of {SPENDING[options.look.spending]}"
    notes = [f"{name}: {missing}; not rejected, and its weight is not passed on." for name, (_, missing) in raw.items() if missing]
    if options.procedure == "graph" and (spare := 1.0 - graph.weights.sum()) > 1e-9:
        notes.append(f"The weights leave {spare:.4g} of α unused.")
    return MethodResult(rows=rows + facts(texts), footnotes=tuple(notes))


def _source(data: AnalysisData, name: str, h: Hypothesis) -> pd.DataFrame:
    """Statistics of the one comparison a hypothesis means, by stat_name.

    Raises
    ------
    ConfigError
        If the results hold no such p-value, or several; the message says what they hold.
    """
    import pandas as pd

    from nirls.errors import ConfigError

    where = f"analyses.yaml: {data.analysis_id}: options.hypotheses.{name}"
    if h.analysis not in data.used:
        raise ConfigError(f"{where}: the analysis {h.analysis!r} is not named in `uses` ({', '.join(data.used) or 'none'})")
    ard = data.used[h.analysis]
    rows = ard[ard["comparison"] == h.comparison]
    given = {"visit": h.visit or None, "param": h.param, "variable": h.variable}
    for column, value in given.items():
        if value is not None:
            rows = rows[rows[column] == value]
    values = rows[rows["stat_name"] == "p_value"]
    if len(values) == 1:
        columns = [c for c in ("visit", "param", "variable", "variable_level", "group1_level", "group2_level") if c in rows.columns]
        same = (rows[columns] == values.iloc[0][columns]).all(axis=1)
        level = ard[(ard["stat_name"] == "conf_level") & (ard["variable"] == "model")]
        return pd.concat([rows[same], level]).drop_duplicates("stat_name").set_index("stat_name")
    asked = ", ".join(f"{k} {v!r}" for k, v in {"comparison": h.comparison, **given}.items() if v)
    every = ard[ard["stat_name"] == "p_value"] if values.empty else values
    have = "; ".join(f"{c}: {', '.join(map(repr, v))}" for c in ("comparison", *given) if len(v := _distinct(every[c])))
    what = "no p-value" if values.empty else f"{len(values)} p-values"
    raise ConfigError(f"{where}: the results of {h.analysis!r} hold {what} for {asked or 'no comparison'}; choose one of {have or 'none'}")


def _distinct(values: pd.Series) -> list[str]:
    return [v for v in values.drop_duplicates() if v]


def _value(source: pd.DataFrame, stat_name: str) -> float | None:
    value = float(source.loc[stat_name, "stat"])
    return None if value != value else value


def _error(source: pd.DataFrame, stat_name: str) -> str:
    return str(source.loc[stat_name, "error"])


def _p(where: str, h: Hypothesis, source: pd.DataFrame, sides: int) -> tuple[float, str]:
    """The p-value on the side of the family, never rounded; or NaN and why there is none."""
    from nirls.errors import ConfigError

    p = _value(source, "p_value")
    if p is None:
        return float("nan"), f"no p-value in {h.analysis} ({(_error(source, 'p_value') or 'no reason was recorded').rstrip('.')})"
    if h.sides == sides:
        return p, ""
    estimate = _value(source, "estimate") if "estimate" in source.index else None
    if estimate is None:
        raise ConfigError(f"analyses.yaml: {where}: `alternative` needs an estimate beside the p-value in {h.analysis!r}")
    return (p / 2 if (estimate < 0) == (h.alternative == "less") else 1.0 - p / 2), ""


def _repeated(p: float, options: MultiplicityOptions) -> float:
    import numpy as np

    from nirls.stats.sequential import repeated_p_value

    look = options.look
    return p if look is None else repeated_p_value(p, np.array(look.fractions), sides=options.sides, spending=look.spending)


def _where(h: Hypothesis) -> str:
    """Where the p-value stands, and what was made of it."""
    parts = [h.analysis, h.param, h.variable, h.comparison, h.visit]
    half = f"two-sided p-value halved towards {h.alternative}" if h.alternative else ""
    return ", ".join(p for p in [*parts, half] if p)


def _path(graph: Graph, found: Decisions) -> list[dict[str, Any]]:
    """The graph at the start (step 0) and after each step, hypotheses already rejected left out; and what each step decided."""
    from nirls.ard.build import row

    rows: list[dict[str, Any]] = []
    names, gone = graph.names, set()
    states: list[Graph | Step] = [graph, *found.path]
    for k, state in enumerate(states):
        if k:
            step = found.path[k - 1]
            key = {"variable": "step", "variable_level": str(k)}
            rows.append(row("text", None, stat_text=names[step.hypothesis], **key))
            rows += [row("weight", step.weight, **key), row("rejected", float(step.rejected), **key)]
            gone |= {step.hypothesis} if step.rejected else set()
        for i in (i for i in range(len(names)) if i not in gone):
            key = {"variable": "hypothesis", "variable_level": names[i], "group1": "step", "group1_level": str(k)}
            rows.append(row("weight", state.weights[i], **key))
            for j in (j for j in range(len(names)) if state.transitions[i, j] > 0):
                rows.append(row("transition", state.transitions[i, j], group2="to", group2_level=names[j], **key))
    return rows
