"""Whether the change at an early visit tells who responds later: a rule for stopping."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from nirls.methods._groups import denominators
from nirls.methods._linear import arms_and_reference, facts
from nirls.methods.describe import require
from nirls.methods.registry import AnalysisData, MethodResult, method
from nirls.plan.base import Id, PlanModel

if TYPE_CHECKING:
    import pandas as pd

FIXED, CHOSEN = "planned rule", "chosen rule, cross-validated"
PARTS = ("ppv", "npv", "sensitivity", "specificity")


class EarlyResponseOptions(PlanModel):
    """Options of `early_response`."""

    early: str = Field(description="Visit at which one decides.")
    late: str = Field(description="Visit of the response that is predicted.")
    fall: float = Field(3.0, description="Fall from baseline at the early visit that lets one go on, points.", gt=0)
    response: float = Field(50.0, description="Fall from baseline at the late visit that is a response, per cent.", gt=0, le=100)
    pools: dict[str, list[str]] = Field(default_factory=dict, description="Name → arms taken together.")
    folds: int = Field(10, description="Folds of the cross-validation.", ge=2)
    visit: Id = Field("AVISIT", description="Visit.")
    subject: Id = Field("USUBJID", description="Subject.")
    level: float = Field(0.95, description="Confidence level.", gt=0.5, lt=1)


@method("early_response", options=EarlyResponseOptions, reads=("seed", "instruments"))
def early_response(data: AnalysisData, options: EarlyResponseOptions) -> MethodResult:
    """Predictive values of an early fall for the later response: of the planned rule, and of one chosen and cross-validated."""
    from nirls.ard.build import row
    from nirls.errors import ConfigError

    require(data.frame, ["CHG", "PCHG", "BASE", options.visit, options.subject], data.analysis_id)
    group, arms, _ = arms_and_reference(data, None)
    frame = data.frame
    for visit in (options.early, options.late):
        if not (frame[options.visit] == visit).any():
            raise ConfigError(f"analyses.yaml: {data.analysis_id}: no selected record is of {visit!r}; correct `where` or the option")
    sign = _falls(data, frame)
    early = frame[frame[options.visit] == options.early].set_index(options.subject)["CHG"]
    late = frame[frame[options.visit] == options.late].set_index(options.subject)["PCHG"]
    people = data.adsl.set_index(options.subject)[[group]]
    people = people.assign(EARLY=sign * early, LATE=sign * late)
    both = people[["EARLY", "LATE"]].notna().all(axis=1)
    used = people[both].assign(RESPONDER=lambda d: d["LATE"] >= options.response)

    found = denominators(data, total=False)
    groups = {a: [a] for a in arms} | options.pools
    for name, own in groups.items():
        key = {"variable": "early response"}
        key |= {"group1": group, "group1_level": name} if name in arms else {"group2": "POOL", "group2_level": name}
        some = used[used[group].isin(own)]
        found += _rule(some, (some["EARLY"] >= options.fall).to_numpy(), key | {"variable_level": FIXED}, options.level)
        chosen, cuts = _cross_validated(some, options.folds, _seed(data, name))
        of_chosen = key | {"variable_level": CHOSEN}
        if chosen is None:
            found.append(row("n", len(some), **of_chosen))
            said = "too few responders or others for the folds"
            found += [row("probability", None, error=said, comparison=s, **of_chosen) for s in PARTS]
        else:
            found += _rule(some, chosen, of_chosen, options.level)
            found += [row("cut_low", min(cuts), **of_chosen), row("cut_high", max(cuts), **of_chosen)]
        found += _auc(some, key)
    gone = people[~both]
    reasons = {
        f"No change at {options.early.lower()}": gone["EARLY"].isna(),
        f"No change at {options.late.lower()}": gone["EARLY"].notna(),
    }
    for reason, which in reasons.items():
        for arm in arms:
            n = int((which & (gone[group] == arm)).sum())
            found.append(row("n", n, variable="exclusion", variable_level=reason, group1=group, group1_level=arm))
    found += [row("n_subjects", len(used), variable="model"), row("n_excluded", len(gone), variable="model")]
    for arm in arms:
        found.append(row("n_subjects", int((used[group] == arm).sum()), variable="model", group1=group, group1_level=arm))
    found.append(row("conf_level", options.level, variable="model"))
    texts = {
        "rule": f"a fall of {options.fall:g} points or more at {options.early.lower()}",
        "response": f"a fall of {options.response:g}% or more at {options.late.lower()}",
        "interval": "Wilson",
    }
    footnotes = (
        f"Chosen rule: in each of {options.folds} folds of subjects, stratified by response, the cut with the largest sensitivity + "
        "specificity in the other folds is applied to the subjects left out; predictive values are those of the left-out subjects.",
    )
    return MethodResult(rows=found + facts(texts), footnotes=footnotes)


def _falls(data: AnalysisData, frame: pd.DataFrame) -> float:
    """−1 where a lower score is better, so that a fall is positive."""
    from nirls.methods._scales import scale_of

    code = str(frame["PARAMCD"].iloc[0])
    instrument, _ = scale_of(data, code)
    return -1.0 if instrument.direction == "lower_better" else 1.0


def _seed(data: AnalysisData, name: str) -> Any:
    import zlib

    import numpy as np

    return np.random.default_rng([data.plan.config.seed, zlib.crc32(f"{data.analysis_id}/{name}".encode())])


def _rule(some: pd.DataFrame, positive: Any, key: dict[str, str], level: float) -> list[dict[str, Any]]:
    """Four proportions with Wilson's interval; one with an empty denominator is not estimable."""
    from nirls.ard.build import row
    from nirls.stats.proportions import wilson

    responder = some["RESPONDER"].to_numpy(dtype=bool)
    tp, fp = int((positive & responder).sum()), int((positive & ~responder).sum())
    fn, tn = int((~positive & responder).sum()), int((~positive & ~responder).sum())
    found = [row("n", len(some), **key), row("n_events", int(responder.sum()), **key), row("n_positive", tp + fp, **key)]
    for name, events, size in (
        ("ppv", tp, tp + fp),
        ("npv", tn, tn + fn),
        ("sensitivity", tp, tp + fn),
        ("specificity", tn, tn + fp),
    ):
        own = key | {"comparison": name}
        if not size:
            found.append(row("probability", None, error="no subject in the denominator", **own))
            continue
        low, high = wilson(events, size, level)
        found += [row("n", events, **own), row("N", size, **own)]
        found += [row("probability", events / size, **own), row("conf_low", float(low), **own), row("conf_high", float(high), **own)]
    return found


