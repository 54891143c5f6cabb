"""ADEX: one row per device session, with the dose it delivered; sessions without a usable record have an estimated one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nirls.adam.account import accounts
from nirls.adam.dates import study_day, to_date
from nirls.adam.session_dose import dosed, local_time, used_before
from nirls.adam.spec import conform, core_columns, variables
from nirls.errors import DataError
from nirls.sdtm.dates import instants

if TYPE_CHECKING:
    from nirls.plan.load import Plan
    from nirls.plan.study import Regimen, Study

TEXT = ("SPDEVID", "SESSION_ID", "USUBJID", "START_UTC", "END_UTC", "TZ", "STATUS", "FAULT_CODE", "FW", "SRC_FILE")
NUMBERS = ("ON_SEC", "IRR_MEAN", "IRR_MAX", "FLUENCE", "TEMP_SKIN", "CONTACT", "SEQ_NO", "SRC_ROW")
NO_TREATMENT = frozenset({"R04", "R15", "R28", "R30", "R31", "R49", "ALERT"})
"""Rules whose sessions are not treatment, or not known to be the subject's: set aside, they have no dose, and none is estimated."""
CLOCK = frozenset({"R43", "R44", "R45"})
"""Rules whose sessions have no usable time."""
HIDDEN = (
    *("SPDEVID", "WAVELEN", "IRRNOM", "AREA", "PULSEHZ", "DUTY"),
    "PLANMIN",
    "PLANFLU",
    "ONSEC",
    "AIRR",
    "IRRMAX",
    "OUTSHARE",
    "FLUREC",
    "AFLU",
    "AENERGY",
    "CUMFLU",
    "CUMEN",
    "DOSESHR",
    "WITHINFL",
    "TEMPMAX",
)
"""Variables of a session by which a treatment can be known."""


