"""What is drawn once for a subject: characteristics, random effects and all random numbers of the course.

The same draws serve every arm (common random numbers), so that a difference of potential outcomes is a
difference within subjects.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from nirls.simulate.config import Arm, Trial
from nirls.simulate.irls import IMPACT_ITEMS, N_ITEMS, SYMPTOM_ITEMS
from nirls.simulate.schedule import LAST_WEEK, N_VISITS, TREATMENT_WEEKS
from nirls.simulate.streams import stream

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subjects:
    """Characteristics and random numbers of n subjects; the first axis of every array is the subject.

    `residual` holds weeks −2, 0, 1 … 21 (columns 0, 1, 2 …); uniforms are on (0, 1).
    """

    site: NDArray[np.int64]
    microvascular: BoolArray
    refractory: BoolArray
    secondary: BoolArray
    kidney: BoolArray
    neuropathy: BoolArray
    dopamine: BoolArray
    log_ferritin: FloatArray
    base: FloatArray
    slope: FloatArray
    residual: FloatArray
    factor: FloatArray
    item_trait: FloatArray
    item_noise: FloatArray
    placebo: FloatArray
    oxygenation: FloatArray
    adherence: FloatArray
    u_sessions: FloatArray
    u_stop: FloatArray
    u_stop_ae: FloatArray
    u_retrieved: FloatArray
    u_reason: FloatArray
    u_leave: FloatArray
    u_missed: FloatArray
    u_missed_irls: FloatArray
    u_rescue: FloatArray
    u_relapse: FloatArray
    u_augmentation: FloatArray
    augmentation_week: FloatArray
    never_treated: BoolArray

    def take(self, index: NDArray) -> Subjects:
        """The subjects at `index` (integers or a mask)."""
        return Subjects(**{f.name: getattr(self, f.name)[index] for f in fields(self)})

    def __len__(self) -> int:
        return len(self.base)


def site_effects(trial: Trial) -> FloatArray:
    """Lasting difference of each site's severity, points; fixed for the trial."""
    return trial.severity.site_sd * stream(trial.seed, "site effects").standard_normal(len(trial.sites))


def _residuals(rng: np.random.Generator, n: int, trial: Trial) -> FloatArray:
    """Stationary first-order autoregression over weeks −2, 0, 1 … 21."""
    severity = trial.severity
    out = rng.standard_normal((n, LAST_WEEK + 2))
    step = np.array([2, *[1] * LAST_WEEK])
    for k in range(1, LAST_WEEK + 2):
        rho = severity.residual_ar1_week ** step[k - 1]
        out[:, k] = rho * out[:, k - 1] + np.sqrt(1 - rho**2) * out[:, k]
    return severity.residual_sd * out


def draw(rng: np.random.Generator, n: int, trial: Trial, effects: FloatArray) -> Subjects:
    """Draw n candidates for the trial, before any screening."""
    s, e, prevalence = trial.severity, trial.events, trial.prevalence
    weights = np.array([site.weight for site in trial.sites])
    site = rng.choice(len(weights), size=n, p=weights / weights.sum())
    flags = {name: rng.random(n) < getattr(prevalence, name) for name in ("microvascular", "refractory", "dopamine")}
    secondary = rng.random(n) < prevalence.secondary
    # secondary RLS goes with kidney disease and neuropathy; the marginal prevalences stay as configured
    kidney = rng.random(n) < np.where(
        secondary, 0.7 * prevalence.kidney / prevalence.secondary, 0.3 * prevalence.kidney / (1 - prevalence.secondary)
    )
    neuropathy = rng.random(n) < np.where(
        secondary, 0.5 * prevalence.neuropathy / prevalence.secondary, 0.5 * prevalence.neuropathy / (1 - prevalence.secondary)
    )
    log_ferritin = rng.standard_normal(n)
    z = rng.standard_normal((n, 2))
    trait, slope = z[:, 0], s.slope_trait_corr * z[:, 0] + np.sqrt(1 - s.slope_trait_corr**2) * z[:, 1]
    base = (
        s.mean
        + s.trait_sd * trait
        + effects[site]
        + s.refractory * (flags["refractory"] - prevalence.refractory)
        + s.log_ferritin * log_ferritin
    )
    symptom, impact = trial.items.symptom_factor_sd * rng.standard_normal(n), trial.items.impact_factor_sd * rng.standard_normal(n)
    factor = np.zeros((n, N_ITEMS))
    factor[:, SYMPTOM_ITEMS] = symptom[:, None]
    factor[:, IMPACT_ITEMS] = impact[:, None]
    shape = (1 - e.adherence_rho) / e.adherence_rho
    return Subjects(
        site=site,
        secondary=secondary,
        kidney=kidney,
        neuropathy=neuropathy,
        log_ferritin=log_ferritin,
        base=base,
        slope=s.slope_sd_week * slope,
        residual=_residuals(rng, n, trial),
        factor=factor,
        item_trait=trial.items.trait_sd * rng.standard_normal((n, N_ITEMS)),
        item_noise=rng.logistic(size=(n, N_VISITS, N_ITEMS)),
        placebo=trial.placebo.mean + trial.placebo.sd * rng.standard_normal(n),
        oxygenation=trial.treatment.oxygenation_sd * rng.standard_normal(n),
        adherence=rng.beta(e.adherence_mean * shape, (1 - e.adherence_mean) * shape, n).clip(0.02, 0.999),
        u_sessions=rng.random((n, TREATMENT_WEEKS, 3)),
        u_stop=rng.random((n, TREATMENT_WEEKS)),
        u_stop_ae=rng.random((n, TREATMENT_WEEKS)),
        u_retrieved=rng.random(n),
        u_reason=rng.random(n),
        u_leave=rng.random((n, LAST_WEEK + 1)),
        u_missed=rng.random((n, N_VISITS)),
        u_missed_irls=rng.random((n, N_VISITS)),
        u_rescue=rng.random((n, LAST_WEEK + 1)),
        u_relapse=rng.random((n, LAST_WEEK + 1)),
        u_augmentation=rng.random(n),
        augmentation_week=rng.integers(4, 11, n).astype(float),
        never_treated=rng.random(n) < e.never_treated,
        **flags,
    )


def relative_effect(arm: Arm, trial: Trial) -> float:
    """Effect of an arm's regimen as a share of the largest effect of light; 0 for sham and for the drug.

    The irradiance–time product does not alone decide the effect (no reciprocity): a regimen at another
    irradiance than the reference is multiplied by (irradiance / reference) to the configured exponent.
    """
    if arm.kind != "nir":
        return 0.0
    t, d = trial.treatment, arm.fluence
    largest = max(other.fluence for other in trial.arms)
    shape = {
        "umbrella": lambda: np.exp(-(np.log(d / t.peak) ** 2) / (2 * t.spread**2)),
        "emax": lambda: d / (t.ed50 + d),
        "linear": lambda: d / largest,
        "flat": lambda: 1.0,
        "zero": lambda: 0.0,
    }[t.shape]()
    red = t.red_factor if arm.wavelength is not None and arm.wavelength < 700 else 1.0
    return float(shape * red * (arm.irradiance / t.reference_irradiance) ** t.reciprocity_exponent)
