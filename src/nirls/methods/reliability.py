"""Internal consistency of the scores of a rating scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from nirls.methods._groups import denominators
from nirls.methods._linear import facts
from nirls.methods._scales import account, scale_of, wide
from nirls.methods.describe import require
from nirls.methods.registry import AnalysisData, MethodResult, method
from nirls.plan.base import Id, PlanModel

if TYPE_CHECKING:
    import numpy as np


class ReliabilityOptions(PlanModel):
    """Options of `reliability`."""

    scores: list[Id] = Field(description="Scores of an instrument of the study.", min_length=1)
    level: float = Field(0.95, description="Confidence level.", gt=0.5, lt=1)


@method("reliability", options=ReliabilityOptions, reads=("instruments",))
def reliability(data: AnalysisData, options: ReliabilityOptions) -> MethodResult:
    """Cronbach's alpha and McDonald's omega of scores at baseline, and the subjects at the ends of the scale.

    Only baseline records (ABLFL = Y) are taken: once treatment has moved subjects to the floor of the scale, items agree for that reason.
    Subjects with a missing item are counted and left out; nothing is prorated.
    """
    from nirls.ard.build import row, rows
    from nirls.errors import ConfigError

    require(data.frame, ["PARAMCD", "AVAL", "ABLFL"], data.analysis_id)
    if (data.frame["ABLFL"] != "Y").any():
        raise ConfigError(
            f"analyses.yaml: {data.analysis_id}: {int((data.frame['ABLFL'] != 'Y').sum())} of the selected records are not baseline "
            "records; reliability is computed at baseline only: add ABLFL == 'Y' to `where`"
        )
    found = denominators(data, total=True)
    subjects, complete = data.adsl["USUBJID"].nunique(), set()
    for code in options.scores:
        _, score = scale_of(data, code)
        items = wide(data, score.items)
        x = items.dropna()
        complete |= set(x.index)
        found += rows({"n": len(x), "n_missing": subjects - len(x)}, param=code, variable="complete")
        found.append(row("n", len(score.items), param=code, variable="items"))
        found += _coefficients(x.to_numpy(float), options.level, code)
        total = x.sum(axis=1)
        for end, value in zip(("lowest", "highest"), score.range, strict=True):
            at = int((total == value).sum())
            found.append(row("n", at, param=code, variable="range", variable_level=end))
            found.append(
                row("p", 100 * at / len(x) if len(x) else None, error="" if len(x) else "no complete record", unit="%", param=code,
                    variable="range", variable_level=end)
            )  # fmt: skip
    found += account(data, len(complete), {"No record, or an item missing in every score": subjects - len(complete)})
    found += rows({"conf_level": options.level}, variable="model")
    texts = {
        "alpha": "Cronbach's alpha of the sum of the items; interval of Feldt (1987), exact under equal covariances of normal items",
        "omega": "McDonald's omega of the sum, from one factor by maximum likelihood on Pearson correlations; no interval is given",
        "missing": "subjects with a missing item are left out; nothing is prorated",
    }
    return MethodResult(rows=found + facts(texts))


def _coefficients(x: np.ndarray, level: float, code: str) -> list[dict[str, Any]]:
    from nirls.adapters.pingouin import cronbach_alpha
    from nirls.ard.build import row
    from nirls.errors import MethodError
    from nirls.stats.one_factor import one_factor

    found = []
    try:
        alpha = cronbach_alpha(x, level)
        values: dict[str, float | None] = {"cronbach_alpha": alpha.estimate, "conf_low": alpha.low, "conf_high": alpha.high}
        reason = ""
    except MethodError as error:
        values, reason = dict.fromkeys(("cronbach_alpha", "conf_low", "conf_high")), str(error)
    found += [row(name, value, error=reason, param=code, variable="alpha") for name, value in values.items()]
    omega, warning = None, ""
    try:
        if x.shape[1] < 3:
            raise MethodError("one factor needs at least three items")
        fit = one_factor(x)
        omega, reason = fit.omega, ""
        warning = "an item has no variance of its own left in the one-factor model (Heywood case)" if fit.bound else ""
    except MethodError as error:
        reason = str(error)
    found.append(row("omega", omega, error=reason, warning=warning, param=code, variable="omega"))
    return found
