"""ADRISK: one row per treated subject, with the period in which an adverse event is treatment-emergent and the time at risk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from nirls.adam.account import accounts
from nirls.adam.dates import to_date
from nirls.adam.spec import conform, core_columns, variables
from nirls.errors import ConfigError, DataError

if TYPE_CHECKING:
    from nirls.plan.load import Plan

YEAR = 365.25


def derive_adrisk(adsl: pd.DataFrame, adex: pd.DataFrame | None, plan: Plan) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Derive ADRISK from the sessions that took place; a subject without any has the dates of treatment of ADSL.

    Parameters
    ----------
    adsl : DataFrame
    adex : DataFrame or None
        Of a study with a log of sessions.
    plan : Plan

    Returns
    -------
    adrisk : DataFrame
        See :func:`nirls.adam.spec.variables`.
    accounts : DataFrame

    Raises
    ------
    ConfigError
        Without `adverse_events` in study.yaml.
    DataError
        A treated subject without a date of first treatment.
    """
    rules = plan.study.adverse_events
    if rules is None:
        raise ConfigError("study.yaml: adverse_events is absent, which ADRISK and ADAE need")
    out = adsl[adsl["TRTFL"] == "Y"].reset_index(drop=True)
    days = pd.DataFrame({"EXSTDT": to_date(out["TRTSDT"]), "EXENDT": to_date(out["TRTEDT"])})
    worn = pd.DataFrame({"NSESS": pd.Series(float("nan"), index=out.index), "CUMFLU": float("nan")})
    if adex is not None:
        took = adex[(adex["ANL01FL"] == "Y") & adex["USUBJID"].isin(out["USUBJID"])]
        each = took.assign(DAY=to_date(took["ADT"])).groupby("USUBJID")
        summed = each.agg(EXSTDT=("DAY", "min"), EXENDT=("DAY", "max"), NSESS=("DAY", "size"), CUMFLU=("AFLU", _total))
        summed = summed.reindex(out["USUBJID"]).reset_index(drop=True)
        days = summed[["EXSTDT", "EXENDT"]].fillna(days)
        worn = summed[["NSESS", "CUMFLU"]]
        if plan.study.blinding == "blinded":
            worn = worn.assign(CUMFLU=float("nan"))
    undated = out.loc[days["EXSTDT"].isna(), "USUBJID"]
    if len(undated):
        raise DataError(
            f"ADRISK: {len(undated)} treated subject(s) have no date of first treatment, the first {undated.iloc[0]}: "
            "whether an event is treatment-emergent cannot be told; supply DM.RFXSTDTC or DM.RFSTDTC"
        )
    days["EXENDT"] = days["EXENDT"].fillna(to_date(out["EOSDT"])).fillna(pd.Timestamp(plan.study.dates.cut))
    days["EXENDT"] = days[["EXSTDT", "EXENDT"]].max(axis=1)
    days["EMENDT"] = days["EXENDT"] + pd.Timedelta(days=rules.window_days) if rules.window_days is not None else pd.NaT
    ends = pd.DataFrame({"EMENDT": days["EMENDT"], "EOSDT": to_date(out["EOSDT"]), "DTHDT": to_date(out["DTHDT"])})
    days["RISKENDT"] = ends.assign(CUT=pd.Timestamp(plan.study.dates.cut)).min(axis=1)
    days["RISKENDT"] = days[["RISKENDT", "EXSTDT"]].max(axis=1)
    length = (days["RISKENDT"] - days["EXSTDT"]).dt.days + 1.0
    text = {name: column.dt.strftime("%Y-%m-%d").astype("str") for name, column in days.items()}
    out = out[core_columns(plan)].assign(**text, RISKDAYS=length, RISKYRS=length / YEAR, NSESS=worn["NSESS"], CUMFLU=worn["CUMFLU"])
    untreated = int(((adsl["RANDFL"] == "Y") & ~adsl["USUBJID"].isin(out["USUBJID"])).sum())
    return conform(out, variables("ADRISK", plan)), accounts("ADRISK", "DM", {"randomized subject who was not treated": untreated})


def _total(dose: pd.Series) -> float:
    """Sum of the fluence; not known if that of a session is not."""
    return dose.sum(skipna=False)
