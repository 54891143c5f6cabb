"""Responders: proportions by arm, and their comparison with a reference arm."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from nirls.methods import _responses
from nirls.methods._adjusted import ODDS, SE, STANDARDISED, adjusted
from nirls.methods._groups import account, denominators
from nirls.methods._linear import arms_and_reference, facts
from nirls.methods._responses import Definition
from nirls.methods.describe import require
from nirls.methods.registry import AnalysisData, MethodResult, method
from nirls.plan.base import Id, PlanModel

if TYPE_CHECKING:
    import pandas as pd

    from nirls.plan.analysis import Analysis
    from nirls.plan.load import Plan

INTERVALS = {
    "miettinen_nurminen": "Miettinen–Nurminen score interval; p from the same statistic",
    "mee": "Mee's score interval; p from the same statistic (Farrington–Manning)",
    "newcombe": "Newcombe's interval (method 10), which has no test",
    "sato": "Mantel–Haenszel difference with Sato's variance, normal interval and test",
}
MISSING = {
    "non_responder": "subjects of the set without a value are non-responders",
    "observed": "subjects without a value are left out",
}

ZERO_CELL = "nobody or everybody responded in one of the arms, so that an odds is 0 or infinite"
UNIFORM = "nobody or everybody responded in both arms of every stratum"


class ResponderOptions(PlanModel):
    """Options of `responder`."""

    thresholds: list[str] = Field(default_factory=list, description="Thresholds of the instrument, by name; they look at its total.")
    instrument: str | None = Field(None, description="Instrument of the thresholds; default: the study's first.")
    definitions: dict[str, Definition] = Field(default_factory=dict, description="Name → further definitions of response.")
    missing: Literal["non_responder", "observed"] = Field(
        "non_responder", description="Subjects of the set without a value at the visit: non-responders (counted), or left out."
    )
    strata: list[Id] = Field(
        default_factory=list,
        description="ADSL variables whose combinations are strata, such as those of randomization; none: unstratified.",
    )
    interval: Literal["miettinen_nurminen", "mee", "newcombe", "sato"] = Field(
        "miettinen_nurminen",
        description="Interval of the risk difference; its p-value is of the same statistic. Over strata: weights n1·n2/N.",
    )
    covariates: list[Id] = Field(
        default_factory=list,
        description="ADSL variables of a logistic regression for a standardised risk difference and an adjusted odds ratio "
        "(text is a factor; name the strata too); none: no adjusted comparison.",
    )
    variance: Literal["ge", "ge_hc0", "ye"] | None = Field(
        None,
        description="Standard error of the standardised risk difference: 'ye' (default) unconditional, 'ge' and 'ge_hc0' delta method for "
        "given covariates.",
    )
    continuity: bool = Field(False, description="Continuity correction of the Cochran–Mantel–Haenszel test (R's default; SAS has none).")
    reference: str | None = Field(None, description="Arm the others are compared with; default: the study's reference.")
    level: float = Field(0.95, description="Confidence level.", gt=0.5, lt=1)

    @model_validator(mode="after")
    def _agree(self) -> ResponderOptions:
        if not self.thresholds and not self.definitions:
            raise ValueError("there is no definition of response; name `thresholds` of the instrument or give `definitions`")
        if len(set(self.thresholds)) < len(self.thresholds):
            raise ValueError("a threshold is named twice")
        if self.interval == "newcombe" and self.strata:
            raise ValueError("Newcombe's interval is for one table; leave `strata` out or choose another `interval`")
        if self.variance and not self.covariates:
            raise ValueError("`variance` is that of the standardised risk difference, which needs `covariates`; give them or leave it out")
        return self

    def cross_check(self, entry: Analysis, plan: Plan) -> list[str]:
        """What is wrong with the options, given the plan."""
        return _responses.problems(plan, self.thresholds, self.definitions, self.instrument)


@method("responder", options=ResponderOptions, reads=("instruments",), outcome="response")
def responder(data: AnalysisData, options: ResponderOptions) -> MethodResult:
    """Responders by definition, visit and arm; risk difference, odds ratio, number needed to treat and tests against a reference arm."""
    from nirls.ard.build import row, rows

    group, arms, reference = arms_and_reference(data, options.reference)
    chosen = _responses.rules(data.plan, options.thresholds, options.definitions, options.instrument)
    _responses.check_records(data, chosen)
    adsl = data.adsl.set_index("USUBJID")
    strata = _strata(data, adsl, options.strata)
    require(adsl, options.covariates, data.analysis_id)
    variance = options.variance or "ye"

    found = denominators(data, total=False)
    evaluated: set[str] = set()
    for rule in chosen:
        records = data.frame[data.frame["PARAMCD"] == rule.definition.param]
        for name, text in (("definition", rule.definition.label), ("parameter", rule.definition.param), ("rule", rule.text)):
            found.append(row("text", None, variable=name, variable_level=rule.id, stat_text=text))
        for visit in _responses.visits(records):
            at = records[records["AVISIT"] == visit].set_index("USUBJID")
            response = rule.responds(at).reindex(adsl.index)
            if options.missing == "observed":
                evaluated |= set(response.index[response.notna()])
            key = {"param": rule.definition.param, "variable": rule.id, "visit": visit, "group1": group}
            for arm in arms:
                found += _arm(response[adsl[group] == arm], options, **key, group1_level=arm)
            for arm in (a for a in arms if a != reference):
                pair = adsl[group].isin([arm, reference])
                found += _comparison(
                    response[pair], adsl.loc[pair, group] == arm, strata[pair], (arm, reference), options,
                    **key, group1_level=arm, comparison=f"{arm} - {reference}",
                )  # fmt: skip
                if options.covariates:
                    known = (response[pair].dropna() if options.missing == "observed" else response[pair].fillna(False)).astype(bool)
                    among = known.index
                    found += adjusted(
                        known, adsl.loc[among, group] == arm, adsl.loc[among, options.covariates], variance=variance, level=options.level,
                        **key, group1_level=arm, comparison=f"{arm} - {reference}",
                    )  # fmt: skip

    without = [] if options.missing == "non_responder" else [s for s in adsl.index if s not in evaluated]
    found += account(adsl[group], without, arms, group)
    found += rows({"conf_level": options.level}, variable="model")
    texts = {
        "risk difference": INTERVALS[options.interval],
        "missing": MISSING[options.missing],
        "strata": f"{', '.join(_label(data.plan, s) for s in options.strata)}, weights n1·n2/N" if options.strata else "none",
        "odds ratio": "Mantel–Haenszel, interval with the variance of Robins, Breslow and Greenland",
        "test of association": f"Cochran–Mantel–Haenszel, {'with' if options.continuity else 'without'} continuity correction",
    }
    if options.covariates:
        model = f"logistic regression of each pair of arms on treatment, {', '.join(_label(data.plan, c) for c in options.covariates)}"
        texts[STANDARDISED] = f"{model}; {SE[variance]}"
        texts[ODDS] = "of the same regression, Wald interval; Firth's penalised likelihood where the data are separated"
    return MethodResult(rows=found + facts(texts))


def _label(plan: Plan, name: str) -> str:
    """A stratification variable as the study calls it."""
    for known in (plan.study.strata, plan.study.covariates):
        if name in known:
            return known[name].label
    return name


def _strata(data: AnalysisData, adsl: pd.DataFrame, names: list[str]) -> pd.Series:
    """The stratum of each subject as text; one for all when there are none."""
    import pandas as pd

    from nirls.errors import DataError

    require(adsl, names, data.analysis_id)
    if not names:
        return pd.Series("", index=adsl.index)
    gaps = adsl[names].isna().any(axis=1)
    if gaps.any():
        who = list(adsl.index[gaps])
        raise DataError(
            f"{data.analysis_id}: no value of {', '.join(names)} for {', '.join(map(str, who[:10]))}"
            f"{f' and {len(who) - 10} more' if len(who) > 10 else ''}; a stratum is needed for every subject of the set"
        )
    return adsl[names].astype("str").agg(", ".join, axis=1)


def _arm(response: pd.Series, options: ResponderOptions, **key: str) -> list[dict[str, Any]]:
    """Responders of one arm: n, denominator, per cent with Wilson's interval, and how many were not observed."""
    from nirls.ard.build import row
    from nirls.stats.proportions import wilson

    gaps = int(response.isna().sum())
    imputed = options.missing == "non_responder"
    size, events = len(response) - (0 if imputed else gaps), int(response.fillna(False).sum())
    found = [row("n", events, **key), row("n_subjects", size, **key), row("n_imputed" if imputed else "n_missing", gaps, **key)]
    share = (
        {"p": 100 * events / size, **dict(zip(("conf_low", "conf_high"), _percent(wilson(events, size, options.level)), strict=True))}
        if size
        else {}
    )
    reason = "" if size else "no subject of the arm has a value"
    return found + [row(name, share.get(name), error=reason, unit="%", **key) for name in ("p", "conf_low", "conf_high")]


