"""Whether the clock time of a session matters for the severity of the same evening."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from nirls.methods._groups import denominators
from nirls.methods._linear import contrast_rows, exclusions, facts
from nirls.methods.describe import require
from nirls.methods.registry import AnalysisData, MethodResult, method
from nirls.plan.base import Id, PlanModel

WITHIN, BETWEEN, CONTEXT = "within subjects", "between subjects", "between less within"


class SessionTimingOptions(PlanModel):
    """Options of `session_timing`."""

    response: Id = Field("AVAL", description="Outcome in the evening.")
    session: Id = Field("SESSHOUR", description="Clock time of the session before it on the same day, hours.")
    covariates: list[Id] = Field(
        ["AWEEKDAY", "AHOUR"],
        description="Covariates; text is a factor, numbers are linear. The clock time of the entry belongs to them: after a late session "
        "the entry is late, and severity has a rhythm.",
    )
    day: Id = Field("ADY", description="Study day, which orders the evenings of a subject.")
    covariance: Literal["sp-exp", "random-intercept"] = Field(
        "random-intercept", description="Covariance of a subject's evenings: the same for all, or falling with the days between them."
    )
    subject: Id = Field("USUBJID", description="Subject.")
    level: float = Field(0.95, description="Confidence level.", gt=0.5, lt=1)


@method("session_timing", options=SessionTimingOptions)
def session_timing(data: AnalysisData, options: SessionTimingOptions) -> MethodResult:
    """Slope of evening severity on the clock time of that day's session, within and between subjects; clock times by arm."""
    import numpy as np

    from nirls.adapters.pingouin import clock_times
    from nirls.ard.build import row
    from nirls.errors import ConfigError, MethodError
    from nirls.models.mmrm import mmrm

    require(data.frame, [options.response, options.session, options.day, *options.covariates, options.subject], data.analysis_id)
    group = data.spec.group
    if group is None:
        raise ConfigError(f"analyses.yaml: {data.analysis_id}: the method 'session_timing' needs `group`, the treatment variable")
    frame = data.frame
    without = int(frame[options.session].isna().sum())
    frame = frame[frame[[options.response, options.session, options.day, group, *options.covariates]].notna().all(axis=1)]
    arms = [str(a) for a in frame[group].cat.categories]
    own = frame.groupby(options.subject, observed=True)[options.session].transform("mean")
    frame = frame.assign(WITHIN_=frame[options.session] - own, BETWEEN_=own)
    several = [group] if frame[group].nunique() > 1 else []
    fit, failure = None, ""
    try:
        fit = mmrm(
            f"{options.response} ~ {' + '.join(['WITHIN_', 'BETWEEN_', *options.covariates, *several])}", frame, subject=options.subject,
            visit=options.day, covariance=options.covariance, ddf="kenward-roger-linear", information="expected",
        )  # fmt: skip
    except MethodError as error:
        failure = str(error)
    found = denominators(data, total=False)
    key = {"variable": options.response}
    weights = {WITHIN: (1.0, 0.0), BETWEEN: (0.0, 1.0), CONTEXT: (-1.0, 1.0)}
    for name, (within, between) in weights.items():
        if fit is None:
            found.append(row("estimate", None, error=failure, variable_level=name, **key))
            continue
        line = np.zeros((1, len(fit.params)))
        line[0, fit.params.index.get_loc("WITHIN_")], line[0, fit.params.index.get_loc("BETWEEN_")] = within, between
        found += contrast_rows(fit.contrast_rows()(line), options.level, key | {"variable_level": name})
    for arm in arms:
        hours = frame.loc[frame[group] == arm, options.session].to_numpy(dtype=float)
        of_arm = {"variable": "clock time", "group1": group, "group1_level": arm}
        found.append(row("n_obs", len(hours), **of_arm))
        if len(hours):
            mean, length = clock_times(hours)
            found += [row("circular_mean", mean, **of_arm), row("resultant", length, **of_arm)]
        else:
            found += [row(k, None, error="no session", **of_arm) for k in ("circular_mean", "resultant")]
    found += exclusions(
        data, subject=options.subject, response=options.response, group=group, baseline="BASE",
        covariates=[options.session, options.day, *options.covariates], absent="No entry among the records chosen",
    )  # fmt: skip
    found += [row("n_obs", len(frame), variable="model"), row("conf_level", options.level, variable="model")]
    clock = "clock time of the session from the subject's mean (within) + that mean (between)"
    texts = {
        "formula": f"{options.response} ~ {' + '.join([clock, *options.covariates, *several])}",
        "ddf": "Kenward–Roger (linear), expected information",
        "variance": "Kenward–Roger adjusted",
        "estimator": "REML",
    }
    if fit is not None:
        texts["covariance"] = fit.fit.working.structure.label
    footnotes = [
        "Points of severity per hour that the session begins later. Only evenings after a session of the same day count; the clock time "
        "was not randomized.",
        f"{without} evenings without a session before them on the same day are not analysed.",
    ]
    if failure:
        footnotes.append(f"The model could not be fitted: {failure}.")
    return MethodResult(rows=found + facts(texts), footnotes=tuple(footnotes))
