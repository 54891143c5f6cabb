"""The data dictionary: what every column of every raw file means."""

from __future__ import annotations

_TEXT = """
[dm] Demographics: one row per screened subject
STUDYID: Study
USUBJID
SUBJID: Site and number
SITEID: Site
REGION: EU, NA (North America) or AP (Asia-Pacific)
BRTHDTC: Date of birth
AGE: Age at consent, years
SEX: F or M
RACE: Race
HEIGHT: Height, cm
WEIGHT: Weight, kg
PHOTOTYPE: Skin phototype I–VI
RFICDTC: Consent
RANDDTC: Randomization; empty for screen failures
RANDNO: Randomization number: list and place
RFSTDTC: First treatment (study day 1)
RFENDTC: Last treatment
ARMCD: Arm randomized to; SCRNFAIL when not randomized
ACTARMCD: Arm received
STRSEV: Severity stratum as randomized: <25 or >=25 points of the IRLS total
DTHDTC: Death (none)
[ds] Disposition: consent, randomization, end of treatment, end of participation
USUBJID
DSSEQ: Number within the subject
DSCAT: PROTOCOL MILESTONE or DISPOSITION EVENT
DSSCAT: STUDY TREATMENT or STUDY PARTICIPATION; empty for milestones
DSTERM: As written
DSDECOD: Standard term
EPOCH: SCREENING, BASELINE, TREATMENT or FOLLOW-UP
DSSTDTC: Date
[sv] Visits: made, or missed while in the study
USUBJID
VISITNUM
VISIT
SVSTDTC: Date; empty when missed
SVREASND: Why it was missed
[dv] Protocol deviations as recorded by the sites
USUBJID
DVSEQ: Number within the subject
DVCAT: Category
DVTERM: In words
DVSTDTC: Date
VISITNUM: Visit, where it concerns one
[qs_irls] IRLS rating scale, one row per interview
USUBJID
VISITNUM
VISIT
IRLSDTC: Date
IRLSTZ: Time zone of the site (IANA)
RATER: Interviewer; empty for ePRO
MODE: INTERVIEW or EPRO
LANG: Language
IRLS01: Item 1, 0–4
IRLS02: Item 2, 0–4
IRLS03: Item 3, 0–4
IRLS04: Item 4, 0–4
IRLS05: Item 5, 0–4
IRLS06: Item 6, 0–4
IRLS07: Item 7, 0–4
IRLS08: Item 8, 0–4
IRLS09: Item 9, 0–4
IRLS10: Item 10, 0–4
IRLSTOT: Total 0–40 as the site wrote it; blank when an item is missing
[qs_cgi] Global impressions, 1–7
USUBJID
VISITNUM
VISIT
QSDTC: Date
CGIS: CGI-S, severity
CGII: CGI-I, improvement since baseline (4 no change)
PGII: PGI-I, the same by the participant
[qs_asrs] Augmentation Severity Rating Scale
USUBJID
VISITNUM
VISIT
QSDTC: Date
ASRS1: Item 1, 0–8
ASRS2: Item 2, 0–8
ASRS3: Item 3, 0–8
ASRSTOT: Total 0–24
[qs_sleep] MOS sleep scale
USUBJID
VISITNUM
VISIT
QSDTC: Date
MOSSPI: Sleep Problems Index II, 0–100, higher is worse
[qs_qol] Quality of life
USUBJID
VISITNUM
VISIT
QSDTC: Date
RLSQOL: RLS quality of life, 0–100, higher is better
[qs_blind] Blinding guesses; none in the open-label arm
USUBJID
VISITNUM
VISIT
QSDTC: Date
RESP: PARTICIPANT or INVESTIGATOR
GUESS: NIR, SHAM or DK (do not know)
CONF: Confidence 1–5
REASON: Reason given
[qs_diary] Diary: one evening entry a day, five prompts a day before baseline, in week 4 and in week 12
USUBJID
DIARYDTM: Local date and time with UTC offset
TZ: Time zone (IANA)
NRS: Severity 0–10
ONSETTM: Local time at which symptoms began (evening entry)
SLEEPH: Hours slept last night (evening entry)
[ex] Prescribed treatment
USUBJID
EXSEQ: Number within the subject
EXTRT: Treatment
EXDOSE: Dose of one session or day
EXDOSU: J/cm2 or mg
EXFREQ: Frequency
EXSTDTC: First day
EXENDTC: Last day
[di] Device register
SPDEVID: Device
DIMODEL: Model
DISERIAL: Serial number
DIFW: Firmware when dispensed
DITYPE: NIR (emits) or SHAM
WAVELENGTH: Nominal wavelength, nm
IRRNOM: Nominal irradiance, mW/cm2
AREA: Treated area, cm2
PULSEHZ: Pulse frequency, Hz (0: continuous)
DUTY: Duty cycle, 0–1
UDI: Unique device identifier
[dr] Who had which device
SPDEVID: Device
USUBJID
DRSTDTC: From
DRENDTC: To (return)
DRREASON: Why it ended
[dx] Session log of the devices: one record per session
SPDEVID: Device
SESSION_ID: Session: device and number
USUBJID
START_UTC: Start, UTC
END_UTC: End, UTC
TZ: Time zone the device was set to (IANA)
ON_SEC: Time on, s
IRR_MEAN: Mean irradiance, mW/cm2
IRR_MAX: Largest irradiance, mW/cm2
FLUENCE: Fluence, J/cm2 = IRR_MEAN × ON_SEC / 1000
TEMP_SKIN: Highest skin temperature, °C
CONTACT: Share of the pad in contact, 0–1
STATUS: ok, aborted, paused or fault
FAULT_CODE: Code the device shows for a malfunction (DE): E01, E12, E21, E30 or E99; else empty
FW: Firmware
SEQ_NO: Number of the session on the device
CLOCK_SYNC_OFFSET: Clock of the device minus true time at the last synchronisation, s
[du] Calibration on the bench
SPDEVID: Device
DUDTC: Date
DUIRR: Measured irradiance, mW/cm2
DUMETER: Power meter
DUTEMP: Room temperature, °C
[de] Device deficiencies
SPDEVID: Device
USUBJID
DESEQ: Number within the subject
DECAT: MALFUNCTION, USE ERROR or LABELLING
DETERM: In words
DESADE: Could have led to a serious adverse device effect, Y or N
DESTDTC: Date
[ae] Adverse events
USUBJID
AESEQ: Number within the subject
AETERM: As written
AEDECOD: MedDRA preferred term
AEBODSYS: MedDRA system organ class
MEDDRAV: MedDRA version
AESTDTC: Start
AEENDTC: End; empty when ongoing
AESEV: Severity 1–3
AESER: Serious, Y or N
AESERCRIT: Criterion of seriousness
AEREL_DEV: Related to the device: NOT, POSSIBLE, PROBABLE or CAUSAL
AEREL_PROC: Related to the procedure, likewise
ANTICIP: Anticipated in the risk analysis, Y or N
AEACNDEV: Action taken with the device
AEOUT: Outcome
SPDEVID: Device, where related to one
[mh] Medical history
USUBJID
MHSEQ: Number within the subject
MHTERM: As written
MHDECOD: Standard term
MHCAT: RLS HISTORY or GENERAL
MHSTDTC: Start
[cm] Other medicines
USUBJID
CMSEQ: Number within the subject
CMTRT: As written
CMDECOD: Standard name
CMCLAS: Class
CMDOSE: Dose
CMDOSU: Unit
CMSTDTC: Start
CMENDTC: End; empty when ongoing
CMRLSFL: For restless legs syndrome, Y or N
CMRESCFL: Rescue medication, Y or N
[lb] Laboratory
USUBJID
VISITNUM
VISIT
LBDTC: Date
FERRITIN: Ferritin, µg/L
TSAT: Transferrin saturation, %
EGFR: eGFR, mL/min/1.73 m2
[vs] Vital signs
USUBJID
VISITNUM
VISIT
VSDTC: Date
SYSBP: Systolic blood pressure, mmHg
DIABP: Diastolic blood pressure, mmHg
PULSE: Pulse, /min
TEMP: Body temperature, °C
SKINGR: Skin reaction, grade 0–4
[mk] Mechanism markers
USUBJID
VISITNUM
VISIT
MKDTC: Date
STO2: Tissue oxygen saturation of the calf, %
FLUX: Skin blood flux, perfusion units
PLMI: Periodic limb movements, /h of sleep
[answer-key] Answer key: every planted fault, and everything that really happened and is a finding by itself
rule: Rule of the data checks
severity: Q: the record is quarantined; W: warning
domain: Domain
file: File
row: Line in the file; the header is line 1
usubjid: Subject as it stands in the record
visitnum: Visit as it stands in the record
column: Column; empty when the record as a whole is meant
value_planted: The value in the file
value_true: The true value
note: What happened; a note that begins with 'true' marks a value that is right
[truth-subjects] What nobody in the trial could see, one row per randomized subject
USUBJID
ARMCD: Arm randomized to
ACTARMCD: Arm received
MICROVASCULAR: 1 when microvascular involvement
REFRACTORY: 1 when refractory
SECONDARY: 1 when secondary RLS
THETA0: Latent severity at baseline, points
PLACEBO: The subject's own full response under sham, points
STOP_WEEK: Last week with treatment (12: completed; −1: never treated)
EXIT_WEEK: Last week in the study (21: completed)
RETRIEVED: 1 when stopped treatment and stayed in the study
RESCUE_WEEK: First week of rescue medication; empty when none
RELAPSE_WEEK: Week of relapse after treatment; empty when none
AUGMENTED: 1 when augmentation develops
SESSIONS: Sessions that took place
FLUENCE_TOTAL: Fluence really delivered over the trial, J/cm2
"""

_COMMON = {
    "USUBJID": "Subject: study prefix, site, number",
    "VISITNUM": "Visit number; n.1 is an unscheduled visit after visit n",
    "VISIT": "Visit name",
}


def _parse(text: str) -> dict[str, tuple[str, dict[str, str]]]:
    files: dict[str, tuple[str, dict[str, str]]] = {}
    columns: dict[str, str] = {}
    for line in text.strip().splitlines():
        if line.startswith("["):
            name, label = line[1:].split("] ", 1)
            columns = {}
            files[name] = (label, columns)
        else:
            column, _, meaning = line.partition(": ")
            columns[column] = meaning or _COMMON[column]
    return files


FILES = _parse(_TEXT)
"""File stem → what the file holds, and column → meaning, in the order of the file."""
