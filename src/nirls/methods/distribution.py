"""The distribution of a variable over subjects: cumulative percentages and ranks, for curves and waterfalls."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from nirls.methods._groups import account, denominators
from nirls.methods._linear import facts
from nirls.methods.describe import require
from nirls.methods.registry import AnalysisData, MethodResult, method
from nirls.plan.base import Id, PlanModel

DENOMINATORS = {
    "set": "percentages of all subjects of the set, so a curve ends below 100 where values are missing",
    "observed": "percentages of subjects with a value",
}


class DistributionOptions(PlanModel):
    """Options of `distribution`."""

    variable: Id = Field("CHG", description="Numeric variable.")
    denominator: Literal["set", "observed"] = Field(
        "set",
        description="Cumulative percentages are of all subjects of the set, so that a curve passes through the responder rates of the same "
        "set, or of those observed.",
    )
    direction: Literal["lower_better", "higher_better"] | None = Field(
        None, description="Cumulated from the good end; default: the direction of the instrument that has the PARAMCD."
    )


@method("distribution", options=DistributionOptions, reads=("instruments",), keeps_records=True)
def distribution(data: AnalysisData, options: DistributionOptions) -> MethodResult:
    """Per arm, the percentage of subjects with a value at least as good, and each subject's rank from worst to best, at one visit."""
    from nirls.ard.build import row
    from nirls.errors import ConfigError, DataError

    group, frame, name = data.spec.group, data.frame, options.variable
    if group is None:
        raise ConfigError(f"analyses.yaml: {data.analysis_id}: the method 'distribution' needs `group`, the treatment variable")
    require(frame, ["USUBJID", "PARAMCD", "AVISIT", name], data.analysis_id)
    for column in ("PARAMCD", "AVISIT"):
        several = sorted(map(str, frame[column].dropna().unique()))
        if len(several) > 1:
            raise ConfigError(f"analyses.yaml: {data.analysis_id}: one {column} is shown, not {', '.join(several)}; narrow `where`")
    twice = frame.loc[frame["USUBJID"].duplicated(), "USUBJID"].unique()
    if len(twice):
        raise DataError(f"{data.analysis_id}: a subject may have one record; more than one for {', '.join(map(str, twice[:10]))}")
    low = _direction(data, options) == "lower_better"
    visit = str(frame["AVISIT"].dropna().iloc[0]) if len(frame) else ""

    found = denominators(data, total=False)
    shown = frame.loc[frame[name].notna(), ["USUBJID", group, name]].sort_values("USUBJID", kind="stable")  # ties: by subject
    sizes = data.adsl[group].value_counts()
    shown = shown.assign(
        of=(sizes if options.denominator == "set" else shown[group].value_counts()).reindex(shown[group]).to_numpy(float),
        RANK=shown.groupby(group, observed=True)[name].rank(method="first", ascending=not low).astype(int),
    )
    as_good = shown.groupby(group, observed=True)[name].rank(method="max", ascending=low)
    shown["PERCENT"] = 100 * as_good / shown.pop("of")
    for arm in frame[group].cat.categories:
        part = shown[shown[group] == arm]
        key = {"variable": name, "visit": visit, "group1": group, "group1_level": str(arm)}
        found += [row("n", len(part), **key), row("n_missing", int(sizes.get(arm, 0)) - len(part), **key)]
    arm_of = data.adsl.set_index("USUBJID")[group]
    found += account(
        arm_of, [s for s in arm_of.index if s not in set(shown["USUBJID"])], [str(a) for a in frame[group].cat.categories], group
    )
    texts = {
        "direction": "lower_better" if low else "higher_better",
        "denominator": DENOMINATORS[options.denominator],
    }
    shown = shown.sort_values([group, "RANK"], kind="stable").reset_index(drop=True)
    return MethodResult(rows=found + facts(texts), records=shown.assign(**{group: shown[group].astype("str")}))


def _direction(data: AnalysisData, options: DistributionOptions) -> str:
    from nirls.errors import ConfigError

    if options.direction is not None:
        return options.direction
    params = [str(p) for p in data.frame["PARAMCD"].dropna().unique()]
    for scale in data.plan.instruments.values():
        if params and params[0] in scale.scores:
            return scale.direction
    raise ConfigError(
        f"analyses.yaml: {data.analysis_id}: no instrument of the study says whether a low or a high {' '.join(params)} is good; set "
        "options.direction"
    )
