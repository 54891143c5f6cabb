"""ADEXSUM: adherence and delivered dose of each subject, over all of treatment and in blocks of four weeks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nirls.adam.account import accounts
from nirls.adam.adex import regimen_of
from nirls.adam.session_dose import calibrations
from nirls.adam.spec import conform, core_columns, variables

if TYPE_CHECKING:
    from nirls.plan.load import Plan
    from nirls.plan.study import Study

WEEKS = 4
"""Length of a block."""
OVERALL = "Overall"
PARAMETERS = {
    "SESSPRES": "Sessions prescribed",
    "SESSDEL": "Sessions delivered",
    "SESSPCT": "Sessions delivered of those prescribed (%)",
    "SESSLOG": "Sessions with a usable record",
    "SESSEST": "Sessions without a usable record, dose estimated",
    "SESSPOST": "Sessions after the end of treatment",
    "CUMFLU": "Cumulative fluence (J/cm²)",
    "CUMFLUL": "Cumulative fluence of sessions with a usable record (J/cm²)",
    "CUMEN": "Cumulative energy (J)",
    "DOSEPCT": "Fluence delivered of that prescribed (%)",
    "TIMEPCT": "Time on of that prescribed (%)",
    "WITHIN": "Sessions within the limits of the prescribed dose (%)",
    "GAPMAX": "Longest time between sessions (days)",
    "ONSCHED": "Sessions on schedule (%)",
    "TIMESD": "Clock time of sessions, standard deviation (h)",
    "DRIFT": "Output of the device against nominal, last calibration (%)",
    "ASTREAT": "Treatment received is the one randomized",
}
"""PARAMCD → PARAM, in the order of the data set."""
IN_BLOCKS = ("SESSPRES", "SESSDEL", "SESSPCT", "CUMFLU", "DOSEPCT")
HIDDEN = ("SESSPRES", "CUMFLU", "CUMFLUL", "CUMEN", "DOSEPCT", "WITHIN", "DRIFT", "ASTREAT")
"""Parameters by which a treatment can be known."""


def derive_adexsum(
    domains: dict[str, pd.DataFrame], adsl: pd.DataFrame, adex: pd.DataFrame, plan: Plan
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Derive ADEXSUM: one row per subject, parameter and period, for every subject randomized to a device regimen.

    Prescribed sessions are sessions a week × weeks of the regimen of the arm randomized; sums are over sessions on treatment
    (ADEX.ONTRTFL = Y), estimated ones included, but for SESSLOG, CUMFLUL and SESSPOST. A parameter without meaning for a subject (share of
    a fluence of 0, gaps of a single session) has no row.

    Returns
    -------
    adexsum : DataFrame
        See :func:`nirls.adam.spec.variables`.
    accounts : DataFrame
        Parameters that have no row, by subject and period.
    """
    study = plan.study
    blinded = study.blinding == "blinded"
    arms = domains["DM"].drop_duplicates("USUBJID").set_index("USUBJID")["ARMCD"]
    people = adsl.loc[adsl["RANDFL"] == "Y", "USUBJID"]
    regimens = regimen_of(study)
    people = people[people.map(arms).isin(list(regimens))].reset_index(drop=True)
    weeks = people.map(arms).map({k: r.weeks for k, r in regimens.items()}).astype("float64")
    if blinded:  # dose and device of a session are not in ADEX then
        adex = adex.assign(AFLU=np.nan, AENERGY=np.nan)
    whole = {
        "DRIFT": _drift(adex, domains, people),
        "ASTREAT": _received(adex[(adex["ONTRTFL"] == "Y") & (adex["EXSRC"] == "LOG")], domains, study),
    }
    parts = [_period(OVERALL, people, adex, arms, whole, study, 0.0, np.inf)]
    last = weeks.max()
    for begin in np.arange(0, last, WEEKS) if len(people) and np.isfinite(last) else []:
        name = f"Weeks {begin + 1:.0f}–{min(begin + WEEKS, last):.0f}"
        part = _period(name, people, adex, arms, whole, study, float(begin), float(begin + WEEKS))
        parts.append(part[part["PARAMCD"].isin(IN_BLOCKS)])
    out = pd.concat(parts, ignore_index=True)
    if blinded:
        out = out[~out["PARAMCD"].isin(HIDDEN)]
    absent = out["AVAL"].isna()
    counts = {
        f"{name}: no value": int(n) for name, n in out.loc[absent & (out["AVISIT"] == OVERALL), "PARAMCD"].value_counts(sort=False).items()
    }
    out = out[~absent]
    order = {code: i for i, code in enumerate(PARAMETERS)}
    out = out.assign(PARAM=out["PARAMCD"].map(PARAMETERS).astype("str"), PARAMN=out["PARAMCD"].map(order) + 1.0, ANL01FL="Y")
    out = out.sort_values(["USUBJID", "PARAMN", "AVISITN"], kind="stable")
    out = out.merge(adsl[core_columns(plan)], on="USUBJID", how="left", validate="many_to_one")
    return conform(out, variables("ADEXSUM", plan)), accounts("ADEXSUM", "DX", counts)


