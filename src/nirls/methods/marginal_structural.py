"""The effect of a history of adherence, subjects weighted for what led to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from nirls.methods._groups import denominators
from nirls.methods._linear import DIFFERENCE, complete, estimates, exclusions, facts, ordered_visits
from nirls.methods._observational import LABEL, ObservationalOptions
from nirls.methods.describe import require
from nirls.methods.registry import AnalysisData, MethodResult, method
from nirls.plan.base import Id

if TYPE_CHECKING:
    import pandas as pd

WEIGHTED, UNWEIGHTED = "full adherence, weighted", "full adherence, not weighted"


class MarginalStructuralOptions(ObservationalOptions):
    """Options of `marginal_structural`."""

    response: Id = Field("CHG", description="Outcome; its value at the visit before is the time-varying covariate.")
    covariates: list[Id] = Field(["BASE"], description="Baseline covariates; text is a factor, numbers are linear.")
    adherent_from: float = Field(0.8, description="Share of the sessions prescribed between two visits from which a subject adhered.", gt=0)
    truncate: tuple[float, float] = Field((0.01, 0.99), description="Quantiles to which weights beyond them are set.")
    visit: Id = Field("AVISIT", description="Visit; the outcome is that of the last one of the selected records.")
    visit_order: Id = Field("AVISITN", description="Number that orders the visits.")
    subject: Id = Field("USUBJID", description="Subject.")
    level: float = Field(0.95, description="Confidence level.", gt=0.5, lt=1)


@method("marginal_structural", options=MarginalStructuralOptions, beside=("ADEX",))
def marginal_structural(data: AnalysisData, options: MarginalStructuralOptions) -> MethodResult:
    """Effect of full against no adherence by a marginal structural model with stabilized weights (observational)."""
    from dataclasses import replace

    from nirls.ard.build import row
    from nirls.errors import MethodError
    from nirls.models.marginal_structural import stabilized_weights, weighted_effect

    needed = [options.response, *options.covariates, options.visit, options.visit_order, options.subject, "ADY", "AWTARGET"]
    require(data.frame, needed, data.analysis_id)
    group = data.spec.group
    arms = [str(a) for a in data.frame[group].cat.categories] if group is not None else []
    frame = data.frame.assign(**{options.visit: ordered_visits(data, options.visit, options.visit_order)})
    last = str(frame[options.visit].cat.categories[-1])
    history, carried = _history(frame, data, options)
    by_arm = [group] if group is not None and len(arms) > 1 else []

    at_end = frame[(frame[options.visit] == last) & complete(frame, options.response, group or options.subject, options.covariates)]
    mine = history[history["SUBJECT"].isin(at_end[options.subject])].reset_index(drop=True)
    first = at_end.set_index(options.subject)[[*options.covariates, *by_arm]]
    mine = mine.join(first, on="SUBJECT")
    baseline = " + ".join(["INTERVAL", "PAST", *options.covariates, *by_arm])
    weights, effects, failure = None, {}, ""
    try:
        weights = stabilized_weights(
            mine, treatment="ADHERED", subject="SUBJECT", time="INTERVAL", numerator=baseline, denominator=f"{baseline} + BEFORE",
            truncate=options.truncate,
        )  # fmt: skip
        share = mine.groupby("SUBJECT")["ADHERED"].mean()
        outcome = at_end.assign(SHARE=at_end[options.subject].map(share), W=at_end[options.subject].map(weights.weight), ONE=1.0)
        formula = f"{options.response} ~ {' + '.join(['SHARE', *options.covariates, *by_arm])}"
        effects = {
            name: weighted_effect(formula, outcome, weight=column, term="SHARE") for name, column in ((WEIGHTED, "W"), (UNWEIGHTED, "ONE"))
        }
    except MethodError as error:
        failure = str(error)

    found = denominators(data, total=False)
    for name in (WEIGHTED, UNWEIGHTED):
        effect = effects.get(name)
        values = None
        if effect is not None:
            low, high = effect.ci(options.level)
            values = {"estimate": effect.estimate, "std_error": effect.std_error, "statistic": effect.estimate / effect.std_error}
            values |= {"conf_low": low, "conf_high": high, "p_value": effect.p_value}
        names = {k: v for k, v in DIFFERENCE.items() if k != "df"}
        found += estimates(names, values, failure, variable=options.response, variable_level=name, visit=last)
    numbers: dict[str, float | None] = dict.fromkeys(("mean", "max", "effective_size", "probability", "n"))
    if weights is not None:
        numbers = {
            "mean": weights.mean, "max": weights.largest, "effective_size": weights.effective_size,
            "probability": weights.least_probability, "n": weights.truncated,
        }  # fmt: skip
    found += [row(k, v, variable="weights", error="" if v is not None else failure) for k, v in numbers.items()]
    for (interval, adhered), n in mine.groupby(["INTERVAL", "ADHERED"], observed=True).size().items():
        found.append(row("n", int(n), variable="adherence", variable_level="yes" if adhered else "no", visit=str(interval)))
    found += exclusions(
        replace(data, frame=frame[frame[options.visit] == last]),
        subject=options.subject, response=options.response, group=group or options.subject, baseline="BASE",
        covariates=options.covariates, absent=f"No value at {last}",
    )  # fmt: skip
    found.append(row("n_obs", len(at_end), variable="model"))
    found.append(row("conf_level", options.level, variable="model"))
    footnotes = [f"{LABEL}: no other cause of adherence and outcome than those in the models, and some chance of every history."]
    if carried:
        footnotes.append(f"{options.response} before an interval was carried forward from the last visit made for {carried} intervals.")
    if weights is not None and abs(weights.mean - 1) > 0.1:
        footnotes.append(f"The mean of the weights is {weights.mean:.2f}, not near 1: the models of adherence do not fit.")
    if failure:
        footnotes.append(f"The model could not be fitted: {failure}.")
    texts = {
        "formula": f"{options.response} at {last} ~ share of intervals adhered + {' + '.join([*options.covariates, *by_arm])}",
        "estimator": f"weighted least squares; stabilized weights of adherence (at least {100 * options.adherent_from:g}% of the sessions "
        f"prescribed between two visits) given {options.response} at the visit before; weights beyond the quantiles "
        f"{options.truncate[0]:g} and {options.truncate[1]:g} set to them",
        "variance": "sandwich (HC0), weights taken as known",
        "ddf": "normal reference",
        "label": LABEL,
    }
    return MethodResult(rows=found + facts(texts), footnotes=tuple(footnotes))


def _history(frame: pd.DataFrame, data: AnalysisData, options: MarginalStructuralOptions) -> tuple[pd.DataFrame, int]:
    """One row per subject and interval between visits: ADHERED, PAST (share of the intervals before), BEFORE (response at its start)."""
    import numpy as np
    import pandas as pd

    from nirls.errors import ConfigError

    group, study = data.spec.group, data.plan.study
    visits = list(frame[options.visit].cat.categories)
    subjects = pd.Index(frame[options.subject].unique(), name="SUBJECT")
    target = frame.groupby(options.visit, observed=True)["AWTARGET"].first().reindex(visits)
    made = frame.pivot(index=options.subject, columns=options.visit, values="ADY").reindex(index=subjects, columns=visits)
    ends = made.fillna(dict(zip(visits, target, strict=True))).to_numpy(dtype=float)
    starts = np.column_stack([np.zeros(len(subjects)), ends[:, :-1]])
    log = data.beside["ADEX"]
    log = log[(log["ONTRTFL"] == "Y") & log["ADY"].notna() & log["USUBJID"].isin(subjects)]
    who, day = subjects.get_indexer(log["USUBJID"]), log["ADY"].to_numpy(dtype=float)
    inside = (day[:, None] > starts[who]) & (day[:, None] <= ends[who])
    sessions = np.zeros(ends.shape)
    np.add.at(sessions, who, inside)
    arm = frame.drop_duplicates(options.subject).set_index(options.subject)[group].astype("str") if group else None
    per_week = {}
    for name in arm.unique() if arm is not None else []:
        regimen = study.arms[name].regimen
        if regimen is None or regimen.sessions_per_week is None:
            raise ConfigError(f"analyses.yaml: {data.analysis_id}: study.yaml gives no sessions_per_week in the regimen of arm {name}")
        per_week[name] = regimen.sessions_per_week
    if arm is None:
        raise ConfigError(f"analyses.yaml: {data.analysis_id}: the method 'marginal_structural' needs `group`, the treatment variable")
    prescribed = arm.reindex(subjects).map(per_week).to_numpy(dtype=float)[:, None] * np.maximum(ends - starts, 0) / 7
    adhered = (sessions >= options.adherent_from * prescribed).astype(float)
    before = frame.pivot(index=options.subject, columns=options.visit, values=options.response).reindex(index=subjects, columns=visits)
    start = np.zeros((len(subjects), 1))  # the change at baseline
    lagged = np.column_stack([start, before.to_numpy(dtype=float)[:, :-1]])
    absent = np.isnan(lagged)
    lagged = pd.DataFrame(lagged).ffill(axis=1).to_numpy()
    past = np.column_stack([start, np.cumsum(adhered, axis=1)[:, :-1] / np.arange(1, len(visits))])
    n, k = adhered.shape
    long = pd.DataFrame(
        {
            "SUBJECT": np.repeat(subjects.to_numpy(), k),
            "INTERVAL": pd.Categorical(np.tile(visits, n), categories=visits),
            "ADHERED": adhered.ravel(), "PAST": past.ravel(), "BEFORE": lagged.ravel(),
        }
    )  # fmt: skip
    return long, int(absent.sum())
