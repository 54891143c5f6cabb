"""Make the whole trial and write its folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nirls.simulate.config import Trial
from nirls.simulate.course import NOT
from nirls.simulate.devices import Fleet
from nirls.simulate.faults import plant
from nirls.simulate.readme import readme
from nirls.simulate.text import fixed, table
from nirls.simulate.trial import clean_tables
from nirls.simulate.truth import truth
from nirls.simulate.world import World
from nirls.simulate.write import write_json, write_table


def _with_dose(log: pd.DataFrame, devices: Fleet) -> pd.DataFrame:
    """The fault-free log with the hidden columns: an ageing device delivers less than it reports."""
    before = log["SEQ_NO"].astype(int) - 1
    share = np.array([(1 - devices.ageing[device]) ** n for device, n in zip(log["SPDEVID"], before, strict=True)])
    return log.assign(_who=log["USUBJID"], _dose=log["FLUENCE"].astype(float) * share, _took=1)


def hidden(world: World, delivered: pd.DataFrame) -> pd.DataFrame:
    """What nobody could see: latent values, events and the treatment really delivered."""
    c, s, r = world.course, world.subjects, world.r
    delivered = delivered.reindex(r["usubjid"]).fillna(0)
    codes = np.array([arm.code for arm in world.trial.arms])

    def whole(values: NDArray) -> list[str]:
        return ["" if v == NOT else str(int(v)) for v in values]

    return table(
        {
            "USUBJID": r["usubjid"],
            "ARMCD": codes[r["arm"]],
            "ACTARMCD": codes[r["actual"]],
            "MICROVASCULAR": whole(s.microvascular),
            "REFRACTORY": whole(s.refractory),
            "SECONDARY": whole(s.secondary),
            "THETA0": fixed(c.theta[:, 0], 3),
            "PLACEBO": fixed(s.placebo, 3),
            "STOP_WEEK": whole(c.stop_week),
            "EXIT_WEEK": whole(c.exit_week),
            "RETRIEVED": whole(c.retrieved),
            "RESCUE_WEEK": whole(c.rescue_week),
            "RELAPSE_WEEK": whole(c.relapse_week),
            "AUGMENTED": whole(c.augmented),
            "SESSIONS": whole(delivered["sessions"].to_numpy()),
            "FLUENCE_TOTAL": fixed(delivered["fluence"].to_numpy(), 1),
        },
        world.n,
    )


def make(trial: Trial) -> dict[str, pd.DataFrame]:
    """All tables of the trial by file stem: the raw files, the answer key and the hidden truth by subject."""
    world, devices, clean = clean_tables(trial)
    tables, key, delivered = plant(trial, clean | {"dx": _with_dose(clean["dx"], devices)})
    return tables | {"answer-key": key, "truth-subjects": hidden(world, delivered)}


def export(trial: Trial, out: Path) -> dict[str, int]:
    """Write the folder of the trial; returns the number of records of each file.

    The Monte-Carlo truth is taken from an existing `truth.json` when that was made with the same parameters.
    """
    out.mkdir(parents=True, exist_ok=True)
    tables = make(trial)
    for name, frame in tables.items():
        write_table(out, name, frame)
    values = truth(trial, out / "truth.json")
    write_json(out / "truth.json", values)
    (out / "README.md").write_text(readme(trial, tables, values), encoding="utf-8")
    return {name: len(frame) for name, frame in tables.items()}
