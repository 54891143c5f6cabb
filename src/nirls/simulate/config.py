"""Every parameter of the generated trial, with its unit. Nothing else in `simulate` holds a number that decides a result."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, Literal

MODEL_VERSION = 2
"""Raised whenever the code of the outcome model changes, so that a cached truth cannot outlive it."""

TRUTH_VERSION = 2
"""Raised whenever a true value is added or computed in another way."""

Shape = Literal["umbrella", "emax", "linear", "flat", "zero"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """A randomized arm. Irradiance in mW/cm², minutes of one session; drugs have neither."""

    code: str
    n: int
    kind: Literal["sham", "nir", "drug"]
    wavelength: int | None = None
    irradiance: float = 0.0
    minutes: float = 30.0

    @property
    def fluence(self) -> float:
        """Planned fluence of one session, J/cm² = mW/cm² × s / 1000."""
        return self.irradiance * self.minutes * 60 / 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A trial site with its IANA time zone."""

    id: str
    region: Literal["EU", "NA", "AP"]
    tz: str
    language: str
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Prevalence:
    """Baseline characteristics: shares of the population (0–1)."""

    microvascular: float = 0.35
    refractory: float = 0.40
    secondary: float = 0.30
    kidney: float = 0.12
    neuropathy: float = 0.18
    dopamine: float = 0.45
    female: float = 0.62


@dataclass(frozen=True, slots=True, kw_only=True)
class Severity:
    """Latent severity on the 0–40 scale of the IRLS total, in points."""

    mean: float = 24.3
    trait_sd: float = 4.1
    residual_sd: float = 2.6
    residual_ar1_week: float = 0.6
    slope_sd_week: float = 0.15
    slope_trait_corr: float = -0.2
    site_sd: float = 0.7
    refractory: float = 0.8
    log_ferritin: float = -0.5
    eligible_from: int = 15
    stratum_from: int = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """Graded-response model: P(item j ≥ k | θ) = expit{a_j (θ_j − 10(k − ½) − d_j) + trait}.

    The forty thresholds of the ten items lie one point apart from 0.5 to 39.5, so the expected total is
    close to θ itself away from the ends of the scale. `placebo` and `treatment` are the weights with which
    a change of θ acts on an item; they average 1. Items 1, 2, 4, 6, 7, 8 are symptoms; 5, 9, 10 impact.
    """

    discrimination: tuple[float, ...] = (0.40, 0.42, 0.24, 0.34, 0.30, 0.46, 0.36, 0.34, 0.32, 0.30)
    difficulty: tuple[float, ...] = (-3.5, -4.5, 1.5, -1.5, 2.5, -2.5, -0.5, 0.5, 3.5, 4.5)
    placebo: tuple[float, ...] = (1.25, 1.25, 1.0, 1.25, 0.5, 1.25, 1.25, 1.25, 0.5, 0.5)
    treatment: tuple[float, ...] = (1.4, 1.4, 0.7, 1.4, 0.3, 1.4, 1.4, 1.4, 0.3, 0.3)
    trait_sd: float = 0.45
    symptom_factor_sd: float = 0.8
    impact_factor_sd: float = 3.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Placebo:
    """Response under sham: mean in points, time constant in weeks, share lost after treatment as a half-life in weeks."""

    mean: float = 6.9
    sd: float = 4.0
    tau: float = 1.5
    refractory_factor: float = 0.9
    half_life_off: float = 12.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """Effect of light: largest effect in points (direct and through tissue oxygenation), its shape over fluence and its course."""

    shape: Shape = "umbrella"
    direct: float = 2.95
    oxygenation_gain: float = 6.0
    oxygenation_effect: float = 0.25
    oxygenation_sd: float = 3.0
    peak: float = 50.0
    spread: float = 0.9
    ed50: float = 25.0
    reference_irradiance: float = 30.0
    reciprocity_exponent: float = -0.25
    red_factor: float = 0.55
    microvascular_factor: float = 1.5
    log_ferritin_slope: float = 0.0
    tau: float = 1.5
    half_life_off: float = 3.0
    tolerance_per_week: float = 0.0
    drug: float = 6.4
    augmentation: float = 0.08
    augmentation_slope: float = 0.9
    augmentation_cap: float = 6.0
    relapse_hazard: float = 0.09
    relapse_factor_high: float = 0.6
    relapse_high_from: float = 50.0
    relapse_loss: float = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """Adherence, stopping of treatment, leaving the study and missed visits. Hazards are per week."""

    adherence_mean: float = 0.85
    adherence_rho: float = 0.15
    adherence_symptoms: float = 0.03
    stop_first: float = 0.006
    stop_intercept: float = -4.0
    stop_change: float = 0.10
    stop_sham: float = 0.3
    stop_unobserved: float = 0.0
    stop_ae: float = 0.0015
    stop_ae_drug: float = 0.007
    retrieved: float = 0.40
    leave_followup: float = 0.006
    missed_visit: float = 0.03
    missed_visit_off: float = 0.08
    missed_irls: float = 0.01
    rescue_intercept: float = -6.0
    rescue_total: float = 0.12
    rescue_effect: float = 2.5
    never_treated: float = 0.01
    screen_other: float = 0.12


