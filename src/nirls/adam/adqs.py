"""ADQS, ADLB and ADVS: one row per subject, parameter and analysis visit or record, with change from baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nirls.adam.account import accounts
from nirls.adam.dates import days_apart, study_day, to_date
from nirls.adam.ranges import add_ranges
from nirls.adam.records import collect_findings, collect_records, parameter_codes
from nirls.adam.spec import conform, core_columns, variables
from nirls.adam.visits import SERIES, place_records, visit_table
from nirls.errors import DataError

if TYPE_CHECKING:
    from nirls.plan.load import Plan
    from nirls.plan.study import Study


def derive_adqs(domains: dict[str, pd.DataFrame], adsl: pd.DataFrame, plan: Plan) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Derive ADQS.

    Parameters
    ----------
    domains : dict of str to DataFrame
        SDTM domains by code; QS is needed.
    adsl : DataFrame
        ADSL of the same data.
    plan : Plan
        The study's plan.

    Returns
    -------
    adqs : DataFrame
        See :func:`nirls.adam.spec.variables`; sorted by subject, parameter, visit and day.
    accounts : DataFrame
        Columns dataset, domain, reason, n: every QS record that is not in ADQS, and what was added or left without a visit.
    """
    if "QS" not in domains:
        raise DataError("ADQS needs the domain QS; name its files under `sources` of study.yaml")
    records, not_used = collect_records(domains, plan)
    return _finish("ADQS", records, not_used, adsl, plan)


def derive_findings(dataset: str, domains: dict[str, pd.DataFrame], adsl: pd.DataFrame, plan: Plan) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Derive ADLB from LB or ADVS from VS: as :func:`derive_adqs`, with reference ranges and without records carried forward."""
    if dataset[2:] not in domains:
        raise DataError(f"{dataset} needs the domain {dataset[2:]}; name its files under `sources` of study.yaml")
    records, not_used = collect_findings(domains, plan, dataset)
    return _finish(dataset, records, not_used, adsl, plan)


def _finish(dataset: str, records: pd.DataFrame, not_used: pd.Series, adsl: pd.DataFrame, plan: Plan) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Visits, baseline, change, flags and the variables of ADSL; and the account."""
    randomized = records["USUBJID"].isin(adsl.loc[adsl["RANDFL"] == "Y", "USUBJID"])
    excluded = records[~randomized]
    reference = reference_dates(adsl)
    placed = place_records(records[randomized], reference, plan.study)
    placed = add_change(placed, plan.study)
    carried = placed.iloc[:0]
    if dataset == "ADQS":
        carried = locf_records(placed, plan.study)
    else:
        placed = add_ranges(placed, adsl, plan.study)
    out = pd.concat([placed, carried], ignore_index=True) if len(carried) else placed
    out["ONTRTFL"] = on_treatment(out, adsl, plan.study)
    out = out.merge(adsl[core_columns(plan)], on="USUBJID", how="left", validate="many_to_one")
    out["_ORDER"] = out["PARAMCD"].map({code: i for i, code in enumerate(parameter_codes(plan, dataset))})
    out = out.sort_values(["USUBJID", "_ORDER", "AVISITN", "ADY", "VISITNUM", "DTYPE"], kind="stable", na_position="first")
    table = accounts(
        dataset, dataset[2:],
        {f"test {code} is not a parameter of the plan": int(n) for code, n in not_used.items()}
        | {"subject not randomized": len(excluded)}
        | {"kept without analysis visit: no complete date": int(placed["ADY"].isna().sum())}
        | {"kept without analysis visit: outside every window": int((placed["AVISIT"].isna() & placed["ADY"].notna()).sum())}
        | {"kept without a value": int(placed["AVAL"].isna().sum())}
        | {"added: LOCF records": len(carried)},
    )  # fmt: skip
    return conform(out, variables(dataset, plan)), table


def reference_dates(adsl: pd.DataFrame) -> pd.Series:
    """USUBJID → date of study day 1: RFSTDT, or the randomization date of a subject who was never treated."""
    return adsl.set_index("USUBJID")["RFDT"]


