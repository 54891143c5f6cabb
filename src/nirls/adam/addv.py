"""ADDV: protocol deviations, recorded by the site and detected in the data."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nirls.adam.account import accounts
from nirls.adam.dates import date_part
from nirls.adam.spec import conform, core_columns, variables
from nirls.errors import DataError
from nirls.plan.where import where_mask

if TYPE_CHECKING:
    from nirls.plan.load import Plan

COLUMNS = ["USUBJID", "DVCAT", "DVLABEL", "DVTERM", "DVIMPFL", "ADT", "DVSRC"]


def find_deviations(domains: dict[str, pd.DataFrame], findings: pd.DataFrame | None, plan: Plan) -> pd.DataFrame:
    """All deviations of the study, one per row.

    They come from DV (DVSRC = CRF), from disposition events named by `deviations.*.dsdecod` (DVSRC = DS)
    and from findings of the ingest rules named in `deviations` (DVSRC = rule id).

    Parameters
    ----------
    domains : dict of str to DataFrame
        SDTM domains; DV and DS are used where present.
    findings : DataFrame or None
        The ledger's findings (columns rule, usubjid, visitnum, message); needed if the plan names a rule. Several
        findings of one rule about one subject and visit are one deviation, dated by that visit in SV.
    plan : Plan
        The study's plan.

    Returns
    -------
    DataFrame
        Columns :data:`COLUMNS`.

    Raises
    ------
    DataError
        If DV has a category that the plan does not list, or findings are needed and not given.
    """
    plans = plan.study.deviations
    parts = [pd.DataFrame({c: pd.Series(dtype="str") for c in COLUMNS})]
    if "DV" in domains:
        dv = domains["DV"]
        unknown = dv.loc[~dv["DVCAT"].isin(list(plans)), "DVCAT"]
        if len(unknown):
            counts = ", ".join(f"{k!r} ({n})" for k, n in unknown.value_counts(dropna=False).sort_index().items())
            raise DataError(
                f"DV: {len(unknown)} record(s) have a category that study.yaml does not list under `deviations`: {counts}; add it there"
            )
        parts.append(_rows(dv["USUBJID"], dv["DVCAT"], dv["DVTERM"], dv["DVSTDTC"], "CRF"))
    for code, deviation in plans.items():
        if deviation.dsdecod is not None:
            ds = domains["DS"]
            ds = ds[ds["DSDECOD"] == deviation.dsdecod]
            ds = ds[where_mask(plan.study.disposition.study, ds)]
            parts.append(_rows(ds["USUBJID"], pd.Series(code, index=ds.index), ds["DSTERM"], ds["DSSTDTC"], "DS"))
    rules = [code for code in plans if re.fullmatch(r"R\d{2}", code)]
    if rules:
        if findings is None:
            raise DataError(f"deviations {', '.join(rules)} are detected by ingest rules, but the ledger's findings were not given")
        found = findings[findings["rule"].isin(rules) & findings["usubjid"].notna()]
        found = found.assign(visitnum=pd.to_numeric(found["visitnum"])).drop_duplicates(["rule", "usubjid", "visitnum"])
        parts.append(_rows(found["usubjid"], found["rule"], found["message"], _visit_dates(found, domains), found["rule"]))
    out = pd.concat(parts, ignore_index=True)
    out["DVLABEL"] = out["DVCAT"].map({k: d.label for k, d in plans.items()}).astype("str")
    out["DVIMPFL"] = out["DVCAT"].map({k: "Y" if d.important else "N" for k, d in plans.items()}).astype("str")
    return out[COLUMNS]


def _rows(subject: pd.Series, category: pd.Series, term: pd.Series, date: pd.Series, source: pd.Series | str) -> pd.DataFrame:
    frame = pd.DataFrame({"USUBJID": subject, "DVCAT": category, "DVTERM": term, "ADT": date_part(date)})
    return frame.assign(
        DVSRC=source, DVLABEL=pd.Series(np.nan, index=frame.index, dtype="str"), DVIMPFL=pd.Series(np.nan, index=frame.index, dtype="str")
    )


def _visit_dates(found: pd.DataFrame, domains: dict[str, pd.DataFrame]) -> pd.Series:
    missing = pd.Series(np.nan, index=found.index, dtype="str")
    if "SV" not in domains:
        return missing
    sv = domains["SV"].dropna(subset="SVSTDTC").drop_duplicates(["USUBJID", "VISITNUM"]).set_index(["USUBJID", "VISITNUM"])["SVSTDTC"]
    return pd.Series(sv.reindex(pd.MultiIndex.from_frame(found[["usubjid", "visitnum"]])).to_numpy(), index=found.index, dtype="str")


def derive_addv(
    domains: dict[str, pd.DataFrame], adsl: pd.DataFrame, plan: Plan, findings: pd.DataFrame | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Derive ADDV: :func:`find_deviations` with the ADSL variables, sorted by subject, date and category.

    Returns
    -------
    addv : DataFrame
    accounts : DataFrame
        Deviations left out because their subject is not in ADSL.
    """
    found = find_deviations(domains, findings, plan)
    known = found["USUBJID"].isin(adsl["USUBJID"])
    out = found[known].merge(adsl[core_columns(plan)], on="USUBJID", how="left", validate="many_to_one")
    out = out.sort_values(["USUBJID", "ADT", "DVCAT", "DVSRC", "DVTERM"], kind="stable")
    return conform(out, variables("ADDV", plan)), accounts("ADDV", "DV", {"subject not in ADSL": int((~known).sum())})
