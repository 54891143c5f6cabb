"""From the log of a device to the light its sessions delivered: irradiance, time, duty cycle, output by the calibrations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nirls.sdtm.dates import instants, local_dates

if TYPE_CHECKING:
    from nirls.plan.course import Sessions


def dosed(log: pd.DataFrame, domains: dict[str, pd.DataFrame], rules: Sessions) -> pd.DataFrame:
    """Irradiance, fluence and energy of each session.

    Parameters
    ----------
    log : DataFrame
        Sessions of DX with NUSED, the number of sessions of the device before each.
    domains : dict of str to DataFrame
        DI and DU where the study has them.
    rules : Sessions

    Returns
    -------
    DataFrame
        `log` with what the register says of the device (WAVELEN, IRRNOM, AREA, PULSEHZ, DUTY), OUTSHARE (its output as a share of the
        nominal one), AIRR (average irradiance, mW/cm²), AFLU (fluence, J/cm²),
        FLUBASIS and AENERGY (J). AFLU = average irradiance × time on / 1000 × OUTSHARE; where the log has no irradiance or time, the
        fluence it reports takes the place of the product.
    """
    register = domains.get("DI", pd.DataFrame({"SPDEVID": pd.Series(dtype="str")})).drop_duplicates("SPDEVID").set_index("SPDEVID")

    def of(name: str) -> pd.Series:
        return log["SPDEVID"].map(register[name]).astype("float64") if name in register.columns else pd.Series(np.nan, index=log.index)

    duty = of("DUTY").fillna(1.0) if rules.irradiance_basis == "peak" else pd.Series(1.0, index=log.index)
    share = output_share(log, domains, rules)
    average = log["IRR_MEAN"] * duty
    product = average * log["ON_SEC"] / 1000
    fluence = product.fillna(log["FLUENCE"]) * share
    what = "average irradiance × time" if rules.irradiance_basis == "average" else "peak irradiance × duty cycle × time"
    basis = pd.Series(np.where(product.notna(), what, np.where(log["FLUENCE"].notna(), "fluence of the log", None)), index=log.index)
    device = {"WAVELEN": of("WAVELENGTH"), "AREA": of("AREA"), **{name: of(name) for name in ("IRRNOM", "PULSEHZ", "DUTY")}}
    dose = {"AIRR": average * share, "AFLU": fluence, "FLUBASIS": basis.astype("str"), "AENERGY": fluence * of("AREA")}
    return log.assign(**device, OUTSHARE=share, **dose)


def output_share(log: pd.DataFrame, domains: dict[str, pd.DataFrame], rules: Sessions) -> pd.Series:
    """Output of the device at each session as a share of its nominal irradiance, by the plan's rule; 1 without calibrations."""
    share = pd.Series(1.0, index=log.index)
    bench = calibrations(log, domains)
    if rules.calibration == "none" or not len(bench):
        return share
    groups = log.groupby("SPDEVID").groups
    for device, points in bench.groupby("SPDEVID"):
        if device not in groups:
            continue
        labels = groups[device]
        n, used = points["NUSED"].to_numpy(dtype="float64"), log.loc[labels, "NUSED"].to_numpy(dtype="float64")
        y = np.log(points["SHARE"].to_numpy())
        if rules.calibration == "decay":
            loss = float(n @ y / (n @ n)) if n @ n > 0 else 0.0
            share.loc[labels] = np.exp(loss * used)
        else:
            share.loc[labels] = np.exp(np.interp(used, n, y))
    return share


def calibrations(log: pd.DataFrame, domains: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Calibrations of emitting devices: SPDEVID, DUDTC, SHARE of the nominal irradiance, NUSED sessions of the device until then."""
    bench, register = domains.get("DU"), domains.get("DI")
    columns = ["SPDEVID", "DUDTC", "SHARE", "NUSED"]
    if bench is None or register is None or "IRRNOM" not in register.columns:
        return pd.DataFrame({name: pd.Series(dtype="str" if name in ("SPDEVID", "DUDTC") else "float64") for name in columns})
    nominal = bench["SPDEVID"].map(register.drop_duplicates("SPDEVID").set_index("SPDEVID")["IRRNOM"]).astype("float64")
    found = bench.assign(SHARE=bench["DUIRR"] / nominal.where(nominal > 0), DAY=bench["DUDTC"].str.slice(0, 10))
    found = found[(found["SHARE"] > 0) & found["DAY"].str.len().eq(10)]
    found = found.groupby(["SPDEVID", "DAY"], as_index=False)["SHARE"].mean()
    days = pd.DataFrame({"SPDEVID": log["SPDEVID"], "DAY": log["ADT"], "USED": log["NUSED"] + 1}).dropna()
    both = found.reset_index(names="POINT").merge(days, on="SPDEVID", suffixes=("", "_OF"))
    before = both[both["DAY_OF"] < both["DAY"]].groupby("POINT")["USED"].max()
    found["NUSED"] = before.reindex(found.index).fillna(0.0).to_numpy()
    return found.rename(columns={"DAY": "DUDTC"}).sort_values(["SPDEVID", "DUDTC"], kind="stable")[columns]


def local_time(start: pd.Series, zone: pd.Series) -> pd.DataFrame:
    """Local calendar date (ADT) and local clock time in hours (AHOUR) of instants in their zones."""
    moment = instants(start)
    hour = pd.Series(np.nan, index=start.index)
    for name, labels in zone.groupby(zone).groups.items():
        local = moment.loc[labels].dt.tz_convert(str(name))
        hour.loc[labels] = local.dt.hour + local.dt.minute / 60 + local.dt.second / 3600
    return pd.DataFrame({"ADT": local_dates(start, zone).str.slice(0, 10), "AHOUR": hour})


def used_before(log: pd.DataFrame) -> pd.Series:
    """Sessions of the device before each: by its own count (SEQ_NO), else by the order of starts."""
    order = log.sort_values(["SPDEVID", "START_UTC"], kind="stable").groupby("SPDEVID").cumcount().reindex(log.index).astype("float64")
    return (log["SEQ_NO"] - 1).fillna(order)
