"""The variables of the data sets of safety: time at risk, adverse events, device deficiencies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nirls.adam.variable import Variable
from nirls.adam.variable import variable as _v

if TYPE_CHECKING:
    from nirls.plan.safety import AdverseEvents

RISK = (
    _v("EXSTDT", "Date of First Actual Session or Dose", "date", "Derived", "First session of ADEX that took place; without any TRTSDT"),
    _v("EXENDT", "Date of Last Actual Session or Dose", "date", "Derived", "Last session of ADEX that took place; without any TRTEDT"),
    _v("EMENDT", "End of the Treatment-emergent Period", "date", "Derived", "EXENDT and the plan's `window_days`; missing without such"),
    _v("RISKENDT", "End of the Time at Risk", "date", "Derived", "Earliest of EMENDT, EOSDT, DTHDT and the data cut, from EXSTDT on"),
    _v("RISKDAYS", "Time at Risk (days)", "float", "Derived", "RISKENDT − EXSTDT + 1"),
    _v("RISKYRS", "Time at Risk (years)", "float", "Derived", "RISKDAYS / 365.25"),
    _v("NSESS", "Sessions Delivered", "float", "Derived", "Sessions of ADEX that took place; missing for arms without device"),
    _v(
        "CUMFLU",
        "Cumulative Fluence (J/cm²)",
        "float",
        "Derived",
        "Sum of AFLU of these sessions; missing for arms without device, or if one is",
    ),
)

_EVENT = (
    _v("AESEQ", "Sequence Number", "float", "Predecessor", "AE.AESEQ", "Cond"),
    _v("AETERM", "Reported Term for the Adverse Event", "text", "Predecessor", "AE.AETERM"),
    _v("AEDECOD", "Dictionary-Derived Term", "text", "Predecessor", "AE.AEDECOD; the plan's text where not coded"),
    _v("AEBODSYS", "Body System or Organ Class", "text", "Predecessor", "AE.AEBODSYS; the plan's text where not coded"),
    _v("MEDDRAV", "Version of the Dictionary", "text", "Predecessor", "AE.MEDDRAV", "Cond"),
    _v("AESTDTC", "Start as Recorded", "text", "Predecessor", "AE.AESTDTC"),
    _v("ASTDT", "Analysis Start Date", "date", "Derived", "AESTDTC; a partial date is its earliest day on or after EXSTDT, if any"),
    _v("ASTDTF", "Analysis Start Date Imputation Flag", "text", "Derived", "D, M or Y: day, month or all of the date imputed"),
    _v("ASTDY", "Analysis Start Relative Day", "float", "Derived", "ASTDT − RFDT, plus 1 from RFDT on"),
    _v("AENDT", "Analysis End Date", "date", "Derived", "AEENDTC; a partial date is the latest day it can be, until the data cut"),
    _v("AENDTF", "Analysis End Date Imputation Flag", "text", "Derived", "D or M: day or month imputed"),
    _v("ADURN", "Duration (days)", "float", "Derived", "AENDT − ASTDT + 1"),
    _v("AESEV", "Severity as Recorded", "text", "Predecessor", "AE.AESEV", "Cond"),
    _v("ASEV", "Analysis Severity", "text", "Assigned", "Text of AESEV in the plan; the most severe where missing"),
    _v("ASEVN", "Analysis Severity (N)", "float", "Assigned", "Place of ASEV, from 1"),
    _v("ASER", "Analysis Seriousness", "text", "Derived", "AE.AESER; Y where missing, fatal or with a criterion of seriousness"),
    _v("AREL", "Strongest Relationship", "text", "Derived", "The most certain of the relationships of the plan; the strongest if missing"),
    _v("ARELN", "Strongest Relationship (N)", "float", "Derived", "Place of AREL among the levels, from 1"),
    _v("RELFL", "Related", "text", "Derived", "Y if a relationship of the plan says related or is missing, else N"),
    _v("IMPFL", "Something Taken as the Worst", "text", "Derived", "Y if severity, seriousness or a relationship was missing, else N"),
    _v("TRTEMFL", "Treatment Emergent Analysis Flag", "text", "Derived", "Y if EXSTDT ≤ ASTDT ≤ EMENDT of ADRISK, else N"),
    _v("FATALFL", "Fatal", "text", "Derived", "Y by the plan's condition, else N"),
    _v("WDRAWFL", "Ended Treatment", "text", "Derived", "Y by the plan's condition, else N"),
    _v("INTRFL", "Interrupted Treatment", "text", "Derived", "Y by the plan's condition, else N"),
    _v("AEACT", "Action Taken", "text", "Predecessor", "AE.AEACNDEV, or AE.AEACN", "Cond"),
    _v("AEOUT", "Outcome", "text", "Predecessor", "AE.AEOUT", "Cond"),
    _v("AESERCRT", "Criteria of Seriousness", "text", "Predecessor", "AE.AESERCRIT, or the words of the SDTM flags that are Y", "Cond"),
    _v("SPDEVID", "Device", "text", "Predecessor", "AE.SPDEVID; withheld while the study is blinded", "Cond"),
    _v("AOCCFL", "1st Occurrence of Any AE Flag", "text", "Derived", "Y for the first treatment-emergent event of the subject"),
    _v("AOCCSFL", "1st Occurrence of SOC Flag", "text", "Derived", "Y for the first treatment-emergent event of the subject in AEBODSYS"),
    _v("AOCCPFL", "1st Occurrence of Preferred Term Flag", "text", "Derived", "Y for the first one in AEBODSYS and AEDECOD"),
    _v("ONSESS", "Sessions before Onset", "float", "Derived", "Sessions of ADEX until ASTDT, that day's included; device arms"),
    _v(
        "ONFLU",
        "Cumulative Fluence at Onset (J/cm²)",
        "float",
        "Derived",
        "Sum of their AFLU, missing if one is; withheld while the study is blinded",
    ),
    _v("SRC_FILE", "Source File", "text", "Predecessor", "AE.SRC_FILE"),
    _v("SRC_ROW", "Source Row", "integer", "Predecessor", "AE.SRC_ROW"),
)
_DEVICE = (
    _v("ADEFL", "Adverse Device Effect", "text", "Derived", "Y if RELFL is Y and ASTDT ≥ EXSTDT, of a subject with a device, else N"),
    _v("SADEFL", "Serious Adverse Device Effect", "text", "Derived", "Y if ADEFL and ASER are Y, else N"),
    _v("ASADEFL", "Anticipated SADE", "text", "Derived", "Y if SADEFL is Y and the plan's `anticipated` is Y, else N"),
    _v("USADEFL", "Unanticipated SADE", "text", "Derived", "Y if SADEFL is Y and the plan's `anticipated` is not Y, else N"),
)

DEFICIENCY = (
    _v("DESEQ", "Sequence Number", "float", "Predecessor", "DE.DESEQ", "Cond"),
    _v("SPDEVID", "Device", "text", "Predecessor", "DE.SPDEVID; withheld while the study is blinded"),
    _v("DECAT", "Category", "text", "Predecessor", "DE.DECAT"),
    _v("DETERM", "Deficiency", "text", "Predecessor", "DE.DETERM", "Cond"),
    _v("DESADE", "Could Have Led to a SADE", "text", "Predecessor", "DE.DESADE; Y where missing"),
    _v("DESADEIM", "DESADE Taken as Y", "text", "Derived", "Y if DESADE was missing, else N"),
    _v(
        "ADT",
        "Analysis Date",
        "date",
        "Derived",
        "DESTDTC; a partial date is the earliest day it can be on which the subject had the device",
    ),
    _v("ADTF", "Analysis Date Imputation Flag", "text", "Derived", "D, M or Y: day, month or all of the date imputed"),
    _v("ADY", "Analysis Relative Day", "float", "Derived", "ADT − RFDT, plus 1 from RFDT on"),
    _v("DESUBJ", "How the Subject Is Known", "text", "Derived", "DE: by the report; DR: the one subject who can have had the device then"),
    _v("SRC_FILE", "Source File", "text", "Predecessor", "DE.SRC_FILE"),
    _v("SRC_ROW", "Source Row", "integer", "Predecessor", "DE.SRC_ROW"),
)


def event(rules: AdverseEvents | None) -> tuple[Variable, ...]:
    """The variables of ADAE: one of each relationship of the plan, and those of ISO 14155 where the treatment is a device."""
    if rules is None:
        return _EVENT
    judged = tuple(
        _v(f"AREL{key}", f"Related to {item.label}", "text", "Predecessor", f"Text of AE.{item.variable} in the plan")
        for key, item in rules.relationship.items()
    )
    return (*_EVENT, *judged, *(_DEVICE if rules.device else ()))
