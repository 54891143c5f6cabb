"""Parameters of the light as specified and as measured, and how completely they are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field

from nirls.methods._groups import denominators
from nirls.methods.registry import AnalysisData, MethodResult, method
from nirls.plan.base import PlanModel

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from nirls.plan.analysis import Analysis
    from nirls.plan.course import Regimen
    from nirls.plan.load import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One item: `of` says what a value belongs to (session, device, subject), `column` is a variable of ADEX, empty if not measured."""

    code: str
    unit: str
    column: str = ""
    of: str = "session"


ITEMS = (
    Item(code="wavelength", unit="nm", column="WAVELEN", of="device"),
    Item(code="spectral_width", unit="nm"),
    Item(code="power", unit="mW", column="POWER"),
    Item(code="irradiance", unit="mW/cm²", column="AIRR"),
    Item(code="area", unit="cm²", column="AREA", of="device"),
    Item(code="pulse", unit="Hz", column="PULSEHZ", of="device"),
    Item(code="duty", unit="", column="DUTY", of="device"),
    Item(code="time", unit="min", column="MINUTES"),
    Item(code="fluence", unit="J/cm²", column="AFLU"),
    Item(code="energy", unit="J", column="AENERGY"),
    Item(code="site", unit=""),
    Item(code="sessions", unit="", column="SESSIONS", of="subject"),
    Item(code="interval", unit="days", column="GAPDAYS"),
    Item(code="output", unit="%", column="OUTPUT"),
)
"""Beam, dose and schedule after Jenkins and Carroll, "How to report low-level laser therapy (LLLT)/photomedicine dose and beam parameters
in clinical and laboratory studies", Photomed Laser Surg 29 (2011) 785–787; output against nominal stands for the calibration."""


class DeviceParametersOptions(PlanModel):
    """Options of `device_parameters`."""

    minimum: int = Field(1, description="Sessions (devices, subjects) an arm must have for an item to count as measured.", ge=1)

    def cross_check(self, entry: Analysis, plan: Plan) -> Iterator[str]:
        """The entry reads ADEX by arm."""
        if entry.dataset != "ADEX":
            yield f"takes the sessions of ADEX, not {entry.dataset}"
        if entry.group is None:
            yield "needs `group`, the treatment variable"


@method("device_parameters", options=DeviceParametersOptions)
def device_parameters(data: AnalysisData, options: DeviceParametersOptions) -> MethodResult:
    """Each item of the light by arm: what the regimen specifies, mean and SD as measured, and the number of items known."""
    from nirls.ard.build import row, rows

    frame, group = data.frame, data.spec.group
    assert group is not None
    frame = frame.assign(POWER=frame["AIRR"] * frame["AREA"], MINUTES=frame["ONSEC"] / 60, OUTPUT=100 * frame["OUTSHARE"])
    frame["SESSIONS"] = frame.groupby("USUBJID")["ASEQ"].transform("size").astype("float64")
    frame = frame.astype({name: "float64" for name in {item.column for item in ITEMS} if name})
    found = denominators(data, total=False)
    for arm in frame[group].cat.categories:
        own = frame[frame[group] == arm]
        regimen = data.plan.study.arms[str(arm)].regimen
        key: dict[str, Any] = {"group1": group, "group1_level": str(arm)}
        known = {"specified": 0, "measured": 0}
        for item in ITEMS:
            wanted = specified(regimen, item.code)
            place = {**key, "variable": item.code, "unit": item.unit}
            if wanted is not None:
                known["specified"] += 1
                text = isinstance(wanted, str)
                found.append(row("specified", None if text else float(wanted), stat_text=wanted if text else "", **place))
            values = measured(own, item)
            if item.column and len(values):
                known["measured"] += len(values) >= options.minimum
                spread = float(values.std()) if len(values) > 1 else None
                found += rows({"n": len(values), "mean": float(values.mean())}, **place)
                found.append(row("sd", spread, error="" if spread is not None else "one value", **place))
        for what, n in known.items():
            level = {**key, "variable": "completeness", "variable_level": what}
            found += rows({"n": n, "p": 100 * n / len(ITEMS)}, **level)
    found.append(row("n_obs", len(ITEMS), variable="completeness"))
    notes = (
        "Measured: wavelength, area, pulse and duty cycle from the register of devices; irradiance, time, fluence and energy from the "
        "session logs, corrected by the calibrations; output is that of the device by its calibrations, per cent of the nominal one.",
        "Items after Jenkins and Carroll (2011).",
    )
    return MethodResult(rows=found, footnotes=notes)


def measured(own: pd.DataFrame, item: Item) -> pd.Series:
    """Values of an item in the sessions of one arm: one for each session, device or subject."""
    import pandas as pd

    if not item.column:
        return pd.Series(dtype="float64")
    by = {"device": "SPDEVID", "subject": "USUBJID"}.get(item.of)
    return (own if by is None else own.drop_duplicates(by))[item.column].dropna()


def specified(regimen: Regimen | None, code: str) -> float | str | None:
    """What a regimen says of an item; power and energy follow from irradiance, fluence and area."""
    r = regimen
    if r is None:
        return None

    def times(a: float | None, b: float | None) -> float | None:
        return None if a is None or b is None else a * b

    values: dict[str, float | str | None] = {
        "wavelength": r.wavelength_nm, "spectral_width": r.spectral_width_nm, "power": times(r.irradiance_mw_cm2, r.area_cm2),
        "irradiance": r.irradiance_mw_cm2, "area": r.area_cm2, "pulse": r.pulse_hz, "duty": r.duty, "time": r.minutes,
        "fluence": r.fluence_j_cm2, "energy": times(r.fluence_j_cm2, r.area_cm2), "site": r.site,
        "sessions": times(r.sessions_per_week, r.weeks), "interval": 7 / r.sessions_per_week if r.sessions_per_week else None,
        "output": 100.0 if r.irradiance_mw_cm2 else None,
    }  # fmt: skip
    return values[code]
