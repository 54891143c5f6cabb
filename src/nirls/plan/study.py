"""The study: arms, visits, analysis sets, strata, dates and where its raw data lie (`study.yaml`)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from nirls.plan.base import Id, IsoDate, PlanModel
from nirls.plan.course import Diary, Regimen, Sessions, TimeToEvent
from nirls.plan.ranges import ReferenceRange
from nirls.plan.safety import AdverseEvents


class Arm(PlanModel):
    """One arm of the trial; its key in `arms` is the value of ARMCD in the data."""

    label: str = Field(description="Name in full, as tables print it.")
    short: str = Field(description="Name for column heads, axes and legends; at most 20 characters.", max_length=20)
    role: Literal["sham", "nir", "active", "placebo", "drug"] = Field(description="What the arm is; decides its colour in every figure.")
    blinded: bool = Field(True, description="False for an open-label arm.")
    dose: float | None = Field(None, description="Numeric dose for dose–response, in the study's dose unit.")
    regimen: Regimen | None = Field(None, description="Device regimen as specified.")
    not_an_arm: bool = Field(False, description="True for a code such as 'screen failure' that is not a randomized arm.")


class Visit(PlanModel):
    """One scheduled visit and its analysis window."""

    num: float = Field(description="VISITNUM in the data.")
    name: str = Field(description="Analysis visit (AVISIT), as tables print it.")
    week: float | None = Field(None, description="Nominal week (AVISITN); none for screening.")
    target: int = Field(description="Target study day; day 1 is the reference date, there is no day 0.")
    window: tuple[int | None, int | None] = Field(description="First and last study day of the window, inclusive; null is open.")
    epoch: str = Field(description="SCREENING, BASELINE, TREATMENT or FOLLOW-UP.")
    baseline: bool = Field(False, description="True for the visit that supplies the baseline value.")


class AnalysisSet(PlanModel):
    """A population; its key in `populations` is the flag stem (FAS gives FASFL).

    Besides the baseline characteristics ADSL has, for every subject: RANDFL, randomized; TRTFL, received treatment (a record of EX; in a
    device arm of a study with a session log a session of DX with time on); TRT01P and TRT01A, arm as randomized and as treated; BASEFL,
    the total of the first instrument has a baseline value; NPOST, the number of later scheduled visits at which it has a value;
    NIMPDEV, the number of important deviations.
    """

    label: str = Field(description="Name in full.")
    rule: str = Field(description="The rule in words, as the report prints it.")
    where: str = Field(description="The rule over ADSL variables, in the `where` language.")
    excluded: dict[str, str] = Field(
        default_factory=dict,
        description="Reason → `where` over ADSL, first that holds: why a randomized subject is not in the set (`<SET>XR` of ADSL).",
    )


class Stratum(PlanModel):
    """A randomization stratum: the variable as randomized, and how the data say it should be."""

    variable: Id = Field(description="Variable of DM that holds the stratum used for randomization.")
    label: str = Field(description="Name in full.")
    levels: list[str] = Field(description="Allowed values, in order.", min_length=1)
    derived: dict[str, str] | None = Field(
        None, description="Level → `where` over ADSL: the stratum the data give; a mismatch is finding R23."
    )


class Pooling(PlanModel):
    """Pool small centres: a centre with fewer than `min_per_arm` randomized subjects in any randomized arm gets `code`."""

    source: Id = Field("SITEID", description="Variable to pool.")
    target: Id = Field("SITEGR1", description="Variable made.")
    min_per_arm: int = Field(3, description="Smallest number of subjects every arm must have in the centre.", ge=1)
    code: str = Field("900", description="Code of the pooled centre.")


class BaselineItem(PlanModel):
    """A baseline characteristic brought into ADSL."""

    label: str = Field(description="Label as tables print it, with its unit.")
    source: str = Field(
        description="DOMAIN.VARIABLE of DM (`DM.AGE`); `ADSL.VARIABLE`, one already derived; `ADSL.BMI`, kg/m² from weight and height; "
        "`QS.PARAMCD` of a parameter of ADQS (`QS.IRLSTOT`): its baseline value; "
        "DOMAIN.TESTCD of a findings domain (`LB.FERRITIN`, `SC.EDULEVEL`): the last value on or "
        "before the baseline day; `MH:TERM` or `CM:TERM`: Y/N whether the term is recorded and may have begun by study day 1 (a missing or "
        "partial start counts if it can be of before); `MH:TERM|TERM`: which of them is, "
        "or with levels [Y, N] whether any is; "
        "`MH:TERM:YEARS` or `:MONTHS`: time from its start to the first visit, both days counted, a year being 365.25 days, to one "
        "decimal; a start without a day counts as the 15th, without a month as 1 July, or as the first visit if that is "
        "earlier.",
    )
    where: str | None = Field(None, description="Records of the source domain that count, in the `where` language.")
    decimals: int = Field(0, description="Decimals of a number as collected; tables add to them (mean one more, SD two more).", ge=0, le=6)
    levels: list[str] | None = Field(None, description="Allowed values in order, for a categorical variable; none for a number.")
    labels: dict[str, str] | None = Field(None, description="Value → text as tables print it.")
    cut: dict[str, str] | None = Field(None, description="Level → `where` over ADSL, to make categories of a number.")


class Deviation(PlanModel):
    """A protocol deviation; its key in `deviations` is a DVCAT of DV, or the id of an ingest rule that detects it (such as R21)."""

    label: str = Field(description="Name as tables print it.")
    important: bool = Field(False, description="True when it excludes the subject from the per-protocol set.")
    dsdecod: str | None = Field(None, description="DSDECOD of the disposition event that records it, in a study without DV records of it.")


class IntercurrentEventRule(PlanModel):
    """An intercurrent event and the data that show it; its key in `intercurrent_events` is what estimands refer to.

    The first record of a subject that fulfils the condition, on or after study day 1, is the event. It affects every visit whose
    day is later than its date. Only randomized subjects have events.
    """

    label: str = Field(description="Name as tables and footnotes print it: 'Stop of the device, adverse event'.")
    domain: str = Field(description="SDTM domain that records it (DS, CM, EX …), ADSL, or DX, the log of device sessions.")
    where: str | None = Field(None, description="Records of the domain that are the event, in the `where` language.")
    date: Id = Field(description="Variable of the domain that dates it, such as DSSTDTC, CMSTDTC or START_UTC.")
    term: Id | None = Field(None, description="Variable of the domain that names it in the listing, such as DSDECOD or CMDECOD.")
    gap_days: int | None = Field(
        None, description="In place of a record: this many days without a record of the domain (a session) before treatment ended.", ge=2
    )
    ends_treatment: bool = Field(False, description="True when the assigned treatment ends with the event; what imputation looks at.")
    terminal: bool = Field(False, description="True when no value can exist after the event, such as death.")


class SuppSource(PlanModel):
    """A supplemental-qualifier file (QNAM, QVAL) spread into columns of its parent domain."""

    file: str = Field(description="File name in the data folder.")
    format: Literal["csv", "xpt", "parquet", "ndjson", "sas7bdat"] | None = Field(None, description="File format; default by ending.")


class Unpivot(PlanModel):
    """Turn one row per visit (wide) into one row per test (long)."""

    tests: dict[str, str] = Field(description="Column of the file → QSTESTCD (or LBTESTCD …).")
    testcd: Id = Field(description="Name of the column that receives the test code.")
    value: Id = Field(description="Name of the column that receives the value as text.")
    text: list[str] = Field(default_factory=list, description="Test codes whose results are text; every other result must be a number.")
    units: dict[str, str] = Field(
        default_factory=dict, description="Test code → unit of its result (fills <domain>ORRESU and <domain>STRESU)."
    )


class Samples(PlanModel):
    """Telemetry of devices, many samples a session, that becomes the session log (DX): the columns of the file and their units.

    Irradiance is integrated over time by the trapezoidal rule. The files may be larger than the memory.
    """

    device: str = Field(description="Column of the device (SPDEVID).")
    session: str = Field(description="Column of the session (SESSION_ID).")
    time: str = Field(description="Column of the time: ISO 8601 with offset, or numbers with `time_unit`.")
    time_unit: Literal["s", "ms", "us"] | None = Field(None, description="Unit of times that are numbers since 1970-01-01 UTC.")
    irradiance: str = Field(description="Column of the irradiance.")
    irradiance_unit: Literal["mW/cm2", "W/cm2", "W/m2"] | None = Field(None, description="Its unit in all samples.")
    unit: str | None = Field(None, description="Column with the unit of the irradiance of each sample, in place of `irradiance_unit`.")
    temperature: str | None = Field(None, description="Column of the temperature of the skin.")
    temperature_unit: Literal["C", "F"] = Field("C", description="Unit of the temperature.")
    contact: str | None = Field(None, description="Column of the share of the pad in contact, 0–1.")
    subject: str | None = Field(None, description="Column of the subject (USUBJID); without it the assignments of devices tell (R28).")
    longest_gap_s: float = Field(60, description="Between samples further apart than this the device counts as off.", gt=0)


class Source(PlanModel):
    """One raw file of a domain and how its columns become the domain's variables."""

    domain: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] = Field(description="Two-letter domain.")
    file: str = Field(description="File name in the data folder; a pattern such as `sessions-*.ndjson` stands for many files alike.")
    samples: Samples | None = Field(None, description="The files hold samples of telemetry, which become sessions (domain DX).")
    format: Literal["csv", "xpt", "parquet", "ndjson", "sas7bdat"] | None = Field(
        None, description="File format; default by ending (.gz allowed for csv and ndjson)."
    )
    encoding: str = Field("utf-8", description="Text encoding of the file; anything that does not decode is an error.")
    delimiter: str = Field(",", description="Field separator of a CSV file.")
    decimal: Literal[".", ","] = Field(".", description="Decimal mark of numbers in the file.")
    rename: dict[str, str] = Field(default_factory=dict, description="Column of the file → variable of the domain.")
    constants: dict[str, str] = Field(default_factory=dict, description="Variable → value for every row.")
    recode: dict[str, dict[str, str]] = Field(default_factory=dict, description="Variable → {value in the file: value in the domain}.")
    keep: str | None = Field(
        None,
        description="`where` over the file's rows after renaming; the others are another domain's business and counted as 'not selected'.",
    )
    unpivot: Unpivot | None = Field(None, description="Wide to long.")
    supp: SuppSource | None = Field(None, description="Supplemental qualifiers to spread into columns.")
    drop_blank: bool = Field(False, description="After unpivoting, cells that are empty make no record (counted).")
    may_be_empty: bool = Field(False, description="True when a file with a header and no rows is right (no deficiency was reported, say).")