def _percent(values: Any) -> list[float]:
    return [100 * float(v) for v in values]


def _comparison(
    response: pd.Series, treated: pd.Series, strata: pd.Series, arms: tuple[str, str], options: ResponderOptions, **key: str
) -> list[dict[str, Any]]:
    """Risk difference, number needed to treat, odds ratio and test of one pair of arms; `variable_level` names the measure."""
    import pandas as pd

    from nirls.ard.build import row
    from nirls.stats.proportions import CMHTest, CommonOddsRatio, number_needed, tables

    def several(measure: str, values: dict[str, float], reason: str, **columns: Any) -> list[dict[str, Any]]:
        lacks = {name: math.isnan(value) for name, value in values.items()}
        return [
            row(n, None if lacks[n] else v, error=reason if lacks[n] else "", variable_level=measure, **columns, **key)
            for n, v in values.items()
        ]

    if options.missing == "observed":
        keep = response.notna()
        response, treated, strata = response[keep], treated[keep], strata[keep]
    response = response.fillna(False).astype(bool)
    nan = dict.fromkeys(("estimate", "conf_low", "conf_high"), math.nan)
    counts = pd.DataFrame({"x1": response & treated, "n1": treated, "x2": response & ~treated, "n2": ~treated}).groupby(strata).sum()
    usable = (counts["n1"] > 0) & (counts["n2"] > 0)
    if not usable.any():
        empty = [arm for arm, total in zip(arms, (treated.sum(), (~treated).sum()), strict=True) if not total]
        reason = f"no subject of {' and '.join(empty)} has a value" if empty else "no stratum has subjects in both arms"
        found = several("risk difference", nan | {"statistic": math.nan, "p_value": math.nan}, reason)
        found += several("number needed to treat", nan, reason) + several("odds ratio", nan, reason)
        return found + several("CMH test", {"statistic": math.nan, "p_value": math.nan}, reason)
    t = tables(*(counts[c].to_numpy() for c in ("x1", "n1", "x2", "n2")))
    dropped = counts[~usable]
    warning = (
        f"stratum {'; '.join(map(str, dropped.index))} ({int(dropped[['n1', 'n2']].to_numpy().sum())} subjects) has no subject in one of "
        "the arms and is left out of this comparison"
        if len(dropped)
        else ""
    )

    difference, (low, high), test, why = _difference(t, options)
    scaled = {"estimate": 100 * difference, "conf_low": 100 * low, "conf_high": 100 * high}
    found = several("risk difference", scaled | test, why, unit="percentage points", warning=warning)
    if math.isnan(low):
        found += several("number needed to treat", nan, why)
    else:
        need = number_needed(difference, max(low, -1.0), min(high, 1.0))
        gains, harms = ([(kind, e) for e in ends or ()] for kind, ends in (("NNTB", need.benefit_range), ("NNTH", need.harm_range)))
        ends = [gains[0], harms[0]] if gains and harms else gains or harms  # through infinity, or on one side of it
        shown = (("NNTB" if need.benefit else "NNTH", need.estimate), ends[0], ends[-1])
        for name, (kind, value) in zip(nan, shown, strict=True):
            found.append(row(name, value, stat_text=kind, variable_level="number needed to treat", **key))
    odds = CommonOddsRatio(tables=t)
    ratio = dict(zip(nan, (odds.estimate, *odds.ci(options.level)), strict=True)) if not math.isnan(odds.log_std_error) else nan
    found += several("odds ratio", ratio, ZERO_CELL)
    cmh = CMHTest(tables=t, continuity=options.continuity)
    found += several("CMH test", {"statistic": cmh.statistic, "p_value": cmh.p_value}, UNIFORM)
    return found


def _difference(t: Any, options: ResponderOptions) -> tuple[float, tuple[float, float], dict[str, float], str]:
    """Estimate, interval, test and, for what is missing, the reason."""
    from nirls.stats.proportions import MantelHaenszelDifference, NewcombeDifference, ScoreDifference

    if options.interval == "newcombe":
        plain = NewcombeDifference(tables=t)
        return plain.estimate, plain.ci(options.level), {"p_value": math.nan}, "Newcombe's interval has no test; see the CMH test"
    if options.interval == "sato":
        sato = MantelHaenszelDifference(tables=t)
        test = {"std_error": 100 * sato.std_error, "p_value": sato.p_value}
        return sato.estimate, sato.ci(options.level), test, "the estimated variance is 0; the score interval can be computed"
    score = ScoreDifference(tables=t, correction=options.interval == "miettinen_nurminen")
    return score.estimate, score.ci(options.level), {"statistic": score.statistic(), "p_value": score.p_value()}, ""
