"""ADDE: one row per device deficiency, kept apart from adverse events."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nirls.adam.account import accounts
from nirls.adam.dates import complete_date, date_part, study_day
from nirls.adam.spec import conform, core_columns, variables
from nirls.errors import DataError

if TYPE_CHECKING:
    from nirls.plan.load import Plan


def derive_adde(domains: dict[str, pd.DataFrame], adsl: pd.DataFrame, plan: Plan) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Derive ADDE from DE; a report without a subject goes to who had the device that day (DR).

    Whether a deficiency could have led to a serious adverse device effect counts as Y where it is not said.

    Returns
    -------
    adde : DataFrame
        See :func:`nirls.adam.spec.variables`.
    accounts : DataFrame
        Deficiencies of devices that nobody had, and of subjects who were not randomized.
    """
    if "DE" not in domains:
        raise DataError("ADDE needs the domain DE; name its file under `sources` of study.yaml")
    de = domains["DE"].reset_index(drop=True)
    given = de["USUBJID"].astype("str") if "USUBJID" in de.columns else pd.Series(np.nan, index=de.index, dtype="str")
    day = complete_date(date_part(de["DESTDTC"]), to="first").astype("str")
    who = given.fillna(_holder(de["SPDEVID"], day, domains.get("DR")))
    potential = de["DESADE"].astype("str") if "DESADE" in de.columns else pd.Series(np.nan, index=de.index, dtype="str")
    out = de.assign(
        USUBJID=who, ADT=day, DESUBJ=pd.Series(np.where(given.notna(), "DE", "DR"), index=de.index).astype("str"),
        DESADE=potential.fillna("Y"), DESADEIM=pd.Series(np.where(potential.isna(), "Y", "N"), index=de.index).astype("str"),
    )  # fmt: skip
    subjects = adsl[adsl["RANDFL"] == "Y"].set_index("USUBJID")
    known = out["USUBJID"].isin(subjects.index)
    counts = {
        "deficiency of a device that nobody had that day": int(out["USUBJID"].isna().sum()),
        "deficiency of a subject who was not randomized": int((out["USUBJID"].notna() & ~known).sum()),
    }
    out = out[known].sort_values(["USUBJID", "ADT", "SRC_ROW"], kind="stable").reset_index(drop=True)
    out["ADY"] = study_day(out["ADT"], out["USUBJID"].map(subjects["RFDT"]))
    if plan.study.blinding == "blinded":
        out["SPDEVID"] = pd.Series(np.nan, index=out.index, dtype="str")
    core = core_columns(plan)
    out = out[["USUBJID", *(c for c in out.columns if c not in core)]]
    out = out.merge(adsl[core], on="USUBJID", how="left", validate="many_to_one")
    return conform(out, variables("ADDE", plan)), accounts("ADDE", "DE", counts)


def _holder(device: pd.Series, day: pd.Series, register: pd.DataFrame | None) -> pd.Series:
    """The subject who had each device that day; a day on which it went from one to another belongs to the later."""
    none = pd.Series(np.nan, index=device.index, dtype="str")
    if register is None or register.empty:
        return none
    had = register[["SPDEVID", "USUBJID", "DRSTDTC", "DRENDTC"]].dropna(subset="USUBJID")
    pairs = pd.DataFrame({"SPDEVID": device, "DAY": day}).reset_index().merge(had, on="SPDEVID")
    start, end = date_part(pairs["DRSTDTC"]), date_part(pairs["DRENDTC"])
    pairs = pairs[(start <= pairs["DAY"]) & ~(end < pairs["DAY"]).fillna(False)]
    last = pairs.sort_values("DRSTDTC", kind="stable").drop_duplicates("index", keep="last").set_index("index")["USUBJID"]
    return last.reindex(device.index).astype("str")
