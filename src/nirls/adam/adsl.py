"""ADSL: one row per subject in DM, screen failures included."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nirls.adam.addv import find_deviations
from nirls.adam.blind import blind_treatment
from nirls.adam.covariates import add_covariates, cut
from nirls.adam.dates import date_part, first_present
from nirls.adam.disposition import end_of
from nirls.adam.records import collect_records
from nirls.adam.spec import DM_CARRIED, conform, variables
from nirls.adam.visits import place_records
from nirls.errors import ConfigError, DataError
from nirls.plan.where import where_mask

if TYPE_CHECKING:
    from nirls.plan.load import Plan
    from nirls.plan.study import AfterBaseline, Study


def derive_adsl(domains: dict[str, pd.DataFrame], plan: Plan, findings: pd.DataFrame | None = None) -> pd.DataFrame:
    """Derive ADSL.

    Parameters
    ----------
    domains : dict of str to DataFrame
        SDTM domains by code; DM, DS and QS are needed.
    plan : Plan
        The study's plan. `blinding: blinded` replaces the treatment codes by dummy codes before
        anything that depends on treatment is derived.
    findings : DataFrame, optional
        The ledger's findings, for deviations that ingest rules detect.

    Returns
    -------
    DataFrame
        See :func:`nirls.adam.spec.variables`; sorted by USUBJID.
    """
    missing = [d for d in ("DM", "DS", "QS") if d not in domains]
    if missing:
        raise DataError(f"ADSL needs the domain(s) {', '.join(missing)}; name their files under `sources` of study.yaml")
    study = plan.study
    adsl = _subjects(domains["DM"], study)
    adsl = _treatment_dates(adsl, domains, study)
    if study.blinding == "blinded":
        adsl = blind_treatment(adsl, study, plan.config.seed)
    adsl = _treatment(adsl, study)
    adsl = _disposition(adsl, domains["DS"], study)
    adsl, baseline = _outcome(adsl, domains, plan)
    adsl = pool_sites(adsl, study)
    adsl = add_covariates(adsl, domains, baseline, plan)
    adsl = _strata(adsl, domains["DM"], study)
    deviations = find_deviations(domains, findings, plan)
    important = deviations.loc[deviations["DVIMPFL"] == "Y", "USUBJID"].value_counts()
    adsl["NIMPDEV"] = adsl["USUBJID"].map(important).fillna(0).astype("int64")
    for name, population in study.populations.items():  # in order: a later set may use the flag of an earlier one
        adsl[f"{name}FL"] = _flag(where_mask(population.where, adsl))
        if population.excluded:
            adsl[f"{name}XR"] = _why_not(adsl, name, population.excluded)
    return conform(adsl, variables("ADSL", plan))


def _why_not(adsl: pd.DataFrame, name: str, reasons: dict[str, str]) -> pd.Series:
    """Why a randomized subject is not in the set: the first reason that holds."""
    why = pd.Series(np.nan, index=adsl.index, dtype="str")
    outside = (adsl["RANDFL"] == "Y") & (adsl[f"{name}FL"] == "N")
    for reason, where in reasons.items():
        why = why.mask(outside & why.isna() & where_mask(where, adsl), reason)
    unexplained = adsl.loc[outside & why.isna(), "USUBJID"]
    if len(unexplained):
        raise ConfigError(
            f"study.yaml: populations.{name}.excluded: no reason holds for {len(unexplained)} randomized subject(s) outside the set, "
            f"the first {unexplained.iloc[0]}; add the reason"
        )
    return why


def _flag(mask: pd.Series) -> pd.Series:
    return pd.Series(np.where(mask, "Y", "N"), index=mask.index, dtype="str")


def _subjects(dm: pd.DataFrame, study: Study) -> pd.DataFrame:
    repeated = dm.loc[dm["USUBJID"].duplicated(), "USUBJID"]
    if len(repeated):
        raise DataError(
            f"DM: {len(repeated)} subject(s) have more than one record: {', '.join(repeated.head(5))}; one record per subject is needed"
        )
    unknown = dm.loc[~dm["ARMCD"].isin(list(study.arms)), ["USUBJID", "ARMCD"]]
    if len(unknown):
        raise DataError(
            f"DM: {len(unknown)} subject(s) have an ARMCD that study.yaml does not list under `arms`, the first {unknown.iloc[0].to_list()}"
        )
    adsl = dm.sort_values("USUBJID").reset_index(drop=True)
    keep = ["STUDYID", "USUBJID", "SUBJID", "SITEID", "ARMCD", "ACTARMCD", *(c for c in DM_CARRIED if c in adsl.columns)]
    if "STUDYID" not in adsl.columns:
        adsl = adsl.assign(STUDYID=pd.Series(study.id, index=adsl.index, dtype="str"))
    if "SUBJID" not in adsl.columns:  # the identifier within the study, where the data have only the one of the subject
        adsl = adsl.assign(SUBJID=adsl["USUBJID"])
    out = adsl[list(dict.fromkeys(keep))].copy()
    arms = [code for code, arm in study.arms.items() if not arm.not_an_arm]
    out["SCRNFL"], out["RANDFL"] = "Y", _flag(adsl["ARMCD"].isin(arms))
    for target, sources in {"RFICDT": ["RFICDTC"], "RANDDT": ["RANDDTC"], "DTHDT": ["DTHDTC"]}.items():
        out[target] = date_part(first_present(adsl, sources))
    domain, _, variable = study.reference_date.partition(".")
    if domain != "DM" or variable not in adsl.columns:
        raise ConfigError(f"study.yaml: reference_date: {study.reference_date!r} is not a variable of DM")
    # a randomized subject who was never treated counts days from randomization
    out["RFDT"] = date_part(adsl[variable])
    out["RFDT"] = out["RFDT"].where(out["RFDT"].notna(), out["RANDDT"])
    out["_FIRST"] = date_part(adsl["RFXSTDTC"] if "RFXSTDTC" in adsl.columns else adsl["RFSTDTC"])
    out["_LAST"] = date_part(adsl["RFXENDTC"] if "RFXENDTC" in adsl.columns else adsl["RFENDTC"])
    out["_END"] = date_part(adsl["RFENDTC"])
    return out


def _treatment_dates(adsl: pd.DataFrame, domains: dict[str, pd.DataFrame], study: Study) -> pd.DataFrame:
    """TRTFL, TRTSDT, TRTEDT; from the true arms, since who wore a device is not told by a dummy code.

    A subject with an open EX record (no end date), or without a recorded last dose, is taken as treated until RFENDTC.
    """
    ex, dx = domains.get("EX"), domains.get("DX")
    dosed = adsl["USUBJID"].isin(ex["USUBJID"]) if ex is not None else adsl["_FIRST"].notna()
    if dx is not None:
        worn = adsl["USUBJID"].isin(dx.loc[dx["ON_SEC"] > 0, "USUBJID"])
        device = adsl["ACTARMCD"].isin(study.device_arms)
        dosed = worn.where(device, dosed)
    treated = dosed & (adsl["RANDFL"] == "Y")
    last = adsl["_LAST"]
    if ex is not None:
        last = last.mask(adsl["USUBJID"].isin(ex.loc[ex["EXENDTC"].isna(), "USUBJID"]))
    last = last.where(last.notna(), adsl["_END"])
    return adsl.assign(TRTFL=_flag(treated), TRTSDT=adsl["_FIRST"].where(treated), TRTEDT=last.where(treated))


def _treatment(adsl: pd.DataFrame, study: Study) -> pd.DataFrame:
    arms = [code for code, arm in study.arms.items() if not arm.not_an_arm]
    number = {code: i + 1 for i, code in enumerate(arms)}
    randomized = adsl["RANDFL"] == "Y"
    planned, actual = adsl["ARMCD"].where(randomized), adsl["ACTARMCD"].where(randomized & adsl["ACTARMCD"].isin(arms))
    return adsl.assign(
        TRT01P=planned, TRT01A=actual, TRT01PN=planned.map(number).astype("float64"), TRT01AN=actual.map(number).astype("float64")
    )


def _disposition(adsl: pd.DataFrame, ds: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Status is given for randomized subjects; a screen failure has the reason and date only."""
    rule = study.disposition
    end = end_of(ds, rule.study, rule.completed, adsl["USUBJID"])
    stop = end_of(ds, rule.treatment, rule.completed, adsl["USUBJID"])
    randomized, treated = adsl["RANDFL"] == "Y", adsl["TRTFL"] == "Y"
    stop = stop.where(randomized)
    return adsl.assign(
        EOSSTT=end["status"].fillna("ONGOING").where(randomized), DCSREAS=end["reason"], DCSREASP=end["verbatim"], EOSDT=end["date"],
        EOTSTT=stop["status"].where(stop["status"].notna() | ~treated, "ONGOING"), DCTREAS=stop["reason"], EOTDT=stop["date"],
    )  # fmt: skip


