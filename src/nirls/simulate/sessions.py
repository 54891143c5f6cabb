"""DX: the devices' own logs, one record per session, in coordinated universal time with the zone."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from nirls.simulate.devices import Fleet
from nirls.simulate.text import table
from nirls.simulate.world import World

UTC = ZoneInfo("UTC")
FAULT_CODES = {
    "Pad does not switch on": "E01",
    "Display shows an error and stops": "E12",
    "One row of diodes dark": "E21",
    "Battery does not charge": "E30",
    "Device failed and was replaced": "E99",
}
"""Fault code the device shows for each malfunction of DE."""
COLUMNS = (
    "SPDEVID", "SESSION_ID", "USUBJID", "START_UTC", "END_UTC", "TZ", "ON_SEC", "IRR_MEAN", "IRR_MAX", "FLUENCE", "TEMP_SKIN", "CONTACT",
    "STATUS", "FAULT_CODE", "FW", "SEQ_NO", "CLOCK_SYNC_OFFSET",
)  # fmt: skip


def utc_text(moment: datetime) -> str:
    """ISO 8601 in UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def sessions(world: World, devices: Fleet, deficiencies: pd.DataFrame) -> pd.DataFrame:
    """DX: fluence (J/cm²) is mean irradiance (mW/cm²) × time on (s) / 1000; all devices emit continuously.

    A session on the day of a malfunction in `deficiencies` (DE) ends early with a fault code.
    """
    broken = deficiencies[deficiencies["DECAT"] == "MALFUNCTION"]
    faults = {(d, t): FAULT_CODES[term] for d, t, term in zip(broken["SPDEVID"], broken["DESTDTC"], broken["DETERM"], strict=True)}
    rng = world.stream("DX")
    parts: dict[str, list[str]] = {name: [] for name in COLUMNS}
    habit = rng.normal(20.1, 0.7, world.n)
    reach = rng.beta(14, 1.2, world.n)
    for k in np.flatnonzero(world.on_device):
        days = np.sort(world.session_day[k][world.session_day[k] > 0])
        m = len(days)
        draws = {name: rng.random(m) for name in ("status", "short", "pause", "max")}
        hour = (habit[k] + rng.normal(0, 0.75, m)).clip(17.3, 22.6)
        second = rng.integers(0, 60, m)
        level, warmth, offset = rng.normal(0, 0.006, m), rng.normal(0, 0.5, m), rng.integers(-15, 16, m)
        contact = (reach[k] + rng.normal(0, 0.03, m)).clip(0.55, 1.0)
        own_skin = rng.normal(31.6, 0.7)
        zone = ZoneInfo(world.trial.sites[world.r["site"][k]].tz)
        sequence: dict[str, int] = {}
        for j, day in enumerate(days):
            device = devices.device(k, int(day))
            arm = world.trial.arms[devices.arm[device]]
            sequence[device] = sequence.get(device, 0) + 1
            planned = round(arm.minutes * 60)
            status = "aborted" if draws["status"][j] < 0.025 else "paused" if draws["status"][j] < 0.055 else "ok"
            if status == "aborted" and j == 0:
                status = "ok"
            code = faults.get((device, date.fromordinal(int(day)).isoformat()), "")
            status = "fault" if code else status
            on = int(planned * (0.18 + 0.7 * draws["short"][j])) if status in ("aborted", "fault") else planned - int(6 * draws["short"][j])
            pause = int(60 + 340 * draws["pause"][j]) if status == "paused" else int(3 + 25 * draws["pause"][j])
            start = datetime.fromordinal(int(day)).replace(tzinfo=zone) + timedelta(minutes=int(60 * hour[j]), seconds=int(second[j]))
            begin = start.astimezone(UTC)
            mean = round(arm.irradiance * (1 + level[j]), 2)
            parts["SPDEVID"].append(device)
            parts["SESSION_ID"].append(f"{device[4:]}-{sequence[device]:04d}")
            parts["USUBJID"].append(world.r["usubjid"][k])
            parts["START_UTC"].append(utc_text(begin))
            parts["END_UTC"].append(utc_text(begin + timedelta(seconds=on + pause)))
            parts["TZ"].append(zone.key)
            parts["ON_SEC"].append(str(on))
            parts["IRR_MEAN"].append(f"{mean:.2f}")
            parts["IRR_MAX"].append(f"{mean * (1.012 + 0.03 * draws['max'][j]) if mean else 0.25 * draws['max'][j]:.2f}")
            parts["FLUENCE"].append(f"{mean * on / 1000:.2f}")
            parts["TEMP_SKIN"].append(f"{own_skin + 0.055 * arm.irradiance + 0.018 * arm.fluence + warmth[j]:.1f}")
            parts["CONTACT"].append(f"{contact[j]:.2f}")
            parts["STATUS"].append(status)
            parts["FAULT_CODE"].append(code)
            parts["FW"].append(devices.firmware[device])
            parts["SEQ_NO"].append(str(sequence[device]))
            parts["CLOCK_SYNC_OFFSET"].append(str(offset[j]))
    return table(parts, len(parts["USUBJID"]))
