"""The variables of each domain: which must be there, which are numbers or dates, units and keys.

Names follow the SDTM; the device domains (DI, DR, DX, DU, DE) are the sponsor's. DX holds one record
per device session, EX the prescribed regimen. Everything not listed is carried along as text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

LINEAGE = ("SRC_FILE", "SRC_ROW")
"""Name of the raw file and the number of the row in it, on every record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """What is known of one domain.

    Attributes
    ----------
    code, label : str
    key : tuple of str
        Variables that identify a record; those a file does not have are left out.
    required : tuple of str
        Columns without which the domain cannot be used (R01, stops).
    expected : tuple of str
        Columns that rules or derivations use; absent ones are reported and nothing more.
    permissible : tuple of str
        Further known columns.
    numbers : tuple of str
        Variables that are numbers; all others are text.
    units : dict of str to str
        Unit of a number, where it has one.
    subject : str
        "required": every record belongs to a subject; "optional": it may; "none": it does not.
    intervals : tuple of (str, str)
        Start and end dates of one thing (R17).
    kept : bool
        A fault in one value removes the value, never the record: an adverse event or a deficiency may not be lost.
    findings : bool
        One record per test, with `<domain>TESTCD`, `<domain>ORRES` and `<domain>STRESN`.
    """

    code: str
    label: str
    key: tuple[str, ...]
    required: tuple[str, ...]
    expected: tuple[str, ...] = ()
    permissible: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    units: dict[str, str] = field(default_factory=dict)
    subject: Literal["required", "optional", "none"] = "required"
    intervals: tuple[tuple[str, str], ...] = ()
    kept: bool = False
    findings: bool = False

    @property
    def testcd(self) -> str:
        """Name of the test code of a findings domain."""
        return f"{self.code}TESTCD"

    @property
    def known(self) -> frozenset[str]:
        """All declared variables."""
        return frozenset(self.required + self.expected + self.permissible + ("STUDYID", "DOMAIN", "USUBJID") + LINEAGE)

    def is_number(self, name: str) -> bool:
        """Whether a variable is a number (measured values, VISITNUM, sequence numbers, study days)."""
        if name in self.numbers or name in ("VISITNUM", "VISITDY"):
            return True
        stem = name.removeprefix(self.code)
        return name.startswith(self.code) and (stem in _NUMBER_STEMS or (stem.endswith("DY") and len(stem) <= 4))

    def is_date(self, name: str) -> bool:
        """Whether a variable is an ISO 8601 date or date-time."""
        return name.endswith(("DTC", "DTM")) or name in ("START_UTC", "END_UTC")

    def is_known(self, name: str) -> bool:
        """Whether a column is declared here, or follows the SDTM pattern of the domain (`AEHLT` in AE)."""
        return name in self.known or name in _TIMING or name.startswith(self.code) or self.is_number(name)


_NUMBER_STEMS = frozenset({"SEQ", "STRESN", "STNRLO", "STNRHI", "DOSE", "TPTNUM", "LLTCD", "PTCD", "HLTCD", "HLGTCD", "BDSYCD", "SOCCD"})
_TIMING = frozenset({"VISITNUM", "VISIT", "VISITDY", "EPOCH", "SUBJID", "SITEID"})


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _findings(code: str, label: str, *, expected: str = "VISITNUM {0}DTC", permissible: str = "") -> Domain:
    names = "TESTCD ORRES ORRESU STRESC STRESN STRESU DTC CAT TEST STAT REASND EVAL"
    return Domain(
        code=code, label=label, findings=True,
        key=_words(f"USUBJID {code}CAT {code}TESTCD VISITNUM {code}DTC {code}TPTNUM {code}POS {code}SPEC {code}EVAL"),
        required=("USUBJID", f"{code}TESTCD", f"{code}ORRES"), expected=_words(expected.format(code)),
        permissible=tuple(code + n for n in names.split()) + _words(permissible), numbers=("VISITNUM", f"{code}STRESN"),
    )  # fmt: skip