class Dates(PlanModel):
    """Dates of the trial."""

    cut: IsoDate = Field(description="Data cut; anything later is in the future (R16).")
    database_lock: IsoDate | None = Field(None, description="Database lock; where it is before the data cut, it counts as the cut (R16).")
    unblinding: IsoDate | None = Field(None, description="Unblinding; for the record.")


class AdqsParam(PlanModel):
    """A parameter that is not an item or score of an instrument: of ADLB from domain LB, of ADVS from VS, of ADQS from any other."""

    label: str = Field(description="PARAM.")
    domain: Id = Field("QS", description="Findings domain it comes from, such as MK for a measurement that is set beside the scales.")
    range: ReferenceRange | None = Field(None, description="Reference range (ANRLO, ANRHI, ANRIND), for a parameter of ADLB or ADVS.")
    change: bool = Field(False, description="True when change from baseline is meaningful.")
    test: Id | None = Field(None, description="Test code (QSTESTCD …) of its records; default: the key.")
    where: str | None = Field(
        None,
        description="Records of the domain that count, in the `where` language, as of one respondent: `QSEVAL == 'PARTICIPANT'`.",
    )
    values: dict[str, int] | None = Field(
        None,
        description="Result in text → AVAL, for a parameter whose results are words; AVALC keeps the word. Any other result is an error.",
    )
    labels: dict[str, str] | None = Field(None, description="Result in text → text as tables print it.")

    @property
    def dataset(self) -> str:
        """The ADaM data set of the parameter."""
        return {"LB": "ADLB", "VS": "ADVS"}.get(self.domain, "ADQS")