@dataclass(frozen=True, slots=True, kw_only=True)
class RelapseRule:
    """A rule of relapse after treatment, as `times_to_event` of the plan has it: the total (points) against that of week 12.

    `worse`: the clinical global severity must be above that of week 12 too. `confirm_days`: the last of the visits in succession that meet
    the rule is so many days after the first.
    """

    code: str
    rise: int | None = None
    loss_percent: float | None = None
    at_least: int = 15
    worse: bool = False
    confirm_days: int = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Relapse:
    """Which truths of relapse are computed: rules, and weeks after the end of treatment for shares and restricted means."""

    rules: tuple[RelapseRule, ...] = (
        RelapseRule(code="RELAPSE", rise=6, worse=True),
        RelapseRule(code="LOSS50", loss_percent=50.0),
    )
    landmarks: tuple[int, ...] = (5, 9)
    horizons: tuple[int, ...] = (8, 9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """How many of each fault there are: those that are part of what happened, and those planted in the files.

    A key of `counts` is `rule` or `rule:file`; the unit is the record, or what `simulate.faults` says (a device, a pair, a subject).
    """

    r21_deviations: int = 3
    swaps: int = 2
    stratum_errors: int = 6
    counts: dict[str, int] = field(
        default_factory=lambda: {
            "R02:qs_irls": 3, "R02:qs_cgi": 2, "R02:ae": 2, "R02:cm": 2, "R02:lb": 2, "R02:vs": 2, "R02:mh": 1,
            "R03:qs_irls": 2, "R03:qs_cgi": 2, "R03:lb": 1, "R03:vs": 2, "R03:mk": 1,
            "R04:qs_irls": 2, "R04:qs_sleep": 1, "R04:ae": 1, "R04:cm": 1, "R04:lb": 1, "R04:vs": 1,
            "R05": 12, "R06": 15, "R07": 3, "R08": 5, "R09": 36, "R11": 8, "R12": 8,
            "R13:qs_irls": 2, "R13:lb": 2, "R13:vs": 2, "R17:ae": 3, "R17:cm": 3, "R17:ex": 2,
            "R18:ae": 8, "R18:cm": 10, "R18:mh": 40, "R20": 2, "R22": 4, "R53": 2, "R56": 2, "R60": 3,
            "R66:baseline": 2, "R66:conflict": 2,
            "R15": 3, "R27": 3, "R28": 1, "R30": 1, "R31": 1, "R32": 3, "R33:same": 3, "R33:changed": 2, "R34": 10, "R35:scaling": 1,
            "R35:unit": 1, "R36": 2, "R38": 3, "R39": 6, "R40": 1, "R43": 3, "R44:drift": 1, "R44:jump": 2, "R45": 4, "R46": 4, "R47": 2,
            "R48": 2, "R50:gap": 1, "R50:drift": 1, "R50:loss": 1, "R51": 5,
        }
    )  # fmt: skip
    complete: bool = True
    """Fail when the trial has fewer places for a fault than asked for; only a very small trial sets this False."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """The whole trial. `study` is STUDYID, `prefix` the first part of USUBJID."""

    study: str = "NIR-RLS"
    prefix: str = "NIR"
    seed: int = 20240355
    accrual_first: date = date(2024, 3, 4)
    accrual_last: date = date(2025, 11, 14)
    cut: date = date(2026, 6, 30)
    block: int = 19
    truth_subjects: int = 240_000
    arms: tuple[Arm, ...] = (
        Arm(code="SHAM", n=90, kind="sham", wavelength=850),
        Arm(code="NIR850-18", n=50, kind="nir", wavelength=850, irradiance=30, minutes=10),
        Arm(code="NIR850-36", n=50, kind="nir", wavelength=850, irradiance=30, minutes=20),
        Arm(code="NIR850-54", n=90, kind="nir", wavelength=850, irradiance=30, minutes=30),
        Arm(code="NIR850-90", n=50, kind="nir", wavelength=850, irradiance=30, minutes=50),
        Arm(code="NIR850-54H", n=50, kind="nir", wavelength=850, irradiance=60, minutes=15),
        Arm(code="NIR660-18", n=50, kind="nir", wavelength=660, irradiance=30, minutes=10),
        Arm(code="NIR660-54", n=50, kind="nir", wavelength=660, irradiance=30, minutes=30),
        Arm(code="ACTIVE", n=90, kind="drug"),
    )
    sites: tuple[Site, ...] = (
        Site(id="01", region="EU", tz="Europe/Berlin", language="de", weight=0.21),
        Site(id="02", region="EU", tz="Europe/Madrid", language="es", weight=0.15),
        Site(id="03", region="NA", tz="America/New_York", language="en", weight=0.19),
        Site(id="04", region="NA", tz="America/Denver", language="en", weight=0.16),
        Site(id="05", region="AP", tz="Australia/Sydney", language="en", weight=0.15),
        Site(id="06", region="AP", tz="Asia/Tokyo", language="ja", weight=0.14),
    )
    prevalence: Prevalence = field(default_factory=Prevalence)
    severity: Severity = field(default_factory=Severity)
    items: Items = field(default_factory=Items)
    placebo: Placebo = field(default_factory=Placebo)
    treatment: Treatment = field(default_factory=Treatment)
    events: Events = field(default_factory=Events)
    faults: Faults = field(default_factory=Faults)
    relapse: Relapse = field(default_factory=Relapse)

    @property
    def randomized(self) -> int:
        """Number of randomized subjects."""
        return sum(arm.n for arm in self.arms)


def parameters(trial: Trial) -> dict[str, Any]:
    """All parameters as JSON-ready values."""
    return json.loads(json.dumps(asdict(trial), default=str))


def outcome_hash(trial: Trial) -> str:
    """SHA-256 over everything the potential outcomes depend on; arm sizes, dates and planted faults are not part of it."""
    values = parameters(trial)
    relevant = {
        key: values[key]
        for key in ("seed", "truth_subjects", "prevalence", "severity", "items", "placebo", "treatment", "events", "relapse")
    }
    relevant["arms"] = [{key: value for key, value in arm.items() if key != "n"} for arm in values["arms"]]
    relevant["sites"] = [site["weight"] for site in values["sites"]]
    relevant["version"] = [MODEL_VERSION, TRUTH_VERSION]
    return hashlib.sha256(json.dumps(relevant, sort_keys=True).encode()).hexdigest()
