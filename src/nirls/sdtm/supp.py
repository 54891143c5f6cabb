"""Supplemental qualifiers (QNAM, QVAL) as columns of their parent records."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nirls.sdtm.files import FileProblem
from nirls.sdtm.offence import offences

if TYPE_CHECKING:
    from nirls.plan.study import Source


def spread(raw: pd.DataFrame, supp: pd.DataFrame, source: Source) -> tuple[pd.DataFrame, list[tuple[str, pd.DataFrame]], dict[str, int]]:
    """Spread supplemental qualifiers onto their parents.

    Parameters
    ----------
    raw : DataFrame
        Rows of the parent file.
    supp : DataFrame
        Rows of the supplemental file: USUBJID, QNAM, QVAL and, where the parent has several records
        per subject, IDVAR and IDVARVAL.
    source : Source

    Returns
    -------
    columns : DataFrame
        One column per QNAM, index of `raw`.
    found : list of (rule, offences)
        R04 for rows without a parent, R03 for a qualifier given twice with different values.
    account : dict of str to int
        read, accepted, quarantined, duplicate rows of the supplemental file.

    Raises
    ------
    FileProblem
        For a missing column, or an IDVAR the parent does not have.
    """
    name = str(supp["SRC_FILE"].iloc[0]) if len(supp) else ""
    for column in ("USUBJID", "QNAM", "QVAL"):
        if column not in supp.columns:
            raise FileProblem(name, "the column is missing; supplemental qualifiers need USUBJID, QNAM and QVAL.", row=1, column=column)
    blank = pd.Series(np.nan, index=supp.index, dtype="str")
    supp = supp.assign(IDVAR=supp.get("IDVAR", blank), IDVARVAL=supp.get("IDVARVAL", blank))
    parts = []
    for variable, rows in supp.groupby(supp["IDVAR"].fillna(""), sort=False):
        if variable and variable not in raw.columns:
            raise FileProblem(
                name, f"IDVAR names {variable!r}, which {source.file} does not have.", row=int(rows["SRC_ROW"].iloc[0]), column="IDVAR"
            )
        left = pd.DataFrame({"USUBJID": raw["USUBJID"].str.strip(), "ID": _number_text(raw[variable]) if variable else ""})
        right = pd.DataFrame(
            {"USUBJID": rows["USUBJID"].str.strip(), "ID": _number_text(rows["IDVARVAL"]) if variable else "", "SUPP": rows.index}
        )
        parts.append(left.reset_index(names="PARENT").merge(right, on=["USUBJID", "ID"]))
    matched = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"PARENT": [], "SUPP": []}, dtype="int64")
    orphan = ~supp.index.isin(matched["SUPP"])
    matched = matched.assign(QNAM=supp["QNAM"].loc[matched["SUPP"]].to_numpy(), QVAL=supp["QVAL"].loc[matched["SUPP"]].to_numpy())
    repeated = matched.duplicated(["PARENT", "QNAM"], keep=False)
    same = matched.duplicated(["PARENT", "QNAM", "QVAL"])
    clash = repeated & (matched.groupby(["PARENT", "QNAM"])["QVAL"].transform("nunique") > 1)
    duplicate = supp.index.isin(matched.loc[same & ~clash, "SUPP"])
    clashing = supp.index.isin(matched.loc[clash, "SUPP"])
    used = matched[~clash & ~same]
    columns = used.pivot(index="PARENT", columns="QNAM", values="QVAL").reindex(raw.index).astype("str")
    columns.columns = pd.Index([str(c) for c in columns.columns])
    found = [
        (
            "R04",
            offences(
                supp,
                orphan,
                column="USUBJID",
                severity="Q",
                message=f"there is no such record in {source.file}; the qualifier is left out.",
            ),
        ),
        (
            "R03",
            offences(
                supp, clashing, column="QVAL", severity="Q", message="the qualifier is given twice with different values; none is used."
            ),
        ),
        (
            "R02",
            offences(supp, duplicate, column="QNAM", severity="W", effect="duplicate", message="the qualifier is repeated; one is kept."),
        ),
    ]
    quarantined = int((orphan | clashing).sum())
    account = {
        "read": len(supp),
        "accepted": len(supp) - quarantined - int(duplicate.sum()),
        "quarantined": quarantined,
        "duplicate": int(duplicate.sum()),
    }
    return columns, [(rule, part) for rule, part in found if len(part)], account


def _number_text(text: pd.Series) -> pd.Series:
    """Sequence numbers alike: 3, 3.0 and 003 name the same record."""
    number = pd.to_numeric(text, errors="coerce")
    return text.str.strip().where(number.isna(), number.map("{:g}".format, na_action="ignore")).astype("str")
