"""What the methods that impute share: their options, and the trial as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from nirls.methods._linear import arms_and_reference, ordered_visits
from nirls.methods.describe import require
from nirls.plan.base import Id, PlanModel

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import pandas as pd

    from nirls.methods.registry import AnalysisData
    from nirls.plan.analysis import Analysis
    from nirls.plan.load import Plan
    from nirls.stats.imputation.ancova import Rows
    from nirls.stats.imputation.layout import Layout
    from nirls.stats.imputation.run import Source

Strategy = Literal["MAR", "J2R", "CR", "CIR", "LMCF"]
INTERMITTENT = "Missed visit before any event"
TRAILING = "Last visits missing, no event recorded"
REPEATED_WORDS = {"jackknife": "conditional means, jackknife over subjects", "bootstrap": "conditional means, bootstrap within arms"}
ANCHORED_WORDS = {
    "approximate_bayes": "multiple imputation, parameters refitted to bootstrap samples (approximate Bayes), Rubin's rules",
    "bayes": "multiple imputation, parameters from the posterior (Gibbs sampler), Rubin's rules",
}


class ImputingOptions(PlanModel):
    """Options of every method that imputes."""

    response: Id = Field("CHG", description="Outcome.")
    covariates: list[Id] = Field(["BASE"], description="Baseline covariates of model and analysis; text is a factor, numbers are linear.")
    by_visit: list[Id] = Field(["BASE"], description="Those covariates that also interact with visit in the imputation model.")
    visit: Id = Field("AVISIT", description="Visit factor; all visits of the selected records are imputed.")
    visit_order: Id = Field("AVISITN", description="Number that orders the visits.")
    subject: Id = Field("USUBJID", description="Subject.")
    reference: str | None = Field(None, description="Reference arm, also of the strategies; default: the study's reference.")
    covariance: list[Literal["us", "toeph", "ar1h", "csh", "adh", "toep", "ar1", "ad", "cs"]] = Field(
        ["us"], description="Covariance of the imputation model; several are tried in this order.", min_length=1
    )
    covariance_by_arm: bool = Field(False, description="Covariance parameters of their own in each arm.")
    repeated_sampling: Literal["jackknife", "bootstrap", "none"] = Field(
        "jackknife", description="How the repeated-sampling variance is found; none leaves it out."
    )
    information_anchored: Literal["approximate_bayes", "bayes", "none"] = Field(
        "approximate_bayes", description="How draws for Rubin's rules (information-anchored variance) are made; none leaves them out."
    )
    draws: int = Field(100, description="Imputations, or bootstrap samples, to begin with.", ge=2)
    max_draws: int = Field(
        400, description="Imputations are doubled up to this many until the Monte-Carlo error is below 5% of each standard error.", ge=2
    )
    seed: int = Field(0, description="Seed; random numbers depend on it, the analysis and the number of the draw alone.", ge=0)
    lmcf_at_first_visit: Literal["error", "no_change"] = Field(
        "error",
        description="LMCF of an event before the first visit: refused, or a mean change of 0 is carried (for a change from baseline).",
    )
    delta_kind: Literal["marginal", "sequential"] = Field(
        "marginal", description="δ added to each imputed value, or visit by visit before later values are imputed from earlier ones."
    )
    delta_intermittent: bool = Field(
        False, description="δ also on values missing before the event (as R rbmi; the SAS five macros do not)."
    )
    level: float = Field(0.95, description="Confidence level.", gt=0.5, lt=1)

    @model_validator(mode="after")
    def _by_visit_are_covariates(self) -> ImputingOptions:
        strange = [c for c in self.by_visit if c not in self.covariates]
        if strange:
            raise ValueError(f"by_visit: {', '.join(strange)} not among covariates ({', '.join(self.covariates) or 'none'})")
        return self

    def cross_check(self, entry: Analysis, plan: Plan) -> Iterator[str]:
        """The reference arm is an arm of the analysis, and reference-based strategies have an event to act on."""
        reference = self.reference or plan.study.reference
        if entry.arms is not None and reference not in entry.arms:
            yield f"the reference arm {reference!r} is not among the arms {', '.join(entry.arms)}"
        estimand = plan.estimands.get(entry.estimand or "")
        if estimand is None:
            return
        ends = {code for code, rule in plan.study.intercurrent_events.items() if rule.ends_treatment}
        kept = [e.event for e in estimand.intercurrent_events if e.event in ends and e.strategy != "hypothetical"]
        if ends and not kept and self.reference_based():
            yield (
                f"{', '.join(self.reference_based())} assume what the outcome is after an event that ends treatment, and estimand "
                f"{entry.estimand} asks for it as if no such event had happened; under the hypothetical strategy only MAR is left"
            )

    def reference_based(self) -> list[str]:
        """Strategies other than MAR that are asked for."""
        return []

    @model_validator(mode="after")
    def _something_is_asked_for(self) -> ImputingOptions:
        if self.repeated_sampling == self.information_anchored == "none":
            raise ValueError("repeated_sampling and information_anchored: both are none, so there is no variance")
        if self.max_draws < self.draws:
            raise ValueError(f"max_draws: {self.max_draws} is less than draws ({self.draws})")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """The records of an analysis as arrays.

    Attributes
    ----------
    subjects : DataFrame
        One row per subject: subject, arm, covariates.
    visits : list of str
    arms : list of str
        In display order; `reference` is one of them.
    event : (n,) array of str
        Code of the intercurrent event; empty for none, or one that is not recorded.
    reason : (n,) array of str
        The event in words; empty for none.
    as_if_not : (n,) bool array
        Subjects whose event has the hypothetical strategy: their values are imputed under MAR whatever strategy is asked for.
    formula, analysis : str
        Of the imputation model and of the analysis of covariance.
    design : (n, q) array
    rows : Rows
        LS means of all arms, then differences of all but the reference.
    """

    layout: Layout
    subjects: pd.DataFrame
    visits: list[str]
    group: str
    arms: list[str]
    reference: str
    event: np.ndarray
    reason: np.ndarray
    as_if_not: np.ndarray
    formula: str
    analysis: str
    design: np.ndarray
    rows: Rows

    def imputed_reasons(self) -> np.ndarray:
        """(n, T) text: why a missing value is missing, empty where observed."""
        import numpy as np

        after = np.where(self.layout.affected, self.reason[:, None], INTERMITTENT)
        return np.where(self.layout.missing, after, "")


def trial_of(data: AnalysisData, options: ImputingOptions, margins: Literal["equal", "observed"] = "equal") -> Trial:
    """The trial of an analysis.

    Raises
    ------
    DataError
        If visits and their numbers do not correspond, or a subject has two records at a visit or covariates that change.
    """
    import numpy as np

    from nirls.errors import DataError
    from nirls.models.design import build_design
    from nirls.models.reference_grid import marginal_rows
    from nirls.models.terms import estimable_part, hypothesis
    from nirls.stats.imputation.ancova import Rows
    from nirls.stats.imputation.layout import Layout

    columns = [options.response, *options.covariates, options.visit, options.visit_order, options.subject]
    require(data.frame, columns, data.analysis_id)
    group, arms, reference = arms_and_reference(data, options.reference)
    kept = [group, *options.covariates]
    frame = data.frame.assign(**{options.visit: ordered_visits(data, options.visit, options.visit_order)})
    frame = frame[frame[kept].notna().all(axis=1)]
    with_value = frame.loc[frame[options.response].notna(), options.subject].unique()
    frame = frame[frame[options.subject].isin(with_value)]
    changing = frame.groupby(options.subject)[kept].nunique().max(axis=1) > 1
    if changing.any():
        raise DataError(
            f"{data.analysis_id}: {', '.join(kept)} must not change within a subject; they do in {', '.join(changing.index[changing][:10])}"
        )
    repeated = frame[frame.duplicated([options.subject, options.visit])]
    if len(repeated):
        named = ", ".join(f"{r[options.subject]} at {r[options.visit]}" for r in repeated.head(10).to_dict("records"))
        raise DataError(f"{data.analysis_id}: a subject may have one record per visit; more than one for: {named}")
    subjects = frame.drop_duplicates(options.subject)[[options.subject, *kept]].sort_values(options.subject).reset_index(drop=True)
    visits = list(frame[options.visit].cat.categories)

    table = frame.pivot(index=options.subject, columns=options.visit, values=options.response)
    y = table.reindex(index=subjects[options.subject], columns=visits).to_numpy(dtype=float)
    weeks = frame.drop_duplicates(options.visit).set_index(options.visit)[options.visit_order].reindex(visits).to_numpy(dtype=float)
    event, code, reason, as_if_not = _events(data, subjects[options.subject], weeks, np.isnan(y))

    # every subject at every visit: the design does not depend on what was observed
    grid = subjects.loc[subjects.index.repeat(len(visits))].reset_index(drop=True)
    grid[options.visit] = _category(list(visits) * len(subjects), visits)
    visit_terms = [f"{c}:{options.visit}" for c in options.by_visit] + [f"{group}:{options.visit}"]
    right = " + ".join([*options.covariates, group, options.visit, *visit_terms])
    grid[options.response] = 0.0
    model = build_design(f"{options.response} ~ {right}", grid)
    other = model.frame.assign(**{group: _category([reference] * len(grid), model.factors[group])})
    at_reference = np.asarray(model.spec.get_model_matrix(other, context={"np": np}), dtype=float)[:, model.kept]
    shape = (len(subjects), len(visits), -1)
    arm = subjects[group].cat.codes.to_numpy().astype(int)
    present = [a for a in arms if a in set(subjects[group])]
    own = np.array([present.index(arms[a]) for a in arm]) if options.covariance_by_arm else np.zeros(len(arm), dtype=int)
    of_reference = np.full(len(arm), present.index(reference) if options.covariance_by_arm else 0)
    layout = Layout(
        y=y, x=model.matrix.reshape(shape), x_reference=at_reference.reshape(shape), event=event, arm=arm, group=own,
        group_reference=of_reference,
    )  # fmt: skip

    subjects_only = subjects.assign(**{options.response: 0.0})
    analysis = f"{options.response} ~ " + " + ".join([group, *options.covariates])
    design = build_design(analysis, subjects_only)
    keys, means = marginal_rows(design, [group], margins)
    means = means[:, design.kept].copy()
    names = np.array(design.columns)
    own_columns = estimable_part(design, hypothesis(design, group))[0].any(axis=0)
    floating = np.isin(names, list(design.covariates)) if margins == "equal" else ~own_columns & (names != "Intercept")
    reached = [str(a) for a in keys[group]]
    differences = means - means[reached.index(reference)]  # exact zeros but for the arm: covariates do not interact with it
    means[:, floating] = np.nan
    rows = np.vstack([means, np.delete(differences, reached.index(reference), axis=0)])
    return Trial(
        layout=layout, subjects=subjects, visits=[str(v) for v in visits], group=group, arms=reached, reference=reference, event=code,
        reason=reason, as_if_not=as_if_not,
        formula=f"{options.response} ~ {right}", analysis=analysis, design=design.matrix, rows=Rows(matrix=rows),
    )  # fmt: skip


def _events(
    data: AnalysisData, subjects: pd.Series, weeks: np.ndarray, missing: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """First affected visit, code and words of the event of each subject, and whether its strategy is hypothetical.

    The event is the first one that ends treatment, or whose values the estimand sets aside; without one the first of the missing
    visits at the end.
    """
    import numpy as np

    from nirls.stats.imputation.events import first_trailing
    from nirls.strategies import governing

    t = len(weeks)
    event = first_trailing(missing)
    code, as_if_not = np.full(len(subjects), "", dtype="U40"), np.zeros(len(subjects), dtype=bool)
    reason = np.where(event < t, TRAILING, "").astype("U200")
    if data.ice is None:
        return event, code, reason, as_if_not
    ice = data.ice[data.ice["USUBJID"].isin(subjects) & data.ice["AVISITN"].notna()]
    own = ice[ice["ENDTRTFL"] == "Y"].assign(ASIDE=False)
    if data.spec.estimand is not None:
        aside = governing(ice, data.plan.estimands[data.spec.estimand]).reset_index()
        aside = aside[aside["STRATEGY"] == "hypothetical"].assign(ASIDE=True)
        columns = ["USUBJID", "ICECD", "ICE", "AVISITN", "ADY", "ASIDE"]
        own = _stacked(aside[columns], own[columns])
    first = own.sort_values(["AVISITN", "ASIDE", "ADY"], ascending=[True, False, True], kind="stable").drop_duplicates("USUBJID")
    first = first.set_index("USUBJID").reindex(subjects)
    start = np.searchsorted(weeks, first["AVISITN"].to_numpy(dtype=float))  # NaN goes to the end: no event
    recorded = start < t
    event = np.where(recorded, start, event)
    # pandas cuts texts to one letter where a column with missing texts becomes an array of text, hence the fill
    code[recorded] = first["ICECD"].fillna("").to_numpy(dtype=str)[recorded]
    reason[recorded] = first["ICE"].fillna("").to_numpy(dtype=str)[recorded]
    as_if_not[recorded] = first["ASIDE"].to_numpy()[recorded].astype(bool)
    return event, code, reason, as_if_not


def _stacked(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    return pd.concat([first, second], ignore_index=True) if len(first) else second


def _category(values: list[Any], levels: Any) -> Any:
    import pandas as pd

    return pd.Categorical(values, categories=list(levels), ordered=True)


def source_of(data: AnalysisData, trial: Trial, options: ImputingOptions, strategy: np.ndarray) -> Source:
    """The imputation model of what these strategies let into it, ready to be drawn from."""
    from nirls.stats.imputation.draws import fit_model, visible
    from nirls.stats.imputation.run import Source

    seen = visible(trial.layout, strategy)
    fit = fit_model(trial.layout, seen, covariance=options.covariance, by_group=options.covariance_by_arm)
    return Source(trial.layout, seen, fit, data.analysis_id, options.seed)


def event_words() -> str:
    """Which event a subject's missing values come after."""
    return (
        "the first intercurrent event that ends treatment affects the visits after it; "
        "without one the missing visits at the end of a subject's course count as after an event"
    )