def _cross_validated(some: pd.DataFrame, folds: int, rng: Any) -> tuple[Any, list[float]]:
    """The prediction of each subject by the cut chosen without it; none when a fold would lack responders or non-responders."""
    import numpy as np

    responder, early = some["RESPONDER"].to_numpy(dtype=bool), some["EARLY"].to_numpy(dtype=float)
    if min(responder.sum(), (~responder).sum()) < folds:
        return None, []
    fold = np.empty(len(some), dtype=int)
    for which in (responder, ~responder):  # stratified
        places = rng.permutation(np.flatnonzero(which))
        fold[places] = np.arange(len(places)) % folds
    predicted, cuts = np.zeros(len(some), dtype=bool), []
    for k in range(folds):
        train = fold != k
        candidates = np.unique(early[train])
        passed = early[train][None, :] >= candidates[:, None]
        youden = passed[:, responder[train]].mean(axis=1) - passed[:, ~responder[train]].mean(axis=1)
        cuts.append(float(candidates[np.argmax(youden)]))
        predicted[~train] = early[~train] >= cuts[-1]
    return predicted, cuts


def _auc(some: pd.DataFrame, key: dict[str, str]) -> list[dict[str, Any]]:
    from scipy.stats import mannwhitneyu

    from nirls.ard.build import row

    yes, no = some.loc[some["RESPONDER"], "EARLY"], some.loc[~some["RESPONDER"], "EARLY"]
    if not len(yes) or not len(no):
        return [row("auc", None, error="no responder, or no other subject", **key)]
    return [row("auc", float(mannwhitneyu(yes, no).statistic) / (len(yes) * len(no)), **key)]
