"""What happens in the course of a trial: regimens and sessions, the diary, times to an event (parts of `study.yaml`)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from nirls.plan.base import PlanModel


class Regimen(PlanModel):
    """The device regimen an arm is assigned to, as specified."""

    wavelength_nm: float | None = Field(None, description="Peak wavelength, nm.", ge=100, le=2000)
    irradiance_mw_cm2: float | None = Field(None, description="Irradiance at the skin, mW/cm².", ge=0)
    minutes: float | None = Field(None, description="Planned duration of one session, minutes.", gt=0)
    fluence_j_cm2: float | None = Field(None, description="Planned fluence of one session, J/cm².", ge=0)
    sessions_per_week: float | None = Field(None, description="Planned sessions per week.", gt=0)
    spectral_width_nm: float | None = Field(None, description="Width of the spectrum at half its maximum, nm.", gt=0)
    area_cm2: float | None = Field(None, description="Area of the beam at the skin, cm².", gt=0)
    pulse_hz: float | None = Field(None, description="Pulse frequency, Hz; 0 for continuous light.", ge=0)
    duty: float | None = Field(None, description="Share of the time in which pulsed light is on; 1 for continuous light.", gt=0, le=1)
    site: str | None = Field(None, description="Where on the body the light is applied.")
    weeks: float | None = Field(None, description="Planned weeks of treatment; without it no number of sessions is prescribed.", gt=0)


class Sessions(PlanModel):
    """How the log of device sessions (DX) becomes delivered dose (data sets ADEX and ADEXSUM)."""

    irradiance_basis: Literal["average", "peak"] = Field(
        "average", description="What IRR_MEAN of the log is: the average over pulses, or the peak, times the duty cycle."
    )
    within: float = Field(0.20, description="A session is as prescribed when its fluence lies within this share of the planned one.", gt=0)
    calibration: Literal["none", "interpolated", "decay"] = Field(
        "interpolated",
        description="How the dose the log reports is corrected by the calibrations (DU) of the device, as a share of its nominal output: "
        "not at all; log-linear in the number of sessions between calibrations; or by one loss per session for the device, the "
        "least-squares line of the log of the share on the number of sessions, through 1 before the first session.",
    )
    longest_interval_days: int = Field(
        4, description="A session is on schedule when it is on a day of its own and at most this many days after the one before.", ge=1
    )


class Diary(PlanModel):
    """The diary in QS that becomes the data set ADDIARY."""

    category: str = Field(description="QSCAT of its records.")
    score: str = Field(description="QSTESTCD of the score.")
    label: str = Field(description="What the score is, with its range.")
    onset: str | None = Field(None, description="QSTESTCD of the local clock time (HH:MM) at which symptoms began that day.")
    evening_from: float = Field(17.0, description="Clock time (h) from which the last entry of a day is its evening entry.", ge=0, lt=24)


class TimeToEvent(PlanModel):
    """A time from the end of treatment to a confirmed relapse (data set ADTTE)."""

    label: str = Field(description="What is timed.")
    start: str = Field("TRTEDT", description="ADSL date at which the clock starts.")
    at_risk: str = Field(
        description="Condition over ADSL: who is at risk. Everybody who completed treatment; to condition on response selects after "
        "randomization, and the arms are then no longer comparable."
    )
    param: str = Field(description="PARAMCD of the total.")
    reference_week: float = Field(description="Week of the visit that values are compared with.")
    rise: float | None = Field(None, description="Rise over the reference visit, points.", gt=0)
    loss_percent: float | None = Field(None, description="Loss of the improvement from baseline to the reference visit, per cent.", gt=0)
    at_least: float | None = Field(None, description="Value from which it can be a relapse.")
    worse: str | None = Field(None, description="PARAMCD that must be above its value at the reference visit too (higher is worse).")
    confirm_days: int = Field(
        7, description="The last of the visits in succession that meet the rule is so many days after the first.", ge=1
    )
    or_withdrawal: str | None = Field(None, description="Condition over ADSL that is an event at the end of the study (EOSDT).")
    competing: list[str] = Field(default_factory=list, description="Keys of `intercurrent_events` that compete with the event.")

    @model_validator(mode="after")
    def _has_a_rule(self) -> TimeToEvent:
        if self.rise is None and self.loss_percent is None:
            raise ValueError("a relapse needs `rise` or `loss_percent`")
        return self