def _period(
    name: str, people: pd.Series, adex: pd.DataFrame, arms: pd.Series, whole: dict[str, pd.Series], study: Study, begin: float, end: float
) -> pd.DataFrame:  # fmt: skip
    """All parameters of the sessions in the weeks after `begin` until `end`, long; a value that does not exist is missing.

    `whole` holds what belongs to the device and not to a period.
    """
    regimens = regimen_of(study)

    def planned(field: str) -> pd.Series:
        values = {k: getattr(r, field) for k, r in regimens.items()}
        return pd.Series(people.map(arms).map(values).astype("float64").to_numpy(), index=people)

    inside = adex["AWEEK"].between(begin, end, inclusive="right")
    on = adex[(adex["ONTRTFL"] == "Y") & inside]
    usable = on[on["EXSRC"] == "LOG"]
    length = np.minimum(planned("weeks"), end) - begin
    prescribed = (planned("sessions_per_week") * length.clip(lower=0)).where(length > 0)

    def each(frame: pd.DataFrame, column: str, how: str, empty: float = np.nan) -> pd.Series:
        return frame.groupby("USUBJID")[column].agg(how).reindex(people).fillna(empty).astype("float64")

    delivered, hour = each(on, "ASEQ", "size", 0), (usable["AHOUR"] - 12) % 24
    fluence, light = each(on, "AFLU", "sum", 0), planned("fluence_j_cm2")
    values = {
        "SESSPRES": prescribed,
        "SESSDEL": delivered,
        "SESSPCT": 100 * delivered / prescribed,
        "SESSLOG": each(usable, "ASEQ", "size", 0),
        "SESSEST": each(on[on["DTYPE"] == "ESTIMATED"], "ASEQ", "size", 0),
        "SESSPOST": each(adex[(adex["ANL01FL"] == "Y") & (adex["ONTRTFL"] == "N") & (adex["ADY"] > 0)], "ASEQ", "size", 0),
        "CUMFLU": fluence,
        "CUMFLUL": each(usable, "AFLU", "sum", 0),
        "CUMEN": each(on, "AENERGY", "sum", 0).where(each(on, "AENERGY", "count", 0).gt(0) | delivered.eq(0)),
        "DOSEPCT": 100 * fluence / (light * prescribed).where(light > 0),
        "TIMEPCT": (100 * each(on, "TIMESHR", "sum", 0) / prescribed).where(planned("minutes").notna()),
        "WITHIN": _share(on, "WITHINFL", people),
        "GAPMAX": each(on, "GAPDAYS", "max"),
        "ONSCHED": _share(on, "SCHEDFL", people),
        "TIMESD": usable.assign(H=hour).groupby("USUBJID")["H"].std().reindex(people),
        "DRIFT": whole["DRIFT"],
        "ASTREAT": whole["ASTREAT"].reindex(people).eq(people.map(arms).to_numpy()).astype("float64").where(delivered > 0),
    }
    wide = pd.DataFrame(
        {key: np.asarray(series, dtype="float64") for key, series in values.items()}, index=pd.Index(people, name="USUBJID")
    )
    out = wide.rename_axis(columns="PARAMCD").stack(future_stack=True).rename("AVAL").reset_index()
    words = out["USUBJID"].map(whole["ASTREAT"]).where((out["PARAMCD"] == "ASTREAT") & out["AVAL"].notna())
    return out.assign(PARAMCD=out["PARAMCD"].astype("str"), AVALC=words.astype("str"), AVISIT=name, AVISITN=0.0 if name == OVERALL else end)


def _share(frame: pd.DataFrame, flag: str, people: pd.Series) -> pd.Series:
    """Per cent of the sessions that have the flag at all with Y."""
    known = frame[frame[flag].notna()]
    return (100 * known[flag].eq("Y")).groupby(known["USUBJID"]).mean().reindex(people)


def _drift(adex: pd.DataFrame, domains: dict[str, pd.DataFrame], people: pd.Series) -> pd.Series:
    """Output at the last calibration of the subject's devices against nominal, per cent; of several devices the one that lost most."""
    log = adex[adex["SPDEVID"].notna()]
    bench = calibrations(log.assign(NUSED=log["SEQNO"] - 1), domains)
    last = bench.drop_duplicates("SPDEVID", keep="last").set_index("SPDEVID")["SHARE"]
    own = log[log["EXSRC"] == "LOG"].drop_duplicates(["USUBJID", "SPDEVID"])
    share = own["SPDEVID"].map(last).astype("float64").groupby(own["USUBJID"]).min()
    return (100 * (share - 1)).reindex(people)


def _received(usable: pd.DataFrame, domains: dict[str, pd.DataFrame], study: Study) -> pd.Series:
    """Arm whose regimen each subject's device and sessions have, by USUBJID: kind, wavelength and nominal irradiance of the device in most
    sessions, then the nearest minutes."""
    register = domains.get("DI")
    if register is None or not {"DITYPE", "WAVELENGTH", "IRRNOM"} <= set(register.columns) or not len(usable):
        return pd.Series(dtype="str")
    device = usable.groupby("USUBJID")["SPDEVID"].agg(lambda d: d.mode().min() if d.notna().any() else None)
    minutes = usable.groupby("USUBJID")["ONSEC"].median() / 60
    facts = register.drop_duplicates("SPDEVID").set_index("SPDEVID")
    out = {}
    for who, name in device.dropna().items():
        if name not in facts.index:
            continue
        it = facts.loc[name]
        fits = [
            (abs((r.minutes or 0) - minutes[who]), code)
            for code, r in regimen_of(study).items()
            if (study.arms[code].role == "sham") == (str(it["DITYPE"]).upper() == "SHAM")
            and (r.wavelength_nm is None or abs(r.wavelength_nm - it["WAVELENGTH"]) <= 10)
            and (r.irradiance_mw_cm2 is None or r.irradiance_mw_cm2 == it["IRRNOM"])
        ]
        if fits:
            out[who] = min(fits)[1]
    return pd.Series(out, dtype="str")
