"""Non-inferiority to an active arm at one visit of a mixed model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from nirls.methods._arm_means import arm_means, mean_rows, visit_problems
from nirls.methods._groups import denominators
from nirls.methods._linear import DIFFERENCE, estimates, facts
from nirls.methods._margin import MarginFrom, justified, known_margin
from nirls.methods._mixed import fit_mixed, model_rows
from nirls.methods._scales import scale_of
from nirls.methods.mmrm import MMRMOptions
from nirls.methods.registry import AnalysisData, MethodResult, method

if TYPE_CHECKING:
    from nirls.plan.analysis import Analysis
    from nirls.plan.load import Plan


class NonInferiorityOptions(MMRMOptions):
    """Options of `noninferiority`: those of `mmrm`, the arms and the margin."""

    at_visit: str = Field(description="Visit of the comparison.")
    test: str = Field(description="Arm that is to be not inferior.")
    active: str = Field(description="Active arm it is compared with.")
    placebo: str | None = Field(None, description="Sham or placebo arm: assay sensitivity and the part of the effect retained.")
    margin: MarginFrom
    literature: str | None = Field(None, description="File of published results, relative to the repository.")

    @model_validator(mode="after")
    def _literature_for_rows(self) -> NonInferiorityOptions:
        if self.margin.rows and self.literature is None:
            raise ValueError("margin: `rows` need `literature`, the file they stand in")
        return self

    def arms(self) -> list[str]:
        """Test, active and placebo arm."""
        return [self.test, self.active, *([self.placebo] if self.placebo else [])]

    def cross_check(self, spec: Analysis, plan: Plan) -> Iterator[str]:
        """Visit and arms exist, and the margin was set before unblinding."""
        yield from visit_problems(self.at_visit, self.arms(), spec.arms or plan.study.arms, plan)
        yield from justified(self.margin, plan)


@method("noninferiority", options=NonInferiorityOptions, outcome="repeated mean", reads=("instruments",))
def noninferiority(data: AnalysisData, options: NonInferiorityOptions) -> MethodResult:
    """Test − active with the decision on a margin, superiority after it, assay sensitivity, the part retained, and the synthesis test."""
    from nirls.ard.build import row
    from nirls.errors import ConfigError, MethodError
    from nirls.stats.noninferiority import fieller, synthesis, t_test, worse

    mixed = fit_mixed(data, options)
    absent = [a for a in options.arms() if a not in mixed.arms]
    if absent or options.at_visit not in mixed.visits:
        what = f"no visit {options.at_visit!r} in the records"
        if absent:
            what = f"arm {', '.join(absent)} is not among {', '.join(mixed.arms)}"
        raise ConfigError(f"analyses.yaml: {data.analysis_id}: options: {what}; add it to `arms` or correct the options")
    direction = scale_of(data, str(data.frame["PARAMCD"].iloc[0]))[0].direction
    margin = known_margin(options.margin, options.literature, direction, data.plan.root, data.analysis_id)
    sign, theta = worse(direction), options.margin.retained
    means, failure = None, ""
    try:
        means = arm_means(mixed, options, options.at_visit, options.arms())
    except MethodError as error:
        failure = str(error)
    found = denominators(data, total=False) + mean_rows(mixed, options, options.at_visit, options.arms(), means, failure)

    def difference(first: int, second: int) -> dict[str, float] | None:
        if means is None or mixed.fit is None:
            return None
        one = mixed.fit.t_tests(means.rows[[first]] - means.rows[[second]])
        low, high = one.ci(options.level)
        values = {"estimate": one.estimate, "std_error": one.std_error, "df": one.df, "statistic": one.statistic}
        return {k: float(v[0]) for k, v in (values | {"conf_low": low, "conf_high": high, "p_value": one.p_value}).items()}

    key = {"variable": options.response, "visit": options.at_visit}
    pairs = {(0, 1): (options.test, options.active)}
    if options.placebo:
        pairs |= {(1, 2): (options.active, options.placebo), (0, 2): (options.test, options.placebo)}
    values = {place: difference(*place) for place in pairs}
    for place, (a, b) in pairs.items():
        found += estimates(DIFFERENCE, values[place], failure, comparison=f"{a} - {b}", **key)

    def decided(name: str, p: float | None, rejected: bool | None, why: str = "") -> None:
        key = {"variable": "noninferiority", "variable_level": name}
        found.append(row("p_value", p, error="" if p is not None else why, **key))
        found.append(row("rejected", None if rejected is None else float(rejected), error="" if rejected is not None else why, **key))

    alpha = (1 - options.level) / 2
    main = values[0, 1]
    found.append(row("margin", margin.value, variable="noninferiority"))
    if margin.m1 is not None:
        found.append(row("margin", margin.m1, variable="noninferiority", variable_level="M1"))
    sensitive: bool | None = None
    if options.placebo:
        assay = values[1, 2]
        p = None if assay is None else t_test(assay["estimate"], assay["std_error"], assay["df"], 0.0, direction)[1]
        sensitive = None if p is None else p < alpha
        decided("assay sensitivity", p, sensitive, failure)
    p_ni = None if main is None else t_test(main["estimate"], main["std_error"], main["df"], margin.value, direction)[1]
    ni = None if p_ni is None else p_ni < alpha
    decided("non-inferior", p_ni, ni, failure)
    p_better = None if main is None else t_test(main["estimate"], main["std_error"], main["df"], 0.0, direction)[1]
    # closed: the interval that excludes 0 on the better side excludes the margin too
    decided("superior", p_better, None if p_better is None or ni is None else ni and p_better < alpha, failure)
    if options.placebo:
        kept = {"variable": "noninferiority", "variable_level": "retained"}
        if means is not None and mixed.fit is not None:
            one = mixed.fit.t_tests((means.rows[0] - theta * means.rows[1] - (1 - theta) * means.rows[2])[None])
            df = float(one.df[0])
            t, p = t_test(float(one.estimate[0]), float(one.std_error[0]), df, 0.0, direction)
            decided("retention", p, p < alpha)
            found.append(row("statistic", t, variable="noninferiority", variable_level="retention"))
            share, low, high = fieller(means.estimate, means.cov, df, options.level)
            open_end = "" if low > -float("inf") else "the effect of the active arm is not told from 0, so that the interval has no end"
            found.append(row("retained", share, **kept))
            found += [row(n, None if open_end else v, error=open_end, **kept) for n, v in (("conf_low", low), ("conf_high", high))]
        else:
            decided("retention", None, None, failure)
            found += [row(n, None, error=failure, **kept) for n in ("retained", "conf_low", "conf_high")]
    if margin.effect is not None and margin.error is not None:
        p = None if main is None else synthesis(main["estimate"], main["std_error"], margin.effect, margin.error, direction, theta)[1]
        decided("synthesis", p, None if p is None else p < alpha, failure)
    arms = data.plan.study.arms
    opened = [a for a in options.arms() if not arms[a].blinded]
    why = options.margin.justification
    texts = {
        "at": options.at_visit, "test": options.test, "active": options.active, "placebo": options.placebo or "", "direction": direction,
        "margin": margin.source, "justification": f"{why.text.rstrip('.')} (set {why.date})",
        "retained": f"{theta:g}", "worse": "higher" if sign > 0 else "lower",
    }  # fmt: skip
    told, notes = model_rows(data, options, mixed)
    caveats = [
        f"{', '.join(arms[a].short for a in opened)}: open label. Participants knew the treatment, so that expectation may be part of the "
        "difference; a blinded comparison needs a double dummy."
    ] if opened else []  # fmt: skip
    if sensitive is False:
        caveats.append("The active arm was not shown to be better than sham in this trial: non-inferiority to it means nothing here.")
    return MethodResult(rows=found + told + facts(texts), footnotes=(*notes, *caveats))
