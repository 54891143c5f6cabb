"""The mixed model that several methods fit: its records, its fit, and what is said of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nirls.methods._covariance import covariance_rows, path
from nirls.methods._linear import MARGINS, arms_and_reference, complete, exclusions, facts, ordered_visits
from nirls.methods.describe import require

if TYPE_CHECKING:
    import pandas as pd

    from nirls.methods.mmrm import MMRMOptions
    from nirls.methods.registry import AnalysisData
    from nirls.models.mmrm import MMRMResult

DDF_WORDS = {
    "kenward-roger-linear": "Kenward–Roger (linear)",
    "kenward-roger": "Kenward–Roger",
    "satterthwaite": "Satterthwaite",
    "between-within": "between-within",
    "residual": "residual",
}
VARIANCE_WORDS = {
    "model": "model-based",
    "CR0": "robust, CR0",
    "CR1": "robust, CR1",
    "CR2": "robust, CR2 (bias-reduced)",
    "CR3": "robust, CR3 (jackknife)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixed:
    """A mixed model of the selected records.

    Attributes
    ----------
    frame : DataFrame
        The records, the visit an ordered Categorical.
    entered : Series of bool
        Records in the model.
    group, reference, formula : str
    arms, visits, terms : list of str
    fit : MMRMResult or None
    failure : str
        Why there is no fit.
    """

    frame: pd.DataFrame
    entered: pd.Series
    group: str
    reference: str
    arms: list[str]
    visits: list[str]
    terms: list[str]
    formula: str
    fit: MMRMResult | None
    failure: str


def fit_mixed(data: AnalysisData, options: MMRMOptions, extra: Sequence[str] = ()) -> Mixed:
    """Fit the model of `options`, with `extra` terms at its end; one that cannot be fitted is kept with its reason."""
    import warnings

    from nirls.errors import MethodError
    from nirls.models.mmrm import mmrm as fit_model

    needed = [options.response, *options.covariates, options.visit, options.visit_order, options.subject]
    require(data.frame, needed + ([options.time] if options.time else []), data.analysis_id)
    group, arms, reference = arms_and_reference(data, options.reference)
    frame = data.frame.assign(**{options.visit: ordered_visits(data, options.visit, options.visit_order)})
    visits = [str(v) for v in frame[options.visit].cat.categories]
    # with one visit the visit factor has no column of its own
    visit_terms = [f"{c}:{options.visit}" for c in options.by_visit] + [f"{group}:{options.visit}"]
    terms = [*options.covariates, group, options.visit, *visit_terms, *extra]
    formula = f"{options.response} ~ {' + '.join(terms)}"

    entered = complete(frame, options.response, group, options.covariates)
    if options.time is not None:
        _check_times(frame[entered], options, data.analysis_id)

    fit, failure = None, ""
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*are not analysed: missing")  # `model_rows` counts them
            fit = fit_model(
                formula,
                frame if options.time is None else frame[entered],
                subject=options.subject,
                visit=options.time or options.visit,
                covariance=options.covariance,
                group=group if options.covariance_by_arm else None,
                ddf=options.ddf,
                vcov=None if options.vcov == "model" else options.vcov,
                rank_deficient=options.rank_deficient,
            )
    except MethodError as error:
        failure = str(error)
    return Mixed(
        frame=frame, entered=entered, group=group, reference=reference, arms=arms, visits=visits, terms=terms, formula=formula, fit=fit,
        failure=failure,
    )  # fmt: skip


def model_rows(data: AnalysisData, options: MMRMOptions, mixed: Mixed) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """Rows on who is not analysed and on the model, and footnotes."""
    from nirls.ard.build import row

    found = exclusions(
        data,
        subject=options.subject,
        response=options.response,
        group=mixed.group,
        baseline="BASE",
        covariates=options.covariates,
        absent="No post-baseline value",
    )
    gaps = int((mixed.frame[options.response].notna() & ~mixed.entered).sum())
    found.append(row("n_obs", int(mixed.entered.sum()), variable="model"))
    found.append(row("conf_level", options.level, variable="model"))
    texts = {
        "formula": mixed.formula,
        "ddf": DDF_WORDS[options.ddf],
        "variance": "Kenward–Roger adjusted" if options.ddf.startswith("kenward-roger") else VARIANCE_WORDS[options.vcov],
        "weights": MARGINS[options.margins],
        "reml": "REML",
    }
    footnotes = [f"{gaps} observed records are not analysed because a covariate is missing."] if gaps else []
    fit = mixed.fit
    if fit is None:
        footnotes.append(f"The model could not be fitted: {mixed.failure}.")
    else:
        found += covariance_rows(fit)
        over = f"; time of each record: {options.time}" if options.time else ""
        texts |= {"covariance": fit.fit.working.structure.label + over, "path": path(fit)}
        if fit.design.dropped:
            footnotes.append(f"Not estimable and left out of the model: {', '.join(fit.design.dropped)}.")
    return found + facts(texts), tuple(footnotes)


def _check_times(records: pd.DataFrame, options: MMRMOptions, analysis_id: str) -> None:
    """Every analysed record has a time, and no subject two records at one time or visit."""
    import pandas as pd

    from nirls.errors import ConfigError, DataError

    time = options.time
    if not pd.api.types.is_numeric_dtype(records[time]):
        raise ConfigError(f"analyses.yaml: {analysis_id}: time: {time} is not a number; use a study day, for example ADY")

    def named(some: pd.DataFrame) -> str:
        shown = [f"{s} at {v}" for s, v in some[[options.subject, options.visit]].head(10).itertuples(index=False)]
        return ", ".join(shown) + (f" and {len(some) - 10} more" if len(some) > 10 else "")

    untimed = records[records[time].isna()]
    if len(untimed):
        raise DataError(f"{analysis_id}: {time} is missing in {len(untimed)} records with an observed {options.response}: {named(untimed)}")
    again = records[records.duplicated([options.subject, options.visit])]
    if len(again):
        raise DataError(f"{analysis_id}: a subject may have one record per visit; more than one for: {named(again)}")
    shared = records[records.duplicated([options.subject, time], keep=False)]
    if len(shared):
        told = [
            f"{subject} at {time} {at:g} ({', '.join(map(str, same[options.visit]))})"
            for (subject, at), same in shared.groupby([options.subject, time], observed=True)
        ]
        more = f" and {len(told) - 10} more" if len(told) > 10 else ""
        raise DataError(f"{analysis_id}: a subject may have one record at a time; more than one for: {', '.join(told[:10])}{more}")
