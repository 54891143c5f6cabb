"""The calls of the Python programs, one function for each case and program."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from nirls.models.mmrm import MMRMResult

MODEL = "CHG ~ REGION + BASE * AVISIT + TRT * AVISIT"
CALLS: dict[str, Callable[[pd.DataFrame], Any]] = {}
"""Case/program → a function of the data, which is what is timed; its value is what :data:`ANSWERS` reads."""
ANSWERS: dict[str, Callable[[Any], dict[str, Any]]] = {}
"""Case/program → −2ℓ, contrasts by visit and their standard errors as numbers, outside the time."""


def call(name: str, answer: Callable[[Any], dict[str, Any]]) -> Callable:
    def register(function: Callable[[pd.DataFrame], Any]) -> Callable[[pd.DataFrame], Any]:
        CALLS[name], ANSWERS[name] = function, answer
        return function

    return register


def _tables(result: tuple[MMRMResult, pd.DataFrame, pd.DataFrame]) -> dict[str, Any]:
    fit, _, contrasts = result
    return {"deviance": fit.deviance, "contrasts": list(contrasts["estimate"]), "errors": list(contrasts["std_error"])}


def _whole(data: pd.DataFrame, visit: str = "AVISIT", **options: Any) -> tuple[MMRMResult, pd.DataFrame, pd.DataFrame]:
    """Fit, LS means and contrasts by nirls."""
    import nirls

    fit = nirls.mmrm(MODEL, data, subject="USUBJID", visit=visit, **options)
    return fit, fit.lsmeans("TRT", by="AVISIT"), fit.contrasts("TRT", by="AVISIT")


@call("us/nirls-kr", _tables)
def us_nirls_kr(data: pd.DataFrame) -> Any:
    return _whole(data, ddf="kenward-roger-linear")


@call("us/nirls-satterthwaite", _tables)
def us_nirls_satterthwaite(data: pd.DataFrame) -> Any:
    return _whole(data, ddf="satterthwaite")


@call("us-fit/nirls", lambda fit: {"deviance": fit.deviance})
def us_fit_nirls(data: pd.DataFrame) -> Any:
    import nirls

    return nirls.mmrm(MODEL, data, subject="USUBJID", visit="AVISIT")


@call("cs/nirls-satterthwaite", _tables)
def cs_nirls(data: pd.DataFrame) -> Any:
    return _whole(data, covariance="cs", ddf="satterthwaite")


@call("slope/nirls-satterthwaite", _tables)
def slope_nirls_satterthwaite(data: pd.DataFrame) -> Any:
    return _whole(data, visit="MONTH", covariance="random-slope", ddf="satterthwaite")


@call("slope/nirls-kr", _tables)
def slope_nirls_kr(data: pd.DataFrame) -> Any:
    return _whole(data, visit="MONTH", covariance="random-slope", ddf="kenward-roger-linear", information="expected")


def _mixedlm(data: pd.DataFrame, random: str) -> tuple[Any, Any]:
    """Fit by statsmodels; the rows of the contrasts by the names of the coefficients, since there are no LS means."""
    import numpy as np
    import statsmodels.formula.api as smf

    fit = smf.mixedlm(MODEL, data, groups="USUBJID", re_formula=random).fit(reml=True)
    place = {frozenset(name.split(":")): j for j, name in enumerate(fit.fe_params.index)}
    arms, visits = sorted(set(data["TRT"]))[1:], sorted(set(data["AVISIT"]))
    rows = np.zeros((len(visits), len(arms), len(place)))
    for a, arm in enumerate(arms):
        rows[:, a, place[frozenset({f"TRT[T.{arm}]"})]] = 1.0
        for v, visit in enumerate(visits[1:], start=1):
            rows[v, a, place[frozenset({f"TRT[T.{arm}]", f"AVISIT[T.{visit}]"})]] = 1.0
    return fit, fit.t_test(rows.reshape(-1, len(place))).summary_frame()


def _mixedlm_answer(result: tuple[Any, Any]) -> dict[str, Any]:
    fit, table = result
    return {"deviance": -2.0 * fit.llf, "contrasts": list(table["coef"]), "errors": list(table["std err"])}


@call("cs/mixedlm", _mixedlm_answer)
def cs_mixedlm(data: pd.DataFrame) -> Any:
    return _mixedlm(data, "~1")


@call("slope/mixedlm", _mixedlm_answer)
def slope_mixedlm(data: pd.DataFrame) -> Any:
    return _mixedlm(data, "~MONTH")