def _outcome(adsl: pd.DataFrame, domains: dict[str, pd.DataFrame], plan: Plan) -> tuple[pd.DataFrame, pd.Series]:
    """BASEFL and NPOST of the main outcome, groups known after baseline, and the baseline values of all parameters."""
    records, _ = collect_records(domains, plan)
    randomized = adsl.loc[adsl["RANDFL"] == "Y"]
    placed = place_records(records[records["USUBJID"].isin(randomized["USUBJID"])], adsl.set_index("USUBJID")["RFDT"], plan.study)
    baseline = placed[placed["ABLFL"] == "Y"].set_index(["USUBJID", "PARAMCD"])["AVAL"]
    main = placed[(placed["PARAMCD"] == plan.primary_instrument.total) & (placed["ANL01FL"] == "Y")]
    post = main.loc[(main["AVISITN"] > 0) & (main["ABLFL"] != "Y"), "USUBJID"].value_counts()
    groups = {name: _after_baseline(placed, item) for name, item in plan.study.after_baseline.items()}
    return (
        adsl.assign(
            **{name: adsl["USUBJID"].map(value) for name, value in groups.items()},
            BASEFL=_flag(adsl["USUBJID"].isin(main.loc[main["ABLFL"] == "Y", "USUBJID"])),
            NPOST=adsl["USUBJID"].map(post).fillna(0).astype("int64"),
        ),
        baseline,
    )