def derive_adex(
    domains: dict[str, pd.DataFrame],
    adsl: pd.DataFrame,
    plan: Plan,
    aside: pd.DataFrame | None = None,
    findings: pd.DataFrame | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Derive ADEX from the session log (DX), the register and the calibrations.

    A session the ledger set aside (`aside`) and one that left no log (a gap in SEQ_NO) took place, unless the rule says otherwise
    (:data:`NO_TREATMENT`): it gets the median fluence of the subject's complete sessions (DTYPE = ESTIMATED), and where its time is not
    known a day between its neighbours. Sessions that overlap, or are one session with two contents, are one.

    Parameters
    ----------
    domains : dict of str to DataFrame
        SDTM domains by code; DX is needed.
    adsl : DataFrame
    plan : Plan
    aside : DataFrame, optional
        Quarantined records of DX, with RULES.
    findings : DataFrame, optional
        Of the ledger, for the flags of sessions that were repaired or noted.

    Returns
    -------
    adex : DataFrame
        See :func:`nirls.adam.spec.variables`.
    accounts : DataFrame
        Sessions left out, with the reason.
    """
    if "DX" not in domains:
        raise DataError("ADEX needs the log of device sessions (domain DX), which study.yaml does not declare under `sources`")
    log = _records(domains["DX"]).assign(EXSRC="LOG", RULES=None)
    rest = _records(aside) if aside is not None else log.iloc[:0]
    rest = rest.assign(EXSRC="SET ASIDE", RULES=aside["RULES"].to_numpy() if aside is not None else None)
    counts = {}
    for name, frame in (("session", log), ("session set aside", rest)):
        counts[f"{name} of no randomized subject"] = int((~frame["USUBJID"].isin(_randomized(adsl))).sum())
    out = pd.concat([log, rest], ignore_index=True)
    out = out[out["USUBJID"].isin(_randomized(adsl))].reset_index(drop=True)
    out = pd.concat([out, _lost(out)], ignore_index=True)
    out = pd.concat([out, local_time(out["START_UTC"], out["TZ"])], axis=1)
    out["ADT"] = out["ADT"].mask(out["EXSRC"].ne("LOG") & _any_of(out["RULES"], CLOCK))
    out = _between(out)
    out = dosed(out.assign(NUSED=used_before(out)), domains, plan.study.sessions)
    out = _counted(out)
    counts["session set aside that is no treatment, or the same as another"] = int(((out["EXSRC"] != "LOG") & ~out["_TOOK"]).sum())
    out = _placed(out, adsl, plan.study)
    out = _against_plan(out, _planned(domains["DM"], plan.study), plan.study)
    out = _flagged(out, findings)
    out = out.merge(adsl[core_columns(plan)], on="USUBJID", how="left", validate="many_to_one")
    if plan.study.blinding == "blinded":
        hidden = {name: pd.Series(np.nan, index=out.index, dtype=out[name].dtype) for name in HIDDEN}
        out = out.assign(**hidden)
    return conform(out, variables("ADEX", plan)), accounts("ADEX", "DX", counts)


def _randomized(adsl: pd.DataFrame) -> pd.Series:
    return adsl.loc[adsl["RANDFL"] == "Y", "USUBJID"]


def _records(frame: pd.DataFrame) -> pd.DataFrame:
    """The variables of DX that count, absent ones as missing; numbers that the ledger withheld are missing too."""
    text = {
        name: frame[name].astype("str") if name in frame.columns else pd.Series(np.nan, index=frame.index, dtype="str") for name in TEXT
    }
    number = {
        name: pd.to_numeric(frame[name], errors="coerce").astype("float64") if name in frame.columns else np.full(len(frame), np.nan)
        for name in NUMBERS
    }
    return pd.DataFrame({**text, **number}, index=frame.index)


def _any_of(rules: pd.Series, wanted: frozenset[str]) -> pd.Series:
    return pd.Series([isinstance(text, str) and not wanted.isdisjoint(text.split()) for text in rules], index=rules.index, dtype=bool)


def _lost(out: pd.DataFrame) -> pd.DataFrame:
    """A record for every number that a device left out between two sessions of one subject."""
    rows = out[out["SEQ_NO"].notna()].sort_values(["USUBJID", "SPDEVID", "SEQ_NO"], kind="stable")
    rows = rows.drop_duplicates(["USUBJID", "SPDEVID", "SEQ_NO"])
    before = rows.groupby(["USUBJID", "SPDEVID"])["SEQ_NO"].shift()
    rows = rows.assign(BEFORE=before)
    gap = rows[rows["SEQ_NO"] > before + 1]
    n = (gap["SEQ_NO"] - gap["BEFORE"] - 1).astype(int)
    lost = gap.loc[gap.index.repeat(n), ["USUBJID", "SPDEVID", "BEFORE", "TZ"]]
    lost["SEQ_NO"] = lost["BEFORE"] + lost.groupby(level=0).cumcount() + 1
    there = pd.MultiIndex.from_frame(out.loc[out["EXSRC"] != "LOG", ["USUBJID", "SEQ_NO"]])
    lost = lost[~pd.MultiIndex.from_frame(lost[["USUBJID", "SEQ_NO"]]).isin(there)]
    return _records(lost.drop(columns="BEFORE")).assign(EXSRC="LOST", RULES="R34").reset_index(drop=True)


def _between(out: pd.DataFrame) -> pd.DataFrame:
    """A day between its neighbours, by the device's count, for a session without a usable time (ADTF = E)."""
    out = out.sort_values(["USUBJID", "SPDEVID", "SEQ_NO", "START_UTC"], kind="stable").reset_index(drop=True)
    day = to_date(out["ADT"], name="START_UTC")
    number = pd.Series(day.to_numpy().astype("datetime64[D]").astype("float64"), index=out.index).where(day.notna())
    filled = number.groupby([out["USUBJID"], out["SPDEVID"]]).transform(lambda s: s.interpolate(limit_area="inside"))
    new = number.isna() & filled.notna()
    text = pd.to_datetime(filled.round(), unit="D").dt.strftime("%Y-%m-%d")
    return out.assign(
        ADT=out["ADT"].where(~new, text).astype("str"), ADTF=pd.Series(np.where(new, "E", None), index=out.index).astype("str")
    )


def _counted(out: pd.DataFrame) -> pd.DataFrame:
    """Which sessions took place, and an estimated dose where there is no usable record; `_TOOK` and DTYPE."""
    usable = out["EXSRC"] == "LOG"
    took = usable | ~_any_of(out["RULES"], NO_TREATMENT)
    once = out.duplicated(["USUBJID", "SPDEVID", "SESSION_ID"]) & (out["EXSRC"] == "SET ASIDE")
    overlap = out[(out["EXSRC"] == "SET ASIDE") & _any_of(out["RULES"], frozenset({"R32"}))]
    overlap = overlap.assign(FROM=instants(overlap["START_UTC"]), TO=instants(overlap["END_UTC"]))
    overlap = overlap.sort_values(["USUBJID", "FROM"], kind="stable")
    latest = overlap.groupby("USUBJID")["TO"].cummax().groupby(overlap["USUBJID"]).shift()
    once |= out.index.isin(overlap.index[overlap["FROM"] < latest])
    out = out.assign(_TOOK=took & ~once)
    estimate = ~usable & out["_TOOK"]
    complete = out[usable & out["STATUS"].str.lower().eq("ok").fillna(False)]
    for name in ("AIRR", "AFLU", "AENERGY", "ON_SEC"):
        typical = complete.groupby("USUBJID")[name].median()
        out[name] = out[name].where(usable, out["USUBJID"].map(typical).where(estimate))
    basis = out["FLUBASIS"].where(usable, pd.Series(np.where(estimate, "median of the subject's complete sessions", None), index=out.index))
    kind = pd.Series(np.where(estimate, "ESTIMATED", None), index=out.index)
    return out.assign(FLUBASIS=basis.astype("str"), DTYPE=kind.astype("str"))


def _placed(out: pd.DataFrame, adsl: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Study day, week, the visit the session goes before, on treatment or not, and the order of sessions."""
    subjects = adsl.set_index("USUBJID")
    out = out.assign(ADY=study_day(out["ADT"], out["USUBJID"].map(subjects["RFDT"])))
    out = out.sort_values(["USUBJID", "ADY", "START_UTC", "SEQ_NO"], kind="stable").reset_index(drop=True)
    visits = sorted((v for v in study.visits if v.week is not None and v.week > 0), key=lambda v: v.target)
    place = np.searchsorted([v.target for v in visits], out["ADY"].fillna(np.inf), side="right")
    names, weeks = [*(v.name for v in visits), None], [*(v.week for v in visits), np.nan]
    last = out["USUBJID"].map(subjects["TRTEDT"])
    on = out["_TOOK"] & (out["ADY"] >= 1) & ~(out["ADT"] > last).fillna(False)
    gap = out["ADY"] - out["ADY"].where(on).groupby(out["USUBJID"]).transform(lambda d: d.ffill().shift())
    return out.assign(
        AVISIT=pd.Series([names[i] for i in place], dtype="str"), AVISITN=[weeks[i] for i in place],
        AWEEK=np.ceil(out["ADY"] / 7).where(out["ADY"] > 0),
        ONTRTFL=_yes(on), ANL01FL=_yes(out["_TOOK"]), ASEQ=out.groupby("USUBJID").cumcount() + 1, GAPDAYS=gap.where(on),
        SCHEDFL=_yes(gap.between(1, study.sessions.longest_interval_days) | gap.isna()).where(on),
    )  # fmt: skip


def _yes(mask: pd.Series) -> pd.Series:
    return pd.Series(np.where(mask, "Y", "N"), index=mask.index).astype("str")


def regimen_of(study: Study) -> dict[str, Regimen]:
    """Arms with a device regimen: fluence or minutes of a session are specified."""
    return {code: arm.regimen for code, arm in study.arms.items() if arm.regimen is not None and not arm.not_an_arm}


def _planned(dm: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Minutes and fluence of a session as prescribed by the arm randomized, by USUBJID; from the true arms, also in a blinded study."""
    arms = dm.drop_duplicates("USUBJID").set_index("USUBJID")["ARMCD"]
    regimens = regimen_of(study)
    return pd.DataFrame(
        {
            "PLANMIN": arms.map({k: r.minutes for k, r in regimens.items()}).astype("float64"),
            "PLANFLU": arms.map({k: r.fluence_j_cm2 for k, r in regimens.items()}).astype("float64"),
        }
    )


def _against_plan(out: pd.DataFrame, planned: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Share of the prescribed dose, and sums of dose until each session.

    Of a regimen without light the share is that of the time.
    """
    minutes, fluence = (out["USUBJID"].map(planned[name]) for name in ("PLANMIN", "PLANFLU"))
    time = out["ON_SEC"] / (60 * minutes)
    share = (out["AFLU"] / fluence.where(fluence > 0)).where(fluence > 0, time)
    within = _yes((share - 1).abs() <= study.sessions.within + 1e-12).where(share.notna() & out["_TOOK"])
    sums = {
        name: out[value].where(out["_TOOK"]).fillna(0).groupby(out["USUBJID"]).cumsum()
        for name, value in (("CUMFLU", "AFLU"), ("CUMEN", "AENERGY"))
    }
    names = {
        "ON_SEC": "ONSEC",
        "FLUENCE": "FLUREC",
        "TEMP_SKIN": "TEMPMAX",
        "STATUS": "SESSTAT",
        "START_UTC": "ASTDTM",
        "END_UTC": "AENDTM",
        "TZ": "ATZ",
    }
    out = out.assign(PLANMIN=minutes, PLANFLU=fluence, TIMESHR=time, DOSESHR=share, WITHINFL=within, **sums)
    return out.rename(columns=names | {"SEQ_NO": "SEQNO", "IRR_MAX": "IRRMAX"})


def _flagged(out: pd.DataFrame, findings: pd.DataFrame | None) -> pd.DataFrame:
    """REPAIRFL and the rules with a finding about each session."""
    rules = pd.Series(np.nan, index=out.index, dtype="str")
    repaired = pd.Series(False, index=out.index)
    if findings is not None and len(findings):
        own = findings[(findings["domain"] == "DX") & findings["row"].notna()]
        key = pd.MultiIndex.from_arrays([own["file"].astype("str"), own["row"].astype("float64")])
        place = pd.MultiIndex.from_arrays([out["SRC_FILE"], out["SRC_ROW"]])
        words = own["rule"].groupby(key).agg(lambda r: " ".join(sorted(set(r))))
        rules = pd.Series(words.reindex(place).to_numpy(), index=out.index).astype("str")
        repaired = pd.Series(place.isin(key[(own["action"] == "value repaired").to_numpy()]), index=out.index)
    return out.assign(REPAIRFL=_yes(repaired & (out["EXSRC"] == "LOG")), EXRULES=rules.fillna(out["RULES"]).astype("str"))
