"""Published single cases: their courses, indices of the change between phases, and a mixed model over cases."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pydantic import Field

from nirls.methods._linear import facts
from nirls.methods.registry import AnalysisData, MethodResult, method
from nirls.plan.base import Id, PlanModel

if TYPE_CHECKING:
    from nirls.cases import Case

FULL = ("estimate", "std_error", "conf_low", "conf_high")
SERIES = ("estimate", "std_error", "df", "conf_low", "conf_high", "p_value", "correlation")


class SingleCaseOptions(PlanModel):
    """Options of `single_case`."""

    cases: str = Field(description="File of published cases, relative to the repository.")
    ids: list[str] = Field(default_factory=list, description="Cases; none for all of the file.")
    param: Id = Field("IRLSTOT", description="Score of an instrument: its range and direction.")
    level: float = Field(0.95, description="Confidence level.", gt=0.5, lt=1)


@method("single_case", options=SingleCaseOptions, reads=("instruments",))
def single_case(data: AnalysisData, options: SingleCaseOptions) -> MethodResult:
    """NAP, Tau, Tau-U, baseline-corrected Tau, PND, log ratio, phase change with AR(1), randomization test; several cases in one model."""
    from nirls.ard.build import row
    from nirls.methods._cases import chosen_cases
    from nirls.methods._scales import scale_of

    scale, score = scale_of(data, options.param)
    better = -1 if scale.direction == "lower_better" else 1
    cases = chosen_cases(data, options.cases, options.ids, score.range)
    found: list[dict[str, Any]] = []
    for case in cases:
        for week, value, phase in zip(case.weeks, case.values, case.phases, strict=True):
            key = {"group2": "WEEK", "group2_level": f"{week:g}", "group3": "PHASE", "group3_level": phase}
            found.append(row("value", value, variable="case", variable_level=case.id, **key))
        for name, text in (("citation", case.citation), ("read", case.read), ("notes", "; ".join(case.notes))):
            if text:
                key = {"variable": "case", "variable_level": case.id, "group2": "TEXT", "group2_level": name}
                found.append(row("text", None, stat_text=text, **key))
        for name, (stats, make) in _indices(case, better, options.level).items():
            found += _rows(name, stats, make, {"variable": "single case", "group2": "CASE", "group2_level": case.id})
    found += _model(cases)
    texts = {"direction": scale.direction, "cases": options.cases}
    notes = ["The values of one person follow each other in time; NAP and its relatives take them as independent."]
    return MethodResult(rows=[*found, row("conf_level", options.level, variable="model"), *facts(texts)], footnotes=tuple(notes))


def _indices(case: Case, better: int, level: float) -> dict[str, tuple[tuple[str, ...], Callable[[], dict[str, Any]]]]:
    """Index → its statistics and what computes them."""
    import numpy as np
    from scipy import stats

    from nirls.errors import MethodError
    from nirls.stats.autoregression import autoregression
    from nirls.stats.single_case import beyond_best, check, corrected_tau, log_ratio, overlap, randomization, tau_u

    (ta, a), (tb, b) = case.phase("A"), case.phase("B")
    z = float(stats.norm.ppf((1 + level) / 2))

    def of_pairs(scale: int) -> dict[str, Any]:
        """NAP (1), or Tau (2)."""
        o = overlap(np.array(a), np.array(b), better)
        low, high = o.ci(level)
        values: dict[str, Any] = {"estimate": o.nap, "conf_low": low, "conf_high": high}
        if scale == 2:
            values = {k: 2 * v - 1 for k, v in values.items()}
        try:
            values["std_error"] = scale * o.std_error
        except MethodError as error:
            values["std_error"] = str(error)
        return values

    def trend_adjusted() -> dict[str, Any]:
        value = tau_u(np.array(a), np.array(b), better)
        over = "Tau-U lies beyond 1: the trend of the baseline is added to a complete non-overlap" if abs(value) > 1 else ""
        return {"estimate": value, "warning": over}

    def ratio() -> dict[str, Any]:
        value, error = log_ratio(np.array(a), np.array(b))
        return {"estimate": value, "std_error": error, "conf_low": value - z * error, "conf_high": value + z * error}

    def change() -> dict[str, Any]:
        check(np.array(a), np.array(b))
        design = np.column_stack([np.ones(len(a) + len(b)), np.repeat([0.0, 1.0], [len(a), len(b)])])
        fit = autoregression(np.array(a + b), design, np.array(ta + tb))
        value, error = float(fit.coefficients[1]), float(fit.std_errors[1])
        half = float(stats.t.ppf((1 + level) / 2, fit.df)) * error
        return {
            "estimate": value, "std_error": error, "df": fit.df, "conf_low": value - half, "conf_high": value + half,
            "p_value": float(fit.p_values()[1]), "correlation": fit.phi,
        }  # fmt: skip

    def drawn() -> dict[str, Any]:
        check(np.array(a), np.array(b))
        if not case.starts:
            raise MethodError("the start of treatment was not drawn at random")
        first, last = case.starts
        value, p = randomization(np.array(a + b), range(first, last + 1), len(a) + 1, better)
        return {"estimate": value, "p_value": p}

    def corrected() -> dict[str, Any]:
        return {"estimate": corrected_tau(np.array(a), np.array(b), np.array(ta), np.array(tb), better)[0]}

    return {
        "NAP": (FULL, lambda: of_pairs(1)),
        "Tau": (FULL, lambda: of_pairs(2)),
        "Tau-U": (("estimate",), trend_adjusted),
        "Tau-BC": (("estimate",), corrected),
        "PND": (("estimate",), lambda: {"estimate": beyond_best(np.array(a), np.array(b), better)}),
        "log ratio": (FULL, ratio),
        "phase change": (SERIES, change),
        "randomization": (("estimate", "p_value"), drawn),
    }


def _rows(name: str, stats: tuple[str, ...], make: Callable[[], dict[str, Any]], key: dict[str, str]) -> list[dict[str, Any]]:
    """Rows of an index; a text in place of a number is why it is missing."""
    from nirls.ard.build import row
    from nirls.errors import MethodError

    try:
        values: dict[str, Any] = make()
    except MethodError as error:
        values = dict.fromkeys(stats, str(error))
    warning = values.pop("warning", "")
    found = []
    for stat in stats:
        value = values[stat]
        lost = isinstance(value, str)
        more = {"warning": warning} if warning and not lost else {}
        found.append(row(stat, None if lost else value, error=value if lost else "", variable_level=name, **more, **key))
    return found


def _model(cases: list[Case]) -> list[dict[str, Any]]:
    """Rows of the mixed model over cases, or why there is none."""
    import numpy as np
    from scipy import special

    from nirls.adapters.mixed_cases import TERMS, mixed_cases
    from nirls.ard.build import row
    from nirls.errors import MethodError

    stats = ("estimate", "std_error", "p_value")
    data = [
        (c.id, float(p == "B"), w - c.phase(p)[0][0], v)
        for c in cases
        for w, v, p in zip(c.weeks, c.values, c.phases, strict=True)
        if p in "AB"
    ]
    key = {"variable": "single case", "group2": "MODEL"}
    try:
        case, phase, time, y = ([line[i] for line in data] for i in range(4))
        fit = mixed_cases(np.array(case), np.array(phase), np.array(time), np.array(y))
    except MethodError as error:
        return [row(s, None, error=str(error), variable_level="mixed model", group2_level=t, **key) for t in TERMS for s in stats]
    found = [row("n", fit.n_cases, variable="single case", variable_level="mixed model")]
    for term, value, spread in zip(TERMS, fit.coefficients, fit.std_errors, strict=True):
        p = float(2 * special.ndtr(-abs(value / spread)))
        values = zip(stats, (float(value), float(spread), p), strict=True)
        found += [row(s, v, variable_level="mixed model", group2_level=term, **key) for s, v in values]
    return found
