"""Variables of the ADaM data sets: names, labels, types, origin and derivation, as a define.xml needs them.

The fixed variables stand here; strata, covariates, the pooled site and the population flags are
added from the study's plan by :func:`variables`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nirls.adam.spec_safety import DEFICIENCY, RISK, event
from nirls.adam.spec_treatment import DIARY, EXPOSURE, SESSION, TIME
from nirls.adam.variable import Type, Variable
from nirls.adam.variable import variable as _v
from nirls.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from nirls.plan.load import Plan

IDS = (
    _v("STUDYID", "Study Identifier", "text", "Predecessor", "DM.STUDYID; without it the `id` of the plan"),
    _v("USUBJID", "Unique Subject Identifier", "text", "Predecessor", "DM.USUBJID"),
    _v("SUBJID", "Subject Identifier for the Study", "text", "Predecessor", "DM.SUBJID; without it DM.USUBJID"),
    _v("SITEID", "Study Site Identifier", "text", "Predecessor", "DM.SITEID"),
)
CARRIED = (
    _v("REGION", "Region", "text", "Predecessor", "DM.REGION", "Cond"),
    _v("COUNTRY", "Country", "text", "Predecessor", "DM.COUNTRY", "Cond"),
    _v("AGE", "Age", "float", "Predecessor", "DM.AGE", "Cond"),
    _v("SEX", "Sex", "text", "Predecessor", "DM.SEX", "Cond"),
    _v("RACE", "Race", "text", "Predecessor", "DM.RACE", "Cond"),
    _v("ETHNIC", "Ethnicity", "text", "Predecessor", "DM.ETHNIC", "Cond"),
    _v("HEIGHT", "Height (cm)", "float", "Predecessor", "DM.HEIGHT", "Cond"),
    _v("WEIGHT", "Weight (kg)", "float", "Predecessor", "DM.WEIGHT", "Cond"),
)
DM_CARRIED = tuple(v.name for v in CARRIED)
"""Variables of DM that go into ADSL where DM has them."""
TREATMENT = (
    _v("ARMCD", "Planned Arm Code", "text", "Predecessor", "DM.ARMCD; dummy codes while the study is blinded"),
    _v("ACTARMCD", "Actual Arm Code", "text", "Predecessor", "DM.ACTARMCD; dummy codes while the study is blinded"),
    _v("TRT01P", "Planned Treatment", "text", "Assigned", "ARMCD of randomized subjects"),
    _v("TRT01PN", "Planned Treatment (N)", "float", "Assigned", "Place of TRT01P among the arms of the plan, from 1"),
    _v("TRT01A", "Actual Treatment", "text", "Assigned", "ACTARMCD of randomized subjects, where it is an arm of the plan"),
    _v("TRT01AN", "Actual Treatment (N)", "float", "Assigned", "Place of TRT01A among the arms of the plan, from 1"),
)
SUBJECT = (
    _v("RFICDT", "Date of Informed Consent", "date", "Predecessor", "DM.RFICDTC"),
    _v("RANDDT", "Date of Randomization", "date", "Predecessor", "DM.RANDDTC; missing where the study does not collect it"),
    _v("RFDT", "Date of Study Day 1", "date", "Derived", "The plan's reference date; for a randomized subject never treated, RANDDT"),
    _v(
        "TRTSDT",
        "Date of First Exposure to Treatment",
        "date",
        "Derived",
        "DM.RFXSTDTC, or DM.RFSTDTC in a study without it; treated subjects only",
    ),
    _v(
        "TRTEDT",
        "Date of Last Exposure to Treatment",
        "date",
        "Derived",
        "DM.RFXENDTC, or DM.RFENDTC in a study without it, with an open EX record or no last dose; treated subjects only",
    ),
    _v("DTHDT", "Date of Death", "date", "Predecessor", "DM.DTHDTC"),
    _v("SCRNFL", "Screened Flag", "text", "Derived", "Y for every subject in DM"),
    _v("RANDFL", "Randomized Flag", "text", "Derived", "Y if ARMCD is an arm of the plan that can be randomized, else N"),
    _v(
        "TRTFL",
        "Treated Flag",
        "text",
        "Derived",
        "Y for a randomized subject with a session of positive duration in DX (device arms, if DX exists) or a record in EX, else N",
    ),
    _v(
        "EOSSTT",
        "End of Study Status",
        "text",
        "Derived",
        "COMPLETED or DISCONTINUED from the DS record of study participation, ONGOING without one; randomized subjects only",
    ),
    _v(
        "DCSREAS",
        "Reason for Discontinuation from Study",
        "text",
        "Predecessor",
        "DS.DSDECOD of that record unless completed; also given for screen failures",
    ),
    _v("DCSREASP", "Reason Spec for Discont from Study", "text", "Predecessor", "DS.DSTERM of that record unless completed"),
    _v("EOSDT", "End of Study Date", "date", "Predecessor", "DS.DSSTDTC of that record"),
    _v(
        "EOTSTT",
        "End of Treatment Status",
        "text",
        "Derived",
        "COMPLETED or DISCONTINUED from the DS record of study treatment, ONGOING without one; treated subjects only",
    ),
    _v("DCTREAS", "Reason for Discontinuation of Treatment", "text", "Predecessor", "DS.DSDECOD of that record unless completed"),
    _v("EOTDT", "End of Treatment Date", "date", "Predecessor", "DS.DSSTDTC of that record"),
    _v("BASEFL", "Baseline Value Available Flag", "text", "Derived", "Y if the total of the first instrument has a baseline value, else N"),
    _v(
        "NPOST",
        "Number of Post-baseline Visits",
        "integer",
        "Derived",
        "Post-baseline analysis visits with an observed, analysed value of that total",
    ),
    _v("NIMPDEV", "Number of Important Deviations", "integer", "Derived", "Records of ADDV with DVIMPFL = Y"),
)
PARAMETER = (
    _v("PARAMCD", "Parameter Code", "text", "Assigned", "QS.QSTESTCD of items; code of the score in the instrument or of the parameter"),
    _v("PARAM", "Parameter", "text", "Assigned", "Label of the item, score or parameter in the plan"),
    _v("PARCAT1", "Parameter Category 1", "text", "Assigned", "Instrument, or QS.QSCAT of other parameters"),
    _v("VISITNUM", "Visit Number", "float", "Predecessor", "QS.VISITNUM"),
    _v("VISIT", "Visit Name", "text", "Predecessor", "QS.VISIT"),
    _v("AVISIT", "Analysis Visit", "text", "Derived", "Visit of the plan whose window holds the record; missing outside every window"),
    _v("AVISITN", "Analysis Visit (N)", "float", "Assigned", "Nominal week of AVISIT; missing for screening"),
    _v("AWTARGET", "Analysis Window Target", "float", "Assigned", "Target study day of AVISIT"),
    _v("AWTDIFF", "Analysis Window Diff from Target", "float", "Derived", "Days between ADY and AWTARGET (day 0 does not exist)"),
    _v("AWLO", "Analysis Window Beginning Timepoint", "float", "Assigned", "First study day of the window; missing if open"),
    _v("AWHI", "Analysis Window Ending Timepoint", "float", "Assigned", "Last study day of the window; missing if open"),
    _v("ADT", "Analysis Date", "date", "Predecessor", "Date part of QS.QSDTC"),
    _v("ADY", "Analysis Relative Day", "float", "Derived", "ADT − RFDT, plus 1 from RFDT on; missing for a partial date"),
    _v("AVAL", "Analysis Value", "float", "Derived", "QS.QSSTRESN; a score is computed from the items; a word has the plan's number"),
    _v("AVALC", "Analysis Value (C)", "text", "Predecessor", "QS.QSSTRESC of a parameter whose results are words", "Cond"),
    _v("AVALREC", "Analysis Value as Recorded", "float", "Predecessor", "QS.QSSTRESN of the total as the site recorded it"),
    _v("BASE", "Baseline Value", "float", "Derived", "AVAL of the record with ABLFL = Y"),
    _v("CHG", "Change from Baseline", "float", "Derived", "AVAL − BASE after baseline"),
    _v("PCHG", "Percent Change from Baseline", "float", "Derived", "100 × CHG / BASE; missing if BASE is 0"),
    _v("ABLFL", "Baseline Record Flag", "text", "Derived", "Y by the baseline rule of the plan"),
    _v("ANL01FL", "Analysis Flag 01", "text", "Derived", "Y for the one record per subject, parameter and analysis visit that is analysed"),
    _v("DTYPE", "Derivation Type", "text", "Derived", "LOCF for a carried value, PRORATED for a score with missing items made up for"),
    _v("EPOCH", "Epoch", "text", "Assigned", "Epoch of AVISIT"),
    _v(
        "ONTRTFL",
        "On Treatment Record Flag",
        "text",
        "Derived",
        "Y from first treatment to the plan's number of days after the last, else N; missing for baseline",
    ),
    _v("SRC_FILE", "Source File", "text", "Predecessor", "QS.SRC_FILE"),
    _v("SRC_ROW", "Source Row", "integer", "Predecessor", "QS.SRC_ROW; of a score, the first row of its assessment"),
)
RANGES = (
    _v("ANRLO", "Analysis Normal Range Lower Limit", "float", "Predecessor", "QS.QSSTNRLO; without a range in the data that of the plan"),
    _v("ANRHI", "Analysis Normal Range Upper Limit", "float", "Predecessor", "QS.QSSTNRHI; without a range in the data that of the plan"),
    _v("ANRIND", "Analysis Reference Range Indicator", "text", "Derived", "LOW below ANRLO, HIGH above ANRHI, else NORMAL"),
    _v("BNRIND", "Baseline Reference Range Indicator", "text", "Derived", "ANRIND of the record with ABLFL = Y"),
)
DEVIATION = (
    _v("DVCAT", "Category for Protocol Deviation", "text", "Predecessor", "DV.DVCAT, or key of the plan's `deviations`"),
    _v("DVLABEL", "Protocol Deviation Category in Words", "text", "Assigned", "Label in the plan"),
    _v("DVTERM", "Protocol Deviation Term", "text", "Predecessor", "DV.DVTERM, DS.DSTERM or the message of the finding"),
    _v("DVIMPFL", "Important Protocol Deviation Flag", "text", "Assigned", "Y if the plan calls the category important, else N"),
    _v("ADT", "Analysis Date", "date", "Predecessor", "Date part of DV.DVSTDTC, DS.DSSTDTC or the date of the finding"),
    _v("DVSRC", "Source of the Deviation", "text", "Assigned", "CRF, DS, or the id of the ingest rule that detected it"),
)
INTERCURRENT = (
    _v("ICESEQ", "Sequence of the Event in the Subject", "integer", "Derived", "Events of a subject by date"),
    _v("ICECD", "Intercurrent Event Code", "text", "Assigned", "Key of the plan's `intercurrent_events`"),
    _v("ICE", "Intercurrent Event", "text", "Assigned", "Label in the plan"),
    _v("ICETERM", "Term of the Source Record", "text", "Predecessor", "Variable `term` of the rule; of a gap its length"),
    _v("ICESRC", "Source of the Event", "text", "Assigned", "SDTM domain of the rule"),
    _v("ICEDTC", "Date of the Event as Recorded", "text", "Predecessor", "Variable `date` of the rule; of a gap the day it was reached"),
    _v("ADT", "Analysis Date", "date", "Derived", "Date part of ICEDTC; a partial date is the earliest day it can be, from RFDT on"),
    _v("ADTF", "Analysis Date Imputation Flag", "text", "Derived", "D or M for a date without day, or without month"),
    _v("ADY", "Analysis Relative Day", "float", "Derived", "ADT − RFDT, plus 1 from RFDT on"),
    _v("AVISIT", "First Affected Visit", "text", "Derived", "First visit after baseline whose day is later than ADY; missing if none is"),
    _v("AVISITN", "First Affected Visit (N)", "float", "Assigned", "Nominal week of AVISIT"),
    _v("ENDTRTFL", "Event Ends Treatment Flag", "text", "Assigned", "Y if the plan says so, else N"),
    _v("SRC_FILE", "Source File", "text", "Predecessor", "SRC_FILE of the record"),
    _v("SRC_ROW", "Source Row", "float", "Predecessor", "SRC_ROW of the record"),
)


def variables(dataset: str, plan: Plan) -> tuple[Variable, ...]:
    """The variables of an ADaM data set in one study, in order."""
    if dataset == "ADSL":
        return _unique((*IDS, *_pooled(plan), *CARRIED, *TREATMENT, *SUBJECT, *_planned(plan)))
    core = tuple(v for v in variables("ADSL", plan) if v.name in core_columns(plan))
    own = {
        "ADQS": PARAMETER,
        "ADDV": DEVIATION,
        "ADICE": INTERCURRENT,
        "ADEX": SESSION,
        "ADEXSUM": EXPOSURE,
        "ADDIARY": DIARY,
        "ADTTE": TIME,
        "ADRISK": RISK,
        "ADAE": event(plan.study.adverse_events),
        "ADDE": DEFICIENCY,
        "ADLB": _findings("LB"),
        "ADVS": _findings("VS"),
    }[dataset]
    words = dataset not in ("ADQS", "ADLB", "ADVS") or any(
        p.values is not None and p.dataset == dataset for p in plan.study.parameters.values()
    )
    return (*core, *(v for v in own if words or v.name != "AVALC"))


def _findings(domain: str) -> tuple[Variable, ...]:
    """The variables of ADQS without those of scales, and the reference range; of another domain."""
    kept = [v for v in PARAMETER if v.name != "AVALREC"]
    place = next(i for i, v in enumerate(kept) if v.name == "SRC_FILE")
    own = (*kept[:place], *RANGES, *kept[place:])
    return tuple(replace(v, derivation=v.derivation.replace("QS.QS", f"{domain}.{domain}").replace("QS.", f"{domain}.")) for v in own)


def core_columns(plan: Plan) -> list[str]:
    """ADSL variables that the other data sets carry: identifiers, treatment, strata, covariates, groups, population flags."""
    names = ["STUDYID", "USUBJID", "SITEID", *(v.name for v in _pooled(plan)), "TRT01P", "TRT01A"]
    return list(dict.fromkeys([*names, *(v.name for v in _planned(plan))]))


def _unique(found: tuple[Variable, ...]) -> tuple[Variable, ...]:
    """A covariate of the plan (such as AGE) takes the place of the variable carried from DM."""
    planned = {v.name: v for v in found}
    return tuple(planned[name] for name in dict.fromkeys(v.name for v in found))


def _pooled(plan: Plan) -> tuple[Variable, ...]:
    rule = plan.study.pooling
    if rule is None:
        return ()
    text = f"{rule.source}; {rule.code} where a randomized arm has fewer than {rule.min_per_arm} subjects"
    return (_v(rule.target, f"Pooled {rule.source}", "text", "Derived", text),)


def _planned(plan: Plan) -> tuple[Variable, ...]:
    """Strata, covariates, population flags and groups known only after baseline."""
    study, found = plan.study, []
    for name, stratum in study.strata.items():
        found.append(_v(name, stratum.label, "text", "Predecessor", f"DM.{stratum.variable}, as randomized"))
        if stratum.derived is not None:
            rule = "; ".join(f"{level}: {where}" for level, where in stratum.derived.items())
            found.append(_v(f"{name}D", f"{stratum.label}, as the data give it", "text", "Derived", rule))
            found.append(_v(f"{name}MIS", f"{stratum.label}, stratification error", "text", "Derived", f"Y if {name} and {name}D differ"))
    for name, item in study.covariates.items():
        kind: Type = (
            "text" if item.levels is not None or item.cut is not None or (":" in item.source and item.source.count(":") == 1) else "float"
        )
        text = item.source if item.cut is None else "; ".join(f"{level}: {where}" for level, where in item.cut.items())
        found.append(_v(name, item.label, kind, "Predecessor" if item.source.startswith("DM.") and item.cut is None else "Derived", text))
    found += [
        _v(f"{name}FL", f"{item.label} Flag", "text", "Derived", f"Y if {item.where}, else N") for name, item in study.populations.items()
    ]
    found += [
        _v(name, item.label, "text", "Derived", f"ADQS.AVALC of {item.param} at {item.visit} (ANL01FL = Y); known only after randomization")
        for name, item in study.after_baseline.items()
    ]
    for name, population in study.populations.items():
        if population.excluded:
            rule = "; ".join(f"{reason}: {where}" for reason, where in population.excluded.items())
            found.append(_v(f"{name}XR", f"Reason Excluded from {population.label} Set", "text", "Derived", rule))
    return tuple(found)


def conform(frame: pd.DataFrame, wanted: tuple[Variable, ...]) -> pd.DataFrame:
    """Put the columns in order and check them; nothing is attached or converted silently.

    Parameters
    ----------
    frame : DataFrame
        A derived data set; columns beginning with "_" and those that are not wanted are working columns and are left out.
    wanted : tuple of Variable
        See :func:`variables`.

    Returns
    -------
    DataFrame
        With the wanted columns in order and a fresh index; conditional variables only where the frame has them.

    Raises
    ------
    DataError
        If a required variable is absent, or a column has another kind than its specification.
    """
    absent = [v.name for v in wanted if v.core == "Req" and v.name not in frame.columns]
    if absent:
        raise DataError(f"the derived data set lacks the variable(s) {', '.join(absent)}")
    present = [v for v in wanted if v.name in frame.columns]
    out = frame[[v.name for v in present]].reset_index(drop=True)
    for variable in present:
        column = out[variable.name]
        if column.isna().all():  # a column without a value has no kind of its own
            out[variable.name] = column.astype("float64" if variable.type in ("float", "integer") else "str")
        elif (column.dtype.kind in "iufb") != (variable.type in ("float", "integer")):
            raise DataError(f"the variable {variable.name} is {column.dtype}, but its specification says {variable.type}")
        elif variable.type == "integer":
            out[variable.name] = column.astype("int64")
        elif variable.type == "float":
            out[variable.name] = column.astype("float64")
        else:
            out[variable.name] = column.astype("str")
    return out
