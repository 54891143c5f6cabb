"""Comparison of responders adjusted for covariates: rows of a logistic regression of two arms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from nirls.models.logistic import Variance

STANDARDISED, ODDS = "standardised risk difference", "logistic odds ratio"
SE = {
    "ge": "delta method over the model-based covariance (Ge et al. 2011)",
    "ge_hc0": "delta method over the HC0 covariance (Ge et al. 2011)",
    "ye": "unconditional standard error of Ye et al. (2023)",
}
FIRTH = "The data are separated: odds ratio from Firth's penalised likelihood, with profile interval and likelihood ratio test"
SEPARATED = "the data are separated: predicted risks would rest on the penalty; the unadjusted risk difference needs no model"


def adjusted(
    response: pd.Series,
    treated: pd.Series,
    covariates: pd.DataFrame,
    *,
    variance: Variance,
    level: float,
    **key: str,
) -> list[dict[str, Any]]:
    """Standardised risk difference and odds ratio of one pair of arms, each under its name in `variable_level`.

    Parameters
    ----------
    response, treated : Series of bool
    covariates : DataFrame
        Same subjects.
    """
    from nirls.ard.build import row
    from nirls.errors import MethodError, NirlsError
    from nirls.models.logistic import logistic

    names = ("estimate", "std_error", "conf_low", "conf_high", "p_value")
    values: dict[str, dict[str, float]] = {STANDARDISED: {}, ODDS: {}}
    reasons = {STANDARDISED: "", ODDS: ""}
    warnings: dict[str, list[str]] = {STANDARDISED: [], ODDS: []}
    frame = covariates.assign(RESPONSE=response.astype(float), TREATED=treated.map({False: "0", True: "1"}))
    gaps = int(covariates.isna().any(axis=1).sum())
    if gaps:
        for said in warnings.values():
            said.append(f"{gaps} subjects without {' or '.join(covariates.columns[covariates.isna().any()])} are not in the regression")
    try:
        if response.nunique() == 1:
            raise MethodError(f"{'everybody' if response.iloc[0] else 'nobody'} responded in both arms")
        fit = logistic(" + ".join(["RESPONSE ~ TREATED", *covariates.columns]), frame)
        values[ODDS] = fit.odds_ratio("TREATED", level)
        if fit.penalised is None:
            found = fit.standardised_difference("TREATED", variance)
            low, high = found.ci(level)
            scaled = dict(zip(names[:4], (100 * v for v in (found.estimate, found.std_error, low, high)), strict=True))
            values[STANDARDISED] = scaled | {"p_value": found.p_value}
        else:
            warnings[ODDS].append(FIRTH)
            reasons[STANDARDISED] = SEPARATED
    except NirlsError as error:
        reasons = {measure: str(error) for measure in reasons}
    out = []
    for measure, found_values in values.items():
        for name in names if measure == STANDARDISED else [n for n in names if n != "std_error"]:
            warning = "; ".join(warnings[measure]) if name == "estimate" and found_values else ""
            columns = {"unit": "percentage points"} if measure == STANDARDISED and name != "p_value" else {}
            key |= {"variable_level": measure}
            out.append(row(name, found_values.get(name), error=reasons[measure], warning=warning, **columns, **key))
    return out
