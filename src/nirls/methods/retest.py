"""Agreement of two assessments of subjects who did not change."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from nirls.methods._groups import denominators
from nirls.methods._linear import facts
from nirls.methods._scales import account, label_of, scale_of, wide
from nirls.methods.describe import require
from nirls.methods.registry import AnalysisData, MethodResult, method
from nirls.plan.base import Id, PlanModel


class Stable(PlanModel):
    """Who counts as unchanged."""

    param: Id = Field(description="PARAMCD of the rating of change.")
    visit: str = Field(description="AVISIT of the rating.")
    values: list[float] = Field(description="Values that mean unchanged.", min_length=1)


class RetestOptions(PlanModel):
    """Options of `retest`."""

    score: Id = Field(description="Score of an instrument of the study.")
    visits: list[str] = Field(description="AVISIT of the two assessments, in order.", min_length=2, max_length=2)
    stable: Stable | None = Field(None, description="Rating that says who did not change; none for all subjects.")
    level: float = Field(0.95, description="Confidence level.", gt=0.5, lt=1)


@method("retest", options=RetestOptions, reads=("instruments", "parameters"))
def retest(data: AnalysisData, options: RetestOptions) -> MethodResult:
    """Intraclass correlations, standard error of measurement and smallest detectable change of two assessments of stable subjects.

    SEM = √(σ²_visit + σ²_residual), which is SD·√(1 − ICC(A,1)); SDC = z·√2·SEM. Without two assessments of stable subjects
    everything is not estimable, with the reason.
    """
    from statistics import NormalDist

    import numpy as np

    from nirls.adapters.pingouin import intraclass, mean_squares
    from nirls.ard.build import row, rows
    from nirls.errors import MethodError, NotEstimableError

    require(data.frame, ["PARAMCD", "AVISIT", "AVAL"], data.analysis_id)
    scale_of(data, options.score)
    frame = data.frame
    pairs = _pairs(data, options)
    stable = pairs.index
    words = "all subjects with both assessments"
    if options.stable is not None:
        rating = wide(data, [options.stable.param], frame[frame["AVISIT"] == options.stable.visit])[options.stable.param]
        stable = rating.index[rating.isin(options.stable.values)]
        chosen = ", ".join(f"{v:g}" for v in options.stable.values)
        words = f"subjects with {label_of(data, options.stable.param)} = {chosen} at {options.stable.visit}"
    x = pairs[pairs.index.isin(stable)].dropna()
    key = {"param": options.score, "visit": options.visits[1]}
    found = denominators(data, total=True)
    found += rows({"n": len(x), "n_missing": len(set(stable)) - len(x)}, variable="pairs", **key)
    values: dict[tuple[str, str], float | None] = dict.fromkeys(
        [("ICC(A,1)", s) for s in ("icc", "conf_low", "conf_high")]
        + [("ICC(C,1)", s) for s in ("icc", "conf_low", "conf_high")]
        + [("sem", "sem"), ("sdc", "sdc"), ("shift", "mean"), ("shift", "sd")]
    )
    reason = ""
    try:
        if x.empty:
            raise NotEstimableError("the trial has no two assessments of stable subjects")
        scores = x.to_numpy(float)
        for name, c in intraclass(scores, options.level).items():
            if (name, "icc") in values:
                values |= {(name, "icc"): c.estimate, (name, "conf_low"): c.low, (name, "conf_high"): c.high}
        _, between, residual, _ = mean_squares(scores)
        sem = float(np.sqrt(max((between - residual) / len(scores), 0.0) + residual))
        z = NormalDist().inv_cdf((1 + options.level) / 2)
        values |= {("sem", "sem"): sem, ("sdc", "sdc"): z * np.sqrt(2) * sem}
        change = scores[:, 1] - scores[:, 0]
        values |= {("shift", "mean"): change.mean(), ("shift", "sd"): change.std(ddof=1)}
    except MethodError as error:
        reason = str(error)
    found += [row(s, v, error=reason if v is None else "", variable=name, **key) for (name, s), v in values.items()]
    without = data.adsl["USUBJID"].nunique() - len(set(stable))
    first = "Not known to be stable" if options.stable else "Neither assessment"
    found += account(data, len(x), {first: without, "An assessment missing": len(set(stable)) - len(x)})
    found += rows({"conf_level": options.level}, variable="model")
    texts = {
        "stable": words,
        "assessments": f"{options.visits[0]} and {options.visits[1]}",
        "interval": "intraclass correlations: McGraw and Wong (1996), F; SEM and SDC: none",
    }
    return MethodResult(rows=found + facts(texts))


def _pairs(data: AnalysisData, options: RetestOptions) -> Any:
    """The two assessments of each subject, NaN where there is none."""
    import pandas as pd

    frame = data.frame
    own = frame[frame["PARAMCD"] == options.score]
    parts = []
    for visit in options.visits:
        at = own[own["AVISIT"] == visit]
        parts.append(pd.Series(dtype="float64", name=visit) if at.empty else wide(data, [options.score], at)[options.score].rename(visit))
    return pd.concat(parts, axis=1)
