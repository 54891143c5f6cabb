"""Whether a session does less the more sessions there have been: the change over a session against its number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from nirls.methods._groups import denominators
from nirls.methods._linear import DIFFERENCE, arms_and_reference, contrast_rows, estimates, exclusions, facts
from nirls.methods.describe import require
from nirls.methods.registry import AnalysisData, MethodResult, method
from nirls.plan.base import Id, PlanModel

if TYPE_CHECKING:
    import pandas as pd

NUMBER, BEFORE, AFTER, CHANGE = "SESSION_", "BEFORE_", "AFTER_", "CHANGE_"
PER_SESSION, LEVEL = "per 10 sessions", "mean"


class SessionChangeOptions(PlanModel):
    """Options of `session_change`."""

    score: Id = Field("AVAL", description="Score of the diary (ADDIARY).")
    hours_before: float = Field(30.0, description="The last entry at most so many hours before the session began.", gt=0)
    hours_after: float = Field(12.0, description="The first entry at most so many hours after the session began.", gt=0)
    subject: Id = Field("USUBJID", description="Subject.")
    reference: str | None = Field(None, description="Arm the others are compared with; default: the study's reference.")
    level: float = Field(0.95, description="Confidence level.", gt=0.5, lt=1)


@method("session_change", options=SessionChangeOptions, beside=("ADDIARY",))
def session_change(data: AnalysisData, options: SessionChangeOptions) -> MethodResult:
    """Change in the diary over a session against the number of the session, by arm, in a mixed model."""
    from dataclasses import replace

    import numpy as np

    from nirls.ard.build import row
    from nirls.errors import MethodError
    from nirls.models.mmrm import mmrm

    require(data.frame, ["ADT", "AHOUR", options.subject], data.analysis_id)
    group, arms, reference = arms_and_reference(data, options.reference)
    pairs = _pairs(data, options, group)
    used = pairs[pairs[CHANGE].notna()]
    fit, failure = None, ""
    try:
        if used.empty:
            raise MethodError("no session has an entry before and after it")
        fit = mmrm(
            f"{CHANGE} ~ {BEFORE} + {group} * {NUMBER}", used, subject=options.subject, visit=NUMBER, covariance="random-intercept",
            ddf="kenward-roger-linear", information="expected",
        )  # fmt: skip
    except MethodError as error:
        failure = str(error)
    found, key = denominators(data, total=False), {"variable": options.score}
    levels = fit.design.factors[group] if fit is not None else ()

    def line(arm: str) -> Any:
        assert fit is not None
        own = f"{group}[T.{arm}]"
        parts = [c.split(":") for c in fit.design.columns]
        return np.array([10.0 * (NUMBER in p and (len(p) == 1 or own in p)) for p in parts])

    for arm in arms:
        own = used[used[group] == arm]
        of_arm = key | {"group1": group, "group1_level": arm}
        found += [row("n", own[options.subject].nunique(), **of_arm), row("n_obs", len(own), **of_arm)]
        if len(own):
            found.append(row("mean", float(own[CHANGE].mean()), variable_level=LEVEL, **of_arm))
        of_arm |= {"variable_level": PER_SESSION}
        absent = failure or ("" if arm in levels else "no session of this arm with entries on both sides")
        if fit is None or absent:
            found += estimates(DIFFERENCE, None, absent, **of_arm)
        else:
            found += contrast_rows(fit.t_tests(line(arm)), options.level, of_arm)
        if arm == reference:
            continue
        of_arm |= {"comparison": f"{arm} - {reference}"}
        if fit is None or absent or reference not in levels:
            found += estimates(DIFFERENCE, None, absent or "no session of the reference arm with entries on both sides", **of_arm)
        else:
            found += contrast_rows(fit.t_tests(line(arm) - line(reference)), options.level, of_arm)
    found += exclusions(
        replace(data, frame=pairs), subject=options.subject, response=CHANGE, group=group,
        baseline="", covariates=[], absent="No session with an entry before and after it",
    )  # fmt: skip
    found += [row("n_obs", len(used), variable="model"), row("conf_level", options.level, variable="model")]
    texts = {
        "formula": f"change over the session ~ entry before it + {group} × number of the session + random intercept",
        "ddf": "Kenward–Roger (linear), expected information",
        "variance": "Kenward–Roger adjusted",
        "reml": "REML",
    }
    footnotes = [
        f"Change over a session: the first entry of the diary within {options.hours_after:g} h after it began less the last one within "
        f"{options.hours_before:g} h before it. {len(pairs) - len(used)} of {len(pairs)} sessions have none on one of the sides.",
        "Per 10 sessions: a positive slope means that a later session lowers the score less.",
    ]
    if failure:
        footnotes.append(f"The model could not be fitted: {failure}.")
    return MethodResult(rows=found + facts(texts), footnotes=tuple(footnotes))


def _pairs(data: AnalysisData, options: SessionChangeOptions, group: str) -> pd.DataFrame:
    """One row per session: its number, the entries before and after it, and the change."""
    import pandas as pd

    from nirls.errors import DataError

    diary = data.beside.get("ADDIARY")
    if diary is None:
        raise DataError(f"{data.analysis_id}: the study has no diary (ADDIARY); name it under `diary` in study.yaml")

    def moment(frame: pd.DataFrame) -> pd.Series:
        # local clock time at both: what lies between a session and an entry of the next morning does not cross a change of zone
        day = pd.to_datetime(frame["ADT"].astype("str"))
        return day + pd.to_timedelta((frame["AHOUR"].astype(float) * 60).round(), unit="min")

    sessions = data.frame[data.frame["ADT"].notna() & data.frame["AHOUR"].notna()]
    sessions = sessions.assign(_AT=moment(sessions)).sort_values([options.subject, "_AT"], kind="stable")
    sessions[NUMBER] = sessions.groupby(options.subject, observed=True).cumcount() + 1.0
    entries = pd.DataFrame({options.subject: diary[options.subject], "_AT": moment(diary), BEFORE: diary[options.score]})
    entries = entries.sort_values("_AT", kind="stable")
    made = sessions[[options.subject, group, NUMBER, "_AT"]].sort_values("_AT", kind="stable")
    sides = {
        BEFORE: ("backward", options.hours_before),
        AFTER: ("forward", options.hours_after),
    }
    for name, (direction, hours) in sides.items():
        made = pd.merge_asof(
            made, entries.rename(columns={BEFORE: name}), on="_AT", by=options.subject, direction=direction, allow_exact_matches=False,
            tolerance=pd.Timedelta(hours=hours),
        )  # fmt: skip
    made[CHANGE] = made[AFTER] - made[BEFORE]
    return made.sort_values([options.subject, NUMBER], kind="stable").reset_index(drop=True)