def add_change(placed: pd.DataFrame, study: Study) -> pd.DataFrame:
    """BASE, CHG and PCHG.

    CHG and PCHG are given after baseline only; PCHG is missing where BASE is 0. A parameter for
    which change has no meaning (`change: false`) has none of the three.
    """
    base = placed.loc[placed["ABLFL"] == "Y", [*SERIES, "AVAL", "ADY", "AVISITN"]].set_index(SERIES)
    keys = pd.MultiIndex.from_frame(placed[SERIES])
    baseline = base.reindex(keys)
    out = placed.copy()
    out["BASE"] = np.where(placed["CHANGE"].astype(bool), baseline["AVAL"].to_numpy(), np.nan)
    later = placed["ADY"].to_numpy() > baseline["ADY"].to_numpy()
    if study.windows.by == "visitnum":  # a visit without a complete date is still after baseline
        later |= placed["ADY"].isna().to_numpy() & (placed["AVISITN"].to_numpy() > baseline["AVISITN"].to_numpy())
    out["CHG"] = np.where(later, out["AVAL"] - out["BASE"], np.nan)
    out["PCHG"] = 100 * out["CHG"] / out["BASE"].where(out["BASE"] != 0)
    return out


def locf_records(placed: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Records that carry the last analysed value of the treatment epoch forward.

    A record is made for each post-baseline visit of the treatment epoch without an analysed value,
    from the latest analysed value of an earlier post-baseline visit of that epoch, observed at any
    time. A baseline value is never carried, nor is anything for a subject without a post-baseline
    value. Items are not carried. The record keeps the visit, date and row it comes from.
    """
    if not study.windows.locf:
        return placed.iloc[:0]
    table = visit_table(study)
    table = table[(table["EPOCH"] == "TREATMENT") & (table["AVISITN"] > 0)].sort_values("AVISITN")
    source = placed[(placed["ANL01FL"] == "Y") & placed["AVISIT"].isin(table["AVISIT"]) & (placed["KIND"] != "item")]
    source = source[source["CHG"].notna() | source["BASE"].isna()]  # never a value that is itself baseline
    # grid of subject × parameter × visit holding the row of the analysed record, filled forward along the visits
    grid = (
        source.assign(_ROW=source.index).pivot(index=SERIES, columns="AVISITN", values="_ROW").reindex(columns=table["AVISITN"].to_list())
    )
    filled = grid.ffill(axis=1)
    rows, columns = np.nonzero((grid.isna() & filled.notna()).to_numpy())
    origin = filled.to_numpy()[rows, columns].astype("int64")
    target = table.iloc[columns].reset_index(drop=True)
    carried = placed.loc[origin].reset_index(drop=True)
    for column in ("AVISIT", "AVISITN", "AWTARGET", "AWLO", "AWHI", "EPOCH"):
        carried[column] = target[column]
    carried["AWTDIFF"] = days_apart(carried["ADY"], carried["AWTARGET"])
    carried["DTYPE"] = "LOCF"
    return carried


def on_treatment(out: pd.DataFrame, adsl: pd.DataFrame, study: Study) -> pd.Series:
    """ONTRTFL: Y from the first day of treatment to `on_treatment_days` after the last, else N; missing without a date or for baseline.

    A subject still on treatment (no end date) is on treatment from the first day on.
    """
    subjects = adsl.set_index("USUBJID")
    first = out["USUBJID"].map(subjects["TRTSDT"])
    last = to_date(out["USUBJID"].map(subjects["TRTEDT"]), name="TRTEDT")
    day = study_day(out["ADT"], first)
    inside = (day >= 1) & ((to_date(out["ADT"]) <= last + pd.Timedelta(days=study.windows.on_treatment_days)) | last.isna())
    known = to_date(out["ADT"]).notna() & (out["ABLFL"] != "Y")
    return pd.Series(np.where(inside, "Y", "N"), index=out.index, dtype="str").where(known)