_ALL = (
    Domain(
        code="DM", label="Demographics", key=("USUBJID",), required=_words("USUBJID SITEID ARMCD"),
        expected=_words("AGE SEX RACE RFICDTC RFSTDTC RFENDTC ACTARMCD"),
        permissible=_words(
            "SUBJID REGION BRTHDTC HEIGHT WEIGHT PHOTOTYPE RANDDTC RANDNO STRSEV DTHDTC DTHFL RFXSTDTC RFXENDTC RFPENDTC"
            " AGEU ETHNIC ARM ACTARM COUNTRY DMDTC DMDY INVID INVNAM ARMNRS ACTARMUD"
        ),
        numbers=_words("AGE HEIGHT WEIGHT DMDY"), units={"AGE": "years", "HEIGHT": "cm", "WEIGHT": "kg"},
        intervals=(("RFSTDTC", "RFENDTC"), ("RFXSTDTC", "RFXENDTC")),
    ),
    Domain(
        code="DS", label="Disposition", key=("USUBJID", "DSSEQ"), required=_words("USUBJID DSDECOD"), expected=_words("DSCAT DSSTDTC"),
        permissible=_words("DSSEQ DSSCAT DSTERM EPOCH DSDTC DSSPID"), numbers=("DSSEQ",),
    ),
    Domain(
        code="SV", label="Subject visits", key=("USUBJID", "VISITNUM", "SVSTDTC"), required=_words("USUBJID VISITNUM"),
        expected=_words("VISIT SVSTDTC"), permissible=_words("SVENDTC SVREASND SVUPDES"), intervals=(("SVSTDTC", "SVENDTC"),),
    ),
    Domain(
        code="DV", label="Protocol deviations", key=("USUBJID", "DVSEQ"), required=_words("USUBJID DVCAT"),
        expected=_words("DVTERM DVSTDTC"), permissible=_words("DVSEQ DVDECOD VISITNUM"), numbers=("DVSEQ",),
    ),
    _findings("QS", "Questionnaires", permissible="QSTZ RATER MODE LANG QSBLFL QSDRVFL QSSCAT"),
    Domain(
        code="EX", label="Exposure (prescribed regimen)", key=("USUBJID", "EXSEQ"), required=_words("USUBJID EXTRT"),
        expected=_words("EXDOSE EXDOSU EXSTDTC EXENDTC"), permissible=_words("EXSEQ EXFREQ EXDOSFRQ EXDOSFRM EXROUTE"),
        numbers=_words("EXSEQ EXDOSE"), intervals=(("EXSTDTC", "EXENDTC"),),
    ),
    Domain(
        code="DI", label="Devices", key=("SPDEVID",), required=("SPDEVID",), expected=_words("DITYPE WAVELENGTH IRRNOM"),
        permissible=_words("DIMODEL DISERIAL DIFW AREA PULSEHZ DUTY UDI"), numbers=_words("WAVELENGTH IRRNOM AREA PULSEHZ DUTY"),
        units={"WAVELENGTH": "nm", "IRRNOM": "mW/cm²", "AREA": "cm²", "PULSEHZ": "Hz"}, subject="none",
    ),
    Domain(
        code="DR", label="Device assignment", key=("SPDEVID", "USUBJID", "DRSTDTC"), required=_words("SPDEVID USUBJID"),
        expected=_words("DRSTDTC DRENDTC"), permissible=("DRREASON",), subject="optional", intervals=(("DRSTDTC", "DRENDTC"),),
    ),
    Domain(
        code="DX", label="Device sessions", key=("SPDEVID", "SESSION_ID"), required=_words("SPDEVID SESSION_ID START_UTC"),
        expected=_words("USUBJID END_UTC TZ ON_SEC IRR_MEAN FLUENCE STATUS"),
        permissible=_words("WAVELENGTH IRR_MAX TEMP_SKIN CONTACT FAULT_CODE FW SEQ_NO CLOCK_SYNC_OFFSET"),
        numbers=_words("WAVELENGTH ON_SEC IRR_MEAN IRR_MAX FLUENCE TEMP_SKIN CONTACT SEQ_NO CLOCK_SYNC_OFFSET"),
        units={
            "WAVELENGTH": "nm", "ON_SEC": "s", "IRR_MEAN": "mW/cm²", "IRR_MAX": "mW/cm²", "FLUENCE": "J/cm²", "TEMP_SKIN": "°C",
            "CLOCK_SYNC_OFFSET": "s",
        },
        subject="optional", intervals=(("START_UTC", "END_UTC"),),
    ),
    Domain(
        code="DU", label="Device calibration", key=("SPDEVID", "DUDTC"), required=_words("SPDEVID DUDTC"), expected=("DUIRR",),
        permissible=_words("DUMETER DUTEMP"), numbers=_words("DUIRR DUTEMP"), units={"DUIRR": "mW/cm²", "DUTEMP": "°C"}, subject="none",
    ),
    Domain(
        code="DE", label="Device deficiencies", key=("SPDEVID", "DESEQ", "USUBJID"), required=_words("SPDEVID DECAT"),
        expected=("DESTDTC",), permissible=_words("USUBJID DESEQ DETERM DESADE"), numbers=("DESEQ",), subject="optional", kept=True,
    ),
    Domain(
        code="AE", label="Adverse events", key=("USUBJID", "AESEQ"), required=_words("USUBJID AETERM"),
        expected=_words("AEDECOD AESTDTC AESEV AESER"),
        permissible=_words("AESEQ AEBODSYS MEDDRAV AEENDTC AESERCRIT AEREL_DEV AEREL_PROC ANTICIP AEACNDEV AEOUT SPDEVID"),
        numbers=("AESEQ",), intervals=(("AESTDTC", "AEENDTC"),), kept=True,
    ),
    Domain(
        code="MH", label="Medical history", key=("USUBJID", "MHSEQ"), required=_words("USUBJID MHTERM"), expected=_words("MHDECOD MHCAT"),
        permissible=_words("MHSEQ MHSTDTC MHENDTC"), numbers=("MHSEQ",), intervals=(("MHSTDTC", "MHENDTC"),),
    ),
    Domain(
        code="CM", label="Concomitant medication", key=("USUBJID", "CMSEQ"), required=_words("USUBJID CMTRT"),
        expected=_words("CMDECOD CMSTDTC CMENDTC"), permissible=_words("CMSEQ CMCLAS CMDOSE CMDOSU CMRLSFL CMRESCFL"),
        numbers=_words("CMSEQ CMDOSE"), intervals=(("CMSTDTC", "CMENDTC"),),
    ),
    _findings("LB", "Laboratory"),
    _findings("VS", "Vital signs"),
    _findings("MK", "Microvascular measurements and polysomnography"),
    _findings("SC", "Subject characteristics", expected=""),
)  # fmt: skip

DOMAINS: dict[str, Domain] = {domain.code: domain for domain in _ALL}


def domain_of(code: str) -> Domain:
    """The declaration of a domain; one that is not listed is a general domain keyed by subject and sequence."""
    return DOMAINS.get(code) or Domain(code=code, label=code, key=("USUBJID", f"{code}SEQ"), required=("USUBJID",))
