"""What the rules for devices and their sessions look up: register, assignments, one record per session, instants."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nirls.sdtm.dates import bounds, instants, local_dates

if TYPE_CHECKING:
    from nirls.sdtm.context import Context


def of_device(frame: pd.DataFrame, context: Context, variable: str) -> pd.Series:
    """A variable of the register (DI) for each record; missing where the device, the variable or the register is not there."""
    register = context.domains.get("DI")
    if register is None or variable not in register.columns:
        return pd.Series(np.nan, index=frame.index)
    once = register.drop_duplicates("SPDEVID").set_index("SPDEVID")[variable]
    return frame["SPDEVID"].map(once)


def column(frame: pd.DataFrame, name: str) -> pd.Series:
    """A number of the session log; missing where no file has it."""
    return frame[name] if name in frame.columns else pd.Series(np.nan, index=frame.index, dtype="float64")


def once(frame: pd.DataFrame) -> pd.DataFrame:
    """The log with one record per session: of those that share an identifier (R33) the first."""
    return frame[~frame.duplicated(["SPDEVID", "SESSION_ID"])]


def span(frame: pd.DataFrame) -> pd.DataFrame:
    """Instants (UTC) of start and end, `start` and `end`; NaT where the text does not name one."""
    nat = pd.Series(pd.NaT, index=frame.index, dtype="datetime64[us, UTC]")
    ends = instants(frame["END_UTC"]) if "END_UTC" in frame.columns else nat
    return pd.DataFrame({"start": instants(frame["START_UTC"]), "end": ends})


def utc_text(moment: pd.Series) -> pd.Series:
    """Instants as the log writes them, to the second."""
    return moment.dt.strftime("%Y-%m-%dT%H:%M:%SZ")


def holders(frame: pd.DataFrame, context: Context) -> pd.DataFrame | None:
    """Who held the device of each session on its local day, by the assignments (DR); clocks that are wrong by a known offset set right.

    Returns
    -------
    DataFrame or None
        `own` (the subject of the record held it) and `holder` (the one subject who did; missing for none or several), by record; None in
        a study without assignments. An assignment without an end is open.
    """
    assigned = context.domains.get("DR")
    if assigned is None or not {"DRSTDTC", "DRENDTC"} <= set(assigned.columns):
        return None
    held = pd.DataFrame(
        {
            "SPDEVID": assigned["SPDEVID"], "WHO": assigned["USUBJID"], "FROM": context.days("DR", "DRSTDTC")["lo"],
            "TO": context.days("DR", "DRENDTC")["hi"],
        }
    )  # fmt: skip
    offset = pd.to_timedelta(column(frame, "CLOCK_SYNC_OFFSET").fillna(0), unit="s")
    true = utc_text(instants(frame["START_UTC"]) - offset)
    day = bounds(local_dates(true.fillna(frame["START_UTC"]), frame["TZ"]) if "TZ" in frame.columns else true)
    left = pd.DataFrame({"LABEL": frame.index, "SPDEVID": frame["SPDEVID"].to_numpy(), "USUBJID": frame["USUBJID"].to_numpy()})
    left = left.assign(LO=day["lo"].to_numpy(), HI=day["hi"].to_numpy()).merge(held, on="SPDEVID")
    inside = left[~(left["HI"] < left["FROM"]) & ~(left["LO"] > left["TO"])]
    out = pd.DataFrame({"own": False, "holder": pd.Series(np.nan, index=frame.index, dtype="str")}, index=frame.index)
    out["own"] = frame.index.isin(inside.loc[inside["USUBJID"] == inside["WHO"], "LABEL"])
    people = inside.dropna(subset="WHO").drop_duplicates(["LABEL", "WHO"])
    single = people[~people["LABEL"].duplicated(keep=False)].set_index("LABEL")["WHO"]
    out["holder"] = single.reindex(frame.index)
    return out


def had(device: pd.Series, when: pd.Series, assigned: pd.DataFrame | None) -> pd.DataFrame:
    """Who can have had each device at a date that may be partial, by the assignments (DR).

    Parameters
    ----------
    device, when : Series
        SPDEVID, and a date (ISO 8601, partial or missing).
    assigned : DataFrame or None
        DR; an assignment without an end is open.

    Returns
    -------
    DataFrame
        `N`, the number of subjects who can have had it; `USUBJID` of the one subject, missing for none or several; `SINCE`, the day
        (ISO) it came to that subject. Of the day on which a device went from one subject to another it is the later one's.
    """
    out = pd.DataFrame({"N": 0, "USUBJID": np.nan, "SINCE": np.nan}, index=device.index).astype({"USUBJID": "str", "SINCE": "str"})
    if assigned is None or assigned.empty or not {"DRSTDTC", "DRENDTC"} <= set(assigned.columns):
        return out
    start, end, day = bounds(assigned["DRSTDTC"]), bounds(assigned["DRENDTC"]), bounds(when)
    held = pd.DataFrame({"SPDEVID": assigned["SPDEVID"], "WHO": assigned["USUBJID"], "FROM": start["lo"], "TO": end["hi"]})
    left = pd.DataFrame({"LABEL": device.index, "SPDEVID": device.to_numpy(), "LO": day["lo"].to_numpy(), "HI": day["hi"].to_numpy()})
    pairs = left.merge(held.dropna(subset=["WHO"]), on="SPDEVID").sort_values(["LABEL", "FROM"], kind="stable")
    pairs = pairs[~(pairs["HI"] < pairs["FROM"]) & ~(pairs["LO"] > pairs["TO"])]
    exact = pairs["LO"].notna() & (pairs["LO"] == pairs["HI"])
    pairs = pd.concat([pairs[~exact], pairs[exact].drop_duplicates("LABEL", keep="last")]).drop_duplicates(["LABEL", "WHO"])
    out["N"] = pairs.groupby("LABEL").size().reindex(device.index).fillna(0).astype(int)
    one = pairs[~pairs["LABEL"].duplicated(keep=False)].set_index("LABEL").reindex(device.index)
    return out.assign(USUBJID=one["WHO"].astype("str"), SINCE=one["FROM"].dt.strftime("%Y-%m-%d").astype("str"))


def out_of_order(values: np.ndarray) -> np.ndarray:
    """The fewest places to take out so that the rest does not decrease; of equal choices, the earlier values stay.

    Parameters
    ----------
    values : array (n,) of int
        In the order in which they should not decrease.

    Returns
    -------
    array (n,) of bool
    """
    n = len(values)
    length = np.ones(n, dtype=np.int64)  # of the longest sequence that begins here
    for i in range(n - 2, -1, -1):
        after = length[i + 1 :][values[i + 1 :] >= values[i]]
        length[i] = 1 + (after.max() if len(after) else 0)
    keep, wanted, last = np.zeros(n, dtype=bool), int(length.max(initial=0)), None
    for i in range(n):
        if wanted and length[i] == wanted and (last is None or values[i] >= last):
            keep[i], last, wanted = True, values[i], wanted - 1
    return ~keep


def by_device(frame: pd.DataFrame) -> pd.DataFrame:
    """Sessions in the order in which their device counted them (SEQ_NO); those without a number are left out."""
    return frame[frame["SEQ_NO"].notna()].sort_values(["SPDEVID", "SEQ_NO"], kind="stable")
