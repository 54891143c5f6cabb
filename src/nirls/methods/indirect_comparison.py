"""Indirect comparison of this trial's effect with a published one, through their controls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pydantic import Field

from nirls.methods._groups import denominators
from nirls.methods._linear import arms_and_reference, complete, estimates, exclusions, facts, one_visit
from nirls.methods.describe import require
from nirls.methods.registry import AnalysisData, MethodResult, method
from nirls.plan.base import Id, PlanModel

if TYPE_CHECKING:
    from nirls.plan.analysis import Analysis
    from nirls.plan.load import Plan

NAMES = {n: n for n in ("estimate", "std_error", "conf_low", "conf_high", "p_value")}


class IndirectOptions(PlanModel):
    """Options of `indirect_comparison`."""

    literature: str = Field(description="File of published results, relative to the repository.")
    row: str = Field(description="Id of the published comparison, drug − placebo.")
    test: str = Field(description="Arm compared with this trial's reference.")
    response: Id = Field("CHG", description="Outcome.")
    match: list[Id] = Field(["IRLSBL"], description="Effect modifiers whose means the published row gives.", min_length=1)
    covariates: list[Id] = Field(["BASE"], description="Covariates of this trial's own effect.")
    reference: str | None = Field(None, description="Sham or placebo arm; default: the study's reference.")
    visit: Id = Field("AVISIT", description="Visit, for the label; the records must be of one visit.")
    subject: Id = Field("USUBJID", description="Subject.")
    draws: int = Field(500, description="Bootstrap samples.", ge=50)
    level: float = Field(0.95, description="Confidence level.", gt=0.5, lt=1)

    def cross_check(self, spec: Analysis, plan: Plan) -> Iterator[str]:
        """The arm exists."""
        from nirls.plan.check import unknown

        arms = spec.arms or list(plan.study.arms)
        if self.test not in arms:
            yield unknown("arm", self.test, arms)


@method("indirect_comparison", options=IndirectOptions)
def indirect_comparison(data: AnalysisData, options: IndirectOptions) -> MethodResult:
    """Test − published drug through sham and placebo: Bucher, matching-adjusted (MAIC) and outcome regression (STC)."""
    import numpy as np
    from scipy import stats

    from nirls.ard.build import row, rows
    from nirls.errors import ConfigError, DataError, MethodError
    from nirls.literature import chosen, read_literature
    from nirls.models.design import build_design
    from nirls.stats.imputation.seeds import stream
    from nirls.stats.indirect import bucher, maic, maic_bootstrap, stc

    require(data.frame, [options.response, *options.covariates, *options.match, options.subject, options.visit], data.analysis_id)
    group, arms, reference = arms_and_reference(data, options.reference)
    if options.test not in arms:
        raise ConfigError(f"analyses.yaml: {data.analysis_id}: options: test: arm {options.test} is not among {', '.join(arms)}")
    visit = one_visit(data, options.visit, options.subject)
    published = chosen(read_literature(data.plan.root / options.literature, options.literature), [options.row], options.literature)[0]
    unknown = [m for m in options.match if m not in published.baseline]
    if unknown:
        raise DataError(
            f"{options.literature}: {options.row}: no baseline mean of {', '.join(unknown)}; "
            f"match on {', '.join(published.baseline) or 'none'}"
        )
    target = np.array([published.baseline[m] for m in options.match])
    needed = list(dict.fromkeys([*options.covariates, *options.match]))
    frame = data.frame[complete(data.frame, options.response, group, needed) & data.frame[group].isin([options.test, reference])]
    y, a = frame[options.response].to_numpy(float), (frame[group] == options.test).to_numpy(float)
    x = frame[options.match].to_numpy(float)
    drug, drug_error = published.estimate, published.std_error
    z = stats.norm.ppf((1 + options.level) / 2)

    def values(effect: float, error: float) -> dict[str, float]:
        return {
            "estimate": effect, "std_error": error, "conf_low": effect - z * error, "conf_high": effect + z * error,
            "p_value": float(2 * stats.norm.sf(abs(effect / error))),
        }  # fmt: skip

    key = {"variable": "indirect", "visit": visit}
    own, compared = f"{options.test} - {reference}", f"{options.test} - {options.row}"
    found: list[dict[str, Any]] = denominators(data, total=False)

    def both(name: str, effect: float | None, error: float, why: str = "") -> None:
        """The effect in this trial as the estimator sees it, and against the published one."""
        here = None if effect is None else values(effect, error)
        there = None if effect is None else values(*bucher(effect, error, drug, drug_error))
        found.extend(estimates(NAMES, here, why, variable_level=name, comparison=own, **key))
        found.extend(estimates(NAMES, there, why, variable_level=name, comparison=compared, **key))

    design = build_design(f"{options.response} ~ {' + '.join(options.covariates) or '1'}", frame)
    matrix = np.column_stack([a, np.asarray(design.matrix)])
    beta, *_ = np.linalg.lstsq(matrix, y, rcond=None)
    rest = y - matrix @ beta
    error = float(np.sqrt(rest @ rest / (len(y) - matrix.shape[1]) * np.linalg.pinv(matrix.T @ matrix)[0, 0]))
    both("Bucher", float(beta[0]), error)
    notes: list[str] = []
    try:
        effect, sandwich, weights = maic(y, a, x, target, options.match)
        drawn = maic_bootstrap(y, a, x, target, options.match, [stream(data.analysis_id, k) for k in range(options.draws)])
        lost = int(np.isnan(drawn).sum())
        both("MAIC", effect, sandwich)
        both("MAIC, bootstrap", effect, float(np.nanstd(drawn, ddof=1)))
        notes += [f"{lost} of {options.draws} bootstrap samples could not be matched and are left out."] if lost else []
        w, size = weights.weights / weights.weights.mean(), weights.effective_size
        warning = f"effective size {size:.0f} of {len(w)} subjects is small; the match rests on few of them" if weights.few() else ""
        found.append(row("effective_size", size, variable="weights", warning=warning))
        quartiles = dict(zip(("min", "q1", "median", "q3", "max"), np.quantile(w, [0, 0.25, 0.5, 0.75, 1]), strict=True))
        found += rows(quartiles, variable="weights")
    except MethodError as error_:
        for name in ("MAIC", "MAIC, bootstrap"):
            both(name, None, 0.0, str(error_))
        w = None
        found.append(row("effective_size", None, error=str(error_), variable="weights"))
    try:
        effect, error, _ = stc(y, a, x, target)
        both("STC", effect, error)
    except MethodError as error_:
        both("STC", None, 0.0, str(error_))
    for j, name in enumerate(options.match):
        place = {"variable": "balance", "variable_level": name}
        found.append(row("mean", x[:, j].mean(), group2="POPULATION", group2_level="before", **place))
        after = None if w is None else float(w @ x[:, j] / w.sum())
        found.append(row("mean", after, error="" if w is not None else "no weights", group2="POPULATION", group2_level="after", **place))
        found.append(row("mean", target[j], group2="POPULATION", group2_level="target", **place))
    found += rows(values(drug, drug_error), variable="indirect", variable_level="published")
    found += exclusions(
        data, subject=options.subject, response=options.response, group=group, baseline="BASE", covariates=needed,
        absent=f"No value at {visit}",
    )  # fmt: skip
    found += [row("n_obs", len(y), variable="model"), row("conf_level", options.level, variable="model")]
    t = published.texts
    texts = {
        "test": options.test, "reference": reference, "row": options.row, "comparator": t["comparator"], "control": t["control"],
        "source": f"{t['comparator']} − {t['control']}, {t['citation']}", "derived": t["derived"],
        "match": ", ".join(options.match), "at": visit, "draws": str(options.draws),
    }  # fmt: skip
    return MethodResult(rows=found + facts(texts), footnotes=tuple(notes))
