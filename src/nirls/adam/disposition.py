"""End of study and end of treatment of each subject, from DS."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nirls.adam.dates import date_part
from nirls.errors import DataError
from nirls.plan.where import where_mask


def end_of(ds: pd.DataFrame, where: str, completed: list[str], subjects: pd.Series) -> pd.DataFrame:
    """Status, reason, verbatim reason and date of the disposition record that `where` selects.

    Parameters
    ----------
    ds : DataFrame
        The DS domain.
    where : str
        The disposition record, in the `where` language over DS.
    completed : list of str
        DSDECOD values that mean completed.
    subjects : Series
        USUBJID of every subject; the result has its index.

    Returns
    -------
    DataFrame
        Columns status (COMPLETED, DISCONTINUED or missing), reason (missing when completed), verbatim, date.

    Raises
    ------
    DataError
        If a subject has more than one such record.
    """
    absent = [c for c in ("DSSCAT", "DSTERM") if c not in ds.columns]
    chosen = ds.assign(**{c: pd.Series(np.nan, index=ds.index, dtype="str") for c in absent})
    chosen = chosen[where_mask(where, chosen)]
    twice = chosen.loc[chosen["USUBJID"].duplicated(keep=False), "USUBJID"].drop_duplicates()
    if len(twice):
        raise DataError(
            f"DS: {len(twice)} subject(s) have more than one record with {where}: {', '.join(twice.head(5))}; "
            "correct the data, or narrow `disposition` in study.yaml"
        )
    found = chosen.set_index("USUBJID").reindex(subjects.to_numpy())
    status = pd.Series(np.where(found["DSDECOD"].isin(completed), "COMPLETED", "DISCONTINUED"), index=found.index, dtype="str")
    out = pd.DataFrame({"status": status.where(found["DSDECOD"].notna())})
    stopped = out["status"] == "DISCONTINUED"
    out["reason"], out["verbatim"] = found["DSDECOD"].where(stopped), found["DSTERM"].where(stopped)
    out["date"] = date_part(found["DSSTDTC"])
    return out.set_axis(subjects.index)
