"""DI, DR and DU: the devices, who had them and how they measured on the bench."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nirls.simulate.schedule import TREATMENT_WEEKS
from nirls.simulate.text import iso, table
from nirls.simulate.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """The devices in use.

    Attributes
    ----------
    first, second : list of str
        Device of each randomized subject (empty in the drug arm), and its replacement (empty where none).
    replaced_day : array (n,)
        Day from which the replacement was used; 0 where none.
    returned : array (n,)
        Day of return; 0 in the drug arm.
    ageing : dict of str to float
        Loss of output per session, by device, as a share.
    firmware : dict of str to str
        Firmware by device.
    arm : dict of str to int
        Index of the arm whose regimen a device is set to.
    """

    first: list[str]
    second: list[str]
    replaced_day: NDArray[np.int64]
    returned: NDArray[np.int64]
    ageing: dict[str, float]
    firmware: dict[str, str]
    arm: dict[str, int]

    def device(self, subject: int, day: int) -> str:
        """Device of a subject on a day."""
        return self.second[subject] if self.second[subject] and day >= self.replaced_day[subject] else self.first[subject]


def fleet(world: World) -> Fleet:
    """Assign a device to every subject of a device arm; a few devices fail and are replaced."""
    rng, n = world.stream("DI"), world.n
    on = np.flatnonzero(world.on_device)
    number = rng.permutation(np.arange(1001, 1001 + len(on) + 40))
    first, second = [""] * n, [""] * n
    for place, k in enumerate(on):
        first[k] = f"DEV-{number[place]}"
    replaced = np.zeros(n, dtype=np.int64)
    long = [k for k in on if world.course.stop_week[k] == TREATMENT_WEEKS]
    for place, k in enumerate(rng.choice(long, size=min(8, len(long) // 4), replace=False)):
        second[k] = f"DEV-{number[len(on) + place]}"
        replaced[k] = world.day1[k] + 7 * int(rng.integers(3, 10))
    back = rng.integers(3, 12, n)
    returned = np.where(world.on_device, np.maximum(world.treatment_last, world.day1) + back, 0)
    used = [(device, k) for names in (first, second) for k, device in enumerate(names) if device]
    ageing = rng.uniform(0.0002, 0.0012, len(used))
    firmware = rng.choice(["2.1.0", "2.1.3"], size=len(used), p=[0.4, 0.6])
    return Fleet(
        first=first,
        second=second,
        replaced_day=replaced,
        returned=returned,
        ageing={device: float(a) for (device, _), a in zip(used, ageing, strict=True)},
        firmware={device: str(f) for (device, _), f in zip(used, firmware, strict=True)},
        arm={device: int(world.r["actual"][k]) for device, k in used},
    )


def register(world: World, devices: Fleet) -> pd.DataFrame:
    """DI: the device register."""
    ids = sorted(devices.arm)
    arms = [world.trial.arms[devices.arm[device]] for device in ids]
    sham = [arm.kind == "sham" for arm in arms]
    return table(
        {
            "SPDEVID": ids,
            "DIMODEL": [
                "LegPad S" if s else "LegPad R" if arm.wavelength == 660 else "LegPad N" for arm, s in zip(arms, sham, strict=True)
            ],
            "DISERIAL": [f"LP{int(device[4:]) * 7919 % 1000003:06d}" for device in ids],
            "DIFW": [devices.firmware[device] for device in ids],
            "DITYPE": ["SHAM" if s else "NIR" for s in sham],
            "WAVELENGTH": [str(arm.wavelength) for arm in arms],
            "IRRNOM": [f"{arm.irradiance:.0f}" for arm in arms],
            "AREA": "180",
            "PULSEHZ": "0",
            "DUTY": "1",
            "UDI": [f"(01)0{4012345000000 + int(device[4:])}(21)LP{int(device[4:]) * 7919 % 1000003:06d}" for device in ids],
        },
        len(ids),
    )


def assignment(world: World, devices: Fleet) -> pd.DataFrame:
    """DR: which subject had which device from when to when."""
    rows = []
    for k in np.flatnonzero(world.on_device):
        who, start = world.r["usubjid"][k], int(world.r["baseline"][k].toordinal())
        end = int(devices.returned[k])
        completed = world.treatment_reason[k] == "COMPLETED"
        reason = "END OF TREATMENT" if completed else "TREATMENT DISCONTINUED"
        if devices.second[k]:
            rows.append((devices.first[k], who, start, int(devices.replaced_day[k]) - 1, "MALFUNCTION, REPLACED"))
            rows.append((devices.second[k], who, int(devices.replaced_day[k]), end, reason))
        else:
            rows.append((devices.first[k], who, start, end, reason))
    cells = list(zip(*rows, strict=True))
    return table(
        {"SPDEVID": cells[0], "USUBJID": cells[1], "DRSTDTC": iso(cells[2]), "DRENDTC": iso(cells[3]), "DRREASON": cells[4]}, len(rows)
    )


def calibration(world: World, devices: Fleet) -> pd.DataFrame:
    """DU: irradiance on the bench (mW/cm²) before dispensing, about every six weeks and after return."""
    rng = world.stream("DU")
    rows = []
    for k in np.flatnonzero(world.on_device):
        days = np.sort(world.session_day[k][world.session_day[k] > 0])
        for device in (devices.first[k], devices.second[k]):
            if not device:
                continue
            begin = int(world.r["baseline"][k].toordinal()) if device == devices.first[k] else int(devices.replaced_day[k])
            end = int(devices.replaced_day[k]) - 1 if device == devices.first[k] and devices.second[k] else int(devices.returned[k])
            bench = [begin - int(rng.integers(2, 9))]
            while bench[-1] + 55 < end:
                bench.append(bench[-1] + int(rng.integers(38, 48)))
            bench.append(max(end + int(rng.integers(1, 6)), bench[-1] + 1))
            arm = world.trial.arms[devices.arm[device]]
            mine = days[(days >= begin) & (days <= end)]
            for day in bench:
                share = (1 - devices.ageing[device]) ** int((mine < day).sum())
                measured = arm.irradiance * share * (1 + rng.normal(0, 0.008))
                rows.append(
                    (
                        device,
                        day,
                        f"{measured:.2f}" if arm.kind == "nir" else "0.00",
                        f"PM-{rng.integers(1, 5)}",
                        f"{rng.normal(23, 0.8):.1f}",
                    )
                )
    rows.sort(key=lambda row: (row[0], row[1]))
    cells = list(zip(*rows, strict=True))
    return table({"SPDEVID": cells[0], "DUDTC": iso(cells[1]), "DUIRR": cells[2], "DUMETER": cells[3], "DUTEMP": cells[4]}, len(rows))