class AfterBaseline(PlanModel):
    """A characteristic known only after randomization, brought into ADSL to form groups; no model may adjust for it."""

    label: str = Field(description="Label as tables print it.")
    param: Id = Field(description="PARAMCD of a parameter of ADQS with `values`.")
    visit: str = Field(description="AVISIT whose analysed value (ANL01FL = Y) counts.")


class Baseline(PlanModel):
    """How baseline is defined."""

    rule: str = Field(description="In words.")
    on_or_before_day: int = Field(1, description="Last study day on which a record can be baseline.")
    choice: Literal["baseline_visit", "last"] = Field(
        "baseline_visit", description="The visit marked baseline, or the last record on or before the day."
    )


class Windows(PlanModel):
    """How a record is chosen when several with a value fall in one window; one without a value is never chosen.

    Of two on one day a scheduled visit goes before an unscheduled one.
    """

    by: Literal["study_day", "visitnum"] = Field("study_day", description="Assign AVISIT by study day, or by VISITNUM as collected.")
    choice: Literal["closest", "last"] = Field("closest", description="Closest to target, or last in the window.")
    tie: Literal["earlier", "later"] = Field("later", description="Which of two equally close records is used.")
    locf: bool = Field(
        False,
        description="Add LOCF records (DTYPE = LOCF) for visits of the treatment epoch without an observed value, from the analysed "
        "value of the last visit of that epoch before; a baseline value is never carried.",
    )
    on_treatment_days: int = Field(
        0, description="A record this many days after the last treatment still counts as on treatment (ONTRTFL).", ge=0
    )


