"""ADDE: one row per device deficiency, kept apart from adverse events."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nirls.adam.account import accounts
from nirls.adam.dates import FULL, complete_date, date_part, study_day
from nirls.adam.spec import conform, core_columns, variables
from nirls.errors import DataError
from nirls.sdtm.devices import had

if TYPE_CHECKING:
    from nirls.plan.load import Plan


def derive_adde(domains: dict[str, pd.DataFrame], adsl: pd.DataFrame, plan: Plan) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Derive ADDE from DE; a report without a subject goes to the one subject who can have had the device then (DR).

    Whether a deficiency could have led to a serious adverse device effect counts as Y where it is not said.

    Returns
    -------
    adde : DataFrame
        See :func:`nirls.adam.spec.variables`.
    accounts : DataFrame
        Deficiencies of devices that nobody had, or more than one subject can have had, and of subjects who were not randomized.
    """
    if "DE" not in domains:
        raise DataError("ADDE needs the domain DE; name its file under `sources` of study.yaml")
    de = domains["DE"].reset_index(drop=True)
    given = de["USUBJID"].astype("str") if "USUBJID" in de.columns else pd.Series(np.nan, index=de.index, dtype="str")
    held = had(de["SPDEVID"], de["DESTDTC"], domains.get("DR"))
    who = given.fillna(held["USUBJID"])
    start = date_part(de["DESTDTC"])
    day, full = complete_date(start, to="first").astype("str"), start.str.fullmatch(FULL, na=False)
    # no earlier than the device came to the subject
    early = ~full & given.isna() & (day.isna() | (day < held["SINCE"]).fillna(False))
    day = day.mask(early, held["SINCE"]).astype("str")
    flag = pd.Series(np.select([full, start.isna(), start.str.len() == 4], ["", "Y", "M"], "D"), index=de.index).astype("str")
    potential = de["DESADE"].astype("str") if "DESADE" in de.columns else pd.Series(np.nan, index=de.index, dtype="str")
    out = de.assign(
        USUBJID=who, ADT=day, ADTF=flag.where(~full & day.notna()),
        DESUBJ=pd.Series(np.where(given.notna(), "DE", "DR"), index=de.index).astype("str"),
        DESADE=potential.fillna("Y"), DESADEIM=pd.Series(np.where(potential.isna(), "Y", "N"), index=de.index).astype("str"),
    )  # fmt: skip
    subjects = adsl[adsl["RANDFL"] == "Y"].set_index("USUBJID")
    known = out["USUBJID"].isin(subjects.index)
    counts = {
        "deficiency of a device that nobody had then": int((given.isna() & (held["N"] == 0)).sum()),
        "deficiency of a device that more than one subject can have had then": int((given.isna() & (held["N"] > 1)).sum()),
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