def _after_baseline(placed: pd.DataFrame, item: AfterBaseline) -> pd.Series:
    """USUBJID → the word of the record that is analysed at the visit."""
    chosen = placed[(placed["PARAMCD"] == item.param) & (placed["AVISIT"] == item.visit) & (placed["ANL01FL"] == "Y")]
    return chosen.set_index("USUBJID")["AVALC"]


def pool_sites(adsl: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Pool small centres: one with fewer than `min_per_arm` randomized subjects in any randomized arm gets `code`.

    Source of the rule: CDISC pilot project, ADSL.SITEGR1 of study CDISCPILOT01.
    """
    rule = study.pooling
    if rule is None:
        return adsl
    if rule.source not in adsl.columns:
        raise ConfigError(f"study.yaml: pooling.source: ADSL has no variable {rule.source!r}")
    randomized = adsl[adsl["RANDFL"] == "Y"]
    counts = pd.crosstab(randomized[rule.source], randomized["TRT01P"])
    small = counts.index[(counts < rule.min_per_arm).any(axis=1)]
    site = adsl[rule.source]
    return adsl.assign(**{rule.target: site.mask(site.isin(small), rule.code).where(adsl["RANDFL"] == "Y")})


def _strata(adsl: pd.DataFrame, dm: pd.DataFrame, study: Study) -> pd.DataFrame:
    out = adsl.copy()
    for name, stratum in study.strata.items():
        if stratum.variable not in dm.columns:
            raise ConfigError(f"study.yaml: strata.{name}.variable: DM has no variable {stratum.variable!r}")
        out[name] = out["USUBJID"].map(dm.set_index("USUBJID")[stratum.variable])
        wrong = out.loc[(out["RANDFL"] == "Y") & ~out[name].isin(stratum.levels), ["USUBJID", name]]
        if len(wrong):
            raise DataError(
                f"DM.{stratum.variable}: {len(wrong)} randomized subject(s) have a value outside {stratum.levels}, "
                f"the first {wrong.iloc[0].to_list()}"
            )
        if stratum.derived is not None:
            derived = cut(out, stratum.derived, f"strata.{name}.derived").where(out["RANDFL"] == "Y")
            known = derived.notna() & out[name].notna()
            out[f"{name}D"], out[f"{name}MIS"] = derived, _flag(derived != out[name]).where(known)
    return out