class Disposition(PlanModel):
    """Which records of DS end a subject's participation and treatment, in the `where` language over DS."""

    study: str = Field(
        "DSCAT == 'DISPOSITION EVENT' and DSSCAT == 'STUDY PARTICIPATION'", description="The record that ends participation (EOSSTT)."
    )
    treatment: str = Field(
        "DSCAT == 'DISPOSITION EVENT' and DSSCAT == 'STUDY TREATMENT'", description="The record that ends treatment (EOTSTT)."
    )
    completed: list[str] = Field(
        default=["COMPLETED"], description="Values of DSDECOD that mean completed; any other is a reason for stopping."
    )


class Study(PlanModel):
    """`study.yaml`."""

    id: str = Field(description="STUDYID.")
    title: str = Field(description="Title of the trial.")
    condition: str = Field(description="Condition under study.")
    synthetic: bool = Field(description="True stamps every display 'SYNTHETIC DATA — not evidence'.")
    blinding: Literal["blinded", "unblinded"] = Field(description="'blinded' replaces treatment by a seeded dummy allocation.")
    attribution: str | None = Field(None, description="Where the data come from and under which terms; printed in the report.")
    data: str = Field(
        description="Folder of the raw files, relative to the repository, or 'package:NAME/path' for data inside an installed package."
    )
    dates: Dates
    arms: dict[str, Arm] = Field(description="ARMCD → arm, in display order.")
    reference: str = Field(description="ARMCD of the reference arm.")
    dose_unit: str | None = Field(None, description="Unit of `dose` of the arms.")
    reference_date: str = Field(
        "DM.RFSTDTC", description="Date that is study day 1; for a randomized subject without one, the date of randomization."
    )
    visits: list[Visit] = Field(min_length=1)
    windows: Windows = Field(default=Windows())
    disposition: Disposition = Field(default=Disposition())
    baseline: Baseline
    instruments: list[str] = Field(description="Instruments scored from QS, by file name in `config/instruments/`.")
    parameters: dict[str, AdqsParam] = Field(
        default_factory=dict, description="PARAMCD → parameter of ADQS, ADLB or ADVS beside the scales."
    )
    populations: dict[str, AnalysisSet]
    strata: dict[str, Stratum] = Field(default_factory=dict)
    pooling: Pooling | None = None
    covariates: dict[str, BaselineItem] = Field(default_factory=dict, description="ADSL variable → baseline characteristic.")
    after_baseline: dict[str, AfterBaseline] = Field(
        default_factory=dict,
        description="ADSL variable → characteristic known only after randomization, for groups and never for adjustment.",
    )
    deviations: dict[str, Deviation] = Field(default_factory=dict)
    intercurrent_events: dict[Id, IntercurrentEventRule] = Field(
        default_factory=dict, description="Intercurrent events (data set ADICE); an estimand gives each of them a strategy."
    )
    sessions: Sessions = Field(default=Sessions())
    diary: Diary | None = Field(None, description="A diary with clock times (data set ADDIARY); needs the log of sessions (DX) too.")
    times_to_event: dict[Id, TimeToEvent] = Field(default_factory=dict, description="PARAMCD → time to an event (data set ADTTE).")
    adverse_events: AdverseEvents | None = Field(None, description="Adverse events (data sets ADRISK and ADAE); needs the domain AE.")
    time_zones: dict[str, str] = Field(
        default_factory=dict,
        description="SITEID → IANA time zone of the centre, against which the zone of device sessions is compared (R47).",
    )
    sources: list[Source] = Field(min_length=1)
    rules: dict[str, dict[str, float | int | str | bool]] = Field(
        default_factory=dict, description="Rule id → its thresholds, where they differ from the default."
    )
    waived: dict[str, str] = Field(
        default_factory=dict,
        description="Rule id, or `rule:DOMAIN`, → why it does not apply to this study; waived rules are listed in the report.",
    )

    @property
    def device_arms(self) -> list[str]:
        """Arms with a device, sham or near-infrared."""
        return [code for code, arm in self.arms.items() if arm.role in ("sham", "nir")]
