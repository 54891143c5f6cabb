"""What the linear-model methods share: their terms, who is not analysed and why, and rows of estimates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nirls.methods._groups import TOTAL

if TYPE_CHECKING:
    import pandas as pd

    from nirls.methods.registry import AnalysisData
    from nirls.stats.contrasts import Contrasts

LSMEAN = {"lsmean": "lsmean", "lsmean_se": "std_error", "df": "df", "conf_low": "conf_low", "conf_high": "conf_high"}
DIFFERENCE = {name: name for name in ("estimate", "std_error", "df", "statistic", "conf_low", "conf_high", "p_value")}
MARGINS = {"equal": "equal over the levels of factors", "observed": "in proportion to the analysed sample"}
NO_RECORD = "no observation of this arm in the model at this visit"


def arms_and_reference(data: AnalysisData, reference: str | None) -> tuple[str, list[str], str]:
    """Treatment variable, arms in display order, and the reference arm.

    Raises
    ------
    ConfigError
        If the entry has no `group`, or the reference is not among its arms.
    """
    from nirls.errors import ConfigError

    group = data.spec.group
    if group is None:
        raise ConfigError(f"analyses.yaml: {data.analysis_id}: the method {data.spec.method!r} needs `group`, the treatment variable")
    arms = [str(a) for a in data.frame[group].cat.categories]
    reference = reference or data.plan.study.reference
    if reference not in arms:
        raise ConfigError(f"analyses.yaml: {data.analysis_id}: the reference arm {reference!r} is not among the arms {', '.join(arms)}")
    return group, arms, reference


def ordered_visits(data: AnalysisData, visit: str, order: str) -> pd.Series:
    """The visit as a Categorical in the order of its number."""
    import pandas as pd

    from nirls.errors import DataError

    pairs = data.frame[[visit, order]].drop_duplicates().sort_values(order, kind="stable")
    twice = pairs[pairs[visit].duplicated(keep=False) | pairs[order].duplicated(keep=False)]
    if pairs.isna().any(axis=None) or len(twice):
        shown = "; ".join(f"{v!r} {n}" for v, n in (twice if len(twice) else pairs[pairs.isna().any(axis=1)]).itertuples(index=False))
        raise DataError(
            f"{data.analysis_id}: {visit} and {order} must correspond one to one in the selected records, but there are: {shown}"
        )
    return data.frame[visit].astype(pd.CategoricalDtype(list(pairs[visit])))


def one_visit(data: AnalysisData, visit: str, subject: str) -> str:
    """The visit of the records, of which a subject has one.

    Raises
    ------
    ConfigError, DataError
        Several visits; a subject with several records.
    """
    from nirls.errors import ConfigError, DataError

    visits = [str(v) for v in data.frame[visit].dropna().unique()]
    if len(visits) > 1:
        raise ConfigError(
            f"analyses.yaml: {data.analysis_id}: {data.spec.method} takes one visit, but {visit} of the selected records has "
            f"{', '.join(visits)}; narrow `where`"
        )
    repeated = data.frame.loc[data.frame[subject].duplicated(), subject].unique()
    if len(repeated):
        more = f" and {len(repeated) - 10} more" if len(repeated) > 10 else ""
        raise DataError(f"{data.analysis_id}: a subject may have one record; more than one for {', '.join(map(str, repeated[:10]))}{more}")
    return visits[0] if visits else ""


def complete(frame: pd.DataFrame, response: str, group: str, covariates: list[str]) -> pd.Series:
    """Records that can enter the model: response, treatment and covariates observed."""
    return frame[[response, group, *covariates]].notna().all(axis=1)


def exclusions(
    data: AnalysisData, *, subject: str, response: str, group: str, baseline: str, covariates: list[str], absent: str
) -> list[dict[str, Any]]:
    """Rows that account for every subject of the set who is not analysed, per arm and in total.

    A subject has one reason, the first that holds: no baseline value; no value of the response in the records of the analysis
    (`absent` words it); a missing covariate.
    """
    from nirls.ard.build import row

    frame, adsl = data.frame, data.adsl
    analysed = set(frame.loc[complete(frame, response, group, covariates), subject])
    seen = frame.groupby(subject, observed=True)
    with_response = set(frame.loc[frame[response].notna(), subject])
    without_baseline = set(adsl.loc[adsl["BASEFL"] == "N", subject]) if "BASEFL" in adsl.columns else set()
    if baseline in frame.columns:
        has = seen[baseline].count()
        without_baseline |= set(has.index[has == 0])
    gaps = {c: set(frame.loc[frame[response].notna() & frame[c].isna(), subject]) for c in covariates if c != baseline}

    def reason(who: str) -> str:
        if who in without_baseline:
            return "No baseline value"
        if who not in with_response:
            return absent
        missing = [c for c, subjects in gaps.items() if who in subjects]
        return f"Missing covariate {', '.join(missing)}" if missing else "Missing treatment"

    left_out = adsl.loc[~adsl[subject].isin(analysed), [subject, group]]
    reasons = left_out[subject].map(reason)
    found = []
    for text in sorted(reasons.unique(), key=lambda t: (t.startswith("Missing"), t)):
        of_reason = left_out.loc[reasons == text, group]
        key = {"variable": "exclusion", "variable_level": text, "group1": group}
        found += [row("n", (of_reason == arm).sum(), group1_level=str(arm), **key) for arm in adsl[group].cat.categories]
        found.append(row("n", len(of_reason), group1_level=TOTAL, **key))
    found.append(row("n_excluded", len(left_out), variable="model"))
    entered = adsl[adsl[subject].isin(analysed)]
    found.append(row("n_subjects", len(entered), variable="model"))
    for arm in adsl[group].cat.categories:
        found.append(row("n_subjects", (entered[group] == arm).sum(), variable="model", group1=group, group1_level=str(arm)))
    return found


def estimates(names: dict[str, str], values: Any, missing: str, **key: str) -> list[dict[str, Any]]:
    """One row per statistic: `names` maps stat_name to a key of `values`; what is NaN, or all if there are no values, carries `missing`."""
    from nirls.ard.build import row

    found = []
    for stat_name, source in names.items():
        value = float("nan") if values is None else float(values[source])
        found.append(row(stat_name, None if value != value else value, error=missing if value != value else "", **key))
    return found


def facts(texts: dict[str, str]) -> list[dict[str, Any]]:
    """Model facts as text rows."""
    from nirls.ard.build import row

    return [row("text", None, variable="model", variable_level=name, stat_text=text) for name, text in texts.items() if text]


def contrast_rows(found: Contrasts, level: float, key: dict[str, str]) -> list[dict[str, Any]]:
    """Estimate, SE, df, t, p and limits of one contrast."""
    from nirls.ard.build import rows

    low, high = found.ci(level)
    values = {
        "estimate": found.estimate[0], "std_error": found.std_error[0], "df": found.df[0], "statistic": found.statistic[0],
        "p_value": found.p_value[0], "conf_low": low[0], "conf_high": high[0],
    }  # fmt: skip
    return rows({k: float(v) for k, v in values.items()}, **key)
